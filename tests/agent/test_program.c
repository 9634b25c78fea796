// SPDX-License-Identifier: GPL-2.0-only
/* Programs that the agent starts: what they say, how they end, and that none can hold it up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

#define LONG_MS 30000

static struct program program;

static void start(const char *script)
{
	assert_int_equal(
		program_start(&program, (const char *const[]){ "/bin/sh", "-c", script, NULL }), 0);
}

static int forget(void **state)
{
	program_free(&program);
	return 0;
}

static void talks(void **state)
{
	start("echo 'ready> '; read line; echo \"heard $line; ready> \"; read rest; echo over");
	assert_int_equal(program_wait_for(&program, "ready> ", LONG_MS), 0);
	assert_null(strstr(program.text, "heard"));
	assert_int_equal(program_say(&program, "hello\n"), 0);
	assert_int_equal(program_wait_for(&program, "ready> ", LONG_MS), 0);
	assert_non_null(strstr(program.text, "heard hello"));
	/* Its input ends, and so it does. */
	assert_int_equal(program_end(&program, LONG_MS), 0);
	assert_non_null(strstr(program.text, "over"));
}

static void says_much(void **state)
{
	start("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i + 1)); done; exit 3");
	assert_int_equal(program_wait_for(&program, "line 2999", LONG_MS), 0);
	assert_int_equal(program_end(&program, LONG_MS), 3);
	assert_non_null(strstr(program.text, "line 0\n"));
}

static void ends_too_early(void **state)
{
	start("echo something");
	assert_int_equal(program_wait_for(&program, "else", LONG_MS), -EPIPE);
	assert_int_equal(program_end(&program, LONG_MS), 0);
}

static void is_killed(void **state)
{
	start("exec sleep 1000");
	assert_int_equal(program_wait_for(&program, "anything", 50), -ETIMEDOUT);
	assert_int_equal(program_end(&program, 50), -ETIMEDOUT);
	forget(NULL);
	start("kill -9 $$");
	assert_int_equal(program_end(&program, LONG_MS), -EINTR);
}

static void is_not_there(void **state)
{
	assert_int_equal(program_start(&program, (const char *const[]){ "/no/program", NULL }), 0);
	assert_int_equal(program_end(&program, LONG_MS), 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(talks, forget),
		cmocka_unit_test_teardown(says_much, forget),
		cmocka_unit_test_teardown(ends_too_early, forget),
		cmocka_unit_test_teardown(is_killed, forget),
		cmocka_unit_test_teardown(is_not_there, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
