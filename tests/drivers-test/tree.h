/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine made of files in a temporary directory, laid out as the kernel lays out /sys and /proc.
 * Writes are answered as the kernel would, by single system calls, so that it can be killed at any
 * moment and is still a machine.
 */
#ifndef FLBENCH_TEST_TREE_H
#define FLBENCH_TEST_TREE_H

#include <flbench/sysfs.h>

/** tree_begin() - an empty machine; @sysfs is opened on it */
void tree_begin(struct sysfs *sysfs);
void tree_end(struct sysfs *sysfs);

/** tree_path() - path of a file outside of the machine, beside it, in one of a few static buffers */
const char *tree_path(const char *name);

/* Paths start at the root of the machine; directories are made. */
void tree_file(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_link(const char *target, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tree_remove(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** tree_driver() - a driver that is loaded */
void tree_driver(const char *driver);

/**
 * tree_device() - a PCI device
 * @port: address of the port that it is behind, "" for none
 * @address: its own
 * @class: as sysfs writes it
 * @driver: that it has, "" for none
 * @group: IOMMU group, -1 for none
 */
void tree_device(const char *port, const char *address, const char *class, const char *driver,
		 int group);

#endif
