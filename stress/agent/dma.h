/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that do DMA into one memfd, as the workload "dma" and the test of the drivers use them: an
 * edu, an NVMe controller and an igb, in one HWPT of one iommufd. Here are the steps; in which order
 * they are done, and what is reported, is the callers' business.
 *
 * A part of the memfd that the devices share with us is an area; each is mapped at an IOVA far above
 * all memory, and has a page on either side that no device reaches. All of it starts as words that
 * depend on their place, so that a byte that arrives where it should not is seen.
 *
 * Functions that return bool note what is wrong in dma.shared->problem when they return false.
 */
#ifndef FLBENCH_AGENT_DMA_H
#define FLBENCH_AGENT_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/arrival.h>
#include <flbench/edu.h>
#include <flbench/frame.h>
#include <flbench/igb.h>
#include <flbench/nvme.h>
#include <flbench/pci.h>
#include <flbench/vfio.h>

#define DMA_PAGE 4096u
/* Far above the guest's memory, and below 2^39, which every VT-d unit translates. */
#define DMA_IOVA (256ull << 30)
#define DMA_BAD_IOVA (DMA_IOVA + (100ull << 30))

enum dma_which { EDU, NVME, IGB, DMA_DEVICES };
enum dma_area { AREA_EDU, AREA_DATA, AREA_NVME, AREA_IGB, DMA_AREAS };
/* Bytes that are looked for in all memory: they may be in one area only. */
enum dma_signature { SIGNATURE_FRAME, SIGNATURE_BLOCK, SIGNATURE_EDU, DMA_SIGNATURES };
#define DMA_SIGNATURE_BYTES 16u

/* In the session, and in the iommufd. Devices follow each other. */
#define DMA_TOKEN_MEMORY 1ull
#define DMA_TOKEN_IOMMUFD 2ull
#define DMA_TOKEN_DEVICE 10ull
#define DMA_TOKEN_HWPT 0x6873ull

#define DMA_NVME_QUEUES 2u
#define DMA_NVME_DEPTH 32u
#define DMA_NVME_WAIT_MS 60000u
/* Commands that are given to the controller before somebody else takes over. */
#define DMA_NVME_FLYING 24u

/* Where edu copies from and to in its area. */
#define EDU_FROM (2 * DMA_PAGE + 24)
#define EDU_TO (9 * DMA_PAGE - 41)
#define EDU_BYTES 3000u

/**
 * struct dma_shared - the first part of the memfd, which no device reaches: what another process, or
 *	the next kernel's agent, needs to go on, and what it says
 * @iommufd: of a process that shares its files with another
 * @fd: the devices' files, likewise
 * @iommufd_id: their objects
 * @ioas_id: the IOAS
 * @hwpt_id: the HWPT
 * @bad_frames: frames that were not what the peer sends
 * @settled: frames up to here have been accounted for
 * @address: the devices' addresses
 * @problem: what is wrong, in words
 * @book: which frames arrived; last, as it has no fixed size
 */
struct dma_shared {
	int iommufd;
	int fd[DMA_DEVICES];
	uint32_t iommufd_id[DMA_DEVICES];
	uint32_t ioas_id;
	uint32_t hwpt_id;
	uint64_t bad_frames;
	uint64_t settled;
	char address[DMA_DEVICES][PCI_ADDRESS_SIZE];
	char problem[256];
	struct frame_book book;
};

/**
 * struct dma - what this process has of it; set @seed, @entries, @frames_max and @ask first
 * @seed: of everything in memory
 * @entries: of igb's ring
 * @frames_max: frames that are accounted for
 * @edu_nth: which edu is the one that is used, in the order of addresses; the other is the stranger
 * @ask: asks the controller for something in a line; its answer is a number, negative for no
 * @memfd: the memory
 * @memory: it, mapped
 * @bytes: how much
 * @start: of each area, in the memfd
 * @length: of each area
 * @shared: the first part of the memory
 * @vfio: the devices
 * @edu: their drivers' state
 * @nvme: ditto
 * @igb: ditto
 */
struct dma {
	uint64_t seed;
	uint32_t entries;
	uint32_t frames_max;
	unsigned int edu_nth;
	long long (*ask)(const char *line);
	int memfd;
	uint8_t *memory;
	size_t bytes;
	size_t start[DMA_AREAS], length[DMA_AREAS];
	struct dma_shared *shared;
	struct vfio_device vfio[DMA_DEVICES];
	struct edu edu;
	struct nvme nvme;
	struct igb igb;
};

/* A machine has one. */
extern struct dma dma;

/* Note what is wrong, if @ok is false. Return: @ok. */
__attribute__((format(printf, 2, 3))) bool dma_expect(bool ok, const char *format, ...);
bool dma_expect_result(int result, int wanted, const char *what);
__attribute__((format(printf, 1, 2))) long long dma_ask(const char *format, ...);

/* ---- dma_memory.c: the memfd ---- */

/* A new memfd, sealed as a live update wants it; or map the one that is there. */
int dma_create_memory(void);
int dma_map_memory(void);
int dma_map_areas(int iommufd, uint32_t ioas_id);
struct dma_region dma_area(enum dma_area area);
void dma_fill(size_t from, size_t bytes);
void dma_fill_area(enum dma_area area);
/* Look at bytes that nobody was to write. */
bool dma_untouched(size_t from, size_t bytes);
/* All of an area but @bytes at @offset, and the pages around all areas. */
bool dma_sentinels_hold(enum dma_area area, size_t offset, size_t bytes);
/* Have the controller look at words, besides those that it was told before. */
bool dma_watch(struct arrival_words words);
/* Tell the controller what to look for in all memory, and where it may be. */
bool dma_tell_signatures(void);

/* ---- dma_devices.c: steps that need no live update ---- */

/*
 * Find the @nth device of a kind and bind it to vfio-pci; dma_open() opens it, too. Return: 0 or a
 * negative errno.
 */
int dma_take(uint16_t vendor, uint16_t device, unsigned int nth, char *address);
int dma_open(uint16_t vendor, uint16_t device, unsigned int nth, struct vfio_device *opened,
	     char *address);
/* The iommufd, its IOAS and HWPT, and all devices in it. */
bool dma_set_up(void);
/* Physical address of BAR 0; 0 if there is none. */
uint64_t dma_bar_address(const char *address);
/* Have the controller watch over the bus-master bit of a device: is it to stay? */
bool dma_tell_device(const char *name, const char *device, bool stays);
bool dma_fault_is_logged(uint64_t iova);

bool dma_edu_start(void);
bool dma_edu_copies(void);
/* Did the bytes of EDU_FROM arrive at @to, and nothing else? Then make it as if they had not. */
bool dma_edu_arrived(size_t to);
/* What is not mapped is not written; once it is, the same DMA arrives; afterwards it does not. */
bool dma_edu_unmapped(bool look_for_fault);
bool dma_edu_interrupts(void);
/* Have the device's buffer filled, so that somebody else can have it written to memory. */
bool dma_edu_load(struct edu *device);
/* What was started before this process ran arrives. */
bool dma_edu_go_on(void);
/* Return: how often it interrupted within @timeout_ms of the first. */
uint64_t dma_interrupts(int eventfd, int timeout_ms);

/* MSI-X on, with an eventfd for each queue pair and the admin one. */
bool dma_nvme_listen(int *events);
/* The same, and the queues made. */
bool dma_nvme_start(int *events);
/* A completion interrupts once, with its own queue's vector. */
bool dma_nvme_interrupts(const int *events);
/* Blocks that say where they are. All begin with the same DMA_SIGNATURE_BYTES. */
void dma_sign_block(uint8_t *data, uint64_t lba);
int dma_nvme_transfer(bool write, uint64_t lba, uint32_t blocks, size_t offset);
/* Write with one alignment, read with another: one page, two, and a list of them. */
bool dma_nvme_copies(void);
/* Submit commands whose completions nobody waits for here. */
bool dma_nvme_fly(void);
/*
 * In another process or kernel: commands of the first one complete, on the same queues, and it goes
 * on. @late counts those that were not done when they were first looked for.
 */
bool dma_nvme_take_over(uint32_t *late);

bool dma_igb_start(void);
/* Take what arrives for @ms, and give each descriptor back at once. */
bool dma_igb_receive(unsigned int ms);
bool dma_igb_go_on(void);
/* Tell the controller what arrived since the last time; it compares that with what was sent. */
bool dma_igb_settle(const char *phase);

#endif
