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

#define CDEV_PATTERN "/sys/bus/pci/devices/%s/vfio-dev/vfio*"

_Static_assert((int)VFIO_IRQ_INTX == (int)VFIO_PCI_INTX_IRQ_INDEX, "VFIO's number");
_Static_assert((int)VFIO_IRQ_MSI == (int)VFIO_PCI_MSI_IRQ_INDEX, "VFIO's number");
_Static_assert((int)VFIO_IRQ_MSIX == (int)VFIO_PCI_MSIX_IRQ_INDEX, "VFIO's number");

int vfio_open(struct vfio_device *vfio, const char *address)
{
	char path[PATH_MAX];
	glob_t dirs = { 0 };
	int fd;

	snprintf(path, sizeof(path), CDEV_PATTERN, address);
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
