// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of each device's DMA: metrics with a label "device", put together by device so that
 * all formats show the same.
 */
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

const struct results_dma_column results_dma_columns[RESULTS_NR_DMA_COLUMNS] = {
	{ "blackout_arrivals", "arrivals in the blackout", "in blackout" },
	{ "blackout_written_bytes", "bytes written in it", "written" },
	{ "dma_gap_ns", "longest gap", "longest gap" },
	{ "frame_interval_ns", "a frame every", "frame every" },
	{ "frames_arrived", "frames arrived", "frames" },
	{ "frames_lost", "lost", "lost" },
	{ "frames_overrun", "overrun", "overrun" },
	{ "commands_completed", "commands completed", "commands" },
	{ "ring_used_percent", "ring used", "ring used" },
};

const char *results_device_of(const struct results_metric *metric)
{
	struct json_object *device;

	if (!json_object_object_get_ex(metric->labels, "device", &device) ||
	    !json_object_is_type(device, json_type_string))
		return NULL;
	return json_object_get_string(device);
}

const struct results_metric *results_device_metric(const struct results_case *test,
						   const char *name, const char *device)
{
	const char *found;
	size_t i;

	for (i = 0; i < test->nr_metrics; i++) {
		found = results_device_of(&test->metrics[i]);
		if (found && !strcmp(found, device) && !strcmp(test->metrics[i].name, name))
			return &test->metrics[i];
	}
	return NULL;
}

static void add_device(const char *device, const char *devices[RESULTS_MAX_DEVICES], size_t *n)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (!strcmp(devices[i], device))
			return;
	if (*n < RESULTS_MAX_DEVICES)
		devices[(*n)++] = device;
}

size_t results_dma_devices(const struct results_case *test,
			   const char *devices[RESULTS_MAX_DEVICES])
{
	const char *device;
	size_t n = 0;
	size_t i;
	size_t j;

	for (i = 0; i < test->nr_metrics; i++) {
		device = results_device_of(&test->metrics[i]);
		for (j = 0; device && j < RESULTS_NR_DMA_COLUMNS; j++)
			if (!strcmp(test->metrics[i].name, results_dma_columns[j].metric))
				add_device(device, devices, &n);
	}
	return n;
}

static void write_value(FILE *out, double value, const char *unit)
{
	char text[NUMBER_LEN];

	if (!strcmp(unit, "ns") || !strcmp(unit, "bytes"))
		fprintf(out, "%s", results_human(text, value, unit));
	else
		fprintf(out, "%.15g%s", value, strcmp(unit, "percent") ? "" : " %");
}

void results_write_dma(FILE *out, const struct results_metric *metric)
{
	if (!metric) {
		fprintf(out, "\u2013");
		return;
	}
	write_value(out, metric->summary.median, metric->unit);
	if (metric->summary.min == metric->summary.max)
		return;
	fprintf(out, " [");
	write_value(out, metric->summary.max, metric->unit);
	fprintf(out, "]");
}
