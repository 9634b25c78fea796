/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two runs side by side: by how much each metric changed, what can be said of that, and what else is
 * different between them. docs/results.md says how it is judged.
 */
#ifndef FLBENCH_COMPARE_H
#define FLBENCH_COMPARE_H

#include <stdio.h>

#include <flbench/model.h>

/**
 * enum results_direction - which of two values of a metric is better
 * @RESULTS_UNJUDGED: neither, or nobody knows
 * @RESULTS_LOWER: the lower one
 * @RESULTS_HIGHER: the higher one
 */
enum results_direction {
	RESULTS_UNJUDGED,
	RESULTS_LOWER,
	RESULTS_HIGHER,
};

/**
 * results_direction() - which direction of a metric is better
 * @name: of the metric
 *
 * Return: the direction; RESULTS_UNJUDGED for a name that nothing is known of.
 */
enum results_direction results_direction(const char *name);

/**
 * enum results_outcome - what is said of a metric, and of all
 * @RESULTS_SAME: it differs by less than the threshold
 * @RESULTS_BETTER: it is better by more than that
 * @RESULTS_WORSE: it is worse by more than that
 * @RESULTS_UNDECIDED: the values cannot tell
 * @RESULTS_NR_OUTCOMES: number of outcomes
 */
enum results_outcome {
	RESULTS_SAME,
	RESULTS_BETTER,
	RESULTS_WORSE,
	RESULTS_UNDECIDED,
	RESULTS_NR_OUTCOMES,
};

/**
 * results_outcome_name() - as it is written: "no difference", "better", "worse", "undecided"
 * @outcome: an outcome
 *
 * Return: a static string.
 */
const char *results_outcome_name(enum results_outcome outcome);

/**
 * enum results_method - how a metric was compared
 * @RESULTS_EXACT: as counts that are the same each time: no sampling error, cycle by cycle, means
 * @RESULTS_RANKS: by results_compare_ranks(), which no outlier moves far
 * @RESULTS_MEANS: by results_compare_means(), where there are few values, or some that are 0
 * @RESULTS_NR_METHODS: number of methods
 */
enum results_method {
	RESULTS_EXACT,
	RESULTS_RANKS,
	RESULTS_MEANS,
	RESULTS_NR_METHODS,
};

/**
 * results_method_name() - as it is written: "exact", "ranks", "means"
 * @method: a method
 *
 * Return: a static string.
 */
const char *results_method_name(enum results_method method);

/**
 * struct results_side - one of the two runs' values of a metric
 * @in: the case
 * @metric: the metric
 * @value: mean of the values that were compared, or their median by RESULTS_RANKS
 * @n: number of them
 * @outliers: how many of them are far from the others; they count as the others do
 * @trend: the series rises or falls, so that its values are not independent
 */
struct results_side {
	const struct results_case *in;
	const struct results_metric *metric;
	double value;
	size_t n;
	size_t outliers;
	bool trend;
};

/**
 * struct results_pair - a metric that both runs have
 * @base: in the one
 * @new: in the other
 * @direction: which is better; never RESULTS_UNJUDGED
 * @method: how they were compared
 * @change: by how much: the difference is that of the means, the ratio goes by @method; single points for
 *	intervals if that is exact. NAN where there are too few values
 * @range: smallest and largest ratio of one cycle, if @method is exact; else NAN
 * @outcome: what is said of it
 * @why: why it is undecided; "" else
 */
struct results_pair {
	struct results_side base;
	struct results_side new;
	enum results_direction direction;
	enum results_method method;
	struct results_change change;
	double range[2];
	enum results_outcome outcome;
	const char *why;
};

/**
 * struct results_comparison - two runs compared
 * @base: the one
 * @new: the other
 * @threshold: a share: what is less does not count
 * @confidence: of each interval, so that all @sampled of them hold together with 95 %
 * @sampled: number of pairs with an interval
 * @pairs: in the order of @base
 * @nr_pairs: number of @pairs
 * @counts: how many pairs have each outcome
 * @outcome: of all: worse if any is, undecided if nothing was decided, better if any is
 * @warnings: JSON array of sentences: what differs but the numbers
 * @only_base: JSON array of metrics that only @base has
 * @only_new: and only @new
 * @unjudged: JSON array of names of metrics of which nobody knows which direction is better
 * @left_out: JSON array of cases whose metrics were not looked at, and why
 */
struct results_comparison {
	const struct results_model *base;
	const struct results_model *new;
	double threshold;
	double confidence;
	size_t sampled;
	struct results_pair *pairs;
	size_t nr_pairs;
	size_t counts[RESULTS_NR_OUTCOMES];
	enum results_outcome outcome;
	struct json_object *warnings;
	struct json_object *only_base;
	struct json_object *only_new;
	struct json_object *unjudged;
	struct json_object *left_out;
};

/**
 * results_compare_objection() - can a run be compared with another at all?
 * @model: the run
 * @text: set to why not, to be freed; NULL if it can
 *
 * Not one that did not come to a good end, that still goes on, or whose results.json has another schema.
 *
 * Return: 0 or -ENOMEM.
 */
int results_compare_objection(const struct results_model *model, char **text);

/**
 * results_compare() - compare two runs
 * @base: the one; has to outlive the comparison
 * @new: the other; likewise
 * @threshold: a share, 0.01 for 1 %; at least 0
 * @pattern: only metrics with such a name, as fnmatch(3) has it; NULL for all
 * @comparison: set on success; results_comparison_free() it
 *
 * Return: 0; -ENODATA if there is no metric to compare; -ENOMEM.
 */
int results_compare(const struct results_model *base, const struct results_model *new, double threshold,
		    const char *pattern, struct results_comparison **comparison);

/**
 * results_comparison_free() - free a comparison
 * @comparison: may be NULL
 */
void results_comparison_free(struct results_comparison *comparison);

/**
 * results_render_comparison() - write a comparison
 * @comparison: the comparison
 * @json: as JSON, schema flbench-compare/1, else as tables for a terminal
 * @out: stream; flushed
 *
 * Return: 0, -ENOMEM, or -EIO if @out does not take it.
 */
int results_render_comparison(const struct results_comparison *comparison, bool json, FILE *out);

#endif
