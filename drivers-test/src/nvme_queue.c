// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic of NVMe's queues; see the header. */
#include <endian.h>
#include <errno.h>
#include <nvme/types.h>
#include <string.h>

#include <flbench/mmio.h>
#include <flbench/nvme_queue.h>

void nvme_queue_init(struct nvme_queue *queue, uint32_t depth)
{
	/* A completion queue starts as zeroes, so the first lap's phase is 1. */
	*queue->state = (struct nvme_queue_state){ .depth = depth, .phase = 1 };
	memset(queue->sq, 0, depth * sizeof(*queue->sq));
	memset((void *)queue->cq, 0, depth * sizeof(*queue->cq));
	memset(queue->slots, 0, depth * sizeof(*queue->slots));
}

int nvme_queue_check(const struct nvme_queue *queue, uint32_t depth)
{
	const struct nvme_queue_state *state = queue->state;
	uint32_t busy = 0;

	if (depth < NVME_DEPTH_MIN || depth > NVME_DEPTH_MAX || state->depth != depth ||
	    state->sq_tail >= depth || state->sq_head >= depth || state->cq_head >= depth ||
	    state->rung >= depth || state->phase > 1)
		return -EINVAL;
	for (uint32_t i = 0; i < depth; i++) {
		if (queue->slots[i].busy > 1)
			return -EINVAL;
		busy += queue->slots[i].busy;
	}
	/* The numbers of all commands so far give both positions and the lap's phase. */
	if (busy != state->outstanding || state->submitted - state->completed != busy ||
	    state->submitted % depth != state->sq_tail ||
	    state->completed % depth != state->cq_head ||
	    state->phase != !(state->completed / depth % 2))
		return -EINVAL;
	return 0;
}

static uint32_t next_of(const struct nvme_queue_state *state, uint32_t entry)
{
	return entry + 1 == state->depth ? 0 : entry + 1;
}

int nvme_queue_slot(const struct nvme_queue *queue)
{
	const struct nvme_queue_state *state = queue->state;

	/* A queue whose tail would reach its head counts as full: else it would look empty. */
	if (next_of(state, state->sq_tail) == state->sq_head ||
	    state->outstanding + 1 >= state->depth)
		return -EAGAIN;
	/* The entry's own number is the slot that is free if commands complete in their order. */
	for (uint32_t i = 0, slot = state->sq_tail; i < state->depth; i++) {
		if (!queue->slots[slot].busy)
			return slot;
		slot = next_of(state, slot);
	}
	return -EAGAIN;
}

void nvme_queue_push(struct nvme_queue *queue, unsigned int slot, struct nvme_command command,
		     struct nvme_slot note)
{
	struct nvme_queue_state *state = queue->state;

	command.cid = slot;
	note.busy = 1;
	queue->sq[state->sq_tail] = command;
	queue->slots[slot] = note;
	state->sq_tail = next_of(state, state->sq_tail);
	state->outstanding++;
	state->submitted++;
}

int nvme_queue_pop(struct nvme_queue *queue, struct nvme_completion *completion,
		   struct nvme_slot *note)
{
	struct nvme_queue_state *state = queue->state;
	volatile struct nvme_completion *entry = &queue->cq[state->cq_head];

	if (!nvme_queue_ready(queue, 1))
		return 0;
	/* The controller writes the phase with or after the rest. */
	dma_read_barrier();
	completion->result = entry->result;
	completion->sq_head = entry->sq_head;
	completion->sq_id = entry->sq_id;
	completion->cid = entry->cid;
	completion->status = entry->status;
	if (++state->cq_head == state->depth) {
		state->cq_head = 0;
		state->phase = !state->phase;
	}
	state->completed++;
	if (completion->sq_head >= state->depth || completion->cid >= state->depth ||
	    !queue->slots[completion->cid].busy)
		return -EPROTO;
	state->sq_head = completion->sq_head;
	*note = queue->slots[completion->cid];
	queue->slots[completion->cid].busy = 0;
	state->outstanding--;
	return 1;
}

int nvme_prp_fill(struct nvme_command *command, uint64_t *list, uint64_t list_iova, uint64_t iova,
		  uint64_t bytes)
{
	uint64_t first = NVME_PAGE_SIZE - iova % NVME_PAGE_SIZE;
	uint64_t next = iova + first;
	uint64_t pages;

	if (iova % 4 || !bytes || bytes > NVME_TRANSFER_MAX)
		return -EINVAL;
	command->prp1 = iova;
	command->prp2 = 0;
	if (bytes <= first)
		return 0;
	pages = (bytes - first + NVME_PAGE_SIZE - 1) / NVME_PAGE_SIZE;
	command->prp2 = pages == 1 ? next : list_iova;
	for (uint64_t i = 0; pages > 1 && i < pages; i++)
		list[i] = next + i * NVME_PAGE_SIZE;
	return 0;
}

void nvme_trim_fill(struct nvme_command *command, void *list, uint64_t list_iova, uint64_t lba,
		    uint32_t blocks)
{
	struct nvme_dsm_range *range = list;

	*range = (struct nvme_dsm_range){ .nlb = htole32(blocks), .slba = htole64(lba) };
	command->prp1 = list_iova;
	command->prp2 = 0;
	/* Ranges are counted from 0. */
	command->cdw10 = 0;
	command->cdw11 = NVME_DSMGMT_AD;
}
