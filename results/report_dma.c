// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page's sections on DMA through a live update: of each case the figure of one, and a table of
 * what each device did over all of them. Drawing is timeline_svg.c's.
 */
#include <inttypes.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

static void put_stages(const struct results_timeline *timeline, FILE *out)
{
	const struct results_span *span;
	char length[NUMBER_LEN];
	char begin[NUMBER_LEN];
	size_t i;

	if (!timeline->nr_spans)
		return;
	fprintf(out, "<ol class=\"stages\">\n");
	for (i = 0; i < timeline->nr_spans; i++) {
		span = &timeline->spans[i];
		fprintf(out, "<li>");
		results_write_escaped(out, span->name);
		fprintf(out, " <small>%s, from %s</small></li>\n",
			results_human(length, span->end_ns - span->begin_ns, "ns"),
			results_human(begin, span->begin_ns, "ns"));
	}
	fprintf(out, "</ol>\n");
}

static void put_figure(const struct results_model *model, const struct results_timeline *timeline,
		       FILE *out)
{
	const struct results_arrivals *list;
	int64_t uncertainty_ns = 0;
	char text[NUMBER_LEN];
	size_t outside;
	size_t i;

	fprintf(out, "<figure><h3>The live update into cycle %" PRId64 " <small>", timeline->cycle);
	results_write_escaped(out, timeline->why);
	fprintf(out, "</small></h3>\n<div class=\"timeline\">");
	outside = results_timeline_svg(timeline, out);
	fprintf(out, "</div>\n<figcaption>");
	put_stages(timeline, out);
	fprintf(out,
		"<p>A dot is a write of a device to the guest's memory, seen from outside of the guest. In the "
		"blackout, from the old kernel's last program to the new kernel's first one, no program knows the "
		"device.");
	for (i = 0; i < timeline->nr_arrivals; i++) {
		list = &timeline->arrivals[i];
		if (list->uncertainty_ns > uncertainty_ns)
			uncertainty_ns = list->uncertainty_ns;
		if (list->interval_ns) {
			fprintf(out, " ");
			results_write_escaped(out, list->device);
			fprintf(out, " is sent ");
			results_write_escaped(out, list->what);
			fprintf(out, ", one every %s.",
				results_human(text, list->interval_ns, "ns"));
		}
		if (!strcmp(list->device, RESULTS_BLOCKED_DEVICE))
			fprintf(out, " " RESULTS_BLOCKED_DEVICE
				     " is not preserved: nothing may arrive.");
	}
	if (timeline->nr_arrivals)
		fprintf(out, " What arrived was seen at most %s later.",
			results_human(text, uncertainty_ns, "ns"));
	if (outside)
		fprintf(out,
			" Too far from the blackout to be drawn: %zu arrival%s; results.json has them.",
			outside, outside == 1 ? "" : "s");
	fprintf(out, "</p><p>");
	results_write_escaped(out, results_clock_sentence(model));
	fprintf(out, "</p></figcaption></figure>\n");
}

static void put_table(const struct results_model *model, const struct results_case *test, FILE *out)
{
	const char *devices[RESULTS_MAX_DEVICES];
	size_t n = results_dma_devices(test, devices);
	size_t i;
	size_t j;

	if (!n)
		return;
	fprintf(out,
		"<h3>Each device <small>over %" PRId64
		" live update%s: median [maximum], or one number where "
		"all agree</small></h3>\n<div class=\"scroll tight\"><table><thead><tr><th>device</th>",
		test->cycles_completed, test->cycles_completed == 1 ? "" : "s");
	for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++)
		fprintf(out, "<th class=\"number wrap\">%s</th>", results_dma_columns[j].title);
	fprintf(out, "</tr></thead><tbody>\n");
	for (i = 0; i < n; i++) {
		fprintf(out, "<tr><th scope=\"row\">");
		results_write_escaped(out, devices[i]);
		fprintf(out, "</th>");
		for (j = 0; j < RESULTS_NR_DMA_COLUMNS; j++) {
			fprintf(out, "<td class=\"number\">");
			results_write_dma(out,
					  results_device_metric(test, results_dma_columns[j].metric,
								devices[i]));
			fprintf(out, "</td>");
		}
		fprintf(out, "</tr>\n");
	}
	fprintf(out,
		"</tbody></table></div>\n<p><small>The longest gap is the longest time in the blackout in which "
		"nothing arrived. ");
	results_write_escaped(out, results_clock_sentence(model));
	fprintf(out, "</small></p>\n");
}

/* The one thing to know: how long nothing came, beside how often it should. */
static void put_lead(const struct results_case *test, FILE *out)
{
	const struct results_metric *gap =
		results_device_metric(test, "dma_gap_ns", RESULTS_STEADY_DEVICE);
	const struct results_metric *interval =
		results_device_metric(test, "frame_interval_ns", RESULTS_STEADY_DEVICE);
	char text[NUMBER_LEN];

	if (results_label_is_false(test->labels, "preserve")) {
		fprintf(out,
			"<p>Nothing is preserved in this case: devices are stopped before the kernel is "
			"replaced.</p>\n");
		return;
	}
	fprintf(out, "<p>The devices are to go on with their DMA while the kernel is replaced.");
	if (gap)
		fprintf(out, " The longest time without a frame was %s",
			results_human(text, gap->summary.max, "ns"));
	if (gap && interval)
		fprintf(out, "; one is sent every %s",
			results_human(text, interval->summary.median, "ns"));
	fprintf(out, "%s</p>\n", gap ? "." : "");
}

void results_report_dma(const struct results_model *model, FILE *out)
{
	const char *devices[RESULTS_MAX_DEVICES];
	const struct results_case *test;
	size_t i;

	for (i = 0; i < model->nr_cases; i++) {
		test = &model->cases[i];
		if (!test->nr_timelines && !results_dma_devices(test, devices))
			continue;
		fprintf(out, "<section><h2>DMA through the live update <small>");
		results_write_escaped(out, test->name);
		fprintf(out, "</small></h2>\n");
		put_lead(test, out);
		if (test->nr_timelines)
			put_figure(model, &test->timelines[0], out);
		put_table(model, test, out);
		fprintf(out, "</section>\n");
	}
}
