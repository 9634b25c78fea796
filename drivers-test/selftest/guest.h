/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two parts of the guest's program share: the tests of guest.c, and the jump (jump.c). */
#ifndef FLBENCH_SELFTEST_GUEST_H
#define FLBENCH_SELFTEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flbench/arrival.h>
#include <flbench/edu.h>
#include <flbench/frame.h>
#include <flbench/igb.h>
#include <flbench/nvme.h>
#include <flbench/vfio.h>

#include "selftest.h"

#define PAGE 4096u
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum device { EDU, NVME, IGB, DEVICES };
enum area { AREA_EDU, AREA_DATA, AREA_NVME, AREA_IGB, AREAS };

/* The first part of the memfd, which no device reaches: what a second process needs, and says. */
struct shared {
	int iommufd;
	int fd[DEVICES];
	uint32_t iommufd_id[DEVICES];
	uint32_t ioas_id;
	uint32_t hwpt_id;
	uint64_t bad_frames;
	char address[DEVICES][VFIO_ADDRESS_SIZE];
	char problem[256];
	/* Last: a book has no fixed size. */
	struct frame_book book;
};

struct test {
	const char *name;
	bool (*run)(void);
};

/* Where edu copies from and to in its area. */
#define EDU_FROM (2 * PAGE + 24)
#define EDU_TO (9 * PAGE - 41)
#define EDU_BYTES 3000u

extern int memfd;
extern size_t start[AREAS], length[AREAS];
extern struct shared *shared;
extern struct vfio_device vfio[DEVICES];
extern uint32_t igb_entries;
extern struct edu edu;
extern struct nvme nvme;
extern struct igb igb;

/* Note what is wrong, if @ok is false. Return: @ok. */
__attribute__((format(printf, 2, 3))) bool expect(bool ok, const char *format, ...);
bool expect_result(int result, int wanted, const char *what);
/* Ask the host for something; its answer is a number. */
__attribute__((format(printf, 1, 2))) long long ask(const char *format, ...);
/*
 * Run all, and tell the host each result; when one of the first @needed fails, no more.
 * Return: false if one of those did.
 */
bool run_tests(const struct test *tests, size_t nr, size_t needed);

/* A new memfd; or map the one that is there. */
int create_memory(void);
int map_memory(void);
int map_areas(int iommufd, uint32_t ioas_id);
struct dma_region region(enum area area);
void fill(size_t from, size_t bytes);
bool untouched(size_t from, size_t bytes);
bool sentinels_hold(enum area area, size_t offset, size_t bytes);
/* Have the host look at words, besides those that it was told before. */
bool watch(struct arrival_words words);

bool set_up(void);
int find_and_open(uint16_t vendor, uint16_t device, unsigned int nth, struct vfio_device *opened,
		  char *address);
uint64_t bar_address(const char *address);
bool fault_is_logged(uint64_t iova);

bool edu_identity(void);
bool edu_dma(void);
bool edu_unmapped(void);
bool edu_interrupt(void);
bool edu_arrived(size_t to);
bool edu_second(void);

bool nvme_identify(void);
bool nvme_back(void);
bool nvme_fly(void);
bool nvme_take_over(uint32_t *late);

bool igb_link(void);
bool receive(unsigned int ms, bool give);
bool igb_second(void);
bool tell_pages(void);
bool settle(const char *phase);

/* Is this machine for live updates? Then jump_run() does all. Return: 0 or a negative errno. */
bool jump_wanted(void);
int jump_run(void);

#endif
