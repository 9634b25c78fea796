// SPDX-License-Identifier: GPL-2.0-only
/* Preserved records, changed on purpose; see the header. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <linux/kho/abi/iommu.h>
#include <linux/kho/abi/iommu-vtd.h>

#include "record.h"
#include "util.h"

struct records {
	unsigned char *memory;
	size_t bytes;
	struct iommu_flb_ser *head;
};

static void *at(const struct records *r, uint64_t address, uint64_t bytes)
{
	return address && address < r->bytes && bytes <= r->bytes - address ? r->memory + address :
									      NULL;
}

/* The head fills a page of its own. */
static bool find_head(struct records *r)
{
	for (size_t page = 0; page + PAGE_SIZE <= r->bytes; page += PAGE_SIZE) {
		struct iommu_flb_ser *head = (void *)(r->memory + page);

		if (head->magic == IOMMU_FLB_MAGIC && head->version == IOMMU_FLB_VERSION &&
		    head->page_size == PAGE_SIZE &&
		    at(r, head->tables[IOMMU_TABLE_DEVICES].directory_phys, PAGE_SIZE)) {
			r->head = head;
			return true;
		}
	}
	return false;
}

static size_t record_size(enum iommu_table_kind_ser kind)
{
	return kind == IOMMU_TABLE_DOMAINS ? sizeof(struct iommu_domain_ser) :
	       kind == IOMMU_TABLE_DEVICES ? sizeof(struct iommu_device_ser) :
					     sizeof(struct iommu_unit_ser);
}

/* Return: the record in a slot if it is used, else NULL. */
static void *record_in(const struct records *r, enum iommu_table_kind_ser kind, uint32_t slot)
{
	const struct iommu_table_ser *table = &r->head->tables[kind];
	size_t size = record_size(kind);
	uint32_t per_chunk = (PAGE_SIZE - sizeof(struct iommu_chunk_hdr_ser)) / size;
	const uint64_t *directory = at(r, table->directory_phys, PAGE_SIZE);
	struct iommu_chunk_hdr_ser *chunk;
	uint32_t state;
	unsigned char *record;

	if (!directory || slot >= table->nr_slots || slot / per_chunk >= table->nr_chunks)
		return NULL;
	chunk = at(r, directory[slot / per_chunk], PAGE_SIZE);
	if (!chunk || chunk->magic != IOMMU_CHUNK_MAGIC || chunk->record_size != size)
		return NULL;
	record = (unsigned char *)(chunk + 1) + slot % per_chunk * size;
	memcpy(&state, record, sizeof(state));
	return state == IOMMU_RECORD_USED ? record : NULL;
}

static void *first_record(const struct records *r, enum iommu_table_kind_ser kind)
{
	void *record = NULL;

	for (uint32_t slot = 0; !record && slot < r->head->tables[kind].nr_slots; slot++)
		record = record_in(r, kind, slot);
	return record;
}

/* Enter all keys anew: as if the record had been written so. */
static int rebuild_index(const struct records *r, enum iommu_table_kind_ser kind)
{
	const struct iommu_table_ser *table = &r->head->tables[kind];
	uint32_t buckets = 1u << table->index_bits;
	uint32_t *index = at(r, table->index_phys, buckets * sizeof(*index));

	if (!index || table->nr_records >= buckets)
		return -EPROTO;
	memset(index, 0, buckets * sizeof(*index));
	for (uint32_t slot = 0; slot < table->nr_slots; slot++) {
		const void *record = record_in(r, kind, slot);
		const struct iommu_device_ser *device = record;
		const struct iommu_unit_ser *unit = record;
		uint64_t hash;

		if (!record)
			continue;
		hash = kind == IOMMU_TABLE_DEVICES ?
			       iommu_key_hash_ser(device->key.kind, device->key.id) :
			       iommu_key_hash_ser(unit->key.vendor, unit->key.id);
		hash >>= 64 - table->index_bits;
		while (index[hash])
			hash = (hash + 1) & (buckets - 1);
		index[hash] = slot + 1;
	}
	return 0;
}

static int break_domain_id(const struct records *r)
{
	struct iommu_device_ser *device = first_record(r, IOMMU_TABLE_DEVICES);
	struct vtd_device_ser vtd;

	if (!device || device->vendor_data.tag != VTD_DEVICE_SER_TAG)
		return -EPROTO;
	memcpy(&vtd, device->vendor_data.data, sizeof(vtd));
	vtd.did++;
	memcpy(device->vendor_data.data, &vtd, sizeof(vtd));
	return 0;
}

static int break_device_key(const struct records *r, uint64_t flip)
{
	struct iommu_device_ser *device = first_record(r, IOMMU_TABLE_DEVICES);

	if (!device)
		return -EPROTO;
	device->key.id ^= flip;
	return rebuild_index(r, IOMMU_TABLE_DEVICES);
}

static int break_function(const struct records *r)
{
	return break_device_key(r, 1);
}

static int break_segment(const struct records *r)
{
	return break_device_key(r, 1 << 16);
}

static int break_width(const struct records *r)
{
	struct iommu_domain_ser *domain = first_record(r, IOMMU_TABLE_DOMAINS);

	if (!domain || domain->pt.max_vasz_lg2 <= 39)
		return -EPROTO;
	domain->pt.max_vasz_lg2 = 39;
	return 0;
}

static int break_mode(const struct records *r)
{
	struct iommu_unit_ser *unit = first_record(r, IOMMU_TABLE_UNITS);
	struct vtd_unit_ser vtd;

	if (!unit || unit->vendor_data.tag != VTD_UNIT_SER_TAG)
		return -EPROTO;
	memcpy(&vtd, unit->vendor_data.data, sizeof(vtd));
	vtd.flags ^= VTD_UNIT_SER_SCALABLE;
	memcpy(unit->vendor_data.data, &vtd, sizeof(vtd));
	return 0;
}

static int break_unit(const struct records *r)
{
	struct iommu_unit_ser *unit = first_record(r, IOMMU_TABLE_UNITS);

	if (!unit)
		return -EPROTO;
	unit->key.id += PAGE_SIZE;
	return rebuild_index(r, IOMMU_TABLE_UNITS);
}

static int break_version(const struct records *r)
{
	r->head->version++;
	return 0;
}

int record_break(void *memory, size_t bytes, const char *fault)
{
	static const struct {
		const char *name;
		int (*fn)(const struct records *r);
	} faults[] = {
		{ "domain-id", break_domain_id }, { "function", break_function },
		{ "segment", break_segment },	  { "width", break_width },
		{ "mode", break_mode },		  { "unit", break_unit },
		{ "version", break_version },
	};
	struct records r = { .memory = memory, .bytes = bytes };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(faults[i].name, fault))
			return find_head(&r) ? faults[i].fn(&r) : -ENOENT;
	return -EINVAL;
}
