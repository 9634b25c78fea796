// SPDX-License-Identifier: GPL-2.0-only
/* See case.h. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "case.h"
#include "events.h"
#include "tables.h"
#include "util.h"
#include "verdict.h"

/*
 * How often the files are looked at. Far below what a person notices, far above what costs
 * anything.
 */
#define POLL_MS 100
/* What the name of a job file consists of. */
#define FIO_NAME "abcdefghijklmnopqrstuvwxyz0123456789-"
/* After "done" the guest only has to power off. */
#define POWER_OFF_SECONDS 20

volatile sig_atomic_t stop_requested;

/* Everything that one run of a case needs at hand. */
struct run {
	struct results_store *store;
	const struct plan_case *plan_case;
	int attempt;
	struct progress *progress;
	struct target target;
	struct line_reader events;
	struct line_reader console;
	struct line_reader outside;
	struct event_stream stream;
	struct verdict verdict;
	char stage[32];
	bool console_says; /* what the plan wants to see there */
	int error; /* of writing results */
};

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, long long number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

struct json_object *case_json(const struct plan_case *c)
{
	static const enum option_id numbers[] = { OPT_cycles,	  OPT_domains,	OPT_devices,
						  OPT_iommufds,	  OPT_mappings, OPT_seed,
						  OPT_ring,	  OPT_fault_cycle, OPT_marked,
						  OPT_large };
	static const enum option_id page_numbers[] = { OPT_pages, OPT_nodes };
	static const enum option_id page_texts[] = { OPT_layout, OPT_method };
	static const enum option_id texts[] = { OPT_iommu, OPT_workload, OPT_scenario, OPT_fault,
						OPT_next_append, OPT_fio_mapping,
						OPT_fio_fault,	 OPT_fio_measure,
						OPT_translation, OPT_dpdk_fault };
	static const enum option_id flags[] = { OPT_preserve, OPT_kmemleak, OPT_kunit,
						OPT_edu_bridge };
	static const enum option_id percents[] = { OPT_precision, OPT_slowdown };
	const char *unit = plan_text(c, OPT_unit);
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	add_text(object, "name", c->name);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add_text(object, plan_option(texts[i])->name, plan_text(c, texts[i]));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		add_number(object, plan_option(numbers[i])->name, plan_number(c, numbers[i]));
	if (!strcmp(plan_text(c, OPT_scenario), "preserve-pages")) {
		for (size_t i = 0; i < ARRAY_SIZE(page_texts); i++)
			add_text(object, plan_option(page_texts[i])->name,
				 plan_text(c, page_texts[i]));
		for (size_t i = 0; i < ARRAY_SIZE(page_numbers); i++)
			add_number(object, plan_option(page_numbers[i])->name,
				   plan_number(c, page_numbers[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++)
		json_object_object_add(object, plan_option(percents[i])->name,
				       json_object_new_double(plan_percent(c, percents[i])));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_object_object_add(object, plan_option(flags[i])->name,
				       json_object_new_boolean(plan_bool(c, flags[i])));
	if (!strcmp(unit, "auto"))
		unit = plan_bool(c, OPT_icount) ? "instructions" : "ns";
	add_text(object, "unit", unit);
	/* Where target_vm.c puts the images in the guest. */
	add_text(object, "kernel", "/boot/bzImage");
	json_object_object_add(object, "next_kernel",
			       *plan_text(c, OPT_next_kernel) ?
				       json_object_new_string("/boot/bzImage.next") :
				       NULL);
	return object;
}

/* What the case has to prove cycle after cycle, NULL if nothing in particular. */
static const char *const *proofs_owed(const struct plan_case *c)
{
	if (strcmp(plan_text(c, OPT_scenario), "loop") || !plan_bool(c, OPT_preserve))
		return NULL;
	return results_loop_proofs(plan_text(c, OPT_workload));
}

static void write_event(struct run *run, struct json_object *event)
{
	int ret;

	if (run->error)
		return;
	ret = results_store_append(run->store, event);
	if (ret) {
		run->error = ret;
		say("%s/events.jsonl: cannot write: %s; stopping, what was written stays readable",
		    results_store_path(run->store), strerror(-ret));
	}
}

/* What fio wrote is a file beside the logs of the case, and its name stays in the event. */
static void keep_fio(struct run *run, struct json_object *event)
{
	struct json_object *output = NULL, *name = NULL, *seq = NULL;
	char *path __freed = NULL;
	const char *text;
	int ret = -ENOMEM;

	json_object_object_get_ex(event, "output", &output);
	json_object_object_get_ex(event, "name", &name);
	json_object_object_get_ex(event, "seq", &seq);
	/* The guest's word: it names a file, and nothing else. */
	if (!output || !name || strspn(json_object_get_string(name), FIO_NAME) !=
				       strlen(json_object_get_string(name)))
		return;
	path = format_text(CASE_DIR "/fio-%03lld-%s.json", run->plan_case->name,
			   (long long)json_object_get_int64(seq), json_object_get_string(name));
	text = json_object_to_json_string_ext(output, JSON_C_TO_STRING_PRETTY);
	if (path && text)
		ret = results_store_write(run->store, path, text, strlen(text));
	if (ret) {
		run->error = run->error ? run->error : ret;
		say("%s/%s: cannot write: %s", results_store_path(run->store), path ? path : "?",
		    strerror(-ret));
		return;
	}
	json_object_object_del(event, "output");
	add_text(event, "file", path);
}

static int take_event(void *context, const char *line, size_t length)
{
	struct run *run = context;
	struct json_object *event __json = event_parse(&run->stream, line, length);
	struct json_object *value;

	if (!event)
		return 0;
	/* A question of the agent was answered where it was asked, and is no result. */
	if (json_object_object_get_ex(event, "event", &value) &&
	    !strcmp(json_object_get_string(value), "ask"))
		return 0;
	if (value && !strcmp(json_object_get_string(value), "fio"))
		keep_fio(run, event);
	verdict_event(&run->verdict, event);
	if (json_object_object_get_ex(event, "stage", &value))
		snprintf(run->stage, sizeof(run->stage), "%s", json_object_get_string(value));
	/* events.jsonl has all cases in it: each line says whose it is. */
	add_text(event, "case", run->plan_case->name);
	add_number(event, "attempt", run->attempt);
	write_event(run, event);
	return 0;
}

static int take_console(void *context, const char *line, size_t length)
{
	struct run *run = context;
	const char *wanted = plan_text(run->plan_case, OPT_expect_console);

	run->console_says = run->console_says || memmem(line, length, wanted, strlen(wanted));

	verdict_console(&run->verdict, line, length);
	return 0;
}

static int read_all(struct run *run, bool last)
{
	int ret = line_reader_poll(&run->console, last, take_console, run);

	if (!ret)
		ret = line_reader_poll(&run->outside, last, take_event, run);
	return ret ? ret : line_reader_poll(&run->events, last, take_event, run);
}

static void write_begin(struct run *run)
{
	struct json_object *event __json = json_object_new_object();

	add_text(event, "event", "case");
	add_text(event, "state", "begin");
	add_text(event, "case", run->plan_case->name);
	add_number(event, "attempt", run->attempt);
	add_number(event, "time", time(NULL));
	add_number(event, "cycles", run->verdict.planned);
	add_text(event, "scenario", plan_text(run->plan_case, OPT_scenario));
	add_text(event, "expect", plan_text(run->plan_case, OPT_expect));
	write_event(run, event);
}

static void write_end(struct run *run, const struct case_outcome *outcome, double seconds)
{
	struct json_object *event __json = json_object_new_object();
	struct json_object *tail = json_object_new_array();
	const char *line;

	add_text(event, "event", "case");
	add_text(event, "state", "end");
	add_text(event, "case", run->plan_case->name);
	add_number(event, "attempt", run->attempt);
	add_number(event, "time", time(NULL));
	json_object_object_add(event, "seconds", json_object_new_double(seconds));
	add_text(event, "verdict", results_verdict_name(outcome->verdict));
	add_text(event, "detail", outcome->detail);
	add_number(event, "cycles", verdict_completed(&run->verdict));
	add_number(event, "torn", run->stream.torn);
	add_number(event, "lost", run->stream.lost);
	add_number(event, "console_warnings", run->verdict.nr_warnings);
	/* When something went wrong, the last words of the kernel belong to the result. */
	if (!results_verdict_ok(outcome->verdict))
		for (int back = VERDICT_TAIL - 1; back >= 0; back--)
			if ((line = verdict_tail(&run->verdict, back)))
				json_object_array_add(tail, json_object_new_string(line));
	json_object_object_add(event, "console", tail);
	write_event(run, event);
}

/* Follow a target that runs until it has ended or must be ended. */
static enum ending follow(struct run *run, double started)
{
	const struct plan_case *c = run->plan_case;
	double case_end = started + plan_number(c, OPT_timeout);
	double patience = plan_number(c, OPT_inactivity_timeout);
	double last_sign = started, done_since = 0;
	unsigned long long bytes = 0;
	enum ending ending;

	for (;;) {
		struct pollfd wait = { .fd = run->target.ops->wait_fd(&run->target),
				       .events = POLLIN };
		double now;

		/* Asked before reading: what is read after the end is all there is. */
		ending = run->target.ops->ended(&run->target);
		if (read_all(run, ending != ENDING_NONE)) {
			say("%s: cannot read what the target writes", run->target.dir);
			run->error = run->error ? run->error : -EIO;
		}
		now = seconds_now();
		if (run->error)
			return ENDING_BROKEN;
		if (ending != ENDING_NONE)
			return ending;
		if (stop_requested)
			return ENDING_ABORTED;
		if (run->events.bytes + run->console.bytes != bytes) {
			bytes = run->events.bytes + run->console.bytes;
			last_sign = now;
		}
		if (run->verdict.done) {
			if (!done_since)
				done_since = now;
			else if (now - done_since > POWER_OFF_SECONDS)
				return ENDING_OFF;
		} else if (now > case_end) {
			return ENDING_TIMEOUT;
		} else if (now - last_sign > patience) {
			return ENDING_INACTIVE;
		}
		progress_update(run->progress, &run->verdict, run->stage);
		/* Interrupted by a signal is as good as over. */
		poll(&wait, 1, POLL_MS);
	}
}

/* What a test plan wants to see is not there: a verdict that it does not want either. */
static void refuse(struct run *run, struct case_outcome *outcome, const char *where,
		   const char *wanted)
{
	char detail[sizeof(outcome->detail)];

	snprintf(detail, sizeof(detail), "%s never says '%s': %.300s", where, wanted,
		 outcome->detail);
	memcpy(outcome->detail, detail, sizeof(detail));
	outcome->verdict = !strcmp(plan_text(run->plan_case, OPT_expect), "fail") ?
				   RESULTS_INCOMPLETE :
				   RESULTS_FAIL;
}

static void decide(struct run *run, enum ending ending, struct case_outcome *outcome)
{
	const char *detail = plan_text(run->plan_case, OPT_expect_detail);
	const char *console = plan_text(run->plan_case, OPT_expect_console);
	size_t length;

	run->verdict.lost = run->stream.lost;
	outcome->verdict =
		verdict_decide(&run->verdict, ending, outcome->detail, sizeof(outcome->detail));
	if (!strstr(outcome->detail, detail))
		return refuse(run, outcome, "the verdict", detail);
	if (*console && !run->console_says)
		return refuse(run, outcome, "the console", console);
	length = strlen(outcome->detail);
	if ((ending == ENDING_KILLED || ending == ENDING_DIED) && *run->target.exit_text)
		snprintf(outcome->detail + length, sizeof(outcome->detail) - length, "; %s",
			 run->target.exit_text);
}

/* Files of an earlier attempt are kept, in a directory of their own. */
static int put_aside(const char *dir, int attempt)
{
	static const char *const names[] = { "events.jsonl", "console.log", "qemu.log",
					     "case.json", "outside.jsonl" };
	char *old __freed = format_text("%s/attempt-%d", dir, attempt - 1);

	if (!old)
		return -ENOMEM;
	if (mkdir(old, 0777) && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *from __freed = format_text("%s/%s", dir, names[i]);
		char *to __freed = format_text("%s/%s", old, names[i]);

		if (!from || !to)
			return -ENOMEM;
		if (rename(from, to) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static char *absolute(const char *path)
{
	char *cwd __freed = *path == '/' ? NULL : getcwd(NULL, 0);

	if (*path == '/')
		return strdup(path);
	return cwd ? format_text("%s/%s", cwd, path) : NULL;
}

int case_run(struct results_store *store, const struct plan_case *plan_case, int attempt,
	     struct progress *progress, struct case_outcome *outcome)
{
	struct run run = {
		.store = store,
		.plan_case = plan_case,
		.attempt = attempt,
		.progress = progress,
		.target = { .ops = target_find(plan_text(plan_case, OPT_target)),
			    .plan_case = plan_case,
			    .pidfd = -1,
			    .event_fd = -1,
			    .console_fd = -1,
			    .dir_fd = -1,
			    .outside_fd = -1,
			    .outside_log = -1 },
	};
	char *root __freed = absolute(results_store_path(store));
	char *dir __freed = root ? format_text("%s/" CASE_DIR, root, plan_case->name) : NULL;
	char *case_dir __freed = format_text(CASE_DIR, plan_case->name);
	char *case_file __freed = format_text(CASE_DIR "/case.json", plan_case->name);
	struct json_object *json __json = case_json(plan_case);
	struct plan_error error = { "" };
	enum ending ending = ENDING_BROKEN;
	double started = seconds_now();
	int ret = -ENOMEM;

	outcome->verdict = RESULTS_NOTRUN;
	snprintf(outcome->detail, sizeof(outcome->detail), "could not be started");
	if (!dir || !case_dir || !case_file || !json ||
	    verdict_init(&run.verdict, plan_number(plan_case, OPT_cycles),
			 proofs_owed(plan_case)))
		goto out;
	run.verdict.may_end_early = plan_percent(plan_case, OPT_precision) > 0;
	run.target.dir = dir;
	run.target.case_json = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);

	ret = results_store_mkdir(store, case_dir);
	if (!ret && attempt > 1)
		ret = put_aside(dir, attempt);
	if (!ret)
		ret = results_store_write(store, case_file, run.target.case_json,
					  strlen(run.target.case_json));
	if (ret)
		goto out;

	write_begin(&run);
	ret = run.error;
	if (ret)
		goto out;
	ret = run.target.ops->start(&run.target, &error);
	if (ret) {
		snprintf(outcome->detail, sizeof(outcome->detail), "%s", error.text);
		write_end(&run, outcome, seconds_now() - started);
		goto out;
	}
	run.events.fd = run.target.ops->events(&run.target);
	run.console.fd = run.target.ops->console(&run.target);
	run.outside.fd = run.target.ops->outside(&run.target);
	ending = follow(&run, started);
	/*
	 * A guest that is done, or that the user stops, gets the chance to leave in good order; one
	 * that hangs does not.
	 */
	if (ending == ENDING_OFF || ending == ENDING_ABORTED)
		run.target.ops->stop(&run.target);
	run.target.ops->kill(&run.target);
	run.target.ops->settle(&run.target);
	if (!run.error)
		read_all(&run, true);
	decide(&run, ending, outcome);
	write_end(&run, outcome, seconds_now() - started);
	ret = run.error;
out:
	if (ret && !run.error)
		say("case %s: %s", plan_case->name, *error.text ? error.text : strerror(-ret));
	run.target.ops->release(&run.target);
	line_reader_free(&run.events);
	line_reader_free(&run.console);
	line_reader_free(&run.outside);
	verdict_free(&run.verdict);
	return ret;
}
