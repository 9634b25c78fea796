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

/* What the schema of results.json has of a main metric, and no more; NULL if it is none. */
static struct json_object *read_metric(struct json_object *one)
{
	const char *name = results_get_string(one, "name");
	struct json_object *metric;
	struct json_object *member;
	double half = NAN;
	int64_t n;

	if (!results_is_name(name) || !results_get_count(one, "n", &n) ||
	    !json_object_object_get_ex(one, "half_width_percent", &member) ||
	    (member && (!results_get_number(one, "half_width_percent", &half) || half < 0)))
		return NULL;
	metric = json_object_new_object();
	if (!results_json_add(metric, "name", json_object_new_string(name)) ||
	    !results_json_add(metric, "n", json_object_new_int64(n)) ||
	    json_object_object_add(metric, "half_width_percent", json_object_get(member))) {
		json_object_put(metric);
		return NULL;
	}
	return metric;
}

static struct json_object *read_metrics(struct json_object *list)
{
	struct json_object *metrics = json_object_new_array();
	size_t i;

	for (i = 0; metrics && i < json_object_array_length(list); i++) {
		if (results_json_append(metrics, read_metric(json_object_array_get_idx(list, i))))
			continue;
		json_object_put(metrics);
		metrics = NULL;
	}
	return metrics;
}

static bool is_precision(struct json_object *event)
{
	struct json_object *member;
	double wanted;
	int64_t count;

	return results_get_number(event, "wanted_percent", &wanted) && wanted > 0 &&
	       results_get_count(event, "budget", &count) && count >= 1 &&
	       results_get_count(event, "cycle", &count) && json_object_object_get_ex(event, "reached", &member) &&
	       json_object_is_type(member, json_type_boolean) &&
	       json_object_object_get_ex(event, "metrics", &member) &&
	       json_object_is_type(member, json_type_array) && json_object_array_length(member);
}

/* What is wanted the plan says; the agent only if there is none. */
static struct json_object *wanted_percent(const struct results_case *test, struct json_object *event)
{
	return test->precision > 0 ? results_json_number(test->precision) :
				     json_object_get(json_object_object_get(event, "wanted_percent"));
}

int results_read_precision(struct results_case *test, struct json_object *event)
{
	static const char *const members[] = { "reached", "budget", "cycle" };
	struct json_object *metrics = NULL;
	struct json_object *precise;
	bool failed;
	size_t i;

	if (is_precision(event))
		metrics = read_metrics(json_object_object_get(event, "metrics"));
	if (!metrics)
		return results_refuse(test, "a line \"precision\" was refused: a member is missing or of another kind");
	precise = json_object_new_object();
	failed = !results_json_add(precise, "wanted_percent", wanted_percent(test, event));
	for (i = 0; i < ARRAY_SIZE(members); i++)
		failed |= !results_json_add(precise, members[i],
					    json_object_get(json_object_object_get(event, members[i])));
	failed |= !results_json_add(precise, "metrics", metrics);
	if (failed) {
		json_object_put(precise);
		return -ENOMEM;
	}
	json_object_put(test->precise);
	test->precise = precise;
	return 0;
}

/* The metric of that name; NULL if there is none, or more than one that other labels tell apart. */
static const struct results_metric *find_metric(const struct results_case *test, const char *name, bool *several)
{
	const struct results_metric *found = NULL;
	size_t i;

	for (i = 0; i < test->nr_metrics; i++) {
		if (strcmp(test->metrics[i].name, name))
			continue;
		*several |= found != NULL;
		found = &test->metrics[i];
	}
	return *several ? NULL : found;
}

/* By one value of each kernel but the first. */
static int metric_is_precise(const struct results_metric *metric, double percent)
{
	struct results_sample *means __freed = NULL;
	double *values __freed = calloc(metric->n, sizeof(*values));
	size_t nr_means;
	size_t n = 0;
	double half;
	size_t i;

	if (!values || results_by_kernel(metric, &means, &nr_means))
		return -ENOMEM;
	for (i = 0; i < nr_means; i++)
		if (means[i].cycle)
			values[n++] = means[i].value;
	return results_precise(values, n, percent, &half) == 1;
}

/* Do the values have the precision that the plan wants? -ENOMEM, or *@objection is NULL or says why not. */
static int look_at_values(const struct results_case *test, const char **objection)
{
	struct json_object *metrics = json_object_object_get(test->precise, "metrics");
	const struct results_metric *metric;
	const char *name;
	bool several = false;
	size_t i;
	int ret;

	*objection = NULL;
	for (i = 0; !*objection && i < json_object_array_length(metrics); i++) {
		name = results_get_string(json_object_array_get_idx(metrics, i), "name");
		metric = find_metric(test, name, &several);
		ret = metric ? metric_is_precise(metric, test->precision) : 0;
		if (ret < 0)
			return ret;
		if (several)
			*objection = "two of its metrics have one name";
		else if (!ret)
			*objection = "its values do not";
	}
	return 0;
}

int results_judge_precision(struct results_case *test)
{
	const char *objection;
	int64_t cycle = 0;
	int ret = 0;

	test->is_precise = false;
	if (!test->precise || !json_object_get_boolean(json_object_object_get(test->precise, "reached")))
		return 0;
	results_get_count(test->precise, "cycle", &cycle);
	if (!(test->precision > 0))
		objection = "its plan does not want it to be";
	else if (cycle != test->cycles_completed)
		objection = "it did not end there";
	else
		ret = look_at_values(test, &objection);
	if (ret)
		return ret;
	test->is_precise = !objection;
	return objection ? results_add_note(test->notes, "the agent says that it is precise, %s", objection) : 0;
}
