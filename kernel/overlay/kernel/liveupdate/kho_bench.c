// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what it costs to preserve many pages across a kexec: in the old kernel
 * to allocate and to preserve them, in the new one to keep them through the boot
 * and to restore them. All of it runs before the first user process, so that
 * under an emulator that counts instructions, two runs give the same figures.
 * What the figures say is left to who reads them.
 */

#define pr_fmt(fmt) "kho_bench: " fmt

#include <linux/bsearch.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_bench.h>
#include <linux/list.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "../../mm/page_alloc.h"

#define KHO_BENCH_SUBTREE	"kho-bench"
#define KHO_BENCH_VERSION	1

/* Mixed preservations have orders from 0 to this. */
#define KHO_BENCH_MAX_ORDER	9

/*
 * Blocks of an order that may be taken from those that are put up for ours: by
 * other allocations, and by the lists of single CPUs, which are filled in advance.
 */
#define KHO_BENCH_SPARE		1024
#define KHO_BENCH_SPARE_HIGH	8

/* How often to ask it again if it gives away something else. */
#define KHO_BENCH_ATTEMPTS	16

/* A word of each so many is written and checked. */
#define KHO_BENCH_STRIDE	32

enum kho_bench_layout {
	KHO_BENCH_NONE,
	KHO_BENCH_SCATTERED,
	KHO_BENCH_CONTIGUOUS,
	KHO_BENCH_POOLED,
	KHO_BENCH_MIXED,
};

static const char * const kho_bench_layouts[] = {
	[KHO_BENCH_NONE] = "none",
	[KHO_BENCH_SCATTERED] = "scattered",
	[KHO_BENCH_CONTIGUOUS] = "contiguous",
	[KHO_BENCH_POOLED] = "pooled",
	[KHO_BENCH_MIXED] = "mixed",
};

/**
 * struct kho_bench_ser - what the old kernel hands over
 * @version: KHO_BENCH_VERSION.
 * @layout:  an enum kho_bench_layout.
 * @pages:   the number of base pages.
 * @keys:    the number of preservations.
 * @seed:    what content and orders were made from.
 * @first:   a link to the first preservation: its physical address and, in the
 *           bits below PAGE_SHIFT, its order. The first word of each holds a link
 *           to the next one.
 */
struct kho_bench_ser {
	u32 version;
	u32 layout;
	u64 pages;
	u64 keys;
	u64 seed;
	u64 first;
};

u64 kho_bench_boot_start __initdata;
bool kho_bench_stock __ro_after_init;

static struct {
	bool set;
	enum kho_bench_layout layout;
	unsigned long pages;
	unsigned long seed;
	u64 memory_init;
	unsigned long reserved_regions;
} kho_bench __initdata;

/* What debugfs shows. */
static struct {
	bool new;
	int error;
	const char *layout;
	unsigned long pages;
	unsigned long keys;
	unsigned long seed;
	unsigned long reserved_regions;
	unsigned long verified;
	unsigned int nodes;
	unsigned int tsc_khz;
	u64 memory_init;
	u64 boot;
	u64 allocate_preserve;
	u64 preserve;
	u64 restore;
} kho_bench_results __ro_after_init;

/* kho_bench=LAYOUT,PAGES[,METHOD[,SEED]] */
static int __init kho_bench_setup(char *p)
{
	char *layout = strsep(&p, ","), *pages = strsep(&p, ",");
	char *method = strsep(&p, ","), *seed = strsep(&p, ",");
	int nr;

	nr = match_string(kho_bench_layouts, ARRAY_SIZE(kho_bench_layouts), layout ?: "");
	if (nr < 0 || p || !pages || kstrtoul(pages, 0, &kho_bench.pages) ||
	    (method && strcmp(method, "ours") && strcmp(method, "stock")) ||
	    (seed && kstrtoul(seed, 0, &kho_bench.seed)) ||
	    (nr != KHO_BENCH_NONE && !kho_bench.pages)) {
		pr_err("kho_bench= is not LAYOUT,PAGES[,ours|stock[,SEED]]\n");
		return -EINVAL;
	}

	kho_bench.layout = nr;
	if (nr == KHO_BENCH_NONE)
		kho_bench.pages = 0;
	kho_bench_stock = method && !strcmp(method, "stock");
	kho_bench.set = true;

	return 0;
}
early_param("kho_bench", kho_bench_setup);

/**
 * kho_bench_memory_init_done - take the time of kho_memory_init()
 * @start: kho_bench_cycles() at its start.
 */
void __init kho_bench_memory_init_done(u64 start)
{
	kho_bench.memory_init = kho_bench_cycles() - start;
	kho_bench.reserved_regions = memblock.reserved.cnt;
}

/*
 * The pages
 */

static u64 __init kho_bench_link(phys_addr_t phys, unsigned int order)
{
	return phys | order;
}

static phys_addr_t __init kho_bench_phys(u64 link)
{
	return link & PAGE_MASK;
}

static unsigned int __init kho_bench_order(u64 link)
{
	return link & ~PAGE_MASK;
}

static u64 __init kho_bench_word(unsigned long seed, const u64 *word)
{
	return hash_64(virt_to_phys((void *)word) ^ seed, 64);
}

static void __init kho_bench_fill(u64 link, u64 next, unsigned long seed)
{
	u64 *words = phys_to_virt(kho_bench_phys(link));
	size_t nr = (PAGE_SIZE << kho_bench_order(link)) / sizeof(*words);

	for (size_t i = KHO_BENCH_STRIDE - 1; i < nr; i += KHO_BENCH_STRIDE)
		words[i] = kho_bench_word(seed, &words[i]);
	words[0] = next;
}

/*
 * The number of base pages that hold what kho_bench_fill() wrote, and are like any
 * other page: memblock's reserved ones are marked, unless it is told not to.
 */
static unsigned long __init kho_bench_verify(u64 link, unsigned long seed)
{
	const u64 *words = phys_to_virt(kho_bench_phys(link));
	const size_t per_page = PAGE_SIZE / sizeof(*words);
	unsigned long right = 0;

	for (unsigned long page = 0; page < 1UL << kho_bench_order(link); page++) {
		size_t i = KHO_BENCH_STRIDE - 1;

		while (i < per_page && words[i] == kho_bench_word(seed, &words[i]))
			i += KHO_BENCH_STRIDE;
		right += i >= per_page && !PageReserved(virt_to_page(words));
		words += per_page;
	}

	return right;
}

static u32 __init kho_bench_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;

	return *state >> 33;
}

/**
 * struct kho_bench_work - what the old kernel works with
 * @links:     all preservations; before they are allocated, only their orders.
 * @keys:      their number.
 * @allocated: how many of them are allocated.
 * @put_up:    memory that the page allocator is to give away, sorted.
 * @nr_put_up: the number of entries in @put_up.
 * @lower:     pages of that memory that are still to be freed.
 * @between:   pages that keep that memory apart.
 * @wrong:     folios that the page allocator gave away instead.
 */
struct kho_bench_work {
	u64 *links;
	unsigned long keys;
	unsigned long allocated;
	u64 *put_up;
	unsigned long nr_put_up;
	struct list_head lower;
	struct list_head between;
	struct list_head wrong;
};

static void __init kho_bench_choose_orders(struct kho_bench_work *work)
{
	u64 state = kho_bench.seed ^ 0x6b686f5f62656e63ULL;
	unsigned long pages = kho_bench.pages;

	while (pages) {
		unsigned int order = 0;

		if (kho_bench.layout == KHO_BENCH_MIXED) {
			order = kho_bench_random(&state) % (KHO_BENCH_MAX_ORDER + 1);
			order = min_t(unsigned int, order, ilog2(pages));
		}
		work->links[work->keys++] = kho_bench_link(0, order);
		pages -= 1UL << order;
	}
}

static void __init kho_bench_free_list(struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru)
		__free_page(page);
	INIT_LIST_HEAD(list);
}

/* Take twice the memory of @order, and have its lower half freed later. */
static int __init kho_bench_put_up(struct kho_bench_work *work, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, order + 1);

	if (!page)
		return -ENOMEM;

	split_page(page, order + 1);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		list_add_tail(&page[i].lru, &work->lower);
		list_add_tail(&page[i + (1UL << order)].lru, &work->between);
	}
	work->put_up[work->nr_put_up++] = kho_bench_link(page_to_phys(page), order);

	return 0;
}

static unsigned int __init kho_bench_spare(unsigned int order)
{
	if (order && kho_bench.layout != KHO_BENCH_MIXED)
		return 0;

	return order > PAGE_ALLOC_COSTLY_ORDER ? KHO_BENCH_SPARE_HIGH : KHO_BENCH_SPARE >> order;
}

static int __init kho_bench_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/*
 * Bring the page allocator into a state in which what is asked for next has no
 * neighbours among it: all that lies between is held until it is over.
 */
static int __init kho_bench_scatter(struct kho_bench_work *work)
{
	int err = 0;

	/* The large ones first, while there are any. */
	for (int order = KHO_BENCH_MAX_ORDER; order >= 0 && !err; order--) {
		unsigned int spare = kho_bench_spare(order);

		for (unsigned long i = 0; i < work->keys && !err; i++)
			if (kho_bench_order(work->links[i]) == order)
				err = kho_bench_put_up(work, order);
		for (unsigned int i = 0; i < spare && !err; i++)
			err = kho_bench_put_up(work, order);
		cond_resched();
	}
	sort(work->put_up, work->nr_put_up, sizeof(*work->put_up), kho_bench_compare, NULL);

	/* Lists of single CPUs would be used first. */
	drain_all_pages(NULL);
	kho_bench_free_list(&work->lower);
	drain_all_pages(NULL);

	return err;
}

/*
 * Old kernel
 */

static struct folio *__init kho_bench_folio(u64 link)
{
	return page_folio(phys_to_page(kho_bench_phys(link)));
}

static void __init kho_bench_unallocate(struct kho_bench_work *work)
{
	while (work->allocated) {
		struct folio *folio = kho_bench_folio(work->links[--work->allocated]);

		kho_unpreserve_folio(folio);
		folio_put(folio);
	}
}

/*
 * Keep what is not among the memory that was put up, so that it is not allocated
 * again, and give back the rest. Returns false if there is no such memory.
 */
static bool __init kho_bench_sort_out(struct kho_bench_work *work)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < work->keys; i++) {
		struct folio *folio = kho_bench_folio(work->links[i]);

		if (bsearch(&work->links[i], work->put_up, work->nr_put_up,
			    sizeof(*work->put_up), kho_bench_compare))
			continue;
		folio_get(folio);
		list_add(&folio->lru, &work->wrong);
		wrong++;
	}
	if (!wrong)
		return false;

	kho_bench_unallocate(work);
	drain_all_pages(NULL);

	return true;
}

static int __init kho_bench_allocate(struct kho_bench_work *work)
{
	u64 *links = work->links;
	u64 start = kho_bench_cycles();

	while (work->allocated < work->keys) {
		unsigned int order = kho_bench_order(links[work->allocated]);
		void *mem = kho_alloc_preserve(PAGE_SIZE << order);

		if (IS_ERR(mem))
			return PTR_ERR(mem);
		links[work->allocated++] = kho_bench_link(virt_to_phys(mem), order);
	}
	kho_bench_results.allocate_preserve = kho_bench_cycles() - start;

	return 0;
}

static int __init kho_bench_allocate_scattered(struct kho_bench_work *work)
{
	int err = kho_bench_scatter(work);

	if (err)
		return err;

	for (unsigned int i = 0; i < KHO_BENCH_ATTEMPTS; i++) {
		err = kho_bench_allocate(work);
		if (err)
			return err;
		if (!kho_bench_sort_out(work))
			return 0;
	}

	pr_err("the page allocator does not give away what was put up for it\n");

	return -EAGAIN;
}

/* Once more without the rest. The nodes of the radix tree exist by now. */
static void __init kho_bench_preserve(const struct kho_bench_work *work)
{
	u64 start;
	int err;

	for (unsigned long i = 0; i < work->keys; i++)
		kho_unpreserve_folio(kho_bench_folio(work->links[i]));

	start = kho_bench_cycles();
	for (unsigned long i = 0; i < work->keys; i++) {
		err = kho_preserve_folio(kho_bench_folio(work->links[i]));
		if (err)
			/* All nodes exist, so this can not be. */
			panic("kho_bench: can not preserve for a second time: %d", err);
	}
	kho_bench_results.preserve = kho_bench_cycles() - start;
}

static int __init kho_bench_hand_over(const struct kho_bench_work *work)
{
	struct kho_bench_ser *ser = kho_alloc_preserve(sizeof(*ser));
	const u64 *links = work->links;
	int err;

	if (IS_ERR(ser))
		return PTR_ERR(ser);

	for (unsigned long i = 0; i < work->keys; i++)
		kho_bench_fill(links[i], i + 1 < work->keys ? links[i + 1] : 0, kho_bench.seed);

	*ser = (struct kho_bench_ser){
		.version = KHO_BENCH_VERSION,
		.layout = kho_bench.layout,
		.pages = kho_bench.pages,
		.keys = work->keys,
		.seed = kho_bench.seed,
		.first = work->keys ? links[0] : 0,
	};
	err = kho_add_subtree(KHO_BENCH_SUBTREE, ser, sizeof(*ser));
	if (err)
		kho_unpreserve_free(ser);

	return err;
}

static int __init kho_bench_old(void)
{
	struct kho_bench_work work = {
		.lower = LIST_HEAD_INIT(work.lower),
		.between = LIST_HEAD_INIT(work.between),
		.wrong = LIST_HEAD_INIT(work.wrong),
	};
	struct folio *folio, *next;
	unsigned long spare = 0;
	int err = -ENOMEM;

	if (kho_bench.layout == KHO_BENCH_POOLED) {
		pr_err("layout pooled: not built in\n");
		return -EOPNOTSUPP;
	}

	work.links = vcalloc(kho_bench.pages + 1, sizeof(*work.links));
	for (unsigned int order = 0; order <= KHO_BENCH_MAX_ORDER; order++)
		spare += kho_bench_spare(order);
	work.put_up = vcalloc(kho_bench.pages + spare, sizeof(*work.put_up));
	if (!work.links || !work.put_up)
		goto out;

	kho_bench_choose_orders(&work);
	kho_bench_results.keys = work.keys;
	if (kho_bench.layout == KHO_BENCH_SCATTERED || kho_bench.layout == KHO_BENCH_MIXED)
		err = kho_bench_allocate_scattered(&work);
	else
		err = kho_bench_allocate(&work);
	if (err)
		goto out;

	kho_bench_preserve(&work);
	err = kho_bench_hand_over(&work);

out:
	if (err)
		kho_bench_unallocate(&work);
	kho_bench_free_list(&work.lower);
	kho_bench_free_list(&work.between);
	list_for_each_entry_safe(folio, next, &work.wrong, lru)
		folio_put(folio);
	vfree(work.put_up);
	vfree(work.links);

	return err;
}

/*
 * New kernel
 */

static unsigned long __init kho_bench_restore(const u64 *links, unsigned long keys)
{
	struct kho_restore_batch batch = { };
	u64 start = kho_bench_cycles();
	unsigned long i;

	if (kho_bench_stock) {
		/* Each is accounted for by itself. */
		for (i = 0; i < keys; i++)
			if (!kho_restore_folio(kho_bench_phys(links[i])))
				break;
	} else {
		for (i = 0; i < keys; i++)
			if (!kho_restore_folio_batch(kho_bench_phys(links[i]), &batch))
				break;
		kho_restore_batch_end(&batch);
	}
	kho_bench_results.restore = kho_bench_cycles() - start;

	return i;
}

static int __init kho_bench_read_links(const struct kho_bench_ser *ser, u64 *links)
{
	u64 link = ser->first;

	for (u64 i = 0; i < ser->keys; i++) {
		if (!kho_is_restorable(kho_bench_phys(link), kho_bench_order(link))) {
			pr_err("%llu of %llu preservations: the next one is not there\n",
			       i, ser->keys);
			return -ENOENT;
		}
		links[i] = link;
		link = *(u64 *)phys_to_virt(kho_bench_phys(link));
	}

	return link ? -EINVAL : 0;
}

static int __init kho_bench_new(phys_addr_t phys, size_t size)
{
	const struct kho_bench_ser *ser = phys_to_virt(phys);
	unsigned long restored;
	u64 *links;
	int err;

	if (size != sizeof(*ser) || ser->version != KHO_BENCH_VERSION ||
	    ser->layout >= ARRAY_SIZE(kho_bench_layouts) || ser->keys > ser->pages)
		return -EINVAL;

	kho_bench_results.layout = kho_bench_layouts[ser->layout];
	kho_bench_results.pages = ser->pages;
	kho_bench_results.keys = ser->keys;
	kho_bench_results.seed = ser->seed;

	links = vcalloc(ser->keys + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;

	err = kho_bench_read_links(ser, links);
	if (err)
		goto out;

	restored = kho_bench_restore(links, ser->keys);
	if (restored != ser->keys)
		err = -EIO;
	for (unsigned long i = 0; i < restored; i++) {
		kho_bench_results.verified += kho_bench_verify(links[i], ser->seed);
		folio_put(kho_bench_folio(links[i]));
		cond_resched();
	}
	if (!err && kho_bench_results.verified != ser->pages) {
		pr_err("%lu of %llu pages have what was written to them\n",
		       kho_bench_results.verified, ser->pages);
		err = -EIO;
	}
	kho_restore_free((void *)ser);

out:
	vfree(links);

	return err;
}

/*
 * Both
 */

static int kho_bench_results_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "role %s\n", kho_bench_results.new ? "new" : "old");
	seq_printf(m, "layout %s\n", kho_bench_results.layout);
	seq_printf(m, "method %s\n", kho_bench_stock ? "stock" : "ours");
	seq_printf(m, "pages %lu\n", kho_bench_results.pages);
	seq_printf(m, "keys %lu\n", kho_bench_results.keys);
	seq_printf(m, "seed %lu\n", kho_bench_results.seed);
	seq_printf(m, "error %d\n", kho_bench_results.error);
	seq_printf(m, "nodes %u\n", kho_bench_results.nodes);
	seq_printf(m, "tsc_khz %u\n", kho_bench_results.tsc_khz);
	seq_printf(m, "memory_init %llu\n", kho_bench_results.memory_init);
	seq_printf(m, "boot %llu\n", kho_bench_results.boot);
	seq_printf(m, "reserved_regions %lu\n", kho_bench_results.reserved_regions);

	if (kho_bench_results.new) {
		seq_printf(m, "restore %llu\n", kho_bench_results.restore);
		seq_printf(m, "verified %lu\n", kho_bench_results.verified);
	} else {
		seq_printf(m, "allocate_preserve %llu\n", kho_bench_results.allocate_preserve);
		seq_printf(m, "preserve %llu\n", kho_bench_results.preserve);
	}

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(kho_bench_results);

/**
 * kho_bench_run - measure what is left to measure, just before init is started
 *
 * Does nothing unless kho_bench= was given. Results go to debugfs.
 */
void __init kho_bench_run(void)
{
	phys_addr_t phys;
	size_t size;
	int err;

	if (!kho_bench.set)
		return;

	kho_bench_results.boot = kho_bench_cycles() - kho_bench_boot_start;
	kho_bench_results.memory_init = kho_bench.memory_init;
	kho_bench_results.reserved_regions = kho_bench.reserved_regions;
	kho_bench_results.layout = kho_bench_layouts[kho_bench.layout];
	kho_bench_results.pages = kho_bench.pages;
	kho_bench_results.seed = kho_bench.seed;
	kho_bench_results.nodes = num_online_nodes();
#ifdef CONFIG_X86
	kho_bench_results.tsc_khz = tsc_khz;
#endif

	if (!kho_is_enabled()) {
		err = -EOPNOTSUPP;
	} else if (kho_retrieve_subtree(KHO_BENCH_SUBTREE, &phys, &size)) {
		err = kho_bench_old();
	} else {
		kho_bench_results.new = true;
		err = kho_bench_new(phys, size);
	}
	kho_bench_results.error = err;
	if (err)
		pr_err("failed: %d\n", err);

	debugfs_create_file("results", 0400, debugfs_create_dir("kho_bench", NULL), NULL,
			    &kho_bench_results_fops);
}
