// SPDX-License-Identifier: GPL-2.0-only
/* fio as a child of the agent; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flbench/cleanup.h>

#include "agent.h"
#include "clock.h"
#include "fio.h"
#include "json.h"

#define FIO "/usr/bin/fio"
#define JOBS "/usr/share/flbench/fio"
#define OUTPUT "/tmp/fio.json"
#define OUTPUT_MAX 65536
#define MESSAGES "/tmp/fio.log"
#define STATS "/tmp/fio.stats"
/* 4096 intervals, and more. */
#define STATS_LINE 65536
/* Of the disks. */
#define BLOCK_BYTES 512u
/* A turn of the idle loop that took more ticks was interrupted. */
#define IDLE_TICKS 1000u
#define PAUSE_EVERY 32u

/* ---- the process that runs when nobody else does ---- */

static void idle_loop(volatile uint64_t *idle)
{
	const struct sched_param none = { 0 };
	uint64_t last = clock_ticks(), now;

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		_exit(1);
	for (unsigned int turn = 1;; turn++) {
#if defined(__x86_64__)
		/* Lets QEMU look after its devices, which takes it time. */
		if (turn % PAUSE_EVERY == 0)
			__asm__ volatile("pause");
#endif
		now = clock_ticks();
		if (now - last < IDLE_TICKS)
			*idle += now - last;
		last = now;
	}
}

struct idler {
	pid_t pid;
	volatile uint64_t *ticks;
};

static int idler_start(struct idler *idler)
{
	void *page = mmap(NULL, sizeof(*idler->ticks), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	idler->ticks = page;
	idler->pid = fork();
	if (idler->pid == 0)
		idle_loop(idler->ticks);
	return idler->pid < 0 ? -errno : 0;
}

static void idler_stop(struct idler *idler)
{
	if (idler->pid > 0) {
		kill(idler->pid, SIGKILL);
		waitpid(idler->pid, NULL, 0);
	}
	if (idler->ticks)
		munmap((void *)idler->ticks, sizeof(*idler->ticks));
}

/* ---- fio ---- */

static bool set_number(const char *name, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return !setenv(name, text, 1);
}

static bool hand_over(const char *name, int fd)
{
	return set_number(name, fd) && (!fd || !fcntl(fd, F_SETFD, 0));
}

static void exec_fio(const struct fio_job *job)
{
	char path[256], device[64];
	int log = open(MESSAGES, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	snprintf(path, sizeof(path), JOBS "/%s.fio", job->name);
	/* A ':' separates file names, unless it is escaped: 0000\\:00\\:03.0 */
	if (*job->device == '/')
		snprintf(device, sizeof(device), "%s", job->device);
	else
		snprintf(device, sizeof(device), "%.4s\\:%.2s\\:%s", job->device, job->device + 5,
			 job->device + 8);
	if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || chdir("/tmp") ||
	    !set_number("FLBENCH_IOS", job->ios) || !set_number("FLBENCH_BYTES", job->ios << 12) ||
	    !set_number("FLBENCH_SEED", job->seed) ||
	    !set_number("FLBENCH_INTERVAL", job->interval) || setenv("FLBENCH_DEVICE", device, 1) ||
	    !hand_over("FLBENCH_DEVICE_FD", job->device_fd) ||
	    !hand_over("FLBENCH_MEMORY_FD", job->memory_fd) ||
	    setenv("FLBENCH_FAULT", job->fault ?: "none", 1) ||
	    setenv("FLBENCH_MAPPING", job->mapping ?: "4k", 1) ||
	    setenv("FLBENCH_COMPLETION", job->completion ?: "poll", 1))
		_exit(126);
	execl(FIO, FIO, "--output-format=json", "--output=" OUTPUT, "--eta=never",
	      "--trigger-file=" FIO_CUT_FILE, path, NULL);
	_exit(127);
}

pid_t fio_start(const struct fio_job *job)
{
	pid_t pid;

	unlink(OUTPUT);
	unlink(STATS);
	unlink(FIO_CUT_FILE);
	pid = fork();
	if (pid == 0)
		exec_fio(job);
	return pid < 0 ? -errno : pid;
}

/* Messages of the start, then those that came while the job ran, which fio writes to its output. */
static void read_messages(char *text, size_t size)
{
	static const char *const files[] = { MESSAGES, OUTPUT };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file __fclose = fopen(files[i], "re");
		int c = EOF;

		/* Of the output, what stands before the JSON. */
		while (file && n + 1 < size && (c = getc(file)) != EOF && (i == 0 || c != '{'))
			text[n++] = c == '\n' ? ' ' : c;
	}
	text[n] = '\0';
}

/* Offsets in a block come before that in the file. */
bool fio_block(const char *messages, uint64_t *lba)
{
	const char *at = strstr(messages, " at file ");
	unsigned long long offset;

	at = at ? strstr(at, " offset ") : NULL;
	if (!at || sscanf(at, " offset %llu", &offset) != 1)
		return false;
	*lba = offset / BLOCK_BYTES;
	return true;
}

int fio_failed(struct agent *a, const char *name, int status)
{
	char messages[700], block[48] = "";
	uint64_t lba;

	read_messages(messages, sizeof(messages));
	if (fio_block(messages, &lba))
		snprintf(block, sizeof(block), "LBA %llu: ", (unsigned long long)lba);
	return world_problem(&a->w, -EIO, "%sfio %s, status %#x: %.400s", block, name, status,
			     messages);
}

/* I/Os of all jobs. Return: 0; -EIO if one has an error. */
static int look_at_output(struct json_object *output, struct fio_figures *figures)
{
	static const char *const kinds[] = { "read", "write", "trim" };
	struct json_object *jobs = json_member(output, "jobs");

	if (!json_object_is_type(jobs, json_type_array) || !json_object_array_length(jobs))
		return -EIO;
	for (size_t i = 0; i < json_object_array_length(jobs); i++) {
		struct json_object *job = json_object_array_get_idx(jobs, i);

		if (!json_member(job, "error") || json_object_get_int64(json_member(job, "error")))
			return -EIO;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			figures->ios +=
				json_object_get_int64(json_member(json_member(job, kinds[k]), "total_ios"));
		figures->reads += json_object_get_int64(json_member(json_member(job, "read"), "total_ios"));
		figures->bytes_per_second +=
			json_object_get_int64(json_member(json_member(job, "read"), "bw_bytes"));
	}
	return 0;
}

/* What all jobs of our engine counted; nothing of another one. Intervals are asked for with one job. */
static void read_stats(struct agent *a, const struct fio_job *asked, struct fio_figures *figures)
{
	FILE *file __fclose = fopen(STATS, "re");
	char line[STATS_LINE];

	while (file && fgets(line, sizeof(line), file)) {
		struct json_object *stats __json = json_tokener_parse(line);

		figures->empty += json_object_get_int64(json_member(stats, "empty_ticks"));
		figures->empty_polls += json_object_get_int64(json_member(stats, "empty_polls"));
		figures->busy += json_object_get_int64(json_member(stats, "busy_ticks"));
		if (asked->interval && json_member(stats, "intervals"))
			event_throughput(&a->log, &a->c, "fio", "commands", asked->after,
					 clock_to_unit(asked->interval, a->c.instructions),
					 json_member(stats, "intervals"));
	}
}

/* fio's notes may stand before the JSON. */
static struct json_object *read_output(void)
{
	FILE *file __fclose = fopen(OUTPUT, "re");
	char *text __freed = calloc(1, OUTPUT_MAX);
	char *json;

	if (!file || !text)
		return NULL;
	text[fread(text, 1, OUTPUT_MAX - 1, file)] = '\0';
	json = strchr(text, '{');
	return json ? json_tokener_parse(json) : NULL;
}

static int take_output(struct agent *a, const char *name, int status, struct fio_figures *figures)
{
	struct json_object *output __json = read_output();
	int err = output ? look_at_output(output, figures) : -EIO;

	event_fio(&a->log, name, output);
	if (!err && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return fio_failed(a, name, status);
}

/* Start and wait. */
static int run(const struct fio_job *job, int *status)
{
	pid_t pid = fio_start(job);

	if (pid < 0)
		return pid;
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int fio_run(struct agent *a, const struct fio_job *job, struct fio_figures *figures)
{
	struct idler idler = { 0 };
	int err = job->measure ? idler_start(&idler) : 0, status = 0;
	uint64_t start = clock_ticks(), idle = idler.ticks ? *idler.ticks : 0;

	*figures = (struct fio_figures){ 0 };
	if (!err)
		err = run(job, &status);
	if (!err && job->measure) {
		figures->total = clock_ticks() - start;
		figures->idle = *idler.ticks - idle;
		/* fio sleeps now and then, at least while it starts. */
		if (!figures->idle)
			err = world_problem(&a->w, -EPROTO, "nobody counted what was waited");
	}
	idler_stop(&idler);
	read_stats(a, job, figures);
	return err ? err : take_output(a, job->name, status, figures);
}
