// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench check: for each IOMMU unit and device of this machine, can its state be preserved across
 * a live update, and if not, why.
 * Reads sysfs, /proc and the kernel's configuration below --sysroot; opens no device and changes
 * nothing.
 */
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
	struct sysfs sysfs;
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

static bool config_has(const char *config, const char *name)
{
	char *wanted __freed = format_text("\n%s=", name);
	const char *found = wanted ? strstr(config, wanted) : NULL;

	return (found && (found[strlen(wanted)] == 'y' || found[strlen(wanted)] == 'm')) ||
	       (wanted && !strncmp(config, wanted + 1, strlen(wanted + 1)));
}

static char *running_config(const struct check *check)
{
	char *release __freed = sysfs_text(&check->sysfs, "proc/sys/kernel/osrelease");
	char *packed __freed = format_text("%s/proc/config.gz", check->sysroot);
	const char *const argv[] = { "gzip", "-dc", packed, NULL };
	char *config = release ? sysfs_text(&check->sysfs, "boot/config-%s", release) : NULL;

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
	char *release __freed = sysfs_text(&check->sysfs, "proc/sys/kernel/osrelease");
	char *words __freed = sysfs_text(&check->sysfs, "proc/cmdline");

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
	if (!sysfs_exists(&check->sysfs, "dev/liveupdate"))
		because(&check->system, "there is no /dev/liveupdate");
	if (!sysfs_exists(&check->sysfs, "dev/iommu"))
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

static void check_unit(struct check *check, const char *name)
{
	const struct iommu_vendor *vendor = iommu_vendor_of_unit(name);
	struct reasons reasons = { "" };
	char what[256];

	snprintf(what, sizeof(what), "%s%s", vendor ? vendor->driver : "unknown IOMMU",
		 vendor ? vendor->caution : "");
	for (const char *const *reg = vendor ? vendor->registers : NULL; reg && *reg; reg++) {
		char *value __freed =
			sysfs_text(&check->sysfs, "sys/class/iommu/%s/%s", name, *reg);
		size_t length = strlen(what);

		if (value)
			snprintf(what + length, sizeof(what) - length, ", %s %s",
				 strchr(*reg, '/') + 1, value);
	}
	need_vendor(check, &reasons, name);
	verdict_line(check, "unit", name, what, &reasons);
}

/* "Intel Corporation 82576 Gigabit, driver igb, NUMA node 0" */
static void describe(struct check *check, const char *device, const char *driver, char *what,
		     size_t size)
{
	unsigned int vendor_id = sysfs_number(&check->sysfs, 0, "%s/vendor", device);
	unsigned int device_id = sysfs_number(&check->sysfs, 0, "%s/device", device);
	int node = sysfs_number(&check->sysfs, -1, "%s/numa_node", device);
	char name[160] = "no PCI device", place[32] = "";

	if (vendor_id)
		pci_lookup_name(check->pci, name, sizeof(name),
				PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, vendor_id, device_id);
	if (node >= 0)
		snprintf(place, sizeof(place), ", NUMA node %d", node);
	snprintf(what, size, "%s, %s%s%s", name, *driver ? "driver " : "no driver", driver, place);
}

/*
 * What the firmware wants mapped one to one (an RMRR of VT-d, a unity map of AMD-Vi) belongs to no memfd,
 * so no session can hand it over. A relaxable region is one that iommufd does without.
 */
static void need_no_direct_region(struct check *check, struct reasons *reasons, const char *group)
{
	char *text __freed = sysfs_text(&check->sysfs, IOMMU_GROUPS "/%s/reserved_regions", group);
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
static bool has_extended(const struct check *check, const char *device, unsigned int id)
{
	char *path __freed = format_text("%s/config", device);
	int fd __close = path ? openat(check->sysfs.root, path, O_RDONLY | O_CLOEXEC) : -1;
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
static void need_no_ats(struct check *check, struct reasons *reasons, const char *device,
			const char *unit)
{
	const struct iommu_vendor *vendor = iommu_vendor_of_unit(unit);
	char *words __freed = sysfs_text(&check->sysfs, "proc/cmdline");

	if (vendor && vendor->ats_off && has_extended(check, device, PCI_EXT_CAP_ID_ATS) &&
	    !(words && strstr(words, vendor->ats_off)))
		because(reasons,
			"it can cache translations (ATS), which is not handed over: boot with %s",
			vendor->ats_off);
}

static void check_device(struct check *check, const char *group, const char *name, size_t in_group)
{
	char *device __freed = format_text(IOMMU_GROUPS "/%s/devices/%s", group, name);
	char unit[PCI_NAME_SIZE], driver[PCI_NAME_SIZE], what[384];
	struct reasons reasons = { "" };

	if (!device || !sysfs_exists(&check->sysfs, "%s", device)) {
		because(&reasons, "cannot read %s: %s", device ? device : name, strerror(errno));
		verdict_line(check, "device", name, "unknown", &reasons);
		return;
	}
	sysfs_link(&check->sysfs, unit, sizeof(unit), "%s/iommu", device);
	sysfs_link(&check->sysfs, driver, sizeof(driver), "%s/driver", device);
	describe(check, device, driver, what, sizeof(what));
	if (*unit) {
		need_vendor(check, &reasons, unit);
		need_no_ats(check, &reasons, device, unit);
	} else {
		because(&reasons, "no IOMMU unit stands before it");
	}
	need_no_direct_region(check, &reasons, group);
	if (in_group > 1)
		because(&reasons,
			"it shares IOMMU group %s with %zu others, which would have to be preserved with it",
			group, in_group - 1);
	if (strcmp(driver, VFIO_DRIVER))
		because(&reasons,
			"it is not bound to vfio-pci, so that no iommufd can hold its domain");
	verdict_line(check, "device", name, what, &reasons);
}

static void check_group(struct check *check, const char *group)
{
	struct sysfs_names devices __sysfs_names = { 0 };

	sysfs_list(&check->sysfs, &devices, IOMMU_GROUPS "/%s/devices", group);
	for (size_t i = 0; i < devices.nr; i++)
		check_device(check, group, devices.name[i], devices.nr);
}

int command_check(const struct invocation *invocation)
{
	struct check check = { .sysroot = flag_text(invocation, OPT_sysroot) };
	struct sysfs_names units __sysfs_names = { 0 }, groups __sysfs_names = { 0 };
	int err = sysfs_open(&check.sysfs, check.sysroot);

	if (err) {
		say("--sysroot %s: %s", check.sysroot, strerror(-err));
		return EXIT_BAD_INPUT;
	}
	check.pci = pci_names_open();
	check_system(&check);
	show_topology(&check);
	sysfs_list(&check.sysfs, &units, "sys/class/iommu");
	for (size_t i = 0; i < units.nr; i++)
		check_unit(&check, units.name[i]);
	if (!units.nr)
		printf("no IOMMU unit in /sys/class/iommu: none here, or switched off (firmware, intel_iommu=on, amd_iommu=)\n");
	sysfs_list(&check.sysfs, &groups, IOMMU_GROUPS);
	if (!groups.nr)
		printf("no device is behind an IOMMU: /sys/kernel/iommu_groups is empty\n");
	for (size_t i = 0; i < groups.nr; i++)
		check_group(&check, groups.name[i]);
	printf("%u can be preserved here, %u cannot\n", check.possible, check.impossible);
	if (!check.possible)
		printf("the vm target needs none of this: scripts/run brings a kernel and a mock IOMMU along\n");
	pci_cleanup(check.pci);
	free(check.config);
	sysfs_close(&check.sysfs);
	return EXIT_PASS;
}
