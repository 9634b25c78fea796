/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a pool of preserved pages looks like in memory that goes from one kernel
 * to the next.
 */
#ifndef _LINUX_KHO_ABI_POOL_H
#define _LINUX_KHO_ABI_POOL_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include <asm/page.h>

/**
 * DOC: KHO page pool ABI
 *
 * A pool is a chain of directories, each one preserved page. Directories list
 * chunks: 2^order pages that are preserved by one key, naturally aligned. A
 * chunk's bitmap says which of its pages are in use. The other ones hold
 * nothing, and the next kernel may do with them what it likes.
 *
 * Any change of this layout needs another version.
 */

#define KHO_POOL_MAGIC		0x4c4f4f50U /* "POOL" */
#define KHO_POOL_VERSION	1

/* A chunk has at most that many pages: 2 MiB of 4 KiB pages */
#define KHO_POOL_MAX_ORDER	9
#define KHO_POOL_CHUNK_PAGES	512U
#define KHO_POOL_LIVE_WORDS	(KHO_POOL_CHUNK_PAGES / 64)

/**
 * struct kho_pool_chunk_ser - one chunk
 * @phys: physical address of its first page; 0 if there is no chunk here
 * @order: log2 of the number of its pages
 * @reserved: zero
 * @live: bit N % 64 of word N / 64 is set if page N is in use
 */
struct kho_pool_chunk_ser {
	u64 phys;
	u32 order;
	u32 reserved;
	u64 live[KHO_POOL_LIVE_WORDS];
};

/**
 * struct kho_pool_directory_ser - a page that lists chunks
 * @magic: KHO_POOL_MAGIC
 * @version: KHO_POOL_VERSION
 * @page_size: PAGE_SIZE of the kernel that wrote it
 * @position: 0 in the first directory, one more in each that follows
 * @reserved: zero
 * @next: physical address of the next directory; 0 in the last one
 * @chunks: up to the end of the page
 */
struct kho_pool_directory_ser {
	u32 magic;
	u32 version;
	u32 page_size;
	u32 position;
	u64 reserved;
	u64 next;
	struct kho_pool_chunk_ser chunks[];
};

static_assert(KHO_POOL_CHUNK_PAGES >> KHO_POOL_MAX_ORDER == 1);
static_assert(sizeof(struct kho_pool_chunk_ser) == 80);
static_assert(sizeof(struct kho_pool_directory_ser) == 32);

/* How many chunks one directory has room for */
#define KHO_POOL_DIRECTORY_CHUNKS					\
	((PAGE_SIZE - sizeof(struct kho_pool_directory_ser)) /		\
	 sizeof(struct kho_pool_chunk_ser))

#endif /* _LINUX_KHO_ABI_POOL_H */
