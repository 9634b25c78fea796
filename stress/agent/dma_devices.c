// SPDX-License-Identifier: GPL-2.0-only
/* What edu, NVMe and igb do in the memfd, step by step; see dma.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/random.h>

#include "dma.h"

/* Where the commands that outlive their kernel read and write, on the disk and in memory. */
#define FLYING_LBA 5000u
#define FLYING_FROM (2 * DMA_PAGE)
#define FLYING_TO (50 * DMA_PAGE)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const uint16_t identities[DMA_DEVICES][2] = {
	[EDU] = { EDU_VENDOR_ID, EDU_DEVICE_ID },
	[NVME] = { 0x1b36, 0x0010 },
	[IGB] = { IGB_VENDOR_ID, IGB_DEVICE_ID },
};

int dma_take(uint16_t vendor, uint16_t device, unsigned int nth, char *address)
{
	struct sysfs sysfs;
	int err = sysfs_open(&sysfs, "/");

	if (!err)
		err = pci_find(&sysfs, vendor, device, nth, address);
	if (!err)
		err = pci_bind_vfio(&sysfs, address);
	sysfs_close(&sysfs);
	return err;
}

int dma_open(uint16_t vendor, uint16_t device, unsigned int nth, struct vfio_device *opened,
	     char *address)
{
	int err = dma_take(vendor, device, nth, address);

	return err ? err : vfio_open(opened, address);
}

static int open_device(enum dma_which d)
{
	int err = dma_open(identities[d][0], identities[d][1], d == EDU ? dma.edu_nth : 0,
			   &dma.vfio[d], dma.shared->address[d]);

	if (!err)
		err = vfio_bind(&dma.vfio[d], dma.shared->iommufd);
	if (!err && !dma.shared->hwpt_id)
		err = iommufd_hwpt_alloc(dma.shared->iommufd, dma.vfio[d].iommufd_id,
					 dma.shared->ioas_id, 0, NULL, 0, &dma.shared->hwpt_id);
	if (!err)
		err = vfio_attach(&dma.vfio[d], dma.shared->hwpt_id);
	dma.shared->fd[d] = dma.vfio[d].fd;
	dma.shared->iommufd_id[d] = dma.vfio[d].iommufd_id;
	return err;
}

bool dma_set_up(void)
{
	int err;

	dma.shared->iommufd = iommufd_open();
	if (!dma_expect(dma.shared->iommufd >= 0, "/dev/iommu: %s", strerror(-dma.shared->iommufd)))
		return false;
	frame_book_init(&dma.shared->book, dma.frames_max);
	dma_fill(dma.start[0] - DMA_PAGE, dma.bytes - dma.start[0] + DMA_PAGE);
	err = iommufd_ioas_alloc(dma.shared->iommufd, &dma.shared->ioas_id);
	if (!err)
		err = dma_map_areas(dma.shared->iommufd, dma.shared->ioas_id);
	if (!dma_expect_result(err, 0, "mapping"))
		return false;
	for (int d = 0; d < DMA_DEVICES; d++) {
		err = open_device(d);
		if (!dma_expect(!err, "device %d (%04x:%04x): %s", d, identities[d][0],
				identities[d][1], strerror(-err)))
			return false;
	}
	return true;
}

/* The first line of the file begins with the address of BAR 0. */
uint64_t dma_bar_address(const char *device)
{
	unsigned long long address = 0;
	FILE *file __fclose = NULL;
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", device);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llx", &address) != 1)
		address = 0;
	return address;
}

bool dma_tell_device(const char *name, const char *device, bool stays)
{
	unsigned int bus, slot, function;

	return dma_expect(sscanf(device, "%*x:%x:%x.%x", &bus, &slot, &function) == 3 &&
				  dma_ask("device %s %x %d", name, bus << 8 | slot << 3 | function,
					  stays) == 0,
			  "the controller does not take device %s", device);
}

bool dma_fault_is_logged(uint64_t iova)
{
	int fd __close = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char wanted[64], record[8192];
	ssize_t n;

	snprintf(wanted, sizeof(wanted), "fault addr 0x%llx", (unsigned long long)iova);
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = '\0';
		if (strstr(record, "DMAR") && strstr(record, wanted))
			return true;
	}
	return dma_expect(false, "the kernel's log knows no %s", wanted);
}

/* ---- edu ---- */

bool dma_edu_start(void)
{
	uint32_t result = 0;

	return dma_expect_result(edu_init(&dma.edu, &dma.vfio[EDU]), 0, "edu_init") &&
	       dma_expect_result(edu_factorial(&dma.edu, 10, &result), 0, "edu_factorial") &&
	       dma_expect(result == 3628800, "10! is %u", result);
}

bool dma_edu_arrived(size_t to)
{
	uint8_t *area = dma_area(AREA_EDU).memory;

	if (!dma_expect(!memcmp(area + to, area + EDU_FROM, EDU_BYTES),
			"the bytes did not arrive") ||
	    !dma_sentinels_hold(AREA_EDU, to, EDU_BYTES))
		return false;
	dma_fill_area(AREA_EDU);
	return true;
}

bool dma_edu_copies(void)
{
	uint64_t iova = dma_area(AREA_EDU).iova;

	return dma_expect_result(edu_copy(&dma.edu, iova + EDU_TO, iova + EDU_FROM, EDU_BYTES), 0,
				 "edu_copy") &&
	       dma_edu_arrived(EDU_TO);
}

/* The page of the area behind @page, at an IOVA where nothing was. */
static int map_bad(unsigned int page)
{
	return iommufd_map_file(dma.shared->iommufd, dma.shared->ioas_id, dma.memfd,
				dma.start[AREA_EDU] + page * DMA_PAGE, DMA_PAGE, DMA_BAD_IOVA,
				IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
}

static int edu_to_bad(void)
{
	int err =
		edu_dma_start(&dma.edu, dma_area(AREA_EDU).iova + EDU_FROM, 0, EDU_BYTES, false, 0);

	if (!err)
		err = edu_dma_wait(&dma.edu, 2000);
	if (!err)
		err = edu_dma_start(&dma.edu, DMA_BAD_IOVA + 8, 0, EDU_BYTES, true, 0);
	return err ? err : edu_dma_wait(&dma.edu, 2000);
}

bool dma_edu_unmapped(bool look_for_fault)
{
	bool ok = dma_expect_result(edu_to_bad(), 0, "DMA to a hole") &&
		  dma_sentinels_hold(AREA_EDU, 0, 0) &&
		  (!look_for_fault || dma_fault_is_logged(DMA_BAD_IOVA)) &&
		  dma_expect_result(map_bad(5), 0, "mapping the hole") &&
		  dma_expect_result(edu_to_bad(), 0, "DMA to what was a hole") &&
		  dma_edu_arrived(5 * DMA_PAGE + 8);

	return ok &&
	       dma_expect_result(iommufd_unmap(dma.shared->iommufd, dma.shared->ioas_id,
					       DMA_BAD_IOVA, DMA_PAGE),
				 0, "unmapping") &&
	       dma_expect_result(edu_to_bad(), 0, "DMA to a hole again") &&
	       dma_sentinels_hold(AREA_EDU, 0, 0);
}

uint64_t dma_interrupts(int eventfd, int timeout_ms)
{
	struct pollfd ready = { .fd = eventfd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&ready, 1, timeout_ms) == 1 &&
	    read(eventfd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	return count;
}

bool dma_edu_interrupts(void)
{
	int fd __close = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t iova = dma_area(AREA_EDU).iova;
	uint64_t count;
	bool ok;

	ok = dma_expect(fd >= 0, "eventfd: %s", strerror(errno)) &&
	     dma_expect_result(vfio_irq_enable(&dma.vfio[EDU], VFIO_IRQ_MSI, &fd, 1), 0, "MSI on");
	if (!ok)
		return false;
	ok = dma_expect(!dma_interrupts(fd, 50), "an interrupt that nobody raised");
	if (ok) {
		edu_irq_raise(&dma.edu, 0x20);
		count = dma_interrupts(fd, 2000);
		ok = dma_expect(count == 1, "%llu interrupts", (unsigned long long)count) &&
		     dma_expect(edu_irq_acknowledge(&dma.edu) == 0x20,
				"its status is not what was raised");
	}
	ok = ok && dma_expect_result(edu_dma_start(&dma.edu, iova, 0, 64, false, EDU_DMA_INTERRUPT),
				     0, "DMA with an interrupt");
	if (ok) {
		count = dma_interrupts(fd, 2000);
		ok = dma_expect(count == 1, "%llu interrupts after DMA",
				(unsigned long long)count) &&
		     dma_expect(edu_irq_acknowledge(&dma.edu) == EDU_IRQ_DMA,
				"its status is not DMA's");
	}
	return dma_expect_result(vfio_irq_disable(&dma.vfio[EDU], VFIO_IRQ_MSI), 0, "MSI off") &&
	       ok;
}

bool dma_edu_load(struct edu *device)
{
	return dma_expect_result(edu_dma_start(device, dma_area(AREA_EDU).iova + EDU_FROM, 0,
					       EDU_BYTES, false, 0),
				 0, "edu_dma_start") &&
	       dma_expect_result(edu_dma_wait(device, 2000), 0, "edu_dma_wait");
}

bool dma_edu_go_on(void)
{
	return dma_expect_result(edu_resume(&dma.edu, &dma.vfio[EDU]), 0, "edu_resume") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_edu_arrived(EDU_TO);
}

/* ---- NVMe ---- */

bool dma_nvme_listen(int *events)
{
	for (uint32_t i = 0; i <= DMA_NVME_QUEUES; i++)
		events[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return dma_expect_result(vfio_irq_enable(&dma.vfio[NVME], VFIO_IRQ_MSIX, events,
						 DMA_NVME_QUEUES + 1),
				 0, "MSI-X on");
}

bool dma_nvme_start(int *events)
{
	struct dma_region memory_region = dma_area(AREA_NVME);
	struct nvme_namespace ns;
	int err;

	if (!dma_nvme_listen(events))
		return false;
	err = nvme_init(&dma.nvme, &dma.vfio[NVME], &memory_region, DMA_NVME_QUEUES, DMA_NVME_DEPTH,
			true);
	if (!dma_expect_result(err, 0, "nvme_init"))
		return false;
	ns = nvme_namespace(&dma.nvme);
	return dma_expect(ns.block_bytes == 512 && ns.blocks > 2 * FLYING_LBA &&
				  ns.transfer_max >= 16 * DMA_PAGE,
			  "%llu blocks of %u bytes, %u a command", (unsigned long long)ns.blocks,
			  ns.block_bytes, ns.transfer_max);
}

int dma_nvme_transfer(bool write, uint64_t lba, uint32_t blocks, size_t offset)
{
	struct nvme_done done = { 0 };
	int err = nvme_submit(&dma.nvme, 1, write, lba, blocks, dma_area(AREA_DATA).iova + offset,
			      lba);

	if (err >= 0)
		err = nvme_wait(&dma.nvme, 1, &done, DMA_NVME_WAIT_MS);
	if (!err && done.status)
		err = -EIO;
	if (!err && (done.command.cookie != lba || done.command.blocks != blocks))
		err = -EPROTO;
	return err;
}

bool dma_nvme_copies(void)
{
	static const struct {
		uint32_t blocks;
		size_t from, to;
	} tries[] = {
		{ 1, 3 * DMA_PAGE + 4, 20 * DMA_PAGE },
		{ 8, 3 * DMA_PAGE, 20 * DMA_PAGE + 12 },
		{ 16, 3 * DMA_PAGE + 512, 20 * DMA_PAGE + 2048 },
		{ 128, 3 * DMA_PAGE + 1024, 40 * DMA_PAGE + 4 },
	};
	uint8_t *data = dma_area(AREA_DATA).memory;

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		size_t bytes = tries[i].blocks * 512;

		if (!dma_expect_result(dma_nvme_transfer(true, 1000 * i, tries[i].blocks,
							 tries[i].from),
				       0, "write") ||
		    !dma_sentinels_hold(AREA_DATA, 0, 0) ||
		    !dma_expect_result(dma_nvme_transfer(false, 1000 * i, tries[i].blocks,
							 tries[i].to),
				       0, "read") ||
		    !dma_expect(!memcmp(data + tries[i].from, data + tries[i].to, bytes),
				"%u blocks are not what was written", tries[i].blocks) ||
		    !dma_sentinels_hold(AREA_DATA, tries[i].to, bytes))
			return false;
		dma_fill_area(AREA_DATA);
	}
	return true;
}

/* Word @i of block @lba. The first ones are the same for all blocks. */
static uint64_t block_word(uint64_t lba, uint64_t i)
{
	const uint64_t common = DMA_SIGNATURE_BYTES / sizeof(uint64_t);

	return random_mix(dma.seed ^ ((i < common ? 0xb10cull : lba) << 8 | i));
}

void dma_sign_block(uint8_t *data, uint64_t lba)
{
	for (uint64_t i = 0; i < 512 / sizeof(uint64_t); i++) {
		uint64_t word = block_word(lba, i);

		memcpy(data + i * sizeof(word), &word, sizeof(word));
	}
}

/* A word at a time: a copy of the block elsewhere in memory would be found there. */
static bool is_block(const uint8_t *data, uint64_t lba)
{
	bool same = true;

	for (uint64_t i = 0; same && i < 512 / sizeof(uint64_t); i++) {
		uint64_t word = block_word(lba, i);

		same = !memcmp(data + i * sizeof(word), &word, sizeof(word));
	}
	return same;
}

bool dma_nvme_interrupts(const int *events)
{
	bool ok = true;

	for (uint32_t q = 0; q <= DMA_NVME_QUEUES; q++)
		dma_interrupts(events[q], 0);
	for (uint32_t q = 1; ok && q <= DMA_NVME_QUEUES; q++) {
		uint32_t other = DMA_NVME_QUEUES + 1 - q;
		struct nvme_done done;
		int err = nvme_submit(&dma.nvme, q, false, 0, 1, dma_area(AREA_DATA).iova, 0);

		ok = dma_expect(err >= 0, "nvme_submit: %s", strerror(-err)) &&
		     dma_expect(dma_interrupts(events[q], DMA_NVME_WAIT_MS) == 1,
				"queue %u: not one interrupt", q) &&
		     dma_expect(!dma_interrupts(events[other], 50) && !dma_interrupts(events[0], 0),
				"queue %u: an interrupt of another vector", q) &&
		     dma_expect_result(nvme_wait(&dma.nvme, q, &done, DMA_NVME_WAIT_MS), 0,
				       "nvme_wait");
	}
	dma_fill_area(AREA_DATA);
	return ok;
}

bool dma_nvme_fly(void)
{
	uint8_t *data = dma_area(AREA_DATA).memory;

	for (uint32_t i = 0; i < DMA_NVME_FLYING; i++)
		dma_sign_block(data + FLYING_FROM + i * 512, FLYING_LBA + i);
	if (!dma_expect_result(dma_nvme_transfer(true, FLYING_LBA, DMA_NVME_FLYING, FLYING_FROM), 0,
			       "write"))
		return false;
	/* Gone from memory, so that they can only come from the disk. */
	dma_fill_area(AREA_DATA);
	for (uint32_t i = 0; i < DMA_NVME_FLYING; i++) {
		uint32_t block = DMA_NVME_FLYING - 1 - i;
		int err = nvme_submit(&dma.nvme, 1, false, FLYING_LBA + block, 1,
				      dma_area(AREA_DATA).iova + FLYING_TO + block * DMA_PAGE,
				      block);

		if (!dma_expect(err >= 0, "nvme_submit: %s", strerror(-err)))
			return false;
	}
	return true;
}

bool dma_nvme_take_over(uint32_t *late)
{
	struct dma_region memory_region = dma_area(AREA_NVME);
	uint8_t *data = dma_area(AREA_DATA).memory;
	struct nvme_done done = { 0 };
	uint32_t seen = 0;

	if (!dma_expect_result(nvme_resume(&dma.nvme, &dma.vfio[NVME], &memory_region), 0,
			       "nvme_resume") ||
	    !dma_expect(nvme_outstanding(&dma.nvme, 1) == DMA_NVME_FLYING,
			"%u commands are outstanding", nvme_outstanding(&dma.nvme, 1)))
		return false;
	for (uint32_t i = 0; i < DMA_NVME_FLYING; i++) {
		uint32_t block;

		if (nvme_poll(&dma.nvme, 1, &done, 1) != 1) {
			(*late)++;
			if (!dma_expect_result(nvme_wait(&dma.nvme, 1, &done, DMA_NVME_WAIT_MS), 0,
					       "nvme_wait"))
				return false;
		}
		block = done.command.cookie;
		if (!dma_expect(!done.status && block < DMA_NVME_FLYING && !(seen >> block & 1),
				"command %u for block %u has status %#x, or is done twice", i,
				block, done.status))
			return false;
		seen |= 1u << block;
		if (!dma_expect(is_block(data + FLYING_TO + block * DMA_PAGE, FLYING_LBA + block),
				"block %u has other bytes", block))
			return false;
	}
	if (!dma_sentinels_hold(AREA_DATA, FLYING_TO, DMA_NVME_FLYING * DMA_PAGE))
		return false;
	for (uint32_t i = 0; i < DMA_NVME_FLYING; i++)
		if (!dma_untouched(dma.start[AREA_DATA] + FLYING_TO + i * DMA_PAGE + 512,
				   DMA_PAGE - 512))
			return false;
	if (!dma_expect_result(dma_nvme_transfer(false, 0, 1, 20 * DMA_PAGE), 0,
			       "a read on the same queue"))
		return false;
	dma_fill_area(AREA_DATA);
	return true;
}

/* ---- igb ---- */

bool dma_igb_receive(unsigned int ms)
{
	struct timespec now;
	uint64_t end = 0, at;

	do {
		const void *frame;
		uint32_t bytes;
		int got = igb_take(&dma.igb, &frame, &bytes);

		if (got) {
			uint64_t number;

			if (got < 0 || frame_check(frame, bytes, dma.seed, &number))
				dma.shared->bad_frames++;
			else
				frame_book_add(&dma.shared->book, number);
			igb_give(&dma.igb, 1);
		} else {
			usleep(500);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		at = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
		if (!end)
			end = at + ms;
	} while (at < end);
	return dma_expect(!dma.shared->bad_frames, "%llu frames are wrong",
			  (unsigned long long)dma.shared->bad_frames);
}

bool dma_igb_start(void)
{
	struct dma_region memory_region = dma_area(AREA_IGB);

	return dma_expect_result(igb_init(&dma.igb, &dma.vfio[IGB], &memory_region, dma.entries), 0,
				 "igb_init");
}

bool dma_igb_go_on(void)
{
	struct dma_region memory_region = dma_area(AREA_IGB);

	return dma_expect_result(igb_resume(&dma.igb, &dma.vfio[IGB], &memory_region), 0,
				 "igb_resume") &&
	       dma_igb_receive(500);
}

bool dma_igb_settle(const char *phase)
{
	const struct frame_book *book = &dma.shared->book;

	for (uint64_t i = dma.shared->settled, first = i; i <= book->next; i++) {
		if (i < book->next && frame_book_has(book, i))
			continue;
		if (i > first)
			dma_ask("arrived %llu %llu", (unsigned long long)first,
				(unsigned long long)i - 1);
		first = i + 1;
	}
	dma.shared->settled = book->next;
	return dma_expect(dma_ask("account %s %llu %llu %llu", phase,
				  (unsigned long long)book->duplicated,
				  (unsigned long long)(book->reordered + book->beyond),
				  (unsigned long long)igb_missed(&dma.igb)) == 0,
			  "the controller's account does not agree: see its lines");
}
