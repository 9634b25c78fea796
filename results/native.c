// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was measured without a VM, on the machine that ran it: only ratios are taken from it, since they
 * mean something elsewhere.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

#define SCHEMA "flbench-native/1"

static bool get_number(struct json_object *object, const char *key, double *number)
{
	return results_get_number(object, key, number) && *number >= 0;
}

static bool get_interval(struct json_object *object, const char *key, double interval[2])
{
	struct json_object *array;
	size_t i;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array) || json_object_array_length(array) != 2)
		return false;
	for (i = 0; i < 2; i++)
		interval[i] = json_object_get_double(json_object_array_get_idx(array, i));
	return isfinite(interval[0]) && isfinite(interval[1]);
}

static struct json_object *measurements(const struct results_model *model)
{
	const char *schema = results_get_string(model->native, "schema");
	struct json_object *array;

	if (!schema || strcmp(schema, SCHEMA) || !results_get_string(model->native, "what") ||
	    !json_object_object_get_ex(model->native, "measurements", &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	return array;
}

bool results_native_row(const struct results_model *model, size_t i, struct results_native *row)
{
	static const char * const sides[] = { "stock", "ours" };
	struct json_object *array = model->native ? measurements(model) : NULL;
	struct json_object *line = array ? json_object_array_get_idx(array, i) : NULL;
	struct json_object *side;
	size_t j;

	if (!get_number(line, "pages", &row->pages) || !get_number(line, "n", &row->n) ||
	    !get_number(line, "ratio", &row->ratio) || !get_interval(line, "ratio_ci95", row->ci95))
		return false;
	for (j = 0; j < ARRAY_SIZE(sides); j++)
		if (!json_object_object_get_ex(line, sides[j], &side) ||
		    !get_number(side, "outliers", &row->outliers[j]))
			return false;
	return true;
}

void results_native_sentence(const struct results_model *model, FILE *out)
{
	const char *what = results_get_string(model->native, "what");
	struct json_object *host;
	const char *cpu = NULL;

	if (json_object_object_get_ex(model->environment, "host", &host))
		cpu = results_get_string(host, "cpu");
	fprintf(out, "Measured natively on the machine that ran this (%s), in processor time, both in one "
		"process and by turns: %s. How many times as long stock takes, the median over the runs; "
		"outliers are counted, not left out.",
		cpu ? cpu : "unknown processor", what);
}

int results_check_native(struct results_model *model)
{
	struct json_object *array = model->native ? measurements(model) : NULL;
	struct results_native row;
	size_t i = 0;

	if (!model->native)
		return 0;
	while (array && results_native_row(model, i, &row))
		i++;
	if (array && i && i == json_object_array_length(array))
		return 0;
	json_object_put(model->native);
	model->native = NULL;
	return results_add_note(model->notes, "native.json is not what preserve-native writes");
}
