/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a workload consists of. Its name is those of its parts, with '+' between: "fio+dpdk". The first
 * part is what is preserved; DPDK behind a '+' stands beside it, and is started anew in each kernel.
 */
#ifndef FLBENCH_WORKLOAD_H
#define FLBENCH_WORKLOAD_H

#include <stdbool.h>
#include <string.h>

/*
 * Intervals of a row of throughput at most: what comes later is in none. Looking for a trend compares
 * each with each.
 */
#define WORKLOAD_INTERVALS_MAX 4096u

/**
 * workload_begins - is this the first part of a workload, or all of it?
 * @workload: name of the workload
 * @part: name of the part
 *
 * Return: true if so.
 */
static inline bool workload_begins(const char *workload, const char *part)
{
	size_t length = strlen(part);

	return !strncmp(workload, part, length) && (!workload[length] || workload[length] == '+');
}

/**
 * workload_has - does a workload have a part?
 * @workload: name of the workload
 * @part: name of the part
 *
 * Return: true if so.
 */
static inline bool workload_has(const char *workload, const char *part)
{
	const char *rest = strchr(workload, '+');

	return workload_begins(workload, part) || (rest && workload_has(rest + 1, part));
}

#endif
