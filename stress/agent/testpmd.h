/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What DPDK's testpmd says that it has done (--record-core-cycles --record-burst-stats), and what one run
 * with its packets and polls has cost. How it is started and told is left to others.
 */
#ifndef FLBENCH_AGENT_TESTPMD_H
#define FLBENCH_AGENT_TESTPMD_H

#include <stddef.h>
#include <stdint.h>

/* Packets of a full burst. */
#define TESTPMD_BURST 32u

/* In this order: rings that tx leaves full are no place to receive from. */
enum dpdk_mode { DPDK_FORWARD, DPDK_RX, DPDK_TX, DPDK_MODES };

#define TESTPMD_PROMPT "testpmd> "

/**
 * struct dpdk_run - one run, of both ports
 * @packets: that were moved
 * @busy: ticks of the turns that moved some
 * @counted: the same before anything was taken away from it
 * @empty: ticks of the others; not known of testpmd
 * @polls: turns
 * @empty_polls: that moved none
 */
struct dpdk_run {
	uint64_t packets, busy, counted, empty, polls, empty_polls;
};

/**
 * testpmd_strip_prompts - take out prompts and what was typed behind them
 * @text: what testpmd said; changed in place
 *
 * They are written at once, all else when a buffer is full: so they may stand in the middle of a word.
 */
void testpmd_strip_prompts(char *text);

/**
 * testpmd_read - read a run for which testpmd has shown its counts twice before it was stopped
 * @text: what it said, without prompts
 * @mode: what it did
 * @run: filled in
 *
 * A run is from the first time that it shows its counts to the second. When it starts and stops, the
 * thread that reads commands spins for a while on the processor that the other one would need, and
 * spoils its figures; while it runs, that thread sleeps. What there is to be received does not last so
 * long: there it is all until the end. Polls are always of all until the end. Of empty ones testpmd tells
 * no number, but a share in percent; packets move in full bursts as far as there are as many.
 *
 * Return: behind what was read; NULL if that was no run, or one without packets.
 */
const char *testpmd_read(const char *text, enum dpdk_mode mode, struct dpdk_run *run);

/**
 * testpmd_take_sending_away - have runs that received cost what receiving did
 * @rx: runs that received what testpmd had sent to itself in the same run; it counts both as one
 * @tx: as many that did nothing but send
 * @nr: how many
 *
 * Return: 0; -EPROTO if that leaves nothing of a run, or -ENOMEM.
 */
int testpmd_take_sending_away(struct dpdk_run *rx, const struct dpdk_run *tx, size_t nr);

/**
 * dpdk_median - the run in the middle, by what a packet cost
 * @runs: runs with packets, which are put in this order
 * @nr: how many
 *
 * Return: one of them.
 */
const struct dpdk_run *dpdk_median(struct dpdk_run *runs, size_t nr);

#endif
