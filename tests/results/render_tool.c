// SPDX-License-Identifier: GPL-2.0-only
/*
 * For developers: render a results directory in any format, or "html", to standard output. The
 * program that users have is flbench.
 */
#include <stdio.h>
#include <string.h>

#include <flbench/render.h>

int main(int argc, char **argv)
{
	enum results_format format = RESULTS_TEXT;
	struct results_model *model = NULL;
	bool html;
	int ret;

	if (argc != 3) {
		fprintf(stderr, "usage: render_tool DIR text|json|csv|ktap|kcidb|html\n");
		return 2;
	}
	html = !strcmp(argv[2], "html");
	if (!html && results_format_parse(argv[2], &format)) {
		fprintf(stderr, "render_tool: no such format: %s\n", argv[2]);
		return 2;
	}
	ret = results_model_load(argv[1], &model);
	if (!ret)
		ret = html ? results_report(model, stdout) : results_render(model, format, stdout);
	if (ret)
		fprintf(stderr, "render_tool: %s: %s\n", argv[1], strerror(-ret));
	results_model_free(model);
	return ret ? 1 : 0;
}
