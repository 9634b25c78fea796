// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer at the other end of the guest's cable: started and stopped, and, where the guest sends
 * back what it gets, asked whether each frame came back once, whole and in order. Across a live
 * update the peer goes on sending: what was due while nobody was there is counted by the frames'
 * numbers. See rig.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "rig_internal.h"

/* A frame that a guest which sends back does not take within this is refused. */
#define PATIENCE_NS 5000000ull
/* How long a guest may take until it sends, and then for what is missing. */
#define START_NS 60000000000ull
#define SETTLE_NS 5000000000ull
/* Nothing came for so long: nothing is under way any more. */
#define QUIET_NS 300000000ull

typedef unsigned long long ull;

static int start(struct rig *rig, uint64_t patience_ns, bool idle)
{
	const struct peer_config config = {
		.local = rig->config.local,
		.remote = rig->config.remote,
		.seed = rig->config.seed,
		.interval_ns = rig->config.frame_interval_ns,
		/* One that finds no room for so long is refused. */
		.patience_ns = patience_ns,
		.bytes = PEER_FRAME_BYTES,
		.max = rig->config.frames_max,
		.idle = idle,
	};

	return peer_start(&rig->peer, &config);
}

static long long start_peer(struct rig *rig, const char *line)
{
	unsigned int patience_ms;

	if (rig->peer) {
		peer_continue(rig->peer);
		return 0;
	}
	if (sscanf(line, "%u", &patience_ms) != 1)
		return -EINVAL;
	return start(rig, patience_ms * 1000000ull, false);
}

/* Return: frames that were due so far. */
static long long stop_peer(struct rig *rig)
{
	struct peer_log log;

	if (!rig->peer)
		return -EINVAL;
	peer_pause(rig->peer);
	peer_log(rig->peer, &log);
	return log.nr;
}

/* ---- frames that come back ---- */

/* What counts since the guest was listened to. */
static void account(struct rig *rig, struct peer_account *account)
{
	peer_account(rig->peer, rig->cable.from, UINT64_MAX, account);
}

/* Has anything come that should not have? */
static bool is_clean(const struct peer_account *a)
{
	return !a->impossible && !a->duplicated && !a->reordered && !a->damaged && !a->foreign;
}

static const char *words(const struct peer_account *a)
{
	static char text[160];

	snprintf(text, sizeof(text),
		 "%llu duplicated, %llu out of order, %llu damaged, %llu foreign",
		 (ull)a->duplicated, (ull)a->reordered, (ull)a->damaged,
		 (ull)(a->foreign + a->impossible));
	return text;
}

/* Is the machine gone? Then nothing comes that could be waited for. */
static bool is_gone(const struct rig *rig)
{
	struct pollfd serial = { .fd = rig->config.serial_fd };

	return poll(&serial, 1, 0) > 0;
}

/* Are there no more numbers, so that nothing more can be sent? It would look like loss. */
static bool is_used_up(struct rig *rig)
{
	struct peer_counts counts;

	peer_counts(rig->peer, &counts);
	return counts.due == rig->config.frames_max;
}

/* The check that cannot be made for that. */
static long long no_numbers(struct rig *rig, const char *name)
{
	rig_check(
		rig, name, false,
		"the peer has no numbers left: fewer cycles or a longer frame_interval; it has %u of them, and each frame that is due takes one",
		rig->config.frames_max);
	return -ENOSPC;
}

/* Whatever is under way arrives. */
static void settle(struct rig *rig)
{
	const uint64_t begin = rig_now_ns();
	uint64_t changed = begin, came = 0;
	struct peer_counts now;

	while (rig_now_ns() - changed < QUIET_NS && rig_now_ns() - begin < SETTLE_NS &&
	       !is_gone(rig)) {
		peer_counts(rig->peer, &now);
		if (now.came != came || !peer_at_rest(rig->peer))
			changed = rig_now_ns();
		came = now.came;
		rig_pause_ms(1);
	}
}

/* A kernel begins: what comes back from now on is its. */
static long long boot(struct rig *rig, const char *line)
{
	struct peer_account now;

	if (sscanf(line, "%ld", &rig->cycle) != 1)
		return -EINVAL;
	rig->cable.boot_ns = rig_now_ns();
	if (rig->peer) {
		account(rig, &now);
		rig->cable.received = now.received;
	}
	return 0;
}

static long long listen_anew(struct rig *rig)
{
	int err = rig->peer ? 0 : start(rig, PATIENCE_NS, true);

	if (err)
		return err;
	rig->cable.from = peer_listen(rig->peer);
	rig->cable.received = 0;
	return 0;
}

/* Send so many. Return: how many were taken. */
static long long send_some(struct rig *rig, const char *line)
{
	const uint64_t end = rig_now_ns() + START_NS;
	struct peer_account now;
	unsigned int nr;

	if (sscanf(line, "%u", &nr) != 1)
		return -EINVAL;
	peer_send(rig->peer, nr);
	while (!peer_at_rest(rig->peer) && rig_now_ns() < end && !is_gone(rig))
		rig_pause_ms(1);
	if (is_used_up(rig))
		return no_numbers(rig, "peer-send");
	account(rig, &now);
	return now.sent;
}

static long long stop_sending(struct rig *rig)
{
	peer_pause(rig->peer);
	settle(rig);
	return 0;
}

/* The guest received, and says what: each frame that it was sent; its card's ring has room for all. */
static long long judge_rx(struct rig *rig, const char *line)
{
	ull arrived, absent, duplicated, reordered, damaged, foreign, missed, first, last;
	struct peer_account a;
	struct peer_log log;
	bool ok;

	if (sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu %llu", &arrived, &absent,
		   &duplicated, &reordered, &damaged, &foreign, &missed, &first, &last) != 9)
		return -EINVAL;
	account(rig, &a);
	peer_log(rig->peer, &log);
	ok = a.sent && arrived == a.sent && !missed && absent <= a.refused && !duplicated &&
	     !reordered && !damaged && !foreign && first >= rig->cable.from && last < log.nr;
	rig_check(
		rig, "peer-rx", ok,
		"to the guest: %llu frames due, %llu sent, %llu refused; it received %llu, numbers %llu to %llu, its card missed %llu; %llu duplicated, %llu out of order, %llu damaged, %llu foreign",
		(ull)a.due, (ull)a.sent, (ull)a.refused, arrived, first, last, missed, duplicated,
		reordered, damaged, foreign);
	rig_metric(rig, "rx_frames_sent", "frames", a.sent, NULL);
	rig_metric(rig, "rx_frames_received", "frames", arrived, NULL);
	return ok ? 0 : -1;
}

/* The guest sent so many, with numbers from 0. */
static long long judge_tx(struct rig *rig, const char *line)
{
	struct peer_account a;
	bool ok;
	ull nr;

	if (sscanf(line, "%llu", &nr) != 1)
		return -EINVAL;
	settle(rig);
	account(rig, &a);
	ok = nr && a.received == nr && a.next == nr && is_clean(&a);
	rig_check(
		rig, "peer-tx", ok,
		"from the guest: of %llu frames sent %llu are here, and %llu numbers below them are not; %s",
		nr, (ull)a.received, (ull)(a.next - a.received), words(&a));
	rig_metric(rig, "tx_frames_sent", "frames", nr, NULL);
	rig_metric(rig, "tx_frames_received", "frames", a.received, NULL);
	return ok ? 0 : -1;
}

static const char *number_text(uint64_t number, char text[24])
{
	if (number == FRAME_NO_NUMBER)
		return "unknown";
	snprintf(text, 24, "%llu", (ull)number);
	return text;
}

/*
 * The guest damaged one: the others come back, and the one that does not is the one that is named.
 */
static long long judge_twin(struct rig *rig)
{
	struct peer_account a;
	char one[24], other[24];
	bool ok;

	settle(rig);
	account(rig, &a);
	ok = a.damaged == 1 && a.lost == 1 && a.first_damaged == a.first_lost && !a.duplicated &&
	     !a.reordered && !a.foreign && !a.impossible;
	rig_check(
		rig, "peer-twin", ok,
		"of %llu frames the guest damaged one on purpose: %llu came back whole, %llu damaged (number %s), %llu did not (number %s)",
		(ull)a.sent, (ull)a.returned, (ull)a.damaged, number_text(a.first_damaged, one),
		(ull)a.lost, number_text(a.first_lost, other));
	return ok ? 0 : -1;
}

/*
 * Return: true if @enough of what is asked for was so in time, and while the machine was there; @a is
 * what it is then.
 */
static bool wait_for(struct rig *rig, uint64_t from, uint64_t to, uint64_t timeout_ns,
		     bool (*enough)(const struct peer_account *a, uint64_t nr), uint64_t nr,
		     struct peer_account *a)
{
	const uint64_t end = rig_now_ns() + timeout_ns;
	bool is;

	do {
		rig_pause_ms(1);
		peer_account(rig->peer, from, to, a);
		is = enough(a, nr);
	} while (!is && rig_now_ns() < end && !is_gone(rig) && !is_used_up(rig));
	return is;
}

static bool received_more(const struct peer_account *a, uint64_t nr)
{
	return a->received > nr;
}

static bool sent_so_many(const struct peer_account *a, uint64_t nr)
{
	return a->sent >= nr;
}

static bool all_returned(const struct peer_account *a, uint64_t unused)
{
	return a->returned == a->sent;
}

/* In the steady state as many come back as are sent: look at so many, from the first one on. */
static long long judge_steady(struct rig *rig, const char *line)
{
	struct peer_account a;
	struct peer_log log;
	char when[16], name[32];
	unsigned int nr;
	uint64_t from;
	bool ok;

	if (sscanf(line, "%15s %u", when, &nr) != 2)
		return -EINVAL;
	ok = wait_for(rig, rig->cable.from, UINT64_MAX, START_NS, received_more,
		      rig->cable.received, &a);
	peer_log(rig->peer, &log);
	from = log.nr;
	ok = ok && wait_for(rig, from, UINT64_MAX, START_NS, sent_so_many, nr, &a);
	ok = wait_for(rig, from, from + a.due, SETTLE_NS, all_returned, 0, &a) && ok &&
	     is_clean(&a);
	snprintf(name, sizeof(name), "peer-%s", when);
	if (is_used_up(rig))
		return no_numbers(rig, name);
	rig_check(rig, name, ok,
		  "through the guest: %llu frames due, %llu sent, %llu refused, %llu came back; %s",
		  (ull)a.due, (ull)a.sent, (ull)a.refused, (ull)a.returned, words(&a));
	snprintf(name, sizeof(name), "%s_frames_sent", when);
	rig_metric(rig, name, "frames", a.sent, NULL);
	snprintf(name, sizeof(name), "%s_frames_returned", when);
	rig_metric(rig, name, "frames", a.returned, NULL);
	return ok ? 0 : -1;
}

/* All that was sent since before the jump: what is lost was due while nobody was there. */
static long long judge_gap(struct rig *rig)
{
	struct peer_account all, gap = { 0 };
	struct peer_gap at;
	int err = peer_gap(rig->peer, rig->cable.boot_ns, &at);
	bool ok;

	if (is_used_up(rig))
		return no_numbers(rig, "peer-gap");
	account(rig, &all);
	if (!err)
		peer_account(rig->peer, at.last + 1, at.next, &gap);
	ok = !err && all.lost == gap.lost && all.received == all.returned && is_clean(&all);
	rig_check(
		rig, "peer-gap", ok,
		"across the jump, of %llu frames due %llu came back; the last one before it is number %llu, the first one after it %llu; due between these: %llu, of which %llu were refused, %llu came back late, and %llu were lost; lost elsewhere: %llu; %s",
		(ull)all.due, (ull)all.returned, (ull)at.last, (ull)at.first, (ull)gap.due,
		(ull)gap.refused, (ull)gap.returned, (ull)gap.lost, (ull)(all.lost - gap.lost),
		words(&all));
	rig_metric(rig, "gap_frames_due", "frames", gap.due, NULL);
	rig_metric(rig, "gap_frames_refused", "frames", gap.refused, NULL);
	rig_metric(rig, "gap_frames_late", "frames", gap.returned, NULL);
	rig_metric(rig, "gap_frames_lost", "frames", gap.lost, NULL);
	return ok ? 0 : -1;
}

static long long answer_cable(struct rig *rig, const char *line)
{
	char word[16] = "";
	int rest = 0;

	sscanf(line, "%15s %n", word, &rest);
	line += rest;
	if (!strcmp(word, "boot"))
		return boot(rig, line);
	if (!strcmp(word, "listen"))
		return listen_anew(rig);
	if (!rig->peer)
		return -EINVAL;
	if (!strcmp(word, "send"))
		return send_some(rig, line);
	if (!strcmp(word, "stop"))
		return stop_sending(rig);
	if (!strcmp(word, "rx"))
		return judge_rx(rig, line);
	if (!strcmp(word, "tx"))
		return judge_tx(rig, line);
	if (!strcmp(word, "twin"))
		return judge_twin(rig);
	if (!strcmp(word, "steady"))
		return judge_steady(rig, line);
	if (!strcmp(word, "gap"))
		return judge_gap(rig);
	return -EINVAL;
}

bool rig_peer_answer(struct rig *rig, const char *line, long long *number)
{
	char word[16] = "";
	int rest = 0;

	sscanf(line, "%15s %n", word, &rest);
	line += rest;
	if (!strcmp(word, "cable"))
		*number = answer_cable(rig, line);
	else if (!strcmp(word, "peer"))
		*number = strncmp(line, "on", 2) ? stop_peer(rig) : start_peer(rig, line + 2);
	else
		return false;
	return true;
}
