/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of scenarios put into the table. Names are scenario, underscore, step; see
 * scenario.h for the steps.
 */
#ifndef FLBENCH_SCENARIOS_H
#define FLBENCH_SCENARIOS_H

struct agent;

/*
 * session.c: sessions taken back, created twice, refused, finished early, retrieved twice, left by a
 * killed agent
 */
int unpreserve_leave(struct agent *a);
int unpreserve_kexec_leave(struct agent *a);
int unpreserve_kexec_retrieve(struct agent *a);
int session_exists_leave(struct agent *a);
int punched_before_leave(struct agent *a);
int freeze_fail_leave(struct agent *a);
int memfd_missing_preserve(struct agent *a);
int memfd_missing_leave(struct agent *a);
int finish_without_retrieve(struct agent *a);
int finish_early_window(struct agent *a);
int finish_unadopted_retrieve(struct agent *a);
int retrieve_twice_retrieve(struct agent *a);
int agent_killed_retrieve(struct agent *a);

/* order.c: the order in which memfd and iommufds are preserved and retrieved */
int order_iommufd_first_preserve(struct agent *a);
int order_between_preserve(struct agent *a);
int order_iommufd_first_retrieve(struct agent *a);

/* window.c: what may happen to the memory between retrieve and adoption */
int window_compaction(struct agent *a);
int window_swap(struct agent *a);
int window_punch(struct agent *a);
int window_close(struct agent *a);

/*
 * corrupt.c: page tables broken on purpose; noticed (corrupt) or left for the loop to stumble over
 * (broken)
 */
int corrupt_page_window(struct agent *a);
int corrupt_permission_window(struct agent *a);
int corrupt_missing_window(struct agent *a);
int corrupt_extra_window(struct agent *a);
int broken_page_retrieve(struct agent *a);
int broken_permission_retrieve(struct agent *a);
int broken_missing_retrieve(struct agent *a);
int broken_extra_retrieve(struct agent *a);

/* rules.c: what the interface refuses; what is not preserved is gone */
int mark_created(struct agent *a);
int mark_leave(struct agent *a);
int immutable_leave(struct agent *a);
int mixed_preserve(struct agent *a);
int mixed_window(struct agent *a);
int waiting_retrieve(struct agent *a);

/* fio.c: what an I/O costs by translation; several jobs at once */
int fio_translation_boot(struct agent *a);
int fio_jobs_boot(struct agent *a);

/* fail_nth.c: every allocation of every call fails once */
int fail_nth_preserve(struct agent *a);
int fail_nth_retrieve(struct agent *a);
int fail_nth_adopt(struct agent *a);
int fail_nth_file_retrieve(struct agent *a);

/* pages.c: many pages, preserved by the kernel itself; a pool of which only a part is marked */
int preserve_pages_boot(struct agent *a);
int preserve_pages_preserve(struct agent *a);
int preserve_marked_preserve(struct agent *a);

/* large.c: one domain with very many small pages */
int preserve_large_created(struct agent *a);
int preserve_large_preserve(struct agent *a);
int preserve_large_retrieve(struct agent *a);

/* dma.c: devices that nobody takes, and kernels that cannot use what was preserved */
int dma_reboot_leave(struct agent *a);
int dma_power_off_leave(struct agent *a);
int dma_unseen_retrieve(struct agent *a);
int dma_refused_retrieve(struct agent *a);
int dma_unrestorable_retrieve(struct agent *a);
int dma_gone_retrieve(struct agent *a);

/* topology.c: the machine itself, written down */
int topology_created(struct agent *a);

/* dpdk.c: programs of DPDK's on two network cards, started anew in each kernel */
int dpdk_boot(struct agent *a);
int dpdk_preserve(struct agent *a);

/* dpdk_sweep.c: what a packet costs by the size of pages; several queues */
int dpdk_pages_boot(struct agent *a);
int dpdk_queues_boot(struct agent *a);

/* dpdk_peer.c: the same with a peer on the controller */
int dpdk_peer_boot(struct agent *a);
int dpdk_peer_preserve(struct agent *a);

#endif
