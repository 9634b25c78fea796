// SPDX-License-Identifier: GPL-2.0-only
/* Command lines of QEMU: the machine, its devices by workload, what its kernel is told. See vm_command.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flbench/workload.h>

#include "tables.h"
#include "util.h"
#include "vm_command.h"

/* A job of random reads ends when it has read as much. */
#define FAST_DISK_BYTES (1ll << 30)

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

/* Return: the list, or NULL if there was no memory for all of it. */
static char **complete(struct arguments *arguments)
{
	if (!arguments->failed)
		return arguments->list;
	free_arguments(arguments->list);
	return NULL;
}

const char *vm_qemu(const struct plan_case *plan_case)
{
	const char *qemu = plan_text(plan_case, OPT_qemu);

	return *qemu ? qemu : arch_find(plan_text(plan_case, OPT_arch))->qemu;
}

/* A vendor with one mode has no choice. */
static const struct iommu_mode *mode_of(const struct plan_case *plan_case)
{
	const struct iommu_vendor *vendor = iommu_vendor_find(plan_text(plan_case, OPT_iommu));
	const struct iommu_mode *mode = iommu_mode_find(vendor, plan_text(plan_case, OPT_vtd_mode));

	return mode ? mode : vendor->modes;
}

static bool does_dma(const struct plan_case *plan_case)
{
	return workload_has(plan_text(plan_case, OPT_workload), "dma");
}

static bool runs_dpdk(const struct plan_case *plan_case)
{
	return workload_has(plan_text(plan_case, OPT_workload), "dpdk");
}

bool vm_has_peer(const struct plan_case *plan_case)
{
	return runs_dpdk(plan_case) && !strcmp(plan_text(plan_case, OPT_scenario), "dpdk-peer");
}

bool vm_has_rig(const struct plan_case *plan_case)
{
	return does_dma(plan_case) || vm_has_peer(plan_case);
}

/* Memory that the rig can look at, and what it reaches registers by. */
static void add_rig(struct arguments *arguments, const struct plan_case *plan_case)
{
	add(arguments, "-object");
	add(arguments, "memory-backend-file,id=ram,mem-path=/proc/self/fd/%d,share=on,size=%lldM",
	    VM_MEMORY_FD, plan_number(plan_case, OPT_memory));
	add(arguments, "-chardev");
	add(arguments, "socket,id=tester,fd=%d", VM_QTEST_FD);
	add(arguments, "-qtest");
	add(arguments, "chardev:tester");
	add(arguments, "-qtest-log");
	add(arguments, "/dev/null");
}

/* A cable to the peer. It sends to VM_SOCKET, and gets what any card sends. */
static void add_cable(struct arguments *arguments, const char *id, const char *socket)
{
	add(arguments, "-netdev");
	add(arguments,
	    "dgram,id=%s,local.type=unix,local.path=/proc/self/fd/%d/%s"
	    ",remote.type=unix,remote.path=/proc/self/fd/%d/" VM_PEER_SOCKET,
	    id, VM_DIR_FD, socket, VM_DIR_FD);
}

/*
 * Devices that do DMA. The second edu is not preserved; the card is behind a root port. The disk is
 * slow, so that commands are still under way at the jump.
 */
static void add_dma_devices(struct arguments *arguments, const struct plan_case *plan_case)
{
	add(arguments, "-device");
	add(arguments, "edu,dma_mask=0xffffffffffffffff");
	if (plan_bool(plan_case, OPT_edu_bridge)) {
		add(arguments, "-device");
		add(arguments, "pcie-root-port,id=root1,chassis=2");
		add(arguments, "-device");
		add(arguments, "pcie-pci-bridge,id=bridge0,bus=root1");
	}
	add(arguments, "-device");
	add(arguments, "edu,dma_mask=0xffffffffffffffff%s",
	    plan_bool(plan_case, OPT_edu_bridge) ? ",bus=bridge0,addr=1" : "");
	add(arguments, "-drive");
	add(arguments,
	    "if=none,id=disk,format=raw,file=/proc/self/fd/%d,throttling.iops-total=%lld",
	    VM_DISK_FD, plan_number(plan_case, OPT_disk_iops));
	add(arguments, "-device");
	add(arguments, "nvme,serial=flbench,drive=disk");
	add_cable(arguments, "cable", VM_SOCKET);
	add(arguments, "-device");
	add(arguments, "pcie-root-port,id=root0,chassis=1");
	add(arguments, "-device");
	add(arguments, "igb,bus=root0,netdev=cable");
}

bool vm_runs_fio(const struct plan_case *plan_case)
{
	return workload_has(plan_text(plan_case, OPT_workload), "fio");
}

/* A disk of zeroes that forgets what is written, without a file and its threads. */
static void add_null_disk(struct arguments *arguments, const char *name)
{
	add(arguments, "-drive");
	add(arguments, "if=none,id=%s,driver=null-co,size=%lld,read-zeroes=on", name,
	    FAST_DISK_BYTES);
}

/*
 * Two NVMe controllers. Namespace 1 of the first one is a file, which is read and written by threads
 * of QEMU, and slowly: commands are under way for a while. Nothing but the driver and the machine
 * limits its namespace 2 and the second controller, which are for what is measured.
 */
static void add_fio_devices(struct arguments *arguments, const struct plan_case *plan_case,
			    const char *dir)
{
	add(arguments, "-drive");
	add(arguments,
	    "if=none,id=disk,format=raw,file=%s/" VM_DISK_FILE
	    ",cache=unsafe,discard=unmap,throttling.iops-total=%lld",
	    dir,
	    /* 0 is no limit: where nothing runs into a kexec the disk is to be fast. */
	    strncmp(plan_text(plan_case, OPT_scenario), "fio-", 4) ?
		    plan_number(plan_case, OPT_disk_iops) :
		    0);
	add(arguments, "-device");
	add(arguments, "nvme,id=kept,serial=flbench,drive=disk");
	add_null_disk(arguments, "fast");
	add(arguments, "-device");
	add(arguments, "nvme-ns,bus=kept,nsid=2,drive=fast");
	add_null_disk(arguments, "peer");
	add(arguments, "-device");
	add(arguments, "nvme,serial=flbench-peer,drive=peer");
}

/*
 * Two network cards, each behind a root port and so in a group of its own: on one wire, or each on
 * a cable to the peer. Behind the devices of others: the agent goes by the order of addresses.
 */
static void add_dpdk_devices(struct arguments *arguments, const struct plan_case *plan_case)
{
	for (int i = 0; i < 2; i++) {
		if (vm_has_peer(plan_case)) {
			add_cable(arguments, i ? "wire1" : "wire0", i ? VM_SOCKET2 : VM_SOCKET);
		} else {
			add(arguments, "-netdev");
			add(arguments, "hubport,id=wire%d,hubid=0", i);
		}
		add(arguments, "-device");
		add(arguments, "pcie-root-port,id=dpdk%d,chassis=%d", i, i + 3);
		add(arguments, "-device");
		add(arguments, "igb,bus=dpdk%d,netdev=wire%d", i, i);
	}
}

static bool preserves_pages(const struct plan_case *plan_case)
{
	return !strcmp(plan_text(plan_case, OPT_scenario), "preserve-pages");
}

/* The same share of the memory for each node; the one processor is node 0's. */
static void add_nodes(struct arguments *arguments, const struct plan_case *plan_case)
{
	long long nodes = plan_number(plan_case, OPT_nodes);

	for (long long node = 0; nodes > 1 && node < nodes; node++) {
		add(arguments, "-object");
		add(arguments, "memory-backend-ram,id=node%lld,size=%lldM", node,
		    plan_number(plan_case, OPT_memory) / nodes);
		add(arguments, "-numa");
		add(arguments, "node,nodeid=%lld,memdev=node%lld%s", node, node,
		    node ? "" : ",cpus=0");
	}
}

/*
 * What the kernel does with pages before init starts. The scratch memory has to hold an entry of
 * memblock for each scattered page, and as many again while the array grows.
 */
static char *pages_words(const struct plan_case *plan_case)
{
	if (!preserves_pages(plan_case))
		return strdup("");
	return format_text(" kho_bench=%s,%s,%s,%s kho_scratch=64M,256M,128M",
			   plan_text(plan_case, OPT_layout), plan_text(plan_case, OPT_pages),
			   plan_text(plan_case, OPT_method), plan_text(plan_case, OPT_seed));
}

/* What the kernel is to make of the IOMMU in scenario=fio-translation; the agent looks whether it did. */
static const char *translation_words(const struct plan_case *plan_case)
{
	static const struct {
		const char *translation;
		const char *words;
	} rows[] = {
		/* Behind the mode's intel_iommu=on: the last one counts. */
		{ "off", " intel_iommu=off" },
		{ "passthrough", " iommu=pt" },
		{ "strict", " iommu.strict=1" },
		{ "lazy", " iommu.strict=0" },
		{ "vfio-1g", " hugepagesz=1G hugepages=1" },
	};

	if (strcmp(plan_text(plan_case, OPT_scenario), "fio-translation"))
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(plan_text(plan_case, OPT_translation), rows[i].translation))
			return rows[i].words;
	return "";
}

static char *kernel_words(const struct plan_case *plan_case)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	char *pages __freed = pages_words(plan_case);

	if (!pages)
		return NULL;
	/*
	 * retain_initrd: the agent hands the same initramfs to the next kernel. printk.time:
	 * messages of the kernel and lines of programs can be told apart. KUnit tests run at boot
	 * only if asked for. nokaslr: the same instructions in each run.
	 */
	return format_text(
		"console=%s panic=-1 nokaslr liveupdate=on kho=on retain_initrd printk.time=1 kunit.autorun=%d %s %s%s%s%s %s",
		arch->console, plan_bool(plan_case, OPT_kunit), arch->command_line,
		mode_of(plan_case)->command_line, pages,
		/* The kernel's driver is to be able to poll as well. */
		vm_runs_fio(plan_case) ? " nvme.poll_queues=1" : "", translation_words(plan_case),
		plan_text(plan_case, OPT_append));
}

char **vm_command_line(const struct plan_case *plan_case, const char *dir, const char *accel)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	char *words __freed = kernel_words(plan_case);
	struct arguments arguments = { 0 };
	bool kvm = !strcmp(accel, "kvm");

	if (!words)
		return NULL;
	add(&arguments, "%s", vm_qemu(plan_case));
	add(&arguments, "-name");
	add(&arguments, "flbench-%s", plan_case->name);
	add(&arguments, "-machine");
	add(&arguments, "%s%s", arch->machine, vm_has_rig(plan_case) ? ",memory-backend=ram" : "");
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
	add_nodes(&arguments, plan_case);
	add(&arguments, "-nodefaults");
	add(&arguments, "-no-user-config");
	add(&arguments, "-no-reboot");
	add(&arguments, "-display");
	add(&arguments, "none");
	add(&arguments, "-serial");
	add(&arguments, "file:%s/console.log", dir);
	if (vm_has_rig(plan_case)) {
		/* The agent is answered; the rig writes its lines to the same file. */
		add(&arguments, "-chardev");
		add(&arguments, "socket,id=events,fd=%d", VM_SERIAL_FD);
		add(&arguments, "-serial");
		add(&arguments, "chardev:events");
		if (plan_bool(plan_case, OPT_stay)) {
			add(&arguments, "-action");
			add(&arguments, "shutdown=pause");
		}
		add_rig(&arguments, plan_case);
	} else {
		add(&arguments, "-serial");
		add(&arguments, "file:%s/events.jsonl", dir);
	}
	if (strcmp(plan_text(plan_case, OPT_workload), "none")) {
		add(&arguments, "-device");
		add(&arguments, "%s", mode_of(plan_case)->qemu_device);
	}
	if (does_dma(plan_case))
		add_dma_devices(&arguments, plan_case);
	if (vm_runs_fio(plan_case))
		add_fio_devices(&arguments, plan_case, dir);
	if (runs_dpdk(plan_case))
		add_dpdk_devices(&arguments, plan_case);
	add(&arguments, "-kernel");
	add(&arguments, "%s", plan_text(plan_case, OPT_kernel));
	add(&arguments, "-initrd");
	add(&arguments, "%s/initrd", dir);
	add(&arguments, "-append");
	add(&arguments, "%s", words);
	return complete(&arguments);
}

char **vm_probe_command_line(const struct plan_case *plan_case, const char *console)
{
	const struct arch *arch = arch_find(plan_text(plan_case, OPT_arch));
	struct arguments arguments = { 0 };

	add(&arguments, "%s", vm_qemu(plan_case));
	add(&arguments, "-machine");
	add(&arguments, "%s", arch->machine);
	for (const char *const *word =
		     (const char *const[]){ "-accel", "kvm", "-cpu", arch->cpu_kvm, "-m",
					    VM_PROBE_MEMORY, "-nodefaults", "-no-user-config",
					    "-no-reboot", "-display", "none", NULL };
	     *word; word++)
		add(&arguments, "%s", *word);
	add(&arguments, "-serial");
	add(&arguments, "file:%s", console);
	add(&arguments, "-kernel");
	add(&arguments, "%s", plan_text(plan_case, OPT_kernel));
	add(&arguments, "-append");
	add(&arguments, "console=%s panic=-1 kunit.autorun=0 %s", arch->console,
	    arch->command_line);
	return complete(&arguments);
}
