/* SPDX-License-Identifier: GPL-2.0-only */
/* What both sides of the test of the drivers have to know. */
#ifndef FLBENCH_SELFTEST_H
#define FLBENCH_SELFTEST_H

#define SELFTEST_SEED 0x73656c6674657374ull
#define SELFTEST_DISK_BYTES (64ull << 20)
#define SELFTEST_FRAMES_MAX 20000u
/* At a frame every 2 ms, as long as half a second. */
#define SELFTEST_RING 256u
#define SELFTEST_INTERVAL_NS 2000000ull

#endif
