/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks of the measuring facility for kexec handover, kernel/liveupdate/kho_bench.c.
 */
#ifndef _LINUX_KHO_BENCH_H
#define _LINUX_KHO_BENCH_H

#include <linux/init.h>
#include <linux/timex.h>
#include <linux/types.h>

#ifdef CONFIG_X86
#include <asm/tsc.h>
#endif

#ifdef CONFIG_KHO_BENCH

extern u64 kho_bench_boot_start;
extern bool kho_bench_stock;

/* get_cycles() of x86 is 0 until the CPU is known. */
static inline u64 kho_bench_cycles(void)
{
#ifdef CONFIG_X86
	return rdtsc();
#else
	return get_cycles();
#endif
}

/* The first thing that start_kernel() does. */
static inline void __init kho_bench_mark_boot(void)
{
	kho_bench_boot_start = kho_bench_cycles();
}

/* Whether to do as Linux does without the changes that are to be measured. */
static inline bool kho_bench_is_stock(void)
{
	return kho_bench_stock;
}

void kho_bench_memory_init_done(u64 start);
void kho_bench_run(void);

#else /* CONFIG_KHO_BENCH */

static inline u64 kho_bench_cycles(void)
{
	return 0;
}

static inline void kho_bench_mark_boot(void) { }

static inline bool kho_bench_is_stock(void)
{
	return false;
}

static inline void kho_bench_memory_init_done(u64 start) { }
static inline void kho_bench_run(void) { }

#endif /* CONFIG_KHO_BENCH */

#endif /* _LINUX_KHO_BENCH_H */
