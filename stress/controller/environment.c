// SPDX-License-Identifier: GPL-2.0-only
/* See environment.h. */
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <json-c/json.h>
#include <numa.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "environment.h"
#include "tables.h"
#include "util.h"
#include "vm_command.h"
#include "version.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text && *text)
		json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, long long number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

#define HASH_START 0xcbf29ce484222325ull

/* FNV-1a, 64 bits: tells configurations and images apart, protects nothing. */
static unsigned long long hash_on(unsigned long long hash, const char *bytes, size_t length)
{
	for (; length--; bytes++)
		hash = (hash ^ (unsigned char)*bytes) * 0x100000001b3ull;
	return hash;
}

static void add_hash(struct json_object *object, const char *key, unsigned long long hash)
{
	char hex[32];

	snprintf(hex, sizeof(hex), "fnv1a64:%016llx", hash);
	add_text(object, key, hex);
}

static void add_file_hash(struct json_object *object, const char *key, const char *path)
{
	FILE *file __fclose = fopen(path, "re");
	unsigned long long hash = HASH_START;
	char bytes[65536];
	size_t length;

	while (file && (length = fread(bytes, 1, sizeof(bytes), file)))
		hash = hash_on(hash, bytes, length);
	if (file)
		add_hash(object, key, hash);
}

char *kernel_config(const char *image)
{
	/* Beside the image, or at the top of the tree: arch/x86/boot/bzImage. */
	static const char *const places[] = { "config", ".config", "../../../.config" };
	const char *slash = strrchr(image, '/');
	int length = slash ? slash - image + 1 : 0;
	char *own __freed = format_text("%s.config", image);
	char *text = own ? read_text(AT_FDCWD, own) : NULL;

	if (text)
		return text;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path __freed = format_text("%.*s%s", length, image, places[i]);

		text = path ? read_text(AT_FDCWD, path) : NULL;
		if (text)
			return text;
	}
	return NULL;
}

/*
 * An x86 image says which version it is: Documentation/arch/x86/boot.rst, field kernel_version at
 * 0x20e.
 */
static char *image_version(const char *image)
{
	int fd __close = open(image, O_RDONLY | O_CLOEXEC);
	unsigned char magic[4], at[2];
	char text[256] = "";

	if (fd < 0 || pread(fd, magic, sizeof(magic), 0x202) != sizeof(magic) ||
	    memcmp(magic, "HdrS", 4) || pread(fd, at, sizeof(at), 0x20e) != sizeof(at) ||
	    pread(fd, text, sizeof(text) - 1, at[0] + at[1] * 256 + 0x200) < 1)
		return NULL;
	/* "7.3.4-flbench (builder@host) #1 ...": the release is enough. */
	return strndup(text, strcspn(text, " "));
}

static struct json_object *kernel_object(const char *image)
{
	struct json_object *object = json_object_new_object();
	char *version __freed = image_version(image);
	char *config __freed = kernel_config(image);
	char *compiler_text __freed = NULL;
	const char *compiler = NULL;
	struct stat st;

	add_text(object, "image", image);
	add_file_hash(object, "hash", image);
	add_text(object, "release", version);
	if (!stat(image, &st))
		add_number(object, "bytes", st.st_size);
	if (config) {
		add_hash(object, "config_hash", hash_on(HASH_START, config, strlen(config)));
		compiler = strstr(config, "CONFIG_CC_VERSION_TEXT=\"");
	}
	if (compiler) {
		compiler += strlen("CONFIG_CC_VERSION_TEXT=\"");
		compiler_text = strndup(compiler, strcspn(compiler, "\"\n"));
		add_text(object, "compiler", compiler_text);
	}
	return object;
}

/* Every image that a case starts with or jumps to, once. */
static struct json_object *kernels(const struct plan_matrix *matrix)
{
	static const enum option_id ids[] = { OPT_kernel, OPT_next_kernel };
	struct json_object *array = json_object_new_array();
	struct json_object *seen __json = json_object_new_object();

	for (size_t i = 0; i < matrix->nr_cases; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ids); j++) {
			const char *image = plan_text(&matrix->cases[i], ids[j]);

			if (!*image || json_object_object_get_ex(seen, image, NULL))
				continue;
			json_object_object_add(seen, image, NULL);
			json_object_array_add(array, kernel_object(image));
		}
	}
	return array;
}

static char *cpu_name(void)
{
	FILE *file __fclose = fopen("/proc/cpuinfo", "re");
	char *line __freed = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		const char *colon = strchr(line, ':');

		if (!strncmp(line, "model name", 10) && colon)
			return strndup(colon + 2, strcspn(colon + 2, "\n"));
	}
	return NULL;
}

static struct json_object *topology(void)
{
	static const struct {
		hwloc_obj_type_t type;
		const char *name;
	} rows[] = {
		{ HWLOC_OBJ_PACKAGE, "packages" },    { HWLOC_OBJ_NUMANODE, "numa_nodes" },
		{ HWLOC_OBJ_L3CACHE, "l3_caches" },   { HWLOC_OBJ_CORE, "cores" },
		{ HWLOC_OBJ_PU, "hardware_threads" },
	};
	struct json_object *object = json_object_new_object();
	hwloc_topology_t hwloc;

	if (hwloc_topology_init(&hwloc))
		return object;
	if (!hwloc_topology_load(hwloc)) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			add_number(object, rows[i].name,
				   hwloc_get_nbobjs_by_type(hwloc, rows[i].type));
		add_number(object, "memory_bytes", hwloc_get_root_obj(hwloc)->total_memory);
	}
	hwloc_topology_destroy(hwloc);
	return object;
}

static struct json_object *numa_nodes(void)
{
	struct json_object *array = json_object_new_array();

	if (numa_available() < 0)
		return array;
	for (int node = 0; node <= numa_max_node(); node++) {
		struct json_object *object = json_object_new_object();
		struct json_object *distances = json_object_new_array();
		long long free_bytes = 0, size = numa_node_size64(node, &free_bytes);

		add_number(object, "node", node);
		add_number(object, "memory_bytes", size);
		add_number(object, "free_bytes", free_bytes);
		for (int other = 0; other <= numa_max_node(); other++)
			json_object_array_add(distances,
					      json_object_new_int(numa_distance(node, other)));
		json_object_object_add(object, "distances", distances);
		json_object_array_add(array, object);
	}
	return array;
}

/* Versions of what the numbers depend on. */
static struct json_object *packages(void)
{
	static const char *const names[] = { "qemu-system-x86", "gcc",	    "libc6",
					     "libjson-c5",	"libinih1", "libhwloc15",
					     "libnuma1",	"libpci3" };
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *const argv[] = { "dpkg-query",   "-W",     "-f",
					     "${Version}\n", names[i], NULL };
		char *version __freed = run_output(argv);

		add_text(object, names[i], version);
	}
	return object;
}

/* Capability registers of the IOMMU units here, as its drivers show them. */
static struct json_object *iommu_registers(void)
{
	DIR *dir __closedir = opendir("/sys/class/iommu");
	struct json_object *object = json_object_new_object();
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct json_object *unit = NULL;

		for (const struct iommu_vendor *vendor = iommu_vendors;
		     vendor->name && *entry->d_name != '.'; vendor++) {
			for (const char *const *name = vendor->registers; *name; name++) {
				char *path __freed = format_text("%s/%s", entry->d_name, *name);
				char *value __freed = path ? read_text(dirfd(dir), path) : NULL;

				if (value && !unit)
					unit = json_object_new_object();
				if (value)
					add_text(unit, *name, value);
			}
		}
		if (unit)
			json_object_object_add(object, entry->d_name, unit);
	}
	return object;
}

static struct json_object *qemu_object(const struct plan_case *plan_case)
{
	const char *given = plan_text(plan_case, OPT_qemu);
	const char *qemu = *given ? given : arch_find(plan_text(plan_case, OPT_arch))->qemu;
	char *path __freed = find_program(qemu);
	const char *const argv[] = { path, "--version", NULL };
	char *version __freed = path ? run_output(argv) : NULL;
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char **arguments = vm_command_line(plan_case, "cases/CASE", vm_accel(plan_case));

	add_text(object, "program", path);
	if (version)
		version[strcspn(version, "\n")] = '\0';
	add_text(object, "version", version);
	add_text(object, "accelerator", vm_accel(plan_case));
	for (char **argument = arguments; argument && *argument; argument++)
		json_object_array_add(list, json_object_new_string(*argument));
	json_object_object_add(object, "command_line", list);
	free_arguments(arguments);
	return object;
}

struct json_object *environment_collect(const struct plan_matrix *matrix, int argc, char **argv)
{
	struct json_object *object = json_object_new_object();
	struct json_object *host = json_object_new_object();
	struct json_object *line = json_object_new_array();
	char *cpu __freed = cpu_name();
	struct utsname uts;
	char date[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!object || !host || !line)
		return NULL;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	add_text(object, "flbench", FLBENCH_GIT_VERSION);
	add_text(object, "compiler", __VERSION__);
	add_text(object, "date", date);
	for (int i = 0; i < argc; i++)
		json_object_array_add(line, json_object_new_string(argv[i]));
	json_object_object_add(object, "command_line", line);
	json_object_object_add(object, "kernels", kernels(matrix));
	if (matrix->nr_cases) {
		add_file_hash(object, "initrd_hash", plan_text(&matrix->cases[0], OPT_initrd));
		json_object_object_add(object, "qemu", qemu_object(&matrix->cases[0]));
	}
	if (!uname(&uts)) {
		add_text(host, "kernel", uts.release);
		add_text(host, "machine", uts.machine);
	}
	add_text(host, "cpu", cpu);
	json_object_object_add(host, "topology", topology());
	json_object_object_add(host, "numa", numa_nodes());
	json_object_object_add(object, "host", host);
	json_object_object_add(object, "packages", packages());
	json_object_object_add(object, "iommu_registers", iommu_registers());
	return object;
}

int environment_write(struct results_store *store, const struct plan_matrix *matrix, int argc,
		      char **argv)
{
	struct json_object *object __json = environment_collect(matrix, argc, argv);

	return object ? results_store_write_json(store, "environment.json", object) : -ENOMEM;
}
