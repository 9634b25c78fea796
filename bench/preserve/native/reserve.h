/* SPDX-License-Identifier: GPL-2.0-only */
/* Between measure.c and the shared objects with a kernel's memblock in them, built by scripts/native. */
#ifndef FLBENCH_NATIVE_RESERVE_H
#define FLBENCH_NATIVE_RESERVE_H

#include <stdint.h>

/**
 * native_reserve - reserve pages as kho_memory_init() does, from an empty memblock
 * @phys: their physical addresses, rising
 * @nr: how many
 *
 * Return: entries of memblock.reserved that this took, or a negative errno of memblock's.
 */
long native_reserve(const uint64_t *phys, uint64_t nr);

#endif
