// SPDX-License-Identifier: GPL-2.0-only
/* Precise enough? See the header. */
#include <math.h>
#include <string.h>

#include <flbench/stats.h>

#include "precise.h"

uint32_t precise_count(const char *const *names)
{
	uint32_t nr = 0;

	while (names[nr] && nr < STATE_SERIES_MAX)
		nr++;
	return nr;
}

void precise_take(struct precise *p, const char *name, double value)
{
	for (uint32_t i = 0; p->names && i < precise_count(p->names); i++) {
		if (strcmp(p->names[i], name))
			continue;
		p->sum[i] += value;
		p->nr[i]++;
	}
}

void precise_keep(struct precise *p, struct agent_state *state)
{
	for (uint32_t i = 0; i < state->series; i++) {
		if (p->nr[i] && state->nr_values[i] < state->room)
			state_values(state, i)[state->nr_values[i]++] = p->sum[i] / p->nr[i];
		p->sum[i] = 0;
		p->nr[i] = 0;
	}
}

int precise_decide(const struct precise *p, struct agent_state *state, double percent, bool last,
		   double half[STATE_SERIES_MAX])
{
	uint32_t measured = 0, precise = 0;

	for (uint32_t i = 0; i < state->series; i++) {
		int ret;

		half[i] = NAN;
		if (!state->nr_values[i])
			continue;
		ret = results_precise(state_values(state, i), state->nr_values[i], percent,
				      &half[i]);
		if (ret < 0)
			return ret;
		measured++;
		precise += ret;
	}
	if (measured && precise == measured)
		return PRECISE_REACHED;
	if (!last)
		return PRECISE_GO_ON;
	return measured ? PRECISE_BUDGET : PRECISE_UNMEASURED;
}
