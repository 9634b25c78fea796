/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looks at a guest's memory from outside while it runs, and while it does not: when a device writes
 * a word that the agent has named (a descriptor, a completion, a buffer), and where in memory bytes
 * lie that no device was to write. For that the guest's memory is a file (QEMU: -object
 * memory-backend-file,share=on). What the words mean is the caller's business.
 *
 * A thread reads all words again and again, so an arrival is known to lie between two looks; both
 * times are kept, and no time is inferred from anything else. A word that changes and changes back
 * between two looks is not seen: that takes a program of the guest, and in a blackout there is none.
 */
#ifndef FLBENCH_OBSERVE_H
#define FLBENCH_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct observe_memory - a guest's memory, mapped for reading
 * @fd: its file
 * @bytes: the file
 * @size: how many
 * @low: bytes below 4 GiB; what is above starts there in the file
 */
struct observe_memory {
	int fd;
	const unsigned char *bytes;
	uint64_t size;
	uint64_t low;
};

/**
 * observe_open - map a guest's memory
 * @memory: filled in
 * @path: the file
 * @low: bytes of it below 4 GiB (QEMU's q35: all, up to 2 GiB)
 *
 * Return: 0 or a negative errno.
 */
int observe_open(struct observe_memory *memory, const char *path, uint64_t low);

/**
 * observe_close - unmap it
 * @memory: from observe_open()
 */
void observe_close(struct observe_memory *memory);

/**
 * observe_offset - where a physical address of the guest is in the file
 * @memory: the memory
 * @address: the address
 * @bytes: how many must be there
 * @offset: where the answer goes
 *
 * Return: 0; -EFAULT when there is no memory.
 */
int observe_offset(const struct observe_memory *memory, uint64_t address, uint64_t bytes,
		   uint64_t *offset);

/**
 * enum observe_kind - what counts as an arrival
 * @OBSERVE_RISE: a bit of the mask becomes 1 (a "done" bit, which the driver clears)
 * @OBSERVE_CHANGE: a bit of the mask changes (a phase, data)
 */
enum observe_kind {
	OBSERVE_RISE,
	OBSERVE_CHANGE,
};

/**
 * struct observe_point - a word to look at
 * @address: physical address in the guest, a multiple of 4
 * @mask: which bits of it
 * @kind: what counts
 */
struct observe_point {
	uint64_t address;
	uint32_t mask;
	enum observe_kind kind;
};

/**
 * struct observe_arrival - an arrival that was seen
 * @point: index of the point
 * @word: what was there
 * @before_ns: the last look without it, CLOCK_MONOTONIC
 * @at_ns: the first look with it
 */
struct observe_arrival {
	uint32_t point;
	uint32_t word;
	uint64_t before_ns;
	uint64_t at_ns;
};

struct observer;

/**
 * observe_start - start looking
 * @observer: where the observer goes
 * @memory: the memory; stays the caller's, and open
 * @points: what to look at; copied
 * @nr: how many
 * @max: arrivals that there is room for
 * @pause_ns: rest between two looks
 *
 * Return: 0; -EFAULT when a point is not in memory, -EINVAL when it is not aligned, or another
 * negative errno.
 */
int observe_start(struct observer **observer, const struct observe_memory *memory,
		  const struct observe_point *points, uint32_t nr, uint64_t max, uint64_t pause_ns);

/**
 * observe_looks - how often all words were looked at so far
 * @observer: the observer, not stopped
 *
 * Return: how often.
 */
uint64_t observe_looks(const struct observer *observer);

/**
 * struct observe_log - what was seen
 * @arrivals: in the order in which they were seen
 * @nr: how many
 * @dropped: arrivals that there was no room for
 * @looks: how often all words were looked at
 * @slowest_ns: the longest time from one look to the next: how wrong a time may be
 */
struct observe_log {
	const struct observe_arrival *arrivals;
	uint64_t nr;
	uint64_t dropped;
	uint64_t looks;
	uint64_t slowest_ns;
};

/**
 * observe_stop - look once more, and stop
 * @observer: the observer
 * @log: filled in; the arrivals are the observer's
 */
void observe_stop(struct observer *observer, struct observe_log *log);

/**
 * observe_free - forget all
 * @observer: the observer, or NULL; it need not be stopped
 */
void observe_free(struct observer *observer);

/**
 * struct observe_gap - how steady arrivals were in a stretch of time
 * @arrivals: how many there were
 * @longest_ns: the longest time without one, from the begin or one arrival to the next or the end
 * @from_ns: when that began
 */
struct observe_gap {
	uint64_t arrivals;
	uint64_t longest_ns;
	uint64_t from_ns;
};

/**
 * observe_gap - measure
 * @gap: filled in
 * @log: what was seen
 * @begin_ns: CLOCK_MONOTONIC
 * @end_ns: not before @begin_ns
 */
void observe_gap(struct observe_gap *gap, const struct observe_log *log, uint64_t begin_ns,
		 uint64_t end_ns);

/**
 * typedef observe_found - called for each place where bytes were found
 * @offset: in the file
 * @data: the caller's
 *
 * Return: 0 to go on; anything else ends the search.
 */
typedef int (*observe_found)(uint64_t offset, void *data);

/**
 * observe_search - search all of a guest's memory for bytes
 * @memory: the memory
 * @bytes: what to look for, at any place
 * @length: how many
 * @found: called for each place
 * @data: for it
 *
 * Holes of the file are left out, since they hold zeroes.
 *
 * Return: 0; what @found returned; -EINVAL for no bytes or only zeroes.
 */
int observe_search(const struct observe_memory *memory, const void *bytes, size_t length,
		   observe_found found, void *data);

#endif
