/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Intel VT-d adds to the records of linux/kho/abi/iommu.h.
 */
#ifndef _LINUX_KHO_ABI_IOMMU_VTD_H
#define _LINUX_KHO_ABI_IOMMU_VTD_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * DOC: VT-d live update ABI
 *
 * The tables that a unit walks on its way to a preserved page table are
 * preserved as they are, and are where the next kernel looks for what is not
 * written down here: the root table, the context tables with an entry of a
 * preserved device and, in scalable mode, the device's PASID directory and the
 * first of its PASID tables. Nothing else in them is in use: the old kernel
 * clears all other entries, as the last thing it does.
 *
 * A unit never changes between legacy and scalable mode while translation is
 * on, so the next kernel has to use the mode that it finds.
 */

#define VTD_DOMAIN_SER_TAG	1
#define VTD_UNIT_SER_TAG	2
#define VTD_DEVICE_SER_TAG	3

/**
 * enum vtd_stage_ser - how a domain's page table is walked
 * @VTD_STAGE_NONE: never valid in a record
 * @VTD_STAGE_FIRST: first stage, PT_IOMMU_FORMAT_X86_64
 * @VTD_STAGE_SECOND: second stage, PT_IOMMU_FORMAT_VTDSS
 */
enum vtd_stage_ser {
	VTD_STAGE_NONE,
	VTD_STAGE_FIRST,
	VTD_STAGE_SECOND,
};

#define VTD_DOMAIN_SER_FORCE_SNOOPING	BIT(0)
#define VTD_DOMAIN_SER_DIRTY_OPS	BIT(1) /* can track dirty pages */
#define VTD_DOMAIN_SER_DIRTY_TRACKING	BIT(2) /* does so */
#define VTD_DOMAIN_SER_IOTLB_SYNC_MAP	BIT(3) /* flushed after a map, too */
#define VTD_DOMAIN_SER_FLAGS		((1U << 4) - 1)

/**
 * struct vtd_domain_ser - &iommu_domain_ser.vendor_data
 * @stage: enum vtd_stage_ser
 * @flags: VTD_DOMAIN_SER_*
 */
struct vtd_domain_ser {
	u32 stage;
	u32 flags;
} __packed;

#define VTD_UNIT_SER_SCALABLE		BIT(0)
#define VTD_UNIT_SER_FLAGS		((1U << 1) - 1)

/**
 * struct vtd_unit_ser - &iommu_unit_ser.vendor_data
 * @root_phys: physical address of the root table
 * @flags: VTD_UNIT_SER_*
 */
struct vtd_unit_ser {
	u64 root_phys;
	u32 flags;
} __packed;

/*
 * Requester IDs of one device: its own and its DMA aliases. In scalable mode those
 * that a bridge uses for all devices behind it are the bridge's, so the device in
 * slot 0 behind one may have none. A bridge has a record if it shares an IOMMU
 * group with a device that is preserved.
 */
#define VTD_DEVICE_SER_RIDS		8

/**
 * struct vtd_device_ser - &iommu_device_ser.vendor_data
 * @pasid_dir_phys: physical address of the PASID directory; 0 in legacy mode
 * @pasid_dir_order: order of its folio
 * @did: the domain id of its domain in this unit
 * @nr_rids: entries of @rids in use, at least one in legacy mode
 * @rids: bus << 8 | devfn of the context entries; its own comes first
 */
struct vtd_device_ser {
	u64 pasid_dir_phys;
	u32 pasid_dir_order;
	u16 did;
	u16 nr_rids;
	u16 rids[VTD_DEVICE_SER_RIDS];
} __packed;

#endif /* _LINUX_KHO_ABI_IOMMU_VTD_H */
