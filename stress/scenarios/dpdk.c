// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scenario of the workload "dpdk": in each kernel our program and testpmd move frames between the
 * same two network cards, in the same bursts, and every frame is seen to arrive. Nothing is preserved:
 * how long DPDK is away, and what starting anew costs, is what is measured across the kexec.
 *
 * A turn of a loop that moves no packet is an empty poll, and is not counted, on either side: our
 * program adds up the others apart, and testpmd (--record-core-cycles) counts no others.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <flbench/cleanup.h>
#include <flbench/pci.h>

#include "../agent/agent.h"
#include "../agent/clock.h"
#include "../agent/dma.h"
#include "../agent/program.h"
#include "../agent/system.h"
#include "../agent/testpmd.h"
#include "dpdk.h"
#include "scenarios.h"

#define IGB_VENDOR 0x8086
#define IGB_DEVICE 0x10c9
#define HUGE_PAGES "80"
#define OURS "/usr/bin/flbench-dpdk"
#define TESTPMD "/usr/bin/dpdk-testpmd"
#define OUTPUT "/tmp/flbench-dpdk.json"
#define PROMPT "testpmd> "
#define WAIT_MS 60000

#define REPEATS 5u
/* Packets are counted by intervals of so many microseconds; the first run has some 70 of them. */
#define INTERVAL "250"
/* After so many our program gives up frames that do not come. */
#define SECONDS "5"
/* So many that enough frames can wait in a ring to be received. */
#define DESCRIPTORS "4096"
/* How long testpmd gets from one command to the next. */
#define RUN_NS 10000000
#define COMMANDS_NICE 10
/* The target: at most 1/0.9 of testpmd's instructions. */
#define TARGET_OURS 9u
#define TARGET_TESTPMD 10u

static const struct {
	const char *name;
	/* What our program is to do, of packets on each port. */
	const char *packets, *prime;
	/* And testpmd: in bursts, where frames have to be there to begin with. */
	const char *set, *start;
} modes[DPDK_MODES] = {
	[DPDK_FORWARD] = { "forward", "32000", "64", "set fwd io\n", "start tx_first 2\n" },
	[DPDK_TX] = { "tx", "32000", NULL, "set fwd txonly\n", "start\n" },
	[DPDK_RX] = { "rx", "3840", "3840", "set fwd rxonly\n", "start tx_first 120\n" },
};

static char cards[2][PCI_ADDRESS_SIZE];

int dpdk_prepare(struct agent *a)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < 2; i++)
		err = dma_take(IGB_VENDOR, IGB_DEVICE, i, cards[i]);
	if (err)
		return world_problem(&a->w, err, "giving two network cards to vfio-pci");
	err = system_write("/proc/sys/vm/nr_hugepages", HUGE_PAGES);
	if (!err && mkdir(HUGE_DIR, 0755) && errno != EEXIST)
		err = -errno;
	if (!err && mount("none", HUGE_DIR, "hugetlbfs", 0, "pagesize=2M"))
		err = -errno;
	return err ? world_problem(&a->w, err, "huge pages in " HUGE_DIR) : 0;
}

/* ---- our program ---- */

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static int64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value) : -1;
}

int dpdk_start(struct agent *a, struct program *program, unsigned int nr_cards,
	       const char *const options[])
{
	const char *argv[40] = { OURS, "-o", OUTPUT, "--memory", "96", "-t", SECONDS };
	int err, nr = 7;

	for (unsigned int i = 0; i < nr_cards; i++) {
		argv[nr++] = "-p";
		argv[nr++] = cards[i];
	}
	for (; *options && nr < 39; options++)
		argv[nr++] = *options;
	unlink(OUTPUT);
	err = program_start(program, argv);
	return err ? world_problem(&a->w, err, "starting " OURS) : 0;
}

int dpdk_end(struct agent *a, struct program *program, const char *what, int status,
	     struct json_object **report)
{
	int ended = program_end(program, WAIT_MS);

	program_free(program);
	if (ended < 0 || ended > status)
		return world_problem(&a->w, ended < 0 ? ended : -EIO,
				     OURS " -m %s ended with %d, not %d: see the console", what,
				     ended, status);
	if (!report)
		return 0;
	*report = json_object_from_file(OUTPUT);
	return *report ? 0 : world_problem(&a->w, -EPROTO, OURS " wrote no report");
}

/* On both cards, with @options: the pages first, then the mode. */
static int ours(struct agent *a, const char *const options[], int status,
		struct json_object **report)
{
	struct program program;
	int err = dpdk_start(a, &program, 2, options);

	return err ? err : dpdk_end(a, &program, options[2], status, report);
}

uint64_t dpdk_figure(struct json_object *report, const char *name, int run, bool least)
{
	struct json_object *metrics, *labels;
	uint64_t sum = 0, smallest = UINT64_MAX;

	if (!json_object_object_get_ex(report, "metrics", &metrics))
		return 0;
	for (size_t i = 0; i < json_object_array_length(metrics); i++) {
		struct json_object *one = json_object_array_get_idx(metrics, i);
		uint64_t value = number_of(one, "value");

		if (strcmp(text_of(one, "name"), name) ||
		    !json_object_object_get_ex(one, "labels", &labels) ||
		    (run >= 0 && number_of(labels, "run") != run))
			continue;
		sum += value;
		smallest = value < smallest ? value : smallest;
	}
	return least ? smallest : sum;
}

static int ours_mode(struct agent *a, enum dpdk_mode mode, const char *pages, struct dpdk_run *runs,
		     struct json_object **report)
{
	const char *const options[] = { pages,
					"-m",
					modes[mode].name,
					"-d",
					DESCRIPTORS,
					"--memory",
					/* No frame crosses an ordinary page: each takes one. */
					strcmp(pages, SMALL) ? "96" : "192",
					"--repeat",
					"5",
					"-n",
					modes[mode].packets,
					"--interval",
					INTERVAL,
					modes[mode].prime ? "--prime" : NULL,
					modes[mode].prime,
					NULL };
	int err = ours(a, options, 0, report);

	for (unsigned int i = 0; !err && i < REPEATS; i++) {
		runs[i].packets = dpdk_figure(
			*report, mode == DPDK_TX ? "tx_packets" : "rx_packets", i, false);
		runs[i].busy = dpdk_figure(*report, "busy_cycles", i, false);
		runs[i].counted = runs[i].busy;
		runs[i].empty = dpdk_figure(*report, "empty_cycles", i, false);
		runs[i].polls = dpdk_figure(*report, "polls", i, false);
		runs[i].empty_polls = dpdk_figure(*report, "empty_polls", i, false);
		/* A frame that is thrown away makes other bursts, and so other figures. */
		if (runs[i].packets != 2 * strtoull(modes[mode].packets, NULL, 10) ||
		    dpdk_figure(*report, "tx_dropped_packets", i, false))
			err = world_problem(&a->w, -EIO,
					    OURS " %s moved %llu packets on two ports, not %s each",
					    modes[mode].name, (unsigned long long)runs[i].packets,
					    modes[mode].packets);
	}
	return err;
}

/* ---- testpmd ---- */

/* Return: 0 when the prompt is back. */
static int command(struct program *program, const char *line)
{
	int err = program_say(program, line);

	return err ? err : program_wait_for(program, TESTPMD_PROMPT, WAIT_MS);
}

/* What @lines say, one after the other, with a pause before each but the first. */
static int commands(struct program *program, const char *const lines[])
{
	static const struct timespec pause = { .tv_nsec = RUN_NS };
	int err = command(program, *lines);

	while (!err && *++lines) {
		nanosleep(&pause, NULL);
		err = command(program, *lines);
	}
	return err;
}

static int talk(struct program *program)
{
	int err = program_wait_for(program, TESTPMD_PROMPT, WAIT_MS);

	/* The thread of this number reads commands; the one that moves frames is to go first. */
	if (!err && setpriority(PRIO_PROCESS, program->pid, COMMANDS_NICE))
		err = -errno;
	for (unsigned int i = 0; !err && i < DPDK_MODES * REPEATS; i++) {
		const unsigned int mode = i / REPEATS;
		const char *const run[] = { modes[mode].start, "show fwd stats all\n",
					    "show fwd stats all\n", "stop\n", NULL };

		if (i % REPEATS == 0)
			err = command(program, modes[mode].set);
		if (!err)
			err = commands(program, run);
	}
	return err ? err : program_say(program, "quit\n");
}

static int testpmd(struct agent *a, struct dpdk_run runs[DPDK_MODES][REPEATS])
{
	static const char *const argv[] = {
		TESTPMD,
		/* One thread reads commands, one moves frames. */
		"--lcores=0@0,1@0", "--in-memory", "--iova-mode=va", "--no-telemetry", "-m", "96",
		"-a", cards[0], "-a", cards[1], "--", "-i", "--nb-cores=1",
		"--total-num-mbufs=20000", "--no-lsc-interrupt", "--rxd=" DESCRIPTORS,
		"--txd=" DESCRIPTORS, "--record-core-cycles", "--record-burst-stats", "--burst=32",
		/* Frames that wait in a ring are for the next run. */
		"--no-flush-rx", NULL
	};
	struct program program;
	const char *text;
	int ended, err = program_start(&program, argv);

	if (err)
		return world_problem(&a->w, err, "starting " TESTPMD);
	err = talk(&program);
	ended = program_end(&program, WAIT_MS);
	if (program.text)
		testpmd_strip_prompts(program.text);
	text = program.text;
	for (unsigned int i = 0; !err && i < DPDK_MODES * REPEATS; i++) {
		text = testpmd_read(text, i / REPEATS, &runs[i / REPEATS][i % REPEATS]);
		if (!text)
			err = -EPROTO;
	}
	if (!err)
		err = testpmd_take_sending_away(runs[DPDK_RX], runs[DPDK_TX], REPEATS);
	if (err || ended)
		err = world_problem(&a->w, err ? err : -EIO,
				    TESTPMD " ended with %d; the last that it said: %s", ended,
				    program.used > 200 ? program.text + program.used - 200 :
				    program.text       ? program.text :
							 "nothing");
	program_free(&program);
	return err;
}

/* ---- figures ---- */

/* A sample for each run: what a packet cost, rounded. */
static void report_costs(struct agent *a, const char *mode, const char *whose,
			 const struct dpdk_run *runs)
{
	char name[64];

	snprintf(name, sizeof(name), "dpdk_%s_%s", mode, whose);
	for (unsigned int i = 0; i < REPEATS; i++)
		agent_metric_ticks(a, name, (runs[i].busy + runs[i].packets / 2) / runs[i].packets);
}

static void report_counts(struct agent *a, const char *mode, const char *whose,
			  const struct dpdk_run *runs)
{
	char name[64];

	for (unsigned int i = 0; i < REPEATS; i++) {
		snprintf(name, sizeof(name), "dpdk_%s_%s_packets", mode, whose);
		event_metric(&a->log, &a->c, name, "packets", runs[i].packets);
		snprintf(name, sizeof(name), "dpdk_%s_%s_polls", mode, whose);
		event_metric(&a->log, &a->c, name, "polls", runs[i].polls);
		snprintf(name, sizeof(name), "dpdk_%s_%s_empty_polls", mode, whose);
		event_metric(&a->log, &a->c, name, "polls", runs[i].empty_polls);
		snprintf(name, sizeof(name), "dpdk_%s_%s_busy", mode, whose);
		agent_metric_ticks(a, name, runs[i].counted);
		/* testpmd does not say what its empty polls cost. */
		snprintf(name, sizeof(name), "dpdk_%s_%s_empty", mode, whose);
		if (!strcmp(whose, "ours"))
			agent_metric_ticks(a, name, runs[i].empty);
	}
}

static void judge(struct agent *a, const char *mode, struct dpdk_run *mine, struct dpdk_run *peer)
{
	const struct dpdk_run *m, *p;
	char name[32];

	m = dpdk_median(mine, REPEATS);
	p = dpdk_median(peer, REPEATS);
	snprintf(name, sizeof(name), "dpdk-%s", mode);
	agent_check(
		a, name,
		(__uint128_t)m->busy * p->packets * TARGET_OURS <=
			(__uint128_t)p->busy * m->packets * TARGET_TESTPMD,
		"instructions for a packet, without empty polls, median of %u: ours %.2f, testpmd %.2f; wanted: at most 1/0.9 of that; counted: ours %llu for %llu packets, testpmd %llu for %llu",
		REPEATS, (double)m->busy / m->packets, (double)p->busy / p->packets,
		(unsigned long long)m->counted, (unsigned long long)m->packets,
		(unsigned long long)p->counted, (unsigned long long)p->packets);
}

/* ---- frames ---- */

/* Each frame goes out and comes back with its bytes and in its order; one that is damaged does not. */
#define FRAMES (2 * 3 * 512)

static int check_frames(struct agent *a)
{
	static const char *const frames[] = { HUGE,  "-m", "loop",	  "-n",
					      "512", "-s", "64,512,1514", NULL };
	static const char *const twin[] = { HUGE, "-m",	     "loop",   "-n",
					    "64", "--fault", "damage", NULL };
	struct json_object *report __json = NULL, *broken __json = NULL;
	int err = ours(a, frames, 0, &report);

	if (err)
		return err;
	agent_check(a, "dpdk-frames", dpdk_figure(report, "arrived_frames", -1, false) == FRAMES,
		    "%llu frames of 64, 512 and 1514 bytes came back as they were sent, in order",
		    (unsigned long long)dpdk_figure(report, "arrived_frames", -1, false));
	agent_metric_ticks(a, "dpdk_latency_p50",
			   dpdk_figure(report, "latency_p50_cycles", -1, true));
	agent_metric_ticks(a, "dpdk_latency_p99",
			   dpdk_figure(report, "latency_p99_cycles", -1, true));
	if (a->log.cycle)
		return 0;
	err = ours(a, twin, 1, &broken);
	if (!err)
		agent_check(a, "dpdk-frames-twin",
			    dpdk_figure(broken, "damaged_frames", -1, false) == 2,
			    "of a frame damaged on purpose in each direction %llu are noticed",
			    (unsigned long long)dpdk_figure(broken, "damaged_frames", -1, false));
	return err;
}

/* How long there were no packets, and how much of that our program took to start. */
static void report_gap(struct agent *a, struct json_object *report)
{
	uint64_t start = dpdk_figure(report, "init_cycles", -1, false);
	uint64_t link = dpdk_figure(report, "link_cycles", -1, false);
	uint64_t gap =
		dpdk_figure(report, "first_packet_tsc_cycles", 0, true) - a->state->last_ticks;

	agent_metric_ticks(a, "dpdk_gap", gap);
	agent_metric_ticks(a, "dpdk_initialise", start);
	agent_metric_ticks(a, "dpdk_link", link);
	agent_check(
		a, "dpdk-gap", gap > start + link && gap < UINT64_MAX / 2,
		"from the jump to the first packet; starting DPDK and waiting for the link is a part of it");
}

/* The first run's packets of both ports, interval by interval: as it gets going after its start. */
static void report_throughput(struct agent *a, struct json_object *report, bool after)
{
	struct json_object *list, *values, *sums __json = json_object_new_array();
	uint64_t interval = 0;

	if (!json_object_object_get_ex(report, "throughput", &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		json_object_object_get_ex(one, "values", &values);
		if (number_of(one, "run"))
			continue;
		interval = number_of(one, "interval_cycles");
		for (size_t v = 0; v < json_object_array_length(values); v++) {
			struct json_object *sum = json_object_array_get_idx(sums, v);
			int64_t packets =
				json_object_get_int64(json_object_array_get_idx(values, v));

			if (sum)
				json_object_int_inc(sum, packets);
			else
				json_object_array_add(sums, json_object_new_int64(packets));
		}
	}
	event_throughput(&a->log, &a->c, "dpdk_forward", "packets", after,
			 clock_to_unit(interval, a->c.instructions), sums);
}

int dpdk_boot(struct agent *a)
{
	static struct dpdk_run mine[DPDK_MODES][REPEATS], peer[DPDK_MODES][REPEATS];
	struct json_object *reports[DPDK_MODES] = { 0 };
	int err;

	event_stage(&a->log, "dpdk", true);
	err = dpdk_prepare(a);
	for (unsigned int mode = 0; !err && mode < DPDK_MODES; mode++)
		err = ours_mode(a, mode, HUGE, mine[mode], &reports[mode]);
	if (!err && a->log.cycle) {
		report_gap(a, reports[DPDK_FORWARD]);
		report_costs(a, "forward", "after", mine[DPDK_FORWARD]);
		report_throughput(a, reports[DPDK_FORWARD], true);
	}
	if (!err)
		err = check_frames(a);
	if (!err)
		err = testpmd(a, peer);
	for (unsigned int mode = 0; mode < DPDK_MODES; mode++) {
		json_object_put(reports[mode]);
		if (err)
			continue;
		report_costs(a, modes[mode].name, "ours", mine[mode]);
		report_costs(a, modes[mode].name, "testpmd", peer[mode]);
		report_counts(a, modes[mode].name, "ours", mine[mode]);
		report_counts(a, modes[mode].name, "testpmd", peer[mode]);
		if (a->c.instructions)
			judge(a, modes[mode].name, mine[mode], peer[mode]);
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
	struct dpdk_run runs[REPEATS];
	int err = ours_mode(a, DPDK_FORWARD, HUGE, runs, &report);

	if (err)
		return agent_error(a, "dpdk-before", err);
	report_costs(a, "forward", "before", runs);
	report_throughput(a, report, false);
	return 0;
}

/* ---- pages ---- */

#define GIGANTIC_DIR "/dev/gigantic"
#define GIGANTIC_FREE "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"

static const struct {
	const char *name;
	/* For our program, and what it says that its memory was then. */
	const char *option;
	int64_t bytes;
} sweep[] = {
	{ "4k", SMALL, 4096 },
	{ "2m", HUGE, 2 << 20 },
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
		struct dpdk_run runs[REPEATS];

		err = ours_mode(a, mode, sweep[size].option, runs, &report);
		if (err)
			break;
		report_costs(a, modes[mode].name, whose, runs);
		right = json_object_object_get_ex(report, "metrics", &metrics) &&
			json_object_object_get_ex(json_object_array_get_idx(metrics, 0), "labels",
						  &labels) &&
			number_of(labels, "page_bytes") == sweep[size].bytes && right;
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
	err = dpdk_prepare(a);
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

/* Nothing of these crosses the kexec. */
int dpdk_boot_preserve(struct agent *a)
{
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

		if (!strcmp(text_of(one, "name"), name) &&
		    json_object_object_get_ex(one, "labels", &labels) &&
		    !strcmp(text_of(labels, "port"), port) && number_of(labels, "queue") == queue)
			sum += number_of(one, "value");
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
		HUGE,  "-m", "rx",	"-q",  "2",  "-n",   spread ? "512" : "1024",
		"-t",  "1",  "--prime", "512", "-d", "2048", "--flows",
		flows, NULL
	};
	struct json_object *report __json = NULL;
	int err = ours(a, options, 0, &report);

	for (unsigned int card = 0; !err && card < 2; card++) {
		const uint64_t one = queue_figure(report, "rx_packets", cards[card], 0);
		const uint64_t two = queue_figure(report, "rx_packets", cards[card], 1);
		const uint64_t all = queue_figure(report, "device_rx_packets", cards[card], -1);

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
	static const char *const options[] = { HUGE, "-m", "tx", "-q", "2", "-n", "1000", NULL };
	struct json_object *report __json = NULL;
	int err = ours(a, options, 0, &report);

	for (unsigned int card = 0; !err && card < 2; card++) {
		const uint64_t one = queue_figure(report, "tx_packets", cards[card], 0);
		const uint64_t two = queue_figure(report, "tx_packets", cards[card], 1);
		const uint64_t all = queue_figure(report, "device_tx_packets", cards[card], -1);

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
	err = dpdk_prepare(a);
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
