/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of an NVMe controller as they lie in memory, and the arithmetic of their heads, tails and
 * phase; no register is touched here. All of a queue pair's state is in structures without pointers
 * that lie in memory shared with the device, so that a later process, or a later kernel's, goes on
 * where the last one stopped.
 *
 * Source: NVM Express Base Specification 2.0, 3.3.1 (queues), 4.2 (completion and phase), 4.1.1
 * (physical region pages); NVM Command Set Specification 1.0, 3.2.3 (dataset management).
 */
#ifndef FLBENCH_NVME_QUEUE_H
#define FLBENCH_NVME_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVME_PAGE_SIZE 4096u
#define NVME_DEPTH_MIN 2u
#define NVME_DEPTH_MAX 1024u
/* Entries in the one page of a PRP list. */
#define NVME_PRP_ENTRIES (NVME_PAGE_SIZE / sizeof(uint64_t))
/* One page named in the command, and a list of one page. */
#define NVME_TRANSFER_MAX (NVME_PRP_ENTRIES * NVME_PAGE_SIZE)

/** struct nvme_command - an entry of a submission queue; fields as in figure 87 */
struct nvme_command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};

/** struct nvme_completion - an entry of a completion queue; bit 0 of status is the phase */
struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t cid;
	uint16_t status;
};

_Static_assert(sizeof(struct nvme_command) == 64, "size in the specification");
_Static_assert(sizeof(struct nvme_completion) == 16, "size in the specification");

/**
 * struct nvme_slot - a command that the controller has; its id is the slot's number
 * @busy: 1 until it is completed
 * @opcode: of the command
 * @blocks: how many it transfers
 * @reserved: 0
 * @lba: from where
 * @iova: the buffer
 * @cookie: the caller's
 */
struct nvme_slot {
	uint32_t busy;
	uint32_t opcode;
	uint32_t blocks;
	uint32_t reserved;
	uint64_t lba;
	uint64_t iova;
	uint64_t cookie;
};

/**
 * struct nvme_queue_state - where a queue pair stands
 * @depth: entries of either queue
 * @sq_tail: the next entry that we write
 * @rung: the tail that the controller was told
 * @sq_head: the next entry that the controller takes, as it last said
 * @cq_head: the next entry that we read
 * @phase: what the phase bit of a new completion is
 * @outstanding: busy slots
 * @submitted: commands so far
 * @completed: completions so far
 */
struct nvme_queue_state {
	uint32_t depth;
	uint32_t sq_tail;
	uint32_t rung;
	uint32_t sq_head;
	uint32_t cq_head;
	uint32_t phase;
	uint32_t outstanding;
	uint32_t reserved;
	uint64_t submitted;
	uint64_t completed;
};

/**
 * struct nvme_queue - a queue pair as this process sees it
 * @state: where it stands
 * @sq: submission queue, @state->depth entries
 * @cq: completion queue, as many
 * @slots: as many
 */
struct nvme_queue {
	struct nvme_queue_state *state;
	struct nvme_command *sq;
	volatile struct nvme_completion *cq;
	struct nvme_slot *slots;
};

/**
 * nvme_queue_init - empty a queue pair
 * @queue: its pointers are set
 * @depth: entries of either queue
 */
void nvme_queue_init(struct nvme_queue *queue, uint32_t depth);

/**
 * nvme_queue_check - decide whether a queue pair's state can be believed
 * @queue: its pointers are set
 * @depth: what the depth has to be
 *
 * Return: 0; -EINVAL for numbers out of range or that contradict each other.
 */
int nvme_queue_check(const struct nvme_queue *queue, uint32_t depth);

/**
 * nvme_queue_slot - find room for a command
 * @queue: the queue pair
 *
 * Return: the number of a free slot; -EAGAIN when the submission queue is full or all slots are
 * busy.
 */
int nvme_queue_slot(const struct nvme_queue *queue);

/**
 * nvme_queue_push - write a command; the controller knows of it when the caller has rung the
 * doorbell with @queue->state->sq_tail, and noted that in @queue->state->rung
 * @queue: the queue pair
 * @slot: from nvme_queue_slot()
 * @command: its id is set here
 * @note: what to remember of it; busy is set here
 */
void nvme_queue_push(struct nvme_queue *queue, unsigned int slot, struct nvme_command command,
		     struct nvme_slot note);

/**
 * nvme_queue_ready - are there as many new completions?
 * @queue: the queue pair
 * @n: how many, 1 to the depth less 1
 *
 * Return: true if so. They come in the order of the queue: the last one tells of all.
 */
static inline bool nvme_queue_ready(const struct nvme_queue *queue, uint32_t n)
{
	const struct nvme_queue_state *state = queue->state;
	uint32_t last = state->cq_head + n - 1, phase = state->phase;

	if (last >= state->depth) {
		last -= state->depth;
		phase = !phase;
	}
	return (queue->cq[last].status & 1) == phase;
}

/**
 * nvme_queue_pop - take a completion, if there is a new one; the caller rings the doorbell with
 * @queue->state->cq_head
 * @queue: the queue pair
 * @completion: where it goes
 * @note: what nvme_queue_push() was given
 *
 * Return: 1; 0 when there is none; -EPROTO for a completion of a command that the controller does
 * not have, which is taken too.
 */
int nvme_queue_pop(struct nvme_queue *queue, struct nvme_completion *completion,
		   struct nvme_slot *note);

/**
 * nvme_prp_fill - describe a buffer to the controller
 * @command: its PRP entries are set
 * @list: page for a list, if one is needed
 * @list_iova: where the controller sees @list
 * @iova: the buffer, a multiple of 4
 * @bytes: how many, at most NVME_TRANSFER_MAX
 *
 * Return: 0; -EINVAL for a buffer that is not aligned, empty or too long.
 */
int nvme_prp_fill(struct nvme_command *command, uint64_t *list, uint64_t list_iova, uint64_t iova,
		  uint64_t bytes);

/**
 * nvme_trim_fill - describe one range to the controller that it may deallocate
 * @command: its first PRP entry and dwords 10 and 11 are set
 * @list: page for the range
 * @list_iova: where the controller sees @list
 * @lba: first block
 * @blocks: how many
 */
void nvme_trim_fill(struct nvme_command *command, void *list, uint64_t list_iova, uint64_t lba,
		    uint32_t blocks);

#endif
