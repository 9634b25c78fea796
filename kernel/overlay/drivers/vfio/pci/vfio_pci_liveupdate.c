// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carry vfio-pci device files over a live update while the device goes on with
 * its DMA. Page tables and their memory belong to the iommufd that the file is
 * bound to and to the memfds behind it; that bus mastering stays on, and that the
 * device is reserved in the next kernel, is drivers/pci/liveupdate.c's part.
 *
 * Old kernel. A file can be preserved while it is bound to an iommufd. From then
 * on the device keeps its attachment, and cannot be reset or put to sleep. The
 * freeze fails if the iommufd is not preserved in the same session or the device
 * is not attached to one of its preserved HWPTs. It switches off the device's
 * interrupts, which nobody could take until the file is bound again.
 *
 * New kernel. The device waits. Its cdev cannot be opened, the retrieved file is
 * the only way to it. Opening the device, which is what VFIO_DEVICE_BIND_IOMMUFD
 * does, takes it over as it is, without a reset; a later close resets it as
 * ever. If nobody opened it by the time the session is finished it is stopped and
 * reset, before any memory is freed.
 */
#define pr_fmt(fmt) "vfio-pci: " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/iommufd.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/vfio_pci.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/pci-liveupdate.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#include "vfio_pci_liveupdate.h"
#include "vfio_pci_priv.h"

MODULE_IMPORT_NS("IOMMUFD");

/* A reset contends for locks that others hold only for a short time */
#define RESET_TRIES 50
#define RESET_DELAY_MS 20

static const struct pci_driver *vfio_pci_luo_driver __ro_after_init;
static const struct vfio_device_ops *vfio_pci_luo_ops __ro_after_init;

static struct vfio_pci_core_device *to_vfio_pci(struct vfio_device *device)
{
	return container_of(device, struct vfio_pci_core_device, vdev);
}

/* Old kernel */

static bool vfio_pci_luo_can_preserve(struct liveupdate_file_handler *handler,
				      struct file *file)
{
	struct vfio_device *device = vfio_cdev_file_device(file);

	return device && device->ops == vfio_pci_luo_ops;
}

static int vfio_pci_check_preservable(struct vfio_pci_core_device *vdev,
				      struct file *file)
{
	struct pci_dev *pdev = vdev->pdev;

	lockdep_assert_held(&vdev->vdev.dev_set->lock);

	if (!vfio_cdev_file_iommufd(file)) {
		pci_warn(pdev, "cannot be preserved: it is not bound to an iommufd\n");
		return -EINVAL;
	}
	/* With MSI off it would raise INTx, and could not be kept from it */
	if (pdev->pin && !vdev->pci_2_3 && !vdev->nointx) {
		pci_warn(pdev, "cannot be preserved: INTx cannot be disabled\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int vfio_pci_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device = vfio_cdev_file_device(args->file);
	struct vfio_pci_core_device *vdev = to_vfio_pci(device);
	struct pci_dev *pdev = vdev->pdev;
	struct vfio_pci_ser *ser;
	int err;

	guard(mutex)(&device->dev_set->lock);

	err = vfio_pci_check_preservable(vdev, args->file);
	if (err)
		return err;

	ser = kho_alloc_preserve(sizeof(*ser));
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	err = pci_liveupdate_preserve(pdev);
	if (err) {
		kho_unpreserve_free(ser);
		return err;
	}

	*ser = (struct vfio_pci_ser) {
		.magic = VFIO_PCI_SER_MAGIC,
		.version = VFIO_PCI_SER_VERSION,
		.irq_index = VFIO_PCI_NUM_IRQS,
		.key = pci_liveupdate_key(pci_domain_nr(pdev->bus),
					  pdev->bus->number, pdev->devfn),
		.vendor = pdev->vendor,
		.device = pdev->device,
		.subsystem_vendor = pdev->subsystem_vendor,
		.subsystem_device = pdev->subsystem_device,
		.class = pdev->class,
	};
	device->liveupdate_preserved = true;
	args->private_data = ser;
	args->serialized_data = virt_to_phys(ser);
	return 0;
}

static void vfio_pci_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device = vfio_cdev_file_device(args->file);

	guard(mutex)(&device->dev_set->lock);
	device->liveupdate_preserved = false;
	pci_liveupdate_unpreserve(to_vfio_pci(device)->pdev);
	kho_unpreserve_free(args->private_data);
}

/*
 * Nothing of what is checked here can change afterwards: the file's iommufd is
 * frozen with it, and whoever wants to attach, detach or reset is refused.
 */
static int vfio_pci_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device = vfio_cdev_file_device(args->file);
	struct vfio_pci_core_device *vdev = to_vfio_pci(device);
	struct vfio_pci_ser *ser = args->private_data;
	struct iommufd_ctx *ictx;
	int err;

	guard(mutex)(&device->dev_set->lock);

	err = vfio_pci_check_preservable(vdev, args->file);
	if (err)
		return err;
	err = pci_liveupdate_check_preservable(vdev->pdev);
	if (err)
		return err;

	ictx = vfio_cdev_file_iommufd(args->file);
	if (!iommufd_ctx_is_preserved_with(ictx, args)) {
		pci_warn(vdev->pdev, "live update: its iommufd is not preserved in the same session\n");
		return -EINVAL;
	}
	if (!iommufd_device_is_preserved(device->iommufd_device)) {
		pci_warn(vdev->pdev, "live update: it is not attached to a preserved HWPT\n");
		return -EINVAL;
	}

	ser->irq_index = vfio_pci_irqs_freeze(vdev);
	return 0;
}

static void vfio_pci_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device = vfio_cdev_file_device(args->file);

	guard(mutex)(&device->dev_set->lock);
	vfio_pci_irqs_thaw(to_vfio_pci(device));
}

/* New kernel */

/* Return what is wrong with a record, or NULL */
const char *vfio_pci_ser_check(const struct vfio_pci_ser *ser)
{
	if (ser->magic != VFIO_PCI_SER_MAGIC)
		return "magic number";
	if (ser->version != VFIO_PCI_SER_VERSION)
		return "version";
	if (ser->irq_index > VFIO_PCI_MSIX_IRQ_INDEX &&
	    ser->irq_index != VFIO_PCI_NUM_IRQS)
		return "interrupt mode";
	if (ser->key.kind != IOMMU_DEVICE_PCI || ser->key.reserved)
		return "kind of the device";
	/* A segment is a positive int */
	if (ser->key.id >> 47)
		return "address of the device";
	if (ser->class >> 24)
		return "class of the device";
	if (ser->reserved)
		return "reserved field";
	return NULL;
}

static struct vfio_pci_ser *vfio_pci_ser_get(u64 phys)
{
	struct vfio_pci_ser *ser;
	const char *what;

	if (!kho_is_restorable(phys, get_order(sizeof(*ser)))) {
		pr_err("live update: %#llx is not preserved memory\n", phys);
		return ERR_PTR(-EINVAL);
	}
	ser = phys_to_virt(phys);
	what = vfio_pci_ser_check(ser);
	if (what) {
		pr_err("live update: the %s in the record at %#llx is wrong\n",
		       what, phys);
		return ERR_PTR(-EINVAL);
	}
	return ser;
}

/* The caller puts the device. NULL: not there, or another one in its place */
static struct pci_dev *vfio_pci_ser_find(const struct vfio_pci_ser *ser)
{
	unsigned int segment = ser->key.id >> 16;
	unsigned int bus = PCI_BUS_NUM(ser->key.id);
	unsigned int devfn = ser->key.id & 0xff;
	struct pci_dev *pdev;

	pdev = pci_get_domain_bus_and_slot(segment, bus, devfn);
	if (!pdev) {
		pr_warn("live update: device %04x:%02x:%02x.%d is gone\n",
			segment, bus, PCI_SLOT(devfn), PCI_FUNC(devfn));
		return NULL;
	}
	if (pdev->vendor != ser->vendor || pdev->device != ser->device ||
	    pdev->subsystem_vendor != ser->subsystem_vendor ||
	    pdev->subsystem_device != ser->subsystem_device ||
	    pdev->class != ser->class) {
		pci_warn(pdev, "live update: another device was preserved here, [%04x:%04x] class %#08x\n",
			 ser->vendor, ser->device, ser->class);
		pci_dev_put(pdev);
		return NULL;
	}
	return pdev;
}

/* The caller puts the registration. NULL: vfio-pci has not got the device */
static struct vfio_device *vfio_pci_get_registered(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *vdev;

	guard(device)(&pdev->dev);
	if (!pdev->driver || pdev->driver != vfio_pci_luo_driver)
		return NULL;
	vdev = dev_get_drvdata(&pdev->dev);
	if (!vfio_device_try_get_registration(&vdev->vdev))
		return NULL;
	return &vdev->vdev;
}

static int vfio_pci_retrieve_device(struct vfio_device *device,
				    struct liveupdate_file_op_args *args)
{
	struct file *file;

	guard(mutex)(&device->dev_set->lock);
	if (!device->liveupdate_waiting) {
		dev_warn(device->dev,
			 "live update: it was not left running for vfio-pci\n");
		return -ENODEV;
	}
	file = vfio_cdev_file_create(device);
	if (IS_ERR(file)) {
		args->retry = true;
		return PTR_ERR(file);
	}
	/* Whoever wants to bind it needs the iommufd that its domain is in */
	WRITE_ONCE(device->liveupdate_waiting, false);
	args->file = file;
	return 0;
}

static int vfio_pci_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device;
	struct vfio_pci_ser *ser;
	struct pci_dev *pdev;
	int err;

	ser = vfio_pci_ser_get(args->serialized_data);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	pdev = vfio_pci_ser_find(ser);
	if (!pdev)
		return -ENODEV;

	device = vfio_pci_get_registered(pdev);
	if (!device) {
		/* It may be later */
		pci_warn(pdev, "live update: it is not bound to vfio-pci\n");
		args->retry = true;
		err = -ENODEV;
		goto out_put;
	}
	err = vfio_pci_retrieve_device(device, args);
	if (err)
		vfio_device_put_registration(device);
out_put:
	pci_dev_put(pdev);
	return err;
}

static int vfio_pci_stop_device(struct pci_dev *pdev)
{
	unsigned int tries;
	u16 command;
	int err;

	pm_runtime_get_sync(&pdev->dev);

	pci_clear_master(pdev);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	/* All ones: it is not there any more */
	if (!PCI_POSSIBLE_ERROR(command) && command & PCI_COMMAND_MASTER) {
		pci_err(pdev, "live update: it does not stop being a bus master\n");
		err = -EIO;
		goto out_put;
	}
	if (!pci_wait_for_pending_transaction(pdev))
		pci_warn(pdev, "live update: a transaction is still pending\n");

	/* The device is quiet and may be reset */
	pci_liveupdate_take_over(pdev);
	for (tries = 0; tries != RESET_TRIES; tries++) {
		err = pci_try_reset_function(pdev);
		if (err != -EAGAIN)
			break;
		msleep(RESET_DELAY_MS);
	}
	if (err)
		pci_warn(pdev, "live update: nobody took it over, bus mastering is off, but it was not reset: %pe\n",
			 ERR_PTR(err));
	else
		pci_info(pdev, "live update: nobody took it over, it was reset\n");
	err = 0;
out_put:
	pm_runtime_put(&pdev->dev);
	return err;
}

static int vfio_pci_quiesce_device(struct vfio_device *device,
				   struct pci_dev *pdev)
{
	int err = 0;

	/* Against being opened right now */
	guard(mutex)(&device->dev_set->lock);
	if (pci_liveupdate_is_incoming(pdev))
		err = vfio_pci_stop_device(pdev);
	if (!err)
		WRITE_ONCE(device->liveupdate_waiting, false);
	return err;
}

/*
 * Stop the device, unless it was opened: then its owner decides. The record is
 * needed to know which device it is, so if it is bad nothing is freed.
 */
static int vfio_pci_luo_quiesce(struct liveupdate_file_op_args *args)
{
	struct vfio_device *device;
	struct vfio_pci_ser *ser;
	struct pci_dev *pdev;
	int err;

	/*
	 * Whoever unbinds the driver has the device locked and waits for the
	 * file to be closed, which waits for us.
	 */
	if (args->retrieve_status > 0) {
		device = vfio_cdev_file_device(args->file);
		return vfio_pci_quiesce_device(device,
					       to_vfio_pci(device)->pdev);
	}

	ser = vfio_pci_ser_get(args->serialized_data);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	pdev = vfio_pci_ser_find(ser);
	if (!pdev)
		return 0;

	device = vfio_pci_get_registered(pdev);
	if (device) {
		err = vfio_pci_quiesce_device(device, pdev);
		vfio_device_put_registration(device);
	} else {
		/* Nobody can open it */
		err = pci_liveupdate_is_incoming(pdev) ?
			      vfio_pci_stop_device(pdev) : 0;
	}
	pci_dev_put(pdev);
	return err;
}

static void vfio_pci_luo_finish(struct liveupdate_file_op_args *args)
{
	struct vfio_pci_ser *ser = vfio_pci_ser_get(args->serialized_data);

	if (!IS_ERR(ser))
		kho_restore_free(ser);
}

static const struct liveupdate_file_ops vfio_pci_luo_file_ops = {
	.can_preserve = vfio_pci_luo_can_preserve,
	.preserve = vfio_pci_luo_preserve,
	.unpreserve = vfio_pci_luo_unpreserve,
	.freeze = vfio_pci_luo_freeze,
	.unfreeze = vfio_pci_luo_unfreeze,
	.retrieve = vfio_pci_luo_retrieve,
	.quiesce = vfio_pci_luo_quiesce,
	.finish = vfio_pci_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler vfio_pci_luo_handler = {
	.ops = &vfio_pci_luo_file_ops,
	.compatible = VFIO_PCI_LUO_FH_COMPATIBLE,
};

/* Without it, or if live update is switched off, vfio-pci works as ever */
static bool vfio_pci_luo_registered;

/**
 * vfio_pci_liveupdate_init - take part in live updates
 * @driver: the vfio-pci driver, to know its devices by
 * @ops: its device operations, to know its files by
 */
void __init vfio_pci_liveupdate_init(const struct pci_driver *driver,
				     const struct vfio_device_ops *ops)
{
	int err;

	vfio_pci_luo_driver = driver;
	vfio_pci_luo_ops = ops;
	err = liveupdate_register_file_handler(&vfio_pci_luo_handler);
	if (err == -EOPNOTSUPP)
		return;
	if (err)
		pr_err("no live update: %pe\n", ERR_PTR(err));
	else
		vfio_pci_luo_registered = true;
}

/**
 * vfio_pci_liveupdate_exit - undo vfio_pci_liveupdate_init()
 */
void vfio_pci_liveupdate_exit(void)
{
	if (vfio_pci_luo_registered)
		liveupdate_unregister_file_handler(&vfio_pci_luo_handler);
}
