// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws a live update: stages of both kernels as boxes, each arrival of DMA as a dot, the blackout
 * shaded. What is said beside it is report_dma.c's. Boxes too narrow for their name bear a number
 * alone; it is that of the list beside the figure, where spans stand in the same order.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"
#include "render_internal.h"

/* Units of the view box; in a window as wide as the page allows they are pixels, nearly. */
#define WIDTH 1000.0
#define LEFT 176.0
#define RIGHT 988.0
#define HEAD 24.0
#define NUMBER_HEIGHT 14.0
#define BOX_HEIGHT 20.0
#define ROW_HEIGHT (NUMBER_HEIGHT + BOX_HEIGHT + 4)
#define DEVICE_HEIGHT 46.0
#define FOOT 40.0
/* Width of a character, on the safe side */
#define CHARACTER 6.7

#define MAX_ROWS 4
#define MAX_TICKS 10
#define MIN_MARGIN_NS 10e6

struct figure {
	const struct results_timeline *timeline;
	FILE *out;
	/* What is drawn, in ns from the begin of the blackout */
	double low;
	double high;
	double height;
	size_t rows[RESULTS_NR_LANES];
};

static double x_of(const struct figure *figure, double ns)
{
	double x = LEFT + (ns - figure->low) * (RIGHT - LEFT) / (figure->high - figure->low);

	return fmin(fmax(x, LEFT), RIGHT);
}

static bool is_outside(const struct figure *figure, double begin_ns, double end_ns)
{
	return end_ns < figure->low || begin_ns > figure->high;
}

/*
 * All that happened, but no more than a quarter of a blackout on either side of it: the figure is
 * about the blackout, and stages of seconds around it must not squeeze it.
 */
static void choose_range(struct figure *figure)
{
	const struct results_timeline *timeline = figure->timeline;
	double length = timeline->end_ns - timeline->begin_ns;
	double margin = fmax(length / 4, MIN_MARGIN_NS);
	double low = timeline->begin_ns;
	double high = timeline->end_ns;
	const struct results_arrivals *list;
	double room;
	size_t i;

	for (i = 0; i < timeline->nr_spans; i++) {
		low = fmin(low, timeline->spans[i].begin_ns);
		high = fmax(high, timeline->spans[i].end_ns);
	}
	for (i = 0; i < timeline->nr_arrivals; i++) {
		list = &timeline->arrivals[i];
		if (!list->n)
			continue;
		low = fmin(low, list->at_ns[0]);
		high = fmax(high, list->at_ns[list->n - 1]);
	}
	low = fmax(low, timeline->begin_ns - margin);
	high = fmin(high, timeline->end_ns + margin);
	room = fmax((high - low) / 100, MIN_MARGIN_NS / 100);
	figure->low = low - room;
	figure->high = high + room;
}

/* Stages that overlap lie in rows below each other; the row of span @i, and how many its lane has. */
static size_t row_of(const struct results_timeline *timeline, size_t i, size_t *rows)
{
	int64_t end[MAX_ROWS];
	size_t row = 0;
	size_t j;

	*rows = 0;
	for (j = 0; j <= i; j++) {
		if (timeline->spans[j].lane != timeline->spans[i].lane)
			continue;
		for (row = 0; row < *rows; row++)
			if (end[row] <= timeline->spans[j].begin_ns)
				break;
		if (row == MAX_ROWS)
			row--;
		if (row == *rows)
			++*rows;
		end[row] = timeline->spans[j].end_ns;
	}
	return row;
}

static double lane_height(const struct figure *figure, enum results_lane lane)
{
	return figure->rows[lane] * ROW_HEIGHT + 6;
}

static void measure(struct figure *figure)
{
	size_t rows;
	size_t i;

	choose_range(figure);
	for (i = 0; i < RESULTS_NR_LANES; i++)
		figure->rows[i] = 1;
	for (i = 0; i < figure->timeline->nr_spans; i++) {
		row_of(figure->timeline, i, &rows);
		figure->rows[figure->timeline->spans[i].lane] = rows;
	}
	figure->height = HEAD + figure->timeline->nr_arrivals * DEVICE_HEIGHT;
	for (i = 0; i < RESULTS_NR_LANES; i++)
		figure->height += lane_height(figure, i);
}

static void put_blackout(const struct figure *figure)
{
	const struct results_timeline *timeline = figure->timeline;
	double left = x_of(figure, timeline->begin_ns);
	double right = x_of(figure, timeline->end_ns);
	char length[NUMBER_LEN];

	fprintf(figure->out,
		"<rect class=\"dark\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
		"<text x=\"%.1f\" y=\"14\" text-anchor=\"middle\">blackout, %s</text>\n",
		left, HEAD - 4, right - left, figure->height - HEAD + 4,
		fmin(fmax((left + right) / 2, LEFT + 60), RIGHT - 60),
		results_human(length, timeline->end_ns - timeline->begin_ns, "ns"));
}

static double tick_step(double rough)
{
	double step = pow(10, floor(log10(rough)));

	return step * (rough / step > 5 ? 10 : rough / step > 2 ? 5 : rough / step > 1 ? 2 : 1);
}

static void put_axis(const struct figure *figure)
{
	double step = tick_step((figure->high - figure->low) / MAX_TICKS);
	double ns = ceil(figure->low / step) * step;
	double bottom = figure->height;
	FILE *out = figure->out;

	for (; ns <= figure->high; ns += step) {
		double ms = fabs(ns) < step / 2 ? 0 : ns / 1e6;

		fprintf(out,
			"<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"soft\" x=\"%.1f\" "
			"y=\"%.1f\" text-anchor=\"middle\">%s%.15g</text>\n",
			x_of(figure, ns), HEAD - 4, bottom + 4, x_of(figure, ns), bottom + 17,
			ms < 0 ? "\u2212" : "", fabs(ms));
	}
	fprintf(out,
		"<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/><text class=\"soft\" x=\"%.1f\" y=\"%.1f\" "
		"text-anchor=\"middle\">ms from the begin of the blackout</text>\n",
		LEFT, bottom, RIGHT, (LEFT + RIGHT) / 2, bottom + 34);
}

static void put_rule(const struct figure *figure, double y)
{
	fprintf(figure->out, "<path class=\"grid\" d=\"M0 %.1fH%.1f\"/>", y, RIGHT);
}

/* Numbers of one row of boxes that have no room for their name. */
struct numbers {
	size_t n;
	size_t number[64];
	double box[64];
	double at[64];
};

static double number_width(size_t number)
{
	return CHARACTER * (number > 9 ? 2 : 1) + 4;
}

/* Above their boxes if that can be, else pushed apart with a line to where they belong. */
static void put_numbers(const struct figure *figure, struct numbers *numbers, double top)
{
	double limit = RIGHT;
	double free = LEFT;
	double half;
	size_t i;

	for (i = 0; i < numbers->n; i++) {
		half = number_width(numbers->number[i]) / 2;
		numbers->at[i] = fmax(numbers->box[i], free + half);
		free = numbers->at[i] + half;
	}
	for (i = numbers->n; i-- > 0;) {
		half = number_width(numbers->number[i]) / 2;
		numbers->at[i] = fmin(numbers->at[i], limit - half);
		limit = numbers->at[i] - half;
	}
	for (i = 0; i < numbers->n; i++)
		fprintf(figure->out,
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu</text>"
			"<path class=\"leader\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n",
			numbers->at[i], top + NUMBER_HEIGHT - 3, numbers->number[i], numbers->at[i],
			top + NUMBER_HEIGHT - 1, numbers->box[i], top + NUMBER_HEIGHT + 2);
}

static void put_box(const struct figure *figure, size_t i, double top, struct numbers *numbers)
{
	const struct results_span *span = &figure->timeline->spans[i];
	double left = x_of(figure, span->begin_ns);
	double width = x_of(figure, span->end_ns) - left;
	double digits = number_width(i + 1);
	FILE *out = figure->out;

	top += NUMBER_HEIGHT + 2;
	fprintf(out,
		"<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
		left, top, fmax(width, 1), BOX_HEIGHT);
	if (width >= digits + (strlen(span->name) + 1) * CHARACTER) {
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%zu ",
			left + width / 2, top + 14, i + 1);
		results_write_escaped(out, span->name);
		fprintf(out, "</text>");
	} else if (numbers->n < ARRAY_SIZE(numbers->number)) {
		numbers->number[numbers->n] = i + 1;
		numbers->box[numbers->n++] = left + width / 2;
	}
	fprintf(out, "\n");
}

static void put_lane(const struct figure *figure, enum results_lane lane, double top)
{
	const struct results_timeline *timeline = figure->timeline;
	const struct results_span *span;
	struct numbers numbers;
	size_t unused;
	size_t row;
	size_t i;

	put_rule(figure, top);
	fprintf(figure->out, "<text class=\"strong\" x=\"0\" y=\"%.1f\">%s</text>\n",
		top + NUMBER_HEIGHT + 19, results_lane_name(lane));
	for (row = 0; row < figure->rows[lane]; row++, top += ROW_HEIGHT) {
		numbers.n = 0;
		for (i = 0; i < timeline->nr_spans; i++) {
			span = &timeline->spans[i];
			if (span->lane == lane && row_of(timeline, i, &unused) == row &&
			    !is_outside(figure, span->begin_ns, span->end_ns))
				put_box(figure, i, top + 2, &numbers);
		}
		put_numbers(figure, &numbers, top + 2);
	}
}

/* The longest time without an arrival in the blackout, whose ends count as arrivals. */
static void put_gap(const struct figure *figure, const struct results_arrivals *list, double top)
{
	const struct results_timeline *timeline = figure->timeline;
	int64_t last = timeline->begin_ns;
	int64_t from = last;
	int64_t longest = 0;
	char length[NUMBER_LEN];
	double left;
	double right;
	int64_t at;
	size_t i;

	for (i = 0; i <= list->n; i++) {
		at = i < list->n && list->at_ns[i] < timeline->end_ns ? list->at_ns[i] :
									timeline->end_ns;
		if (at < timeline->begin_ns)
			continue;
		if (at - last > longest) {
			longest = at - last;
			from = last;
		}
		last = at;
	}
	if (!longest)
		return;
	left = x_of(figure, from);
	right = x_of(figure, from + longest);
	fprintf(figure->out,
		"<path class=\"mark\" d=\"M%.1f %.1fv5H%.1fv-5\"/><text class=\"small\" x=\"%.1f\" "
		"y=\"%.1f\" text-anchor=\"middle\">longest gap %s</text>\n",
		left, top + 16, right, fmin(fmax((left + right) / 2, LEFT + 52), RIGHT - 52),
		top + 13, results_human(length, longest, "ns"));
}

/* Dots of a steady device touch but do not hide each other. */
static double radius_of(const struct figure *figure, const struct results_arrivals *list)
{
	double each = list->interval_ns;

	if (!list->interval_ns)
		each = (figure->high - figure->low) / (list->n + 1);
	return fmin(fmax(each * (RIGHT - LEFT) / (figure->high - figure->low) * 0.42, 1.8), 3.5);
}

static size_t put_device(const struct figure *figure, size_t i, double top)
{
	const struct results_arrivals *list = &figure->timeline->arrivals[i];
	bool blocked = !strcmp(list->device, RESULTS_BLOCKED_DEVICE);
	double middle = (x_of(figure, figure->timeline->begin_ns) +
			 x_of(figure, figure->timeline->end_ns)) / 2;
	double radius = radius_of(figure, list);
	double y = top + 32;
	FILE *out = figure->out;
	char every[NUMBER_LEN];
	size_t outside = 0;
	size_t j;

	put_rule(figure, top);
	fprintf(out, "<text class=\"strong\" x=\"0\" y=\"%.1f\">", top + 22);
	results_write_escaped(out, list->device);
	fprintf(out, "</text><text class=\"small soft\" x=\"0\" y=\"%.1f\">", top + 37);
	results_write_escaped(out, list->what);
	fprintf(out, ": %zu", list->n);
	if (blocked)
		fprintf(out, ", not preserved");
	if (list->interval_ns)
		fprintf(out, ", one every %s", results_human(every, list->interval_ns, "ns"));
	fprintf(out, "</text>\n");
	if (!list->n)
		fprintf(out,
			"<text class=\"small soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">nothing arrived</text>\n",
			middle, y + 4);
	fprintf(out, "<g fill=\"%s\">\n", blocked ? "var(--bad)" : results_series_colour(i));
	for (j = 0; j < list->n; j++) {
		if (is_outside(figure, list->at_ns[j], list->at_ns[j])) {
			outside++;
			continue;
		}
		fprintf(out,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>%.1f ms</title></circle>\n",
			x_of(figure, list->at_ns[j]), y, radius, list->at_ns[j] / 1e6);
	}
	fprintf(out, "</g>\n");
	if (list->interval_ns && list->n)
		put_gap(figure, list, top);
	return outside;
}

size_t results_timeline_svg(const struct results_timeline *timeline, FILE *out)
{
	struct figure figure = { .timeline = timeline, .out = out };
	size_t outside = 0;
	double top = HEAD;
	size_t i;

	measure(&figure);
	fprintf(out,
		"<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"Stages of the live update into cycle %" PRId64
		", and when DMA arrived\">\n",
		WIDTH, figure.height + FOOT, timeline->cycle);
	put_blackout(&figure);
	put_axis(&figure);
	for (i = 0; i < RESULTS_NR_LANES; i++) {
		put_lane(&figure, i, top);
		top += lane_height(&figure, i);
	}
	for (i = 0; i < timeline->nr_arrivals; i++, top += DEVICE_HEIGHT)
		outside += put_device(&figure, i, top);
	fprintf(out, "</svg>");
	return outside;
}
