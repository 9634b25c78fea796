/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two parts of the host's program share: the machine (host.c), and the jump (host_jump.c). */
#ifndef FLBENCH_SELFTEST_HOST_H
#define FLBENCH_SELFTEST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "observe.h"
#include "qtest.h"

#define POINTS_MAX 2048u

extern struct qtest qtest;
extern struct observe_memory memory;
/* Words to look at. */
extern struct observe_point points[POINTS_MAX];
extern unsigned int nr_points;

/* Print a line of TAP; @detail if it is not ok. */
void result(bool ok, const char *name, const char *detail);
uint64_t now_ns(void);

/* Is it a line that is about a live update? Then @number is the answer. */
bool jump_answer(const char *line, long long *number);
/*
 * When the answer has been written: if it lets the guest jump, follow it into the next kernel.
 * @serial: where the guest would be heard if it stayed.
 */
void jump_follow(int serial);

#endif
