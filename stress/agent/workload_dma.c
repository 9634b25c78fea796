// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload "dma": an edu, an NVMe controller and a network card in one domain, busy while the
 * kernel beneath them is replaced, and taken over without a reset. A second edu with the same
 * mappings is not preserved, and has to be blocked. What happens while no program runs is seen by
 * the controller (stress/controller/rig.h).
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "agent.h"
#include "dma.h"
#include "system.h"

/* Where an edu that is not preserved tries to write: the same IOVA leads there for the others. */
#define STRANGER_TO (100 * DMA_PAGE + 8)
/* The first word that edu writes which lies at a multiple of its size. */
#define EDU_SEEN 5
/* How long frames may wait in sockets and in the card. */
#define SETTLE_MS 500
/* How long a frame may wait for QEMU, which has much to do while a kernel starts. */
#define PATIENCE_MS 2000
#define OVERRUN_PATIENCE_MS 200
/* How long frames are received beside something else; before that, until few are left, or so often. */
#define WORK_MS 500
#define DRAIN_MS 20
#define DRAINED 10
#define DRAINS 50

static struct event_log *log_to_ask;
static struct vfio_device stranger;
static struct edu stranger_edu;
static char stranger_address[PCI_ADDRESS_SIZE];
static int stranger_iommufd = -1;
static int nvme_events[DMA_NVME_QUEUES + 1];
static int edu_event = -1;
static unsigned int nr_bridges;

static long long ask_controller(const char *line)
{
	return event_ask(log_to_ask, line);
}

/* Hand on what a step noted. Return: 0 or @err. */
static int outcome(struct agent *a, bool ok, int err)
{
	if (ok)
		return 0;
	snprintf(a->w.problem, sizeof(a->w.problem), "%s", dma.shared->problem);
	dma.shared->problem[0] = '\0';
	return err;
}

static int result(struct agent *a, bool ok)
{
	return outcome(a, ok, -EILSEQ);
}

static int begin(struct agent *a)
{
	log_to_ask = &a->log;
	dma.seed = a->c.seed;
	dma.entries = a->c.ring;
	dma.frames_max = FRAME_RUN_MAX;
	/* Behind a bridge its bus has a higher number. */
	dma.edu_nth = a->c.edu_bridge;
	dma.ask = ask_controller;
	return 0;
}

static int arrive(struct agent *a)
{
	char line[32];

	snprintf(line, sizeof(line), "back %u", a->log.cycle);
	if (ask_controller(line))
		return world_problem(&a->w, -EPROTO, "the controller did not expect a new kernel");
	return 0;
}

/* ---- set-up ---- */

/* Tell the controller where configuration space is, for it to look at. */
static bool tell_ecam(void)
{
	unsigned long long address = 0;
	FILE *file __fclose = fopen("/proc/iomem", "re");
	char line[256];

	while (!address && file && fgets(line, sizeof(line), file))
		if (strstr(line, "PCI ECAM 0000"))
			sscanf(line, "%llx", &address);
	return dma_expect(address && dma_ask("ecam %llx", address) == 0,
			  "the controller cannot reach configuration space at %#llx", address);
}

/* All that is above a device has to forward what it sends. */
static bool tell_bridges(const char *address)
{
	char path[PATH_MAX], bridge[PATH_MAX];
	unsigned int number;
	bool ok = true;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/..", address);
	ok = dma_expect(realpath(path, bridge), "%s: %s", path, strerror(errno));
	/* The root bus is called otherwise. */
	while (ok && sscanf(basename(bridge), "%*x:%x:%*x.%*x", &number) == 1) {
		char name[16];

		snprintf(name, sizeof(name), "bridge%u", nr_bridges++);
		ok = dma_tell_device(name, basename(bridge), true);
		*strrchr(bridge, '/') = '\0';
	}
	return ok;
}

static bool tell_devices(void)
{
	nr_bridges = 0;
	return tell_ecam() && dma_tell_device("edu", dma.shared->address[EDU], true) &&
	       dma_tell_device("nvme", dma.shared->address[NVME], true) &&
	       dma_tell_device("igb", dma.shared->address[IGB], true) &&
	       tell_bridges(dma.shared->address[IGB]) && tell_bridges(dma.shared->address[EDU]) &&
	       dma_tell_device("stranger", stranger_address, false);
}

/* What edu copies, from @at on. */
static uint32_t edu_word(size_t at)
{
	uint32_t word;

	memcpy(&word, (uint8_t *)dma_area(AREA_EDU).memory + EDU_FROM + at, sizeof(word));
	return word;
}

/* An edu of its own iommufd, which maps the same, but is not preserved. It works until the jump. */
static bool set_up_stranger(void)
{
	uint64_t to = dma_area(AREA_DATA).iova + STRANGER_TO;
	uint64_t from = dma_area(AREA_EDU).iova + EDU_FROM;
	uint32_t ioas_id;
	bool ok;
	int err;

	stranger_iommufd = iommufd_open();
	err = dma_open(EDU_VENDOR_ID, EDU_DEVICE_ID, !dma.edu_nth, &stranger, stranger_address);
	if (!err)
		err = vfio_bind(&stranger, stranger_iommufd);
	if (!err)
		err = iommufd_ioas_alloc(stranger_iommufd, &ioas_id);
	if (!err)
		err = dma_map_areas(stranger_iommufd, ioas_id);
	if (!err)
		err = vfio_attach(&stranger, ioas_id);
	if (!err)
		err = edu_init(&stranger_edu, &stranger);
	ok = dma_expect_result(err, 0, "the second edu") &&
	     dma_expect_result(edu_copy(&stranger_edu, to, from, EDU_BYTES), 0, "its DMA") &&
	     dma_expect(!memcmp((uint8_t *)dma_area(AREA_DATA).memory + STRANGER_TO,
				(uint8_t *)dma_area(AREA_EDU).memory + EDU_FROM, EDU_BYTES),
			"its bytes did not arrive");
	dma_fill_area(AREA_DATA);
	return ok && dma_expect(dma_ask("stranger %llx %llx %u %x",
					(unsigned long long)dma_bar_address(stranger_address),
					(unsigned long long)to, EDU_BYTES, edu_word(0)) == 0,
				"the controller does not take it");
}

/* Is the ring too short for a live update on purpose? */
static bool overruns(const struct agent *a)
{
	return !strcmp(a->c.scenario, "dma-overrun");
}

static bool start_devices(struct agent *a)
{
	return dma_edu_start() && dma_nvme_start(nvme_events) && dma_igb_start() &&
	       set_up_stranger() && dma_tell_signatures() && tell_devices() &&
	       dma_expect(dma_ask("state first") == 0, "see the check state-first") &&
	       dma_expect(dma_ask("peer on %d", overruns(a) ? OVERRUN_PATIENCE_MS : PATIENCE_MS) >=
				  0,
			  "the controller does not send frames");
}

static int set_up(struct agent *a)
{
	int err = dma_create_memory();

	if (err)
		return world_problem(&a->w, err, "the memfd");
	if (ask_controller("forget"))
		return world_problem(&a->w, -EPROTO,
				     "the controller has nothing for devices that do DMA");
	return result(a, dma_set_up() && start_devices(a));
}

/* ---- old kernel ---- */

static int mark(struct agent *a)
{
	return result(a, dma_expect_result(iommufd_hwpt_mark(dma.shared->iommufd,
							     dma.shared->hwpt_id, DMA_TOKEN_HWPT),
					   0, "marking the HWPT"));
}

static int preserve_memory(struct agent *a)
{
	return result(a, dma_expect_result(liveupdate_preserve_fd(a->session, dma.memfd,
								  DMA_TOKEN_MEMORY),
					   0, "preserving the memfd"));
}

static int preserve(struct agent *a)
{
	int err;

	/* Left on: that the kernel switches it off is seen from outside. */
	edu_event = eventfd(0, EFD_CLOEXEC);
	err = vfio_irq_enable(&dma.vfio[EDU], VFIO_IRQ_MSI, &edu_event, 1);
	if (!err)
		err = liveupdate_preserve_fd(a->session, dma.shared->iommufd, DMA_TOKEN_IOMMUFD);
	for (int d = 0; !err && d < DMA_DEVICES; d++)
		err = liveupdate_preserve_fd(a->session, dma.vfio[d].fd, DMA_TOKEN_DEVICE + d);
	return result(a, dma_expect_result(err, 0, "preserving the iommufd and the devices"));
}

static int remove_function(const char *address)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	return system_write(path, "1");
}

/* What would stop a device, or lead its DMA elsewhere, is refused. */
static bool devices_stay(void)
{
	uint32_t ioas_id = 0;

	for (int d = 0; d < DMA_DEVICES; d++)
		if (!dma_expect_result(remove_function(dma.shared->address[d]), -EBUSY,
				       "removing a preserved device"))
			return false;
	return dma_expect_result(vfio_reset(&dma.vfio[NVME]), -EBUSY,
				 "resetting a preserved device") &&
	       dma_expect_result(vfio_reset(&dma.vfio[IGB]), -EBUSY,
				 "resetting a preserved device") &&
	       dma_expect_result(iommufd_ioas_alloc(dma.shared->iommufd, &ioas_id), 0,
				 "another IOAS") &&
	       dma_expect_result(vfio_attach(&dma.vfio[EDU], ioas_id), -EBUSY,
				 "attaching a preserved device elsewhere") &&
	       dma_expect_result(iommufd_destroy(dma.shared->iommufd, ioas_id), 0, "destroying it");
}

static int immutable(struct agent *a)
{
	return result(a,
		      devices_stay() && dma_expect_result(iommufd_unmap(dma.shared->iommufd,
									dma.shared->ioas_id,
									dma_area(AREA_EDU).iova,
									dma.length[AREA_EDU]),
							  -EBUSY, "unmapping what is preserved"));
}

/* What the controller is to look at while nobody else can; each class has figures of its own. */
static bool name_words(void)
{
	struct arrival_words word = { .stride = sizeof(uint32_t), .nr = 1, .mask = UINT32_MAX };
	bool ok;

	word.first = (uint8_t *)dma_area(AREA_EDU).memory + EDU_TO + EDU_SEEN;
	ok = dma_ask("watch nothing") == 0 && dma_ask("class 0") == 0 && dma_watch(word) &&
	     dma_ask("class 1") == 0 && dma_watch(nvme_arrivals(&dma.nvme, 1)) &&
	     dma_ask("class 2") == 0 && dma_watch(igb_arrivals(&dma.igb)) &&
	     dma_ask("class 3") == 0;
	word.first = (uint8_t *)dma_area(AREA_DATA).memory + STRANGER_TO;
	return dma_expect(ok && dma_watch(word), "the controller cannot watch");
}

static bool tell_friend(void)
{
	return dma_expect(dma_ask("friend %llx %llx %u %x",
				  (unsigned long long)dma_bar_address(dma.shared->address[EDU]),
				  (unsigned long long)dma_area(AREA_EDU).iova + EDU_TO, EDU_BYTES,
				  edu_word(EDU_SEEN)) == 0,
			  "the controller does not take edu");
}

static bool ready(struct agent *a)
{
	/* The commands last: they are done soon. */
	return dma_edu_load(&stranger_edu) && dma_edu_load(&dma.edu) && tell_friend() &&
	       dma_igb_receive(100) && name_words() && dma_nvme_fly() &&
	       dma_expect(dma_ask("jump %u %s", a->log.cycle + 1,
				  overruns(a) ? "overrun" : "preserved") == 0,
			  "the controller is not ready for the jump");
}

/* Nothing is preserved, so the kernel has to stop all of it: the peer rests, edu could write. */
static bool ready_to_stop(struct agent *a)
{
	return dma_expect(dma_ask("peer off") >= 0, "the controller has no peer") &&
	       dma_igb_receive(SETTLE_MS) && dma_edu_load(&dma.edu) && tell_friend() &&
	       name_words() &&
	       dma_expect(dma_ask("jump %u stopped", a->log.cycle + 1) == 0,
			  "the controller is not ready for the jump");
}

static int depart(struct agent *a)
{
	return result(a, a->c.preserve ? ready(a) : ready_to_stop(a));
}

/* ---- new kernel ---- */

static int retrieve_memory(struct agent *a)
{
	int err;

	dma.memfd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_MEMORY);
	if (dma.memfd < 0)
		return world_problem(&a->w, dma.memfd, "retrieving the memfd");
	err = dma_map_memory();
	return err ? world_problem(&a->w, err, "mapping the memfd") : 0;
}

/* Nothing but the session leads to a device that waits. */
static int retrieve(struct agent *a)
{
	struct vfio_device again = { .fd = -1 };
	int iommufd = -1;

	if (!dma_expect_result(vfio_open(&again, dma.shared->address[EDU]), -EBUSY,
			       "opening the device's file"))
		return result(a, false);
	iommufd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_IOMMUFD);
	dma.shared->iommufd = iommufd;
	return result(a,
		      dma_expect(iommufd >= 0, "retrieving the iommufd: %s", strerror(-iommufd)) &&
			      dma_expect_result(iommufd_hwpt_retrieve(iommufd, DMA_TOKEN_HWPT,
								      &dma.shared->hwpt_id),
						0, "retrieving the HWPT"));
}

static bool retrieve_devices(struct agent *a)
{
	for (int d = 0; d < DMA_DEVICES; d++) {
		int fd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_DEVICE + d);

		if (!dma_expect(fd >= 0, "retrieving device %d: %s", d, strerror(-fd)))
			return false;
		vfio_adopt(&dma.vfio[d], fd, 0);
		dma.shared->fd[d] = fd;
	}
	return dma_expect(dma_ask("state retrieved") == 0, "see the check state-retrieved");
}

/* Only the iommufd that has its HWPT may have a device, and no other HWPT. */
static bool bind_devices(void)
{
	int other __close = iommufd_open();
	uint32_t ioas_id = 0;
	int err = 0;

	if (!dma_expect_result(vfio_bind(&dma.vfio[EDU], other), -EPERM,
			       "binding to another iommufd"))
		return false;
	for (int d = 0; !err && d < DMA_DEVICES; d++) {
		err = vfio_bind(&dma.vfio[d], dma.shared->iommufd);
		dma.shared->iommufd_id[d] = dma.vfio[d].iommufd_id;
	}
	if (!dma_expect_result(err, 0, "binding"))
		return false;
	err = iommufd_ioas_alloc(dma.shared->iommufd, &ioas_id);
	if (!dma_expect_result(err, 0, "another IOAS") ||
	    !dma_expect_result(vfio_attach(&dma.vfio[EDU], ioas_id), -EINVAL,
			       "attaching to another IOAS") ||
	    !dma_expect_result(iommufd_destroy(dma.shared->iommufd, ioas_id), 0, "destroying it"))
		return false;
	for (int d = 0; !err && d < DMA_DEVICES; d++)
		err = vfio_attach(&dma.vfio[d], dma.shared->hwpt_id);
	return dma_expect_result(err, 0, "attaching") &&
	       dma_expect(dma_ask("state attached") == 0, "see the check state-attached");
}

static int restore_devices(struct agent *a)
{
	return result(a, retrieve_devices(a) && bind_devices());
}

/* The first look after a jump: what was under way must have come, on queues as they were. */
static bool go_on(struct agent *a)
{
	uint32_t late = 0;

	if (!dma_edu_go_on() || !dma_nvme_take_over(&late) || !dma_igb_go_on())
		return false;
	agent_check(
		a, "completions", true,
		"each of %u commands completed once with its block, %u of them after the new kernel's agent had looked",
		DMA_NVME_FLYING, late);
	return true;
}

static int verify(struct agent *a)
{
	uint64_t arrived = dma.shared->book.arrived;
	bool ok = true;

	if (!dma.nvme.state)
		ok = go_on(a);
	ok = ok && dma_edu_copies() && dma_nvme_copies() && dma_igb_receive(200) &&
	     dma_expect(dma.shared->book.arrived > arrived, "no frame arrives");
	return result(a, ok);
}

static int rebuild(struct agent *a)
{
	int err = iommufd_ioas_alloc(dma.shared->iommufd, &dma.shared->ioas_id);

	if (!err)
		err = dma_map_areas(dma.shared->iommufd, dma.shared->ioas_id);
	return result(a, dma_expect_result(err, 0, "rebuilding the IOAS") &&
				 dma_expect_result(liveupdate_finish(a->session), -EBUSY,
						   "finishing before the adoption"));
}

static int adopt(struct agent *a)
{
	return result(a,
		      dma_expect_result(iommufd_hwpt_adopt(dma.shared->iommufd, dma.shared->hwpt_id,
							   dma.shared->ioas_id),
					0, "adopting"));
}

/* Unmapping has to reach the IOMMU's caches: a stale entry would let the bytes through. */
static int remap(struct agent *a)
{
	return result(a, dma_edu_unmapped(false) && dma_edu_interrupts());
}

static int work(struct agent *a, uint64_t *done)
{
	const uint64_t *arrived = &dma.shared->book.arrived;
	uint64_t before = 0;
	bool ok = true;

	/* Frames that have waited in the ring did not come meanwhile. */
	for (unsigned int i = 0; *arrived > before + DRAINED && ok && i < DRAINS; i++) {
		before = *arrived;
		ok = dma_igb_receive(DRAIN_MS);
	}
	before = *arrived;
	ok = ok && dma_igb_receive(WORK_MS);
	*done += *arrived - before;
	return result(a, ok);
}

static bool account(struct agent *a)
{
	return dma_expect(dma_ask("state finished") == 0, "see the check state-finished") &&
	       dma_edu_unmapped(false) && dma_nvme_listen(nvme_events) &&
	       dma_nvme_interrupts(nvme_events) && dma_igb_receive(SETTLE_MS) &&
	       dma_expect(dma_ask("peer off") > 0, "nothing was sent") &&
	       dma_igb_receive(SETTLE_MS) && dma_igb_settle(overruns(a) ? "overrun" : "jump") &&
	       dma_expect(dma_ask("search") == 0, "see the check signatures") &&
	       set_up_stranger() &&
	       dma_expect(dma_ask("peer on") >= 0, "the controller does not send frames");
}

static int settle(struct agent *a)
{
	return result(a, account(a));
}

static uint64_t memory_bytes(const struct agent *a)
{
	(void)a;
	return dma.bytes;
}

const struct workload workload_dma = {
	.name = "dma",
	.verified =
		"edu copies, NVMe writes and reads, frames arrive, each between bytes that stay as they are",
	.remapped =
		"a hole blocks edu, its bytes arrive once it is mapped, and not after it was unmapped; interrupts arrive",
	.begin = begin,
	.arrive = arrive,
	.set_up = set_up,
	.mark = mark,
	.preserve_memory = preserve_memory,
	.preserve = preserve,
	.immutable = immutable,
	.depart = depart,
	.retrieve_memory = retrieve_memory,
	.retrieve = retrieve,
	.restore_devices = restore_devices,
	.verify = verify,
	.rebuild = rebuild,
	.adopt = adopt,
	.remap = remap,
	.work = work,
	.work_metric = "igb_beside_dpdk",
	.work_unit = "frames",
	.settle = settle,
	.memory_bytes = memory_bytes,
};
