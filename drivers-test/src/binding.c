// SPDX-License-Identifier: GPL-2.0-only
/* PCI devices lent to vfio-pci and had back; see binding.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flbench/binding.h>
#include <flbench/cleanup.h>
#include <flbench/pci.h>

#define JOURNAL_FIRST "flbench-bindings 1"
#define JOURNAL_LAST "end"
/* No driver, no override: no name has parentheses. */
#define NONE "(none)"
/* Longer than any journal of a machine's devices. */
#define JOURNAL_MAX_BYTES (1 << 20)

static __attribute__((format(printf, 3, 4))) int refuse(struct binding_problem *problem, int err,
							const char *format, ...)
{
	va_list args;

	problem->tried = false;
	va_start(args, format);
	vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	return err;
}

/* ---- before anything is changed ---- */

static bool is_listed(const struct pci_function *list, size_t nr, const char *address)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(list[i].address, address))
			return true;
	return false;
}

/* All of a group is in the same hands; bridges do no DMA of their own that we would start. */
static int check_group(const struct sysfs *sysfs, const struct pci_function *list, size_t nr,
		       const struct pci_function *one, struct binding_problem *problem)
{
	struct sysfs_names members __sysfs_names = { 0 };
	char others[256] = "";
	size_t used = 0;
	int err = sysfs_list(sysfs, &members, IOMMU_GROUPS "/%d/devices", one->group);

	if (err)
		return refuse(problem, err,
			      "%s: the members of its IOMMU group %d cannot be read: %s",
			      one->address, one->group, strerror(-err));
	for (size_t i = 0; i < members.nr; i++) {
		struct pci_function member;

		if (is_listed(list, nr, members.name[i]) ||
		    (!pci_read(sysfs, members.name[i], &member) && pci_is_bridge(&member)))
			continue;
		if (used < sizeof(others))
			used += snprintf(others + used, sizeof(others) - used, "%s%s",
					 used ? ", " : "", members.name[i]);
	}
	if (!used)
		return 0;
	return refuse(
		problem, -EBUSY,
		"%s shares IOMMU group %d with %s: name those too, or take a slot that isolates (ACS on)",
		one->address, one->group, others);
}

static int check_one(const struct sysfs *sysfs, const struct pci_function *one,
		     struct binding_problem *problem)
{
	long long vfs = sysfs_number(sysfs, 0, PCI_DEVICES "/%s/sriov_numvfs", one->address);
	char why[384];
	int used;

	if (pci_is_bridge(one))
		return refuse(
			problem, -EINVAL,
			"%s is a bridge (class %06x), which is the machine's: name the device behind it",
			one->address, one->class);
	if (vfs > 0)
		return refuse(
			problem, -EBUSY,
			"%s has %lld virtual functions, which would be lost: echo 0 > /" PCI_DEVICES
			"/%s/sriov_numvfs",
			one->address, vfs, one->address);
	used = pci_in_use(sysfs, one->address, why, sizeof(why));
	if (used)
		return refuse(problem, used < 0 ? used : -EBUSY, "%s: %s", one->address, why);
	if (one->group < 0)
		return refuse(
			problem, -ENODEV,
			"%s has no IOMMU group, so the IOMMU is off: switch it on in the firmware and boot with intel_iommu=on (or amd_iommu=on)",
			one->address);
	return 0;
}

/* The list as the machine has it now, all of it checked. */
static int check_list(const struct sysfs *sysfs, const char *const *addresses, size_t nr,
		      struct pci_function *list, struct binding_problem *problem)
{
	int err = 0;

	if (!nr)
		return refuse(problem, -EINVAL,
			      "no device is named: give its address, as in 0000:01:00.0");
	for (size_t i = 0; i < nr; i++) {
		char address[PCI_ADDRESS_SIZE];

		if (pci_address_parse(addresses[i], address))
			return refuse(
				problem, -EINVAL,
				"'%.64s' is no address of a PCI device: write it as in 0000:01:00.0",
				addresses[i]);
		if (is_listed(list, i, address))
			return refuse(problem, -EINVAL, "%s is named twice: name it once", address);
		if (pci_read(sysfs, address, &list[i]))
			return refuse(problem, -ENODEV,
				      "%s does not exist here: flbench topo lists what does",
				      address);
	}
	for (size_t i = 0; !err && i < nr; i++)
		err = check_one(sysfs, &list[i], problem);
	for (size_t i = 0; !err && i < nr; i++)
		err = check_group(sysfs, list, nr, &list[i], problem);
	if (!err && !sysfs_exists(sysfs, PCI_DRIVERS "/" VFIO_DRIVER))
		err = refuse(problem, -ENODEV,
			     "the kernel has no driver " VFIO_DRIVER " now: modprobe " VFIO_DRIVER
			     " (CONFIG_VFIO_PCI)");
	return err;
}

int binding_check(const struct sysfs *sysfs, const char *const *addresses, size_t nr,
		  struct binding_problem *problem)
{
	struct pci_function *list __freed = calloc(nr + 1, sizeof(*list));

	if (!list)
		return refuse(problem, -ENOMEM, "no memory for %zu devices", nr);
	return check_list(sysfs, addresses, nr, list, problem);
}

/* ---- the journal ---- */

static const char *or_none(const char *word)
{
	return *word ? word : NONE;
}

static int sync_directory(const char *dir)
{
	int fd __close = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* A file system that cannot has nothing to be synced. */
	return fd < 0 || (fsync(fd) && errno != EINVAL) ? -errno : 0;
}

/* Directory of a path; Return: 0 or -ENAMETOOLONG. */
static int directory_of(const char *path, char *dir)
{
	const char *slash = strrchr(path, '/');

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(dir, PATH_MAX, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	if (!*dir)
		strcpy(dir, "/");
	return 0;
}

static int remove_journal(const char *journal)
{
	char dir[PATH_MAX];
	int err = directory_of(journal, dir);

	if (!err && unlink(journal) && errno != ENOENT)
		err = -errno;
	return err ? err : sync_directory(dir);
}

/* Nothing is changed before this is complete, so one that is not can be thrown away. */
static int write_journal(const char *journal, const struct pci_function *list, size_t nr)
{
	FILE *file __fclose = NULL;
	char dir[PATH_MAX];
	int err = directory_of(journal, dir);
	int fd;

	if (err)
		return err;
	if (mkdir(dir, 0755) && errno != EEXIST)
		return -errno;
	fd = open(journal, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		err = -errno;
		close(fd);
	} else {
		fprintf(file, JOURNAL_FIRST "\n");
		for (size_t i = 0; i < nr; i++)
			fprintf(file, "%s %s %s\n", list[i].address, or_none(list[i].driver),
				or_none(list[i].driver_override));
		fprintf(file, JOURNAL_LAST " %zu\n", nr);
		if (fflush(file) || fsync(fileno(file)))
			err = -errno;
	}
	if (!err)
		err = sync_directory(dir);
	if (err)
		unlink(journal);
	return err;
}

/* ---- there and back ---- */

/**
 * struct back - a restore under way
 * @sysfs: the root
 * @back: what has been done
 * @tell: told of what is wrong
 * @context: handed to it
 */
struct back {
	const struct sysfs *sysfs;
	struct binding_back *back;
	binding_tell_fn tell;
	void *context;
};

static __attribute__((format(printf, 2, 3))) void tell(struct back *b, const char *format, ...)
{
	char line[PATH_MAX + 256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	b->tell(b->context, line);
}

/*
 * With the override on the former driver no other one can come in between, and one that fits by its
 * override only is had back too.
 */
static int bind_back(const struct sysfs *sysfs, const struct pci_function *now, const char *driver)
{
	int err = pci_set_override(sysfs, now->address, driver);

	if (!err && *now->driver)
		err = pci_unbind(sysfs, now->address);
	if (!err && *driver)
		err = pci_bind(sysfs, now->address, driver);
	return err;
}

static void restore_one(struct back *b, const char *address, const char *driver,
			const char *override)
{
	struct pci_function now;
	int err = 0;

	if (pci_read(b->sysfs, address, &now)) {
		b->back->gone++;
		tell(b, "%s is gone (unplugged, or found elsewhere): nothing to bind back",
		     address);
		return;
	}
	if (strcmp(now.driver, driver)) {
		if (*now.driver && strcmp(now.driver, VFIO_DRIVER)) {
			b->back->restored++;
			tell(b,
			     "%s was given to %s by somebody else, and had %s before: left alone",
			     address, now.driver, *driver ? driver : "no driver");
			return;
		}
		err = bind_back(b->sysfs, &now, driver);
	}
	if (!err && (pci_read(b->sysfs, address, &now) || strcmp(now.driver, driver)))
		err = -ENODEV;
	if (!err && strcmp(now.driver_override, override))
		err = pci_set_override(b->sysfs, address, override);
	if (err) {
		b->back->left++;
		if (*driver && !sysfs_exists(b->sysfs, PCI_DRIVERS "/%s", driver))
			tell(b,
			     "%s cannot go back to %s, which is not loaded: modprobe %s, then flbench restore-bindings",
			     address, driver, driver);
		else
			tell(b,
			     "%s cannot go back to %s: %s: see dmesg, then flbench restore-bindings",
			     address, *driver ? driver : "no driver", strerror(-err));
		return;
	}
	b->back->restored++;
}

/* A word of the journal; no driver's name has a slash. Return: false for one that cannot be. */
static bool take_word(char *word)
{
	if (!strcmp(word, NONE))
		word[0] = '\0';
	return !strchr(word, '/') && strcmp(word, ".") && strcmp(word, "..");
}

static void restore_line(struct back *b, const char *journal, unsigned int number, const char *line)
{
	char text[PCI_NAME_SIZE], address[PCI_ADDRESS_SIZE];
	char driver[PCI_NAME_SIZE], override[PCI_NAME_SIZE];
	int end = -1;

	if (sscanf(line, "%63s %63s %63s%n", text, driver, override, &end) != 3 || end < 0 ||
	    line[end] || pci_address_parse(text, address) || !take_word(driver) ||
	    !take_word(override)) {
		b->back->left++;
		tell(b,
		     "%s:%u: '%.64s' is no device with its former driver and override: correct it, or bind that device back by hand and remove the line",
		     journal, number, line);
		return;
	}
	restore_one(b, address, driver, override);
}

/* The text of a journal; NULL with errno set. */
static char *read_journal(const char *journal)
{
	FILE *file __fclose = fopen(journal, "re");
	char *text = NULL;
	size_t size = 0;
	struct stat info;

	if (!file || fstat(fileno(file), &info))
		return NULL;
	if (!S_ISREG(info.st_mode) || info.st_size > JOURNAL_MAX_BYTES) {
		errno = EINVAL;
		return NULL;
	}
	if (getdelim(&text, &size, '\0', file) >= 0)
		return text;
	free(text);
	return ferror(file) ? NULL : strdup("");
}

int binding_restore(const struct sysfs *sysfs, const char *journal, struct binding_back *back,
		    binding_tell_fn tell_fn, void *context)
{
	struct back b = { .sysfs = sysfs, .back = back, .tell = tell_fn, .context = context };
	char *text __freed = read_journal(journal);
	unsigned int number = 1, devices = 0, announced;
	bool complete = false;
	char *line, *next;

	*back = (struct binding_back){ 0 };
	if (!text)
		return -errno;
	next = strchr(text, '\n');
	/* Cut in its first line, it names nothing. */
	if (!next && strncmp(JOURNAL_FIRST, text, strlen(text)))
		return -EINVAL;
	if (next) {
		*next++ = '\0';
		if (strcmp(text, JOURNAL_FIRST))
			return -EINVAL;
	}
	for (line = next; line && *line && !complete; line = next) {
		int end = -1;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		complete = sscanf(line, JOURNAL_LAST " %u%n", &announced, &end) == 1 && end > 0 &&
			   !line[end] && announced == devices;
		/* Without its end, who knows what the last word would have been. */
		if (complete || !next)
			break;
		devices++;
		restore_line(&b, journal, number, line);
	}
	if (!complete)
		tell(&b,
		     "%s is torn after line %u: its run was ended before it bound anything, unless the file was damaged later: see flbench topo for what vfio-pci has",
		     journal, number - 1);
	return back->left ? 0 : remove_journal(journal);
}

static void keep_quiet(void *context, const char *line)
{
}

static int refuse_second(struct binding_problem *problem, const char *journal)
{
	return refuse(
		problem, -EEXIST,
		"%s names devices that an earlier run had not bound back: flbench restore-bindings first",
		journal);
}

int binding_begin(const struct sysfs *sysfs, const char *journal, const char *const *addresses,
		  size_t nr, struct binding_problem *problem)
{
	struct pci_function *list __freed = calloc(nr + 1, sizeof(*list));
	const char *failed = "";
	struct binding_back back;
	int err, undone;

	if (!list)
		return refuse(problem, -ENOMEM, "no memory for %zu devices", nr);
	if (!access(journal, F_OK))
		return refuse_second(problem, journal);
	err = check_list(sysfs, addresses, nr, list, problem);
	if (err)
		return err;
	err = write_journal(journal, list, nr);
	if (err == -EEXIST)
		return refuse_second(problem, journal);
	if (err) {
		refuse(problem, err, "%s cannot be written: %s%s; nothing was bound", journal,
		       strerror(-err), err == -EACCES ? " (be root)" : "");
		problem->tried = true;
		return err;
	}
	for (size_t i = 0; !err && i < nr; i++) {
		failed = list[i].address;
		err = pci_bind_vfio(sysfs, failed);
	}
	if (!err)
		return 0;
	undone = binding_restore(sysfs, journal, &back, keep_quiet, NULL);
	refuse(problem, err, "%s cannot be bound to " VFIO_DRIVER ": %s: see dmesg; %s", failed,
	       strerror(-err),
	       undone || back.left ? "not all could be bound back: flbench restore-bindings" :
				     "all is as it was");
	problem->tried = true;
	return err;
}
