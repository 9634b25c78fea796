/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LINUX_KHO_BENCH_H
#define LINUX_KHO_BENCH_H

/* Header stub: nothing is measured in the tests. */
static inline bool kho_bench_is_stock(void)
{
	return false;
}
#endif /* LINUX_KHO_BENCH_H */
