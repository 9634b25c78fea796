// SPDX-License-Identifier: GPL-2.0-only
/* Calls of /dev/iommu; see the header for what each guarantees. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <flbench/iommufd.h>
#include <flbench/uapi.h>

int iommufd_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int iommufd_destroy(int fd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return ioctl(fd, IOMMU_DESTROY, &cmd) ? -errno : 0;
}

int iommufd_ioas_alloc(int fd, uint32_t *ioas_id)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	if (ioctl(fd, IOMMU_IOAS_ALLOC, &cmd))
		return -errno;
	*ioas_id = cmd.out_ioas_id;
	return 0;
}

int iommufd_ioas_small_pages(int fd, uint32_t ioas_id)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = ioas_id,
		.val64 = 0,
	};

	return ioctl(fd, IOMMU_OPTION, &cmd) ? -errno : 0;
}

int iommufd_map_file(int fd, uint32_t ioas_id, int memfd, uint64_t start, uint64_t length,
		     uint64_t iova, unsigned int prot)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA |
			 (prot & IOMMUFD_PROT_READ ? IOMMU_IOAS_MAP_READABLE : 0) |
			 (prot & IOMMUFD_PROT_WRITE ? IOMMU_IOAS_MAP_WRITEABLE : 0),
		.ioas_id = ioas_id,
		.fd = memfd,
		.start = start,
		.length = length,
		.iova = iova,
	};

	return ioctl(fd, IOMMU_IOAS_MAP_FILE, &cmd) ? -errno : 0;
}

int iommufd_unmap(int fd, uint32_t ioas_id, uint64_t iova, uint64_t length)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd), .ioas_id = ioas_id, .iova = iova, .length = length
	};

	return ioctl(fd, IOMMU_IOAS_UNMAP, &cmd) ? -errno : 0;
}

int iommufd_hwpt_alloc(int fd, uint32_t device_id, uint32_t ioas_id, uint32_t data_type,
		       const void *data, uint32_t length, uint32_t *hwpt_id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = device_id,
		.pt_id = ioas_id,
		.data_type = data_type,
		.data_len = length,
		.data_uptr = (uintptr_t)data,
	};

	if (ioctl(fd, IOMMU_HWPT_ALLOC, &cmd))
		return -errno;
	*hwpt_id = cmd.out_hwpt_id;
	return 0;
}

int iommufd_hwpt_mark(int fd, uint32_t hwpt_id, uint64_t token)
{
	struct iommu_hwpt_liveupdate_mark_preserve cmd = { .size = sizeof(cmd),
							   .hwpt_id = hwpt_id,
							   .hwpt_token = token };

	return ioctl(fd, IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE, &cmd) ? -errno : 0;
}

int iommufd_hwpt_retrieve(int fd, uint64_t token, uint32_t *hwpt_id)
{
	struct iommu_hwpt_liveupdate_retrieve cmd = { .size = sizeof(cmd), .hwpt_token = token };

	if (ioctl(fd, IOMMU_HWPT_LIVEUPDATE_RETRIEVE, &cmd))
		return -errno;
	*hwpt_id = cmd.out_hwpt_id;
	return 0;
}

int iommufd_hwpt_adopt(int fd, uint32_t hwpt_id, uint32_t ioas_id)
{
	struct iommu_hwpt_liveupdate_adopt cmd = { .size = sizeof(cmd),
						   .hwpt_id = hwpt_id,
						   .ioas_id = ioas_id };

	return ioctl(fd, IOMMU_HWPT_LIVEUPDATE_ADOPT, &cmd) ? -errno : 0;
}
