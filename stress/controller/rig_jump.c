// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live update as it is seen from outside, while no program of the guest runs. The guest's console
 * tells where it is; this asks the machine itself: are devices and the bridge bus masters, does the
 * IOMMU translate, are interrupts off? Between the old kernel's end and the new one's start it lets
 * two edu devices write: one is preserved, so its bytes have to arrive, and one is not. See rig.h.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <flbench/cleanup.h>
#include <flbench/edu_regs.h>

#include "record.h"
#include "rig_internal.h"

/* Where QEMU's q35 has the registers of its IOMMU; 10.4.5 of the VT-d specification. */
#define VTD_REGISTERS 0xfed90000ull
#define VTD_STATUS 0x1cu
#define VTD_STATUS_TRANSLATES (1u << 31)
#define PCI_COMMAND 0x04u
#define PCI_BAR0 0x10u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_BUS_NUMBERS 0x18u
#define PCI_CAPABILITIES 0x34u
#define PCI_CAPABILITY_MSI 0x05u
#define PCI_MSI_ENABLED (1u << 16)
#define NVME_CONFIGURATION 0x14u
#define NVME_BLOCK_BYTES 512u
/* Head and tail of the receive ring; 82576EB datasheet, 8.10.7 and 8.10.8. */
#define IGB_HEAD 0xc010u
#define IGB_TAIL 0xc018u
/* Of the first ring for sending; and frames that were sent, which reading clears: 8.12 and 8.18. */
#define IGB_TX_BYTES 0xe008u
#define IGB_TX_HEAD 0xe010u
#define IGB_TX_TAIL 0xe018u
#define IGB_SENT 0x40d4u
#define IGB_DESCRIPTOR_BYTES 16u
#define TO_SEND 32u
/* Behind the line of the console that says so, the old kernel stops the devices. */
#define SHUTDOWN_MS 50
#define OFF_MS 500
#define LOOK_PAUSE_NS 500000u

/*
 * What has to be on: of devices that stay, of the IOMMU. Of a machine that is off only what was
 * preserved is looked at.
 */
enum rig_state { STATE_ON, STATE_QUIET, STATE_STOPPED, STATE_OFF };

static const char *const class_names[RIG_CLASSES] = { "edu", "nvme", "igb", "stranger" };
static const char *const class_arrivals[RIG_CLASSES] = { "copies", "completions", "frames",
							 "copies" };

void rig_pause_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l }, NULL);
}

/* ---- the state of the machine ---- */

static bool read_register(struct rig *rig, uint64_t address, uint32_t *value)
{
	return !qtest_read32(&rig->qtest, address, value);
}

static const struct rig_watched *find_watched(const struct rig *rig, const char *name)
{
	for (unsigned int i = 0; i < rig->nr_watched; i++)
		if (!strcmp(rig->watched[i].name, name))
			return &rig->watched[i];
	return NULL;
}

/* Status bits are cleared by writing 1: 0 leaves them. */
static bool set_master(struct rig *rig, const char *name, bool on)
{
	const struct rig_watched *w = find_watched(rig, name);
	uint32_t command;

	if (!w || !read_register(rig, w->config + PCI_COMMAND, &command))
		return false;
	command = (command & 0xffff & ~PCI_COMMAND_MASTER) | (on ? PCI_COMMAND_MASTER : 0);
	return !qtest_write32(&rig->qtest, w->config + PCI_COMMAND, command);
}

/* Does a device whose queues were made still have them? A reset leaves the bit clear. */
static bool nvme_enabled(struct rig *rig, bool *enabled)
{
	const struct rig_watched *w = find_watched(rig, "nvme");
	uint32_t low, high, value;

	if (!w || !read_register(rig, w->config + PCI_BAR0, &low) ||
	    !read_register(rig, w->config + PCI_BAR0 + 4, &high) ||
	    !read_register(rig, ((uint64_t)high << 32 | (low & ~0xfu)) + NVME_CONFIGURATION,
			   &value))
		return false;
	*enabled = value & 1;
	return true;
}

/* Has the card used every descriptor that it was given? */
static bool ring_is_full(struct rig *rig)
{
	const struct rig_watched *w = find_watched(rig, "igb");
	uint32_t bar, head, tail;

	return w && read_register(rig, w->config + PCI_BAR0, &bar) &&
	       read_register(rig, (bar & ~0xfu) + IGB_HEAD, &head) &&
	       read_register(rig, (bar & ~0xfu) + IGB_TAIL, &tail) && head == tail;
}

/* Could edu interrupt a processor, by a message that only the old kernel understands? */
static bool edu_msi(struct rig *rig, bool *enabled)
{
	const struct rig_watched *w = find_watched(rig, "edu");
	uint32_t at, header = 0;
	bool ok = w && read_register(rig, w->config + PCI_CAPABILITIES, &at);

	for (at &= 0xfc; ok && at; at = header >> 8 & 0xfc) {
		ok = read_register(rig, w->config + at, &header);
		if ((header & 0xff) == PCI_CAPABILITY_MSI)
			break;
	}
	*enabled = header & PCI_MSI_ENABLED;
	return ok && at;
}

/*
 * Compare what is on with what should be: the IOMMU, and the bus-master bit of what the guest named.
 * A bridge is not asked for where nothing is to go on.
 */
static bool check_state(struct rig *rig, const char *stage, bool stranger_on, enum rig_state state)
{
	uint32_t value = 0;
	char detail[384], name[48];
	bool msi = false, enabled = false, translates;
	bool leaving = !strcmp(stage, "leaving");
	bool ok = read_register(rig, VTD_REGISTERS + VTD_STATUS, &value);
	size_t n;

	translates = value & VTD_STATUS_TRANSLATES;
	ok = ok && translates == (state == STATE_ON || state == STATE_QUIET);
	n = snprintf(detail, sizeof(detail), "IOMMU %s", translates ? "on" : "off");
	for (unsigned int i = 0; i < rig->nr_watched; i++) {
		const struct rig_watched *w = &rig->watched[i];
		bool wanted = w->stays ? state == STATE_ON : stranger_on, on;

		ok = read_register(rig, w->config + PCI_COMMAND, &value) && ok;
		on = value & PCI_COMMAND_MASTER;
		if (on != wanted && !(state != STATE_ON && !strncmp(w->name, "bridge", 6)) &&
		    !(state == STATE_OFF && !w->stays))
			ok = false;
		n += snprintf(detail + n, sizeof(detail) - n, ", %s %s", w->name,
			      on ? "bus master" : "no bus master");
	}
	/* The agent switches it on to leave; until it does so again, nobody takes interrupts. */
	if (!edu_msi(rig, &msi) || (state != STATE_OFF && msi != (leaving && rig->jump.preserved)))
		ok = false;
	n += snprintf(detail + n, sizeof(detail) - n, ", edu's MSI %s", msi ? "on" : "off");
	/* A device that was stopped by its bus-master bit alone keeps its queues. */
	if (!nvme_enabled(rig, &enabled) ||
	    (state == STATE_QUIET ? enabled : state == STATE_ON && !enabled))
		ok = false;
	snprintf(detail + n, sizeof(detail) - n, ", NVMe controller %s",
		 enabled ? "enabled" : "disabled");
	snprintf(name, sizeof(name), "state-%s", stage);
	rig_check(rig, name, ok, "%s", detail);
	return ok;
}

/* ---- the console ---- */

static long console_end(const struct rig *rig)
{
	FILE *console __fclose = fopen(rig->config.console, "re");

	if (!console)
		return 0;
	fseek(console, 0, SEEK_END);
	return ftell(console);
}

/* Look for a line of the console behind what was there when the guest left. */
static bool console_has(const struct rig *rig, const char *text)
{
	FILE *console __fclose = fopen(rig->config.console, "re");
	char line[1024];
	bool found = false;

	if (!console)
		return false;
	fseek(console, rig->jump.console_at, SEEK_SET);
	while (!found && fgets(line, sizeof(line), console))
		found = strstr(line, text);
	return found;
}

/* ---- the jump ---- */

static bool start_dma(struct rig *rig, const struct rig_dma *dma)
{
	return dma->bar && !qtest_edu_dma(&rig->qtest, dma->bar, dma->iova, 0, dma->bytes, true);
}

/*
 * Nobody's kernel is in charge: both edu devices write. The one that is not preserved is made a bus
 * master from here, so that it is the IOMMU that has to stop it.
 */
static bool dma_in_the_dark(struct rig *rig)
{
	bool ok = set_master(rig, "stranger", true) && start_dma(rig, &rig->stranger) &&
		  start_dma(rig, &rig->friend);

	rig_pause_ms(EDU_DMA_DELAY_MS + 100);
	return set_master(rig, "stranger", false) && ok;
}

/*
 * DPDK's card, which nobody preserves, has a full ring of frames that it was to forward. It is made a
 * bus master and told to send some of them again, and it is the IOMMU that has to stop it.
 */
static void check_dpdk_blocked(struct rig *rig)
{
	const struct rig_watched *w = find_watched(rig, "dpdk0");
	uint32_t bar, bytes, tail, head = 0, forwarded = 0, sent = 0;
	bool ok;

	if (!w)
		return;
	ok = read_register(rig, w->config + PCI_BAR0, &bar);
	bar &= ~0xfu;
	ok = ok && read_register(rig, bar + IGB_SENT, &forwarded) &&
	     read_register(rig, bar + IGB_TX_BYTES, &bytes) && bytes &&
	     read_register(rig, bar + IGB_TX_TAIL, &tail) && set_master(rig, "dpdk0", true) &&
	     set_master(rig, "dpdk1", true);
	if (ok) {
		tail = (tail + TO_SEND) % (bytes / IGB_DESCRIPTOR_BYTES);
		ok = !qtest_write32(&rig->qtest, bar + IGB_TX_TAIL, tail);
	}
	rig_pause_ms(EDU_DMA_DELAY_MS);
	/* It has been through all of them, whatever it could read. */
	ok = ok && read_register(rig, bar + IGB_TX_HEAD, &head) && head == tail &&
	     read_register(rig, bar + IGB_SENT, &sent);
	ok = set_master(rig, "dpdk0", false) && set_master(rig, "dpdk1", false) && ok;
	rig_check(
		rig, "dpdk-blocked", ok && forwarded && !sent,
		"DPDK's card sent %u frames until the jump; told to send %u again while no kernel is in charge, it %s and sends %u",
		forwarded, TO_SEND, ok ? "looks for them" : "does not look for them", sent);
}

/*
 * The bus behind the bridge gets the next number: where the card was there is none, and where it is
 * now nobody preserved one.
 */
static bool move_card(struct rig *rig)
{
	const struct rig_watched *w = find_watched(rig, "bridge0");
	uint32_t numbers;

	if (!w || !read_register(rig, w->config + PCI_BUS_NUMBERS, &numbers))
		return false;
	/* Secondary and subordinate number. */
	return !qtest_write32(&rig->qtest, w->config + PCI_BUS_NUMBERS, numbers + 0x010100);
}

/* What the new kernel is to find is not what the old one wrote. */
static void break_record(struct rig *rig)
{
	void *memory =
		mmap(NULL, rig->memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, rig->memory_fd, 0);
	int err = memory == MAP_FAILED ?
			  -errno :
			  record_break(memory, rig->memory.size, rig->config.jump_fault);

	rig_check(rig, "record-changed", !err, "record fault %s: %s", rig->config.jump_fault,
		  err ? strerror(-err) : "done");
	if (memory != MAP_FAILED)
		munmap(memory, rig->memory.size);
}

/* The old kernel has nothing more to say: what it left is looked at. */
static void in_the_dark(struct rig *rig)
{
	rig_pause_ms(SHUTDOWN_MS);
	if (rig->jump.preserved) {
		check_state(rig, "dark", false, STATE_ON);
		rig_check(rig, "dma-dark", dma_in_the_dark(rig),
			  "DMA of both edu devices is started while no kernel is in charge");
		check_dpdk_blocked(rig);
	} else {
		check_state(rig, "stopped", false, STATE_STOPPED);
		rig_check(rig, "dma-stopped", start_dma(rig, &rig->friend),
			  "edu's DMA is started while no kernel is in charge");
		rig_pause_ms(EDU_DMA_DELAY_MS + 100);
	}
	if (!strcmp(rig->config.jump_fault, "device-gone"))
		rig_check(rig, "card-moved", move_card(rig),
			  "the network card's bus gets another number");
	else if (strcmp(rig->config.jump_fault, "none"))
		break_record(rig);
}

/* Behind the last line the kernel stops what is left, and the machine. */
static void look_when_off(struct rig *rig)
{
	if (!console_has(rig, "reboot: Power down") && !console_has(rig, "reboot: machine restart"))
		return;
	rig->jump.under_way = false;
	rig_pause_ms(OFF_MS);
	check_state(rig, "off", false, STATE_OFF);
	rig->config.end(rig->config.context);
}

void rig_jump_glance(struct rig *rig)
{
	struct rig_jump *jump = &rig->jump;

	if (!jump->under_way)
		return;
	if (jump->off) {
		look_when_off(rig);
		return;
	}
	if (!jump->dark_ns) {
		if (!console_has(rig, "Starting new kernel"))
			return;
		jump->dark_ns = rig_now_ns();
		in_the_dark(rig);
	}
	if (!jump->boot_ns) {
		if (!console_has(rig, "Linux version"))
			return;
		jump->boot_ns = rig_now_ns();
		if (jump->preserved)
			check_state(rig, "boot", false, STATE_ON);
	}
	if (!jump->taken_ns && console_has(rig, ": took over "))
		jump->taken_ns = rig_now_ns();
}

static long long begin(struct rig *rig, const char *line)
{
	char what[16] = "";
	long cycle;

	if (sscanf(line, "%ld %15s", &cycle, what) != 2 || rig->observer)
		return -EINVAL;
	rig->cycle = cycle;
	rig->jump = (struct rig_jump){
		.preserved = strcmp(what, "stopped") && strcmp(what, "off"),
		.overrun = !strcmp(what, "overrun"),
		.off = !strcmp(what, "off"),
		.console_at = console_end(rig),
	};
	if (rig->jump.preserved)
		check_state(rig, "leaving", true, STATE_ON);
	rig->jump.under_way = true;
	rig->jump.begin_ns = rig_now_ns();
	if (rig->jump.off)
		return 0;
	return observe_start(&rig->observer, &rig->memory, rig->points, rig->nr_points,
			     rig->max_points, LOOK_PAUSE_NS);
}

/*
 * The arrivals of one class from @log. A copy of an edu is known by its bytes: memory that was not
 * preserved gets other words for other reasons, as the new kernel uses it.
 */
static void pick(const struct rig *rig, const struct observe_log *log, enum rig_class class,
		 struct observe_arrival *picked, struct observe_log *of_class)
{
	const struct rig_dma *dma = class == RIG_EDU	  ? &rig->friend :
				    class == RIG_STRANGER ? &rig->stranger :
							    NULL;

	*of_class = (struct observe_log){ .arrivals = picked };
	for (uint64_t i = 0; i < log->nr; i++)
		if (log->arrivals[i].point >= rig->class_start[class] &&
		    log->arrivals[i].point < rig->class_end[class] &&
		    (!dma || log->arrivals[i].word == dma->word))
			picked[of_class->nr++] = log->arrivals[i];
}

static void emit_arrivals(struct rig *rig, enum rig_class class, const struct observe_log *log,
			  uint64_t uncertainty_ns)
{
	struct json_object *event = rig_event(rig, "arrivals");
	struct json_object *at = json_object_new_array();

	for (uint64_t i = 0; i < log->nr; i++)
		json_object_array_add(at, json_object_new_int64(log->arrivals[i].at_ns));
	json_object_object_add(event, "device", json_object_new_string(class_names[class]));
	json_object_object_add(event, "what", json_object_new_string(class_arrivals[class]));
	json_object_object_add(
		event, "interval_ns",
		json_object_new_int64(class == RIG_IGB ? rig->config.frame_interval_ns : 0));
	json_object_object_add(event, "uncertainty_ns", json_object_new_int64(uncertainty_ns));
	json_object_object_add(event, "at_ns", at);
	rig->config.emit(rig->config.context, event);
}

static void emit_blackout(struct rig *rig)
{
	const struct rig_jump *jump = &rig->jump;
	struct json_object *event = rig_event(rig, "blackout");
	uint64_t taken = jump->taken_ns ? jump->taken_ns : jump->back_ns;

	json_object_object_add(event, "begin_ns", json_object_new_int64(jump->begin_ns));
	json_object_object_add(event, "end_ns", json_object_new_int64(jump->back_ns));
	rig->config.emit(rig->config.context, event);
	if (!jump->dark_ns || !jump->boot_ns)
		return;
	rig_span(rig, "jump", "devices shut down", jump->begin_ns, jump->dark_ns);
	rig_span(rig, "jump", "no kernel", jump->dark_ns, jump->boot_ns);
	rig_span(rig, "jump", "boot until the IOMMU is taken over", jump->boot_ns, taken);
	if (jump->taken_ns)
		rig_span(rig, "jump", "boot until the agent runs", taken, jump->back_ns);
}

/* Nobody takes anything from the ring meanwhile: more than half of it would be too near the end. */
static void check_ring(struct rig *rig, uint64_t blackout_ns)
{
	uint64_t frames = blackout_ns / rig->config.frame_interval_ns;

	rig_metric(rig, "ring_used_percent", "percent", frames * 100 / rig->config.entries, "igb");
	rig_check(rig, "ring", rig->jump.overrun || frames < rig->config.entries / 2,
		  "%llu frames are due in a blackout of %.2f s, the ring has %u descriptors",
		  (unsigned long long)frames, blackout_ns / 1e9, rig->config.entries);
}

static void check_arrivals(struct rig *rig, const struct observe_log *log, const uint64_t *nr)
{
	if (!rig->jump.preserved) {
		rig_check(rig, "nothing-arrives", !nr[RIG_EDU],
			  "%llu copies of edu, of 1 started while no kernel was in charge",
			  (unsigned long long)nr[RIG_EDU]);
		return;
	}
	rig_check(
		rig, "blackout-arrivals",
		!log->dropped && nr[RIG_IGB] && nr[RIG_NVME] && nr[RIG_EDU] == 1,
		"seen from outside in the blackout: %llu frames, %llu NVMe completions, %llu copies of edu, of 1 started (in emulation)",
		(unsigned long long)nr[RIG_IGB], (unsigned long long)nr[RIG_NVME],
		(unsigned long long)nr[RIG_EDU]);
	rig_check(rig, "unpreserved-blocked", rig->jump.dark_ns && !nr[RIG_STRANGER],
		  "%llu copies of the edu that is not preserved, of 1 started",
		  (unsigned long long)nr[RIG_STRANGER]);
}

/* The first that a program of the new kernel says: the blackout is over. */
static long long end_of_blackout(struct rig *rig)
{
	const uint64_t bytes[RIG_CLASSES] = { rig->friend.bytes, NVME_BLOCK_BYTES, PEER_FRAME_BYTES,
					      rig->stranger.bytes };
	struct observe_arrival *picked __freed = NULL;
	struct rig_jump *jump = &rig->jump;
	uint64_t nr[RIG_CLASSES];
	struct observe_log log, of_class;
	struct observe_gap gap;

	jump->back_ns = rig_now_ns();
	if (!jump->under_way || !rig->observer)
		return -EINVAL;
	jump->under_way = false;
	if (!jump->dark_ns || !jump->boot_ns)
		rig_check(rig, "jump", false, "the console does not tell of a jump");
	observe_stop(rig->observer, &log);
	picked = calloc(log.nr + 1, sizeof(*picked));
	if (!picked)
		return -ENOMEM;
	emit_blackout(rig);
	for (int class = 0; class < RIG_CLASSES; class ++) {
		const char *name = class_names[class];

		pick(rig, &log, class, picked, &of_class);
		nr[class] = of_class.nr;
		/* Words that nobody named are no device. */
		if (rig->class_start[class] == rig->class_end[class])
			continue;
		emit_arrivals(rig, class, &of_class, log.slowest_ns);
		rig_metric(rig, "blackout_arrivals", "arrivals", of_class.nr, name);
		rig_metric(rig, "blackout_written_bytes", "bytes", of_class.nr * bytes[class],
			   name);
		if (class != RIG_IGB && class != RIG_NVME)
			continue;
		if (class == RIG_IGB && of_class.nr && ring_is_full(rig))
			jump->full_ns = picked[of_class.nr - 1].at_ns;
		observe_gap(&gap, &of_class, jump->begin_ns, jump->back_ns);
		rig_metric(rig, "dma_gap_ns", "ns", gap.longest_ns, name);
	}
	if (jump->preserved) {
		rig_metric(rig, "frame_interval_ns", "ns", rig->config.frame_interval_ns, "igb");
		rig_metric(rig, "commands_completed", "commands", nr[RIG_NVME], "nvme");
		check_ring(rig, jump->back_ns - jump->begin_ns);
	}
	check_arrivals(rig, &log, nr);
	observe_free(rig->observer);
	rig->observer = NULL;
	return 0;
}

/* Nobody took the devices: they must be still, and what is started from here gets nowhere. */
static long long quiet(struct rig *rig)
{
	bool ok = check_state(rig, "quiet", false, STATE_QUIET);

	/* As it is, and then as a bus master: for the IOMMU to stop it. */
	ok = start_dma(rig, &rig->friend) && ok;
	rig_pause_ms(EDU_DMA_DELAY_MS + 100);
	ok = set_master(rig, "edu", true) && start_dma(rig, &rig->friend) && ok;
	rig_pause_ms(EDU_DMA_DELAY_MS + 100);
	return set_master(rig, "edu", false) && ok ? 0 : -EIO;
}

/*
 * The unit translates, but nothing of what was preserved: whatever is started goes nowhere, and no
 * frame arrives. What is looked at was named before the jump.
 */
static long long blocked(struct rig *rig)
{
	struct observe_log log = { 0 };
	uint32_t value = 0;
	bool ok = read_register(rig, VTD_REGISTERS + VTD_STATUS, &value) &&
		  value & VTD_STATUS_TRANSLATES;

	ok = set_master(rig, "edu", true) && set_master(rig, "igb", true) && ok;
	if (rig->observer || observe_start(&rig->observer, &rig->memory, rig->points,
					   rig->nr_points, rig->max_points, LOOK_PAUSE_NS))
		return -EINVAL;
	ok = start_dma(rig, &rig->friend) && ok;
	rig_pause_ms(EDU_DMA_DELAY_MS + 500);
	observe_stop(rig->observer, &log);
	observe_free(rig->observer);
	rig->observer = NULL;
	rig_check(rig, "blocked", ok && !log.nr,
		  "IOMMU %s; of edu's copy, and of frames due meanwhile, %llu arrive",
		  value & VTD_STATUS_TRANSLATES ? "on" : "off", (unsigned long long)log.nr);
	return ok && !log.nr ? 0 : -EIO;
}

void rig_jump_end(struct rig *rig)
{
	if (!rig->jump.under_way)
		return;
	rig->jump.under_way = false;
	/* A kernel that died may not have let devices write where they must not. */
	if (rig->jump.preserved)
		rig_check(rig, "signatures-at-the-end", rig_search(rig),
			  "all memory searched after the machine's end");
}

/* ---- questions ---- */

static long long add_watched(struct rig *rig, const char *line)
{
	struct rig_watched *w = &rig->watched[rig->nr_watched];
	unsigned int function;
	int stays;

	if (!rig->ecam || rig->nr_watched == RIG_WATCHED_MAX ||
	    sscanf(line, "%15s %x %d", w->name, &function, &stays) != 3)
		return -EINVAL;
	w->config = rig->ecam + ((uint64_t)function << 12);
	w->stays = stays;
	rig->nr_watched++;
	return 0;
}

static long long set_dma(const char *line, struct rig_dma *dma)
{
	return sscanf(line, "%llx %llx %u %x", &dma->bar, &dma->iova, &dma->bytes, &dma->word) ==
			       4 ?
		       0 :
		       -EINVAL;
}

bool rig_jump_answer(struct rig *rig, const char *line, long long *number)
{
	char word[16] = "";
	int rest = 0;

	sscanf(line, "%15s %n", word, &rest);
	line += rest;
	if (!strcmp(word, "ecam"))
		*number = sscanf(line, "%llx", &rig->ecam) == 1 ? 0 : -EINVAL;
	else if (!strcmp(word, "device"))
		*number = add_watched(rig, line);
	else if (!strcmp(word, "friend"))
		*number = set_dma(line, &rig->friend);
	else if (!strcmp(word, "stranger"))
		*number = set_dma(line, &rig->stranger);
	else if (!strcmp(word, "state"))
		*number = check_state(rig, line, !strcmp(line, "first"), STATE_ON) ? 0 : -1;
	else if (!strcmp(word, "jump"))
		*number = begin(rig, line);
	else if (!strcmp(word, "back"))
		*number = end_of_blackout(rig);
	else if (!strcmp(word, "blocked"))
		*number = blocked(rig);
	else if (!strcmp(word, "quiet"))
		*number = quiet(rig);
	else
		return false;
	return true;
}
