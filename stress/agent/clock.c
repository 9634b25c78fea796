// SPDX-License-Identifier: GPL-2.0-only
/* The rate of the counter, measured when nanoseconds are wanted. */
#include <time.h>

#include "clock.h"

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t clock_to_unit(uint64_t ticks, bool instructions)
{
	static uint64_t rate_ns, rate_ticks;

	if (instructions)
		return ticks;
	if (!rate_ns) {
		uint64_t start_ns = monotonic_ns(), start_ticks = clock_ticks();
		const struct timespec pause = { .tv_nsec = 20000000 };

		nanosleep(&pause, NULL);
		rate_ticks = clock_ticks() - start_ticks;
		rate_ns = monotonic_ns() - start_ns;
		if (!rate_ticks)
			rate_ticks = 1;
	}
	return (uint64_t)((__uint128_t)ticks * rate_ns / rate_ticks);
}
