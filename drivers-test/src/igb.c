// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel's 82576, receiving; see the header for what is guaranteed. The shared memory holds a page
 * with the state, the ring and the buffers; each part starts a page.
 */
#include <errno.h>
#include <linux/mii.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <flbench/igb.h>
#include <flbench/mmio.h>

#define IGB_MAGIC 0x314247494246ull /* "FBIGB1" */
#define PAGE_BYTES 4096u
#define BAR_BYTES 0x10000u

/* Registers, 8.1.3; those of queue 0. */
#define REG_CTRL 0x0000
#define CTRL_FD (1u << 0)
#define CTRL_SLU (1u << 6)
#define CTRL_RST (1u << 26)
#define REG_STATUS 0x0008
#define STATUS_LU (1u << 1)
#define REG_CTRL_EXT 0x0018
#define CTRL_EXT_LINK_MODE (3u << 22)
#define CTRL_EXT_DRV_LOAD (1u << 28)
#define REG_MDIC 0x0020
#define MDIC_REGISTER_SHIFT 16
#define MDIC_PHY (1u << 21)
#define MDIC_WRITE (1u << 26)
#define MDIC_READY (1u << 28)
#define MDIC_ERROR (1u << 30)
#define REG_IMC 0x150c
#define REG_EIMC 0x1528
#define REG_RCTL 0x0100
#define RCTL_EN (1u << 1)
#define RCTL_UPE (1u << 3)
#define RCTL_MPE (1u << 4)
#define RCTL_BAM (1u << 15)
#define RCTL_SECRC (1u << 26)
#define RCTL_WANTED (RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC)
#define REG_RDBAL 0xc000
#define REG_RDBAH 0xc004
#define REG_RDLEN 0xc008
#define REG_SRRCTL 0xc00c
#define SRRCTL_BUFFER_KIB (IGB_BUFFER_BYTES / 1024)
#define SRRCTL_ADVANCED (1u << 25)
#define SRRCTL_DROP (1u << 31)
#define SRRCTL_WANTED (SRRCTL_BUFFER_KIB | SRRCTL_ADVANCED | SRRCTL_DROP)
#define REG_RDH 0xc010
#define REG_RDT 0xc018
#define REG_RXDCTL 0xc028
#define RXDCTL_ENABLE (1u << 25)
/* Cleared by reading. */
#define REG_MPC 0x4010
#define REG_RQDPC 0xc030
#define RQDPC_MASK 0xfffu

#define POLL_US 1000
#define RESET_MS 100
#define PHY_MS 100
/* A real link negotiates for two or three seconds. */
#define LINK_MS 10000
#define QUEUE_MS 100

/**
 * struct igb_state - what goes to the next kernel: numbers and IOVAs, no pointers
 */
struct igb_state {
	uint64_t magic;
	uint64_t iova;
	uint64_t missed;
	struct igb_ring_state ring;
};

static size_t ring_bytes(uint32_t entries)
{
	size_t bytes = entries * sizeof(union igb_descriptor);

	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

size_t igb_region_bytes(uint32_t entries)
{
	if (!entries || entries % IGB_RING_ALIGN || entries > IGB_RING_MAX)
		return 0;
	return PAGE_BYTES + ring_bytes(entries) + (size_t)entries * IGB_BUFFER_BYTES;
}

static uint32_t get(const struct igb *igb, uint32_t offset)
{
	return mmio_read32(igb->bar, offset);
}

static void set(struct igb *igb, uint32_t offset, uint32_t value)
{
	mmio_write32(igb->bar, offset, value);
}

/* Wait until the bits of @mask are all set, or all clear. */
static int wait_bits(const struct igb *igb, uint32_t offset, uint32_t mask, bool on,
		     unsigned int timeout_ms)
{
	for (uint64_t us = 0; (get(igb, offset) & mask) != (on ? mask : 0); us += POLL_US) {
		if (us >= timeout_ms * 1000ull)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
	return 0;
}

/* What igb_init() and igb_resume() have in common; reads only. */
static int open_card(struct igb *igb, struct vfio_device *vfio, const struct dma_region *region)
{
	int err = vfio_check_identity(vfio, IGB_VENDOR_ID, IGB_DEVICE_ID);

	if (!err)
		err = vfio_check_bus_master(vfio);
	if (!err)
		err = vfio_map_bar(vfio, 0, BAR_BYTES);
	if (err)
		return err;
	*igb = (struct igb){
		.vfio = vfio,
		.bar = vfio->bar[0].memory,
		.state = region->memory,
	};
	return 0;
}

static void find_ring(struct igb *igb, const struct dma_region *region, uint32_t entries)
{
	uint8_t *memory = region->memory;
	size_t buffers = PAGE_BYTES + ring_bytes(entries);

	igb->ring = (struct igb_ring){
		.state = &igb->state->ring,
		.descriptors = (void *)(memory + PAGE_BYTES),
		.buffers = memory + buffers,
		.buffers_iova = region->iova + buffers,
	};
}

static int reset(struct igb *igb)
{
	int err;

	set(igb, REG_IMC, UINT32_MAX);
	set(igb, REG_EIMC, UINT32_MAX);
	set(igb, REG_CTRL, get(igb, REG_CTRL) | CTRL_RST);
	/* 4.2.1.6.1: not to be touched for 1 ms. */
	usleep(1000);
	err = wait_bits(igb, REG_CTRL, CTRL_RST, false, RESET_MS);
	set(igb, REG_IMC, UINT32_MAX);
	set(igb, REG_EIMC, UINT32_MAX);
	return err;
}

static int link_up(struct igb *igb)
{
	uint32_t control = BMCR_ANENABLE | BMCR_ANRESTART;
	int err;

	set(igb, REG_CTRL_EXT, (get(igb, REG_CTRL_EXT) & ~CTRL_EXT_LINK_MODE) | CTRL_EXT_DRV_LOAD);
	set(igb, REG_CTRL, get(igb, REG_CTRL) | CTRL_SLU | CTRL_FD);
	/* The link comes with negotiation, 3.5.7; QEMU's does at the end of it only. */
	set(igb, REG_MDIC, control | MII_BMCR << MDIC_REGISTER_SHIFT | MDIC_PHY | MDIC_WRITE);
	err = wait_bits(igb, REG_MDIC, MDIC_READY, true, PHY_MS);
	if (!err && get(igb, REG_MDIC) & MDIC_ERROR)
		err = -ENETDOWN;
	if (!err)
		err = wait_bits(igb, REG_STATUS, STATUS_LU, true, LINK_MS);
	return err ? -ENETDOWN : 0;
}

static int start(struct igb *igb)
{
	const struct igb_state *state = igb->state;
	uint64_t ring = state->iova + PAGE_BYTES;

	set(igb, REG_RDBAL, (uint32_t)ring);
	set(igb, REG_RDBAH, ring >> 32);
	set(igb, REG_RDLEN, state->ring.entries * sizeof(union igb_descriptor));
	set(igb, REG_SRRCTL, SRRCTL_WANTED);
	set(igb, REG_RDH, 0);
	set(igb, REG_RDT, 0);
	set(igb, REG_RXDCTL, get(igb, REG_RXDCTL) | RXDCTL_ENABLE);
	/* 8.10.10: the queue's bit shows up only with receiving as a whole. */
	set(igb, REG_RCTL, RCTL_WANTED);
	if (wait_bits(igb, REG_RXDCTL, RXDCTL_ENABLE, true, QUEUE_MS))
		return -EIO;
	/* 4.5.9: the tail is written when the queue is enabled. */
	set(igb, REG_RDT, state->ring.tail);
	return 0;
}

int igb_init(struct igb *igb, struct vfio_device *vfio, const struct dma_region *region,
	     uint32_t entries)
{
	size_t needed = igb_region_bytes(entries);
	int err;

	if (!needed || region->bytes < needed)
		return -EINVAL;
	err = vfio_set_bus_master(vfio, true);
	if (!err)
		err = open_card(igb, vfio, region);
	if (!err)
		err = reset(igb);
	if (err)
		return err;
	*igb->state = (struct igb_state){ .iova = region->iova };
	find_ring(igb, region, entries);
	igb_ring_init(&igb->ring, entries);
	/* What the counters had from before. */
	igb_missed(igb);
	igb->state->missed = 0;
	err = link_up(igb);
	if (!err)
		err = start(igb);
	if (!err)
		igb->state->magic = IGB_MAGIC;
	return err;
}

/* A reset clears the queue's registers; the ring's base tells whether it is ours. */
static int check_registers(const struct igb *igb)
{
	const struct igb_state *state = igb->state;
	uint64_t ring = state->iova + PAGE_BYTES;

	if (get(igb, REG_RCTL) != RCTL_WANTED || !(get(igb, REG_RXDCTL) & RXDCTL_ENABLE) ||
	    get(igb, REG_RDBAL) != (uint32_t)ring || get(igb, REG_RDBAH) != ring >> 32 ||
	    get(igb, REG_RDLEN) != state->ring.entries * sizeof(union igb_descriptor) ||
	    get(igb, REG_RDT) != state->ring.tail)
		return -ESTALE;
	return 0;
}

int igb_resume(struct igb *igb, struct vfio_device *vfio, const struct dma_region *region)
{
	const struct igb_state *state = region->memory;
	size_t needed;
	int err = open_card(igb, vfio, region);

	if (err)
		return err;
	if (region->bytes < PAGE_BYTES || state->magic != IGB_MAGIC || state->iova != region->iova)
		return -EINVAL;
	needed = igb_region_bytes(state->ring.entries);
	if (!needed || region->bytes < needed)
		return -EINVAL;
	find_ring(igb, region, state->ring.entries);
	err = igb_ring_check(&igb->ring);
	return err ? err : check_registers(igb);
}

int igb_take(struct igb *igb, const void **frame, uint32_t *bytes)
{
	return igb_ring_take(&igb->ring, frame, bytes);
}

void igb_give(struct igb *igb, uint32_t max)
{
	if (igb_ring_give(&igb->ring, max))
		set(igb, REG_RDT, igb->state->ring.tail);
}

struct arrival_words igb_arrivals(const struct igb *igb)
{
	return (struct arrival_words){
		.first = &igb->ring.descriptors[0].done.status,
		.stride = sizeof(union igb_descriptor),
		.nr = igb->state->ring.entries,
		.mask = IGB_STATUS_DONE,
		.rise = true,
	};
}

uint64_t igb_missed(struct igb *igb)
{
	/*
	 * RNBC counts frames that found no descriptor and may have waited in the card's memory;
	 * those that were dropped are in the others.
	 */
	igb->state->missed += get(igb, REG_MPC) + (get(igb, REG_RQDPC) & RQDPC_MASK);
	return igb->state->missed;
}

int igb_stop(struct igb *igb)
{
	set(igb, REG_RCTL, 0);
	set(igb, REG_RXDCTL, get(igb, REG_RXDCTL) & ~RXDCTL_ENABLE);
	/* 4.5.9.2: frames on their way arrive until the bit is clear. */
	return wait_bits(igb, REG_RXDCTL, RXDCTL_ENABLE, false, QUEUE_MS);
}
