/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one kernel hands to the next about its IOMMUs: the serialized form of
 * the IOMMU's File-Lifecycle-Bound (FLB) state, and nothing of its runtime.
 */
#ifndef _LINUX_KHO_ABI_IOMMU_H
#define _LINUX_KHO_ABI_IOMMU_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * DOC: IOMMU live update ABI
 *
 * The FLB's u64 handle is the physical address of a &struct iommu_flb_ser, one
 * page. It holds three tables (domains, devices, units). A table is a
 * directory of chunk addresses, and a chunk is one page of fixed-size records
 * behind a &struct iommu_chunk_hdr_ser. A record is named by its slot: it is
 * record slot % capacity of chunk slot / capacity. There is no chain, so there
 * is no cycle to follow; an address that is listed twice is found because each
 * chunk carries the table and the position that it was made for.
 *
 * Devices and units are found through an index of their keys: an
 * open-addressing hash with linear probing and a power-of-two number of
 * buckets. A bucket holds slot + 1, and 0 is an empty bucket. At most half of
 * the buckets are in use. Looking up needs no memory, so the same code serves
 * the early boot, before any allocation is possible. The hash function,
 * iommu_key_hash_ser(), is part of the format.
 *
 * Directories and indexes are each one folio of a power-of-two size. Whatever
 * is not in use, free records included, is zero.
 *
 * Versioning: @version changes with any change of layout or meaning. A kernel
 * refuses what it does not know; nothing is guessed.
 */

#define IOMMU_FLB_COMPATIBLE		"iommu-flb-v1"
#define IOMMU_FLB_MAGIC			0x31424c46554d4f49ULL	/* "IOMUFLB1" */
#define IOMMU_FLB_VERSION		2

/**
 * enum iommu_table_kind_ser - which table a chunk belongs to
 * @IOMMU_TABLE_DOMAINS: &struct iommu_domain_ser
 * @IOMMU_TABLE_DEVICES: &struct iommu_device_ser
 * @IOMMU_TABLE_UNITS: &struct iommu_unit_ser
 * @IOMMU_TABLE_KINDS: how many tables there are
 */
enum iommu_table_kind_ser {
	IOMMU_TABLE_DOMAINS,
	IOMMU_TABLE_DEVICES,
	IOMMU_TABLE_UNITS,
	IOMMU_TABLE_KINDS,
};

/**
 * enum iommu_vendor_ser - who defines an IOMMU unit and its domains
 * @IOMMU_VENDOR_NONE: never valid in a record
 * @IOMMU_VENDOR_MOCK: iommufd's selftest IOMMU
 * @IOMMU_VENDOR_VTD: Intel VT-d; unit id is the register base
 * @IOMMU_VENDOR_AMD: AMD-Vi; unit id is the segment and device id
 * @IOMMU_VENDOR_SMMUV3: Arm SMMUv3; unit id is the register base
 * @IOMMU_VENDORS: one more than the last
 */
enum iommu_vendor_ser {
	IOMMU_VENDOR_NONE,
	IOMMU_VENDOR_MOCK,
	IOMMU_VENDOR_VTD,
	IOMMU_VENDOR_AMD,
	IOMMU_VENDOR_SMMUV3,
	IOMMU_VENDORS,
};

/**
 * enum iommu_device_kind_ser - what a device key's id means
 * @IOMMU_DEVICE_NONE: never valid in a record
 * @IOMMU_DEVICE_MOCK: the mock device's number
 * @IOMMU_DEVICE_PCI: segment in bits 16 and up, bus:device.function below
 * @IOMMU_DEVICE_STREAM: a stream id of the unit
 * @IOMMU_DEVICE_KINDS: one more than the last
 */
enum iommu_device_kind_ser {
	IOMMU_DEVICE_NONE,
	IOMMU_DEVICE_MOCK,
	IOMMU_DEVICE_PCI,
	IOMMU_DEVICE_STREAM,
	IOMMU_DEVICE_KINDS,
};

/**
 * struct iommu_device_key_ser - names a device across the kexec
 * @kind: enum iommu_device_kind_ser
 * @reserved: zero
 * @id: see enum iommu_device_kind_ser
 */
struct iommu_device_key_ser {
	u32 kind;
	u32 reserved;
	u64 id;
} __packed;

/**
 * struct iommu_unit_key_ser - names an IOMMU unit across the kexec
 * @vendor: enum iommu_vendor_ser
 * @reserved: zero
 * @id: see enum iommu_vendor_ser
 */
struct iommu_unit_key_ser {
	u32 vendor;
	u32 reserved;
	u64 id;
} __packed;

/**
 * iommu_key_hash_ser - the hash of a device or unit key
 * @kind: the key's kind or vendor
 * @id: the key's id
 *
 * A key's first bucket is the upper &iommu_table_ser.index_bits of it. Spelled
 * out here, and not taken from linux/hash.h, because two kernels have to agree
 * on it.
 *
 * Return: 64 well mixed bits.
 */
static inline u64 iommu_key_hash_ser(u32 kind, u64 id)
{
	u64 hash = id ^ ((u64)kind << 48);

	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	hash ^= hash >> 33;
	return hash;
}

/**
 * struct iommu_vendor_data_ser - what a vendor adds to a record
 * @tag: chosen by the vendor, 0 is "nothing"
 * @length: bytes used in @data, at most its size
 * @data: the vendor's own layout; zero behind @length
 */
struct iommu_vendor_data_ser {
	u16 tag;
	u16 length;
	u8 data[44];
} __packed;

/**
 * struct pt_iommu_ser - a page table of the generic_pt library
 * @top_phys: physical address of the top table
 * @nr_tables: tables in the tree, the top one included; like the two that follow
 *	0 with PT_IOMMU_SER_POOLED, as nobody has looked at the tables
 * @nr_leaves: present leaf entries (a contiguous group counts as one)
 * @mapped_bytes: sum of the leaves' sizes
 * @pgsize_bitmap: the domain's page sizes
 * @format: enum pt_iommu_format_ser; not a kernel's feature bits
 * @flags: PT_IOMMU_SER_*; the few features that change what entries mean
 * @top_level: level of the top table
 * @max_vasz_lg2: &pt_common.max_vasz_lg2
 * @max_oasz_lg2: &pt_common.max_oasz_lg2
 * @reserved: zero
 */
struct pt_iommu_ser {
	u64 top_phys;
	u64 nr_tables;
	u64 nr_leaves;
	u64 mapped_bytes;
	u64 pgsize_bitmap;
	u32 format;
	u32 flags;
	u8 top_level;
	u8 max_vasz_lg2;
	u8 max_oasz_lg2;
	u8 reserved[5];
} __packed;

/* A stable name for each page table format; never renumbered */
enum pt_iommu_format_ser {
	PT_IOMMU_FORMAT_NONE,
	PT_IOMMU_FORMAT_AMDV1,
	PT_IOMMU_FORMAT_AMDV1_MOCK,
	PT_IOMMU_FORMAT_VTDSS,
	PT_IOMMU_FORMAT_X86_64,
	PT_IOMMU_FORMAT_RISCV_64,
	PT_IOMMU_FORMATS,
};

#define PT_IOMMU_SER_INCOHERENT		BIT(0) /* the walker does not snoop */
#define PT_IOMMU_SER_SIGN_EXTEND	BIT(1)
#define PT_IOMMU_SER_ENCRYPT_TABLES	BIT(2)
#define PT_IOMMU_SER_FORCE_COHERENCE	BIT(3)
#define PT_IOMMU_SER_FORCE_WRITEABLE	BIT(4)
#define PT_IOMMU_SER_SVNAPOT_64K	BIT(5)
#define PT_IOMMU_SER_SVPBMT		BIT(6)
#define PT_IOMMU_SER_DYNAMIC_TOP	BIT(7) /* the top level may grow */
#define PT_IOMMU_SER_POOLED		BIT(8) /* the tables are in the pool */
#define PT_IOMMU_SER_FLAGS		((1U << 9) - 1)

#define IOMMU_DOMAIN_SER_DIRTY_TRACKING	BIT(0)
#define IOMMU_DOMAIN_SER_ENFORCE_CC	BIT(1)
#define IOMMU_DOMAIN_SER_FLAGS		((1U << 2) - 1)

/*
 * The device was detached when the records were final, after the freeze: it is
 * to be treated as if it had no record. One store, and the state is valid before
 * it and behind it, so that the kexec may happen at any time.
 */
#define IOMMU_DEVICE_SER_DETACHED	BIT(0)
#define IOMMU_DEVICE_SER_FLAGS		((1U << 1) - 1)

#define IOMMU_RECORD_USED		0x4c495645U /* "LIVE"; 0 is a free slot */

/**
 * struct iommu_domain_ser - a preserved domain
 * @state: IOMMU_RECORD_USED or 0
 * @vendor: enum iommu_vendor_ser, who restores it
 * @flags: IOMMU_DOMAIN_SER_*
 * @nr_devices: devices that refer to it
 * @pt: its page table
 * @vendor_data: what the vendor needs besides
 */
struct iommu_domain_ser {
	u32 state;
	u32 vendor;
	u32 flags;
	u32 nr_devices;
	struct pt_iommu_ser pt;
	struct iommu_vendor_data_ser vendor_data;
} __packed;

/**
 * struct iommu_device_ser - a preserved device
 * @state: IOMMU_RECORD_USED or 0
 * @domain: slot of the domain that it is attached to
 * @unit: slot of its IOMMU unit
 * @flags: IOMMU_DEVICE_SER_*
 * @key: its name
 * @vendor_data: what the vendor needs besides
 */
struct iommu_device_ser {
	u32 state;
	u32 domain;
	u32 unit;
	u32 flags;
	struct iommu_device_key_ser key;
	struct iommu_vendor_data_ser vendor_data;
} __packed;

/**
 * struct iommu_unit_ser - an IOMMU unit with preserved devices
 * @state: IOMMU_RECORD_USED or 0
 * @nr_devices: preserved devices behind it
 * @key: its name
 * @vendor_data: what the vendor needs besides
 */
struct iommu_unit_ser {
	u32 state;
	u32 nr_devices;
	struct iommu_unit_key_ser key;
	struct iommu_vendor_data_ser vendor_data;
} __packed;

/**
 * struct iommu_chunk_hdr_ser - head of one page of records
 * @magic: IOMMU_CHUNK_MAGIC
 * @table: enum iommu_table_kind_ser
 * @position: the chunk's place in the directory
 * @record_size: bytes of one record
 */
struct iommu_chunk_hdr_ser {
	u32 magic;
	u32 table;
	u32 position;
	u32 record_size;
} __packed;

#define IOMMU_CHUNK_MAGIC		0x4b4e4843U /* "CHNK" */

/* How many records one chunk (a page), and not a table, holds */
#define IOMMU_RECORDS_PER_CHUNK(type) \
	((PAGE_SIZE - sizeof(struct iommu_chunk_hdr_ser)) / sizeof(type))

/**
 * struct iommu_table_ser - one table of records
 * @directory_phys: array of u64 chunk addresses, a folio of @directory_order
 * @directory_order: order of the directory's folio
 * @nr_chunks: chunks listed in the directory
 * @nr_slots: slots in use or once used; no record lies behind
 * @nr_records: records with state IOMMU_RECORD_USED
 * @index_phys: the keys' index, an array of u32 buckets, a folio of
 *	@index_order; 0 for domains, which have no key
 * @index_order: order of the index's folio
 * @index_bits: log2 of the number of buckets, which fill the folio
 */
struct iommu_table_ser {
	u64 directory_phys;
	u32 directory_order;
	u32 nr_chunks;
	u32 nr_slots;
	u32 nr_records;
	u64 index_phys;
	u32 index_order;
	u32 index_bits;
} __packed;

/**
 * struct iommu_flb_ser - head of the IOMMU's preserved state, one page
 * @magic: IOMMU_FLB_MAGIC
 * @version: IOMMU_FLB_VERSION
 * @page_size: PAGE_SIZE of the kernel that wrote it
 * @tables: indexed by enum iommu_table_kind_ser
 * @freeze_cycles: diagnostic: cycles spent in iommufd's freeze callbacks; of the
 *	last freeze only, not of one that was undone
 * @pool_phys: the pool of page tables' pages; 0 if there is none
 */
struct iommu_flb_ser {
	u64 magic;
	u32 version;
	u32 page_size;
	struct iommu_table_ser tables[IOMMU_TABLE_KINDS];
	u64 freeze_cycles;
	u64 pool_phys;
} __packed;

#define IOMMUFD_LUO_FH_COMPATIBLE	"iommufd-v1"
#define IOMMUFD_SER_MAGIC		0x3146445544554f49ULL
#define IOMMUFD_SER_VERSION		1

/**
 * struct iommufd_hwpt_ser - a marked HWPT of a preserved iommufd
 * @token: the user's name for it
 * @domain: index of its domain record
 * @reserved: zero
 */
struct iommufd_hwpt_ser {
	u64 token;
	u32 domain;
	u32 reserved;
} __packed;

/**
 * struct iommufd_ser - a preserved iommufd, one folio
 * @magic: IOMMUFD_SER_MAGIC
 * @version: IOMMUFD_SER_VERSION
 * @order: order of the folio that holds this and @hwpts
 * @nr_hwpts: entries of @hwpts
 * @reserved: zero
 * @hwpts: the marked HWPTs, sorted by token, each once
 */
struct iommufd_ser {
	u64 magic;
	u32 version;
	u32 order;
	u32 nr_hwpts;
	u32 reserved;
	struct iommufd_hwpt_ser hwpts[];
} __packed;

#endif /* _LINUX_KHO_ABI_IOMMU_H */
