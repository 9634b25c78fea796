// SPDX-License-Identifier: GPL-2.0-only
/* Numbered frames and the books about them; see the header. */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include <flbench/frame.h>
#include <flbench/random.h>

#define MAGIC 0xf7a3e5b1c9d28640ull
#define CRC_BYTES 4u

#define TYPE FRAME_ETHERTYPE >> 8, FRAME_ETHERTYPE & 0xff
/* To all, from a locally administered address. */
static const uint8_t ethernet[FRAME_ETHERNET_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02,
							'f',  'l',  'b',  'n',	0x01, TYPE };

static uint64_t magic_of(uint64_t seed)
{
	return random_mix(seed ^ MAGIC);
}

uint64_t frame_signature(uint64_t seed, uint64_t number)
{
	/* Both steps are bijections of a word. */
	return random_mix(random_mix(seed) ^ number);
}

void frame_prefix(void *prefix, uint64_t seed)
{
	uint64_t magic = magic_of(seed);

	memcpy(prefix, ethernet, sizeof(ethernet));
	memcpy((uint8_t *)prefix + sizeof(ethernet), &magic, sizeof(magic));
}

static uint64_t fill_word(uint64_t signature, uint32_t at)
{
	return random_mix(signature + at);
}

int frame_build(void *frame, uint32_t bytes, uint64_t seed, uint64_t number)
{
	const struct frame_head head = {
		.magic = magic_of(seed),
		.number = number,
		.signature = frame_signature(seed, number),
		.bytes = bytes,
	};
	uint32_t at = FRAME_ETHERNET_BYTES + sizeof(head), crc, n;
	uint8_t *out = frame;

	if (bytes < FRAME_BYTES_MIN || bytes > FRAME_BYTES_MAX)
		return -EINVAL;
	memcpy(out, ethernet, sizeof(ethernet));
	memcpy(out + FRAME_ETHERNET_BYTES, &head, sizeof(head));
	for (; at < bytes - CRC_BYTES; at += n) {
		uint64_t word = fill_word(head.signature, at);

		n = bytes - CRC_BYTES - at;
		if (n > sizeof(word))
			n = sizeof(word);
		memcpy(out + at, &word, n);
	}
	crc = crc32(0, out, at);
	memcpy(out + at, &crc, CRC_BYTES);
	return 0;
}

int frame_check(const void *frame, uint32_t bytes, uint64_t seed, uint64_t *number)
{
	const uint8_t *in = frame;
	struct frame_head head;
	uint32_t at = FRAME_ETHERNET_BYTES + sizeof(head), crc, n;

	if (bytes < FRAME_BYTES_MIN || bytes > FRAME_BYTES_MAX ||
	    memcmp(in, ethernet, sizeof(ethernet)))
		return -ENOMSG;
	memcpy(&head, in + FRAME_ETHERNET_BYTES, sizeof(head));
	if (head.magic != magic_of(seed))
		return -ESTALE;
	*number = head.number;
	if (head.signature != frame_signature(seed, head.number))
		*number = FRAME_NO_NUMBER;
	if (*number == FRAME_NO_NUMBER || head.bytes != bytes || head.reserved)
		return -EBADMSG;
	for (; at < bytes - CRC_BYTES; at += n) {
		uint64_t word = fill_word(head.signature, at);

		n = bytes - CRC_BYTES - at;
		if (n > sizeof(word))
			n = sizeof(word);
		if (memcmp(in + at, &word, n))
			return -EBADMSG;
	}
	crc = crc32(0, in, at);
	return memcmp(in + at, &crc, CRC_BYTES) ? -EBADMSG : 0;
}

size_t frame_book_bytes(uint64_t max)
{
	return sizeof(struct frame_book) + (max + 63) / 64 * sizeof(uint64_t);
}

void frame_book_init(struct frame_book *book, uint64_t max)
{
	memset(book, 0, frame_book_bytes(max));
	book->max = max;
}

bool frame_book_has(const struct frame_book *book, uint64_t number)
{
	return number < book->max && book->seen[number / 64] >> number % 64 & 1;
}

void frame_book_add(struct frame_book *book, uint64_t number)
{
	if (number >= book->max) {
		book->beyond++;
		return;
	}
	if (frame_book_has(book, number)) {
		book->duplicated++;
		return;
	}
	book->seen[number / 64] |= 1ull << number % 64;
	book->arrived++;
	if (number < book->next)
		book->reordered++;
	else
		book->next = number + 1;
}

void frame_account(struct frame_account *account, const struct frame_book *book,
		   const uint8_t *fates, uint64_t nr, uint64_t missed)
{
	uint64_t absent = 0;

	*account = (struct frame_account){ .duplicated = book->duplicated,
					   .impossible = book->beyond };
	for (uint64_t i = 0; i < nr || i < book->max; i++) {
		enum frame_fate fate = i < nr ? fates[i] : FRAME_UNSENT;
		bool here = frame_book_has(book, i);

		if (fate == FRAME_SENT) {
			account->sent++;
			account->arrived += here;
			absent += !here;
		} else {
			account->impossible += here;
			account->overrun += fate == FRAME_REFUSED;
		}
	}
	if (missed > absent)
		missed = absent;
	account->overrun += missed;
	account->lost = absent - missed;
}
