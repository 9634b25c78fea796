/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One case from start to verdict: starts the target, follows its events and console, stands behind
 * it with time-outs, writes down what happened. Which cases there are, and in which order, is
 * run.h's business.
 */
#ifndef FLBENCH_CASE_H
#define FLBENCH_CASE_H

#include <signal.h>

#include <flbench/results.h>

#include "plan.h"
#include "progress.h"

/** CASE_DIR - where the files of a case are, below the results directory */
#define CASE_DIR "cases/%s"

/**
 * struct case_outcome - how a case ended
 * @verdict: the verdict
 * @detail: one line that says why
 */
struct case_outcome {
	enum results_verdict verdict;
	char detail[512];
};

/** stop_requested - number of the signal by which the user asked us to stop, else 0 */
extern volatile sig_atomic_t stop_requested;

/**
 * case_json() - the case file for the agent
 * @plan_case: the case
 * Return: a JSON object to be put, or NULL without memory.
 */
struct json_object *case_json(const struct plan_case *plan_case);

/**
 * case_run() - run a case to its end
 * @store: where the results go
 * @plan_case: the case
 * @attempt: 1, or more if it was interrupted before
 * @progress: the display, set to this case
 * @outcome: filled, also on failure
 *
 * Return: 0 if there is a verdict, whatever it is; a negative errno if the controller cannot go on
 * (no space, target cannot be started), after one line on stderr. In no case is anything of the
 * target left running.
 */
int case_run(struct results_store *store, const struct plan_case *plan_case, int attempt,
	     struct progress *progress, struct case_outcome *outcome);

#endif
