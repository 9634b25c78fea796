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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_scenarios_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
