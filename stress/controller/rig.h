/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands around a virtual machine whose devices do DMA: a peer that sends frames to its
 * network card and checks what comes back, somebody who starts its edu devices, and an observer who
 * looks at its memory, its registers and its console while no program of the guest runs. The agent
 * in the guest asks for all of it, a line at a time, and is answered with a number; what was seen
 * is handed on as events (docs/results.md). How the machine is started is left to others.
 */
#ifndef FLBENCH_RIG_H
#define FLBENCH_RIG_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct rig;

/**
 * struct rig_config - the machine, and what is done around it
 * @seed: of frames and of all bytes in memory
 * @memory: path of the guest's memory
 * @serial_fd: our end of the serial port over which the agent speaks; the rig's from then on
 * @events_fd: where all that the agent says is appended to; the rig's from then on
 * @qtest_fd: our end of QEMU's qtest socket; the rig's from then on
 * @console: path of the file with the guest's console
 * @local: path of our own socket of the network cable
 * @remote: path of QEMU's
 * @frame_interval_ns: from one frame to the next
 * @frames_max: frames that are accounted for
 * @entries: descriptors of the card's receive ring
 * @jump_fault: what to change of the preserved records between the kernels (record.h), "device-gone"
 *	to have the network card elsewhere, or "none"
 * @emit: takes an event; owns it
 * @end: ends a machine that is off and stays
 * @context: for both
 */
struct rig_config {
	uint64_t seed;
	const char *memory;
	int serial_fd;
	int events_fd;
	int qtest_fd;
	const char *console;
	const char *local;
	const char *remote;
	uint64_t frame_interval_ns;
	uint32_t frames_max;
	uint32_t entries;
	const char *jump_fault;
	void (*emit)(void *context, struct json_object *event);
	void (*end)(void *context);
	void *context;
};

/**
 * rig_open - put it up
 * @rig: where it goes
 * @config: copied; its texts too
 *
 * Return: 0 or a negative errno; then the descriptors are the caller's.
 */
int rig_open(struct rig **rig, const struct rig_config *config);

/**
 * rig_start - answer what the agent asks in its event stream, in a thread, until the machine ends
 * @rig: from rig_open()
 *
 * Return: 0 or a negative errno.
 */
int rig_start(struct rig *rig);

/**
 * rig_answer - answer one question
 * @rig: from rig_open()
 * @line: the question
 *
 * Return: the answer; negative for a question that is not understood or cannot be met.
 */
long long rig_answer(struct rig *rig, const char *line);

/**
 * rig_close - wait until the machine's end has been seen, and take all down
 * @rig: the rig or NULL; its machine has ended
 */
void rig_close(struct rig *rig);

#endif
