// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what vfio-pci believes of a previous kernel's record, and of the
 * name that a PCI device has across the kexec. Whatever needs a device, or a
 * kexec, is tested in a virtual machine.
 */
#include <kunit/test.h>
#include <linux/kho/abi/vfio_pci.h>
#include <linux/pci-liveupdate.h>
#include <linux/vfio.h>

#include "vfio_pci_liveupdate.h"

static const struct vfio_pci_ser good = {
	.magic = VFIO_PCI_SER_MAGIC,
	.version = VFIO_PCI_SER_VERSION,
	.irq_index = VFIO_PCI_MSIX_IRQ_INDEX,
	.key = {
		.kind = IOMMU_DEVICE_PCI,
		.id = 0xffffff07,
	},
	.vendor = 0x8086,
	.device = 0x10c9,
	.class = 0x020000,
};

/* Two kernels have to agree on it */
static void vfio_pci_ser_test_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 48, sizeof(struct vfio_pci_ser));
	KUNIT_EXPECT_EQ(test, 16, offsetof(struct vfio_pci_ser, key));
	KUNIT_EXPECT_EQ(test, 32, offsetof(struct vfio_pci_ser, vendor));
	KUNIT_EXPECT_EQ(test, 40, offsetof(struct vfio_pci_ser, class));
}

static void vfio_pci_ser_test_good(struct kunit *test)
{
	struct vfio_pci_ser ser = good;
	u32 index;

	KUNIT_EXPECT_NULL(test, vfio_pci_ser_check(&ser));
	for (index = VFIO_PCI_INTX_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX;
	     index++) {
		ser.irq_index = index;
		KUNIT_EXPECT_NULL(test, vfio_pci_ser_check(&ser));
	}
	ser.irq_index = VFIO_PCI_NUM_IRQS;
	KUNIT_EXPECT_NULL(test, vfio_pci_ser_check(&ser));
}

static const struct {
	size_t offset;
	size_t size;
	u64 value;
	const char *what;
} bad[] = {
	{ offsetof(struct vfio_pci_ser, magic), 8,
	  0, "magic number" },
	{ offsetof(struct vfio_pci_ser, magic), 8,
	  VFIO_PCI_SER_MAGIC ^ 1, "magic number" },
	{ offsetof(struct vfio_pci_ser, version), 4,
	  0, "version" },
	{ offsetof(struct vfio_pci_ser, version), 4,
	  VFIO_PCI_SER_VERSION + 1, "version" },
	{ offsetof(struct vfio_pci_ser, irq_index), 4,
	  VFIO_PCI_ERR_IRQ_INDEX, "interrupt mode" },
	{ offsetof(struct vfio_pci_ser, irq_index), 4,
	  VFIO_PCI_REQ_IRQ_INDEX, "interrupt mode" },
	{ offsetof(struct vfio_pci_ser, irq_index), 4,
	  VFIO_PCI_NUM_IRQS + 1, "interrupt mode" },
	{ offsetof(struct vfio_pci_ser, irq_index), 4,
	  U32_MAX, "interrupt mode" },
	{ offsetof(struct vfio_pci_ser, key.kind), 4,
	  IOMMU_DEVICE_NONE, "kind of the device" },
	{ offsetof(struct vfio_pci_ser, key.kind), 4,
	  IOMMU_DEVICE_MOCK, "kind of the device" },
	{ offsetof(struct vfio_pci_ser, key.kind), 4,
	  IOMMU_DEVICE_STREAM, "kind of the device" },
	{ offsetof(struct vfio_pci_ser, key.reserved), 4,
	  1, "kind of the device" },
	{ offsetof(struct vfio_pci_ser, key.id), 8,
	  1ULL << 47, "address of the device" },
	{ offsetof(struct vfio_pci_ser, key.id), 8,
	  U64_MAX, "address of the device" },
	{ offsetof(struct vfio_pci_ser, class), 4,
	  1 << 24, "class of the device" },
	{ offsetof(struct vfio_pci_ser, reserved), 4,
	  1, "reserved field" },
};

/* KHO is there on little-endian machines only */
static void vfio_pci_ser_test_bad(struct kunit *test)
{
	struct vfio_pci_ser ser;
	const char *what;
	size_t i;

	for (i = 0; i != ARRAY_SIZE(bad); i++) {
		ser = good;
		memcpy((void *)&ser + bad[i].offset, &bad[i].value, bad[i].size);
		what = vfio_pci_ser_check(&ser);
		KUNIT_EXPECT_STREQ_MSG(test, what ?: "nothing", bad[i].what,
				       "case %zu", i);
	}
}

/* A page of zeros or of ones is what a wrong address most likely leads to */
static void vfio_pci_ser_test_blank(struct kunit *test)
{
	struct vfio_pci_ser ser = {};

	KUNIT_EXPECT_NOT_NULL(test, vfio_pci_ser_check(&ser));
	memset(&ser, 0xff, sizeof(ser));
	KUNIT_EXPECT_NOT_NULL(test, vfio_pci_ser_check(&ser));
}

static void pci_liveupdate_key_test(struct kunit *test)
{
	struct iommu_device_key_ser key;

	key = pci_liveupdate_key(0, 0, 0);
	KUNIT_EXPECT_EQ(test, IOMMU_DEVICE_PCI, key.kind);
	KUNIT_EXPECT_EQ(test, 0, key.reserved);
	KUNIT_EXPECT_EQ(test, 0, key.id);
	/* 0001:02:03.4 */
	key = pci_liveupdate_key(1, 2, PCI_DEVFN(3, 4));
	KUNIT_EXPECT_EQ(test, 0x1021c, key.id);
	key = pci_liveupdate_key(0xffff, 0xff, 0xff);
	KUNIT_EXPECT_EQ(test, 0xffffffff, key.id);
	/* Segments may have more than 16 bits, as VMD's do */
	key = pci_liveupdate_key(0x10000, 0, 0);
	KUNIT_EXPECT_EQ(test, 0x100000000ULL, key.id);
}

static struct kunit_case vfio_pci_liveupdate_cases[] = {
	KUNIT_CASE(vfio_pci_ser_test_layout),
	KUNIT_CASE(vfio_pci_ser_test_good),
	KUNIT_CASE(vfio_pci_ser_test_bad),
	KUNIT_CASE(vfio_pci_ser_test_blank),
	KUNIT_CASE(pci_liveupdate_key_test),
	{}
};

static struct kunit_suite vfio_pci_liveupdate_suite = {
	.name = "vfio-pci-liveupdate",
	.test_cases = vfio_pci_liveupdate_cases,
};

kunit_test_suite(vfio_pci_liveupdate_suite);
