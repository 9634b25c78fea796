// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload "fio": a fio that verifies what it writes runs into the kexec. It is cut off with
 * commands under way; the next kernel's fio goes on with the queues, on a controller that was never
 * reset, and verifies what was acknowledged and what was in flight. The agent keeps the controller and
 * the memory (bench/fio/handover.h), and hands both to each fio.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/huge.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>
#include <flbench/nvme.h>

#include "../../bench/fio/handover.h"
#include "agent.h"
#include "dma.h"
#include "fio_speed.h"
#include "scenario.h"
#include "system.h"

/* Queues and buffers of the job files, and the page of the keeper. */
#define MEMORY_BYTES (4u << 20)
/* Where a page more is mapped for a moment. */
#define SPARE_IOVA (FIO_HANDOVER_IOVA + (1ull << 32))
/* Commands that the job that is cut off has given to the controller by then. */
#define CUT_AFTER 96u
#define CHECKED 64u
/* What is written and read back beside something else, each time. */
#define WORK 32u
#define WAIT_MS 60000
/* Name of the file as fio makes it from the job's. */
#define STATE_FILE "/tmp/local-write-0-verify.state"

#define TOKEN_MEMORY 1ull
#define TOKEN_IOMMUFD 2ull
#define TOKEN_DEVICE 10ull
#define TOKEN_HWPT 0x6f69ull

static struct {
	int memfd;
	int iommufd;
	uint32_t ioas_id;
	uint32_t hwpt_id;
	struct vfio_device vfio;
	struct dma_region memory;
	struct fio_handover *handover;
	/* Commands of the previous kernel's fio are still to be taken. */
	bool cut;
} kept = { .memfd = -1, .iommufd = -1, .vfio = { .fd = -1 } };

static int begin(struct agent *a)
{
	/* The loop preserves its memory. */
	if (!strcmp(a->c.fio_mapping, "1g") && !a->scenario->boot)
		a->skip =
			"memory in pages of 1 GiB cannot be preserved: LUO takes memfds of shmem alone";
	if (!strcmp(a->c.fio_mapping, "2m"))
		system_write(HUGE_SHMEM_ENABLED, "advise");
	return 0;
}

/* Return: @err, with words; 0 if it is as @wanted. */
static int expect(struct agent *a, int err, int wanted, const char *what)
{
	if (err == wanted)
		return 0;
	return world_problem(&a->w, err ?: -EPROTO, "%s: %s, not %s", what, strerror(-err),
			     strerror(-wanted));
}

static void use_memory(void *memory)
{
	kept.memory = (struct dma_region){
		.memory = memory,
		.iova = FIO_HANDOVER_IOVA,
		.bytes = MEMORY_BYTES,
	};
	kept.handover =
		(struct fio_handover *)((uint8_t *)memory + MEMORY_BYTES - FIO_HANDOVER_PAGE);
}

static bool is_huge(const struct agent *a)
{
	return !strcmp(a->c.fio_mapping, "2m");
}

/* What a device writes to must not go away: the next kernel insists on that. */
static int make_memory(struct agent *a)
{
	void *memory;

	kept.memfd = huge_create(is_huge(a) ? HUGE_2M : HUGE_4K, MEMORY_BYTES, &memory);
	if (kept.memfd < 0)
		return world_problem(&a->w, kept.memfd, "memory in pages of %s", a->c.fio_mapping);
	use_memory(memory);
	if (fcntl(kept.memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return world_problem(&a->w, -errno, "sealing the memfd");
	return 0;
}

static int map_iova(uint32_t ioas_id, uint64_t iova)
{
	return iommufd_map_file(kept.iommufd, ioas_id, kept.memfd, 0, MEMORY_BYTES, iova,
				IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
}

/* A domain with the memory in it. In pages of 4 KiB the IOMMU's entries are as well. */
static int make_domain(struct agent *a, uint32_t *ioas_id, uint32_t *hwpt_id)
{
	int err = iommufd_ioas_alloc(kept.iommufd, ioas_id);

	if (!err && !is_huge(a))
		err = iommufd_ioas_small_pages(kept.iommufd, *ioas_id);
	if (!err)
		err = map_iova(*ioas_id, FIO_HANDOVER_IOVA);
	if (!err)
		err = iommufd_hwpt_alloc(kept.iommufd, kept.vfio.iommufd_id, *ioas_id, 0, NULL, 0,
					 hwpt_id);
	return err;
}

static int set_up(struct agent *a)
{
	char *address, device[FIO_DEVICE_SIZE];
	int err;

	err = make_memory(a);
	if (err)
		return err;
	address = kept.handover->address;
	kept.iommufd = iommufd_open();
	if (kept.iommufd < 0)
		return world_problem(&a->w, kept.iommufd, "/dev/iommu");
	err = fio_give(a, FIO_KEPT, true, device);
	if (err)
		return err;
	strcpy(address, device);
	err = vfio_open(&kept.vfio, address);
	if (!err)
		err = vfio_bind(&kept.vfio, kept.iommufd);
	if (!err)
		err = make_domain(a, &kept.ioas_id, &kept.hwpt_id);
	if (!err)
		err = vfio_attach(&kept.vfio, kept.hwpt_id);
	return err ? world_problem(&a->w, err, "setting up the controller %s", address) : 0;
}

/* ---- fio ---- */

/* Each kernel's fio has its own sequence: what an earlier one left does not pass for it. */
static struct fio_job job_of(const struct agent *a, const char *name, uint32_t cycle)
{
	return (struct fio_job){
		.name = name,
		.device = kept.handover->address,
		.seed = a->c.seed + cycle + 1,
		.device_fd = kept.vfio.fd,
		.memory_fd = kept.memfd,
	};
}

/* The queues as whoever used them last left them; @nvme only reads. */
static int look_at_queues(struct agent *a, struct nvme *nvme)
{
	int err = nvme_resume(nvme, &kept.vfio, &kept.memory);

	return err ? world_problem(&a->w, err, "the queues in the memory") : 0;
}

static int write_state_file(void)
{
	int fd __close = open(STATE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint32_t bytes = kept.handover->state_bytes;

	if (fd < 0)
		return -errno;
	return write(fd, kept.handover->state, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

/* Have fio read what the previous kernel's fio wrote: @least of @job.ios, or more. */
static int read_back(struct agent *a, const struct fio_job *job, uint64_t least)
{
	struct fio_figures figures;
	int err = fio_run(a, job, &figures);

	if (!err && figures.reads < least)
		err = world_problem(&a->w, -EILSEQ,
				    "fio %s verified %llu writes, where %llu were expected",
				    job->name, (unsigned long long)figures.reads,
				    (unsigned long long)least);
	return err;
}

/* The first look after a jump. */
static int take_over(struct agent *a)
{
	struct fio_job job = job_of(a, "acknowledged", a->log.cycle - 1);
	uint64_t written, unseen;
	struct nvme nvme;
	int err = look_at_queues(a, &nvme);

	if (err)
		return err;
	written = nvme.queue[1].state->submitted - kept.handover->before;
	unseen = nvme_outstanding(&nvme, 1);
	err = write_state_file();
	if (err)
		return world_problem(&a->w, err, STATE_FILE);
	job.ios = written;
	if (!strcmp(a->c.fio_fault, "completion"))
		job.fault = "completion";
	err = read_back(a, &job, written - unseen);
	job.name = "written";
	job.fault = NULL;
	if (!err)
		err = read_back(a, &job, written);
	if (err)
		return err;
	agent_check(
		a, "fio-in-flight", kept.handover->in_flight > 0,
		"fio verified %llu writes; %llu had not been acknowledged, %u of them were in flight when fio was cut off; the controller was not reset",
		(unsigned long long)written, (unsigned long long)unseen, kept.handover->in_flight);
	event_metric(&a->log, &a->c, "fio_written", "commands", written);
	event_metric(&a->log, &a->c, "fio_in_flight", "commands", kept.handover->in_flight);
	return 0;
}

static int verify(struct agent *a)
{
	struct fio_job job = job_of(a, "check", a->log.cycle);
	int err = kept.cut ? take_over(a) : 0;

	kept.cut = false;
	/* New writes and reads, on the same queues. */
	job.ios = CHECKED;
	return err ? err : read_back(a, &job, CHECKED);
}

static int work(struct agent *a, uint64_t *done)
{
	struct fio_job job = job_of(a, "check", a->log.cycle);
	struct fio_figures figures;
	int err;

	job.ios = WORK;
	err = fio_run(a, &job, &figures);
	if (!err && figures.reads < WORK)
		err = world_problem(&a->w, -EILSEQ, "fio verified %llu writes of %u",
				    (unsigned long long)figures.reads, WORK);
	*done += figures.ios;
	return err;
}

/* ---- old kernel ---- */

static int mark(struct agent *a)
{
	return expect(a, iommufd_hwpt_mark(kept.iommufd, kept.hwpt_id, TOKEN_HWPT), 0,
		      "marking the HWPT");
}

static int preserve_memory(struct agent *a)
{
	return expect(a, liveupdate_preserve_fd(a->session, kept.memfd, TOKEN_MEMORY), 0,
		      "preserving the memfd");
}

static int preserve(struct agent *a)
{
	int err = liveupdate_preserve_fd(a->session, kept.iommufd, TOKEN_IOMMUFD);

	if (!err)
		err = liveupdate_preserve_fd(a->session, kept.vfio.fd, TOKEN_DEVICE);
	return expect(a, err, 0, "preserving the iommufd and the controller");
}

static int immutable(struct agent *a)
{
	int err = expect(a, vfio_reset(&kept.vfio), -EBUSY, "resetting a preserved device");

	return err ? err :
		     expect(a,
			    iommufd_unmap(kept.iommufd, kept.ioas_id, FIO_HANDOVER_IOVA,
					  MEMORY_BYTES),
			    -EBUSY, "unmapping what is preserved");
}

/* Wait for the running fio, until @done. Return: 0, or a negative errno with words. */
static int wait_until(struct agent *a, pid_t fio, bool (*done)(const struct nvme *nvme),
		      const struct nvme *nvme, const char *what)
{
	int status;

	for (int ms = 0; !done(nvme); ms++) {
		if (waitpid(fio, &status, WNOHANG) == fio)
			return fio_failed(a, "ended by itself", status);
		if (ms >= WAIT_MS)
			return world_problem(&a->w, -ETIMEDOUT, "fio does not %s", what);
		usleep(1000);
	}
	return 0;
}

static bool has_written(const struct nvme *nvme)
{
	return nvme->queue[1].state->submitted - kept.handover->before >= CUT_AFTER;
}

static bool is_cut(const struct nvme *nvme)
{
	return __atomic_load_n(&kept.handover->cut, __ATOMIC_ACQUIRE);
}

/* fio stops its jobs first, and then writes: version, bytes behind this header, checksum. */
static bool is_saved(const struct nvme *nvme)
{
	int fd __close = open(STATE_FILE, O_RDONLY | O_CLOEXEC);
	uint64_t header[3];
	struct stat info;

	return read(fd, header, sizeof(header)) == sizeof(header) && !fstat(fd, &info) &&
	       (uint64_t)info.st_size >= sizeof(header) + le64toh(header[1]);
}

/* Commands that the controller has not completed yet; completed ones may still be to be taken. */
static uint32_t in_flight(const struct nvme_queue *q)
{
	uint32_t head = q->state->cq_head, phase = q->state->phase, n = q->state->outstanding;

	while (n && (q->cq[head].status & 1) == phase) {
		n--;
		if (++head == q->state->depth) {
			head = 0;
			phase = !phase;
		}
	}
	return n;
}

/* What fio knows to be acknowledged goes along. */
static int read_state_file(struct agent *a)
{
	int fd __close = open(STATE_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, kept.handover->state, sizeof(kept.handover->state));

	if (n <= 0 || (size_t)n == sizeof(kept.handover->state))
		return world_problem(&a->w, -EIO, STATE_FILE ": %zd bytes", n);
	kept.handover->state_bytes = n;
	return 0;
}

/* In the buffer of the command that was given last, which the disk has not come to yet. */
static void flip_bit(struct agent *a, const struct nvme *nvme)
{
	const struct nvme_queue *q = &nvme->queue[1];
	uint32_t last = (q->state->sq_tail + q->state->depth - 1) % q->state->depth;
	const struct nvme_slot *slot = &q->slots[q->sq[last].cid];

	((uint8_t *)kept.memory.memory)[slot->iova - kept.memory.iova + 2048] ^= 1;
	event_text(&a->log, "info", "the case wants a bit flipped at LBA %llu",
		   (unsigned long long)slot->lba);
}

static int cut(struct agent *a, pid_t fio, const struct nvme *nvme)
{
	int err = wait_until(a, fio, has_written, nvme, "write");
	int fd __close = -1;

	if (err)
		return err;
	fd = open(FIO_CUT_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return world_problem(&a->w, -errno, FIO_CUT_FILE);
	err = wait_until(a, fio, is_cut, nvme, "stop");
	return err ? err : wait_until(a, fio, is_saved, nvme, "save what was acknowledged");
}

static int depart(struct agent *a)
{
	struct fio_job job = job_of(a, "cut", a->log.cycle);
	struct nvme nvme;
	pid_t fio;
	int err;

	/* A scenario with a boot of its own has set nothing up. */
	if (!a->c.preserve || a->scenario->boot)
		return 0;
	err = look_at_queues(a, &nvme);
	if (err)
		return err;
	kept.handover->cut = 0;
	kept.handover->before = nvme.queue[1].state->submitted;
	unlink(STATE_FILE);
	fio = fio_start(&job);
	if (fio < 0)
		return world_problem(&a->w, fio, "starting fio");
	err = cut(a, fio, &nvme);
	kill(fio, SIGKILL);
	waitpid(fio, NULL, 0);
	if (!err)
		err = read_state_file(a);
	kept.handover->in_flight = in_flight(&nvme.queue[1]);
	if (!err && !strcmp(a->c.fio_fault, "byte"))
		flip_bit(a, &nvme);
	return err;
}

/* ---- new kernel ---- */

static int retrieve_memory(struct agent *a)
{
	void *memory;

	kept.memfd = liveupdate_retrieve_fd(a->session, TOKEN_MEMORY);
	if (kept.memfd < 0)
		return world_problem(&a->w, kept.memfd, "retrieving the memfd");
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, kept.memfd, 0);
	if (memory == MAP_FAILED)
		return world_problem(&a->w, -errno, "mapping the memfd");
	use_memory(memory);
	return 0;
}

static int retrieve(struct agent *a)
{
	kept.iommufd = liveupdate_retrieve_fd(a->session, TOKEN_IOMMUFD);
	if (kept.iommufd < 0)
		return world_problem(&a->w, kept.iommufd, "retrieving the iommufd");
	return expect(a, iommufd_hwpt_retrieve(kept.iommufd, TOKEN_HWPT, &kept.hwpt_id), 0,
		      "retrieving the HWPT");
}

static int restore_devices(struct agent *a)
{
	int fd = liveupdate_retrieve_fd(a->session, TOKEN_DEVICE), err;

	if (fd < 0)
		return world_problem(&a->w, fd, "retrieving the controller");
	vfio_adopt(&kept.vfio, fd, 0);
	err = vfio_bind(&kept.vfio, kept.iommufd);
	if (!err)
		err = vfio_attach(&kept.vfio, kept.hwpt_id);
	kept.cut = true;
	return expect(a, err, 0, "binding and attaching the controller");
}

static int rebuild(struct agent *a)
{
	int err = iommufd_ioas_alloc(kept.iommufd, &kept.ioas_id);

	if (!err)
		err = map_iova(kept.ioas_id, FIO_HANDOVER_IOVA);
	return expect(a, err, 0, "rebuilding the IOAS");
}

static int adopt(struct agent *a)
{
	return expect(a, iommufd_hwpt_adopt(kept.iommufd, kept.hwpt_id, kept.ioas_id), 0,
		      "adopting");
}

static int remap(struct agent *a)
{
	int err = map_iova(kept.ioas_id, SPARE_IOVA);

	if (!err)
		err = iommufd_unmap(kept.iommufd, kept.ioas_id, SPARE_IOVA, MEMORY_BYTES);
	return expect(a, err, 0, "mapping and unmapping");
}

/* ---- what an I/O costs ---- */

static int measure_domain(struct agent *a, bool restored, uint32_t hwpt_id)
{
	struct fio_job job = job_of(a, NULL, a->log.cycle);
	int err = expect(a, vfio_attach(&kept.vfio, hwpt_id), 0,
			 restored ? "attaching the restored domain" : "attaching a fresh domain");

	if (restored && !strcmp(a->c.fio_fault, "slow"))
		job.fault = "slow";
	return err ? err : fio_domain(a, restored ? "fio_restored" : "fio_fresh", job);
}

/*
 * The same job over the domain that came through the kexec and over one that this kernel has made, of
 * the same memory. In every other kernel the fresh one is first, so that the order makes no difference.
 * The kernel replaces a restored domain only when it is adopted; that rewrites no entry.
 */
static int compare_domains(struct agent *a)
{
	bool fresh_first = a->log.cycle % 2 == 0;
	uint32_t ioas_id, hwpt_id;
	int err = expect(a, make_domain(a, &ioas_id, &hwpt_id), 0, "making a fresh domain");

	if (!err)
		err = measure_domain(a, !fresh_first, fresh_first ? hwpt_id : kept.hwpt_id);
	if (!err)
		err = measure_domain(a, fresh_first, fresh_first ? kept.hwpt_id : hwpt_id);
	if (err)
		return err;
	err = vfio_attach(&kept.vfio, kept.hwpt_id);
	if (!err)
		err = iommufd_destroy(kept.iommufd, hwpt_id);
	if (!err)
		err = iommufd_destroy(kept.iommufd, ioas_id);
	return expect(a, err, 0, "going back to the restored domain");
}

/* Over the domain that is preserved, interval by interval: the first that is measured in a kernel, and the last. */
static int follow(struct agent *a, bool after)
{
	struct fio_job job = job_of(a, NULL, a->log.cycle);

	return fio_series(a, job, after);
}

static int measure(struct agent *a)
{
	int err = 0;

	if (!strcmp(a->c.fio_measure, "none"))
		return 0;
	if (!a->fresh) {
		err = follow(a, true);
		if (!err)
			err = compare_domains(a);
	}
	if (!err && !strcmp(a->c.fio_measure, "all"))
		err = fio_peers(a);
	if (!err && a->log.cycle < a->c.cycles)
		err = follow(a, false);
	return err;
}

static uint64_t memory_bytes(const struct agent *a)
{
	return MEMORY_BYTES;
}

static const char *const metrics[] = { "fio_restored", "fio_fresh", "fio_ours_poll",
				       "fio_ours_irq", "fio_kernel_irq", NULL };

const struct workload workload_fio = {
	.name = "fio",
	.metrics = metrics,
	.verified = "fio reads back what it writes, and what it wrote before the jump",
	.remapped = "map and unmap",
	.begin = begin,
	.set_up = set_up,
	.mark = mark,
	.preserve_memory = preserve_memory,
	.preserve = preserve,
	.immutable = immutable,
	.depart = depart,
	.retrieve_memory = retrieve_memory,
	.retrieve = retrieve,
	.restore_devices = restore_devices,
	.verify = verify,
	.rebuild = rebuild,
	.adopt = adopt,
	.remap = remap,
	.measure = measure,
	.work = work,
	.work_metric = "fio_beside_dpdk",
	.work_unit = "commands",
	.memory_bytes = memory_bytes,
};
