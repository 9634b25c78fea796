/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three tables that a new target, architecture or IOMMU is a row of. The rest of the controller
 * knows none of their names.
 */
#ifndef FLBENCH_TABLES_H
#define FLBENCH_TABLES_H

#include <stdbool.h>
#include <sys/types.h>

#include "plan.h"
#include "verdict.h"

struct rig;
struct target;

/**
 * struct arch - what differs between processors
 * @name: as in the plan
 * @unavailable: why it cannot be used yet, or NULL
 * @qemu: program that emulates it
 * @qemu_package: Debian package with it
 * @image: file name of its kernel image
 * @cross_compile: prefix of the compiler on another machine
 * @kconfig: fragment with its kernel options
 * @machine: machine type and CPU for QEMU, NULL-terminated
 * @cpu_kvm: CPU for QEMU with KVM, which needs the real one's features
 * @console: kernel's name of the first serial line
 * @command_line: kernel words that this architecture needs
 */
struct arch {
	const char *name;
	const char *unavailable;
	const char *qemu;
	const char *qemu_package;
	const char *image;
	const char *cross_compile;
	const char *kconfig;
	const char *machine;
	const char *cpu;
	const char *cpu_kvm;
	const char *console;
	const char *command_line;
};

/**
 * struct iommu_mode - a mode of an IOMMU
 * @name: as in the plan
 * @command_line: kernel words that switch it on
 * @qemu_device: what gives the VM one, NULL for a mock
 */
struct iommu_mode {
	const char *name;
	const char *command_line;
	const char *qemu_device;
};

/**
 * struct iommu_vendor - what differs between IOMMUs
 * @name: as in the plan
 * @unavailable: why it cannot be used yet, or NULL
 * @driver: what it is, for people
 * @caution: what people have to know before they rely on it, or ""
 * @ats_off: kernel words that keep it from using the translation caches of devices, whose owner
 *	cannot be preserved; or NULL
 * @kconfig: kernel options that it needs besides the common ones, NULL-terminated
 * @devices: what its devices are, for people
 * @modes: modes that cases may ask for, up to one without a name
 * @sysfs_prefix: what its units are called in /sys/class/iommu
 * @registers: its read-only attributes in sysfs that hold capability registers, NULL-terminated
 */
struct iommu_vendor {
	const char *name;
	const char *unavailable;
	const char *driver;
	const char *caution;
	const char *ats_off;
	const char *const *kconfig;
	const char *devices;
	const struct iommu_mode *modes;
	const char *sysfs_prefix;
	const char *const *registers;
};

/**
 * struct target_ops - how a kernel under test is started, watched and stopped
 *
 * Every operation but @start is allowed on a target that has ended.
 */
struct target_ops {
	const char *name;
	const char *unavailable;
	const char *what;
	/**
	 * @check: can this case be started here? Changes nothing.
	 * Return: 0, -EINVAL for bad input, -ENOENT if something is missing; @error says what and
	 * how to get it.
	 */
	int (*check)(const struct plan_case *plan_case, struct plan_error *error);
	/**
	 * @start: start it
	 * Return: 0 or a negative errno with @error filled; then nothing runs.
	 * Guarantees: what was started ends at the latest when this process does, however it ends.
	 */
	int (*start)(struct target *target, struct plan_error *error);
	/** @events: descriptor to read events from, or -1 */
	int (*events)(const struct target *target);
	/** @console: descriptor to read the console from, or -1 */
	int (*console)(const struct target *target);
	/** @outside: descriptor to read events of what stands around it from, or -1 */
	int (*outside)(const struct target *target);
	/** @settle: when it has ended: wait until all of those events are there */
	void (*settle)(struct target *target);
	/** @ended: ENDING_NONE while it runs, else how it ended by itself; never blocks */
	enum ending (*ended)(struct target *target);
	/** @wait_fd: becomes readable when the target ends, -1 if there is no such thing */
	int (*wait_fd)(const struct target *target);
	/** @stop: end it in an orderly way, within seconds; falls back to @kill */
	void (*stop)(struct target *target);
	/** @kill: end it at once. Guarantees: when this returns nothing of it runs any more. */
	void (*kill)(struct target *target);
	/** @release: give back descriptors and files that only the run needed */
	void (*release)(struct target *target);
};

/**
 * struct target - one start of a target
 * @ops: row of the table
 * @plan_case: the case; the caller's
 * @dir: directory of the case, absolute; the caller's
 * @case_json: text of the case file for the agent; the caller's
 * @pid: process, 0 if none
 * @pidfd: becomes readable when it ends
 * @event_fd: its events
 * @console_fd: its console
 * @dir_fd: @dir, where sockets are, -1 if there are none
 * @outside_fd: events of what stands around it (rig.h), -1 if there is nothing
 * @outside_log: the same file, to append to
 * @rig: what stands around it, or NULL
 * @ending: once it has ended
 * @exit_text: how, for people
 */
struct target {
	const struct target_ops *ops;
	const struct plan_case *plan_case;
	const char *dir;
	const char *case_json;
	pid_t pid;
	int pidfd;
	int event_fd;
	int console_fd;
	int dir_fd;
	int outside_fd;
	int outside_log;
	struct rig *rig;
	enum ending ending;
	char exit_text[256];
};

extern const struct arch arches[];
extern const struct iommu_vendor iommu_vendors[];
extern const struct target_ops *const targets[];

/** arch_find() - row of a name; NULL if there is none; the same for the other two */
const struct arch *arch_find(const char *name);
const struct iommu_vendor *iommu_vendor_find(const char *name);
const struct target_ops *target_find(const char *name);

/** iommu_vendor_of_unit() - row of a unit by its name in /sys/class/iommu; NULL if nobody knows it */
const struct iommu_vendor *iommu_vendor_of_unit(const char *unit);

/** iommu_mode_find() - mode of a name; NULL if there is none */
const struct iommu_mode *iommu_mode_find(const struct iommu_vendor *vendor, const char *name);

/** target_vm - QEMU on this machine; see target_vm.c */
extern const struct target_ops target_vm;

/** vm_accel() - the accelerator that a case gets here; may try KVM by running a guest in it */
const char *vm_accel(const struct plan_case *plan_case);

#endif
