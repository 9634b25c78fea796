// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plots by gnuplot(1), as SVG that fits into a page: its colours, and identifiers that are unique.
 * What is plotted and what is said about it is report.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "internal.h"
#include "render_internal.h"

#define PATIENCE_MS 30000
#define POLL_MS 5
/* Share of the axis that a label of five digits takes */
#define MIN_X_GAP 0.13
/* Steps are made for some five */
#define MAX_TICKS 12

extern char **environ;

/* Readable on white and on near-black, and apart for most people who see colours differently. */
static const char * const colours[] = {
	"#2f7fc1", "#d9731a", "#2a9d63", "#a467c4", "#c94f6d", "#8a8f98",
};

const char *results_series_colour(size_t i)
{
	return colours[i % ARRAY_SIZE(colours)];
}

struct range {
	double low;
	double high;
};

static bool extrapolates(const struct results_series *series)
{
	return isfinite(series->factor) && series->n && series->reach > series->x[series->n - 1];
}

static double fitted(const struct results_series *series, double x)
{
	return series->factor * pow(x, series->exponent);
}

static struct range range_of(const struct results_plot *plot, bool of_x)
{
	struct range range = { INFINITY, -INFINITY };
	const double *values;
	size_t i;
	size_t j;

	for (i = 0; i < plot->n; i++) {
		values = of_x ? plot->series[i].x : plot->series[i].y;
		for (j = 0; j < plot->series[i].n; j++) {
			range.low = fmin(range.low, values[j]);
			range.high = fmax(range.high, values[j]);
		}
		if (extrapolates(&plot->series[i]))
			range.high = fmax(range.high, of_x ? plot->series[i].reach :
						      fitted(&plot->series[i], plot->series[i].reach));
	}
	return range;
}

/* A little room on both sides, and never an empty range, which gnuplot refuses. */
static struct range widen(struct range range, bool log)
{
	double room;

	if (log) {
		/* A decade at least: what hardly grows shall look flat. */
		room = range.high / range.low;
		room = room < 8 ? sqrt(10 / room) : pow(room, 0.08);
		range.low /= room;
		range.high *= room;
	} else {
		room = range.high > range.low ? (range.high - range.low) * 0.08 :
		       fmax(fabs(range.high) * 0.1, 1);
		range.low -= room;
		range.high += room;
	}
	return range;
}

static void put_tick(FILE *out, const char **separator, double value, const char *unit)
{
	char text[NUMBER_LEN];

	fprintf(out, "%s\"%s\" %.17g", *separator, results_human(text, value, unit), value);
	*separator = ", ";
}

static void put_log_ticks(FILE *out, struct range range, const char *unit)
{
	static const double fine[] = { 1, 2, 5 };
	double decades = log10(range.high / range.low);
	size_t per_decade = decades < 2.5 ? 3 : 1;
	int step = decades > 7 ? 2 : 1;
	const char *separator = "";
	double value;
	int exponent;
	size_t i;

	for (exponent = floor(log10(range.low)); exponent <= ceil(log10(range.high));
	     exponent += step) {
		for (i = 0; i < per_decade; i++) {
			value = fine[i] * pow(10, exponent);
			if (value >= range.low && value <= range.high)
				put_tick(out, &separator, value, unit);
		}
	}
}

static void put_linear_ticks(FILE *out, struct range range, const char *unit)
{
	double rough = (range.high - range.low) / 5;
	double base = strcmp(unit, "bytes") ? 10 : 2;
	double step = pow(base, floor(log(rough) / log(base)));
	const char *separator = "";
	double first;
	double value;
	int i;

	if (base == 10)
		step *= rough / step > 5 ? 5 : rough / step > 2 ? 2 : 1;
	else if ((range.high - range.low) / step > 7)
		step *= 2;
	first = ceil(range.low / step);
	/* Counted: a step may be lost in a value that is huge. */
	for (i = 0; i < MAX_TICKS; i++) {
		value = (first + i) * step;
		if (!(value <= range.high))
			break;
		put_tick(out, &separator, fabs(value) < step / 1000 ? 0 : value, unit);
	}
}

/* Sizes that were measured, rather than powers of ten. */
static void put_x_ticks(FILE *out, const struct results_plot *plot, struct range range)
{
	double seen = -INFINITY;
	double labelled = -INFINITY;
	const char *separator = "";
	double x;
	size_t i;
	size_t j;

	for (;;) {
		/* The next x above those seen, in any series */
		x = INFINITY;
		for (i = 0; i < plot->n; i++)
			for (j = 0; j < plot->series[i].n; j++)
				if (plot->series[i].x[j] > seen)
					x = fmin(x, plot->series[i].x[j]);
		if (!isfinite(x))
			return;
		seen = x;
		/* Too near to the label before it: leave it out. */
		if (labelled > 0 && log(x / labelled) < MIN_X_GAP * log(range.high / range.low))
			continue;
		fprintf(out, "%s\"%.15g\" %.17g", separator, x, x);
		separator = ", ";
		labelled = x;
	}
}

static void put_script(const struct results_plot *plot, const char *id, FILE *out)
{
	struct range x = widen(range_of(plot, true), plot->log);
	struct range y = widen(range_of(plot, false), plot->log);
	const struct results_series *series;
	size_t i;
	size_t j;

	fprintf(out, "set encoding utf8\n");
	fprintf(out, "set terminal svg size 440,300 dynamic font 'sans-serif,13' name '%s'\n", id);
	fprintf(out, "set border 3\nset tics nomirror out scale 0.5\nunset key\n");
	fprintf(out, "set grid lc rgb '#888888' lw 0.5 dt 3\n");
	fprintf(out, "set xlabel \"%s\" offset 0,0.7 noenhanced\nset bmargin 3.4\n", plot->x_title);
	fprintf(out, "set xrange [%.17g:%.17g]\n", x.low, x.high);
	fprintf(out, "set yrange [%.17g:%.17g]\n", y.low, y.high);
	if (plot->log) {
		fprintf(out, "set logscale xy\nset xtics offset 0,0.3 noenhanced (");
		put_x_ticks(out, plot, x);
		fprintf(out, ")\nset ytics noenhanced (");
		put_log_ticks(out, y, plot->unit);
		fprintf(out, ")\n");
	} else {
		fprintf(out, "set ytics noenhanced (");
		put_linear_ticks(out, y, plot->unit);
		fprintf(out, ")\n");
	}
	for (i = 0; i < plot->n; i++) {
		series = &plot->series[i];
		fprintf(out, "$d%zu << END\n", i);
		for (j = 0; j < series->n; j++)
			fprintf(out, "%.17g %.17g\n", series->x[j], series->y[j]);
		fprintf(out, "END\n");
		if (!isfinite(series->factor))
			continue;
		/* In log-log two points are the whole line. */
		fprintf(out, "$f%zu << END\n", i);
		for (j = 0; j < series->n; j += series->n - 1)
			fprintf(out, "%.17g %.17g\n", series->x[j], fitted(series, series->x[j]));
		fprintf(out, "END\n");
		if (extrapolates(series))
			fprintf(out, "$e%zu << END\n%.17g %.17g\n%.17g %.17g\nEND\n", i,
				series->x[series->n - 1], fitted(series, series->x[series->n - 1]),
				series->reach, fitted(series, series->reach));
	}
	fprintf(out, "plot ");
	for (i = 0; i < plot->n; i++) {
		series = &plot->series[i];
		if (i)
			fprintf(out, ", ");
		if (isfinite(series->factor))
			fprintf(out, "$f%zu with lines lw 1.5 dt 2 lc rgb '%s', ", i,
				results_series_colour(i));
		if (extrapolates(series))
			fprintf(out, "$e%zu with lines lw 1 dt 3 lc rgb '%s', ", i,
				results_series_colour(i));
		fprintf(out, "$d%zu with %s lc rgb '%s'", i,
			plot->log ? "points pt 7 ps 0.7" : "lines lw 1.8", results_series_colour(i));
	}
	fprintf(out, "\n");
}

static int wait_for(pid_t pid)
{
	struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	int status;
	pid_t got;
	int ms;

	for (ms = 0; ms < PATIENCE_MS; ms += POLL_MS) {
		got = waitpid(pid, &status, WNOHANG);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == pid)
			return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
		nanosleep(&nap, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIMEDOUT;
}

static int run_gnuplot(FILE *script, FILE *output)
{
	static char name[] = "gnuplot";
	/* Nobody's own settings */
	static char option[] = "-d";
	char *argv[] = { name, option, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int ret;

	ret = -posix_spawn_file_actions_init(&actions);
	if (ret)
		return ret;
	ret = -posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
	if (!ret)
		ret = -posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
	if (!ret)
		ret = -posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = -posix_spawnp(&pid, name, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return ret ? ret : wait_for(pid);
}

/* One pass over gnuplot's SVG: colours of the page, identifiers of our own. */
static int adopt_svg(const char *text, const char *id, char **svg)
{
	const struct {
		const char *from;
		const char *prefix;
		const char *to;
	} changes[] = {
		{ "\"black\"", "", "\"currentColor\"" },
		{ "'black'", "", "'currentColor'" },
		{ "gnuplot_canvas", id, "_canvas" },
		{ "gpDot", id, "_dot" },
		{ "gpPt", id, "_pt" },
		{ "id='textbox'", "", "" },
		{ "id='greybox'", "", "" },
	};
	size_t len = 0;
	FILE *out;
	size_t i;

	text = strstr(text, "<svg");
	if (!text)
		return -EIO;
	out = open_memstream(svg, &len);
	if (!out)
		return -ENOMEM;
	while (*text) {
		for (i = 0; i < ARRAY_SIZE(changes); i++)
			if (!strncmp(text, changes[i].from, strlen(changes[i].from)))
				break;
		if (i < ARRAY_SIZE(changes)) {
			fprintf(out, "%s%s", changes[i].prefix, changes[i].to);
			text += strlen(changes[i].from);
		} else {
			fputc(*text++, out);
		}
	}
	return fclose(out) ? -ENOMEM : 0;
}

static int read_all(FILE *file, char **text)
{
	size_t len = 0;
	FILE *out = open_memstream(text, &len);
	char buffer[4096];
	size_t n;

	if (!out)
		return -ENOMEM;
	rewind(file);
	while ((n = fread(buffer, 1, sizeof(buffer), file)))
		fwrite(buffer, 1, n, out);
	return fclose(out) ? -ENOMEM : 0;
}

int results_plot_svg(const struct results_plot *plot, const char *id, char **svg)
{
	FILE *script __fclose = tmpfile();
	FILE *output __fclose = tmpfile();
	char *text __freed = NULL;
	int ret;

	if (!script || !output)
		return -errno;
	put_script(plot, id, script);
	if (fflush(script) || ferror(script))
		return -EIO;
	rewind(script);
	ret = run_gnuplot(script, output);
	if (!ret)
		ret = read_all(output, &text);
	return ret ? ret : adopt_svg(text, id, svg);
}
