/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices whose DMA goes on while the kernel is replaced: what the drivers
 * of such devices tell the PCI core, and what they can ask it.
 */
#ifndef __LINUX_PCI_LIVEUPDATE_H
#define __LINUX_PCI_LIVEUPDATE_H

#include <linux/errno.h>
#include <linux/kho/abi/iommu.h>
#include <linux/pci.h>

/**
 * pci_liveupdate_key - name a PCI device across the kexec
 * @segment: PCI segment (domain)
 * @bus: bus number
 * @devfn: device and function
 *
 * Return: the key that the IOMMU has its record under, if there is one.
 */
static inline struct iommu_device_key_ser
pci_liveupdate_key(unsigned int segment, unsigned int bus, unsigned int devfn)
{
	return (struct iommu_device_key_ser) {
		.kind = IOMMU_DEVICE_PCI,
		.id = (u64)segment << 16 | PCI_DEVID(bus, devfn),
	};
}

#ifdef CONFIG_PCI_LIVEUPDATE

/* Old kernel */
int pci_liveupdate_preserve(struct pci_dev *pdev);
void pci_liveupdate_unpreserve(struct pci_dev *pdev);
int pci_liveupdate_check_preservable(struct pci_dev *pdev);

/* New kernel */
void pci_liveupdate_take_over(struct pci_dev *pdev);

/**
 * pci_liveupdate_is_preserved - is this device preserved for the next kernel?
 * @pdev: the device
 *
 * Return: true also for a bridge with such a device below it.
 */
static inline bool pci_liveupdate_is_preserved(const struct pci_dev *pdev)
{
	return READ_ONCE(pdev->liveupdate_outgoing);
}

/**
 * pci_liveupdate_is_incoming - was it left running by the previous kernel?
 * @pdev: the device
 *
 * Return: true until the device was taken over or stopped; true also for a bridge
 *	with such a device below it.
 */
static inline bool pci_liveupdate_is_incoming(const struct pci_dev *pdev)
{
	return READ_ONCE(pdev->liveupdate_incoming);
}

#else /* CONFIG_PCI_LIVEUPDATE */

static inline bool pci_liveupdate_is_preserved(const struct pci_dev *pdev)
{
	return false;
}

static inline bool pci_liveupdate_is_incoming(const struct pci_dev *pdev)
{
	return false;
}

static inline void pci_liveupdate_take_over(struct pci_dev *pdev)
{
}

#endif /* CONFIG_PCI_LIVEUPDATE */
#endif /* __LINUX_PCI_LIVEUPDATE_H */
