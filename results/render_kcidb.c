// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run for KCIDB, I/O schema version 4.0 (https://github.com/kernelci/kcidb-io): one checkout, one
 * build, a test per case and per check. Only fields that the schema has; what is ours is in "misc".
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

#define ORIGIN "flbench"

/* PASS, FAIL, ERROR, SKIP are those of the schema; NULL where no status is known yet. */
static const char *status(enum results_verdict verdict)
{
	switch (verdict) {
	case RESULTS_SKIP:
	case RESULTS_NOTRUN:
		return "SKIP";
	case RESULTS_PASS:
	case RESULTS_WARN:
		return "PASS";
	case RESULTS_DMESG_WARN:
	case RESULTS_FAIL:
	case RESULTS_DMESG_FAIL:
	case RESULTS_TIMEOUT:
	case RESULTS_CRASH:
		return "FAIL";
	default:
		/* The test, not the kernel, did not do its work. */
		return "ERROR";
	}
}

/* A path has letters, digits, '-', '_' and '.' between its parts. */
static void put_part(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(isalnum((unsigned char)*text) || *text == '-' ? *text : '_', out);
}

static char *make_path(const struct results_case *test, const struct results_check *check)
{
	char *path = NULL;
	size_t len;
	FILE *out = open_memstream(&path, &len);

	if (!out)
		return NULL;
	fprintf(out, "flbench.");
	put_part(out, test->name);
	if (check) {
		fputc('.', out);
		put_part(out, check->name);
	}
	if (fclose(out)) {
		free(path);
		return NULL;
	}
	return path;
}

/* Takes over @value; false if it or the memory for it is missing. */
static bool set(struct json_object *object, const char *key, struct json_object *value)
{
	if (!object || !value || json_object_object_add(object, key, value)) {
		json_object_put(value);
		return false;
	}
	return true;
}

static bool set_text(struct json_object *object, const char *key, const char *text)
{
	return set(object, key, json_object_new_string(text));
}

/* When it began and what it ran on (FNV-1a of the environment) tell runs apart. */
static void make_run_id(const struct results_model *model, char *id, size_t size)
{
	const char *where = json_object_to_json_string_ext(model->environment,
							   JSON_C_TO_STRING_PLAIN);
	uint32_t hash = 2166136261u;
	double first = INFINITY;
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		if (isfinite(model->cases[i].begun))
			first = fmin(first, model->cases[i].begun);
	for (; where && *where; where++)
		hash = (hash ^ (unsigned char)*where) * 16777619u;
	snprintf(id, size, ORIGIN ":%lld-%08x", isfinite(first) ? (long long)first : 0, hash);
}

static bool set_number(struct json_object *object, const char *key, double number)
{
	return set(object, key, json_object_new_double(number));
}

/* { "igb": { "dma_gap_ns": { "median": .., "max": .. } } }; only where devices did DMA. */
static bool set_devices(struct json_object *misc, const struct results_model *model,
			const struct results_case *test)
{
	const char *names[RESULTS_MAX_DEVICES];
	size_t n = results_dma_devices(test, names);
	struct json_object *devices __json = json_object_new_object();
	const struct results_metric *metric;
	struct json_object *device;
	struct json_object *values;
	bool ok = devices;
	size_t i;
	size_t j;

	for (i = 0; ok && i < n; i++) {
		device = json_object_new_object();
		ok = set(devices, names[i], device);
		for (j = 0; ok && j < RESULTS_NR_DMA_COLUMNS; j++) {
			metric = results_device_metric(test, results_dma_columns[j].metric,
						       names[i]);
			if (!metric)
				continue;
			values = json_object_new_object();
			ok = set(device, metric->name, values) &&
			     set_number(values, "median", metric->summary.median) &&
			     set_number(values, "max", metric->summary.max);
		}
	}
	return ok && (!n || (set(misc, "devices", json_object_get(devices)) &&
			     set_text(misc, "clock_meaning", results_clock_sentence(model))));
}

static int add_test(const struct results_model *model, const char *run_id,
		    const struct results_case *test, const struct results_check *check,
		    struct json_object *tests)
{
	struct json_object *object __json = json_object_new_object();
	struct json_object *misc = json_object_new_object();
	char *path __freed = make_path(test, check);
	char text[256];
	time_t begun;
	struct tm tm;
	bool ok;

	if (!path)
		return -ENOMEM;
	snprintf(text, sizeof(text), "%s-%zu", run_id, json_object_array_length(tests) + 1);
	ok = set_text(object, "id", text) && set_text(object, "build_id", run_id) && set_text(object, "origin", ORIGIN) &&
	     set_text(object, "path", path) &&
	     set_text(object, "status", status(check ? check->verdict : test->counts));
	if (check && *check->detail)
		ok = ok && set_text(object, "comment", check->detail);
	else if (!check && *test->detail)
		ok = ok && set_text(object, "comment", test->detail);
	if (!check && isfinite(test->begun)) {
		begun = test->begun;
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&begun, &tm));
		ok = ok && set_text(object, "start_time", text);
	}
	if (!check && isfinite(test->seconds))
		ok = ok && set(object, "duration", json_object_new_double(test->seconds));
	ok = ok && set_text(misc, "verdict",
			    results_verdict_name(check ? check->verdict : test->verdict));
	if (!check)
		ok = ok && set(misc, "labels", json_object_get(test->labels)) &&
		     set(misc, "cycles_completed", json_object_new_int64(test->cycles_completed)) &&
		     set(misc, "cycles_planned", json_object_new_int64(test->cycles_planned)) &&
		     set_devices(misc, model, test);
	/* set() takes misc over, so it must come last whatever happened before. */
	ok = set(object, "misc", misc) && ok;
	if (!ok || json_object_array_add(tests, object))
		return -ENOMEM;
	object = NULL;
	return 0;
}

/* An array with one object that has an id, an origin and what else is given. */
static struct json_object *single(const char *id, const char *key, const char *value)
{
	struct json_object *array = json_object_new_array();
	struct json_object *object = json_object_new_object();
	bool ok = set_text(object, "id", id) && set_text(object, "origin", ORIGIN) &&
		  (!key || set_text(object, key, value));

	if (!ok || !array || json_object_array_add(array, object)) {
		json_object_put(object);
		json_object_put(array);
		return NULL;
	}
	return array;
}

int results_render_kcidb(const struct results_model *model, FILE *out)
{
	struct json_object *root __json = json_object_new_object();
	struct json_object *tests __json = json_object_new_array();
	struct json_object *version = json_object_new_object();
	char id[64];
	size_t i;
	size_t j;
	bool ok;
	int ret = tests ? 0 : -ENOMEM;

	make_run_id(model, id, sizeof(id));
	for (i = 0; !ret && i < model->nr_cases; i++) {
		ret = add_test(model, id, &model->cases[i], NULL, tests);
		for (j = 0; !ret && j < model->cases[i].nr_checks; j++)
			ret = add_test(model, id, &model->cases[i], &model->cases[i].checks[j],
				       tests);
	}
	ok = set(version, "major", json_object_new_int(4)) &&
	     set(version, "minor", json_object_new_int(0));
	ok = set(root, "version", version) && ok;
	ok = ok && set(root, "checkouts", single(id, NULL, NULL)) &&
	     set(root, "builds", single(id, "checkout_id", id)) &&
	     set(root, "tests", json_object_get(tests));
	if (ret || !ok)
		return -ENOMEM;
	fprintf(out, "%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
