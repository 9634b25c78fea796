/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A clock that spans the kexec: the processor's own counter, which nothing resets. Under QEMU's
 * -icount shift=0 it counts guest instructions; else it is turned into nanoseconds with a rate
 * measured against the kernel's clock.
 */
#ifndef FLBENCH_AGENT_CLOCK_H
#define FLBENCH_AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/**
 * clock_ticks - read the counter
 *
 * Return: ticks since some instant before the first boot.
 */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	/* lfence: what stands before is done before. */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
#else
#error "no counter that spans a kexec is known for this architecture"
#endif
}

/**
 * clock_to_unit - express ticks in the unit of the metrics
 * @ticks: a difference of clock_ticks()
 * @instructions: true: ticks are instructions; false: nanoseconds are wanted, the first call takes
 *	20 ms to measure the rate
 *
 * Return: instructions or nanoseconds.
 */
uint64_t clock_to_unit(uint64_t ticks, bool instructions);

#endif
