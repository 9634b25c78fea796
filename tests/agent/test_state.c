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

/* An odd number, so that the values do not follow the keys at once. */
#define DEVICES 99
#define SERIES 3
#define ROOM 5
#define SIZE state_size(DEVICES, SERIES, ROOM)

static struct agent_state *make(void)
{
	struct agent_state *s = calloc(1, SIZE);

	assert_non_null(s);
	s->devices = DEVICES;
	s->domains = 64;
	s->series = SERIES;
	s->room = ROOM;
	s->cycle = 7;
	s->seq = 1234;
	strcpy(s->name, "case");
	for (uint32_t i = 0; i < DEVICES; i++)
		s->keys[i] = i * 3;
	for (uint32_t i = 0; i < SERIES; i++) {
		s->nr_values[i] = ROOM;
		for (uint32_t j = 0; j < ROOM; j++)
			state_values(s, i)[j] = 10 * i + j;
	}
	state_seal(s);
	state_stamp(s, 987654321);
	return s;
}

static void sealed_state_is_believed(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	assert_int_equal(state_check(s, SIZE, &reason), 0);
	assert_int_equal(s->last_ticks, 987654321);
	assert_int_equal(s->keys[DEVICES - 1], 3 * (DEVICES - 1));
	assert_true(state_values(s, SERIES - 1)[ROOM - 1] == 10 * (SERIES - 1) + ROOM - 1);
	/* The last one ends where the state does, and a state without any is as large as its keys. */
	assert_ptr_equal(state_values(s, SERIES - 1) + ROOM, (char *)s + SIZE);
	assert_int_equal(state_size(DEVICES + 1, 0, 0),
			 sizeof(*s) + (DEVICES + 1) * sizeof(uint32_t));
	free(s);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct agent_state *s = make();
	unsigned char *bytes = (unsigned char *)s;

	for (size_t i = 0; i < SIZE; i++)
		for (int bit = 0; bit < 8; bit++) {
			const char *reason = NULL;

			bytes[i] ^= 1 << bit;
			assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
			assert_non_null(reason);
			bytes[i] ^= 1 << bit;
		}
	free(s);
}

static void truncated_state_is_refused(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	for (size_t length = 0; length < SIZE; length++)
		assert_int_equal(state_check(s, length, &reason), -EINVAL);
	free(s);
}

static void impossible_state_is_refused(void **state)
{
	struct agent_state *s = make();
	const char *reason = NULL;

	s->version++;
	assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
	assert_string_equal(reason, "another version");
	state_seal(s);
	s->devices = STATE_KEYS_MAX + 1;
	assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
	assert_string_equal(reason, "too many devices");
	s->devices = DEVICES;
	s->nr_values[1] = ROOM + 1;
	state_seal(s);
	assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
	assert_string_equal(reason, "too many values");
	s->nr_values[1] = ROOM;
	s->series = STATE_SERIES_MAX + 1;
	assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
	assert_string_equal(reason, "too many values");
	s->series = SERIES;
	memset(s->name, 'x', sizeof(s->name));
	state_seal(s);
	assert_int_equal(state_check(s, SIZE, &reason), -EINVAL);
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
