// SPDX-License-Identifier: GPL-2.0-only
/* Reading what the kernel says: key files, and which lines of its log are complaints. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "system.h"

static void keys_are_found(void **state)
{
	char path[] = "/tmp/flbench-key-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	uint64_t value = 0;

	assert_non_null(file);
	fputs("MemFree:  12 kB\nMem:\t3 kB\nnr_iommu_pages 18446744073709551615\n\tindented 5\nword text\n",
	      file);
	fclose(file);
	assert_int_equal(system_key(path, "Mem", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(system_key(path, "nr_iommu_pages", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(system_key(path, "indented", &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(system_key(path, "MemFr", &value), -ENOENT);
	assert_int_equal(system_key(path, "word", &value), -ENOENT);
	unlink(path);
	assert_int_equal(system_key(path, "Mem", &value), -ENOENT);
}

static void small_files_are_read(void **state)
{
	char path[] = "/tmp/flbench-read-XXXXXX", text[8];
	int fd = mkstemp(path);

	assert_int_equal(write(fd, "1234\n", 5), 5);
	close(fd);
	assert_int_equal(system_read(path, text, sizeof(text)), 0);
	assert_string_equal(text, "1234");
	assert_int_equal(system_read(path, text, 5), -EFBIG);
	assert_int_equal(system_write(path, "12345678"), 0);
	assert_int_equal(system_read(path, text, sizeof(text)), -EFBIG);
	unlink(path);
	assert_int_equal(system_read(path, text, sizeof(text)), -ENOENT);
	assert_int_equal(system_write(path, "1"), -ENOENT);
}

static void complaints_are_told_from_the_rest(void **state)
{
	static const char *const complaints[] = {
		"WARNING: mm/page_alloc.c:123 at foo+0x1/0x2, CPU#0: init/1",
		"BUG: KASAN: use-after-free in foo",
		"BUG: unable to handle page fault for address: 0",
		"Call Trace:",
		"INFO: task flbench:1 blocked for more than 120 seconds.",
		"INFO: possible recursive locking",
		"rcu: INFO: rcu_sched self-detected stall on CPU",
		"kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
		"refcount_t: underflow; use-after-free.",
		"Oops: general protection fault",
	};
	static const char *const others[] = {
		"iommufd_mock iommufd_mock0: Adding to iommu group 0",
		"Unable to finish session [flbench] on release",
		"kmemleak: Kernel memory leak detector initialized (mem pool available: 1)",
		"kmemleak: Automatic memory scanning thread started",
		"Debug: bug compatible mode",
		"",
	};

	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (!system_complaint(complaints[i]))
			fail_msg("no complaint: %s", complaints[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (system_complaint(others[i]))
			fail_msg("a complaint: %s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found),
		cmocka_unit_test(small_files_are_read),
		cmocka_unit_test(complaints_are_told_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
