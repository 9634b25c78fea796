/* SPDX-License-Identifier: GPL-2.0-only */
/* The program's subcommands and what the command line gives them. */
#ifndef FLBENCH_FLBENCH_H
#define FLBENCH_FLBENCH_H

#include "plan.h"

struct invocation;

/**
 * struct command - one subcommand, a row of the table in main.c
 * @name: as it is typed
 * @arguments: what stands behind it, for --help
 * @min_arguments: how many of them at least
 * @max_arguments: how many at most
 * @summary: one line for --help
 * @description: more of it
 * @takes: does it know this option?
 * @run: does it; returns an enum exit_code
 */
struct command {
	const char *name;
	const char *arguments;
	size_t min_arguments;
	size_t max_arguments;
	const char *summary;
	const char *description;
	bool (*takes)(enum option_id id);
	int (*run)(const struct invocation *invocation);
};

/**
 * struct invocation - the command line
 * @command: which subcommand
 * @flags: options that were given, checked
 * @arguments: what is no flag, as many as the subcommand takes
 * @nr_arguments: how many
 * @argc: the whole command line, for the records
 * @argv: the same
 */
struct invocation {
	const struct command *command;
	struct option_values flags;
	const char **arguments;
	size_t nr_arguments;
	int argc;
	char **argv;
};

/** PLAN_DIRS - where plans are looked up by their bare names, with ':' between */
#ifndef PLAN_DIRS
#define PLAN_DIRS "/usr/share/flbench/plans"
#endif

/** flag_text() - value of a flag, or the default of its option */
const char *flag_text(const struct invocation *invocation, enum option_id id);

int command_run(const struct invocation *invocation);
int command_resume(const struct invocation *invocation);
int command_results(const struct invocation *invocation);
int command_compare(const struct invocation *invocation);
int command_reference(const struct invocation *invocation);
int command_list(const struct invocation *invocation);
int command_check(const struct invocation *invocation);
int command_peer(const struct invocation *invocation);
int command_topo(const struct invocation *invocation);
int command_bind(const struct invocation *invocation);
int command_restore_bindings(const struct invocation *invocation);

/**
 * plan_lookup() - path of a plan
 * @name: a path, or the bare name of a plan in PLAN_DIRS
 * Return: the path, to be freed, also if there is no such file; NULL without memory.
 */
char *plan_lookup(const char *name);

#endif
