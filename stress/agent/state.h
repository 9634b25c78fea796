/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent remembers across a kexec, as it lies in a preserved memfd. The next kernel's agent
 * believes none of it before it has been checked. What the numbers mean is up to the stages.
 */
#ifndef FLBENCH_AGENT_STATE_H
#define FLBENCH_AGENT_STATE_H

#include <stddef.h>
#include <stdint.h>

#define STATE_MAGIC 0x3154534842464c46ull /* "FLFBHST1" */
#define STATE_VERSION 2u
#define STATE_KEYS_MAX 65536u
/* Main metrics of a case, and cycles whose values are kept. */
#define STATE_SERIES_MAX 8u
#define STATE_ROOM_MAX 1000u

/**
 * struct agent_state - the state
 * @magic: STATE_MAGIC
 * @version: STATE_VERSION
 * @header_bytes: size of this structure
 * @total_bytes: header, keys and values
 * @last_ticks: the clock at the last instant before the jump; written after the rest and therefore
 *	not under @checksum
 * @last_ticks_inverse: its complement
 * @checksum: FNV-1a of what follows it, keys and values included
 * @seed: of the case
 * @seq: number of the next event
 * @domains: of the case
 * @devices: of the case; as many keys follow
 * @iommufds: of the case
 * @mappings: of the case
 * @cycle: kexecs done before this one
 * @signature: cycle number in the contents of the memory
 * @failed_checks: checks that have failed so far
 * @preserved: 1 if the devices' session goes along
 * @scratch: for the scenario
 * @series: main metrics whose values go along; 0 if nobody asks how precise they are
 * @room: values of each that there is room for
 * @nr_values: of each, how many there are
 * @name: of the case
 * @keys: device keys; behind them the values, which state_values() finds
 */
struct agent_state {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint64_t total_bytes;
	uint64_t last_ticks;
	uint64_t last_ticks_inverse;
	uint64_t checksum;
	uint64_t seed;
	uint64_t seq;
	uint32_t domains;
	uint32_t devices;
	uint32_t iommufds;
	uint32_t mappings;
	uint32_t cycle;
	uint32_t signature;
	uint32_t failed_checks;
	uint32_t preserved;
	uint64_t scratch[8];
	uint32_t series;
	uint32_t room;
	uint32_t nr_values[STATE_SERIES_MAX];
	char name[128];
	uint32_t keys[];
};

/**
 * state_size - bytes that a state takes
 * @devices: number of keys
 * @series: main metrics
 * @room: values of each
 *
 * Return: bytes.
 */
size_t state_size(uint32_t devices, uint32_t series, uint32_t room);

/**
 * state_values - the values of a main metric
 * @state: a state
 * @i: which one, below @state->series
 *
 * Return: where @state->room of them lie.
 */
double *state_values(struct agent_state *state, uint32_t i);

/**
 * state_seal - fill in what makes a state believable
 * @state: a state whose other fields are filled in
 */
void state_seal(struct agent_state *state);

/**
 * state_stamp - note the last instant
 * @state: a sealed state
 * @ticks: the clock
 */
void state_stamp(struct agent_state *state, uint64_t ticks);

/**
 * state_check - decide whether bytes are a state
 * @bytes: the bytes, aligned to 8
 * @length: how many
 * @reason: where a text goes that says what is wrong
 *
 * Return: 0; -EINVAL when they are not, with @reason set.
 */
int state_check(const void *bytes, size_t length, const char **reason);

#endif
