// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rig against a file that stands for a guest's memory, a socket that stands for its network card,
 * and another for QEMU's qtest, which nobody serves: what does not need the machine's registers.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/frame.h>

#include "rig.h"

#define PAGE 4096u
#define SIZE (256u * PAGE)
#define SEED 7u
#define FRAMES 40

static char dir[] = "/tmp/flbench-rig-XXXXXX";
static char memory_path[64], local[64], remote[64], console[64];
static uint8_t *guest;
static struct rig *rig;
static int card = -1, qtest[2];
/* The last check, and how many there were. */
static char name[64], detail[512];
static bool passed;
static int nr_checks, nr_metrics;
static long long lost = -1;

static void emit(void *context, struct json_object *event)
{
	const char *kind = json_object_get_string(json_object_object_get(event, "event"));

	assert_ptr_equal(context, dir);
	if (!strcmp(kind, "check")) {
		nr_checks++;
		snprintf(name, sizeof(name), "%s",
			 json_object_get_string(json_object_object_get(event, "name")));
		snprintf(detail, sizeof(detail), "%s",
			 json_object_get_string(json_object_object_get(event, "detail")));
		passed = !strcmp(json_object_get_string(json_object_object_get(event, "verdict")),
				 "pass");
	} else if (!strcmp(kind, "metric")) {
		nr_metrics++;
		if (!strcmp(json_object_get_string(json_object_object_get(event, "name")),
			    "frames_lost"))
			lost = json_object_get_int64(json_object_object_get(event, "value"));
	}
	json_object_put(event);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(memory_path, sizeof(memory_path), "%s/memory", dir);
	snprintf(local, sizeof(local), "%s/peer", dir);
	snprintf(remote, sizeof(remote), "%s/card", dir);
	snprintf(console, sizeof(console), "%s/console", dir);
	return 0;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct rig_config config = {
		.seed = SEED,
		.memory = memory_path,
		.serial_fd = -1,
		.events_fd = -1,
		.console = console,
		.local = local,
		.remote = remote,
		.frame_interval_ns = 1000000,
		.frames_max = FRAMES,
		.entries = 64,
		.jump_fault = "none",
		.emit = emit,
		.context = dir,
	};
	int fd = open(memory_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	nr_checks = 0;
	nr_metrics = 0;
	if (fd < 0 || ftruncate(fd, SIZE) || socketpair(AF_UNIX, SOCK_STREAM, 0, qtest))
		return -1;
	guest = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	card = socket(AF_UNIX, SOCK_DGRAM, 0);
	strcpy(address.sun_path, remote);
	if (guest == MAP_FAILED || bind(card, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	config.qtest_fd = qtest[0];
	return rig_open(&rig, &config);
}

static int tear_down(void **state)
{
	rig_close(rig);
	close(card);
	close(qtest[1]);
	munmap(guest, SIZE);
	unlink(remote);
	unlink(console);
	return unlink(memory_path);
}

static void questions_that_make_no_sense(void **state)
{
	static const char *const lines[] = {
		"",
		"nosuch",
		"watch",
		"watch 1000 4",
		"watch ffff 4 100000 1 1",
		"class 9",
		"pages 0 ffffffff0000 1",
		"pages 9 1000 1",
		"pages 0 0 100000",
		"signature 0",
		"signature 0 zz",
		"signature 7 00",
		"arrived 5",
		"arrived 0 1000",
		"account jump 0 0 0",
		"peer off",
		"peer on",
		"observe off",
		"device edu 8 1",
		"friend 1 2",
		"jump",
		"back 1",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (rig_answer(rig, lines[i]) >= 0)
			fail_msg("'%s' is answered", lines[i]);
}

/* A frame is where it may be, then elsewhere too; a search that finds none proves nothing. */
static void signatures(void **state)
{
	uint8_t prefix[FRAME_PREFIX_BYTES];

	frame_prefix(prefix, SEED);
	assert_true(rig_answer(rig, "search") < 0);
	assert_false(passed);
	memcpy(guest + 5 * PAGE + 100, prefix, sizeof(prefix));
	assert_true(rig_answer(rig, "search") < 0);
	assert_false(passed);
	assert_int_equal(rig_answer(rig, "pages 0 5000 1"), 0);
	assert_int_equal(rig_answer(rig, "search"), 0);
	assert_string_equal(name, "signatures");
	assert_true(passed);
	/* Across the border of two pages, of which one is allowed. */
	memcpy(guest + 9 * PAGE - 8, prefix, sizeof(prefix));
	assert_int_equal(rig_answer(rig, "pages 0 9000 1"), 0);
	assert_int_equal(rig_answer(rig, "search"), 1);
	/* Another signature has pages of its own. */
	assert_int_equal(rig_answer(rig, "pages 0 8000 1"), 0);
	assert_int_equal(rig_answer(rig, "signature 2 0102030405060708"), 0);
	memcpy(guest + 8 * PAGE + 64, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(rig_answer(rig, "search"), 1);
	assert_int_equal(rig_answer(rig, "pages 2 8000 1"), 0);
	assert_int_equal(rig_answer(rig, "search"), 0);
	assert_int_equal(rig_answer(rig, "forget"), 0);
	assert_true(rig_answer(rig, "search") != 0);
}

/* Take what is sent. Return: the last number. */
static uint64_t receive(int nr)
{
	uint8_t frame[FRAME_BYTES_MAX];
	uint64_t number = 0;

	for (int i = 0; i < nr; i++) {
		ssize_t n = recv(card, frame, sizeof(frame), 0);

		assert_true(n > 0);
		assert_int_equal(frame_check(frame, n, SEED, &number), 0);
	}
	return number;
}

/* Have the peer send until @nr have come, and take the rest. Return: frames that were due so far. */
static long long send_frames(int nr)
{
	long long due;

	assert_int_equal(rig_answer(rig, "peer on 1000"), 0);
	receive(nr);
	due = rig_answer(rig, "peer off");
	assert_true(due >= nr);
	if (due > nr)
		receive(due - nr);
	return due;
}

static void accounts(void **state)
{
	long long due = send_frames(10);
	char line[64];

	snprintf(line, sizeof(line), "arrived 0 %lld", due - 1);
	assert_int_equal(rig_answer(rig, line), 0);
	assert_int_equal(rig_answer(rig, "account jump 0 0 0"), 0);
	assert_string_equal(name, "frames");
	assert_true(passed);
	assert_int_equal(lost, 0);

	/* One of the next ones does not arrive; an account is of what was due since the last. */
	assert_int_equal(rig_answer(rig, "peer on 1000"), 0);
	receive(5);
	snprintf(line, sizeof(line), "arrived %lld %lld", due,
		 (long long)rig_answer(rig, "peer off") - 2);
	assert_int_equal(rig_answer(rig, line), 0);
	assert_true(rig_answer(rig, "account jump 0 0 0") < 0);
	assert_false(passed);
	assert_int_equal(lost, 1);
	assert_non_null(strstr(detail, "1 lost"));
	/* Without any frame nothing is proven. */
	assert_true(rig_answer(rig, "account jump 0 0 0") < 0);
}

/* Frames that the card missed were overrun: right where that is meant to be, else a failure. */
static void overrun(void **state)
{
	long long due = send_frames(4);
	char line[64];

	snprintf(line, sizeof(line), "arrived 0 %lld", due - 2);
	assert_int_equal(rig_answer(rig, line), 0);
	assert_int_equal(rig_answer(rig, "account overrun 0 0 1"), 0);
	assert_string_equal(name, "frames-overrun");
	assert_true(passed);
	assert_int_equal(lost, 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(questions_that_make_no_sense),
		TEST(signatures),
		TEST(accounts),
		TEST(overrun),
	};

	return cmocka_run_group_tests_name("rig", tests, make_dir, remove_dir);
}
