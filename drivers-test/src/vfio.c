// SPDX-License-Identifier: GPL-2.0-only
/* PCI devices through VFIO's character device; see the header for what each call guarantees. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <flbench/cleanup.h>
#include <flbench/uapi.h>
#include <flbench/vfio.h>

#define PCI_DEVICES "/sys/bus/pci/devices/"
#define PCI_DRIVER "vfio-pci"

_Static_assert((int)VFIO_IRQ_INTX == (int)VFIO_PCI_INTX_IRQ_INDEX, "VFIO's number");
_Static_assert((int)VFIO_IRQ_MSI == (int)VFIO_PCI_MSI_IRQ_INDEX, "VFIO's number");
_Static_assert((int)VFIO_IRQ_MSIX == (int)VFIO_PCI_MSIX_IRQ_INDEX, "VFIO's number");

static int sysfs_write(const char *path, const char *word)
{
	int fd __close = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, word, strlen(word)) < 0 ? -errno : 0;
}

static bool sysfs_is(const char *dir, const char *attribute, unsigned int value)
{
	char path[PATH_MAX];
	FILE *file __fclose = NULL;
	unsigned int found;

	snprintf(path, sizeof(path), "%s/%s", dir, attribute);
	file = fopen(path, "re");
	return file && fscanf(file, "%x", &found) == 1 && found == value;
}

int vfio_find(uint16_t vendor, uint16_t device, unsigned int nth, char *address)
{
	glob_t dirs = { 0 };
	int err = -ENODEV;

	/* glob() sorts. */
	if (glob(PCI_DEVICES "*", 0, NULL, &dirs))
		return -ENODEV;
	for (size_t i = 0; err && i < dirs.gl_pathc; i++) {
		if (!sysfs_is(dirs.gl_pathv[i], "vendor", vendor) ||
		    !sysfs_is(dirs.gl_pathv[i], "device", device) || nth--)
			continue;
		snprintf(address, VFIO_ADDRESS_SIZE, "%s", basename(dirs.gl_pathv[i]));
		err = 0;
	}
	globfree(&dirs);
	return err;
}

/* Return: 1 for vfio-pci, 0 for another driver, -ENOENT for none. */
static int has_our_driver(const char *address)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver", address);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return !strcmp(basename(target), PCI_DRIVER);
}

static int set_override(const char *address, const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver_override", address);
	return sysfs_write(path, driver);
}

static int unbind(const char *address)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver/unbind", address);
	return sysfs_write(path, address);
}

int vfio_bind_driver(const char *address)
{
	int ours = has_our_driver(address);
	int err;

	if (ours == 1)
		return 0;
	err = set_override(address, PCI_DRIVER);
	if (err)
		return err == -ENOENT ? -ENODEV : err;
	if (!ours)
		err = unbind(address);
	if (!err)
		err = sysfs_write("/sys/bus/pci/drivers_probe", address);
	if (err)
		return err;
	return has_our_driver(address) == 1 ? 0 : -ENODEV;
}

int vfio_unbind_driver(const char *address)
{
	int err = 0;

	if (has_our_driver(address) == 1)
		err = unbind(address);
	if (!err)
		/* An empty line clears it. */
		err = set_override(address, "\n");
	if (!err)
		err = sysfs_write("/sys/bus/pci/drivers_probe", address);
	/* It may be a device that nobody wants. */
	return err == -EINVAL ? 0 : err;
}

int vfio_open(struct vfio_device *vfio, const char *address)
{
	char path[PATH_MAX];
	glob_t dirs = { 0 };
	int fd;

	snprintf(path, sizeof(path), PCI_DEVICES "%s/vfio-dev/vfio*", address);
	if (glob(path, 0, NULL, &dirs))
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", basename(dirs.gl_pathv[0]));
	globfree(&dirs);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	vfio_adopt(vfio, fd, 0);
	return 0;
}

void vfio_adopt(struct vfio_device *vfio, int fd, uint32_t iommufd_id)
{
	memset(vfio, 0, sizeof(*vfio));
	vfio->fd = fd;
	vfio->iommufd_id = iommufd_id;
}

int vfio_bind(struct vfio_device *vfio, int iommufd)
{
	struct vfio_device_bind_iommufd cmd = { .argsz = sizeof(cmd), .iommufd = iommufd };

	if (ioctl(vfio->fd, VFIO_DEVICE_BIND_IOMMUFD, &cmd))
		return -errno;
	vfio->iommufd_id = cmd.out_devid;
	return 0;
}

int vfio_attach(struct vfio_device *vfio, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt cmd = { .argsz = sizeof(cmd), .pt_id = pt_id };

	return ioctl(vfio->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd) ? -errno : 0;
}

int vfio_detach(struct vfio_device *vfio)
{
	struct vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return ioctl(vfio->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd) ? -errno : 0;
}

int vfio_reset(struct vfio_device *vfio)
{
	return ioctl(vfio->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

static int region_info(struct vfio_device *vfio, unsigned int index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(vfio->fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

int vfio_config_read(struct vfio_device *vfio, uint32_t offset, void *data, size_t bytes)
{
	struct vfio_region_info info;
	int err = region_info(vfio, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	ssize_t n;

	if (err)
		return err;
	n = pread(vfio->fd, data, bytes, info.offset + offset);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EIO;
}

int vfio_config_write(struct vfio_device *vfio, uint32_t offset, const void *data, size_t bytes)
{
	struct vfio_region_info info;
	int err = region_info(vfio, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	ssize_t n;

	if (err)
		return err;
	n = pwrite(vfio->fd, data, bytes, info.offset + offset);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EIO;
}

int vfio_check_identity(struct vfio_device *vfio, uint16_t vendor, uint16_t device)
{
	uint16_t found[2];
	int err = vfio_config_read(vfio, PCI_VENDOR_ID, found, sizeof(found));

	if (err)
		return err;
	return found[0] == vendor && found[1] == device ? 0 : -ENODEV;
}

int vfio_set_bus_master(struct vfio_device *vfio, bool on)
{
	uint16_t command;
	int err = vfio_config_read(vfio, PCI_COMMAND, &command, sizeof(command));

	if (err)
		return err;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (!on)
		command &= ~PCI_COMMAND_MASTER;
	return vfio_config_write(vfio, PCI_COMMAND, &command, sizeof(command));
}

int vfio_check_bus_master(struct vfio_device *vfio)
{
	uint16_t command;
	int err = vfio_config_read(vfio, PCI_COMMAND, &command, sizeof(command));

	if (err)
		return err;
	return command & PCI_COMMAND_MASTER ? 0 : -EPERM;
}

int vfio_map_bar(struct vfio_device *vfio, unsigned int index, size_t bytes)
{
	struct vfio_region_info info;
	void *memory;
	int err;

	if (vfio->bar[index].memory)
		return vfio->bar[index].bytes >= bytes ? 0 : -ENODEV;
	err = region_info(vfio, VFIO_PCI_BAR0_REGION_INDEX + index, &info);
	if (err)
		return err;
	if (info.size < bytes || !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -ENODEV;
	memory = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, vfio->fd, info.offset);
	if (memory == MAP_FAILED)
		return -errno;
	vfio->bar[index] = (struct vfio_bar){ .memory = memory, .bytes = info.size };
	return 0;
}

int vfio_irq_enable(struct vfio_device *vfio, enum vfio_irq irq, const int *eventfds,
		    unsigned int nr)
{
	size_t bytes = sizeof(struct vfio_irq_set) + nr * sizeof(*eventfds);
	struct vfio_irq_set *set __freed = malloc(bytes);

	if (!set)
		return -ENOMEM;
	*set = (struct vfio_irq_set){
		.argsz = bytes,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq,
		.count = nr,
	};
	memcpy(set->data, eventfds, nr * sizeof(*eventfds));
	return ioctl(vfio->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

int vfio_irq_disable(struct vfio_device *vfio, enum vfio_irq irq)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq,
	};

	return ioctl(vfio->fd, VFIO_DEVICE_SET_IRQS, &set) ? -errno : 0;
}

void vfio_close(struct vfio_device *vfio)
{
	for (size_t i = 0; i < VFIO_BARS; i++)
		if (vfio->bar[i].memory)
			munmap((void *)vfio->bar[i].memory, vfio->bar[i].bytes);
	cleanup_close(&vfio->fd);
	vfio_adopt(vfio, -1, 0);
}
