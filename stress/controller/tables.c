// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of the tables in tables.h. A row whose "unavailable" is set is named to the user, but
 * not used.
 */
#include <string.h>

#include "tables.h"
#include "util.h"

static const char *const none[] = { NULL };
static const struct iommu_mode none_modes[] = { { NULL } };

const struct arch arches[] = {
	{
		.name = "x86_64",
		.qemu = "qemu-system-x86_64",
		.qemu_package = "qemu-system-x86",
		.image = "bzImage",
		.cross_compile = "x86_64-linux-gnu-",
		.kconfig = "kernel/config/x86_64.config",
		.machine = "q35",
		/* REP string instructions would count once per iteration. */
		.cpu = "max,-erms,-fsrm",
		.cpu_kvm = "host",
		.console = "ttyS0",
		/* The IO-APIC's timer check panics now and then on a loaded host. */
		.command_line = "no_timer_check",
	},
	{
		.name = "arm64",
		.unavailable = "not written yet",
		.qemu = "qemu-system-aarch64",
		.qemu_package = "qemu-system-arm",
		.image = "Image",
		.cross_compile = "aarch64-linux-gnu-",
		.kconfig = "kernel/config/arm64.config",
		.machine = "virt,gic-version=3",
		.cpu = "max,pauth-impdef=on",
		.cpu_kvm = "host",
		.console = "ttyAMA0",
		.command_line = "",
	},
	{ NULL }
};

static const char *const mock_kconfig[] = { "CONFIG_IOMMUFD_TEST", NULL };
static const struct iommu_mode mock_modes[] = { { "amdv1", "", NULL }, { NULL } };
static const char *const intel_kconfig[] = { "CONFIG_INTEL_IOMMU", NULL };
static const char *const intel_registers[] = { "intel-iommu/version", "intel-iommu/cap",
					       "intel-iommu/ecap", NULL };
static const struct iommu_mode intel_modes[] = {
	{ "legacy", "intel_iommu=on", "intel-iommu" },
	{ "sm-sl", "intel_iommu=on,sm_on", "intel-iommu,x-scalable-mode=on" },
	{ "sm-fl", "intel_iommu=on,sm_on", "intel-iommu,x-scalable-mode=on,x-flts=on" },
	{ NULL }
};
static const char *const amd_kconfig[] = { "CONFIG_AMD_IOMMU", NULL };
static const char *const amd_registers[] = { "amd-iommu/cap", "amd-iommu/features", NULL };
static const char *const smmuv3_kconfig[] = { "CONFIG_ARM_SMMU_V3", NULL };

const struct iommu_vendor iommu_vendors[] = {
	{
		.name = "mock",
		.driver = "iommufd mock driver (no hardware)",
		.caution = "",
		.kconfig = mock_kconfig,
		.devices = "mock devices, made by a test ioctl",
		.modes = mock_modes,
		.sysfs_prefix = "iommufd_selftest_iommu",
		.registers = none,
	},
	{
		.name = "intel",
		.driver = "Intel VT-d",
		.caution = ", so far tried in emulation only",
		.ats_off = "pci=noats",
		.kconfig = intel_kconfig,
		.devices = "PCI",
		.modes = intel_modes,
		.sysfs_prefix = "dmar",
		.registers = intel_registers,
	},
	{
		.name = "amd",
		.unavailable = "its driver does not preserve yet",
		.driver = "AMD-Vi",
		.caution = "",
		.kconfig = amd_kconfig,
		.devices = "PCI",
		.modes = none_modes,
		.sysfs_prefix = "ivhd",
		.registers = amd_registers,
	},
	{
		.name = "smmuv3",
		.unavailable = "its driver does not preserve yet",
		.driver = "Arm SMMUv3",
		.caution = "",
		.kconfig = smmuv3_kconfig,
		.devices = "PCI and platform streams",
		.modes = none_modes,
		.sysfs_prefix = "smmu3",
		.registers = none,
	},
	{ NULL }
};

static const struct target_ops target_host = {
	.name = "host",
	.unavailable = "not written yet",
	.what = "this machine, booted into the kernel under test",
};

static const struct target_ops target_slurm = {
	.name = "slurm",
	.unavailable = "not written yet",
	.what = "a machine of a Slurm cluster",
};

const struct target_ops *const targets[] = { &target_vm, &target_host, &target_slurm, NULL };

const struct arch *arch_find(const char *name)
{
	for (const struct arch *arch = arches; arch->name; arch++)
		if (!strcmp(arch->name, name))
			return arch;
	return NULL;
}

const struct iommu_vendor *iommu_vendor_find(const char *name)
{
	for (const struct iommu_vendor *vendor = iommu_vendors; vendor->name; vendor++)
		if (!strcmp(vendor->name, name))
			return vendor;
	return NULL;
}

const struct iommu_vendor *iommu_vendor_of_unit(const char *unit)
{
	for (const struct iommu_vendor *vendor = iommu_vendors; vendor->name; vendor++)
		if (!strncmp(unit, vendor->sysfs_prefix, strlen(vendor->sysfs_prefix)))
			return vendor;
	return NULL;
}

const struct iommu_mode *iommu_mode_find(const struct iommu_vendor *vendor, const char *name)
{
	for (const struct iommu_mode *mode = vendor->modes; mode->name; mode++)
		if (!strcmp(mode->name, name))
			return mode;
	return NULL;
}

const struct target_ops *target_find(const char *name)
{
	for (size_t i = 0; targets[i]; i++)
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	return NULL;
}
