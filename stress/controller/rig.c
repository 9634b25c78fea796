// SPDX-License-Identifier: GPL-2.0-only
/* Around a machine whose devices do DMA: what the agent asks for, frames and books; see rig.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <flbench/results.h>

#include "rig_internal.h"
#include "util.h"

#define LOOK_PAUSE_NS 50000u
/* Words besides those of the ring: completions and bytes of copies. */
#define OTHER_POINTS 256u
#define LINE_MAX_BYTES 65536
/* What QEMU's q35 puts below 4 GiB at least; a guest of this kind has no more. */
#define LOW_BYTES (2ull << 30)

uint64_t rig_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* ---- events ---- */

static void add_text(struct json_object *event, const char *key, const char *text)
{
	json_object_object_add(event, key, json_object_new_string(text));
}

static void add_number(struct json_object *event, const char *key, uint64_t number)
{
	json_object_object_add(event, key, json_object_new_int64(number));
}

struct json_object *rig_event(const struct rig *rig, const char *kind)
{
	struct json_object *event = json_object_new_object();

	add_text(event, "event", kind);
	add_number(event, "cycle", rig->cycle);
	return event;
}

void rig_check(struct rig *rig, const char *name, bool ok, const char *format, ...)
{
	struct json_object *event = rig_event(rig, "check");
	char detail[512];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	add_text(event, "name", name);
	add_text(event, "verdict", ok ? "pass" : "fail");
	add_text(event, "detail", detail);
	rig->config.emit(rig->config.context, event);
}

void rig_metric(struct rig *rig, const char *name, const char *unit, uint64_t value,
		const char *device)
{
	struct json_object *event = rig_event(rig, "metric");
	struct json_object *labels = json_object_new_object();

	add_text(event, "name", name);
	add_text(event, "unit", unit);
	add_number(event, "value", value);
	if (device)
		add_text(labels, "device", device);
	json_object_object_add(event, "labels", labels);
	rig->config.emit(rig->config.context, event);
}

void rig_span(struct rig *rig, const char *lane, const char *name, uint64_t begin_ns,
	      uint64_t end_ns)
{
	struct json_object *event = rig_event(rig, "span");

	add_text(event, "lane", lane);
	add_text(event, "name", name);
	add_number(event, "begin_ns", begin_ns);
	add_number(event, "end_ns", end_ns);
	rig->config.emit(rig->config.context, event);
}

/* ---- frames ---- */

static long long note_arrived(struct rig *rig, const char *line)
{
	unsigned long long first, last;

	if (sscanf(line, "%llu %llu", &first, &last) != 2 || last >= rig->config.frames_max)
		return -EINVAL;
	for (; first <= last; first++)
		if (!frame_book_has(rig->book, first))
			frame_book_add(rig->book, first);
	return 0;
}

/*
 * Frames that the card took and dropped, without counting them, while it had no descriptor: QEMU's
 * does so whenever its command register is written.
 */
static uint64_t missed_when_full(const struct rig *rig, const struct peer_log *log)
{
	uint64_t nr = 0;

	for (uint64_t i = rig->accounted; rig->jump.full_ns && i < log->nr; i++)
		nr += log->fates[i] == FRAME_SENT && !frame_book_has(rig->book, i) &&
		      log->sent_ns[i] >= rig->jump.full_ns && log->sent_ns[i] < rig->jump.back_ns;
	return nr;
}

/* For whoever has to find out why: a frame that was sent and is not here. */
static void name_lost(const struct rig *rig, const struct peer_log *log, char *text, size_t size)
{
	for (uint64_t i = rig->accounted; i < log->nr; i++) {
		if (log->fates[i] != FRAME_SENT || frame_book_has(rig->book, i))
			continue;
		snprintf(
			text, size,
			"; the first: number %llu, sent %.1f ms after it was due, %.1f ms after the blackout's begin",
			(unsigned long long)i, (log->sent_ns[i] - log->due_ns[i]) / 1e6,
			((double)log->sent_ns[i] - rig->jump.begin_ns) / 1e6);
		return;
	}
}

/*
 * Each frame that was due since the last account has one fate; none is lost, and only the phase that
 * is called so overruns.
 */
static long long account(struct rig *rig, const char *line)
{
	const struct frame_account before = rig->account;
	unsigned long long duplicated, wrong, missed;
	struct frame_account now;
	uint64_t due, sent, arrived, overrun, lost, odd;
	struct peer_log log;
	char phase[16], name[32], first_lost[160] = "";
	bool ok;

	if (!rig->peer ||
	    sscanf(line, "%15s %llu %llu %llu", phase, &duplicated, &wrong, &missed) != 4)
		return -EINVAL;
	rig->book->duplicated = duplicated;
	peer_log(rig->peer, &log);
	rig->full += missed_when_full(rig, &log);
	frame_account(&now, rig->book, log.fates, log.nr, rig->full + missed);
	due = log.nr - rig->accounted;
	sent = now.sent - before.sent;
	arrived = now.arrived - before.arrived;
	overrun = now.overrun - before.overrun;
	lost = now.lost - before.lost;
	odd = now.duplicated + now.impossible + wrong;
	if (lost)
		name_lost(rig, &log, first_lost, sizeof(first_lost));
	rig->account = now;
	rig->accounted = log.nr;
	ok = due && arrived + overrun == due && !lost && !odd &&
	     !!overrun == !strcmp(phase, "overrun");
	snprintf(name, sizeof(name), "frames%s%s", strcmp(phase, "jump") ? "-" : "",
		 strcmp(phase, "jump") ? phase : "");
	rig_check(
		rig, name, ok,
		"%llu frames due, %llu sent, %llu arrived, %llu overrun, %llu lost, %llu duplicated, impossible or out of order%s",
		(unsigned long long)due, (unsigned long long)sent, (unsigned long long)arrived,
		(unsigned long long)overrun, (unsigned long long)lost, (unsigned long long)odd,
		first_lost);
	rig_metric(rig, "frames_arrived", "frames", arrived, "igb");
	rig_metric(rig, "frames_lost", "frames", lost, "igb");
	rig_metric(rig, "frames_overrun", "frames", overrun, "igb");
	return ok ? 0 : -1;
}

/* ---- memory ---- */

static bool set_bytes(struct rig_signature *signature, const char *hex)
{
	size_t n = 0;
	unsigned int byte;

	for (; isxdigit((unsigned char)*hex) && n < RIG_SIGNATURE_MAX; hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1)
			return false;
		signature->bytes[n++] = byte;
	}
	signature->length = n;
	return n && !*hex;
}

static long long set_signature(struct rig *rig, const char *line)
{
	unsigned int which;
	int at = 0;

	if (sscanf(line, "%u %n", &which, &at) != 1 || which >= RIG_SIGNATURES || !at)
		return -EINVAL;
	return set_bytes(&rig->signatures[which], line + at) ? 0 : -EINVAL;
}

static long long note_pages(struct rig *rig, const char *line)
{
	unsigned long long address;
	unsigned int which, nr;
	uint64_t offset;

	if (sscanf(line, "%u %llx %u", &which, &address, &nr) != 3 || which >= RIG_SIGNATURES ||
	    observe_offset(&rig->memory, address, (uint64_t)nr * RIG_PAGE, &offset))
		return -EINVAL;
	for (uint64_t page = offset / RIG_PAGE; nr--; page++)
		rig->pages[page] |= 1u << which;
	return 0;
}

struct place {
	struct rig *rig;
	unsigned int which;
};

static int count_place(uint64_t offset, void *data)
{
	const struct place *place = data;
	struct rig_signature *signature = &place->rig->signatures[place->which];

	if (place->rig->pages[offset / RIG_PAGE] >> place->which & 1)
		signature->inside++;
	else
		signature->outside++;
	return 0;
}

bool rig_search(struct rig *rig)
{
	bool ok = true;

	for (unsigned int i = 0; i < RIG_SIGNATURES; i++) {
		struct rig_signature *signature = &rig->signatures[i];
		struct place place = { .rig = rig, .which = i };

		signature->inside = 0;
		signature->outside = 0;
		if (!signature->length)
			continue;
		if (observe_search(&rig->memory, signature->bytes, signature->length, count_place,
				   &place))
			ok = false;
		ok = ok && !signature->outside;
	}
	/* A search that finds no frame in their own buffers would find none elsewhere either. */
	return ok && rig->signatures[0].inside;
}

/* Return: signatures in memory that are not where they may be; negative when no frame is there. */
static long long search(struct rig *rig)
{
	const struct rig_signature *s = rig->signatures;
	bool ok = rig_search(rig);

	rig_check(
		rig, "signatures", ok,
		"all memory searched: frames %llu in their buffers and %llu elsewhere, blocks %llu and %llu, copies of edu %llu and %llu",
		(unsigned long long)s[0].inside, (unsigned long long)s[0].outside,
		(unsigned long long)s[1].inside, (unsigned long long)s[1].outside,
		(unsigned long long)s[2].inside, (unsigned long long)s[2].outside);
	if (!s[0].inside)
		return -ENOENT;
	return s[0].outside + s[1].outside + s[2].outside;
}

static long long watch(struct rig *rig, const char *line)
{
	unsigned int stride, nr, mask, rise;
	unsigned long long address;

	if (!strcmp(line, "nothing")) {
		rig->nr_points = 0;
		return 0;
	}
	if (sscanf(line, "%llx %u %u %x %u", &address, &stride, &nr, &mask, &rise) != 5 ||
	    nr > rig->max_points - rig->nr_points)
		return -EINVAL;
	for (; nr--; address += stride)
		rig->points[rig->nr_points++] = (struct observe_point){
			.address = address,
			.mask = mask,
			.kind = rise ? OBSERVE_RISE : OBSERVE_CHANGE,
		};
	return 0;
}

/* Words that were named since then are of the class before. */
static long long set_class(struct rig *rig, const char *line)
{
	rig->class_end[rig->class] = rig->nr_points;
	if (sscanf(line, "%u", &rig->class) != 1 || rig->class >= RIG_CLASSES) {
		rig->class = 0;
		return -EINVAL;
	}
	rig->class_start[rig->class] = rig->nr_points;
	rig->class_end[rig->class] = rig->max_points;
	return 0;
}

static long long start_observer(struct rig *rig)
{
	struct peer_log log = { 0 };

	if (rig->peer)
		peer_log(rig->peer, &log);
	rig->observed_from = log.nr;
	rig->started_ns = rig_now_ns();
	return observe_start(&rig->observer, &rig->memory, rig->points, rig->nr_points,
			     rig->max_points, LOOK_PAUSE_NS);
}

/*
 * What was seen must be in the order in which the words were given: commands complete in the order
 * of the queue, frames arrive in that of their ring. Each frame that was sent meanwhile must have
 * been seen once, and not before it was due. Return: how many arrivals there were.
 */
static long long stop_observer(struct rig *rig)
{
	struct peer_log sent = { 0 };
	struct observe_log log;
	long long nr;
	bool ok;

	if (!rig->observer)
		return -EINVAL;
	observe_stop(rig->observer, &log);
	if (rig->peer)
		peer_log(rig->peer, &sent);
	ok = log.nr && !log.dropped &&
	     (sent.nr == rig->observed_from || sent.nr - rig->observed_from == log.nr);
	for (uint64_t i = 0; ok && i < log.nr; i++) {
		ok = log.arrivals[i].point == (log.arrivals[0].point + i) % rig->nr_points &&
		     log.arrivals[i].at_ns >= rig->started_ns;
		if (ok && sent.nr > rig->observed_from)
			ok = log.arrivals[i].at_ns >= sent.due_ns[rig->observed_from + i];
	}
	nr = log.nr;
	observe_free(rig->observer);
	rig->observer = NULL;
	return ok ? nr : -1;
}

static long long start_edu(struct rig *rig, const char *line)
{
	unsigned long long bar, iova;
	unsigned int to_memory, bytes;

	if (sscanf(line, "%llx %llx %u %u", &bar, &iova, &to_memory, &bytes) != 4)
		return -EINVAL;
	rig->started_ns = rig_now_ns();
	return qtest_edu_dma(&rig->qtest, bar, iova, 0, bytes, to_memory);
}

/* A kernel to which nothing came begins: what was said of the one before is void. */
static long long forget(struct rig *rig)
{
	memset(rig->pages, 0, rig->nr_pages);
	rig->nr_watched = 0;
	rig->nr_points = 0;
	rig->friend = (struct rig_dma){ 0 };
	rig->stranger = (struct rig_dma){ 0 };
	return 0;
}

/* ---- questions ---- */

long long rig_answer(struct rig *rig, const char *line)
{
	char word[16] = "";
	long long number = -EINVAL;
	int rest = 0;

	if (rig_jump_answer(rig, line, &number) || rig_peer_answer(rig, line, &number))
		return number;
	sscanf(line, "%15s %n", word, &rest);
	line += rest;
	if (!strcmp(word, "forget"))
		return forget(rig);
	if (!strcmp(word, "edu"))
		return start_edu(rig, line);
	if (!strcmp(word, "signature"))
		return set_signature(rig, line);
	if (!strcmp(word, "pages"))
		return note_pages(rig, line);
	if (!strcmp(word, "watch"))
		return watch(rig, line);
	if (!strcmp(word, "class"))
		return set_class(rig, line);
	if (!strcmp(word, "observe"))
		return strcmp(line, "on") ? stop_observer(rig) : start_observer(rig);
	if (!strcmp(word, "search"))
		return search(rig);
	if (!strcmp(word, "arrived"))
		return note_arrived(rig, line);
	if (!strcmp(word, "account"))
		return account(rig, line);
	return -EINVAL;
}

/* ---- the agent's event stream ---- */

static const char *text_of(struct json_object *event, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(event, key, &value) ? json_object_get_string(value) : "";
}

/*
 * The stages that belong to a live update: what the old kernel does for the one that is to come, and
 * the new one for the one that it came by.
 */
static void note_stage(struct rig *rig, struct json_object *event, uint64_t now_ns)
{
	static const char *const before[] = { "load", "preserve", "ready" };
	const char *stage = text_of(event, "stage");
	const long cycle = rig->cycle;
	struct json_object *number;
	bool old = false;

	if (!strcmp(stage, "kexec") || !json_object_object_get_ex(event, "cycle", &number))
		return;
	if (!strcmp(text_of(event, "state"), "begin")) {
		snprintf(rig->stage, sizeof(rig->stage), "%s", stage);
		rig->stage_ns = now_ns;
		return;
	}
	if (strcmp(stage, rig->stage))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		old |= !strcmp(stage, before[i]);
	rig->cycle = json_object_get_int64(number) + old;
	if (rig->cycle)
		rig_span(rig, old ? "old kernel" : "new kernel", stage, rig->stage_ns, now_ns);
	rig->cycle = cycle;
}

static void take_line(struct rig *rig, const char *line, size_t length)
{
	struct json_object *event = results_parse_event(line, length);
	uint64_t now_ns = rig_now_ns();
	char answer[32];
	int n;

	if (!event)
		return;
	/* Stages are drawn beside DMA that is looked at. */
	if (!strcmp(text_of(event, "event"), "stage") && rig->ecam)
		note_stage(rig, event, now_ns);
	if (!strcmp(text_of(event, "event"), "ask")) {
		n = snprintf(answer, sizeof(answer), "%lld\n",
			     rig_answer(rig, text_of(event, "text")));
		/* An agent that is gone needs no answer. */
		write_all(rig->config.serial_fd, answer, n);
	}
	json_object_put(event);
}

static void *follow(void *argument)
{
	struct rig *rig = argument;
	char *text __freed = malloc(LINE_MAX_BYTES);
	size_t used = 0;

	while (text) {
		struct pollfd wait = { .fd = rig->config.serial_fd, .events = POLLIN };
		char *newline;
		ssize_t n;

		poll(&wait, 1, rig->jump.under_way ? 2 : -1);
		rig_jump_glance(rig);
		if (!wait.revents)
			continue;
		n = read(rig->config.serial_fd, text + used, LINE_MAX_BYTES - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (write_all(rig->config.events_fd, text + used, n))
			say("events.jsonl: cannot write: %s", strerror(errno));
		used += n;
		while ((newline = memchr(text, '\n', used))) {
			size_t length = newline - text;

			take_line(rig, text, length);
			used -= length + 1;
			memmove(text, newline + 1, used);
		}
		/* No line of an agent is as long: it is garbage. */
		if (used == LINE_MAX_BYTES)
			used = 0;
	}
	rig_jump_end(rig);
	return NULL;
}

/* ---- all ---- */

static int copy_texts(struct rig_config *config)
{
	config->memory = strdup(config->memory);
	config->console = strdup(config->console);
	config->local = strdup(config->local);
	config->remote = strdup(config->remote);
	config->jump_fault = strdup(config->jump_fault);
	return config->memory && config->console && config->local && config->remote &&
			       config->jump_fault ?
		       0 :
		       -ENOMEM;
}

int rig_open(struct rig **out, const struct rig_config *config)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int err = rig ? 0 : -ENOMEM, texts;

	if (err)
		return err;
	rig->config = *config;
	rig->config.serial_fd = -1;
	rig->config.events_fd = -1;
	rig->qtest.fd = -1;
	rig->memory.fd = -1;
	texts = copy_texts(&rig->config);
	rig->memory_fd = open(config->memory, O_RDWR | O_CLOEXEC);
	if (rig->memory_fd < 0)
		err = -errno;
	rig->max_points = 2 * config->entries + OTHER_POINTS;
	rig->points = calloc(rig->max_points, sizeof(*rig->points));
	rig->book = malloc(frame_book_bytes(config->frames_max));
	if (!err)
		err = texts;
	if (!err && (!rig->points || !rig->book))
		err = -ENOMEM;
	if (!err)
		err = observe_open(&rig->memory, config->memory, LOW_BYTES);
	if (!err) {
		rig->nr_pages = rig->memory.size / RIG_PAGE;
		rig->pages = calloc(rig->nr_pages, 1);
		err = rig->pages ? 0 : -ENOMEM;
	}
	if (!err) {
		frame_book_init(rig->book, config->frames_max);
		frame_prefix(rig->signatures[0].bytes, config->seed);
		rig->signatures[0].length = FRAME_PREFIX_BYTES;
		err = qtest_open(&rig->qtest, config->qtest_fd);
	}
	if (err) {
		rig_close(rig);
		return err;
	}
	rig->config.serial_fd = config->serial_fd;
	rig->config.events_fd = config->events_fd;
	*out = rig;
	return 0;
}

int rig_start(struct rig *rig)
{
	int err = -pthread_create(&rig->thread, NULL, follow, rig);

	rig->running = !err;
	return err;
}

void rig_close(struct rig *rig)
{
	if (!rig)
		return;
	if (rig->running)
		pthread_join(rig->thread, NULL);
	peer_free(rig->peer);
	observe_free(rig->observer);
	qtest_close(&rig->qtest);
	if (rig->memory.fd >= 0)
		observe_close(&rig->memory);
	if (rig->memory_fd >= 0)
		close(rig->memory_fd);
	if (rig->config.serial_fd >= 0)
		close(rig->config.serial_fd);
	if (rig->config.events_fd >= 0)
		close(rig->config.events_fd);
	free(rig->pages);
	free(rig->book);
	free(rig->points);
	free((char *)rig->config.memory);
	free((char *)rig->config.console);
	free((char *)rig->config.local);
	free((char *)rig->config.remote);
	free((char *)rig->config.jump_fault);
	free(rig);
}
