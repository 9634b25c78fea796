// SPDX-License-Identifier: GPL-2.0-only
/* The histogram: exact where it says so, close enough elsewhere, and whole when merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "histogram.h"

static struct histogram h, other;

static int clear(void **state)
{
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	return 0;
}

static void empty(void **state)
{
	assert_int_equal(histogram_percentile(&h, 500000), 0);
}

static void exact_below_64(void **state)
{
	for (uint64_t i = 0; i < 64; i++)
		histogram_add(&h, i);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(histogram_percentile(&h, (i + 1) * 1000000 / 64), i);
	assert_int_equal(h.nr, 64);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, 63);
}

/* Whatever the number: the percentile is not below it, and at most 1/32 above. */
static void error_is_bounded(void **state)
{
	for (unsigned int shift = 0; shift < 64; shift++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = (1ull << shift) + off, got;

			clear(NULL);
			histogram_add(&h, value);
			/* One that does not let the maximum cap the answer. */
			histogram_add(&h, UINT64_MAX);
			got = histogram_percentile(&h, 500000);
			if (got < value || got - value > value / 32)
				fail_msg("%llu became %llu", (unsigned long long)value,
					 (unsigned long long)got);
			assert_int_equal(h.min, value);
		}
	}
}

static void ranks(void **state)
{
	for (unsigned int i = 0; i < 999; i++)
		histogram_add(&h, 10);
	histogram_add(&h, 1000000);
	assert_int_equal(histogram_percentile(&h, 500000), 10);
	assert_int_equal(histogram_percentile(&h, 999000), 10);
	assert_int_equal(histogram_percentile(&h, 999001), 1000000);
	assert_int_equal(histogram_percentile(&h, 1000000), 1000000);
}

static void merged(void **state)
{
	histogram_merge(&h, &other);
	assert_int_equal(h.nr, 0);
	histogram_add(&other, 7);
	histogram_merge(&h, &other);
	assert_int_equal(h.min, 7);
	histogram_add(&h, 100000);
	clear(NULL);
	histogram_add(&h, 20);
	histogram_add(&other, 5);
	histogram_add(&other, 5000);
	histogram_merge(&h, &other);
	assert_int_equal(h.nr, 3);
	assert_int_equal(h.min, 5);
	assert_int_equal(h.max, 5000);
	assert_int_equal(histogram_percentile(&h, 500000), 20);
	assert_int_equal(histogram_percentile(&h, 1000000), 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty, clear),
		cmocka_unit_test_setup(exact_below_64, clear),
		cmocka_unit_test_setup(error_is_bounded, clear),
		cmocka_unit_test_setup(ranks, clear),
		cmocka_unit_test_setup(merged, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
