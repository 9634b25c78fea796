// SPDX-License-Identifier: GPL-2.0-only
/*
 * Building JSON: a NULL value is a lack of memory, and what cannot be added is freed.
 */
#include <math.h>

#include "internal.h"
#include "model_internal.h"

/* Beyond this a double skips integers. */
#define MAX_EXACT 9007199254740992.0

bool results_json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (object && value && !json_object_object_add(object, key, value))
		return true;
	json_object_put(value);
	return false;
}

bool results_json_append(struct json_object *array, struct json_object *value)
{
	if (array && value && !json_object_array_add(array, value))
		return true;
	json_object_put(value);
	return false;
}

struct json_object *results_json_number(double number)
{
	char text[32];

	if (!isfinite(number))
		return NULL;
	if (number == trunc(number) && fabs(number) < MAX_EXACT)
		return json_object_new_int64(number);
	snprintf(text, sizeof(text), "%.15g", number);
	return json_object_new_double_s(number, text);
}
