/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the results library share and no user of it needs.
 */
#ifndef FLBENCH_RESULTS_INTERNAL_H
#define FLBENCH_RESULTS_INTERNAL_H

#include <flbench/cleanup.h>
#include <flbench/results.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 2, 3)))
void results_log(enum results_log_level level, const char *format, ...);

#endif
