/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user sees while a run goes on, and the time it will still take. Decides nothing. */
#ifndef FLBENCH_PROGRESS_H
#define FLBENCH_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"
#include "verdict.h"

/**
 * struct progress - state of the display
 * @tty: one line is refreshed; else a line for every step
 * @quiet: nothing at all
 * @nr_cases: cases in the run
 * @index: the one that runs, from 0
 * @name: its name
 * @cycles: its cycles
 * @case_started: seconds_now() when it began
 * @expected: seconds that it should take
 * @expected_rest: seconds that the cases behind it should take
 * @spent: seconds that finished cases took
 * @spent_expected: seconds that they should have taken
 * @last_cycle: cycle that was shown last
 * @cycle_started: seconds_now() when that cycle began
 * @last_shown: seconds_now() at the last display
 * @stage: stage that was shown last
 */
struct progress {
	bool tty;
	bool quiet;
	size_t nr_cases;
	size_t index;
	const char *name;
	long cycles;
	double case_started;
	double expected;
	double expected_rest;
	double spent;
	double spent_expected;
	long last_cycle;
	double cycle_started;
	double last_shown;
	char stage[32];
};

/**
 * progress_expected() - seconds that a case should take here, by a simple model fitted to measured
 * runs
 */
double progress_expected(const struct plan_case *plan_case);

/** progress_time() - seconds as people read them ("2 h 05 min", "40 s"), in a static buffer */
const char *progress_time(double seconds);

/** progress_start() - a run begins; @mode is the option "progress" */
void progress_start(struct progress *progress, const char *mode, const struct plan_matrix *matrix);

/** progress_case() - case number @index begins; those behind it should take @rest seconds */
void progress_case(struct progress *progress, const struct plan_matrix *matrix, size_t index,
		   double rest);

/** progress_kept() - case number @index has its verdict from before */
void progress_kept(const struct progress *progress, const struct plan_matrix *matrix, size_t index,
		   const char *verdict);

/** progress_update() - called often; shows something when there is something to show */
void progress_update(struct progress *progress, const struct verdict *verdict, const char *stage);

/** progress_left() - seconds that the whole run will still take */
double progress_left(const struct progress *progress, const struct verdict *verdict);

/** progress_done() - the case is over */
void progress_done(struct progress *progress, const char *verdict, const char *detail);

#endif
