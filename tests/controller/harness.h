/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the program flbench with a stand-in for QEMU. Paths come from the environment: FLBENCH,
 * FAKE_QEMU, DATA.
 */
#ifndef FLBENCH_TEST_HARNESS_H
#define FLBENCH_TEST_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** struct result - how a program ended: its exit status (or minus a signal) and what it wrote */
struct result {
	int status;
	char *out;
	char *err;
};

/** work_dir() - a directory of this test, made at first use and removed by harness_end() */
const char *work_dir(void);
void harness_end(void);

/** in_work() - path of @name in it, in one of a few static buffers */
const char *in_work(const char *name);

/** put_file() - write a file below the working directory, with its directories */
void put_file(const char *name, const char *text);

/**
 * start() - start flbench with these arguments (NULL at the end), in the working directory; Return:
 * its process id
 */
pid_t start(const char *const argv[]);

/** finish() - wait for it */
void finish(pid_t pid, struct result *result);

/** flbench() - start() and finish() */
void flbench(struct result *result, const char *const argv[]);

void free_result(struct result *result);

/** wait_for() - wait up to 20 s until a file below the working directory has a text in it */
bool wait_for(const char *name, const char *text);

/**
 * file_text() - contents of a file below the working directory, to be freed; "" if there is none
 */
char *file_text(const char *name);

/** fake_pid() - process id that the stand-in wrote down, 0 if none */
pid_t fake_pid(void);

/** gone() - is a process gone, or at least dead, within 5 s */
bool gone(pid_t pid);

#endif
