/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions of the Live Update Orchestrator: what /dev/liveupdate offers, as functions. Which files
 * are worth preserving, and what they hold, is the caller's business.
 */
#ifndef FLBENCH_LIVEUPDATE_H
#define FLBENCH_LIVEUPDATE_H

#include <stdint.h>

/**
 * liveupdate_open - open /dev/liveupdate
 *
 * Only one process may have it open at a time.
 *
 * Return: a file descriptor; -ENOENT or -ENODEV when the kernel was not booted with liveupdate=on,
 * -EBUSY when somebody else has it open, or another negative errno.
 */
int liveupdate_open(void);

/**
 * liveupdate_session_create - start a session that goes to the next kernel
 * @liveupdate_fd: from liveupdate_open()
 * @name: name of the session, shorter than 64 bytes
 *
 * Closing the descriptor before the kexec gives everything in the session up again.
 *
 * Return: the session's descriptor; -EINVAL for a name that is too long, -EEXIST for one that is
 * taken.
 */
int liveupdate_session_create(int liveupdate_fd, const char *name);

/**
 * liveupdate_session_retrieve - get back a session of the previous kernel
 * @liveupdate_fd: from liveupdate_open()
 * @name: as given to liveupdate_session_create()
 *
 * Return: the session's descriptor; -ENOENT when the previous kernel left no such session, -EINVAL
 * when it was retrieved before.
 */
int liveupdate_session_retrieve(int liveupdate_fd, const char *name);

/**
 * liveupdate_preserve_fd - put a file into a session
 * @session_fd: an outgoing session
 * @fd: the file: a memfd or an iommufd
 * @token: number to find it by in the next kernel; unique in the session
 *
 * Return: 0; -EEXIST for a token or file that is taken, or what the file's handler answers.
 */
int liveupdate_preserve_fd(int session_fd, int fd, uint64_t token);

/**
 * liveupdate_retrieve_fd - get a file back from a session
 * @session_fd: an incoming session
 * @token: as given to liveupdate_preserve_fd()
 *
 * Return: the descriptor; -ENOENT for an unknown token, or what the file's handler answers.
 */
int liveupdate_retrieve_fd(int session_fd, uint64_t token);

/**
 * liveupdate_finish - tell the kernel that everything wanted was taken from an incoming session
 * @session_fd: an incoming session
 *
 * Return: 0; a negative errno when a file of the session is not ready for it, in which case nothing
 * has changed.
 */
int liveupdate_finish(int session_fd);

#endif
