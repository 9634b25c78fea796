// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares two runs: finds what both measured, judges each metric against the threshold, and says
 * what else differs between the runs. The intervals are stats.c's, the look of it render_compare.c's.
 */
#include <errno.h>
#include <fnmatch.h>
#include <ini.h>
#include <math.h>
#include <string.h>

#include <flbench/compare.h>

#include "internal.h"
#include "model_internal.h"

/* How often one of all intervals together may miss, and one of all trends be none. */
#define ERROR_RATE 0.05
/* From so many on on each side ranks tell nearly as much as means, and more where there are outliers. */
#define MIN_RANKED 10

enum results_direction results_direction(const char *name)
{
	/* The first that fits. */
	static const struct {
		const char *pattern;
		enum results_direction direction;
	} known[] = {
		/* A setting, and what a device did meanwhile because it had the time */
		{ "frame_interval_ns", RESULTS_UNJUDGED },
		{ "blackout_written_bytes", RESULTS_UNJUDGED },
		{ "mem_available_bytes", RESULTS_HIGHER },
		{ "*_per_second", RESULTS_HIGHER },
		{ "*_instructions", RESULTS_LOWER },
		{ "*_ns", RESULTS_LOWER },
		{ "*_bytes", RESULTS_LOWER },
		{ "frames_lost", RESULTS_LOWER },
		{ "frames_overrun", RESULTS_LOWER },
		{ "ring_used_percent", RESULTS_LOWER },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!fnmatch(known[i].pattern, name, 0))
			return known[i].direction;
	return RESULTS_UNJUDGED;
}

const char *results_outcome_name(enum results_outcome outcome)
{
	static const char * const names[RESULTS_NR_OUTCOMES] = {
		[RESULTS_SAME] = "no difference",
		[RESULTS_BETTER] = "better",
		[RESULTS_WORSE] = "worse",
		[RESULTS_UNDECIDED] = "undecided",
	};

	return outcome < RESULTS_NR_OUTCOMES ? names[outcome] : "unknown";
}

const char *results_method_name(enum results_method method)
{
	static const char * const names[RESULTS_NR_METHODS] = {
		[RESULTS_EXACT] = "exact",
		[RESULTS_RANKS] = "ranks",
		[RESULTS_MEANS] = "means",
	};

	return method < RESULTS_NR_METHODS ? names[method] : "unknown";
}

/* The schema that results.json claims, if there is one that is not ours. */
static char *foreign_schema(const char *dir)
{
	struct json_object *results __json = NULL;
	char *path __freed = NULL;
	const char *schema;

	if (asprintf(&path, "%s/results.json", dir) < 0) {
		path = NULL;
		return NULL;
	}
	results = json_object_from_file(path);
	schema = results_get_string(results, "schema");
	return schema && strcmp(schema, "flbench/1") ? strdup(schema) : NULL;
}

int results_compare_objection(const struct results_model *model, char **text)
{
	char *schema __freed = foreign_schema(model->dir);
	int len = 0;

	*text = NULL;
	if (schema)
		len = asprintf(text, "results.json has the schema '%s', this program knows 'flbench/1'; "
			       "use the flbench that wrote it", schema);
	else if (model->busy)
		len = asprintf(text, "the run still goes on; wait for its end");
	else if (!results_verdict_ok(model->verdict) && model->verdict != RESULTS_DMESG_WARN)
		len = asprintf(text, "its verdict is '%s', and what a run that did not end well measured "
			       "is not compared; see flbench results", results_verdict_name(model->verdict));
	return len < 0 ? -ENOMEM : 0;
}

static bool is_wanted(const struct results_metric *metric, const char *pattern)
{
	return !pattern || !fnmatch(pattern, metric->name, 0);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Do they measure the same? Cases may have other names in another plan. */
static bool is_same(const struct results_case *a_in, const struct results_metric *a,
		    const struct results_case *b_in, const struct results_metric *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->unit, b->unit) &&
	       same_text(a_in->scenario, b_in->scenario) && json_object_equal(a->labels, b->labels);
}

/*
 * The same metric in a case of the same name; else the only one of all cases. Fills @side; how many of
 * @model could be meant, 0 if none, 1 if it was found.
 */
static size_t find(const struct results_model *model, const struct results_case *in,
		   const struct results_metric *metric, struct results_side *side)
{
	size_t found = 0;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++) {
		const struct results_case *other = &model->cases[i];

		for (j = 0; results_case_is_sound(other) && j < other->nr_metrics; j++) {
			if (!is_same(in, metric, other, &other->metrics[j]))
				continue;
			side->in = other;
			side->metric = &other->metrics[j];
			if (!strcmp(in->name, other->name))
				return 1;
			found++;
		}
	}
	return found;
}

/* The metric in the other run, if it is clear which one that is. */
static bool find_partner(const struct results_model *mine, const struct results_model *theirs,
			 const struct results_case *in, const struct results_metric *metric,
			 struct results_side *partner)
{
	struct results_side back;
	size_t i;
	size_t j;
	size_t alike = 0;

	if (find(theirs, in, metric, partner) != 1)
		return false;
	if (!strcmp(partner->in->name, in->name))
		return true;
	/* By labels only: then it must be the only one here too, and not belong to a case of its name. */
	for (i = 0; i < mine->nr_cases; i++)
		for (j = 0; results_case_is_sound(&mine->cases[i]) && j < mine->cases[i].nr_metrics; j++)
			alike += is_same(in, metric, &mine->cases[i], &mine->cases[i].metrics[j]);
	return alike == 1 && find(mine, partner->in, partner->metric, &back) == 1 && back.in == in;
}

static int list_metric(struct json_object *list, const struct results_case *in,
		       const struct results_metric *metric)
{
	return results_add_note(list, "%s: %s %s", in->name, metric->name,
				json_object_to_json_string_ext(metric->labels, JSON_C_TO_STRING_PLAIN));
}

static int list_once(struct json_object *list, const char *text)
{
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text))
			return 0;
	return results_json_append(list, json_object_new_string(text)) ? 0 : -ENOMEM;
}

static int add_pair(struct results_comparison *comparison, const struct results_case *in,
		    const struct results_metric *metric, const struct results_side *partner)
{
	struct results_pair *pairs;

	pairs = reallocarray(comparison->pairs, comparison->nr_pairs + 1, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	comparison->pairs = pairs;
	pairs[comparison->nr_pairs++] = (struct results_pair){
		.base = { .in = in, .metric = metric },
		.new = { .in = partner->in, .metric = partner->metric },
		.direction = results_direction(metric->name),
		/* The clock of the whole machine, so its memory too is the same each time. */
		.method = same_text(in->unit, "instructions") && same_text(partner->in->unit, "instructions") ?
				  RESULTS_EXACT : RESULTS_MEANS,
		.change = { NAN, { NAN, NAN }, NAN, NAN, { NAN, NAN } },
		.range = { NAN, NAN },
		.outcome = RESULTS_UNDECIDED,
		.why = "",
	};
	return 0;
}

/* Pairs of one case of the base, or what of one case of the new run the base does not have. */
static int pair_case(struct results_comparison *comparison, const struct results_case *in, bool of_base,
		     const char *pattern)
{
	const struct results_model *own = of_base ? comparison->base : comparison->new;
	const struct results_model *other = of_base ? comparison->new : comparison->base;
	struct json_object *alone = of_base ? comparison->only_base : comparison->only_new;
	struct results_side partner;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < in->nr_metrics; i++) {
		const struct results_metric *metric = &in->metrics[i];

		if (!is_wanted(metric, pattern))
			continue;
		if (results_direction(metric->name) == RESULTS_UNJUDGED)
			ret = list_once(comparison->unjudged, metric->name);
		else if (!find_partner(own, other, in, metric, &partner))
			ret = list_metric(alone, in, metric);
		else if (of_base)
			ret = add_pair(comparison, in, metric, &partner);
	}
	return ret;
}

static int leave_out(struct results_comparison *comparison, const char *run, const struct results_case *in)
{
	return results_add_note(comparison->left_out, "%s: %s: verdict %s", run, in->name,
				results_verdict_name(in->verdict));
}

static int pair_all(struct results_comparison *comparison, const char *pattern)
{
	const struct results_model *base = comparison->base;
	const struct results_model *new = comparison->new;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < base->nr_cases; i++)
		ret = results_case_is_sound(&base->cases[i]) ?
			pair_case(comparison, &base->cases[i], true, pattern) :
			leave_out(comparison, "BASE", &base->cases[i]);
	for (i = 0; !ret && i < new->nr_cases; i++)
		ret = results_case_is_sound(&new->cases[i]) ?
			pair_case(comparison, &new->cases[i], false, pattern) :
			leave_out(comparison, "NEW", &new->cases[i]);
	return ret;
}

/* By the interval of the ratio: wholly beyond the threshold, wholly within, or neither. */
static void judge_ratio(struct results_pair *pair, double threshold)
{
	bool lower = pair->direction == RESULTS_LOWER;
	const double *ci = pair->change.ratio_ci;

	if (ci[0] > 1 + threshold) {
		pair->outcome = lower ? RESULTS_WORSE : RESULTS_BETTER;
	} else if (ci[1] < 1 - threshold) {
		pair->outcome = lower ? RESULTS_BETTER : RESULTS_WORSE;
	} else if (ci[0] >= 1 - threshold && ci[1] <= 1 + threshold) {
		pair->outcome = RESULTS_SAME;
	} else {
		pair->outcome = RESULTS_UNDECIDED;
		pair->why = "the interval reaches across the threshold";
	}
}

/* There is no ratio to nothing; but nothing is nothing, and something is more than that. */
static void judge_from_zero(struct results_pair *pair, double least, double most)
{
	if (!least && !most) {
		pair->outcome = RESULTS_SAME;
	} else if (least > 0) {
		pair->outcome = pair->direction == RESULTS_LOWER ? RESULTS_WORSE : RESULTS_BETTER;
	} else {
		pair->outcome = RESULTS_UNDECIDED;
		pair->why = "the base is 0, the other run now and then is not";
	}
}

/*
 * A count under icount is the same each time that run is repeated: what it differs by is no chance.
 * Cycle by cycle, those that both have; judged by the sum.
 */
static void compare_exactly(struct results_pair *pair, double threshold)
{
	const struct results_metric *base = pair->base.metric;
	const struct results_metric *new = pair->new.metric;
	double sums[2] = { 0, 0 };
	size_t n = 0;
	size_t i = 0;
	size_t j = 0;

	while (i < base->n && j < new->n) {
		double a = base->samples[i].value;
		double b = new->samples[j].value;

		if (base->samples[i].cycle != new->samples[j].cycle) {
			if (base->samples[i].cycle < new->samples[j].cycle)
				i++;
			else
				j++;
			continue;
		}
		sums[0] += a;
		sums[1] += b;
		pair->range[0] = fmin(pair->range[0], b / a);
		pair->range[1] = fmax(pair->range[1], b / a);
		n++;
		i++;
		j++;
	}
	pair->base.n = n;
	pair->new.n = n;
	if (!n) {
		pair->why = "no cycle is in both runs";
		return;
	}
	pair->base.value = sums[0] / n;
	pair->new.value = sums[1] / n;
	pair->change.difference = (sums[1] - sums[0]) / n;
	pair->change.difference_ci[0] = pair->change.difference;
	pair->change.difference_ci[1] = pair->change.difference;
	if (sums[0] <= 0) {
		judge_from_zero(pair, sums[1], sums[1]);
		return;
	}
	pair->change.ratio = sums[1] / sums[0];
	pair->change.ratio_ci[0] = pair->change.ratio;
	pair->change.ratio_ci[1] = pair->change.ratio;
	judge_ratio(pair, threshold);
}

/* The values of one side in the order of time, to be freed; NULL without memory. */
static double *side_values(struct results_side *side)
{
	double *values = calloc(side->metric->n, sizeof(*values));
	size_t i;

	for (i = 0; values && i < side->metric->n; i++)
		values[i] = side->metric->samples[i].value;
	side->n = side->metric->n;
	side->value = side->metric->summary.mean;
	return values;
}

static int look_for_trend(struct results_side *side, const double *values, size_t tests)
{
	double z;
	double p;
	int ret = results_trend(values, side->n, &z, &p);

	side->outliers = results_outliers(values, side->n);
	side->trend = !ret && p < ERROR_RATE / tests;
	return ret == -ENOMEM ? ret : 0;
}

/* Chosen by the number of values and not by how they turned out. */
static int compare_ranks(struct results_pair *pair, const double *base, const double *new, double confidence)
{
	struct results_change *change = &pair->change;
	int ret;

	if (pair->base.n < MIN_RANKED || pair->new.n < MIN_RANKED)
		return 0;
	ret = results_compare_ranks(base, pair->base.n, new, pair->new.n, confidence, &change->ratio,
				    change->ratio_ci);
	if (ret)
		return ret == -ENOMEM ? ret : 0;
	pair->method = RESULTS_RANKS;
	pair->base.value = pair->base.metric->summary.median;
	pair->new.value = pair->new.metric->summary.median;
	return 0;
}

static int compare_samples(struct results_comparison *comparison, struct results_pair *pair)
{
	double *base __freed = side_values(&pair->base);
	double *new __freed = side_values(&pair->new);
	const struct results_summary *summary = &pair->new.metric->summary;
	int ret;

	if (!base || !new)
		return -ENOMEM;
	if (pair->base.n < RESULTS_MIN_VALUES || pair->new.n < RESULTS_MIN_VALUES) {
		pair->why = "too few values: 3 on each side are the least";
		return 0;
	}
	ret = look_for_trend(&pair->base, base, 2 * comparison->sampled);
	if (!ret)
		ret = look_for_trend(&pair->new, new, 2 * comparison->sampled);
	if (!ret)
		ret = results_compare_means(base, pair->base.n, new, pair->new.n, comparison->confidence,
					    &pair->change);
	if (!ret)
		ret = compare_ranks(pair, base, new, comparison->confidence);
	if (ret)
		return ret;
	if (!pair->base.metric->summary.min && !pair->base.metric->summary.max)
		judge_from_zero(pair, summary->min, summary->max);
	else
		judge_ratio(pair, comparison->threshold);
	/* Values that depend on each other make the interval too narrow: enough for an alarm, not for calm. */
	if ((pair->base.trend || pair->new.trend) && pair->outcome != RESULTS_WORSE) {
		pair->outcome = RESULTS_UNDECIDED;
		pair->why = "the interval of a series with a trend says too much";
	}
	return 0;
}

static int compare_pairs(struct results_comparison *comparison)
{
	struct results_pair *pair;
	size_t i;
	int ret = 0;

	for (i = 0; i < comparison->nr_pairs; i++) {
		pair = &comparison->pairs[i];
		comparison->sampled += pair->method != RESULTS_EXACT && pair->base.metric->n >= RESULTS_MIN_VALUES &&
				       pair->new.metric->n >= RESULTS_MIN_VALUES;
	}
	/* Bonferroni: as many intervals as there are have to hold at once. */
	comparison->confidence = 1 - ERROR_RATE / (comparison->sampled ? comparison->sampled : 1);
	for (i = 0; !ret && i < comparison->nr_pairs; i++) {
		pair = &comparison->pairs[i];
		if (pair->method == RESULTS_EXACT)
			compare_exactly(pair, comparison->threshold);
		else
			ret = compare_samples(comparison, pair);
		comparison->counts[pair->outcome]++;
	}
	if (comparison->counts[RESULTS_WORSE])
		comparison->outcome = RESULTS_WORSE;
	else if (comparison->counts[RESULTS_UNDECIDED] == comparison->nr_pairs)
		comparison->outcome = RESULTS_UNDECIDED;
	else if (comparison->counts[RESULTS_BETTER])
		comparison->outcome = RESULTS_BETTER;
	else
		comparison->outcome = RESULTS_SAME;
	return ret;
}

/* What else differs */

/* A member of an object within the environment, of the first object if there are several. */
static const char *environment_text(const struct results_model *model, const char *outer, const char *key)
{
	struct json_object *object = model->environment;
	const char *text;

	if (outer)
		json_object_object_get_ex(model->environment, outer, &object);
	if (json_object_is_type(object, json_type_array))
		object = json_object_array_get_idx(object, 0);
	text = results_get_string(object, key);
	return text ? text : "unknown";
}

static int warn_if(struct results_comparison *comparison, const char *what, const char *base, const char *new)
{
	if (!strcmp(base, new))
		return 0;
	return results_add_note(comparison->warnings, "%s differs: %s, now %s", what, base, new);
}

static int compare_environments(struct results_comparison *comparison)
{
	static const struct {
		const char *what;
		const char *outer;
		const char *key;
	} parts[] = {
		{ "the kernel's release", "kernels", "release" },
		{ "the kernel image", "kernels", "hash" },
		{ "the kernel's configuration", "kernels", "config_hash" },
		{ "the kernel's compiler", "kernels", "compiler" },
		{ "the initramfs", NULL, "initrd_hash" },
		{ "QEMU", "qemu", "version" },
		{ "the accelerator", "qemu", "accelerator" },
		{ "flbench", NULL, "flbench" },
		{ "the processor", "host", "cpu" },
		{ "the host's kernel", "host", "kernel" },
	};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(parts); i++)
		ret = warn_if(comparison, parts[i].what,
			      environment_text(comparison->base, parts[i].outer, parts[i].key),
			      environment_text(comparison->new, parts[i].outer, parts[i].key));
	return ret;
}

static int plan_line(void *context, const char *section, const char *key, const char *value)
{
	/* Where files lie says nothing; what is in them is in the environment. */
	static const char * const paths[] = {
		"kernel", "next_kernel", "initrd", "qemu", "reference", "native",
	};
	struct json_object *plan = context;
	struct json_object *options;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!strcmp(key, paths[i]))
			return 1;
	if (!json_object_object_get_ex(plan, section, &options)) {
		options = json_object_new_object();
		if (!results_json_add(plan, section, options))
			return 0;
	}
	return results_json_add(options, key, json_object_new_string(value ? value : ""));
}

/* plan.ini as { section: { key: value } }; empty if it cannot be read, which the verdict knows of. */
static struct json_object *read_plan(const struct results_model *model)
{
	struct json_object *plan = json_object_new_object();
	char *path __freed = NULL;

	if (plan && asprintf(&path, "%s/plan.ini", model->dir) >= 0)
		ini_parse(path, plan_line, plan);
	else
		path = NULL;
	return plan;
}

/* Keys that have another value in @b than in @a, or none. */
static int list_keys(struct json_object *a, struct json_object *b, struct json_object *keys)
{
	struct json_object *other;
	int ret = 0;

	json_object_object_foreach(a, key, value) {
		if (!ret && (!json_object_object_get_ex(b, key, &other) || !json_object_equal(value, other)))
			ret = list_once(keys, key);
	}
	return ret;
}

static int compare_plans(struct results_comparison *comparison)
{
	struct json_object *base __json = read_plan(comparison->base);
	struct json_object *new __json = read_plan(comparison->new);
	struct json_object *keys __json = json_object_new_array();
	char *text __freed = NULL;
	struct json_object *other;
	size_t size = 0;
	size_t i;
	FILE *out;
	int ret = 0;

	if (!base || !new || !keys)
		return -ENOMEM;
	json_object_object_foreach(base, section, options) {
		if (ret || !json_object_object_get_ex(new, section, &other))
			continue;
		ret = list_keys(options, other, keys);
		if (!ret)
			ret = list_keys(other, options, keys);
	}
	if (ret || !json_object_array_length(keys))
		return ret;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	for (i = 0; i < json_object_array_length(keys); i++)
		fprintf(out, "%s%s", i ? ", " : "",
			json_object_get_string(json_object_array_get_idx(keys, i)));
	if (fclose(out))
		return -ENOMEM;
	return results_add_note(comparison->warnings, "the plan differs in: %s", text);
}

static int take_notes(struct results_comparison *comparison, const char *run, const struct results_model *model)
{
	size_t i;
	int ret = 0;

	if (model->verdict != RESULTS_PASS)
		ret = results_add_note(comparison->warnings, "%s: its verdict is %s", run,
				       results_verdict_name(model->verdict));
	for (i = 0; !ret && i < json_object_array_length(model->notes); i++)
		ret = results_add_note(comparison->warnings, "%s: %s", run,
				       json_object_get_string(json_object_array_get_idx(model->notes, i)));
	return ret;
}

static int collect_warnings(struct results_comparison *comparison)
{
	const struct results_model *base = comparison->base;
	const struct results_model *new = comparison->new;
	int ret = take_notes(comparison, "BASE", base);

	if (!ret)
		ret = take_notes(comparison, "NEW", new);
	if (!ret)
		ret = warn_if(comparison, "the clock", base->clock, new->clock);
	if (!ret)
		ret = warn_if(comparison, "the IOMMU", base->iommu, new->iommu);
	if (!ret)
		ret = compare_environments(comparison);
	if (!ret)
		ret = compare_plans(comparison);
	return ret;
}

void results_comparison_free(struct results_comparison *comparison)
{
	if (!comparison)
		return;
	free(comparison->pairs);
	json_object_put(comparison->warnings);
	json_object_put(comparison->only_base);
	json_object_put(comparison->only_new);
	json_object_put(comparison->unjudged);
	json_object_put(comparison->left_out);
	free(comparison);
}

int results_compare(const struct results_model *base, const struct results_model *new, double threshold,
		    const char *pattern, struct results_comparison **comparison)
{
	struct results_comparison *made = calloc(1, sizeof(*made));
	int ret = -ENOMEM;

	if (!made)
		return ret;
	made->base = base;
	made->new = new;
	made->threshold = threshold;
	made->warnings = json_object_new_array();
	made->only_base = json_object_new_array();
	made->only_new = json_object_new_array();
	made->unjudged = json_object_new_array();
	made->left_out = json_object_new_array();
	if (made->warnings && made->only_base && made->only_new && made->unjudged && made->left_out)
		ret = pair_all(made, pattern);
	if (!ret && !made->nr_pairs)
		ret = -ENODATA;
	if (!ret)
		ret = compare_pairs(made);
	if (!ret)
		ret = collect_warnings(made);
	if (ret) {
		results_comparison_free(made);
		return ret;
	}
	*comparison = made;
	return 0;
}
