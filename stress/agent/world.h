/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world that a case asks for: a memfd, iommufds, domains with their mappings, devices; how it
 * is set up, preserved, got back, checked and changed. In which order that happens, and what is
 * reported, is the business of the loop and the scenarios.
 *
 * Functions that look at every domain stop at the first thing that is wrong and say what it is in
 * world.problem.
 */
#ifndef FLBENCH_AGENT_WORLD_H
#define FLBENCH_AGENT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <flbench/device.h>
#include <flbench/layout.h>

#define WORLD_TOKEN_MEMFD 1ull
#define WORLD_TOKEN_IOMMUFD 0x1000ull

/**
 * struct world_domain - a domain
 * @ioas_id: its IOAS, 0 if it has none
 * @hwpt_id: its HWPT
 * @marked: marked to be preserved, which cannot be taken back; the next kernel marks anew
 * @tap: does DMA through the HWPT; a device's own, or the first device attached
 */
struct world_domain {
	uint32_t ioas_id;
	uint32_t hwpt_id;
	bool marked;
	struct dma_device tap;
};

/**
 * struct world - everything that a case sets up
 * @ops: kind of device
 * @domains: how many domains
 * @devices: how many devices; device i is attached to domain i % domains
 * @iommufds: how many iommufds; domain i lies in iommufd i % iommufds
 * @mappings: how many mappings a domain
 * @seed: of the layout
 * @signature: cycle number that the contents carry now
 * @unsealed: leave the memory unsealed, which no preserve may accept
 * @small_pages: have an entry for each page in the page tables
 * @memfd: the memory, -1 if there is none
 * @memory: it, mapped
 * @fds: the iommufds
 * @domain: the domains
 * @device: the devices
 * @layout: room for one domain's layout
 * @buffer: room for the DMA of one mapping
 * @problem: what went wrong, in words
 */
struct world {
	const struct dma_device_ops *ops;
	uint32_t domains;
	uint32_t devices;
	uint32_t iommufds;
	uint32_t mappings;
	uint64_t seed;
	uint32_t signature;
	bool unsealed;
	bool small_pages;
	int memfd;
	char *memory;
	int *fds;
	struct world_domain *domain;
	struct dma_device *device;
	struct layout_mapping *layout;
	char *buffer;
	char problem[512];
};

/*
 * Sizes are set in @w beforehand. world_init() makes room only; world_free() closes everything that
 * is open.
 */
int world_init(struct world *w);
void world_free(struct world *w);

/* The memory: size and SHRINK and GROW sealed; filled with the contents of w->signature. */
int world_create_memory(struct world *w);
int world_map_memory(struct world *w);
void world_sign(struct world *w, uint32_t signature);
int world_check_memory(struct world *w);

/* In a kernel that has nothing yet: iommufds, IOAS with all mappings, HWPTs, devices. */
int world_create(struct world *w);
/* Numbers by which the next kernel finds the devices: w->devices of them. */
int world_keys(struct world *w, uint32_t *keys);

/* Old kernel: mark all HWPTs that are not marked yet; put a file into a session. */
int world_mark_domain(struct world *w, uint32_t i);
int world_mark(struct world *w);
int world_preserve_memory(struct world *w, int session);
int world_preserve_iommufd(struct world *w, int session, uint32_t i);
int world_preserve(struct world *w, int session);

/*
 * New kernel: files back from a session; HWPTs by token and devices by key; IOAS anew; IOAS over
 * HWPT.
 */
int world_retrieve_memory(struct world *w, int session);
int world_retrieve_iommufds(struct world *w, int session);
int world_retrieve_domain(struct world *w, uint32_t i);
int world_retrieve_domains(struct world *w);
int world_restore_device(struct world *w, uint32_t i, uint32_t key);
int world_restore_devices(struct world *w, const uint32_t *keys);
int world_rebuild(struct world *w);
int world_rebuild_domain(struct world *w, uint32_t i);
int world_adopt_domain(struct world *w, uint32_t i);
int world_adopt(struct world *w);
/* Close iommufds and memory; what had been preserved is left to the kernel. */
void world_close_iommufds(struct world *w);
void world_close_memory(struct world *w);

/*
 * Prove that a domain (all domains) translates as it should: each page of each mapping leads to the
 * right page with the right bytes; the pages before and behind each mapping fault; read-only
 * mappings refuse a write; what a device writes is found in the memory at the right place, and only
 * there. While the memory is closed, what needs it is left out.
 */
int world_verify_domain(struct world *w, uint32_t i);
int world_verify(struct world *w);

/*
 * Prove that a domain with an IOAS can still be changed: map something new and unmap it, unmap
 * something old and map it again.
 */
int world_remap(struct world *w, uint32_t cycle);
/* Prove that a preserved one cannot: map and unmap are refused with -EBUSY. */
int world_check_immutable(struct world *w);

/* Layout of a domain, in w->layout. */
const struct layout_mapping *world_layout(struct world *w, uint32_t i);

/* Note what went wrong; returns err. */
int world_problem(struct world *w, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
