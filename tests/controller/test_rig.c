// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rig against a file that stands for a guest's memory, a socket that stands for its network card,
 * and another for QEMU's qtest, which nobody serves: what does not need the machine's registers.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
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
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/frame.h>

#include "rig.h"

#define PAGE 4096u
#define SIZE (256u * PAGE)
#define SEED 7u
/* As long as the peer may send in a test. */
#define FRAMES 20000

static char dir[] = "/tmp/flbench-rig-XXXXXX";
static char memory_path[64], local[64], remote[64], console[64];
static uint8_t *guest;
static struct rig *rig;
static int card = -1, qtest[2], serial[2];
/* The last check, and how many there were. */
static char name[64], detail[512];
static bool passed;
static int nr_checks, nr_metrics;
static long long lost = -1, sent_before = -1;

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
		if (!strcmp(json_object_get_string(json_object_object_get(event, "name")),
			    "before_frames_sent"))
			sent_before = json_object_get_int64(json_object_object_get(event, "value"));
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
		.events_fd = -1,
		.console = console,
		.local = local,
		.remote = remote,
		.frame_interval_ns = 1000000,
		.entries = 64,
		.jump_fault = "none",
		.emit = emit,
		.context = dir,
	};
	int fd = open(memory_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	nr_checks = 0;
	nr_metrics = 0;
	if (fd < 0 || ftruncate(fd, SIZE) || socketpair(AF_UNIX, SOCK_STREAM, 0, qtest) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, serial))
		return -1;
	guest = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	card = socket(AF_UNIX, SOCK_DGRAM, 0);
	strcpy(address.sun_path, remote);
	if (guest == MAP_FAILED || bind(card, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	config.qtest_fd = qtest[0];
	config.serial_fd = serial[0];
	config.frames_max = *state ? *(const uint32_t *)*state : FRAMES;
	return rig_open(&rig, &config);
}

static int tear_down(void **state)
{
	rig_close(rig);
	close(card);
	close(qtest[1]);
	close(serial[1]);
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
		"arrived 0 20000",
		"account jump 0 0 0",
		"peer off",
		"peer on",
		"observe off",
		"device edu 8 1",
		"friend 1 2",
		"jump",
		"back 1",
		"cable",
		"cable nosuch",
		"cable boot",
		"cable send 1",
		"cable rx 1 0 0 0 0 0 0 0 0",
		"cable tx 1",
		"cable twin",
		"cable steady before 1",
		"cable stop",
		"cable gap",
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

/* ---- a guest that sends back what it gets ---- */

/*
 * What it does with the frames of these numbers, -1 for none. A damaged one may be sent twice, or
 * after the whole one; one in three may be dropped, and all until a moment comes.
 */
static struct echo {
	pthread_t thread;
	int64_t drop, damage, twice, damage_again;
	bool drop_third, end;
	uint64_t drop_until_ns;
} echo;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void *send_back(void *unused)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	struct pollfd wait = { .fd = card, .events = POLLIN };
	uint8_t frame[FRAME_BYTES_MAX];
	uint64_t number;

	strcpy(peer.sun_path, local);
	while (!__atomic_load_n(&echo.end, __ATOMIC_ACQUIRE)) {
		ssize_t n;

		if (poll(&wait, 1, 1) <= 0)
			continue;
		n = recv(card, frame, sizeof(frame), 0);
		if (frame_check(frame, n, SEED, &number) || (int64_t)number == echo.drop ||
		    (echo.drop_third && number % 3 == 2) ||
		    now_ns() < __atomic_load_n(&echo.drop_until_ns, __ATOMIC_ACQUIRE))
			continue;
		frame[n - 5] ^= (int64_t)number == echo.damage;
		sendto(card, frame, n, 0, (struct sockaddr *)&peer, sizeof(peer));
		frame[n - 5] ^= (int64_t)number == echo.damage_again;
		if ((int64_t)number == echo.twice || (int64_t)number == echo.damage_again)
			sendto(card, frame, n, 0, (struct sockaddr *)&peer, sizeof(peer));
	}
	return NULL;
}

static void start_echo(struct echo how)
{
	echo = how;
	assert_int_equal(pthread_create(&echo.thread, NULL, send_back, NULL), 0);
}

#define HONEST ((struct echo){ .drop = -1, .damage = -1, .twice = -1, .damage_again = -1 })

static void end_echo(void)
{
	__atomic_store_n(&echo.end, true, __ATOMIC_RELEASE);
	pthread_join(echo.thread, NULL);
}

/* Frames that the guest says it received have to be those that it was sent. */
static void received_frames_are_judged(void **state)
{
	assert_int_equal(rig_answer(rig, "cable boot 0"), 0);
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(HONEST);
	assert_int_equal(rig_answer(rig, "cable send 10"), 10);
	end_echo();
	assert_int_equal(rig_answer(rig, "cable rx 10 0 0 0 0 0 0 0 9"), 0);
	assert_string_equal(name, "peer-rx");
	assert_true(passed);
	/* One is missing, whether the card says that it missed it or not; or all are. */
	assert_true(rig_answer(rig, "cable rx 9 0 0 0 0 0 0 0 8") < 0);
	assert_false(passed);
	assert_true(rig_answer(rig, "cable rx 9 1 0 0 0 0 1 0 9") < 0);
	assert_true(rig_answer(rig, "cable rx 10 0 0 0 0 0 1 0 9") < 0);
	assert_true(rig_answer(rig, "cable rx 0 0 0 0 0 0 10 0 9") < 0);
	for (int wrong = 1; wrong <= 5; wrong++) {
		char line[64];

		snprintf(line, sizeof(line), "cable rx 10 %d %d %d %d %d 0 0 9", wrong == 1,
			 wrong == 2, wrong == 3, wrong == 4, wrong == 5);
		assert_true(rig_answer(rig, line) < 0);
	}
	/* Numbers that were not sent, at either end. */
	assert_true(rig_answer(rig, "cable rx 10 0 0 0 0 0 0 1 10") < 0);
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(HONEST);
	assert_int_equal(rig_answer(rig, "cable send 5"), 5);
	end_echo();
	assert_true(rig_answer(rig, "cable rx 5 0 0 0 0 0 0 9 13") < 0);
	assert_int_equal(rig_answer(rig, "cable rx 5 0 0 0 0 0 0 10 14"), 0);
}

static void send_numbers(uint64_t first, uint64_t last)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	uint8_t frame[FRAME_BYTES_MAX];

	strcpy(peer.sun_path, local);
	for (; first <= last; first++) {
		assert_int_equal(frame_build(frame, 64, SEED, first), 0);
		assert_int_equal(sendto(card, frame, 64, 0, (struct sockaddr *)&peer, sizeof(peer)),
				 64);
	}
}

static void sent_frames_are_judged(void **state)
{
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	send_numbers(0, 7);
	assert_int_equal(rig_answer(rig, "cable tx 8"), 0);
	assert_string_equal(name, "peer-tx");
	assert_true(passed);
	/* One too few, and as many that are others. */
	assert_true(rig_answer(rig, "cable tx 9") < 0);
	assert_false(passed);
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	send_numbers(1, 8);
	assert_true(rig_answer(rig, "cable tx 8") < 0);
	send_numbers(0, 0);
	assert_true(rig_answer(rig, "cable tx 9") < 0);
	assert_non_null(strstr(detail, "1 out of order"));
	/* The highest number is right, but one is missing. */
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	send_numbers(0, 2);
	send_numbers(4, 7);
	assert_true(rig_answer(rig, "cable tx 8") < 0);
}

static void the_damaged_one_is_named(void **state)
{
	/*
	 * None; one of two that are missing; the same one twice; one that came, and another is
	 * lost.
	 */
	struct echo wrong[] = { HONEST, HONEST, HONEST, HONEST };
	struct echo right = HONEST;

	right.damage = 6;
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(right);
	assert_int_equal(rig_answer(rig, "cable send 10"), 10);
	assert_int_equal(rig_answer(rig, "cable twin"), 0);
	assert_string_equal(name, "peer-twin");
	assert_non_null(
		strstr(detail, "9 came back whole, 1 damaged (number 6), 1 did not (number 6)"));
	end_echo();
	wrong[1].drop = 22;
	wrong[1].damage = 24;
	wrong[2].damage = 36;
	wrong[2].twice = 36;
	wrong[3].drop = 42;
	wrong[3].damage_again = 44;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(rig_answer(rig, "cable listen"), 0);
		start_echo(wrong[i]);
		assert_int_equal(rig_answer(rig, "cable send 10"), 10);
		if (rig_answer(rig, "cable twin") >= 0)
			fail_msg("the twin passes: %s", detail);
		assert_false(passed);
		end_echo();
	}
}

/*
 * A jump between two steady states: whatever is sent meanwhile is lost. Return: of the account of
 * the gap.
 */
static long long jump_with(struct echo how)
{
	long long gap;

	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(how);
	assert_int_equal(rig_answer(rig, "peer on"), 0);
	assert_int_equal(rig_answer(rig, "cable steady before 5"), 0);
	assert_string_equal(name, "peer-before");
	assert_true(sent_before >= 5);
	__atomic_store_n(&echo.drop_until_ns, UINT64_MAX, __ATOMIC_RELEASE);
	usleep(10000);
	assert_int_equal(rig_answer(rig, "cable boot 1"), 0);
	__atomic_store_n(&echo.drop_until_ns, now_ns() + 50000000, __ATOMIC_RELEASE);
	assert_int_equal(rig_answer(rig, "cable steady after 5"), 0);
	assert_string_equal(name, "peer-after");
	assert_int_equal(rig_answer(rig, "cable stop"), 0);
	end_echo();
	gap = rig_answer(rig, "cable gap");
	assert_string_equal(name, "peer-gap");
	return gap;
}

static void a_jump_is_accounted_for(void **state)
{
	assert_int_equal(jump_with(HONEST), 0);
	assert_true(passed);
	assert_null(strstr(detail, "and 0 were lost"));
	assert_non_null(strstr(detail, "lost elsewhere: 0"));
}

/* The first one, before anybody looks. */
static void a_loss_beside_the_gap_is_noticed(void **state)
{
	struct echo how = HONEST;

	how.drop = 0;
	assert_int_equal(jump_with(how), -1);
	assert_false(passed);
	assert_non_null(strstr(detail, "lost elsewhere: 1"));
}

static void what_comes_twice_is_noticed(void **state)
{
	struct echo how = HONEST;

	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	how.twice = 3;
	start_echo(how);
	assert_int_equal(rig_answer(rig, "cable send 5"), 5);
	assert_int_equal(rig_answer(rig, "cable boot 1"), 0);
	assert_int_equal(rig_answer(rig, "cable send 5"), 10);
	assert_int_equal(rig_answer(rig, "cable stop"), 0);
	end_echo();
	assert_int_equal(rig_answer(rig, "cable gap"), -1);
	assert_false(passed);
	assert_non_null(strstr(detail, "1 duplicated"));
}

static void a_steady_loss_is_noticed(void **state)
{
	struct echo how = HONEST;

	how.drop_third = true;
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(how);
	assert_int_equal(rig_answer(rig, "peer on"), 0);
	assert_int_equal(rig_answer(rig, "cable steady before 5"), -1);
	assert_false(passed);
	end_echo();
}

/* Without a return on either side of it there is no gap. */
static void no_gap_without_two_sides(void **state)
{
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(HONEST);
	assert_int_equal(rig_answer(rig, "cable send 5"), 5);
	assert_int_equal(rig_answer(rig, "cable stop"), 0);
	end_echo();
	assert_int_equal(rig_answer(rig, "cable boot 1"), 0);
	assert_true(rig_answer(rig, "cable gap") < 0);
	assert_false(passed);
}

/* When the numbers are used up that is what is said, and not that frames were lost. */
static void numbers_that_are_used_up_are_told(void **state)
{
	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	start_echo(HONEST);
	assert_int_equal(rig_answer(rig, "cable send 10"), 10);
	assert_int_equal(rig_answer(rig, "cable boot 1"), 0);
	assert_int_equal(rig_answer(rig, "peer on"), 0);
	assert_int_equal(rig_answer(rig, "cable steady before 50"), -ENOSPC);
	assert_string_equal(name, "peer-before");
	assert_false(passed);
	assert_non_null(strstr(
		detail, "no numbers left: fewer cycles or a longer frame_interval; it has 30"));
	assert_int_equal(rig_answer(rig, "cable stop"), 0);
	assert_int_equal(rig_answer(rig, "cable gap"), -ENOSPC);
	assert_string_equal(name, "peer-gap");
	assert_non_null(strstr(detail, "no numbers left"));
	assert_int_equal(rig_answer(rig, "cable send 1"), -ENOSPC);
	assert_string_equal(name, "peer-send");
	assert_non_null(strstr(detail, "no numbers left"));
	end_echo();
}

/*
 * A machine that is gone is not waited for: each of these would take a minute or more, all together
 * four.
 */
static void a_machine_that_is_gone_is_not_waited_for(void **state)
{
	const uint64_t begin = now_ns();

	assert_int_equal(rig_answer(rig, "cable listen"), 0);
	assert_int_equal(shutdown(serial[1], SHUT_RDWR), 0);
	/* Nobody takes frames: they are refused for ever. */
	unlink(remote);
	assert_int_equal(rig_answer(rig, "cable send 9999"), 0);
	assert_int_equal(rig_answer(rig, "peer on"), 0);
	assert_true(rig_answer(rig, "cable steady before 5") < 0);
	assert_false(passed);
	assert_null(strstr(detail, "no numbers left"));
	assert_int_equal(rig_answer(rig, "cable stop"), 0);
	assert_true(now_ns() - begin < 20000000000ull);
}

int main(void)
{
	static uint32_t few = 30;
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(questions_that_make_no_sense),
		TEST(signatures),
		TEST(accounts),
		TEST(overrun),
		TEST(received_frames_are_judged),
		TEST(sent_frames_are_judged),
		TEST(the_damaged_one_is_named),
		TEST(a_jump_is_accounted_for),
		TEST(a_loss_beside_the_gap_is_noticed),
		TEST(what_comes_twice_is_noticed),
		TEST(a_steady_loss_is_noticed),
		TEST(no_gap_without_two_sides),
		cmocka_unit_test_prestate_setup_teardown(numbers_that_are_used_up_are_told, set_up,
							 tear_down, &few),
		TEST(a_machine_that_is_gone_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("rig", tests, make_dir, remove_dir);
}
