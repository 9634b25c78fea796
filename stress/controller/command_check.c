// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench check: for each IOMMU unit and device of this machine, can its state be preserved across
 * a live update, and if not, why.
 * Reads sysfs, /proc and the kernel's configuration below --sysroot; opens no device and changes
 * nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pci/pci.h>
#include <stdarg.h>
#include <string.h>

#include "flbench.h"
#include "tables.h"
#include "topology.h"
#include "util.h"

/* PCI Express Base Specification 6.0, 7.6.3: extended capabilities. */
#define PCI_EXTENDED 0x100u
#define PCI_EXTENDED_END 0x1000u

/**
 * struct reasons - why something is not possible, in the order found
 * @text: with "; " between, "" if it is possible
 */
struct reasons {
	char text[768];
};

struct check {
	int root; /* directory that stands for "/" */
	const char *sysroot;
	char *config; /* of the running kernel, NULL if unknown */
	struct reasons system; /* what is in the way of everything */
	struct pci_access *pci;
	unsigned int possible;
	unsigned int impossible;
};

static __attribute__((format(printf, 2, 3))) void because(struct reasons *reasons,
							  const char *format, ...)
{
	size_t length = strlen(reasons->text);
	va_list args;

	if (length && length < sizeof(reasons->text))
		length += snprintf(reasons->text + length, sizeof(reasons->text) - length, "; ");
	va_start(args, format);
	if (length < sizeof(reasons->text))
		vsnprintf(reasons->text + length, sizeof(reasons->text) - length, format, args);
	va_end(args);
}

static char *link_name(int dirfd, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(dirfd, path, target, sizeof(target) - 1);
	char *slash;

	if (length < 0)
		return NULL;
	target[length] = '\0';
	slash = strrchr(target, '/');
	return strdup(slash ? slash + 1 : target);
}

static bool config_has(const char *config, const char *name)
{
	char *wanted __freed = format_text("\n%s=", name);
	const char *found = wanted ? strstr(config, wanted) : NULL;

	return (found && (found[strlen(wanted)] == 'y' || found[strlen(wanted)] == 'm')) ||
	       (wanted && !strncmp(config, wanted + 1, strlen(wanted + 1)));
}

static char *running_config(const struct check *check)
{
	char *release __freed = read_text(check->root, "proc/sys/kernel/osrelease");
	char *packed __freed = format_text("%s/proc/config.gz", check->sysroot);
	const char *const argv[] = { "gzip", "-dc", packed, NULL };
	char *path __freed = release ? format_text("boot/config-%s", release) : NULL;
	char *config = path ? read_text(check->root, path) : NULL;

	if (!config && packed && !access(packed, R_OK))
		config = run_output(argv);
	return config;
}

static void need_option(struct check *check, struct reasons *reasons, const char *name)
{
	if (check->config && !config_has(check->config, name))
		because(reasons, "the kernel is built without %s", name);
}

static void need_word(struct check *check, const char *words, const char *name, const char *what)
{
	char *padded __freed = format_text(" %s ", words);
	char *wanted __freed = format_text(" %s=", name);
	const char *found = NULL;

	/* The last one counts, as for the kernel. */
	for (const char *at = padded; at && wanted && (at = strstr(at, wanted)); at++)
		found = at + strlen(wanted);
	if (!found || (strncmp(found, "on", 2) && strncmp(found, "1", 1) && strncmp(found, "y", 1)))
		because(&check->system, "%s is off; boot with %s=on", what, name);
}

static void check_system(struct check *check)
{
	static const char *const options[] = { "CONFIG_KEXEC_FILE", "CONFIG_KEXEC_HANDOVER",
					       "CONFIG_LIVEUPDATE", "CONFIG_LIVEUPDATE_MEMFD",
					       "CONFIG_IOMMUFD",    "CONFIG_IOMMU_LIVEUPDATE" };
	char *release __freed = read_text(check->root, "proc/sys/kernel/osrelease");
	char *words __freed = read_text(check->root, "proc/cmdline");

	check->config = running_config(check);
	printf("kernel %s, configuration %s\n", release ? release : "(unknown)",
	       check->config ?
		       "known" :
		       "not to be found (neither /boot/config-RELEASE nor /proc/config.gz)");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		need_option(check, &check->system, options[i]);
	if (words) {
		need_word(check, words, "liveupdate", "the Live Update Orchestrator");
		need_word(check, words, "kho", "Kexec HandOver");
	}
	if (faccessat(check->root, "dev/liveupdate", F_OK, 0))
		because(&check->system, "there is no /dev/liveupdate");
	if (faccessat(check->root, "dev/iommu", F_OK, 0))
		because(&check->system, "there is no /dev/iommu");
	printf("live update of IOMMU state: %s%s\n",
	       *check->system.text ? "no: " : "the kernel can", check->system.text);
}

static void show_topology(const struct check *check)
{
	hwloc_topology_t topology;

	if (topology_load_hwloc(&topology, check->sysroot, 0))
		return;
	printf("topology: %d packages, %d NUMA nodes, %d cores, %d hardware threads\n",
	       hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE),
	       hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE),
	       hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE),
	       hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
	hwloc_topology_destroy(topology);
}

/* What its IOMMU has against preserving a device or a unit. */
static void need_vendor(struct check *check, struct reasons *reasons, const char *unit)
{
	const struct iommu_vendor *vendor = iommu_vendor_of_unit(unit);

	if (!vendor) {
		because(reasons, "flbench knows no IOMMU whose units are called %s", unit);
		return;
	}
	if (vendor->unavailable)
		because(reasons, "%s: %s", vendor->driver, vendor->unavailable);
	for (const char *const *option = vendor->kconfig; *option; option++)
		need_option(check, reasons, *option);
}

static void verdict_line(struct check *check, const char *kind, const char *name, const char *what,
			 const struct reasons *own)
{
	bool possible = !*own->text && !*check->system.text;

	check->possible += possible;
	check->impossible += !possible;
	printf("%s %s (%s): %s%s%s%s\n", kind, name, what,
	       possible ? "can be preserved" : "cannot be preserved: ", own->text,
	       *own->text && *check->system.text ? "; " : "",
	       *check->system.text ? "the kernel cannot, see above" : "");
}

static int names_only(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

typedef void (*entry_fn)(struct check *check, const char *name);

/* Call @fn for each entry of a directory, in the order that people count in. */
static int for_each_entry(struct check *check, const char *path, entry_fn fn)
{
	struct dirent **entries;
	int nr = scandirat(check->root, path, &entries, names_only, versionsort);

	for (int i = 0; i < nr; i++) {
		fn(check, entries[i]->d_name);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return nr > 0 ? nr : 0;
}

static int count_entries(const struct check *check, const char *path)
{
	struct dirent **entries;
	int nr = scandirat(check->root, path, &entries, names_only, NULL);

	for (int i = 0; i < nr; i++)
		free(entries[i]);
	if (nr >= 0)
		free(entries);
	return nr > 0 ? nr : 0;
}

static void check_unit(struct check *check, const char *name)
{
	const struct iommu_vendor *vendor = iommu_vendor_of_unit(name);
	struct reasons reasons = { "" };
	char what[256];

	snprintf(what, sizeof(what), "%s%s", vendor ? vendor->driver : "unknown IOMMU",
		 vendor ? vendor->caution : "");
	for (const char *const *reg = vendor ? vendor->registers : NULL; reg && *reg; reg++) {
		char *path __freed = format_text("sys/class/iommu/%s/%s", name, *reg);
		char *value __freed = path ? read_text(check->root, path) : NULL;
		size_t length = strlen(what);

		if (value)
			snprintf(what + length, sizeof(what) - length, ", %s %s",
				 strchr(*reg, '/') + 1, value);
	}
	need_vendor(check, &reasons, name);
	verdict_line(check, "unit", name, what, &reasons);
}

static unsigned int hex_file(int dirfd, const char *path)
{
	char *text __freed = read_text(dirfd, path);

	return text ? strtoul(text, NULL, 16) : 0;
}

/* "Intel Corporation 82576 Gigabit, driver igb, NUMA node 0" */
static void describe(struct check *check, int device, char *what, size_t size)
{
	char *driver __freed = link_name(device, "driver");
	char *node __freed = read_text(device, "numa_node");
	unsigned int vendor_id = hex_file(device, "vendor"), device_id = hex_file(device, "device");
	char name[160] = "no PCI device";

	if (vendor_id)
		pci_lookup_name(check->pci, name, sizeof(name),
				PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, vendor_id, device_id);
	snprintf(what, size, "%s, %s%s%s%s", name, driver ? "driver " : "no driver",
		 driver ? driver : "", node && strcmp(node, "-1") ? ", NUMA node " : "",
		 node && strcmp(node, "-1") ? node : "");
}

/*
 * What the firmware wants mapped one to one (an RMRR of VT-d, a unity map of AMD-Vi) belongs to no memfd,
 * so no session can hand it over. A relaxable region is one that iommufd does without.
 */
static void need_no_direct_region(struct check *check, struct reasons *reasons, const char *group)
{
	char *path __freed = format_text("sys/kernel/iommu_groups/%s/reserved_regions", group);
	char *text __freed = path ? read_text(check->root, path) : NULL;
	char *save = NULL;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		unsigned long long first, last;
		char type[32];

		if (sscanf(line, "%llx %llx %31s", &first, &last, type) == 3 &&
		    !strcmp(type, "direct"))
			because(reasons,
				"reserved region 0x%llx to 0x%llx is %s (an RMRR or the like): mapped one to one, with no memfd behind it",
				first, last, type);
	}
}

/* Has a PCI device this extended capability? Only root can read it; else it is not known. */
static bool has_extended(int device, unsigned int id)
{
	int fd __close = openat(device, "config", O_RDONLY | O_CLOEXEC);
	unsigned int at = PCI_EXTENDED;
	uint32_t header;

	/* Each has 4 bytes at least: a chain that is longer has a cycle. */
	for (unsigned int left = (PCI_EXTENDED_END - PCI_EXTENDED) / 4; fd >= 0 && left; left--) {
		if (pread(fd, &header, sizeof(header), at) != sizeof(header) || !header)
			break;
		if ((header & 0xffff) == id)
			return true;
		at = header >> 20;
		if (at < PCI_EXTENDED)
			break;
	}
	return false;
}

/*
 * An IOMMU that lets devices cache translations cannot hand them over. VT-d does so by itself where
 * a device can, unless the kernel was told not to.
 */
static void need_no_ats(struct check *check, struct reasons *reasons, int device, const char *unit)
{
	const struct iommu_vendor *vendor = iommu_vendor_of_unit(unit);
	char *words __freed = read_text(check->root, "proc/cmdline");

	if (vendor && vendor->ats_off && has_extended(device, PCI_EXT_CAP_ID_ATS) &&
	    !(words && strstr(words, vendor->ats_off)))
		because(reasons,
			"it can cache translations (ATS), which is not handed over: boot with %s",
			vendor->ats_off);
}

static void check_device(struct check *check, const char *group, const char *name, int in_group)
{
	char *path __freed = format_text("sys/kernel/iommu_groups/%s/devices/%s", group, name);
	int device __close = path ? openat(check->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
				    -1;
	char *unit __freed = NULL, *driver __freed = NULL;
	struct reasons reasons = { "" };
	char what[384];

	if (device < 0) {
		because(&reasons, "cannot read %s: %s", path ? path : name, strerror(errno));
		verdict_line(check, "device", name, "unknown", &reasons);
		return;
	}
	unit = link_name(device, "iommu");
	driver = link_name(device, "driver");
	describe(check, device, what, sizeof(what));
	if (unit) {
		need_vendor(check, &reasons, unit);
		need_no_ats(check, &reasons, device, unit);
	} else {
		because(&reasons, "no IOMMU unit stands before it");
	}
	need_no_direct_region(check, &reasons, group);
	if (in_group > 1)
		because(&reasons,
			"it shares IOMMU group %s with %d others, which would have to be preserved with it",
			group, in_group - 1);
	if (!driver || strcmp(driver, "vfio-pci"))
		because(&reasons,
			"it is not bound to vfio-pci, so that no iommufd can hold its domain");
	verdict_line(check, "device", name, what, &reasons);
}

static void check_group(struct check *check, const char *group)
{
	char *path __freed = format_text("sys/kernel/iommu_groups/%s/devices", group);
	struct dirent **entries;
	int nr = path ? scandirat(check->root, path, &entries, names_only, versionsort) : -1;

	for (int i = 0; i < nr; i++) {
		check_device(check, group, entries[i]->d_name, nr);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

int command_check(const struct invocation *invocation)
{
	struct check check = { .sysroot = flag_text(invocation, OPT_sysroot) };
	int root __close = open(check.sysroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0) {
		say("--sysroot %s: %s", check.sysroot, strerror(errno));
		return EXIT_BAD_INPUT;
	}
	check.root = root;
	check.pci = pci_names_open();
	check_system(&check);
	show_topology(&check);
	if (!for_each_entry(&check, "sys/class/iommu", check_unit))
		printf("no IOMMU unit in /sys/class/iommu: none here, or switched off (firmware, intel_iommu=on, amd_iommu=)\n");
	if (!count_entries(&check, "sys/kernel/iommu_groups"))
		printf("no device is behind an IOMMU: /sys/kernel/iommu_groups is empty\n");
	for_each_entry(&check, "sys/kernel/iommu_groups", check_group);
	printf("%u can be preserved here, %u cannot\n", check.possible, check.impossible);
	if (!check.possible)
		printf("the vm target needs none of this: scripts/run brings a kernel and a mock IOMMU along\n");
	pci_cleanup(check.pci);
	free(check.config);
	return EXIT_PASS;
}
