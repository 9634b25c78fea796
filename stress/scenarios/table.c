// SPDX-License-Identifier: GPL-2.0-only
/* The table of scenarios. */
#include <stdio.h>
#include <string.h>

#include "../agent/scenario.h"
#include "scenarios.h"

/* Of scenarios that do all anew in each boot. */
static int preserve_nothing(struct agent *a)
{
	return 0;
}

static const struct scenario scenarios[] = {
	{
		.name = "loop",
		.proves =
			"cycle after cycle, every preserved domain translates and can be changed after adoption",
		.twin = "broken-*: the same loop over a table that was broken fails",
		.workload = "any",
	},
	{
		.name = "unpreserve",
		.proves =
			"closing the session before the kexec makes everything changeable again, and it can be preserved again",
		.twin = "immutable: what is preserved cannot be changed",
		.leave = unpreserve_leave,
	},
	{
		.name = "unpreserve-kexec",
		.proves =
			"a kexec after the session was closed carries nothing over, and the next kernel starts anew",
		.twin = "loop: with the session open everything comes",
		.leave = unpreserve_kexec_leave,
		.retrieve = unpreserve_kexec_retrieve,
	},
	{
		.name = "session-exists",
		.proves =
			"a session that is refused since its name is taken leaves nothing that the next kernel stumbles over",
		.twin = "loop: without the attempt the same sessions come",
		.leave = session_exists_leave,
	},
	{
		.name = "freeze-fail",
		.proves =
			"whichever iommufd's freeze fails, the kexec is refused, everything is as before, and then it works",
		.twin = "loop: no failure armed, no refusal",
		.leave = freeze_fail_leave,
	},
	{
		.name = "punched-before",
		.proves =
			"no kexec while a device writes to pages that the memfd no longer has",
		.twin = "loop and order-iommufd-first: with the pages that were mapped both succeed",
		.leave = punched_before_leave,
		.retrieve = unpreserve_kexec_retrieve,
	},
	{
		.name = "memfd-not-preserved",
		.proves =
			"no kexec while the memory behind a preserved mapping would not come along",
		.twin = "the same session with the memfd added goes through",
		.preserve = memfd_missing_preserve,
		.leave = memfd_missing_leave,
	},
	{
		.name = "finish-without-retrieve",
		.proves = "a session that is finished unseen gives all domains and tables back",
		.twin = "loop: domains that are retrieved stay",
		.retrieve = finish_without_retrieve,
	},
	{
		.name = "finish-early",
		.proves =
			"a session cannot be finished while retrieved domains are not adopted; nothing happens to them",
		.twin = "the finish after adoption works",
		.window = finish_early_window,
	},
	{
		.name = "finish-unadopted",
		.proves =
			"domains that are destroyed instead of adopted, with the memfd never retrieved, end the session cleanly",
		.twin = "the finish before that is refused",
		.retrieve = finish_unadopted_retrieve,
	},
	{
		.name = "retrieve-twice",
		.proves =
			"sessions, files, domains and devices come once; unknown tokens are refused",
		.twin = "the first retrieve works",
		.retrieve = retrieve_twice_retrieve,
	},
	{
		.name = "agent-killed",
		.proves =
			"after SIGKILL between retrieve and finish another process retrieves the session and finishes it",
		.twin = "the killed process did retrieve everything, or the check agent-killed fails",
		.retrieve = agent_killed_retrieve,
	},
	{
		.name = "order-iommufd-first",
		.proves = "iommufds before the memfd: preserved, and so finished after it",
		.twin = "memfd-not-preserved: without the memfd it is refused",
		.preserve = order_iommufd_first_preserve,
	},
	{
		.name = "order-between",
		.proves = "the memfd in the middle of the iommufds",
		.twin = "memfd-not-preserved: without the memfd it is refused",
		.preserve = order_between_preserve,
	},
	{
		.name = "order-retrieve-iommufd-first",
		.proves =
			"iommufds retrieved before the memfd translate to memory that nobody has open",
		.twin = "broken-page: other bytes are noticed",
		.retrieve = order_iommufd_first_retrieve,
	},
	{
		.name = "order-all-iommufd-first",
		.proves = "iommufds first in the old and in the new kernel",
		.twin = "broken-page: other bytes are noticed",
		.preserve = order_iommufd_first_preserve,
		.retrieve = order_iommufd_first_retrieve,
	},
	{
		.name = "window-compaction",
		.proves =
			"compaction between retrieve and adoption does not move a page behind a restored domain",
		.twin = "the detail tells how many pages of a plain memfd moved",
		.window = window_compaction,
	},
	{
		.name = "window-swap",
		.proves = "pages behind a restored domain are not swapped out",
		.twin = "control-swapped: a plain memfd is",
		.window = window_swap,
	},
	{
		.name = "window-punch",
		.proves =
			"a hole punched into the memfd frees no page behind a restored domain, and adoption notices the new pages",
		.twin = "punch: the file does read zeroes",
		.window = window_punch,
	},
	{
		.name = "window-close",
		.proves =
			"closing the memfd before adoption frees no page behind a restored domain; it can be retrieved again",
		.twin = "free memory is overwritten meanwhile: a freed page would not keep its bytes",
		.window = window_close,
	},
	{
		.name = "corrupt-page",
		.proves =
			"a leaf that leads to another page is noticed by looking (wrong bytes) and by adoption (EXDEV)",
		.twin = "loop",
		.window = corrupt_page_window,
	},
	{
		.name = "corrupt-permission",
		.proves =
			"a leaf that became writable is noticed by writing and by adoption (EACCES)",
		.twin = "loop",
		.window = corrupt_permission_window,
	},
	{
		.name = "corrupt-missing",
		.proves = "a missing leaf is noticed by looking and by adoption (ENOENT)",
		.twin = "loop",
		.window = corrupt_missing_window,
	},
	{
		.name = "corrupt-extra",
		.proves = "a leaf in a hole is noticed by looking and by adoption (E2BIG)",
		.twin = "loop",
		.window = corrupt_extra_window,
	},
	{
		.name = "broken-page",
		.proves = "must fail: a leaf leads to another page, and nobody told the loop",
		.twin = "loop",
		.retrieve = broken_page_retrieve,
	},
	{
		.name = "broken-permission",
		.proves = "must fail: a leaf became writable, and nobody told the loop",
		.twin = "loop",
		.retrieve = broken_permission_retrieve,
	},
	{
		.name = "broken-missing",
		.proves = "must fail: a leaf is missing, and nobody told the loop",
		.twin = "loop",
		.retrieve = broken_missing_retrieve,
	},
	{
		.name = "broken-extra",
		.proves = "must fail: there is a leaf in a hole, and nobody told the loop",
		.twin = "loop",
		.retrieve = broken_extra_retrieve,
	},
	{
		.name = "mark-semantics",
		.proves =
			"marking: unknown ids, second marks, taken tokens, preserved iommufds and unsealed memfds are refused",
		.twin = "the first mark of a HWPT with a free token works",
		.created = mark_created,
		.leave = mark_leave,
	},
	{
		.name = "immutable",
		.proves =
			"a preserved domain cannot be changed, and no kexec believes in a device that is gone",
		.twin = "unpreserve: afterwards it can",
		.leave = immutable_leave,
	},
	{
		.name = "mixed",
		.proves =
			"an unpreserved domain and device beside preserved ones stay changeable, and are gone after the kexec",
		.twin = "the preserved ones are there",
		.preserve = mixed_preserve,
		.window = mixed_window,
	},
	{
		.name = "device-waits",
		.proves =
			"a preserved device goes to the iommufd and the HWPT that it had, and to no other",
		.twin = "after the refusals the right ones get it",
		.retrieve = waiting_retrieve,
	},

	{
		.name = "fail-nth",
		.proves =
			"every failed allocation in mark, preserve, retrieve, restore and adopt is reported, undone, and the call works again",
		.twin = "each sequence ends with a call that no failure hit, or it fails",
		.preserve = fail_nth_preserve,
		.retrieve = fail_nth_retrieve,
		.adopt = fail_nth_adopt,
	},
	{
		.name = "fail-nth-file",
		.proves =
			"a file that cannot be retrieved, for want of its n-th allocation in cycle n, is given up in an orderly way",
		.twin = "with more cycles than allocations the last ones get through, and the last one has to",
		.retrieve = fail_nth_file_retrieve,
	},
	{
		.name = "preserve-pages",
		.proves =
			"pages that the kernel preserves by itself, by the thousand and scattered, are kept through the boot and restored",
		.twin = "pages-kept counts those that hold what the old kernel wrote; with too little scratch memory the boot stops",
		.boot = preserve_pages_boot,
		.preserve = preserve_pages_preserve,
	},
	{
		.name = "preserve-large",
		.proves =
			"domains with up to 64 GiB each in pages of 4 KiB are preserved and retrieved, and lead to the right pages",
		.twin = "preserve-large-hole: behind the last page a device faults; broken-page: other bytes are noticed",
		.created = preserve_large_created,
		.preserve = preserve_large_preserve,
		.retrieve = preserve_large_retrieve,
	},
	{
		.name = "preserve-marked",
		.proves =
			"with some of the domains marked they can be preserved, taken back, and preserved again with all of them",
		.twin = "immutable: what is preserved cannot be changed",
		.preserve = preserve_marked_preserve,
	},
	{
		.name = "topology",
		.proves =
			"the loop, in a machine that is written down for flbench topo: devices, IOMMU units and groups, nodes, processors",
		.twin = "loop: without it flbench topo --results says that no machine is written down",
		.workload = "any",
		.created = topology_created,
	},
	{
		.name = "fio-translation",
		.proves =
			"what a random read of 4 KiB costs by translation: the kernel's driver with the IOMMU off, passed through, strict and lazy; ours with pages of 4 KiB, 2 MiB and 1 GiB",
		.twin = "with another mode of the IOMMU on the command line than the case says, the check translation fails",
		.workload = "fio",
		.boot = fio_translation_boot,
		.preserve = preserve_nothing,
	},
	{
		.name = "fio-jobs",
		.proves =
			"four jobs of one fio read, write, trim, flush and verify at once, in sizes up to 512 KiB, polled and with interrupts",
		.twin = "with fio_fault, one flipped bit or one lost completion is noticed",
		.workload = "fio",
		.boot = fio_jobs_boot,
		.preserve = preserve_nothing,
	},
	{
		.name = "dma-overrun",
		.proves =
			"frames that find no descriptor, in a ring that is too short for the blackout, are counted as overrun and not as lost",
		.twin = "loop: a ring that is long enough overruns nothing",
		.workload = "dma",
	},
	{
		.name = "dma-reboot",
		.proves =
			"an ordinary reboot, while devices are preserved, stops their DMA and the IOMMU",
		.twin = "loop: the live update does not",
		.workload = "dma",
		.leave = dma_reboot_leave,
	},
	{
		.name = "dma-power-off",
		.proves = "so does switching the machine off",
		.twin = "loop: the live update does not",
		.workload = "dma",
		.leave = dma_power_off_leave,
	},
	{
		.name = "dma-unseen",
		.proves =
			"devices of a session that is finished unseen are reset and still, and the IOMMU blocks them",
		.twin = "loop: devices that are retrieved go on",
		.workload = "dma",
		.retrieve = dma_unseen_retrieve,
	},
	{
		.name = "dma-refused",
		.proves =
			"where the new kernel cannot use what was preserved it says why, blocks the devices, and hands out nothing",
		.twin = "loop: the same without the fault is taken over",
		.workload = "dma",
		.retrieve = dma_refused_retrieve,
	},
	{
		.name = "dma-unrestorable",
		.proves =
			"a domain that cannot be restored is refused, its devices go on in memory that nobody else gets, and the session stays",
		.twin = "loop: the same without the fault is taken over",
		.workload = "dma",
		.retrieve = dma_unrestorable_retrieve,
	},
	{
		.name = "dma-gone",
		.proves =
			"a device that is not there any more cannot be had, and the others of its domain are taken over",
		.twin = "loop: a device that is there is taken over",
		.workload = "dma",
		.retrieve = dma_gone_retrieve,
	},
	{
		.name = "dpdk",
		.proves =
			"in each kernel our DPDK program gets every frame, and takes at most 1/0.9 of testpmd's instructions for a packet",
		.twin = "dpdk-frames-twin: a frame that is damaged on purpose is noticed",
		.workload = "dpdk",
		.boot = dpdk_boot,
		.preserve = dpdk_preserve,
	},
	{
		.name = "dpdk-pages",
		.proves =
			"what a packet costs our DPDK program with memory in pages of 4 KiB, 2 MiB and 1 GiB",
		.twin = "without a page of 1 GiB that size is skipped, and says so",
		.workload = "dpdk",
		.boot = dpdk_pages_boot,
		.preserve = preserve_nothing,
	},
	{
		.name = "dpdk-queues",
		.proves =
			"a card with two queues deals frames of many addresses out to both, and what the queues count is what the card counts",
		.twin = "dpdk-queues-twin: frames of one address are all in one queue",
		.workload = "dpdk",
		.boot = dpdk_queues_boot,
		.preserve = preserve_nothing,
	},
	{
		.name = "dpdk-peer",
		.proves =
			"frames from the controller are received, sent and forwarded by our DPDK program, each once, whole and in order; across the kexec each is counted, and none is lost but in the gap",
		.twin = "peer-twin: a frame that the guest damages on purpose is noticed, and its number named",
		.workload = "dpdk",
		.boot = dpdk_peer_boot,
		.preserve = dpdk_peer_preserve,
	},
};

const struct scenario *scenario_find(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

bool scenario_fits(const struct scenario *scenario, const char *workload)
{
	if (!scenario->workload)
		return !strcmp(workload, "none");
	/* DPDK's programs keep nothing over a kexec, so there is no loop of preservation with them. */
	if (!strcmp(scenario->workload, "any"))
		return strcmp(workload, "dpdk");
	return !strcmp(scenario->workload, workload);
}

void scenario_list(void)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		printf("%s\n\tproves: %s\n\ttwin:   %s\n", scenarios[i].name, scenarios[i].proves,
		       scenarios[i].twin);
}
