/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes what is derived from the events of a results directory: results.json and report.html. */
#ifndef FLBENCH_PUBLISH_H
#define FLBENCH_PUBLISH_H

#include <flbench/results.h>

/**
 * publish_results() - write results.json and report.html anew
 * @store: an open results directory
 * Return: 0 or a negative errno, after a line on stderr.
 */
int publish_results(struct results_store *store);

#endif
