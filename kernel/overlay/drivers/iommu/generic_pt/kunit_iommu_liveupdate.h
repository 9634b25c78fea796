/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of iommu_pt_liveupdate.h, compiled once for each format. There is
 * one boot only: fake_kho stands for KHO, and the "next kernel" restores into
 * the same struct after it was cleared. iommu-pages-kunit.c tests the pages.
 */
#include <kunit/static_stub.h>
#include <linux/kho/abi/iommu.h>
#include <linux/xarray.h>

#define pt_iommu_restore CONCATENATE(CONCATENATE(pt_iommu_, PTPFX), restore)

struct lu_map {
	pt_vaddr_t va;
	pt_oaddr_t oa;
	pt_vaddr_t len;
	unsigned int prot;
};

/* Tests of one format do not run in parallel */
static struct {
	/* Preserved and not restored: pfn to order */
	struct xarray pages;
	unsigned int nr_preserved;
	unsigned int nr_restored;
	/* Fail the one with this number, counted from 1 */
	unsigned int fail_nth;
	unsigned int fail_restore_nth;
	bool incoherent;

	struct pt_iommu_table old_table;
	struct lu_map maps[PT_VADDR_MAX_LG2 + 64];
	unsigned int nr_maps;
} fake_kho;

static int fake_preserve_pages(void *virt)
{
	struct kunit *test = kunit_get_current_test();
	unsigned int order = folio_order(virt_to_folio(virt));

	if (fake_kho.nr_preserved + 1 == fake_kho.fail_nth)
		return -ENOMEM;
	KUNIT_EXPECT_EQ(test, xa_insert(&fake_kho.pages,
					PHYS_PFN(virt_to_phys(virt)),
					xa_mk_value(order), GFP_KERNEL), 0);
	fake_kho.nr_preserved++;
	return 0;
}

static void fake_unpreserve_pages(void *virt)
{
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_NOT_NULL(test, xa_erase(&fake_kho.pages,
					     PHYS_PFN(virt_to_phys(virt))));
	fake_kho.nr_preserved--;
}

static bool fake_pages_restorable(phys_addr_t phys, unsigned int order)
{
	return PAGE_ALIGNED(phys) && xa_load(&fake_kho.pages, PHYS_PFN(phys)) ==
					     xa_mk_value(order);
}

static void *fake_restore_pages(phys_addr_t phys, unsigned int order,
				bool incoherent)
{
	struct kunit *test = kunit_get_current_test();
	void *virt;

	if (!fake_pages_restorable(phys, order) ||
	    fake_kho.nr_restored + 1 == fake_kho.fail_restore_nth)
		return NULL;
	xa_erase(&fake_kho.pages, PHYS_PFN(phys));
	fake_kho.nr_restored++;
	KUNIT_EXPECT_EQ(test, incoherent, fake_kho.incoherent);
	virt = phys_to_virt(phys);
	/* A stale value must not stay */
	virt_to_ioptdesc(virt)->incoherent = incoherent;
	return virt;
}

static void lu_map(struct kunit *test, pt_vaddr_t va, pt_oaddr_t oa,
		   pt_vaddr_t len, unsigned int prot)
{
	struct kunit_iommu_priv *priv = test->priv;
	int ret;

	KUNIT_ASSERT_LT(test, fake_kho.nr_maps, ARRAY_SIZE(fake_kho.maps));
	ret = iommu_map(&priv->domain, va, oa, len, prot, GFP_KERNEL);
	KUNIT_ASSERT_NO_ERRNO_FN(test, "iommu_map", ret);
	fake_kho.maps[fake_kho.nr_maps++] = (struct lu_map) {
		.va = va, .oa = oa, .len = len, .prot = prot,
	};
}

/* Small pages with holes and several permissions, then each page size once */
static void lu_map_mixed(struct kunit *test)
{
	static const unsigned int prots[] = {
		IOMMU_READ | IOMMU_WRITE,
		IOMMU_READ,
		IOMMU_WRITE,
	};
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_range range = pt_top_range(priv->common);
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	pt_vaddr_t va = range.va + pgsz * 256;
	pt_oaddr_t oa = log2_set_mod(priv->test_oa, 0, priv->smallest_pgsz_lg2);
	unsigned int lg2;
	unsigned int i;

	for (i = 0; i != 12; i++)
		lu_map(test, range.va + pgsz * 3 * i, oa - pgsz * i, pgsz,
		       prots[i % ARRAY_SIZE(prots)]);

	for (lg2 = 0; lg2 != PT_VADDR_MAX_LG2; lg2++) {
		pt_vaddr_t len = log2_to_int(lg2);

		if (!(priv->safe_pgsize_bitmap & len))
			continue;
		va = ALIGN(va, len);
		lu_map(test, va, log2_set_mod(priv->test_oa, 0, lg2), len,
		       IOMMU_READ | IOMMU_WRITE);
		va += len;
	}

	if (pt_feature(priv->common, PT_FEAT_SIGN_EXTEND) && !IS_32BIT) {
		range = pt_upper_range(priv->common);
		for (i = 0; i != 4; i++)
			lu_map(test, range.va + pgsz * 2 * i, oa - pgsz * i,
			       pgsz, IOMMU_READ | IOMMU_WRITE);
		lu_map(test, range.last_va - pgsz * 2 + 1, oa, pgsz,
		       IOMMU_READ | IOMMU_WRITE);
	}
}

static int lu_verify(struct kunit *test, pt_vaddr_t va, pt_oaddr_t oa,
		     pt_vaddr_t len, unsigned int prot, size_t expect)
{
	struct kunit_iommu_priv *priv = test->priv;
	size_t verified = 17;
	int ret;

	ret = priv->iommu->ops->verify_range(priv->iommu, va, oa, len, prot,
					     &verified);
	KUNIT_EXPECT_EQ(test, verified, expect + 17);
	return ret;
}

/* count_valids() sees the lower half only */
static u64 lu_count_leaves(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_range range = pt_upper_range(priv->common);
	struct count_valids valids = {};
	u64 total = count_valids(test);
	unsigned int i;

	if (!pt_feature(priv->common, PT_FEAT_SIGN_EXTEND))
		return total;
	KUNIT_ASSERT_NO_ERRNO(test,
			      pt_walk_range(&range, __count_valids, &valids));
	for (i = 0; i != ARRAY_SIZE(valids.per_size); i++)
		total += valids.per_size[i];
	return total;
}

static int lu_account(struct kunit *test, struct pt_iommu_ser *count)
{
	struct kunit_iommu_priv *priv = test->priv;

	return priv->iommu->ops->account(priv->iommu, &count->nr_tables,
					 &count->nr_leaves,
					 &count->mapped_bytes);
}

static void lu_check_maps(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	struct pt_iommu_ser count = {};
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i != fake_kho.nr_maps; i++) {
		struct lu_map *map = &fake_kho.maps[i];

		check_iova(test, map->va, map->oa, pgsz);
		check_iova(test, map->va + map->len - pgsz,
			   map->oa + map->len - pgsz, pgsz);
		KUNIT_EXPECT_EQ(test, 0,
				lu_verify(test, map->va, map->oa, map->len,
					  map->prot, map->len));
		sum += map->len;
	}

	KUNIT_ASSERT_NO_ERRNO(test, lu_account(test, &count));
	KUNIT_EXPECT_EQ(test, count.nr_leaves, lu_count_leaves(test));
	KUNIT_EXPECT_EQ(test, count.nr_leaves, fake_kho.nr_maps);
	KUNIT_EXPECT_EQ(test, count.mapped_bytes, sum);
}

static void lu_unmap_all(struct kunit *test)
{
	while (fake_kho.nr_maps) {
		struct lu_map *map = &fake_kho.maps[--fake_kho.nr_maps];

		do_unmap(test, map->va, map->len);
	}
	KUNIT_EXPECT_EQ(test, lu_count_leaves(test), 0);
}

/* What a driver sets before it calls restore, all else is new */
static int lu_restore(struct kunit *test, const struct pt_iommu_ser *ser)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_iommu_table *table = &priv->fmt_table;
	int ret;

	fake_kho.old_table = *table;
	fake_kho.nr_restored = 0;
	fake_kho.incoherent = ser->flags & PT_IOMMU_SER_INCOHERENT;
	memset(table, 0, sizeof(*table));
	table->iommu.nid = NUMA_NO_NODE;
	table->iommu.driver_ops = &pt_kunit_driver_ops;
	table->iommu.iommu_device = priv->dummy_dev;
	table->iommu.domain.ops = &kunit_pt_ops;

	ret = pt_iommu_restore(table, ser);
	if (ret) {
		KUNIT_EXPECT_NULL(test, table->iommu.ops);
		*table = fake_kho.old_table;
	}
	return ret;
}

static void lu_preserve(struct kunit *test, struct pt_iommu_ser *ser)
{
	struct kunit_iommu_priv *priv = test->priv;

	KUNIT_ASSERT_NO_ERRNO(test,
			      priv->iommu->ops->preserve(priv->iommu, ser));
	KUNIT_ASSERT_EQ(test, ser->nr_tables, fake_kho.nr_preserved);
}

static void lu_unpreserve(struct kunit *test, const struct pt_iommu_ser *ser)
{
	struct kunit_iommu_priv *priv = test->priv;

	priv->iommu->ops->unpreserve(priv->iommu, ser);
	KUNIT_ASSERT_EQ(test, fake_kho.nr_preserved, 0);
	KUNIT_ASSERT_TRUE(test, xa_empty(&fake_kho.pages));
}

static void test_lu_roundtrip(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	u64 largest = BIT_ULL(fls64(priv->domain.pgsize_bitmap) - 1);
	struct pt_iommu_ser again;
	struct pt_iommu_ser ser;

	lu_map_mixed(test);
	lu_check_maps(test);

	/* As a driver that narrows what the format can do */
	priv->domain.pgsize_bitmap &= ~largest;
	lu_preserve(test, &ser);
	KUNIT_EXPECT_EQ(test, ser.format, PT_IOMMU_SER_FORMAT);
	KUNIT_EXPECT_EQ(test, ser.nr_leaves, fake_kho.nr_maps);
	KUNIT_EXPECT_EQ(test, ser.pgsize_bitmap, priv->domain.pgsize_bitmap);

	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	KUNIT_EXPECT_EQ(test, fake_kho.nr_restored, ser.nr_tables);
	KUNIT_EXPECT_TRUE(test, xa_empty(&fake_kho.pages));
	KUNIT_EXPECT_EQ(test, priv->domain.pgsize_bitmap, ser.pgsize_bitmap);
	KUNIT_EXPECT_EQ(test, priv->domain.type,
			fake_kho.old_table.iommu.domain.type);
	KUNIT_EXPECT_EQ(test, priv->domain.geometry.aperture_start,
			fake_kho.old_table.iommu.domain.geometry.aperture_start);
	KUNIT_EXPECT_EQ(test, priv->domain.geometry.aperture_end,
			fake_kho.old_table.iommu.domain.geometry.aperture_end);
	KUNIT_EXPECT_EQ(test, priv->common->top_of_table,
			common_from_iommu(&fake_kho.old_table.iommu)->top_of_table);
	KUNIT_EXPECT_EQ(test, priv->common->max_vasz_lg2, ser.max_vasz_lg2);
	KUNIT_EXPECT_EQ(test, priv->common->max_oasz_lg2, ser.max_oasz_lg2);
	lu_check_maps(test);

	/* The next live update hands over the same thing */
	fake_kho.nr_preserved = 0;
	lu_preserve(test, &again);
	KUNIT_EXPECT_MEMEQ(test, &ser, &again, sizeof(ser));
	lu_unpreserve(test, &again);

	/* It is a table like any other */
	priv->domain.pgsize_bitmap |= largest;
	lu_unmap_all(test);
	lu_map_mixed(test);
	lu_check_maps(test);
	lu_unmap_all(test);
}

/* Nobody adopts it: what the restored table maps goes with it */
static void test_lu_restore_free(struct kunit *test)
{
	struct pt_iommu_ser ser;

	lu_map_mixed(test);
	lu_preserve(test, &ser);
	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	/* The exit frees it and looks for leaks */
}

static void test_lu_empty(struct kunit *test)
{
	struct pt_iommu_ser ser;

	lu_preserve(test, &ser);
	KUNIT_EXPECT_EQ(test, ser.nr_tables, 1);
	KUNIT_EXPECT_EQ(test, ser.nr_leaves, 0);
	KUNIT_EXPECT_EQ(test, ser.mapped_bytes, 0);
	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	lu_check_maps(test);
	lu_map_mixed(test);
	lu_check_maps(test);
	lu_unmap_all(test);
}

static void test_lu_unpreserve(struct kunit *test)
{
	struct pt_iommu_ser ser;

	lu_map_mixed(test);
	lu_preserve(test, &ser);
	lu_unpreserve(test, &ser);
	lu_check_maps(test);
	lu_unmap_all(test);
}

/* Whichever preservation fails, the ones before it are taken back */
static void test_lu_preserve_fails(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_iommu_ser ser;
	u64 nr_tables;
	u64 i;

	lu_map_mixed(test);
	lu_preserve(test, &ser);
	nr_tables = ser.nr_tables;
	lu_unpreserve(test, &ser);

	for (i = 1; i <= nr_tables; i++) {
		fake_kho.fail_nth = i;
		KUNIT_ASSERT_EQ(test, -ENOMEM,
				priv->iommu->ops->preserve(priv->iommu, &ser));
		KUNIT_ASSERT_EQ(test, fake_kho.nr_preserved, 0);
		KUNIT_ASSERT_TRUE(test, xa_empty(&fake_kho.pages));
	}

	fake_kho.fail_nth = nr_tables + 1;
	lu_preserve(test, &ser);
	lu_unpreserve(test, &ser);
	lu_check_maps(test);
}

/* The top grows before and after the live update */
static void test_lu_dynamic_top(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_range range = pt_top_range(priv->common);
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	struct pt_iommu_ser ser;

	if (!pt_feature(priv->common, PT_FEAT_DYNAMIC_TOP) || IS_32BIT)
		kunit_skip(test, "The top cannot grow");
	if (range.max_vasz_lg2 == priv->common->max_vasz_lg2)
		kunit_skip(test, "The top cannot grow any further");

	lu_map(test, 0, pgsz, pgsz, IOMMU_READ | IOMMU_WRITE);
	while (range.max_vasz_lg2 != priv->common->max_vasz_lg2) {
		lu_preserve(test, &ser);
		KUNIT_EXPECT_EQ(test, ser.top_level, range.top_level);
		KUNIT_EXPECT_TRUE(test, ser.flags & PT_IOMMU_SER_DYNAMIC_TOP);
		KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
		fake_kho.nr_preserved = 0;
		lu_check_maps(test);

		lu_map(test, range.last_va + 1, pgsz, pgsz,
		       IOMMU_READ | IOMMU_WRITE);
		lu_check_maps(test);
		KUNIT_ASSERT_EQ(test, pt_top_range(priv->common).top_level,
				range.top_level + 1);
		range = pt_top_range(priv->common);
	}
}

static void test_lu_verify_range(struct kunit *test)
{
	const unsigned int rw = IOMMU_READ | IOMMU_WRITE;
	struct kunit_iommu_priv *priv = test->priv;
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	pt_vaddr_t va = pt_top_range(priv->common).va + pgsz * 1024;
	pt_oaddr_t oa = pgsz * 7;
	pt_vaddr_t big = 0;
	struct pt_iommu_ser before = {};
	struct pt_iommu_ser after = {};
	unsigned int lg2;

	/* 8 pages, a hole, 1 page read-only */
	lu_map(test, va, oa, pgsz * 8, rw);
	lu_map(test, va + pgsz * 9, oa + pgsz * 9, pgsz, IOMMU_READ);

	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va, oa, pgsz * 8, rw,
					   pgsz * 8));
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + pgsz * 3, oa + pgsz * 3,
					   pgsz * 2, rw, pgsz * 2));
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + pgsz * 9, oa + pgsz * 9,
					   pgsz, IOMMU_READ, pgsz));

	/* Not aligned to anything, the leaf sticks out at both ends */
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + 5, oa + 5, 11, rw, 11));
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + 5, oa + 5, pgsz * 2, rw,
					   pgsz * 2));
	KUNIT_EXPECT_EQ(test, -EXDEV, lu_verify(test, va + 5, oa + 6, 11, rw,
						0));

	/* Another address */
	KUNIT_EXPECT_EQ(test, -EXDEV, lu_verify(test, va, oa + pgsz, pgsz, rw,
						0));
	KUNIT_EXPECT_EQ(test, -EXDEV, lu_verify(test, va + pgsz, oa, pgsz * 4,
						rw, 0));
	/* Holes behind, before and instead of the mapping */
	KUNIT_EXPECT_EQ(test, -ENOENT, lu_verify(test, va, oa, pgsz * 9, rw,
						 pgsz * 8));
	KUNIT_EXPECT_EQ(test, -ENOENT, lu_verify(test, va - pgsz, oa - pgsz,
						 pgsz * 9, rw, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, lu_verify(test, va + pgsz * 8,
						 oa + pgsz * 8, pgsz, rw, 0));
	/* The table maps less or more than is expected */
	KUNIT_EXPECT_EQ(test, -EACCES, lu_verify(test, va + pgsz * 9,
						 oa + pgsz * 9, pgsz, rw, 0));
	KUNIT_EXPECT_EQ(test, -EACCES, lu_verify(test, va, oa, pgsz,
						 IOMMU_READ, 0));
	/* Not expectations */
	KUNIT_EXPECT_EQ(test, -EINVAL, lu_verify(test, va, oa, pgsz, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, lu_verify(test, va, oa, 0, rw, 0));

	/* A change in the middle of what was mapped in one go */
	do_unmap(test, va + pgsz * 4, pgsz);
	KUNIT_EXPECT_EQ(test, -ENOENT, lu_verify(test, va, oa, pgsz * 8, rw,
						 pgsz * 4));
	do_map(test, va + pgsz * 4, oa + pgsz * 40, pgsz);
	KUNIT_EXPECT_EQ(test, -EXDEV, lu_verify(test, va, oa, pgsz * 8, rw,
						pgsz * 4));

	/* An extra leaf is seen by the count */
	KUNIT_ASSERT_NO_ERRNO(test, lu_account(test, &before));
	do_map(test, va + pgsz * 16, oa, pgsz);
	KUNIT_ASSERT_NO_ERRNO(test, lu_account(test, &after));
	KUNIT_EXPECT_EQ(test, after.nr_tables, before.nr_tables);
	KUNIT_EXPECT_EQ(test, after.nr_leaves, before.nr_leaves + 1);
	KUNIT_EXPECT_EQ(test, after.mapped_bytes, before.mapped_bytes + pgsz);

	/* Every larger page size, a part of it, and what is wrong in its end */
	va = ALIGN(va + pgsz * 1024, SZ_2M);
	for (lg2 = priv->smallest_pgsz_lg2 + 1; lg2 <= 30; lg2++) {
		big = log2_to_int(lg2);
		if (!(priv->safe_pgsize_bitmap & big) ||
		    big > priv->safe_pgsize_bitmap / 4)
			continue;
		va = ALIGN(va, big);
		oa = big * 3;
		lu_map(test, va, oa, big, rw);
		KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va, oa, big, rw, big));
		KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + big / 2,
						   oa + big / 2, pgsz, rw,
						   pgsz));
		KUNIT_EXPECT_EQ(test, -ENOENT,
				lu_verify(test, va + big / 2, oa + big / 2,
					  big, rw, big / 2));
		KUNIT_EXPECT_EQ(test, -EXDEV,
				lu_verify(test, va + big / 2, oa, pgsz, rw, 0));
		KUNIT_EXPECT_EQ(test, -EACCES,
				lu_verify(test, va, oa, big, IOMMU_READ, 0));
		va += big * 2;
	}
}

/* What the hardware sets is not a difference, and is not in anybody's way */
static void test_lu_dirty(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	pt_vaddr_t va = pt_top_range(priv->common).va + pgsz * 1024;
	struct pt_iommu_ser ser;

	if (!priv->iommu->ops->set_dirty)
		kunit_skip(test, "The format has no dirty bit");

	lu_map(test, va, pgsz * 4, pgsz, IOMMU_READ | IOMMU_WRITE);
	lu_map(test, va + pgsz * 4, pgsz * 4, pgsz * 4,
	       IOMMU_READ | IOMMU_WRITE);
	lu_preserve(test, &ser);
	KUNIT_ASSERT_NO_ERRNO(test, priv->iommu->ops->set_dirty(priv->iommu,
								va));
	KUNIT_ASSERT_NO_ERRNO(test, priv->iommu->ops->set_dirty(priv->iommu,
								va + pgsz * 5));
	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va, pgsz * 4, pgsz,
					   IOMMU_READ | IOMMU_WRITE, pgsz));
	KUNIT_EXPECT_EQ(test, 0, lu_verify(test, va + pgsz * 4, pgsz * 4,
					   pgsz * 4, IOMMU_READ | IOMMU_WRITE,
					   pgsz * 4));
}

static void lu_refuse(struct kunit *test, const struct pt_iommu_ser *ser,
		      int expect, const char *what)
{
	u64 nr_pages = 0;
	unsigned long index;
	void *entry;

	KUNIT_EXPECT_EQ_MSG(test, lu_restore(test, ser), expect, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fake_kho.nr_restored, 0, "%s", what);
	xa_for_each(&fake_kho.pages, index, entry)
		nr_pages++;
	KUNIT_EXPECT_EQ_MSG(test, nr_pages, fake_kho.nr_preserved, "%s", what);
}

/* Each member of the ser wrong in each way: refused, and nothing is touched */
static void test_lu_bad_ser(struct kunit *test)
{
	struct pt_iommu_ser good, ser;
	unsigned int i;

#define LU_REFUSE(expect, member, value)                            \
	do {                                                        \
		ser = good;                                         \
		ser.member = value;                                 \
		lu_refuse(test, &ser, expect, #member " " #value);  \
	} while (0)

	lu_map_mixed(test);
	lu_preserve(test, &good);

	LU_REFUSE(-EINVAL, top_phys, 0);
	LU_REFUSE(-EINVAL, top_phys, good.top_phys + 8);
	LU_REFUSE(-EINVAL, top_phys, good.top_phys | BIT_ULL(50));
	LU_REFUSE(-EINVAL, top_phys, U64_MAX);
	LU_REFUSE(-EINVAL, nr_tables, 0);
	LU_REFUSE(-EINVAL, nr_tables, 1);
	LU_REFUSE(-EINVAL, nr_tables, good.nr_tables - 1);
	LU_REFUSE(-EINVAL, nr_tables, good.nr_tables + 1);
	LU_REFUSE(-EINVAL, nr_tables, U64_MAX);
	LU_REFUSE(-EINVAL, nr_leaves, 0);
	LU_REFUSE(-EINVAL, nr_leaves, good.nr_leaves - 1);
	LU_REFUSE(-EINVAL, nr_leaves, good.nr_leaves + 1);
	LU_REFUSE(-EINVAL, mapped_bytes, 0);
	LU_REFUSE(-EINVAL, mapped_bytes, good.mapped_bytes + 1);
	LU_REFUSE(-EOPNOTSUPP, pgsize_bitmap, 0);
	LU_REFUSE(-EOPNOTSUPP, pgsize_bitmap, good.pgsize_bitmap | 1);
	for (i = 0; i != PT_IOMMU_FORMATS + 1; i++)
		if (i != PT_IOMMU_SER_FORMAT)
			LU_REFUSE(-EOPNOTSUPP, format, i);
	LU_REFUSE(-EOPNOTSUPP, flags, good.flags | (PT_IOMMU_SER_FLAGS + 1));
	LU_REFUSE(-EOPNOTSUPP, flags, good.flags | BIT(31));
	LU_REFUSE(-EOPNOTSUPP, flags, good.flags | PT_IOMMU_SER_FLAGS);
	LU_REFUSE(-EINVAL, top_level, PT_MAX_TOP_LEVEL + 1);
	LU_REFUSE(-EINVAL, top_level, 255);
	LU_REFUSE(-EINVAL, max_vasz_lg2, 0);
	LU_REFUSE(-EINVAL, max_vasz_lg2, PT_GRANULE_LG2SZ);
	LU_REFUSE(-EINVAL, max_vasz_lg2, 255);
	LU_REFUSE(-EINVAL, max_oasz_lg2, 0);
	LU_REFUSE(-EINVAL, max_oasz_lg2, 255);
	LU_REFUSE(-EINVAL, reserved[0], 1);
	LU_REFUSE(-EINVAL, reserved[4], 1);
	/* Page sizes or leaves that are out of range by then */
	ser = good;
	ser.max_oasz_lg2 -= 2;
	ser.pgsize_bitmap = BIT_ULL(fls64(good.pgsize_bitmap) - 1);
	KUNIT_EXPECT_NE(test, 0, lu_restore(test, &ser));
	ser.pgsize_bitmap = good.pgsize_bitmap & -good.pgsize_bitmap;
	lu_refuse(test, &ser, -EINVAL, "max_oasz_lg2 - 2");

	/* Other levels: whatever the format says, but not success */
	for (i = 0; i <= PT_MAX_TOP_LEVEL; i++) {
		if (i == good.top_level)
			continue;
		ser = good;
		ser.top_level = i;
		KUNIT_EXPECT_NE(test, 0, lu_restore(test, &ser));
		KUNIT_EXPECT_EQ(test, fake_kho.nr_restored, 0);
	}
#undef LU_REFUSE

	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &good));
	lu_check_maps(test);
}

/* Find two items of one table, both with a table or both with a leaf */
struct lu_find {
	struct pt_range range;
	enum pt_entry_type type;
	unsigned int min_level;
	bool contig;
	struct pt_state pts[2];
	unsigned int found;
};

static int __lu_find(struct pt_range *range, void *arg, unsigned int level,
		     struct pt_table_p *table)
{
	struct pt_state pts = pt_init(range, level, table);
	struct lu_find *find = arg;
	int ret;

	for_each_pt_level_entry(&pts) {
		if (pts.type == find->type && level >= find->min_level &&
		    (!find->contig || pt_entry_num_contig_lg2(&pts))) {
			if (find->found && find->pts[0].table != pts.table)
				find->found = 0;
			find->pts[find->found++] = pts;
			if (find->found == 2)
				return 1;
		}
		if (pts.type == PT_ENTRY_TABLE) {
			ret = pt_descend(&pts, arg, __lu_find);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static bool lu_find(struct kunit *test, struct lu_find *find)
{
	struct kunit_iommu_priv *priv = test->priv;

	find->range = pt_top_range(priv->common);
	return pt_walk_range(&find->range, __lu_find, find) == 1;
}

static u64 *lu_entry(const struct pt_state *pts)
{
	return pt_cur_table(pts, u64) + pts->index;
}

/* The bits that make the difference between read-only and writable */
static u64 lu_write_bits(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_write_attrs rw = {};
	struct pt_write_attrs ro = {};

	KUNIT_ASSERT_NO_ERRNO(test, pt_iommu_set_prot(priv->common, &rw,
						      IOMMU_READ | IOMMU_WRITE));
	KUNIT_ASSERT_NO_ERRNO(test, pt_iommu_set_prot(priv->common, &ro,
						      IOMMU_READ));
	return (rw.descriptor_bits ^ ro.descriptor_bits) &
	       pt_iommu_prot_mask(priv->common);
}

/* Put a table with the given address where pts points to, in valid encoding */
static void lu_set_table(struct kunit *test, struct pt_state *pts,
			 phys_addr_t phys)
{
	struct pt_write_attrs attrs = {};

	pt_load_entry_raw(pts);
	KUNIT_ASSERT_TRUE(test, pt_install_table(pts, phys, &attrs));
}

/* Trees that are no trees: refused before anything is touched */
static void test_lu_bad_table(struct kunit *test)
{
	struct lu_find find = { .type = PT_ENTRY_TABLE, .min_level = 1 };
	struct kunit_iommu_priv *priv = test->priv;
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	pt_vaddr_t l0 = pgsz * 512;
	struct pt_iommu_ser ser;
	phys_addr_t lower;
	void *page;
	u64 saved;

	/* Two tables of level 0 */
	lu_map(test, l0 * 2, pgsz, pgsz, IOMMU_READ | IOMMU_WRITE);
	lu_map(test, l0 * 3, pgsz, pgsz, IOMMU_READ | IOMMU_WRITE);
	KUNIT_ASSERT_TRUE(test, lu_find(test, &find));
	lower = virt_to_phys(find.pts[0].table_lower);
	lu_preserve(test, &ser);

	saved = *lu_entry(&find.pts[0]);
	/* Memory of this kernel that was not preserved */
	page = iommu_alloc_pages_sz(GFP_KERNEL, PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, page);
	lu_set_table(test, &find.pts[0], virt_to_phys(page));
	lu_refuse(test, &ser, -EINVAL, "table that was not preserved");
	iommu_free_pages(page);

	/* No memory at all */
	lu_set_table(test, &find.pts[0], BIT_ULL(50) | SZ_64K);
	lu_refuse(test, &ser, -EINVAL, "table that is not in memory");
	lu_set_table(test, &find.pts[0], 0);
	lu_refuse(test, &ser, -EINVAL, "table at 0");

	/* A loop: the tree would be as deep as it can get, and wide */
	lu_set_table(test, &find.pts[0], ser.top_phys);
	lu_refuse(test, &ser, -EINVAL, "table that points at the top");
	lu_set_table(test, &find.pts[0],
		     virt_to_phys(find.pts[0].table));
	lu_refuse(test, &ser, -EINVAL, "table that points at itself");
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved);

	/* The right address, but KHO has another order for it */
	xa_store(&fake_kho.pages, PHYS_PFN(lower), xa_mk_value(1), GFP_KERNEL);
	lu_refuse(test, &ser, -EINVAL, "table of another order");
	xa_store(&fake_kho.pages, PHYS_PFN(lower), xa_mk_value(0), GFP_KERNEL);

	/* A table or a leaf less, and an extra leaf */
	WRITE_ONCE(*lu_entry(&find.pts[0]), 0);
	lu_refuse(test, &ser, -EINVAL, "table missing");
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved);
	do_map(test, l0 * 2 + pgsz, pgsz, pgsz);
	lu_refuse(test, &ser, -EINVAL, "extra leaf");
	do_unmap(test, l0 * 2 + pgsz, pgsz);

	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	lu_check_maps(test);
}

/* The same table twice, so that all the counts are right */
static void test_lu_alias(struct kunit *test)
{
	struct lu_find find = { .type = PT_ENTRY_TABLE, .min_level = 1 };
	struct kunit_iommu_priv *priv = test->priv;
	pt_vaddr_t pgsz = priv->smallest_pgsz;
	pt_vaddr_t l0 = pgsz * 512;
	struct pt_iommu_ser ser;
	u64 saved;

	lu_map(test, l0 * 2, pgsz, pgsz, IOMMU_READ | IOMMU_WRITE);
	lu_map(test, l0 * 3, pgsz, pgsz, IOMMU_READ | IOMMU_WRITE);
	KUNIT_ASSERT_TRUE(test, lu_find(test, &find));
	lu_preserve(test, &ser);

	saved = *lu_entry(&find.pts[1]);
	lu_set_table(test, &find.pts[1],
		     virt_to_phys(find.pts[0].table_lower));
	lu_refuse(test, &ser, -EINVAL, "table twice");
	WRITE_ONCE(*lu_entry(&find.pts[1]), saved);

	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	lu_check_maps(test);
}

/*
 * A table vanishes between the check and the restore, which cannot be: nothing
 * is freed then either, and no domain comes of it.
 */
static void test_lu_restore_fails(struct kunit *test)
{
	unsigned long before, after;
	struct pt_iommu_ser ser;

	lu_map_mixed(test);
	lu_preserve(test, &ser);
	fake_kho.fail_restore_nth = ser.nr_tables - 1;
	before = pt_kunit_nr_secondary_pagetable();
	KUNIT_EXPECT_EQ(test, -EINVAL, lu_restore(test, &ser));
	after = pt_kunit_nr_secondary_pagetable();
	KUNIT_EXPECT_EQ(test, fake_kho.nr_restored, ser.nr_tables - 2);
	KUNIT_EXPECT_EQ(test, before, after);
	/* The old table is all there, and the exit frees it */
	lu_check_maps(test);
}

/* Entries that this kernel would read in another way than the hardware */
static void test_lu_bad_leaf(struct kunit *test)
{
	struct lu_find find = { .type = PT_ENTRY_OA };
	struct pt_iommu_ser count = {};
	struct pt_iommu_ser ser;
	struct pt_state next;
	u64 saved, saved_next;

	lu_map_mixed(test);
	KUNIT_ASSERT_TRUE(test, lu_find(test, &find));
	lu_preserve(test, &ser);

	saved = *lu_entry(&find.pts[0]);
#if defined(__GENERIC_PT_FMT_AMDV1_H)
	/* A next level that no leaf can have, and a size of another level */
	WRITE_ONCE(*lu_entry(&find.pts[0]),
		   saved | FIELD_PREP(AMDV1PT_FMT_NEXT_LEVEL, 3));
	lu_refuse(test, &ser, -EINVAL, "next level 3 at level 0");
	WRITE_ONCE(*lu_entry(&find.pts[0]),
		   saved | AMDV1PT_FMT_NEXT_LEVEL | GENMASK_ULL(40, 12));
	lu_refuse(test, &ser, -EINVAL, "size of a higher level");
	WRITE_ONCE(*lu_entry(&find.pts[0]),
		   saved | AMDV1PT_FMT_NEXT_LEVEL | AMDV1PT_FMT_OA);
	lu_refuse(test, &ser, -EINVAL, "size without an end");
	KUNIT_EXPECT_EQ(test, -EINVAL, lu_account(test, &count));
#elif defined(__GENERIC_PT_FMT_RISCV_H)
	WRITE_ONCE(*lu_entry(&find.pts[0]),
		   saved & ~(u64)(RISCVPT_R | RISCVPT_W | RISCVPT_X));
	lu_refuse(test, &ser, -EINVAL, "table pointer at level 0");
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved | RISCVPT_N);
	lu_refuse(test, &ser, -EINVAL, "NAPOT without its size");
	KUNIT_EXPECT_EQ(test, -EINVAL, lu_account(test, &count));
#endif
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved);
	KUNIT_ASSERT_NO_ERRNO(test, lu_account(test, &count));

	/* Address bits below the size of a large leaf */
	find = (struct lu_find) { .type = PT_ENTRY_OA, .min_level = 1 };
	lu_find(test, &find);
#if !defined(__GENERIC_PT_FMT_AMDV1_H)
	KUNIT_ASSERT_GT(test, find.found, 0);
	saved = *lu_entry(&find.pts[0]);
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved | BIT_ULL(14));
	lu_refuse(test, &ser, -EINVAL, "misaligned large page");
	WRITE_ONCE(*lu_entry(&find.pts[0]), saved);
#endif

	/* A contiguous entry whose items differ, in address and permission */
	find = (struct lu_find) { .type = PT_ENTRY_OA, .contig = true };
	lu_find(test, &find);
	if (find.found) {
		next = find.pts[0];
		next.index++;
		saved_next = *lu_entry(&next);
		WRITE_ONCE(*lu_entry(&next), 0);
		lu_refuse(test, &ser, -EINVAL, "hole in a contiguous entry");
		WRITE_ONCE(*lu_entry(&next), saved_next ^ BIT_ULL(35));
		lu_refuse(test, &ser, -EINVAL, "mixed contiguous addresses");
		WRITE_ONCE(*lu_entry(&next),
			   saved_next ^ lu_write_bits(test));
		lu_refuse(test, &ser, -EINVAL, "mixed contiguous permission");
		WRITE_ONCE(*lu_entry(&next), saved_next);
	}

	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	lu_check_maps(test);
}

/* A driver that has not got what the table needs */
static void test_lu_driver(struct kunit *test)
{
	struct kunit_iommu_priv *priv = test->priv;
	struct pt_iommu_table table = {};
	struct pt_iommu_ser ser;

	lu_map_mixed(test);
	lu_preserve(test, &ser);

	if (pt_feature(priv->common, PT_FEAT_DYNAMIC_TOP) ||
	    pt_feature(priv->common, PT_FEAT_DMA_INCOHERENT)) {
		table.iommu.nid = NUMA_NO_NODE;
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				pt_iommu_restore(&table, &ser));
		KUNIT_EXPECT_NULL(test, table.iommu.ops);
		pt_iommu_deinit(&table.iommu);
	}
	KUNIT_ASSERT_NO_ERRNO(test, lu_restore(test, &ser));
	lu_check_maps(test);
}

static struct kunit_case liveupdate_test_cases[] = {
	KUNIT_CASE_FMT(test_lu_roundtrip),
	KUNIT_CASE_FMT(test_lu_restore_free),
	KUNIT_CASE_FMT(test_lu_empty),
	KUNIT_CASE_FMT(test_lu_unpreserve),
	KUNIT_CASE_FMT(test_lu_preserve_fails),
	KUNIT_CASE_FMT(test_lu_dynamic_top),
	KUNIT_CASE_FMT(test_lu_verify_range),
	KUNIT_CASE_FMT(test_lu_dirty),
	KUNIT_CASE_FMT(test_lu_bad_ser),
	KUNIT_CASE_FMT(test_lu_bad_table),
	KUNIT_CASE_FMT(test_lu_alias),
	KUNIT_CASE_FMT(test_lu_restore_fails),
	KUNIT_CASE_FMT(test_lu_bad_leaf),
	KUNIT_CASE_FMT(test_lu_driver),
	{},
};

static int pt_kunit_liveupdate_init(struct kunit *test)
{
	memset(&fake_kho, 0, sizeof(fake_kho));
	xa_init(&fake_kho.pages);
	kunit_activate_static_stub(test, iommu_preserve_pages,
				   fake_preserve_pages);
	kunit_activate_static_stub(test, iommu_unpreserve_pages,
				   fake_unpreserve_pages);
	kunit_activate_static_stub(test, iommu_pages_restorable,
				   fake_pages_restorable);
	kunit_activate_static_stub(test, iommu_restore_pages,
				   fake_restore_pages);
	return pt_kunit_iommu_init(test);
}

static void pt_kunit_liveupdate_exit(struct kunit *test)
{
	xa_destroy(&fake_kho.pages);
	pt_kunit_iommu_exit(test);
}

static struct kunit_suite NS(liveupdate_suite) = {
	.name = __stringify(NS(liveupdate_test)),
	.init = pt_kunit_liveupdate_init,
	.exit = pt_kunit_liveupdate_exit,
	.test_cases = liveupdate_test_cases,
};

kunit_test_suites(&NS(liveupdate_suite));
