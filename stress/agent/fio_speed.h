/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a random read of 4 KiB costs by fio, 32 at a time: through our driver and through the kernel's,
 * over this domain or that one. The disks that are read are not slowed down.
 */
#ifndef FLBENCH_AGENT_FIO_SPEED_H
#define FLBENCH_AGENT_FIO_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#include "fio.h"

/* "0000:00:03.0" or "/dev/nvme0n1" */
#define FIO_DEVICE_SIZE 32

/** enum fio_controller - controllers of the machine, in the order of their addresses */
enum fio_controller {
	FIO_KEPT,
	FIO_PEER,
};

/** enum fio_subject - what is measured; each has a job file and a metric */
enum fio_subject {
	FIO_OURS_POLL,
	FIO_OURS_IRQ,
	FIO_KERNEL_POLL,
	FIO_KERNEL_IRQ,
};

/**
 * fio_find - find a controller
 * @a: the agent
 * @which: which one
 * @address: where its PCI address goes, of PCI_ADDRESS_SIZE bytes
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_find(struct agent *a, enum fio_controller which, char *address);

/**
 * fio_give - have vfio-pci or the kernel's NVMe driver take a controller
 * @a: the agent
 * @which: which one
 * @ours: vfio-pci
 * @device: what fio is to open, of FIO_DEVICE_SIZE bytes
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_give(struct agent *a, enum fio_controller which, bool ours, char *device);

/**
 * fio_warm_up - read a little, and measure nothing
 * @a: the agent
 * @subject: what is to be measured next
 * @job: as for fio_speed()
 *
 * The first fio on a controller that has just got another driver costs something else than those behind it.
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_warm_up(struct agent *a, enum fio_subject subject, struct fio_job job);

/**
 * fio_speed - measure what an I/O costs
 * @a: the agent; gets the metrics
 * @subject: what
 * @job: where: device, mapping, descriptors; the rest is filled in here
 * @net: set to ticks for an I/O without waiting, 0 where that cannot be told; may be NULL
 *
 * Two runs of fio with another number of I/Os each: the difference is that of I/Os alone. Where time
 * is measured, bytes a second are reported as well.
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_speed(struct agent *a, enum fio_subject subject, struct fio_job job, uint64_t *net);

/**
 * fio_series - read, and tell the throughput interval by interval
 * @a: the agent; gets the series
 * @job: where, as for fio_domain()
 * @after: a jump; else before the next one
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_series(struct agent *a, struct fio_job job, bool after);

/**
 * fio_domain - measure what an I/O costs over one domain, on the controller that is kept
 * @a: the agent
 * @metric: gets that
 * @job: device and descriptors; the rest is filled in here
 *
 * Our engine counts what is no waiting by itself, so that one run is enough, and starts of fio and what
 * interrupts the waiting are not in it: two domains are to be compared within a percent.
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_domain(struct agent *a, const char *metric, struct fio_job job);

/**
 * fio_peers - measure both drivers, polled and with interrupts, on the controller that is not kept
 * @a: the agent; gets the checks that compare them
 *
 * Return: 0, or a negative errno with world.problem set.
 */
int fio_peers(struct agent *a);

#endif
