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

/* So many are sorted in a second or so. */
#define MAX_QUOTIENTS (1 << 22)

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

int results_fences(const double *values, size_t n, double fences[2])
{
	double low;
	double high;
	int ret = results_percentile(values, n, 25, &low);

	if (!ret)
		ret = results_percentile(values, n, 75, &high);
	if (ret)
		return ret;
	fences[0] = low - 1.5 * (high - low);
	fences[1] = high + 1.5 * (high - low);
	return 0;
}

bool results_is_outlier(const double fences[2], double value)
{
	return value < fences[0] || value > fences[1];
}

size_t results_outliers(const double *values, size_t n)
{
	double fences[2];
	size_t outliers = 0;
	size_t i;

	if (results_fences(values, n, fences))
		return 0;
	for (i = 0; i < n; i++)
		outliers += results_is_outlier(fences, values[i]);
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

double results_welch_freedom(double va, double fa, double vb, double fb)
{
	return (va + vb) * (va + vb) / (va * va / fa + vb * vb / fb);
}

/* Half of the interval of a sum of two errors; 0 if neither varies. */
static double welch_half(double va, double fa, double vb, double fb, double confidence)
{
	if (va + vb <= 0)
		return 0;
	return results_t_quantile((1 + confidence) / 2, results_welch_freedom(va, fa, vb, fb)) *
	       sqrt(va + vb);
}

/*
 * All ratios r for which the difference new - r * base is not told from 0: between the roots of
 * (base^2 - t^2 vb) r^2 - 2 base new r + new^2 - t^2 vn.
 */
static void fieller(const struct results_summary *base, const struct results_summary *new, double vb,
		    double vn, double confidence, struct results_change *change)
{
	double freedom;
	double root;
	double t;
	double a;

	change->ratio = base->mean != 0 ? new->mean / base->mean : NAN;
	change->ratio_ci[0] = -INFINITY;
	change->ratio_ci[1] = INFINITY;
	if (base->mean == 0)
		return;
	change->ratio_ci[0] = change->ratio;
	change->ratio_ci[1] = change->ratio;
	if (vb + vn <= 0)
		return;
	freedom = results_welch_freedom(vn, new->n - 1, change->ratio * change->ratio * vb, base->n - 1);
	/* Only the base varies and the ratio is 0: that of the base. */
	if (isnan(freedom))
		freedom = base->n - 1;
	t = results_t_quantile((1 + confidence) / 2, freedom);
	a = base->mean * base->mean - t * t * vb;
	if (a <= 0) {
		change->ratio_ci[0] = -INFINITY;
		change->ratio_ci[1] = INFINITY;
		return;
	}
	/* The discriminant, without the difference of two large products. */
	root = t * sqrt(base->mean * base->mean * vn + new->mean * new->mean * vb - t * t * vb * vn);
	change->ratio_ci[0] = (base->mean * new->mean - root) / a;
	change->ratio_ci[1] = (base->mean * new->mean + root) / a;
}

int results_compare_means(const double *base, size_t nr_base, const double *new, size_t nr_new,
			  double confidence, struct results_change *change)
{
	struct results_summary b;
	struct results_summary n;
	double half;
	double vb;
	double vn;
	int ret;

	if (nr_base < 2 || nr_new < 2 || !(confidence > 0 && confidence < 1))
		return -EINVAL;
	ret = results_summarize(base, nr_base, &b);
	if (!ret)
		ret = results_summarize(new, nr_new, &n);
	if (ret)
		return ret;
	vb = b.stddev * b.stddev / b.n;
	vn = n.stddev * n.stddev / n.n;
	half = welch_half(vn, n.n - 1, vb, b.n - 1, confidence);
	change->difference = n.mean - b.mean;
	change->difference_ci[0] = change->difference - half;
	change->difference_ci[1] = change->difference + half;
	change->freedom = results_welch_freedom(vn, n.n - 1, vb, b.n - 1);
	fieller(&b, &n, vb, vn, confidence, change);
	return 0;
}

/*
 * Probability of each number of pairs in which the value of one sample is below that of another of the same
 * distribution, up to @most pairs, of @n and @m values: by what the largest of all is (Mann and Whitney 1947).
 * *@table is a row for each number of values of the second sample.
 */
static int pair_probabilities(size_t n, size_t m, size_t most, double **table)
{
	double *rows = calloc((m + 1) * (most + 1), sizeof(*rows));
	size_t i;
	size_t j;
	size_t u;

	if (!rows)
		return -ENOMEM;
	for (j = 0; j <= m; j++)
		rows[j * (most + 1)] = 1;
	/* In place: a row still is that of i - 1 values, the one above it already that of i. */
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++)
			for (u = most + 1; u-- > 0;) {
				double *row = rows + j * (most + 1);
				double first = u >= j ? row[u - j] : 0;

				row[u] = (i * first + j * row[u - (most + 1)]) / (i + j);
			}
	*table = rows;
	return 0;
}

/* The largest k with a probability of at most @tail for fewer than k such pairs; 0 if there is none. */
static int pair_rank(size_t n, size_t m, double tail, size_t *rank)
{
	double *table __freed = NULL;
	size_t most = n * m / 2;
	double sum = 0;
	double middle = n * (double)m / 2;
	int ret;

	*rank = 0;
	if (n >= 50 || m >= 50) {
		middle -= gsl_cdf_ugaussian_Qinv(tail) * sqrt(n * (double)m * (n + m + 1) / 12);
		if (middle >= 1)
			*rank = middle;
		return 0;
	}
	ret = pair_probabilities(n, m, most, &table);
	if (ret)
		return ret;
	while (*rank < most) {
		sum += table[m * (most + 1) + *rank];
		if (sum > tail)
			break;
		(*rank)++;
	}
	return 0;
}

int results_compare_ranks(const double *base, size_t nr_base, const double *new, size_t nr_new,
			  double confidence, double *ratio, double ci[2])
{
	size_t n = nr_base * nr_new;
	double *quotients __freed = NULL;
	size_t rank;
	size_t i;
	size_t j;
	int ret;

	if (!nr_base || !nr_new || nr_new > MAX_QUOTIENTS / nr_base || !(confidence > 0 && confidence < 1) ||
	    !all_finite(base, nr_base) || !all_finite(new, nr_new) || gsl_stats_min(base, 1, nr_base) <= 0 ||
	    gsl_stats_min(new, 1, nr_new) <= 0)
		return -EINVAL;
	ret = pair_rank(nr_base, nr_new, (1 - confidence) / 2, &rank);
	if (ret)
		return ret;
	if (!rank)
		return -ENODATA;
	quotients = calloc(n, sizeof(*quotients));
	if (!quotients)
		return -ENOMEM;
	for (i = 0; i < nr_base; i++)
		for (j = 0; j < nr_new; j++)
			quotients[i * nr_new + j] = new[j] / base[i];
	gsl_sort(quotients, 1, n);
	/* Of two in the middle the geometric mean, which turns round as the quotients do. */
	*ratio = sqrt(quotients[(n - 1) / 2]) * sqrt(quotients[n / 2]);
	if (quotients[(n - 1) / 2] == quotients[n / 2])
		*ratio = quotients[n / 2];
	ci[0] = quotients[rank - 1];
	ci[1] = quotients[n - rank];
	return 0;
}

/* What values that are equal take from the variance of the sum of signs, times 18. */
static double tie_correction(const double *sorted, size_t n)
{
	double correction = 0;
	size_t i;
	size_t j;

	for (i = 0; i < n; i = j) {
		double ties;

		for (j = i + 1; j < n && sorted[j] == sorted[i];)
			j++;
		ties = j - i;
		correction += ties * (ties - 1) * (2 * ties + 5);
	}
	return correction;
}

int results_trend(const double *values, size_t n, double *z, double *p)
{
	double *sorted __freed = NULL;
	double variance;
	double sum = 0;
	double count = n;
	size_t i;
	size_t j;

	if (n < 8 || !all_finite(values, n))
		return -EINVAL;
	sorted = sorted_copy(values, n);
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			sum += (values[j] > values[i]) - (values[j] < values[i]);
	variance = (count * (count - 1) * (2 * count + 5) - tie_correction(sorted, n)) / 18;
	*z = sum ? (sum - copysign(1, sum)) / sqrt(variance) : 0;
	*p = 2 * gsl_cdf_ugaussian_Q(fabs(*z));
	return 0;
}

/* Means of the whole batches, to be freed; NULL without memory. */
static double *batch_means(const double *values, size_t batches)
{
	double *means = calloc(batches, sizeof(*means));
	size_t i;

	for (i = 0; means && i < batches; i++)
		means[i] = gsl_stats_mean(values + i * RESULTS_BATCH, 1, RESULTS_BATCH);
	return means;
}

/*
 * How many of @n means to leave out, of at most half: those that make the squared standard error of the
 * mean of the others least. From the end, so that each mean is looked at once.
 */
static size_t mser(const double *means, size_t n)
{
	double least = INFINITY;
	double squares = 0;
	double mean = 0;
	size_t best = 0;
	size_t i;

	for (i = n; i-- > 0;) {
		double count = n - i;
		double off = means[i] - mean;

		mean += off / count;
		squares += off * (means[i] - mean);
		/* Of equals the first, since what can be kept is kept. */
		if (i <= n / 2 && squares / (count * count) <= least) {
			least = squares / (count * count);
			best = i;
		}
	}
	return best;
}

int results_steady(const double *values, size_t n, struct results_steady *steady)
{
	size_t batches = n / RESULTS_BATCH;
	double *means __freed = NULL;
	double z;
	int ret;

	if (batches < RESULTS_MIN_BATCHES || !all_finite(values, n))
		return -EINVAL;
	means = batch_means(values, batches);
	if (!means)
		return -ENOMEM;
	steady->begin = mser(means, batches) * RESULTS_BATCH;
	ret = results_trend(values + steady->begin, n - steady->begin, &z, &steady->trend_p);
	steady->steady = !ret && steady->trend_p >= RESULTS_TREND_P;
	return ret;
}

int results_level(const double *values, size_t n, struct results_summary *level)
{
	double *means __freed = NULL;

	if (n < 2 * RESULTS_BATCH || !all_finite(values, n))
		return -EINVAL;
	means = batch_means(values, n / RESULTS_BATCH);
	return means ? results_summarize(means, n / RESULTS_BATCH, level) : -ENOMEM;
}

int results_compare_levels(const double *base, size_t nr_base, const double *new, size_t nr_new,
			   struct results_change *change)
{
	double *b __freed = NULL;
	double *n __freed = NULL;

	if (nr_base < 2 * RESULTS_BATCH || nr_new < 2 * RESULTS_BATCH || !all_finite(base, nr_base) ||
	    !all_finite(new, nr_new))
		return -EINVAL;
	b = batch_means(base, nr_base / RESULTS_BATCH);
	n = batch_means(new, nr_new / RESULTS_BATCH);
	if (!b || !n)
		return -ENOMEM;
	return results_compare_means(b, nr_base / RESULTS_BATCH, n, nr_new / RESULTS_BATCH, 0.95, change);
}

/* Half of the interval that @rule goes by, and the middle of it. */
static int half_interval(const struct results_stop_rule *rule, const double *values, size_t n, double *half,
			 double *middle)
{
	struct results_summary summary;
	struct results_median median;
	const double *ci = rule->of_mean ? summary.ci95 : median.ci95;
	int ret = rule->of_mean ? results_summarize(values, n, &summary) : results_median(values, n, &median);

	if (ret)
		return ret;
	*half = (ci[1] - ci[0]) / 2;
	*middle = rule->of_mean ? summary.mean : median.median;
	return 0;
}

int results_stop(const struct results_stop_rule *rule, const double *values, size_t n, double seconds,
		 double *half_width, enum results_stop *stop)
{
	double middle = 0;
	double half = NAN;
	int ret = 0;

	*half_width = NAN;
	if (n)
		ret = half_interval(rule, values, n, &half, &middle);
	if (ret)
		return ret;
	if (middle != 0)
		*half_width = half / fabs(middle);
	*stop = RESULTS_GO_ON;
	if (n < rule->min_samples)
		return 0;
	if (*half_width <= rule->half_width)
		*stop = RESULTS_STOP_NARROW;
	else if ((rule->max_samples && n >= rule->max_samples) ||
		 (rule->max_seconds > 0 && seconds >= rule->max_seconds))
		*stop = RESULTS_STOP_BUDGET;
	return 0;
}

int results_precise(const double *values, size_t n, double percent, double *half_percent)
{
	const struct results_stop_rule rule = {
		.of_mean = true,
		.half_width = percent / 100,
		.min_samples = RESULTS_PRECISE_MIN,
	};
	enum results_stop stop;
	int ret = results_stop(&rule, values, n, 0, half_percent, &stop);

	*half_percent *= 100;
	return ret ? ret : stop == RESULTS_STOP_NARROW;
}
