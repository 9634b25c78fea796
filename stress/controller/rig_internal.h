/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the rig share: questions and books (rig.c), the live update (rig_jump.c), what
 * the peer sends and gets back (rig_peer.c).
 */
#ifndef FLBENCH_RIG_INTERNAL_H
#define FLBENCH_RIG_INTERNAL_H

#include <pthread.h>
#include <stddef.h>

#include <flbench/frame.h>
#include <flbench/peer.h>

#include "observe.h"
#include "qtest.h"
#include "rig.h"

#define RIG_PAGE 4096u
#define RIG_WATCHED_MAX 12
#define RIG_SIGNATURES 3
#define RIG_SIGNATURE_MAX 32

/* What words to look at belong to. */
enum rig_class { RIG_EDU, RIG_NVME, RIG_IGB, RIG_STRANGER, RIG_CLASSES };

/* A function whose bus-master bit is looked at. @stays: it is to go on through a live update. */
struct rig_watched {
	char name[16];
	uint64_t config;
	bool stays;
};

/* DMA of an edu that can be started from here. @word: what arrives at the word that is looked at */
struct rig_dma {
	unsigned long long bar, iova;
	unsigned int bytes, word;
};

struct rig_signature {
	uint8_t bytes[RIG_SIGNATURE_MAX];
	size_t length;
	uint64_t inside, outside;
};

/*
 * A live update as it is seen from here; times are of CLOCK_MONOTONIC, 0 for what has not come.
 * @preserved: devices are to go on; else they have to be stopped
 * @overrun: the ring is too short on purpose
 * @off: the machine is switched off or reset, and stays to be looked at
 * @full_ns: since when the card had no descriptor
 */
struct rig_jump {
	bool preserved, overrun, off, under_way;
	long console_at;
	uint64_t begin_ns, dark_ns, boot_ns, taken_ns, full_ns, back_ns;
};

/*
 * What the peer sends to a guest that sends it back.
 * @from: number of the first frame that counts
 * @received: frames that had come back when the kernel began
 * @boot_ns: since when it is this kernel that sends them
 */
struct rig_cable {
	uint64_t from, received, boot_ns;
};

struct rig {
	struct rig_config config;
	struct qtest qtest;
	struct observe_memory memory;
	int memory_fd; /* the same, to write to */
	struct observer *observer;
	uint64_t observed_from, started_ns;
	struct observe_point *points;
	uint32_t nr_points, max_points;
	uint32_t class_start[RIG_CLASSES], class_end[RIG_CLASSES];
	unsigned int class;
	struct peer *peer;
	struct rig_cable cable;
	struct frame_book *book;
	struct frame_account account;
	uint64_t accounted;
	uint64_t full; /* frames that were missed for want of a descriptor, seen from here */
	struct rig_signature signatures[RIG_SIGNATURES];
	uint8_t *pages; /* a bit for each signature that may be there */
	uint64_t nr_pages;
	unsigned long long ecam;
	struct rig_watched watched[RIG_WATCHED_MAX];
	unsigned int nr_watched;
	struct rig_dma friend, stranger;
	struct rig_jump jump;
	long cycle;
	char stage[32];
	uint64_t stage_ns;
	pthread_t thread;
	bool running;
};

uint64_t rig_now_ns(void);
void rig_pause_ms(unsigned int ms);

/* Events of the live update that is under way, or of the cycle that it led to. @device: or NULL */
void rig_check(struct rig *rig, const char *name, bool ok, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void rig_metric(struct rig *rig, const char *name, const char *unit, uint64_t value,
		const char *device);
void rig_span(struct rig *rig, const char *lane, const char *name, uint64_t begin_ns,
	      uint64_t end_ns);
struct json_object *rig_event(const struct rig *rig, const char *kind);

/* Look for signatures in all memory. Return: true if each is where it may be, and nowhere else. */
bool rig_search(struct rig *rig);

/* Is it a question about a live update? Then *@number is the answer. */
bool rig_jump_answer(struct rig *rig, const char *line, long long *number);
/* Is it one about the peer? Likewise. */
bool rig_peer_answer(struct rig *rig, const char *line, long long *number);
/* Now and then: how far has the guest come, by what its console says? */
void rig_jump_glance(struct rig *rig);
/* The machine has ended. */
void rig_jump_end(struct rig *rig);

#endif
