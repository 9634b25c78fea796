// SPDX-License-Identifier: GPL-2.0-only
/* A sender of numbered frames; see the header. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <flbench/frame.h>
#include <flbench/peer.h>

#define SECOND_NS 1000000000ull
/* How long to sleep while there is nobody to send to. */
#define RETRY_NS 1000000ull

struct peer {
	struct peer_config config;
	struct sockaddr_un local, remote;
	int fd;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: what is wanted, and whether the thread is at rest. */
	bool pause, stop, paused;
	uint64_t nr;
	uint64_t *due_ns, *sent_ns;
	uint8_t *fates;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec at = { .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* Whatever the machine sends goes nowhere. */
static void drain(struct peer *peer)
{
	char byte;

	while (recv(peer->fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		;
}

/* Return: when the frame was taken, or 0. */
static uint64_t send_frame(struct peer *peer, const void *frame, uint64_t deadline_ns)
{
	uint64_t now;

	do {
		ssize_t n = sendto(peer->fd, frame, peer->config.bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
				   (const struct sockaddr *)&peer->remote, sizeof(peer->remote));

		now = now_ns();
		if (n == (ssize_t)peer->config.bytes)
			return now;
		/*
		 * poll() cannot wait for room in a socket that we are not connected to, and that
		 * comes and goes with QEMU.
		 */
		sleep_until(now + RETRY_NS);
	} while (now < deadline_ns);
	return 0;
}

/* Return: false to end. */
static bool may_send(struct peer *peer, bool *was_paused)
{
	bool go;

	pthread_mutex_lock(&peer->lock);
	while (!peer->stop && (peer->pause || peer->nr == peer->config.max)) {
		*was_paused = true;
		peer->paused = true;
		pthread_cond_broadcast(&peer->changed);
		pthread_cond_wait(&peer->changed, &peer->lock);
	}
	peer->paused = false;
	go = !peer->stop;
	pthread_mutex_unlock(&peer->lock);
	return go;
}

static void *send_frames(void *argument)
{
	struct peer *peer = argument;
	const struct peer_config *config = &peer->config;
	uint8_t frame[FRAME_BYTES_MAX];
	uint64_t due = now_ns();
	bool was_paused = true;

	while (may_send(peer, &was_paused)) {
		uint64_t number = peer->nr, sent;

		if (was_paused)
			due = now_ns();
		was_paused = false;
		frame_build(frame, config->bytes, config->seed, number);
		sleep_until(due);
		sent = send_frame(peer, frame, due + config->patience_ns);
		drain(peer);
		pthread_mutex_lock(&peer->lock);
		peer->due_ns[number] = due;
		peer->sent_ns[number] = sent;
		peer->fates[number] = sent ? FRAME_SENT : FRAME_REFUSED;
		peer->nr++;
		pthread_mutex_unlock(&peer->lock);
		due += config->interval_ns;
	}
	return NULL;
}

static int set_path(struct sockaddr_un *address, const char *path)
{
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int open_socket(struct peer *peer)
{
	peer->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		return -errno;
	unlink(peer->local.sun_path);
	return bind(peer->fd, (const struct sockaddr *)&peer->local, sizeof(peer->local)) ? -errno :
											    0;
}

int peer_start(struct peer **out, const struct peer_config *config)
{
	struct peer *peer;
	int err;

	if (!config->max || !config->interval_ns || config->bytes < FRAME_BYTES_MIN ||
	    config->bytes > FRAME_BYTES_MAX)
		return -EINVAL;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return -ENOMEM;
	peer->config = *config;
	peer->fd = -1;
	pthread_mutex_init(&peer->lock, NULL);
	pthread_cond_init(&peer->changed, NULL);
	peer->due_ns = calloc(config->max, sizeof(*peer->due_ns));
	peer->sent_ns = calloc(config->max, sizeof(*peer->sent_ns));
	peer->fates = calloc(config->max, sizeof(*peer->fates));
	err = peer->due_ns && peer->sent_ns && peer->fates ? 0 : -ENOMEM;
	if (!err)
		err = set_path(&peer->local, config->local);
	if (!err)
		err = set_path(&peer->remote, config->remote);
	if (!err)
		err = open_socket(peer);
	if (!err)
		err = -pthread_create(&peer->thread, NULL, send_frames, peer);
	peer->running = !err;
	if (err)
		peer_free(peer);
	else
		*out = peer;
	return err;
}

void peer_pause(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->pause = true;
	while (!peer->paused)
		pthread_cond_wait(&peer->changed, &peer->lock);
	pthread_mutex_unlock(&peer->lock);
}

void peer_continue(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->pause = false;
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}

void peer_log(struct peer *peer, struct peer_log *log)
{
	pthread_mutex_lock(&peer->lock);
	*log = (struct peer_log){
		.nr = peer->nr,
		.due_ns = peer->due_ns,
		.sent_ns = peer->sent_ns,
		.fates = peer->fates,
	};
	pthread_mutex_unlock(&peer->lock);
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	if (peer->running) {
		pthread_mutex_lock(&peer->lock);
		peer->stop = true;
		pthread_cond_broadcast(&peer->changed);
		pthread_mutex_unlock(&peer->lock);
		pthread_join(peer->thread, NULL);
	}
	if (peer->fd >= 0) {
		close(peer->fd);
		unlink(peer->local.sun_path);
	}
	pthread_cond_destroy(&peer->changed);
	pthread_mutex_destroy(&peer->lock);
	free(peer->due_ns);
	free(peer->sent_ns);
	free(peer->fates);
	free(peer);
}
