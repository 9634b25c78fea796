/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that does DMA, behind a table of operations. Each kind of device is one file that fills
 * the table and keeps the guarantees written here; users of the library see no difference between
 * kinds. Today: iommufd's mock (mock.h).
 */
#ifndef FLBENCH_DEVICE_H
#define FLBENCH_DEVICE_H

#include <stddef.h>
#include <stdint.h>

struct dma_device;

/**
 * struct dma_device_ops - what a kind of device can do
 * @name: name of the kind
 * @hwpt_alloc: make a HWPT over @ioas_id of the kind that the device's IOMMU wants, with IOVAs up
 *	to 2^38. Return: 0 or -errno.
 * @attach: create or bind the device, attached to @pt_id (an IOAS or HWPT) of iommufd @iommufd.
 *	Guarantees: no DMA is running when it returns. Return: 0 or -errno.
 * @key: the number by which the device is found again after a kexec. Return: 0 or -errno.
 * @restore: bind the device with number @key again, behind the retrieved HWPT @hwpt_id of @iommufd.
 *	Guarantees: the translation is not touched, not even for an instant. Return: 0; -ENOENT when
 *	the previous kernel preserved no such device, -EINVAL when it was attached to another
 *	domain.
 * @dma: do DMA between the device and memory: read from @iova to @buffer, or with @write from
 *	@buffer to @iova.
 *	Guarantees: done when it returns; what the IOMMU lets the device do and nothing else.
 *	Return: 0; -EFAULT when the IOMMU refused any byte of it. Bytes before the refused one may
 *	have been copied.
 * @detach: quiet the device and give it up. Return: 0 or -errno.
 */
struct dma_device_ops {
	const char *name;
	int (*hwpt_alloc)(struct dma_device *device, uint32_t ioas_id, uint32_t *hwpt_id);
	int (*attach)(struct dma_device *device, int iommufd, uint32_t pt_id);
	int (*key)(struct dma_device *device, uint32_t *key);
	int (*restore)(struct dma_device *device, int iommufd, uint32_t hwpt_id, uint32_t key);
	int (*dma)(struct dma_device *device, uint64_t iova, void *buffer, size_t length,
		   int write);
	int (*detach)(struct dma_device *device);
};

/**
 * struct dma_device - a device in use
 * @ops: its kind
 * @iommufd: the iommufd that it is bound to
 * @hwpt_id: the HWPT that it is attached to
 * @device_id: its iommufd device object
 * @object_id: the object to destroy to get rid of it; 0: no device, only the HWPT's translation is
 *	used
 */
struct dma_device {
	const struct dma_device_ops *ops;
	int iommufd;
	uint32_t hwpt_id;
	uint32_t device_id;
	uint32_t object_id;
};

#endif
