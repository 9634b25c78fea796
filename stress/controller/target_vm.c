// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target "vm": one QEMU process on this machine. It dies with the controller, has a bounded address
 * space and a process group of its own, and writes console and events into the directory of the
 * case. What the lines mean is left to others.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "cpio.h"
#include "tables.h"
#include "util.h"

/* QEMU's own needs beside the guest's memory: code cache of TCG (1 GiB), libraries, stacks. */
#define QEMU_OVERHEAD_MIB 4096
#define STOP_SECONDS 5
#define KVM_PROBE_SECONDS 20

#define GUEST_KERNEL "boot/bzImage"
#define GUEST_NEXT_KERNEL "boot/bzImage.next"
#define GUEST_CASE "etc/flbench/case.json"

struct arguments {
	char **list;
	size_t nr;
	bool failed;
};

static __attribute__((format(printf, 2, 3))) void add(struct arguments *arguments,
						      const char *format, ...)
{
	char **list = reallocarray(arguments->list, arguments->nr + 2, sizeof(*list));
	char *text = NULL;
	va_list args;

	if (!list) {
		arguments->failed = true;
		return;
	}
	arguments->list = list;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		arguments->failed = true;
	else
		list[arguments->nr++] = text;
	va_end(args);
	list[arguments->nr] = NULL;
}

void free_arguments(char **arguments)
{
	for (char **argument = arguments; argument && *argument; argument++)
		free(*argument);
	free(arguments);
}

static const char *qemu_of(const struct plan_case *plan_case)
{
	const char *qemu = plan_text(plan_case, OPT_qemu);

	return *qemu ? qemu : arch_find(plan_text(plan_case, OPT_arch))->qemu;
}

static char *kernel_words(const struct plan_case *plan_case)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	const struct iommu_vendor *vendor = iommu_vendor_find(plan_text(plan_case, OPT_iommu));

	/*
	 * retain_initrd: the agent hands the same initramfs to the next kernel. printk.time:
	 * messages of the kernel and lines of programs can be told apart. KUnit tests run at boot
	 * only if asked for. nokaslr: the same instructions in each run.
	 */
	return format_text(
		"console=%s panic=-1 nokaslr liveupdate=on kho=on retain_initrd printk.time=1 kunit.autorun=%d %s %s %s",
		arch->console, plan_bool(plan_case, OPT_kunit), arch->command_line,
		vendor->command_line, plan_text(plan_case, OPT_append));
}

char **vm_command_line(const struct plan_case *plan_case, const char *dir, const char *accel)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	const struct iommu_vendor *vendor = iommu_vendor_find(plan_text(plan_case, OPT_iommu));
	char *words __freed = kernel_words(plan_case);
	struct arguments arguments = { 0 };
	bool kvm = !strcmp(accel, "kvm");

	if (!words)
		return NULL;
	add(&arguments, "%s", qemu_of(plan_case));
	add(&arguments, "-name");
	add(&arguments, "flbench-%s", plan_case->name);
	add(&arguments, "-machine");
	add(&arguments, "%s", arch->machine);
	add(&arguments, "-accel");
	add(&arguments, "%s", accel);
	add(&arguments, "-cpu");
	add(&arguments, "%s", kvm ? arch->cpu_kvm : arch->cpu);
	if (plan_bool(plan_case, OPT_icount)) {
		add(&arguments, "-icount");
		add(&arguments, "shift=0,sleep=off");
	}
	add(&arguments, "-rtc");
	/*
	 * The time of day seeds the guest's random numbers: it must be the same in every run, or
	 * the counts differ.
	 */
	add(&arguments, "base=2026-01-01T00:00:00,clock=vm");
	add(&arguments, "-seed");
	add(&arguments, "%lld", plan_number(plan_case, OPT_seed));
	add(&arguments, "-smp");
	add(&arguments, "1");
	add(&arguments, "-m");
	add(&arguments, "%lldM", plan_number(plan_case, OPT_memory));
	for (const char *const *arg = vendor->qemu_args; *arg; arg++)
		add(&arguments, "%s", *arg);
	add(&arguments, "-nodefaults");
	add(&arguments, "-no-user-config");
	add(&arguments, "-no-reboot");
	add(&arguments, "-display");
	add(&arguments, "none");
	add(&arguments, "-serial");
	add(&arguments, "file:%s/console.log", dir);
	add(&arguments, "-serial");
	add(&arguments, "file:%s/events.jsonl", dir);
	add(&arguments, "-kernel");
	add(&arguments, "%s", plan_text(plan_case, OPT_kernel));
	add(&arguments, "-initrd");
	add(&arguments, "%s/initrd", dir);
	add(&arguments, "-append");
	add(&arguments, "%s", words);
	if (arguments.failed) {
		free_arguments(arguments.list);
		return NULL;
	}
	return arguments.list;
}

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

/*
 * Start QEMU with its messages going to @log. Return: its process id or a negative errno, also if
 * it cannot be executed.
 */
static pid_t spawn(char **arguments, const char *log, long long mib)
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
		if (log_fd >= 0 && null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(log_fd, 1) == 1 &&
		    dup2(log_fd, 2) == 2)
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
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	struct arguments arguments = { 0 };
	bool works = false;
	pid_t pid;

	if (access("/dev/kvm", R_OK | W_OK) || !console || !log)
		goto out;
	add(&arguments, "%s", qemu_of(plan_case));
	add(&arguments, "-machine");
	add(&arguments, "%s", arch->machine);
	for (const char *const *word =
		     (const char *const[]){ "-accel", "kvm", "-cpu", arch->cpu_kvm, "-m", "512M",
					    "-nodefaults", "-no-user-config", "-no-reboot",
					    "-display", "none", NULL };
	     *word; word++)
		add(&arguments, "%s", *word);
	add(&arguments, "-serial");
	add(&arguments, "file:%s", console);
	add(&arguments, "-kernel");
	add(&arguments, "%s", plan_text(plan_case, OPT_kernel));
	add(&arguments, "-append");
	add(&arguments, "console=%s panic=-1 kunit.autorun=0 %s", arch->console,
	    arch->command_line);
	if (arguments.failed)
		goto out;
	pid = spawn(arguments.list, log, 512 + QEMU_OVERHEAD_MIB);
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
	free_arguments(arguments.list);
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

static int vm_check(const struct plan_case *plan_case, struct plan_error *error)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	char *qemu __freed = find_program(qemu_of(plan_case));
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
	if (!qemu)
		return complain(error, -ENOENT,
				"cannot find %s; install the package %s or give --qemu FILE",
				qemu_of(plan_case), arch->qemu_package);
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
 * The initramfs of a case: the guest image, then an archive with the case file and the kernels that
 * the image lacks. The kernel unpacks one after the other. QEMU takes one file only, hence the
 * copy; it is removed when the case is over.
 */
static int make_initrd(const struct target *target, const char *path)
{
	const struct plan_case *c = target->plan_case;
	const char *image = plan_text(c, OPT_initrd);
	int fd __close = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct cpio_writer writer = { .fd = fd };
	int ret;

	if (fd < 0)
		return -errno;
	ret = cpio_append(&writer, image);
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
		ret = cpio_file(&writer, GUEST_CASE, target->case_json, strlen(target->case_json));
	return ret ? ret : cpio_end(&writer);
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

static void vm_release(struct target *target)
{
	char *initrd __freed = format_text("%s/initrd", target->dir);

	if (initrd)
		unlink(initrd);
	if (target->pidfd >= 0)
		close(target->pidfd);
	if (target->event_fd >= 0)
		close(target->event_fd);
	if (target->console_fd >= 0)
		close(target->console_fd);
	target->pidfd = -1;
	target->event_fd = -1;
	target->console_fd = -1;
}

static int vm_start(struct target *target, struct plan_error *error)
{
	char *initrd __freed = format_text("%s/initrd", target->dir);
	char *log __freed = format_text("%s/qemu.log", target->dir);
	char **arguments =
		vm_command_line(target->plan_case, target->dir, vm_accel(target->plan_case));
	int ret = -ENOMEM;

	if (!initrd || !log || !arguments)
		goto out;
	ret = make_initrd(target, initrd);
	if (ret) {
		complain(error, ret, "%s: cannot make the initramfs of the case: %s", initrd,
			 strerror(-ret));
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
	ret = spawn(arguments, log, plan_number(target->plan_case, OPT_memory) + QEMU_OVERHEAD_MIB);
	if (ret < 0) {
		complain(error, ret, "cannot start %s: %s", arguments[0], strerror(-ret));
		goto out;
	}
	target->pid = ret;
	target->pidfd = syscall(SYS_pidfd_open, target->pid, 0);
	ret = 0;
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
	.ended = vm_ended,
	.wait_fd = vm_wait_fd,
	.stop = vm_stop,
	.kill = vm_kill,
	.release = vm_release,
};
