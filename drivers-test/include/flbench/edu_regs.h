/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of QEMU's edu device in its BAR 0, and the writes that make it do DMA. They need nothing
 * but this header: the controller can send the same writes from outside the machine (over QEMU's
 * qtest protocol, "writeq ADDRESS VALUE") and so start DMA while no program of the guest runs.
 *
 * Source: QEMU, docs/specs/edu.rst and hw/misc/edu.c.
 */
#ifndef FLBENCH_EDU_REGS_H
#define FLBENCH_EDU_REGS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define EDU_VENDOR_ID 0x1234
#define EDU_DEVICE_ID 0x11e8
#define EDU_BAR_SIZE (1u << 20)

#define EDU_REG_ID 0x00
#define EDU_ID 0x010000edu
/* Answers with the complement of what was written. */
#define EDU_REG_LIVENESS 0x04
#define EDU_REG_FACTORIAL 0x08
#define EDU_REG_STATUS 0x20
#define EDU_STATUS_COMPUTING 0x01u
#define EDU_STATUS_INTERRUPT 0x80u
#define EDU_REG_IRQ_STATUS 0x24
#define EDU_REG_IRQ_RAISE 0x60
#define EDU_REG_IRQ_ACKNOWLEDGE 0x64
/* From here on, registers are 64 bits wide; a narrower write clears the rest. */
#define EDU_REG_DMA_SOURCE 0x80
#define EDU_REG_DMA_DESTINATION 0x88
#define EDU_REG_DMA_COUNT 0x90
#define EDU_REG_DMA_COMMAND 0x98
#define EDU_DMA_RUN 1u
#define EDU_DMA_TO_MEMORY 2u
#define EDU_DMA_INTERRUPT 4u
/* What EDU_REG_IRQ_STATUS says after DMA with EDU_DMA_INTERRUPT. */
#define EDU_IRQ_DMA 0x100u

/* The device's own buffer, as source and destination see it. */
#define EDU_BUFFER 0x40000u
#define EDU_BUFFER_SIZE 4096u
/* The device waits as long before it copies, on the clock of the machine. */
#define EDU_DMA_DELAY_MS 100

/**
 * struct edu_write - a write to a register
 * @offset: in BAR 0
 * @value: all 64 bits of it
 */
struct edu_write {
	uint32_t offset;
	uint64_t value;
};

#define EDU_DMA_WRITES 4

/**
 * edu_dma_writes - the writes that start DMA
 * @writes: filled in; the last one starts
 * @iova: address in memory, for which the device must have been made with dma_mask=all ones
 * @offset: where in the device's buffer
 * @bytes: how many
 * @to_memory: from the buffer to @iova, else from @iova to the buffer
 * @flags: 0 or EDU_DMA_INTERRUPT
 *
 * They are ignored while DMA runs. The copy happens EDU_DMA_DELAY_MS after the last one, at one
 * instant. The device does not say whether the IOMMU let it through.
 *
 * Return: 0; -EINVAL when the range is not in the buffer, which would end QEMU.
 */
static inline int edu_dma_writes(struct edu_write writes[EDU_DMA_WRITES], uint64_t iova,
				 uint32_t offset, uint32_t bytes, bool to_memory, uint32_t flags)
{
	uint64_t buffer = EDU_BUFFER + (uint64_t)offset;

	if (!bytes || bytes > EDU_BUFFER_SIZE || offset > EDU_BUFFER_SIZE - bytes)
		return -EINVAL;
	writes[0] = (struct edu_write){ EDU_REG_DMA_SOURCE, to_memory ? buffer : iova };
	writes[1] = (struct edu_write){ EDU_REG_DMA_DESTINATION, to_memory ? iova : buffer };
	writes[2] = (struct edu_write){ EDU_REG_DMA_COUNT, bytes };
	writes[3] = (struct edu_write){ EDU_REG_DMA_COMMAND,
					EDU_DMA_RUN | (to_memory ? EDU_DMA_TO_MEMORY : 0) | flags };
	return 0;
}

#endif
