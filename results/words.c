// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sentences and numbers for people, so that the text and the page say the same.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

const char *results_human(char text[NUMBER_LEN], double value, const char *unit)
{
	static const char * const plain[] = { "", " k", " M", " G", " T", " P" };
	static const char * const bytes[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB" };
	static const char * const times[] = { " ns", " \u00b5s", " ms", " s" };
	const char * const *names = plain;
	size_t n = ARRAY_SIZE(plain);
	double step = 1000;
	size_t i = 0;
	int digits;

	if (!isfinite(value)) {
		snprintf(text, NUMBER_LEN, "\u2013");
		return text;
	}
	if (!strcmp(unit, "bytes")) {
		names = bytes;
		n = ARRAY_SIZE(bytes);
		step = 1024;
	} else if (!strcmp(unit, "ns")) {
		names = times;
		n = ARRAY_SIZE(times);
	}
	while (i + 1 < n && fabs(value) >= step) {
		value /= step;
		i++;
	}
	digits = fabs(value) >= 100 || value == trunc(value) ? 0 : fabs(value) >= 10 ? 1 : 2;
	snprintf(text, NUMBER_LEN, "%.*f%s", digits, value, names[i]);
	return text;
}

static size_t count(const struct results_model *model, enum results_verdict verdict)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		n += model->cases[i].verdict == verdict;
	return n;
}

static size_t count_skipped(const struct results_model *model)
{
	size_t n = 0;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++)
		for (j = 0; j < model->cases[i].nr_checks; j++)
			n += !model->cases[i].checks[j].passed && !model->cases[i].checks[j].failed;
	return n;
}

void results_verdict_sentence(const struct results_model *model, FILE *out)
{
	static const char * const words[RESULTS_NR_VERDICTS] = {
		[RESULTS_SKIP] = "Nothing could be tried on this system.",
		[RESULTS_PASS] = "Every check passed, after every live update.",
		[RESULTS_WARN] = "All that was tried worked, but something deserves a look.",
		[RESULTS_DMESG_WARN] = "The checks passed, but a kernel printed a warning.",
		[RESULTS_NOTRUN] = "Nothing was run.",
		[RESULTS_INCOMPLETE] = "The run was cut short; flbench resume goes on with it.",
		[RESULTS_FAIL] = "A check failed.",
		[RESULTS_DMESG_FAIL] = "A check failed and a kernel printed a warning.",
		[RESULTS_TIMEOUT] = "A kernel made no progress and was stopped.",
		[RESULTS_CRASH] = "A kernel or its emulator died.",
		[RESULTS_ABORT] = "The run was given up.",
	};
	const char *separator = "";
	bool expected = false;
	size_t n;
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		expected |= model->cases[i].expect != RESULTS_PASS &&
			    model->cases[i].counts == RESULTS_PASS;
	if (model->busy && model->verdict == RESULTS_INCOMPLETE)
		fprintf(out, "The run is still going on.");
	else if (expected && model->verdict == RESULTS_PASS)
		fprintf(out, "Every case ended as the plan expects.");
	else if (model->verdict == RESULTS_PASS && count_skipped(model))
		/* Nothing is claimed that was not tried. */
		fprintf(out, "Every check that could be made passed; %zu could not be made.",
			count_skipped(model));
	else
		fprintf(out, "%s", words[model->verdict]);
	fprintf(out, " %zu case%s: ", model->nr_cases, model->nr_cases == 1 ? "" : "s");
	for (i = RESULTS_NR_VERDICTS; i-- > 0;) {
		n = count(model, i);
		if (!n)
			continue;
		fprintf(out, "%s%zu %s", separator, n, results_verdict_name(i));
		separator = ", ";
	}
	fprintf(out, "%s.", model->nr_cases ? "" : "none");
}

/* Smallest and largest number of a label over the cases; false if no case has it. */
static bool label_range(const struct results_model *model, const char *key, int64_t *low,
			int64_t *high)
{
	struct json_object *value;
	bool found = false;
	int64_t number;
	size_t i;

	for (i = 0; i < model->nr_cases; i++) {
		if (!json_object_object_get_ex(model->cases[i].labels, key, &value) ||
		    !json_object_is_type(value, json_type_int))
			continue;
		number = json_object_get_int64(value);
		if (!found || number < *low)
			*low = number;
		if (!found || number > *high)
			*high = number;
		found = true;
	}
	return found;
}

void results_run_sentence(const struct results_model *model, FILE *out)
{
	static const char * const things[] = { "domains", "devices", "iommufds" };
	struct json_object *name;
	const char *target = "unknown";
	const char *separator = " with ";
	int64_t low;
	int64_t high;
	size_t i;

	if (json_object_object_get_ex(model->target, "name", &name) &&
	    json_object_is_type(name, json_type_string))
		target = json_object_get_string(name);
	fprintf(out, "%" PRId64 " of %" PRId64 " planned live updates were done on target %s, IOMMU %s",
		model->cycles_completed, model->cycles_planned, target, model->iommu);
	for (i = 0; i < ARRAY_SIZE(things); i++) {
		if (!label_range(model, things[i], &low, &high))
			continue;
		if (low == high)
			fprintf(out, "%s%" PRId64 " %.*s", separator, low,
				(int)(strlen(things[i]) - (low == 1)), things[i]);
		else
			fprintf(out, "%s%" PRId64 " to %" PRId64 " %s", separator, low, high,
				things[i]);
		separator = ", ";
	}
	fprintf(out, ".");
}

static bool is_virtual(const struct results_model *model)
{
	struct json_object *name;

	return json_object_object_get_ex(model->target, "name", &name) &&
	       !strcmp(json_object_get_string(name), "vm");
}

const char *results_clock_sentence(const struct results_model *model)
{
	if (!strcmp(model->clock, "instructions"))
		return "Numbers are guest instructions counted by the emulator, never a time on hardware.";
	if (!strcmp(model->clock, "mixed"))
		return is_virtual(model) ?
		       "Some cases count guest instructions, some nanoseconds in a virtual machine: never compare the two; neither is a time of hardware." :
		       "Some cases count guest instructions, some nanoseconds: never compare the two.";
	if (!is_virtual(model))
		return "Numbers are nanoseconds measured on hardware.";
	if (!strcmp(model->accelerator, "tcg"))
		return "Numbers are nanoseconds in emulation (TCG): not times of hardware.";
	if (!strcmp(model->accelerator, "kvm"))
		return "Numbers are nanoseconds in a virtual machine (KVM) with emulated devices: not times of hardware.";
	return "Numbers are nanoseconds in a virtual machine: not times of hardware.";
}

const char *results_target_number(char text[NUMBER_LEN], const struct results_target *target,
				  double number)
{
	if (!isfinite(number))
		return results_human(text, NAN, "");
	if (target->is_share)
		snprintf(text, NUMBER_LEN, "%.3g %%", number * 100);
	else if (fabs(number) < 1000)
		snprintf(text, NUMBER_LEN, "%.3g", number);
	else
		results_human(text, number, "");
	return text;
}

static const char *ratio(char text[NUMBER_LEN], double value)
{
	if (value > 0)
		snprintf(text, NUMBER_LEN, "1 : %.4g", 1 / value);
	else
		results_human(text, NAN, "");
	return text;
}

const char *results_target_limit(char text[NUMBER_LEN], const struct results_target *target)
{
	return target->is_ratio ? ratio(text, target->limit) :
				  results_target_number(text, target, target->limit);
}

const char *results_target_value(char text[NUMBER_LEN], const struct results_target *target)
{
	return target->is_ratio ? ratio(text, target->value) :
				  results_target_number(text, target, target->value);
}

const char *results_target_words(const struct results_target *target)
{
	if (!results_target_is_lost(target))
		return results_target_state_name(target->state);
	return target->state == RESULTS_TARGET_NOT_MEASURED ? "not measured: the reference met it" :
							      "lost: the reference met it";
}

void results_write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fprintf(out, "&amp;");
			break;
		case '<':
			fprintf(out, "&lt;");
			break;
		case '>':
			fprintf(out, "&gt;");
			break;
		case '"':
			fprintf(out, "&quot;");
			break;
		case '\'':
			fprintf(out, "&#39;");
			break;
		default:
			fputc(*text, out);
		}
	}
}

void results_write_labels(FILE *out, struct json_object *labels, struct json_object *without)
{
	const char *separator = "";
	struct json_object *other;

	json_object_object_foreach(labels, key, value) {
		if (without && json_object_object_get_ex(without, key, &other) &&
		    json_object_equal(value, other))
			continue;
		fprintf(out, "%s%s %s", separator, key, json_object_get_string(value));
		separator = ", ";
	}
	if (!*separator)
		fprintf(out, "-");
}

#define MAX_OUTLIERS 4

void results_write_outliers(FILE *out, const struct results_metric *metric, const char *title)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < metric->n; i++) {
		if (!results_is_outlier(metric->fences, metric->samples[i].value) || n++ >= MAX_OUTLIERS)
			continue;
		fprintf(out, "%s%s%" PRId64 " (%.15g)", n == 1 ? title : "", n == 1 ? "cycle " : ", ",
			metric->samples[i].cycle, metric->samples[i].value);
	}
	if (n > MAX_OUTLIERS)
		fprintf(out, " and %zu more", n - MAX_OUTLIERS);
}

void results_precision_sentence(const struct results_case *test, FILE *out)
{
	struct json_object *metrics = json_object_object_get(test->precise, "metrics");
	double wanted = json_object_get_double(json_object_object_get(test->precise, "wanted_percent"));
	bool reached = json_object_get_boolean(json_object_object_get(test->precise, "reached"));
	size_t i;

	fprintf(out, "precision: %.4g %% was wanted and %s after %s of %s cycles (the first kernel does not count): ",
		wanted, !reached ? "not reached" : test->is_precise ? "reached" : "reached, as the agent says,",
		json_object_get_string(json_object_object_get(test->precise, "cycle")),
		json_object_get_string(json_object_object_get(test->precise, "budget")));
	for (i = 0; i < json_object_array_length(metrics); i++) {
		struct json_object *one = json_object_array_get_idx(metrics, i);
		struct json_object *half = json_object_object_get(one, "half_width_percent");

		fprintf(out, "%s%s ", i ? ", " : "", results_get_string(one, "name"));
		if (half)
			fprintf(out, "+-%.3g %%", json_object_get_double(half));
		else
			fprintf(out, "unknown");
		fprintf(out, " (n=%s)", json_object_get_string(json_object_object_get(one, "n")));
	}
}

/* "5 of 72 intervals of 250 k instructions" */
static void put_intervals(const struct results_throughput *series, size_t n, FILE *out)
{
	char text[NUMBER_LEN];
	bool ns = !strcmp(series->interval_unit, "ns");

	fprintf(out, "%zu of %zu intervals of %s%s", n, series->n,
		results_human(text, series->interval, series->interval_unit), ns ? "" : " instructions");
}

static void put_far_intervals(const struct results_throughput *series, FILE *out)
{
	size_t n = 0;
	size_t i;

	for (i = series->warmup; i < series->n; i++) {
		if (!results_is_outlier(series->fences, series->values[i]) || n++ >= MAX_OUTLIERS)
			continue;
		fprintf(out, "%s%zu (%.15g)", n == 1 ? ", outliers in intervals " : ", ", i, series->values[i]);
	}
	if (n > MAX_OUTLIERS)
		fprintf(out, " and %zu more", n - MAX_OUTLIERS);
}

void results_throughput_sentence(const struct results_throughput *series, FILE *out)
{
	fprintf(out, "%s, kernel of cycle %" PRId64 ", %s the live update: ", series->name, series->cycle,
		series->after ? "after" : "before");
	if (series->steadiness == RESULTS_TOO_SHORT) {
		fprintf(out, "%zu intervals are too few to find a steady state", series->n);
		return;
	}
	if (series->steadiness == RESULTS_NOT_STEADY) {
		fprintf(out, "no steady state: what is left without ");
		put_intervals(series, series->warmup, out);
		fprintf(out, " has a trend (p=%.2g)", series->trend_p);
		return;
	}
	fprintf(out, "%.4g %s [%.4g, %.4g] an interval; left out as warm-up: ", series->level.mean, series->unit,
		series->level.ci95[0], series->level.ci95[1]);
	put_intervals(series, series->warmup, out);
	put_far_intervals(series, out);
}

/* A level that is not told from 0 bounds no ratio. */
static void put_ratio(const struct results_recovery *recovery, FILE *out)
{
	const struct results_change *change = &recovery->change;

	if (!recovery->compared) {
		fprintf(out, "levels cannot be compared");
		return;
	}
	fprintf(out, "level after : before ");
	if (isfinite(change->ratio))
		fprintf(out, "%.4g", change->ratio);
	else
		fprintf(out, "unknown");
	if (isfinite(change->ratio_ci[0]) && isfinite(change->ratio_ci[1]))
		fprintf(out, " [%.4g, %.4g]", change->ratio_ci[0], change->ratio_ci[1]);
	else
		fprintf(out, ", no bounded interval");
}

void results_recovery_sentence(const struct results_case *test, const struct results_recovery *recovery, FILE *out)
{
	const struct results_throughput *after = &test->throughput[recovery->after];
	bool ns = !strcmp(after->interval_unit, "ns");
	char text[NUMBER_LEN];

	fprintf(out, "%s, live update %" PRId64 ": ", after->name, after->cycle);
	if (after->steadiness == RESULTS_STEADY && !after->warmup)
		fprintf(out, "steady from the first packet or I/O on, ");
	else if (after->steadiness == RESULTS_STEADY)
		fprintf(out, "steady %s%s after the first packet or I/O, ",
			results_human(text, (double)after->warmup * after->interval, after->interval_unit),
			ns ? "" : " instructions");
	else
		fprintf(out, "no steady state was seen after it, ");
	put_ratio(recovery, out);
}
