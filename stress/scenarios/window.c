// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios about the window between retrieve and adoption, when devices may write to memory that
 * no IOAS pins. Each does to the preserved memory what would move or free it, and to a control
 * memfd of the same kind, which shows that it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "../agent/agent.h"
#include "../agent/system.h"
#include "scenarios.h"

#define CONTROL_BYTES (4u << 20)
#define SWAP_DEVICE "/dev/ram0"

/*
 * Fill memory that is free now with other bytes: what was freed by mistake does not keep its
 * contents.
 */
static void scribble(void)
{
	struct system_memory memory;
	size_t size;
	char *junk;

	if (system_memory_read(&memory))
		return;
	size = memory.available_bytes / 4 * 3;
	junk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (junk == MAP_FAILED)
		return;
	for (size_t i = 0; i < size; i += LAYOUT_PAGE_SIZE)
		memset(junk + i, 0xa5, 64);
	munmap(junk, size);
}

/* A memfd that nobody preserved; returns its memory, or NULL. */
static char *control_create(int *fd)
{
	char *memory;

	*fd = memfd_create("control", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, CONTROL_BYTES))
		return NULL;
	memory = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	memset(memory, 0x5a, CONTROL_BYTES);
	return memory;
}

/* Physical page behind an address, 0 if there is none. */
static uint64_t page_frame(int pagemap, const void *address)
{
	uint64_t entry = 0;

	if (pread(pagemap, &entry, sizeof(entry),
		  (uintptr_t)address / LAYOUT_PAGE_SIZE * sizeof(entry)) != sizeof(entry))
		return 0;
	return entry >> 63 ? entry & ((1ull << 55) - 1) : 0;
}

struct frames {
	uint64_t *frame;
	size_t nr;
};

static int frames_read(struct frames *f, int pagemap, const char *memory, size_t size)
{
	f->nr = size / LAYOUT_PAGE_SIZE;
	f->frame = calloc(f->nr, sizeof(*f->frame));
	if (!f->frame)
		return -ENOMEM;
	for (size_t i = 0; i < f->nr; i++) {
		/* Touch it, so that it is mapped here. */
		*(volatile const char *)(memory + i * LAYOUT_PAGE_SIZE);
		f->frame[i] = page_frame(pagemap, memory + i * LAYOUT_PAGE_SIZE);
	}
	return 0;
}

static size_t frames_moved(const struct frames *f, int pagemap, const char *memory)
{
	size_t moved = 0;

	for (size_t i = 0; i < f->nr; i++) {
		*(volatile const char *)(memory + i * LAYOUT_PAGE_SIZE);
		moved += f->frame[i] != page_frame(pagemap, memory + i * LAYOUT_PAGE_SIZE);
	}
	return moved;
}

/* Every second page of a lot of memory is given back, which leaves something to compact. */
static char *fragment(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < size; i += LAYOUT_PAGE_SIZE)
		memory[i] = 1;
	for (size_t i = 0; i < size; i += 2 * LAYOUT_PAGE_SIZE)
		madvise(memory + i, LAYOUT_PAGE_SIZE, MADV_DONTNEED);
	return memory;
}

/*
 * Run @disturb, and compare where the pages lie before and after: ours must not move, the control
 * shows whether anything would.
 */
static int disturb_and_compare(struct agent *a, const char *what,
			       void (*disturb)(struct agent *a, char *control))
{
	size_t size = (size_t)a->w.domains * LAYOUT_SLOT_SIZE;
	int pagemap __close = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int control_fd __close = -1;
	char *control = control_create(&control_fd);
	struct frames ours = { 0 }, theirs = { 0 };
	size_t moved;
	int err;

	if (pagemap < 0 || !control)
		return agent_error(a, what, world_problem(&a->w, -errno, "a control for %s", what));
	err = frames_read(&ours, pagemap, a->w.memory, size);
	if (!err)
		err = frames_read(&theirs, pagemap, control, CONTROL_BYTES);
	if (!err) {
		disturb(a, control);
		moved = frames_moved(&ours, pagemap, a->w.memory);
		agent_check(a, "pages-stay", !moved,
			    "%s: %zu of %zu preserved pages moved; of the control %zu of %zu", what,
			    moved, ours.nr, frames_moved(&theirs, pagemap, control), theirs.nr);
		scribble();
	}
	free(ours.frame);
	free(theirs.frame);
	munmap(control, CONTROL_BYTES);
	return err ? agent_error(a, what, err) : agent_verify(a, "translate-window");
}

static void compact(struct agent *a, char *control)
{
	const size_t size = 64u << 20;
	char *memory = fragment(size);
	int err = system_write("/proc/sys/vm/compact_memory", "1");

	(void)control;
	if (err)
		agent_check(a, "compact", false, "/proc/sys/vm/compact_memory: %s", strerror(-err));
	if (memory)
		munmap(memory, size);
}

int window_compaction(struct agent *a)
{
	return disturb_and_compare(a, "compaction", compact);
}

/* What mkswap(8) writes: version, last page, and a signature at the end of the first page. */
static int make_swap(const char *device)
{
	int fd __close = open(device, O_RDWR | O_CLOEXEC);
	char page[LAYOUT_PAGE_SIZE] = { 0 };
	uint32_t header[2] = { 1, 0 };
	off_t size;

	if (fd < 0)
		return -errno;
	size = lseek(fd, 0, SEEK_END);
	if (size < 16 * (off_t)sizeof(page))
		return -ENOSPC;
	header[1] = size / sizeof(page) - 1;
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + sizeof(page) - 10, "SWAPSPACE2", 10);
	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page) || fsync(fd))
		return -EIO;
	return swapon(device, 0) ? -errno : 0;
}

static void page_out(struct agent *a, char *control)
{
	madvise(control, CONTROL_BYTES, MADV_PAGEOUT);
	madvise(a->w.memory, (size_t)a->w.domains * LAYOUT_SLOT_SIZE, MADV_PAGEOUT);
}

int window_swap(struct agent *a)
{
	uint64_t total = 0, free_before = 0, free_after = 0;
	int err = make_swap(SWAP_DEVICE);

	if (err) {
		event_check(&a->log, "swap", "skip", "%s cannot be swapped to: %s", SWAP_DEVICE,
			    strerror(-err));
		return 0;
	}
	system_key("/proc/meminfo", "SwapTotal", &total);
	system_key("/proc/vmstat", "pswpout", &free_before);
	err = disturb_and_compare(a, "swap", page_out);
	system_key("/proc/vmstat", "pswpout", &free_after);
	/* The twin: the same call on a plain memfd does swap. */
	agent_check(a, "control-swapped", free_after > free_before,
		    "%llu pages were swapped out, %llu KiB of swap",
		    (unsigned long long)(free_after - free_before), (unsigned long long)total);
	swapoff(SWAP_DEVICE);
	return err;
}

/*
 * The file loses its pages; the device must keep them, and adoption must see that the file has
 * others now.
 */
int window_punch(struct agent *a)
{
	uint32_t i = a->log.cycle % a->w.domains;
	struct world_domain *d = &a->w.domain[i];
	char *memory = a->w.memory;
	int err;

	if (fallocate(a->w.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)i * LAYOUT_SLOT_SIZE, LAYOUT_SLOT_SIZE)) {
		/* Refusing is as good: then nothing happened. */
		agent_check(a, "punch", true, "refused: %s", strerror(errno));
		return 0;
	}
	scribble();
	a->w.memory = NULL;
	err = agent_verify(a, "translate-window");
	a->w.memory = memory;
	if (err)
		return err;
	agent_check(a, "punch", *(uint64_t *)(memory + (size_t)i * LAYOUT_SLOT_SIZE) == 0,
		    "the file's page is a new one, the device reads the old one");
	err = agent_error(a, "adopt", world_rebuild(&a->w));
	if (err)
		return err;
	err = iommufd_hwpt_adopt(a->w.fds[i % a->w.iommufds], d->hwpt_id, d->ioas_id);
	agent_check(a, "noticed-by-adoption", err == -EXDEV,
		    "adoption with other pages behind the file: %s", strerror(-err));
	return agent_give_up(a);
}

int window_close(struct agent *a)
{
	int err;

	world_close_memory(&a->w);
	scribble();
	err = agent_verify(a, "translate-window");
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_memory(&a->w, a->session));
	return err ? err : agent_verify(a, "translate-window");
}
