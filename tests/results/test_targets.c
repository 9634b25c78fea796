// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets, and the comparison with a reference, on the recorded run "pages": stock takes 20 N^2
 * instructions there, ours 2500 N.
 */
#include <errno.h>
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

static struct results_model *load(void)
{
	struct results_model *model = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/pages", fixtures);
	assert_int_equal(results_model_load(path, &model), 0);
	return model;
}

static const struct results_target *target(const struct results_model *model, const char *name)
{
	for (size_t i = 0; i < model->nr_targets; i++)
		if (!strcmp(model->targets[i].name, name))
			return &model->targets[i];
	fail_msg("no target %s", name);
	return NULL;
}

static void test_judged(void **state)
{
	struct results_model *model = load();
	const struct results_target *t = target(model, "memory-init-scattered");

	assert_float_equal(t->stock, 20. * 16384 * 16384, 1);
	assert_float_equal(t->ours, 2500. * 16384, 1);
	assert_float_equal(t->value, 2500 / (20. * 16384), 1e-9);
	assert_true(t->is_ratio);
	assert_int_equal(t->state, RESULTS_TARGET_NOT_MET);
	assert_true(results_target_is_lost(t));

	t = target(model, "memory-init-growth");
	assert_float_equal(t->ours, 1, 1e-9);
	/* Stock has no value at 32768, and tells its growth all the same. */
	assert_float_equal(t->stock, 2, 1e-9);
	assert_int_equal(t->state, RESULTS_TARGET_MET);
	assert_false(results_target_is_lost(t));

	/* The one for the pool takes nothing from another layout; a page of stock took 400. */
	t = target(model, "restore-pooled");
	assert_true(isnan(t->ours));
	assert_float_equal(t->stock, 400, 1e-9);
	assert_int_equal(t->state, RESULTS_TARGET_NOT_MEASURED);
	assert_true(results_target_is_lost(t));
	assert_int_equal(results_targets_lost(model), 2);
	results_model_free(model);
}

static size_t differences(const struct results_model *model, struct json_object *reference)
{
	struct json_object *list = json_object_new_array();
	size_t nr;

	assert_int_equal(results_reference_compare(model, reference, list), 0);
	nr = json_object_array_length(list);
	json_object_put(list);
	return nr;
}

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(object, key, &value));
	return value;
}

static struct json_object *first(struct json_object *reference, const char *key)
{
	return json_object_array_get_idx(member(reference, key), 0);
}

static void set(struct json_object *object, const char *key, double value)
{
	json_object_object_add(object, key, json_object_new_double(value));
}

static void test_reference(void **state)
{
	struct results_model *model = load();
	struct json_object *reference = NULL;
	struct json_object *count;
	struct json_object *ratio;
	double value;

	assert_int_equal(results_reference_json(model, &reference), 0);
	/* Seven cases of five counts; regions are no instructions. */
	assert_int_equal(json_object_array_length(member(reference, "counts")), 35);
	assert_int_equal(differences(model, reference), 0);

	/* With the same images by one instruction, with others by more than 10 %, or than 20000. */
	count = first(reference, "counts");
	value = json_object_get_double(member(count, "value"));
	set(count, "value", value + 1);
	assert_int_equal(differences(model, reference), 1);
	json_object_object_add(member(reference, "image"), "initrd", json_object_new_string("other"));
	assert_int_equal(differences(model, reference), 0);
	set(count, "value", value * 0.93);
	assert_int_equal(differences(model, reference), 0);
	set(count, "value", value * 0.89);
	assert_int_equal(differences(model, reference), 1);
	set(count, "value", value * 1.13);
	assert_int_equal(differences(model, reference), 1);

	/* Another compiler: no counts, but ratios by more than 10 %; not what is no ratio. */
	json_object_object_add(member(reference, "toolchain"), "compiler", json_object_new_string("other"));
	assert_int_equal(differences(model, reference), 0);
	ratio = first(reference, "targets");
	value = json_object_get_double(member(ratio, "value"));
	set(ratio, "value", value * 1.09);
	assert_int_equal(differences(model, reference), 0);
	set(ratio, "value", value * 1.13);
	assert_int_equal(differences(model, reference), 1);
	set(ratio, "value", value * 0.89);
	assert_int_equal(differences(model, reference), 1);
	set(ratio, "value", value);
	/* A target that is lost, always. */
	json_object_object_add(ratio, "state", json_object_new_string("met"));
	assert_int_equal(differences(model, reference), 1);
	json_object_put(reference);
	results_model_free(model);
}

/* What was counted there and is not here is a difference, too. */
static void test_count_missing(void **state)
{
	struct results_model *model = load();
	struct json_object *reference = NULL;

	assert_int_equal(results_reference_json(model, &reference), 0);
	json_object_object_add(first(reference, "counts"), "metric",
			       json_object_new_string("other_instructions"));
	assert_int_equal(differences(model, reference), 1);
	json_object_put(reference);
	results_model_free(model);
}

static void test_no_reference(void **state)
{
	struct results_model *model = load();
	struct json_object *reference = NULL;
	struct json_object *list = json_object_new_array();

	assert_int_equal(results_reference_json(model, &reference), 0);
	json_object_object_add(reference, "set", json_object_new_string("scaling"));
	assert_int_equal(results_reference_compare(model, reference, list), -EINVAL);
	json_object_object_add(reference, "set", json_object_new_string("quick"));
	assert_int_equal(results_reference_compare(model, reference, list), 0);
	json_object_object_del(reference, "counts");
	assert_int_equal(results_reference_compare(model, reference, list), -EINVAL);
	json_object_put(reference);
	/* A run that failed is no reference for others. */
	model->verdict = RESULTS_FAIL;
	assert_int_equal(results_reference_json(model, &reference), -ENODATA);
	json_object_put(list);
	results_model_free(model);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_count_missing),
		cmocka_unit_test(test_no_reference),
	};

	if (argc != 2)
		return 2;
	fixtures = argv[1];
	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
