/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of a network cable: a thread that sends numbered frames (frame.h) at a steady rate,
 * and remembers what became of each and when, and one that receives, and checks each byte and the
 * order of what comes back. The cable is a datagram socket that QEMU's "-netdev dgram" reads, or
 * any socket on which a datagram is a frame. The peer runs on the controller and knows nothing of
 * the other end.
 *
 * QEMU stops reading the socket while the receive ring of the device is full; the socket then has
 * room for a few frames (net.unix.max_dgram_qlen). A frame that finds no room within the patience
 * given is refused: on a real cable, the device would count it as missed.
 */
#ifndef FLBENCH_PEER_H
#define FLBENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* Length of the frames that flbench sends. */
#define PEER_FRAME_BYTES 700u

struct peer;

/**
 * struct peer_config - what is sent, and where
 * @local: path of the peer's own socket (QEMU's remote.path), which is made; NULL: @fd is used
 * @remote: path of QEMU's socket (local.path); frames are sent once it is there
 * @fd: without @local: a datagram socket that is connected, or a packet socket that is bound to an
 *	interface; the caller's
 * @seed: of the run
 * @interval_ns: from one frame to the next
 * @patience_ns: how long after its time a frame may still be sent
 * @bytes: length of a frame
 * @max: how many frames at most
 * @idle: begin as after peer_pause()
 */
struct peer_config {
	const char *local;
	const char *remote;
	int fd;
	uint64_t seed;
	uint64_t interval_ns;
	uint64_t patience_ns;
	uint32_t bytes;
	uint64_t max;
	bool idle;
};

/**
 * struct peer_log - what became of the frames
 * @nr: frames that were due so far; their numbers are 0 to @nr - 1
 * @due_ns: when each was due, CLOCK_MONOTONIC
 * @sent_ns: when each was taken by the socket; 0 for a refused one
 * @fates: enum frame_fate of each
 */
struct peer_log {
	uint64_t nr;
	const uint64_t *due_ns;
	const uint64_t *sent_ns;
	const uint8_t *fates;
};

/**
 * struct peer_account - the frames of a range of numbers, each in one column; and what came back
 * @due: of the range: @sent + @refused
 * @sent: taken by the socket: @returned + @lost
 * @refused: not taken
 * @returned: came back whole
 * @lost: did not
 * @first_lost: the number of the first of these, or FRAME_NO_NUMBER
 * @impossible: came back without having been sent
 * @received: whole frames that came since peer_listen(), of any number, each counted once
 * @next: one more than the highest number among them
 * @duplicated: that came again
 * @reordered: that came after one with a higher number
 * @damaged: with wrong bytes
 * @first_damaged: the number of the first of these, as far as it can be told, or FRAME_NO_NUMBER
 * @foreign: that are none of this seed
 */
struct peer_account {
	uint64_t due, sent, refused, returned, lost, first_lost, impossible;
	uint64_t received, next, duplicated, reordered, damaged, first_damaged, foreign;
};

/**
 * struct peer_counts - how far it is
 * @due: frames that were due so far
 * @sent: of these, taken by the socket
 * @came: frames that came since peer_listen(), of whatever kind
 * @error: 0, or the negative errno with which a socket of the caller's broke, as -ENETDOWN; nothing is
 *	sent after it
 */
struct peer_counts {
	uint64_t due, sent, came;
	int error;
};

/**
 * struct peer_gap - when nothing came back
 * @last: number of the last frame that came back before
 * @first: number of the first one that came back after
 * @next: number of the first frame that was due when that had come: @last + 1 to @next - 1 were due
 *	in the gap
 */
struct peer_gap {
	uint64_t last, first, next;
};

/**
 * peer_start - start sending
 * @peer: where the peer goes
 * @config: copied; its texts are needed only during the call
 *
 * Return: 0; -EINVAL for numbers out of range, -ENAMETOOLONG for a path that fits no socket, or
 * another negative errno.
 */
int peer_start(struct peer **peer, const struct peer_config *config);

/**
 * peer_pause - stop sending; no frame is due until peer_continue()
 * @peer: the peer
 *
 * When it returns, every frame that was due has its fate.
 */
void peer_pause(struct peer *peer);

/**
 * peer_continue - go on after peer_pause()
 * @peer: the peer
 */
void peer_continue(struct peer *peer);

/**
 * peer_send - send some frames more, and then stop
 * @peer: the peer
 * @nr: how many are to be taken by the socket; others may be refused meanwhile
 *
 * Ends at once what peer_pause() began.
 */
void peer_send(struct peer *peer, uint64_t nr);

/**
 * peer_at_rest - has everything been sent that was to be, and been taken at the other end?
 * @peer: the peer
 *
 * Return: true if nothing is under way and nothing will be.
 */
bool peer_at_rest(struct peer *peer);

/**
 * peer_log - what became of the frames so far
 * @peer: the peer; paused, or else the last frame may have no fate yet
 * @log: filled in; its arrays are the peer's
 */
void peer_log(struct peer *peer, struct peer_log *log);

/**
 * peer_listen - forget what came back so far
 * @peer: the peer
 *
 * Return: the number of the next frame.
 */
uint64_t peer_listen(struct peer *peer);

/**
 * peer_counts - how far is it? Looks at no single frame, so that it can be asked often
 * @peer: the peer
 * @counts: filled in
 */
void peer_counts(struct peer *peer, struct peer_counts *counts);

/**
 * peer_account - what became of some frames, and what came back
 * @peer: the peer
 * @from: the first number
 * @to: the last one and 1; what is not due yet does not count
 * @account: filled in
 */
void peer_account(struct peer *peer, uint64_t from, uint64_t to, struct peer_account *account);

/**
 * peer_gap - look for the last frame that came back before a moment, and the first one after it
 * @peer: the peer
 * @at_ns: CLOCK_MONOTONIC
 * @gap: filled in
 *
 * Return: 0; -ENOENT when nothing came back before, or nothing after.
 */
int peer_gap(struct peer *peer, uint64_t at_ns, struct peer_gap *gap);

/**
 * peer_free - stop, and forget all
 * @peer: the peer, or NULL
 */
void peer_free(struct peer *peer);

#endif
