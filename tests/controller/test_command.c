// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: bad input gives one clear line and status 2, and check says the right thing on
 * made-up machines.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "harness.h"
#include "util.h"

static int clean(void **state)
{
	harness_end();
	return 0;
}

#define REFUSED(reason, ...) assert_refused(reason, (const char *[]){ __VA_ARGS__, NULL })

static void assert_refused(const char *reason, const char *const argv[])
{
	struct result result;
	const char *newline;

	flbench(&result, argv);
	if (result.status != 2)
		fail_msg("status %d instead of 2, wanted '%s': %s", result.status, reason,
			 result.err);
	if (!strstr(result.err, reason))
		fail_msg("'%s' does not say '%s'", result.err, reason);
	newline = strchr(result.err, '\n');
	if (newline && newline[1])
		fail_msg("more than one line: %s", result.err);
	assert_string_equal(result.out, "");
	free_result(&result);
}

static void bad_input(void **state)
{
	struct stat st;

	put_file("bad.ini", "[a]\ncycles = 3\ndomains = lots\n");
	put_file("empty.ini", "");
	REFUSED("unknown command 'rum'; did you mean 'run'?", "rum");
	REFUSED("unknown option '--domans'; did you mean '--domains'?", "run", "--domans=3");
	REFUSED("unknown option '--frobnicate'", "run", "--frobnicate");
	REFUSED("ambiguous option '--i'", "run", "--i=3");
	REFUSED("unknown option '-d'", "run", "-d", "3");
	REFUSED("option '--domains' needs a value", "run", "--domains");
	REFUSED("what is 'extra' for?", "run", "extra");
	REFUSED("write it with '='", "run", "--preserve", "no");
	REFUSED("--domains: '0' is not a whole number from 1 to 65536", "run", "--domains", "0");
	REFUSED("--domains: 'abc'", "run", "--domains", "abc");
	REFUSED("--cycles: '-3'", "run", "--cycles", "-3");
	REFUSED("--iommu: 'nosuch' is not one of mock", "run", "--iommu", "nosuch");
	REFUSED("--iommu: 'amd' is known but not available yet", "run", "--iommu=amd");
	REFUSED("iommu=intel has no mock devices; give workload=dma", "run", "--iommu=intel");
	REFUSED("workload=dma needs devices behind an IOMMU; give iommu=intel", "run",
		"--workload=dma", "--iommu=mock");
	REFUSED("with workload=dma domains is always 1; leave it out", "run", "--workload=dma",
		"--domains=4");
	REFUSED("with workload=dma frames come in real time; icount=yes cannot be", "run",
		"--workload=dma", "--icount=yes");
	REFUSED("ring=12 is no multiple of 8", "run", "--workload=dma", "--ring=12");
	REFUSED("with workload=dma memory is at most 2G", "run", "--workload=dma", "--memory=4G");
	REFUSED("with scenario=dpdk-peer frames come in real time; give icount=no", "run",
		"--workload=dpdk", "--scenario=dpdk-peer");
	REFUSED("with scenario=dpdk-peer memory is at most 2G", "run", "--workload=dpdk",
		"--scenario=dpdk-peer", "--icount=no", "--memory=3G");
	REFUSED("with scenario=dpdk-peer frame_interval is at most 50000, not 50001", "run",
		"--workload=dpdk", "--scenario=dpdk-peer", "--icount=no", "--frame-interval=50001");
	REFUSED("workload=fio needs a device behind an IOMMU; give iommu=intel", "run",
		"--workload=fio", "--iommu=mock");
	REFUSED("with workload=fio devices is always 1; leave it out", "run", "--workload=fio",
		"--devices=2");
	REFUSED("scenario 'fio-translation' cannot be done with workload=none", "run",
		"--scenario=fio-translation");
	REFUSED("scenario 'immutable' cannot be done with workload=fio", "run", "--workload=fio",
		"--scenario=immutable");
	REFUSED("scenario 'immutable' cannot be done with workload=dma", "run", "--workload=dma",
		"--scenario=immutable");
	REFUSED("scenario 'dma-overrun' cannot be done with workload=none", "run",
		"--scenario=dma-overrun");
	REFUSED("--target: 'host' is known but not available yet", "run", "--target=host");
	REFUSED("--fault: 'panik' is not one of none, panic, hang, exit; did you mean 'panic'?",
		"run", "--fault=panik");
	REFUSED("unknown scenario 'nosuch'", "run", "--scenario=nosuch");
	REFUSED("nosuch.ini: cannot read the plan: No such file", "run", "--plan=nosuch.ini");
	REFUSED("bad.ini:3: domains: 'lots'", "run", "--plan=bad.ini");
	REFUSED("the plan has no case", "run", "--plan=empty.ini");
	REFUSED("--kernel FILE", "run", "--domains=2", "--out=out");
	REFUSED("kernel /nonexistent: No such file", "run", "--kernel=/nonexistent", "--out=out");
	REFUSED("is not an uncompressed cpio archive", "run", "--kernel=bad.ini",
		"--initrd=bad.ini", "--out=out");
	REFUSED("which DIR?", "resume");
	REFUSED("not a results directory", "resume", ".");
	REFUSED("not a results directory", "results", "/nonexistent");
	REFUSED("--format: 'xml' is not one of", "results", "--format=xml", ".");
	REFUSED("--sysroot /nonexistent", "check", "--sysroot=/nonexistent");
	/* None of these may have begun anything. */
	assert_int_equal(stat(in_work("out"), &st), -1);
	assert_int_equal(errno, ENOENT);
}

static void missing_qemu(void **state)
{
	struct result result;

	work_dir();
	{
		char *path __freed = strdup(in_work("initrd"));
		char *command __freed = format_text(
			"cd %s && mkdir t && touch t/init && (cd t && echo init | cpio -o --quiet -H newc) > %s",
			work_dir(), path);

		assert_int_equal(system(command), 0);
	}
	flbench(&result, (const char *[]){ "run", "--kernel=initrd", "--initrd=initrd",
					   "--qemu=/nonexistent/qemu", "--out=out", NULL });
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "install the package qemu-system-x86"));
	free_result(&result);
}

static void dry_run(void **state)
{
	struct result result;
	struct stat st;

	flbench(&result, (const char *[]){ "run", "--dry-run", "--domains=64,512", "--cycles=2",
					   "--out=out", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "case-domains64 "));
	assert_non_null(strstr(result.out, "case-domains512 "));
	assert_non_null(strstr(result.out, "2 cases, about "));
	assert_int_equal(stat(in_work("out"), &st), -1);
	free_result(&result);

	/* Without flags of a case: the default plan. */
	flbench(&result, (const char *[]){ "run", "--dry-run", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "scaling-domains4096 "));
	assert_non_null(strstr(result.out, "spread "));
	free_result(&result);
}

static void help_and_version(void **state)
{
	static const char *const commands[] = { "run", "resume", "results", "list", "check" };
	struct result result;

	flbench(&result, (const char *[]){ "--help", NULL });
	assert_int_equal(result.status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct result one;

		assert_non_null(strstr(result.out, commands[i]));
		flbench(&one, (const char *[]){ commands[i], "--help", NULL });
		assert_int_equal(one.status, 0);
		assert_non_null(strstr(one.out, "Usage: flbench"));
		free_result(&one);
	}
	free_result(&result);
	flbench(&result, (const char *[]){ "--version", NULL });
	assert_int_equal(result.status, 0);
	assert_memory_equal(result.out, "flbench ", 8);
	free_result(&result);
}

static void lists(void **state)
{
	static const char *const words[] = { "foundation",   "scaling-domains512",
					     "broken-extra", "loop",
					     "mock",	     "intel",
					     "vm",	     "x86_64",
					     "retrieve" };
	struct result result;

	flbench(&result, (const char *[]){ "list", NULL });
	assert_int_equal(result.status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(result.out, words[i]))
			fail_msg("'%s' is not in the list", words[i]);
	assert_null(strstr(result.out, "broken:"));
	free_result(&result);
}

#define CONFIG_GOOD                                                                                      \
	"CONFIG_KEXEC_FILE=y\nCONFIG_KEXEC_HANDOVER=y\nCONFIG_LIVEUPDATE=y\nCONFIG_LIVEUPDATE_MEMFD=y\n" \
	"CONFIG_IOMMUFD=y\nCONFIG_IOMMU_LIVEUPDATE=y\nCONFIG_IOMMUFD_TEST=y\nCONFIG_INTEL_IOMMU=y\n"

static void make_link(const char *target, const char *name)
{
	char *copy __freed = strdup(in_work(name));

	assert_int_equal(symlink(target, copy), 0);
}

static void make_machine(const char *config, const char *words)
{
	put_file("root/proc/sys/kernel/osrelease", "7.3.4-test\n");
	put_file("root/boot/config-7.3.4-test", config);
	put_file("root/proc/cmdline", words);
}

/* A device that nothing but a reserved region of its group can be in the way of. */
static void make_mock_device(const char *group, const char *name, const char *regions)
{
	char *dir __freed = format_text("root/sys/kernel/iommu_groups/%s", group);
	char *file __freed = format_text("%s/reserved_regions", dir);
	char *device __freed = format_text("%s/devices/%s/x", dir, name);
	char *driver __freed = format_text("%s/devices/%s/driver", dir, name);
	char *iommu __freed = format_text("%s/devices/%s/iommu", dir, name);

	put_file(file, regions);
	put_file(device, "");
	make_link("../x/vfio-pci", driver);
	make_link("../x/iommufd_selftest_iommu.0", iommu);
}

/* Configuration space with two extended capabilities: error reporting (1), then ATS (15). */
static void make_ats(const char *name)
{
	static const uint32_t headers[] = { 0x14010001, 0x0001000f };
	static const off_t places[] = { 0x100, 0x140 };
	int fd;

	put_file(name, "");
	fd = open(in_work(name), O_WRONLY);
	assert_true(fd >= 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pwrite(fd, &headers[i], 4, places[i]), 4);
	close(fd);
}

static void make_devices(void)
{
	put_file("root/dev/liveupdate", "");
	put_file("root/dev/iommu", "");
	put_file("root/sys/class/iommu/iommufd_selftest_iommu.0/x", "");
	put_file("root/sys/class/iommu/dmar0/intel-iommu/cap", "d2008c40660462\n");
	put_file("root/sys/class/iommu/newvendor0/x", "");
	/*
	 * One device alone, bound to igb; two that share a group; mock devices bound to vfio-pci: one
	 * with the regions that every device has, one for each kind that the firmware wants mapped.
	 */
	put_file("root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/vendor", "0x8086\n");
	put_file("root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/device", "0x10c9\n");
	put_file("root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/numa_node", "1\n");
	make_ats("root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/config");
	make_link("../../../../../bus/pci/drivers/igb",
		  "root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/driver");
	make_link("../../../../../class/iommu/dmar0",
		  "root/sys/kernel/iommu_groups/3/devices/0000:01:00.0/iommu");
	put_file("root/sys/kernel/iommu_groups/10/devices/0000:02:00.0/numa_node", "-1\n");
	put_file("root/sys/kernel/iommu_groups/10/devices/0000:02:00.1/numa_node", "-1\n");
	make_mock_device("11", "mock0",
			 "0x00000000fee00000 0x00000000feefffff msi\n"
			 "0x000000fd00000000 0x000000ffffffffff reserved\n");
	make_mock_device("12", "mock1",
			 "0x000000007b800000 0x000000007b9fffff direct\n"
			 "0x00000000fee00000 0x00000000feefffff msi\n");
	make_mock_device("13", "mock2",
			 "0x0000000000000000 0x0000000000ffffff direct-relaxable\n"
			 "0x000000007c000000 0x000000007c0fffff direct");
}

static void check_says(const char *const words[])
{
	struct result result;

	flbench(&result, (const char *[]){ "check", "--sysroot=root", NULL });
	assert_int_equal(result.status, 0);
	for (size_t i = 0; words[i]; i++)
		if (!strstr(result.out, words[i]))
			fail_msg("'%s' is not in: %s", words[i], result.out);
	free_result(&result);
}

static void check_good_machine(void **state)
{
	make_machine("#\n" CONFIG_GOOD, "root=/dev/sda liveupdate=on kho=on intel_iommu=on\n");
	make_devices();
	check_says((const char *[]){
		"kernel 7.3.4-test, configuration known",
		"live update of IOMMU state: the kernel can",
		"unit iommufd_selftest_iommu.0 (iommufd mock driver (no hardware)): can be preserved",
		"unit dmar0 (Intel VT-d, so far tried in emulation only, cap d2008c40660462): can be preserved\n",
		"unit newvendor0 (unknown IOMMU): cannot be preserved: flbench knows no IOMMU whose units are called newvendor0",
		"device 0000:01:00.0 (",
		"driver igb, NUMA node 1): cannot be preserved: it can cache translations (ATS), which is not handed over: boot "
		"with pci=noats; it is not bound to vfio-pci",
		"device 0000:02:00.1 (no PCI device, no driver): cannot be preserved: no IOMMU unit stands before it; it shares IOMMU "
		"group 10 with 1 others",
		"device mock0 (no PCI device, driver vfio-pci): can be preserved\n",
		"device mock1 (no PCI device, driver vfio-pci): cannot be preserved: reserved region 0x7b800000 to "
		"0x7b9fffff is direct (an RMRR or the like): mapped one to one, with no memfd behind it\n",
		"device mock2 (no PCI device, driver vfio-pci): cannot be preserved: reserved region "
		"0x7c000000 to 0x7c0fffff is direct (",
		"3 can be preserved here, 6 cannot", NULL });
}

/* Switched off, it is in nobody's way. */
static void check_ats_off(void **state)
{
	make_machine("#\n" CONFIG_GOOD, "liveupdate=on kho=on intel_iommu=on pci=noats\n");
	make_devices();
	check_says((const char *[]){
		"driver igb, NUMA node 1): cannot be preserved: it is not bound to vfio-pci", NULL });
}

static void check_old_kernel(void **state)
{
	make_machine("CONFIG_KEXEC_FILE=y\nCONFIG_IOMMUFD=m\n# CONFIG_LIVEUPDATE is not set\n",
		     "root=/dev/sda kho=off\n");
	make_devices();
	check_says((const char *[]){
		"live update of IOMMU state: no: the kernel is built without CONFIG_KEXEC_HANDOVER; the kernel is built without "
		"CONFIG_LIVEUPDATE;",
		"without CONFIG_IOMMU_LIVEUPDATE; the Live Update Orchestrator is off; boot with liveupdate=on; Kexec HandOver is off",
		"unit iommufd_selftest_iommu.0 (iommufd mock driver (no hardware)): cannot be preserved: the kernel is built without "
		"CONFIG_IOMMUFD_TEST; the kernel cannot, see above",
		"0 can be preserved here, 9 cannot", NULL });
}

static void check_switched_off(void **state)
{
	make_machine(CONFIG_GOOD, "liveupdate=on kho=on liveupdate=off\n");
	put_file("root/sys/class/other", "");
	check_says((const char *[]){
		"live update of IOMMU state: no: the Live Update Orchestrator is off; boot with liveupdate=on; there is no "
		"/dev/liveupdate; there is no /dev/iommu\n",
		"no IOMMU unit in /sys/class/iommu", "no device is behind an IOMMU",
		"0 can be preserved here, 0 cannot", NULL });
}

static void check_empty_root(void **state)
{
	put_file("root/x", "");
	check_says((const char *[]){ "kernel (unknown), configuration not to be found",
				     "0 can be preserved here, 0 cannot", NULL });
}

#define TEST(name) cmocka_unit_test_teardown(name, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_input),
		TEST(missing_qemu),
		TEST(dry_run),
		TEST(help_and_version),
		TEST(lists),
		TEST(check_good_machine), TEST(check_ats_off),
		TEST(check_old_kernel),
		TEST(check_switched_off),
		TEST(check_empty_root),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
