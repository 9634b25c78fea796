/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fio as a child of the agent: started with a job file of bench/fio/jobs, its JSON read and reported,
 * and the instructions counted that somebody spent on it. What is waited for by nobody doing anything
 * is taken off by one rule, the same for every engine: see fio_run().
 */
#ifndef FLBENCH_AGENT_FIO_H
#define FLBENCH_AGENT_FIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct agent;

/**
 * struct fio_figures - what a run did, and what it cost, in ticks
 * @ios: I/Os that fio says it did
 * @reads: of them, reads
 * @bytes_per_second: of reads, as fio says
 * @total: if it was measured, from start to end
 * @idle: of it, what the processor had nothing else to do: an idle process counts that
 * @empty: of it, what polls took that found nothing; only our engine tells
 * @empty_polls: how many those were
 * @busy: from the first command to the last completion, without what our engine waited in polls, whatever
 *	interrupted those; nothing of fio's start and end
 */
struct fio_figures {
	uint64_t ios;
	uint64_t reads;
	uint64_t bytes_per_second;
	uint64_t total;
	uint64_t idle;
	uint64_t empty;
	uint64_t empty_polls;
	uint64_t busy;
};

/**
 * struct fio_job - what fio is to do; numbers become variables of the job file
 * @name: of a job file in bench/fio/jobs, without its ending
 * @device: PCI address of the controller, or a file: FLBENCH_DEVICE
 * @ios: FLBENCH_IOS, and FLBENCH_BYTES at 4 KiB each
 * @seed: FLBENCH_SEED
 * @device_fd: the device, to be inherited: FLBENCH_DEVICE_FD; 0 for none
 * @memory_fd: its memory, likewise: FLBENCH_MEMORY_FD
 * @fault: FLBENCH_FAULT, a value of the engine's option; NULL for none
 * @mapping: FLBENCH_MAPPING, likewise
 * @completion: FLBENCH_COMPLETION, likewise
 * @measure: have ticks counted
 * @interval: FLBENCH_INTERVAL, ticks: report the throughput of our engine by that; 0: do not
 * @after: that is after a jump, else before the next one
 */
struct fio_job {
	const char *name;
	const char *device;
	uint64_t ios;
	uint64_t seed;
	int device_fd;
	int memory_fd;
	const char *fault;
	const char *mapping;
	const char *completion;
	bool measure;
	uint32_t interval;
	bool after;
};

/**
 * fio_run - run fio to its end
 * @a: the agent; fio's JSON becomes an event "fio"
 * @job: what it is to do
 * @figures: what it did and cost
 *
 * With @job.measure, a process of the lowest priority runs whenever nobody else does, and adds up the
 * ticks of its own loop, without those of whatever interrupted it. So the processor never halts, which
 * would move icount's clock, and @total less @idle is what fio, the kernel and interrupts really
 * executed.
 *
 * Return: 0; -EIO when fio fails or says that an I/O did, with world.problem set; or another negative
 * errno.
 */
int fio_run(struct agent *a, const struct fio_job *job, struct fio_figures *figures);

/**
 * fio_start - start fio, in the guest's /tmp, and do not wait
 * @job: what it is to do
 *
 * It saves what was acknowledged, and ends its job, when FIO_CUT_FILE appears.
 *
 * Return: its process id or a negative errno.
 */
pid_t fio_start(const struct fio_job *job);

#define FIO_CUT_FILE "/tmp/fio.cut"

/**
 * fio_block - which block does fio complain of?
 * @messages: what it said; it counts in bytes
 * @lba: set to the first such block
 *
 * Return: true if it names an offset in a file.
 */
bool fio_block(const char *messages, uint64_t *lba);

/**
 * fio_failed - say that fio failed, and what it said; with the LBA, where fio has an offset in bytes
 * @a: the agent
 * @name: of the job file
 * @status: of the process
 *
 * Return: -EIO, with world.problem set.
 */
int fio_failed(struct agent *a, const char *name, int status);

#endif
