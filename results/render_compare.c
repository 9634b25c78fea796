// SPDX-License-Identifier: GPL-2.0-only
/*
 * A comparison of two runs for a terminal, and as JSON. Nothing here judges.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <flbench/compare.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

/* A terminal gets so many lines of a list; the JSON has all. */
#define MAX_LINES 10

static void put_list(FILE *out, const char *title, struct json_object *list, size_t most)
{
	size_t n = json_object_array_length(list);
	size_t i;

	for (i = 0; i < n && i < most; i++)
		fprintf(out, "%s: %s\n", title, json_object_get_string(json_object_array_get_idx(list, i)));
	if (n > most)
		fprintf(out, "%s: and %zu more; --format=json has them\n", title, n - most);
}

/* "+5.02 % [+4.71, +5.33]": a change in percent, with its interval where it is not exact. */
static void write_change(char text[NUMBER_LEN], const struct results_pair *pair)
{
	const struct results_change *change = &pair->change;
	bool exact = change->ratio_ci[0] == change->ratio_ci[1];

	if (!isfinite(change->ratio))
		snprintf(text, NUMBER_LEN, "\u2013");
	else if (exact && change->ratio == 1)
		snprintf(text, NUMBER_LEN, "0 %%");
	else if (exact)
		snprintf(text, NUMBER_LEN, "%+.3g %%", 100 * (change->ratio - 1));
	else if (!isfinite(change->ratio_ci[0]) || !isfinite(change->ratio_ci[1]))
		snprintf(text, NUMBER_LEN, "%+.3g %% [no bounds]", 100 * (change->ratio - 1));
	else
		snprintf(text, NUMBER_LEN, "%+.3g %% [%+.3g, %+.3g]", 100 * (change->ratio - 1),
			 100 * (change->ratio_ci[0] - 1), 100 * (change->ratio_ci[1] - 1));
}

static void put_pair(const struct results_pair *pair, int width, FILE *out)
{
	const struct results_metric *metric = pair->base.metric;
	char text[NUMBER_LEN];

	fprintf(out, "  ");
	results_put(out, metric->name, width);
	results_put(out, results_human(text, pair->base.value, metric->unit), -10);
	results_put(out, results_human(text, pair->new.value, metric->unit), -11);
	fprintf(out, "  ");
	write_change(text, pair);
	results_put(out, text, 28);
	results_put(out, results_outcome_name(pair->outcome), 13);
	fprintf(out, "  %s, n=%zu", results_method_name(pair->method), pair->base.n);
	if (pair->method != RESULTS_EXACT)
		fprintf(out, " and %zu", pair->new.n);
	if (pair->range[0] < pair->range[1] && isfinite(pair->range[1]))
		fprintf(out, ", by cycle %+.3g to %+.3g %%", 100 * (pair->range[0] - 1),
			100 * (pair->range[1] - 1));
	if (pair->base.outliers || pair->new.outliers)
		fprintf(out, ", outliers %zu and %zu", pair->base.outliers, pair->new.outliers);
	if (pair->base.trend || pair->new.trend)
		fprintf(out, ", not steady in %s", pair->base.trend && pair->new.trend ? "either run" :
						   pair->base.trend			? "BASE" :
											  "NEW");
	if (!json_object_equal(metric->labels, pair->base.in->labels)) {
		fprintf(out, ", ");
		results_write_labels(out, metric->labels, pair->base.in->labels);
	}
	if (*pair->why)
		fprintf(out, "; %s", pair->why);
	fprintf(out, "\n");
}

static void put_pairs(const struct results_comparison *comparison, FILE *out)
{
	const struct results_case *in = NULL;
	const struct results_pair *pair;
	int width = 6;
	size_t i;

	for (i = 0; i < comparison->nr_pairs; i++)
		if (results_columns(comparison->pairs[i].base.metric->name) > width)
			width = results_columns(comparison->pairs[i].base.metric->name);
	fprintf(out, "\n  ");
	results_put(out, "METRIC", width);
	fprintf(out, "      BASE        NEW  CHANGE [INTERVAL]           VERDICT\n");
	for (i = 0; i < comparison->nr_pairs; i++) {
		pair = &comparison->pairs[i];
		if (pair->base.in != in) {
			fprintf(out, "%s", pair->base.in->name);
			if (strcmp(pair->base.in->name, pair->new.in->name))
				fprintf(out, " (now %s)", pair->new.in->name);
			fprintf(out, "\n");
		}
		in = pair->base.in;
		put_pair(pair, width, out);
	}
}

static void render_text(const struct results_comparison *comparison, FILE *out)
{
	size_t i;

	fprintf(out, "verdict: %s", results_outcome_name(comparison->outcome));
	if (comparison->counts[RESULTS_UNDECIDED] && comparison->outcome != RESULTS_UNDECIDED)
		fprintf(out, ", as far as the values can tell: %zu of %zu metrics are undecided",
			comparison->counts[RESULTS_UNDECIDED], comparison->nr_pairs);
	fprintf(out, "\nOf %zu metrics: ", comparison->nr_pairs);
	for (i = RESULTS_NR_OUTCOMES; i-- > 0;)
		fprintf(out, "%zu %s%s", comparison->counts[i], results_outcome_name(i), i ? ", " : "");
	fprintf(out, "; what changes by at most %.4g %% does not count.\n", 100 * comparison->threshold);
	if (comparison->sampled)
		fprintf(out, "Intervals hold with 95 %% all at once, each of the %zu with %.6g %%.\n",
			comparison->sampled, 100 * comparison->confidence);
	fprintf(out, "%s\n", results_clock_sentence(comparison->new));
	put_list(out, "warning", comparison->warnings, SIZE_MAX);
	put_list(out, "left out", comparison->left_out, MAX_LINES);
	put_list(out, "only in BASE", comparison->only_base, MAX_LINES);
	put_list(out, "only in NEW", comparison->only_new, MAX_LINES);
	put_list(out, "not judged, since neither direction is better", comparison->unjudged, MAX_LINES);
	put_pairs(comparison, out);
}

/* Null if it is not defined. */
static bool add_number(struct json_object *object, const char *key, double number)
{
	if (!isfinite(number))
		return object && !json_object_object_add(object, key, NULL);
	return results_json_add(object, key, results_json_number(number));
}

static bool add_interval(struct json_object *object, const char *key, const double interval[2])
{
	struct json_object *array;

	if (!isfinite(interval[0]) || !isfinite(interval[1]))
		return object && !json_object_object_add(object, key, NULL);
	array = json_object_new_array();
	return results_json_append(array, results_json_number(interval[0])) &
	       results_json_append(array, results_json_number(interval[1])) &
	       results_json_add(object, key, array);
}

static bool add_text(struct json_object *object, const char *key, const char *text)
{
	return results_json_add(object, key, json_object_new_string(text));
}

static struct json_object *side_json(const struct results_side *side)
{
	struct json_object *object = json_object_new_object();
	bool ok = add_text(object, "case", side->in->name) && add_number(object, "n", side->n) &&
		  add_number(object, "value", side->n ? side->value : NAN) &&
		  add_number(object, "outliers", side->outliers) &&
		  results_json_add(object, "trend", json_object_new_boolean(side->trend));

	if (ok)
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *pair_json(const struct results_pair *pair)
{
	struct json_object *object = json_object_new_object();
	const struct results_change *change = &pair->change;
	bool ok = add_text(object, "metric", pair->base.metric->name) &&
		  add_text(object, "unit", pair->base.metric->unit) &&
		  results_json_add(object, "labels", json_object_get(pair->base.metric->labels)) &&
		  add_text(object, "better", pair->direction == RESULTS_LOWER ? "lower" : "higher") &&
		  add_text(object, "verdict", results_outcome_name(pair->outcome)) &&
		  add_text(object, "detail", pair->why) &&
		  add_text(object, "method", results_method_name(pair->method)) &&
		  results_json_add(object, "base", side_json(&pair->base)) &&
		  results_json_add(object, "new", side_json(&pair->new)) &&
		  add_number(object, "difference", change->difference) &&
		  add_interval(object, "difference_ci", change->difference_ci) &&
		  add_number(object, "ratio", change->ratio) &&
		  add_interval(object, "ratio_ci", change->ratio_ci) &&
		  add_interval(object, "range", pair->range);

	if (ok)
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *counts_json(const struct results_comparison *comparison)
{
	struct json_object *object = json_object_new_object();
	bool ok = true;
	size_t i;

	for (i = 0; i < RESULTS_NR_OUTCOMES; i++)
		ok = ok && add_number(object, results_outcome_name(i), comparison->counts[i]);
	if (ok)
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *run_json(const struct results_model *model)
{
	struct json_object *object = json_object_new_object();

	if (add_text(object, "dir", model->dir) &&
	    add_text(object, "verdict", results_verdict_name(model->verdict)))
		return object;
	json_object_put(object);
	return NULL;
}

static int render_json(const struct results_comparison *comparison, FILE *out)
{
	struct json_object *metrics = json_object_new_array();
	struct json_object *object __json = json_object_new_object();
	bool ok;
	size_t i;

	ok = add_text(object, "schema", "flbench-compare/1") &&
	     add_text(object, "verdict", results_outcome_name(comparison->outcome)) &&
	     add_number(object, "threshold", comparison->threshold) &&
	     add_number(object, "confidence", comparison->confidence) &&
	     results_json_add(object, "base", run_json(comparison->base)) &&
	     results_json_add(object, "new", run_json(comparison->new)) &&
	     add_text(object, "clock_meaning", results_clock_sentence(comparison->new)) &&
	     results_json_add(object, "counts", counts_json(comparison)) &&
	     results_json_add(object, "warnings", json_object_get(comparison->warnings)) &&
	     results_json_add(object, "left_out", json_object_get(comparison->left_out)) &&
	     results_json_add(object, "only_base", json_object_get(comparison->only_base)) &&
	     results_json_add(object, "only_new", json_object_get(comparison->only_new)) &&
	     results_json_add(object, "unjudged", json_object_get(comparison->unjudged));
	for (i = 0; i < comparison->nr_pairs; i++)
		ok = ok && results_json_append(metrics, pair_json(&comparison->pairs[i]));
	ok = results_json_add(object, "metrics", metrics) && ok;
	if (!ok)
		return -ENOMEM;
	fprintf(out, "%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
									 JSON_C_TO_STRING_SPACED |
									 JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

int results_render_comparison(const struct results_comparison *comparison, bool json, FILE *out)
{
	int ret = 0;

	if (json)
		ret = render_json(comparison, out);
	else
		render_text(comparison, out);
	if (!ret && (fflush(out) || ferror(out)))
		ret = -EIO;
	return ret;
}
