// SPDX-License-Identifier: GPL-2.0-only
/* Physical addresses from /proc/self/pagemap; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/physical.h>

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME ((1ull << 55) - 1)

int physical_address(const void *memory, uint64_t *address)
{
	int fd __close = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t page = sysconf(_SC_PAGESIZE), entry;
	ssize_t n;

	/* A page that came from the previous kernel is in no page table of ours until it is touched. */
	(void)*(const volatile char *)memory;
	if (fd < 0)
		return -errno;
	n = pread(fd, &entry, sizeof(entry), (uintptr_t)memory / page * sizeof(entry));
	if (n != sizeof(entry))
		return n < 0 ? -errno : -ENXIO;
	if (!(entry & PAGEMAP_PRESENT))
		return -ENXIO;
	if (!(entry & PAGEMAP_FRAME))
		return -EPERM;
	*address = (entry & PAGEMAP_FRAME) * page + (uintptr_t)memory % page;
	return 0;
}
