// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios about sessions: taken back, created twice, refused, finished early, retrieved twice, left
 * behind by a killed agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>
#include <flbench/mock.h>

#include "../agent/agent.h"
#include "../agent/system.h"
#include "scenarios.h"

int unpreserve_leave(struct agent *a)
{
	int err = agent_unpreserve(a);

	if (!err)
		err = agent_preserve(a);
	return err ? err : agent_leave(a);
}

int unpreserve_kexec_leave(struct agent *a)
{
	int err = agent_unpreserve(a);

	return err ? err : agent_leave(a);
}

int unpreserve_kexec_retrieve(struct agent *a)
{
	int session = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION);

	a->fresh = true;
	if (!agent_check(a, "nothing-came", session == -ENOENT,
			 "retrieving a session that was closed before the kexec: %d", session)) {
		cleanup_close(&session);
		return -EEXIST;
	}
	return 0;
}

/*
 * The sessions of a kernel are handed over in pages of 51, and an empty page is damage to the next
 * kernel. The agent's own two fill one up with these.
 */
#define SESSIONS_TO_FULL 49

int session_exists_leave(struct agent *a)
{
	int sessions[SESSIONS_TO_FULL];
	char name[32];
	int again, err = 0;
	size_t nr = 0;

	while (!err && nr < SESSIONS_TO_FULL) {
		snprintf(name, sizeof(name), "flbench-filler-%zu", nr);
		sessions[nr] = liveupdate_session_create(a->liveupdate_fd, name);
		if (sessions[nr] < 0)
			err = agent_error(a, "preserve", sessions[nr]);
		else
			nr++;
	}
	if (!err) {
		again = liveupdate_session_create(a->liveupdate_fd, AGENT_SESSION);
		agent_check(a, "session-exists", again == -EEXIST,
			    "creating a session again, as number %zu: %s", nr + 3, strerror(-again));
		err = agent_leave(a);
	}
	while (nr)
		close(sessions[--nr]);
	return err;
}

/*
 * The device keeps the pages that it was given, the file gets others: only those would be handed
 * over, and the next kernel would give the device's pages to somebody else.
 */
int punched_before_leave(struct agent *a)
{
	int err;

	cleanup_close(&a->session);
	a->session = -1;
	if (fallocate(a->w.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LAYOUT_SLOT_SIZE))
		return agent_error(a, "punch", world_problem(&a->w, -errno, "punching a hole"));
	err = agent_session_create(a);
	if (!err)
		err = agent_error(a, "preserve", world_preserve_memory(&a->w, a->session));
	if (err)
		return err;
	err = world_preserve_iommufd(&a->w, a->session, 0);
	a->w.problem[0] = '\0';
	agent_check(a, "preserve-refused", err == -ESTALE,
		    "preserving an iommufd whose memfd has other pages than are mapped: %s",
		    strerror(-err));
	cleanup_close(&a->session);
	a->session = -1;

	/* With the memfd last it is up to the freeze. */
	err = order_iommufd_first_preserve(a);
	if (err)
		return err;
	err = agent_jump(a);
	agent_check(a, "freeze-refused", err == -ESTALE,
		    "freeze with other pages in the memfd than are mapped: reboot() said %s",
		    strerror(-err));
	cleanup_close(&a->session);
	a->session = -1;
	return agent_leave(a);
}

int freeze_fail_leave(struct agent *a)
{
	int err = 0;

	for (uint32_t n = 1; !err && n <= a->w.iommufds; n++) {
		err = mock_fail(a->w.fds[0], MOCK_FAIL_FREEZE, n);
		if (err)
			return agent_error(a, "freeze-fail",
					   world_problem(&a->w, err, "arming the failure"));
		err = agent_jump(a);
		agent_check(a, "freeze-refused", err < 0,
			    "freeze %u of %u was to fail: reboot() said %s", n, a->w.iommufds,
			    strerror(-err));
		err = agent_verify(a, "translate-refused");
		if (!err)
			err = agent_error(a, "immutable", world_check_immutable(&a->w));
	}
	/* What is armed for a call that never comes must not hit the last jump. */
	if (!err)
		err = agent_error(a, "freeze-fail", mock_fail(a->w.fds[0], MOCK_FAIL_FREEZE, 0));
	if (!err)
		err = agent_unpreserve(a);
	if (!err)
		err = agent_preserve(a);
	return err ? err : agent_leave(a);
}

int memfd_missing_preserve(struct agent *a)
{
	int err;

	world_sign(&a->w, a->log.cycle + 1);
	err = agent_error(a, "preserve", world_keys(&a->w, a->state->keys));
	if (!err)
		err = agent_session_create(a);
	if (!err)
		err = agent_error(a, "preserve", world_mark(&a->w));
	/* Whether it is refused here or at the freeze is the kernel's choice. */
	if (!err)
		err = agent_error(a, "preserve", world_preserve(&a->w, a->session));
	return err;
}

int memfd_missing_leave(struct agent *a)
{
	int err = agent_jump(a);

	agent_check(a, "freeze-refused", err < 0,
		    "freeze without the memfd behind the mappings: reboot() said %s",
		    strerror(-err));
	err = agent_verify(a, "translate-refused");
	if (!err)
		err = agent_error(a, "preserve", world_preserve_memory(&a->w, a->session));
	return err ? err : agent_leave(a);
}

static int check_tables_freed(struct agent *a)
{
	struct system_memory memory;
	int err = system_memory_read(&memory);

	if (err)
		return agent_error(a, "tables-freed", err);
	agent_check(a, "tables-freed", !memory.iommu_bytes, "%llu bytes of page tables are left",
		    (unsigned long long)memory.iommu_bytes);
	return 0;
}

int finish_without_retrieve(struct agent *a)
{
	int err = agent_session_retrieve(a);

	if (!err)
		err = agent_finish(a);
	a->fresh = true;
	return err ? err : check_tables_freed(a);
}

/* The devices are in nobody's hands before adoption: the kernel must keep the session. */
int finish_early_window(struct agent *a)
{
	int err = liveupdate_finish(a->session);

	agent_check(a, "finish-refused", err < 0, "finish before adoption: %s", strerror(-err));
	return agent_verify(a, "translate-refused");
}

int finish_unadopted_retrieve(struct agent *a)
{
	int err = agent_session_retrieve(a);

	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_iommufds(&a->w, a->session));
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_domains(&a->w));
	if (!err)
		err = agent_error(a, "retrieve", world_restore_devices(&a->w, a->state->keys));
	if (err)
		return err;
	err = agent_verify(a, "translate-retrieved");
	if (!err) {
		err = liveupdate_finish(a->session);
		agent_check(a, "finish-refused", err < 0,
			    "finish with domains that nobody adopted: %s", strerror(-err));
		err = agent_give_up(a);
	}
	return err ? err : check_tables_freed(a);
}

int retrieve_twice_retrieve(struct agent *a)
{
	struct dma_device again = { .ops = a->w.ops };
	uint32_t hwpt_id = 0;
	int err = agent_retrieve(a);
	int fd __close = -1;
	int result;

	if (err)
		return err;
	fd = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION);
	agent_check(a, "session-twice", fd < 0, "retrieving the session again: %s",
		    fd < 0 ? strerror(-fd) : "got it");
	cleanup_close(&fd);
	/* The same file again, or none: never a second iommufd over the same domains. */
	fd = liveupdate_retrieve_fd(a->session, WORLD_TOKEN_IOMMUFD);
	if (fd < 0) {
		agent_check(a, "file-twice", true, "retrieving an iommufd again: %s",
			    strerror(-fd));
	} else {
		result = iommufd_hwpt_retrieve(fd, 1, &hwpt_id);
		agent_check(a, "file-twice", result || hwpt_id == a->w.domain[0].hwpt_id,
			    "retrieving an iommufd and its HWPT again: %s, id %u, first id %u",
			    strerror(-result), hwpt_id, a->w.domain[0].hwpt_id);
	}
	if (a->w.devices) {
		result = a->w.ops->restore(&again, a->w.fds[0], a->w.domain[0].hwpt_id,
					   a->state->keys[0]);
		agent_check(a, "device-twice", result < 0, "restoring a device again: %s",
			    strerror(-result));
	}
	result = iommufd_hwpt_retrieve(a->w.fds[0], 0xdead0000u, &hwpt_id);
	agent_check(a, "unknown-domain", result == -ENOENT, "retrieving an unknown domain: %s",
		    strerror(-result));
	result = liveupdate_retrieve_fd(a->session, 0xdead0000u);
	agent_check(a, "unknown-file", result == -ENOENT, "retrieving an unknown file: %s",
		    strerror(-result));
	return 0;
}

/* Runs in a process of its own, which dies with everything open. */
static void __attribute__((noreturn)) retrieve_and_die(struct agent *a)
{
	int session = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION);

	if (session >= 0 && !world_retrieve_memory(&a->w, session) &&
	    !world_retrieve_iommufds(&a->w, session)) {
		if (!world_retrieve_domains(&a->w))
			kill(getpid(), SIGKILL);
	}
	_exit(1);
}

int agent_killed_retrieve(struct agent *a)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		retrieve_and_die(a);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return agent_error(a, "agent-killed",
				   world_problem(&a->w, -errno, "a second process"));
	if (!agent_check(a, "agent-killed", WIFSIGNALED(status),
			 "a process that has retrieved everything is killed: status 0x%x", status))
		return -ECHILD;
	return agent_retrieve(a);
}
