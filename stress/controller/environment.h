/* SPDX-License-Identifier: GPL-2.0-only */
/* Records what a run ran on and with: environment.json. Nothing in it changes a verdict. */
#ifndef FLBENCH_ENVIRONMENT_H
#define FLBENCH_ENVIRONMENT_H

#include <flbench/results.h>

#include "plan.h"

/**
 * environment_collect() - look around
 * @matrix: what will run
 * @argc: the command line
 * @argv: the same
 * Return: a JSON object to be put, or NULL without memory. What cannot be found out is left out.
 */
struct json_object *environment_collect(const struct plan_matrix *matrix, int argc, char **argv);

/**
 * environment_write() - environment_collect() into DIR/environment.json
 * Return: 0 or a negative errno.
 */
int environment_write(struct results_store *store, const struct plan_matrix *matrix, int argc,
		      char **argv);

/**
 * kernel_config() - text of the configuration that a kernel image carries, or that lies beside it
 * @image: bzImage; looked at are config, .config in its directory and three levels above, where a
 * build leaves it
 * Return: the text to be freed, or NULL.
 */
char *kernel_config(const char *image);

#endif
