// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict engine on recorded cases: each directory in data/verdict holds events.jsonl,
 * console.log, and "expected" with the verdict, how the target ended, the planned cycles, a part of
 * the detail, and, if the case is a loop that preserves, its workload.
 */
#include <dirent.h>
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
#include "verdict.h"

static const char *const endings[] = {
	[ENDING_OFF] = "off",	      [ENDING_KILLED] = "killed",     [ENDING_DIED] = "died",
	[ENDING_TIMEOUT] = "timeout", [ENDING_INACTIVE] = "inactive", [ENDING_ABORTED] = "aborted",
	[ENDING_BROKEN] = "broken",
};

struct feed {
	struct verdict verdict;
	struct event_stream stream;
};

static int feed_event(void *context, const char *line, size_t length)
{
	struct feed *feed = context;
	struct json_object *event __json = event_parse(&feed->stream, line, length);

	if (event)
		verdict_event(&feed->verdict, event);
	return 0;
}

static int feed_console(void *context, const char *line, size_t length)
{
	struct feed *feed = context;

	verdict_console(&feed->verdict, line, length);
	return 0;
}

static void feed_file(struct feed *feed, const char *dir, const char *name, line_fn fn)
{
	char *path __freed = format_text("%s/%s", dir, name);
	struct line_reader reader = { .fd = open(path, O_RDONLY) };

	assert_true(reader.fd >= 0);
	assert_int_equal(line_reader_poll(&reader, true, fn, feed), 0);
	close(reader.fd);
	line_reader_free(&reader);
}

static void recorded_case(void **state)
{
	const char *dir = *state;
	char *expected __freed = format_text("%s/expected", dir);
	char *text __freed = read_text(AT_FDCWD, expected);
	char *save = NULL, *verdict, *ending_name, *planned, *detail, *workload;
	enum ending ending = ENDING_NONE;
	enum results_verdict got;
	struct feed feed = { 0 };
	char why[512];

	assert_non_null(text);
	verdict = strtok_r(text, "\n", &save);
	ending_name = strtok_r(NULL, "\n", &save);
	planned = strtok_r(NULL, "\n", &save);
	detail = strtok_r(NULL, "\n", &save);
	workload = strtok_r(NULL, "\n", &save);
	assert_non_null(detail);
	for (size_t i = 1; i < ARRAY_SIZE(endings); i++)
		if (!strcmp(endings[i], ending_name))
			ending = i;
	assert_int_not_equal(ending, ENDING_NONE);

	assert_int_equal(verdict_init(&feed.verdict, atol(planned),
				      workload ? results_loop_proofs(workload) : NULL),
			 0);
	feed_file(&feed, dir, "console.log", feed_console);
	feed_file(&feed, dir, "events.jsonl", feed_event);
	feed.verdict.lost = feed.stream.lost;
	got = verdict_decide(&feed.verdict, ending, why, sizeof(why));
	if (strcmp(results_verdict_name(got), verdict))
		fail_msg("%s: %s (%s) instead of %s", dir, results_verdict_name(got), why, verdict);
	if (!strstr(why, detail))
		fail_msg("%s: '%s' does not say '%s'", dir, why, detail);
	verdict_free(&feed.verdict);
}

static void tail_of_console(void **state)
{
	struct verdict verdict;
	char line[32];

	assert_int_equal(verdict_init(&verdict, 1, NULL), 0);
	assert_null(verdict_tail(&verdict, 0));
	for (int i = 0; i < 3 * VERDICT_TAIL; i++)
		verdict_console(&verdict, line, snprintf(line, sizeof(line), "line %d", i));
	assert_string_equal(verdict_tail(&verdict, 0), "line 59");
	assert_string_equal(verdict_tail(&verdict, VERDICT_TAIL - 1), "line 40");
	assert_null(verdict_tail(&verdict, VERDICT_TAIL));
	verdict_free(&verdict);
}

/* Events that no agent sends must not write outside of the arrays. */
static void wild_events(void **state)
{
	static const char *const events[] = {
		"{\"seq\":0,\"event\":\"check\",\"cycle\":-5,\"verdict\":\"pass\"}",
		"{\"seq\":1,\"event\":\"check\",\"cycle\":99999999999,\"verdict\":\"pass\"}",
		"{\"seq\":2,\"event\":\"check\",\"cycle\":\"one\",\"verdict\":1}",
		"{\"seq\":3,\"event\":\"done\",\"cycle\":-1,\"verdict\":\"pass\"}",
		"{\"seq\":4,\"event\":\"nothing known\"}",
	};
	struct feed feed = { 0 };
	char why[512];

	assert_int_equal(verdict_init(&feed.verdict, 2, results_loop_proofs("dma")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		feed_event(&feed, events[i], strlen(events[i]));
	assert_int_equal(feed.verdict.cycle, 0);
	assert_int_equal(verdict_completed(&feed.verdict), 0);
	assert_int_equal(verdict_decide(&feed.verdict, ENDING_OFF, why, sizeof(why)), RESULTS_FAIL);
	verdict_free(&feed.verdict);
}

static void feed_text(struct feed *feed, const char *text)
{
	feed_event(feed, text, strlen(text));
}

/* Three cycles of some, and what the agent says of how precise they are. */
static enum results_verdict early(int planned, bool allowed, const char *reached, int said_in,
				  char *why, size_t size)
{
	struct feed feed = { 0 };
	enum results_verdict got;
	char line[256];
	int seq = 0;

	assert_int_equal(verdict_init(&feed.verdict, planned, NULL), 0);
	feed.verdict.may_end_early = allowed;
	for (int cycle = 0; cycle <= 3; cycle++) {
		snprintf(
			line, sizeof(line),
			"{\"seq\":%d,\"event\":\"check\",\"cycle\":%d,\"name\":\"remap\",\"verdict\":\"pass\"}",
			seq++, cycle);
		feed_text(&feed, line);
		if (cycle != said_in)
			continue;
		snprintf(line, sizeof(line),
			 "{\"seq\":%d,\"event\":\"precision\",\"cycle\":%d,\"reached\":%s}", seq++,
			 cycle, reached);
		feed_text(&feed, line);
	}
	snprintf(line, sizeof(line),
		 "{\"seq\":%d,\"event\":\"done\",\"cycle\":3,\"verdict\":\"pass\"}", seq);
	feed_text(&feed, line);
	got = verdict_decide(&feed.verdict, ENDING_OFF, why, size);
	verdict_free(&feed.verdict);
	return got;
}

/* A case may end before its budget if the plan wants so and the agent says that it is precise, in its end. */
static void precise_before_the_budget(void **state)
{
	char why[512];

	assert_int_equal(early(9, true, "true", 3, why, sizeof(why)), RESULTS_PASS);
	assert_string_equal(why, "precise enough after 3 of 9 cycles, 4 checks passed");
	assert_int_equal(early(9, false, "true", 3, why, sizeof(why)), RESULTS_INCOMPLETE);
	assert_string_equal(why, "the agent stopped after 3 of 9 cycles");
	assert_int_equal(early(3, true, "false", 3, why, sizeof(why)), RESULTS_PASS);
	assert_string_equal(
		why,
		"3 cycles, 4 checks passed; the budget ended before the precision was reached");
	assert_int_equal(early(3, true, "true", 3, why, sizeof(why)), RESULTS_PASS);
	assert_string_equal(why, "3 cycles, 4 checks passed");
	assert_int_equal(early(9, true, "false", 3, why, sizeof(why)), RESULTS_INCOMPLETE);
	assert_int_equal(early(9, true, "true", 2, why, sizeof(why)), RESULTS_INCOMPLETE);
	assert_int_equal(early(9, true, "true", -1, why, sizeof(why)), RESULTS_INCOMPLETE);
}

int main(void)
{
	char *root = format_text("%s/verdict", getenv("DATA") ? getenv("DATA") : "data");
	struct CMUnitTest tests[64] = { cmocka_unit_test(tail_of_console),
					cmocka_unit_test(wild_events),
					cmocka_unit_test(precise_before_the_budget) };
	struct dirent **entries;
	size_t nr = 3;
	int found = scandir(root, &entries, NULL, alphasort), ret;

	for (int i = 0; i < found && nr < ARRAY_SIZE(tests); i++) {
		if (*entries[i]->d_name == '.')
			continue;
		tests[nr++] = (struct CMUnitTest){ entries[i]->d_name, recorded_case, NULL, NULL,
						   format_text("%s/%s", root, entries[i]->d_name) };
	}
	if (nr < 20) {
		fprintf(stderr, "%s: the recorded cases are missing\n", root);
		return 1;
	}
	/* Without the empty rest of the array. */
	ret = _cmocka_run_group_tests("verdict", tests, nr, NULL, NULL);
	for (size_t i = 3; i < nr; i++)
		free(tests[i].initial_state);
	for (int i = 0; i < found; i++)
		free(entries[i]);
	free(entries);
	free(root);
	return ret;
}
