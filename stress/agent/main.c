// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench-agent: as init process of a VM it runs the stage machine in a child, reaps, and switches
 * the machine off at the end; on a host it runs it as it is. What the stage machine does is in
 * agent.c.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "scenario.h"
#include "system.h"

#define GUEST_CASE "/etc/flbench/case.json"
#define GUEST_EVENTS "/dev/ttyS1"

struct options {
	const char *case_path;
	const char *events_path;
	int list;
};

const char *argp_program_version = "flbench-agent " FLBENCH_VERSION;

static const struct argp_option option_table[] = {
	{ "case", 'c', "FILE", 0, "what to do (JSON, written by flbench)", 0 },
	{ "events", 'e', "FILE", 0, "file or serial port that events are appended to", 0 },
	{ "list", 'l', NULL, 0,
	  "list the scenarios, what each proves, and what shows that it can fail", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c':
		o->case_path = arg;
		return 0;
	case 'e':
		o->events_path = arg;
		return 0;
	case 'l':
		o->list = 1;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument %s", arg);
		return EINVAL;
	case ARGP_KEY_END:
		if (!o->list && (!o->case_path || !o->events_path))
			argp_error(state, "--case FILE and --events FILE are both needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/*
 * The init process: whatever happens to the child is said in an event, and the machine is switched
 * off.
 */
static void supervise(struct agent *a)
{
	pid_t child = fork(), pid;
	int status = 0;

	if (child == 0)
		exit(agent_run(a));
	if (child < 0) {
		event_done(&a->log, "fail", "fork: %s", strerror(errno));
		system_power_off();
	}
	do {
		pid = wait(&status);
	} while (pid != child && (pid > 0 || errno == EINTR));
	if (WIFSIGNALED(status))
		event_done(&a->log, "fail", "the agent was killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == AGENT_EXIT_PANIC)
		/* An init process that exits is a panic. */
		_exit(1);
	event_drain(&a->log);
	system_power_off();
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table, parse_option,
		NULL,	      "The part of flbench that runs on the kernel under test.",
		NULL,	      NULL,
		NULL
	};
	struct options o = { 0 };
	static struct agent a;
	char error[512];
	int err, opened;

	a.init = getpid() == 1;
	if (a.init) {
		/*
		 * Words of the kernel command line arrive here as arguments: they are not for us.
		 */
		o.case_path = GUEST_CASE;
		o.events_path = GUEST_EVENTS;
		err = system_mount();
		if (err)
			fprintf(stderr,
				"flbench-agent: mounting /dev, /proc, /sys and /tmp failed: %s\n",
				strerror(-err));
	} else {
		argp_err_exit_status = 2;
		argp_parse(&argp, argc, argv, 0, NULL, &o);
		if (o.list) {
			scenario_list();
			return 0;
		}
	}

	err = case_load(o.case_path, &a.c, error, sizeof(error));
	if (!err && (!scenario_find(a.c.scenario) ||
		     !scenario_fits(scenario_find(a.c.scenario), a.c.workload))) {
		snprintf(error, sizeof(error),
			 "%s: \"scenario\" %s is unknown for workload %s (see flbench-agent --list)",
			 o.case_path, a.c.scenario, a.c.workload);
		err = -EINVAL;
	}
	if (err) {
		fprintf(stderr, "flbench-agent: %s\n", error);
		if (!a.init)
			return 2;
	}
	opened = event_open(&a.log, o.events_path);
	if (opened) {
		fprintf(stderr, "flbench-agent: %s: cannot open the event stream: %s\n",
			o.events_path, strerror(-opened));
		if (!a.init)
			return 2;
		system_power_off();
	}
	if (err) {
		event_done(&a.log, "fail", "%s", error);
		system_power_off();
	}
	if (!a.init)
		return agent_run(&a);
	supervise(&a);
	return 1;
}
