// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fio measured, on the recorded run "fio": each case has one answer, and the ones beside it show
 * that it could be another.
 */
#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <flbench/model.h>

static const char *fixtures;

/* Unlike cmocka's, false for what is not a number. */
static void same(double value, double wanted, double room)
{
	if (!(fabs(value - wanted) <= room))
		fail_msg("%.12g, not %.12g", value, wanted);
}

static struct results_model *load(const char *name)
{
	struct results_model *model = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", fixtures, name);
	assert_int_equal(results_model_load(path, &model), 0);
	return model;
}

static const struct results_restored *restored(const struct results_model *model, const char *name)
{
	for (size_t i = 0; i < model->nr_restored; i++)
		if (!strcmp(model->restored[i].in->name, name))
			return &model->restored[i];
	fail_msg("nothing of case %s", name);
	return NULL;
}

static const struct results_rate *rate(const struct results_model *model, const char *name,
				       const char *what)
{
	for (size_t i = 0; i < model->nr_rates; i++)
		if (!strcmp(model->rates[i].in->name, name) && !strcmp(model->rates[i].what, what))
			return &model->rates[i];
	fail_msg("case %s has no row %s", name, what);
	return NULL;
}

static void test_restored(void **state)
{
	struct results_model *model = load("fio");
	/* Half of them this, half the inverse: Student's t at 0.975 with 7 degrees of freedom is 2.364624. */
	double deviation = log(1610. / 1600) * sqrt(8. / 7);
	double half = 2.364624 * deviation / sqrt(8);
	const struct results_restored *r = restored(model, "equal");

	assert_int_equal(model->nr_restored, 8);
	assert_int_equal(r->n, 8);
	same(r->ratio, 1, 1e-12);
	same(r->ci95[0], exp(-half), 1e-8);
	same(r->ci95[1], exp(half), 1e-8);
	assert_string_equal(r->met, "met");

	/* More instructions over the restored domain are less throughput. */
	r = restored(model, "slow");
	assert_true(r->ratio > 0.66 && r->ratio < 0.67 && r->ci95[1] < 0.67);
	assert_string_equal(r->met, "not met");

	r = restored(model, "unclear");
	assert_true(r->ci95[0] < 0.99 && r->ci95[1] > 0.99);
	assert_string_equal(r->met, "undecided");

	/* A single one is no proof, however good it looks; and there are pairs of one kernel only. */
	r = restored(model, "once");
	same(r->ratio, 1, 0);
	assert_true(isnan(r->ci95[0]));
	assert_string_equal(r->met, "undecided");
	/* Nor are two that agree by chance, which leaves the interval a point. */
	r = restored(model, "twice");
	assert_int_equal(r->n, 2);
	same(r->ci95[0], 1, 0);
	assert_string_equal(r->met, "undecided");
	/* What one kernel measured twice is one value. */
	r = restored(model, "repeated");
	assert_int_equal(r->n, 3);
	same(r->ratio, 1, 1e-12);
	same(r->ci95[0], 1, 1e-12);
	assert_string_equal(r->met, "met");
	r = restored(model, "unpaired");
	assert_int_equal(r->n, 0);
	assert_true(isnan(r->ratio));
	assert_string_equal(r->met, "not measured");

	/* Fewer bytes a second are less throughput; without any spread the interval is a point. */
	r = restored(model, "timed");
	same(r->ratio, 0.8, 1e-12);
	same(r->ci95[1], 0.8, 1e-12);
	assert_string_equal(r->met, "not met");
	results_model_free(model);
}

static void test_rates(void **state)
{
	struct results_model *model = load("fio");

	/* Where one case has the IOMMU off all are by that: 5005. */
	same(rate(model, "by-off", "kernel's driver, interrupts")->relative, 1, 1e-12);
	same(rate(model, "by-strict", "kernel's driver, interrupts")->relative, 0.5, 1e-12);
	same(rate(model, "equal", "kernel's driver, interrupts")->relative, 5005. / 6000,
			   1e-12);
	same(rate(model, "equal", "ours, interrupts")->relative, 5005. / 1500, 1e-12);
	same(rate(model, "equal", "kernel's driver, polled, with waiting")->relative,
			   5005. / 7000, 1e-12);
	/* Bytes a second are no instructions: by what the same case has. */
	same(rate(model, "timed", "ours, polled")->relative, 1.25, 1e-12);
	same(rate(model, "once", "ours, polled, fresh domain")->relative, 5005. / 1600,
			   1e-12);
	/* Only in the unit that the name has. */
	for (size_t i = 0; i < model->nr_rates; i++)
		assert_string_not_equal(model->rates[i].in->name, "other-unit");
	/* The mode of the IOMMU tells the cases of one scenario apart. */
	assert_string_equal(json_object_get_string(json_object_object_get(
				    rate(model, "by-strict", "kernel's driver, interrupts")->in->labels,
				    "translation")),
			    "strict");
	assert_null(json_object_object_get(restored(model, "equal")->in->labels, "translation"));
	results_model_free(model);

	/* Other runs have nothing of it. */
	model = load("complete");
	assert_int_equal(model->nr_rates, 0);
	assert_int_equal(model->nr_restored, 0);
	results_model_free(model);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_rates),
	};

	fixtures = argc > 1 ? argv[1] : "fixtures";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
