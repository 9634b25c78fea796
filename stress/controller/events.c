// SPDX-License-Identifier: GPL-2.0-only
/* See events.h. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include <flbench/results.h>

#include "events.h"
#include "util.h"

/* A line longer than this is garbage, not something to wait for the end of. */
#define LINE_MAX_BYTES (256 * 1024)
#define EVENT_START "{\"seq\":"

static int fill(struct line_reader *reader, bool *end)
{
	ssize_t got;

	if (reader->used == reader->size) {
		size_t size = reader->size ? 2 * reader->size : 4096;
		char *text = realloc(reader->text, size);

		if (!text)
			return -ENOMEM;
		reader->text = text;
		reader->size = size;
	}
	do {
		got = read(reader->fd, reader->text + reader->used, reader->size - reader->used);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? (*end = true, 0) : -errno;
	for (char *c = reader->text + reader->used; c < reader->text + reader->used + got; c++)
		if (!*c)
			*c = ' ';
	*end = !got;
	reader->used += got;
	reader->bytes += got;
	return 0;
}

/* Hand out the complete lines in the buffer and move the rest to its start. */
static int hand_out(struct line_reader *reader, bool last, line_fn fn, void *context)
{
	size_t at = 0;
	int ret = 0;

	while (!ret && at < reader->used) {
		char *line = reader->text + at;
		char *newline = memchr(line, '\n', reader->used - at);
		size_t length = newline ? (size_t)(newline - line) : reader->used - at;

		if (!newline && !last && length < LINE_MAX_BYTES)
			break;
		at += length + !!newline;
		while (length && line[length - 1] == '\r')
			length--;
		if (length)
			ret = fn(context, line, length);
	}
	memmove(reader->text, reader->text + at, reader->used - at);
	reader->used -= at;
	return ret;
}

int line_reader_poll(struct line_reader *reader, bool last, line_fn fn, void *context)
{
	bool end = reader->fd < 0;
	int ret = 0;

	while (!ret && !end) {
		ret = fill(reader, &end);
		if (!ret)
			ret = hand_out(reader, end && last, fn, context);
	}
	return ret;
}

void line_reader_free(struct line_reader *reader)
{
	free(reader->text);
	reader->text = NULL;
	reader->used = 0;
	reader->size = 0;
}

static const char *last_start(const char *line, size_t length)
{
	const char *found = NULL;

	for (const char *at = line;
	     (at = memmem(at, length - (at - line), EVENT_START, strlen(EVENT_START))); at++)
		found = at;
	return found;
}

struct json_object *event_parse(struct event_stream *stream, const char *line, size_t length)
{
	struct json_object *event = results_parse_event(line, length);
	struct json_object *seq;
	const char *start;

	if (!event) {
		stream->torn++;
		start = last_start(line, length);
		if (start && start != line)
			event = results_parse_event(start, length - (start - line));
	}
	if (!event)
		return NULL;
	if (json_object_object_get_ex(event, "seq", &seq) &&
	    json_object_is_type(seq, json_type_int)) {
		long long number = json_object_get_int64(seq);

		if (number > stream->next)
			stream->lost += number - stream->next;
		stream->next = number + 1;
	}
	stream->events++;
	return event;
}
