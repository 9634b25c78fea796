// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA that goes on through a live update: preserve what a VT-d unit reads on the
 * way to a preserved page table, keep it translating through the kexec, and take
 * it over in place. The page tables belong to generic_pt, the records to
 * ../liveupdate.c, and when a device waits for its owner is up to the IOMMU core.
 *
 * Old kernel. The root table and the context and PASID tables of preserved
 * devices are preserved where they are. At the jump, when nothing else runs any
 * more, all entries of other devices are cleared and flushed; translation stays
 * on.
 *
 * New kernel. A unit that was left on never stops translating. Either all that
 * was preserved of it is right, checked before anything is changed, and becomes
 * its root, context and PASID tables; or it gets an empty root table, while it
 * translates, which blocks all of its devices. Where even that is not possible,
 * as translation would have to be turned off and IOVAs taken for physical
 * addresses, the kernel panics. Domain ids are reserved before anybody can
 * allocate one.
 *
 * A device that was preserved comes up attached in hardware to a domain that
 * the driver does not have yet: domain_attached is set and domain is NULL, as
 * for the identity domain, so that it is blocked as ever.
 */

#define pr_fmt(fmt)	"DMAR: " fmt
#define dev_fmt(fmt)	pr_fmt(fmt)

#include <linux/crash_dump.h>
#include <linux/dmar.h>
#include <linux/generic_pt/iommu.h>
#include <linux/iommu-liveupdate.h>
#include <linux/kho/abi/iommu-vtd.h>
#include <linux/liveupdate.h>
#include <linux/panic.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/pci-liveupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "iommu.h"
#include "liveupdate.h"
#include "pasid.h"
#include "../iommu-pages.h"

/**
 * struct intel_liveupdate_outgoing - what is preserved of a unit
 * @context_tables: by page frame number, how many entries of @rids are in it
 * @rids: by requester ID, how many preserved devices use it
 *
 * Changed by the operations for live updates only, one at a time, and read at the
 * jump, when nothing else runs.
 */
struct intel_liveupdate_outgoing {
	struct xarray context_tables;
	struct xarray rids;
};

/**
 * struct vtd_waiting_device - a preserved device that nobody took over yet
 * @ser: its record
 * @vtd: the driver's part of @ser
 * @top_phys: the top of the page table that it uses
 */
struct vtd_waiting_device {
	struct iommu_device_ser ser;
	struct vtd_device_ser vtd;
	u64 top_phys;
};

/**
 * struct vtd_waiting_did - a domain id that waiting devices use
 * @domain: index of the domain's record
 * @waiting: how many there are
 * @owner: the domain, once a device was attached to it; it counts the devices
 *	that still wait as its own
 */
struct vtd_waiting_did {
	u32 domain;
	unsigned int waiting;
	struct dmar_domain *owner;
};

/**
 * struct intel_liveupdate_incoming - what came from the previous kernel
 * @lock: protects all below
 * @devices: struct vtd_waiting_device, by its own requester ID
 * @dids: struct vtd_waiting_did, by domain id
 */
struct intel_liveupdate_incoming {
	struct mutex lock; /* protects all below */
	struct xarray devices;
	struct xarray dids;
};

/**
 * struct vtd_translation - what the hardware should do with a device's DMA
 * @top_phys: the top of the page table
 * @stage: enum vtd_stage_ser
 * @top_level: level of the top table, 0 for one that has leaves only
 * @did: domain id
 * @incoherent: the walker does not snoop
 * @force_snooping: VTD_DOMAIN_SER_FORCE_SNOOPING
 * @dirty_tracking: VTD_DOMAIN_SER_DIRTY_TRACKING
 */
struct vtd_translation {
	u64 top_phys;
	u32 stage;
	u8 top_level;
	u16 did;
	bool incoherent;
	bool force_snooping;
	bool dirty_tracking;
};

/* --- What is right: used by both kernels, and without side effects --- */

static bool vtd_is_page(u64 phys)
{
	return phys && !(phys & ~VTD_PAGE_MASK) && (phys_addr_t)phys == phys;
}

static struct context_entry *vtd_context(u64 root_entry, u16 rid, bool scalable)
{
	struct context_entry *table = phys_to_virt(root_entry & VTD_PAGE_MASK);

	return table + (scalable ? (rid & 0x7f) * 2 : rid & 0xff);
}

/* The half of the root entry that leads to a requester's context table */
static u64 *vtd_root_entry(struct root_entry *root, u16 rid, bool scalable)
{
	struct root_entry *entry = &root[PCI_BUS_NUM(rid)];

	return scalable && (rid & 0x80) ? &entry->hi : &entry->lo;
}

/* Return: what is wrong with the context entry, or NULL */
static const char *vtd_check_context(const struct context_entry *context,
				     const struct vtd_translation *expected)
{
	u64 lo = READ_ONCE(context->lo), hi = READ_ONCE(context->hi);

	if (!(lo & 1))
		return "its context entry is not present";
	if (((lo >> 2) & 3) != CONTEXT_TT_MULTI_LEVEL)
		return "its context entry has another translation type";
	if ((lo & VTD_PAGE_MASK) != expected->top_phys)
		return "its context entry has another page table";
	if ((hi & 7) != expected->top_level - 1)
		return "its context entry has another address width";
	if (((hi >> 8) & 0xffff) != expected->did)
		return "its context entry has another domain id";
	return NULL;
}

/* Return: what is wrong with the scalable mode context entry, or NULL */
static const char *vtd_check_sm_context(const struct context_entry *context,
					u64 pasid_dir_phys,
					u32 pasid_dir_order)
{
	u64 lo = READ_ONCE(context->lo), hi = READ_ONCE(context->hi);
	u32 entries = (PAGE_SIZE << pasid_dir_order) /
		      sizeof(struct pasid_dir_entry);

	if (!(lo & 1))
		return "its context entry is not present";
	/* DTE, PRE */
	if (lo & (BIT_ULL(2) | BIT_ULL(4)))
		return "its context entry allows ATS or page requests";
	if ((lo & VTD_PAGE_MASK) != pasid_dir_phys)
		return "its context entry has another PASID directory";
	/* The hardware must not read behind the directory */
	if (get_pasid_dir_size(context) > entries)
		return "its context entry has a larger PASID directory";
	if ((hi & GENMASK_ULL(19, 0)) != IOMMU_NO_PASID)
		return "its context entry has another PASID for requests without";
	return NULL;
}

/* Return: what is wrong with the PASID table entry, or NULL */
static const char *vtd_check_pasid_entry(const struct pasid_entry *entry,
					 const struct vtd_translation *expected)
{
	u64 val[3], pgtt, ptr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(val); i++)
		val[i] = READ_ONCE(entry->val[i]);
	for (; i < ARRAY_SIZE(entry->val); i++)
		if (READ_ONCE(entry->val[i]))
			return "its PASID entry has unknown bits";

	if (!(val[0] & PASID_PTE_PRESENT))
		return "its PASID entry is not present";

	if (expected->stage == VTD_STAGE_FIRST) {
		pgtt = PASID_ENTRY_PGTT_FL_ONLY;
		ptr = val[2] & VTD_PAGE_MASK;
		/* SRE, FLPM, WPE, EAFE */
		if ((val[2] & ~VTD_PAGE_MASK) !=
		    (expected->top_level == 4 ? BIT_ULL(2) : 0))
			return "its PASID entry has another paging mode";
		if (!!(val[1] & BIT_ULL(24)) != expected->force_snooping)
			return "its PASID entry snoops differently";
	} else {
		pgtt = PASID_ENTRY_PGTT_SL_ONLY;
		ptr = val[0] & VTD_PAGE_MASK;
		if (val[2])
			return "its PASID entry has a first stage";
		if (((val[0] >> 2) & 7) != expected->top_level - 1)
			return "its PASID entry has another address width";
		if (!!(val[0] & BIT_ULL(9)) != expected->dirty_tracking)
			return "its PASID entry tracks dirty pages differently";
	}
	if (((val[0] >> 6) & 7) != pgtt)
		return "its PASID entry has another translation type";
	if (ptr != expected->top_phys)
		return "its PASID entry has another page table";
	if ((val[1] & GENMASK_ULL(15, 0)) != expected->did)
		return "its PASID entry has another domain id";
	if (!!(val[1] & BIT_ULL(23)) == expected->incoherent)
		return "its PASID entry has another coherency";
	return NULL;
}

/* In use are the first table of the directory, and the first entry of that */
static const char *vtd_check_pasid_tables(const struct pasid_dir_entry *dir,
					  u32 order,
					  const struct pasid_entry *table,
					  const struct vtd_translation *expected)
{
	size_t i;

	for (i = 1; i < (PAGE_SIZE << order) / sizeof(*dir); i++)
		if (READ_ONCE(dir[i].val))
			return "it uses PASIDs";
	for (i = 1; i < PASID_TBL_ENTRIES; i++)
		if (READ_ONCE(table[i].val[0]) & PASID_PTE_PRESENT)
			return "it uses PASIDs";
	return vtd_check_pasid_entry(table, expected);
}

static const char *vtd_check_unit_ser(const struct vtd_unit_ser *unit)
{
	if (!vtd_is_page(unit->root_phys))
		return "the root table cannot be there";
	if (unit->flags & ~VTD_UNIT_SER_FLAGS)
		return "unknown flags";
	return NULL;
}

static const char *vtd_check_domain_ser(const struct iommu_domain_ser *ser,
					const struct vtd_domain_ser *vtd)
{
	u32 format;

	switch (vtd->stage) {
	case VTD_STAGE_FIRST:
		format = PT_IOMMU_FORMAT_X86_64;
		break;
	case VTD_STAGE_SECOND:
		format = PT_IOMMU_FORMAT_VTDSS;
		break;
	default:
		return "unknown stage";
	}
	if (ser->pt.format != format)
		return "the page table's format is not that of the stage";
	if (vtd->flags & ~VTD_DOMAIN_SER_FLAGS)
		return "unknown flags";
	if (vtd->stage == VTD_STAGE_FIRST &&
	    (vtd->flags & (VTD_DOMAIN_SER_DIRTY_OPS |
			   VTD_DOMAIN_SER_DIRTY_TRACKING)))
		return "no dirty tracking in the first stage";
	if (vtd->flags & VTD_DOMAIN_SER_DIRTY_TRACKING &&
	    !(vtd->flags & VTD_DOMAIN_SER_DIRTY_OPS))
		return "dirty tracking without the means";
	return NULL;
}

static const char *vtd_check_device_ser(const struct vtd_device_ser *vtd,
					u16 rid, bool scalable,
					unsigned long max_domain_id)
{
	unsigned int i, j;

	/* Without one it uses that of the bridge above, see vtd_get_rids() */
	if (vtd->nr_rids > VTD_DEVICE_SER_RIDS || (!vtd->nr_rids && !scalable))
		return "number of requester IDs out of range";
	if (vtd->nr_rids && vtd->rids[0] != rid)
		return "requester ID is not that of the device";
	for (i = 0; i < vtd->nr_rids; i++)
		for (j = 0; j < i; j++)
			if (vtd->rids[i] == vtd->rids[j])
				return "a requester ID is listed twice";
	for (; i < VTD_DEVICE_SER_RIDS; i++)
		if (vtd->rids[i])
			return "unused requester IDs are not zero";
	if (vtd->did < IDA_START_DID || vtd->did >= max_domain_id)
		return "domain id out of range";
	if (!scalable)
		return vtd->pasid_dir_phys || vtd->pasid_dir_order ?
			       "a PASID directory in legacy mode" : NULL;
	/* 2^14 entries at most, which leads to 2^20 PASIDs */
	if (!vtd_is_page(vtd->pasid_dir_phys) ||
	    vtd->pasid_dir_order > MAX_NR_PASID_BITS - 3 - PAGE_SHIFT)
		return "the PASID directory cannot be there";
	return NULL;
}

/* Can a unit with these capabilities walk the table, and was it made for them? */
static const char *vtd_check_unit_caps(u64 cap, u64 ecap, bool scalable,
				       const struct iommu_domain_ser *ser,
				       u32 stage)
{
	bool coherent = scalable ? ecap_smpwc(ecap) : ecap_coherent(ecap);

	if (stage == VTD_STAGE_FIRST) {
		if (!scalable || !ecap_flts(ecap))
			return "the unit has no first stage";
		if (ser->pt.top_level != 3 &&
		    (ser->pt.top_level != 4 || !cap_fl5lp_support(cap)))
			return "the unit cannot walk that many levels";
	} else {
		if (scalable && !ecap_slts(ecap))
			return "the unit has no second stage";
		if (ser->pt.top_level < 1 || ser->pt.top_level > 4 ||
		    !(cap_sagaw(cap) & BIT(ser->pt.top_level - 1)))
			return "the unit cannot walk that many levels";
	}
	if (ser->pt.max_vasz_lg2 > cap_mgaw(cap))
		return "the unit's address width is smaller";
	if (!coherent && !(ser->pt.flags & PT_IOMMU_SER_INCOHERENT))
		return "the unit does not snoop";
	return NULL;
}

static bool vtd_get_vendor_data(const struct iommu_vendor_data_ser *data,
				u16 tag, void *to, size_t size)
{
	if (data->tag != tag || data->length != size ||
	    memchr_inv(data->data + size, 0, sizeof(data->data) - size))
		return false;
	memcpy(to, data->data, size);
	return true;
}

static void vtd_set_vendor_data(struct iommu_vendor_data_ser *data, u16 tag,
				const void *from, size_t size)
{
	memset(data, 0, sizeof(*data));
	data->tag = tag;
	data->length = size;
	memcpy(data->data, from, size);
}

/* --- Both kernels --- */

static int vtd_device_key(struct device *dev, struct iommu_device_key_ser *key)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return -EOPNOTSUPP;
	pdev = to_pci_dev(dev);
	*key = pci_liveupdate_key(pci_domain_nr(pdev->bus), pdev->bus->number,
				  pdev->devfn);
	return 0;
}

static void vtd_iommu_key(struct intel_iommu *iommu,
			  struct iommu_unit_key_ser *key)
{
	*key = (struct iommu_unit_key_ser) {
		.vendor = IOMMU_VENDOR_VTD,
		.id = iommu->reg_phys,
	};
}

static int vtd_unit_key(struct device *dev, struct iommu_unit_key_ser *key)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);

	vtd_iommu_key(info->iommu, key);
	return 0;
}

/* What the hardware should do for a device of @domain */
static void vtd_domain_translation(struct dmar_domain *domain, u16 did,
				   struct vtd_translation *translation)
{
	struct pt_iommu_x86_64_hw_info fs_info;
	struct pt_iommu_vtdss_hw_info ss_info;
	unsigned int features;

	*translation = (struct vtd_translation) {
		.did = did,
		.force_snooping = domain->force_snooping,
		.dirty_tracking = domain->dirty_tracking,
	};
	if (intel_domain_is_fs_paging(domain)) {
		pt_iommu_x86_64_hw_info(&domain->fspt, &fs_info);
		features = domain->fspt.x86_64_pt.common.features;
		translation->stage = VTD_STAGE_FIRST;
		translation->top_phys = fs_info.gcr3_pt;
		translation->top_level = fs_info.levels - 1;
	} else {
		pt_iommu_vtdss_hw_info(&domain->sspt, &ss_info);
		features = domain->sspt.vtdss_pt.common.features;
		translation->stage = VTD_STAGE_SECOND;
		translation->top_phys = ss_info.ssptptr;
		translation->top_level = ss_info.aw + 1;
	}
	translation->incoherent = features & BIT(PT_FEAT_DMA_INCOHERENT);
}

struct vtd_rids {
	struct device *dev;
	bool scalable;
	unsigned int nr;
	u16 rids[VTD_DEVICE_SER_RIDS];
	/* Scalable mode: those of bridges above the device */
	unsigned int nr_above;
	u16 above[VTD_DEVICE_SER_RIDS];
};

static bool vtd_has_rid(const u16 *rids, unsigned int nr, u16 rid)
{
	while (nr--)
		if (rids[nr] == rid)
			return true;
	return false;
}

static int vtd_add_rid(struct vtd_rids *rids, u16 rid)
{
	if (vtd_has_rid(rids->rids, rids->nr, rid))
		return 0;
	if (rids->nr == VTD_DEVICE_SER_RIDS)
		return -E2BIG;
	rids->rids[rids->nr++] = rid;
	return 0;
}

static int vtd_add_above(struct pci_dev *pdev, u16 alias, void *data)
{
	struct vtd_rids *rids = data;

	if (rids->dev == &pdev->dev)
		return 0;
	if (rids->nr_above == VTD_DEVICE_SER_RIDS)
		return -E2BIG;
	rids->above[rids->nr_above++] = alias;
	return 0;
}

static int vtd_add_alias(struct pci_dev *pdev, u16 alias, void *data)
{
	struct vtd_rids *rids = data;

	if (vtd_has_rid(rids->above, rids->nr_above, alias) ||
	    (rids->scalable && rids->dev != &pdev->dev))
		return 0;
	return vtd_add_rid(rids, alias);
}

/*
 * The requester IDs with a context entry for the device, its own first.
 *
 * In scalable mode a context entry leads to the PASID table of one device, and
 * that of an ID which a bridge uses for all devices behind it, to the bridge's:
 * see intel_pasid_setup_sm_context(). So the device in slot 0 behind such a
 * bridge has none.
 */
static int vtd_get_rids(const struct device_domain_info *info, bool scalable,
			struct vtd_rids *rids)
{
	struct pci_dev *pdev = to_pci_dev(info->dev);
	int ret = 0;

	*rids = (struct vtd_rids) {
		.dev = info->dev,
		.scalable = scalable,
	};
	if (scalable)
		ret = pci_for_each_dma_alias(pdev, vtd_add_above, rids);
	/* Its own is what the unit was found by, and comes first */
	if (!ret)
		ret = vtd_add_alias(pdev, PCI_DEVID(info->bus, info->devfn),
				    rids);
	if (!ret)
		ret = pci_for_each_dma_alias(pdev, vtd_add_alias, rids);
	if (!ret && info->bridge_rid)
		ret = vtd_add_rid(rids, info->bridge_rid);
	return ret;
}

/* Does the hardware do for the device what it should? Both modes. */
static const char *vtd_check_hardware(struct root_entry *root, bool scalable,
				      const struct vtd_device_ser *vtd,
				      const struct vtd_translation *expected)
{
	struct pasid_dir_entry *dir;
	struct pasid_entry *table;
	const char *what = NULL;
	unsigned int i;
	u64 *entry;

	for (i = 0; i < vtd->nr_rids && !what; i++) {
		entry = vtd_root_entry(root, vtd->rids[i], scalable);
		if (!(READ_ONCE(*entry) & 1))
			what = "it has no context table";
		else if (scalable)
			what = vtd_check_sm_context(vtd_context(*entry,
								vtd->rids[i],
								true),
						    vtd->pasid_dir_phys,
						    vtd->pasid_dir_order);
		else
			what = vtd_check_context(vtd_context(*entry,
							     vtd->rids[i],
							     false),
						 expected);
	}
	if (what || !scalable)
		return what;

	dir = phys_to_virt(vtd->pasid_dir_phys);
	table = get_pasid_table_from_pde(dir);
	if (!table)
		return "it has no PASID table";
	return vtd_check_pasid_tables(dir, vtd->pasid_dir_order, table,
				      expected);
}

/* --- Domains --- */

static int vtd_domain_preserve(struct iommu_domain *iommu_domain,
			       struct iommu_domain_ser *ser)
{
	struct dmar_domain *domain = to_dmar_domain(iommu_domain);
	struct vtd_domain_ser vtd = {};
	unsigned long flags;
	bool has_pasids;

	if (intel_domain_is_fs_paging(domain))
		vtd.stage = VTD_STAGE_FIRST;
	else if (intel_domain_is_ss_paging(domain))
		vtd.stage = VTD_STAGE_SECOND;
	else
		return -EOPNOTSUPP;

	spin_lock_irqsave(&domain->lock, flags);
	has_pasids = !list_empty(&domain->dev_pasids);
	spin_unlock_irqrestore(&domain->lock, flags);
	if (has_pasids || domain->nested_parent) {
		pr_err("A domain with %s cannot be preserved\n",
		       has_pasids ? "PASIDs" : "others nested on it");
		return -EOPNOTSUPP;
	}

	if (domain->force_snooping)
		vtd.flags |= VTD_DOMAIN_SER_FORCE_SNOOPING;
	if (domain->domain.dirty_ops)
		vtd.flags |= VTD_DOMAIN_SER_DIRTY_OPS;
	if (domain->dirty_tracking)
		vtd.flags |= VTD_DOMAIN_SER_DIRTY_TRACKING;
	if (domain->iotlb_sync_map)
		vtd.flags |= VTD_DOMAIN_SER_IOTLB_SYNC_MAP;
	vtd_set_vendor_data(&ser->vendor_data, VTD_DOMAIN_SER_TAG, &vtd,
			    sizeof(vtd));
	return domain->iommu.ops->preserve(&domain->iommu, &ser->pt);
}

static void vtd_domain_unpreserve(struct iommu_domain *iommu_domain,
				  const struct iommu_domain_ser *ser)
{
	struct dmar_domain *domain = to_dmar_domain(iommu_domain);

	domain->iommu.ops->unpreserve(&domain->iommu, &ser->pt);
}

/* Incoherent tables need a device to flush for; on x86 any will do */
static struct device *vtd_any_device(void)
{
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;

	/* Not dmar_global_lock: units are taken over with that held */
	guard(rcu)();
	for_each_active_iommu(iommu, drhd)
		if (iommu->iommu.dev)
			return iommu->iommu.dev;
	return NULL;
}

static struct iommu_domain *
vtd_domain_restore(const struct iommu_domain_ser *ser)
{
	struct vtd_domain_ser vtd;
	struct dmar_domain *domain;
	const char *what;
	int ret;

	if (!vtd_get_vendor_data(&ser->vendor_data, VTD_DOMAIN_SER_TAG, &vtd,
				 sizeof(vtd)))
		what = "unknown form";
	else
		what = vtd_check_domain_ser(ser, &vtd);
	if (what) {
		pr_err("A preserved domain is refused: %s\n", what);
		return ERR_PTR(-EINVAL);
	}

	domain = intel_paging_domain_alloc();
	if (IS_ERR(domain))
		return ERR_CAST(domain);
	domain->iommu.iommu_device = vtd_any_device();
	domain->iommu.nid = NUMA_NO_NODE;
	if (vtd.stage == VTD_STAGE_FIRST) {
		domain->domain.ops = &intel_fs_paging_domain_ops;
		ret = pt_iommu_x86_64_restore(&domain->fspt, &ser->pt);
	} else {
		domain->domain.ops = &intel_ss_paging_domain_ops;
		ret = pt_iommu_vtdss_restore(&domain->sspt, &ser->pt);
	}
	if (ret) {
		kfree(domain);
		return ERR_PTR(ret);
	}

	/* How to flush is up to this kernel, and not in the table */
	if (vtd.stage == VTD_STAGE_FIRST)
		domain->fspt.x86_64_pt.common.features |=
			BIT(PT_FEAT_FLUSH_RANGE);
	else
		domain->sspt.vtdss_pt.common.features |=
			BIT(PT_FEAT_FLUSH_RANGE);
	domain->domain.owner = &intel_iommu_ops;
	if (vtd.flags & VTD_DOMAIN_SER_DIRTY_OPS)
		domain->domain.dirty_ops = &intel_second_stage_dirty_ops;
	domain->force_snooping = vtd.flags & VTD_DOMAIN_SER_FORCE_SNOOPING;
	domain->dirty_tracking =
		!!(vtd.flags & VTD_DOMAIN_SER_DIRTY_TRACKING);
	domain->iotlb_sync_map =
		!!(vtd.flags & VTD_DOMAIN_SER_IOTLB_SYNC_MAP);
	return &domain->domain;
}

/* --- Old kernel: units and devices --- */

static int vtd_count_up(struct xarray *xa, unsigned long index)
{
	void *entry = xa_load(xa, index);

	return xa_err(xa_store(xa, index,
			       xa_mk_value(entry ? xa_to_value(entry) + 1 : 1),
			       GFP_KERNEL));
}

/* Return: whether it was the last */
static bool vtd_count_down(struct xarray *xa, unsigned long index)
{
	void *entry = xa_load(xa, index);

	if (WARN_ON(!entry))
		return false;
	if (xa_to_value(entry) == 1) {
		xa_erase(xa, index);
		return true;
	}
	/* Replaces a value, which takes no memory */
	xa_store(xa, index, xa_mk_value(xa_to_value(entry) - 1), GFP_KERNEL);
	return false;
}

static int vtd_unit_preserve(struct device *dev, struct iommu_unit_ser *ser)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_liveupdate_outgoing *outgoing;
	struct intel_iommu *iommu = info->iommu;
	struct vtd_unit_ser vtd = {
		.root_phys = virt_to_phys(iommu->root_entry),
		.flags = sm_supported(iommu) ? VTD_UNIT_SER_SCALABLE : 0,
	};
	int ret;

	if (WARN_ON(iommu->liveupdate_outgoing))
		return -EBUSY;
	/* Copies of what a crashed kernel left: nobody knows what is in them */
	if (iommu->copied_tables) {
		pr_err("%s: cannot be preserved: its tables are copies\n",
		       iommu->name);
		return -EOPNOTSUPP;
	}

	outgoing = kzalloc_obj(*outgoing);
	if (!outgoing)
		return -ENOMEM;
	xa_init(&outgoing->context_tables);
	xa_init(&outgoing->rids);

	ret = iommu_preserve_pages(iommu->root_entry);
	if (ret) {
		kfree(outgoing);
		return ret;
	}
	iommu->liveupdate_outgoing = outgoing;
	vtd_set_vendor_data(&ser->vendor_data, VTD_UNIT_SER_TAG, &vtd,
			    sizeof(vtd));
	return 0;
}

static void vtd_unit_unpreserve(struct device *dev,
				const struct iommu_unit_ser *ser)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_liveupdate_outgoing *outgoing;
	struct intel_iommu *iommu = info->iommu;

	outgoing = iommu->liveupdate_outgoing;
	WARN_ON(!xa_empty(&outgoing->rids) ||
		!xa_empty(&outgoing->context_tables));
	iommu->liveupdate_outgoing = NULL;
	iommu_unpreserve_pages(iommu->root_entry);
	kfree(outgoing);
}

static void *vtd_context_table(struct intel_iommu *iommu, u16 rid)
{
	u64 entry = READ_ONCE(*vtd_root_entry(iommu->root_entry, rid,
					      sm_supported(iommu)));

	return entry & 1 ? phys_to_virt(entry & VTD_PAGE_MASK) : NULL;
}

/* A context table that is there stays there; entries come and go */
static int vtd_preserve_rid(struct intel_iommu *iommu, u16 rid)
{
	struct intel_liveupdate_outgoing *outgoing = iommu->liveupdate_outgoing;
	void *table = vtd_context_table(iommu, rid);
	unsigned long pfn = PHYS_PFN(virt_to_phys(table));
	int ret;

	if (!xa_load(&outgoing->context_tables, pfn)) {
		ret = iommu_preserve_pages(table);
		if (ret)
			return ret;
	}
	ret = vtd_count_up(&outgoing->context_tables, pfn);
	if (ret)
		goto err_pages;
	ret = vtd_count_up(&outgoing->rids, rid);
	if (ret)
		goto err_table;
	return 0;

err_table:
	vtd_count_down(&outgoing->context_tables, pfn);
err_pages:
	if (!xa_load(&outgoing->context_tables, pfn))
		iommu_unpreserve_pages(table);
	return ret;
}

static void vtd_unpreserve_rid(struct intel_iommu *iommu, u16 rid)
{
	struct intel_liveupdate_outgoing *outgoing = iommu->liveupdate_outgoing;
	void *table = vtd_context_table(iommu, rid);

	vtd_count_down(&outgoing->rids, rid);
	if (vtd_count_down(&outgoing->context_tables,
			   PHYS_PFN(virt_to_phys(table))))
		iommu_unpreserve_pages(table);
}

static const char *vtd_device_obstacle(struct device *dev,
				       struct device_domain_info *info)
{
	if (!info->domain_attached || !info->domain)
		return "it is not attached to a paging domain";
	if (info->domain->domain.type == IOMMU_DOMAIN_NESTED)
		return "its domain is nested";
	if (!intel_domain_is_fs_paging(info->domain) &&
	    !intel_domain_is_ss_paging(info->domain))
		return "its domain is no page table of the kernel";
	if (dev_is_real_dma_subdevice(dev) ||
	    pci_dev_id(to_pci_dev(dev)) != PCI_DEVID(info->bus, info->devfn))
		return "its DMA comes from another device";
	if (info->ats_enabled)
		return "ATS is enabled (boot with pci=noats)";
	if (info->ats_supported)
		return "the unit expects ATS (boot with pci=noats)";
	if (info->pri_supported || info->pri_enabled || info->iopf_refcount)
		return "it uses page requests";
	return NULL;
}

static int vtd_preserve_pasid_tables(struct device_domain_info *info,
				     struct vtd_device_ser *vtd)
{
	struct pasid_dir_entry *dir = info->pasid_table->table;
	int ret;

	ret = iommu_preserve_pages(dir);
	if (ret)
		return ret;
	ret = iommu_preserve_pages(get_pasid_table_from_pde(dir));
	if (ret)
		iommu_unpreserve_pages(dir);
	return ret;
}

static void vtd_unpreserve_pasid_tables(const struct vtd_device_ser *vtd)
{
	struct pasid_dir_entry *dir = phys_to_virt(vtd->pasid_dir_phys);

	iommu_unpreserve_pages(get_pasid_table_from_pde(dir));
	iommu_unpreserve_pages(dir);
}

static int vtd_device_preserve(struct device *dev, struct iommu_device_ser *ser)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_iommu *iommu = info->iommu;
	struct vtd_translation translation;
	struct vtd_device_ser vtd = {};
	struct vtd_rids rids;
	const char *what;
	unsigned int i;
	int ret;

	what = vtd_device_obstacle(dev, info);
	if (!what && vtd_get_rids(info, sm_supported(iommu), &rids))
		what = "it has too many DMA aliases";
	if (what) {
		ret = -EOPNOTSUPP;
		goto err;
	}

	vtd.did = domain_id_iommu(info->domain, iommu);
	vtd.nr_rids = rids.nr;
	memcpy(vtd.rids, rids.rids, sizeof(vtd.rids));
	if (info->pasid_table) {
		vtd.pasid_dir_phys = virt_to_phys(info->pasid_table->table);
		vtd.pasid_dir_order = ilog2(info->pasid_table->max_pasid) - 3 -
				      PAGE_SHIFT;
	}

	/* What the next kernel would refuse */
	vtd_domain_translation(info->domain, vtd.did, &translation);
	what = vtd_check_device_ser(&vtd, PCI_DEVID(info->bus, info->devfn),
				    rids.scalable, iommu->max_domain_id);
	if (!what)
		what = vtd_check_hardware(iommu->root_entry, rids.scalable,
					  &vtd, &translation);
	if (what) {
		ret = -EINVAL;
		goto err;
	}

	if (rids.scalable) {
		ret = vtd_preserve_pasid_tables(info, &vtd);
		if (ret)
			return ret;
	}
	for (i = 0; i < vtd.nr_rids; i++) {
		ret = vtd_preserve_rid(iommu, vtd.rids[i]);
		if (ret)
			goto err_unpreserve;
	}
	vtd_set_vendor_data(&ser->vendor_data, VTD_DEVICE_SER_TAG, &vtd,
			    sizeof(vtd));
	return 0;

err_unpreserve:
	while (i--)
		vtd_unpreserve_rid(iommu, vtd.rids[i]);
	if (rids.scalable)
		vtd_unpreserve_pasid_tables(&vtd);
	return ret;

err:
	dev_err(dev, "cannot be preserved: %s\n", what);
	return ret;
}

static void vtd_device_unpreserve(struct device *dev,
				  const struct iommu_device_ser *ser)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct intel_iommu *iommu = info->iommu;
	struct vtd_device_ser vtd;
	unsigned int i;

	if (WARN_ON(!vtd_get_vendor_data(&ser->vendor_data, VTD_DEVICE_SER_TAG,
					 &vtd, sizeof(vtd))))
		return;
	for (i = 0; i < vtd.nr_rids; i++)
		vtd_unpreserve_rid(iommu, vtd.rids[i]);
	if (sm_supported(iommu))
		vtd_unpreserve_pasid_tables(&vtd);
}

/* --- Tables with entries of devices that nobody preserved --- */

static void vtd_clear_context(struct intel_iommu *iommu,
			      struct context_entry *context)
{
	context_clear_present(context);
	__iommu_flush_cache(iommu, context, sizeof(*context));
	context_clear_entry(context);
	__iommu_flush_cache(iommu, context, sizeof(*context));
}

/*
 * Clear all entries but those of @rids, and all root entries but those that lead
 * to @context_tables: other tables are not preserved.
 *
 * Return: how many entries were cleared
 */
static unsigned int vtd_clear_others(struct intel_iommu *iommu,
				     struct root_entry *root, bool scalable,
				     struct xarray *context_tables,
				     struct xarray *rids)
{
	unsigned int rid, step = scalable ? 0x80 : 0x100;
	struct context_entry *context;
	unsigned int cleared = 0;
	u64 *entry;

	for (rid = 0; rid <= U16_MAX; rid++) {
		entry = vtd_root_entry(root, rid, scalable);
		if (!(*entry & 1) ||
		    !xa_load(context_tables,
			     PHYS_PFN(*entry & VTD_PAGE_MASK))) {
			if (*entry) {
				WRITE_ONCE(*entry, 0);
				__iommu_flush_cache(iommu, entry,
						    sizeof(*entry));
				cleared++;
			}
			/* On to the next table */
			rid |= step - 1;
			continue;
		}
		context = vtd_context(*entry, rid, scalable);
		if ((context->lo || context->hi) && !xa_load(rids, rid)) {
			vtd_clear_context(iommu, context);
			cleared++;
		}
	}
	return cleared;
}

static void vtd_flush_all(struct intel_iommu *iommu)
{
	iommu_flush_write_buffer(iommu);
	iommu->flush.flush_context(iommu, 0, 0, 0, DMA_CCMD_GLOBAL_INVL);
	if (sm_supported(iommu))
		qi_flush_pasid_cache(iommu, 0, QI_PC_GLOBAL, 0);
	iommu->flush.flush_iotlb(iommu, 0, 0, 0, DMA_TLB_GLOBAL_FLUSH);
}

/**
 * intel_liveupdate_shutdown - leave a unit to the next kernel
 * @iommu: the unit
 *
 * If it has preserved devices and this is a live update, nothing else can do DMA
 * through the unit when it returns, nor does the unit write to memory of this
 * kernel: page requests and interrupts are off. The invalidation queue is idle.
 *
 * Context: As intel_iommu_shutdown(): the only CPU, interrupts disabled. It must
 *	not take a lock that another CPU may have been stopped with.
 * Return: true if translation has to stay on.
 */
bool intel_liveupdate_shutdown(struct intel_iommu *iommu)
{
	struct intel_liveupdate_outgoing *outgoing = iommu->liveupdate_outgoing;
	unsigned int cleared;

	if (!liveupdate_reboot_in_progress() || !outgoing ||
	    xa_empty(&outgoing->rids))
		return false;

	cleared = vtd_clear_others(iommu, iommu->root_entry,
				   sm_supported(iommu),
				   &outgoing->context_tables, &outgoing->rids);
	vtd_flush_all(iommu);

	/* No interrupt to a CPU that is about to forget its vectors */
	writel(DMA_FECTL_IM, iommu->reg + DMAR_FECTL_REG);
	readl(iommu->reg + DMAR_FECTL_REG);
	if (iommu->prq) {
		writel(DMA_FECTL_IM, iommu->reg + DMAR_PECTL_REG);
		readl(iommu->reg + DMAR_PECTL_REG);
		writeq(0, iommu->reg + DMAR_PQH_REG);
		writeq(0, iommu->reg + DMAR_PQT_REG);
		writeq(0, iommu->reg + DMAR_PQA_REG);
	}
	pr_info("%s: translation stays on, %u other entries cleared\n",
		iommu->name, cleared);
	return true;
}

/* --- New kernel: taking over a unit --- */

/* A unit that is being taken over */
struct vtd_takeover {
	struct intel_iommu *iommu;
	struct intel_liveupdate_incoming *incoming;
	struct root_entry *root;
	bool scalable;
	unsigned int nr_devices;
	/* By page frame number: which part of the root table points to it */
	struct xarray context_tables;
	/* By page frame number: order */
	struct xarray pasid_tables;
	/* All requester IDs of preserved devices */
	struct xarray rids;
};

/* A table that one device has for itself */
static const char *vtd_takeover_pasid_table(struct vtd_takeover *takeover,
					    u64 phys, u32 order)
{
	unsigned long pfn = PHYS_PFN(phys);
	int ret;

	if (!iommu_pages_restorable(phys, order))
		return "a PASID table is not preserved";
	if (xa_load(&takeover->context_tables, pfn))
		return "a PASID table is a context table";
	ret = xa_insert(&takeover->pasid_tables, pfn, xa_mk_value(order),
			GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? "a PASID table has two devices" :
				       "out of memory";
	return NULL;
}

static const char *vtd_takeover_rid(struct vtd_takeover *takeover, u16 rid)
{
	unsigned int half = takeover->scalable ? rid >> 7 : rid >> 8;
	u64 root_entry = READ_ONCE(*vtd_root_entry(takeover->root, rid,
						   takeover->scalable));
	u64 phys = root_entry & VTD_PAGE_MASK;
	unsigned long pfn = PHYS_PFN(phys);
	void *seen;
	int ret;

	if (!(root_entry & 1))
		return "it has no context table";

	seen = xa_load(&takeover->context_tables, pfn);
	if (!seen) {
		if (xa_load(&takeover->pasid_tables, pfn) ||
		    virt_to_phys(takeover->root) == phys)
			return "its context table is another table, too";
		if (!iommu_pages_restorable(phys, 0))
			return "its context table is not preserved";
		ret = xa_err(xa_store(&takeover->context_tables, pfn,
				      xa_mk_value(half), GFP_KERNEL));
		if (ret)
			return "out of memory";
	} else if (xa_to_value(seen) != half) {
		return "its context table is that of another bus, too";
	}

	/* An alias may be that of several devices, which use one domain */
	ret = xa_err(xa_store(&takeover->rids, rid, xa_mk_value(1),
			      GFP_KERNEL));
	return ret ? "out of memory" : NULL;
}

static const char *vtd_takeover_did(struct vtd_takeover *takeover, u16 did,
				    u32 domain)
{
	struct ida *ida = &takeover->iommu->domain_ida;
	struct vtd_waiting_did *waiting;

	waiting = xa_load(&takeover->incoming->dids, did);
	if (!waiting) {
		waiting = kzalloc_obj(*waiting);
		if (!waiting)
			return "out of memory";
		waiting->domain = domain;
		if (ida_alloc_range(ida, did, did, GFP_KERNEL) < 0) {
			kfree(waiting);
			return "its domain id cannot be reserved";
		}
		if (xa_err(xa_store(&takeover->incoming->dids, did, waiting,
				    GFP_KERNEL))) {
			ida_free(ida, did);
			kfree(waiting);
			return "out of memory";
		}
	} else if (waiting->domain != domain) {
		return "its domain id is that of another domain";
	}
	waiting->waiting++;
	return NULL;
}

static const char *vtd_takeover_check(struct vtd_takeover *takeover,
				      const struct iommu_device_ser *ser,
				      const struct iommu_domain_ser *domain)
{
	struct intel_iommu *iommu = takeover->iommu;
	struct vtd_domain_ser vtd_domain;
	struct vtd_waiting_device *device;
	struct pasid_dir_entry *dir;
	struct vtd_device_ser vtd;
	struct vtd_translation translation;
	u16 rid = ser->key.id;
	const char *what;
	unsigned int i;
	u64 pde;

	if (ser->key.kind != IOMMU_DEVICE_PCI ||
	    ser->key.id >> 16 != iommu->segment)
		return "it cannot be behind this unit";
	if (!domain || domain->vendor != IOMMU_VENDOR_VTD ||
	    !vtd_get_vendor_data(&domain->vendor_data, VTD_DOMAIN_SER_TAG,
				 &vtd_domain, sizeof(vtd_domain)) ||
	    !vtd_get_vendor_data(&ser->vendor_data, VTD_DEVICE_SER_TAG, &vtd,
				 sizeof(vtd)))
		return "unknown form of the records";
	what = vtd_check_domain_ser(domain, &vtd_domain);
	if (!what)
		what = vtd_check_device_ser(&vtd, rid, takeover->scalable,
					    iommu->max_domain_id);
	if (!what)
		what = vtd_check_unit_caps(iommu->cap, iommu->ecap,
					   takeover->scalable, domain,
					   vtd_domain.stage);
	if (what)
		return what;

	/* Before anything is read: is it memory that was preserved? */
	for (i = 0; i < vtd.nr_rids && !what; i++)
		what = vtd_takeover_rid(takeover, vtd.rids[i]);
	if (what)
		return what;
	if (takeover->scalable) {
		what = vtd_takeover_pasid_table(takeover, vtd.pasid_dir_phys,
						vtd.pasid_dir_order);
		if (what)
			return what;
		dir = phys_to_virt(vtd.pasid_dir_phys);
		pde = READ_ONCE(dir->val);
		if (!(pde & PASID_PTE_PRESENT))
			return "it has no PASID table";
		what = vtd_takeover_pasid_table(takeover, pde & PDE_PFN_MASK,
						0);
		if (what)
			return what;
	}

	translation = (struct vtd_translation) {
		.top_phys = domain->pt.top_phys,
		.stage = vtd_domain.stage,
		.top_level = domain->pt.top_level,
		.did = vtd.did,
		.incoherent = domain->pt.flags & PT_IOMMU_SER_INCOHERENT,
		.force_snooping = vtd_domain.flags &
				  VTD_DOMAIN_SER_FORCE_SNOOPING,
		.dirty_tracking = vtd_domain.flags &
				  VTD_DOMAIN_SER_DIRTY_TRACKING,
	};
	what = vtd_check_hardware(takeover->root, takeover->scalable, &vtd,
				  &translation);
	if (what)
		return what;

	device = kzalloc_obj(*device);
	if (!device)
		return "out of memory";
	device->ser = *ser;
	device->vtd = vtd;
	device->top_phys = domain->pt.top_phys;
	if (xa_insert(&takeover->incoming->devices, rid, device, GFP_KERNEL)) {
		kfree(device);
		return "out of memory, or it is there twice";
	}
	takeover->nr_devices++;
	return vtd_takeover_did(takeover, vtd.did, ser->domain);
}

static int vtd_takeover_refuse(struct vtd_takeover *takeover,
			       const struct iommu_device_ser *ser,
			       const char *what)
{
	u16 rid = ser->key.id;

	pr_err("%s: device %04llx:%02x:%02x.%x was preserved and is refused: %s\n",
	       takeover->iommu->name, ser->key.id >> 16, PCI_BUS_NUM(rid),
	       PCI_SLOT(rid), PCI_FUNC(rid), what);
	return -EINVAL;
}

static int vtd_takeover_device(const struct iommu_device_ser *ser,
			       const struct iommu_domain_ser *domain,
			       void *data)
{
	struct vtd_takeover *takeover = data;
	const char *what = vtd_takeover_check(takeover, ser, domain);

	return what ? vtd_takeover_refuse(takeover, ser, what) : 0;
}

/* All devices are known: does each have a context entry, be it its bridge's? */
static int vtd_takeover_check_rids(struct vtd_takeover *takeover)
{
	struct vtd_waiting_device *device;
	unsigned long rid;

	xa_for_each(&takeover->incoming->devices, rid, device)
		if (!device->vtd.nr_rids && !xa_load(&takeover->rids, rid))
			return vtd_takeover_refuse(takeover, &device->ser,
						   "no bridge has its requester ID");
	return 0;
}

static void vtd_incoming_free(struct intel_iommu *iommu,
			      struct intel_liveupdate_incoming *incoming)
{
	unsigned long index;
	void *entry;

	xa_for_each(&incoming->devices, index, entry)
		kfree(entry);
	xa_for_each(&incoming->dids, index, entry) {
		ida_free(&iommu->domain_ida, index);
		kfree(entry);
	}
	xa_destroy(&incoming->devices);
	xa_destroy(&incoming->dids);
	mutex_destroy(&incoming->lock);
	kfree(incoming);
}

/* All was checked, so this has no reason to fail; if it does, all is leaked */
static int vtd_takeover_restore(struct vtd_takeover *takeover)
{
	unsigned long index;
	void *entry;

	if (!iommu_restore_pages(virt_to_phys(takeover->root), 0, false))
		return -EIO;
	xa_for_each(&takeover->context_tables, index, entry)
		if (!iommu_restore_pages(PFN_PHYS(index), 0, false))
			return -EIO;
	xa_for_each(&takeover->pasid_tables, index, entry)
		if (!iommu_restore_pages(PFN_PHYS(index), xa_to_value(entry),
					 false))
			return -EIO;
	return 0;
}

/* Nothing is changed before all is checked; after an error, nothing is */
static int vtd_take_over(struct intel_iommu *iommu,
			 const struct iommu_unit_ser *ser, u64 root_reg)
{
	struct vtd_takeover takeover = {
		.iommu = iommu,
		.scalable = sm_supported(iommu),
	};
	struct iommu_unit_key_ser key;
	const char *what = NULL;
	struct vtd_unit_ser vtd;
	unsigned int cleared;
	int ret;

	if (!vtd_get_vendor_data(&ser->vendor_data, VTD_UNIT_SER_TAG, &vtd,
				 sizeof(vtd)))
		what = "unknown form";
	else
		what = vtd_check_unit_ser(&vtd);
	if (!what && !!(vtd.flags & VTD_UNIT_SER_SCALABLE) != takeover.scalable)
		what = "it is for the other mode";
	if (!what && vtd.root_phys != (root_reg & VTD_PAGE_MASK))
		what = "the unit uses another root table";
	if (what) {
		pr_err("%s: the preserved record is refused: %s\n", iommu->name,
		       what);
		return -EINVAL;
	}

	takeover.incoming = kzalloc_obj(*takeover.incoming);
	if (!takeover.incoming)
		return -ENOMEM;
	mutex_init(&takeover.incoming->lock);
	xa_init(&takeover.incoming->devices);
	xa_init(&takeover.incoming->dids);
	xa_init(&takeover.context_tables);
	xa_init(&takeover.pasid_tables);
	xa_init(&takeover.rids);
	takeover.root = phys_to_virt(vtd.root_phys);

	vtd_iommu_key(iommu, &key);
	ret = iommu_liveupdate_walk_unit(&key, vtd_takeover_device,
					 &takeover);
	if (!ret)
		ret = vtd_takeover_check_rids(&takeover);
	if (!ret && takeover.nr_devices != ser->nr_devices) {
		pr_err("%s: %u devices were preserved, and %u are there\n",
		       iommu->name, ser->nr_devices, takeover.nr_devices);
		ret = -EINVAL;
	}
	if (!ret)
		ret = vtd_takeover_restore(&takeover);
	if (ret) {
		vtd_incoming_free(iommu, takeover.incoming);
		goto out;
	}

	/*
	 * The previous kernel has done it, so there should be none. The caches
	 * are flushed when the root table is set.
	 */
	cleared = vtd_clear_others(iommu, takeover.root, takeover.scalable,
				   &takeover.context_tables, &takeover.rids);
	if (cleared)
		pr_warn("%s: %u entries of devices that were not preserved cleared\n",
			iommu->name, cleared);
	iommu->root_entry = takeover.root;
	iommu->liveupdate_incoming = takeover.incoming;
	pr_info("%s: took over %u devices in %s mode, translation stays on\n",
		iommu->name, takeover.nr_devices,
		takeover.scalable ? "scalable" : "legacy");
out:
	xa_destroy(&takeover.context_tables);
	xa_destroy(&takeover.pasid_tables);
	xa_destroy(&takeover.rids);
	return ret;
}

/*
 * Does the unit translate because of a live update? That is so if its root table
 * lies in memory that was preserved and has no owner yet, whatever the records
 * say, and also if live update is switched off in this kernel.
 */
static bool vtd_left_on(struct intel_iommu *iommu, u64 *root_reg)
{
	if (is_kdump_kernel() ||
	    !(readl(iommu->reg + DMAR_GSTS_REG) & DMA_GSTS_TES))
		return false;
	*root_reg = readq(iommu->reg + DMAR_RTADDR_REG);
	return iommu_pages_restorable(*root_reg & VTD_PAGE_MASK, 0);
}

/**
 * intel_liveupdate_init_unit - take over a unit that was left on
 * @iommu: the unit; queued invalidation is set up, the root table is not
 *
 * A unit that no live update left on is not touched. Otherwise translation stays
 * on, and either @iommu->root_entry is set and preserved devices go on with their
 * DMA, or it is not, and the caller sets an empty root table, which stops them.
 *
 * Panics if the unit is in the other mode, legacy or scalable: that cannot be
 * changed while it translates, so there is no way to stop the devices.
 *
 * Context: Process context at boot, before any other domain id is allocated.
 */
void __init intel_liveupdate_init_unit(struct intel_iommu *iommu)
{
	struct iommu_unit_key_ser key;
	struct iommu_unit_ser ser;
	u64 root_reg;
	int ret;

	vtd_iommu_key(iommu, &key);
	if (!vtd_left_on(iommu, &root_reg)) {
		if (!is_kdump_kernel() &&
		    !iommu_liveupdate_lookup_unit(&key, &ser))
			pr_err("%s: has preserved devices, but it was turned off\n",
			       iommu->name);
		return;
	}

	if (!!(root_reg & DMA_RTADDR_SMT) != sm_supported(iommu))
		panic("DMAR: %s: preserved devices use %s mode, and this kernel does not (intel_iommu=%s)\n",
		      iommu->name,
		      root_reg & DMA_RTADDR_SMT ? "scalable" : "legacy",
		      root_reg & DMA_RTADDR_SMT ? "sm_on" : "sm_off");

	/* From here on nobody turns translation off */
	iommu->flags &= ~VTD_FLAG_TRANS_PRE_ENABLED;
	iommu->flags |= VTD_FLAG_LIVEUPDATE;

	ret = iommu_liveupdate_lookup_unit(&key, &ser);
	if (!ret)
		ret = vtd_take_over(iommu, &ser, root_reg);
	if (ret)
		pr_err("%s: what was preserved cannot be used (%pe), all its devices are stopped\n",
		       iommu->name, ERR_PTR(ret));
}

/**
 * intel_liveupdate_unit_unusable - a unit is about to be turned off or given up
 * @iommu: the unit
 * @reason: why
 *
 * Panics if devices go on with DMA of the previous kernel through the unit: it
 * would become DMA to whatever lies at the physical addresses that equal their
 * IOVAs.
 *
 * Context: Process context at boot.
 */
void __init intel_liveupdate_unit_unusable(struct intel_iommu *iommu,
					   const char *reason)
{
	u64 root_reg;

	if ((iommu->flags & VTD_FLAG_LIVEUPDATE) ||
	    vtd_left_on(iommu, &root_reg))
		panic("DMAR: unit at %#llx: %s, but devices go on with DMA of the previous kernel\n",
		      iommu->reg_phys, reason);
}

/* --- New kernel: devices --- */

static struct vtd_waiting_device *
vtd_waiting_device(struct device_domain_info *info)
{
	struct intel_liveupdate_incoming *incoming;

	incoming = info->iommu->liveupdate_incoming;
	if (!incoming || !dev_is_pci(info->dev))
		return NULL;
	return xa_load(&incoming->devices, PCI_DEVID(info->bus, info->devfn));
}

static u16 vtd_waiting_rid(const struct vtd_waiting_device *device)
{
	return device->ser.key.id;
}

/* It waits no more: the domain takes its use of the domain id over, or gives up */
static void vtd_stop_waiting(struct intel_iommu *iommu,
			     struct vtd_waiting_device *device, bool adopted)
{
	struct intel_liveupdate_incoming *incoming = iommu->liveupdate_incoming;
	struct vtd_waiting_did *did;

	lockdep_assert_held(&incoming->lock);

	did = xa_load(&incoming->dids, device->vtd.did);
	if (did->owner && !adopted)
		domain_detach_iommu(did->owner, iommu);
	if (!--did->waiting) {
		if (!did->owner) {
			guard(mutex)(&iommu->did_lock);
			ida_free(&iommu->domain_ida, device->vtd.did);
		}
		xa_erase(&incoming->dids, device->vtd.did);
		kfree(did);
	}
	xa_erase(&incoming->devices, vtd_waiting_rid(device));
	kfree(device);
}

static void vtd_stop_rid(struct intel_iommu *iommu,
			 struct vtd_waiting_device *device, u16 rid)
{
	u64 table = sm_supported(iommu) ? device->vtd.pasid_dir_phys :
					  device->top_phys;
	struct context_entry *context;

	guard(spinlock)(&iommu->lock);
	context = iommu_context_addr(iommu, PCI_BUS_NUM(rid), rid & 0xff, 0);
	/* An alias may have been given to another device behind the bridge */
	if (context && (context->lo & VTD_PAGE_MASK) == table)
		vtd_clear_context(iommu, context);
}

/* For a device that has no info, or one which is not what it was */
static void vtd_stop_device(struct intel_iommu *iommu,
			    struct vtd_waiting_device *device)
{
	unsigned int i;

	for (i = 0; i < device->vtd.nr_rids; i++)
		vtd_stop_rid(iommu, device, device->vtd.rids[i]);
	vtd_flush_all(iommu);
	vtd_stop_waiting(iommu, device, false);
}

/*
 * The first device behind a bridge has the entry for all of them made, but one
 * that was preserved is there before.
 */
static u16 vtd_waiting_bridge_rid(struct device_domain_info *info,
				  struct vtd_waiting_device *device)
{
	struct pci_bus *secondary = to_pci_dev(info->dev)->subordinate;
	u16 rid;

	if (!sm_supported(info->iommu) || !secondary)
		return 0;
	rid = PCI_DEVID(secondary->number, 0);
	return vtd_has_rid(device->vtd.rids, device->vtd.nr_rids, rid) ? rid :
									 0;
}

/**
 * intel_liveupdate_probe_device - is this a device whose DMA goes on?
 * @info: its info, with unit and requester ID filled in
 *
 * If so its context entry is not to be touched, nor may ATS or page requests be
 * used: there is nobody yet who would invalidate.
 *
 * Return: whether it is.
 */
bool intel_liveupdate_probe_device(struct device_domain_info *info)
{
	struct intel_iommu *iommu = info->iommu;
	struct vtd_waiting_device *device;
	struct vtd_rids rids;

	if (!iommu->liveupdate_incoming)
		return false;
	guard(mutex)(&iommu->liveupdate_incoming->lock);
	device = vtd_waiting_device(info);
	if (!device)
		return false;

	info->bridge_rid = vtd_waiting_bridge_rid(info, device);
	if (vtd_get_rids(info, sm_supported(iommu), &rids) ||
	    rids.nr != device->vtd.nr_rids ||
	    memcmp(rids.rids, device->vtd.rids, sizeof(rids.rids))) {
		dev_err(info->dev, "has other DMA aliases than it had, its DMA is stopped\n");
		vtd_stop_device(iommu, device);
		info->bridge_rid = 0;
		return false;
	}

	info->domain_attached = true;
	return true;
}

/**
 * intel_liveupdate_take_pasid_table - own the PASID table that the device uses
 * @info: of a device whose DMA goes on, with pasid_supported filled in
 *
 * PASIDs are possible for the device if they were so in the previous kernel,
 * which the context entry tells.
 *
 * Return: 0, or -ENOMEM.
 */
int intel_liveupdate_take_pasid_table(struct device_domain_info *info)
{
	struct intel_iommu *iommu = info->iommu;
	struct vtd_waiting_device *device;
	struct pasid_table *pasid_table;
	u64 root_entry;
	u16 rid;

	pasid_table = kzalloc_obj(*pasid_table);
	if (!pasid_table)
		return -ENOMEM;

	guard(mutex)(&iommu->liveupdate_incoming->lock);
	device = vtd_waiting_device(info);
	pasid_table->table = phys_to_virt(device->vtd.pasid_dir_phys);
	pasid_table->max_pasid = 1U << (device->vtd.pasid_dir_order +
					PAGE_SHIFT + 3);
	info->pasid_table = pasid_table;

	rid = vtd_waiting_rid(device);
	root_entry = *vtd_root_entry(iommu->root_entry, rid, true);
	if (!(vtd_context(root_entry, rid, true)->lo & CONTEXT_PASIDE))
		info->pasid_supported = 0;
	return 0;
}

/**
 * intel_liveupdate_device_blocked - a device that had no domain was blocked
 * @info: the device, with its entries cleared and flushed
 *
 * If it was one that waited for its owner, it does so no more.
 */
void intel_liveupdate_device_blocked(struct device_domain_info *info)
{
	struct intel_iommu *iommu = info->iommu;
	struct vtd_waiting_device *device;

	if (!iommu->liveupdate_incoming)
		return;
	guard(mutex)(&iommu->liveupdate_incoming->lock);
	device = vtd_waiting_device(info);
	if (device)
		vtd_stop_waiting(iommu, device, false);
}

/**
 * intel_liveupdate_domain_free - a restored domain is about to be freed
 * @domain: the domain
 *
 * The IOMMU core has blocked the devices that it knows. One that is not there, as
 * it was taken out during the live update, may come back one day: clear what the
 * hardware still has for it.
 */
void intel_liveupdate_domain_free(struct dmar_domain *domain)
{
	struct vtd_waiting_device *device;
	struct vtd_translation translation;
	struct dmar_drhd_unit *drhd;
	struct intel_iommu *iommu;
	unsigned long rid;

	if (!domain->iommu.restored)
		return;

	vtd_domain_translation(domain, 0, &translation);
	guard(rwsem_read)(&dmar_global_lock);
	for_each_active_iommu(iommu, drhd) {
		if (!iommu->liveupdate_incoming)
			continue;
		guard(mutex)(&iommu->liveupdate_incoming->lock);
		xa_for_each(&iommu->liveupdate_incoming->devices, rid, device)
			if (device->top_phys == translation.top_phys)
				vtd_stop_device(iommu, device);
	}
}

/* The domain uses the domain id that the hardware has for the waiting devices */
static int vtd_adopt_did(struct intel_iommu *iommu, struct dmar_domain *domain,
			 struct vtd_waiting_did *did, u16 number)
{
	struct iommu_domain_info *info;
	int ret;

	if (did->owner)
		return did->owner == domain ? 0 : -EBUSY;

	info = kzalloc_obj(*info);
	if (!info)
		return -ENOMEM;
	info->refcnt = did->waiting;
	info->did = number;
	info->iommu = iommu;

	guard(mutex)(&iommu->did_lock);
	ret = xa_insert(&domain->iommu_array, iommu->seq_id, info, GFP_KERNEL);
	if (ret) {
		kfree(info);
		return ret;
	}
	did->owner = domain;
	return 0;
}

static int vtd_device_adopt(struct device *dev, struct iommu_domain *domain,
			    const struct iommu_device_ser *ser)
{
	struct device_domain_info *info = dev_iommu_priv_get(dev);
	struct dmar_domain *dmar_domain = to_dmar_domain(domain);
	struct intel_iommu *iommu = info->iommu;
	struct vtd_translation translation;
	struct vtd_waiting_device *device;
	const char *what;
	unsigned long flags;
	int ret;

	if (!intel_domain_is_fs_paging(dmar_domain) &&
	    !intel_domain_is_ss_paging(dmar_domain))
		return -EINVAL;
	if (!iommu->liveupdate_incoming)
		return -ENODEV;

	guard(mutex)(&iommu->liveupdate_incoming->lock);
	device = vtd_waiting_device(info);
	if (!device || info->domain || !info->domain_attached)
		return -ENODEV;
	if (memcmp(&device->ser, ser, sizeof(*ser))) {
		dev_err(dev, "cannot be adopted: its record has changed\n");
		return -EINVAL;
	}

	ret = paging_domain_compatible(domain, dev);
	if (ret) {
		dev_err(dev, "cannot be adopted: the unit does not support the domain\n");
		return ret;
	}
	vtd_domain_translation(dmar_domain, device->vtd.did, &translation);
	what = vtd_check_hardware(iommu->root_entry, sm_supported(iommu),
				  &device->vtd, &translation);
	if (what) {
		dev_err(dev, "cannot be adopted: %s\n", what);
		return -EINVAL;
	}

	ret = vtd_adopt_did(iommu, dmar_domain,
			    xa_load(&iommu->liveupdate_incoming->dids,
				    device->vtd.did), device->vtd.did);
	if (ret)
		return ret;
	/* If this fails the domain has the id, which is no harm: see the owner */
	ret = cache_tag_assign_domain(dmar_domain, dev, IOMMU_NO_PASID);
	if (ret)
		return ret;

	info->domain = dmar_domain;
	spin_lock_irqsave(&dmar_domain->lock, flags);
	list_add(&info->link, &dmar_domain->devices);
	spin_unlock_irqrestore(&dmar_domain->lock, flags);
	vtd_stop_waiting(iommu, device, true);
	return 0;
}

const struct iommu_liveupdate_ops intel_liveupdate_ops = {
	.vendor = IOMMU_VENDOR_VTD,
	.device_key = vtd_device_key,
	.unit_key = vtd_unit_key,
	.domain_preserve = vtd_domain_preserve,
	.domain_unpreserve = vtd_domain_unpreserve,
	.domain_restore = vtd_domain_restore,
	.unit_preserve = vtd_unit_preserve,
	.unit_unpreserve = vtd_unit_unpreserve,
	.device_preserve = vtd_device_preserve,
	.device_unpreserve = vtd_device_unpreserve,
	.device_adopt = vtd_device_adopt,
};

/**
 * intel_liveupdate_init - offer to preserve and to restore
 *
 * Context: Process context at boot, once all units are set up.
 */
void __init intel_liveupdate_init(void)
{
	int ret;

	ret = iommu_liveupdate_register_driver(&intel_liveupdate_ops);
	if (ret)
		pr_err("No live update: %pe\n", ERR_PTR(ret));
}

#ifdef CONFIG_INTEL_IOMMU_LIVEUPDATE_KUNIT_TEST
#include "liveupdate-kunit.h"
#endif
