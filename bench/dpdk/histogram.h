/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log-linear histogram of whole numbers, for percentiles of latencies: numbers below 64 are kept
 * exactly, each octave above in 32 equal parts, so that a percentile is at most 1/32 too high.
 */
#ifndef FLBENCH_DPDK_HISTOGRAM_H
#define FLBENCH_DPDK_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS 32u
#define HISTOGRAM_BUCKETS (2u * HISTOGRAM_PARTS + 58u * HISTOGRAM_PARTS)

/**
 * struct histogram - empty when all of it is zero
 * @nr: numbers in it
 * @min: the smallest one, exactly
 * @max: the largest one, exactly
 * @buckets: how many fell into each
 */
struct histogram {
	uint64_t nr;
	uint64_t min;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/**
 * histogram_add - put a number in
 * @h: the histogram
 * @value: the number
 */
void histogram_add(struct histogram *h, uint64_t value);

/**
 * histogram_merge - put in what another one holds
 * @h: the histogram
 * @other: the other one
 */
void histogram_merge(struct histogram *h, const struct histogram *other);

/**
 * histogram_percentile - what so many in a million are at most
 * @h: the histogram
 * @ppm: parts per million, 1 to 1000000; 500000 is the median
 *
 * Return: the largest number of the bucket that the percentile (by nearest rank) is in, but at most
 * the largest number that was put in; 0 if there is none.
 */
uint64_t histogram_percentile(const struct histogram *h, uint32_t ppm);

#endif
