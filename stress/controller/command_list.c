// SPDX-License-Identifier: GPL-2.0-only
/* flbench list: names all that a plan or a flag may choose from. Reads plans, starts nothing. */
#include <dirent.h>
#include <string.h>

#include "flbench.h"
#include "scenario.h"
#include "tables.h"
#include "util.h"

static const char *state(const char *unavailable)
{
	return unavailable ? unavailable : "available";
}

static void list_cases(const struct plan *plan)
{
	struct plan_error error = { "" };
	struct plan_matrix matrix;

	if (plan_expand(plan, NULL, &matrix, &error)) {
		printf("    broken: %s\n", error.text);
	} else {
		for (size_t i = 0; i < matrix.nr_cases; i++) {
			const char *scenario = plan_text(&matrix.cases[i], OPT_scenario);

			printf("    %-48s %s%s, %s cycles\n", matrix.cases[i].name,
			       scenario_find(scenario) ? "" : "broken: unknown scenario ", scenario,
			       plan_text(&matrix.cases[i], OPT_cycles));
		}
	}
	plan_matrix_free(&matrix);
}

static int is_plan(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && entry->d_name[0] != '.' && !strcmp(entry->d_name + length - 4, ".ini");
}

static void list_plans(const char *dir)
{
	struct dirent **entries;
	int nr = scandir(dir, &entries, is_plan, alphasort);

	for (int i = 0; i < nr; i++) {
		char *path __freed = format_text("%s/%s", dir, entries[i]->d_name);
		struct plan_error error = { "" };
		struct plan plan;

		if (path && !plan_read(&plan, path, &error)) {
			printf("  %s (%s)\n", plan.name, path);
			list_cases(&plan);
		} else if (path) {
			printf("  %s: broken: %s\n", path, error.text);
		}
		if (path)
			plan_free(&plan);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

int command_list(const struct invocation *invocation)
{
	static const char *const stages[] = { "setup",	  "load",  "preserve", "freeze", "kexec",
					      "retrieve", "adopt", "verify",   "finish", "remap" };
	char *dirs __freed = strdup(PLAN_DIRS);
	char *save = NULL;

	(void)invocation;
	printf("plans and their cases:\n");
	for (char *dir = dirs ? strtok_r(dirs, ":", &save) : NULL; dir;
	     dir = strtok_r(NULL, ":", &save))
		list_plans(dir);
	printf("\nstages of a cycle:\n ");
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		printf(" %s", stages[i]);
	printf("\n\nscenarios:\n");
	scenario_list();
	printf("\niommus:\n");
	for (const struct iommu_vendor *vendor = iommu_vendors; vendor->name; vendor++)
		printf("  %-10s %-36s %s\n", vendor->name, vendor->driver,
		       state(vendor->unavailable));
	printf("\ntargets:\n");
	for (size_t i = 0; targets[i]; i++)
		printf("  %-10s %-36s %s\n", targets[i]->name, targets[i]->what,
		       state(targets[i]->unavailable));
	printf("\narchitectures:\n");
	for (const struct arch *arch = arches; arch->name; arch++)
		printf("  %-10s %-36s %s\n", arch->name, arch->qemu, state(arch->unavailable));
	return EXIT_PASS;
}
