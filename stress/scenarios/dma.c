// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios of the workload "dma": sessions that nobody takes from, and kernels that cannot use what
 * was preserved. What the devices do meanwhile is seen by the controller.
 */
#include <errno.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "../agent/agent.h"
#include "../agent/dma.h"
#include "../agent/system.h"
#include "scenarios.h"

/* The memory comes back whatever the IOMMU's driver says: it tells what has arrived in it. */
static int memory_back(struct agent *a)
{
	int err = agent_session_retrieve(a);

	return err ? err : agent_error(a, "retrieve", a->workload->retrieve_memory(a));
}

static int finish(struct agent *a, int wanted, const char *what)
{
	int err = liveupdate_finish(a->session);

	agent_check(a, "finish", err == wanted, "finishing the session, %s: %s, not %s", what,
		    strerror(-err), strerror(-wanted));
	if (!err) {
		cleanup_close(&a->session);
		a->session = -1;
	}
	return err == wanted ? 0 : err ?: -EPROTO;
}

/*
 * A reboot that is no live update hands nothing over, so devices have to be stopped, preserved or
 * not. The case ends here: the controller looks at the machine when it is off.
 */
static int leave_by(struct agent *a, int command)
{
	agent_check(a, "ready", dma_ask("jump %u off", a->log.cycle + 1) == 0,
		    "the controller looks on");
	event_done(&a->log, "pass", "the machine is switched off while devices are preserved");
	reboot(command);
	return -errno;
}

int dma_reboot_leave(struct agent *a)
{
	return leave_by(a, RB_AUTOBOOT);
}

int dma_power_off_leave(struct agent *a)
{
	return leave_by(a, RB_POWER_OFF);
}

/*
 * Until the session is finished devices go on as before; then they are reset and still, and one
 * that is made a bus master is stopped by the IOMMU.
 */
int dma_unseen_retrieve(struct agent *a)
{
	int err = memory_back(a);

	if (err)
		return err;
	agent_check(a, "waiting", dma_ask("state waiting") == 0, "see the check state-waiting");
	err = finish(a, 0, "of which only the memory was taken");
	if (err)
		return err;
	agent_check(a, "quiet", dma_ask("quiet") == 0, "see the check state-quiet");
	agent_check(a, "fault-logged",
		    dma_fault_is_logged((dma_area(AREA_EDU).iova + EDU_TO) &
					~(uint64_t)(DMA_PAGE - 1)),
		    "the IOMMU's fault is in the kernel's log: %s", dma.shared->problem);
	a->fresh = true;
	return 0;
}

/* What came of a session. @hwpt: 0, or why its HWPT could not be had */
struct taken {
	struct vfio_device device;
	int iommufd;
	int hwpt;
	uint32_t hwpt_id;
};

/* Retrieve all that can be had. Return: how the first thing failed that could not, or 0. */
static int take_all(struct agent *a, struct taken *t)
{
	int fd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_DEVICE);
	int err = 0;

	t->iommufd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_IOMMUFD);
	t->hwpt = t->iommufd < 0 ? t->iommufd :
				   iommufd_hwpt_retrieve(t->iommufd, DMA_TOKEN_HWPT, &t->hwpt_id);
	vfio_adopt(&t->device, fd, 0);
	if (t->hwpt < 0)
		err = t->hwpt;
	else if (fd < 0)
		err = fd;
	if (!err)
		err = vfio_bind(&t->device, t->iommufd);
	return err ? err : vfio_attach(&t->device, t->hwpt_id);
}

/* A domain that cannot be restored stays as it is, with its memory: the case ends here. */
static int end_with_domain(struct agent *a)
{
	a->over = true;
	a->fresh = true;
	return finish(a, -EBUSY, "with a domain that cannot be restored");
}

/*
 * No device does anything, and none can be attached to what was preserved. What can be given back
 * then is given back, and the machine is set up anew.
 */
int dma_refused_retrieve(struct agent *a)
{
	struct taken t;
	int err = memory_back(a);

	if (err)
		return err;
	agent_check(a, "still", dma_ask("blocked") == 0, "see the check blocked");
	err = take_all(a, &t);
	agent_check(a, "refused", err, "a device is not attached to its domain: %s",
		    strerror(-err));
	agent_check(a, "found-nowhere", dma_ask("search") == 0, "see the check signatures");
	if (t.hwpt < 0)
		return end_with_domain(a);
	err = iommufd_destroy(t.iommufd, t.hwpt_id);
	agent_check(a, "destroyed", !err, "destroying a HWPT that nobody adopts: %s",
		    strerror(-err));
	if (t.device.fd >= 0)
		vfio_close(&t.device);
	err = finish(a, 0, "with its HWPT destroyed");
	close(t.iommufd);
	a->fresh = true;
	return err;
}

/*
 * The table of the domain is right, what is said of it is not: devices go on in the memory that they
 * have, which nobody else gets.
 */
int dma_unrestorable_retrieve(struct agent *a)
{
	struct taken t;
	int err = memory_back(a);

	if (err)
		return err;
	take_all(a, &t);
	agent_check(a, "refused", t.hwpt == -EINVAL, "restoring the domain: %s", strerror(-t.hwpt));
	agent_check(a, "go-on", dma_ask("state retrieved") == 0, "see the check state-retrieved");
	agent_check(a, "found-nowhere", dma_ask("search") == 0, "see the check signatures");
	return end_with_domain(a);
}

/* One of three devices is not there: it cannot be had, the others are taken over as ever. */
int dma_gone_retrieve(struct agent *a)
{
	uint32_t late = 0;
	int fd, err = memory_back(a);

	if (!err)
		err = agent_error(a, "retrieve", a->workload->retrieve(a));
	if (err)
		return err;
	fd = liveupdate_retrieve_fd(a->session, DMA_TOKEN_DEVICE + IGB);
	agent_check(a, "gone", fd == -ENODEV, "retrieving the device that is gone: %s",
		    fd < 0 ? strerror(-fd) : "done");
	for (int d = 0; !err && d < IGB; d++) {
		vfio_adopt(&dma.vfio[d], liveupdate_retrieve_fd(a->session, DMA_TOKEN_DEVICE + d),
			   0);
		err = vfio_bind(&dma.vfio[d], dma.shared->iommufd);
		if (!err)
			err = vfio_attach(&dma.vfio[d], dma.shared->hwpt_id);
	}
	agent_check(a, "attached", !err, "attaching the devices that are there: %s",
		    strerror(-err));
	if (err)
		return err;
	agent_check(a, "others-go-on", dma_edu_go_on() && dma_nvme_take_over(&late),
		    "%u commands late %s", late, dma.shared->problem);
	err = iommufd_ioas_alloc(dma.shared->iommufd, &dma.shared->ioas_id);
	if (!err)
		err = dma_map_areas(dma.shared->iommufd, dma.shared->ioas_id);
	if (!err)
		err = agent_error(a, "adopt", a->workload->adopt(a));
	if (err)
		return err;
	agent_check(a, "others-translate", dma_edu_copies() && dma_edu_unmapped(false), "%s",
		    dma.shared->problem);
	a->over = true;
	a->fresh = true;
	return finish(a, 0, "with a device that is gone");
}
