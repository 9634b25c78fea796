/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads and writes a guest's physical addresses from outside, over QEMU's qtest protocol (QEMU,
 * docs/devel/testing/qtest.rst): so a device can be started at a chosen instant, and
 * asked for its state, whatever the guest's processors do.
 * QEMU is given "-chardev socket,id=ID,... -qtest chardev:ID" beside its usual accelerator.
 */
#ifndef FLBENCH_QTEST_H
#define FLBENCH_QTEST_H

#include <stdint.h>
#include <stdio.h>

/**
 * struct qtest - a connection
 * @fd: what commands are written to
 * @answers: what QEMU says, on the same socket
 */
struct qtest {
	int fd;
	FILE *answers;
};

/**
 * qtest_open - speak the protocol on a socket
 * @qtest: filled in
 * @fd: connected to QEMU; @qtest owns it if this succeeds
 *
 * Return: 0 or a negative errno.
 */
int qtest_open(struct qtest *qtest, int fd);

/**
 * qtest_close - hang up
 * @qtest: from qtest_open()
 */
void qtest_close(struct qtest *qtest);

/**
 * qtest_write64 - write 64 bits
 * @qtest: from qtest_open()
 * @address: physical address in the guest: a register or memory
 * @value: little-endian
 *
 * When it returns, the device has seen the write.
 *
 * Return: 0; -EPIPE when QEMU is gone, -EPROTO when it does not agree.
 */
int qtest_write64(struct qtest *qtest, uint64_t address, uint64_t value);

/**
 * qtest_write32 - write 32 bits
 * @qtest: from qtest_open()
 * @address: as above, or configuration space where the machine maps it
 * @value: little-endian
 *
 * Return: as qtest_write64().
 */
int qtest_write32(struct qtest *qtest, uint64_t address, uint32_t value);

/**
 * qtest_read32 - read 32 bits
 * @qtest: from qtest_open()
 * @address: as above
 * @value: where they go
 *
 * Return: as qtest_write64().
 */
int qtest_read32(struct qtest *qtest, uint64_t address, uint32_t *value);

/**
 * qtest_edu_dma - start DMA of QEMU's edu device (flbench/edu_regs.h)
 * @qtest: from qtest_open()
 * @bar: physical address of its BAR 0
 * @iova: address in memory
 * @offset: where in the device's buffer
 * @bytes: how many
 * @to_memory: 1: from the buffer to @iova, 0: from @iova to the buffer
 *
 * Return: 0; -EINVAL for a range that is not in the buffer, or as qtest_write64().
 */
int qtest_edu_dma(struct qtest *qtest, uint64_t bar, uint64_t iova, uint32_t offset, uint32_t bytes,
		  int to_memory);

#endif
