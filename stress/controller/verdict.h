/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict of a case: fed with every event and console line as they come, asked at the end. It
 * never waits, starts or writes anything, so that recorded files give the same verdict as the run
 * did.
 */
#ifndef FLBENCH_VERDICT_H
#define FLBENCH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include <flbench/results.h>

struct json_object;

/** enum ending - how the target came to its end */
enum ending {
	ENDING_NONE, /* it still runs */
	ENDING_OFF, /* by itself: power off, or reset */
	ENDING_KILLED, /* by a signal from outside */
	ENDING_DIED, /* the emulator crashed or gave up */
	ENDING_TIMEOUT, /* we stopped it: the case took too long */
	ENDING_INACTIVE, /* we stopped it: no sign of life */
	ENDING_ABORTED, /* we stopped it: the user wanted so */
	ENDING_BROKEN, /* we stopped it: the controller cannot go on, such as on a full disk */
};

/** VERDICT_TAIL - lines of the console that are kept */
#define VERDICT_TAIL 20

/**
 * struct verdict - what is known about a case so far
 * @planned: cycles in the plan
 * @may_end_early: the plan says that a case may end when it is precise enough; set by the caller
 * @precise_cycle: cycle in which the agent said that it is, 0 if it did not
 * @proofs: checks that have to pass in each cycle, NULL behind the last; NULL for none
 * @cycle: cycle of the last event
 * @passed: for each cycle 0..planned how many checks passed
 * @proven: for each cycle 0..planned which of @proofs passed, a bit each
 * @failed: checks that failed
 * @skipped: checks that were skipped
 * @errors: log events of level "error"
 * @lost: events that never came, by their sequence numbers; set by the caller
 * @done: the agent said that it is done
 * @done_pass: and that all went well
 * @done_skip: and that nothing could be tried
 * @done_cycle: cycle in that event
 * @panic: console line that says that the kernel died, or ""
 * @warning: first console line with a warning, or ""
 * @nr_warnings: how many such lines
 * @reason: detail of the first check that failed, or of "done"
 * @events: events seen
 * @tail: last lines of the console, a ring
 * @nr_tail: lines ever put into it
 */
struct verdict {
	long planned;
	bool may_end_early;
	long precise_cycle;
	const char *const *proofs;
	long cycle;
	unsigned int *passed;
	unsigned int *proven;
	unsigned long failed;
	unsigned long skipped;
	unsigned long errors;
	unsigned long lost;
	bool done;
	bool done_pass;
	bool done_skip;
	long done_cycle;
	char panic[256];
	char warning[256];
	unsigned long nr_warnings;
	char reason[256];
	unsigned long events;
	char tail[VERDICT_TAIL][256];
	unsigned long nr_tail;
};

/**
 * verdict_init() - start a case
 * @verdict: to be freed with verdict_free()
 * @planned: cycles in the plan
 * @proofs: checks that have to pass in each cycle, as results_loop_proofs() lists them; NULL if
 * any check that passes will do. Stays the caller's, for as long as @verdict is used
 * Return: 0 or -ENOMEM.
 */
int verdict_init(struct verdict *verdict, long planned, const char *const *proofs);

/** verdict_free() - free what it holds */
void verdict_free(struct verdict *verdict);

/** verdict_event() - take in one event of the agent */
void verdict_event(struct verdict *verdict, struct json_object *event);

/** verdict_console() - take in one line of the console */
void verdict_console(struct verdict *verdict, const char *line, size_t length);

/**
 * verdict_completed() - cycles that are over: a later one has begun, or the agent is done with it
 */
long verdict_completed(const struct verdict *verdict);

/**
 * verdict_tail() - line @back from the end of the console, 0 being the last; NULL if there are not
 * so many
 */
const char *verdict_tail(const struct verdict *verdict, unsigned int back);

/**
 * verdict_decide() - the verdict
 * @verdict: what is known
 * @ending: how the target ended
 * @detail: filled with one line that says why
 * @size: bytes of @detail
 *
 * A pass needs all planned cycles, or those until the case was precise enough, at least one passed
 * check in each and all of @proofs, no failed one, and a clean console.
 *
 * Return: never RESULTS_NR_VERDICTS.
 */
enum results_verdict verdict_decide(const struct verdict *verdict, enum ending ending, char *detail,
				    size_t size);

#endif
