/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of the IOMMU's preserved records: the one place that knows how it is
 * allocated, preserved, restored and freed. What is in it is none of its
 * business.
 */
#ifndef __DRIVERS_IOMMU_LIVEUPDATE_ALLOC_H
#define __DRIVERS_IOMMU_LIVEUPDATE_ALLOC_H

#include <linux/types.h>

struct ida;
struct xarray;

/* Old kernel: preserved memory */
void *iommu_liveupdate_alloc(unsigned int order);
void iommu_liveupdate_free(void *address, unsigned int order);

/* New kernel: the same memory */
bool iommu_liveupdate_is_restorable(u64 phys, unsigned int order);
void *iommu_liveupdate_restore(u64 phys, unsigned int order);
void iommu_liveupdate_put(void *address, unsigned int order);

/* Runtime state of either kernel, not preserved */
void *iommu_liveupdate_alloc_array(size_t number, size_t size);
int iommu_liveupdate_alloc_slot(struct ida *slots);
int iommu_liveupdate_remember(struct xarray *objects, const void *object,
			      u32 slot);
int iommu_liveupdate_recall(struct xarray *objects, const void *object);
void *iommu_liveupdate_object(unsigned long key);
void iommu_liveupdate_forget(struct xarray *objects, const void *object);

#endif /* __DRIVERS_IOMMU_LIVEUPDATE_ALLOC_H */
