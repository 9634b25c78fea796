// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench peer on one end of a pair of virtual Ethernet interfaces, in a network of its own; at the
 * other end is a socket that sends back what it gets, or something else. Without the right to have
 * such a network only what is refused is tried.
 */
#include <arpa/inet.h>
#include <json-c/json.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/frame.h>

#include "harness.h"

#define SEED 9u
#define NR 200

static int far_end = -1;
/* What is done with the frames of these numbers. */
static int64_t dropped, damaged, doubled;
/* ALL: of all numbers. */
#define ALL (-2)

/* Until it takes what is sent. */
static bool is_running(const char *interface)
{
	struct ifreq request = { 0 };

	strcpy(request.ifr_name, interface);
	for (int tries = 0; tries < 1000; tries++) {
		bool up = !ioctl(far_end, SIOCGIFFLAGS, &request) &&
			  request.ifr_flags & IFF_RUNNING;

		usleep(10000);
		if (up)
			return true;
	}
	return false;
}

static int make_network(void **state)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(FRAME_ETHERTYPE) };

	if ((unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) ||
	    system("PATH=$PATH:/usr/sbin:/sbin; exec 2>/dev/null; ip link add near type veth peer name far && "
		   "ip link set near up && ip link set far up"))
		return 0;
	address.sll_ifindex = if_nametoindex("far");
	far_end = socket(AF_PACKET, SOCK_RAW, htons(FRAME_ETHERTYPE));
	return far_end < 0 || bind(far_end, (struct sockaddr *)&address, sizeof(address)) ||
	       !is_running("far");
}

static int remove_network(void **state)
{
	if (far_end >= 0)
		close(far_end);
	harness_end();
	return 0;
}

static void send_back(void)
{
	struct pollfd wait = { .fd = far_end, .events = POLLIN };
	uint8_t frame[FRAME_BYTES_MAX];
	uint64_t number;

	while (poll(&wait, 1, 100) > 0) {
		ssize_t n = recv(far_end, frame, sizeof(frame), 0);

		if (n < 0 || frame_check(frame, n, SEED, &number) || dropped == ALL ||
		    (int64_t)number == dropped)
			continue;
		if ((int64_t)number == damaged)
			frame[n - 5] ^= 1;
		assert_int_equal(send(far_end, frame, n, 0), n);
		if ((int64_t)number == doubled)
			assert_int_equal(send(far_end, frame, n, 0), n);
	}
}

static bool running(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

/* Return: the account. */
static struct json_object *account(pid_t pid, int status)
{
	struct json_object *object;
	struct result result;

	finish(pid, &result);
	if (result.status != status)
		fail_msg("status %d, not %d: %s", result.status, status, result.err);
	object = json_tokener_parse(result.out);
	assert_non_null(object);
	free_result(&result);
	return object;
}

static struct json_object *exchange(int64_t drop, int64_t damage, int64_t twice, int status)
{
	pid_t pid;

	if (far_end < 0)
		skip();
	dropped = drop;
	damaged = damage;
	doubled = twice;
	pid = start((const char *[]){ "peer", "--interface=near", "--frames=200",
				      "--frame-interval=100", "--seed=9", NULL });
	while (running(pid))
		send_back();
	return account(pid, status);
}

static int64_t figure(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no %s", name);
	return value ? json_object_get_int64(value) : -1;
}

static void all_come_back(void **state)
{
	struct json_object *a = exchange(-1, -1, -1, 0);

	assert_int_equal(figure(a, "sent"), NR);
	assert_int_equal(figure(a, "returned"), NR);
	assert_int_equal(figure(a, "lost"), 0);
	assert_int_equal(figure(a, "first_lost"), -1);
	json_object_put(a);
}

static void what_is_wrong_is_told(void **state)
{
	struct json_object *a = exchange(20, 77, 131, 1);

	assert_int_equal(figure(a, "sent"), NR);
	assert_int_equal(figure(a, "returned"), NR - 2);
	assert_int_equal(figure(a, "lost"), 2);
	assert_int_equal(figure(a, "first_lost"), 20);
	assert_int_equal(figure(a, "damaged"), 1);
	assert_int_equal(figure(a, "first_damaged"), 77);
	assert_int_equal(figure(a, "duplicated"), 1);
	json_object_put(a);
}

/* It listens until it is told to stop. */
static void a_signal_ends_listening(void **state)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct json_object *a;
	pid_t pid;

	if (far_end < 0)
		skip();
	pid = start((const char *[]){ "peer", "--interface=near", "--frames=0", "--seed=9", NULL });
	/* Whether it listens cannot be seen from here: it is sent to for a second. */
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(frame_build(frame, 64, SEED, i), 0);
		assert_int_equal(send(far_end, frame, 64, 0), 64);
		usleep(10000);
	}
	kill(pid, SIGTERM);
	a = account(pid, 0);
	assert_int_equal(figure(a, "next"), 100);
	assert_true(figure(a, "received") > 0);
	assert_int_equal(figure(a, "overrun"), 0);
	assert_int_equal(figure(a, "sent"), 0);
	json_object_put(a);
}

/* What did not come back is no success, though nothing wrong came. */
static void a_loss_is_no_success(void **state)
{
	struct json_object *a = exchange(20, -1, -1, 1);

	assert_int_equal(figure(a, "returned"), NR - 1);
	assert_int_equal(figure(a, "first_lost"), 20);
	json_object_put(a);
	a = exchange(ALL, -1, -1, 1);
	assert_int_equal(figure(a, "sent"), NR);
	assert_int_equal(figure(a, "received"), 0);
	assert_int_equal(figure(a, "lost"), NR);
	json_object_put(a);
}

/* What is under way when the signal comes is waited for. */
static void a_signal_loses_nothing(void **state)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct json_object *a;
	pid_t pid;

	if (far_end < 0)
		skip();
	dropped = damaged = doubled = -1;
	pid = start((const char *[]){ "peer", "--interface=near", "--frames=1000000",
				      "--frame-interval=200000", "--seed=9", NULL });
	assert_true(recv(far_end, frame, sizeof(frame), MSG_PEEK) > 0);
	kill(pid, SIGTERM);
	/* The next one was due within 0.2 s; it is not answered before. */
	usleep(400000);
	while (running(pid))
		send_back();
	a = account(pid, 0);
	assert_true(figure(a, "sent") > 0);
	assert_int_equal(figure(a, "returned"), figure(a, "sent"));
	json_object_put(a);
}

/* Until it has its packet socket on "near", and a while: it looks for the link then. */
static void wait_until_it_listens(void)
{
	const unsigned int near = if_nametoindex("near");
	bool found = false;

	for (int tries = 0; !found && tries < 1000; tries++) {
		FILE *file = fopen("/proc/self/net/packet", "re");
		unsigned int protocol, interface;
		char line[256];

		assert_non_null(file);
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "%*s %*s %*s %x %u", &protocol, &interface) == 2)
				found |= protocol == FRAME_ETHERTYPE && interface == near;
		fclose(file);
		usleep(10000);
	}
	assert_true(found);
	usleep(300000);
}

/* Nothing came: it is not known whether anything would have. */
static void nothing_received_is_no_success(void **state)
{
	struct json_object *a;
	pid_t pid;

	if (far_end < 0)
		skip();
	pid = start((const char *[]){ "peer", "--interface=near", "--frames=0", "--seed=9", NULL });
	wait_until_it_listens();
	kill(pid, SIGTERM);
	a = account(pid, 1);
	assert_int_equal(figure(a, "received"), 0);
	json_object_put(a);
}

static void ip(const char *words)
{
	char line[128];

	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; ip %s", words);
	assert_int_equal(system(line), 0);
}

/* It goes down, or away, while frames are sent: they are not tried for ever. */
static void an_interface_that_breaks_ends_it(void **state)
{
	static const char *const frames[] = { "--frames=1000000", "--frames=0" };
	uint8_t frame[FRAME_BYTES_MAX];
	struct result result;

	if (far_end < 0)
		skip();
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		pid_t pid = start((const char *[]){ "peer", "--interface=near", frames[i],
						    "--frame-interval=1000", "--seed=9", NULL });

		/* It has begun when a frame is here; what listens only has, after a while. */
		if (!i)
			assert_true(recv(far_end, frame, sizeof(frame), 0) > 0);
		else
			wait_until_it_listens();
		ip("link set near down");
		finish(pid, &result);
		assert_int_equal(result.status, 3);
		assert_non_null(
			strstr(result.err, "cannot go on: Network is down; see that it is up"));
		assert_non_null(strstr(result.out, "\"sent\""));
		free_result(&result);
		ip("link set near up");
		assert_true(is_running("far"));
	}
}

static void a_small_mtu_is_refused(void **state)
{
	struct result result;

	if (far_end < 0)
		skip();
	ip("link set near mtu 685");
	flbench(&result, (const char *[]){ "peer", "--interface=near", NULL });
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "its MTU is 685, and our frames need 686"));
	assert_string_equal(result.out, "");
	free_result(&result);
	ip("link set near mtu 1500");
}

/* The other end is down, and so this one has no link. */
static void no_link(void **state)
{
	struct result result;

	if (far_end < 0)
		skip();
	ip("link set far down");
	flbench(&result, (const char *[]){ "peer", "--interface=near", NULL });
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "no link; is the cable in"));
	assert_string_equal(result.out, "");
	free_result(&result);
}

static void refused(const char *reason, const char *const argv[])
{
	struct result result;

	flbench(&result, argv);
	assert_int_equal(result.status, 2);
	assert_non_null(strstr(result.err, reason));
	assert_string_equal(result.out, "");
	free_result(&result);
}

static void bad_input(void **state)
{
	refused("on which network interface? give --interface", (const char *[]){ "peer", NULL });
	refused("--interface nosuch: there is no such network interface",
		(const char *[]){ "peer", "--interface=nosuch", NULL });
	refused("--frames", (const char *[]){ "peer", "--interface=lo", "--frames=many", NULL });
	refused("--cycles", (const char *[]){ "peer", "--interface=lo", "--cycles=1", NULL });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_back),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(a_signal_ends_listening),
		cmocka_unit_test(a_loss_is_no_success),
		cmocka_unit_test(a_signal_loses_nothing),
		cmocka_unit_test(nothing_received_is_no_success),
		cmocka_unit_test(an_interface_that_breaks_ends_it),
		cmocka_unit_test(a_small_mtu_is_refused),
		cmocka_unit_test(no_link),
		cmocka_unit_test(bad_input),
	};

	return cmocka_run_group_tests_name("peer-command", tests, make_network, remove_network);
}
