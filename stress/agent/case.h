/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent is to do: the case file that the controller writes. What the words mean is up to
 * those who act on them.
 */
#ifndef FLBENCH_AGENT_CASE_H
#define FLBENCH_AGENT_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum case_fault {
	CASE_FAULT_NONE,
	CASE_FAULT_PANIC,
	CASE_FAULT_HANG,
	CASE_FAULT_EXIT,
};

/**
 * struct agent_case - one case
 * @name: its name
 * @iommu: kind of device
 * @scenario: what to do, a name from the table of scenarios
 * @kernel: image that the agent loads for the next boot
 * @next_kernel: image for the 1st, 3rd, 5th... kexec, or "" to use @kernel for all
 * @next_append: words that kernels which are jumped to get besides, or ""
 * @cycles: kexecs to do
 * @domains: preserved domains
 * @devices: devices, attached to the domains in turn
 * @iommufds: iommufds that the domains are spread over
 * @mappings: mappings in each domain
 * @marked: percent of the domains that are marked to be preserved
 * @large: GiB that are mapped in small pages, for a scenario that does
 * @pages: pages that the kernel preserves by itself, 0 if the scenario has none
 * @nodes: NUMA nodes that it has
 * @layout: where the pages lie
 * @method: how they are preserved
 * @fio_mapping: pages of the memory that fio's device sees: "4k", "2m", "1g"
 * @fio_measure: what an I/O costs is measured in each kernel: "none", "domains", "all"
 * @translation: scenario fio-translation: mode of the IOMMU, or pages that VFIO maps
 * @fio_fault: what to do on purpose to a command that is in flight, or "none"
 * @dpdk_fault: what DPDK is to do wrong to a frame beside another workload, or "none"
 * @seed: of every random choice
 * @preserve: false: the same loop, but nothing except the agent's own state crosses the kexec
 * @instructions: the clock counts instructions (icount); false: nanoseconds
 * @workload: kind of devices and what they do
 * @ring: descriptors of a network card's ring, for workloads that have one
 * @edu_bridge: the edu that is preserved is the one behind a bridge
 * @kmemleak: scan in each cycle
 * @kunit: report the KUnit results of the first boot
 * @precision: end before all @cycles are done when half of the 95 % confidence interval of the mean of
 *	each main metric is at most so many percent of it; 0: do all of them
 * @slowdown: for tests: have the step "preserve" take so many percent longer than it does
 * @fault: what to do on purpose in cycle @fault_cycle
 * @fault_cycle: when
 */
struct agent_case {
	char name[128];
	char iommu[16];
	char scenario[64];
	char workload[16];
	char kernel[256];
	char next_kernel[256];
	char next_append[192];
	uint32_t cycles;
	uint32_t domains;
	uint32_t devices;
	uint32_t iommufds;
	uint32_t mappings;
	uint32_t ring;
	uint32_t marked;
	uint32_t large;
	uint32_t pages;
	uint32_t nodes;
	char layout[16];
	char method[16];
	char fio_mapping[16];
	char fio_measure[16];
	char translation[16];
	char fio_fault[16];
	char dpdk_fault[16];
	uint64_t seed;
	bool preserve;
	bool instructions;
	bool edu_bridge;
	bool kmemleak;
	bool kunit;
	double precision;
	double slowdown;
	enum case_fault fault;
	uint32_t fault_cycle;
};

/**
 * case_parse - read a case from text
 * @text: JSON
 * @c: where it goes
 * @error: one line that says what is wrong and where
 * @size: bytes of @error
 *
 * Return: 0; -EINVAL for a malformed case, with @error set.
 */
int case_parse(const char *text, struct agent_case *c, char *error, size_t size);

/**
 * case_load - read a case from a file
 * @path: the file
 * @c: where it goes
 * @error: one line that says what is wrong and where
 * @size: bytes of @error
 *
 * Return: 0 or a negative errno, with @error set.
 */
int case_load(const char *path, struct agent_case *c, char *error, size_t size);

#endif
