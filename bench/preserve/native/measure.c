// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserves scattered pages with the memblock of stock Linux and with ours, in this very process and by
 * turns, and prints how they compare. What instruction counts cannot see, caches above all, is in it;
 * so is all that this machine does meanwhile, hence the statistics. Prints JSON.
 */
#include <argp.h>
#include <dlfcn.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flbench/cleanup.h>
#include <flbench/stats.h>

#include "reserve.h"

/* A sample is repeated until it takes this long; clock and interrupts are small then. */
#define SAMPLE_NS 2000000ull
#define MAX_SIZES 16
#define MAX_RUNS 1000
#define SEED 1

typedef long (*reserve_fn)(const uint64_t *phys, uint64_t nr);

struct options {
	const char *stock;
	const char *ours;
	unsigned long sizes[MAX_SIZES];
	size_t nr_sizes;
	struct results_stop_rule stop;
	unsigned long warm_up;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	/* Processor time: what others ran meanwhile is left out, what they did to the caches is not. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* No two adjacent, in an order that rises: gaps of 2 to 9 pages. */
static uint64_t *make_pages(unsigned long nr)
{
	uint64_t *phys = calloc(nr, sizeof(*phys));
	uint64_t state = SEED, page = 1ull << 20;

	for (unsigned long i = 0; phys && i < nr; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		page += 2 + (state >> 61);
		phys[i] = page << 12;
	}
	return phys;
}

static int reserve(reserve_fn fn, const uint64_t *phys, unsigned long nr)
{
	long regions = fn(phys, nr);

	if (regions < 0)
		return regions;
	/* Each page is a region, or something else was measured; memblock's own array is one, too. */
	return (unsigned long)regions < nr ? -EIO : 0;
}

/* Nanoseconds for one reservation of all pages. */
static int sample(reserve_fn fn, const uint64_t *phys, unsigned long nr, double *ns)
{
	uint64_t start = now_ns(), end;
	unsigned long rounds = 0;
	int err;

	do {
		err = reserve(fn, phys, nr);
		end = now_ns();
		rounds++;
	} while (!err && end - start < SAMPLE_NS);
	*ns = (double)(end - start) / rounds;
	return err;
}

/* @n of each; what stands behind it is of the last of them. */
struct samples {
	size_t n;
	enum results_stop stop;
	double half_width;
	double stock[MAX_RUNS];
	double ours[MAX_RUNS];
	double ratio[MAX_RUNS];
};

/* Counts in real time: a budget is what people wait for. */
static double waited_s(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - since->tv_sec + (now.tv_nsec - since->tv_nsec) / 1e9;
}

/* By turns, each first in every other run: what changes meanwhile hits both. */
static int take(const struct options *options, const reserve_fn fns[2], unsigned long nr,
		struct samples *samples)
{
	uint64_t *phys __freed = make_pages(nr);
	int err = phys ? 0 : -ENOMEM;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	samples->n = 0;
	samples->stop = RESULTS_GO_ON;
	for (unsigned long run = 0; !err && samples->stop == RESULTS_GO_ON; run++) {
		double ns[2];

		for (unsigned long turn = 0; !err && turn < 2; turn++)
			err = sample(fns[(run + turn) % 2], phys, nr, &ns[(run + turn) % 2]);
		if (err || run < options->warm_up)
			continue;
		samples->stock[samples->n] = ns[0];
		samples->ours[samples->n] = ns[1];
		samples->ratio[samples->n++] = ns[0] / ns[1];
		err = results_stop(&options->stop, samples->ratio, samples->n, waited_s(&start),
				   &samples->half_width, &samples->stop);
	}
	return err;
}

static void add_number(struct json_object *object, const char *key, double number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", number);
	json_object_object_add(object, key, json_object_new_double_s(number, text));
}

static struct json_object *side(const double *values, size_t n)
{
	struct json_object *object = json_object_new_object();
	struct results_summary summary;

	if (results_summarize(values, n, &summary))
		return object;
	add_number(object, "min_ns", summary.min);
	add_number(object, "median_ns", summary.median);
	add_number(object, "max_ns", summary.max);
	json_object_object_add(object, "outliers",
			       json_object_new_int64(results_outliers(values, n)));
	return object;
}

static struct json_object *measurement(unsigned long nr, const struct samples *samples)
{
	struct json_object *object = json_object_new_object();
	struct json_object *interval = json_object_new_array();
	struct results_median ratio;
	double z, p;

	if (results_median(samples->ratio, samples->n, &ratio)) {
		json_object_put(interval);
		json_object_put(object);
		return NULL;
	}
	for (int i = 0; i < 2; i++)
		json_object_array_add(interval, json_object_new_double(ratio.ci95[i]));
	json_object_object_add(object, "pages", json_object_new_int64(nr));
	json_object_object_add(object, "n", json_object_new_int64(samples->n));
	json_object_object_add(object, "stock", side(samples->stock, samples->n));
	json_object_object_add(object, "ours", side(samples->ours, samples->n));
	add_number(object, "ratio", ratio.median);
	json_object_object_add(object, "ratio_ci95", interval);
	add_number(object, "half_width", samples->half_width);
	json_object_object_add(object, "stopped",
			       json_object_new_string(samples->stop == RESULTS_STOP_NARROW ?
							      "narrow" : "budget"));
	/* Without a trend it was as warm at the begin as at the end. */
	if (!results_trend(samples->ratio, samples->n, &z, &p))
		add_number(object, "trend_p", p);
	return object;
}

static int run(const struct options *options, const reserve_fn fns[2])
{
	struct samples *samples __freed = calloc(1, sizeof(*samples));
	struct json_object *root __json = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int err = samples ? 0 : -ENOMEM;

	json_object_object_add(root, "schema", json_object_new_string("flbench-native/1"));
	json_object_object_add(
		root, "what",
		json_object_new_string(
			"memblock: reserve scattered pages, one by one, and mark each as noinit"));
	json_object_object_add(root, "warm_up", json_object_new_int64(options->warm_up));
	json_object_object_add(root, "measurements", list);
	for (size_t i = 0; !err && i < options->nr_sizes; i++) {
		struct json_object *one;

		err = take(options, fns, options->sizes[i], samples);
		if (err)
			break;
		one = measurement(options->sizes[i], samples);
		if (one)
			json_object_array_add(list, one);
		else
			err = -EINVAL;
	}
	if (!err)
		printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
									    JSON_C_TO_STRING_SPACED));
	return err;
}

static error_t parse_number(const char *text, unsigned long min, unsigned long max,
			    unsigned long *number)
{
	char *end;

	*number = strtoul(text, &end, 10);
	return *end || end == text || *number < min || *number > max ? EINVAL : 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	unsigned long number;

	switch (key) {
	case 's':
		options->stock = argument;
		return 0;
	case 'o':
		options->ours = argument;
		return 0;
	case 'r':
		if (parse_number(argument, 10, MAX_RUNS, &options->stop.min_samples))
			argp_error(state, "--runs is a number from 10 to %d", MAX_RUNS);
		return 0;
	case 'm':
		if (parse_number(argument, 10, MAX_RUNS, &options->stop.max_samples))
			argp_error(state, "--most-runs is a number from 10 to %d", MAX_RUNS);
		return 0;
	case 'p':
		if (parse_number(argument, 0, 100, &number))
			argp_error(state, "--half-width is a number of percent from 0 to 100");
		options->stop.half_width = number / 100.;
		return 0;
	case 'w':
		if (parse_number(argument, 1, MAX_RUNS, &options->warm_up))
			argp_error(state, "--warm-up is a number from 1 to %d", MAX_RUNS);
		return 0;
	case ARGP_KEY_ARG:
		if (options->nr_sizes == MAX_SIZES ||
		    parse_number(argument, 1, 1ul << 20, &options->sizes[options->nr_sizes]))
			argp_error(state, "'%s' is no number of pages from 1 to %lu, or one too many",
				   argument, 1ul << 20);
		options->nr_sizes++;
		return 0;
	case ARGP_KEY_END:
		if (!options->nr_sizes || !options->stock || !options->ours)
			argp_error(state, "give --stock, --ours and numbers of pages");
		if (options->stop.max_samples < options->stop.min_samples)
			options->stop.max_samples = options->stop.min_samples;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static reserve_fn load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	reserve_fn fn = object ? (reserve_fn)dlsym(object, "native_reserve") : NULL;

	if (!fn)
		fprintf(stderr, "preserve-native: %s\n", dlerror());
	return fn;
}

int main(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{ "stock", 's', "FILE", 0, "shared object with stock's memblock", 0 },
		{ "ours", 'o', "FILE", 0, "shared object with ours", 0 },
		{ "runs", 'r', "N", 0, "samples of each that count, at least [15]", 0 },
		{ "half-width", 'p', "PERCENT", 0,
		  "go on until half of the ratio's confidence interval is so small [2]", 0 },
		{ "most-runs", 'm', "N", 0, "or until there are so many samples [60]", 0 },
		{ "warm-up", 'w', "N", 0, "samples of each before these [2]", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = rows,
		.parser = parse,
		.args_doc = "PAGES...",
		.doc = "Compares two memblocks on this machine; scripts/native builds and starts it.",
	};
	struct options options = {
		.stop = { .half_width = 0.02, .min_samples = 15, .max_samples = 60, .max_seconds = 60 },
		.warm_up = 2,
	};
	reserve_fn fns[2];
	int err = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fns[0] = load(options.stock);
	fns[1] = load(options.ours);
	if (!fns[0] || !fns[1])
		return 1;
	err = run(&options, fns);
	if (err)
		fprintf(stderr, "preserve-native: cannot measure: %s\n", strerror(-err));
	return err ? 1 : 0;
}
