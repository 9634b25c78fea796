// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios of the workload "fio": what an I/O costs through our driver and through the kernel's, on
 * the same device, one after the other in the same boot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <flbench/pci.h>

#include "../agent/agent.h"
#include "../agent/clock.h"
#include "../agent/dma.h"
#include "../agent/fio.h"
#include "scenarios.h"

#define NVME_VENDOR 0x1b36
#define NVME_DEVICE 0x0010
#define BLOCK_DEVICE "/dev/nvme0n1"
/* What a start of fio costs is in both runs alike: the difference is that of the I/Os alone. */
#define FEW 1000u
#define MANY 5000u
#define WAIT_MS 10000

/* The target: at most 1/0.9 of the instructions of the kernel's driver. */
#define TARGET_OURS 9u
#define TARGET_KERNEL 10u

enum variant { OURS_POLL, OURS_IRQ, KERNEL_POLL, KERNEL_IRQ, VARIANTS };

/* Each has a job file in bench/fio/jobs. */
static const char *const names[VARIANTS] = {
	[OURS_POLL] = "ours-poll",
	[OURS_IRQ] = "ours-irq",
	[KERNEL_POLL] = "kernel-poll",
	[KERNEL_IRQ] = "kernel-irq",
};

static const char *const metrics[VARIANTS] = {
	[OURS_POLL] = "fio_ours_poll",
	[OURS_IRQ] = "fio_ours_irq",
	[KERNEL_POLL] = "fio_kernel_poll",
	[KERNEL_IRQ] = "fio_kernel_irq",
};

static bool is_ours(enum variant v)
{
	return v == OURS_POLL || v == OURS_IRQ;
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

/* Have vfio-pci take the device, which fills in @address, or its own driver. */
static int give_device(struct agent *a, char *address, bool ours)
{
	int err = ours ? dma_take(NVME_VENDOR, NVME_DEVICE, 0, address) : release(address);

	for (int ms = 0; !err && !ours && access(BLOCK_DEVICE, F_OK); ms += 10) {
		if (ms >= WAIT_MS)
			err = -ETIMEDOUT;
		usleep(10000);
	}
	return err ? world_problem(&a->w, err, "giving %s to %s", address,
				   ours ? "vfio-pci" : "the kernel's NVMe driver") :
		     0;
}

/*
 * For each I/O, rounded. Raw is all that was executed, the idle process apart; off that come the
 * polls that found nothing, where the engine tells them.
 */
static int measure(struct agent *a, const char *address, enum variant v, uint64_t *net)
{
	struct fio_figures few = { 0 }, many = { 0 };
	int64_t raw, empty;
	char name[64];
	struct fio_job job = { .name = names[v],
			       .address = address,
			       .ios = FEW,
			       .mapping = a->c.fio_mapping,
			       .measure = true };
	int err = fio_run(a, &job, &few);

	job.ios = MANY;
	if (!err)
		err = fio_run(a, &job, &many);
	if (err)
		return err;
	if (few.ios != FEW || many.ios != MANY)
		return world_problem(&a->w, -EIO, "fio %s did %llu and %llu I/Os, not %u and %u",
				     names[v], (unsigned long long)few.ios,
				     (unsigned long long)many.ios, FEW, MANY);
	raw = (int64_t)(many.total - many.idle) - (int64_t)(few.total - few.idle);
	empty = (int64_t)many.empty - (int64_t)few.empty;
	if (raw <= empty && v != KERNEL_POLL)
		return world_problem(&a->w, -EPROTO, "fio %s: more I/Os cost nothing more",
				     names[v]);
	*net = (raw - empty) / (MANY - FEW);
	snprintf(name, sizeof(name), "%s_raw", metrics[v]);
	/* With polls in it, which may have been more with fewer I/Os: then there is no number. */
	if (raw > 0)
		agent_metric_ticks(a, name, raw / (MANY - FEW));
	if (v == OURS_POLL)
		event_metric(&a->log, &a->c, "fio_ours_empty_polls", "polls",
			     many.empty_polls > few.empty_polls ?
				     many.empty_polls - few.empty_polls :
				     0);
	/* Polls inside of the kernel cannot be told apart. */
	if (v != KERNEL_POLL)
		agent_metric_ticks(a, metrics[v], *net);
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

int fio_speed_boot(struct agent *a)
{
	char address[PCI_ADDRESS_SIZE] = "the controller";
	uint64_t net[VARIANTS] = { 0 };
	int err = 0;

	event_stage(&a->log, "fio", true);
	for (enum variant v = 0; !err && v < VARIANTS; v++) {
		err = give_device(a, address, is_ours(v));
		if (!err)
			err = measure(a, address, v, &net[v]);
	}
	if (err)
		return agent_error(a, "fio", err);
	event_stage(&a->log, "fio", false);
	if (a->c.instructions) {
		judge(a, "fio-irq", net[OURS_IRQ], net[KERNEL_IRQ]);
		judge(a, "fio-poll", net[OURS_POLL], net[KERNEL_IRQ]);
	}
	return 0;
}

/* Each with several jobs at once, and with what fio can check of them. */
int fio_jobs_boot(struct agent *a)
{
	static const char *const completions[] = { "poll", "irq" };
	char address[PCI_ADDRESS_SIZE] = "the controller";
	/* Measured for the sake of time: a processor that halts would have a second pass in no time. */
	struct fio_job job = { .name = "jobs",
			       .address = address,
			       .mapping = a->c.fio_mapping,
			       .fault = a->c.fio_fault,
			       .measure = true };
	struct fio_figures figures;
	int err = give_device(a, address, true);

	event_stage(&a->log, "fio", true);
	for (size_t i = 0; !err && i < 2; i++) {
		job.completion = completions[i];
		err = fio_run(a, &job, &figures);
		if (!err)
			agent_check(
				a, i ? "fio-jobs-irq" : "fio-jobs-poll", true,
				"%llu I/Os of four jobs, %llu of them reads, without an error; what three of them wrote was read back and is right",
				(unsigned long long)figures.ios, (unsigned long long)figures.reads);
	}
	if (err)
		return agent_error(a, "fio-jobs", err);
	event_stage(&a->log, "fio", false);
	return 0;
}

/* Nothing of these crosses the kexec: each boot does it anew. */
int fio_boot_preserve(struct agent *a)
{
	return 0;
}
