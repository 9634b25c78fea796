// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the drivers guarantee, tried on edu, NVMe and igb in a virtual machine without a live update:
 * the init process of the guest. It asks the host (host.c) over the second serial port for what must
 * come from outside, and tells it each result.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <flbench/binding.h>
#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/physical.h>

#include "dma.h"
#include "selftest.h"
#include "system.h"

#define HOST "/dev/ttyS1"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct test {
	const char *name;
	bool (*run)(void);
};

static FILE *to_host, *from_host;
static struct sysfs sysfs;
/* One a vector; the admin queue's is not used. */
static int nvme_event[DMA_NVME_QUEUES + 1];

static long long ask_host(const char *line)
{
	long long answer = -1;
	char text[64];

	fprintf(to_host, "%s\n", line);
	fflush(to_host);
	if (fgets(text, sizeof(text), from_host))
		sscanf(text, "%lld", &answer);
	return answer;
}

/* ---- a second process ---- */

/*
 * Run this program again with all descriptors, while this process lets go of the registers and
 * waits. What the child finds wrong is in dma.shared->problem.
 */
static bool in_second_process(const char *what)
{
	int fds[] = { dma.memfd, dma.shared->iommufd, dma.vfio[EDU].fd, dma.vfio[NVME].fd,
		      dma.vfio[IGB].fd };
	char number[16];
	int status;
	pid_t child;

	snprintf(number, sizeof(number), "%d", dma.memfd);
	child = fork();
	if (!child) {
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			fcntl(fds[i], F_SETFD, 0);
		execl("/proc/self/exe", "selftest", what, number, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return dma_expect(false, "fork: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return false;
	return dma_expect(!status, "the second process ended with wait status %#x", status);
}

/* Have the host look at words until it is asked for what it saw. */
static bool observe(struct arrival_words words)
{
	return dma_expect(dma_ask("watch nothing") == 0, "the host does not forget") &&
	       dma_watch(words) && dma_expect(dma_ask("observe on") == 0, "the host cannot look");
}

/* ---- edu ---- */

static bool edu_unmapped(void)
{
	return dma_edu_unmapped(true);
}

static bool edu_out(void)
{
	return dma_expect_result(edu_dma_start(&dma.edu, dma_area(AREA_EDU).iova + EDU_TO, 0,
					       EDU_BYTES, true, 0),
				 0, "edu_dma_start") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait");
}

static bool edu_no_bus_master(void)
{
	uint64_t iova = dma_area(AREA_EDU).iova;
	struct edu again;

	return dma_expect_result(edu_dma_start(&dma.edu, iova + EDU_FROM, 0, EDU_BYTES, false, 0),
				 0, "edu_dma_start") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_expect_result(vfio_set_bus_master(&dma.vfio[EDU], false), 0,
				 "bus mastering off") &&
	       edu_out() && dma_sentinels_hold(AREA_EDU, 0, 0) &&
	       dma_expect_result(edu_resume(&again, &dma.vfio[EDU]), -EPERM, "edu_resume") &&
	       dma_expect_result(vfio_set_bus_master(&dma.vfio[EDU], true), 0,
				 "bus mastering on") &&
	       edu_out() && dma_edu_arrived(EDU_TO);
}

/* Without a page table, nothing arrives. */
static bool edu_detached(void)
{
	return dma_expect_result(edu_dma_start(&dma.edu, dma_area(AREA_EDU).iova + EDU_FROM, 0,
					       EDU_BYTES, false, 0),
				 0, "edu_dma_start") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_expect_result(vfio_detach(&dma.vfio[EDU]), 0, "vfio_detach") && edu_out() &&
	       dma_sentinels_hold(AREA_EDU, 0, 0) &&
	       dma_expect_result(vfio_attach(&dma.vfio[EDU], dma.shared->hwpt_id), 0,
				 "vfio_attach") &&
	       edu_out() && dma_edu_arrived(EDU_TO);
}

/* An IOVA that needs most of the 48 bits. */
static bool edu_high(void)
{
	const uint64_t iova = 1ull << 46;

	return dma_expect_result(iommufd_map_file(dma.shared->iommufd, dma.shared->ioas_id,
						  dma.memfd, dma.start[AREA_EDU],
						  dma.length[AREA_EDU], iova,
						  IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE),
				 0, "mapping") &&
	       dma_expect_result(edu_copy(&dma.edu, iova + EDU_TO, iova + EDU_FROM, EDU_BYTES), 0,
				 "edu_copy") &&
	       dma_edu_arrived(EDU_TO) &&
	       dma_expect_result(iommufd_unmap(dma.shared->iommufd, dma.shared->ioas_id, iova,
					       dma.length[AREA_EDU]),
				 0, "unmapping");
}

static bool edu_range(void)
{
	return dma_expect_result(edu_dma_start(&dma.edu, dma_area(AREA_EDU).iova, 1,
					       EDU_BUFFER_SIZE, true, 0),
				 -EINVAL, "DMA beyond the device's buffer");
}

static bool edu_second_process(void)
{
	uint64_t iova = dma_area(AREA_EDU).iova;

	return dma_expect_result(edu_dma_start(&dma.edu, iova + EDU_FROM, 0, EDU_BYTES, false, 0),
				 0, "edu_dma_start") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_expect_result(edu_dma_start(&dma.edu, iova + EDU_TO, 0, EDU_BYTES, true, 0), 0,
				 "edu_dma_start") &&
	       in_second_process("edu");
}

/* Started by the host, and seen by it; this process does nothing but look at memory. */
static bool edu_from_outside(void)
{
	uint64_t iova = dma_area(AREA_EDU).iova;
	uint64_t bar = dma_bar_address(dma.shared->address[EDU]);
	const struct arrival_words word = {
		.first = (uint8_t *)dma_area(AREA_EDU).memory + EDU_TO + 5,
		.stride = sizeof(uint32_t),
		.nr = 1,
		.mask = UINT32_MAX,
	};

	return dma_expect(bar, "BAR 0 has no address") &&
	       dma_expect(dma_ask("edu %llx %llx 0 %u", (unsigned long long)bar,
				  (unsigned long long)iova + EDU_FROM, EDU_BYTES) == 0,
			  "the host did not start DMA into the device") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_sentinels_hold(AREA_EDU, 0, 0) && observe(word) &&
	       dma_expect(dma_ask("edu %llx %llx 1 %u", (unsigned long long)bar,
				  (unsigned long long)iova + EDU_TO, EDU_BYTES) == 0,
			  "the host did not start DMA into memory") &&
	       dma_expect_result(edu_dma_wait(&dma.edu, 2000), 0, "edu_dma_wait") &&
	       dma_expect(dma_ask("observe off") == 1, "the host did not see one arrival") &&
	       dma_edu_arrived(EDU_TO);
}

/* ---- NVMe ---- */

static bool nvme_identify(void)
{
	return dma_nvme_start(nvme_event) &&
	       dma_expect(nvme_namespace(&dma.nvme).blocks == SELFTEST_DISK_BYTES / 512,
			  "%llu blocks", (unsigned long long)nvme_namespace(&dma.nvme).blocks);
}

/* More commands than entries, so that both queues wrap and the phase turns twice. */
static bool nvme_wrap(void)
{
	for (uint32_t i = 0; i < 2 * DMA_NVME_DEPTH + 3; i++)
		if (!dma_expect_result(dma_nvme_transfer(false, 0, 1, 20 * DMA_PAGE), 0, "read"))
			return false;
	dma_fill_area(AREA_DATA);
	return true;
}

static bool nvme_interrupt(void)
{
	return dma_nvme_interrupts(nvme_event);
}

static bool nvme_full(void)
{
	struct nvme_done done[DMA_NVME_DEPTH];
	int nr = 0, got;

	while (nvme_submit(&dma.nvme, 2, false, 0, 1, dma_area(AREA_DATA).iova + 20 * DMA_PAGE,
			   0) >= 0)
		nr++;
	for (int left = nr; left; left -= got) {
		got = nvme_poll(&dma.nvme, 2, done, DMA_NVME_DEPTH);
		if (!dma_expect(got >= 0, "nvme_poll: %s", strerror(-got)))
			return false;
	}
	dma_fill_area(AREA_DATA);
	return dma_expect(nr == DMA_NVME_DEPTH - 1, "%d commands fit into a queue of %u", nr,
			  DMA_NVME_DEPTH);
}

/* What was pushed is done when the doorbell was rung, and not before. */
static bool nvme_trims_and_flushes(void)
{
	struct nvme_done done[2];
	int trim = nvme_push(&dma.nvme, 1, NVME_TRIM, 64, 1024, 0, 1);
	int flush = nvme_push(&dma.nvme, 1, NVME_FLUSH, 0, 0, 0, 2);
	uint64_t blocks = nvme_namespace(&dma.nvme).blocks;
	int first, second;

	if (!dma_expect(trim >= 0 && flush >= 0 && trim != flush, "pushed as %d and %d", trim,
			flush) ||
	    !dma_expect_result(nvme_push(&dma.nvme, 1, NVME_TRIM, blocks - 8, 9, 0, 0), -EINVAL,
			       "trimming behind the end") ||
	    !dma_expect_result(nvme_push(&dma.nvme, 1, NVME_FLUSH, 0, 8, 0, 0), -EINVAL,
			       "flushing a range") ||
	    !dma_expect_result(nvme_select(&dma.nvme, 2), -ENODEV, "a namespace that is not there"))
		return false;
	usleep(100000);
	if (!dma_expect(nvme_poll(&dma.nvme, 1, done, 2) == 0, "done without the doorbell"))
		return false;
	nvme_ring(&dma.nvme, 1);
	first = nvme_wait(&dma.nvme, 1, &done[0], DMA_NVME_WAIT_MS);
	second = nvme_wait(&dma.nvme, 1, &done[1], DMA_NVME_WAIT_MS);
	return dma_expect(!first && !second && !done[0].status && !done[1].status &&
				  done[0].command.cookie + done[1].command.cookie == 3,
			  "trim and flush: %d, %d, status %#x and %#x", first, second,
			  done[0].status, done[1].status) &&
	       dma_sentinels_hold(AREA_DATA, 0, 0);
}

static int read_at(uint64_t iova)
{
	struct nvme_done done = { 0 };
	int err = nvme_submit(&dma.nvme, 1, false, 0, 8, iova, 0);

	return err < 0 ? err : nvme_wait(&dma.nvme, 1, &done, DMA_NVME_WAIT_MS);
}

/* As edu_unmapped(). Whether the controller reports what was refused is its own business. */
static bool nvme_unmapped(void)
{
	const uint64_t hole = DMA_BAD_IOVA + (1ull << 30);
	bool ok;

	/* dmar_fault() keeps quiet for the rest of five seconds after a few faults: edu's. */
	sleep(6);
	ok = dma_expect_result(read_at(hole), 0, "a read into a hole") &&
	     dma_sentinels_hold(AREA_DATA, 0, 0) && dma_fault_is_logged(hole) &&
	     dma_expect_result(iommufd_map_file(dma.shared->iommufd, dma.shared->ioas_id, dma.memfd,
						dma.start[AREA_DATA] + 7 * DMA_PAGE, DMA_PAGE, hole,
						IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE),
			       0, "mapping the hole") &&
	     dma_expect_result(read_at(hole), 0, "a read into what was a hole") &&
	     dma_expect(!dma_untouched(dma.start[AREA_DATA] + 7 * DMA_PAGE, DMA_PAGE),
			"the bytes did not arrive") &&
	     dma_sentinels_hold(AREA_DATA, 7 * DMA_PAGE, DMA_PAGE);

	dma_fill_area(AREA_DATA);
	return ok &&
	       dma_expect_result(iommufd_unmap(dma.shared->iommufd, dma.shared->ioas_id, hole,
					       DMA_PAGE),
				 0, "unmapping") &&
	       dma_expect_result(read_at(hole), 0, "a read into a hole again") &&
	       dma_sentinels_hold(AREA_DATA, 0, 0);
}

#define FLYING_LBA 5000u
#define FLYING_FROM (2 * DMA_PAGE)
#define FLYING_TO (50 * DMA_PAGE)

static bool nvme_second_process(void)
{
	return dma_nvme_fly() && in_second_process("nvme");
}

static bool nvme_second(void)
{
	uint32_t late = 0;

	/* What was done before this process ran would prove little. */
	return dma_nvme_take_over(&late) &&
	       dma_expect(late >= DMA_NVME_FLYING / 2, "only %u of %u commands were done late",
			  late, DMA_NVME_FLYING);
}

/* After what a second process did, the first one goes on from the same memory. */
static bool nvme_back(void)
{
	dma_fill_area(AREA_DATA);
	return dma_expect(!nvme_outstanding(&dma.nvme, 1), "commands are outstanding") &&
	       dma_nvme_copies();
}

/* Nobody polls; each completion is seen from outside when the controller writes it. */
static bool nvme_observed(void)
{
	struct nvme_done done[DMA_NVME_DEPTH];
	long long seen;

	if (!observe(nvme_arrivals(&dma.nvme, 1)))
		return false;
	for (uint32_t i = 0; i < DMA_NVME_FLYING; i++)
		if (!dma_expect(nvme_submit(&dma.nvme, 1, false, 0, 1,
					    dma_area(AREA_DATA).iova + FLYING_TO, i) >= 0,
				"nvme_submit"))
			return false;
	sleep(2);
	seen = dma_ask("observe off");
	dma_fill_area(AREA_DATA);
	return dma_expect(seen == DMA_NVME_FLYING, "%lld of %u completions were seen from outside",
			  seen, DMA_NVME_FLYING) &&
	       dma_expect(nvme_poll(&dma.nvme, 1, done, DMA_NVME_DEPTH) == DMA_NVME_FLYING,
			  "not all commands are done");
}

static bool nvme_reset_is_noticed(void)
{
	struct dma_region memory_region = dma_area(AREA_NVME);
	struct nvme again;
	uint64_t *magic = memory_region.memory, kept = *magic;
	bool ok;

	*magic = 1;
	ok = dma_expect_result(nvme_resume(&again, &dma.vfio[NVME], &memory_region), -EINVAL,
			       "nvme_resume of no state");
	*magic = kept;
	ok = ok && dma_expect_result(nvme_resume(&again, &dma.vfio[NVME], &memory_region), 0,
				     "nvme_resume without a reset");
	ok = ok && dma_expect_result(vfio_reset(&dma.vfio[NVME]), 0, "vfio_reset") &&
	     dma_expect_result(vfio_set_bus_master(&dma.vfio[NVME], true), 0, "bus mastering on");
	return ok && dma_expect_result(nvme_resume(&again, &dma.vfio[NVME], &memory_region),
				       -ESTALE, "nvme_resume after a reset");
}

/* Commands that it is given then are not carried out: nothing arrives. */
static bool nvme_stopped(void)
{
	struct dma_region memory_region = dma_area(AREA_NVME);
	struct nvme again;
	int err = nvme_init(&dma.nvme, &dma.vfio[NVME], &memory_region, DMA_NVME_QUEUES,
			    DMA_NVME_DEPTH, false);

	if (!dma_expect_result(err, 0, "nvme_init without interrupts") ||
	    !dma_expect_result(nvme_stop(&dma.nvme), 0, "nvme_stop"))
		return false;
	dma_fill_area(AREA_DATA);
	/* Not before: QEMU crashes when it is stopped with commands under way. */
	for (uint32_t i = 0; err >= 0 && i < DMA_NVME_FLYING; i++)
		err = nvme_submit(&dma.nvme, 1, false, 0, 8, dma_area(AREA_DATA).iova + FLYING_TO,
				  i);
	if (!dma_expect(err >= 0, "nvme_submit: %s", strerror(-err)))
		return false;
	sleep(1);
	return dma_sentinels_hold(AREA_DATA, 0, 0) &&
	       dma_expect(nvme_outstanding(&dma.nvme, 1) == DMA_NVME_FLYING,
			  "commands were taken back") &&
	       dma_expect_result(nvme_resume(&again, &dma.vfio[NVME], &memory_region), -ESTALE,
				 "nvme_resume of a stopped controller");
}

/* ---- igb ---- */

/* While no program of the guest takes or gives anything, each arrival is seen from outside. */
static bool igb_observed(void)
{
	long long seen;

	if (!dma_tell_signatures() || !observe(igb_arrivals(&dma.igb)) ||
	    !dma_expect(dma_ask("peer on 200") >= 0, "the host does not send"))
		return false;
	usleep(300000);
	if (!dma_expect(dma_ask("peer off") > 0, "nothing was sent"))
		return false;
	usleep(100000);
	seen = dma_ask("observe off");
	return dma_expect(seen > 50 && igb_ring_pending(&dma.igb.ring) == seen,
			  "%lld arrivals were seen from outside, %u frames are here", seen,
			  igb_ring_pending(&dma.igb.ring)) &&
	       dma_igb_receive(100);
}

/* Frames are in the pages that the card was given and nowhere else; and a search would tell. */
static bool igb_search(void)
{
	uint8_t *elsewhere = (uint8_t *)dma_area(AREA_EDU).memory + 77;
	long long first = dma_ask("search"), second_time, third;

	memcpy(elsewhere, dma.igb.ring.buffers, FRAME_PREFIX_BYTES);
	second_time = dma_ask("search");
	dma_fill_area(AREA_EDU);
	third = dma_ask("search");
	return dma_expect(!first && second_time == 1 && !third,
			  "frames outside of their buffers: %lld, then %lld, not 1, then %lld",
			  first, second_time, third);
}

static bool igb_receive(void)
{
	uint64_t before = dma.shared->book.arrived;

	if (!dma_expect(dma_ask("peer on 200") >= 0, "the host does not send"))
		return false;
	return dma_igb_receive(1500) &&
	       dma_expect(dma.shared->book.arrived > before + 300, "only %llu frames",
			  (unsigned long long)(dma.shared->book.arrived - before)) &&
	       dma_expect(dma.shared->book.arrived > dma.entries + 10, "the ring did not wrap") &&
	       dma_sentinels_hold(AREA_DATA, 0, 0);
}

static bool igb_second_process(void)
{
	uint64_t before = dma.shared->book.arrived;

	return in_second_process("igb") && dma_igb_receive(300) &&
	       dma_expect(dma.shared->book.arrived > before + 150, "only %llu frames",
			  (unsigned long long)(dma.shared->book.arrived - before));
}

static bool igb_steady_account(void)
{
	return dma_expect(dma_ask("peer off") > 0, "nothing was sent") && dma_igb_receive(300) &&
	       dma_igb_settle("steady");
}

/* Nobody takes frames: the ring fills up, and the rest is overrun, not lost. */
static bool igb_overrun(void)
{
	uint32_t pending;

	if (!dma_expect(dma_ask("peer on 200") >= 0, "the host does not send"))
		return false;
	sleep(2);
	pending = igb_ring_pending(&dma.igb.ring);
	return dma_expect(pending == dma.entries - 1, "%u of %u descriptors are used", pending,
			  dma.entries) &&
	       dma_igb_receive(500) && dma_expect(dma_ask("peer off") > 0, "nothing was sent") &&
	       dma_igb_receive(300) && dma_igb_settle("overrun");
}

/* Frames that come then do not arrive, though there are descriptors for them. */
static bool igb_stopped(void)
{
	struct dma_region memory_region = dma_area(AREA_IGB);
	struct igb again;

	if (!dma_expect_result(igb_stop(&dma.igb), 0, "igb_stop") ||
	    !dma_expect(dma_ask("peer on 200") >= 0, "the host does not send"))
		return false;
	usleep(300000);
	return dma_expect(dma_ask("peer off") > 0, "nothing was sent") &&
	       dma_expect(!igb_ring_pending(&dma.igb.ring), "%u frames arrived",
			  igb_ring_pending(&dma.igb.ring)) &&
	       dma_expect_result(igb_resume(&again, &dma.vfio[IGB], &memory_region), -ESTALE,
				 "igb_resume of a stopped card");
}

/*
 * A buffer where nothing is mapped receives nothing. The descriptors are changed after the card was
 * given them, which is only good for a card that does not fetch them ahead: QEMU's.
 */
static bool igb_unmapped(void)
{
	struct dma_region memory_region = dma_area(AREA_IGB);
	uint64_t right = dma.igb.ring.buffers_iova, arrived = dma.shared->book.arrived;
	uint32_t pending;
	bool ok;

	igb_stop(&dma.igb);
	ok = dma_expect_result(igb_init(&dma.igb, &dma.vfio[IGB], &memory_region, dma.entries), 0,
			       "igb_init");
	if (!ok)
		return false;
	/* What was sent while the card was stopped waited for it, and comes first. */
	do {
		pending = igb_ring_pending(&dma.igb.ring);
		usleep(300000);
	} while (igb_ring_pending(&dma.igb.ring) != pending);
	memset(dma.igb.ring.buffers, 0, dma.entries * IGB_BUFFER_BYTES);
	for (uint32_t i = 0; i < dma.entries; i++)
		dma.igb.ring.descriptors[i].read.buffer += DMA_BAD_IOVA - right;
	ok = dma_expect(dma_ask("peer on 200") >= 0, "the host does not send");
	usleep(300000);
	ok = ok && dma_expect(dma_ask("peer off") > 0, "nothing was sent");
	for (size_t i = 0; ok && i < dma.entries * IGB_BUFFER_BYTES; i++)
		ok = dma_expect(!dma.igb.ring.buffers[i],
				"a frame arrived in a buffer that was not given");
	return ok && dma_expect(dma.shared->book.arrived == arrived, "frames arrived") &&
	       dma_sentinels_hold(AREA_DATA, 0, 0);
}

static bool igb_reset_is_noticed(void)
{
	struct dma_region memory_region = dma_area(AREA_IGB);
	struct igb again;
	bool ok;

	ok = dma_expect_result(igb_resume(&again, &dma.vfio[IGB], &memory_region), 0,
			       "igb_resume without a reset") &&
	     dma_expect_result(vfio_reset(&dma.vfio[IGB]), 0, "vfio_reset") &&
	     dma_expect_result(vfio_set_bus_master(&dma.vfio[IGB], true), 0, "bus mastering on");
	return ok && dma_expect_result(igb_resume(&again, &dma.vfio[IGB], &memory_region), -ESTALE,
				       "igb_resume after a reset");
}

/* ---- all ---- */

/* Given back, a device has no character device; it can be had again. */
static bool release(void)
{
	for (int d = 0; d < DMA_DEVICES; d++) {
		const char *address = dma.shared->address[d];
		struct vfio_device again;

		vfio_close(&dma.vfio[d]);
		if (!dma_expect_result(pci_release_vfio(&sysfs, address), 0, "pci_release_vfio") ||
		    !dma_expect_result(vfio_open(&again, address), -ENODEV,
				       "vfio_open without a driver") ||
		    !dma_expect_result(pci_bind_vfio(&sysfs, address), 0, "pci_bind_vfio") ||
		    !dma_expect_result(vfio_open(&again, address), 0, "vfio_open again"))
			return false;
		vfio_close(&again);
	}
	return dma_expect_result(pci_bind_vfio(&sysfs, "0000:ff:1f.7"), -ENODEV,
				 "binding no device");
}

/* ---- devices lent and had back ---- */

#define JOURNAL "/tmp/bindings"

static unsigned int writes_left;

/* The kernel's own write, and death by kill -9 right before one of them. */
static int write_or_die(const struct sysfs *dying, const char *path, const char *word)
{
	if (!writes_left--)
		kill(getpid(), SIGKILL);
	return sysfs.write(dying, path, word);
}

static void ignore_line(void *context, const char *line)
{
}

/* Drivers of the devices before they are lent: the kernel may have one for the NVMe controller. */
static char before[DMA_DEVICES][PCI_NAME_SIZE];

static bool all_have(bool lent)
{
	for (int d = 0; d < DMA_DEVICES; d++) {
		const char *driver = lent ? VFIO_DRIVER : before[d];
		struct pci_function now;

		if (!dma_expect_result(pci_read(&sysfs, dma.shared->address[d], &now), 0,
				       "pci_read") ||
		    !dma_expect(!strcmp(now.driver, driver) &&
					!strcmp(now.driver_override, lent ? VFIO_DRIVER : ""),
				"%s has driver '%s', override '%s'; wanted driver '%s'",
				now.address, now.driver, now.driver_override, driver))
			return false;
	}
	return true;
}

static bool have_back(void)
{
	struct binding_back back;

	return dma_expect_result(binding_restore(&sysfs, JOURNAL, &back, ignore_line, NULL), 0,
				 "binding_restore") &&
	       dma_expect(back.restored == DMA_DEVICES && !back.gone && !back.left,
			  "%u restored, %u gone, %u left", back.restored, back.gone, back.left) &&
	       all_have(false) && dma_expect(access(JOURNAL, F_OK), "the journal is still there");
}

/* Killed before each write to sysfs: override, unbind, probe; the last round is not killed. */
static bool bindings(void)
{
	const char *addresses[DMA_DEVICES];
	struct binding_problem problem;
	unsigned int writes = 0;

	for (int d = 0; d < DMA_DEVICES; d++) {
		struct pci_function now;

		addresses[d] = dma.shared->address[d];
		if (!dma_expect_result(pci_release_vfio(&sysfs, addresses[d]), 0,
				       "pci_release_vfio") ||
		    !dma_expect_result(pci_read(&sysfs, addresses[d], &now), 0, "pci_read"))
			return false;
		strcpy(before[d], now.driver);
		writes += *now.driver ? 3 : 2;
	}
	for (unsigned int n = 0; n <= writes; n++) {
		bool killed = n < writes;
		int status = -1;
		pid_t child = fork();

		if (!child) {
			struct sysfs dying = sysfs;

			writes_left = n;
			dying.write = write_or_die;
			_exit(-binding_begin(&dying, JOURNAL, addresses, DMA_DEVICES, &problem));
		}
		if (!dma_expect(child > 0 && waitpid(child, &status, 0) == child, "fork: %s",
				strerror(errno)) ||
		    !dma_expect(killed ? WIFSIGNALED(status) : !status,
				"write %u: ended with wait status %#x", n, status) ||
		    (!killed && !all_have(true)) ||
		    !dma_expect_result(binding_begin(&sysfs, JOURNAL, addresses, DMA_DEVICES,
						     &problem),
				       -EEXIST, "binding_begin with a journal") ||
		    !have_back())
			return false;
	}
	return true;
}

/* A disk that somebody has claimed is in use, and is not when it is let go. */
static bool bindings_of_disk(void)
{
	const char *list[] = { dma.shared->address[NVME] };
	struct binding_problem problem = { 0 };
	int disk = -1;
	bool ok;

	if (strcmp(before[NVME], "nvme"))
		return true;
	/* The driver looks for namespaces in its own time. */
	for (int i = 0; i < 100 && disk < 0; i++) {
		disk = open("/dev/nvme0n1", O_RDONLY | O_EXCL | O_CLOEXEC);
		usleep(disk < 0 ? 100000 : 0);
	}
	ok = dma_expect(disk >= 0, "/dev/nvme0n1: %s", strerror(errno)) &&
	     dma_expect_result(binding_check(&sysfs, list, 1, &problem), -EBUSY,
			       "a claimed disk") &&
	     dma_expect(strstr(problem.text, "nvme0n1 is claimed"), "%s", problem.text);
	if (disk >= 0)
		close(disk);
	return ok && dma_expect(!binding_check(&sysfs, list, 1, &problem), "%s", problem.text);
}

/* A bridge of this machine, and a device that it does not have, are nobody's to take. */
static bool bindings_refused(void)
{
	struct sysfs_names names __sysfs_names = { 0 };
	struct binding_problem problem;
	unsigned int bridges = 0;

	sysfs_list(&sysfs, &names, PCI_DEVICES);
	for (size_t i = 0; i < names.nr; i++) {
		const char *list[] = { dma.shared->address[EDU], names.name[i] };
		struct pci_function one;

		if (pci_read(&sysfs, names.name[i], &one) || !pci_is_bridge(&one))
			continue;
		bridges++;
		if (!dma_expect_result(binding_begin(&sysfs, JOURNAL, list, 2, &problem), -EINVAL,
				       "binding a bridge"))
			return false;
	}
	return dma_expect(bridges > 1, "%u bridges, and a root port is there", bridges) &&
	       dma_expect_result(
		       binding_begin(&sysfs, JOURNAL,
				     (const char *[]){ dma.shared->address[EDU], "0000:ff:1f.7" },
				     2, &problem),
		       -ENODEV, "binding no device") &&
	       all_have(false) && dma_expect(access(JOURNAL, F_OK), "a journal was written");
}

static const struct test tests[] = {
	{ "set-up", dma_set_up },
	{ "edu-identity", dma_edu_start },
	{ "edu-dma", dma_edu_copies },
	{ "edu-unmapped", edu_unmapped },
	{ "edu-no-bus-master", edu_no_bus_master },
	{ "edu-detached", edu_detached },
	{ "edu-high", edu_high },
	{ "edu-range", edu_range },
	{ "edu-interrupt", dma_edu_interrupts },
	{ "edu-second-process", edu_second_process },
	{ "edu-from-outside", edu_from_outside },
	{ "nvme-identify", nvme_identify },
	{ "nvme-data", dma_nvme_copies },
	{ "nvme-wrap", nvme_wrap },
	{ "nvme-interrupt", nvme_interrupt },
	{ "nvme-full", nvme_full },
	{ "nvme-trims-and-flushes", nvme_trims_and_flushes },
	{ "nvme-unmapped", nvme_unmapped },
	{ "nvme-second-process", nvme_second_process },
	{ "nvme-back", nvme_back },
	{ "nvme-observed", nvme_observed },
	{ "nvme-reset-is-noticed", nvme_reset_is_noticed },
	{ "nvme-stopped", nvme_stopped },
	{ "igb-link", dma_igb_start },
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
	{ "bindings", bindings },
	{ "bindings-of-disk", bindings_of_disk },
	{ "bindings-refused", bindings_refused },
};

static const struct test second[] = {
	{ "edu", dma_edu_go_on },
	{ "nvme", nvme_second },
	{ "igb", dma_igb_go_on },
};

static int second_process(const char *what, const char *number)
{
	int err;

	dma.memfd = atoi(number);
	err = dma_map_memory();
	if (err)
		return 2;
	for (int d = 0; d < DMA_DEVICES; d++)
		vfio_adopt(&dma.vfio[d], dma.shared->fd[d], dma.shared->iommufd_id[d]);
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

static bool run_tests(const struct test *list, size_t nr, size_t needed)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < nr && (ok || i > needed); i++) {
		ok = list[i].run();
		dma_ask("result %s %s %s", ok ? "pass" : "fail", list[i].name,
			ok ? "" : dma.shared->problem);
		dma.shared->problem[0] = '\0';
	}
	return ok || i > needed;
}

static int run(void)
{
	int err = dma_create_memory();

	if (!err) {
		/* Without devices there is nothing to try. */
		run_tests(tests, ARRAY_SIZE(tests), 1);
		dma_ask("end");
	}
	return err;
}

int main(int argc, char **argv)
{
	int err;

	dma.seed = SELFTEST_SEED;
	dma.entries = SELFTEST_RING;
	dma.frames_max = SELFTEST_FRAMES_MAX;
	dma.ask = ask_host;
	if (getpid() != 1)
		return argc == 3 ? second_process(argv[1], argv[2]) : 2;
	err = system_mount();
	if (!err)
		err = open_host();
	if (!err)
		err = sysfs_open(&sysfs, "/");
	if (!err)
		err = run();
	if (err)
		fprintf(stderr, "selftest: set-up: %s\n", strerror(-err));
	system_power_off();
}
