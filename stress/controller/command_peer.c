// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench peer: the peer (<flbench/peer.h>) on a network interface, for a machine that is the link
 * partner of a card under test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <flbench/cleanup.h>
#include <flbench/frame.h>
#include <flbench/peer.h>

#include "flbench.h"
#include "util.h"

#define FRAME_BYTES 700u
/* Numbers that a sender at the other end may use: those of flbench-dpdk. */
#define NUMBERS (1u << 24)
#define PATIENCE_NS 100000000ull
/* A sender at full speed is not to wait for us. */
#define BUFFER_BYTES (32 << 20)
#define LINK_SECONDS 9
#define PAUSE_NS 10000000
/* After so long without a frame none is under way. */
#define QUIET_SECONDS 1.0

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = number;
}

/* A link that has just come up drops what is sent, and does not say so. Return: false for none. */
static bool wait_for_link(const char *interface, int fd)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const double end = seconds_now() + LINK_SECONDS;
	struct ifreq request = { 0 };
	bool up;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	do {
		up = !ioctl(fd, SIOCGIFFLAGS, &request) && request.ifr_flags & IFF_RUNNING;
		/* Also when it is: its queue follows. */
		nanosleep(&pause, NULL);
	} while (!up && !stopped && seconds_now() < end);
	return up;
}

/* Frames of our type alone; those that we send do not come back. Return: an exit code, said. */
static int open_interface(const char *interface, int *fd)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(FRAME_ETHERTYPE),
				       .sll_ifindex = if_nametoindex(interface) };
	const int bytes = BUFFER_BYTES;

	if (!address.sll_ifindex) {
		say("--interface %s: there is no such network interface; ip link lists them",
		    interface);
		return EXIT_BAD_INPUT;
	}
	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(FRAME_ETHERTYPE));
	if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&address, sizeof(address))) {
		say("--interface %s: no packet socket: %s; it needs CAP_NET_RAW", interface,
		    strerror(errno));
		return EXIT_CANNOT_RUN;
	}
	if (!wait_for_link(interface, *fd)) {
		say("--interface %s: no link; is the cable in, and the other end up?", interface);
		return EXIT_CANNOT_RUN;
	}
	return EXIT_PASS;
}

/* Until all is sent and nothing more comes, or a signal does. */
static void run(struct peer *peer, uint64_t frames, struct peer_account *account)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	double changed = seconds_now();
	uint64_t before = 0;

	if (frames)
		peer_send(peer, frames);
	while (!stopped && (!frames || seconds_now() - changed < QUIET_SECONDS)) {
		uint64_t all;

		nanosleep(&pause, NULL);
		peer_account(peer, 0, UINT64_MAX, account);
		all = account->received + account->duplicated + account->damaged +
		      account->foreign + account->due;
		if (all != before || !peer_at_rest(peer))
			changed = seconds_now();
		before = all;
	}
	peer_pause(peer);
	peer_account(peer, 0, UINT64_MAX, account);
}

/* Frames that came and found no room in the socket. */
static uint64_t overrun(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	return stats.tp_drops;
}

static void print(const struct peer_account *a, int fd)
{
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "due", a->due },
		{ "sent", a->sent },
		{ "refused", a->refused },
		{ "returned", a->returned },
		{ "lost", a->lost },
		{ "first_lost", a->first_lost },
		{ "impossible", a->impossible },
		{ "received", a->received },
		{ "next", a->next },
		{ "overrun", overrun(fd) },
		{ "duplicated", a->duplicated },
		{ "reordered", a->reordered },
		{ "damaged", a->damaged },
		{ "first_damaged", a->first_damaged },
		{ "foreign", a->foreign },
	};
	struct json_object *object __json = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		json_object_object_add(object, figures[i].name,
				       figures[i].value == FRAME_NO_NUMBER ?
					       NULL :
					       json_object_new_uint64(figures[i].value));
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
}

int command_peer(const struct invocation *invocation)
{
	const char *interface = flag_text(invocation, OPT_interface);
	const uint64_t frames = strtoull(flag_text(invocation, OPT_frames), NULL, 10);
	const struct sigaction action = { .sa_handler = stop };
	struct peer_config config = {
		.seed = strtoull(flag_text(invocation, OPT_seed), NULL, 10),
		.interval_ns = strtoull(flag_text(invocation, OPT_frame_interval), NULL, 10) * 1000,
		.patience_ns = PATIENCE_NS,
		.bytes = FRAME_BYTES,
		.max = NUMBERS,
		.idle = true,
	};
	struct peer_account a = { 0 };
	struct peer *peer = NULL;
	int fd __close = -1, err;

	if (!*interface) {
		say("peer: on which network interface? give --interface; ip link lists them");
		return EXIT_BAD_INPUT;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = open_interface(interface, &fd);
	if (err)
		return err;
	config.fd = fd;
	err = peer_start(&peer, &config);
	if (err) {
		say("peer: cannot start: %s", strerror(-err));
		return EXIT_CANNOT_RUN;
	}
	run(peer, frames, &a);
	peer_free(peer);
	print(&a, fd);
	return a.impossible || a.duplicated || a.reordered || a.damaged || a.foreign ?
		       EXIT_NOT_PASS :
		       EXIT_PASS;
}
