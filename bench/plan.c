// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plans: see plan.h. The file is parsed by inih; the reader handed to it counts lines, since a
 * library built without INI_HANDLER_LINENO does not tell its handler.
 */
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <flbench/workload.h>

#include "plan.h"

/*
 * inih cuts names of sections at 50 bytes, and each case is a section of the plan that is written
 * into the results.
 */
#define NAME_MAX_LENGTH 49
/* Of the 2^21 numbers of the peer's frames each live update takes 1500, besides those due in its gap. */
#define PEER_CYCLES_MAX 1397
/*
 * It also cuts lines, at 200 bytes with Debian's settings; keys have up to 18. A list is written as
 * its single values.
 */
#define VALUE_MAX_LENGTH 170

static const struct plan_option options[OPTION_COUNT] = {
#define OPTION(name, type, fallback, min, max, values, help) \
	{ #name, OPTION_##type, fallback, min, max, values, help },
#define WITH(workload, name, fallback)
#include "options.def"
#undef OPTION
#undef WITH
};

/* Defaults that another workload than the usual one has. */
static const struct {
	const char *workload;
	enum option_id id;
	const char *fallback;
} workload_fallbacks[] = {
#define OPTION(name, type, fallback, min, max, values, help)
#define WITH(workload, name, fallback) { #workload, OPT_##name, fallback },
#include "options.def"
#undef OPTION
#undef WITH
};

static __attribute__((format(printf, 2, 3))) int complain(struct plan_error *error,
							  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* Put where a value came from in front of what is wrong with it. */
static __attribute__((format(printf, 2, 3))) int complain_at(struct plan_error *error,
							     const char *format, ...)
{
	struct plan_error what = *error;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof(error->text))
		snprintf(error->text + length, sizeof(error->text) - length, "%.*s",
			 (int)(sizeof(error->text) - length - 1), what.text);
	return -EINVAL;
}

const struct plan_option *plan_option(enum option_id id)
{
	return &options[id];
}

enum option_scope plan_option_scope(enum option_id id)
{
	/* The order of options.def, which says so. */
	if (id >= OPT_plan)
		return SCOPE_COMMAND;
	return id >= OPT_target ? SCOPE_RUN : SCOPE_CASE;
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '_' || *a == '-') && (*b == '_' || *b == '-')))
			return false;
	return *a == *b;
}

int plan_option_find(const char *name)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (same_name(options[id].name, name))
			return id;
	return -ENOENT;
}

/* Levenshtein distance of words that are short: a row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], la = strlen(a), lb = strlen(b);

	if (la >= 64 || lb >= 64)
		return 64;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *plan_nearest(const char *word, const char *const *words, size_t nr)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 2 + 1;

	if (best > 4)
		best = 4;
	for (size_t i = 0; i < nr; i++) {
		size_t d = distance(word, words[i]);

		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}

/* Does it give a case for each of its values? */
static bool expands(int id)
{
	return options[id].type == OPTION_LIST || options[id].type == OPTION_WORDS;
}

static int check_number(const struct plan_option *option, const char *value, size_t length,
			struct plan_error *error)
{
	long long number = 0;
	bool good = length > 0 && length <= 18;

	for (size_t i = 0; good && i < length; i++) {
		good = isdigit((unsigned char)value[i]);
		number = number * 10 + (value[i] - '0');
	}
	if (good && number >= option->min && number <= option->max)
		return 0;
	return complain(error, "'%.*s' is not a whole number from %lld to %lld", (int)length, value,
			option->min, option->max);
}

static int check_choice(const struct plan_option *option, const char *value, size_t length,
			struct plan_error *error)
{
	char available[256] = "", word[64];
	const char *words[32], *nearest;
	char copy[256];
	size_t nr = 0;
	char *save = NULL;

	snprintf(copy, sizeof(copy), "%s", option->values);
	for (char *v = strtok_r(copy, "|", &save); v && nr < 32; v = strtok_r(NULL, "|", &save)) {
		bool missing = *v == '!';

		v += missing;
		if (strlen(v) == length && !strncmp(v, value, length)) {
			if (!missing)
				return 0;
			return complain(error, "'%s' is known but not available yet; available: %s",
					v, *available ? available : option->fallback);
		}
		if (missing)
			continue;
		words[nr++] = v;
		if (*available)
			strncat(available, ", ", sizeof(available) - strlen(available) - 1);
		strncat(available, v, sizeof(available) - strlen(available) - 1);
	}
	snprintf(word, sizeof(word), "%.*s", (int)length, value);
	nearest = plan_nearest(word, words, nr);
	return complain(error, "'%s' is not one of %s%s%s%s", word, available,
			nearest ? "; did you mean '" : "", nearest ? nearest : "",
			nearest ? "'?" : "");
}

static bool is_word_of(const char *values, const char *value, size_t length)
{
	for (const char *v = values; *v; v += strcspn(v, "|"), v += *v == '|')
		if (strcspn(v, "|") == length && !strncmp(v, value, length))
			return true;
	return false;
}

static int size_mib(const char *value, long long *mib)
{
	char *end;
	long long number;

	if (!isdigit((unsigned char)*value) || strlen(value) > 12)
		return -EINVAL;
	number = strtoll(value, &end, 10);
	if (!strcasecmp(end, "G"))
		number *= 1024;
	else if (!strcasecmp(end, "K"))
		number = number % 1024 ? -1 : number / 1024;
	else if (*end && strcasecmp(end, "M"))
		return -EINVAL;
	*mib = number;
	return 0;
}

static int check_percent(const struct plan_option *option, const char *value,
			 struct plan_error *error)
{
	size_t whole = strspn(value, "0123456789");
	size_t point = value[whole] == '.';
	size_t rest = point ? strspn(value + whole + 1, "0123456789") : 0;
	double percent = strtod(value, NULL);

	if (whole + rest && !value[whole + point + rest] && percent >= option->min && percent <= option->max)
		return 0;
	return complain(error, "'%.60s' is not a number of percent from %lld to %lld, such as 2 or 0.5",
			value, option->min, option->max);
}

static int check_length(const struct plan_option *option, const char *value,
			struct plan_error *error)
{
	size_t length = strlen(value);

	if (length < (size_t)option->min || length > (size_t)option->max)
		return complain(error, "'%.60s' has %zu characters, allowed are %lld to %lld",
				value, length, option->min, option->max);
	for (const char *c = value; *c; c++) {
		if (option->type == OPTION_NAME ?
			    !isalnum((unsigned char)*c) && !strchr("-_.", *c) :
			    !isprint((unsigned char)*c))
			return complain(error, "'%.60s' has a character that is not allowed; %s",
					value,
					option->type == OPTION_NAME ?
						"use letters, digits, '-', '_' and '.'" :
						"use printable ones");
	}
	return 0;
}

static int check_items(const struct plan_option *option, const char *value,
		       struct plan_error *error)
{
	int ret = 0;

	for (const char *item = value; !ret; item++) {
		size_t length = strcspn(item, ",");

		if (option->type == OPTION_LIST)
			ret = is_word_of(option->values, item, length) ?
				      0 :
				      check_number(option, item, length, error);
		else
			ret = check_choice(option, item, length, error);
		item += length;
		if (!*item)
			break;
	}
	return ret;
}

int plan_value_check(enum option_id id, const char *value, struct plan_error *error)
{
	const struct plan_option *option = &options[id];
	long long mib;

	switch (option->type) {
	case OPTION_NUMBER:
		return check_number(option, value, strlen(value), error);
	case OPTION_LIST:
	case OPTION_WORDS:
		return check_items(option, value, error);
	case OPTION_CHOICES:
		return *value ? check_items(option, value, error) : 0;
	case OPTION_CHOICE:
		return check_choice(option, value, strlen(value), error);
	case OPTION_SIZE:
		if (!size_mib(value, &mib) && mib >= option->min && mib <= option->max)
			return 0;
		return complain(error,
				"'%.60s' is not a size from %lldM to %lldM, such as 512M or 4G",
				value, option->min, option->max);
	case OPTION_PERCENT:
		return check_percent(option, value, error);
	case OPTION_BOOL:
		if (!strcmp(value, "yes") || !strcmp(value, "no"))
			return 0;
		return complain(error, "'%.60s' is not yes or no", value);
	case OPTION_NAME:
	case OPTION_TEXT:
		return check_length(option, value, error);
	case OPTION_PATH:
		if (*value)
			return 0;
		return complain(error, "the path is empty");
	}
	return complain(error, "unknown type of option");
}

int plan_values_set(struct option_values *values, enum option_id id, const char *value,
		    const char *directory, struct plan_error *error)
{
	const struct plan_option *option = &options[id];
	char *copy = NULL;
	int ret;

	ret = plan_value_check(id, value, error);
	if (ret)
		return ret;
	/* A plan may be named without its directory, so its name is not a path yet. */
	if (option->type == OPTION_PATH && id != OPT_plan && *value != '/' && directory) {
		if (asprintf(&copy, "%s/%s", directory, value) < 0)
			copy = NULL;
	} else {
		copy = strdup(value);
	}
	if (!copy) {
		complain(error, "out of memory");
		return -ENOMEM;
	}
	if (plan_option_scope(id) != SCOPE_COMMAND && !expands(id) &&
	    strlen(copy) > VALUE_MAX_LENGTH) {
		complain(
			error,
			"'%.40s...' has more than %d characters, which a plan cannot hold; use a shorter one",
			copy, VALUE_MAX_LENGTH);
		free(copy);
		return -EINVAL;
	}
	free(values->text[id]);
	values->text[id] = copy;
	return 0;
}

void plan_values_free(struct option_values *values)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		free(values->text[id]);
		values->text[id] = NULL;
	}
}

struct reader {
	FILE *file;
	int line;
	const char *path;
	char *directory;
	struct plan *plan;
	struct option_values *values; /* of the section that is being read */
	struct plan_error *error;
	int ret; /* the first error; nothing is looked at after it */
};

static int add_section(struct reader *reader, const char *name, size_t length)
{
	struct plan *plan = reader->plan;
	struct plan_section *sections;
	struct plan_error *error = reader->error;

	if (length == strlen("global") && !strncmp(name, "global", length)) {
		if (plan->nr_sections)
			return complain(error, "%s:%d: [global] stands behind a case; put it first",
					reader->path, reader->line);
		reader->values = &plan->global;
		return 0;
	}
	if (!length || length > NAME_MAX_LENGTH)
		return complain(error, "%s:%d: the name of a section has 1 to %d characters",
				reader->path, reader->line, NAME_MAX_LENGTH);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && (!strchr("-_.", name[i]) || !i))
			return complain(
				error,
				"%s:%d: section [%.*s]: use letters, digits, '-', '_' and '.'",
				reader->path, reader->line, (int)length, name);
	for (size_t i = 0; i < plan->nr_sections; i++)
		if (strlen(plan->sections[i].name) == length &&
		    !strncmp(plan->sections[i].name, name, length))
			return complain(
				error,
				"%s:%d: section [%.*s] was there before; give it another name",
				reader->path, reader->line, (int)length, name);

	sections = reallocarray(plan->sections, plan->nr_sections + 1, sizeof(*sections));
	if (!sections)
		return -ENOMEM;
	plan->sections = sections;
	memset(&sections[plan->nr_sections], 0, sizeof(*sections));
	sections[plan->nr_sections].name = strndup(name, length);
	if (!sections[plan->nr_sections].name)
		return -ENOMEM;
	reader->values = &sections[plan->nr_sections++].values;
	return 0;
}

/* One line for inih. Sections are taken here, since inih does not report one without keys. */
static char *read_line(char *buffer, int size, void *stream)
{
	struct reader *reader = stream;
	const char *text, *end;

	if (reader->ret || !fgets(buffer, size, reader->file))
		return NULL;
	reader->line++;
	if (!strchr(buffer, '\n') && !feof(reader->file)) {
		reader->ret = complain(reader->error, "%s:%d: the line has more than %d characters",
				       reader->path, reader->line, size - 2);
		return NULL;
	}
	text = buffer + strspn(buffer, " \t");
	if (*text == '[') {
		end = strchr(text, ']');
		reader->ret = end ? add_section(reader, text + 1, end - text - 1) :
				    complain(reader->error,
					     "%s:%d: malformed section; write '[name]'",
					     reader->path, reader->line);
	}
	return reader->ret ? NULL : buffer;
}

static int unknown_key(struct reader *reader, const char *name)
{
	const char *words[OPTION_COUNT], *nearest;
	size_t nr = 0;

	for (int id = 0; id < OPTION_COUNT; id++)
		if (plan_option_scope(id) != SCOPE_COMMAND)
			words[nr++] = options[id].name;
	nearest = plan_nearest(name, words, nr);
	return complain(reader->error, "%s:%d: unknown key '%.60s'%s%s%s", reader->path,
			reader->line, name, nearest ? "; did you mean '" : "",
			nearest ? nearest : "",
			nearest ? "'?" : "; flbench run --help names them all");
}

static int take_key(void *data, const char *section, const char *name, const char *value)
{
	struct reader *reader = data;
	int id = plan_option_find(name);

	(void)section;
	if (reader->ret)
		return 0;
	if (!reader->values)
		reader->ret = complain(
			reader->error,
			"%s:%d: '%.60s' stands before the first section; put [global] above it",
			reader->path, reader->line, name);
	else if (id < 0)
		reader->ret = unknown_key(reader, name);
	else if (plan_option_scope(id) == SCOPE_COMMAND)
		reader->ret = complain(reader->error, "%s:%d: '%s' is a flag, not a key of a plan",
				       reader->path, reader->line, name);
	else if (plan_option_scope(id) == SCOPE_RUN && reader->values != &reader->plan->global)
		reader->ret = complain(reader->error,
				       "%s:%d: '%s' belongs to the whole run; put it into [global]",
				       reader->path, reader->line, name);
	else if (reader->values->text[id])
		reader->ret = complain(reader->error,
				       "%s:%d: '%s' was given before in this section; leave one",
				       reader->path, reader->line, name);
	if (reader->ret)
		return 0;
	/* Writing "key =" in a section takes an inherited value of a path back. */
	if (!*value && (options[id].type == OPTION_PATH || options[id].type == OPTION_TEXT)) {
		reader->values->text[id] = strdup("");
		reader->ret = reader->values->text[id] ? 0 : -ENOMEM;
		return !reader->ret;
	}
	reader->ret = plan_values_set(reader->values, id, value, reader->directory, reader->error);
	if (reader->ret == -EINVAL)
		complain_at(reader->error, "%s:%d: %s: ", reader->path, reader->line, name);
	return !reader->ret;
}

static char *plan_name(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t length;

	base = base ? base + 1 : path;
	length = strlen(base);
	if (length > 4 && !strcmp(base + length - 4, ".ini"))
		length -= 4;
	return strndup(base, length);
}

static char *directory_of(const char *path)
{
	char *real = realpath(path, NULL);

	if (real)
		*strrchr(real, '/') = '\0';
	return real;
}

int plan_read(struct plan *plan, const char *path, struct plan_error *error)
{
	struct reader reader = { .path = path, .plan = plan, .error = error };
	int line, ret;

	memset(plan, 0, sizeof(*plan));
	reader.file = fopen(path, "re");
	reader.directory = reader.file ? directory_of(path) : NULL;
	if (!reader.directory) {
		ret = -errno;
		complain(error, "%s: cannot read the plan: %s", path, strerror(errno));
		goto out;
	}
	ret = -ENOMEM;
	plan->name = plan_name(path);
	plan->path = strdup(path);
	if (!plan->name || !plan->path)
		goto out;

	line = ini_parse_stream(read_line, &reader, take_key, &reader);
	ret = reader.ret;
	if (!ret && ferror(reader.file)) {
		ret = -EIO;
		complain(error, "%s: cannot read the plan: %s", path, strerror(EIO));
	} else if (!ret && line > 0) {
		ret = complain(error, "%s:%d: malformed line; write 'key = value' or '[section]'",
			       path, line);
	} else if (!ret && !plan->nr_sections) {
		ret = complain(error, "%s: the plan has no case; add a section such as [loop]",
			       path);
	}
out:
	if (ret == -ENOMEM)
		complain(error, "%s: out of memory", path);
	if (reader.file)
		fclose(reader.file);
	free(reader.directory);
	return ret;
}

int plan_from_flags(struct plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->name = strdup("command-line");
	plan->sections = calloc(1, sizeof(*plan->sections));
	if (!plan->name || !plan->sections)
		return -ENOMEM;
	plan->nr_sections = 1;
	plan->sections[0].name = strdup("case");
	return plan->sections[0].name ? 0 : -ENOMEM;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->nr_sections; i++) {
		free(plan->sections[i].name);
		plan_values_free(&plan->sections[i].values);
	}
	free(plan->sections);
	free(plan->name);
	free(plan->path);
	plan_values_free(&plan->global);
	memset(plan, 0, sizeof(*plan));
}

/* The last line that fits: that of a workload of two parts stands behind those of its first part. */
static const char *workload_fallback(const char *workload, enum option_id id)
{
	const char *fallback = options[id].fallback;

	for (size_t i = 0; i < sizeof(workload_fallbacks) / sizeof(workload_fallbacks[0]); i++)
		if (workload_fallbacks[i].id == id &&
		    workload_begins(workload, workload_fallbacks[i].workload))
			fallback = workload_fallbacks[i].fallback;
	return fallback;
}

static const char *effective(const struct plan *plan, size_t section,
			     const struct option_values *flags, int id)
{
	if (flags && flags->text[id])
		return flags->text[id];
	if (plan->sections[section].values.text[id])
		return plan->sections[section].values.text[id];
	if (plan->global.text[id])
		return plan->global.text[id];
	if (id == OPT_workload)
		return options[id].fallback;
	return workload_fallback(effective(plan, section, flags, OPT_workload), id);
}

/* What a workload leaves no choice of. */
struct fixed {
	enum option_id id;
	long long number;
};

static int check_fixed(const struct plan_case *c, const struct fixed *fixed, size_t nr,
		       struct plan_error *error)
{
	for (size_t i = 0; i < nr; i++)
		if (plan_number(c, fixed[i].id) != fixed[i].number)
			return complain(error,
					"case %s: with workload=%s %s is always %lld; leave it out",
					c->name, plan_text(c, OPT_workload),
					plan_option(fixed[i].id)->name, fixed[i].number);
	return 0;
}

/* Real devices behind a real IOMMU: what the machine of this workload has is fixed. */
static int check_dma(const struct plan_case *c, struct plan_error *error)
{
	static const struct fixed fixed[] = {
		{ OPT_domains, 1 }, { OPT_devices, 3 }, { OPT_iommufds, 1 }, { OPT_mappings, 4 }
	};

	if (strcmp(plan_text(c, OPT_iommu), "intel"))
		return complain(error,
				"case %s: workload=dma needs devices behind an IOMMU; give iommu=intel",
				c->name);
	if (check_fixed(c, fixed, sizeof(fixed) / sizeof(fixed[0]), error))
		return -EINVAL;
	if (plan_bool(c, OPT_icount))
		return complain(
			error,
			"case %s: with workload=dma frames come in real time; icount=yes cannot be",
			c->name);
	if (plan_number(c, OPT_memory) > 2048)
		return complain(error, "case %s: with workload=dma memory is at most 2G", c->name);
	if (plan_number(c, OPT_nodes) > 1)
		return complain(error, "case %s: with workload=dma there is one node", c->name);
	if (plan_number(c, OPT_ring) % 8)
		return complain(error, "case %s: ring=%s is no multiple of 8", c->name,
				plan_text(c, OPT_ring));
	/* Nobody takes frames out of the ring until DPDK has been started. */
	if (workload_has(plan_text(c, OPT_workload), "dpdk") &&
	    plan_number(c, OPT_ring) * plan_number(c, OPT_frame_interval) < 40000000)
		return complain(
			error,
			"case %s: with workload=dma+dpdk ring=%s and frame_interval=%s are less than 40 seconds of frames; give more",
			c->name, plan_text(c, OPT_ring), plan_text(c, OPT_frame_interval));
	return 0;
}

/* What makes fio or its machine other than usual has to have something to do. */
static int check_fio_faults(const struct plan_case *c, struct plan_error *error)
{
	const bool translation = !strcmp(plan_text(c, OPT_scenario), "fio-translation");
	const char *fault = plan_text(c, OPT_fio_fault);

	if (!translation && strcmp(plan_text(c, OPT_translation), "lazy"))
		return complain(error, "case %s: translation=%s needs scenario=fio-translation",
				c->name, plan_text(c, OPT_translation));
	if (translation && (strcmp(fault, "none") || strcmp(plan_text(c, OPT_fio_mapping), "4k")))
		return complain(
			error,
			"case %s: with scenario=fio-translation fio_fault and fio_mapping have no effect; leave them out",
			c->name);
	if (!strcmp(plan_text(c, OPT_translation), "vfio-1g") && plan_number(c, OPT_memory) < 4096)
		return complain(error,
				"case %s: translation=vfio-1g needs a whole GiB; give memory=4G",
				c->name);
	if (!strcmp(fault, "slow") && (strcmp(plan_text(c, OPT_scenario), "loop") ||
				       !strcmp(plan_text(c, OPT_fio_measure), "none")))
		return complain(
			error,
			"case %s: fio_fault=slow is of what is measured; it needs scenario=loop and not fio_measure=none",
			c->name);
	return 0;
}

/* The same for fio: one NVMe controller in one domain. */
static int check_fio(const struct plan_case *c, struct plan_error *error)
{
	static const struct fixed fixed[] = {
		{ OPT_domains, 1 }, { OPT_devices, 1 }, { OPT_iommufds, 1 }, { OPT_mappings, 1 }, { OPT_nodes, 1 }
	};

	if (strcmp(plan_text(c, OPT_iommu), "intel"))
		return complain(error,
				"case %s: workload=fio needs a device behind an IOMMU; give iommu=intel",
				c->name);
	if (check_fixed(c, fixed, sizeof(fixed) / sizeof(fixed[0]), error))
		return -EINVAL;
	return check_fio_faults(c, error);
}

/* And for frames that come from the controller. */
static int check_dpdk_peer(const struct plan_case *c, struct plan_error *error)
{
	if (plan_bool(c, OPT_icount))
		return complain(
			error,
			"case %s: with scenario=dpdk-peer frames come in real time; give icount=no",
			c->name);
	if (!plan_bool(c, OPT_preserve))
		return complain(
			error,
			"case %s: with scenario=dpdk-peer frames go on through the live update; preserve=no cannot be",
			c->name);
	if (plan_number(c, OPT_memory) > 2048)
		return complain(error, "case %s: with scenario=dpdk-peer memory is at most 2G",
				c->name);
	if (plan_number(c, OPT_cycles) > PEER_CYCLES_MAX)
		return complain(
			error,
			"case %s: with scenario=dpdk-peer cycles is at most %d, not %s: the peer has no numbers for more",
			c->name, PEER_CYCLES_MAX, plan_text(c, OPT_cycles));
	/* Five hundred of them have to come before who receives gives up. */
	if (plan_number(c, OPT_frame_interval) > 50000)
		return complain(
			error,
			"case %s: with scenario=dpdk-peer frame_interval is at most 50000, not %s",
			c->name, plan_text(c, OPT_frame_interval));
	return 0;
}

/* The same for DPDK: two network cards, and nothing that is preserved but what it stands beside. */
static int check_dpdk(const struct plan_case *c, struct plan_error *error)
{
	static const struct fixed fixed[] = {
		{ OPT_domains, 1 }, { OPT_devices, 2 }, { OPT_iommufds, 1 }, { OPT_mappings, 1 }, { OPT_nodes, 1 }
	};
	const char *workload = plan_text(c, OPT_workload);
	const bool alone = workload_begins(workload, "dpdk");

	if (alone && strcmp(plan_text(c, OPT_iommu), "intel"))
		return complain(
			error,
			"case %s: workload=dpdk needs devices behind an IOMMU; give iommu=intel",
			c->name);
	if (alone && check_fixed(c, fixed, sizeof(fixed) / sizeof(fixed[0]), error))
		return -EINVAL;
	if (plan_number(c, OPT_memory) < 768)
		return complain(error, "case %s: with workload=%s memory is at least 768M", c->name,
				workload);
	return strcmp(plan_text(c, OPT_scenario), "dpdk-peer") ? 0 : check_dpdk_peer(c, error);
}

/*
 * Preserved without an IOMMU, by the kernel itself. To be scattered they are taken out of twice their
 * memory; the rest is the scratch memory's, and what kernel and initramfs need.
 */
static int check_pages(const struct plan_case *c, struct plan_error *error)
{
	long long needed = plan_number(c, OPT_pages) * 2 / 256 + 1024;

	if (plan_number(c, OPT_cycles) != 1)
		return complain(error,
				"case %s: with scenario=preserve-pages there is one kexec; give cycles=1",
				c->name);
	if (!plan_bool(c, OPT_preserve))
		return complain(error,
				"case %s: scenario=preserve-pages preserves; give layout=none, not preserve=no",
				c->name);
	if (plan_number(c, OPT_memory) < needed)
		return complain(error,
				"case %s: pages=%s need memory=%lldM, not %lldM; give more, or fewer pages",
				c->name, plan_text(c, OPT_pages), needed,
				plan_number(c, OPT_memory));
	return 0;
}

/* The first kernel is no live update, so its values do not count. */
static int check_precision(const struct plan_case *c, struct plan_error *error)
{
	static const char *const unmeasured[] = { "dpdk-peer", "dpdk-pages", "dpdk-queues",
						  "fio-jobs" };

	if (plan_percent(c, OPT_precision) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(unmeasured) / sizeof(unmeasured[0]); i++)
		if (!strcmp(plan_text(c, OPT_scenario), unmeasured[i]))
			return complain(
				error,
				"case %s: scenario=%s has no main metric that could be precise; leave precision out",
				c->name, unmeasured[i]);
	if (workload_has(plan_text(c, OPT_workload), "fio") &&
	    !strcmp(plan_text(c, OPT_fio_measure), "none"))
		return complain(
			error,
			"case %s: with fio_measure=none there is nothing that could be precise; leave precision out",
			c->name);
	if (plan_number(c, OPT_cycles) >= PLAN_PRECISE_MIN &&
	    plan_number(c, OPT_cycles) <= PLAN_PRECISE_MAX)
		return 0;
	return complain(error,
			"case %s: precision=%s needs a budget of %d to %d cycles, not cycles=%s",
			c->name, plan_text(c, OPT_precision), PLAN_PRECISE_MIN, PLAN_PRECISE_MAX,
			plan_text(c, OPT_cycles));
}

/* Values that are good one by one but not together. */
static int check_case(const struct plan_case *c, struct plan_error *error)
{
	const char *workload = plan_text(c, OPT_workload);
	const char *unit = plan_text(c, OPT_unit);
	bool icount = plan_bool(c, OPT_icount);

	if (check_precision(c, error))
		return -EINVAL;
	if (strcmp(plan_text(c, OPT_dpdk_fault), "none") &&
	    (!workload_has(workload, "dpdk") || workload_begins(workload, "dpdk")))
		return complain(error,
				"case %s: dpdk_fault needs workload=fio+dpdk or workload=dma+dpdk",
				c->name);
	if (plan_percent(c, OPT_slowdown) > 0 &&
	    (!plan_bool(c, OPT_preserve) || strcmp(plan_text(c, OPT_scenario), "loop")))
		return complain(
			error,
			"case %s: slowdown is of preserving; it needs preserve=yes and scenario=loop",
			c->name);
	if ((workload_has(workload, "dma") && check_dma(c, error)) ||
	    (workload_has(workload, "fio") && check_fio(c, error)) ||
	    (workload_has(workload, "dpdk") && check_dpdk(c, error)))
		return -EINVAL;
	if (!strcmp(workload, "none") && !strcmp(plan_text(c, OPT_iommu), "intel"))
		return complain(
			error,
			"case %s: iommu=intel has no mock devices; give workload=dma, or iommu=mock",
			c->name);
	if (plan_number(c, OPT_memory) % plan_number(c, OPT_nodes))
		return complain(error, "case %s: memory=%s cannot be shared by nodes=%s equally",
				c->name, plan_text(c, OPT_memory), plan_text(c, OPT_nodes));
	if (!strcmp(plan_text(c, OPT_scenario), "preserve-pages") && check_pages(c, error))
		return -EINVAL;
	if (plan_number(c, OPT_iommufds) > plan_number(c, OPT_domains))
		return complain(
			error,
			"case %s: iommufds=%s is more than domains=%s; each iommufd needs a domain",
			c->name, plan_text(c, OPT_iommufds), plan_text(c, OPT_domains));
	if (icount && !strcmp(unit, "ns"))
		return complain(
			error, "case %s: unit=ns, but under icount there is no time; add icount=no",
			c->name);
	if (!icount && !strcmp(unit, "instructions"))
		return complain(error, "case %s: unit=instructions needs icount=yes", c->name);
	if (icount && !strcmp(plan_text(c, OPT_accel), "kvm"))
		return complain(error,
				"case %s: accel=kvm cannot count instructions; add icount=no",
				c->name);
	if (strcmp(plan_text(c, OPT_fault), "none") &&
	    plan_number(c, OPT_fault_cycle) > plan_number(c, OPT_cycles))
		return complain(error, "case %s: fault_cycle=%s comes after the last of cycles=%s",
				c->name, plan_text(c, OPT_fault_cycle), plan_text(c, OPT_cycles));
	return 0;
}

/* Case number @index of a section: a digit for each list, the last list counting fastest. */
static int make_case(const struct plan *plan, size_t section, const struct option_values *flags,
		     size_t index, struct plan_case *c)
{
	size_t choice[OPTION_COUNT] = { 0 };
	char name[512];
	size_t length;

	for (int id = OPTION_COUNT - 1; id >= 0; id--) {
		const char *value = effective(plan, section, flags, id);
		size_t nr = 1;

		if (!expands(id))
			continue;
		for (const char *v = value; *v; v++)
			nr += *v == ',';
		choice[id] = index % nr + (nr > 1 ? 1 : 0);
		index /= nr;
	}
	length = snprintf(name, sizeof(name), "%s", plan->sections[section].name);
	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *value = effective(plan, section, flags, id);
		size_t end = strlen(value);

		if (plan_option_scope(id) == SCOPE_COMMAND)
			continue;
		if (expands(id)) {
			for (size_t skip = choice[id]; skip > 1; skip--)
				value += strcspn(value, ",") + 1;
			end = strcspn(value, ",");
			if (choice[id] && length < sizeof(name))
				length += snprintf(
					name + length, sizeof(name) - length, "-%s%.*s",
					options[id].type == OPTION_WORDS ? "" : options[id].name,
					(int)end, value);
			if (id == OPT_devices && !isdigit((unsigned char)*value)) {
				value = c->values.text[OPT_domains];
				end = strlen(value);
			}
		}
		c->values.text[id] = strndup(value, end);
		if (!c->values.text[id])
			return -ENOMEM;
	}
	c->name = strdup(name);
	return c->name ? 0 : -ENOMEM;
}

static int check_name(const struct plan_matrix *matrix, size_t i, struct plan_error *error)
{
	const char *name = matrix->cases[i].name;

	if (strlen(name) > NAME_MAX_LENGTH)
		return complain(
			error,
			"case %.40s...: the name gets more than %d characters; give the section a shorter one",
			name, NAME_MAX_LENGTH);
	for (size_t j = 0; j < i; j++)
		if (!strcmp(name, matrix->cases[j].name))
			return complain(
				error,
				"case %s comes twice; look for a repeated value in a list or a section of that name",
				name);
	return 0;
}

int plan_expand(const struct plan *plan, const struct option_values *flags,
		struct plan_matrix *matrix, struct plan_error *error)
{
	int ret = 0;

	memset(matrix, 0, sizeof(*matrix));
	for (size_t s = 0; s < plan->nr_sections; s++) {
		size_t nr = 1;
		struct plan_case *cases;

		for (int id = 0; id < OPTION_COUNT && nr <= PLAN_MAX_CASES; id++) {
			size_t values = 1;

			if (expands(id))
				for (const char *v = effective(plan, s, flags, id); *v; v++)
					values += *v == ',';
			nr *= values;
		}
		if (matrix->nr_cases + nr > PLAN_MAX_CASES) {
			complain(error,
				 "section [%s]: the matrix gets more than %d cases; shorten a list",
				 plan->sections[s].name, PLAN_MAX_CASES);
			return -E2BIG;
		}
		cases = reallocarray(matrix->cases, matrix->nr_cases + nr, sizeof(*cases));
		if (!cases) {
			ret = -ENOMEM;
			break;
		}
		matrix->cases = cases;
		memset(&cases[matrix->nr_cases], 0, nr * sizeof(*cases));
		for (size_t i = 0; !ret && i < nr; i++) {
			struct plan_case *c = &cases[matrix->nr_cases++];

			ret = make_case(plan, s, flags, i, c);
			if (!ret)
				ret = check_case(c, error);
			if (!ret)
				ret = check_name(matrix, matrix->nr_cases - 1, error);
		}
		if (ret)
			break;
	}
	if (ret == -ENOMEM)
		complain(error, "out of memory");
	return ret;
}

void plan_matrix_free(struct plan_matrix *matrix)
{
	for (size_t i = 0; i < matrix->nr_cases; i++) {
		free(matrix->cases[i].name);
		plan_values_free(&matrix->cases[i].values);
	}
	free(matrix->cases);
	memset(matrix, 0, sizeof(*matrix));
}

static void write_values(const struct plan_case *c, enum option_scope scope, FILE *file)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (plan_option_scope(id) == scope && *plan_text(c, id))
			fprintf(file, "%s = %s\n", options[id].name, plan_text(c, id));
}

int plan_matrix_write(const struct plan_matrix *matrix, FILE *file)
{
	fprintf(file,
		"; The plan as it was expanded: one section a case. flbench resume reads it.\n[global]\n");
	if (matrix->nr_cases)
		write_values(&matrix->cases[0], SCOPE_RUN, file);
	for (size_t i = 0; i < matrix->nr_cases; i++) {
		fprintf(file, "\n[%s]\n", matrix->cases[i].name);
		write_values(&matrix->cases[i], SCOPE_CASE, file);
	}
	return fflush(file) || ferror(file) ? -EIO : 0;
}

const char *plan_text(const struct plan_case *plan_case, enum option_id id)
{
	const char *text = plan_case->values.text[id];

	return text ? text : "";
}

double plan_percent(const struct plan_case *plan_case, enum option_id id)
{
	return strtod(plan_text(plan_case, id), NULL);
}

long long plan_number(const struct plan_case *plan_case, enum option_id id)
{
	const char *text = plan_text(plan_case, id);
	long long number;

	if (options[id].type == OPTION_SIZE)
		return size_mib(text, &number) ? 0 : number;
	return strtoll(text, NULL, 10);
}

bool plan_bool(const struct plan_case *plan_case, enum option_id id)
{
	return !strcmp(plan_text(plan_case, id), "yes");
}

bool plan_has_choice(const struct plan_case *plan_case, enum option_id id, const char *choice)
{
	size_t length = strlen(choice);

	for (const char *v = plan_text(plan_case, id); *v; v += strcspn(v, ","), v += *v == ',')
		if (strcspn(v, ",") == length && !strncmp(v, choice, length))
			return true;
	return false;
}
