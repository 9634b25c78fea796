// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of scenarios: every scenario that a plan in this tree names exists, and unknown ones
 * are not found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario.h"

static void wanted_scenarios_exist(void **state)
{
	static const char *const names[] = {
		"loop",
		"unpreserve",
		"session-exists",
		"freeze-fail",
		"memfd-not-preserved",
		"finish-without-retrieve",
		"retrieve-twice",
		"agent-killed",
		"order-iommufd-first",
		"order-between",
		"order-retrieve-iommufd-first",
		"window-compaction",
		"window-swap",
		"window-punch",
		"window-close",
		"corrupt-page",
		"corrupt-permission",
		"corrupt-missing",
		"corrupt-extra",
		"broken-page",
		"broken-permission",
		"broken-missing",
		"broken-extra",
		"mixed",
		"mark-semantics",
		"immutable",
		"fail-nth",
		"dma-overrun",
		"dma-unseen",
		"dma-refused",
		"dma-unrestorable",
		"dma-gone",
		"dma-reboot",
		"dma-power-off",
		"dpdk",
		"dpdk-pages",
		"dpdk-queues",
		"dpdk-peer",
		"fio-translation",
		"fio-jobs",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct scenario *s = scenario_find(names[i]);

		if (!s)
			fail_msg("no scenario %s", names[i]);
		assert_string_equal(s->name, names[i]);
		assert_non_null(s->proves);
		assert_non_null(s->twin);
	}
	assert_null(scenario_find("nosuch"));
	assert_null(scenario_find(""));
}

/* What is made for mock devices cannot be done with others, nor the other way round. */
static void scenarios_fit_their_workload(void **state)
{
	assert_true(scenario_fits(scenario_find("loop"), "none"));
	assert_true(scenario_fits(scenario_find("loop"), "dma"));
	assert_true(scenario_fits(scenario_find("immutable"), "none"));
	assert_false(scenario_fits(scenario_find("immutable"), "dma"));
	assert_true(scenario_fits(scenario_find("dma-gone"), "dma"));
	assert_false(scenario_fits(scenario_find("dma-gone"), "none"));
	/* Nothing is preserved there: no loop would prove anything. */
	assert_true(scenario_fits(scenario_find("dpdk"), "dpdk"));
	assert_false(scenario_fits(scenario_find("loop"), "dpdk"));
	assert_false(scenario_fits(scenario_find("dpdk"), "dma"));
	/* Beside something else it is the other one that is preserved, and that has the scenario. */
	assert_true(scenario_fits(scenario_find("loop"), "fio+dpdk"));
	assert_true(scenario_fits(scenario_find("loop"), "dma+dpdk"));
	assert_false(scenario_fits(scenario_find("dpdk"), "fio+dpdk"));
	assert_false(scenario_fits(scenario_find("fio-translation"), "fio+dpdk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_scenarios_exist),
		cmocka_unit_test(scenarios_fit_their_workload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
