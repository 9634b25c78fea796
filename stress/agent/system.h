/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine under the agent: mounts, kexec, power, and the places where the kernel says how it
 * is.
 */
#ifndef FLBENCH_AGENT_SYSTEM_H
#define FLBENCH_AGENT_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_CGROUPS "/run/cgroup"
#define SYSTEM_CGROUP SYSTEM_CGROUPS "/flbench"

/**
 * system_mount - mount what an init process mounts
 *
 * Return: 0 or a negative errno.
 */
int system_mount(void);

/**
 * system_read - read a small file, of /proc and the like
 * @path: the file
 * @text: where its text goes, without a final newline
 * @size: bytes of @text
 *
 * Return: 0 or a negative errno; -EFBIG when it does not fit.
 */
int system_read(const char *path, char *text, size_t size);

/**
 * system_write - write a word to a control file
 * @path: the file
 * @word: the word
 *
 * Return: 0 or a negative errno.
 */
int system_write(const char *path, const char *word);

/**
 * system_kexec_load - load the next kernel, with the initrd that this one was started with, and
 * this one's command line
 * @kernel: image
 * @append: more words for its command line, or ""
 *
 * The initrd is the one kept under /sys/firmware (retain_initrd), so the next kernel needs no disk.
 *
 * Return: 0 or a negative errno.
 */
int system_kexec_load(const char *kernel, const char *append);

/**
 * system_kexec - jump to the loaded kernel
 *
 * Return: only when it was refused, a negative errno.
 */
int system_kexec(void);

/**
 * system_power_off - end; does not return
 */
void system_power_off(void) __attribute__((noreturn));

/**
 * struct system_memory - how full the memory is
 * @available_bytes: MemAvailable
 * @slab_bytes: Slab
 * @unreclaimable_bytes: SUnreclaim
 * @unevictable_bytes: Unevictable
 * @shmem_bytes: Shmem
 * @iommu_bytes: pages that IOMMU drivers hold (nr_iommu_pages)
 */
struct system_memory {
	uint64_t available_bytes;
	uint64_t slab_bytes;
	uint64_t unreclaimable_bytes;
	uint64_t unevictable_bytes;
	uint64_t shmem_bytes;
	uint64_t iommu_bytes;
};

/**
 * system_memory_read - ask how full the memory is
 * @memory: the answer
 *
 * Return: 0 or a negative errno.
 */
int system_memory_read(struct system_memory *memory);

/**
 * system_key - find "key value" in a file of such lines
 * @path: the file
 * @key: the key, without a colon that may follow it
 * @value: the number behind it
 *
 * Return: 0; -ENOENT when there is no such file or key.
 */
int system_key(const char *path, const char *key, uint64_t *value);

/**
 * system_cgroup_enter - let what is allocated from now on be charged to a memory cgroup of its own
 *
 * Its files are in SYSTEM_CGROUP. It is as it should be if it is there already.
 *
 * Return: 0 or a negative errno.
 */
int system_cgroup_enter(void);

/**
 * system_cgroup_leave - go back to the first cgroup, which nothing is charged to
 *
 * Return: 0 or a negative errno.
 */
int system_cgroup_leave(void);

/**
 * system_complaint - look for a complaint in a line of the kernel's log
 * @line: the line
 *
 * Return: true for a warning with a trace, a bug, a stall, a report of a debugging aid.
 */
bool system_complaint(const char *line);

/**
 * system_expect_allocation_failures - from now on, a report of a failed allocation is no complaint
 */
void system_expect_allocation_failures(void);

/**
 * system_log_complaints - look through the kernel's log since the last call (at first: since the
 * boot)
 * @first: where the first complaint goes
 * @size: bytes of @first
 *
 * Return: number of complaints, or a negative errno.
 */
int system_log_complaints(char *first, size_t size);

/**
 * system_kmemleak - let kmemleak scan, twice, and read its report
 * @first: where the first line of it goes
 * @size: bytes of @first
 *
 * Return: number of reports; -ENOENT when the kernel has no kmemleak, or another negative errno.
 */
int system_kmemleak(char *first, size_t size);

#endif
