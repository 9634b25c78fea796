// SPDX-License-Identifier: GPL-2.0-only
/* Processors and memory near a port; see the header. */
#include <errno.h>
#include <hwloc.h>
#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "place.h"

static int load(hwloc_topology_t *topology)
{
	int err = hwloc_topology_init(topology);

	if (err)
		return -ENOMEM;
	hwloc_topology_set_io_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	err = hwloc_topology_load(*topology) ? -EIO : 0;
	if (err)
		hwloc_topology_destroy(*topology);
	return err;
}

int place_node(const char *port)
{
	hwloc_topology_t topology;
	hwloc_obj_t device;
	int node = numa_available() < 0 ? 0 : numa_node_of_cpu(sched_getcpu());

	if (node < 0)
		node = 0;
	if (load(&topology))
		return node;
	device = hwloc_get_pcidev_by_busidstring(topology, port);
	if (device) {
		hwloc_obj_t near = hwloc_get_non_io_ancestor_obj(topology, device);

		if (near && near->nodeset && hwloc_bitmap_first(near->nodeset) >= 0)
			node = hwloc_bitmap_first(near->nodeset);
	}
	hwloc_topology_destroy(topology);
	return node < 64 ? node : 0;
}

static int append(char *list, size_t size, unsigned int number)
{
	size_t length = strlen(list);
	int n = snprintf(list + length, size - length, "%s%u", length ? "," : "", number);

	return n < 0 || (size_t)n >= size - length ? -ENOSPC : 0;
}

/* The processors of @set, the @nth one of each core. Return: how many were taken, or -ENOSPC. */
static int take(hwloc_topology_t topology, hwloc_const_cpuset_t set, unsigned int nth,
		unsigned int nr, char *list, size_t size)
{
	unsigned int taken = 0;
	hwloc_obj_t pu = NULL;
	int err = 0;

	while (taken < nr && !err &&
	       (pu = hwloc_get_next_obj_inside_cpuset_by_type(topology, set, HWLOC_OBJ_PU, pu))) {
		/* A processor that is no core's (a virtual machine may say so) is its own. */
		hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
		unsigned int which = core ? pu->sibling_rank : 0;

		if (which != nth)
			continue;
		err = append(list, size, pu->os_index);
		taken += !err;
	}
	return err ? err : (int)taken;
}

int place_lcores(int node, unsigned int nr, char *list, size_t size)
{
	hwloc_topology_t topology;
	hwloc_cpuset_t set = hwloc_bitmap_alloc(), mine = hwloc_bitmap_alloc();
	hwloc_obj_t memory;
	int taken = 0, found = 0, err = set ? load(&topology) : -ENOMEM;

	*list = '\0';
	if (err)
		goto out;
	memory = hwloc_get_numanode_obj_by_os_index(topology, node);
	hwloc_bitmap_copy(set,
			  memory ? memory->cpuset : hwloc_topology_get_allowed_cpuset(topology));
	if (mine && hwloc_topology_is_thissystem(topology) &&
	    !hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_PROCESS)) {
		if (hwloc_bitmap_intersects(set, mine))
			hwloc_bitmap_and(set, set, mine);
		else
			hwloc_bitmap_copy(set, mine);
	}
	/* A core's second thread shares what the first one is to measure: those come last. */
	for (unsigned int nth = 0; nth < 8 && taken < (int)nr && found >= 0; nth++) {
		found = take(topology, set, nth, nr - taken, list, size);
		taken += found > 0 ? found : 0;
	}
	hwloc_topology_destroy(topology);
	err = found < 0 ? found : taken ? 0 : -ENODEV;
out:
	hwloc_bitmap_free(set);
	hwloc_bitmap_free(mine);
	return err ? err : taken;
}

int place_memory(uint64_t nodes, unsigned int mib, char *list, size_t size)
{
	int err = 0;

	*list = '\0';
	for (; !err && nodes; nodes >>= 1)
		err = append(list, size, nodes & 1 ? mib : 0);
	return err;
}
