// SPDX-License-Identifier: GPL-2.0-only
/* See publish.h. */
#include <json-c/json.h>
#include <string.h>

#include <flbench/model.h>

#include "publish.h"
#include "util.h"

int publish_results(struct results_store *store)
{
	struct json_object *json __json = NULL;
	struct results_model *model = NULL;
	int ret;

	ret = results_model_load(results_store_path(store), &model);
	if (!ret)
		ret = results_model_json(model, &json);
	if (!ret)
		ret = results_store_write_json(store, "results.json", json);
	if (ret)
		say("%s: cannot write results.json: %s", results_store_path(store), strerror(-ret));
	results_model_free(model);
	return ret;
}
