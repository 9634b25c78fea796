// SPDX-License-Identifier: GPL-2.0-only
/* The table of scenarios. */
#include <stdio.h>
#include <string.h>

#include "../agent/scenario.h"

static const struct scenario scenarios[] = {
	{
		.name = "loop",
		.proves = "cycle after cycle, every preserved domain translates and can be changed after adoption",
		.twin = "corrupt-*: the same checks on a table that was broken on purpose",
	},
};

const struct scenario *scenario_find(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

void scenario_list(void)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		printf("%s\n\tproves: %s\n\ttwin:   %s\n", scenarios[i].name, scenarios[i].proves, scenarios[i].twin);
}
