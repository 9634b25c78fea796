// SPDX-License-Identifier: GPL-2.0-only
/* Plans: what is read, what is refused and in which words, and how a matrix comes out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/workload.h>

#include "plan.h"

static char path[] = "/tmp/flbench-test-plan-XXXXXX";

static int read_text(const char *text, struct plan *plan, struct plan_error *error)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(error, 0, sizeof(*error));
	return plan_read(plan, path, error);
}

static void assert_refused(const char *text, int line, const char *reason)
{
	struct plan_error error;
	struct plan plan;
	char where[64];

	assert_int_equal(read_text(text, &plan, &error), -EINVAL);
	snprintf(where, sizeof(where), "%s:%d: ", path, line);
	if (line && strncmp(error.text, where, strlen(where)))
		fail_msg("'%s' does not start with '%s'", error.text, where);
	if (!strstr(error.text, reason))
		fail_msg("'%s' does not say '%s'", error.text, reason);
	if (strchr(error.text, '\n'))
		fail_msg("'%s' has more than one line", error.text);
	plan_free(&plan);
}

static void good_plan(void **state)
{
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(
		read_text(
			"; comment\n[global]\ncycles = 7\nmemory=2G\n\n[one]\ndomains=3\n[two]\ndomains=4\ncycles=2\n"
			"fault-cycle=1\npreserve=no\n[three]\n",
			&plan, &error),
		0);
	assert_int_equal(plan.nr_sections, 3);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	assert_int_equal(matrix.nr_cases, 3);
	assert_string_equal(matrix.cases[0].name, "one");
	assert_int_equal(plan_number(&matrix.cases[0], OPT_cycles), 7);
	assert_int_equal(plan_number(&matrix.cases[0], OPT_domains), 3);
	assert_int_equal(plan_number(&matrix.cases[0], OPT_devices), 3);
	assert_int_equal(plan_number(&matrix.cases[0], OPT_memory), 2048);
	assert_true(plan_bool(&matrix.cases[0], OPT_preserve));
	assert_int_equal(plan_number(&matrix.cases[1], OPT_cycles), 2);
	assert_false(plan_bool(&matrix.cases[1], OPT_preserve));
	/* A section without keys is a case too. */
	assert_string_equal(matrix.cases[2].name, "three");
	assert_int_equal(plan_number(&matrix.cases[2], OPT_domains), 64);
	plan_matrix_free(&matrix);
	plan_free(&plan);
}

static void malformed(void **state)
{
	assert_refused("[global]\ncycles=1\nnonsense\n[a]\n", 3, "malformed");
	assert_refused("[global\ncycles=1\n", 1, "malformed");
	assert_refused("cycles=1\n[a]\n", 1, "before the first section");
	assert_refused("[global]\ncycles=1\n", 0, "no case");
	assert_refused("", 0, "no case");
	assert_refused("[a]\ncycles=1\n[a]\n", 3, "was there before");
	assert_refused("[a]\ncycles=1\ncycles=2\n", 3, "given before");
	assert_refused("[a b]\n", 1, "letters, digits");
	assert_refused("[../x]\n", 1, "letters, digits");
	assert_refused("[]\n", 1, "1 to 49");
	assert_refused("[a]\n[global]\n", 2, "put it first");
}

static void long_line(void **state)
{
	char text[1024] = "[a]\nkernel=/";

	memset(text + strlen(text), 'x', 600);
	strcat(text, "\n");
	assert_refused(text, 2, "characters");
}

static void unknown_key(void **state)
{
	assert_refused("[a]\ndomans=3\n", 2, "did you mean 'domains'?");
	assert_refused("[a]\n\n\nxyzzy=3\n", 4, "unknown key 'xyzzy'; flbench run --help");
	assert_refused("[a]\nout=/tmp\n", 2, "is a flag");
	assert_refused("[a]\ntarget=vm\n", 2, "put it into [global]");
}

static void bad_values(void **state)
{
	assert_refused("[a]\ndomains=0\n", 2, "domains: '0' is not a whole number from 1 to 65536");
	assert_refused("[a]\ndomains=abc\n", 2, "'abc' is not a whole number");
	assert_refused("[a]\ndomains=1,,2\n", 2, "'' is not a whole number");
	assert_refused("[a]\ndomains=1,\n", 2, "'' is not a whole number");
	assert_refused("[a]\ndomains=99999999999999999999\n", 2, "is not a whole number");
	assert_refused("[a]\ncycles=-3\n", 2, "'-3' is not a whole number from 1 to 100000");
	assert_refused("[a]\ncycles=1.5\n", 2, "'1.5' is not a whole number");
	assert_refused("[a]\ncycles=\n", 2, "'' is not a whole number");
	assert_refused("[a]\niommu=mook\n", 2, "did you mean 'mock'?");
	assert_refused("[a]\niommu=amd\n", 2, "known but not available yet; available: mock, intel");
	assert_refused("[a]\npreserve=maybe\n", 2, "is not yes or no");
	assert_refused("[a]\nmemory=4X\n", 2, "is not a size");
	assert_refused("[a]\nmemory=1M\n", 2, "is not a size from 256M");
	assert_refused("[a]\nscenario=a b\n", 2, "not allowed");
	assert_refused("[global]\nabort_on=fail,wran\n[a]\n", 2, "did you mean 'warn'?");
}

static void missing_file(void **state)
{
	struct plan_error error;
	struct plan plan;

	assert_int_equal(plan_read(&plan, "/nonexistent/plan.ini", &error), -ENOENT);
	assert_non_null(
		strstr(error.text, "/nonexistent/plan.ini: cannot read the plan: No such file"));
	plan_free(&plan);
	assert_int_not_equal(plan_read(&plan, "/tmp", &error), 0);
	plan_free(&plan);
}

static void matrix_expansion(void **state)
{
	static const char *const names[] = {
		"a-domains2-mappings8",
		"a-domains2-mappings9",
		"a-domains4-mappings8",
		"a-domains4-mappings9",
		"b",
	};
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(
		read_text("[a]\ndomains=2,4\nmappings=8,9\n[b]\ndevices=5\n", &plan, &error), 0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	assert_int_equal(matrix.nr_cases, 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(matrix.cases[i].name, names[i]);
	assert_int_equal(plan_number(&matrix.cases[2], OPT_domains), 4);
	assert_int_equal(plan_number(&matrix.cases[2], OPT_devices), 4);
	assert_int_equal(plan_number(&matrix.cases[3], OPT_mappings), 9);
	assert_int_equal(plan_number(&matrix.cases[4], OPT_devices), 5);
	plan_matrix_free(&matrix);
	plan_free(&plan);
}

static void flags_win(void **state)
{
	struct option_values flags = { 0 };
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(read_text("[global]\ncycles=9\n[a]\ndomains=2\n[b]\ndomains=3\n", &plan,
				   &error),
			 0);
	assert_int_equal(plan_values_set(&flags, OPT_domains, "16,32", NULL, &error), 0);
	assert_int_equal(plan_values_set(&flags, OPT_cycles, "1", NULL, &error), 0);
	assert_int_equal(plan_values_set(&flags, OPT_cycles, "2", NULL, &error), 0);
	assert_int_equal(plan_expand(&plan, &flags, &matrix, &error), 0);
	assert_int_equal(matrix.nr_cases, 4);
	assert_string_equal(matrix.cases[3].name, "b-domains32");
	assert_int_equal(plan_number(&matrix.cases[3], OPT_cycles), 2);
	plan_matrix_free(&matrix);
	plan_free(&plan);
	plan_values_free(&flags);
}

static void assert_contradiction(const char *text, const char *reason)
{
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(read_text(text, &plan, &error), 0);
	assert_true(plan_expand(&plan, NULL, &matrix, &error) < 0);
	if (!strstr(error.text, reason))
		fail_msg("'%s' does not say '%s'", error.text, reason);
	plan_matrix_free(&matrix);
	plan_free(&plan);
}

static void contradictions(void **state)
{
	struct option_values flags = { 0 };
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;
	char list[512] = "1";

	assert_contradiction("[a]\ndomains=4\niommufds=5\n", "each iommufd needs a domain");
	assert_contradiction("[a]\nunit=ns\n", "add icount=no");
	assert_contradiction("[a]\nicount=no\nunit=instructions\n", "needs icount=yes");
	assert_contradiction("[a]\naccel=kvm\n", "add icount=no");
	assert_contradiction("[a]\nfault=panic\ncycles=2\nfault_cycle=3\n", "comes after the last");
	assert_contradiction("[a]\ndomains=2,2\n", "comes twice");
	assert_contradiction("[a234567890123456789012345678901234567890]\ndomains=1000,2000\n",
			     "shorter one");

	/* 70 * 70 cases */
	for (int i = 2; i <= 70; i++)
		sprintf(list + strlen(list), ",%d", i);
	assert_int_equal(plan_from_flags(&plan), 0);
	assert_int_equal(plan_values_set(&flags, OPT_domains, list, NULL, &error), 0);
	assert_int_equal(plan_values_set(&flags, OPT_mappings, list, NULL, &error), 0);
	assert_int_equal(plan_expand(&plan, &flags, &matrix, &error), -E2BIG);
	assert_non_null(strstr(error.text, "more than 4096 cases"));
	plan_matrix_free(&matrix);
	plan_free(&plan);
	plan_values_free(&flags);
}

/* Words in a list give a case each, as numbers do, and are its name without that of the option. */
static void words_expand(void **state)
{
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(
		read_text("[p]\nscenario=preserve-pages\ncycles=1\npages=16,32\nmethod=ours,stock\nlayout=mixed\n",
			  &plan, &error),
		0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	assert_int_equal(matrix.nr_cases, 4);
	assert_string_equal(matrix.cases[1].name, "p-pages16-stock");
	assert_string_equal(plan_text(&matrix.cases[1], OPT_method), "stock");
	assert_string_equal(plan_text(&matrix.cases[1], OPT_layout), "mixed");
	assert_string_equal(matrix.cases[2].name, "p-pages32-ours");
	plan_matrix_free(&matrix);
	plan_free(&plan);
	assert_refused("[a]\nlayout=scattered,sprinkled\n", 2, "'sprinkled' is not one of none, scattered");
	assert_refused("[a]\nmethod=ours,\n", 2, "is not one of");
	assert_refused("[a]\nnodes=9\n", 2, "from 1 to 8");
	assert_refused("[a]\nmarked=0\n", 2, "from 1 to 100");
}

static void assert_contradicts(const char *text, const char *reason)
{
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(read_text(text, &plan, &error), 0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), -EINVAL);
	if (!strstr(error.text, reason))
		fail_msg("'%s' does not say '%s'", error.text, reason);
	plan_matrix_free(&matrix);
	plan_free(&plan);
}

static void precision_contradictions(void **state)
{
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_contradicts("[a]\nprecision=1\n",
			   "precision=1 needs a budget of 6 to 1000 cycles, not cycles=5");
	assert_contradicts("[a]\nprecision=0.5\ncycles=1001\n", "not cycles=1001");
	assert_contradicts("[a]\nworkload=dma\nprecision=0.5\n", "not cycles=5");
	assert_refused("[a]\nprecision=101\n", 2, "not a number of percent from 0 to 100");
	assert_int_equal(
		read_text("[a]\nprecision=0.5\ncycles=6,1000\n[b]\nprecision=0.0\ncycles=1\n",
			  &plan, &error),
		0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	assert_int_equal(matrix.nr_cases, 3);
	assert_true(plan_percent(&matrix.cases[0], OPT_precision) == 0.5);
	assert_true(plan_percent(&matrix.cases[2], OPT_precision) == 0);
	plan_matrix_free(&matrix);
	plan_free(&plan);
}

#define PEER "[a]\nworkload=dpdk\nscenario=dpdk-peer\nicount=no\n"

static void pages_contradictions(void **state)
{
	assert_contradicts("[a]\nscenario=preserve-pages\n", "there is one kexec; give cycles=1");
	assert_contradicts("[a]\nscenario=preserve-pages\ncycles=1\npreserve=no\n", "give layout=none");
	assert_contradicts("[a]\nscenario=preserve-pages\ncycles=1\npages=131072\nmemory=2047M\n",
			   "pages=131072 need memory=2048M, not 2047M");
	assert_contradicts("[a]\nmemory=4G\nnodes=3\n", "memory=4G cannot be shared by nodes=3");
	assert_contradicts("[a]\nworkload=dma\nnodes=2\n", "with workload=dma there is one node");
	assert_contradicts("[a]\nworkload=dpdk\niommu=mock\n",
			   "workload=dpdk needs devices behind an IOMMU");
	assert_contradicts("[a]\nworkload=dpdk\ndevices=3\n",
			   "with workload=dpdk devices is always 2");
	assert_contradicts("[a]\nworkload=dpdk\nmemory=512M\n",
			   "with workload=dpdk memory is at least 768M");
	assert_contradicts("[a]\nworkload=dma+dpdk\nmemory=512M\n",
			   "with workload=dma+dpdk memory is at least 768M");
	assert_contradicts(PEER "preserve=no\n", "preserve=no cannot be");
	assert_contradicts(PEER "cycles=5,1398\n",
			   "cycles is at most 1397, not 1398: the peer has no numbers for more");
	assert_contradicts(PEER "frame_interval=60000\n",
			   "frame_interval is at most 50000, not 60000");
	assert_contradicts("[a]\nworkload=dma+dpdk\nicount=yes\n", "frames come in real time");
	assert_contradicts("[a]\nworkload=fio+dpdk\ndevices=2\n",
			   "with workload=fio+dpdk devices is always 1");
}

/* Of two parts the first one's defaults count, but for those that both together have. */
static void workloads_of_two_parts(void **state)
{
	static const struct {
		enum option_id id;
		const char *values[3];
	} wanted[] = {
		{ OPT_workload, { "fio+dpdk", "dma+dpdk", "dma" } },
		{ OPT_iommu, { "intel", "intel", "intel" } },
		{ OPT_scenario, { "loop", "loop", "loop" } },
		{ OPT_devices, { "1", "3", "3" } },
		{ OPT_memory, { "2G", "1G", "1G" } },
		{ OPT_icount, { "yes", "no", "no" } },
		{ OPT_ring, { "1024", "4096", "1024" } },
		{ OPT_disk_iops, { "100", "8", "8" } },
	};
	struct plan_matrix matrix;
	struct plan_error error;
	struct plan plan;

	assert_int_equal(read_text("[a]\nworkload=fio+dpdk\n[b]\nworkload=dma+dpdk\n"
				   "[c]\nworkload=dma\n",
				   &plan, &error),
			 0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		for (size_t c = 0; c < 3; c++)
			assert_string_equal(plan_text(&matrix.cases[c], wanted[i].id),
					    wanted[i].values[c]);
	plan_matrix_free(&matrix);
	plan_free(&plan);
	assert_true(workload_has("fio+dpdk", "fio") && workload_has("fio+dpdk", "dpdk"));
	assert_false(workload_has("fio+dpdk", "dma") || workload_has("fio+dpdk", "f") ||
		     workload_has("fio", "fio+dpdk"));
	assert_true(workload_begins("fio+dpdk", "fio") && workload_begins("fio", "fio"));
	assert_false(workload_begins("fio+dpdk", "dpdk") || workload_begins("fiox", "fio"));
}

static void write_and_read_back(void **state)
{
	struct plan_matrix matrix, again;
	struct plan_error error;
	struct plan plan;
	FILE *file;

	assert_int_equal(
		read_text(
			"[global]\nkernel=rel/bzImage\nabort_on=fail,crash\n[a]\ndomains=2,4\nexpect=crash\n"
			"append=one two=three\n",
			&plan, &error),
		0);
	assert_int_equal(plan_expand(&plan, NULL, &matrix, &error), 0);
	/* A path in a plan counts from the plan. */
	assert_string_equal(plan_text(&matrix.cases[0], OPT_kernel), "/tmp/rel/bzImage");
	plan_free(&plan);

	file = fopen(path, "w");
	assert_int_equal(plan_matrix_write(&matrix, file), 0);
	fclose(file);
	assert_int_equal(plan_read(&plan, path, &error), 0);
	assert_int_equal(plan_expand(&plan, NULL, &again, &error), 0);
	assert_int_equal(again.nr_cases, matrix.nr_cases);
	for (size_t i = 0; i < again.nr_cases; i++) {
		assert_string_equal(again.cases[i].name, matrix.cases[i].name);
		for (int id = 0; id < OPTION_COUNT; id++)
			assert_string_equal(plan_text(&again.cases[i], id),
					    plan_text(&matrix.cases[i], id));
	}
	assert_true(plan_has_choice(&again.cases[0], OPT_abort_on, "crash"));
	assert_false(plan_has_choice(&again.cases[0], OPT_abort_on, "cra"));
	plan_free(&plan);
	plan_matrix_free(&matrix);
	plan_matrix_free(&again);
}

/* What scripts/run relies on when it reads the table with awk. */
static void table_is_sound(void **state)
{
	struct plan_error error;

	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct plan_option *option = plan_option(id);

		assert_int_equal(plan_option_find(option->name), id);
		assert_true(strlen(option->name) <= 18);
		assert_true(*option->help != '\0');
		if (*option->fallback && plan_value_check(id, option->fallback, &error))
			fail_msg("default of %s: %s", option->name, error.text);
	}
	assert_int_equal(plan_option_find("next-kernel"), OPT_next_kernel);
	assert_int_equal(plan_option_find("nope"), -ENOENT);
	assert_int_equal(plan_option_scope(OPT_expect), SCOPE_CASE);
	assert_int_equal(plan_option_scope(OPT_target), SCOPE_RUN);
	assert_int_equal(plan_option_scope(OPT_abort_on), SCOPE_RUN);
	assert_int_equal(plan_option_scope(OPT_plan), SCOPE_COMMAND);
}

/* The plans that come along must all be good. */
static void shipped_plans(void **state)
{
	static const char *const plans[] = { SHIPPED_PLANS };

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct plan_matrix matrix = { 0 };
		struct plan_error error;
		struct plan plan;

		if (plan_read(&plan, plans[i], &error) || plan_expand(&plan, NULL, &matrix, &error))
			fail_msg("%s", error.text);
		assert_true(matrix.nr_cases > 0);
		plan_matrix_free(&matrix);
		plan_free(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_plan),
		cmocka_unit_test(malformed),
		cmocka_unit_test(long_line),
		cmocka_unit_test(unknown_key),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(missing_file),
		cmocka_unit_test(matrix_expansion),
		cmocka_unit_test(flags_win),
		cmocka_unit_test(words_expand),
		cmocka_unit_test(pages_contradictions),
		cmocka_unit_test(precision_contradictions),
		cmocka_unit_test(workloads_of_two_parts),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(write_and_read_back),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(shipped_plans),
	};
	int fd = mkstemp(path), ret;

	if (fd < 0)
		return 1;
	close(fd);
	ret = cmocka_run_group_tests_name("plan", tests, NULL, NULL);
	unlink(path);
	return ret;
}
