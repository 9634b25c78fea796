/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU state across a live update: what IOMMU drivers, iommufd and the IOMMU
 * core say to each other about it. The format is in linux/kho/abi/iommu.h.
 */
#ifndef __LINUX_IOMMU_LIVEUPDATE_H
#define __LINUX_IOMMU_LIVEUPDATE_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kho/abi/iommu.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct liveupdate_file_handler;

/**
 * struct iommu_liveupdate_ops - what an IOMMU driver adds to preservation
 * @vendor: enum iommu_vendor_ser; unique among the registered drivers
 * @device_key: name the device across the kexec; -EOPNOTSUPP for one that has no
 *	such name and so is never preserved
 * @unit_key: name the device's IOMMU unit across the kexec
 * @domain_preserve: preserve the domain's page table and fill @ser (pt and
 *	vendor_data; the caller does the rest). From then until
 *	@domain_unpreserve the domain must not be mapped, unmapped or freed.
 * @domain_unpreserve: undo @domain_preserve; cannot fail
 * @domain_restore: in the new kernel, make a domain over the preserved page
 *	table. The result can be translated through and freed, nothing else,
 *	until it is adopted (see iommufd). On error nothing has been freed and
 *	nothing may be: a device may still use the tables.
 * @device_adopt: in the new kernel, take @dev for attached to @domain, which was
 *	restored, as the previous kernel left it. It compares what the hardware
 *	uses with @ser and @domain, and writes nothing that the hardware reads: a
 *	mismatch is an errno and changes nothing. Called with the group locked.
 * @unit_preserve: preserve what the unit of @dev shares between devices and fill
 *	@ser->vendor_data. Called for the first device of a unit, before its
 *	@device_preserve.
 * @unit_unpreserve: undo @unit_preserve, after the last @device_unpreserve
 * @device_preserve: preserve what the unit keeps for @dev and fill
 *	@ser->vendor_data. Refuse a device whose DMA cannot go on with this
 *	alone (ATS, PASIDs, nesting). From then on its translation must stay as
 *	it is.
 * @device_unpreserve: undo @device_preserve; cannot fail
 *
 * The operations from @unit_preserve on are optional, in pairs.
 *
 * An IOMMU driver points to it from &iommu_ops.liveupdate and registers it with
 * iommu_liveupdate_register_driver(). All are called in process context.
 */
struct iommu_liveupdate_ops {
	u32 vendor;
	int (*device_key)(struct device *dev, struct iommu_device_key_ser *key);
	int (*unit_key)(struct device *dev, struct iommu_unit_key_ser *key);
	int (*domain_preserve)(struct iommu_domain *domain,
			       struct iommu_domain_ser *ser);
	void (*domain_unpreserve)(struct iommu_domain *domain,
				  const struct iommu_domain_ser *ser);
	struct iommu_domain *(*domain_restore)(const struct iommu_domain_ser *ser);
	int (*device_adopt)(struct device *dev, struct iommu_domain *domain,
			    const struct iommu_device_ser *ser);
	int (*unit_preserve)(struct device *dev, struct iommu_unit_ser *ser);
	void (*unit_unpreserve)(struct device *dev,
				const struct iommu_unit_ser *ser);
	int (*device_preserve)(struct device *dev, struct iommu_device_ser *ser);
	void (*device_unpreserve)(struct device *dev,
				  const struct iommu_device_ser *ser);
};

/**
 * typedef iommu_liveupdate_device_fn - called for each preserved device of a unit
 * @device: the device's record
 * @domain: the record of the domain that it is attached to
 * @data: the caller's
 *
 * Return: 0 to go on, an errno to stop.
 */
typedef int (*iommu_liveupdate_device_fn)(const struct iommu_device_ser *device,
					  const struct iommu_domain_ser *domain,
					  void *data);

#ifdef CONFIG_IOMMU_LIVEUPDATE

int iommu_liveupdate_register_driver(const struct iommu_liveupdate_ops *ops);
void iommu_liveupdate_unregister_driver(const struct iommu_liveupdate_ops *ops);

int iommu_liveupdate_register_file_handler(struct liveupdate_file_handler *fh);
void iommu_liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh);

/* Old kernel; the caller's file is being preserved, so that the FLB is alive */
int iommu_liveupdate_preserve_domain(struct iommu_domain *domain, u32 flags,
				     u32 *index);
void iommu_liveupdate_unpreserve_domain(struct iommu_domain *domain, u32 index);
int iommu_liveupdate_preserve_device(struct device *dev, u32 domain_index);
void iommu_liveupdate_unpreserve_device(struct device *dev);
int iommu_liveupdate_freeze(void);
void iommu_liveupdate_unfreeze(void);
void iommu_liveupdate_add_freeze_cycles(u64 cycles);

/* New kernel */
struct iommu_domain *iommu_liveupdate_restore_domain(u32 index, u32 *flags);
void iommu_liveupdate_domain_gone(u32 index);
int iommu_liveupdate_lookup_device(const struct iommu_device_key_ser *key,
				   struct iommu_device_ser *ser);
int iommu_liveupdate_early_lookup_device(const struct iommu_device_key_ser *key,
					 struct iommu_device_ser *ser);
int iommu_liveupdate_lookup_unit(const struct iommu_unit_key_ser *key,
				 struct iommu_unit_ser *ser);
int iommu_liveupdate_walk_unit(const struct iommu_unit_key_ser *key,
			       iommu_liveupdate_device_fn fn, void *data);

/* New kernel, IOMMU core: devices whose DMA goes on and that wait for their owner */
int iommu_liveupdate_device_domain(struct device *dev, u32 *index);
int iommu_liveupdate_claim_dma_owner(struct device *dev, void *owner);
bool iommu_liveupdate_domain_has_waiting(u32 index);
int iommu_liveupdate_block_devices(u32 index);

#else /* CONFIG_IOMMU_LIVEUPDATE */

static inline int
iommu_liveupdate_register_driver(const struct iommu_liveupdate_ops *ops)
{
	return 0;
}

static inline void
iommu_liveupdate_unregister_driver(const struct iommu_liveupdate_ops *ops)
{
}

static inline int
iommu_liveupdate_lookup_device(const struct iommu_device_key_ser *key,
			       struct iommu_device_ser *ser)
{
	return -ENOENT;
}

static inline int
iommu_liveupdate_early_lookup_device(const struct iommu_device_key_ser *key,
				     struct iommu_device_ser *ser)
{
	return -ENOENT;
}

#endif /* CONFIG_IOMMU_LIVEUPDATE */
#endif /* __LINUX_IOMMU_LIVEUPDATE_H */
