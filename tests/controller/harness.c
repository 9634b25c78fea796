// SPDX-License-Identifier: GPL-2.0-only
/* See harness.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "harness.h"
#include "util.h"

static char dir[64];

static void pause_ms(long ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

const char *work_dir(void)
{
	if (!*dir) {
		strcpy(dir, "/tmp/flbench-test-XXXXXX");
		assert_non_null(mkdtemp(dir));
		setenv("FAKE_QEMU_PID", in_work("pid"), 1);
	}
	return dir;
}

void harness_end(void)
{
	char *command __freed = format_text("rm -rf %s", dir);

	if (*dir && system(command))
		fprintf(stderr, "cannot remove %s\n", dir);
	*dir = '\0';
}

const char *in_work(const char *name)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", work_dir(), name);
	return path;
}

void put_file(const char *name, const char *text)
{
	const char *path = in_work(name);
	char *copy __freed = strdup(path);
	FILE *file;

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(!mkdir(copy, 0777) || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

pid_t start(const char *const argv[])
{
	const char *all[64] = { getenv("FLBENCH") };
	size_t nr = 1;
	pid_t pid;

	assert_non_null(all[0]);
	while (argv[nr - 1] && nr < ARRAY_SIZE(all) - 1) {
		all[nr] = argv[nr - 1];
		nr++;
	}
	unlink(in_work("pid"));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int out = open(in_work("stdout"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
		int err = open(in_work("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0666);

		if (chdir(work_dir()) || dup2(out, 1) < 0 || dup2(err, 2) < 0)
			_exit(125);
		execv(all[0], (char *const *)all);
		_exit(126);
	}
	return pid;
}

void finish(pid_t pid, struct result *result)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	result->out = file_text("stdout");
	result->err = file_text("stderr");
}

void flbench(struct result *result, const char *const argv[])
{
	finish(start(argv), result);
}

void free_result(struct result *result)
{
	free(result->out);
	free(result->err);
}

char *file_text(const char *name)
{
	char *text = read_text(AT_FDCWD, in_work(name));

	return text ? text : strdup("");
}

bool wait_for(const char *name, const char *text)
{
	bool found = false;

	for (int i = 0; i < 400 && !found; i++) {
		char *content __freed = file_text(name);

		found = strstr(content, text);
		if (!found)
			pause_ms(50);
	}
	return found;
}

pid_t fake_pid(void)
{
	char *text __freed = file_text("pid");

	return atoi(text);
}

bool gone(pid_t pid)
{
	for (int i = 0; i < 100; i++) {
		char *path __freed = format_text("/proc/%d/stat", pid);
		char *stat __freed = read_text(AT_FDCWD, path);

		/* A zombie is dead; who reaps it is not our business. */
		if (!stat || strstr(stat, ") Z "))
			return true;
		pause_ms(50);
	}
	return false;
}
