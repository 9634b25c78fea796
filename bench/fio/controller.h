/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one NVMe controller of a fio process and the memory that it shares with its jobs: through
 * VFIO's character device and iommufd, with an I/O queue pair and a part of the memory for each job.
 * What fio wants of it is engine.c's business.
 */
#ifndef FLBENCH_FIO_CONTROLLER_H
#define FLBENCH_FIO_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/nvme.h>

/** enum controller_mapping - pages of the memory; the IOMMU's are not larger */
enum controller_mapping {
	CONTROLLER_4K,
	CONTROLLER_2M,
	CONTROLLER_1G,
};

/**
 * struct controller_config - what the jobs want
 * @address: PCI address, "0000:00:03.0"
 * @nsid: namespace
 * @mapping: pages of the memory
 * @interrupts: completions interrupt, else they are polled for
 * @jobs: queue pairs, 1 to NVME_IO_QUEUES_MAX
 * @depth: commands that a queue pair has to take at once
 * @buffer_bytes: memory for each job
 * @device_fd: the device of somebody who keeps it across a live update (handover.h), or -1
 * @memory_fd: his memory, or -1
 * @timeout_s: seconds without any completion after which a command that was under way is lost
 * @lose: for tests: lose one of those
 */
struct controller_config {
	const char *address;
	uint32_t nsid;
	enum controller_mapping mapping;
	bool interrupts;
	uint32_t jobs;
	uint32_t depth;
	size_t buffer_bytes;
	int device_fd;
	int memory_fd;
	unsigned int timeout_s;
	bool lose;
};

/**
 * struct controller - the controller in use
 * @vfio: the device
 * @nvme: its driver
 * @event: with interrupts, the eventfd of each queue pair; 0 is the admin queue's
 * @kept: somebody keeps it: it is not stopped
 * @memory: queues, then a part for each job
 * @job_start: where the first part is
 * @job_bytes: size of a part
 * @memfd: the memory
 * @iommufd: -1 if it is kept
 */
struct controller {
	struct vfio_device vfio;
	struct nvme nvme;
	int event[1 + NVME_IO_QUEUES_MAX];
	bool kept;
	struct dma_region memory;
	size_t job_start;
	size_t job_bytes;
	int memfd;
	int iommufd;
};

/**
 * controller_open - take a controller, reset it, and make queues and memory
 * @c: filled in
 * @config: what for
 * @problem: what failed, in words
 * @size: bytes of @problem
 *
 * The device is given to vfio-pci first, if it is not. The memory is a memfd; in pages of 4 KiB or
 * 2 MiB it could be preserved by a live update.
 *
 * With a keeper nothing is taken. If there are queues in his memory the engine goes on with them:
 * commands that were under way are waited for, and each has to have succeeded.
 *
 * Return: 0, or a negative errno with @problem set; nothing is held then.
 */
int controller_open(struct controller *c, const struct controller_config *config, char *problem,
		    size_t size);

/**
 * controller_buffer - the memory of a job
 * @c: the controller
 * @job: which, from 0
 *
 * Return: @config.buffer_bytes of it, aligned to a page; its IOVA too.
 */
struct dma_region controller_buffer(const struct controller *c, uint32_t job);

/**
 * controller_handover - the keeper's page
 * @c: the controller
 *
 * Return: it, or NULL without a keeper.
 */
struct fio_handover *controller_handover(const struct controller *c);

/**
 * controller_lose - for tests: have it that a command was never completed
 * @c: the controller
 * @queue: its I/O queue pair
 * @done: the command
 */
void controller_lose(struct controller *c, uint32_t queue, const struct nvme_done *done);

/**
 * controller_close - stop the controller, unless it is kept, and let go of everything
 * @c: the controller
 */
void controller_close(struct controller *c);

#endif
