// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and order of the verdicts. Who gives which verdict is up to the controller and the model.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static const char * const verdict_names[RESULTS_NR_VERDICTS] = {
	[RESULTS_SKIP] = "skip",
	[RESULTS_PASS] = "pass",
	[RESULTS_WARN] = "warn",
	[RESULTS_DMESG_WARN] = "dmesg-warn",
	[RESULTS_NOTRUN] = "notrun",
	[RESULTS_INCOMPLETE] = "incomplete",
	[RESULTS_FAIL] = "fail",
	[RESULTS_DMESG_FAIL] = "dmesg-fail",
	[RESULTS_TIMEOUT] = "timeout",
	[RESULTS_CRASH] = "crash",
	[RESULTS_ABORT] = "abort",
};

/* The agent looks twice: at what it got, and at what it has taken over. */
const char *const results_loop_proofs[RESULTS_NR_LOOP_PROOFS] = {
	"translate-retrieved",
	"translate-adopted",
};

const char *results_verdict_name(enum results_verdict verdict)
{
	return (unsigned int)verdict < RESULTS_NR_VERDICTS ? verdict_names[verdict] : "unknown";
}

int results_verdict_parse(const char *name, enum results_verdict *verdict)
{
	unsigned int i;

	for (i = 0; name && i < RESULTS_NR_VERDICTS; i++) {
		if (!strcmp(name, verdict_names[i])) {
			*verdict = i;
			return 0;
		}
	}
	return -EINVAL;
}

enum results_verdict results_verdict_worse(enum results_verdict a, enum results_verdict b)
{
	if ((a == RESULTS_FAIL && b == RESULTS_DMESG_WARN) ||
	    (a == RESULTS_DMESG_WARN && b == RESULTS_FAIL))
		return RESULTS_DMESG_FAIL;
	return a > b ? a : b;
}

bool results_verdict_ok(enum results_verdict verdict)
{
	return verdict == RESULTS_SKIP || verdict == RESULTS_PASS || verdict == RESULTS_WARN;
}
