/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices as sysfs shows them, which driver they have, and whether the running system needs
 * them. What a device does is left to VFIO and the drivers.
 *
 * Source: Documentation/ABI/testing/sysfs-bus-pci, sysfs-kernel-iommu_groups, sysfs-class-iommu.
 */
#ifndef FLBENCH_PCI_H
#define FLBENCH_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/sysfs.h>

#define PCI_DEVICES "sys/bus/pci/devices"
#define PCI_DRIVERS "sys/bus/pci/drivers"
#define IOMMU_GROUPS "sys/kernel/iommu_groups"
#define VFIO_DRIVER "vfio-pci"

/* "0000:00:03.0"; a domain may have more digits (VMD) */
#define PCI_ADDRESS_SIZE 16
#define PCI_NAME_SIZE 64

/**
 * struct pci_link - speed and width of a PCIe link
 * @gigatransfers: GT/s, 0 if unknown
 * @width: lanes, 0 if unknown
 */
struct pci_link {
	double gigatransfers;
	unsigned int width;
};

/**
 * struct pci_function - what sysfs says of a PCI device
 * @address: domain:bus:device.function
 * @vendor: vendor id
 * @device: device id
 * @class: class, subclass and programming interface, 24 bits
 * @numa_node: node that it is next to, -1 if the firmware does not tell
 * @group: IOMMU group, -1 without one
 * @group_type: type of the group's default domain: "DMA", "DMA-FQ", "identity"; "" without one
 * @unit: IOMMU unit, "" without one
 * @driver: driver that it has, "" for none
 * @driver_override: the one driver that may have it, "" for any that fits
 * @current: its link, as it is
 * @max: its link, as the device can
 * @port: address of the bridge before it, "" for none
 * @port_max: its link, as the port before it can
 */
struct pci_function {
	char address[PCI_ADDRESS_SIZE];
	uint16_t vendor;
	uint16_t device;
	uint32_t class;
	int numa_node;
	int group;
	char group_type[PCI_NAME_SIZE];
	char unit[PCI_NAME_SIZE];
	char driver[PCI_NAME_SIZE];
	char driver_override[PCI_NAME_SIZE];
	struct pci_link current;
	struct pci_link max;
	char port[PCI_ADDRESS_SIZE];
	struct pci_link port_max;
};

/**
 * pci_address_parse - the address of a device as sysfs writes it
 * @text: as people write it: 0000:01:00.0, or 01:00.0 in domain 0, in either case
 * @address: where it goes, of PCI_ADDRESS_SIZE bytes
 *
 * Return: 0; -EINVAL for anything else.
 */
int pci_address_parse(const char *text, char *address);

/**
 * pci_read - read what sysfs says of a device
 * @sysfs: the root
 * @address: of the device
 * @function: filled in
 *
 * Return: 0; -ENODEV for no such device.
 */
int pci_read(const struct sysfs *sysfs, const char *address, struct pci_function *function);

/** pci_is_bridge - is it a bridge of any kind (base class 06)? It belongs to the machine. */
bool pci_is_bridge(const struct pci_function *function);

/**
 * pci_find - find a device by its identity
 * @sysfs: the root
 * @vendor: vendor id
 * @device: device id
 * @nth: which of those that are alike, from 0, in the order of their addresses
 * @address: where its address goes, of PCI_ADDRESS_SIZE bytes
 *
 * Return: 0; -ENODEV when there are not as many.
 */
int pci_find(const struct sysfs *sysfs, uint16_t vendor, uint16_t device, unsigned int nth,
	     char *address);

/*
 * One step of a change of driver each; they return 0 or a negative errno of the kernel's answer.
 * An empty driver clears the override, so that any driver that fits may have the device.
 */
int pci_set_override(const struct sysfs *sysfs, const char *address, const char *driver);
int pci_unbind(const struct sysfs *sysfs, const char *address);
int pci_bind(const struct sysfs *sysfs, const char *address, const char *driver);
int pci_probe(const struct sysfs *sysfs, const char *address);

/**
 * pci_bind_vfio - give a device to the driver vfio-pci
 * @sysfs: the root
 * @address: of the device
 *
 * Does nothing to a device that has it; unbinds another driver first. driver_override is set, so
 * that nobody else takes it. Asks nobody whether the device is needed: see pci_in_use().
 *
 * Return: 0; -ENODEV for no such device, or when vfio-pci did not take it; or another negative errno
 * of sysfs.
 */
int pci_bind_vfio(const struct sysfs *sysfs, const char *address);

/**
 * pci_release_vfio - take a device away from vfio-pci, and let any driver that fits have it
 * @sysfs: the root
 * @address: of the device
 *
 * Return: 0, also when nobody wants it; or a negative errno of sysfs.
 */
int pci_release_vfio(const struct sysfs *sysfs, const char *address);

/**
 * pci_in_use - does the running system need a device?
 * @sysfs: the root
 * @address: of the device
 * @why: what needs it, and how to free it, if so; or what cannot be read
 * @size: bytes of @why
 *
 * Storage is in use when one of its disks or partitions is mounted, is swap, is part of something
 * (device mapper, md, btrfs), or is claimed in another way. A network card is in use when the default
 * route goes through it or through a bridge, bond or VLAN on top of it, when it is part of such a
 * thing, or when it is up and has an address other than a link-local one; an IPv4 address is known
 * by the route that comes with it. All kinds of storage and
 * network devices behind the PCI device count. What is hidden in another network namespace is not
 * seen.
 *
 * Return: 0 if not, 1 if so, a negative errno when that cannot be told.
 */
int pci_in_use(const struct sysfs *sysfs, const char *address, char *why, size_t size);

#endif
