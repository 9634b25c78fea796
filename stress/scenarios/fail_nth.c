// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of every call fails once: /proc/self/fail-nth counts up, call by call, until a
 * call gets through without one. Each failure must be reported, leave everything as it was, and let
 * the same call work when it is made again. A sequence that ends before that has left failures
 * untried, and fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/liveupdate.h>

#include "../agent/agent.h"
#include "../agent/system.h"
#include "scenarios.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
/* More allocations than any of the calls makes; beyond it something goes round in circles. */
#define NTH_MAX 20000

struct faults {
	int fd;
};

static int faults_begin(struct agent *a, struct faults *f)
{
	static const char *const settings[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_iommufd/verbose", "0" },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		system_write(settings[i][0], settings[i][1]);
	system_expect_allocation_failures();
	f->fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return agent_error(a, "fail-nth",
				   world_problem(&a->w, -errno, "%s (needs CONFIG_FAULT_INJECTION)",
						 FAIL_NTH));
	return 0;
}

static void faults_end(struct faults *f)
{
	cleanup_close(&f->fd);
}

static void arm(struct faults *f, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(f->fd, text, length, 0) != length)
		abort();
}

/* True if the failure that was armed has happened. */
static bool disarm(struct faults *f)
{
	char text[16] = "";
	bool happened;

	if (pread(f->fd, text, sizeof(text) - 1, 0) <= 0)
		abort();
	happened = atoi(text) == 0;
	arm(f, 0);
	return happened;
}

/**
 * struct sequence - calls that are made while allocations fail
 * @name: for the report
 * @nr: how many calls, each like the next; one is used up by each failure that a call gets over
 * @call: make call @i. Return: 0 or -errno
 * @undo: take a call back that worked although an allocation failed, so that it can be made again;
 *	NULL: go on to the next one
 */
struct sequence {
	const char *name;
	uint32_t nr;
	int (*call)(struct agent *a, uint32_t i);
	void (*undo)(struct agent *a, uint32_t i);
};

static int run_sequence(struct agent *a, const struct sequence *s)
{
	unsigned int nth = 1, refused = 0, tolerated = 0, other = 0;
	struct faults faults;
	bool through = false;
	int err = faults_begin(a, &faults);

	for (uint32_t i = 0; !err && i < s->nr && nth < NTH_MAX;) {
		bool happened;

		arm(&faults, through ? 0 : nth);
		err = s->call(a, i);
		happened = disarm(&faults) && !through;
		if (!happened) {
			/*
			 * The call made fewer allocations than that: every one has failed by now.
			 * The rest is done in peace.
			 */
			through = true;
			i++;
			continue;
		}
		nth++;
		if (err) {
			refused++;
			other += err != -ENOMEM;
			err = 0;
		} else {
			tolerated++;
			if (s->undo)
				s->undo(a, i);
			else
				i++;
		}
	}
	faults_end(&faults);
	if (err)
		return agent_error(a, s->name, err);
	a->w.problem[0] = '\0';
	agent_check(
		a, s->name, through,
		"%u allocations failed one by one: %u calls refused (%u not with ENOMEM), %u worked all the same; %s",
		nth - 1, refused, other, tolerated,
		through ? "then one got through" : "no calls left to try");
	return 0;
}

static void close_session(struct agent *a, uint32_t i)
{
	(void)i;
	cleanup_close(&a->session);
	a->session = -1;
}

static int preserve_everything(struct agent *a, uint32_t i)
{
	int err;

	(void)i;
	a->session = liveupdate_session_create(a->liveupdate_fd, AGENT_SESSION);
	if (a->session < 0)
		return a->session;
	err = world_preserve_memory(&a->w, a->session);
	if (!err)
		err = world_preserve(&a->w, a->session);
	if (err)
		close_session(a, i);
	return err;
}

static int mark_one(struct agent *a, uint32_t i)
{
	return world_mark_domain(&a->w, i);
}

static int retrieve_session(struct agent *a, uint32_t i)
{
	(void)i;
	a->session = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION);
	return a->session < 0 ? a->session : 0;
}

static int retrieve_domain(struct agent *a, uint32_t i)
{
	return world_retrieve_domain(&a->w, i);
}

static int restore_device(struct agent *a, uint32_t i)
{
	return world_restore_device(&a->w, i, a->state->keys[i]);
}

static int adopt_domain(struct agent *a, uint32_t i)
{
	return world_adopt_domain(&a->w, i);
}

int fail_nth_preserve(struct agent *a)
{
	const struct sequence mark = { "fail-nth-mark", a->w.domains, mark_one, NULL };
	const struct sequence preserve = { "fail-nth-preserve", 1, preserve_everything,
					   close_session };
	int err;

	world_sign(&a->w, a->log.cycle + 1);
	err = agent_error(a, "preserve", world_keys(&a->w, a->state->keys));
	if (!err)
		err = run_sequence(a, &mark);
	if (!err)
		err = run_sequence(a, &preserve);
	if (!err)
		err = agent_error(a, "immutable", world_check_immutable(&a->w));
	return err;
}

int fail_nth_retrieve(struct agent *a)
{
	const struct sequence session = { "fail-nth-session", 1, retrieve_session, NULL };
	const struct sequence domains = { "fail-nth-retrieve", a->w.domains, retrieve_domain,
					  NULL };
	const struct sequence devices = { "fail-nth-restore", a->w.devices, restore_device, NULL };
	int err = run_sequence(a, &session);

	/*
	 * A file that could not be retrieved stays lost, by the rules of the orchestrator: see
	 * fail-nth-file.
	 */
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_memory(&a->w, a->session));
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_iommufds(&a->w, a->session));
	if (!err)
		err = run_sequence(a, &domains);
	if (!err)
		err = run_sequence(a, &devices);
	return err;
}

int fail_nth_adopt(struct agent *a)
{
	const struct sequence adopt = { "fail-nth-adopt", a->w.domains, adopt_domain, NULL };
	int err = agent_error(a, "adopt", world_rebuild(&a->w));

	return err ? err : run_sequence(a, &adopt);
}

/*
 * The n-th allocation in cycle n; what is lost is lost for good, but it must be given up in an
 * orderly way.
 */
int fail_nth_file_retrieve(struct agent *a)
{
	struct faults faults;
	bool happened;
	int err = agent_session_retrieve(a);

	if (!err)
		err = faults_begin(a, &faults);
	if (err)
		return err;
	arm(&faults, a->log.cycle);
	err = world_retrieve_memory(&a->w, a->session);
	if (!err)
		err = world_retrieve_iommufds(&a->w, a->session);
	happened = disarm(&faults);
	faults_end(&faults);
	if (err && !happened)
		return agent_error(a, "fail-nth-file", err);
	agent_check(a, "fail-nth-file", !happened || a->log.cycle < a->c.cycles,
		    "allocation %u of retrieving the files: %s", a->log.cycle,
		    err	     ? a->w.problem :
		    happened ? "worked all the same" :
			       "there are not that many");
	a->w.problem[0] = '\0';
	if (!err) {
		err = agent_error(a, "retrieve", world_retrieve_domains(&a->w));
		if (!err)
			err = agent_error(a, "retrieve",
					  world_restore_devices(&a->w, a->state->keys));
		return err;
	}
	/* Domains of iommufds that did come must be settled before the session can end. */
	for (uint32_t i = 0; i < a->w.domains; i++)
		if (a->w.fds[i % a->w.iommufds] >= 0 && world_retrieve_domain(&a->w, i))
			return agent_error(a, "fail-nth-file", -EIO);
	return agent_give_up(a);
}
