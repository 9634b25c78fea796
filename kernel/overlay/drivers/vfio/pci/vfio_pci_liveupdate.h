/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_PCI_LIVEUPDATE_H
#define VFIO_PCI_LIVEUPDATE_H

struct pci_driver;
struct vfio_device_ops;
struct vfio_pci_ser;

#ifdef CONFIG_VFIO_PCI_LIVEUPDATE
const char *vfio_pci_ser_check(const struct vfio_pci_ser *ser);
void __init vfio_pci_liveupdate_init(const struct pci_driver *driver,
				     const struct vfio_device_ops *ops);
void vfio_pci_liveupdate_exit(void);
#else
static inline void
vfio_pci_liveupdate_init(const struct pci_driver *driver,
			 const struct vfio_device_ops *ops)
{
}

static inline void vfio_pci_liveupdate_exit(void)
{
}
#endif

#endif /* VFIO_PCI_LIVEUPDATE_H */
