// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices lent to vfio-pci, on a machine made of files: each refusal beside the same without its
 * reason; and everything had back, whenever the run is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <flbench/binding.h>
#include <flbench/cleanup.h>
#include <flbench/pci.h>

#include "tree.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define NVME "0000:01:00.0"
#define NIC "0000:02:00.0"
#define NIC2 "0000:02:00.1"
#define PORT "0000:00:1c.0"
#define PORT2 "0000:00:1c.1"

#define NVME_DIR "sys/devices/pci0000:00/" PORT "/" NVME
#define NIC_DIR "sys/devices/pci0000:00/" PORT2 "/" NIC

static struct sysfs sysfs;
static unsigned int writes;
static int (*answer)(const struct sysfs *sysfs, const char *path, const char *word);

static int count_writes(const struct sysfs *s, const char *path, const char *word)
{
	writes++;
	return answer(s, path, word);
}

static void make_disk(const char *dir, const char *disk, const char *number)
{
	char target[256];

	tree_file(number, "%s/%s/dev", dir, disk);
	snprintf(target, sizeof(target), "../%s/%s", strchr(dir, '/') + 1, disk);
	tree_link(target, "sys/block/%s", disk);
	tree_file("1\n", "%s/%s/%sp1/partition", dir, disk, disk);
	tree_file("259:1\n", "%s/%s/%sp1/dev", dir, disk, disk);
	tree_file("", "%s/%s/%sp1/holders/.x", dir, disk, disk);
}

static void make_card(const char *dir, const char *name, const char *flags)
{
	char target[256];

	tree_file(flags, "%s/net/%s/flags", dir, name);
	snprintf(target, sizeof(target), "../../%s/net/%s", strchr(dir, '/') + 1, name);
	tree_link(target, "sys/class/net/%s", name);
}

/* An NVMe controller with a disk, and a card with two functions in one group, all free. */
static int begin(void **state)
{
	tree_begin(&sysfs);
	answer = sysfs.write;
	sysfs.write = count_writes;
	writes = 0;
	tree_driver("vfio-pci");
	tree_device("", PORT, "0x060400", "pcieport", 1);
	tree_device("", PORT2, "0x060400", "pcieport", 2);
	tree_device(PORT, NVME, "0x010802", "nvme", 1);
	tree_device(PORT2, NIC, "0x020000", "igb", 2);
	tree_device(PORT2, NIC2, "0x020000", "", 2);
	make_disk(NVME_DIR "/nvme/nvme0", "nvme0n1", "259:0\n");
	make_card(NIC_DIR, "eth1", "0x1002\n");
	tree_file(
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
		"proc/net/route");
	tree_file("Filename\tType\tSize\tUsed\tPriority\n", "proc/swaps");
	return 0;
}

static int end(void **state)
{
	tree_end(&sysfs);
	return 0;
}

static const char *driver_of(const char *address)
{
	static struct pci_function function;

	assert_int_equal(pci_read(&sysfs, address, &function), 0);
	return function.driver;
}

static const char *override_of(const char *address)
{
	static struct pci_function function;

	assert_int_equal(pci_read(&sysfs, address, &function), 0);
	return function.driver_override;
}

#define REFUSED(err, words, ...) assert_refused(err, words, (const char *[]){ __VA_ARGS__, NULL })

static size_t count(const char *const *list)
{
	size_t nr = 0;

	while (list[nr])
		nr++;
	return nr;
}

/* Refused in one line with these words, and nothing was touched. */
static void assert_refused(int err, const char *words, const char *const *list)
{
	struct binding_problem problem = { 0 };
	int got = binding_begin(&sysfs, tree_path("journal"), list, count(list), &problem);

	if (got != err || problem.tried || !strstr(problem.text, words) ||
	    strchr(problem.text, '\n'))
		fail_msg("%d '%s', wanted %d '%s'", got, problem.text, err, words);
	assert_int_equal(writes, 0);
	assert_int_equal(access(tree_path("journal"), F_OK), -1);
}

#define ALLOWED(...) assert_allowed((const char *[]){ __VA_ARGS__, NULL })

static void assert_allowed(const char *const *list)
{
	struct binding_problem problem = { 0 };

	if (binding_check(&sysfs, list, count(list), &problem))
		fail_msg("refused: %s", problem.text);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *address;
	} good[] = {
		{ "0000:01:00.0", "0000:01:00.0" },   { "01:00.0", "0000:01:00.0" },
		{ "0001:AF:1f.7", "0001:af:1f.7" },   { "af:00.1", "0000:af:00.1" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
	};
	static const char *const bad[] = { "",
					   "eth0",
					   "01:00",
					   "0000:01:00.8",
					   "0000:01:20.0",
					   "0000:01:00.0 ",
					   " 01:00.0",
					   "0000:01:00.00",
					   "0x1:01:00.0",
					   "-1:01:00.0",
					   "12345678:01:00.0",
					   "0000:01:00.0/x" };
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(pci_address_parse(good[i].text, address), 0);
		assert_string_equal(address, good[i].address);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (pci_address_parse(bad[i], address) != -EINVAL)
			fail_msg("'%s' was taken for %s", bad[i], address);
	ALLOWED("01:00.0");
	REFUSED(-EINVAL, "'eth0' is no address of a PCI device", "01:00.0", "eth0");
	REFUSED(-EINVAL, NVME " is named twice", "01:00.0", NVME);
	REFUSED(-ENODEV, "0000:07:00.0 does not exist here", NVME, "07:00.0");
}

static void reads_links(void **state)
{
	struct pci_function f;

	tree_file("8.0 GT/s PCIe\n", NVME_DIR "/current_link_speed");
	tree_file("4\n", NVME_DIR "/current_link_width");
	tree_file("16.0 GT/s PCIe\n", NVME_DIR "/max_link_speed");
	tree_file("255\n", NVME_DIR "/max_link_width");
	tree_file("1\n", NVME_DIR "/numa_node");
	tree_link("../../../../virtual/iommu/dmar1", NVME_DIR "/iommu");
	tree_file("16\n", "sys/devices/pci0000:00/" PORT "/max_link_width");
	tree_file("Unknown\n", "sys/devices/pci0000:00/" PORT "/max_link_speed");
	assert_int_equal(pci_read(&sysfs, NVME, &f), 0);
	assert_true(f.current.gigatransfers == 8 && f.current.width == 4);
	assert_true(f.max.gigatransfers == 16 && f.max.width == 0);
	assert_true(f.port_max.gigatransfers == 0 && f.port_max.width == 16);
	assert_string_equal(f.port, PORT);
	assert_string_equal(f.unit, "dmar1");
	assert_string_equal(f.driver, "nvme");
	assert_string_equal(f.driver_override, "");
	assert_string_equal(f.group_type, "DMA-FQ");
	assert_int_equal(f.numa_node, 1);
	assert_int_equal(f.group, 1);
	assert_int_equal(f.class, 0x010802);
	assert_false(pci_is_bridge(&f));
	/* The first of a bus has none before it, and what is not there is not known. */
	assert_int_equal(pci_read(&sysfs, PORT, &f), 0);
	assert_string_equal(f.port, "");
	assert_true(pci_is_bridge(&f));
	assert_int_equal(pci_read(&sysfs, NIC, &f), 0);
	assert_true(f.current.gigatransfers == 0 && f.current.width == 0 && f.numa_node == -1);
	assert_int_equal(pci_read(&sysfs, "0000:07:00.0", &f), -ENODEV);
}

static void bridges(void **state)
{
	REFUSED(-EINVAL, PORT " is a bridge (class 060400)", NVME, PORT);
}

static void virtual_functions(void **state)
{
	tree_file("0\n", NVME_DIR "/sriov_numvfs");
	ALLOWED(NVME);
	tree_file("2\n", NVME_DIR "/sriov_numvfs");
	REFUSED(-EBUSY, "has 2 virtual functions, which would be lost: echo 0 >", NVME);
}

static void groups(void **state)
{
	ALLOWED(NIC, NIC2);
	ALLOWED(NVME);
	REFUSED(-EBUSY, NIC " shares IOMMU group 2 with " NIC2 ": name those too", NIC);
	REFUSED(-EBUSY, NIC2 " shares IOMMU group 2 with " NIC ":", NVME, NIC2);
	/* That it is in use says more than that it could not be bound anyway. */
	tree_remove(NVME_DIR "/iommu_group");
	tree_file("9 1 259:1 / /m rw - ext4 /dev/nvme0n1p1 rw\n", "proc/self/mountinfo");
	REFUSED(-EBUSY, "nvme0n1p1 is mounted on /m", NVME);
	tree_file("", "proc/self/mountinfo");
	REFUSED(-ENODEV, NVME " has no IOMMU group, so the IOMMU is off", NVME);
}

static void no_vfio(void **state)
{
	tree_remove(PCI_DRIVERS "/vfio-pci");
	REFUSED(-ENODEV, "no driver vfio-pci now: modprobe vfio-pci", NVME);
}

static void mounted(void **state)
{
	/* Another disk's partition, and one whose name begins as ours. */
	tree_file("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
		  "2 1 259:11 / /a rw shared:1 - ext4 /dev/nvme0n1p11 rw\n"
		  "3 1 0:22 / /proc rw - proc proc rw\n",
		  "proc/self/mountinfo");
	ALLOWED(NVME);
	tree_file("1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
		  "9 1 259:1 / /srv/data rw - xfs /dev/disk/by-label/data rw\n",
		  "proc/self/mountinfo");
	REFUSED(-EBUSY, NVME ": nvme0n1p1 is mounted on /srv/data: unmount it", NVME);
	REFUSED(-EBUSY, "nvme0n1p1 is mounted", NIC, NIC2, NVME);
	ALLOWED(NIC, NIC2);
	tree_file("9 1 259:0 / /whole rw shared:1 master:2 - ext4 /dev/root rw\n",
		  "proc/self/mountinfo");
	REFUSED(-EBUSY, "nvme0n1 is mounted on /whole", NVME);
	/* btrfs has a number of its own. */
	tree_file("9 1 0:40 /sub /b rw shared:1 - btrfs /dev/nvme0n1p1 rw,subvol=/sub\n",
		  "proc/self/mountinfo");
	REFUSED(-EBUSY, "nvme0n1p1 is mounted on /b", NVME);
	tree_remove("proc/self/mountinfo");
	REFUSED(-ENOENT, "/proc/self/mountinfo cannot be read (No such file or directory)", NVME);
}

static void second_disk_of_btrfs(void **state)
{
	tree_file("", "sys/fs/btrfs/features/x");
	ALLOWED(NVME);
	tree_link("../../../../devices/x/nvme0n1", "sys/fs/btrfs/0f0f/devices/nvme0n1");
	tree_file("", "sys/devices/x/nvme0n1");
	REFUSED(-EBUSY, "nvme0n1 is part of the mounted btrfs 0f0f", NVME);
}

static void swap(void **state)
{
	tree_file("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n", "proc/swaps");
	ALLOWED(NVME);
	tree_file("Filename Type Size Used Priority\n/dev/nvme0n1p1\tpartition 1 0 -2\n",
		  "proc/swaps");
	REFUSED(-EBUSY, "nvme0n1p1 is swap: swapoff /dev/nvme0n1p1", NVME);
	/* Without swap in the kernel there is no such file. */
	tree_remove("proc/swaps");
	ALLOWED(NVME);
}

static void holders(void **state)
{
	tree_file("", NVME_DIR "/nvme/nvme0/nvme0n1/nvme0n1p1/holders/md127");
	REFUSED(-EBUSY, "nvme0n1p1 is part of md127 (device mapper, RAID)", NVME);
	tree_remove(NVME_DIR "/nvme/nvme0/nvme0n1/nvme0n1p1/holders/md127");
	ALLOWED(NVME);
	tree_file("", NVME_DIR "/nvme/nvme0/nvme0n1/holders/dm-0");
	REFUSED(-EBUSY, "nvme0n1 is part of dm-0", NVME);
}

/* The disk of a controller with multipath is below the subsystem. */
static void multipath(void **state)
{
	static const char dir[] = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";

	tree_remove(NVME_DIR "/nvme/nvme0/nvme0n1");
	tree_file("", NVME_DIR "/nvme/nvme0/x");
	make_disk(dir, "nvme0n1", "259:0\n");
	tree_file("9 1 259:1 / /m rw - ext4 /dev/nvme0n1p1 rw\n", "proc/self/mountinfo");
	ALLOWED(NVME);
	tree_link("../../../pci0000:00/" PORT "/" NVME "/nvme/nvme0", "%s/nvme0", dir);
	REFUSED(-EBUSY, "nvme0n1p1 is mounted on /m", NVME);
}

/* A disk that is not NVMe is as much in use. */
static void usb_disk(void **state)
{
	make_disk(NIC_DIR "/usb1/1-1/host6/target6:0:0/6:0:0:0/block", "sdb", "8:16\n");
	tree_file("9 1 8:16 / /stick rw - vfat /dev/sdb rw\n", "proc/self/mountinfo");
	REFUSED(-EBUSY, NIC ": sdb is mounted on /stick", NIC, NIC2);
	ALLOWED(NVME);
	/* Beside the directory of the device, and not below it. */
	make_disk(NVME_DIR "-not/block", "sdc", "8:32\n");
	tree_file("9 1 8:32 / /other rw - vfat /dev/sdc rw\n", "proc/self/mountinfo");
	ALLOWED(NVME);
}

#define UP "0x1003\n"
#define ROUTE_HEAD "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"

static void default_route(void **state)
{
	tree_file(ROUTE_HEAD "eth1 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n",
		  "proc/net/route");
	/* Its routes are of no use while it is down. */
	ALLOWED(NIC, NIC2);
	make_card(NIC_DIR, "eth1", UP);
	REFUSED(-EBUSY, NIC ": eth1 carries the default route (IPv4)", NIC, NIC2);
	tree_file(ROUTE_HEAD "eth1 00000000 0102A8C0 0203 0 0 0 00000000 0 0 0\n"
			     "eth10 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n",
		  "proc/net/route");
	ALLOWED(NIC, NIC2);
	tree_file(ROUTE_HEAD "eth1 0002A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n",
		  "proc/net/route");
	REFUSED(-EBUSY, "eth1 is up and has an address or a route (IPv4): ip link set eth1 down",
		NIC, NIC2);
	ALLOWED(NVME);
}

#define ZERO16 "00000000000000000000000000000000"

static void default_route_v6(void **state)
{
	make_card(NIC_DIR, "eth1", UP);
	tree_file(ZERO16 " 00 " ZERO16 " 00 " ZERO16 " ffffffff 00000001 00000000 00200200 lo\n"
			 "fe800000000000000000000000000000 40 " ZERO16 " 00 " ZERO16
			 " 00000100 00000001 00000000 00000001     eth1\n"
			 "ff000000000000000000000000000000 08 " ZERO16 " 00 " ZERO16
			 " 00000100 00000001 00000000 00000001     eth1\n",
		  "proc/net/ipv6_route");
	tree_file("fe800000000000005054 00fffe123456 02 40 20 80 eth1\n", "proc/net/if_inet6");
	tree_file("fe80000000000000505400fffe123456 02 40 20 80 eth1\n"
		  "00000000000000000000000000000001 01 80 10 80 lo\n",
		  "proc/net/if_inet6");
	ALLOWED(NIC, NIC2);
	tree_file("20010db8000000000000000000000001 02 40 00 80 eth1\n", "proc/net/if_inet6");
	REFUSED(-EBUSY, "eth1 is up and has an address (IPv6)", NIC, NIC2);
	tree_file(ZERO16 " 00 " ZERO16 " 00 fe800000000000000000000000000001 00000400 00000001 "
			 "00000000 00450003     eth1\n",
		  "proc/net/ipv6_route");
	REFUSED(-EBUSY, "eth1 carries the default route (IPv6)", NIC, NIC2);
}

/* A VLAN on a bond: the route goes through neither the card nor the bond by name. */
static void stacked(void **state)
{
	make_card(NIC_DIR, "eth1", UP);
	make_card("sys/devices/virtual", "bond0", UP);
	make_card("sys/devices/virtual", "bond0.7", UP);
	ALLOWED(NIC, NIC2);
	tree_link("../../../../virtual/net/bond0", NIC_DIR "/net/eth1/upper_bond0");
	REFUSED(-EBUSY, "eth1 is up and part of bond0 (bridge, bond, VLAN)", NIC, NIC2);
	tree_link("../bond0.7", "sys/devices/virtual/net/bond0/upper_bond0.7");
	tree_file(ROUTE_HEAD "bond0.7 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n",
		  "proc/net/route");
	REFUSED(-EBUSY, "eth1, below bond0.7 carries the default route (IPv4)", NIC, NIC2);
	make_card(NIC_DIR, "eth1", "0x1002\n");
	ALLOWED(NIC, NIC2);
}

/* ---- there and back ---- */

static const char *const all[] = { NVME, NIC, NIC2 };

struct told {
	unsigned int lines;
	char text[1024];
};

static void note(void *context, const char *line)
{
	struct told *told = context;

	told->lines++;
	snprintf(told->text, sizeof(told->text), "%s", line);
}

static void assert_as_before(void)
{
	assert_string_equal(driver_of(NVME), "nvme");
	assert_string_equal(driver_of(NIC), "igb");
	assert_string_equal(driver_of(NIC2), "");
	assert_string_equal(override_of(NVME), "");
	assert_string_equal(override_of(NIC), "");
	assert_string_equal(override_of(NIC2), "");
	assert_int_equal(access(tree_path("journal"), F_OK), -1);
}

static void assert_begins(void)
{
	struct binding_problem problem;

	if (binding_begin(&sysfs, tree_path("journal"), all, 3, &problem))
		fail_msg("%s", problem.text);
}

static void there_and_back(void **state)
{
	struct told told = { 0 };
	struct binding_problem problem;
	struct binding_back back;

	assert_begins();
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(driver_of(all[i]), "vfio-pci");
		assert_string_equal(override_of(all[i]), "vfio-pci");
	}
	assert_int_equal(binding_begin(&sysfs, tree_path("journal"), all, 3, &problem), -EEXIST);
	assert_non_null(strstr(problem.text, "flbench restore-bindings first"));
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(back.restored, 3);
	assert_int_equal(back.gone + back.left + told.lines, 0);
	assert_as_before();
	/* Once more, with nothing to do. */
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told),
			 -ENOENT);
	assert_as_before();
	assert_begins();
	binding_restore(&sysfs, tree_path("journal"), &back, note, &told);
	assert_as_before();
	/* One that comes between the look and the write: a link that leads nowhere is not seen. */
	writes = 0;
	assert_int_equal(symlink("/nonexistent/x", tree_path("journal")), 0);
	assert_int_equal(binding_begin(&sysfs, tree_path("journal"), all, 3, &problem), -EEXIST);
	assert_non_null(strstr(problem.text, "flbench restore-bindings first"));
	assert_false(problem.tried);
	assert_int_equal(writes, 0);
}

/* What was set before is set again, even if it kept the driver from being bound. */
static void overrides(void **state)
{
	struct told told = { 0 };
	struct binding_back back;

	tree_file("vfio-pci\n", NVME_DIR "/driver_override");
	tree_file("igb\n", NIC_DIR "/driver_override");
	tree_link("../../../../../bus/pci/drivers/vfio-pci",
		  "sys/devices/pci0000:00/" PORT2 "/" NIC2 "/driver");
	assert_begins();
	assert_string_equal(driver_of(NVME), "vfio-pci");
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(back.restored, 3);
	assert_string_equal(driver_of(NVME), "nvme");
	assert_string_equal(override_of(NVME), "vfio-pci");
	assert_string_equal(driver_of(NIC), "igb");
	assert_string_equal(override_of(NIC), "igb");
	assert_string_equal(driver_of(NIC2), "vfio-pci");
	assert_string_equal(override_of(NIC2), "");
}

static unsigned int failing_write;

static int fail_a_write(const struct sysfs *s, const char *path, const char *word)
{
	return ++writes == failing_write ? -EIO : answer(s, path, word);
}

/* Whichever write fails, the devices that were bound by then are had back. */
static void fails_half_way(void **state)
{
	struct binding_problem problem = { 0 };
	struct binding_back back;
	int err;

	sysfs.write = fail_a_write;
	for (failing_write = 1; failing_write < 100; failing_write++) {
		writes = 0;
		err = binding_begin(&sysfs, tree_path("journal"), all, 3, &problem);
		if (!err)
			break;
		assert_int_equal(err, -EIO);
		assert_true(problem.tried);
		assert_non_null(
			strstr(problem.text, "cannot be bound to vfio-pci: Input/output error"));
		assert_non_null(strstr(problem.text, "all is as it was"));
		assert_as_before();
	}
	/* Two devices with a driver take three writes, one without takes two. */
	assert_int_equal(failing_write, 9);
	assert_int_equal(
		binding_restore(&sysfs, tree_path("journal"), &back, note, &(struct told){ 0 }), 0);
}

static int vfio_takes_none(const struct sysfs *s, const char *path, const char *word)
{
	return strstr(path, "drivers_probe") ? 0 : answer(s, path, word);
}

static void not_taken(void **state)
{
	struct binding_problem problem = { 0 };

	sysfs.write = vfio_takes_none;
	assert_int_equal(binding_begin(&sysfs, tree_path("journal"), all, 3, &problem), -ENODEV);
	assert_non_null(strstr(problem.text, NVME " cannot be bound to vfio-pci"));
	assert_as_before();
}

static void cannot_write_journal(void **state)
{
	struct binding_problem problem = { 0 };

	assert_int_equal(binding_begin(&sysfs, tree_path("no/such/journal"), all, 3, &problem),
			 -ENOENT);
	assert_non_null(strstr(problem.text, "cannot be written"));
	assert_non_null(strstr(problem.text, "nothing was bound"));
	assert_int_equal(writes, 0);
	/* One directory is made, as in /run. */
	assert_int_equal(binding_begin(&sysfs, tree_path("no/journal"), all, 3, &problem), 0);
}

static void put_journal(const char *text)
{
	FILE *file = fopen(tree_path("journal"), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void gone(void **state)
{
	struct told told = { 0 };
	struct binding_back back;

	assert_begins();
	tree_remove(PCI_DEVICES "/" NVME);
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(back.restored, 2);
	assert_int_equal(back.gone, 1);
	assert_int_equal(told.lines, 1);
	assert_non_null(strstr(told.text, NVME " is gone"));
	assert_string_equal(driver_of(NIC), "igb");
	assert_int_equal(access(tree_path("journal"), F_OK), -1);
}

static void given_away(void **state)
{
	struct told told = { 0 };
	struct binding_back back;

	assert_begins();
	tree_driver("other");
	tree_link("../../../../../bus/pci/drivers/other", NVME_DIR "/driver");
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(back.restored, 3);
	assert_int_equal(told.lines, 1);
	assert_non_null(strstr(told.text, "was given to other by somebody else"));
	assert_string_equal(driver_of(NVME), "other");
}

/* It stays in the journal until its driver is there. */
static void driver_unloaded(void **state)
{
	struct told told = { 0 };
	struct binding_back back;

	assert_begins();
	tree_remove(PCI_DRIVERS "/nvme");
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(back.restored, 2);
	assert_int_equal(back.left, 1);
	assert_int_equal(told.lines, 1);
	assert_non_null(
		strstr(told.text, "cannot go back to nvme, which is not loaded: modprobe nvme"));
	assert_int_equal(access(tree_path("journal"), F_OK), 0);
	tree_driver("nvme");
	assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told), 0);
	assert_int_equal(told.lines, 1);
	assert_as_before();
}

/* Cut after each of its bytes: what is whole is had back, and the file does not stand in the way. */
static void torn(void **state)
{
	char *text __freed = NULL;
	struct sysfs here = { .root = sysfs.root };
	struct binding_back back;

	assert_begins();
	text = sysfs_text(&here, "../journal");
	assert_non_null(text);
	for (size_t length = 0; length < strlen(text); length++) {
		struct told told = { 0 };
		char *cut __freed = strndup(text, length);
		unsigned int lines = 0;

		for (const char *c = cut; *c; c++)
			lines += *c == '\n';
		put_journal(cut);
		assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told),
				 0);
		assert_int_equal(back.left, 0);
		assert_int_equal(back.restored, lines ? lines - 1 : 0);
		assert_int_equal(told.lines, 1);
		assert_non_null(strstr(told.text, "is torn after line"));
		assert_int_equal(access(tree_path("journal"), F_OK), -1);
	}
	assert_as_before();
	/* The last byte is a newline that nobody needs. */
	put_journal(text);
	assert_int_equal(
		binding_restore(&sysfs, tree_path("journal"), &back, note, &(struct told){ 0 }), 0);
	assert_int_equal(back.restored, 3);
}

static void no_journal(void **state)
{
	static const char *const others[] = { "root:x:0:0\n", "flbench-bindings 2\nend 0\n", "x" };
	struct told told = { 0 };
	struct binding_back back;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		put_journal(others[i]);
		assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told),
				 -EINVAL);
		assert_int_equal(access(tree_path("journal"), F_OK), 0);
	}
	assert_int_equal(told.lines, 0);
	assert_int_equal(binding_restore(&sysfs, "/proc/self", &back, note, &told), -EINVAL);
}

/* Nothing that a journal says leads out of the directory of drivers. */
static void malformed(void **state)
{
	static const char *const lines[] = { "0000:01:00.0 nvme", "eth0 nvme (none)",
					     "0000:01:00.0 ../nvme (none)",
					     "0000:01:00.0 .. (none)",
					     "0000:01:00.0 nvme (none) more" };
	struct binding_back back;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct told told = { 0 };
		char text[256];

		snprintf(text, sizeof(text),
			 "flbench-bindings 1\n0000:02:00.0 igb (none)\n%s\nend 2\n", lines[i]);
		put_journal(text);
		assert_int_equal(binding_restore(&sysfs, tree_path("journal"), &back, note, &told),
				 0);
		assert_int_equal(back.left, 1);
		assert_int_equal(back.restored, 1);
		assert_int_equal(told.lines, 1);
		assert_non_null(strstr(told.text, "journal:3: '"));
		assert_int_equal(access(tree_path("journal"), F_OK), 0);
	}
	assert_int_equal(writes, 0);
}

/* ---- kill -9 ---- */

/* Have the tracer told before each system call that can change a file. */
static bool trace_changes(void)
{
	static struct sock_filter filter[32];
	static const unsigned int calls[] = { SYS_write,     SYS_fsync,	   SYS_symlinkat,
					      SYS_unlinkat,  SYS_renameat, SYS_ftruncate,
#ifdef SYS_unlink
					      SYS_unlink,    SYS_rename,   SYS_mkdir,
#endif
					      SYS_renameat2, SYS_mkdirat,  SYS_linkat };
	const struct sock_fprog program = { .filter = filter, .len = 6 + 2 * ARRAY_SIZE(calls) };
	struct sock_filter *next = filter;

	*next++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		*next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		*next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	*next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3);
	*next++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, args[2]));
	*next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 0, 1);
	*next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	*next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/*
 * Run @fn in a child and kill it before its @nth change of a file, from 0. Return: false when it had
 * ended before that.
 */
static bool killed_at(unsigned int nth, void (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(99);
		raise(SIGSTOP);
		if (!trace_changes())
			_exit(99);
		fn();
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSTOPPED(status))
		assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESECCOMP), 0);
	for (unsigned int i = 0; i <= nth && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	if (WIFSTOPPED(status)) {
		assert_int_equal(status >> 8, SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		return true;
	}
	assert_true(WIFEXITED(status));
	/* Where nobody may trace, nothing can be said. */
	if (WEXITSTATUS(status) == 99)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void lend(void)
{
	struct binding_problem problem;

	if (binding_begin(&sysfs, tree_path("journal"), all, 3, &problem))
		_exit(1);
}

static void have_back(void)
{
	struct told told = { 0 };
	struct binding_back back;
	int err = binding_restore(&sysfs, tree_path("journal"), &back, note, &told);

	if (err && err != -ENOENT)
		_exit(1);
}

static bool some_are_lent(void)
{
	for (size_t i = 0; i < 3; i++)
		if (!strcmp(override_of(all[i]), "vfio-pci"))
			return true;
	return false;
}

static void killed_while_lending(void **state)
{
	unsigned int nth, lent = 0, journals = 0;

	for (nth = 0; killed_at(nth, lend); nth++) {
		struct told told = { 0 };
		struct binding_back back;
		bool journal = !access(tree_path("journal"), F_OK);
		int err;

		/* No device is touched that no journal names. */
		journals += journal;
		lent += some_are_lent();
		assert_true(journal || !some_are_lent());
		err = binding_restore(&sysfs, tree_path("journal"), &back, note, &told);
		assert_int_equal(err, journal ? 0 : -ENOENT);
		assert_int_equal(back.left + back.gone, 0);
		assert_as_before();
	}
	/* It did get into each part. */
	print_message("%u kills, with a journal in %u, with devices lent in %u\n", nth, journals,
		      lent);
	assert_true(lent > 8 && journals > lent && nth > journals);
	have_back();
	assert_as_before();
}

static void killed_while_restoring(void **state)
{
	unsigned int nth, lent = 0;
	bool killed = true;

	for (nth = 0; killed; nth++) {
		assert_begins();
		killed = killed_at(nth, have_back);
		lent += some_are_lent();
		have_back();
		assert_as_before();
	}
	print_message("%u kills, with devices lent in %u\n", nth - 1, lent);
	assert_true(lent > 8 && nth > lent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(addresses),
		TEST(reads_links),
		TEST(bridges),
		TEST(virtual_functions),
		TEST(groups),
		TEST(no_vfio),
		TEST(mounted),
		TEST(second_disk_of_btrfs),
		TEST(swap),
		TEST(holders),
		TEST(multipath),
		TEST(usb_disk),
		TEST(default_route),
		TEST(default_route_v6),
		TEST(stacked),
		TEST(there_and_back),
		TEST(overrides),
		TEST(fails_half_way),
		TEST(not_taken),
		TEST(cannot_write_journal),
		TEST(gone),
		TEST(given_away),
		TEST(driver_unloaded),
		TEST(torn),
		TEST(no_journal),
		TEST(malformed),
		TEST(killed_while_lending),
		TEST(killed_while_restoring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
