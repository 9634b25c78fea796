// SPDX-License-Identifier: GPL-2.0-only
/*
 * Very many small pages: a memfd of 256 MiB, mapped again and again at consecutive IOVAs, in as many
 * domains as it takes, since the mock's have no room for more than 64 GiB beside the usual mappings.
 * The case ends when the next kernel has retrieved them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "../agent/agent.h"
#include "../agent/clock.h"
#include "../agent/pages.h"
#include "../agent/system.h"
#include "scenarios.h"

#define TOKEN_LARGE 2ull
/* From IOVA 0 up to where the usual mappings begin. */
#define LARGE_MAX LAYOUT_IOVA_MIN
#define LARGE_FILE (256ull << 20)
#define PAGE 4096ull
/* Pages that are looked at: first and last, and others by chance. */
#define SAMPLES 4096

/* Open until the process ends, as the world's own. */
static int large_memfd = -1;

/* Each page holds its number. */
static int fill(int memfd)
{
	char *memory = mmap(NULL, LARGE_FILE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	for (uint64_t page = 0; page < LARGE_FILE / PAGE; page++)
		memcpy(memory + page * PAGE, &page, sizeof(page));
	return munmap(memory, LARGE_FILE) ? -errno : 0;
}

static int make_memory(struct agent *a)
{
	int err;

	large_memfd = memfd_create("flbench-large", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (large_memfd < 0 || ftruncate(large_memfd, LARGE_FILE) ||
	    fcntl(large_memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return world_problem(&a->w, -errno, "the large memfd");
	err = fill(large_memfd);
	return err ? world_problem(&a->w, err, "filling the large memfd") : 0;
}

/* Bytes in each domain; the same in all. */
static uint64_t bytes_each(const struct agent *a)
{
	return ((uint64_t)a->c.large << 30) / a->w.domains;
}

static int map(struct agent *a, uint32_t domain)
{
	int fd = a->w.fds[domain % a->w.iommufds], err = 0;

	for (uint64_t iova = 0; !err && iova < bytes_each(a); iova += LARGE_FILE) {
		err = iommufd_map_file(fd, a->w.domain[domain].ioas_id, large_memfd, 0, LARGE_FILE,
				       iova, IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
		if (err)
			world_problem(&a->w, err, "domain %u: mapping at 0x%llx", domain,
				      (unsigned long long)iova);
	}
	return err;
}

/* What the kernel says of our cgroup, and of its pool; without a pool both are 0. */
static void read_charged(uint64_t *charged, uint64_t *pool)
{
	struct pages_pool pages = { 0 };

	*charged = 0;
	pages_pool_read(PAGES_POOL, &pages);
	system_key(SYSTEM_CGROUP "/memory.stat", "sec_pagetables", charged);
	*pool = pages.live * PAGE;
}

/* The kernel sums up what it counted for each processor when it is much, so it may be a bit behind. */
static void check_charged(struct agent *a, uint64_t charged, uint64_t taken)
{
	if (!taken) {
		event_check(&a->log, "pool-charged", "skip", "there is no pool");
		return;
	}
	agent_check(a, "pool-charged", charged > taken - taken / 8 && charged < taken + taken / 8,
		    "%llu bytes of tables are charged to the cgroup that had them made; %llu were taken from the pool",
		    (unsigned long long)charged, (unsigned long long)taken);
}

int preserve_large_created(struct agent *a)
{
	uint64_t charged, pool, before, start;
	int err;

	if (bytes_each(a) > LARGE_MAX || bytes_each(a) % LARGE_FILE ||
	    ((uint64_t)a->c.large << 30) % a->w.domains)
		return agent_error(a, "map-large",
				   world_problem(&a->w, -EINVAL,
						 "%u GiB in %u domains: at most 64 GiB in each, and equal shares",
						 a->c.large, a->w.domains));
	err = make_memory(a);
	if (!err && system_cgroup_enter())
		err = world_problem(&a->w, -EIO, "entering a memory cgroup");
	read_charged(&charged, &before);
	if (!agent_check(a, "not-charged", !charged, "%llu bytes of tables are charged before there are any",
			 (unsigned long long)charged))
		return -EIO;
	start = clock_ticks();
	for (uint32_t i = 0; !err && i < a->w.domains; i++) {
		err = map(a, i);
		/* It takes long: a sign of life. */
		event_text(&a->log, "info", "domain %u is mapped", i);
	}
	if (err)
		return agent_error(a, "map-large", err);
	agent_metric_ticks(a, "map", clock_ticks() - start);
	read_charged(&charged, &pool);
	check_charged(a, charged, pool - before);
	err = system_cgroup_leave();
	return err ? agent_error(a, "leave-cgroup", err) : 0;
}

int preserve_large_preserve(struct agent *a)
{
	uint64_t start, memory, end;
	int err = a->workload->sign(a);

	if (!err)
		err = agent_session_create(a);
	if (!err)
		err = a->workload->mark(a);
	start = clock_ticks();
	if (!err)
		err = a->workload->preserve_memory(a);
	if (!err)
		err = liveupdate_preserve_fd(a->session, large_memfd, TOKEN_LARGE);
	memory = clock_ticks();
	if (!err)
		err = a->workload->preserve(a);
	end = clock_ticks();
	if (err)
		return agent_error(a, "preserve", err);
	agent_metric_ticks(a, "preserve_memory", memory - start);
	agent_metric_ticks(a, "preserve", end - memory);
	agent_metric_pool(a, "", 100);
	return 0;
}

/* Does a page lead to what it led to? */
static int look(struct agent *a, uint64_t page)
{
	uint64_t number, wanted = page % (LARGE_FILE / PAGE), each = bytes_each(a) / PAGE;
	struct dma_device *tap = &a->w.domain[page / each].tap;
	int err = tap->ops->dma(tap, page % each * PAGE, &number, sizeof(number), 0);

	if (!err && number != wanted)
		return world_problem(&a->w, -EILSEQ, "page %llu holds %llu, not %llu",
				     (unsigned long long)page, (unsigned long long)number,
				     (unsigned long long)wanted);
	return err ? world_problem(&a->w, err, "page %llu", (unsigned long long)page) : 0;
}

/* Behind the last page of a domain there is nothing. */
static void look_behind(struct agent *a)
{
	struct dma_device *tap = &a->w.domain[a->w.domains - 1].tap;
	uint64_t word, iova = bytes_each(a);
	int err;

	/* Or what is behind is a usual mapping. */
	if (iova == LARGE_MAX)
		return;
	err = tap->ops->dma(tap, iova, &word, sizeof(word), 0);
	agent_check(a, "preserve-large-hole", err == -EFAULT, "behind the last page: %s",
		    strerror(-err));
}

int preserve_large_retrieve(struct agent *a)
{
	const uint64_t pages = ((uint64_t)a->c.large << 30) / PAGE;
	uint64_t state = a->c.seed;
	int err = agent_retrieve(a);

	if (err)
		return err;
	err = look(a, 0);
	for (uint32_t i = 0; !err && i < SAMPLES; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		err = look(a, (state >> 24) % pages);
	}
	if (!err)
		err = look(a, pages - 1);
	if (err)
		return agent_error(a, "translate-large", err);
	agent_check(a, "translate-large", true, "%u of %llu pages lead to where they led", SAMPLES + 2,
		    (unsigned long long)pages);
	look_behind(a);
	a->over = true;
	return agent_give_up(a);
}
