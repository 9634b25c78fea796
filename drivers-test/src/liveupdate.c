// SPDX-License-Identifier: GPL-2.0-only
/* Sessions of the Live Update Orchestrator; see the header for what each call guarantees. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <flbench/liveupdate.h>
#include <flbench/uapi.h>

int liveupdate_open(void)
{
	int fd = open("/dev/liveupdate", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int session_call(int liveupdate_fd, unsigned long request, const char *name)
{
	struct liveupdate_ioctl_session cmd = { .size = sizeof(cmd), .fd = -1 };

	if (strlen(name) >= sizeof(cmd.name))
		return -EINVAL;
	memcpy(cmd.name, name, strlen(name));
	if (ioctl(liveupdate_fd, request, &cmd))
		return -errno;
	return cmd.fd;
}

int liveupdate_session_create(int liveupdate_fd, const char *name)
{
	return session_call(liveupdate_fd, LIVEUPDATE_IOCTL_CREATE_SESSION, name);
}

int liveupdate_session_retrieve(int liveupdate_fd, const char *name)
{
	return session_call(liveupdate_fd, LIVEUPDATE_IOCTL_RETRIEVE_SESSION, name);
}

int liveupdate_preserve_fd(int session_fd, int fd, uint64_t token)
{
	struct liveupdate_session_fd cmd = { .size = sizeof(cmd), .fd = fd, .token = token };

	return ioctl(session_fd, LIVEUPDATE_SESSION_PRESERVE_FD, &cmd) ? -errno : 0;
}

int liveupdate_retrieve_fd(int session_fd, uint64_t token)
{
	struct liveupdate_session_fd cmd = { .size = sizeof(cmd), .fd = -1, .token = token };

	if (ioctl(session_fd, LIVEUPDATE_SESSION_RETRIEVE_FD, &cmd))
		return -errno;
	return cmd.fd;
}

int liveupdate_finish(int session_fd)
{
	struct liveupdate_session_finish cmd = { .size = sizeof(cmd) };

	return ioctl(session_fd, LIVEUPDATE_SESSION_FINISH, &cmd) ? -errno : 0;
}
