// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference: what a run met and counted, kept in the tree, and how another run differs from it.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

#define SCHEMA "flbench-reference/1"
/* Other compilers make other code, but not another algorithm. */
#define TOLERANCE 0.10
/*
 * What the agent does before the kexec decides by when the next kernel starts, hence its random numbers,
 * hence where things lie: another agent or kernel image moves counts by parts in a million, a boot by 1 %,
 * and with several nodes the few ranges that a pool consists of: 4475 of 77590 instructions were seen.
 */
#define FEW_INSTRUCTIONS 20000.

/* What the kernel counts before init starts: no user space is in it. */
static bool is_count(const struct results_metric *metric)
{
	return !strcmp(metric->unit, "instructions") &&
	       json_object_object_get_ex(metric->labels, "pages", NULL);
}

/* What is not defined is null, which is a NULL pointer for json-c. */
static bool add_number(struct json_object *object, const char *key, double number)
{
	char text[32];

	if (!isfinite(number))
		return object && !json_object_object_add(object, key, NULL);
	snprintf(text, sizeof(text), "%.10g", number);
	return results_json_add(object, key, json_object_new_double_s(number, text));
}

static const char *text_at(struct json_object *object, const char *outer, const char *key)
{
	struct json_object *value;
	const char *text = NULL;

	if (json_object_object_get_ex(object, outer, &value)) {
		if (json_object_is_type(value, json_type_array))
			value = json_object_array_get_idx(value, 0);
		text = results_get_string(value, key);
	}
	return text ? text : "unknown";
}

static struct json_object *toolchain(const struct results_model *model)
{
	struct json_object *object = json_object_new_object();

	if (results_json_add(object, "compiler",
		json_object_new_string(text_at(model->environment, "kernels", "compiler"))) &&
	    results_json_add(object, "qemu",
		json_object_new_string(text_at(model->environment, "qemu", "version"))))
		return object;
	json_object_put(object);
	return NULL;
}

/* What makes counts equal to the last instruction, seed and plan being the same. */
static struct json_object *image(const struct results_model *model)
{
	struct json_object *object = json_object_new_object();
	const char *initrd = results_get_string(model->environment, "initrd_hash");

	if (results_json_add(object, "kernel",
		json_object_new_string(text_at(model->environment, "kernels", "hash"))) &&
	    results_json_add(object, "initrd", json_object_new_string(initrd ? initrd : "unknown")))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *target_json(const struct results_target *target)
{
	struct json_object *object = json_object_new_object();

	if (results_json_add(object, "name", json_object_new_string(target->name)) &&
	    add_number(object, "stock", target->stock) && add_number(object, "ours", target->ours) &&
	    add_number(object, "value", target->value) &&
	    results_json_add(object, "state", json_object_new_string(results_target_state_name(target->state))))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *count_json(const struct results_metric *metric)
{
	struct json_object *object = json_object_new_object();

	if (results_json_add(object, "metric", json_object_new_string(metric->name)) &&
	    results_json_add(object, "labels", json_object_get(metric->labels)) &&
	    results_json_add(object, "value", json_object_new_int64(metric->summary.median)))
		return object;
	json_object_put(object);
	return NULL;
}

int results_reference_json(const struct results_model *model, struct json_object **json)
{
	struct json_object *targets __json = json_object_new_array();
	struct json_object *counts __json = json_object_new_array();
	struct json_object *object = json_object_new_object();
	bool ok = true;
	size_t i;
	size_t j;

	if (!model->nr_targets || !results_verdict_ok(model->verdict)) {
		json_object_put(object);
		return -ENODATA;
	}
	for (i = 0; i < model->nr_targets; i++)
		ok = ok && results_json_append(targets, target_json(&model->targets[i]));
	for (i = 0; i < model->nr_cases; i++)
		for (j = 0; j < model->cases[i].nr_metrics; j++)
			if (is_count(&model->cases[i].metrics[j]))
				ok = ok && results_json_append(counts, count_json(&model->cases[i].metrics[j]));
	ok = ok && results_json_add(object, "schema", json_object_new_string(SCHEMA)) &&
	     results_json_add(object, "set", json_object_new_string(model->target_set)) &&
	     results_json_add(object, "toolchain", toolchain(model)) &&
	     results_json_add(object, "image", image(model)) &&
	     results_json_add(object, "targets", json_object_get(targets)) &&
	     results_json_add(object, "counts", json_object_get(counts));
	if (!ok) {
		json_object_put(object);
		return -ENOMEM;
	}
	*json = object;
	return 0;
}

/* The array @key of a reference that is one, and of this set. */
static struct json_object *array_of(const struct results_model *model, struct json_object *reference,
				    const char *key)
{
	const char *schema = results_get_string(reference, "schema");
	const char *set = results_get_string(reference, "set");
	struct json_object *array;

	if (!schema || strcmp(schema, SCHEMA) || !set || !model->target_set ||
	    strcmp(set, model->target_set) || !json_object_object_get_ex(reference, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	return array;
}

/* The reference's line on a target, NULL if it has none. */
static struct json_object *line_of(struct json_object *targets, const char *name)
{
	size_t i;

	for (i = 0; i < json_object_array_length(targets); i++) {
		struct json_object *line = json_object_array_get_idx(targets, i);
		const char *other = results_get_string(line, "name");

		if (other && !strcmp(name, other))
			return line;
	}
	return NULL;
}

static void apply(struct results_model *model, struct json_object *targets)
{
	size_t i;

	for (i = 0; i < model->nr_targets; i++)
		model->targets[i].reference = results_target_state_parse(
			results_get_string(line_of(targets, model->targets[i].name), "state"));
}

int results_apply_reference(struct results_model *model)
{
	struct json_object *targets;

	if (!model->reference || !model->target_set)
		return 0;
	targets = array_of(model, model->reference, "targets");
	if (!targets)
		return results_add_note(model->notes, "reference.json is no reference for these targets");
	apply(model, targets);
	return 0;
}

static const struct results_metric *find_count(const struct results_model *model, const char *name,
					       struct json_object *labels)
{
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++)
		for (j = 0; j < model->cases[i].nr_metrics; j++)
			if (!strcmp(model->cases[i].metrics[j].name, name) &&
			    json_object_equal(model->cases[i].metrics[j].labels, labels))
				return &model->cases[i].metrics[j];
	return NULL;
}

static bool equals(const struct results_metric *metric, double value, bool exactly)
{
	double room = exactly ? 0 : fmax(value * TOLERANCE, FEW_INSTRUCTIONS);

	return metric->summary.min >= value - room && metric->summary.max <= value + room;
}

static int compare_counts(const struct results_model *model, struct json_object *counts, bool exactly,
			  struct json_object *differences)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < json_object_array_length(counts); i++) {
		struct json_object *line = json_object_array_get_idx(counts, i);
		const char *name = results_get_string(line, "metric");
		struct json_object *labels;
		struct json_object *value;
		const struct results_metric *metric;

		if (!name || !json_object_object_get_ex(line, "labels", &labels) ||
		    !json_object_object_get_ex(line, "value", &value))
			return -EINVAL;
		metric = find_count(model, name, labels);
		if (!metric)
			ret = results_add_note(differences, "%s %s: not measured", name,
					       json_object_get_string(labels));
		else if (!equals(metric, json_object_get_double(value), exactly))
			ret = results_add_note(differences, "%s %s: %.15g, in the reference %s", name,
					       json_object_get_string(labels), metric->summary.median,
					       json_object_get_string(value));
	}
	return ret;
}

static int compare_targets(const struct results_model *model, struct json_object *targets, bool same,
			   struct json_object *differences)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_targets; i++) {
		const struct results_target *target = &model->targets[i];
		struct json_object *line = line_of(targets, target->name);
		const char *state = results_get_string(line, "state");
		struct json_object *value = NULL;
		double off = 0;

		if (!line || !state)
			continue;
		json_object_object_get_ex(line, "value", &value);
		if (value)
			off = fabs(target->value / json_object_get_double(value) - 1);
		if (!strcmp(state, "met") && target->state != RESULTS_TARGET_MET)
			ret = results_add_note(differences, "%s: %s, in the reference met", target->name,
					       results_target_state_name(target->state));
		else if (!same && target->is_ratio && value && !(off <= TOLERANCE))
			ret = results_add_note(differences, "%s: %.4g, in the reference %s", target->name,
					       target->value, json_object_get_string(value));
	}
	return ret;
}

int results_reference_compare(const struct results_model *model, struct json_object *reference,
			      struct json_object *differences)
{
	struct json_object *targets = array_of(model, reference, "targets");
	struct json_object *counts = array_of(model, reference, "counts");
	struct json_object *my_toolchain __json = toolchain(model);
	struct json_object *my_image __json = image(model);
	struct json_object *their_toolchain;
	struct json_object *their_image;
	bool same;
	int ret;

	if (!my_toolchain || !my_image)
		return -ENOMEM;
	if (!targets || !counts || !json_object_object_get_ex(reference, "image", &their_image) ||
	    !json_object_object_get_ex(reference, "toolchain", &their_toolchain))
		return -EINVAL;
	same = json_object_equal(my_toolchain, their_toolchain);
	ret = compare_targets(model, targets, same, differences);
	if (!ret && same)
		ret = compare_counts(model, counts, json_object_equal(my_image, their_image), differences);
	return ret;
}
