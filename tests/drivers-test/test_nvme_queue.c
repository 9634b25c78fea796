// SPDX-License-Identifier: GPL-2.0-only
/* The NVMe queues against a controller played here, which follows the specification by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <flbench/nvme_queue.h>

#define DEPTH 5u

static struct nvme_queue_state state;
static struct nvme_command sq[DEPTH];
static struct nvme_completion cq[DEPTH];
static struct nvme_slot slots[DEPTH];
static struct nvme_queue queue = { .state = &state, .sq = sq, .cq = cq, .slots = slots };

/* The controller: where it is in both queues, and the phase that it writes. */
static uint32_t fetched, posted, phase;

static int reset(void **unused)
{
	memset(cq, 0xff, sizeof(cq));
	nvme_queue_init(&queue, DEPTH);
	fetched = posted = 0;
	phase = 1;
	return 0;
}

static struct nvme_command fetch(void)
{
	struct nvme_command command = sq[fetched];

	assert_int_not_equal(fetched, state.sq_tail);
	fetched = (fetched + 1) % DEPTH;
	return command;
}

static void post(uint16_t cid, uint16_t status)
{
	cq[posted] = (struct nvme_completion){ .cid = cid,
					       .sq_head = fetched,
					       .status = status << 1 | phase };
	posted = (posted + 1) % DEPTH;
	if (!posted)
		phase = !phase;
}

static int submit(uint64_t cookie)
{
	int slot = nvme_queue_slot(&queue);

	if (slot >= 0)
		nvme_queue_push(&queue, slot, (struct nvme_command){ .cdw10 = cookie },
				(struct nvme_slot){ .cookie = cookie });
	return slot;
}

static void empty_queue_has_nothing(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;

	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 0);
	assert_int_equal(nvme_queue_check(&queue, DEPTH), 0);
}

/* Many laps, one command each: every completion is seen once, whatever its lap's phase. */
static void laps(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;

	for (uint64_t i = 0; i < 7 * DEPTH + 2; i++) {
		assert_true(submit(i) >= 0);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 0);
		post(fetch().cid, i % 3);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_int_equal(note.cookie, i);
		assert_int_equal(completion.status >> 1, i % 3);
		assert_int_equal(state.cq_head, (i + 1) % DEPTH);
		assert_int_equal(state.sq_tail, (i + 1) % DEPTH);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 0);
		assert_int_equal(nvme_queue_check(&queue, DEPTH), 0);
	}
}

/* One entry stays empty; the controller's head makes room, and a free slot is needed too. */
static void full(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;
	int first;

	for (uint64_t lap = 0; lap < 3 * DEPTH; lap++) {
		first = submit(0);
		assert_true(first >= 0);
		for (uint64_t i = 1; i < DEPTH - 1; i++)
			assert_true(submit(i) >= 0);
		assert_int_equal(submit(9), -EAGAIN);
		assert_int_equal(state.outstanding, DEPTH - 1);
		for (uint64_t i = 0; i < DEPTH - 1; i++)
			assert_int_equal(fetch().cdw10, i);
		/* Fetched, but not completed: we do not know yet. */
		assert_int_equal(submit(9), -EAGAIN);
		post(first, 0);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_true(submit(9) >= 0);
		post(fetch().cid, 0);
		for (uint32_t i = 0; i < DEPTH; i++)
			if (slots[i].busy && slots[i].cookie != 9)
				post(i, 0);
		for (uint32_t i = 0; i < DEPTH - 1; i++)
			assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_int_equal(state.outstanding, 0);
		assert_int_equal(nvme_queue_check(&queue, DEPTH), 0);
	}
}

/* Completions in another order than the commands. */
static void any_order(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;
	uint16_t cid[3];

	for (uint64_t i = 0; i < 3; i++)
		assert_true(submit(100 + i) >= 0);
	for (int i = 0; i < 3; i++)
		cid[i] = fetch().cid;
	assert_true(cid[0] != cid[1] && cid[1] != cid[2] && cid[0] != cid[2]);
	for (int i = 2; i >= 0; i--) {
		post(cid[i], 0);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_int_equal(note.cookie, 100 + i);
	}
}

/* A slot is free when its command is done, wherever it stands: never one that is under way. */
static void slots_are_not_taken_twice(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;

	assert_int_equal(submit(0), 0);
	assert_int_equal(submit(1), 1);
	assert_int_equal(submit(2), 2);
	fetch();
	fetch();
	fetch();
	post(1, 0);
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
	assert_int_equal(submit(3), 3);
	fetch();
	post(3, 0);
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
	/* The tail is at 4, then at 0, whose slot is busy. */
	assert_int_equal(submit(4), 4);
	assert_int_equal(submit(5), 1);
	assert_int_equal(nvme_queue_check(&queue, DEPTH), 0);
}

/* Asking whether there is something takes nothing; nor does asking for several, around the end too. */
static void ready(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;

	assert_false(nvme_queue_ready(&queue, 1));
	for (unsigned int i = 0; i < 2 * DEPTH; i++) {
		assert_true(submit(i) >= 0);
		assert_true(submit(i) >= 0);
		assert_false(nvme_queue_ready(&queue, 1));
		post(fetch().cid, 0);
		assert_true(nvme_queue_ready(&queue, 1));
		assert_false(nvme_queue_ready(&queue, 2));
		post(fetch().cid, 0);
		assert_true(nvme_queue_ready(&queue, 1));
		assert_true(nvme_queue_ready(&queue, 2));
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_false(nvme_queue_ready(&queue, 2));
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
		assert_false(nvme_queue_ready(&queue, 1));
		/* One alone, so that pairs begin on each entry. */
		if (i % DEPTH)
			continue;
		assert_true(submit(i) >= 0);
		post(fetch().cid, 0);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
	}
}

static void wrong_completions_are_refused(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;

	assert_true(submit(1) >= 0);
	fetch();
	post(DEPTH, 0);
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), -EPROTO);
	/* A head that is not in the queue. */
	post(0, 0);
	cq[1].sq_head = DEPTH;
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), -EPROTO);
	/* A command that it does not have. */
	post(DEPTH - 1, 0);
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), -EPROTO);
	assert_int_not_equal(nvme_queue_check(&queue, DEPTH), 0);
}

/* Another process with its own pointers goes on; the state alone says where. */
static void resumed(void **unused)
{
	struct nvme_completion completion;
	struct nvme_slot note;
	struct nvme_queue other;

	for (uint64_t i = 0; i < DEPTH + 3; i++) {
		assert_true(submit(i) >= 0);
		post(fetch().cid, 0);
		assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
	}
	assert_true(submit(77) >= 0);
	assert_true(submit(78) >= 0);
	post(fetch().cid, 0);
	other = (struct nvme_queue){ .state = &state, .sq = sq, .cq = cq, .slots = slots };
	assert_int_equal(nvme_queue_check(&other, DEPTH), 0);
	assert_int_equal(nvme_queue_pop(&other, &completion, &note), 1);
	assert_int_equal(note.cookie, 77);
	assert_int_equal(nvme_queue_pop(&other, &completion, &note), 0);
	post(fetch().cid, 0);
	assert_int_equal(nvme_queue_pop(&other, &completion, &note), 1);
	assert_int_equal(note.cookie, 78);
}

/* Each number of the state, changed alone, is noticed. */
static void broken_state_is_refused(void **unused)
{
	struct nvme_completion completion;
	struct nvme_queue_state kept;
	struct nvme_slot note;

	for (uint64_t i = 0; i < 3; i++)
		assert_true(submit(i) >= 0);
	post(fetch().cid, 0);
	assert_int_equal(nvme_queue_pop(&queue, &completion, &note), 1);
	kept = state;
#define BREAK(field, value)                                                 \
	do {                                                                \
		state.field = (value);                                      \
		assert_int_equal(nvme_queue_check(&queue, DEPTH), -EINVAL); \
		state = kept;                                               \
		assert_int_equal(nvme_queue_check(&queue, DEPTH), 0);       \
	} while (0)
	BREAK(depth, DEPTH + 1);
	BREAK(sq_tail, DEPTH);
	BREAK(sq_tail, kept.sq_tail + 1);
	BREAK(rung, DEPTH);
	BREAK(sq_head, DEPTH);
	BREAK(cq_head, kept.cq_head + 1);
	BREAK(phase, !kept.phase);
	BREAK(phase, 2);
	BREAK(outstanding, kept.outstanding + 1);
	BREAK(submitted, kept.submitted + 1);
	BREAK(completed, kept.completed - 1);
#undef BREAK
	assert_int_equal(nvme_queue_check(&queue, DEPTH + 1), -EINVAL);
	slots[DEPTH - 1].busy ^= 1;
	assert_int_equal(nvme_queue_check(&queue, DEPTH), -EINVAL);
	slots[DEPTH - 1].busy = 2;
	assert_int_equal(nvme_queue_check(&queue, DEPTH), -EINVAL);
}

#define LIST_IOVA 0x7000000000ull

/* Walk the PRPs as a controller does, and compare with the buffer. */
static void check_prps(uint64_t iova, uint64_t bytes)
{
	static uint64_t list[NVME_PRP_ENTRIES + 1];
	struct nvme_command command = { 0 };
	uint64_t first = NVME_PAGE_SIZE - iova % NVME_PAGE_SIZE, at, entry = 0;

	list[NVME_PRP_ENTRIES] = 0x5a5a;
	assert_int_equal(nvme_prp_fill(&command, list, LIST_IOVA, iova, bytes), 0);
	assert_int_equal(command.prp1, iova);
	for (at = first; at < bytes; at += NVME_PAGE_SIZE) {
		uint64_t page = bytes - first > NVME_PAGE_SIZE ? list[entry++] : command.prp2;

		if (entry)
			assert_int_equal(command.prp2, LIST_IOVA);
		assert_int_equal(page % NVME_PAGE_SIZE, 0);
		assert_int_equal(page, iova + at);
	}
	if (bytes <= first)
		assert_int_equal(command.prp2, 0);
	assert_int_equal(list[NVME_PRP_ENTRIES], 0x5a5a);
}

static void prps(void **unused)
{
	static const uint64_t offsets[] = { 0, 4, 512, 2048, NVME_PAGE_SIZE - 4 };
	static const uint64_t sizes[] = { 512,	4096,  4608,	8192,
					  8704, 65536, 1 << 20, NVME_TRANSFER_MAX };
	struct nvme_command command;
	uint64_t list[NVME_PRP_ENTRIES];

	for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			check_prps((1ull << 38) + offsets[o], sizes[s]);
	assert_int_equal(nvme_prp_fill(&command, list, LIST_IOVA, 2, 512), -EINVAL);
	assert_int_equal(nvme_prp_fill(&command, list, LIST_IOVA, 0, 0), -EINVAL);
	assert_int_equal(nvme_prp_fill(&command, list, LIST_IOVA, 0, NVME_TRANSFER_MAX + 512),
			 -EINVAL);
}

/* As figure 42 of the NVM Command Set Specification has it: attributes, length, first block. */
static void trim(void **unused)
{
	static const uint8_t wanted[17] = { 0,	  0,	0,    0,    0x78, 0x56, 0x34, 0x12, 0xef,
					    0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x5a };
	struct nvme_command command = { .prp2 = 7, .cdw10 = 7 };
	uint8_t list[17];

	list[16] = 0x5a;
	nvme_trim_fill(&command, list, LIST_IOVA, 0x0123456789abcdefull, 0x12345678);
	assert_memory_equal(list, wanted, sizeof(wanted));
	assert_int_equal(command.prp1, LIST_IOVA);
	assert_int_equal(command.prp2, 0);
	/* One range, to be deallocated. */
	assert_int_equal(command.cdw10, 0);
	assert_int_equal(command.cdw11, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_queue_has_nothing, reset),
		cmocka_unit_test_setup(laps, reset),
		cmocka_unit_test_setup(full, reset),
		cmocka_unit_test_setup(any_order, reset),
		cmocka_unit_test_setup(wrong_completions_are_refused, reset),
		cmocka_unit_test_setup(resumed, reset),
		cmocka_unit_test_setup(broken_state_is_refused, reset),
		cmocka_unit_test_setup(slots_are_not_taken_twice, reset),
		cmocka_unit_test_setup(ready, reset),
		cmocka_unit_test(prps),
		cmocka_unit_test(trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
