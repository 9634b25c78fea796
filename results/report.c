// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run as one HTML page that needs neither network nor script: first what came of it, then what it
 * cost, then the proof. Layout and words are here; plots are plot.c's, the look is report.css.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "render_internal.h"
#include "report_css.h"

#define MAX_SERIES 6
#define LONG_TEXT 160
/* Width of the exponent's confidence interval up to which a line is extrapolated. */
#define MAX_UNSURE 0.2

/* In the order in which a live update goes through them; metrics of other names come behind. */
static const char * const stages[] = {
	"preserve", "freeze", "blackout", "boot", "retrieve", "adopt", "verify", "finish",
	"allocate_preserve", "memory_init", "kernel_boot", "restore", "claim",
};

struct page {
	const struct results_model *model;
	FILE *out;
	/* For identifiers */
	unsigned int plots;
	bool no_gnuplot;
};

static int put_labels(FILE *out, struct json_object *labels, struct json_object *without)
{
	char *text __freed = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);

	if (!memory)
		return -ENOMEM;
	results_write_labels(memory, labels, without);
	if (fclose(memory))
		return -ENOMEM;
	results_write_escaped(out, strcmp(text, "-") ? text : "measured");
	return 0;
}

static int put_sentence(FILE *out, const struct results_model *model,
			void (*write)(const struct results_model *model, FILE *out))
{
	char *text __freed = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);

	if (!memory)
		return -ENOMEM;
	write(model, memory);
	if (fclose(memory))
		return -ENOMEM;
	results_write_escaped(out, text);
	return 0;
}

static const char *mood(enum results_verdict verdict)
{
	switch (verdict) {
	case RESULTS_PASS:
		return "good";
	case RESULTS_SKIP:
	case RESULTS_NOTRUN:
		return "none";
	case RESULTS_WARN:
	case RESULTS_DMESG_WARN:
	case RESULTS_INCOMPLETE:
		return "warn";
	default:
		return "bad";
	}
}

static void put_verdict(FILE *out, enum results_verdict verdict)
{
	fprintf(out, "<span class=\"verdict %s\">%s</span>", mood(verdict),
		results_verdict_name(verdict));
}

static void put_notes(FILE *out, struct json_object *notes)
{
	size_t n = json_object_array_length(notes);
	size_t i;

	if (!n)
		return;
	fprintf(out, "<ul class=\"notes\">");
	for (i = 0; i < n; i++) {
		fprintf(out, "<li>");
		results_write_escaped(out, json_object_get_string(json_object_array_get_idx(notes, i)));
		fprintf(out, "</li>");
	}
	fprintf(out, "</ul>\n");
}

/* Key figures */

static bool is_stage(const char *metric, const char *stage)
{
	size_t len = strlen(stage);

	return !strncmp(metric, stage, len) &&
	       (!strcmp(metric + len, "_instructions") || !strcmp(metric + len, "_ns"));
}

static const struct results_metric *find_stage(const struct results_case *test, const char *stage)
{
	size_t i;

	for (i = 0; i < test->nr_metrics; i++)
		if (is_stage(test->metrics[i].name, stage))
			return &test->metrics[i];
	return NULL;
}

static bool any_stage(const struct results_model *model, const char *stage)
{
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		if (find_stage(&model->cases[i], stage))
			return true;
	return false;
}

static double domains_of(const struct results_metric *metric)
{
	struct json_object *value;

	if (!json_object_object_get_ex(metric->labels, "domains", &value))
		return NAN;
	return json_object_get_double(value) > 0 ? json_object_get_double(value) : NAN;
}

static void put_stage_table(struct page *page, bool per_domain)
{
	const struct results_model *model = page->model;
	const struct results_metric *metric;
	const struct results_case *test;
	char text[NUMBER_LEN];
	FILE *out = page->out;
	double value;
	size_t i;
	size_t j;

	fprintf(out, "<div class=\"scroll\"><table><thead><tr><th>case</th>");
	for (j = 0; j < ARRAY_SIZE(stages); j++)
		if (any_stage(model, stages[j]))
			fprintf(out, "<th class=\"number\">%s</th>", stages[j]);
	fprintf(out, "</tr></thead><tbody>\n");
	for (i = 0; i < model->nr_cases; i++) {
		bool shown = false;

		test = &model->cases[i];
		for (j = 0; j < ARRAY_SIZE(stages); j++) {
			metric = find_stage(test, stages[j]);
			shown |= metric && (!per_domain || isfinite(domains_of(metric)));
		}
		if (!shown)
			continue;
		fprintf(out, "<tr><th scope=\"row\">");
		results_write_escaped(out, test->name);
		fprintf(out, "</th>");
		for (j = 0; j < ARRAY_SIZE(stages); j++) {
			if (!any_stage(model, stages[j]))
				continue;
			metric = find_stage(test, stages[j]);
			value = metric ? metric->summary.median : NAN;
			if (metric && per_domain)
				value /= domains_of(metric);
			fprintf(out, "<td class=\"number\">%s</td>",
				results_human(text, value, metric ? metric->unit : ""));
		}
		fprintf(out, "</tr>\n");
	}
	fprintf(out, "</tbody></table></div>\n");
}

static void put_key_figures(struct page *page)
{
	FILE *out = page->out;
	bool any = false;
	size_t j;

	for (j = 0; j < ARRAY_SIZE(stages); j++)
		any |= any_stage(page->model, stages[j]);
	if (!any)
		return;
	fprintf(out, "<section><h2>Cost of each stage</h2>\n<p>Median over the cycles of a case. ");
	results_write_escaped(out, results_clock_sentence(page->model));
	fprintf(out, "</p>\n");
	put_stage_table(page, false);
	fprintf(out, "<h3>For each domain</h3>\n<p>The same, divided by the number of domains: a stage that "
		"grows in proportion has the same figure in every row. ");
	results_write_escaped(out, results_clock_sentence(page->model));
	fprintf(out, "</p>\n");
	put_stage_table(page, true);
	fprintf(out, "</section>\n");
}

/* Targets */

static const char *target_mood(const struct results_target *target)
{
	if (results_target_is_lost(target))
		return "bad";
	return target->state == RESULTS_TARGET_MET     ? "good" :
	       target->state == RESULTS_TARGET_NOT_MET ? "warn" :
							 "none";
}

static void put_targets(struct page *page)
{
	const struct results_model *model = page->model;
	const struct results_target *target;
	char text[NUMBER_LEN];
	FILE *out = page->out;
	size_t i;

	if (!model->nr_targets)
		return;
	fprintf(out, "<section><h2>Targets</h2>\n<p>Stock and ours in the same run, on the same kernel. ");
	results_write_escaped(out, results_clock_sentence(model));
	fprintf(out, "%s</p>\n<div class=\"scroll\"><table><thead><tr><th>measure</th>"
		"<th class=\"number\">at most</th><th class=\"number\">stock</th>"
		"<th class=\"number\">ours</th><th class=\"number\">value</th><th></th></tr></thead>"
		"<tbody>\n", model->reference ? "" : " There is no reference to compare with.");
	for (i = 0; i < model->nr_targets; i++) {
		target = &model->targets[i];
		fprintf(out, "<tr><th scope=\"row\">");
		results_write_escaped(out, target->what);
		fprintf(out, "</th><td class=\"number\">%s</td>", results_target_limit(text, target));
		fprintf(out, "<td class=\"number\">%s</td>",
			results_target_number(text, target, target->stock));
		fprintf(out, "<td class=\"number\">%s</td>",
			results_target_number(text, target, target->ours));
		fprintf(out, "<td class=\"number\">%s</td><td><span class=\"verdict %s\">%s</span></td></tr>\n",
			results_target_value(text, target), target_mood(target),
			results_target_words(target));
	}
	fprintf(out, "</tbody></table></div></section>\n");
}

static int put_native(struct page *page)
{
	struct results_native row;
	FILE *out = page->out;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && results_native_row(page->model, i, &row); i++) {
		if (!i) {
			fprintf(out, "<section><h2>Natively</h2>\n<p>");
			ret = put_sentence(out, page->model, results_native_sentence);
			fprintf(out, "</p>\n<div class=\"scroll\"><table><thead><tr>"
				"<th class=\"number\">pages</th><th class=\"number\">stock : ours</th>"
				"<th class=\"number\">95 %% confidence interval</th>"
				"<th class=\"number\">runs</th>"
				"<th class=\"number\">outliers, stock and ours</th></tr></thead><tbody>\n");
		}
		fprintf(out, "<tr><td class=\"number\">%.15g</td><td class=\"number\">%.4g : 1</td>"
			"<td class=\"number\">%.4g to %.4g</td><td class=\"number\">%.15g</td>"
			"<td class=\"number\">%.15g, %.15g</td></tr>\n",
			row.pages, row.ratio, row.ci95[0], row.ci95[1], row.n, row.outliers[0],
			row.outliers[1]);
	}
	if (i)
		fprintf(out, "</tbody></table></div></section>\n");
	return ret;
}

/* Plots */

static int put_plot(struct page *page, const struct results_plot *plot)
{
	char *svg __freed = NULL;
	char id[32];
	int ret;

	snprintf(id, sizeof(id), "plot%u", page->plots++);
	ret = results_plot_svg(plot, id, &svg);
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		if (!page->no_gnuplot)
			results_log(RESULTS_LOG_WARNING,
				    ret == -ENOENT ?
				    "the report has no plots: gnuplot is missing (package gnuplot-nox)" :
				    "the report lacks plots: gnuplot failed: %s", strerror(-ret));
		page->no_gnuplot = true;
		fprintf(page->out, "<p class=\"missing\">No plot: %s. The tables have the same figures.</p>\n",
			ret == -ENOENT ? "gnuplot is not installed (package gnuplot-nox)" :
					 "gnuplot failed");
		return 0;
	}
	fprintf(page->out, "<div class=\"plot\">%s</div>\n", svg);
	return 0;
}

/* What all of several label objects have in common. */
static struct json_object *common(const struct results_scaling * const *lines, size_t n)
{
	struct json_object *labels = json_object_new_object();
	struct json_object *other;
	bool everywhere;
	size_t i;

	if (!labels || !n)
		return labels;
	json_object_object_foreach(lines[0]->labels, key, value) {
		everywhere = true;
		for (i = 1; i < n; i++)
			everywhere &= json_object_object_get_ex(lines[i]->labels, key, &other) &&
				      json_object_equal(value, other);
		if (everywhere && json_object_object_add(labels, key, json_object_get(value))) {
			json_object_put(value);
			json_object_put(labels);
			return NULL;
		}
	}
	return labels;
}

/* Three decimals, and no minus before a nought. */
static double decimals(double value)
{
	return fabs(value) < 0.0005 ? 0 : value;
}

static int put_line_legend(FILE *out, const struct results_scaling *line, size_t i, double reach,
			   struct json_object *shared)
{
	int ret;

	fprintf(out, "<li><i style=\"background:%s\"></i>", results_series_colour(i));
	ret = put_labels(out, line->labels, shared);
	if (line->fitted) {
		fprintf(out, ": grows as %s<sup>%.3f</sup>", line->axis,
			decimals(line->fit.slope));
		if (isfinite(line->fit.slope_ci95[0]))
			fprintf(out, ", 95 %% confidence interval %.3f to %.3f (%zu sizes)",
				decimals(line->fit.slope_ci95[0]),
				decimals(line->fit.slope_ci95[1]), line->n);
		else
			fprintf(out, " (two sizes: no confidence interval)");
		if (reach > line->x[line->n - 1])
			fprintf(out, "; extrapolated from %.15g on", line->x[line->n - 1]);
	} else {
		fprintf(out, ": one size, no fit");
	}
	fprintf(out, "</li>");
	return ret;
}

/* Is the exponent known well enough to say what larger sizes would cost? A mixture of powers has none. */
static bool goes_on(const struct results_scaling *line)
{
	return line->fitted && line->fit.slope_ci95[1] - line->fit.slope_ci95[0] < MAX_UNSURE;
}

static int put_scaling_figure(struct page *page, const char *metric, const char *axis)
{
	const struct results_model *model = page->model;
	const struct results_scaling *lines[MAX_SERIES];
	struct results_series series[MAX_SERIES];
	struct json_object *shared __json = NULL;
	struct results_plot plot = { .log = true, .series = series };
	const struct results_scaling *line;
	bool coupled = true;
	bool fitted = false;
	double reach = 0;
	char title[64];
	size_t left = 0;
	size_t n = 0;
	size_t i;
	int ret = 0;

	for (i = 0; i < model->nr_scaling; i++) {
		line = &model->scaling[i];
		/* With both rising together the figure over domains shows it all. */
		if (strcmp(line->metric, metric) || strcmp(line->axis, axis) ||
		    (line->coupled && !strcmp(axis, "devices")))
			continue;
		/* A plan has few numbers of iommufds, nodes...: what is not varied is no part of this. */
		if (!line->fitted && strcmp(axis, "domains") && strcmp(axis, "devices"))
			continue;
		if (n == MAX_SERIES) {
			left++;
			continue;
		}
		fitted |= line->fitted;
		coupled &= line->coupled != NULL || !line->fitted;
		plot.unit = line->unit;
		series[n] = (struct results_series){
			.x = line->x, .y = line->y, .n = line->n,
			.factor = line->fitted ? exp(line->fit.intercept) : NAN,
			.exponent = line->fit.slope,
		};
		lines[n++] = line;
	}
	/* Sizes that were not varied are no figure. */
	if (!fitted)
		return 0;
	shared = common(lines, n);
	if (!shared)
		return -ENOMEM;
	/* What takes too long to be measured is drawn as it would go on, and called so. */
	for (i = 0; i < n && !strcmp(axis, "pages"); i++)
		reach = fmax(reach, lines[i]->x[lines[i]->n - 1]);
	for (i = 0; i < n; i++)
		series[i].reach = goes_on(lines[i]) ? reach : 0;
	plot.n = n;
	snprintf(title, sizeof(title), "%s", axis);
	if (coupled && !strcmp(axis, "domains"))
		snprintf(title, sizeof(title), "domains, with as many devices");
	plot.x_title = title;
	fprintf(page->out, "<figure><h3>%.*s <small>against %s</small></h3>\n",
		(int)(strrchr(metric, '_') - metric), metric, title);
	ret = put_plot(page, &plot);
	fprintf(page->out, "<figcaption><ul class=\"legend\">");
	for (i = 0; !ret && i < n; i++)
		ret = put_line_legend(page->out, lines[i], i, series[i].reach, shared);
	if (left)
		fprintf(page->out, "<li>%zu more lines are in results.json</li>", left);
	fprintf(page->out, "</ul>");
	results_write_escaped(page->out, results_clock_sentence(model));
	fprintf(page->out, "</figcaption></figure>\n");
	return ret;
}

static bool any_fit(const struct results_model *model, const char *axis)
{
	size_t i;

	for (i = 0; i < model->nr_scaling; i++)
		if (model->scaling[i].fitted && !strcmp(model->scaling[i].axis, axis))
			return true;
	return false;
}

static int put_axis(struct page *page, const char *axis)
{
	const struct results_model *model = page->model;
	const char *metric;
	size_t i;
	size_t j;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(stages); i++) {
		for (j = 0; j < model->nr_scaling; j++) {
			metric = model->scaling[j].metric;
			if (!strcmp(model->scaling[j].axis, axis) && is_stage(metric, stages[i])) {
				ret = put_scaling_figure(page, metric, axis);
				break;
			}
		}
	}
	return ret;
}

static int put_scaling(struct page *page)
{
	static const char * const axes[] = { "domains", "devices", "iommufds", "pages", "nodes", "large" };
	const struct results_model *model = page->model;
	bool coupled = true;
	bool any = false;
	FILE *out = page->out;
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(axes); i++)
		any |= any_fit(model, axes[i]);
	for (i = 0; i < model->nr_scaling; i++)
		if (model->scaling[i].fitted && !model->scaling[i].coupled &&
		    !strcmp(model->scaling[i].axis, "devices"))
			coupled = false;
	fprintf(out, "<section><h2>How the cost grows</h2>\n");
	if (!any) {
		fprintf(out, "<p>Only one size was measured; two or more sizes of domains, devices or "
			"iommufds show how the cost grows.</p></section>\n");
		return 0;
	}
	fprintf(out, "<p>Both scales are logarithmic: a straight line is a power, and its steepness is the "
		"exponent, 1 for a cost in proportion. Points are means over the cycles of a case; the dashed "
		"line is fitted by least squares. With few sizes the confidence interval is wide.</p>\n");
	if (coupled && any_fit(model, "domains"))
		fprintf(out, "<p>Each case has as many devices as domains, so the figures against domains "
			"are those against devices too.</p>\n");
	fprintf(out, "<div class=\"figures\">\n");
	for (i = 0; !ret && i < ARRAY_SIZE(axes); i++)
		ret = put_axis(page, axes[i]);
	fprintf(out, "</div></section>\n");
	return ret;
}

/* Memory */

/* Change of @metric since @from, over cycles. */
static int make_series(const struct results_metric *metric, int64_t from, double **points,
		       struct results_series *series)
{
	double base = NAN;
	size_t n = 0;
	size_t i;

	*points = calloc(2 * metric->n, sizeof(**points));
	if (!*points)
		return -ENOMEM;
	for (i = 0; i < metric->n; i++) {
		if (metric->samples[i].cycle < from)
			continue;
		if (!isfinite(base))
			base = metric->samples[i].value;
		(*points)[n] = metric->samples[i].cycle;
		(*points)[metric->n + n] = metric->samples[i].value - base;
		n++;
	}
	series->x = *points;
	series->y = *points + metric->n;
	series->n = n;
	series->factor = NAN;
	return 0;
}

static int put_memory_figure(struct page *page, const char *metric)
{
	const struct results_model *model = page->model;
	const struct results_growth *shown[MAX_SERIES];
	struct results_series series[MAX_SERIES];
	double *points[MAX_SERIES] = { NULL };
	struct results_plot plot = {
		.x_title = "live updates done", .unit = "bytes", .series = series,
	};
	const struct results_growth *growth;
	char text[NUMBER_LEN];
	FILE *out = page->out;
	size_t left = 0;
	size_t n = 0;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_growth; i++) {
		growth = &model->growth[i];
		if (strcmp(growth->metric->name, metric))
			continue;
		if (n == MAX_SERIES) {
			left++;
			continue;
		}
		ret = make_series(growth->metric, growth->from, &points[n], &series[n]);
		shown[n++] = growth;
	}
	if (ret)
		goto out;
	plot.n = n;
	fprintf(out, "<figure><h3>");
	results_write_escaped(out, metric);
	fprintf(out, " <small>change over cycles</small></h3>\n");
	ret = put_plot(page, &plot);
	fprintf(out, "<figcaption><ul class=\"legend\">");
	for (i = 0; i < n; i++) {
		fprintf(out, "<li><i style=\"background:%s\"></i>", results_series_colour(i));
		results_write_escaped(out, shown[i]->in->name);
		fprintf(out, ": %s a cycle",
			results_human(text, shown[i]->fit.slope, "bytes"));
		if (isfinite(shown[i]->excess)) {
			fprintf(out, "; the loop without preservation taken off: %s (95 %% confidence interval ",
				results_human(text, shown[i]->excess, "bytes"));
			fprintf(out, "%s to ", results_human(text, shown[i]->excess_ci95[0], "bytes"));
			fprintf(out, "%s)", results_human(text, shown[i]->excess_ci95[1], "bytes"));
		}
		fprintf(out, "</li>");
	}
	if (left)
		fprintf(out, "<li>%zu more cases are in results.json</li>", left);
	fprintf(out, "</ul>Bytes as the kernel under test reports them, counted from the first cycle shown; "
		"they do not depend on the clock.</figcaption></figure>\n");
out:
	for (i = 0; i < MAX_SERIES; i++)
		free(points[i]);
	return ret;
}

static int put_memory(struct page *page)
{
	const struct results_model *model = page->model;
	FILE *out = page->out;
	const char *name;
	size_t i;
	size_t j;
	int ret = 0;

	if (!model->nr_growth)
		return 0;
	fprintf(out, "<section><h2>Memory from cycle to cycle</h2>\n<p>A preserving loop should not lose more "
		"memory than the same loop without preservation.</p>\n<div class=\"figures\">\n");
	for (i = 0; !ret && i < model->nr_growth; i++) {
		name = model->growth[i].metric->name;
		for (j = 0; j < i; j++)
			if (!strcmp(model->growth[j].metric->name, name))
				break;
		if (j == i)
			ret = put_memory_figure(page, name);
	}
	fprintf(out, "</div></section>\n");
	return ret;
}

/* Cases and checks */

static void put_console(FILE *out, const char *title, const char *text, bool open)
{
	fprintf(out, "<details%s><summary>%s</summary><pre>", open ? " open" : "", title);
	results_write_escaped(out, text);
	fprintf(out, "</pre></details>\n");
}

static void put_cases(struct page *page)
{
	const struct results_case *test;
	char text[NUMBER_LEN];
	FILE *out = page->out;
	size_t i;

	fprintf(out, "<section><h2>Cases</h2>\n<div class=\"scroll\"><table><thead><tr><th>case</th>"
		"<th>verdict</th><th class=\"number\">cycles</th>"
		"<th class=\"number\">seconds</th></tr></thead><tbody>\n");
	for (i = 0; i < page->model->nr_cases; i++) {
		test = &page->model->cases[i];
		fprintf(out, "<tr><th scope=\"row\">");
		results_write_escaped(out, test->name);
		fprintf(out, "</th><td>");
		put_verdict(out, test->verdict);
		fprintf(out, "</td><td class=\"number\">%" PRId64 " of %" PRId64 "</td>"
			"<td class=\"number\">%s</td></tr>\n", test->cycles_completed,
			test->cycles_planned, results_human(text, test->seconds, "seconds"));
		if (!*test->detail && test->expect == RESULTS_PASS && !test->running && !test->precise &&
		    !json_object_array_length(test->notes))
			continue;
		/* Below, not beside: a phone has no room for a sentence in a row. */
		fprintf(out, "<tr class=\"below\"><td colspan=\"4\"><div>");
		if (test->expect != RESULTS_PASS)
			fprintf(out, "%s (the plan expects %s) ",
				test->counts == RESULTS_PASS ? "as expected" : "not as expected",
				results_verdict_name(test->expect));
		results_write_escaped(out, test->detail);
		if (test->running && page->model->busy)
			fprintf(out, " still running");
		if (test->precise) {
			fprintf(out, "<br>");
			results_precision_sentence(test, out);
		}
		put_notes(out, test->notes);
		fprintf(out, "</div></td></tr>\n");
	}
	fprintf(out, "</tbody></table></div>\n");
	for (i = 0; i < page->model->nr_cases; i++) {
		test = &page->model->cases[i];
		if (!test->console_tail && !test->console_problem)
			continue;
		fprintf(out, "<h3>Console of ");
		results_write_escaped(out, test->name);
		fprintf(out, "</h3>\n");
		if (test->console_problem)
			put_console(out, "first problem", test->console_problem, true);
		if (test->console_tail)
			put_console(out, "last lines", test->console_tail, !test->console_problem);
	}
	fprintf(out, "</section>\n");
}

static void put_check(FILE *out, const struct results_check *check)
{
	struct json_object *failure;
	struct json_object *member;
	size_t i;

	fprintf(out, "<tr><th scope=\"row\">");
	results_write_escaped(out, check->name);
	fprintf(out, "</th><td>");
	put_verdict(out, check->verdict);
	fprintf(out, "</td><td class=\"number\">%zu</td><td class=\"number\">%zu</td>"
		"<td class=\"number\">%zu</td></tr>\n",
		check->passed, check->failed, check->skipped);
	if (!*check->detail && !check->failed)
		return;
	fprintf(out, "<tr class=\"below\"><td colspan=\"5\"><div>");
	if (!check->failed)
		results_write_escaped(out, check->detail);
	for (i = 0; i < json_object_array_length(check->failures); i++) {
		failure = json_object_array_get_idx(check->failures, i);
		json_object_object_get_ex(failure, "cycle", &member);
		fprintf(out, "%scycle %s: ", i ? "<br>" : "", json_object_get_string(member));
		json_object_object_get_ex(failure, "detail", &member);
		results_write_escaped(out, json_object_get_string(member));
	}
	if (check->failed > json_object_array_length(check->failures))
		fprintf(out, "<br>and %zu more",
			check->failed - json_object_array_length(check->failures));
	fprintf(out, "</div></td></tr>\n");
}

static void put_checks(struct page *page)
{
	const struct results_case *test;
	size_t all[3] = { 0 };
	FILE *out = page->out;
	size_t passed;
	size_t failed;
	size_t skipped;
	size_t i;
	size_t j;

	for (i = 0; i < page->model->nr_cases; i++) {
		test = &page->model->cases[i];
		for (j = 0; j < test->nr_checks; j++) {
			all[0] += test->checks[j].passed;
			all[1] += test->checks[j].failed;
			all[2] += test->checks[j].skipped;
		}
	}
	fprintf(out, "<section><h2>Checks</h2>\n<p>%zu passed, %zu failed, %zu skipped.</p>\n", all[0],
		all[1], all[2]);
	for (i = 0; i < page->model->nr_cases; i++) {
		test = &page->model->cases[i];
		passed = 0;
		failed = 0;
		skipped = 0;
		for (j = 0; j < test->nr_checks; j++) {
			passed += test->checks[j].passed;
			failed += test->checks[j].failed;
			skipped += test->checks[j].skipped;
		}
		if (!test->nr_checks)
			continue;
		fprintf(out, "<details%s><summary>", failed ? " open" : "");
		results_write_escaped(out, test->name);
		fprintf(out, " <small>%zu passed, %zu failed, %zu skipped</small></summary>"
			"<div class=\"scroll\"><table><thead><tr><th>check</th><th>verdict</th>"
			"<th class=\"number\">passed</th><th class=\"number\">failed</th>"
			"<th class=\"number\">skipped</th></tr></thead><tbody>\n",
			passed, failed, skipped);
		for (j = 0; j < test->nr_checks; j++)
			put_check(out, &test->checks[j]);
		fprintf(out, "</tbody></table></div></details>\n");
	}
	fprintf(out, "</section>\n");
}

/* The two series of the first live update that has both. */
static int put_throughput_figure(struct page *page, const struct results_case *test)
{
	const struct results_recovery *recovery = &test->recoveries[0];
	const struct results_throughput *sides[] = {
		&test->throughput[recovery->before], &test->throughput[recovery->after],
	};
	size_t most = sides[0]->n > sides[1]->n ? sides[0]->n : sides[1]->n;
	double *numbers __freed = calloc(most, sizeof(*numbers));
	struct results_series series[ARRAY_SIZE(sides)] = { 0 };
	struct results_plot plot = {
		.x_title = "interval", .unit = sides[0]->unit, .series = series, .n = ARRAY_SIZE(sides),
	};
	FILE *out = page->out;
	size_t i;
	int ret;

	if (!numbers)
		return -ENOMEM;
	for (i = 0; i < most; i++)
		numbers[i] = i;
	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		series[i].x = numbers;
		series[i].y = sides[i]->values;
		series[i].n = sides[i]->n;
		series[i].factor = NAN;
	}
	fprintf(out, "<figure><h3>%s <small>%s an interval, around live update %" PRId64 "</small></h3>\n",
		sides[0]->name, sides[0]->unit, sides[1]->cycle);
	ret = put_plot(page, &plot);
	fprintf(out, "<figcaption><ul class=\"legend\">");
	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		fprintf(out, "<li><i style=\"background:%s\"></i>", results_series_colour(i));
		results_throughput_sentence(sides[i], out);
		fprintf(out, "</li>");
	}
	fprintf(out, "</ul>");
	results_write_escaped(out, results_clock_sentence(page->model));
	fprintf(out, "</figcaption></figure>\n");
	return ret;
}

static int put_throughput_of(struct page *page, const struct results_case *test)
{
	FILE *out = page->out;
	size_t i;
	int ret = 0;

	fprintf(out, "<h3>");
	results_write_escaped(out, test->name);
	fprintf(out, "</h3>\n<ul>\n");
	for (i = 0; i < test->nr_recoveries; i++) {
		fprintf(out, "<li>");
		results_recovery_sentence(test, &test->recoveries[i], out);
		fprintf(out, "</li>\n");
	}
	fprintf(out, "</ul>\n");
	if (test->nr_recoveries)
		ret = put_throughput_figure(page, test);
	fprintf(out, "<details><summary>Each kernel</summary><ul>\n");
	for (i = 0; i < test->nr_throughput; i++) {
		fprintf(out, "<li>");
		results_throughput_sentence(&test->throughput[i], out);
		fprintf(out, "</li>\n");
	}
	fprintf(out, "</ul></details>\n");
	return ret;
}

static int put_throughput(struct page *page)
{
	bool any = false;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < page->model->nr_cases; i++) {
		if (!page->model->cases[i].nr_throughput)
			continue;
		if (!any)
			fprintf(page->out, "<section><h2>Throughput before and after</h2>\n<p>Levels are those "
				"without the warm-up, with their 95 %% confidence intervals.</p>\n");
		any = true;
		ret = put_throughput_of(page, &page->model->cases[i]);
	}
	if (any)
		fprintf(page->out, "</section>\n");
	return ret;
}

/* All metrics, and what it ran on */

static int put_metrics(struct page *page)
{
	const struct results_metric *metric;
	const struct results_case *test;
	char text[NUMBER_LEN];
	FILE *out = page->out;
	size_t i;
	size_t j;
	int ret = 0;

	fprintf(out, "<section><h2>All metrics</h2>\n<p>Over the cycles of a case, the first kernel's with them. Outliers, far from the others, count as those do. ");
	results_write_escaped(out, results_clock_sentence(page->model));
	fprintf(out, " results.json has every digit.</p>\n");
	for (i = 0; i < page->model->nr_cases; i++) {
		test = &page->model->cases[i];
		if (!test->nr_metrics)
			continue;
		fprintf(out, "<details><summary>");
		results_write_escaped(out, test->name);
		fprintf(out, " <small>%zu metrics</small></summary><div class=\"scroll\"><table><thead><tr>"
			"<th>metric</th><th class=\"number\">n</th><th class=\"number\">min</th>"
			"<th class=\"number\">median</th><th class=\"number\">mean</th>"
			"<th class=\"number\">95&nbsp;%% interval</th>"
			"<th class=\"number\">stddev</th><th class=\"number\">max</th><th>outliers</th><th>labels</th>"
			"</tr></thead><tbody>\n", test->nr_metrics);
		for (j = 0; !ret && j < test->nr_metrics; j++) {
			metric = &test->metrics[j];
			fprintf(out, "<tr><th scope=\"row\">");
			results_write_escaped(out, metric->name);
			fprintf(out, "</th><td class=\"number\">%zu</td>", metric->n);
			fprintf(out, "<td class=\"number\">%s</td>",
				results_human(text, metric->summary.min, metric->unit));
			fprintf(out, "<td class=\"number\">%s</td>",
				results_human(text, metric->summary.median, metric->unit));
			fprintf(out, "<td class=\"number\">%s</td>",
				results_human(text, metric->summary.mean, metric->unit));
			fprintf(out, "<td class=\"number\">\u00b1 %s</td>",
				results_human(text, metric->summary.ci95[1] - metric->summary.mean,
					      metric->unit));
			fprintf(out, "<td class=\"number\">%s</td>",
				results_human(text, metric->summary.stddev, metric->unit));
			fprintf(out, "<td class=\"number\">%s</td><td>",
				results_human(text, metric->summary.max, metric->unit));
			results_write_outliers(out, metric, "");
			fprintf(out, "</td><td>");
			ret = put_labels(out, metric->labels, NULL);
			fprintf(out, "</td></tr>\n");
		}
		fprintf(out, "</tbody></table></div></details>\n");
	}
	fprintf(out, "</section>\n");
	return ret;
}

static void put_environment_value(FILE *out, const char *path, const char *text)
{
	fprintf(out, "<tr><th scope=\"row\">");
	results_write_escaped(out, path);
	fprintf(out, "</th><td class=\"words\">");
	if (strlen(text) > LONG_TEXT || strchr(text, '\n'))
		put_console(out, "show", text, false);
	else
		results_write_escaped(out, text);
	fprintf(out, "</td></tr>\n");
}

/* An object of objects as rows "host.cpu"; an array of scalars is one row. */
static int put_environment_rows(FILE *out, const char *path, struct json_object *value)
{
	char *inner __freed = NULL;
	size_t len;
	FILE *memory;
	size_t i;
	int ret = 0;

	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member) {
			char *deeper __freed = NULL;

			if (ret)
				break;
			if (asprintf(&deeper, "%s%s%s", path, *path ? "." : "", key) < 0) {
				deeper = NULL;
				return -ENOMEM;
			}
			ret = put_environment_rows(out, deeper, member);
		}
		return ret;
	}
	if (!json_object_is_type(value, json_type_array)) {
		put_environment_value(out, path, value ? json_object_get_string(value) : "\u2013");
		return 0;
	}
	memory = open_memstream(&inner, &len);
	if (!memory)
		return -ENOMEM;
	for (i = 0; i < json_object_array_length(value); i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		fprintf(memory, "%s%s", i ? " " : "", item ? json_object_get_string(item) : "");
	}
	if (fclose(memory))
		return -ENOMEM;
	put_environment_value(out, path, inner);
	return 0;
}

static int put_environment(struct page *page)
{
	FILE *out = page->out;
	int ret;

	if (!json_object_object_length(page->model->environment))
		return 0;
	fprintf(out, "<section><h2>Environment</h2>\n<details><summary>What it ran on</summary>"
		"<div class=\"scroll\"><table><tbody>\n");
	ret = put_environment_rows(out, "", page->model->environment);
	fprintf(out, "</tbody></table></div></details></section>\n");
	return ret;
}

static int put_head(struct page *page)
{
	const struct results_model *model = page->model;
	FILE *out = page->out;
	int ret;

	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<title>flbench: %s</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n"
		"<p class=\"name\">flbench \u00b7 IOMMU state across kernel live updates</p>\n<h1>",
		results_verdict_name(model->verdict), report_css);
	put_verdict(out, model->verdict);
	fprintf(out, "</h1>\n<p class=\"lead\">");
	ret = put_sentence(out, model, results_verdict_sentence);
	fprintf(out, "</p>\n<p>");
	if (*model->detail) {
		results_write_escaped(out, model->detail);
		fprintf(out, " ");
	}
	if (!ret)
		ret = put_sentence(out, model, results_run_sentence);
	fprintf(out, " ");
	results_write_escaped(out, results_clock_sentence(model));
	fprintf(out, "</p>\n");
	put_notes(out, model->notes);
	fprintf(out, "</header>\n<main>\n");
	return ret;
}

int results_report(const struct results_model *model, FILE *out)
{
	struct page page = { .model = model, .out = out };
	bool ok = results_verdict_ok(model->verdict);
	int ret;

	ret = put_head(&page);
	/* What went wrong comes before what it cost. */
	if (!ret && !ok) {
		put_cases(&page);
		put_checks(&page);
	}
	if (!ret) {
		put_targets(&page);
		results_report_rates(model, out);
		results_report_dma(model, out);
		results_report_worth(model, out);
		ret = put_throughput(&page);
	}
	if (!ret) {
		put_key_figures(&page);
		ret = put_scaling(&page);
	}
	if (!ret)
		ret = put_native(&page);
	if (!ret)
		ret = put_memory(&page);
	if (!ret && ok) {
		put_cases(&page);
		put_checks(&page);
	}
	if (!ret)
		ret = put_metrics(&page);
	if (!ret)
		ret = put_environment(&page);
	fprintf(out, "</main>\n</body>\n</html>\n");
	if (!ret && (fflush(out) || ferror(out)))
		ret = -EIO;
	return ret;
}
