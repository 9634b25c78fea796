// SPDX-License-Identifier: GPL-2.0-only
/* The peer against a socket that reads, one that does not, and none; and edu's register writes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/edu_regs.h>
#include <flbench/frame.h>
#include <flbench/peer.h>

#define FRAMES 50u
#define INTERVAL_NS 2000000ull

static char dir[] = "/tmp/flbench-peer-XXXXXX";
static char local[64], remote[64];
static struct peer_config config = {
	.local = local,
	.remote = remote,
	.seed = 5,
	.interval_ns = INTERVAL_NS,
	.bytes = 200,
	.max = FRAMES,
};

static int make_dir(void **unused)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(local, sizeof(local), "%s/peer", dir);
	snprintf(remote, sizeof(remote), "%s/machine", dir);
	return 0;
}

static int remove_dir(void **unused)
{
	return rmdir(dir);
}

static int open_machine(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strcpy(address.sun_path, remote);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void close_machine(int fd)
{
	close(fd);
	unlink(remote);
}

/* Wait until all frames have a fate. */
static void finish(struct peer *peer, struct peer_log *log)
{
	for (int tries = 0; tries < 1000; tries++) {
		peer_log(peer, log);
		if (log->nr == FRAMES)
			return;
		usleep(10000);
	}
	fail_msg("the peer stopped at frame %llu", (unsigned long long)log->nr);
}

static void all_arrive(void **unused)
{
	uint8_t frame[FRAME_BYTES_MAX];
	int fd = open_machine();
	struct peer *peer = NULL;
	struct peer_log log;
	uint64_t number;

	config.patience_ns = 5000000000ull;
	assert_int_equal(peer_start(&peer, &config), 0);
	for (uint64_t i = 0; i < FRAMES; i++) {
		assert_int_equal(recv(fd, frame, sizeof(frame), 0), config.bytes);
		assert_int_equal(frame_check(frame, config.bytes, config.seed, &number), 0);
		assert_int_equal(number, i);
	}
	finish(peer, &log);
	for (uint64_t i = 0; i < FRAMES; i++) {
		assert_int_equal(log.fates[i], FRAME_SENT);
		assert_true(log.sent_ns[i] >= log.due_ns[i]);
		if (i)
			assert_int_equal(log.due_ns[i] - log.due_ns[i - 1], INTERVAL_NS);
	}
	peer_free(peer);
	close_machine(fd);
	assert_int_equal(access(local, F_OK), -1);
}

/* Nobody reads: what the socket takes is sent, the rest refused, and later frames arrive again. */
static void refused_when_there_is_no_room(void **unused)
{
	uint8_t frame[FRAME_BYTES_MAX];
	int fd = open_machine();
	uint64_t sent = 0, refused = 0, number;
	struct peer *peer = NULL;
	struct peer_log log;

	config.patience_ns = 3000000;
	assert_int_equal(peer_start(&peer, &config), 0);
	finish(peer, &log);
	for (uint64_t i = 0; i < FRAMES; i++) {
		if (log.fates[i] == FRAME_REFUSED) {
			assert_int_equal(log.sent_ns[i], 0);
			refused++;
			continue;
		}
		sent++;
		assert_int_equal(recv(fd, frame, sizeof(frame), MSG_DONTWAIT), config.bytes);
		assert_int_equal(frame_check(frame, config.bytes, config.seed, &number), 0);
		assert_int_equal(number, i);
	}
	assert_true(sent > 0 && refused > 0);
	assert_int_equal(recv(fd, frame, sizeof(frame), MSG_DONTWAIT), -1);
	peer_free(peer);
	close_machine(fd);
}

/* What is late for a while is sent late, and not refused. */
static void patience(void **unused)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct peer *peer = NULL;
	struct peer_log log;
	int fd;

	config.patience_ns = 60000000000ull;
	assert_int_equal(peer_start(&peer, &config), 0);
	usleep(30000);
	fd = open_machine();
	for (uint64_t i = 0; i < FRAMES; i++)
		assert_int_equal(recv(fd, frame, sizeof(frame), 0), config.bytes);
	finish(peer, &log);
	for (uint64_t i = 0; i < FRAMES; i++)
		assert_int_equal(log.fates[i], FRAME_SENT);
	assert_true(log.sent_ns[0] - log.due_ns[0] >= 20000000);
	peer_free(peer);
	close_machine(fd);
}

static void refused_when_nobody_is_there(void **unused)
{
	struct peer *peer = NULL;
	struct peer_log log;

	config.patience_ns = 0;
	assert_int_equal(peer_start(&peer, &config), 0);
	finish(peer, &log);
	for (uint64_t i = 0; i < FRAMES; i++)
		assert_int_equal(log.fates[i], FRAME_REFUSED);
	peer_free(peer);
}

static void pause_holds(void **unused)
{
	int fd = open_machine();
	struct peer *peer = NULL;
	struct peer_log log;
	uint64_t nr;

	config.patience_ns = 0;
	config.interval_ns = 10 * INTERVAL_NS;
	assert_int_equal(peer_start(&peer, &config), 0);
	config.interval_ns = INTERVAL_NS;
	do {
		usleep(1000);
		peer_log(peer, &log);
	} while (!log.nr);
	peer_pause(peer);
	peer_log(peer, &log);
	nr = log.nr;
	assert_true(nr < FRAMES);
	usleep(100000);
	peer_log(peer, &log);
	assert_int_equal(log.nr, nr);
	peer_continue(peer);
	finish(peer, &log);
	/* Time that was spent at rest is not made up for. */
	assert_true(log.due_ns[nr] - log.due_ns[nr - 1] >= 100000000ull);
	peer_free(peer);
	close_machine(fd);
}

/* ---- what comes back ---- */

/* The other end of a cable that is a pair of sockets. */
static int other;

static struct peer *on_a_pair(int fds[2])
{
	struct peer_config pair = { .seed = 5,
				    .interval_ns = INTERVAL_NS / 4,
				    .patience_ns = 5000000000ull,
				    .bytes = 200,
				    .max = FRAMES,
				    .idle = true };
	struct peer *peer = NULL;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	pair.fd = fds[0];
	other = fds[1];
	assert_int_equal(peer_start(&peer, &pair), 0);
	return peer;
}

static void take_down(struct peer *peer, const int fds[2])
{
	peer_free(peer);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

/* Have so many sent, and take them. */
static void swallow(struct peer *peer, uint64_t nr)
{
	uint8_t frame[FRAME_BYTES_MAX];

	peer_send(peer, nr);
	for (uint64_t i = 0; i < nr; i++)
		assert_int_equal(recv(other, frame, sizeof(frame), 0), 200);
	for (int tries = 0; tries < 1000 && !peer_at_rest(peer); tries++)
		usleep(1000);
	assert_true(peer_at_rest(peer));
}

static void give(uint64_t seed, uint64_t number, unsigned int bytes, int damaged_byte)
{
	uint8_t frame[FRAME_BYTES_MAX + 1] = { 0 };

	frame_build(frame, bytes, seed, number);
	if (damaged_byte >= 0)
		frame[damaged_byte] ^= 1;
	assert_int_equal(send(other, frame, bytes, 0), bytes);
}

/* Wait until @nr have come back, of whatever kind. */
static struct peer_account taken(struct peer *peer, uint64_t nr)
{
	struct peer_account a;
	uint64_t all = 0;

	for (int tries = 0; tries < 5000 && all < nr; tries++) {
		usleep(1000);
		peer_account(peer, 0, UINT64_MAX, &a);
		all = a.received + a.duplicated + a.damaged + a.foreign + a.impossible;
	}
	/* Nor does more come than was given. */
	assert_int_equal(all, nr);
	return a;
}

static void all_come_back(void **unused)
{
	struct peer_account a;
	int fds[2];
	struct peer *peer = on_a_pair(fds);

	swallow(peer, 20);
	for (uint64_t i = 0; i < 20; i++)
		give(5, i, 200, -1);
	a = taken(peer, 20);
	assert_int_equal(a.due, 20);
	assert_int_equal(a.sent, 20);
	assert_int_equal(a.refused, 0);
	assert_int_equal(a.returned, 20);
	assert_int_equal(a.received, 20);
	assert_int_equal(a.next, 20);
	assert_int_equal(a.lost + a.duplicated + a.reordered + a.damaged + a.foreign + a.impossible,
			 0);
	assert_true(a.first_lost == FRAME_NO_NUMBER && a.first_damaged == FRAME_NO_NUMBER);
	take_down(peer, fds);
}

/* Each thing that can go wrong is told from the others. */
static void what_is_wrong_is_told(void **unused)
{
	struct peer_account a;
	int fds[2];
	struct peer *peer = on_a_pair(fds);

	swallow(peer, 10);
	give(5, 0, 200, -1);
	give(5, 2, 200, -1); /* before 1 */
	give(5, 1, 200, -1);
	give(5, 2, 200, -1); /* again */
	give(5, 3, 200, 150); /* a wrong byte */
	give(5, 4, 200, 25); /* a wrong byte of the number: nobody knows which it was */
	give(6, 5, 200, -1); /* of another run */
	give(5, 6, 200, 13); /* none of ours */
	give(5, 12, 200, -1); /* not sent yet */
	assert_int_equal(send(other, "", 0, 0), 0); /* nothing */
	a = taken(peer, 10);
	assert_int_equal(a.returned, 3);
	assert_int_equal(a.received, 4);
	assert_int_equal(a.lost, 7);
	assert_int_equal(a.first_lost, 3);
	assert_int_equal(a.reordered, 1);
	assert_int_equal(a.duplicated, 1);
	assert_int_equal(a.damaged, 2);
	assert_int_equal(a.first_damaged, 3);
	assert_int_equal(a.foreign, 3);
	/* One that came before it was sent did not come back. */
	assert_int_equal(a.impossible, 0);
	give(5, FRAMES, 200, -1); /* never sent */
	a = taken(peer, 11);
	assert_int_equal(a.impossible, 1);
	peer_account(peer, 3, 7, &a);
	assert_int_equal(a.due, 4);
	assert_int_equal(a.lost, 4);

	/* A new page: nothing of that is left. */
	assert_int_equal(peer_listen(peer), 10);
	peer_account(peer, 0, UINT64_MAX, &a);
	assert_int_equal(a.received + a.returned + a.duplicated + a.damaged + a.foreign, 0);
	assert_true(a.first_damaged == FRAME_NO_NUMBER);
	take_down(peer, fds);
}

static void a_gap_is_counted(void **unused)
{
	struct peer_account a;
	struct peer_gap gap;
	struct timespec now;
	uint64_t at;
	int fds[2];
	struct peer *peer = on_a_pair(fds);

	swallow(peer, 20);
	assert_int_equal(peer_gap(peer, UINT64_MAX, &gap), -ENOENT);
	for (uint64_t i = 0; i < 8; i++)
		give(5, i, 200, -1);
	taken(peer, 8);
	clock_gettime(CLOCK_MONOTONIC, &now);
	at = now.tv_sec * 1000000000ull + now.tv_nsec;
	assert_int_equal(peer_gap(peer, at, &gap), -ENOENT);
	/* One of those that were due meanwhile comes late, then what is sent now. */
	give(5, 15, 200, -1);
	taken(peer, 9);
	swallow(peer, 5);
	for (uint64_t i = 20; i < 25; i++)
		give(5, i, 200, -1);
	a = taken(peer, 14);
	assert_int_equal(a.lost, 11);
	assert_int_equal(peer_gap(peer, at, &gap), 0);
	assert_int_equal(gap.last, 7);
	assert_int_equal(gap.first, 15);
	assert_int_equal(gap.next, 20);
	peer_account(peer, gap.last + 1, gap.next, &a);
	assert_int_equal(a.due, 12);
	assert_int_equal(a.returned, 1);
	assert_int_equal(a.lost, 11);
	take_down(peer, fds);
}

/* As many as were asked for are taken, and then no more; what nobody reads is not at rest. */
static void so_many_are_sent(void **unused)
{
	struct peer_account a;
	struct peer_log log;
	uint8_t frame[FRAME_BYTES_MAX];
	int fds[2];
	struct peer *peer = on_a_pair(fds);

	usleep(20000);
	peer_log(peer, &log);
	assert_int_equal(log.nr, 0);
	peer_send(peer, 3);
	for (int tries = 0; tries < 5000 && log.nr < 3; tries++) {
		usleep(1000);
		peer_log(peer, &log);
	}
	usleep(20000);
	assert_false(peer_at_rest(peer));
	for (int i = 0; i < 3; i++)
		assert_int_equal(recv(other, frame, sizeof(frame), 0), 200);
	assert_true(peer_at_rest(peer));
	peer_account(peer, 0, UINT64_MAX, &a);
	assert_int_equal(a.sent, 3);
	assert_int_equal(recv(other, frame, sizeof(frame), MSG_DONTWAIT), -1);
	take_down(peer, fds);
}

/* A socket that takes no frame at all is broken, and not full: nothing is tried again. */
static void a_broken_socket_ends_it(void **unused)
{
	struct peer_config broken = config;
	struct peer_counts counts;
	struct peer *peer = NULL;

	broken.local = NULL;
	broken.idle = true;
	broken.patience_ns = 60000000000ull;
	/* It is not connected. */
	broken.fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(broken.fd >= 0);
	assert_int_equal(peer_start(&peer, &broken), 0);
	peer_counts(peer, &counts);
	assert_int_equal(counts.error, 0);
	peer_send(peer, 3);
	for (int tries = 0; tries < 1000 && !peer_at_rest(peer); tries++)
		usleep(10000);
	assert_true(peer_at_rest(peer));
	peer_counts(peer, &counts);
	assert_int_equal(counts.error, -EDESTADDRREQ);
	assert_int_equal(counts.due, 1);
	assert_int_equal(counts.sent, 0);
	/* Nor is it later. */
	peer_continue(peer);
	peer_pause(peer);
	peer_counts(peer, &counts);
	assert_int_equal(counts.due, 1);
	peer_free(peer);
	close(broken.fd);
}

/* What is counted in between is what the account says. */
static void counts_agree_with_the_account(void **unused)
{
	struct peer_counts counts;
	int fds[2];
	struct peer *peer = on_a_pair(fds);

	swallow(peer, 4);
	give(5, 0, 200, -1);
	give(5, 0, 200, -1); /* again */
	give(5, 1, 200, 150); /* a wrong byte */
	give(6, 2, 200, -1); /* of another run */
	give(5, FRAMES, 200, -1); /* never sent */
	taken(peer, 5);
	peer_counts(peer, &counts);
	assert_int_equal(counts.due, 4);
	assert_int_equal(counts.sent, 4);
	assert_int_equal(counts.came, 5);
	assert_int_equal(counts.error, 0);
	take_down(peer, fds);
}

static void bad_numbers_are_refused(void **unused)
{
	struct peer_config bad = config;
	char long_path[200];
	struct peer *peer = NULL;

	bad.bytes = FRAME_BYTES_MAX + 1;
	assert_int_equal(peer_start(&peer, &bad), -EINVAL);
	bad = config;
	bad.interval_ns = 0;
	assert_int_equal(peer_start(&peer, &bad), -EINVAL);
	bad = config;
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	bad.remote = long_path;
	assert_int_equal(peer_start(&peer, &bad), -ENAMETOOLONG);
	assert_null(peer);
}

static void edu_writes(void **unused)
{
	struct edu_write w[EDU_DMA_WRITES];

	assert_int_equal(edu_dma_writes(w, 0x4000001234ull, 16, 100, true, EDU_DMA_INTERRUPT), 0);
	assert_int_equal(w[0].offset, 0x80);
	assert_int_equal(w[0].value, 0x40010);
	assert_int_equal(w[1].offset, 0x88);
	assert_int_equal(w[1].value, 0x4000001234ull);
	assert_int_equal(w[2].offset, 0x90);
	assert_int_equal(w[2].value, 100);
	assert_int_equal(w[3].offset, 0x98);
	assert_int_equal(w[3].value, 7);
	assert_int_equal(edu_dma_writes(w, 0x4000001234ull, 0, 4096, false, 0), 0);
	assert_int_equal(w[0].value, 0x4000001234ull);
	assert_int_equal(w[1].value, 0x40000);
	assert_int_equal(w[3].value, 1);
	assert_int_equal(edu_dma_writes(w, 0, 0, 0, false, 0), -EINVAL);
	assert_int_equal(edu_dma_writes(w, 0, 1, 4096, false, 0), -EINVAL);
	assert_int_equal(edu_dma_writes(w, 0, UINT32_MAX, 2, false, 0), -EINVAL);
	assert_int_equal(edu_dma_writes(w, 0, 0, 4097, false, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrive),
		cmocka_unit_test(refused_when_there_is_no_room),
		cmocka_unit_test(patience),
		cmocka_unit_test(refused_when_nobody_is_there),
		cmocka_unit_test(pause_holds),
		cmocka_unit_test(bad_numbers_are_refused),
		cmocka_unit_test(edu_writes),
		cmocka_unit_test(all_come_back),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(a_gap_is_counted),
		cmocka_unit_test(so_many_are_sent),
		cmocka_unit_test(a_broken_socket_ends_it),
		cmocka_unit_test(counts_agree_with_the_account),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
