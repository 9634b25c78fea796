// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the place of a kernel's memblock: takes as many steps as it is built for, or goes wrong.
 */
#include <errno.h>

#include "reserve.h"

long native_reserve(const uint64_t *phys, uint64_t nr)
{
	volatile uint64_t sum = 0;

	for (uint64_t i = 0; i < nr; i++) {
		/* Rising, whole pages, and none beside another: what is measured rests on it. */
		if (phys[i] % 4096 || (i && phys[i] < phys[i - 1] + 8192))
			return -EINVAL;
		for (int step = 0; step < STEPS; step++)
			sum += phys[i];
	}
	return FAILS ? -ENOMEM : (long)nr - MISSING;
}
