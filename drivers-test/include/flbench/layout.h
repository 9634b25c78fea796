/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is mapped where, and which bytes lie there, as a function of a seed: both kernels work out
 * the same layout, so nothing but the seed crosses the kexec. Mapping it and looking at it is the
 * caller's business.
 *
 * A domain owns a slot of LAYOUT_SLOT_PAGES pages of the memfd. Its mappings show parts of that
 * slot at many IOVAs; a page may be seen through several mappings of its domain, and is never seen
 * by another domain. Every 8-byte word of a page is different and names cycle, domain, page and
 * place in the page, so that the bytes read at an IOVA tell which page of which domain is behind
 * it.
 */
#ifndef FLBENCH_LAYOUT_H
#define FLBENCH_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define LAYOUT_PAGE_SIZE 4096u
#define LAYOUT_PAGE_WORDS (LAYOUT_PAGE_SIZE / sizeof(uint64_t))
#define LAYOUT_SLOT_PAGES 16u
#define LAYOUT_SLOT_SIZE (LAYOUT_SLOT_PAGES * LAYOUT_PAGE_SIZE)
/*
 * Mappings in one leaf table, which covers LAYOUT_LEAF_SIZE of the mock's IOVA space (512 entries
 * of 2 KiB).
 */
#define LAYOUT_LEAF_MAPPINGS 16u
#define LAYOUT_LEAF_SIZE (1ull << 20)
/*
 * All IOVAs are at or above the one, far above the RAM of any VM we start, and below the other, the
 * end of the mock's table.
 */
#define LAYOUT_IOVA_MIN (64ull << 30)
#define LAYOUT_IOVA_END (256ull << 30)
#define LAYOUT_DOMAINS_MAX 65536u
#define LAYOUT_MAPPINGS_MAX 4096u

/**
 * struct layout_mapping - one mapping of a domain
 * @iova: first byte, a multiple of the page size
 * @pages: length in pages
 * @first_page: which page of the domain's slot lies at @iova; the others follow
 * @prot: IOMMUFD_PROT_*
 */
struct layout_mapping {
	uint64_t iova;
	uint32_t pages;
	uint32_t first_page;
	unsigned int prot;
};

/**
 * layout_generate - work out the mappings of a domain
 * @seed: any number
 * @domain: which domain, below LAYOUT_DOMAINS_MAX
 * @nr: how many mappings, 1 to LAYOUT_MAPPINGS_MAX
 * @mappings: array of @nr, filled in order of rising IOVA
 *
 * Guarantees: mappings do not touch (at least a page of hole on either side of each), lengths of 1
 * to 8 pages mixed; from 48 mappings on they lie in at least three leaf tables, and one mapping
 * straddles two of them; the first is writable, the second is read-only. No two domains start at
 * the same IOVA.
 *
 * Return: 0; -EINVAL for numbers out of range.
 */
int layout_generate(uint64_t seed, uint32_t domain, uint32_t nr, struct layout_mapping *mappings);

/**
 * layout_spare_iova - an IOVA of a domain where nothing is ever mapped
 * @mappings: from layout_generate()
 * @nr: how many
 *
 * Return: an IOVA above all mappings, in a leaf table of its own.
 */
uint64_t layout_spare_iova(const struct layout_mapping *mappings, uint32_t nr);

/**
 * layout_word - the word that belongs at a place
 * @cycle: contents change with every cycle
 * @domain: which domain
 * @page: which page of its slot
 * @word: which 8-byte word of the page
 *
 * Return: the word, never 0.
 */
uint64_t layout_word(uint32_t cycle, uint32_t domain, uint32_t page, uint32_t word);

/**
 * layout_fill - write the right bytes
 * @buffer: @pages pages
 * @cycle: as for layout_word()
 * @domain: which domain
 * @first_page: which page of its slot @buffer begins with
 * @pages: how many
 */
void layout_fill(void *buffer, uint32_t cycle, uint32_t domain, uint32_t first_page,
		 uint32_t pages);

/**
 * layout_check - compare bytes with what they should be
 * @buffer: @pages pages
 * @cycle: as for layout_word()
 * @domain: which domain
 * @first_page: which page of its slot @buffer should begin with
 * @pages: how many
 *
 * Return: the offset of the first wrong word in bytes, or -1 if all are right.
 */
int64_t layout_check(const void *buffer, uint32_t cycle, uint32_t domain, uint32_t first_page,
		     uint32_t pages);

/**
 * layout_describe - say in words what a word found in memory is
 * @word: the word
 * @text: where the text goes
 * @size: bytes of @text
 */
void layout_describe(uint64_t word, char *text, size_t size);

#endif
