// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a results directory into a model: who belongs to which case, what counts, which verdict.
 * Statistics are stats.c's, growth and scaling analysis.c's, the look of it the renderers'.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

#define MAX_FAILURES 20
/* More than a plan may ask for; what passes beyond is proof of nothing. */
#define MAX_CYCLE (1LL << 20)

/* Labels that a case hands down to its metrics, as plan.ini names them. */
static const char * const case_labels[] = {
	"domains", "devices", "iommufds", "mappings", "preserve", "workload", "vtd_mode",
	"marked", "large", "pages", "layout", "method", "nodes", "translation",
};

/* Those that tell the cases of one scenario apart, and nothing of others. */
static const char * const pages_labels[] = { "pages", "layout", "method" };
static const char * const world_labels[] = {
	"domains", "devices", "iommufds", "mappings", "preserve",
};

const char *results_get_string(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

bool results_is_word(const char *text)
{
	return text && *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

bool results_is_name(const char *text)
{
	return results_is_word(text) && *text >= 'a' && *text <= 'z';
}

bool results_get_number(struct json_object *object, const char *key, double *number)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    (!json_object_is_type(value, json_type_int) &&
	     !json_object_is_type(value, json_type_double)))
		return false;
	*number = json_object_get_double(value);
	return isfinite(*number);
}

bool results_get_count(struct json_object *object, const char *key, int64_t *number)
{
	struct json_object *value;
	int64_t count;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	count = json_object_get_int64(value);
	if (count < 0 || count > RESULTS_MAX_COUNT)
		return false;
	*number = count;
	return true;
}

int results_set_string(char **where, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int add_note(struct json_object *notes, const char *format, va_list args)
{
	struct json_object *string;
	char *text __freed = NULL;
	int len = vasprintf(&text, format, args);

	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	string = json_object_new_string_len(text, len);
	if (!string || json_object_array_add(notes, string)) {
		json_object_put(string);
		return -ENOMEM;
	}
	return 0;
}

int results_add_note(struct json_object *notes, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = add_note(notes, format, args);
	va_end(args);
	return ret;
}

int results_refuse(struct results_case *test, const char *format, ...)
{
	va_list args;
	int ret;

	if (test->refused++ >= MAX_FAILURES)
		return 0;
	va_start(args, format);
	ret = add_note(test->notes, format, args);
	va_end(args);
	return ret;
}

bool results_label_is_false(struct json_object *labels, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(labels, key, &value) &&
	       json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* The scalars of @own and, where it has none, of @inherited, sorted by key. */
static struct json_object *merge_labels(struct json_object *own, struct json_object *inherited)
{
	struct json_object *sources[] = { own, inherited };
	struct json_object *merged = json_object_new_object();
	const char **keys __freed = NULL;
	struct json_object *value;
	size_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (json_object_is_type(sources[i], json_type_object))
			n += json_object_object_length(sources[i]);
	keys = calloc(n + 1, sizeof(*keys));
	if (!merged || !keys)
		goto err;
	n = 0;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!json_object_is_type(sources[i], json_type_object))
			continue;
		json_object_object_foreach(sources[i], key, unused) {
			(void)unused;
			keys[n++] = key;
		}
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 0; i < n; i++) {
		if (i && !strcmp(keys[i], keys[i - 1]))
			continue;
		if (!json_object_is_type(own, json_type_object) ||
		    !json_object_object_get_ex(own, keys[i], &value))
			json_object_object_get_ex(inherited, keys[i], &value);
		if (json_object_is_type(value, json_type_object) ||
		    json_object_is_type(value, json_type_array) || !value)
			continue;
		if (json_object_object_add(merged, keys[i], json_object_get(value))) {
			json_object_put(value);
			goto err;
		}
	}
	return merged;

err:
	json_object_put(merged);
	return NULL;
}

static void clear_check(struct results_check *check)
{
	free(check->name);
	free(check->detail);
	free(check->cycles);
	json_object_put(check->failures);
}

static void clear_metric(struct results_metric *metric)
{
	free(metric->name);
	free(metric->unit);
	free(metric->samples);
	json_object_put(metric->labels);
}

/* Forget what an attempt brought; the case itself stays. */
static void clear_attempt(struct results_case *test)
{
	size_t i;

	for (i = 0; i < test->nr_checks; i++)
		clear_check(&test->checks[i]);
	for (i = 0; i < test->nr_metrics; i++)
		clear_metric(&test->metrics[i]);
	results_clear_timelines(test);
	results_clear_throughput(test);
	json_object_put(test->precise);
	test->precise = NULL;
	free(test->checks);
	free(test->metrics);
	test->checks = NULL;
	test->metrics = NULL;
	test->nr_checks = 0;
	test->nr_metrics = 0;
	test->cycles_completed = 0;
	test->seconds = NAN;
	test->lost = 0;
	test->refused = 0;
	test->next_seq = -1;
	test->has_end = false;
	json_object_put(test->notes);
	test->notes = json_object_new_array();
}

static void clear_case(struct results_case *test)
{
	clear_attempt(test);
	free(test->name);
	free(test->unit);
	free(test->scenario);
	free(test->workload);
	free(test->detail);
	free(test->console_problem);
	free(test->console_tail);
	json_object_put(test->labels);
	json_object_put(test->notes);
}

void results_model_free(struct results_model *model)
{
	size_t i;

	if (!model)
		return;
	results_analysis_free(model);
	for (i = 0; i < model->nr_cases; i++)
		clear_case(&model->cases[i]);
	free(model->cases);
	free(model->dir);
	free(model->detail);
	free(model->iommu);
	free(model->clock);
	free(model->accelerator);
	free(model->target_set);
	free(model->targets);
	free(model->rates);
	free(model->restored);
	json_object_put(model->reference);
	json_object_put(model->native);
	json_object_put(model->target);
	json_object_put(model->environment);
	json_object_put(model->notes);
	free(model);
}

static struct results_case *find_case(struct results_model *model, const char *name)
{
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		if (!strcmp(model->cases[i].name, name))
			return &model->cases[i];
	return NULL;
}

/* Pointers to cases do not outlive a call of this. */
static int get_case(struct results_model *model, const char *name, struct results_case **found)
{
	size_t current = model->current ? model->current - model->cases : 0;
	struct results_case *cases;
	struct results_case *test = find_case(model, name);

	if (!test) {
		cases = reallocarray(model->cases, model->nr_cases + 1, sizeof(*cases));
		if (!cases)
			return -ENOMEM;
		model->cases = cases;
		if (model->current)
			model->current = cases + current;
		test = &cases[model->nr_cases];
		memset(test, 0, sizeof(*test));
		test->expect = RESULTS_PASS;
		test->begun = NAN;
		test->ended = NAN;
		clear_attempt(test);
		test->name = strdup(name);
		test->detail = strdup("");
		test->labels = json_object_new_object();
		model->nr_cases++;
		if (!test->name || !test->detail || !test->labels || !test->notes)
			return -ENOMEM;
	}
	*found = test;
	return 0;
}

/* plan.ini: what was planned, one section a case, each option with its one value. */
struct plan_reader {
	struct results_model *model;
	struct json_object *global;
	int error;
};

static int set_iommu(struct results_model *model, const char *iommu)
{
	static const char * const known[] = { "mock", "intel", "amd", "smmuv3" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(iommu, known[i]))
			break;
	if (i == ARRAY_SIZE(known))
		return results_add_note(model->notes, "unknown IOMMU \"%s\"", iommu);
	if (model->iommu && strcmp(model->iommu, iommu))
		iommu = "mixed";
	return results_set_string(&model->iommu, iommu);
}

/* What a case wants; "auto" says nothing. */
static int set_accelerator(struct results_model *model, const char *accelerator)
{
	if (strcmp(accelerator, "tcg") && strcmp(accelerator, "kvm"))
		return 0;
	if (model->accelerator && strcmp(model->accelerator, accelerator))
		accelerator = "";
	return results_set_string(&model->accelerator, accelerator);
}

/* What the clock of a case counts; any other word ("auto") says nothing. */
static int set_unit(struct results_case *test, const char *unit)
{
	if (strcmp(unit, "ns") && strcmp(unit, "instructions"))
		return 0;
	return results_set_string(&test->unit, unit);
}

static bool is_yes(const char *value)
{
	return !strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "1");
}

static int plan_label(struct results_case *test, const char *key, const char *value)
{
	struct json_object *label;
	char *end;
	int64_t number = strtoll(value, &end, 10);

	if (!strcmp(key, "preserve"))
		label = json_object_new_boolean(is_yes(value));
	else if (*value && !*end)
		label = json_object_new_int64(number);
	else
		label = json_object_new_string(value);
	if (!label || json_object_object_add(test->labels, key, label)) {
		json_object_put(label);
		return -ENOMEM;
	}
	return 0;
}

static int plan_label_of_case(struct results_case *test, const char *key, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(case_labels); i++)
		if (!strcmp(key, case_labels[i]))
			return plan_label(test, key, value);
	return 0;
}

static int plan_option_of_case(struct results_model *model, struct results_case *test,
			       const char *key, const char *value)
{
	double precision;
	int64_t cycles;

	if (!strcmp(key, "cycles")) {
		cycles = strtoll(value, NULL, 10);
		if (cycles >= 0 && cycles <= RESULTS_MAX_COUNT)
			test->cycles_planned = cycles;
	} else if (!strcmp(key, "precision")) {
		precision = strtod(value, NULL);
		test->precision = isfinite(precision) ? precision : 0;
	} else if (!strcmp(key, "scenario")) {
		return results_set_string(&test->scenario, value);
	} else if (!strcmp(key, "workload")) {
		/* What all cases had before there were workloads tells nothing apart. */
		if (!strcmp(value, "none"))
			json_object_object_del(test->labels, key);
		else if (plan_label_of_case(test, key, value))
			return -ENOMEM;
		return results_set_string(&test->workload, value);
	} else if (!strcmp(key, "expect")) {
		if (results_verdict_parse(value, &test->expect))
			return results_add_note(model->notes,
						"plan.ini expects an unknown verdict \"%s\" of case \"%s\"",
						value, test->name);
	} else if (!strcmp(key, "iommu")) {
		test->has_vtd = !strcmp(value, "intel");
		return set_iommu(model, value);
	} else if (!strcmp(key, "accel")) {
		return set_accelerator(model, value);
	} else if (!strcmp(key, "icount") && !test->unit) {
		return results_set_string(&test->unit, is_yes(value) ? "instructions" : "ns");
	} else if (!strcmp(key, "unit")) {
		return set_unit(test, value);
	} else {
		return plan_label_of_case(test, key, value);
	}
	return 0;
}

static int set_target(struct results_model *model, struct json_object *target)
{
	struct json_object *object = NULL;
	const char *name = NULL;

	if (json_object_is_type(target, json_type_object))
		name = results_get_string(target, "name");
	else if (json_object_is_type(target, json_type_string))
		name = json_object_get_string(target);
	if (!name || !*name)
		return results_add_note(model->notes, "the target has no name");
	if (json_object_is_type(target, json_type_object)) {
		object = json_object_get(target);
	} else {
		object = json_object_new_object();
		if (!object || json_object_object_add(object, "name", json_object_get(target))) {
			json_object_put(object);
			return -ENOMEM;
		}
	}
	json_object_put(model->target);
	model->target = object;
	return 0;
}

static char *printable_copy(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		copy[results_printable(copy, strlen(copy))] = '\0';
	return copy;
}

static int plan_line(void *context, const char *raw_section, const char *raw_key,
		     const char *raw_value)
{
	char *section __freed = printable_copy(raw_section);
	char *key __freed = printable_copy(raw_key);
	char *value __freed = raw_value ? printable_copy(raw_value) : NULL;
	struct plan_reader *reader = context;
	struct results_case *test;
	struct json_object *string;

	if (reader->error || !raw_value)
		return 1;
	if (!section || !key || !value) {
		reader->error = -ENOMEM;
		return 0;
	}
	string = json_object_new_string(value);
	if (!string) {
		reader->error = -ENOMEM;
		return 0;
	}
	if (!strcmp(key, "target"))
		reader->error = set_target(reader->model, string);
	if (!strcmp(key, "targets") && strcmp(value, "none"))
		reader->error = results_set_string(&reader->model->target_set, value);
	if (!*section || !strcmp(section, "global")) {
		if (!reader->error && json_object_object_add(reader->global, key, string)) {
			json_object_put(string);
			reader->error = -ENOMEM;
		}
		return !reader->error;
	}
	json_object_put(string);
	if (reader->error)
		return 0;
	if (!find_case(reader->model, section)) {
		reader->error = get_case(reader->model, section, &test);
		json_object_object_foreach(reader->global, name, inherited) {
			if (!reader->error)
				reader->error = plan_option_of_case(reader->model, test, name,
								    json_object_get_string(inherited));
		}
	}
	if (!reader->error)
		reader->error = get_case(reader->model, section, &test);
	if (!reader->error)
		reader->error = plan_option_of_case(reader->model, test, key, value);
	return !reader->error;
}

static void drop_labels(struct results_case *test, const char * const *labels, size_t n)
{
	while (n--)
		json_object_object_del(test->labels, labels[n]);
}

/* A plan has every option in every case, whether it means anything there or not. */
static void drop_idle_labels(struct results_case *test)
{
	const char *scenario = test->scenario ? test->scenario : "";
	struct json_object *nodes;

	if (!test->has_vtd)
		json_object_object_del(test->labels, "vtd_mode");
	if (strcmp(scenario, "preserve-marked"))
		json_object_object_del(test->labels, "marked");
	if (strcmp(scenario, "preserve-large"))
		json_object_object_del(test->labels, "large");
	if (strcmp(scenario, "fio-translation"))
		json_object_object_del(test->labels, "translation");
	if (!strcmp(scenario, "preserve-pages")) {
		drop_labels(test, world_labels, ARRAY_SIZE(world_labels));
		return;
	}
	drop_labels(test, pages_labels, ARRAY_SIZE(pages_labels));
	if (json_object_object_get_ex(test->labels, "nodes", &nodes) &&
	    json_object_get_int64(nodes) == 1)
		json_object_object_del(test->labels, "nodes");
}

static int read_plan(struct results_model *model)
{
	struct plan_reader reader = { .model = model };
	struct json_object *global __json = json_object_new_object();
	char *path __freed = NULL;
	FILE *file __fclose = NULL;
	size_t i;
	int line;

	if (!global)
		return -ENOMEM;
	reader.global = global;
	if (asprintf(&path, "%s/plan.ini", model->dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	file = fopen(path, "re");
	if (!file)
		return -errno;
	line = ini_parse_file(file, plan_line, &reader);
	if (reader.error)
		return reader.error;
	for (i = 0; i < model->nr_cases; i++)
		drop_idle_labels(&model->cases[i]);
	if (line)
		return results_add_note(model->notes, "plan.ini: line %d is not understood", line);
	return 0;
}

/* events.jsonl */

static int begin_case(struct results_model *model, struct results_case *test,
		      struct json_object *event)
{
	struct json_object *labels;
	int64_t attempt;
	const char *text;

	if (test->attempts) {
		/* Whatever began before this did not count, or it would not begin again. */
		test->interrupted = true;
		clear_attempt(test);
		if (!test->notes)
			return -ENOMEM;
	}
	test->attempts++;
	if (results_get_count(event, "attempt", &attempt) && attempt > test->attempts) {
		test->attempts = attempt;
		test->interrupted = true;
	}
	test->running = true;
	if (!results_get_number(event, "time", &test->begun))
		test->begun = NAN;
	results_get_count(event, "cycles", &test->cycles_planned);
	text = results_get_string(event, "expect");
	if (text)
		results_verdict_parse(text, &test->expect);
	text = results_get_string(event, "unit");
	if (text && set_unit(test, text))
		return -ENOMEM;
	text = results_get_string(event, "scenario");
	if (text && results_set_string(&test->scenario, text))
		return -ENOMEM;
	if (json_object_object_get_ex(event, "labels", &labels)) {
		labels = merge_labels(labels, test->labels);
		if (!labels)
			return -ENOMEM;
		json_object_put(test->labels);
		test->labels = labels;
	}
	model->current = test;
	return results_set_string(&test->detail, "");
}

static int end_case(struct results_model *model, struct results_case *test,
		    struct json_object *event)
{
	const char *text = results_get_string(event, "verdict");
	int64_t cycles;

	test->running = false;
	test->has_end = true;
	model->current = NULL;
	if (!test->attempts)
		test->attempts = 1;
	if (results_get_count(event, "cycles", &cycles))
		test->cycles_completed = cycles;
	if (!results_get_number(event, "time", &test->ended))
		test->ended = NAN;
	if (!results_get_number(event, "seconds", &test->seconds))
		test->seconds = test->ended - test->begun;
	if (results_verdict_parse(text, &test->end_verdict)) {
		test->end_verdict = RESULTS_INCOMPLETE;
		return results_add_note(test->notes, "its end has no known verdict");
	}
	return results_set_string(&test->detail, results_get_string(event, "detail"));
}

static int on_case(struct results_model *model, struct json_object *event)
{
	const char *name = results_get_string(event, "case");
	const char *state = results_get_string(event, "state");
	struct results_case *test;
	int ret;

	if (!name || !state) {
		model->stray++;
		return 0;
	}
	ret = get_case(model, name, &test);
	if (ret)
		return ret;
	if (!strcmp(state, "begin"))
		return begin_case(model, test, event);
	if (!strcmp(state, "end"))
		return end_case(model, test, event);
	return 0;
}

static int on_run(struct results_model *model, struct json_object *event)
{
	const char *state = results_get_string(event, "state");
	const char *text = results_get_string(event, "iommu");
	struct json_object *target;
	int ret = 0;

	if (text)
		ret = set_iommu(model, text);
	if (!ret && json_object_object_get_ex(event, "target", &target))
		ret = set_target(model, target);
	if (ret || !state)
		return ret;
	/* Whatever happens, a case that was open before is not so any more. */
	model->current = NULL;
	model->has_end = !strcmp(state, "end");
	if (!model->has_end)
		return 0;
	if (results_verdict_parse(results_get_string(event, "verdict"), &model->end_verdict))
		model->has_end = false;
	return results_set_string(&model->detail, results_get_string(event, "detail"));
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t len = strlen(end);

	return text_len >= len && !strcmp(text + text_len - len, end);
}

static bool is_clock_unit(const char *unit)
{
	return !strcmp(unit, "ns") || !strcmp(unit, "instructions");
}

/* A name and its unit that cannot both be right. NULL if they can. */
static const char *metric_objection(const struct results_case *test, const char *name,
				    const char *unit)
{
	static const char * const suffixes[] = { "ns", "instructions", "bytes" };
	char suffix[32];
	size_t i;

	if (!results_is_word(name))
		return "the name has other characters than a-z, 0-9 and _";
	if (!results_is_name(name))
		return "the name does not start with a letter";
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(suffix, sizeof(suffix), "_%s", suffixes[i]);
		if (ends_with(name, suffix) != !strcmp(unit, suffixes[i]))
			return "name and unit contradict each other";
	}
	if (test->unit && is_clock_unit(unit) && strcmp(unit, test->unit))
		return "the clock of the case counts something else";
	return NULL;
}

static int add_sample(struct results_metric *metric, int64_t cycle, double value)
{
	struct results_sample *samples;

	/* Grow by doubling: at each power of two the array is full. */
	if (!(metric->n & (metric->n - 1))) {
		samples = reallocarray(metric->samples, metric->n ? 2 * metric->n : 1,
				       sizeof(*samples));
		if (!samples)
			return -ENOMEM;
		metric->samples = samples;
	}
	metric->samples[metric->n].cycle = cycle;
	metric->samples[metric->n].value = value;
	metric->n++;
	return 0;
}

static int on_metric(struct results_case *test, struct json_object *event)
{
	const char *name = results_get_string(event, "name");
	const char *unit = results_get_string(event, "unit");
	struct json_object *labels = NULL;
	struct results_metric *metrics;
	struct results_metric *metric;
	const char *objection;
	int64_t cycle = 0;
	double value;
	size_t i;

	results_get_count(event, "cycle", &cycle);
	if (!name || !unit || !results_get_number(event, "value", &value))
		return results_refuse(test, "a metric without name, unit or number was refused");
	objection = metric_objection(test, name, unit);
	if (objection)
		return results_refuse(test, "metric \"%s\" in \"%s\" was refused: %s", name, unit,
				      objection);
	if (is_clock_unit(unit) && !test->unit && results_set_string(&test->unit, unit))
		return -ENOMEM;
	json_object_object_get_ex(event, "labels", &labels);
	labels = merge_labels(labels, test->labels);
	if (!labels)
		return -ENOMEM;
	for (i = 0; i < test->nr_metrics; i++) {
		metric = &test->metrics[i];
		if (!strcmp(metric->name, name) && !strcmp(metric->unit, unit) &&
		    json_object_equal(metric->labels, labels)) {
			json_object_put(labels);
			return add_sample(metric, cycle, value);
		}
	}
	metrics = reallocarray(test->metrics, test->nr_metrics + 1, sizeof(*metrics));
	if (!metrics) {
		json_object_put(labels);
		return -ENOMEM;
	}
	test->metrics = metrics;
	metric = &metrics[test->nr_metrics++];
	memset(metric, 0, sizeof(*metric));
	metric->labels = labels;
	metric->name = strdup(name);
	metric->unit = strdup(unit);
	if (!metric->name || !metric->unit)
		return -ENOMEM;
	return add_sample(metric, cycle, value);
}

static int get_check(struct results_case *test, const char *name, struct results_check **found)
{
	struct results_check *checks;
	struct results_check *check;
	size_t i;

	for (i = 0; i < test->nr_checks; i++) {
		if (!strcmp(test->checks[i].name, name)) {
			*found = &test->checks[i];
			return 0;
		}
	}
	checks = reallocarray(test->checks, test->nr_checks + 1, sizeof(*checks));
	if (!checks)
		return -ENOMEM;
	test->checks = checks;
	check = &checks[test->nr_checks++];
	memset(check, 0, sizeof(*check));
	check->verdict = RESULTS_SKIP;
	check->name = strdup(name);
	check->detail = strdup("");
	check->failures = json_object_new_array();
	if (!check->name || !check->detail || !check->failures)
		return -ENOMEM;
	*found = check;
	return 0;
}

static int add_failure(struct results_check *check, int64_t cycle, const char *detail)
{
	struct json_object *failure;

	if (json_object_array_length(check->failures) >= MAX_FAILURES)
		return 0;
	failure = json_object_new_object();
	if (!failure ||
	    json_object_object_add(failure, "cycle", json_object_new_int64(cycle)) ||
	    json_object_object_add(failure, "detail", json_object_new_string(detail)) ||
	    json_object_array_add(check->failures, failure)) {
		json_object_put(failure);
		return -ENOMEM;
	}
	return 0;
}

/* By cycle: a check that passes twice does not make up for a cycle that lacks it. */
static int note_pass(struct results_check *check, int64_t cycle)
{
	size_t word = cycle / 64;
	uint64_t *cycles;

	check->passed++;
	if (cycle >= MAX_CYCLE)
		return 0;
	if (word >= check->nr_words) {
		cycles = reallocarray(check->cycles, word + 1, sizeof(*cycles));
		if (!cycles)
			return -ENOMEM;
		memset(cycles + check->nr_words, 0,
		       (word + 1 - check->nr_words) * sizeof(*cycles));
		check->cycles = cycles;
		check->nr_words = word + 1;
	}
	check->cycles[word] |= 1ULL << cycle % 64;
	return 0;
}

static bool has_passed(const struct results_check *check, int64_t cycle)
{
	size_t word = cycle / 64;

	return word < check->nr_words && check->cycles[word] & 1ULL << cycle % 64;
}

static int on_check(struct results_case *test, struct json_object *event)
{
	const char *name = results_get_string(event, "name");
	const char *detail = results_get_string(event, "detail");
	enum results_verdict verdict;
	struct results_check *check;
	int64_t cycle = 0;
	bool first_failure;
	int ret;

	if (!detail)
		detail = "";
	results_get_count(event, "cycle", &cycle);
	ret = get_check(test, name ? name : "unnamed", &check);
	if (ret)
		return ret;
	/* What is not clearly good is bad. */
	if (results_verdict_parse(results_get_string(event, "verdict"), &verdict) ||
	    (verdict != RESULTS_PASS && verdict != RESULTS_SKIP))
		verdict = RESULTS_FAIL;
	first_failure = verdict == RESULTS_FAIL && !check->failed;
	if (verdict == RESULTS_PASS)
		ret = note_pass(check, cycle);
	else if (verdict == RESULTS_SKIP)
		check->skipped++;
	else
		check->failed++;
	check->verdict = results_verdict_worse(check->verdict, verdict);
	if (!ret && (first_failure || (!*check->detail && !check->failed)))
		ret = results_set_string(&check->detail, detail);
	if (!ret && verdict == RESULTS_FAIL)
		ret = add_failure(check, cycle, detail);
	return ret;
}

static int on_log(struct results_case *test, struct json_object *event)
{
	const char *level = results_get_string(event, "level");
	const char *text = results_get_string(event, "text");

	if (!level || !text || !strcmp(level, "info") ||
	    json_object_array_length(test->notes) >= MAX_FAILURES)
		return 0;
	return results_add_note(test->notes, "%s: %s", level, text);
}

static int on_event(void *context, struct json_object *event)
{
	struct results_model *model = context;
	const char *kind = results_get_string(event, "event");
	const char *name = results_get_string(event, "case");
	struct results_case *test = model->current;
	int64_t cycles;
	int64_t seq;
	int ret;

	if (!strcmp(kind, "run"))
		return on_run(model, event);
	if (!strcmp(kind, "case"))
		return on_case(model, event);
	if (name) {
		ret = get_case(model, name, &test);
		if (ret)
			return ret;
	}
	if (!test) {
		model->stray++;
		return 0;
	}
	/* Without a controller (host target) the agent's first sign begins the case. */
	if (!test->attempts) {
		test->attempts = 1;
		test->running = true;
		model->current = test;
	}
	if (results_get_count(event, "seq", &seq)) {
		if (test->next_seq >= 0 && seq > test->next_seq)
			test->lost += seq - test->next_seq;
		test->next_seq = seq + 1;
	}
	if (!strcmp(kind, "metric"))
		return on_metric(test, event);
	if (!strcmp(kind, "check"))
		return on_check(test, event);
	if (!strcmp(kind, "log"))
		return on_log(test, event);
	if (!strcmp(kind, "span") || !strcmp(kind, "arrivals") || !strcmp(kind, "blackout"))
		return results_read_timeline(test, kind, event);
	if (!strcmp(kind, "throughput"))
		return results_read_throughput(test, event);
	if (!strcmp(kind, "precision"))
		return results_read_precision(test, event);
	if ((!strcmp(kind, "progress") || !strcmp(kind, "done")) &&
	    results_get_count(event, "cycle", &cycles) && cycles > test->cycles_completed)
		test->cycles_completed = cycles;
	return 0;
}

/* Verdicts */

/* The first cycle in which a check did not pass; 0 if it did in all of them. */
static int64_t first_without(const struct results_case *test, const char *name)
{
	const struct results_check *check = NULL;
	int64_t cycle;
	size_t i;

	for (i = 0; i < test->nr_checks; i++)
		if (!strcmp(test->checks[i].name, name))
			check = &test->checks[i];
	for (cycle = 1; cycle <= test->cycles_completed; cycle++)
		if (!check || !has_passed(check, cycle))
			return cycle;
	return 0;
}

/* The check that a loop which preserves owes for some of its cycles, or NULL. */
static const char *missing_proof(const struct results_case *test, int64_t *cycle)
{
	const char *const *proof = results_loop_proofs(test->workload);

	if (!test->scenario || strcmp(test->scenario, "loop") ||
	    results_label_is_false(test->labels, "preserve"))
		return NULL;
	for (; *proof; proof++) {
		*cycle = first_without(test, *proof);
		if (*cycle)
			return *proof;
	}
	return NULL;
}

static int judge_case(struct results_case *test)
{
	int64_t without = 0;
	const char *missing = missing_proof(test, &without);
	enum results_verdict verdict;
	size_t passed = 0;
	size_t failed = 0;
	size_t i;
	int ret = results_judge_precision(test);

	for (i = 0; i < test->nr_checks; i++) {
		passed += test->checks[i].passed;
		failed += test->checks[i].failed;
	}
	if (test->has_end)
		verdict = test->end_verdict;
	else
		verdict = test->attempts ? RESULTS_INCOMPLETE : RESULTS_NOTRUN;
	if (failed)
		verdict = results_verdict_worse(verdict, RESULTS_FAIL);
	if (verdict == RESULTS_PASS || verdict == RESULTS_WARN || verdict == RESULTS_DMESG_WARN) {
		if (!ret && !passed) {
			verdict = results_verdict_worse(verdict, RESULTS_WARN);
			ret = results_add_note(test->notes, "no check passed, so nothing is proven");
		}
		if (!ret && missing) {
			verdict = results_verdict_worse(verdict, RESULTS_FAIL);
			ret = results_add_note(test->notes,
					       "check \"%s\" did not pass in cycle %lld: %s", missing,
					       (long long)without, results_proof_claim(missing));
		}
		if (!ret && test->lost) {
			verdict = results_verdict_worse(verdict, RESULTS_WARN);
			ret = results_add_note(test->notes, "lost events of the agent: %zu", test->lost);
		}
		if (test->refused)
			verdict = results_verdict_worse(verdict, RESULTS_WARN);
		if (!ret && test->cycles_completed < test->cycles_planned && !test->is_precise) {
			verdict = results_verdict_worse(verdict, RESULTS_INCOMPLETE);
			ret = results_add_note(test->notes, "only %lld of %lld cycles were done",
					       (long long)test->cycles_completed,
					       (long long)test->cycles_planned);
		}
	}
	if (!ret && test->interrupted)
		ret = results_add_note(test->notes,
				       "attempt %u; what an interrupted attempt brought is dropped",
				       test->attempts);
	test->verdict = verdict;
	test->counts = verdict;
	if (test->expect != RESULTS_PASS && test->has_end)
		test->counts = verdict == test->expect ?
			RESULTS_PASS : results_verdict_worse(verdict, RESULTS_FAIL);
	return ret;
}

static bool wants_console(enum results_verdict verdict)
{
	return verdict == RESULTS_DMESG_WARN || verdict >= RESULTS_FAIL;
}

static int judge(struct results_model *model)
{
	enum results_verdict verdict = RESULTS_SKIP;
	const char *clock = NULL;
	struct results_case *test;
	bool ran = false;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_cases; i++) {
		test = &model->cases[i];
		ret = judge_case(test);
		if (!ret && wants_console(test->verdict))
			ret = results_read_console(model, test);
		verdict = results_verdict_worse(verdict, test->counts);
		ran |= test->attempts > 0;
		model->cycles_planned += test->cycles_planned;
		model->cycles_completed += test->cycles_completed;
		if (test->unit)
			clock = clock && strcmp(clock, test->unit) ? "mixed" : test->unit;
	}
	if (ret)
		return ret;
	/* Part of it was done: the run as a whole is not "notrun" but cut short. */
	if (verdict == RESULTS_NOTRUN && ran)
		verdict = RESULTS_INCOMPLETE;
	if (!model->nr_cases)
		verdict = RESULTS_NOTRUN;
	if (model->has_end)
		verdict = results_verdict_worse(verdict, model->end_verdict);
	model->verdict = verdict;
	return results_set_string(&model->clock, clock ? clock : "instructions");
}

static int summarize(struct results_model *model)
{
	struct results_metric *metric;
	double *values;
	size_t i;
	size_t j;
	size_t k;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_cases; i++) {
		for (j = 0; !ret && j < model->cases[i].nr_metrics; j++) {
			metric = &model->cases[i].metrics[j];
			values = calloc(metric->n, sizeof(*values));
			if (!values)
				return -ENOMEM;
			for (k = 0; k < metric->n; k++)
				values[k] = metric->samples[k].value;
			ret = results_summarize(values, metric->n, &metric->summary);
			if (!ret)
				ret = results_fences(values, metric->n, metric->fences);
			free(values);
		}
		if (!ret)
			ret = results_settle_timeline(&model->cases[i]);
		if (!ret)
			ret = results_settle_throughput(&model->cases[i]);
	}
	return ret;
}

/* One JSON object in valid UTF-8, or NULL. */
static struct json_object *parse_object(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object = NULL;

	if (!tokener || len > INT_MAX)
		goto out;
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, len);
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
out:
	if (tokener)
		json_tokener_free(tokener);
	return object;
}

/* *@object stays NULL if there is no such file, or if it is damaged, which is noted. */
static int read_object(struct results_model *model, const char *name, struct json_object **object)
{
	char *path __freed = NULL;
	char *text __freed = NULL;
	FILE *file __fclose = NULL;
	size_t size = 0;
	ssize_t len;

	if (asprintf(&path, "%s/%s", model->dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* JSON has no zero bytes: all of the file, or damaged. */
	len = getdelim(&text, &size, '\0', file);
	if (len > 0)
		*object = parse_object(text, len);
	return *object ? 0 : results_add_note(model->notes, "%s is not readable JSON", name);
}

static int read_environment(struct results_model *model)
{
	int ret = read_object(model, "environment.json", &model->environment);

	if (ret)
		return ret;
	if (!model->environment)
		model->environment = json_object_new_object();
	return model->environment ? 0 : -ENOMEM;
}

/* The environment tells of the first case alone; where the plan says otherwise nothing is claimed. */
static int settle_accelerator(struct results_model *model)
{
	struct json_object *qemu;
	const char *seen = NULL;

	if (json_object_object_get_ex(model->environment, "qemu", &qemu))
		seen = results_get_string(qemu, "accelerator");
	if (seen && (!strcmp(seen, "tcg") || !strcmp(seen, "kvm")))
		return set_accelerator(model, seen);
	return results_set_string(&model->accelerator, "");
}

int results_model_load(const char *dir, struct results_model **model)
{
	struct results_model *new = calloc(1, sizeof(*new));
	struct results_read_stats stats = { 0 };
	int plan;
	int ret;

	if (!new)
		return -ENOMEM;
	ret = -ENOMEM;
	new->dir = strdup(dir);
	new->detail = strdup("");
	new->notes = json_object_new_array();
	if (!new->dir || !new->detail || !new->notes)
		goto err;
	plan = read_plan(new);
	if (plan && plan != -ENOENT) {
		ret = plan;
		goto err;
	}
	ret = results_read_events(dir, "events.jsonl", on_event, new, &stats);
	if (ret == -ENOENT && !plan)
		ret = 0;
	if (ret)
		goto err;
	new->current = NULL;
	new->torn = stats.torn;
	new->busy = results_store_busy(dir) == 1;
	ret = -ENOMEM;
	if (!new->iommu && results_set_string(&new->iommu, "mock"))
		goto err;
	if (!new->target) {
		struct json_object *name __json = json_object_new_string("vm");

		if (!name || set_target(new, name))
			goto err;
	}
	if (new->torn && results_add_note(new->notes, "skipped in events.jsonl, since unreadable: %zu lines",
					  new->torn))
		goto err;
	if (new->stray && results_add_note(new->notes, "skipped in events.jsonl, since of no case: %zu events", new->stray))
		goto err;
	ret = read_environment(new);
	if (!ret)
		ret = settle_accelerator(new);
	if (!ret)
		ret = summarize(new);
	if (!ret)
		ret = judge(new);
	if (!ret)
		ret = results_analyze(new);
	if (!ret)
		ret = results_find_rates(new);
	if (!ret)
		ret = results_evaluate_targets(new);
	if (!ret)
		ret = read_object(new, "reference.json", &new->reference);
	if (!ret)
		ret = results_apply_reference(new);
	if (!ret)
		ret = read_object(new, "native.json", &new->native);
	if (!ret)
		ret = results_check_native(new);
	if (ret)
		goto err;
	*model = new;
	return 0;

err:
	results_model_free(new);
	return ret;
}
