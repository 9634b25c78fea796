/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files that build and show the model.
 */
#ifndef FLBENCH_MODEL_INTERNAL_H
#define FLBENCH_MODEL_INTERNAL_H

#include <flbench/model.h>

/* No count in an event is near this; a damaged line may claim one. */
#define RESULTS_MAX_COUNT (1LL << 40)

/* Two values have a spread, but hardly say what it is. */
#define RESULTS_MIN_VALUES 3

/* Replace *@where by a copy of @text (NULL is ""); 0 or -ENOMEM, then it stays. */
int results_set_string(char **where, const char *text);

/* A member that is a string, or NULL. */
const char *results_get_string(struct json_object *object, const char *key);

/* Sets *@number if the member is a number at all, and says whether it is a finite one. */
bool results_get_number(struct json_object *object, const char *key, double *number);

/* Has it nothing but a-z, 0-9 and _? NULL has not. */
bool results_is_word(const char *text);

/* Is it the name of a metric: a word that starts with a letter? NULL is not. */
bool results_is_name(const char *text);

/* Leaves *@number alone unless there is a number that can be a count. */
bool results_get_count(struct json_object *object, const char *key, int64_t *number);

/* Add a member or an element and say whether that worked; a NULL is a lack of memory. Takes @value. */
bool results_json_add(struct json_object *object, const char *key, struct json_object *value);
bool results_json_append(struct json_object *array, struct json_object *value);

/* A number; what is not defined is null, which is a NULL pointer for json-c. */
struct json_object *results_json_number(double number);

/* Is there a label @key, and is it false? */
bool results_label_is_false(struct json_object *labels, const char *key);

/*
 * One value of each kernel, the mean of what it measured, by cycle: those of one kernel depend on each
 * other. *@means has @nr of them, to be freed. 0 or -ENOMEM.
 */
int results_by_kernel(const struct results_metric *metric, struct results_sample **means, size_t *nr);

/* Only a case that came to a good end tells what something costs. */
bool results_case_is_sound(const struct results_case *test);

/* Add a sentence to a JSON array; 0 or -ENOMEM. */
__attribute__((format(printf, 2, 3)))
int results_add_note(struct json_object *notes, const char *format, ...);

/* Count something that was not taken, and say so; of very many only the first. 0 or -ENOMEM. */
__attribute__((format(printf, 2, 3)))
int results_refuse(struct results_case *test, const char *format, ...);

/*
 * A console or a damaged file may hold anything: what is no printable UTF-8 becomes '?', line ends and
 * terminal sequences go. In place; the new length, without a terminating zero.
 */
size_t results_printable(char *line, size_t len);

/* Fill @test's console_problem and console_tail, if it has a console; 0 or a negative errno. */
int results_read_console(const struct results_model *model, struct results_case *test);

/* The device that shows how long DMA was away, since it does it at a steady rate. */
#define RESULTS_STEADY_DEVICE "igb"

/* The device that no one preserves: it has to be stopped, or somebody's memory is overwritten. */
#define RESULTS_BLOCKED_DEVICE "stranger"

/* The metric of that name with a label "device" of that value, or NULL. */
const struct results_metric *results_device_metric(const struct results_case *test,
						   const char *name, const char *device);

/* Take a line "span", "arrivals" or "blackout", or refuse it with a note; 0 or -ENOMEM. */
int results_read_timeline(struct results_case *test, const char *kind, struct json_object *event);

/* Once all is read and summarized: choose the cycle that is drawn. 0 or -ENOMEM. */
int results_settle_timeline(struct results_case *test);

void results_clear_timelines(struct results_case *test);

/* Take a line "throughput", or refuse it with a note; 0 or -ENOMEM. */
int results_read_throughput(struct results_case *test, struct json_object *event);

/* Once all is read: which series become steady, and how the levels compare. 0 or -ENOMEM. */
int results_settle_throughput(struct results_case *test);

void results_clear_throughput(struct results_case *test);

/* Take a line "precision", or refuse it with a note; 0 or -ENOMEM. */
int results_read_precision(struct results_case *test, struct json_object *event);

/*
 * Set @test's is_precise: may it have ended before its budget? Add a note if the agent says that it is
 * precise, and the plan or the values do not. 0 or -ENOMEM.
 */
int results_judge_precision(struct results_case *test);

/* Fill @model's scaling and growth; 0 or -ENOMEM. */
int results_analyze(struct results_model *model);
/* Fill @model's rates and restored; 0 or -ENOMEM. */
int results_find_rates(struct results_model *model);
/* Judge by the set of targets that the plan names, and compare with reference.json; 0 or -ENOMEM. */
int results_evaluate_targets(struct results_model *model);
int results_apply_reference(struct results_model *model);
enum results_target_state results_target_state_parse(const char *name);

/* Drop native.json, with a note, if it is not what results_native_row() can read; 0 or -ENOMEM. */
int results_check_native(struct results_model *model);

/* Has it all of @wanted, "key=value" with spaces between? */
bool results_labels_fit(struct json_object *labels, const char *wanted);

void results_analysis_free(struct results_model *model);

#endif
