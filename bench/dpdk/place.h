/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a port's processors and memory should be: its NUMA node, by hwloc for a PCI device, else the
 * node that this process runs on (libnuma). DPDK is not asked: it has to be told before it starts.
 */
#ifndef FLBENCH_DPDK_PLACE_H
#define FLBENCH_DPDK_PLACE_H

#include <stddef.h>
#include <stdint.h>

/**
 * place_node - the NUMA node of a port
 * @port: address of a PCI device (domain:bus:device.function), or any other name
 *
 * Return: the node, 0 to 63.
 */
int place_node(const char *port);

/**
 * place_lcores - processors of a NUMA node, at first one of each core
 * @node: the node
 * @nr: how many are wanted; there may be fewer
 * @list: where they go, as numbers with commas between
 * @size: bytes of @list
 *
 * Only those that this process may run on; all of those, if none is in the node.
 *
 * Return: how many they are, or a negative errno.
 */
int place_lcores(int node, unsigned int nr, char *list, size_t size);

/**
 * place_memory - what DPDK's --socket-mem is to say
 * @nodes: a bit for each node that gets memory
 * @mib: how much each of them gets
 * @list: where it goes
 * @size: bytes of @list
 *
 * Return: 0 or -ENOSPC.
 */
int place_memory(uint64_t nodes, unsigned int mib, char *list, size_t size);

#endif
