// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened when around a live update: stages of both kernels, the blackout, and each arrival of
 * DMA that was seen from outside of the guest. Of each case one cycle is kept, to be drawn; its
 * numbers are metrics like any others.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "model_internal.h"

/* Far beyond what a controller writes: a damaged or foreign file may claim anything. */
#define MAX_TIMELINES 32
#define MAX_SPANS 64
#define MAX_DEVICES 16
#define MAX_ARRIVALS 16384
#define MAX_WORD 64
#define MAX_NS (1LL << 62)

static const char *const lanes[RESULTS_NR_LANES] = {
	[RESULTS_OLD_KERNEL] = "old kernel",
	[RESULTS_JUMP] = "jump",
	[RESULTS_NEW_KERNEL] = "new kernel",
};

const char *results_lane_name(enum results_lane lane)
{
	return (unsigned int)lane < RESULTS_NR_LANES ? lanes[lane] : "unknown";
}

static void clear_timeline(struct results_timeline *timeline)
{
	size_t i;

	for (i = 0; i < timeline->nr_spans; i++)
		free(timeline->spans[i].name);
	for (i = 0; i < timeline->nr_arrivals; i++) {
		free(timeline->arrivals[i].device);
		free(timeline->arrivals[i].what);
		free(timeline->arrivals[i].at_ns);
	}
	free(timeline->spans);
	free(timeline->arrivals);
	free(timeline->why);
	memset(timeline, 0, sizeof(*timeline));
}

void results_clear_timelines(struct results_case *test)
{
	size_t i;

	for (i = 0; i < test->nr_timelines; i++)
		clear_timeline(&test->timelines[i]);
	free(test->timelines);
	test->timelines = NULL;
	test->nr_timelines = 0;
}

static bool get_ns(struct json_object *value, int64_t *ns)
{
	if (!json_object_is_type(value, json_type_int))
		return false;
	*ns = json_object_get_int64(value);
	return *ns >= 0 && *ns <= MAX_NS;
}

static bool get_ns_of(struct json_object *event, const char *key, int64_t *ns)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) && get_ns(value, ns);
}

static bool get_times(struct json_object *event, int64_t *begin_ns, int64_t *end_ns)
{
	return get_ns_of(event, "begin_ns", begin_ns) && get_ns_of(event, "end_ns", end_ns) &&
	       *begin_ns <= *end_ns;
}

/* A short word or two that can be printed anywhere, or NULL. */
static const char *get_words(struct json_object *event, const char *key)
{
	const char *text = results_get_string(event, key);
	const char *c;

	if (!text || !*text || strlen(text) > MAX_WORD)
		return NULL;
	for (c = text; *c; c++)
		if (!isascii((unsigned char)*c) || !isprint((unsigned char)*c))
			return NULL;
	return text;
}

/* The readers set @objection and change nothing if they do not take the line. */

static int read_blackout(struct results_timeline *timeline, struct json_object *event,
			 const char **objection)
{
	int64_t begin_ns;
	int64_t end_ns;

	if (timeline->has_blackout) {
		*objection = "the cycle has one already";
	} else if (!get_times(event, &begin_ns, &end_ns)) {
		*objection = "its times are missing, or its end is before its begin";
	} else {
		timeline->has_blackout = true;
		timeline->begin_ns = begin_ns;
		timeline->end_ns = end_ns;
	}
	return 0;
}

static int read_span(struct results_timeline *timeline, struct json_object *event,
		     const char **objection)
{
	const char *lane = get_words(event, "lane");
	const char *name = get_words(event, "name");
	struct results_span span = { 0 };
	struct results_span *spans;

	while (lane && span.lane < RESULTS_NR_LANES && strcmp(lane, lanes[span.lane]))
		span.lane++;
	if (!lane || span.lane == RESULTS_NR_LANES)
		*objection = "its lane is unknown";
	else if (!name)
		*objection = "it has no name, or one that cannot be shown";
	else if (!get_times(event, &span.begin_ns, &span.end_ns))
		*objection = "its times are missing, or its end is before its begin";
	else if (timeline->nr_spans == MAX_SPANS)
		*objection = "the cycle has too many";
	if (*objection)
		return 0;
	spans = reallocarray(timeline->spans, timeline->nr_spans + 1, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	timeline->spans = spans;
	span.name = strdup(name);
	if (!span.name)
		return -ENOMEM;
	spans[timeline->nr_spans++] = span;
	return 0;
}

static bool has_device(const struct results_timeline *timeline, const char *device)
{
	size_t i;

	for (i = 0; i < timeline->nr_arrivals; i++)
		if (!strcmp(timeline->arrivals[i].device, device))
			return true;
	return false;
}

static const char *arrivals_objection(const struct results_timeline *timeline,
				      struct json_object *event, const struct results_arrivals *new,
				      struct json_object *at)
{
	if (!get_words(event, "device") || !get_words(event, "what"))
		return "it does not say which device, or what arrived";
	if (has_device(timeline, get_words(event, "device")))
		return "the cycle has this device already";
	if (new->interval_ns < 0 || new->uncertainty_ns < 0)
		return "it has no interval or no uncertainty";
	if (!json_object_is_type(at, json_type_array))
		return "it has no list of times";
	if (json_object_array_length(at) > MAX_ARRIVALS || timeline->nr_arrivals == MAX_DEVICES)
		return "there are too many";
	return NULL;
}

static int read_arrivals(struct results_timeline *timeline, struct json_object *event,
			 const char **objection)
{
	struct results_arrivals new = { 0 };
	struct results_arrivals *arrivals;
	struct json_object *at = NULL;
	int64_t *at_ns __freed = NULL;
	char *device __freed = NULL;
	char *what __freed = NULL;
	size_t i;

	if (!get_ns_of(event, "interval_ns", &new.interval_ns))
		new.interval_ns = -1;
	if (!get_ns_of(event, "uncertainty_ns", &new.uncertainty_ns))
		new.uncertainty_ns = -1;
	json_object_object_get_ex(event, "at_ns", &at);
	*objection = arrivals_objection(timeline, event, &new, at);
	if (*objection)
		return 0;
	new.n = json_object_array_length(at);
	/* One more, so that there is something to point to if nothing arrived. */
	at_ns = calloc(new.n + 1, sizeof(*at_ns));
	device = strdup(get_words(event, "device"));
	what = strdup(get_words(event, "what"));
	if (!at_ns || !device || !what)
		return -ENOMEM;
	for (i = 0; i < new.n; i++) {
		if (!get_ns(json_object_array_get_idx(at, i), &at_ns[i])) {
			*objection = "one of its times is none";
			return 0;
		}
	}
	arrivals = reallocarray(timeline->arrivals, timeline->nr_arrivals + 1, sizeof(*arrivals));
	if (!arrivals)
		return -ENOMEM;
	timeline->arrivals = arrivals;
	new.device = device;
	new.what = what;
	new.at_ns = at_ns;
	arrivals[timeline->nr_arrivals++] = new;
	device = NULL;
	what = NULL;
	at_ns = NULL;
	return 0;
}

/* The gap of a cycle that has been measured stays what it is, so it is looked up until then. */
static double gap_of(const struct results_case *test, struct results_timeline *timeline)
{
	const struct results_metric *gap =
		results_device_metric(test, "dma_gap_ns", RESULTS_STEADY_DEVICE);
	size_t i;

	for (i = gap && !isfinite(timeline->gap_ns) ? gap->n : 0; i-- > 0;) {
		if (gap->samples[i].cycle != timeline->cycle)
			continue;
		timeline->gap_ns = gap->samples[i].value;
		break;
	}
	return isfinite(timeline->gap_ns) ? timeline->gap_ns : -1;
}

/* Is @a rather the one to be drawn? One that cannot be drawn never is. */
static bool is_worse(const struct results_case *test, struct results_timeline *a,
		     struct results_timeline *b)
{
	double gap_a = gap_of(test, a);
	double gap_b = gap_of(test, b);

	if (a->has_blackout != b->has_blackout)
		return a->has_blackout;
	if (gap_a != gap_b)
		return gap_a > gap_b;
	return a->end_ns - a->begin_ns > b->end_ns - b->begin_ns;
}

static int get_timeline(struct results_case *test, int64_t cycle, struct results_timeline **found)
{
	struct results_timeline *timelines;
	struct results_timeline *new;
	size_t i;

	for (i = 0; i < test->nr_timelines; i++) {
		*found = &test->timelines[i];
		if ((*found)->cycle == cycle)
			return 0;
	}
	if (test->nr_timelines < MAX_TIMELINES) {
		timelines =
			reallocarray(test->timelines, test->nr_timelines + 1, sizeof(*timelines));
		if (!timelines)
			return -ENOMEM;
		test->timelines = timelines;
		new = &timelines[test->nr_timelines++];
	} else {
		/* Only the worst is wanted in the end: the mildest so far makes room. */
		new = &test->timelines[0];
		for (i = 1; i < test->nr_timelines; i++)
			if (is_worse(test, new, &test->timelines[i]))
				new = &test->timelines[i];
		clear_timeline(new);
	}
	*new = (struct results_timeline){ .cycle = cycle, .gap_ns = NAN };
	*found = new;
	return 0;
}

int results_read_timeline(struct results_case *test, const char *kind, struct json_object *event)
{
	static const struct {
		const char *kind;
		int (*read)(struct results_timeline *timeline, struct json_object *event,
			    const char **objection);
	} readers[] = {
		{ "blackout", read_blackout },
		{ "span", read_span },
		{ "arrivals", read_arrivals },
	};
	struct results_timeline *timeline;
	const char *objection = NULL;
	int64_t cycle = 0;
	size_t i;
	int ret = 0;

	if (test->unit && strcmp(test->unit, "ns"))
		objection = "the clock of the case counts something else";
	else if (!results_get_count(event, "cycle", &cycle) || !cycle)
		objection = "no live update leads into its cycle";
	else
		ret = get_timeline(test, cycle, &timeline);
	for (i = 0; !ret && !objection && i < ARRAY_SIZE(readers); i++)
		if (!strcmp(kind, readers[i].kind))
			ret = readers[i].read(timeline, event, &objection);
	if (!ret && objection)
		ret = results_refuse(test, "\"%s\" of cycle %lld was refused: %s", kind,
				     (long long)cycle, objection);
	return ret;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_spans(const void *a, const void *b)
{
	const struct results_span *x = a;
	const struct results_span *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* In order, and counted from the begin of the blackout. */
static void tidy(struct results_timeline *timeline)
{
	int64_t zero = timeline->begin_ns;
	struct results_arrivals *list;
	size_t i;
	size_t j;

	timeline->begin_ns = 0;
	timeline->end_ns -= zero;
	for (i = 0; i < timeline->nr_spans; i++) {
		timeline->spans[i].begin_ns -= zero;
		timeline->spans[i].end_ns -= zero;
	}
	if (timeline->nr_spans)
		qsort(timeline->spans, timeline->nr_spans, sizeof(*timeline->spans), compare_spans);
	for (i = 0; i < timeline->nr_arrivals; i++) {
		list = &timeline->arrivals[i];
		for (j = 0; j < list->n; j++)
			list->at_ns[j] -= zero;
		qsort(list->at_ns, list->n, sizeof(*list->at_ns), compare_times);
	}
}

static int explain(const struct results_case *test, struct results_timeline *timeline)
{
	const struct results_metric *gap =
		results_device_metric(test, "dma_gap_ns", RESULTS_STEADY_DEVICE);
	char text[128];

	if (!gap || !isfinite(timeline->gap_ns))
		snprintf(text, sizeof(text),
			 "it has the longest blackout; no gap of %s was measured",
			 RESULTS_STEADY_DEVICE);
	else if (timeline->gap_ns < gap->summary.max)
		snprintf(text, sizeof(text),
			 "it has the longest gap of %s of those that can be drawn, not of all %zu",
			 RESULTS_STEADY_DEVICE, gap->n);
	else if (gap->n == 1)
		snprintf(text, sizeof(text), "it is the only one with a measured gap of %s",
			 RESULTS_STEADY_DEVICE);
	else
		snprintf(text, sizeof(text),
			 "it has the longest gap of %s, the worst of %zu cycles",
			 RESULTS_STEADY_DEVICE, gap->n);
	return results_set_string(&timeline->why, text);
}

int results_settle_timeline(struct results_case *test)
{
	struct results_timeline chosen;
	size_t worst = 0;
	size_t i;

	if (!test->nr_timelines)
		return 0;
	for (i = 1; i < test->nr_timelines; i++)
		if (is_worse(test, &test->timelines[i], &test->timelines[worst]))
			worst = i;
	chosen = test->timelines[worst];
	test->timelines[worst] = test->timelines[--test->nr_timelines];
	for (i = 0; i < test->nr_timelines; i++)
		clear_timeline(&test->timelines[i]);
	test->timelines[0] = chosen;
	test->nr_timelines = 1;
	if (!chosen.has_blackout) {
		results_clear_timelines(test);
		return results_add_note(
			test->notes,
			"no cycle has a blackout, so there is no timeline to be drawn");
	}
	gap_of(test, &test->timelines[0]);
	tidy(&test->timelines[0]);
	return explain(test, &test->timelines[0]);
}
