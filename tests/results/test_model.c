// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recorded runs against what must be made of them: each directory of fixtures/ in each format, with
 * the expected text beside it, and the points that a text does not show. With FLBENCH_UPDATE=1 the
 * expected files are written anew: read the difference before it is committed.
 */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <flbench/render.h>

#include "render_internal.h"

static const char *fixtures;

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	FILE *in = fopen(path, "r");
	int c;

	if (!in)
		return NULL;
	out = open_memstream(&text, &len);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	fclose(in);
	fclose(out);
	return text;
}

static struct results_model *load(const char *name)
{
	struct results_model *model = NULL;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", fixtures, name);
	assert_int_equal(results_model_load(path, &model), 0);
	return model;
}

static struct results_case *find(struct results_model *model, const char *name)
{
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		if (!strcmp(model->cases[i].name, name))
			return &model->cases[i];
	fail_msg("no case %s", name);
	return NULL;
}

/* What a terminal shows of a run, to be freed. */
static char *rendered(struct results_model *model)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(results_render(model, RESULTS_TEXT, out), 0);
	fclose(out);
	return text;
}

/* The page, to be freed. */
static char *report_of(struct results_model *model)
{
	char *page;
	size_t len;
	FILE *out = open_memstream(&page, &len);

	assert_int_equal(results_report(model, out), 0);
	fclose(out);
	return page;
}

static void compare(const char *name, struct results_model *model, const char *format_name,
		    const char *file)
{
	enum results_format format;
	char *expected;
	char *text;
	char path[512];
	size_t len;
	FILE *out;

	assert_int_equal(results_format_parse(format_name, &format), 0);
	out = open_memstream(&text, &len);
	assert_int_equal(results_render(model, format, out), 0);
	fclose(out);
	snprintf(path, sizeof(path), "%s/%s/%s", fixtures, name, file);
	if (getenv("FLBENCH_UPDATE")) {
		out = fopen(path, "w");
		assert_non_null(out);
		fputs(text, out);
		assert_int_equal(fclose(out), 0);
	}
	expected = read_file(path);
	if (!expected)
		fail_msg("%s is missing", path);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

static void test_formats(void **state)
{
	static const char * const names[] = {
		"complete",   "crashed", "timeout", "torn", "resumed",
		"incomplete", "failed",	 "memory",  "dma",  "dma-failed",
		"pages",      "fio",	 "steady", "beside",
	};
	struct results_model *model;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		model = load(names[i]);
		compare(names[i], model, "text", "expected.txt");
		compare(names[i], model, "json", "expected.json");
		compare(names[i], model, "csv", "expected.csv");
		compare(names[i], model, "ktap", "expected.ktap");
		compare(names[i], model, "kcidb", "expected.kcidb.json");
		results_model_free(model);
	}
}

/* Of a case that failed nobody says what preservation is worth, nor that its writes were verified. */
static void test_worth_of_failed(void **state)
{
	static const struct {
		const char *verdict;
		bool shown;
	} ends[] = { { "pass", true }, { "fail", false }, { "crash", false } };
	char dir[] = "/tmp/flbench-worth-XXXXXX";
	struct results_model *model;
	char command[1024];
	char *text;

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(command, sizeof(command),
			 "cp '%s/beside/plan.ini' %s && sed '/\"case\":\"beside\"/s/\"verdict\":\"pass\",\"detail\":\"\",\"cycles\"/"
			 "\"verdict\":\"%s\",\"detail\":\"\",\"cycles\"/' '%s/beside/events.jsonl' > %s/events.jsonl",
			 fixtures, dir, ends[i].verdict, fixtures, dir);
		assert_int_equal(system(command), 0);
		assert_int_equal(results_model_load(dir, &model), 0);
		assert_string_equal(results_verdict_name(find(model, "beside")->verdict), ends[i].verdict);
		text = rendered(model);
		assert_int_equal(strstr(text, "WHAT PRESERVATION IS WORTH") != NULL, ends[i].shown);
		free(text);
		text = report_of(model);
		assert_int_equal(strstr(text, "What preservation is worth") != NULL, ends[i].shown);
		free(text);
		results_model_free(model);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_unknown_format(void **state)
{
	enum results_format format;

	assert_int_equal(results_format_parse("xml", &format), -EINVAL);
	assert_int_equal(results_format_parse(NULL, &format), -EINVAL);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *name;
		enum results_verdict verdict;
	} runs[] = {
		{ "complete", RESULTS_PASS },	  { "crashed", RESULTS_CRASH },
		{ "timeout", RESULTS_ABORT },	  { "torn", RESULTS_INCOMPLETE },
		{ "resumed", RESULTS_PASS },	  { "incomplete", RESULTS_INCOMPLETE },
		{ "failed", RESULTS_DMESG_FAIL }, { "memory", RESULTS_PASS },
		{ "dma", RESULTS_PASS },	  { "dma-failed", RESULTS_FAIL },
		{ "steady", RESULTS_WARN },
	};
	struct results_model *model;
	size_t i;

	for (i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		model = load(runs[i].name);
		assert_int_equal(model->verdict, runs[i].verdict);
		results_model_free(model);
	}
}

static void test_expected_crash(void **state)
{
	struct results_model *model = load("crashed");
	struct results_case *test = find(model, "panics-on-purpose");

	assert_int_equal(test->verdict, RESULTS_CRASH);
	assert_int_equal(test->counts, RESULTS_PASS);
	test = find(model, "panics");
	assert_int_equal(test->counts, RESULTS_CRASH);
	assert_non_null(strstr(test->console_tail, "Kernel panic - not syncing"));
	/* A case that passed needs no console in its report. */
	assert_null(find(model, "loop-d64")->console_tail);
	results_model_free(model);
}

static void test_interrupted_attempt(void **state)
{
	struct results_model *model = load("resumed");
	struct results_case *test = find(model, "loop-d512");
	size_t i;

	assert_true(test->interrupted);
	assert_int_equal(test->attempts, 2);
	assert_int_equal(test->cycles_completed, 3);
	for (i = 0; i < test->nr_checks; i++) {
		assert_int_equal(test->checks[i].failed, 0);
		assert_int_equal(test->checks[i].passed, 3);
	}
	assert_false(find(model, "loop-d64")->interrupted);
	results_model_free(model);
}

static void test_refused_metrics(void **state)
{
	struct results_model *model = load("failed");
	struct results_case *test = find(model, "warns, \"quoted\"");
	size_t i;

	assert_int_equal(test->refused, 2);
	assert_int_equal(test->lost, 2);
	for (i = 0; i < test->nr_metrics; i++) {
		assert_null(strstr(test->metrics[i].name, "_ns"));
		assert_string_not_equal(test->metrics[i].unit, "ns");
	}
	results_model_free(model);
}

static void test_scaling(void **state)
{
	struct results_model *model = load("complete");
	const struct results_scaling *line;
	size_t found = 0;
	size_t i;

	for (i = 0; i < model->nr_scaling; i++) {
		line = &model->scaling[i];
		if (strcmp(line->metric, "adopt_instructions") || strcmp(line->axis, "domains"))
			continue;
		found++;
		if (line->n == 3) {
			/* 12000 + 88000 n is nearly a proportion. */
			assert_true(line->fit.slope > 0.99 && line->fit.slope < 1);
			assert_true(line->fit.slope_ci95[0] < line->fit.slope);
			assert_string_equal(line->coupled, "devices");
			assert_true(line->x[0] == 64 && line->x[1] == 512 && line->x[2] == 4096);
			assert_true(line->y[0] == 12000 + 88000. * 64);
		} else {
			assert_int_equal(line->n, 1);
			assert_false(line->fitted);
		}
	}
	assert_int_equal(found, 2);
	results_model_free(model);
}

static void test_growth(void **state)
{
	struct results_model *model = load("memory");
	const struct results_growth *growth;
	size_t compared = 0;
	size_t i;

	for (i = 0; i < model->nr_growth; i++) {
		growth = &model->growth[i];
		assert_int_equal(growth->from, 10);
		assert_int_equal(growth->to, 40);
		assert_int_equal(growth->fit.n, 31);
		if (strcmp(growth->in->name, "loop-d16")) {
			assert_null(growth->baseline);
			continue;
		}
		compared++;
		assert_string_equal(growth->baseline_in->name, "baseline-d16");
		/* Both loops were made with the same growth. */
		assert_true(growth->excess_ci95[0] < 0 && growth->excess_ci95[1] > 0);
	}
	assert_int_equal(compared, 2);
	results_model_free(model);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

#define BEGIN "{\"event\":\"case\",\"state\":\"begin\",\"case\":\"a\",\"attempt\":1,\"cycles\":%s}\n"
#define CHECK "{\"seq\":0,\"event\":\"check\",\"cycle\":1,\"name\":\"c\",\"verdict\":\"%s\"}\n"
#define END "{\"event\":\"case\",\"state\":\"end\",\"case\":\"a\",\"attempt\":1,\"cycles\":1,\"verdict\":\"%s\"}\n"

/* What a controller says is not taken on trust. */
static void test_doubts(void **state)
{
	static const struct {
		const char *cycles;
		const char *check;
		const char *end;
		enum results_verdict verdict;
	} rows[] = {
		{ "1", "pass", "pass", RESULTS_PASS },
		{ "1", "fail", "pass", RESULTS_FAIL },
		{ "1", "fail", "dmesg-warn", RESULTS_DMESG_FAIL },
		{ "1", "fail", "crash", RESULTS_CRASH },
		{ "1", "nonsense", "pass", RESULTS_FAIL },
		{ "1", "skip", "pass", RESULTS_WARN },
		{ "1", "skip", "skip", RESULTS_SKIP },
		{ "2", "pass", "pass", RESULTS_INCOMPLETE },
		{ "1", "pass", "nonsense", RESULTS_INCOMPLETE },
		{ "1", "pass", "incomplete", RESULTS_INCOMPLETE },
	};
	char dir[] = "/tmp/flbench-model-XXXXXX";
	struct results_model *model;
	char command[64];
	char text[1024];
	size_t i;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(results_model_load(dir, &model), -ENOENT);
	assert_int_equal(results_model_load("/nonexistent", &model), -ENOENT);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), BEGIN CHECK END, rows[i].cycles, rows[i].check,
			 rows[i].end);
		put_file(dir, "events.jsonl", text);
		assert_int_equal(results_model_load(dir, &model), 0);
		if (model->verdict != rows[i].verdict)
			fail_msg("row %zu: %s, not %s", i, results_verdict_name(model->verdict),
				 results_verdict_name(rows[i].verdict));
		results_model_free(model);
	}
	put_file(dir, "events.jsonl", "");
	assert_int_equal(results_model_load(dir, &model), 0);
	assert_int_equal(model->verdict, RESULTS_NOTRUN);
	results_model_free(model);
	/* A plan alone: a run that was killed before its first event. */
	put_file(dir, "plan.ini", "[global]\niommu = mock\n[a]\ncycles = 3\ndomains = 4\nicount = no\n");
	put_file(dir, "environment.json", "{ torn");
	assert_int_equal(results_model_load(dir, &model), 0);
	assert_int_equal(model->nr_cases, 1);
	assert_int_equal(model->cycles_planned, 3);
	assert_string_equal(model->clock, "ns");
	assert_int_equal(model->verdict, RESULTS_NOTRUN);
	assert_int_equal(json_object_array_length(model->notes), 1);
	results_model_free(model);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* Half of a budget, and what the agent says of it; whether that is so the values tell. */
static enum results_verdict verdict_of_precise(const char *dir, const char *wanted,
					       const char *reached, int cycle, const int *values,
					       const char *name)
{
	enum results_verdict verdict;
	struct results_model *model;
	char text[4096];
	int length;

	snprintf(text, sizeof(text), "[a]\ncycles = 12\nprecision = %s\n", wanted);
	put_file(dir, "plan.ini", text);
	length = snprintf(text, sizeof(text), BEGIN CHECK, "12", "pass");
	for (int i = 0; i <= 6; i++)
		length += snprintf(
			text + length, sizeof(text) - length,
			"{\"event\":\"metric\",\"cycle\":%d,\"name\":\"jump_instructions\",\"unit\":\"instructions\",\"value\":%d}\n",
			i, values[i]);
	snprintf(
		text + length, sizeof(text) - length,
		"{\"event\":\"precision\",\"cycle\":%d,\"wanted_percent\":1,\"reached\":%s,\"budget\":12,\"metrics\":[{\"name\":\"%s\",\"n\":6,\"half_width_percent\":0.5}]}\n"
		"{\"event\":\"case\",\"state\":\"end\",\"case\":\"a\",\"attempt\":1,\"cycles\":6,\"verdict\":\"pass\"}\n",
		cycle, reached, name);
	put_file(dir, "events.jsonl", text);
	assert_int_equal(results_model_load(dir, &model), 0);
	verdict = model->verdict;
	results_model_free(model);
	return verdict;
}

static void test_precise(void **state)
{
	/* The first kernel's does not count; those of the second sample vary by more than was wanted. */
	static const int narrow[] = { 5000, 1000, 1003, 1001, 999, 1000, 1002 };
	static const int wide[] = { 1000, 1000, 1030, 1010, 990, 1000, 1020 };
	static const int equal[] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000 };
	char dir[] = "/tmp/flbench-precise-XXXXXX";
	const char *jump = "jump_instructions";
	char command[64];

	assert_non_null(mkdtemp(dir));
	assert_int_equal(verdict_of_precise(dir, "1", "true", 6, narrow, jump), RESULTS_PASS);
	assert_int_equal(verdict_of_precise(dir, "1", "true", 6, wide, jump), RESULTS_INCOMPLETE);
	assert_int_equal(verdict_of_precise(dir, "2", "true", 6, wide, jump), RESULTS_PASS);
	assert_int_equal(verdict_of_precise(dir, "0", "true", 6, equal, jump), RESULTS_INCOMPLETE);
	assert_int_equal(verdict_of_precise(dir, "1", "true", 6, equal, jump), RESULTS_PASS);
	assert_int_equal(verdict_of_precise(dir, "1", "false", 6, narrow, jump),
			 RESULTS_INCOMPLETE);
	assert_int_equal(verdict_of_precise(dir, "1", "true", 5, narrow, jump), RESULTS_INCOMPLETE);
	assert_int_equal(verdict_of_precise(dir, "1", "true", 6, narrow, "other_instructions"),
			 RESULTS_INCOMPLETE);
	/* A line that is none is refused, which is said. */
	assert_int_equal(verdict_of_precise(dir, "1", "\"yes\"", 6, narrow, jump),
			 RESULTS_INCOMPLETE);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

#define JUMP(cycle, value, labels)                                                                          \
	"{\"event\":\"metric\",\"cycle\":" #cycle ",\"name\":\"jump_instructions\",\"unit\":\"instructions\",\"value\":" #value \
	",\"labels\":{" labels "}}\n"
#define JUMPS(last) JUMP(1, 1000, "") JUMP(2, 1001, "") JUMP(3, 1000, "") JUMP(4, 1001, "") JUMP(5, 1000, "") JUMP(6, last, "")

/* A claim of the agent that the schema refuses, or that its values do not bear out. */
static void test_precise_claims(void **state)
{
	static const char good[] = "[{\"name\":\"jump_instructions\",\"n\":6,\"half_width_percent\":0.5}]";
	static const struct {
		const char *precision;
		const char *jumps;
		const char *wanted;
		const char *budget;
		const char *metrics;
		/* In a note; NULL if there is none */
		const char *note;
	} rows[] = {
		{ "1", JUMPS(1001), "1", "12", good, NULL },
		{ "1", JUMPS(1100), "1", "12", good, "the agent says that it is precise, its values do not" },
		/* What is wanted is the plan's to say. */
		{ "1", JUMPS(1100), "9", "12", good, "the agent says that it is precise, its values do not" },
		{ "0", JUMPS(1001), "1", "12", good, "the agent says that it is precise, its plan does not want it to be" },
		{ "inf", JUMPS(1001), "1", "12", good, "the agent says that it is precise, its plan does not want it to be" },
		{ "1", JUMPS(1001) JUMP(6, 5, "\"device\":\"igb\""), "1", "12", good,
		  "the agent says that it is precise, two of its metrics have one name" },
		/* In whatever order: two values of one kernel are one, and the mean of these is 1000. */
		{ "1", JUMP(2, 1999, "") JUMPS(1001) JUMP(1, 1000, "") JUMP(2, 0, ""), "1", "12", good, NULL },
		{ "1", JUMPS(1001), "0", "12", good, "refused" },
		{ "1", JUMPS(1001), "-1", "12", good, "refused" },
		{ "1", JUMPS(1001), "NaN", "12", good, "refused" },
		{ "1", JUMPS(1001), "1", "0", good, "refused" },
		{ "1", JUMPS(1001), "1", "12", "[]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"_a\",\"n\":6,\"half_width_percent\":1}]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"7a\",\"n\":6,\"half_width_percent\":1}]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"a\",\"n\":6,\"half_width_percent\":-1}]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"a\",\"n\":6,\"half_width_percent\":NaN}]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"a\",\"n\":6,\"half_width_percent\":Infinity}]", "refused" },
		{ "1", JUMPS(1001), "1", "12", "[{\"name\":\"a\",\"n\":6}]", "refused" },
	};
	char dir[] = "/tmp/flbench-claims-XXXXXX";
	struct results_model *model;
	struct json_object *notes;
	struct results_case *test;
	char command[64];
	char text[4096];
	char *page;

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "[a]\ncycles = 6\nprecision = %s\n", rows[i].precision);
		put_file(dir, "plan.ini", text);
		snprintf(text, sizeof(text),
			 BEGIN CHECK
			 "%s{\"event\":\"precision\",\"cycle\":6,\"wanted_percent\":%s,\"reached\":true,\"budget\":%s,\"metrics\":%s}\n"
			 "{\"event\":\"case\",\"state\":\"end\",\"case\":\"a\",\"attempt\":1,\"cycles\":6,\"verdict\":\"pass\"}\n",
			 "6", "pass", rows[i].jumps, rows[i].wanted, rows[i].budget, rows[i].metrics);
		put_file(dir, "events.jsonl", text);
		assert_int_equal(results_model_load(dir, &model), 0);
		test = find(model, "a");
		notes = test->notes;
		if (json_object_array_length(notes) != (rows[i].note != NULL) ||
		    (rows[i].note &&
		     !strstr(json_object_get_string(json_object_array_get_idx(notes, 0)), rows[i].note)))
			fail_msg("row %zu: %s", i, json_object_to_json_string(notes));
		assert_int_equal(test->is_precise, !rows[i].note);
		assert_int_equal(!test->precise, rows[i].note && !strcmp(rows[i].note, "refused"));
		if (!strcmp(rows[i].wanted, "9"))
			assert_int_equal(json_object_get_int(json_object_object_get(test->precise, "wanted_percent")), 1);
		page = rendered(model);
		assert_int_equal(strstr(page, "was wanted and reached after") != NULL, test->is_precise);
		assert_int_equal(strstr(page, "was wanted and reached, as the agent says, after") != NULL,
				 test->precise && !test->is_precise);
		free(page);
		results_model_free(model);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* Of a main metric there are three members, whatever else a line has. */
static void test_precise_members(void **state)
{
	char dir[] = "/tmp/flbench-members-XXXXXX";
	struct results_model *model;
	char command[64];
	char text[1024];

	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text),
		 BEGIN "{\"event\":\"precision\",\"cycle\":1,\"wanted_percent\":1,\"reached\":false,\"budget\":1,\"metrics\":"
		 "[{\"name\":\"a\",\"n\":1,\"half_width_percent\":null,\"more\":[1,2]}]}\n",
		 "1");
	put_file(dir, "events.jsonl", text);
	assert_int_equal(results_model_load(dir, &model), 0);
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(find(model, "a")->precise, "metrics"),
							   JSON_C_TO_STRING_PLAIN),
			    "[{\"name\":\"a\",\"n\":1,\"half_width_percent\":null}]");
	results_model_free(model);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void test_throughput(void **state)
{
	struct results_model *model = load("steady");
	struct results_case *test = find(model, "throughput");
	const struct results_throughput *series;
	const struct results_recovery *recovery;
	size_t far = 0;
	size_t i;

	assert_int_equal(test->refused, 3);
	assert_int_equal(test->nr_throughput, 6);
	/* After the first live update, with an interval that is far from the others and stays. */
	series = &test->throughput[1];
	assert_true(series->after && series->cycle == 1 && series->n == 60);
	assert_int_equal(series->steadiness, RESULTS_STEADY);
	assert_int_equal(series->warmup, 10);
	assert_int_equal(series->level.n, 10);
	for (i = series->warmup; i < series->n; i++)
		far += results_is_outlier(series->fences, series->values[i]);
	assert_int_equal(far, 1);
	assert_true(results_is_outlier(series->fences, series->values[33]));
	assert_true(series->level.mean < 895 && series->level.ci95[1] > 890);
	assert_int_equal(test->throughput[3].steadiness, RESULTS_NOT_STEADY);
	assert_int_equal(test->throughput[5].steadiness, RESULTS_TOO_SHORT);
	assert_int_equal(test->nr_recoveries, 3);
	recovery = &test->recoveries[0];
	assert_true(recovery->before == 0 && recovery->after == 1 && recovery->compared);
	assert_true(recovery->change.ratio > 0.97 && recovery->change.ratio < 1);
	assert_true(recovery->change.ratio_ci[1] > 1);
	assert_false(test->recoveries[1].compared);
	assert_false(test->recoveries[2].compared);
	results_model_free(model);
}

#define SERIES                                                                                              \
	"{\"event\":\"throughput\",\"cycle\":%d,\"name\":\"%s\",\"side\":\"%s\",\"unit\":\"packets\",\"interval\":5,"   \
	"\"interval_unit\":\"%s\",\"values\":[%s"

/* Series that a damaged or foreign file may have: which are taken, and which are two sides of a live update. */
static void test_foreign_throughput(void **state)
{
	static const struct {
		int cycle;
		const char *name;
		const char *side;
		const char *clock;
		const char *first;
		int more;
		bool taken;
	} rows[] = {
		{ 0, "a", "before", "ns", "1", 0, true },
		/* Twice the same side of a kernel: whose level is it? */
		{ 0, "a", "before", "ns", "2", 0, false },
		{ 0, "a", "after", "ns", "1", 0, true },
		{ 0, "b", "before", "ns", "1", 0, true },
		/* Its other side counts another clock. */
		{ 1, "a", "after", "instructions", "1", 0, true },
		{ 1, "b", "after", "ns", "1", 0, true },
		{ 2, "1a", "after", "ns", "1", 0, false },
		{ 2, "_a", "after", "ns", "1", 0, false },
		{ 2, "a", "after", "ns", "1099511627776", 0, true },
		{ 3, "a", "after", "ns", "1099511627777", 0, false },
		{ 4, "a", "after", "ns", "9223372036854775807", 0, false },
		{ 5, "a", "after", "ns", "1", 4095, true },
		{ 6, "a", "after", "ns", "1", 4096, false },
	};
	char dir[] = "/tmp/flbench-series-XXXXXX";
	struct results_model *model;
	struct results_case *test;
	size_t taken = 0;
	char command[64];
	char *text;
	size_t len;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	out = open_memstream(&text, &len);
	fprintf(out, BEGIN, "1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fprintf(out, SERIES, rows[i].cycle, rows[i].name, rows[i].side, rows[i].clock, rows[i].first);
		for (int more = 0; more < rows[i].more; more++)
			fprintf(out, ",%d", more % 7);
		fprintf(out, "]}\n");
	}
	fclose(out);
	put_file(dir, "events.jsonl", text);
	free(text);
	assert_int_equal(results_model_load(dir, &model), 0);
	test = find(model, "a");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].taken)
			continue;
		assert_true(taken < test->nr_throughput);
		assert_int_equal(test->throughput[taken].cycle, rows[i].cycle);
		assert_string_equal(test->throughput[taken].name, rows[i].name);
		assert_int_equal(test->throughput[taken].n, 1 + rows[i].more);
		taken++;
	}
	assert_int_equal(test->nr_throughput, taken);
	assert_int_equal(test->nr_recoveries, 1);
	assert_string_equal(test->throughput[test->recoveries[0].after].name, "b");
	results_model_free(model);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* The same in each of 40 intervals. */
static void put_series(FILE *out, int cycle, const char *side, int value)
{
	fprintf(out, SERIES, cycle, "a", side, "ns", "");
	for (int i = 0; i < 40; i++)
		fprintf(out, "%s%d", i ? "," : "", value);
	fprintf(out, "]}\n");
}

/* What the sentence on a live update says: since when it is steady, and of ratios that have no bounds. */
static void test_recovery_words(void **state)
{
	static const struct {
		int before;
		int after;
		const char *says;
	} rows[] = {
		{ 4, 2, "steady from the first packet or I/O on, level after : before 0.5 [0.5, 0.5]" },
		{ 0, 2, "level after : before unknown, no bounded interval" },
		{ 0, 0, "level after : before unknown, no bounded interval" },
	};
	char dir[] = "/tmp/flbench-words-XXXXXX";
	struct results_model *model;
	char command[64];
	char *text;
	size_t len;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = open_memstream(&text, &len);
		fprintf(out, BEGIN, "1");
		put_series(out, 0, "before", rows[i].before);
		put_series(out, 1, "after", rows[i].after);
		fclose(out);
		put_file(dir, "events.jsonl", text);
		free(text);
		assert_int_equal(results_model_load(dir, &model), 0);
		text = rendered(model);
		if (!strstr(text, rows[i].says) || strstr(text, "inf") || strstr(text, "nan"))
			fail_msg("row %zu: %s", i, text);
		free(text);
		results_model_free(model);
	}
	/* Later than at once the recorded run is. */
	model = load("steady");
	text = rendered(model);
	assert_non_null(strstr(text, "live update 1: steady 2.50 M instructions after the first packet or I/O, "));
	free(text);
	results_model_free(model);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* A number says what it is: nanoseconds of an emulator are not those of hardware. */
static void test_clock_meaning(void **state)
{
	static const struct {
		const char *plan;
		const char *environment;
		const char *clock;
		const char *says;
		const char *never;
	} rows[] = {
		{ "[a]\ntarget = vm\nicount = yes\n", "{\"qemu\":{\"accelerator\":\"tcg\"}}", "instructions",
		  "never a time on hardware", "nanoseconds" },
		{ "[a]\ntarget = vm\nicount = no\n", "{\"qemu\":{\"accelerator\":\"tcg\"}}", "ns",
		  "in emulation (TCG): not times of hardware", "measured on hardware" },
		{ "[a]\nicount = no\naccel = auto\n", "{\"qemu\":{\"accelerator\":\"kvm\"}}", "ns",
		  "(KVM) with emulated devices: not times of hardware", "TCG" },
		{ "[a]\nicount = no\n", "{ torn", "ns", "virtual machine: not times of hardware", "TCG" },
		{ "[a]\nicount = no\n", "{\"qemu\":{\"accelerator\":7}}", "ns",
		  "virtual machine: not times of hardware", "TCG" },
		/* The environment is that of the first case. */
		{ "[a]\nicount = no\naccel = tcg\n[b]\nicount = no\naccel = kvm\n",
		  "{\"qemu\":{\"accelerator\":\"tcg\"}}", "ns", "virtual machine: not times of hardware", "TCG" },
		{ "[a]\nicount = yes\n[b]\nicount = no\n", "{\"qemu\":{\"accelerator\":\"tcg\"}}", "mixed",
		  "neither is a time of hardware", "TCG" },
		{ "[a]\ntarget = host\nicount = no\n", "{}", "ns", "measured on hardware", "virtual" },
	};
	char dir[] = "/tmp/flbench-clock-XXXXXX";
	struct results_model *model;
	struct json_object *json;
	const char *meaning;
	char command[64];
	char *text;
	size_t len;
	size_t i;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_file(dir, "plan.ini", rows[i].plan);
		put_file(dir, "environment.json", rows[i].environment);
		assert_int_equal(results_model_load(dir, &model), 0);
		assert_string_equal(model->clock, rows[i].clock);
		assert_int_equal(results_model_json(model, &json), 0);
		meaning = json_object_get_string(json_object_object_get(json, "clock_meaning"));
		if (!strstr(meaning, rows[i].says) || strstr(meaning, rows[i].never))
			fail_msg("row %zu: %s", i, meaning);
		/* The text and the page say the same. */
		out = open_memstream(&text, &len);
		assert_int_equal(results_render(model, RESULTS_TEXT, out), 0);
		assert_int_equal(results_report(model, out), 0);
		fclose(out);
		assert_non_null(strstr(text, meaning));
		assert_non_null(strstr(strstr(text, "<!DOCTYPE"), meaning));
		free(text);
		json_object_put(json);
		results_model_free(model);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

#define LOOP_CHECK "{\"event\":\"check\",\"case\":\"a\",\"cycle\":%d,\"name\":\"%s\",\"verdict\":\"%s\"}\n"
#define LOOP_PLAN "[a]\ncycles = 2\nscenario = %s\npreserve = %s\n"
#define LOOP_END "{\"event\":\"case\",\"state\":\"end\",\"case\":\"a\",\"cycles\":2,\"verdict\":\"pass\"}\n"

/* A loop that preserves passes if each cycle looked at the translation, whatever else was good. */
static void test_unproven_loop(void **state)
{
	static const struct {
		const char *scenario;
		const char *preserve;
		const char *retrieved; /* of cycle 2; NULL: absent */
		const char *adopted;
		enum results_verdict verdict;
	} rows[] = {
		{ "loop", "yes", "pass", "pass", RESULTS_PASS },
		{ "loop", "yes", "pass", "skip", RESULTS_FAIL },
		{ "loop", "yes", "skip", "pass", RESULTS_FAIL },
		{ "loop", "yes", "skip", "skip", RESULTS_FAIL },
		{ "loop", "yes", "pass", NULL, RESULTS_FAIL },
		{ "loop", "yes", NULL, NULL, RESULTS_FAIL },
		{ "loop", "no", "skip", "skip", RESULTS_PASS },
		{ "loop", "no", NULL, NULL, RESULTS_PASS },
		{ "finish-early", "yes", NULL, NULL, RESULTS_PASS },
	};
	char dir[] = "/tmp/flbench-unproven-XXXXXX";
	struct results_model *model;
	char command[64];
	char *text;
	size_t len;
	size_t i;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = open_memstream(&text, &len);
		fprintf(out, BEGIN LOOP_CHECK LOOP_CHECK LOOP_CHECK, "2", 1, "translate-retrieved", "pass",
			1, "translate-adopted", "pass", 2, "dmesg", "pass");
		if (rows[i].retrieved)
			fprintf(out, LOOP_CHECK, 2, "translate-retrieved", rows[i].retrieved);
		if (rows[i].adopted)
			fprintf(out, LOOP_CHECK, 2, "translate-adopted", rows[i].adopted);
		fprintf(out, LOOP_END);
		fclose(out);
		put_file(dir, "events.jsonl", text);
		free(text);
		out = open_memstream(&text, &len);
		fprintf(out, LOOP_PLAN, rows[i].scenario, rows[i].preserve);
		fclose(out);
		put_file(dir, "plan.ini", text);
		free(text);
		assert_int_equal(results_model_load(dir, &model), 0);
		if (model->verdict != rows[i].verdict)
			fail_msg("row %zu: %s, not %s", i, results_verdict_name(model->verdict),
				 results_verdict_name(rows[i].verdict));
		results_model_free(model);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

#define GROWTH_PLAN \
	"[%s]\niommu = %s\nicount = no\ncycles = 8\ndomains = 1\ndevices = 3\nvtd_mode = %s\nworkload = %s\n" \
	"preserve = %s\n"
#define GROWTH_METRIC \
	"{\"event\":\"metric\",\"case\":\"%s\",\"cycle\":%d,\"name\":\"%s\",\"unit\":\"bytes\",\"value\":%d," \
	"\"labels\":{\"domains\":1%s}}\n"

/* A loop is compared with the same loop without preservation, not with that of another mode. */
static void test_growth_of_workloads(void **state)
{
	static const struct {
		const char *name;
		const char *iommu;
		const char *vtd_mode;
		const char *workload;
		const char *preserve;
		const char *baseline;
	} cases[] = {
		{ "sm-fl-without", "intel", "sm-fl", "dma", "no", NULL },
		{ "mock-without", "mock", "legacy", "none", "no", NULL },
		{ "legacy-without", "intel", "legacy", "dma", "no", NULL },
		{ "legacy", "intel", "legacy", "dma", "yes", "legacy-without" },
		{ "sm-sl", "intel", "sm-sl", "dma", "yes", NULL },
		{ "mock", "mock", "sm-fl", "none", "yes", "mock-without" },
	};
	char dir[] = "/tmp/flbench-growth-XXXXXX";
	struct results_model *model;
	char command[64];
	char *plan, *events;
	size_t len;
	size_t i;
	int cycle;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	out = open_memstream(&plan, &len);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fprintf(out, GROWTH_PLAN, cases[i].name, cases[i].iommu, cases[i].vtd_mode, cases[i].workload,
			cases[i].preserve);
	fclose(out);
	put_file(dir, "plan.ini", plan);
	out = open_memstream(&events, &len);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(out, "{\"event\":\"case\",\"state\":\"begin\",\"case\":\"%s\",\"attempt\":1}\n",
			cases[i].name);
		for (cycle = 1; cycle <= 8; cycle++) {
			fprintf(out, GROWTH_METRIC, cases[i].name, cycle, "slab_bytes",
				4096 * cycle + cycle * cycle, "");
			fprintf(out, GROWTH_METRIC, cases[i].name, cycle, "blackout_written_bytes", 1514 * cycle,
				",\"device\":\"igb\"");
		}
		fprintf(out, "{\"event\":\"check\",\"case\":\"%s\",\"name\":\"c\",\"verdict\":\"pass\"}\n",
			cases[i].name);
		fprintf(out, "{\"event\":\"case\",\"state\":\"end\",\"case\":\"%s\",\"cycles\":8,\"verdict\":\"pass\"}\n",
			cases[i].name);
	}
	fclose(out);
	put_file(dir, "events.jsonl", events);
	assert_int_equal(results_model_load(dir, &model), 0);
	/* What a device wrote is no memory that is left over. */
	assert_int_equal(model->nr_growth, sizeof(cases) / sizeof(cases[0]));
	for (i = 0; i < model->nr_growth; i++) {
		const struct results_growth *growth = &model->growth[i];

		assert_string_equal(growth->metric->name, "slab_bytes");
		assert_string_equal(growth->in->name, cases[i].name);
		if (!cases[i].baseline) {
			assert_null(growth->baseline);
			continue;
		}
		assert_non_null(growth->baseline);
		assert_string_equal(growth->baseline_in->name, cases[i].baseline);
		assert_true(growth->excess == 0);
	}
	assert_string_equal(json_object_get_string(json_object_object_get(find(model, "legacy")->labels, "vtd_mode")),
			    "legacy");
	assert_string_equal(json_object_get_string(json_object_object_get(find(model, "legacy")->labels, "workload")),
			    "dma");
	/* The plan names them for every case, but they say nothing of a mock. */
	assert_null(json_object_object_get(find(model, "mock")->labels, "vtd_mode"));
	assert_null(json_object_object_get(find(model, "mock")->labels, "workload"));
	results_model_free(model);
	free(plan);
	free(events);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* What a workload owes, with cycle 2 short of one of it: absent, skipped, or twice in cycle 1. */
static void test_unproven_workload(void **state)
{
	static const struct {
		const char *workload;
		const char *line;
		size_t proofs;
	} loops[] = {
		{ "none", "workload = none\n", 2 },
		{ "none", "", 2 },
		{ "dma", "workload = dma\n", 7 },
		{ "fio", "workload = fio\n", 3 },
		{ "fio+dpdk", "workload = fio+dpdk\n", 7 },
		{ "dma+dpdk", "workload = dma+dpdk\n", 12 },
	};
	static const char * const ways[] = { "absent", "skip", "twice", "pass" };
	char dir[] = "/tmp/flbench-workload-XXXXXX";
	struct results_model *model;
	const char *const *proofs;
	enum results_verdict expected;
	char command[64];
	char plan[256];
	size_t i, j, k, n;
	const char *note;
	char *text;
	size_t len;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		proofs = results_loop_proofs(loops[i].workload);
		for (n = 0; proofs[n]; n++)
			;
		assert_int_equal(n, loops[i].proofs);
		snprintf(plan, sizeof(plan), LOOP_PLAN "%s", "loop", "yes", loops[i].line);
		put_file(dir, "plan.ini", plan);
		for (j = 0; j < n * 4; j++) {
			const char *way = ways[j % 4];

			out = open_memstream(&text, &len);
			fprintf(out, BEGIN LOOP_CHECK LOOP_CHECK, "2", 1, "dmesg", "pass", 2, "dmesg", "pass");
			for (k = 0; k < n; k++) {
				fprintf(out, LOOP_CHECK, 1, proofs[k], "pass");
				if (k != j / 4 || !strcmp(way, "pass"))
					fprintf(out, LOOP_CHECK, 2, proofs[k], "pass");
				else if (!strcmp(way, "twice"))
					fprintf(out, LOOP_CHECK, 1, proofs[k], "pass");
				else if (!strcmp(way, "skip"))
					fprintf(out, LOOP_CHECK, 2, proofs[k], "skip");
			}
			fprintf(out, LOOP_END);
			fclose(out);
			put_file(dir, "events.jsonl", text);
			free(text);
			assert_int_equal(results_model_load(dir, &model), 0);
			expected = strcmp(way, "pass") ? RESULTS_FAIL : RESULTS_PASS;
			if (model->verdict != expected)
				fail_msg("workload %s, %s, %s: %s", loops[i].workload, proofs[j / 4], way,
					 results_verdict_name(model->verdict));
			if (expected == RESULTS_FAIL) {
				note = json_object_get_string(json_object_array_get_idx(model->cases[0].notes, 0));
				assert_non_null(strstr(note, proofs[j / 4]));
				assert_non_null(strstr(note, "in cycle 2: "));
				assert_non_null(strstr(note, results_proof_claim(proofs[j / 4])));
			}
			results_model_free(model);
		}
	}
	assert_ptr_equal(results_loop_proofs(NULL), results_loop_proofs("none"));
	assert_string_equal(results_proof_claim("translate-adopted"),
			    "the preserved domains are not proven to translate");
	assert_string_not_equal(results_proof_claim("frames"), results_proof_claim("translate-adopted"));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* Lines that parse and are nonsense: found by changing bytes at random. */
static void test_damaged(void **state)
{
	static const char events[] =
		"{\"event\":\"run\",\"state\":\"begin\",\"target\":null,\"iommu\":\"no\\u0007such\"}\n"
		"{\"event\":\"case\",\"state\":\"begin\",\"case\":\"a\",\"attempt\":-5,\"cycles\":-1}\n"
		"{\"seq\":9223372036854775807,\"event\":\"progress\",\"cycle\":9223372036854775807}\n"
		"{\"seq\":1,\"event\":\"metric\",\"cycle\":1,\"name\":\"a_bytes\",\"unit\":\"bytes\",\"value\":1e999}\n"
		"{\"seq\":2,\"event\":\"metric\",\"cycle\":1,\"name\":\"a_bytes\",\"unit\":\"bytes\",\"value\":1,"
		"\"labels\":{\"x\":{},\"y\":[1],\"z\":null,\"w\":\"ok\"}}\n"
		"{\"seq\":3,\"event\":\"log\",\"level\":\"error\",\"text\":\"\xff\xfe\"}\n";
	char dir[] = "/tmp/flbench-damaged-XXXXXX";
	struct results_model *model;
	struct results_case *test;
	struct json_object *json;
	char command[64];

	assert_non_null(mkdtemp(dir));
	put_file(dir, "events.jsonl", events);
	put_file(dir, "plan.ini", "[a]\niommu = \xff\nunit = furlongs\ncycles = 99999999999999999999\n");
	assert_int_equal(results_model_load(dir, &model), 0);
	test = find(model, "a");
	assert_int_equal(test->cycles_planned, 0);
	assert_int_equal(test->cycles_completed, 0);
	assert_int_equal(test->attempts, 1);
	assert_int_equal(test->refused, 1);
	assert_null(test->unit);
	assert_int_equal(test->nr_metrics, 1);
	assert_int_equal(json_object_object_length(test->metrics[0].labels), 1);
	assert_int_equal(model->torn, 1);
	assert_string_equal(model->iommu, "mock");
	assert_string_equal(json_object_get_string(json_object_object_get(model->target, "name")), "vm");
	assert_int_equal(results_model_json(model, &json), 0);
	json_object_put(json);
	results_model_free(model);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static char *page_of(const char *name)
{
	struct results_model *model = load(name);
	char *page = report_of(model);

	results_model_free(model);
	return page;
}

static void test_report_escapes(void **state)
{
	char *page = page_of("failed");

	assert_non_null(strstr(page, "page &lt;7&gt;, should be &quot;5&quot; &amp; nothing else"));
	assert_null(strstr(page, "<7>"));
	assert_null(strstr(page, "<script"));
	free(page);
	page = page_of("crashed");
	assert_non_null(strstr(page, "&lt;test &amp; &quot;quote&quot;&gt;"));
	assert_non_null(strstr(page, "as expected"));
	free(page);
}

static void ignore_log(void *context, enum results_log_level level, const char *text)
{
	int *warnings = context;

	assert_non_null(strstr(text, "gnuplot"));
	*warnings += level == RESULTS_LOG_WARNING;
}

static void test_report_without_gnuplot(void **state)
{
	char *path = strdup(getenv("PATH"));
	int warnings = 0;
	char *page;

	results_set_log(ignore_log, &warnings);
	setenv("PATH", "/nonexistent", 1);
	page = page_of("complete");
	setenv("PATH", path, 1);
	results_set_log(NULL, NULL);
	assert_non_null(strstr(page, "gnuplot is not installed"));
	assert_null(strstr(page, "<svg"));
	assert_non_null(strstr(page, "</html>"));
	/* Said once, not for every plot. */
	assert_int_equal(warnings, 1);
	free(page);
	free(path);
}

/* Values so huge that a step from tick to tick is lost in them: the plot has an end all the same. */
static void test_plot_huge(void **state)
{
	static const double x[] = { 1, 2, 3 };
	static const double y[] = { 4e18, 4e18 + 512, 4e18 };
	const struct results_series series = { .x = x, .y = y, .n = 3, .factor = NAN };
	const struct results_plot plot = { .x_title = "x", .unit = "bytes", .series = &series, .n = 1 };
	char *svg = NULL;

	alarm(60);
	/* Whatever gnuplot makes of it. */
	results_plot_svg(&plot, "p", &svg);
	alarm(0);
	free(svg);
}

static void test_publish(void **state)
{
	char dir[] = "/tmp/flbench-publish-XXXXXX";
	struct results_store *store;
	struct json_object *json;
	char command[600];
	char path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), "cp -r '%s/torn/.' %s", fixtures, dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(results_store_open(dir, &store), 0);
	assert_int_equal(results_publish(store), 0);
	/* Again, over what is there. */
	assert_int_equal(results_publish(store), 0);
	results_store_close(store);
	snprintf(path, sizeof(path), "%s/results.json", dir);
	json = json_object_from_file(path);
	assert_non_null(json);
	assert_string_equal(json_object_get_string(json_object_object_get(json, "verdict")), "incomplete");
	json_object_put(json);
	snprintf(path, sizeof(path), "%s/report.html", dir);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_worth_of_failed),
		cmocka_unit_test(test_unknown_format),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_expected_crash),
		cmocka_unit_test(test_interrupted_attempt),
		cmocka_unit_test(test_refused_metrics),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_precise),
		cmocka_unit_test(test_precise_claims),
		cmocka_unit_test(test_precise_members),
		cmocka_unit_test(test_throughput),
		cmocka_unit_test(test_foreign_throughput),
		cmocka_unit_test(test_recovery_words),
		cmocka_unit_test(test_clock_meaning),
		cmocka_unit_test(test_growth_of_workloads),
		cmocka_unit_test(test_unproven_loop),
		cmocka_unit_test(test_unproven_workload),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_report_escapes),
		cmocka_unit_test(test_report_without_gnuplot),
		cmocka_unit_test(test_plot_huge),
		cmocka_unit_test(test_publish),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FIXTURES\n", argv[0]);
		return 2;
	}
	fixtures = argv[1];
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
