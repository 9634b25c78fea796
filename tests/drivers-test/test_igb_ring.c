// SPDX-License-Identifier: GPL-2.0-only
/* The receive ring against a card played here, which follows the datasheet by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <flbench/igb_ring.h>

#define ENTRIES 16u
#define IOVA 0x4000000000ull

static struct igb_ring_state state;
static union igb_descriptor descriptors[ENTRIES];
static uint8_t buffers[ENTRIES * IGB_BUFFER_BYTES];
static struct igb_ring ring = { .state = &state,
				.descriptors = descriptors,
				.buffers = buffers,
				.buffers_iova = IOVA };

/* The card: its head, the tail that it was told, and what it dropped. */
static uint32_t head, tail, dropped;

static int reset(void **unused)
{
	memset(descriptors, 0xff, sizeof(descriptors));
	igb_ring_init(&ring, ENTRIES);
	head = dropped = 0;
	tail = state.tail;
	return 0;
}

static void arrive_with(uint32_t number, uint32_t status, uint16_t bytes)
{
	uint64_t buffer = descriptors[head].read.buffer;

	if (head == tail) {
		dropped++;
		return;
	}
	/* Each descriptor has the buffer of its own. */
	assert_int_equal(buffer, IOVA + (uint64_t)head * IGB_BUFFER_BYTES);
	assert_int_equal(descriptors[head].read.header & IGB_STATUS_DONE, 0);
	memcpy(buffers + (buffer - IOVA), &number, sizeof(number));
	descriptors[head].done.status = status;
	descriptors[head].done.bytes = bytes;
	descriptors[head].done.hash = 0x1234;
	head = (head + 1) % ENTRIES;
}

static void arrive(uint32_t number)
{
	arrive_with(number, IGB_STATUS_DONE | IGB_STATUS_END, 64);
}

static void take(uint32_t number)
{
	const void *frame;
	uint32_t bytes, found;

	assert_int_equal(igb_ring_take(&ring, &frame, &bytes), 1);
	memcpy(&found, frame, sizeof(found));
	assert_int_equal(found, number);
	assert_int_equal(bytes, 64);
	assert_int_equal(igb_ring_check(&ring), 0);
}

static void nothing_to_take(void)
{
	const void *frame;
	uint32_t bytes;

	assert_int_equal(igb_ring_pending(&ring), 0);
	assert_int_equal(igb_ring_take(&ring, &frame, &bytes), 0);
}

static void laps(void **unused)
{
	nothing_to_take();
	for (uint32_t i = 0; i < 5 * ENTRIES + 3; i++) {
		arrive(i);
		assert_int_equal(igb_ring_pending(&ring), 1);
		take(i);
		nothing_to_take();
		assert_int_equal(igb_ring_give(&ring, 100), 1);
		tail = state.tail;
		assert_int_equal(tail, (i + ENTRIES) % ENTRIES);
	}
	assert_int_equal(dropped, 0);
	assert_int_equal(state.frames, 5 * ENTRIES + 3);
}

/* All but one fit; the rest is dropped by the card, and none of those that fit is lost. */
static void overrun(void **unused)
{
	uint32_t number = 0;

	for (uint32_t lap = 0; lap < 2 * ENTRIES + 1; lap++) {
		uint32_t first = number;

		for (uint32_t i = 0; i < ENTRIES + 7; i++)
			arrive(number++);
		assert_int_equal(dropped, 8 * (lap + 1));
		assert_int_equal(igb_ring_pending(&ring), ENTRIES - 1);
		for (uint32_t i = 0; i < ENTRIES - 1; i++)
			take(first + i);
		/* All are ours, though the ring is full of old "done" bits. */
		nothing_to_take();
		assert_int_equal(igb_ring_give(&ring, UINT32_MAX), ENTRIES - 1);
		tail = state.tail;
		nothing_to_take();
	}
}

/* Taken and not given back: the card must not get a descriptor too many. */
static void given_back_late(void **unused)
{
	for (uint32_t i = 0; i < 4; i++)
		arrive(i);
	take(0);
	take(1);
	assert_int_equal(igb_ring_give(&ring, 1), 1);
	assert_int_equal(igb_ring_give(&ring, 0), 0);
	assert_int_equal(igb_ring_give(&ring, 5), 1);
	assert_int_equal(igb_ring_give(&ring, 5), 0);
	tail = state.tail;
	for (uint32_t i = 4; i < ENTRIES + 10; i++)
		arrive(i);
	assert_int_equal(igb_ring_pending(&ring), ENTRIES - 1);
	for (uint32_t i = 2; i < ENTRIES + 1; i++)
		take(i);
	nothing_to_take();
	assert_int_equal(dropped, 9);
}

static void wrong_frames_are_told(void **unused)
{
	static const uint32_t wrong[] = { IGB_STATUS_DONE,
					  IGB_STATUS_DONE | IGB_STATUS_END | IGB_STATUS_ERROR };
	const void *frame;
	uint32_t bytes;

	for (int i = 0; i < 2; i++) {
		arrive_with(0, wrong[i], 64);
		assert_int_equal(igb_ring_take(&ring, &frame, &bytes), -EIO);
	}
	arrive_with(0, IGB_STATUS_DONE | IGB_STATUS_END, IGB_BUFFER_BYTES + 1);
	assert_int_equal(igb_ring_take(&ring, &frame, &bytes), -EIO);
	assert_int_equal(state.errors, 3);
	arrive(3);
	take(3);
}

/* Another process with its own pointers goes on where the state says. */
static void resumed(void **unused)
{
	static uint8_t elsewhere[sizeof(buffers)];
	struct igb_ring other = ring;
	const void *frame;
	uint32_t bytes, number;

	for (uint32_t i = 0; i < ENTRIES - 2; i++) {
		arrive(i);
		take(i);
		igb_ring_give(&ring, 1);
		tail = state.tail;
	}
	for (uint32_t i = 0; i < 6; i++)
		arrive(50 + i);
	memcpy(elsewhere, buffers, sizeof(buffers));
	memset(buffers, 0, sizeof(buffers));
	other.buffers = elsewhere;
	assert_int_equal(igb_ring_check(&other), 0);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(igb_ring_take(&other, &frame, &bytes), 1);
		memcpy(&number, frame, sizeof(number));
		assert_int_equal(number, 50 + i);
	}
	assert_int_equal(igb_ring_take(&other, &frame, &bytes), 0);
}

static void broken_state_is_refused(void **unused)
{
	struct igb_ring_state kept;

	arrive(1);
	take(1);
	kept = state;
#define BREAK(field, value)                                       \
	do {                                                      \
		state.field = (value);                            \
		assert_int_equal(igb_ring_check(&ring), -EINVAL); \
		state = kept;                                     \
		assert_int_equal(igb_ring_check(&ring), 0);       \
	} while (0)
	BREAK(entries, 0);
	BREAK(entries, ENTRIES + 1);
	BREAK(entries, IGB_RING_MAX + IGB_RING_ALIGN);
	BREAK(next, ENTRIES);
	BREAK(next, kept.next + 1);
	BREAK(tail, ENTRIES);
	BREAK(frames, kept.frames + 1);
	BREAK(errors, kept.frames + 1);
#undef BREAK
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(laps, reset),
		cmocka_unit_test_setup(overrun, reset),
		cmocka_unit_test_setup(given_back_late, reset),
		cmocka_unit_test_setup(wrong_frames_are_told, reset),
		cmocka_unit_test_setup(resumed, reset),
		cmocka_unit_test_setup(broken_state_is_refused, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
