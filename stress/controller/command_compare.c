// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench compare: is a run worse than another? What counts as worse is up to the results library.
 */
#include <errno.h>
#include <string.h>

#include <flbench/compare.h>
#include <flbench/render.h>

#include "flbench.h"
#include "util.h"

static struct results_model *load(const char *dir)
{
	struct results_model *model = NULL;
	char *objection __freed = NULL;
	int ret = results_model_load(dir, &model);

	if (ret) {
		say("%s: %s", dir,
		    ret == -ENOENT || ret == -ENOTDIR ? "not a results directory of flbench" :
							strerror(-ret));
		return NULL;
	}
	ret = results_compare_objection(model, &objection);
	if (!ret && !objection)
		return model;
	say("%s: %s", dir, ret ? strerror(-ret) : objection);
	results_model_free(model);
	return NULL;
}

static int compare(const struct invocation *invocation, const struct results_model *base,
		   const struct results_model *new, double threshold, bool json)
{
	const char *pattern = invocation->flags.text[OPT_metric];
	struct results_comparison *comparison = NULL;
	int ret = results_compare(base, new, threshold, pattern, &comparison);

	if (ret == -ENODATA) {
		say("%s and %s have no metric in common%s%s whose better direction is known; nothing to compare",
		    base->dir, new->dir, pattern ? " by the name of " : "", pattern ? pattern : "");
		return EXIT_BAD_INPUT;
	}
	if (!ret)
		ret = results_render_comparison(comparison, json, stdout);
	if (ret) {
		say("cannot compare %s with %s: %s", base->dir, new->dir, strerror(-ret));
		results_comparison_free(comparison);
		return EXIT_CANNOT_RUN;
	}
	ret = comparison->outcome == RESULTS_WORSE ? EXIT_NOT_PASS : EXIT_PASS;
	if (comparison->outcome == RESULTS_UNDECIDED) {
		say("not comparable: no metric could be decided; run more cycles, or give a larger --threshold");
		ret = EXIT_BAD_INPUT;
	}
	results_comparison_free(comparison);
	return ret;
}

int command_compare(const struct invocation *invocation)
{
	double threshold = strtod(flag_text(invocation, OPT_threshold), NULL) / 100;
	const char *format = flag_text(invocation, OPT_format);
	struct results_model *base;
	struct results_model *new = NULL;
	int ret = EXIT_BAD_INPUT;

	if (strcmp(format, "text") && strcmp(format, "json")) {
		say("--format: flbench compare prints text or json, not %s", format);
		return EXIT_BAD_INPUT;
	}
	base = load(invocation->arguments[0]);
	if (base)
		new = load(invocation->arguments[1]);
	if (new)
		ret = compare(invocation, base, new, threshold, !strcmp(format, "json"));
	results_model_free(new);
	results_model_free(base);
	return ret;
}
