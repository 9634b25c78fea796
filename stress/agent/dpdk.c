// SPDX-License-Identifier: GPL-2.0-only
/* DPDK's programs as children of the agent; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/pci.h>

#include "agent.h"
#include "clock.h"
#include "dpdk.h"
#include "json.h"
#include "system.h"

#define IGB_VENDOR 0x8086
#define IGB_DEVICE 0x10c9
#define HUGE_PAGES "80"
#define OURS "/usr/bin/flbench-dpdk"
#define TESTPMD "/usr/bin/dpdk-testpmd"
#define OUTPUT "/tmp/flbench-dpdk.json"
#define WAIT_MS 60000
/* The bit in which the seed differs from that of the case. */
#define SEED_BIT (1u << 31)
#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4u

/* Packets are counted by intervals of so many microseconds; the first run has some 70 of them. */
#define INTERVAL "250"
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

static char cards[DPDK_CARDS][PCI_ADDRESS_SIZE];

int dpdk_find(struct agent *a, unsigned int nth)
{
	struct sysfs sysfs;
	int err = sysfs_open(&sysfs, "/");

	for (unsigned int i = 0; !err && i < DPDK_CARDS; i++)
		err = pci_find(&sysfs, IGB_VENDOR, IGB_DEVICE, nth + i, cards[i]);
	sysfs_close(&sysfs);
	return err ? world_problem(&a->w, err, "finding two network cards for DPDK") : 0;
}

const char *dpdk_card(unsigned int i)
{
	return cards[i];
}

int dpdk_bus_masters(void)
{
	int nr = 0;

	for (unsigned int i = 0; i < DPDK_CARDS; i++) {
		char path[128];
		uint16_t word;
		int fd __close = -1;

		snprintf(path, sizeof(path), "/" PCI_DEVICES "/%s/config", cards[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || pread(fd, &word, sizeof(word), PCI_COMMAND) != sizeof(word))
			return -EIO;
		nr += !!(word & PCI_COMMAND_MASTER);
	}
	return nr;
}

int dpdk_prepare(struct agent *a)
{
	struct sysfs sysfs;
	int err = sysfs_open(&sysfs, "/");

	for (unsigned int i = 0; !err && i < DPDK_CARDS; i++)
		err = pci_bind_vfio(&sysfs, cards[i]);
	sysfs_close(&sysfs);
	if (err)
		return world_problem(&a->w, err, "giving two network cards to vfio-pci");
	err = system_write("/proc/sys/vm/nr_hugepages", HUGE_PAGES);
	if (!err && mkdir(DPDK_HUGE_DIR, 0755) && errno != EEXIST)
		err = -errno;
	if (!err && mount("none", DPDK_HUGE_DIR, "hugetlbfs", 0, "pagesize=2M"))
		err = -errno;
	return err ? world_problem(&a->w, err, "huge pages in " DPDK_HUGE_DIR) : 0;
}

int dpdk_take(struct agent *a)
{
	int err = dpdk_find(a, 0);

	return err ? err : dpdk_prepare(a);
}

/* ---- our program ---- */

int dpdk_start(struct agent *a, struct program *program, unsigned int nr_cards,
	       const char *const options[])
{
	static char seed[16];
	const char *argv[40] = { OURS, "-o", OUTPUT, "--memory", "96", "--seed", seed };
	int err, nr = 7;

	/* Its frames are not to be taken for those of the workload that it stands beside. */
	snprintf(seed, sizeof(seed), "%u", (uint32_t)a->c.seed ^ SEED_BIT);
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

int dpdk_wait_until_ready(struct agent *a, struct program *program)
{
	int err = program_wait_for(program, "ready\n", WAIT_MS);

	return err ? world_problem(&a->w, err, OURS " does not get to run: see the console") : 0;
}

int dpdk_end(struct agent *a, struct program *program, struct json_object **report)
{
	int ended = program_end(program, WAIT_MS);

	program_free(program);
	if (ended != 0 && ended != 1)
		return world_problem(&a->w, ended < 0 ? ended : -EIO,
				     OURS " ended with %d: see the console", ended);
	if (!report)
		return ended;
	*report = json_object_from_file(OUTPUT);
	return *report ? ended : world_problem(&a->w, -EPROTO, OURS " wrote no report");
}

int dpdk_run(struct agent *a, const char *const options[], int status, struct json_object **report)
{
	struct program program;
	int ended, err = dpdk_start(a, &program, DPDK_CARDS, options);

	if (err)
		return err;
	ended = dpdk_end(a, &program, report);
	if (ended >= 0 && ended != status)
		return world_problem(&a->w, -EIO, OURS " %s %s %s ended with %d, not %d",
				     options[0], options[1], options[2], ended, status);
	return ended < 0 ? ended : 0;
}

uint64_t dpdk_figure(struct json_object *report, const char *name, int run, enum dpdk_figure how)
{
	uint64_t result = how == DPDK_LEAST ? UINT64_MAX : 0;
	struct json_object *metrics, *labels;

	if (!json_object_object_get_ex(report, "metrics", &metrics))
		return result;
	for (size_t i = 0; i < json_object_array_length(metrics); i++) {
		struct json_object *one = json_object_array_get_idx(metrics, i);
		uint64_t value = json_number(one, "value");

		if (strcmp(json_text(one, "name"), name) ||
		    !json_object_object_get_ex(one, "labels", &labels) ||
		    (run >= 0 && json_number(labels, "run") != run))
			continue;
		if (how == DPDK_SUM)
			result += value;
		else if (how == DPDK_LEAST ? value < result : value > result)
			result = value;
	}
	return result;
}

int dpdk_measure(struct agent *a, enum dpdk_mode mode, const char *pages,
		 struct dpdk_run runs[DPDK_REPEATS], struct json_object **report)
{
	const char *const options[] = { pages,
					"-m",
					modes[mode].name,
					"-t",
					DPDK_SECONDS,
					"-d",
					DESCRIPTORS,
					"--memory",
					/* No frame crosses an ordinary page: each takes one. */
					strcmp(pages, DPDK_SMALL) ? "96" : "192",
					"--repeat",
					"5",
					"-n",
					modes[mode].packets,
					"--interval",
					INTERVAL,
					modes[mode].prime ? "--prime" : NULL,
					modes[mode].prime,
					NULL };
	int err = dpdk_run(a, options, 0, report);

	for (unsigned int i = 0; !err && i < DPDK_REPEATS; i++) {
		runs[i].packets = dpdk_figure(
			*report, mode == DPDK_TX ? "tx_packets" : "rx_packets", i, DPDK_SUM);
		runs[i].busy = dpdk_figure(*report, "busy_cycles", i, DPDK_SUM);
		runs[i].counted = runs[i].busy;
		runs[i].empty = dpdk_figure(*report, "empty_cycles", i, DPDK_SUM);
		runs[i].polls = dpdk_figure(*report, "polls", i, DPDK_SUM);
		runs[i].empty_polls = dpdk_figure(*report, "empty_polls", i, DPDK_SUM);
		/* A frame that is thrown away makes other bursts, and so other figures. */
		if (runs[i].packets != 2 * strtoull(modes[mode].packets, NULL, 10) ||
		    dpdk_figure(*report, "tx_dropped_packets", i, DPDK_SUM))
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

static int talk(struct program *program, unsigned int nr)
{
	int err = program_wait_for(program, TESTPMD_PROMPT, WAIT_MS);

	/* The thread of this number reads commands; the one that moves frames is to go first. */
	if (!err && setpriority(PRIO_PROCESS, program->pid, COMMANDS_NICE))
		err = -errno;
	for (unsigned int i = 0; !err && i < nr * DPDK_REPEATS; i++) {
		const unsigned int mode = i / DPDK_REPEATS;
		const char *const run[] = { modes[mode].start, "show fwd stats all\n",
					    "show fwd stats all\n", "stop\n", NULL };

		if (i % DPDK_REPEATS == 0)
			err = command(program, modes[mode].set);
		if (!err)
			err = commands(program, run);
	}
	return err ? err : program_say(program, "quit\n");
}

int dpdk_testpmd(struct agent *a, unsigned int nr, struct dpdk_run runs[][DPDK_REPEATS])
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
	err = talk(&program, nr);
	ended = program_end(&program, WAIT_MS);
	if (program.text)
		testpmd_strip_prompts(program.text);
	text = program.text;
	for (unsigned int i = 0; !err && i < nr * DPDK_REPEATS; i++) {
		text = testpmd_read(text, i / DPDK_REPEATS,
				    &runs[i / DPDK_REPEATS][i % DPDK_REPEATS]);
		if (!text)
			err = -EPROTO;
	}
	if (!err && nr == DPDK_MODES)
		err = testpmd_take_sending_away(runs[DPDK_RX], runs[DPDK_TX], DPDK_REPEATS);
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

void dpdk_report_costs(struct agent *a, enum dpdk_mode mode, const char *what,
		       const struct dpdk_run *runs)
{
	char name[64];

	snprintf(name, sizeof(name), "dpdk_%s_%s", modes[mode].name, what);
	for (unsigned int i = 0; i < DPDK_REPEATS; i++)
		agent_metric_ticks(a, name, (runs[i].busy + runs[i].packets / 2) / runs[i].packets);
}

static void report_counts(struct agent *a, const char *mode, const char *whose,
			  const struct dpdk_run *runs)
{
	char name[64];

	for (unsigned int i = 0; i < DPDK_REPEATS; i++) {
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

	m = dpdk_median(mine, DPDK_REPEATS);
	p = dpdk_median(peer, DPDK_REPEATS);
	snprintf(name, sizeof(name), "dpdk-%s", mode);
	agent_check(
		a, name,
		(__uint128_t)m->busy * p->packets * TARGET_OURS <=
			(__uint128_t)p->busy * m->packets * TARGET_TESTPMD,
		"instructions for a packet, without empty polls, median of %u: ours %.2f, testpmd %.2f; wanted: at most 1/0.9 of that; counted: ours %llu for %llu packets, testpmd %llu for %llu",
		DPDK_REPEATS, (double)m->busy / m->packets, (double)p->busy / p->packets,
		(unsigned long long)m->counted, (unsigned long long)m->packets,
		(unsigned long long)p->counted, (unsigned long long)p->packets);
}

void dpdk_report(struct agent *a, enum dpdk_mode mode, struct dpdk_run *ours,
		 struct dpdk_run *testpmd)
{
	dpdk_report_costs(a, mode, "ours", ours);
	dpdk_report_costs(a, mode, "testpmd", testpmd);
	report_counts(a, modes[mode].name, "ours", ours);
	report_counts(a, modes[mode].name, "testpmd", testpmd);
	if (a->c.instructions)
		judge(a, modes[mode].name, ours, testpmd);
}

void dpdk_report_gap(struct agent *a, struct json_object *report)
{
	uint64_t start = dpdk_figure(report, "init_cycles", -1, DPDK_SUM);
	uint64_t link = dpdk_figure(report, "link_cycles", -1, DPDK_SUM);
	uint64_t gap = dpdk_figure(report, "first_packet_tsc_cycles", 0, DPDK_LEAST) -
		       a->state->last_ticks;

	agent_metric_ticks(a, "dpdk_gap", gap);
	agent_metric_ticks(a, "dpdk_initialise", start);
	agent_metric_ticks(a, "dpdk_link", link);
	agent_check(
		a, "dpdk-gap", gap > start + link && gap < UINT64_MAX / 2,
		"from the jump to the first packet; starting DPDK and waiting for the link is a part of it");
}

void dpdk_report_throughput(struct agent *a, struct json_object *report, bool after)
{
	struct json_object *list, *values, *sums __json = json_object_new_array();
	uint64_t interval = 0;

	if (!json_object_object_get_ex(report, "throughput", &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		json_object_object_get_ex(one, "values", &values);
		if (json_number(one, "run"))
			continue;
		interval = json_number(one, "interval_cycles");
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
