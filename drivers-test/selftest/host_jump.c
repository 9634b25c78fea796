// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live update as it is seen from outside, while no program of the guest runs. The guest's console
 * tells where it is; from then on this asks the machine itself: are devices and the bridge bus
 * masters, does the IOMMU translate, are interrupts off? It starts DMA of two edu devices between the old kernel's end
 * and the new one's start: one is preserved, so its bytes have to arrive, and one is not.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <flbench/edu_regs.h>

#include "host.h"
#include "selftest.h"

/* Where QEMU's q35 has the registers of its IOMMU; 10.4.5 of the VT-d specification. */
#define VTD_REGISTERS 0xfed90000ull
#define VTD_STATUS 0x1cu
#define VTD_STATUS_TRANSLATES (1u << 31)
#define PCI_COMMAND 0x04u
#define PCI_BAR0 0x10u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_CAPABILITIES 0x34u
#define PCI_CAPABILITY_MSI 0x05u
#define PCI_MSI_ENABLED (1u << 16)
#define NVME_CONFIGURATION 0x14u
#define WATCHED_MAX 8
/* Behind the line of the console that says so, the old kernel stops the devices. */
#define SHUTDOWN_MS 50
#define STAGE_SECONDS 200

/* What the guest gives words to look at. */
enum word_kind { CLASS_EDU, CLASS_NVME, CLASS_IGB, CLASS_STRANGER, CLASSES };

struct watched {
	char name[16];
	uint64_t config;
	bool stays;
};

struct outside_dma {
	unsigned long long bar, iova;
	unsigned int bytes;
};

static struct watched watched[WATCHED_MAX];
static unsigned int nr_watched;
static unsigned long long ecam;
static struct outside_dma friend, stranger;
static unsigned int class_start[CLASSES], class_end[CLASSES], this_class;
static struct observer *observer;
static char jump_name[16];
static bool jumping;
static uint64_t begin_ns, dark_ns, boot_ns;
static long console_at;

static void pause_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l }, NULL);
}

/* ---- the state of the machine ---- */

static bool read_register(uint64_t address, uint32_t *value)
{
	return !qtest_read32(&qtest, address, value);
}

static struct watched *find_watched(const char *name)
{
	for (unsigned int i = 0; i < nr_watched; i++)
		if (!strcmp(watched[i].name, name))
			return &watched[i];
	return NULL;
}

/* Status bits are cleared by writing 1: 0 leaves them. */
static bool set_master(const char *name, bool on)
{
	const struct watched *w = find_watched(name);
	uint32_t command;

	if (!w || !read_register(w->config + PCI_COMMAND, &command))
		return false;
	command = (command & 0xffff & ~PCI_COMMAND_MASTER) | (on ? PCI_COMMAND_MASTER : 0);
	return !qtest_write32(&qtest, w->config + PCI_COMMAND, command);
}

/* Does a device whose queues were made still have them? A reset leaves the bit clear. */
static bool nvme_enabled(uint32_t *enabled)
{
	const struct watched *w = find_watched("nvme");
	uint32_t low, high;

	if (!w || !read_register(w->config + PCI_BAR0, &low) ||
	    !read_register(w->config + PCI_BAR0 + 4, &high) ||
	    !read_register(((uint64_t)high << 32 | (low & ~0xfu)) + NVME_CONFIGURATION, enabled))
		return false;
	*enabled &= 1;
	return true;
}

/* Could edu interrupt a processor, by a message that only the old kernel understands? */
static bool edu_msi(bool *enabled)
{
	const struct watched *w = find_watched("edu");
	uint32_t at, header = 0;
	bool ok = w && read_register(w->config + PCI_CAPABILITIES, &at);

	for (at &= 0xfc; ok && at; at = header >> 8 & 0xfc) {
		ok = read_register(w->config + at, &header);
		if ((header & 0xff) == PCI_CAPABILITY_MSI)
			break;
	}
	*enabled = header & PCI_MSI_ENABLED;
	return ok && at;
}

/*
 * Compare what is on with what should be: the IOMMU, and the bus-master bit of what the guest named.
 * @quiet: of the devices that stayed nothing may be on; the bridge is not asked for.
 */
static bool check_state(const char *stage, bool stranger_on, bool quiet)
{
	uint32_t value = 0, enabled = 0;
	char detail[256], name[40];
	bool msi = false;
	size_t n;
	bool ok = read_register(VTD_REGISTERS + VTD_STATUS, &value) &&
		  value & VTD_STATUS_TRANSLATES;

	n = snprintf(detail, sizeof(detail), "state %s: IOMMU %s", stage, ok ? "on" : "off");
	for (unsigned int i = 0; i < nr_watched; i++) {
		const struct watched *w = &watched[i];
		bool on, wanted = w->stays ? !quiet : stranger_on;

		if (!read_register(w->config + PCI_COMMAND, &value))
			return false;
		on = value & PCI_COMMAND_MASTER;
		if (on != wanted && !(quiet && !strcmp(w->name, "bridge")))
			ok = false;
		n += snprintf(detail + n, sizeof(detail) - n, ", %s %s", w->name,
			      on ? "bus master" : "no bus master");
	}
	/* The guest switches it on to leave; until it does so again, nobody takes interrupts. */
	if (!edu_msi(&msi) || msi != !strcmp(stage, "leaving"))
		ok = false;
	n += snprintf(detail + n, sizeof(detail) - n, ", edu's MSI %s", msi ? "on" : "off");
	/* Before the first stage it has no queues yet that could be lost. */
	if (strcmp(stage, "first")) {
		if (!nvme_enabled(&enabled) || !!enabled == quiet)
			ok = false;
		snprintf(detail + n, sizeof(detail) - n, ", NVMe controller %s",
			 enabled ? "enabled" : "disabled");
	}
	printf("# %s\n", detail);
	snprintf(name, sizeof(name), "state-%s%s%s", jump_name, *jump_name ? "-" : "", stage);
	result(ok, name, detail);
	return ok;
}

/* ---- the jump ---- */

/* Look for a line of the console behind what was there when the guest left. */
static bool console_has(const char *text)
{
	FILE *console = fopen("console.log", "re");
	char line[1024];
	bool found = false;

	if (!console)
		return false;
	fseek(console, console_at, SEEK_SET);
	while (!found && fgets(line, sizeof(line), console))
		found = strstr(line, text);
	fclose(console);
	return found;
}

/* Wait for such a line. The guest's program must not be heard before: then it has not left. */
static bool wait_for(int serial, const char *text, uint64_t *at_ns)
{
	uint64_t until = now_ns() + STAGE_SECONDS * 1000000000ull;
	struct pollfd heard = { .fd = serial, .events = POLLIN };
	bool found, last;

	do {
		last = poll(&heard, 1, 2) || now_ns() > until;
		found = console_has(text);
		*at_ns = now_ns();
	} while (!found && !last);
	return found;
}

static long console_end(void)
{
	FILE *console = fopen("console.log", "re");
	long end = 0;

	if (console) {
		fseek(console, 0, SEEK_END);
		end = ftell(console);
		fclose(console);
	}
	return end;
}

static bool start_dma(const struct outside_dma *dma)
{
	return dma->bar && !qtest_edu_dma(&qtest, dma->bar, dma->iova, 0, dma->bytes, true);
}

/*
 * Nobody's kernel is in charge: both edu devices write. The unpreserved one is made a bus master
 * from outside, so that it is the IOMMU that has to stop it.
 */
static bool dma_in_the_dark(void)
{
	bool ok = set_master("stranger", true) && start_dma(&stranger) && start_dma(&friend);

	pause_ms(EDU_DMA_DELAY_MS + 100);
	return set_master("stranger", false) && ok;
}

void jump_follow(int serial)
{
	uint64_t done_ns;
	char name[32];
	bool ok;

	if (!jumping)
		return;
	jumping = false;
	if (!wait_for(serial, "Starting new kernel", &dark_ns)) {
		result(false, "jump", "the old kernel did not leave");
		return;
	}
	pause_ms(SHUTDOWN_MS);
	check_state("dark", false, false);
	ok = dma_in_the_dark();
	done_ns = now_ns();
	snprintf(name, sizeof(name), "dma-%s-dark", jump_name);
	result(ok, name, "an edu device could not be started from outside");
	if (!wait_for(serial, "Linux version", &boot_ns)) {
		result(false, "jump", "the new kernel does not start");
		return;
	}
	check_state("boot", false, false);
	printf("# edu's DMA was over %.0f ms after the old kernel's end, the new kernel's first line came after %.0f ms (in emulation)\n",
	       (done_ns - dark_ns) / 1e6, (boot_ns - dark_ns) / 1e6);
}

static long long begin(const char *name)
{
	snprintf(jump_name, sizeof(jump_name), "%s", name);
	check_state("leaving", true, false);
	console_at = console_end();
	begin_ns = now_ns();
	jumping = true;
	return observe_start(&observer, &memory, points, nr_points, POINTS_MAX, 500000);
}

/* The arrivals of one class from @log. */
static void pick(const struct observe_log *log, enum word_kind kind, struct observe_arrival *picked,
		 struct observe_log *of_class)
{
	*of_class = (struct observe_log){ .arrivals = picked };
	for (uint64_t i = 0; i < log->nr; i++)
		if (log->arrivals[i].point >= class_start[kind] &&
		    log->arrivals[i].point < class_end[kind])
			picked[of_class->nr++] = log->arrivals[i];
}

/* The first that a program of the new kernel says: the blackout is over. */
static long long end_of_blackout(void)
{
	static struct observe_arrival picked[POINTS_MAX];
	uint64_t back_ns = now_ns(), nr[CLASSES];
	struct observe_log log, of_class;
	struct observe_gap gap = { 0 };
	char detail[256], name[32];
	bool ok;

	if (!observer)
		return -1;
	observe_stop(observer, &log);
	for (int kind = 0; kind < CLASSES; kind++) {
		pick(&log, kind, picked, &of_class);
		nr[kind] = of_class.nr;
		if (kind == CLASS_IGB)
			observe_gap(&gap, &of_class, begin_ns, back_ns);
	}
	snprintf(
		detail, sizeof(detail),
		"blackout %.2f s: %llu frames arrived (%.0f%% of the ring), longest gap %.0f ms at a frame every %.0f ms, %llu NVMe completions, edu %llu, unpreserved edu %llu (in emulation; seen from outside, times known to %.1f ms)",
		(back_ns - begin_ns) / 1e9, (unsigned long long)nr[CLASS_IGB],
		100.0 * nr[CLASS_IGB] / SELFTEST_JUMP_ENTRIES, gap.longest_ns / 1e6,
		SELFTEST_JUMP_INTERVAL_NS / 1e6, (unsigned long long)nr[CLASS_NVME],
		(unsigned long long)nr[CLASS_EDU], (unsigned long long)nr[CLASS_STRANGER],
		log.slowest_ns / 1e6);
	printf("# %s\n", detail);
	ok = !log.dropped && nr[CLASS_IGB] && nr[CLASS_NVME] && nr[CLASS_EDU] == 1 &&
	     !nr[CLASS_STRANGER];
	observe_free(observer);
	observer = NULL;
	snprintf(name, sizeof(name), "blackout-%s", jump_name);
	result(ok, name, detail);
	return 0;
}

/* Nobody took the devices: they must be still, and what is started from outside gets nowhere. */
static long long quiet(void)
{
	bool ok = check_state("quiet", false, true);

	/* As it is, and then as a bus master: for the IOMMU to stop it. */
	ok = start_dma(&friend) && ok;
	pause_ms(EDU_DMA_DELAY_MS + 100);
	ok = set_master("edu", true) && start_dma(&friend) && ok;
	pause_ms(EDU_DMA_DELAY_MS + 100);
	return set_master("edu", false) && ok ? 0 : -1;
}

/* ---- what the guest asks for ---- */

static long long add_watched(const char *line)
{
	struct watched *w = &watched[nr_watched];
	unsigned int function;
	int stays;

	if (!ecam || nr_watched == WATCHED_MAX ||
	    sscanf(line, "%15s %x %d", w->name, &function, &stays) != 3)
		return -1;
	w->config = ecam + ((uint64_t)function << 12);
	w->stays = stays;
	nr_watched++;
	return 0;
}

static long long set_dma(const char *line, struct outside_dma *dma)
{
	return sscanf(line, "%llx %llx %u", &dma->bar, &dma->iova, &dma->bytes) == 3 ? 0 : -1;
}

/* Words that were named since then are of the class before. */
static long long set_class(const char *line)
{
	class_end[this_class] = nr_points;
	if (sscanf(line, "%u", &this_class) != 1 || this_class >= CLASSES)
		return -1;
	class_start[this_class] = nr_points;
	class_end[this_class] = POINTS_MAX;
	return 0;
}

static long long note_late(const char *line)
{
	printf("# of the NVMe commands, %s were not done when the new kernel's program looked first\n",
	       line);
	return 0;
}

bool jump_answer(const char *line, long long *number)
{
	char word[16] = "";
	int rest = 0;

	sscanf(line, "%15s %n", word, &rest);
	line += rest;
	if (!strcmp(word, "ecam"))
		*number = sscanf(line, "%llx", &ecam) == 1 ? 0 : -1;
	else if (!strcmp(word, "device"))
		*number = add_watched(line);
	else if (!strcmp(word, "friend"))
		*number = set_dma(line, &friend);
	else if (!strcmp(word, "stranger"))
		*number = set_dma(line, &stranger);
	else if (!strcmp(word, "class"))
		*number = set_class(line);
	else if (!strcmp(word, "state"))
		*number = check_state(line, !strcmp(line, "first"), false) ? 0 : -1;
	else if (!strcmp(word, "jump"))
		*number = begin(line);
	else if (!strcmp(word, "back"))
		*number = end_of_blackout();
	else if (!strcmp(word, "late"))
		*number = note_late(line);
	else if (!strcmp(word, "quiet"))
		*number = quiet();
	else
		return false;
	return true;
}
