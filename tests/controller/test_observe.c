// SPDX-License-Identifier: GPL-2.0-only
/* The observer on a sparse file that stands for a guest's memory, and that this test writes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "observe.h"

#define SIZE (16u << 20)
#define LOW (12u << 20)
#define FOUR_GIB (4ull << 30)
#define PAUSE_NS 100000u

static char path[] = "/tmp/flbench-observe-XXXXXX";
static volatile uint8_t *guest;
static struct observe_memory memory;

static int set_up(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, SIZE))
		return -1;
	guest = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return guest == MAP_FAILED ? -1 : observe_open(&memory, path, LOW);
}

static int tear_down(void **state)
{
	observe_close(&memory);
	return munmap((void *)guest, SIZE) || unlink(path);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void set_word(uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)(guest + offset) = value;
}

static void addresses(void **state)
{
	uint64_t offset = 0;

	assert_int_equal(observe_offset(&memory, 0, 4, &offset), 0);
	assert_int_equal(offset, 0);
	assert_int_equal(observe_offset(&memory, LOW - 4, 4, &offset), 0);
	assert_int_equal(offset, LOW - 4);
	assert_int_equal(observe_offset(&memory, LOW - 3, 4, &offset), -EFAULT);
	assert_int_equal(observe_offset(&memory, LOW, 4, &offset), -EFAULT);
	assert_int_equal(observe_offset(&memory, FOUR_GIB - 4, 4, &offset), -EFAULT);
	assert_int_equal(observe_offset(&memory, FOUR_GIB, 4, &offset), 0);
	assert_int_equal(offset, LOW);
	assert_int_equal(observe_offset(&memory, FOUR_GIB + SIZE - LOW - 4, 4, &offset), 0);
	assert_int_equal(offset, SIZE - 4);
	assert_int_equal(observe_offset(&memory, FOUR_GIB + SIZE - LOW, 4, &offset), -EFAULT);
}

/* Each arrival is seen once, at the right point, between the times before and after it. */
static void arrivals(void **state)
{
	const struct observe_point points[] = {
		{ 0x1008, 1, OBSERVE_RISE },
		{ 0x2000, 0x10000, OBSERVE_CHANGE },
		{ FOUR_GIB + 0x100, UINT32_MAX, OBSERVE_CHANGE },
	};
	/* offset, value, point, or -1 for what is no arrival */
	const struct {
		uint64_t offset;
		uint32_t value;
		int point;
	} writes[] = {
		{ 0x1008, 0x2, -1 },	 { 0x1008, 0x3, 0 },  { 0x1008, 0x2, -1 },
		{ 0x1008, 0xff, 0 },	 { 0x2000, 0x1, -1 }, { 0x2000, 0x10001, 1 },
		{ 0x2000, 0x20001, 1 },	 { 0x2004, 0x1, -1 }, { LOW + 0x100, 0x80000000, 2 },
		{ LOW + 0x100, 0x7, 2 }, { 0x100, 0x7, -1 },
	};
	uint64_t times[sizeof(writes) / sizeof(writes[0]) + 1], seen = 0;
	struct observer *observer = NULL;
	uint64_t looks;
	struct observe_log log;

	assert_int_equal(observe_start(&observer, &memory, points, 3, 100, PAUSE_NS), 0);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		times[i] = now_ns();
		set_word(writes[i].offset, writes[i].value);
		/* One look may have begun before. */
		for (looks = observe_looks(observer); observe_looks(observer) < looks + 2;)
			usleep(100);
	}
	times[sizeof(writes) / sizeof(writes[0])] = now_ns();
	observe_stop(observer, &log);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		const struct observe_arrival *a = &log.arrivals[seen];

		if (writes[i].point < 0)
			continue;
		assert_true(seen < log.nr);
		assert_int_equal(a->point, writes[i].point);
		assert_int_equal(a->word, writes[i].value);
		assert_true(a->at_ns >= times[i]);
		assert_true(a->before_ns <= times[i + 1]);
		assert_true(a->before_ns < a->at_ns);
		assert_true(a->at_ns - a->before_ns <= log.slowest_ns);
		seen++;
	}
	assert_int_equal(log.nr, seen);
	assert_int_equal(log.dropped, 0);
	assert_true(log.looks > 10);
	observe_free(observer);
}

/* What happens before the stop is seen by the last look, however long the rest. */
static void last_look(void **state)
{
	const struct observe_point point = { 0x3000, UINT32_MAX, OBSERVE_CHANGE };
	struct observer *observer = NULL;
	struct observe_log log;

	set_word(0x3000, 5);
	assert_int_equal(observe_start(&observer, &memory, &point, 1, 1, 300000000), 0);
	usleep(50000);
	set_word(0x3000, 6);
	observe_stop(observer, &log);
	assert_int_equal(log.nr, 1);
	assert_int_equal(log.arrivals[0].word, 6);
	observe_free(observer);
}

static void too_many_are_counted(void **state)
{
	struct observe_point points[10];
	struct observer *observer = NULL;
	struct observe_log log;

	for (int i = 0; i < 10; i++)
		points[i] = (struct observe_point){ 0x4000 + 4 * i, 1, OBSERVE_RISE };
	assert_int_equal(observe_start(&observer, &memory, points, 10, 4, PAUSE_NS), 0);
	for (int i = 0; i < 10; i++)
		set_word(0x4000 + 4 * i, 1);
	observe_stop(observer, &log);
	assert_int_equal(log.nr, 4);
	assert_int_equal(log.dropped, 6);
	observe_free(observer);
}

static void bad_points_are_refused(void **state)
{
	struct observe_point point = { 0x1002, 1, OBSERVE_RISE };
	struct observer *observer = NULL;

	assert_int_equal(observe_start(&observer, &memory, &point, 1, 1, PAUSE_NS), -EINVAL);
	point.address = LOW;
	assert_int_equal(observe_start(&observer, &memory, &point, 1, 1, PAUSE_NS), -EFAULT);
	assert_null(observer);
	assert_int_equal(observe_open(&memory, "/nonexistent", 0), -ENOENT);
}

static void gaps(void **state)
{
	const struct observe_arrival arrivals_seen[] = {
		{ .at_ns = 50 },  { .at_ns = 110 }, { .at_ns = 130 },
		{ .at_ns = 180 }, { .at_ns = 260 },
	};
	const struct observe_log log = { .arrivals = arrivals_seen, .nr = 5 };
	struct observe_gap gap;

	observe_gap(&gap, &log, 100, 200);
	assert_int_equal(gap.arrivals, 3);
	assert_int_equal(gap.longest_ns, 50);
	assert_int_equal(gap.from_ns, 130);
	/* To the end, and from the begin. */
	observe_gap(&gap, &log, 120, 259);
	assert_int_equal(gap.longest_ns, 79);
	assert_int_equal(gap.from_ns, 180);
	observe_gap(&gap, &log, 0, 100);
	assert_int_equal(gap.arrivals, 1);
	assert_int_equal(gap.longest_ns, 50);
	observe_gap(&gap, &log, 300, 1000);
	assert_int_equal(gap.arrivals, 0);
	assert_int_equal(gap.longest_ns, 700);
	assert_int_equal(gap.from_ns, 300);
}

struct places {
	uint64_t offset[8];
	int nr;
	int stop_at;
};

static int found(uint64_t offset, void *data)
{
	struct places *places = data;

	assert_true(places->nr < 8);
	places->offset[places->nr++] = offset;
	return places->nr == places->stop_at ? 42 : 0;
}

static void search(void **state)
{
	/* Ends with a zero, which may lie in a hole. */
	static const uint8_t wanted[] = { 0xc3, 1, 2, 3, 0xc3, 5, 6, 0 };
	static const uint64_t where[] = { 7, 0x10000 - 3, 0x20000 - 7, SIZE - sizeof(wanted) };
	struct places places = { 0 };

	/* Without the zero, which is there: writing it would fill the hole. */
	for (int i = 0; i < 4; i++)
		memcpy((void *)(guest + where[i]), wanted, sizeof(wanted) - 1);
	assert_int_equal(observe_search(&memory, wanted, sizeof(wanted), found, &places), 0);
	assert_int_equal(places.nr, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(places.offset[i], where[i]);
	places = (struct places){ .stop_at = 2 };
	assert_int_equal(observe_search(&memory, wanted, sizeof(wanted), found, &places), 42);
	assert_int_equal(places.nr, 2);
	places = (struct places){ 0 };
	assert_int_equal(observe_search(&memory, "not there at all", 16, found, &places), 0);
	assert_int_equal(places.nr, 0);
	assert_int_equal(observe_search(&memory, "\0\0", 2, found, &places), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(arrivals),
		cmocka_unit_test(last_look),
		cmocka_unit_test(too_many_are_counted),
		cmocka_unit_test(bad_points_are_refused),
		cmocka_unit_test(gaps),
		cmocka_unit_test(search),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
