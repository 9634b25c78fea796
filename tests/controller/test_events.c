// SPDX-License-Identifier: GPL-2.0-only
/* The reader of a growing file, and events in lines that a reboot tore. */
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "events.h"
#include "util.h"

struct seen {
	char text[4096];
	int lines;
	int stop_at;
};

static int take(void *context, const char *line, size_t length)
{
	struct seen *seen = context;

	snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "<%.*s>",
		 (int)length, line);
	return ++seen->lines == seen->stop_at ? 7 : 0;
}

static int open_empty(struct line_reader *reader)
{
	char path[] = "/tmp/flbench-test-events-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	reader->fd = open(path, O_RDONLY);
	unlink(path);
	return fd;
}

static void lines_as_they_come(void **state)
{
	struct line_reader reader = { 0 };
	struct seen seen = { 0 };
	int fd = open_empty(&reader);

	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 0);
	assert_int_equal(write(fd, "one\r\n\n\ntw", 9), 9);
	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 0);
	assert_string_equal(seen.text, "<one>");
	assert_int_equal(write(fd, "o\nthr\0e", 7), 7);
	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 0);
	assert_string_equal(seen.text, "<one><two>");
	assert_int_equal(reader.bytes, 16);
	assert_int_equal(line_reader_poll(&reader, true, take, &seen), 0);
	assert_string_equal(seen.text, "<one><two><thr e>");
	assert_int_equal(line_reader_poll(&reader, true, take, &seen), 0);
	assert_int_equal(seen.lines, 3);
	close(fd);
	close(reader.fd);
	line_reader_free(&reader);
}

static void stops_and_goes_on(void **state)
{
	struct line_reader reader = { 0 };
	struct seen seen = { .stop_at = 2 };
	int fd = open_empty(&reader);

	assert_int_equal(write(fd, "a\nb\nc\nd\n", 8), 8);
	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 7);
	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 0);
	assert_string_equal(seen.text, "<a><b><c><d>");
	close(fd);
	close(reader.fd);
	line_reader_free(&reader);
}

/* A line without an end must not eat all memory. */
static void endless_line(void **state)
{
	struct line_reader reader = { 0 };
	struct seen seen = { 0 };
	int fd = open_empty(&reader);
	static char part[65536];

	memset(part, 'x', sizeof(part));
	for (int i = 0; i < 64; i++)
		assert_int_equal(write(fd, part, sizeof(part)), sizeof(part));
	assert_int_equal(line_reader_poll(&reader, false, take, &seen), 0);
	assert_true(seen.lines >= 8);
	assert_true(reader.size <= 1 << 20);
	close(fd);
	close(reader.fd);
	line_reader_free(&reader);
}

static struct json_object *parse(struct event_stream *stream, const char *line)
{
	return event_parse(stream, line, strlen(line));
}

static void torn_lines(void **state)
{
	struct event_stream stream = { 0 };
	struct json_object *event;

	event = parse(&stream, "{\"seq\":0,\"event\":\"agent\",\"cycle\":0}");
	assert_non_null(event);
	json_object_put(event);
	assert_int_equal(stream.torn, 0);
	/* Cut off by the reboot, with the first line of the next kernel behind it. */
	event = parse(
		&stream,
		"{\"seq\":1,\"event\":\"stage\",\"cy{\"seq\":2,\"event\":\"agent\",\"cycle\":1}");
	assert_non_null(event);
	assert_string_equal(json_object_get_string(json_object_object_get(event, "event")),
			    "agent");
	json_object_put(event);
	assert_int_equal(stream.torn, 1);
	assert_int_equal(stream.lost, 1);
	assert_null(parse(&stream, "{\"seq\":3,\"event\":\"sta"));
	assert_null(parse(&stream, "garbage"));
	assert_null(parse(&stream, "{\"seq\":4}"));
	assert_null(parse(&stream, "[1]"));
	assert_int_equal(stream.torn, 5);
	event = parse(&stream, "{\"seq\":5,\"event\":\"log\",\"cycle\":1}");
	assert_non_null(event);
	json_object_put(event);
	assert_int_equal(stream.lost, 3);
	assert_int_equal(stream.events, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_as_they_come),
		cmocka_unit_test(stops_and_goes_on),
		cmocka_unit_test(endless_line),
		cmocka_unit_test(torn_lines),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
