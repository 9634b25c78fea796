// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event lines: each is one JSON object with the number after the last one's; text of any kind fits
 * into one.
 */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "case.h"
#include "event.h"

static const char *text_of(struct json_object *line, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(line, key, &value));
	return json_object_get_string(value);
}

static void lines_are_json(void **state)
{
	static const char *const kinds[] = { "agent", "stage", "stage",	   "metric",
					     "check", "check", "progress", "log",
					     "file",  "file",  "file",	   "done" };
	const struct agent_case c = { .domains = 64, .devices = 32, .iommufds = 2 };
	char path[] = "/tmp/flbench-event-XXXXXX";
	struct event_log log = { 0 };
	int fd = mkstemp(path);
	char line[4096];
	size_t n = 0;
	FILE *file;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(event_open(&log, path), 0);
	*log.seq = 41;
	log.cycle = 3;
	event_agent(&log, "7.3.4", "case \"x\"", "id");
	event_stage(&log, "setup", true);
	event_stage(&log, "setup", false);
	event_metric(&log, &c, "preserve_instructions", "instructions", 1ull << 53);
	event_check(&log, "good", "pass", "%s", "");
	event_check(&log, "bad", "fail", "line\nend \"quoted\" \\ \x01 \xff %d", 7);
	event_progress(&log, 3);
	event_text(&log, "warning", "%s", "text");
	event_file(&log, "sys/a", "0x8086\n", 7, NULL);
	event_file(&log, "sys/b", "\x86\x80\0\n", 4, NULL);
	event_file(&log, "sys/c", NULL, 0, "../a");
	event_done(&log, "fail", "%u checks failed", *log.failed_checks);
	assert_int_equal(*log.failed_checks, 1);

	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct json_object *object = json_tokener_parse(line);

		assert_non_null(object);
		assert_true(n < sizeof(kinds) / sizeof(kinds[0]));
		assert_string_equal(text_of(object, "event"), kinds[n]);
		assert_int_equal(atoi(text_of(object, "seq")), 41 + n);
		assert_string_equal(text_of(object, "cycle"), "3");
		if (n == 3)
			assert_string_equal(text_of(object, "value"), "9007199254740992");
		if (n == 5)
			assert_string_equal(text_of(object, "detail"),
					    "line\nend \"quoted\" \\ \x01 ? 7");
		if (n == 8)
			assert_string_equal(text_of(object, "text"), "0x8086\n");
		if (n == 9)
			assert_string_equal(text_of(object, "hex"), "8680000a");
		if (n == 10)
			assert_string_equal(text_of(object, "link"), "../a");
		if (n >= 8 && n <= 10)
			assert_int_equal(text_of(object, "path")[4], 'a' + n - 8);
		if (n == 11)
			assert_string_equal(text_of(object, "verdict"), "fail");
		json_object_put(object);
		n++;
	}
	assert_int_equal(n, sizeof(kinds) / sizeof(kinds[0]));
	fclose(file);
	unlink(path);
	close(log.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
