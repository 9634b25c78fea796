// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench reference: print what of a run is kept in the tree, or compare the run with what was kept.
 * What that is, and what counts as a difference, is up to the results library.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include <flbench/render.h>

#include "flbench.h"
#include "util.h"

static int print_reference(const struct results_model *model, const char *dir)
{
	struct json_object *json __json = NULL;
	int ret = results_reference_json(model, &json);

	if (ret == -ENODATA) {
		say("%s: no reference: it has no targets, or not all of it went well", dir);
		return EXIT_NOT_PASS;
	}
	if (ret) {
		say("%s: %s", dir, strerror(-ret));
		return EXIT_CANNOT_RUN;
	}
	printf("%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
								    JSON_C_TO_STRING_SPACED |
								    JSON_C_TO_STRING_NOSLASHESCAPE));
	return EXIT_PASS;
}

static int compare(const struct results_model *model, const char *dir, const char *path)
{
	struct json_object *reference __json = json_object_from_file(path);
	struct json_object *differences __json = json_object_new_array();
	size_t nr;
	int ret;

	if (!reference || !differences) {
		say("%s: cannot read the reference", path);
		return EXIT_BAD_INPUT;
	}
	ret = results_reference_compare(model, reference, differences);
	if (ret) {
		say("%s: %s", path,
		    ret == -EINVAL ? "no reference for the targets of this run" : strerror(-ret));
		return ret == -EINVAL ? EXIT_BAD_INPUT : EXIT_CANNOT_RUN;
	}
	nr = json_object_array_length(differences);
	for (size_t i = 0; i < nr; i++)
		printf("%s\n", json_object_get_string(json_object_array_get_idx(differences, i)));
	printf("%s: %zu differences from %s\n", dir, nr, path);
	return nr ? EXIT_NOT_PASS : EXIT_PASS;
}

int command_reference(const struct invocation *invocation)
{
	const char *path = flag_text(invocation, OPT_reference);
	struct results_model *model = NULL;
	int ret = results_model_load(invocation->arguments[0], &model);

	if (ret) {
		say("%s: %s", invocation->arguments[0],
		    ret == -ENOENT ? "not a results directory of flbench" : strerror(-ret));
		return EXIT_BAD_INPUT;
	}
	ret = *path ? compare(model, invocation->arguments[0], path) :
		      print_reference(model, invocation->arguments[0]);
	results_model_free(model);
	return ret;
}
