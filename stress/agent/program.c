// SPDX-License-Identifier: GPL-2.0-only
/* Programs that the agent starts; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

#define PIECE_BYTES 4096u

int program_start(struct program *program, const char *const argv[])
{
	int in[2], out[2];

	*program = (struct program){ .pid = -1, .in = -1, .out = -1 };
	/* Not a pipe: to write to a program that has ended is an error then, and no signal. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		int err = -errno;

		close(in[0]);
		close(in[1]);
		return err;
	}
	program->pid = fork();
	if (!program->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(in[1], 0) == 0 && dup2(out[1], 1) == 1)
			execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(in[1]);
	close(out[1]);
	program->in = in[0];
	program->out = out[0];
	if (program->pid > 0)
		return 0;
	close(in[0]);
	close(out[0]);
	return -EAGAIN;
}

int program_say(struct program *program, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t n = send(program->in, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= n;
	}
	return 0;
}

/* Return: how much was said; 0 at the end, or a negative errno. */
static ssize_t listen_to(struct program *program, int timeout_ms)
{
	struct pollfd wait = { .fd = program->out, .events = POLLIN };
	char *text = realloc(program->text, program->used + PIECE_BYTES + 1);
	ssize_t n;
	int ready;

	if (!text)
		return -ENOMEM;
	program->text = text;
	do {
		ready = poll(&wait, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	n = read(program->out, text + program->used, PIECE_BYTES);
	if (n < 0)
		return -errno;
	program->used += n;
	text[program->used] = '\0';
	return n;
}

int program_wait_for(struct program *program, const char *text, int timeout_ms)
{
	for (;;) {
		char *found = program->text ? strstr(program->text + program->heard, text) : NULL;
		ssize_t n;

		if (found) {
			program->heard = found - program->text + strlen(text);
			return 0;
		}
		n = listen_to(program, timeout_ms);
		if (n <= 0)
			return n ? (int)n : -EPIPE;
	}
}

int program_end(struct program *program, int timeout_ms)
{
	int status = 0;
	ssize_t n;

	if (program->pid <= 0)
		return -ECHILD;
	close(program->in);
	program->in = -1;
	do {
		n = listen_to(program, timeout_ms);
	} while (n > 0);
	if (n < 0)
		kill(program->pid, SIGKILL);
	close(program->out);
	program->out = -1;
	while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 0)
		return n;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

void program_free(struct program *program)
{
	free(program->text);
	program->text = NULL;
}
