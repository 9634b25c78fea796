// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live update of iommufd as far as it goes without a kexec: marking HWPTs,
 * preserving the iommufd, what is refused while it is preserved, and that
 * nothing of that stays when it is not preserved any more. What the next kernel
 * does is tested by whoever can boot one.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/liveupdate.h>

#include "iommufd_utils.h"

#define MEMFD_PAGES	16
#define TEST_IOVA	0x2000000UL
#define TOKEN		0x1122334455667788ULL

static int mark(int fd, __u32 hwpt_id, __u64 token)
{
	struct iommu_hwpt_liveupdate_mark_preserve cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt_id,
		.hwpt_token = token,
	};

	return ioctl(fd, IOMMU_HWPT_LIVEUPDATE_MARK_PRESERVE, &cmd);
}

static int adopt(int fd, __u32 hwpt_id, __u32 ioas_id)
{
	struct iommu_hwpt_liveupdate_adopt cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt_id,
		.ioas_id = ioas_id,
	};

	return ioctl(fd, IOMMU_HWPT_LIVEUPDATE_ADOPT, &cmd);
}

static int retrieve(int fd, __u64 token)
{
	struct iommu_hwpt_liveupdate_retrieve cmd = {
		.size = sizeof(cmd),
		.hwpt_token = token,
	};

	return ioctl(fd, IOMMU_HWPT_LIVEUPDATE_RETRIEVE, &cmd);
}

static int map_file(int fd, __u32 ioas_id, int memfd, __u64 iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.fd = memfd,
		.length = MEMFD_PAGES * PAGE_SIZE,
		.iova = iova,
	};

	return ioctl(fd, IOMMU_IOAS_MAP_FILE, &cmd);
}

static int map_user(int fd, __u32 ioas_id, void *memory, __u64 iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)memory,
		.length = PAGE_SIZE,
		.iova = iova,
	};

	return ioctl(fd, IOMMU_IOAS_MAP, &cmd);
}

static int unmap(int fd, __u32 ioas_id, __u64 iova)
{
	return _test_ioctl_ioas_unmap(fd, ioas_id, iova,
				      MEMFD_PAGES * PAGE_SIZE, NULL);
}

static int dma(int fd, __u32 hwpt_id, __u64 iova, void *memory, __u64 length)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_MD_DMA,
		.id = hwpt_id,
		.dma = {
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)memory,
		},
	};

	return ioctl(fd, IOMMU_TEST_CMD, &cmd);
}

static int fail_nth_preserve(int fd, __u32 nth)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_LIVEUPDATE_FAIL,
		.liveupdate_fail = {
			.point = MOCK_LIVEUPDATE_FAIL_PRESERVE,
			.nth = nth,
		},
	};

	return ioctl(fd, IOMMU_TEST_CMD, &cmd);
}

static int preserve(int session, int fd, __u64 token)
{
	struct liveupdate_session_preserve_fd cmd = {
		.size = sizeof(cmd),
		.fd = fd,
		.token = token,
	};

	return ioctl(session, LIVEUPDATE_SESSION_PRESERVE_FD, &cmd);
}

static int sealed_memfd(unsigned int seals)
{
	int memfd = memfd_create("liveupdate", MFD_ALLOW_SEALING);

	if (memfd < 0)
		return memfd;
	if (ftruncate(memfd, MEMFD_PAGES * PAGE_SIZE) ||
	    (seals && fcntl(memfd, F_ADD_SEALS, seals))) {
		close(memfd);
		return -1;
	}
	return memfd;
}

FIXTURE(liveupdate)
{
	int fd;
	int luo;
	int session;
	int memfd;
	void *memory;
	__u32 ioas_id;
	__u32 stdev_id;
	__u32 idev_id;
	__u32 auto_hwpt_id;
	__u32 hwpt_id;
};

static int new_session(int luo)
{
	struct liveupdate_ioctl_create_session cmd = {
		.size = sizeof(cmd),
		.name = "iommufd",
	};

	return ioctl(luo, LIVEUPDATE_IOCTL_CREATE_SESSION, &cmd) ? -1 : cmd.fd;
}

FIXTURE_SETUP(liveupdate)
{
	PAGE_SIZE = sysconf(_SC_PAGE_SIZE);
	self->fd = open("/dev/iommu", O_RDWR);
	ASSERT_NE(-1, self->fd);
	if (mark(self->fd, 0, 0) && errno == ENOTTY)
		SKIP(return, "the kernel has no CONFIG_IOMMU_LIVEUPDATE");
	self->luo = open("/dev/liveupdate", O_RDWR);
	if (self->luo < 0)
		SKIP(return, "/dev/liveupdate: %s", strerror(errno));
	self->session = new_session(self->luo);
	ASSERT_NE(-1, self->session);

	self->memfd = sealed_memfd(F_SEAL_SHRINK | F_SEAL_GROW);
	ASSERT_NE(-1, self->memfd);
	self->memory = mmap(NULL, MEMFD_PAGES * PAGE_SIZE,
			    PROT_READ | PROT_WRITE, MAP_SHARED, self->memfd, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	memset(self->memory, 0x5a, MEMFD_PAGES * PAGE_SIZE);

	test_ioctl_ioas_alloc(&self->ioas_id);
	test_cmd_mock_domain(self->ioas_id, &self->stdev_id,
			     &self->auto_hwpt_id, &self->idev_id);
	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id,
			    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &self->hwpt_id);
	ASSERT_EQ(0, map_file(self->fd, self->ioas_id, self->memfd, TEST_IOVA));
}

FIXTURE_TEARDOWN(liveupdate)
{
	close(self->session);
	close(self->luo);
	munmap(self->memory, MEMFD_PAGES * PAGE_SIZE);
	close(self->memfd);
	teardown_iommufd(self->fd, _metadata);
}

TEST_F(liveupdate, mark)
{
	__u32 other_id;
	__u32 nest_id;

	EXPECT_ERRNO(ENOENT, mark(self->fd, 0xffff, TOKEN));
	EXPECT_ERRNO(ENOENT, mark(self->fd, self->ioas_id, TOKEN));
	/* Automatic HWPTs come and go by themselves */
	EXPECT_ERRNO(EOPNOTSUPP, mark(self->fd, self->auto_hwpt_id, TOKEN));
	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id,
			    IOMMU_HWPT_ALLOC_NEST_PARENT, &nest_id);
	EXPECT_ERRNO(EOPNOTSUPP, mark(self->fd, nest_id, TOKEN));
	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id,
			    IOMMU_HWPT_ALLOC_PASID, &other_id);
	EXPECT_ERRNO(EOPNOTSUPP, mark(self->fd, other_id, TOKEN));
	test_ioctl_destroy(other_id);

	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id, 0, &other_id);
	EXPECT_EQ(0, mark(self->fd, self->hwpt_id, TOKEN));
	EXPECT_ERRNO(EADDRINUSE, mark(self->fd, self->hwpt_id, TOKEN));
	EXPECT_ERRNO(EADDRINUSE, mark(self->fd, other_id, TOKEN));
	EXPECT_ERRNO(EEXIST, mark(self->fd, self->hwpt_id, TOKEN + 1));
	EXPECT_EQ(0, mark(self->fd, other_id, 0));

	/* The mark goes with the HWPT */
	test_ioctl_destroy(self->hwpt_id);
	EXPECT_ERRNO(EADDRINUSE, mark(self->fd, other_id, 0));
	test_ioctl_destroy(other_id);
	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id, 0, &other_id);
	EXPECT_EQ(0, mark(self->fd, other_id, TOKEN));
}

TEST_F(liveupdate, not_retrieved)
{
	__u32 ioas_id;

	EXPECT_EQ(0, mark(self->fd, self->hwpt_id, TOKEN));
	EXPECT_ERRNO(ENOENT, retrieve(self->fd, TOKEN));
	test_ioctl_ioas_alloc(&ioas_id);
	EXPECT_ERRNO(EEXIST, adopt(self->fd, self->hwpt_id, ioas_id));
	EXPECT_ERRNO(ENOENT, adopt(self->fd, 0xffff, ioas_id));
}

TEST_F(liveupdate, refused)
{
	int memfd;

	EXPECT_ERRNO(EINVAL, preserve(self->session, self->fd, 1));

	EXPECT_EQ(0, mark(self->fd, self->hwpt_id, TOKEN));
	ASSERT_EQ(0, map_user(self->fd, self->ioas_id, self->memory, 0x8000000));
	EXPECT_ERRNO(EOPNOTSUPP, preserve(self->session, self->fd, 1));
	ASSERT_EQ(0, _test_ioctl_ioas_unmap(self->fd, self->ioas_id, 0x8000000,
					    PAGE_SIZE, NULL));

	memfd = sealed_memfd(F_SEAL_SHRINK);
	ASSERT_NE(-1, memfd);
	ASSERT_EQ(0, map_file(self->fd, self->ioas_id, memfd, 0x8000000));
	EXPECT_ERRNO(EINVAL, preserve(self->session, self->fd, 1));
	/* Another file with the same pages would do */
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW));
	EXPECT_EQ(0, preserve(self->session, self->fd, 1));
	close(memfd);
}

TEST_F(liveupdate, immutable)
{
	struct iommu_ioas_change_process change = { .size = sizeof(change) };
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = self->ioas_id,
	};
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.dst_ioas_id = self->ioas_id,
		.src_ioas_id = self->ioas_id,
		.length = PAGE_SIZE,
		.dst_iova = 0x8000000,
		.src_iova = TEST_IOVA,
	};
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = self->ioas_id,
	};
	unsigned int round;
	__u32 other_ioas_id;
	__u32 hwpt_id;
	char byte;

	test_cmd_mock_domain_replace(self->stdev_id, self->hwpt_id);
	EXPECT_EQ(0, mark(self->fd, self->hwpt_id, TOKEN));
	test_ioctl_ioas_alloc(&other_ioas_id);

	for (round = 0; round != 2; round++) {
		ASSERT_EQ(0, fail_nth_preserve(self->fd, 1));
		EXPECT_ERRNO(ENOMEM, preserve(self->session, self->fd, 1));
		/* A preservation that failed has left nothing behind */
		ASSERT_EQ(0, map_file(self->fd, self->ioas_id, self->memfd,
				      0x8000000));
		ASSERT_EQ(0, unmap(self->fd, self->ioas_id, 0x8000000));

		ASSERT_EQ(0, preserve(self->session, self->fd, 1));
		EXPECT_ERRNO(EBUSY, preserve(self->session, self->fd, 2));
		EXPECT_ERRNO(EBUSY, mark(self->fd, self->hwpt_id, TOKEN + 1));
		EXPECT_ERRNO(EBUSY, map_file(self->fd, self->ioas_id,
					     self->memfd, 0x8000000));
		EXPECT_ERRNO(EBUSY, map_user(self->fd, self->ioas_id,
					     self->memory, 0x8000000));
		EXPECT_ERRNO(EBUSY, ioctl(self->fd, IOMMU_IOAS_COPY, &copy));
		EXPECT_ERRNO(EBUSY, unmap(self->fd, self->ioas_id, TEST_IOVA));
		EXPECT_ERRNO(EBUSY, _test_ioctl_ioas_unmap(self->fd,
							   self->ioas_id, 0,
							   UINT64_MAX, NULL));
		EXPECT_ERRNO(EBUSY, ioctl(self->fd, IOMMU_IOAS_ALLOW_IOVAS,
					  &allow));
		EXPECT_ERRNO(EBUSY, ioctl(self->fd, IOMMU_IOAS_CHANGE_PROCESS,
					  &change));
		option.val64 = 0;
		EXPECT_ERRNO(EBUSY, ioctl(self->fd, IOMMU_OPTION, &option));
		option.val64 = 1;
		EXPECT_ERRNO(EBUSY, ioctl(self->fd, IOMMU_OPTION, &option));
		EXPECT_EQ(-EBUSY, _test_cmd_set_dirty_tracking(self->fd,
							       self->hwpt_id,
							       true));
		EXPECT_ERRNO(EBUSY, _test_ioctl_destroy(self->fd,
							self->hwpt_id));
		EXPECT_ERRNO(EBUSY, _test_ioctl_destroy(self->fd,
							self->ioas_id));
		EXPECT_ERRNO(EBUSY, _test_ioctl_destroy(self->fd,
							self->stdev_id));
		test_err_hwpt_alloc(EBUSY, self->idev_id, self->ioas_id, 0,
				    &hwpt_id);
		test_err_mock_domain(EBUSY, self->hwpt_id, NULL, NULL);
		test_err_mock_domain_replace(EBUSY, self->stdev_id,
					     other_ioas_id);

		/* It can be used, and so can another IOAS */
		byte = 0;
		EXPECT_EQ(0, dma(self->fd, self->hwpt_id, TEST_IOVA, &byte, 1));
		EXPECT_EQ(0x5a, byte);
		EXPECT_EQ(0, map_file(self->fd, other_ioas_id, self->memfd,
				      TEST_IOVA));
		EXPECT_EQ(0, unmap(self->fd, other_ioas_id, TEST_IOVA));

		/* That drops the preservation, and everything works again */
		close(self->session);
		self->session = new_session(self->luo);
		ASSERT_NE(-1, self->session);
		EXPECT_EQ(0, ioctl(self->fd, IOMMU_IOAS_COPY, &copy));
		EXPECT_EQ(0, _test_ioctl_ioas_unmap(self->fd, self->ioas_id,
						    0x8000000, PAGE_SIZE,
						    NULL));
		EXPECT_EQ(0, ioctl(self->fd, IOMMU_IOAS_ALLOW_IOVAS, &allow));
		EXPECT_EQ(0, _test_cmd_set_dirty_tracking(self->fd,
							  self->hwpt_id, true));
		EXPECT_EQ(0, _test_cmd_set_dirty_tracking(self->fd,
							  self->hwpt_id,
							  false));
		test_cmd_hwpt_alloc(self->idev_id, self->ioas_id, 0, &hwpt_id);
		test_cmd_mock_domain_replace(self->stdev_id, hwpt_id);
		test_cmd_mock_domain_replace(self->stdev_id, self->hwpt_id);
		test_ioctl_destroy(hwpt_id);
	}

	test_ioctl_destroy(self->stdev_id);
	test_ioctl_destroy(self->hwpt_id);
}

TEST_HARNESS_MAIN
