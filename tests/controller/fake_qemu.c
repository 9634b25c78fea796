// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for QEMU in the tests of the controller: takes its arguments, reads the case file from
 * the initramfs as the guest would, and writes events and console lines. What it acts out is the
 * word fake=... of the kernel's command line.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpio.h"

static int console = -1, events = -1;
static long seq;

static void sleep_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static __attribute__((format(printf, 2, 3))) void put(int fd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(fd, format, args);
	va_end(args);
}

static void event(const char *kind, long cycle, const char *rest)
{
	put(events, "{\"seq\":%ld,\"event\":\"%s\",\"cycle\":%ld%s}\n", seq++, kind, cycle, rest);
}

static void check(const char *name, long cycle, const char *verdict, const char *detail)
{
	char rest[256];

	snprintf(rest, sizeof(rest), ",\"name\":\"%s\",\"verdict\":\"%s\",\"detail\":\"%s\"", name,
		 verdict, detail);
	event("check", cycle, rest);
}

static struct json_object *read_case(const char *initrd)
{
	struct json_object *object;
	char text[8192];
	size_t size;
	off_t offset;
	int fd;

	if (cpio_find(initrd, "etc/flbench/case.json", &offset, &size) || size >= sizeof(text))
		exit(90);
	fd = open(initrd, O_RDONLY);
	if (fd < 0 || pread(fd, text, size, offset) != (ssize_t)size)
		exit(91);
	close(fd);
	text[size] = '\0';
	object = json_tokener_parse(text);
	if (!object)
		exit(92);
	return object;
}

static void act(const char *mode, long cycle, const char *name)
{
	if (!strcmp(mode, "panic")) {
		put(console,
		    "[    1.000001] Kernel panic - not syncing: sysrq triggered crash\n[    1.000002] ---[ end ]---\n");
		exit(0);
	} else if (!strcmp(mode, "hang")) {
		put(console, "[    1.000001] last words before silence\n");
		pause();
	} else if (!strcmp(mode, "chatter")) {
		for (;;) {
			event("progress", cycle, "");
			sleep_ms(50);
		}
	} else if (!strcmp(mode, "off")) {
		put(console, "[    1.000001] reboot: Power down\n");
		exit(0);
	} else if (!strcmp(mode, "killed")) {
		raise(SIGKILL);
	} else if (!strcmp(mode, "crashed")) {
		raise(SIGABRT);
	} else if (!strcmp(mode, "warning")) {
		put(console,
		    "[    1.000001] WARNING: CPU: 0 PID: 1 at mm/page_alloc.c:1 foo+0x1/0x2\n");
	} else if (!strcmp(mode, "fail")) {
		check("translate-retrieved", cycle, "fail", "IOVA 0x1000: wrong page");
	} else if (!strcmp(mode, "torn")) {
		put(events, "{\"seq\":%ld,\"event\":\"pro", seq++);
		event("progress", cycle, "");
		put(events, "garbage\r\n");
	} else if (!strcmp(mode, "slow") || !strcmp(mode, "stubborn")) {
		sleep_ms(400);
	} else if (!strncmp(mode, "panic-in-", 9) && !strcmp(mode + 9, name)) {
		act("panic", cycle, name);
	}
}

static const char *word_of(const char *append, const char *name)
{
	static char value[64];
	const char *found = strstr(append, name);

	if (!found)
		return "";
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found + strlen(name), " "),
		 found + strlen(name));
	return value;
}

int main(int argc, char **argv)
{
	const char *append = "", *initrd = "", *name, *mode, *pid_file;
	struct json_object *c;
	long cycles;

	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("QEMU emulator version 0.0 (fake)");
		return 0;
	}
	for (int i = 1; i + 1 < argc; i++) {
		if (!strcmp(argv[i], "-serial") && !strncmp(argv[i + 1], "file:", 5))
			*(console < 0 ? &console : &events) =
				open(argv[i + 1] + 5, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		else if (!strcmp(argv[i], "-append"))
			append = argv[i + 1];
		else if (!strcmp(argv[i], "-initrd"))
			initrd = argv[i + 1];
	}
	mode = word_of(append, "fake=");
	pid_file = getenv("FAKE_QEMU_PID");
	if (pid_file) {
		int fd = open(pid_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);

		put(fd, "%d\n", getpid());
		close(fd);
	}
	if (!strcmp(mode, "error")) {
		fprintf(stderr, "fake: cannot set up guest memory\n");
		return 1;
	}
	if (!strcmp(mode, "stubborn"))
		signal(SIGTERM, SIG_IGN);
	c = read_case(initrd);
	cycles = json_object_get_int64(json_object_object_get(c, "cycles"));
	name = json_object_get_string(json_object_object_get(c, "name"));
	put(console, "[    0.000000] Linux version 7.3.4\n");
	for (long cycle = 0; cycle <= cycles; cycle++) {
		event("agent", cycle, ",\"kernel\":\"7.3.4\"");
		event("stage", cycle, ",\"stage\":\"verify\",\"state\":\"begin\"");
		if (cycle == 1)
			act(mode, cycle, name);
		else if (!strcmp(mode, "slow") || !strcmp(mode, "stubborn"))
			sleep_ms(400);
		if (cycle && strcmp(mode, "unproven")) {
			const char *seen = strcmp(mode, "untranslated") ? "pass" : "skip";

			check("translate-retrieved", cycle, seen, "");
			check("translate-adopted", cycle, seen, "");
			check("dmesg", cycle, "pass", "");
		}
		event("metric", cycle,
		      ",\"name\":\"preserve_instructions\",\"unit\":\"instructions\",\"value\":1000,\"labels\":{}");
		event("progress", cycle, "");
		if ((!strcmp(mode, "early") && cycle == 1) ||
		    (!strcmp(mode, "precise") && cycle == 6)) {
			cycles = cycle;
			break;
		}
	}
	/* As if the agent had been told, whether the case says so or not. */
	if (!strcmp(mode, "precise"))
		event("precision", cycles,
		      ",\"wanted_percent\":1,\"reached\":true,\"budget\":9,\"metrics\":[{\"name\":\"preserve_instructions\",\"n\":6,\"half_width_percent\":0}]");
	event("done", cycles,
	      strcmp(mode, "fail") ? ",\"verdict\":\"pass\",\"detail\":\"\"" :
				     ",\"verdict\":\"fail\",\"detail\":\"\"");
	if (!strcmp(mode, "lingers"))
		pause();
	json_object_put(c);
	return 0;
}
