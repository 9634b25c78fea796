// SPDX-License-Identifier: GPL-2.0-only
/* A guest's memory seen from outside; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "observe.h"

#define SECOND_NS 1000000000ull
#define FOUR_GIB (4ull << 30)

struct watch {
	const volatile uint32_t *word;
	uint32_t mask;
	uint32_t last;
	enum observe_kind kind;
};

struct observer {
	struct watch *watches;
	uint32_t nr_watches;
	struct observe_arrival *arrivals;
	uint64_t max, pause_ns;
	struct observe_log log;
	uint64_t last_ns;
	pthread_t thread;
	bool running;
	bool stop;
};

int observe_open(struct observe_memory *memory, const char *path, uint64_t low)
{
	struct stat st;
	void *bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	bytes = err ? MAP_FAILED : mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (!err && bytes == MAP_FAILED)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*memory =
		(struct observe_memory){ .fd = fd, .bytes = bytes, .size = st.st_size, .low = low };
	return 0;
}

void observe_close(struct observe_memory *memory)
{
	munmap((void *)memory->bytes, memory->size);
	close(memory->fd);
	*memory = (struct observe_memory){ .fd = -1 };
}

int observe_offset(const struct observe_memory *memory, uint64_t address, uint64_t bytes,
		   uint64_t *offset)
{
	uint64_t end = memory->low;

	if (end > memory->size)
		end = memory->size;
	if (address >= FOUR_GIB) {
		address = address - FOUR_GIB + memory->low;
		end = memory->size;
	}
	if (address >= end || bytes > end - address)
		return -EFAULT;
	*offset = address;
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void note(struct observer *o, uint32_t point, uint32_t word, uint64_t before_ns,
		 uint64_t at_ns)
{
	if (o->log.nr == o->max) {
		o->log.dropped++;
		return;
	}
	o->arrivals[o->log.nr++] = (struct observe_arrival){
		.point = point, .word = word, .before_ns = before_ns, .at_ns = at_ns
	};
}

/*
 * A word that is read after "before" was taken was last read before that time was up; "at" is taken
 * when all are read, so the change lies in between.
 */
static void look(struct observer *o)
{
	uint64_t begin_ns = now_ns(), before_ns = o->last_ns, first = o->log.nr;

	for (uint32_t i = 0; i < o->nr_watches; i++) {
		struct watch *w = &o->watches[i];
		uint32_t word = *w->word;
		uint32_t changed = (word ^ w->last) & w->mask;

		w->last = word;
		if (w->kind == OBSERVE_RISE ? changed & word : changed)
			note(o, i, word, before_ns, 0);
	}
	o->last_ns = begin_ns;
	__atomic_add_fetch(&o->log.looks, 1, __ATOMIC_RELEASE);
	begin_ns = now_ns();
	for (; first < o->log.nr; first++)
		o->arrivals[first].at_ns = begin_ns;
	if (begin_ns - before_ns > o->log.slowest_ns)
		o->log.slowest_ns = begin_ns - before_ns;
}

static void *look_on(void *argument)
{
	struct observer *o = argument;
	const struct timespec pause = { .tv_sec = o->pause_ns / SECOND_NS,
					.tv_nsec = o->pause_ns % SECOND_NS };

	while (!__atomic_load_n(&o->stop, __ATOMIC_ACQUIRE)) {
		look(o);
		nanosleep(&pause, NULL);
	}
	look(o);
	return NULL;
}

static int set_watches(struct observer *o, const struct observe_memory *memory,
		       const struct observe_point *points)
{
	uint64_t offset;
	int err = 0;

	for (uint32_t i = 0; !err && i < o->nr_watches; i++) {
		struct watch *w = &o->watches[i];

		if (points[i].address % sizeof(uint32_t))
			return -EINVAL;
		err = observe_offset(memory, points[i].address, sizeof(uint32_t), &offset);
		if (err)
			return err;
		w->word = (const volatile uint32_t *)(memory->bytes + offset);
		w->mask = points[i].mask;
		w->kind = points[i].kind;
		w->last = *w->word;
	}
	return err;
}

int observe_start(struct observer **out, const struct observe_memory *memory,
		  const struct observe_point *points, uint32_t nr, uint64_t max, uint64_t pause_ns)
{
	struct observer *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->nr_watches = nr;
	o->max = max;
	o->pause_ns = pause_ns;
	o->watches = calloc(nr, sizeof(*o->watches));
	o->arrivals = calloc(max, sizeof(*o->arrivals));
	err = o->watches && o->arrivals ? 0 : -ENOMEM;
	o->last_ns = now_ns();
	if (!err)
		err = set_watches(o, memory, points);
	if (!err)
		err = -pthread_create(&o->thread, NULL, look_on, o);
	o->running = !err;
	if (err)
		observe_free(o);
	else
		*out = o;
	return err;
}

uint64_t observe_looks(const struct observer *o)
{
	return __atomic_load_n(&o->log.looks, __ATOMIC_ACQUIRE);
}

static void join(struct observer *o)
{
	if (!o->running)
		return;
	__atomic_store_n(&o->stop, true, __ATOMIC_RELEASE);
	pthread_join(o->thread, NULL);
	o->running = false;
}

void observe_stop(struct observer *o, struct observe_log *log)
{
	join(o);
	o->log.arrivals = o->arrivals;
	*log = o->log;
}

void observe_free(struct observer *o)
{
	if (!o)
		return;
	join(o);
	free(o->watches);
	free(o->arrivals);
	free(o);
}

void observe_gap(struct observe_gap *gap, const struct observe_log *log, uint64_t begin_ns,
		 uint64_t end_ns)
{
	uint64_t last = begin_ns;

	*gap = (struct observe_gap){ .from_ns = begin_ns };
	for (uint64_t i = 0; i <= log->nr; i++) {
		uint64_t at = i < log->nr ? log->arrivals[i].at_ns : end_ns;

		if (at < begin_ns)
			continue;
		if (at >= end_ns)
			at = end_ns;
		else
			gap->arrivals++;
		if (at - last > gap->longest_ns) {
			gap->longest_ns = at - last;
			gap->from_ns = last;
		}
		last = at;
		if (at == end_ns)
			break;
	}
}

int observe_search(const struct observe_memory *memory, const void *bytes, size_t length,
		   observe_found found, void *data)
{
	const unsigned char *wanted = bytes;
	size_t zeroes = 0;
	off_t at = 0;
	int ret = 0;

	while (zeroes < length && !wanted[zeroes])
		zeroes++;
	if (zeroes == length)
		return -EINVAL;
	while (!ret && (at = lseek(memory->fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(memory->fd, at, SEEK_HOLE);
		/* A match may begin or end in a hole, with zeroes. */
		const unsigned char *from =
			memory->bytes + ((size_t)at < length ? 0 : at - (length - 1));
		const unsigned char *to =
			memory->bytes +
			(end + length - 1 > memory->size ? memory->size : end + length - 1);

		while (!ret && (from = memmem(from, to - from, bytes, length))) {
			ret = found(from - memory->bytes, data);
			from++;
		}
		at = end;
	}
	return ret;
}
