/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over all preserved memory in ascending physical address, whatever the
 * orders that it was preserved in.
 */
#ifndef _LINUX_KHO_WALK_H
#define _LINUX_KHO_WALK_H

#include <linux/kho/abi/kexec_handover.h>
#include <linux/types.h>

/* One key bit says the order, the others are the page frame number without it. */
#define KHO_NR_ORDERS	(KHO_RADIX_KEY_WIDTH - 1)

/**
 * struct kho_walk_cursor - where a walk stands within one order
 * @leaf:  the leaf that holds @key.
 * @key:   the key of the next preservation of this order.
 * @last:  the greatest key of this order.
 * @phys:  the physical address that @key stands for.
 * @order: the order.
 */
struct kho_walk_cursor {
	const struct kho_radix_leaf *leaf;
	unsigned long key;
	unsigned long last;
	phys_addr_t phys;
	unsigned int order;
};

/**
 * struct kho_walk - where a walk stands
 * @root:    the root of the radix tree.
 * @nr:      the number of orders that are not used up.
 * @cursors: these orders.
 */
struct kho_walk {
	const struct kho_radix_node *root;
	unsigned int nr;
	struct kho_walk_cursor cursors[KHO_NR_ORDERS];
};

void kho_walk_start(struct kho_walk *walk, const struct kho_radix_node *root);
bool kho_walk_next(struct kho_walk *walk, phys_addr_t *phys, unsigned int *order);

#endif /* _LINUX_KHO_WALK_H */
