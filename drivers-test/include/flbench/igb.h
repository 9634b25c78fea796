/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Driver of Intel's 82576 network card ("igb") on VFIO, receiving only: one ring, polled, in memory
 * that the caller provides. Everything that a later kernel needs to go on is in that memory.
 * Guarantees about its DMA:
 *
 * - The card writes nothing but the descriptors and buffers of the region given to igb_init(), and
 *   reads nothing but the descriptors.
 * - It goes on receiving with no program running, one frame a descriptor, until it has used the
 *   descriptors that it was given: as many as the ring has, less one. Further frames are missed,
 *   and counted by the card (igb_missed()) or, on a card that is emulated by QEMU, held back and
 *   refused to the sender.
 * - igb_resume() writes no register: no frame is lost or seen twice.
 *
 * State is consistent between calls, not within one.
 *
 * Source: Intel 82576EB datasheet, 4.5 (initialisation), 8.10 (receive registers), 8.18 (statistics).
 */
#ifndef FLBENCH_IGB_H
#define FLBENCH_IGB_H

#include <flbench/arrival.h>
#include <flbench/igb_ring.h>
#include <flbench/vfio.h>

#define IGB_VENDOR_ID 0x8086
#define IGB_DEVICE_ID 0x10c9

struct igb_state;

/**
 * struct igb - a card in use
 * @vfio: the device; the caller's
 * @bar: its registers
 * @state: what goes to the next kernel, in the shared memory
 * @ring: the receive ring
 */
struct igb {
	struct vfio_device *vfio;
	volatile void *bar;
	struct igb_state *state;
	struct igb_ring ring;
};

/**
 * igb_region_bytes - how much shared memory is needed
 * @entries: descriptors
 *
 * Return: bytes, a multiple of the page size; 0 for a number that is out of range or no multiple of
 * IGB_RING_ALIGN.
 */
size_t igb_region_bytes(uint32_t entries);

/**
 * igb_init - reset a card, bring the link up and receive all that comes
 * @igb: filled in
 * @vfio: the device, bound and attached
 * @region: shared memory of igb_region_bytes(), mapped for reading and writing
 * @entries: descriptors
 *
 * Switches bus mastering on. Interrupts stay off.
 *
 * Return: 0; -EINVAL for a number out of range or a region that is too small, -ENODEV when it is no
 * 82576, -ETIMEDOUT when the reset does not end, -ENETDOWN when the link stays down, -EIO when the
 * queue cannot be enabled, or a negative errno of VFIO.
 */
int igb_init(struct igb *igb, struct vfio_device *vfio, const struct dma_region *region,
	     uint32_t entries);

/**
 * igb_resume - go on with the ring that igb_init() made, in another process or kernel
 * @igb: filled in
 * @vfio: the device, bound and attached
 * @region: the same memory at the same IOVA
 *
 * Only reads registers. Frames since then are found by igb_take().
 *
 * Return: 0; -EINVAL when the memory holds no state that can be believed, -ESTALE when the card was
 * reset or has another ring since, -EPERM when bus mastering is off, or a negative errno of VFIO.
 */
int igb_resume(struct igb *igb, struct vfio_device *vfio, const struct dma_region *region);

/**
 * igb_take - take a frame
 * @igb: the card
 * @frame: where a pointer to it goes; it stays until igb_give()
 * @bytes: its length, without the CRC on the wire
 *
 * Return: 1; 0 when there is none; -EIO for a frame that the card found wrong, which is taken too.
 */
int igb_take(struct igb *igb, const void **frame, uint32_t *bytes);

/**
 * igb_give - give descriptors of frames that were taken back to the card
 * @igb: the card
 * @max: how many at most
 */
void igb_give(struct igb *igb, uint32_t max);

/**
 * igb_arrivals - the words that tell of a frame: the status in each descriptor
 * @igb: the card
 *
 * Return: them, in the order of the ring.
 */
struct arrival_words igb_arrivals(const struct igb *igb);

/**
 * igb_missed - frames that the card missed since igb_init(), for want of a descriptor or of room in
 * its own memory
 * @igb: the card
 *
 * Reading the registers clears them; the sum is kept in the shared memory. QEMU's card counts none.
 *
 * Return: how many.
 */
uint64_t igb_missed(struct igb *igb);

/**
 * igb_stop - receive no more
 * @igb: the card
 *
 * Guarantees: no DMA goes on when it returns 0.
 *
 * Return: 0; -ETIMEDOUT.
 */
int igb_stop(struct igb *igb);

#endif
