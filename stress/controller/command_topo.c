// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench topo: shows where devices, processors and memory are, as text, JSON and a picture. What is
 * looked at, and what is warned of, is topology.c's business.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "flbench.h"
#include "snapshot.h"
#include "tables.h"
#include "topology.h"
#include "util.h"

#define MARK_STYLE "Background=#ff8080"

/* ---- text ---- */

/* "8 GT/s x4 of 16 GT/s x8" */
static void link_text(const struct pci_function *f, char *text, size_t size)
{
	text[0] = '\0';
	if (!f->current.width)
		snprintf(text, size, "-");
	else if (f->max.width && (f->max.width != f->current.width ||
				  f->max.gigatransfers != f->current.gigatransfers))
		snprintf(text, size, "%g GT/s x%u of %g GT/s x%u", f->current.gigatransfers,
			 f->current.width, f->max.gigatransfers, f->max.width);
	else
		snprintf(text, size, "%g GT/s x%u", f->current.gigatransfers, f->current.width);
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

struct widths {
	int address;
	int driver;
	int unit;
	int link;
};

static void widen(int *width, const char *text)
{
	int length = strlen(or_dash(text));

	if (length > *width)
		*width = length;
}

static struct widths widths_of(const struct topology *t)
{
	struct widths w = { 6, 6, 4, 4 };

	for (size_t i = 0; i < t->nr_devices; i++) {
		const struct pci_function *f = &t->devices[i].function;
		char link[64];

		link_text(f, link, sizeof(link));
		widen(&w.address, f->address);
		widen(&w.driver, f->driver);
		widen(&w.unit, f->unit);
		widen(&w.link, link);
	}
	return w;
}

static void print_device(const struct topology_device *device, const struct widths *w)
{
	const struct pci_function *f = &device->function;
	char link[64], group[16] = "-";

	link_text(f, link, sizeof(link));
	if (f->group >= 0)
		snprintf(group, sizeof(group), "%d", f->group);
	printf("%c %-*s  %-*s  %5s  %-*s  %-*s  %s%s%s%s\n", device->marked ? '*' : ' ', w->address,
	       f->address, w->driver, or_dash(f->driver), group, w->unit, or_dash(f->unit), w->link,
	       link, device->name, *device->os ? " (" : "", device->os, *device->os ? ")" : "");
}

static void print_devices_of(const struct topology *t, int node)
{
	const struct widths w = widths_of(t);
	bool head = false;

	for (size_t i = 0; i < t->nr_devices; i++) {
		if (t->devices[i].function.numa_node != node)
			continue;
		if (!head)
			printf("  %-*s  %-*s  %5s  %-*s  %-*s  %s\n", w.address, "device", w.driver,
			       "driver", "group", w.unit, "unit", w.link, "link", "what it is");
		head = true;
		print_device(&t->devices[i], &w);
	}
}

static bool has_node(const struct topology *t, int node)
{
	for (size_t n = 0; n < t->nr_nodes; n++)
		if ((int)t->nodes[n].index == node)
			return true;
	return false;
}

/* The next node above @last that devices are on and that is not among the nodes; INT_MAX for none. */
static int node_elsewhere(const struct topology *t, int last)
{
	int next = INT_MAX;

	for (size_t i = 0; i < t->nr_devices; i++) {
		int node = t->devices[i].function.numa_node;

		if (node > last && node < next && !has_node(t, node))
			next = node;
	}
	return next;
}

/* Devices whose node is not told (-1), or that hwloc does not know. */
static void print_devices_elsewhere(const struct topology *t)
{
	for (int node = -2; (node = node_elsewhere(t, node)) != INT_MAX;) {
		if (node < 0)
			printf("NUMA node not told by the firmware\n");
		else
			printf("NUMA node %d, without processors and memory\n", node);
		print_devices_of(t, node);
	}
}

static void print_text(const struct topology *t)
{
	printf("this process: CPUs %s, memory of nodes %s\n", t->cpus, t->memory_nodes);
	for (size_t i = 0; i < t->nr_units; i++) {
		const struct iommu_vendor *vendor = iommu_vendor_of_unit(t->units[i].name);

		printf("IOMMU unit %s: %s, %zu devices\n", t->units[i].name,
		       vendor ? vendor->driver : "unknown to flbench", t->units[i].devices);
	}
	if (!t->nr_units)
		printf("no IOMMU unit\n");
	for (size_t n = 0; n < t->nr_nodes; n++) {
		const struct topology_node *node = &t->nodes[n];

		printf("NUMA node %u: CPUs %s, %llu MiB", node->index, or_dash(node->cpus),
		       node->memory_bytes >> 20);
		if (node->huge_pages >= 0)
			printf(", %lld of %lld MiB of huge pages free", node->huge_free >> 20,
			       node->huge_pages >> 20);
		printf("\n");
		print_devices_of(t, node->index);
	}
	print_devices_elsewhere(t);
	for (size_t i = 0; i < t->nr_warnings; i++)
		printf("warning: %s\n", t->warnings[i]);
}

/* ---- JSON ---- */

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, *text ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *object, const char *key, long long number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

static void add_link(struct json_object *object, const char *key, const struct pci_link *link)
{
	struct json_object *json = NULL;

	if (link->width || link->gigatransfers) {
		json = json_object_new_object();
		json_object_object_add(json, "gigatransfers_per_second",
				       json_object_new_double(link->gigatransfers));
		add_number(json, "lanes", link->width);
	}
	json_object_object_add(object, key, json);
}

static struct json_object *device_json(const struct topology_device *device)
{
	const struct pci_function *f = &device->function;
	struct json_object *json = json_object_new_object();
	char class[16];

	snprintf(class, sizeof(class), "%06x", f->class);
	add_text(json, "address", f->address);
	json_object_object_add(json, "marked", json_object_new_boolean(device->marked));
	add_text(json, "name", device->name);
	add_text(json, "os", device->os);
	add_text(json, "class", class);
	add_number(json, "vendor", f->vendor);
	add_number(json, "device", f->device);
	/* null: not told, none */
	json_object_object_add(json, "numa_node",
			       f->numa_node < 0 ? NULL : json_object_new_int(f->numa_node));
	add_text(json, "driver", f->driver);
	add_text(json, "driver_override", f->driver_override);
	json_object_object_add(json, "iommu_group",
			       f->group < 0 ? NULL : json_object_new_int(f->group));
	add_text(json, "iommu_group_type", f->group_type);
	add_text(json, "iommu_unit", f->unit);
	add_link(json, "link", &f->current);
	add_link(json, "link_max", &f->max);
	add_text(json, "port", f->port);
	add_link(json, "port_link_max", &f->port_max);
	return json;
}

static struct json_object *node_json(const struct topology_node *node)
{
	struct json_object *json = json_object_new_object();

	add_number(json, "node", node->index);
	add_text(json, "cpus", node->cpus);
	add_number(json, "memory_bytes", node->memory_bytes);
	json_object_object_add(json, "huge_page_bytes",
			       node->huge_pages < 0 ? NULL :
						      json_object_new_int64(node->huge_pages));
	add_number(json, "huge_page_free_bytes", node->huge_free);
	return json;
}

static void print_json(const struct topology *t)
{
	struct json_object *json __json = json_object_new_object();
	struct json_object *nodes = json_object_new_array(), *units = json_object_new_array();
	struct json_object *devices = json_object_new_array();
	struct json_object *warnings = json_object_new_array();

	add_text(json, "cpus", t->cpus);
	add_text(json, "memory_nodes", t->memory_nodes);
	for (size_t i = 0; i < t->nr_nodes; i++)
		json_object_array_add(nodes, node_json(&t->nodes[i]));
	for (size_t i = 0; i < t->nr_units; i++) {
		struct json_object *unit = json_object_new_object();

		add_text(unit, "name", t->units[i].name);
		add_number(unit, "devices", t->units[i].devices);
		json_object_array_add(units, unit);
	}
	for (size_t i = 0; i < t->nr_devices; i++)
		json_object_array_add(devices, device_json(&t->devices[i]));
	for (size_t i = 0; i < t->nr_warnings; i++)
		json_object_array_add(warnings, json_object_new_string(t->warnings[i]));
	json_object_object_add(json, "nodes", nodes);
	json_object_object_add(json, "iommu_units", units);
	json_object_object_add(json, "devices", devices);
	json_object_object_add(json, "warnings", warnings);
	printf("%s\n", json_object_to_json_string_ext(
			       json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					     JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- picture ---- */

/* hwloc carries the colour to lstopo(1) in an attribute of the object ("CUSTOM COLORS" there). */
static char *mark_for_picture(const struct topology *t)
{
	char *legend = strdup("marked:");

	for (size_t i = 0; i < t->nr_devices && legend; i++) {
		const char *address = t->devices[i].function.address;
		hwloc_obj_t object = hwloc_get_pcidev_by_busidstring(t->hwloc, address);
		char *longer;

		if (!t->devices[i].marked || !object)
			continue;
		hwloc_obj_add_info(object, "lstopoStyle", MARK_STYLE);
		longer = format_text("%s %s", legend, address);
		free(legend);
		legend = longer;
	}
	return legend;
}

static int draw(const struct topology *t, const char *path)
{
	char *program __freed = find_program("lstopo");
	char *legend __freed = mark_for_picture(t);
	char xml[] = "/tmp/flbench-topo-XXXXXX.xml";
	const char *dot = strrchr(path, '.');
	/* Of its two ways to write this format, the one that leaves words as words. */
	const char *format = dot && !strcmp(dot, ".svg") ? "nativesvg" : "default";
	/* Without the legend that names the host and the day: it may be another machine's picture. */
	const char *const argv[] = { program,
				     "--if",
				     "xml",
				     "-i",
				     xml,
				     "--whole-io",
				     "--of",
				     format,
				     "--no-default-legend",
				     "--append-legend",
				     legend,
				     "-f",
				     path,
				     NULL };
	int fd, status;

	if (!program) {
		say("--picture %s: there is no lstopo here: install the package hwloc", path);
		return EXIT_CANNOT_RUN;
	}
	fd = mkstemps(xml, 4);
	if (fd < 0 || !legend || hwloc_topology_export_xml(t->hwloc, xml, 0)) {
		say("--picture %s: %s: %s", path, xml, strerror(errno));
		status = 127;
	} else {
		status = run_program(argv);
		if (status)
			say("--picture %s: lstopo cannot draw it (status %d): give another name or directory",
			    path, status);
	}
	if (fd >= 0) {
		close(fd);
		unlink(xml);
	}
	return status ? EXIT_CANNOT_RUN : EXIT_PASS;
}

/* ---- all ---- */

static int show(const struct invocation *invocation, const char *sysroot)
{
	const char *picture = flag_text(invocation, OPT_picture);
	struct topology topology = { 0 };
	struct sysfs sysfs;
	char problem[256];
	int err = sysfs_open(&sysfs, sysroot);
	int ret = EXIT_PASS;

	if (err) {
		say("--sysroot %s: %s", sysroot, strerror(-err));
		return EXIT_BAD_INPUT;
	}
	err = topology_read(&topology, &sysfs, sysroot, invocation->arguments,
			    invocation->nr_arguments, problem, sizeof(problem));
	if (err == -EINVAL) {
		say("%s", problem);
		ret = EXIT_BAD_INPUT;
	} else if (err) {
		say("%s: %s", problem, strerror(-err));
		ret = EXIT_CANNOT_RUN;
	} else {
		if (!strcmp(flag_text(invocation, OPT_format), "json"))
			print_json(&topology);
		else
			print_text(&topology);
		if (*picture)
			ret = draw(&topology, picture);
	}
	topology_free(&topology);
	sysfs_close(&sysfs);
	return ret;
}

int command_topo(const struct invocation *invocation)
{
	const char *format = flag_text(invocation, OPT_format);
	const char *results = flag_text(invocation, OPT_results);
	struct snapshot snapshot;
	int ret;

	if (strcmp(format, "text") && strcmp(format, "json")) {
		say("--format: topo prints text or json, not %s", format);
		return EXIT_BAD_INPUT;
	}
	if (!*results)
		return show(invocation, flag_text(invocation, OPT_sysroot));
	if (invocation->flags.text[OPT_sysroot]) {
		say("--results and --sysroot both name a machine: give one");
		return EXIT_BAD_INPUT;
	}
	ret = snapshot_unpack(&snapshot, results);
	if (ret) {
		say("--results %s: %s", results,
		    ret == -ENOENT ?
			    "no machine is written down there: make a run with scenario=topology" :
		    ret == -EINVAL ? "a file of the machine has a path that cannot be" :
				     strerror(-ret));
		return ret == -ENOENT || ret == -EINVAL ? EXIT_BAD_INPUT : EXIT_CANNOT_RUN;
	}
	ret = show(invocation, snapshot.root);
	snapshot_remove(&snapshot);
	return ret;
}
