/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of /sys and /proc, below a directory that stands for "/": that of this machine, or a copy of
 * another one's, or a tree that a test has made. Paths are relative to it and printf formats.
 */
#ifndef FLBENCH_SYSFS_H
#define FLBENCH_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct sysfs - a root that files are read below
 * @root: the directory, -1 if not open
 * @live: it is this machine's own
 * @write: writes a word to a file, as sysfs_write_file() does; a test has the kernel's part here
 */
struct sysfs {
	int root;
	bool live;
	int (*write)(const struct sysfs *sysfs, const char *path, const char *word);
};

/**
 * struct sysfs_names - names of what is in a directory, in the order that people count in
 * @name: the names, without those that begin with a dot
 * @nr: how many
 */
struct sysfs_names {
	char **name;
	size_t nr;
};

/**
 * sysfs_open - have a root
 * @sysfs: filled in; to be closed with sysfs_close()
 * @root: the directory
 *
 * Return: 0 or a negative errno.
 */
int sysfs_open(struct sysfs *sysfs, const char *root);

/** sysfs_close - let go of a root; does nothing to one that is not open */
void sysfs_close(struct sysfs *sysfs);

/**
 * sysfs_text - read a whole file
 * @sysfs: the root
 * @format: the path
 *
 * Return: its text without newlines at its end, to be freed; NULL with errno set.
 */
char *sysfs_text(const struct sysfs *sysfs, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * sysfs_number - read a number, decimal or with 0x before it
 * @sysfs: the root
 * @fallback: what to return when there is no such file, or no number in it
 * @format: the path
 *
 * Return: the number.
 */
long long sysfs_number(const struct sysfs *sysfs, long long fallback, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * sysfs_link - last part of what a symbolic link leads to
 * @sysfs: the root
 * @name: where it goes, "" if there is no such link
 * @size: bytes of @name
 * @format: the path
 *
 * Return: 0; -ENAMETOOLONG when it does not fit; another negative errno of readlinkat(2).
 */
int sysfs_link(const struct sysfs *sysfs, char *name, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * sysfs_real - path of a file or directory without symbolic links
 * @sysfs: the root
 * @format: the path
 *
 * Comparable with other paths that this function returns, and with nothing else.
 *
 * Return: the path, to be freed; NULL with errno set.
 */
char *sysfs_real(const struct sysfs *sysfs, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** sysfs_exists - is there such a file? */
bool sysfs_exists(const struct sysfs *sysfs, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * sysfs_list - names in a directory
 * @sysfs: the root
 * @names: filled in, empty on failure; to be freed with sysfs_names_free()
 * @format: the path
 *
 * Return: 0; -ENOENT when there is no such directory; another negative errno.
 */
int sysfs_list(const struct sysfs *sysfs, struct sysfs_names *names, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void sysfs_names_free(struct sysfs_names *names);

#define __sysfs_names __attribute__((cleanup(sysfs_names_free)))

/**
 * sysfs_write - write a word to a file, which must exist
 * @sysfs: the root
 * @word: the word
 * @format: the path
 *
 * Return: 0 or a negative errno, that of the kernel's answer.
 */
int sysfs_write(const struct sysfs *sysfs, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
