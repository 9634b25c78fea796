// SPDX-License-Identifier: GPL-2.0-only
/*
 * The promise of the store: what was written stays readable, whatever stops the writer.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <flbench/results.h>

struct scratch {
	char top[64];
	char dir[96];
};

static int make_scratch(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	strcpy(scratch->top, "/tmp/flbench-store-XXXXXX");
	if (!mkdtemp(scratch->top))
		return -1;
	snprintf(scratch->dir, sizeof(scratch->dir), "%s/a/b", scratch->top);
	*state = scratch;
	return 0;
}

static int drop_scratch(void **state)
{
	struct scratch *scratch = *state;
	char command[128];
	int ret;

	snprintf(command, sizeof(command), "rm -rf '%s'", scratch->top);
	ret = system(command);
	free(scratch);
	return ret;
}

static void put_raw(const struct scratch *scratch, const char *path, const char *data, size_t len)
{
	char full[160];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", scratch->dir, path);
	file = fopen(full, "a");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static size_t get_raw(const struct scratch *scratch, const char *path, char *data, size_t size)
{
	char full[160];
	FILE *file;
	size_t len;

	snprintf(full, sizeof(full), "%s/%s", scratch->dir, path);
	file = fopen(full, "r");
	if (!file)
		return 0;
	len = fread(data, 1, size - 1, file);
	data[len] = '\0';
	fclose(file);
	return len;
}

static bool exists(const struct scratch *scratch, const char *path)
{
	char full[160];

	snprintf(full, sizeof(full), "%s/%s", scratch->dir, path);
	return !access(full, F_OK);
}

static int append_number(struct results_store *store, int number)
{
	struct json_object *event = json_object_new_object();
	int ret;

	json_object_object_add(event, "event", json_object_new_string("test"));
	json_object_object_add(event, "number", json_object_new_int(number));
	ret = results_store_append(store, event);
	json_object_put(event);
	return ret;
}

/* Events must come back in order, without a hole. */
static int count_up(void *context, struct json_object *event)
{
	struct json_object *number;
	int *next = context;

	assert_true(json_object_object_get_ex(event, "number", &number));
	assert_int_equal(json_object_get_int(number), *next);
	(*next)++;
	return 0;
}

static int read_up(const struct scratch *scratch, struct results_read_stats *stats)
{
	int next = 0;

	assert_int_equal(results_read_events(scratch->dir, "events.jsonl", count_up, &next, stats), 0);
	return next;
}

static void test_create_and_open(void **state)
{
	struct scratch *scratch = *state;
	struct results_store *second;
	struct results_store *store;
	char file[160];

	assert_int_equal(results_store_open(scratch->dir, &store), -ENOENT);
	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	assert_string_equal(results_store_path(store), scratch->dir);
	assert_int_equal(results_store_busy(scratch->dir), 1);
	assert_int_equal(results_store_create(scratch->dir, &second), -EBUSY);
	assert_int_equal(results_store_open(scratch->dir, &second), -EBUSY);
	results_store_close(store);
	assert_int_equal(results_store_busy(scratch->dir), 0);
	assert_int_equal(results_store_create(scratch->dir, &second), -EEXIST);
	assert_int_equal(results_store_open(scratch->dir, &store), 0);
	results_store_close(store);
	snprintf(file, sizeof(file), "%s/lock", scratch->dir);
	assert_int_equal(results_store_create(file, &store), -ENOTDIR);
	results_store_close(NULL);
}

static void test_lock_ends_with_the_process(void **state)
{
	struct scratch *scratch = *state;
	struct results_store *store;
	int pipes[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		/* A child of the writer, such as QEMU, outlives it and must not keep the lock. */
		if (results_store_create(scratch->dir, &store))
			_exit(1);
		if (!fork()) {
			close(pipes[1]);
			execlp("sleep", "sleep", "3", (char *)NULL);
			_exit(1);
		}
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	/* The grandchild's exec closes its copy; give it a moment. */
	usleep(200000);
	assert_int_equal(results_store_busy(scratch->dir), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(results_store_busy(scratch->dir), 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_append_and_read(void **state)
{
	struct json_object *array = json_object_new_array();
	struct scratch *scratch = *state;
	struct results_read_stats stats;
	struct results_store *store;
	int i;

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(append_number(store, i), 0);
	assert_int_equal(results_store_append(store, array), -EINVAL);
	json_object_put(array);
	assert_int_equal(read_up(scratch, &stats), 100);
	assert_int_equal(stats.events, 100);
	assert_int_equal(stats.torn, 0);
	results_store_close(store);
}

static void test_torn_lines(void **state)
{
	static const char torn[] = "{\"event\":\"test\",\"number\":1";
	static const char zeroes[16];
	static const char joined[] = "{\"event\":\"te{\"event\":\"test\",\"number\":1}\n";
	static const char two[] = "{\"event\":\"test\",\"number\":1}{\"event\":\"test\",\"number\":2}\n";
	static const char other[] = "[1,2]\n{\"number\":1}\n\"text\"\n\n{\"event\":7}\n";
	struct scratch *scratch = *state;
	struct results_read_stats stats;
	struct results_store *store;

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	assert_int_equal(append_number(store, 0), 0);
	results_store_close(store);
	put_raw(scratch, "events.jsonl", joined, strlen(joined));
	put_raw(scratch, "events.jsonl", two, strlen(two));
	put_raw(scratch, "events.jsonl", other, strlen(other));
	put_raw(scratch, "events.jsonl", zeroes, sizeof(zeroes));
	put_raw(scratch, "events.jsonl", "\n", 1);
	put_raw(scratch, "events.jsonl", torn, strlen(torn));
	/* A torn last line is not lost sight of, and does not swallow the next. */
	assert_int_equal(results_store_open(scratch->dir, &store), 0);
	assert_int_equal(append_number(store, 1), 0);
	assert_int_equal(append_number(store, 2), 0);
	results_store_close(store);
	assert_int_equal(read_up(scratch, &stats), 3);
	assert_int_equal(stats.torn, 8);
}

/* A file size limit stands for the full disk: a write is cut short, the next one fails. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
	struct scratch *scratch = *state;
	struct results_read_stats stats;
	struct results_store *store;
	char before[8192];
	char after[8192];
	int ret = 0;
	int i;

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	assert_int_equal(results_store_write(store, "whole", "old", 3), 0);
	limit_file_size(1000);
	for (i = 0; !ret; i++)
		ret = append_number(store, i);
	assert_int_equal(ret, -ENOSPC);
	i--;
	assert_int_equal(read_up(scratch, &stats), i);
	assert_int_equal(stats.torn, 0);
	/* Still full: still an error, still no harm. */
	assert_true(append_number(store, i) < 0);
	assert_int_equal(read_up(scratch, &stats), i);
	memset(before, 'n', sizeof(before));
	assert_true(results_store_write(store, "whole", before, sizeof(before)) < 0);
	assert_int_equal(get_raw(scratch, "whole", after, sizeof(after)), 3);
	assert_string_equal(after, "old");
	assert_false(exists(scratch, "whole.tmp"));
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(append_number(store, i), 0);
	assert_int_equal(read_up(scratch, &stats), i + 1);
	results_store_close(store);
}

static void test_killed_writer(void **state)
{
	struct scratch *scratch = *state;
	struct results_read_stats stats;
	struct results_store *store;
	int written = 0;
	int round;
	pid_t pid;
	int i;

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	results_store_close(store);
	for (round = 0; round < 5; round++) {
		pid = fork();
		if (!pid) {
			if (results_store_open(scratch->dir, &store))
				_exit(1);
			for (i = written; !append_number(store, i); i++)
				;
			_exit(1);
		}
		usleep(20000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		i = read_up(scratch, &stats);
		assert_true(i >= written);
		assert_true(stats.torn <= (size_t)round + 1);
		written = i;
	}
	assert_true(written > 0);
}

static void test_write(void **state)
{
	static const char * const outside[] = { "", "/etc/x", "../x", "a/../../x", "..", "a/.." };
	struct scratch *scratch = *state;
	struct results_store *store;
	char data[64];
	size_t i;

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	assert_int_equal(results_store_write(store, "cases/one/file", "hello", 5), 0);
	assert_int_equal(get_raw(scratch, "cases/one/file", data, sizeof(data)), 5);
	assert_int_equal(results_store_write(store, "cases/one/file", "", 0), 0);
	assert_int_equal(get_raw(scratch, "cases/one/file", data, sizeof(data)), 0);
	/* What an earlier crash left is in nobody's way. */
	put_raw(scratch, "cases/one/file.tmp", "long rubbish", 12);
	assert_int_equal(results_store_write(store, "cases/one/file", "new", 3), 0);
	get_raw(scratch, "cases/one/file", data, sizeof(data));
	assert_string_equal(data, "new");
	assert_false(exists(scratch, "cases/one/file.tmp"));
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_int_equal(results_store_write(store, outside[i], "x", 1), -EINVAL);
	assert_int_equal(results_store_write(store, "a..b/..c", "x", 1), 0);
	assert_int_equal(results_store_mkdir(store, "../x"), -EINVAL);
	assert_int_equal(results_store_mkdir(store, "cases/two"), 0);
	assert_int_equal(results_store_mkdir(store, "cases/two"), 0);
	assert_true(exists(scratch, "cases/two"));
	results_store_close(store);
}

static void test_streams(void **state)
{
	struct scratch *scratch = *state;
	struct results_stream *stream;
	struct results_store *store;
	char data[64];

	assert_int_equal(results_store_create(scratch->dir, &store), 0);
	assert_int_equal(results_stream_open(store, "../x", &stream), -EINVAL);
	assert_int_equal(results_stream_open(store, "cases/one/events.jsonl", &stream), 0);
	assert_int_equal(results_stream_append(stream, "one", 3), 0);
	assert_int_equal(results_stream_append(stream, "t\nwo", 4), -EINVAL);
	assert_int_equal(results_stream_append(stream, "", 0), -EINVAL);
	results_stream_close(stream);
	put_raw(scratch, "cases/one/events.jsonl", "torn", 4);
	assert_int_equal(results_stream_open(store, "cases/one/events.jsonl", &stream), 0);
	assert_int_equal(results_stream_append(stream, "two", 3), 0);
	results_stream_close(stream);
	get_raw(scratch, "cases/one/events.jsonl", data, sizeof(data));
	assert_string_equal(data, "one\ntorn\ntwo\n");
	results_store_close(store);
}

static void test_verdicts(void **state)
{
	static const char * const names[] = {
		"skip", "pass", "warn", "dmesg-warn", "notrun", "incomplete", "fail", "dmesg-fail",
		"timeout", "crash", "abort",
	};
	enum results_verdict verdict;
	size_t i;

	for (i = 0; i < RESULTS_NR_VERDICTS; i++) {
		assert_int_equal(results_verdict_parse(names[i], &verdict), 0);
		assert_int_equal(verdict, i);
		assert_string_equal(results_verdict_name(i), names[i]);
		assert_int_equal(results_verdict_worse(i, RESULTS_SKIP), i);
		assert_int_equal(results_verdict_worse(RESULTS_ABORT, i), RESULTS_ABORT);
		assert_int_equal(results_verdict_ok(i), i <= RESULTS_WARN);
	}
	assert_int_equal(results_verdict_parse("good", &verdict), -EINVAL);
	assert_int_equal(results_verdict_parse(NULL, &verdict), -EINVAL);
	assert_string_equal(results_verdict_name(RESULTS_NR_VERDICTS), "unknown");
	assert_int_equal(results_verdict_worse(RESULTS_FAIL, RESULTS_DMESG_WARN), RESULTS_DMESG_FAIL);
	assert_int_equal(results_verdict_worse(RESULTS_DMESG_WARN, RESULTS_FAIL), RESULTS_DMESG_FAIL);
}

#define on_scratch(test) cmocka_unit_test_setup_teardown(test, make_scratch, drop_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_scratch(test_create_and_open),
		on_scratch(test_lock_ends_with_the_process),
		on_scratch(test_append_and_read),
		on_scratch(test_torn_lines),
		on_scratch(test_full_disk),
		on_scratch(test_killed_writer),
		on_scratch(test_write),
		on_scratch(test_streams),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
