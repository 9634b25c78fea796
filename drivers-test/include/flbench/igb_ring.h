/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receive ring of an Intel 82576 as it lies in memory, and the arithmetic of it; no register is
 * touched here. All state is without pointers in memory shared with the device, so that a later
 * process, or a later kernel's, goes on where the last one stopped.
 *
 * Descriptors are advanced ones with one buffer: the device overwrites the buffer's address with
 * what it has to say, and sets "descriptor done".
 *
 * Source: Intel 82576EB datasheet, 7.1.5 (advanced receive descriptors), 7.1.8 (receive ring).
 */
#ifndef FLBENCH_IGB_RING_H
#define FLBENCH_IGB_RING_H

#include <stddef.h>
#include <stdint.h>

/* RDLEN counts in 128 bytes, 8 descriptors. */
#define IGB_RING_ALIGN 8u
#define IGB_RING_MAX 32768u
#define IGB_BUFFER_BYTES 2048u

/** union igb_descriptor - as we write it and as the device does */
union igb_descriptor {
	struct {
		uint64_t buffer;
		uint64_t header;
	} read;
	struct {
		uint32_t type;
		uint32_t hash;
		uint32_t status;
		uint16_t bytes;
		uint16_t vlan;
	} done;
};

_Static_assert(sizeof(union igb_descriptor) == 16, "size in the datasheet");

#define IGB_STATUS_DONE 0x1u
#define IGB_STATUS_END 0x2u
/* Errors of the frame; a bad checksum of what it carries is none of ours. */
#define IGB_STATUS_ERROR (1u << 31)

/**
 * struct igb_ring_state - where the ring stands
 * @entries: descriptors
 * @next: the next that we read
 * @tail: the first that the device may not write: from here up to @next (one at least) they are
 *	ours
 * @reserved: 0
 * @frames: taken from the ring
 * @errors: of those, with an error of the device's, or in pieces
 */
struct igb_ring_state {
	uint32_t entries;
	uint32_t next;
	uint32_t tail;
	uint32_t reserved;
	uint64_t frames;
	uint64_t errors;
};

/**
 * struct igb_ring - the ring as this process sees it
 * @state: where it stands
 * @descriptors: @state->entries
 * @buffers: as many, of IGB_BUFFER_BYTES each
 * @buffers_iova: where the device sees the first of them
 */
struct igb_ring {
	struct igb_ring_state *state;
	volatile union igb_descriptor *descriptors;
	uint8_t *buffers;
	uint64_t buffers_iova;
};

/**
 * igb_ring_init - fill a ring with empty buffers
 * @ring: its pointers are set
 * @entries: descriptors
 *
 * The device is given all but one: head equal to tail means that it has none.
 */
void igb_ring_init(struct igb_ring *ring, uint32_t entries);

/**
 * igb_ring_check - decide whether a ring's state can be believed
 * @ring: its pointers are set
 *
 * Return: 0; -EINVAL for numbers out of range or that contradict each other.
 */
int igb_ring_check(const struct igb_ring *ring);

/**
 * igb_ring_pending - count what arrived and was not taken
 * @ring: the ring
 *
 * Return: descriptors that are done, from @next on.
 */
uint32_t igb_ring_pending(const struct igb_ring *ring);

/**
 * igb_ring_take - take a frame from the ring
 * @ring: the ring
 * @frame: where a pointer to it goes; it stays until the descriptor is given back
 * @bytes: its length
 *
 * Return: 1; 0 when there is none; -EIO for a frame that the device found wrong, which is taken
 * too.
 */
int igb_ring_take(struct igb_ring *ring, const void **frame, uint32_t *bytes);

/**
 * igb_ring_give - give descriptors that were taken back to the device; the caller writes
 * @ring->state->tail to the register
 * @ring: the ring
 * @max: how many at most
 *
 * Return: how many.
 */
uint32_t igb_ring_give(struct igb_ring *ring, uint32_t max);

#endif
