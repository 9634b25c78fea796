// SPDX-License-Identifier: GPL-2.0-only
/*
 * A case that may end when its main metrics are precise enough: what the agent said of that, and whether
 * the values that it sent say so too.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

static bool is_metric(struct json_object *one)
{
	struct json_object *half;
	int64_t n;

	return results_is_word(results_get_string(one, "name")) && results_get_count(one, "n", &n) &&
	       json_object_object_get_ex(one, "half_width_percent", &half) &&
	       (!half || json_object_is_type(half, json_type_double) || json_object_is_type(half, json_type_int));
}

static bool is_precision(struct json_object *event)
{
	struct json_object *reached;
	struct json_object *metrics;
	double wanted;
	int64_t count;
	size_t i;

	if (!results_get_number(event, "wanted_percent", &wanted) || !results_get_count(event, "budget", &count) ||
	    !results_get_count(event, "cycle", &count) || !json_object_object_get_ex(event, "reached", &reached) ||
	    !json_object_is_type(reached, json_type_boolean) ||
	    !json_object_object_get_ex(event, "metrics", &metrics) || !json_object_is_type(metrics, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(metrics); i++)
		if (!is_metric(json_object_array_get_idx(metrics, i)))
			return false;
	return i > 0;
}

int results_read_precision(struct results_case *test, struct json_object *event)
{
	static const char *const members[] = { "wanted_percent", "reached", "budget", "cycle", "metrics" };
	struct json_object *precise;
	struct json_object *value;
	size_t i;

	if (!is_precision(event))
		return results_refuse(test, "a line \"precision\" was refused: a member is missing or of another kind");
	precise = json_object_new_object();
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		json_object_object_get_ex(event, members[i], &value);
		if (!results_json_add(precise, members[i], json_object_get(value))) {
			json_object_put(precise);
			return -ENOMEM;
		}
	}
	json_object_put(test->precise);
	test->precise = precise;
	return 0;
}

static const struct results_metric *find_metric(const struct results_case *test, const char *name)
{
	size_t i;

	for (i = 0; i < test->nr_metrics; i++)
		if (!strcmp(test->metrics[i].name, name))
			return &test->metrics[i];
	return NULL;
}

/* One value of each kernel but the first, the mean of what it measured; their number. */
static size_t values_of_cycles(const struct results_metric *metric, double *values)
{
	double sum = 0;
	size_t in_cycle = 0;
	size_t n = 0;
	size_t i;

	for (i = 0; i < metric->n; i++) {
		if (!metric->samples[i].cycle)
			continue;
		sum += metric->samples[i].value;
		in_cycle++;
		if (i + 1 < metric->n && metric->samples[i + 1].cycle == metric->samples[i].cycle)
			continue;
		values[n++] = sum / in_cycle;
		sum = 0;
		in_cycle = 0;
	}
	return n;
}

static bool metric_is_precise(const struct results_case *test, const char *name)
{
	const struct results_metric *metric = find_metric(test, name);
	double *values __freed = metric ? calloc(metric->n, sizeof(*values)) : NULL;
	double half;

	return values && results_precise(values, values_of_cycles(metric, values), test->precision, &half) == 1;
}

bool results_is_precise(const struct results_case *test)
{
	struct json_object *member;
	int64_t cycle = 0;
	size_t i;

	if (!test->precise || !(test->precision > 0) || !results_get_count(test->precise, "cycle", &cycle) ||
	    cycle != test->cycles_completed || !json_object_object_get_ex(test->precise, "reached", &member) ||
	    !json_object_get_boolean(member))
		return false;
	json_object_object_get_ex(test->precise, "metrics", &member);
	for (i = 0; i < json_object_array_length(member); i++)
		if (!metric_is_precise(test,
				       results_get_string(json_object_array_get_idx(member, i), "name")))
			return false;
	return true;
}
