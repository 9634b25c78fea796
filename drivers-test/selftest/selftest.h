/* SPDX-License-Identifier: GPL-2.0-only */
/* What both sides of the test of the drivers have to know. */
#ifndef FLBENCH_SELFTEST_H
#define FLBENCH_SELFTEST_H

#define SELFTEST_SEED 0x73656c6674657374ull
/* Far above the guest's memory, and below 2^39, which every VT-d unit translates. */
#define SELFTEST_IOVA (256ull << 30)
#define SELFTEST_DISK_BYTES (64ull << 20)
#define SELFTEST_FRAMES_MAX 20000u

/* The word of the command line that asks for live updates. */
#define SELFTEST_JUMP "selftest=jump"
/* At a frame every 20 ms, as long as 20 seconds. */
#define SELFTEST_JUMP_ENTRIES 1024u
#define SELFTEST_JUMP_INTERVAL_NS 20000000ull

#endif
