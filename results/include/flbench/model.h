/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a results directory says: cases, checks, metrics, statistics over cycles, growth and
 * scaling, and the verdict. Reads events.jsonl, plan.ini, environment.json and the consoles; never
 * writes. The events are described in docs/results.md.
 */
#ifndef FLBENCH_MODEL_H
#define FLBENCH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/results.h>
#include <flbench/stats.h>

/**
 * struct results_sample - one value of a metric
 * @cycle: live updates before it; 0 is before the first kexec
 * @value: in the metric's unit
 */
struct results_sample {
	int64_t cycle;
	double value;
};

/**
 * struct results_metric - the values of one metric in one case, with equal labels
 * @name: such as "preserve_instructions"; carries the unit
 * @unit: "instructions", "ns", "bytes", "count", ...
 * @labels: JSON object of scalars, sorted by key; those of the case are merged in
 * @samples: in the order of the events
 * @n: number of @samples
 * @summary: over @samples
 * @fences: of @samples: what is beyond is an outlier, which counts as the others do
 */
struct results_metric {
	char *name;
	char *unit;
	struct json_object *labels;
	struct results_sample *samples;
	size_t n;
	struct results_summary summary;
	double fences[2];
};

/**
 * enum results_steadiness - what is known of a series of throughput
 * @RESULTS_STEADY: it becomes steady
 * @RESULTS_NOT_STEADY: it does not: what is left without the warm-up has a trend
 * @RESULTS_TOO_SHORT: it has too few intervals to tell
 */
enum results_steadiness {
	RESULTS_STEADY,
	RESULTS_NOT_STEADY,
	RESULTS_TOO_SHORT,
};

/** results_steadiness_name() - "steady", "not steady", "too short"; static */
const char *results_steadiness_name(enum results_steadiness steadiness);

/**
 * struct results_throughput - what a workload did in each of a row of intervals, in one kernel
 * @name: such as "dpdk_forward"
 * @cycle: of the kernel
 * @after: in the kernel after a live update; else in the kernel before it
 * @unit: of @values: "packets"
 * @interval: length of an interval; the first one begins with the first packet or I/O
 * @interval_unit: of @interval: "instructions" or "ns"
 * @values: of each interval
 * @n: number of @values
 * @steadiness: does it become steady?
 * @warmup: intervals before it is, which @level leaves out; if it is not steady those without which there
 *	still is a trend
 * @trend_p: as in struct results_steady; NAN if it is too short
 * @level: from @warmup on, by results_level(); only if it is steady
 * @fences: of the values from @warmup on: what is beyond is an outlier, which counts as the others do
 */
struct results_throughput {
	char *name;
	int64_t cycle;
	bool after;
	char *unit;
	int64_t interval;
	const char *interval_unit;
	double *values;
	size_t n;
	enum results_steadiness steadiness;
	size_t warmup;
	double trend_p;
	struct results_summary level;
	double fences[2];
};

/**
 * struct results_recovery - a live update between two series of throughput
 * @before: in the old kernel, index in the case's throughput
 * @after: in the new one, likewise
 * @compared: both are steady, and @change says by how much the level changed
 * @change: of the level
 */
struct results_recovery {
	size_t before;
	size_t after;
	bool compared;
	struct results_change change;
};

/**
 * struct results_check - all outcomes of one check in one case
 * @name: such as "translate"
 * @passed: how often it passed
 * @failed: how often it failed
 * @skipped: how often it was skipped
 * @verdict: fail if it ever failed, pass if it ever passed, else skip
 * @detail: of the first failure, else of the first outcome that has one; may be ""
 * @failures: JSON array of the first failures: { "cycle", "detail" }
 */
struct results_check {
	char *name;
	size_t passed;
	size_t failed;
	size_t skipped;
	enum results_verdict verdict;
	char *detail;
	struct json_object *failures;
	/* private: cycles in which it passed, a bit each */
	uint64_t *cycles;
	size_t nr_words;
};

/**
 * enum results_lane - who was at work in a stage of a live update
 * @RESULTS_OLD_KERNEL: user space of the kernel that left
 * @RESULTS_JUMP: no user space: kexec, and the new kernel's boot
 * @RESULTS_NEW_KERNEL: user space of the kernel that came
 * @RESULTS_NR_LANES: number of lanes
 */
enum results_lane {
	RESULTS_OLD_KERNEL,
	RESULTS_JUMP,
	RESULTS_NEW_KERNEL,
	RESULTS_NR_LANES,
};

/**
 * results_lane_name() - a lane as it is written in files ("old kernel", "jump", "new kernel")
 * @lane: any value; out of range gives "unknown"
 *
 * Return: a static string.
 */
const char *results_lane_name(enum results_lane lane);

/**
 * struct results_span - a stage of a live update
 * @lane: whose
 * @name: such as "preserve"; printable ASCII
 * @begin_ns: from the begin of the blackout, negative before it
 * @end_ns: likewise, not before @begin_ns
 */
struct results_span {
	enum results_lane lane;
	char *name;
	int64_t begin_ns;
	int64_t end_ns;
};

/**
 * struct results_arrivals - DMA of one device as it was seen from outside of the guest
 * @device: such as "igb"; printable ASCII
 * @what: what arrived: "frames"
 * @interval_ns: from one to the next as they are sent, 0 if there is no steady rate
 * @uncertainty_ns: an arrival may have been so much earlier than it was seen
 * @at_ns: when each was seen, from the begin of the blackout, rising
 * @n: number of @at_ns
 */
struct results_arrivals {
	char *device;
	char *what;
	int64_t interval_ns;
	int64_t uncertainty_ns;
	int64_t *at_ns;
	size_t n;
};

/**
 * struct results_timeline - what happened when around one live update
 * @cycle: the live update leads into the kernel of this cycle
 * @why: why this cycle and no other, a sentence about "it" without a full stop
 * @gap_ns: its dma_gap_ns of the network card, NAN if that was not measured
 * @begin_ns: the blackout's begin: 0
 * @end_ns: the blackout's end
 * @spans: by their begin
 * @nr_spans: number of @spans
 * @arrivals: one for each device, in the order of the events
 * @nr_arrivals: number of @arrivals
 */
struct results_timeline {
	int64_t cycle;
	char *why;
	double gap_ns;
	int64_t begin_ns;
	int64_t end_ns;
	struct results_span *spans;
	size_t nr_spans;
	struct results_arrivals *arrivals;
	size_t nr_arrivals;
	/* private: while reading */
	bool has_blackout;
};

/**
 * struct results_case - one case of the plan
 * @name: unique in the run
 * @labels: JSON object of scalars: domains, devices, iommufds, mappings, preserve, and where they
 * mean something workload, vtd_mode
 * @unit: "instructions" or "ns", what the case's clock counts; NULL if nothing says so
 * @scenario: what the agent did
 * @workload: what the devices did meanwhile, as the plan says; NULL if it does not
 * @verdict: what was seen
 * @expect: verdict that the plan wants to see; pass if it says nothing
 * @counts: what this case adds to the verdict of the run: pass if @verdict is what the plan expects
 * @detail: one sentence on the verdict, may be ""
 * @attempts: how often it was started
 * @interrupted: an earlier attempt did not come to its end; its checks and metrics are dropped
 * @running: begun, not ended
 * @precision: what the plan wants each main metric to be as precise as, percent; 0 for nothing
 * @precise: JSON object: what the agent said about that in the end, but what was wanted as in @precision; NULL
 *	if it did not
 * @is_precise: it said that the precision is reached, and the values say so too
 * @cycles_planned: live updates planned
 * @cycles_completed: live updates done in the last attempt
 * @seconds: wall clock of the last attempt, NAN if unknown
 * @lost: events of the last attempt that are missing by their sequence numbers
 * @refused: metrics and parts of a timeline that were not taken, such as _ns under icount
 * @checks: by name, in order of appearance
 * @nr_checks: number of @checks
 * @metrics: in order of appearance
 * @nr_metrics: number of @metrics
 * @timelines: of the cycle that is worth drawing; none if nothing was seen from outside
 * @nr_timelines: 1 or 0
 * @throughput: in the order of the events
 * @nr_throughput: number of @throughput
 * @recoveries: a line for each live update with throughput on both sides
 * @nr_recoveries: number of @recoveries
 * @notes: JSON array of sentences on what is odd about the case
 * @console_problem: console around its first warning or panic, NULL if there is none
 * @console_tail: last lines of the console, for a verdict that asks for them; else NULL
 */
struct results_case {
	char *name;
	struct json_object *labels;
	char *unit;
	char *scenario;
	char *workload;
	enum results_verdict verdict;
	enum results_verdict expect;
	enum results_verdict counts;
	char *detail;
	unsigned int attempts;
	bool interrupted;
	bool running;
	double precision;
	struct json_object *precise;
	bool is_precise;
	int64_t cycles_planned;
	int64_t cycles_completed;
	double seconds;
	size_t lost;
	size_t refused;
	struct results_check *checks;
	size_t nr_checks;
	struct results_metric *metrics;
	size_t nr_metrics;
	struct results_timeline *timelines;
	size_t nr_timelines;
	struct results_throughput *throughput;
	size_t nr_throughput;
	struct results_recovery *recoveries;
	size_t nr_recoveries;
	struct json_object *notes;
	char *console_problem;
	char *console_tail;
	/* private: while reading */
	double begun;
	double ended;
	int64_t next_seq;
	bool has_end;
	bool has_vtd;
	enum results_verdict end_verdict;
};

/**
 * struct results_scaling - how one metric grows along one axis, all else equal
 * @metric: name
 * @unit: its unit
 * @axis: "domains", "devices", "iommufds", "pages", "nodes" or "large"
 * @coupled: label that has the value of @axis in every point ("devices" beside "domains"), or NULL
 * @labels: JSON object: labels that all points share
 * @x: values of @axis, rising
 * @y: means of the metric
 * @n: number of points
 * @fit: in log-log; its slope is the exponent. Only if @fitted
 * @fitted: there are at least two points
 */
struct results_scaling {
	char *metric;
	char *unit;
	const char *axis;
	const char *coupled;
	struct json_object *labels;
	double *x;
	double *y;
	size_t n;
	struct results_fit fit;
	bool fitted;
};

/**
 * struct results_growth - how a number of bytes changes over the cycles of one case
 * @metric: the metric; belongs to @in
 * @in: its case
 * @from: first cycle looked at: 10 if there are 20 or more, else the first after boot
 * @to: last cycle
 * @first: bytes at @from
 * @last: bytes at @to
 * @fit: bytes over cycles; the slope is bytes for each cycle
 * @baseline: the same metric in the same loop without preservation, NULL if there is none
 * @baseline_in: its case
 * @excess: slope minus the slope of @baseline, bytes for each cycle; NAN without
 * @excess_ci95: its confidence interval, by Welch's method
 */
struct results_growth {
	const struct results_metric *metric;
	const struct results_case *in;
	int64_t from;
	int64_t to;
	double first;
	double last;
	struct results_fit fit;
	const struct results_metric *baseline;
	const struct results_case *baseline_in;
	double excess;
	double excess_ci95[2];
};

/**
 * enum results_target_state - what a run says of a target
 * @RESULTS_TARGET_NOT_MEASURED: nothing
 * @RESULTS_TARGET_SHOWN: it was measured, and there is no limit
 * @RESULTS_TARGET_NOT_MET: it is above the limit
 * @RESULTS_TARGET_MET: it is not
 */
enum results_target_state {
	RESULTS_TARGET_NOT_MEASURED,
	RESULTS_TARGET_SHOWN,
	RESULTS_TARGET_NOT_MET,
	RESULTS_TARGET_MET,
};

/**
 * struct results_target - one target of the run's set; see docs/benchmarks.md
 * @name: such as "memory-init-scattered"
 * @what: what is measured, for people
 * @limit: @value may be that at most; INFINITY if it is only shown
 * @stock: as Linux has it, NAN if not measured or if there is no such thing
 * @ours: what was measured
 * @value: what is compared with @limit
 * @is_ratio: @value is @ours by @stock
 * @is_share: numbers are shares of 1
 * @state: what this run says
 * @reference: what the reference says
 */
struct results_target {
	const char *name;
	const char *what;
	double limit;
	double stock;
	double ours;
	double value;
	bool is_ratio;
	bool is_share;
	enum results_target_state state;
	enum results_target_state reference;
};

/**
 * results_target_state_name() - as it is written: "met", "not met", "shown", "not measured"
 * @state: a state
 *
 * Return: a static string.
 */
const char *results_target_state_name(enum results_target_state state);

/**
 * results_target_is_lost() - was it met in the reference, and is not now?
 * @target: the target
 *
 * Return: true if so. What was not measured is not met.
 */
bool results_target_is_lost(const struct results_target *target);

/**
 * struct results_rate - a row of the table of what fio measured
 * @in: its case
 * @metric: instructions for an I/O, or bytes a second; belongs to @in
 * @what: driver, and how it sees completions
 * @relative: its throughput by that of the kernel's driver with interrupts and the IOMMU off, or if the run
 *	has none of that in the same case; NAN if there is neither
 */
struct results_rate {
	const struct results_case *in;
	const struct results_metric *metric;
	const char *what;
	double relative;
};

/**
 * struct results_restored - throughput over a restored domain by that over a fresh one
 * @in: the case
 * @n: kernels that have both
 * @ratio: geometric mean over the kernels, NAN for none
 * @ci95: its confidence interval by Student's t in logarithms, NAN for @n < 2
 * @limit: it has to be that at least
 * @met: "met" or "not met" if all of the interval is on that side, "undecided" if it is not or @n is below 3,
 *	or "not measured"
 */
struct results_restored {
	const struct results_case *in;
	size_t n;
	double ratio;
	double ci95[2];
	double limit;
	const char *met;
};

/**
 * struct results_model - a whole run
 * @dir: the directory it was read from
 * @verdict: roll-up of all cases and of the run's own end
 * @detail: one sentence of the run's end, may be ""
 * @target: JSON object with at least "name"
 * @iommu: "mock", "intel", "amd", "smmuv3", or "mixed"
 * @clock: "instructions", "ns", or "mixed"
 * @accelerator: "tcg" or "kvm" where the plan and the environment agree that all ran in it, else ""
 * @environment: environment.json, or an empty object
 * @cases: in the order of the plan
 * @nr_cases: number of @cases
 * @cycles_planned: over all cases
 * @cycles_completed: over all cases
 * @torn: unreadable lines in events.jsonl
 * @stray: events that belong to no case
 * @busy: somebody was writing the directory as it was read
 * @notes: JSON array of sentences on what is odd about the directory
 * @scaling: see struct results_scaling
 * @nr_scaling: number of @scaling
 * @growth: see struct results_growth
 * @nr_growth: number of @growth
 * @rates: see struct results_rate
 * @nr_rates: number of @rates
 * @restored: see struct results_restored
 * @nr_restored: number of @restored
 * @target_set: set of targets by which the run is judged, NULL for none
 * @targets: these targets
 * @nr_targets: number of @targets
 * @reference: reference.json, which the run is compared with, or NULL
 * @native: native.json, what was measured on this machine without a VM, or NULL
 */
struct results_model {
	char *dir;
	enum results_verdict verdict;
	char *detail;
	struct json_object *target;
	char *iommu;
	char *clock;
	char *accelerator;
	struct json_object *environment;
	struct results_case *cases;
	size_t nr_cases;
	int64_t cycles_planned;
	int64_t cycles_completed;
	size_t torn;
	size_t stray;
	bool busy;
	struct json_object *notes;
	struct results_scaling *scaling;
	size_t nr_scaling;
	struct results_growth *growth;
	size_t nr_growth;
	struct results_rate *rates;
	size_t nr_rates;
	struct results_restored *restored;
	size_t nr_restored;
	char *target_set;
	struct results_target *targets;
	size_t nr_targets;
	struct json_object *reference;
	struct json_object *native;
	/* private: while reading */
	struct results_case *current;
	bool has_end;
	enum results_verdict end_verdict;
};

/**
 * results_model_load() - read a results directory
 * @dir: path; needs no lock, a run may be going on
 * @model: set on success; results_model_free() it
 *
 * A directory that was left by a crash is no error: what is missing shows in verdicts and notes.
 *
 * Return: 0; -ENOENT if @dir has neither events.jsonl nor plan.ini; -ENOMEM; or a read's errno.
 */
int results_model_load(const char *dir, struct results_model **model);

/**
 * results_targets_lost() - how many targets are met in the reference, and not in this run?
 * @model: the model
 *
 * Return: their number; 0 without a reference.
 */
size_t results_targets_lost(const struct results_model *model);

/**
 * results_reference_json() - what a later run is compared with: targets, counts, toolchain
 * @model: the model; its run has a set of targets
 * @json: set on success; json_object_put() it
 *
 * Return: 0; -ENODATA if the run has no set of targets, or did not end well; -ENOMEM.
 */
int results_reference_json(const struct results_model *model, struct json_object **json);

/**
 * results_reference_compare() - compare a run with a reference
 * @model: the model
 * @reference: of results_reference_json()
 * @differences: JSON array; gets a sentence for each difference
 *
 * With the same kernel and initramfs each count of instructions has to be the same. Other images that
 * were built by the same compiler and run by the same QEMU may differ by 1 %, since a change of the agent
 * moves where things lie. Else ratios of ours to stock, and exponents, may differ by 10 %. A target that is lost is a
 * difference in any case.
 *
 * Return: 0; -EINVAL if @reference is none; -ENOMEM.
 */
int results_reference_compare(const struct results_model *model, struct json_object *reference,
			      struct json_object *differences);

/**
 * results_model_free() - free a model
 * @model: may be NULL
 */
void results_model_free(struct results_model *model);

/**
 * results_model_json() - the model as results.json, schema flbench/1
 * @model: the model
 * @json: set on success; json_object_put() it
 *
 * The schema is results/schema/flbench-1.json.
 *
 * Return: 0 or -ENOMEM.
 */
int results_model_json(const struct results_model *model, struct json_object **json);

#endif
