// SPDX-License-Identifier: GPL-2.0-only
/*
 * What preservation is worth: in one case, what a live update costs DPDK, which is started anew, and
 * what those devices did meanwhile that are preserved. All of it are metrics of the case; the text and
 * the page show the same rows.
 */
#include <inttypes.h>
#include <string.h>

#include <flbench/workload.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

/* Names of what is an amount of a clock are without their unit. */
static const struct {
	const char *side;
	const char *what;
	const char *metric;
	const char *device;
} rows[] = {
	{ "DPDK", "forwarded before the jump", "dpdk_forward_before_packets", NULL },
	{ "DPDK", "for a packet", "dpdk_forward_before", NULL },
	{ "DPDK", "gap: from the jump to the first packet", RESULTS_WORTH_GAP, NULL },
	{ "DPDK", "of it: cards initialised", "dpdk_initialise", NULL },
	{ "DPDK", "of it: waiting for the link", "dpdk_link", NULL },
	{ "DPDK", "forwarded after it", "dpdk_forward_after_packets", NULL },
	{ "DPDK", "for a packet", "dpdk_forward_after", NULL },
	{ "DPDK", "frames that came back whole, beside the other", "dpdk_at_once_frames", NULL },
	{ "preserved", "frames that arrived in the blackout", "blackout_arrivals", "igb" },
	{ "preserved", "longest time in it without one", "dma_gap", "igb" },
	{ "preserved", "frames lost", "frames_lost", "igb" },
	{ "preserved", "frames that arrived beside DPDK's", "igb_beside_dpdk", NULL },
	{ "preserved", "commands completed in the blackout", "commands_completed", "nvme" },
	{ "preserved", "writes of fio in flight at the jump, all verified", "fio_in_flight", NULL },
	{ "preserved", "commands of fio beside DPDK's frames", "fio_beside_dpdk", NULL },
};

static bool is_called(const struct results_metric *metric, const char *name)
{
	size_t length = strlen(name);

	return !strcmp(metric->name, name) || (!strncmp(metric->name, name, length) &&
					       (!strcmp(metric->name + length, "_instructions") ||
						!strcmp(metric->name + length, "_ns")));
}

static const struct results_metric *find(const struct results_case *test, const char *name,
					 const char *device)
{
	const char *found;
	size_t i;

	for (i = 0; i < test->nr_metrics; i++) {
		found = results_device_of(&test->metrics[i]);
		if (is_called(&test->metrics[i], name) &&
		    (device ? found && !strcmp(found, device) : !found))
			return &test->metrics[i];
	}
	return NULL;
}

bool results_has_worth(const struct results_case *test)
{
	/* A row may say that all was verified. */
	return results_case_is_sound(test) && test->workload && workload_has(test->workload, "dpdk") &&
	       !workload_begins(test->workload, "dpdk") && find(test, RESULTS_WORTH_GAP, NULL);
}

/* "3.59 G instructions", "49 ms": the unit is said where the number does not have it. */
static void describe(char text[RESULTS_WORTH_LEN], const struct results_case *test,
		     const struct results_metric *metric, bool share)
{
	const struct results_metric *gap = find(test, RESULTS_WORTH_GAP, NULL);
	bool plain = strcmp(metric->unit, "ns") && strcmp(metric->unit, "bytes");
	char number[NUMBER_LEN];
	size_t n;

	n = snprintf(text, RESULTS_WORTH_LEN, "%s%s%s",
		     results_human(number, metric->summary.median, metric->unit), plain ? " " : "",
		     plain ? metric->unit : "");
	if (share && n < RESULTS_WORTH_LEN && gap->summary.median > 0)
		snprintf(text + n, RESULTS_WORTH_LEN - n, " (%.0f %%)",
			 100 * metric->summary.median / gap->summary.median);
}

bool results_worth_row(const struct results_case *test, size_t *i, struct results_worth *row)
{
	const struct results_metric *metric = NULL;

	for (; *i < ARRAY_SIZE(rows) && !metric; (*i)++) {
		metric = find(test, rows[*i].metric, rows[*i].device);
		if (!metric)
			continue;
		row->side = rows[*i].side;
		row->what = rows[*i].what;
		describe(row->value, test, metric, !strncmp(row->what, "of it", 5));
	}
	return metric;
}

static void put_table(const struct results_case *test, FILE *out)
{
	struct results_worth row;
	size_t i = 0;

	fprintf(out,
		"<div class=\"scroll tight\"><table><thead><tr><th></th><th>over %" PRId64
		" live update%s</th><th class=\"number\">median</th></tr></thead><tbody>\n",
		test->cycles_completed, test->cycles_completed == 1 ? "" : "s");
	while (results_worth_row(test, &i, &row)) {
		fprintf(out, "<tr><th scope=\"row\">%s</th><td>", row.side);
		results_write_escaped(out, row.what);
		fprintf(out, "</td><td class=\"number\">");
		results_write_escaped(out, row.value);
		fprintf(out, "</td></tr>\n");
	}
	fprintf(out, "</tbody></table></div>\n");
}

void results_report_worth(const struct results_model *model, FILE *out)
{
	size_t i;

	for (i = 0; i < model->nr_cases; i++) {
		if (!results_has_worth(&model->cases[i]))
			continue;
		fprintf(out, "<section><h2>What preservation is worth <small>");
		results_write_escaped(out, model->cases[i].name);
		fprintf(out, "</small></h2>\n<p>" RESULTS_WORTH_SENTENCE " ");
		results_write_escaped(out, results_clock_sentence(model));
		fprintf(out, "</p>\n");
		put_table(&model->cases[i], out);
		fprintf(out, "</section>\n");
	}
}
