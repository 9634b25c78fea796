/* SPDX-License-Identifier: GPL-2.0-only */
/* Memfds in pages of a chosen size, for memory that is shared with a device. */
#ifndef FLBENCH_HUGE_H
#define FLBENCH_HUGE_H

#include <stddef.h>

#define HUGE_4K ((size_t)4096)
#define HUGE_2M ((size_t)2 << 20)
#define HUGE_1G ((size_t)1 << 30)

/* Has to say "advise" or more before a memfd can be in pages of 2 MiB. */
#define HUGE_SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/**
 * huge_create - make a memfd and map it, in pages of one size
 * @page: HUGE_4K, HUGE_2M (transparent), or HUGE_1G (of hugetlb, which has to have them)
 * @bytes: how much, a multiple of @page
 * @memory: where it is mapped, at a multiple of @page; to be unmapped with munmap()
 *
 * All of it is there, and zero. It can be sealed.
 *
 * Return: a file descriptor; -ENOMEM when there are no such pages, or another negative errno.
 */
int huge_create(size_t page, size_t bytes, void **memory);

#endif
