/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flbench-dpdk: what its parts share. main.c reads the options and starts DPDK, port.c has the ports,
 * streams.c moves frames, copy.c has the memory-to-memory mode, report.c writes what came out.
 */
#ifndef FLBENCH_DPDK_H
#define FLBENCH_DPDK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/workload.h>

#include "histogram.h"

#define PORTS_MAX 8u
#define QUEUES_MAX 16u
#define SIZES_MAX 16u
#define BURST_MAX 512u
/* Frames or copies of a run that has no number given, for those that keep a book of them. */
#define NUMBERS_MAX (1u << 24)

struct json_object;
struct rte_mempool;

enum mode { MODE_RX, MODE_TX, MODE_FORWARD, MODE_LOOP, MODE_DMA };

/* What to do wrong on purpose to the frame in the middle (or the copy): the checks must notice. */
enum fault { FAULT_NONE, FAULT_SKIP, FAULT_TWICE, FAULT_SWAP, FAULT_DAMAGE, FAULT_FOREIGN };

/**
 * struct options - the command line
 * @mode: what to do
 * @ports: addresses of PCI devices, or names of virtual devices
 * @nr_ports: how many
 * @vdevs: descriptions of virtual devices, for DPDK
 * @nr_vdevs: how many
 * @queues: of each port
 * @sizes: bytes of a frame without its CRC, or of a copy; each is a run
 * @nr_sizes: how many
 * @burst: packets or copies of one call
 * @descriptors: of each queue
 * @packets: to do on each queue, 0: as many as come
 * @seconds: how long, 0: no limit
 * @interval: microseconds, by the TSC, of each of the intervals whose packets are counted; 0: none are
 * @prime: frames that rx and forward send first, on each queue
 * @repeat: how often each run is done
 * @check: build and check numbered frames (frame.h), or look whether each copy is right
 * @seed: of numbered frames
 * @fault: what to do wrong
 * @flows: addresses that frames come from in turn, 0: frames are no IP
 * @lcores: processors, or NULL
 * @memory_mib: for DPDK
 * @no_huge: ordinary pages
 * @huge_dir: mount of hugetlbfs, whose page size counts, or NULL
 * @output: file for the result, or NULL for standard output
 * @eal: more arguments for DPDK
 * @nr_eal: how many
 */
struct options {
	enum mode mode;
	const char *ports[PORTS_MAX];
	unsigned int nr_ports;
	const char *vdevs[PORTS_MAX];
	unsigned int nr_vdevs;
	unsigned int queues;
	uint32_t sizes[SIZES_MAX];
	unsigned int nr_sizes;
	unsigned int burst;
	unsigned int descriptors;
	uint64_t packets;
	uint64_t seconds;
	uint64_t interval;
	unsigned int prime;
	unsigned int repeat;
	bool check;
	uint64_t seed;
	enum fault fault;
	uint32_t flows;
	const char *lcores;
	unsigned int memory_mib;
	bool no_huge;
	const char *huge_dir;
	const char *output;
	char **eal;
	int nr_eal;
};

/**
 * struct stream - one queue of one port in one run, done by one lcore
 * @port: DPDK's number
 * @to: port that is sent to: the other one of a pair, but for mode tx
 * @queue: of both
 * @index: of the port among those given
 * @size: of frames that are sent
 * @run: which of the repeated runs, from 0
 * @lcore: who does it
 * @node: NUMA node of the port
 * @pool: where frames come from
 * @book: numbered frames that came, or NULL
 * @sent_at: when each numbered frame was sent, by number; mode loop
 * @first: lowest number that came
 * @latency: TSC cycles from send to receive; mode loop
 * @rx_packets: received
 * @rx_bytes: ditto
 * @tx_packets: sent
 * @tx_bytes: ditto
 * @tx_dropped: that the port did not take, and that were thrown away
 * @foreign: that are no frames of this seed
 * @damaged: with wrong bytes
 * @polls: turns of the loop
 * @empty_polls: of those, the ones that moved no packet
 * @busy_cycles: TSC cycles of the turns that moved packets
 * @empty_cycles: TSC cycles of the others; together they are all of the loop
 * @first_cycles: TSC when the first packet had been moved
 * @moved_cycles: TSC when the last one had been, or at the beginning
 * @last_cycles: TSC at which the turn began
 * @intervals: packets of each interval from the first packet of the lcore on, or NULL; behind the last that
 *	was over, or that there is room for, those of the rest
 * @nr_intervals: how many are over
 * @numbers: one more than the highest number that was sent; mode loop
 * @done: nothing is left to do
 * @ok: it could begin
 */
struct stream {
	uint16_t port, to, queue;
	unsigned int index;
	uint32_t size;
	unsigned int run;
	unsigned int lcore;
	int node;
	struct rte_mempool *pool;
	struct frame_book *book;
	uint64_t *sent_at;
	uint64_t first;
	struct histogram *latency;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, tx_dropped;
	uint64_t foreign, damaged;
	uint64_t polls, empty_polls, busy_cycles, empty_cycles;
	uint64_t first_cycles, moved_cycles, last_cycles;
	uint32_t *intervals;
	unsigned int nr_intervals;
	uint64_t numbers;
	bool done, ok;
};

/**
 * struct check - what came of the numbered frames of a port (or of the copies)
 * @expected: from the lowest to the highest number that came, or all that were sent (loop)
 * @arrived: each counted once
 * @lost: the rest
 * @duplicated: arrivals too many
 * @reordered: behind one with a higher number, on the same queue
 * @foreign: no frames of ours
 * @damaged: with wrong bytes
 * @first: lowest number
 * @last: highest number
 */
struct check {
	uint64_t expected, arrived, lost, duplicated, reordered, foreign, damaged, first, last;
};

/* Set by a signal: everything ends at the next turn. */
extern volatile sig_atomic_t stopped;

/* One line on standard error: what, where, why, what to do. Returns @err. */
int complain(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Pages that DPDK's memory is made of, in bytes; 0 if it was left to DPDK. */
uint64_t page_bytes(const struct options *o);

/* Before DPDK starts: is there such a device, and can DPDK have it? 0 or a negative errno, said. */
int port_check(const char *name);
/* Is this the address of a PCI device? */
bool port_is_pci(const char *name);
/* Which of DPDK's ports that is; or a negative errno, said. */
int port_find(const char *name);
/* Set up and start a port with frames from @pool; 0 or a negative errno, said. */
int port_open(uint16_t port, const char *name, const struct options *o, struct rte_mempool *pool);
void port_close(uint16_t port);

/* Run all streams on their lcores, until packets, seconds or a signal end it. */
int streams_run(const struct options *o, struct stream *streams, unsigned int nr);

/**
 * copy_run - mode dma: copy memory to memory
 * @o: options
 * @name: the device's
 * @size: bytes of a copy
 * @s: counts go here: copies are tx_packets; s->latency gets submit to completion
 * @check: what the copies were like
 *
 * Return: 0 or a negative errno, said.
 */
int copy_run(const struct options *o, const char *name, uint32_t size, struct stream *s,
	     struct check *check);

/* The books of one port's streams, together. */
void streams_check(const struct options *o, const struct stream *streams, unsigned int nr,
		   unsigned int index, struct check *check);
bool check_passed(const struct options *o, const struct check *check);

struct json_object *report_new(const struct options *o, int node, const char *lcores);
/* @name is that of the port. */
void report_stream(struct json_object *report, const struct options *o, const char *name,
		   const struct stream *s);
void report_check(struct json_object *report, const struct options *o, const char *name,
		  uint32_t size, unsigned int run, const struct check *check);
/* What the device itself counted. */
void report_port(struct json_object *report, const struct options *o, const char *name,
		 uint32_t size, unsigned int run, uint16_t port);
/* A metric about all of the run: @name has its unit as its ending. */
void report_figure(struct json_object *report, const struct options *o, const char *name,
		   const char *unit, uint64_t value);
/* To the file or standard output; 0 or a negative errno, said. */
int report_write(struct json_object *report, const struct options *o);
const char *mode_name(enum mode mode);

#endif
