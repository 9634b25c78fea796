// SPDX-License-Identifier: GPL-2.0-only
/* Memfds in pages of a chosen size; see the header. */
#include <errno.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/huge.h>

/* How much of the mapping at @memory is in pages of 2 MiB, or -1. */
static long long huge_bytes(const void *memory)
{
	FILE *file __fclose = fopen("/proc/self/smaps", "re");
	unsigned long long start, end, kib;
	bool ours = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &start, &end) == 2)
			ours = start <= (uintptr_t)memory && (uintptr_t)memory < end;
		else if (ours && sscanf(line, "ShmemPmdMapped: %llu kB", &kib) == 1)
			return kib << 10;
	}
	return -1;
}

/* Map a file at a multiple of @page, with what is left on either side given back. */
static void *map_aligned(int memfd, size_t bytes, size_t page)
{
	uint8_t *reserved = mmap(NULL, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *start;
	void *mapped;

	if (reserved == MAP_FAILED)
		return MAP_FAILED;
	start = (uint8_t *)(((uintptr_t)reserved + page - 1) / page * page);
	mapped = mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0);
	if (mapped == MAP_FAILED) {
		int err = errno;

		munmap(reserved, bytes + page);
		errno = err;
		return mapped;
	}
	if (start > reserved)
		munmap(reserved, start - reserved);
	munmap(start + bytes, page - (start - reserved));
	return mapped;
}

int huge_create(size_t page, size_t bytes, void **memory)
{
	const unsigned int flags = page == HUGE_1G ? MFD_HUGETLB | MFD_HUGE_1GB : 0;
	int memfd __close = memfd_create("flbench-huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (memfd < 0 || ftruncate(memfd, bytes))
		return -errno;
	*memory = map_aligned(memfd, bytes, page);
	if (*memory == MAP_FAILED) {
		*memory = NULL;
		return -errno;
	}
	if (page != HUGE_1G)
		madvise(*memory, bytes, page == HUGE_2M ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	for (size_t at = 0; at < bytes; at += page)
		((volatile uint8_t *)*memory)[at] = 0;
	if (page == HUGE_2M && huge_bytes(*memory) != (long long)bytes) {
		munmap(*memory, bytes);
		*memory = NULL;
		return -ENOMEM;
	}
	return take_fd(&memfd);
}
