// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVMe on VFIO; see the header for what is guaranteed. The shared memory holds, in this order: a
 * page with the state, a page for identify data, and for each queue pair its submission queue,
 * completion queue, slots, and a page for a PRP list for each slot; each part starts a page.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <nvme/types.h>
#include <string.h>
#include <unistd.h>

#include <flbench/mmio.h>
#include <flbench/nvme.h>

#define NVME_MAGIC 0x324d564e424c46ull /* "FLBNVM2" */
#define NVME_CLASS 0x010802u
#define NVME_PAGE_SHIFT 12u
/* Up to the doorbells. */
#define NVME_BAR_SIZE 0x2000u
#define NVME_DOORBELLS 0x1000u
#define ADMIN_DEPTH 8u
#define ADMIN_MS 10000u
#define POLL_US 100
/* Sizes of queue entries as powers of two. */
#define SQE_SHIFT 6u
#define CQE_SHIFT 4u
#define CC_ENABLED                                                    \
	(1u << NVME_CC_EN_SHIFT | SQE_SHIFT << NVME_CC_IOSQES_SHIFT | \
	 CQE_SHIFT << NVME_CC_IOCQES_SHIFT)
/* In command dword 11 of "create queue". */
#define QUEUE_CONTIGUOUS 1u
#define QUEUE_INTERRUPT 2u

/*
 * struct nvme_state - what goes to the next kernel: numbers and IOVAs, no pointers
 */
struct nvme_state {
	uint64_t magic;
	uint64_t iova;
	uint64_t cap;
	uint64_t blocks;
	uint32_t queues;
	uint32_t depth;
	uint32_t block_bytes;
	uint32_t transfer_max;
	uint32_t nsid;
	uint32_t reserved;
	struct nvme_queue_state queue[1 + NVME_IO_QUEUES_MAX];
};

_Static_assert(sizeof(struct nvme_state) <= NVME_PAGE_SIZE, "the state is one page");

static size_t round_page(size_t bytes)
{
	return (bytes + NVME_PAGE_SIZE - 1) / NVME_PAGE_SIZE * NVME_PAGE_SIZE;
}

/* Offsets of the parts of a queue pair in the shared memory. */
struct layout {
	size_t sq, cq, slots, lists, end;
};

static struct layout layout_of(uint32_t queue, uint32_t depth)
{
	struct layout at = { .end = 2 * NVME_PAGE_SIZE };

	for (uint32_t q = 0; q <= queue; q++) {
		uint32_t entries = q ? depth : ADMIN_DEPTH;

		at.sq = at.end;
		at.cq = at.sq + round_page(entries * sizeof(struct nvme_command));
		at.slots = at.cq + round_page(entries * sizeof(struct nvme_completion));
		at.lists = at.slots + round_page(entries * sizeof(struct nvme_slot));
		at.end = at.lists + (q ? (size_t)entries * NVME_PAGE_SIZE : 0);
	}
	return at;
}

static uint32_t depth_of(const struct nvme *nvme, uint32_t queue)
{
	return queue ? nvme->state->depth : ADMIN_DEPTH;
}

static uint64_t identify_iova(const struct nvme *nvme)
{
	return nvme->region.iova + NVME_PAGE_SIZE;
}

static const void *identify_data(const struct nvme *nvme)
{
	return (const char *)nvme->region.memory + NVME_PAGE_SIZE;
}

size_t nvme_region_bytes(uint32_t queues, uint32_t depth)
{
	if (!queues || queues > NVME_IO_QUEUES_MAX || depth < NVME_DEPTH_MIN ||
	    depth > NVME_DEPTH_MAX)
		return 0;
	return layout_of(queues, depth).end;
}

/* Set the pointers of all queue pairs of @depth entries. */
static void find_queues(struct nvme *nvme, uint32_t queues, uint32_t depth)
{
	char *memory = nvme->region.memory;

	for (uint32_t q = 0; q <= queues; q++) {
		struct layout at = layout_of(q, depth);

		nvme->queue[q] = (struct nvme_queue){
			.state = &nvme->state->queue[q],
			.sq = (void *)(memory + at.sq),
			.cq = (void *)(memory + at.cq),
			.slots = (void *)(memory + at.slots),
		};
		nvme->lists[q] = at.lists;
	}
}

/* What nvme_init() and nvme_resume() have in common; reads only. */
static int open_controller(struct nvme *nvme, struct vfio_device *vfio,
			   const struct dma_region *region)
{
	uint32_t class;
	int err = vfio_config_read(vfio, PCI_CLASS_REVISION, &class, sizeof(class));

	if (!err && class >> 8 != NVME_CLASS)
		err = -ENODEV;
	if (!err)
		err = vfio_check_bus_master(vfio);
	if (!err)
		err = vfio_map_bar(vfio, 0, NVME_BAR_SIZE);
	if (err)
		return err;
	*nvme = (struct nvme){
		.vfio = vfio,
		.bar = vfio->bar[0].memory,
		.state = region->memory,
		.region = *region,
	};
	return 0;
}

static int wait_ready(struct nvme *nvme, bool ready)
{
	/* CAP.TO counts in 500 ms. */
	uint64_t limit_us = (NVME_CAP_TO(nvme->state->cap) + 1) * 500000ull;

	for (uint64_t us = 0;; us += POLL_US) {
		uint32_t csts = mmio_read32(nvme->bar, NVME_REG_CSTS);

		if (NVME_CSTS_RDY(csts) == ready)
			return 0;
		if (us >= limit_us || NVME_CSTS_CFS(csts))
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
}

int nvme_stop(struct nvme *nvme)
{
	mmio_write32(nvme->bar, NVME_REG_CC, 0);
	return wait_ready(nvme, false);
}

static void ring(struct nvme *nvme, uint32_t queue, bool completion, uint32_t value)
{
	uint32_t stride = 4u << NVME_CAP_DSTRD(nvme->state->cap);

	mmio_write32(nvme->bar, NVME_DOORBELLS + (2 * queue + completion) * stride, value);
}

void nvme_ring(struct nvme *nvme, uint32_t queue)
{
	struct nvme_queue_state *state = nvme->queue[queue].state;

	if (state->rung == state->sq_tail)
		return;
	ring(nvme, queue, false, state->sq_tail);
	state->rung = state->sq_tail;
}

static int poll_one(struct nvme *nvme, uint32_t queue, struct nvme_completion *completion,
		    struct nvme_slot *note)
{
	struct nvme_queue *q = &nvme->queue[queue];
	int got = nvme_queue_pop(q, completion, note);

	if (got)
		ring(nvme, queue, true, q->state->cq_head);
	return got;
}

static int wait_one(struct nvme *nvme, uint32_t queue, struct nvme_completion *completion,
		    struct nvme_slot *note, unsigned int timeout_ms)
{
	for (uint64_t us = 0;; us += POLL_US) {
		int got = poll_one(nvme, queue, completion, note);

		if (got)
			return got < 0 ? got : 0;
		if (us >= timeout_ms * 1000ull)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
}

/* Bit 0 is the phase; above the status code and its type stand other flags. */
static uint16_t status_of(const struct nvme_completion *completion)
{
	return completion->status >> 1 & 0x7ff;
}

static int admin(struct nvme *nvme, struct nvme_command command, uint32_t *result)
{
	const struct nvme_slot note = { .opcode = command.opcode };
	struct nvme_completion completion;
	struct nvme_slot ignored;
	int slot = nvme_queue_slot(&nvme->queue[0]), err;

	if (slot < 0)
		return slot;
	nvme_queue_push(&nvme->queue[0], slot, command, note);
	nvme_ring(nvme, 0);
	err = wait_one(nvme, 0, &completion, &ignored, ADMIN_MS);
	if (err)
		return err;
	if (result)
		*result = completion.result;
	return status_of(&completion) == NVME_SC_SUCCESS ? 0 : -EIO;
}

int nvme_select(struct nvme *nvme, uint32_t nsid)
{
	const struct nvme_id_ns *ns = identify_data(nvme);
	struct nvme_state *state = nvme->state;
	int err = admin(nvme,
			(struct nvme_command){
				.opcode = nvme_admin_identify,
				.nsid = nsid,
				.prp1 = identify_iova(nvme),
				.cdw10 = NVME_IDENTIFY_CNS_NS,
			},
			NULL);

	if (err)
		return err;
	/* One that is not there is all zeroes. */
	if (!ns->nsze || ns->lbaf[ns->flbas & 0xf].ds > NVME_PAGE_SHIFT)
		return -ENODEV;
	state->nsid = nsid;
	state->blocks = ns->nsze;
	state->block_bytes = 1u << ns->lbaf[ns->flbas & 0xf].ds;
	return 0;
}

static int identify(struct nvme *nvme)
{
	const struct nvme_id_ctrl *controller = identify_data(nvme);
	int err = admin(nvme,
			(struct nvme_command){
				.opcode = nvme_admin_identify,
				.prp1 = identify_iova(nvme),
				.cdw10 = NVME_IDENTIFY_CNS_CTRL,
			},
			NULL);

	if (err)
		return err;
	nvme->state->transfer_max = NVME_TRANSFER_MAX;
	if (controller->mdts && controller->mdts < 9)
		nvme->state->transfer_max = NVME_PAGE_SIZE << controller->mdts;
	return nvme_select(nvme, 1);
}

static int create_queues(struct nvme *nvme, bool interrupts)
{
	const struct nvme_state *state = nvme->state;
	uint32_t wanted = state->queues - 1, result;
	int err = admin(nvme,
			(struct nvme_command){
				.opcode = nvme_admin_set_features,
				.cdw10 = NVME_FEAT_FID_NUM_QUEUES,
				.cdw11 = wanted << 16 | wanted,
			},
			&result);

	if (!err && ((result & 0xffff) < wanted || result >> 16 < wanted))
		err = -ENOSPC;
	for (uint32_t q = 1; !err && q <= state->queues; q++) {
		struct layout at = layout_of(q, state->depth);
		struct nvme_command command = {
			.opcode = nvme_admin_create_cq,
			.prp1 = nvme->region.iova + at.cq,
			.cdw10 = (state->depth - 1) << 16 | q,
			.cdw11 = (interrupts ? q << 16 | QUEUE_INTERRUPT : 0) | QUEUE_CONTIGUOUS,
		};

		nvme_queue_init(&nvme->queue[q], state->depth);
		err = admin(nvme, command, NULL);
		command.opcode = nvme_admin_create_sq;
		command.prp1 = nvme->region.iova + at.sq;
		command.cdw11 = q << 16 | QUEUE_CONTIGUOUS;
		if (!err)
			err = admin(nvme, command, NULL);
	}
	return err;
}

int nvme_init(struct nvme *nvme, struct vfio_device *vfio, const struct dma_region *region,
	      uint32_t queues, uint32_t depth, bool interrupts)
{
	size_t needed = nvme_region_bytes(queues, depth);
	struct layout at = layout_of(0, depth);
	struct nvme_state *state;
	int err;

	if (!needed || region->bytes < needed)
		return -EINVAL;
	err = vfio_set_bus_master(vfio, true);
	if (!err)
		err = open_controller(nvme, vfio, region);
	if (err)
		return err;
	memset(region->memory, 0, needed);
	state = nvme->state;
	state->iova = region->iova;
	state->queues = queues;
	state->depth = depth;
	state->cap = mmio_read64(nvme->bar, NVME_REG_CAP);
	if (NVME_CAP_MPSMIN(state->cap) || !(NVME_CAP_CSS(state->cap) & NVME_CAP_CSS_NVM))
		return -ENODEV;
	if (NVME_CAP_MQES(state->cap) + 1 < depth)
		return -ENOSPC;
	find_queues(nvme, queues, depth);
	err = nvme_stop(nvme);
	if (err)
		return err;
	nvme_queue_init(&nvme->queue[0], ADMIN_DEPTH);
	mmio_write32(nvme->bar, NVME_REG_AQA, (ADMIN_DEPTH - 1) << 16 | (ADMIN_DEPTH - 1));
	mmio_write64(nvme->bar, NVME_REG_ASQ, region->iova + at.sq);
	mmio_write64(nvme->bar, NVME_REG_ACQ, region->iova + at.cq);
	mmio_write32(nvme->bar, NVME_REG_CC, CC_ENABLED);
	err = wait_ready(nvme, true);
	if (!err)
		err = identify(nvme);
	if (!err)
		err = create_queues(nvme, interrupts);
	if (!err)
		state->magic = NVME_MAGIC;
	return err;
}

static int check_state(const struct nvme *nvme)
{
	const struct nvme_state *state = nvme->state;
	size_t needed;

	if (nvme->region.bytes < NVME_PAGE_SIZE || state->magic != NVME_MAGIC || !state->nsid ||
	    state->iova != nvme->region.iova)
		return -EINVAL;
	needed = nvme_region_bytes(state->queues, state->depth);
	if (!needed || nvme->region.bytes < needed || !state->blocks || state->block_bytes < 512 ||
	    state->block_bytes > NVME_PAGE_SIZE || !state->transfer_max ||
	    state->transfer_max > NVME_TRANSFER_MAX)
		return -EINVAL;
	return 0;
}

/* A reset clears CC and CSTS; registers of the admin queue tell whether the queues are ours. */
static int check_registers(const struct nvme *nvme)
{
	const struct nvme_state *state = nvme->state;
	struct layout at = layout_of(0, state->depth);

	if (mmio_read64(nvme->bar, NVME_REG_CAP) != state->cap ||
	    mmio_read32(nvme->bar, NVME_REG_CC) != CC_ENABLED ||
	    !NVME_CSTS_RDY(mmio_read32(nvme->bar, NVME_REG_CSTS)) ||
	    mmio_read32(nvme->bar, NVME_REG_AQA) != ((ADMIN_DEPTH - 1) << 16 | (ADMIN_DEPTH - 1)) ||
	    mmio_read64(nvme->bar, NVME_REG_ASQ) != state->iova + at.sq ||
	    mmio_read64(nvme->bar, NVME_REG_ACQ) != state->iova + at.cq)
		return -ESTALE;
	return 0;
}

int nvme_resume(struct nvme *nvme, struct vfio_device *vfio, const struct dma_region *region)
{
	int err = open_controller(nvme, vfio, region);

	if (!err)
		err = check_state(nvme);
	if (err)
		return err;
	find_queues(nvme, nvme->state->queues, nvme->state->depth);
	for (uint32_t q = 0; !err && q <= nvme->state->queues; q++)
		err = nvme_queue_check(&nvme->queue[q], depth_of(nvme, q));
	if (!err)
		err = check_registers(nvme);
	return err;
}

struct nvme_namespace nvme_namespace(const struct nvme *nvme)
{
	return (struct nvme_namespace){
		.nsid = nvme->state->nsid,
		.blocks = nvme->state->blocks,
		.block_bytes = nvme->state->block_bytes,
		.transfer_max = nvme->state->transfer_max,
	};
}

uint32_t nvme_outstanding(const struct nvme *nvme, uint32_t queue)
{
	return nvme->queue[queue].state->outstanding;
}

/* Can the namespace and the controller do this? */
static bool fits(const struct nvme_state *state, enum nvme_action action, uint64_t lba,
		 uint32_t blocks)
{
	if (action == NVME_FLUSH)
		return !lba && !blocks;
	return blocks && lba < state->blocks && blocks <= state->blocks - lba &&
	       (action == NVME_TRIM ||
		(uint64_t)blocks * state->block_bytes <= state->transfer_max);
}

int nvme_push(struct nvme *nvme, uint32_t queue, enum nvme_action action, uint64_t lba,
	      uint32_t blocks, uint64_t iova, uint64_t cookie)
{
	static const uint8_t opcodes[] = {
		[NVME_READ] = nvme_cmd_read,
		[NVME_WRITE] = nvme_cmd_write,
		[NVME_TRIM] = nvme_cmd_dsm,
		[NVME_FLUSH] = nvme_cmd_flush,
	};
	const struct nvme_state *state = nvme->state;
	struct nvme_command command = { .opcode = opcodes[action], .nsid = state->nsid };
	const struct nvme_slot note = {
		.opcode = command.opcode,
		.blocks = blocks,
		.lba = lba,
		.iova = iova,
		.cookie = cookie,
	};
	char *memory = nvme->region.memory;
	size_t list;
	int slot, err = 0;

	if (!queue || queue > state->queues || !fits(state, action, lba, blocks))
		return -EINVAL;
	slot = nvme_queue_slot(&nvme->queue[queue]);
	if (slot < 0)
		return slot;
	list = nvme->lists[queue] + (size_t)slot * NVME_PAGE_SIZE;
	if (action == NVME_TRIM) {
		nvme_trim_fill(&command, memory + list, nvme->region.iova + list, lba, blocks);
	} else if (action != NVME_FLUSH) {
		command.cdw10 = (uint32_t)lba;
		command.cdw11 = lba >> 32;
		/* Counted from 0. */
		command.cdw12 = blocks - 1;
		err = nvme_prp_fill(&command, (void *)(memory + list), nvme->region.iova + list,
				    iova, (uint64_t)blocks * state->block_bytes);
	}
	if (err)
		return err;
	nvme_queue_push(&nvme->queue[queue], slot, command, note);
	return slot;
}

int nvme_submit(struct nvme *nvme, uint32_t queue, bool write, uint64_t lba, uint32_t blocks,
		uint64_t iova, uint64_t cookie)
{
	int slot =
		nvme_push(nvme, queue, write ? NVME_WRITE : NVME_READ, lba, blocks, iova, cookie);

	if (slot >= 0)
		nvme_ring(nvme, queue);
	return slot;
}

struct arrival_words nvme_arrivals(const struct nvme *nvme, uint32_t queue)
{
	/* Command id and status are one word; the phase is the lowest bit of the status. */
	return (struct arrival_words){
		.first = &nvme->queue[queue].cq[0].cid,
		.stride = sizeof(struct nvme_completion),
		.nr = nvme->state->depth,
		.mask = 1u << 16,
	};
}

static void fill_done(struct nvme_done *done, const struct nvme_completion *completion)
{
	done->status = status_of(completion);
	done->cid = completion->cid;
}

int nvme_poll(struct nvme *nvme, uint32_t queue, struct nvme_done *done, unsigned int max)
{
	struct nvme_queue *q = &nvme->queue[queue];
	struct nvme_completion completion;
	const uint64_t before = q->state->completed;
	unsigned int nr = 0;
	int got = 1;

	while (nr < max && got > 0) {
		got = nvme_queue_pop(q, &completion, &done[nr].command);
		if (got > 0)
			fill_done(&done[nr++], &completion);
	}
	/* One write for all of them. */
	if (q->state->completed != before)
		ring(nvme, queue, true, q->state->cq_head);
	return got < 0 ? got : (int)nr;
}

int nvme_wait(struct nvme *nvme, uint32_t queue, struct nvme_done *done, unsigned int timeout_ms)
{
	struct nvme_completion completion;
	int err = wait_one(nvme, queue, &completion, &done->command, timeout_ms);

	if (!err)
		fill_done(done, &completion);
	return err;
}
