// SPDX-License-Identifier: GPL-2.0-only
/* The workload "dpdk": its one scenario (stress/scenarios/dpdk.c) does all of it, and preserves nothing. */
#include "agent.h"

static int dpdk_begin(struct agent *a)
{
	return 0;
}

const struct workload workload_dpdk = {
	.name = "dpdk",
	.begin = dpdk_begin,
};
