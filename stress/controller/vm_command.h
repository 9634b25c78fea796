/* SPDX-License-Identifier: GPL-2.0-only */
/* How QEMU is called for a case. Whoever starts it (target_vm.c) has files and descriptors where this says. */
#ifndef FLBENCH_VM_COMMAND_H
#define FLBENCH_VM_COMMAND_H

#include <stdbool.h>

#include "plan.h"

/* Descriptors that QEMU is started with where there is a rig. */
#define VM_FIRST_FD 3
#define VM_SERIAL_FD 3
#define VM_QTEST_FD 4
#define VM_MEMORY_FD 5
#define VM_DISK_FD 6
#define VM_DIR_FD 7
#define VM_NR_FDS 5

/* In the directory of the case. */
#define VM_DISK_FILE "disk.raw"
#define VM_PEER_SOCKET "peer.sock"
#define VM_SOCKET "qemu.sock"
/* Of a second card. */
#define VM_SOCKET2 "qemu2.sock"

/* Memory of the machine that shows whether KVM works. */
#define VM_PROBE_MIB 512
#define VM_PROBE_MEMORY "512M"

/** vm_qemu() - the program: a name or a path */
const char *vm_qemu(const struct plan_case *plan_case);

/** vm_has_peer() - are DPDK's cards on cables to the controller? */
bool vm_has_peer(const struct plan_case *plan_case);

/** vm_runs_fio() - is there fio's disk, VM_DISK_FILE? */
bool vm_runs_fio(const struct plan_case *plan_case);

/** vm_has_rig() - does the agent get answers, and a network card frames? */
bool vm_has_rig(const struct plan_case *plan_case);

/**
 * vm_command_line() - arguments of QEMU for a case, also shown by a dry run
 * @plan_case: the case
 * @dir: directory of the case
 * @accel: "tcg" or "kvm"
 *
 * Return: NULL-terminated array of strings, to be freed with free_arguments(); NULL without memory.
 */
char **vm_command_line(const struct plan_case *plan_case, const char *dir, const char *accel);

/**
 * vm_probe_command_line() - arguments for a guest that shows whether KVM works
 * @plan_case: a case, for the kernel and the QEMU
 * @console: where its console goes
 *
 * Return: as vm_command_line().
 */
char **vm_probe_command_line(const struct plan_case *plan_case, const char *console);

/** free_arguments() - free what these gave; also NULL */
void free_arguments(char **arguments);

#endif
