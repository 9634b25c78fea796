/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The results directory as a database: written in order, synced, readable after a crash, a full
 * disk or kill -9 at any point. Knows lines and files; what they mean is model.h's business.
 */
#ifndef FLBENCH_RESULTS_H
#define FLBENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/**
 * enum results_verdict - outcome of a check, a case or a run, from mild to grave
 * @RESULTS_SKIP: cannot be tried on the system under test
 * @RESULTS_PASS: done, and proven by at least one check
 * @RESULTS_WARN: done, but something around it deserves a look
 * @RESULTS_DMESG_WARN: done, but the kernel's console shows a warning or the kernel is tainted
 * @RESULTS_NOTRUN: planned, never started
 * @RESULTS_INCOMPLETE: started and interrupted from outside (kill, power cut); can be resumed
 * @RESULTS_FAIL: a check failed
 * @RESULTS_DMESG_FAIL: a check failed and the console shows a warning
 * @RESULTS_TIMEOUT: the kernel under test made no progress and was stopped
 * @RESULTS_CRASH: the kernel under test, or its emulator, died
 * @RESULTS_ABORT: the run was given up, since going on made no sense
 * @RESULTS_NR_VERDICTS: number of verdicts
 *
 * The order is the order of the roll-up: the gravest verdict of the parts is that of the whole, see
 * results_verdict_worse().
 */
enum results_verdict {
	RESULTS_SKIP,
	RESULTS_PASS,
	RESULTS_WARN,
	RESULTS_DMESG_WARN,
	RESULTS_NOTRUN,
	RESULTS_INCOMPLETE,
	RESULTS_FAIL,
	RESULTS_DMESG_FAIL,
	RESULTS_TIMEOUT,
	RESULTS_CRASH,
	RESULTS_ABORT,
	RESULTS_NR_VERDICTS,
};

/**
 * results_verdict_name() - a verdict as it is written in files ("pass", "dmesg-warn", ...)
 * @verdict: any value; out of range gives "unknown"
 *
 * Return: a static string.
 */
const char *results_verdict_name(enum results_verdict verdict);

/**
 * results_verdict_parse() - the verdict of a name
 * @name: as in results_verdict_name(), may be NULL
 * @verdict: set on success
 *
 * Return: 0, or -EINVAL if there is no verdict of that name.
 */
int results_verdict_parse(const char *name, enum results_verdict *verdict);

/**
 * results_verdict_worse() - the graver one of two verdicts
 * @a: a verdict
 * @b: a verdict
 *
 * Return: @a or @b. A failed check beside a console warning is neither: %RESULTS_FAIL with
 * %RESULTS_DMESG_WARN gives %RESULTS_DMESG_FAIL.
 */
enum results_verdict results_verdict_worse(enum results_verdict a, enum results_verdict b);

/**
 * results_verdict_ok() - does this verdict let the run exit with 0?
 * @verdict: a verdict
 *
 * Return: true for skip, pass and warn. A console warning is never ok.
 */
bool results_verdict_ok(enum results_verdict verdict);

/** RESULTS_MAX_PROOFS - no list of results_loop_proofs() is longer, so a bit each fits into an int */
#define RESULTS_MAX_PROOFS 32

/**
 * results_loop_proofs() - checks that have to pass in each cycle of a loop that preserves
 * @workload: the plan's option of that name; NULL is "none"
 *
 * For the scenario "loop" with preservation. Any other check may pass while the one thing that the
 * loop is about was never looked at. A workload of another name owes what "none" owes.
 *
 * Return: names with a NULL behind the last, static.
 */
const char *const *results_loop_proofs(const char *workload);

/**
 * results_proof_claim() - what is not known if a check of results_loop_proofs() did not pass
 * @proof: its name
 *
 * Return: a static sentence without a full stop: "the preserved domains are not proven to translate".
 */
const char *results_proof_claim(const char *proof);

/**
 * enum results_log_level - weight of a message of the library
 * @RESULTS_LOG_INFO: for the curious
 * @RESULTS_LOG_WARNING: the result is usable, but less than it could be
 * @RESULTS_LOG_ERROR: what was asked for was not done
 */
enum results_log_level {
	RESULTS_LOG_INFO,
	RESULTS_LOG_WARNING,
	RESULTS_LOG_ERROR,
};

typedef void (*results_log_fn)(void *context, enum results_log_level level, const char *text);

/**
 * results_set_log() - where the library's messages go; the default is stderr
 * @log: called with one line without newline, NULL for the default
 * @context: handed to @log
 */
void results_set_log(results_log_fn log, void *context);

struct results_store;
struct results_stream;

/**
 * results_store_create() - make a new results directory and lock it
 * @dir: path; it and its parents are created where missing
 * @store: set on success
 *
 * The lock is a flock() on DIR/lock, close-on-exec: it ends with the process, however that ends.
 *
 * Return: 0; -EEXIST if @dir already holds a run, -EBUSY if another process writes it, or the errno
 * of a system call (-EACCES, -ENOSPC, -ENOTDIR, ...).
 */
int results_store_create(const char *dir, struct results_store **store);

/**
 * results_store_open() - open an existing results directory for more writing, and lock it
 * @dir: path
 * @store: set on success
 *
 * Return: 0; -ENOENT if @dir holds no run, -EBUSY if another process writes it, or the errno of a
 * system call.
 */
int results_store_open(const char *dir, struct results_store **store);

/**
 * results_store_close() - unlock and free
 * @store: may be NULL
 */
void results_store_close(struct results_store *store);

/**
 * results_store_path() - the path the store was opened with
 * @store: the store
 *
 * Return: the path; the store's memory.
 */
const char *results_store_path(const struct results_store *store);

/**
 * results_store_dirfd() - descriptor of the directory, for openat() and friends
 * @store: the store
 *
 * Return: a descriptor that belongs to the store.
 */
int results_store_dirfd(const struct results_store *store);

/**
 * results_store_busy() - is somebody writing this directory just now?
 * @dir: path
 *
 * Return: 1 if so, 0 if not, or a negative errno.
 */
int results_store_busy(const char *dir);

/**
 * results_store_append() - add one event to DIR/events.jsonl
 * @store: the store
 * @event: a JSON object; stays the caller's
 *
 * One write(2), then fdatasync(2): when this returns 0 the event is on the disk. After an error the
 * lines before it are still readable, and the next append starts on a line of its own.
 *
 * Return: 0; -EINVAL if @event is no object; -ENOSPC, -EDQUOT, -EIO, ... of the write. A short
 * write counts as -ENOSPC.
 */
int results_store_append(struct results_store *store, struct json_object *event);

/**
 * results_store_mkdir() - make a directory below the results directory, with its parents
 * @store: the store
 * @path: relative, no ".." in it
 *
 * Return: 0 (also if it was there), -EINVAL for a path that leads outside, or an errno.
 */
int results_store_mkdir(struct results_store *store, const char *path);

/**
 * results_store_write() - write a whole file, atomically
 * @store: the store
 * @path: relative to the directory, no ".." in it; missing directories are made
 * @data: contents
 * @len: bytes
 *
 * Temporary file, fsync, rename, fsync of the directory: a reader sees the old or the new file,
 * never a part, also after a power cut.
 *
 * Return: 0, -EINVAL for a path that leads outside, or the errno of a system call; then the old
 * file is untouched and no temporary file stays.
 */
int results_store_write(struct results_store *store, const char *path, const void *data,
			size_t len);

/**
 * results_store_write_json() - results_store_write() of a JSON object, indented
 * @store: the store
 * @path: as there
 * @object: stays the caller's
 *
 * Return: as results_store_write(), or -ENOMEM.
 */
int results_store_write_json(struct results_store *store, const char *path,
			     struct json_object *object);

/**
 * results_stream_open() - open another file of lines for appending, such as a case's events
 * @store: the store; must outlive the stream
 * @path: relative to the directory, no ".." in it; missing directories are made
 * @stream: set on success
 *
 * A last line that has no end (torn by a crash) is left alone: the next append starts a new line.
 *
 * Return: 0, -EINVAL for a path that leads outside, or the errno of a system call.
 */
int results_stream_open(struct results_store *store, const char *path,
			struct results_stream **stream);

/**
 * results_stream_append() - add one line, with the guarantees of results_store_append()
 * @stream: the stream
 * @line: without its newline
 * @len: bytes of @line
 *
 * Return: 0; -EINVAL if @line is empty or has a newline in it; or the errno of the write.
 */
int results_stream_append(struct results_stream *stream, const char *line, size_t len);

/**
 * results_stream_close() - close and free
 * @stream: may be NULL
 */
void results_stream_close(struct results_stream *stream);

/**
 * struct results_read_stats - what a reader of events met
 * @events: lines that are events
 * @torn: lines that are not: cut off, joined, or filled with zeroes by a power cut
 */
struct results_read_stats {
	size_t events;
	size_t torn;
};

/**
 * typedef results_event_fn - called for every event that was read
 * @context: as given to results_read_events()
 * @event: a JSON object with a string member "event"; json_object_get() it to keep it
 *
 * Return: 0 to go on; anything else ends the reading and is returned by results_read_events().
 */
typedef int (*results_event_fn)(void *context, struct json_object *event);

/**
 * results_parse_event() - one line to an event
 * @line: the line, with or without its newline
 * @len: bytes
 *
 * Return: a JSON object that has a string member "event", or NULL if the line is no such thing (or
 * memory is out); json_object_put() it.
 */
struct json_object *results_parse_event(const char *line, size_t len);

/**
 * results_read_events() - read a file of events, past any torn lines
 * @dir: results directory
 * @path: file in it, such as "events.jsonl"
 * @fn: called for each event, in order
 * @context: handed to @fn
 * @stats: filled, may be NULL
 *
 * Needs no lock: a run that goes on at the same time may be read.
 *
 * Return: 0, -ENOENT if there is no such file, another errno, or what @fn returned.
 */
int results_read_events(const char *dir, const char *path, results_event_fn fn, void *context,
			struct results_read_stats *stats);

#endif
