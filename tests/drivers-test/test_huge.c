// SPDX-License-Identifier: GPL-2.0-only
/* Memfds in pages of one size: what any machine has, and what it may lack. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/huge.h>

/* The file and what is mapped are the same memory, all of it, and it can be sealed. */
static void look_at(int fd, size_t page, size_t bytes, uint8_t *memory)
{
	struct stat info;
	uint8_t byte = 1;

	assert_int_equal((uintptr_t)memory % page, 0);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_size, bytes);
	assert_int_equal(pread(fd, &byte, 1, bytes - 1), 1);
	assert_int_equal(byte, 0);
	memory[bytes - 1] = 0x5a;
	assert_int_equal(pread(fd, &byte, 1, bytes - 1), 1);
	assert_int_equal(byte, 0x5a);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(munmap(memory, bytes), 0);
	close(fd);
}

static void small(void **unused)
{
	void *memory = NULL;
	int fd = huge_create(HUGE_4K, 5 * HUGE_4K, &memory);

	assert_true(fd >= 0);
	look_at(fd, HUGE_4K, 5 * HUGE_4K, memory);
}

/* There may be none; then there is nothing, and not something else. */
static void large(size_t page)
{
	void *memory = NULL;
	int fd = huge_create(page, page, &memory);

	if (fd >= 0) {
		look_at(fd, page, page, memory);
		return;
	}
	assert_null(memory);
	assert_true(fd == -ENOMEM || fd == -ENODEV || fd == -EINVAL || fd == -ENOSYS);
}

static void large_2m(void **unused)
{
	large(HUGE_2M);
}

static void large_1g(void **unused)
{
	large(HUGE_1G);
}

static void no_room(void **unused)
{
	void *memory = NULL;

	assert_true(huge_create(HUGE_4K, SIZE_MAX / 2 - 4095, &memory) < 0);
	assert_null(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small),
		cmocka_unit_test(large_2m),
		cmocka_unit_test(large_1g),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
