// SPDX-License-Identifier: GPL-2.0-only
/* See pages.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flbench/cleanup.h>

#include "pages.h"
#include "system.h"

enum who {
	BOTH,
	OLD,
	NEW,
};

static int read_word(const char *path, const char *key, char *word, size_t size)
{
	FILE *file __fclose = fopen(path, "re");
	char line[128], name[64], value[64];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %63s", name, value) != 2 || strcmp(name, key))
			continue;
		if (strlen(value) >= size)
			return -EINVAL;
		strcpy(word, value);
		return 0;
	}
	return file ? -EINVAL : -ENOENT;
}

static int read_error(const char *path, int *error)
{
	char word[16], *end;
	int err = read_word(path, "error", word, sizeof(word));

	if (err)
		return err;
	*error = strtol(word, &end, 10);
	return *end || *error > 0 ? -EINVAL : 0;
}

int pages_read(const char *path, struct pages_figures *figures)
{
	const struct {
		const char *key;
		enum who who;
		uint64_t *value;
	} numbers[] = {
		{ "pages", BOTH, &figures->pages },
		{ "keys", BOTH, &figures->keys },
		{ "nodes", BOTH, &figures->nodes },
		{ "memory_init", BOTH, &figures->memory_init },
		{ "boot", BOTH, &figures->boot },
		{ "reserved_regions", BOTH, &figures->reserved_regions },
		{ "allocate_preserve", OLD, &figures->allocate_preserve },
		{ "preserve", OLD, &figures->preserve },
		{ "restore", NEW, &figures->restore },
		{ "claim", NEW, &figures->claim },
		{ "verified", NEW, &figures->verified },
	};
	char role[8];
	int err;

	memset(figures, 0, sizeof(*figures));
	err = read_word(path, "role", role, sizeof(role));
	if (!err && strcmp(role, "old") && strcmp(role, "new"))
		err = -EINVAL;
	if (!err)
		err = read_error(path, &figures->error);
	if (!err)
		err = read_word(path, "layout", figures->layout, sizeof(figures->layout));
	if (!err)
		err = read_word(path, "method", figures->method, sizeof(figures->method));
	if (err)
		return err;
	figures->new = !strcmp(role, "new");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if ((numbers[i].who == BOTH || (numbers[i].who == NEW) == figures->new) &&
		    system_key(path, numbers[i].key, numbers[i].value))
			return -EINVAL;
	return 0;
}

int pages_pool_read(const char *path, struct pages_pool *pool)
{
	if (system_key(path, "live_pages", &pool->live) ||
	    system_key(path, "preserved_pages", &pool->preserved) ||
	    system_key(path, "directory_pages", &pool->directory))
		return -ENOENT;
	return 0;
}
