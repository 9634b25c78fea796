// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other side of guest.c: starts a virtual machine with edu, NVMe and igb behind VT-d, does from
 * outside what the guest asks for, sends frames, keeps the books about them, and prints a line of
 * TAP for each result.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <flbench/frame.h>
#include <flbench/peer.h>

#include "cpio.h"
#include "host.h"
#include "selftest.h"
#include "system.h"

#define GUEST_MIB 1024
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
/* QEMU's own needs beside the guest's memory. */
#define QEMU_MIB 4096
#define TIMEOUT_SECONDS 300
#define JUMP_TIMEOUT_SECONDS 600
/* A full ring of 256 then lasts half a second. */
#define FRAME_INTERVAL_NS 2000000ull
/* QEMU's main loop may be busy as long; a full ring takes longer. */
#define FRAME_PATIENCE_NS 200000000ull
#define FRAME_BYTES 700u
#define DISK_IOPS 40
/* 24 commands then take longer than a live update on an idle machine. */
#define JUMP_DISK_IOPS 3
/* QEMU has much to do while a kernel starts. */
#define JUMP_PATIENCE_NS 2000000000ull
#define PAGE 4096u
#define PAGES_MAX 1024u
#define LOOK_PAUSE_NS 50000u

/* What a kernel needs to be updated, and to let its devices go on. */
#define JUMP_WORDS "nokaslr liveupdate=on kho=on retain_initrd " SELFTEST_JUMP

struct options {
	const char *kernel, *guest, *qemu, *dir, *mode;
	bool jump;
};

static const struct mode {
	const char *name, *iommu, *words;
} modes[] = {
	{ "legacy", "intel-iommu", "intel_iommu=on" },
	{ "sm-sl", "intel-iommu,x-scalable-mode=on", "intel_iommu=on,sm_on" },
	{ "sm-fl", "intel-iommu,x-scalable-mode=on,x-flts=on", "intel_iommu=on,sm_on" },
};

static struct options options = { .qemu = "qemu-system-x86_64", .mode = "legacy" };
static unsigned int nr_tests, nr_failed;
struct qtest qtest;
static struct peer *peer;
static struct frame_book *book;
static pid_t qemu;
struct observe_memory memory = { .fd = -1 };
static struct observer *observer;
/* Pages that the card may write to, and words to look at. */
static uint64_t pages[PAGES_MAX];
static unsigned int nr_pages;
struct observe_point points[POINTS_MAX];
unsigned int nr_points;
/* Frames that were due before the observer began. */
static uint64_t observed_from;
/* When the observer began, or DMA that it is to see was started. */
static uint64_t started_ns;

void result(bool ok, const char *name, const char *detail)
{
	nr_failed += !ok;
	printf("%s %u - %s.%s\n", ok ? "ok" : "not ok", ++nr_tests, options.mode, name);
	if (!ok && *detail)
		printf("# %s\n", detail);
	fflush(stdout);
}

/* ---- the machine ---- */

static int make_initrd(const char *path)
{
	static const char *const dirs[] = { "boot", "dev", "proc", "sys", "tmp" };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct cpio_writer writer = { .fd = fd };
	int err = fd < 0 ? -errno : 0;

	for (size_t i = 0; !err && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		err = cpio_directory(&writer, dirs[i]);
	if (!err)
		err = cpio_file_from(&writer, "init", options.guest);
	/* The kernel for the next kernel is the same. */
	if (!err && options.jump)
		err = cpio_file_from(&writer, "boot/bzImage", options.kernel);
	if (!err)
		err = cpio_end(&writer);
	if (fd >= 0)
		close(fd);
	return err;
}

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	return NULL;
}

/* In the child: become QEMU in options.dir, with two sockets as 3 and 4. */
static void become_qemu(int serial, int tester)
{
	const struct rlimit limit = { .rlim_cur = (GUEST_MIB + QEMU_MIB) * 1048576ull,
				      .rlim_max = (GUEST_MIB + QEMU_MIB) * 1048576ull };
	const struct mode *mode = find_mode(options.mode);
	char words[512], size[64], drive[128];
	int log = open("qemu.log", O_WRONLY | O_CREAT | O_TRUNC, 0666);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_AS, &limit);
	/* They may be on each other's numbers. */
	serial = fcntl(serial, F_DUPFD_CLOEXEC, 10);
	tester = fcntl(tester, F_DUPFD_CLOEXEC, 10);
	if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || dup2(serial, 3) < 0 ||
	    dup2(tester, 4) < 0)
		_exit(127);
	snprintf(size, sizeof(size), "memory-backend-file,id=ram,mem-path=ram,share=on,size=%dM",
		 GUEST_MIB);
	snprintf(words, sizeof(words),
		 "console=ttyS0 panic=-1 no_timer_check printk.time=1 kunit.autorun=0 %s%s",
		 mode->words, options.jump ? " " JUMP_WORDS : "");
	snprintf(drive, sizeof(drive),
		 "if=none,id=disk,format=raw,file=disk.raw,throttling.iops-total=%d",
		 options.jump ? JUMP_DISK_IOPS : DISK_IOPS);
	/* clang-format off */
	execlp(options.qemu, options.qemu, "-machine", "q35,memory-backend=ram", "-object", size,
	       "-m", TEXT(GUEST_MIB), "-accel", "tcg", "-cpu", "max", "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot",
	       "-display", "none",
	       "-serial", "file:console.log",
	       "-chardev", "socket,id=host,fd=3", "-serial", "chardev:host",
	       "-chardev", "socket,id=tester,fd=4", "-qtest", "chardev:tester",
	       "-qtest-log", "/dev/null",
	       "-device", mode->iommu,
	       "-device", "edu,dma_mask=0xffffffffffffffff",
	       "-device", "edu,dma_mask=0xffffffffffffffff",
	       "-drive", drive, "-device", "nvme,serial=selftest,drive=disk",
	       "-netdev", "dgram,id=cable,local.type=unix,local.path=qemu.sock,remote.type=unix,remote.path=peer.sock",
	       "-device", "pcie-root-port,id=root0,chassis=1",
	       "-device", "igb,bus=root0,netdev=cable",
	       "-kernel", options.kernel, "-initrd", "initrd", "-append", words, (char *)NULL);
	/* clang-format on */
	_exit(127);
}

/* Return: our end of the serial port, or a negative errno. */
static int start_machine(void)
{
	int serial[2], tester[2], disk;
	int err = make_initrd("initrd");

	if (err)
		return err;
	disk = open("disk.raw", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (disk < 0 || ftruncate(disk, SELFTEST_DISK_BYTES))
		return -errno;
	close(disk);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, serial) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, tester))
		return -errno;
	qemu = fork();
	if (!qemu)
		become_qemu(serial[1], tester[1]);
	if (qemu < 0)
		return -errno;
	close(serial[1]);
	close(tester[1]);
	err = qtest_open(&qtest, tester[0]);
	return err ? err : serial[0];
}

/* ---- what the guest asks for ---- */

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static long long start_edu(const char *line)
{
	unsigned long long bar, iova;
	unsigned int to_memory, bytes;

	if (sscanf(line, "%llx %llx %u %u", &bar, &iova, &to_memory, &bytes) != 4)
		return -1;
	started_ns = now_ns();
	return qtest_edu_dma(&qtest, bar, iova, 0, bytes, to_memory);
}

static long long start_peer(void)
{
	const struct peer_config config = {
		.local = "peer.sock",
		.remote = "qemu.sock",
		.seed = SELFTEST_SEED,
		.interval_ns = options.jump ? SELFTEST_JUMP_INTERVAL_NS : FRAME_INTERVAL_NS,
		.patience_ns = options.jump ? JUMP_PATIENCE_NS : FRAME_PATIENCE_NS,
		.bytes = FRAME_BYTES,
		.max = SELFTEST_FRAMES_MAX,
	};

	if (peer) {
		peer_continue(peer);
		return 0;
	}
	return peer_start(&peer, &config);
}

/* Return: frames that were due so far. */
static long long stop_peer(void)
{
	struct peer_log log;

	if (!peer)
		return -1;
	peer_pause(peer);
	peer_log(peer, &log);
	return log.nr;
}

static long long note_page(const char *line)
{
	unsigned long long address;
	uint64_t offset;

	if (sscanf(line, "%llx", &address) != 1 || nr_pages == PAGES_MAX ||
	    observe_offset(&memory, address, PAGE, &offset))
		return -1;
	pages[nr_pages++] = offset / PAGE;
	return 0;
}

static long long watch(const char *line)
{
	unsigned int stride, nr, mask, rise;
	unsigned long long address;

	if (memory.fd < 0 && observe_open(&memory, "ram", GUEST_MIB * 1048576ull))
		return -1;
	if (!strcmp(line, "nothing")) {
		nr_points = 0;
		return 0;
	}
	if (sscanf(line, "%llx %u %u %x %u", &address, &stride, &nr, &mask, &rise) != 5 ||
	    nr > POINTS_MAX - nr_points)
		return -1;
	for (; nr--; address += stride)
		points[nr_points++] = (struct observe_point){
			.address = address,
			.mask = mask,
			.kind = rise ? OBSERVE_RISE : OBSERVE_CHANGE,
		};
	return 0;
}

static long long start_observer(void)
{
	struct peer_log log = { 0 };

	if (peer)
		peer_log(peer, &log);
	observed_from = log.nr;
	started_ns = now_ns();
	return observe_start(&observer, &memory, points, nr_points, POINTS_MAX, LOOK_PAUSE_NS);
}

/*
 * Arrivals come in the order of their ring. Each frame that was sent meanwhile must have been seen
 * once, and not before it was due. Return: how many arrivals there were.
 */
static long long stop_observer(void)
{
	struct peer_log sent = { 0 };
	struct observe_gap gap;
	struct observe_log log;
	bool ok;

	if (!observer)
		return -1;
	observe_stop(observer, &log);
	if (peer)
		peer_log(peer, &sent);
	ok = log.nr && !log.dropped &&
	     (sent.nr == observed_from || sent.nr - observed_from == log.nr);
	for (uint64_t i = 0; ok && i < log.nr; i++) {
		ok = log.arrivals[i].point == (log.arrivals[0].point + i) % nr_points &&
		     log.arrivals[i].at_ns >= started_ns;
		if (ok && sent.nr > observed_from)
			ok = log.arrivals[i].at_ns >= sent.due_ns[observed_from + i];
	}
	if (ok) {
		observe_gap(&gap, &log, log.arrivals[0].at_ns, log.arrivals[log.nr - 1].at_ns + 1);
		printf("# %llu arrivals seen from outside, the first %.1f ms after the start, longest gap %.1f ms, times known to %.1f ms (in emulation)\n",
		       (unsigned long long)log.nr, (log.arrivals[0].at_ns - started_ns) / 1e6,
		       gap.longest_ns / 1e6, log.slowest_ns / 1e6);
	}
	observe_free(observer);
	observer = NULL;
	return ok ? (long long)log.nr : -1;
}

struct places {
	unsigned long long inside, outside;
};

static int count_place(uint64_t offset, void *data)
{
	struct places *places = data;

	for (unsigned int i = 0; i < nr_pages; i++) {
		if (pages[i] == offset / PAGE) {
			places->inside++;
			return 0;
		}
	}
	places->outside++;
	return 0;
}

/* Return: frames in memory that are not where the card may write; -1 when none is there. */
static long long search_memory(void)
{
	uint8_t prefix[FRAME_PREFIX_BYTES];
	struct places places = { 0 };

	frame_prefix(prefix, SELFTEST_SEED);
	if (memory.fd < 0 || observe_search(&memory, prefix, sizeof(prefix), count_place, &places))
		return -1;
	printf("# all memory searched: %llu frames in their buffers, %llu elsewhere\n",
	       places.inside, places.outside);
	return places.inside ? (long long)places.outside : -1;
}

static void note_arrivals(const char *line)
{
	unsigned long long first, last;

	if (sscanf(line, "%llu %llu", &first, &last) == 2)
		for (; first <= last && first < SELFTEST_FRAMES_MAX; first++)
			if (!frame_book_has(book, first))
				frame_book_add(book, first);
}

/* Each frame that was due has one fate; none is lost, and only the overrun phase refuses any. */
static long long account(const char *line)
{
	unsigned long long duplicated, wrong, missed;
	struct frame_account a;
	char phase[16], name[32], detail[256];
	struct peer_log log;
	bool overrun, ok;

	if (!peer || sscanf(line, "%15s %llu %llu %llu", phase, &duplicated, &wrong, &missed) != 4)
		return -1;
	book->duplicated = duplicated;
	peer_log(peer, &log);
	frame_account(&a, book, log.fates, log.nr, missed);
	overrun = !strcmp(phase, "overrun");
	snprintf(
		detail, sizeof(detail),
		"%s: %llu frames due, %llu sent, %llu arrived, %llu overrun, %llu lost, %llu duplicated, %llu impossible, %llu out of order",
		phase, (unsigned long long)log.nr, (unsigned long long)a.sent,
		(unsigned long long)a.arrived, (unsigned long long)a.overrun,
		(unsigned long long)a.lost, (unsigned long long)a.duplicated,
		(unsigned long long)a.impossible, wrong);
	printf("# %s\n", detail);
	ok = log.nr && a.sent + a.overrun == log.nr && a.arrived == a.sent && !a.lost &&
	     !a.duplicated && !a.impossible && !wrong && !!a.overrun == overrun;
	snprintf(name, sizeof(name), "account-%s", phase);
	result(ok, name, detail);
	return ok ? 0 : -1;
}

/* Return: false when the guest has said all. */
static bool answer(int serial, char *line)
{
	long long number = 0;
	char text[32];
	int n;

	line[strcspn(line, "\r\n")] = '\0';
	if (!strncmp(line, "result ", 7)) {
		char verdict[8] = "", name[64] = "";
		int detail = 0;

		sscanf(line + 7, "%7s %63s %n", verdict, name, &detail);
		result(!strcmp(verdict, "pass"), name, line + 7 + detail);
	} else if (!strncmp(line, "edu ", 4)) {
		number = start_edu(line + 4);
	} else if (!strcmp(line, "peer on")) {
		number = start_peer();
	} else if (!strcmp(line, "peer off")) {
		number = stop_peer();
	} else if (!strncmp(line, "page ", 5)) {
		number = note_page(line + 5);
	} else if (!strncmp(line, "watch ", 6)) {
		number = watch(line + 6);
	} else if (!strcmp(line, "observe on")) {
		number = start_observer();
	} else if (!strcmp(line, "observe off")) {
		number = stop_observer();
	} else if (!strcmp(line, "search")) {
		number = search_memory();
	} else if (!strncmp(line, "arrived ", 8)) {
		note_arrivals(line + 8);
	} else if (!strncmp(line, "account ", 8)) {
		number = account(line + 8);
	} else if (strcmp(line, "end") && !jump_answer(line, &number)) {
		printf("# the guest says: %s\n", line);
		number = -1;
	}
	n = snprintf(text, sizeof(text), "%lld\n", number);
	if (write(serial, text, n) != n)
		return false;
	jump_follow(serial);
	return strcmp(line, "end");
}

static bool converse(int serial)
{
	FILE *in = fdopen(serial, "r");
	char line[512];

	if (!in)
		return false;
	while (fgets(line, sizeof(line), in))
		if (!answer(serial, line))
			return !strcmp(line, "end");
	return false;
}

/* ---- all ---- */

static void check_console(void)
{
	FILE *console = fopen("console.log", "re");
	char line[1024], first[1024] = "";
	int lines = 0;

	while (console && fgets(line, sizeof(line), console)) {
		lines++;
		if (system_complaint(line) && !*first)
			snprintf(first, sizeof(first), "%.*s", (int)strcspn(line, "\r\n"), line);
	}
	if (console)
		fclose(console);
	result(lines && !*first, "console", *first ? first : "it is empty");
}

static const struct argp_option option_table[] = {
	{ "kernel", 'k', "FILE", 0, "kernel image, with VFIO and VT-d", 0 },
	{ "guest", 'g', "FILE", 0, "the static program that is the guest's init", 0 },
	{ "qemu", 'q', "PROGRAM", 0, "instead of qemu-system-x86_64", 0 },
	{ "mode", 'm', "MODE", 0, "legacy, sm-sl or sm-fl", 0 },
	{ "jump", 'j', NULL, 0, "with live updates while the devices do DMA", 0 },
	{ "dir", 'd', "DIR", 0, "where logs and sockets go; made if its parent is there", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'k':
		options.kernel = realpath(arg, NULL);
		return 0;
	case 'g':
		options.guest = realpath(arg, NULL);
		return 0;
	case 'q':
		options.qemu = arg;
		return 0;
	case 'm':
		options.mode = arg;
		return 0;
	case 'j':
		options.jump = true;
		return 0;
	case 'd':
		options.dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options.kernel || !options.guest || !options.dir)
			argp_error(state, "--kernel and --guest, two files, and --dir are needed");
		if (!find_mode(options.mode))
			argp_error(state, "--mode %s: give legacy, sm-sl or sm-fl", options.mode);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = { option_table,
					  parse_option,
					  NULL,
					  "Tries the drivers of edu, NVMe and igb in a virtual "
					  "machine.",
					  NULL,
					  NULL,
					  NULL };
	int serial;
	bool ended;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	book = malloc(frame_book_bytes(SELFTEST_FRAMES_MAX));
	if (!book || (mkdir(options.dir, 0777) && errno != EEXIST) || chdir(options.dir)) {
		fprintf(stderr, "%s: %s\n", options.dir, strerror(errno));
		return 2;
	}
	frame_book_init(book, SELFTEST_FRAMES_MAX);
	/* A guest that hangs, or a QEMU: the default of the signal ends us, and QEMU with us. */
	alarm(options.jump ? JUMP_TIMEOUT_SECONDS : TIMEOUT_SECONDS);
	signal(SIGPIPE, SIG_IGN);
	serial = start_machine();
	if (serial < 0) {
		fprintf(stderr, "%s: %s\n", options.qemu, strerror(-serial));
		return 2;
	}
	ended = converse(serial);
	peer_free(peer);
	observe_free(observer);
	qtest_close(&qtest);
	unlink("ram");
	waitpid(qemu, NULL, 0);
	result(ended, "complete", "the guest ended before its last test; see console.log");
	check_console();
	printf("1..%u\n", nr_tests);
	free(book);
	return nr_failed ? 1 : 0;
}
