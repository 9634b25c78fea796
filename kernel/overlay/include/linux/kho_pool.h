/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single pages out of large chunks, so that what preserves many of them across a
 * kexec does it by chunk.
 */
#ifndef _LINUX_KHO_POOL_H
#define _LINUX_KHO_POOL_H

#include <linux/errno.h>
#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct page;

/**
 * struct kho_pool - pages that are preserved together
 * @name: in debugfs, kho/pool/NAME
 * @mutex: chunks come and go, and are preserved, under this
 * @lock: protects the bitmaps of chunks, @partial and the numbers below it
 * @chunks: chunks by the number of their first page's frame
 * @directories: list of the pages that list the chunks
 * @partial: chunks with free pages, by node; NULL as long as there was no chunk
 * @trim: gives back chunks without pages in use; a shrinker does when memory is short
 * @preserved: how often kho_pool_preserve() was called
 * @nr_directories: length of @directories
 * @orders: orders that chunks have or had, a bit each
 * @nr_chunks: number of chunks
 * @nr_pages: pages of all chunks
 * @nr_live: pages in use
 * @nr_empty: chunks without a page in use
 * @nr_unclaimed: pages of the previous kernel that nobody has claimed yet
 *
 * Private to the pool; to be initialized with kho_pool_init().
 */
struct kho_pool {
	const char *name;
	struct mutex mutex; /* chunks, see above */
	spinlock_t lock; /* pages, see above */
	struct xarray chunks;
	struct list_head directories;
	struct list_head *partial;
	struct work_struct trim;
	unsigned int preserved;
	unsigned int nr_directories;
	unsigned int orders;
	unsigned long nr_chunks;
	unsigned long nr_pages;
	unsigned long nr_live;
	unsigned long nr_empty;
	unsigned long nr_unclaimed;
};

#ifdef CONFIG_KEXEC_HANDOVER_POOL
void kho_pool_init(struct kho_pool *pool, const char *name);
void *kho_pool_alloc(struct kho_pool *pool, int nid, gfp_t gfp);
void kho_pool_free(struct kho_pool *pool, void *virt);
bool kho_pool_owns(const void *virt);
int kho_pool_preserve(struct kho_pool *pool, u64 *phys);
void kho_pool_unpreserve(struct kho_pool *pool);
int kho_pool_restore(struct kho_pool *pool, u64 phys);
bool kho_pool_is_claimable(struct kho_pool *pool, phys_addr_t phys);
void *kho_pool_claim(struct kho_pool *pool, phys_addr_t phys);
void kho_pool_restore_done(struct kho_pool *pool);
#else
static inline void kho_pool_init(struct kho_pool *pool, const char *name) { }

static inline void *kho_pool_alloc(struct kho_pool *pool, int nid, gfp_t gfp)
{
	return NULL;
}

static inline void kho_pool_free(struct kho_pool *pool, void *virt) { }

static inline bool kho_pool_owns(const void *virt)
{
	return false;
}

static inline int kho_pool_preserve(struct kho_pool *pool, u64 *phys)
{
	*phys = 0;
	return 0;
}

static inline void kho_pool_unpreserve(struct kho_pool *pool) { }

static inline int kho_pool_restore(struct kho_pool *pool, u64 phys)
{
	return phys ? -EOPNOTSUPP : 0;
}

static inline bool kho_pool_is_claimable(struct kho_pool *pool, phys_addr_t phys)
{
	return false;
}

static inline void *kho_pool_claim(struct kho_pool *pool, phys_addr_t phys)
{
	return NULL;
}

static inline void kho_pool_restore_done(struct kho_pool *pool) { }
#endif

#endif /* _LINUX_KHO_POOL_H */
