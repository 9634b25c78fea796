/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices lent to vfio-pci: everything is checked before anything is changed, what was there
 * before is written down first, and is had back at the end, also when whoever borrowed them was
 * killed.
 *
 * The journal is a small text file: a line a device with its former driver and driver_override
 * between a first and a last line. It exists as long as devices are lent, and is complete and on its
 * medium before the first one is touched. One that lacks its last line belongs to a run that was
 * ended before it had changed anything.
 */
#ifndef FLBENCH_BINDING_H
#define FLBENCH_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include <flbench/sysfs.h>

/* In memory, as bindings are: both are gone after a boot. */
#define BINDING_JOURNAL "/run/flbench/bindings"

/**
 * struct binding_problem - why not
 * @text: one line: what, where, why, what to do
 * @tried: it was not refused beforehand, but failed
 */
struct binding_problem {
	char text[768];
	bool tried;
};

/**
 * binding_check - can these devices be lent to vfio-pci? Changes nothing
 * @sysfs: the root
 * @addresses: of the devices, as people write them
 * @nr: how many, 1 at least
 * @problem: filled in on failure
 *
 * Refused are: what is no address, or there twice; a device that does not exist, is a bridge, has
 * virtual functions, has no IOMMU group, is needed by the running system (pci_in_use()), or shares
 * its group with a device that is not in the list; and a system without vfio-pci.
 *
 * Return: 0; -EINVAL, -ENODEV, -EBUSY or another negative errno.
 */
int binding_check(const struct sysfs *sysfs, const char *const *addresses, size_t nr,
		  struct binding_problem *problem);

/**
 * binding_begin - check, write the journal, bind the devices to vfio-pci
 * @sysfs: the root
 * @journal: path of the journal; the last directory of it is made if need be
 * @addresses: of the devices, as people write them
 * @nr: how many
 * @problem: filled in on failure
 *
 * When a device cannot be bound, all are bound back.
 *
 * Return: 0; -EEXIST when there is a journal; what binding_check() returns; another negative errno.
 */
int binding_begin(const struct sysfs *sysfs, const char *journal, const char *const *addresses,
		  size_t nr, struct binding_problem *problem);

/** typedef binding_tell_fn - told of one thing that is not as it should be, in a line */
typedef void (*binding_tell_fn)(void *context, const char *line);

/**
 * struct binding_back - what binding_restore() did
 * @restored: devices that are as the journal says, whether or not that took a change
 * @gone: devices that do not exist any more
 * @left: devices that could not be bound back, or lines that make no sense
 */
struct binding_back {
	unsigned int restored;
	unsigned int gone;
	unsigned int left;
};

/**
 * binding_restore - bind back what a journal names, and remove it
 * @sysfs: the root
 * @journal: path of the journal
 * @back: filled in
 * @tell: called for each thing that is worth a line
 * @context: handed to it
 *
 * Can be repeated, and be ended at any time. With something left the journal stays. Blocks while a
 * program has a device open, as the kernel does.
 *
 * Return: 0, also with something left; -ENOENT without a journal; -EINVAL when the file is no
 * journal, which is then left alone; another negative errno.
 */
int binding_restore(const struct sysfs *sysfs, const char *journal, struct binding_back *back,
		    binding_tell_fn tell, void *context);

#endif
