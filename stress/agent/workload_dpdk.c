// SPDX-License-Identifier: GPL-2.0-only
/* The workload "dpdk": its one scenario (stress/scenarios/dpdk.c) does all of it, and preserves nothing. */
#include "agent.h"

static int dpdk_begin(struct agent *a)
{
	return 0;
}

static const char *const metrics[] = { "dpdk_gap", "dpdk_forward_ours", "dpdk_rx_ours",
				       "dpdk_tx_ours", NULL };

const struct workload workload_dpdk = {
	.name = "dpdk",
	.metrics = metrics,
	.begin = dpdk_begin,
};
