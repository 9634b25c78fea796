// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench run: from plan and flags to a matrix, then a dry run or a results directory. How cases
 * run is run.h's business.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include <flbench/results.h>

#include "environment.h"
#include "flbench.h"
#include "progress.h"
#include "run.h"
#include "scenario.h"
#include "tables.h"
#include "util.h"

#define DEFAULT_PLAN "foundation"
/* Space for events and consoles, beside the initramfs that a case needs while it runs. */
#define LOG_BYTES (64ull << 20)

char *plan_lookup(const char *name)
{
	char *dirs __freed = strdup(PLAN_DIRS);
	char *save = NULL;
	size_t length = strlen(name);

	if (strchr(name, '/') || (length > 4 && !strcmp(name + length - 4, ".ini")))
		return strdup(name);
	for (char *dir = dirs ? strtok_r(dirs, ":", &save) : NULL; dir;
	     dir = strtok_r(NULL, ":", &save)) {
		char *path = format_text("%s/%s.ini", dir, name);

		if (path && !access(path, R_OK))
			return path;
		free(path);
	}
	return strdup(name);
}

/*
 * Does the command line describe a case of its own? Where kernel and image lie is no description.
 */
static bool has_case_flags(const struct option_values *flags)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (flags->text[id] && plan_option_scope(id) == SCOPE_CASE && id != OPT_kernel &&
		    id != OPT_initrd && id != OPT_next_kernel)
			return true;
	return false;
}

static int read_plan(const struct invocation *invocation, struct plan *plan,
		     struct plan_error *error)
{
	const char *name = invocation->flags.text[OPT_plan];
	char *path __freed = NULL;

	if (!name && has_case_flags(&invocation->flags))
		return plan_from_flags(plan);
	path = plan_lookup(name ? name : DEFAULT_PLAN);
	if (!path)
		return -ENOMEM;
	return plan_read(plan, path, error);
}

static int dry_run(const struct plan_matrix *matrix)
{
	double total = 0;

	printf("%-50s %-14s %8s %8s %8s %8s %7s  %s\n", "case", "scenario", "domains", "devices",
	       "iommufds", "mappings", "cycles", "expected");
	for (size_t i = 0; i < matrix->nr_cases; i++) {
		const struct plan_case *c = &matrix->cases[i];

		total += progress_expected(c);
		printf("%-50s %-14s %8s %8s %8s %8s %7s  %s\n", c->name, plan_text(c, OPT_scenario),
		       plan_text(c, OPT_domains), plan_text(c, OPT_devices),
		       plan_text(c, OPT_iommufds), plan_text(c, OPT_mappings),
		       plan_text(c, OPT_cycles), progress_time(progress_expected(c)));
	}
	printf("%zu cases, about %s\n", matrix->nr_cases, progress_time(total));
	return EXIT_PASS;
}

static char *default_out(const struct plan *plan)
{
	time_t now = time(NULL);
	struct tm tm;
	char date[32];

	localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	return format_text("flbench-results/%s-%s", date, plan->name);
}

static int check_space(const char *out, const struct plan_matrix *matrix)
{
	unsigned long long needed = LOG_BYTES, space;
	struct statvfs fs;
	struct stat st;

	for (size_t i = 0; i < matrix->nr_cases; i++)
		if (!stat(plan_text(&matrix->cases[i], OPT_initrd), &st) &&
		    needed < LOG_BYTES + 2ull * st.st_size)
			needed = LOG_BYTES + 2ull * st.st_size;
	if (statvfs(out, &fs)) {
		say("%s: cannot ask for its free space: %s", out, strerror(errno));
		return EXIT_CANNOT_RUN;
	}
	space = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (space >= needed)
		return EXIT_PASS;
	say("%s: %llu MiB are free, %llu MiB are needed; free some or choose another --out", out,
	    space >> 20, needed >> 20);
	return EXIT_BAD_INPUT;
}

static int write_plan(struct results_store *store, const struct plan_matrix *matrix)
{
	char *text __freed = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int ret;

	if (!file)
		return -errno;
	ret = plan_matrix_write(matrix, file);
	if (fclose(file) && !ret)
		ret = -EIO;
	return ret ? ret : results_store_write(store, "plan.ini", text, size);
}

/* The run is judged by what lies beside it, wherever it is read later. */
static int copy_reference(struct results_store *store, const struct plan_matrix *matrix)
{
	const char *path = plan_text(&matrix->cases[0], OPT_reference);
	struct json_object *reference __json = NULL;

	if (!*path)
		return 0;
	reference = json_object_from_file(path);
	if (!reference) {
		say("%s: no reference that can be read; the targets are judged without", path);
		return 0;
	}
	return results_store_write_json(store, "reference.json", reference);
}

/* First of all, while nothing else of ours runs on this machine. */
static int measure_natively(struct results_store *store, const struct plan_matrix *matrix)
{
	const char *program = plan_text(&matrix->cases[0], OPT_native);
	const char *const argv[] = { program, NULL };
	struct json_object *native __json = NULL;
	char *text __freed = NULL;

	if (!*program)
		return 0;
	printf("measuring natively on this machine with %s\n", program);
	fflush(stdout);
	text = run_output(argv);
	native = text ? json_tokener_parse(text) : NULL;
	if (!json_object_is_type(native, json_type_object)) {
		say("%s: measured nothing; the results go without", program);
		return 0;
	}
	return results_store_write_json(store, "native.json", native);
}

static int start(const struct invocation *invocation, const struct plan *plan,
		 const struct plan_matrix *matrix)
{
	char *out __freed = invocation->flags.text[OPT_out] ?
				    strdup(invocation->flags.text[OPT_out]) :
				    default_out(plan);
	struct results_store *store = NULL;
	int ret;

	if (!out)
		return EXIT_CANNOT_RUN;
	ret = run_check(matrix);
	if (ret)
		return ret;
	ret = results_store_create(out, &store);
	if (ret) {
		say("%s: cannot make a results directory: %s%s", out,
		    ret == -EEXIST ? "it holds a run already" :
		    ret == -EBUSY  ? "another flbench writes to it" :
				     strerror(-ret),
		    ret == -EEXIST ? "; choose another --out, or go on with flbench resume" : "");
		return EXIT_BAD_INPUT;
	}
	ret = check_space(out, matrix);
	if (ret)
		goto out;
	ret = write_plan(store, matrix);
	if (!ret)
		ret = environment_write(store, matrix, invocation->argc, invocation->argv);
	if (!ret)
		ret = copy_reference(store, matrix);
	if (!ret)
		ret = measure_natively(store, matrix);
	if (ret) {
		say("%s: cannot write: %s", out, strerror(-ret));
		ret = EXIT_CANNOT_RUN;
		goto out;
	}
	ret = run_matrix(store, matrix, NULL, flag_text(invocation, OPT_progress));
	printf("results are in %s\n", out);
out:
	results_store_close(store);
	return ret;
}

/* The table of scenarios is the agent's own. */
static int check_scenarios(const struct plan_matrix *matrix, struct plan_error *error)
{
	for (size_t i = 0; i < matrix->nr_cases; i++) {
		const char *name = plan_text(&matrix->cases[i], OPT_scenario);
		const char *workload = plan_text(&matrix->cases[i], OPT_workload);

		if (scenario_find(name) && !scenario_fits(scenario_find(name), workload)) {
			snprintf(
				error->text, sizeof(error->text),
				"case %s: scenario '%s' cannot be done with workload=%s; flbench list says which can",
				matrix->cases[i].name, name, workload);
			return -EINVAL;
		}
		if (!scenario_find(name)) {
			snprintf(error->text, sizeof(error->text),
				 "case %s: unknown scenario '%s'; flbench list names them",
				 matrix->cases[i].name, name);
			return -EINVAL;
		}
	}
	return 0;
}

int command_run(const struct invocation *invocation)
{
	struct plan_error error = { "" };
	struct plan_matrix matrix = { 0 };
	struct plan plan = { 0 };
	int ret;

	ret = read_plan(invocation, &plan, &error);
	if (!ret)
		ret = plan_expand(&plan, &invocation->flags, &matrix, &error);
	if (!ret)
		ret = check_scenarios(&matrix, &error);
	if (ret) {
		say("%s", *error.text ? error.text : strerror(-ret));
		ret = EXIT_BAD_INPUT;
	} else if (!strcmp(flag_text(invocation, OPT_dry_run), "yes")) {
		ret = dry_run(&matrix);
	} else {
		ret = start(invocation, &plan, &matrix);
	}
	plan_matrix_free(&matrix);
	plan_free(&plan);
	return ret;
}
