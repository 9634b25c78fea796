// SPDX-License-Identifier: GPL-2.0-only
/*
 * What moves frames: one loop a mode. A turn of a loop is busy when a packet was received or sent in
 * it, else it is an empty poll; each turn's cycles go to the one or to the other, so that empty polls
 * can be told apart without an estimate. Numbered frames are frame.h's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <flbench/frame.h>

#include "dpdk.h"

/* How long loop waits for a frame that does not come back. */
#define PATIENCE_MS 200u

static const struct options *options;
static struct stream *all;
static unsigned int nr_all;
/* TSC at which everything ends, or the end of time. */
static uint64_t deadline;
static uint64_t patience;

/* A turn of a stream, with room for a burst. Return: packets that were moved. */
typedef unsigned int turn_fn(struct stream *s, struct rte_mbuf **packets);

/* How many to move next. */
static inline unsigned int allowance(uint64_t done)
{
	uint64_t left = options->packets - done;

	return !options->packets || left > options->burst ? options->burst : left;
}

static inline bool complete(uint64_t done)
{
	return options->packets && done >= options->packets;
}

static inline uint64_t bytes_of(struct rte_mbuf **packets, unsigned int nr)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < nr; i++)
		bytes += packets[i]->pkt_len;
	return bytes;
}

static uint64_t seed_of(const struct stream *s)
{
	return options->seed + s->index;
}

static void check_frames(struct stream *s, struct rte_mbuf **packets, unsigned int nr, uint64_t now)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t number;
		int err = -ENOMSG;

		if (packets[i]->nb_segs == 1)
			err = frame_check(rte_pktmbuf_mtod(packets[i], void *), packets[i]->pkt_len,
					  seed_of(s), &number);
		s->damaged += err == -EBADMSG;
		s->foreign += err && err != -EBADMSG;
		if (err)
			continue;
		if (s->latency && number < s->book->max && !frame_book_has(s->book, number))
			histogram_add(s->latency, now - s->sent_at[number]);
		if (!s->book->arrived || number < s->first)
			s->first = number;
		frame_book_add(s->book, number);
	}
}

static unsigned int receive(struct stream *s, struct rte_mbuf **packets)
{
	unsigned int nr = rte_eth_rx_burst(s->port, s->queue, packets, allowance(s->rx_packets));

	if (!nr)
		return 0;
	s->rx_packets += nr;
	s->rx_bytes += bytes_of(packets, nr);
	if (options->check)
		check_frames(s, packets, nr, 0);
	rte_pktmbuf_free_bulk(packets, nr);
	s->done = complete(s->rx_packets);
	return nr;
}

/*
 * Do something wrong to the frame in the middle, if it is in this burst: a bit of the last byte in
 * front of its CRC is flipped, or it is not sent. Return: how many are left.
 */
static unsigned int break_middle(const struct stream *s, struct rte_mbuf **packets, unsigned int nr)
{
	const uint64_t at = options->packets / 2 - s->rx_packets;
	struct rte_mbuf *middle;

	if (at >= nr)
		return nr;
	middle = packets[at];
	if (options->fault == FAULT_DAMAGE) {
		rte_pktmbuf_mtod(middle, uint8_t *)[middle->data_len - 5] ^= 0x10;
		return nr;
	}
	memmove(packets + at, packets + at + 1, (nr - at - 1) * sizeof(*packets));
	rte_pktmbuf_free(middle);
	return nr - 1;
}

/* Frames that the port does not take are thrown away. */
static unsigned int forward(struct stream *s, struct rte_mbuf **packets)
{
	unsigned int nr = rte_eth_rx_burst(s->port, s->queue, packets, allowance(s->rx_packets));
	unsigned int sent, left = nr;
	uint64_t bytes;

	if (!nr)
		return 0;
	bytes = bytes_of(packets, nr);
	s->rx_bytes += bytes;
	if (unlikely(options->fault != FAULT_NONE)) {
		left = break_middle(s, packets, nr);
		bytes = bytes_of(packets, left);
	}
	s->rx_packets += nr;
	sent = rte_eth_tx_burst(s->to, s->queue, packets, left);
	s->tx_packets += sent;
	if (unlikely(sent < left)) {
		bytes -= bytes_of(packets + sent, left - sent);
		s->tx_dropped += left - sent;
		rte_pktmbuf_free_bulk(packets + sent, left - sent);
	}
	s->tx_bytes += bytes;
	s->done = complete(s->rx_packets);
	return nr;
}

/* Return: the number of the frame to send when it is @at's turn. */
static uint64_t number_at(uint64_t at)
{
	const uint64_t middle = options->packets / 2;

	switch (options->fault) {
	case FAULT_SKIP:
		return at + (at >= middle);
	case FAULT_TWICE:
		return at - (at > middle);
	case FAULT_SWAP:
		return at == middle ? at + 1 : at == middle + 1 ? at - 1 : at;
	default:
		return at;
	}
}

/* 198.18.0.0/15 is for benchmarks (RFC 2544); the port is that of discard. */
static void fill_flow(struct rte_mbuf *packet, uint32_t flow)
{
	struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(packet, struct rte_ether_hdr *);
	const uint16_t length = packet->pkt_len - sizeof(*ethernet);
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(length),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(RTE_IPV4(198, 18, 0, 0) + flow),
		.dst_addr = rte_cpu_to_be_32(RTE_IPV4(198, 19, 0, 1)),
	};
	const struct rte_udp_hdr udp = {
		.src_port = rte_cpu_to_be_16(9),
		.dst_port = rte_cpu_to_be_16(9),
		.dgram_len = rte_cpu_to_be_16(length - sizeof(ip)),
	};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	ethernet->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	memcpy(ethernet + 1, &ip, sizeof(ip));
	memcpy((uint8_t *)(ethernet + 1) + sizeof(ip), &udp, sizeof(udp));
}

static void fill(struct stream *s, struct rte_mbuf *packet, uint64_t at)
{
	uint8_t *frame = rte_pktmbuf_mtod(packet, uint8_t *);
	bool odd = options->packets && at == options->packets / 2;

	packet->data_len = s->size;
	packet->pkt_len = s->size;
	if (!options->check) {
		/* What is behind the head is whatever the memory holds, as with testpmd. */
		frame_prefix(frame, seed_of(s));
		return;
	}
	frame_build(frame, s->size, seed_of(s) + (odd && options->fault == FAULT_FOREIGN),
		    number_at(at));
	if (odd && options->fault == FAULT_DAMAGE)
		frame[s->size / 2 + 8] ^= 0x10;
}

/* Return: frames that were sent; those that the port does not take are made anew at the next turn. */
static unsigned int send_next(struct stream *s, struct rte_mbuf **packets, unsigned int nr)
{
	const uint64_t at = s->tx_packets;
	unsigned int sent;

	if (!nr || rte_pktmbuf_alloc_bulk(s->pool, packets, nr))
		return 0;
	for (unsigned int i = 0; i < nr; i++)
		fill(s, packets[i], at + i);
	/* Not there: it would cost those that need none. */
	for (unsigned int i = 0; options->flows && i < nr; i++)
		fill_flow(packets[i], (at + i) % options->flows);
	if (s->sent_at) {
		uint64_t now = rte_rdtsc();

		for (unsigned int i = 0; i < nr; i++)
			s->sent_at[number_at(at + i)] = now;
	}
	sent = rte_eth_tx_burst(s->to, s->queue, packets, nr);
	if (unlikely(sent < nr))
		rte_pktmbuf_free_bulk(packets + sent, nr - sent);
	for (unsigned int i = 0; s->sent_at && i < sent; i++)
		if (number_at(at + i) >= s->numbers)
			s->numbers = number_at(at + i) + 1;
	s->tx_packets += sent;
	s->tx_bytes += (uint64_t)sent * s->size;
	return sent;
}

static unsigned int transmit(struct stream *s, struct rte_mbuf **packets)
{
	unsigned int sent = send_next(s, packets, allowance(s->tx_packets));

	s->done = complete(s->tx_packets);
	return sent;
}

static __rte_always_inline unsigned int take_back(struct stream *s, struct rte_mbuf **packets)
{
	unsigned int nr = rte_eth_rx_burst(s->port, s->queue, packets, options->burst);

	if (nr) {
		s->rx_packets += nr;
		s->rx_bytes += bytes_of(packets, nr);
		check_frames(s, packets, nr, rte_rdtsc());
		rte_pktmbuf_free_bulk(packets, nr);
	}
	return nr;
}

/* At most a burst is under way, so that no ring overflows. */
static unsigned int loop(struct stream *s, struct rte_mbuf **packets)
{
	bool tired = s->last_cycles - s->moved_cycles > patience;
	unsigned int sent = 0, nr;

	if (s->rx_packets >= s->tx_packets || tired)
		sent = send_next(s, packets, allowance(s->tx_packets));
	nr = take_back(s, packets);
	s->done = complete(s->tx_packets) && (s->rx_packets >= s->tx_packets || (tired && !sent));
	return sent + nr;
}

/* Ended from outside, and not by its number of packets: what is under way is not lost for that. */
static void wait_for_rest(struct stream *s, struct rte_mbuf **packets)
{
	uint64_t since = rte_rdtsc();

	while (s->rx_packets < s->tx_packets && rte_rdtsc() - since < patience)
		if (take_back(s, packets))
			since = rte_rdtsc();
}

/* What is received at first; a frame less would make other bursts and figures. */
static bool prime(struct stream *s)
{
	struct rte_mbuf *packets[BURST_MAX];
	unsigned int left = options->prime, sent = 1;

	/* Those that are forwarded are still going round when the next run begins. */
	if (options->mode == MODE_FORWARD && s->run)
		left = 0;
	while (left && sent) {
		sent = send_next(s, packets, left < options->burst ? left : options->burst);
		left -= sent;
	}
	s->tx_packets = 0;
	s->tx_bytes = 0;
	return !left;
}

/* The intervals of an lcore: all its streams have the same. */
struct intervals {
	uint64_t length, end;
	unsigned int nr;
};

/* The first packet has been moved, and with it the first interval begins. */
static void begin_intervals(struct intervals *row, uint64_t now)
{
	if (row->length && row->end == UINT64_MAX)
		row->end = now + row->length;
}

/* The interval is over, and perhaps some more in which no turn ended. */
static void next_interval(struct intervals *row, uint64_t now)
{
	while (now >= row->end && row->nr < WORKLOAD_INTERVALS_MAX) {
		row->end += row->length;
		row->nr++;
	}
}

/* The streams of this lcore take turns. */
static int work(void *unused)
{
	static turn_fn *const modes[] = {
		[MODE_RX] = receive,
		[MODE_TX] = transmit,
		[MODE_FORWARD] = forward,
		[MODE_LOOP] = loop,
	};
	turn_fn *const turn = modes[options->mode];
	struct stream *mine[PORTS_MAX * QUEUES_MAX];
	struct rte_mbuf *packets[BURST_MAX];
	struct intervals row = { options->interval * rte_get_tsc_hz() / 1000000, UINT64_MAX, 0 };
	unsigned int nr = 0, left;
	uint64_t before, now;

	for (unsigned int i = 0; i < nr_all; i++)
		if (all[i].lcore == rte_lcore_id())
			mine[nr++] = &all[i];
	for (unsigned int i = 0; i < nr; i++) {
		mine[i]->ok = prime(mine[i]);
		mine[i]->done = !mine[i]->ok;
	}
	left = nr;
	now = rte_rdtsc();
	for (unsigned int i = 0; i < nr; i++)
		mine[i]->moved_cycles = now;
	while (left && now < deadline && !stopped) {
		left = 0;
		for (unsigned int i = 0; i < nr; i++) {
			struct stream *s = mine[i];
			unsigned int moved;

			if (unlikely(s->done))
				continue;
			before = now;
			s->last_cycles = before;
			moved = turn(s, packets);
			now = rte_rdtsc();
			s->polls++;
			if (unlikely(now >= row.end))
				next_interval(&row, now);
			if (moved) {
				s->busy_cycles += now - before;
				s->moved_cycles = now;
				if (unlikely(!s->first_cycles)) {
					s->first_cycles = now;
					begin_intervals(&row, now);
				}
				if (s->intervals)
					s->intervals[row.nr] += moved;
			} else {
				s->empty_polls++;
				s->empty_cycles += now - before;
			}
			left += !s->done;
		}
	}
	for (unsigned int i = 0; i < nr; i++)
		mine[i]->nr_intervals = row.nr;
	for (unsigned int i = 0; options->mode == MODE_LOOP && i < nr; i++)
		if (!mine[i]->done)
			wait_for_rest(mine[i], packets);
	return 0;
}

int streams_run(const struct options *o, struct stream *streams, unsigned int nr)
{
	options = o;
	all = streams;
	nr_all = nr;
	patience = rte_get_tsc_hz() / 1000 * PATIENCE_MS;
	deadline = o->seconds ? rte_rdtsc() + o->seconds * rte_get_tsc_hz() : UINT64_MAX;
	rte_eal_mp_remote_launch(work, NULL, CALL_MAIN);
	rte_eal_mp_wait_lcore();
	for (unsigned int i = 0; i < nr; i++)
		if (!streams[i].ok)
			return complain(
				-EIO,
				"queue %u: it does not take %u frames to begin with; give a smaller --prime",
				streams[i].queue, o->prime);
	return 0;
}

void streams_check(const struct options *o, const struct stream *streams, unsigned int nr,
		   unsigned int index, struct check *check)
{
	bool any = false;

	memset(check, 0, sizeof(*check));
	for (unsigned int i = 0; i < nr; i++) {
		const struct stream *s = &streams[i];

		if (s->index != index)
			continue;
		check->foreign += s->foreign;
		check->damaged += s->damaged;
		/* What is numbered beyond all that may have been sent is nobody's. */
		check->foreign += s->book->beyond;
		check->duplicated += s->book->duplicated;
		check->reordered += s->book->reordered;
		if (!s->book->arrived)
			continue;
		if (!any || s->first < check->first)
			check->first = s->first;
		if (!any || s->book->next - 1 > check->last)
			check->last = s->book->next - 1;
		any = true;
	}
	for (uint64_t number = check->first; any && number <= check->last; number++) {
		unsigned int times = 0;

		for (unsigned int i = 0; i < nr; i++)
			times += streams[i].index == index &&
				 frame_book_has(streams[i].book, number);
		check->arrived += times > 0;
		check->duplicated += times > 1 ? times - 1 : 0;
	}
	check->expected = any ? check->last - check->first + 1 : 0;
	/* Only who sent them knows of those in front of the first and behind the last. */
	for (unsigned int i = 0; o->mode == MODE_LOOP && i < nr; i++)
		if (streams[i].index == index)
			check->expected = streams[i].numbers;
	check->lost = check->expected > check->arrived ? check->expected - check->arrived : 0;
}

bool check_passed(const struct options *o, const struct check *check)
{
	return !o->check || (check->arrived && !check->lost && !check->duplicated &&
			     !check->reordered && !check->foreign && !check->damaged);
}
