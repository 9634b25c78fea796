/* SPDX-License-Identifier: GPL-2.0-only */
/* What KUnit redirects, and asks for, of kho_pool.c. */
#ifndef __KERNEL_LIVEUPDATE_KHO_POOL_INTERNAL_H
#define __KERNEL_LIVEUPDATE_KHO_POOL_INTERNAL_H

#include <linux/gfp_types.h>
#include <linux/types.h>

struct kho_pool;
struct page;
struct xarray;

/* Everything that can fail */
void *kho_pool_zalloc(size_t size, gfp_t gfp);
struct page *kho_pool_get_pages(int nid, gfp_t gfp, unsigned int order);
int kho_pool_insert(struct xarray *chunks, unsigned long pfn, void *chunk, gfp_t gfp);
int kho_pool_add_key(struct page *page, unsigned long nr_pages);

void kho_pool_remove_key(struct page *page, unsigned long nr_pages);
void kho_pool_trim_later(struct kho_pool *pool);

#ifdef CONFIG_LIVEUPDATE_KUNIT_TEST
void kho_pool_kunit_trim(struct kho_pool *pool, unsigned long keep);
void kho_pool_kunit_jump(struct kho_pool *pool);
#endif

#endif /* __KERNEL_LIVEUPDATE_KHO_POOL_INTERNAL_H */
