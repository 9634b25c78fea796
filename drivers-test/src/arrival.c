// SPDX-License-Identifier: GPL-2.0-only
/* Words that tell of an arrival, as physical addresses; see the header. */
#include <flbench/arrival.h>
#include <flbench/physical.h>

int arrival_next(const struct arrival_words *words, uint32_t from, struct arrival_run *run)
{
	*run = (struct arrival_run){ 0 };
	for (uint32_t i = from; i < words->nr; i++) {
		const char *word = (const char *)words->first + (uint64_t)i * words->stride;
		uint64_t address;
		int err = physical_address(word, &address);

		if (err)
			return err;
		if (i == from)
			run->address = address;
		else if (address != run->address + (uint64_t)run->nr * words->stride)
			return 0;
		run->nr++;
	}
	return 0;
}
