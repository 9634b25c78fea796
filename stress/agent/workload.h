/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is set up, preserved, taken over and looked at in a cycle: the operations of the stage machine
 * that depend on the kind of devices. "none" has mock devices, by the thousand (world.h); "dma" has
 * an edu, an NVMe controller and a network card that do DMA all the time (dma.h); "fio" has the
 * NVMe controller alone, for fio; "dpdk" has two network cards that belong to programs, and preserves
 * nothing. It may also stand beside "dma" or "fio": dpdk_beside.c.
 */
#ifndef FLBENCH_AGENT_WORKLOAD_H
#define FLBENCH_AGENT_WORKLOAD_H

#include <stdint.h>

struct agent;

/**
 * struct workload - a row for each
 * @name: as in the case file
 * @verified: what a pass of @verify means
 * @remapped: what a pass of @remap means
 * @metrics: its main metrics without unit, NULL behind the last: a case with "precision" ends when they are
 *	precise enough; NULL: those of the loop
 * @begin: with the case read: make room
 * @arrive: optional; in a kernel that was jumped to, as soon as the agent's state is known
 * @set_up: in a kernel that has nothing yet: memory, domains, devices
 * @sign: optional; before preserving: renew the contents, note what the next kernel needs
 * @mark: mark the domains
 * @preserve_memory: put the memory into the session
 * @preserve: put the iommufds and the devices' files into it
 * @immutable: prove that what is preserved cannot be changed
 * @depart: optional; what has to be under way when the kernel jumps, just before it does
 * @retrieve_memory: the memory back from the session
 * @retrieve: the iommufds and domains
 * @restore_devices: the devices, attached to the domains
 * @verify: prove that DMA arrives where it should, and nowhere else
 * @rebuild: the IOAS anew
 * @adopt: let the IOAS have the domains
 * @remap: prove that the domains can be changed
 * @work: what is set up does something for a while; adds to *@done how much
 * @work_metric: name of a metric for that
 * @work_unit: its unit
 * @settle: optional; when the session is finished: account for all that happened
 * @measure: optional; when the kernel's cycle is complete: what can be measured beside it
 * @memory_bytes: size of the memory
 *
 * Each returns 0, or a negative errno with the words in world.problem.
 */
struct workload {
	const char *name;
	const char *verified;
	const char *remapped;
	const char *const *metrics;
	int (*begin)(struct agent *a);
	int (*arrive)(struct agent *a);
	int (*set_up)(struct agent *a);
	int (*sign)(struct agent *a);
	int (*mark)(struct agent *a);
	int (*preserve_memory)(struct agent *a);
	int (*preserve)(struct agent *a);
	int (*immutable)(struct agent *a);
	int (*depart)(struct agent *a);
	int (*retrieve_memory)(struct agent *a);
	int (*retrieve)(struct agent *a);
	int (*restore_devices)(struct agent *a);
	int (*verify)(struct agent *a);
	int (*rebuild)(struct agent *a);
	int (*adopt)(struct agent *a);
	int (*remap)(struct agent *a);
	int (*work)(struct agent *a, uint64_t *done);
	const char *work_metric;
	const char *work_unit;
	int (*settle)(struct agent *a);
	int (*measure)(struct agent *a);
	uint64_t (*memory_bytes)(const struct agent *a);
};

extern const struct workload workload_none, workload_dma;
extern const struct workload workload_fio, workload_dpdk;

/**
 * workload_find - look a workload up
 * @name: its name; of two parts the first counts
 *
 * Return: the workload or NULL.
 */
const struct workload *workload_find(const char *name);

/*
 * DPDK beside another workload, in the order of a cycle. Each returns 0, also where there is none, or
 * a negative errno after it has reported the error.
 */
/* In each kernel before all else: DPDK is started anew and moves frames. */
int dpdk_beside_begin(struct agent *a);
/* When the other workload stands: against testpmd, and both at once. */
int dpdk_beside_work(struct agent *a);
/* Before and after the last that the other one does before the jump: DPDK goes on until that ends it. */
int dpdk_beside_go(struct agent *a);
int dpdk_beside_goes_on(struct agent *a);

#endif
