/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scenarios of DPDK share: the guest's network cards, and our program on them. */
#ifndef FLBENCH_SCENARIOS_DPDK_H
#define FLBENCH_SCENARIOS_DPDK_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct json_object;
struct program;

#define HUGE_DIR "/dev/hugepages"
/* Pages of our program's memory. */
#define HUGE "--huge-dir=" HUGE_DIR
#define SMALL "--no-huge"
#define WAIT_MS 60000

/**
 * dpdk_prepare - give two network cards to vfio-pci, and make huge pages
 * @a: the agent
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_prepare(struct agent *a);

/**
 * dpdk_start - start our program
 * @a: the agent
 * @program: filled in
 * @nr_cards: on the first one or on both
 * @options: for it, and NULL; it runs for at most five seconds unless they say otherwise
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_start(struct agent *a, struct program *program, unsigned int nr_cards,
	       const char *const options[]);

/**
 * dpdk_end - wait until our program ends, and read its report
 * @a: the agent
 * @program: from dpdk_start(); freed
 * @what: its mode, for words
 * @status: the highest exit status that will do; with 1 the program may have found frames that are
 *	wrong
 * @report: where the report goes, or NULL
 *
 * Return: 0 or a negative errno, with the words in world.problem.
 */
int dpdk_end(struct agent *a, struct program *program, const char *what, int status,
	     struct json_object **report);

/**
 * dpdk_figure - a figure of a report
 * @report: from dpdk_end()
 * @name: of the metrics that are taken
 * @run: only those of this run; -1: all
 * @least: the least of them, not their sum
 *
 * Return: the figure.
 */
uint64_t dpdk_figure(struct json_object *report, const char *name, int run, bool least);

#endif
