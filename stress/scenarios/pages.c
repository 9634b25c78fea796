// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios about how many pages are preserved, and what that costs: by the kernel itself, before it
 * starts init (kho_bench=), and by its pool while only some of the domains are marked.
 */
#include <errno.h>
#include <string.h>

#include <flbench/cleanup.h>

#include "../agent/agent.h"
#include "../agent/pages.h"
#include "scenarios.h"

/* Is this what the case asked for? */
static bool check_asked(struct agent *a, const struct pages_figures *f)
{
	uint64_t pages = strcmp(a->c.layout, "none") ? a->c.pages : 0;

	return agent_check(a, "kho-bench-asked",
			   f->new == (a->log.cycle > 0) && f->pages == pages &&
				   f->nodes == a->c.nodes && !strcmp(f->layout, a->c.layout) &&
				   !strcmp(f->method, a->c.method),
			   "the kernel: %s, %llu pages, %s, %s, %llu nodes; the case: %s, %llu pages, %s, %s, %u nodes",
			   f->new ? "new" : "old", (unsigned long long)f->pages, f->layout,
			   f->method, (unsigned long long)f->nodes, a->log.cycle ? "new" : "old",
			   (unsigned long long)pages, a->c.layout, a->c.method, a->c.nodes);
}

static void report_old(struct agent *a, const struct pages_figures *f)
{
	event_metric(&a->log, &a->c, "keys", "keys", f->keys);
	agent_metric_ticks(a, "allocate_preserve", f->allocate_preserve);
	agent_metric_ticks(a, "preserve", f->preserve);
}

static void report_new(struct agent *a, const struct pages_figures *f)
{
	/* A page that had been handed out to somebody would not hold what was written into it. */
	agent_check(a, "pages-kept", f->verified == f->pages,
		    "%llu of %llu pages were kept through the boot, restored, and hold what the old kernel wrote",
		    (unsigned long long)f->verified, (unsigned long long)f->pages);
	event_metric(&a->log, &a->c, "reserved_regions", "regions", f->reserved_regions);
	agent_metric_ticks(a, "memory_init", f->memory_init);
	agent_metric_ticks(a, "kernel_boot", f->boot);
	agent_metric_ticks(a, "restore", f->restore);
	if (f->claim)
		agent_metric_ticks(a, "claim", f->claim);
}

static int cannot_be(struct agent *a, const char *reason)
{
	event_check(&a->log, "kho-bench-error", "skip", "%s", reason);
	a->skip = reason;
	return 0;
}

int preserve_pages_boot(struct agent *a)
{
	struct pages_figures f;
	int err = pages_read(PAGES_RESULTS, &f);

	if (err == -ENOENT)
		return cannot_be(a, "the kernel has no kho_bench");
	if (err)
		return agent_error(a, "kho-bench-figures", err);
	if (f.error == -EOPNOTSUPP)
		return cannot_be(a, "this layout is not built into the kernel");
	if (!agent_check(a, "kho-bench-error", !f.error, "the kernel says %d", f.error) ||
	    !check_asked(a, &f))
		return -EIO;
	if (f.new)
		report_new(a, &f);
	else
		report_old(a, &f);
	return 0;
}

int preserve_pages_preserve(struct agent *a)
{
	/* The kernel has done it. */
	return 0;
}

/* Some are marked, which brings all of their neighbours in the pool along; then all of them are. */
int preserve_marked_preserve(struct agent *a)
{
	uint32_t marked = (uint64_t)a->c.domains * a->c.marked / 100;
	int err = agent_session_create(a);

	for (uint32_t i = 0; !err && i < marked; i++)
		err = world_mark_domain(&a->w, i);
	if (!err)
		err = a->workload->preserve_memory(a);
	if (!err)
		err = a->workload->preserve(a);
	if (err)
		return agent_error(a, "preserve-marked", err);
	agent_metric_pool(a, "marked_", a->c.marked);
	err = agent_unpreserve(a);
	return err ? err : agent_preserve(a);
}
