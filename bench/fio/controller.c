// SPDX-License-Identifier: GPL-2.0-only
/* The controller of a fio process; see the header. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/huge.h>
#include <flbench/iommufd.h>

#include "controller.h"
#include "handover.h"

static __attribute__((format(printf, 4, 5))) int complain(char *problem, size_t size, int err,
							  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem, size, format, args);
	va_end(args);
	return err;
}

static size_t page_bytes(enum controller_mapping mapping)
{
	return mapping == CONTROLLER_1G ? HUGE_1G : mapping == CONTROLLER_2M ? HUGE_2M : HUGE_4K;
}

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static int make_memory(struct controller *c, const struct controller_config *config, char *problem,
		       size_t size)
{
	const char *hint = config->mapping == CONTROLLER_1G ?
				   " (are there enough: hugepagesz=1G hugepages=N?)" :
			   config->mapping == CONTROLLER_2M ?
				   " (write advise to " HUGE_SHMEM_ENABLED ")" :
				   "";

	c->memfd = huge_create(page_bytes(config->mapping), c->memory.bytes, &c->memory.memory);
	if (c->memfd < 0)
		return complain(problem, size, c->memfd,
				"%zu MiB of memory in pages of %zu KiB: %s%s",
				c->memory.bytes >> 20, page_bytes(config->mapping) >> 10,
				strerror(-c->memfd), hint);
	return 0;
}

/* ---- with a keeper ---- */

static int adopt_memory(struct controller *c, const struct controller_config *config, char *problem,
			size_t size)
{
	size_t needed = c->memory.bytes + FIO_HANDOVER_PAGE;
	struct stat info;

	c->memfd = dup(config->memory_fd);
	if (c->memfd < 0 || fstat(c->memfd, &info))
		return complain(problem, size, -errno, "memory_fd=%d: %s", config->memory_fd,
				strerror(errno));
	if ((size_t)info.st_size < needed)
		return complain(problem, size, -EINVAL,
				"memory_fd=%d: %lld bytes, the jobs need %zu", config->memory_fd,
				(long long)info.st_size, needed);
	c->memory.bytes = info.st_size;
	c->memory.memory =
		mmap(NULL, c->memory.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->memfd, 0);
	if (c->memory.memory == MAP_FAILED) {
		c->memory.memory = NULL;
		return complain(problem, size, -errno, "memory_fd=%d: %s", config->memory_fd,
				strerror(errno));
	}
	return 0;
}

static int adopt_device(struct controller *c, const struct controller_config *config, char *problem,
			size_t size)
{
	int fd = dup(config->device_fd);

	if (fd < 0)
		return complain(problem, size, -errno, "device_fd=%d: %s", config->device_fd,
				strerror(errno));
	vfio_adopt(&c->vfio, fd, 0);
	return 0;
}

struct fio_handover *controller_handover(const struct controller *c)
{
	return c->kept ? (struct fio_handover *)((uint8_t *)c->memory.memory + c->memory.bytes -
						 FIO_HANDOVER_PAGE) :
			 NULL;
}

void controller_lose(struct controller *c, uint32_t queue, const struct nvme_done *done)
{
	struct nvme_queue *q = &c->nvme.queue[queue];

	/* As before it was taken; that the completion queue has moved on nobody can see. */
	q->slots[done->cid] = done->command;
	q->slots[done->cid].busy = 1;
	q->state->outstanding++;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* One of the commands that are still under way, for people. */
static int name_lost(const struct controller *c, uint32_t queue, unsigned int timeout_s,
		     char *problem, size_t size)
{
	const struct nvme_queue *q = &c->nvme.queue[queue];
	uint32_t i = 0;

	while (i + 1 < q->state->depth && !q->slots[i].busy)
		i++;
	return complain(
		problem, size, -ETIMEDOUT,
		"command %#x at LBA %llu, %u blocks, was under way: expected its completion, none came within %u s",
		q->slots[i].opcode, (unsigned long long)q->slots[i].lba, q->slots[i].blocks,
		timeout_s);
}

/* What the last user of a queue pair left under way. */
static int wait_for_left(struct controller *c, uint32_t queue,
			 const struct controller_config *config, char *problem, size_t size)
{
	time_t end = seconds() + config->timeout_s;
	bool lose = config->lose;
	struct nvme_done done = { 0 };

	while (nvme_outstanding(&c->nvme, queue)) {
		int n = nvme_poll(&c->nvme, queue, &done, 1);

		if (n < 0)
			return complain(problem, size, n,
					"queue %u: a completion of a command that it does not have",
					queue);
		if (!n && seconds() > end)
			return name_lost(c, queue, config->timeout_s, problem, size);
		if (!n)
			continue;
		if (done.status)
			return complain(
				problem, size, -EIO,
				"command %#x at LBA %llu, %u blocks: status %#x, expected success",
				done.command.opcode, (unsigned long long)done.command.lba,
				done.command.blocks, done.status);
		if (lose)
			controller_lose(c, queue, &done);
		lose = false;
		end = seconds() + config->timeout_s;
	}
	return 0;
}

/* Go on with the queues in the memory. */
static int resume(struct controller *c, const struct controller_config *config, uint32_t entries,
		  char *problem, size_t size)
{
	int err = nvme_resume(&c->nvme, &c->vfio, &c->memory);

	if (err)
		return complain(problem, size, err, "the queues in the memory cannot be used: %s",
				strerror(-err));
	/* Where buffers are follows from both. */
	if (!c->nvme.queue[config->jobs].state ||
	    (config->jobs < NVME_IO_QUEUES_MAX && c->nvme.queue[config->jobs + 1].state) ||
	    c->nvme.queue[1].state->depth != entries)
		return complain(
			problem, size, -EINVAL,
			"the queues in the memory are not %u of %u entries: numjobs and iodepth have to stay",
			config->jobs, entries);
	for (uint32_t q = 1; !err && q <= config->jobs; q++)
		err = wait_for_left(c, q, config, problem, size);
	return err;
}

/* ---- without ---- */

static int listen(struct controller *c, uint32_t jobs)
{
	for (uint32_t q = 0; q <= jobs; q++) {
		c->event[q] = eventfd(0, EFD_CLOEXEC);
		if (c->event[q] < 0)
			return -errno;
	}
	return vfio_irq_enable(&c->vfio, VFIO_IRQ_MSIX, c->event, jobs + 1);
}

static int take_device(struct controller *c, const struct controller_config *config, char *problem,
		       size_t size)
{
	uint32_t ioas_id;
	int err = vfio_open(&c->vfio, config->address);

	if (err)
		return complain(
			problem, size, err,
			"%s cannot be had through vfio-pci: %s: flbench bind %s (filename= takes a PCI address as 0000\\:00\\:03.0)",
			config->address, strerror(-err), config->address);
	c->iommufd = iommufd_open();
	if (c->iommufd < 0)
		return complain(problem, size, c->iommufd, "/dev/iommu: %s", strerror(-c->iommufd));
	err = vfio_bind(&c->vfio, c->iommufd);
	if (!err)
		err = iommufd_ioas_alloc(c->iommufd, &ioas_id);
	if (!err && config->mapping == CONTROLLER_4K)
		err = iommufd_ioas_small_pages(c->iommufd, ioas_id);
	if (!err)
		err = vfio_attach(&c->vfio, ioas_id);
	if (!err)
		err = iommufd_map_file(c->iommufd, ioas_id, c->memfd, 0, c->memory.bytes,
				       c->memory.iova, IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
	if (err)
		return complain(problem, size, err, "%s cannot be given its memory: %s",
				config->address, strerror(-err));
	return 0;
}

static int start(struct controller *c, const struct controller_config *config, uint32_t entries,
		 char *problem, size_t size)
{
	int err = nvme_init(&c->nvme, &c->vfio, &c->memory, config->jobs, entries,
			    config->interrupts);

	if (err)
		return complain(problem, size, err,
				"%s: no NVMe controller with %u queues of %u: %s", config->address,
				config->jobs, entries, strerror(-err));
	return 0;
}

/* Nothing is under way. */
static int select_namespace(struct controller *c, const struct controller_config *config,
			    char *problem, size_t size)
{
	int err = nvme_namespace(&c->nvme).nsid == config->nsid ?
			  0 :
			  nvme_select(&c->nvme, config->nsid);

	return err ? complain(problem, size, err, "%s: no namespace %u: %s", config->address,
			      config->nsid, strerror(-err)) :
		     0;
}

int controller_open(struct controller *c, const struct controller_config *config, char *problem,
		    size_t size)
{
	/* A queue of n entries takes n - 1 commands. */
	const uint32_t entries = config->depth + 1;
	const size_t queues = nvme_region_bytes(config->jobs, entries);
	int err;

	*c = (struct controller){ .memfd = -1, .iommufd = -1, .vfio.fd = -1 };
	for (size_t q = 0; q <= NVME_IO_QUEUES_MAX; q++)
		c->event[q] = -1;
	if (!queues)
		return complain(problem, size, -EINVAL,
				"%u jobs with a depth of %u: at most %u jobs and a depth of %u",
				config->jobs, config->depth, NVME_IO_QUEUES_MAX,
				NVME_DEPTH_MAX - 1);
	c->job_start = queues;
	c->job_bytes = round_up(config->buffer_bytes, NVME_PAGE_SIZE);
	c->memory.iova = FIO_HANDOVER_IOVA;
	c->memory.bytes =
		round_up(queues + config->jobs * c->job_bytes, page_bytes(config->mapping));
	c->kept = config->device_fd >= 0;
	err = (c->kept ? adopt_memory : make_memory)(c, config, problem, size);
	if (!err)
		err = (c->kept ? adopt_device : take_device)(c, config, problem, size);
	if (!err && config->interrupts) {
		err = listen(c, config->jobs);
		if (err)
			complain(problem, size, err, "%s: %u interrupts: %s", config->address,
				 config->jobs + 1, strerror(-err));
	}
	/* The state starts with a number that is not 0. */
	if (!err && c->kept && *(uint64_t *)c->memory.memory)
		err = resume(c, config, entries, problem, size);
	else if (!err)
		err = start(c, config, entries, problem, size);
	if (!err)
		err = select_namespace(c, config, problem, size);
	if (err)
		controller_close(c);
	return err;
}

struct dma_region controller_buffer(const struct controller *c, uint32_t job)
{
	size_t start = c->job_start + job * c->job_bytes;

	return (struct dma_region){
		.memory = (uint8_t *)c->memory.memory + start,
		.iova = c->memory.iova + start,
		.bytes = c->job_bytes,
	};
}

void controller_close(struct controller *c)
{
	if (c->nvme.state && !c->kept)
		nvme_stop(&c->nvme);
	if (c->vfio.fd >= 0)
		vfio_close(&c->vfio);
	for (size_t q = 0; q <= NVME_IO_QUEUES_MAX; q++)
		cleanup_close(&c->event[q]);
	cleanup_close(&c->iommufd);
	if (c->memory.memory)
		munmap(c->memory.memory, c->memory.bytes);
	cleanup_close(&c->memfd);
	*c = (struct controller){ .memfd = -1, .iommufd = -1, .vfio.fd = -1 };
}
