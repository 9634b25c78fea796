/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream: one JSON object a line, for the controller. What is reported, and when, is up
 * to the callers.
 */
#ifndef FLBENCH_AGENT_EVENT_H
#define FLBENCH_AGENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_case;
struct json_object;

/**
 * struct event_log - an open event stream
 * @fd: where lines are appended
 * @seq: number of the next line; goes on over a kexec, and is shared with a child process
 * @cycle: kexecs so far
 * @failed_checks: checks that failed in this boot; shared as @seq is
 */
struct event_log {
	int fd;
	uint64_t *seq;
	uint32_t *failed_checks;
	uint32_t cycle;
};

/**
 * event_open - open an event stream
 * @log: to be filled
 * @path: a serial port, which is set to raw mode, or a file, which is appended to
 *
 * Return: 0 or a negative errno.
 */
int event_open(struct event_log *log, const char *path);

/**
 * event_drain - wait until everything written has left the machine
 * @log: the stream
 */
void event_drain(struct event_log *log);

/**
 * event_ask - ask the controller for something, and wait for its answer
 * @log: the stream, a serial port
 * @text: the question
 *
 * Return: the answer, a number, negative for no; -EPIPE when there is none.
 */
long long event_ask(struct event_log *log, const char *text);

/*
 * One function for each kind of line; @detail and @text are printf formats. A line that cannot be
 * written is lost.
 */
void event_agent(struct event_log *log, const char *kernel, const char *name, const char *boot_id);
void event_stage(struct event_log *log, const char *stage, bool begin);
void event_metric(struct event_log *log, const struct agent_case *c, const char *name,
		  const char *unit, uint64_t value);
void event_check(struct event_log *log, const char *name, const char *verdict, const char *detail,
		 ...) __attribute__((format(printf, 4, 5)));
/* What fio wrote, as it is; NULL if that was no JSON. */
void event_fio(struct event_log *log, const char *name, struct json_object *output);
/* How precise a main metric is; not finite: not defined. */
struct event_precision {
	char name[64];
	uint32_t n;
	double half_percent;
};
/* The case ends since it is precise enough, or is not when its cycles are used up. */
void event_precision(struct event_log *log, const struct agent_case *c, bool reached,
		     const struct event_precision *metrics, size_t nr);
/*
 * What was done in each of a row of intervals; @values is an array of whole numbers, and stays the
 * caller's. @interval is in the unit of the case.
 */
void event_throughput(struct event_log *log, const struct agent_case *c, const char *name,
		      const char *unit, bool after, uint64_t interval, struct json_object *values);
void event_progress(struct event_log *log, uint32_t cycles);
void event_text(struct event_log *log, const char *level, const char *text, ...)
	__attribute__((format(printf, 3, 4)));
/* A file of the machine; or @link, where a symbolic link of that path leads. */
void event_file(struct event_log *log, const char *path, const char *data, size_t size,
		const char *link);
void event_done(struct event_log *log, const char *verdict, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));

#endif
