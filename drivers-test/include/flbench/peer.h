/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of a network cable: a thread that sends numbered frames (frame.h) at a steady rate
 * into a datagram socket that QEMU's "-netdev dgram" reads, and that remembers what became of each
 * and when. It runs on the controller and knows nothing of the receiver.
 *
 * QEMU stops reading the socket while the receive ring of the device is full; the socket then has
 * room for a few frames (net.unix.max_dgram_qlen). A frame that finds no room within the patience
 * given is refused: on a real cable, the device would count it as missed.
 */
#ifndef FLBENCH_PEER_H
#define FLBENCH_PEER_H

#include <stdint.h>

struct peer;

/**
 * struct peer_config - what is sent, and where
 * @local: path of the peer's own socket (QEMU's remote.path), which is made
 * @remote: path of QEMU's socket (local.path); frames are sent once it is there
 * @seed: of the run
 * @interval_ns: from one frame to the next
 * @patience_ns: how long after its time a frame may still be sent
 * @bytes: length of a frame
 * @max: how many frames at most
 */
struct peer_config {
	const char *local;
	const char *remote;
	uint64_t seed;
	uint64_t interval_ns;
	uint64_t patience_ns;
	uint32_t bytes;
	uint64_t max;
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
 * peer_start - start sending
 * @peer: where the peer goes
 * @config: copied, but for @max, all of it is needed only during the call
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
 * peer_log - what became of the frames so far
 * @peer: the peer; paused, or else the last frame may have no fate yet
 * @log: filled in; its arrays are the peer's
 */
void peer_log(struct peer *peer, struct peer_log *log);

/**
 * peer_free - stop, and forget all
 * @peer: the peer, or NULL
 */
void peer_free(struct peer *peer);

#endif
