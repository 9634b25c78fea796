/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fio as a child of the agent: started with a job file of bench/fio/jobs, its JSON read and reported,
 * and the instructions counted that somebody spent on it. What is waited for by nobody doing anything
 * is taken off by one rule, the same for every engine: see fio_run().
 */
#ifndef FLBENCH_AGENT_FIO_H
#define FLBENCH_AGENT_FIO_H

#include <stdint.h>

struct agent;

/**
 * struct fio_figures - what a run cost, in ticks
 * @ios: I/Os that fio says it did
 * @total: from start to end
 * @idle: of it, what the processor had nothing else to do: an idle process counts that
 * @empty: of it, what polls took that found nothing; only our engine tells
 */
struct fio_figures {
	uint64_t ios;
	uint64_t total;
	uint64_t idle;
	uint64_t empty;
};

/**
 * fio_run - run fio to its end
 * @a: the agent; fio's JSON becomes an event "fio"
 * @job: name of a job file in bench/fio/jobs, without its ending
 * @address: of the controller, FLBENCH_DEVICE of the job file
 * @ios: FLBENCH_IOS of the job file
 * @figures: what it cost
 *
 * A process of the lowest priority runs whenever nobody else does, and adds up the ticks of its own
 * loop, without those of whatever interrupted it. So the processor never halts, which would move
 * icount's clock, and @total less @idle is what fio, the kernel and interrupts really executed.
 *
 * Return: 0; -EIO when fio fails or says that an I/O did, with world.problem set; or another negative
 * errno.
 */
int fio_run(struct agent *a, const char *job, const char *address, uint64_t ios,
	    struct fio_figures *figures);

#endif
