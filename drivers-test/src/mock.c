// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock device of CONFIG_IOMMUFD_TEST as a DMA device. Its DMA is done by the kernel, page by
 * page through the HWPT.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include <flbench/iommufd.h>
#include <flbench/mock.h>
#include <flbench/uapi.h>

static int test_call(int iommufd, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return ioctl(iommufd, IOMMU_TEST_CMD, cmd) ? -errno : 0;
}

static int mock_hwpt_alloc(struct dma_device *device, uint32_t ioas_id, uint32_t *hwpt_id)
{
	/*
	 * The default page table of the mock ends at 2 GiB, which is below the end of RAM: IOVA and
	 * address could be mixed up.
	 */
	const struct iommu_hwpt_selftest data = { .pagetable_type = MOCK_IOMMUPT_HUGE };

	return iommufd_hwpt_alloc(device->iommufd, device->device_id, ioas_id,
				  IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data), hwpt_id);
}

static int mock_attach(struct dma_device *device, int iommufd, uint32_t pt_id)
{
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_MOCK_DOMAIN, .id = pt_id };
	int err = test_call(iommufd, &cmd);

	if (err)
		return err;
	device->iommufd = iommufd;
	device->object_id = cmd.mock_domain.out_stdev_id;
	device->hwpt_id = cmd.mock_domain.out_hwpt_id;
	device->device_id = cmd.mock_domain.out_idev_id;
	return 0;
}

static int mock_key(struct dma_device *device, uint32_t *key)
{
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_MOCK_DOMAIN_NUMBER,
				      .id = device->object_id };
	int err = test_call(device->iommufd, &cmd);

	if (!err)
		*key = cmd.mock_number.out_mock_id;
	return err;
}

static int mock_restore(struct dma_device *device, int iommufd, uint32_t hwpt_id, uint32_t key)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_RESTORE,
		.id = hwpt_id,
		.mock_restore.mock_id = key,
	};
	int err = test_call(iommufd, &cmd);

	if (err)
		return err;
	device->iommufd = iommufd;
	device->object_id = cmd.mock_restore.out_stdev_id;
	device->device_id = cmd.mock_restore.out_idev_id;
	device->hwpt_id = hwpt_id;
	return 0;
}

static int mock_dma(struct dma_device *device, uint64_t iova, void *buffer, size_t length,
		    int write)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MD_DMA,
		.id = device->hwpt_id,
		.dma = { .iova = iova,
			 .length = length,
			 .uptr = (uintptr_t)buffer,
			 .flags = write ? 1 : 0 },
	};

	return test_call(device->iommufd, &cmd);
}

static int mock_detach(struct dma_device *device)
{
	int err = iommufd_destroy(device->iommufd, device->object_id);

	if (!err)
		device->object_id = 0;
	return err;
}

const struct dma_device_ops mock_device_ops = {
	.name = "mock",
	.hwpt_alloc = mock_hwpt_alloc,
	.attach = mock_attach,
	.key = mock_key,
	.restore = mock_restore,
	.dma = mock_dma,
	.detach = mock_detach,
};

int mock_corrupt(int iommufd, uint32_t hwpt_id, enum mock_corruption mode, uint64_t iova,
		 uint64_t arg)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MD_CORRUPT,
		.id = hwpt_id,
		.corrupt = { .iova = iova, .arg = arg, .mode = mode },
	};

	return test_call(iommufd, &cmd);
}

int mock_fail(int iommufd, enum mock_fail_point point, unsigned int nth)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_LIVEUPDATE_FAIL,
		.liveupdate_fail = { .point = point, .nth = nth },
	};

	return test_call(iommufd, &cmd);
}
