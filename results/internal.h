/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the results library share and no user of it needs.
 */
#ifndef FLBENCH_RESULTS_INTERNAL_H
#define FLBENCH_RESULTS_INTERNAL_H

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <flbench/results.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

__attribute__((format(printf, 2, 3)))
void results_log(enum results_log_level level, const char *format, ...);

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

static inline void cleanup_json(struct json_object **object)
{
	json_object_put(*object);
}

#define __free __attribute__((cleanup(cleanup_free)))
#define __close __attribute__((cleanup(cleanup_close)))
#define __fclose __attribute__((cleanup(cleanup_fclose)))
#define __json __attribute__((cleanup(cleanup_json)))

#endif
