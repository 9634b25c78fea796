/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Follows a file that another process appends lines to: the events of the agent, the console of the
 * kernel. Lines may be torn by a reboot. What they mean is verdict.h's business.
 */
#ifndef FLBENCH_EVENTS_H
#define FLBENCH_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/**
 * struct line_reader - the lines of a growing file
 * @fd: the file, -1 for none; the caller's
 * @text: what was read and not yet handed out
 * @used: bytes in @text
 * @size: bytes that fit
 * @bytes: bytes read so far: a sign of life if it grows
 */
struct line_reader {
	int fd;
	char *text;
	size_t used;
	size_t size;
	unsigned long long bytes;
};

/**
 * typedef line_fn - one line without its end; @length counts it, NULs in it are replaced by spaces
 */
typedef int (*line_fn)(void *context, const char *line, size_t length);

/**
 * line_reader_poll() - hand out all lines that are complete by now
 * @reader: the reader
 * @last: also hand out what stands behind the last newline, since nothing will follow
 * @fn: called for each line; a result that is not 0 ends the reading and is returned
 * @context: handed to @fn
 * Return: 0, a negative errno of read(2) or -ENOMEM, or the result of @fn.
 */
int line_reader_poll(struct line_reader *reader, bool last, line_fn fn, void *context);

/** line_reader_free() - free what the reader holds, but not its file */
void line_reader_free(struct line_reader *reader);

/**
 * struct event_stream - the events of one attempt of a case
 * @events: how many were read
 * @torn: lines that were no events: cut by a reboot, or two in one
 * @lost: sequence numbers that never came
 * @next: sequence number that should come
 */
struct event_stream {
	unsigned long events;
	unsigned long torn;
	unsigned long lost;
	long long next;
};

/**
 * event_parse() - make an event of a line
 * @stream: counts it
 * @line: the line
 * @length: bytes
 *
 * A line that was cut by a reboot may have the first line of the new kernel right behind it: what
 * follows the last start of an event is tried too.
 *
 * Return: a JSON object with the members "event" and "seq", to be put by the caller, or NULL for a
 * torn line.
 */
struct json_object *event_parse(struct event_stream *stream, const char *line, size_t length);

#endif
