// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench topo, bind and restore-bindings on a machine made of files, in which nothing is wrong: each
 * flaw that is put in gives its one warning, and nothing else does.
 */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <flbench/pci.h>

#include "../drivers-test/tree.h"
#include "harness.h"
#include "util.h"

#define NVME "0000:01:00.0"
#define NIC "0000:02:00.0"
#define PORT "0000:00:1c.0"
#define PORT2 "0000:00:1c.1"
#define NVME_DIR "sys/devices/pci0000:00/" PORT "/" NVME
#define NIC_DIR "sys/devices/pci0000:00/" PORT2 "/" NIC
#define PORT_DIR "sys/devices/pci0000:00/" PORT
#define CPU "sys/devices/system/cpu"
#define NODE "sys/devices/system/node"

static struct sysfs sysfs;

static void put_status(const char *cpus, const char *nodes)
{
	char text[256];

	snprintf(
		text, sizeof(text),
		"Name:\tflbench\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\nMems_allowed:\t3\nMems_allowed_list:\t%s\n",
		cpus, nodes);
	tree_file(text, "proc/self/status");
}

/* Two nodes of two cores of two threads: CPU n and n + 4 are one core. */
static void make_cpus(void)
{
	static const char *const packages[] = { "33\n", "cc\n" };

	tree_file("0-7\n", CPU "/online");
	tree_file("0-7\n", CPU "/possible");
	for (int cpu = 0; cpu < 8; cpu++) {
		int node = cpu / 2 % 2;
		char text[32];

		snprintf(text, sizeof(text), "%d\n", cpu % 2);
		tree_file(text, CPU "/cpu%d/topology/core_id", cpu);
		snprintf(text, sizeof(text), "%d\n", node);
		tree_file(text, CPU "/cpu%d/topology/physical_package_id", cpu);
		snprintf(text, sizeof(text), "%02x\n", 0x11 << cpu % 4);
		tree_file(text, CPU "/cpu%d/topology/thread_siblings", cpu);
		tree_file(text, CPU "/cpu%d/topology/core_cpus", cpu);
		tree_file(packages[node], CPU "/cpu%d/topology/core_siblings", cpu);
		tree_file(packages[node], CPU "/cpu%d/topology/package_cpus", cpu);
		tree_file("performance\n", CPU "/cpu%d/cpufreq/scaling_governor", cpu);
	}
	tree_file("0-1\n", NODE "/online");
	for (int node = 0; node < 2; node++) {
		char text[64];

		tree_file(packages[node], NODE "/node%d/cpumap", node);
		snprintf(text, sizeof(text), "Node %d MemTotal:       4194304 kB\n", node);
		tree_file(text, NODE "/node%d/meminfo", node);
		tree_file(node ? "20 10\n" : "10 20\n", NODE "/node%d/distance", node);
		tree_file("600\n", NODE "/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
		tree_file("600\n", NODE "/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
	}
	tree_file("MemTotal: 8388608 kB\n", "proc/meminfo");
	tree_file("processor\t: 0\n", "proc/cpuinfo");
}

static void put_link(const char *dir, const char *which, const char *speed, const char *width)
{
	tree_file(speed, "%s/%s_link_speed", dir, which);
	tree_file(width, "%s/%s_link_width", dir, which);
}

static int begin(void **state)
{
	tree_begin(&sysfs);
	make_cpus();
	put_status("2-3", "1");
	tree_driver("vfio-pci");
	tree_device("", PORT, "0x060400", "pcieport", 1);
	tree_device("", PORT2, "0x060400", "pcieport", 3);
	tree_device(PORT, NVME, "0x010802", "nvme", 1);
	tree_device(PORT2, NIC, "0x020000", "igb", 3);
	tree_file("1\n", NVME_DIR "/numa_node");
	tree_file("0\n", NIC_DIR "/numa_node");
	put_link(NVME_DIR, "current", "16.0 GT/s PCIe\n", "4\n");
	put_link(NVME_DIR, "max", "16.0 GT/s PCIe\n", "4\n");
	put_link(PORT_DIR, "max", "32.0 GT/s PCIe\n", "16\n");
	/* A flaw of a device that no run uses. */
	put_link(NIC_DIR, "current", "2.5 GT/s PCIe\n", "1\n");
	put_link(NIC_DIR, "max", "5.0 GT/s PCIe\n", "4\n");
	tree_file("", "sys/devices/virtual/iommu/dmar0/devices/" NVME);
	tree_file("", "sys/devices/virtual/iommu/dmar0/devices/" NIC);
	tree_link("../../devices/virtual/iommu/dmar0", "sys/class/iommu/dmar0");
	tree_link("../../../virtual/iommu/dmar0", NVME_DIR "/iommu");
	tree_link("../../../virtual/iommu/dmar0", NIC_DIR "/iommu");
	return 0;
}

static int end(void **state)
{
	harness_end();
	tree_end(&sysfs);
	return 0;
}

static void topo(struct result *result, const char *first, const char *second)
{
	char *root __freed = format_text("--sysroot=%s", tree_path("root"));

	flbench(result, (const char *[]){ "topo", root, first, second, NULL });
}

static unsigned int count(const char *text, const char *word)
{
	unsigned int nr = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		nr++;
	return nr;
}

/* With @device marked, exactly these words are warned of; NULL: nothing is. */
static void assert_warned(const char *device, const char *words)
{
	char *wanted __freed = words ? format_text("\nwarning: %s", words) : NULL;
	struct result result;

	topo(&result, device, NULL);
	if (result.status || *result.err || count(result.out, "\nwarning: ") != !!words ||
	    (words && !strstr(result.out, wanted)))
		fail_msg("status %d, wanted '%s': %s%s", result.status, words ? words : "(nothing)",
			 result.out, result.err);
	free_result(&result);
}

static void text(void **state)
{
	struct result result;

	topo(&result, "01:00.0", NULL);
	assert_int_equal(result.status, 0);
	for (const char *const *line =
		     (const char *const[]){
			     "this process: CPUs 2-3, memory of nodes 1\n",
			     "IOMMU unit dmar0: Intel VT-d, 2 devices\n",
			     "NUMA node 0: CPUs 0-1,4-5, 4096 MiB, 1200 of 1200 MiB of huge pages free\n",
			     "NUMA node 1: CPUs 2-3,6-7, 4096 MiB, 1200 of 1200 MiB of huge pages free\n",
			     "\n* " NVME "  nvme          1  dmar0  16 GT/s x4                ",
			     "\n  " NIC "  igb           3  dmar0  2.5 GT/s x1 of 5 GT/s x4  ",
			     "NUMA node not told by the firmware\n",
			     "\n  " PORT "  pcieport      1  -      -      ", NULL };
	     *line; line++)
		if (!strstr(result.out, *line))
			fail_msg("'%s' is not in: %s", *line, result.out);
	/* Under the node that it is on. */
	assert_true(strstr(result.out, "* " NVME) > strstr(result.out, "NUMA node 1:"));
	assert_true(strstr(result.out, NIC) < strstr(result.out, "NUMA node 1:"));
	assert_null(strstr(result.out, "* " NIC));
	free_result(&result);
	assert_warned(NVME, NULL);
}

/* libpci has no name for it, and had nowhere to say so. */
static void nameless_device(void **state)
{
	struct result result;

	tree_file("0xfffe\n", NIC_DIR "/device");
	topo(&result, NULL, NULL);
	if (result.status || !strstr(result.out, "fffe\n"))
		fail_msg("status %d: %s", result.status, result.out);
	free_result(&result);
}

static void remote_node(void **state)
{
	put_status("0-3", "1");
	assert_warned(
		NVME, NVME
		" is on NUMA node 1, and this process may run on another one (CPUs 0-3): numactl --cpunodebind=1 --membind=1");
	put_status("2-3", "0-1");
	assert_warned(
		NVME, NVME
		" is on NUMA node 1, and the memory of this process may come from others (nodes 0-1): numactl --membind=1");
	put_status("2-3", "1");
	tree_file("-1\n", NVME_DIR "/numa_node");
	assert_warned(NVME, NVME ": the firmware does not tell its NUMA node");
	tree_file("7\n", NVME_DIR "/numa_node");
	assert_warned(NVME, NVME " is on NUMA node 7, which this process cannot see");
}

static void slow_link(void **state)
{
	put_link(NVME_DIR, "current", "8.0 GT/s PCIe\n", "4\n");
	assert_warned(
		NVME, NVME
		": its link runs at 8 GT/s x4, and the device can do 16 GT/s x4: seat it anew");
	put_link(NVME_DIR, "current", "16.0 GT/s PCIe\n", "2\n");
	put_link(PORT_DIR, "max", "16.0 GT/s PCIe\n", "2\n");
	assert_warned(
		NVME, NVME
		": its link runs at 16 GT/s x2, and the device can do 16 GT/s x4: the port before it, " PORT
		", can do no more than 16 GT/s x2: take another slot");
	/* What is not known is not less. */
	put_link(NVME_DIR, "current", "Unknown\n", "255\n");
	assert_warned(NVME, NULL);
}

static void governor(void **state)
{
	tree_file("powersave\n", CPU "/cpu0/cpufreq/scaling_governor");
	assert_warned(NVME, NULL);
	tree_file("schedutil\n", CPU "/cpu3/cpufreq/scaling_governor");
	assert_warned(
		NVME,
		"CPUs 3 have the frequency governor schedutil: cpupower frequency-set -g performance");
}

static void siblings(void **state)
{
	put_status("2-3,6", "1");
	assert_warned(
		NVME,
		"CPUs 2,6 are threads of one core (1 such): taskset -c 2-3, or echo off > /sys");
	put_status("2-3,6-7", "1");
	assert_warned(NVME, "CPUs 2,6 are threads of one core (2 such): taskset -c 2-3,");
}

static void huge_pages(void **state)
{
	/* Those of another node are of no use. */
	tree_file("0\n", NODE "/node0/hugepages/hugepages-2048kB/free_hugepages");
	assert_warned(NVME, NULL);
	tree_file("511\n", NODE "/node1/hugepages/hugepages-2048kB/free_hugepages");
	assert_warned(
		NVME,
		"NUMA node 1 has 1022 MiB of free huge pages, less than 1024: echo 512 > /sys/devices/system/node/node1/"
		"hugepages/hugepages-2048kB/nr_hugepages");
	tree_file("1\n", NODE "/node1/hugepages/hugepages-1048576kB/nr_hugepages");
	tree_file("1\n", NODE "/node1/hugepages/hugepages-1048576kB/free_hugepages");
	assert_warned(NVME, NULL);
	tree_remove(NODE "/node0/hugepages");
	tree_remove(NODE "/node1/hugepages");
	assert_warned(NVME, "no huge pages: this kernel has none (CONFIG_HUGETLBFS)");
}

static void iommu(void **state)
{
	tree_file("identity\n", IOMMU_GROUPS "/3/type");
	assert_warned(NVME, NULL);
	tree_file("identity\n", IOMMU_GROUPS "/1/type");
	assert_warned(NVME, NVME ": its IOMMU group 1 is in passthrough");
	tree_remove(NVME_DIR "/iommu_group");
	assert_warned(NVME, NVME " is behind no IOMMU: take another slot");
	tree_remove("sys/class/iommu/dmar0");
	assert_warned(NVME, "no IOMMU: it is missing or off");
}

/* Without a device that is named, those of vfio-pci are meant; without these, all. */
static void which_devices(void **state)
{
	struct result result;

	put_status("0-1", "0");
	topo(&result, NULL, NULL);
	assert_int_equal(count(result.out, "\nwarning: "), 2);
	assert_non_null(strstr(result.out, "warning: " NVME " is on NUMA node 1"));
	assert_non_null(strstr(result.out, "warning: " NIC ": its link runs at 2.5 GT/s x1"));
	assert_int_equal(count(result.out, "\n* "), 0);
	free_result(&result);
	tree_link("../../../../bus/pci/drivers/vfio-pci", NVME_DIR "/driver");
	assert_warned(NULL, NVME " is on NUMA node 1");
	assert_warned(NIC, NIC ": its link runs at 2.5 GT/s x1");
}

static struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value))
		fail_msg("no '%s' in %s", key, json_object_to_json_string(object));
	return value;
}

static void json(void **state)
{
	struct json_object *whole __json = NULL;
	struct json_object *device = NULL, *devices;
	struct result result;

	put_status("0-3", "1");
	topo(&result, "--format=json", NVME);
	assert_int_equal(result.status, 0);
	whole = json_tokener_parse(result.out);
	assert_non_null(whole);
	assert_string_equal(json_object_get_string(get(whole, "cpus")), "0-3");
	assert_int_equal(json_object_array_length(get(whole, "nodes")), 2);
	assert_int_equal(json_object_array_length(get(whole, "iommu_units")), 1);
	assert_int_equal(json_object_array_length(get(whole, "warnings")), 1);
	devices = get(whole, "devices");
	assert_int_equal(json_object_array_length(devices), 4);
	for (size_t i = 0; i < 4; i++) {
		struct json_object *one = json_object_array_get_idx(devices, i);

		if (json_object_get_boolean(get(one, "marked")))
			device = one;
	}
	assert_non_null(device);
	assert_string_equal(json_object_get_string(get(device, "address")), NVME);
	assert_string_equal(json_object_get_string(get(device, "driver")), "nvme");
	assert_null(get(device, "driver_override"));
	assert_int_equal(json_object_get_int(get(device, "numa_node")), 1);
	assert_int_equal(json_object_get_int(get(device, "iommu_group")), 1);
	assert_string_equal(json_object_get_string(get(device, "iommu_unit")), "dmar0");
	assert_int_equal(json_object_get_int(get(get(device, "link"), "lanes")), 4);
	assert_string_equal(json_object_get_string(get(device, "port")), PORT);
	free_result(&result);
}

static void picture(void **state)
{
	char *lstopo __freed = find_program("lstopo");
	struct result result;
	char *svg __freed = NULL;

	if (!lstopo)
		skip();
	topo(&result, NVME, "--picture=marked.svg");
	if (result.status || *result.err)
		fail_msg("status %d: %s", result.status, result.err);
	free_result(&result);
	svg = file_text("marked.svg");
	assert_non_null(strstr(svg, "marked: " NVME));
	assert_int_equal(count(svg, "rgb(255,128,128)"), 1);
	free(svg);
	/* Nothing is red that is not marked. */
	topo(&result, "--picture=plain.svg", NULL);
	assert_int_equal(result.status, 0);
	free_result(&result);
	svg = file_text("plain.svg");
	assert_non_null(strstr(svg, "</svg>"));
	assert_int_equal(count(svg, "rgb(255,128,128)"), 0);
	topo(&result, "--picture=/nonexistent/x.svg", NULL);
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "lstopo cannot draw it"));
	free_result(&result);
}

static void no_lstopo(void **state)
{
	char *path __freed = strdup(getenv("PATH"));
	struct result result;

	setenv("PATH", "/nonexistent", 1);
	topo(&result, "--picture=x.svg", NULL);
	setenv("PATH", path, 1);
	assert_int_equal(result.status, 3);
	assert_non_null(
		strstr(result.err, "x.svg: there is no lstopo here: install the package hwloc"));
	assert_null(strchr(result.err, '\n'));
	/* The text came all the same. */
	assert_non_null(strstr(result.out, "NUMA node 1:"));
	free_result(&result);
}

static void assert_says(int status, const char *words, const char *const argv[])
{
	struct result result;

	flbench(&result, argv);
	if (result.status != status || !strstr(result.err, words) || strchr(result.err, '\n') ||
	    *result.out)
		fail_msg("status %d, wanted %d '%s': %s%s", result.status, status, words,
			 result.err, result.out);
	free_result(&result);
}

#define SAYS(status, words, ...) assert_says(status, words, (const char *[]){ __VA_ARGS__, NULL })

static void bad_input(void **state)
{
	char *root __freed = format_text("--sysroot=%s", tree_path("root"));
	char *journal __freed = format_text("--journal=%s", tree_path("journal"));

	SAYS(2, "'nvme0' is no address of a PCI device", "topo", root, "nvme0");
	SAYS(2, "0000:07:00.0 does not exist there", "topo", root, NVME, "07:00.0");
	SAYS(2, "topo prints text or json, not csv", "topo", "--format=csv");
	SAYS(2, "--sysroot /nonexistent: No such file", "topo", "--sysroot=/nonexistent");
	SAYS(2, "give one", "topo", "--results=x", root);
	SAYS(2, "no machine is written down there: make a run with scenario=topology", "topo",
	     "--results=nothing");
	SAYS(2, "which BDF...?", "bind");
	SAYS(2, "unknown option '--picture'", "run", "--picture=x.svg");
	SAYS(2, "unknown option '--journal'", "topo", "--journal=x");
	SAYS(2, "0000:07:00.0 does not exist here", "bind", root, journal, "07:00.0");
	SAYS(2, PORT " is a bridge", "bind", root, journal, NVME, PORT);
	SAYS(2, "what is '" NVME "' for?", "restore-bindings", NVME);
	SAYS(2, "/etc/passwd is no journal of flbench bind", "restore-bindings",
	     "--journal=/etc/passwd");
	assert_int_equal(access(tree_path("journal"), F_OK), -1);
}

/* Files do not answer as a kernel does: what was begun is undone. */
static void bind_fails(void **state)
{
	char *root __freed = format_text("--sysroot=%s", tree_path("root"));
	char *journal __freed = format_text("--journal=%s", tree_path("journal"));
	char *override __freed = NULL;
	struct result result;

	SAYS(3, NVME " cannot be bound to vfio-pci: No such device: see dmesg; all is as it was",
	     "bind", root, journal, NVME);
	override = sysfs_text(&sysfs, NVME_DIR "/driver_override");
	assert_null(strstr(override, "vfio-pci"));
	flbench(&result, (const char *[]){ "restore-bindings", root, journal, NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "nothing to bind back"));
	free_result(&result);
}

/* Bound, as far as its files say, and killed: the journal leads back, or says what is in the way. */
static void restore(void **state)
{
	char *root __freed = format_text("--sysroot=%s", tree_path("root"));
	char *journal __freed = format_text("--journal=%s", tree_path("journal"));
	struct result result;
	FILE *file = fopen(tree_path("journal"), "w");

	assert_non_null(file);
	fputs("flbench-bindings 1\n" NVME " nvme (none)\n0000:07:00.0 igb (none)\nend 2\n", file);
	fclose(file);
	tree_file("vfio-pci", NVME_DIR "/driver_override");
	SAYS(2, "flbench restore-bindings first", "bind", root, journal, NVME);
	flbench(&result, (const char *[]){ "restore-bindings", root, journal, NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "0000:07:00.0 is gone"));
	assert_string_equal(result.out, "1 bound back, 1 gone, 0 left");
	free_result(&result);
	assert_int_equal(access(tree_path("journal"), F_OK), -1);
}

/* ---- a machine that is written down in a run ---- */

#define FILE_EVENT(seq, path, kind, data)                                               \
	"{\"seq\":" seq ",\"event\":\"file\",\"cycle\":0,\"path\":\"" path "\",\"" kind \
	"\":\"" data "\"}\n"

#define WRITTEN "sys/devices/pci0000:00/0000:00:05.0"

static void written_down(void **state)
{
	struct result result;

	put_file("run/cases/a/events.jsonl", "{\"seq\":0,\"event\":\"agent\",\"cycle\":0}\n");
	/* The link comes first, and would be in the way of the files behind it. */
	put_file(
		"run/cases/b/events.jsonl",
		"{\"seq\":0,\"event\":\"agent\",\"cycle\":0}\n" FILE_EVENT(
			"1", "sys/bus/pci/devices/0000:00:05.0", "link",
			"../../../devices/pci0000:00/0000:00:05.0") FILE_EVENT("2",
									       WRITTEN "/vendor",
									       "text", "0x8086\\n")
			FILE_EVENT("3", WRITTEN "/device", "text", "0x10c9") FILE_EVENT(
				"4", WRITTEN "/class", "hex", "30783032303030300a")
				FILE_EVENT(
					"5", WRITTEN "/driver", "link",
					"../../../bus/pci/drivers/vfio-pci") "{\"seq\":6,\"event\":\"fi");
	flbench(&result, (const char *[]){ "topo", "--results=run", NULL });
	if (result.status || !strstr(result.out, "* 0000:00:05.0  vfio-pci"))
		fail_msg("status %d: %s%s", result.status, result.out, result.err);
	free_result(&result);
	/* Of a class that topo would have read from a file in hexadecimal digits: 0x020000. */
	flbench(&result, (const char *[]){ "topo", "--results=run", "--format=json", NULL });
	assert_non_null(strstr(result.out, "\"class\": \"020000\""));
	free_result(&result);
	put_file("run2/cases/a/events.jsonl", "{\"seq\":0,\"event\":\"agent\",\"cycle\":0}\n");
	SAYS(2, "no machine is written down there", "topo", "--results=run2");
}

static void written_astray(void **state)
{
	static const char *const events[] = {
		FILE_EVENT("0", "sys/../../../tmp/flbench-astray", "text", "x"),
		FILE_EVENT("0", "tmp/flbench-astray", "text", "x"),
		FILE_EVENT("0", "/tmp/flbench-astray", "text", "x"),
		FILE_EVENT("0", "sys/x", "link", "/tmp"),
		FILE_EVENT("0", "sys/x", "hex", "zz"),
		"{\"seq\":0,\"event\":\"file\",\"cycle\":0,\"path\":\"sys/x\"}\n",
		/* A link that later files would follow. */
		FILE_EVENT("0", "sys/x", "link", "../../../tmp")
			FILE_EVENT("1", "sys/x/flbench-astray", "text", "x"),
	};
	struct stat info;

	/* Of an earlier run that failed. */
	unlink("/tmp/flbench-astray");
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct result result;

		put_file("run/cases/a/events.jsonl", events[i]);
		flbench(&result, (const char *[]){ "topo", "--results=run", NULL });
		if (i < ARRAY_SIZE(events) - 1 && result.status != 2)
			fail_msg("%s: status %d", events[i], result.status);
		free_result(&result);
		assert_int_equal(stat("/tmp/flbench-astray", &info), -1);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(text),	    TEST(nameless_device), TEST(remote_node),
		TEST(slow_link),    TEST(governor),	   TEST(siblings),
		TEST(huge_pages),   TEST(iommu),	   TEST(which_devices),
		TEST(json),	    TEST(picture),	   TEST(no_lstopo),
		TEST(bad_input),    TEST(bind_fails),	   TEST(restore),
		TEST(written_down), TEST(written_astray),
	};

	return cmocka_run_group_tests_name("topo", tests, NULL, NULL);
}
