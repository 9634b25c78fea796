// SPDX-License-Identifier: GPL-2.0-only
/*
 * The "newc" form of cpio: a header of 8-digit hexadecimal fields, the name, the contents, each
 * padded to 4 bytes.
 * See cpio.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpio.h"
#include "util.h"

#define MAGIC "070701"
#define TRAILER "TRAILER!!!"
#define HEADER_SIZE 110
#define ALIGN4(n) (((n) + 3) & ~(uint64_t)3)

static int put(struct cpio_writer *writer, const void *data, size_t size)
{
	int ret = write_all(writer->fd, data, size);

	if (!ret)
		writer->written += size;
	return ret;
}

static int pad(struct cpio_writer *writer)
{
	return put(writer, "\0\0\0", ALIGN4(writer->written) - writer->written);
}

static int header(struct cpio_writer *writer, const char *name, unsigned int mode, uint64_t size)
{
	char text[HEADER_SIZE + 1];
	int ret;

	if (size > UINT32_MAX)
		return -EFBIG;
	/*
	 * magic, inode, mode, uid, gid, links, mtime, size, device (2), node (2), length of the
	 * name, checksum
	 */
	snprintf(text, sizeof(text), MAGIC "%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		 ++writer->inode, mode, 0, 0, 1, 0, (unsigned int)size, 0, 0, 0, 0,
		 (unsigned int)strlen(name) + 1, 0);
	ret = put(writer, text, HEADER_SIZE);
	if (!ret)
		ret = put(writer, name, strlen(name) + 1);
	return ret ? ret : pad(writer);
}

int cpio_directory(struct cpio_writer *writer, const char *name)
{
	return header(writer, name, S_IFDIR | 0755, 0);
}

int cpio_file(struct cpio_writer *writer, const char *name, const void *data, size_t size)
{
	int ret = header(writer, name, S_IFREG | 0644, size);

	if (!ret)
		ret = put(writer, data, size);
	return ret ? ret : pad(writer);
}

static int copy(struct cpio_writer *writer, int fd, uint64_t size)
{
	while (size) {
		ssize_t done = sendfile(writer->fd, fd, NULL, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			return -EIO; /* it shrank while we read it */
		size -= done;
		writer->written += done;
	}
	return pad(writer);
}

static int open_for_copy(const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int cpio_file_from(struct cpio_writer *writer, const char *name, const char *path)
{
	struct stat st;
	int fd __close = open_for_copy(path, &st);
	int ret;

	if (fd < 0)
		return fd;
	ret = header(writer, name, S_IFREG | (st.st_mode & S_IXUSR ? 0755 : 0644), st.st_size);
	return ret ? ret : copy(writer, fd, st.st_size);
}

int cpio_end(struct cpio_writer *writer)
{
	return header(writer, TRAILER, 0, 0);
}

int cpio_append(struct cpio_writer *writer, const char *path)
{
	struct stat st;
	int fd __close = open_for_copy(path, &st);

	return fd < 0 ? fd : copy(writer, fd, st.st_size);
}

static bool field(const char *entry, int number, uint32_t *value)
{
	char text[9], *end;

	memcpy(text, entry + strlen(MAGIC) + 8 * number, 8);
	text[8] = '\0';
	*value = strtoul(text, &end, 16);
	return end == text + 8;
}

static int find(const char *data, uint64_t size, const char *name, off_t *offset, size_t *length)
{
	uint64_t at = 0;
	int ret = -ENOENT;

	while (at + HEADER_SIZE <= size) {
		uint32_t bytes, name_size;
		uint64_t start, contents;
		const char *entry_name;

		if (!data[at]) {
			at++;
			continue; /* padding between archives */
		}
		if (memcmp(data + at, MAGIC, strlen(MAGIC)) || !field(data + at, 6, &bytes) ||
		    !field(data + at, 11, &name_size))
			return -EPROTO;
		start = at + HEADER_SIZE;
		contents = ALIGN4(start + name_size);
		if (!name_size || start + name_size > size || data[start + name_size - 1] ||
		    contents + bytes > size)
			return -EPROTO;
		entry_name = data + start;
		if (!strncmp(entry_name, "./", 2))
			entry_name += 2;
		if (!strcmp(entry_name, name)) {
			*offset = contents;
			*length = bytes;
			ret = 0;
		}
		at = ALIGN4(contents + bytes);
	}
	return ret;
}

int cpio_find(const char *path, const char *name, off_t *offset, size_t *size)
{
	struct stat st;
	int fd __close = open_for_copy(path, &st);
	void *data;
	int ret;

	if (fd < 0)
		return fd;
	if (st.st_size < (off_t)HEADER_SIZE)
		return -EPROTO;
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	ret = find(data, st.st_size, name, offset, size);
	munmap(data, st.st_size);
	return ret;
}
