/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where memory of this process lies in the machine: what somebody needs who looks at it from
 * outside (stress/controller/observe.h). Only root is told.
 *
 * Source: Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef FLBENCH_PHYSICAL_H
#define FLBENCH_PHYSICAL_H

#include <stdint.h>

/**
 * physical_address - the physical address of a byte
 * @memory: the byte, which is read; its page is pinned or nothing moves it
 * @address: where the answer goes
 *
 * Return: 0; -ENXIO when no page is there, -EPERM when the kernel does not tell, or another
 * negative errno.
 */
int physical_address(const void *memory, uint64_t *address);

#endif
