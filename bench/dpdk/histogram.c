// SPDX-License-Identifier: GPL-2.0-only
/* Buckets of a log-linear histogram; see the header. */
#include <stddef.h>

#include "histogram.h"

#define PART_BITS 5u

_Static_assert(1u << PART_BITS == HISTOGRAM_PARTS, "bits and parts differ");

static size_t bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < 2 * HISTOGRAM_PARTS)
		return value;
	/* What is left of the number has its highest bit at PART_BITS. */
	shift = 63 - __builtin_clzll(value) - PART_BITS;
	return shift * HISTOGRAM_PARTS + (value >> shift);
}

static uint64_t highest_of(size_t bucket)
{
	unsigned int shift;

	if (bucket < 2 * HISTOGRAM_PARTS)
		return bucket;
	shift = bucket / HISTOGRAM_PARTS - 1;
	return ((uint64_t)(bucket - shift * HISTOGRAM_PARTS) << shift) + ((1ull << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	if (!h->nr || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->nr++;
	h->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	if (!other->nr)
		return;
	if (!h->nr || other->min < h->min)
		h->min = other->min;
	if (other->max > h->max)
		h->max = other->max;
	h->nr += other->nr;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->buckets[i] += other->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *h, uint32_t ppm)
{
	uint64_t rank = ((__uint128_t)h->nr * ppm + 999999) / 1000000, below = 0;

	for (size_t i = 0; h->nr && i < HISTOGRAM_BUCKETS; i++) {
		below += h->buckets[i];
		if (below >= rank)
			return highest_of(i) < h->max ? highest_of(i) : h->max;
	}
	return h->max;
}
