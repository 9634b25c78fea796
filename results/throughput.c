// SPDX-License-Identifier: GPL-2.0-only
/*
 * Throughput before and after a live update: a value for each of a row of intervals. Where such a series
 * becomes steady stats.c says; here it is read, and the two sides of a live update are put together.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <flbench/workload.h>

#include "internal.h"
#include "model_internal.h"

/* Far beyond what an agent sends: a damaged or foreign file may claim anything. */
#define MAX_SERIES 4096

const char *results_steadiness_name(enum results_steadiness steadiness)
{
	static const char *const names[] = {
		[RESULTS_STEADY] = "steady",
		[RESULTS_NOT_STEADY] = "not steady",
		[RESULTS_TOO_SHORT] = "too short",
	};

	return names[steadiness];
}

void results_clear_throughput(struct results_case *test)
{
	size_t i;

	for (i = 0; i < test->nr_throughput; i++) {
		free(test->throughput[i].name);
		free(test->throughput[i].unit);
		free(test->throughput[i].values);
	}
	free(test->throughput);
	free(test->recoveries);
	test->throughput = NULL;
	test->nr_throughput = 0;
	test->recoveries = NULL;
	test->nr_recoveries = 0;
}

/* "instructions" or "ns", as the case's clock counts them; NULL for anything else. */
static const char *clock_unit(const struct results_case *test, const char *unit)
{
	static const char *const units[] = { "instructions", "ns" };
	size_t i;

	for (i = 0; unit && i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit, units[i]) && (!test->unit || !strcmp(unit, test->unit)))
			return units[i];
	return NULL;
}

/* Counts, to be freed; NULL if they are none, or without memory. */
static double *read_values(struct json_object *array, size_t *n)
{
	double *values = NULL;
	size_t i;

	if (!json_object_is_type(array, json_type_array))
		return NULL;
	*n = json_object_array_length(array);
	if (*n && *n <= WORKLOAD_INTERVALS_MAX)
		values = calloc(*n, sizeof(*values));
	for (i = 0; values && i < *n; i++) {
		struct json_object *one = json_object_array_get_idx(array, i);

		values[i] = json_object_is_type(one, json_type_int) ? json_object_get_int64(one) : -1;
		if (values[i] < 0 || values[i] > RESULTS_MAX_COUNT) {
			free(values);
			values = NULL;
		}
	}
	return values;
}

/* Does the case have this side of this kernel already? */
static bool has_series(const struct results_case *test, const char *name, int64_t cycle, bool after)
{
	const struct results_throughput *series;
	size_t i;

	for (i = 0; i < test->nr_throughput; i++) {
		series = &test->throughput[i];
		if (series->cycle == cycle && series->after == after && !strcmp(series->name, name))
			return true;
	}
	return false;
}

int results_read_throughput(struct results_case *test, struct json_object *event)
{
	struct results_throughput *all;
	struct results_throughput new = { .trend_p = NAN, .fences = { NAN, NAN } };
	const char *name = results_get_string(event, "name");
	const char *unit = results_get_string(event, "unit");
	const char *side = results_get_string(event, "side");
	struct json_object *values;

	new.interval_unit = clock_unit(test, results_get_string(event, "interval_unit"));
	if (test->nr_throughput >= MAX_SERIES || !results_is_name(name) || !results_is_word(unit) || !new.interval_unit || !side ||
	    (strcmp(side, "before") && strcmp(side, "after")) || !results_get_count(event, "cycle", &new.cycle) ||
	    !results_get_count(event, "interval", &new.interval) || !new.interval ||
	    !json_object_object_get_ex(event, "values", &values))
		return results_refuse(test, "a line \"throughput\" was refused: a member is missing or of another kind");
	new.after = !strcmp(side, "after");
	if (has_series(test, name, new.cycle, new.after))
		return results_refuse(test, "a line \"throughput\" of \"%s\" was refused: cycle %lld has that side already",
				      name, (long long)new.cycle);
	new.values = read_values(values, &new.n);
	if (!new.values)
		return results_refuse(test, "a line \"throughput\" of \"%s\" was refused: its values are no row of numbers",
				      name);
	new.name = strdup(name);
	new.unit = strdup(unit);
	all = reallocarray(test->throughput, test->nr_throughput + 1, sizeof(*all));
	if (all)
		test->throughput = all;
	if (!all || !new.name || !new.unit) {
		free(new.name);
		free(new.unit);
		free(new.values);
		return -ENOMEM;
	}
	all[test->nr_throughput++] = new;
	return 0;
}

static int find_level(struct results_throughput *series)
{
	struct results_steady steady;
	int ret = results_steady(series->values, series->n, &steady);

	series->steadiness = RESULTS_TOO_SHORT;
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	series->trend_p = steady.trend_p;
	series->steadiness = steady.steady ? RESULTS_STEADY : RESULTS_NOT_STEADY;
	series->warmup = steady.begin;
	if (!steady.steady)
		return 0;
	ret = results_level(series->values + steady.begin, series->n - steady.begin, &series->level);
	if (!ret)
		ret = results_fences(series->values + steady.begin, series->n - steady.begin, series->fences);
	return ret;
}

static int add_recovery(struct results_case *test, size_t before, size_t after)
{
	const struct results_throughput *b = &test->throughput[before];
	const struct results_throughput *a = &test->throughput[after];
	struct results_recovery *all = reallocarray(test->recoveries, test->nr_recoveries + 1, sizeof(*all));
	struct results_recovery *new;
	int ret;

	if (!all)
		return -ENOMEM;
	test->recoveries = all;
	new = &all[test->nr_recoveries++];
	*new = (struct results_recovery){ .before = before, .after = after };
	if (a->steadiness != RESULTS_STEADY || b->steadiness != RESULTS_STEADY)
		return 0;
	ret = results_compare_levels(b->values + b->warmup, b->n - b->warmup, a->values + a->warmup,
				     a->n - a->warmup, &new->change);
	new->compared = !ret;
	return ret;
}

/* Do they measure the same, the one in the kernel that the other one's was jumped to from? */
static bool are_sides(const struct results_throughput *before, const struct results_throughput *after)
{
	return !before->after && after->after && before->cycle + 1 == after->cycle &&
	       !strcmp(before->name, after->name) && !strcmp(before->unit, after->unit) &&
	       before->interval == after->interval && before->interval_unit == after->interval_unit;
}

int results_settle_throughput(struct results_case *test)
{
	size_t i;
	size_t j;
	int ret = 0;

	for (i = 0; !ret && i < test->nr_throughput; i++)
		ret = find_level(&test->throughput[i]);
	for (i = 0; i < test->nr_throughput; i++)
		for (j = 0; !ret && j < test->nr_throughput; j++)
			if (are_sides(&test->throughput[i], &test->throughput[j]))
				ret = add_recovery(test, i, j);
	return ret;
}
