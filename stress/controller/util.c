// SPDX-License-Identifier: GPL-2.0-only
/* See util.h. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <flbench/sysfs.h>

#include "util.h"

extern char **environ;

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("flbench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

char *format_text(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *bytes = data;

	while (size) {
		ssize_t done = write(fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -ENOSPC;
		bytes += done;
		size -= done;
	}
	return 0;
}

char *read_text(int dirfd, const char *path)
{
	const struct sysfs sysfs = { .root = dirfd };

	return sysfs_text(&sysfs, "%s", path);
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

char *run_output(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	char *text = NULL;
	FILE *file = NULL;
	size_t size = 0;
	ssize_t length = -1;
	int pipes[2], status = -1, ret;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (ret) {
		close(pipes[0]);
		return NULL;
	}
	file = fdopen(pipes[0], "r");
	if (file) {
		length = getdelim(&text, &size, '\0', file);
		fclose(file);
	} else {
		close(pipes[0]);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (length < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		free(text);
		return NULL;
	}
	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	return text;
}

int run_program(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int status = -1, ret;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	ret = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return 127;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *copy __freed = strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL;

	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : strdup(name);
	if (!copy)
		return NULL;
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char *full = format_text("%s/%s", dir, name);

		if (full && !access(full, X_OK))
			return full;
		free(full);
	}
	return NULL;
}
