// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the renderer, and writes what is derived from the events into the results directory.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "render_internal.h"

static int render_json(const struct results_model *model, FILE *out)
{
	struct json_object *json __json = NULL;
	const char *text;
	int ret;

	ret = results_model_json(model, &json);
	if (ret)
		return ret;
	text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}

static const struct {
	const char *name;
	int (*render)(const struct results_model *model, FILE *out);
} formats[] = {
	[RESULTS_TEXT] = { "text", results_render_text },
	[RESULTS_JSON] = { "json", render_json },
	[RESULTS_CSV] = { "csv", results_render_csv },
	[RESULTS_KTAP] = { "ktap", results_render_ktap },
	[RESULTS_KCIDB] = { "kcidb", results_render_kcidb },
};

int results_format_parse(const char *name, enum results_format *format)
{
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(name, formats[i].name)) {
			*format = i;
			return 0;
		}
	}
	return -EINVAL;
}

int results_render(const struct results_model *model, enum results_format format, FILE *out)
{
	int ret = formats[format].render(model, out);

	if (!ret && (fflush(out) || ferror(out)))
		ret = -EIO;
	return ret;
}

static int write_report(struct results_store *store, const struct results_model *model)
{
	char *page __freed = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);
	int ret;

	if (!out)
		return -ENOMEM;
	ret = results_report(model, out);
	if (fclose(out) && !ret)
		ret = -ENOMEM;
	if (!ret)
		ret = results_store_write(store, "report.html", page, len);
	return ret;
}

int results_publish(struct results_store *store)
{
	struct json_object *json __json = NULL;
	struct results_model *model = NULL;
	int ret;

	ret = results_model_load(results_store_path(store), &model);
	if (ret)
		return ret;
	/* It is our own lock that makes the directory look busy. */
	model->busy = false;
	ret = results_model_json(model, &json);
	if (!ret)
		ret = results_store_write_json(store, "results.json", json);
	if (!ret)
		ret = write_report(store, model);
	results_model_free(model);
	return ret;
}
