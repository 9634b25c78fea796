/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cases of a matrix, one after the other, into one results directory: what "run" and "resume"
 * share. A single case is case.h's business.
 */
#ifndef FLBENCH_RUN_H
#define FLBENCH_RUN_H

#include <flbench/results.h>

#include "plan.h"

/**
 * struct case_history - what earlier runs left of a case
 * @attempts: how often it was started
 * @finished: it has a verdict that stays
 * @verdict: that verdict
 */
struct case_history {
	int attempts;
	bool finished;
	enum results_verdict verdict;
};

/**
 * run_history() - read what a results directory says about each case
 * @dir: the directory
 * @matrix: its plan
 * @history: one for each case, filled
 * Return: 0 or a negative errno of reading.
 */
int run_history(const char *dir, const struct plan_matrix *matrix, struct case_history *history);

/**
 * run_check() - can all cases be started here? Changes nothing.
 * @matrix: the cases
 * Return: EXIT_PASS, or EXIT_BAD_INPUT or EXIT_CANNOT_RUN after a line on stderr.
 */
int run_check(const struct plan_matrix *matrix);

/**
 * run_matrix() - run all cases that are not finished, then write results.json and the report
 * @store: an open results directory
 * @matrix: the cases
 * @history: from run_history(), or NULL for a new run
 * @progress: the option "progress"
 * Return: an enum exit_code.
 */
int run_matrix(struct results_store *store, const struct plan_matrix *matrix,
	       struct case_history *history, const char *progress);

#endif
