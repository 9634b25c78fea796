// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the IOMMU's preserved records, in one boot: a fake IOMMU driver has
 * its domains and devices preserved in fake memory, the memory is declared to
 * be the previous kernel's, and the code that reads it is let loose on it,
 * intact or damaged. Real page tables, KHO and LUO are left to others' tests.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kexec_handover.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "iommu-pages.h"
#include "liveupdate-alloc.h"
#include "liveupdate.h"

#define DOMAINS_PER_CHUNK	IOMMU_RECORDS_PER_CHUNK(struct iommu_domain_ser)
#define DEVICES_PER_CHUNK	IOMMU_RECORDS_PER_CHUNK(struct iommu_device_ser)
#define CHUNKS_PER_PAGE		(PAGE_SIZE / sizeof(u64))
#define INDEX_ROOM_PER_PAGE	(PAGE_SIZE / sizeof(u32) / 2)

/* Fake memory: what is known of a folio is the entry in fake->folios */
enum fake_folio_state {
	FAKE_OWNED,	/* allocated in this kernel */
	FAKE_LEFT,	/* left by the previous kernel, not restored */
	FAKE_RESTORED,	/* left by the previous kernel, restored */
	FAKE_STATES,
};

/**
 * struct fake - a test's world
 * @folios: by pfn, order * FAKE_STATES + enum fake_folio_state
 * @nr_folios: number of them
 * @fail_nth: which allocation is going to fail, counted down; 0 is none
 * @look_at_owned: owned folios pass for left ones, to validate what is in use
 * @fail_restore: which restored folio is going to fail, counted down; 0 is none
 * @domains: all domains
 * @nr_domains: number of them
 * @devices: all devices
 * @nr_devices: number of them
 * @iommu: the devices' IOMMU
 * @nr_preserved_devices: what the driver has preserved for devices
 * @nr_preserved_units: and for units
 * @nr_preserved_pools: how often the pool of page tables is preserved
 * @nr_restored_pools: how often it was restored
 * @nr_done_pools: how often all was said to be claimed
 */
struct fake {
	struct xarray folios;
	unsigned int nr_folios;
	unsigned int fail_nth;
	bool look_at_owned;
	unsigned int fail_restore;
	struct fake_domain *domains;
	unsigned int nr_domains;
	struct fake_device *devices;
	unsigned int nr_devices;
	struct iommu_device iommu;
	unsigned int nr_preserved_devices;
	unsigned int nr_preserved_units;
	unsigned int nr_preserved_pools;
	unsigned int nr_restored_pools;
	unsigned int nr_done_pools;
};

struct fake_domain {
	struct iommu_domain domain;
	u32 number;
	u32 slot;
	bool preserved;
};

struct fake_device {
	struct device dev;
	struct dev_iommu iommu;
	u64 id;
	u64 unit;
	bool preserved;
	bool bad_key;
};

static struct fake *fake_current(void)
{
	return kunit_get_current_test()->priv;
}

/* Is it this allocation's turn to fail? */
static bool fake_fails(struct fake *fake)
{
	return fake->fail_nth && !--fake->fail_nth;
}

static void *fake_entry(unsigned int order, enum fake_folio_state state)
{
	return xa_mk_value(order * FAKE_STATES + state);
}

static void fake_folio_free(struct fake *fake, unsigned long pfn)
{
	void *entry = xa_erase(&fake->folios, pfn);

	__free_pages(pfn_to_page(pfn), xa_to_value(entry) / FAKE_STATES);
	fake->nr_folios--;
}

static void *fake_alloc(unsigned int order)
{
	struct fake *fake = fake_current();
	struct page *page;

	if (fake_fails(fake))
		return ERR_PTR(-ENOMEM);
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, order);
	if (!page)
		return ERR_PTR(-ENOMEM);
	if (xa_is_err(xa_store(&fake->folios, page_to_pfn(page),
			       fake_entry(order, FAKE_OWNED), GFP_KERNEL))) {
		__free_pages(page, order);
		return ERR_PTR(-ENOMEM);
	}
	fake->nr_folios++;
	return page_address(page);
}

static void fake_free(void *address, unsigned int order)
{
	struct fake *fake = fake_current();
	unsigned long pfn = PHYS_PFN(virt_to_phys(address));

	KUNIT_ASSERT_PTR_EQ(kunit_get_current_test(),
			    xa_load(&fake->folios, pfn),
			    fake_entry(order, FAKE_OWNED));
	fake_folio_free(fake, pfn);
}

#define FAKE_POOL_PHYS	0x706f6f6c000ULL

static int fake_pool_preserve(u64 *phys)
{
	struct fake *fake = fake_current();

	if (fake_fails(fake))
		return -ENOMEM;
	fake->nr_preserved_pools++;
	*phys = FAKE_POOL_PHYS;
	return 0;
}

static void fake_pool_unpreserve(void)
{
	fake_current()->nr_preserved_pools--;
}

static int fake_pool_restore(u64 phys)
{
	struct fake *fake = fake_current();

	if (phys != FAKE_POOL_PHYS)
		return -EINVAL;
	if (fake_fails(fake))
		return -ENOMEM;
	fake->nr_restored_pools++;
	return 0;
}

static void fake_pool_restore_done(void)
{
	fake_current()->nr_done_pools++;
}

static bool fake_is_restorable(u64 phys, unsigned int order)
{
	struct fake *fake = fake_current();
	void *entry = xa_load(&fake->folios, PHYS_PFN(phys));

	if (offset_in_page(phys) || !entry || order > MAX_PAGE_ORDER)
		return false;
	if (fake->look_at_owned && entry == fake_entry(order, FAKE_OWNED))
		return true;
	return entry == fake_entry(order, FAKE_LEFT);
}

static void *fake_restore(u64 phys, unsigned int order)
{
	struct fake *fake = fake_current();

	if (fake->fail_restore && !--fake->fail_restore)
		return NULL;
	if (!fake_is_restorable(phys, order))
		return NULL;
	xa_store(&fake->folios, PHYS_PFN(phys), fake_entry(order, FAKE_RESTORED),
		 GFP_KERNEL);
	return phys_to_virt(phys);
}

static void fake_put(void *address, unsigned int order)
{
	struct fake *fake = fake_current();
	unsigned long pfn = PHYS_PFN(virt_to_phys(address));

	KUNIT_ASSERT_PTR_EQ(kunit_get_current_test(),
			    xa_load(&fake->folios, pfn),
			    fake_entry(order, FAKE_RESTORED));
	fake_folio_free(fake, pfn);
}

static void *fake_alloc_array(size_t number, size_t size)
{
	if (fake_fails(fake_current()))
		return NULL;
	return kvcalloc(max_t(size_t, number, 1), size, GFP_KERNEL);
}

static int fake_alloc_slot(struct ida *slots)
{
	if (fake_fails(fake_current()))
		return -ENOMEM;
	return ida_alloc(slots, GFP_KERNEL);
}

static int fake_remember(struct xarray *objects, const void *object, u32 slot)
{
	if (fake_fails(fake_current()))
		return -ENOMEM;
	return xa_insert(objects, (unsigned long)object / __alignof__(void *),
			 xa_mk_value(slot), GFP_KERNEL);
}

/* How many folios are in a state */
static unsigned int fake_count(struct fake *fake, enum fake_folio_state state)
{
	unsigned int number = 0;
	unsigned long pfn;
	void *entry;

	xa_for_each(&fake->folios, pfn, entry)
		if (xa_to_value(entry) % FAKE_STATES == state)
			number++;
	return number;
}

/* The fake IOMMU driver */

static struct fake_domain *to_fake_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct fake_domain, domain);
}

static struct fake_device *to_fake_device(struct device *dev)
{
	return container_of(dev, struct fake_device, dev);
}

static int fake_device_key(struct device *dev, struct iommu_device_key_ser *key)
{
	struct fake_device *device = to_fake_device(dev);

	key->kind = device->bad_key ? IOMMU_DEVICE_NONE : IOMMU_DEVICE_PCI;
	key->id = device->id;
	return fake_fails(fake_current()) ? -ENXIO : 0;
}

static int fake_unit_key(struct device *dev, struct iommu_unit_key_ser *key)
{
	key->vendor = IOMMU_VENDOR_SMMUV3;
	key->id = to_fake_device(dev)->unit;
	return fake_fails(fake_current()) ? -ENXIO : 0;
}

static int fake_domain_preserve(struct iommu_domain *domain,
				struct iommu_domain_ser *ser)
{
	struct fake_domain *fake_domain = to_fake_domain(domain);

	if (fake_fails(fake_current()))
		return -ENOMEM;
	KUNIT_EXPECT_FALSE(kunit_get_current_test(), fake_domain->preserved);
	fake_domain->preserved = true;
	ser->pt.top_phys = fake_domain->number * PAGE_SIZE;
	ser->pt.format = PT_IOMMU_FORMAT_AMDV1;
	ser->vendor_data.tag = 1;
	ser->vendor_data.length = 2;
	ser->vendor_data.data[0] = fake_domain->number;
	return 0;
}

static void fake_domain_unpreserve(struct iommu_domain *domain,
				   const struct iommu_domain_ser *ser)
{
	struct fake_domain *fake_domain = to_fake_domain(domain);
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_TRUE(test, fake_domain->preserved);
	KUNIT_EXPECT_EQ(test, ser->pt.top_phys, fake_domain->number * PAGE_SIZE);
	fake_domain->preserved = false;
}

static struct iommu_domain *fake_domain_restore(const struct iommu_domain_ser *ser)
{
	struct fake *fake = fake_current();

	if (fake_fails(fake))
		return ERR_PTR(-ENOMEM);
	return &fake->domains[ser->pt.top_phys / PAGE_SIZE].domain;
}

static int fake_unit_preserve(struct device *dev, struct iommu_unit_ser *ser)
{
	struct fake *fake = fake_current();

	if (fake_fails(fake))
		return -ENOMEM;
	KUNIT_EXPECT_EQ(kunit_get_current_test(), ser->key.id,
			to_fake_device(dev)->unit);
	fake->nr_preserved_units++;
	return 0;
}

static void fake_unit_unpreserve(struct device *dev,
				 const struct iommu_unit_ser *ser)
{
	KUNIT_EXPECT_EQ(kunit_get_current_test(), ser->key.id,
			to_fake_device(dev)->unit);
	fake_current()->nr_preserved_units--;
}

static int fake_device_preserve(struct device *dev, struct iommu_device_ser *ser)
{
	struct fake *fake = fake_current();

	if (fake_fails(fake))
		return -ENOMEM;
	KUNIT_EXPECT_GT(kunit_get_current_test(), fake->nr_preserved_units, 0);
	KUNIT_EXPECT_EQ(kunit_get_current_test(), ser->key.id,
			to_fake_device(dev)->id);
	fake->nr_preserved_devices++;
	return 0;
}

static void fake_device_unpreserve(struct device *dev,
				   const struct iommu_device_ser *ser)
{
	struct fake *fake = fake_current();

	KUNIT_EXPECT_GT(kunit_get_current_test(), fake->nr_preserved_units, 0);
	KUNIT_EXPECT_EQ(kunit_get_current_test(), ser->key.id,
			to_fake_device(dev)->id);
	fake->nr_preserved_devices--;
}

static int fake_device_adopt(struct device *dev, struct iommu_domain *domain,
			     const struct iommu_device_ser *ser)
{
	return 0;
}

static const struct iommu_liveupdate_ops fake_liveupdate_ops = {
	.vendor = IOMMU_VENDOR_SMMUV3,
	.device_key = fake_device_key,
	.unit_key = fake_unit_key,
	.domain_preserve = fake_domain_preserve,
	.domain_unpreserve = fake_domain_unpreserve,
	.domain_restore = fake_domain_restore,
	.device_adopt = fake_device_adopt,
	.unit_preserve = fake_unit_preserve,
	.unit_unpreserve = fake_unit_unpreserve,
	.device_preserve = fake_device_preserve,
	.device_unpreserve = fake_device_unpreserve,
};

static const struct iommu_liveupdate_ops fake_other_liveupdate_ops = {
	.vendor = IOMMU_VENDOR_AMD,
	.device_key = fake_device_key,
	.unit_key = fake_unit_key,
	.domain_preserve = fake_domain_preserve,
	.domain_unpreserve = fake_domain_unpreserve,
	.domain_restore = fake_domain_restore,
	.device_adopt = fake_device_adopt,
};

static const struct iommu_ops fake_iommu_ops = {
	.liveupdate = &fake_liveupdate_ops,
};

static const struct iommu_ops fake_other_iommu_ops = {
	.liveupdate = &fake_other_liveupdate_ops,
};

static const struct iommu_ops fake_plain_iommu_ops = {};

static int fake_driver_restore(const struct iommu_domain_ser *ser,
			       struct iommu_domain **domain)
{
	*domain = fake_domain_restore(ser);
	return PTR_ERR_OR_ZERO(*domain);
}

static void fake_population(struct kunit *test, unsigned int nr_domains,
			    unsigned int nr_devices, unsigned int nr_units)
{
	struct fake *fake = test->priv;
	unsigned int i;

	fake->domains = kvcalloc(nr_domains, sizeof(*fake->domains), GFP_KERNEL);
	fake->devices = kvcalloc(nr_devices, sizeof(*fake->devices), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->domains);
	KUNIT_ASSERT_NOT_NULL(test, fake->devices);
	fake->nr_domains = nr_domains;
	fake->nr_devices = nr_devices;

	for (i = 0; i < nr_domains; i++) {
		fake->domains[i].number = i;
		fake->domains[i].domain.type = IOMMU_DOMAIN_UNMANAGED;
		fake->domains[i].domain.owner = &fake_iommu_ops;
	}
	for (i = 0; i < nr_devices; i++) {
		fake->devices[i].id = 8 * i;
		fake->devices[i].unit = 0xfed90000 + (u64)(i % nr_units) * PAGE_SIZE;
		fake->devices[i].iommu.iommu_dev = &fake->iommu;
		device_initialize(&fake->devices[i].dev);
		fake->devices[i].dev.iommu = &fake->devices[i].iommu;
	}
}

static int fake_test_init(struct kunit *test)
{
	struct fake *fake;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	if (!fake)
		return -ENOMEM;
	xa_init(&fake->folios);
	fake->iommu.ops = &fake_iommu_ops;
	test->priv = fake;

	kunit_activate_static_stub(test, iommu_liveupdate_alloc, fake_alloc);
	kunit_activate_static_stub(test, iommu_liveupdate_free, fake_free);
	kunit_activate_static_stub(test, iommu_pages_pool_preserve,
				   fake_pool_preserve);
	kunit_activate_static_stub(test, iommu_pages_pool_unpreserve,
				   fake_pool_unpreserve);
	kunit_activate_static_stub(test, iommu_pages_pool_restore,
				   fake_pool_restore);
	kunit_activate_static_stub(test, iommu_pages_pool_restore_done,
				   fake_pool_restore_done);
	kunit_activate_static_stub(test, iommu_liveupdate_is_restorable,
				   fake_is_restorable);
	kunit_activate_static_stub(test, iommu_liveupdate_restore, fake_restore);
	kunit_activate_static_stub(test, iommu_liveupdate_put, fake_put);
	kunit_activate_static_stub(test, iommu_liveupdate_alloc_array,
				   fake_alloc_array);
	kunit_activate_static_stub(test, iommu_liveupdate_alloc_slot,
				   fake_alloc_slot);
	kunit_activate_static_stub(test, iommu_liveupdate_remember, fake_remember);
	kunit_activate_static_stub(test, iommu_liveupdate_driver_restore,
				   fake_driver_restore);
	return 0;
}

/* What a test leaves on purpose goes here; what must be gone it checks itself */
static void fake_test_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long pfn;
	void *entry;

	if (!fake)
		return;
	xa_for_each(&fake->folios, pfn, entry)
		fake_folio_free(fake, pfn);
	xa_destroy(&fake->folios);
	kvfree(fake->domains);
	kvfree(fake->devices);
}

/* Preserving, with the checks that hold at any time */

static struct iommu_liveupdate_outgoing *fake_outgoing(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing;

	outgoing = iommu_liveupdate_outgoing_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, outgoing);
	return outgoing;
}

static int add_domain(struct iommu_liveupdate_outgoing *outgoing,
		      struct fake_domain *domain)
{
	return iommu_liveupdate_outgoing_add_domain(outgoing, &domain->domain,
						    IOMMU_DOMAIN_SER_ENFORCE_CC,
						    &domain->slot);
}

static void remove_domain(struct iommu_liveupdate_outgoing *outgoing,
			  struct fake_domain *domain)
{
	iommu_liveupdate_outgoing_remove_domain(outgoing, &domain->domain,
						domain->slot);
}

static int add_device(struct iommu_liveupdate_outgoing *outgoing,
		      struct fake_device *device, u32 domain)
{
	int err = iommu_liveupdate_outgoing_add_device(outgoing, &device->dev,
						       domain);

	if (!err)
		device->preserved = true;
	return err;
}

static void remove_device(struct iommu_liveupdate_outgoing *outgoing,
			  struct fake_device *device)
{
	iommu_liveupdate_outgoing_remove_device(outgoing, &device->dev);
	device->preserved = false;
}

/* Preserve all domains and devices; device i is attached to domain i modulo */
static void add_all(struct kunit *test, struct iommu_liveupdate_outgoing *outgoing)
{
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < fake->nr_domains; i++)
		KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[i]));
	for (i = 0; i < fake->nr_devices; i++)
		KUNIT_ASSERT_EQ(test, 0,
				add_device(outgoing, &fake->devices[i],
					   fake->domains[i % fake->nr_domains].slot));
}

static void remove_all(struct kunit *test,
		       struct iommu_liveupdate_outgoing *outgoing)
{
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < fake->nr_devices; i++)
		if (fake->devices[i].preserved)
			remove_device(outgoing, &fake->devices[i]);
	for (i = 0; i < fake->nr_domains; i++)
		if (fake->domains[i].preserved)
			remove_domain(outgoing, &fake->domains[i]);
}

static struct iommu_device_key_ser device_key(const struct fake_device *device)
{
	return (struct iommu_device_key_ser){
		.kind = IOMMU_DEVICE_PCI,
		.id = device->id,
	};
}

/* Is what is preserved exactly what should be, and would it be accepted? */
static void check_outgoing(struct kunit *test,
			   struct iommu_liveupdate_outgoing *outgoing)
{
	struct iommu_records *records = &outgoing->records;
	struct iommu_records_fault fault = {};
	unsigned int i, nr_domains = 0, nr_devices = 0;
	struct fake *fake = test->priv;
	struct iommu_device_key_ser key;
	struct iommu_device_ser *device;
	struct iommu_domain_ser *domain;
	int slot;

	for (i = 0; i < fake->nr_domains; i++) {
		if (!fake->domains[i].preserved)
			continue;
		nr_domains++;
		domain = iommu_records_get(records, IOMMU_TABLE_DOMAINS,
					   fake->domains[i].slot);
		KUNIT_ASSERT_NOT_NULL(test, domain);
		KUNIT_EXPECT_EQ(test, domain->pt.top_phys, i * PAGE_SIZE);
	}
	for (i = 0; i < fake->nr_devices; i++) {
		key = device_key(&fake->devices[i]);
		slot = iommu_records_find(records, IOMMU_TABLE_DEVICES, &key);
		if (!fake->devices[i].preserved) {
			KUNIT_EXPECT_EQ(test, -ENOENT, slot);
			continue;
		}
		nr_devices++;
		KUNIT_ASSERT_GE(test, slot, 0);
		device = iommu_records_get(records, IOMMU_TABLE_DEVICES, slot);
		KUNIT_ASSERT_NOT_NULL(test, device);
		KUNIT_EXPECT_EQ(test, device->key.id, fake->devices[i].id);
	}
	KUNIT_EXPECT_EQ(test, nr_domains,
			records->ser->tables[IOMMU_TABLE_DOMAINS].nr_records);
	KUNIT_EXPECT_EQ(test, nr_devices,
			records->ser->tables[IOMMU_TABLE_DEVICES].nr_records);
	/* The driver preserves for those that have a record, and no others */
	KUNIT_EXPECT_EQ(test, nr_devices, fake->nr_preserved_devices);
	KUNIT_EXPECT_EQ(test, fake->nr_preserved_units,
			records->ser->tables[IOMMU_TABLE_UNITS].nr_records);

	fake->look_at_owned = true;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_records_validate(virt_to_phys(records->ser), &fault));
	fake->look_at_owned = false;
	if (fault.what)
		kunit_err(test, "%s: table %d, number %u\n", fault.what,
			  fault.table, fault.where);
}

static void destroy_outgoing(struct kunit *test,
			     struct iommu_liveupdate_outgoing *outgoing)
{
	struct fake *fake = test->priv;

	remove_all(test, outgoing);
	check_outgoing(test, outgoing);
	iommu_liveupdate_outgoing_destroy(outgoing);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

/* The end of the old kernel: its memory stays, its runtime does not */
static u64 fake_kexec(struct kunit *test,
		      struct iommu_liveupdate_outgoing *outgoing)
{
	u64 phys = virt_to_phys(outgoing->records.ser);
	struct fake *fake = test->priv;
	enum iommu_table_kind_ser kind;
	unsigned long pfn;
	void *entry;

	xa_for_each(&fake->folios, pfn, entry)
		xa_store(&fake->folios, pfn,
			 fake_entry(xa_to_value(entry) / FAKE_STATES, FAKE_LEFT),
			 GFP_KERNEL);

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++)
		ida_destroy(&outgoing->records.slots[kind]);
	xa_destroy(&outgoing->domains);
	xa_destroy(&outgoing->devices);
	kvfree(outgoing);
	return phys;
}

/* A small world in which every table has more than one chunk or a gap */
static u64 small_world(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct fake *fake = test->priv;

	fake_population(test, DOMAINS_PER_CHUNK + 6, DEVICES_PER_CHUNK + 9, 3);
	add_all(test, outgoing);
	remove_device(outgoing, &fake->devices[5]);
	remove_domain(outgoing, &fake->domains[DOMAINS_PER_CHUNK + 2]);
	/* The domain's devices, here only one, went with it */
	fake->devices[DOMAINS_PER_CHUNK + 2].preserved = false;
	check_outgoing(test, outgoing);
	return fake_kexec(test, outgoing);
}

static void test_format(struct kunit *test)
{
	/* Two kernels have to agree on these, whatever they are built from */
	KUNIT_EXPECT_EQ(test, 152, sizeof(struct iommu_flb_ser));
	KUNIT_EXPECT_EQ(test, 40, sizeof(struct iommu_table_ser));
	KUNIT_EXPECT_EQ(test, 16, sizeof(struct iommu_chunk_hdr_ser));
	KUNIT_EXPECT_EQ(test, 120, sizeof(struct iommu_domain_ser));
	KUNIT_EXPECT_EQ(test, 80, sizeof(struct iommu_device_ser));
	KUNIT_EXPECT_EQ(test, 72, sizeof(struct iommu_unit_ser));
	KUNIT_EXPECT_EQ(test, 0, iommu_key_hash_ser(0, 0));
	KUNIT_EXPECT_EQ(test, 0xbea47de113ebd936ULL, iommu_key_hash_ser(IOMMU_DEVICE_PCI, 8));
	KUNIT_EXPECT_EQ(test, 0xd144f7318055376ULL, iommu_key_hash_ser(IOMMU_VENDOR_VTD, 4096));
}

/* The sum of the devices' ids, and an error once it is there */
struct id_sum {
	u64 sum;
	u64 stop;
};

static int add_id(const struct iommu_device_ser *device,
		  const struct iommu_domain_ser *domain, void *data)
{
	struct id_sum *ids = data;

	if (!domain || domain->state != IOMMU_RECORD_USED)
		return -EIO;
	ids->sum += device->key.id + 1;
	return ids->sum == ids->stop ? -ECANCELED : 0;
}

/* Each unit leads to its own devices, which are those that say so */
static void test_unit_devices(struct kunit *test,
			      struct iommu_liveupdate_incoming *incoming)
{
	struct iommu_unit_key_ser key = { .vendor = IOMMU_VENDOR_SMMUV3 };
	struct fake *fake = test->priv;
	struct iommu_unit_ser unit;
	unsigned int i, j, number;
	struct id_sum ids;
	u64 sum;

	for (i = 0; i < fake->nr_devices; i++) {
		key.id = fake->devices[i].unit;
		for (j = 0, number = 0, sum = 0; j < fake->nr_devices; j++) {
			if (!fake->devices[j].preserved ||
			    fake->devices[j].unit != key.id)
				continue;
			sum += fake->devices[j].id + 1;
			number++;
		}
		if (!number)
			continue;
		KUNIT_ASSERT_EQ(test, 0,
				iommu_liveupdate_incoming_lookup_unit(incoming, &key,
								      &unit));
		KUNIT_EXPECT_EQ(test, number, unit.nr_devices);
		ids = (struct id_sum) {};
		KUNIT_EXPECT_EQ(test, 0,
				iommu_liveupdate_incoming_walk_unit(incoming, &key,
								    add_id, &ids));
		KUNIT_EXPECT_EQ(test, sum, ids.sum);
		ids = (struct id_sum) { .stop = sum };
		KUNIT_EXPECT_EQ(test, -ECANCELED,
				iommu_liveupdate_incoming_walk_unit(incoming, &key,
								    add_id, &ids));
	}

	key.id = 1;
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommu_liveupdate_incoming_lookup_unit(incoming, &key, &unit));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommu_liveupdate_incoming_walk_unit(incoming, &key,
							    add_id, &ids));
}

static void test_round_trip(struct kunit *test)
{
	struct iommu_liveupdate_incoming *incoming;
	struct fake *fake = test->priv;
	struct iommu_device_ser device;
	struct iommu_device_key_ser key;
	struct iommu_domain *domain;
	unsigned int i;
	u32 flags;
	u64 phys;

	phys = small_world(test);
	incoming = iommu_liveupdate_incoming_create(phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);
	KUNIT_EXPECT_EQ(test, 0, fake_count(fake, FAKE_LEFT));
	KUNIT_EXPECT_EQ(test, 0, fake_count(fake, FAKE_OWNED));

	for (i = 0; i < fake->nr_devices; i++) {
		key = device_key(&fake->devices[i]);
		if (!fake->devices[i].preserved) {
			KUNIT_EXPECT_EQ(test, -ENOENT,
					iommu_liveupdate_incoming_lookup_device(incoming, &key,
										&device));
			continue;
		}
		KUNIT_ASSERT_EQ(test, 0,
				iommu_liveupdate_incoming_lookup_device(incoming, &key,
									&device));
		KUNIT_EXPECT_EQ(test, device.key.id, fake->devices[i].id);
		KUNIT_EXPECT_EQ(test, device.domain,
				fake->domains[i % fake->nr_domains].slot);
	}

	test_unit_devices(test, incoming);

	for (i = 0; i < fake->nr_domains; i++) {
		flags = 0;
		domain = iommu_liveupdate_incoming_restore_domain(incoming,
								  fake->domains[i].slot,
								  &flags);
		if (!fake->domains[i].preserved) {
			KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(domain));
			continue;
		}
		KUNIT_EXPECT_PTR_EQ(test, domain, &fake->domains[i].domain);
		KUNIT_EXPECT_EQ(test, flags, IOMMU_DOMAIN_SER_ENFORCE_CC);

		domain = iommu_liveupdate_incoming_restore_domain(incoming,
								  fake->domains[i].slot,
								  &flags);
		KUNIT_EXPECT_EQ(test, -EALREADY, PTR_ERR(domain));
	}

	iommu_liveupdate_incoming_domain_gone(incoming, fake->domains[3].slot);
	domain = iommu_liveupdate_incoming_restore_domain(incoming,
							  fake->domains[3].slot,
							  &flags);
	KUNIT_EXPECT_EQ(test, -ESTALE, PTR_ERR(domain));
	domain = iommu_liveupdate_incoming_restore_domain(incoming, U32_MAX, &flags);
	KUNIT_EXPECT_EQ(test, -ENOENT, PTR_ERR(domain));

	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

static void test_empty(struct kunit *test)
{
	struct iommu_liveupdate_incoming *incoming;
	struct iommu_device_key_ser key = { .kind = IOMMU_DEVICE_PCI };
	struct fake *fake = test->priv;
	struct iommu_device_ser device;
	u32 flags;
	u64 phys;

	phys = fake_kexec(test, fake_outgoing(test));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommu_records_peek(phys, IOMMU_TABLE_DEVICES, &key, &device));
	incoming = iommu_liveupdate_incoming_create(phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommu_liveupdate_incoming_lookup_device(incoming, &key,
								&device));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR(iommu_liveupdate_incoming_restore_domain(incoming, 0,
									 &flags)));
	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 1, fake->nr_done_pools);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

static void test_refused_to_preserve(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct fake_domain *domains;
	struct fake_device *devices;
	struct fake *fake = test->priv;
	u32 slot;

	fake_population(test, 3, 3, 1);
	domains = fake->domains;
	devices = fake->devices;

	KUNIT_EXPECT_EQ(test, 0, add_domain(outgoing, &domains[0]));
	KUNIT_EXPECT_EQ(test, -EBUSY, add_domain(outgoing, &domains[0]));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_liveupdate_outgoing_add_domain(outgoing,
							     &domains[1].domain,
							     IOMMU_DOMAIN_SER_FLAGS + 1,
							     &slot));

	domains[1].domain.type = IOMMU_DOMAIN_BLOCKED;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add_domain(outgoing, &domains[1]));
	domains[1].domain.type = IOMMU_DOMAIN_UNMANAGED;
	domains[1].domain.owner = NULL;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add_domain(outgoing, &domains[1]));
	domains[1].domain.owner = &fake_plain_iommu_ops;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add_domain(outgoing, &domains[1]));
	domains[1].domain.owner = &fake_other_iommu_ops;
	KUNIT_EXPECT_EQ(test, 0, add_domain(outgoing, &domains[1]));

	KUNIT_EXPECT_EQ(test, -ENOENT, add_device(outgoing, &devices[0], 2));
	KUNIT_EXPECT_EQ(test, -ENOENT, add_device(outgoing, &devices[0], U32_MAX));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			add_device(outgoing, &devices[0], domains[1].slot));
	KUNIT_EXPECT_EQ(test, 0,
			add_device(outgoing, &devices[0], domains[0].slot));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			iommu_liveupdate_outgoing_add_device(outgoing,
							     &devices[0].dev,
							     domains[0].slot));
	devices[1].id = devices[0].id;
	KUNIT_EXPECT_EQ(test, -EEXIST,
			add_device(outgoing, &devices[1], domains[0].slot));
	devices[1].id = 0xfffff;
	devices[1].bad_key = true;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			add_device(outgoing, &devices[1], domains[0].slot));
	devices[1].bad_key = false;
	devices[1].iommu.iommu_dev = NULL;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			add_device(outgoing, &devices[1], domains[0].slot));
	devices[1].dev.iommu = NULL;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			add_device(outgoing, &devices[1], domains[0].slot));
	fake->iommu.ops = &fake_plain_iommu_ops;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			add_device(outgoing, &devices[2], domains[0].slot));
	fake->iommu.ops = &fake_iommu_ops;

	check_outgoing(test, outgoing);
	destroy_outgoing(test, outgoing);
}

static void test_create_failures(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing;
	struct fake *fake = test->priv;
	unsigned int nth;

	for (nth = 1; nth < 100; nth++) {
		fake->fail_nth = nth;
		outgoing = iommu_liveupdate_outgoing_create();
		if (!IS_ERR(outgoing))
			break;
		KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(outgoing));
		KUNIT_EXPECT_EQ(test, 0, fake->fail_nth);
		KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
		KUNIT_EXPECT_EQ(test, 0, fake->nr_preserved_pools);
	}
	/* The object, the header, three directories, two indexes and the pool */
	KUNIT_EXPECT_EQ(test, 9, nth);
	KUNIT_EXPECT_EQ(test, 1, fake->nr_preserved_pools);
	fake->fail_nth = 0;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, outgoing);
	destroy_outgoing(test, outgoing);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_preserved_pools);
}

/*
 * Fail the n-th allocation of adding a domain until it is added. What the
 * tables grew by before the failure stays, so the next round has that many
 * allocations fewer, and as many failure points are left to other calls.
 *
 * Returns the number of failures.
 */
static unsigned int add_domain_with_failures(struct kunit *test,
					     struct iommu_liveupdate_outgoing *outgoing,
					     struct fake_domain *domain)
{
	struct fake *fake = test->priv;
	unsigned int nth;
	int err;

	for (nth = 1; nth < 100; nth++) {
		fake->fail_nth = nth;
		err = add_domain(outgoing, domain);
		if (!err)
			break;
		KUNIT_EXPECT_EQ(test, -ENOMEM, err);
		KUNIT_EXPECT_EQ(test, 0, fake->fail_nth);
		KUNIT_EXPECT_FALSE(test, domain->preserved);
		check_outgoing(test, outgoing);
	}
	fake->fail_nth = 0;
	KUNIT_EXPECT_EQ(test, 0, err);
	check_outgoing(test, outgoing);
	return nth - 1;
}

static void test_domain_failures(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	const unsigned int full = DOMAINS_PER_CHUNK * CHUNKS_PER_PAGE;
	struct fake *fake = test->priv;
	struct iommu_table_ser *ser;
	unsigned int i;

	fake_population(test, full + 1, 1, 1);
	ser = &outgoing->records.ser->tables[IOMMU_TABLE_DOMAINS];

	/* The slot, a chunk, the entry */
	KUNIT_EXPECT_EQ(test, 3,
			add_domain_with_failures(test, outgoing, &fake->domains[0]));
	/* The slot, the entry, the driver */
	KUNIT_EXPECT_EQ(test, 3,
			add_domain_with_failures(test, outgoing, &fake->domains[1]));

	for (i = 2; i < full; i++)
		KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[i]));
	KUNIT_EXPECT_EQ(test, CHUNKS_PER_PAGE, ser->nr_chunks);
	KUNIT_EXPECT_EQ(test, 0, ser->directory_order);

	/* The slot, a directory, a chunk, the driver */
	KUNIT_EXPECT_EQ(test, 4,
			add_domain_with_failures(test, outgoing,
						 &fake->domains[full]));
	KUNIT_EXPECT_EQ(test, CHUNKS_PER_PAGE + 1, ser->nr_chunks);
	KUNIT_EXPECT_EQ(test, 1, ser->directory_order);

	destroy_outgoing(test, outgoing);
}

/* The same for a device */
static unsigned int add_device_with_failures(struct kunit *test,
					     struct iommu_liveupdate_outgoing *outgoing,
					     struct fake_device *device, u32 domain)
{
	struct fake *fake = test->priv;
	unsigned int nth;
	int err;

	for (nth = 1; nth < 100; nth++) {
		fake->fail_nth = nth;
		err = add_device(outgoing, device, domain);
		if (!err)
			break;
		KUNIT_EXPECT_TRUE(test, err == -ENOMEM || err == -ENXIO);
		KUNIT_EXPECT_EQ(test, 0, fake->fail_nth);
		check_outgoing(test, outgoing);
	}
	fake->fail_nth = 0;
	KUNIT_EXPECT_EQ(test, 0, err);
	check_outgoing(test, outgoing);
	return nth - 1;
}

static void test_device_failures(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct fake *fake = test->priv;
	unsigned int i;
	u32 domain;

	/* A unit of its own for each device, so that both indexes grow at once */
	fake_population(test, 1, INDEX_ROOM_PER_PAGE + 2, U32_MAX);
	KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[0]));
	domain = fake->domains[0].slot;

	/*
	 * Two keys, the slot, a chunk, the entry, the unit's chunk, the driver's
	 * two; but the chunk is there to stay when the driver fails.
	 */
	KUNIT_EXPECT_EQ(test, 7,
			add_device_with_failures(test, outgoing,
						 &fake->devices[0], domain));
	/* Two keys, the slot, the entry, the unit's slot, the driver's two */
	KUNIT_EXPECT_EQ(test, 7,
			add_device_with_failures(test, outgoing,
						 &fake->devices[1], domain));
	/* The unit is there: two keys, the slot, the entry, the driver's */
	fake->devices[2].unit = fake->devices[1].unit;
	KUNIT_EXPECT_EQ(test, 5,
			add_device_with_failures(test, outgoing,
						 &fake->devices[2], domain));
	remove_device(outgoing, &fake->devices[2]);
	fake->devices[2].unit++;

	for (i = 2; i < INDEX_ROOM_PER_PAGE; i++)
		KUNIT_ASSERT_EQ(test, 0,
				add_device(outgoing, &fake->devices[i], domain));

	/* The same with an index in place of each chunk */
	KUNIT_EXPECT_EQ(test, 7,
			add_device_with_failures(test, outgoing,
						 &fake->devices[i], domain));
	KUNIT_EXPECT_EQ(test, IOMMU_INDEX_MIN_BITS + 1,
			outgoing->records.ser->tables[IOMMU_TABLE_DEVICES].index_bits);
	KUNIT_EXPECT_EQ(test, IOMMU_INDEX_MIN_BITS + 1,
			outgoing->records.ser->tables[IOMMU_TABLE_UNITS].index_bits);

	destroy_outgoing(test, outgoing);
}

static void test_growth(struct kunit *test)
{
	const unsigned int number = 8 * INDEX_ROOM_PER_PAGE + 1;
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct iommu_liveupdate_incoming *incoming;
	struct fake *fake = test->priv;
	struct iommu_records_fault fault;
	struct iommu_device_ser device, early;
	struct iommu_device_key_ser key;
	struct iommu_table_ser *ser;
	unsigned int i;
	u64 phys;

	fake_population(test, 64, number, 5);
	for (i = 0; i < fake->nr_domains; i++)
		KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[i]));
	for (i = 0; i < number; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				add_device(outgoing, &fake->devices[i], i % 64));
		/* Before and after each doubling */
		if (is_power_of_2(i) || is_power_of_2(i + 1))
			check_outgoing(test, outgoing);
	}
	ser = &outgoing->records.ser->tables[IOMMU_TABLE_DEVICES];
	KUNIT_EXPECT_EQ(test, IOMMU_INDEX_MIN_BITS + 4, ser->index_bits);
	KUNIT_EXPECT_EQ(test, 4, ser->index_order);
	for (i = 0; i < number; i += 3)
		remove_device(outgoing, &fake->devices[i]);
	check_outgoing(test, outgoing);

	/* More records than half of the buckets */
	phys = fake_kexec(test, outgoing);
	ser->index_bits = IOMMU_INDEX_MIN_BITS;
	ser->index_order = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_records_validate(phys, &fault));
	KUNIT_EXPECT_STREQ(test, "index load", fault.what);
	ser->index_bits = IOMMU_INDEX_MIN_BITS + 4;
	ser->index_order = 4;

	/* The early look-up knows what the later one knows */
	for (i = 0; i < number; i++) {
		key = device_key(&fake->devices[i]);
		memset(&early, 0, sizeof(early));
		KUNIT_EXPECT_EQ(test, i % 3 ? 0 : -ENOENT,
				iommu_records_peek(phys, IOMMU_TABLE_DEVICES, &key,
						   &early));
		if (i % 3)
			KUNIT_EXPECT_EQ(test, early.key.id, key.id);
		if (i % 3)
			KUNIT_EXPECT_EQ(test, early.domain, i % 64);
	}

	incoming = iommu_liveupdate_incoming_create(phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);
	for (i = 0; i < number; i++) {
		key = device_key(&fake->devices[i]);
		KUNIT_EXPECT_EQ(test, i % 3 ? 0 : -ENOENT,
				iommu_liveupdate_incoming_lookup_device(incoming, &key,
									&device));
		if (i % 3)
			KUNIT_EXPECT_EQ(test, device.domain, i % 64);
	}

	/* What has been restored is no longer to be peeked at */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_records_peek(phys, IOMMU_TABLE_DEVICES, &key, &early));

	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

/* Ids whose first buckets are the last few, so that probes run over the end */
static void fake_colliding_ids(struct fake *fake)
{
	struct fake_device *device = fake->devices;
	u64 id, bucket;

	for (id = 0; device < fake->devices + fake->nr_devices; id++) {
		bucket = iommu_key_hash_ser(IOMMU_DEVICE_PCI, id) >>
			 (64 - IOMMU_INDEX_MIN_BITS);
		if (bucket >= (1 << IOMMU_INDEX_MIN_BITS) - 16)
			device++->id = id;
	}
}

static void test_remove_and_add(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct fake *fake = test->priv;
	struct fake_device *device;
	struct rnd_state random;
	unsigned int round;

	prandom_seed_state(&random, 42);
	fake_population(test, 1, 96, 7);
	fake_colliding_ids(fake);
	add_all(test, outgoing);
	check_outgoing(test, outgoing);

	for (round = 0; round < 1500; round++) {
		device = &fake->devices[prandom_u32_state(&random) % fake->nr_devices];
		if (device->preserved)
			remove_device(outgoing, device);
		else
			KUNIT_ASSERT_EQ(test, 0,
					add_device(outgoing, device,
						   fake->domains[0].slot));
		check_outgoing(test, outgoing);
	}

	/* Slots are used again: never more than there were devices at once */
	KUNIT_EXPECT_EQ(test, fake->nr_devices,
			outgoing->records.ser->tables[IOMMU_TABLE_DEVICES].nr_slots);
	destroy_outgoing(test, outgoing);
}

static void test_domain_slot_reuse(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct fake *fake = test->priv;
	unsigned int i;

	fake_population(test, 100, 1, 1);
	for (i = 0; i < 99; i++)
		KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[i]));
	remove_domain(outgoing, &fake->domains[40]);
	KUNIT_ASSERT_EQ(test, 0, add_domain(outgoing, &fake->domains[99]));
	KUNIT_EXPECT_EQ(test, fake->domains[40].slot, fake->domains[99].slot);
	KUNIT_EXPECT_EQ(test, 99,
			outgoing->records.ser->tables[IOMMU_TABLE_DOMAINS].nr_slots);
	check_outgoing(test, outgoing);
	destroy_outgoing(test, outgoing);
}

/* Remove number @which of two domains and three devices; see any_order() */
static void remove_one(struct kunit *test, struct fake *fake,
		       struct iommu_liveupdate_outgoing *outgoing,
		       unsigned int which)
{
	if (which >= 2) {
		remove_device(outgoing, &fake->devices[which - 2]);
		return;
	}
	remove_domain(outgoing, &fake->domains[which]);
	/* Devices 0 and 2 are attached to domain 0, device 1 to domain 1 */
	if (which) {
		fake->devices[1].preserved = false;
	} else {
		fake->devices[0].preserved = false;
		fake->devices[2].preserved = false;
	}
}

static void test_unpreserve_in_any_order(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	unsigned int order, rest, i, j, left, which[5];
	struct fake *fake = test->priv;
	enum iommu_table_kind_ser kind;

	fake_population(test, 2, 3, 2);
	for (order = 0; order < 5 * 4 * 3 * 2; order++) {
		for (i = 0; i < 5; i++)
			which[i] = i;
		add_all(test, outgoing);
		check_outgoing(test, outgoing);

		for (left = 5, rest = order; left; left--) {
			i = rest % left;
			rest /= left;
			remove_one(test, fake, outgoing, which[i]);
			check_outgoing(test, outgoing);
			for (j = i; j + 1 < left; j++)
				which[j] = which[j + 1];
		}
		for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++)
			KUNIT_EXPECT_EQ(test, 0,
					outgoing->records.ser->tables[kind].nr_records);
	}
	destroy_outgoing(test, outgoing);
}

/* All memory that is preserved, in a world that needs no large folios */
static u8 *fake_snapshot(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long pfn;
	u8 *copy, *to;
	void *entry;

	copy = kunit_kcalloc(test, fake->nr_folios, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	to = copy;
	xa_for_each(&fake->folios, pfn, entry) {
		KUNIT_ASSERT_PTR_EQ(test, entry, fake_entry(0, FAKE_OWNED));
		memcpy(to, phys_to_virt(PFN_PHYS(pfn)), PAGE_SIZE);
		to += PAGE_SIZE;
	}
	return copy;
}

static unsigned int fake_bytes_changed(struct kunit *test, const u8 *snapshot)
{
	struct fake *fake = test->priv;
	unsigned int i, number = 0;
	unsigned long pfn;
	void *entry;
	u8 *now;

	xa_for_each(&fake->folios, pfn, entry) {
		now = phys_to_virt(PFN_PHYS(pfn));
		for (i = 0; i < PAGE_SIZE; i++)
			if (now[i] != *snapshot++)
				number++;
	}
	return number;
}

/* User space runs on after the freeze, and the kexec can come at any time */
static void test_detached_when_frozen(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct iommu_liveupdate_incoming *incoming;
	struct fake *fake = test->priv;
	struct iommu_device_key_ser key;
	struct iommu_device_ser device;
	unsigned int i;
	u8 *before;
	u32 flags;
	u64 phys;
	int err;

	fake_population(test, 3, 5, 2);
	add_all(test, outgoing);
	remove_domain(outgoing, &fake->domains[2]);
	fake->devices[2].preserved = false;
	check_outgoing(test, outgoing);

	iommu_liveupdate_outgoing_freeze(outgoing);
	before = fake_snapshot(test);
	KUNIT_EXPECT_EQ(test, -EBUSY, add_domain(outgoing, &fake->domains[2]));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			add_device(outgoing, &fake->devices[2], fake->domains[0].slot));
	KUNIT_EXPECT_EQ(test, 0, fake_bytes_changed(test, before));

	/* The only device of its domain, and one of two */
	remove_device(outgoing, &fake->devices[1]);
	KUNIT_EXPECT_EQ(test, 1, fake_bytes_changed(test, before));
	remove_device(outgoing, &fake->devices[3]);
	KUNIT_EXPECT_EQ(test, 2, fake_bytes_changed(test, before));
	/* It is gone already, and does not come back */
	remove_device(outgoing, &fake->devices[3]);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			add_device(outgoing, &fake->devices[3], fake->domains[0].slot));
	KUNIT_EXPECT_EQ(test, 2, fake_bytes_changed(test, before));

	phys = fake_kexec(test, outgoing);
	for (i = 0; i < fake->nr_devices; i++) {
		key = device_key(&fake->devices[i]);
		err = fake->devices[i].preserved ? 0 : -ENOENT;
		KUNIT_EXPECT_EQ(test, err,
				iommu_records_peek(phys, IOMMU_TABLE_DEVICES, &key, &device));
	}

	incoming = iommu_liveupdate_incoming_create(phys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);
	for (i = 0; i < fake->nr_devices; i++) {
		key = device_key(&fake->devices[i]);
		err = fake->devices[i].preserved ? 0 : -ENOENT;
		KUNIT_EXPECT_EQ(test, err,
				iommu_liveupdate_incoming_lookup_device(incoming, &key,
									&device));
	}
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_PTR_EQ(test, &fake->domains[i].domain,
				    iommu_liveupdate_incoming_restore_domain(incoming,
									     fake->domains[i].slot,
									     &flags));
	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

/* Nothing of a freeze that is undone stays */
static void test_freeze_undone(struct kunit *test)
{
	struct iommu_liveupdate_outgoing *outgoing = fake_outgoing(test);
	struct iommu_records *records = &outgoing->records;
	struct fake *fake = test->priv;
	struct iommu_device_key_ser key;
	unsigned int i;

	fake_population(test, 3, 5, 2);
	add_all(test, outgoing);

	/* One file is frozen, another one tries and refuses */
	iommu_liveupdate_outgoing_freeze(outgoing);
	records->ser->freeze_cycles += 5;
	iommu_liveupdate_outgoing_freeze(outgoing);
	remove_device(outgoing, &fake->devices[1]);
	iommu_liveupdate_outgoing_unfreeze(outgoing);
	key = device_key(&fake->devices[1]);
	KUNIT_EXPECT_GE(test, iommu_records_find(records, IOMMU_TABLE_DEVICES, &key), 0);
	KUNIT_EXPECT_EQ(test, 5, records->ser->freeze_cycles);

	iommu_liveupdate_outgoing_unfreeze(outgoing);
	KUNIT_EXPECT_EQ(test, 0, records->ser->freeze_cycles);
	check_outgoing(test, outgoing);

	KUNIT_EXPECT_EQ(test, 0,
			add_device(outgoing, &fake->devices[1], fake->domains[1].slot));
	check_outgoing(test, outgoing);

	/* The next one counts from the start, and loses all devices */
	iommu_liveupdate_outgoing_freeze(outgoing);
	records->ser->freeze_cycles += 3;
	KUNIT_EXPECT_EQ(test, 3, records->ser->freeze_cycles);
	for (i = 0; i < fake->nr_devices; i++)
		remove_device(outgoing, &fake->devices[i]);
	iommu_liveupdate_outgoing_unfreeze(outgoing);
	check_outgoing(test, outgoing);
	KUNIT_EXPECT_EQ(test, 0, records->ser->tables[IOMMU_TABLE_UNITS].nr_records);

	destroy_outgoing(test, outgoing);
}

static void test_retrieve_failures(struct kunit *test)
{
	struct iommu_liveupdate_incoming *incoming;
	struct fake *fake = test->priv;
	unsigned int nth, nr_folios;
	struct iommu_domain *domain;
	u32 flags, i;
	u64 phys;

	phys = small_world(test);
	nr_folios = fake->nr_folios;
	for (nth = 1; nth < 100; nth++) {
		fake->fail_nth = nth;
		incoming = iommu_liveupdate_incoming_create(phys);
		if (!IS_ERR(incoming))
			break;
		/* Nothing has been touched, so the next round starts afresh */
		KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(incoming));
		KUNIT_EXPECT_EQ(test, nr_folios, fake_count(fake, FAKE_LEFT));
	}
	/* Two arrays to count in, the object, the domains' progress, the pool */
	KUNIT_EXPECT_EQ(test, 6, nth);
	KUNIT_EXPECT_EQ(test, 1, fake->nr_restored_pools);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);

	/* A driver that cannot restore may be asked again */
	fake->fail_nth = 1;
	domain = iommu_liveupdate_incoming_restore_domain(incoming, 0, &flags);
	KUNIT_EXPECT_EQ(test, -ENOMEM, PTR_ERR(domain));
	for (i = 0; i < fake->nr_domains; i++) {
		if (!fake->domains[i].preserved)
			continue;
		domain = iommu_liveupdate_incoming_restore_domain(incoming,
								  fake->domains[i].slot,
								  &flags);
		KUNIT_EXPECT_PTR_EQ(test, domain, &fake->domains[i].domain);
	}
	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

/* Memory that somebody else has taken is not freed, and neither is the rest */
static void test_restore_failures(struct kunit *test)
{
	struct iommu_records records;
	struct fake *fake = test->priv;
	unsigned int nr_folios, nth;
	unsigned long pfn;
	void *entry;
	u64 phys;

	phys = small_world(test);
	nr_folios = fake->nr_folios;
	for (nth = 1; nth <= nr_folios; nth++) {
		fake->fail_restore = nth;
		KUNIT_EXPECT_EQ(test, -EIO, iommu_records_restore(&records, phys));
		KUNIT_EXPECT_EQ(test, nr_folios, fake->nr_folios);
		xa_for_each(&fake->folios, pfn, entry)
			xa_store(&fake->folios, pfn,
				 fake_entry(xa_to_value(entry) / FAKE_STATES,
					    FAKE_LEFT), GFP_KERNEL);
	}
	fake->fail_restore = 0;
	KUNIT_ASSERT_EQ(test, 0, iommu_records_restore(&records, phys));
	iommu_records_put(&records);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
}

static void test_not_restored(struct kunit *test)
{
	struct iommu_liveupdate_incoming *incoming;
	struct fake *fake = test->priv;

	incoming = iommu_liveupdate_incoming_create(small_world(test));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, incoming);
	/* Reports the domains, and frees no memory but that of the records */
	iommu_liveupdate_incoming_finish(incoming);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_folios);
	/* Pages in the pool may be tables of a domain that is in use */
	KUNIT_EXPECT_EQ(test, 0, fake->nr_done_pools);
}

/* Damage */

/**
 * struct world - a preserved state to be damaged, and to be repaired again
 * @test: the test
 * @phys: the FLB's handle
 * @ser: its head
 * @domains: the table of domains
 * @devices: the table of devices
 * @units: the table of units
 * @pristine: copies of the folios, by pfn
 */
struct world {
	struct kunit *test;
	u64 phys;
	struct iommu_flb_ser *ser;
	struct iommu_table_ser *domains;
	struct iommu_table_ser *devices;
	struct iommu_table_ser *units;
	struct xarray pristine;
};

static void world_create(struct kunit *test, struct world *world)
{
	struct fake *fake = test->priv;
	unsigned long pfn;
	void *entry, *copy;

	world->test = test;
	world->phys = small_world(test);
	world->ser = phys_to_virt(world->phys);
	world->domains = &world->ser->tables[IOMMU_TABLE_DOMAINS];
	world->devices = &world->ser->tables[IOMMU_TABLE_DEVICES];
	world->units = &world->ser->tables[IOMMU_TABLE_UNITS];

	xa_init(&world->pristine);
	xa_for_each(&fake->folios, pfn, entry) {
		copy = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		memcpy(copy, phys_to_virt(PFN_PHYS(pfn)), PAGE_SIZE);
		KUNIT_ASSERT_FALSE(test, xa_is_err(xa_store(&world->pristine, pfn,
							    copy, GFP_KERNEL)));
	}
}

static void world_repair(struct world *world)
{
	unsigned long pfn;
	void *copy;

	xa_for_each(&world->pristine, pfn, copy)
		memcpy(phys_to_virt(PFN_PHYS(pfn)), copy, PAGE_SIZE);
}

/* The damage is seen, for what it is, by every way in, and nothing is touched */
static void world_expect_refused(struct world *world, int err, const char *what)
{
	struct iommu_records_fault fault = { .what = "" };
	struct kunit *test = world->test;
	struct fake *fake = test->priv;
	struct iommu_device_key_ser key;
	struct iommu_device_ser device;
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(test, err, iommu_records_validate(world->phys, &fault),
			    "expected \"%s\"", what);
	KUNIT_EXPECT_STREQ(test, what, fault.what);
	KUNIT_EXPECT_EQ(test, fake->nr_folios, fake_count(fake, FAKE_LEFT));

	/* It may find a device in spite of it, but never another one */
	for (i = 0; i < fake->nr_devices; i++) {
		key = device_key(&fake->devices[i]);
		if (!iommu_records_peek(world->phys, IOMMU_TABLE_DEVICES, &key,
					&device))
			KUNIT_EXPECT_EQ(test, key.id, device.key.id);
	}

	world_repair(world);
}

/* Damage the world as the last arguments say and see why it is refused */
#define EXPECT_REFUSED(_world, _what, ...)				\
do {									\
	__VA_ARGS__;							\
	world_expect_refused(_world, -EINVAL, _what);			\
} while (0)

static u64 *directory_of(const struct iommu_table_ser *table)
{
	return phys_to_virt(table->directory_phys);
}

static u32 *index_of(const struct iommu_table_ser *table)
{
	return phys_to_virt(table->index_phys);
}

static struct iommu_chunk_hdr_ser *chunk_at(const struct iommu_table_ser *table,
					    u32 position)
{
	return phys_to_virt(directory_of(table)[position]);
}

static void *record_at(const struct iommu_table_ser *table, u32 slot)
{
	struct iommu_chunk_hdr_ser *header = chunk_at(table, 0);
	u32 per_chunk = (PAGE_SIZE - sizeof(*header)) / header->record_size;

	return (void *)(chunk_at(table, slot / per_chunk) + 1) +
	       (slot % per_chunk) * header->record_size;
}

static struct iommu_domain_ser *domain_at(struct world *world, u32 slot)
{
	return record_at(world->domains, slot);
}

static struct iommu_device_ser *device_at(struct world *world, u32 slot)
{
	return record_at(world->devices, slot);
}

static struct iommu_unit_ser *unit_at(struct world *world, u32 slot)
{
	return record_at(world->units, slot);
}

/* The first bucket that holds an entry; 0 finds an empty one */
static u32 *bucket_of(const struct iommu_table_ser *table, u32 entry)
{
	u32 *bucket = index_of(table);

	while (*bucket != entry)
		bucket++;
	return bucket;
}

/* Put the entry of a slot where its key, changed since, belongs */
static void reindex(const struct iommu_table_ser *table, u32 slot, u32 kind, u64 id)
{
	u32 mask = (1 << table->index_bits) - 1;
	u32 *index = index_of(table);
	u32 bucket;

	*bucket_of(table, slot + 1) = 0;
	bucket = iommu_key_hash_ser(kind, id) >> (64 - table->index_bits);
	while (index[bucket])
		bucket = (bucket + 1) & mask;
	index[bucket] = slot + 1;
}

static void test_damaged_header(struct kunit *test)
{
	struct world world, *w = &world;
	struct iommu_records_fault fault;
	struct iommu_flb_ser header;
	u64 phys;

	world_create(test, w);
	phys = w->phys;

	KUNIT_EXPECT_EQ(test, 0, iommu_records_peek_header(phys, &header));
	KUNIT_EXPECT_MEMEQ(test, w->ser, &header, sizeof(header));

	EXPECT_REFUSED(w, "header address", w->phys = 0);
	EXPECT_REFUSED(w, "header address", w->phys = U64_MAX);
	EXPECT_REFUSED(w, "header address", w->phys = phys + 8);
	EXPECT_REFUSED(w, "header address", w->phys = phys + (1ULL << 52));
	EXPECT_REFUSED(w, "header address", w->phys = virt_to_phys(test));
	w->phys = phys;
	EXPECT_REFUSED(w, "header magic", w->phys = w->domains->directory_phys);
	w->phys = phys;
	EXPECT_REFUSED(w, "header magic", w->ser->magic++);
	EXPECT_REFUSED(w, "header magic", memset(w->ser, 0, PAGE_SIZE));
	EXPECT_REFUSED(w, "header tail", *(u8 *)(w->ser + 1) = 1);
	EXPECT_REFUSED(w, "header tail", ((u8 *)w->ser)[PAGE_SIZE - 1] = 1);

	w->ser->version++;
	KUNIT_EXPECT_EQ(test, -EPROTO, iommu_records_peek_header(phys, &header));
	world_expect_refused(w, -EPROTO, "version");
	w->ser->version = 0;
	world_expect_refused(w, -EPROTO, "version");
	w->ser->page_size *= 4;
	world_expect_refused(w, -EPROTO, "page size");

	/* All damage was repaired: the reasons above were the reasons */
	KUNIT_EXPECT_EQ(test, 0, iommu_records_validate(phys, &fault));
	xa_destroy(&w->pristine);
}

static void test_damaged_tables(struct kunit *test)
{
	struct world world, *w = &world;
	struct iommu_records_fault fault;
	u64 address;

	world_create(test, w);

	EXPECT_REFUSED(w, "directory order", w->units->directory_order = MAX_PAGE_ORDER + 1);
	EXPECT_REFUSED(w, "directory order", w->units->directory_order = U32_MAX);
	EXPECT_REFUSED(w, "directory address", w->units->directory_order = 1);
	EXPECT_REFUSED(w, "directory address", w->domains->directory_phys = 0);
	EXPECT_REFUSED(w, "directory address", w->domains->directory_phys = U64_MAX);
	EXPECT_REFUSED(w, "directory address", w->domains->directory_phys += 8);
	EXPECT_REFUSED(w, "chunk count", w->devices->nr_chunks = CHUNKS_PER_PAGE + 1);
	EXPECT_REFUSED(w, "chunk count", w->devices->nr_chunks = U32_MAX);
	EXPECT_REFUSED(w, "slot count", w->devices->nr_chunks--);
	EXPECT_REFUSED(w, "slot count", w->domains->nr_slots = 2 * DOMAINS_PER_CHUNK + 1);
	EXPECT_REFUSED(w, "slot count", w->domains->nr_slots = U32_MAX);
	EXPECT_REFUSED(w, "record count", w->domains->nr_records = w->domains->nr_slots + 1);
	EXPECT_REFUSED(w, "record count", w->domains->nr_records = U32_MAX);
	EXPECT_REFUSED(w, "record count", w->domains->nr_records--);
	EXPECT_REFUSED(w, "record count", w->domains->nr_records++);
	EXPECT_REFUSED(w, "record behind the last slot", w->domains->nr_slots--);

	/* Truncated: fewer chunks in the directory than in the count, or more */
	EXPECT_REFUSED(w, "chunk address", w->devices->nr_chunks++);
	EXPECT_REFUSED(w, "chunk address", directory_of(w->devices)[1] = 0);
	EXPECT_REFUSED(w, "directory tail",
		       w->domains->nr_chunks--,
		       w->domains->nr_slots = DOMAINS_PER_CHUNK,
		       w->domains->nr_records = DOMAINS_PER_CHUNK);
	EXPECT_REFUSED(w, "directory tail",
		       directory_of(w->units)[CHUNKS_PER_PAGE - 1] = 1);

	EXPECT_REFUSED(w, "chunk address", directory_of(w->devices)[0] = U64_MAX);
	EXPECT_REFUSED(w, "chunk address", directory_of(w->devices)[0] += 16);
	EXPECT_REFUSED(w, "chunk address", directory_of(w->devices)[0] += 1ULL << 52);
	EXPECT_REFUSED(w, "chunk address",
		       directory_of(w->devices)[0] = virt_to_phys(test) & PAGE_MASK);

	/* Twice in one directory, and in two */
	EXPECT_REFUSED(w, "chunk of another position",
		       directory_of(w->devices)[1] = directory_of(w->devices)[0]);
	EXPECT_REFUSED(w, "chunk of another table",
		       directory_of(w->devices)[0] = directory_of(w->domains)[0]);
	/* Going round: to the header, to the directory itself, to an index */
	EXPECT_REFUSED(w, "chunk magic", directory_of(w->devices)[0] = w->phys);
	EXPECT_REFUSED(w, "chunk magic",
		       directory_of(w->devices)[0] = w->devices->directory_phys);
	EXPECT_REFUSED(w, "chunk magic",
		       directory_of(w->devices)[0] = w->units->index_phys);
	EXPECT_REFUSED(w, "alias", w->devices->directory_phys = w->domains->directory_phys);
	EXPECT_REFUSED(w, "alias", w->devices->directory_phys = w->phys);
	EXPECT_REFUSED(w, "alias", w->devices->index_phys = w->units->index_phys);
	EXPECT_REFUSED(w, "alias", w->devices->index_phys = w->units->directory_phys);

	EXPECT_REFUSED(w, "chunk magic", chunk_at(w->domains, 1)->magic ^= 1);
	EXPECT_REFUSED(w, "chunk of another table", chunk_at(w->domains, 1)->table++);
	EXPECT_REFUSED(w, "chunk of another position", chunk_at(w->domains, 1)->position++);
	EXPECT_REFUSED(w, "record size", chunk_at(w->domains, 1)->record_size -= 8);
	EXPECT_REFUSED(w, "chunk tail", ((u8 *)chunk_at(w->units, 0))[PAGE_SIZE - 1] = 1);

	/* The chunks of a table in the wrong order */
	address = directory_of(w->devices)[0];
	EXPECT_REFUSED(w, "chunk of another position",
		       directory_of(w->devices)[0] = directory_of(w->devices)[1],
		       directory_of(w->devices)[1] = address);

	KUNIT_EXPECT_EQ(test, 0, iommu_records_validate(w->phys, &fault));
	xa_destroy(&w->pristine);
}

static void test_damaged_index(struct kunit *test)
{
	struct world world, *w = &world;
	struct iommu_records_fault fault;
	u32 hole = 5; /* the device that small_world() removed */

	world_create(test, w);

	EXPECT_REFUSED(w, "index without keys", w->domains->index_phys = w->units->index_phys);
	EXPECT_REFUSED(w, "index without keys", w->domains->index_bits = IOMMU_INDEX_MIN_BITS);
	EXPECT_REFUSED(w, "index without keys", w->domains->index_order = 1);
	EXPECT_REFUSED(w, "index bits", w->devices->index_bits = IOMMU_INDEX_MIN_BITS - 1);
	EXPECT_REFUSED(w, "index bits", w->devices->index_bits = IOMMU_INDEX_MAX_BITS + 1);
	EXPECT_REFUSED(w, "index bits", w->devices->index_bits = U32_MAX);
	EXPECT_REFUSED(w, "index order", w->devices->index_bits++);
	EXPECT_REFUSED(w, "index order", w->devices->index_order++);
	EXPECT_REFUSED(w, "index address",
		       w->devices->index_bits++, w->devices->index_order++);
	EXPECT_REFUSED(w, "index address", w->devices->index_phys = 0);
	EXPECT_REFUSED(w, "index address", w->units->index_phys = U64_MAX);
	EXPECT_REFUSED(w, "index address", w->units->index_phys += 4);

	EXPECT_REFUSED(w, "index entry", *bucket_of(w->devices, 0) = w->devices->nr_slots + 1);
	EXPECT_REFUSED(w, "index entry", *bucket_of(w->devices, 0) = U32_MAX);
	EXPECT_REFUSED(w, "index entry", *bucket_of(w->devices, 0) = hole + 1);
	EXPECT_REFUSED(w, "index count", *bucket_of(w->devices, 8) = 0);
	EXPECT_REFUSED(w, "index count", *bucket_of(w->units, 0) = 1);
	EXPECT_REFUSED(w, "index count", memset(index_of(w->units), 0, PAGE_SIZE));
	/* The right number of entries, but not the right ones */
	EXPECT_REFUSED(w, "record not in index",
		       *bucket_of(w->devices, 8) = *bucket_of(w->devices, 9));
	EXPECT_REFUSED(w, "record not in index",
		       device_at(w, 7)->key.id += 1ULL << 40);
	EXPECT_REFUSED(w, "record not in index",
		       memset(index_of(w->units), 0, PAGE_SIZE),
		       memcpy(index_of(w->units) + 511, (u32 []){ 1, 2, 3 }, 12));
	/* All of it used: an endless probe if it were not bounded */
	EXPECT_REFUSED(w, "index count",
		       memset32(index_of(w->devices), 1, PAGE_SIZE / sizeof(u32)));
	EXPECT_REFUSED(w, "index entry", memset(index_of(w->devices), 0xff, PAGE_SIZE));

	EXPECT_REFUSED(w, "duplicate key",
		       device_at(w, 7)->key = device_at(w, 6)->key,
		       reindex(w->devices, 7, IOMMU_DEVICE_PCI, device_at(w, 6)->key.id));
	EXPECT_REFUSED(w, "duplicate key",
		       unit_at(w, 2)->key = unit_at(w, 0)->key,
		       reindex(w->units, 2, IOMMU_VENDOR_SMMUV3, unit_at(w, 0)->key.id));

	KUNIT_EXPECT_EQ(test, 0, iommu_records_validate(w->phys, &fault));
	xa_destroy(&w->pristine);
}

static void test_damaged_records(struct kunit *test)
{
	struct world world, *w = &world;
	struct iommu_records_fault fault;

	world_create(test, w);

	EXPECT_REFUSED(w, "record state", domain_at(w, 3)->state++);
	EXPECT_REFUSED(w, "record state", device_at(w, 3)->state = 1);
	EXPECT_REFUSED(w, "record state", unit_at(w, 1)->state = 0);
	EXPECT_REFUSED(w, "record count", memset(domain_at(w, 3), 0, sizeof(*domain_at(w, 3))));
	/* A free record, and one that never was used */
	EXPECT_REFUSED(w, "record state", device_at(w, 5)->vendor_data.data[3] = 1);
	EXPECT_REFUSED(w, "record state", unit_at(w, 3)->key.id = 1);

	EXPECT_REFUSED(w, "domain vendor", domain_at(w, 3)->vendor = IOMMU_VENDOR_NONE);
	EXPECT_REFUSED(w, "domain vendor", domain_at(w, 3)->vendor = IOMMU_VENDORS);
	EXPECT_REFUSED(w, "domain flags", domain_at(w, 3)->flags = IOMMU_DOMAIN_SER_FLAGS + 1);
	EXPECT_REFUSED(w, "page table format", domain_at(w, 3)->pt.format = PT_IOMMU_FORMATS);
	EXPECT_REFUSED(w, "page table flags",
		       domain_at(w, 3)->pt.flags = PT_IOMMU_SER_FLAGS + 1);
	EXPECT_REFUSED(w, "page table reserved field", domain_at(w, 3)->pt.reserved[4] = 1);
	EXPECT_REFUSED(w, "vendor data length", domain_at(w, 3)->vendor_data.length = 45);
	EXPECT_REFUSED(w, "vendor data length", domain_at(w, 3)->vendor_data.length = U16_MAX);
	EXPECT_REFUSED(w, "vendor data length", domain_at(w, 3)->vendor_data.tag = 0);
	EXPECT_REFUSED(w, "vendor data tail", domain_at(w, 3)->vendor_data.data[43] = 1);
	EXPECT_REFUSED(w, "device count", domain_at(w, 3)->nr_devices++);
	EXPECT_REFUSED(w, "device count", domain_at(w, 3)->nr_devices = 0);

	EXPECT_REFUSED(w, "device flags", device_at(w, 3)->flags = IOMMU_DEVICE_SER_FLAGS + 1);
	EXPECT_REFUSED(w, "device key kind", device_at(w, 3)->key.kind = IOMMU_DEVICE_NONE);
	EXPECT_REFUSED(w, "device key kind", device_at(w, 3)->key.kind = IOMMU_DEVICE_KINDS);
	EXPECT_REFUSED(w, "device key reserved field", device_at(w, 3)->key.reserved = 1);
	EXPECT_REFUSED(w, "vendor data length", device_at(w, 3)->vendor_data.length = 1);
	EXPECT_REFUSED(w, "vendor data tail", device_at(w, 3)->vendor_data.data[0] = 1);
	EXPECT_REFUSED(w, "domain of a device", device_at(w, 3)->domain = w->domains->nr_slots);
	EXPECT_REFUSED(w, "domain of a device", device_at(w, 3)->domain = U32_MAX);
	EXPECT_REFUSED(w, "domain of a device", device_at(w, 3)->domain = DOMAINS_PER_CHUNK + 2);
	EXPECT_REFUSED(w, "unit of a device", device_at(w, 3)->unit = w->units->nr_slots);
	EXPECT_REFUSED(w, "unit of a device", device_at(w, 3)->unit = U32_MAX);
	EXPECT_REFUSED(w, "device count", device_at(w, 3)->domain++);
	EXPECT_REFUSED(w, "device count", device_at(w, 3)->unit ^= 1);
	EXPECT_REFUSED(w, "vendor of a device", domain_at(w, 3)->vendor = IOMMU_VENDOR_AMD);

	EXPECT_REFUSED(w, "unit key vendor", unit_at(w, 1)->key.vendor = IOMMU_VENDOR_NONE);
	EXPECT_REFUSED(w, "unit key vendor", unit_at(w, 1)->key.vendor = IOMMU_VENDORS);
	EXPECT_REFUSED(w, "unit key reserved field", unit_at(w, 1)->key.reserved = 1);
	EXPECT_REFUSED(w, "vendor data tail", unit_at(w, 1)->vendor_data.data[0] = 1);
	EXPECT_REFUSED(w, "device count", unit_at(w, 1)->nr_devices++);

	KUNIT_EXPECT_EQ(test, 0, iommu_records_validate(w->phys, &fault));
	xa_destroy(&w->pristine);
}

/* Is this byte one whose content means nothing to the records' code? */
static bool is_payload(struct world *world, const void *byte)
{
	const struct iommu_domain_ser *domain;
	const struct iommu_device_ser *device;
	const struct iommu_unit_ser *unit;
	u32 slot;

	if (byte >= (void *)&world->ser->freeze_cycles && byte < (void *)(world->ser + 1))
		return true;

	for (slot = 0; slot < world->domains->nr_slots; slot++) {
		domain = domain_at(world, slot);
		if (domain->state == IOMMU_RECORD_USED &&
		    (byte == &domain->vendor || byte == &domain->flags ||
		     (byte >= (void *)&domain->pt && byte < (void *)(domain + 1))))
			return true;
	}
	for (slot = 0; slot < world->devices->nr_slots; slot++) {
		device = device_at(world, slot);
		if (device->state == IOMMU_RECORD_USED &&
		    (byte == &device->flags ||
		     (byte >= (void *)&device->vendor_data.tag &&
		      byte < (void *)&device->vendor_data.length)))
			return true;
	}
	for (slot = 0; slot < world->units->nr_slots; slot++) {
		unit = unit_at(world, slot);
		if (unit->state == IOMMU_RECORD_USED &&
		    byte >= (void *)&unit->vendor_data.tag &&
		    byte < (void *)&unit->vendor_data.length)
			return true;
	}
	/* Slots behind the last record may be counted as once used or not */
	return byte == &world->domains->nr_slots ||
	       byte == &world->devices->nr_slots ||
	       byte == &world->units->nr_slots;
}

/*
 * A wrong key is told by its bucket being another one. Where the buckets lie, and
 * so by chance in which the wrong key would be found, depends on addresses.
 */
static bool is_key(struct world *world, const void *byte)
{
	u32 slot;

	for (slot = 0; slot < world->devices->nr_slots; slot++) {
		const struct iommu_device_ser *device = device_at(world, slot);

		if (byte >= (void *)&device->key &&
		    byte < (void *)(&device->key + 1))
			return true;
	}
	for (slot = 0; slot < world->units->nr_slots; slot++) {
		const struct iommu_unit_ser *unit = unit_at(world, slot);

		if (byte >= (void *)&unit->key && byte < (void *)(&unit->key + 1))
			return true;
	}
	return false;
}

/* Any single wrong bit is refused, unless it is in what a driver has to check */
static void test_flipped_bits(struct kunit *test)
{
	struct iommu_records_fault fault;
	unsigned int nr_accepted = 0, nr_keys = 0, round, pick;
	struct fake *fake = test->priv;
	struct world world, *w = &world;
	struct iommu_device_key_ser key;
	struct iommu_device_ser device;
	struct rnd_state random;
	unsigned long pfn;
	void *copy;
	u8 *byte, bit;

	world_create(test, w);
	prandom_seed_state(&random, 7);

	for (round = 0; round < 6000; round++) {
		pick = prandom_u32_state(&random) % fake->nr_folios;
		xa_for_each(&w->pristine, pfn, copy)
			if (!pick--)
				break;
		byte = phys_to_virt(PFN_PHYS(pfn));
		/* The header is short and worth more than its share of the page */
		byte += prandom_u32_state(&random) %
			(PFN_PHYS(pfn) == w->phys ? 256 : PAGE_SIZE);
		bit = BIT(prandom_u32_state(&random) % 8);

		*byte ^= bit;
		key = device_key(&fake->devices[round % fake->nr_devices]);
		if (!iommu_records_peek(w->phys, IOMMU_TABLE_DEVICES, &key, &device))
			KUNIT_EXPECT_EQ(test, key.id, device.key.id);
		if (!iommu_records_validate(w->phys, &fault)) {
			*byte ^= bit;
			if (is_key(w, byte)) {
				nr_keys++;
				continue;
			}
			KUNIT_EXPECT_TRUE_MSG(test, is_payload(w, byte),
					      "bit %#x at %#lx of a folio", bit,
					      offset_in_page(byte));
			nr_accepted++;
			continue;
		}
		*byte ^= bit;
	}
	KUNIT_EXPECT_EQ(test, 0, iommu_records_validate(w->phys, &fault));
	/* The domains' payload is there to be hit, and is not most of it */
	KUNIT_EXPECT_GT(test, nr_accepted, 0);
	KUNIT_EXPECT_LT(test, nr_accepted, round / 4);
	/* Less than one is to be expected */
	KUNIT_EXPECT_LT(test, nr_keys, 8);
	xa_destroy(&w->pristine);
}

/* An error in the state is an error of everything that would use it */
static void test_refused_to_retrieve(struct kunit *test)
{
	struct world world, *w = &world;
	struct fake *fake = test->priv;

	world_create(test, w);
	w->ser->pool_phys++;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR(iommu_liveupdate_incoming_create(w->phys)));
	w->ser->pool_phys--;
	domain_at(w, 0)->pt.reserved[0] = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR(iommu_liveupdate_incoming_create(w->phys)));
	KUNIT_EXPECT_EQ(test, 0, fake->nr_restored_pools);
	w->ser->version = IOMMU_FLB_VERSION + 1;
	KUNIT_EXPECT_EQ(test, -EPROTO,
			PTR_ERR(iommu_liveupdate_incoming_create(w->phys)));
	KUNIT_EXPECT_EQ(test, fake->nr_folios, fake_count(fake, FAKE_LEFT));
	xa_destroy(&w->pristine);
}

static struct kunit_case fake_test_cases[] = {
	KUNIT_CASE(test_format),
	KUNIT_CASE(test_round_trip),
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_refused_to_preserve),
	KUNIT_CASE(test_create_failures),
	KUNIT_CASE_SLOW(test_domain_failures),
	KUNIT_CASE_SLOW(test_device_failures),
	KUNIT_CASE_SLOW(test_growth),
	KUNIT_CASE_SLOW(test_remove_and_add),
	KUNIT_CASE(test_domain_slot_reuse),
	KUNIT_CASE(test_unpreserve_in_any_order),
	KUNIT_CASE(test_detached_when_frozen),
	KUNIT_CASE(test_freeze_undone),
	KUNIT_CASE(test_retrieve_failures),
	KUNIT_CASE(test_restore_failures),
	KUNIT_CASE(test_not_restored),
	KUNIT_CASE(test_damaged_header),
	KUNIT_CASE(test_damaged_tables),
	KUNIT_CASE(test_damaged_index),
	KUNIT_CASE(test_damaged_records),
	KUNIT_CASE_SLOW(test_flipped_bits),
	KUNIT_CASE(test_refused_to_retrieve),
	{}
};

static struct kunit_suite fake_test_suite = {
	.name = "iommu_liveupdate",
	.init = fake_test_init,
	.exit = fake_test_exit,
	.test_cases = fake_test_cases,
};

/* Real memory, and the registry of drivers: nothing is redirected */

static void test_memory(struct kunit *test)
{
	const unsigned int orders[] = { 0, 3 };
	struct folio *folio;
	unsigned int i;
	void *address;

	if (!kho_is_enabled())
		kunit_skip(test, "KHO is off");

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		address = iommu_liveupdate_alloc(orders[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, address);
		KUNIT_EXPECT_NULL(test, memchr_inv(address, 0, PAGE_SIZE << orders[i]));
		folio = virt_to_folio(address);
		KUNIT_EXPECT_EQ(test, orders[i], folio_order(folio));
		KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
		KUNIT_EXPECT_FALSE(test, folio_memcg_charged(folio));
		/* It is this kernel's, and nothing to take over */
		KUNIT_EXPECT_FALSE(test,
				   iommu_liveupdate_is_restorable(virt_to_phys(address),
								  orders[i]));
		KUNIT_EXPECT_NULL(test, iommu_liveupdate_restore(virt_to_phys(address),
								 orders[i]));
		folio_get(folio);
		iommu_liveupdate_free(address, orders[i]);
		KUNIT_EXPECT_EQ(test, 1, folio_ref_count(folio));
		folio_put(folio);
	}
	KUNIT_EXPECT_TRUE(test, IS_ERR(iommu_liveupdate_alloc(MAX_PAGE_ORDER + 1)));
	iommu_liveupdate_free(NULL, 0);
}

static void test_restorable(struct kunit *test)
{
	const u64 addresses[] = {
		0, 1, PAGE_SIZE, U64_MAX, U64_MAX & PAGE_MASK, 1ULL << 51,
		1ULL << 63, S64_MAX, virt_to_phys(test),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		KUNIT_EXPECT_FALSE(test, iommu_liveupdate_is_restorable(addresses[i], 0));
		KUNIT_EXPECT_FALSE(test,
				   iommu_liveupdate_is_restorable(addresses[i], U32_MAX));
	}
}

static void test_drivers(struct kunit *test)
{
	struct iommu_domain_ser ser = { .vendor = IOMMU_VENDOR_SMMUV3 };
	struct iommu_liveupdate_ops bad;
	struct iommu_domain *domain;

	bad = fake_liveupdate_ops;
	bad.vendor = IOMMU_VENDOR_NONE;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_liveupdate_register_driver(&bad));
	bad.vendor = IOMMU_VENDORS;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_liveupdate_register_driver(&bad));
	bad = fake_liveupdate_ops;
	bad.domain_restore = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_liveupdate_register_driver(&bad));
	bad = fake_liveupdate_ops;
	bad.device_unpreserve = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_liveupdate_register_driver(&bad));
	bad = fake_liveupdate_ops;
	bad.unit_preserve = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_liveupdate_register_driver(&bad));

	if (iommu_liveupdate_register_driver(&fake_liveupdate_ops))
		kunit_skip(test, "there is a real driver");
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_liveupdate_register_driver(&fake_liveupdate_ops));
	iommu_liveupdate_unregister_driver(&fake_liveupdate_ops);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommu_liveupdate_driver_restore(&ser, &domain));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_liveupdate_register_driver(&fake_liveupdate_ops));
	iommu_liveupdate_unregister_driver(&fake_liveupdate_ops);
}

static struct kunit_case real_test_cases[] = {
	KUNIT_CASE(test_memory),
	KUNIT_CASE(test_restorable),
	KUNIT_CASE(test_drivers),
	{}
};

static struct kunit_suite real_test_suite = {
	.name = "iommu_liveupdate_memory",
	.test_cases = real_test_cases,
};

kunit_test_suites(&fake_test_suite, &real_test_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for IOMMU state across live updates");
MODULE_LICENSE("GPL");
