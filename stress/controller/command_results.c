// SPDX-License-Identifier: GPL-2.0-only
/* flbench results: print what a results directory holds. How it looks is up to the results library. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include <flbench/model.h>

#include "flbench.h"
#include "util.h"

int command_results(const struct invocation *invocation)
{
	struct json_object *json __json = NULL;
	struct results_model *model = NULL;
	int ret;

	ret = results_model_load(invocation->argument, &model);
	if (ret) {
		say("%s: %s", invocation->argument, ret == -ENOENT ? "not a results directory of flbench" : strerror(-ret));
		return EXIT_BAD_INPUT;
	}
	ret = results_model_json(model, &json);
	if (!ret)
		puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	results_model_free(model);
	return ret ? EXIT_CANNOT_RUN : EXIT_PASS;
}
