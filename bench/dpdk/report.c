// SPDX-License-Identifier: GPL-2.0-only
/*
 * What came of a run of flbench-dpdk, as JSON: metrics with name, unit, value and labels, as in the
 * results of flbench (docs/results.md). Cycles are the TSC's; tsc_hz says how many a second has.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "dpdk.h"

struct subject {
	struct json_object *report;
	const struct options *o;
	const char *port;
	int queue;
	uint32_t size;
	unsigned int run;
};

const char *mode_name(enum mode mode)
{
	static const char *const names[] = { "rx", "tx", "forward", "loop", "dma" };

	return names[mode];
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text));
}

static void add_number(struct json_object *to, const char *key, uint64_t number)
{
	json_object_object_add(to, key, json_object_new_uint64(number));
}

static void metric(const struct subject *subject, const char *name, const char *unit,
		   uint64_t value)
{
	struct json_object *one = json_object_new_object(), *labels = json_object_new_object(),
			   *metrics;

	add_text(one, "name", name);
	add_text(one, "unit", unit);
	add_number(one, "value", value);
	add_text(labels, "mode", mode_name(subject->o->mode));
	add_number(labels, "burst", subject->o->burst);
	if (page_bytes(subject->o))
		add_number(labels, "page_bytes", page_bytes(subject->o));
	if (subject->port)
		add_text(labels, "port", subject->port);
	if (subject->queue >= 0)
		add_number(labels, "queue", subject->queue);
	if (subject->size)
		add_number(labels, "size", subject->size);
	if (subject->o->repeat > 1 && subject->port)
		add_number(labels, "run", subject->run);
	json_object_object_add(one, "labels", labels);
	json_object_object_get_ex(subject->report, "metrics", &metrics);
	json_object_array_add(metrics, one);
}

struct json_object *report_new(const struct options *o, int node, const char *lcores)
{
	struct json_object *report = json_object_new_object();

	add_text(report, "schema", "flbench-dpdk/1");
	add_text(report, "mode", mode_name(o->mode));
	add_number(report, "tsc_hz", rte_get_tsc_hz());
	add_number(report, "node", node);
	add_text(report, "lcores", lcores);
	json_object_object_add(report, "metrics", json_object_new_array());
	return report;
}

static void report_latency(const struct subject *subject, const struct histogram *latency)
{
	static const struct {
		const char *name;
		uint32_t ppm;
	} percentiles[] = {
		{ "latency_p50_cycles", 500000 },
		{ "latency_p90_cycles", 900000 },
		{ "latency_p99_cycles", 990000 },
		{ "latency_p999_cycles", 999000 },
	};

	metric(subject, "latency_min_cycles", "cycles", latency->min);
	for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
		metric(subject, percentiles[i].name, "cycles",
		       histogram_percentile(latency, percentiles[i].ppm));
	metric(subject, "latency_max_cycles", "cycles", latency->max);
}

/* Beside the metrics, since it is a row of numbers: a member "throughput". */
static void report_intervals(const struct subject *subject, const struct stream *s)
{
	struct json_object *list, *one = json_object_new_object(),
				  *values = json_object_new_array();

	if (!json_object_object_get_ex(subject->report, "throughput", &list)) {
		list = json_object_new_array();
		json_object_object_add(subject->report, "throughput", list);
	}
	add_text(one, "port", subject->port);
	add_number(one, "queue", s->queue);
	add_number(one, "size", s->size);
	add_number(one, "run", s->run);
	add_text(one, "unit", "packets");
	add_number(one, "interval_cycles", subject->o->interval * rte_get_tsc_hz() / 1000000);
	for (unsigned int i = 0; i < s->nr_intervals; i++)
		json_object_array_add(values, json_object_new_int64(s->intervals[i]));
	json_object_object_add(one, "values", values);
	add_number(one, "rest", s->intervals[s->nr_intervals]);
	json_object_array_add(list, one);
}

void report_stream(struct json_object *report, const struct options *o, const char *name,
		   const struct stream *s)
{
	const struct subject subject = { report, o, name, s->queue, s->size, s->run };

	if (o->mode == MODE_DMA) {
		metric(&subject, "copies", "copies", s->rx_packets);
		metric(&subject, "copied_bytes", "bytes", s->tx_bytes);
	} else {
		metric(&subject, "rx_packets", "packets", s->rx_packets);
		metric(&subject, "rx_bytes", "bytes", s->rx_bytes);
		metric(&subject, "tx_packets", "packets", s->tx_packets);
		metric(&subject, "tx_bytes", "bytes", s->tx_bytes);
		metric(&subject, "tx_dropped_packets", "packets", s->tx_dropped);
	}
	metric(&subject, "polls", "polls", s->polls);
	metric(&subject, "empty_polls", "polls", s->empty_polls);
	metric(&subject, "busy_cycles", "cycles", s->busy_cycles);
	metric(&subject, "empty_cycles", "cycles", s->empty_cycles);
	if (s->first_cycles) {
		metric(&subject, "first_packet_tsc_cycles", "cycles", s->first_cycles);
		metric(&subject, "last_packet_tsc_cycles", "cycles", s->moved_cycles);
	}
	/* On the clock of the TSC, with which a second of other machines is not to be compared. */
	if (s->busy_cycles + s->empty_cycles) {
		uint64_t packets = s->rx_packets > s->tx_packets ? s->rx_packets : s->tx_packets;

		metric(&subject, "throughput_packets_per_second", "packets/s",
		       (__uint128_t)packets * rte_get_tsc_hz() /
			       (s->busy_cycles + s->empty_cycles));
	}
	if (s->latency && s->latency->nr)
		report_latency(&subject, s->latency);
	if (s->intervals)
		report_intervals(&subject, s);
}

void report_check(struct json_object *report, const struct options *o, const char *name,
		  uint32_t size, unsigned int run, const struct check *check)
{
	const struct subject subject = { report, o, name, -1, size, run };
	const char *unit = o->mode == MODE_DMA ? "copies" : "frames";
	const struct {
		const char *what;
		uint64_t value;
	} figures[] = {
		{ "expected", check->expected },   { "arrived", check->arrived },
		{ "lost", check->lost },	   { "duplicated", check->duplicated },
		{ "reordered", check->reordered }, { "foreign", check->foreign },
		{ "damaged", check->damaged },
	};
	char full[64];

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		snprintf(full, sizeof(full), "%s_%s", figures[i].what, unit);
		metric(&subject, full, unit, figures[i].value);
	}
	if (o->mode == MODE_DMA || !check->arrived)
		return;
	metric(&subject, "first_number", "number", check->first);
	metric(&subject, "last_number", "number", check->last);
}

void report_port(struct json_object *report, const struct options *o, const char *name,
		 uint32_t size, unsigned int run, uint16_t port)
{
	const struct subject subject = { report, o, name, -1, size, run };
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(port, &stats))
		return;
	metric(&subject, "device_rx_packets", "packets", stats.ipackets);
	metric(&subject, "device_tx_packets", "packets", stats.opackets);
	metric(&subject, "device_missed_packets", "packets", stats.imissed);
	metric(&subject, "device_rx_errors", "packets", stats.ierrors);
	metric(&subject, "device_tx_errors", "packets", stats.oerrors);
	metric(&subject, "device_no_buffer", "packets", stats.rx_nombuf);
}

void report_figure(struct json_object *report, const struct options *o, const char *name,
		   const char *unit, uint64_t value)
{
	const struct subject subject = { report, o, NULL, -1, 0, 0 };

	metric(&subject, name, unit, value);
}

int report_write(struct json_object *report, const struct options *o)
{
	const char *text = json_object_to_json_string_ext(
		report, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	FILE *file = o->output ? fopen(o->output, "we") : stdout;
	int err = 0;

	if (!file)
		return complain(-errno, "%s: cannot write the result: %s", o->output,
				strerror(errno));
	if (fprintf(file, "%s\n", text) < 0 || fflush(file))
		err = -errno;
	if (o->output && fclose(file) && !err)
		err = -errno;
	return err ? complain(err, "%s: cannot write the result: %s",
			      o->output ? o->output : "standard output", strerror(-err)) :
		     0;
}
