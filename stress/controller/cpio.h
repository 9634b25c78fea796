/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes small cpio archives in the "newc" form, as the kernel takes them behind an initramfs, and
 * finds a file in one.
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst in the kernel. Building the
 * guest image is not done here.
 */
#ifndef FLBENCH_CPIO_H
#define FLBENCH_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cpio_writer - an archive that is being written
 * @fd: where to; the caller's
 * @inode: last inode number given out
 * @written: bytes so far, for the padding
 */
struct cpio_writer {
	int fd;
	uint32_t inode;
	uint64_t written;
};

/**
 * cpio_directory() - add a directory
 * @writer: the archive
 * @name: path without a leading '/'; its parents are to be added before
 * Return: 0 or a negative errno of the write.
 */
int cpio_directory(struct cpio_writer *writer, const char *name);

/**
 * cpio_file() - add a file from memory
 * @writer: the archive
 * @name: path without a leading '/'
 * @data: its contents
 * @size: bytes
 * Return: 0, -EFBIG for 4 GiB and more, or a negative errno of the write.
 */
int cpio_file(struct cpio_writer *writer, const char *name, const void *data, size_t size);

/**
 * cpio_file_from() - add a file that is a copy of another, executable if that is
 * @writer: the archive
 * @name: path without a leading '/'
 * @path: the file to copy
 * Return: 0, -EFBIG, or a negative errno of reading or writing.
 */
int cpio_file_from(struct cpio_writer *writer, const char *name, const char *path);

/**
 * cpio_end() - write the trailer
 * @writer: the archive
 * Return: 0 or a negative errno of the write.
 */
int cpio_end(struct cpio_writer *writer);

/**
 * cpio_append() - copy a whole archive and leave the end aligned, so that another may follow
 * @writer: the archive
 * @path: file to copy
 * Return: 0 or a negative errno.
 */
int cpio_append(struct cpio_writer *writer, const char *path);

/**
 * cpio_find() - find a file in an uncompressed archive
 * @path: the archive; several may stand behind each other, the last file of a name counts, as in
 * the kernel
 * @name: path of the file without a leading '/' or "./"
 * @offset: where its contents start in @path
 * @size: bytes
 * Return: 0, -ENOENT if there is no such file, -EPROTO if @path is no uncompressed newc archive, or
 * a negative errno.
 */
int cpio_find(const char *path, const char *name, off_t *offset, size_t *size);

#endif
