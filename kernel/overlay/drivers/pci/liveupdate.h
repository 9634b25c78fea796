/* SPDX-License-Identifier: GPL-2.0-only */
/* What the PCI core asks about devices whose DMA goes on; see liveupdate.c */
#ifndef DRIVERS_PCI_LIVEUPDATE_H
#define DRIVERS_PCI_LIVEUPDATE_H

#include <linux/pci-liveupdate.h>

/* Must @dev, or a device below it, be left as it is, whichever way it goes? */
static inline bool pci_liveupdate_is_held(const struct pci_dev *dev)
{
	return pci_liveupdate_is_preserved(dev) ||
	       pci_liveupdate_is_incoming(dev);
}

#ifdef CONFIG_PCI_LIVEUPDATE
bool pci_liveupdate_keeps_master(const struct pci_dev *dev);
int pci_liveupdate_refuse(struct pci_dev *dev, const char *what);
bool pci_liveupdate_keeps_layout(void);
void pci_liveupdate_setup_device(struct pci_dev *dev);
void pci_liveupdate_device_add(struct pci_dev *dev);
void pci_liveupdate_device_gone(struct pci_dev *dev);
#else
static inline bool pci_liveupdate_keeps_master(const struct pci_dev *dev)
{
	return false;
}

static inline int pci_liveupdate_refuse(struct pci_dev *dev, const char *what)
{
	return 0;
}

static inline bool pci_liveupdate_keeps_layout(void)
{
	return false;
}

static inline void pci_liveupdate_setup_device(struct pci_dev *dev)
{
}

static inline void pci_liveupdate_device_add(struct pci_dev *dev)
{
}

static inline void pci_liveupdate_device_gone(struct pci_dev *dev)
{
}
#endif

#endif /* DRIVERS_PCI_LIVEUPDATE_H */
