// SPDX-License-Identifier: GPL-2.0-only
/* Does the running system need a PCI device? See pci_in_use() in pci.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/pci.h>

#define BLOCK "sys/block"
#define NET "sys/class/net"

/* include/uapi/linux/route.h, ipv6_route.h: the route is used; it refuses what it matches. */
#define ROUTE_UP 0x0001u
#define ROUTE_REJECT 0x0200u
/* Scope of an address in /proc/net/if_inet6: include/net/ipv6.h, IPV6_ADDR_LINKLOCAL. */
#define SCOPE_LINK_LOCAL 0x20u
/* A bridge on a bond on a card is three; more is a loop. */
#define STACK_MAX 8

/**
 * struct use - what is asked, and what was found
 * @sysfs: the root
 * @dir: directory of the PCI device, without symbolic links
 * @why: the answer in words
 * @size: bytes of @why
 */
struct use {
	const struct sysfs *sysfs;
	char *dir;
	char *why;
	size_t size;
};

static __attribute__((format(printf, 2, 3))) int in_use(struct use *use, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(use->why, use->size, format, args);
	va_end(args);
	return 1;
}

static int cannot_tell(struct use *use, const char *file, int err)
{
	snprintf(use->why, use->size,
		 "/%s cannot be read (%s), so that nobody knows what is in use", file,
		 strerror(-err));
	return err;
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (path[length] == '/' || !path[length]);
}

/* Call @fn for each line of a file; a result that is not 0 ends it. A file that is missing has none. */
typedef int (*line_fn)(struct use *use, char *line, const void *context);

static int for_each_line(struct use *use, const char *file, bool needed, line_fn fn,
			 const void *context)
{
	char *text __freed = sysfs_text(use->sysfs, "%s", file);
	char *save = NULL;
	int ret = 0;

	if (!text && (errno != ENOENT || needed))
		return cannot_tell(use, file, -errno);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && !ret;
	     line = strtok_r(NULL, "\n", &save))
		ret = fn(use, line, context);
	return ret;
}

/* ---- storage ---- */

/**
 * struct disk - a disk, or a partition of it
 * @name: as in /dev
 * @number: "major:minor"
 */
struct disk {
	const char *name;
	const char *number;
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "36 35 259:2 / /home rw,noatime shared:1 - ext4 /dev/nvme0n1p2 rw" */
static int is_mounted(struct use *use, char *line, const void *context)
{
	const struct disk *disk = context;
	char number[32], place[256], source[256] = "";
	const char *dash = strstr(line, " - ");

	if (sscanf(line, "%*s %*s %31s %*s %255s", number, place) != 2)
		return 0;
	if (dash)
		sscanf(dash, " - %*s %255s", source);
	/* btrfs and the like have numbers of their own, which belong to no disk. */
	if (strcmp(number, disk->number) &&
	    (strncmp(source, "/dev/", 5) || strcmp(last_part(source), disk->name)))
		return 0;
	return in_use(use, "%s is mounted on %s: unmount it, or take another device", disk->name,
		      place);
}

static int is_swap(struct use *use, char *line, const void *context)
{
	const struct disk *disk = context;

	line[strcspn(line, " \t")] = '\0';
	if (strcmp(last_part(line), disk->name))
		return 0;
	return in_use(use, "%s is swap: swapoff /dev/%s, or take another device", disk->name,
		      disk->name);
}

static int has_holder(struct use *use, const char *dir, const char *name)
{
	struct sysfs_names holders __sysfs_names = { 0 };

	if (sysfs_list(use->sysfs, &holders, "%s/holders", dir) || !holders.nr)
		return 0;
	return in_use(use,
		      "%s is part of %s (device mapper, RAID): stop that, or take another device",
		      name, holders.name[0]);
}

static int is_in_btrfs(struct use *use, const char *name)
{
	struct sysfs_names systems __sysfs_names = { 0 };

	sysfs_list(use->sysfs, &systems, "sys/fs/btrfs");
	for (size_t i = 0; i < systems.nr; i++)
		if (sysfs_exists(use->sysfs, "sys/fs/btrfs/%s/devices/%s", systems.name[i], name))
			return in_use(
				use,
				"%s is part of the mounted btrfs %s: unmount it, or take another device",
				name, systems.name[i]);
	return 0;
}

/* The kernel's own claim, whoever has it: another mount namespace, ZFS, an exclusive opener. */
static int is_claimed(struct use *use, const char *name)
{
	char path[PCI_NAME_SIZE + 8];
	int fd __close = -1;
	struct stat info;

	snprintf(path, sizeof(path), "dev/%s", name);
	if (fstatat(use->sysfs->root, path, &info, 0) || !S_ISBLK(info.st_mode))
		return 0;
	fd = openat(use->sysfs->root, path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 || errno != EBUSY)
		return 0;
	return in_use(
		use,
		"%s is claimed by the kernel (ZFS, a mount of another namespace): free it, or take another device",
		name);
}

static int disk_in_use(struct use *use, const char *dir, const char *name)
{
	char *number __freed = sysfs_text(use->sysfs, "%s/dev", dir);
	struct disk disk = { .name = name, .number = number ? number : "" };
	int ret = for_each_line(use, "proc/self/mountinfo", true, is_mounted, &disk);

	if (!ret)
		ret = for_each_line(use, "proc/swaps", false, is_swap, &disk);
	if (!ret)
		ret = has_holder(use, dir, name);
	if (!ret)
		ret = is_in_btrfs(use, name);
	return ret ? ret : is_claimed(use, name);
}

/*
 * A disk is below its device, whatever is between them (NVMe, SCSI, USB, virtio). With NVMe multipath
 * it is below its subsystem instead, which has links to its controllers.
 */
static bool disk_is_ours(const struct use *use, const char *disk)
{
	char *real __freed = sysfs_real(use->sysfs, BLOCK "/%s", disk);
	struct sysfs_names names __sysfs_names = { 0 };

	if (!real)
		return false;
	if (is_below(real, use->dir))
		return true;
	if (!strstr(real, "/nvme-subsystem/"))
		return false;
	sysfs_list(use->sysfs, &names, BLOCK "/%s/..", disk);
	for (size_t i = 0; i < names.nr; i++) {
		char *path __freed = sysfs_real(use->sysfs, BLOCK "/%s/../%s", disk, names.name[i]);

		if (path && is_below(path, use->dir))
			return true;
	}
	return false;
}

static int storage_in_use(struct use *use)
{
	struct sysfs_names disks __sysfs_names = { 0 };
	int ret = sysfs_list(use->sysfs, &disks, BLOCK);

	if (ret)
		return ret == -ENOENT ? 0 : cannot_tell(use, BLOCK, ret);
	for (size_t i = 0; !ret && i < disks.nr; i++) {
		struct sysfs_names parts __sysfs_names = { 0 };
		char dir[2 * PCI_NAME_SIZE + 16];

		if (!disk_is_ours(use, disks.name[i]))
			continue;
		snprintf(dir, sizeof(dir), BLOCK "/%s", disks.name[i]);
		sysfs_list(use->sysfs, &parts, "%s", dir);
		for (size_t j = 0; !ret && j < parts.nr; j++) {
			if (!sysfs_exists(use->sysfs, "%s/%s/partition", dir, parts.name[j]))
				continue;
			snprintf(dir, sizeof(dir), BLOCK "/%s/%s", disks.name[i], parts.name[j]);
			ret = disk_in_use(use, dir, parts.name[j]);
			snprintf(dir, sizeof(dir), BLOCK "/%s", disks.name[i]);
		}
		/* Last, as a mounted partition makes the disk claimed, and says less. */
		if (!ret)
			ret = disk_in_use(use, dir, disks.name[i]);
	}
	return ret;
}

/* ---- network ---- */

/**
 * struct card - a network interface of the device, and what carries its traffic
 * @own: name of the interface
 * @name: the interface itself, or one on top of it
 */
struct card {
	const char *own;
	const char *name;
};

static const char *on_top(const struct card *card, char *text, size_t size)
{
	text[0] = '\0';
	if (strcmp(card->own, card->name))
		snprintf(text, size, ", below %s", card->name);
	return text;
}

/* "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0", numbers as they lie in memory */
static int route_v4(struct use *use, char *line, const void *context)
{
	const struct card *card = context;
	char name[PCI_NAME_SIZE], text[PCI_NAME_SIZE + 16];
	unsigned int to, flags, mask;

	if (sscanf(line, "%63s %x %*x %x %*u %*u %*u %x", name, &to, &flags, &mask) != 4 ||
	    strcmp(name, card->name) || !(flags & ROUTE_UP) || flags & ROUTE_REJECT)
		return 0;
	on_top(card, text, sizeof(text));
	if (!to && !mask)
		return in_use(
			use,
			"%s%s carries the default route (IPv4): take another device, or this machine is off the network",
			card->own, text);
	return in_use(
		use,
		"%s%s is up and has an address or a route (IPv4): ip link set %s down, or take another device",
		card->own, text, card->own);
}

/* "TO 00 FROM 00 GATEWAY METRIC REFERENCES USED FLAGS NAME" */
static int route_v6(struct use *use, char *line, const void *context)
{
	const struct card *card = context;
	char name[PCI_NAME_SIZE], to[40], text[PCI_NAME_SIZE + 16];
	unsigned int length, flags;

	if (sscanf(line, "%39s %x %*s %*x %*s %*x %*x %*x %x %63s", to, &length, &flags, name) !=
		    4 ||
	    strcmp(name, card->name) || length || strspn(to, "0") != 32 || !(flags & ROUTE_UP) ||
	    flags & ROUTE_REJECT)
		return 0;
	return in_use(
		use,
		"%s%s carries the default route (IPv6): take another device, or this machine is off the network",
		card->own, on_top(card, text, sizeof(text)));
}

/* "ADDRESS INDEX LENGTH SCOPE FLAGS NAME" */
static int address_v6(struct use *use, char *line, const void *context)
{
	const struct card *card = context;
	char name[PCI_NAME_SIZE], text[PCI_NAME_SIZE + 16];
	unsigned int scope;

	if (sscanf(line, "%*s %*x %*x %x %*x %63s", &scope, name) != 2 ||
	    strcmp(name, card->name) || scope == SCOPE_LINK_LOCAL)
		return 0;
	return in_use(
		use,
		"%s%s is up and has an address (IPv6): ip link set %s down, or take another device",
		card->own, on_top(card, text, sizeof(text)), card->own);
}

/* IFF_UP of <linux/if.h> */
static bool is_up(const struct use *use, const char *name)
{
	return sysfs_number(use->sysfs, 0, NET "/%s/flags", name) & 1;
}

static int card_in_use(struct use *use, const struct card *card, unsigned int depth)
{
	static const char upper[] = "upper_";
	struct sysfs_names links __sysfs_names = { 0 };
	int ret;

	if (!is_up(use, card->name))
		return 0;
	/* What stands on top says more than the card below it. */
	sysfs_list(use->sysfs, &links, NET "/%s", card->name);
	for (size_t i = 0; depth < STACK_MAX && i < links.nr; i++) {
		struct card top = { .own = card->own, .name = links.name[i] + strlen(upper) };

		if (strncmp(links.name[i], upper, strlen(upper)))
			continue;
		ret = card_in_use(use, &top, depth + 1);
		if (ret)
			return ret;
	}
	ret = for_each_line(use, "proc/net/route", false, route_v4, card);
	if (!ret)
		ret = for_each_line(use, "proc/net/ipv6_route", false, route_v6, card);
	if (!ret)
		ret = for_each_line(use, "proc/net/if_inet6", false, address_v6, card);
	for (size_t i = 0; !ret && !depth && i < links.nr; i++)
		if (!strncmp(links.name[i], upper, strlen(upper)))
			ret = in_use(
				use,
				"%s is up and part of %s (bridge, bond, VLAN): take it out of that, or take another device",
				card->own, links.name[i] + strlen(upper));
	return ret;
}

static int network_in_use(struct use *use)
{
	struct sysfs_names cards __sysfs_names = { 0 };
	int ret = sysfs_list(use->sysfs, &cards, NET);

	if (ret)
		return ret == -ENOENT ? 0 : cannot_tell(use, NET, ret);
	for (size_t i = 0; !ret && i < cards.nr; i++) {
		struct card card = { .own = cards.name[i], .name = cards.name[i] };
		char *real __freed = sysfs_real(use->sysfs, NET "/%s", cards.name[i]);

		if (real && is_below(real, use->dir))
			ret = card_in_use(use, &card, 0);
	}
	return ret;
}

int pci_in_use(const struct sysfs *sysfs, const char *address, char *why, size_t size)
{
	char *dir __freed = sysfs_real(sysfs, PCI_DEVICES "/%s", address);
	struct use use = { .sysfs = sysfs, .dir = dir, .why = why, .size = size };
	int ret;

	if (!dir)
		return cannot_tell(&use, PCI_DEVICES, -errno);
	ret = storage_in_use(&use);
	return ret ? ret : network_in_use(&use);
}
