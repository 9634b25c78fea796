// SPDX-License-Identifier: GPL-2.0-only
/* The table of workloads, and the one with mock devices; see workload.h. */
#include <string.h>

#include <flbench/mock.h>
#include <flbench/workload.h>

#include "agent.h"

static int none_begin(struct agent *a)
{
	a->w.ops = &mock_device_ops;
	return world_init(&a->w);
}

static int none_set_up(struct agent *a)
{
	int err = world_create_memory(&a->w);

	if (err)
		return err;
	world_sign(&a->w, a->log.cycle);
	return world_create(&a->w);
}

static int none_sign(struct agent *a)
{
	world_sign(&a->w, a->log.cycle + 1);
	return world_keys(&a->w, a->state->keys);
}

static int none_mark(struct agent *a)
{
	return world_mark(&a->w);
}

static int none_preserve_memory(struct agent *a)
{
	return world_preserve_memory(&a->w, a->session);
}

static int none_preserve(struct agent *a)
{
	return world_preserve(&a->w, a->session);
}

static int none_immutable(struct agent *a)
{
	return world_check_immutable(&a->w);
}

static int none_retrieve_memory(struct agent *a)
{
	return world_retrieve_memory(&a->w, a->session);
}

static int none_retrieve(struct agent *a)
{
	int err = world_retrieve_iommufds(&a->w, a->session);

	return err ? err : world_retrieve_domains(&a->w);
}

static int none_restore_devices(struct agent *a)
{
	return world_restore_devices(&a->w, a->state->keys);
}

static int none_verify(struct agent *a)
{
	return world_verify(&a->w);
}

static int none_rebuild(struct agent *a)
{
	return world_rebuild(&a->w);
}

static int none_adopt(struct agent *a)
{
	return world_adopt(&a->w);
}

static int none_remap(struct agent *a)
{
	return world_remap(&a->w, a->log.cycle);
}

static uint64_t none_memory_bytes(const struct agent *a)
{
	return (uint64_t)a->c.domains * LAYOUT_SLOT_SIZE;
}

const struct workload workload_none = {
	.name = "none",
	.verified =
		"every mapping leads to its pages with their bytes, holes fault, read-only is read-only",
	.remapped = "map, unmap and map again",
	.begin = none_begin,
	.set_up = none_set_up,
	.sign = none_sign,
	.mark = none_mark,
	.preserve_memory = none_preserve_memory,
	.preserve = none_preserve,
	.immutable = none_immutable,
	.retrieve_memory = none_retrieve_memory,
	.retrieve = none_retrieve,
	.restore_devices = none_restore_devices,
	.verify = none_verify,
	.rebuild = none_rebuild,
	.adopt = none_adopt,
	.remap = none_remap,
	.memory_bytes = none_memory_bytes,
};

const struct workload *workload_find(const char *name)
{
	static const struct workload *const workloads[] = { &workload_none, &workload_dma,
							     &workload_fio, &workload_dpdk };

	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (workload_begins(name, workloads[i]->name))
			return workloads[i];
	return NULL;
}
