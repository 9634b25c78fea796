// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of preserved and restored iommu-pages. In one boot there are no
 * pages of a previous kernel: ordinary folios, with what may be left over in
 * their struct page, take their place. KHO's own work is tested elsewhere.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/kexec_handover.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "iommu-pages.h"

#define MAX_ORDER_TESTED 3

/* What fake KHO has to offer; NULL once it was restored */
static struct folio *kept;

static bool fake_pages_restorable(phys_addr_t phys, unsigned int order)
{
	return kept && phys == PFN_PHYS(folio_pfn(kept)) &&
	       order == folio_order(kept);
}

static struct folio *fake_restore_folio(phys_addr_t phys)
{
	struct folio *folio = kept;

	KUNIT_EXPECT_NOT_NULL(kunit_get_current_test(), kept);
	kept = NULL;
	return folio;
}

/* Exact, the global counters lag behind the ones of the CPUs */
static long node_stat(struct folio *folio, enum node_stat_item item)
{
	struct pglist_data *pgdat = folio_pgdat(folio);
	long sum = atomic_long_read(&pgdat->vm_stat[item]);
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(pgdat->per_cpu_nodestats, cpu)
			       ->vm_node_stat_diff[item];
	return sum;
}

/* A folio that was neither counted nor initialized as iommu-pages are */
static struct folio *keep_folio(struct kunit *test, unsigned int order)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	memset(folio_address(folio), 0x5a, PAGE_SIZE << order);
	kept = folio;
	return folio;
}

static void restore_one(struct kunit *test, unsigned int order, bool incoherent)
{
	struct folio *folio = keep_folio(test, order);
	long iommu = node_stat(folio, NR_IOMMU_PAGES);
	long secondary = node_stat(folio, NR_SECONDARY_PAGETABLE);
	phys_addr_t phys = PFN_PHYS(folio_pfn(folio));
	void *virt;

	folio_ioptdesc(folio)->incoherent = !incoherent;

	/* Not what is there: refused, and still there afterwards */
	KUNIT_EXPECT_NULL(test, iommu_restore_pages(phys, order + 1,
						    incoherent));
	KUNIT_EXPECT_NULL(test, iommu_restore_pages(phys + 1, order,
						    incoherent));
	KUNIT_EXPECT_NULL(test, iommu_restore_pages(phys + PAGE_SIZE, order,
						    incoherent));
	KUNIT_EXPECT_PTR_EQ(test, kept, folio);
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_IOMMU_PAGES), iommu);

	virt = iommu_restore_pages(phys, order, incoherent);
	KUNIT_ASSERT_PTR_EQ(test, virt, folio_address(folio));
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	KUNIT_EXPECT_EQ(test, folio_order(folio), order);
	KUNIT_EXPECT_EQ(test, virt_to_ioptdesc(virt)->incoherent, incoherent);
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_IOMMU_PAGES),
			iommu + (1L << order));
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_SECONDARY_PAGETABLE),
			secondary + (1L << order));
#ifdef CONFIG_MEMCG
	KUNIT_EXPECT_FALSE(test, folio_memcg_charged(folio));
#endif
	/* A device may be using it */
	KUNIT_EXPECT_NULL(test, memchr_inv(virt, 0x5a, PAGE_SIZE << order));

	/* Once only */
	KUNIT_EXPECT_NULL(test, iommu_restore_pages(phys, order, incoherent));
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_IOMMU_PAGES),
			iommu + (1L << order));

	folio_get(folio);
	iommu_pages_free_incoherent(virt, NULL);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_IOMMU_PAGES), iommu);
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_SECONDARY_PAGETABLE),
			secondary);
	folio_put(folio);
}

static void test_restore(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAX_ORDER_TESTED; order++)
		restore_one(test, order, false);
}

static void test_restore_incoherent(struct kunit *test)
{
	struct folio *folio;
	unsigned int order;

	if (!IOMMU_PAGES_USE_DMA_API) {
		for (order = 0; order <= MAX_ORDER_TESTED; order++)
			restore_one(test, order, true);
		return;
	}

	folio = keep_folio(test, 0);
	KUNIT_EXPECT_NULL(test, iommu_restore_pages(PFN_PHYS(folio_pfn(folio)),
						    0, true));
	KUNIT_EXPECT_PTR_EQ(test, kept, folio);
	folio_put(folio);
}

/* Restored and allocated pages are freed in one list */
static void test_restore_list(struct kunit *test)
{
	struct iommu_pages_list list = IOMMU_PAGES_LIST_INIT(list);
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	unsigned int order;
	unsigned long pfn;
	long iommu;
	void *virt;

	/* For its node only; the folios below may come from any */
	KUNIT_ASSERT_NOT_NULL(test, folio);
	iommu = node_stat(folio, NR_IOMMU_PAGES);

	for (order = 0; order <= MAX_ORDER_TESTED; order++) {
		pfn = folio_pfn(keep_folio(test, order));
		virt = iommu_restore_pages(PFN_PHYS(pfn), order, false);
		KUNIT_ASSERT_NOT_NULL(test, virt);
		iommu_pages_list_add(&list, virt);
		virt = iommu_alloc_pages_sz(GFP_KERNEL, PAGE_SIZE << order);
		KUNIT_ASSERT_NOT_NULL(test, virt);
		iommu_pages_list_add(&list, virt);
	}
	iommu_put_pages_list(&list);
	KUNIT_EXPECT_EQ(test, node_stat(folio, NR_IOMMU_PAGES), iommu);
	folio_put(folio);
}

/* KHO itself: nothing of this boot can be restored, anything be preserved */
static void test_preserve(struct kunit *test)
{
	unsigned int order;
	void *virt;

	kunit_deactivate_static_stub(test, iommu_pages_restorable);
	kunit_deactivate_static_stub(test, iommu_restore_folio);
	if (!kho_is_enabled())
		kunit_skip(test, "KHO is disabled");

	for (order = 0; order <= MAX_ORDER_TESTED; order++) {
		virt = iommu_alloc_pages_sz(GFP_KERNEL, PAGE_SIZE << order);
		KUNIT_ASSERT_NOT_NULL(test, virt);
		KUNIT_EXPECT_EQ(test, iommu_preserve_pages(virt), 0);
		KUNIT_EXPECT_FALSE(test,
				   iommu_pages_restorable(virt_to_phys(virt),
							  order));
		KUNIT_EXPECT_NULL(test, iommu_restore_pages(virt_to_phys(virt),
							    order, false));
		iommu_unpreserve_pages(virt);
		iommu_free_pages(virt);
	}
}

static struct kunit_case iommu_pages_test_cases[] = {
	KUNIT_CASE(test_restore),
	KUNIT_CASE(test_restore_incoherent),
	KUNIT_CASE(test_restore_list),
	KUNIT_CASE(test_preserve),
	{},
};

static int iommu_pages_test_init(struct kunit *test)
{
	kept = NULL;
	kunit_activate_static_stub(test, iommu_pages_restorable,
				   fake_pages_restorable);
	kunit_activate_static_stub(test, iommu_restore_folio,
				   fake_restore_folio);
	return 0;
}

static struct kunit_suite iommu_pages_suite = {
	.name = "iommu_pages_liveupdate_test",
	.init = iommu_pages_test_init,
	.test_cases = iommu_pages_test_cases,
};

kunit_test_suites(&iommu_pages_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of preserved iommu-pages");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
