// SPDX-License-Identifier: GPL-2.0-only
/* The qtest protocol against an end of a socket whose answers lie ready. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "qtest.h"

static struct qtest qtest;
static int qemu;

static int connect_both(void **state)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	qemu = fds[1];
	return qtest_open(&qtest, fds[0]);
}

static int close_both(void **state)
{
	if (qemu >= 0)
		close(qemu);
	qtest_close(&qtest);
	return 0;
}

static void answer(const char *text)
{
	assert_int_equal(write(qemu, text, strlen(text)), strlen(text));
}

static void expect_commands(const char *text)
{
	char found[1024] = "";
	ssize_t n = recv(qemu, found, sizeof(found) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	assert_string_equal(found, text);
}

static void written(void **state)
{
	answer("OK\n");
	assert_int_equal(qtest_write64(&qtest, 0xfea00080, 0x4000001234), 0);
	expect_commands("writeq 0xfea00080 0x4000001234\n");
	/* What comes in between is not the answer. */
	answer("IRQ raise 3\nIRQ lower 3\nOK\n");
	assert_int_equal(qtest_write64(&qtest, 0x10, 1), 0);
	expect_commands("writeq 0x10 0x1\n");
}

static void read_back(void **state)
{
	uint32_t value = 0;

	answer("IRQ raise 3\nOK 0x0000000000c00000\n");
	assert_int_equal(qtest_read32(&qtest, 0xfed9001c, &value), 0);
	assert_int_equal(value, 0xc00000);
	expect_commands("readl 0xfed9001c\n");
	answer("OK\n");
	assert_int_equal(qtest_write32(&qtest, 0xb0008004, 7), 0);
	expect_commands("writel 0xb0008004 0x7\n");
	answer("OK\n");
	assert_int_equal(qtest_read32(&qtest, 0, &value), -EPROTO);
}

static void refused(void **state)
{
	answer("FAIL Unknown command\n");
	assert_int_equal(qtest_write64(&qtest, 0, 0), -EPROTO);
}

static void gone(void **state)
{
	close(qemu);
	qemu = -1;
	assert_int_equal(qtest_write64(&qtest, 0, 0), -EPIPE);
}

static void edu(void **state)
{
	answer("OK\nOK\nOK\nOK\n");
	assert_int_equal(qtest_edu_dma(&qtest, 0xfea00000, 0x4000000010, 8, 100, 1), 0);
	expect_commands("writeq 0xfea00080 0x40008\n"
			"writeq 0xfea00088 0x4000000010\n"
			"writeq 0xfea00090 0x64\n"
			"writeq 0xfea00098 0x3\n");
}

static void edu_stops_at_the_first_error(void **state)
{
	answer("OK\nFAIL\n");
	assert_int_equal(qtest_edu_dma(&qtest, 0xfea00000, 0x4000000010, 8, 100, 0), -EPROTO);
	expect_commands("writeq 0xfea00080 0x4000000010\n"
			"writeq 0xfea00088 0x40008\n");
	assert_int_equal(qtest_edu_dma(&qtest, 0xfea00000, 0, 4090, 100, 0), -EINVAL);
	assert_int_equal(recv(qemu, (char[1]){ 0 }, 1, MSG_DONTWAIT), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(written, connect_both, close_both),
		cmocka_unit_test_setup_teardown(read_back, connect_both, close_both),
		cmocka_unit_test_setup_teardown(refused, connect_both, close_both),
		cmocka_unit_test_setup_teardown(gone, connect_both, close_both),
		cmocka_unit_test_setup_teardown(edu, connect_both, close_both),
		cmocka_unit_test_setup_teardown(edu_stops_at_the_first_error, connect_both,
						close_both),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
