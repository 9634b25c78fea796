/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes a record of preserved IOMMU state in a guest's memory, after the old kernel has ended and
 * before the new one reads it: what a kernel with a bug, or of another version, could have left. The
 * format is kernel/overlay/include/linux/kho/abi/iommu.h.
 */
#ifndef FLBENCH_RECORD_H
#define FLBENCH_RECORD_H

#include <stddef.h>
#include <stdint.h>

/**
 * record_break - change a record
 * @memory: the guest's memory, to be written to
 * @bytes: how much; all of it lies below 4 GiB in the guest
 * @fault: what to change:
 *	"domain-id": the domain id of a device is that of its neighbour
 *	"function": a device has another function number; its look-up is right
 *	"segment": a device is in another PCI segment; its look-up is right
 *	"width": a page table of 48 bits is one of 39
 *	"mode": a unit is in the other mode, legacy or scalable
 *	"unit": a unit has other registers; its look-up is right
 *	"version": the format is of another version
 *
 * Return: 0; -EINVAL for an unknown fault, -ENOENT when nothing is preserved, -EPROTO when what is
 * there is not as the format says.
 */
int record_break(void *memory, size_t bytes, const char *fault);

#endif
