// SPDX-License-Identifier: GPL-2.0-only
/* See progress.h. */
#include <string.h>

#include <flbench/workload.h>

#include "progress.h"
#include "util.h"

/* Without a terminal a sign of life this often, in seconds, besides a line for each cycle. */
#define LINE_SECONDS 60
#define REFRESH_SECONDS 0.5

/*
 * Seconds on one core of a usual server under TCG: a boot, a kexec, and what each mapping of a
 * domain costs in a cycle (written, translated, compared and mapped anew). Only the order of
 * magnitude matters: the display corrects itself by what it sees.
 */
#define BOOT_SECONDS 8.0
#define CYCLE_SECONDS 6.0
#define MAPPING_SECONDS 0.00015
/* Devices that do DMA are given time to do it. */
#define DMA_CYCLE_SECONDS 10.0
/* fio is started ten times for both drivers, and twice for both domains. */
#define FIO_PEERS_SECONDS 12.0
#define FIO_DOMAINS_SECONDS 3.0
/* DPDK is started six times. */
#define DPDK_CYCLE_SECONDS 25.0

/* The kernel's own handling of pages: what each costs, and what stock's list of them does. */
#define PAGE_SECONDS 0.00003
#define STOCK_SQUARE_SECONDS 0.00000004

static double pages_seconds(const struct plan_case *c)
{
	double pages = plan_number(c, OPT_pages), seconds = pages * PAGE_SECONDS;

	if (!strcmp(plan_text(c, OPT_method), "stock") &&
	    !strcmp(plan_text(c, OPT_layout), "scattered"))
		seconds += pages * pages * STOCK_SQUARE_SECONDS;
	return seconds;
}

/* What is measured in each kernel is most of it. */
static double fio_seconds(const struct plan_case *c)
{
	const char *measure = plan_text(c, OPT_fio_measure);

	if (!strcmp(plan_text(c, OPT_scenario), "loop") && !strcmp(measure, "all"))
		return DMA_CYCLE_SECONDS + FIO_PEERS_SECONDS + FIO_DOMAINS_SECONDS;
	if (!strcmp(plan_text(c, OPT_scenario), "loop") && !strcmp(measure, "domains"))
		return DMA_CYCLE_SECONDS + FIO_DOMAINS_SECONDS;
	return DMA_CYCLE_SECONDS;
}

double progress_expected(const struct plan_case *c)
{
	const char *workload = plan_text(c, OPT_workload);
	double cycle = (workload_has(workload, "fio") ? fio_seconds(c) : 0) +
		       (workload_has(workload, "dma") ? DMA_CYCLE_SECONDS : 0) +
		       (workload_has(workload, "dpdk") ? DPDK_CYCLE_SECONDS : 0) +
		       (!strcmp(workload, "none") ? CYCLE_SECONDS : 0);
	double mappings = (double)plan_number(c, OPT_domains) * plan_number(c, OPT_mappings);

	if (!strcmp(plan_text(c, OPT_scenario), "preserve-pages"))
		return BOOT_SECONDS + pages_seconds(c);
	return BOOT_SECONDS +
	       (plan_number(c, OPT_cycles) + 1) * (cycle + mappings * MAPPING_SECONDS);
}

const char *progress_time(double seconds)
{
	static char text[32];
	long whole = seconds + 0.5;

	if (whole < 60)
		snprintf(text, sizeof(text), "%ld s", whole);
	else if (whole < 3600)
		snprintf(text, sizeof(text), "%ld min %02ld s", whole / 60, whole % 60);
	else
		snprintf(text, sizeof(text), "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
	return text;
}

void progress_start(struct progress *progress, const char *mode, const struct plan_matrix *matrix)
{
	memset(progress, 0, sizeof(*progress));
	progress->nr_cases = matrix->nr_cases;
	progress->quiet = !strcmp(mode, "none");
	progress->tty = !strcmp(mode, "line") || (!strcmp(mode, "auto") && isatty(STDOUT_FILENO));
}

void progress_kept(const struct progress *progress, const struct plan_matrix *matrix, size_t index,
		   const char *verdict)
{
	if (!progress->quiet)
		printf("[%zu/%zu] %s: %s, kept from before\n", index + 1, progress->nr_cases,
		       matrix->cases[index].name, verdict);
}

void progress_case(struct progress *progress, const struct plan_matrix *matrix, size_t index,
		   double rest)
{
	const struct plan_case *c = &matrix->cases[index];

	progress->index = index;
	progress->name = c->name;
	progress->cycles = plan_number(c, OPT_cycles);
	progress->case_started = seconds_now();
	progress->expected = progress_expected(c);
	progress->expected_rest = rest;
	progress->last_cycle = -1;
	progress->last_shown = 0;
	progress->stage[0] = '\0';
}

double progress_left(const struct progress *progress, const struct verdict *verdict)
{
	double elapsed = seconds_now() - progress->case_started;
	double total = progress->expected;
	/* How much slower or faster than the model this machine is. */
	double pace = progress->spent_expected > 0 ? progress->spent / progress->spent_expected : 1;

	total *= pace;
	/* Once cycles are over, they tell more than any model. */
	if (verdict->cycle)
		total = (progress->cycle_started - progress->case_started) / verdict->cycle *
			(progress->cycles + 1);
	/* It is not over before it is over. */
	if (total < 1.05 * elapsed)
		total = 1.05 * elapsed;
	pace = (progress->spent + total) / (progress->spent_expected + progress->expected);
	return total - elapsed + progress->expected_rest * pace;
}

void progress_update(struct progress *progress, const struct verdict *verdict, const char *stage)
{
	double now = seconds_now();
	bool new_cycle = verdict->cycle != progress->last_cycle;
	char left[32];

	if (new_cycle)
		progress->cycle_started = now;
	progress->last_cycle = verdict->cycle;
	if (progress->quiet)
		return;
	if (progress->tty ? now - progress->last_shown < REFRESH_SECONDS && !new_cycle :
			    now - progress->last_shown < LINE_SECONDS && !new_cycle)
		return;
	snprintf(left, sizeof(left), "%s", progress_time(progress_left(progress, verdict)));
	printf("%s[%zu/%zu] %s: cycle %ld of %ld%s%s, about %s left%s", progress->tty ? "\r" : "",
	       progress->index + 1, progress->nr_cases, progress->name, verdict->cycle,
	       progress->cycles, *stage ? ", " : "", stage, left, progress->tty ? "\033[K" : "\n");
	fflush(stdout);
	progress->last_shown = now;
}

void progress_done(struct progress *progress, const char *verdict, const char *detail)
{
	double took = seconds_now() - progress->case_started;

	progress->spent += took;
	progress->spent_expected += progress->expected;
	if (progress->quiet)
		return;
	printf("%s[%zu/%zu] %s: %s in %s: %s\n", progress->tty ? "\r\033[K" : "",
	       progress->index + 1, progress->nr_cases, progress->name, verdict,
	       progress_time(took), detail);
	fflush(stdout);
}
