/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of a device that are mapped into this process, and the order between them and memory
 * that the device reads and writes. All registers are little-endian, as PCI's are; so are the
 * machines that we run on.
 */
#ifndef FLBENCH_MMIO_H
#define FLBENCH_MMIO_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "registers are little-endian");

/* Memory written before is seen by a device that sees a register written after. */
static inline void dma_write_barrier(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb oshst" : : : "memory");
#else
	/* x86 keeps the order of stores; only the compiler has to. */
	__asm__ volatile("" : : : "memory");
#endif
}

/* Memory read after is at least as new as memory read before, also where a device wrote it. */
static inline void dma_read_barrier(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb oshld" : : : "memory");
#else
	__asm__ volatile("" : : : "memory");
#endif
}

static inline uint32_t mmio_read32(const volatile void *bar, uint32_t offset)
{
	uint32_t value = *(const volatile uint32_t *)((const volatile char *)bar + offset);

	dma_read_barrier();
	return value;
}

static inline uint64_t mmio_read64(const volatile void *bar, uint32_t offset)
{
	uint64_t value = *(const volatile uint64_t *)((const volatile char *)bar + offset);

	dma_read_barrier();
	return value;
}

static inline void mmio_write32(volatile void *bar, uint32_t offset, uint32_t value)
{
	dma_write_barrier();
	*(volatile uint32_t *)((volatile char *)bar + offset) = value;
}

static inline void mmio_write64(volatile void *bar, uint32_t offset, uint64_t value)
{
	dma_write_barrier();
	*(volatile uint64_t *)((volatile char *)bar + offset) = value;
}

#endif
