// SPDX-License-Identifier: GPL-2.0-only
/* The machine under the agent: see the header. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <flbench/cleanup.h>

#include "system.h"

int system_cgroup_enter(void)
{
	int err;

	mkdir(SYSTEM_CGROUPS, 0755);
	if (mount("cgroup2", SYSTEM_CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		return -errno;
	err = system_write(SYSTEM_CGROUPS "/cgroup.subtree_control", "+memory");
	if (!err && mkdir(SYSTEM_CGROUP, 0755) && errno != EEXIST)
		err = -errno;
	return err ? err : system_write(SYSTEM_CGROUP "/cgroup.procs", "0");
}

int system_cgroup_leave(void)
{
	return system_write(SYSTEM_CGROUPS "/cgroup.procs", "0");
}

int system_mount(void)
{
	static const struct {
		const char *type, *where;
		bool needed;
	} mounts[] = {
		{ "devtmpfs", "/dev", true }, { "proc", "/proc", true },
		{ "sysfs", "/sys", true },    { "debugfs", "/sys/kernel/debug", false },
		{ "tmpfs", "/tmp", true },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		/* The kernel may have mounted devtmpfs already. */
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) &&
		    errno != EBUSY && mounts[i].needed)
			return -errno;
	}
	return 0;
}

int system_read(const char *path, char *text, size_t size)
{
	int fd __close = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + length, size - length)) > 0)
		length += n;
	if (n < 0)
		return -errno;
	if (length == size)
		return -EFBIG;
	while (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return 0;
}

int system_write(const char *path, const char *word)
{
	int fd __close = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, word, strlen(word)) < 0 ? -errno : 0;
}

int system_kexec_load(const char *kernel, const char *append)
{
	int kernel_fd __close = open(kernel, O_RDONLY | O_CLOEXEC);
	int initrd_fd __close = open("/sys/firmware/initrd", O_RDONLY | O_CLOEXEC);
	int copy_fd __close = -1;
	char command_line[4096];
	ssize_t n;
	int err;

	if (kernel_fd < 0 || initrd_fd < 0)
		return -errno;
	err = system_read("/proc/cmdline", command_line, sizeof(command_line));
	if (err)
		return err;
	if (*append) {
		size_t length = strlen(command_line);

		if (length + strlen(append) + 2 > sizeof(command_line))
			return -E2BIG;
		sprintf(command_line + length, " %s", append);
	}
	/* The kernel reads a file by its size, which sysfs does not tell: hand it a copy. */
	copy_fd = memfd_create("initrd", MFD_CLOEXEC);
	if (copy_fd < 0)
		return -errno;
	while ((n = sendfile(copy_fd, initrd_fd, NULL, 1 << 20)) > 0)
		;
	if (n < 0)
		return -errno;
	if (syscall(__NR_kexec_file_load, kernel_fd, copy_fd, strlen(command_line) + 1,
		    command_line, 0L))
		return -errno;
	return 0;
}

int system_kexec(void)
{
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return -errno;
}

void system_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	/* Without power management there is nothing but to stop. */
	reboot(RB_HALT_SYSTEM);
	for (;;)
		pause();
}

int system_key(const char *path, const char *key, uint64_t *value)
{
	FILE *file __fclose = fopen(path, "re");
	size_t length = strlen(key);
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		const char *p = line + strspn(line, " \t");
		unsigned long long number;

		if (strncmp(p, key, length) ||
		    (p[length] != ':' && !isspace((unsigned char)p[length])))
			continue;
		if (sscanf(p + length + (p[length] == ':'), "%llu", &number) != 1)
			continue;
		*value = number;
		return 0;
	}
	return -ENOENT;
}

int system_memory_read(struct system_memory *memory)
{
	const struct {
		const char *key;
		uint64_t *value;
	} wanted[] = {
		{ "MemAvailable", &memory->available_bytes },
		{ "Slab", &memory->slab_bytes },
		{ "SUnreclaim", &memory->unreclaimable_bytes },
		{ "Unevictable", &memory->unevictable_bytes },
		{ "Shmem", &memory->shmem_bytes },
	};
	int err = 0;

	memset(memory, 0, sizeof(*memory));
	for (size_t i = 0; !err && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		err = system_key("/proc/meminfo", wanted[i].key, wanted[i].value);
		*wanted[i].value *= 1024;
	}
	if (!err)
		err = system_key("/proc/vmstat", "nr_iommu_pages", &memory->iommu_bytes);
	memory->iommu_bytes *= sysconf(_SC_PAGESIZE);
	return err;
}

bool system_complaint(const char *line)
{
	static const char *const signs[] = {
		"WARNING:",
		"BUG:",
		"Call Trace:",
		"Oops",
		"INFO: task ",
		"INFO: rcu",
		"INFO: possible",
		"kmemleak: ",
		"general protection fault",
		"Kernel panic",
		"UBSAN:",
		"KFENCE:",
		"DEBUG_LOCKS_WARN_ON",
		"refcount_t:",
	};

	/* Not complaints: what kmemleak says about itself. */
	if (strstr(line, "kmemleak: Kernel memory leak detector") ||
	    strstr(line, "kmemleak: Automatic memory scanning"))
		return false;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}

static bool expect_allocation_failures;

void system_expect_allocation_failures(void)
{
	expect_allocation_failures = true;
}

int system_log_complaints(char *first, size_t size)
{
	static int fd = -1;
	static bool excused;
	char record[8192 + 1];
	int complaints = 0;
	ssize_t n;

	first[0] = '\0';
	if (fd < 0)
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		char *text;

		n = read(fd, record, sizeof(record) - 1);
		/*
		 * EPIPE: records were overwritten before we came; the next read goes on behind
		 * them.
		 */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0 && errno == EAGAIN)
			return complaints;
		if (n <= 0)
			return n ? -errno : complaints;
		record[n] = '\0';
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		/* Behind the line's end stand the record's properties. */
		text[strcspn(text, "\n")] = '\0';
		/* The trace behind a report of an allocation that was made to fail belongs to it. */
		if (expect_allocation_failures &&
		    (strstr(text, "vmalloc error: ") || strstr(text, "page allocation failure: ")))
			excused = true;
		if (excused && strstr(text, "Call Trace:")) {
			excused = false;
			continue;
		}
		/* What user space writes into the log is facility 1; the kernel's is 0. */
		if (strtoul(record, NULL, 10) >> 3 || !system_complaint(text))
			continue;
		if (!complaints++)
			snprintf(first, size, "%s", text);
	}
}

int system_kmemleak(char *first, size_t size)
{
	static const char path[] = "/sys/kernel/debug/kmemleak";
	FILE *file __fclose = NULL;
	int reports = 0, err = 0;
	char line[512];

	first[0] = '\0';
	/* An object must look lost in two scans, and be a few seconds old, to be reported. */
	for (int i = 0; !err && i < 2; i++) {
		err = system_write(path, "scan");
		sleep(6);
	}
	if (!err)
		err = system_write(path, "scan");
	if (err)
		return err;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "unreferenced object", 19))
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (!reports++)
			snprintf(first, size, "%s", line);
	}
	return reports;
}
