// SPDX-License-Identifier: GPL-2.0-only
/*
 * Known answers: NIST Statistical Reference Datasets (https://www.itl.nist.gov/div898/strd/) and
 * printed tables of Student's t.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <flbench/stats.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void assert_near(double value, double certified, double relative)
{
	double scale = certified ? fabs(certified) : 1;

	if (!(fabs(value - certified) <= relative * scale))
		fail_msg("%.17g is not %.17g within %g", value, certified, relative);
}

/* Michelson's speed of light, 1879 */
static void test_nist_michelso(void **state)
{
	static const double values[] = {
		299.85, 299.74, 299.90, 300.07, 299.93, 299.85, 299.95, 299.98, 299.98, 299.88,
		300.00, 299.98, 299.93, 299.65, 299.76, 299.81, 300.00, 300.00, 299.96, 299.96,
		299.96, 299.94, 299.96, 299.94, 299.88, 299.80, 299.85, 299.88, 299.90, 299.84,
		299.83, 299.79, 299.81, 299.88, 299.88, 299.83, 299.80, 299.79, 299.76, 299.80,
		299.88, 299.88, 299.88, 299.86, 299.72, 299.72, 299.62, 299.86, 299.97, 299.95,
		299.88, 299.91, 299.85, 299.87, 299.84, 299.84, 299.85, 299.84, 299.84, 299.84,
		299.89, 299.81, 299.81, 299.82, 299.80, 299.77, 299.76, 299.74, 299.75, 299.76,
		299.91, 299.92, 299.89, 299.86, 299.88, 299.72, 299.84, 299.85, 299.85, 299.78,
		299.89, 299.84, 299.78, 299.81, 299.76, 299.81, 299.79, 299.81, 299.82, 299.85,
		299.87, 299.87, 299.81, 299.74, 299.81, 299.94, 299.95, 299.80, 299.81, 299.87,
	};
	struct results_summary summary;

	assert_int_equal(results_summarize(values, ARRAY_SIZE(values), &summary), 0);
	assert_int_equal(summary.n, 100);
	assert_near(summary.mean, 299.852400000000, 1e-14);
	assert_near(summary.stddev, 0.0790105478190518, 1e-11);
	assert_near(summary.min, 299.62, 0);
	assert_near(summary.max, 300.07, 0);
	/* t(0.975, 99) = 1.98422 */
	assert_near(summary.ci95[1] - summary.mean, 1.984216951586417 * 0.00790105478190518, 1e-10);
}

/* Mavrovouniotis, transmittance of a filter */
static void test_nist_mavro(void **state)
{
	static const double values[] = {
		2.00180, 2.00170, 2.00180, 2.00190, 2.00180, 2.00170, 2.00150, 2.00140, 2.00150,
		2.00150, 2.00170, 2.00180, 2.00180, 2.00190, 2.00190, 2.00210, 2.00200, 2.00160,
		2.00140, 2.00130, 2.00130, 2.00150, 2.00150, 2.00160, 2.00150, 2.00140, 2.00130,
		2.00140, 2.00150, 2.00140, 2.00150, 2.00160, 2.00150, 2.00160, 2.00190, 2.00200,
		2.00200, 2.00210, 2.00220, 2.00230, 2.00240, 2.00250, 2.00270, 2.00260, 2.00260,
		2.00260, 2.00270, 2.00260, 2.00250, 2.00240,
	};
	struct results_summary summary;

	assert_int_equal(results_summarize(values, ARRAY_SIZE(values), &summary), 0);
	assert_near(summary.mean, 2.00185600000000, 1e-14);
	assert_near(summary.stddev, 0.000429123454003053, 1e-11);
}

/* NumAcc1 to 4: large numbers with small differences, which naive formulas get wrong */
static void test_nist_numacc(void **state)
{
	static const struct {
		double first;
		double low;
		double high;
		double sd_tolerance;
	} sets[] = {
		{ 1.2, 1.1, 1.3, 1e-14 },
		{ 1000000.2, 1000000.1, 1000000.3, 1e-8 },
		{ 10000000.2, 10000000.1, 10000000.3, 1e-7 },
	};
	static const double three[] = { 10000001, 10000003, 10000002 };
	struct results_summary summary;
	double values[1001];
	size_t i;
	size_t j;

	assert_int_equal(results_summarize(three, 3, &summary), 0);
	assert_near(summary.mean, 10000002, 0);
	assert_near(summary.stddev, 1, 0);
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		values[0] = sets[i].first;
		for (j = 1; j < ARRAY_SIZE(values); j++)
			values[j] = j % 2 ? sets[i].low : sets[i].high;
		assert_int_equal(results_summarize(values, ARRAY_SIZE(values), &summary), 0);
		assert_near(summary.mean, sets[i].first, 1e-14);
		assert_near(summary.stddev, 0.1, sets[i].sd_tolerance);
	}
}

/* Norris, calibration of ozone monitors: certified linear regression */
static void test_nist_norris(void **state)
{
	static const double y[] = {
		0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3,
		0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3,
		0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2,
	};
	static const double x[] = {
		0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4,
		0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3,
		0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5,
	};
	struct results_fit fit;

	assert_int_equal(results_fit_linear(x, y, ARRAY_SIZE(x), &fit), 0);
	assert_near(fit.intercept, -0.262323073774029, 1e-11);
	assert_near(fit.slope, 1.00211681802045, 1e-13);
	assert_near(fit.intercept_error, 0.232818234301152, 1e-11);
	assert_near(fit.slope_error, 0.429796848199937e-03, 1e-11);
	assert_near(fit.r2, 0.999993745883712, 1e-14);
	assert_near(fit.residual, 0.884796396144373, 1e-11);
	/* t(0.975, 34) = 2.03224 */
	assert_near(fit.slope_ci95[1] - fit.slope, 2.032244509317718 * 0.429796848199937e-03, 1e-9);
}

static void test_t_table(void **state)
{
	static const struct {
		double p;
		double freedom;
		double t;
	} table[] = {
		{ 0.975, 1, 12.7062 }, { 0.975, 2, 4.30265 }, { 0.975, 3, 3.18245 },
		{ 0.975, 4, 2.77645 }, { 0.975, 10, 2.22814 }, { 0.975, 30, 2.04227 },
		{ 0.975, 120, 1.97993 }, { 0.95, 5, 2.01505 }, { 0.995, 10, 3.16927 },
		{ 0.5, 7, 0 }, { 0.025, 10, -2.22814 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_near(results_t_quantile(table[i].p, table[i].freedom), table[i].t, 5e-6);
	/* Falls with the degrees of freedom towards the normal quantile, and is found for all. */
	for (i = 1; i < 2000; i++)
		assert_true(results_t_quantile(0.975, i) > results_t_quantile(0.975, i + 1));
	assert_near(results_t_quantile(0.975, 1e9), 1.959963985, 1e-8);
	assert_true(isnan(results_t_quantile(0, 5)));
	assert_true(isnan(results_t_quantile(1, 5)));
	assert_true(isnan(results_t_quantile(0.5, 0)));
	assert_true(isnan(results_t_quantile(NAN, 5)));
}

static void test_small_samples(void **state)
{
	static const double one[] = { 7 };
	static const double two[] = { 3, 1 };
	static const double bad[] = { 1, NAN };
	static const double equal[] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
	struct results_summary summary;

	assert_int_equal(results_summarize(one, 0, &summary), -EINVAL);
	assert_int_equal(results_summarize(bad, 2, &summary), -EINVAL);
	assert_int_equal(results_summarize(one, 1, &summary), 0);
	assert_true(summary.mean == 7 && summary.median == 7 && summary.min == 7 && summary.max == 7);
	assert_true(isnan(summary.stddev) && isnan(summary.ci95[0]) && isnan(summary.ci95[1]));
	assert_int_equal(results_summarize(two, 2, &summary), 0);
	assert_true(summary.median == 2);
	assert_near(summary.stddev, sqrt(2), 1e-15);
	assert_near(summary.ci95[1], 2 + 12.706204736432095, 1e-9);
	assert_int_equal(results_summarize(equal, ARRAY_SIZE(equal), &summary), 0);
	assert_true(summary.mean == 0.1 && summary.stddev == 0);
}

static void test_percentiles(void **state)
{
	/* R: quantile(c(15, 20, 35, 40, 50), c(.05, .3, .4, .5, 1)), type 7 */
	static const double values[] = { 35, 15, 50, 20, 40 };
	static const struct {
		double percent;
		double value;
	} table[] = { { 0, 15 }, { 5, 16 }, { 30, 23 }, { 40, 29 }, { 50, 35 }, { 100, 50 } };
	double value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(results_percentile(values, 5, table[i].percent, &value), 0);
		assert_near(value, table[i].value, 1e-14);
	}
	assert_int_equal(results_percentile(values, 5, 101, &value), -EINVAL);
	assert_int_equal(results_percentile(values, 5, NAN, &value), -EINVAL);
	assert_int_equal(results_percentile(values, 0, 50, &value), -EINVAL);
}

static void test_power(void **state)
{
	static const double x[] = { 64, 512, 4096, 32768 };
	static const double same[] = { 5, 5, 5, 5 };
	double y[4];
	struct results_fit fit;
	size_t i;

	for (i = 0; i < 4; i++)
		y[i] = 19.5 * x[i] * x[i];
	assert_int_equal(results_fit_power(x, y, 4, &fit), 0);
	assert_near(fit.slope, 2, 1e-12);
	assert_near(exp(fit.intercept), 19.5, 1e-10);
	assert_near(fit.slope_ci95[0], 2, 1e-6);
	assert_int_equal(results_fit_power(x, y, 2, &fit), 0);
	assert_true(isnan(fit.slope_ci95[0]) && isnan(fit.slope_error));
	assert_int_equal(results_fit_power(x, same, 4, &fit), 0);
	assert_near(fit.slope, 0, 1e-12);
	assert_int_equal(results_fit_power(same, y, 4, &fit), -EINVAL);
	assert_int_equal(results_fit_power(x, y, 1, &fit), -EINVAL);
	y[2] = 0;
	assert_int_equal(results_fit_power(x, y, 4, &fit), -EINVAL);
}

/*
 * Ranks of the interval by the binomial distribution, as printed in tables of the sign test: 10 values
 * 2nd and 9th, 15 values 4th and 12th, 25 values 8th and 18th.
 */
static void test_median(void **state)
{
	static const struct {
		size_t n;
		double low;
		double high;
	} rows[] = { { 6, 1, 6 }, { 10, 2, 9 }, { 15, 4, 12 }, { 25, 8, 18 } };
	double values[25];
	struct results_median median;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* 1 to n, from both ends. */
		for (size_t j = 0; j < rows[i].n; j++)
			values[j] = j % 2 ? rows[i].n - j / 2 : j / 2 + 1;
		assert_int_equal(results_median(values, rows[i].n, &median), 0);
		assert_near(median.median, (rows[i].n + 1) / 2., 0);
		assert_near(median.ci95[0], rows[i].low, 0);
		assert_near(median.ci95[1], rows[i].high, 0);
	}
	assert_int_equal(results_median(values, 5, &median), 0);
	assert_true(isnan(median.ci95[0]) && isnan(median.ci95[1]));
	assert_int_equal(results_median(values, 0, &median), -EINVAL);
	values[3] = INFINITY;
	assert_int_equal(results_median(values, 10, &median), -EINVAL);
}

/* Tukey's fences of 1 to 11 are at 3.5 - 7.5 and 8.5 + 7.5. */
static void test_outliers(void **state)
{
	double values[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 0);
	values[10] = 16;
	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 0);
	values[10] = 16.1;
	values[0] = -4.1;
	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nist_michelso),
		cmocka_unit_test(test_nist_mavro),
		cmocka_unit_test(test_nist_numacc),
		cmocka_unit_test(test_nist_norris),
		cmocka_unit_test(test_t_table),
		cmocka_unit_test(test_small_samples),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_outliers),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
