// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of KHO's page pools: pages and chunks, their preservation, each way
 * in which an allocation can fail, and what a previous kernel left, intact or
 * damaged. In one boot there is no previous kernel: the pool is emptied, and its
 * memory declared to be one's.
 *
 * Needs kho=on on the kernel command line.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/pool.h>
#include <linux/kho_pool.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "kho_pool_internal.h"

/* More than fit in one directory of order-0 chunks, and in one large chunk */
#define POOL_TEST_PAGES		1200

#define POOL_TEST_THREADS	4
#define POOL_TEST_ROUNDS	3000

/* For ever, as pools are */
static struct kho_pool pool_test_pool;

/**
 * struct pool_test - a test's world
 * @pool: the pool, without a page in use
 * @fail_nth: which step that can fail is going to, counted down; 0 is none
 * @max_order: the largest order that the page allocator has
 * @nr_keys: preservations in being
 * @nr_key_pages: and how many pages they are of
 * @pages: pages in use
 * @nr: their number
 */
struct pool_test {
	struct kho_pool *pool;
	unsigned int fail_nth;
	unsigned int max_order;
	long nr_keys;
	long nr_key_pages;
	void *pages[POOL_TEST_PAGES];
	unsigned int nr;
};

static struct pool_test *pool_test_current(void)
{
	return kunit_get_current_test()->priv;
}

static bool pool_test_fails(void)
{
	struct pool_test *t = pool_test_current();

	return t->fail_nth && !--t->fail_nth;
}

static void *pool_test_zalloc(size_t size, gfp_t gfp)
{
	return pool_test_fails() ? NULL : kzalloc(size, gfp);
}

static struct page *pool_test_get_pages(int nid, gfp_t gfp, unsigned int order)
{
	if (order > pool_test_current()->max_order || pool_test_fails())
		return NULL;

	return alloc_pages_node(nid, gfp, order);
}

static int pool_test_insert(struct xarray *chunks, unsigned long pfn, void *chunk,
			    gfp_t gfp)
{
	return pool_test_fails() ? -ENOMEM : xa_insert(chunks, pfn, chunk, gfp);
}

static int pool_test_add_key(struct page *page, unsigned long nr_pages)
{
	struct pool_test *t = pool_test_current();
	int err;

	if (pool_test_fails())
		return -ENOMEM;
	err = kho_preserve_pages(page, nr_pages);
	if (!err) {
		t->nr_keys++;
		t->nr_key_pages += nr_pages;
	}

	return err;
}

static void pool_test_remove_key(struct page *page, unsigned long nr_pages)
{
	struct pool_test *t = pool_test_current();

	kho_unpreserve_pages(page, nr_pages);
	t->nr_keys--;
	t->nr_key_pages -= nr_pages;
}

/* In another thread it would not be redirected */
static void pool_test_trim_later(struct kho_pool *pool)
{
}

static void pool_test_stub(struct kunit *test)
{
	kunit_activate_static_stub(test, kho_pool_trim_later, pool_test_trim_later);
	kunit_activate_static_stub(test, kho_pool_zalloc, pool_test_zalloc);
	kunit_activate_static_stub(test, kho_pool_get_pages, pool_test_get_pages);
	kunit_activate_static_stub(test, kho_pool_insert, pool_test_insert);
	kunit_activate_static_stub(test, kho_pool_add_key, pool_test_add_key);
	kunit_activate_static_stub(test, kho_pool_remove_key, pool_test_remove_key);
}

static void pool_test_free(struct pool_test *t, unsigned int to)
{
	while (t->nr > to) {
		t->nr--;
		/* Not if it was to be claimed, and was not */
		if (kho_pool_owns(t->pages[t->nr]))
			kho_pool_free(t->pool, t->pages[t->nr]);
	}
}

static void pool_test_alloc(struct kunit *test, struct pool_test *t, unsigned int nr)
{
	while (nr--) {
		void *virt = kho_pool_alloc(t->pool, NUMA_NO_NODE, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, virt);
		t->pages[t->nr++] = virt;
	}
}

/* All that was allocated is there, zeroed, once, and nothing else is in use */
static void pool_test_check_pages(struct kunit *test, struct pool_test *t)
{
	for (unsigned int i = 0; i < t->nr; i++) {
		KUNIT_ASSERT_TRUE(test, kho_pool_owns(t->pages[i]));
		KUNIT_ASSERT_EQ(test, 0, folio_order(virt_to_folio(t->pages[i])));
		KUNIT_ASSERT_EQ(test, 1, page_count(virt_to_page(t->pages[i])));
		KUNIT_ASSERT_NULL(test, memchr_inv(t->pages[i], 0, PAGE_SIZE));
		*(unsigned int *)t->pages[i] = i + 1;
	}
	for (unsigned int i = 0; i < t->nr; i++) {
		KUNIT_ASSERT_EQ(test, i + 1, *(unsigned int *)t->pages[i]);
		*(unsigned int *)t->pages[i] = 0;
	}
	KUNIT_EXPECT_EQ(test, t->nr, t->pool->nr_live);
}

/* What is preserved is what there is */
static void pool_test_check_keys(struct kunit *test, struct pool_test *t)
{
	KUNIT_EXPECT_EQ(test, t->nr_keys, t->pool->preserved ?
			t->pool->nr_chunks + t->pool->nr_directories : 0);
	KUNIT_EXPECT_EQ(test, t->nr_key_pages, t->pool->preserved ?
			t->pool->nr_pages + t->pool->nr_directories : 0);
}

static void pool_test_settle(struct pool_test *t)
{
	flush_work(&t->pool->trim);
	kho_pool_kunit_trim(t->pool, 1);
}

static int pool_test_suite_init(struct kunit_suite *suite)
{
	if (!pool_test_pool.name)
		kho_pool_init(&pool_test_pool, "kunit");

	return 0;
}

static int pool_test_init(struct kunit *test)
{
	struct pool_test *t;

	if (!kho_is_enabled())
		kunit_skip(test, "needs kho=on");
	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->pool = &pool_test_pool;
	t->max_order = KHO_POOL_MAX_ORDER;
	test->priv = t;
	pool_test_stub(test);

	return t->pool->nr_live || t->pool->preserved ? -EBUSY : 0;
}

static void pool_test_exit(struct kunit *test)
{
	struct pool_test *t = test->priv;

	if (!t)
		return;
	t->fail_nth = 0;
	pool_test_free(t, 0);
	while (t->pool->preserved)
		kho_pool_unpreserve(t->pool);
	flush_work(&t->pool->trim);
	kho_pool_kunit_trim(t->pool, 0);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_live);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_pages);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_chunks);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_empty);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_directories);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_unclaimed);
	pool_test_check_keys(test, t);
}

/*
 * Pages and chunks
 */

static void pool_test_pages(struct kunit *test)
{
	struct pool_test *t = test->priv;

	pool_test_alloc(test, t, POOL_TEST_PAGES);
	pool_test_check_pages(test, t);
	KUNIT_EXPECT_GE(test, t->pool->nr_pages, POOL_TEST_PAGES);

	/* What is given back is handed out again, zeroed */
	for (unsigned int i = 0; i < t->nr; i++)
		memset(t->pages[i], 0x5a, PAGE_SIZE);
	pool_test_free(t, 100);
	pool_test_alloc(test, t, 600);
	for (unsigned int i = 0; i < 100; i++)
		memset(t->pages[i], 0, PAGE_SIZE);
	pool_test_check_pages(test, t);
}

static void pool_test_lowest_first(struct kunit *test)
{
	struct pool_test *t = test->priv;
	void *page;

	pool_test_alloc(test, t, 300);
	page = t->pages[10];
	kho_pool_free(t->pool, page);
	t->pages[10] = kho_pool_alloc(t->pool, NUMA_NO_NODE, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, page, t->pages[10]);
	KUNIT_EXPECT_EQ(test, 300, t->pool->nr_live);
}

static void pool_test_empty_chunks_go(struct kunit *test)
{
	struct pool_test *t = test->priv;

	pool_test_alloc(test, t, POOL_TEST_PAGES);
	pool_test_free(t, 1);
	pool_test_settle(t);
	KUNIT_EXPECT_LE(test, t->pool->nr_chunks, 2);
	pool_test_check_pages(test, t);
}

static void pool_test_fragmented(struct kunit *test)
{
	struct pool_test *t = test->priv;
	static const unsigned int orders[] = { 4, 1, 0 };

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
		t->max_order = orders[i];
		pool_test_alloc(test, t, 200);
	}
	pool_test_check_pages(test, t);
	KUNIT_EXPECT_GT(test, t->pool->nr_chunks, 200);
	KUNIT_EXPECT_GT(test, t->pool->nr_directories, 200 / KHO_POOL_DIRECTORY_CHUNKS);
}

/*
 * Preservation
 */

static void pool_test_preserve(struct kunit *test)
{
	struct pool_test *t = test->priv;
	u64 phys, again;

	pool_test_alloc(test, t, 600);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &phys));
	pool_test_check_keys(test, t);
	/* By the chunk, not by the page */
	KUNIT_EXPECT_LT(test, t->nr_keys, 600);

	/* Once more changes nothing */
	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &again));
	KUNIT_EXPECT_EQ(test, phys, again);
	pool_test_check_keys(test, t);
	kho_pool_unpreserve(t->pool);

	/* What comes later comes along, and what goes is let go */
	pool_test_alloc(test, t, 600);
	pool_test_check_keys(test, t);
	pool_test_free(t, 0);
	pool_test_settle(t);
	KUNIT_EXPECT_EQ(test, 1, t->pool->nr_chunks);
	pool_test_check_keys(test, t);

	kho_pool_unpreserve(t->pool);
	KUNIT_EXPECT_EQ(test, 0, t->nr_keys);
}

static void pool_test_preserve_nothing(struct kunit *test)
{
	struct pool_test *t = test->priv;
	u64 phys = 0;

	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &phys));
	KUNIT_EXPECT_NE(test, 0, phys);
	pool_test_alloc(test, t, 1);
	pool_test_check_keys(test, t);

	/* More directories, too */
	t->max_order = 0;
	pool_test_alloc(test, t, KHO_POOL_CHUNK_PAGES + 2 * KHO_POOL_DIRECTORY_CHUNKS);
	KUNIT_EXPECT_GT(test, t->pool->nr_directories, 2);
	pool_test_check_keys(test, t);
}

/* Each step fails once; nothing is lost and nothing stays behind */
static void pool_test_fail_nth(struct kunit *test)
{
	struct pool_test *t = test->priv;
	unsigned int failed = 0;
	u64 phys;

	t->max_order = 1;
	pool_test_alloc(test, t, 110);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &phys));
	for (unsigned int nth = 1; nth < 200; nth++) {
		unsigned int chunks = t->pool->nr_chunks;
		void *virt;

		t->fail_nth = nth;
		virt = kho_pool_alloc(t->pool, NUMA_NO_NODE, GFP_KERNEL);
		if (virt)
			t->pages[t->nr++] = virt;
		else
			failed++;
		/* A failure may have left a directory without a chunk, no more */
		KUNIT_EXPECT_LE(test, t->pool->nr_chunks, chunks + 1);
		pool_test_check_keys(test, t);
		pool_test_check_pages(test, t);
		if (virt && t->fail_nth) {
			t->fail_nth = 0;
			/* Not the free page of a chunk: one that had to be grown for */
			if (t->pool->nr_chunks > chunks && nth > 8)
				break;
		}
	}
	t->fail_nth = 0;
	KUNIT_EXPECT_GT(test, t->nr, 110);

	kho_pool_unpreserve(t->pool);
	failed = 0;
	for (unsigned int nth = 1; ; nth++) {
		int err;

		t->fail_nth = nth;
		err = kho_pool_preserve(t->pool, &phys);
		pool_test_check_keys(test, t);
		if (!err)
			break;
		KUNIT_EXPECT_EQ(test, -ENOMEM, err);
		failed++;
	}
	KUNIT_EXPECT_EQ(test, failed, t->pool->nr_chunks + t->pool->nr_directories);
}

/*
 * What the previous kernel left
 */

/* Pages with content, and where the next kernel finds them */
static u64 pool_test_jump(struct kunit *test, struct pool_test *t, unsigned int nr)
{
	u64 phys;

	pool_test_alloc(test, t, nr);
	for (unsigned int i = 0; i < t->nr; i++)
		memset(t->pages[i], i, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &phys));
	/* Some are free by then */
	pool_test_free(t, t->nr - 7);
	kho_pool_unpreserve(t->pool);
	kho_pool_kunit_jump(t->pool);

	return phys;
}

static void pool_test_claim_all(struct kunit *test, struct pool_test *t)
{
	for (unsigned int i = 0; i < t->nr; i++) {
		phys_addr_t phys = virt_to_phys(t->pages[i]);

		KUNIT_ASSERT_TRUE(test, kho_pool_is_claimable(t->pool, phys));
		KUNIT_EXPECT_FALSE(test, kho_pool_is_claimable(t->pool, phys + 8));
		KUNIT_ASSERT_PTR_EQ(test, t->pages[i], kho_pool_claim(t->pool, phys));
		KUNIT_EXPECT_FALSE(test, kho_pool_is_claimable(t->pool, phys));
		KUNIT_EXPECT_NULL(test, kho_pool_claim(t->pool, phys));
		KUNIT_EXPECT_NULL(test, memchr_inv(t->pages[i], i, PAGE_SIZE));
		memset(t->pages[i], 0, PAGE_SIZE);
	}
}

static void pool_test_restore(struct kunit *test)
{
	struct pool_test *t = test->priv;
	u64 phys = pool_test_jump(test, t, 700);
	void *unused = t->pages[t->nr];

	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_chunks);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_restore(t->pool, phys));
	KUNIT_EXPECT_EQ(test, t->nr, t->pool->nr_unclaimed);
	KUNIT_EXPECT_FALSE(test, kho_pool_is_claimable(t->pool, virt_to_phys(unused)));
	KUNIT_EXPECT_NULL(test, kho_pool_claim(t->pool, virt_to_phys(unused)));
	KUNIT_EXPECT_FALSE(test, kho_pool_is_claimable(t->pool, U64_MAX & PAGE_MASK));
	pool_test_claim_all(test, t);
	pool_test_check_pages(test, t);
	kho_pool_restore_done(t->pool);
	pool_test_check_pages(test, t);

	/* They are ordinary pages of the pool: for the next time, too */
	phys = pool_test_jump(test, t, 100);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_restore(t->pool, phys));
	pool_test_claim_all(test, t);
}

static void pool_test_restore_into_used(struct kunit *test)
{
	struct pool_test *t = test->priv;
	u64 phys = pool_test_jump(test, t, 300), other;
	unsigned int nr = t->nr;

	/* This kernel has used the pool, and preserved it, before it looks */
	pool_test_alloc(test, t, 100);
	KUNIT_ASSERT_EQ(test, 0, kho_pool_preserve(t->pool, &other));
	KUNIT_ASSERT_EQ(test, 0, kho_pool_restore(t->pool, phys));
	pool_test_check_keys(test, t);
	swap(nr, t->nr);
	pool_test_claim_all(test, t);
	swap(nr, t->nr);
	pool_test_check_pages(test, t);
}

static void pool_test_unclaimed_go(struct kunit *test)
{
	struct pool_test *t = test->priv;
	u64 phys = pool_test_jump(test, t, 700);

	KUNIT_ASSERT_EQ(test, 0, kho_pool_restore(t->pool, phys));
	/* Until then they are not handed out */
	t->nr = 0;
	pool_test_alloc(test, t, 1);
	KUNIT_EXPECT_EQ(test, 694, t->pool->nr_live);
	kho_pool_restore_done(t->pool);
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_unclaimed);
	pool_test_check_pages(test, t);
}

static void pool_test_restore_enomem(struct kunit *test)
{
	struct pool_test *t = test->priv;
	unsigned int failed = 0;
	u64 phys;

	t->max_order = 2;
	phys = pool_test_jump(test, t, 400);
	for (unsigned int nth = 1; ; nth++) {
		int err;

		t->fail_nth = nth;
		err = kho_pool_restore(t->pool, phys);
		if (!err)
			break;
		KUNIT_ASSERT_EQ(test, -ENOMEM, err);
		KUNIT_EXPECT_EQ(test, 0, t->pool->nr_chunks);
		KUNIT_EXPECT_TRUE(test, xa_empty(&t->pool->chunks));
		KUNIT_EXPECT_TRUE(test, kho_is_restorable(phys, 0));
		failed++;
	}
	t->fail_nth = 0;
	KUNIT_EXPECT_GT(test, failed, 200);
	pool_test_claim_all(test, t);
}

/* Damage one thing, see it refused and nothing changed, and mend it */
static void pool_test_damage(struct kunit *test, u64 phys, void *place, size_t size,
			     u64 value)
{
	struct pool_test *t = test->priv;
	u64 intact = 0;

	memcpy(&intact, place, size);
	memcpy(place, &value, size);
	KUNIT_EXPECT_EQ_MSG(test, -EINVAL, kho_pool_restore(t->pool, phys),
			    "%#llx instead of %#llx at offset %#lx", value, intact,
			    offset_in_page(place));
	KUNIT_EXPECT_EQ(test, 0, t->pool->nr_chunks);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->pool->chunks));
	memcpy(place, &intact, size);
}

static void pool_test_damage32(struct kunit *test, u64 phys, u32 *place, u32 value)
{
	pool_test_damage(test, phys, place, sizeof(*place), value);
}

static void pool_test_damage64(struct kunit *test, u64 phys, u64 *place, u64 value)
{
	pool_test_damage(test, phys, place, sizeof(*place), value);
}

static void pool_test_damaged(struct kunit *test)
{
	struct pool_test *t = test->priv;
	struct kho_pool_directory_ser *first, *second;
	u64 phys;

	t->max_order = 2;
	phys = pool_test_jump(test, t, 400);
	first = phys_to_virt(phys);
	KUNIT_ASSERT_NE(test, 0, first->next);
	second = phys_to_virt(first->next);
	t->max_order = KHO_POOL_MAX_ORDER;

	KUNIT_EXPECT_EQ(test, 0, kho_pool_restore(t->pool, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_pool_restore(t->pool, phys + 8));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kho_pool_restore(t->pool, virt_to_phys(t->pages[0])));
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_pool_restore(t->pool, BIT_ULL(51)));

	pool_test_damage32(test, phys, &first->magic, 0);
	pool_test_damage32(test, phys, &first->version, KHO_POOL_VERSION + 1);
	pool_test_damage32(test, phys, &first->page_size, SZ_64K);
	pool_test_damage32(test, phys, &first->position, 1);
	pool_test_damage64(test, phys, &first->reserved, 1);
	pool_test_damage64(test, phys, &first->next, phys);
	pool_test_damage64(test, phys, &first->next, virt_to_phys(t->pages[0]));
	pool_test_damage64(test, phys, &second->next, virt_to_phys(second));
	pool_test_damage32(test, phys, &second->position, 0);
	pool_test_damage32(test, phys, &second->chunks[0].order, KHO_POOL_MAX_ORDER + 1);
	pool_test_damage32(test, phys, &second->chunks[0].order, 1);
	pool_test_damage32(test, phys, &second->chunks[0].reserved, 1);
	pool_test_damage64(test, phys, &second->chunks[0].phys, first->chunks[3].phys);
	pool_test_damage64(test, phys, &second->chunks[0].phys, phys);
	pool_test_damage64(test, phys, &second->chunks[0].phys, 0xabc);
	pool_test_damage64(test, phys, &second->chunks[0].live[0],
			   second->chunks[0].live[0] | BIT(4));
	pool_test_damage64(test, phys, &second->chunks[0].live[7], BIT(63));

	KUNIT_ASSERT_EQ(test, 0, kho_pool_restore(t->pool, phys));
	pool_test_claim_all(test, t);
	/* It is there no longer */
	KUNIT_EXPECT_EQ(test, -EINVAL, kho_pool_restore(t->pool, phys));
}

/*
 * At the same time
 */

struct pool_test_thread {
	struct kho_pool *pool;
	struct completion done;
	unsigned int number;
	unsigned int wrong;
};

static int pool_test_thread(void *data)
{
	struct pool_test_thread *thread = data;
	void *pages[64] = { };
	u64 phys;

	for (unsigned int round = 0; round < POOL_TEST_ROUNDS; round++) {
		unsigned int slot = (round * 7 + thread->number) % ARRAY_SIZE(pages);
		unsigned long *page = pages[slot];

		if (page) {
			thread->wrong += *page != thread->number + 1;
			kho_pool_free(thread->pool, page);
			pages[slot] = NULL;
			continue;
		}
		page = kho_pool_alloc(thread->pool, NUMA_NO_NODE, GFP_KERNEL);
		if (!page) {
			thread->wrong++;
			continue;
		}
		thread->wrong += *page != 0;
		*page = thread->number + 1;
		pages[slot] = page;
		if (round % 500 == 499) {
			if (kho_pool_preserve(thread->pool, &phys))
				thread->wrong++;
			else
				kho_pool_unpreserve(thread->pool);
		}
	}
	for (unsigned int slot = 0; slot < ARRAY_SIZE(pages); slot++)
		if (pages[slot])
			kho_pool_free(thread->pool, pages[slot]);
	complete(&thread->done);

	return 0;
}

/* Other threads than that of the test are not redirected */
static void pool_test_concurrent(struct kunit *test)
{
	struct pool_test *t = test->priv;
	struct pool_test_thread *threads;

	threads = kunit_kcalloc(test, POOL_TEST_THREADS, sizeof(*threads), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, threads);
	for (unsigned int i = 0; i < POOL_TEST_THREADS; i++) {
		struct task_struct *task;

		threads[i].pool = t->pool;
		threads[i].number = i;
		init_completion(&threads[i].done);
		task = kthread_run(pool_test_thread, &threads[i], "kho_pool_test%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(task));
		if (IS_ERR(task))
			complete(&threads[i].done);
	}
	for (unsigned int i = 0; i < POOL_TEST_THREADS; i++) {
		wait_for_completion(&threads[i].done);
		KUNIT_EXPECT_EQ(test, 0, threads[i].wrong);
	}
	pool_test_settle(t);
}

static struct kunit_case kho_pool_test_cases[] = {
	KUNIT_CASE(pool_test_pages),
	KUNIT_CASE(pool_test_lowest_first),
	KUNIT_CASE(pool_test_empty_chunks_go),
	KUNIT_CASE(pool_test_fragmented),
	KUNIT_CASE(pool_test_preserve),
	KUNIT_CASE(pool_test_preserve_nothing),
	KUNIT_CASE(pool_test_fail_nth),
	KUNIT_CASE(pool_test_restore),
	KUNIT_CASE(pool_test_restore_into_used),
	KUNIT_CASE(pool_test_unclaimed_go),
	KUNIT_CASE(pool_test_restore_enomem),
	KUNIT_CASE(pool_test_damaged),
	KUNIT_CASE(pool_test_concurrent),
	{}
};

static struct kunit_suite kho_pool_test_suite = {
	.name = "liveupdate_kho_pool",
	.suite_init = pool_test_suite_init,
	.init = pool_test_init,
	.exit = pool_test_exit,
	.test_cases = kho_pool_test_cases,
};

kunit_test_suites(&kho_pool_test_suite);
