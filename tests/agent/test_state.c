// SPDX-License-Identifier: GPL-2.0-only
/* The state across a kexec: what was sealed is believed; any damage to it is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "state.h"

#define DEVICES 100

static struct agent_state *make(void)
{
	struct agent_state *s = calloc(1, state_size(DEVICES));

	assert_non_null(s);
	s->devices = DEVICES;
	s->domains = 64;
	s->cycle = 7;
	s->seq = 1234;
	strcpy(s->name, "case");
	for (uint32_t i = 0; i < DEVICES; i++)
		s->keys[i] = i * 3;
	state_seal(s);
	state_stamp(s, 987654321);
	return s;
}

static void sealed_state_is_believed(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	assert_int_equal(state_check(s, state_size(DEVICES), &reason), 0);
	assert_int_equal(s->last_ticks, 987654321);
	free(s);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct agent_state *s = make();
	unsigned char *bytes = (unsigned char *)s;

	for (size_t i = 0; i < state_size(DEVICES); i++)
		for (int bit = 0; bit < 8; bit++) {
			const char *reason = NULL;

			bytes[i] ^= 1 << bit;
			assert_int_equal(state_check(s, state_size(DEVICES), &reason), -EINVAL);
			assert_non_null(reason);
			bytes[i] ^= 1 << bit;
		}
	free(s);
}

static void truncated_state_is_refused(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	for (size_t length = 0; length < state_size(DEVICES); length++)
		assert_int_equal(state_check(s, length, &reason), -EINVAL);
	free(s);
}

static void impossible_state_is_refused(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	s->version++;
	assert_int_equal(state_check(s, state_size(DEVICES), &reason), -EINVAL);
	assert_string_equal(reason, "another version");
	state_seal(s);
	s->devices = STATE_KEYS_MAX + 1;
	assert_int_equal(state_check(s, state_size(DEVICES), &reason), -EINVAL);
	assert_string_equal(reason, "too many devices");
	s->devices = DEVICES;
	memset(s->name, 'x', sizeof(s->name));
	state_seal(s);
	assert_int_equal(state_check(s, state_size(DEVICES), &reason), -EINVAL);
	assert_string_equal(reason, "the name has no end");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_state_is_believed),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(truncated_state_is_refused),
		cmocka_unit_test(impossible_state_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
