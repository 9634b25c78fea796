// SPDX-License-Identifier: GPL-2.0-only
/* Mode dma: copies from memory to memory by a DMA engine, through DPDK's dmadev. */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_dmadev.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include <flbench/random.h>

#include "dpdk.h"

#define PATIENCE_MS 2000u
#define CHANNEL 0

/* One slot for each copy that may be under way. */
struct slots {
	unsigned int nr;
	uint32_t size;
	uint8_t *from, *to;
	uint64_t *submitted;
};

static uint8_t *slot(uint8_t *memory, const struct slots *slots, uint64_t copy)
{
	return memory + copy % slots->nr * slots->size;
}

/* Each copy has other bytes than the one before in its slot. */
static void fill(const struct options *o, const struct slots *slots, uint64_t copy)
{
	uint8_t *from = slot(slots->from, slots, copy);

	for (uint32_t at = 0; at < slots->size; at += sizeof(uint64_t)) {
		uint64_t word = random_mix(o->seed ^ random_mix(copy) ^ at);
		uint32_t left = slots->size - at;

		memcpy(from + at, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

static int start(const struct options *o, const char *name, int id, unsigned int *descriptors)
{
	const struct rte_dma_conf conf = { .nb_vchans = 1 };
	struct rte_dma_vchan_conf channel = { .direction = RTE_DMA_DIR_MEM_TO_MEM };
	struct rte_dma_info info;
	int err = rte_dma_info_get(id, &info);

	if (err)
		return complain(err, "%s: it does not tell what it can do: %s", name,
				strerror(-err));
	if (!(info.dev_capa & RTE_DMA_CAPA_MEM_TO_MEM))
		return complain(-EOPNOTSUPP, "%s: this device cannot copy memory to memory", name);
	channel.nb_desc = o->descriptors;
	if (channel.nb_desc < info.min_desc)
		channel.nb_desc = info.min_desc;
	if (channel.nb_desc > info.max_desc)
		channel.nb_desc = info.max_desc;
	*descriptors = channel.nb_desc;
	err = rte_dma_configure(id, &conf);
	if (!err)
		err = rte_dma_vchan_setup(id, CHANNEL, &channel);
	if (!err)
		err = rte_dma_start(id);
	return err ? complain(err, "%s: it cannot be started with %u descriptors: %s", name,
			      *descriptors, strerror(-err)) :
		     0;
}

static bool right(const struct options *o, const struct slots *slots, uint64_t copy)
{
	uint8_t *to = slot(slots->to, slots, copy);

	if (o->fault == FAULT_DAMAGE && copy == o->packets / 2)
		to[slots->size / 2] ^= 0x10;
	return !memcmp(to, slot(slots->from, slots, copy), slots->size);
}

/* Return: copies that were handed over. */
static unsigned int submit(const struct options *o, const struct slots *slots, int id,
			   struct stream *s, unsigned int nr)
{
	unsigned int done = 0;

	for (; done < nr; done++) {
		uint64_t copy = s->tx_packets + done;
		uint8_t *from = slot(slots->from, slots, copy), *to = slot(slots->to, slots, copy);

		if (o->check) {
			fill(o, slots, copy);
			memset(to, 0, slots->size);
		}
		/* The device's addresses are ours: IOVA as VA. */
		if (rte_dma_copy(id, CHANNEL, rte_mem_virt2iova(from), rte_mem_virt2iova(to),
				 slots->size, 0) < 0)
			break;
		slots->submitted[copy % slots->nr] = rte_rdtsc();
	}
	if (done)
		rte_dma_submit(id, CHANNEL);
	s->tx_packets += done;
	s->tx_bytes += (uint64_t)done * slots->size;
	return done;
}

static unsigned int complete(const struct options *o, const struct slots *slots, int id,
			     struct stream *s, struct check *check)
{
	bool error = false;
	uint16_t nr = rte_dma_completed(id, CHANNEL, o->burst, NULL, &error);
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < nr; i++, s->rx_packets++) {
		histogram_add(s->latency, now - slots->submitted[s->rx_packets % slots->nr]);
		if (o->check && !right(o, slots, s->rx_packets))
			check->damaged++;
		else
			check->arrived++;
	}
	s->ok = s->ok && !error;
	return nr;
}

static void run(const struct options *o, const struct slots *slots, int id, struct stream *s,
		struct check *check)
{
	const uint64_t patience = rte_get_tsc_hz() / 1000 * PATIENCE_MS;
	uint64_t now = rte_rdtsc(), last = now;
	const uint64_t deadline = o->seconds ? now + o->seconds * rte_get_tsc_hz() : UINT64_MAX;
	bool more = true;

	s->ok = true;
	while (s->ok && (more || s->rx_packets < s->tx_packets) && now - last < patience) {
		const uint64_t before = now, room = slots->nr - (s->tx_packets - s->rx_packets);
		uint64_t left = o->packets ? o->packets - s->tx_packets : UINT64_MAX, nr = o->burst;
		unsigned int moved;

		nr = nr < left ? nr : left;
		more = nr && now < deadline && !stopped;
		moved = more && room >= nr ? submit(o, slots, id, s, nr) : 0;
		moved += complete(o, slots, id, s, check);
		now = rte_rdtsc();
		s->polls++;
		s->empty_polls += !moved;
		*(moved ? &s->busy_cycles : &s->empty_cycles) += now - before;
		if (moved)
			last = now;
	}
}

int copy_run(const struct options *o, const char *name, uint32_t size, struct stream *s,
	     struct check *check)
{
	int id = rte_dma_get_dev_id_by_name(name), err;
	struct slots slots = { .size = size };
	unsigned int descriptors = 0;

	if (id < 0)
		return complain(
			-ENODEV,
			"%s: DPDK has no DMA engine of that name; give --port a device, or --vdev dma_skeleton",
			name);
	err = start(o, name, id, &descriptors);
	if (err)
		return err;
	/* A ring of so many descriptors may hold one less. */
	slots.nr = descriptors - 1 < o->burst ? descriptors - 1 :
						(descriptors - 1) / o->burst * o->burst;
	slots.from = rte_malloc_socket("from", (size_t)slots.nr * size, 4096, s->node);
	slots.to = rte_malloc_socket("to", (size_t)slots.nr * size, 4096, s->node);
	slots.submitted = rte_zmalloc("submitted", slots.nr * sizeof(*slots.submitted), 0);
	if (slots.nr < o->burst)
		err = complain(
			-EINVAL,
			"%s: a burst of %u does not fit %u descriptors; give a smaller --burst",
			name, o->burst, descriptors);
	else if (!slots.from || !slots.to || !slots.submitted)
		err = complain(
			-ENOMEM,
			"%u copies of %u bytes need more memory than DPDK has; give --memory",
			slots.nr, size);
	else
		run(o, &slots, id, s, check);
	check->expected = s->tx_packets;
	check->lost = check->expected - check->arrived - check->damaged;
	rte_free(slots.from);
	rte_free(slots.to);
	rte_free(slots.submitted);
	rte_dma_stop(id);
	if (!err && !s->ok)
		err = complain(-EIO, "%s: the device says that a copy failed", name);
	return err;
}
