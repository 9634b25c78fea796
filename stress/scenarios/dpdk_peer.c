// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scenario "dpdk-peer": DPDK's cards are on cables to the controller, whose peer (rig_peer.c)
 * sends numbered frames and checks what comes back. In each kernel our program receives, sends and
 * forwards; the peer goes on sending while the kernel is replaced, and says what was lost. It
 * judges: the guest only tells what it received.
 */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <flbench/cleanup.h>

#include "../agent/agent.h"
#include "../agent/dpdk.h"
#include "scenarios.h"

/* Frames of one mode, and of the steady state before and after the jump. */
#define FRAMES 500
#define TX_FRAMES 2000
#define TWIN_FRAMES 64
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
/*
 * Our program gives up frames that do not come after so many seconds, and says which: before the agent
 * gives up the program, and after the last one is sent at the longest interval.
 */
#define PATIENCE "45"
#define FOREVER "86400"

/* The program that forwards while the kernel is left; it ends with it. */
static struct program forwarder;

/* Return: 0, or a negative errno with the words: the controller says no, and its check why. */
static __attribute__((format(printf, 2, 3))) int ask(struct agent *a, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (event_ask(&a->log, line) >= 0)
		return 0;
	return world_problem(&a->w, -EPROTO, "the controller refuses '%s': see its checks", line);
}

/* Return: 0 if it found nothing wrong, else a negative errno with the words. */
static int end(struct agent *a, struct program *program)
{
	int ended = dpdk_end(a, program, NULL);

	return ended > 0 ? world_problem(&a->w, -EIO, "DPDK found frames that are wrong") : ended;
}

/* It is left without a report, for @err, whose words stay. */
static int give_up(struct agent *a, struct program *program, int err)
{
	char words[sizeof(a->w.problem)];

	memcpy(words, a->w.problem, sizeof(words));
	kill(program->pid, SIGKILL);
	dpdk_end(a, program, NULL);
	memcpy(a->w.problem, words, sizeof(words));
	return err;
}

/* Start it, on a cable on which nothing is under way, and wait until frames can come. */
static int start(struct agent *a, struct program *program, unsigned int nr_cards,
		 const char *const options[])
{
	int err = ask(a, "cable listen");

	if (!err)
		err = dpdk_start(a, program, nr_cards, options);
	if (err)
		return err;
	err = dpdk_wait_until_ready(a, program);
	return err ? give_up(a, program, err) : 0;
}

/* What the controller sends is received and checked; the program ends when it has all. */
static int receive(struct agent *a)
{
	char seed[24];
	const char *const options[] = { DPDK_HUGE, "-m",	    "rx", "--check", "--seed", seed,
					"-n", TEXT(FRAMES), "-t", PATIENCE,  NULL };
	static const char *const figures[] = {
		"arrived_frames",	 "lost_frames",	   "duplicated_frames",
		"reordered_frames",	 "damaged_frames", "foreign_frames",
		"device_missed_packets", "first_number",   "last_number"
	};
	struct json_object *report __json = NULL;
	struct program program;
	/* A blank and up to 20 digits each. */
	char line[16 + 21 * sizeof(figures) / sizeof(figures[0])] = "cable rx";
	int err;

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)a->c.seed);
	err = start(a, &program, 1, options);
	if (err)
		return err;
	err = ask(a, "cable send %d", FRAMES);
	if (err)
		return give_up(a, &program, err);
	/*
	 * A number that was refused is missing, which the program calls lost: the controller
	 * knows.
	 */
	err = dpdk_end(a, &program, &report);
	for (size_t i = 0; err >= 0 && i < sizeof(figures) / sizeof(figures[0]); i++) {
		size_t used = strlen(line);

		snprintf(line + used, sizeof(line) - used, " %llu",
			 (unsigned long long)dpdk_figure(report, figures[i], -1, DPDK_SUM));
	}
	return err < 0 ? err : ask(a, "%s", line);
}

static int transmit(struct agent *a)
{
	char seed[24];
	const char *const options[] = { DPDK_HUGE,	  "-m",	    "tx", "--check",
					"--seed", seed,	    "-n", TEXT(TX_FRAMES),
					"-t",	  PATIENCE, NULL };
	struct program program;
	int err;

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)a->c.seed);
	err = start(a, &program, 1, options);
	if (!err)
		err = end(a, &program);
	return err ? err : ask(a, "cable tx %d", TX_FRAMES);
}

/* Out of the card that it came into; one of them is damaged on its way, and has to be noticed. */
static int damage(struct agent *a)
{
	static const char *const options[] = {
		DPDK_HUGE,	   "-m",     "forward", "-n",	  TEXT(TWIN_FRAMES),
		"--fault", "damage", "-t",	PATIENCE, NULL
	};
	struct program program;
	int err = start(a, &program, 1, options);

	if (err)
		return err;
	err = ask(a, "cable send %d", TWIN_FRAMES);
	err = err ? give_up(a, &program, err) : end(a, &program);
	return err ? err : ask(a, "cable twin");
}

/* In by one card and out by the other. What comes before the program looks waits in a long ring. */
static const char *const forward[] = { DPDK_HUGE, "-m", "forward", "-d", "4096", "-t", FOREVER, NULL };

/* The controller has been sending all the time. */
static int come_back(struct agent *a)
{
	struct program program;
	int err = dpdk_start(a, &program, 2, forward);

	if (err)
		return err;
	err = ask(a, "cable steady after %d", FRAMES);
	if (!err)
		err = ask(a, "cable stop");
	if (err)
		return give_up(a, &program, err);
	kill(program.pid, SIGTERM);
	err = end(a, &program);
	return err ? err : ask(a, "cable gap");
}

int dpdk_peer_boot(struct agent *a)
{
	int err;

	event_stage(&a->log, "peer", true);
	err = ask(a, "cable boot %u", a->log.cycle);
	if (!err)
		err = dpdk_take(a);
	if (!err && a->log.cycle)
		err = come_back(a);
	if (!err)
		err = receive(a);
	if (!err)
		err = transmit(a);
	if (!err && !a->log.cycle)
		err = damage(a);
	if (err)
		return agent_error(a, "peer", err);
	event_stage(&a->log, "peer", false);
	return 0;
}

/* What goes on until the jump is what has to come back; it is not stopped. */
int dpdk_peer_preserve(struct agent *a)
{
	int err = start(a, &forwarder, 2, forward);

	if (!err)
		err = ask(a, "peer on");
	if (!err)
		err = ask(a, "cable steady before %d", FRAMES);
	return err ? agent_error(a, "peer-forward", err) : 0;
}
