// SPDX-License-Identifier: GPL-2.0-only
/*
 * memblock finds by binary search where a range begins to matter. Here it is
 * compared with a model that knows no search at all, one entry per page, through
 * many random changes of small arrays, in which ranges meet in every way: apart,
 * adjacent, overlapping, one within the other, with like and with unlike flags
 * and nodes.
 */

#include "linear_api.h"
#include <string.h>

#define LINEAR_OPERATIONS	1000000
#define LINEAR_BASE		SZ_1G
#define LINEAR_PAGE		SZ_4K
/* Few enough that no array ever has to grow: that is not what is tested here. */
#define LINEAR_PAGES		120

struct linear_page {
	bool present;
	enum memblock_flags flags;
	int nid;
};

struct linear_model {
	struct memblock_type *type;
	struct linear_page pages[LINEAR_PAGES];
};

struct linear_range {
	unsigned int start;
	unsigned int nr;
};

static u64 linear_seed;

static unsigned int linear_random(unsigned int below)
{
	/* xorshift64*, so that a failure can be repeated. */
	linear_seed ^= linear_seed >> 12;
	linear_seed ^= linear_seed << 25;
	linear_seed ^= linear_seed >> 27;

	return ((linear_seed * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static phys_addr_t linear_phys(unsigned int page)
{
	return LINEAR_BASE + (phys_addr_t)page * LINEAR_PAGE;
}

static bool linear_alike(const struct linear_page *a, const struct linear_page *b)
{
	return a->present && b->present && a->flags == b->flags && a->nid == b->nid;
}

/* The node as a region has it. */
static int linear_nid(int nid)
{
#ifdef CONFIG_NUMA
	return nid;
#else
	return 0;
#endif
}

/* memblock warns of an overlap with regions of another kind: leave that out. */
static bool linear_can_add(const struct linear_model *model, struct linear_range range,
			   int nid, enum memblock_flags flags)
{
	for (unsigned int i = range.start; i < range.start + range.nr; i++) {
		const struct linear_page *page = &model->pages[i];

		if (page->present && (page->nid != linear_nid(nid) ||
				      (flags && page->flags != flags)))
			return false;
	}

	return true;
}

static void linear_add(struct linear_model *model, struct linear_range range, int nid,
		       enum memblock_flags flags)
{
	for (unsigned int i = range.start; i < range.start + range.nr; i++) {
		if (!model->pages[i].present)
			model->pages[i] = (struct linear_page){
				.present = true, .flags = flags, .nid = linear_nid(nid),
			};
	}
}

static void linear_remove(struct linear_model *model, struct linear_range range)
{
	memset(&model->pages[range.start], 0, range.nr * sizeof(model->pages[0]));
}

static void linear_set_flag(struct linear_model *model, struct linear_range range, int set,
			    enum memblock_flags flag)
{
	for (unsigned int i = range.start; i < range.start + range.nr; i++) {
		if (set)
			model->pages[i].flags |= flag;
		else
			model->pages[i].flags &= ~flag;
		if (!model->pages[i].present)
			model->pages[i].flags = 0;
	}
}

static bool linear_overlaps(const struct linear_model *model, struct linear_range range)
{
	for (unsigned int i = range.start; i < range.start + range.nr; i++)
		if (model->pages[i].present)
			return true;

	return false;
}

/* All of @model and nothing but it is in its memblock_type, which is minimal. */
static void linear_compare(const struct linear_model *model)
{
	const struct memblock_type *type = model->type;
	unsigned long cnt = 0;
	phys_addr_t total = 0;

	for (unsigned int i = 0; i < LINEAR_PAGES; i++) {
		const struct linear_page *page = &model->pages[i];
		struct memblock_region *rgn;

		if (!page->present)
			continue;

		total += LINEAR_PAGE;
		if (!i || !linear_alike(page - 1, page))
			cnt++;

		ASSERT_LE(cnt, type->cnt);
		rgn = &type->regions[cnt - 1];
		ASSERT_EQ(page->flags, rgn->flags);
		ASSERT_EQ(page->nid, memblock_get_region_node(rgn));
		if (!i || !linear_alike(page - 1, page))
			ASSERT_EQ(linear_phys(i), rgn->base);
		if (i == LINEAR_PAGES - 1 || !linear_alike(page, page + 1))
			ASSERT_EQ(linear_phys(i + 1), region_end(rgn));
	}

	ASSERT_EQ(cnt, type->cnt);
	ASSERT_EQ(total, type->total_size);
}

static struct linear_range linear_random_range(void)
{
	struct linear_range range;

	range.start = linear_random(LINEAR_PAGES);
	/* Mostly short ones: with long ones all would soon be one region. */
	range.nr = 1 + linear_random(linear_random(8) ? 3 : LINEAR_PAGES);
	if (range.nr > LINEAR_PAGES - range.start)
		range.nr = LINEAR_PAGES - range.start;

	return range;
}

static void linear_random_add(struct linear_model *model, struct linear_range range)
{
	static const enum memblock_flags flags[2][2] = {
		{ MEMBLOCK_NONE, MEMBLOCK_HOTPLUG },
		{ MEMBLOCK_NONE, MEMBLOCK_RSRV_NOINIT },
	};
	bool reserved = model->type == &memblock.reserved;
	enum memblock_flags flag = flags[reserved][linear_random(2)];
	int nid = linear_random(2);
	int err;

	if (!linear_can_add(model, range, nid, flag))
		return;

	if (reserved)
		err = __memblock_reserve(linear_phys(range.start), (u64)range.nr * LINEAR_PAGE,
					 nid, flag);
	else
		err = memblock_add_node(linear_phys(range.start), (u64)range.nr * LINEAR_PAGE,
					nid, flag);
	ASSERT_EQ(0, err);
	linear_add(model, range, nid, flag);
}

static void linear_random_remove(struct linear_model *model, struct linear_range range)
{
	phys_addr_t base = linear_phys(range.start), size = (u64)range.nr * LINEAR_PAGE;
	int err;

	if (model->type == &memblock.reserved)
		err = memblock_phys_free(base, size);
	else
		err = memblock_remove(base, size);
	ASSERT_EQ(0, err);
	linear_remove(model, range);
}

static void linear_random_flag(struct linear_model *model, struct linear_range range)
{
	phys_addr_t base = linear_phys(range.start), size = (u64)range.nr * LINEAR_PAGE;
	int err;

	if (model->type == &memblock.reserved) {
		err = memblock_reserved_mark_noinit(base, size);
		linear_set_flag(model, range, 1, MEMBLOCK_RSRV_NOINIT);
	} else if (linear_random(2)) {
		err = memblock_mark_hotplug(base, size);
		linear_set_flag(model, range, 1, MEMBLOCK_HOTPLUG);
	} else {
		err = memblock_clear_hotplug(base, size);
		linear_set_flag(model, range, 0, MEMBLOCK_HOTPLUG);
	}
	ASSERT_EQ(0, err);
}

static void linear_random_node(struct linear_model *model, struct linear_range range)
{
	int nid = linear_random(2), err;

	err = memblock_set_node(linear_phys(range.start), (u64)range.nr * LINEAR_PAGE,
				model->type, nid);
	ASSERT_EQ(0, err);

	for (unsigned int i = range.start; i < range.start + range.nr; i++)
		if (model->pages[i].present)
			model->pages[i].nid = linear_nid(nid);
}

static int memblock_linear_random_check(void)
{
	struct linear_model models[] = {
		{ .type = &memblock.memory },
		{ .type = &memblock.reserved },
	};
	unsigned long most[ARRAY_SIZE(models)] = { };

	PREFIX_PUSH();
	reset_memblock_regions();
	linear_seed = 20261125;

	for (unsigned int i = 0; i < LINEAR_OPERATIONS; i++) {
		struct linear_range range = linear_random_range();
		unsigned int which = linear_random(ARRAY_SIZE(models));
		struct linear_model *model = &models[which];

		switch (linear_random(8)) {
		case 0 ... 2:
			linear_random_add(model, range);
			break;
		case 3 ... 4:
			linear_random_remove(model, range);
			break;
		case 5 ... 6:
			linear_random_flag(model, range);
			break;
		case 7:
			linear_random_node(model, range);
			break;
		}

		linear_compare(model);
		if (most[which] < model->type->cnt)
			most[which] = model->type->cnt;

		range = linear_random_range();
		ASSERT_EQ(linear_overlaps(model, range),
			  memblock_overlaps_region(model->type, linear_phys(range.start),
						   (u64)range.nr * LINEAR_PAGE));
	}

	/* Otherwise there was nothing to search in. */
	ASSERT_LE(40, most[0]);
	ASSERT_LE(40, most[1]);
	ASSERT_EQ(INIT_MEMBLOCK_REGIONS, memblock.memory.max);
	ASSERT_EQ(INIT_MEMBLOCK_RESERVED_REGIONS, memblock.reserved.max);

	test_pass_pop();

	return 0;
}

/* In an empty array, and at both ends of the address space. */
static int memblock_linear_edges_check(void)
{
	const phys_addr_t top = PHYS_ADDR_MAX - LINEAR_PAGE;

	PREFIX_PUSH();
	reset_memblock_regions();

	ASSERT_FALSE(memblock_overlaps_region(&memblock.reserved, 0, PHYS_ADDR_MAX));
	ASSERT_EQ(0, memblock_reserved_mark_noinit(0, PHYS_ADDR_MAX));
	ASSERT_EQ(0, memblock.reserved.cnt);

	ASSERT_EQ(0, memblock_reserve(top, LINEAR_PAGE));
	ASSERT_EQ(0, memblock_reserve(0, LINEAR_PAGE));
	ASSERT_EQ(2, memblock.reserved.cnt);
	ASSERT_EQ(0, memblock.reserved.regions[0].base);
	ASSERT_EQ(top, memblock.reserved.regions[1].base);

	ASSERT_TRUE(memblock_overlaps_region(&memblock.reserved, 0, 1));
	ASSERT_TRUE(memblock_overlaps_region(&memblock.reserved, LINEAR_PAGE - 1, 1));
	ASSERT_FALSE(memblock_overlaps_region(&memblock.reserved, LINEAR_PAGE,
					      top - LINEAR_PAGE));
	ASSERT_TRUE(memblock_overlaps_region(&memblock.reserved, LINEAR_PAGE,
					     top - LINEAR_PAGE + 1));
	ASSERT_TRUE(memblock_overlaps_region(&memblock.reserved, top, PHYS_ADDR_MAX));

	/* What lies between, and with it all of it. */
	ASSERT_EQ(0, memblock_reserve(LINEAR_PAGE, top - LINEAR_PAGE));
	ASSERT_EQ(1, memblock.reserved.cnt);
	ASSERT_EQ(PHYS_ADDR_MAX, region_end(&memblock.reserved.regions[0]));

	test_pass_pop();

	return 0;
}

int memblock_linear_checks(void)
{
	prefix_reset();
	prefix_push("memblock and a linear model");
	test_print("Running tests of memblock against a linear model...\n");

	reset_memblock_attributes();
	memblock_linear_random_check();
	memblock_linear_edges_check();

	prefix_pop();

	return 0;
}
