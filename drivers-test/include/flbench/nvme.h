/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small NVMe driver on VFIO: one admin queue pair and some I/O queue pairs, polled, in memory that
 * the caller provides. Everything that a later kernel needs to go on is in that memory. Guarantees
 * about its DMA:
 *
 * - The controller reads and writes nothing but the region given to nvme_init() and the buffers of
 *   commands that it has. A command has its buffer from nvme_submit() until nvme_poll() returns it.
 * - It goes on with commands that it has, and writes their completions, with no program running;
 *   it needs nothing from us for as many as fit into the queue.
 * - nvme_resume() writes no register: no reset, and no command is lost or done twice.
 *
 * State is consistent between calls, not within one: a jump to the next kernel is the caller's own
 * act, and so never falls into a call.
 *
 * Source: NVM Express Base Specification 2.0; NVM Command Set Specification 1.0; PCIe Transport
 * Specification 1.0, 3.1 (registers, doorbells).
 */
#ifndef FLBENCH_NVME_H
#define FLBENCH_NVME_H

#include <flbench/arrival.h>
#include <flbench/nvme_queue.h>
#include <flbench/vfio.h>

/* I/O queue pairs at most. */
#define NVME_IO_QUEUES_MAX 8u

struct nvme_state;

/**
 * struct nvme - a controller in use
 * @vfio: the device; the caller's
 * @bar: its registers
 * @state: what goes to the next kernel, in the shared memory
 * @region: the shared memory
 * @queue: the queue pairs; 0 is the admin queue's
 * @lists: for each queue pair, the offset in @region of its pages for PRP lists
 */
struct nvme {
	struct vfio_device *vfio;
	volatile void *bar;
	struct nvme_state *state;
	struct dma_region region;
	struct nvme_queue queue[1 + NVME_IO_QUEUES_MAX];
	size_t lists[1 + NVME_IO_QUEUES_MAX];
};

/**
 * struct nvme_namespace - what is known of the namespace
 * @nsid: its number
 * @blocks: how many there are
 * @block_bytes: size of one
 * @transfer_max: bytes that one command may transfer
 */
struct nvme_namespace {
	uint32_t nsid;
	uint64_t blocks;
	uint32_t block_bytes;
	uint32_t transfer_max;
};

/* What a command does. */
enum nvme_action {
	NVME_READ, /* from the namespace to memory */
	NVME_WRITE, /* from memory to the namespace */
	NVME_TRIM, /* the contents of a range are not needed any more; no buffer */
	NVME_FLUSH, /* what was written stays; no range, no buffer */
};

/**
 * struct nvme_done - a command that is done
 * @status: status code and its type, as the controller gave them; 0 is success
 * @cid: its id
 * @command: what was submitted
 */
struct nvme_done {
	uint16_t status;
	uint16_t cid;
	struct nvme_slot command;
};

/**
 * nvme_region_bytes - how much shared memory is needed
 * @queues: I/O queue pairs
 * @depth: entries of each of their queues
 *
 * Return: bytes, a multiple of the page size; 0 for numbers out of range.
 */
size_t nvme_region_bytes(uint32_t queues, uint32_t depth);

/**
 * nvme_init - reset a controller and make its queues
 * @nvme: filled in
 * @vfio: the device, bound and attached
 * @region: shared memory of nvme_region_bytes(), mapped for reading and writing
 * @queues: I/O queue pairs, 1 to NVME_IO_QUEUES_MAX
 * @depth: entries of each of their queues, NVME_DEPTH_MIN to NVME_DEPTH_MAX
 * @interrupts: a completion of I/O queue pair n interrupts with vector n, for which the caller has
 *	enabled MSI-X (vfio_irq_enable()); polling needs none
 *
 * Switches bus mastering on.
 *
 * Return: 0; -EINVAL for numbers out of range or a region that is too small, -ENODEV when the
 * device is no controller with 4 KiB pages and the NVM command set, -ENOSPC when it has not as many
 * queues or entries, -ETIMEDOUT when it does not become ready, -EIO when a command fails, or a
 * negative errno of VFIO.
 */
int nvme_init(struct nvme *nvme, struct vfio_device *vfio, const struct dma_region *region,
	      uint32_t queues, uint32_t depth, bool interrupts);

/**
 * nvme_resume - go on with the queues that nvme_init() made, in another process or kernel
 * @nvme: filled in
 * @vfio: the device, bound and attached
 * @region: the same memory at the same IOVA
 *
 * Only reads registers. Completions since then are found by nvme_poll().
 *
 * Return: 0; -EINVAL when the memory holds no state that can be believed, -ESTALE when the
 * controller was reset or has other queues since, -EPERM when bus mastering is off, or a negative
 * errno of VFIO.
 */
int nvme_resume(struct nvme *nvme, struct vfio_device *vfio, const struct dma_region *region);

/**
 * nvme_select - use another namespace than 1 from now on
 * @nvme: the controller, with no command under way
 * @nsid: the namespace
 *
 * Return: 0; -ENODEV for one that is not there or has blocks of more than 4 KiB, -EIO when a
 * command fails, -ETIMEDOUT, -EPROTO.
 */
int nvme_select(struct nvme *nvme, uint32_t nsid);

/**
 * nvme_namespace - what nvme_init() or nvme_select() learned of the namespace
 * @nvme: the controller
 *
 * Return: it.
 */
struct nvme_namespace nvme_namespace(const struct nvme *nvme);

/**
 * nvme_outstanding - commands that the controller has
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 *
 * Return: how many.
 */
uint32_t nvme_outstanding(const struct nvme *nvme, uint32_t queue);

/**
 * nvme_push - write a command into the queue; the controller knows of it after nvme_ring()
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 * @action: what it does
 * @lba: first block; NVME_FLUSH: 0
 * @blocks: how many; NVME_FLUSH: 0
 * @iova: the buffer, a multiple of 4, or 0 if there is none
 * @cookie: given back with the completion
 *
 * Queue pairs are independent: each may be used by another thread.
 *
 * Return: as nvme_submit().
 */
int nvme_push(struct nvme *nvme, uint32_t queue, enum nvme_action action, uint64_t lba,
	      uint32_t blocks, uint64_t iova, uint64_t cookie);

/**
 * nvme_ring - tell the controller of all that was pushed
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 *
 * Does nothing if it was told.
 */
void nvme_ring(struct nvme *nvme, uint32_t queue);

/**
 * nvme_submit - give a command to the controller, and do not wait
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 * @write: from memory to the namespace, else from the namespace to memory
 * @lba: first block
 * @blocks: how many
 * @iova: the buffer, a multiple of 4; not yet mapped is allowed, and the controller's error
 * @cookie: given back with the completion
 *
 * Return: the id of the command; -EAGAIN when the queue is full, -EINVAL for a range that is not in
 * the namespace or that a command cannot transfer.
 */
int nvme_submit(struct nvme *nvme, uint32_t queue, bool write, uint64_t lba, uint32_t blocks,
		uint64_t iova, uint64_t cookie);

/**
 * nvme_poll - take commands that are done
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 * @done: array of @max
 * @max: how many at most
 *
 * Return: how many; -EPROTO when the controller completed what it was not given.
 */
int nvme_poll(struct nvme *nvme, uint32_t queue, struct nvme_done *done, unsigned int max);

/**
 * nvme_arrivals - the words that tell of a completion: those with the phase in a queue's entries
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 *
 * Return: them, in the order of the queue.
 */
struct arrival_words nvme_arrivals(const struct nvme *nvme, uint32_t queue);

/**
 * nvme_wait - take one command that is done, and wait for it
 * @nvme: the controller
 * @queue: I/O queue pair, from 1
 * @done: where it goes
 * @timeout_ms: milliseconds
 *
 * Return: 0; -ETIMEDOUT; -EPROTO as above.
 */
int nvme_wait(struct nvme *nvme, uint32_t queue, struct nvme_done *done, unsigned int timeout_ms);

/**
 * nvme_stop - disable the controller
 * @nvme: the controller
 *
 * Guarantees: no DMA goes on when it returns 0; commands that it had are forgotten.
 *
 * Return: 0; -ETIMEDOUT.
 */
int nvme_stop(struct nvme *nvme);

#endif
