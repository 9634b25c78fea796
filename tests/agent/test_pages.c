// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says of the pages that it preserves, and of its pool: read, or refused. */
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

#include "pages.h"

static char path[] = "/tmp/flbench-test-pages-XXXXXX";

#define BOTH \
	"layout scattered\nmethod stock\npages 4096\nkeys 4000\nseed 1\nerror 0\nnodes 2\ntsc_khz 1000000\n" \
	"memory_init 5151715\nboot 878565648\nreserved_regions 4139\n"
#define OLD "role old\n" BOTH "allocate_preserve 6533172\npreserve 663561\n"
#define NEW "role new\n" BOTH "restore 1658892\nclaim 90\nverified 4095\n"

static int read_text(const char *text, struct pages_figures *figures)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return pages_read(path, figures);
}

static void old_kernel(void **state)
{
	struct pages_figures f;

	assert_int_equal(read_text(OLD, &f), 0);
	assert_false(f.new);
	assert_int_equal(f.error, 0);
	assert_string_equal(f.layout, "scattered");
	assert_string_equal(f.method, "stock");
	assert_int_equal(f.pages, 4096);
	assert_int_equal(f.keys, 4000);
	assert_int_equal(f.nodes, 2);
	assert_int_equal(f.memory_init, 5151715);
	assert_int_equal(f.boot, 878565648);
	assert_int_equal(f.reserved_regions, 4139);
	assert_int_equal(f.allocate_preserve, 6533172);
	/* Not allocate_preserve, whose name ends so. */
	assert_int_equal(f.preserve, 663561);
}

static void new_kernel(void **state)
{
	struct pages_figures f;

	assert_int_equal(read_text(NEW, &f), 0);
	assert_true(f.new);
	assert_int_equal(f.restore, 1658892);
	assert_int_equal(f.claim, 90);
	assert_int_equal(f.verified, 4095);
	assert_int_equal(f.preserve, 0);
}

static void refused(void **state)
{
	struct pages_figures f;
	char text[1024];

	assert_int_equal(pages_read("/nowhere/results", &f), -ENOENT);
	assert_int_equal(read_text("", &f), -EINVAL);
	assert_int_equal(read_text("role middle\n" BOTH, &f), -EINVAL);
	/* Each role has figures of its own. */
	assert_int_equal(read_text("role new\n" BOTH "allocate_preserve 1\npreserve 1\n", &f), -EINVAL);
	assert_int_equal(read_text("role old\n" BOTH "restore 1\nclaim 1\nverified 1\n", &f), -EINVAL);
	snprintf(text, sizeof(text), "%s", OLD);
	memcpy(strstr(text, "error 0"), "error 1", 7);
	assert_int_equal(read_text(text, &f), -EINVAL);
	snprintf(text, sizeof(text), "%s", OLD);
	memcpy(strstr(text, "pages 4096"), "pages many", 10);
	assert_int_equal(read_text(text, &f), -EINVAL);
	snprintf(text, sizeof(text), "%s", OLD);
	memcpy(strstr(text, "layout scattered"), "layout s scatter", 16);
	assert_int_equal(read_text(text, &f), 0);
	assert_string_equal(f.layout, "s");
}

static void error_is_told(void **state)
{
	struct pages_figures f;
	char text[1024];
	char *at;

	snprintf(text, sizeof(text), "%s", OLD);
	at = strstr(text, "seed 1\nerror 0");
	memcpy(at, "error      -95", 14);
	assert_int_equal(read_text(text, &f), 0);
	assert_int_equal(f.error, -EOPNOTSUPP);
}

static void pool(void **state)
{
	struct pages_pool p;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("chunks 3\nchunk_pages 512\ndirectory_pages 1\nlive_pages 1300\npreserved_pages 1536\n", file);
	fclose(file);
	assert_int_equal(pages_pool_read(path, &p), 0);
	assert_int_equal(p.live, 1300);
	assert_int_equal(p.preserved, 1536);
	assert_int_equal(p.directory, 1);
	assert_int_equal(pages_pool_read("/nowhere/pool", &p), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_kernel),	 cmocka_unit_test(new_kernel),
		cmocka_unit_test(refused),	 cmocka_unit_test(error_is_told),
		cmocka_unit_test(pool),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
