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

/* Numbers that a sender at the other end may use: those of flbench-dpdk. */
#define NUMBERS (1u << 24)
#define PATIENCE_NS 100000000ull
/* A sender at full speed is not to wait for us. */
#define BUFFER_BYTES (32 << 20)
#define LINK_SECONDS 9
#define PAUSE_NS 10000000
/* After so long without a frame none is under way. */
#define QUIET_SECONDS 1.0
/* An interface that is up and takes nothing for so long, beyond the interval, does not send. */
#define STUCK_SECONDS 10.0

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

/* Return: false for an MTU that our frames do not fit in; said. */
static bool has_room(const char *interface, int fd)
{
	const int needed = PEER_FRAME_BYTES - FRAME_ETHERNET_BYTES;
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFMTU, &request) || request.ifr_mtu >= needed)
		return true;
	say("--interface %s: its MTU is %d, and our frames need %d; ip link set %s mtu 1500",
	    interface, request.ifr_mtu, needed, interface);
	return false;
}

/*
 * Frames of our type alone, and of this interface: none is taken before it is bound. Those that we
 * send do not come back. Return: an exit code, said.
 */
static int open_interface(const char *interface, bool sends, int *fd)
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
	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&address, sizeof(address))) {
		say("--interface %s: no packet socket: %s; it needs CAP_NET_RAW", interface,
		    strerror(errno));
		return EXIT_CANNOT_RUN;
	}
	if (sends && !has_room(interface, *fd))
		return EXIT_CANNOT_RUN;
	if (!wait_for_link(interface, *fd)) {
		say("--interface %s: no link; is the cable in, and the other end up?", interface);
		return EXIT_CANNOT_RUN;
	}
	return EXIT_PASS;
}

/*
 * Until all is sent and nothing more comes, or a signal does. Return: 0, or the negative errno with
 * which the interface refuses frames.
 */
static int run(struct peer *peer, uint64_t frames, double interval)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS }, quiet = { .tv_sec = QUIET_SECONDS };
	double moved = seconds_now(), changed = moved;
	struct peer_counts now = { 0 };

	if (frames)
		peer_send(peer, frames);
	while (!stopped && !now.error) {
		const struct peer_counts before = now;

		nanosleep(&pause, NULL);
		peer_counts(peer, &now);
		if (now.sent != before.sent || now.came != before.came)
			moved = seconds_now();
		if (!peer_at_rest(peer))
			changed = seconds_now();
		else if (moved > changed)
			changed = moved;
		if (frames && seconds_now() - changed > QUIET_SECONDS)
			break;
		if (frames && seconds_now() - moved > STUCK_SECONDS + interval)
			now.error = -ENOBUFS;
	}
	peer_pause(peer);
	/* What was sent when the signal came is given the time to come back. */
	if (stopped && frames)
		nanosleep(&quiet, NULL);
	return now.error;
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

/* Return: true if something came, nothing was wrong with it, and nothing that was sent is missing. */
static bool is_good(const struct peer_account *a)
{
	return a->received && !a->lost && !a->impossible && !a->duplicated && !a->reordered &&
	       !a->damaged && !a->foreign;
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
		.bytes = PEER_FRAME_BYTES,
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
	err = open_interface(interface, frames, &fd);
	if (err)
		return err;
	config.fd = fd;
	err = peer_start(&peer, &config);
	if (err) {
		say("peer: cannot start: %s", strerror(-err));
		return EXIT_CANNOT_RUN;
	}
	err = run(peer, frames, config.interval_ns / 1e9);
	peer_account(peer, 0, UINT64_MAX, &a);
	peer_free(peer);
	print(&a, fd);
	if (err) {
		say("--interface %s: it cannot go on: %s; see that it is up and stays so (ip link show %s), and start again",
		    interface, strerror(-err), interface);
		return EXIT_CANNOT_RUN;
	}
	return is_good(&a) ? EXIT_PASS : EXIT_NOT_PASS;
}
