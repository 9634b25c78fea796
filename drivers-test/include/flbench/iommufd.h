/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of /dev/iommu that the suite needs, among them those for a live update. An IOMMU domain
 * is called HWPT here, as in iommufd; devices are in device.h. All sizes and addresses are bytes.
 */
#ifndef FLBENCH_IOMMUFD_H
#define FLBENCH_IOMMUFD_H

#include <stdint.h>

/* Rights of a mapping, as a device sees them. */
#define IOMMUFD_PROT_READ 1u
#define IOMMUFD_PROT_WRITE 2u

/**
 * iommufd_open - open /dev/iommu
 *
 * Return: a file descriptor or a negative errno.
 */
int iommufd_open(void);

/**
 * iommufd_destroy - destroy an object of an iommufd
 * @fd: the iommufd
 * @id: any object: IOAS, HWPT, device
 *
 * Return: 0; -EBUSY while something uses it or while it is preserved, -ENOENT for an unknown id.
 */
int iommufd_destroy(int fd, uint32_t id);

/**
 * iommufd_ioas_alloc - make an empty IOAS
 * @fd: the iommufd
 * @ioas_id: where its id goes
 *
 * Return: 0 or a negative errno.
 */
int iommufd_ioas_alloc(int fd, uint32_t *ioas_id);

/**
 * iommufd_ioas_small_pages - have each page of memory be an entry of its own in the page tables
 * @fd: the iommufd
 * @ioas_id: the IOAS; nothing is mapped in it and attached to it at once
 *
 * Return: 0 or a negative errno.
 */
int iommufd_ioas_small_pages(int fd, uint32_t ioas_id);

/**
 * iommufd_map_file - map a part of a memfd at a chosen IOVA
 * @fd: the iommufd
 * @ioas_id: the IOAS
 * @memfd: the file
 * @start: offset into the file, a multiple of the page size
 * @length: bytes, a multiple of the page size
 * @iova: where
 * @prot: IOMMUFD_PROT_*
 *
 * Return: 0; -EEXIST when something is mapped there, -EBUSY while the IOAS is preserved, or another
 * negative errno.
 */
int iommufd_map_file(int fd, uint32_t ioas_id, int memfd, uint64_t start, uint64_t length,
		     uint64_t iova, unsigned int prot);

/**
 * iommufd_unmap - unmap whole mappings
 * @fd: the iommufd
 * @ioas_id: the IOAS
 * @iova: start of the first mapping
 * @length: bytes
 *
 * Return: 0; -ENOENT when nothing is mapped there, -EBUSY while the IOAS is preserved.
 */
int iommufd_unmap(int fd, uint32_t ioas_id, uint64_t iova, uint64_t length);

/**
 * iommufd_hwpt_alloc - make a HWPT over an IOAS
 * @fd: the iommufd
 * @device_id: a bound device, whose IOMMU it will be for
 * @ioas_id: the IOAS
 * @data_type: 0, or the vendor's type of @data
 * @data: vendor's parameters
 * @length: bytes of @data
 * @hwpt_id: where its id goes
 *
 * Return: 0 or a negative errno.
 */
int iommufd_hwpt_alloc(int fd, uint32_t device_id, uint32_t ioas_id, uint32_t data_type,
		       const void *data, uint32_t length, uint32_t *hwpt_id);

/**
 * iommufd_hwpt_mark - ask for a HWPT to be preserved along with its iommufd
 * @fd: the iommufd
 * @hwpt_id: the HWPT
 * @token: number to find it by in the next kernel; unique in the iommufd
 *
 * A mark is never taken back.
 *
 * Return: 0; -EADDRINUSE for a token that is taken, -EBUSY while the iommufd is preserved, or
 * another negative errno.
 */
int iommufd_hwpt_mark(int fd, uint32_t hwpt_id, uint64_t token);

/**
 * iommufd_hwpt_retrieve - get a preserved HWPT back
 * @fd: an iommufd that was itself retrieved
 * @token: as given to iommufd_hwpt_mark()
 * @hwpt_id: where its id goes
 *
 * The HWPT translates as it did before the kexec, and has no IOAS.
 *
 * Return: 0; -ENOENT for an unknown token.
 */
int iommufd_hwpt_retrieve(int fd, uint64_t token, uint32_t *hwpt_id);

/**
 * iommufd_hwpt_adopt - put a rebuilt IOAS over a retrieved HWPT
 * @fd: the iommufd
 * @hwpt_id: from iommufd_hwpt_retrieve()
 * @ioas_id: an IOAS with the very mappings that the HWPT had, and no HWPT of its own
 *
 * The two are compared; nothing in the HWPT's table is rewritten. A mismatch changes nothing.
 *
 * Return: 0; -ENOENT for a mapping that the HWPT lacks, -EXDEV for another page, -EACCES for
 * another right, -E2BIG when the HWPT maps more than the IOAS.
 */
int iommufd_hwpt_adopt(int fd, uint32_t hwpt_id, uint32_t ioas_id);

#endif
