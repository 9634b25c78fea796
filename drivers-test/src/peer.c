// SPDX-License-Identifier: GPL-2.0-only
/* A sender and a receiver of numbered frames; see the header. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
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
	bool connected; /* the socket is the caller's, and knows where to */
	int fd;
	int wake; /* ends the receiver */
	pthread_t sender, receiver;
	int threads;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* All below is under the lock. What is wanted, and whether the sender is at rest. */
	bool pause, stop, paused;
	uint64_t taken, until;
	int error; /* of a socket of the caller's that broke */
	uint64_t nr;
	uint64_t *due_ns, *sent_ns, *back_ns;
	uint8_t *fates;
	struct frame_book *book;
	uint64_t damaged, first_damaged, foreign;
};

/* The first one is it: what follows comes of it. */
static void note_error(struct peer *peer, int error)
{
	pthread_mutex_lock(&peer->lock);
	if (!peer->error)
		peer->error = error;
	pthread_mutex_unlock(&peer->lock);
}

/*
 * Did the call fail for what does not pass? A socket of the caller's is bound to what is there; QEMU's
 * comes and goes.
 */
static bool is_broken(const struct peer *peer, int error)
{
	return peer->connected && error != EAGAIN && error != EINTR && error != ENOBUFS &&
	       error != ENOMEM;
}

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

/* Return: when the frame was taken, or 0. */
static uint64_t send_frame(struct peer *peer, const void *frame, uint64_t deadline_ns)
{
	while (true) {
		ssize_t n = sendto(peer->fd, frame, peer->config.bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
				   peer->connected ? NULL : (const struct sockaddr *)&peer->remote,
				   peer->connected ? 0 : sizeof(peer->remote));
		int error = n < 0 ? errno : EAGAIN;
		uint64_t now = now_ns();

		if (n == (ssize_t)peer->config.bytes)
			return now;
		if (is_broken(peer, error)) {
			note_error(peer, -error);
			return 0;
		}
		if (now >= deadline_ns)
			return 0;
		/*
		 * poll() cannot wait for room in a socket that we are not connected to, and that
		 * comes and goes with QEMU.
		 */
		sleep_until(now + RETRY_NS < deadline_ns ? now + RETRY_NS : deadline_ns);
	}
}

/* Return: false to end. */
static bool may_send(struct peer *peer, bool *was_paused)
{
	bool go;

	pthread_mutex_lock(&peer->lock);
	while (!peer->stop && (peer->pause || peer->error || peer->nr == peer->config.max ||
			       peer->taken == peer->until)) {
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
		pthread_mutex_lock(&peer->lock);
		peer->due_ns[number] = due;
		peer->sent_ns[number] = sent;
		peer->fates[number] = sent ? FRAME_SENT : FRAME_REFUSED;
		peer->taken += !!sent;
		peer->nr++;
		pthread_mutex_unlock(&peer->lock);
		due += config->interval_ns;
	}
	return NULL;
}

static void note_frame(struct peer *peer, const void *frame, size_t bytes)
{
	uint64_t now = now_ns(), number;
	int err = frame_check(frame, bytes, peer->config.seed, &number);

	pthread_mutex_lock(&peer->lock);
	if (err == -EBADMSG) {
		if (!peer->damaged++)
			peer->first_damaged = number;
	} else if (err) {
		peer->foreign++;
	} else {
		if (number < peer->config.max && !peer->back_ns[number])
			peer->back_ns[number] = now;
		frame_book_add(peer->book, number);
	}
	pthread_mutex_unlock(&peer->lock);
}

static void *receive_frames(void *argument)
{
	struct peer *peer = argument;
	struct pollfd wait[] = { { .fd = peer->fd, .events = POLLIN },
				 { .fd = peer->wake, .events = POLLIN } };
	/* One that is longer than any of ours is seen to be. */
	uint8_t frame[FRAME_BYTES_MAX + 1];

	while (!wait[1].revents) {
		ssize_t n = recv(peer->fd, frame, sizeof(frame), MSG_DONTWAIT);

		if (n >= 0) {
			note_frame(peer, frame, n);
			continue;
		}
		if (is_broken(peer, errno))
			note_error(peer, -errno);
		poll(wait, 2, -1);
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
	int err = set_path(&peer->local, peer->config.local);

	if (!err)
		err = set_path(&peer->remote, peer->config.remote);
	if (err)
		return err;
	peer->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		return -errno;
	unlink(peer->local.sun_path);
	return bind(peer->fd, (const struct sockaddr *)&peer->local, sizeof(peer->local)) ? -errno :
											    0;
}

static int make_room(struct peer *peer)
{
	const uint64_t max = peer->config.max;

	peer->due_ns = calloc(max, sizeof(*peer->due_ns));
	peer->sent_ns = calloc(max, sizeof(*peer->sent_ns));
	peer->back_ns = calloc(max, sizeof(*peer->back_ns));
	peer->fates = calloc(max, sizeof(*peer->fates));
	peer->book = malloc(frame_book_bytes(max));
	if (!peer->due_ns || !peer->sent_ns || !peer->back_ns || !peer->fates || !peer->book)
		return -ENOMEM;
	frame_book_init(peer->book, max);
	return 0;
}

static int start_threads(struct peer *peer)
{
	int err;

	peer->wake = eventfd(0, EFD_CLOEXEC);
	if (peer->wake < 0)
		return -errno;
	err = -pthread_create(&peer->sender, NULL, send_frames, peer);
	if (err)
		return err;
	peer->threads++;
	err = -pthread_create(&peer->receiver, NULL, receive_frames, peer);
	peer->threads += !err;
	return err;
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
	peer->connected = !config->local;
	peer->fd = peer->connected ? config->fd : -1;
	peer->wake = -1;
	peer->pause = config->idle;
	peer->until = UINT64_MAX;
	peer->first_damaged = FRAME_NO_NUMBER;
	pthread_mutex_init(&peer->lock, NULL);
	pthread_cond_init(&peer->changed, NULL);
	err = make_room(peer);
	if (!err && !peer->connected)
		err = open_socket(peer);
	if (!err)
		err = start_threads(peer);
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

static void go_on(struct peer *peer, uint64_t nr)
{
	pthread_mutex_lock(&peer->lock);
	peer->pause = false;
	peer->paused = false;
	peer->until = nr > UINT64_MAX - peer->taken ? UINT64_MAX : peer->taken + nr;
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}

void peer_continue(struct peer *peer)
{
	go_on(peer, UINT64_MAX);
}

void peer_send(struct peer *peer, uint64_t nr)
{
	go_on(peer, nr);
}

bool peer_at_rest(struct peer *peer)
{
	int waiting = 0;
	bool paused;

	pthread_mutex_lock(&peer->lock);
	paused = peer->paused;
	pthread_mutex_unlock(&peer->lock);
	/* A socket that does not tell has nothing that waits. */
	return paused && (ioctl(peer->fd, SIOCOUTQ, &waiting) || !waiting);
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

uint64_t peer_listen(struct peer *peer)
{
	uint64_t nr;

	pthread_mutex_lock(&peer->lock);
	frame_book_init(peer->book, peer->config.max);
	memset(peer->back_ns, 0, peer->config.max * sizeof(*peer->back_ns));
	peer->damaged = 0;
	peer->first_damaged = FRAME_NO_NUMBER;
	peer->foreign = 0;
	nr = peer->nr;
	pthread_mutex_unlock(&peer->lock);
	return nr;
}

void peer_counts(struct peer *peer, struct peer_counts *counts)
{
	pthread_mutex_lock(&peer->lock);
	*counts = (struct peer_counts){
		.due = peer->nr,
		.sent = peer->taken,
		.came = peer->book->arrived + peer->book->duplicated + peer->book->beyond +
			peer->damaged + peer->foreign,
		.error = peer->error,
	};
	pthread_mutex_unlock(&peer->lock);
}

void peer_account(struct peer *peer, uint64_t from, uint64_t to, struct peer_account *account)
{
	*account = (struct peer_account){ .first_lost = FRAME_NO_NUMBER };
	pthread_mutex_lock(&peer->lock);
	for (uint64_t i = from; i < to && i < peer->nr; i++) {
		const bool sent = peer->fates[i] == FRAME_SENT,
			   back = frame_book_has(peer->book, i);

		account->due++;
		account->sent += sent;
		account->refused += !sent;
		account->returned += sent && back;
		account->impossible += !sent && back;
		if (sent && !back && !account->lost++)
			account->first_lost = i;
	}
	account->impossible += peer->book->beyond;
	account->received = peer->book->arrived;
	account->next = peer->book->next;
	account->duplicated = peer->book->duplicated;
	account->reordered = peer->book->reordered;
	account->damaged = peer->damaged;
	account->first_damaged = peer->first_damaged;
	account->foreign = peer->foreign;
	pthread_mutex_unlock(&peer->lock);
}

int peer_gap(struct peer *peer, uint64_t at_ns, struct peer_gap *gap)
{
	uint64_t before = 0, after = UINT64_MAX;

	*gap = (struct peer_gap){ 0 };
	pthread_mutex_lock(&peer->lock);
	for (uint64_t i = 0; i < peer->nr; i++) {
		const uint64_t back = peer->back_ns[i];

		if (back && back < at_ns && back >= before) {
			before = back;
			gap->last = i;
		} else if (back >= at_ns && back < after) {
			after = back;
			gap->first = i;
		}
	}
	for (gap->next = gap->last + 1; gap->next < peer->nr; gap->next++)
		if (peer->due_ns[gap->next] >= after)
			break;
	pthread_mutex_unlock(&peer->lock);
	return before && after != UINT64_MAX ? 0 : -ENOENT;
}

void peer_free(struct peer *peer)
{
	const uint64_t one = 1;

	if (!peer)
		return;
	if (peer->threads > 0) {
		pthread_mutex_lock(&peer->lock);
		peer->stop = true;
		pthread_cond_broadcast(&peer->changed);
		pthread_mutex_unlock(&peer->lock);
		pthread_join(peer->sender, NULL);
	}
	if (peer->threads > 1) {
		while (write(peer->wake, &one, sizeof(one)) != sizeof(one))
			;
		pthread_join(peer->receiver, NULL);
	}
	if (peer->wake >= 0)
		close(peer->wake);
	if (!peer->connected && peer->fd >= 0) {
		close(peer->fd);
		unlink(peer->local.sun_path);
	}
	pthread_cond_destroy(&peer->changed);
	pthread_mutex_destroy(&peer->lock);
	free(peer->due_ns);
	free(peer->sent_ns);
	free(peer->back_ns);
	free(peer->fates);
	free(peer->book);
	free(peer);
}
