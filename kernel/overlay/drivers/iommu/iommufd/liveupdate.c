// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carry HWPTs over a live update: which of them are marked, what is written
 * down about them when the iommufd is preserved, and how they come back. The
 * records of domains and devices belong to ../liveupdate.c, the page tables to
 * generic_pt, and the memory behind the mappings to the memfds.
 *
 * Old kernel. A HWPT is marked with a token. Preserving the iommufd preserves
 * all its marked HWPTs and the devices that are attached to them. From then on
 * until the reboot, or until the session is dropped, their IOASes and their
 * attachments are immutable, see iopt_is_preserved(); other IOASes of the same
 * iommufd are not concerned. Only memfds that cannot change their size may be
 * mapped, and the freeze fails if one of them is not preserved in the same
 * session, or lost a page that is mapped: the next kernel would hand out memory
 * that a device writes to.
 *
 * New kernel. The retrieved iommufd is empty but for the list of tokens. Each
 * HWPT is restored when user space asks for its token, so that running out of
 * memory can be answered by trying again. It has no IOAS and cannot be changed
 * before it is adopted, see iopt_table_adopt_domain(). The session can be
 * finished when each HWPT was adopted or destroyed. If nobody ever retrieved
 * the iommufd, finishing the session frees the domains.
 *
 * Failures. In the old kernel each one is undone and reported. In the new
 * kernel a record that is not what it should be is never acted upon: the domain
 * stays as it is, with its memory, until the next regular reboot, since a
 * device may be using it.
 */
#define pr_fmt(fmt) "iommufd: " fmt

#include <linux/bsearch.h>
#include <linux/delay.h>
#include <linux/fcntl.h>
#include <linux/iommu-liveupdate.h>
#include <linux/iommufd.h>
#include <linux/iversion.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/iommu.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/pagemap.h>
#include <linux/pci-liveupdate.h>
#include <linux/rbtree.h>
#include <linux/shmem_fs.h>
#include <linux/timex.h>
#include <uapi/linux/iommufd.h>

#include "io_pagetable.h"
#include "iommufd_private.h"
#include "iommufd_test.h"

/* A marked HWPT; protected by iommufd_liveupdate::lock */
struct iommufd_hwpt_mark {
	/* In iommufd_liveupdate::marked */
	struct rb_node node;
	struct iommufd_ctx *ictx;
	struct iommufd_hwpt_paging *hwpt_paging;
	u64 token;
	/* Index of the domain's record while it is preserved */
	u32 domain;
	/* While it is preserved: its memfds are too, and hold what is mapped */
	bool files_checked;
};

/* A HWPT that was restored; @list and iommufd_hwpt_paging::ioas need @lock */
struct iommufd_hwpt_restored {
	/* Serializes adoption with attaching and detaching */
	struct mutex lock;
	struct iommufd_ctx *ictx;
	/* Index of the domain's record */
	u32 domain;
	/* Index in iommufd_incoming::hwpts */
	u32 position;
	/* Of iommufd_device::restored_item, until the HWPT is adopted */
	struct list_head devices;
};

/*
 * What a retrieved iommufd still has to do with the previous kernel, until its
 * session is finished; protected by iommufd_liveupdate::lock.
 */
struct iommufd_incoming {
	struct iommufd_ser *ser;
	/* HWPTs that were restored and are not destroyed, by domain */
	struct xarray by_domain;
	/* HWPTs that are neither adopted nor destroyed, restored or not */
	u32 nr_unsettled;
	u32 nr_hwpts;
	/* Parallel to @ser: NULL if not restored yet, HWPT_GONE if destroyed */
	struct iommufd_hwpt_paging *hwpts[] __counted_by(nr_hwpts);
};

/* Preserved along with the devices of their group; see iommufd_group::bridges */
struct iommufd_bridges {
	unsigned int nr;
	struct device *devs[] __counted_by(nr);
};

#define HWPT_GONE ((struct iommufd_hwpt_paging *)ERR_PTR(-ENOENT))

/* A file whose size can change could lose pages that are mapped */
#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

void iommufd_liveupdate_init_ctx(struct iommufd_ctx *ictx)
{
	mutex_init(&ictx->liveupdate.lock);
	ictx->liveupdate.marked = RB_ROOT;
}

void iommufd_liveupdate_destroy_ctx(struct iommufd_ctx *ictx)
{
	/* HWPTs take their mark along; a session holds its files open */
	WARN_ON(!RB_EMPTY_ROOT(&ictx->liveupdate.marked));
	WARN_ON(ictx->liveupdate.ser || ictx->liveupdate.incoming);
	mutex_destroy(&ictx->liveupdate.lock);
}

/* Marking */

static int iommufd_mark_cmp(struct rb_node *new, const struct rb_node *cur)
{
	u64 new_token = rb_entry(new, struct iommufd_hwpt_mark, node)->token;
	u64 cur_token = rb_entry(cur, struct iommufd_hwpt_mark, node)->token;

	if (new_token == cur_token)
		return 0;
	return new_token < cur_token ? -1 : 1;
}

static int iommufd_hwpt_check_mark(struct iommufd_hwpt_paging *hwpt_paging)
{
	struct iommufd_hw_pagetable *hwpt = &hwpt_paging->common;

	if (!iommufd_hwpt_ioas(hwpt_paging))
		return -EINVAL;
	if (hwpt_paging->auto_domain || hwpt_paging->nest_parent ||
	    hwpt->fault || hwpt->pasid_compat)
		return -EOPNOTSUPP;
	if (!hwpt->domain->owner || !hwpt->domain->owner->liveupdate)
		return -EOPNOTSUPP;
	return 0;
}

int iommufd_hwpt_liveupdate_mark_preserve(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_mark_preserve *cmd = ucmd->cmd;
	struct iommufd_liveupdate *lu = &ucmd->ictx->liveupdate;
	struct iommufd_hwpt_paging *hwpt_paging;
	struct iommufd_hwpt_mark *mark;
	int rc;

	hwpt_paging = iommufd_get_hwpt_paging(ucmd, cmd->hwpt_id);
	if (IS_ERR(hwpt_paging))
		return PTR_ERR(hwpt_paging);

	rc = iommufd_hwpt_check_mark(hwpt_paging);
	if (rc)
		goto out_put;

	mark = kzalloc_obj(*mark, GFP_KERNEL_ACCOUNT);
	if (!mark) {
		rc = -ENOMEM;
		goto out_put;
	}
	mark->ictx = ucmd->ictx;
	mark->hwpt_paging = hwpt_paging;
	mark->token = cmd->hwpt_token;

	mutex_lock(&lu->lock);
	if (lu->ser) {
		rc = -EBUSY;
	} else if (rb_find_add(&mark->node, &lu->marked, iommufd_mark_cmp)) {
		rc = -EADDRINUSE;
	} else if (hwpt_paging->mark) {
		rb_erase(&mark->node, &lu->marked);
		rc = -EEXIST;
	} else {
		hwpt_paging->mark = mark;
		lu->nr_marked++;
	}
	mutex_unlock(&lu->lock);
	if (rc)
		kfree(mark);

out_put:
	iommufd_put_object(ucmd->ictx, &hwpt_paging->common.obj);
	return rc;
}

/* The HWPT is being destroyed, which does not happen while it is preserved */
void iommufd_liveupdate_unmark(struct iommufd_hwpt_paging *hwpt_paging)
{
	struct iommufd_hwpt_mark *mark = hwpt_paging->mark;
	struct iommufd_liveupdate *lu;

	if (!mark)
		return;

	lu = &mark->ictx->liveupdate;
	mutex_lock(&lu->lock);
	rb_erase(&mark->node, &lu->marked);
	lu->nr_marked--;
	mutex_unlock(&lu->lock);
	hwpt_paging->mark = NULL;
	kfree(mark);
}

/* In the order of the tokens */
static struct iommufd_hwpt_mark *
iommufd_first_mark(struct iommufd_liveupdate *lu)
{
	lockdep_assert_held(&lu->lock);

	return rb_entry_safe(rb_first(&lu->marked), struct iommufd_hwpt_mark,
			     node);
}

static struct iommufd_hwpt_mark *
iommufd_next_mark(struct iommufd_hwpt_mark *mark)
{
	return rb_entry_safe(rb_next(&mark->node), struct iommufd_hwpt_mark,
			     node);
}

/* Old kernel: preserving */

static int iommufd_liveupdate_check_area(struct iopt_area *area)
{
	struct iopt_pages *pages = area->pages;
	const char *what;
	int seals;
	int rc;

	/* Somebody is adding or removing it right now */
	if (!pages)
		return -EBUSY;
	if (pages->type != IOPT_ADDRESS_FILE || !shmem_file(pages->file)) {
		what = "not mapped from a memfd";
		rc = -EOPNOTSUPP;
		goto refuse;
	}

	seals = memfd_get_seals(pages->file);
	if (seals >= 0 && (seals & SIZE_SEALS) == SIZE_SEALS)
		return 0;
	what = "mapped from a memfd that can change its size";
	rc = seals < 0 ? seals : -EINVAL;
refuse:
	pr_warn("live update: what is at IOVA %#lx is %s\n",
		iopt_area_iova(area), what);
	return rc;
}

static int iommufd_liveupdate_lock_ioas(struct iommufd_ioas *ioas)
{
	struct io_pagetable *iopt = &ioas->iopt;
	struct iopt_area *area;
	int rc = 0;

	mutex_lock(&ioas->mutex);
	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	/* Nothing can have changed since another HWPT was preserved */
	if (!iopt_is_preserved(iopt)) {
		for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX);
		     area && !rc;
		     area = iopt_area_iter_next(area, 0, ULONG_MAX))
			rc = iommufd_liveupdate_check_area(area);
	}
	if (!rc)
		WRITE_ONCE(iopt->num_preserved, iopt->num_preserved + 1);
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	mutex_unlock(&ioas->mutex);
	return rc;
}

static void iommufd_liveupdate_unlock_ioas(struct iommufd_ioas *ioas)
{
	struct io_pagetable *iopt = &ioas->iopt;

	mutex_lock(&ioas->mutex);
	down_write(&iopt->domains_rwsem);
	down_write(&iopt->iova_rwsem);
	WRITE_ONCE(iopt->num_preserved, iopt->num_preserved - 1);
	up_write(&iopt->iova_rwsem);
	up_write(&iopt->domains_rwsem);
	mutex_unlock(&ioas->mutex);
}

static int iommufd_liveupdate_preserve_hwpt(struct iommufd_hwpt_mark *mark)
{
	struct iommufd_hwpt_paging *hwpt_paging = mark->hwpt_paging;
	struct iommu_domain *domain = hwpt_paging->common.domain;
	u32 flags = 0;
	int rc;

	/* Keeps the HWPT, and with it the IOAS, from being destroyed */
	if (!refcount_inc_not_zero(&hwpt_paging->common.obj.users))
		return -EBUSY;

	rc = iommufd_liveupdate_lock_ioas(hwpt_paging->ioas);
	if (rc)
		goto err_put;

	/* MSI pages are mapped without an area; from now on none is added */
	mutex_lock(&mark->ictx->sw_msi_lock);
	if (!bitmap_empty(hwpt_paging->present_sw_msi.bitmap,
			  BITS_PER_TYPE(hwpt_paging->present_sw_msi)))
		rc = -EOPNOTSUPP;
	mutex_unlock(&mark->ictx->sw_msi_lock);
	if (rc)
		goto err_unlock;

	if (domain->dirty_ops)
		flags |= IOMMU_DOMAIN_SER_DIRTY_TRACKING;
	if (hwpt_paging->enforce_cache_coherency)
		flags |= IOMMU_DOMAIN_SER_ENFORCE_CC;
	rc = iommu_liveupdate_preserve_domain(domain, flags, &mark->domain);
	if (rc)
		goto err_unlock;
	return 0;

err_unlock:
	iommufd_liveupdate_unlock_ioas(hwpt_paging->ioas);
err_put:
	refcount_dec(&hwpt_paging->common.obj.users);
	return rc;
}

static void iommufd_liveupdate_unpreserve_hwpt(struct iommufd_hwpt_mark *mark)
{
	struct iommufd_hwpt_paging *hwpt_paging = mark->hwpt_paging;

	iommu_liveupdate_unpreserve_domain(hwpt_paging->common.domain,
					   mark->domain);
	iommufd_liveupdate_unlock_ioas(hwpt_paging->ioas);
	refcount_dec(&hwpt_paging->common.obj.users);
}

/* All of them if @end is NULL */
static void iommufd_liveupdate_unpreserve_hwpts(struct iommufd_ctx *ictx,
						struct iommufd_hwpt_mark *end)
{
	struct iommufd_hwpt_mark *mark;

	for (mark = iommufd_first_mark(&ictx->liveupdate); mark;
	     mark = iommufd_next_mark(mark)) {
		if (mark == end)
			break;
		iommufd_liveupdate_unpreserve_hwpt(mark);
	}
}

static int iommufd_liveupdate_preserve_hwpts(struct iommufd_ctx *ictx,
					     struct iommufd_ser *ser)
{
	struct iommufd_hwpt_mark *mark;
	int rc;

	for (mark = iommufd_first_mark(&ictx->liveupdate); mark;
	     mark = iommufd_next_mark(mark)) {
		rc = iommufd_liveupdate_preserve_hwpt(mark);
		if (rc) {
			iommufd_liveupdate_unpreserve_hwpts(ictx, mark);
			return rc;
		}
		ser->hwpts[ser->nr_hwpts++] = (struct iommufd_hwpt_ser) {
			.token = mark->token,
			.domain = mark->domain,
		};
	}
	return 0;
}

static struct iommufd_attach *
iommufd_group_marked_attach(struct iommufd_group *igroup,
			    struct iommufd_hwpt_mark **mark)
{
	struct iommufd_hwpt_paging *hwpt_paging;
	struct iommufd_attach *attach;

	lockdep_assert_held(&igroup->lock);

	/* A marked HWPT has no PASIDs */
	attach = xa_load(&igroup->pasid_attach, IOMMU_NO_PASID);
	if (!attach)
		return NULL;
	hwpt_paging = find_hwpt_paging(attach->hwpt);
	if (!hwpt_paging || !hwpt_paging->mark)
		return NULL;
	*mark = hwpt_paging->mark;
	return attach;
}

/*
 * The next attached device of a group, or the first one behind NULL. The array of
 * an attachment is sparse, as its indices are those of all objects of the iommufd;
 * looking into it is cheap, and going through it is not.
 */
static struct iommufd_device *
iommufd_next_attached(struct iommufd_group *igroup,
		      struct iommufd_attach *attach,
		      struct iommufd_device *idev)
{
	idev = list_prepare_entry(idev, &igroup->devices, group_item);
	list_for_each_entry_continue(idev, &igroup->devices, group_item)
		if (xa_load(&attach->device_array, idev->obj.id))
			return idev;
	return NULL;
}

struct iommufd_find_bridges {
	struct iommufd_group *igroup;
	struct iommufd_attach *attach;
	struct iommufd_bridges *bridges;
	unsigned int nr;
};

/*
 * Devices of a group cannot be told apart by the IOMMU: all of them are preserved
 * or none. A bridge is no device that anybody could own. It is attached along
 * with the group, and the IOMMU may know the devices behind it by its name.
 */
static int iommufd_find_bridge(struct device *dev, void *data)
{
	struct iommufd_find_bridges *find = data;
	struct iommufd_device *idev;

	for (idev = iommufd_next_attached(find->igroup, find->attach, NULL); idev;
	     idev = iommufd_next_attached(find->igroup, find->attach, idev))
		if (idev->dev == dev)
			return 0;
	if (!dev_is_pci(dev) || !pci_is_bridge(to_pci_dev(dev))) {
		dev_warn(dev, "live update: its IOMMU group would be preserved only in part: it is not attached to the HWPT of the others\n");
		return -EOPNOTSUPP;
	}
	if (find->bridges) {
		/* One that was plugged in just now */
		if (find->nr == find->bridges->nr)
			return -EBUSY;
		find->bridges->devs[find->nr] = get_device(dev);
	}
	find->nr++;
	return 0;
}

static void iommufd_put_bridges(struct iommufd_group *igroup)
{
	struct iommufd_bridges *bridges = igroup->bridges;
	unsigned int i;

	if (!bridges)
		return;
	for (i = 0; i != bridges->nr; i++)
		put_device(bridges->devs[i]);
	kfree(bridges);
	igroup->bridges = NULL;
}

static int iommufd_get_bridges(struct iommufd_group *igroup,
			       struct iommufd_attach *attach)
{
	struct iommufd_find_bridges find = {
		.igroup = igroup,
		.attach = attach,
	};
	int rc;

	rc = iommu_group_for_each_dev(igroup->group, &find,
				      iommufd_find_bridge);
	if (rc || !find.nr)
		return rc;

	igroup->bridges = kzalloc_flex(*igroup->bridges, devs, find.nr,
				       GFP_KERNEL_ACCOUNT);
	if (!igroup->bridges)
		return -ENOMEM;
	igroup->bridges->nr = find.nr;
	find.bridges = igroup->bridges;
	find.nr = 0;
	rc = iommu_group_for_each_dev(igroup->group, &find,
				      iommufd_find_bridge);
	igroup->bridges->nr = find.nr;
	if (rc)
		iommufd_put_bridges(igroup);
	return rc;
}

static void iommufd_liveupdate_unpreserve_bridges(struct iommufd_group *igroup)
{
	unsigned int i;

	if (!igroup->bridges)
		return;
	for (i = 0; i != igroup->bridges->nr; i++)
		iommu_liveupdate_unpreserve_device(igroup->bridges->devs[i]);
	iommufd_put_bridges(igroup);
}

static void iommufd_liveupdate_unpreserve_group(struct iommufd_group *igroup)
{
	struct iommufd_hwpt_mark *mark;
	struct iommufd_attach *attach;
	struct iommufd_device *idev;

	guard(mutex)(&igroup->lock);
	attach = iommufd_group_marked_attach(igroup, &mark);
	if (!attach)
		return;
	for (idev = iommufd_next_attached(igroup, attach, NULL); idev;
	     idev = iommufd_next_attached(igroup, attach, idev)) {
		if (!idev->preserved)
			continue;
		WRITE_ONCE(idev->preserved, false);
		iommu_liveupdate_unpreserve_device(idev->dev);
	}
	iommufd_liveupdate_unpreserve_bridges(igroup);
}

static int iommufd_liveupdate_preserve_group(struct iommufd_group *igroup)
{
	struct iommufd_hwpt_mark *mark;
	struct iommufd_attach *attach;
	struct iommufd_device *idev;
	unsigned int i;
	int rc;

	guard(mutex)(&igroup->lock);
	attach = iommufd_group_marked_attach(igroup, &mark);
	if (!attach)
		return 0;

	rc = iommufd_get_bridges(igroup, attach);
	if (rc)
		return rc;
	for (i = 0; igroup->bridges && i != igroup->bridges->nr; i++) {
		rc = iommu_liveupdate_preserve_device(igroup->bridges->devs[i],
						      mark->domain);
		if (rc)
			return rc;
	}
	for (idev = iommufd_next_attached(igroup, attach, NULL); idev;
	     idev = iommufd_next_attached(igroup, attach, idev)) {
		rc = iommu_liveupdate_preserve_device(idev->dev, mark->domain);
		if (rc)
			return rc;
		WRITE_ONCE(idev->preserved, true);
	}
	return 0;
}

static void iommufd_liveupdate_unpreserve_devices(struct iommufd_ctx *ictx)
{
	struct iommufd_group *igroup;
	unsigned long index = 0;

	while ((igroup = iommufd_next_group(ictx, &index))) {
		iommufd_liveupdate_unpreserve_group(igroup);
		iommufd_put_group(igroup);
	}
}

/*
 * The IOASes are marked as preserved by now. Attaching looks at that with the
 * group locked: a device either was attached before its group is locked here,
 * or is refused. A group that is not in the list yet has no device attached, and
 * because of the lock that the list is read under it comes with the IOASes
 * visible as preserved.
 */
static int iommufd_liveupdate_preserve_devices(struct iommufd_ctx *ictx)
{
	struct iommufd_group *igroup;
	unsigned long index = 0;
	int rc;

	while ((igroup = iommufd_next_group(ictx, &index))) {
		rc = iommufd_liveupdate_preserve_group(igroup);
		iommufd_put_group(igroup);
		if (rc) {
			iommufd_liveupdate_unpreserve_devices(ictx);
			return rc;
		}
	}
	return 0;
}

/*
 * Detaching has no way to fail. The device is blocked from now on, so the next
 * kernel must not believe that it is attached, and the preservation as a whole
 * is not what was asked for any more: the freeze will fail. If it is over, and
 * the kexec just has not happened yet, the device's record is marked as void.
 */
void iommufd_liveupdate_lose_device(struct iommufd_device *idev)
{
	struct iommufd_group *igroup = idev->igroup;
	struct iommufd_hwpt_mark *mark;
	struct iommufd_attach *attach;
	struct iommufd_device *other;

	lockdep_assert_held(&igroup->lock);

	if (!idev->preserved)
		return;
	WRITE_ONCE(idev->preserved, false);
	/* Either the freeze sees this, or what follows sees the freeze */
	WRITE_ONCE(idev->ictx->liveupdate.lost_device, true);
	iommu_liveupdate_unpreserve_device(idev->dev);

	/* Bridges are blocked with the last device of their group */
	attach = iommufd_group_marked_attach(igroup, &mark);
	if (attach) {
		for (other = iommufd_next_attached(igroup, attach, NULL); other;
		     other = iommufd_next_attached(igroup, attach, other))
			if (other->preserved)
				return;
	}
	iommufd_liveupdate_unpreserve_bridges(igroup);
}

/**
 * iommufd_device_is_preserved - does the device's DMA go on into the next kernel?
 * @idev: the device
 *
 * Context: What is true can become false as long as the device can be detached.
 * Return: true if the device is attached to a HWPT that is preserved.
 */
bool iommufd_device_is_preserved(struct iommufd_device *idev)
{
	return READ_ONCE(idev->preserved);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_is_preserved, "IOMMUFD");

/**
 * iommufd_ctx_is_preserved_with - is the iommufd preserved in the same session?
 * @ictx: the iommufd
 * @args: what the other file's .preserve() or .freeze() was called with
 *
 * Return: see liveupdate_file_is_preserved_with().
 */
bool iommufd_ctx_is_preserved_with(struct iommufd_ctx *ictx,
				   const struct liveupdate_file_op_args *args)
{
	return liveupdate_file_is_preserved_with(args, ictx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_is_preserved_with, "IOMMUFD");

/* Are all memfds that a device may write to preserved? If not, @iova lacks one */
static bool iommufd_liveupdate_has_files(struct liveupdate_file_op_args *args,
					 struct iommufd_hwpt_mark *mark,
					 struct file **last_file,
					 unsigned long *iova)
{
	struct io_pagetable *iopt = &mark->hwpt_paging->ioas->iopt;
	struct iopt_area *area;

	guard(rwsem_read)(&iopt->iova_rwsem);
	for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX); area;
	     area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
		struct file *file = area->pages->file;

		/* Mostly the areas of a HWPT share a file */
		if (file != *last_file &&
		    !liveupdate_file_is_preserved_with(args, file)) {
			*iova = iopt_area_iova(area);
			return false;
		}
		*last_file = file;
	}
	return true;
}

static int iommufd_liveupdate_check_pages(struct iommu_domain *domain,
					  struct iopt_area *area)
{
	struct iopt_pages *pages = area->pages;
	const unsigned long iova = iopt_area_iova(area);
	const unsigned long length = iopt_area_length(area);
	unsigned long offset = 0;

	/* Nothing was taken out of the file since before the pages were pinned */
	if (inode_eq_iversion_raw(file_inode(pages->file), pages->file_version))
		return 0;

	while (offset < length) {
		unsigned long byte = pages->start +
				     iopt_area_start_byte(area, iova + offset);
		phys_addr_t phys = iommu_iova_to_phys(domain, iova + offset);
		struct folio *folio;
		phys_addr_t expected;
		size_t in_folio;

		folio = filemap_get_folio(pages->file->f_mapping,
					  byte >> PAGE_SHIFT);
		if (IS_ERR(folio))
			return -ESTALE;
		in_folio = offset_in_folio(folio, byte);
		expected = PFN_PHYS(folio_pfn(folio)) + in_folio;
		/* A folio is one piece in memory, but may be mapped in several */
		offset += min(folio_size(folio) - in_folio,
			      PAGE_SIZE - offset_in_page(byte));
		folio_put(folio);
		if (phys != expected)
			return -ESTALE;
		cond_resched();
	}
	return 0;
}

/*
 * A hole may have been punched into a memfd after it was mapped. The pages that
 * a device writes to are then pinned, but no longer those of the file, and only
 * the file's are handed over. Once a memfd is preserved, as it is by now, its
 * pages do not change any more.
 */
static int iommufd_liveupdate_check_files(struct iommufd_hwpt_mark *mark)
{
	struct io_pagetable *iopt = &mark->hwpt_paging->ioas->iopt;
	struct iopt_area *area;
	int rc;

	guard(rwsem_read)(&iopt->iova_rwsem);
	for (area = iopt_area_iter_first(iopt, 0, ULONG_MAX); area;
	     area = iopt_area_iter_next(area, 0, ULONG_MAX)) {
		rc = iommufd_liveupdate_check_pages(mark->hwpt_paging->common.domain,
						    area);
		if (rc) {
			pr_warn("HWPT token %#llx: what is mapped at IOVA %#lx is no longer in the memfd\n",
				mark->token, iopt_area_iova(area));
			return rc;
		}
	}
	mark->files_checked = true;
	return 0;
}

/*
 * To compare each page takes long, and the freeze lies in the blackout. So it is
 * done here for the HWPTs whose memfds are preserved already, which is what user
 * space should see to, and in the freeze only for others.
 */
static int iommufd_liveupdate_check_early(struct liveupdate_file_op_args *args,
					  struct iommufd_liveupdate *lu)
{
	struct file *last_file = NULL;
	struct iommufd_hwpt_mark *mark;
	unsigned long iova;
	int rc;

	for (mark = iommufd_first_mark(lu); mark;
	     mark = iommufd_next_mark(mark)) {
		mark->files_checked = false;
		if (!iommufd_liveupdate_has_files(args, mark, &last_file, &iova))
			continue;
		rc = iommufd_liveupdate_check_files(mark);
		if (rc)
			return rc;
	}
	return 0;
}

static bool iommufd_luo_can_preserve(struct liveupdate_file_handler *handler,
				     struct file *file)
{
	return iommufd_file_is_iommufd(file);
}

static int iommufd_luo_preserve(struct liveupdate_file_op_args *args)
{
	struct iommufd_ctx *ictx = args->file->private_data;
	struct iommufd_liveupdate *lu = &ictx->liveupdate;
	struct iommufd_ser *ser;
	size_t size;
	int rc;

	guard(mutex)(&lu->lock);
	if (lu->ser || lu->incoming)
		return -EBUSY;
	/* To come back with nothing is never what the user wants */
	if (!lu->nr_marked)
		return -EINVAL;

	size = struct_size(ser, hwpts, lu->nr_marked);
	ser = kho_alloc_preserve(size);
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	ser->magic = IOMMUFD_SER_MAGIC;
	ser->version = IOMMUFD_SER_VERSION;
	ser->order = get_order(size);

	rc = iommufd_test_liveupdate_fail(MOCK_LIVEUPDATE_FAIL_PRESERVE);
	if (rc)
		goto err_free;
	/* A device may be detached again as soon as it is preserved */
	WRITE_ONCE(lu->lost_device, false);
	rc = iommufd_liveupdate_preserve_hwpts(ictx, ser);
	if (rc)
		goto err_free;
	rc = iommufd_liveupdate_check_early(args, lu);
	if (rc)
		goto err_unpreserve;
	rc = iommufd_liveupdate_preserve_devices(ictx);
	if (rc)
		goto err_unpreserve;

	lu->ser = ser;
	args->serialized_data = virt_to_phys(ser);
	return 0;

err_unpreserve:
	iommufd_liveupdate_unpreserve_hwpts(ictx, NULL);
err_free:
	kho_unpreserve_free(ser);
	return rc;
}

static void iommufd_luo_unpreserve(struct liveupdate_file_op_args *args)
{
	struct iommufd_ctx *ictx = args->file->private_data;
	struct iommufd_liveupdate *lu = &ictx->liveupdate;

	guard(mutex)(&lu->lock);
	iommufd_liveupdate_unpreserve_devices(ictx);
	iommufd_liveupdate_unpreserve_hwpts(ictx, NULL);
	kho_unpreserve_free(lu->ser);
	lu->ser = NULL;
}

/*
 * A device with a record is expected to be running in the next kernel, and to be
 * taken over by its file's retrieval. The file may be preserved after us.
 */
static int iommufd_liveupdate_check_devices(struct iommufd_ctx *ictx)
{
	struct iommufd_hwpt_mark *mark;
	struct iommufd_attach *attach;
	struct iommufd_group *igroup;
	struct iommufd_device *idev;
	unsigned long index = 0;
	int rc = 0;

	while (!rc && (igroup = iommufd_next_group(ictx, &index))) {
		mutex_lock(&igroup->lock);
		attach = iommufd_group_marked_attach(igroup, &mark);
		if (attach) {
			for (idev = iommufd_next_attached(igroup, attach, NULL); idev;
			     idev = iommufd_next_attached(igroup, attach, idev)) {
				if (!dev_is_pci(idev->dev) ||
				    pci_liveupdate_is_preserved(to_pci_dev(idev->dev)))
					continue;
				dev_warn(idev->dev,
					 "live update: its translation is preserved, its device file is not\n");
				rc = -EINVAL;
			}
		}
		mutex_unlock(&igroup->lock);
		iommufd_put_group(igroup);
	}
	return rc;
}

/* What the records stand for is as it should be, and stays so from here on */
static int iommufd_liveupdate_check_late(struct liveupdate_file_op_args *args,
					 struct iommufd_ctx *ictx)
{
	struct iommufd_liveupdate *lu = &ictx->liveupdate;
	struct file *last_file = NULL;
	struct iommufd_hwpt_mark *mark;
	unsigned long iova;
	int rc;

	if (READ_ONCE(lu->lost_device)) {
		pr_warn("a device was detached after its HWPT was preserved\n");
		return -ENODEV;
	}
	rc = iommufd_liveupdate_check_devices(ictx);
	if (rc)
		return rc;

	for (mark = iommufd_first_mark(lu); mark;
	     mark = iommufd_next_mark(mark)) {
		/* A preserved memfd stays so as long as the session is there */
		if (mark->files_checked)
			continue;
		if (!iommufd_liveupdate_has_files(args, mark, &last_file,
						  &iova)) {
			pr_warn("HWPT token %#llx: the memfd mapped at IOVA %#lx is not preserved in the same session\n",
				mark->token, iova);
			return -EINVAL;
		}
		rc = iommufd_liveupdate_check_files(mark);
		if (rc)
			return rc;
	}
	return 0;
}

static int iommufd_luo_freeze(struct liveupdate_file_op_args *args)
{
	struct iommufd_ctx *ictx = args->file->private_data;
	struct iommufd_liveupdate *lu = &ictx->liveupdate;
	cycles_t start = get_cycles();
	int rc;

	guard(mutex)(&lu->lock);
	rc = iommufd_test_liveupdate_fail(MOCK_LIVEUPDATE_FAIL_FREEZE);
	if (rc)
		return rc;

	rc = iommu_liveupdate_freeze();
	if (rc)
		return rc;
	/* Not earlier: a device must not get lost in between */
	rc = iommufd_liveupdate_check_late(args, ictx);
	if (rc) {
		iommu_liveupdate_unfreeze();
		return rc;
	}
	iommu_liveupdate_add_freeze_cycles(get_cycles() - start);
	return 0;
}

static void iommufd_luo_unfreeze(struct liveupdate_file_op_args *args)
{
	iommu_liveupdate_unfreeze();
}

/* New kernel: retrieving */

static struct iommufd_ser *iommufd_ser_get(u64 phys)
{
	struct iommufd_ser *ser;
	const char *what = NULL;
	unsigned int order;
	u32 i;

	for (order = 0; order <= MAX_PAGE_ORDER; order++)
		if (kho_is_restorable(phys, order))
			break;
	if (order > MAX_PAGE_ORDER) {
		pr_err("live update: %#llx is not preserved memory\n", phys);
		return ERR_PTR(-EINVAL);
	}

	ser = phys_to_virt(phys);
	if (ser->magic != IOMMUFD_SER_MAGIC)
		what = "magic number";
	else if (ser->version != IOMMUFD_SER_VERSION)
		what = "version";
	else if (ser->order != order)
		what = "order";
	else if (ser->reserved)
		what = "reserved field";
	else if (!ser->nr_hwpts || ser->nr_hwpts >
		 ((PAGE_SIZE << order) - sizeof(*ser)) / sizeof(ser->hwpts[0]))
		what = "number of HWPTs";

	for (i = 0; !what && i != ser->nr_hwpts; i++) {
		if (ser->hwpts[i].reserved)
			what = "reserved field of a HWPT";
		else if (i && ser->hwpts[i].token <= ser->hwpts[i - 1].token)
			what = "order of the tokens";
	}

	if (what) {
		pr_err("live update: the %s of the iommufd at %#llx is wrong\n",
		       what, phys);
		return ERR_PTR(-EINVAL);
	}
	return ser;
}

/*
 * Nothing of the previous kernel's state is touched, so what can go wrong is a
 * bad record, which stays bad, or a lack of memory or files, which can be over
 * the next time.
 */
static int iommufd_luo_retrieve(struct liveupdate_file_op_args *args)
{
	struct iommufd_incoming *incoming;
	struct iommufd_ctx *ictx;
	struct iommufd_ser *ser;
	struct file *file;

	ser = iommufd_ser_get(args->serialized_data);
	if (IS_ERR(ser))
		return PTR_ERR(ser);

	incoming = kvzalloc_flex(*incoming, hwpts, ser->nr_hwpts,
				 GFP_KERNEL_ACCOUNT);
	if (!incoming) {
		args->retry = true;
		return -ENOMEM;
	}
	incoming->nr_hwpts = ser->nr_hwpts;
	incoming->nr_unsettled = ser->nr_hwpts;
	incoming->ser = ser;
	xa_init(&incoming->by_domain);

	file = iommufd_file_create();
	if (IS_ERR(file)) {
		kvfree(incoming);
		args->retry = true;
		return PTR_ERR(file);
	}
	ictx = file->private_data;
	ictx->liveupdate.incoming = incoming;
	args->file = file;
	return 0;
}

static int iommufd_hwpt_ser_cmp(const void *key, const void *elt)
{
	const struct iommufd_hwpt_ser *hwpt_ser = elt;
	u64 token = *(const u64 *)key;

	if (token == hwpt_ser->token)
		return 0;
	return token < hwpt_ser->token ? -1 : 1;
}

static struct iommufd_hwpt_paging *
iommufd_liveupdate_restore_hwpt(struct iommufd_ctx *ictx, u32 position)
{
	struct iommufd_incoming *incoming = ictx->liveupdate.incoming;
	struct iommufd_hwpt_restored *restored;
	struct iommufd_hwpt_paging *hwpt_paging;
	struct iommu_domain *domain;
	u32 flags;
	int rc;

	lockdep_assert_held(&ictx->liveupdate.lock);

	rc = iommufd_test_liveupdate_fail(MOCK_LIVEUPDATE_FAIL_RETRIEVE);
	if (rc)
		return ERR_PTR(rc);

	/* Once the domain is restored there must be somebody to own it */
	restored = kzalloc_obj(*restored, GFP_KERNEL_ACCOUNT);
	if (!restored)
		return ERR_PTR(-ENOMEM);
	hwpt_paging = __iommufd_object_alloc(ictx, hwpt_paging,
					     IOMMUFD_OBJ_HWPT_PAGING,
					     common.obj);
	if (IS_ERR(hwpt_paging)) {
		kfree(restored);
		return hwpt_paging;
	}

	restored->ictx = ictx;
	restored->position = position;
	restored->domain = incoming->ser->hwpts[position].domain;
	rc = xa_insert(&incoming->by_domain, restored->domain, hwpt_paging,
		       GFP_KERNEL_ACCOUNT);
	if (rc) {
		domain = ERR_PTR(rc);
		goto err_abort;
	}
	domain = iommu_liveupdate_restore_domain(restored->domain, &flags);
	if (IS_ERR(domain))
		goto err_erase;
	domain->iommufd_hwpt = &hwpt_paging->common;
	domain->cookie_type = IOMMU_COOKIE_IOMMUFD;

	mutex_init(&restored->lock);
	INIT_LIST_HEAD(&restored->devices);
	INIT_LIST_HEAD(&hwpt_paging->hwpt_item);
	hwpt_paging->common.domain = domain;
	hwpt_paging->enforce_cache_coherency =
		flags & IOMMU_DOMAIN_SER_ENFORCE_CC;
	hwpt_paging->restored = restored;
	incoming->hwpts[position] = hwpt_paging;
	iommufd_object_finalize(ictx, &hwpt_paging->common.obj);
	return hwpt_paging;

err_erase:
	xa_erase(&incoming->by_domain, restored->domain);
err_abort:
	iommufd_object_abort(ictx, &hwpt_paging->common.obj);
	kfree(restored);
	return ERR_CAST(domain);
}

int iommufd_hwpt_liveupdate_retrieve(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_retrieve *cmd = ucmd->cmd;
	struct iommufd_liveupdate *lu = &ucmd->ictx->liveupdate;
	struct iommufd_hwpt_paging *hwpt_paging;
	const struct iommufd_hwpt_ser *hwpt_ser;
	struct iommufd_incoming *incoming;
	u32 position;

	if (cmd->flags || cmd->__reserved)
		return -EOPNOTSUPP;

	scoped_guard(mutex, &lu->lock) {
		incoming = lu->incoming;
		if (!incoming)
			return -ENOENT;
		hwpt_ser = bsearch(&cmd->hwpt_token, incoming->ser->hwpts,
				   incoming->nr_hwpts, sizeof(*hwpt_ser),
				   iommufd_hwpt_ser_cmp);
		if (!hwpt_ser)
			return -ENOENT;

		position = hwpt_ser - incoming->ser->hwpts;
		hwpt_paging = incoming->hwpts[position];
		if (!hwpt_paging)
			hwpt_paging = iommufd_liveupdate_restore_hwpt(ucmd->ictx,
								      position);
		if (IS_ERR(hwpt_paging))
			return PTR_ERR(hwpt_paging);

		cmd->out_hwpt_id = hwpt_paging->common.obj.id;
	}
	/*
	 * If that fails the user can ask again. The lock is not held: a finish of
	 * the session must not wait for the user's memory.
	 */
	return iommufd_ucmd_respond(ucmd, sizeof(*cmd));
}

/*
 * Called before the domain of a HWPT is freed. Devices that still use it, since
 * nobody has bound them, have to stop.
 */
void iommufd_liveupdate_hwpt_going(struct iommufd_hwpt_paging *hwpt_paging)
{
	if (hwpt_paging->restored)
		WARN_ON(iommu_liveupdate_block_devices(hwpt_paging->restored->domain));
}

/* Called after the domain of a HWPT was freed */
void iommufd_liveupdate_hwpt_gone(struct iommufd_hwpt_paging *hwpt_paging)
{
	struct iommufd_hwpt_restored *restored = hwpt_paging->restored;
	struct iommufd_liveupdate *lu;

	if (!restored)
		return;

	lu = &restored->ictx->liveupdate;
	mutex_lock(&lu->lock);
	if (lu->incoming) {
		lu->incoming->hwpts[restored->position] = HWPT_GONE;
		xa_erase(&lu->incoming->by_domain, restored->domain);
		if (!hwpt_paging->ioas)
			lu->incoming->nr_unsettled--;
		iommu_liveupdate_domain_gone(restored->domain);
	}
	mutex_unlock(&lu->lock);

	WARN_ON(!list_empty(&restored->devices));
	mutex_destroy(&restored->lock);
	kfree(restored);
	hwpt_paging->restored = NULL;
}

/*
 * Own a device that goes on with the DMA of the previous kernel. Its domain is
 * one that this iommufd has restored, or it is none of its business.
 *
 * Returns: -ENOENT if the device is not of this kind
 */
int iommufd_liveupdate_claim_device(struct iommufd_ctx *ictx,
				    struct device *dev)
{
	struct iommufd_liveupdate *lu = &ictx->liveupdate;
	u32 domain;
	int rc;

	rc = iommu_liveupdate_device_domain(dev, &domain);
	if (rc)
		return rc;

	guard(mutex)(&lu->lock);
	if (!lu->incoming || !xa_load(&lu->incoming->by_domain, domain))
		return -EPERM;
	return iommu_liveupdate_claim_dma_owner(dev, ictx);
}

/* Is this the HWPT that the device was attached to in the previous kernel? */
int iommufd_liveupdate_check_device(struct iommufd_hwpt_paging *hwpt_paging,
				    const struct iommu_device_key_ser *key)
{
	struct iommu_device_ser ser;
	int rc;

	rc = iommu_liveupdate_lookup_device(key, &ser);
	if (rc)
		return rc == -ENODATA ? -ENOENT : rc;
	if (!hwpt_paging->restored ||
	    hwpt_paging->restored->domain != ser.domain)
		return -EINVAL;
	return 0;
}

/*
 * Attach a device to a HWPT that has no IOAS. That is no change only if the
 * previous kernel left the device attached to the same page table. What it
 * needs to have reserved in the IOAS is done by the adoption.
 *
 * Returns: -EEXIST if the HWPT has an IOAS after all
 */
int iommufd_liveupdate_attach(struct iommufd_hwpt_paging *hwpt_paging,
			      struct iommufd_device *idev)
{
	struct iommufd_hwpt_restored *restored = hwpt_paging->restored;
	const struct iommu_liveupdate_ops *ops;
	struct iommu_device_key_ser key = {};
	int rc;

	lockdep_assert_held(&idev->igroup->lock);

	ops = dev_iommu_ops(idev->dev)->liveupdate;
	if (!ops)
		return -EINVAL;
	rc = ops->device_key(idev->dev, &key);
	if (rc)
		return rc;

	guard(mutex)(&restored->lock);
	if (hwpt_paging->ioas)
		return -EEXIST;
	rc = iommufd_liveupdate_check_device(hwpt_paging, &key);
	if (rc)
		return rc;
	list_add_tail(&idev->restored_item, &restored->devices);
	return 0;
}

/* After that either the device was never part of an adoption, or it is over */
void iommufd_liveupdate_detach(struct iommufd_hwpt_paging *hwpt_paging,
			       struct iommufd_device *idev)
{
	struct iommufd_hwpt_restored *restored = hwpt_paging->restored;

	if (!restored)
		return;
	guard(mutex)(&restored->lock);
	list_del_init(&idev->restored_item);
}

static int iommufd_liveupdate_adopt_locked(struct iommufd_hwpt_paging *hwpt_paging,
					   struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt_restored *restored = hwpt_paging->restored;
	struct iommufd_device *idev;
	struct iommufd_device *next;
	int rc;

	lockdep_assert_held(&ioas->mutex);
	lockdep_assert_held(&restored->lock);

	if (hwpt_paging->ioas)
		return -EEXIST;
	if (!list_empty(&ioas->hwpt_list))
		return -EBUSY;
	/* Nobody would flush what such a device has cached */
	if (iommu_liveupdate_domain_has_waiting(restored->domain))
		return -EBUSY;
	rc = iommufd_test_liveupdate_fail(MOCK_LIVEUPDATE_FAIL_ADOPT);
	if (rc)
		return rc;

	list_for_each_entry(idev, &restored->devices, restored_item) {
		rc = iopt_table_enforce_dev_resv_regions(&ioas->iopt, idev->dev,
							 NULL);
		if (rc)
			goto err_unreserve;
	}

	rc = iopt_table_adopt_domain(&ioas->iopt, hwpt_paging->common.domain);
	if (rc)
		goto err_unreserve;

	/* Nothing below can fail */
	list_for_each_entry_safe(idev, next, &restored->devices, restored_item)
		list_del_init(&idev->restored_item);
	refcount_inc(&ioas->obj.users);
	list_add_tail(&hwpt_paging->hwpt_item, &ioas->hwpt_list);
	iommufd_hwpt_set_ioas(hwpt_paging, ioas);
	return 0;

err_unreserve:
	list_for_each_entry_continue_reverse(idev, &restored->devices,
					     restored_item)
		iopt_remove_reserved_iova(&ioas->iopt, idev->dev);
	return rc;
}

int iommufd_hwpt_liveupdate_adopt(struct iommufd_ucmd *ucmd)
{
	struct iommu_hwpt_liveupdate_adopt *cmd = ucmd->cmd;
	struct iommufd_liveupdate *lu = &ucmd->ictx->liveupdate;
	struct iommufd_hwpt_paging *hwpt_paging;
	struct iommufd_ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;

	hwpt_paging = iommufd_get_hwpt_paging(ucmd, cmd->hwpt_id);
	if (IS_ERR(hwpt_paging))
		return PTR_ERR(hwpt_paging);
	/* Only one that was restored ever was without */
	if (!hwpt_paging->restored) {
		rc = -EEXIST;
		goto out_put_hwpt;
	}

	ioas = iommufd_get_ioas(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas)) {
		rc = PTR_ERR(ioas);
		goto out_put_hwpt;
	}

	scoped_guard(mutex, &ioas->mutex) {
		guard(mutex)(&hwpt_paging->restored->lock);
		rc = iommufd_liveupdate_adopt_locked(hwpt_paging, ioas);
	}
	if (rc)
		goto out_put_ioas;

	mutex_lock(&lu->lock);
	lu->incoming->nr_unsettled--;
	mutex_unlock(&lu->lock);

out_put_ioas:
	iommufd_put_object(ucmd->ictx, &ioas->obj);
out_put_hwpt:
	iommufd_put_object(ucmd->ictx, &hwpt_paging->common.obj);
	return rc;
}

static bool iommufd_luo_can_finish(struct liveupdate_file_op_args *args)
{
	struct iommufd_liveupdate *lu;
	struct iommufd_ctx *ictx;

	/* The domains are dropped below; nobody can be using the file */
	if (args->retrieve_status <= 0)
		return true;

	ictx = args->file->private_data;
	lu = &ictx->liveupdate;
	guard(mutex)(&lu->lock);
	return !lu->incoming->nr_unsettled;
}

/* A device must not be left writing to memory because we are out of it */
#define DROP_TRIES 10
#define DROP_DELAY_MS 20

static int iommufd_liveupdate_drop_domain(u32 index)
{
	struct iommu_domain *domain;
	unsigned int tries;
	u32 flags;
	int rc;

	rc = iommu_liveupdate_block_devices(index);
	if (rc)
		return rc;
	for (tries = 0; tries != DROP_TRIES; tries++) {
		domain = iommu_liveupdate_restore_domain(index, &flags);
		if (domain != ERR_PTR(-ENOMEM))
			break;
		msleep(DROP_DELAY_MS);
	}
	/* Dropped by an earlier try, which did not get to the end */
	if (domain == ERR_PTR(-ESTALE))
		return 0;
	if (IS_ERR(domain)) {
		pr_err("live update: domain %u stays as it is: %pe\n", index,
		       domain);
		return PTR_ERR(domain);
	}
	iommu_domain_free(domain);
	iommu_liveupdate_domain_gone(index);
	return 0;
}

/*
 * If nobody retrieved the iommufd its domains go away while the memory that
 * they map is still there: to free a domain is to take it from its devices. If
 * one cannot be dropped the memory has to stay, and so the session.
 */
static int iommufd_luo_quiesce(struct liveupdate_file_op_args *args)
{
	struct iommufd_ser *ser;
	int rc;
	u32 i;

	if (args->retrieve_status > 0)
		return 0;
	ser = iommufd_ser_get(args->serialized_data);
	if (IS_ERR(ser))
		return PTR_ERR(ser);
	for (i = 0; i != ser->nr_hwpts; i++) {
		rc = iommufd_liveupdate_drop_domain(ser->hwpts[i].domain);
		if (rc)
			return rc;
	}
	return 0;
}

static void iommufd_luo_finish(struct liveupdate_file_op_args *args)
{
	struct iommufd_incoming *incoming;
	struct iommufd_liveupdate *lu;
	struct iommufd_ctx *ictx;
	struct iommufd_ser *ser;

	if (args->retrieve_status <= 0) {
		ser = iommufd_ser_get(args->serialized_data);
		if (!IS_ERR(ser))
			kho_restore_free(ser);
		return;
	}

	ictx = args->file->private_data;
	lu = &ictx->liveupdate;
	mutex_lock(&lu->lock);
	incoming = lu->incoming;
	lu->incoming = NULL;
	mutex_unlock(&lu->lock);
	kho_restore_free(incoming->ser);
	xa_destroy(&incoming->by_domain);
	kvfree(incoming);
}

static const struct liveupdate_file_ops iommufd_luo_file_ops = {
	.can_preserve = iommufd_luo_can_preserve,
	.preserve = iommufd_luo_preserve,
	.unpreserve = iommufd_luo_unpreserve,
	.freeze = iommufd_luo_freeze,
	.unfreeze = iommufd_luo_unfreeze,
	.retrieve = iommufd_luo_retrieve,
	.can_finish = iommufd_luo_can_finish,
	.quiesce = iommufd_luo_quiesce,
	.finish = iommufd_luo_finish,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler iommufd_luo_handler = {
	.ops = &iommufd_luo_file_ops,
	.compatible = IOMMUFD_LUO_FH_COMPATIBLE,
};

/* Without it, or if live update is switched off, iommufd works as ever */
static bool iommufd_luo_registered;

void __init iommufd_liveupdate_init(void)
{
	int rc;

	rc = liveupdate_register_file_handler(&iommufd_luo_handler);
	if (rc == -EOPNOTSUPP)
		return;
	if (rc)
		goto err;
	rc = iommu_liveupdate_register_file_handler(&iommufd_luo_handler);
	if (rc)
		goto err_unregister;
	iommufd_luo_registered = true;
	return;

err_unregister:
	liveupdate_unregister_file_handler(&iommufd_luo_handler);
err:
	pr_err("no live update: %pe\n", ERR_PTR(rc));
}

void iommufd_liveupdate_exit(void)
{
	if (!iommufd_luo_registered)
		return;
	iommu_liveupdate_unregister_file_handler(&iommufd_luo_handler);
	liveupdate_unregister_file_handler(&iommufd_luo_handler);
}

#if IS_BUILTIN(CONFIG_IOMMU_LIVEUPDATE_KUNIT_TEST)
#include "liveupdate-kunit.h"
#endif
