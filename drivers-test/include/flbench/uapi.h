/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the kernel's user interface that this library uses: /dev/liveupdate, iommufd,
 * iommufd's mock, and what <linux/vfio.h> of older distributions lacks. Written down here because
 * no distribution ships these headers in the version we need; include it instead of
 * <linux/iommufd.h>, <linux/liveupdate.h> and <linux/vfio.h>. What the calls mean is described in
 * the headers of the library, not here.
 *
 * Source: include/uapi/linux/{liveupdate,iommufd}.h and drivers/iommu/iommufd/iommufd_test.h of
 * Linux 7.3 with our patches.
 */
#ifndef FLBENCH_UAPI_H
#define FLBENCH_UAPI_H

#include <linux/types.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

/* ---- /dev/liveupdate ---- */
#define LIVEUPDATE_IOCTL_TYPE 0xBA
#define LIVEUPDATE_SESSION_NAME_LENGTH 64

struct liveupdate_ioctl_session {
	__u32 size;
	__s32 fd;
	__u8 name[LIVEUPDATE_SESSION_NAME_LENGTH];
};

struct liveupdate_session_fd {
	__u32 size;
	__s32 fd;
	__aligned_u64 token;
};

struct liveupdate_session_finish {
	__u32 size;
	__u32 reserved;
};

#define LIVEUPDATE_IOCTL_CREATE_SESSION _IO(LIVEUPDATE_IOCTL_TYPE, 0x00)
#define LIVEUPDATE_IOCTL_RETRIEVE_SESSION _IO(LIVEUPDATE_IOCTL_TYPE, 0x01)
#define LIVEUPDATE_SESSION_PRESERVE_FD _IO(LIVEUPDATE_IOCTL_TYPE, 0x40)
#define LIVEUPDATE_SESSION_RETRIEVE_FD _IO(LIVEUPDATE_IOCTL_TYPE, 0x41)
#define LIVEUPDATE_SESSION_FINISH _IO(LIVEUPDATE_IOCTL_TYPE, 0x42)

/* ---- iommufd ---- */
#define IOMMUFD_TYPE ';'

#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, 0x80)
#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, 0x81)
#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, 0x86)
#define IOMMU_OPTION _IO(IOMMUFD_TYPE, 0x87)
#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, 0x89)
#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, 0x8f)
#define IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE _IO(IOMMUFD_TYPE, 0x96)
#define IOMMU_HWPT_LIVEUPDATE_RETRIEVE _IO(IOMMUFD_TYPE, 0x97)
#define IOMMU_HWPT_LIVEUPDATE_ADOPT _IO(IOMMUFD_TYPE, 0x98)

struct iommu_destroy {
	__u32 size;
	__u32 id;
};

struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

enum {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};

enum {
	IOMMU_OPTION_HUGE_PAGES = 1,
};

enum {
	IOMMU_OPTION_OP_SET = 0,
};

struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};

struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};

struct iommu_hwpt_liveupdate_mark_preserve {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 hwpt_token;
};

struct iommu_hwpt_liveupdate_retrieve {
	__u32 size;
	__u32 flags;
	__aligned_u64 hwpt_token;
	__u32 out_hwpt_id;
	__u32 __reserved;
};

struct iommu_hwpt_liveupdate_adopt {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 ioas_id;
};

/* ---- VFIO character devices: Linux 6.6, Debian 12 has 6.1 ---- */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};

#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

struct vfio_device_detach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
};

#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#endif

/* ---- iommufd's mock devices (CONFIG_IOMMUFD_TEST) ---- */
#define IOMMU_TEST_CMD _IO(IOMMUFD_TYPE, 0x80 + 32)
#define IOMMU_HWPT_DATA_SELFTEST 0xdead

enum {
	IOMMU_TEST_OP_MOCK_DOMAIN = 2,
	IOMMU_TEST_OP_MOCK_DOMAIN_RESTORE = 24,
	IOMMU_TEST_OP_MOCK_DOMAIN_NUMBER = 25,
	IOMMU_TEST_OP_MD_DMA = 26,
	IOMMU_TEST_OP_MD_CORRUPT = 27,
	IOMMU_TEST_OP_LIVEUPDATE_FAIL = 28,
};

enum {
	MOCK_IOMMUPT_DEFAULT = 0,
	MOCK_IOMMUPT_HUGE = 1,
};

struct iommu_hwpt_selftest {
	__u32 iotlb;
	__u32 pagetable_type;
};

struct iommu_test_cmd {
	__u32 size;
	__u32 op;
	__u32 id;
	__u32 __reserved;
	union {
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
		} mock_domain;
		struct {
			__u32 dev_flags;
			__u32 mock_id;
			__u32 out_stdev_id;
			__u32 out_idev_id;
		} mock_restore;
		struct {
			__u32 out_mock_id;
		} mock_number;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 flags;
		} dma;
		struct {
			__aligned_u64 iova;
			__aligned_u64 arg;
			__u32 mode;
		} corrupt;
		struct {
			__u32 point;
			__u32 nth;
		} liveupdate_fail;
		/* The kernel's union is as large as its largest member. */
		__aligned_u64 room[6];
	};
	__u32 last;
};

_Static_assert(sizeof(struct iommu_test_cmd) == 72, "struct iommu_test_cmd has the kernel's size");

#endif
