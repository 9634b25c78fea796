// SPDX-License-Identifier: GPL-2.0-only
/* Read the case file. Everything is checked here, so that nobody behind it has to. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <flbench/cleanup.h>
#include <flbench/layout.h>
#include <flbench/workload.h>

#include "case.h"
#include "state.h"
#include "workload.h"

struct reader {
	struct json_object *root;
	char *error;
	size_t size;
	int err;
};

static void refuse(struct reader *r, const char *key, const char *what)
{
	if (!r->err)
		snprintf(r->error, r->size, "case: \"%s\" %s", key, what);
	r->err = -EINVAL;
}

static struct json_object *get(struct reader *r, const char *key, enum json_type type, bool needed,
			       const char *kind)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(r->root, key, &value) || !value) {
		if (needed)
			refuse(r, key, "is missing");
		return NULL;
	}
	if (json_object_is_type(value, type))
		return value;
	refuse(r, key, kind);
	return NULL;
}

static void read_text(struct reader *r, const char *key, bool needed, char *text, size_t size)
{
	struct json_object *value = get(r, key, json_type_string, needed, "is not a string");

	if (!value)
		return;
	if ((size_t)json_object_get_string_len(value) >= size)
		refuse(r, key, "is too long");
	else
		strcpy(text, json_object_get_string(value));
}

static void read_number(struct reader *r, const char *key, uint32_t min, uint32_t max,
			uint32_t *number)
{
	struct json_object *value = get(r, key, json_type_int, true, "is not a number");
	char what[64];

	if (!value)
		return;
	snprintf(what, sizeof(what), "is not a number from %u to %u", min, max);
	if (json_object_get_int64(value) < min || json_object_get_int64(value) > max)
		refuse(r, key, what);
	else
		*number = json_object_get_int64(value);
}

/* Percent, which the controller of an older suite does not give: 0. */
static void read_percent(struct reader *r, const char *key, double *percent)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(r->root, key, &value))
		return;
	if ((!json_object_is_type(value, json_type_int) &&
	     !json_object_is_type(value, json_type_double)) ||
	    !(json_object_get_double(value) >= 0 && json_object_get_double(value) <= 100))
		refuse(r, key, "is not a number from 0 to 100");
	else
		*percent = json_object_get_double(value);
}

static void read_bool(struct reader *r, const char *key, bool needed, bool *flag)
{
	struct json_object *value = get(r, key, json_type_boolean, needed, "is not true or false");

	if (value)
		*flag = json_object_get_boolean(value);
}

static int read_choice(struct reader *r, const char *key, bool needed, const char *const choices[])
{
	struct json_object *value = get(r, key, json_type_string, needed, "is not a string");

	for (int i = 0; value && choices[i]; i++)
		if (!strcmp(json_object_get_string(value), choices[i]))
			return i;
	if (value)
		refuse(r, key, "has a value that this agent does not know");
	return 0;
}

int case_parse(const char *text, struct agent_case *c, char *error, size_t size)
{
	static const char *const faults[] = { "none", "panic", "hang", "exit", NULL };
	static const char *const units[] = { "instructions", "ns", NULL };
	struct json_object *root __json = json_tokener_parse(text);
	struct reader r = { .root = root, .error = error, .size = size };
	struct json_object *seed;

	if (!json_object_is_type(root, json_type_object)) {
		snprintf(error, size, "case: not a JSON object");
		return -EINVAL;
	}
	memset(c, 0, sizeof(*c));
	c->preserve = true;
	read_text(&r, "name", true, c->name, sizeof(c->name));
	read_text(&r, "iommu", true, c->iommu, sizeof(c->iommu));
	read_text(&r, "scenario", true, c->scenario, sizeof(c->scenario));
	strcpy(c->workload, "none");
	read_text(&r, "workload", false, c->workload, sizeof(c->workload));
	read_text(&r, "kernel", true, c->kernel, sizeof(c->kernel));
	read_text(&r, "next_kernel", false, c->next_kernel, sizeof(c->next_kernel));
	read_text(&r, "next_append", false, c->next_append, sizeof(c->next_append));
	/* Words carry 15 bits of the cycle: see layout.h. */
	read_number(&r, "cycles", 1, 100000, &c->cycles);
	read_number(&r, "domains", 1, LAYOUT_DOMAINS_MAX, &c->domains);
	read_number(&r, "devices", 0, LAYOUT_DOMAINS_MAX, &c->devices);
	read_number(&r, "iommufds", 1, LAYOUT_DOMAINS_MAX, &c->iommufds);
	read_number(&r, "mappings", 1, LAYOUT_MAPPINGS_MAX, &c->mappings);
	/* Only a case with a network card has one. */
	if (workload_has(c->workload, "dma"))
		read_number(&r, "ring", 8, 32768, &c->ring);
	/* What the controller of an older suite does not know is all of it. */
	c->marked = 100;
	if (json_object_object_get_ex(root, "marked", NULL))
		read_number(&r, "marked", 1, 100, &c->marked);
	if (!strcmp(c->scenario, "preserve-large"))
		read_number(&r, "large", 1, 4096, &c->large);
	if (!strcmp(c->scenario, "preserve-pages")) {
		read_number(&r, "pages", 1, 1u << 22, &c->pages);
		read_number(&r, "nodes", 1, 8, &c->nodes);
		read_text(&r, "layout", true, c->layout, sizeof(c->layout));
		read_text(&r, "method", true, c->method, sizeof(c->method));
	}
	if (!strcmp(c->scenario, "fio-translation"))
		read_text(&r, "translation", true, c->translation, sizeof(c->translation));
	strcpy(c->fio_mapping, "4k");
	read_text(&r, "fio_mapping", false, c->fio_mapping, sizeof(c->fio_mapping));
	strcpy(c->fio_measure, "all");
	read_text(&r, "fio_measure", false, c->fio_measure, sizeof(c->fio_measure));
	strcpy(c->fio_fault, "none");
	read_text(&r, "fio_fault", false, c->fio_fault, sizeof(c->fio_fault));
	strcpy(c->dpdk_fault, "none");
	read_text(&r, "dpdk_fault", false, c->dpdk_fault, sizeof(c->dpdk_fault));
	seed = get(&r, "seed", json_type_int, true, "is not a number");
	if (seed)
		c->seed = json_object_get_int64(seed);
	read_bool(&r, "preserve", false, &c->preserve);
	read_bool(&r, "edu_bridge", false, &c->edu_bridge);
	read_bool(&r, "kmemleak", false, &c->kmemleak);
	read_bool(&r, "kunit", false, &c->kunit);
	read_percent(&r, "precision", &c->precision);
	if (c->precision > 0 && c->cycles > STATE_ROOM_MAX)
		refuse(&r, "cycles", "is more than the values of a case with \"precision\"");
	read_percent(&r, "slowdown", &c->slowdown);
	c->instructions = read_choice(&r, "unit", true, units) == 0;
	c->fault = read_choice(&r, "fault", false, faults);
	if (c->fault != CASE_FAULT_NONE)
		read_number(&r, "fault_cycle", 0, 100000, &c->fault_cycle);
	if (!r.err && c->iommufds > c->domains)
		refuse(&r, "iommufds", "is more than \"domains\"");
	if (!r.err && strcmp(c->iommu, "mock") && strcmp(c->iommu, "intel"))
		refuse(&r, "iommu",
		       "is not a kind of IOMMU that this agent knows (it knows: mock, intel)");
	if (!r.err && !workload_find(c->workload))
		refuse(&r, "workload",
		       "is unknown to this agent (it knows: none, dma, fio, dpdk, and dma or fio with +dpdk)");
	return r.err;
}

int case_load(const char *path, struct agent_case *c, char *error, size_t size)
{
	FILE *file __fclose = fopen(path, "re");
	char text[16384];
	size_t length;
	int err;

	if (!file) {
		err = -errno;
		snprintf(error, size, "%s: cannot open the case: %s", path, strerror(errno));
		return err;
	}
	length = fread(text, 1, sizeof(text) - 1, file);
	if (ferror(file) || !feof(file)) {
		snprintf(error, size, "%s: cannot read the case, or it is over %zu bytes", path,
			 sizeof(text) - 2);
		return -EIO;
	}
	text[length] = '\0';
	return case_parse(text, c, error, size);
}
