/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model as text for people and for other programs, and as a page. Nothing here judges.
 */
#ifndef FLBENCH_RENDER_H
#define FLBENCH_RENDER_H

#include <stdio.h>

#include <flbench/model.h>

/**
 * enum results_format - what results_render() writes
 * @RESULTS_TEXT: tables for a terminal, a line per metric
 * @RESULTS_JSON: results.json, schema flbench/1
 * @RESULTS_CSV: one row per metric, RFC 4180
 * @RESULTS_KTAP: KTAP version 1 (Documentation/dev-tools/ktap.rst), checks nested in cases
 * @RESULTS_KCIDB: KCIDB I/O schema, version 4.0: checkouts, builds, tests
 */
enum results_format {
	RESULTS_TEXT,
	RESULTS_JSON,
	RESULTS_CSV,
	RESULTS_KTAP,
	RESULTS_KCIDB,
};

/**
 * results_format_parse() - a format by its name
 * @name: "text", "json", "csv", "ktap" or "kcidb"; may be NULL
 * @format: set on success
 *
 * Return: 0, or -EINVAL if there is no such format.
 */
int results_format_parse(const char *name, enum results_format *format);

/**
 * results_render() - write a model in a format
 * @model: the model
 * @format: which one
 * @out: stream; flushed
 *
 * Return: 0, -ENOMEM, or -EIO if @out does not take it.
 */
int results_render(const struct results_model *model, enum results_format format, FILE *out);

/**
 * results_render_targets() - write the table of targets as text; nothing if the run has none
 * @model: the model
 * @out: stream
 */
void results_render_targets(const struct results_model *model, FILE *out);

/**
 * results_report() - write a model as one HTML page
 * @model: the model
 * @out: stream; flushed
 *
 * The page needs no network and no script. Plots come from gnuplot(1); without it the page says so
 * in their place, the log gets a warning, and this still succeeds.
 *
 * Return: 0, -ENOMEM, or -EIO if @out does not take it.
 */
int results_report(const struct results_model *model, FILE *out);

/**
 * results_publish() - bring results.json and report.html of a directory up to date
 * @store: the store; its events are read again from the disk
 *
 * Return: 0 or the errno of what failed; the files are replaced as a whole or not at all.
 */
int results_publish(struct results_store *store);

#endif
