// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the drivers guarantee, tried on edu, NVMe and igb in a virtual machine without a live update:
 * the init process of the guest. It asks the host (host.c) over the second serial port for what must
 * come from outside, and tells it each result.
 *
 * A part of the memfd that the devices share with us is an area; each is mapped at an IOVA far above
 * all memory, and has a page on either side that no device reaches. All of it starts as words that
 * depend on their place, so that a byte that arrives where it should not is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/physical.h>
#include <flbench/random.h>

#include "guest.h"
#include "system.h"

#define HOST "/dev/ttyS1"

#define NVME_QUEUES 2u
#define NVME_DEPTH 32u
#define NVME_WAIT_MS 20000u
/* At 40 commands a second, these take over half a second. */
#define NVME_FLYING 24u
#define BAD_IOVA (SELFTEST_IOVA + (100ull << 30))

static const uint16_t identities[DEVICES][2] = {
	[EDU] = { EDU_VENDOR_ID, EDU_DEVICE_ID },
	[NVME] = { 0x1b36, 0x0010 },
	[IGB] = { IGB_VENDOR_ID, IGB_DEVICE_ID },
};

int memfd = -1;
static uint8_t *memory;
static size_t memory_bytes;
size_t start[AREAS], length[AREAS];
struct shared *shared;
struct vfio_device vfio[DEVICES];
uint32_t igb_entries = 256;
static FILE *to_host, *from_host;

/* ---- results ---- */

bool expect(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		return true;
	va_start(args, format);
	vsnprintf(shared->problem, sizeof(shared->problem), format, args);
	va_end(args);
	return false;
}

bool expect_result(int result, int wanted, const char *what)
{
	return expect(result == wanted, "%s: %s, not %s", what, strerror(-result),
		      strerror(-wanted));
}

/* Ask the host for something; its answer is a number. */
long long ask(const char *format, ...)
{
	long long answer = -1;
	char line[64];
	va_list args;

	va_start(args, format);
	vfprintf(to_host, format, args);
	va_end(args);
	fputc('\n', to_host);
	fflush(to_host);
	if (fgets(line, sizeof(line), from_host))
		sscanf(line, "%lld", &answer);
	return answer;
}

/* ---- memory ---- */

struct dma_region region(enum area area)
{
	return (struct dma_region){
		.memory = memory + start[area],
		.iova = SELFTEST_IOVA + ((uint64_t)area << 32),
		.bytes = length[area],
	};
}

static uint64_t word_at(size_t offset)
{
	return random_mix(SELFTEST_SEED + offset);
}

void fill(size_t from, size_t bytes)
{
	for (size_t at = from; at < from + bytes; at += sizeof(uint64_t)) {
		uint64_t word = word_at(at);

		memcpy(memory + at, &word, sizeof(word));
	}
}

/* Look at bytes that nobody was to write. */
bool untouched(size_t from, size_t bytes)
{
	size_t n;

	for (size_t at = from; at < from + bytes; at += n) {
		size_t in_word = at % sizeof(uint64_t);
		uint64_t word = word_at(at - in_word);

		n = sizeof(word) - in_word;
		if (n > from + bytes - at)
			n = from + bytes - at;
		if (memcmp(memory + at, (uint8_t *)&word + in_word, n))
			return expect(false, "memory at %#zx was written", at);
	}
	return true;
}

/* All of an area but @bytes at @offset, and the pages around all areas. */
bool sentinels_hold(enum area area, size_t offset, size_t bytes)
{
	bool ok = untouched(start[area], offset) &&
		  untouched(start[area] + offset + bytes, length[area] - offset - bytes);

	for (int a = 0; ok && a < AREAS; a++)
		ok = untouched(start[a] - PAGE, PAGE) && untouched(start[a] + length[a], PAGE);
	return ok;
}

static void set_layout(void)
{
	size_t at = sizeof(struct shared) + frame_book_bytes(SELFTEST_FRAMES_MAX);

	length[AREA_EDU] = 16 * PAGE;
	length[AREA_DATA] = 256 * PAGE;
	length[AREA_NVME] = nvme_region_bytes(NVME_QUEUES, NVME_DEPTH);
	length[AREA_IGB] = igb_region_bytes(igb_entries);
	at = (at + PAGE - 1) / PAGE * PAGE;
	for (int a = 0; a < AREAS; a++) {
		start[a] = at + PAGE;
		at = start[a] + length[a] + PAGE;
	}
	memory_bytes = at;
}

int map_memory(void)
{
	set_layout();
	memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	shared = (struct shared *)memory;
	return 0;
}

/* ---- set-up ---- */

int find_and_open(uint16_t vendor, uint16_t device, unsigned int nth, struct vfio_device *opened,
		  char *address)
{
	int err = vfio_find(vendor, device, nth, address);

	if (!err)
		err = vfio_bind_driver(address);
	if (!err)
		err = vfio_open(opened, address);
	return err;
}

static int open_device(enum device d)
{
	int err =
		find_and_open(identities[d][0], identities[d][1], 0, &vfio[d], shared->address[d]);

	if (!err)
		err = vfio_bind(&vfio[d], shared->iommufd);
	if (!err && !shared->hwpt_id)
		err = iommufd_hwpt_alloc(shared->iommufd, vfio[d].iommufd_id, shared->ioas_id, 0,
					 NULL, 0, &shared->hwpt_id);
	if (!err)
		err = vfio_attach(&vfio[d], shared->hwpt_id);
	shared->fd[d] = vfio[d].fd;
	shared->iommufd_id[d] = vfio[d].iommufd_id;
	return err;
}

int map_areas(int iommufd, uint32_t ioas_id)
{
	int err = 0;

	for (int a = 0; !err && a < AREAS; a++)
		err = iommufd_map_file(iommufd, ioas_id, memfd, start[a], length[a], region(a).iova,
				       IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
	return err;
}

bool set_up(void)
{
	int err;

	shared->iommufd = iommufd_open();
	if (!expect(shared->iommufd >= 0, "/dev/iommu: %s", strerror(-shared->iommufd)))
		return false;
	frame_book_init(&shared->book, SELFTEST_FRAMES_MAX);
	fill(start[0] - PAGE, memory_bytes - start[0] + PAGE);
	err = iommufd_ioas_alloc(shared->iommufd, &shared->ioas_id);
	if (!err)
		err = map_areas(shared->iommufd, shared->ioas_id);
	if (!expect_result(err, 0, "mapping"))
		return false;
	for (int d = 0; d < DEVICES; d++) {
		err = open_device(d);
		if (!expect(!err, "device %d (%04x:%04x): %s", d, identities[d][0],
			    identities[d][1], strerror(-err)))
			return false;
	}
	return true;
}

/* ---- a second process ---- */

/*
 * Run this program again with all descriptors, while this process lets go of the registers and
 * waits. What the child finds wrong is in shared->problem.
 */
static bool in_second_process(const char *what)
{
	int fds[] = { memfd, shared->iommufd, vfio[EDU].fd, vfio[NVME].fd, vfio[IGB].fd };
	char number[16];
	int status;
	pid_t child;

	snprintf(number, sizeof(number), "%d", memfd);
	child = fork();
	if (!child) {
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			fcntl(fds[i], F_SETFD, 0);
		execl("/proc/self/exe", "selftest", what, number, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return expect(false, "fork: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return false;
	return expect(!status, "the second process ended with wait status %#x", status);
}

bool watch(struct arrival_words words)
{
	struct arrival_run run;

	for (uint32_t from = 0; from < words.nr; from += run.nr) {
		int err = arrival_next(&words, from, &run);

		if (!expect_result(err, 0, "arrival_next") ||
		    !expect(ask("watch %llx %u %u %x %d", (unsigned long long)run.address,
				words.stride, run.nr, words.mask, words.rise) == 0,
			    "the host cannot watch %#llx", (unsigned long long)run.address))
			return false;
	}
	return true;
}

/* Have the host look at words until it is asked for what it saw. */
static bool observe(struct arrival_words words)
{
	return expect(ask("watch nothing") == 0, "the host does not forget") && watch(words) &&
	       expect(ask("observe on") == 0, "the host cannot look");
}

/* ---- edu ---- */

struct edu edu;

bool edu_identity(void)
{
	uint32_t result = 0;

	return expect_result(edu_init(&edu, &vfio[EDU]), 0, "edu_init") &&
	       expect_result(edu_factorial(&edu, 10, &result), 0, "edu_factorial") &&
	       expect(result == 3628800, "10! is %u", result);
}

/* Did the bytes of EDU_FROM arrive at @to, and nothing else? Then make it as if they had not. */
bool edu_arrived(size_t to)
{
	uint8_t *area = region(AREA_EDU).memory;

	if (!expect(!memcmp(area + to, area + EDU_FROM, EDU_BYTES), "the bytes did not arrive") ||
	    !sentinels_hold(AREA_EDU, to, EDU_BYTES))
		return false;
	fill(start[AREA_EDU], length[AREA_EDU]);
	return true;
}

bool edu_dma(void)
{
	uint64_t iova = region(AREA_EDU).iova;

	return expect_result(edu_copy(&edu, iova + EDU_TO, iova + EDU_FROM, EDU_BYTES), 0,
			     "edu_copy") &&
	       edu_arrived(EDU_TO);
}

/* The page of the area behind @page, at an IOVA where nothing was. */
static int map_bad(unsigned int page)
{
	return iommufd_map_file(shared->iommufd, shared->ioas_id, memfd,
				start[AREA_EDU] + page * PAGE, PAGE, BAD_IOVA,
				IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
}

static int edu_to_bad(void)
{
	int err = edu_dma_start(&edu, region(AREA_EDU).iova + EDU_FROM, 0, EDU_BYTES, false, 0);

	if (!err)
		err = edu_dma_wait(&edu, 2000);
	if (!err)
		err = edu_dma_start(&edu, BAD_IOVA + 8, 0, EDU_BYTES, true, 0);
	return err ? err : edu_dma_wait(&edu, 2000);
}

bool fault_is_logged(uint64_t iova)
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
	return expect(false, "the kernel's log knows no %s", wanted);
}

/* What is not mapped is not written; once it is, the same DMA arrives; afterwards it does not. */
bool edu_unmapped(void)
{
	bool ok = expect_result(edu_to_bad(), 0, "DMA to a hole") &&
		  sentinels_hold(AREA_EDU, 0, 0) && fault_is_logged(BAD_IOVA) &&
		  expect_result(map_bad(5), 0, "mapping the hole") &&
		  expect_result(edu_to_bad(), 0, "DMA to what was a hole") &&
		  edu_arrived(5 * PAGE + 8);

	return ok &&
	       expect_result(iommufd_unmap(shared->iommufd, shared->ioas_id, BAD_IOVA, PAGE), 0,
			     "unmapping") &&
	       expect_result(edu_to_bad(), 0, "DMA to a hole again") &&
	       sentinels_hold(AREA_EDU, 0, 0);
}

static bool edu_out(void)
{
	return expect_result(edu_dma_start(&edu, region(AREA_EDU).iova + EDU_TO, 0, EDU_BYTES, true,
					   0),
			     0, "edu_dma_start") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait");
}

static bool edu_no_bus_master(void)
{
	uint64_t iova = region(AREA_EDU).iova;
	struct edu again;

	return expect_result(edu_dma_start(&edu, iova + EDU_FROM, 0, EDU_BYTES, false, 0), 0,
			     "edu_dma_start") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") &&
	       expect_result(vfio_set_bus_master(&vfio[EDU], false), 0, "bus mastering off") &&
	       edu_out() && sentinels_hold(AREA_EDU, 0, 0) &&
	       expect_result(edu_resume(&again, &vfio[EDU]), -EPERM, "edu_resume") &&
	       expect_result(vfio_set_bus_master(&vfio[EDU], true), 0, "bus mastering on") &&
	       edu_out() && edu_arrived(EDU_TO);
}

/* Without a page table, nothing arrives. */
static bool edu_detached(void)
{
	return expect_result(edu_dma_start(&edu, region(AREA_EDU).iova + EDU_FROM, 0, EDU_BYTES,
					   false, 0),
			     0, "edu_dma_start") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") &&
	       expect_result(vfio_detach(&vfio[EDU]), 0, "vfio_detach") && edu_out() &&
	       sentinels_hold(AREA_EDU, 0, 0) &&
	       expect_result(vfio_attach(&vfio[EDU], shared->hwpt_id), 0, "vfio_attach") &&
	       edu_out() && edu_arrived(EDU_TO);
}

/* An IOVA that needs most of the 48 bits. */
static bool edu_high(void)
{
	const uint64_t iova = 1ull << 46;

	return expect_result(iommufd_map_file(shared->iommufd, shared->ioas_id, memfd,
					      start[AREA_EDU], length[AREA_EDU], iova,
					      IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE),
			     0, "mapping") &&
	       expect_result(edu_copy(&edu, iova + EDU_TO, iova + EDU_FROM, EDU_BYTES), 0,
			     "edu_copy") &&
	       edu_arrived(EDU_TO) &&
	       expect_result(iommufd_unmap(shared->iommufd, shared->ioas_id, iova,
					   length[AREA_EDU]),
			     0, "unmapping");
}

static bool edu_range(void)
{
	return expect_result(edu_dma_start(&edu, region(AREA_EDU).iova, 1, EDU_BUFFER_SIZE, true,
					   0),
			     -EINVAL, "DMA beyond the device's buffer");
}

/* Return: how often it interrupted within @timeout_ms of the first. */
static uint64_t interrupts(int eventfd, int timeout_ms)
{
	struct pollfd ready = { .fd = eventfd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&ready, 1, timeout_ms) == 1 &&
	    read(eventfd, &count, sizeof(count)) != sizeof(count))
		count = 0;
	return count;
}

bool edu_interrupt(void)
{
	int fd __close = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t iova = region(AREA_EDU).iova;
	uint64_t count;
	bool ok;

	ok = expect(fd >= 0, "eventfd: %s", strerror(errno)) &&
	     expect_result(vfio_irq_enable(&vfio[EDU], VFIO_IRQ_MSI, &fd, 1), 0, "MSI on");
	if (!ok)
		return false;
	ok = expect(!interrupts(fd, 50), "an interrupt that nobody raised");
	if (ok) {
		edu_irq_raise(&edu, 0x20);
		count = interrupts(fd, 2000);
		ok = expect(count == 1, "%llu interrupts", (unsigned long long)count) &&
		     expect(edu_irq_acknowledge(&edu) == 0x20, "its status is not what was raised");
	}
	ok = ok && expect_result(edu_dma_start(&edu, iova, 0, 64, false, EDU_DMA_INTERRUPT), 0,
				 "DMA with an interrupt");
	if (ok) {
		count = interrupts(fd, 2000);
		ok = expect(count == 1, "%llu interrupts after DMA", (unsigned long long)count) &&
		     expect(edu_irq_acknowledge(&edu) == EDU_IRQ_DMA, "its status is not DMA's");
	}
	return expect_result(vfio_irq_disable(&vfio[EDU], VFIO_IRQ_MSI), 0, "MSI off") && ok;
}

static bool edu_second_process(void)
{
	uint64_t iova = region(AREA_EDU).iova;

	return expect_result(edu_dma_start(&edu, iova + EDU_FROM, 0, EDU_BYTES, false, 0), 0,
			     "edu_dma_start") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") &&
	       expect_result(edu_dma_start(&edu, iova + EDU_TO, 0, EDU_BYTES, true, 0), 0,
			     "edu_dma_start") &&
	       in_second_process("edu");
}

/* In the second process: what the first one started arrives. */
bool edu_second(void)
{
	return expect_result(edu_resume(&edu, &vfio[EDU]), 0, "edu_resume") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") && edu_arrived(EDU_TO);
}

/* The first line of the file begins with the address of BAR 0. */
uint64_t bar_address(const char *device)
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

/* Started by the host, and seen by it; this process does nothing but look at memory. */
static bool edu_from_outside(void)
{
	uint64_t iova = region(AREA_EDU).iova;
	uint64_t bar = bar_address(shared->address[EDU]);
	const struct arrival_words word = {
		.first = (uint8_t *)region(AREA_EDU).memory + EDU_TO + 5,
		.stride = sizeof(uint32_t),
		.nr = 1,
		.mask = UINT32_MAX,
	};

	return expect(bar, "BAR 0 has no address") &&
	       expect(ask("edu %llx %llx 0 %u", (unsigned long long)bar,
			  (unsigned long long)iova + EDU_FROM, EDU_BYTES) == 0,
		      "the host did not start DMA into the device") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") &&
	       sentinels_hold(AREA_EDU, 0, 0) && observe(word) &&
	       expect(ask("edu %llx %llx 1 %u", (unsigned long long)bar,
			  (unsigned long long)iova + EDU_TO, EDU_BYTES) == 0,
		      "the host did not start DMA into memory") &&
	       expect_result(edu_dma_wait(&edu, 2000), 0, "edu_dma_wait") &&
	       expect(ask("observe off") == 1, "the host did not see one arrival") &&
	       edu_arrived(EDU_TO);
}

/* ---- NVMe ---- */

struct nvme nvme;
/* One a vector; the admin queue's is not used. */
static int nvme_event[NVME_QUEUES + 1];

bool nvme_identify(void)
{
	struct dma_region memory_region = region(AREA_NVME);
	struct nvme_namespace ns;
	int err;

	for (uint32_t i = 0; i <= NVME_QUEUES; i++)
		nvme_event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = vfio_irq_enable(&vfio[NVME], VFIO_IRQ_MSIX, nvme_event, NVME_QUEUES + 1);
	if (!expect_result(err, 0, "MSI-X on"))
		return false;
	err = nvme_init(&nvme, &vfio[NVME], &memory_region, NVME_QUEUES, NVME_DEPTH, true);
	if (!expect_result(err, 0, "nvme_init"))
		return false;
	ns = nvme_namespace(&nvme);
	return expect(ns.block_bytes == 512 && ns.blocks == SELFTEST_DISK_BYTES / 512 &&
			      ns.transfer_max >= 16 * PAGE,
		      "%llu blocks of %u bytes, %u a command", (unsigned long long)ns.blocks,
		      ns.block_bytes, ns.transfer_max);
}

static int transfer(bool write, uint64_t lba, uint32_t blocks, size_t offset)
{
	struct nvme_done done = { 0 };
	int err = nvme_submit(&nvme, 1, write, lba, blocks, region(AREA_DATA).iova + offset, lba);

	if (err >= 0)
		err = nvme_wait(&nvme, 1, &done, NVME_WAIT_MS);
	if (!err && done.status)
		err = -EIO;
	if (!err && (done.command.cookie != lba || done.command.blocks != blocks))
		err = -EPROTO;
	return err;
}

/* Write with one alignment, read with another: one page, two, and a list of them. */
static bool nvme_data(void)
{
	static const struct {
		uint32_t blocks;
		size_t from, to;
	} tries[] = {
		{ 1, 3 * PAGE + 4, 20 * PAGE },
		{ 8, 3 * PAGE, 20 * PAGE + 12 },
		{ 16, 3 * PAGE + 512, 20 * PAGE + 2048 },
		{ 128, 3 * PAGE + 1024, 40 * PAGE + 4 },
	};
	uint8_t *data = region(AREA_DATA).memory;

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		size_t bytes = tries[i].blocks * 512;

		if (!expect_result(transfer(true, 1000 * i, tries[i].blocks, tries[i].from), 0,
				   "write") ||
		    !sentinels_hold(AREA_DATA, 0, 0) ||
		    !expect_result(transfer(false, 1000 * i, tries[i].blocks, tries[i].to), 0,
				   "read") ||
		    !expect(!memcmp(data + tries[i].from, data + tries[i].to, bytes),
			    "%u blocks are not what was written", tries[i].blocks) ||
		    !sentinels_hold(AREA_DATA, tries[i].to, bytes))
			return false;
		fill(start[AREA_DATA], length[AREA_DATA]);
	}
	return true;
}

/* More commands than entries, so that both queues wrap and the phase turns twice. */
static bool nvme_wrap(void)
{
	for (uint32_t i = 0; i < 2 * NVME_DEPTH + 3; i++)
		if (!expect_result(transfer(false, 0, 1, 20 * PAGE), 0, "read"))
			return false;
	fill(start[AREA_DATA], length[AREA_DATA]);
	return true;
}

/* A completion interrupts once, with its own queue's vector. */
static bool nvme_interrupt(void)
{
	bool ok = true;

	for (uint32_t q = 0; q <= NVME_QUEUES; q++)
		interrupts(nvme_event[q], 0);
	for (uint32_t q = 1; ok && q <= NVME_QUEUES; q++) {
		uint32_t other = NVME_QUEUES + 1 - q;
		struct nvme_done done;
		int err = nvme_submit(&nvme, q, false, 0, 1, region(AREA_DATA).iova, 0);

		ok = expect(err >= 0, "nvme_submit: %s", strerror(-err)) &&
		     expect(interrupts(nvme_event[q], NVME_WAIT_MS) == 1,
			    "queue %u: not one interrupt", q) &&
		     expect(!interrupts(nvme_event[other], 50) && !interrupts(nvme_event[0], 0),
			    "queue %u: an interrupt of another vector", q) &&
		     expect_result(nvme_wait(&nvme, q, &done, NVME_WAIT_MS), 0, "nvme_wait");
	}
	fill(start[AREA_DATA], length[AREA_DATA]);
	return ok;
}

static bool nvme_full(void)
{
	struct nvme_done done[NVME_DEPTH];
	int nr = 0, got;

	while (nvme_submit(&nvme, 2, false, 0, 1, region(AREA_DATA).iova + 20 * PAGE, 0) >= 0)
		nr++;
	for (int left = nr; left; left -= got) {
		got = nvme_poll(&nvme, 2, done, NVME_DEPTH);
		if (!expect(got >= 0, "nvme_poll: %s", strerror(-got)))
			return false;
	}
	fill(start[AREA_DATA], length[AREA_DATA]);
	return expect(nr == NVME_DEPTH - 1, "%d commands fit into a queue of %u", nr, NVME_DEPTH);
}

static int read_at(uint64_t iova)
{
	struct nvme_done done = { 0 };
	int err = nvme_submit(&nvme, 1, false, 0, 8, iova, 0);

	return err < 0 ? err : nvme_wait(&nvme, 1, &done, NVME_WAIT_MS);
}

/* As edu_unmapped(). Whether the controller reports what was refused is its own business. */
static bool nvme_unmapped(void)
{
	const uint64_t hole = BAD_IOVA + (1ull << 30);
	bool ok;

	/* dmar_fault() keeps quiet for the rest of five seconds after a few faults: edu's. */
	sleep(6);
	ok = expect_result(read_at(hole), 0, "a read into a hole") &&
	     sentinels_hold(AREA_DATA, 0, 0) && fault_is_logged(hole) &&
	     expect_result(iommufd_map_file(shared->iommufd, shared->ioas_id, memfd,
					    start[AREA_DATA] + 7 * PAGE, PAGE, hole,
					    IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE),
			   0, "mapping the hole") &&
	     expect_result(read_at(hole), 0, "a read into what was a hole") &&
	     expect(!untouched(start[AREA_DATA] + 7 * PAGE, PAGE), "the bytes did not arrive") &&
	     sentinels_hold(AREA_DATA, 7 * PAGE, PAGE);

	fill(start[AREA_DATA], length[AREA_DATA]);
	return ok &&
	       expect_result(iommufd_unmap(shared->iommufd, shared->ioas_id, hole, PAGE), 0,
			     "unmapping") &&
	       expect_result(read_at(hole), 0, "a read into a hole again") &&
	       sentinels_hold(AREA_DATA, 0, 0);
}

/* Blocks that say where they are: @lba in every word. */
static void sign(uint8_t *data, uint64_t lba)
{
	for (uint64_t i = 0; i < 512 / sizeof(uint64_t); i++) {
		uint64_t word = random_mix(SELFTEST_SEED ^ (lba << 8 | i));

		memcpy(data + i * sizeof(word), &word, sizeof(word));
	}
}

#define FLYING_LBA 5000u
#define FLYING_FROM (2 * PAGE)
#define FLYING_TO (50 * PAGE)

/* Submit commands whose completions nobody waits for here. */
bool nvme_fly(void)
{
	uint8_t *data = region(AREA_DATA).memory;

	for (uint32_t i = 0; i < NVME_FLYING; i++)
		sign(data + FLYING_FROM + i * 512, FLYING_LBA + i);
	if (!expect_result(transfer(true, FLYING_LBA, NVME_FLYING, FLYING_FROM), 0, "write"))
		return false;
	/* Gone from memory, so that they can only come from the disk. */
	fill(start[AREA_DATA], length[AREA_DATA]);
	for (uint32_t i = 0; i < NVME_FLYING; i++) {
		uint32_t block = NVME_FLYING - 1 - i;
		int err = nvme_submit(&nvme, 1, false, FLYING_LBA + block, 1,
				      region(AREA_DATA).iova + FLYING_TO + block * PAGE, block);

		if (!expect(err >= 0, "nvme_submit: %s", strerror(-err)))
			return false;
	}
	return true;
}

static bool nvme_second_process(void)
{
	return nvme_fly() && in_second_process("nvme");
}

/*
 * In the second process or kernel: commands of the first one complete, on the same queues, and it
 * goes on. @late counts those that were not done when they were first looked for.
 */
bool nvme_take_over(uint32_t *late)
{
	struct dma_region memory_region = region(AREA_NVME);
	uint8_t *data = region(AREA_DATA).memory, right[512];
	struct nvme_done done = { 0 };
	uint32_t seen = 0;

	if (!expect_result(nvme_resume(&nvme, &vfio[NVME], &memory_region), 0, "nvme_resume") ||
	    !expect(nvme_outstanding(&nvme, 1) == NVME_FLYING, "%u commands are outstanding",
		    nvme_outstanding(&nvme, 1)))
		return false;
	for (uint32_t i = 0; i < NVME_FLYING; i++) {
		uint32_t block;

		if (nvme_poll(&nvme, 1, &done, 1) != 1) {
			(*late)++;
			if (!expect_result(nvme_wait(&nvme, 1, &done, NVME_WAIT_MS), 0,
					   "nvme_wait"))
				return false;
		}
		block = done.command.cookie;
		if (!expect(!done.status && block < NVME_FLYING && !(seen >> block & 1),
			    "command %u for block %u has status %#x, or is done twice", i, block,
			    done.status))
			return false;
		seen |= 1u << block;
		sign(right, FLYING_LBA + block);
		if (!expect(!memcmp(data + FLYING_TO + block * PAGE, right, sizeof(right)),
			    "block %u has other bytes", block))
			return false;
	}
	if (!sentinels_hold(AREA_DATA, FLYING_TO, NVME_FLYING * PAGE))
		return false;
	for (uint32_t i = 0; i < NVME_FLYING; i++)
		if (!untouched(start[AREA_DATA] + FLYING_TO + i * PAGE + 512, PAGE - 512))
			return false;
	fill(start[AREA_DATA], length[AREA_DATA]);
	return expect_result(transfer(false, 0, 1, 20 * PAGE), 0, "a read on the same queue");
}

static bool nvme_second(void)
{
	uint32_t late = 0;

	/* What was done before this process ran would prove little. */
	return nvme_take_over(&late) &&
	       expect(late >= NVME_FLYING / 2, "only %u of %u commands were done late", late,
		      NVME_FLYING);
}

/* After what a second process did, the first one goes on from the same memory. */
bool nvme_back(void)
{
	fill(start[AREA_DATA], length[AREA_DATA]);
	return expect(!nvme_outstanding(&nvme, 1), "commands are outstanding") && nvme_data();
}

/* Nobody polls; each completion is seen from outside when the controller writes it. */
static bool nvme_observed(void)
{
	struct nvme_done done[NVME_DEPTH];
	long long seen;

	if (!observe(nvme_arrivals(&nvme, 1)))
		return false;
	for (uint32_t i = 0; i < NVME_FLYING; i++)
		if (!expect(nvme_submit(&nvme, 1, false, 0, 1, region(AREA_DATA).iova + FLYING_TO,
					i) >= 0,
			    "nvme_submit"))
			return false;
	sleep(2);
	seen = ask("observe off");
	fill(start[AREA_DATA], length[AREA_DATA]);
	return expect(seen == NVME_FLYING, "%lld of %u completions were seen from outside", seen,
		      NVME_FLYING) &&
	       expect(nvme_poll(&nvme, 1, done, NVME_DEPTH) == NVME_FLYING,
		      "not all commands are done");
}

static bool nvme_reset_is_noticed(void)
{
	struct dma_region memory_region = region(AREA_NVME);
	struct nvme again;
	uint64_t *magic = memory_region.memory, kept = *magic;
	bool ok;

	*magic = 1;
	ok = expect_result(nvme_resume(&again, &vfio[NVME], &memory_region), -EINVAL,
			   "nvme_resume of no state");
	*magic = kept;
	ok = ok && expect_result(nvme_resume(&again, &vfio[NVME], &memory_region), 0,
				 "nvme_resume without a reset");
	ok = ok && expect_result(vfio_reset(&vfio[NVME]), 0, "vfio_reset") &&
	     expect_result(vfio_set_bus_master(&vfio[NVME], true), 0, "bus mastering on");
	return ok && expect_result(nvme_resume(&again, &vfio[NVME], &memory_region), -ESTALE,
				   "nvme_resume after a reset");
}

/* Commands that it is given then are not carried out: nothing arrives. */
static bool nvme_stopped(void)
{
	struct dma_region memory_region = region(AREA_NVME);
	struct nvme again;
	int err = nvme_init(&nvme, &vfio[NVME], &memory_region, NVME_QUEUES, NVME_DEPTH, false);

	if (!expect_result(err, 0, "nvme_init without interrupts") ||
	    !expect_result(nvme_stop(&nvme), 0, "nvme_stop"))
		return false;
	fill(start[AREA_DATA], length[AREA_DATA]);
	/* Not before: QEMU crashes when it is stopped with commands under way. */
	for (uint32_t i = 0; err >= 0 && i < NVME_FLYING; i++)
		err = nvme_submit(&nvme, 1, false, 0, 8, region(AREA_DATA).iova + FLYING_TO, i);
	if (!expect(err >= 0, "nvme_submit: %s", strerror(-err)))
		return false;
	sleep(1);
	return sentinels_hold(AREA_DATA, 0, 0) &&
	       expect(nvme_outstanding(&nvme, 1) == NVME_FLYING, "commands were taken back") &&
	       expect_result(nvme_resume(&again, &vfio[NVME], &memory_region), -ESTALE,
			     "nvme_resume of a stopped controller");
}

/* ---- igb ---- */

struct igb igb;

/* Take what arrives for @ms, and give each descriptor back at once if @give. */
bool receive(unsigned int ms, bool give)
{
	struct timespec now;
	uint64_t end = 0, at;

	do {
		const void *frame;
		uint32_t bytes;
		int got = igb_take(&igb, &frame, &bytes);

		if (got) {
			uint64_t number;

			if (got < 0 || frame_check(frame, bytes, SELFTEST_SEED, &number))
				shared->bad_frames++;
			else
				frame_book_add(&shared->book, number);
			if (give)
				igb_give(&igb, 1);
		} else {
			usleep(500);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		at = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
		if (!end)
			end = at + ms;
	} while (at < end);
	return expect(!shared->bad_frames, "%llu frames are wrong",
		      (unsigned long long)shared->bad_frames);
}

bool igb_link(void)
{
	struct dma_region memory_region = region(AREA_IGB);

	return expect_result(igb_init(&igb, &vfio[IGB], &memory_region, igb_entries), 0,
			     "igb_init");
}

/* Tell the host what arrived; it compares that with what was sent. */
bool settle(const char *phase)
{
	const struct frame_book *book = &shared->book;

	for (uint64_t i = 0, first = 0; i <= book->next; i++) {
		if (i < book->next && frame_book_has(book, i))
			continue;
		if (i > first)
			ask("arrived %llu %llu", (unsigned long long)first,
			    (unsigned long long)i - 1);
		first = i + 1;
	}
	return expect(ask("account %s %llu %llu %llu", phase, (unsigned long long)book->duplicated,
			  (unsigned long long)(book->reordered + book->beyond),
			  (unsigned long long)igb_missed(&igb)) == 0,
		      "the host's account does not agree: see its lines");
}

/* Give the host the physical address of each page that the card may write to. */
bool tell_pages(void)
{
	for (size_t at = 0; at < length[AREA_IGB]; at += PAGE) {
		uint64_t address;
		int err = physical_address(memory + start[AREA_IGB] + at, &address);

		if (!expect_result(err, 0, "physical_address") ||
		    !expect(ask("page %llx", (unsigned long long)address) == 0,
			    "the host refuses page %#llx", (unsigned long long)address))
			return false;
	}
	return true;
}

/* While no program of the guest takes or gives anything, each arrival is seen from outside. */
static bool igb_observed(void)
{
	long long seen;

	if (!tell_pages() || !observe(igb_arrivals(&igb)) ||
	    !expect(ask("peer on") >= 0, "the host does not send"))
		return false;
	usleep(300000);
	if (!expect(ask("peer off") > 0, "nothing was sent"))
		return false;
	usleep(100000);
	seen = ask("observe off");
	return expect(seen > 50 && igb_ring_pending(&igb.ring) == seen,
		      "%lld arrivals were seen from outside, %u frames are here", seen,
		      igb_ring_pending(&igb.ring)) &&
	       receive(100, true);
}

/* Frames are in the pages that the card was given and nowhere else; and a search would tell. */
static bool igb_search(void)
{
	uint8_t *elsewhere = (uint8_t *)region(AREA_EDU).memory + 77;
	long long first = ask("search"), second_time, third;

	memcpy(elsewhere, igb.ring.buffers, FRAME_PREFIX_BYTES);
	second_time = ask("search");
	fill(start[AREA_EDU], length[AREA_EDU]);
	third = ask("search");
	return expect(!first && second_time == 1 && !third,
		      "frames outside of their buffers: %lld, then %lld, not 1, then %lld", first,
		      second_time, third);
}

static bool igb_receive(void)
{
	uint64_t before = shared->book.arrived;

	if (!expect(ask("peer on") >= 0, "the host does not send"))
		return false;
	return receive(1500, true) &&
	       expect(shared->book.arrived > before + 300, "only %llu frames",
		      (unsigned long long)(shared->book.arrived - before)) &&
	       expect(shared->book.arrived > igb_entries + 10, "the ring did not wrap") &&
	       sentinels_hold(AREA_DATA, 0, 0);
}

static bool igb_second_process(void)
{
	uint64_t before = shared->book.arrived;

	return in_second_process("igb") && receive(300, true) &&
	       expect(shared->book.arrived > before + 150, "only %llu frames",
		      (unsigned long long)(shared->book.arrived - before));
}

bool igb_second(void)
{
	struct dma_region memory_region = region(AREA_IGB);

	return expect_result(igb_resume(&igb, &vfio[IGB], &memory_region), 0, "igb_resume") &&
	       receive(500, true);
}

static bool igb_steady_account(void)
{
	return expect(ask("peer off") > 0, "nothing was sent") && receive(300, true) &&
	       settle("steady");
}

/* Nobody takes frames: the ring fills up, and the rest is overrun, not lost. */
static bool igb_overrun(void)
{
	uint32_t pending;

	if (!expect(ask("peer on") >= 0, "the host does not send"))
		return false;
	sleep(2);
	pending = igb_ring_pending(&igb.ring);
	return expect(pending == igb_entries - 1, "%u of %u descriptors are used", pending,
		      igb_entries) &&
	       receive(500, true) && expect(ask("peer off") > 0, "nothing was sent") &&
	       receive(300, true) && settle("overrun");
}

/* Frames that come then do not arrive, though there are descriptors for them. */
static bool igb_stopped(void)
{
	struct dma_region memory_region = region(AREA_IGB);
	struct igb again;

	if (!expect_result(igb_stop(&igb), 0, "igb_stop") ||
	    !expect(ask("peer on") >= 0, "the host does not send"))
		return false;
	usleep(300000);
	return expect(ask("peer off") > 0, "nothing was sent") &&
	       expect(!igb_ring_pending(&igb.ring), "%u frames arrived",
		      igb_ring_pending(&igb.ring)) &&
	       expect_result(igb_resume(&again, &vfio[IGB], &memory_region), -ESTALE,
			     "igb_resume of a stopped card");
}

/*
 * A buffer where nothing is mapped receives nothing. The descriptors are changed after the card was
 * given them, which is only good for a card that does not fetch them ahead: QEMU's.
 */
static bool igb_unmapped(void)
{
	struct dma_region memory_region = region(AREA_IGB);
	uint64_t right = igb.ring.buffers_iova, arrived = shared->book.arrived;
	uint32_t pending;
	bool ok;

	igb_stop(&igb);
	ok = expect_result(igb_init(&igb, &vfio[IGB], &memory_region, igb_entries), 0, "igb_init");
	if (!ok)
		return false;
	/* What was sent while the card was stopped waited for it, and comes first. */
	do {
		pending = igb_ring_pending(&igb.ring);
		usleep(300000);
	} while (igb_ring_pending(&igb.ring) != pending);
	memset(igb.ring.buffers, 0, igb_entries * IGB_BUFFER_BYTES);
	for (uint32_t i = 0; i < igb_entries; i++)
		igb.ring.descriptors[i].read.buffer += BAD_IOVA - right;
	ok = expect(ask("peer on") >= 0, "the host does not send");
	usleep(300000);
	ok = ok && expect(ask("peer off") > 0, "nothing was sent");
	for (size_t i = 0; ok && i < igb_entries * IGB_BUFFER_BYTES; i++)
		ok = expect(!igb.ring.buffers[i], "a frame arrived in a buffer that was not given");
	return ok && expect(shared->book.arrived == arrived, "frames arrived") &&
	       sentinels_hold(AREA_DATA, 0, 0);
}

static bool igb_reset_is_noticed(void)
{
	struct dma_region memory_region = region(AREA_IGB);
	struct igb again;
	bool ok;

	ok = expect_result(igb_resume(&again, &vfio[IGB], &memory_region), 0,
			   "igb_resume without a reset") &&
	     expect_result(vfio_reset(&vfio[IGB]), 0, "vfio_reset") &&
	     expect_result(vfio_set_bus_master(&vfio[IGB], true), 0, "bus mastering on");
	return ok && expect_result(igb_resume(&again, &vfio[IGB], &memory_region), -ESTALE,
				   "igb_resume after a reset");
}

/* ---- all ---- */

/* Given back, a device has no character device; it can be had again. */
static bool release(void)
{
	for (int d = 0; d < DEVICES; d++) {
		const char *address = shared->address[d];
		struct vfio_device again;

		vfio_close(&vfio[d]);
		if (!expect_result(vfio_unbind_driver(address), 0, "vfio_unbind_driver") ||
		    !expect_result(vfio_open(&again, address), -ENODEV,
				   "vfio_open without a driver") ||
		    !expect_result(vfio_bind_driver(address), 0, "vfio_bind_driver") ||
		    !expect_result(vfio_open(&again, address), 0, "vfio_open again"))
			return false;
		vfio_close(&again);
	}
	return expect_result(vfio_bind_driver("0000:ff:1f.7"), -ENODEV, "binding no device");
}

static const struct test tests[] = {
	{ "set-up", set_up },
	{ "edu-identity", edu_identity },
	{ "edu-dma", edu_dma },
	{ "edu-unmapped", edu_unmapped },
	{ "edu-no-bus-master", edu_no_bus_master },
	{ "edu-detached", edu_detached },
	{ "edu-high", edu_high },
	{ "edu-range", edu_range },
	{ "edu-interrupt", edu_interrupt },
	{ "edu-second-process", edu_second_process },
	{ "edu-from-outside", edu_from_outside },
	{ "nvme-identify", nvme_identify },
	{ "nvme-data", nvme_data },
	{ "nvme-wrap", nvme_wrap },
	{ "nvme-interrupt", nvme_interrupt },
	{ "nvme-full", nvme_full },
	{ "nvme-unmapped", nvme_unmapped },
	{ "nvme-second-process", nvme_second_process },
	{ "nvme-back", nvme_back },
	{ "nvme-observed", nvme_observed },
	{ "nvme-reset-is-noticed", nvme_reset_is_noticed },
	{ "nvme-stopped", nvme_stopped },
	{ "igb-link", igb_link },
	{ "igb-observed", igb_observed },
	{ "igb-search", igb_search },
	{ "igb-receive", igb_receive },
	{ "igb-second-process", igb_second_process },
	{ "igb-steady-account", igb_steady_account },
	{ "igb-overrun", igb_overrun },
	{ "igb-stopped", igb_stopped },
	{ "igb-unmapped", igb_unmapped },
	{ "igb-reset-is-noticed", igb_reset_is_noticed },
	{ "release", release },
};

static const struct test second[] = {
	{ "edu", edu_second },
	{ "nvme", nvme_second },
	{ "igb", igb_second },
};

static int second_process(const char *what, const char *number)
{
	int err;

	memfd = atoi(number);
	err = map_memory();
	if (err)
		return 2;
	for (int d = 0; d < DEVICES; d++)
		vfio_adopt(&vfio[d], shared->fd[d], shared->iommufd_id[d]);
	for (size_t i = 0; i < ARRAY_SIZE(second); i++)
		if (!strcmp(what, second[i].name))
			return second[i].run() ? 0 : 1;
	return 3;
}

static int open_host(void)
{
	int fd = open(HOST, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, &raw))
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw))
		return -errno;
	to_host = fdopen(fd, "w");
	from_host = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "r");
	return to_host && from_host ? 0 : -errno;
}

bool run_tests(const struct test *list, size_t nr, size_t needed)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < nr && (ok || i > needed); i++) {
		ok = list[i].run();
		ask("result %s %s %s", ok ? "pass" : "fail", list[i].name,
		    ok ? "" : shared->problem);
		shared->problem[0] = '\0';
	}
	return ok || i > needed;
}

int create_memory(void)
{
	set_layout();
	memfd = memfd_create("selftest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* What devices write to must not go away: the next kernel insists on that. */
	if (memfd < 0 || ftruncate(memfd, memory_bytes) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	return map_memory();
}

static int run_plain(void)
{
	int err = create_memory();

	if (!err) {
		/* Without devices there is nothing to try. */
		run_tests(tests, ARRAY_SIZE(tests), 1);
		ask("end");
	}
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (getpid() != 1)
		return argc == 3 ? second_process(argv[1], argv[2]) : 2;
	err = system_mount();
	if (!err)
		err = open_host();
	if (!err)
		err = jump_wanted() ? jump_run() : run_plain();
	if (err)
		fprintf(stderr, "selftest: set-up: %s\n", strerror(-err));
	system_power_off();
}
