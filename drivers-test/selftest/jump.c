// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live updates while edu, NVMe and igb do DMA: this program is the init process of three kernels.
 * The first one sets the devices up and jumps while they are busy. The second one takes them over
 * without a reset, and jumps again. The third one finishes the session without taking anything,
 * after which the devices have to be quiet.
 *
 * What one kernel wants the next one to know is in the memfd that the devices share with us
 * (struct shared). What happens while no program runs is seen by the host (host_jump.c).
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

#include "guest.h"
#include "system.h"

#define KERNEL "/boot/bzImage"
/* The session of the first jump, and the one that nobody takes anything from. */
#define SESSION "selftest"
#define SESSION_LEFT "selftest-left"
#define TOKEN_MEMORY 1ull
#define TOKEN_IOMMUFD 2ull
#define TOKEN_DEVICE 10ull
#define TOKEN_HWPT 0x6873ull

/* Where an edu that is not preserved tries to write: the same IOVA leads there for the others. */
#define STRANGER_TO (100 * PAGE + 8)

static int liveupdate_fd = -1;
static int session_fd = -1;
static struct vfio_device stranger;
static struct edu stranger_edu;
static char stranger_address[VFIO_ADDRESS_SIZE];

bool jump_wanted(void)
{
	char words[4096];

	return !system_read("/proc/cmdline", words, sizeof(words)) &&
	       strstr(words, " " SELFTEST_JUMP);
}

/* ---- first kernel ---- */

/* Tell the host where configuration space is, for it to look at. */
static bool tell_ecam(void)
{
	unsigned long long address = 0;
	FILE *file __fclose = fopen("/proc/iomem", "re");
	char line[256];

	while (!address && file && fgets(line, sizeof(line), file))
		if (strstr(line, "PCI ECAM 0000"))
			sscanf(line, "%llx", &address);
	return expect(address && ask("ecam %llx", address) == 0,
		      "the host cannot reach configuration space at %#llx", address);
}

/* Have the host watch over the bus-master bit of a device: is it to stay? */
static bool tell_device(const char *name, const char *address, bool stays)
{
	unsigned int bus, slot, function;

	return expect(sscanf(address, "%*x:%x:%x.%x", &bus, &slot, &function) == 3 &&
			      ask("device %s %x %d", name, bus << 8 | slot << 3 | function,
				  stays) == 0,
		      "the host does not take device %s", address);
}

static bool tell_devices(void)
{
	char path[PATH_MAX], bridge[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/..", shared->address[IGB]);
	return expect(realpath(path, bridge), "%s: %s", path, strerror(errno)) && tell_ecam() &&
	       tell_device("edu", shared->address[EDU], true) &&
	       tell_device("nvme", shared->address[NVME], true) &&
	       tell_device("igb", shared->address[IGB], true) &&
	       tell_device("bridge", basename(bridge), true) &&
	       tell_device("stranger", stranger_address, false) &&
	       expect(ask("state first") == 0, "see the host's line");
}

/* An edu of its own iommufd, which maps the same, but is not preserved. It works until the jump. */
static bool set_up_stranger(void)
{
	uint64_t data = region(AREA_DATA).iova + STRANGER_TO;
	uint64_t from = region(AREA_EDU).iova + EDU_FROM;
	int iommufd = iommufd_open();
	uint32_t ioas_id;
	bool ok;
	int err = find_and_open(EDU_VENDOR_ID, EDU_DEVICE_ID, 1, &stranger, stranger_address);

	if (!err)
		err = vfio_bind(&stranger, iommufd);
	if (!err)
		err = iommufd_ioas_alloc(iommufd, &ioas_id);
	if (!err)
		err = map_areas(iommufd, ioas_id);
	if (!err)
		err = vfio_attach(&stranger, ioas_id);
	if (!err)
		err = edu_init(&stranger_edu, &stranger);
	ok = expect_result(err, 0, "the second edu") &&
	     expect_result(edu_copy(&stranger_edu, data, from, EDU_BYTES), 0, "its DMA") &&
	     expect(!memcmp((uint8_t *)region(AREA_DATA).memory + STRANGER_TO,
			    (uint8_t *)region(AREA_EDU).memory + EDU_FROM, EDU_BYTES),
		    "its bytes did not arrive");
	fill(start[AREA_DATA], length[AREA_DATA]);
	return ok && expect(ask("stranger %llx %llx %u",
				(unsigned long long)bar_address(stranger_address),
				(unsigned long long)data, EDU_BYTES) == 0,
			    "the host does not take it");
}

static bool igb_flow(void)
{
	return igb_link() && expect(ask("peer on") >= 0, "the host does not send") &&
	       receive(1500, true) &&
	       expect(shared->book.arrived > 30, "only %llu frames arrived",
		      (unsigned long long)shared->book.arrived);
}

static bool load(void)
{
	return expect_result(system_kexec_load(KERNEL), 0, "loading " KERNEL);
}

static bool preserve(const char *name)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	int err = vfio_irq_enable(&vfio[EDU], VFIO_IRQ_MSI, &fd, 1);

	/* Left on: that the kernel switches it off is seen by the host. */
	if (!expect_result(err, 0, "MSI on"))
		return false;
	session_fd = liveupdate_session_create(liveupdate_fd, name);
	if (!expect(session_fd >= 0, "the session: %s", strerror(-session_fd)) ||
	    !expect_result(iommufd_hwpt_mark(shared->iommufd, shared->hwpt_id, TOKEN_HWPT), 0,
			   "marking the HWPT") ||
	    !expect_result(liveupdate_preserve_fd(session_fd, memfd, TOKEN_MEMORY), 0,
			   "preserving the memfd") ||
	    !expect_result(liveupdate_preserve_fd(session_fd, shared->iommufd, TOKEN_IOMMUFD), 0,
			   "preserving the iommufd"))
		return false;
	for (int d = 0; !err && d < DEVICES; d++)
		err = liveupdate_preserve_fd(session_fd, vfio[d].fd, TOKEN_DEVICE + d);
	return expect_result(err, 0, "preserving the devices");
}

static bool preserve_first(void)
{
	return preserve(SESSION) &&
	       expect_result(vfio_reset(&vfio[NVME]), -EBUSY, "resetting a preserved device") &&
	       expect_result(iommufd_unmap(shared->iommufd, shared->ioas_id, region(AREA_EDU).iova,
					   length[AREA_EDU]),
			     -EBUSY, "unmapping what is preserved");
}

/* What the host is to look at while nobody else can. Each class has a line in the figures. */
static bool name_words(void)
{
	struct arrival_words word = { .stride = sizeof(uint32_t), .nr = 1, .mask = UINT32_MAX };
	uint8_t *to = (uint8_t *)region(AREA_EDU).memory + EDU_TO + 5;
	uint8_t *stranger_to = (uint8_t *)region(AREA_DATA).memory + STRANGER_TO;
	bool ok;

	word.first = to;
	ok = ask("watch nothing") == 0 && ask("class 0") == 0 && watch(word) &&
	     ask("class 1") == 0 && watch(nvme_arrivals(&nvme, 1)) && ask("class 2") == 0 &&
	     watch(igb_arrivals(&igb)) && ask("class 3") == 0;
	word.first = stranger_to;
	return expect(ok && watch(word), "the host cannot watch");
}

/* Have the device's buffer filled, so that the host can have it written to memory. */
static bool load_edu(struct edu *device)
{
	return expect_result(edu_dma_start(device, region(AREA_EDU).iova + EDU_FROM, 0, EDU_BYTES,
					   false, 0),
			     0, "edu_dma_start") &&
	       expect_result(edu_dma_wait(device, 2000), 0, "edu_dma_wait");
}

static bool ready_edu(void)
{
	return load_edu(&edu) &&
	       expect(ask("friend %llx %llx %u",
			  (unsigned long long)bar_address(shared->address[EDU]),
			  (unsigned long long)region(AREA_EDU).iova + EDU_TO, EDU_BYTES) == 0,
		      "the host does not take edu");
}

/* Does not return if all is well. */
static bool jump(const char *name)
{
	return expect(ask("jump %s", name) == 0, "the host is not ready") &&
	       expect_result(system_kexec(), 0, "the jump");
}

static bool leave_first(void)
{
	/* The commands last: they are done soon. */
	return load_edu(&stranger_edu) && ready_edu() && receive(100, true) && name_words() &&
	       nvme_fly() && jump("taken");
}

static const struct test first[] = {
	{ "set-up", set_up },
	{ "edu-identity", edu_identity },
	{ "edu-dma", edu_dma },
	{ "stranger", set_up_stranger },
	{ "nvme-identify", nvme_identify },
	{ "igb-flow", igb_flow },
	{ "devices", tell_devices },
	{ "load", load },
	{ "preserve", preserve_first },
	{ "leave", leave_first },
};

/* ---- second kernel ---- */

static int retrieve_memory(void)
{
	memfd = liveupdate_retrieve_fd(session_fd, TOKEN_MEMORY);
	return memfd < 0 ? memfd : map_memory();
}

/* Nothing but the session leads to a device that waits. */
static bool retrieve(void)
{
	struct vfio_device again = { .fd = -1 };
	int iommufd, err;

	if (!expect_result(vfio_open(&again, shared->address[EDU]), -EBUSY, "opening the cdev"))
		return false;
	iommufd = liveupdate_retrieve_fd(session_fd, TOKEN_IOMMUFD);
	if (!expect(iommufd >= 0, "retrieving the iommufd: %s", strerror(-iommufd)))
		return false;
	shared->iommufd = iommufd;
	err = iommufd_hwpt_retrieve(iommufd, TOKEN_HWPT, &shared->hwpt_id);
	if (!expect_result(err, 0, "retrieving the HWPT"))
		return false;
	for (int d = 0; d < DEVICES; d++) {
		int fd = liveupdate_retrieve_fd(session_fd, TOKEN_DEVICE + d);

		if (!expect(fd >= 0, "retrieving device %d: %s", d, strerror(-fd)))
			return false;
		vfio_adopt(&vfio[d], fd, 0);
		shared->fd[d] = fd;
	}
	return expect(ask("state retrieved") == 0, "see the host's line");
}

/* Only the iommufd that has its HWPT may have a device, and no other HWPT. */
static bool bind(void)
{
	int other __close = iommufd_open();
	uint32_t ioas_id = 0;
	int err = 0;

	if (!expect_result(vfio_bind(&vfio[EDU], other), -EPERM, "binding to another iommufd"))
		return false;
	for (int d = 0; !err && d < DEVICES; d++) {
		err = vfio_bind(&vfio[d], shared->iommufd);
		shared->iommufd_id[d] = vfio[d].iommufd_id;
	}
	if (!expect_result(err, 0, "binding"))
		return false;
	err = iommufd_ioas_alloc(shared->iommufd, &ioas_id);
	if (!expect_result(err, 0, "another IOAS") ||
	    !expect_result(vfio_attach(&vfio[EDU], ioas_id), -EINVAL,
			   "attaching to another IOAS") ||
	    !expect_result(iommufd_destroy(shared->iommufd, ioas_id), 0, "destroying it"))
		return false;
	for (int d = 0; !err && d < DEVICES; d++)
		err = vfio_attach(&vfio[d], shared->hwpt_id);
	return expect_result(err, 0, "attaching") &&
	       expect(ask("state attached") == 0, "see the host's line");
}

static bool nvme_resume_late(void)
{
	uint32_t late = 0;

	return nvme_take_over(&late) &&
	       expect(ask("late %u", late) == 0, "the host does not take a number");
}

static bool rebuild(void)
{
	int err = iommufd_ioas_alloc(shared->iommufd, &shared->ioas_id);

	if (!err)
		err = map_areas(shared->iommufd, shared->ioas_id);
	return expect_result(err, 0, "rebuilding the IOAS") &&
	       expect_result(liveupdate_finish(session_fd), -EBUSY, "finishing too early") &&
	       expect_result(iommufd_hwpt_adopt(shared->iommufd, shared->hwpt_id, shared->ioas_id),
			     0, "adopting") &&
	       edu_dma();
}

static bool finish(void)
{
	return expect_result(liveupdate_finish(session_fd), 0, "finishing") &&
	       expect(ask("state finished") == 0, "see the host's line");
}

static bool igb_account(void)
{
	return receive(500, true) && expect(ask("peer off") > 0, "nothing was sent") &&
	       receive(500, true) && settle("jump");
}

static bool search(void)
{
	return tell_pages() &&
	       expect(ask("search") == 0, "frames are outside of their buffers, or nowhere");
}

static bool igb_after(void)
{
	return expect(ask("peer on") >= 0, "the host does not send") && receive(1000, true);
}

static bool preserve_again(void)
{
	return preserve(SESSION_LEFT);
}

static bool leave_again(void)
{
	return load_edu(&stranger_edu) && ready_edu() && name_words() && nvme_fly() && jump("left");
}

static const struct test second[] = {
	{ "retrieve", retrieve },
	{ "bind", bind },
	{ "edu-resume", edu_second },
	{ "nvme-resume", nvme_resume_late },
	{ "igb-resume", igb_second },
	{ "rebuild", rebuild },
	{ "finish", finish },
	{ "edu-dma-after", edu_dma },
	{ "edu-unmapped-after", edu_unmapped },
	{ "edu-interrupt-after", edu_interrupt },
	{ "nvme-data-after", nvme_back },
	{ "igb-account", igb_account },
	{ "search", search },
	{ "stranger-after", set_up_stranger },
	{ "igb-after", igb_after },
	{ "load-again", load },
	{ "preserve-again", preserve_again },
	{ "leave-again", leave_again },
};

/* ---- third kernel ---- */

static bool finish_left(void)
{
	return expect(ask("state waiting") == 0, "see the host's line") &&
	       expect_result(liveupdate_finish(session_fd), 0, "finishing") &&
	       expect(ask("quiet") == 0, "see the host's line") &&
	       fault_is_logged((region(AREA_EDU).iova + EDU_TO) & ~(uint64_t)(PAGE - 1));
}

static const struct test third[] = {
	{ "finish-left", finish_left },
};

/* ---- all ---- */

/* Go on where the previous kernel stopped. Return: 0, or -ENOENT in the first kernel. */
static int go_on(void)
{
	int err;

	session_fd = liveupdate_session_retrieve(liveupdate_fd, SESSION);
	if (session_fd < 0)
		return session_fd;
	ask("back taken");
	err = retrieve_memory();
	if (!err)
		run_tests(second, ARRAY_SIZE(second), ARRAY_SIZE(second));
	return err;
}

static int end_left(void)
{
	int err;

	session_fd = liveupdate_session_retrieve(liveupdate_fd, SESSION_LEFT);
	if (session_fd < 0)
		return session_fd;
	ask("back left");
	/* For our own use. */
	err = create_memory();
	if (!err && run_tests(third, ARRAY_SIZE(third), ARRAY_SIZE(third)))
		ask("end");
	return err;
}

int jump_run(void)
{
	int err = 0;

	igb_entries = SELFTEST_JUMP_ENTRIES;
	liveupdate_fd = liveupdate_open();
	if (liveupdate_fd < 0)
		return liveupdate_fd;
	err = go_on();
	if (err == -ENOENT)
		err = end_left();
	if (err == -ENOENT) {
		err = create_memory();
		if (!err)
			run_tests(first, ARRAY_SIZE(first), ARRAY_SIZE(first));
	}
	if (err)
		ask("result fail session %s", strerror(-err));
	return err;
}
