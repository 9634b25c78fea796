// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the IOMMU's preserved records. Today each piece is a folio of its
 * own with a KHO key of its own; a bulk allocator replaces the bodies here and
 * nothing else.
 *
 * Every function that can fail can be redirected by a KUnit test.
 */
#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "liveupdate-alloc.h"

/**
 * iommu_liveupdate_alloc - allocate preserved, zeroed memory
 * @order: log2 of the number of pages
 *
 * Context: Process context; may sleep.
 * Return: its address, physically contiguous and naturally aligned;
 *	ERR_PTR(-ENOMEM), or ERR_PTR(-E2BIG) if no folio is that large.
 */
void *iommu_liveupdate_alloc(unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_alloc, order);

	return kho_alloc_preserve(PAGE_SIZE << order);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_alloc);

/**
 * iommu_liveupdate_free - unpreserve and free memory
 * @address: from iommu_liveupdate_alloc(), or NULL
 * @order: as allocated
 *
 * Context: Process context; may sleep.
 */
void iommu_liveupdate_free(void *address, unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_free, address, order);

	kho_unpreserve_free(address);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_free);

/**
 * iommu_liveupdate_is_restorable - is there preserved memory at an address?
 * @phys: any number at all, it need not be an address
 * @order: log2 of the number of pages
 *
 * What it accepts can be read through phys_to_virt().
 *
 * Context: Any, once KHO's memory is initialized.
 * Return: true if the previous kernel preserved memory of this @order at
 *	@phys and it has not been restored yet.
 */
bool iommu_liveupdate_is_restorable(u64 phys, unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_is_restorable, phys, order);

	return kho_is_restorable(phys, order);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_is_restorable);

/**
 * iommu_liveupdate_restore - take over memory from the previous kernel
 * @phys: physical address for which iommu_liveupdate_is_restorable() is true
 * @order: log2 of the number of pages
 *
 * Return: the memory's address, or NULL if it is not restorable.
 */
void *iommu_liveupdate_restore(u64 phys, unsigned int order)
{
	struct folio *folio;

	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_restore, phys, order);

	if (!kho_is_restorable(phys, order))
		return NULL;

	folio = kho_restore_folio(phys);
	return folio ? folio_address(folio) : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_restore);

/**
 * iommu_liveupdate_put - free restored memory
 * @address: from iommu_liveupdate_restore()
 * @order: as restored
 */
void iommu_liveupdate_put(void *address, unsigned int order)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_put, address, order);

	folio_put(virt_to_folio(address));
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_put);

/**
 * iommu_liveupdate_alloc_array - allocate a zeroed array that is not preserved
 * @number: of elements; 0 is one
 * @size: of an element, bytes
 *
 * Return: the array, for kvfree(), or NULL.
 */
void *iommu_liveupdate_alloc_array(size_t number, size_t size)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_alloc_array, number, size);

	return kvcalloc(max_t(size_t, number, 1), size, GFP_KERNEL);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_alloc_array);

/**
 * iommu_liveupdate_alloc_slot - take the lowest free number
 * @slots: the numbers in use
 *
 * Return: the number, -ENOSPC or -ENOMEM.
 */
int iommu_liveupdate_alloc_slot(struct ida *slots)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_alloc_slot, slots);

	return ida_alloc(slots, GFP_KERNEL);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_alloc_slot);

/* Neighbouring objects share the tree's nodes when the zero bits are left out */
static unsigned long iommu_liveupdate_object_key(const void *object)
{
	return (unsigned long)object / __alignof__(void *);
}

/**
 * iommu_liveupdate_object - the object behind a key of the array
 * @key: index in the array that iommu_liveupdate_remember() was given
 *
 * Return: the object, which is the caller's word to be taken back from const.
 */
void *iommu_liveupdate_object(unsigned long key)
{
	return (void *)(key * __alignof__(void *));
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_object);

/**
 * iommu_liveupdate_remember - note the slot of an object
 * @objects: slots by object
 * @object: any aligned pointer
 * @slot: at most INT_MAX
 *
 * Return: 0, -EBUSY if @object has one already, or -ENOMEM.
 */
int iommu_liveupdate_remember(struct xarray *objects, const void *object,
			      u32 slot)
{
	KUNIT_STATIC_STUB_REDIRECT(iommu_liveupdate_remember, objects, object,
				   slot);

	return xa_insert(objects, iommu_liveupdate_object_key(object),
			 xa_mk_value(slot), GFP_KERNEL);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_liveupdate_remember);

/**
 * iommu_liveupdate_recall - find the slot of an object
 * @objects: slots by object
 * @object: the object
 *
 * Return: the slot or -ENOENT.
 */
int iommu_liveupdate_recall(struct xarray *objects, const void *object)
{
	void *entry = xa_load(objects, iommu_liveupdate_object_key(object));

	return entry ? xa_to_value(entry) : -ENOENT;
}

/**
 * iommu_liveupdate_forget - drop the slot of an object
 * @objects: slots by object
 * @object: the object
 */
void iommu_liveupdate_forget(struct xarray *objects, const void *object)
{
	xa_erase(objects, iommu_liveupdate_object_key(object));
}
