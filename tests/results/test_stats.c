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
	double fences[2];
	double values[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 0);
	values[10] = 16;
	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 0);
	values[10] = 16.1;
	values[0] = -4.1;
	assert_int_equal(results_outliers(values, ARRAY_SIZE(values)), 2);
	/* Quartiles of 1 to 9 are 3 and 7: the fences lie 6 outside of them. */
	assert_int_equal(results_fences((const double[]){ 9, 8, 7, 6, 5, 4, 3, 2, 1 }, 9, fences), 0);
	assert_true(fences[0] == -3 && fences[1] == 13);
	assert_true(results_is_outlier(fences, -3.001) && results_is_outlier(fences, 13.001));
	assert_false(results_is_outlier(fences, -3) || results_is_outlier(fences, 13));
	assert_false(results_is_outlier((const double[]){ NAN, NAN }, 1e9));
	assert_int_equal(results_fences(values, 0, fences), -EINVAL);
}

/*
 * Answers computed by another program: R 4.2.2 on data sets that come with it. Welch:
 * t.test(extra ~ group, data = sleep), Student's table of 1908. known_answers.R prints what is below.
 */
static const double sleep_1[] = { 0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0 };
static const double sleep_2[] = { 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4 };

/* PlantGrowth (Dobson 1983), groups ctrl and trt1; InsectSprays (Beall 1942), sprays A and C */
static const double plant_control[] = { 4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14 };
static const double plant_treated[] = { 4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69 };
static const double spray_a[] = { 10, 7, 20, 14, 14, 12, 10, 23, 17, 20, 14, 13 };
static const double spray_c[] = { 0, 1, 7, 2, 3, 1, 2, 1, 3, 0, 1, 4 };

static void test_welch(void **state)
{
	struct results_change change;

	assert_int_equal(results_compare_means(sleep_2, 10, sleep_1, 10, 0.95, &change), 0);
	assert_near(change.difference, -1.58, 1e-12);
	assert_near(change.freedom, 17.7764735162, 1e-11);
	assert_near(change.difference_ci[0], -3.365483230712, 1e-11);
	assert_near(change.difference_ci[1], 0.205483230712, 1e-10);
	assert_int_equal(results_compare_means(plant_control, 10, plant_treated, 10, 0.95, &change), 0);
	assert_near(change.freedom, 16.5235850569, 1e-11);
	assert_near(change.difference_ci[0], -1.029516221347, 1e-11);
	assert_near(change.difference_ci[1], 0.287516221347, 1e-11);
	/* One side that does not vary leaves the freedom of the other. */
	assert_near(results_welch_freedom(0, 4, 2, 7), 7, 1e-15);
	assert_near(results_welch_freedom(2, 4, 0, 7), 4, 1e-15);
	assert_true(isnan(results_welch_freedom(0, 4, 0, 7)));
}

/*
 * Fieller: the ratios at which Welch's statistic of new - ratio * base is the quantile of t, which R found with
 * uniroot(), not by the formula.
 */
static void test_fieller(void **state)
{
	static const double constant[] = { 200, 200, 200 };
	static const double zero[] = { 0, 0, 0 };
	struct results_change change;

	assert_int_equal(results_compare_means(plant_control, 10, plant_treated, 10, 0.95, &change), 0);
	assert_near(change.ratio, 0.926271860095, 1e-11);
	assert_near(change.ratio_ci[0], 0.803406606782, 1e-11);
	assert_near(change.ratio_ci[1], 1.060399552985, 1e-11);
	assert_int_equal(results_compare_means(plant_control, 10, plant_treated, 10, 0.999, &change), 0);
	assert_near(change.ratio_ci[0], 0.700629361735, 1e-11);
	assert_near(change.ratio_ci[1], 1.193054233776, 1e-11);
	assert_int_equal(results_compare_means(spray_a, 12, spray_c, 12, 0.95, &change), 0);
	assert_near(change.ratio, 0.1436781609195, 1e-11);
	assert_near(change.ratio_ci[0], 0.0582615381465, 1e-11);
	assert_near(change.ratio_ci[1], 0.2413360999064, 1e-11);
	/* The mean of the base may be 0 at that confidence: then the ratio may be anything. */
	assert_int_equal(results_compare_means(spray_c, 12, spray_a, 12, 0.999, &change), 0);
	assert_true(isinf(change.ratio_ci[0]) && isinf(change.ratio_ci[1]));
	assert_int_equal(results_compare_means(zero, 3, spray_a, 12, 0.95, &change), 0);
	assert_true(isnan(change.ratio) && isinf(change.ratio_ci[1]));
	/* Without a spread the answer is exact; a base without one divides the interval of the mean. */
	assert_int_equal(results_compare_means(constant, 3, constant, 3, 0.95, &change), 0);
	assert_true(change.ratio_ci[0] == 1 && change.ratio_ci[1] == 1);
	assert_true(change.difference_ci[0] == 0 && change.difference_ci[1] == 0);
	assert_int_equal(results_compare_means(constant, 3, plant_control, 10, 0.95, &change), 0);
	assert_near(change.ratio_ci[1], change.ratio + (change.difference_ci[1] - change.difference) / 200, 1e-12);
	assert_int_equal(results_compare_means(constant, 3, zero, 3, 0.95, &change), 0);
	assert_true(change.ratio == 0 && change.ratio_ci[0] == 0 && change.ratio_ci[1] == 0);
	assert_int_equal(results_compare_means(plant_control, 10, zero, 3, 0.95, &change), 0);
	assert_true(change.ratio == 0 && change.ratio_ci[1] == 0);
	assert_int_equal(results_compare_means(constant, 1, constant, 3, 0.95, &change), -EINVAL);
	assert_int_equal(results_compare_means(constant, 3, constant, 1, 0.95, &change), -EINVAL);
	assert_int_equal(results_compare_means(constant, 3, constant, 3, 1, &change), -EINVAL);
}

/* Flow of the Nile at Aswan, 1871 to 1970 (Durbin and Koopman 2001), 10^8 cubic metres */
static const double nile[] = {
	1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
	799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833,
	701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864,
	862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846,
	812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020,
	906, 901, 1170, 912, 746, 919, 718, 714, 740,
};

/*
 * Permeability constants of the human chorioamnion at term and earlier (Hollander and Wolfe 1973, p. 69), the example
 * of R's wilcox.test(): of the logarithms, with conf.int = TRUE. The others by qwilcox().
 */
static void test_ranks(void **state)
{
	static const double term[] = { 0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46 };
	static const double early[] = { 1.15, 0.88, 0.90, 0.74, 1.21 };
	static const double four[] = { 1, 2, 3, 4 };
	static const double zero[] = { 0, 1, 2, 3 };
	static const double constant[] = { 3, 3, 3, 3, 3, 3 };
	static const double far[] = { 4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 603, 4.89, 4.32, 4.69 };
	struct results_change change;
	double ratio;
	double ci[2];

	assert_int_equal(results_compare_ranks(early, 5, term, 10, 0.95, &ratio, ci), 0);
	assert_near(ratio, 1.31176713707837, 1e-14);
	assert_near(ci[0], 0.859504132231405, 1e-14);
	assert_near(ci[1], 1.959459459459459, 1e-14);
	assert_int_equal(results_compare_ranks(early, 5, term, 10, 0.99, &ratio, ci), 0);
	assert_near(ci[0], 0.695652173913044, 1e-14);
	assert_near(ci[1], 2.147727272727273, 1e-14);
	/* Turned round, the interval is. */
	assert_int_equal(results_compare_ranks(term, 10, early, 5, 0.99, &ratio, ci), 0);
	assert_near(ratio, 1 / 1.31176713707837, 1e-14);
	assert_near(ci[0], 1 / 2.147727272727273, 1e-14);
	assert_int_equal(results_compare_ranks(plant_control, 10, plant_treated, 10, 0.95, &ratio, ci), 0);
	assert_near(ratio, 0.91795667574346, 1e-13);
	assert_near(ci[0], 0.797777777777778, 1e-14);
	assert_near(ci[1], 1.061810154525386, 1e-14);
	assert_int_equal(results_compare_ranks(plant_control, 10, plant_treated, 10, 0.999, &ratio, ci), 0);
	assert_near(ci[0], 0.698443579766537, 1e-14);
	assert_near(ci[1], 1.173151750972763, 1e-14);
	/* 50 on each side: by the normal distribution */
	assert_int_equal(results_compare_ranks(nile, 50, nile + 50, 50, 0.95, &ratio, ci), 0);
	assert_near(ratio, 0.859504132231405, 1e-14);
	assert_near(ci[0], 0.799019607843137, 1e-14);
	assert_near(ci[1], 0.924501424501424, 1e-14);
	/* A value a hundred times as large moves the mean, and hardly this. */
	assert_int_equal(results_compare_ranks(plant_control, 10, far, 10, 0.95, &ratio, ci), 0);
	assert_true(ci[1] < 1.1);
	assert_int_equal(results_compare_means(plant_control, 10, far, 10, 0.95, &change), 0);
	assert_true(change.ratio_ci[1] > 10);
	assert_int_equal(results_compare_ranks(constant, 6, constant, 6, 0.95, &ratio, ci), 0);
	assert_true(ratio == 1 && ci[0] == 1 && ci[1] == 1);
	/* 2 of the 70 orders of four and four are at the ends: 97.1 % is the most that they can say. */
	assert_int_equal(results_compare_ranks(four, 4, four, 4, 0.97, &ratio, ci), 0);
	assert_near(ci[1], 4, 0);
	assert_int_equal(results_compare_ranks(four, 4, four, 4, 0.98, &ratio, ci), -ENODATA);
	assert_int_equal(results_compare_ranks(zero, 4, four, 4, 0.95, &ratio, ci), -EINVAL);
	assert_int_equal(results_compare_ranks(four, 4, zero, 4, 0.95, &ratio, ci), -EINVAL);
	assert_int_equal(results_compare_ranks(four, 0, four, 4, 0.95, &ratio, ci), -EINVAL);
	assert_int_equal(results_compare_ranks(four, 4, four, 4, 1, &ratio, ci), -EINVAL);
}

/* R: cor.test(seq_along(x), x, method = "kendall", exact = FALSE, continuity = TRUE) */
static void test_trend(void **state)
{
	static const double equal[] = { 5, 5, 5, 5, 5, 5, 5, 5 };
	double z;
	double p;

	assert_int_equal(results_trend(nile, ARRAY_SIZE(nile), &z, &p), 0);
	assert_near(z, -4.12806652284, 1e-11);
	assert_near(p, 3.65826292166e-05, 1e-10);
	assert_int_equal(results_trend(nile + 29, 71, &z, &p), 0);
	assert_near(z, 0.893548782602, 1e-11);
	assert_near(p, 0.371563360272, 1e-11);
	assert_int_equal(results_trend(equal, ARRAY_SIZE(equal), &z, &p), 0);
	assert_true(z == 0 && p == 1);
	assert_int_equal(results_trend(equal, 7, &z, &p), -EINVAL);
}

/* A warm-up that dies away by e in @length values, on a level of 100 with a ripple */
static void make_series(double *values, size_t n, double height, double length)
{
	for (size_t i = 0; i < n; i++)
		values[i] = 100 + height * exp(-(double)i / length) + 3 * sin(12.9898 * i);
}

/*
 * One series on each side of a kexec: the old kernel's is steady from its begin, the new kernel's after its warm-up. Where
 * was found by known_answers.R, which tries each point by the definition.
 */
static void test_steady(void **state)
{
	struct results_steady steady;
	double values[80];

	make_series(values, 80, 0, 1);
	assert_int_equal(results_steady(values, 80, &steady), 0);
	assert_true(steady.steady && steady.begin == 0);
	assert_near(steady.trend_p, 0.9503080525070569, 1e-10);
	make_series(values, 80, 60, 8);
	assert_int_equal(results_steady(values, 80, &steady), 0);
	assert_true(steady.steady && steady.begin == 25);
	assert_near(steady.trend_p, 0.581136747036231, 1e-10);
	/* Values behind the last whole batch */
	assert_int_equal(results_steady(values, 78, &steady), 0);
	assert_true(steady.steady && steady.begin == 25);
	assert_near(steady.trend_p, 0.266029855888832, 1e-10);
	/* Too slow to become steady in that time; and both sides of the kexec are not one series */
	make_series(values, 80, 60, 60);
	assert_int_equal(results_steady(values, 80, &steady), 0);
	assert_true(!steady.steady);
	assert_near(steady.trend_p, 1.82893478049559e-08, 1e-8);
	assert_int_equal(results_steady(nile, ARRAY_SIZE(nile), &steady), 0);
	assert_true(steady.steady && steady.begin == 45);
	assert_near(steady.trend_p, 0.657839453755581, 1e-10);
	/* All equal: nothing to wait for. */
	for (size_t i = 0; i < 20; i++)
		values[i] = 7;
	assert_int_equal(results_steady(values, 20, &steady), 0);
	assert_true(steady.steady && steady.begin == 0);
	assert_int_equal(results_steady(values, 19, &steady), -EINVAL);
	values[3] = NAN;
	assert_int_equal(results_steady(values, 20, &steady), -EINVAL);
}

/* Of 10 values the median lies between the 2nd and the 9th, see test_median(): 0.1 and 4.6, around 1.75. */
static void test_stop(void **state)
{
	struct results_stop_rule rule = { .half_width = 1.3, .min_samples = 10 };
	static const double zeros[10] = { 0 };
	enum results_stop stop;
	double half_width;

	assert_int_equal(results_stop(&rule, sleep_2, 10, 1, &half_width, &stop), 0);
	assert_near(half_width, 2.25 / 1.75, 1e-14);
	assert_int_equal(stop, RESULTS_STOP_NARROW);
	rule.half_width = 1.28;
	assert_int_equal(results_stop(&rule, sleep_2, 10, 1e6, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_GO_ON);
	rule.max_samples = 10;
	assert_int_equal(results_stop(&rule, sleep_2, 9, 1, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_GO_ON);
	assert_int_equal(results_stop(&rule, sleep_2, 10, 1, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_STOP_BUDGET);
	rule.max_samples = 0;
	rule.max_seconds = 60;
	assert_int_equal(results_stop(&rule, sleep_2, 10, 59, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_GO_ON);
	assert_int_equal(results_stop(&rule, sleep_2, 10, 60, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_STOP_BUDGET);
	/* Narrow, but with too few values to be believed; none at all; both at once: narrow is what is told. */
	rule.half_width = 100;
	rule.min_samples = 11;
	assert_int_equal(results_stop(&rule, sleep_2, 10, 61, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_GO_ON);
	assert_int_equal(results_stop(&rule, NULL, 0, 1, &half_width, &stop), 0);
	assert_true(isnan(half_width) && stop == RESULTS_GO_ON);
	rule.min_samples = 2;
	assert_int_equal(results_stop(&rule, sleep_2, 10, 61, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_STOP_NARROW);
	/* Five values cannot say where the median is; and there is no share of 0. */
	assert_int_equal(results_stop(&rule, sleep_2, 5, 1, &half_width, &stop), 0);
	assert_true(isnan(half_width) && stop == RESULTS_GO_ON);
	assert_int_equal(results_stop(&rule, zeros, 10, 1, &half_width, &stop), 0);
	assert_true(isnan(half_width) && stop == RESULTS_GO_ON);
}

/* By the mean: with Student's t, from two values on. R: t.test(sleep$extra[11:20])$conf.int, and [11:15] */
static void test_stop_by_mean(void **state)
{
	struct results_stop_rule rule = { .of_mean = true, .half_width = 0.615, .min_samples = 5 };
	double half_width;
	enum results_stop stop;

	/* 2.33 [0.8976775, 3.7623225] */
	assert_int_equal(results_stop(&rule, sleep_2, 10, 0, &half_width, &stop), 0);
	assert_near(half_width, (3.7623225 - 0.8976775) / 2 / 2.33, 1e-6);
	assert_int_equal(stop, RESULTS_STOP_NARROW);
	rule.half_width = 0.614;
	assert_int_equal(results_stop(&rule, sleep_2, 10, 0, &half_width, &stop), 0);
	assert_int_equal(stop, RESULTS_GO_ON);
	assert_int_equal(results_stop(&rule, sleep_2, 1, 0, &half_width, &stop), 0);
	assert_true(isnan(half_width) && stop == RESULTS_GO_ON);
}

static void test_precise(void **state)
{
	static const double equal[] = { 7, 7, 7, 7, 7, 7 };
	static const double none[] = { 0, 0, 0, 0, 0, 0 };
	double half;

	assert_int_equal(results_precise(equal, RESULTS_PRECISE_MIN - 1, 1, &half), 0);
	assert_true(half == 0);
	assert_int_equal(results_precise(equal, RESULTS_PRECISE_MIN, 1, &half), 1);
	assert_int_equal(results_precise(sleep_2, 10, 61.5, &half), 1);
	assert_near(half, 61.47307, 1e-6);
	assert_int_equal(results_precise(sleep_2, 10, 61.4, &half), 0);
	/* A share of nothing is not known. */
	assert_int_equal(results_precise(none, 6, 1, &half), 0);
	assert_true(isnan(half));
	assert_int_equal(results_precise((const double[]){ 1, NAN }, 2, 1, &half), -EINVAL);
}

/* Three batches with the means 3, 8 and 13, and three values that make none. */
static void test_level(void **state)
{
	static const double series[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99, 99, 99 };
	double twice[ARRAY_SIZE(series)];
	struct results_change change;
	struct results_summary level;

	for (size_t i = 0; i < ARRAY_SIZE(series); i++)
		twice[i] = 2 * series[i];
	assert_int_equal(results_level(series, ARRAY_SIZE(series), &level), 0);
	assert_int_equal(level.n, 3);
	assert_true(level.mean == 8 && level.stddev == 5);
	/* 4.302653 * 5 / sqrt(3) */
	assert_near(level.ci95[1] - level.mean, 12.42069, 1e-4);
	assert_int_equal(results_level(series, 9, &level), -EINVAL);
	assert_int_equal(results_compare_levels(series, 18, twice, 18, &change), 0);
	assert_true(change.ratio == 2 && change.difference == 8);
	assert_int_equal(results_compare_levels(series, 18, twice, 9, &change), -EINVAL);
	assert_int_equal(results_compare_levels(series, 9, twice, 18, &change), -EINVAL);
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
		cmocka_unit_test(test_welch),
		cmocka_unit_test(test_fieller),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_trend),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_by_mean),
		cmocka_unit_test(test_precise),
		cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
