/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices through VFIO's character device and iommufd: to open one, to bind it, to reach its
 * registers, configuration space and interrupts. How it gets the driver vfio-pci is in pci.h; what a
 * device does is left to its driver (edu.h, nvme.h, igb.h). What holds for all of them:
 *
 * - vfio_bind() of a device that was opened resets it and clears bus mastering; the kernel does
 *   that (vfio_pci_core_enable()). A device that was retrieved from a live update session is not
 *   reset, and keeps bus mastering.
 * - A device that is bound to no page table, or whose bus mastering is off, does no DMA.
 * - Nothing here but vfio_bind(), vfio_reset() and vfio_close() changes what the device does.
 *
 * Source: include/uapi/linux/vfio.h, Documentation/driver-api/vfio.rst ("VFIO Device cdev").
 */
#ifndef FLBENCH_VFIO_H
#define FLBENCH_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFIO_BARS 6

/**
 * struct dma_region - memory that a driver shares with its device
 * @memory: where this process sees it; page-aligned
 * @iova: where the device sees it; page-aligned
 * @bytes: how much
 */
struct dma_region {
	void *memory;
	uint64_t iova;
	size_t bytes;
};

/**
 * struct vfio_bar - a mapped BAR
 * @memory: its registers, or NULL
 * @bytes: how many
 */
struct vfio_bar {
	volatile void *memory;
	size_t bytes;
};

/**
 * struct vfio_device - a device in use
 * @fd: its character device
 * @iommufd_id: its object in the iommufd, once it is bound
 * @bar: what vfio_map_bar() mapped
 */
struct vfio_device {
	int fd;
	uint32_t iommufd_id;
	struct vfio_bar bar[VFIO_BARS];
};

/* Interrupts of a device, as VFIO numbers them. */
enum vfio_irq {
	VFIO_IRQ_INTX = 0,
	VFIO_IRQ_MSI = 1,
	VFIO_IRQ_MSIX = 2,
};

/**
 * vfio_open - open the character device of a device that has the driver vfio-pci
 * @vfio: filled in
 * @address: of the device
 *
 * Return: 0; -ENODEV when it has no character device, or another negative errno.
 */
int vfio_open(struct vfio_device *vfio, const char *address);

/**
 * vfio_adopt - use a character device that was opened elsewhere
 * @vfio: filled in
 * @fd: retrieved from a session, and then to be given to vfio_bind(); or from another process that
 *	has bound it
 * @iommufd_id: of a device that is bound, else 0
 *
 * Changes nothing; @vfio owns @fd from now on.
 */
void vfio_adopt(struct vfio_device *vfio, int fd, uint32_t iommufd_id);

/**
 * vfio_bind - bind a device to an iommufd
 * @vfio: the device
 * @iommufd: the iommufd
 *
 * Guarantees: a device that was opened has been reset and does no DMA; one that was retrieved is as
 * it was.
 *
 * Return: 0; -EPERM when DMA of its group is owned by somebody else, -EINVAL when it is bound, or
 * another negative errno.
 */
int vfio_bind(struct vfio_device *vfio, int iommufd);

/**
 * vfio_attach - let a page table translate a device's DMA
 * @vfio: the device, bound
 * @pt_id: an IOAS or HWPT of its iommufd
 *
 * Guarantees: from now on, DMA of the device is what the page table lets through.
 *
 * Return: 0, -EINVAL for a device that waits for another HWPT, or another negative errno.
 */
int vfio_attach(struct vfio_device *vfio, uint32_t pt_id);

/**
 * vfio_detach - block a device's DMA
 * @vfio: the device
 *
 * Return: 0 or a negative errno.
 */
int vfio_detach(struct vfio_device *vfio);

/**
 * vfio_reset - reset a device
 * @vfio: the device
 *
 * Guarantees: no DMA goes on from before. Bus mastering is as it was.
 *
 * Return: 0; -EINVAL for a device that cannot be reset, or another negative errno.
 */
int vfio_reset(struct vfio_device *vfio);

/**
 * vfio_config_read - read configuration space
 * @vfio: the device
 * @offset: bytes
 * @data: where to
 * @bytes: 1, 2, 4, or a range
 *
 * Return: 0 or a negative errno.
 */
int vfio_config_read(struct vfio_device *vfio, uint32_t offset, void *data, size_t bytes);

/**
 * vfio_config_write - write configuration space, as far as VFIO allows it
 * @vfio: the device
 * @offset: bytes
 * @data: what
 * @bytes: 1, 2, 4, or a range
 *
 * Return: 0 or a negative errno.
 */
int vfio_config_write(struct vfio_device *vfio, uint32_t offset, const void *data, size_t bytes);

/**
 * vfio_check_identity - compare vendor and device id
 * @vfio: the device
 * @vendor: vendor id
 * @device: device id
 *
 * Return: 0; -ENODEV when it is another device, or a negative errno.
 */
int vfio_check_identity(struct vfio_device *vfio, uint16_t vendor, uint16_t device);

/**
 * vfio_set_bus_master - let a device do DMA and answer to its BARs, or forbid its DMA
 * @vfio: the device
 * @on: which
 *
 * Return: 0 or a negative errno.
 */
int vfio_set_bus_master(struct vfio_device *vfio, bool on);

/**
 * vfio_check_bus_master - ask whether a device may do DMA
 * @vfio: the device
 *
 * Return: 0; -EPERM when bus mastering is off, or a negative errno.
 */
int vfio_check_bus_master(struct vfio_device *vfio);

/**
 * vfio_map_bar - map the registers of a device
 * @vfio: the device, bound
 * @index: which BAR
 * @bytes: how many there must be at least
 *
 * Return: 0, also when it is mapped; -ENODEV for a BAR that is too small or cannot be mapped, or
 * another negative errno.
 */
int vfio_map_bar(struct vfio_device *vfio, unsigned int index, size_t bytes);

/**
 * vfio_irq_enable - have interrupts of a device counted by eventfds
 * @vfio: the device
 * @irq: which kind
 * @eventfds: one a vector, from vector 0
 * @nr: how many
 *
 * The capability of the device is written by the kernel; adopting a device leaves that to the
 * caller, who calls this again.
 *
 * Return: 0; -EINVAL when the device has fewer, or another negative errno.
 */
int vfio_irq_enable(struct vfio_device *vfio, enum vfio_irq irq, const int *eventfds,
		    unsigned int nr);

/**
 * vfio_irq_disable - let no interrupts through
 * @vfio: the device
 * @irq: which kind
 *
 * Return: 0 or a negative errno.
 */
int vfio_irq_disable(struct vfio_device *vfio, enum vfio_irq irq);

/**
 * vfio_close - unmap the BARs and close the device
 * @vfio: the device
 *
 * With the last descriptor of a device that is not preserved, the kernel resets it: no DMA goes on.
 */
void vfio_close(struct vfio_device *vfio);

#endif
