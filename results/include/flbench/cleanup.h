/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scope-based clean-up, so that a function has one way out: a variable with one of these attributes
 * is given back when its scope ends.
 */
#ifndef FLBENCH_CLEANUP_H
#define FLBENCH_CLEANUP_H

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

/* Not __free: libc's headers have a use for that name. */
#define __freed __attribute__((cleanup(cleanup_free)))
#define __close __attribute__((cleanup(cleanup_close)))
#define __fclose __attribute__((cleanup(cleanup_fclose)))
#define __closedir __attribute__((cleanup(cleanup_closedir)))
#define __json __attribute__((cleanup(cleanup_json)))

/* Give a descriptor away: the clean-up then leaves it alone. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
