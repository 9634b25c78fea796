// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and order of the verdicts, and what a pass is owed. Who gives which verdict is up to the
 * controller and the model.
 */
#include <errno.h>
#include <string.h>

#include <flbench/workload.h>

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

#define OF_DMA \
	TRANSLATION, "blackout-arrivals", "unpreserved-blocked", "frames", "signatures", "completions"
#define OF_FIO TRANSLATION, "fio-in-flight"
/* DPDK beside one of them. */
#define OF_DPDK "dpdk-gap", "dpdk-quiet", "dpdk-whole", "dpdk-at-once"

static const char * const dma_proofs[] = { OF_DMA, NULL };
static const char * const fio_proofs[] = { OF_FIO, NULL };
static const char * const dma_dpdk_proofs[] = { OF_DMA, OF_DPDK, "dpdk-blocked", NULL };
static const char * const fio_dpdk_proofs[] = { OF_FIO, OF_DPDK, NULL };

_Static_assert(ARRAY_SIZE(dma_dpdk_proofs) <= RESULTS_MAX_PROOFS, "a bit each");

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
	{ "dpdk-gap", "DPDK is not proven to have been started anew" },
	{ "dpdk-quiet", "DPDK's cards are not proven to have been stopped" },
	{ "dpdk-blocked", "DPDK's cards are not proven to be blocked" },
	{ "dpdk-whole", "DPDK's frames are not proven to come back whole" },
	{ "dpdk-at-once", "DPDK is not proven to work beside what is preserved" },
};

const char *const *results_loop_proofs(const char *workload)
{
	const bool beside = workload && workload_has(workload, "dpdk");

	if (workload && workload_has(workload, "fio"))
		return beside ? fio_dpdk_proofs : fio_proofs;
	if (workload && workload_has(workload, "dma"))
		return beside ? dma_dpdk_proofs : dma_proofs;
	return translation_proofs;
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
