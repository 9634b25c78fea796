/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel counted while it preserved and restored pages by itself (kho_bench=), and what its
 * pool of preserved pages holds. Which of it is reported is up to the callers.
 */
#ifndef FLBENCH_AGENT_PAGES_H
#define FLBENCH_AGENT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGES_RESULTS "/sys/kernel/debug/kho_bench/results"
#define PAGES_POOL "/sys/kernel/debug/kho/pool/iommu"

/**
 * struct pages_figures - one kernel's figures; times are in ticks of clock.h
 * @new: pages came from the previous kernel; else they were preserved for the next one
 * @error: 0, or the negative errno with which the kernel gave up
 * @layout: where the pages lie
 * @method: "ours" or "stock"
 * @pages: their number
 * @keys: preservations that they took
 * @nodes: NUMA nodes
 * @memory_init: time of kho_memory_init()
 * @boot: from the start of the kernel to init, without what is measured below
 * @reserved_regions: entries of memblock.reserved behind kho_memory_init()
 * @allocate_preserve: old kernel: time to allocate, zero and preserve them all
 * @preserve: old kernel: of that, to preserve them
 * @restore: new kernel: time to restore them all
 * @claim: new kernel, layout pooled: time in which their users found and claimed them all, else 0
 * @verified: new kernel: pages in which everything was as the old kernel wrote it
 */
struct pages_figures {
	bool new;
	int error;
	char layout[16];
	char method[16];
	uint64_t pages;
	uint64_t keys;
	uint64_t nodes;
	uint64_t memory_init;
	uint64_t boot;
	uint64_t reserved_regions;
	uint64_t allocate_preserve;
	uint64_t preserve;
	uint64_t restore;
	uint64_t claim;
	uint64_t verified;
};

/**
 * pages_read - read the figures of this kernel
 * @path: PAGES_RESULTS
 * @figures: filled
 *
 * Return: 0; -ENOENT when the kernel counts nothing; -EINVAL when a line is missing or is no number.
 */
int pages_read(const char *path, struct pages_figures *figures);

/**
 * struct pages_pool - the pool of preserved pages
 * @live: pages that are handed out
 * @preserved: pages that the next kernel keeps because of the pool
 * @directory: pages that tell it which ones these are
 */
struct pages_pool {
	uint64_t live;
	uint64_t preserved;
	uint64_t directory;
};

/**
 * pages_pool_read - read the figures of a pool
 * @path: PAGES_POOL
 * @pool: filled
 *
 * Return: 0; -ENOENT when this kernel has none.
 */
int pages_pool_read(const char *path, struct pages_pool *pool);

#endif
