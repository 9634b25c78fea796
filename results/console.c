// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes from a console what a reader wants to see: the first problem, and the last lines. Which
 * verdict a console makes is the controller's business.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

#define TAIL_LINES 40
#define PROBLEM_BEFORE 4
#define PROBLEM_AFTER 24

size_t results_printable(char *line, size_t len)
{
	unsigned char *bytes = (unsigned char *)line;
	size_t out = 0;
	size_t more;
	size_t i;
	size_t j;

	for (i = 0; i < len; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			continue;
		if (bytes[i] == 0x1b && i + 1 < len && bytes[i + 1] == '[') {
			/* Colours and cursor movements of a terminal */
			for (i += 2; i < len && (bytes[i] < 0x40 || bytes[i] > 0x7e); i++)
				;
			continue;
		}
		if (bytes[i] == '\t' || (bytes[i] >= 0x20 && bytes[i] < 0x7f)) {
			bytes[out++] = bytes[i];
			continue;
		}
		more = bytes[i] >= 0xc2 && bytes[i] < 0xe0 ? 1 :
		       bytes[i] >= 0xe1 && bytes[i] < 0xed ? 2 : 0;
		for (j = 1; j <= more && i + j < len && (bytes[i + j] & 0xc0) == 0x80; j++)
			;
		/* C1 controls are no more printable than those of ASCII. */
		if (more && j > more && (bytes[i] != 0xc2 || bytes[i + 1] >= 0xa0)) {
			memmove(bytes + out, bytes + i, more + 1);
			out += more + 1;
			i += more;
		} else {
			bytes[out++] = '?';
		}
	}
	return out;
}

static bool is_problem(const char *line)
{
	static const char * const marks[] = {
		"------------[ cut here", "WARNING: ", "BUG: ", "Oops", "Kernel panic", "KASAN:",
		"general protection fault", "INFO: task ", "rcu: INFO: rcu_", "kmemleak: ",
		"possible recursive locking", "possible circular locking", "UBSAN: ",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}

static int add_line(char **text, size_t *len, const char *line, size_t line_len)
{
	char *longer = realloc(*text, *len + line_len + 2);

	if (!longer)
		return -ENOMEM;
	memcpy(longer + *len, line, line_len);
	*len += line_len;
	longer[(*len)++] = '\n';
	longer[*len] = '\0';
	*text = longer;
	return 0;
}

struct ring {
	char *lines[TAIL_LINES];
	size_t next;
};

static int ring_add(struct ring *ring, const char *line, size_t len)
{
	char **slot = &ring->lines[ring->next++ % TAIL_LINES];

	free(*slot);
	*slot = strndup(line, len);
	return *slot ? 0 : -ENOMEM;
}

/* The last @n lines of the ring, oldest first */
static int ring_text(const struct ring *ring, size_t n, char **text, size_t *len)
{
	size_t have = ring->next < TAIL_LINES ? ring->next : TAIL_LINES;
	const char *line;
	size_t i;
	int ret = 0;

	if (n > have)
		n = have;
	for (i = ring->next - n; !ret && i < ring->next; i++) {
		line = ring->lines[i % TAIL_LINES];
		ret = add_line(text, len, line, strlen(line));
	}
	return ret;
}

int results_read_console(const struct results_model *model, struct results_case *test)
{
	struct ring ring = { 0 };
	FILE *file __fclose = NULL;
	char *path __freed = NULL;
	char *line __freed = NULL;
	size_t problem_len = 0;
	size_t tail_len = 0;
	size_t after = 0;
	size_t size = 0;
	ssize_t len;
	size_t i;
	int ret = 0;

	if (strchr(test->name, '/') || test->name[0] == '.')
		return 0;
	if (asprintf(&path, "%s/cases/%s/console.log", model->dir, test->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (!ret && (len = getline(&line, &size, file)) > 0) {
		len = results_printable(line, len);
		line[len] = '\0';
		if (!test->console_problem && is_problem(line)) {
			after = PROBLEM_AFTER;
			ret = ring_text(&ring, PROBLEM_BEFORE, &test->console_problem,
					&problem_len);
		}
		if (!ret && after) {
			after--;
			ret = add_line(&test->console_problem, &problem_len, line, len);
		}
		if (!ret)
			ret = ring_add(&ring, line, len);
	}
	if (!ret)
		ret = ring_text(&ring, TAIL_LINES, &test->console_tail, &tail_len);
	for (i = 0; i < TAIL_LINES; i++)
		free(ring.lines[i]);
	/* A kernel that dies of its first problem: the last lines have it all. */
	if (!ret && test->console_problem && test->console_tail &&
	    strstr(test->console_tail, test->console_problem)) {
		free(test->console_problem);
		test->console_problem = NULL;
	}
	return ret;
}
