// SPDX-License-Identifier: GPL-2.0-only
/* The memfd that devices share with us: areas, sentinels around them, and where they lie; see dma.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <flbench/iommufd.h>
#include <flbench/random.h>

#include "dma.h"

struct dma dma = { .memfd = -1 };

bool dma_expect(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		return true;
	va_start(args, format);
	vsnprintf(dma.shared->problem, sizeof(dma.shared->problem), format, args);
	va_end(args);
	return false;
}

bool dma_expect_result(int result, int wanted, const char *what)
{
	return dma_expect(result == wanted, "%s: %s, not %s", what, strerror(-result),
			  strerror(-wanted));
}

long long dma_ask(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return dma.ask(line);
}

struct dma_region dma_area(enum dma_area area)
{
	return (struct dma_region){
		.memory = dma.memory + dma.start[area],
		.iova = DMA_IOVA + ((uint64_t)area << 32),
		.bytes = dma.length[area],
	};
}

static uint64_t word_at(size_t offset)
{
	return random_mix(dma.seed + offset);
}

void dma_fill(size_t from, size_t bytes)
{
	for (size_t at = from; at < from + bytes; at += sizeof(uint64_t)) {
		uint64_t word = word_at(at);

		memcpy(dma.memory + at, &word, sizeof(word));
	}
}

void dma_fill_area(enum dma_area area)
{
	dma_fill(dma.start[area], dma.length[area]);
}

bool dma_untouched(size_t from, size_t bytes)
{
	size_t n;

	for (size_t at = from; at < from + bytes; at += n) {
		size_t in_word = at % sizeof(uint64_t);
		uint64_t word = word_at(at - in_word);

		n = sizeof(word) - in_word;
		if (n > from + bytes - at)
			n = from + bytes - at;
		if (memcmp(dma.memory + at, (uint8_t *)&word + in_word, n))
			return dma_expect(false, "memory at %#zx was written", at);
	}
	return true;
}

bool dma_sentinels_hold(enum dma_area area, size_t offset, size_t bytes)
{
	bool ok =
		dma_untouched(dma.start[area], offset) &&
		dma_untouched(dma.start[area] + offset + bytes, dma.length[area] - offset - bytes);

	for (int a = 0; ok && a < DMA_AREAS; a++)
		ok = dma_untouched(dma.start[a] - DMA_PAGE, DMA_PAGE) &&
		     dma_untouched(dma.start[a] + dma.length[a], DMA_PAGE);
	return ok;
}

static void set_layout(void)
{
	size_t at = sizeof(struct dma_shared) + frame_book_bytes(dma.frames_max);

	dma.length[AREA_EDU] = 16 * DMA_PAGE;
	dma.length[AREA_DATA] = 256 * DMA_PAGE;
	dma.length[AREA_NVME] = nvme_region_bytes(DMA_NVME_QUEUES, DMA_NVME_DEPTH);
	dma.length[AREA_IGB] = igb_region_bytes(dma.entries);
	at = (at + DMA_PAGE - 1) / DMA_PAGE * DMA_PAGE;
	for (int a = 0; a < DMA_AREAS; a++) {
		dma.start[a] = at + DMA_PAGE;
		at = dma.start[a] + dma.length[a] + DMA_PAGE;
	}
	dma.bytes = at;
}

int dma_map_memory(void)
{
	set_layout();
	dma.memory = mmap(NULL, dma.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dma.memfd, 0);
	if (dma.memory == MAP_FAILED)
		return -errno;
	dma.shared = (struct dma_shared *)dma.memory;
	return 0;
}

int dma_create_memory(void)
{
	set_layout();
	dma.memfd = memfd_create("flbench-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* What devices write to must not go away: the next kernel insists on that. */
	if (dma.memfd < 0 || ftruncate(dma.memfd, dma.bytes) ||
	    fcntl(dma.memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -errno;
	return dma_map_memory();
}

int dma_map_areas(int iommufd, uint32_t ioas_id)
{
	int err = 0;

	for (int a = 0; !err && a < DMA_AREAS; a++)
		err = iommufd_map_file(iommufd, ioas_id, dma.memfd, dma.start[a], dma.length[a],
				       dma_area(a).iova, IOMMUFD_PROT_READ | IOMMUFD_PROT_WRITE);
	return err;
}

bool dma_watch(struct arrival_words words)
{
	struct arrival_run run;

	for (uint32_t from = 0; from < words.nr; from += run.nr) {
		int err = arrival_next(&words, from, &run);

		if (!dma_expect_result(err, 0, "arrival_next") ||
		    !dma_expect(dma_ask("watch %llx %u %u %x %d", (unsigned long long)run.address,
					words.stride, run.nr, words.mask, words.rise) == 0,
				"the controller cannot watch %#llx",
				(unsigned long long)run.address))
			return false;
	}
	return true;
}

/* The pages of an area are where @signature may be. */
static bool tell_pages(enum dma_signature signature, enum dma_area area)
{
	const struct arrival_words pages = {
		.first = dma_area(area).memory,
		.stride = DMA_PAGE,
		.nr = dma.length[area] / DMA_PAGE,
	};
	struct arrival_run run;

	for (uint32_t from = 0; from < pages.nr; from += run.nr) {
		int err = arrival_next(&pages, from, &run);

		if (!dma_expect_result(err, 0, "arrival_next") ||
		    !dma_expect(dma_ask("pages %d %llx %u", signature,
					(unsigned long long)run.address, run.nr) == 0,
				"the controller refuses the pages at %#llx",
				(unsigned long long)run.address))
			return false;
	}
	return true;
}

static bool tell_bytes(enum dma_signature signature, const uint8_t *bytes)
{
	char hex[2 * DMA_SIGNATURE_BYTES + 1];

	for (size_t i = 0; i < DMA_SIGNATURE_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return dma_expect(dma_ask("signature %d %s", signature, hex) == 0,
			  "the controller refuses a signature");
}

bool dma_tell_signatures(void)
{
	/* What frames begin with the peer knows. */
	bool ok = tell_pages(SIGNATURE_FRAME, AREA_IGB);

	/* Of blocks, the words that all of them begin with; nothing of them is here as yet. */
	dma_sign_block(dma_area(AREA_DATA).memory, 0);
	ok = ok && tell_bytes(SIGNATURE_BLOCK, dma_area(AREA_DATA).memory) &&
	     tell_pages(SIGNATURE_BLOCK, AREA_DATA);
	dma_fill_area(AREA_DATA);
	/* What edu copies differs from all else that is in memory as it is. */
	return ok && tell_bytes(SIGNATURE_EDU, (uint8_t *)dma_area(AREA_EDU).memory + EDU_FROM) &&
	       tell_pages(SIGNATURE_EDU, AREA_EDU);
}
