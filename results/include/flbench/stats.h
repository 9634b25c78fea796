/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics over cycles and over sizes. Plain numbers in, plain numbers out; units are the
 * caller's. Undefined values are NAN, never 0.
 */
#ifndef FLBENCH_STATS_H
#define FLBENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct results_summary - one sample described
 * @n: number of values
 * @min: smallest value
 * @median: middle value, mean of the two middle ones if @n is even
 * @mean: arithmetic mean
 * @stddev: sample standard deviation (divisor n - 1), NAN for @n < 2
 * @ci95: 95 % confidence interval of the mean by Student's t, NAN for @n < 2
 * @max: largest value
 */
struct results_summary {
	size_t n;
	double min;
	double median;
	double mean;
	double stddev;
	double ci95[2];
	double max;
};

/**
 * results_summarize() - describe a sample
 * @values: @n finite numbers, in any order; not changed
 * @n: at least 1
 * @summary: filled
 *
 * Return: 0; -EINVAL if @n is 0 or a value is not finite; -ENOMEM.
 */
int results_summarize(const double *values, size_t n, struct results_summary *summary);

/**
 * struct results_median - the middle of a sample, without an assumption on its distribution
 * @median: as in struct results_summary
 * @ci95: interval between two of the values that holds the distribution's median with at least 95 %,
 *	by the binomial distribution; NAN for fewer than 6 values, which cannot say that
 */
struct results_median {
	double median;
	double ci95[2];
};

/**
 * results_median() - median and its confidence interval
 * @values: @n finite numbers, in any order; not changed
 * @n: at least 1
 * @median: filled
 *
 * Return: 0; -EINVAL if @n is 0 or a value is not finite; -ENOMEM.
 */
int results_median(const double *values, size_t n, struct results_median *median);

/**
 * results_fences() - where a sample's outliers begin
 * @values: @n finite numbers, in any order; not changed
 * @n: at least 1
 * @fences: set on success: what is below the first or above the second is far from the others: more than
 *	1.5 times the distance between the quartiles outside of them (Tukey)
 *
 * Return: 0; -EINVAL if @n is 0 or a value is not finite; -ENOMEM.
 */
int results_fences(const double *values, size_t n, double fences[2]);

/**
 * results_is_outlier() - is a value beyond the fences of its sample?
 * @fences: of results_fences()
 * @value: the value
 *
 * Return: true if so; false too if @fences are not defined.
 */
bool results_is_outlier(const double fences[2], double value);

/**
 * results_outliers() - how many values are far from the others
 * @values: @n finite numbers, in any order; not changed
 * @n: how many
 *
 * Far is beyond results_fences().
 *
 * Return: their number.
 */
size_t results_outliers(const double *values, size_t n);

/**
 * results_percentile() - the value below which a share of the sample lies
 * @values: @n finite numbers, in any order; not changed
 * @n: at least 1
 * @percent: 0 to 100
 * @value: set on success; interpolated linearly between neighbours (Hyndman and Fan's type 7)
 *
 * Return: 0; -EINVAL if @n is 0, @percent is out of range or a value is not finite; -ENOMEM.
 */
int results_percentile(const double *values, size_t n, double percent, double *value);

/**
 * results_t_quantile() - quantile of Student's t distribution
 * @p: probability, between 0 and 1 exclusive
 * @freedom: degrees of freedom, above 0
 *
 * Return: t with P(T <= t) = @p, NAN if an argument is out of range.
 */
double results_t_quantile(double p, double freedom);

/**
 * struct results_fit - a straight line through points, by least squares
 * @n: number of points
 * @slope: of the line
 * @intercept: value at x = 0
 * @slope_error: standard error of @slope, NAN for @n < 3
 * @intercept_error: standard error of @intercept, NAN for @n < 3
 * @slope_ci95: 95 % confidence interval of @slope, NAN for @n < 3
 * @residual: residual standard deviation, NAN for @n < 3
 * @r2: coefficient of determination, NAN if all y are equal
 */
struct results_fit {
	size_t n;
	double slope;
	double intercept;
	double slope_error;
	double intercept_error;
	double slope_ci95[2];
	double residual;
	double r2;
};

/**
 * results_fit_linear() - fit y = intercept + slope * x
 * @x: @n finite numbers
 * @y: @n finite numbers
 * @n: at least 2, with two different @x
 * @fit: filled
 *
 * Return: 0, or -EINVAL if there is no such line.
 */
int results_fit_linear(const double *x, const double *y, size_t n, struct results_fit *fit);

/**
 * results_fit_power() - fit y = e^intercept * x^slope, a line in log-log scales
 * @x: @n numbers above 0
 * @y: @n numbers above 0
 * @n: at least 2, with two different @x
 * @fit: filled; all of it in natural logarithms, so @fit->slope is the exponent of growth
 *
 * Return: 0; -EINVAL if there is no such line or a number is not above 0; -ENOMEM.
 */
int results_fit_power(const double *x, const double *y, size_t n, struct results_fit *fit);

/**
 * results_welch_freedom() - degrees of freedom of a difference, by Welch and Satterthwaite
 * @va: squared standard error of the one side
 * @fa: its degrees of freedom
 * @vb: of the other side
 * @fb: likewise
 *
 * Return: at least the smaller of @fa and @fb; NAN if both errors are 0.
 */
double results_welch_freedom(double va, double fa, double vb, double fb);

/**
 * struct results_change - by how much the mean of one sample differs from that of another
 * @difference: mean of the new sample less that of the base
 * @difference_ci: its confidence interval, by Welch's t: variances need not be equal
 * @freedom: degrees of freedom of it, NAN if neither sample varies
 * @ratio: mean of the new sample by that of the base; NAN if the latter is 0
 * @ratio_ci: its confidence interval, by Fieller's theorem; -INFINITY to INFINITY if the mean of the base
 *	cannot be told from 0
 */
struct results_change {
	double difference;
	double difference_ci[2];
	double freedom;
	double ratio;
	double ratio_ci[2];
};

/**
 * results_compare_means() - compare two independent samples
 * @base: @nr_base finite numbers, in any order; not changed
 * @nr_base: at least 2
 * @new: @nr_new finite numbers
 * @nr_new: at least 2
 * @confidence: of each interval, between 0 and 1 exclusive
 * @change: filled
 *
 * Welch, The generalization of "Student's" problem, Biometrika 34 (1947); Fieller, Some problems in
 * interval estimation, JRSS B 16 (1954). The freedom of Fieller's interval is Welch's at the ratio found.
 * Where neither sample varies the intervals are single points.
 *
 * Return: 0; -EINVAL for fewer values, another @confidence, or a value that is not finite; -ENOMEM.
 */
int results_compare_means(const double *base, size_t nr_base, const double *new, size_t nr_new,
			  double confidence, struct results_change *change);

/**
 * results_compare_ranks() - by how much is one sample a multiple of another, without an assumption on how
 * they are distributed
 * @base: @nr_base finite numbers above 0, in any order; not changed
 * @nr_base: at least 1; @nr_base * @nr_new at most 1 << 22
 * @new: @nr_new finite numbers above 0
 * @nr_new: at least 1
 * @confidence: of the interval, between 0 and 1 exclusive
 * @ratio: set to the estimate of Hodges and Lehmann: the median of all quotients of a new value by a base value
 * @ci: set to its confidence interval, between two of the quotients, by the test of Mann and Whitney
 *
 * Values far off count, but no more than others do. Hodges and Lehmann, Estimates of location based on rank
 * tests, Ann. Math. Statist. 34 (1963). Exact for fewer than 50 values on each side, else by the normal
 * distribution.
 *
 * Return: 0; -EINVAL if an argument is out of range; -ENODATA if there are too few values for @confidence;
 * -ENOMEM.
 */
int results_compare_ranks(const double *base, size_t nr_base, const double *new, size_t nr_new,
			  double confidence, double *ratio, double ci[2]);

/**
 * results_trend() - is there a trend in a series, by the test of Mann and Kendall
 * @values: @n finite numbers in the order of time
 * @n: at least 8, below which the normal distribution that the test assumes is far off
 * @z: standardized sum of the signs of all later less all earlier values, corrected for ties and for
 *	continuity; above 0 if the series rises, 0 if all are equal
 * @p: probability of so strong a trend, either way, in a series without one
 *
 * Mann, Nonparametric tests against trend, Econometrica 13 (1945). Takes time by @n squared.
 *
 * Return: 0; -EINVAL if @n is too small or a value is not finite; -ENOMEM.
 */
int results_trend(const double *values, size_t n, double *z, double *p);

/* Values in a batch of results_steady(), and the batches that it needs */
#define RESULTS_BATCH 5
#define RESULTS_MIN_BATCHES 4

/* A trend is believed if chance alone brings it in fewer series than this */
#define RESULTS_TREND_P 0.01

/**
 * struct results_steady - where a series becomes steady
 * @steady: it does
 * @begin: index of the first value that counts as steady; 0 if there is no warm-up. Means something only
 *	if @steady
 * @trend_p: of results_trend() from @begin on
 */
struct results_steady {
	bool steady;
	size_t begin;
	double trend_p;
};

/**
 * results_steady() - find the end of the warm-up of a series
 * @values: @n finite numbers in the order of time, all of them before a kexec or all of them after it:
 *	with a new kernel begins a new series
 * @n: at least RESULTS_BATCH * RESULTS_MIN_BATCHES
 * @steady: filled
 *
 * The warm-up ends where MSER-5 says (White, Cobb and Spratt, A comparison of five steady-state truncation
 * heuristics for simulation, 2000): of means of 5 values each so many are left out, at most half, as make
 * the standard error of the mean of the others least. If the others still have a trend, the series did
 * not become steady. Values behind the last whole batch count for the trend.
 *
 * Return: 0; -EINVAL if @n is too small or a value is not finite; -ENOMEM.
 */
int results_steady(const double *values, size_t n, struct results_steady *steady);

/**
 * results_level() - the level of a series that is steady
 * @values: @n finite numbers in the order of time, without the warm-up
 * @n: at least 2 * RESULTS_BATCH
 * @level: of the means of the whole batches, since neighbours may depend on each other more than batches do
 *
 * Return: 0; -EINVAL if @n is too small or a value is not finite; -ENOMEM.
 */
int results_level(const double *values, size_t n, struct results_summary *level);

/**
 * results_compare_levels() - by how much do the levels of two series differ?
 * @base: @nr_base finite numbers in the order of time, without the warm-up
 * @nr_base: at least 2 * RESULTS_BATCH
 * @new: @nr_new likewise
 * @nr_new: likewise
 * @change: filled as by results_compare_means() with the means of the batches, with 95 %
 *
 * Return: 0; -EINVAL for fewer values, or one that is not finite; -ENOMEM.
 */
int results_compare_levels(const double *base, size_t nr_base, const double *new, size_t nr_new,
			   struct results_change *change);

/**
 * struct results_stop_rule - when a measurement has been repeated often enough
 * @of_mean: go by the mean and its interval by Student's t, not by results_median()
 * @half_width: of the confidence interval, as a share of its middle: so narrow it has to be
 * @min_samples: never stop with fewer, whatever the budget: looking at each new value finds a narrow
 *	interval too early while there are few, and the median has none at all below 6
 * @max_samples: budget; 0 for none
 * @max_seconds: budget; 0 for none
 */
struct results_stop_rule {
	bool of_mean;
	double half_width;
	size_t min_samples;
	size_t max_samples;
	double max_seconds;
};

/**
 * enum results_stop - what results_stop() says
 * @RESULTS_GO_ON: measure once more
 * @RESULTS_STOP_NARROW: the confidence interval is narrow enough
 * @RESULTS_STOP_BUDGET: it is not, and the budget is used up
 */
enum results_stop {
	RESULTS_GO_ON,
	RESULTS_STOP_NARROW,
	RESULTS_STOP_BUDGET,
};

/**
 * results_stop() - has a measurement been repeated often enough?
 * @rule: when it has
 * @values: @n finite numbers so far, steady ones
 * @n: how many
 * @seconds: that it took so far
 * @half_width: set to that of the interval now, a share of its middle; NAN if it is not defined
 * @stop: set to what to do
 *
 * Return: 0; -EINVAL if a value is not finite; -ENOMEM.
 */
int results_stop(const struct results_stop_rule *rule, const double *values, size_t n, double seconds,
		 double *half_width, enum results_stop *stop);

/* So many values results_precise() wants at least. */
#define RESULTS_PRECISE_MIN 5

/**
 * results_precise() - is the mean of a metric known well enough, so that no more values are needed?
 * @values: @n finite numbers, one of each live update
 * @n: how many
 * @percent: half of the 95 % confidence interval of the mean may be so many percent of it
 * @half_percent: set to what it is; NAN if it is not defined
 *
 * Values that are all equal are precise as soon as there are RESULTS_PRECISE_MIN.
 *
 * Return: 1 if it is, 0 if not; -EINVAL if a value is not finite; -ENOMEM.
 */
int results_precise(const double *values, size_t n, double percent, double *half_percent);

#endif
