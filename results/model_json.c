// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model as results.json, schema flbench/1 (results/schema/flbench-1.json).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

/*
 * Small builder: every step is a no-op once one has failed, so that the caller asks only once.
 */
struct builder {
	struct json_object *object;
	bool failed;
};

static void add(struct builder *builder, const char *key, struct json_object *value)
{
	if (builder->failed || json_object_object_add(builder->object, key, value)) {
		json_object_put(value);
		builder->failed = true;
	}
}

static void add_string(struct builder *builder, const char *key, const char *text)
{
	struct json_object *value = json_object_new_string(text);

	if (!value)
		builder->failed = true;
	add(builder, key, value);
}

static void add_integer(struct builder *builder, const char *key, int64_t number)
{
	struct json_object *value = json_object_new_int64(number);

	if (!value)
		builder->failed = true;
	add(builder, key, value);
}

static void add_boolean(struct builder *builder, const char *key, bool state)
{
	struct json_object *value = json_object_new_boolean(state);

	if (!value)
		builder->failed = true;
	add(builder, key, value);
}

static void add_number(struct builder *builder, const char *key, double number)
{
	struct json_object *value = results_json_number(number);

	if (!value && isfinite(number))
		builder->failed = true;
	add(builder, key, value);
}

static void add_interval(struct builder *builder, const char *key, const double interval[2])
{
	struct json_object *array = NULL;
	struct json_object *value;
	size_t i;

	if (!isfinite(interval[0]) || !isfinite(interval[1])) {
		add(builder, key, NULL);
		return;
	}
	array = json_object_new_array();
	for (i = 0; array && i < 2; i++) {
		value = results_json_number(interval[i]);
		if (!value || json_object_array_add(array, value)) {
			json_object_put(value);
			builder->failed = true;
		}
	}
	if (!array)
		builder->failed = true;
	add(builder, key, array);
}

static void add_shared(struct builder *builder, const char *key, struct json_object *value)
{
	add(builder, key, json_object_get(value));
}

static struct builder begin(void)
{
	struct builder builder = { .object = json_object_new_object() };

	builder.failed = !builder.object;
	return builder;
}

static void add_built(struct builder *builder, const char *key, struct builder *child)
{
	if (child->failed) {
		json_object_put(child->object);
		builder->failed = true;
		return;
	}
	add(builder, key, child->object);
}

static void append_built(struct json_object *array, struct builder *child, bool *failed)
{
	if (child->failed || json_object_array_add(array, child->object)) {
		json_object_put(child->object);
		*failed = true;
	}
}

static struct builder case_json(const struct results_case *test)
{
	struct builder out = begin();
	struct builder cycles = begin();

	add_string(&out, "name", test->name);
	add_shared(&out, "labels", test->labels);
	add_string(&out, "verdict", results_verdict_name(test->verdict));
	add_string(&out, "expect", results_verdict_name(test->expect));
	add_string(&out, "detail", test->detail);
	if (test->scenario)
		add_string(&out, "scenario", test->scenario);
	if (test->unit)
		add_string(&out, "clock", test->unit);
	add_integer(&out, "attempts", test->attempts);
	add_boolean(&out, "interrupted", test->interrupted);
	add_integer(&cycles, "planned", test->cycles_planned);
	add_integer(&cycles, "completed", test->cycles_completed);
	add_built(&out, "cycles", &cycles);
	add_number(&out, "seconds", test->seconds);
	add_integer(&out, "events_lost", test->lost);
	add_shared(&out, "notes", test->notes);
	if (test->precise)
		add_shared(&out, "precision", test->precise);
	if (test->console_problem)
		add_string(&out, "console_problem", test->console_problem);
	if (test->console_tail)
		add_string(&out, "console_tail", test->console_tail);
	return out;
}

static struct builder check_json(const struct results_case *test, const struct results_check *check)
{
	struct builder out = begin();

	add_string(&out, "name", check->name);
	add_string(&out, "case", test->name);
	add_string(&out, "verdict", results_verdict_name(check->verdict));
	add_string(&out, "detail", check->detail);
	add_integer(&out, "passed", check->passed);
	add_integer(&out, "failed", check->failed);
	add_integer(&out, "skipped", check->skipped);
	if (check->failed)
		add_shared(&out, "failures", check->failures);
	return out;
}

static struct json_object *outliers_json(const struct results_metric *metric, bool *failed)
{
	struct json_object *outliers = json_object_new_array();
	struct builder out;
	size_t i;

	for (i = 0; outliers && i < metric->n; i++) {
		if (!results_is_outlier(metric->fences, metric->samples[i].value))
			continue;
		out = begin();
		add_integer(&out, "cycle", metric->samples[i].cycle);
		add_number(&out, "value", metric->samples[i].value);
		append_built(outliers, &out, failed);
	}
	*failed |= !outliers;
	return outliers;
}

static struct builder metric_json(const struct results_case *test,
				  const struct results_metric *metric)
{
	const struct results_summary *summary = &metric->summary;
	struct builder out = begin();
	bool failed = false;

	add_string(&out, "name", metric->name);
	add_string(&out, "unit", metric->unit);
	add_string(&out, "case", test->name);
	add_shared(&out, "labels", metric->labels);
	add_integer(&out, "n", summary->n);
	add_number(&out, "min", summary->min);
	add_number(&out, "median", summary->median);
	add_number(&out, "mean", summary->mean);
	add_number(&out, "stddev", summary->stddev);
	add_interval(&out, "ci95", summary->ci95);
	add_number(&out, "max", summary->max);
	add(&out, "outliers", outliers_json(metric, &failed));
	out.failed |= failed;
	return out;
}

static struct builder scaling_json(const struct results_scaling *line)
{
	struct builder out = begin();

	add_string(&out, "metric", line->metric);
	add_string(&out, "unit", line->unit);
	add_string(&out, "axis", line->axis);
	if (line->coupled)
		add_string(&out, "coupled", line->coupled);
	add_shared(&out, "labels", line->labels);
	add_integer(&out, "n", line->n);
	add_number(&out, "exponent", line->fit.slope);
	add_interval(&out, "ci95", line->fit.slope_ci95);
	add_number(&out, "factor", exp(line->fit.intercept));
	add_number(&out, "r2", line->fit.r2);
	return out;
}

static struct builder growth_json(const struct results_growth *growth)
{
	struct builder out = begin();
	struct builder cycles = begin();

	add_string(&out, "metric", growth->metric->name);
	add_string(&out, "unit", growth->metric->unit);
	add_string(&out, "case", growth->in->name);
	add_integer(&cycles, "from", growth->from);
	add_integer(&cycles, "to", growth->to);
	add_built(&out, "cycles", &cycles);
	add_number(&out, "first", growth->first);
	add_number(&out, "last", growth->last);
	add_number(&out, "per_cycle", growth->fit.slope);
	add_interval(&out, "ci95", growth->fit.slope_ci95);
	if (growth->baseline_in) {
		struct builder versus = begin();

		add_string(&versus, "case", growth->baseline_in->name);
		add_number(&versus, "excess_per_cycle", growth->excess);
		add_interval(&versus, "ci95", growth->excess_ci95);
		add_built(&out, "baseline", &versus);
	}
	return out;
}

static struct builder target_json(const struct results_model *model,
				  const struct results_target *target)
{
	struct builder out = begin();

	add_string(&out, "name", target->name);
	add_string(&out, "what", target->what);
	add_number(&out, "target", target->limit);
	add_number(&out, "stock", target->stock);
	add_number(&out, "ours", target->ours);
	add_number(&out, "value", target->value);
	add_string(&out, "met", results_target_state_name(target->state));
	if (model->reference)
		add_string(&out, "reference", results_target_state_name(target->reference));
	add_boolean(&out, "lost", results_target_is_lost(target));
	return out;
}

static struct builder rate_json(const struct results_rate *rate)
{
	struct builder out = begin();

	add_string(&out, "case", rate->in->name);
	add_string(&out, "what", rate->what);
	add_string(&out, "metric", rate->metric->name);
	add_string(&out, "unit", rate->metric->unit);
	add_integer(&out, "n", rate->metric->n);
	add_number(&out, "min", rate->metric->summary.min);
	add_number(&out, "median", rate->metric->summary.median);
	add_number(&out, "max", rate->metric->summary.max);
	add_number(&out, "relative", rate->relative);
	return out;
}

static struct builder restored_json(const struct results_restored *restored)
{
	struct builder out = begin();

	add_string(&out, "case", restored->in->name);
	add_integer(&out, "n", restored->n);
	add_number(&out, "ratio", restored->ratio);
	add_interval(&out, "ci95", restored->ci95);
	add_number(&out, "target", restored->limit);
	add_string(&out, "met", restored->met);
	return out;
}

static struct json_object *spans_json(const struct results_timeline *timeline, bool *failed)
{
	struct json_object *spans = json_object_new_array();
	struct builder out;
	size_t i;

	for (i = 0; spans && i < timeline->nr_spans; i++) {
		out = begin();
		add_string(&out, "lane", results_lane_name(timeline->spans[i].lane));
		add_string(&out, "name", timeline->spans[i].name);
		add_integer(&out, "begin_ns", timeline->spans[i].begin_ns);
		add_integer(&out, "end_ns", timeline->spans[i].end_ns);
		append_built(spans, &out, failed);
	}
	*failed |= !spans;
	return spans;
}

static struct json_object *arrivals_json(const struct results_timeline *timeline, bool *failed)
{
	struct json_object *arrivals = json_object_new_array();
	const struct results_arrivals *list;
	struct json_object *at_ns;
	struct json_object *at;
	struct builder out;
	size_t i;
	size_t j;

	for (i = 0; arrivals && i < timeline->nr_arrivals; i++) {
		list = &timeline->arrivals[i];
		out = begin();
		at_ns = json_object_new_array();
		add_string(&out, "device", list->device);
		add_string(&out, "what", list->what);
		add_integer(&out, "interval_ns", list->interval_ns);
		add_integer(&out, "uncertainty_ns", list->uncertainty_ns);
		for (j = 0; at_ns && j < list->n; j++) {
			at = json_object_new_int64(list->at_ns[j]);
			if (!at || json_object_array_add(at_ns, at)) {
				json_object_put(at);
				*failed = true;
			}
		}
		*failed |= !at_ns;
		add(&out, "at_ns", at_ns);
		append_built(arrivals, &out, failed);
	}
	*failed |= !arrivals;
	return arrivals;
}

static struct builder timeline_json(const struct results_case *test,
				    const struct results_timeline *timeline)
{
	struct builder out = begin();
	struct builder blackout = begin();
	bool failed = false;

	add_string(&out, "case", test->name);
	add_integer(&out, "cycle", timeline->cycle);
	add_string(&out, "why", timeline->why);
	add_integer(&blackout, "begin_ns", timeline->begin_ns);
	add_integer(&blackout, "end_ns", timeline->end_ns);
	add_built(&out, "blackout", &blackout);
	add(&out, "spans", spans_json(timeline, &failed));
	add(&out, "arrivals", arrivals_json(timeline, &failed));
	out.failed |= failed;
	return out;
}

static struct json_object *numbers_json(const double *values, size_t n, bool *failed)
{
	struct json_object *numbers = json_object_new_array();
	size_t i;

	for (i = 0; numbers && i < n; i++)
		*failed |= !results_json_append(numbers, results_json_number(values[i]));
	*failed |= !numbers;
	return numbers;
}

/* Numbers of the intervals that are far from the others, the warm-up aside. */
static struct json_object *far_intervals_json(const struct results_throughput *series, bool *failed)
{
	struct json_object *intervals = json_object_new_array();
	size_t i;

	for (i = series->warmup; intervals && i < series->n; i++)
		if (results_is_outlier(series->fences, series->values[i]))
			*failed |= !results_json_append(intervals, json_object_new_int64(i));
	*failed |= !intervals;
	return intervals;
}

static struct builder throughput_json(const struct results_case *test, const struct results_throughput *series)
{
	static const double undefined[2] = { NAN, NAN };
	bool steady = series->steadiness == RESULTS_STEADY;
	struct builder out = begin();
	bool failed = false;

	add_string(&out, "case", test->name);
	add_string(&out, "name", series->name);
	add_integer(&out, "cycle", series->cycle);
	add_string(&out, "side", series->after ? "after" : "before");
	add_string(&out, "unit", series->unit);
	add_integer(&out, "interval", series->interval);
	add_string(&out, "interval_unit", series->interval_unit);
	add_string(&out, "state", results_steadiness_name(series->steadiness));
	add_number(&out, "trend_p", series->trend_p);
	add_number(&out, "warmup_intervals", steady ? series->warmup : NAN);
	add_number(&out, "level", steady ? series->level.mean : NAN);
	add_interval(&out, "level_ci95", steady ? series->level.ci95 : undefined);
	add(&out, "outliers", far_intervals_json(series, &failed));
	add(&out, "values", numbers_json(series->values, series->n, &failed));
	out.failed |= failed;
	return out;
}

static struct builder recovery_json(const struct results_case *test, const struct results_recovery *recovery)
{
	const struct results_throughput *after = &test->throughput[recovery->after];
	static const double undefined[2] = { NAN, NAN };
	struct builder out = begin();

	add_string(&out, "case", test->name);
	add_string(&out, "name", after->name);
	add_integer(&out, "cycle", after->cycle);
	add_number(&out, "time_to_steady",
		   after->steadiness == RESULTS_STEADY ? (double)after->warmup * after->interval : NAN);
	add_string(&out, "time_unit", after->interval_unit);
	add_number(&out, "ratio", recovery->compared ? recovery->change.ratio : NAN);
	add_interval(&out, "ratio_ci95", recovery->compared ? recovery->change.ratio_ci : undefined);
	return out;
}

int results_model_json(const struct results_model *model, struct json_object **json)
{
	struct json_object *checks __json = json_object_new_array();
	struct json_object *metrics __json = json_object_new_array();
	struct json_object *cases __json = json_object_new_array();
	struct json_object *scaling __json = json_object_new_array();
	struct json_object *growth __json = json_object_new_array();
	struct json_object *timelines __json = json_object_new_array();
	struct json_object *targets __json = json_object_new_array();
	struct json_object *rates __json = json_object_new_array();
	struct json_object *restored __json = json_object_new_array();
	struct json_object *throughput __json = json_object_new_array();
	struct json_object *recoveries __json = json_object_new_array();
	struct builder out = begin();
	struct builder cycles = begin();
	struct builder item;
	bool failed = !checks || !metrics || !cases || !scaling || !growth || !timelines || !targets ||
		      !rates || !restored || !throughput || !recoveries;
	size_t i;
	size_t j;

	for (i = 0; !failed && i < model->nr_cases; i++) {
		const struct results_case *test = &model->cases[i];

		item = case_json(test);
		append_built(cases, &item, &failed);
		for (j = 0; j < test->nr_checks; j++) {
			item = check_json(test, &test->checks[j]);
			append_built(checks, &item, &failed);
		}
		for (j = 0; j < test->nr_metrics; j++) {
			item = metric_json(test, &test->metrics[j]);
			append_built(metrics, &item, &failed);
		}
		for (j = 0; j < test->nr_timelines; j++) {
			item = timeline_json(test, &test->timelines[j]);
			append_built(timelines, &item, &failed);
		}
		for (j = 0; j < test->nr_throughput; j++) {
			item = throughput_json(test, &test->throughput[j]);
			append_built(throughput, &item, &failed);
		}
		for (j = 0; j < test->nr_recoveries; j++) {
			item = recovery_json(test, &test->recoveries[j]);
			append_built(recoveries, &item, &failed);
		}
	}
	for (i = 0; !failed && i < model->nr_scaling; i++) {
		/* One point is a point, not growth. */
		if (!model->scaling[i].fitted)
			continue;
		item = scaling_json(&model->scaling[i]);
		append_built(scaling, &item, &failed);
	}
	for (i = 0; !failed && i < model->nr_growth; i++) {
		item = growth_json(&model->growth[i]);
		append_built(growth, &item, &failed);
	}
	for (i = 0; !failed && i < model->nr_targets; i++) {
		item = target_json(model, &model->targets[i]);
		append_built(targets, &item, &failed);
	}
	for (i = 0; !failed && i < model->nr_rates; i++) {
		item = rate_json(&model->rates[i]);
		append_built(rates, &item, &failed);
	}
	for (i = 0; !failed && i < model->nr_restored; i++) {
		item = restored_json(&model->restored[i]);
		append_built(restored, &item, &failed);
	}
	add_string(&out, "schema", "flbench/1");
	add_string(&out, "verdict", results_verdict_name(model->verdict));
	add_string(&out, "detail", model->detail);
	add_shared(&out, "target", model->target);
	add_string(&out, "iommu", model->iommu);
	add_string(&out, "clock", model->clock);
	add_string(&out, "clock_meaning", results_clock_sentence(model));
	add_integer(&cycles, "planned", model->cycles_planned);
	add_integer(&cycles, "completed", model->cycles_completed);
	add_built(&out, "cycles", &cycles);
	add_integer(&out, "torn_lines", model->torn);
	add_shared(&out, "notes", model->notes);
	add_shared(&out, "cases", cases);
	add_shared(&out, "checks", checks);
	add_shared(&out, "metrics", metrics);
	add_shared(&out, "scaling", scaling);
	add_shared(&out, "growth", growth);
	add_shared(&out, "timelines", timelines);
	if (model->nr_rates)
		add_shared(&out, "rates", rates);
	if (model->nr_restored)
		add_shared(&out, "restored", restored);
	if (json_object_array_length(throughput)) {
		add_shared(&out, "throughput", throughput);
		add_shared(&out, "recoveries", recoveries);
	}
	if (model->nr_targets)
		add_shared(&out, "targets", targets);
	if (model->native)
		add_shared(&out, "native", model->native);
	if (failed || out.failed) {
		json_object_put(out.object);
		return -ENOMEM;
	}
	*json = out.object;
	return 0;
}
