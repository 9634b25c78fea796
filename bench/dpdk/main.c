// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench-dpdk: receives, sends and forwards frames on the queues of a network card that DPDK owns, or
 * has a DMA engine copy memory, and tells what that cost. The command line, and the start of DPDK.
 */
#include <argp.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <json-c/json.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <flbench/cleanup.h>
#include <flbench/frame.h>

#include "dpdk.h"
#include "place.h"

#define LINK_SECONDS 9u
#define LIST_SIZE 512
#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages"
/* mbufs that the caches of an lcore and a burst on its way may hold. */
#define CACHE 128u
#define STATUS_CHECK 1
#define STATUS_ERROR 2

volatile sig_atomic_t stopped;

const char *argp_program_version = "flbench-dpdk " FLBENCH_VERSION;

enum key {
	KEY_CHECK = 256,
	KEY_SEED,
	KEY_FAULT,
	KEY_FLOWS,
	KEY_LCORES,
	KEY_MEMORY,
	KEY_NO_HUGE,
	KEY_HUGE_DIR,
	KEY_INTERVAL,
	KEY_PRIME,
	KEY_REPEAT,
	KEY_VDEV,
};

static const struct argp_option option_table[] = {
	{ "mode", 'm', "MODE", 0,
	  "rx, tx, forward (receive and send), loop (send, and receive the same again), or dma (copy memory)",
	  0 },
	{ "port", 'p', "PORT", 0,
	  "address of a PCI device that is bound to vfio-pci, or name of a virtual device; may be given again",
	  0 },
	{ "vdev", KEY_VDEV, "DEVICE", 0, "make a virtual device (DPDK's --vdev), and use it", 0 },
	{ "queues", 'q', "N", 0, "queues of each port [1]", 0 },
	{ "size", 's', "BYTES,...", 0,
	  "frames without CRC, 64 to 1514, or copies, 1 to 1048576; a run for each [64]", 0 },
	{ "burst", 'b', "N", 0, "packets of one call, 1 to 512 [32]", 0 },
	{ "descriptors", 'd', "N", 0, "of each queue [512]", 0 },
	{ "packets", 'n', "N", 0, "on each queue; without: until --seconds or a signal end it", 0 },
	{ "seconds", 't', "N", 0, "how long, by the TSC", 0 },
	{ "interval", KEY_INTERVAL, "US", 0,
	  "count the packets of each interval of so many microseconds by the TSC, from the first packet on; not for dma",
	  0 },
	{ "prime", KEY_PRIME, "N", 0,
	  "rx, forward: frames that are sent first, on the other port of a pair or the same [0]",
	  0 },
	{ "repeat", KEY_REPEAT, "N", 0, "runs of each size [1]", 0 },
	{ "check", KEY_CHECK, NULL, 0,
	  "build and check numbered frames, each byte of them (loop does); dma: compare what was copied",
	  0 },
	{ "seed", KEY_SEED, "N", 0, "of numbered frames [1]", 0 },
	{ "fault", KEY_FAULT, "FAULT", 0,
	  "do something wrong to the frame in the middle: skip, twice, swap, damage, foreign (to test --check); forward: skip, damage (to test who receives)",
	  0 },
	{ "flows", KEY_FLOWS, "N", 0,
	  "frames that are sent are UDP over IPv4, of N addresses in turn, for RSS to deal out to queues [no IP]",
	  0 },
	{ "lcores", KEY_LCORES, "N,...", 0, "processors to use [those of the port's NUMA node]",
	  0 },
	{ "memory", KEY_MEMORY, "MIB", 0, "for DPDK, on the port's NUMA node [64]", 0 },
	{ "no-huge", KEY_NO_HUGE, NULL, 0, "ordinary pages", 0 },
	{ "huge-dir", KEY_HUGE_DIR, "DIR", 0, "mount of hugetlbfs: pages of its size", 0 },
	{ "output", 'o', "FILE", 0,
	  "where the result goes (JSON) [standard output]; then standard output says 'ready' as soon as frames can come",
	  0 },
	{ 0 }
};

int complain(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("flbench-dpdk: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return err;
}

static void on_signal(int number)
{
	stopped = number;
}

/* ---- the command line ---- */

static uint64_t number(struct argp_state *state, const char *option, const char *text, uint64_t min,
		       uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		argp_error(state, "--%s '%s': give a number from %llu to %llu", option, text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

static int word(struct argp_state *state, const char *option, const char *text,
		const char *const words[])
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	argp_error(state, "--%s '%s': unknown; see --help", option, text);
	return 0;
}

static void read_sizes(struct argp_state *state, struct options *o, char *text)
{
	char *rest, *one = strtok_r(text, ",", &rest);

	for (o->nr_sizes = 0; one; one = strtok_r(NULL, ",", &rest)) {
		if (o->nr_sizes == SIZES_MAX)
			argp_error(state, "--size: %u sizes at most", SIZES_MAX);
		o->sizes[o->nr_sizes++] = number(state, "size", one, 1, 1u << 20);
	}
	if (!o->nr_sizes)
		argp_error(state, "--size: no number; give at least one");
}

static void add_port(struct argp_state *state, struct options *o, const char *name)
{
	if (o->nr_ports == PORTS_MAX)
		argp_error(state, "--port: %u ports at most", PORTS_MAX);
	for (unsigned int i = 0; i < o->nr_ports; i++)
		if (!strcmp(o->ports[i], name))
			argp_error(state, "--port %s: given twice", name);
	o->ports[o->nr_ports++] = name;
}

/* What is good word by word but not together. */
static void check_options(struct argp_state *state, const struct options *o)
{
	if ((int)o->mode < 0)
		argp_error(state, "--mode is missing: give rx, tx, forward, loop or dma");
	if (!o->nr_ports)
		argp_error(state, "--port is missing: give the address of a PCI device, or --vdev");
	if (o->mode == MODE_DMA && o->nr_ports != 1)
		argp_error(state, "--mode dma: one device, not %u", o->nr_ports);
	if (o->mode == MODE_DMA && o->queues > 1)
		argp_error(state, "--mode dma: one queue, not %u", o->queues);
	if (o->mode == MODE_DMA && o->fault != FAULT_NONE && o->fault != FAULT_DAMAGE)
		argp_error(state, "--mode dma: of the faults it knows damage only");
	for (unsigned int i = 0; o->mode != MODE_DMA && i < o->nr_sizes; i++)
		if (o->sizes[i] < FRAME_BYTES_MIN || o->sizes[i] > FRAME_BYTES_MAX)
			argp_error(state, "--size %u: a frame has %u to %u bytes", o->sizes[i],
				   FRAME_BYTES_MIN, FRAME_BYTES_MAX);
	if (o->mode == MODE_LOOP && (o->queues > 1 || !o->packets || o->packets > NUMBERS_MAX))
		argp_error(state, "--mode loop: one queue, and --packets from 1 to %u",
			   NUMBERS_MAX);
	if (o->mode == MODE_TX && o->check && (!o->packets || o->packets > NUMBERS_MAX))
		argp_error(
			state,
			"--mode tx: with --check --packets from 1 to %u; who receives knows no number above",
			NUMBERS_MAX);
	if (o->mode == MODE_FORWARD && o->nr_sizes > 1)
		argp_error(state,
			   "--mode forward: frames come as they are; give one --size, for --prime");
	if (o->flows && (o->check || o->mode == MODE_DMA))
		argp_error(state, "--flows: numbered frames have no IP header; leave --check out");
	if (o->mode == MODE_DMA && o->interval)
		argp_error(
			state,
			"--mode dma: copies are not counted by the interval; leave --interval out");
	if (o->prime && o->mode != MODE_FORWARD && o->mode != MODE_RX)
		argp_error(state, "--prime: for --mode forward and rx only");
	if (o->mode == MODE_FORWARD && o->check)
		argp_error(
			state,
			"--mode forward does not look into frames; leave --check to who receives them");
	if (o->mode == MODE_FORWARD && o->fault != FAULT_NONE && o->fault != FAULT_SKIP &&
	    o->fault != FAULT_DAMAGE)
		argp_error(state, "--mode forward: of the faults it knows skip and damage only");
	if (o->fault != FAULT_NONE && ((o->mode != MODE_FORWARD && !o->check) || o->packets < 4))
		argp_error(state, "--fault: needs --check and at least 4 --packets");
	if (o->no_huge && o->huge_dir)
		argp_error(state, "--no-huge and --huge-dir: give one of them");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const char *const modes[] = { "rx", "tx", "forward", "loop", "dma", NULL };
	static const char *const faults[] = { "none",	"skip",	   "twice", "swap",
					      "damage", "foreign", NULL };
	struct options *o = state->input;

	switch (key) {
	case 'm':
		o->mode = word(state, "mode", arg, modes);
		o->check = o->check || o->mode == MODE_LOOP;
		return 0;
	case 'p':
		add_port(state, o, arg);
		return 0;
	case KEY_VDEV:
		if (o->nr_vdevs == PORTS_MAX)
			argp_error(state, "--vdev: %u devices at most", PORTS_MAX);
		o->vdevs[o->nr_vdevs++] = arg;
		add_port(state, o, strndup(arg, strcspn(arg, ",")));
		return 0;
	case 'q':
		o->queues = number(state, "queues", arg, 1, QUEUES_MAX);
		return 0;
	case 's':
		read_sizes(state, o, arg);
		return 0;
	case 'b':
		o->burst = number(state, "burst", arg, 1, BURST_MAX);
		return 0;
	case 'd':
		o->descriptors = number(state, "descriptors", arg, 8, 32768);
		return 0;
	case 'n':
		o->packets = number(state, "packets", arg, 1, UINT64_MAX / 2);
		return 0;
	case 't':
		o->seconds = number(state, "seconds", arg, 1, 86400);
		return 0;
	case KEY_INTERVAL:
		o->interval = number(state, "interval", arg, 1, 60000000);
		return 0;
	case KEY_PRIME:
		o->prime = number(state, "prime", arg, 1, 32768);
		return 0;
	case KEY_REPEAT:
		o->repeat = number(state, "repeat", arg, 1, 1000);
		return 0;
	case KEY_CHECK:
		o->check = true;
		return 0;
	case KEY_SEED:
		o->seed = number(state, "seed", arg, 0, UINT32_MAX);
		return 0;
	case KEY_FAULT:
		o->fault = word(state, "fault", arg, faults);
		return 0;
	case KEY_FLOWS:
		o->flows = number(state, "flows", arg, 1, 65536);
		return 0;
	case KEY_LCORES:
		if (!*arg || arg[strspn(arg, "0123456789,")])
			argp_error(state, "--lcores '%s': give numbers with commas between", arg);
		o->lcores = arg;
		return 0;
	case KEY_MEMORY:
		o->memory_mib = number(state, "memory", arg, 8, 1u << 20);
		return 0;
	case KEY_NO_HUGE:
		o->no_huge = true;
		return 0;
	case KEY_HUGE_DIR:
		o->huge_dir = arg;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (!state->quoted || state->next <= state->quoted)
			argp_error(state,
				   "unexpected argument %s (what is meant for DPDK goes behind --)",
				   arg);
		o->eal = state->argv + state->next - 1;
		o->nr_eal = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		check_options(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- memory and processors ---- */

uint64_t page_bytes(const struct options *o)
{
	struct statfs fs;

	if (o->no_huge)
		return sysconf(_SC_PAGESIZE);
	return o->huge_dir && !statfs(o->huge_dir, &fs) ? fs.f_bsize : 0;
}

static int check_memory(const struct options *o)
{
	char pattern[128] = HUGE_PAGES "-*/free_hugepages";
	unsigned long long free_pages = 0;
	struct statfs fs;
	glob_t found;

	if (o->no_huge)
		return 0;
	if (o->huge_dir && statfs(o->huge_dir, &fs))
		return complain(-errno, "--huge-dir %s: %s", o->huge_dir, strerror(errno));
	if (o->huge_dir && fs.f_type != HUGETLBFS_MAGIC)
		return complain(
			-EINVAL,
			"--huge-dir %s: not a mount of hugetlbfs; mount -t hugetlbfs -o pagesize=2M none DIR",
			o->huge_dir);
	/* A mount knows how many of its pages are free only if it has a limit of its own. */
	if (o->huge_dir)
		snprintf(pattern, sizeof(pattern), HUGE_PAGES "-%ldkB/free_hugepages",
			 (long)fs.f_bsize / 1024);
	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			FILE *file __fclose = fopen(found.gl_pathv[i], "re");
			unsigned long long pages = 0;

			if (file && fscanf(file, "%llu", &pages) == 1)
				free_pages += pages;
		}
		globfree(&found);
	}
	if (!free_pages)
		return complain(
			-ENOMEM,
			"%s: no huge page is free: echo 64 >/proc/sys/vm/nr_hugepages, or give --no-huge",
			pattern);
	return 0;
}

/**
 * struct place - which lcore does what
 * @nodes: a bit for each NUMA node with a port
 * @node: of each port
 * @lcore: of each queue of each port
 * @list: all lcores, with commas between
 */
struct place {
	uint64_t nodes;
	int node[PORTS_MAX];
	unsigned int lcore[PORTS_MAX][QUEUES_MAX];
	char list[LIST_SIZE];
};

/* The queues of @node's ports get the processors of @list in turn; @node -1: all ports. */
static void deal(const struct options *o, struct place *place, int node, const char *list)
{
	const char *at = list;

	for (unsigned int p = 0; p < o->nr_ports; p++)
		for (unsigned int q = 0; q < o->queues; q++) {
			char *end;

			if (node >= 0 && place->node[p] != node)
				continue;
			place->lcore[p][q] = strtoul(at, &end, 10);
			at = *end ? end + 1 : list;
		}
}

static int find_place(const struct options *o, struct place *place)
{
	char list[LIST_SIZE];

	for (unsigned int p = 0; p < o->nr_ports; p++) {
		place->node[p] = place_node(o->ports[p]);
		place->nodes |= 1ull << place->node[p];
	}
	if (o->lcores) {
		if (snprintf(place->list, sizeof(place->list), "%s", o->lcores) >= LIST_SIZE)
			return complain(-ENOSPC, "--lcores: too many processors");
		deal(o, place, -1, o->lcores);
		return 0;
	}
	for (int node = 0; node < 64; node++) {
		unsigned int nr = 0;
		size_t length = strlen(place->list), room = sizeof(place->list) - length;
		int found;

		for (unsigned int p = 0; p < o->nr_ports; p++)
			nr += place->node[p] == node ? o->queues : 0;
		if (!nr)
			continue;
		found = place_lcores(node, nr, list, sizeof(list));
		if (found < 0)
			return complain(
				found,
				"NUMA node %d: no processor can be chosen: %s; give --lcores", node,
				strerror(-found));
		deal(o, place, node, list);
		if (snprintf(place->list + length, room, "%s%s", length ? "," : "", list) >=
		    (int)room)
			return complain(-ENOSPC, "too many processors; give --lcores");
	}
	return 0;
}

/* ---- DPDK ---- */

#define EAL_MAX 96

struct eal {
	char *words[EAL_MAX];
	int nr;
};

static __attribute__((format(printf, 2, 3))) void add(struct eal *eal, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (eal->nr < EAL_MAX - 1 && vasprintf(&eal->words[eal->nr], format, args) >= 0)
		eal->nr++;
	va_end(args);
}

static int start_dpdk(const struct options *o, const struct place *place)
{
	char memory[LIST_SIZE];
	struct eal eal = { 0 };
	bool pci = false;
	char *words[EAL_MAX];
	int err;

	add(&eal, "flbench-dpdk");
	add(&eal, "-l");
	add(&eal, "%s", place->list);
	add(&eal, "--iova-mode=va");
	add(&eal, "--no-telemetry");
	add(&eal, "--log-level=lib.eal:warning");
	add(&eal, "--file-prefix=flbench-%d", getpid());
	/* No file is to stay behind. */
	if (o->no_huge) {
		add(&eal, "--no-huge");
		add(&eal, "--no-shconf");
		add(&eal, "-m");
		add(&eal, "%u", o->memory_mib);
	} else {
		err = place_memory(place->nodes, o->memory_mib, memory, sizeof(memory));
		if (err)
			return complain(err, "NUMA nodes: too many");
		add(&eal, "--socket-mem=%s", memory);
	}
	if (o->huge_dir) {
		add(&eal, "--huge-dir=%s", o->huge_dir);
		add(&eal, "--huge-unlink");
		add(&eal, "--no-shconf");
	} else if (!o->no_huge) {
		add(&eal, "--in-memory");
	}
	for (unsigned int i = 0; i < o->nr_ports; i++) {
		if (!port_is_pci(o->ports[i]))
			continue;
		add(&eal, "-a");
		add(&eal, "%s", o->ports[i]);
		pci = true;
	}
	if (!pci)
		add(&eal, "--no-pci");
	for (unsigned int i = 0; i < o->nr_vdevs; i++)
		add(&eal, "--vdev=%s", o->vdevs[i]);
	for (int i = 0; i < o->nr_eal; i++)
		add(&eal, "%s", o->eal[i]);
	/* DPDK turns them round, and may keep them. */
	memcpy(words, eal.words, sizeof(words));
	err = rte_eal_init(eal.nr, words);
	for (int i = 0; i < eal.nr; i++)
		free(eal.words[i]);
	return err < 0 ? complain(-rte_errno, "DPDK does not start: %s; see its messages above",
				  rte_strerror(rte_errno)) :
			 0;
}

static void stop_dpdk(bool started)
{
	char dir[PATH_MAX];

	/* Made in any case, and left behind, one for each process. */
	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	if (started)
		rte_eal_cleanup();
	rmdir(dir);
}

static int wait_for_link(const struct options *o, const uint16_t *ports)
{
	for (unsigned int i = 0, tries = 0; i < o->nr_ports && !stopped; tries++) {
		struct rte_eth_link link = { 0 };

		if (!rte_eth_link_get_nowait(ports[i], &link) && link.link_status) {
			i++;
			continue;
		}
		if (tries == LINK_SECONDS * 1000)
			return complain(-ENETDOWN,
					"port %s: no link; is the cable in, and the other end up?",
					o->ports[i]);
		/* Not rte_delay_ms(): that polls the clock. */
		usleep(1000);
	}
	return 0;
}

/* ---- runs ---- */

static void free_streams(struct stream *streams, unsigned int nr)
{
	for (unsigned int i = 0; streams && i < nr; i++) {
		free(streams[i].book);
		free(streams[i].sent_at);
		free(streams[i].latency);
		free(streams[i].intervals);
	}
	free(streams);
}

/* What a stream has to keep: which numbers came, and when they were sent. */
static int make_room(const struct options *o, struct stream *s)
{
	/* A fault may use a number more. */
	const uint64_t numbers = o->mode == MODE_LOOP ? o->packets + 1 : NUMBERS_MAX;

	if (o->check && (o->mode == MODE_RX || o->mode == MODE_LOOP)) {
		s->book = malloc(frame_book_bytes(numbers));
		if (!s->book)
			return -ENOMEM;
		frame_book_init(s->book, numbers);
	}
	if (o->interval) {
		s->intervals = calloc(WORKLOAD_INTERVALS_MAX + 1, sizeof(*s->intervals));
		if (!s->intervals)
			return -ENOMEM;
	}
	if (o->mode == MODE_LOOP)
		s->sent_at = calloc(numbers, sizeof(*s->sent_at));
	if (o->mode == MODE_LOOP || o->mode == MODE_DMA)
		s->latency = calloc(1, sizeof(*s->latency));
	return (o->mode == MODE_LOOP && !s->sent_at) ||
			       ((o->mode == MODE_LOOP || o->mode == MODE_DMA) && !s->latency) ?
		       -ENOMEM :
		       0;
}

/* Return: STATUS_CHECK when frames were not as they should be, 0, or a negative errno. */
static int run_size(const struct options *o, const struct place *place, const uint16_t *ports,
		    struct rte_mempool *pool, uint32_t size, unsigned int run,
		    struct json_object *report)
{
	const unsigned int nr = o->nr_ports * o->queues;
	struct stream *streams = calloc(nr, sizeof(*streams));
	int err = streams ? 0 : -ENOMEM, status = 0;
	struct check check = { 0 };

	for (unsigned int i = 0; !err && i < nr; i++) {
		const unsigned int p = i / o->queues;

		streams[i].port = ports[p];
		/* In pairs, as testpmd has it; the last one of an odd number sends to itself. */
		streams[i].to = ports[o->mode != MODE_TX && (p ^ 1) < o->nr_ports ? p ^ 1 : p];
		streams[i].queue = i % o->queues;
		streams[i].index = p;
		streams[i].size = size;
		streams[i].run = run;
		streams[i].lcore = place->lcore[p][i % o->queues];
		streams[i].node = place->node[p];
		streams[i].pool = pool;
		err = make_room(o, &streams[i]);
	}
	if (err)
		complain(err, "out of memory");
	for (unsigned int p = 0; o->mode != MODE_DMA && p < o->nr_ports; p++)
		rte_eth_stats_reset(ports[p]);
	if (!err)
		err = o->mode == MODE_DMA ? copy_run(o, o->ports[0], size, streams, &check) :
					    streams_run(o, streams, nr);
	for (unsigned int i = 0; !err && i < nr; i++)
		report_stream(report, o, o->ports[streams[i].index], &streams[i]);
	for (unsigned int p = 0; !err && p < o->nr_ports; p++) {
		bool checks = o->check && (o->mode == MODE_RX || o->mode == MODE_LOOP);

		if (checks)
			streams_check(o, streams, nr, p, &check);
		if (checks || (o->check && o->mode == MODE_DMA)) {
			report_check(report, o, o->ports[p], size, run, &check);
			status = check_passed(o, &check) ? status : STATUS_CHECK;
		}
		if (o->mode != MODE_DMA)
			report_port(report, o, o->ports[p], size, run, ports[p]);
	}
	free_streams(streams, nr);
	return err ? err : status;
}

static int run(const struct options *o, const struct place *place)
{
	const uint64_t begin = rte_rdtsc();
	struct json_object *report __json = NULL;
	struct rte_mempool *pool = NULL;
	uint16_t ports[PORTS_MAX];
	unsigned int mbufs = o->nr_ports * o->queues * (2 * o->descriptors + o->prime + BURST_MAX);
	unsigned int opened = 0;
	uint64_t ready, linked;
	int err = start_dpdk(o, place), status = 0;

	if (err) {
		stop_dpdk(false);
		return err;
	}
	report = report_new(o, place->node[0], place->list);
	if (o->mode != MODE_DMA) {
		mbufs += rte_lcore_count() * 2 * CACHE;
		pool = rte_pktmbuf_pool_create("frames", mbufs, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					       SOCKET_ID_ANY);
		if (!pool)
			err = complain(
				-rte_errno,
				"%u packets need more memory than DPDK has: %s; give --memory",
				mbufs, rte_strerror(rte_errno));
	}
	for (unsigned int i = 0; pool && !err && i < o->nr_ports; i++) {
		err = port_find(o->ports[i]);
		if (err < 0)
			break;
		ports[opened] = err;
		err = port_open(ports[opened], o->ports[i], o, pool);
		opened += !err;
	}
	ready = rte_rdtsc();
	if (!err && pool)
		err = wait_for_link(o, ports);
	linked = rte_rdtsc();
	/* For who waits to do something meanwhile. */
	if (!err && o->output) {
		puts("ready");
		fflush(stdout);
	}
	for (unsigned int i = 0; !err && !stopped && i < o->nr_sizes * o->repeat; i++) {
		int ret = run_size(o, place, ports, pool, o->sizes[i / o->repeat], i % o->repeat,
				   report);

		err = ret < 0 ? ret : 0;
		status = ret > 0 ? ret : status;
	}
	report_figure(report, o, "begin_tsc_cycles", "cycles", begin);
	report_figure(report, o, "init_cycles", "cycles", ready - begin);
	report_figure(report, o, "link_cycles", "cycles", linked - ready);
	for (unsigned int i = 0; i < opened; i++)
		port_close(ports[i]);
	rte_mempool_free(pool);
	if (!err)
		err = report_write(report, o);
	stop_dpdk(true);
	return err ? err : status;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		parse_option,
		"-- EAL-OPTION...",
		"Receives, sends or forwards frames with DPDK, and tells what that cost.\v"
		"Exit status: 0; 1 when --check found something wrong; 2 for errors.",
		NULL,
		NULL,
		NULL
	};
	const struct sigaction action = { .sa_handler = on_signal };
	static struct options o = {
		.mode = -1,
		.queues = 1,
		.sizes = { FRAME_BYTES_MIN },
		.nr_sizes = 1,
		.burst = 32,
		.descriptors = 512,
		.repeat = 1,
		.seed = 1,
		.memory_mib = 64,
	};
	static struct place place;
	int ret;

	argp_err_exit_status = STATUS_ERROR;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = check_memory(&o);
	for (unsigned int i = 0; !ret && i < o.nr_ports; i++)
		ret = port_check(o.ports[i]);
	if (!ret)
		ret = find_place(&o, &place);
	if (!ret)
		ret = run(&o, &place);
	return ret < 0 ? STATUS_ERROR : ret;
}
