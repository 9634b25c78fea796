// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK beside a workload that is preserved ("fio+dpdk", "dma+dpdk"): on two cards of its own, started
 * anew in each kernel. Both work at once; DPDK runs into the kexec, is ended by it, and leaves its cards
 * to a kernel that has to find them still. What that costs stands beside what the other one did meanwhile.
 */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <flbench/cleanup.h>
#include <flbench/workload.h>

#include "agent.h"
#include "clock.h"
#include "dma.h"
#include "dpdk.h"
#include "scenario.h"

/* The one in the middle is begun and ended while DPDK moves frames, whatever the others are beside. */
#define SHARES 3u
/* More than it gets to, and so few that the frame in the middle comes. */
#define ENDLESS "4194304"
#define FEW "4096"
#define FORWARD_NICE 10

static struct dpdk_run ours[DPDK_REPEATS];
static struct program forwarding = { .pid = -1 };

/* A scenario with a boot of its own has DPDK alone. */
static bool is_beside(const struct agent *a)
{
	return workload_has(a->c.workload, "dpdk") && !a->scenario->boot;
}

/* Nobody has touched the cards since the jump, in which DPDK's forwarding ended. */
static void check_quiet(struct agent *a)
{
	int masters = dpdk_bus_masters();

	agent_check(
		a, "dpdk-quiet", masters == 0,
		"when the new kernel's agent comes %d of DPDK's 2 cards may do DMA; they forwarded until the jump",
		masters);
}

/* The same runs are what was after the last jump, and what is before the next one. */
static void report_steady(struct agent *a, struct json_object *report, bool after)
{
	const char *when = after ? "after" : "before";
	uint64_t packets = 0;
	char name[64];

	for (unsigned int i = 0; i < DPDK_REPEATS; i++)
		packets += ours[i].packets;
	snprintf(name, sizeof(name), "dpdk_forward_%s_packets", when);
	event_metric(&a->log, &a->c, name, "packets", packets);
	/* What a packet costs in emulated time tells nothing. */
	if (!a->c.instructions)
		return;
	dpdk_report_costs(a, DPDK_FORWARD, when, ours);
	dpdk_report_throughput(a, report, after);
}

int dpdk_beside_begin(struct agent *a)
{
	struct json_object *report __json = NULL;
	int err;

	if (!is_beside(a))
		return 0;
	event_stage(&a->log, "dpdk", true);
	/* The first card in the order of addresses is the one that is preserved. */
	err = dpdk_find(a, workload_has(a->c.workload, "dma"));
	if (!err && a->log.cycle)
		check_quiet(a);
	if (!err)
		err = dpdk_prepare(a);
	if (!err)
		err = dpdk_measure(a, DPDK_FORWARD, DPDK_HUGE, ours, &report);
	if (err)
		return agent_error(a, "dpdk", err);
	if (a->log.cycle) {
		dpdk_report_gap(a, report);
		report_steady(a, report, true);
	}
	if (a->log.cycle < a->c.cycles)
		report_steady(a, report, false);
	event_stage(&a->log, "dpdk", false);
	return 0;
}

/* Which card is whose; and have the controller, if there is one, look at those that are not preserved. */
static int tell_cards(struct agent *a)
{
	const bool dma_beside = workload_has(a->c.workload, "dma");
	const char *kept = dma_beside ? dma.shared->address[IGB] : "none";
	bool ok = strcmp(kept, dpdk_card(0)) && strcmp(kept, dpdk_card(1));

	if (!agent_check(a, "dpdk-cards", ok,
			 "network card that is preserved: %s; DPDK's: %s and %s", kept,
			 dpdk_card(0), dpdk_card(1)))
		return -EPROTO;
	if (!dma_beside || !a->fresh ||
	    (dma_tell_device("dpdk0", dpdk_card(0), false) &&
	     dma_tell_device("dpdk1", dpdk_card(1), false)))
		return 0;
	return agent_error(a, "dpdk-cards",
			   world_problem(&a->w, -EPROTO, "%s", dma.shared->problem));
}

/* Shares of work that were begun and ended while DPDK moved frames. */
struct shares {
	uint64_t begin[SHARES], end[SHARES], done[SHARES];
};

static int work_meanwhile(struct agent *a, struct shares *shares)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < SHARES; i++) {
		shares->begin[i] = clock_ticks();
		err = a->workload->work(a, &shares->done[i]);
		shares->end[i] = clock_ticks();
	}
	return err;
}

/* What was done between the first and the last frame in both directions. */
static uint64_t done_between(const struct shares *shares, struct json_object *report)
{
	uint64_t first = dpdk_figure(report, "first_packet_tsc_cycles", -1, DPDK_MOST);
	uint64_t last = dpdk_figure(report, "last_packet_tsc_cycles", -1, DPDK_LEAST);
	uint64_t done = 0;

	for (unsigned int i = 0; i < SHARES; i++)
		if (shares->begin[i] > first && shares->end[i] < last)
			done += shares->done[i];
	return done;
}

/* With a frame that is wrong on purpose the program soon ends: that it is seen is all that counts. */
static int check_at_once(struct agent *a, const struct shares *shares, struct json_object *report)
{
	static const char *const wrong[] = { "lost_frames", "duplicated_frames", "reordered_frames",
					     "foreign_frames", "damaged_frames" };
	uint64_t arrived = dpdk_figure(report, "arrived_frames", -1, DPDK_SUM);
	uint64_t done = done_between(shares, report);
	uint64_t nr[5], sum = 0;
	bool ok, whole;

	for (unsigned int i = 0; i < 5; i++) {
		nr[i] = dpdk_figure(report, wrong[i], -1, DPDK_SUM);
		sum += nr[i];
	}
	whole = agent_check(
		a, "dpdk-whole", arrived && !sum,
		"%llu frames of DPDK came back whole; %llu lost, %llu duplicated, %llu reordered, %llu foreign, %llu damaged",
		(unsigned long long)arrived, (unsigned long long)nr[0], (unsigned long long)nr[1],
		(unsigned long long)nr[2], (unsigned long long)nr[3], (unsigned long long)nr[4]);
	if (strcmp(a->c.dpdk_fault, "none"))
		return whole ? 0 : -EILSEQ;
	ok = agent_check(a, "dpdk-at-once", done && arrived,
			 "at once: %llu frames of DPDK that came back, and %llu %s of %s",
			 (unsigned long long)arrived, (unsigned long long)done,
			 a->workload->work_unit, a->workload->name);
	event_metric(&a->log, &a->c, "dpdk_at_once_frames", "frames", arrived);
	event_metric(&a->log, &a->c, a->workload->work_metric, a->workload->work_unit, done);
	return ok && whole ? 0 : -EILSEQ;
}

static int at_once(struct agent *a)
{
	const bool faulty = strcmp(a->c.dpdk_fault, "none");
	const char *const options[] = {
		DPDK_HUGE, "-m",      "loop",	       "-n", faulty ? FEW : ENDLESS, "-s",
		"512",	   "--fault", a->c.dpdk_fault, NULL
	};
	struct json_object *report __json = NULL;
	struct shares shares = { 0 };
	struct program program;
	int ended, err;

	err = dpdk_start(a, &program, DPDK_CARDS, options);
	if (err)
		return agent_error(a, "dpdk-at-once", err);
	err = dpdk_wait_until_ready(a, &program);
	if (!err)
		err = work_meanwhile(a, &shares);
	kill(program.pid, SIGTERM);
	ended = dpdk_end(a, &program, &report);
	if (err || ended < 0)
		return agent_error(a, "dpdk-at-once", err ?: ended);
	return check_at_once(a, &shares, report);
}

/* In the first kernel alone: testpmd takes long. */
static int compare(struct agent *a)
{
	static struct dpdk_run testpmd[1][DPDK_REPEATS];
	int err = dpdk_testpmd(a, 1, testpmd);

	if (!err)
		dpdk_report(a, DPDK_FORWARD, ours, testpmd[0]);
	return err;
}

int dpdk_beside_work(struct agent *a)
{
	int err;

	if (!is_beside(a))
		return 0;
	event_stage(&a->log, "beside", true);
	err = tell_cards(a);
	if (!err)
		err = at_once(a);
	if (!err && a->c.instructions && !a->log.cycle)
		err = agent_error(a, "dpdk-forward", compare(a));
	if (!err)
		event_stage(&a->log, "beside", false);
	return err;
}

/* Without an end: the jump is it. */
int dpdk_beside_go(struct agent *a)
{
	static const char *const options[] = { DPDK_HUGE, "-m", "forward", "--prime", "64", NULL };
	int err;

	if (!is_beside(a))
		return 0;
	err = dpdk_start(a, &forwarding, DPDK_CARDS, options);
	if (!err)
		err = dpdk_wait_until_ready(a, &forwarding);
	/* Who has something under way at the jump must not wait for the processor until it is done. */
	if (!err && setpriority(PRIO_PROCESS, forwarding.pid, FORWARD_NICE))
		err = -errno;
	return agent_error(a, "dpdk-runs-on", err);
}

int dpdk_beside_goes_on(struct agent *a)
{
	int masters;

	if (!is_beside(a))
		return 0;
	masters = dpdk_bus_masters();
	if (agent_check(a, "dpdk-runs-on", !waitpid(forwarding.pid, NULL, WNOHANG) && masters == 2,
			"DPDK forwards until the jump ends it; %d of its 2 cards may do DMA",
			masters))
		return 0;
	return -ECHILD;
}
