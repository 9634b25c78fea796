/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the headers of kernel/overlay/include/linux/kho/abi want of the kernel, for a program that
 * reads what a kernel has left in memory.
 */
#ifndef FLBENCH_ABI_BITS_H
#define FLBENCH_ABI_BITS_H

#include <stdint.h>

#define BIT(nr) (1u << (nr))
#define PAGE_SIZE 4096u

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifndef __packed
#define __packed __attribute__((packed))
#endif

#endif
