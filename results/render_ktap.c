// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run as KTAP version 1 (Documentation/dev-tools/ktap.rst): cases are tests, checks subtests.
 */
#include <inttypes.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

/* '#' starts a directive and a newline ends the result: neither may be in a description. */
static void put_words(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text == '#' || *text == '\n' || *text == '\r' ? '_' : *text, out);
}

static void put_checks(const struct results_case *test, FILE *out)
{
	const struct results_check *check;
	size_t i;

	fprintf(out, "  KTAP version 1\n  # Subtest: ");
	put_words(out, test->name);
	fprintf(out, "\n  1..%zu\n", test->nr_checks);
	for (i = 0; i < test->nr_checks; i++) {
		check = &test->checks[i];
		fprintf(out, "  # passed %zu, failed %zu, skipped %zu\n", check->passed,
			check->failed, check->skipped);
		if (check->verdict == RESULTS_FAIL && *check->detail) {
			fprintf(out, "  # ");
			put_words(out, check->detail);
			fputc('\n', out);
		}
		fprintf(out, "  %s %zu ", check->verdict == RESULTS_FAIL ? "not ok" : "ok", i + 1);
		put_words(out, check->name);
		if (check->verdict == RESULTS_SKIP) {
			fprintf(out, " # SKIP ");
			put_words(out, check->detail);
		}
		fputc('\n', out);
	}
}

/* KTAP has no place for numbers but its diagnostic lines. */
static void put_devices(const struct results_model *model, const struct results_case *test,
			FILE *out)
{
	const char *devices[RESULTS_MAX_DEVICES];
	size_t n = results_dma_devices(test, devices);
	const struct results_metric *metric;
	const char *separator;
	size_t i;
	size_t j;

	if (n)
		fprintf(out, "# median [max] over cycles; %s\n", results_clock_sentence(model));
	for (i = 0; i < n; i++) {
		separator = ": ";
		fprintf(out, "# device ");
		put_words(out, devices[i]);
		for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++) {
			metric = results_device_metric(test, results_dma_columns[j].metric,
						       devices[i]);
			if (!metric)
				continue;
			fprintf(out, "%s%s %.15g [%.15g]", separator, metric->name,
				metric->summary.median, metric->summary.max);
			separator = ", ";
		}
		fputc('\n', out);
	}
}

static void put_case(const struct results_model *model, size_t number, FILE *out)
{
	const struct results_case *test = &model->cases[number - 1];
	bool ok = results_verdict_ok(test->counts);

	if (test->nr_checks)
		put_checks(test, out);
	fprintf(out, "# verdict %s%s, %" PRId64 " of %" PRId64 " cycles, attempt %u\n",
		results_verdict_name(test->verdict),
		ok && test->expect != RESULTS_PASS ? " as the plan expects" : "",
		test->cycles_completed, test->cycles_planned, test->attempts);
	if (*test->detail) {
		fprintf(out, "# ");
		put_words(out, test->detail);
		fputc('\n', out);
	}
	put_devices(model, test, out);
	fprintf(out, "%s %zu ", ok || test->verdict == RESULTS_NOTRUN ? "ok" : "not ok", number);
	put_words(out, test->name);
	if (test->verdict == RESULTS_SKIP || test->verdict == RESULTS_NOTRUN)
		fprintf(out, " # SKIP %s", results_verdict_name(test->verdict));
	else if (!ok && test->verdict == RESULTS_TIMEOUT)
		fprintf(out, " # TIMEOUT");
	else if (!ok && (test->verdict == RESULTS_CRASH || test->verdict == RESULTS_ABORT ||
			 test->verdict == RESULTS_INCOMPLETE))
		fprintf(out, " # ERROR %s", results_verdict_name(test->verdict));
	fputc('\n', out);
}

int results_render_ktap(const struct results_model *model, FILE *out)
{
	size_t i;

	fprintf(out, "KTAP version 1\n1..%zu\n", model->nr_cases);
	for (i = 0; i < model->nr_cases; i++)
		put_case(model, i + 1, out);
	return 0;
}
