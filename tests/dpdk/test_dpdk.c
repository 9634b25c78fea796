// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench-dpdk as a whole, on DPDK's virtual devices and without huge pages: counts are exact, each
 * fault that is made on purpose is found, and bad input gets a line that says what is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <json-c/json.h>

#include <flbench/cleanup.h>

#define WORDS_MAX 32
/* Any queue, or all sizes. */
#define ANY -1

static const char *program;
/* What the last run gave. */
static struct json_object *report;
static char said[65536];
static int status;

/* Return: the child; its result goes to @out, its messages to @err. */
static pid_t start(const char *words, int out, int err)
{
	char *text __freed = strdup(words), *rest, *argv[WORDS_MAX] = { (char *)program };
	int nr = 1;
	pid_t child;

	for (char *one = strtok_r(text, " ", &rest); one; one = strtok_r(NULL, " ", &rest)) {
		assert_true(nr < WORDS_MAX - 1);
		argv[nr++] = one;
	}
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(out, 1);
		dup2(err, 2);
		execv(program, argv);
		_exit(127);
	}
	return child;
}

static void collect(pid_t child, int out, int err)
{
	char *text __freed = calloc(1, 1 << 20);
	ssize_t n;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(pread(out, text, (1 << 20) - 1, 0) >= 0);
	n = pread(err, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	if (!WIFEXITED(status))
		fail_msg("ended by signal %d: %s", WTERMSIG(status), said);
	status = WEXITSTATUS(status);
	json_object_put(report);
	report = *text ? json_tokener_parse(text) : NULL;
}

static __attribute__((format(printf, 1, 2))) void run(const char *format, ...)
{
	int out __close = memfd_create("out", MFD_CLOEXEC),
		err __close = memfd_create("err", MFD_CLOEXEC);
	char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	collect(start(words, out, err), out, err);
}

/* The sum of a metric over all its labels, or over those of a queue or size. */
static int64_t figure(const char *name, const char *label, int wanted)
{
	struct json_object *metrics = NULL, *value, *labels;
	int64_t sum = 0;
	size_t found = 0;

	if (!report || !json_object_object_get_ex(report, "metrics", &metrics))
		fail_msg("no report (status %d): %s", status, said);
	for (size_t i = 0; i < json_object_array_length(metrics); i++) {
		struct json_object *one = json_object_array_get_idx(metrics, i);

		json_object_object_get_ex(one, "labels", &labels);
		json_object_object_get_ex(one, "name", &value);
		if (strcmp(json_object_get_string(value), name))
			continue;
		if (wanted != ANY && (!json_object_object_get_ex(labels, label, &value) ||
				      json_object_get_int(value) != wanted))
			continue;
		json_object_object_get_ex(one, "value", &value);
		sum += json_object_get_int64(value);
		found++;
	}
	if (!found)
		fail_msg("no metric %s", name);
	return sum;
}

static int64_t all(const char *name)
{
	return figure(name, "", ANY);
}

static int64_t member(struct json_object *object, const char *key)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(object, key, &value));
	return json_object_get_int64(value);
}

/* The intervals of the stream @i; *@sum is set to their packets, *@nr to their number. */
static struct json_object *intervals(size_t i, int64_t *sum, int64_t *nr)
{
	struct json_object *list, *one, *values;

	assert_true(json_object_object_get_ex(report, "throughput", &list));
	one = json_object_array_get_idx(list, i);
	assert_non_null(one);
	json_object_object_get_ex(one, "values", &values);
	*nr = json_object_array_length(values);
	*sum = 0;
	for (int64_t v = 0; v < *nr; v++)
		*sum += json_object_get_int64(json_object_array_get_idx(values, v));
	return one;
}

/* Each packet is in an interval or in the rest, and intervals are as many as there was time for. */
static void intervals_are_exact(void **state)
{
	int64_t sum, nr, length, cycles;
	struct json_object *one;

	run("-m rx --vdev net_null0 --no-huge -t 1 --interval 10000");
	assert_int_equal(status, 0);
	one = intervals(0, &sum, &nr);
	length = member(one, "interval_cycles");
	cycles = all("busy_cycles") + all("empty_cycles");
	assert_int_equal(length, member(report, "tsc_hz") / 100);
	assert_int_equal(sum + member(one, "rest"), all("rx_packets"));
	/* They begin with the first packet, which the first turn of the loop receives. */
	assert_true(nr > 10 && nr * length <= cycles && cycles < (nr + 2) * length);
	/* Both queues have the same ones. */
	run("-m rx --vdev net_null0 --no-huge -n 100000 -q 2 --interval 1");
	for (size_t queue = 0; queue < 2; queue++) {
		one = intervals(queue, &sum, &nr);
		assert_int_equal(sum + member(one, "rest"), 100000);
		assert_true(nr > 10);
	}
	/* They are no more than a reader takes, and the packets of the others are the rest. */
	run("-m rx --vdev net_null0 --no-huge -t 1 --interval 1");
	one = intervals(0, &sum, &nr);
	assert_int_equal(nr, 4096);
	assert_int_equal(sum + member(one, "rest"), all("rx_packets"));
	/* Without a packet none begins; who does not ask gets none. */
	run("-m rx --vdev net_null0,no-rx=1 --no-huge -t 1 --interval 1000");
	one = intervals(0, &sum, &nr);
	assert_true(!nr && !member(one, "rest"));
	run("-m rx --vdev net_null0 --no-huge -n 100");
	assert_false(json_object_object_get_ex(report, "throughput", NULL));
}

static void loop_is_exact(void **state)
{
	run("-m loop --vdev net_ring0 --no-huge -n 1001 -s 64,777,1514");
	assert_int_equal(status, 0);
	for (int i = 0; i < 3; i++) {
		const int size = (const int[]){ 64, 777, 1514 }[i];

		assert_int_equal(figure("tx_packets", "size", size), 1001);
		assert_int_equal(figure("rx_packets", "size", size), 1001);
		assert_int_equal(figure("rx_bytes", "size", size), 1001 * size);
		assert_int_equal(figure("tx_bytes", "size", size), 1001 * size);
		assert_int_equal(figure("arrived_frames", "size", size), 1001);
		assert_int_equal(figure("device_rx_packets", "size", size), 1001);
		assert_int_equal(figure("last_number", "size", size), 1000);
		assert_true(figure("latency_p50_cycles", "size", size) >=
			    figure("latency_min_cycles", "size", size));
		assert_true(figure("latency_p50_cycles", "size", size) <=
			    figure("latency_max_cycles", "size", size));
		assert_true(figure("latency_min_cycles", "size", size) > 0);
	}
	assert_int_equal(all("lost_frames"), 0);
}

/* Each twin of the exact loop is told apart from the others. */
static void faults_are_found(void **state)
{
	static const struct {
		const char *fault;
		int lost, duplicated, reordered, damaged, foreign;
	} faults[] = {
		{ "skip", 1, 0, 0, 0, 0 },    { "twice", 0, 1, 0, 0, 0 },
		{ "swap", 0, 0, 1, 0, 0 },    { "damage", 1, 0, 0, 1, 0 },
		{ "foreign", 1, 0, 0, 0, 1 },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		run("-m loop --vdev net_ring0 --no-huge -n 500 --fault %s", faults[i].fault);
		assert_int_equal(status, 1);
		assert_int_equal(all("lost_frames"), faults[i].lost);
		assert_int_equal(all("duplicated_frames"), faults[i].duplicated);
		assert_int_equal(all("reordered_frames"), faults[i].reordered);
		assert_int_equal(all("damaged_frames"), faults[i].damaged);
		assert_int_equal(all("foreign_frames"), faults[i].foreign);
	}
}

static void receive_is_exact(void **state)
{
	run("-m rx --vdev net_null0,size=100 --no-huge -n 1001 -b 16 -q 2");
	assert_int_equal(status, 0);
	for (int queue = 0; queue < 2; queue++) {
		assert_int_equal(figure("rx_packets", "queue", queue), 1001);
		assert_int_equal(figure("rx_bytes", "queue", queue), 100100);
		assert_int_equal(figure("polls", "queue", queue), 63);
		assert_int_equal(figure("empty_polls", "queue", queue), 0);
	}
	/* Frames that were sent before, to be received; and again. */
	run("-m rx --vdev net_ring0 --no-huge --prime 100 -n 100 --repeat 2 --check");
	assert_int_equal(status, 0);
	assert_int_equal(figure("arrived_frames", "run", 0), 100);
	assert_int_equal(figure("arrived_frames", "run", 1), 100);
	/* What is no frame of ours is not taken for one. */
	run("-m rx --vdev net_null0,size=100 --no-huge -n 1001 --check");
	assert_int_equal(status, 1);
	assert_int_equal(all("foreign_frames"), 1001);
	assert_int_equal(all("arrived_frames"), 0);
}

/* A device that gives nothing: every poll is an empty one, and costs. */
static void empty_polls_are_told_apart(void **state)
{
	run("-m rx --vdev net_null0,no-rx=1 --no-huge -t 1");
	assert_int_equal(status, 0);
	assert_int_equal(all("rx_packets"), 0);
	assert_int_equal(all("empty_polls"), all("polls"));
	assert_true(all("polls") > 0 && all("empty_cycles") > 0);
	assert_int_equal(all("busy_cycles"), 0);
}

static void transmit_is_exact(void **state)
{
	run("-m tx --vdev net_null0 --no-huge -n 1001 -s 64,1514");
	assert_int_equal(status, 0);
	assert_int_equal(figure("tx_packets", "size", 64), 1001);
	assert_int_equal(figure("tx_bytes", "size", 1514), 1001 * 1514);
	assert_int_equal(figure("device_tx_packets", "size", 1514), 1001);
	assert_int_equal(all("polls"), 2 * 32);
}

/* The frames that were put in go round and round. */
static void forward_is_exact(void **state)
{
	run("-m forward --vdev net_ring0 --no-huge --prime 48 -n 4800 -s 128");
	assert_int_equal(status, 0);
	assert_int_equal(all("rx_packets"), 4800);
	assert_int_equal(all("tx_packets"), 4800);
	assert_int_equal(all("tx_bytes"), 4800 * 128);
	assert_int_equal(all("tx_dropped_packets"), 0);
	assert_int_equal(all("device_rx_packets"), 4800);
	/* Once more with the same frames, and not with twice as many. */
	run("-m forward --vdev net_ring0 --no-huge --prime 16 -n 480 --repeat 3");
	assert_int_equal(status, 0);
	assert_int_equal(figure("rx_packets", "run", 2), 480);
	assert_int_equal(all("polls"), 3 * 30);
	/* What the ring does not hold is said. */
	run("-m forward --vdev net_ring0 --no-huge --prime 2000 -n 4800");
	assert_int_equal(status, 2);
	assert_non_null(strstr(said, "it does not take 2000 frames"));
}

/* The frame in the middle is not sent; a damaged one is, and only who receives it can tell. */
static void forward_can_lose_one(void **state)
{
	run("-m forward --vdev net_ring0 --no-huge --prime 32 -n 64 --fault skip");
	assert_int_equal(status, 0);
	assert_int_equal(all("rx_packets"), 64);
	assert_int_equal(all("tx_packets"), 63);
	assert_int_equal(all("tx_bytes"), 63 * 64);
	assert_int_equal(all("device_tx_packets"), 63 + 32);
	run("-m forward --vdev net_ring0 --no-huge --prime 32 -n 64 --fault damage");
	assert_int_equal(all("tx_packets"), 64);
}

/* Whoever waits for it is told, and nothing else is said there. */
static void it_says_when_it_is_ready(void **state)
{
	char path[] = "/tmp/flbench-dpdk-XXXXXX", line[32] = "", words[128];
	int file __close = mkstemp(path), out __close = memfd_create("out", MFD_CLOEXEC),
		 err __close = memfd_create("err", MFD_CLOEXEC);

	assert_true(file >= 0);
	snprintf(words, sizeof(words), "-m tx --vdev net_null0 --no-huge -n 8 -o %s", path);
	collect(start(words, out, err), out, err);
	assert_int_equal(status, 0);
	assert_true(pread(out, line, sizeof(line) - 1, 0) > 0);
	assert_string_equal(line, "ready\n");
	json_object_put(report);
	report = json_object_from_file(path);
	assert_int_equal(all("tx_packets"), 8);
	unlink(path);
	/* A port that does not start is never ready. */
	run("-m tx --vdev net_null0 --no-huge -n 8 -q 16 -d 32768 -o /dev/null");
	assert_int_equal(status, 2);
	assert_null(report);
}

static void two_ports_forward_to_each_other(void **state)
{
	run("-m forward --vdev net_ring0 --vdev net_null0 --no-huge --prime 32 -n 640");
	assert_int_equal(status, 0);
	/* The ring's frames end in the other device, the other's in the ring. */
	assert_int_equal(all("rx_packets"), 2 * 640);
}

static void copies_are_exact(void **state)
{
	run("-m dma --vdev dma_skeleton --no-huge -n 999 --check -s 1,64,4096");
	assert_int_equal(status, 0);
	for (int i = 0; i < 3; i++) {
		const int size = (const int[]){ 1, 64, 4096 }[i];

		assert_int_equal(figure("copies", "size", size), 999);
		assert_int_equal(figure("copied_bytes", "size", size), 999 * size);
		assert_int_equal(figure("arrived_copies", "size", size), 999);
		assert_int_equal(figure("damaged_copies", "size", size), 0);
	}
	run("-m dma --vdev dma_skeleton --no-huge -n 999 --check --fault damage");
	assert_int_equal(status, 1);
	assert_int_equal(all("damaged_copies"), 1);
	assert_int_equal(all("arrived_copies"), 998);
}

static bool catches(pid_t pid, int number)
{
	char path[64], line[256];
	unsigned long long caught = 0;
	FILE *file __fclose = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SigCgt: %llx", &caught) == 1)
			break;
	return caught >> (number - 1) & 1;
}

static void a_signal_ends_it(void **state)
{
	int out __close = memfd_create("out", MFD_CLOEXEC),
		err __close = memfd_create("err", MFD_CLOEXEC);
	const struct timespec pause = { .tv_nsec = 10000000 };
	pid_t child = start("-m forward --vdev net_ring0 --no-huge --prime 32", out, err);

	/* Before it has a handler of its own, a signal would just kill it. */
	while (!catches(child, SIGTERM) && !waitpid(child, NULL, WNOHANG))
		nanosleep(&pause, NULL);
	kill(child, SIGTERM);
	collect(child, out, err);
	assert_int_equal(status, 0);
	assert_true(all("init_cycles") > 0);
}

/* Have it say that it runs, and end it @ms later. */
static void run_and_end(const char *words, unsigned int ms)
{
	int out __close = memfd_create("out", MFD_CLOEXEC),
		err __close = memfd_create("err", MFD_CLOEXEC);
	const struct timespec pause = { .tv_nsec = 10000000 };
	pid_t child = start(words, out, err);
	char text[16] = "";

	while (pread(out, text, sizeof(text) - 1, 0) == 0 && !waitpid(child, NULL, WNOHANG))
		nanosleep(&pause, NULL);
	assert_string_equal(text, "ready\n");
	usleep(ms * 1000);
	kill(child, SIGTERM);
	collect(child, out, err);
}

/* Ended in the middle, each frame that went out has come back. */
static void a_loop_that_is_ended_loses_nothing(void **state)
{
	char words[256], path[] = "/tmp/flbench-loop-XXXXXX";
	int file __close = mkstemp(path);
	unsigned int ms = 10;

	snprintf(words, sizeof(words), "-m loop --vdev net_ring0 --no-huge -n 4000000 -o %s", path);
	/* A host that is slow has not begun by then: later. */
	do {
		run_and_end(words, ms);
		json_object_put(report);
		report = json_object_from_file(path);
		ms *= 2;
	} while (!all("tx_packets") && ms < 10000);
	unlink(path);
	assert_int_equal(status, 0);
	assert_true(all("tx_packets") > 0 && all("tx_packets") < 4000000);
	assert_int_equal(all("arrived_frames"), all("tx_packets"));
	assert_int_equal(all("lost_frames"), 0);
	assert_true(all("last_packet_tsc_cycles") >= all("first_packet_tsc_cycles"));
}

static void bad_input(void **state)
{
	static const struct {
		const char *words, *reason;
	} bad[] = {
		{ "", "--mode is missing" },
		{ "-m rx", "--port is missing" },
		{ "-m fly --vdev net_null0", "--mode 'fly': unknown" },
		{ "-m rx --vdev net_null0 -b 0", "--burst '0': give a number from 1 to 512" },
		{ "-m rx --vdev net_null0 -b 32x", "--burst '32x'" },
		{ "-m rx --vdev net_null0 -s 63", "a frame has 64 to 1514 bytes" },
		{ "-m rx --vdev net_null0 -s ,", "--size: no number" },
		{ "-m rx -p net_null0 -p net_null0", "given twice" },
		{ "-m rx --vdev net_null0 junk", "unexpected argument junk" },
		{ "-m loop --vdev net_ring0", "--mode loop: one queue, and --packets" },
		{ "-m tx --vdev net_null0 --check", "with --check --packets from 1 to 16777216" },
		{ "-m tx --vdev net_null0 --check -n 16777217",
		  "with --check --packets from 1 to 16777216" },
		{ "-m forward --vdev net_ring0 --check", "does not look into frames" },
		{ "-m tx --vdev net_null0 --fault skip -n 9", "--fault: needs --check" },
		{ "-m dma --vdev dma_skeleton --check -n 9 --fault skip", "it knows damage only" },
		{ "-m forward --vdev net_ring0 --fault damage", "at least 4 --packets" },
		{ "-m forward --vdev net_ring0 -n 9 --fault swap",
		  "it knows skip and damage only" },
		{ "-m tx --vdev net_null0 --flows 4 --check -n 9",
		  "numbered frames have no IP header" },
		{ "-m tx --vdev net_null0 --flows 0", "--flows '0': give a number" },
		{ "-m dma --vdev dma_skeleton -q 2", "one queue, not 2" },
		{ "-m tx --vdev net_null0 --prime 9", "for --mode forward and rx only" },
		{ "-m rx --vdev net_null0 --no-huge --huge-dir /tmp", "give one of them" },
		{ "-m rx --vdev net_null0 --huge-dir /proc", "not a mount of hugetlbfs" },
		{ "-m rx --vdev net_null0 --huge-dir /nowhere", "No such file" },
		{ "-m rx --vdev net_null0 --interval 0", "--interval '0': give a number from 1" },
		{ "-m dma --vdev dma_skeleton -n 9 --interval 9", "leave --interval out" },
		{ "-m rx --vdev net_null0 --no-huge --lcores one", "give numbers with commas" },
		{ "-m rx -p ffff:ff:1f.7 --no-huge", "there is no such PCI device" },
		{ "-m rx --vdev net_null0 --no-huge -q 16", "give --memory" },
		{ "-m rx -p net_null9 --no-huge", "DPDK has no driver for it" },
		{ "-m dma -p net_null9 --no-huge", "no DMA engine of that name" },
		{ "-m rx --vdev net_null0 --no-huge -n 1 -o /nowhere/file",
		  "cannot write the result" },
		{ "-m rx --vdev nonsense0 --no-huge", "DPDK does not start" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		run("%s", bad[i].words);
		if (status != 2 || !strstr(said, bad[i].reason))
			fail_msg("%s: status %d: %s", bad[i].words, status, said);
		assert_null(report);
	}
}

static int forget(void **state)
{
	json_object_put(report);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_exact),
		cmocka_unit_test(loop_is_exact),
		cmocka_unit_test(faults_are_found),
		cmocka_unit_test(receive_is_exact),
		cmocka_unit_test(empty_polls_are_told_apart),
		cmocka_unit_test(transmit_is_exact),
		cmocka_unit_test(forward_is_exact),
		cmocka_unit_test(forward_can_lose_one),
		cmocka_unit_test(it_says_when_it_is_ready),
		cmocka_unit_test(two_ports_forward_to_each_other),
		cmocka_unit_test(copies_are_exact),
		cmocka_unit_test(a_signal_ends_it),
		cmocka_unit_test(a_loop_that_is_ended_loses_nothing),
		cmocka_unit_test(bad_input),
	};

	program = argc > 1 ? argv[1] : "flbench-dpdk";
	return cmocka_run_group_tests(tests, NULL, forget);
}
