// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event lines. Each is written with one write(2), so that a reader sees it whole or torn, never
 * mixed.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <flbench/cleanup.h>

#include "case.h"
#include "event.h"

struct shared {
	uint64_t seq;
	uint32_t failed_checks;
};

int event_open(struct event_log *log, const char *path)
{
	/* A serial port is read too: event_ask(). */
	int fd __close = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0644);
	struct termios tty;
	struct shared *shared;

	if (fd < 0)
		return -errno;
	if (isatty(fd)) {
		if (tcgetattr(fd, &tty))
			return -errno;
		cfmakeraw(&tty);
		cfsetspeed(&tty, B115200);
		tty.c_cflag |= CLOCAL;
		if (tcsetattr(fd, TCSANOW, &tty))
			return -errno;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return -errno;
	log->fd = take_fd(&fd);
	log->seq = &shared->seq;
	log->failed_checks = &shared->failed_checks;
	return 0;
}

void event_drain(struct event_log *log)
{
	if (isatty(log->fd))
		tcdrain(log->fd);
	else
		fsync(log->fd);
}

static struct json_object *begin_line(struct event_log *log, const char *event)
{
	struct json_object *line = json_object_new_object();

	json_object_object_add(line, "seq", json_object_new_int64((*log->seq)++));
	json_object_object_add(line, "event", json_object_new_string(event));
	json_object_object_add(line, "cycle", json_object_new_int64(log->cycle));
	return line;
}

static void end_line(struct event_log *log, struct json_object *line)
{
	const char *json = json_object_to_json_string_ext(
		line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *text __freed = NULL;
	int length = asprintf(&text, "%s\n", json);

	if (length > 0) {
		for (ssize_t done = 0, n; done < length; done += n) {
			n = write(log->fd, text + done, length - done);
			if (n < 0 && errno == EINTR)
				n = 0;
			else if (n <= 0)
				break;
		}
	} else {
		text = NULL;
	}
	json_object_put(line);
}

static void add_text(struct json_object *line, const char *key, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	/* JSON is UTF-8, and nothing promises that what the kernel prints is. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x7f)
			*p = '?';
	json_object_object_add(line, key, json_object_new_string(text));
}

void event_agent(struct event_log *log, const char *kernel, const char *name, const char *boot_id)
{
	struct json_object *line = begin_line(log, "agent");

	json_object_object_add(line, "kernel", json_object_new_string(kernel));
	json_object_object_add(line, "case", json_object_new_string(name));
	json_object_object_add(line, "boot_id", json_object_new_string(boot_id));
	end_line(log, line);
}

void event_stage(struct event_log *log, const char *stage, bool begin)
{
	struct json_object *line = begin_line(log, "stage");

	json_object_object_add(line, "stage", json_object_new_string(stage));
	json_object_object_add(line, "state", json_object_new_string(begin ? "begin" : "end"));
	end_line(log, line);
}

void event_metric(struct event_log *log, const struct agent_case *c, const char *name,
		  const char *unit, uint64_t value)
{
	struct json_object *line = begin_line(log, "metric");
	struct json_object *labels = json_object_new_object();

	json_object_object_add(line, "name", json_object_new_string(name));
	json_object_object_add(line, "unit", json_object_new_string(unit));
	json_object_object_add(line, "value", json_object_new_int64(value));
	if (c->pages) {
		json_object_object_add(labels, "layout", json_object_new_string(c->layout));
		json_object_object_add(labels, "method", json_object_new_string(c->method));
		json_object_object_add(labels, "nodes", json_object_new_int64(c->nodes));
		json_object_object_add(labels, "pages", json_object_new_int64(c->pages));
	} else {
		json_object_object_add(labels, "devices", json_object_new_int64(c->devices));
		json_object_object_add(labels, "domains", json_object_new_int64(c->domains));
		json_object_object_add(labels, "iommufds", json_object_new_int64(c->iommufds));
	}
	json_object_object_add(line, "labels", labels);
	end_line(log, line);
}

void event_check(struct event_log *log, const char *name, const char *verdict, const char *detail,
		 ...)
{
	struct json_object *line = begin_line(log, "check");
	va_list args;

	json_object_object_add(line, "name", json_object_new_string(name));
	json_object_object_add(line, "verdict", json_object_new_string(verdict));
	va_start(args, detail);
	add_text(line, "detail", detail, args);
	va_end(args);
	if (!strcmp(verdict, "fail"))
		(*log->failed_checks)++;
	end_line(log, line);
}

long long event_ask(struct event_log *log, const char *text)
{
	struct json_object *line = json_object_new_object();
	char answer[32];
	size_t length = 0;

	/* No number: questions are not kept, and would be missed. */
	json_object_object_add(line, "event", json_object_new_string("ask"));
	json_object_object_add(line, "text", json_object_new_string(text));
	end_line(log, line);
	while (length < sizeof(answer) - 1) {
		ssize_t n = read(log->fd, answer + length, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		if (answer[length] == '\n')
			break;
		length++;
	}
	answer[length] = '\0';
	return strtoll(answer, NULL, 10);
}

void event_fio(struct event_log *log, const char *name, struct json_object *output)
{
	struct json_object *line = begin_line(log, "fio");

	json_object_object_add(line, "name", json_object_new_string(name));
	json_object_object_add(line, "output", json_object_get(output));
	end_line(log, line);
}

void event_precision(struct event_log *log, const struct agent_case *c, bool reached,
		     const struct event_precision *metrics, size_t nr)
{
	struct json_object *line = begin_line(log, "precision");
	struct json_object *list = json_object_new_array();

	json_object_object_add(line, "wanted_percent", json_object_new_double(c->precision));
	json_object_object_add(line, "reached", json_object_new_boolean(reached));
	json_object_object_add(line, "budget", json_object_new_int64(c->cycles));
	for (size_t i = 0; i < nr; i++) {
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "name", json_object_new_string(metrics[i].name));
		json_object_object_add(one, "n", json_object_new_int64(metrics[i].n));
		json_object_object_add(one, "half_width_percent",
				       isfinite(metrics[i].half_percent) ?
					       json_object_new_double(metrics[i].half_percent) :
					       NULL);
		json_object_array_add(list, one);
	}
	json_object_object_add(line, "metrics", list);
	end_line(log, line);
}

void event_throughput(struct event_log *log, const struct agent_case *c, const char *name,
		      const char *unit, bool after, uint64_t interval, struct json_object *values)
{
	struct json_object *line = begin_line(log, "throughput");

	json_object_object_add(line, "name", json_object_new_string(name));
	json_object_object_add(line, "side", json_object_new_string(after ? "after" : "before"));
	json_object_object_add(line, "unit", json_object_new_string(unit));
	json_object_object_add(line, "interval", json_object_new_int64(interval));
	json_object_object_add(line, "interval_unit",
			       json_object_new_string(c->instructions ? "instructions" : "ns"));
	json_object_object_add(line, "values", json_object_get(values));
	end_line(log, line);
}

void event_progress(struct event_log *log, uint32_t cycles)
{
	struct json_object *line = begin_line(log, "progress");

	json_object_object_add(line, "cycles", json_object_new_int64(cycles));
	end_line(log, line);
}

void event_text(struct event_log *log, const char *level, const char *text, ...)
{
	struct json_object *line = begin_line(log, "log");
	va_list args;

	json_object_object_add(line, "level", json_object_new_string(level));
	va_start(args, text);
	add_text(line, "text", text, args);
	va_end(args);
	end_line(log, line);
}

static bool is_text(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((data[i] < ' ' || data[i] > '~') && data[i] != '\n' && data[i] != '\t')
			return false;
	return true;
}

static struct json_object *hex_of(const char *data, size_t size)
{
	char *hex __freed = malloc(2 * size + 1);

	for (size_t i = 0; hex && i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)data[i]);
	return hex ? json_object_new_string_len(hex, 2 * size) : NULL;
}

void event_file(struct event_log *log, const char *path, const char *data, size_t size,
		const char *link)
{
	struct json_object *line = begin_line(log, "file");

	json_object_object_add(line, "path", json_object_new_string(path));
	if (link)
		json_object_object_add(line, "link", json_object_new_string(link));
	else if (is_text(data, size))
		json_object_object_add(line, "text", json_object_new_string_len(data, size));
	else
		json_object_object_add(line, "hex", hex_of(data, size));
	end_line(log, line);
}

void event_done(struct event_log *log, const char *verdict, const char *detail, ...)
{
	struct json_object *line = begin_line(log, "done");
	va_list args;

	json_object_object_add(line, "verdict", json_object_new_string(verdict));
	va_start(args, detail);
	add_text(line, "detail", detail, args);
	va_end(args);
	end_line(log, line);
	event_drain(log);
}
