// SPDX-License-Identifier: GPL-2.0-only
/* See topology.h. */
#include <errno.h>
#include <pci/pci.h>
#include <stdarg.h>
#include <string.h>

#include "tables.h"
#include "topology.h"
#include "util.h"

#define NODES "sys/devices/system/node"
#define CPUS "sys/devices/system/cpu"
/* What a packet generator or a guest of ours takes: less makes them fail or fall back. */
#define HUGE_WANTED_BYTES (1ll << 30)

struct reader {
	struct topology *t;
	const struct sysfs *sysfs;
	hwloc_bitmap_t cpus;
	hwloc_bitmap_t memory_nodes;
	bool any_marked;
};

static __attribute__((format(printf, 2, 3))) void warn(struct topology *t, const char *format, ...)
{
	char **warnings = reallocarray(t->warnings, t->nr_warnings + 1, sizeof(*warnings));
	char *text = NULL;
	va_list args;

	if (!warnings)
		return;
	t->warnings = warnings;
	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0)
		warnings[t->nr_warnings++] = text;
	va_end(args);
}

int topology_load_hwloc(hwloc_topology_t *hwloc, const char *sysroot, unsigned long flags)
{
	bool other = strcmp(sysroot, "/");
	int err = 0;

	/* hwloc's own way to read another root; nobody else shall see it. */
	if (other)
		setenv("HWLOC_FSROOT", sysroot, 1);
	/* What it misses in a copy of a machine is not worth its lines. */
	setenv("HWLOC_HIDE_ERRORS", "2", 0);
	if (hwloc_topology_init(hwloc)) {
		err = -ENOMEM;
	} else {
		hwloc_topology_set_flags(*hwloc, flags);
		hwloc_topology_set_io_types_filter(*hwloc, HWLOC_TYPE_FILTER_KEEP_ALL);
		if (hwloc_topology_load(*hwloc)) {
			err = errno ? -errno : -EIO;
			hwloc_topology_destroy(*hwloc);
		}
	}
	if (other)
		unsetenv("HWLOC_FSROOT");
	return err;
}

static void say_nothing(char *format, ...)
{
}

struct pci_access *pci_names_open(void)
{
	struct pci_access *ids = pci_alloc();

	/*
	 * pci_init() would set these, but also ends the program where there is no PCI; without, a
	 * device that has no name is a call of NULL.
	 */
	if (ids) {
		ids->warning = say_nothing;
		ids->debug = say_nothing;
	}
	return ids;
}

/* ---- what is there ---- */

/* A list as the kernel writes it, behind its name in /proc/self/status. */
static bool allowed_list(const struct sysfs *sysfs, const char *name, hwloc_bitmap_t set)
{
	char *text __freed = sysfs_text(sysfs, "proc/self/status");
	const char *line = text ? strstr(text, name) : NULL;
	char *list __freed = NULL;

	if (!line)
		return false;
	line += strlen(name);
	line += strspn(line, " \t");
	list = strndup(line, strcspn(line, "\n"));
	return list && !hwloc_bitmap_list_sscanf(set, list);
}

/* Where this process may run and have its memory; of another machine, what was written down. */
static void read_allowed(struct reader *r)
{
	hwloc_topology_t hwloc = r->t->hwloc;
	hwloc_bitmap_t bound;
	hwloc_membind_policy_t policy;

	if (!allowed_list(r->sysfs, "\nCpus_allowed_list:", r->cpus))
		hwloc_bitmap_copy(r->cpus, hwloc_topology_get_topology_cpuset(hwloc));
	hwloc_bitmap_and(r->cpus, r->cpus, hwloc_topology_get_topology_cpuset(hwloc));
	if (!allowed_list(r->sysfs, "\nMems_allowed_list:", r->memory_nodes))
		hwloc_bitmap_copy(r->memory_nodes, hwloc_topology_get_topology_nodeset(hwloc));
	hwloc_bitmap_and(r->memory_nodes, r->memory_nodes,
			 hwloc_topology_get_topology_nodeset(hwloc));
	bound = hwloc_bitmap_alloc();
	/* numactl --membind */
	if (bound && r->sysfs->live &&
	    !hwloc_get_membind(hwloc, bound, &policy, HWLOC_MEMBIND_BYNODESET) &&
	    policy == HWLOC_MEMBIND_BIND)
		hwloc_bitmap_and(r->memory_nodes, r->memory_nodes, bound);
	hwloc_bitmap_free(bound);
	hwloc_bitmap_list_snprintf(r->t->cpus, sizeof(r->t->cpus), r->cpus);
	hwloc_bitmap_list_snprintf(r->t->memory_nodes, sizeof(r->t->memory_nodes), r->memory_nodes);
}

/* "hugepages-2048kB", each in its own directory */
static void read_huge_pages(struct reader *r, struct topology_node *node)
{
	struct sysfs_names sizes __sysfs_names = { 0 };
	char *dir __freed = format_text(NODES "/node%u/hugepages", node->index);

	node->huge_pages = -1;
	if (!dir)
		return;
	if (sysfs_list(r->sysfs, &sizes, "%s", dir)) {
		/* A kernel without NUMA. */
		free(dir);
		dir = strdup("sys/kernel/mm/hugepages");
		if (!dir || sysfs_list(r->sysfs, &sizes, "%s", dir))
			return;
	}
	for (size_t i = 0; i < sizes.nr; i++) {
		long long kib;

		if (sscanf(sizes.name[i], "hugepages-%lldkB", &kib) != 1)
			continue;
		if (node->huge_pages < 0)
			node->huge_pages = 0;
		node->huge_pages +=
			kib * 1024 *
			sysfs_number(r->sysfs, 0, "%s/%s/nr_hugepages", dir, sizes.name[i]);
		node->huge_free +=
			kib * 1024 *
			sysfs_number(r->sysfs, 0, "%s/%s/free_hugepages", dir, sizes.name[i]);
	}
}

static int read_nodes(struct reader *r)
{
	struct topology *t = r->t;
	int nr = hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_NUMANODE);
	hwloc_obj_t object = NULL;

	t->nodes = calloc(nr > 0 ? nr : 1, sizeof(*t->nodes));
	if (!t->nodes)
		return -ENOMEM;
	while ((object = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_NUMANODE, object))) {
		struct topology_node *node = &t->nodes[t->nr_nodes++];

		node->index = object->os_index;
		node->memory_bytes = object->attr->numanode.local_memory;
		hwloc_bitmap_list_snprintf(node->cpus, sizeof(node->cpus), object->cpuset);
		read_huge_pages(r, node);
	}
	return 0;
}

static int read_units(struct reader *r)
{
	struct sysfs_names names __sysfs_names = { 0 };
	struct topology *t = r->t;
	int err = sysfs_list(r->sysfs, &names, "sys/class/iommu");

	if (err)
		return err == -ENOENT ? 0 : err;
	t->units = calloc(names.nr + 1, sizeof(*t->units));
	if (!t->units)
		return -ENOMEM;
	for (size_t i = 0; i < names.nr; i++) {
		struct topology_unit *unit = &t->units[t->nr_units++];
		struct sysfs_names devices __sysfs_names = { 0 };

		sysfs_list(r->sysfs, &devices, "sys/class/iommu/%s/devices", names.name[i]);
		snprintf(unit->name, sizeof(unit->name), "%s", names.name[i]);
		unit->devices = devices.nr;
	}
	return 0;
}

static hwloc_obj_t find_in_hwloc(hwloc_topology_t hwloc, const char *address)
{
	return hwloc_get_pcidev_by_busidstring(hwloc, address);
}

/* hwloc knows which disk, card or accelerator a PCI device is to the system. */
static void read_os_names(struct reader *r, struct topology_device *device)
{
	hwloc_obj_t object = find_in_hwloc(r->t->hwloc, device->function.address);
	size_t used = 0;

	for (hwloc_obj_t child = object ? object->io_first_child : NULL;
	     child && used < sizeof(device->os); child = child->next_sibling)
		if (child->type == HWLOC_OBJ_OS_DEVICE && child->name)
			used += snprintf(device->os + used, sizeof(device->os) - used, "%s%s",
					 used ? ", " : "", child->name);
}

static int read_devices(struct reader *r)
{
	struct sysfs_names names __sysfs_names = { 0 };
	struct topology *t = r->t;
	struct pci_access *ids;
	int err = sysfs_list(r->sysfs, &names, PCI_DEVICES);

	if (err)
		return err == -ENOENT ? 0 : err;
	t->devices = calloc(names.nr + 1, sizeof(*t->devices));
	if (!t->devices)
		return -ENOMEM;
	ids = pci_names_open();
	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < names.nr; i++) {
		struct topology_device *device = &t->devices[t->nr_devices];

		if (pci_read(r->sysfs, names.name[i], &device->function))
			continue;
		pci_lookup_name(ids, device->name, sizeof(device->name),
				PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, device->function.vendor,
				device->function.device);
		read_os_names(r, device);
		t->nr_devices++;
	}
	pci_cleanup(ids);
	return 0;
}

static int mark(struct reader *r, const char *const *marked, size_t nr, char *problem, size_t size)
{
	struct topology *t = r->t;

	for (size_t m = 0; m < nr; m++) {
		char address[PCI_ADDRESS_SIZE];
		bool found = false;

		if (pci_address_parse(marked[m], address)) {
			snprintf(
				problem, size,
				"'%.64s' is no address of a PCI device: write it as in 0000:01:00.0",
				marked[m]);
			return -EINVAL;
		}
		for (size_t i = 0; i < t->nr_devices; i++) {
			if (strcmp(t->devices[i].function.address, address))
				continue;
			t->devices[i].marked = true;
			found = true;
		}
		if (!found) {
			snprintf(problem, size,
				 "%s does not exist there: flbench topo without it lists what does",
				 address);
			return -EINVAL;
		}
	}
	for (size_t i = 0; !nr && i < t->nr_devices; i++)
		t->devices[i].marked = !strcmp(t->devices[i].function.driver, VFIO_DRIVER);
	for (size_t i = 0; i < t->nr_devices; i++)
		r->any_marked |= t->devices[i].marked;
	return 0;
}

/* ---- what slows a run down ---- */

static void warn_of_node(struct reader *r, const struct pci_function *f)
{
	struct topology *t = r->t;
	hwloc_obj_t node;

	if (t->nr_nodes < 2)
		return;
	if (f->numa_node < 0) {
		warn(t,
		     "%s: the firmware does not tell its NUMA node: look up its slot in the board's manual",
		     f->address);
		return;
	}
	node = hwloc_get_numanode_obj_by_os_index(t->hwloc, f->numa_node);
	if (!node)
		warn(t,
		     "%s is on NUMA node %d, which this process cannot see: run outside of the cpuset or container",
		     f->address, f->numa_node);
	else if (!hwloc_bitmap_isincluded(r->cpus, node->cpuset))
		warn(t,
		     "%s is on NUMA node %d, and this process may run on another one (CPUs %s): numactl --cpunodebind=%d --membind=%d",
		     f->address, f->numa_node, t->cpus, f->numa_node, f->numa_node);
	else if (!hwloc_bitmap_isincluded(r->memory_nodes, node->nodeset))
		warn(t,
		     "%s is on NUMA node %d, and the memory of this process may come from others (nodes %s): numactl --membind=%d",
		     f->address, f->numa_node, t->memory_nodes, f->numa_node);
}

static bool is_below(const struct pci_link *link, const struct pci_link *max)
{
	return (link->gigatransfers && link->gigatransfers < max->gigatransfers) ||
	       (link->width && link->width < max->width);
}

static void warn_of_link(struct reader *r, const struct pci_function *f)
{
	char port[160] = "";

	if (!is_below(&f->current, &f->max))
		return;
	if (is_below(&f->port_max, &f->max))
		snprintf(port, sizeof(port),
			 "the port before it, %s, can do no more than %g GT/s x%u: ", f->port,
			 f->port_max.gigatransfers, f->port_max.width);
	warn(r->t, "%s: its link runs at %g GT/s x%u, and the device can do %g GT/s x%u: %s%s",
	     f->address, f->current.gigatransfers, f->current.width, f->max.gigatransfers,
	     f->max.width, port,
	     *port ? "take another slot" :
		     "seat it anew, and look at ASPM and the link speed in the firmware");
}

static void warn_of_group(struct reader *r, const struct pci_function *f)
{
	/* Without any unit it is said once for all. */
	if (f->group < 0 && r->t->nr_units)
		warn(r->t, "%s is behind no IOMMU: take another slot", f->address);
	else if (!strcmp(f->group_type, "identity"))
		warn(r->t,
		     "%s: its IOMMU group %d is in passthrough, so that its own driver's DMA is not translated: boot without iommu=pt",
		     f->address, f->group);
}

static void warn_of_iommu(struct reader *r)
{
	if (!r->t->nr_units)
		warn(r->t,
		     "no IOMMU: it is missing or off: switch it on in the firmware (VT-d, AMD-Vi) and boot with intel_iommu=on");
}

/* Free huge pages on the nodes of the devices. With one node nobody needs to be told which. */
static void warn_of_huge_pages(struct reader *r)
{
	struct topology *t = r->t;
	long long free_bytes = 0, huge = -1;

	for (size_t n = 0; n < t->nr_nodes; n++) {
		const struct topology_node *node = &t->nodes[n];
		bool used = false;

		huge = node->huge_pages > huge ? node->huge_pages : huge;
		free_bytes += node->huge_free;
		for (size_t i = 0; t->nr_nodes > 1 && i < t->nr_devices; i++)
			used |= (t->devices[i].marked || !r->any_marked) &&
				!pci_is_bridge(&t->devices[i].function) &&
				t->devices[i].function.numa_node == (int)node->index;
		if (used && node->huge_pages >= 0 && node->huge_free < HUGE_WANTED_BYTES)
			warn(t,
			     "NUMA node %u has %lld MiB of free huge pages, less than 1024: echo 512 > /" NODES
			     "/node%u/hugepages/hugepages-2048kB/nr_hugepages",
			     node->index, node->huge_free >> 20, node->index);
	}
	if (t->nr_nodes && huge < 0)
		warn(t, "no huge pages: this kernel has none (CONFIG_HUGETLBFS)");
	else if (t->nr_nodes == 1 && free_bytes < HUGE_WANTED_BYTES)
		warn(t, "%lld MiB of free huge pages, less than 1024: sysctl vm.nr_hugepages=512",
		     free_bytes >> 20);
}

static void warn_of_governor(struct reader *r)
{
	hwloc_bitmap_t slow = hwloc_bitmap_alloc();
	char *first __freed = NULL;
	char list[256];

	if (!slow)
		return;
	for (int cpu = hwloc_bitmap_first(r->cpus); cpu >= 0;
	     cpu = hwloc_bitmap_next(r->cpus, cpu)) {
		char *governor __freed =
			sysfs_text(r->sysfs, CPUS "/cpu%d/cpufreq/scaling_governor", cpu);

		if (governor && strcmp(governor, "performance")) {
			hwloc_bitmap_set(slow, cpu);
			if (!first)
				first = strdup(governor);
		}
	}
	hwloc_bitmap_list_snprintf(list, sizeof(list), slow);
	if (first)
		warn(r->t,
		     "CPUs %s have the frequency governor %s: cpupower frequency-set -g performance",
		     list, first);
	hwloc_bitmap_free(slow);
}

/* Threads of one core, of which this process may run on more than one. */
static void warn_of_siblings(struct reader *r)
{
	hwloc_bitmap_t ours = hwloc_bitmap_alloc(), single = hwloc_bitmap_alloc();
	unsigned int cores = 0;
	hwloc_obj_t core = NULL;
	char list[256], first[64] = "";

	while (ours && single &&
	       (core = hwloc_get_next_obj_by_type(r->t->hwloc, HWLOC_OBJ_CORE, core))) {
		hwloc_bitmap_and(ours, core->cpuset, r->cpus);
		if (hwloc_bitmap_weight(ours) > 1 && !cores++)
			hwloc_bitmap_list_snprintf(first, sizeof(first), ours);
		hwloc_bitmap_singlify(ours);
		hwloc_bitmap_or(single, single, ours);
	}
	if (cores) {
		hwloc_bitmap_list_snprintf(list, sizeof(list), single);
		warn(r->t,
		     "CPUs %s are threads of one core (%u such): taskset -c %s, or echo off > /" CPUS
		     "/smt/control",
		     first, cores, list);
	}
	hwloc_bitmap_free(ours);
	hwloc_bitmap_free(single);
}

static void warn_of_all(struct reader *r)
{
	struct topology *t = r->t;

	warn_of_iommu(r);
	for (size_t i = 0; i < t->nr_devices; i++) {
		const struct pci_function *f = &t->devices[i].function;

		if (pci_is_bridge(f) || (r->any_marked && !t->devices[i].marked))
			continue;
		warn_of_group(r, f);
		warn_of_node(r, f);
		warn_of_link(r, f);
	}
	warn_of_huge_pages(r);
	warn_of_governor(r);
	warn_of_siblings(r);
}

int topology_read(struct topology *topology, const struct sysfs *sysfs, const char *sysroot,
		  const char *const *marked, size_t nr_marked, char *problem, size_t size)
{
	struct reader r = { .t = topology, .sysfs = sysfs };
	int err;

	*topology = (struct topology){ 0 };
	snprintf(problem, size, "the topology cannot be read below %s", sysroot);
	err = topology_load_hwloc(&topology->hwloc, sysroot,
				  HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	if (err) {
		topology->hwloc = NULL;
		return err;
	}
	r.cpus = hwloc_bitmap_alloc();
	r.memory_nodes = hwloc_bitmap_alloc();
	err = r.cpus && r.memory_nodes ? 0 : -ENOMEM;
	if (!err) {
		read_allowed(&r);
		err = read_nodes(&r);
	}
	if (!err)
		err = read_units(&r);
	if (!err)
		err = read_devices(&r);
	if (!err)
		err = mark(&r, marked, nr_marked, problem, size);
	if (!err)
		warn_of_all(&r);
	hwloc_bitmap_free(r.cpus);
	hwloc_bitmap_free(r.memory_nodes);
	return err;
}

void topology_free(struct topology *topology)
{
	for (size_t i = 0; i < topology->nr_warnings; i++)
		free(topology->warnings[i]);
	free(topology->warnings);
	free(topology->devices);
	free(topology->nodes);
	free(topology->units);
	if (topology->hwloc)
		hwloc_topology_destroy(topology->hwloc);
	*topology = (struct topology){ 0 };
}
