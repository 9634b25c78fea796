// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios of the workload "fio" in which nothing crosses the kexec: each boot does it anew.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include <flbench/huge.h>
#include <flbench/pci.h>

#include "../agent/agent.h"
#include "../agent/fio_speed.h"
#include "../agent/system.h"
#include "scenarios.h"

/* ---- fio-translation: what an I/O costs, by how the device's addresses are translated ---- */

/*
 * Where the kernel's driver is measured: what the device's IOMMU group is of, NULL if there is to be
 * none; the controller has set the kernel's command line. Else the pages that VFIO maps.
 */
struct translation {
	const char *name;
	const char *type;
	const char *mapping;
};

static const struct translation translations[] = {
	{ "off", .type = NULL },
	{ "passthrough", .type = "identity" },
	{ "strict", .type = "DMA" },
	{ "lazy", .type = "DMA-FQ" },
	{ "vfio-4k", .mapping = "4k" },
	{ "vfio-2m", .mapping = "2m" },
	{ "vfio-1g", .mapping = "1g" },
	{ NULL }
};

static const struct translation *find_translation(const char *name)
{
	const struct translation *t = translations;

	while (t->name && strcmp(t->name, name))
		t++;
	return t->name ? t : NULL;
}

/* Units of VT-d; a mock of iommufd's may be there. */
static bool has_iommu(void)
{
	glob_t found = { 0 };
	bool any = !glob("/sys/class/iommu/dmar*", 0, NULL, &found);

	globfree(&found);
	return any;
}

/* Look at what the kernel made of its command line. */
static int check_translation(struct agent *a, const struct translation *t)
{
	char address[PCI_ADDRESS_SIZE], path[96], type[32] = "none";
	int err = fio_find(a, FIO_PEER, address);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/type", address);
	err = system_read(path, type, sizeof(type));
	if (err && err != -ENOENT)
		return world_problem(&a->w, err, "%s", path);
	if (!agent_check(a, "translation",
			 t->type ? !strcmp(type, t->type) : err == -ENOENT && !has_iommu(),
			 "the IOMMU group of %s is of type %s, with translation=%s it has to be %s",
			 address, type, t->name, t->type ?: "none, and no IOMMU in use"))
		return world_problem(&a->w, -EPROTO, "another translation than %s", t->name);
	return 0;
}

static int measure_translation(struct agent *a, const struct translation *t)
{
	char device[FIO_DEVICE_SIZE];
	struct fio_job job = { .device = device, .mapping = t->mapping };
	const enum fio_subject irq = t->mapping ? FIO_OURS_IRQ : FIO_KERNEL_IRQ;
	const enum fio_subject poll = t->mapping ? FIO_OURS_POLL : FIO_KERNEL_POLL;
	int err = fio_give(a, FIO_PEER, t->mapping, device);

	/* Else there are no such pages, and the engine says so. */
	if (t->mapping && !strcmp(t->mapping, "2m"))
		system_write(HUGE_SHMEM_ENABLED, "advise");
	if (!err)
		err = fio_warm_up(a, irq, job);
	if (!err)
		err = fio_speed(a, irq, job, NULL);
	if (!err)
		err = fio_speed(a, poll, job, NULL);
	return err;
}

int fio_translation_boot(struct agent *a)
{
	const struct translation *t = find_translation(a->c.translation);
	int err;

	if (!t)
		return agent_error(a, "translation",
				   world_problem(&a->w, -EINVAL, "translation=%s is unknown",
						 a->c.translation));
	event_stage(&a->log, "fio", true);
	err = t->mapping ? 0 : check_translation(a, t);
	if (!err)
		err = measure_translation(a, t);
	if (err)
		return agent_error(a, "fio", err);
	event_stage(&a->log, "fio", false);
	return 0;
}

/* ---- fio-jobs ---- */

/* Each with several jobs at once, and with what fio can check of them. */
int fio_jobs_boot(struct agent *a)
{
	static const char *const completions[] = { "poll", "irq" };
	char device[FIO_DEVICE_SIZE];
	/* Measured for the sake of time: a processor that halts would have a second pass in no time. */
	struct fio_job job = { .name = "jobs",
			       .device = device,
			       .mapping = a->c.fio_mapping,
			       .fault = a->c.fio_fault,
			       .measure = true };
	struct fio_figures figures;
	int err = fio_give(a, FIO_KEPT, true, device);

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
