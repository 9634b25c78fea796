// SPDX-License-Identifier: GPL-2.0-only
/*
 * The case file: what the controller writes is read; everything else is refused with a line that
 * names the key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "case.h"

static const char good[] =
	"{\"name\":\"n\",\"iommu\":\"mock\",\"cycles\":5,\"domains\":64,\"devices\":32,\"iommufds\":2,\"mappings\":64,"
	"\"seed\":4294967295,\"preserve\":false,\"unit\":\"instructions\",\"fault\":\"hang\",\"fault_cycle\":3,\"scenario\":\"loop\","
	"\"kernel\":\"/boot/bzImage\",\"next_kernel\":null,\"kmemleak\":true,\"kunit\":false,\"unknown\":1}";

static void good_case_is_read(void **state)
{
	struct agent_case c;
	char error[256] = "";

	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_string_equal(c.name, "n");
	assert_string_equal(c.iommu, "mock");
	assert_string_equal(c.scenario, "loop");
	assert_string_equal(c.kernel, "/boot/bzImage");
	assert_string_equal(c.next_kernel, "");
	assert_int_equal(c.cycles, 5);
	assert_int_equal(c.domains, 64);
	assert_int_equal(c.devices, 32);
	assert_int_equal(c.iommufds, 2);
	assert_int_equal(c.mappings, 64);
	assert_int_equal(c.seed, 4294967295u);
	assert_false(c.preserve);
	assert_true(c.instructions);
	assert_true(c.kmemleak);
	assert_false(c.kunit);
	assert_int_equal(c.fault, CASE_FAULT_HANG);
	assert_int_equal(c.fault_cycle, 3);
}

/* What belongs to one scenario is asked for by it, and by no other. */
static void pages_are_read(void **state)
{
	static const char pages[] =
		"{\"name\":\"n\",\"iommu\":\"mock\",\"cycles\":1,\"domains\":1,\"devices\":1,\"iommufds\":1,\"mappings\":1,"
		"\"seed\":1,\"unit\":\"instructions\",\"scenario\":\"preserve-pages\",\"kernel\":\"/boot/bzImage\","
		"\"pages\":131072,\"nodes\":8,\"layout\":\"scattered\",\"method\":\"stock\",\"marked\":50}    ";
	char error[256] = "", text[1024];
	struct agent_case c;

	assert_int_equal(case_parse(pages, &c, error, sizeof(error)), 0);
	assert_int_equal(c.pages, 131072);
	assert_int_equal(c.nodes, 8);
	assert_int_equal(c.marked, 50);
	assert_string_equal(c.layout, "scattered");
	assert_string_equal(c.method, "stock");
	snprintf(text, sizeof(text), "%s", pages);
	memcpy(strstr(text, "\"pages\""), "\"sagep\"", 7);
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "\"pages\" is missing"));
	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_int_equal(c.pages, 0);
	assert_int_equal(c.marked, 100);
}

/* Replace @from by @with in the good case; @says must be in the complaint. */
static void refuse(const char *from, const char *with, const char *says)
{
	const char *at = strstr(good, from);
	char text[1024], error[256] = "";
	struct agent_case c;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, with, at + strlen(from));
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), -EINVAL);
	if (!strstr(error, says) || strchr(error, '\n'))
		fail_msg("%s -> %s: complaint is \"%s\"", from, with, error);
}

static void bad_cases_are_refused(void **state)
{
	refuse("\"name\":\"n\",", "", "\"name\" is missing");
	refuse("\"cycles\":5", "\"cycles\":0", "\"cycles\"");
	refuse("\"cycles\":5", "\"cycles\":-3", "\"cycles\"");
	refuse("\"cycles\":5", "\"cycles\":\"5\"", "\"cycles\"");
	refuse("\"domains\":64", "\"domains\":0", "\"domains\"");
	refuse("\"domains\":64", "\"domains\":65537", "\"domains\"");
	refuse("\"iommufds\":2", "\"iommufds\":65", "\"iommufds\"");
	refuse("\"mappings\":64", "\"mappings\":4097", "\"mappings\"");
	refuse("\"iommu\":\"mock\"", "\"iommu\":\"nosuch\"", "\"iommu\"");
	refuse("\"unit\":\"instructions\"", "\"unit\":\"s\"", "\"unit\"");
	refuse("\"fault\":\"hang\"", "\"fault\":\"explode\"", "\"fault\"");
	refuse("\"preserve\":false", "\"preserve\":0", "\"preserve\"");
	refuse("\"seed\":4294967295", "\"seed\":1.5", "\"seed\"");
	refuse("\"unknown\":1", "\"workload\":\"nosuch\"", "\"workload\"");
	refuse("\"unknown\":1", "\"workload\":\"dma\"", "\"ring\" is missing");
	refuse("\"unknown\":1", "\"workload\":\"dma\",\"ring\":4", "\"ring\"");
	refuse("\"unknown\":1", "\"precision\":101", "\"precision\" is not a number from 0 to 100");
	refuse("\"unknown\":1", "\"slowdown\":\"5\"", "\"slowdown\" is not a number");
	refuse("\"unknown\":1", "\"workload\":\"dma+dpdk\"", "\"ring\" is missing");
	refuse("\"unknown\":1", "\"workload\":\"dmadpdk\"", "\"workload\"");
	refuse("{\"name\"", "[\"name\"", "not a JSON object");
}

/* What only one workload has is read with that, and else left alone. */
static void workload_is_read(void **state)
{
	struct agent_case c;
	char text[1024], error[256] = "";

	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_string_equal(c.workload, "none");
	assert_int_equal(c.ring, 0);
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"workload\":\"dma\",\"ring\":1024,\"edu_bridge\":true,\"next_append\":\"a=b\"");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_string_equal(c.workload, "dma");
	assert_int_equal(c.ring, 1024);
	assert_true(c.edu_bridge);
	assert_string_equal(c.next_append, "a=b");
}

static void precision_is_read(void **state)
{
	struct agent_case c;
	char text[1024], error[256] = "";

	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_true(c.precision == 0 && c.slowdown == 0);
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"precision\":0.5,\"slowdown\":5");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_true(c.precision == 0.5 && c.slowdown == 5);
	/* There is room for so many values. */
	refuse("\"cycles\":5", "\"precision\":1,\"cycles\":1001", "\"cycles\" is more than");
}

static void fio_is_read(void **state)
{
	struct agent_case c;
	char text[1024], error[256] = "";

	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_string_equal(c.fio_mapping, "4k");
	assert_string_equal(c.fio_fault, "none");
	assert_string_equal(c.fio_measure, "all");
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"workload\":\"fio\",\"fio_mapping\":\"2m\",\"fio_fault\":\"byte\"");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_string_equal(c.workload, "fio");
	assert_string_equal(c.fio_mapping, "2m");
	assert_string_equal(c.fio_fault, "byte");
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good, "\"fio_fault\":1");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "fio_fault"));
	/* One scenario needs a translation, and no other has one. */
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"scenario\":\"fio-translation\",\"translation\":\"strict\",\"fio_measure\":\"none\"");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_string_equal(c.translation, "strict");
	assert_string_equal(c.fio_measure, "none");
	memcpy(strstr(text, "\"translation\""), "\"noitalsnart\"", 13);
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "\"translation\" is missing"));
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"translation\":\"strict\"");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_string_equal(c.translation, "");
}

static void dpdk_beside_is_read(void **state)
{
	struct agent_case c;
	char text[1024], error[256] = "";

	assert_int_equal(case_parse(good, &c, error, sizeof(error)), 0);
	assert_string_equal(c.dpdk_fault, "none");
	snprintf(text, sizeof(text), "%.*s,%s}", (int)strlen(good) - 1, good,
		 "\"workload\":\"dma+dpdk\",\"ring\":4096,\"dpdk_fault\":\"damage\"");
	assert_int_equal(case_parse(text, &c, error, sizeof(error)), 0);
	assert_string_equal(c.workload, "dma+dpdk");
	assert_int_equal(c.ring, 4096);
	assert_string_equal(c.dpdk_fault, "damage");
}

static void missing_file_is_named(void **state)
{
	struct agent_case c;
	char error[256] = "";

	assert_int_equal(case_load("/nonexistent/case.json", &c, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/case.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_case_is_read), cmocka_unit_test(pages_are_read),
		cmocka_unit_test(bad_cases_are_refused),
		cmocka_unit_test(workload_is_read),
		cmocka_unit_test(fio_is_read),
		cmocka_unit_test(precision_is_read),
		cmocka_unit_test(dpdk_beside_is_read),
		cmocka_unit_test(missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
