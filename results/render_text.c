// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run for a terminal: verdict first, then tables, a line per metric.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

int results_columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void results_put(FILE *out, const char *text, int width)
{
	int fill = (width < 0 ? -width : width) - results_columns(text);

	if (width < 0)
		fprintf(out, "%*s", fill > 0 ? fill : 0, "");
	fprintf(out, "%s", text);
	if (width > 0)
		fprintf(out, "%*s", fill > 0 ? fill : 0, "");
}

static void put_tail(FILE *out, const char *title, const char *text)
{
	const char *end;

	fprintf(out, "    %s:\n", title);
	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		fprintf(out, "    | %.*s\n", (int)(end - text), text);
	}
}

static void put_notes(FILE *out, struct json_object *notes, const char *indent)
{
	size_t i;

	for (i = 0; i < json_object_array_length(notes); i++)
		fprintf(out, "%snote: %s\n", indent,
			json_object_get_string(json_object_array_get_idx(notes, i)));
}

static void put_cases(const struct results_model *model, FILE *out)
{
	const struct results_case *test;
	char text[NUMBER_LEN];
	int width = 4;
	size_t i;

	for (i = 0; i < model->nr_cases; i++)
		if (results_columns(model->cases[i].name) > width)
			width = results_columns(model->cases[i].name);
	fprintf(out, "\n");
	results_put(out, "CASE", width);
	fprintf(out, "  VERDICT       CYCLES  TRIES  DETAIL\n");
	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		results_put(out, test->name, width);
		fprintf(out, "  ");
		results_put(out, results_verdict_name(test->verdict), 10);
		snprintf(text, sizeof(text), "%" PRId64 "/%" PRId64, test->cycles_completed,
			 test->cycles_planned);
		results_put(out, text, -10);
		fprintf(out, "%7u", test->attempts);
		if (*test->detail)
			fprintf(out, "  %s", test->detail);
		if (test->expect != RESULTS_PASS)
			fprintf(out, "  (the plan expects %s)", results_verdict_name(test->expect));
		fprintf(out, "\n");
		if (test->precise) {
			fprintf(out, "    ");
			results_precision_sentence(test, out);
			fprintf(out, "\n");
		}
		put_notes(out, test->notes, "    ");
		if (test->console_problem)
			put_tail(out, "console, first problem", test->console_problem);
		if (test->console_tail)
			put_tail(out, "console, last lines", test->console_tail);
	}
}

static void put_metrics(const struct results_model *model, FILE *out)
{
	const struct results_metric *metric;
	const struct results_case *test;
	char text[NUMBER_LEN];
	int width = 0;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++)
		for (j = 0; j < model->cases[i].nr_metrics; j++)
			if (results_columns(model->cases[i].metrics[j].name) > width)
				width = results_columns(model->cases[i].metrics[j].name);
	if (!width)
		return;
	fprintf(out, "\nMETRICS, over cycles: median [min .. max], mean +- half of its 95 %% confidence interval\n");
	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		if (test->nr_metrics)
			fprintf(out, "%s\n", test->name);
		for (j = 0; j < test->nr_metrics; j++) {
			metric = &test->metrics[j];
			fprintf(out, "  ");
			results_put(out, metric->name, width);
			results_put(out, results_human(text, metric->summary.median, metric->unit), -10);
			fprintf(out, "  [%.15g .. %.15g]", metric->summary.min, metric->summary.max);
			fprintf(out, "  mean %.6g", metric->summary.mean);
			if (isfinite(metric->summary.ci95[0]))
				fprintf(out, " +- %.3g",
					metric->summary.ci95[1] - metric->summary.mean);
			fprintf(out, "  n=%zu", metric->n);
			results_write_outliers(out, metric, "  outliers: ");
			if (!json_object_equal(metric->labels, test->labels)) {
				fprintf(out, "  ");
				results_write_labels(out, metric->labels, test->labels);
			}
			fprintf(out, "\n");
		}
	}
}

static void put_checks(const struct results_model *model, FILE *out)
{
	const struct results_check *check;
	const struct results_case *test;
	int name_width = 5;
	int case_width = 4;
	size_t n = 0;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		for (j = 0; j < test->nr_checks; j++) {
			n++;
			if (results_columns(test->checks[j].name) > name_width)
				name_width = results_columns(test->checks[j].name);
			if (results_columns(test->name) > case_width)
				case_width = results_columns(test->name);
		}
	}
	if (!n)
		return;
	fprintf(out, "\n");
	results_put(out, "CHECK", name_width);
	fprintf(out, "  ");
	results_put(out, "CASE", case_width);
	fprintf(out, "  VERDICT  PASSED  FAILED  SKIPPED\n");
	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		for (j = 0; j < test->nr_checks; j++) {
			check = &test->checks[j];
			results_put(out, check->name, name_width);
			fprintf(out, "  ");
			results_put(out, test->name, case_width);
			fprintf(out, "  %-7s%8zu%8zu%9zu", results_verdict_name(check->verdict),
				check->passed, check->failed, check->skipped);
			if (check->verdict != RESULTS_PASS && *check->detail)
				fprintf(out, "  %s", check->detail);
			fprintf(out, "\n");
		}
	}
}

static void put_scaling(const struct results_model *model, FILE *out)
{
	const struct results_scaling *line;
	bool title = false;
	size_t i;

	for (i = 0; i < model->nr_scaling; i++) {
		line = &model->scaling[i];
		/* The same line is there with domains and devices exchanged. */
		if (!line->fitted || (line->coupled && !strcmp(line->axis, "devices")))
			continue;
		if (!title)
			fprintf(out, "\nSCALING, fitted in log-log: exponent [95 %% confidence interval]\n");
		title = true;
		fprintf(out, "  %s ~ %s%s%s ^ %.3f", line->metric, line->axis,
			line->coupled ? "=" : "", line->coupled ? line->coupled : "",
			line->fit.slope);
		if (isfinite(line->fit.slope_ci95[0]))
			fprintf(out, " [%.3f, %.3f]", line->fit.slope_ci95[0],
				line->fit.slope_ci95[1]);
		else
			fprintf(out, " [two sizes give no interval]");
		fprintf(out, "  n=%zu  ", line->n);
		results_write_labels(out, line->labels, NULL);
		fprintf(out, "\n");
	}
}

static void put_growth(const struct results_model *model, FILE *out)
{
	const struct results_growth *growth;
	char text[NUMBER_LEN];
	size_t i;

	if (model->nr_growth)
		fprintf(out, "\nMEMORY over cycles: change, slope a cycle [95 %% confidence interval]\n");
	for (i = 0; i < model->nr_growth; i++) {
		growth = &model->growth[i];
		fprintf(out, "  %s  %s  cycle %" PRId64 " to %" PRId64 ": ", growth->metric->name,
			growth->in->name, growth->from, growth->to);
		fprintf(out, "%s, ", results_human(text, growth->last - growth->first, "bytes"));
		fprintf(out, "%.4g B [%.4g, %.4g]", growth->fit.slope, growth->fit.slope_ci95[0],
			growth->fit.slope_ci95[1]);
		if (isfinite(growth->excess))
			fprintf(out, "; less %s: %.4g B [%.4g, %.4g]", growth->baseline_in->name,
				growth->excess, growth->excess_ci95[0], growth->excess_ci95[1]);
		fprintf(out, "\n");
	}
}

/* Cells of the table of a case's devices, and how wide each column has to be. */
struct table {
	size_t rows;
	char *cells[RESULTS_MAX_DEVICES][RESULTS_NR_DMA_COLUMNS];
	int width[RESULTS_NR_DMA_COLUMNS];
	bool shown[RESULTS_NR_DMA_COLUMNS];
};

static int fill_table(const struct results_case *test, const char **devices, struct table *table)
{
	const struct results_metric *metric;
	size_t len;
	FILE *cell;
	size_t i;
	size_t j;

	for (i = 0; i < table->rows; i++) {
		for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++) {
			metric = results_device_metric(test, results_dma_columns[j].metric,
						       devices[i]);
			cell = open_memstream(&table->cells[i][j], &len);
			if (!cell)
				return -ENOMEM;
			results_write_dma(cell, metric);
			if (fclose(cell))
				return -ENOMEM;
			table->shown[j] |= metric != NULL;
			if (results_columns(table->cells[i][j]) > table->width[j])
				table->width[j] = results_columns(table->cells[i][j]);
		}
	}
	return 0;
}

static void put_table(const struct table *table, const char **devices, FILE *out)
{
	int width = 6;
	size_t i;
	size_t j;

	for (i = 0; i < table->rows; i++)
		if (results_columns(devices[i]) > width)
			width = results_columns(devices[i]);
	fprintf(out, "  ");
	results_put(out, "device", width);
	for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++)
		if (table->shown[j]) {
			fprintf(out, "  ");
			results_put(out, results_dma_columns[j].brief, -table->width[j]);
		}
	fprintf(out, "\n");
	for (i = 0; i < table->rows; i++) {
		fprintf(out, "  ");
		results_put(out, devices[i], width);
		for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++)
			if (table->shown[j]) {
				fprintf(out, "  ");
				results_put(out, table->cells[i][j], -table->width[j]);
			}
		fprintf(out, "\n");
	}
}

static int put_devices(const struct results_case *test, FILE *out)
{
	const char *devices[RESULTS_MAX_DEVICES];
	struct table table = { .rows = results_dma_devices(test, devices) };
	size_t i;
	size_t j;
	int ret;

	for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++)
		table.width[j] = results_columns(results_dma_columns[j].brief);
	ret = fill_table(test, devices, &table);
	if (!ret && table.rows)
		put_table(&table, devices, out);
	for (i = 0; i < table.rows; i++)
		for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++)
			free(table.cells[i][j]);
	return ret;
}

static int put_dma(const struct results_model *model, FILE *out)
{
	const struct results_timeline *timeline;
	const char *devices[RESULTS_MAX_DEVICES];
	const struct results_case *test;
	bool title = false;
	char text[NUMBER_LEN];
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_cases; i++) {
		test = &model->cases[i];
		if (!test->nr_timelines && !results_dma_devices(test, devices))
			continue;
		if (!title)
			fprintf(out, "\nDMA THROUGH THE LIVE UPDATE, over cycles: median [max], or one number where all agree\n%s\n",
				results_clock_sentence(model));
		title = true;
		fprintf(out, "%s\n", test->name);
		ret = put_devices(test, out);
		if (!test->nr_timelines)
			continue;
		timeline = &test->timelines[0];
		fprintf(out, "  report.html draws cycle %" PRId64 ", blackout %s: %s\n", timeline->cycle,
			results_human(text, timeline->end_ns, "ns"), timeline->why);
	}
	return ret;
}

static void put_throughput(const struct results_model *model, FILE *out)
{
	const struct results_case *test;
	bool title = false;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		if (test->nr_throughput && !title)
			fprintf(out, "\nTHROUGHPUT before and after each live update, without the warm-up [95 %% confidence interval]\n%s\n",
				results_clock_sentence(model));
		title |= test->nr_throughput > 0;
		if (test->nr_throughput)
			fprintf(out, "%s\n", test->name);
		for (j = 0; j < test->nr_throughput; j++) {
			fprintf(out, "  ");
			results_throughput_sentence(&test->throughput[j], out);
			fprintf(out, "\n");
		}
		for (j = 0; j < test->nr_recoveries; j++) {
			fprintf(out, "  ");
			results_recovery_sentence(test, &test->recoveries[j], out);
			fprintf(out, "\n");
		}
	}
}

static void put_worth(const struct results_model *model, FILE *out)
{
	struct results_worth row;
	bool title = false;
	size_t i;
	size_t j;

	for (i = 0; i < model->nr_cases; i++) {
		if (!results_has_worth(&model->cases[i]))
			continue;
		if (!title)
			fprintf(out, "\nWHAT PRESERVATION IS WORTH, medians over cycles\n"
				     RESULTS_WORTH_SENTENCE "\n%s\n", results_clock_sentence(model));
		title = true;
		fprintf(out, "%s\n", model->cases[i].name);
		for (j = 0; results_worth_row(&model->cases[i], &j, &row);) {
			fprintf(out, "  ");
			results_put(out, row.side, 10);
			results_put(out, row.what, 50);
			fprintf(out, " %s\n", row.value);
		}
	}
}

void results_render_targets(const struct results_model *model, FILE *out)
{
	const struct results_target *target;
	char text[NUMBER_LEN];
	int width = 0;
	size_t i;

	if (!model->nr_targets)
		return;
	for (i = 0; i < model->nr_targets; i++)
		if (results_columns(model->targets[i].what) > width)
			width = results_columns(model->targets[i].what);
	fprintf(out, "\n");
	results_put(out, "TARGET", width);
	fprintf(out, "    AT MOST       STOCK        OURS       VALUE\n");
	for (i = 0; i < model->nr_targets; i++) {
		target = &model->targets[i];
		results_put(out, target->what, width);
		results_put(out, results_target_limit(text, target), -11);
		results_put(out, results_target_number(text, target, target->stock), -12);
		results_put(out, results_target_number(text, target, target->ours), -12);
		results_put(out, results_target_value(text, target), -12);
		fprintf(out, "  %s\n", results_target_words(target));
	}
}

static void put_native(const struct results_model *model, FILE *out)
{
	struct results_native row;
	size_t i;

	for (i = 0; results_native_row(model, i, &row); i++) {
		if (!i) {
			fprintf(out, "\nNATIVE\n");
			results_native_sentence(model, out);
			fprintf(out, "\n");
		}
		fprintf(out, "  %.15g pages: stock : ours %.4g : 1  [%.4g, %.4g]  n=%.15g, outliers %.15g and %.15g\n",
			row.pages, row.ratio, row.ci95[0], row.ci95[1], row.n, row.outliers[0],
			row.outliers[1]);
	}
}

int results_render_text(const struct results_model *model, FILE *out)
{
	int ret;

	fprintf(out, "verdict: %s\n", results_verdict_name(model->verdict));
	results_verdict_sentence(model, out);
	fprintf(out, "\n");
	if (*model->detail)
		fprintf(out, "%s\n", model->detail);
	results_run_sentence(model, out);
	fprintf(out, "\n%s\n", results_clock_sentence(model));
	put_notes(out, model->notes, "");
	results_render_targets(model, out);
	if (model->nr_cases)
		put_cases(model, out);
	results_render_rates(model, out);
	ret = put_dma(model, out);
	put_throughput(model, out);
	put_worth(model, out);
	put_metrics(model, out);
	put_checks(model, out);
	put_scaling(model, out);
	put_growth(model, out);
	put_native(model, out);
	return ret;
}
