// SPDX-License-Identifier: GPL-2.0-only
/* What an I/O costs; see the header. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <flbench/pci.h>

#include "agent.h"
#include "dma.h"
#include "fio_speed.h"

#define NVME_VENDOR 0x1b36
#define NVME_DEVICE 0x0010
/*
 * What a start of fio costs is in both runs alike: the difference is that of the I/Os alone. It costs
 * tens of thousands of them, and now and then a little more.
 */
#define FEW 1000u
#define MANY 41000u
/* A clock needs more of them. */
#define MANY_TIMED 201000u
#define WAIT_MS 10000
/* Ticks: there are some fifty in a run under icount. */
#define INTERVAL 1000000u

/* The target: at most 1/0.9 of the instructions of the kernel's driver. */
#define TARGET_OURS 9u
#define TARGET_KERNEL 10u

/*
 * Job file, metric, and which waiting can be told: our engine counts polls that found nothing; with
 * interrupts it is the idle process; polls inside of the kernel nobody counts.
 */
static const struct {
	const char *job;
	const char *metric;
	bool counts_polls;
	bool hides_polls;
} subjects[] = {
	[FIO_OURS_POLL] = { "ours-poll", "fio_ours_poll", .counts_polls = true },
	[FIO_OURS_IRQ] = { "ours-irq", "fio_ours_irq" },
	[FIO_KERNEL_POLL] = { "kernel-poll", "fio_kernel_poll", .hides_polls = true },
	[FIO_KERNEL_IRQ] = { "kernel-irq", "fio_kernel_irq" },
};

int fio_find(struct agent *a, enum fio_controller which, char *address)
{
	struct sysfs sysfs;
	int err = sysfs_open(&sysfs, "/");

	if (!err)
		err = pci_find(&sysfs, NVME_VENDOR, NVME_DEVICE, which, address);
	sysfs_close(&sysfs);
	return err ? world_problem(&a->w, err, "NVMe controller %d", which) : 0;
}

static int release(const char *address)
{
	struct sysfs sysfs;
	int err = sysfs_open(&sysfs, "/");

	if (!err)
		err = pci_release_vfio(&sysfs, address);
	sysfs_close(&sysfs);
	return err;
}

/* The kernel counts its controllers as they come. */
static int find_block_device(const char *address, char *device)
{
	char pattern[96];
	glob_t found = { 0 };
	int err = -ENODEV;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/nvme*n1", address);
	for (int ms = 0; err && ms < WAIT_MS; ms += 10) {
		if (!glob(pattern, 0, NULL, &found)) {
			snprintf(device, FIO_DEVICE_SIZE, "/dev/%s",
				 strrchr(found.gl_pathv[0], '/') + 1);
			err = access(device, F_OK) ? -ENODEV : 0;
		}
		globfree(&found);
		if (err)
			usleep(10000);
	}
	return err;
}

int fio_give(struct agent *a, enum fio_controller which, bool ours, char *device)
{
	char address[PCI_ADDRESS_SIZE] = "the controller";
	int err = fio_find(a, which, address);

	if (err)
		return err;
	if (ours) {
		snprintf(device, FIO_DEVICE_SIZE, "%s", address);
		err = dma_take(NVME_VENDOR, NVME_DEVICE, which, address);
	} else {
		err = release(address);
		if (!err)
			err = find_block_device(address, device);
	}
	return err ? world_problem(&a->w, err, "giving %s to %s", address,
				   ours ? "vfio-pci" : "the kernel's NVMe driver") :
		     0;
}

static int run(struct agent *a, struct fio_job *job, uint64_t ios, struct fio_figures *figures)
{
	int err;

	job->ios = ios;
	err = fio_run(a, job, figures);
	if (!err && figures->ios != ios)
		err = world_problem(&a->w, -EIO, "fio %s did %llu I/Os, not %llu", job->name,
				    (unsigned long long)figures->ios, (unsigned long long)ios);
	return err;
}

static void report_polls(struct agent *a, const char *metric, uint64_t polls)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_empty_polls", metric);
	event_metric(&a->log, &a->c, name, "polls", polls);
}

/* Where time is measured. */
static void report_rate(struct agent *a, const char *metric, const struct fio_figures *figures)
{
	char name[64];

	if (a->c.instructions)
		return;
	snprintf(name, sizeof(name), "%s_bytes_per_second", metric);
	event_metric(&a->log, &a->c, name, "bytes/s", figures->bytes_per_second);
}

static uint64_t many_of(const struct agent *a)
{
	return a->c.instructions ? MANY : MANY_TIMED;
}

/* With polls in it, which may have been more with fewer I/Os: then there is no raw number. */
static void report(struct agent *a, enum fio_subject subject, int64_t raw, int64_t net,
		   const struct fio_figures *few, const struct fio_figures *many)
{
	const char *metric = subjects[subject].metric;
	char name[64];

	if (raw > 0) {
		snprintf(name, sizeof(name), "%s_raw", metric);
		agent_metric_ticks(a, name, raw);
	}
	if (!subjects[subject].hides_polls)
		agent_metric_ticks(a, metric, net);
	if (subjects[subject].counts_polls)
		report_polls(a, metric,
			     many->empty_polls > few->empty_polls ?
				     many->empty_polls - few->empty_polls :
				     0);
	report_rate(a, metric, many);
}

int fio_warm_up(struct agent *a, enum fio_subject subject, struct fio_job job)
{
	struct fio_figures figures;

	job.name = subjects[subject].job;
	job.measure = true;
	return run(a, &job, FEW, &figures);
}

int fio_speed(struct agent *a, enum fio_subject subject, struct fio_job job, uint64_t *net)
{
	const uint64_t ios = many_of(a);
	struct fio_figures few = { 0 }, many = { 0 };
	int64_t raw, empty, each;
	int err;

	job.name = subjects[subject].job;
	job.measure = true;
	err = run(a, &job, FEW, &few);
	if (!err)
		err = run(a, &job, ios, &many);
	if (err)
		return err;
	raw = (int64_t)(many.total - many.idle) - (int64_t)(few.total - few.idle);
	empty = (int64_t)many.empty - (int64_t)few.empty;
	if (raw <= empty && !subjects[subject].hides_polls)
		return world_problem(&a->w, -EPROTO, "fio %s: more I/Os cost nothing more",
				     job.name);
	each = (raw - empty) / (int64_t)(ios - FEW);
	report(a, subject, raw / (int64_t)(ios - FEW), each, &few, &many);
	if (net)
		*net = subjects[subject].hides_polls ? 0 : each;
	return 0;
}

int fio_series(struct agent *a, struct fio_job job, bool after)
{
	struct fio_figures figures;

	job.name = "kept-read";
	job.interval = INTERVAL;
	job.after = after;
	return run(a, &job, many_of(a), &figures);
}

int fio_domain(struct agent *a, const char *metric, struct fio_job job)
{
	struct fio_figures figures;
	int err;

	job.name = "kept-read";
	err = run(a, &job, many_of(a), &figures);
	if (!err && !figures.busy)
		err = world_problem(&a->w, -EPROTO, "fio %s: nobody counted", job.name);
	if (err)
		return err;
	agent_metric_ticks(a, metric, figures.busy / figures.ios);
	report_polls(a, metric, figures.empty_polls);
	report_rate(a, metric, &figures);
	return 0;
}

/* Against the kernel's driver with interrupts: what its polling costs without waiting is not known. */
static void judge(struct agent *a, const char *name, uint64_t ours, uint64_t kernel)
{
	agent_check(
		a, name, ours * TARGET_OURS <= kernel * TARGET_KERNEL,
		"instructions for an I/O without waiting: ours %llu, the kernel's driver with io_uring and interrupts %llu; wanted: at most 1/0.9 of that",
		(unsigned long long)ours, (unsigned long long)kernel);
}

int fio_peers(struct agent *a)
{
	uint64_t net[FIO_KERNEL_IRQ + 1] = { 0 };
	char device[FIO_DEVICE_SIZE];
	struct fio_job job = { .device = device, .mapping = a->c.fio_mapping };
	int err = 0;

	for (enum fio_subject s = FIO_OURS_POLL; !err && s <= FIO_KERNEL_IRQ; s++) {
		if (s == FIO_OURS_POLL || s == FIO_KERNEL_POLL) {
			err = fio_give(a, FIO_PEER, s == FIO_OURS_POLL, device);
			if (!err)
				err = fio_warm_up(a, s, job);
		}
		if (!err)
			err = fio_speed(a, s, job, &net[s]);
	}
	if (!err && a->c.instructions) {
		judge(a, "fio-irq", net[FIO_OURS_IRQ], net[FIO_KERNEL_IRQ]);
		judge(a, "fio-poll", net[FIO_OURS_POLL], net[FIO_KERNEL_IRQ]);
	}
	return err;
}
