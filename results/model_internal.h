/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files that build and show the model.
 */
#ifndef FLBENCH_MODEL_INTERNAL_H
#define FLBENCH_MODEL_INTERNAL_H

#include <flbench/model.h>

/* Replace *@where by a copy of @text (NULL is ""); 0 or -ENOMEM, then it stays. */
int results_set_string(char **where, const char *text);

/* Is there a label @key, and is it false? */
bool results_label_is_false(struct json_object *labels, const char *key);

/* Add a sentence to a JSON array; 0 or -ENOMEM. */
__attribute__((format(printf, 2, 3)))
int results_add_note(struct json_object *notes, const char *format, ...);

/*
 * A console or a damaged file may hold anything: what is no printable UTF-8 becomes '?', line ends and
 * terminal sequences go. In place; the new length, without a terminating zero.
 */
size_t results_printable(char *line, size_t len);

/* Fill @test's console_problem and console_tail, if it has a console; 0 or a negative errno. */
int results_read_console(const struct results_model *model, struct results_case *test);

/* Fill @model's scaling and growth; 0 or -ENOMEM. */
int results_analyze(struct results_model *model);
void results_analysis_free(struct results_model *model);

#endif
