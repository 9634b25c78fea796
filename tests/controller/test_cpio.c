// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cpio writer against cpio(1), which is what the kernel's own tools agree with, and the finder
 * on good and broken archives.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cpio.h"
#include "util.h"

static char dir[] = "/tmp/flbench-test-cpio-XXXXXX";

static void shell(const char *format, ...)
{
	char *command;
	va_list args;

	va_start(args, format);
	assert_true(vasprintf(&command, format, args) > 0);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
	free(command);
}

static int create(const char *name)
{
	char *path __freed = format_text("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	return fd;
}

static void write_file(const char *name, const void *data, size_t size)
{
	int fd = create(name);

	assert_int_equal(write_all(fd, data, size), 0);
	close(fd);
}

/* Contents of each length modulo 4, and names of each, so that every padding occurs. */
static void extracted_by_cpio(void **state)
{
	char *plain __freed = format_text("%s/plain", dir);
	char *program __freed = format_text("%s/program", dir);
	struct cpio_writer writer = { .fd = create("a.cpio") };

	assert_int_equal(cpio_directory(&writer, "d"), 0);
	for (int i = 0; i < 9; i++) {
		char name[32], data[16];

		snprintf(name, sizeof(name), "d/%.*s", i + 1, "nnnnnnnnnn");
		memset(data, 'a' + i, sizeof(data));
		assert_int_equal(cpio_file(&writer, name, data, i), 0);
	}
	/* Copies keep the right to be executed. */
	shell("printf data > %s/plain && cp %s/plain %s/program && chmod 755 %s/program", dir, dir,
	      dir, dir);
	assert_int_equal(cpio_file_from(&writer, "plain", plain), 0);
	assert_int_equal(cpio_file_from(&writer, "program", program), 0);
	assert_int_equal(cpio_end(&writer), 0);
	assert_int_equal(writer.written % 4, 0);
	close(writer.fd);
	shell("mkdir %s/x && cd %s/x && cpio -i --quiet < ../a.cpio 2>../err && ! [ -s ../err ]",
	      dir, dir);
	for (int i = 0; i < 9; i++)
		shell("cd %s/x/d && test $(stat -c %%s %.*s) = %d && test \"$(tr -d %c < %.*s)\" = ''",
		      dir, i + 1, "nnnnnnnnnn", i, 'a' + i, i + 1, "nnnnnnnnnn");
	shell("test $(ls %s/x/d | wc -l) = 9 && test -d %s/x/d", dir, dir);
	shell("cd %s/x && cmp plain program && test $(stat -c %%a plain) = 644 && "
	      "test $(stat -c %%a program) = 755",
	      dir);
}

/* What the controller does: an archive of cpio(1), which pads to 512, with ours behind it. */
static void appended(void **state)
{
	char *base __freed = format_text("%s/base.cpio", dir);
	char *both __freed = format_text("%s/both.cpio", dir);
	struct cpio_writer writer = { .fd = create("both.cpio") };
	char text[64];
	size_t size;
	off_t offset;
	int fd;

	shell("mkdir -p %s/tree/etc && cd %s/tree && printf one > init && printf old > etc/case && "
	      "find . | cpio -o --quiet -H newc > ../base.cpio",
	      dir, dir);
	assert_int_equal(cpio_append(&writer, base), 0);
	assert_int_equal(cpio_file(&writer, "etc/case", "newer", 5), 0);
	assert_int_equal(cpio_file_from(&writer, "boot", base), 0);
	assert_int_equal(cpio_end(&writer), 0);
	close(writer.fd);

	assert_int_equal(cpio_find(both, "init", &offset, &size), 0);
	assert_int_equal(size, 3);
	/* The last one counts. */
	assert_int_equal(cpio_find(both, "etc/case", &offset, &size), 0);
	assert_int_equal(size, 5);
	fd = open(both, O_RDONLY);
	assert_int_equal(pread(fd, text, 5, offset), 5);
	assert_memory_equal(text, "newer", 5);
	close(fd);
	assert_int_equal(cpio_find(both, "nothing", &offset, &size), -ENOENT);
	assert_int_equal(cpio_find(both, "boot", &offset, &size), 0);
	shell("dd if=%s of=%s/copy bs=1 skip=%ld count=%zu 2>/dev/null && cmp %s/copy %s", both,
	      dir, (long)offset, size, dir, base);
}

static void alignment_of_odd_archives(void **state)
{
	char *odd __freed = format_text("%s/odd", dir);
	struct cpio_writer writer = { .fd = create("padded") };

	write_file("odd", "12345", 5);
	assert_int_equal(cpio_append(&writer, odd), 0);
	assert_int_equal(writer.written, 8);
	close(writer.fd);
	shell("test $(stat -c %%s %s/padded) = 8", dir);
}

static void broken_archives(void **state)
{
	char *path __freed = format_text("%s/broken", dir);
	char *base __freed = format_text("%s/base.cpio", dir);
	char data[4096];
	size_t size;
	off_t offset;
	int fd;

	assert_int_equal(cpio_find("/nonexistent", "init", &offset, &size), -ENOENT);
	write_file("broken", "", 0);
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
	memset(data, 'x', sizeof(data));
	write_file("broken", data, sizeof(data));
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
	/* gzip's magic */
	memcpy(data, "\x1f\x8b\x08", 3);
	write_file("broken", data, sizeof(data));
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
	/* A good archive whose sizes lie, at each header field that counts. */
	fd = open(base, O_RDONLY);
	assert_true(read(fd, data, 1024) > 512);
	close(fd);
	memcpy(data + 6 + 8 * 6, "FFFFFFFF", 8);
	write_file("broken", data, 1024);
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
	memcpy(data + 6 + 8 * 6, "0000000G", 8);
	write_file("broken", data, 1024);
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
	memcpy(data + 6 + 8 * 6, "00000000", 8);
	memcpy(data + 6 + 8 * 11, "00000000", 8);
	write_file("broken", data, 1024);
	assert_int_equal(cpio_find(path, "init", &offset, &size), -EPROTO);
}

static void full_disk(void **state)
{
	struct cpio_writer writer = { .fd = open("/dev/full", O_WRONLY) };

	if (writer.fd < 0)
		skip();
	assert_int_equal(cpio_file(&writer, "f", "x", 1), -ENOSPC);
	close(writer.fd);
	assert_int_equal(cpio_file_from(&writer, "f", "/nonexistent"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extracted_by_cpio),
		cmocka_unit_test(appended),
		cmocka_unit_test(alignment_of_odd_archives),
		cmocka_unit_test(broken_archives),
		cmocka_unit_test(full_disk),
	};
	int ret;

	if (!mkdtemp(dir))
		return 1;
	ret = cmocka_run_group_tests_name("cpio", tests, NULL, NULL);
	shell("rm -rf %s", dir);
	return ret;
}
