/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where devices, processors and memory are in a machine, and what of it slows a run down or makes it
 * unsteady. How that is shown is left to command_topo.c.
 */
#ifndef FLBENCH_TOPOLOGY_H
#define FLBENCH_TOPOLOGY_H

#include <hwloc.h>

#include <flbench/pci.h>

struct pci_access;

/**
 * struct topology_device - a PCI device
 * @function: what sysfs says of it
 * @name: vendor and model
 * @os: what the system calls it ("nvme0n1", "eth0"), "" if nothing
 * @marked: a run is to use it
 */
struct topology_device {
	struct pci_function function;
	char name[128];
	char os[96];
	bool marked;
};

/**
 * struct topology_node - a NUMA node
 * @index: its number
 * @cpus: its processors, as a list, "" for none
 * @memory_bytes: its memory
 * @huge_pages: its huge pages, all sizes together, in bytes; -1 if the kernel has none at all
 * @huge_free: those that are free, in bytes
 */
struct topology_node {
	unsigned int index;
	char cpus[128];
	unsigned long long memory_bytes;
	long long huge_pages;
	long long huge_free;
};

/**
 * struct topology_unit - an IOMMU unit
 * @name: as in /sys/class/iommu
 * @devices: devices that it translates for
 */
struct topology_unit {
	char name[PCI_NAME_SIZE];
	size_t devices;
};

/**
 * struct topology - a machine
 * @hwloc: the same for hwloc, to draw it
 * @cpus: processors that this process may run on, as a list
 * @memory_nodes: nodes that its memory may come from, as a list
 * @devices: PCI devices in the order of their addresses
 * @nodes: NUMA nodes
 * @units: IOMMU units
 * @warnings: one line each: what, and what to do
 */
struct topology {
	hwloc_topology_t hwloc;
	char cpus[256];
	char memory_nodes[128];
	struct topology_device *devices;
	size_t nr_devices;
	struct topology_node *nodes;
	size_t nr_nodes;
	struct topology_unit *units;
	size_t nr_units;
	char **warnings;
	size_t nr_warnings;
};

/**
 * topology_load_hwloc() - have hwloc look at a root
 * @hwloc: filled in; to be destroyed if this returns 0
 * @sysroot: path of the root
 * @flags: of hwloc_topology_set_flags()
 * Return: 0 or a negative errno.
 */
int topology_load_hwloc(hwloc_topology_t *hwloc, const char *sysroot, unsigned long flags);

/**
 * pci_names_open() - have libpci's names of devices, without its looking at this machine
 * Return: for pci_lookup_name(), to be freed with pci_cleanup(); NULL without memory.
 */
struct pci_access *pci_names_open(void);

/**
 * topology_read() - look at a machine
 * @topology: filled in; to be freed with topology_free() also after an error
 * @sysfs: the root
 * @sysroot: its path, for hwloc
 * @marked: addresses of devices that a run is to use, as people write them
 * @nr_marked: how many; none: those that have the driver vfio-pci
 * @problem: one line, filled on failure
 * @size: bytes of @problem
 *
 * Device by device, only those that are marked are warned of; when none is, all but bridges.
 *
 * Return: 0; -EINVAL for an address that is none or that no device has; another negative errno.
 */
int topology_read(struct topology *topology, const struct sysfs *sysfs, const char *sysroot,
		  const char *const *marked, size_t nr_marked, char *problem, size_t size);

void topology_free(struct topology *topology);

#endif
