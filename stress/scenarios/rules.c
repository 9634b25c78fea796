// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios about what the interface refuses, and about what is not preserved: it is gone, and does
 * not disturb what is.
 */
#include <errno.h>
#include <string.h>

#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "../agent/agent.h"
#include "scenarios.h"

/*
 * A second world beside the first: one domain, one device, an iommufd of its own. It lives until
 * the kexec.
 */
static struct world other;

static int other_create(struct agent *a, bool unsealed)
{
	int err;

	other = (struct world){
		.ops = a->w.ops,
		.domains = 1,
		.devices = 1,
		.iommufds = 1,
		.mappings = a->w.mappings,
		.seed = a->w.seed + 1,
		.unsealed = unsealed,
	};
	err = world_init(&other);
	if (!err)
		err = world_create_memory(&other);
	if (!err) {
		world_sign(&other, a->log.cycle + 1);
		err = world_create(&other);
	}
	if (err) {
		memcpy(a->w.problem, other.problem, sizeof(a->w.problem));
		return agent_error(a, "second-world", err);
	}
	return 0;
}

static void refused(struct agent *a, const char *name, const char *what, int err, int wanted)
{
	agent_check(a, name, err == wanted, "%s: %s (wanted: %s)", what, strerror(-err),
		    strerror(-wanted));
}

int mark_created(struct agent *a)
{
	int fd = a->w.fds[0];
	int err;

	refused(a, "mark-unknown", "marking an unknown HWPT", iommufd_hwpt_mark(fd, 0xdead00, 77),
		-ENOENT);
	err = iommufd_hwpt_mark(fd, a->w.domain[0].ioas_id, 77);
	agent_check(a, "mark-not-hwpt", err < 0, "marking an IOAS: %s", strerror(-err));
	refused(a, "mark", "marking a HWPT", iommufd_hwpt_mark(fd, a->w.domain[0].hwpt_id, 1), 0);
	refused(a, "mark-again", "marking a HWPT again",
		iommufd_hwpt_mark(fd, a->w.domain[0].hwpt_id, 77), -EEXIST);
	if (a->w.domains > a->w.iommufds)
		refused(a, "mark-token-taken",
			"marking another HWPT of the iommufd with a token that is taken",
			iommufd_hwpt_mark(fd, a->w.domain[a->w.iommufds].hwpt_id, 1), -EADDRINUSE);
	a->w.domain[0].marked = true;
	/* A mark alone changes nothing. */
	err = agent_remap(a);
	if (!err)
		err = agent_verify(a, "translate-marked");
	return err;
}

int mark_leave(struct agent *a)
{
	int err;

	refused(a, "mark-preserved", "marking in an iommufd that is preserved",
		iommufd_hwpt_mark(a->w.fds[0], a->w.domain[0].hwpt_id, 78), -EBUSY);
	err = other_create(a, true);
	if (err)
		return err;
	err = world_mark(&other);
	if (!err)
		err = liveupdate_preserve_fd(a->session, other.fds[0], 0x100000);
	other.problem[0] = '\0';
	agent_check(a, "preserve-unsealed", err < 0,
		    "preserving an iommufd over a memfd that is not sealed: %s", strerror(-err));
	world_free(&other);
	return agent_leave(a);
}

int immutable_leave(struct agent *a)
{
	struct dma_device more = { .ops = a->w.ops };
	struct world_domain *d = &a->w.domain[0];
	int err;

	/* agent_preserve() has tried map, unmap and destroy of the HWPT. */
	refused(a, "destroy-ioas", "destroying the IOAS of a preserved HWPT",
		iommufd_destroy(a->w.fds[0], d->ioas_id), -EBUSY);
	refused(a, "attach-device", "attaching another device to a preserved HWPT",
		more.ops->attach(&more, a->w.fds[0], d->hwpt_id), -EBUSY);
	err = agent_verify(a, "translate-immutable");
	if (err || !a->w.devices)
		return err ? err : agent_leave(a);

	/*
	 * A device that goes away cannot be held, but then there must be no kexec that believes it
	 * is still there.
	 */
	err = a->w.ops->detach(&a->w.device[0]);
	if (err != -EBUSY) {
		agent_check(a, "detach-device", !err, "detaching a device of a preserved HWPT: %s",
			    strerror(-err));
		err = agent_jump(a);
		agent_check(a, "freeze-refused", err < 0,
			    "freeze after a device was detached: reboot() said %s", strerror(-err));
		err = agent_unpreserve(a);
		if (!err)
			err = a->w.ops->attach(&a->w.device[0], a->w.fds[0], d->hwpt_id);
		if (err)
			return agent_error(a, "attach-again",
					   world_problem(&a->w, err, "attaching the device again"));
		err = agent_preserve(a);
	} else {
		agent_check(a, "detach-device", true,
			    "detaching a device of a preserved HWPT is refused");
		err = 0;
	}
	return err ? err : agent_leave(a);
}

int mixed_preserve(struct agent *a)
{
	uint32_t key = 0;
	int err = other_create(a, false);

	if (!err)
		err = agent_error(a, "second-world", world_keys(&other, &key));
	if (err)
		return err;
	a->state->scratch[0] = key;
	err = agent_preserve(a);
	if (err)
		return err;
	/* What is not preserved stays free to change, beside what is frozen. */
	err = world_remap(&other, a->log.cycle);
	if (!err)
		err = world_verify(&other);
	memcpy(a->w.problem, other.problem, sizeof(a->w.problem));
	return agent_error(a, "unpreserved-usable", err);
}

int mixed_window(struct agent *a)
{
	struct dma_device gone = { .ops = a->w.ops };

	refused(a, "unpreserved-gone", "restoring a device that was not preserved",
		gone.ops->restore(&gone, a->w.fds[0], a->w.domain[0].hwpt_id, a->state->scratch[0]),
		-ENOENT);
	return 0;
}

/* Device 0 in other hands: refused, and it still waits for the right ones. */
static void check_stranger(struct agent *a, const char *check, uint32_t domain, int expected)
{
	struct dma_device device = { .ops = a->w.ops };
	int err = a->w.ops->restore(&device, a->w.fds[domain % a->w.iommufds],
				    a->w.domain[domain].hwpt_id, a->state->keys[0]);

	agent_check(a, check, err == expected, "device 0 with the HWPT of domain %u: %s", domain,
		    strerror(-err));
}

int waiting_retrieve(struct agent *a)
{
	int err;

	event_stage(&a->log, "retrieve", true);
	err = agent_session_retrieve(a);
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_memory(&a->w, a->session));
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_iommufds(&a->w, a->session));
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_domains(&a->w));
	if (err)
		return err;
	check_stranger(a, "other-iommufd", 1, -EPERM);
	check_stranger(a, "other-domain", a->w.iommufds, -EINVAL);
	err = agent_error(a, "retrieve", world_restore_devices(&a->w, a->state->keys));
	if (!err)
		event_stage(&a->log, "retrieve", false);
	return err;
}
