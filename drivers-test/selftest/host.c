// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other side of guest.c: starts a virtual machine with edu, NVMe and igb behind VT-d, has the rig
 * do from outside what the guest asks for, and prints a line of TAP for each result.
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

#include <json-c/json.h>

#include "cpio.h"
#include "rig.h"
#include "selftest.h"
#include "system.h"
#include "tables.h"

#define GUEST_MIB 1024
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
/* QEMU's own needs beside the guest's memory. */
#define QEMU_MIB 4096
#define TIMEOUT_SECONDS 300
#define DISK_IOPS 40

struct options {
	const char *kernel, *guest, *qemu, *dir, *mode;
};

static struct options options = { .qemu = "qemu-system-x86_64", .mode = "legacy" };
static unsigned int nr_tests, nr_failed;
static struct rig *rig;
static pid_t qemu;

static void result(bool ok, const char *name, const char *detail)
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
	static const char *const dirs[] = { "dev", "proc", "sys", "tmp" };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct cpio_writer writer = { .fd = fd };
	int err = fd < 0 ? -errno : 0;

	for (size_t i = 0; !err && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		err = cpio_directory(&writer, dirs[i]);
	if (!err)
		err = cpio_file_from(&writer, "init", options.guest);
	if (!err)
		err = cpio_end(&writer);
	if (fd >= 0)
		close(fd);
	return err;
}

static const struct iommu_mode *find_mode(const char *name)
{
	return iommu_mode_find(iommu_vendor_find("intel"), name);
}

/* In the child: become QEMU in options.dir, with two sockets as 3 and 4. */
static void become_qemu(int serial, int tester)
{
	const struct rlimit limit = { .rlim_cur = (GUEST_MIB + QEMU_MIB) * 1048576ull,
				      .rlim_max = (GUEST_MIB + QEMU_MIB) * 1048576ull };
	const struct iommu_mode *mode = find_mode(options.mode);
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
		 "console=ttyS0 panic=-1 no_timer_check printk.time=1 kunit.autorun=0 %s",
		 mode->command_line);
	snprintf(drive, sizeof(drive),
		 "if=none,id=disk,format=raw,file=disk.raw,throttling.iops-total=%d", DISK_IOPS);
	/* clang-format off */
	execlp(options.qemu, options.qemu, "-machine", "q35,memory-backend=ram", "-object", size,
	       "-m", TEXT(GUEST_MIB), "-accel", "tcg", "-cpu", "max", "-smp", "1", "-nodefaults", "-no-user-config", "-no-reboot",
	       "-display", "none",
	       "-serial", "file:console.log",
	       "-chardev", "socket,id=host,fd=3", "-serial", "chardev:host",
	       "-chardev", "socket,id=tester,fd=4", "-qtest", "chardev:tester",
	       "-qtest-log", "/dev/null",
	       "-device", mode->qemu_device,
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

/* Results go on as lines of TAP; the figures are none of a test's business. */
static void emit(void *context, struct json_object *event)
{
	struct json_object *kind, *name, *verdict, *detail;

	(void)context;
	if (json_object_object_get_ex(event, "event", &kind) &&
	    !strcmp(json_object_get_string(kind), "check") &&
	    json_object_object_get_ex(event, "name", &name) &&
	    json_object_object_get_ex(event, "verdict", &verdict) &&
	    json_object_object_get_ex(event, "detail", &detail)) {
		printf("# %s\n", json_object_get_string(detail));
		/* The guest plants one on purpose, and judges by the answers. */
		if (strcmp(json_object_get_string(name), "signatures"))
			result(!strcmp(json_object_get_string(verdict), "pass"),
			       json_object_get_string(name), json_object_get_string(detail));
	}
	json_object_put(event);
}

static int make_file(const char *path, uint64_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 || ftruncate(fd, bytes) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* Return: our end of the serial port, or a negative errno. */
static int start_machine(void)
{
	struct rig_config config = {
		.seed = SELFTEST_SEED,
		.memory = "ram",
		.serial_fd = -1,
		.events_fd = -1,
		.console = "console.log",
		.local = "peer.sock",
		.remote = "qemu.sock",
		.frame_interval_ns = SELFTEST_INTERVAL_NS,
		.frames_max = SELFTEST_FRAMES_MAX,
		.entries = SELFTEST_RING,
		.jump_fault = "none",
		.emit = emit,
	};
	int serial[2], tester[2];
	int err = make_initrd("initrd");

	if (!err)
		err = make_file("ram", GUEST_MIB * 1048576ull);
	if (!err)
		err = make_file("disk.raw", SELFTEST_DISK_BYTES);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, serial) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, tester))
		return -errno;
	config.qtest_fd = tester[0];
	err = rig_open(&rig, &config);
	if (err)
		return err;
	qemu = fork();
	if (!qemu)
		become_qemu(serial[1], tester[1]);
	if (qemu < 0)
		return -errno;
	close(serial[1]);
	close(tester[1]);
	return serial[0];
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
	} else if (strcmp(line, "end")) {
		number = rig_answer(rig, line);
	}
	n = snprintf(text, sizeof(text), "%lld\n", number);
	return write(serial, text, n) == n && strcmp(line, "end");
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
	if ((mkdir(options.dir, 0777) && errno != EEXIST) || chdir(options.dir)) {
		fprintf(stderr, "%s: %s\n", options.dir, strerror(errno));
		return 2;
	}
	/* A guest that hangs, or a QEMU: the default of the signal ends us, and QEMU with us. */
	alarm(TIMEOUT_SECONDS);
	signal(SIGPIPE, SIG_IGN);
	serial = start_machine();
	if (serial < 0) {
		fprintf(stderr, "%s: %s\n", options.qemu, strerror(-serial));
		return 2;
	}
	ended = converse(serial);
	waitpid(qemu, NULL, 0);
	rig_close(rig);
	unlink("ram");
	result(ended, "complete", "the guest ended before its last test; see console.log");
	check_console();
	printf("1..%u\n", nr_tests);
	return nr_failed ? 1 : 0;
}
