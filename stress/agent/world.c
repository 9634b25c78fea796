// SPDX-License-Identifier: GPL-2.0-only
/* The world that a case asks for: see the header. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "world.h"

#define MAPPING_PAGES_MAX 8u
/* Set in the contents that a device writes, so that they differ from all that was there before. */
#define SIGNATURE_DMA 0x4000u

int world_problem(struct world *w, int err, const char *format, ...)
{
	size_t length;
	va_list args;

	va_start(args, format);
	vsnprintf(w->problem, sizeof(w->problem), format, args);
	va_end(args);
	length = strlen(w->problem);
	/* EILSEQ stands for what no call reported: the words say it all. */
	if (err != -EILSEQ)
		snprintf(w->problem + length, sizeof(w->problem) - length, ": %s", strerror(-err));
	return err;
}

static size_t memory_size(const struct world *w)
{
	return (size_t)w->domains * LAYOUT_SLOT_SIZE;
}

static char *slot(const struct world *w, uint32_t i)
{
	return w->memory + (size_t)i * LAYOUT_SLOT_SIZE;
}

static int fd_of(const struct world *w, uint32_t i)
{
	return w->fds[i % w->iommufds];
}

const struct layout_mapping *world_layout(struct world *w, uint32_t i)
{
	layout_generate(w->seed, i, w->mappings, w->layout);
	return w->layout;
}

int world_init(struct world *w)
{
	w->memfd = -1;
	w->memory = NULL;
	w->fds = malloc(w->iommufds * sizeof(*w->fds));
	w->domain = calloc(w->domains, sizeof(*w->domain));
	w->device = calloc(w->devices + 1, sizeof(*w->device));
	w->layout = calloc(w->mappings, sizeof(*w->layout));
	w->buffer = aligned_alloc(LAYOUT_PAGE_SIZE, MAPPING_PAGES_MAX * LAYOUT_PAGE_SIZE);
	if (!w->fds || !w->domain || !w->device || !w->layout || !w->buffer)
		return world_problem(w, -ENOMEM, "room for the world");
	for (uint32_t i = 0; i < w->iommufds; i++)
		w->fds[i] = -1;
	return 0;
}

void world_close_iommufds(struct world *w)
{
	for (uint32_t i = 0; i < w->iommufds; i++) {
		cleanup_close(&w->fds[i]);
		w->fds[i] = -1;
	}
	memset(w->domain, 0, w->domains * sizeof(*w->domain));
	memset(w->device, 0, w->devices * sizeof(*w->device));
}

void world_close_memory(struct world *w)
{
	if (w->memory)
		munmap(w->memory, memory_size(w));
	w->memory = NULL;
	cleanup_close(&w->memfd);
	w->memfd = -1;
}

void world_free(struct world *w)
{
	if (w->fds && w->domain && w->device)
		world_close_iommufds(w);
	world_close_memory(w);
	free(w->fds);
	free(w->domain);
	free(w->device);
	free(w->layout);
	free(w->buffer);
}

int world_create_memory(struct world *w)
{
	int fd __close = memfd_create("flbench", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return world_problem(w, -errno, "memfd_create");
	if (ftruncate(fd, memory_size(w)))
		return world_problem(w, -errno, "memfd of %zu bytes", memory_size(w));
	if (!w->unsealed && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return world_problem(w, -errno, "sealing the memfd");
	w->memfd = take_fd(&fd);
	return world_map_memory(w);
}

int world_map_memory(struct world *w)
{
	void *memory = mmap(NULL, memory_size(w), PROT_READ | PROT_WRITE, MAP_SHARED, w->memfd, 0);

	if (memory == MAP_FAILED)
		return world_problem(w, -errno, "mmap of the memfd");
	w->memory = memory;
	return 0;
}

void world_sign(struct world *w, uint32_t signature)
{
	for (uint32_t i = 0; i < w->domains; i++)
		layout_fill(slot(w, i), signature, i, 0, LAYOUT_SLOT_PAGES);
	w->signature = signature;
}

static int wrong_bytes(struct world *w, const char *bytes, int64_t at, const char *where,
		       uint32_t i, uint64_t address)
{
	char found[96];
	uint64_t word;

	memcpy(&word, bytes + at, sizeof(word));
	layout_describe(word, found, sizeof(found));
	return world_problem(w, -EILSEQ, "domain %u, %s 0x%llx + 0x%llx holds %s", i, where,
			     (unsigned long long)address, (unsigned long long)at, found);
}

int world_check_memory(struct world *w)
{
	for (uint32_t i = 0; i < w->domains; i++) {
		int64_t at = layout_check(slot(w, i), w->signature, i, 0, LAYOUT_SLOT_PAGES);

		if (at >= 0)
			return wrong_bytes(w, slot(w, i), at, "memfd offset", i,
					   (uint64_t)i * LAYOUT_SLOT_SIZE);
	}
	return 0;
}

int world_rebuild_domain(struct world *w, uint32_t i)
{
	const struct layout_mapping *layout = world_layout(w, i);
	int err = iommufd_ioas_alloc(fd_of(w, i), &w->domain[i].ioas_id);

	if (!err && w->small_pages)
		err = iommufd_ioas_small_pages(fd_of(w, i), w->domain[i].ioas_id);
	if (err)
		return world_problem(w, err, "IOAS of domain %u", i);
	for (uint32_t m = 0; m < w->mappings; m++) {
		const struct layout_mapping *map = &layout[m];

		err = iommufd_map_file(fd_of(w, i), w->domain[i].ioas_id, w->memfd,
				       (uint64_t)i * LAYOUT_SLOT_SIZE +
					       (uint64_t)map->first_page * LAYOUT_PAGE_SIZE,
				       (uint64_t)map->pages * LAYOUT_PAGE_SIZE, map->iova,
				       map->prot);
		if (err)
			return world_problem(w, err, "domain %u: mapping %u pages at 0x%llx", i,
					     map->pages, (unsigned long long)map->iova);
	}
	return 0;
}

int world_rebuild(struct world *w)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = world_rebuild_domain(w, i);
	return err;
}

/* A domain without a device of its own still has a HWPT that a mock can translate through. */
static void set_tap(struct world *w, uint32_t i)
{
	w->domain[i].tap = (struct dma_device){
		.ops = w->ops,
		.iommufd = fd_of(w, i),
		.hwpt_id = w->domain[i].hwpt_id,
	};
}

/* A HWPT is made for a device, so each iommufd gets one for the time of the set-up. */
static int create_iommufd(struct world *w, uint32_t f)
{
	struct dma_device helper = { .ops = w->ops };
	uint32_t nothing = 0;
	int err;

	w->fds[f] = iommufd_open();
	if (w->fds[f] < 0)
		return world_problem(w, w->fds[f], "opening iommufd %u", f);
	err = iommufd_ioas_alloc(w->fds[f], &nothing);
	if (err)
		return world_problem(w, err, "first IOAS of iommufd %u", f);
	err = w->ops->attach(&helper, w->fds[f], nothing);
	if (err)
		return world_problem(w, err, "first device of iommufd %u", f);
	for (uint32_t i = f; i < w->domains; i += w->iommufds) {
		err = world_rebuild_domain(w, i);
		if (err)
			return err;
		err = w->ops->hwpt_alloc(&helper, w->domain[i].ioas_id, &w->domain[i].hwpt_id);
		if (err)
			return world_problem(w, err, "HWPT of domain %u", i);
		set_tap(w, i);
	}
	err = w->ops->detach(&helper);
	if (!err)
		err = iommufd_destroy(w->fds[f], nothing);
	if (err)
		return world_problem(w, err, "giving up the first device of iommufd %u", f);
	return 0;
}

int world_create(struct world *w)
{
	int err = 0;

	for (uint32_t f = 0; !err && f < w->iommufds; f++)
		err = create_iommufd(w, f);
	for (uint32_t i = 0; !err && i < w->devices; i++) {
		uint32_t d = i % w->domains;

		w->device[i].ops = w->ops;
		err = w->ops->attach(&w->device[i], fd_of(w, d), w->domain[d].hwpt_id);
		if (err)
			return world_problem(w, err, "device %u of domain %u", i, d);
		w->domain[d].tap = w->device[i];
	}
	return err;
}

int world_keys(struct world *w, uint32_t *keys)
{
	for (uint32_t i = 0; i < w->devices; i++) {
		int err = w->ops->key(&w->device[i], &keys[i]);

		if (err)
			return world_problem(w, err, "number of device %u", i);
	}
	return 0;
}

int world_mark_domain(struct world *w, uint32_t i)
{
	int err;

	if (w->domain[i].marked)
		return 0;
	err = iommufd_hwpt_mark(fd_of(w, i), w->domain[i].hwpt_id, i + 1);
	if (err)
		return world_problem(w, err, "marking domain %u", i);
	w->domain[i].marked = true;
	return 0;
}

int world_mark(struct world *w)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = world_mark_domain(w, i);
	return err;
}

int world_preserve_memory(struct world *w, int session)
{
	int err = liveupdate_preserve_fd(session, w->memfd, WORLD_TOKEN_MEMFD);

	return err ? world_problem(w, err, "preserving the memfd") : 0;
}

int world_preserve_iommufd(struct world *w, int session, uint32_t i)
{
	int err = liveupdate_preserve_fd(session, w->fds[i], WORLD_TOKEN_IOMMUFD + i);

	return err ? world_problem(w, err, "preserving iommufd %u", i) : 0;
}

int world_preserve(struct world *w, int session)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->iommufds; i++)
		err = world_preserve_iommufd(w, session, i);
	return err;
}

int world_retrieve_memory(struct world *w, int session)
{
	w->memfd = liveupdate_retrieve_fd(session, WORLD_TOKEN_MEMFD);
	if (w->memfd < 0)
		return world_problem(w, w->memfd, "retrieving the memfd");
	return world_map_memory(w);
}

int world_retrieve_iommufds(struct world *w, int session)
{
	for (uint32_t i = 0; i < w->iommufds; i++) {
		w->fds[i] = liveupdate_retrieve_fd(session, WORLD_TOKEN_IOMMUFD + i);
		if (w->fds[i] < 0)
			return world_problem(w, w->fds[i], "retrieving iommufd %u", i);
	}
	return 0;
}

int world_retrieve_domain(struct world *w, uint32_t i)
{
	int err = iommufd_hwpt_retrieve(fd_of(w, i), i + 1, &w->domain[i].hwpt_id);

	if (err)
		return world_problem(w, err, "retrieving domain %u", i);
	w->domain[i].ioas_id = 0;
	w->domain[i].marked = false;
	set_tap(w, i);
	return 0;
}

int world_retrieve_domains(struct world *w)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = world_retrieve_domain(w, i);
	return err;
}

int world_restore_device(struct world *w, uint32_t i, uint32_t key)
{
	uint32_t d = i % w->domains;
	int err;

	w->device[i].ops = w->ops;
	err = w->ops->restore(&w->device[i], fd_of(w, d), w->domain[d].hwpt_id, key);
	if (err)
		return world_problem(w, err, "device %u, number %u, of domain %u", i, key, d);
	w->domain[d].tap = w->device[i];
	return 0;
}

int world_restore_devices(struct world *w, const uint32_t *keys)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->devices; i++)
		err = world_restore_device(w, i, keys[i]);
	return err;
}

int world_adopt_domain(struct world *w, uint32_t i)
{
	int err = iommufd_hwpt_adopt(fd_of(w, i), w->domain[i].hwpt_id, w->domain[i].ioas_id);

	return err ? world_problem(w, err, "adopting domain %u", i) : 0;
}

int world_adopt(struct world *w)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = world_adopt_domain(w, i);
	return err;
}

static int dma(struct world *w, uint32_t i, uint64_t iova, uint32_t pages, bool write)
{
	struct dma_device *tap = &w->domain[i].tap;

	return tap->ops->dma(tap, iova, w->buffer, (size_t)pages * LAYOUT_PAGE_SIZE, write);
}

/*
 * A byte is enough to fault, and the byte next to the mapping is the one that an off-by-one would
 * let through.
 */
static int expect_fault(struct world *w, uint32_t i, uint64_t iova, bool write, const char *what)
{
	struct dma_device *tap = &w->domain[i].tap;
	char byte = 0;
	int err = tap->ops->dma(tap, iova, &byte, 1, write);

	if (err == -EFAULT)
		return 0;
	return world_problem(w, err ? err : -EILSEQ, "domain %u: %s at 0x%llx did not fault", i,
			     what, (unsigned long long)iova);
}

static int verify_mapping(struct world *w, uint32_t i, const struct layout_mapping *map)
{
	uint64_t length = (uint64_t)map->pages * LAYOUT_PAGE_SIZE;
	int64_t at;
	int err;

	memset(w->buffer, 0, length);
	err = dma(w, i, map->iova, map->pages, false);
	if (err)
		return world_problem(w, err, "domain %u: DMA from 0x%llx", i,
				     (unsigned long long)map->iova);
	at = layout_check(w->buffer, w->signature, i, map->first_page, map->pages);
	if (at >= 0)
		return wrong_bytes(w, w->buffer, at, "IOVA", i, map->iova);
	err = expect_fault(w, i, map->iova - 1, false, "the hole before a mapping");
	if (!err)
		err = expect_fault(w, i, map->iova + length, false, "the hole behind a mapping");
	if (!err && !(map->prot & IOMMUFD_PROT_WRITE))
		err = expect_fault(w, i, map->iova, true, "a write to a read-only mapping");
	return err;
}

/* One page of one writable mapping; another one in each cycle. */
static int verify_write(struct world *w, uint32_t i, const struct layout_mapping *layout)
{
	const struct layout_mapping *map = &layout[(w->signature + i) % w->mappings];
	uint32_t in_map, page;
	int64_t at;
	int err;

	if (!(map->prot & IOMMUFD_PROT_WRITE))
		map = &layout[0];
	in_map = w->signature % map->pages;
	page = map->first_page + in_map;
	layout_fill(w->buffer, w->signature ^ SIGNATURE_DMA, i, page, 1);
	err = dma(w, i, map->iova + (uint64_t)in_map * LAYOUT_PAGE_SIZE, 1, true);
	if (err)
		return world_problem(w, err, "domain %u: DMA to 0x%llx", i,
				     (unsigned long long)map->iova);
	at = layout_check(slot(w, i) + page * LAYOUT_PAGE_SIZE, w->signature ^ SIGNATURE_DMA, i,
			  page, 1);
	if (at >= 0)
		return wrong_bytes(w, slot(w, i) + page * LAYOUT_PAGE_SIZE, at,
				   "memory behind written IOVA", i, map->iova);
	layout_fill(slot(w, i) + page * LAYOUT_PAGE_SIZE, w->signature, i, page, 1);
	return 0;
}

int world_verify_domain(struct world *w, uint32_t i)
{
	const struct layout_mapping *layout = world_layout(w, i);
	int err = 0;

	for (uint32_t m = 0; !err && m < w->mappings; m++)
		err = verify_mapping(w, i, &layout[m]);
	if (!err)
		err = expect_fault(w, i, layout_spare_iova(layout, w->mappings), false,
				   "an IOVA above all mappings");
	if (!err && w->memory)
		err = verify_write(w, i, layout);
	return err;
}

int world_verify(struct world *w)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = world_verify_domain(w, i);
	/*
	 * The pages that devices wrote to are as they were: anything else wrong by now was written
	 * by mistake.
	 */
	if (!err && w->memory)
		err = world_check_memory(w);
	return err;
}

static int remap_domain(struct world *w, uint32_t i, uint32_t cycle)
{
	const struct layout_mapping *layout = world_layout(w, i);
	const struct layout_mapping *old = &layout[(cycle + i) % w->mappings];
	const struct layout_mapping new = {
		.iova = layout_spare_iova(layout, w->mappings),
		.pages = 1,
		.first_page = cycle % LAYOUT_SLOT_PAGES,
		.prot = IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE,
	};
	uint64_t start = (uint64_t)i * LAYOUT_SLOT_SIZE;
	uint64_t length = (uint64_t)old->pages * LAYOUT_PAGE_SIZE;
	uint32_t ioas_id = w->domain[i].ioas_id;
	int fd = fd_of(w, i);
	int err;

	err = iommufd_map_file(fd, ioas_id, w->memfd,
			       start + (uint64_t) new.first_page *LAYOUT_PAGE_SIZE,
			       LAYOUT_PAGE_SIZE, new.iova, new.prot);
	if (err)
		return world_problem(w, err, "domain %u: a new mapping at 0x%llx", i,
				     (unsigned long long)new.iova);
	err = verify_mapping(w, i, &new);
	if (err)
		return err;
	err = iommufd_unmap(fd, ioas_id, new.iova, LAYOUT_PAGE_SIZE);
	if (err)
		return world_problem(w, err, "domain %u: unmapping 0x%llx", i,
				     (unsigned long long)new.iova);
	err = expect_fault(w, i, new.iova, false, "an unmapped new mapping");
	if (err)
		return err;
	err = iommufd_unmap(fd, ioas_id, old->iova, length);
	if (err)
		return world_problem(w, err, "domain %u: unmapping 0x%llx", i,
				     (unsigned long long)old->iova);
	err = expect_fault(w, i, old->iova, false, "an unmapped old mapping");
	if (err)
		return err;
	err = iommufd_map_file(fd, ioas_id, w->memfd,
			       start + (uint64_t)old->first_page * LAYOUT_PAGE_SIZE, length,
			       old->iova, old->prot);
	if (err)
		return world_problem(w, err, "domain %u: mapping 0x%llx again", i,
				     (unsigned long long)old->iova);
	return verify_mapping(w, i, old);
}

int world_remap(struct world *w, uint32_t cycle)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < w->domains; i++)
		err = remap_domain(w, i, cycle);
	return err;
}

int world_check_immutable(struct world *w)
{
	for (uint32_t i = 0; i < w->domains; i++) {
		const struct layout_mapping *layout = world_layout(w, i);
		uint32_t ioas_id = w->domain[i].ioas_id;
		int fd = fd_of(w, i);
		int err;

		err = iommufd_map_file(fd, ioas_id, w->memfd, 0, LAYOUT_PAGE_SIZE,
				       layout_spare_iova(layout, w->mappings), IOMMUFD_PROT_READ);
		if (err != -EBUSY)
			return world_problem(
				w, err ? err : -EILSEQ,
				"domain %u: map while preserved was not refused with EBUSY", i);
		err = iommufd_unmap(fd, ioas_id, layout[0].iova,
				    (uint64_t)layout[0].pages * LAYOUT_PAGE_SIZE);
		if (err != -EBUSY)
			return world_problem(
				w, err ? err : -EILSEQ,
				"domain %u: unmap while preserved was not refused with EBUSY", i);
		err = iommufd_destroy(fd, w->domain[i].hwpt_id);
		if (err != -EBUSY)
			return world_problem(
				w, err ? err : -EILSEQ,
				"domain %u: destroy while preserved was not refused with EBUSY", i);
	}
	return 0;
}
