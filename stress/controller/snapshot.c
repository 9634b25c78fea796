// SPDX-License-Identifier: GPL-2.0-only
/* See snapshot.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#include <flbench/results.h>
#include <flbench/sysfs.h>

#include "snapshot.h"
#include "util.h"

static const char *text_of(struct json_object *event, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) ? json_object_get_string(value) : NULL;
}

/* What a results directory says is not to be written anywhere but below the new directory. */
static bool stays_below(const char *path)
{
	return (!strncmp(path, "sys/", 4) || !strncmp(path, "proc/", 5)) && !strstr(path, "/..") &&
	       strlen(path) < PATH_MAX / 2;
}

static int make_parents(char *path, size_t from)
{
	for (char *slash = path + from; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int write_hex(int fd, const char *hex)
{
	size_t size = strlen(hex) / 2;
	unsigned char *bytes __freed = malloc(size + 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EINVAL;
		bytes[i] = byte;
	}
	return write_all(fd, bytes, size);
}

static int unpack(const struct snapshot *snapshot, struct json_object *event, bool links)
{
	const char *path = text_of(event, "path"), *link = text_of(event, "link");
	const char *text = text_of(event, "text"), *hex = text_of(event, "hex");
	char *full __freed = path ? format_text("%s/%s", snapshot->root, path) : NULL;
	int fd __close = -1;
	int err;

	if (!full || !stays_below(path) || (link && *link == '/') || !(link || text || hex))
		return -EINVAL;
	if (links != !!link)
		return 0;
	err = make_parents(full, strlen(snapshot->root) + 1);
	if (err)
		return err;
	if (link)
		return symlink(link, full) && errno != EEXIST ? -errno : 0;
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	if (hex)
		return write_hex(fd, hex);
	err = write_all(fd, text, strlen(text));
	return err ? err : write_all(fd, "\n", 1);
}

/* Return: how many files there were, or a negative errno. */
static int unpack_case(const struct snapshot *snapshot, const char *events, bool links)
{
	FILE *file __fclose = fopen(events, "re");
	char *line __freed = NULL;
	size_t size = 0;
	ssize_t length;
	int nr = 0, err = 0;

	while (file && !err && (length = getline(&line, &size, file)) > 0) {
		struct json_object *event __json = NULL;
		const char *kind;

		if (line[length - 1] == '\n')
			length--;
		event = results_parse_event(line, length);
		kind = event ? text_of(event, "event") : NULL;
		if (!kind || strcmp(kind, "file"))
			continue;
		err = unpack(snapshot, event, links);
		nr++;
	}
	return err ? err : nr;
}

int snapshot_unpack(struct snapshot *snapshot, const char *results)
{
	struct sysfs here = { .root = AT_FDCWD };
	struct sysfs_names cases __sysfs_names = { 0 };
	int nr = 0;

	if (sysfs_list(&here, &cases, "%s/cases", results))
		return -ENOENT;
	strcpy(snapshot->root, "/tmp/flbench-topo-XXXXXX");
	if (!mkdtemp(snapshot->root))
		return -errno;
	for (size_t i = 0; !nr && i < cases.nr; i++) {
		char *events __freed =
			format_text("%s/cases/%s/events.jsonl", results, cases.name[i]);

		/* Links last: until then none can lead a file astray. */
		nr = events ? unpack_case(snapshot, events, false) : -ENOMEM;
		if (nr > 0)
			nr = unpack_case(snapshot, events, true);
	}
	if (nr > 0)
		return 0;
	snapshot_remove(snapshot);
	return nr ? nr : -ENOENT;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	return remove(path);
}

void snapshot_remove(struct snapshot *snapshot)
{
	if (*snapshot->root)
		nftw(snapshot->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	snapshot->root[0] = '\0';
}
