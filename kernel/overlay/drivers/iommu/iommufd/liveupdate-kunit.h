/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of which members of an IOMMU group are preserved with it. Included
 * by liveupdate.c.
 */

#include <kunit/test.h>

/* A group's attachment, and devices that may be in the group */
struct iommufd_test_group {
	struct iommufd_group igroup;
	struct iommufd_attach attach;
	struct iommufd_device idev;
	struct iommufd_device unattached;
	struct pci_dev device;
	struct pci_dev bridge;
	struct pci_dev second_bridge;
	struct device other;
	struct iommufd_find_bridges find;
};

static void iommufd_test_release(struct device *dev)
{
}

static void iommufd_test_add_pci(struct kunit *test, struct pci_dev *pdev,
				 u8 hdr_type)
{
	device_initialize(&pdev->dev);
	pdev->dev.release = iommufd_test_release;
	pdev->dev.bus = &pci_bus_type;
	pdev->hdr_type = hdr_type;
	KUNIT_ASSERT_EQ(test, 0, dev_set_name(&pdev->dev, "kunit"));
}

static void iommufd_test_exit_group(void *data)
{
	struct iommufd_test_group *group = data;

	xa_destroy(&group->attach.device_array);
	put_device(&group->device.dev);
	put_device(&group->bridge.dev);
	put_device(&group->second_bridge.dev);
	put_device(&group->other);
}

/* One PCI device is attached, and nothing else */
static struct iommufd_test_group *iommufd_test_group(struct kunit *test)
{
	struct iommufd_test_group *group;

	group = kunit_kzalloc(test, sizeof(*group), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, group);
	xa_init(&group->attach.device_array);
	INIT_LIST_HEAD(&group->igroup.devices);
	iommufd_test_add_pci(test, &group->device, PCI_HEADER_TYPE_NORMAL);
	iommufd_test_add_pci(test, &group->bridge, PCI_HEADER_TYPE_BRIDGE);
	iommufd_test_add_pci(test, &group->second_bridge,
			     PCI_HEADER_TYPE_CARDBUS);
	device_initialize(&group->other);
	group->other.release = iommufd_test_release;
	KUNIT_ASSERT_EQ(test, 0, dev_set_name(&group->other, "kunit"));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, iommufd_test_exit_group,
						  group));
	group->idev.dev = &group->device.dev;
	group->idev.obj.id = 7;
	list_add(&group->idev.group_item, &group->igroup.devices);
	/* Bound to the iommufd, which is not enough */
	group->unattached.dev = &group->other;
	group->unattached.obj.id = 8;
	list_add(&group->unattached.group_item, &group->igroup.devices);
	KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&group->attach.device_array, 7,
						 &group->idev, GFP_KERNEL)));
	group->find.igroup = &group->igroup;
	group->find.attach = &group->attach;
	return group;
}

static void iommufd_test_bridges(struct kunit *test)
{
	struct iommufd_test_group *group = iommufd_test_group(test);
	struct iommufd_find_bridges *find = &group->find;
	struct iommufd_group *igroup = &group->igroup;

	/* First they are counted */
	KUNIT_EXPECT_EQ(test, 0, iommufd_find_bridge(&group->bridge.dev, find));
	KUNIT_EXPECT_EQ(test, 0, iommufd_find_bridge(&group->device.dev, find));
	KUNIT_EXPECT_EQ(test, 1, find->nr);

	igroup->bridges = kzalloc_flex(*igroup->bridges, devs, 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, igroup->bridges);
	igroup->bridges->nr = 1;
	find->bridges = igroup->bridges;
	find->nr = 0;
	KUNIT_EXPECT_EQ(test, 0, iommufd_find_bridge(&group->device.dev, find));
	KUNIT_EXPECT_EQ(test, 0, iommufd_find_bridge(&group->bridge.dev, find));
	KUNIT_EXPECT_PTR_EQ(test, &group->bridge.dev, igroup->bridges->devs[0]);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&group->bridge.dev.kobj.kref));
	/* It came in between */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommufd_find_bridge(&group->second_bridge.dev, find));
	KUNIT_EXPECT_EQ(test, 1,
			kref_read(&group->second_bridge.dev.kobj.kref));

	iommufd_put_bridges(igroup);
	KUNIT_EXPECT_NULL(test, igroup->bridges);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&group->bridge.dev.kobj.kref));
	/* Without any there is nothing to do */
	iommufd_put_bridges(igroup);
	iommufd_liveupdate_unpreserve_bridges(igroup);
}

/* All devices that somebody may own, or none */
static void iommufd_test_not_attached(struct kunit *test)
{
	struct iommufd_test_group *group = iommufd_test_group(test);

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommufd_find_bridge(&group->other, &group->find));
	xa_erase(&group->attach.device_array, 7);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommufd_find_bridge(&group->device.dev, &group->find));
	KUNIT_EXPECT_EQ(test, 0, group->find.nr);
}

static struct kunit_case iommufd_liveupdate_cases[] = {
	KUNIT_CASE(iommufd_test_bridges),
	KUNIT_CASE(iommufd_test_not_attached),
	{}
};

static struct kunit_suite iommufd_liveupdate_suite = {
	.name = "iommufd_liveupdate",
	.test_cases = iommufd_liveupdate_cases,
};

kunit_test_suite(iommufd_liveupdate_suite);
