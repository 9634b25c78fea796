// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench compare on runs that are made from a fixture of the results library: the same build again, a run with an
 * injected slowdown, and what cannot be compared. Every number is from a seed, so no result is a matter of luck.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <json-c/json.h>
#include <cmocka.h>

#include "harness.h"
#include "util.h"

/* What happens to a run on its way from the fixture into the working directory. */
struct change {
	/* Values become nanoseconds that vary by this share, drawn from @seed, @repeats of them for each */
	double noise;
	uint64_t seed;
	int repeats;
	/* These metrics become so many times as large, all if NULL */
	const char *metric;
	double factor;
	/* Every value is more than the one before by this share of the first */
	double drift;
	/* One value in the run of each metric is so many times as large */
	double outlier;
	/* Counts and times of later cycles are not there */
	int cycles;
	/* And of earlier ones */
	int first;
	/* preserve_* counts operations a second */
	bool rate;
	const char *seed_of_plan;
	const char *qemu;
};

static int clean(void **state)
{
	harness_end();
	return 0;
}

/* Of a normal distribution, nearly: the sum of 12 that are uniform (Knuth's MMIX generator). */
static double draw(uint64_t *seed)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
		sum += (double)(*seed >> 11) / (1ULL << 53);
	}
	return sum;
}

static void replace(char *text, size_t size, const char *old, const char *new)
{
	char *at = strstr(text, old);
	char *rest __freed = at ? strdup(at + strlen(old)) : NULL;

	if (at)
		snprintf(at, size - (at - text), "%s%s", new, rest);
}

/* One metric of the fixture; it goes to @out as often as the change wants. */
static void write_metric(FILE *out, struct json_object *event, const struct change *change,
			 uint64_t *seed)
{
	double value = json_object_get_double(json_object_object_get(event, "value"));
	int cycle = json_object_get_int(json_object_object_get(event, "cycle"));
	char name[64];
	bool timed;

	snprintf(name, sizeof(name), "%s",
		 json_object_get_string(json_object_object_get(event, "name")));
	if (((change->cycles && cycle > change->cycles) || cycle < change->first) &&
	    strstr(name, "_instructions"))
		return;
	if (change->factor && (!change->metric || !strcmp(change->metric, name)))
		value *= change->factor;
	timed = change->noise && strstr(name, "_instructions");
	if (change->rate && !strcmp(name, "preserve_instructions")) {
		json_object_object_add(event, "name",
				       json_object_new_string("preserve_per_second"));
		json_object_object_add(event, "unit", json_object_new_string("operations"));
	} else if (timed) {
		replace(name, sizeof(name), "_instructions", "_ns");
		json_object_object_add(event, "name", json_object_new_string(name));
		json_object_object_add(event, "unit", json_object_new_string("ns"));
	}
	for (int i = 0; i < (timed ? change->repeats : 1); i++) {
		double now = value;

		if (timed)
			now *= 1 + change->noise * draw(seed) +
			       change->drift * ((cycle - 1) * change->repeats + i);
		else
			now *= 1 + change->drift * cycle;
		if (change->outlier && cycle == 3 && !i)
			now *= change->outlier;
		json_object_object_add(event, "value", json_object_new_double(rint(now)));
		fprintf(out, "%s\n", json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN));
	}
}

static char *fixture_text(const char *fixture, const char *name)
{
	char *path __freed = format_text("%s/%s/%s", getenv("FIXTURES"), fixture, name);
	char *text = read_text(AT_FDCWD, path);

	assert_non_null(text);
	return text;
}

static void copy_lines(const char *fixture, const char *dir, const char *name,
		       const char *const replacements[])
{
	char *text __freed = fixture_text(fixture, name);
	char *path __freed = format_text("%s/%s", dir, name);
	char *copy __freed = calloc(1, 2 * strlen(text) + 256);

	for (char *line = text, *next; line && *line; line = next) {
		char one[4096];

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		snprintf(one, sizeof(one), "%s\n", line);
		for (size_t i = 0; replacements && replacements[i]; i += 2)
			replace(one, sizeof(one), replacements[i], replacements[i + 1]);
		strcat(copy, one);
	}
	put_file(path, copy);
}

/* Make a results directory below the working directory out of a fixture. */
static void make_run(const char *fixture, const char *dir, const struct change *change)
{
	char *events __freed = fixture_text(fixture, "events.jsonl");
	char *path __freed = format_text("%s/events.jsonl", dir);
	char *seed_line __freed = format_text("cycles = 5\nseed = %s",
					      change->seed_of_plan ? change->seed_of_plan : "1");
	uint64_t seed = change->seed;
	char *text __freed = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (char *line = events, *next; line && *line; line = next) {
		struct json_object *event __json = NULL;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		event = json_tokener_parse(line);
		if (event && !strcmp(json_object_get_string(json_object_object_get(event, "event")),
				     "metric"))
			write_metric(out, event, change, &seed);
		else
			fprintf(out, "%s\n", line);
	}
	fclose(out);
	put_file(path, text);
	copy_lines(fixture, dir, "plan.ini",
		   (const char *[]){ "cycles = 5", seed_line, "icount = yes",
				     change->noise ? "icount = no" : "icount = yes", NULL });
	copy_lines(fixture, dir, "environment.json",
		   (const char *[]){ "emulator version 10.0.2",
				     change->qemu ? change->qemu : "emulator version 10.0.2",
				     NULL });
}

#define COMPARE(status, words, ...) \
	assert_compare(status, words, (const char *[]){ "compare", __VA_ARGS__, NULL })

static void assert_compare(int status, const char *words, const char *const argv[])
{
	struct result result;

	flbench(&result, argv);
	if (result.status != status)
		fail_msg("status %d instead of %d: %s%s", result.status, status, result.out,
			 result.err);
	if (!strstr(result.out, words))
		fail_msg("'%s' is not in: %s%s", words, result.out, result.err);
	free_result(&result);
}

/* Counts under icount: exact, however few. */
static void exact(void **state)
{
	make_run("complete", "base", &(struct change){ .seed = 0 });
	make_run("complete", "same", &(struct change){ .seed = 0 });
	make_run("complete", "slow",
		 &(struct change){ .metric = "preserve_instructions", .factor = 1.05 });
	make_run("complete", "little",
		 &(struct change){ .metric = "preserve_instructions", .factor = 1.009 });
	make_run("complete", "fast",
		 &(struct change){ .metric = "preserve_instructions", .factor = 0.95 });
	make_run(
		"complete", "one",
		&(struct change){ .cycles = 1, .metric = "preserve_instructions", .factor = 1.05 });
	COMPARE(0,
		"verdict: no difference\nOf 32 metrics: 0 undecided, 0 worse, 0 better, 32 no difference",
		"base", "same");
	COMPARE(1,
		"verdict: worse\nOf 32 metrics: 0 undecided, 4 worse, 0 better, 28 no difference",
		"base", "slow");
	COMPARE(1, "+5 %                        worse          exact, n=5", "base", "slow");
	COMPARE(0, "verdict: better\nOf 32 metrics: 0 undecided, 0 worse, 4 better", "slow",
		"base");
	COMPARE(0, "4 better", "base", "fast");
	/* A value of one cycle is as good as the others; cycles that only one run has are left aside. */
	COMPARE(1, "4 worse", "base", "one");
	COMPARE(1, "worse          exact, n=1", "base", "one");
	make_run("complete", "rising", &(struct change){ .drift = 0.1 });
	make_run("complete", "late", &(struct change){ .drift = 0.1, .first = 3 });
	COMPARE(0, "0 %                         no difference  exact, n=3", "rising", "late");
	COMPARE(1, "exact, n=5, by cycle +10 to +50 %", "base", "rising", "--metric=preserve_*");
	/* The threshold, from both sides */
	COMPARE(0, "verdict: no difference", "base", "little");
	COMPARE(1, "4 worse", "base", "little", "--threshold=0.8");
	COMPARE(0, "32 no difference", "base", "slow", "--threshold", "5.1");
	COMPARE(1, "4 worse", "base", "slow", "--threshold", "4.9");
	COMPARE(0, "Of 24 metrics: 0 undecided, 0 worse, 0 better, 24 no", "base", "slow",
		"--metric=[!pr]*");
	COMPARE(1, "Of 4 metrics: 0 undecided, 4 worse", "base", "slow", "--metric=preserve_*");
}

/* What varies: the same build twice, with other random numbers; and one that is slower by 5 %. */
static void sampled(void **state)
{
	struct change change = { .noise = 0.003, .seed = 1, .repeats = 4 };

	make_run("complete", "base", &change);
	change.seed = 2;
	make_run("complete", "same", &change);
	change.seed = 3;
	change.factor = 1.05;
	make_run("complete", "slow", &change);
	change.seed = 4;
	change.metric = "retrieve_instructions";
	make_run("complete", "part", &change);
	COMPARE(0,
		"verdict: no difference\nOf 32 metrics: 0 undecided, 0 worse, 0 better, 32 no difference",
		"base", "same");
	COMPARE(0, "each of the 32 with 99.8438 %", "base", "same");
	COMPARE(0, "Numbers are nanoseconds in emulation (TCG): not times of hardware.", "base",
		"same");
	COMPARE(1, "verdict: worse\nOf 32 metrics: 0 undecided, 32 worse", "base", "slow");
	COMPARE(1,
		"verdict: worse\nOf 32 metrics: 0 undecided, 4 worse, 0 better, 28 no difference",
		"same", "part");
	COMPARE(0, "verdict: better", "slow", "base");
	/* Noise that hides 5 % leaves it open, and does not make it none. */
	change = (struct change){ .noise = 0.2, .seed = 5, .repeats = 4 };
	make_run("complete", "noisy", &change);
	change.seed = 6;
	change.factor = 1.05;
	make_run("complete", "noisy-slow", &change);
	COMPARE(2, "28 undecided, 0 worse, 0 better, 0 no difference", "noisy", "noisy-slow",
		"--metric=*_ns");
	/* Few values are compared by their means. */
	change = (struct change){ .noise = 0.003, .seed = 8, .repeats = 1 };
	make_run("complete", "five", &change);
	change.seed = 9;
	change.factor = 1.05;
	make_run("complete", "five-slow", &change);
	COMPARE(1, "worse          means, n=5 and 5", "five", "five-slow");
	COMPARE(1, "worse          means, n=5 and 5", "five", "five-slow", "--metric=preserve_ns");
	COMPARE(1, "28 worse, 0 better, 0 no difference", "five", "five-slow", "--metric=*_ns");
	/* Fewer than three values say nothing of their spread. */
	change = (struct change){ .noise = 0.003, .seed = 7, .repeats = 1, .cycles = 2 };
	make_run("complete", "few", &change);
	COMPARE(2, "n=20 and 2; too few values", "base", "few", "--metric=*_ns");
	COMPARE(0,
		"verdict: no difference, as far as the values can tell: 28 of 32 metrics are undecided",
		"few", "few", "--metric=*");
}

static void outliers_and_trends(void **state)
{
	struct change change = { .noise = 0.003, .seed = 1, .repeats = 4 };

	make_run("complete", "base", &change);
	change.seed = 2;
	change.outlier = 1.03;
	make_run("complete", "outlier", &change);
	COMPARE(0, "ranks, n=20 and 20, outliers 0 and 1", "base", "outlier", "--threshold=5",
		"--metric=adopt_ns");
	/* Five times as long for once is no slowdown, and does not hide one, or that there is none. */
	change.outlier = 5;
	make_run("complete", "outlier", &change);
	COMPARE(0, "verdict: no difference\nOf 4 metrics: 0 undecided", "base", "outlier",
		"--metric=adopt_ns");
	change.factor = 1.05;
	make_run("complete", "outlier", &change);
	COMPARE(1, "0 undecided, 4 worse", "base", "outlier", "--metric=adopt_ns");
	change.factor = 0;
	change.outlier = 0;
	change.drift = 0.002;
	make_run("complete", "drift", &change);
	/* Within the threshold, but not steady: that is no calm. Beyond it: an alarm. */
	COMPARE(2, "not steady in NEW; the interval of a series with a trend", "base", "drift",
		"--threshold=5", "--metric=adopt_ns");
	change.drift = 0.02;
	make_run("complete", "drift", &change);
	COMPARE(1, "worse          ranks, n=20 and 20, not steady in NEW", "base", "drift",
		"--metric=adopt_ns");
}

/* Where more is better, less is worse. */
static void higher_is_better(void **state)
{
	make_run("complete", "base", &(struct change){ .rate = true });
	make_run("complete", "less",
		 &(struct change){
			 .rate = true, .metric = "preserve_instructions", .factor = 0.95 });
	COMPARE(1, "-5 %                        worse", "base", "less");
	COMPARE(0, "verdict: better", "less", "base");
}

static void what_else_differs(void **state)
{
	make_run("complete", "base", &(struct change){ .seed = 0 });
	make_run("complete", "other",
		 &(struct change){ .seed_of_plan = "2", .qemu = "emulator version 11.0.0" });
	make_run("complete", "rate", &(struct change){ .rate = true });
	COMPARE(0,
		"warning: QEMU differs: QEMU emulator version 10.0.2, now QEMU emulator version 11.0.0\n"
		"warning: the plan differs in: seed\n",
		"base", "other");
	COMPARE(0, "only in BASE: loop-d64-f1: preserve_instructions {", "base", "rate");
	COMPARE(0, "only in NEW: loop-d64-f1: preserve_per_second {", "base", "rate");
	/* Devices are told apart by their label, and what is neither good nor bad is named. */
	make_run("dma", "dma", &(struct change){ .seed = 0 });
	COMPARE(0, "not judged, since neither direction is better: frames_arrived", "dma", "dma");
}

static void as_json(void **state)
{
	static const char *const members[] = { "confidence",	"base",	    "new",
					       "clock_meaning", "warnings", "only_base",
					       "only_new",	"unjudged", "left_out" };
	struct change change = { .noise = 0.003, .seed = 1, .repeats = 4 };
	struct json_object *json __json = NULL;
	struct json_object *metrics, *first, *value;
	struct result result;
	double low, high;

	make_run("complete", "base", &change);
	change.seed = 3;
	change.factor = 1.05;
	make_run("complete", "slow", &change);
	flbench(&result, (const char *[]){ "compare", "base", "slow", "--format=json",
					   "--threshold=2.5", NULL });
	assert_int_equal(result.status, 1);
	json = json_tokener_parse(result.out);
	assert_non_null(json);
	assert_string_equal(json_object_get_string(json_object_object_get(json, "schema")),
			    "flbench-compare/1");
	assert_string_equal(json_object_get_string(json_object_object_get(json, "verdict")),
			    "worse");
	assert_true(json_object_get_double(json_object_object_get(json, "threshold")) == 0.025);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		assert_true(json_object_object_get_ex(json, members[i], NULL));
	assert_true(json_object_object_get_ex(json, "metrics", &metrics));
	assert_int_equal(json_object_array_length(metrics), 32);
	first = json_object_array_get_idx(metrics, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(first, "metric")),
			    "preserve_ns");
	assert_string_equal(json_object_get_string(json_object_object_get(first, "verdict")),
			    "worse");
	assert_string_equal(json_object_get_string(json_object_object_get(first, "method")),
			    "ranks");
	assert_true(json_object_object_get_ex(first, "ratio_ci", &value));
	low = json_object_get_double(json_object_array_get_idx(value, 0));
	high = json_object_get_double(json_object_array_get_idx(value, 1));
	assert_true(low > 1.025 && low < 1.05 && high > 1.05 && high < 1.075);
	assert_true(json_object_object_get_ex(first, "difference_ci", &value));
	assert_int_equal(json_object_array_length(value), 2);
	free_result(&result);
}

#define REFUSED(reason, ...) \
	assert_refused(reason, (const char *[]){ "compare", __VA_ARGS__, NULL })

static void assert_refused(const char *reason, const char *const argv[])
{
	struct result result;
	const char *newline;

	flbench(&result, argv);
	if (result.status != 2 || !strstr(result.err, reason))
		fail_msg("status %d, wanted '%s': %s", result.status, reason, result.err);
	newline = strchr(result.err, '\n');
	if ((newline && newline[1]) || *result.out)
		fail_msg("not one line: %s%s", result.err, result.out);
	free_result(&result);
}

static void bad_input(void **state)
{
	int fd;

	make_run("complete", "base", &(struct change){ .seed = 0 });
	make_run("complete", "timed", &(struct change){ .noise = 0.003, .seed = 1, .repeats = 1 });
	make_run("complete", "foreign", &(struct change){ .seed = 0 });
	put_file("foreign/results.json", "{ \"schema\": \"flbench/2\" }\n");
	make_run("incomplete", "incomplete", &(struct change){ .seed = 0 });
	make_run("failed", "failed", &(struct change){ .seed = 0 });
	put_file("file", "");
	put_file("planned/plan.ini", "[a]\ncycles = 3\n");
	REFUSED("which BASE NEW?", "base");
	REFUSED("what is 'more' for?", "base", "base", "more");
	REFUSED("nowhere: not a results directory", "nowhere", "base");
	REFUSED("nowhere: not a results directory", "base", "nowhere");
	REFUSED("file: not a results directory", "base", "file");
	REFUSED("foreign: results.json has the schema 'flbench/2'", "base", "foreign");
	REFUSED("incomplete: its verdict is 'incomplete'", "incomplete", "base");
	REFUSED("failed: its verdict is 'dmesg-fail'", "base", "failed");
	REFUSED("planned: its verdict is 'notrun'", "base", "planned");
	/* Somebody writes it. */
	put_file("base/lock", "");
	fd = open(in_work("base/lock"), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	REFUSED("base: the run still goes on", "base", "timed");
	close(fd);
	REFUSED("--format: flbench compare prints text or json, not csv", "base", "base",
		"--format=csv");
	REFUSED("--threshold: 'much' is not a number of percent from 0 to 1000", "base", "base",
		"--threshold=much");
	REFUSED("--threshold: '-1'", "base", "base", "--threshold=-1");
	REFUSED("--threshold: 'nan'", "base", "base", "--threshold=nan");
	REFUSED("--threshold: '.'", "base", "base", "--threshold=.");
	REFUSED("no metric in common by the name of nosuch*", "base", "base", "--metric=nosuch*");
	/* Instructions and nanoseconds have nothing in common. */
	REFUSED("no metric in common by the name of preserve_*", "base", "timed",
		"--metric=preserve_*");
}

#define TEST(name) cmocka_unit_test_teardown(name, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exact),
		TEST(sampled),
		TEST(outliers_and_trends),
		TEST(higher_is_better),
		TEST(what_else_differs),
		TEST(as_json),
		TEST(bad_input),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
