/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that the agent starts, talks to in lines, and listens to. */
#ifndef FLBENCH_AGENT_PROGRAM_H
#define FLBENCH_AGENT_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct program - a program that was started
 * @pid: its process
 * @in: its standard input, or -1
 * @out: its standard output, or -1
 * @text: what it has said so far, with a 0 behind
 * @used: how much that is
 * @heard: what of it was waited for
 */
struct program {
	pid_t pid;
	int in, out;
	char *text;
	size_t used, heard;
};

/**
 * program_start - start a program
 * @program: filled in
 * @argv: its path and its arguments, and NULL
 *
 * Its messages (standard error) go where ours go. It dies with the agent.
 *
 * Return: 0 or a negative errno; a program that cannot be executed ends with status 127.
 */
int program_start(struct program *program, const char *const argv[]);

/**
 * program_say - write to its standard input
 * @program: from program_start()
 * @text: the text, with its newline
 *
 * Return: 0 or a negative errno.
 */
int program_say(struct program *program, const char *text);

/**
 * program_wait_for - listen until it says something
 * @program: from program_start()
 * @text: what; it must come behind what was waited for before
 * @timeout_ms: how long it may say nothing at all
 *
 * Return: 0; -EPIPE when it ended instead, -ETIMEDOUT, or another negative errno.
 */
int program_wait_for(struct program *program, const char *text, int timeout_ms);

/**
 * program_end - close its standard input, and listen until it ends
 * @program: from program_start(); @text is still there
 * @timeout_ms: how long it may say nothing at all before it is killed
 *
 * Return: its exit status; -ETIMEDOUT if it had to be killed, -EINTR if a signal ended it.
 */
int program_end(struct program *program, int timeout_ms);

/**
 * program_free - forget what it said
 * @program: from program_end()
 */
void program_free(struct program *program);

#endif
