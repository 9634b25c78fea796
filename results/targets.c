// SPDX-License-Identifier: GPL-2.0-only
/*
 * What preserving many pages and domains may cost: the table of targets, a set for each plan that
 * measures them, and what a run says of each. Whether one that was met before is lost is
 * reference.c's.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

/**
 * enum measure - what is judged
 * @VALUE: the metric; the worst of all cases that the labels fit
 * @RATIO: the metric, ours by stock
 * @QUOTIENT: the metric by other metrics' sum
 * @FLAT: largest by smallest, of the sizes @from to @to
 * @EXPONENT: of growth, between the sizes @from and @to
 * @EXTRA: the metric by that of the baseline, less 1
 */
enum measure {
	VALUE,
	RATIO,
	QUOTIENT,
	FLAT,
	EXPONENT,
	EXTRA,
};

/**
 * struct row - one target
 * @set: as the option "targets" names it
 * @name: for programs
 * @what: for people
 * @measure: what is judged
 * @metric: name without its unit
 * @over: metrics by which QUOTIENT divides, with '+' between
 * @labels: "key=value" with spaces between, which a case has to have
 * @stock: those of stock's case, NULL if there is no such thing as stock; for EXTRA the baseline's
 * @axis: label along which FLAT and EXPONENT look
 * @from: first size
 * @to: last size
 * @per: label by which the metric is divided, or NULL
 * @limit: what may be reached at most; INFINITY where it is only shown
 * @percent: written as such
 */
struct row {
	const char *set;
	const char *name;
	const char *what;
	enum measure measure;
	const char *metric;
	const char *over;
	const char *labels;
	const char *stock;
	const char *axis;
	double from;
	double to;
	const char *per;
	double limit;
	bool percent;
};

#define SCATTERED(method, size) "layout=scattered nodes=1 method=" method " pages=" size
#define POOLED(size) "layout=pooled method=ours pages=" size

static const struct row rows[] = {
	{ "scaling", "memory-init-scattered", "kho_memory_init, 131072 scattered pages, ours : stock", RATIO,
	  "memory_init", NULL, SCATTERED("ours", "131072"), SCATTERED("stock", "131072"), .limit = 1 / 1500. },
	{ "scaling", "memory-init-growth", "the same, exponent of growth from 65536 to 524288 pages", EXPONENT,
	  "memory_init", NULL, "layout=scattered nodes=1 method=ours", "layout=scattered nodes=1 method=stock",
	  "pages", 65536, 524288, .limit = 1.05 },
	{ "scaling", "memory-init-pooled", "kho_memory_init, 131072 pages from the pool", VALUE,
	  "memory_init", NULL, POOLED("131072") " nodes=1", SCATTERED("stock", "131072"), .limit = 500000 },
	{ "scaling", "memory-init-pooled-flat", "the same, 131072 pages : 1024 pages", FLAT,
	  "memory_init", NULL, "layout=pooled nodes=1 method=ours", "layout=scattered nodes=1 method=stock",
	  "pages", 1024, 131072, .limit = 2 },
	{ "scaling", "restore-pooled", "restore from the pool, a page, the worst of 1 to 8 NUMA nodes", VALUE,
	  "restore", NULL, POOLED("16384"), "layout=scattered method=stock pages=16384", .per = "pages",
	  .limit = 10 },
	{ "scaling", "claim-pooled", "claimed by its user besides, a page, the worst of them", VALUE,
	  "claim", NULL, POOLED("16384"), NULL, .per = "pages", .limit = INFINITY },
	{ "scaling", "allocate-pooled", "allocate, zero and preserve 131072 pages, from the pool : stock", RATIO,
	  "allocate_preserve", NULL, POOLED("131072") " nodes=1", SCATTERED("stock", "131072"), .limit = 0.5 },
	{ "scaling", "record-flat", "preserve, a domain with its device, 64 to 4096 of them", FLAT,
	  "preserve", NULL, "iommufds=1 preserve=true", NULL, "domains", 64, 4096, "domains", .limit = 1.1 },
	{ "scaling", "record-share", "its share of all that 4096 domains and devices cost before the jump", QUOTIENT,
	  "preserve", "mark+preserve_memory+preserve+freeze", "domains=4096 devices=4096 preserve=true", NULL,
	  .limit = INFINITY, .percent = true },
	{ "scaling", "boot-extra", "next kernel's boot with 4096 domains and devices, more than with none", EXTRA,
	  "kernel_boot", NULL, "domains=4096 devices=4096 preserve=true",
	  "domains=4096 devices=4096 preserve=false", .limit = 0.05, .percent = true },
	{ "scaling", "pool-slack", "preserved bytes : used bytes, 4096 domains", QUOTIENT,
	  "pool_preserved_bytes", "pool_used_bytes", "domains=4096 devices=4096", NULL, .limit = 1.25 },
	{ "scaling", "pool-slack-half", "the same with half of them marked", QUOTIENT,
	  "marked_pool_preserved_bytes", "marked_pool_used_bytes", "domains=4096 marked=50", NULL,
	  .limit = INFINITY },

	{ "quick", "memory-init-scattered", "kho_memory_init, 16384 scattered pages, ours : stock", RATIO,
	  "memory_init", NULL, SCATTERED("ours", "16384"), SCATTERED("stock", "16384"), .limit = 1 / 187.5 },
	{ "quick", "memory-init-growth", "the same, exponent of growth from 4096 to 32768 pages", EXPONENT,
	  "memory_init", NULL, "layout=scattered nodes=1 method=ours", "layout=scattered nodes=1 method=stock",
	  "pages", 4096, 32768, .limit = 1.05 },
	{ "quick", "memory-init-pooled", "kho_memory_init, 32768 pages from the pool", VALUE,
	  "memory_init", NULL, POOLED("32768") " nodes=1", SCATTERED("stock", "16384"), .limit = 500000 },
	{ "quick", "memory-init-pooled-flat", "the same, 32768 pages : 1024 pages", FLAT,
	  "memory_init", NULL, "layout=pooled nodes=1 method=ours", "layout=scattered nodes=1 method=stock",
	  "pages", 1024, 32768, .limit = 2 },
	{ "quick", "restore-pooled", "restore from the pool, a page, the worst of 1 and 4 NUMA nodes", VALUE,
	  "restore", NULL, POOLED("16384"), "layout=scattered method=stock pages=4096", .per = "pages",
	  .limit = 10 },
	{ "quick", "claim-pooled", "claimed by its user besides, a page, the worst of them", VALUE,
	  "claim", NULL, POOLED("16384"), NULL, .per = "pages", .limit = INFINITY },
	{ "quick", "allocate-pooled", "allocate, zero and preserve 16384 pages, from the pool : stock", RATIO,
	  "allocate_preserve", NULL, POOLED("16384") " nodes=1", SCATTERED("stock", "16384"), .limit = 0.5 },
	{ "quick", "record-flat", "preserve, a domain with its device, 64 to 1024 of them", FLAT,
	  "preserve", NULL, "iommufds=1 preserve=true", NULL, "domains", 64, 1024, "domains", .limit = 1.1 },
	{ "quick", "record-share", "its share of all that 1024 domains and devices cost before the jump", QUOTIENT,
	  "preserve", "mark+preserve_memory+preserve+freeze", "domains=1024 devices=1024 preserve=true", NULL,
	  .limit = INFINITY, .percent = true },
	{ "quick", "boot-extra", "next kernel's boot with 1024 domains and devices, more than with none", EXTRA,
	  "kernel_boot", NULL, "domains=1024 devices=1024 preserve=true",
	  "domains=1024 devices=1024 preserve=false", .limit = 0.0125, .percent = true },
	{ "quick", "pool-slack", "preserved bytes : used bytes, 1024 domains", QUOTIENT,
	  "pool_preserved_bytes", "pool_used_bytes", "domains=1024 devices=1024", NULL, .limit = 1.25 },
	{ "quick", "pool-slack-half", "the same with half of them marked", QUOTIENT,
	  "marked_pool_preserved_bytes", "marked_pool_used_bytes", "domains=1024 marked=50", NULL,
	  .limit = INFINITY },
};

/* What was found of a metric: the points of all cases that fit. */
struct points {
	double *x;
	double *y;
	size_t n;
};

static void free_points(struct points *points)
{
	free(points->x);
	free(points->y);
}

/* "memory_init" is memory_init_instructions or memory_init_ns; bytes have their whole name. */
static bool is_named(const char *metric, const char *name, size_t len)
{
	return !strncmp(metric, name, len) &&
	       (!metric[len] || !strcmp(metric + len, "_instructions") || !strcmp(metric + len, "_ns"));
}

bool results_labels_fit(struct json_object *labels, const char *wanted)
{
	while (*wanted) {
		size_t len = strcspn(wanted, " ");
		size_t key_len = strcspn(wanted, "=");
		struct json_object *value;
		const char *text;
		char key[32];

		snprintf(key, sizeof(key), "%.*s", (int)key_len, wanted);
		if (!json_object_object_get_ex(labels, key, &value))
			return false;
		text = json_object_get_string(value);
		if (strlen(text) != len - key_len - 1 || strncmp(text, wanted + key_len + 1, strlen(text)))
			return false;
		wanted += len;
		wanted += strspn(wanted, " ");
	}
	return true;
}

static double label_of(struct json_object *labels, const char *key)
{
	struct json_object *value;

	if (!key)
		return 1;
	return json_object_object_get_ex(labels, key, &value) ? json_object_get_double(value) : NAN;
}

static int add_point(struct points *points, double x, double y)
{
	double *grown = reallocarray(points->x, points->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	points->x = grown;
	grown = reallocarray(points->y, points->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	points->y = grown;
	points->x[points->n] = x;
	points->y[points->n++] = y;
	return 0;
}

/* Sum of the metrics in @names, with '+' between; NAN if one is missing. */
static double sum_of(const struct results_case *test, const char *names)
{
	double sum = 0;

	while (*names) {
		size_t len = strcspn(names, "+");
		double value = NAN;
		size_t i;

		for (i = 0; i < test->nr_metrics; i++)
			if (is_named(test->metrics[i].name, names, len))
				value = test->metrics[i].summary.median;
		sum += value;
		names += len;
		names += *names == '+';
	}
	return sum;
}

static int collect(const struct results_model *model, const struct row *row, const char *labels,
		   struct points *points)
{
	size_t i;
	size_t j;
	int ret = 0;

	for (i = 0; i < model->nr_cases; i++) {
		const struct results_case *test = &model->cases[i];

		if (!results_verdict_ok(test->verdict))
			continue;
		for (j = 0; !ret && j < test->nr_metrics; j++) {
			const struct results_metric *metric = &test->metrics[j];
			double x = label_of(metric->labels, row->axis);
			double y = metric->summary.median / label_of(metric->labels, row->per);

			if (!is_named(metric->name, row->metric, strlen(row->metric)) ||
			    !results_labels_fit(metric->labels, labels))
				continue;
			if (row->over)
				y /= sum_of(test, row->over);
			if (isfinite(y) && isfinite(x) && (!row->axis || (x >= row->from && x <= row->to)))
				ret = add_point(points, x, y);
		}
	}
	return ret;
}

static double largest(const struct points *points)
{
	double best = NAN;
	size_t i;

	for (i = 0; i < points->n; i++)
		best = fmax(best, points->y[i]);
	return best;
}

/* Both ends have to be there, or the range is another one. */
static bool spans(const struct row *row, const struct points *points)
{
	bool from = false;
	bool to = false;
	size_t i;

	for (i = 0; i < points->n; i++) {
		from |= points->x[i] == row->from;
		to |= points->x[i] == row->to;
	}
	return from && to;
}

static double flatness(const struct row *row, const struct points *points)
{
	double smallest = NAN;
	size_t i;

	if (!spans(row, points))
		return NAN;
	for (i = 0; i < points->n; i++)
		smallest = fmin(smallest, points->y[i]);
	return largest(points) / smallest;
}

/* Of stock, which takes too long at the largest sizes, what is there will do. */
static double exponent(const struct row *row, const struct points *points, bool stock)
{
	struct results_fit fit;

	if ((!stock && !spans(row, points)) || results_fit_power(points->x, points->y, points->n, &fit))
		return NAN;
	return fit.slope;
}

/* One side of a target; NAN if it was not measured. */
static int measure(const struct results_model *model, const struct row *row, const char *labels,
		   double *value)
{
	struct points points = { NULL };
	int ret = 0;

	*value = NAN;
	if (!labels)
		return 0;
	ret = collect(model, row, labels, &points);
	if (!ret && row->measure == FLAT)
		*value = flatness(row, &points);
	else if (!ret && row->measure == EXPONENT)
		*value = exponent(row, &points, labels == row->stock);
	else if (!ret)
		*value = largest(&points);
	free_points(&points);
	return ret;
}

static int evaluate(const struct results_model *model, const struct row *row,
		    struct results_target *target)
{
	int ret = measure(model, row, row->labels, &target->ours);

	if (!ret)
		ret = measure(model, row, row->stock, &target->stock);
	target->name = row->name;
	target->what = row->what;
	target->limit = row->limit;
	target->is_ratio = row->measure == RATIO;
	target->is_share = row->percent;
	target->value = target->ours;
	if (row->measure == RATIO)
		target->value = target->ours / target->stock;
	if (row->measure == EXTRA) {
		target->value = target->ours / target->stock - 1;
		target->ours = target->value;
		target->stock = NAN;
	}
	if (!isfinite(target->value))
		target->state = RESULTS_TARGET_NOT_MEASURED;
	else if (!isfinite(row->limit))
		target->state = RESULTS_TARGET_SHOWN;
	else
		target->state = target->value <= row->limit ? RESULTS_TARGET_MET : RESULTS_TARGET_NOT_MET;
	target->reference = RESULTS_TARGET_NOT_MEASURED;
	return ret;
}

int results_evaluate_targets(struct results_model *model)
{
	size_t i;
	int ret = 0;

	if (!model->target_set)
		return 0;
	model->targets = calloc(ARRAY_SIZE(rows), sizeof(*model->targets));
	if (!model->targets)
		return -ENOMEM;
	for (i = 0; !ret && i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].set, model->target_set))
			ret = evaluate(model, &rows[i], &model->targets[model->nr_targets++]);
	return ret;
}

static const char * const states[] = {
	[RESULTS_TARGET_NOT_MEASURED] = "not measured",
	[RESULTS_TARGET_SHOWN] = "shown",
	[RESULTS_TARGET_NOT_MET] = "not met",
	[RESULTS_TARGET_MET] = "met",
};

const char *results_target_state_name(enum results_target_state state)
{
	return states[state];
}

enum results_target_state results_target_state_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i], name))
			return i;
	return RESULTS_TARGET_NOT_MEASURED;
}

bool results_target_is_lost(const struct results_target *target)
{
	return target->reference == RESULTS_TARGET_MET && target->state != RESULTS_TARGET_MET;
}

size_t results_targets_lost(const struct results_model *model)
{
	size_t lost = 0;
	size_t i;

	for (i = 0; i < model->nr_targets; i++)
		lost += results_target_is_lost(&model->targets[i]);
	return lost;
}
