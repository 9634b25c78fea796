/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small helpers that every file of the program uses: clean-up by scope, messages, clocks, whole
 * reads and writes.
 */
#ifndef FLBENCH_UTIL_H
#define FLBENCH_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <flbench/cleanup.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/** enum exit_code - how the program ends */
enum exit_code {
	EXIT_PASS = 0, /* every case got the verdict that was expected */
	EXIT_NOT_PASS = 1, /* a check failed, or a case did not get that far */
	EXIT_BAD_INPUT = 2, /* nothing was started */
	EXIT_CANNOT_RUN = 3, /* something is missing or broke on the controller's side */
};

/**
 * say() - one line to stderr, with the program's name in front
 * @format: what was tried, on what, why it failed, what to do
 */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/** format_text() - asprintf() that returns the text, NULL without memory */
__attribute__((format(printf, 1, 2))) char *format_text(const char *format, ...);

/** write_all() - write @size bytes; Return: 0 or a negative errno */
int write_all(int fd, const void *data, size_t size);

/**
 * read_text() - read a whole small file, as those of sysfs
 * @dirfd: what a relative path starts from
 * @path: the file
 * Return: its text without the newline at the end, to be freed; NULL with errno set.
 */
char *read_text(int dirfd, const char *path);

/** seconds_now() - a clock that only goes forward, in seconds */
double seconds_now(void);

/**
 * run_output() - run a program and take what it prints, without the newline at the end; NULL if it
 * fails or prints nothing
 */
char *run_output(const char *const argv[]);

/**
 * run_program() - run a program with our stderr and nothing to read
 * Return: its exit status; 127 if it cannot be run or is killed.
 */
int run_program(const char *const argv[]);

/** find_program() - full path of a program, as execvp(3) would find it; NULL if there is none */
char *find_program(const char *name);

#endif
