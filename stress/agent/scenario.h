/* SPDX-License-Identifier: GPL-2.0-only */
/* A scenario: which steps of the cycle it replaces, and by what. The loop itself replaces none. */
#ifndef FLBENCH_AGENT_SCENARIO_H
#define FLBENCH_AGENT_SCENARIO_H

#include <stdbool.h>

struct agent;

/**
 * struct scenario - one scenario
 * @name: as in the case file
 * @proves: what a pass means
 * @twin: its negative twin: what shows that it can fail
 * @workload: the one that it is made for: NULL is "none", "any" is each
 * @metrics: its main metrics without unit, NULL behind the last: a case with "precision" ends when they are
 *	precise enough; NULL: those of the loop
 * @boot: instead of all that a kernel does with the world, from its start to the next preserve
 * @created: in the first kernel, when the world stands
 * @preserve: instead of agent_preserve()
 * @leave: instead of agent_leave()
 * @retrieve: instead of agent_retrieve(); may set agent.fresh to say that everything was given up
 * @window: between retrieve with its verification, and adoption
 * @adopt: instead of agent_adopt()
 * @finish: instead of agent_finish()
 * @settled: when the cycle is complete in the new kernel
 *
 * Each returns 0, or a negative errno after it has reported the error. A function that is not given
 * is the loop's.
 */
struct scenario {
	const char *name;
	const char *proves;
	const char *twin;
	const char *workload;
	const char *const *metrics;
	int (*boot)(struct agent *a);
	int (*created)(struct agent *a);
	int (*preserve)(struct agent *a);
	int (*leave)(struct agent *a);
	int (*retrieve)(struct agent *a);
	int (*window)(struct agent *a);
	int (*adopt)(struct agent *a);
	int (*finish)(struct agent *a);
	int (*settled)(struct agent *a);
};

/**
 * scenario_find - look a scenario up
 * @name: its name
 *
 * Return: the scenario or NULL.
 */
const struct scenario *scenario_find(const char *name);

/**
 * scenario_fits - can a scenario be done with a workload?
 * @scenario: the scenario
 * @workload: name of the workload
 *
 * Return: true if so.
 */
bool scenario_fits(const struct scenario *scenario, const char *workload);

/**
 * scenario_list - print all scenarios, what they prove and their twins
 */
void scenario_list(void);

#endif
