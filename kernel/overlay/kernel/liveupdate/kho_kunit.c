// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of KHO with many pages: the walk over all preserved memory, and the
 * accounting of what is restored. What needs a kexec is left to others.
 *
 * Needs kho=on on the kernel command line.
 */

#include <kunit/test.h>

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/sort.h>

#include "kexec_handover_internal.h"
#include "kho_walk.h"

/*
 * The walk
 */

#define WALK_MAX	4096

struct walk_entry {
	phys_addr_t phys;
	unsigned int order;
};

struct walk_test {
	struct kho_radix_tree tree;
	struct kho_walk walk;
	unsigned int nr;
	struct walk_entry entries[WALK_MAX];
};

static void walk_test_destroy(void *data)
{
	struct walk_test *t = data;

	kho_radix_destroy_tree(&t->tree);
	kvfree(t);
}

static struct walk_test *walk_test_new(struct kunit *test)
{
	struct walk_test *t = kvzalloc_obj(*t);

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, walk_test_destroy, t));
	KUNIT_ASSERT_EQ(test, 0, kho_radix_init_tree(&t->tree, NULL));

	return t;
}

/* The key as the ABI says: the order's bit, and below it the shifted PFN. */
static void walk_test_add(struct kunit *test, struct walk_test *t, phys_addr_t phys,
			  unsigned int order)
{
	unsigned long key = 1UL << (64 - PAGE_SHIFT - order) | phys >> (PAGE_SHIFT + order);

	KUNIT_ASSERT_LT(test, t->nr, WALK_MAX);
	KUNIT_ASSERT_EQ(test, 0, kho_radix_add_key(&t->tree, key));
	t->entries[t->nr++] = (struct walk_entry){ phys, order };
}

static int walk_test_compare(const void *a, const void *b)
{
	const struct walk_entry *x = a, *y = b;

	if (x->phys != y->phys)
		return x->phys < y->phys ? -1 : 1;

	return (int)y->order - (int)x->order;
}

/* The walk comes by all that was added, once, in ascending order. */
static void walk_test_check(struct kunit *test, struct walk_test *t)
{
	unsigned int order, wrong = 0;
	phys_addr_t phys;

	sort(t->entries, t->nr, sizeof(t->entries[0]), walk_test_compare, NULL);
	kho_walk_start(&t->walk, t->tree.root);

	for (unsigned int i = 0; i < t->nr; i++) {
		const struct walk_entry *entry = &t->entries[i];

		/* Random ones may be there twice. */
		if (i && !walk_test_compare(entry - 1, entry))
			continue;
		KUNIT_ASSERT_TRUE(test, kho_walk_next(&t->walk, &phys, &order));
		wrong += phys != entry->phys || order != entry->order;
	}

	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_FALSE(test, kho_walk_next(&t->walk, &phys, &order));
	KUNIT_EXPECT_FALSE(test, kho_walk_next(&t->walk, &phys, &order));
}

static void walk_test_empty(struct kunit *test)
{
	walk_test_check(test, walk_test_new(test));
}

/* Nodes stay in the tree when the last key below them is gone. */
static void walk_test_deleted(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = 0; order < 12; order++) {
		walk_test_add(test, t, 1UL << 30, order);
		kho_radix_del_key(&t->tree, 1UL << (64 - PAGE_SHIFT - order) |
					    (1UL << 30) >> (PAGE_SHIFT + order));
	}
	t->nr = 0;
	walk_test_check(test, t);
}

/* The first and the last block of each order, in the whole address space. */
static void walk_test_ends(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = 0; order < KHO_NR_ORDERS; order++) {
		walk_test_add(test, t, 0, order);
		walk_test_add(test, t, ~0UL << (PAGE_SHIFT + order), order);
	}
	walk_test_check(test, t);
}

/* On both sides of where one node of the tree ends and the next begins. */
static void walk_test_boundaries(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = 0; order < 16; order++) {
		for (unsigned int shift = KHO_BITMAP_SIZE_LOG2; shift + PAGE_SHIFT + order < 63;
		     shift += KHO_TABLE_SIZE_LOG2) {
			phys_addr_t phys = 1UL << (shift + PAGE_SHIFT + order);
			phys_addr_t size = PAGE_SIZE << order;

			walk_test_add(test, t, phys - size, order);
			walk_test_add(test, t, phys, order);
			walk_test_add(test, t, phys + size, order);
		}
	}
	walk_test_check(test, t);
}

/* The highest orders have so few keys that several share a leaf. */
static void walk_test_shared_leaf(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = KHO_NR_ORDERS - 12; order < KHO_NR_ORDERS; order++)
		walk_test_add(test, t, 0, order);
	walk_test_check(test, t);
}

/* What is in one leaf must not be taken for being in the next one. */
static void walk_test_leaves(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);
	static const struct {
		unsigned long leaf, bit;
	} keys[] = {
		{ 8, 0 }, { 8, 5 }, { 8, BIT(KHO_BITMAP_SIZE_LOG2) - 1 },
		{ 9, 7 }, { 9, BIT(KHO_BITMAP_SIZE_LOG2) - 1 },
		{ 11, 0 }, { 11, 1 },
	};

	for (int i = 0; i < ARRAY_SIZE(keys); i++)
		walk_test_add(test, t, PFN_PHYS(keys[i].leaf << KHO_BITMAP_SIZE_LOG2 |
						keys[i].bit), 0);
	walk_test_check(test, t);
}

/* Neighbours of different orders, without a hole. */
static void walk_test_adjacent(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = 0; order < 12; order++)
		walk_test_add(test, t, SZ_4G + (PAGE_SIZE << order), order);
	walk_test_check(test, t);
}

/* What lies within another preservation comes behind it. */
static void walk_test_nested(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);

	for (unsigned int order = 0; order < 10; order++)
		for (phys_addr_t i = 0; i < 4; i++)
			walk_test_add(test, t, SZ_1G + (i << (PAGE_SHIFT + order)), order);
	walk_test_check(test, t);
}

static void walk_test_random(struct kunit *test)
{
	struct walk_test *t = walk_test_new(test);
	u64 state = 1;

	while (t->nr < WALK_MAX) {
		unsigned int order;
		phys_addr_t phys;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		order = (state >> 60) % 11;
		/* Half of them close together, half of them in 1 TiB. */
		phys = (state >> 16) & (state & BIT(50) ? SZ_64M - 1 : BIT(40) - 1);
		walk_test_add(test, t, ALIGN_DOWN(phys, PAGE_SIZE << order), order);
	}
	walk_test_check(test, t);
}

static struct kunit_case kho_walk_test_cases[] = {
	KUNIT_CASE(walk_test_empty),
	KUNIT_CASE(walk_test_deleted),
	KUNIT_CASE(walk_test_ends),
	KUNIT_CASE(walk_test_boundaries),
	KUNIT_CASE(walk_test_leaves),
	KUNIT_CASE(walk_test_shared_leaf),
	KUNIT_CASE(walk_test_adjacent),
	KUNIT_CASE(walk_test_nested),
	KUNIT_CASE(walk_test_random),
	{}
};

/*
 * The accounting
 */

static int batch_test_init(struct kunit *test)
{
	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");

	return 0;
}

/* A page as if the previous kernel had preserved it. */
static phys_addr_t batch_test_preserved(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	kho_kunit_make_restorable(page, order);

	return page_to_phys(page);
}

/* All zones of all nodes, in which pages are in some place. */
static unsigned long batch_test_managed(void)
{
	unsigned long managed = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		managed += zone_managed_pages(zone);

	return managed;
}

/*
 * What a zone keeps from allocations that prefer a higher one follows from how many
 * pages are managed there, so it says whether it was computed after a change.
 */
static unsigned long batch_test_reserves(void)
{
	unsigned long reserves = 0;
	struct zone *zone;

	for_each_populated_zone(zone)
		for (int i = 0; i < MAX_NR_ZONES; i++)
			reserves += zone->lowmem_reserve[i];

	return reserves;
}

static void batch_test_counts_at_end(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 0, 1, 3, MAX_PAGE_ORDER };
	unsigned long total = totalram_pages(), managed = batch_test_managed();
	struct kho_restore_batch batch = { };
	phys_addr_t phys[ARRAY_SIZE(orders)];
	struct folio *folios[ARRAY_SIZE(orders)];
	unsigned long nr = 0;

	for (int i = 0; i < ARRAY_SIZE(orders); i++) {
		phys[i] = batch_test_preserved(test, orders[i]);
		nr += 1UL << orders[i];
	}
	KUNIT_EXPECT_EQ(test, total - nr, totalram_pages());

	for (int i = 0; i < ARRAY_SIZE(orders); i++) {
		folios[i] = kho_restore_folio_batch(phys[i], &batch);
		KUNIT_ASSERT_NOT_NULL(test, folios[i]);
		KUNIT_EXPECT_EQ(test, orders[i], folio_order(folios[i]));
		KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folios[i]));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys[i], orders[i]));
	}

	kho_restore_batch_end(&batch);
	KUNIT_EXPECT_EQ(test, total, totalram_pages());
	KUNIT_EXPECT_EQ(test, managed, batch_test_managed());

	/* There is nothing left that could be counted again. */
	kho_restore_batch_end(&batch);
	KUNIT_EXPECT_EQ(test, total, totalram_pages());

	for (int i = 0; i < ARRAY_SIZE(orders); i++)
		folio_put(folios[i]);
	KUNIT_EXPECT_EQ(test, total, totalram_pages());
}

/* The zone changes with each page: each gets its own pages back. */
static void batch_test_zones(struct kunit *test)
{
	struct kho_restore_batch batch = { };
	unsigned long before[2], total;
	struct page *pages[4];

	pages[0] = alloc_page(GFP_KERNEL | __GFP_DMA);
	pages[1] = alloc_page(GFP_KERNEL);
	pages[2] = alloc_page(GFP_KERNEL | __GFP_DMA);
	pages[3] = alloc_page(GFP_KERNEL);
	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	if (page_zone(pages[0]) == page_zone(pages[1])) {
		for (int i = 0; i < ARRAY_SIZE(pages); i++)
			__free_page(pages[i]);
		kunit_skip(test, "there is but one zone");
	}

	total = totalram_pages();
	for (int i = 0; i < ARRAY_SIZE(before); i++)
		before[i] = zone_managed_pages(page_zone(pages[i]));
	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		kho_kunit_make_restorable(pages[i], 0);
	for (int i = 0; i < ARRAY_SIZE(before); i++)
		KUNIT_EXPECT_EQ(test, before[i] - 2, zone_managed_pages(page_zone(pages[i])));

	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		KUNIT_EXPECT_PTR_EQ(test, pages[i],
				    kho_restore_pages_batch(page_to_phys(pages[i]), 1, &batch));
	kho_restore_batch_end(&batch);

	KUNIT_EXPECT_EQ(test, total, totalram_pages());
	for (int i = 0; i < ARRAY_SIZE(before); i++)
		KUNIT_EXPECT_EQ(test, before[i], zone_managed_pages(page_zone(pages[i])));
	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		__free_page(pages[i]);
}

/* Many blocks are one step, also for who knows nothing of batches. */
static void batch_test_pages(struct kunit *test)
{
	const unsigned int order = 9;
	unsigned long total = totalram_pages(), reserves = batch_test_reserves();
	struct page *page, *restored;

	page = alloc_pages(GFP_KERNEL, order);
	KUNIT_ASSERT_NOT_NULL(test, page);

	/* As kho_preserve_pages() does it for all but the first page. */
	for (unsigned int i = 0; i < order; i++)
		kho_kunit_make_restorable(page + (1UL << i), i);

	restored = kho_restore_pages(page_to_phys(page + 1), (1UL << order) - 1);
	KUNIT_ASSERT_PTR_EQ(test, page + 1, restored);
	KUNIT_EXPECT_EQ(test, total, totalram_pages());
	KUNIT_EXPECT_EQ(test, reserves, batch_test_reserves());

	for (unsigned long i = 0; i < 1UL << order; i++) {
		KUNIT_EXPECT_EQ(test, 1, page_ref_count(page + i));
		__free_page(page + i);
	}
	KUNIT_EXPECT_EQ(test, total, totalram_pages());
}

/* A batch in which nothing was restored changes nothing. */
static void batch_test_nothing(struct kunit *test)
{
	unsigned long total = totalram_pages();
	struct kho_restore_batch batch = { };

	kho_restore_batch_end(&batch);
	KUNIT_EXPECT_EQ(test, total, totalram_pages());
	KUNIT_EXPECT_NULL(test, batch.zone);
}

/* The reserves are as if each page had been counted by itself. */
static void batch_test_lowmem_reserves(struct kunit *test)
{
	unsigned long reserves, without;
	struct kho_restore_batch batch = { };
	const unsigned int order = MAX_PAGE_ORDER;
	struct folio *folio;
	phys_addr_t phys;

	reserves = batch_test_reserves();
	phys = batch_test_preserved(test, order);
	without = batch_test_reserves();

	folio = kho_restore_folio_batch(phys, &batch);
	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, without, batch_test_reserves());
	kho_restore_batch_end(&batch);
	KUNIT_EXPECT_EQ(test, reserves, batch_test_reserves());

	folio_put(folio);
}

static struct kunit_case kho_batch_test_cases[] = {
	KUNIT_CASE(batch_test_counts_at_end),
	KUNIT_CASE(batch_test_zones),
	KUNIT_CASE(batch_test_pages),
	KUNIT_CASE(batch_test_nothing),
	KUNIT_CASE(batch_test_lowmem_reserves),
	{}
};

static struct kunit_suite kho_walk_test_suite = {
	.name = "liveupdate_kho_walk",
	.test_cases = kho_walk_test_cases,
};

static struct kunit_suite kho_batch_test_suite = {
	.name = "liveupdate_kho_batch",
	.init = batch_test_init,
	.test_cases = kho_batch_test_cases,
};

kunit_test_suites(&kho_walk_test_suite, &kho_batch_test_suite);
