// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thin layer over GSL: what it leaves to us is to say when a value is not defined.
 */
#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#include <flbench/stats.h>

#include "internal.h"

static bool all_finite(const double *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

static double *sorted_copy(const double *values, size_t n)
{
	double *sorted = calloc(n, sizeof(*sorted));

	if (sorted) {
		memcpy(sorted, values, n * sizeof(*sorted));
		gsl_sort(sorted, 1, n);
	}
	return sorted;
}

double results_t_quantile(double p, double freedom)
{
	gsl_error_handler_t *handler;
	double t;

	if (!(p > 0 && p < 1 && freedom > 0))
		return NAN;
	/* GSL's own handler aborts the process. */
	handler = gsl_set_error_handler_off();
	t = gsl_cdf_tdist_Pinv(p, freedom);
	gsl_set_error_handler(handler);
	return t;
}

int results_summarize(const double *values, size_t n, struct results_summary *summary)
{
	double *sorted __freed = NULL;
	double half;

	if (!n || !all_finite(values, n))
		return -EINVAL;
	sorted = sorted_copy(values, n);
	if (!sorted)
		return -ENOMEM;
	summary->n = n;
	summary->min = sorted[0];
	summary->max = sorted[n - 1];
	summary->median = gsl_stats_median_from_sorted_data(sorted, 1, n);
	/*
	 * In the order of their size: so the result does not depend on the order of the events. The
	 * mean of equal values is that value, which the running mean of a long sum may miss.
	 */
	summary->mean = sorted[0] == sorted[n - 1] ? sorted[0] : gsl_stats_mean(sorted, 1, n);
	summary->stddev = NAN;
	summary->ci95[0] = NAN;
	summary->ci95[1] = NAN;
	if (n < 2)
		return 0;
	summary->stddev = gsl_stats_sd_m(sorted, 1, n, summary->mean);
	half = results_t_quantile(0.975, n - 1) * summary->stddev / sqrt(n);
	summary->ci95[0] = summary->mean - half;
	summary->ci95[1] = summary->mean + half;
	return 0;
}

/*
 * The k-th value from either end: the interval between holds the median unless fewer than k of the
 * values lie on one of its sides.
 */
static size_t median_rank(size_t n)
{
	size_t k = 0;

	while (2 * gsl_cdf_binomial_P(k, 0.5, n) <= 0.05)
		k++;
	return k;
}

int results_median(const double *values, size_t n, struct results_median *median)
{
	double *sorted __freed = NULL;
	size_t rank;

	if (!n || !all_finite(values, n))
		return -EINVAL;
	sorted = sorted_copy(values, n);
	if (!sorted)
		return -ENOMEM;
	rank = median_rank(n);
	median->median = gsl_stats_median_from_sorted_data(sorted, 1, n);
	median->ci95[0] = rank ? sorted[rank - 1] : NAN;
	median->ci95[1] = rank ? sorted[n - rank] : NAN;
	return 0;
}

size_t results_outliers(const double *values, size_t n)
{
	double low;
	double high;
	double room;
	size_t outliers = 0;
	size_t i;

	if (results_percentile(values, n, 25, &low) || results_percentile(values, n, 75, &high))
		return 0;
	room = 1.5 * (high - low);
	for (i = 0; i < n; i++)
		outliers += values[i] < low - room || values[i] > high + room;
	return outliers;
}

int results_percentile(const double *values, size_t n, double percent, double *value)
{
	double *sorted __freed = NULL;

	if (!n || !(percent >= 0 && percent <= 100) || !all_finite(values, n))
		return -EINVAL;
	sorted = sorted_copy(values, n);
	if (!sorted)
		return -ENOMEM;
	*value = gsl_stats_quantile_from_sorted_data(sorted, 1, n, percent / 100);
	return 0;
}

int results_fit_linear(const double *x, const double *y, size_t n, struct results_fit *fit)
{
	double cov00;
	double cov01;
	double cov11;
	double chisq;
	double total;
	double t;

	if (n < 2 || !all_finite(x, n) || !all_finite(y, n) ||
	    gsl_stats_min(x, 1, n) == gsl_stats_max(x, 1, n))
		return -EINVAL;
	gsl_fit_linear(x, 1, y, 1, n, &fit->intercept, &fit->slope, &cov00, &cov01, &cov11, &chisq);
	total = gsl_stats_tss(y, 1, n);
	fit->n = n;
	fit->r2 = total > 0 ? 1 - chisq / total : NAN;
	fit->slope_error = NAN;
	fit->intercept_error = NAN;
	fit->residual = NAN;
	fit->slope_ci95[0] = NAN;
	fit->slope_ci95[1] = NAN;
	if (n < 3)
		return 0;
	t = results_t_quantile(0.975, n - 2);
	fit->slope_error = sqrt(cov11);
	fit->intercept_error = sqrt(cov00);
	fit->residual = sqrt(chisq / (n - 2));
	fit->slope_ci95[0] = fit->slope - t * fit->slope_error;
	fit->slope_ci95[1] = fit->slope + t * fit->slope_error;
	return 0;
}

int results_fit_power(const double *x, const double *y, size_t n, struct results_fit *fit)
{
	double *logs __freed = NULL;
	size_t i;

	if (n < 2)
		return -EINVAL;
	logs = calloc(2 * n, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!(x[i] > 0 && y[i] > 0))
			return -EINVAL;
		logs[i] = log(x[i]);
		logs[n + i] = log(y[i]);
	}
	return results_fit_linear(logs, logs + n, n, fit);
}
