// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run as KTAP version 1 (Documentation/dev-tools/ktap.rst): cases are tests, checks subtests.
 */
#include <inttypes.h>
#include <string.h>

#include "internal.h"
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

static void put_case(const struct results_case *test, size_t number, FILE *out)
{
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
		put_case(&model->cases[i], i + 1, out);
	return 0;
}
