// SPDX-License-Identifier: GPL-2.0-only
/* Processors and memory near a port, on a machine that hwloc is told of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "place.h"

static int two_nodes(void **state)
{
	return setenv("HWLOC_SYNTHETIC", "node:2 core:2 pu:2", 1);
}

static int this_machine(void **state)
{
	return unsetenv("HWLOC_SYNTHETIC");
}

static void cores_first(void **state)
{
	char list[64];

	assert_int_equal(place_lcores(0, 1, list, sizeof(list)), 1);
	assert_string_equal(list, "0");
	assert_int_equal(place_lcores(1, 2, list, sizeof(list)), 2);
	assert_string_equal(list, "4,6");
	assert_int_equal(place_lcores(1, 3, list, sizeof(list)), 3);
	assert_string_equal(list, "4,6,5");
	/* Not the other node's, when there are too few. */
	assert_int_equal(place_lcores(1, 9, list, sizeof(list)), 4);
	assert_string_equal(list, "4,6,5,7");
	assert_int_equal(place_lcores(1, 4, list, 3), -ENOSPC);
}

static void unknown_node(void **state)
{
	char list[64];

	assert_int_equal(place_lcores(7, 1, list, sizeof(list)), 1);
	assert_string_equal(list, "0");
}

static void memory_list(void **state)
{
	char list[16];

	assert_int_equal(place_memory(1, 64, list, sizeof(list)), 0);
	assert_string_equal(list, "64");
	assert_int_equal(place_memory(5, 64, list, sizeof(list)), 0);
	assert_string_equal(list, "64,0,64");
	assert_int_equal(place_memory(1ull << 40, 64, list, sizeof(list)), -ENOSPC);
}

static void allowed_here(void **state)
{
	char list[64];
	int node = place_node("no device");

	assert_in_range(node, 0, 63);
	assert_int_equal(place_lcores(node, 1, list, sizeof(list)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cores_first, two_nodes),
		cmocka_unit_test_setup(unknown_node, two_nodes),
		cmocka_unit_test(memory_list),
		cmocka_unit_test_setup(allowed_here, this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
