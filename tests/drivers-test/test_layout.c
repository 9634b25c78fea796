// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout keeps what layout.h guarantees, for many domains and seeds; the contents tell every
 * kind of mistake.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <flbench/iommufd.h>
#include <flbench/layout.h>

#define NR 64

static struct layout_mapping map[LAYOUT_MAPPINGS_MAX];

static uint64_t end_of(const struct layout_mapping *m)
{
	return m->iova + (uint64_t)m->pages * LAYOUT_PAGE_SIZE;
}

static void check_one(uint64_t seed, uint32_t domain, uint32_t nr)
{
	unsigned int leaves = 0, straddling = 0, lengths = 0;
	uint64_t last_leaf = 0;

	assert_int_equal(layout_generate(seed, domain, nr, map), 0);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t first = map[i].iova / LAYOUT_LEAF_SIZE,
			 last = (end_of(&map[i]) - 1) / LAYOUT_LEAF_SIZE;

		assert_int_equal(map[i].iova % LAYOUT_PAGE_SIZE, 0);
		assert_in_range(map[i].pages, 1, 8);
		assert_true(map[i].first_page + map[i].pages <= LAYOUT_SLOT_PAGES);
		assert_true(map[i].iova >= LAYOUT_IOVA_MIN);
		assert_true(end_of(&map[i]) < LAYOUT_IOVA_END);
		assert_true(map[i].prot & IOMMUFD_PROT_READ);
		if (i)
			assert_true(map[i].iova >= end_of(&map[i - 1]) + LAYOUT_PAGE_SIZE);
		leaves += first != last_leaf;
		leaves += first != last;
		straddling += first != last;
		last_leaf = last;
		lengths |= 1u << map[i].pages;
	}
	assert_int_equal(map[0].prot, IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
	if (nr > 1)
		assert_int_equal(map[1].prot, IOMMUFD_PROT_READ);
	if (nr >= 48) {
		assert_true(leaves >= 3);
		assert_int_equal(straddling, 1);
		/* At least three different lengths. */
		assert_true(__builtin_popcount(lengths) >= 3);
	}
	assert_true(layout_spare_iova(map, nr) >= end_of(&map[nr - 1]) + LAYOUT_LEAF_SIZE);
	assert_true(layout_spare_iova(map, nr) < LAYOUT_IOVA_END);
}

static void guarantees_hold(void **state)
{
	static const uint32_t numbers[] = { 1,	2,  3,	4,  16,	 47,   48,
					    49, 63, 64, 65, 100, 1000, LAYOUT_MAPPINGS_MAX };

	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		for (uint64_t seed = 0; seed < 5; seed++)
			for (uint32_t domain = 0; domain < 200; domain++)
				check_one(seed, domain, numbers[n]);
	check_one(UINT64_MAX, LAYOUT_DOMAINS_MAX - 1, LAYOUT_MAPPINGS_MAX);
}

static void same_seed_same_layout(void **state)
{
	static struct layout_mapping again[NR];

	for (uint32_t domain = 0; domain < 100; domain++) {
		assert_int_equal(layout_generate(7, domain, NR, map), 0);
		assert_int_equal(layout_generate(7, domain, NR, again), 0);
		for (int i = 0; i < NR; i++) {
			assert_int_equal(map[i].iova, again[i].iova);
			assert_int_equal(map[i].pages, again[i].pages);
			assert_int_equal(map[i].first_page, again[i].first_page);
			assert_int_equal(map[i].prot, again[i].prot);
		}
	}
}

/* The new kernel may run another build of the agent: the layout is part of what they agree on. */
static void layout_is_stable(void **state)
{
	uint64_t sum = 0;

	assert_int_equal(layout_generate(1, 5, NR, map), 0);
	for (int i = 0; i < NR; i++)
		sum = sum * 31 + map[i].iova + map[i].pages * 7 + map[i].first_page * 3 +
		      map[i].prot;
	assert_int_equal(sum, 0x1aa968c615d241a1ull);
}

static void domains_differ(void **state)
{
	static struct layout_mapping second[NR];

	for (uint32_t domain = 0; domain < 5000; domain++) {
		assert_int_equal(layout_generate(3, domain, NR, map), 0);
		assert_int_equal(layout_generate(3, domain + 1, NR, second), 0);
		assert_true(map[0].iova != second[0].iova);
	}
}

static void bad_numbers_are_refused(void **state)
{
	assert_int_equal(layout_generate(1, 0, 0, map), -EINVAL);
	assert_int_equal(layout_generate(1, 0, LAYOUT_MAPPINGS_MAX + 1, map), -EINVAL);
	assert_int_equal(layout_generate(1, LAYOUT_DOMAINS_MAX, 1, map), -EINVAL);
}

static void contents_tell_mistakes(void **state)
{
	uint64_t *buffer = aligned_alloc(LAYOUT_PAGE_SIZE, 3 * LAYOUT_PAGE_SIZE);

	assert_non_null(buffer);
	layout_fill(buffer, 4, 100, 2, 3);
	assert_int_equal(layout_check(buffer, 4, 100, 2, 3), -1);
	/* Another cycle, domain, page; every word is looked at. */
	assert_int_equal(layout_check(buffer, 5, 100, 2, 3), 0);
	assert_int_equal(layout_check(buffer, 4, 101, 2, 3), 0);
	assert_int_equal(layout_check(buffer, 4, 100, 3, 3), 0);
	for (size_t word = 0; word < 3 * LAYOUT_PAGE_WORDS; word++) {
		buffer[word] ^= 1ull << (word % 64);
		assert_int_equal(layout_check(buffer, 4, 100, 2, 3), word * sizeof(*buffer));
		buffer[word] ^= 1ull << (word % 64);
	}
	/* Empty pages, and pages in the wrong order. */
	memset(buffer, 0, LAYOUT_PAGE_SIZE);
	assert_int_equal(layout_check(buffer, 4, 100, 2, 3), 0);
	layout_fill(buffer, 4, 100, 2, 1);
	layout_fill(buffer + LAYOUT_PAGE_WORDS, 4, 100, 4, 1);
	assert_int_equal(layout_check(buffer, 4, 100, 2, 3), LAYOUT_PAGE_SIZE);
	free(buffer);
}

static void words_are_described(void **state)
{
	char text[128];

	layout_describe(layout_word(4, 100, 2, 9), text, sizeof(text));
	assert_string_equal(text, "cycle 4 domain 100 page 2 word 9");
	layout_describe(0, text, sizeof(text));
	assert_non_null(strstr(text, "no domain wrote"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guarantees_hold),	   cmocka_unit_test(same_seed_same_layout),
		cmocka_unit_test(layout_is_stable),	   cmocka_unit_test(domains_differ),
		cmocka_unit_test(bad_numbers_are_refused), cmocka_unit_test(contents_tell_mistakes),
		cmocka_unit_test(words_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
