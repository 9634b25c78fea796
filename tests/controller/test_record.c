// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records broken on purpose, in an image of memory that this test builds by the kernel's own
 * definitions: what is said to change does, nothing else, and every record can still be found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/kho/abi/iommu.h>
#include <linux/kho/abi/iommu-vtd.h>

#include "record.h"

#define PAGES 64u
#define SIZE (PAGES * PAGE_SIZE)
#define HEAD 17u
#define DEVICES 3u
#define BITS 4u

static unsigned char *memory, *before;
static struct iommu_flb_ser *head;
static struct iommu_domain_ser *domain;
static struct iommu_device_ser *devices;
static struct iommu_unit_ser *unit;

static void *page(unsigned int nr)
{
	return memory + nr * PAGE_SIZE;
}

/* One chunk with @nr records; its first record. */
static void *table(enum iommu_table_kind_ser kind, unsigned int first_page, uint32_t nr,
		   uint32_t size)
{
	struct iommu_table_ser *ser = &head->tables[kind];
	struct iommu_chunk_hdr_ser *chunk = page(first_page + 1);

	ser->directory_phys = first_page * PAGE_SIZE;
	ser->nr_chunks = 1;
	ser->nr_slots = nr;
	ser->nr_records = nr;
	*(uint64_t *)page(first_page) = (first_page + 1) * PAGE_SIZE;
	*chunk = (struct iommu_chunk_hdr_ser){ IOMMU_CHUNK_MAGIC, kind, 0, size };
	return chunk + 1;
}

static void add_key(enum iommu_table_kind_ser kind, unsigned int index_page, uint32_t slot,
		    uint32_t key_kind, uint64_t id)
{
	struct iommu_table_ser *ser = &head->tables[kind];
	uint32_t *index = page(index_page);
	uint64_t bucket = iommu_key_hash_ser(key_kind, id) >> (64 - BITS);

	ser->index_phys = index_page * PAGE_SIZE;
	ser->index_bits = BITS;
	while (index[bucket])
		bucket = (bucket + 1) % (1u << BITS);
	index[bucket] = slot + 1;
}

/* The slot that a look-up finds; -1 for none. */
static int look_up(enum iommu_table_kind_ser kind, uint32_t key_kind, uint64_t id)
{
	const struct iommu_table_ser *ser = &head->tables[kind];
	const uint32_t *index = (const uint32_t *)(memory + ser->index_phys);
	uint64_t bucket = iommu_key_hash_ser(key_kind, id) >> (64 - BITS);

	for (; index[bucket]; bucket = (bucket + 1) % (1u << BITS)) {
		uint32_t slot = index[bucket] - 1;
		uint64_t found = kind == IOMMU_TABLE_DEVICES ? devices[slot].key.id : unit->key.id;

		if (found == id)
			return slot;
	}
	return -1;
}

static int set_up(void **state)
{
	const struct vtd_unit_ser vtd_unit = { .flags = VTD_UNIT_SER_SCALABLE };

	memory = calloc(1, SIZE);
	before = malloc(SIZE);
	if (!memory || !before)
		return -1;
	/* Words that look like a head, and are none. */
	*(uint64_t *)page(3) = IOMMU_FLB_MAGIC;
	head = page(HEAD);
	*head = (struct iommu_flb_ser){ .magic = IOMMU_FLB_MAGIC,
					.version = IOMMU_FLB_VERSION,
					.page_size = PAGE_SIZE };
	domain = table(IOMMU_TABLE_DOMAINS, 20, 1, sizeof(*domain));
	devices = table(IOMMU_TABLE_DEVICES, 30, DEVICES, sizeof(*devices));
	unit = table(IOMMU_TABLE_UNITS, 40, 1, sizeof(*unit));
	domain->state = IOMMU_RECORD_USED;
	domain->pt.max_vasz_lg2 = 48;
	unit->state = IOMMU_RECORD_USED;
	unit->key = (struct iommu_unit_key_ser){ .vendor = IOMMU_VENDOR_VTD, .id = 0xfed90000 };
	unit->vendor_data.tag = VTD_UNIT_SER_TAG;
	memcpy(unit->vendor_data.data, &vtd_unit, sizeof(vtd_unit));
	add_key(IOMMU_TABLE_UNITS, 50, 0, IOMMU_VENDOR_VTD, unit->key.id);
	for (uint32_t i = 0; i < DEVICES; i++) {
		const struct vtd_device_ser vtd = { .did = 5, .nr_rids = 1 };

		devices[i].state = IOMMU_RECORD_USED;
		devices[i].key = (struct iommu_device_key_ser){ .kind = IOMMU_DEVICE_PCI,
								.id = 8 * (i + 1) };
		devices[i].vendor_data.tag = VTD_DEVICE_SER_TAG;
		memcpy(devices[i].vendor_data.data, &vtd, sizeof(vtd));
		add_key(IOMMU_TABLE_DEVICES, 52, i, IOMMU_DEVICE_PCI, devices[i].key.id);
	}
	memcpy(before, memory, SIZE);
	return 0;
}

static int tear_down(void **state)
{
	free(memory);
	free(before);
	return 0;
}

/* Return: how many bytes differ from what was there, outside of indexes. */
static unsigned int changed(void)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < 50 * PAGE_SIZE; i++)
		nr += memory[i] != before[i];
	return nr;
}

static void breaks(const char *fault, unsigned int bytes)
{
	assert_int_equal(record_break(memory, SIZE, fault), 0);
	assert_int_equal(changed(), bytes);
}

static void domain_id(void **state)
{
	struct vtd_device_ser vtd;

	breaks("domain-id", 1);
	memcpy(&vtd, devices[0].vendor_data.data, sizeof(vtd));
	assert_int_equal(vtd.did, 6);
}

static void keys(void **state)
{
	breaks("function", 1);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 9), 0);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 8), -1);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 16), 1);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 24), 2);
}

static void segment(void **state)
{
	breaks("segment", 1);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 1 << 16 | 8), 0);
	assert_int_equal(look_up(IOMMU_TABLE_DEVICES, IOMMU_DEVICE_PCI, 8), -1);
}

static void other_unit(void **state)
{
	breaks("unit", 1);
	assert_int_equal(look_up(IOMMU_TABLE_UNITS, IOMMU_VENDOR_VTD, 0xfed91000), 0);
	assert_int_equal(look_up(IOMMU_TABLE_UNITS, IOMMU_VENDOR_VTD, 0xfed90000), -1);
}

static void fields(void **state)
{
	struct vtd_unit_ser vtd;

	breaks("width", 1);
	assert_int_equal(domain->pt.max_vasz_lg2, 39);
	breaks("mode", 2);
	memcpy(&vtd, unit->vendor_data.data, sizeof(vtd));
	assert_int_equal(vtd.flags, 0);
	breaks("version", 3);
	assert_int_equal(head->version, IOMMU_FLB_VERSION + 1);
}

static void refused(void **state)
{
	assert_int_equal(record_break(memory, SIZE, "nosuch"), -EINVAL);
	/* Nothing may be read outside of memory, whatever a table says. */
	head->tables[IOMMU_TABLE_UNITS].directory_phys = SIZE - 8;
	assert_int_equal(record_break(memory, SIZE, "mode"), -EPROTO);
	*(uint64_t *)page(30) = UINT64_MAX - 100;
	assert_int_equal(record_break(memory, SIZE, "domain-id"), -EPROTO);
	head->magic++;
	assert_int_equal(record_break(memory, SIZE, "version"), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(domain_id),  TEST(keys),	TEST(segment),
		TEST(other_unit), TEST(fields), TEST(refused),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
