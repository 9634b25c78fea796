// SPDX-License-Identifier: GPL-2.0-only
/* PCI devices in sysfs, and the change of their drivers; see pci.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flbench/cleanup.h>
#include <flbench/pci.h>

int pci_address_parse(const char *text, char *address)
{
	unsigned int domain = 0, bus, device, function;
	int end = -1;

	if (sscanf(text, "%7x:%2x:%2x.%1u%n", &domain, &bus, &device, &function, &end) != 4 ||
	    end < 0) {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1u%n", &bus, &device, &function, &end) != 3)
			return -EINVAL;
	}
	/* scanf takes blanks and signs, which no address has. */
	if (end < 0 || text[end] || text[strcspn(text, " +-xX\t\n")] || device > 0x1f ||
	    function > 7)
		return -EINVAL;
	snprintf(address, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%u", domain, bus, device, function);
	return 0;
}

/* "8.0 GT/s PCIe", "Unknown" */
static struct pci_link read_link(const struct sysfs *sysfs, const char *address, const char *which)
{
	char *speed __freed = sysfs_text(sysfs, PCI_DEVICES "/%s/%s_link_speed", address, which);
	long long width = sysfs_number(sysfs, 0, PCI_DEVICES "/%s/%s_link_width", address, which);

	return (struct pci_link){
		.gigatransfers = speed ? strtod(speed, NULL) : 0,
		/* 255 is the kernel's PCIE_LNK_WIDTH_UNKNOWN. */
		.width = width > 0 && width < 255 ? width : 0,
	};
}

/* The directory of a device is in that of the bridge before it. */
static void read_port(const struct sysfs *sysfs, struct pci_function *function)
{
	char *real __freed = sysfs_real(sysfs, PCI_DEVICES "/%s", function->address);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (!slash)
		return;
	*slash = '\0';
	slash = strrchr(real, '/');
	if (!slash || pci_address_parse(slash + 1, function->port))
		return;
	function->port_max = read_link(sysfs, function->port, "max");
}

static void read_word(const struct sysfs *sysfs, const char *address, const char *file, char *word)
{
	char *text __freed = sysfs_text(sysfs, PCI_DEVICES "/%s/%s", address, file);

	/* The kernel's way to print a string that is not there. */
	if (text && strcmp(text, "(null)"))
		snprintf(word, PCI_NAME_SIZE, "%s", text);
}

int pci_read(const struct sysfs *sysfs, const char *address, struct pci_function *function)
{
	char name[PCI_NAME_SIZE], *end;
	char *type __freed = NULL;

	*function = (struct pci_function){ .numa_node = -1, .group = -1 };
	if (!sysfs_exists(sysfs, PCI_DEVICES "/%s", address))
		return -ENODEV;
	snprintf(function->address, sizeof(function->address), "%s", address);
	function->vendor = sysfs_number(sysfs, 0, PCI_DEVICES "/%s/vendor", address);
	function->device = sysfs_number(sysfs, 0, PCI_DEVICES "/%s/device", address);
	function->class = sysfs_number(sysfs, 0, PCI_DEVICES "/%s/class", address);
	function->numa_node = sysfs_number(sysfs, -1, PCI_DEVICES "/%s/numa_node", address);
	sysfs_link(sysfs, function->driver, PCI_NAME_SIZE, PCI_DEVICES "/%s/driver", address);
	sysfs_link(sysfs, function->unit, PCI_NAME_SIZE, PCI_DEVICES "/%s/iommu", address);
	read_word(sysfs, address, "driver_override", function->driver_override);
	if (!sysfs_link(sysfs, name, sizeof(name), PCI_DEVICES "/%s/iommu_group", address)) {
		function->group = strtol(name, &end, 10);
		if (end == name || *end)
			function->group = -1;
	}
	type = sysfs_text(sysfs, IOMMU_GROUPS "/%d/type", function->group);
	if (type)
		snprintf(function->group_type, PCI_NAME_SIZE, "%s", type);
	function->current = read_link(sysfs, address, "current");
	function->max = read_link(sysfs, address, "max");
	read_port(sysfs, function);
	return 0;
}

bool pci_is_bridge(const struct pci_function *function)
{
	return function->class >> 16 == 0x06;
}

int pci_find(const struct sysfs *sysfs, uint16_t vendor, uint16_t device, unsigned int nth,
	     char *address)
{
	struct sysfs_names names __sysfs_names = { 0 };

	sysfs_list(sysfs, &names, PCI_DEVICES);
	for (size_t i = 0; i < names.nr; i++) {
		if (sysfs_number(sysfs, -1, PCI_DEVICES "/%s/vendor", names.name[i]) != vendor ||
		    sysfs_number(sysfs, -1, PCI_DEVICES "/%s/device", names.name[i]) != device ||
		    nth--)
			continue;
		snprintf(address, PCI_ADDRESS_SIZE, "%s", names.name[i]);
		return 0;
	}
	return -ENODEV;
}

int pci_set_override(const struct sysfs *sysfs, const char *address, const char *driver)
{
	/* An empty line clears it. */
	return sysfs_write(sysfs, *driver ? driver : "\n", PCI_DEVICES "/%s/driver_override",
			   address);
}

int pci_unbind(const struct sysfs *sysfs, const char *address)
{
	return sysfs_write(sysfs, address, PCI_DEVICES "/%s/driver/unbind", address);
}

int pci_bind(const struct sysfs *sysfs, const char *address, const char *driver)
{
	return sysfs_write(sysfs, address, PCI_DRIVERS "/%s/bind", driver);
}

int pci_probe(const struct sysfs *sysfs, const char *address)
{
	return sysfs_write(sysfs, address, "sys/bus/pci/drivers_probe");
}

static bool has_vfio(const struct sysfs *sysfs, const char *address, bool *has_any)
{
	char driver[PCI_NAME_SIZE];

	*has_any = !sysfs_link(sysfs, driver, sizeof(driver), PCI_DEVICES "/%s/driver", address);
	return !strcmp(driver, VFIO_DRIVER);
}

int pci_bind_vfio(const struct sysfs *sysfs, const char *address)
{
	bool has_any;
	int err;

	if (has_vfio(sysfs, address, &has_any))
		return 0;
	err = pci_set_override(sysfs, address, VFIO_DRIVER);
	if (err)
		return err == -ENOENT ? -ENODEV : err;
	if (has_any)
		err = pci_unbind(sysfs, address);
	if (!err)
		err = pci_probe(sysfs, address);
	if (err)
		return err;
	return has_vfio(sysfs, address, &has_any) ? 0 : -ENODEV;
}

int pci_release_vfio(const struct sysfs *sysfs, const char *address)
{
	bool has_any;
	int err = 0;

	if (has_vfio(sysfs, address, &has_any))
		err = pci_unbind(sysfs, address);
	if (!err)
		err = pci_set_override(sysfs, address, "");
	if (!err)
		err = pci_probe(sysfs, address);
	/* It may be a device that nobody wants. */
	return err == -EINVAL ? 0 : err;
}
