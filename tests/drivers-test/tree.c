// SPDX-License-Identifier: GPL-2.0-only
/* See tree.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/pci.h>

#include "tree.h"

static char top[PATH_MAX];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

#define MAKE_PATH(path, format)                                                \
	char path[2 * PATH_MAX];                                               \
	do {                                                                   \
		va_list args;                                                  \
		int length = snprintf(path, sizeof(path), "%s/root/", top);    \
		va_start(args, format);                                        \
		vsnprintf(path + length, sizeof(path) - length, format, args); \
		va_end(args);                                                  \
	} while (0)

static void make_parents(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		must(!mkdir(path, 0755) || errno == EEXIST, path);
		*slash = '/';
	}
}

void tree_file(const char *text, const char *format, ...)
{
	FILE *file __fclose = NULL;

	MAKE_PATH(path, format);
	make_parents(path);
	file = fopen(path, "we");
	must(file, path);
	fputs(text, file);
}

void tree_link(const char *target, const char *format, ...)
{
	MAKE_PATH(path, format);
	make_parents(path);
	unlink(path);
	must(!symlink(target, path), path);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	return remove(path);
}

void tree_remove(const char *format, ...)
{
	MAKE_PATH(path, format);
	must(!nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), path);
}

const char *tree_path(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

void tree_driver(const char *driver)
{
	tree_file("", PCI_DRIVERS "/%s/bind", driver);
	tree_file("", PCI_DRIVERS "/%s/unbind", driver);
}

/* Where a device really is, from the root of the machine. */
static void device_dir(char *dir, size_t size, const char *port, const char *address)
{
	snprintf(dir, size, "sys/devices/pci0000:00/%s%s%s", port, *port ? "/" : "", address);
}

void tree_device(const char *port, const char *address, const char *class, const char *driver,
		 int group)
{
	char dir[256], text[512];

	device_dir(dir, sizeof(dir), port, address);
	snprintf(text, sizeof(text), "%s\n", class);
	tree_file(text, "%s/class", dir);
	tree_file("0x8086\n", "%s/vendor", dir);
	tree_file("0x10c9\n", "%s/device", dir);
	tree_file("-1\n", "%s/numa_node", dir);
	tree_file("(null)\n", "%s/driver_override", dir);
	snprintf(text, sizeof(text), "../../../%s", strchr(dir, '/') + 1);
	tree_link(text, PCI_DEVICES "/%s", address);
	if (*driver) {
		snprintf(text, sizeof(text), "../../../../bus/pci/drivers/%s", driver);
		tree_driver(driver);
		tree_link(text, "%s/driver", dir);
		/* The driver that the kernel would choose for it. */
		tree_file(driver, "%s/modalias", dir);
	}
	if (group < 0)
		return;
	snprintf(text, sizeof(text), "../../../../kernel/iommu_groups/%d", group);
	tree_link(text, "%s/iommu_group", dir);
	tree_file("DMA-FQ\n", IOMMU_GROUPS "/%d/type", group);
	snprintf(text, sizeof(text), "../../../../bus/pci/devices/%s", address);
	tree_link(text, IOMMU_GROUPS "/%d/devices/%s", group, address);
}

/* ---- the kernel ---- */

static int driver_of(const struct sysfs *sysfs, const char *address, char *driver)
{
	return sysfs_link(sysfs, driver, PCI_NAME_SIZE, PCI_DEVICES "/%s/driver", address);
}

static int give(const struct sysfs *sysfs, const char *address, const char *driver)
{
	char target[256], path[256];

	snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", address);
	return symlinkat(target, sysfs->root, path) ? -errno : 0;
}

static int set_override(const struct sysfs *sysfs, const char *path, const char *word)
{
	char new_path[PATH_MAX + 8];
	const char *text = strcmp(word, "\n") ? word : "(null)";
	int fd;

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	fd = openat(sysfs->root, new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), new_path);
	close(fd);
	return renameat(sysfs->root, new_path, sysfs->root, path) ? -errno : 0;
}

/* Would this driver take the device? Its override decides, else what the device is. */
static bool fits(const struct sysfs *sysfs, const char *address, const char *driver)
{
	char *override __freed = sysfs_text(sysfs, PCI_DEVICES "/%s/driver_override", address);
	char *own __freed = sysfs_text(sysfs, PCI_DEVICES "/%s/modalias", address);

	if (override && strcmp(override, "(null)"))
		return !strcmp(override, driver);
	return own && !strcmp(own, driver);
}

static int answer(const struct sysfs *sysfs, const char *path, const char *word)
{
	char driver[PCI_NAME_SIZE], wanted[PCI_NAME_SIZE], link[PATH_MAX];
	const char *last = strrchr(path, '/') + 1;
	struct sysfs_names drivers __sysfs_names = { 0 };
	bool has;

	if (!sysfs_exists(sysfs, "%s", path) && strcmp(last, "drivers_probe"))
		return -ENOENT;
	if (!strcmp(last, "driver_override"))
		return set_override(sysfs, path, word);
	if (!sysfs_exists(sysfs, PCI_DEVICES "/%s", word))
		return -ENODEV;
	has = !driver_of(sysfs, word, driver);
	if (!strcmp(last, "unbind")) {
		snprintf(link, sizeof(link), PCI_DEVICES "/%s/driver", word);
		return unlinkat(sysfs->root, link, 0) ? -errno : 0;
	}
	if (!strcmp(last, "bind")) {
		must(sscanf(path, PCI_DRIVERS "/%63[^/]/bind", wanted) == 1, path);
		if (has)
			return -EBUSY;
		return fits(sysfs, word, wanted) ? give(sysfs, word, wanted) : -ENODEV;
	}
	must(!strcmp(last, "drivers_probe"), path);
	sysfs_list(sysfs, &drivers, PCI_DRIVERS);
	for (size_t i = 0; !has && i < drivers.nr; i++)
		if (fits(sysfs, word, drivers.name[i]))
			return give(sysfs, word, drivers.name[i]);
	return has ? 0 : -EINVAL;
}

void tree_begin(struct sysfs *sysfs)
{
	strcpy(top, "/tmp/flbench-tree-XXXXXX");
	must(mkdtemp(top), top);
	tree_file("", "sys/bus/pci/drivers_probe");
	tree_file("1 0 259:9 / / rw shared:1 - ext4 /dev/root rw\n", "proc/self/mountinfo");
	must(!sysfs_open(sysfs, tree_path("root")), top);
	sysfs->write = answer;
}

void tree_end(struct sysfs *sysfs)
{
	sysfs_close(sysfs);
	must(!nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS), top);
}
