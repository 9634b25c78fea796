/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbered Ethernet frames whose every byte is known, and the books about them: which were sent,
 * which arrived. How they travel is left to peer.h and to the driver that receives.
 *
 * A frame is an Ethernet header to the broadcast address with an experimental type, struct
 * frame_head, words that depend on seed, number and place, and a CRC-32 of all before it (IEEE
 * 802.3, as zlib's crc32()), which is besides the one on the wire.
 */
#ifndef FLBENCH_FRAME_H
#define FLBENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Without the CRC on the wire. */
#define FRAME_BYTES_MIN 64u
#define FRAME_BYTES_MAX 1514u
#define FRAME_ETHERNET_BYTES 14u
/* Local experimental Ethertype 1 (IEEE 802). */
#define FRAME_ETHERTYPE 0x88b5u
/* Ethernet header and magic: the same in each frame of a run, and nowhere else. */
#define FRAME_PREFIX_BYTES (FRAME_ETHERNET_BYTES + sizeof(uint64_t))

#define FRAME_NO_NUMBER UINT64_MAX

/* Frames that a run accounts for, on both ends: 40 minutes at a frame every 20 ms. */
#define FRAME_RUN_MAX (1u << 17)

/**
 * struct frame_head - behind the Ethernet header
 * @magic: depends on the seed of the run
 * @number: counts frames from 0
 * @signature: a function of seed and @number that no other frame has
 * @bytes: length of the frame
 * @reserved: 0
 */
struct frame_head {
	uint64_t magic;
	uint64_t number;
	uint64_t signature;
	uint32_t bytes;
	uint32_t reserved;
};

/**
 * frame_prefix - what each frame of a run begins with: what a search of memory looks for
 * @prefix: FRAME_PREFIX_BYTES
 * @seed: of the run
 */
void frame_prefix(void *prefix, uint64_t seed);

/**
 * frame_signature - the signature of a frame
 * @seed: of the run
 * @number: of the frame
 *
 * Return: a word; different for different numbers of the same seed.
 */
uint64_t frame_signature(uint64_t seed, uint64_t number);

/**
 * frame_build - make a frame
 * @frame: where it goes
 * @bytes: its length, FRAME_BYTES_MIN to FRAME_BYTES_MAX
 * @seed: of the run
 * @number: of the frame
 *
 * Return: 0; -EINVAL for a length out of range.
 */
int frame_build(void *frame, uint32_t bytes, uint64_t seed, uint64_t number);

/**
 * frame_check - look whether each byte of a frame is right
 * @frame: what arrived
 * @bytes: how much
 * @seed: of the run
 * @number: where the frame's number goes; with -EBADMSG it is the damaged frame's if its head still
 *	proves it, else FRAME_NO_NUMBER
 *
 * Looks at the frame where it is, and makes no copy: a search of memory finds only what arrived.
 *
 * Return: 0; -ENOMSG when it is no frame of ours, -ESTALE when it is of another run, -EBADMSG when
 * bytes of it are wrong.
 */
int frame_check(const void *frame, uint32_t bytes, uint64_t seed, uint64_t *number);

/**
 * struct frame_book - which frames arrived; without pointers, so that it can be preserved
 * @max: numbers that there is room for
 * @arrived: frames, each counted once
 * @duplicated: arrivals of a frame that had arrived
 * @reordered: arrivals of a frame after one with a higher number
 * @beyond: arrivals with a number of @max or above
 * @next: one more than the highest number that arrived
 * @seen: a bit a number
 */
struct frame_book {
	uint64_t max;
	uint64_t arrived;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t beyond;
	uint64_t next;
	uint64_t seen[];
};

/**
 * frame_book_bytes - room that a book takes
 * @max: numbers
 *
 * Return: bytes.
 */
size_t frame_book_bytes(uint64_t max);

/**
 * frame_book_init - open a book
 * @book: room for it
 * @max: numbers
 */
void frame_book_init(struct frame_book *book, uint64_t max);

/**
 * frame_book_add - note an arrival
 * @book: the book
 * @number: of the frame
 */
void frame_book_add(struct frame_book *book, uint64_t number);

/**
 * frame_book_has - ask for an arrival
 * @book: the book
 * @number: of the frame
 *
 * Return: true if it arrived.
 */
bool frame_book_has(const struct frame_book *book, uint64_t number);

/**
 * enum frame_fate - what the sender knows of a frame
 * @FRAME_UNSENT: not sent
 * @FRAME_SENT: taken by the receiver's side
 * @FRAME_REFUSED: the receiver's side had no room in time: its ring was full
 */
enum frame_fate {
	FRAME_UNSENT,
	FRAME_SENT,
	FRAME_REFUSED,
};

/**
 * struct frame_account - each frame in one column
 * @sent: frames that the receiver's side took
 * @arrived: of those, arrived
 * @overrun: dropped because the ring was full: refused, or counted by the device as missed
 * @lost: the rest
 * @duplicated: arrivals too many
 * @impossible: arrived without having been sent
 */
struct frame_account {
	uint64_t sent;
	uint64_t arrived;
	uint64_t overrun;
	uint64_t lost;
	uint64_t duplicated;
	uint64_t impossible;
};

/**
 * frame_account - compare the receiver's book with what the sender knows
 * @account: filled in
 * @book: of the receiver
 * @fates: enum frame_fate of each number from 0
 * @nr: how many
 * @missed: frames that the device counted as missed for want of room; at most as many of the sent
 *	ones that did not arrive are overrun, not lost
 */
void frame_account(struct frame_account *account, const struct frame_book *book,
		   const uint8_t *fates, uint64_t nr, uint64_t missed);

#endif
