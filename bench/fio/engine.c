// SPDX-License-Identifier: GPL-2.0-only
/*
 * fio's ioengine flbench-nvme: an NVMe controller driven from user space, with a queue pair for each
 * job. All jobs of a fio are threads of one process and share the one controller. Job files are
 * fio's own; see docs/workloads.md for the options. The controller itself is controller.c's.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fio.h>
#include <optgroup.h>

#include <flbench/workload.h>

#include "controller.h"
#include "handover.h"

#define NAME "flbench-nvme"
/* Empty polls between two looks at the clock. */
#define LOOK_EVERY 65536u
/* An empty poll that took more ticks was interrupted by something that was no waiting. */
#define EMPTY_TICKS 1000u
/* Turns of a loop that FAULT_SLOW adds to a command. */
#define SLOW_TURNS 200u

enum fault { FAULT_NONE, FAULT_BYTE, FAULT_COMPLETION, FAULT_SLOW };

/* fio stores options here; none may be at offset 0. */
struct engine_options {
	void *unused;
	unsigned int nsid;
	unsigned int mapping;
	unsigned int interrupts;
	unsigned int timeout_s;
	unsigned int fault;
	unsigned int fault_at;
	unsigned int device_fd;
	unsigned int memory_fd;
	unsigned int cut;
	unsigned int interval;
	char *stats;
};

/* A job in its thread. */
struct job {
	uint32_t queue;
	uint32_t block_bytes;
	struct dma_region buffer;
	struct nvme_done *done;
	uint64_t submitted;
	uint64_t completed;
	uint64_t empty_polls;
	uint64_t empty_ticks;
	/* From the first command to the last completion, and what of it was waited in polls. */
	uint64_t first_ticks;
	uint64_t last_ticks;
	uint64_t waited_ticks;
	uint64_t interrupts;
	uint64_t faults;
	/* Completions in each interval that was seen to its end. */
	uint32_t nr_intervals;
	uint32_t intervals[WORKLOAD_INTERVALS_MAX];
};

/* Set up before there are jobs, and given up by the last one of them. */
static struct controller controller;
static uint32_t users;
static pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;

static struct fio_option options[] = {
	{
		.name = "namespace",
		.lname = "NVMe namespace",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, nsid),
		.help = "number of the namespace",
		.def = "1",
		.minval = 1,
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "mapping",
		.lname = "pages of the memory",
		.type = FIO_OPT_STR,
		.off1 = offsetof(struct engine_options, mapping),
		.help = "pages of the memory, in the process and in the IOMMU",
		.def = "4k",
		.posval = {
			{ .ival = "4k", .oval = CONTROLLER_4K, .help = "4 KiB" },
			{ .ival = "2m", .oval = CONTROLLER_2M, .help = "2 MiB, transparent" },
			{ .ival = "1g", .oval = CONTROLLER_1G,
			  .help = "1 GiB, of hugetlb: cannot be preserved" },
		},
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "completion",
		.lname = "how completions are seen",
		.type = FIO_OPT_STR,
		.off1 = offsetof(struct engine_options, interrupts),
		.help = "how completions are seen",
		.def = "poll",
		.posval = {
			{ .ival = "poll", .oval = 0, .help = "the queue is looked at" },
			{ .ival = "irq", .oval = 1, .help = "MSI-X, through an eventfd" },
		},
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "command_timeout",
		.lname = "patience",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, timeout_s),
		.help = "seconds without any completion after which the job fails",
		.def = "60",
		.minval = 1,
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "poll_stats",
		.lname = "file for polls",
		.type = FIO_OPT_STR_STORE,
		.off1 = offsetof(struct engine_options, stats),
		.help = "file to which each job appends a line of JSON: commands, empty polls",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "interval",
		.lname = "interval of poll_stats",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, interval),
		.help = "with poll_stats: completions in each interval of so many ticks of the processor's clock; 0: none",
		.def = "0",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "fault",
		.lname = "fault for tests",
		.type = FIO_OPT_STR,
		.off1 = offsetof(struct engine_options, fault),
		.help = "for tests: do something wrong once",
		.def = "none",
		.posval = {
			{ .ival = "none", .oval = FAULT_NONE, .help = "nothing" },
			{ .ival = "byte", .oval = FAULT_BYTE,
			  .help = "flip a bit of a write's buffer while it is under way" },
			{ .ival = "completion", .oval = FAULT_COMPLETION,
			  .help = "lose a completion" },
			{ .ival = "slow", .oval = FAULT_SLOW,
			  .help = "take more instructions for each command" },
		},
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "fault_at",
		.lname = "when",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, fault_at),
		.help = "with which command of the job, from 0",
		.def = "0",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "device_fd",
		.lname = "descriptor of the device",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, device_fd),
		.help = "inherited from somebody who keeps the device (bench/fio/handover.h)",
		.def = "0",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "memory_fd",
		.lname = "descriptor of the memory",
		.type = FIO_OPT_INT,
		.off1 = offsetof(struct engine_options, memory_fd),
		.help = "inherited memfd, which the device sees",
		.def = "0",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{
		.name = "cut",
		.lname = "stop in the middle",
		.type = FIO_OPT_BOOL,
		.off1 = offsetof(struct engine_options, cut),
		.help = "when fio ends the job, leave under way what is, and wait to be killed",
		.def = "0",
		.category = FIO_OPT_C_ENGINE,
		.group = FIO_OPT_G_INVALID,
	},
	{ .name = NULL },
};

/* ---- in the main thread ---- */

/* All jobs are known when the first one is set up. Return: the one that does not fit, or NULL. */
static struct thread_data *look_at_jobs(struct thread_data *first, struct controller_config *config)
{
	struct engine_options *eo = first->eo;

	*config = (struct controller_config){
		.address = first->files[0]->file_name,
		.nsid = eo->nsid,
		.mapping = eo->mapping,
		.interrupts = eo->interrupts,
		.jobs = thread_number,
		/* 0 is no descriptor that anybody hands over. */
		.device_fd = eo->device_fd ? (int)eo->device_fd : -1,
		.memory_fd = eo->device_fd ? (int)eo->memory_fd : -1,
		.timeout_s = eo->timeout_s,
		.lose = eo->fault == FAULT_COMPLETION,
	};
	for (unsigned int i = 0; i < thread_number; i++) {
		struct thread_data *td = tnumber_to_td(i);
		const struct engine_options *other = td->eo;
		/* fio aligns its buffers by itself, and leaves room for that. */
		size_t bytes = td_max_bs(td) * td->o.iodepth + 2 * NVME_PAGE_SIZE + td->o.mem_align;

		if (td->io_ops != first->io_ops || td->o.nr_files != 1 ||
		    strcmp(td->files[0]->file_name, config->address) ||
		    other->nsid != config->nsid || other->mapping != config->mapping ||
		    other->interrupts != config->interrupts)
			return td;
		if (td->o.iodepth > config->depth)
			config->depth = td->o.iodepth;
		if (bytes > config->buffer_bytes)
			config->buffer_bytes = bytes;
	}
	return NULL;
}

static int open_once(struct thread_data *td)
{
	const struct engine_options *eo = td->eo;
	struct controller_config config;
	struct thread_data *other;
	char problem[256];

	if (eo->interval && !eo->stats) {
		log_err(NAME ": job %s: interval needs poll_stats, the file that it goes to\n",
			td->o.name);
		return EINVAL;
	}
	if (users)
		return 0;
	other = look_at_jobs(td, &config);
	if (other) {
		log_err(NAME
			": job %s: all jobs of one fio need this engine and the same filename, namespace, mapping and completion\n",
			other->o.name);
		return EINVAL;
	}
	if (config.device_fd >= 0 && (config.interrupts || config.mapping != CONTROLLER_4K)) {
		log_err(NAME
			": job %s: with device_fd, give completion=poll and mapping=4k; pages of 1 GiB cannot be preserved\n",
			td->o.name);
		return EINVAL;
	}
	if (controller_open(&controller, &config, problem, sizeof(problem))) {
		log_err(NAME ": %s\n", problem);
		return EIO;
	}
	return 0;
}

static int engine_setup(struct thread_data *td)
{
	struct nvme_namespace ns;
	struct fio_file *f;
	int err;

	if (!td->o.use_thread) {
		log_err(NAME ": job %s: give thread=1: processes cannot share the controller\n",
			td->o.name);
		return 1;
	}
	pthread_mutex_lock(&users_lock);
	err = open_once(td);
	users += !err;
	pthread_mutex_unlock(&users_lock);
	if (err) {
		td_verror(td, err, NAME);
		return 1;
	}
	ns = nvme_namespace(&controller.nvme);
	if (td_max_bs(td) > ns.transfer_max || td->o.min_bs[DDIR_READ] % ns.block_bytes ||
	    td->o.min_bs[DDIR_WRITE] % ns.block_bytes) {
		log_err(NAME ": job %s: bs has to be a multiple of %u and at most %u\n", td->o.name,
			ns.block_bytes, ns.transfer_max);
		td_verror(td, EINVAL, NAME);
		return 1;
	}
	f = td->files[0];
	f->filetype = FIO_TYPE_BLOCK;
	f->real_file_size = ns.blocks * ns.block_bytes;
	fio_file_set_size_known(f);
	return 0;
}

/* ---- in a job's thread ---- */

static int engine_init(struct thread_data *td)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->done = calloc(td->o.iodepth, sizeof(*job->done));
	if (!job || !job->done) {
		free(job);
		return 1;
	}
	job->queue = td->thread_number;
	job->block_bytes = nvme_namespace(&controller.nvme).block_bytes;
	job->buffer = controller_buffer(&controller, job->queue - 1);
	td->io_ops_data = job;
	return 0;
}

static int engine_iomem_alloc(struct thread_data *td, size_t bytes)
{
	const struct job *job = td->io_ops_data;

	if (bytes > job->buffer.bytes) {
		log_err(NAME ": job %s: %zu bytes of buffers, where %zu were expected\n",
			td->o.name, bytes, job->buffer.bytes);
		return 1;
	}
	td->orig_buffer = job->buffer.memory;
	return 0;
}

/* The memory is the controller's. */
static void engine_iomem_free(struct thread_data *td)
{
	td->orig_buffer = NULL;
}

static int engine_open_file(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

static int engine_close_file(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

/* There is no cache. */
static int engine_invalidate(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

static int engine_get_file_size(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

static bool fails_now(const struct engine_options *eo, enum fault fault, struct job *job,
		      uint64_t at)
{
	if (eo->fault != fault || job->faults || at < eo->fault_at)
		return false;
	job->faults++;
	return true;
}

static enum nvme_action action_of(enum fio_ddir ddir)
{
	return ddir == DDIR_READ  ? NVME_READ :
	       ddir == DDIR_WRITE ? NVME_WRITE :
	       ddir == DDIR_TRIM  ? NVME_TRIM :
				    NVME_FLUSH;
}

/*
 * fio would wait for what is under way before it ends. To be cut off in the middle it must not: tell
 * the controller what was pushed, and the keeper that it is so, and do nothing any more.
 */
static void stop_if_cut(struct thread_data *td)
{
	const struct engine_options *eo = td->eo;
	const struct job *job = td->io_ops_data;
	struct fio_handover *handover = controller_handover(&controller);

	if (!eo->cut || !handover || !(td->stop_io || td->terminate))
		return;
	nvme_ring(&controller.nvme, job->queue);
	__atomic_add_fetch(&handover->cut, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static enum fio_q_status engine_queue(struct thread_data *td, struct io_u *io_u)
{
	const struct engine_options *eo = td->eo;
	struct job *job = td->io_ops_data;
	enum nvme_action action = action_of(io_u->ddir);
	uint64_t lba = 0, iova = 0;
	uint32_t blocks = 0;
	int slot = 0;

	fio_ro_check(td, io_u);
	stop_if_cut(td);
	if (!job->first_ticks)
		job->first_ticks = get_cpu_clock();
	if (action != NVME_FLUSH) {
		if ((io_u->offset | io_u->xfer_buflen) % job->block_bytes)
			slot = -EINVAL;
		lba = io_u->offset / job->block_bytes;
		blocks = io_u->xfer_buflen / job->block_bytes;
	}
	if (action == NVME_READ || action == NVME_WRITE)
		iova = job->buffer.iova +
		       ((uint8_t *)io_u->xfer_buf - (uint8_t *)job->buffer.memory);
	if (!slot)
		slot = nvme_push(&controller.nvme, job->queue, action, lba, blocks, iova,
				 (uintptr_t)io_u);
	if (slot == -EAGAIN)
		return FIO_Q_BUSY;
	if (slot < 0) {
		log_err(NAME
			": %s of %llu bytes at offset %llu is refused: %s (blocks have %u bytes)\n",
			io_ddir_name(io_u->ddir), (unsigned long long)io_u->xfer_buflen,
			(unsigned long long)io_u->offset, strerror(-slot), job->block_bytes);
		io_u->error = -slot;
		return FIO_Q_COMPLETED;
	}
	if (eo->fault == FAULT_BYTE && action == NVME_WRITE &&
	    fails_now(eo, FAULT_BYTE, job, job->submitted))
		((uint8_t *)io_u->xfer_buf)[io_u->xfer_buflen / 2] ^= 1;
	if (eo->fault == FAULT_SLOW)
		for (volatile unsigned int i = 0; i < SLOW_TURNS;)
			i++;
	job->submitted++;
	return FIO_Q_QUEUED;
}

static int engine_commit(struct thread_data *td)
{
	const struct job *job = td->io_ops_data;

	nvme_ring(&controller.nvme, job->queue);
	return 0;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Say which commands did not complete. */
static int lost(struct thread_data *td)
{
	const struct engine_options *eo = td->eo;
	const struct job *job = td->io_ops_data;
	const struct nvme_queue *q = &controller.nvme.queue[job->queue];

	/* Those that came while more were waited for are not. */
	while (nvme_poll(&controller.nvme, job->queue, job->done, td->o.iodepth) > 0)
		;
	for (uint32_t i = 0; i < q->state->depth; i++)
		if (q->slots[i].busy)
			log_err(NAME
				": job %s: command %#x at LBA %llu, %u blocks: expected its completion, none came within %u s\n",
				td->o.name, q->slots[i].opcode, (unsigned long long)q->slots[i].lba,
				q->slots[i].blocks, eo->timeout_s);
	return -ETIMEDOUT;
}

/* Look until there are @n completions; what that takes is counted, to be taken off. */
static int wait_polling(struct thread_data *td, struct job *job, uint32_t n)
{
	const struct engine_options *eo = td->eo;
	const struct nvme_queue *q = &controller.nvme.queue[job->queue];
	const uint64_t start = get_cpu_clock();
	uint64_t last = start, now, polls = 0;
	time_t end = 0;

	while (!nvme_queue_ready(q, n)) {
		nop;
		stop_if_cut(td);
		now = get_cpu_clock();
		if (now - last < EMPTY_TICKS)
			job->empty_ticks += now - last;
		last = now;
		job->empty_polls++;
		if (++polls % LOOK_EVERY)
			continue;
		if (!end)
			end = seconds() + eo->timeout_s;
		else if (seconds() >= end)
			return lost(td);
	}
	job->waited_ticks += last - start;
	return 0;
}

static int wait_interrupt(struct thread_data *td, struct job *job)
{
	const struct engine_options *eo = td->eo;
	struct pollfd wait = { .fd = controller.event[job->queue], .events = POLLIN };
	uint64_t count;
	int n = poll(&wait, 1, eo->timeout_s * 1000);

	if (!n)
		return lost(td);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (read(wait.fd, &count, sizeof(count)) != sizeof(count))
		return -errno;
	job->interrupts++;
	return 0;
}

/* In the order of time: the last interval is one that has just begun. */
static void count_completions(const struct engine_options *eo, struct job *job, unsigned int nr)
{
	uint64_t at;

	if (!nr)
		return;
	job->last_ticks = get_cpu_clock();
	if (!eo->interval)
		return;
	at = (job->last_ticks - job->first_ticks) / eo->interval;
	job->nr_intervals = at < WORKLOAD_INTERVALS_MAX ? at : WORKLOAD_INTERVALS_MAX;
	if (at < WORKLOAD_INTERVALS_MAX)
		job->intervals[at] += nr;
}

static int engine_getevents(struct thread_data *td, unsigned int min, unsigned int max,
			    const struct timespec *timeout)
{
	const struct engine_options *eo = td->eo;
	struct job *job = td->io_ops_data;
	struct nvme_queue *q = &controller.nvme.queue[job->queue];
	unsigned int got = 0, missing;
	int n;

	stop_if_cut(td);
	for (;;) {
		/* All that are wanted at once: each look that takes some costs a write to a register. */
		missing = min > got ? min - got : 1;
		n = nvme_queue_ready(q, missing) ?
			    nvme_poll(&controller.nvme, job->queue, job->done + got, max - got) :
			    0;
		if (n < 0) {
			log_err(NAME
				": job %s: the controller completed a command that it does not have\n",
				td->o.name);
			return n;
		}
		job->completed += n;
		if (n > 0 && fails_now(eo, FAULT_COMPLETION, job, job->completed - 1))
			controller_lose(&controller, job->queue, &job->done[got + --n]);
		got += n;
		if (got >= min) {
			count_completions(eo, job, got);
			return got;
		}
		n = eo->interrupts ? wait_interrupt(td, job) : wait_polling(td, job, missing);
		if (n < 0)
			return n;
	}
}

static struct io_u *engine_event(struct thread_data *td, int event)
{
	const struct job *job = td->io_ops_data;
	const struct nvme_done *done = &job->done[event];
	struct io_u *io_u = (struct io_u *)(uintptr_t)done->command.cookie;

	io_u->error = 0;
	if (done->status) {
		log_err(NAME
			": job %s: command %#x at LBA %llu, %u blocks: status %#x, expected success\n",
			td->o.name, done->command.opcode, (unsigned long long)done->command.lba,
			done->command.blocks, done->status);
		io_u->error = EIO;
	}
	return io_u;
}

static void write_stats(const struct thread_data *td, const struct job *job)
{
	const struct engine_options *eo = td->eo;
	FILE *file = fopen(eo->stats, "ae");

	if (file) {
		fprintf(file,
			"{\"job\":\"%s\",\"submitted\":%llu,\"completed\":%llu,\"empty_polls\":%llu,\"empty_ticks\":%llu,\"busy_ticks\":%llu,\"interrupts\":%llu",
			td->o.name, (unsigned long long)job->submitted,
			(unsigned long long)job->completed, (unsigned long long)job->empty_polls,
			(unsigned long long)job->empty_ticks,
			job->completed ? (unsigned long long)(job->last_ticks - job->first_ticks -
							      job->waited_ticks) :
					 0,
			(unsigned long long)job->interrupts);
		for (uint32_t i = 0; i < job->nr_intervals; i++)
			fprintf(file, "%s%u", i ? "," : ",\"intervals\":[", job->intervals[i]);
		fputs(job->nr_intervals ? "]}\n" : "}\n", file);
	}
	if (!file || fclose(file))
		log_err(NAME ": poll_stats=%s: %s\n", eo->stats, strerror(errno));
}

static void engine_cleanup(struct thread_data *td)
{
	const struct engine_options *eo = td->eo;
	struct job *job = td->io_ops_data;

	if (!job)
		return;
	if (eo->stats)
		write_stats(td, job);
	td->io_ops_data = NULL;
	free(job->done);
	free(job);
	pthread_mutex_lock(&users_lock);
	if (!--users)
		controller_close(&controller);
	pthread_mutex_unlock(&users_lock);
}

/* fio looks for this name. */
extern struct ioengine_ops ioengine;

struct ioengine_ops ioengine = {
	.name = NAME,
	.version = FIO_IOOPS_VERSION,
	.flags = FIO_RAWIO | FIO_NOEXTEND | FIO_NODISKUTIL | FIO_MEMALIGN,
	.setup = engine_setup,
	.init = engine_init,
	.queue = engine_queue,
	.commit = engine_commit,
	.getevents = engine_getevents,
	.event = engine_event,
	.cleanup = engine_cleanup,
	.open_file = engine_open_file,
	.close_file = engine_close_file,
	.invalidate = engine_invalidate,
	.get_file_size = engine_get_file_size,
	.iomem_alloc = engine_iomem_alloc,
	.iomem_free = engine_iomem_free,
	.options = options,
	.option_struct_size = sizeof(struct engine_options),
};
