// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target "vm": one QEMU process on this machine. It dies with the controller, has a bounded address
 * space and a process group of its own, and writes console and events into the directory of the
 * case. What the lines mean is left to others.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <flbench/frame.h>
#include <flbench/workload.h>

#include "cpio.h"
#include "rig.h"
#include "tables.h"
#include "util.h"
#include "vm_command.h"

/* QEMU's own needs beside the guest's memory: code cache of TCG (1 GiB), libraries, stacks. */
#define QEMU_OVERHEAD_MIB 4096
#define STOP_SECONDS 5
#define KVM_PROBE_SECONDS 20

#define DISK_BYTES (64ll << 20)
#define OUTSIDE_EVENTS "outside.jsonl"

#define GUEST_KERNEL "boot/bzImage"
#define GUEST_NEXT_KERNEL "boot/bzImage.next"
#define GUEST_CASE "etc/flbench/case.json"
/* What case file and initramfs are filled up to a multiple of. */
#define CASE_FILE_BYTES 4096
#define INITRD_BYTES (256 << 10)

static void die_with_parent(pid_t parent)
{
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
}

static void limit_address_space(long long mib)
{
	struct rlimit limit = { .rlim_cur = mib << 20, .rlim_max = mib << 20 };

	setrlimit(RLIMIT_AS, &limit);
}

/* In the child: have @fds at VM_FIRST_FD and behind, whatever numbers they and the others have. */
static bool place(const int *fds)
{
	int moved[VM_NR_FDS];
	bool ok = true;

	for (int i = 0; i < VM_NR_FDS; i++)
		moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, VM_FIRST_FD + VM_NR_FDS);
	for (int i = 0; i < VM_NR_FDS; i++)
		ok = moved[i] >= 0 && dup2(moved[i], VM_FIRST_FD + i) >= 0 && ok;
	return ok;
}

/*
 * Start QEMU with its messages going to @log, and with VM_NR_FDS descriptors @fds unless that is NULL.
 * Return: its process id or a negative errno, also if it cannot be executed.
 */
static pid_t spawn(char **arguments, const char *log, long long mib, const int *fds)
{
	pid_t parent = getpid();
	int status[2], log_fd, null_fd, failed = 0;
	pid_t pid;

	if (pipe2(status, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		failed = errno;
	} else if (!pid) {
		die_with_parent(parent);
		limit_address_space(mib);
		null_fd = open("/dev/null", O_RDONLY);
		log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		/* The pipe may be on a number that is wanted. */
		status[1] = fcntl(status[1], F_DUPFD_CLOEXEC, VM_FIRST_FD + VM_NR_FDS);
		if (log_fd >= 0 && null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(log_fd, 1) == 1 &&
		    dup2(log_fd, 2) == 2 && (!fds || place(fds)))
			execvp(arguments[0], arguments);
		failed = errno;
		/* If this does not arrive either, the exit status still says that nothing ran. */
		_exit(write(status[1], &failed, sizeof(failed)) == sizeof(failed) ? 127 : 126);
	}
	close(status[1]);
	if (pid > 0 && read(status[0], &failed, sizeof(failed)) == sizeof(failed))
		waitpid(pid, NULL, 0);
	close(status[0]);
	return failed ? -failed : pid;
}

static void sleep_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static bool file_has(const char *path, const char *text)
{
	char *content __freed = read_text(AT_FDCWD, path);

	return content && strstr(content, text);
}

/*
 * KVM may open and yet not run a guest (nested without support): only a kernel that gets to its
 * first lines counts.
 */
static bool kvm_works(const struct plan_case *plan_case)
{
	char template[] = "/tmp/flbench-kvm-XXXXXX";
	char *dir = mkdtemp(template);
	char *console __freed = dir ? format_text("%s/console", dir) : NULL;
	char *log __freed = dir ? format_text("%s/log", dir) : NULL;
	char **arguments = NULL;
	bool works = false;
	pid_t pid;

	if (access("/dev/kvm", R_OK | W_OK) || !console || !log)
		goto out;
	arguments = vm_probe_command_line(plan_case, console);
	if (!arguments)
		goto out;
	pid = spawn(arguments, log, VM_PROBE_MIB + QEMU_OVERHEAD_MIB, NULL);
	if (pid < 0)
		goto out;
	for (double end = seconds_now() + KVM_PROBE_SECONDS; !works && seconds_now() < end;
	     sleep_ms(100)) {
		/*
		 * Without an initramfs the kernel panics for want of a root, at the end of its
		 * initialisation.
		 */
		works = file_has(console, "Kernel panic - not syncing: VFS");
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			pid = 0;
			works = works || file_has(console, "Kernel panic - not syncing: VFS");
			break;
		}
	}
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
out:
	free_arguments(arguments);
	if (console)
		unlink(console);
	if (log)
		unlink(log);
	if (dir)
		rmdir(dir);
	return works;
}

const char *vm_accel(const struct plan_case *plan_case)
{
	static int works = -1;

	if (plan_bool(plan_case, OPT_icount) || !strcmp(plan_text(plan_case, OPT_accel), "tcg"))
		return "tcg";
	if (!strcmp(plan_text(plan_case, OPT_accel), "kvm"))
		return "kvm";
	if (works < 0)
		works = kvm_works(plan_case);
	return works ? "kvm" : "tcg";
}

static __attribute__((format(printf, 3, 4))) int complain(struct plan_error *error, int ret,
							  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return ret;
}

static int check_file(const struct plan_case *plan_case, enum option_id id,
		      struct plan_error *error)
{
	const char *name = plan_option(id)->name;
	const char *path = plan_text(plan_case, id);
	struct stat st;

	if (!*path)
		return complain(
			error, -EINVAL,
			"case %s: no %s; start through scripts/run, which builds one, or give --%s FILE",
			plan_case->name, name, name);
	if (stat(path, &st))
		return complain(error, -EINVAL, "case %s: %s %s: %s", plan_case->name, name, path,
				strerror(errno));
	if (!S_ISREG(st.st_mode) || access(path, R_OK))
		return complain(error, -EINVAL, "case %s: %s %s is not a file that can be read",
				plan_case->name, name, path);
	return 0;
}

/* Programs of others, which are not in the guest's image: parts of a workload that need some. */
static const char *const with_image[] = { "fio", "dpdk" };

static bool needs_image(const struct plan_case *plan_case, size_t i)
{
	return workload_has(plan_text(plan_case, OPT_workload), with_image[i]);
}

/*
 * "initrd-fio.cpio" beside "initrd.cpio": the program that a part of the workload needs besides, with
 * its libraries. NULL is a lack of memory; needs_image() says whether there is one.
 */
static char *part_image(const struct plan_case *plan_case, size_t i)
{
	const char *initrd = plan_text(plan_case, OPT_initrd);
	const char *slash = strrchr(initrd, '/'), *dot = strrchr(slash ? slash : initrd, '.');
	int length = dot ? dot - initrd : (int)strlen(initrd);

	return format_text("%.*s-%s%s", length, initrd, with_image[i], dot ? dot : "");
}

static int vm_check(const struct plan_case *plan_case, struct plan_error *error)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	char *qemu __freed = find_program(vm_qemu(plan_case));
	size_t size;
	off_t offset;
	int ret;

	ret = check_file(plan_case, OPT_kernel, error);
	if (!ret)
		ret = check_file(plan_case, OPT_initrd, error);
	if (!ret && *plan_text(plan_case, OPT_next_kernel))
		ret = check_file(plan_case, OPT_next_kernel, error);
	if (ret)
		return ret;
	if (cpio_find(plan_text(plan_case, OPT_initrd), "init", &offset, &size))
		return complain(
			error, -EINVAL,
			"case %s: initrd %s is not an uncompressed cpio archive with /init in it",
			plan_case->name, plan_text(plan_case, OPT_initrd));
	for (size_t i = 0; i < ARRAY_SIZE(with_image); i++) {
		char *besides __freed = needs_image(plan_case, i) ? part_image(plan_case, i) : NULL;

		if (needs_image(plan_case, i) && (!besides || access(besides, R_OK)))
			return complain(
				error, -ENOENT,
				"case %s: workload=%s needs %s, which scripts/run makes: run scripts/setup, scripts/fio and scripts/image",
				plan_case->name, plan_text(plan_case, OPT_workload),
				besides ? besides : "memory");
	}
	if (!qemu)
		return complain(error, -ENOENT,
				"cannot find %s; install the package %s or give --qemu FILE",
				vm_qemu(plan_case), arch->qemu_package);
	return 0;
}

/* Is @path the file that the archive already holds as @name? */
static bool archive_has(const char *archive, const char *name, const char *path)
{
	int a __close = open(archive, O_RDONLY | O_CLOEXEC);
	int b __close = open(path, O_RDONLY | O_CLOEXEC);
	char one[65536], two[65536];
	struct stat st;
	size_t size, at = 0;
	off_t offset;

	if (a < 0 || b < 0 || fstat(b, &st) || cpio_find(archive, name, &offset, &size) ||
	    (size_t)st.st_size != size)
		return false;
	while (at < size) {
		size_t part = size - at < sizeof(one) ? size - at : sizeof(one);

		if (pread(a, one, part, offset + at) != (ssize_t)part ||
		    pread(b, two, part, at) != (ssize_t)part || memcmp(one, two, part))
			return false;
		at += part;
	}
	return true;
}

/*
 * Counts of instructions depend on where things lie in memory, and so on the size of the initramfs.
 * That of the case file, which has the case's name in it, must not show.
 */
static char *padded_case(const struct target *target)
{
	size_t length = strlen(target->case_json);

	return format_text("%s%*s", target->case_json,
			   (int)(CASE_FILE_BYTES - length % CASE_FILE_BYTES), "");
}

/* Nor must a small change of the agent; the kernel skips zeroes behind an archive. */
static int pad_file(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0 || ftruncate(fd, (size + INITRD_BYTES - 1) / INITRD_BYTES * INITRD_BYTES))
		return -errno;
	return 0;
}

/*
 * The initramfs of a case: the guest image, then an archive with the case file and the kernels that
 * the image lacks. The kernel unpacks one after the other. QEMU takes one file only, hence the
 * copy; it is removed when the case is over.
 */
static int make_initrd(const struct target *target, const char *path)
{
	const struct plan_case *c = target->plan_case;
	const char *image = plan_text(c, OPT_initrd);
	int fd __close = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	char *case_json __freed = padded_case(target);
	struct cpio_writer writer = { .fd = fd };
	int ret;

	if (fd < 0)
		return -errno;
	if (!case_json)
		return -ENOMEM;
	ret = cpio_append(&writer, image);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(with_image); i++) {
		char *besides __freed = needs_image(c, i) ? part_image(c, i) : NULL;

		if (needs_image(c, i))
			ret = besides ? cpio_append(&writer, besides) : -ENOMEM;
	}
	if (!ret)
		ret = cpio_directory(&writer, "boot");
	if (!ret && !archive_has(image, GUEST_KERNEL, plan_text(c, OPT_kernel)))
		ret = cpio_file_from(&writer, GUEST_KERNEL, plan_text(c, OPT_kernel));
	if (!ret && *plan_text(c, OPT_next_kernel))
		ret = cpio_file_from(&writer, GUEST_NEXT_KERNEL, plan_text(c, OPT_next_kernel));
	if (!ret)
		ret = cpio_directory(&writer, "etc");
	if (!ret)
		ret = cpio_directory(&writer, "etc/flbench");
	if (!ret)
		ret = cpio_file(&writer, GUEST_CASE, case_json, strlen(case_json));
	if (!ret)
		ret = cpio_end(&writer);
	return ret ? ret : pad_file(fd);
}

/* Opened before QEMU does, so that nothing is missed; QEMU truncates the same file. */
static int open_log(const char *dir, const char *name)
{
	char *path __freed = format_text("%s/%s", dir, name);
	int fd;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

/* Of zeroes, which take no room. Return: 0; -1 with errno set. */
static int make_disk(const struct target *target)
{
	int fd __close = open_log(target->dir, VM_DISK_FILE);

	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	return ftruncate(fd, DISK_BYTES);
}

/* ---- what stands around a machine with a rig ---- */

/* Ours and QEMU's ends of what connects us; -1 where there is none. */
struct around {
	int serial[2];
	int qtest[2];
	int events;
	int memory;
	int disk;
};

static void close_fds(const int *fds, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int make_file(const char *name, long long bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, bytes)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* An event of the rig: a line of a file, as the agent's are. */
static void emit_outside(void *context, struct json_object *event)
{
	const struct target *target = context;
	char *line __freed =
		format_text("%s\n", json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN));

	if (!line || write_all(target->outside_log, line, strlen(line)))
		say("%s/" OUTSIDE_EVENTS ": cannot write: %s", target->dir, strerror(errno));
	json_object_put(event);
}

/* Nobody needs the machine any more: one that stays has to be told. */
static void end_machine(void *context)
{
	const struct target *target = context;

	if (target->pid > 0)
		kill(target->pid, SIGTERM);
}

static int open_rig(struct target *target, const struct around *around)
{
	const struct plan_case *c = target->plan_case;
	char *memory __freed = format_text("/proc/self/fd/%d", around->memory);
	char *console __freed = format_text("%s/console.log", target->dir);
	char *local __freed = format_text("/proc/self/fd/%d/" VM_PEER_SOCKET, target->dir_fd);
	char *remote __freed = format_text("/proc/self/fd/%d/" VM_SOCKET, target->dir_fd);
	const struct rig_config config = {
		.seed = plan_number(c, OPT_seed),
		.memory = memory,
		.serial_fd = around->serial[0],
		.events_fd = around->events,
		.qtest_fd = around->qtest[0],
		.console = console,
		.local = local,
		.remote = remote,
		.frame_interval_ns = plan_number(c, OPT_frame_interval) * 1000,
		/* A peer that is sent back to has a higher rate. */
		.frames_max = FRAME_RUN_MAX * (vm_has_peer(c) ? 16 : 1),
		.entries = plan_number(c, OPT_ring),
		.jump_fault = plan_text(c, OPT_jump_fault),
		.emit = emit_outside,
		.end = end_machine,
		.context = target,
	};

	if (!memory || !console || !local || !remote)
		return -ENOMEM;
	return rig_open(&target->rig, &config);
}

/* Make what QEMU is to be started with. On success @fds has VM_NR_FDS descriptors, in their order. */
static int make_around(struct target *target, int *fds)
{
	const struct plan_case *c = target->plan_case;
	struct around around = { { -1, -1 }, { -1, -1 }, -1, -1, -1 };
	int ours[3], ret = 0;

	target->dir_fd = open(target->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	target->outside_fd = open_log(target->dir, OUTSIDE_EVENTS);
	target->outside_log =
		openat(target->dir_fd, OUTSIDE_EVENTS, O_WRONLY | O_APPEND | O_CLOEXEC);
	around.events = openat(target->dir_fd, "events.jsonl", O_WRONLY | O_APPEND | O_CLOEXEC);
	around.memory = make_file("flbench-memory", plan_number(c, OPT_memory) << 20);
	around.disk = make_file("flbench-disk", DISK_BYTES);
	if (target->dir_fd < 0 || target->outside_log < 0 || around.events < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, around.serial) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, around.qtest))
		ret = -errno;
	if (!ret && target->outside_fd < 0)
		ret = target->outside_fd;
	if (!ret)
		ret = around.memory < 0 ? around.memory : around.disk < 0 ? around.disk : 0;
	if (!ret)
		ret = open_rig(target, &around);
	fds[0] = around.serial[1];
	fds[1] = around.qtest[1];
	fds[2] = around.memory;
	fds[3] = around.disk;
	fds[4] = target->dir_fd;
	if (ret) {
		ours[0] = around.serial[0];
		ours[1] = around.qtest[0];
		ours[2] = around.events;
		close_fds(ours, 3);
		close_fds(fds, VM_NR_FDS - 1);
	}
	return ret;
}

static void remove_file(const struct target *target, const char *name)
{
	char *path __freed = format_text("%s/%s", target->dir, name);

	if (path)
		unlink(path);
}

static void vm_settle(struct target *target)
{
	rig_close(target->rig);
	target->rig = NULL;
}

static int vm_outside(const struct target *target)
{
	return target->outside_fd;
}

static void vm_release(struct target *target)
{
	int *const fds[] = { &target->pidfd,	  &target->event_fd,	&target->console_fd,
			     &target->outside_fd, &target->outside_log, &target->dir_fd };

	vm_settle(target);
	remove_file(target, "initrd");
	if (vm_runs_fio(target->plan_case))
		remove_file(target, VM_DISK_FILE);
	if (target->dir_fd >= 0) {
		remove_file(target, VM_PEER_SOCKET);
		remove_file(target, VM_SOCKET);
		remove_file(target, VM_SOCKET2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		close_fds(fds[i], 1);
		*fds[i] = -1;
	}
}

static void vm_kill(struct target *target)
{
	pid_t group = target->pid;

	if (!group)
		return;
	/*
	 * QEMU leads its group; the group also has what a wrapper given by --qemu may have started.
	 */
	kill(-group, SIGKILL);
	kill(group, SIGKILL);
	while (waitpid(target->pid, NULL, 0) < 0 && errno == EINTR)
		;
	target->pid = 0;
	target->ending = ENDING_KILLED;
	snprintf(target->exit_text, sizeof(target->exit_text), "QEMU was stopped by flbench");
	/* Members that are not our children are reaped by init: wait until none is left. */
	for (int tries = 0; tries < 100 && !kill(-group, 0); tries++)
		sleep_ms(10);
	if (!kill(-group, 0))
		say("process group %d of QEMU is still there after SIGKILL; it hangs in the kernel",
		    group);
}

static int vm_start(struct target *target, struct plan_error *error)
{
	char *initrd __freed = format_text("%s/initrd", target->dir);
	char *log __freed = format_text("%s/qemu.log", target->dir);
	char **arguments =
		vm_command_line(target->plan_case, target->dir, vm_accel(target->plan_case));
	bool rig = vm_has_rig(target->plan_case);
	int fds[VM_NR_FDS];
	int ret = -ENOMEM;

	if (!initrd || !log || !arguments)
		goto out;
	ret = make_initrd(target, initrd);
	if (ret) {
		complain(error, ret, "%s: cannot make the initramfs of the case: %s", initrd,
			 strerror(-ret));
		goto out;
	}
	if (vm_runs_fio(target->plan_case) && make_disk(target)) {
		ret = -errno;
		complain(error, ret, "%s/" VM_DISK_FILE ": cannot make the disk: %s", target->dir,
			 strerror(errno));
		goto out;
	}
	target->event_fd = open_log(target->dir, "events.jsonl");
	target->console_fd = open_log(target->dir, "console.log");
	ret = target->event_fd < 0 ? target->event_fd : target->console_fd;
	if (ret < 0) {
		complain(error, ret, "%s: cannot make the logs of the case: %s", target->dir,
			 strerror(-ret));
		goto out;
	}
	ret = rig ? make_around(target, fds) : 0;
	if (ret) {
		complain(error, ret, "%s: cannot set up what stands around the machine: %s",
			 target->dir, strerror(-ret));
		goto out;
	}
	ret = spawn(arguments, log, plan_number(target->plan_case, OPT_memory) + QEMU_OVERHEAD_MIB,
		    rig ? fds : NULL);
	/* QEMU has them now, or nobody; the last one is the target's. */
	if (rig)
		close_fds(fds, VM_NR_FDS - 1);
	if (ret < 0) {
		complain(error, ret, "cannot start %s: %s", arguments[0], strerror(-ret));
		goto out;
	}
	target->pid = ret;
	target->pidfd = syscall(SYS_pidfd_open, target->pid, 0);
	ret = rig ? rig_start(target->rig) : 0;
	if (ret) {
		complain(error, ret, "cannot start a thread: %s", strerror(-ret));
		vm_kill(target);
	}
out:
	if (ret == -ENOMEM)
		complain(error, ret, "out of memory");
	if (ret)
		vm_release(target);
	free_arguments(arguments);
	return ret;
}

static int vm_events(const struct target *target)
{
	return target->event_fd;
}

static int vm_console(const struct target *target)
{
	return target->console_fd;
}

static int vm_wait_fd(const struct target *target)
{
	return target->pidfd;
}

static void note_last_line(struct target *target)
{
	char *path __freed = format_text("%s/qemu.log", target->dir);
	char *text __freed = path ? read_text(AT_FDCWD, path) : NULL;
	const char *last = text ? strrchr(text, '\n') : NULL;
	size_t length = strlen(target->exit_text);

	if (text && *text)
		snprintf(target->exit_text + length, sizeof(target->exit_text) - length, ": %s",
			 last ? last + 1 : text);
}

static enum ending vm_ended(struct target *target)
{
	int status;

	if (!target->pid || waitpid(target->pid, &status, WNOHANG) != target->pid)
		return target->ending;
	target->pid = 0;
	if (WIFSIGNALED(status)) {
		snprintf(target->exit_text, sizeof(target->exit_text),
			 "QEMU ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
		/* What people and the kernel's OOM killer send; all else is QEMU's own fault. */
		target->ending = WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM ||
						 WTERMSIG(status) == SIGINT ||
						 WTERMSIG(status) == SIGHUP ?
					 ENDING_KILLED :
					 ENDING_DIED;
	} else if (WEXITSTATUS(status)) {
		snprintf(target->exit_text, sizeof(target->exit_text), "QEMU ended with status %d",
			 WEXITSTATUS(status));
		note_last_line(target);
		target->ending = ENDING_DIED;
	} else {
		snprintf(target->exit_text, sizeof(target->exit_text), "QEMU ended");
		target->ending = ENDING_OFF;
	}
	return target->ending;
}

static void vm_stop(struct target *target)
{
	if (!target->pid)
		return;
	kill(target->pid, SIGTERM);
	for (double end = seconds_now() + STOP_SECONDS; seconds_now() < end; sleep_ms(20))
		if (vm_ended(target) != ENDING_NONE)
			return;
	vm_kill(target);
}

const struct target_ops target_vm = {
	.name = "vm",
	.what = "QEMU on this machine",
	.check = vm_check,
	.start = vm_start,
	.events = vm_events,
	.console = vm_console,
	.outside = vm_outside,
	.settle = vm_settle,
	.ended = vm_ended,
	.wait_fd = vm_wait_fd,
	.stop = vm_stop,
	.kill = vm_kill,
	.release = vm_release,
};
