/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that look random and are the same in every run. */
#ifndef FLBENCH_RANDOM_H
#define FLBENCH_RANDOM_H

#include <stdint.h>

/**
 * random_mix - the output function of splitmix64
 * @z: a word
 *
 * Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
 *
 * Return: a word; different for different @z.
 */
static inline uint64_t random_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/**
 * random_next - the next number of a sequence
 * @state: where the sequence stands; any word is a seed, and each has the full period
 *
 * Return: the number.
 */
static inline uint64_t random_next(uint64_t *state)
{
	return random_mix(*state += 0x9e3779b97f4a7c15ull);
}

#endif
