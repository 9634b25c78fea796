// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and order of the verdicts, and what a pass is owed. Who gives which verdict is up to the
 * controller and the model.
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
#define TRANSLATION "translate-retrieved", "translate-adopted"

static const char * const translation_proofs[] = { TRANSLATION, NULL };

static const char * const dma_proofs[] = {
	TRANSLATION,   "blackout-arrivals", "unpreserved-blocked", "frames", "signatures",
	"completions", NULL,
};

static const char * const fio_proofs[] = { TRANSLATION, "fio-in-flight", NULL };

_Static_assert(ARRAY_SIZE(dma_proofs) <= RESULTS_MAX_PROOFS, "a bit each");

static const struct {
	const char *proof;
	const char *claim;
} claims[] = {
	{ "blackout-arrivals", "DMA is not proven to have gone on in the blackout" },
	{ "unpreserved-blocked", "a device that is not preserved is not proven to be blocked" },
	{ "frames", "frames are not proven to be accounted for" },
	{ "signatures", "what DMA wrote is not proven to be right" },
	{ "fio-in-flight", "writes that were in flight are not proven to be verified" },
	{ "completions", "commands are not proven to have been completed" },
};

const char *const *results_loop_proofs(const char *workload)
{
	if (workload && !strcmp(workload, "fio"))
		return fio_proofs;
	return workload && !strcmp(workload, "dma") ? dma_proofs : translation_proofs;
}

const char *results_proof_claim(const char *proof)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(claims); i++)
		if (!strcmp(proof, claims[i].proof))
			return claims[i].claim;
	return "the preserved domains are not proven to translate";
}

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
