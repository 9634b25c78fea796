// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of preserved records and the index of their keys: growth, look-up and
 * removal in the old kernel, validation and take-over in the new one. Locking,
 * and what a record means to a driver, are left to liveupdate.c.
 *
 * Nothing that the previous kernel wrote is believed before
 * iommu_records_validate() has been through it, except by the peek functions,
 * which check each thing at the time they use it.
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "liveupdate-alloc.h"
#include "liveupdate-records.h"

/* What the keys of devices and units have in common */
struct iommu_record_key {
	u32 kind;
	u32 reserved;
	u64 id;
} __packed;

#define IOMMU_KEY_IS_LIKE(type, kind_member)				\
	(sizeof(type) == sizeof(struct iommu_record_key) &&		\
	 offsetof(type, kind_member) == offsetof(struct iommu_record_key, kind) && \
	 offsetof(type, reserved) == offsetof(struct iommu_record_key, reserved) && \
	 offsetof(type, id) == offsetof(struct iommu_record_key, id))

static_assert(IOMMU_KEY_IS_LIKE(struct iommu_device_key_ser, kind));
static_assert(IOMMU_KEY_IS_LIKE(struct iommu_unit_key_ser, vendor));

/* Every record begins with its state */
static_assert(!offsetof(struct iommu_domain_ser, state));
static_assert(!offsetof(struct iommu_device_ser, state));
static_assert(!offsetof(struct iommu_unit_ser, state));

static_assert(sizeof(struct iommu_flb_ser) <= PAGE_SIZE);

/**
 * struct iommu_record_layout - where things are in a table's chunks
 * @size: bytes of a record
 * @per_chunk: records in a chunk
 * @key: offset of the key in a record, 0 if it has none
 */
struct iommu_record_layout {
	u32 size;
	u32 per_chunk;
	u32 key;
};

static const struct iommu_record_layout iommu_layouts[IOMMU_TABLE_KINDS] = {
	[IOMMU_TABLE_DOMAINS] = {
		.size = sizeof(struct iommu_domain_ser),
		.per_chunk = IOMMU_RECORDS_PER_CHUNK(struct iommu_domain_ser),
	},
	[IOMMU_TABLE_DEVICES] = {
		.size = sizeof(struct iommu_device_ser),
		.per_chunk = IOMMU_RECORDS_PER_CHUNK(struct iommu_device_ser),
		.key = offsetof(struct iommu_device_ser, key),
	},
	[IOMMU_TABLE_UNITS] = {
		.size = sizeof(struct iommu_unit_ser),
		.per_chunk = IOMMU_RECORDS_PER_CHUNK(struct iommu_unit_ser),
		.key = offsetof(struct iommu_unit_ser, key),
	},
};

static const struct iommu_record_layout *
iommu_table_layout(const struct iommu_record_table *table)
{
	return &iommu_layouts[table->kind];
}

static bool iommu_table_has_keys(const struct iommu_record_table *table)
{
	return iommu_table_layout(table)->key;
}

/* How many chunks a directory of this order has room for */
static u32 iommu_directory_capacity(u32 order)
{
	return (PAGE_SIZE << order) / sizeof(u64);
}

static u32 iommu_index_order(u32 bits)
{
	return bits - IOMMU_INDEX_MIN_BITS;
}

static u32 iommu_index_buckets(const struct iommu_record_table *table)
{
	return 1U << table->ser->index_bits;
}

static u32 iommu_index_home(u32 bits, const struct iommu_record_key *key)
{
	return iommu_key_hash_ser(key->kind, key->id) >> (64 - bits);
}

/**
 * iommu_records_size - how large a record is
 * @kind: which table
 *
 * Return: bytes.
 */
size_t iommu_records_size(enum iommu_table_kind_ser kind)
{
	return iommu_layouts[kind].size;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_size);

static const char *
iommu_chunk_check(const struct iommu_record_table *table, u32 position)
{
	const struct iommu_record_layout *layout = iommu_table_layout(table);
	u64 phys = table->directory[position];
	const struct iommu_chunk_hdr_ser *header;

	if (!iommu_liveupdate_is_restorable(phys, 0))
		return "chunk address";

	header = phys_to_virt(phys);
	if (header->magic != IOMMU_CHUNK_MAGIC)
		return "chunk magic";
	if (header->table != table->kind)
		return "chunk of another table";
	if (header->position != position)
		return "chunk of another position";
	if (header->record_size != layout->size)
		return "record size";
	return NULL;
}

static void *iommu_table_chunk(const struct iommu_record_table *table,
			       u32 position)
{
	if (position >= table->ser->nr_chunks)
		return NULL;
	if (!table->trusted && iommu_chunk_check(table, position))
		return NULL;
	return phys_to_virt(table->directory[position]);
}

static void *iommu_chunk_record(const struct iommu_record_table *table,
				void *chunk, u32 number)
{
	return chunk + sizeof(struct iommu_chunk_hdr_ser) +
	       number * iommu_table_layout(table)->size;
}

static void *iommu_table_slot(const struct iommu_record_table *table, u32 slot)
{
	const struct iommu_record_layout *layout = iommu_table_layout(table);
	void *chunk;

	chunk = iommu_table_chunk(table, slot / layout->per_chunk);
	if (!chunk)
		return NULL;
	return iommu_chunk_record(table, chunk, slot % layout->per_chunk);
}

static u32 iommu_record_state(const void *record)
{
	return *(const u32 *)record;
}

/* NULL unless the slot holds a record */
static void *iommu_table_get(const struct iommu_record_table *table, u32 slot)
{
	void *record;

	if (slot >= table->ser->nr_slots)
		return NULL;
	record = iommu_table_slot(table, slot);
	if (!record || iommu_record_state(record) != IOMMU_RECORD_USED)
		return NULL;
	return record;
}

static const struct iommu_record_key *
iommu_table_key(const struct iommu_record_table *table, u32 slot)
{
	void *record = iommu_table_get(table, slot);

	return record ? record + iommu_table_layout(table)->key : NULL;
}

static bool iommu_keys_equal(const struct iommu_record_key *a,
			     const struct iommu_record_key *b)
{
	return a->kind == b->kind && a->id == b->id;
}

/*
 * Bounded by the number of buckets, whatever is in them.
 * Returns the slot, -ENOENT, or -EINVAL if a bucket names no record.
 */
static int iommu_table_find(const struct iommu_record_table *table,
			    const struct iommu_record_key *key)
{
	u32 buckets = iommu_index_buckets(table);
	u32 bucket = iommu_index_home(table->ser->index_bits, key);
	const struct iommu_record_key *other;
	u32 entry, probes;

	for (probes = 0; probes < buckets; probes++) {
		entry = table->index[bucket];
		if (!entry)
			return -ENOENT;

		other = iommu_table_key(table, entry - 1);
		if (!other)
			return -EINVAL;
		if (iommu_keys_equal(key, other))
			return entry - 1;

		bucket = (bucket + 1) & (buckets - 1);
	}
	return -ENOENT;
}

/**
 * iommu_records_get - find a record by its slot
 * @records: the tables
 * @kind: which table
 * @slot: any number
 *
 * Return: the record, at an address that does not change while it exists, or
 *	NULL if there is none in @slot.
 */
void *iommu_records_get(struct iommu_records *records,
			enum iommu_table_kind_ser kind, u32 slot)
{
	return iommu_table_get(&records->tables[kind], slot);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_get);

/**
 * iommu_records_find - find a record by its key
 * @records: the tables
 * @kind: which table, domains have no key
 * @key: &struct iommu_device_key_ser or &struct iommu_unit_key_ser
 *
 * Return: the slot or -ENOENT.
 */
int iommu_records_find(struct iommu_records *records,
		       enum iommu_table_kind_ser kind, const void *key)
{
	return iommu_table_find(&records->tables[kind], key);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_find);

/* Old kernel */

static void iommu_index_insert(u32 *index, u32 bits,
			       const struct iommu_record_key *key, u32 slot)
{
	u32 bucket = iommu_index_home(bits, key);

	while (index[bucket])
		bucket = (bucket + 1) & ((1U << bits) - 1);
	index[bucket] = slot + 1;
}

/*
 * Records behind the removed one that were pushed past its bucket move back,
 * so that no probe ends early and no marker of a removed record is needed.
 */
static void iommu_index_remove(struct iommu_record_table *table, u32 slot)
{
	u32 mask = iommu_index_buckets(table) - 1;
	u32 bits = table->ser->index_bits;
	u32 *index = table->index;
	u32 hole, bucket, home;

	hole = iommu_index_home(bits, iommu_table_key(table, slot));
	while (index[hole] != slot + 1)
		hole = (hole + 1) & mask;

	for (bucket = (hole + 1) & mask; index[bucket];
	     bucket = (bucket + 1) & mask) {
		home = iommu_index_home(bits, iommu_table_key(table,
							      index[bucket] - 1));
		if (((bucket - home) & mask) < ((bucket - hole) & mask))
			continue;
		index[hole] = index[bucket];
		hole = bucket;
	}
	index[hole] = 0;
}

static int iommu_index_grow(struct iommu_record_table *table)
{
	struct iommu_table_ser *ser = table->ser;
	u32 bits = ser->index_bits + 1;
	u32 bucket, entry;
	u32 *index;

	if (bits > IOMMU_INDEX_MAX_BITS)
		return -ENOSPC;

	index = iommu_liveupdate_alloc(iommu_index_order(bits));
	if (IS_ERR(index))
		return PTR_ERR(index);

	for (bucket = 0; bucket < iommu_index_buckets(table); bucket++) {
		entry = table->index[bucket];
		if (entry)
			iommu_index_insert(index, bits,
					   iommu_table_key(table, entry - 1),
					   entry - 1);
	}

	iommu_liveupdate_free(table->index, ser->index_order);
	table->index = index;
	ser->index_phys = virt_to_phys(index);
	ser->index_order = iommu_index_order(bits);
	ser->index_bits = bits;
	return 0;
}

static int iommu_directory_grow(struct iommu_record_table *table)
{
	struct iommu_table_ser *ser = table->ser;
	u32 order = ser->directory_order + 1;
	u64 *directory;

	if (order > MAX_PAGE_ORDER)
		return -ENOSPC;

	directory = iommu_liveupdate_alloc(order);
	if (IS_ERR(directory))
		return PTR_ERR(directory);

	memcpy(directory, table->directory, PAGE_SIZE << ser->directory_order);
	iommu_liveupdate_free(table->directory, ser->directory_order);
	table->directory = directory;
	ser->directory_phys = virt_to_phys(directory);
	ser->directory_order = order;
	return 0;
}

static int iommu_table_add_chunk(struct iommu_record_table *table)
{
	struct iommu_table_ser *ser = table->ser;
	struct iommu_chunk_hdr_ser *header;
	int err;

	if (ser->nr_chunks == iommu_directory_capacity(ser->directory_order)) {
		err = iommu_directory_grow(table);
		if (err)
			return err;
	}

	header = iommu_liveupdate_alloc(0);
	if (IS_ERR(header))
		return PTR_ERR(header);

	header->magic = IOMMU_CHUNK_MAGIC;
	header->table = table->kind;
	header->position = ser->nr_chunks;
	header->record_size = iommu_table_layout(table)->size;
	table->directory[ser->nr_chunks++] = virt_to_phys(header);
	return 0;
}

/**
 * iommu_records_reserve - find room for one more record
 * @records: the tables
 * @kind: in which one
 * @slot: set to the lowest free slot
 *
 * One reservation at a time and table; it ends with iommu_records_commit(),
 * which then cannot fail, or with iommu_records_cancel().
 *
 * Return: 0; -ENOMEM, or -ENOSPC if the table is as large as it can get, and
 *	then there are no fewer and no more records than before.
 */
int iommu_records_reserve(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 *slot)
{
	struct iommu_record_table *table = &records->tables[kind];
	struct iommu_table_ser *ser = table->ser;
	int number, err;

	number = iommu_liveupdate_alloc_slot(&records->slots[kind]);
	if (number < 0)
		return number;

	if (number / iommu_table_layout(table)->per_chunk >= ser->nr_chunks) {
		err = iommu_table_add_chunk(table);
		if (err)
			goto err_slot;
	}

	if (iommu_table_has_keys(table) &&
	    ser->nr_records >= iommu_index_buckets(table) / 2) {
		err = iommu_index_grow(table);
		if (err)
			goto err_slot;
	}

	*slot = number;
	return 0;

err_slot:
	ida_free(&records->slots[kind], number);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_reserve);

/**
 * iommu_records_cancel - give up a reservation
 * @records: the tables
 * @kind: which table
 * @slot: from iommu_records_reserve()
 *
 * What the tables have grown by stays, for the next record.
 */
void iommu_records_cancel(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot)
{
	ida_free(&records->slots[kind], slot);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_cancel);

/**
 * iommu_records_commit - write a record
 * @records: the tables
 * @kind: which table
 * @slot: from iommu_records_reserve()
 * @record: with state IOMMU_RECORD_USED and a key that the table has not got
 */
void iommu_records_commit(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot,
			  const void *record)
{
	struct iommu_record_table *table = &records->tables[kind];
	const struct iommu_record_layout *layout = iommu_table_layout(table);
	struct iommu_table_ser *ser = table->ser;

	memcpy(iommu_table_slot(table, slot), record, layout->size);
	ser->nr_slots = max(ser->nr_slots, slot + 1);
	ser->nr_records++;
	if (iommu_table_has_keys(table))
		iommu_index_insert(table->index, ser->index_bits,
				   record + layout->key, slot);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_commit);

/**
 * iommu_records_remove - remove a record
 * @records: the tables
 * @kind: which table
 * @slot: of a record that exists
 */
void iommu_records_remove(struct iommu_records *records,
			  enum iommu_table_kind_ser kind, u32 slot)
{
	struct iommu_record_table *table = &records->tables[kind];

	if (iommu_table_has_keys(table))
		iommu_index_remove(table, slot);
	memset(iommu_table_slot(table, slot), 0, iommu_table_layout(table)->size);
	table->ser->nr_records--;
	ida_free(&records->slots[kind], slot);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_remove);

static int iommu_table_create(struct iommu_record_table *table)
{
	struct iommu_table_ser *ser = table->ser;
	void *memory;

	memory = iommu_liveupdate_alloc(0);
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	table->directory = memory;
	ser->directory_phys = virt_to_phys(memory);

	if (!iommu_table_has_keys(table))
		return 0;

	memory = iommu_liveupdate_alloc(0);
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	table->index = memory;
	ser->index_phys = virt_to_phys(memory);
	ser->index_bits = IOMMU_INDEX_MIN_BITS;
	return 0;
}

/**
 * iommu_records_create - make empty tables
 * @records: to set up; what was in it is overwritten
 *
 * Return: 0 or -ENOMEM, and then nothing is left behind.
 */
int iommu_records_create(struct iommu_records *records)
{
	enum iommu_table_kind_ser kind;
	void *memory;
	int err;

	memset(records, 0, sizeof(*records));
	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++)
		ida_init(&records->slots[kind]);

	memory = iommu_liveupdate_alloc(0);
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	records->ser = memory;
	records->ser->magic = IOMMU_FLB_MAGIC;
	records->ser->version = IOMMU_FLB_VERSION;
	records->ser->page_size = PAGE_SIZE;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		records->tables[kind].ser = &records->ser->tables[kind];
		records->tables[kind].kind = kind;
		records->tables[kind].trusted = true;
		err = iommu_table_create(&records->tables[kind]);
		if (err) {
			iommu_records_destroy(records);
			return err;
		}
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_create);

/**
 * iommu_records_destroy - unpreserve and free tables
 * @records: what iommu_records_create() made, wholly, in part or not at all
 */
void iommu_records_destroy(struct iommu_records *records)
{
	struct iommu_record_table *table;
	enum iommu_table_kind_ser kind;
	u32 position;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		table = &records->tables[kind];
		if (table->directory) {
			for (position = 0; position < table->ser->nr_chunks;
			     position++)
				iommu_liveupdate_free(iommu_table_chunk(table, position), 0);
			iommu_liveupdate_free(table->directory,
					      table->ser->directory_order);
		}
		if (table->index)
			iommu_liveupdate_free(table->index,
					      table->ser->index_order);
		ida_destroy(&records->slots[kind]);
	}
	if (records->ser)
		iommu_liveupdate_free(records->ser, 0);
	memset(records->tables, 0, sizeof(records->tables));
	records->ser = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_destroy);

/* New kernel */

static int iommu_records_refuse(struct iommu_records_fault *fault,
				const char *what, int table, u32 where, u64 value)
{
	fault->what = what;
	fault->table = table;
	fault->where = where;
	fault->value = value;
	return -EINVAL;
}

static const char *
iommu_vendor_data_check(const struct iommu_vendor_data_ser *data)
{
	if (data->length > sizeof(data->data) || (!data->tag && data->length))
		return "vendor data length";
	if (memchr_inv(data->data + data->length, 0,
		       sizeof(data->data) - data->length))
		return "vendor data tail";
	return NULL;
}

static const char *iommu_domain_check(const struct iommu_domain_ser *domain)
{
	if (domain->vendor == IOMMU_VENDOR_NONE ||
	    domain->vendor >= IOMMU_VENDORS)
		return "domain vendor";
	if (domain->flags & ~IOMMU_DOMAIN_SER_FLAGS)
		return "domain flags";
	if (domain->pt.format >= PT_IOMMU_FORMATS)
		return "page table format";
	if (domain->pt.flags & ~PT_IOMMU_SER_FLAGS)
		return "page table flags";
	if (memchr_inv(domain->pt.reserved, 0, sizeof(domain->pt.reserved)))
		return "page table reserved field";
	return iommu_vendor_data_check(&domain->vendor_data);
}

static const char *iommu_device_check(const struct iommu_device_ser *device)
{
	if (device->flags & ~IOMMU_DEVICE_SER_FLAGS)
		return "device flags";
	if (device->key.kind == IOMMU_DEVICE_NONE ||
	    device->key.kind >= IOMMU_DEVICE_KINDS)
		return "device key kind";
	if (device->key.reserved)
		return "device key reserved field";
	return iommu_vendor_data_check(&device->vendor_data);
}

static const char *iommu_unit_check(const struct iommu_unit_ser *unit)
{
	if (unit->key.vendor == IOMMU_VENDOR_NONE ||
	    unit->key.vendor >= IOMMU_VENDORS)
		return "unit key vendor";
	if (unit->key.reserved)
		return "unit key reserved field";
	return iommu_vendor_data_check(&unit->vendor_data);
}

/* What can be said of a record without the other tables */
static const char *iommu_record_check(enum iommu_table_kind_ser kind,
				      const void *record)
{
	switch (kind) {
	case IOMMU_TABLE_DOMAINS:
		return iommu_domain_check(record);
	case IOMMU_TABLE_DEVICES:
		return iommu_device_check(record);
	case IOMMU_TABLE_UNITS:
		return iommu_unit_check(record);
	default:
		return "table";
	}
}

static int iommu_header_check(u64 phys, struct iommu_records_fault *fault)
{
	const struct iommu_flb_ser *ser;
	const void *tail;

	if (!iommu_liveupdate_is_restorable(phys, 0))
		return iommu_records_refuse(fault, "header address", -1, 0, phys);

	ser = phys_to_virt(phys);
	if (ser->magic != IOMMU_FLB_MAGIC)
		return iommu_records_refuse(fault, "header magic", -1, 0,
					    ser->magic);
	if (ser->version != IOMMU_FLB_VERSION) {
		iommu_records_refuse(fault, "version", -1, 0, ser->version);
		return -EPROTO;
	}
	if (ser->page_size != PAGE_SIZE) {
		iommu_records_refuse(fault, "page size", -1, 0, ser->page_size);
		return -EPROTO;
	}

	tail = memchr_inv(ser + 1, 0, PAGE_SIZE - sizeof(*ser));
	if (tail)
		return iommu_records_refuse(fault, "header tail", -1,
					    offset_in_page(tail), *(u8 *)tail);
	return 0;
}

static int iommu_index_open(struct iommu_record_table *table,
			    struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser = table->ser;
	int kind = table->kind;

	if (!iommu_table_has_keys(table)) {
		if (ser->index_phys || ser->index_order || ser->index_bits)
			return iommu_records_refuse(fault, "index without keys",
						    kind, 0, ser->index_phys);
		return 0;
	}

	if (ser->index_bits < IOMMU_INDEX_MIN_BITS ||
	    ser->index_bits > IOMMU_INDEX_MAX_BITS)
		return iommu_records_refuse(fault, "index bits", kind, 0,
					    ser->index_bits);
	if (ser->index_order != iommu_index_order(ser->index_bits))
		return iommu_records_refuse(fault, "index order", kind, 0,
					    ser->index_order);
	if (ser->nr_records > iommu_index_buckets(table) / 2)
		return iommu_records_refuse(fault, "index load", kind, 0,
					    ser->nr_records);
	if (!iommu_liveupdate_is_restorable(ser->index_phys, ser->index_order))
		return iommu_records_refuse(fault, "index address", kind, 0,
					    ser->index_phys);

	table->index = phys_to_virt(ser->index_phys);
	return 0;
}

static int iommu_table_open(struct iommu_record_table *table,
			    struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser = table->ser;
	int kind = table->kind;

	if (ser->directory_order > MAX_PAGE_ORDER)
		return iommu_records_refuse(fault, "directory order", kind, 0,
					    ser->directory_order);
	if (!iommu_liveupdate_is_restorable(ser->directory_phys,
					    ser->directory_order))
		return iommu_records_refuse(fault, "directory address", kind, 0,
					    ser->directory_phys);
	if (ser->nr_chunks > iommu_directory_capacity(ser->directory_order))
		return iommu_records_refuse(fault, "chunk count", kind, 0,
					    ser->nr_chunks);
	if (ser->nr_slots >
	    (u64)ser->nr_chunks * iommu_table_layout(table)->per_chunk)
		return iommu_records_refuse(fault, "slot count", kind, 0,
					    ser->nr_slots);
	if (ser->nr_records > ser->nr_slots)
		return iommu_records_refuse(fault, "record count", kind, 0,
					    ser->nr_records);

	table->directory = phys_to_virt(ser->directory_phys);
	return iommu_index_open(table, fault);
}

/*
 * Check what is needed to look into the tables at all. The chunks are not
 * trusted yet. Allocates nothing and changes nothing.
 */
static int iommu_records_open(struct iommu_records *records, u64 phys,
			      struct iommu_records_fault *fault)
{
	enum iommu_table_kind_ser kind;
	int err;

	err = iommu_header_check(phys, fault);
	if (err)
		return err;

	memset(records, 0, sizeof(*records));
	records->ser = phys_to_virt(phys);
	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		records->tables[kind].ser = &records->ser->tables[kind];
		records->tables[kind].kind = kind;
		err = iommu_table_open(&records->tables[kind], fault);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Preserved folios do not overlap, so they are apart if they begin apart. A
 * chunk needs no such check: its header fits one place in one directory only,
 * and is neither a valid directory nor a valid index.
 */
static int iommu_records_check_aliases(const struct iommu_records *records,
				       struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser = records->ser->tables;
	u64 addresses[1 + 2 * IOMMU_TABLE_KINDS];
	unsigned int number = 0, i, j;
	enum iommu_table_kind_ser kind;

	addresses[number++] = virt_to_phys(records->ser);
	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		addresses[number++] = ser[kind].directory_phys;
		if (records->tables[kind].index)
			addresses[number++] = ser[kind].index_phys;
	}

	for (i = 0; i < number; i++)
		for (j = i + 1; j < number; j++)
			if (addresses[i] == addresses[j])
				return iommu_records_refuse(fault, "alias", -1,
							    0, addresses[i]);
	return 0;
}

static int iommu_chunk_validate(const struct iommu_record_table *table,
				u32 position, u32 *nr_records,
				struct iommu_records_fault *fault)
{
	const struct iommu_record_layout *layout = iommu_table_layout(table);
	u32 slot = position * layout->per_chunk;
	int kind = table->kind;
	const char *what;
	void *chunk;
	void *record;
	void *end;
	u32 number;

	what = iommu_chunk_check(table, position);
	if (what)
		return iommu_records_refuse(fault, what, kind, position,
					    table->directory[position]);

	chunk = phys_to_virt(table->directory[position]);
	for (number = 0; number < layout->per_chunk; number++, slot++) {
		record = iommu_chunk_record(table, chunk, number);
		if (iommu_record_state(record) == IOMMU_RECORD_USED) {
			if (slot >= table->ser->nr_slots)
				return iommu_records_refuse(fault,
							    "record behind the last slot",
							    kind, slot, 0);
			what = iommu_record_check(table->kind, record);
			if (what)
				return iommu_records_refuse(fault, what, kind,
							    slot, 0);
			(*nr_records)++;
		} else if (memchr_inv(record, 0, layout->size)) {
			return iommu_records_refuse(fault, "record state", kind,
						    slot,
						    iommu_record_state(record));
		}
	}

	end = iommu_chunk_record(table, chunk, number);
	if (memchr_inv(end, 0, chunk + PAGE_SIZE - end))
		return iommu_records_refuse(fault, "chunk tail", kind, position, 0);
	return 0;
}

static int iommu_table_validate(struct iommu_record_table *table,
				struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser = table->ser;
	u32 position, room, nr_records = 0;
	int err;

	for (position = 0; position < ser->nr_chunks; position++) {
		err = iommu_chunk_validate(table, position, &nr_records, fault);
		if (err)
			return err;
	}

	room = iommu_directory_capacity(ser->directory_order) - ser->nr_chunks;
	if (memchr_inv(table->directory + ser->nr_chunks, 0,
		       room * sizeof(*table->directory)))
		return iommu_records_refuse(fault, "directory tail", table->kind,
					    ser->nr_chunks, 0);

	if (nr_records != ser->nr_records)
		return iommu_records_refuse(fault, "record count", table->kind, 0,
					    ser->nr_records);

	table->trusted = true;
	return 0;
}

/*
 * With as many buckets in use as there are records, all of them naming records,
 * and each record found under its own slot, index and records are one to one.
 */
static int iommu_index_validate(const struct iommu_record_table *table,
				struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser = table->ser;
	const struct iommu_record_key *key;
	u32 bucket, slot, used = 0;
	int found;

	for (bucket = 0; bucket < iommu_index_buckets(table); bucket++) {
		if (!table->index[bucket])
			continue;
		if (!iommu_table_get(table, table->index[bucket] - 1))
			return iommu_records_refuse(fault, "index entry",
						    table->kind, bucket,
						    table->index[bucket]);
		used++;
	}
	if (used != ser->nr_records)
		return iommu_records_refuse(fault, "index count", table->kind, 0,
					    used);

	for (slot = 0; slot < ser->nr_slots; slot++) {
		key = iommu_table_key(table, slot);
		if (!key)
			continue;
		found = iommu_table_find(table, key);
		if (found < 0)
			return iommu_records_refuse(fault, "record not in index",
						    table->kind, slot, key->id);
		if (found != slot)
			return iommu_records_refuse(fault, "duplicate key",
						    table->kind, slot, key->id);
	}
	return 0;
}

/* Do devices refer to domains and units that exist, and these count them? */
static int iommu_references_validate(const struct iommu_records *records,
				     u32 *domain_users, u32 *unit_users,
				     struct iommu_records_fault *fault)
{
	const struct iommu_record_table *tables = records->tables;
	const struct iommu_record_table *devices = &tables[IOMMU_TABLE_DEVICES];
	const struct iommu_record_table *domains = &tables[IOMMU_TABLE_DOMAINS];
	const struct iommu_record_table *units = &tables[IOMMU_TABLE_UNITS];
	const struct iommu_device_ser *device;
	const struct iommu_domain_ser *domain;
	const struct iommu_unit_ser *unit;
	u32 slot;

	for (slot = 0; slot < devices->ser->nr_slots; slot++) {
		device = iommu_table_get(devices, slot);
		if (!device)
			continue;
		domain = iommu_table_get(domains, device->domain);
		if (!domain)
			return iommu_records_refuse(fault, "domain of a device",
						    devices->kind, slot,
						    device->domain);
		unit = iommu_table_get(units, device->unit);
		if (!unit)
			return iommu_records_refuse(fault, "unit of a device",
						    devices->kind, slot,
						    device->unit);
		if (domain->vendor != unit->key.vendor)
			return iommu_records_refuse(fault, "vendor of a device",
						    devices->kind, slot,
						    domain->vendor);
		domain_users[device->domain]++;
		unit_users[device->unit]++;
	}

	for (slot = 0; slot < domains->ser->nr_slots; slot++) {
		domain = iommu_table_get(domains, slot);
		if (domain && domain->nr_devices != domain_users[slot])
			return iommu_records_refuse(fault, "device count",
						    domains->kind, slot,
						    domain->nr_devices);
	}

	for (slot = 0; slot < units->ser->nr_slots; slot++) {
		unit = iommu_table_get(units, slot);
		if (unit && (!unit->nr_devices ||
			     unit->nr_devices != unit_users[slot]))
			return iommu_records_refuse(fault, "device count",
						    units->kind, slot,
						    unit->nr_devices);
	}
	return 0;
}

/**
 * iommu_records_validate - check all that the previous kernel left
 * @phys: the FLB's handle, any number
 * @fault: filled if the state is refused
 *
 * Changes nothing. The domains' page tables are not looked into: their formats
 * are known to whoever restores them.
 *
 * Context: Process context; may sleep.
 * Return: 0 if every record can be used without a further check; -EPROTO if it
 *	is not for this kernel; -EINVAL if it is damaged; -ENOMEM.
 */
int iommu_records_validate(u64 phys, struct iommu_records_fault *fault)
{
	const struct iommu_table_ser *ser;
	u32 *domain_users, *unit_users;
	struct iommu_records records;
	enum iommu_table_kind_ser kind;
	int err;

	err = iommu_records_open(&records, phys, fault);
	if (err)
		return err;

	err = iommu_records_check_aliases(&records, fault);
	if (err)
		return err;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		err = iommu_table_validate(&records.tables[kind], fault);
		if (err)
			return err;
	}

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		if (!iommu_table_has_keys(&records.tables[kind]))
			continue;
		err = iommu_index_validate(&records.tables[kind], fault);
		if (err)
			return err;
	}

	ser = records.ser->tables;
	domain_users = iommu_liveupdate_alloc_array(ser[IOMMU_TABLE_DOMAINS].nr_slots,
						    sizeof(*domain_users));
	unit_users = iommu_liveupdate_alloc_array(ser[IOMMU_TABLE_UNITS].nr_slots,
						  sizeof(*unit_users));
	if (!domain_users || !unit_users)
		err = -ENOMEM;
	else
		err = iommu_references_validate(&records, domain_users,
						unit_users, fault);
	kvfree(domain_users);
	kvfree(unit_users);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_validate);

static int iommu_table_restore(struct iommu_record_table *table)
{
	struct iommu_table_ser *ser = table->ser;
	u32 position;

	table->directory = iommu_liveupdate_restore(ser->directory_phys,
						    ser->directory_order);
	if (!table->directory)
		return -EIO;

	if (iommu_table_has_keys(table)) {
		table->index = iommu_liveupdate_restore(ser->index_phys,
							ser->index_order);
		if (!table->index)
			return -EIO;
	}

	for (position = 0; position < ser->nr_chunks; position++)
		if (!iommu_liveupdate_restore(table->directory[position], 0))
			return -EIO;

	table->trusted = true;
	return 0;
}

/**
 * iommu_records_restore - take over what the previous kernel left
 * @records: to set up; what was in it is overwritten
 * @phys: the FLB's handle, accepted by iommu_records_validate()
 *
 * Allocates nothing.
 *
 * Return: 0, or -EIO if memory that was restorable no longer is. Then part of
 *	it has been restored and nothing is freed: who has taken the rest, and
 *	what for, is unknown.
 */
int iommu_records_restore(struct iommu_records *records, u64 phys)
{
	enum iommu_table_kind_ser kind;
	int err;

	memset(records, 0, sizeof(*records));
	records->ser = iommu_liveupdate_restore(phys, 0);
	if (!records->ser)
		return -EIO;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		records->tables[kind].ser = &records->ser->tables[kind];
		records->tables[kind].kind = kind;
		err = iommu_table_restore(&records->tables[kind]);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_restore);

/**
 * iommu_records_put - free restored tables
 * @records: from iommu_records_restore()
 */
void iommu_records_put(struct iommu_records *records)
{
	struct iommu_record_table *table;
	enum iommu_table_kind_ser kind;
	u32 position;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++) {
		table = &records->tables[kind];
		for (position = 0; position < table->ser->nr_chunks; position++)
			iommu_liveupdate_put(iommu_table_chunk(table, position), 0);
		iommu_liveupdate_put(table->directory,
				     table->ser->directory_order);
		if (table->index)
			iommu_liveupdate_put(table->index,
					     table->ser->index_order);
	}
	iommu_liveupdate_put(records->ser, 0);
	memset(records, 0, sizeof(*records));
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_put);

/**
 * iommu_records_peek_header - read the head of what has not been restored
 * @phys: the FLB's handle, any number
 * @header: copied to
 *
 * Return: 0, -EINVAL or -EPROTO.
 */
int iommu_records_peek_header(u64 phys, struct iommu_flb_ser *header)
{
	struct iommu_records_fault fault;
	int err;

	err = iommu_header_check(phys, &fault);
	if (!err)
		memcpy(header, phys_to_virt(phys), sizeof(*header));
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_peek_header);

/**
 * iommu_records_peek - find a record in what has not been restored
 * @phys: the FLB's handle, any number
 * @kind: devices or units
 * @key: &struct iommu_device_key_ser or &struct iommu_unit_key_ser
 * @record: copied to
 *
 * Allocates nothing, changes nothing and needs nothing to be validated: each
 * address and number is checked at the time it is used, and the time is that of
 * one look-up, however many records there are.
 *
 * Context: Any, once KHO's memory is initialized.
 * Return: 0; -ENOENT if there is no such record, or it is that of a device that
 *	was detached after the freeze; -EPROTO if the state is not for this kernel;
 *	-EINVAL if something that was met is damaged.
 */
int iommu_records_peek(u64 phys, enum iommu_table_kind_ser kind,
		       const void *key, void *record)
{
	const struct iommu_device_ser *device;
	struct iommu_records_fault fault;
	struct iommu_records records;
	void *found;
	int slot;
	int err;

	err = iommu_records_open(&records, phys, &fault);
	if (err)
		return err;

	slot = iommu_records_find(&records, kind, key);
	if (slot < 0)
		return slot;

	found = iommu_records_get(&records, kind, slot);
	if (!found || iommu_record_check(kind, found))
		return -EINVAL;

	if (kind == IOMMU_TABLE_DEVICES) {
		device = found;
		if (!iommu_records_get(&records, IOMMU_TABLE_DOMAINS,
				       device->domain) ||
		    !iommu_records_get(&records, IOMMU_TABLE_UNITS, device->unit))
			return -EINVAL;
		if (iommu_device_is_detached(device))
			return -ENOENT;
	}

	memcpy(record, found, iommu_layouts[kind].size);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_records_peek);
