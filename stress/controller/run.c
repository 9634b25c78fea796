// SPDX-License-Identifier: GPL-2.0-only
/* See run.h. */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <flbench/render.h>

#include "case.h"
#include "run.h"
#include "tables.h"
#include "util.h"

static void stop_on_signal(int number)
{
	stop_requested = number;
}

static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = stop_on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	/* A closed terminal must not end a run in the middle of a write. */
	signal(SIGPIPE, SIG_IGN);
}

struct reading {
	const struct plan_matrix *matrix;
	struct case_history *history;
};

static const char *text_of(struct json_object *event, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) ? json_object_get_string(value) : "";
}

/* Is this the verdict that the plan wants to see? */
static bool as_expected(const struct plan_case *plan_case, enum results_verdict verdict)
{
	enum results_verdict expected;

	if (results_verdict_parse(plan_text(plan_case, OPT_expect), &expected))
		expected = RESULTS_PASS;
	return expected == RESULTS_PASS ? results_verdict_ok(verdict) : verdict == expected;
}

static int take_history(void *context, struct json_object *event)
{
	struct reading *reading = context;
	const struct plan_case *plan_case = NULL;
	struct case_history *history = NULL;
	enum results_verdict verdict;
	struct json_object *attempt;

	if (strcmp(text_of(event, "event"), "case"))
		return 0;
	for (size_t i = 0; i < reading->matrix->nr_cases; i++) {
		if (!strcmp(reading->matrix->cases[i].name, text_of(event, "case"))) {
			plan_case = &reading->matrix->cases[i];
			history = &reading->history[i];
		}
	}
	if (!history)
		return 0;
	if (json_object_object_get_ex(event, "attempt", &attempt) &&
	    json_object_get_int(attempt) > history->attempts)
		history->attempts = json_object_get_int(attempt);
	history->finished = false;
	if (!strcmp(text_of(event, "state"), "end") &&
	    !results_verdict_parse(text_of(event, "verdict"), &verdict)) {
		history->verdict = verdict;
		/*
		 * These say that the case was not brought to its end, unless that is what a test
		 * plan wants to see.
		 */
		history->finished = (verdict != RESULTS_INCOMPLETE && verdict != RESULTS_ABORT &&
				     verdict != RESULTS_NOTRUN) ||
				    as_expected(plan_case, verdict);
	}
	return 0;
}

int run_history(const char *dir, const struct plan_matrix *matrix, struct case_history *history)
{
	struct reading reading = { .matrix = matrix, .history = history };

	memset(history, 0, matrix->nr_cases * sizeof(*history));
	return results_read_events(dir, "events.jsonl", take_history, &reading, NULL);
}

int run_check(const struct plan_matrix *matrix)
{
	for (size_t i = 0; i < matrix->nr_cases; i++) {
		const struct target_ops *ops =
			target_find(plan_text(&matrix->cases[i], OPT_target));
		struct plan_error error = { "" };
		int ret = ops->check(&matrix->cases[i], &error);

		if (ret) {
			say("%s", error.text);
			return ret == -EINVAL ? EXIT_BAD_INPUT : EXIT_CANNOT_RUN;
		}
	}
	return EXIT_PASS;
}

/* Did the user ask to stop the run after a case like this? */
static bool must_abort(const struct plan_case *plan_case, enum results_verdict verdict)
{
	static const struct {
		const char *choice;
		enum results_verdict verdict;
	} rows[] = {
		{ "fail", RESULTS_FAIL },
		{ "fail", RESULTS_DMESG_FAIL },
		/* A kernel that warned is tainted; there is no warning without. */
		{ "taint", RESULTS_DMESG_WARN },
		{ "taint", RESULTS_DMESG_FAIL },
		{ "warn", RESULTS_WARN },
		{ "warn", RESULTS_DMESG_WARN },
		{ "crash", RESULTS_CRASH },
		{ "timeout", RESULTS_TIMEOUT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].verdict == verdict &&
		    plan_has_choice(plan_case, OPT_abort_on, rows[i].choice))
			return !as_expected(plan_case, verdict);
	return false;
}

/*
 * What a verdict adds to that of the run: one that a test plan wants to see is as good as a pass.
 */
static enum results_verdict counts(const struct plan_case *plan_case, enum results_verdict verdict)
{
	if (!strcmp(plan_text(plan_case, OPT_expect), "pass"))
		return verdict;
	return as_expected(plan_case, verdict) ? RESULTS_PASS :
						 results_verdict_worse(verdict, RESULTS_FAIL);
}

static int write_run(struct results_store *store, const struct plan_matrix *matrix,
		     const char *state, const char *verdict)
{
	struct json_object *event __json = json_object_new_object();

	json_object_object_add(event, "event", json_object_new_string("run"));
	json_object_object_add(event, "state", json_object_new_string(state));
	json_object_object_add(event, "time", json_object_new_int64(time(NULL)));
	if (matrix->nr_cases)
		json_object_object_add(
			event, "target",
			json_object_new_string(plan_text(&matrix->cases[0], OPT_target)));
	if (verdict)
		json_object_object_add(event, "verdict", json_object_new_string(verdict));
	return results_store_append(store, event);
}

/* Seconds that the cases behind @index should take, without those that are finished. */
static double expected_after(const struct plan_matrix *matrix, const struct case_history *history,
			     size_t index)
{
	double seconds = 0;

	for (size_t i = index + 1; i < matrix->nr_cases; i++)
		if (!history || !history[i].finished)
			seconds += progress_expected(&matrix->cases[i]);
	return seconds;
}

/* Print what the run says of its targets. Return: how many were met before and are not now. */
static long tell_targets(const char *dir)
{
	struct results_model *model = NULL;
	int ret = results_model_load(dir, &model);
	long lost;

	if (ret)
		return ret;
	results_render_targets(model, stdout);
	lost = results_targets_lost(model);
	if (lost)
		say("%ld targets that the reference meets are not met", lost);
	results_model_free(model);
	return lost;
}

int run_matrix(struct results_store *store, const struct plan_matrix *matrix,
	       struct case_history *history, const char *progress_mode)
{
	enum results_verdict verdict = RESULTS_SKIP;
	struct progress progress;
	bool expected = true;
	int ret, published;
	long lost;

	catch_signals();
	progress_start(&progress, progress_mode, matrix);
	ret = write_run(store, matrix, "begin", NULL);
	for (size_t i = 0; !ret && i < matrix->nr_cases && !stop_requested; i++) {
		const struct plan_case *c = &matrix->cases[i];
		struct case_outcome outcome = { .verdict = RESULTS_NOTRUN };

		if (history && history[i].finished) {
			outcome.verdict = history[i].verdict;
			progress_kept(&progress, matrix, i, results_verdict_name(outcome.verdict));
		} else {
			progress_case(&progress, matrix, i, expected_after(matrix, history, i));
			ret = case_run(store, c, history ? history[i].attempts + 1 : 1, &progress,
				       &outcome);
			progress_done(&progress, results_verdict_name(outcome.verdict),
				      outcome.detail);
		}
		verdict = results_verdict_worse(verdict,
						ret ? RESULTS_ABORT : counts(c, outcome.verdict));
		expected = expected && as_expected(c, outcome.verdict);
		if (!ret && must_abort(c, outcome.verdict)) {
			say("stopping the run after case %s, as --abort-on says", c->name);
			verdict = RESULTS_ABORT;
			expected = false;
			break;
		}
	}
	if (stop_requested)
		verdict = RESULTS_ABORT;
	if (!ret)
		ret = write_run(store, matrix, "end", results_verdict_name(verdict));
	/* Also after an error: what is there is worth a report. */
	published = results_publish(store);
	if (published)
		say("%s: cannot write results.json and report.html: %s", results_store_path(store),
		    strerror(-published));
	if (published || ret)
		return EXIT_CANNOT_RUN;
	lost = stop_requested ? 0 : tell_targets(results_store_path(store));
	if (lost < 0)
		return EXIT_CANNOT_RUN;
	return expected && !lost && !stop_requested ? EXIT_PASS : EXIT_NOT_PASS;
}
