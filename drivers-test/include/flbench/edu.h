/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Driver of QEMU's edu device: one DMA at a time between memory and the device's 4 KiB buffer, at a
 * chosen instant, also one that somebody outside the machine chooses (edu_regs.h). Guarantees about
 * its DMA:
 *
 * - None runs unless it was started by edu_dma_start() or from outside, and edu_dma_busy() tells.
 * - A started one copies once, EDU_DMA_DELAY_MS later, whatever the processors do meanwhile; only a
 *   reset, bus mastering switched off, or the IOMMU prevents it.
 * - Bytes that the IOMMU refuses do not arrive, and the device does not say so.
 * - The contents of the buffer stay until the next DMA into it; a reset of the function leaves them.
 */
#ifndef FLBENCH_EDU_H
#define FLBENCH_EDU_H

#include <flbench/edu_regs.h>
#include <flbench/vfio.h>

/**
 * struct edu - a device in use
 * @vfio: the device; the caller's
 * @bar: its registers
 */
struct edu {
	struct vfio_device *vfio;
	volatile void *bar;
};

/**
 * edu_init - take over a device that was just bound
 * @edu: filled in
 * @vfio: the device, bound and attached
 *
 * Switches bus mastering on.
 *
 * Return: 0; -ENODEV when it is no edu device or does not answer, or a negative errno of VFIO.
 */
int edu_init(struct edu *edu, struct vfio_device *vfio);

/**
 * edu_resume - take over a device that may be doing DMA
 * @edu: filled in
 * @vfio: the device, bound and attached
 *
 * Only reads.
 *
 * Return: 0; -ENODEV when it is no edu device, -EPERM when bus mastering is off, or a negative
 * errno of VFIO.
 */
int edu_resume(struct edu *edu, struct vfio_device *vfio);

/**
 * edu_dma_start - start DMA and return at once
 * @edu: the device
 * @iova: address in memory
 * @offset: where in the device's buffer
 * @bytes: how many
 * @to_memory: from the buffer to @iova, else from @iova to the buffer
 * @flags: 0 or EDU_DMA_INTERRUPT
 *
 * Return: 0; -EINVAL for a range that is not in the buffer, -EBUSY while DMA runs.
 */
int edu_dma_start(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t bytes, bool to_memory,
		  uint32_t flags);

/**
 * edu_dma_busy - ask whether DMA was started and is not done
 * @edu: the device
 *
 * Return: true if so.
 */
bool edu_dma_busy(const struct edu *edu);

/**
 * edu_dma_wait - wait until no DMA runs
 * @edu: the device
 * @timeout_ms: milliseconds
 *
 * Return: 0; -ETIMEDOUT.
 */
int edu_dma_wait(const struct edu *edu, unsigned int timeout_ms);

/**
 * edu_copy - copy memory by way of the device's buffer
 * @edu: the device, with no DMA running
 * @to: address in memory
 * @from: address in memory
 * @bytes: at most EDU_BUFFER_SIZE
 *
 * Return: 0; -EINVAL, -EBUSY or -ETIMEDOUT as above.
 */
int edu_copy(struct edu *edu, uint64_t to, uint64_t from, uint32_t bytes);

/**
 * edu_factorial - have the device compute
 * @edu: the device
 * @n: what of
 * @result: the factorial, modulo 2^32
 *
 * Return: 0; -ETIMEDOUT.
 */
int edu_factorial(struct edu *edu, uint32_t n, uint32_t *result);

/**
 * edu_irq_raise - have the device interrupt
 * @edu: the device
 * @bits: ORed into its status; not 0
 */
void edu_irq_raise(struct edu *edu, uint32_t bits);

/**
 * edu_irq_acknowledge - read the interrupt status and clear it
 * @edu: the device
 *
 * Return: the bits that were set.
 */
uint32_t edu_irq_acknowledge(struct edu *edu);

#endif
