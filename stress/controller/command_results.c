// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench results: print what a results directory holds. How it looks is up to the results library.
 */
#include <errno.h>
#include <string.h>

#include <flbench/render.h>

#include "flbench.h"
#include "util.h"

int command_results(const struct invocation *invocation)
{
	struct results_model *model = NULL;
	enum results_format format;
	int ret;

	ret = results_format_parse(flag_text(invocation, OPT_format), &format);
	if (!ret)
		ret = results_model_load(invocation->arguments[0], &model);
	if (ret) {
		say("%s: %s", invocation->arguments[0],
		    ret == -ENOENT ? "not a results directory of flbench" : strerror(-ret));
		return EXIT_BAD_INPUT;
	}
	ret = results_render(model, format, stdout);
	if (ret)
		say("%s: cannot print the results: %s", invocation->arguments[0], strerror(-ret));
	results_model_free(model);
	return ret ? EXIT_CANNOT_RUN : EXIT_PASS;
}
