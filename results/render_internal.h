/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the renderers: words and numbers for people, and plots.
 */
#ifndef FLBENCH_RENDER_INTERNAL_H
#define FLBENCH_RENDER_INTERNAL_H

#include <flbench/render.h>

#define NUMBER_LEN 48

int results_render_text(const struct results_model *model, FILE *out);
int results_render_csv(const struct results_model *model, FILE *out);
int results_render_ktap(const struct results_model *model, FILE *out);
int results_render_kcidb(const struct results_model *model, FILE *out);

/* Columns that a string takes: bytes that go on with a UTF-8 character take none. */
int results_columns(const char *text);

/* Fill up to a width: to the right of the text, or to the left of it if that is below 0. */
void results_put(FILE *out, const char *text, int width);

/* Three significant digits and a unit that people read: "12.3 M", "4.56 ms", "1.5 MiB". Into @text. */
const char *results_human(char text[NUMBER_LEN], double value, const char *unit);

/* What the verdict of the run means, one sentence. */
void results_verdict_sentence(const struct results_model *model, FILE *out);

/* What was run, one sentence. */
void results_run_sentence(const struct results_model *model, FILE *out);

/* What the numbers are, and are not, one sentence. */
const char *results_clock_sentence(const struct results_model *model);

/* "domains 64, preserve false": labels but those in @without (NULL for none), "-" if none is left. */
void results_write_labels(FILE *out, struct json_object *labels, struct json_object *without);

/* @title and "cycle 3 (5123), 7 (4096) and 2 more"; nothing if there are none. */
void results_write_outliers(FILE *out, const struct results_metric *metric, const char *title);

/* How precise the main metrics of a case are that asked for it, and what was wanted; a sentence. */
void results_precision_sentence(const struct results_case *test, FILE *out);

/* One series of throughput: its level, or why it has none. And both sides of a live update. Sentences. */
void results_throughput_sentence(const struct results_throughput *series, FILE *out);
void results_recovery_sentence(const struct results_case *test, const struct results_recovery *recovery,
			       FILE *out);

#define RESULTS_MAX_DEVICES 16
#define RESULTS_NR_DMA_COLUMNS 9

/* What a table of devices shows, a metric a column; @brief is for where there is little room. */
struct results_dma_column {
	const char *metric;
	const char *title;
	const char *brief;
};

extern const struct results_dma_column results_dma_columns[RESULTS_NR_DMA_COLUMNS];

/* Devices that any of these metrics is known of, in order of appearance; how many. */
size_t results_dma_devices(const struct results_case *test,
			   const char *devices[RESULTS_MAX_DEVICES]);

/* The label "device" of a metric, or NULL. */
const char *results_device_of(const struct results_metric *metric);

/* "23 ms [41 ms]": median and maximum over the cycles, one of them where all are equal. NULL is a dash. */
void results_write_dma(FILE *out, const struct results_metric *metric);

#define RESULTS_WORTH_GAP "dpdk_gap"
#define RESULTS_WORTH_LEN 96
#define RESULTS_WORTH_SENTENCE                                                                  \
	"DPDK keeps nothing over a live update and is started anew; what is preserved goes on with its DMA meanwhile."

/* A row of what preservation is worth: whose figure, which, and the median over the cycles. */
struct results_worth {
	const char *side;
	const char *what;
	char value[RESULTS_WORTH_LEN];
};

/* Does a case that came to a good end have DPDK beside devices that are preserved? */
bool results_has_worth(const struct results_case *test);

/* The next row from *@i, which starts at 0; false if there is none. Only of results_has_worth(). */
bool results_worth_row(const struct results_case *test, size_t *i, struct results_worth *row);

/* Sections on it, one for each such case. */
void results_report_worth(const struct results_model *model, FILE *out);

/* What a target allows: "1 : 1500", "5 %", "500 k"; a dash where it is only shown. Into @text. */
const char *results_target_limit(char text[NUMBER_LEN], const struct results_target *target);

/* A side of a target, @number; and what is compared with the limit. Into @text. */
const char *results_target_number(char text[NUMBER_LEN], const struct results_target *target,
				  double number);
const char *results_target_value(char text[NUMBER_LEN], const struct results_target *target);

/* "met", "not met, lost: the reference met it". Static. */
const char *results_target_words(const struct results_target *target);

/* What was measured natively at one size: stock takes @ratio times as long as ours. */
struct results_native {
	double pages;
	double n;
	double ratio;
	double ci95[2];
	double outliers[2];
};

/* Row @i, from 0; false if there is none. And what it was measured on, a sentence. */
bool results_native_row(const struct results_model *model, size_t i, struct results_native *row);
void results_native_sentence(const struct results_model *model, FILE *out);

/* Text into a page. */
void results_write_escaped(FILE *out, const char *text);

/* The figure of a timeline, as an <svg> element; how many arrivals lie outside of what it shows. */
size_t results_timeline_svg(const struct results_timeline *timeline, FILE *out);

/* What fio measured: the table as text and as a section, and a sentence on each restored domain. */
void results_render_rates(const struct results_model *model, FILE *out);
void results_report_rates(const struct results_model *model, FILE *out);

/* Sections on DMA, one for each case that has any. */
void results_report_dma(const struct results_model *model, FILE *out);

struct results_series {
	const double *x;
	const double *y;
	size_t n;
	/* y = factor * x^exponent, drawn dashed; NAN for none */
	double factor;
	double exponent;
	/* The fit goes on to this x, in another dash; 0 to the last point only */
	double reach;
};

struct results_plot {
	const char *x_title;
	/* Unit of y for the ticks, as in results_human() */
	const char *unit;
	bool log;
	const struct results_series *series;
	size_t n;
};

/* Colour of a series, as CSS has it. */
const char *results_series_colour(size_t i);

/*
 * Draw with gnuplot. *@svg is an <svg> element to be put inline, in colours of its own that suit light
 * and dark pages; text in currentColor. @id must be unique in the page. -ENOENT if there is no gnuplot.
 */
int results_plot_svg(const struct results_plot *plot, const char *id, char **svg);

#endif
