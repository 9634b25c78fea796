// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI devices that go on with their DMA while the kernel is replaced. What a
 * device may reach is for the IOMMU, what it works on for its driver, vfio-pci.
 * This part sees to it that its requests get through: the device and every
 * bridge above it stay bus masters, powered, and where they are.
 *
 * Old kernel. The driver preserves the device, which is counted on the device
 * and on all bridges above. As long as there is a count, resets, suspend and
 * removal are refused, and a shutdown that ends in a live update does not clear
 * bus mastering. Errors (AER, DPC, surprise removal) are beyond control: a
 * device that they hit is not running any more.
 *
 * New kernel. Nothing is handed over by this part: the IOMMU has a record of each
 * device, and that is asked for while enumerating. A device with a record is
 * counted in the same way, until its driver takes it over or stops it. It is
 * reserved for vfio-pci, which knows how to do that.
 */
#define pr_fmt(fmt) "PCI: " fmt

#include <linux/device.h>
#include <linux/iommu-liveupdate.h>
#include <linux/liveupdate.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci-liveupdate.h>
#include <linux/pm_runtime.h>
#include <linux/string_choices.h>

#include "pci.h"

/* Protects pci_dev::liveupdate_outgoing and ::liveupdate_incoming */
static DEFINE_MUTEX(pci_liveupdate_lock);

/* Old kernel */

/**
 * pci_liveupdate_check_preservable - can this device's DMA go on at all?
 * @pdev: the device
 *
 * Called when the device is preserved and again right before the kexec, as some
 * of it can change in between.
 *
 * Return: 0; -EOPNOTSUPP for a device that the next kernel would disturb;
 *	-EBUSY for a state that its owner can leave.
 */
int pci_liveupdate_check_preservable(struct pci_dev *pdev)
{
	const char *what = NULL;
	int err = -EOPNOTSUPP;

	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		what = "it is a bridge";
	else if (pdev->is_virtfn)
		what = "VFs are switched off when their PF is enumerated";
	else if (pdev->class >> 8 == PCI_CLASS_SERIAL_USB)
		what = "USB controllers are reset when they are enumerated";
	else if (pci_is_vga(pdev))
		what = "VGA arbitration switches its decoding";
	else if (pdev->ats_enabled || pdev->pri_enabled)
		what = "ATS or PRI is enabled (boot with pci=noats)";
	if (what)
		goto refuse;

	err = -EBUSY;
	if (pci_num_vf(pdev))
		what = "it has VFs";
	else if (pdev->current_state != PCI_D0)
		what = "it is not in D0";
	if (what)
		goto refuse;
	return 0;

refuse:
	pci_warn(pdev, "cannot be preserved: %s\n", what);
	return err;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_check_preservable);

/**
 * pci_liveupdate_preserve - let a device go on through a live update
 * @pdev: the device
 *
 * From now on, until pci_liveupdate_unpreserve(), neither the device nor the
 * bridges above it can be reset, suspended or removed by request, and a shutdown
 * that ends in a live update leaves them as bus masters. Any other shutdown
 * stops them as ever. The device is held in D0.
 *
 * Context: Process context; may sleep. The caller keeps the device bound.
 * Return: 0; -EBUSY if it is preserved already, or being reset or unbound; what
 *	pci_liveupdate_check_preservable() refuses with.
 */
int pci_liveupdate_preserve(struct pci_dev *pdev)
{
	struct pci_dev *dev;
	int err;

	err = pm_runtime_resume_and_get(&pdev->dev);
	if (err)
		return err;

	/*
	 * A reset has it from before it looks for preserved devices until it is
	 * done, and whoever unbinds the driver holds it until the driver's last
	 * user is gone, which may be waiting for us.
	 */
	if (!device_trylock(&pdev->dev)) {
		err = -EBUSY;
		goto err_put;
	}

	err = pci_liveupdate_check_preservable(pdev);
	if (err)
		goto err_unlock;

	mutex_lock(&pci_liveupdate_lock);
	if (pci_liveupdate_is_held(pdev))
		err = -EBUSY;
	for (dev = pdev; dev && !err; dev = pci_upstream_bridge(dev))
		WRITE_ONCE(dev->liveupdate_outgoing,
			   dev->liveupdate_outgoing + 1);
	mutex_unlock(&pci_liveupdate_lock);
	if (err)
		goto err_unlock;
	device_unlock(&pdev->dev);
	return 0;

err_unlock:
	device_unlock(&pdev->dev);
err_put:
	pm_runtime_put(&pdev->dev);
	return err;
}
EXPORT_SYMBOL_GPL(pci_liveupdate_preserve);

/**
 * pci_liveupdate_unpreserve - undo pci_liveupdate_preserve()
 * @pdev: the device
 *
 * Context: Process context; may sleep.
 */
void pci_liveupdate_unpreserve(struct pci_dev *pdev)
{
	struct pci_dev *dev;

	mutex_lock(&pci_liveupdate_lock);
	for (dev = pdev; dev; dev = pci_upstream_bridge(dev))
		WRITE_ONCE(dev->liveupdate_outgoing,
			   dev->liveupdate_outgoing - 1);
	mutex_unlock(&pci_liveupdate_lock);
	pm_runtime_put(&pdev->dev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_unpreserve);

/*
 * For the shutdown. A device that the previous kernel left running, and that
 * nobody preserved again, is not among them: its memory is not handed on.
 */
bool pci_liveupdate_keeps_master(const struct pci_dev *dev)
{
	return pci_liveupdate_is_preserved(dev) &&
	       liveupdate_reboot_in_progress();
}

/* Both kernels: -EBUSY and a message if @what is not to be done to @dev now */
int pci_liveupdate_refuse(struct pci_dev *dev, const char *what)
{
	/* A root bus has no bridge */
	if (!dev || !pci_liveupdate_is_held(dev))
		return 0;
	pci_notice_ratelimited(dev, "live update: %s refused, %s\n", what,
			       dev->subordinate ?
				       "a device below goes on with its DMA" :
				       "its DMA has to go on");
	return -EBUSY;
}

/* New kernel */

/*
 * Has the previous kernel left any device running? The bridges above it are met
 * before the device itself, so bus numbers and windows have to stay all over.
 */
bool pci_liveupdate_keeps_layout(void)
{
	u64 data;

	return !liveupdate_flb_peek_incoming(IOMMU_FLB_COMPATIBLE, &data);
}

static bool pci_liveupdate_has_record(struct pci_dev *dev)
{
	struct iommu_device_key_ser key =
		pci_liveupdate_key(pci_domain_nr(dev->bus), dev->bus->number,
				   dev->devfn);
	struct iommu_device_ser ser;
	int err;

	err = iommu_liveupdate_lookup_device(&key, &ser);
	switch (err) {
	case 0:
		return true;
	case -ENOENT:
	case -ENODATA:
	case -EOPNOTSUPP:
		return false;
	}
	/*
	 * No memory, or a state that is not believed as a whole. What it says
	 * about this device is still the best that can be known, and to leave a
	 * device alone that nobody preserved does no harm.
	 */
	pci_warn(dev, "live update: no proper answer about it: %pe\n",
		 ERR_PTR(err));
	return !iommu_liveupdate_early_lookup_device(&key, &ser);
}

/* Called before anything is written to the device's configuration space */
void pci_liveupdate_setup_device(struct pci_dev *dev)
{
	struct pci_dev *up;

	if (dev->hdr_type != PCI_HEADER_TYPE_NORMAL || dev->is_virtfn)
		return;
	if (!pci_liveupdate_has_record(dev))
		return;

	/* Its peers may be writing to its BARs, do not switch them off */
	dev->mmio_always_on = 1;

	mutex_lock(&pci_liveupdate_lock);
	for (up = dev; up; up = pci_upstream_bridge(up))
		WRITE_ONCE(up->liveupdate_incoming, up->liveupdate_incoming + 1);
	mutex_unlock(&pci_liveupdate_lock);
}

/* Called when the device is initialized and no driver has seen it yet */
void pci_liveupdate_device_add(struct pci_dev *dev)
{
	u16 command;
	int err;

	if (!pci_liveupdate_is_incoming(dev) || dev->subordinate ||
	    dev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return;

	/* In D0 until it is taken over or stopped, and so the bridges above */
	pm_runtime_get_noresume(&dev->dev);

#ifdef CONFIG_PCI_ATS
	/* It had none, and must not get it behind its owner's back */
	dev->ats_cap = 0;
#endif

	err = device_set_driver_override(&dev->dev, "vfio-pci");
	if (err)
		pci_err(dev, "live update: cannot be reserved for vfio-pci: %pe\n",
			ERR_PTR(err));

	pci_read_config_word(dev, PCI_COMMAND, &command);
	pci_info(dev, "live update: left running by the previous kernel (bus master %s), reserved for vfio-pci\n",
		 str_on_off(command & PCI_COMMAND_MASTER));
}

static bool pci_liveupdate_drop_incoming(struct pci_dev *pdev)
{
	struct pci_dev *dev;

	guard(mutex)(&pci_liveupdate_lock);
	if (!pdev->liveupdate_incoming)
		return false;
	for (dev = pdev; dev; dev = pci_upstream_bridge(dev))
		WRITE_ONCE(dev->liveupdate_incoming,
			   dev->liveupdate_incoming - 1);
	return true;
}

/**
 * pci_liveupdate_take_over - the device is its driver's now
 * @pdev: a device that pci_liveupdate_is_incoming(); otherwise without effect
 *
 * From now on the device is like any other: it may be reset and may sleep. For a
 * driver that goes on with what the previous kernel's driver did, or is about to
 * stop it.
 *
 * Context: Process context; may sleep.
 */
void pci_liveupdate_take_over(struct pci_dev *pdev)
{
	if (pci_liveupdate_drop_incoming(pdev))
		pm_runtime_put(&pdev->dev);
}
EXPORT_SYMBOL_GPL(pci_liveupdate_take_over);

/* It was unplugged before anybody took it over */
void pci_liveupdate_device_gone(struct pci_dev *dev)
{
	if (dev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return;
	if (pci_liveupdate_drop_incoming(dev))
		pm_runtime_put_noidle(&dev->dev);
}
