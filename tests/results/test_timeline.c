// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which live update is drawn, what is taken of it and what is refused. That the figure shows all of it is
 * check_report.py's.
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

#include <cmocka.h>

#include <flbench/render.h>

static const char *fixtures;

/* A directory of its own for each test, with the events that it writes. */
struct run {
	char dir[32];
	char *text;
	size_t len;
	FILE *events;
};

static void put_file(const struct run *run, const char *name, const char *text, size_t len)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", run->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void begin(struct run *run)
{
	strcpy(run->dir, "/tmp/flbench-timeline-XXXXXX");
	assert_non_null(mkdtemp(run->dir));
	run->text = NULL;
	run->events = open_memstream(&run->text, &run->len);
	fprintf(run->events,
		"{\"event\":\"case\",\"state\":\"begin\",\"case\":\"a\",\"attempt\":1,\"cycles\":1}\n");
}

static struct results_model *load(struct run *run)
{
	struct results_model *model = NULL;

	fclose(run->events);
	put_file(run, "events.jsonl", run->text, run->len);
	assert_int_equal(results_model_load(run->dir, &model), 0);
	return model;
}

static void end(struct run *run, struct results_model *model)
{
	char command[64];

	results_model_free(model);
	free(run->text);
	snprintf(command, sizeof(command), "rm -rf %s", run->dir);
	assert_int_equal(system(command), 0);
}

__attribute__((format(printf, 3, 4))) static void put(struct run *run, const char *kind,
						      const char *format, ...)
{
	va_list args;

	fprintf(run->events, "{\"event\":\"%s\",\"case\":\"a\",\"attempt\":1,", kind);
	va_start(args, format);
	vfprintf(run->events, format, args);
	va_end(args);
	fprintf(run->events, "}\n");
}

static void put_blackout(struct run *run, int cycle, long long begin_ns, long long end_ns)
{
	put(run, "blackout", "\"cycle\":%d,\"begin_ns\":%lld,\"end_ns\":%lld", cycle, begin_ns,
	    end_ns);
}

static void put_gap(struct run *run, int cycle, const char *device, long long ns)
{
	put(run, "metric",
	    "\"cycle\":%d,\"name\":\"dma_gap_ns\",\"unit\":\"ns\",\"value\":%lld,\"labels\":{\"device\":\"%s\"}",
	    cycle, ns, device);
}

/* All that is made of a model, for what it might do to what is odd. */
static void render_all(const struct results_model *model)
{
	static const enum results_format formats[] = {
		RESULTS_TEXT, RESULTS_JSON, RESULTS_CSV, RESULTS_KTAP, RESULTS_KCIDB,
	};
	const char *svg;
	char *text;
	size_t len;
	size_t i;
	FILE *out = open_memstream(&text, &len);

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		assert_int_equal(results_render(model, formats[i], out), 0);
	assert_int_equal(results_report(model, out), 0);
	fclose(out);
	/* Numbers that no browser understands */
	for (svg = strstr(text, "<div class=\"timeline\">"); svg;
	     svg = strstr(svg + 1, "<div class=\"timeline\">")) {
		assert_null(memmem(svg, strstr(svg, "</svg>") - svg, "\"nan", 4));
		assert_null(memmem(svg, strstr(svg, "</svg>") - svg, "inf", 3));
	}
	free(text);
}

static const struct results_timeline *timeline_of(const struct results_model *model)
{
	assert_int_equal(model->nr_cases, 1);
	assert_int_equal(model->cases[0].nr_timelines, 1);
	return &model->cases[0].timelines[0];
}

static void test_fixture(void **state)
{
	const struct results_timeline *timeline;
	struct results_model *model;
	char path[512];
	size_t i;
	size_t j;

	snprintf(path, sizeof(path), "%s/dma", fixtures);
	assert_int_equal(results_model_load(path, &model), 0);
	assert_int_equal(model->cases[0].nr_timelines, 1);
	timeline = &model->cases[0].timelines[0];
	assert_int_equal(timeline->cycle, 2);
	assert_string_equal(timeline->why, "it has the longest gap of igb, the worst of 3 cycles");
	assert_true(timeline->gap_ns == 67000000);
	assert_int_equal(timeline->begin_ns, 0);
	assert_int_equal(timeline->end_ns, 1471973281);
	assert_int_equal(timeline->nr_spans, 12);
	assert_int_equal(timeline->nr_arrivals, 4);
	for (i = 0; i < timeline->nr_spans; i++) {
		const struct results_span *span = &timeline->spans[i];

		assert_true(span->begin_ns <= span->end_ns);
		assert_true(!i || span[-1].begin_ns <= span->begin_ns);
		if (span->lane == RESULTS_OLD_KERNEL)
			assert_true(span->end_ns <= 0);
		if (span->lane == RESULTS_NEW_KERNEL)
			assert_true(span->begin_ns >= timeline->end_ns);
	}
	for (i = 0; i < timeline->nr_arrivals; i++) {
		const struct results_arrivals *list = &timeline->arrivals[i];

		assert_int_equal(list->interval_ns, strcmp(list->device, "igb") ? 0 : 20000000);
		assert_int_equal(list->uncertainty_ns, 612345);
		for (j = 0; j < list->n; j++)
			assert_true(list->at_ns[j] >= 0 && list->at_ns[j] < timeline->end_ns);
		if (!strcmp(list->device, "stranger"))
			assert_int_equal(list->n, 0);
		else
			assert_true(list->n > 0);
	}
	results_model_free(model);
}

/* Whatever comes first, and in whatever order: sorted, and counted from the blackout's begin. */
static void test_order(void **state)
{
	const struct results_timeline *timeline;
	struct results_model *model;
	struct run run;

	begin(&run);
	put_gap(&run, 2, "igb", 30);
	put(&run, "arrivals",
	    "\"cycle\":1,\"device\":\"igb\",\"what\":\"frames\",\"interval_ns\":10,\"uncertainty_ns\":1,\"at_ns\":[1030,990,1010]");
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"new kernel\",\"name\":\"adopt\",\"begin_ns\":1300,\"end_ns\":1310");
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"old kernel\",\"name\":\"preserve\",\"begin_ns\":900,\"end_ns\":950");
	put_blackout(&run, 2, 5000, 5100);
	put_blackout(&run, 1, 1000, 1200);
	put_gap(&run, 1, "igb", 40);
	put_gap(&run, 2, "nvme", 99);
	model = load(&run);
	timeline = timeline_of(model);
	assert_int_equal(timeline->cycle, 1);
	assert_int_equal(timeline->end_ns, 200);
	assert_string_equal(timeline->spans[0].name, "preserve");
	assert_int_equal(timeline->spans[0].begin_ns, -100);
	assert_int_equal(timeline->spans[0].end_ns, -50);
	assert_int_equal(timeline->spans[1].lane, RESULTS_NEW_KERNEL);
	assert_int_equal(timeline->spans[1].begin_ns, 300);
	assert_int_equal(timeline->arrivals[0].n, 3);
	assert_int_equal(timeline->arrivals[0].at_ns[0], -10);
	assert_int_equal(timeline->arrivals[0].at_ns[1], 10);
	assert_int_equal(timeline->arrivals[0].at_ns[2], 30);
	assert_int_equal(model->cases[0].refused, 0);
	render_all(model);
	end(&run, model);
}

/* The reason says no more than is so. */
static void test_why(void **state)
{
	static const struct {
		int blackouts; /* cycles 1 to this have one, each longer than the one before */
		int gaps; /* cycles 1 to this have one, each longer than the one before */
		int chosen;
		const char *why;
	} rows[] = {
		{ 3, 3, 3, "the worst of 3 cycles" },
		{ 3, 2, 2, "the worst of 2 cycles" },
		{ 2, 3, 2, "of those that can be drawn, not of all 3" },
		{ 1, 1, 1, "it is the only one with a measured gap" },
		{ 3, 0, 3, "it has the longest blackout; no gap of igb was measured" },
	};
	struct results_model *model;
	struct run run;
	size_t i;
	int cycle;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&run);
		for (cycle = 1; cycle <= rows[i].blackouts; cycle++)
			put_blackout(&run, cycle, cycle * 1000, cycle * 1000 + 100 + cycle);
		for (cycle = 1; cycle <= rows[i].gaps; cycle++)
			put_gap(&run, cycle, "igb", 20 + cycle);
		model = load(&run);
		assert_int_equal(timeline_of(model)->cycle, rows[i].chosen);
		assert_non_null(strstr(timeline_of(model)->why, rows[i].why));
		render_all(model);
		end(&run, model);
	}
}

static void test_no_blackout(void **state)
{
	struct results_model *model;
	struct run run;

	begin(&run);
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"jump\",\"name\":\"boot\",\"begin_ns\":1,\"end_ns\":2");
	model = load(&run);
	assert_int_equal(model->cases[0].nr_timelines, 0);
	assert_int_equal(json_object_array_length(model->cases[0].notes), 1);
	render_all(model);
	end(&run, model);
}

/* What an interrupted attempt saw is not mixed with what the next one sees. */
static void test_attempts(void **state)
{
	struct results_model *model;
	struct run run;

	begin(&run);
	put_blackout(&run, 1, 1000, 9000);
	put_gap(&run, 1, "igb", 8000);
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"jump\",\"name\":\"dropped\",\"begin_ns\":1,\"end_ns\":2");
	fprintf(run.events,
		"{\"event\":\"case\",\"state\":\"begin\",\"case\":\"a\",\"attempt\":2,\"cycles\":1}\n");
	put_blackout(&run, 1, 2000, 2100);
	put_gap(&run, 1, "igb", 30);
	model = load(&run);
	assert_int_equal(timeline_of(model)->end_ns, 100);
	assert_int_equal(timeline_of(model)->nr_spans, 0);
	assert_true(timeline_of(model)->gap_ns == 30);
	assert_int_equal(model->cases[0].refused, 0);
	end(&run, model);
}

#define ARRIVALS "\"device\":\"e\",\"what\":\"c\",\"interval_ns\":0,\"uncertainty_ns\":0"

static void test_refused(void **state)
{
	static const struct {
		const char *kind;
		const char *members;
	} rows[] = {
		{ "blackout", "\"cycle\":1,\"begin_ns\":10,\"end_ns\":20" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":10" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":-10,\"end_ns\":20" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":20,\"end_ns\":10" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":1.5,\"end_ns\":10" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":\"1\",\"end_ns\":10" },
		{ "blackout", "\"cycle\":2,\"begin_ns\":0,\"end_ns\":9223372036854775807" },
		{ "blackout", "\"cycle\":0,\"begin_ns\":10,\"end_ns\":20" },
		{ "blackout", "\"cycle\":-1,\"begin_ns\":10,\"end_ns\":20" },
		{ "blackout", "\"begin_ns\":10,\"end_ns\":20" },
		{ "span",
		  "\"cycle\":1,\"lane\":\"jump\",\"name\":\"a\",\"begin_ns\":3,\"end_ns\":2" },
		{ "span",
		  "\"cycle\":1,\"lane\":\"jump\",\"name\":\"a\",\"begin_ns\":3,\"end_ns\":null" },
		{ "span",
		  "\"cycle\":1,\"lane\":\"jump\",\"name\":\"\",\"begin_ns\":1,\"end_ns\":2" },
		{ "span",
		  "\"cycle\":1,\"lane\":\"jump\",\"name\":\"\\u001b[31m\",\"begin_ns\":1,\"end_ns\":2" },
		{ "span", "\"cycle\":1,\"lane\":\"jump\",\"name\":[],\"begin_ns\":1,\"end_ns\":2" },
		{ "span",
		  "\"cycle\":1,\"lane\":\"third kernel\",\"name\":\"a\",\"begin_ns\":1,\"end_ns\":2" },
		{ "span", "\"cycle\":1,\"name\":\"a\",\"begin_ns\":1,\"end_ns\":2" },
		{ "arrivals", "\"cycle\":1," ARRIVALS },
		{ "arrivals", "\"cycle\":1," ARRIVALS ",\"at_ns\":{}" },
		{ "arrivals", "\"cycle\":1," ARRIVALS ",\"at_ns\":[1,null]" },
		{ "arrivals", "\"cycle\":1," ARRIVALS ",\"at_ns\":[1,-1]" },
		{ "arrivals", "\"cycle\":1," ARRIVALS ",\"at_ns\":[[]]" },
		{ "arrivals",
		  "\"cycle\":1,\"what\":\"c\",\"interval_ns\":0,\"uncertainty_ns\":0,\"at_ns\":[]" },
		{ "arrivals",
		  "\"cycle\":1,\"device\":\"e\",\"interval_ns\":0,\"uncertainty_ns\":0,\"at_ns\":[]" },
		{ "arrivals",
		  "\"cycle\":1,\"device\":\"e\",\"what\":\"c\",\"uncertainty_ns\":0,\"at_ns\":[]" },
		{ "arrivals",
		  "\"cycle\":1,\"device\":\"e\",\"what\":\"c\",\"interval_ns\":0,\"at_ns\":[]" },
		{ "arrivals",
		  "\"cycle\":1,\"device\":\"e\",\"what\":\"c\",\"interval_ns\":-5,\"uncertainty_ns\":0,\"at_ns\":[]" },
		{ "arrivals",
		  "\"cycle\":1,\"device\":\"igb\",\"what\":\"c\",\"interval_ns\":0,\"uncertainty_ns\":0,\"at_ns\":[]" },
	};
	struct results_model *model;
	const char *note;
	struct run run;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&run);
		put_blackout(&run, 1, 1000, 1100);
		put(&run, "arrivals",
		    "\"cycle\":1,\"device\":\"igb\",\"what\":\"frames\",\"interval_ns\":10,\"uncertainty_ns\":1,\"at_ns\":[1030]");
		put(&run, "check", "\"cycle\":1,\"name\":\"c\",\"verdict\":\"pass\"");
		put(&run, rows[i].kind, "%s", rows[i].members);
		fprintf(run.events,
			"{\"event\":\"case\",\"state\":\"end\",\"case\":\"a\",\"cycles\":1,\"verdict\":\"pass\"}\n");
		model = load(&run);
		if (model->cases[0].refused != 1)
			fail_msg("taken: %s %s", rows[i].kind, rows[i].members);
		note = json_object_get_string(json_object_array_get_idx(model->cases[0].notes, 0));
		assert_non_null(strstr(note, rows[i].kind));
		assert_non_null(strstr(note, "was refused"));
		assert_int_equal(model->verdict, RESULTS_WARN);
		/* The good ones are there all the same. */
		assert_int_equal(timeline_of(model)->end_ns, 100);
		assert_int_equal(timeline_of(model)->nr_arrivals, 1);
		assert_int_equal(timeline_of(model)->nr_spans, 0);
		render_all(model);
		end(&run, model);
	}
}

/* A case that counts instructions has no nanoseconds, not even here. */
static void test_icount(void **state)
{
	static const char plan[] = "[a]\nicount = yes\n";
	struct results_model *model;
	struct run run;

	begin(&run);
	put_file(&run, "plan.ini", plan, strlen(plan));
	put_blackout(&run, 1, 1000, 1100);
	model = load(&run);
	assert_int_equal(model->cases[0].nr_timelines, 0);
	assert_int_equal(model->cases[0].refused, 1);
	end(&run, model);
}

/* However much a file holds, what is kept is bounded, and the worst cycle is among it. */
static void test_bounds(void **state)
{
	const struct results_timeline *timeline;
	struct results_model *model;
	struct run run;
	int cycle;
	int i;

	begin(&run);
	for (cycle = 1; cycle <= 200; cycle++) {
		put(&run, "span",
		    "\"cycle\":%d,\"lane\":\"old kernel\",\"name\":\"load\",\"begin_ns\":1,\"end_ns\":2",
		    cycle);
		put_blackout(&run, cycle, cycle * 1000, cycle * 1000 + 100);
		put_gap(&run, cycle, "igb", cycle == 7 ? 90 : 20 + cycle % 5);
		if (cycle != 7)
			continue;
		for (i = 0; i < 100; i++)
			put(&run, "span",
			    "\"cycle\":7,\"lane\":\"jump\",\"name\":\"s%d\",\"begin_ns\":1,\"end_ns\":2",
			    i);
		for (i = 0; i < 20; i++)
			put(&run, "arrivals",
			    "\"cycle\":7,\"device\":\"d%d\",\"what\":\"c\",\"interval_ns\":0,\"uncertainty_ns\":0,\"at_ns\":[7001]",
			    i);
	}
	fprintf(run.events,
		"{\"event\":\"arrivals\",\"case\":\"a\",\"cycle\":200," ARRIVALS ",\"at_ns\":[0");
	for (i = 1; i < 20000; i++)
		fprintf(run.events, ",%d", i);
	fprintf(run.events, "]}\n");
	model = load(&run);
	timeline = timeline_of(model);
	assert_int_equal(timeline->cycle, 7);
	assert_non_null(strstr(timeline->why, "the worst of 200 cycles"));
	assert_int_equal(timeline->nr_spans, 64);
	assert_int_equal(timeline->nr_arrivals, 16);
	/* 37 stages, 4 devices, and one list */
	assert_int_equal(model->cases[0].refused, 42);
	assert_int_equal(json_object_array_length(model->cases[0].notes), 20);
	render_all(model);
	end(&run, model);
}

/* A stage of seconds beside a short blackout must not squeeze it; what is left out is said. */
static void test_outside(void **state)
{
	static const long long ms = 1000000;
	struct results_model *model;
	struct run run;
	char *page;
	size_t len;
	FILE *out;

	begin(&run);
	put_blackout(&run, 1, 10000 * ms, 10100 * ms);
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"old kernel\",\"name\":\"long\",\"begin_ns\":%lld,\"end_ns\":%lld",
	    1000 * ms, 9990 * ms);
	put(&run, "span",
	    "\"cycle\":1,\"lane\":\"old kernel\",\"name\":\"away\",\"begin_ns\":%lld,\"end_ns\":%lld",
	    20 * ms, 30 * ms);
	put(&run, "arrivals",
	    "\"cycle\":1,\"device\":\"igb\",\"what\":\"frames\",\"interval_ns\":%lld,\"uncertainty_ns\":1,\"at_ns\":[%lld,%lld,%lld]",
	    10 * ms, 9000 * ms, 10050 * ms, 11000 * ms);
	model = load(&run);
	out = open_memstream(&page, &len);
	assert_int_equal(results_report(model, out), 0);
	fclose(out);
	assert_non_null(strstr(page, "to be drawn: 2 arrivals;"));
	assert_non_null(strstr(page, "<title>50.0 ms</title>"));
	assert_null(strstr(page, "<title>-1000.0 ms</title>"));
	assert_null(strstr(page, "<title>1000.0 ms</title>"));
	/* The one that is cut off is there, the one that is nowhere near is only listed. */
	assert_non_null(strstr(page, ">2 long</text>"));
	assert_non_null(strstr(page, "<li>away <small>10 ms, from -9.98 s</small>"));
	assert_null(strstr(page, ">1</text>"));
	free(page);
	end(&run, model);
}

/* Times that no machine has, but that a file may. */
static void test_extremes(void **state)
{
	static const long long most = 1LL << 62;
	static const long long rows[][4] = {
		/* begin and end of the blackout, a stage and an arrival */
		{ 0, 0, 0, 0 },	      { 5, 5, most, most },    { 0, most, 0, most },
		{ most, most, 0, 0 }, { 1000, 1001, most, 0 }, { 0, 1000000000, 1, most },
	};
	struct results_model *model;
	struct run run;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&run);
		put_blackout(&run, 1, rows[i][0], rows[i][1]);
		put(&run, "span",
		    "\"cycle\":1,\"lane\":\"jump\",\"name\":\"boot\",\"begin_ns\":%lld,\"end_ns\":%lld",
		    rows[i][2], rows[i][2]);
		put(&run, "arrivals",
		    "\"cycle\":1,\"device\":\"igb\",\"what\":\"frames\",\"interval_ns\":%lld,\"uncertainty_ns\":%lld,\"at_ns\":[%lld]",
		    most, most, rows[i][3]);
		model = load(&run);
		assert_int_equal(model->cases[0].refused, 0);
		assert_int_equal(timeline_of(model)->end_ns, rows[i][1] - rows[i][0]);
		render_all(model);
		end(&run, model);
	}
}

/* A recorded run, cut off anywhere or with bytes changed: always something, never a crash. */
static void test_damaged(void **state)
{
	struct results_model *model;
	char command[600];
	struct run run;
	char path[512];
	char *good;
	size_t len;
	FILE *file;
	int round;
	int i;

	begin(&run);
	snprintf(command, sizeof(command), "cp -r '%s/dma/.' %s", fixtures, run.dir);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/dma/events.jsonl", fixtures);
	file = fopen(path, "r");
	assert_non_null(file);
	good = malloc(1 << 20);
	len = fread(good, 1, 1 << 20, file);
	fclose(file);
	fclose(run.events);
	srandom(1);
	/* Without plots, which take their time. */
	setenv("PATH", "/nonexistent", 1);
	for (round = 0; round < 200; round++) {
		char *bad = malloc(len);
		size_t bad_len = round % 2 ? len : len * (round + 1) / 200;

		memcpy(bad, good, len);
		for (i = 0; round % 2 && i < 40; i++)
			bad[random() % len] = "0123456789-\"{}[],:e\n"[random() % 20];
		put_file(&run, "events.jsonl", bad, bad_len);
		free(bad);
		assert_int_equal(results_model_load(run.dir, &model), 0);
		render_all(model);
		results_model_free(model);
	}
	free(good);
	setenv("PATH", *state, 1);
	end(&run, NULL);
}

static void ignore_log(void *context, enum results_log_level level, const char *text)
{
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixture),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_no_blackout),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_icount),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test_prestate(test_damaged,
					  strdup(getenv("PATH") ? getenv("PATH") : "")),
	};
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FIXTURES\n", argv[0]);
		return 2;
	}
	fixtures = argv[1];
	results_set_log(ignore_log, NULL);
	ret = cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
	free(tests[sizeof(tests) / sizeof(tests[0]) - 1].initial_state);
	return ret;
}
