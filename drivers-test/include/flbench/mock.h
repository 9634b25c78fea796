/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd's mock: devices without hardware, whose IOMMU is a real page table (AMD v1 with 2 KiB
 * granules) that software walks. Besides the table of operations: ways to break things on purpose,
 * which no real device has.
 */
#ifndef FLBENCH_MOCK_H
#define FLBENCH_MOCK_H

#include <flbench/device.h>

extern const struct dma_device_ops mock_device_ops;

/**
 * enum mock_corruption - what mock_corrupt() does to a page table
 * @MOCK_CORRUPT_PAGE: the leaf at the IOVA points to another page
 * @MOCK_CORRUPT_PERMISSION: the leaf allows more than it did
 * @MOCK_CORRUPT_MISSING: the leaf is gone
 * @MOCK_CORRUPT_EXTRA: there is a leaf where a hole was
 */
enum mock_corruption {
	MOCK_CORRUPT_PAGE = 1,
	MOCK_CORRUPT_PERMISSION,
	MOCK_CORRUPT_MISSING,
	MOCK_CORRUPT_EXTRA,
};

/**
 * enum mock_fail_point - where mock_fail() lets the kernel fail
 * @MOCK_FAIL_FREEZE: the freeze of an iommufd
 * @MOCK_FAIL_RETRIEVE: the retrieve of a HWPT
 * @MOCK_FAIL_PRESERVE: the preserve of an iommufd
 * @MOCK_FAIL_ADOPT: an adoption
 */
enum mock_fail_point {
	MOCK_FAIL_FREEZE = 1,
	MOCK_FAIL_RETRIEVE,
	MOCK_FAIL_PRESERVE,
	MOCK_FAIL_ADOPT,
};

/**
 * mock_corrupt - break a HWPT's page table
 * @iommufd: the iommufd
 * @hwpt_id: the HWPT
 * @mode: how
 * @iova: which leaf, or which hole
 * @arg: MOCK_CORRUPT_PAGE: what the physical address is XORed with; MOCK_CORRUPT_EXTRA: the
 *	physical address
 *
 * Return: 0 or a negative errno.
 */
int mock_corrupt(int iommufd, uint32_t hwpt_id, enum mock_corruption mode, uint64_t iova,
		 uint64_t arg);

/**
 * mock_fail - arm one failure in the kernel's live update code
 * @iommufd: any iommufd
 * @point: where
 * @nth: which call from now on fails, counted from 1; 0 disarms
 *
 * Return: 0 or a negative errno.
 */
int mock_fail(int iommufd, enum mock_fail_point point, unsigned int nth);

#endif
