// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU state across a live update: the File-Lifecycle-Bound (FLB) object that
 * LUO keeps for the IOMMU, and what IOMMU drivers and iommufd do with it. How
 * records are stored is left to liveupdate-records.c, what a page table is to
 * the IOMMU driver, and when to preserve to iommufd.
 */

/**
 * DOC: failures
 *
 * A failure is fatal, that is a panic, if and only if it would leave a device
 * able to write to memory that the kernel hands out. Everything else is an
 * errno, and memory whose owner is in doubt is leaked on purpose: a page that
 * KHO keeps reserved is never handed out, so leaving it alone is always safe.
 *
 * Nothing in this file can bring such a write about, so nothing in it panics:
 * it frees only memory of its own records, which no device ever reaches.
 *
 * In the old kernel, every failure to preserve is an errno with all undone; the
 * user does not kexec, or does so without preservation.
 *
 * In the new kernel:
 *
 * - State that is damaged, or written for another kernel, is refused as a
 *   whole, before any of it is used (-EINVAL, -EPROTO). Page tables, and what
 *   they map, stay reserved until the next boot. The devices stay unusable.
 * - -ENOMEM while it is read leaves it as it was; the caller tries again.
 * - A domain that its driver cannot restore stays reserved, is never
 *   half-owned, and its devices must not be given another domain that lets them
 *   through (-ENODEV, or the driver's errno).
 * - A domain that nobody restored before the last file was finished is reported
 *   and stays reserved. Its devices were stopped when the session was finished.
 *
 * What is fatal lies with an IOMMU driver that finds its unit translating from
 * preserved tables, can not use what was preserved, and can not make the unit
 * block all DMA either: to turn translation off would let devices through to
 * IOVAs as physical addresses. It must panic.
 */

#define pr_fmt(fmt) "iommu liveupdate: " fmt

#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/liveupdate.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "iommu-pages.h"
#include "iommu-priv.h"
#include "liveupdate-alloc.h"
#include "liveupdate.h"

/* IOMMU drivers that can restore domains, by vendor */
static const struct iommu_liveupdate_ops *iommu_liveupdate_drivers[IOMMU_VENDORS];
static DECLARE_RWSEM(iommu_liveupdate_drivers_lock);

/**
 * iommu_liveupdate_register_driver - offer to restore a vendor's domains
 * @ops: the driver's operations, valid until unregistered
 *
 * To be done before user space opens /dev/liveupdate.
 *
 * Context: Process context; may sleep.
 * Return: 0; -EINVAL for an unknown vendor or a missing operation; -EBUSY if
 *	the vendor has a driver.
 */
int iommu_liveupdate_register_driver(const struct iommu_liveupdate_ops *ops)
{
	if (ops->vendor == IOMMU_VENDOR_NONE || ops->vendor >= IOMMU_VENDORS)
		return -EINVAL;
	if (!ops->device_key || !ops->unit_key || !ops->domain_preserve ||
	    !ops->domain_unpreserve || !ops->domain_restore ||
	    !ops->device_adopt || !ops->unit_preserve != !ops->unit_unpreserve ||
	    !ops->device_preserve != !ops->device_unpreserve)
		return -EINVAL;

	guard(rwsem_write)(&iommu_liveupdate_drivers_lock);
	if (iommu_liveupdate_drivers[ops->vendor])
		return -EBUSY;
	iommu_liveupdate_drivers[ops->vendor] = ops;
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_register_driver);

/**
 * iommu_liveupdate_unregister_driver - take the offer back
 * @ops: as registered
 *
 * Domains that it has preserved or restored must be gone.
 *
 * Context: Process context; may sleep.
 */
void iommu_liveupdate_unregister_driver(const struct iommu_liveupdate_ops *ops)
{
	guard(rwsem_write)(&iommu_liveupdate_drivers_lock);
	if (!WARN_ON(iommu_liveupdate_drivers[ops->vendor] != ops))
		iommu_liveupdate_drivers[ops->vendor] = NULL;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unregister_driver);

/**
 * iommu_liveupdate_driver_restore - have the vendor's driver restore a domain
 * @ser: the domain's record
 * @domain: set to the domain
 *
 * Return: 0, -ENODEV if the vendor has no driver here, or the driver's errno.
 */
int iommu_liveupdate_driver_restore(const struct iommu_domain_ser *ser,
				    struct iommu_domain **domain)
{
	const struct iommu_liveupdate_ops *ops;

	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_driver_restore, ser, domain);

	guard(rwsem_read)(&iommu_liveupdate_drivers_lock);
	ops = iommu_liveupdate_drivers[ser->vendor];
	if (!ops)
		return -ENODEV;
	*domain = ops->domain_restore(ser);
	return PTR_ERR_OR_ZERO(*domain);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_driver_restore);

/* Old kernel */

/**
 * iommu_liveupdate_outgoing_create - make an empty state to preserve
 *
 * Return: the state or ERR_PTR(-ENOMEM), and then nothing is left behind.
 */
struct iommu_liveupdate_outgoing *iommu_liveupdate_outgoing_create(void)
{
	struct iommu_liveupdate_outgoing *outgoing;
	int err;

	outgoing = iommu_liveupdate_alloc_array(1, sizeof(*outgoing));
	if (!outgoing)
		return ERR_PTR(-ENOMEM);

	mutex_init(&outgoing->lock);
	xa_init(&outgoing->domains);
	xa_init(&outgoing->devices);

	err = iommu_records_create(&outgoing->records);
	if (err)
		goto err_destroy;
	err = iommu_pages_pool_preserve(&outgoing->records.ser->pool_phys);
	if (err)
		goto err_destroy;
	outgoing->pool_preserved = true;
	return outgoing;

err_destroy:
	iommu_liveupdate_outgoing_destroy(outgoing);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_create);

/**
 * iommu_liveupdate_outgoing_destroy - unpreserve and free the state
 * @outgoing: set up wholly or in part
 */
void iommu_liveupdate_outgoing_destroy(struct iommu_liveupdate_outgoing *outgoing)
{
	/* Whoever preserved a domain has to unpreserve it: it owns the table */
	WARN_ON(!xa_empty(&outgoing->domains) || !xa_empty(&outgoing->devices));

	xa_destroy(&outgoing->domains);
	xa_destroy(&outgoing->devices);
	if (outgoing->pool_preserved)
		iommu_pages_pool_unpreserve();
	iommu_records_destroy(&outgoing->records);
	mutex_destroy(&outgoing->lock);
	kvfree(outgoing);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_destroy);

/**
 * iommu_liveupdate_outgoing_add_domain - preserve a domain
 * @outgoing: the state
 * @domain: see iommu_liveupdate_preserve_domain()
 * @flags: see iommu_liveupdate_preserve_domain()
 * @slot: set to the domain's slot
 *
 * Return: see iommu_liveupdate_preserve_domain().
 */
int iommu_liveupdate_outgoing_add_domain(struct iommu_liveupdate_outgoing *outgoing,
					 struct iommu_domain *domain, u32 flags,
					 u32 *slot)
{
	const struct iommu_liveupdate_ops *ops;
	struct iommu_records *records = &outgoing->records;
	struct iommu_domain_ser ser = {};
	u32 number;
	int err;

	if (!(domain->type & __IOMMU_DOMAIN_PAGING) || !domain->owner ||
	    !domain->owner->liveupdate)
		return -EOPNOTSUPP;
	if (flags & ~IOMMU_DOMAIN_SER_FLAGS)
		return -EINVAL;
	ops = domain->owner->liveupdate;

	guard(mutex)(&outgoing->lock);
	if (outgoing->nr_frozen ||
	    iommu_liveupdate_recall(&outgoing->domains, domain) >= 0)
		return -EBUSY;

	err = iommu_records_reserve(records, IOMMU_TABLE_DOMAINS, &number);
	if (err)
		return err;

	err = iommu_liveupdate_remember(&outgoing->domains, domain, number);
	if (err)
		goto err_cancel;

	err = ops->domain_preserve(domain, &ser);
	if (err)
		goto err_forget;

	ser.state = IOMMU_RECORD_USED;
	ser.vendor = ops->vendor;
	ser.flags = flags;
	ser.nr_devices = 0;
	iommu_records_commit(records, IOMMU_TABLE_DOMAINS, number, &ser);
	*slot = number;
	return 0;

err_forget:
	iommu_liveupdate_forget(&outgoing->domains, domain);
err_cancel:
	iommu_records_cancel(records, IOMMU_TABLE_DOMAINS, number);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_add_domain);

static const struct iommu_liveupdate_ops *
iommu_liveupdate_device_ops(struct device *dev)
{
	if (!dev->iommu || !dev->iommu->iommu_dev)
		return NULL;
	return dev_iommu_ops(dev)->liveupdate;
}

static void iommu_liveupdate_put_unit(struct iommu_records *records,
				      struct device *dev, u32 slot)
{
	const struct iommu_liveupdate_ops *ops = iommu_liveupdate_device_ops(dev);
	struct iommu_unit_ser *unit;

	unit = iommu_records_get(records, IOMMU_TABLE_UNITS, slot);
	if (unit->nr_devices)
		return;
	if (ops && ops->unit_unpreserve)
		ops->unit_unpreserve(dev, unit);
	iommu_records_remove(records, IOMMU_TABLE_UNITS, slot);
}

static void iommu_liveupdate_drop_device(struct iommu_liveupdate_outgoing *outgoing,
					 struct device *dev, u32 slot)
{
	const struct iommu_liveupdate_ops *ops = iommu_liveupdate_device_ops(dev);
	struct iommu_records *records = &outgoing->records;
	struct iommu_device_ser *device;
	struct iommu_domain_ser *domain;
	struct iommu_unit_ser *unit;

	device = iommu_records_get(records, IOMMU_TABLE_DEVICES, slot);
	domain = iommu_records_get(records, IOMMU_TABLE_DOMAINS, device->domain);
	unit = iommu_records_get(records, IOMMU_TABLE_UNITS, device->unit);

	/* A device that is gone leaves behind what its driver has preserved */
	if (ops && ops->device_unpreserve)
		ops->device_unpreserve(dev, device);
	domain->nr_devices--;
	unit->nr_devices--;
	iommu_liveupdate_put_unit(records, dev, device->unit);
	iommu_records_remove(records, IOMMU_TABLE_DEVICES, slot);
}

/**
 * iommu_liveupdate_outgoing_remove_domain - undo a domain's preservation
 * @outgoing: the state
 * @domain: a preserved domain
 * @slot: its slot
 *
 * Devices that still refer to it go with it.
 */
void iommu_liveupdate_outgoing_remove_domain(struct iommu_liveupdate_outgoing *outgoing,
					     struct iommu_domain *domain, u32 slot)
{
	struct iommu_records *records = &outgoing->records;
	struct iommu_device_ser *device;
	struct iommu_domain_ser *ser;
	unsigned long key;
	void *entry;

	guard(mutex)(&outgoing->lock);
	if (WARN_ON(iommu_liveupdate_recall(&outgoing->domains, domain) != slot))
		return;
	ser = iommu_records_get(records, IOMMU_TABLE_DOMAINS, slot);

	if (ser->nr_devices) {
		xa_for_each(&outgoing->devices, key, entry) {
			device = iommu_records_get(records, IOMMU_TABLE_DEVICES,
						   xa_to_value(entry));
			if (device->domain != slot)
				continue;
			iommu_liveupdate_drop_device(outgoing,
						     iommu_liveupdate_object(key),
						     xa_to_value(entry));
			xa_erase(&outgoing->devices, key);
		}
	}

	domain->owner->liveupdate->domain_unpreserve(domain, ser);
	iommu_liveupdate_forget(&outgoing->domains, domain);
	iommu_records_remove(records, IOMMU_TABLE_DOMAINS, slot);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_remove_domain);

static int iommu_liveupdate_device_keys(struct device *dev,
					const struct iommu_liveupdate_ops *ops,
					struct iommu_device_key_ser *device_key,
					struct iommu_unit_key_ser *unit_key)
{
	int err;

	err = ops->device_key(dev, device_key);
	if (err)
		return err;
	err = ops->unit_key(dev, unit_key);
	if (err)
		return err;

	if (device_key->kind == IOMMU_DEVICE_NONE ||
	    device_key->kind >= IOMMU_DEVICE_KINDS || device_key->reserved ||
	    unit_key->vendor != ops->vendor || unit_key->reserved)
		return -EINVAL;
	return 0;
}

/* The unit's record, which is made if there is none; the caller's to count */
static int iommu_liveupdate_get_unit(struct iommu_records *records,
				     struct device *dev,
				     const struct iommu_unit_key_ser *key,
				     u32 *slot)
{
	const struct iommu_liveupdate_ops *ops = iommu_liveupdate_device_ops(dev);
	struct iommu_unit_ser unit = { .key = *key };
	int found, err;

	found = iommu_records_find(records, IOMMU_TABLE_UNITS, key);
	if (found >= 0) {
		*slot = found;
		return 0;
	}

	err = iommu_records_reserve(records, IOMMU_TABLE_UNITS, slot);
	if (err)
		return err;
	if (ops->unit_preserve) {
		err = ops->unit_preserve(dev, &unit);
		if (err) {
			iommu_records_cancel(records, IOMMU_TABLE_UNITS, *slot);
			return err;
		}
	}
	unit.state = IOMMU_RECORD_USED;
	iommu_records_commit(records, IOMMU_TABLE_UNITS, *slot, &unit);
	return 0;
}

/**
 * iommu_liveupdate_outgoing_add_device - preserve a device
 * @outgoing: the state
 * @dev: see iommu_liveupdate_preserve_device()
 * @domain: see iommu_liveupdate_preserve_device()
 *
 * Return: see iommu_liveupdate_preserve_device().
 */
int iommu_liveupdate_outgoing_add_device(struct iommu_liveupdate_outgoing *outgoing,
					 struct device *dev, u32 domain)
{
	const struct iommu_liveupdate_ops *ops = iommu_liveupdate_device_ops(dev);
	struct iommu_records *records = &outgoing->records;
	struct iommu_device_ser device = { .domain = domain };
	struct iommu_unit_key_ser unit_key = {};
	struct iommu_domain_ser *domain_ser;
	struct iommu_unit_ser *unit;
	u32 slot, unit_slot;
	int err;

	if (!ops)
		return -EOPNOTSUPP;
	err = iommu_liveupdate_device_keys(dev, ops, &device.key, &unit_key);
	if (err)
		return err;

	guard(mutex)(&outgoing->lock);
	if (outgoing->nr_frozen)
		return -EBUSY;
	domain_ser = iommu_records_get(records, IOMMU_TABLE_DOMAINS, domain);
	if (!domain_ser)
		return -ENOENT;
	if (domain_ser->vendor != ops->vendor)
		return -EINVAL;
	if (iommu_records_find(records, IOMMU_TABLE_DEVICES, &device.key) >= 0)
		return -EEXIST;

	err = iommu_records_reserve(records, IOMMU_TABLE_DEVICES, &slot);
	if (err)
		return err;

	err = iommu_liveupdate_remember(&outgoing->devices, dev, slot);
	if (err)
		goto err_cancel;

	err = iommu_liveupdate_get_unit(records, dev, &unit_key, &unit_slot);
	if (err)
		goto err_forget;

	if (ops->device_preserve) {
		err = ops->device_preserve(dev, &device);
		if (err)
			goto err_put_unit;
	}
	device.state = IOMMU_RECORD_USED;
	device.unit = unit_slot;
	iommu_records_commit(records, IOMMU_TABLE_DEVICES, slot, &device);
	domain_ser->nr_devices++;
	unit = iommu_records_get(records, IOMMU_TABLE_UNITS, unit_slot);
	unit->nr_devices++;
	return 0;

err_put_unit:
	iommu_liveupdate_put_unit(records, dev, unit_slot);
err_forget:
	iommu_liveupdate_forget(&outgoing->devices, dev);
err_cancel:
	iommu_records_cancel(records, IOMMU_TABLE_DEVICES, slot);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_add_device);

/**
 * iommu_liveupdate_outgoing_remove_device - undo a device's preservation
 * @outgoing: the state
 * @dev: a preserved device, or one that went with its domain
 *
 * While the records are final the record stays, and says that it does not count.
 */
void iommu_liveupdate_outgoing_remove_device(struct iommu_liveupdate_outgoing *outgoing,
					     struct device *dev)
{
	struct iommu_device_ser *device;
	int slot;

	guard(mutex)(&outgoing->lock);
	slot = iommu_liveupdate_recall(&outgoing->devices, dev);
	if (slot < 0)
		return;
	if (!outgoing->nr_frozen) {
		iommu_liveupdate_drop_device(outgoing, dev, slot);
		iommu_liveupdate_forget(&outgoing->devices, dev);
		return;
	}

	device = iommu_records_get(&outgoing->records, IOMMU_TABLE_DEVICES, slot);
	if (iommu_device_is_detached(device))
		return;
	/* Its driver is told when the freeze is undone */
	get_device(dev);
	/* The other CPUs may be stopped for the kexec at any time */
	WRITE_ONCE(device->flags, device->flags | IOMMU_DEVICE_SER_DETACHED);
	outgoing->nr_detached++;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_remove_device);

/**
 * iommu_liveupdate_outgoing_freeze - make the records final for one file
 * @outgoing: the state
 */
void iommu_liveupdate_outgoing_freeze(struct iommu_liveupdate_outgoing *outgoing)
{
	guard(mutex)(&outgoing->lock);
	outgoing->nr_frozen++;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_freeze);

/**
 * iommu_liveupdate_outgoing_unfreeze - undo a freeze
 * @outgoing: the state
 *
 * With the last one all that was put off is done, and the time that the files
 * took is forgotten.
 */
void iommu_liveupdate_outgoing_unfreeze(struct iommu_liveupdate_outgoing *outgoing)
{
	struct iommu_records *records = &outgoing->records;
	struct iommu_device_ser *device;
	struct device *dev;
	unsigned long key;
	void *entry;

	guard(mutex)(&outgoing->lock);
	if (WARN_ON(!outgoing->nr_frozen) || --outgoing->nr_frozen)
		return;

	records->ser->freeze_cycles = 0;
	if (!outgoing->nr_detached)
		return;
	xa_for_each(&outgoing->devices, key, entry) {
		dev = iommu_liveupdate_object(key);
		device = iommu_records_get(records, IOMMU_TABLE_DEVICES,
					   xa_to_value(entry));
		if (!iommu_device_is_detached(device))
			continue;
		iommu_liveupdate_drop_device(outgoing, dev, xa_to_value(entry));
		xa_erase(&outgoing->devices, key);
		put_device(dev);
	}
	outgoing->nr_detached = 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_outgoing_unfreeze);

/* New kernel */

/**
 * iommu_liveupdate_incoming_create - take over the previous kernel's state
 * @phys: the FLB's handle, any number
 *
 * Return: the state; ERR_PTR(-ENOMEM), and then nothing has changed and it may
 *	be tried again; -EINVAL, -EPROTO or -EIO as iommu_records_validate() and
 *	iommu_records_restore() say, and then all of it stays reserved.
 */
struct iommu_liveupdate_incoming *iommu_liveupdate_incoming_create(u64 phys)
{
	struct iommu_records_fault fault = {};
	struct iommu_liveupdate_incoming *incoming;
	const struct iommu_flb_ser *ser;
	int err;

	err = iommu_records_validate(phys, &fault);
	if (err == -ENOMEM)
		return ERR_PTR(err);
	if (err) {
		pr_err("refused the previous kernel's state: %s (table %d, number %u, value %#llx)\n",
		       fault.what, fault.table, fault.where, fault.value);
		return ERR_PTR(err);
	}

	/* What has been restored cannot be put back, so first all that can fail */
	incoming = iommu_liveupdate_alloc_array(1, sizeof(*incoming));
	if (!incoming)
		return ERR_PTR(-ENOMEM);
	ser = phys_to_virt(phys);
	incoming->progress =
		iommu_liveupdate_alloc_array(ser->tables[IOMMU_TABLE_DOMAINS].nr_slots,
					     sizeof(*incoming->progress));
	if (!incoming->progress) {
		err = -ENOMEM;
		goto err_free;
	}

	err = iommu_pages_pool_restore(ser->pool_phys);
	if (err) {
		if (err != -ENOMEM)
			pr_err("refused the previous kernel's state: its pool of pages: %d\n",
			       err);
		goto err_free;
	}

	mutex_init(&incoming->lock);
	err = iommu_records_restore(&incoming->records, phys);
	if (err) {
		pr_err("could not take over the previous kernel's state: %d\n", err);
		goto err_free;
	}
	return incoming;

err_free:
	kvfree(incoming->progress);
	kvfree(incoming);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_create);

/**
 * iommu_liveupdate_incoming_finish - free the state
 * @incoming: the state
 *
 * Domains that have been restored live on. One that has not keeps its memory
 * reserved: a device may still use the table, and nobody is left to say that it
 * does not.
 */
void iommu_liveupdate_incoming_finish(struct iommu_liveupdate_incoming *incoming)
{
	struct iommu_records *records = &incoming->records;
	u32 slot, nr_slots, left = 0;

	nr_slots = records->ser->tables[IOMMU_TABLE_DOMAINS].nr_slots;
	for (slot = 0; slot < nr_slots; slot++)
		if (iommu_records_get(records, IOMMU_TABLE_DOMAINS, slot) &&
		    incoming->progress[slot] == IOMMU_DOMAIN_PRESERVED)
			left++;
	if (left)
		pr_err("%u domains were not restored, their page tables stay reserved\n",
		       left);
	else
		iommu_pages_pool_restore_done();

	iommu_records_put(records);
	mutex_destroy(&incoming->lock);
	kvfree(incoming->progress);
	kvfree(incoming);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_finish);

/**
 * iommu_liveupdate_incoming_restore_domain - restore a domain
 * @incoming: the state
 * @slot: see iommu_liveupdate_restore_domain()
 * @flags: see iommu_liveupdate_restore_domain()
 *
 * Return: see iommu_liveupdate_restore_domain().
 */
struct iommu_domain *
iommu_liveupdate_incoming_restore_domain(struct iommu_liveupdate_incoming *incoming,
					 u32 slot, u32 *flags)
{
	const struct iommu_domain_ser *ser;
	struct iommu_domain *domain;
	int err;

	guard(mutex)(&incoming->lock);
	ser = iommu_records_get(&incoming->records, IOMMU_TABLE_DOMAINS, slot);
	if (!ser)
		return ERR_PTR(-ENOENT);

	switch (incoming->progress[slot]) {
	case IOMMU_DOMAIN_RESTORED:
		return ERR_PTR(-EALREADY);
	case IOMMU_DOMAIN_GONE:
		return ERR_PTR(-ESTALE);
	}

	err = iommu_liveupdate_driver_restore(ser, &domain);
	if (err)
		return ERR_PTR(err);

	incoming->progress[slot] = IOMMU_DOMAIN_RESTORED;
	*flags = ser->flags;
	return domain;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_restore_domain);

/**
 * iommu_liveupdate_incoming_domain_gone - note that a restored domain was freed
 * @incoming: the state
 * @slot: the domain's slot
 */
void iommu_liveupdate_incoming_domain_gone(struct iommu_liveupdate_incoming *incoming,
					   u32 slot)
{
	guard(mutex)(&incoming->lock);
	if (WARN_ON(!iommu_records_get(&incoming->records, IOMMU_TABLE_DOMAINS,
				       slot) ||
		    incoming->progress[slot] != IOMMU_DOMAIN_RESTORED))
		return;
	incoming->progress[slot] = IOMMU_DOMAIN_GONE;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_domain_gone);

/**
 * iommu_liveupdate_incoming_lookup_device - find a device by its key
 * @incoming: the state
 * @key: the device's key
 * @ser: copied to
 *
 * Return: 0 or -ENOENT.
 */
int iommu_liveupdate_incoming_lookup_device(struct iommu_liveupdate_incoming *incoming,
					    const struct iommu_device_key_ser *key,
					    struct iommu_device_ser *ser)
{
	const struct iommu_device_ser *device;
	int slot;

	guard(mutex)(&incoming->lock);
	slot = iommu_records_find(&incoming->records, IOMMU_TABLE_DEVICES, key);
	if (slot < 0)
		return slot;
	device = iommu_records_get(&incoming->records, IOMMU_TABLE_DEVICES, slot);
	if (iommu_device_is_detached(device))
		return -ENOENT;
	memcpy(ser, device, sizeof(*ser));
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_lookup_device);

/**
 * iommu_liveupdate_incoming_lookup_unit - find a unit by its key
 * @incoming: the state
 * @key: the unit's key
 * @ser: copied to
 *
 * Return: 0 or -ENOENT.
 */
int iommu_liveupdate_incoming_lookup_unit(struct iommu_liveupdate_incoming *incoming,
					  const struct iommu_unit_key_ser *key,
					  struct iommu_unit_ser *ser)
{
	int slot;

	guard(mutex)(&incoming->lock);
	slot = iommu_records_find(&incoming->records, IOMMU_TABLE_UNITS, key);
	if (slot < 0)
		return slot;
	memcpy(ser, iommu_records_get(&incoming->records, IOMMU_TABLE_UNITS,
				      slot), sizeof(*ser));
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_lookup_unit);

/**
 * iommu_liveupdate_incoming_walk_unit - go through the devices of a unit
 * @incoming: the state
 * @key: the unit's key
 * @fn: called for each
 * @data: handed to @fn
 *
 * Return: 0, also without a device; -ENOENT if there is no such unit; what @fn
 *	returned, if not 0.
 */
int iommu_liveupdate_incoming_walk_unit(struct iommu_liveupdate_incoming *incoming,
					const struct iommu_unit_key_ser *key,
					iommu_liveupdate_device_fn fn,
					void *data)
{
	struct iommu_records *records = &incoming->records;
	const struct iommu_device_ser *device;
	u32 slot, nr_slots;
	int unit, err;

	guard(mutex)(&incoming->lock);
	unit = iommu_records_find(records, IOMMU_TABLE_UNITS, key);
	if (unit < 0)
		return unit;

	nr_slots = records->ser->tables[IOMMU_TABLE_DEVICES].nr_slots;
	for (slot = 0; slot < nr_slots; slot++) {
		device = iommu_records_get(records, IOMMU_TABLE_DEVICES, slot);
		if (!device || device->unit != unit ||
		    iommu_device_is_detached(device))
			continue;
		err = fn(device, iommu_records_get(records, IOMMU_TABLE_DOMAINS,
						   device->domain), data);
		if (err)
			return err;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_incoming_walk_unit);

/* What debugfs shows of the incoming state, which outlives the state itself */
enum iommu_liveupdate_stage {
	IOMMU_LIVEUPDATE_UNTOUCHED,
	IOMMU_LIVEUPDATE_REFUSED,
	IOMMU_LIVEUPDATE_RETRIEVED,
	IOMMU_LIVEUPDATE_FINISHED,
};

static const char * const iommu_liveupdate_stage_names[] = {
	[IOMMU_LIVEUPDATE_UNTOUCHED] = "preserved",
	[IOMMU_LIVEUPDATE_REFUSED] = "refused",
	[IOMMU_LIVEUPDATE_RETRIEVED] = "retrieved",
	[IOMMU_LIVEUPDATE_FINISHED] = "finished",
};

static enum iommu_liveupdate_stage iommu_liveupdate_stage;
static struct iommu_flb_ser iommu_liveupdate_incoming_header;
static DEFINE_MUTEX(iommu_liveupdate_stage_lock);

static int iommu_liveupdate_flb_preserve(struct liveupdate_flb_op_args *args)
{
	struct iommu_liveupdate_outgoing *outgoing;

	outgoing = iommu_liveupdate_outgoing_create();
	if (IS_ERR(outgoing))
		return PTR_ERR(outgoing);

	args->obj = outgoing;
	args->data = virt_to_phys(outgoing->records.ser);
	return 0;
}

static void iommu_liveupdate_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	iommu_liveupdate_outgoing_destroy(args->obj);
}

static int iommu_liveupdate_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	struct iommu_liveupdate_incoming *incoming;

	guard(mutex)(&iommu_liveupdate_stage_lock);
	incoming = iommu_liveupdate_incoming_create(args->data);
	if (IS_ERR(incoming)) {
		if (PTR_ERR(incoming) != -ENOMEM)
			iommu_liveupdate_stage = IOMMU_LIVEUPDATE_REFUSED;
		return PTR_ERR(incoming);
	}

	iommu_liveupdate_incoming_header = *incoming->records.ser;
	iommu_liveupdate_stage = IOMMU_LIVEUPDATE_RETRIEVED;
	args->obj = incoming;
	return 0;
}

static void iommu_liveupdate_flb_finish(struct liveupdate_flb_op_args *args)
{
	guard(mutex)(&iommu_liveupdate_stage_lock);
	iommu_liveupdate_incoming_finish(args->obj);
	iommu_liveupdate_stage = IOMMU_LIVEUPDATE_FINISHED;
}

static const struct liveupdate_flb_ops iommu_liveupdate_flb_ops = {
	.preserve = iommu_liveupdate_flb_preserve,
	.unpreserve = iommu_liveupdate_flb_unpreserve,
	.retrieve = iommu_liveupdate_flb_retrieve,
	.finish = iommu_liveupdate_flb_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_flb iommu_liveupdate_flb = {
	.ops = &iommu_liveupdate_flb_ops,
	.compatible = IOMMU_FLB_COMPATIBLE,
};

/**
 * iommu_liveupdate_register_file_handler - tie a file handler to IOMMU state
 * @fh: a registered file handler
 *
 * From then on the IOMMU's state exists as long as a file of @fh is preserved,
 * and in the next kernel until the last of them is finished.
 *
 * Context: Process context; may sleep.
 * Return: 0 or as liveupdate_register_flb().
 */
int iommu_liveupdate_register_file_handler(struct liveupdate_file_handler *fh)
{
	return liveupdate_register_flb(fh, &iommu_liveupdate_flb);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_register_file_handler);

/**
 * iommu_liveupdate_unregister_file_handler - undo the registration
 * @fh: as registered, and still a registered file handler
 *
 * Context: Process context; may sleep.
 */
void iommu_liveupdate_unregister_file_handler(struct liveupdate_file_handler *fh)
{
	liveupdate_unregister_flb(fh, &iommu_liveupdate_flb);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unregister_file_handler);

static int iommu_liveupdate_get_outgoing(struct iommu_liveupdate_outgoing **outgoing)
{
	void *object;
	int err;

	err = liveupdate_flb_get_outgoing(&iommu_liveupdate_flb, &object);
	if (!err)
		*outgoing = object;
	return err;
}

static void iommu_liveupdate_put_outgoing(void)
{
	liveupdate_flb_put_outgoing(&iommu_liveupdate_flb);
}

static int iommu_liveupdate_get_incoming(struct iommu_liveupdate_incoming **incoming)
{
	void *object;
	int err;

	err = liveupdate_flb_get_incoming(&iommu_liveupdate_flb, &object);
	if (!err)
		*incoming = object;
	return err;
}

static void iommu_liveupdate_put_incoming(void)
{
	liveupdate_flb_put_incoming(&iommu_liveupdate_flb);
}

/**
 * iommu_liveupdate_preserve_domain - preserve a domain and its page table
 * @domain: a paging domain; until it is unpreserved its owner must not map,
 *	unmap or free it, nor attach a device to it or detach one from it
 * @flags: IOMMU_DOMAIN_SER_*, handed to whoever restores it
 * @index: set to its name in the next kernel, for
 *	iommu_liveupdate_restore_domain()
 *
 * Context: Process context; may sleep. A file whose handler was registered with
 *	iommu_liveupdate_register_file_handler() is being preserved.
 * Return: 0; -EOPNOTSUPP if the domain is no paging domain or its driver cannot
 *	preserve; -EINVAL for unknown @flags; -EBUSY if it is preserved;
 *	-ENOENT if no file is being preserved; -EBUSY if the records are final;
 *	-ENOMEM, -ENOSPC, or the driver's errno. After an error nothing is
 *	preserved that was not before.
 */
int iommu_liveupdate_preserve_domain(struct iommu_domain *domain, u32 flags,
				     u32 *index)
{
	struct iommu_liveupdate_outgoing *outgoing;
	int err;

	err = iommu_liveupdate_get_outgoing(&outgoing);
	if (err)
		return err;
	err = iommu_liveupdate_outgoing_add_domain(outgoing, domain, flags, index);
	iommu_liveupdate_put_outgoing();
	return err;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_preserve_domain);

/**
 * iommu_liveupdate_unpreserve_domain - undo the preservation of a domain
 * @domain: a preserved domain
 * @index: from iommu_liveupdate_preserve_domain()
 *
 * Devices that were preserved with it and are still so are unpreserved too.
 *
 * Context: Process context; may sleep. As for preserving.
 */
void iommu_liveupdate_unpreserve_domain(struct iommu_domain *domain, u32 index)
{
	struct iommu_liveupdate_outgoing *outgoing;

	if (WARN_ON(iommu_liveupdate_get_outgoing(&outgoing)))
		return;
	iommu_liveupdate_outgoing_remove_domain(outgoing, domain, index);
	iommu_liveupdate_put_outgoing();
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unpreserve_domain);

/**
 * iommu_liveupdate_preserve_device - preserve a device's attachment
 * @dev: a device behind an IOMMU
 * @domain_index: the preserved domain that it is attached to
 *
 * Context: Process context; may sleep. As for iommu_liveupdate_preserve_domain().
 * Return: 0; -EOPNOTSUPP if its IOMMU driver cannot preserve; -ENOENT if there
 *	is no such domain, or no file is being preserved; -EEXIST if a device of
 *	this name is preserved; -EINVAL if device and domain are not of the same
 *	vendor or the driver made up a bad key; -EBUSY if the records are final;
 *	-ENOMEM, -ENOSPC, or the driver's errno. After an error nothing is
 *	preserved that was not before.
 */
int iommu_liveupdate_preserve_device(struct device *dev, u32 domain_index)
{
	struct iommu_liveupdate_outgoing *outgoing;
	int err;

	err = iommu_liveupdate_get_outgoing(&outgoing);
	if (err)
		return err;
	err = iommu_liveupdate_outgoing_add_device(outgoing, dev, domain_index);
	iommu_liveupdate_put_outgoing();
	return err;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_preserve_device);

/**
 * iommu_liveupdate_unpreserve_device - undo the preservation of a device
 * @dev: a preserved device; one that is not, its domain having been unpreserved
 *	first, is left alone
 *
 * Also between iommu_liveupdate_freeze() and the kexec, when user space may still
 * run: the next kernel will know nothing of the device.
 *
 * Context: Process context; may sleep. As for preserving.
 */
void iommu_liveupdate_unpreserve_device(struct device *dev)
{
	struct iommu_liveupdate_outgoing *outgoing;

	if (WARN_ON(iommu_liveupdate_get_outgoing(&outgoing)))
		return;
	iommu_liveupdate_outgoing_remove_device(outgoing, dev);
	iommu_liveupdate_put_outgoing();
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unpreserve_device);

/**
 * iommu_liveupdate_freeze - make the records final
 *
 * To be called by each file that preserved something, from its freeze callback.
 * Until it is undone nothing can be preserved, and a device that is unpreserved
 * keeps its record, which is marked as void with a single store: other CPUs are
 * stopped for the kexec wherever they are. Domains must not be unpreserved.
 *
 * Context: Process context; may sleep. As for iommu_liveupdate_preserve_domain().
 * Return: 0; -ENOENT if no file is being preserved.
 */
int iommu_liveupdate_freeze(void)
{
	struct iommu_liveupdate_outgoing *outgoing;
	int err;

	err = iommu_liveupdate_get_outgoing(&outgoing);
	if (err)
		return err;
	iommu_liveupdate_outgoing_freeze(outgoing);
	iommu_liveupdate_put_outgoing();
	return 0;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_freeze);

/**
 * iommu_liveupdate_unfreeze - undo one iommu_liveupdate_freeze()
 *
 * With the last one devices that were unpreserved meanwhile lose their record,
 * and what iommu_liveupdate_add_freeze_cycles() added up is forgotten.
 *
 * Context: Process context; may sleep. As for iommu_liveupdate_preserve_domain().
 */
void iommu_liveupdate_unfreeze(void)
{
	struct iommu_liveupdate_outgoing *outgoing;

	if (WARN_ON(iommu_liveupdate_get_outgoing(&outgoing)))
		return;
	iommu_liveupdate_outgoing_unfreeze(outgoing);
	iommu_liveupdate_put_outgoing();
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_unfreeze);

/**
 * iommu_liveupdate_add_freeze_cycles - account time spent in a freeze callback
 * @cycles: get_cycles() differences
 *
 * For diagnosis: an FLB has no freeze callback of its own, so whoever has one
 * adds what it took, and the next kernel shows the sum. A freeze that is undone
 * does not count, see iommu_liveupdate_unfreeze().
 *
 * Context: Process context; may sleep. As for iommu_liveupdate_preserve_domain().
 */
void iommu_liveupdate_add_freeze_cycles(u64 cycles)
{
	struct iommu_liveupdate_outgoing *outgoing;

	if (iommu_liveupdate_get_outgoing(&outgoing))
		return;
	scoped_guard(mutex, &outgoing->lock)
		outgoing->records.ser->freeze_cycles += cycles;
	iommu_liveupdate_put_outgoing();
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_add_freeze_cycles);

/**
 * iommu_liveupdate_restore_domain - make a domain over a preserved page table
 * @index: from iommu_liveupdate_preserve_domain() in the previous kernel
 * @flags: set to the flags given there
 *
 * The domain belongs to the caller, who may look up translations and free it,
 * and nothing else until it has made sure what is mapped. When it is freed
 * before the state is finished, iommu_liveupdate_domain_gone() has to be called.
 *
 * Context: Process context; may sleep.
 * Return: the domain; ERR_PTR(-ENOENT) for an unknown @index; -EALREADY if it
 *	has been restored; -ESTALE if it has been restored and freed; -ENODEV if
 *	its vendor has no driver; -ENODATA or -ENOENT if the previous kernel left
 *	nothing; the driver's errno or what refused the state. After an error the
 *	domain's memory is as it was, and after -ENOMEM it may be tried again.
 */
struct iommu_domain *iommu_liveupdate_restore_domain(u32 index, u32 *flags)
{
	struct iommu_liveupdate_incoming *incoming;
	struct iommu_domain *domain;
	int err;

	err = iommu_liveupdate_get_incoming(&incoming);
	if (err)
		return ERR_PTR(err);
	domain = iommu_liveupdate_incoming_restore_domain(incoming, index, flags);
	iommu_liveupdate_put_incoming();
	if (IS_ERR(domain) && domain != ERR_PTR(-ENOMEM))
		pr_err("domain %u cannot be restored, its page table stays as it is: %pe\n",
		       index, domain);
	return domain;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_restore_domain);

/**
 * iommu_liveupdate_domain_gone - a restored domain has been freed
 * @index: as for iommu_liveupdate_restore_domain()
 *
 * Without effect once the state is finished.
 *
 * Context: Process context; may sleep.
 */
void iommu_liveupdate_domain_gone(u32 index)
{
	struct iommu_liveupdate_incoming *incoming;

	if (iommu_liveupdate_get_incoming(&incoming))
		return;
	iommu_liveupdate_incoming_domain_gone(incoming, index);
	iommu_liveupdate_put_incoming();
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_domain_gone);

/**
 * iommu_liveupdate_lookup_device - was this device preserved?
 * @key: its name
 * @ser: copied to
 *
 * Context: Process context, from early_initcall on; may sleep.
 * Return: 0; -ENOENT if it was not, or was detached before the kexec, or the
 *	previous kernel left nothing; -ENODATA if it left nothing or the state is
 *	finished; -EOPNOTSUPP if live update is off; -ENOMEM, or what refused the
 *	state.
 */
int iommu_liveupdate_lookup_device(const struct iommu_device_key_ser *key,
				   struct iommu_device_ser *ser)
{
	struct iommu_liveupdate_incoming *incoming;
	int err;

	err = iommu_liveupdate_get_incoming(&incoming);
	if (err)
		return err;
	err = iommu_liveupdate_incoming_lookup_device(incoming, key, ser);
	iommu_liveupdate_put_incoming();
	return err;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_lookup_device);

/**
 * iommu_liveupdate_lookup_unit - does this unit have preserved devices?
 * @key: its name
 * @ser: copied to
 *
 * Context: Process context, from early_initcall on; may sleep.
 * Return: as iommu_liveupdate_lookup_device().
 */
int iommu_liveupdate_lookup_unit(const struct iommu_unit_key_ser *key,
				 struct iommu_unit_ser *ser)
{
	struct iommu_liveupdate_incoming *incoming;
	int err;

	err = iommu_liveupdate_get_incoming(&incoming);
	if (err)
		return err;
	err = iommu_liveupdate_incoming_lookup_unit(incoming, key, ser);
	iommu_liveupdate_put_incoming();
	return err;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_lookup_unit);

/**
 * iommu_liveupdate_walk_unit - go through the preserved devices of a unit
 * @key: the unit's name
 * @fn: called for each, with the state locked: it must not look anything up
 * @data: handed to @fn
 *
 * Takes time in proportion to all preserved devices.
 *
 * Context: Process context, from early_initcall on; may sleep.
 * Return: 0; what @fn returned, if not 0; else as iommu_liveupdate_lookup_unit().
 */
int iommu_liveupdate_walk_unit(const struct iommu_unit_key_ser *key,
			       iommu_liveupdate_device_fn fn, void *data)
{
	struct iommu_liveupdate_incoming *incoming;
	int err;

	err = iommu_liveupdate_get_incoming(&incoming);
	if (err)
		return err;
	err = iommu_liveupdate_incoming_walk_unit(incoming, key, fn, data);
	iommu_liveupdate_put_incoming();
	return err;
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_walk_unit);

/**
 * iommu_liveupdate_early_lookup_device - the same before LUO is up
 * @key: the device's name
 * @ser: copied to
 *
 * Reads what the previous kernel left in place, without allocating or changing
 * anything. It checks what it uses and not the rest, so a device found here may
 * still be refused by iommu_liveupdate_lookup_device().
 *
 * Context: Process context, once KHO's memory is initialized and until the
 *	state is retrieved, which is until something calls
 *	iommu_liveupdate_lookup_device() or iommu_liveupdate_restore_domain().
 * Return: 0; -ENOENT if the device was not preserved, or was detached before the
 *	kexec, or the previous kernel left nothing; -EPROTO or -EINVAL if the state is not usable.
 */
int iommu_liveupdate_early_lookup_device(const struct iommu_device_key_ser *key,
					 struct iommu_device_ser *ser)
{
	u64 phys;
	int err;

	err = liveupdate_flb_peek_incoming(IOMMU_FLB_COMPATIBLE, &phys);
	if (err)
		return err;
	return iommu_records_peek(phys, IOMMU_TABLE_DEVICES, key, ser);
}
EXPORT_SYMBOL_GPL(iommu_liveupdate_early_lookup_device);

/* Debugfs */

static void iommu_liveupdate_show(struct seq_file *file, const char *state,
				  const struct iommu_flb_ser *ser)
{
	enum iommu_table_kind_ser kind;
	u32 nr_chunks = 0;

	for (kind = 0; kind < IOMMU_TABLE_KINDS; kind++)
		nr_chunks += ser->tables[kind].nr_chunks;

	seq_printf(file, "state %s\n", state);
	seq_printf(file, "version %u\n", ser->version);
	seq_printf(file, "domains %u\n",
		   ser->tables[IOMMU_TABLE_DOMAINS].nr_records);
	seq_printf(file, "devices %u\n",
		   ser->tables[IOMMU_TABLE_DEVICES].nr_records);
	seq_printf(file, "units %u\n", ser->tables[IOMMU_TABLE_UNITS].nr_records);
	seq_printf(file, "chunks %u\n", nr_chunks);
	seq_printf(file, "hash_bits %u\n",
		   ser->tables[IOMMU_TABLE_DEVICES].index_bits);
	seq_printf(file, "freeze_cycles %llu\n", ser->freeze_cycles);
}

static int outgoing_show(struct seq_file *file, void *unused)
{
	struct iommu_liveupdate_outgoing *outgoing;

	if (iommu_liveupdate_get_outgoing(&outgoing)) {
		seq_puts(file, "state none\n");
		return 0;
	}
	scoped_guard(mutex, &outgoing->lock)
		iommu_liveupdate_show(file, "preserved", outgoing->records.ser);
	iommu_liveupdate_put_outgoing();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(outgoing);

/* Looking must not retrieve: as long as nobody has, it is a peek */
static int incoming_show(struct seq_file *file, void *unused)
{
	struct iommu_flb_ser header;
	u64 phys;

	guard(mutex)(&iommu_liveupdate_stage_lock);
	switch (iommu_liveupdate_stage) {
	case IOMMU_LIVEUPDATE_UNTOUCHED:
		if (liveupdate_flb_peek_incoming(IOMMU_FLB_COMPATIBLE, &phys) ||
		    iommu_records_peek_header(phys, &header)) {
			seq_puts(file, "state none\n");
			return 0;
		}
		break;
	case IOMMU_LIVEUPDATE_REFUSED:
		seq_puts(file, "state refused\n");
		return 0;
	default:
		header = iommu_liveupdate_incoming_header;
		break;
	}
	iommu_liveupdate_show(file,
			      iommu_liveupdate_stage_names[iommu_liveupdate_stage],
			      &header);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(incoming);

static int __init iommu_liveupdate_debugfs_init(void)
{
	struct dentry *directory;

	if (!liveupdate_enabled())
		return 0;

	directory = debugfs_create_dir("iommu_liveupdate", NULL);
	debugfs_create_file("outgoing", 0400, directory, NULL, &outgoing_fops);
	debugfs_create_file("incoming", 0400, directory, NULL, &incoming_fops);
	return 0;
}
late_initcall(iommu_liveupdate_debugfs_init);
