/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a case precise enough to end before its budget of cycles? Its main metrics are looked at after each
 * live update; their values go from kernel to kernel in the agent's state. How precise a series of values
 * is, stats.c decides.
 */
#ifndef FLBENCH_AGENT_PRECISE_H
#define FLBENCH_AGENT_PRECISE_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

/**
 * struct precise - what this kernel measured of the main metrics
 * @names: of them, without unit, NULL behind the last; at most STATE_SERIES_MAX
 * @sum: of the values since precise_keep()
 * @nr: of them
 */
struct precise {
	const char *const *names;
	double sum[STATE_SERIES_MAX];
	uint32_t nr[STATE_SERIES_MAX];
};

/**
 * enum precise_state - what precise_decide() says
 * @PRECISE_GO_ON: do another live update
 * @PRECISE_REACHED: each main metric that was measured is precise
 * @PRECISE_BUDGET: the cycles are used up, and one is not
 * @PRECISE_UNMEASURED: the cycles are used up, and no main metric was ever measured
 */
enum precise_state { PRECISE_GO_ON, PRECISE_REACHED, PRECISE_BUDGET, PRECISE_UNMEASURED };

/**
 * precise_count - how many main metrics are there?
 * @names: as in struct precise
 *
 * Return: their number.
 */
uint32_t precise_count(const char *const *names);

/**
 * precise_take - note a value
 * @p: where
 * @name: of the metric, without unit; one that is no main metric is none of our business
 * @value: in its unit
 */
void precise_take(struct precise *p, const char *name, double value);

/**
 * precise_keep - add what was measured to the values that go along
 * @p: what was measured; forgotten then
 * @state: where to; a value that there is no room for is lost
 *
 * One value of each kernel, the mean if there are several: those of one kernel are not independent of each
 * other.
 */
void precise_keep(struct precise *p, struct agent_state *state);

/**
 * precise_decide - go on?
 * @p: the main metrics
 * @state: their values
 * @percent: what half of the confidence interval of each may be of the mean
 * @last: the cycles are used up
 * @half: for each set to what it is, in percent; NAN if that is not defined
 *
 * A main metric without any value is left aside.
 *
 * Return: an enum precise_state, or a negative errno.
 */
int precise_decide(const struct precise *p, struct agent_state *state, double percent, bool last,
		   double half[STATE_SERIES_MAX]);

#endif
