/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics over cycles and over sizes. Plain numbers in, plain numbers out; units are the
 * caller's. Undefined values are NAN, never 0.
 */
#ifndef FLBENCH_STATS_H
#define FLBENCH_STATS_H

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
 * results_outliers() - how many values are far from the others
 * @values: @n finite numbers, in any order; not changed
 * @n: how many
 *
 * Far is more than 1.5 times the distance between the quartiles outside of them (Tukey).
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

#endif
