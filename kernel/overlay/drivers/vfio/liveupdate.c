// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver's live update file handler needs to know about VFIO's device
 * files: to recognize one, to see which iommufd it is bound to, and to make one
 * for a device that was left running by the previous kernel.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/vfio.h>

#include "vfio.h"

/**
 * vfio_cdev_file_device - the device of a VFIO device file
 * @file: any file
 *
 * Return: the device, or NULL if @file is not one that was opened through the
 *	device's cdev.
 */
struct vfio_device *vfio_cdev_file_device(struct file *file)
{
	struct vfio_device_file *df = file->private_data;

	if (file->f_op != &vfio_device_fops || df->group)
		return NULL;
	return df->device;
}

/**
 * vfio_cdev_file_iommufd - the iommufd that a VFIO device file is bound to
 * @file: a file that vfio_cdev_file_device() knows
 *
 * Context: The lock of the device's set is held; the binding lasts as long, and
 *	as long as @file is open.
 * Return: the iommufd, or NULL if @file is not bound.
 */
struct iommufd_ctx *vfio_cdev_file_iommufd(struct file *file)
{
	struct vfio_device_file *df = file->private_data;

	lockdep_assert_held(&df->device->dev_set->lock);

	return df->access_granted ? df->iommufd : NULL;
}

/**
 * vfio_cdev_file_create - what opening the device's cdev returns
 * @device: the device; the caller's registration goes over to the file
 *
 * For those who have no inode. It can be bound with VFIO_DEVICE_BIND_IOMMUFD.
 *
 * Return: the file, or an ERR_PTR, and then the registration stays the caller's.
 */
struct file *vfio_cdev_file_create(struct vfio_device *device)
{
	struct vfio_device_file *df;
	struct file *file;

	df = vfio_allocate_device_file(device);
	if (IS_ERR(df))
		return ERR_CAST(df);

	file = anon_inode_getfile_fmode("[vfio-device]", &vfio_device_fops, df,
					O_RDWR | O_CLOEXEC,
					FMODE_PREAD | FMODE_PWRITE);
	if (IS_ERR(file)) {
		kfree(df);
		return file;
	}
	/* One address space for all mappings of the device, as in cdev_open() */
	file->f_mapping = device->inode->i_mapping;
	return file;
}
