// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only shows across cases and cycles: how costs grow with the number of domains, devices and
 * iommufds, and how memory changes from live update to live update.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

#define SETTLED_CYCLE 10
#define MIN_CYCLES_TO_SETTLE 20
#define MIN_CYCLES 3

static void free_line(struct results_scaling *line)
{
	free(line->metric);
	free(line->unit);
	json_object_put(line->labels);
	free(line->x);
	free(line->y);
}

void results_analysis_free(struct results_model *model)
{
	size_t i;

	for (i = 0; i < model->nr_scaling; i++)
		free_line(&model->scaling[i]);
	free(model->scaling);
	free(model->growth);
}

/* A label that is a number above 0; NAN else. */
static double label_number(struct json_object *labels, const char *key)
{
	struct json_object *value;
	double number;

	if (!json_object_object_get_ex(labels, key, &value) ||
	    (!json_object_is_type(value, json_type_int) &&
	     !json_object_is_type(value, json_type_double)))
		return NAN;
	number = json_object_get_double(value);
	return number > 0 ? number : NAN;
}

static int compare_cycles(const void *a, const void *b)
{
	const struct results_sample *one = a;
	const struct results_sample *other = b;

	return (one->cycle > other->cycle) - (one->cycle < other->cycle);
}

int results_by_kernel(const struct results_metric *metric, struct results_sample **means, size_t *nr)
{
	struct results_sample *sorted = calloc(metric->n, sizeof(*sorted));
	double sum = 0;
	size_t in_kernel = 0;
	size_t n = 0;
	size_t i;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, metric->samples, metric->n * sizeof(*sorted));
	qsort(sorted, metric->n, sizeof(*sorted), compare_cycles);
	for (i = 0; i < metric->n; i++) {
		sum += sorted[i].value;
		in_kernel++;
		if (i + 1 < metric->n && sorted[i + 1].cycle == sorted[i].cycle)
			continue;
		sorted[n].cycle = sorted[i].cycle;
		sorted[n++].value = sum / in_kernel;
		sum = 0;
		in_kernel = 0;
	}
	*means = sorted;
	*nr = n;
	return 0;
}

bool results_case_is_sound(const struct results_case *test)
{
	return results_verdict_ok(test->verdict) || test->verdict == RESULTS_DMESG_WARN;
}

static bool scales(const struct results_metric *metric)
{
	return (!strcmp(metric->unit, "ns") || !strcmp(metric->unit, "instructions")) &&
	       metric->summary.mean > 0 && !results_label_is_false(metric->labels, "preserve");
}

/* What the points of one line have in common: all labels but the axis and what goes with it. */
static struct json_object *common_labels(const struct results_metric *metric, const char *axis,
					 const char *coupled)
{
	struct json_object *common = json_object_new_object();

	if (!common)
		return NULL;
	json_object_object_foreach(metric->labels, key, value) {
		if (!strcmp(key, axis) || (coupled && !strcmp(key, coupled)))
			continue;
		if (json_object_object_add(common, key, json_object_get(value))) {
			json_object_put(value);
			json_object_put(common);
			return NULL;
		}
	}
	return common;
}

static struct results_scaling *find_line(struct results_model *model, const char *axis,
					 const struct results_metric *metric,
					 struct json_object *labels)
{
	struct results_scaling *line;
	size_t i;

	for (i = 0; i < model->nr_scaling; i++) {
		line = &model->scaling[i];
		if (!strcmp(line->axis, axis) && !strcmp(line->metric, metric->name) &&
		    json_object_equal(line->labels, labels))
			return line;
	}
	return NULL;
}

static int new_line(struct results_model *model, const char *axis,
		    const struct results_metric *metric, struct json_object *labels,
		    struct results_scaling **found)
{
	struct results_scaling *lines;
	struct results_scaling *line;

	lines = reallocarray(model->scaling, model->nr_scaling + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	model->scaling = lines;
	line = &lines[model->nr_scaling++];
	memset(line, 0, sizeof(*line));
	line->axis = axis;
	line->labels = json_object_get(labels);
	line->metric = strdup(metric->name);
	line->unit = strdup(metric->unit);
	if (!line->metric || !line->unit)
		return -ENOMEM;
	*found = line;
	return 0;
}

/* Keep the points in the order of x. */
static int add_point(struct results_scaling *line, double x, double y)
{
	double *xs = reallocarray(line->x, line->n + 1, sizeof(*xs));
	double *ys;
	size_t i;

	if (!xs)
		return -ENOMEM;
	line->x = xs;
	ys = reallocarray(line->y, line->n + 1, sizeof(*ys));
	if (!ys)
		return -ENOMEM;
	line->y = ys;
	for (i = line->n; i && xs[i - 1] > x; i--) {
		xs[i] = xs[i - 1];
		ys[i] = ys[i - 1];
	}
	xs[i] = x;
	ys[i] = y;
	line->n++;
	return 0;
}

static int scale_metric(struct results_model *model, const struct results_metric *metric,
			const char *axis, const char *coupled)
{
	struct json_object *labels __json = NULL;
	double x = label_number(metric->labels, axis);
	struct results_scaling *line;
	int ret;

	if (!isfinite(x))
		return 0;
	labels = common_labels(metric, axis, coupled);
	if (!labels)
		return -ENOMEM;
	line = find_line(model, axis, metric, labels);
	if (!line) {
		ret = new_line(model, axis, metric, labels, &line);
		if (ret)
			return ret;
		line->coupled = coupled;
	}
	return add_point(line, x, metric->summary.mean);
}

/*
 * A point with as many devices as domains may lie on two lines: the one on which both rise
 * together, and the one on which only one of them does.
 */
static int scale_both(struct results_model *model, const struct results_metric *metric,
		      const char *axis, const char *other)
{
	int ret = 0;

	if (other && label_number(metric->labels, axis) == label_number(metric->labels, other))
		ret = scale_metric(model, metric, axis, other);
	if (!ret)
		ret = scale_metric(model, metric, axis, NULL);
	return ret;
}

/* Is the single point of line @i shown by another line? */
static bool is_redundant(const struct results_model *model, size_t i)
{
	const struct results_scaling *point = &model->scaling[i];
	const struct results_scaling *line;
	size_t j;
	size_t k;

	for (j = 0; j < model->nr_scaling; j++) {
		line = &model->scaling[j];
		if (j == i || strcmp(line->axis, point->axis) ||
		    strcmp(line->metric, point->metric) || (line->n == 1 && j > i))
			continue;
		for (k = 0; k < line->n; k++)
			if (line->x[k] == point->x[0] && line->y[k] == point->y[0])
				return true;
	}
	return false;
}

static void drop_redundant(struct results_model *model)
{
	size_t i = 0;

	while (i < model->nr_scaling) {
		if (model->scaling[i].n > 1 || !is_redundant(model, i)) {
			i++;
			continue;
		}
		free_line(&model->scaling[i]);
		model->nr_scaling--;
		memmove(&model->scaling[i], &model->scaling[i + 1],
			(model->nr_scaling - i) * sizeof(*model->scaling));
	}
}

static int analyze_scaling(struct results_model *model)
{
	static const struct {
		const char *axis;
		const char *other;
	} axes[] = {
		{ "domains", "devices" },
		{ "devices", "domains" },
		{ "iommufds", NULL },
		{ "pages", NULL },
		{ "nodes", NULL },
		{ "large", NULL },
	};
	struct results_scaling *line;
	size_t i;
	size_t j;
	size_t k;
	int ret = 0;

	for (k = 0; k < ARRAY_SIZE(axes); k++)
		for (i = 0; i < model->nr_cases; i++)
			for (j = 0; !ret && j < model->cases[i].nr_metrics; j++)
				if (results_case_is_sound(&model->cases[i]) &&
				    scales(&model->cases[i].metrics[j]))
					ret = scale_both(model, &model->cases[i].metrics[j],
							 axes[k].axis, axes[k].other);
	drop_redundant(model);
	for (i = 0; !ret && i < model->nr_scaling; i++) {
		line = &model->scaling[i];
		line->fitted = !results_fit_power(line->x, line->y, line->n, &line->fit);
	}
	return ret;
}

static int64_t last_cycle(const struct results_metric *metric)
{
	int64_t last = -1;
	size_t i;

	for (i = 0; i < metric->n; i++)
		if (metric->samples[i].cycle > last)
			last = metric->samples[i].cycle;
	return last;
}

/* Line through the samples of cycles @from to @to. */
static int fit_cycles(const struct results_metric *metric, int64_t from, int64_t to,
		      struct results_fit *fit, double *first, double *last)
{
	double *points __freed = calloc(2 * metric->n, sizeof(*points));
	int64_t first_cycle = INT64_MAX;
	int64_t latest = -1;
	size_t n = 0;
	size_t i;

	if (!points)
		return -ENOMEM;
	for (i = 0; i < metric->n; i++) {
		const struct results_sample *sample = &metric->samples[i];

		if (sample->cycle < from || sample->cycle > to)
			continue;
		points[n] = sample->cycle;
		points[metric->n + n] = sample->value;
		n++;
		if (sample->cycle < first_cycle) {
			first_cycle = sample->cycle;
			*first = sample->value;
		}
		if (sample->cycle >= latest) {
			latest = sample->cycle;
			*last = sample->value;
		}
	}
	if (n < MIN_CYCLES)
		return -EINVAL;
	return results_fit_linear(points, points + metric->n, n, fit);
}

/* Has @b all of @a's labels, "preserve" left aside? */
static bool covers(struct json_object *b, struct json_object *a)
{
	struct json_object *value;

	json_object_object_foreach(a, key, mine) {
		if (strcmp(key, "preserve") &&
		    (!json_object_object_get_ex(b, key, &value) || !json_object_equal(mine, value)))
			return false;
	}
	return true;
}

/* Equal but for "preserve", which is false in @b? */
static bool is_baseline(struct json_object *a, struct json_object *b)
{
	return results_label_is_false(b, "preserve") && !results_label_is_false(a, "preserve") &&
	       covers(b, a) && covers(a, b);
}

static void find_baseline(const struct results_model *model, struct results_growth *growth)
{
	const struct results_metric *metric;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++) {
		for (j = 0; j < model->cases[i].nr_metrics; j++) {
			metric = &model->cases[i].metrics[j];
			if (results_case_is_sound(&model->cases[i]) &&
			    !strcmp(metric->name, growth->metric->name) &&
			    is_baseline(growth->metric->labels, metric->labels)) {
				growth->baseline = metric;
				growth->baseline_in = &model->cases[i];
				return;
			}
		}
	}
}

/* Welch and Satterthwaite: two slopes with errors of their own. */
static void compare_slopes(struct results_growth *growth, const struct results_fit *base)
{
	double va = growth->fit.slope_error * growth->fit.slope_error;
	double vb = base->slope_error * base->slope_error;
	double freedom;
	double half = 0;

	growth->excess = growth->fit.slope - base->slope;
	if (va + vb > 0) {
		freedom = results_welch_freedom(va, growth->fit.n - 2, vb, base->n - 2);
		half = results_t_quantile(0.975, freedom) * sqrt(va + vb);
	}
	growth->excess_ci95[0] = growth->excess - half;
	growth->excess_ci95[1] = growth->excess + half;
}

static int grow_metric(struct results_model *model, const struct results_case *test,
		       const struct results_metric *metric)
{
	struct results_growth new = { .metric = metric, .in = test };
	struct results_growth *all;
	struct results_fit base;
	double unused;
	int ret;

	new.to = last_cycle(metric);
	new.from = new.to >= MIN_CYCLES_TO_SETTLE ? SETTLED_CYCLE : 1;
	new.excess = NAN;
	new.excess_ci95[0] = NAN;
	new.excess_ci95[1] = NAN;
	ret = fit_cycles(metric, new.from, new.to, &new.fit, &new.first, &new.last);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	find_baseline(model, &new);
	if (new.baseline) {
		ret = fit_cycles(new.baseline, new.from, new.to, &base, &unused, &unused);
		if (ret == -ENOMEM)
			return ret;
		if (!ret)
			compare_slopes(&new, &base);
	}
	all = reallocarray(model->growth, model->nr_growth + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	model->growth = all;
	all[model->nr_growth++] = new;
	return 0;
}

/* What is left over, not what is preserved on purpose or was written by a device. */
static bool is_memory(const struct results_metric *metric)
{
	return !strcmp(metric->unit, "bytes") && strcmp(metric->name, "preserved_bytes") &&
	       strcmp(metric->name, "table_bytes") &&
	       strcmp(metric->name, "blackout_written_bytes");
}

static int analyze_growth(struct results_model *model)
{
	size_t i;
	size_t j;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_cases; i++)
		for (j = 0; !ret && j < model->cases[i].nr_metrics; j++)
			if (is_memory(&model->cases[i].metrics[j]) &&
			    model->cases[i].metrics[j].n >= MIN_CYCLES)
				ret = grow_metric(model, &model->cases[i],
						  &model->cases[i].metrics[j]);
	return ret;
}

int results_analyze(struct results_model *model)
{
	int ret = analyze_scaling(model);

	if (!ret)
		ret = analyze_growth(model);
	return ret;
}
