/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage machine: what a cycle consists of, as steps that a scenario may replace one by one. The
 * steps report themselves (stages, metrics, checks); what they do to the kernel is in world.h.
 */
#ifndef FLBENCH_AGENT_AGENT_H
#define FLBENCH_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "case.h"
#include "event.h"
#include "precise.h"
#include "state.h"
#include "workload.h"
#include "world.h"

/*
 * Exit status of the stage machine when the case wants the agent or the machine to die without a
 * word.
 */
#define AGENT_EXIT_SILENT 77
#define AGENT_EXIT_PANIC 78

#define AGENT_SESSION "flbench"
#define AGENT_SESSION_STATE "flbench-state"

struct scenario;

/**
 * struct agent - the stage machine in one boot
 * @c: the case
 * @log: the event stream
 * @w: the world
 * @workload: what is done, on what devices
 * @scenario: what to do differently from the loop
 * @init: this machine is ours: the agent is the init process
 * @fresh: nothing came from the previous kernel (or it was given up): set up anew
 * @over: the case ends with this cycle, and nothing is set up anew
 * @skip: why the kernel under test cannot do what the case asks for, which ends it; else NULL
 * @liveupdate_fd: /dev/liveupdate
 * @state_session: outgoing session with the agent's own state, or -1
 * @session: session with the world: incoming from retrieve to finish, outgoing from preserve on, or
 *	-1
 * @state: what came from the previous kernel, and what goes to the next
 * @state_memory: the memfd that goes to the next kernel, mapped
 * @precise: what this kernel measured of the main metrics, if the case may end when they are precise
 */
struct agent {
	struct agent_case c;
	struct event_log log;
	struct world w;
	const struct workload *workload;
	const struct scenario *scenario;
	bool init;
	bool fresh;
	bool over;
	const char *skip;
	int liveupdate_fd;
	int state_session;
	int session;
	struct agent_state *state;
	struct agent_state *state_memory;
	struct precise precise;
};

/**
 * agent_run - do what the case says, from this boot's start to the kexec or to the end
 * @a: with the case read and the event stream open
 *
 * Return: 0 when the case is done and passed, 1 when it failed, AGENT_EXIT_*. Does not return from
 * a kexec.
 */
int agent_run(struct agent *a);

/*
 * Steps of a cycle. Each returns 0 or a negative errno, and has reported the error by then. In the
 * old kernel: preserve, leave; in the new one: retrieve, verify, adopt, remap, finish.
 */
int agent_preserve(struct agent *a);
int agent_leave(struct agent *a);
int agent_retrieve(struct agent *a);
int agent_verify(struct agent *a, const char *check);
int agent_adopt(struct agent *a);
int agent_remap(struct agent *a);
int agent_finish(struct agent *a);

/* Parts of the steps, for scenarios that do them in another order. */
int agent_session_create(struct agent *a);
int agent_session_retrieve(struct agent *a);
int agent_state_save(struct agent *a);
void agent_state_drop(struct agent *a);
int agent_load(struct agent *a);
/* New kernel: destroy what was retrieved, finish the session, and go on as if nothing had come. */
int agent_give_up(struct agent *a);
/* Old kernel: close the session, and prove that everything can be used and changed again. */
int agent_unpreserve(struct agent *a);
/* Jump; returns only if that was refused, with the errno. */
int agent_jump(struct agent *a);

/* Report a check, and an error as a check that failed; the first returns @ok, the second err. */
bool agent_check(struct agent *a, const char *name, bool ok, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int agent_error(struct agent *a, const char *name, int err);

/* Report a metric in the unit of the case: @name gets the unit as its ending. */
void agent_metric_ticks(struct agent *a, const char *name, uint64_t ticks);

/*
 * Report what the pool of preserved pages holds, if this kernel has one; @prefix for the names. Of the
 * pages that are handed out the next kernel uses the share of the domains that are marked.
 */
void agent_metric_pool(struct agent *a, const char *prefix, uint32_t marked_percent);

#endif
