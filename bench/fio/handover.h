/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fio's engine and whoever keeps the controller across a live update agree on. The keeper gives
 * fio two descriptors: the device, bound and attached, and a memfd, mapped at FIO_HANDOVER_IOVA. The
 * engine's queues and buffers are at its start; its last page is the keeper's, except for @cut.
 */
#ifndef FLBENCH_FIO_HANDOVER_H
#define FLBENCH_FIO_HANDOVER_H

#include <stdint.h>

/* Above all memory that a machine of ours has, and below 2^39, which every VT-d unit translates. */
#define FIO_HANDOVER_IOVA (256ull << 30)
#define FIO_HANDOVER_PAGE 4096u

/**
 * struct fio_handover - the last page of the memory
 * @cut: jobs that the engine stopped in the middle on purpose (option cut), and that do nothing any
 *	more; what the controller has, it has
 * @state_bytes: bytes of @state that are used
 * @in_flight: commands that the controller had when fio was cut off
 * @before: commands of the queue before the job that was cut
 * @address: PCI address of the controller
 * @state: fio's file of what was acknowledged (verify_state)
 */
struct fio_handover {
	uint32_t cut;
	uint32_t state_bytes;
	uint32_t in_flight;
	uint32_t reserved;
	uint64_t before;
	char address[16];
	char state[FIO_HANDOVER_PAGE - 40];
};

_Static_assert(sizeof(struct fio_handover) == FIO_HANDOVER_PAGE, "one page");

#endif
