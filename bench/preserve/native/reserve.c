// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel's mm/memblock.c in user space: what tools/testing/memblock does for its tests, but without
 * sanitizers, and with room for many regions. Nothing is at the addresses that are reserved.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/seq_file.h>
#include <linux/memblock.h>

#include "reserve.h"

/* Where the arrays of regions grow to: the old one and one twice its size, many times. */
#define ARENA_BYTES (256ul << 20)
#define FIRST_REGIONS 128

/* Stubs of the tests that are defined in them, not in the library that they share. */
bool movable_node_enabled;

/* Back to what the kernel starts with: its static arrays, which are known before the first growth. */
static void reset(struct memblock_type *type, struct memblock_region *first, const char *name)
{
	memset(first, 0, FIRST_REGIONS * sizeof(*first));
	type->regions = first;
	type->cnt = 0;
	type->max = FIRST_REGIONS;
	type->total_size = 0;
	type->name = (char *)name;
}

static int start(void)
{
	static struct memblock_region *memory, *reserved;
	static void *arena = MAP_FAILED;

	if (!memory) {
		memory = memblock.memory.regions;
		reserved = memblock.reserved.regions;
		arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		memblock_allow_resize();
	}
	if (arena == MAP_FAILED)
		return -ENOMEM;
	reset(&memblock.memory, memory, "memory");
	reset(&memblock.reserved, reserved, "reserved");
	memblock.current_limit = MEMBLOCK_ALLOC_ANYWHERE;
	memblock.bottom_up = false;
	return memblock_add((phys_addr_t)(uintptr_t)arena, ARENA_BYTES);
}

long native_reserve(const uint64_t *phys, uint64_t nr)
{
	int err = start();

	for (uint64_t i = 0; !err && i < nr; i++) {
		err = memblock_reserve(phys[i], PAGE_SIZE);
		if (!err)
			err = memblock_reserved_mark_noinit(phys[i], PAGE_SIZE);
	}
	return err ? err : (long)memblock.reserved.cnt;
}
