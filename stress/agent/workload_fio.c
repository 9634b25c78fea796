// SPDX-License-Identifier: GPL-2.0-only
/* The workload "fio": an NVMe controller that fio has to itself. Its scenarios are in scenarios/fio.c. */
#include "agent.h"

static int begin(struct agent *a)
{
	return 0;
}

static uint64_t memory_bytes(const struct agent *a)
{
	return 0;
}

/* As yet nothing of it is preserved: only scenarios that need none of the other steps can be done. */
const struct workload workload_fio = {
	.name = "fio",
	.begin = begin,
	.memory_bytes = memory_bytes,
};
