// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fio measured of the throughput: drivers and translations beside each other, and the domain that
 * came through the live update against one that the new kernel made.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

/* Throughput over the restored domain has to be that of a fresh one, within this. */
#define RESTORED_LIMIT 0.99

#define BASELINE "fio_kernel_irq"

/* In the order of the table. Names are without the unit. */
static const struct {
	const char *metric;
	const char *what;
} subjects[] = {
	{ BASELINE, "kernel's driver, interrupts" },
	{ "fio_kernel_poll", "kernel's driver, polled" },
	{ "fio_kernel_poll_raw", "kernel's driver, polled, with waiting" },
	{ "fio_ours_irq", "ours, interrupts" },
	{ "fio_ours_poll", "ours, polled" },
	{ "fio_restored", "ours, polled, restored domain" },
	{ "fio_fresh", "ours, polled, fresh domain" },
};

/* Bytes a second where time was measured, else instructions for an I/O; NULL for neither. */
static const struct results_metric *find(const struct results_case *test, const char *name)
{
	static const struct {
		const char *suffix;
		const char *unit;
	} units[] = {
		{ "_bytes_per_second", "bytes/s" },
		{ "_instructions", "instructions" },
	};
	size_t len = strlen(name);
	size_t i;
	size_t j;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		for (j = 0; j < test->nr_metrics; j++)
			if (!strncmp(test->metrics[j].name, name, len) &&
			    !strcmp(test->metrics[j].name + len, units[i].suffix) &&
			    !strcmp(test->metrics[j].unit, units[i].unit))
				return &test->metrics[j];
	return NULL;
}

/* Of the one the other, as throughput: fewer instructions are more. */
static double throughput_ratio(const struct results_metric *unit_of, double one, double other)
{
	if (!(one > 0 && other > 0))
		return NAN;
	return strcmp(unit_of->unit, "instructions") ? one / other : other / one;
}

/* With the IOMMU off, if the run has that, else in the same case. */
static const struct results_metric *find_baseline(const struct results_model *model,
						  const struct results_case *test)
{
	const struct results_metric *own = find(test, BASELINE);
	const struct results_metric *off;
	size_t i;

	for (i = 0; i < model->nr_cases; i++) {
		off = results_case_is_sound(&model->cases[i]) &&
		      results_labels_fit(model->cases[i].labels, "translation=off") ?
			      find(&model->cases[i], BASELINE) :
			      NULL;
		if (off && (!own || !strcmp(off->unit, own->unit)))
			return off;
	}
	return own;
}

static int add_rates(struct results_model *model, const struct results_case *test)
{
	const struct results_metric *baseline = find_baseline(model, test);
	const struct results_metric *metric;
	struct results_rate *rates;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		metric = find(test, subjects[i].metric);
		if (!metric)
			continue;
		rates = reallocarray(model->rates, model->nr_rates + 1, sizeof(*rates));
		if (!rates)
			return -ENOMEM;
		model->rates = rates;
		rates[model->nr_rates++] = (struct results_rate){
			.in = test,
			.metric = metric,
			.what = subjects[i].what,
			.relative = baseline && !strcmp(baseline->unit, metric->unit) ?
					    throughput_ratio(metric, metric->summary.median,
							     baseline->summary.median) :
					    NAN,
		};
	}
	return 0;
}

/* By the whole interval: it reaches no lower, no higher, or across. Of two it may be a point by chance. */
static const char *judge(const struct results_restored *restored)
{
	if (!restored->n)
		return "not measured";
	if (restored->n < RESULTS_MIN_VALUES)
		return "undecided";
	if (restored->ci95[0] >= restored->limit)
		return "met";
	return restored->ci95[1] < restored->limit ? "not met" : "undecided";
}

/*
 * Pairs of one kernel each, so that what differs from kernel to kernel cancels. In logarithms a ratio
 * and its inverse are alike: the mean is the geometric one, its interval Student's.
 */
static int compare(struct results_restored *restored, const struct results_metric *kept,
		   const struct results_metric *fresh)
{
	double *logs __freed = calloc(kept->n, sizeof(*logs));
	struct results_sample *others __freed = NULL;
	struct results_sample *values __freed = NULL;
	struct results_summary summary;
	size_t nr_others;
	size_t nr_values;
	double ratio;
	size_t i;
	size_t j = 0;
	int ret;

	if (!logs)
		return -ENOMEM;
	ret = results_by_kernel(kept, &values, &nr_values);
	if (!ret)
		ret = results_by_kernel(fresh, &others, &nr_others);
	if (ret)
		return ret;
	for (i = 0; i < nr_values; i++) {
		while (j < nr_others && others[j].cycle < values[i].cycle)
			j++;
		if (j == nr_others || others[j].cycle != values[i].cycle)
			continue;
		ratio = throughput_ratio(kept, values[i].value, others[j].value);
		if (isfinite(ratio))
			logs[restored->n++] = log(ratio);
	}
	if (!restored->n)
		return 0;
	ret = results_summarize(logs, restored->n, &summary);
	if (ret)
		return ret;
	restored->ratio = exp(summary.mean);
	restored->ci95[0] = exp(summary.ci95[0]);
	restored->ci95[1] = exp(summary.ci95[1]);
	return 0;
}

static int add_restored(struct results_model *model, const struct results_case *test)
{
	const struct results_metric *kept = find(test, "fio_restored");
	const struct results_metric *fresh = find(test, "fio_fresh");
	struct results_restored *list;
	int ret;

	if (!kept || !fresh || strcmp(kept->unit, fresh->unit))
		return 0;
	list = reallocarray(model->restored, model->nr_restored + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	model->restored = list;
	list += model->nr_restored;
	*list = (struct results_restored){
		.in = test,
		.ratio = NAN,
		.ci95 = { NAN, NAN },
		.limit = RESTORED_LIMIT,
	};
	ret = compare(list, kept, fresh);
	if (ret)
		return ret;
	list->met = judge(list);
	model->nr_restored++;
	return 0;
}

int results_find_rates(struct results_model *model)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_cases; i++) {
		if (!results_case_is_sound(&model->cases[i]))
			continue;
		ret = add_rates(model, &model->cases[i]);
		if (!ret)
			ret = add_restored(model, &model->cases[i]);
	}
	return ret;
}
