/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects behind the IOMMU's FLB and what works on them, for liveupdate.c
 * and its tests. Everybody else uses linux/iommu-liveupdate.h.
 */
#ifndef __DRIVERS_IOMMU_LIVEUPDATE_H
#define __DRIVERS_IOMMU_LIVEUPDATE_H

#include <linux/iommu-liveupdate.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "liveupdate-records.h"

/**
 * struct iommu_liveupdate_outgoing - state that is being preserved
 * @lock: protects all below
 * @records: the preserved records
 * @domains: slots of the preserved domains
 * @devices: slots of the preserved devices
 * @nr_frozen: how many files are frozen; if any, the records are final
 * @nr_detached: devices detached since then, see IOMMU_DEVICE_SER_DETACHED
 * @pool_preserved: the pool of page tables' pages is preserved
 */
struct iommu_liveupdate_outgoing {
	struct mutex lock; /* protects all below */
	struct iommu_records records;
	struct xarray domains;
	struct xarray devices;
	unsigned int nr_frozen;
	unsigned int nr_detached;
	bool pool_preserved;
};

/**
 * enum iommu_domain_progress - how far an incoming domain has come
 * @IOMMU_DOMAIN_PRESERVED: nobody has asked for it; its memory has no owner
 * @IOMMU_DOMAIN_RESTORED: it is a domain of this kernel
 * @IOMMU_DOMAIN_GONE: it was one, and has been freed
 */
enum iommu_domain_progress {
	IOMMU_DOMAIN_PRESERVED,
	IOMMU_DOMAIN_RESTORED,
	IOMMU_DOMAIN_GONE,
};

/**
 * struct iommu_liveupdate_incoming - state that came from the previous kernel
 * @lock: protects all below
 * @records: the preserved records, validated
 * @progress: enum iommu_domain_progress, by slot of the domain
 */
struct iommu_liveupdate_incoming {
	struct mutex lock; /* protects all below */
	struct iommu_records records;
	u8 *progress;
};

struct iommu_liveupdate_outgoing *iommu_liveupdate_outgoing_create(void);
void iommu_liveupdate_outgoing_destroy(struct iommu_liveupdate_outgoing *outgoing);
int iommu_liveupdate_outgoing_add_domain(struct iommu_liveupdate_outgoing *outgoing,
					 struct iommu_domain *domain, u32 flags,
					 u32 *slot);
void iommu_liveupdate_outgoing_remove_domain(struct iommu_liveupdate_outgoing *outgoing,
					     struct iommu_domain *domain, u32 slot);
int iommu_liveupdate_outgoing_add_device(struct iommu_liveupdate_outgoing *outgoing,
					 struct device *dev, u32 domain);
void iommu_liveupdate_outgoing_remove_device(struct iommu_liveupdate_outgoing *outgoing,
					     struct device *dev);
void iommu_liveupdate_outgoing_freeze(struct iommu_liveupdate_outgoing *outgoing);
void iommu_liveupdate_outgoing_unfreeze(struct iommu_liveupdate_outgoing *outgoing);

struct iommu_liveupdate_incoming *iommu_liveupdate_incoming_create(u64 phys);
void iommu_liveupdate_incoming_finish(struct iommu_liveupdate_incoming *incoming);
struct iommu_domain *
iommu_liveupdate_incoming_restore_domain(struct iommu_liveupdate_incoming *incoming,
					 u32 slot, u32 *flags);
void iommu_liveupdate_incoming_domain_gone(struct iommu_liveupdate_incoming *incoming,
					   u32 slot);
int iommu_liveupdate_incoming_lookup_device(struct iommu_liveupdate_incoming *incoming,
					    const struct iommu_device_key_ser *key,
					    struct iommu_device_ser *ser);

int iommu_liveupdate_incoming_lookup_unit(struct iommu_liveupdate_incoming *incoming,
					  const struct iommu_unit_key_ser *key,
					  struct iommu_unit_ser *ser);
int iommu_liveupdate_incoming_walk_unit(struct iommu_liveupdate_incoming *incoming,
					const struct iommu_unit_key_ser *key,
					iommu_liveupdate_device_fn fn,
					void *data);

int iommu_liveupdate_driver_restore(const struct iommu_domain_ser *ser,
				    struct iommu_domain **domain);

#endif /* __DRIVERS_IOMMU_LIVEUPDATE_H */
