/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DPDK on two network cards of its own: our program and testpmd as children of the agent, what their
 * reports say, and what a packet cost. A turn of a loop that moves no packet is an empty poll, and is
 * not counted, on either side: our program adds up the others apart, and testpmd
 * (--record-core-cycles) counts no others.
 */
#ifndef FLBENCH_AGENT_DPDK_H
#define FLBENCH_AGENT_DPDK_H

#include <stdbool.h>
#include <stdint.h>

#include "program.h"
#include "testpmd.h"

struct agent;
struct json_object;

#define DPDK_CARDS 2u
#define DPDK_REPEATS 5u
/* Pages of our program's memory: the first word of its options. */
#define DPDK_HUGE_DIR "/dev/hugepages"
#define DPDK_HUGE "--huge-dir=" DPDK_HUGE_DIR
#define DPDK_SMALL "--no-huge"
/* After so many our program gives up frames that do not come. */
#define DPDK_SECONDS "5"

/* What becomes of metrics of one name: all together, the least of them, or the most. */
enum dpdk_figure { DPDK_SUM, DPDK_LEAST, DPDK_MOST };

/**
 * dpdk_find - find the two cards that are DPDK's
 * @a: the agent
 * @nth: the first of them among cards of this kind, in the order of addresses; 0: there are no others
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_find(struct agent *a, unsigned int nth);

/* Address of one of them, from 0. */
const char *dpdk_card(unsigned int i);

/* How many of them may do DMA: are bus masters; or a negative errno. */
int dpdk_bus_masters(void);

/**
 * dpdk_prepare - give the cards to vfio-pci, and have huge pages
 * @a: the agent, after dpdk_find()
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_prepare(struct agent *a);

/**
 * dpdk_take - the same where there are no other cards of this kind
 * @a: the agent
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_take(struct agent *a);

/**
 * dpdk_start - start our program
 * @a: the agent
 * @program: filled in
 * @nr_cards: on the first one, or on both
 * @options: for it, the pages first, then the mode, and NULL
 *
 * After an error nothing has been started; else dpdk_end() is due.
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_start(struct agent *a, struct program *program, unsigned int nr_cards,
	       const char *const options[]);

/**
 * dpdk_wait_until_ready - wait until its cards have a link
 * @a: the agent
 * @program: from dpdk_start()
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_wait_until_ready(struct agent *a, struct program *program);

/**
 * dpdk_end - wait for its end, and read its report
 * @a: the agent
 * @program: from dpdk_start()
 * @report: where the report goes, also of a program that found something wrong; or NULL
 *
 * Return: its exit status: 1 if it found frames that are not as they should be; or a negative errno,
 * also for a program that could not do its work, with the words in world.problem.
 */
int dpdk_end(struct agent *a, struct program *program, struct json_object **report);

/**
 * dpdk_run - start our program on both cards, and wait for its end
 * @a: the agent
 * @options: for it, as dpdk_start() has them
 * @status: the exit status that is expected
 * @report: where the report goes
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_run(struct agent *a, const char *const options[], int status, struct json_object **report);

/**
 * dpdk_figure - a figure of a report
 * @report: from dpdk_end()
 * @name: of the metric
 * @run: which of the runs, or -1 for all
 * @how: what becomes of several
 *
 * Return: the figure; without any metric of that name 0, and of DPDK_LEAST UINT64_MAX.
 */
uint64_t dpdk_figure(struct json_object *report, const char *name, int run, enum dpdk_figure how);

/**
 * dpdk_measure - have our program move frames, DPDK_REPEATS times
 * @a: the agent
 * @mode: what it does
 * @pages: DPDK_HUGE or DPDK_SMALL
 * @runs: what each run was like
 * @report: where the report goes
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_measure(struct agent *a, enum dpdk_mode mode, const char *pages,
		 struct dpdk_run runs[DPDK_REPEATS], struct json_object **report);

/**
 * dpdk_testpmd - have testpmd do the same
 * @a: the agent
 * @modes: how many modes, from the first on
 * @runs: what each run was like, for each mode
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_testpmd(struct agent *a, unsigned int modes, struct dpdk_run runs[][DPDK_REPEATS]);

/**
 * dpdk_report_throughput - packets of the first run, interval by interval, as it gets going
 * @a: the agent
 * @report: from dpdk_measure()
 * @after: a jump; else before the next one
 */
void dpdk_report_throughput(struct agent *a, struct json_object *report, bool after);

/* A sample for each run: what a packet cost, rounded. @what is a part of the metric's name. */
void dpdk_report_costs(struct agent *a, enum dpdk_mode mode, const char *what,
		       const struct dpdk_run *runs);

/* Of both sides: what a packet cost, and the counts that this comes from; and is it good enough? */
void dpdk_report(struct agent *a, enum dpdk_mode mode, struct dpdk_run *ours,
		 struct dpdk_run *testpmd);

/* How long there were no packets since the jump, and how much of that our program took to start. */
void dpdk_report_gap(struct agent *a, struct json_object *report);

#endif
