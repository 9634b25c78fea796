/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plans: reading an INI file and the command line into a list of cases, every value checked before
 * anything is started.
 * What the options mean is left to those who use them.
 */
#ifndef FLBENCH_PLAN_H
#define FLBENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** enum option_type - how the text of an option is checked; see options.def */
enum option_type {
	OPTION_NUMBER,
	OPTION_LIST,
	OPTION_WORDS,
	OPTION_SIZE,
	OPTION_PERCENT,
	OPTION_CHOICE,
	OPTION_CHOICES,
	OPTION_BOOL,
	OPTION_NAME,
	OPTION_TEXT,
	OPTION_PATH,
};

/** enum option_id - one name for each line of options.def */
enum option_id {
#define OPTION(name, ...) OPT_##name,
#define WITH(workload, name, fallback)
#include "options.def"
#undef OPTION
#undef WITH
	OPTION_COUNT
};

/** enum option_scope - where an option may stand */
enum option_scope {
	SCOPE_CASE, /* in any section, and as a flag */
	SCOPE_RUN, /* in [global], and as a flag */
	SCOPE_COMMAND, /* as a flag only */
};

/**
 * struct plan_option - one line of options.def
 * @name: key in a plan; the flag has '-' for '_'
 * @type: how a value is checked
 * @fallback: value when none is given, "" for none
 * @min: smallest number, or length for NAME and TEXT
 * @max: largest number, or length
 * @values: words that are allowed, with '|' between
 * @help: one line for people
 */
struct plan_option {
	const char *name;
	enum option_type type;
	const char *fallback;
	long long min;
	long long max;
	const char *values;
	const char *help;
};

/** struct plan_error - one line for the user: what, where, why, what to do */
struct plan_error {
	char text[512];
};

/** struct option_values - the text of each option that was given, NULL where none was */
struct option_values {
	char *text[OPTION_COUNT];
};

/** struct plan_section - one section of a plan as it was written */
struct plan_section {
	char *name;
	struct option_values values;
};

/**
 * struct plan - a plan as it was read
 * @name: file name without directory and ".ini", or "command-line"
 * @path: file it came from, NULL for one made from flags
 * @global: the section [global]
 * @sections: the other sections, in the order of the file
 * @nr_sections: how many
 */
struct plan {
	char *name;
	char *path;
	struct option_values global;
	struct plan_section *sections;
	size_t nr_sections;
};

/**
 * struct plan_case - one case of the matrix; every option has its one value here, "" where there is
 * none
 */
struct plan_case {
	char *name;
	struct option_values values;
};

/** struct plan_matrix - all cases of a plan, in the order in which they run */
struct plan_matrix {
	struct plan_case *cases;
	size_t nr_cases;
};

/** plan_option() - the line of options.def for @id */
const struct plan_option *plan_option(enum option_id id);

/** plan_option_scope() - where option @id may stand */
enum option_scope plan_option_scope(enum option_id id);

/**
 * plan_option_find() - look an option up by its name
 * @name: key or flag without "--", with '_' or '-'
 * Return: its id or -ENOENT.
 */
int plan_option_find(const char *name);

/**
 * plan_nearest() - the word most like @word, for "did you mean"
 * @word: what was typed
 * @words: candidates
 * @nr: how many
 * Return: a candidate, or NULL if none is close.
 */
const char *plan_nearest(const char *word, const char *const *words, size_t nr);

/**
 * plan_value_check() - check one value against its line of options.def
 * @id: the option
 * @value: its text
 * @error: filled on failure, without saying where the value came from
 * Return: 0 or -EINVAL.
 */
int plan_value_check(enum option_id id, const char *value, struct plan_error *error);

/**
 * plan_values_set() - check a value and keep a copy
 * @values: where to keep it; an earlier value is replaced
 * @id: the option
 * @value: its text
 * @directory: what a relative path starts from
 * @error: filled on failure
 * Return: 0, -EINVAL or -ENOMEM.
 */
int plan_values_set(struct option_values *values, enum option_id id, const char *value,
		    const char *directory, struct plan_error *error);

/** plan_values_free() - free all texts in @values */
void plan_values_free(struct option_values *values);

/**
 * plan_read() - read an INI file
 * @plan: filled; to be freed with plan_free() also after an error
 * @path: the file
 * @error: filled on failure with file, line and reason
 * Return: 0, -EINVAL for a malformed plan, another negative errno if it cannot be read.
 */
int plan_read(struct plan *plan, const char *path, struct plan_error *error);

/**
 * plan_from_flags() - the plan of a run without a file: one case, all of it from the flags
 * @plan: filled; to be freed with plan_free()
 * Return: 0 or -ENOMEM.
 */
int plan_from_flags(struct plan *plan);

/** plan_free() - free what a plan holds */
void plan_free(struct plan *plan);

/**
 * plan_expand() - make the matrix: defaults, then [global], then the section, then the flags; lists
 * multiply
 * @plan: the plan
 * @flags: values from the command line, which win
 * @matrix: filled; to be freed with plan_matrix_free() also after an error
 * @error: filled on failure
 * Return: 0, -EINVAL if values contradict each other, -E2BIG for more than PLAN_MAX_CASES cases,
 * -ENOMEM.
 */
int plan_expand(const struct plan *plan, const struct option_values *flags,
		struct plan_matrix *matrix, struct plan_error *error);

/**
 * PLAN_PRECISE_MIN, PLAN_PRECISE_MAX - budget of cycles of a case with precision: values that have to be there,
 * and the first kernel, whose values do not count; what the agent has room for
 */
#define PLAN_PRECISE_MIN 6
#define PLAN_PRECISE_MAX 1000

/** PLAN_MAX_CASES - a matrix larger than this is a mistake */
#define PLAN_MAX_CASES 4096

/** plan_matrix_free() - free what a matrix holds */
void plan_matrix_free(struct plan_matrix *matrix);

/**
 * plan_matrix_write() - write a matrix as a plan that plan_read() takes back, one section a case,
 * no lists
 * @matrix: the cases
 * @file: where to
 * Return: 0 or -EIO.
 */
int plan_matrix_write(const struct plan_matrix *matrix, FILE *file);

/** plan_text() - value of an option of a case, "" if it has none */
const char *plan_text(const struct plan_case *plan_case, enum option_id id);

/** plan_number() - the same as a number; SIZE in MiB */
long long plan_number(const struct plan_case *plan_case, enum option_id id);

/** plan_percent() - value of a PERCENT option */
double plan_percent(const struct plan_case *plan_case, enum option_id id);

/** plan_bool() - the same as a truth value */
bool plan_bool(const struct plan_case *plan_case, enum option_id id);

/** plan_has_choice() - is @choice among the values of a CHOICES option */
bool plan_has_choice(const struct plan_case *plan_case, enum option_id id, const char *choice);

#endif
