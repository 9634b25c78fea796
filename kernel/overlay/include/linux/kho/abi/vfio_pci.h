/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one kernel hands to the next about a vfio-pci device file: which device it
 * is. How its DMA is translated is in the IOMMU's records, see iommu.h.
 */
#ifndef _LINUX_KHO_ABI_VFIO_PCI_H
#define _LINUX_KHO_ABI_VFIO_PCI_H

#include <linux/kho/abi/iommu.h>
#include <linux/types.h>

/**
 * DOC: VFIO PCI live update ABI
 *
 * The file's u64 handle is the physical address of a &struct vfio_pci_ser, one
 * page. The device itself carries the rest of its state over, in its registers:
 * it is neither reset nor reconfigured. Interrupts are switched off, and what
 * the file's owner had set up through VFIO (eventfds, virtualized configuration
 * space, mappings) is the owner's to set up again.
 *
 * Versioning: @version changes with any change of layout or meaning. A kernel
 * refuses what it does not know; nothing is guessed.
 */

#define VFIO_PCI_LUO_FH_COMPATIBLE	"vfio-pci-v1"
#define VFIO_PCI_SER_MAGIC		0x3149435046495600ULL	/* "\0VIFPCI1" */
#define VFIO_PCI_SER_VERSION		1

/**
 * struct vfio_pci_ser - a preserved vfio-pci device file
 * @magic: VFIO_PCI_SER_MAGIC
 * @version: VFIO_PCI_SER_VERSION
 * @irq_index: the interrupt mode that was in use, VFIO_PCI_INTX_IRQ_INDEX,
 *	VFIO_PCI_MSI_IRQ_INDEX or VFIO_PCI_MSIX_IRQ_INDEX;
 *	VFIO_PCI_NUM_IRQS if there was none. Diagnostic.
 * @key: the device's name, IOMMU_DEVICE_PCI
 * @vendor: what the device at that address must be: vendor id,
 * @device: device id,
 * @subsystem_vendor: subsystem vendor id,
 * @subsystem_device: subsystem id,
 * @class: and class code, in the lower 24 bits
 * @reserved: zero
 */
struct vfio_pci_ser {
	u64 magic;
	u32 version;
	u32 irq_index;
	struct iommu_device_key_ser key;
	u16 vendor;
	u16 device;
	u16 subsystem_vendor;
	u16 subsystem_device;
	u32 class;
	u32 reserved;
} __packed;

#endif /* _LINUX_KHO_ABI_VFIO_PCI_H */
