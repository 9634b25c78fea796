// SPDX-License-Identifier: GPL-2.0-only
/* The agent's state across a kexec: see the header. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "state.h"

/* Where the values begin: behind the keys, aligned for them. */
static size_t values_offset(uint32_t devices)
{
	const size_t end = sizeof(struct agent_state) + (size_t)devices * sizeof(uint32_t);

	return (end + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

size_t state_size(uint32_t devices, uint32_t series, uint32_t room)
{
	return values_offset(devices) + (size_t)series * room * sizeof(double);
}

double *state_values(struct agent_state *state, uint32_t i)
{
	return (double *)((char *)state + values_offset(state->devices)) + (size_t)i * state->room;
}

static bool values_fit(const struct agent_state *state)
{
	bool fit = state->series <= STATE_SERIES_MAX && state->room <= STATE_ROOM_MAX;

	for (uint32_t i = 0; fit && i < state->series; i++)
		fit = state->nr_values[i] <= state->room;
	return fit;
}

/* FNV-1a: it has to notice damage, not an attacker. */
static uint64_t checksum(const struct agent_state *state)
{
	const size_t from = offsetof(struct agent_state, checksum) + sizeof(state->checksum);
	const unsigned char *bytes = (const unsigned char *)state;
	uint64_t sum = 0xcbf29ce484222325ull;

	for (size_t i = from; i < state->total_bytes; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ull;
	return sum;
}

void state_seal(struct agent_state *state)
{
	state->magic = STATE_MAGIC;
	state->version = STATE_VERSION;
	state->header_bytes = sizeof(*state);
	state->total_bytes = state_size(state->devices, state->series, state->room);
	state_stamp(state, 0);
	state->checksum = checksum(state);
}

void state_stamp(struct agent_state *state, uint64_t ticks)
{
	state->last_ticks_inverse = ~ticks;
	state->last_ticks = ticks;
}

int state_check(const void *bytes, size_t length, const char **reason)
{
	const struct agent_state *state = bytes;

	if (length < sizeof(*state))
		*reason = "shorter than a state";
	else if (state->magic != STATE_MAGIC)
		*reason = "no state: wrong magic";
	else if (state->version != STATE_VERSION)
		*reason = "another version";
	else if (state->header_bytes != sizeof(*state))
		*reason = "another header size";
	else if (state->devices > STATE_KEYS_MAX)
		*reason = "too many devices";
	else if (!values_fit(state))
		*reason = "too many values";
	else if (state->total_bytes != state_size(state->devices, state->series, state->room) ||
		 state->total_bytes > length)
		*reason = "sizes disagree";
	else if (state->checksum != checksum(state))
		*reason = "wrong checksum";
	else if (state->last_ticks_inverse != ~state->last_ticks)
		*reason = "the last instant is torn";
	else if (!memchr(state->name, '\0', sizeof(state->name)))
		*reason = "the name has no end";
	else
		return 0;
	return -EINVAL;
}
