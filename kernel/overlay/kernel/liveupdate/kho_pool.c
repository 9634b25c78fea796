// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool of single pages that are preserved by the chunk: how pages are handed out
 * and taken back, how chunks come, go and are preserved, and how the next kernel
 * takes them over. What is in the pages is their users' business.
 */

/**
 * DOC: KHO page pool
 *
 * Kexec handover preserves a folio, or a contiguous range, with one key. Whoever
 * has many single pages, page tables for example, pays for each of them: when it
 * is preserved, and in the next kernel when its memory is reserved and when it is
 * restored. A pool takes chunks of 2^9 pages from the page allocator, smaller ones
 * if there are none, and hands out their pages one by one. The pool is preserved as
 * a whole, with one key for each chunk, and pages that are handed out after that
 * are preserved along with the rest.
 *
 * A page of a pool is a folio of order 0 that only the pool may free. Its
 * page->private belongs to the pool while it is handed out, all else to the user.
 * Never put its last reference: it would go to the page allocator while its chunk
 * is preserved.
 *
 * A bitmap for each chunk, which is preserved with it, says which pages are handed
 * out. In the next kernel the chunks become part of the pool of the same purpose.
 * There users claim the pages that they find in their preserved state. When all
 * have done so, kho_pool_restore_done() frees the pages that nobody claimed.
 *
 * Locking: pool->mutex, which may be held across allocations, is for everything
 * that changes which chunks there are. pool->lock is for pages; it nests inside.
 */

#define pr_fmt(fmt) "KHO pool: " fmt

#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kasan.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/pool.h>
#include <linux/kho_pool.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <kunit/static_stub.h>

#include "kexec_handover_internal.h"
#include "kho_pool_internal.h"

/* More chunks than this without a page in use are given back */
#define KHO_POOL_KEEP_EMPTY	1

static_assert(sizeof(unsigned long) == sizeof(u64));

/**
 * struct kho_pool_directory - a page that lists chunks
 * @list: in &kho_pool.directories
 * @nr_chunks: how many it lists
 * @ser: the page
 */
struct kho_pool_directory {
	struct list_head list;
	unsigned int nr_chunks;
	struct kho_pool_directory_ser *ser;
};

/**
 * struct kho_pool_chunk - some pages, naturally aligned
 * @list: in &kho_pool.partial if it has a free page, those without a page in use
 *	at the end; empty otherwise
 * @directory: where it is listed
 * @ser: its entry there
 * @page: the first page
 * @nr_pages: number of pages
 * @nr_live: pages in use
 * @hint: no page below is free
 * @unclaimed: pages in use that came from the previous kernel and have no user yet
 */
struct kho_pool_chunk {
	struct list_head list;
	struct kho_pool_directory *directory;
	struct kho_pool_chunk_ser *ser;
	struct page *page;
	unsigned int nr_pages;
	unsigned int nr_live;
	unsigned int hint;
	DECLARE_BITMAP(unclaimed, KHO_POOL_CHUNK_PAGES);
};

static unsigned long *kho_pool_live(const struct kho_pool_chunk *chunk)
{
	return (unsigned long *)chunk->ser->live;
}

/*
 * What can fail
 */

void *kho_pool_zalloc(size_t size, gfp_t gfp)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_zalloc, size, gfp);

	return kzalloc(size, gfp);
}

struct page *kho_pool_get_pages(int nid, gfp_t gfp, unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_get_pages, nid, gfp, order);

	return alloc_pages_node(nid, gfp, order);
}

/* Returns -EBUSY if there is a chunk already */
int kho_pool_insert(struct xarray *chunks, unsigned long pfn, void *chunk, gfp_t gfp)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_insert, chunks, pfn, chunk, gfp);

	return xa_insert(chunks, pfn, chunk, gfp);
}

int kho_pool_add_key(struct page *page, unsigned long nr_pages)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_add_key, page, nr_pages);

	return kho_preserve_pages(page, nr_pages);
}

void kho_pool_remove_key(struct page *page, unsigned long nr_pages)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_remove_key, page, nr_pages);

	kho_unpreserve_pages(page, nr_pages);
}

/* Not at once, since whoever gives back a page need not be able to sleep */
void kho_pool_trim_later(struct kho_pool *pool)
{
	KUNIT_STATIC_STUB_REDIRECT(kho_pool_trim_later, pool);

	schedule_work(&pool->trim);
}

/*
 * Pages
 */

static struct list_head *kho_pool_home(struct kho_pool *pool,
				       const struct kho_pool_chunk *chunk)
{
	return &pool->partial[page_to_nid(chunk->page)];
}

/* Put the chunk where it belongs after its number of pages in use has changed */
static void kho_pool_place(struct kho_pool *pool, struct kho_pool_chunk *chunk)
{
	lockdep_assert_held(&pool->lock);

	if (chunk->nr_live == chunk->nr_pages)
		list_del_init(&chunk->list);
	else if (!chunk->nr_live)
		list_move_tail(&chunk->list, kho_pool_home(pool, chunk));
	else if (list_empty(&chunk->list))
		list_add(&chunk->list, kho_pool_home(pool, chunk));
}

/* Take a page of a chunk that has a free one */
static struct page *kho_pool_take(struct kho_pool *pool,
				  struct kho_pool_chunk *chunk)
{
	unsigned long *live = kho_pool_live(chunk);
	struct page *page = chunk->page;
	unsigned int nr = chunk->hint;

	lockdep_assert_held(&pool->lock);

	if (test_bit(nr, live))
		nr = find_next_zero_bit(live, chunk->nr_pages, nr);
	__set_bit(nr, live);
	chunk->hint = nr + 1;
	chunk->nr_live++;
	pool->nr_live++;
	/* The first and the last page move the chunk in the list, or out of it */
	if (unlikely(chunk->nr_live == 1 || chunk->nr_live == chunk->nr_pages)) {
		if (chunk->nr_live == 1)
			pool->nr_empty--;
		list_del_init(&chunk->list);
		kho_pool_place(pool, chunk);
	}
	page += nr;
	set_page_private(page, (unsigned long)chunk);
	return page;
}

static struct page *kho_pool_take_from_node(struct kho_pool *pool, int nid)
{
	struct kho_pool_chunk *chunk;

	guard(spinlock)(&pool->lock);
	if (!pool->partial)
		return NULL;
	chunk = list_first_entry_or_null(&pool->partial[nid],
					 struct kho_pool_chunk, list);
	return chunk ? kho_pool_take(pool, chunk) : NULL;
}

static struct page *kho_pool_take_from_any(struct kho_pool *pool)
{
	struct page *page = NULL;
	int nid;

	for_each_node(nid) {
		page = kho_pool_take_from_node(pool, nid);
		if (page)
			break;
	}
	return page;
}

static void kho_pool_clear_live(struct kho_pool *pool,
				struct kho_pool_chunk *chunk, unsigned int nr)
{
	lockdep_assert_held(&pool->lock);

	__clear_bit(nr, kho_pool_live(chunk));
	chunk->hint = min(chunk->hint, nr);
	pool->nr_live--;
	if (!--chunk->nr_live)
		pool->nr_empty++;
	kho_pool_place(pool, chunk);
}

static void kho_pool_give_back(struct kho_pool *pool, struct page *page)
{
	struct kho_pool_chunk *chunk = (void *)page_private(page);
	bool trim;

	kasan_poison_pages(page, 0, false);
	set_page_private(page, 0);
	scoped_guard(spinlock, &pool->lock) {
		kho_pool_clear_live(pool, chunk, page - chunk->page);
		trim = pool->nr_empty > KHO_POOL_KEEP_EMPTY;
	}
	if (trim)
		kho_pool_trim_later(pool);
}

/*
 * Chunks. In all that follows pool->mutex is held.
 */

/*
 * The other CPUs may be stopped for the kexec at any time. So each change of what
 * the next kernel reads begins or ends with one store, before or after which all
 * is consistent.
 */

static int kho_pool_preserve_directory(struct kho_pool_directory *directory)
{
	return kho_pool_add_key(virt_to_page(directory->ser), 1);
}

static void kho_pool_unpreserve_directory(struct kho_pool_directory *directory)
{
	kho_pool_remove_key(virt_to_page(directory->ser), 1);
}

/* Append directories that are numbered and linked among themselves from 0 on */
static void kho_pool_append_directories(struct kho_pool *pool,
					struct list_head *directories,
					unsigned int nr)
{
	struct kho_pool_directory *directory, *last;

	list_for_each_entry(directory, directories, list)
		directory->ser->position += pool->nr_directories;
	directory = list_first_entry(directories, struct kho_pool_directory, list);
	if (pool->nr_directories) {
		last = list_last_entry(&pool->directories,
				       struct kho_pool_directory, list);
		/* What it leads to is complete by now */
		smp_store_release(&last->ser->next, virt_to_phys(directory->ser));
	}
	list_splice_tail_init(directories, &pool->directories);
	pool->nr_directories += nr;
}

static struct kho_pool_directory *
kho_pool_add_directory(struct kho_pool *pool, gfp_t gfp)
{
	struct kho_pool_directory *directory;
	LIST_HEAD(directories);
	struct page *page;
	int err = -ENOMEM;

	directory = kho_pool_zalloc(sizeof(*directory), gfp);
	if (!directory)
		return ERR_PTR(err);
	page = kho_pool_get_pages(NUMA_NO_NODE, gfp | __GFP_ZERO, 0);
	if (!page)
		goto err_free;
	directory->ser = page_address(page);
	if (pool->preserved) {
		err = kho_pool_preserve_directory(directory);
		if (err)
			goto err_free_page;
	}

	directory->ser->magic = KHO_POOL_MAGIC;
	directory->ser->version = KHO_POOL_VERSION;
	directory->ser->page_size = PAGE_SIZE;
	list_add(&directory->list, &directories);
	kho_pool_append_directories(pool, &directories, 1);
	return directory;

err_free_page:
	free_page((unsigned long)directory->ser);
err_free:
	kfree(directory);
	return ERR_PTR(err);
}

/* A chain that is preserved is not cut */
static void kho_pool_put_directory(struct kho_pool *pool,
				   struct kho_pool_directory *directory)
{
	u32 position = 0;
	u64 *link = NULL;

	if (directory->nr_chunks || pool->preserved)
		return;

	list_del(&directory->list);
	pool->nr_directories--;
	free_page((unsigned long)directory->ser);
	kfree(directory);

	list_for_each_entry(directory, &pool->directories, list) {
		directory->ser->position = position++;
		if (link)
			*link = virt_to_phys(directory->ser);
		link = &directory->ser->next;
	}
	if (link)
		*link = 0;
}

/* Mostly there is room in the last one, or nowhere */
static struct kho_pool_directory *
kho_pool_get_directory(struct kho_pool *pool, gfp_t gfp)
{
	struct kho_pool_directory *directory;

	if (pool->nr_chunks < pool->nr_directories * KHO_POOL_DIRECTORY_CHUNKS) {
		list_for_each_entry_reverse(directory, &pool->directories, list)
			if (directory->nr_chunks < KHO_POOL_DIRECTORY_CHUNKS)
				return directory;
	}
	return kho_pool_add_directory(pool, gfp);
}

static void kho_pool_count_chunk(struct kho_pool *pool,
				 const struct kho_pool_chunk *chunk, long number)
{
	lockdep_assert_held(&pool->lock);

	pool->nr_chunks += number;
	pool->nr_pages += number * chunk->nr_pages;
	pool->nr_live += number * chunk->nr_live;
	if (!chunk->nr_live)
		pool->nr_empty += number;
}

/*
 * Make a chunk of @page and take its first page.
 * Returns NULL, and then @page is still the caller's.
 */
static struct page *kho_pool_add_chunk(struct kho_pool *pool, struct page *page,
				       unsigned int order, gfp_t gfp)
{
	struct kho_pool_directory *directory;
	struct kho_pool_chunk_ser *ser;
	struct kho_pool_chunk *chunk;
	unsigned int i;

	chunk = kho_pool_zalloc(sizeof(*chunk), gfp);
	if (!chunk)
		return NULL;
	directory = kho_pool_get_directory(pool, gfp);
	if (IS_ERR(directory))
		goto err_free;
	if (kho_pool_insert(&pool->chunks, page_to_pfn(page), chunk, gfp))
		goto err_put;
	if (pool->preserved && kho_pool_add_key(page, 1UL << order))
		goto err_erase;

	split_page(page, order);
	for (i = 0; i != 1U << order; i++)
		kasan_poison_pages(page + i, 0, false);

	ser = directory->ser->chunks;
	while (ser->phys)
		ser++;
	memset(ser, 0, sizeof(*ser));
	ser->order = order;
	/* The entry counts from here on, with all that is in it */
	smp_store_release(&ser->phys, page_to_phys(page));
	directory->nr_chunks++;
	INIT_LIST_HEAD(&chunk->list);
	chunk->directory = directory;
	chunk->ser = ser;
	chunk->page = page;
	chunk->nr_pages = 1U << order;

	spin_lock(&pool->lock);
	pool->orders |= BIT(order);
	kho_pool_count_chunk(pool, chunk, 1);
	kho_pool_place(pool, chunk);
	page = kho_pool_take(pool, chunk);
	spin_unlock(&pool->lock);
	return page;

err_erase:
	xa_erase(&pool->chunks, page_to_pfn(page));
err_put:
	kho_pool_put_directory(pool, directory);
err_free:
	kfree(chunk);
	return NULL;
}

/* Give a chunk without pages in use, which is in no list, to the page allocator */
static void kho_pool_release(struct kho_pool *pool, struct kho_pool_chunk *chunk)
{
	unsigned int i;

	/* The entry counts no more, before the chunk is anything else */
	smp_store_mb(chunk->ser->phys, 0);
	if (pool->preserved)
		kho_pool_remove_key(chunk->page, chunk->nr_pages);
	xa_erase(&pool->chunks, page_to_pfn(chunk->page));
	chunk->directory->nr_chunks--;
	kho_pool_put_directory(pool, chunk->directory);
	for (i = 0; i != chunk->nr_pages; i++)
		__free_page(chunk->page + i);
	kfree(chunk);
}

/* Chunks without a page in use are at the end of their list */
static struct kho_pool_chunk *kho_pool_detach_empty(struct kho_pool *pool,
						    unsigned long keep)
{
	struct kho_pool_chunk *chunk;
	int nid;

	guard(spinlock)(&pool->lock);
	if (pool->nr_empty <= keep)
		return NULL;
	for_each_node(nid) {
		if (list_empty(&pool->partial[nid]))
			continue;
		chunk = list_last_entry(&pool->partial[nid],
					struct kho_pool_chunk, list);
		if (chunk->nr_live)
			continue;
		list_del_init(&chunk->list);
		kho_pool_count_chunk(pool, chunk, -1);
		return chunk;
	}
	return NULL;
}

static void kho_pool_trim(struct kho_pool *pool, unsigned long keep)
{
	struct kho_pool_chunk *chunk;

	lockdep_assert_held(&pool->mutex);

	while ((chunk = kho_pool_detach_empty(pool, keep))) {
		kho_pool_release(pool, chunk);
		cond_resched();
	}
}

static void kho_pool_trim_work(struct work_struct *work)
{
	struct kho_pool *pool = container_of(work, struct kho_pool, trim);

	guard(mutex)(&pool->mutex);
	kho_pool_trim(pool, KHO_POOL_KEEP_EMPTY);
}

static unsigned long kho_pool_shrink_count(struct shrinker *shrinker,
					   struct shrink_control *control)
{
	struct kho_pool *pool = shrinker->private_data;

	return READ_ONCE(pool->nr_empty) * KHO_POOL_CHUNK_PAGES;
}

/* Whoever reclaims may hold the mutex, or the lock that a key is removed under */
static unsigned long kho_pool_shrink_scan(struct shrinker *shrinker,
					  struct shrink_control *control)
{
	struct kho_pool *pool = shrinker->private_data;
	unsigned long freed = SHRINK_STOP;
	struct kho_pool_chunk *chunk;

	if (!mutex_trylock(&pool->mutex))
		return SHRINK_STOP;
	if (!pool->preserved) {
		for (freed = 0; freed < control->nr_to_scan; ) {
			chunk = kho_pool_detach_empty(pool, 0);
			if (!chunk)
				break;
			freed += chunk->nr_pages;
			kho_pool_release(pool, chunk);
		}
	}
	mutex_unlock(&pool->mutex);
	return freed;
}

static int kho_pool_show(struct seq_file *file, void *unused)
{
	struct kho_pool *pool = file->private;

	guard(mutex)(&pool->mutex);
	guard(spinlock)(&pool->lock);
	seq_printf(file, "chunks %lu\n", pool->nr_chunks);
	seq_printf(file, "chunk_pages %lu\n", pool->nr_pages);
	seq_printf(file, "directory_pages %u\n", pool->nr_directories);
	seq_printf(file, "live_pages %lu\n", pool->nr_live);
	seq_printf(file, "empty_chunks %lu\n", pool->nr_empty);
	seq_printf(file, "unclaimed_pages %lu\n", pool->nr_unclaimed);
	seq_printf(file, "preserved_pages %lu\n", pool->preserved ?
		   pool->nr_pages : 0);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_pool);

static void kho_pool_debugfs_init(struct kho_pool *pool)
{
	struct dentry *kho, *directory;

	kho = debugfs_lookup("kho", NULL);
	if (!kho)
		return;
	directory = debugfs_lookup("pool", kho);
	if (!directory)
		directory = dget(debugfs_create_dir("pool", kho));
	debugfs_create_file(pool->name, 0400, directory, pool, &kho_pool_fops);
	dput(directory);
	dput(kho);
}

/**
 * kho_pool_init - initialize a pool
 * @pool: the pool, zeroed
 * @name: its name in debugfs, kho/pool/NAME; valid for ever, as the pool is
 *
 * Memory is not allocated before the pool is used.
 *
 * Context: Any context.
 */
void kho_pool_init(struct kho_pool *pool, const char *name)
{
	pool->name = name;
	mutex_init(&pool->mutex);
	spin_lock_init(&pool->lock);
	xa_init(&pool->chunks);
	INIT_LIST_HEAD(&pool->directories);
	INIT_WORK(&pool->trim, kho_pool_trim_work);
}
EXPORT_SYMBOL_GPL(kho_pool_init);

/* What is not needed before there is a first chunk */
static int kho_pool_setup(struct kho_pool *pool)
{
	struct list_head *partial;
	struct shrinker *shrinker;
	int nid;

	lockdep_assert_held(&pool->mutex);

	if (pool->partial)
		return 0;
	partial = kho_pool_zalloc(nr_node_ids * sizeof(*partial), GFP_KERNEL);
	if (!partial)
		return -ENOMEM;
	shrinker = shrinker_alloc(0, "kho-pool-%s", pool->name);
	if (!shrinker) {
		kfree(partial);
		return -ENOMEM;
	}

	for (nid = 0; nid != nr_node_ids; nid++)
		INIT_LIST_HEAD(&partial[nid]);
	shrinker->count_objects = kho_pool_shrink_count;
	shrinker->scan_objects = kho_pool_shrink_scan;
	shrinker->private_data = pool;
	scoped_guard(spinlock, &pool->lock)
		pool->partial = partial;
	shrinker_register(shrinker);
	kho_pool_debugfs_init(pool);
	return 0;
}

/* A chunk as large as can be had without much ado, and its first page */
static struct page *kho_pool_grow(struct kho_pool *pool, int nid, gfp_t gfp)
{
	const gfp_t chunk_gfp = gfp | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page, *taken;
	int order;

	if (kho_pool_setup(pool))
		return NULL;
	for (order = KHO_POOL_MAX_ORDER; order >= 0; order--) {
		page = kho_pool_get_pages(nid, order || gfp & __GFP_THISNODE ?
					  chunk_gfp : gfp, order);
		if (page)
			break;
	}
	if (!page)
		return NULL;
	taken = kho_pool_add_chunk(pool, page, order, gfp & ~__GFP_THISNODE);
	if (!taken)
		__free_pages(page, order);
	return taken;
}

/* A page of @nid if there is one that can be had, or of another node */
static noinline struct page *kho_pool_take_or_grow(struct kho_pool *pool, int nid,
						   gfp_t gfp)
{
	struct page *page;

	gfp &= ~(__GFP_ACCOUNT | __GFP_ZERO);
	guard(mutex)(&pool->mutex);
	/* Somebody else may have been faster */
	page = kho_pool_take_from_node(pool, nid);
	if (!page)
		page = kho_pool_grow(pool, nid, gfp | __GFP_THISNODE);
	if (!page)
		page = kho_pool_take_from_any(pool);
	if (!page)
		page = kho_pool_grow(pool, nid, gfp);
	return page;
}

/**
 * kho_pool_alloc - allocate a zeroed page
 * @pool: the pool
 * @nid: preferred NUMA node, or NUMA_NO_NODE
 * @gfp: what may be done to get memory; with __GFP_ACCOUNT the page is charged to
 *	the current memory cgroup
 *
 * Context: Process context; may sleep.
 * Return: its address, for kho_pool_free(), or NULL.
 */
void *kho_pool_alloc(struct kho_pool *pool, int nid, gfp_t gfp)
{
	struct page *page;
	void *virt;

	might_alloc(gfp);
	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();

	page = kho_pool_take_from_node(pool, nid);
	if (unlikely(!page))
		page = kho_pool_take_or_grow(pool, nid, gfp);
	if (!page)
		return NULL;

	if (gfp & __GFP_ACCOUNT && memcg_kmem_charge_page(page, gfp, 0)) {
		kho_pool_give_back(pool, page);
		return NULL;
	}
	kasan_unpoison_pages(page, 0, false);
	virt = page_address(page);
	clear_page(virt);
	return virt;
}
EXPORT_SYMBOL_GPL(kho_pool_alloc);

/**
 * kho_pool_free - free a page
 * @pool: the pool
 * @virt: from kho_pool_alloc() or kho_pool_claim()
 *
 * Context: Process context. Does not sleep.
 */
void kho_pool_free(struct kho_pool *pool, void *virt)
{
	struct page *page = virt_to_page(virt);

	if (PageMemcgKmem(page))
		memcg_kmem_uncharge_page(page, 0);
	kho_pool_give_back(pool, page);
}
EXPORT_SYMBOL_GPL(kho_pool_free);

/**
 * kho_pool_owns - is this a page of a pool?
 * @virt: a page that the caller owns, with a page->private that only a pool sets
 *
 * Return: true if it is to be freed with kho_pool_free().
 */
bool kho_pool_owns(const void *virt)
{
	return page_private(virt_to_page(virt));
}
EXPORT_SYMBOL_GPL(kho_pool_owns);

/*
 * Old kernel: preservation
 */

static void kho_pool_unpreserve_chunks(struct kho_pool *pool,
				       const struct kho_pool_chunk *end)
{
	struct kho_pool_chunk *chunk;
	unsigned long pfn;

	xa_for_each(&pool->chunks, pfn, chunk) {
		if (chunk == end)
			break;
		kho_pool_remove_key(chunk->page, chunk->nr_pages);
	}
}

static int kho_pool_preserve_chunks(struct kho_pool *pool)
{
	struct kho_pool_chunk *chunk;
	unsigned long pfn;
	int err;

	xa_for_each(&pool->chunks, pfn, chunk) {
		err = kho_pool_add_key(chunk->page, chunk->nr_pages);
		if (err) {
			kho_pool_unpreserve_chunks(pool, chunk);
			return err;
		}
		cond_resched();
	}
	return 0;
}

static int kho_pool_preserve_all(struct kho_pool *pool)
{
	struct kho_pool_directory *directory;
	int err;

	if (!pool->nr_directories) {
		directory = kho_pool_add_directory(pool, GFP_KERNEL);
		if (IS_ERR(directory))
			return PTR_ERR(directory);
	}
	list_for_each_entry(directory, &pool->directories, list) {
		err = kho_pool_preserve_directory(directory);
		if (err)
			goto err_unpreserve;
	}
	err = kho_pool_preserve_chunks(pool);
	if (err)
		goto err_unpreserve;
	return 0;

err_unpreserve:
	list_for_each_entry_continue_reverse(directory, &pool->directories, list)
		kho_pool_unpreserve_directory(directory);
	return err;
}

/**
 * kho_pool_preserve - preserve all of a pool
 * @pool: the pool
 * @phys: set to the address that kho_pool_restore() wants in the next kernel
 *
 * Pages that are handed out later are preserved, too. To be undone as often as it
 * is done.
 *
 * Context: Process context; may sleep.
 * Return: 0, or a negative errno, and then nothing has changed.
 */
int kho_pool_preserve(struct kho_pool *pool, u64 *phys)
{
	const struct kho_pool_directory *first;
	int err;

	guard(mutex)(&pool->mutex);
	if (!pool->preserved) {
		err = kho_pool_preserve_all(pool);
		if (err)
			return err;
	}
	pool->preserved++;
	first = list_first_entry(&pool->directories, struct kho_pool_directory,
				 list);
	*phys = virt_to_phys(first->ser);
	return 0;
}
EXPORT_SYMBOL_GPL(kho_pool_preserve);

/**
 * kho_pool_unpreserve - undo one kho_pool_preserve()
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 */
void kho_pool_unpreserve(struct kho_pool *pool)
{
	struct kho_pool_directory *directory, *next;

	guard(mutex)(&pool->mutex);
	if (WARN_ON(!pool->preserved) || --pool->preserved)
		return;
	kho_pool_unpreserve_chunks(pool, NULL);
	list_for_each_entry_safe(directory, next, &pool->directories, list) {
		kho_pool_unpreserve_directory(directory);
		kho_pool_put_directory(pool, directory);
	}
}
EXPORT_SYMBOL_GPL(kho_pool_unpreserve);

/*
 * New kernel: what the previous one left
 */

/* What was read and is not part of the pool yet */
struct kho_pool_incoming {
	struct list_head directories;
	struct list_head chunks;
	unsigned int nr_directories;
};

static int kho_pool_refuse(const char *what, u64 where)
{
	pr_err("refused what the previous kernel left: %s at %#llx\n", what, where);
	return -EINVAL;
}

static const char *kho_pool_check_directory(u64 phys, unsigned int position)
{
	const struct kho_pool_directory_ser *ser;

	if (!kho_is_restorable(phys, 0))
		return "no preserved directory";
	ser = phys_to_virt(phys);
	if (ser->magic != KHO_POOL_MAGIC)
		return "directory without magic number";
	if (ser->version != KHO_POOL_VERSION)
		return "directory of another version";
	if (ser->page_size != PAGE_SIZE)
		return "directory with another page size";
	/* With this there can be no cycle either */
	if (ser->position != position)
		return "directory of another position";
	if (ser->reserved)
		return "directory with reserved fields set";
	return NULL;
}

static const char *kho_pool_check_chunk(const struct kho_pool_chunk_ser *ser)
{
	if (ser->order > KHO_POOL_MAX_ORDER)
		return "chunk with too large an order";
	if (ser->reserved)
		return "chunk with reserved fields set";
	if (!kho_is_restorable(ser->phys, ser->order))
		return "no preserved chunk";
	if (find_next_bit((const unsigned long *)ser->live, KHO_POOL_CHUNK_PAGES,
			  1U << ser->order) != KHO_POOL_CHUNK_PAGES)
		return "chunk with pages in use behind its end";
	return NULL;
}

static int kho_pool_read_chunk(struct kho_pool *pool,
			       struct kho_pool_directory *directory,
			       struct kho_pool_chunk_ser *ser,
			       struct kho_pool_incoming *incoming)
{
	const char *what = kho_pool_check_chunk(ser);
	struct kho_pool_chunk *chunk;
	int err;

	if (what)
		return kho_pool_refuse(what, ser->phys);
	chunk = kho_pool_zalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	chunk->directory = directory;
	chunk->ser = ser;
	chunk->page = pfn_to_page(PHYS_PFN(ser->phys));
	chunk->nr_pages = 1U << ser->order;
	err = kho_pool_insert(&pool->chunks, PHYS_PFN(ser->phys), chunk, GFP_KERNEL);
	if (err) {
		kfree(chunk);
		return err == -EBUSY ?
			kho_pool_refuse("chunk that is there twice", ser->phys) : err;
	}
	if (pool->preserved) {
		err = kho_pool_add_key(chunk->page, chunk->nr_pages);
		if (err) {
			xa_erase(&pool->chunks, PHYS_PFN(ser->phys));
			kfree(chunk);
			return err;
		}
	}
	list_add_tail(&chunk->list, &incoming->chunks);
	directory->nr_chunks++;
	return 0;
}

static int kho_pool_read_directory(struct kho_pool *pool, u64 phys,
				   struct kho_pool_incoming *incoming)
{
	const char *what;
	struct kho_pool_directory *directory;
	struct kho_pool_chunk_ser *ser;
	unsigned int i;
	int err;

	what = kho_pool_check_directory(phys, incoming->nr_directories);
	if (what)
		return kho_pool_refuse(what, phys);
	directory = kho_pool_zalloc(sizeof(*directory), GFP_KERNEL);
	if (!directory)
		return -ENOMEM;
	directory->ser = phys_to_virt(phys);
	if (pool->preserved) {
		err = kho_pool_preserve_directory(directory);
		if (err) {
			kfree(directory);
			return err;
		}
	}
	list_add_tail(&directory->list, &incoming->directories);
	incoming->nr_directories++;

	for (i = 0; i != KHO_POOL_DIRECTORY_CHUNKS; i++) {
		ser = &directory->ser->chunks[i];
		if (!ser->phys)
			continue;
		err = kho_pool_read_chunk(pool, directory, ser, incoming);
		if (err)
			return err;
	}
	return 0;
}

static void kho_pool_forget(struct kho_pool *pool,
			    struct kho_pool_incoming *incoming)
{
	struct kho_pool_directory *directory, *next_directory;
	struct kho_pool_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &incoming->chunks, list) {
		if (pool->preserved)
			kho_pool_remove_key(chunk->page, chunk->nr_pages);
		xa_erase(&pool->chunks, page_to_pfn(chunk->page));
		kfree(chunk);
	}
	list_for_each_entry_safe(directory, next_directory,
				 &incoming->directories, list) {
		if (pool->preserved)
			kho_pool_unpreserve_directory(directory);
		kfree(directory);
	}
}

/*
 * Nothing is left that could go wrong: all of it was restorable a moment ago, and
 * nobody else knows of it.
 */
static void kho_pool_take_over(struct kho_pool *pool,
			       struct kho_pool_incoming *incoming)
{
	struct kho_restore_batch batch = {};
	struct kho_pool_directory *directory;
	struct kho_pool_chunk *chunk, *next;

	list_for_each_entry(directory, &incoming->directories, list)
		WARN_ON(!kho_restore_folio_batch(virt_to_phys(directory->ser),
						 &batch));
	list_for_each_entry(chunk, &incoming->chunks, list)
		WARN_ON(!kho_restore_pages_batch(chunk->ser->phys,
						 chunk->nr_pages,
						 &batch));
	kho_restore_batch_end(&batch);
	kho_pool_append_directories(pool, &incoming->directories,
				    incoming->nr_directories);

	list_for_each_entry_safe(chunk, next, &incoming->chunks, list) {
		guard(spinlock)(&pool->lock);
		list_del_init(&chunk->list);
		bitmap_copy(chunk->unclaimed, kho_pool_live(chunk),
			    KHO_POOL_CHUNK_PAGES);
		chunk->nr_live = bitmap_weight(chunk->unclaimed,
					       KHO_POOL_CHUNK_PAGES);
		pool->nr_unclaimed += chunk->nr_live;
		pool->orders |= BIT(chunk->ser->order);
		kho_pool_count_chunk(pool, chunk, 1);
		kho_pool_place(pool, chunk);
	}
}

/**
 * kho_pool_restore - take over what the previous kernel's pool left
 * @pool: the pool of the same purpose
 * @phys: from kho_pool_preserve() in the previous kernel; any number
 *
 * All of it is checked before anything is changed. Then its chunks are part of
 * @pool, free pages may be handed out, and pages in use are to be claimed.
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL if it is not valid; -ENOMEM. After an error nothing has
 *	changed, and all of it stays reserved.
 */
int kho_pool_restore(struct kho_pool *pool, u64 phys)
{
	struct kho_pool_incoming incoming = {
		.directories = LIST_HEAD_INIT(incoming.directories),
		.chunks = LIST_HEAD_INIT(incoming.chunks),
	};
	const struct kho_pool_directory *last;
	int err;

	/* Of a kernel without pools */
	if (!phys)
		return 0;

	guard(mutex)(&pool->mutex);
	err = kho_pool_setup(pool);
	while (!err && phys) {
		err = kho_pool_read_directory(pool, phys, &incoming);
		if (err)
			break;
		last = list_last_entry(&incoming.directories,
				       struct kho_pool_directory, list);
		phys = last->ser->next;
		cond_resched();
	}
	if (err)
		kho_pool_forget(pool, &incoming);
	else
		kho_pool_take_over(pool, &incoming);
	return err;
}
EXPORT_SYMBOL_GPL(kho_pool_restore);

static struct kho_pool_chunk *kho_pool_find(struct kho_pool *pool,
					    unsigned long pfn)
{
	unsigned int orders = pool->orders;
	struct kho_pool_chunk *chunk;
	unsigned int order;

	lockdep_assert_held(&pool->lock);

	/* Mostly there is one order only */
	while (orders) {
		order = fls(orders) - 1;
		orders &= ~BIT(order);
		chunk = xa_load(&pool->chunks, ALIGN_DOWN(pfn, 1UL << order));
		if (chunk && pfn - page_to_pfn(chunk->page) <
			     chunk->nr_pages)
			return chunk;
	}
	return NULL;
}

static struct kho_pool_chunk *kho_pool_find_unclaimed(struct kho_pool *pool,
						      phys_addr_t phys)
{
	struct kho_pool_chunk *chunk;

	if (!IS_ALIGNED(phys, PAGE_SIZE))
		return NULL;
	chunk = kho_pool_find(pool, PHYS_PFN(phys));
	if (!chunk ||
	    !test_bit(PHYS_PFN(phys) - page_to_pfn(chunk->page), chunk->unclaimed))
		return NULL;
	return chunk;
}

/**
 * kho_pool_is_claimable - is there a page of the previous kernel to claim?
 * @pool: the pool
 * @phys: any number, for example one read from preserved memory
 *
 * Context: Process context. Does not sleep.
 * Return: true if the page at @phys was in use in the previous kernel and has not
 *	been claimed.
 */
bool kho_pool_is_claimable(struct kho_pool *pool, phys_addr_t phys)
{
	guard(spinlock)(&pool->lock);
	return kho_pool_find_unclaimed(pool, phys);
}
EXPORT_SYMBOL_GPL(kho_pool_is_claimable);

/**
 * kho_pool_claim - own a page that was in use in the previous kernel
 * @pool: the pool
 * @phys: its physical address
 *
 * The page is not touched, a device may be using it. It is charged to nobody.
 *
 * Context: Process context. Does not sleep.
 * Return: its address, for kho_pool_free(), or NULL if it is not claimable.
 */
void *kho_pool_claim(struct kho_pool *pool, phys_addr_t phys)
{
	struct kho_pool_chunk *chunk;
	struct page *page;

	guard(spinlock)(&pool->lock);
	chunk = kho_pool_find_unclaimed(pool, phys);
	if (!chunk)
		return NULL;
	page = pfn_to_page(PHYS_PFN(phys));
	__clear_bit(page - chunk->page, chunk->unclaimed);
	pool->nr_unclaimed--;
	set_page_private(page, (unsigned long)chunk);
	return page_address(page);
}
EXPORT_SYMBOL_GPL(kho_pool_claim);

/**
 * kho_pool_restore_done - free the pages that nobody has claimed
 * @pool: the pool
 *
 * To be called when everybody who could claim a page has done so, and no device
 * can reach the rest.
 *
 * Context: Process context; may sleep.
 */
void kho_pool_restore_done(struct kho_pool *pool)
{
	struct kho_pool_chunk *chunk;
	unsigned long pfn;
	unsigned int nr;

	guard(mutex)(&pool->mutex);
	if (!pool->nr_unclaimed)
		return;
	xa_for_each(&pool->chunks, pfn, chunk) {
		scoped_guard(spinlock, &pool->lock) {
			for_each_set_bit(nr, chunk->unclaimed, KHO_POOL_CHUNK_PAGES) {
				kasan_poison_pages(chunk->page + nr, 0, false);
				pool->nr_unclaimed--;
				kho_pool_clear_live(pool, chunk, nr);
			}
			bitmap_zero(chunk->unclaimed, KHO_POOL_CHUNK_PAGES);
		}
		cond_resched();
	}
	kho_pool_trim(pool, KHO_POOL_KEEP_EMPTY);
}
EXPORT_SYMBOL_GPL(kho_pool_restore_done);

#ifdef CONFIG_LIVEUPDATE_KUNIT_TEST
void kho_pool_kunit_trim(struct kho_pool *pool, unsigned long keep)
{
	guard(mutex)(&pool->mutex);
	kho_pool_trim(pool, keep);
}

/* Make the pool empty, and its memory what a previous kernel has preserved */
void kho_pool_kunit_jump(struct kho_pool *pool)
{
	struct kho_pool_directory *directory, *next;
	struct kho_pool_chunk *chunk;
	unsigned long pfn;
	unsigned int i;

	guard(mutex)(&pool->mutex);
	xa_for_each(&pool->chunks, pfn, chunk) {
		for (i = 0; i != chunk->nr_pages; i++)
			set_page_private(chunk->page + i, 0);
		kho_kunit_make_restorable(chunk->page, chunk->ser->order);
		xa_erase(&pool->chunks, pfn);
		scoped_guard(spinlock, &pool->lock) {
			list_del(&chunk->list);
			kho_pool_count_chunk(pool, chunk, -1);
		}
		kfree(chunk);
	}
	list_for_each_entry_safe(directory, next, &pool->directories, list) {
		list_del(&directory->list);
		kho_kunit_make_restorable(virt_to_page(directory->ser), 0);
		kfree(directory);
	}
	pool->nr_directories = 0;
	pool->preserved = 0;
}
#endif
