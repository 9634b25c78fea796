// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over all preserved memory in ascending physical address. The radix tree is
 * sorted by order first, so this merges one ascending walk for each order in use.
 * What is done with the memory is left to the caller.
 */

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/minmax.h>

#include "kho_walk.h"

#define KHO_LEAF_KEYS	BIT(KHO_BITMAP_SIZE_LOG2)

/*
 * Find the first leaf below @node that can hold a key from @first to @last, and
 * store the key of its first bit in @start. @node stands at @level and covers
 * both keys.
 */
static const struct kho_radix_leaf *
kho_find_leaf(const struct kho_radix_node *node, unsigned int level,
	      unsigned long first, unsigned long last, unsigned long *start)
{
	const unsigned long mask = (1UL << KHO_TABLE_SIZE_LOG2) - 1;
	unsigned long end, base;
	unsigned int shift;

	if (!level) {
		*start = first & ~(KHO_LEAF_KEYS - 1);
		return (const struct kho_radix_leaf *)node;
	}

	shift = KHO_BITMAP_SIZE_LOG2 + (level - 1) * KHO_TABLE_SIZE_LOG2;
	base = first & ~((1UL << (shift + KHO_TABLE_SIZE_LOG2)) - 1);
	end = (last >> shift) & mask;

	for (unsigned long i = (first >> shift) & mask; i <= end; i++) {
		const struct kho_radix_leaf *leaf;
		unsigned long child = base | i << shift;

		if (!node->table[i])
			continue;

		leaf = kho_find_leaf(phys_to_virt(node->table[i]), level - 1,
				     max(first, child),
				     min(last, child | ((1UL << shift) - 1)), start);
		if (leaf)
			return leaf;
	}

	return NULL;
}

/* Go to the first key from @key on. Returns false if this order has none. */
static bool kho_cursor_seek(struct kho_walk_cursor *cursor, const struct kho_radix_node *root,
			    unsigned long key)
{
	while (key <= cursor->last) {
		unsigned long start = key & ~(KHO_LEAF_KEYS - 1), bit;

		if (!cursor->leaf || start == key) {
			cursor->leaf = kho_find_leaf(root, KHO_TREE_MAX_DEPTH - 1, key,
						     cursor->last, &start);
			if (!cursor->leaf)
				return false;
			key = max(key, start);
		}

		/* What is above @last in the same leaf is of other orders. */
		bit = find_next_bit(cursor->leaf->bitmap, KHO_LEAF_KEYS, key - start);
		key = start + bit;
		if (bit < KHO_LEAF_KEYS && key <= cursor->last) {
			cursor->key = key;
			cursor->phys = key << (PAGE_SHIFT + cursor->order);
			return true;
		}
	}

	return false;
}

static bool kho_cursor_advance(struct kho_walk_cursor *cursor, const struct kho_radix_node *root)
{
	unsigned long key = cursor->key + 1, bit = key & (KHO_LEAF_KEYS - 1);

	/* Often the next one is just behind it, and all is known. */
	if (bit && key <= cursor->last && test_bit(bit, cursor->leaf->bitmap)) {
		cursor->key = key;
		cursor->phys += (phys_addr_t)PAGE_SIZE << cursor->order;
		return true;
	}

	return kho_cursor_seek(cursor, root, key);
}

/**
 * kho_walk_start - start a walk over all preserved memory
 * @walk: the walk, which needs no initialization.
 * @root: the root of the radix tree of preserved memory. The tree must not change
 *        until the walk is over.
 */
void kho_walk_start(struct kho_walk *walk, const struct kho_radix_node *root)
{
	walk->root = root;
	walk->nr = 0;

	for (unsigned int order = 0; order < KHO_NR_ORDERS; order++) {
		struct kho_walk_cursor *cursor = &walk->cursors[walk->nr];
		/* As in kho_encode_radix_key(). */
		unsigned long first = 1UL << (64 - PAGE_SHIFT - order);

		*cursor = (struct kho_walk_cursor){
			.last = first | (first - 1),
			.order = order,
		};
		if (kho_cursor_seek(cursor, root, first))
			walk->nr++;
	}
}

/**
 * kho_walk_next - go on to the next preservation
 * @walk:  the walk.
 * @phys:  where to store the physical address of the preservation.
 * @order: where to store its order.
 *
 * Preservations are naturally aligned, so two of them that overlap lie one within
 * the other: the outer one comes first.
 *
 * Return: true if there is one; false if the walk is over.
 */
bool kho_walk_next(struct kho_walk *walk, phys_addr_t *phys, unsigned int *order)
{
	struct kho_walk_cursor *next = walk->cursors;

	if (!walk->nr)
		return false;

	for (unsigned int i = 1; i < walk->nr; i++) {
		struct kho_walk_cursor *cursor = &walk->cursors[i];

		if (cursor->phys < next->phys ||
		    (cursor->phys == next->phys && cursor->order > next->order))
			next = cursor;
	}

	*phys = next->phys;
	*order = next->order;

	if (!kho_cursor_advance(next, walk->root))
		*next = walk->cursors[--walk->nr];

	return true;
}
