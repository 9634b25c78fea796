// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenario "topology": writes down what /sys and /proc say of devices, IOMMUs, nodes and processors,
 * file by file, so that the controller can read this machine as it reads its own. Nothing is
 * understood here; what is read by whom there: drivers-test/src/pci.c, topology.c of the controller,
 * and hwloc.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flbench/cleanup.h>

#include "../agent/agent.h"
#include "scenarios.h"

/* A file of sysfs has a page at most, and configuration space as much. */
#define FILE_MAX_BYTES 4096

static const char *const patterns[] = {
	"/sys/bus/pci/devices/*",
	"/sys/bus/pci/devices/*/{class,vendor,device,revision,subsystem_vendor,subsystem_device}",
	"/sys/bus/pci/devices/*/{numa_node,local_cpus,local_cpulist,driver_override,config}",
	"/sys/bus/pci/devices/*/{current,max}_link_{speed,width}",
	"/sys/bus/pci/devices/*/{driver,iommu,iommu_group,subsystem}",
	"/sys/bus/pci/drivers/*/bind",
	"/sys/class/iommu/*",
	"/sys/class/iommu/*/*/{cap,ecap,version,address,features}",
	"/sys/class/iommu/*/devices/*",
	"/sys/kernel/iommu_groups/*/{type,reserved_regions}",
	"/sys/kernel/iommu_groups/*/devices/*",
	"/sys/class/{block,net}/*",
	"/sys/devices/system/cpu/{online,possible,present}",
	"/sys/devices/system/cpu/cpu[0-9]*/online",
	"/sys/devices/system/cpu/cpu[0-9]*/topology/*",
	"/sys/devices/system/cpu/cpu[0-9]*/cache/index*/*",
	"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
	"/sys/devices/system/node/{online,possible,has_cpu,has_memory}",
	"/sys/devices/system/node/node*/{cpumap,cpulist,meminfo,distance}",
	"/sys/devices/system/node/node*/hugepages/*/{nr,free}_hugepages",
	"/sys/kernel/mm/hugepages/*/{nr,free}_hugepages",
	"/proc/{cpuinfo,meminfo,cmdline}",
	"/proc/sys/kernel/osrelease",
	"/proc/self/status",
};

static void write_file(struct agent *a, const char *name, const char *path)
{
	int fd __close = open(path, O_RDONLY | O_CLOEXEC);
	char data[FILE_MAX_BYTES];
	ssize_t size = 0, n = 1;

	/* What only can be written, or is not there for this device, is left out. */
	if (fd < 0)
		return;
	for (; n > 0 && size<(ssize_t)sizeof(data); size += n> 0 ? n : 0)
		n = read(fd, data + size, sizeof(data) - size);
	if (n >= 0)
		event_file(&a->log, name, data, size, NULL);
}

/* A path may lead through symbolic links; they are written down too, and the file where it is. */
static void write_down(struct agent *a, const char *path)
{
	char dir[PATH_MAX], real[PATH_MAX], name[2 * PATH_MAX], target[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat info;
	ssize_t length;

	if (!slash || slash - path >= (ssize_t)sizeof(dir))
		return;
	memcpy(dir, path, slash - path);
	dir[slash - path] = '\0';
	/* The process number behind /proc/self means nothing elsewhere. */
	if (!strncmp(path, "/proc/self", 10))
		strcpy(real, dir);
	else if (!realpath(dir, real))
		return;
	snprintf(name, sizeof(name), "%s%s", real + 1, slash);
	if (lstat(path, &info))
		return;
	if (S_ISLNK(info.st_mode)) {
		length = readlink(path, target, sizeof(target) - 1);
		if (length > 0) {
			target[length] = '\0';
			event_file(&a->log, name, NULL, 0, target);
		}
	} else if (S_ISREG(info.st_mode)) {
		write_file(a, name, path);
	}
}

int topology_created(struct agent *a)
{
	unsigned int files = 0;

	event_stage(&a->log, "topology", true);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		glob_t found = { 0 };

		if (!glob(patterns[i], GLOB_BRACE, NULL, &found))
			for (size_t j = 0; j < found.gl_pathc; j++, files++)
				write_down(a, found.gl_pathv[j]);
		globfree(&found);
	}
	event_stage(&a->log, "topology", false);
	return agent_check(a, "topology", files > 0, "%u files and links", files) ? 0 : -EIO;
}
