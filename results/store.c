// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes and reads the files of a results directory so that what was written once stays readable.
 * The meaning of an event is left to model.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "internal.h"

#define EVENTS_FILE "events.jsonl"
#define LOCK_FILE "lock"

struct results_stream {
	int fd;
	/* The file's last byte is no newline: the next line must bring one along. */
	bool torn;
};

struct results_store {
	char *path;
	int dirfd;
	int lockfd;
	struct results_stream *events;
};

static bool path_is_inside(const char *path)
{
	const char *part = path;

	if (!path || !*path || *path == '/')
		return false;
	while (part) {
		if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2]))
			return false;
		part = strchr(part, '/');
		if (part)
			part++;
	}
	return true;
}

/* Make the directories that lead to @path, and @path itself too if @all. */
static int make_dirs(int dirfd, const char *path, bool all)
{
	char *copy __freed = strdup(path);
	char *slash;

	if (!copy)
		return -ENOMEM;
	for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dirfd, copy, 0777) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (all && mkdirat(dirfd, copy, 0777) && errno != EEXIST)
		return -errno;
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t done;

	while (len) {
		done = write(fd, data, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			return -ENOSPC;
		data += done;
		len -= done;
	}
	return 0;
}

static int stream_open_at(int dirfd, const char *path, int flags, struct results_stream **stream)
{
	struct results_stream *new = NULL;
	struct stat st;
	char last;
	int fd;
	int ret;

	fd = openat(dirfd, path, flags | O_RDWR | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		ret = -errno;
		goto err_close;
	}
	new = calloc(1, sizeof(*new));
	if (!new) {
		ret = -ENOMEM;
		goto err_close;
	}
	if (st.st_size) {
		if (pread(fd, &last, 1, st.st_size - 1) != 1) {
			ret = -EIO;
			goto err_close;
		}
		new->torn = last != '\n';
	}
	new->fd = fd;
	*stream = new;
	return 0;

err_close:
	free(new);
	close(fd);
	return ret;
}

int results_stream_open(struct results_store *store, const char *path,
			struct results_stream **stream)
{
	int ret;

	if (!path_is_inside(path))
		return -EINVAL;
	ret = make_dirs(store->dirfd, path, false);
	if (ret)
		return ret;
	return stream_open_at(store->dirfd, path, O_CREAT, stream);
}

int results_stream_append(struct results_stream *stream, const char *line, size_t len)
{
	char *buffer __freed = NULL;
	size_t total = 0;
	struct stat st;
	ssize_t done;
	int ret;

	if (!len || memchr(line, '\n', len))
		return -EINVAL;
	buffer = malloc(len + 2);
	if (!buffer)
		return -ENOMEM;
	if (stream->torn)
		buffer[total++] = '\n';
	memcpy(buffer + total, line, len);
	total += len;
	buffer[total++] = '\n';

	if (fstat(stream->fd, &st))
		return -errno;
	do {
		done = write(stream->fd, buffer, total);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;
	if ((size_t)done < total) {
		/* Take the part back; if even that fails, the next line starts afresh. */
		ret = -ENOSPC;
		if (done && ftruncate(stream->fd, st.st_size))
			stream->torn = true;
		return ret;
	}
	stream->torn = false;
	if (fdatasync(stream->fd))
		return -errno;
	return 0;
}

void results_stream_close(struct results_stream *stream)
{
	if (!stream)
		return;
	close(stream->fd);
	free(stream);
}

static int store_open(const char *dir, bool create, struct results_store **store)
{
	struct results_store *new;
	char pid[32];
	int ret;

	if (create) {
		ret = make_dirs(AT_FDCWD, dir, true);
		if (ret)
			return ret;
	}
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->lockfd = -1;
	new->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new->dirfd < 0) {
		ret = -errno;
		goto err;
	}
	if (!create && faccessat(new->dirfd, EVENTS_FILE, F_OK, 0)) {
		ret = -errno;
		goto err;
	}
	new->path = strdup(dir);
	if (!new->path) {
		ret = -ENOMEM;
		goto err;
	}
	/* Close-on-exec: a child that outlives us (QEMU) must not keep the lock. */
	new->lockfd = openat(new->dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (new->lockfd < 0) {
		ret = -errno;
		goto err;
	}
	if (flock(new->lockfd, LOCK_EX | LOCK_NB)) {
		ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto err;
	}
	/* Who holds it is for people to read only: a full disk is no reason to fail here. */
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(new->lockfd, 0) || write(new->lockfd, pid, strlen(pid)) < 0)
		results_log(RESULTS_LOG_WARNING, "%s/%s: cannot write our process id: %s", dir,
			    LOCK_FILE, strerror(errno));
	ret = stream_open_at(new->dirfd, EVENTS_FILE, create ? O_CREAT | O_EXCL : 0, &new->events);
	if (ret)
		goto err;
	if (fsync(new->dirfd)) {
		ret = -errno;
		goto err;
	}
	*store = new;
	return 0;

err:
	results_store_close(new);
	return ret;
}

int results_store_create(const char *dir, struct results_store **store)
{
	return store_open(dir, true, store);
}

int results_store_open(const char *dir, struct results_store **store)
{
	return store_open(dir, false, store);
}

void results_store_close(struct results_store *store)
{
	if (!store)
		return;
	results_stream_close(store->events);
	if (store->lockfd >= 0)
		close(store->lockfd);
	if (store->dirfd >= 0)
		close(store->dirfd);
	free(store->path);
	free(store);
}

const char *results_store_path(const struct results_store *store)
{
	return store->path;
}

int results_store_dirfd(const struct results_store *store)
{
	return store->dirfd;
}

int results_store_busy(const char *dir)
{
	int dirfd __close = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd __close = -1;

	if (dirfd < 0)
		return -errno;
	fd = openat(dirfd, LOCK_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK ? 1 : -errno;
	return 0;
}

int results_store_append(struct results_store *store, struct json_object *event)
{
	const char *text;
	size_t len;

	if (!json_object_is_type(event, json_type_object))
		return -EINVAL;
	text = json_object_to_json_string_length(event, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (!text)
		return -ENOMEM;
	return results_stream_append(store->events, text, len);
}

int results_store_mkdir(struct results_store *store, const char *path)
{
	if (!path_is_inside(path))
		return -EINVAL;
	return make_dirs(store->dirfd, path, true);
}

/* fsync the directory that holds @path, so that a rename into it lasts. */
static int sync_parent(int dirfd, const char *path)
{
	char *parent __freed = strdup(path);
	int fd __close = -1;
	char *slash;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	if (!slash)
		return fsync(dirfd) ? -errno : 0;
	*slash = '\0';
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) ? -errno : 0;
}

int results_store_write(struct results_store *store, const char *path, const void *data,
			size_t len)
{
	char *temporary __freed = NULL;
	int fd = -1;
	int ret;

	if (!path_is_inside(path))
		return -EINVAL;
	ret = make_dirs(store->dirfd, path, false);
	if (ret)
		return ret;
	/* We hold the lock: one fixed name, so that what a crash leaves is overwritten. */
	if (asprintf(&temporary, "%s.tmp", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = openat(store->dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, len);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(store->dirfd, temporary, store->dirfd, path))
		ret = -errno;
	if (ret) {
		unlinkat(store->dirfd, temporary, 0);
		return ret;
	}
	return sync_parent(store->dirfd, path);
}

int results_store_write_json(struct results_store *store, const char *path,
			     struct json_object *object)
{
	char *buffer __freed = NULL;
	const char *text;
	int len;

	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return -ENOMEM;
	len = asprintf(&buffer, "%s\n", text);
	if (len < 0) {
		buffer = NULL;
		return -ENOMEM;
	}
	return results_store_write(store, path, buffer, len);
}

struct json_object *results_parse_event(const char *line, size_t len)
{
	struct json_object *event = NULL;
	struct json_object *kind;
	struct json_tokener *tokener;

	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (!len || len > INT_MAX || line[0] != '{' || line[len - 1] != '}')
		return NULL;
	tokener = json_tokener_new();
	if (!tokener)
		return NULL;
	/* Strict: two lines that a crash joined must not pass as the first of them. */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	event = json_tokener_parse_ex(tokener, line, len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != len ||
	    !json_object_is_type(event, json_type_object) ||
	    !json_object_object_get_ex(event, "event", &kind) ||
	    !json_object_is_type(kind, json_type_string)) {
		json_object_put(event);
		event = NULL;
	}
	json_tokener_free(tokener);
	return event;
}

int results_read_events(const char *dir, const char *path, results_event_fn fn, void *context,
			struct results_read_stats *stats)
{
	struct results_read_stats local = { 0 };
	int dirfd __close = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FILE *file __fclose = NULL;
	char *line __freed = NULL;
	struct json_object *event;
	size_t size = 0;
	ssize_t len;
	int ret = 0;
	int fd;

	if (dirfd < 0)
		return -errno;
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "r");
	if (!file) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (len = getline(&line, &size, file)) > 0) {
		event = results_parse_event(line, len);
		if (event) {
			local.events++;
			ret = fn(context, event);
			json_object_put(event);
		} else if (line[0] != '\n') {
			local.torn++;
		}
	}
	if (!ret && ferror(file))
		ret = -EIO;
	if (stats)
		*stats = local;
	return ret;
}
