/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of preserved records and the index of their keys, in the form of
 * linux/kho/abi/iommu.h: written by the old kernel, checked and read by the new
 * one. What a record means to a driver is left to liveupdate.c.
 */
#ifndef __DRIVERS_IOMMU_LIVEUPDATE_RECORDS_H
#define __DRIVERS_IOMMU_LIVEUPDATE_RECORDS_H

#include <linux/idr.h>
#include <linux/kho/abi/iommu.h>
#include <linux/mm.h>

/* An index never has fewer buckets than fill a page */
#define IOMMU_INDEX_MIN_BITS	(PAGE_SHIFT - 2)
#define IOMMU_INDEX_MAX_BITS	(IOMMU_INDEX_MIN_BITS + MAX_PAGE_ORDER)

/**
 * struct iommu_record_table - one table, as either kernel uses it
 * @ser: its head in the serialized form
 * @directory: &iommu_table_ser.directory_phys
 * @index: &iommu_table_ser.index_phys, NULL for domains
 * @kind: which table it is
 * @trusted: the chunks' addresses are known to be good: written by this kernel,
 *	or validated
 */
struct iommu_record_table {
	struct iommu_table_ser *ser;
	u64 *directory;
	u32 *index;
	enum iommu_table_kind_ser kind;
	bool trusted;
};

/**
 * struct iommu_records - all tables, as either kernel uses them
 * @ser: head of the serialized form
 * @tables: by enum iommu_table_kind_ser
 * @slots: the slots in use, by table; old kernel only
 */
struct iommu_records {
	struct iommu_flb_ser *ser;
	struct iommu_record_table tables[IOMMU_TABLE_KINDS];
	struct ida slots[IOMMU_TABLE_KINDS];
};

/**
 * struct iommu_records_fault - why the serialized form was refused
 * @what: a few words, a constant string
 * @table: enum iommu_table_kind_ser, or -1 if it is in no table
 * @where: chunk, slot or bucket, whatever @what is about
 * @value: what was found there
 */
struct iommu_records_fault {
	const char *what;
	int table;
	u32 where;
	u64 value;
};

/* Is this a device's record that does not count? */
static inline bool iommu_device_is_detached(const struct iommu_device_ser *device)
{
	return device->flags & IOMMU_DEVICE_SER_DETACHED;
}

/* Old kernel */
int iommu_records_create(struct iommu_records *records);
void iommu_records_destroy(struct iommu_records *records);
int iommu_records_reserve(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 *slot);
void iommu_records_cancel(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot);
void iommu_records_commit(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot,
			  const void *record);
void iommu_records_remove(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot);

/* New kernel */
int iommu_records_validate(u64 phys, struct iommu_records_fault *fault);
int iommu_records_restore(struct iommu_records *records, u64 phys);
void iommu_records_put(struct iommu_records *records);
int iommu_records_peek_header(u64 phys, struct iommu_flb_ser *header);
int iommu_records_peek(u64 phys, enum iommu_table_kind_ser kind,
		       const void *key, void *record);

/* Both */
void *iommu_records_get(struct iommu_records *records,
			enum iommu_table_kind_ser kind, u32 slot);
int iommu_records_find(struct iommu_records *records,
		       enum iommu_table_kind_ser kind, const void *key);
size_t iommu_records_size(enum iommu_table_kind_ser kind);

#endif /* __DRIVERS_IOMMU_LIVEUPDATE_RECORDS_H */
