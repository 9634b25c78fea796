// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics as CSV after RFC 4180: one header line, one row per metric, CRLF, a column per label.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "render_internal.h"

static void put_field(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(out, "%s", text);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void put_number(FILE *out, double number)
{
	/* Not defined is an empty field. */
	if (isfinite(number))
		fprintf(out, ",%.17g", number);
	else
		fprintf(out, ",");
}

/* The keys of all labels of all metrics, in the order in which they appear. */
static struct json_object *label_keys(const struct results_model *model)
{
	struct json_object *keys = json_object_new_object();
	size_t i;
	size_t j;

	for (i = 0; keys && i < model->nr_cases; i++) {
		for (j = 0; j < model->cases[i].nr_metrics; j++) {
			json_object_object_foreach(model->cases[i].metrics[j].labels, key, value) {
				(void)value;
				if (json_object_object_add(keys, key, NULL)) {
					json_object_put(keys);
					return NULL;
				}
			}
		}
	}
	return keys;
}

static void put_row(FILE *out, const struct results_case *test, const struct results_metric *metric,
		    struct json_object *keys)
{
	const struct results_summary *summary = &metric->summary;
	struct json_object *value;

	put_field(out, test->name);
	fprintf(out, ",%s,", results_verdict_name(test->verdict));
	put_field(out, metric->name);
	fputc(',', out);
	put_field(out, metric->unit);
	json_object_object_foreach(keys, key, unused) {
		(void)unused;
		fputc(',', out);
		if (json_object_object_get_ex(metric->labels, key, &value))
			put_field(out, json_object_get_string(value));
	}
	fprintf(out, ",%zu", metric->n);
	put_number(out, summary->min);
	put_number(out, summary->median);
	put_number(out, summary->mean);
	put_number(out, summary->stddev);
	put_number(out, summary->ci95[0]);
	put_number(out, summary->ci95[1]);
	put_number(out, summary->max);
	fprintf(out, "\r\n");
}

int results_render_csv(const struct results_model *model, FILE *out)
{
	struct json_object *keys __json = label_keys(model);
	size_t i;
	size_t j;

	if (!keys)
		return -ENOMEM;
	fprintf(out, "case,verdict,metric,unit");
	json_object_object_foreach(keys, key, unused) {
		(void)unused;
		fputc(',', out);
		put_field(out, key);
	}
	fprintf(out, ",n,min,median,mean,stddev,ci95_low,ci95_high,max\r\n");
	for (i = 0; i < model->nr_cases; i++)
		for (j = 0; j < model->cases[i].nr_metrics; j++)
			put_row(out, &model->cases[i], &model->cases[i].metrics[j], keys);
	return 0;
}
