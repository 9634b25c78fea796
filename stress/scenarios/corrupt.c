// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables broken on purpose. corrupt-*: the breakage must be noticed, by looking through the
 * table and by the kernel at adoption; the scenario passes only then. broken-*: nobody is told, and
 * the loop must fail by itself.
 */
#include <errno.h>
#include <string.h>

#include <flbench/iommufd.h>
#include <flbench/mock.h>

#include "../agent/agent.h"
#include "scenarios.h"

/* The leaf goes to the page next to the right one. */
#define PAGE_XOR LAYOUT_PAGE_SIZE
/* Where an extra leaf leads to: memory that every machine has. */
#define EXTRA_PHYS 0x100000

struct corruption {
	enum mock_corruption mode;
	uint32_t mapping;
	int adopt_error;
};

static const struct corruption wrong_page = { MOCK_CORRUPT_PAGE, 0, -EXDEV };
/* The second mapping is read-only in every layout. */
static const struct corruption wider = { MOCK_CORRUPT_PERMISSION, 1, -EACCES };
static const struct corruption missing = { MOCK_CORRUPT_MISSING, 0, -ENOENT };
static const struct corruption extra = { MOCK_CORRUPT_EXTRA, 0, -E2BIG };

static uint32_t victim(const struct agent *a)
{
	return a->log.cycle % a->w.domains;
}

static int corrupt(struct agent *a, const struct corruption *c)
{
	uint32_t i = victim(a);
	const struct layout_mapping *layout = world_layout(&a->w, i);
	uint64_t iova = layout[c->mapping % a->w.mappings].iova, arg = PAGE_XOR;
	int err;

	if (c->mode == MOCK_CORRUPT_EXTRA) {
		/* In the hole right behind a mapping: in a table that exists. */
		iova += (uint64_t)layout[0].pages * LAYOUT_PAGE_SIZE;
		arg = EXTRA_PHYS;
	}
	err = mock_corrupt(a->w.fds[i % a->w.iommufds], a->w.domain[i].hwpt_id, c->mode, iova, arg);
	return agent_error(a, "corrupt",
			   err ? world_problem(&a->w, err, "breaking domain %u at 0x%llx", i,
					       (unsigned long long)iova) :
				 0);
}

static int corrupt_and_notice(struct agent *a, const struct corruption *c)
{
	uint32_t i = victim(a);
	struct world_domain *d = &a->w.domain[i];
	int fd = a->w.fds[i % a->w.iommufds];
	int err = corrupt(a, c);

	if (err)
		return err;
	err = world_verify_domain(&a->w, i);
	agent_check(a, "noticed-by-looking", err < 0, "%s",
		    err ? a->w.problem : "the broken domain looks right");
	a->w.problem[0] = '\0';
	err = agent_error(a, "adopt", world_rebuild(&a->w));
	/* Twice: a refusal changes nothing, so the second one is the same. */
	for (int attempt = 0; !err && attempt < 2; attempt++) {
		int result = iommufd_hwpt_adopt(fd, d->hwpt_id, d->ioas_id);

		agent_check(a, "noticed-by-adoption", result == c->adopt_error,
			    "adoption of the broken domain: %s (wanted: %s)", strerror(-result),
			    strerror(-c->adopt_error));
	}
	for (uint32_t other = 0; !err && other < a->w.domains; other++)
		if (other != i)
			err = iommufd_hwpt_adopt(a->w.fds[other % a->w.iommufds],
						 a->w.domain[other].hwpt_id,
						 a->w.domain[other].ioas_id);
	if (err)
		return agent_error(a, "adopt",
				   world_problem(&a->w, err,
						 "adopting the domains that are right"));
	return agent_give_up(a);
}

static int break_silently(struct agent *a, const struct corruption *c)
{
	int err = agent_retrieve(a);

	return err ? err : corrupt(a, c);
}

int corrupt_page_window(struct agent *a)
{
	return corrupt_and_notice(a, &wrong_page);
}

int corrupt_permission_window(struct agent *a)
{
	return corrupt_and_notice(a, &wider);
}

int corrupt_missing_window(struct agent *a)
{
	return corrupt_and_notice(a, &missing);
}

int corrupt_extra_window(struct agent *a)
{
	return corrupt_and_notice(a, &extra);
}

int broken_page_retrieve(struct agent *a)
{
	return break_silently(a, &wrong_page);
}

int broken_permission_retrieve(struct agent *a)
{
	return break_silently(a, &wider);
}

int broken_missing_retrieve(struct agent *a)
{
	return break_silently(a, &missing);
}

int broken_extra_retrieve(struct agent *a)
{
	return break_silently(a, &extra);
}
