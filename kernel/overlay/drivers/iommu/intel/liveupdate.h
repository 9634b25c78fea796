/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the VT-d driver calls so that DMA goes on through a live
 * update, and what KUnit tests of it.
 */
#ifndef __INTEL_IOMMU_LIVEUPDATE_H
#define __INTEL_IOMMU_LIVEUPDATE_H

#include <linux/types.h>

struct device;
struct device_domain_info;
struct dmar_domain;
struct intel_iommu;
struct iommu_liveupdate_ops;

#ifdef CONFIG_IOMMU_LIVEUPDATE

extern const struct iommu_liveupdate_ops intel_liveupdate_ops;

/* Old kernel */
bool intel_liveupdate_shutdown(struct intel_iommu *iommu);

/* New kernel */
void intel_liveupdate_init(void);
void intel_liveupdate_init_unit(struct intel_iommu *iommu);
void intel_liveupdate_unit_unusable(struct intel_iommu *iommu,
				    const char *reason);
bool intel_liveupdate_probe_device(struct device_domain_info *info);
int intel_liveupdate_take_pasid_table(struct device_domain_info *info);
void intel_liveupdate_device_blocked(struct device_domain_info *info);
void intel_liveupdate_domain_free(struct dmar_domain *domain);

#else /* CONFIG_IOMMU_LIVEUPDATE */

static inline bool intel_liveupdate_shutdown(struct intel_iommu *iommu)
{
	return false;
}

static inline void intel_liveupdate_init(void)
{
}

static inline void intel_liveupdate_init_unit(struct intel_iommu *iommu)
{
}

static inline void intel_liveupdate_unit_unusable(struct intel_iommu *iommu,
						  const char *reason)
{
}

static inline bool
intel_liveupdate_probe_device(struct device_domain_info *info)
{
	return false;
}

static inline int
intel_liveupdate_take_pasid_table(struct device_domain_info *info)
{
	return -ENODEV;
}

static inline void
intel_liveupdate_device_blocked(struct device_domain_info *info)
{
}

static inline void intel_liveupdate_domain_free(struct dmar_domain *domain)
{
}

#endif /* CONFIG_IOMMU_LIVEUPDATE */
#endif /* __INTEL_IOMMU_LIVEUPDATE_H */
