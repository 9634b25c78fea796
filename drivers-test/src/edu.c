// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's edu device; see the headers for its registers and for what is guaranteed. */
#include <unistd.h>

#include <flbench/edu.h>
#include <flbench/mmio.h>

#define POLL_US 500
#define PROBE_WORD 0x5a5a1234u
#define FACTORIAL_MS 2000

int edu_resume(struct edu *edu, struct vfio_device *vfio)
{
	int err = vfio_check_identity(vfio, EDU_VENDOR_ID, EDU_DEVICE_ID);

	if (!err)
		err = vfio_check_bus_master(vfio);
	if (!err)
		err = vfio_map_bar(vfio, 0, EDU_BAR_SIZE);
	if (err)
		return err;
	edu->vfio = vfio;
	edu->bar = vfio->bar[0].memory;
	return mmio_read32(edu->bar, EDU_REG_ID) == EDU_ID ? 0 : -ENODEV;
}

int edu_init(struct edu *edu, struct vfio_device *vfio)
{
	int err = vfio_set_bus_master(vfio, true);

	if (!err)
		err = edu_resume(edu, vfio);
	if (err)
		return err;
	mmio_write32(edu->bar, EDU_REG_LIVENESS, PROBE_WORD);
	return mmio_read32(edu->bar, EDU_REG_LIVENESS) == ~PROBE_WORD ? 0 : -ENODEV;
}

bool edu_dma_busy(const struct edu *edu)
{
	return mmio_read64(edu->bar, EDU_REG_DMA_COMMAND) & EDU_DMA_RUN;
}

int edu_dma_start(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t bytes, bool to_memory,
		  uint32_t flags)
{
	struct edu_write writes[EDU_DMA_WRITES];
	int err = edu_dma_writes(writes, iova, offset, bytes, to_memory, flags);

	if (!err && edu_dma_busy(edu))
		err = -EBUSY;
	for (int i = 0; !err && i < EDU_DMA_WRITES; i++)
		mmio_write64(edu->bar, writes[i].offset, writes[i].value);
	return err;
}

int edu_dma_wait(const struct edu *edu, unsigned int timeout_ms)
{
	for (uint64_t us = 0; edu_dma_busy(edu); us += POLL_US) {
		if (us >= timeout_ms * 1000ull)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
	return 0;
}

int edu_copy(struct edu *edu, uint64_t to, uint64_t from, uint32_t bytes)
{
	int err = edu_dma_start(edu, from, 0, bytes, false, 0);

	if (!err)
		err = edu_dma_wait(edu, 20 * EDU_DMA_DELAY_MS);
	if (!err)
		err = edu_dma_start(edu, to, 0, bytes, true, 0);
	if (!err)
		err = edu_dma_wait(edu, 20 * EDU_DMA_DELAY_MS);
	return err;
}

int edu_factorial(struct edu *edu, uint32_t n, uint32_t *result)
{
	mmio_write32(edu->bar, EDU_REG_FACTORIAL, n);
	for (uint64_t us = 0; mmio_read32(edu->bar, EDU_REG_STATUS) & EDU_STATUS_COMPUTING;
	     us += POLL_US) {
		if (us >= FACTORIAL_MS * 1000ull)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
	*result = mmio_read32(edu->bar, EDU_REG_FACTORIAL);
	return 0;
}

void edu_irq_raise(struct edu *edu, uint32_t bits)
{
	mmio_write32(edu->bar, EDU_REG_IRQ_RAISE, bits);
}

uint32_t edu_irq_acknowledge(struct edu *edu)
{
	uint32_t bits = mmio_read32(edu->bar, EDU_REG_IRQ_STATUS);

	mmio_write32(edu->bar, EDU_REG_IRQ_ACKNOWLEDGE, bits);
	return bits;
}
