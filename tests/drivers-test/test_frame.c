// SPDX-License-Identifier: GPL-2.0-only
/* Frames: each byte is looked at; books: each frame has one column. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <flbench/frame.h>

#define SEED 99u

static uint8_t frame[FRAME_BYTES_MAX + 1];

static void each_length_is_right(void **state)
{
	for (uint32_t bytes = FRAME_BYTES_MIN; bytes <= FRAME_BYTES_MAX; bytes++) {
		uint64_t number = 0;

		frame[bytes] = 0xa5;
		assert_int_equal(frame_build(frame, bytes, SEED, bytes * 1000ull), 0);
		assert_int_equal(frame[bytes], 0xa5);
		assert_int_equal(frame_check(frame, bytes, SEED, &number), 0);
		assert_int_equal(number, bytes * 1000ull);
	}
}

static void bad_lengths_are_refused(void **state)
{
	uint64_t number;

	assert_int_equal(frame_build(frame, FRAME_BYTES_MIN - 1, SEED, 0), -EINVAL);
	assert_int_equal(frame_build(frame, FRAME_BYTES_MAX + 1, SEED, 0), -EINVAL);
	assert_int_equal(frame_check(frame, FRAME_BYTES_MIN - 1, SEED, &number), -ENOMSG);
	assert_int_equal(frame_check(frame, FRAME_BYTES_MAX + 1, SEED, &number), -ENOMSG);
}

static void each_bit_counts(void **state)
{
	uint64_t number;

	assert_int_equal(frame_build(frame, 200, SEED, 5), 0);
	for (uint32_t bit = 0; bit < 200 * 8; bit++) {
		frame[bit / 8] ^= 1u << bit % 8;
		assert_int_not_equal(frame_check(frame, 200, SEED, &number), 0);
		frame[bit / 8] ^= 1u << bit % 8;
	}
	assert_int_equal(frame_check(frame, 200, SEED, &number), 0);
}

static void kinds_of_wrong_frames_differ(void **state)
{
	uint64_t number;

	assert_int_equal(frame_build(frame, 300, SEED, 5), 0);
	assert_int_equal(frame_check(frame, 300, SEED + 1, &number), -ESTALE);
	/* Cut short. */
	assert_int_equal(frame_check(frame, 299, SEED, &number), -EBADMSG);
	frame[299] ^= 1;
	number = 0;
	assert_int_equal(frame_check(frame, 300, SEED, &number), -EBADMSG);
	assert_int_equal(number, 5);
	/* The head itself: which one it was is not known. */
	frame[FRAME_ETHERNET_BYTES + offsetof(struct frame_head, number)] ^= 1;
	assert_int_equal(frame_check(frame, 300, SEED, &number), -EBADMSG);
	assert_true(number == FRAME_NO_NUMBER);
	memset(frame, 0, 300);
	assert_int_equal(frame_check(frame, 300, SEED, &number), -ENOMSG);
}

/* IEEE 802.3's CRC, by another way than the library's: bit by bit. */
static uint32_t slow_crc(const uint8_t *bytes, size_t nr)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < nr; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void crc_is_the_standard_one(void **state)
{
	uint32_t crc = 0;

	assert_int_equal(frame_build(frame, 100, SEED, 7), 0);
	memcpy(&crc, frame + 96, sizeof(crc));
	assert_int_equal(crc, slow_crc(frame, 96));
}

/* Wrong in a way that the CRC does not tell, since it is made for the wrong bytes. */
static void wrong_behind_a_right_crc(void **state)
{
	static const uint32_t places[] = {
		FRAME_ETHERNET_BYTES + offsetof(struct frame_head, number),
		FRAME_ETHERNET_BYTES + offsetof(struct frame_head, signature),
		FRAME_ETHERNET_BYTES + offsetof(struct frame_head, bytes),
		FRAME_ETHERNET_BYTES + offsetof(struct frame_head, reserved),
		FRAME_ETHERNET_BYTES + sizeof(struct frame_head),
		95,
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t number;
		uint32_t crc;

		assert_int_equal(frame_build(frame, 100, SEED, 7), 0);
		frame[places[i]] ^= 0x10;
		crc = slow_crc(frame, 96);
		memcpy(frame + 96, &crc, sizeof(crc));
		assert_int_equal(frame_check(frame, 100, SEED, &number), -EBADMSG);
	}
}

static void prefix_is_the_runs(void **state)
{
	uint8_t prefix[FRAME_PREFIX_BYTES], other[FRAME_PREFIX_BYTES];

	frame_prefix(prefix, SEED);
	frame_prefix(other, SEED + 1);
	assert_memory_not_equal(prefix, other, sizeof(prefix));
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(frame_build(frame, 64 + i, SEED, i), 0);
		assert_memory_equal(frame, prefix, sizeof(prefix));
	}
}

static void signatures_differ(void **state)
{
	for (uint64_t i = 0; i < 300; i++)
		for (uint64_t k = 0; k < i; k++)
			assert_true(frame_signature(SEED, i) != frame_signature(SEED, k));
	assert_true(frame_signature(SEED, 0) != frame_signature(SEED + 1, 0));
}

static struct frame_book *make_book(uint64_t max)
{
	struct frame_book *book = malloc(frame_book_bytes(max));

	assert_non_null(book);
	frame_book_init(book, max);
	return book;
}

static void book_counts(void **state)
{
	struct frame_book *book = make_book(130);

	frame_book_add(book, 0);
	frame_book_add(book, 64);
	frame_book_add(book, 129);
	assert_int_equal(book->reordered, 0);
	frame_book_add(book, 63);
	frame_book_add(book, 64);
	frame_book_add(book, 130);
	assert_int_equal(book->arrived, 4);
	assert_int_equal(book->duplicated, 1);
	assert_int_equal(book->reordered, 1);
	assert_int_equal(book->beyond, 1);
	assert_int_equal(book->next, 130);
	assert_true(frame_book_has(book, 63));
	assert_false(frame_book_has(book, 62));
	assert_false(frame_book_has(book, 130));
	free(book);
}

/* 0-9: sent; 10-14: refused; 15-19: sent; 20 and above: never. */
static void account_has_a_column_for_each(void **state)
{
	struct frame_book *book = make_book(64);
	struct frame_account a;
	uint8_t fates[20];

	memset(fates, FRAME_SENT, sizeof(fates));
	memset(fates + 10, FRAME_REFUSED, 5);
	for (uint64_t i = 0; i < 20; i++)
		if (i < 10 || i > 14)
			frame_book_add(book, i);
	frame_account(&a, book, fates, 20, 0);
	assert_int_equal(a.sent, 15);
	assert_int_equal(a.arrived, 15);
	assert_int_equal(a.overrun, 5);
	assert_int_equal(a.lost, 0);
	assert_int_equal(a.impossible, 0);
	/* A refused one, one never sent, and one twice. */
	frame_book_add(book, 12);
	frame_book_add(book, 30);
	frame_book_add(book, 3);
	frame_account(&a, book, fates, 20, 0);
	assert_int_equal(a.impossible, 2);
	assert_int_equal(a.duplicated, 1);
	assert_int_equal(a.arrived, 15);
	free(book);
}

static void missed_are_overrun_and_the_rest_is_lost(void **state)
{
	struct frame_book *book = make_book(64);
	struct frame_account a;
	uint8_t fates[20];

	memset(fates, FRAME_SENT, sizeof(fates));
	for (uint64_t i = 0; i < 20; i += 2)
		frame_book_add(book, i);
	frame_account(&a, book, fates, 20, 7);
	assert_int_equal(a.overrun, 7);
	assert_int_equal(a.lost, 3);
	/* More missed than absent: others than ours were missed. */
	frame_account(&a, book, fates, 20, 70);
	assert_int_equal(a.overrun, 10);
	assert_int_equal(a.lost, 0);
	free(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_length_is_right),
		cmocka_unit_test(bad_lengths_are_refused),
		cmocka_unit_test(each_bit_counts),
		cmocka_unit_test(kinds_of_wrong_frames_differ),
		cmocka_unit_test(crc_is_the_standard_one),
		cmocka_unit_test(wrong_behind_a_right_crc),
		cmocka_unit_test(prefix_is_the_runs),
		cmocka_unit_test(signatures_differ),
		cmocka_unit_test(book_counts),
		cmocka_unit_test(account_has_a_column_for_each),
		cmocka_unit_test(missed_are_overrun_and_the_rest_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
