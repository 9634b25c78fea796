/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Templated like iommu_pt.h, which includes it: hand a page table over to the
 * next kernel, take it over there, and compare it with what a user says that it
 * maps. The pages' own state belongs to iommu-pages, the records to liveupdate.c.
 */
#ifndef __GENERIC_PT_IOMMU_PT_LIVEUPDATE_H
#define __GENERIC_PT_IOMMU_PT_LIVEUPDATE_H

#include "pt_iter.h"

#include <linux/kho/abi/iommu.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/xarray.h>
#include "../iommu-pages.h"
#include "../iommu-priv.h"

#define liveupdate_err(fmt, ...) \
	pr_err("iommu_pt %s: " fmt, __stringify(PTPFX_RAW), ##__VA_ARGS__)

/*
 * A walk over the whole tree, each table before its entries and those in order
 * of their index, so that two walks see the same tables in the same order.
 */
struct pt_liveupdate_walk {
	struct pt_iommu *iommu_table;
	/* Called for each table before it is read for the first time */
	int (*table)(struct pt_liveupdate_walk *walk, phys_addr_t phys,
		     unsigned int order);
	/* Called for each leaf; if NULL the level 0 tables are not read */
	void (*leaf)(struct pt_liveupdate_walk *walk, pt_oaddr_t oa,
		     unsigned int lg2sz);
	/* If not NULL: page frames of the tables found so far */
	struct xarray *seen;
	/* The walk ends with -E2BIG if there are more tables */
	u64 max_tables;
	u64 nr_tables;
	u64 nr_leaves;
	u64 mapped_bytes;
};

static unsigned int liveupdate_order(unsigned int table_lg2sz)
{
	return table_lg2sz <= PAGE_SHIFT ? 0 : table_lg2sz - PAGE_SHIFT;
}

static unsigned int liveupdate_top_order(struct pt_common *common)
{
	uintptr_t top_of_table = READ_ONCE(common->top_of_table);

	return liveupdate_order(pt_top_memsize_lg2(common, top_of_table));
}

/* The order of the tables that the items of @pts point to */
static unsigned int liveupdate_lower_order(const struct pt_state *pts)
{
	struct pt_state child_pts = pt_init(pts->range, pts->level - 1, NULL);

	return liveupdate_order(pt_num_items_lg2(&child_pts) +
				ilog2(PT_ITEM_WORD_SIZE));
}

static int liveupdate_visit_table(struct pt_liveupdate_walk *walk, u64 pa,
				  unsigned int order)
{
	phys_addr_t phys = pa;
	int ret;

	if (phys != pa)
		return -ERANGE;
	if (walk->nr_tables == walk->max_tables)
		return -E2BIG;
	if (walk->table) {
		ret = walk->table(walk, phys, order);
		if (ret)
			return ret;
	}
	walk->nr_tables++;
	cond_resched();
	return 0;
}

/*
 * Nothing about the entry may be trusted: an entry that the format would not
 * have written, or a contiguous entry whose items differ, means something else
 * to the hardware than to us.
 */
static int liveupdate_visit_leaf(struct pt_liveupdate_walk *walk,
				 const struct pt_state *pts,
				 unsigned int *num_contig_lg2)
{
	const struct pt_common *common = pts->range->common;
	const u64 prot_mask = pt_iommu_prot_mask(common);
	struct pt_state item = *pts;
	unsigned int contig_lg2;
	unsigned int lg2sz;
	unsigned int end;
	pt_oaddr_t oa;

	if (!pt_can_have_leaf(pts) || !pt_entry_well_formed(pts))
		return -EINVAL;

	contig_lg2 = pt_entry_num_contig_lg2(pts);
	lg2sz = contig_lg2 + pt_table_item_lg2sz(pts);
	if (lg2sz >= PT_VADDR_MAX_LG2 ||
	    !(pt_possible_sizes(pts) & log2_to_int(lg2sz)) ||
	    log2_mod(pts->index, contig_lg2))
		return -EINVAL;

	end = pts->index + log2_to_int_t(unsigned int, contig_lg2);
	if (end > pts->end_index)
		return -EINVAL;

	oa = pt_entry_oa(pts);
	if (oalog2_mod(oa, lg2sz) ||
	    (common->max_oasz_lg2 != PT_OADDR_MAX_LG2 &&
	     oalog2_div(oa, common->max_oasz_lg2)))
		return -EINVAL;

	for (item.index++; item.index < end; item.index++) {
		item.type = pt_load_entry_raw(&item);
		if (item.type != PT_ENTRY_OA || !pt_entry_well_formed(&item) ||
		    pt_entry_num_contig_lg2(&item) != contig_lg2 ||
		    pt_entry_oa(&item) != oa ||
		    ((item.entry ^ pts->entry) & prot_mask))
			return -EINVAL;
	}

	if (check_add_overflow(walk->mapped_bytes, (u64)log2_to_int(lg2sz),
			       &walk->mapped_bytes))
		return -EINVAL;
	walk->nr_leaves++;
	walk->leaf(walk, oa, lg2sz);
	*num_contig_lg2 = contig_lg2;
	return 0;
}

static int __liveupdate_walk(struct pt_range *range, void *arg,
			     unsigned int level, struct pt_table_p *table)
{
	struct pt_state pts = pt_init(range, level, table);
	struct pt_liveupdate_walk *walk = arg;
	unsigned int num_contig_lg2;
	int ret;

	if (!walk->leaf && !pt_can_have_table(&pts))
		return 0;

	/*
	 * range->va is not kept up to date, as it is not needed: all the items
	 * of a lower table are walked. Items which no VA leads to are empty.
	 */
	if (level == range->top_level)
		_pt_iter_first(&pts);
	else
		pts.end_index = log2_to_int_t(unsigned int,
					      pt_num_items_lg2(&pts));

	while (pts.index < pts.end_index) {
		pts.type = pt_load_entry_raw(&pts);
		if (pts.type == PT_ENTRY_EMPTY) {
			pts.index++;
			continue;
		}

		if (pts.type == PT_ENTRY_OA) {
			num_contig_lg2 = ilog2(1);
			if (walk->leaf) {
				ret = liveupdate_visit_leaf(walk, &pts,
							    &num_contig_lg2);
				if (ret)
					return ret;
			}
			pts.index += log2_to_int_t(unsigned int,
						   num_contig_lg2);
			continue;
		}

		if (!pt_can_have_table(&pts) || !pt_entry_well_formed(&pts))
			return -EINVAL;
		ret = liveupdate_visit_table(walk, pt_table_pa(&pts),
					     liveupdate_lower_order(&pts));
		if (ret)
			return ret;
		pts.table_lower = phys_to_virt(pt_table_pa(&pts));
		ret = pt_descend(&pts, arg, __liveupdate_walk);
		if (ret)
			return ret;
		pts.index++;
	}
	return 0;
}

static int liveupdate_walk(struct pt_liveupdate_walk *walk)
{
	struct pt_common *common = common_from_iommu(walk->iommu_table);
	struct pt_range range = pt_all_range(common);
	int ret;

	ret = liveupdate_visit_table(walk, virt_to_phys(range.top_table),
				     liveupdate_top_order(common));
	if (ret)
		return ret;
	return pt_walk_range(&range, __liveupdate_walk, walk);
}

static void liveupdate_count_leaf(struct pt_liveupdate_walk *walk,
				  pt_oaddr_t oa, unsigned int lg2sz)
{
}

static int NS(account)(struct pt_iommu *iommu_table, u64 *nr_tables,
		       u64 *nr_leaves, u64 *mapped_bytes)
{
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.leaf = liveupdate_count_leaf,
		.max_tables = U64_MAX,
	};
	int ret;

	ret = liveupdate_walk(&walk);
	if (ret)
		return ret;
	*nr_tables = walk.nr_tables;
	*nr_leaves = walk.nr_leaves;
	*mapped_bytes = walk.mapped_bytes;
	return 0;
}

/* Features that change what the entries or the top table mean, in any format */
static const struct pt_ser_feature liveupdate_common_features[] = {
	{ PT_FEAT_DMA_INCOHERENT, PT_IOMMU_SER_INCOHERENT },
	{ PT_FEAT_SIGN_EXTEND, PT_IOMMU_SER_SIGN_EXTEND },
	{ PT_FEAT_DYNAMIC_TOP, PT_IOMMU_SER_DYNAMIC_TOP },
};

static u32 liveupdate_flags_of(const struct pt_common *common,
			       const struct pt_ser_feature *map, size_t num)
{
	u32 flags = 0;
	size_t i;

	for (i = 0; i != num; i++)
		if (pt_feature(common, map[i].feature))
			flags |= map[i].flag;
	return flags;
}

static u32 liveupdate_common_to_flags(const struct pt_common *common)
{
	return liveupdate_flags_of(common, liveupdate_common_features,
				   ARRAY_SIZE(liveupdate_common_features)) |
	       liveupdate_flags_of(common, pt_iommu_fmt_ser_features,
				   ARRAY_SIZE(pt_iommu_fmt_ser_features));
}

/* Returns the flags that are not known to the format */
static u32 liveupdate_features_of(u32 flags, const struct pt_ser_feature *map,
				  size_t num, unsigned int *features)
{
	size_t i;

	for (i = 0; i != num; i++) {
		if (!(flags & map[i].flag) ||
		    !PT_SUPPORTED_FEATURE(map[i].feature))
			continue;
		*features |= BIT(map[i].feature);
		flags &= ~map[i].flag;
	}
	return flags;
}

/* Returns flags that nobody knows; where the tables come from is no feature */
static u32 liveupdate_flags_to_features(u32 flags, unsigned int *features)
{
	*features = 0;
	flags &= ~PT_IOMMU_SER_POOLED;
	flags = liveupdate_features_of(flags, liveupdate_common_features,
				       ARRAY_SIZE(liveupdate_common_features),
				       features);
	return liveupdate_features_of(flags, pt_iommu_fmt_ser_features,
				      ARRAY_SIZE(pt_iommu_fmt_ser_features),
				      features);
}

/*
 * What can be said of @ser without a look at the tables. It is asked of the old
 * kernel too, so that what cannot be restored is not preserved.
 */
static int liveupdate_check_ser(const struct pt_iommu_ser *ser)
{
	struct pt_state top_pts = { .level = ser->top_level };
	unsigned int features;
	u32 unknown;

	if (ser->format != PT_IOMMU_SER_FORMAT) {
		liveupdate_err("format %u is not this one, %u\n", ser->format,
			       PT_IOMMU_SER_FORMAT);
		return -EOPNOTSUPP;
	}

	unknown = liveupdate_flags_to_features(ser->flags, &features);
	if (unknown) {
		liveupdate_err("flags %#x are not supported\n", unknown);
		return -EOPNOTSUPP;
	}

	if (IOMMU_PAGES_USE_DMA_API && (ser->flags & PT_IOMMU_SER_INCOHERENT)) {
		liveupdate_err("incoherent tables are not supported here\n");
		return -EOPNOTSUPP;
	}

	if (ser->flags & PT_IOMMU_SER_POOLED &&
	    (ser->nr_tables || ser->nr_leaves || ser->mapped_bytes)) {
		liveupdate_err("counts of a table that was not looked at\n");
		return -EINVAL;
	}

	if (memchr_inv(ser->reserved, 0, sizeof(ser->reserved))) {
		liveupdate_err("reserved bytes are not zero\n");
		return -EINVAL;
	}

	/* The top table must decode at least one bit, see pt_top_memsize_lg2() */
	if (ser->top_level > PT_MAX_TOP_LEVEL ||
	    ser->max_vasz_lg2 > PT_MAX_VA_ADDRESS_LG2 ||
	    ser->max_vasz_lg2 <= pt_table_item_lg2sz(&top_pts) ||
	    ser->max_oasz_lg2 > pt_max_oa_lg2(NULL) || !ser->max_oasz_lg2) {
		liveupdate_err("top level %u, VA size %u or OA size %u is out of range\n",
			       ser->top_level, ser->max_vasz_lg2,
			       ser->max_oasz_lg2);
		return -EINVAL;
	}

	if (ser->top_phys & ~(u64)PT_TOP_PHYS_MASK) {
		liveupdate_err("top table cannot be at %#llx\n", ser->top_phys);
		return -EINVAL;
	}
	return 0;
}

static int liveupdate_preserve_table(struct pt_liveupdate_walk *walk,
				     phys_addr_t phys, unsigned int order)
{
	return iommu_preserve_pages(phys_to_virt(phys));
}

static int liveupdate_unpreserve_table(struct pt_liveupdate_walk *walk,
				       phys_addr_t phys, unsigned int order)
{
	iommu_unpreserve_pages(phys_to_virt(phys));
	return 0;
}

static void liveupdate_unpreserve(struct pt_iommu *iommu_table, u64 nr_tables)
{
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.table = liveupdate_unpreserve_table,
		.max_tables = nr_tables,
	};

	/* Ends with -E2BIG after a preservation that did not get to the end */
	liveupdate_walk(&walk);
	WARN_ON(walk.nr_tables != nr_tables);
}

/*
 * The pool is preserved with all of its pages, so there is nothing to look for,
 * however many tables there are. What may be left is a top table that is larger
 * than a page.
 */
static int liveupdate_preserve_pooled(struct pt_iommu *iommu_table,
				      struct pt_iommu_ser *ser)
{
	struct pt_common *common = common_from_iommu(iommu_table);
	int ret;

	ser->flags |= PT_IOMMU_SER_POOLED;
	ret = liveupdate_check_ser(ser);
	if (ret || !liveupdate_top_order(common))
		return ret;
	return iommu_preserve_pages(phys_to_virt(ser->top_phys));
}

static int NS(preserve)(struct pt_iommu *iommu_table, struct pt_iommu_ser *ser)
{
	struct pt_common *common = common_from_iommu(iommu_table);
	struct pt_range range = pt_all_range(common);
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.table = liveupdate_preserve_table,
		.leaf = liveupdate_count_leaf,
		.max_tables = U64_MAX,
	};
	int ret;

	*ser = (struct pt_iommu_ser) {
		.top_phys = virt_to_phys(range.top_table),
		.pgsize_bitmap = iommu_table->domain.pgsize_bitmap,
		.format = PT_IOMMU_SER_FORMAT,
		.flags = liveupdate_common_to_flags(common),
		.top_level = range.top_level,
		.max_vasz_lg2 = common->max_vasz_lg2,
		.max_oasz_lg2 = common->max_oasz_lg2,
	};
	if (iommu_table->pooled)
		return liveupdate_preserve_pooled(iommu_table, ser);

	ret = liveupdate_check_ser(ser);
	if (ret)
		return ret;

	ret = liveupdate_walk(&walk);
	if (ret) {
		liveupdate_unpreserve(iommu_table, walk.nr_tables);
		return ret;
	}
	ser->nr_tables = walk.nr_tables;
	ser->nr_leaves = walk.nr_leaves;
	ser->mapped_bytes = walk.mapped_bytes;
	return 0;
}

static void NS(unpreserve)(struct pt_iommu *iommu_table,
			   const struct pt_iommu_ser *ser)
{
	if (!(ser->flags & PT_IOMMU_SER_POOLED))
		liveupdate_unpreserve(iommu_table, ser->nr_tables);
	else if (liveupdate_top_order(common_from_iommu(iommu_table)))
		iommu_unpreserve_pages(phys_to_virt(ser->top_phys));
}

struct pt_liveupdate_verify {
	pt_oaddr_t oa;
	u64 prot;
	u64 prot_mask;
	size_t verified;
};

static int __liveupdate_verify(struct pt_range *range, void *arg,
			       unsigned int level, struct pt_table_p *table)
{
	struct pt_state pts = pt_init(range, level, table);
	struct pt_liveupdate_verify *verify = arg;
	pt_vaddr_t last_va;
	int ret;

	/*
	 * Item by item, also within a contiguous entry: which of its items the
	 * hardware takes a translation from is not defined.
	 */
	_pt_iter_first(&pts);
	do {
		pts.type = pt_load_entry_raw(&pts);
		switch (pts.type) {
		case PT_ENTRY_EMPTY:
			return -ENOENT;
		case PT_ENTRY_TABLE:
			pts.table_lower = pt_table_ptr(&pts);
			ret = pt_descend(&pts, arg, __liveupdate_verify);
			if (ret)
				return ret;
			break;
		case PT_ENTRY_OA:
			if (!pt_entry_well_formed(&pts) ||
			    pt_entry_oa_exact(&pts) != verify->oa)
				return -EXDEV;
			if ((pts.entry ^ verify->prot) & verify->prot_mask)
				return -EACCES;
			last_va = min(log2_set_mod_max(range->va,
						       pt_table_item_lg2sz(&pts)),
				      range->last_va);
			verify->oa += last_va - range->va + 1;
			verify->verified += last_va - range->va + 1;
			break;
		}
		pts.index++;
		pt_index_to_va(&pts);
	} while (pts.index < pts.end_index);
	return 0;
}

static int NS(verify_range)(struct pt_iommu *iommu_table, dma_addr_t iova,
			    phys_addr_t paddr, dma_addr_t len,
			    unsigned int prot, size_t *verified)
{
	struct pt_common *common = common_from_iommu(iommu_table);
	struct pt_liveupdate_verify verify = {
		.oa = paddr,
		.prot_mask = pt_iommu_prot_mask(common),
	};
	struct pt_write_attrs attrs = {};
	struct pt_range range;
	int ret;

	if (!(prot & (IOMMU_READ | IOMMU_WRITE)))
		return -EINVAL;

	ret = pt_iommu_set_prot(common, &attrs, prot);
	if (ret)
		return ret;
	verify.prot = attrs.descriptor_bits;

	ret = make_range(common, &range, iova, len);
	if (ret)
		return ret == -ERANGE ? -ENOENT : ret;

	ret = pt_walk_range(&range, __liveupdate_verify, &verify);
	*verified += verify.verified;
	return ret;
}

static int liveupdate_check_table(struct pt_liveupdate_walk *walk,
				  phys_addr_t phys, unsigned int order)
{
	int ret;

	if (!iommu_pages_restorable(phys, order)) {
		liveupdate_err("table at %pa is no preserved page of order %u\n",
			       &phys, order);
		return -ENXIO;
	}

	ret = xa_insert(walk->seen, PHYS_PFN(phys), xa_mk_value(0), GFP_KERNEL);
	if (ret == -EBUSY) {
		liveupdate_err("table at %pa is there twice\n", &phys);
		return -ENXIO;
	}
	return ret;
}

/* Did @ser lead to a table that is laid out as the preserved one? */
static int liveupdate_check_init(struct pt_iommu *iommu_table,
				 const struct pt_iommu_ser *ser)
{
	struct pt_common *common = common_from_iommu(iommu_table);
	u64 pgsize_bitmap = iommu_table->domain.pgsize_bitmap;
	unsigned int order;

	if (liveupdate_common_to_flags(common) !=
	    (ser->flags & ~PT_IOMMU_SER_POOLED)) {
		liveupdate_err("flags %#x instead of %#x are not supported\n",
			       ser->flags, liveupdate_common_to_flags(common));
		return -EOPNOTSUPP;
	}

	if (pt_top_get_level(common) != ser->top_level ||
	    common->max_vasz_lg2 != ser->max_vasz_lg2 ||
	    common->max_oasz_lg2 != ser->max_oasz_lg2) {
		liveupdate_err("top level %u does not go with VA size %u and OA size %u\n",
			       ser->top_level, ser->max_vasz_lg2,
			       ser->max_oasz_lg2);
		return -EINVAL;
	}

	if (!ser->pgsize_bitmap || ser->pgsize_bitmap & ~pgsize_bitmap) {
		liveupdate_err("page sizes %#llx are not among %#llx\n",
			       ser->pgsize_bitmap, pgsize_bitmap);
		return -EOPNOTSUPP;
	}

	order = liveupdate_top_order(common);
	if (ser->top_phys != (phys_addr_t)ser->top_phys ||
	    !iommu_pages_restorable(ser->top_phys, order)) {
		liveupdate_err("top table at %#llx is no preserved page of order %u\n",
			       ser->top_phys, order);
		return -EINVAL;
	}
	return 0;
}

/* Read all of the tree and change nothing: no struct page is ours yet */
static int liveupdate_check_tables(struct pt_iommu *iommu_table,
				   const struct pt_iommu_ser *ser)
{
	const bool pooled = ser->flags & PT_IOMMU_SER_POOLED;
	struct xarray seen;
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.table = liveupdate_check_table,
		.leaf = liveupdate_count_leaf,
		.seen = &seen,
		.max_tables = pooled ? get_num_physpages() : ser->nr_tables,
	};
	int ret;

	/* It bounds the walk; get_num_physpages() counts preserved pages too */
	if (!walk.max_tables || walk.max_tables > get_num_physpages()) {
		liveupdate_err("there cannot be %llu tables\n", ser->nr_tables);
		return -EINVAL;
	}

	/* Not XARRAY_INIT(): lockdep wants a key for a lock on the stack */
	xa_init(&seen);
	ret = liveupdate_walk(&walk);
	xa_destroy(&seen);
	switch (ret) {
	case 0:
		break;
	case -ENOMEM:
		return ret;
	case -ENXIO:
		/* liveupdate_check_table() said what it is */
		return -EINVAL;
	case -E2BIG:
		liveupdate_err("more than %llu tables\n", ser->nr_tables);
		return -EINVAL;
	default:
		liveupdate_err("malformed entry after %llu tables and %llu leaves\n",
			       walk.nr_tables, walk.nr_leaves);
		return -EINVAL;
	}
	/* Whoever adopts a pooled table compares all of it with what is mapped */
	if (pooled)
		return 0;
	if (walk.nr_tables != ser->nr_tables ||
	    walk.nr_leaves != ser->nr_leaves ||
	    walk.mapped_bytes != ser->mapped_bytes) {
		liveupdate_err("%llu tables, %llu leaves, %llu bytes instead of %llu, %llu, %llu\n",
			       walk.nr_tables, walk.nr_leaves,
			       walk.mapped_bytes, ser->nr_tables,
			       ser->nr_leaves, ser->mapped_bytes);
		return -EINVAL;
	}
	return 0;
}

static int liveupdate_restore_table(struct pt_liveupdate_walk *walk,
				    phys_addr_t phys, unsigned int order)
{
	struct pt_common *common = common_from_iommu(walk->iommu_table);

	if (iommu_restore_pages(phys, order,
				pt_feature(common, PT_FEAT_DMA_INCOHERENT)))
		return 0;
	liveupdate_err("table at %pa has gone, nothing of it is freed\n",
		       &phys);
	return -EINVAL;
}

static void liveupdate_debug_map(struct pt_liveupdate_walk *walk, pt_oaddr_t oa,
				 unsigned int lg2sz)
{
	/* iommu_map() of physical address 0 is not counted either */
	if (oa)
		iommu_debug_map(&walk->iommu_table->domain, oa,
				log2_to_int(lg2sz));
}

static int liveupdate_restore_tables(struct pt_iommu *iommu_table,
				     const struct pt_iommu_ser *ser)
{
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.table = liveupdate_restore_table,
		.leaf = iommu_debug_enabled() ? liveupdate_debug_map : NULL,
		.max_tables = U64_MAX,
	};

	return liveupdate_walk(&walk);
}

static void liveupdate_debug_unmap(struct pt_liveupdate_walk *walk,
				   pt_oaddr_t oa, unsigned int lg2sz)
{
	if (oa)
		iommu_debug_unmap_phys(&walk->iommu_table->domain, oa,
				       log2_to_int(lg2sz));
}

/*
 * A restored table may be freed with its leaves, when nobody adopted it. Nobody
 * unmapped those, so take back what liveupdate_restore_tables() counted.
 */
static void liveupdate_deinit(struct pt_iommu *iommu_table)
{
	struct pt_liveupdate_walk walk = {
		.iommu_table = iommu_table,
		.leaf = liveupdate_debug_unmap,
		.max_tables = U64_MAX,
	};

	if (iommu_table->restored && iommu_debug_enabled())
		liveupdate_walk(&walk);
}

#endif
