/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of what is checked before a unit is taken over, and of what is
 * cleared before it is left on: for each check at least one table or record that
 * it refuses. Included by liveupdate.c.
 */

#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/bitfield.h>

#define TEST_TOP	0x123456000ULL
#define TEST_DID	77
#define TEST_RID	PCI_DEVID(1, PCI_DEVFN(2, 0))
#define TEST_RID_HIGH	PCI_DEVID(1, PCI_DEVFN(0x1f, 3))
#define TEST_RID_OTHER	PCI_DEVID(2, PCI_DEVFN(2, 0))
#define TEST_ALIAS	PCI_DEVID(1, PCI_DEVFN(0, 0))

/* Caching mode off, 48 bit, second stage with 3 and 4 levels, 2^16 domains */
#define TEST_CAP	(47ULL << 16 | (BIT_ULL(1) | BIT_ULL(2)) << 8 | 6)
#define TEST_ECAP	(BIT_ULL(0) | BIT_ULL(43) | BIT_ULL(46) | \
			 BIT_ULL(47) | BIT_ULL(48))

/* A string constant or NULL; says what was found if that is not expected */
#define EXPECT_RIGHT(test, what) \
	KUNIT_EXPECT_STREQ(test, (what) ?: "right", "right")
#define EXPECT_WRONG(test, what, text) \
	KUNIT_EXPECT_STREQ(test, (what) ?: "right", text)

static const struct vtd_translation test_second_stage = {
	.top_phys = TEST_TOP,
	.stage = VTD_STAGE_SECOND,
	.top_level = 3,
	.did = TEST_DID,
};

static const struct vtd_translation test_first_stage = {
	.top_phys = TEST_TOP,
	.stage = VTD_STAGE_FIRST,
	.top_level = 3,
	.did = TEST_DID,
};

static void test_set_context(struct context_entry *context)
{
	context_clear_entry(context);
	context_set_domain_id(context, TEST_DID);
	context_set_address_root(context, TEST_TOP);
	context_set_address_width(context, 2);
	context_set_translation_type(context, CONTEXT_TT_MULTI_LEVEL);
	context_set_fault_enable(context);
	context_set_present(context);
}

static void vtd_test_context(struct kunit *test)
{
	struct context_entry context;

	test_set_context(&context);
	EXPECT_RIGHT(test, vtd_check_context(&context, &test_second_stage));

	context_clear_present(&context);
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry is not present");
	test_set_context(&context);
	context_set_translation_type(&context, CONTEXT_TT_PASS_THROUGH);
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry has another translation type");
	test_set_context(&context);
	context_set_translation_type(&context, CONTEXT_TT_DEV_IOTLB);
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry has another translation type");
	test_set_context(&context);
	context_set_address_root(&context, TEST_TOP + VTD_PAGE_SIZE);
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry has another page table");
	test_set_context(&context);
	context.hi ^= 3;
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry has another address width");
	test_set_context(&context);
	context.hi ^= 1 << 8;
	EXPECT_WRONG(test, vtd_check_context(&context, &test_second_stage),
		     "its context entry has another domain id");
}

static void test_set_sm_context(struct context_entry *context, u64 dir,
				unsigned int pds)
{
	context_clear_entry(context);
	context->lo = dir | context_pdts(pds);
	context_set_sm_rid2pasid(context, IOMMU_NO_PASID);
	context_set_pasid(context);
	context_set_fault_enable(context);
	context_set_present(context);
}

static void vtd_test_sm_context(struct kunit *test)
{
	struct context_entry context;

	/* A page of the directory has 512 entries, 2^(2 + 7) */
	test_set_sm_context(&context, TEST_TOP, 2);
	EXPECT_RIGHT(test, vtd_check_sm_context(&context, TEST_TOP, 0));
	EXPECT_RIGHT(test, vtd_check_sm_context(&context, TEST_TOP, 5));

	test_set_sm_context(&context, TEST_TOP, 3);
	EXPECT_WRONG(test, vtd_check_sm_context(&context, TEST_TOP, 0),
		     "its context entry has a larger PASID directory");
	EXPECT_RIGHT(test, vtd_check_sm_context(&context, TEST_TOP, 1));
	test_set_sm_context(&context, TEST_TOP, 0);
	EXPECT_WRONG(test,
		     vtd_check_sm_context(&context, TEST_TOP + PAGE_SIZE, 0),
		     "its context entry has another PASID directory");
	context_set_sm_dte(&context);
	EXPECT_WRONG(test, vtd_check_sm_context(&context, TEST_TOP, 0),
		     "its context entry allows ATS or page requests");
	test_set_sm_context(&context, TEST_TOP, 0);
	context_set_sm_pre(&context);
	EXPECT_WRONG(test, vtd_check_sm_context(&context, TEST_TOP, 0),
		     "its context entry allows ATS or page requests");
	test_set_sm_context(&context, TEST_TOP, 0);
	context_set_sm_rid2pasid(&context, 1);
	EXPECT_WRONG(test, vtd_check_sm_context(&context, TEST_TOP, 0),
		     "its context entry has another PASID for requests without");
	context_clear_present(&context);
	EXPECT_WRONG(test, vtd_check_sm_context(&context, TEST_TOP, 0),
		     "its context entry is not present");
}

static void test_set_pasid_entry(struct pasid_entry *entry,
				 const struct vtd_translation *translation)
{
	pasid_clear_entry(entry);
	pasid_set_domain_id(entry, translation->did);
	pasid_set_page_snoop(entry, !translation->incoherent);
	if (translation->stage == VTD_STAGE_FIRST) {
		pasid_set_flptr(entry, translation->top_phys);
		if (translation->top_level == 4)
			pasid_set_flpm(entry, 1);
		if (translation->force_snooping)
			pasid_set_pgsnp(entry);
		pasid_set_translation_type(entry, PASID_ENTRY_PGTT_FL_ONLY);
	} else {
		pasid_set_slptr(entry, translation->top_phys);
		pasid_set_address_width(entry, translation->top_level - 1);
		pasid_set_translation_type(entry, PASID_ENTRY_PGTT_SL_ONLY);
		if (translation->dirty_tracking)
			pasid_set_ssade(entry);
	}
	pasid_set_fault_enable(entry);
	pasid_set_present(entry);
}

static void vtd_test_pasid_entry(struct kunit *test)
{
	struct vtd_translation translation = test_first_stage;
	struct pasid_entry entry;

	test_set_pasid_entry(&entry, &translation);
	EXPECT_RIGHT(test, vtd_check_pasid_entry(&entry, &translation));
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &test_second_stage),
		     "its PASID entry has a first stage");
	translation.top_level = 4;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another paging mode");
	test_set_pasid_entry(&entry, &translation);
	EXPECT_RIGHT(test, vtd_check_pasid_entry(&entry, &translation));
	translation.force_snooping = true;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry snoops differently");
	translation.force_snooping = false;
	translation.incoherent = true;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another coherency");
	pasid_set_sre(&entry);
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another paging mode");

	translation = test_second_stage;
	test_set_pasid_entry(&entry, &translation);
	EXPECT_RIGHT(test, vtd_check_pasid_entry(&entry, &translation));
	translation.top_level = 2;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another address width");
	translation = test_second_stage;
	translation.dirty_tracking = true;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry tracks dirty pages differently");
	translation = test_second_stage;
	translation.did++;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another domain id");
	translation = test_second_stage;
	translation.top_phys += PAGE_SIZE;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &translation),
		     "its PASID entry has another page table");
	pasid_set_translation_type(&entry, PASID_ENTRY_PGTT_PT);
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &test_second_stage),
		     "its PASID entry has another translation type");
	entry.val[7] = 1;
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &test_second_stage),
		     "its PASID entry has unknown bits");
	pasid_clear_entry(&entry);
	EXPECT_WRONG(test, vtd_check_pasid_entry(&entry, &test_second_stage),
		     "its PASID entry is not present");
}

static void vtd_test_pasids_in_use(struct kunit *test)
{
	struct pasid_dir_entry *dir;
	struct pasid_entry *table;

	dir = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	table = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dir);
	KUNIT_ASSERT_NOT_NULL(test, table);
	test_set_pasid_entry(table, &test_second_stage);
	EXPECT_RIGHT(test, vtd_check_pasid_tables(dir, 1, table,
						  &test_second_stage));

	table[63].val[0] = PASID_PTE_PRESENT;
	EXPECT_WRONG(test, vtd_check_pasid_tables(dir, 1, table,
						  &test_second_stage),
		     "it uses PASIDs");
	table[63].val[0] = 0;
	dir[1023].val = TEST_TOP | PASID_PTE_PRESENT;
	EXPECT_WRONG(test, vtd_check_pasid_tables(dir, 1, table,
						  &test_second_stage),
		     "it uses PASIDs");
	EXPECT_RIGHT(test, vtd_check_pasid_tables(dir, 0, table,
						  &test_second_stage));
}

static void vtd_test_unit_ser(struct kunit *test)
{
	struct vtd_unit_ser unit = {
		.root_phys = TEST_TOP,
		.flags = VTD_UNIT_SER_SCALABLE,
	};

	EXPECT_RIGHT(test, vtd_check_unit_ser(&unit));
	unit.flags = VTD_UNIT_SER_FLAGS + 1;
	EXPECT_WRONG(test, vtd_check_unit_ser(&unit), "unknown flags");
	unit.flags = 0;
	unit.root_phys = 0;
	EXPECT_WRONG(test, vtd_check_unit_ser(&unit),
		     "the root table cannot be there");
	unit.root_phys = TEST_TOP + 8;
	EXPECT_WRONG(test, vtd_check_unit_ser(&unit),
		     "the root table cannot be there");
}

static void vtd_test_domain_ser(struct kunit *test)
{
	struct iommu_domain_ser ser = { .pt.format = PT_IOMMU_FORMAT_VTDSS };
	struct vtd_domain_ser vtd = {
		.stage = VTD_STAGE_SECOND,
		.flags = VTD_DOMAIN_SER_FLAGS,
	};

	EXPECT_RIGHT(test, vtd_check_domain_ser(&ser, &vtd));
	vtd.flags = VTD_DOMAIN_SER_FLAGS + 1;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd), "unknown flags");
	vtd.flags = VTD_DOMAIN_SER_DIRTY_TRACKING;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd),
		     "dirty tracking without the means");
	vtd.flags = VTD_DOMAIN_SER_DIRTY_OPS;
	vtd.stage = VTD_STAGE_FIRST;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd),
		     "the page table's format is not that of the stage");
	ser.pt.format = PT_IOMMU_FORMAT_X86_64;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd),
		     "no dirty tracking in the first stage");
	vtd.flags = 0;
	EXPECT_RIGHT(test, vtd_check_domain_ser(&ser, &vtd));
	vtd.stage = VTD_STAGE_NONE;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd), "unknown stage");
	vtd.stage = VTD_STAGE_SECOND + 1;
	EXPECT_WRONG(test, vtd_check_domain_ser(&ser, &vtd), "unknown stage");
}

static void vtd_test_device_ser(struct kunit *test)
{
	static const struct vtd_device_ser right = {
		.did = TEST_DID,
		.nr_rids = 2,
		.rids = { TEST_RID, TEST_RID_OTHER },
	};
	struct vtd_device_ser vtd = right;

	EXPECT_RIGHT(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256));
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, true, 256),
		     "the PASID directory cannot be there");
	EXPECT_WRONG(test,
		     vtd_check_device_ser(&vtd, TEST_RID_OTHER, false, 256),
		     "requester ID is not that of the device");
	EXPECT_WRONG(test,
		     vtd_check_device_ser(&vtd, TEST_RID, false, TEST_DID),
		     "domain id out of range");
	vtd.did = FLPT_DEFAULT_DID;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "domain id out of range");

	vtd = right;
	vtd.nr_rids = 0;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "number of requester IDs out of range");
	vtd.nr_rids = VTD_DEVICE_SER_RIDS + 1;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "number of requester IDs out of range");
	vtd.nr_rids = 1;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "unused requester IDs are not zero");
	vtd = right;
	vtd.rids[1] = TEST_RID;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "a requester ID is listed twice");

	vtd = right;
	vtd.pasid_dir_phys = TEST_TOP;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "a PASID directory in legacy mode");
	vtd.pasid_dir_order = 5;
	EXPECT_RIGHT(test, vtd_check_device_ser(&vtd, TEST_RID, true, 256));
	/* Its bridge has the entry for it, which there is in one mode only */
	vtd.nr_rids = 0;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, true, 256),
		     "unused requester IDs are not zero");
	memset(vtd.rids, 0, sizeof(vtd.rids));
	EXPECT_RIGHT(test, vtd_check_device_ser(&vtd, TEST_RID, true, 256));
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, false, 256),
		     "number of requester IDs out of range");
	vtd.pasid_dir_order = 6;
	EXPECT_WRONG(test, vtd_check_device_ser(&vtd, TEST_RID, true, 256),
		     "the PASID directory cannot be there");
}

static void vtd_test_unit_caps(struct kunit *test)
{
	struct iommu_domain_ser ser = {
		.pt.top_level = 3,
		.pt.max_vasz_lg2 = 48,
	};
	const u64 cap_39 = 38ULL << 16 | BIT_ULL(1) << 8 | 6;

	EXPECT_RIGHT(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, false, &ser,
					       VTD_STAGE_SECOND));
	EXPECT_RIGHT(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, true, &ser,
					       VTD_STAGE_SECOND));
	EXPECT_RIGHT(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, true, &ser,
					       VTD_STAGE_FIRST));

	/* 48 bit behind 39 bit */
	EXPECT_WRONG(test, vtd_check_unit_caps(cap_39, TEST_ECAP, false, &ser,
					       VTD_STAGE_SECOND),
		     "the unit cannot walk that many levels");
	EXPECT_WRONG(test, vtd_check_unit_caps(cap_39, TEST_ECAP, true, &ser,
					       VTD_STAGE_FIRST),
		     "the unit's address width is smaller");
	ser.pt.top_level = 2;
	EXPECT_WRONG(test, vtd_check_unit_caps(cap_39, TEST_ECAP, false, &ser,
					       VTD_STAGE_SECOND),
		     "the unit's address width is smaller");
	ser.pt.max_vasz_lg2 = 39;
	EXPECT_RIGHT(test, vtd_check_unit_caps(cap_39, TEST_ECAP, false, &ser,
					       VTD_STAGE_SECOND));

	/* A mode or a stage that is not there */
	EXPECT_WRONG(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, false, &ser,
					       VTD_STAGE_FIRST),
		     "the unit has no first stage");
	EXPECT_WRONG(test,
		     vtd_check_unit_caps(TEST_CAP, TEST_ECAP & ~BIT_ULL(47),
					 true, &ser, VTD_STAGE_FIRST),
		     "the unit has no first stage");
	EXPECT_WRONG(test,
		     vtd_check_unit_caps(TEST_CAP, TEST_ECAP & ~BIT_ULL(46),
					 true, &ser, VTD_STAGE_SECOND),
		     "the unit has no second stage");
	ser.pt.top_level = 4;
	EXPECT_WRONG(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, true, &ser,
					       VTD_STAGE_FIRST),
		     "the unit cannot walk that many levels");
	ser.pt.top_level = 0;
	EXPECT_WRONG(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP, true, &ser,
					       VTD_STAGE_SECOND),
		     "the unit cannot walk that many levels");

	/* Tables that nobody flushes */
	ser.pt.top_level = 3;
	EXPECT_WRONG(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP & ~1ULL,
					       false, &ser, VTD_STAGE_SECOND),
		     "the unit does not snoop");
	ser.pt.flags = PT_IOMMU_SER_INCOHERENT;
	EXPECT_RIGHT(test, vtd_check_unit_caps(TEST_CAP, TEST_ECAP & ~1ULL,
					       false, &ser, VTD_STAGE_SECOND));
}

static void vtd_test_vendor_data(struct kunit *test)
{
	struct vtd_unit_ser unit = { .root_phys = TEST_TOP }, copy;
	struct iommu_vendor_data_ser data;

	vtd_set_vendor_data(&data, VTD_UNIT_SER_TAG, &unit, sizeof(unit));
	KUNIT_EXPECT_TRUE(test, vtd_get_vendor_data(&data, VTD_UNIT_SER_TAG,
						    &copy, sizeof(copy)));
	KUNIT_EXPECT_MEMEQ(test, &copy, &unit, sizeof(unit));
	KUNIT_EXPECT_FALSE(test, vtd_get_vendor_data(&data, VTD_DEVICE_SER_TAG,
						     &copy, sizeof(copy)));
	data.length--;
	KUNIT_EXPECT_FALSE(test, vtd_get_vendor_data(&data, VTD_UNIT_SER_TAG,
						     &copy, sizeof(copy)));
	data.length++;
	data.data[sizeof(data.data) - 1] = 1;
	KUNIT_EXPECT_FALSE(test, vtd_get_vendor_data(&data, VTD_UNIT_SER_TAG,
						     &copy, sizeof(copy)));
}

/* A unit with a root table, and a page for each table that a test may need */
struct vtd_test_unit {
	struct intel_iommu iommu;
	struct intel_liveupdate_incoming incoming;
	struct vtd_takeover takeover;
	struct iommu_domain_ser domain;
	struct iommu_device_ser device;
	struct vtd_device_ser vtd;
	u64 not_preserved;
};

static bool vtd_test_restorable(phys_addr_t phys, unsigned int order)
{
	struct vtd_test_unit *unit = kunit_get_current_test()->priv;

	return phys != unit->not_preserved;
}

static void vtd_test_free_page(void *page)
{
	free_page((unsigned long)page);
}

static void *vtd_test_page(struct kunit *test)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NE(test, page, 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vtd_test_free_page,
							   (void *)page));
	return (void *)page;
}

static void *vtd_test_context_table(struct kunit *test,
				    struct vtd_test_unit *unit, u16 rid)
{
	u64 *entry = vtd_root_entry(unit->takeover.root, rid,
				    unit->takeover.scalable);

	if (!*entry)
		*entry = virt_to_phys(vtd_test_page(test)) | 1;
	return vtd_context(*entry, rid, unit->takeover.scalable);
}

static void vtd_test_unit_exit(void *data)
{
	struct vtd_test_unit *unit = data;
	unsigned long index;
	void *entry;

	xa_for_each(&unit->incoming.devices, index, entry)
		kfree(entry);
	xa_for_each(&unit->incoming.dids, index, entry)
		kfree(entry);
	xa_destroy(&unit->incoming.devices);
	xa_destroy(&unit->incoming.dids);
	xa_destroy(&unit->takeover.context_tables);
	xa_destroy(&unit->takeover.pasid_tables);
	xa_destroy(&unit->takeover.rids);
	ida_destroy(&unit->iommu.domain_ida);
}

static struct vtd_test_unit *vtd_test_unit(struct kunit *test, bool scalable)
{
	struct vtd_domain_ser vtd_domain = { .stage = VTD_STAGE_SECOND };
	struct vtd_test_unit *unit;

	unit = kunit_kzalloc(test, sizeof(*unit), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, unit);
	unit->iommu.cap = TEST_CAP;
	unit->iommu.ecap = TEST_ECAP;
	unit->iommu.segment = 3;
	unit->iommu.max_domain_id = 256;
	strscpy(unit->iommu.name, "kunit");
	ida_init(&unit->iommu.domain_ida);
	xa_init(&unit->incoming.devices);
	xa_init(&unit->incoming.dids);
	xa_init(&unit->takeover.context_tables);
	xa_init(&unit->takeover.pasid_tables);
	xa_init(&unit->takeover.rids);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   vtd_test_unit_exit,
							   unit));
	unit->takeover.iommu = &unit->iommu;
	unit->takeover.incoming = &unit->incoming;
	unit->takeover.scalable = scalable;
	unit->takeover.root = vtd_test_page(test);

	unit->domain.vendor = IOMMU_VENDOR_VTD;
	unit->domain.pt.format = PT_IOMMU_FORMAT_VTDSS;
	unit->domain.pt.top_phys = TEST_TOP;
	unit->domain.pt.top_level = 3;
	unit->domain.pt.max_vasz_lg2 = 48;
	vtd_set_vendor_data(&unit->domain.vendor_data, VTD_DOMAIN_SER_TAG,
			    &vtd_domain, sizeof(vtd_domain));
	test->priv = unit;
	kunit_activate_static_stub(test, iommu_pages_restorable,
				   vtd_test_restorable);
	return unit;
}

/* Fill in tables and record of a device; its PASID tables too, if it has any */
static void vtd_test_device(struct kunit *test, struct vtd_test_unit *unit,
			    u16 rid)
{
	struct context_entry *context;
	struct pasid_dir_entry *dir;
	struct pasid_entry *table;

	unit->vtd = (struct vtd_device_ser) {
		.did = TEST_DID,
		.nr_rids = 1,
		.rids = { rid },
	};
	context = vtd_test_context_table(test, unit, rid);
	if (unit->takeover.scalable) {
		dir = vtd_test_page(test);
		table = vtd_test_page(test);
		dir->val = virt_to_phys(table) | PASID_PTE_PRESENT;
		test_set_pasid_entry(table, &test_second_stage);
		unit->vtd.pasid_dir_phys = virt_to_phys(dir);
		test_set_sm_context(context, unit->vtd.pasid_dir_phys, 0);
	} else {
		test_set_context(context);
	}
	unit->device = (struct iommu_device_ser) {
		.state = IOMMU_RECORD_USED,
		.key.kind = IOMMU_DEVICE_PCI,
		.key.id = (u64)unit->iommu.segment << 16 | rid,
	};
}

static const char *vtd_test_takeover(struct vtd_test_unit *unit)
{
	vtd_set_vendor_data(&unit->device.vendor_data, VTD_DEVICE_SER_TAG,
			    &unit->vtd, sizeof(unit->vtd));
	return vtd_takeover_check(&unit->takeover, &unit->device,
				  &unit->domain);
}

/* Two devices of a bus, one of another, all of one domain */
static void vtd_test_takeover_right(struct kunit *test)
{
	static const u16 rids[] = { TEST_RID, TEST_RID_HIGH, TEST_RID_OTHER };
	struct vtd_waiting_did *did;
	struct vtd_test_unit *unit;
	unsigned int i, scalable;

	for (scalable = 0; scalable < 2; scalable++) {
		unit = vtd_test_unit(test, scalable);
		for (i = 0; i < ARRAY_SIZE(rids); i++) {
			vtd_test_device(test, unit, rids[i]);
			EXPECT_RIGHT(test, vtd_test_takeover(unit));
			KUNIT_EXPECT_NOT_NULL(test,
					      xa_load(&unit->incoming.devices,
						      rids[i]));
		}
		KUNIT_EXPECT_EQ(test, unit->takeover.nr_devices,
				ARRAY_SIZE(rids));
		did = xa_load(&unit->incoming.dids, TEST_DID);
		KUNIT_ASSERT_NOT_NULL(test, did);
		KUNIT_EXPECT_EQ(test, did->waiting, ARRAY_SIZE(rids));
		KUNIT_EXPECT_TRUE(test, ida_exists(&unit->iommu.domain_ida,
						   TEST_DID));
	}
}

static void vtd_test_takeover_wrong_place(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, false);

	vtd_test_device(test, unit, TEST_RID);
	unit->device.key.id ^= 1ULL << 16;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "it cannot be behind this unit");
	vtd_test_device(test, unit, TEST_RID);
	unit->device.key.kind = IOMMU_DEVICE_MOCK;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "it cannot be behind this unit");
	vtd_test_device(test, unit, TEST_RID);
	unit->device.key.id ^= 1;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "requester ID is not that of the device");
	vtd_test_device(test, unit, TEST_RID);
	unit->domain.vendor = IOMMU_VENDOR_AMD;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "unknown form of the records");
	KUNIT_EXPECT_TRUE(test, xa_empty(&unit->incoming.devices));
}

static void vtd_test_takeover_wrong_tables(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, false);
	u64 *entry;

	/* An alias whose bus has no context table */
	vtd_test_device(test, unit, TEST_RID);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_RID_OTHER;
	EXPECT_WRONG(test, vtd_test_takeover(unit), "it has no context table");

	/* One table for two busses */
	entry = vtd_root_entry(unit->takeover.root, TEST_RID_OTHER, false);
	*entry = *vtd_root_entry(unit->takeover.root, TEST_RID, false);
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its context table is that of another bus, too");

	/* A table that is the root table */
	*entry = virt_to_phys(unit->takeover.root) | 1;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its context table is another table, too");

	*entry = 0;
	vtd_test_device(test, unit, TEST_RID_OTHER);
	unit->not_preserved = *entry & VTD_PAGE_MASK;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its context table is not preserved");
}

static void vtd_test_takeover_wrong_pasid_tables(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, true);
	struct context_entry *context;
	u64 dir;

	vtd_test_device(test, unit, TEST_RID);
	dir = unit->vtd.pasid_dir_phys;
	unit->not_preserved = dir;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "a PASID table is not preserved");
	unit->not_preserved = 0;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));

	/* The directory of the first device */
	vtd_test_device(test, unit, TEST_RID_HIGH);
	unit->vtd.pasid_dir_phys = dir;
	context = vtd_test_context_table(test, unit, TEST_RID_HIGH);
	test_set_sm_context(context, dir, 0);
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "a PASID table has two devices");

	/* No table in the directory */
	vtd_test_device(test, unit, TEST_RID_OTHER);
	((struct pasid_dir_entry *)phys_to_virt(unit->vtd.pasid_dir_phys))->val = 0;
	EXPECT_WRONG(test, vtd_test_takeover(unit), "it has no PASID table");
}

static void vtd_test_takeover_wrong_did(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, false);
	struct context_entry *context;

	vtd_test_device(test, unit, TEST_RID);
	EXPECT_RIGHT(test, vtd_test_takeover(unit));

	/* The same domain id, for another domain */
	vtd_test_device(test, unit, TEST_RID_HIGH);
	unit->device.domain = 1;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its domain id is that of another domain");

	/* A domain id that somebody has, which must not be so early */
	vtd_test_device(test, unit, TEST_RID_OTHER);
	unit->vtd.did = TEST_DID + 1;
	context = vtd_test_context_table(test, unit, TEST_RID_OTHER);
	context->hi ^= (TEST_DID ^ (TEST_DID + 1)) << 8;
	KUNIT_ASSERT_EQ(test, TEST_DID + 1,
			ida_alloc_range(&unit->iommu.domain_ida, TEST_DID + 1,
					TEST_DID + 1, GFP_KERNEL));
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its domain id cannot be reserved");
}

/* A root port, a PCIe-to-PCI bridge below it, and a device behind that */
struct vtd_test_topology {
	struct pci_sysdata sysdata;
	struct pci_bus root, below, behind;
	struct pci_dev port, bridge, device;
};

static void vtd_test_place(struct pci_dev *pdev, struct pci_bus *bus,
			   unsigned int devfn, unsigned int type)
{
	pdev->dev.bus = &pci_bus_type;
	pdev->bus = bus;
	pdev->devfn = devfn;
	pdev->pcie_cap = 0x40;
	pdev->pcie_flags_reg = FIELD_PREP(PCI_EXP_FLAGS_TYPE, type);
}

static struct vtd_test_topology *vtd_test_topology(struct kunit *test)
{
	struct vtd_test_topology *topology;

	topology = kunit_kzalloc(test, sizeof(*topology), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, topology);
	topology->root.sysdata = &topology->sysdata;
	topology->below.sysdata = &topology->sysdata;
	topology->behind.sysdata = &topology->sysdata;
	topology->below.parent = &topology->root;
	topology->below.self = &topology->port;
	topology->below.number = 1;
	topology->behind.parent = &topology->below;
	topology->behind.self = &topology->bridge;
	topology->behind.number = 2;
	vtd_test_place(&topology->port, &topology->root, PCI_DEVFN(4, 0),
		       PCI_EXP_TYPE_ROOT_PORT);
	topology->port.subordinate = &topology->below;
	vtd_test_place(&topology->bridge, &topology->below, 0,
		       PCI_EXP_TYPE_PCI_BRIDGE);
	topology->bridge.subordinate = &topology->behind;
	vtd_test_place(&topology->device, &topology->behind, PCI_DEVFN(1, 0),
		       0);
	topology->device.pcie_cap = 0;
	return topology;
}

static void vtd_test_expect_rids(struct kunit *test, struct pci_dev *pdev,
				 bool scalable, u16 bridge_rid,
				 unsigned int nr, u16 first, u16 second)
{
	struct device_domain_info info = {
		.dev = &pdev->dev,
		.bus = pdev->bus->number,
		.devfn = pdev->devfn,
		.bridge_rid = bridge_rid,
	};
	struct vtd_rids rids;

	KUNIT_ASSERT_EQ(test, 0, vtd_get_rids(&info, scalable, &rids));
	KUNIT_EXPECT_EQ(test, nr, rids.nr);
	KUNIT_EXPECT_EQ(test, first, rids.rids[0]);
	KUNIT_EXPECT_EQ(test, second, rids.rids[1]);
}

/* Who has the context entry of which requester ID? */
static void vtd_test_rids(struct kunit *test)
{
	struct vtd_test_topology *topology = vtd_test_topology(test);
	struct pci_dev *device = &topology->device;
	const u16 alias = PCI_DEVID(2, 0);
	u16 own = PCI_DEVID(2, PCI_DEVFN(1, 0));

	/* All that the device may use, and the bridge's own */
	vtd_test_expect_rids(test, device, false, 0, 2, own, alias);
	vtd_test_expect_rids(test, &topology->bridge, false, 0, 1,
			     PCI_DEVID(1, 0), 0);

	/* The alias is the bridge's once there is a device behind */
	vtd_test_expect_rids(test, device, true, 0, 1, own, 0);
	vtd_test_expect_rids(test, &topology->bridge, true, 0, 1,
			     PCI_DEVID(1, 0), 0);
	vtd_test_expect_rids(test, &topology->bridge, true, alias, 2,
			     PCI_DEVID(1, 0), alias);

	/* In slot 0 it has the alias as its own */
	device->devfn = 0;
	vtd_test_expect_rids(test, device, false, 0, 1, alias, 0);
	vtd_test_expect_rids(test, device, true, 0, 0, 0, 0);

	/* Without bridges that make up requester IDs */
	vtd_test_expect_rids(test, &topology->port, false, 0, 1,
			     PCI_DEVID(0, PCI_DEVFN(4, 0)), 0);
	topology->bridge.dev_flags = PCI_DEV_FLAGS_PCI_BRIDGE_NO_ALIAS;
	vtd_test_expect_rids(test, device, true, 0, 1, alias, 0);
}

/* Two devices behind a bridge, with its requester ID beside their own */
static void vtd_test_takeover_alias(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, false);
	struct context_entry *alias;

	alias = vtd_test_context_table(test, unit, TEST_ALIAS);
	test_set_context(alias);
	vtd_test_device(test, unit, TEST_RID);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_ALIAS;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));
	vtd_test_device(test, unit, TEST_RID_HIGH);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_ALIAS;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));
	KUNIT_EXPECT_EQ(test, 0, vtd_takeover_check_rids(&unit->takeover));
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&unit->takeover.rids, TEST_ALIAS));

	/* The alias leads elsewhere */
	alias->hi ^= 1 << 8;
	vtd_test_device(test, unit, TEST_RID_OTHER);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_ALIAS;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its context entry has another domain id");
}

/* In scalable mode the requester ID of the device in slot 0 is its bridge's */
static void vtd_test_takeover_slot_0(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, true);
	struct context_entry *alias;

	vtd_test_device(test, unit, TEST_ALIAS);
	alias = vtd_test_context_table(test, unit, TEST_ALIAS);
	unit->vtd.nr_rids = 0;
	unit->vtd.rids[0] = 0;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vtd_takeover_check_rids(&unit->takeover));

	vtd_test_device(test, unit, TEST_RID_OTHER);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_ALIAS;
	EXPECT_WRONG(test, vtd_test_takeover(unit),
		     "its context entry has another PASID directory");

	unit = vtd_test_unit(test, true);
	vtd_test_device(test, unit, TEST_ALIAS);
	alias = vtd_test_context_table(test, unit, TEST_ALIAS);
	unit->vtd.nr_rids = 0;
	unit->vtd.rids[0] = 0;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));
	vtd_test_device(test, unit, TEST_RID_OTHER);
	test_set_sm_context(alias, unit->vtd.pasid_dir_phys, 0);
	unit->vtd.nr_rids = 2;
	unit->vtd.rids[1] = TEST_ALIAS;
	EXPECT_RIGHT(test, vtd_test_takeover(unit));
	KUNIT_EXPECT_EQ(test, 0, vtd_takeover_check_rids(&unit->takeover));
	KUNIT_EXPECT_NOT_NULL(test, xa_load(&unit->incoming.devices,
					    TEST_ALIAS));
}

/* A device that is gone must not take an alias from one that is there */
static void vtd_test_stop_rid(struct kunit *test)
{
	struct vtd_test_unit *unit = vtd_test_unit(test, false);
	struct vtd_waiting_device device = { .top_phys = TEST_TOP };
	struct context_entry *context;

	unit->iommu.ecap = BIT_ULL(0);
	unit->iommu.root_entry = unit->takeover.root;
	spin_lock_init(&unit->iommu.lock);
	context = vtd_test_context_table(test, unit, TEST_ALIAS);
	test_set_context(context);
	context_set_address_root(context, TEST_TOP + VTD_PAGE_SIZE);
	vtd_stop_rid(&unit->iommu, &device, TEST_ALIAS);
	KUNIT_EXPECT_NE(test, context->lo & 1, 0);

	test_set_context(context);
	vtd_stop_rid(&unit->iommu, &device, TEST_ALIAS);
	KUNIT_EXPECT_EQ(test, context->lo | context->hi, 0);
	/* No context table */
	vtd_stop_rid(&unit->iommu, &device, TEST_RID_OTHER);
}

/* What is left in the tables at the jump */
static void vtd_test_clear_others(struct kunit *test)
{
	struct context_entry *kept, *sibling, *high, *other;
	struct vtd_test_unit *unit;
	unsigned int scalable, nr;
	u64 *entry;

	for (scalable = 0; scalable < 2; scalable++) {
		unit = vtd_test_unit(test, scalable);
		kept = vtd_test_context_table(test, unit, TEST_RID);
		sibling = vtd_test_context_table(test, unit, TEST_RID + 1);
		high = vtd_test_context_table(test, unit, TEST_RID_HIGH);
		other = vtd_test_context_table(test, unit, TEST_RID_OTHER);
		test_set_context(kept);
		test_set_context(sibling);
		test_set_context(high);
		test_set_context(other);
		entry = vtd_root_entry(unit->takeover.root, TEST_RID, scalable);
		xa_store(&unit->takeover.rids, TEST_RID, xa_mk_value(1),
			 GFP_KERNEL);
		xa_store(&unit->takeover.context_tables,
			 PHYS_PFN(*entry & VTD_PAGE_MASK), xa_mk_value(1),
			 GFP_KERNEL);

		/* In scalable mode @high is in a table of its own */
		nr = vtd_clear_others(&unit->iommu, unit->takeover.root,
				      scalable, &unit->takeover.context_tables,
				      &unit->takeover.rids);
		KUNIT_EXPECT_EQ(test, nr, 3);
		EXPECT_RIGHT(test, vtd_check_context(kept, &test_second_stage));
		KUNIT_EXPECT_EQ(test, sibling->lo | sibling->hi, 0);
		if (scalable)
			KUNIT_EXPECT_EQ(test, 0,
					*vtd_root_entry(unit->takeover.root,
							TEST_RID_HIGH, true));
		else
			KUNIT_EXPECT_EQ(test, high->lo | high->hi, 0);
		KUNIT_EXPECT_EQ(test, 0, *vtd_root_entry(unit->takeover.root,
							 TEST_RID_OTHER,
							 scalable));

		/* Once more there is nothing to do */
		nr = vtd_clear_others(&unit->iommu, unit->takeover.root,
				      scalable, &unit->takeover.context_tables,
				      &unit->takeover.rids);
		KUNIT_EXPECT_EQ(test, nr, 0);
	}
}

static struct kunit_case vtd_liveupdate_cases[] = {
	KUNIT_CASE(vtd_test_context),
	KUNIT_CASE(vtd_test_sm_context),
	KUNIT_CASE(vtd_test_pasid_entry),
	KUNIT_CASE(vtd_test_pasids_in_use),
	KUNIT_CASE(vtd_test_unit_ser),
	KUNIT_CASE(vtd_test_domain_ser),
	KUNIT_CASE(vtd_test_device_ser),
	KUNIT_CASE(vtd_test_unit_caps),
	KUNIT_CASE(vtd_test_vendor_data),
	KUNIT_CASE(vtd_test_takeover_right),
	KUNIT_CASE(vtd_test_takeover_wrong_place),
	KUNIT_CASE(vtd_test_takeover_wrong_tables),
	KUNIT_CASE(vtd_test_takeover_wrong_pasid_tables),
	KUNIT_CASE(vtd_test_takeover_wrong_did),
	KUNIT_CASE(vtd_test_rids),
	KUNIT_CASE(vtd_test_takeover_alias),
	KUNIT_CASE(vtd_test_takeover_slot_0),
	KUNIT_CASE(vtd_test_stop_rid),
	KUNIT_CASE(vtd_test_clear_others),
	{}
};

static struct kunit_suite vtd_liveupdate_suite = {
	.name = "iommu_vtd_liveupdate",
	.test_cases = vtd_liveupdate_cases,
};

kunit_test_suite(vtd_liveupdate_suite);
