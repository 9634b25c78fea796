// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic of a receive ring; see the header. */
#include <errno.h>
#include <string.h>

#include <flbench/igb_ring.h>
#include <flbench/mmio.h>

static void empty(struct igb_ring *ring, uint32_t i)
{
	ring->descriptors[i].read.buffer = ring->buffers_iova + (uint64_t)i * IGB_BUFFER_BYTES;
	/* Where "done" is going to be. */
	ring->descriptors[i].read.header = 0;
}

void igb_ring_init(struct igb_ring *ring, uint32_t entries)
{
	*ring->state = (struct igb_ring_state){ .entries = entries, .tail = entries - 1 };
	for (uint32_t i = 0; i < entries; i++)
		empty(ring, i);
}

int igb_ring_check(const struct igb_ring *ring)
{
	const struct igb_ring_state *state = ring->state;

	if (!state->entries || state->entries % IGB_RING_ALIGN || state->entries > IGB_RING_MAX ||
	    state->next >= state->entries || state->tail >= state->entries)
		return -EINVAL;
	if (state->frames % state->entries != state->next || state->errors > state->frames)
		return -EINVAL;
	return 0;
}

uint32_t igb_ring_pending(const struct igb_ring *ring)
{
	const struct igb_ring_state *state = ring->state;
	uint32_t i = state->next, nr = 0;

	while (i != state->tail && ring->descriptors[i].done.status & IGB_STATUS_DONE) {
		i = (i + 1) % state->entries;
		nr++;
	}
	return nr;
}

int igb_ring_take(struct igb_ring *ring, const void **frame, uint32_t *bytes)
{
	struct igb_ring_state *state = ring->state;
	uint32_t i = state->next;
	uint32_t status;

	/* What is at the tail was done on the lap before. */
	if (i == state->tail)
		return 0;
	status = ring->descriptors[i].done.status;
	if (!(status & IGB_STATUS_DONE))
		return 0;
	/* The device writes the frame before the descriptor. */
	dma_read_barrier();
	*bytes = ring->descriptors[i].done.bytes;
	*frame = ring->buffers + (size_t)i * IGB_BUFFER_BYTES;
	state->next = (i + 1) % state->entries;
	state->frames++;
	if (!(status & IGB_STATUS_END) || status & IGB_STATUS_ERROR || *bytes > IGB_BUFFER_BYTES) {
		state->errors++;
		return -EIO;
	}
	return 1;
}

uint32_t igb_ring_give(struct igb_ring *ring, uint32_t max)
{
	struct igb_ring_state *state = ring->state;
	uint32_t nr = 0;

	/* One stays ours: with all, the ring would look empty to the device. */
	while (nr < max && (state->tail + 1) % state->entries != state->next) {
		empty(ring, state->tail);
		state->tail = (state->tail + 1) % state->entries;
		nr++;
	}
	return nr;
}
