/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of what programs report as JSON; one that is missing is no error of ours. */
#ifndef FLBENCH_AGENT_JSON_H
#define FLBENCH_AGENT_JSON_H

#include <json-c/json.h>
#include <stdint.h>

/* NULL if it is missing, or @object is. */
static inline struct json_object *json_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return value;
}

/* "" if it is missing. */
static inline const char *json_text(struct json_object *object, const char *key)
{
	struct json_object *value = json_member(object, key);

	return value ? json_object_get_string(value) : "";
}

/* -1 if it is missing. */
static inline int64_t json_number(struct json_object *object, const char *key)
{
	struct json_object *value = json_member(object, key);

	return value ? json_object_get_int64(value) : -1;
}

#endif
