// SPDX-License-Identifier: GPL-2.0-only
/* Layout and contents of test domains from a seed; see the header for what is guaranteed. */
#include <errno.h>
#include <stdio.h>

#include <flbench/iommufd.h>
#include <flbench/layout.h>
#include <flbench/random.h>

int layout_generate(uint64_t seed, uint32_t domain, uint32_t nr, struct layout_mapping *mappings)
{
	static const uint8_t lengths[] = { 1, 1, 1, 2, 2, 3, 4, 8 };
	uint64_t random = seed ^ ((uint64_t)domain << 32);
	uint64_t leaf, iova = 0;
	uint32_t per_leaf = nr >= 3 * LAYOUT_LEAF_MAPPINGS ? LAYOUT_LEAF_MAPPINGS : (nr + 2) / 3;

	if (!nr || nr > LAYOUT_MAPPINGS_MAX || domain >= LAYOUT_DOMAINS_MAX)
		return -EINVAL;

	/* Two leaf tables' worth of room make the starts differ. */
	leaf = LAYOUT_IOVA_MIN + 2 * LAYOUT_LEAF_SIZE * domain;

	for (uint32_t i = 0; i < nr; i++) {
		struct layout_mapping *m = &mappings[i];

		m->pages = lengths[random_next(&random) % sizeof(lengths)];
		m->prot = IOMMUFD_PROT_READ | (random_next(&random) % 4 ? IOMMUFD_PROT_WRITE : 0);
		if (i == 0)
			m->prot = IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE;
		if (i == 1)
			m->prot = IOMMUFD_PROT_READ;
		if (i == 0) {
			iova = leaf;
		} else if (i == per_leaf) {
			/*
			 * The one that straddles: it begins in the last page of the first leaf
			 * table.
			 */
			leaf += LAYOUT_LEAF_SIZE;
			iova = leaf - LAYOUT_PAGE_SIZE;
			if (m->pages < 2)
				m->pages = 2;
		} else if (i % per_leaf == 0) {
			leaf += LAYOUT_LEAF_SIZE * (2 + random_next(&random) % 100);
			iova = leaf;
		}
		if (i != per_leaf)
			iova += LAYOUT_PAGE_SIZE * (1 + random_next(&random) % 3);
		m->iova = iova;
		m->first_page = random_next(&random) % (LAYOUT_SLOT_PAGES - m->pages + 1);
		iova += (uint64_t)m->pages * LAYOUT_PAGE_SIZE;
	}
	return 0;
}

uint64_t layout_spare_iova(const struct layout_mapping *mappings, uint32_t nr)
{
	return (mappings[nr - 1].iova & ~(LAYOUT_LEAF_SIZE - 1)) + 3 * LAYOUT_LEAF_SIZE;
}

uint64_t layout_word(uint32_t cycle, uint32_t domain, uint32_t page, uint32_t word)
{
	/* The top bit tells a word of ours from an empty page. */
	return 1ull << 63 | (uint64_t)(cycle & 0x7fff) << 48 | (uint64_t)(domain & 0xffff) << 32 |
	       (uint64_t)(page & 0xffff) << 16 | (word & 0xffff);
}

void layout_fill(void *buffer, uint32_t cycle, uint32_t domain, uint32_t first_page, uint32_t pages)
{
	uint64_t *words = buffer;

	for (uint32_t page = 0; page < pages; page++) {
		uint64_t base = layout_word(cycle, domain, first_page + page, 0);

		for (uint32_t word = 0; word < LAYOUT_PAGE_WORDS; word++)
			*words++ = base + word;
	}
}

int64_t layout_check(const void *buffer, uint32_t cycle, uint32_t domain, uint32_t first_page,
		     uint32_t pages)
{
	const uint64_t *words = buffer;

	for (uint32_t page = 0; page < pages; page++) {
		uint64_t base = layout_word(cycle, domain, first_page + page, 0);
		uint64_t wrong = 0;

		/*
		 * First only whether any differs, which the compiler makes a short loop of; where,
		 * only if so.
		 */
		for (uint32_t word = 0; word < LAYOUT_PAGE_WORDS; word++)
			wrong |= words[word] ^ (base + word);
		for (uint32_t word = 0; wrong && word < LAYOUT_PAGE_WORDS; word++)
			if (words[word] != base + word)
				return (int64_t)page * LAYOUT_PAGE_SIZE + word * sizeof(*words);
		words += LAYOUT_PAGE_WORDS;
	}
	return -1;
}

void layout_describe(uint64_t word, char *text, size_t size)
{
	if (word >> 63)
		snprintf(text, size, "cycle %u domain %u page %u word %u",
			 (unsigned int)(word >> 48 & 0x7fff), (unsigned int)(word >> 32 & 0xffff),
			 (unsigned int)(word >> 16 & 0xffff), (unsigned int)(word & 0xffff));
	else
		snprintf(text, size, "0x%016llx, which no domain wrote", (unsigned long long)word);
}
