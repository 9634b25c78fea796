// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench resume: go on with a results directory from what is written in it. How cases run is
 * run.h's business.
 */
#include <errno.h>
#include <string.h>

#include <flbench/results.h>

#include "flbench.h"
#include "run.h"
#include "util.h"

static int open_store(const char *dir, struct results_store **store)
{
	int ret = results_store_open(dir, store);

	if (!ret)
		return EXIT_PASS;
	if (ret == -ENOENT)
		say("%s: not a results directory of flbench (no events.jsonl in it)", dir);
	else if (ret == -EBUSY)
		say("%s: another flbench is writing to it; wait for it or stop it", dir);
	else
		say("%s: cannot open the results directory: %s", dir, strerror(-ret));
	return EXIT_BAD_INPUT;
}

int command_resume(const struct invocation *invocation)
{
	const char *dir = invocation->arguments[0];
	char *path __freed = format_text("%s/plan.ini", dir);
	struct case_history *history __freed = NULL;
	struct results_store *store = NULL;
	struct plan_matrix matrix = { 0 };
	struct plan_error error = { "" };
	struct plan plan = { 0 };
	int ret;

	if (!path)
		return EXIT_CANNOT_RUN;
	ret = open_store(dir, &store);
	if (ret)
		return ret;
	ret = plan_read(&plan, path, &error);
	if (!ret)
		ret = plan_expand(&plan, NULL, &matrix, &error);
	if (ret) {
		say("%s", *error.text ? error.text : strerror(-ret));
		ret = EXIT_BAD_INPUT;
		goto out;
	}
	history = calloc(matrix.nr_cases, sizeof(*history));
	ret = history ? run_history(dir, &matrix, history) : -ENOMEM;
	if (ret) {
		say("%s/events.jsonl: cannot read: %s", dir, strerror(-ret));
		ret = EXIT_CANNOT_RUN;
		goto out;
	}
	ret = run_check(&matrix);
	if (!ret)
		ret = run_matrix(store, &matrix, history, flag_text(invocation, OPT_progress));
out:
	plan_matrix_free(&matrix);
	plan_free(&plan);
	results_store_close(store);
	return ret;
}
