/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How DMA shows in memory: the words that a device writes last when something has arrived, so that
 * somebody who sees the memory can tell when, without a program of ours running. Drivers say which
 * words; this header turns them into physical addresses for an observer outside the machine
 * (stress/controller/observe.h).
 */
#ifndef FLBENCH_ARRIVAL_H
#define FLBENCH_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct arrival_words - words at equal distances
 * @first: the first; each is 32 bits wide
 * @stride: bytes from one to the next
 * @nr: how many
 * @mask: the bits that tell
 * @rise: an arrival sets a bit, and the driver clears it; else any change of a bit is an arrival
 */
struct arrival_words {
	const volatile void *first;
	uint32_t stride;
	uint32_t nr;
	uint32_t mask;
	bool rise;
};

/**
 * struct arrival_run - words as they lie in the machine
 * @address: physical address of the first
 * @nr: how many follow each other at the same distance, the first included
 */
struct arrival_run {
	uint64_t address;
	uint32_t nr;
};

/**
 * arrival_next - find the longest run of words in physical memory
 * @words: the words
 * @from: index of the first word that is wanted
 * @run: filled in; @run->nr is 0 behind the last word
 *
 * Return: 0, or what physical_address() returns.
 */
int arrival_next(const struct arrival_words *words, uint32_t from, struct arrival_run *run);

#endif
