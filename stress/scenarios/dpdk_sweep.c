// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios of the workload "dpdk" of which nothing depends on a kexec: what a packet costs with memory
 * in pages of each size, and several queues of a card.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <flbench/cleanup.h>

#include "../agent/agent.h"
#include "../agent/dpdk.h"
#include "../agent/json.h"
#include "../agent/system.h"
#include "scenarios.h"

/* ---- pages ---- */

#define GIGANTIC_DIR "/dev/gigantic"
#define GIGANTIC_FREE "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"

static const struct {
	const char *name;
	/* For our program, and what it says that its memory was then. */
	const char *option;
	int64_t bytes;
} sweep[] = {
	{ "4k", DPDK_SMALL, 4096 },
	{ "2m", DPDK_HUGE, 2 << 20 },
	{ "1g", "--huge-dir=" GIGANTIC_DIR, 1 << 30 },
};

/* Return: 1 if this boot has a page of 1 GiB, which is mounted then; 0 or a negative errno. */
static int find_gigantic(struct agent *a)
{
	char text[32] = "0";
	int err = 0;

	if (system_read(GIGANTIC_FREE, text, sizeof(text)) || !strtoul(text, NULL, 10))
		return 0;
	if (mkdir(GIGANTIC_DIR, 0755) || mount("none", GIGANTIC_DIR, "hugetlbfs", 0, "pagesize=1G"))
		err = -errno;
	return err ? world_problem(&a->w, err, "huge pages in " GIGANTIC_DIR) : 1;
}

/* What a packet costs in each mode, with memory of one kind of pages. */
static int sweep_size(struct agent *a, size_t size)
{
	char check[32], whose[16];
	bool right = true;
	int err = 0;

	snprintf(check, sizeof(check), "dpdk-pages-%s", sweep[size].name);
	snprintf(whose, sizeof(whose), "%s_pages", sweep[size].name);
	for (unsigned int mode = 0; !err && mode < DPDK_MODES; mode++) {
		struct json_object *report __json = NULL, *metrics, *labels;
		struct dpdk_run runs[DPDK_REPEATS];

		err = dpdk_measure(a, mode, sweep[size].option, runs, &report);
		if (err)
			break;
		dpdk_report_costs(a, mode, whose, runs);
		right = json_object_object_get_ex(report, "metrics", &metrics) &&
			json_object_object_get_ex(json_object_array_get_idx(metrics, 0), "labels",
						  &labels) &&
			json_number(labels, "page_bytes") == sweep[size].bytes && right;
	}
	if (!err)
		agent_check(a, check, right,
			    "forward, tx and rx with memory in pages of %lld bytes",
			    (long long)sweep[size].bytes);
	return err;
}

/* Nothing of this depends on a kexec: the first kernel does it. */
int dpdk_pages_boot(struct agent *a)
{
	int err, gigantic = 0;

	if (a->log.cycle)
		return 0;
	event_stage(&a->log, "dpdk", true);
	err = dpdk_take(a);
	if (!err)
		gigantic = find_gigantic(a);
	if (gigantic < 0)
		err = gigantic;
	for (size_t size = 0; !err && size < sizeof(sweep) / sizeof(sweep[0]); size++) {
		if (sweep[size].bytes < 1 << 30 || gigantic)
			err = sweep_size(a, size);
		else
			event_check(
				&a->log, "dpdk-pages-1g", "skip",
				"this boot has no page of 1 GiB; give append='hugepagesz=1G hugepages=1' and memory=4G");
	}
	if (err)
		return agent_error(a, "dpdk-pages", err);
	event_stage(&a->log, "dpdk", false);
	return 0;
}

/* ---- queues ---- */

#define QUEUES 2
/* Sent from each queue of a card to the other card. */
#define QUEUE_FRAMES 512

/*
 * The metrics with @name of one port and queue, added up; @queue -1 is those that are of no queue.
 */
static uint64_t queue_figure(struct json_object *report, const char *name, const char *port,
			     int queue)
{
	struct json_object *metrics, *labels;
	uint64_t sum = 0;

	if (!json_object_object_get_ex(report, "metrics", &metrics))
		return 0;
	for (size_t i = 0; i < json_object_array_length(metrics); i++) {
		struct json_object *one = json_object_array_get_idx(metrics, i);

		if (!strcmp(json_text(one, "name"), name) &&
		    json_object_object_get_ex(one, "labels", &labels) &&
		    !strcmp(json_text(labels, "port"), port) && json_number(labels, "queue") == queue)
			sum += json_number(one, "value");
	}
	return sum;
}

/*
 * With two queues: what each received, of frames of many addresses or of one. Those of one are all
 * for one queue; the other one waits for a second.
 */
static int receive_queues(struct agent *a, const char *flows, bool spread, const char *check)
{
	const char *const options[] = {
		DPDK_HUGE,  "-m", "rx",	"-q",  "2",  "-n",   spread ? "512" : "1024",
		"-t",  "1",  "--prime", "512", "-d", "2048", "--flows",
		flows, NULL
	};
	struct json_object *report __json = NULL;
	int err = dpdk_run(a, options, 0, &report);

	for (unsigned int card = 0; !err && card < 2; card++) {
		const uint64_t one = queue_figure(report, "rx_packets", dpdk_card(card), 0);
		const uint64_t two = queue_figure(report, "rx_packets", dpdk_card(card), 1);
		const uint64_t all = queue_figure(report, "device_rx_packets", dpdk_card(card), -1);

		agent_check(
			a, check,
			one + two == all && all == QUEUES * QUEUE_FRAMES && !!two == spread && one,
			"card %u, frames of %s addresses: its queues received %llu and %llu, the card counts %llu, %d were sent",
			card, flows, (unsigned long long)one, (unsigned long long)two,
			(unsigned long long)all, QUEUES * QUEUE_FRAMES);
	}
	return err;
}

static int transmit_queues(struct agent *a)
{
	static const char *const options[] = { DPDK_HUGE, "-m", "tx", "-q", "2", "-n", "1000", NULL };
	struct json_object *report __json = NULL;
	int err = dpdk_run(a, options, 0, &report);

	for (unsigned int card = 0; !err && card < 2; card++) {
		const uint64_t one = queue_figure(report, "tx_packets", dpdk_card(card), 0);
		const uint64_t two = queue_figure(report, "tx_packets", dpdk_card(card), 1);
		const uint64_t all = queue_figure(report, "device_tx_packets", dpdk_card(card), -1);

		agent_check(a, "dpdk-queues-tx", one == 1000 && two == 1000 && all == one + two,
			    "card %u: its queues sent %llu and %llu, the card counts %llu", card,
			    (unsigned long long)one, (unsigned long long)two,
			    (unsigned long long)all);
	}
	return err;
}

int dpdk_queues_boot(struct agent *a)
{
	int err;

	if (a->log.cycle)
		return 0;
	event_stage(&a->log, "dpdk", true);
	err = dpdk_take(a);
	if (!err)
		err = receive_queues(a, "64", true, "dpdk-queues-rx");
	if (!err)
		err = receive_queues(a, "1", false, "dpdk-queues-twin");
	if (!err)
		err = transmit_queues(a);
	if (err)
		return agent_error(a, "dpdk-queues", err);
	event_stage(&a->log, "dpdk", false);
	return 0;
}
