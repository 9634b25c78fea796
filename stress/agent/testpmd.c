// SPDX-License-Identifier: GPL-2.0-only
/* What testpmd says; see the header. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testpmd.h"

void testpmd_strip_prompts(char *text)
{
	char *prompt = text;

	while ((prompt = strstr(prompt, TESTPMD_PROMPT))) {
		const char *end = strchrnul(prompt, '\n');

		memmove(prompt, end + (*end == '\n'), strlen(end + (*end == '\n')) + 1);
	}
}

/* What it has done since its start. */
static const char *read_counts(const char *text, enum dpdk_mode mode, struct dpdk_run *run)
{
	const char *const bursts = mode == DPDK_TX ? "TX-bursts : " : "RX-bursts : ";
	const char *end = text ? strstr(text, "CPU cycles/packet=") : NULL;
	const char *total = end ? strstr(end, "cycles=") : NULL;
	unsigned long long ticks, packets;
	uint64_t full;

	if (!total || sscanf(total, "cycles=%llu / total %*s packets=%llu", &ticks, &packets) != 2)
		return NULL;
	*run = (struct dpdk_run){ .packets = packets, .busy = ticks };
	for (const char *at = text; (at = strstr(at, bursts)) && at < end; at += strlen(bursts))
		run->polls += strtoull(at + strlen(bursts), NULL, 10);
	full = (packets + TESTPMD_BURST - 1) / TESTPMD_BURST;
	run->empty_polls = run->polls > full ? run->polls - full : 0;
	return total;
}

const char *testpmd_read(const char *text, enum dpdk_mode mode, struct dpdk_run *run)
{
	struct dpdk_run first, second, last;

	text = read_counts(text, mode, &first);
	text = read_counts(text, mode, &second);
	text = read_counts(text, mode, &last);
	if (!text)
		return NULL;
	/* Polls are read last when counts are shown, and fit the others only when all stand still. */
	*run = last;
	if (mode != DPDK_RX) {
		run->packets = second.packets - first.packets;
		run->busy = second.busy - first.busy;
	}
	run->counted = run->busy;
	return run->packets ? text : NULL;
}

static int by_cost(const void *one, const void *other)
{
	const struct dpdk_run *x = one, *y = other;
	/* Of whole ticks, without dividing. */
	const __uint128_t left = (__uint128_t)x->busy * y->packets,
			  right = (__uint128_t)y->busy * x->packets;

	return left < right ? -1 : left > right;
}

const struct dpdk_run *dpdk_median(struct dpdk_run *runs, size_t nr)
{
	qsort(runs, nr, sizeof(*runs), by_cost);
	return &runs[nr / 2];
}

int testpmd_take_sending_away(struct dpdk_run *rx, const struct dpdk_run *tx, size_t nr)
{
	struct dpdk_run *sorted = malloc(nr * sizeof(*sorted));
	struct dpdk_run sending;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, tx, nr * sizeof(*sorted));
	sending = *dpdk_median(sorted, nr);
	free(sorted);
	for (size_t i = 0; i < nr; i++) {
		uint64_t sent = (__uint128_t)sending.busy * rx[i].packets / sending.packets;

		if (rx[i].busy <= sent)
			return -EPROTO;
		rx[i].busy -= sent;
	}
	return 0;
}
