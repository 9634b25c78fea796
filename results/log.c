// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place of the results library that writes messages. The program decides where they go.
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static results_log_fn log_fn;
static void *log_context;

void results_set_log(results_log_fn log, void *context)
{
	log_fn = log;
	log_context = context;
}

void results_log(enum results_log_level level, const char *format, ...)
{
	static const char * const names[] = { "info", "warning", "error" };
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (log_fn)
		log_fn(log_context, level, text);
	else
		fprintf(stderr, "flbench: %s: %s\n", names[level], text);
}
