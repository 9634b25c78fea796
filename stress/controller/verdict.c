// SPDX-License-Identifier: GPL-2.0-only
/* See verdict.h. The console texts are those of Linux 7.3; sources are named beside them. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "util.h"
#include "verdict.h"

/* Texts after which the kernel does not come back. */
static const char *const panics[] = {
	"Kernel panic - not syncing", /* kernel/panic.c */
};

/* Texts that a clean kernel never prints. They are looked for at the start of a message. */
static const char *const warnings[] = {
	"WARNING:", /* kernel/panic.c, kernel/locking/lockdep.c */
	"BUG:", /* mm/kasan/report.c, arch/x86/mm/fault.c, lib/bug.c */
	"kernel BUG at", /* lib/bug.c */
	"Oops", /* arch/x86/kernel/dumpstack.c */
	"general protection fault", /* arch/x86/kernel/traps.c */
	"UBSAN:", /* lib/ubsan.c */
	"INFO: task ", /* kernel/hung_task.c */
	"INFO: rcu", /* kernel/rcu/tree_stall.h */
	"rcu: INFO:",
	"INFO: lockdep is turned off", /* kernel/locking/lockdep.c */
	"INFO: trying to register non-static key",
	"refcount_t:", /* lib/refcount.c */
	"watchdog: BUG:", /* kernel/watchdog.c */
	"list_add corruption", /* lib/list_debug.c */
	"list_del corruption",
	"page dumped because", /* mm/debug.c */
	"ODEBUG:", /* lib/debugobjects.c */
	"DEBUG_LOCKS_WARN_ON",
	"DMA-API:", /* kernel/dma/debug.c */
	"page_owner free stack",
};

int verdict_init(struct verdict *verdict, long planned, const char *const *proofs)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->planned = planned;
	verdict->proofs = proofs;
	verdict->passed = calloc(planned + 1, sizeof(*verdict->passed));
	verdict->proven = calloc(planned + 1, sizeof(*verdict->proven));
	return verdict->passed && verdict->proven ? 0 : -ENOMEM;
}

void verdict_free(struct verdict *verdict)
{
	free(verdict->passed);
	free(verdict->proven);
	verdict->passed = NULL;
	verdict->proven = NULL;
}

static const char *text_of(struct json_object *event, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) &&
			       json_object_is_type(value, json_type_string) ?
		       json_object_get_string(value) :
		       "";
}

static long number_of(struct json_object *event, const char *key, long missing)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) &&
			       json_object_is_type(value, json_type_int) ?
		       json_object_get_int64(value) :
		       missing;
}

static void take_pass(struct verdict *verdict, const char *name, long cycle)
{
	if (cycle < 0 || cycle > verdict->planned)
		return;
	verdict->passed[cycle]++;
	for (size_t i = 0; verdict->proofs && verdict->proofs[i]; i++)
		if (!strcmp(name, verdict->proofs[i]))
			verdict->proven[cycle] |= 1u << i;
}

static void take_check(struct verdict *verdict, struct json_object *event, long cycle)
{
	const char *outcome = text_of(event, "verdict");

	if (!strcmp(outcome, "pass")) {
		take_pass(verdict, text_of(event, "name"), cycle);
	} else if (!strcmp(outcome, "skip")) {
		if (!verdict->skipped++ && !*verdict->reason)
			snprintf(verdict->reason, sizeof(verdict->reason), "%s: %s",
				 text_of(event, "name"), text_of(event, "detail"));
	} else if (!verdict->failed++) {
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "cycle %ld: check '%s' failed: %s", cycle, text_of(event, "name"),
			 text_of(event, "detail"));
	}
}

void verdict_event(struct verdict *verdict, struct json_object *event)
{
	const char *kind = text_of(event, "event");
	long cycle = number_of(event, "cycle", -1);

	verdict->events++;
	if (cycle > verdict->cycle && cycle <= verdict->planned)
		verdict->cycle = cycle;
	if (!strcmp(kind, "check")) {
		take_check(verdict, event, cycle);
	} else if (!strcmp(kind, "precision")) {
		struct json_object *reached;

		if (json_object_object_get_ex(event, "reached", &reached) &&
		    json_object_get_boolean(reached))
			verdict->precise_cycle = cycle;
	} else if (!strcmp(kind, "log")) {
		verdict->errors += !strcmp(text_of(event, "level"), "error");
	} else if (!strcmp(kind, "done")) {
		verdict->done = true;
		verdict->done_pass = !strcmp(text_of(event, "verdict"), "pass");
		verdict->done_skip = !strcmp(text_of(event, "verdict"), "skip");
		verdict->done_cycle = cycle;
		if (!verdict->failed && *text_of(event, "detail"))
			snprintf(verdict->reason, sizeof(verdict->reason), "%s",
				 text_of(event, "detail"));
	}
}

/*
 * Skip "[   12.345678] " and the caller's "[   T1] ", which the configuration of printk may put
 * there.
 */
static const char *message_of(const char *line)
{
	while (*line == '[') {
		const char *end = strchr(line, ']');

		if (!end || end - line > 24)
			break;
		line = end + 1;
		line += strspn(line, " ");
	}
	return line;
}

static bool is_tainted(const char *message)
{
	const char *taint = strstr(message, "Tainted: ");

	return taint && message != taint && !strstr(message, "Not tainted");
}

static bool is_leak(const char *message)
{
	return !strncmp(message, "kmemleak:", 9) && strstr(message, "new suspected memory leak");
}

void verdict_console(struct verdict *verdict, const char *line, size_t length)
{
	char *kept = verdict->tail[verdict->nr_tail++ % VERDICT_TAIL];
	const char *message;
	bool warned;

	snprintf(kept, sizeof(verdict->tail[0]), "%.*s", (int)length, line);
	message = message_of(kept);
	for (size_t i = 0; i < ARRAY_SIZE(panics); i++)
		if (!*verdict->panic && !strncmp(message, panics[i], strlen(panics[i])))
			snprintf(verdict->panic, sizeof(verdict->panic), "%s", message);

	warned = is_leak(message) || is_tainted(message);
	for (size_t i = 0; !warned && i < ARRAY_SIZE(warnings); i++)
		warned = !strncmp(message, warnings[i], strlen(warnings[i]));
	if (warned && !verdict->nr_warnings++)
		snprintf(verdict->warning, sizeof(verdict->warning), "%s", message);
}

long verdict_completed(const struct verdict *verdict)
{
	long completed = verdict->cycle - 1;

	if (verdict->done && verdict->done_pass)
		completed = verdict->done_cycle < verdict->planned ? verdict->done_cycle :
								     verdict->planned;
	return completed > 0 ? completed : 0;
}

const char *verdict_tail(const struct verdict *verdict, unsigned int back)
{
	if (back >= verdict->nr_tail || back >= VERDICT_TAIL)
		return NULL;
	return verdict->tail[(verdict->nr_tail - 1 - back) % VERDICT_TAIL];
}

/* The check that a cycle owes, NULL if it owes none. */
static const char *missing_proof(const struct verdict *verdict, long cycle)
{
	for (size_t i = 0; verdict->proofs && verdict->proofs[i]; i++)
		if (!(verdict->proven[cycle] & 1u << i))
			return verdict->proofs[i];
	return NULL;
}

/* What the agent's own words are worth, once it said that it is done. */
static enum results_verdict decide_done(const struct verdict *verdict, char *detail, size_t size)
{
	const long completed = verdict_completed(verdict);
	unsigned long passed = 0;

	for (long cycle = 0; cycle <= verdict->planned; cycle++)
		passed += verdict->passed[cycle];
	if (verdict->failed || (!verdict->done_pass && !verdict->done_skip)) {
		snprintf(detail, size, "%s",
			 *verdict->reason ? verdict->reason : "the agent says so");
		return RESULTS_FAIL;
	}
	if (verdict->done_skip || (!passed && verdict->skipped)) {
		snprintf(detail, size, "%s",
			 *verdict->reason ? verdict->reason : "nothing could be tried");
		return RESULTS_SKIP;
	}
	if (completed < verdict->planned &&
	    !(verdict->may_end_early && completed && verdict->precise_cycle == completed)) {
		snprintf(detail, size, "the agent stopped after %ld of %ld cycles", completed,
			 verdict->planned);
		return RESULTS_INCOMPLETE;
	}
	for (long cycle = 1; cycle <= completed; cycle++) {
		const char *missing = missing_proof(verdict, cycle);

		if (!verdict->passed[cycle]) {
			snprintf(detail, size,
				 "cycle %ld has no check that passed: nothing is proven", cycle);
			return RESULTS_FAIL;
		}
		if (missing) {
			snprintf(detail, size, "cycle %ld: '%s' did not pass: %s", cycle, missing,
				 results_proof_claim(missing));
			return RESULTS_FAIL;
		}
	}
	/* A failed check might be among them. */
	if (verdict->lost) {
		snprintf(detail, size, "%lu checks passed, but %lu events of the agent are lost",
			 passed, verdict->lost);
		return RESULTS_WARN;
	}
	if (verdict->errors) {
		snprintf(detail, size, "%lu checks passed, but the agent logged %lu errors", passed,
			 verdict->errors);
		return RESULTS_WARN;
	}
	if (completed < verdict->planned)
		snprintf(detail, size, "precise enough after %ld of %ld cycles, %lu checks passed",
			 completed, verdict->planned, passed);
	else
		snprintf(detail, size, "%ld cycles, %lu checks passed%s", completed, passed,
			 verdict->may_end_early && !verdict->precise_cycle ?
				 "; the budget ended before the precision was reached" :
				 "");
	return RESULTS_PASS;
}

enum results_verdict verdict_decide(const struct verdict *verdict, enum ending ending, char *detail,
				    size_t size)
{
	enum results_verdict outcome;

	if (ending == ENDING_ABORTED) {
		snprintf(detail, size, "stopped by the user in cycle %ld", verdict->cycle);
		return RESULTS_ABORT;
	}
	if (ending == ENDING_BROKEN) {
		snprintf(detail, size, "the controller could not go on in cycle %ld",
			 verdict->cycle);
		return RESULTS_INCOMPLETE;
	}
	if (*verdict->panic) {
		snprintf(detail, size, "cycle %ld: %s", verdict->cycle, verdict->panic);
		return RESULTS_CRASH;
	}
	if (ending == ENDING_TIMEOUT || ending == ENDING_INACTIVE) {
		snprintf(detail, size, "%s in cycle %ld; last line of the console: %s",
			 ending == ENDING_TIMEOUT ? "the case took too long" : "no sign of life",
			 verdict->cycle, verdict->nr_tail ? verdict_tail(verdict, 0) : "(none)");
		return RESULTS_TIMEOUT;
	}
	if (ending == ENDING_KILLED || ending == ENDING_DIED) {
		snprintf(detail, size, "%s in cycle %ld",
			 ending == ENDING_KILLED ? "the target was killed from outside" :
						   "the emulator ended with an error",
			 verdict->cycle);
		return verdict->events || ending == ENDING_KILLED ? RESULTS_INCOMPLETE :
								    RESULTS_NOTRUN;
	}
	if (!verdict->done) {
		snprintf(detail, size,
			 "the target went off in cycle %ld without the agent being done",
			 verdict->cycle);
		outcome = verdict->failed ? RESULTS_FAIL : RESULTS_INCOMPLETE;
	} else {
		outcome = decide_done(verdict, detail, size);
	}
	if (!verdict->nr_warnings)
		return outcome;
	if (outcome == RESULTS_FAIL) {
		size_t length = strlen(detail);

		snprintf(detail + length, size - length, "; console: %s", verdict->warning);
		return RESULTS_DMESG_FAIL;
	}
	if (outcome == RESULTS_PASS || outcome == RESULTS_WARN || outcome == RESULTS_SKIP) {
		snprintf(detail, size, "%lu warnings on the console, the first: %s",
			 verdict->nr_warnings, verdict->warning);
		return RESULTS_DMESG_WARN;
	}
	return outcome;
}
