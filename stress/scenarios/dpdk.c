// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scenario of the workload "dpdk": in each kernel our program and testpmd move frames between the
 * same two network cards, in the same bursts, and every frame is seen to arrive. Nothing is preserved:
 * how long DPDK is away, and what starting anew costs, is what is measured across the kexec.
 */
#include <json-c/json.h>
#include <stddef.h>

#include <flbench/cleanup.h>

#include "../agent/agent.h"
#include "../agent/dpdk.h"
#include "scenarios.h"

/* Each frame goes out and comes back with its bytes and in its order; one that is damaged does not. */
#define FRAMES (2 * 3 * 512)

static int check_frames(struct agent *a)
{
	static const char *const frames[] = { DPDK_HUGE, "-m",		"loop", "-n",	 "512",
					      "-s",	 "64,512,1514", "-t",	DPDK_SECONDS, NULL };
	static const char *const twin[] = { DPDK_HUGE, "-m",	 "loop", "-n",	  "64",
					    "--fault", "damage", "-t",	 DPDK_SECONDS, NULL };
	struct json_object *report __json = NULL, *broken __json = NULL;
	int err = dpdk_run(a, frames, 0, &report);

	if (err)
		return err;
	agent_check(a, "dpdk-frames", dpdk_figure(report, "arrived_frames", -1, DPDK_SUM) == FRAMES,
		    "%llu frames of 64, 512 and 1514 bytes came back as they were sent, in order",
		    (unsigned long long)dpdk_figure(report, "arrived_frames", -1, DPDK_SUM));
	agent_metric_ticks(a, "dpdk_latency_p50",
			   dpdk_figure(report, "latency_p50_cycles", -1, DPDK_LEAST));
	agent_metric_ticks(a, "dpdk_latency_p99",
			   dpdk_figure(report, "latency_p99_cycles", -1, DPDK_LEAST));
	if (a->log.cycle)
		return 0;
	err = dpdk_run(a, twin, 1, &broken);
	if (!err)
		agent_check(a, "dpdk-frames-twin",
			    dpdk_figure(broken, "damaged_frames", -1, DPDK_SUM) == 2,
			    "of a frame damaged on purpose in each direction %llu are noticed",
			    (unsigned long long)dpdk_figure(broken, "damaged_frames", -1,
							    DPDK_SUM));
	return err;
}

int dpdk_boot(struct agent *a)
{
	static struct dpdk_run mine[DPDK_MODES][DPDK_REPEATS], peer[DPDK_MODES][DPDK_REPEATS];
	struct json_object *reports[DPDK_MODES] = { 0 };
	int err;

	event_stage(&a->log, "dpdk", true);
	err = dpdk_take(a);
	for (unsigned int mode = 0; !err && mode < DPDK_MODES; mode++)
		err = dpdk_measure(a, mode, DPDK_HUGE, mine[mode], &reports[mode]);
	if (!err && a->log.cycle) {
		dpdk_report_gap(a, reports[DPDK_FORWARD]);
		dpdk_report_costs(a, DPDK_FORWARD, "after", mine[DPDK_FORWARD]);
		dpdk_report_throughput(a, reports[DPDK_FORWARD], true);
	}
	if (!err)
		err = check_frames(a);
	if (!err)
		err = dpdk_testpmd(a, DPDK_MODES, peer);
	for (unsigned int mode = 0; mode < DPDK_MODES; mode++) {
		json_object_put(reports[mode]);
		if (!err)
			dpdk_report(a, mode, mine[mode], peer[mode]);
	}
	if (err)
		return agent_error(a, "dpdk", err);
	event_stage(&a->log, "dpdk", false);
	return 0;
}

/* Nothing is preserved; what the program does until the jump is what it is to come back to. */
int dpdk_preserve(struct agent *a)
{
	struct json_object *report __json = NULL;
	struct dpdk_run runs[DPDK_REPEATS];
	int err = dpdk_measure(a, DPDK_FORWARD, DPDK_HUGE, runs, &report);

	if (err)
		return agent_error(a, "dpdk-before", err);
	dpdk_report_costs(a, DPDK_FORWARD, "before", runs);
	dpdk_report_throughput(a, report, false);
	return 0;
}
