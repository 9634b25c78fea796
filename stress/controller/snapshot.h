/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of /sys and /proc that a machine's agent wrote into its events (scenario "topology"),
 * laid out again below a directory, so that what reads this machine can read that one.
 */
#ifndef FLBENCH_SNAPSHOT_H
#define FLBENCH_SNAPSHOT_H

#include <limits.h>

/** struct snapshot - a directory that stands for the machine's "/" */
struct snapshot {
	char root[PATH_MAX];
};

/**
 * snapshot_unpack() - lay the files out, in a new directory
 * @snapshot: filled in; to be removed with snapshot_remove() if this returns 0
 * @results: results directory; of its cases, the first that has such files counts
 * Return: 0; -ENOENT if none has; -EINVAL for files that lead out of the directory; another negative
 * errno.
 */
int snapshot_unpack(struct snapshot *snapshot, const char *results);

/** snapshot_remove() - remove the directory and all in it */
void snapshot_remove(struct snapshot *snapshot);

#endif
