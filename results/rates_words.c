// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fio measured of the throughput, for a terminal and for the page. What the numbers are of is
 * rates.c's.
 */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

#define TITLE "Throughput by driver and translation"
#define EXPLAINED \
	"Random reads of 4 KiB by fio, 32 at a time, in instructions for an I/O without waiting, or in bytes a second; " \
	"median [least .. most] over the kernels. Relative is throughput by that of the kernel's driver with interrupts, " \
	"with the IOMMU off if the run has that, else in the same case. Instructions are the guest's: what translating " \
	"costs the IOMMU is not in them."

static const char *unit_of(const struct results_rate *rate)
{
	return strcmp(rate->metric->unit, "instructions") ? "bytes/s" : "instr./I/O";
}

/* "5012 [4990 .. 5100]" */
static void put_range(FILE *out, const struct results_rate *rate)
{
	char low[NUMBER_LEN];
	char middle[NUMBER_LEN];
	char high[NUMBER_LEN];
	const struct results_summary *summary = &rate->metric->summary;

	if (!strcmp(rate->metric->unit, "instructions"))
		fprintf(out, "%.15g [%.15g .. %.15g]", summary->median, summary->min, summary->max);
	else
		fprintf(out, "%s [%s .. %s]", results_human(middle, summary->median, "bytes"),
			results_human(low, summary->min, "bytes"),
			results_human(high, summary->max, "bytes"));
}

static const char *relative(char text[NUMBER_LEN], double value)
{
	if (isfinite(value))
		snprintf(text, NUMBER_LEN, "%.3f", value);
	else
		results_human(text, NAN, "");
	return text;
}

static void put_restored(FILE *out, const struct results_restored *restored)
{
	fprintf(out, "throughput, restored domain : fresh domain = ");
	if (isfinite(restored->ratio))
		fprintf(out, "%.4f", restored->ratio);
	else
		fprintf(out, "unknown");
	if (isfinite(restored->ci95[0]))
		fprintf(out, ", 95 %% confidence interval %.4f to %.4f", restored->ci95[0],
			restored->ci95[1]);
	else
		fprintf(out, ", no confidence interval");
	fprintf(out, ", over %zu live update%s; wanted: at least %.2f: %s", restored->n,
		restored->n == 1 ? "" : "s", restored->limit, restored->met);
}

void results_render_rates(const struct results_model *model, FILE *out)
{
	const struct results_rate *rate;
	char text[NUMBER_LEN];
	int case_width = 4;
	int what_width = 6;
	size_t i;

	if (!model->nr_rates)
		return;
	for (i = 0; i < model->nr_rates; i++) {
		rate = &model->rates[i];
		if (results_columns(rate->in->name) > case_width)
			case_width = results_columns(rate->in->name);
		if (results_columns(rate->what) > what_width)
			what_width = results_columns(rate->what);
	}
	fprintf(out, "\nRATES\n%s\n", EXPLAINED);
	for (i = 0; i < model->nr_rates; i++) {
		rate = &model->rates[i];
		fprintf(out, "  ");
		results_put(out, rate->in->name, case_width + 2);
		results_put(out, rate->what, what_width + 2);
		results_put(out, relative(text, rate->relative), -7);
		fprintf(out, "  ");
		put_range(out, rate);
		fprintf(out, " %s  n=%zu\n", unit_of(rate), rate->metric->n);
	}
	for (i = 0; i < model->nr_restored; i++) {
		fprintf(out, "%s: ", model->restored[i].in->name);
		put_restored(out, &model->restored[i]);
		fprintf(out, "\n");
	}
}

static const char *mood(const struct results_restored *restored)
{
	if (!strcmp(restored->met, "met"))
		return "good";
	return strcmp(restored->met, "not met") ? "none" : "warn";
}

void results_report_rates(const struct results_model *model, FILE *out)
{
	const struct results_rate *rate;
	char text[NUMBER_LEN];
	size_t i;

	if (!model->nr_rates)
		return;
	fprintf(out, "<section><h2>" TITLE "</h2>\n<p>" EXPLAINED " ");
	results_write_escaped(out, results_clock_sentence(model));
	fprintf(out, "</p>\n<div class=\"scroll\"><table><thead><tr><th>case</th><th>driver</th>"
		     "<th class=\"number\">relative</th><th class=\"number\">median [least .. most]</th>"
		     "<th>unit</th><th class=\"number\">n</th></tr></thead><tbody>\n");
	for (i = 0; i < model->nr_rates; i++) {
		rate = &model->rates[i];
		fprintf(out, "<tr><th scope=\"row\">");
		results_write_escaped(out, rate->in->name);
		fprintf(out, "</th><td>");
		results_write_escaped(out, rate->what);
		fprintf(out, "</td><td class=\"number\">%s</td><td class=\"number\">",
			relative(text, rate->relative));
		put_range(out, rate);
		fprintf(out, "</td><td>%s</td><td class=\"number\">%zu</td></tr>\n", unit_of(rate),
			rate->metric->n);
	}
	fprintf(out, "</tbody></table></div>\n");
	for (i = 0; i < model->nr_restored; i++) {
		fprintf(out, "<p>");
		results_write_escaped(out, model->restored[i].in->name);
		fprintf(out, ": <span class=\"verdict %s\">", mood(&model->restored[i]));
		put_restored(out, &model->restored[i]);
		fprintf(out, "</span></p>\n");
	}
	fprintf(out, "</section>\n");
}
