// SPDX-License-Identifier: GPL-2.0-only
/* What testpmd says, as DPDK 22.11 prints it: read right, or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "testpmd.h"

/* Counts of two ports with as many polls each. */
#define COUNTS(polls, cycles, engine, packets)                                             \
	"  ---------------------- Forward statistics for port 0  ----------------------\n" \
	"  RX-packets: 64             RX-dropped: 0             RX-total: 64\n"            \
	"  RX-bursts : " polls " [0% of 0 pkts + 100% of 32 pkts]\n"                       \
	"  TX-bursts : 7 [0% of 0 pkts + 100% of 32 pkts]\n"                               \
	"  ---------------------- Forward statistics for port 1  ----------------------\n" \
	"  RX-bursts : " polls " [0% of 0 pkts + 100% of 32 pkts]\n"                       \
	"  TX-bursts : 7 [0% of 0 pkts + 100% of 32 pkts]\n"                               \
	"  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++\n"  \
	"\n  CPU cycles/packet=275.98 (total cycles=" cycles " / total " engine            \
	" packets=" packets ") at 1000 MHz Clock\ntestpmd> "

static void a_run(void **state)
{
	static const char text[] = "EAL: noise\ntestpmd> " COUNTS("10", "1000", "io", "640")
		COUNTS("20", "3500", "io", "1280") COUNTS("30", "9000", "io", "1600")
			COUNTS("1", "1", "io", "1");
	struct dpdk_run run;
	const char *rest = testpmd_read(text, DPDK_FORWARD, &run);

	assert_non_null(rest);
	/* From the first to the second. */
	assert_int_equal(run.packets, 640);
	assert_int_equal(run.busy, 2500);
	assert_int_equal(run.counted, 2500);
	/* Of all: 2 * 30 polls, 1600 / 32 of them with packets. */
	assert_int_equal(run.polls, 60);
	assert_int_equal(run.empty_polls, 10);
	/* What is left is no run any more. */
	assert_null(testpmd_read(rest, DPDK_FORWARD, &run));
}

/* A prompt that cuts a word in two, as it happens when a buffer is full there. */
static void prompts_in_the_middle(void **state)
{
	char text[] =
		"testpmd> set fwd io\ntestpmd> start\nCPU cycles/packtestpmd> stop\ntestpmd> quit\net=2 (total\ntestpmd> ";
	char all[4096], cut[2 * sizeof(all)];
	struct dpdk_run whole, run;
	const size_t half = sizeof(COUNTS("10", "1000", "io", "640")) - 40;

	testpmd_strip_prompts(text);
	assert_string_equal(text, "CPU cycles/packet=2 (total\n");
	testpmd_strip_prompts(text);
	assert_string_equal(text, "CPU cycles/packet=2 (total\n");
	snprintf(all, sizeof(all), "%s",
		 COUNTS("10", "1000", "io", "640") "\n" COUNTS(
			 "20", "3500", "io", "1280") "\n" COUNTS("30", "9000", "io", "1600"));
	snprintf(cut, sizeof(cut), "%.*stestpmd> stop\n%s", (int)half, all, all + half);
	testpmd_strip_prompts(all);
	testpmd_strip_prompts(cut);
	assert_string_equal(cut, all);
	assert_non_null(testpmd_read(all, DPDK_FORWARD, &whole));
	assert_non_null(testpmd_read(cut, DPDK_FORWARD, &run));
	assert_memory_equal(&run, &whole, sizeof(run));
}

static void receiving(void **state)
{
	static const char text[] = COUNTS("500", "9600", "rxonly", "64")
		COUNTS("900", "9600", "rxonly", "64") COUNTS("1000", "9600", "rxonly", "65");
	struct dpdk_run run;

	assert_non_null(testpmd_read(text, DPDK_RX, &run));
	assert_int_equal(run.packets, 65);
	assert_int_equal(run.busy, 9600);
	/* The last burst need not be full. */
	assert_int_equal(run.empty_polls, 2000 - 3);
}

static void sending(void **state)
{
	static const char text[] = COUNTS("0", "100", "txonly", "64")
		COUNTS("0", "300", "txonly", "128") COUNTS("0", "900", "txonly", "448");
	struct dpdk_run run;

	assert_non_null(testpmd_read(text, DPDK_TX, &run));
	assert_int_equal(run.polls, 14);
	assert_int_equal(run.empty_polls, 0);
	assert_int_equal(run.busy, 200);
}

static void no_run(void **state)
{
	struct dpdk_run run;

	assert_null(testpmd_read("", DPDK_TX, &run));
	assert_null(testpmd_read(NULL, DPDK_TX, &run));
	assert_null(testpmd_read("testpmd> stop\nPacket forwarding not started\n", DPDK_TX, &run));
	assert_null(testpmd_read(COUNTS("1", "1", "io", "32") COUNTS("1", "1", "io", "64"),
				 DPDK_FORWARD, &run));
	/* Nothing moved between. */
	assert_null(testpmd_read(COUNTS("1", "1", "io", "32") COUNTS("1", "1", "io", "32")
					 COUNTS("1", "1", "io", "32"),
				 DPDK_FORWARD, &run));
	assert_null(testpmd_read("CPU cycles/packet=nan (total cycles=x / total io packets=y)",
				 DPDK_TX, &run));
}

static void median(void **state)
{
	struct dpdk_run runs[] = {
		{ .busy = 900, .packets = 3 }, { .busy = 100, .packets = 1 },
		{ .busy = 10, .packets = 2 },  { .busy = 4000, .packets = 2 },
		{ .busy = 7, .packets = 7 },
	};

	/* 300, 100, 5, 2000, 1 */
	assert_int_equal(dpdk_median(runs, 5)->busy, 100);
}

static void sending_is_taken_away(void **state)
{
	struct dpdk_run rx[] = { { .busy = 443, .counted = 443, .packets = 1 },
				 { .busy = 4430, .counted = 4430, .packets = 10 },
				 { .busy = 900, .counted = 900, .packets = 2 } };
	const struct dpdk_run tx[] = { { .busy = 9999, .packets = 1 },
				       { .busy = 528, .packets = 2 },
				       { .busy = 1, .packets = 1 } };

	assert_int_equal(testpmd_take_sending_away(rx, tx, 3), 0);
	assert_int_equal(rx[0].busy, 443 - 264);
	assert_int_equal(rx[1].busy, 4430 - 2640);
	assert_int_equal(rx[1].counted, 4430);
	rx[2].busy = 528;
	assert_int_equal(testpmd_take_sending_away(rx, tx, 3), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run),
		cmocka_unit_test(receiving),
		cmocka_unit_test(prompts_in_the_middle),
		cmocka_unit_test(sending),
		cmocka_unit_test(no_run),
		cmocka_unit_test(median),
		cmocka_unit_test(sending_is_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
