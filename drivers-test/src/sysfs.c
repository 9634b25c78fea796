// SPDX-License-Identifier: GPL-2.0-only
/* See sysfs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/sysfs.h>

/* The path of a format and its arguments, in a buffer that is called path. */
#define MAKE_PATH(format)                                    \
	char path[PATH_MAX];                                 \
	do {                                                 \
		va_list args;                                \
		va_start(args, format);                      \
		vsnprintf(path, sizeof(path), format, args); \
		va_end(args);                                \
	} while (0)

static int write_file(const struct sysfs *sysfs, const char *path, const char *word)
{
	int fd __close = openat(sysfs->root, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, word, strlen(word)) < 0 ? -errno : 0;
}

int sysfs_open(struct sysfs *sysfs, const char *root)
{
	*sysfs = (struct sysfs){ .live = !strcmp(root, "/"), .write = write_file };
	sysfs->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sysfs->root < 0 ? -errno : 0;
}

void sysfs_close(struct sysfs *sysfs)
{
	cleanup_close(&sysfs->root);
	sysfs->root = -1;
}

static char *read_file(const struct sysfs *sysfs, const char *path)
{
	int fd __close = openat(sysfs->root, path, O_RDONLY | O_CLOEXEC);
	FILE *file __fclose = NULL;
	char *text = NULL;
	size_t size = 0;
	ssize_t length;

	if (fd < 0)
		return NULL;
	file = fdopen(fd, "r");
	if (!file)
		return NULL;
	fd = -1;
	length = getdelim(&text, &size, '\0', file);
	if (length < 0) {
		free(text);
		return ferror(file) ? NULL : strdup("");
	}
	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
	return text;
}

char *sysfs_text(const struct sysfs *sysfs, const char *format, ...)
{
	MAKE_PATH(format);

	return read_file(sysfs, path);
}

long long sysfs_number(const struct sysfs *sysfs, long long fallback, const char *format, ...)
{
	char *text __freed = NULL;
	char *end;
	long long number;

	MAKE_PATH(format);
	text = read_file(sysfs, path);
	if (!text)
		return fallback;
	number = strtoll(text, &end, 0);
	return end == text ? fallback : number;
}

int sysfs_link(const struct sysfs *sysfs, char *name, size_t size, const char *format, ...)
{
	char target[PATH_MAX];
	const char *slash;
	ssize_t length;

	MAKE_PATH(format);
	name[0] = '\0';
	length = readlinkat(sysfs->root, path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	if (strlen(slash) >= size)
		return -ENAMETOOLONG;
	strcpy(name, slash);
	return 0;
}

char *sysfs_real(const struct sysfs *sysfs, const char *format, ...)
{
	char link[64], real[PATH_MAX];
	int fd __close = -1;
	ssize_t length;

	MAKE_PATH(format);
	fd = openat(sysfs->root, path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, real, sizeof(real) - 1);
	if (length < 0)
		return NULL;
	real[length] = '\0';
	return strdup(real);
}

bool sysfs_exists(const struct sysfs *sysfs, const char *format, ...)
{
	MAKE_PATH(format);

	return !faccessat(sysfs->root, path, F_OK, 0);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int sysfs_list(const struct sysfs *sysfs, struct sysfs_names *names, const char *format, ...)
{
	struct dirent **entries;
	int nr, err = 0;

	*names = (struct sysfs_names){ 0 };
	MAKE_PATH(format);
	nr = scandirat(sysfs->root, path, &entries, is_visible, versionsort);
	if (nr < 0)
		return -errno;
	names->name = calloc(nr + 1, sizeof(*names->name));
	for (int i = 0; i < nr; i++) {
		if (names->name && !err)
			names->name[names->nr] = strdup(entries[i]->d_name);
		if (!names->name || !names->name[names->nr])
			err = -ENOMEM;
		else
			names->nr++;
		free(entries[i]);
	}
	free(entries);
	if (err)
		sysfs_names_free(names);
	return err;
}

void sysfs_names_free(struct sysfs_names *names)
{
	for (size_t i = 0; i < names->nr; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct sysfs_names){ 0 };
}

int sysfs_write(const struct sysfs *sysfs, const char *word, const char *format, ...)
{
	MAKE_PATH(format);

	return sysfs->write(sysfs, path, word);
}
