// SPDX-License-Identifier: GPL-2.0-only
/* The stage machine: see agent.h. */
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <flbench/cleanup.h>
#include <flbench/iommufd.h>
#include <flbench/liveupdate.h>

#include "agent.h"
#include "clock.h"
#include "pages.h"
#include "scenario.h"
#include "system.h"

#define TOKEN_STATE 1ull
/* The kernel's own record of what it preserved, and how long the freeze took. */
#define RECORDS_IN "/sys/kernel/debug/iommu_liveupdate/incoming"
#define RECORDS_OUT "/sys/kernel/debug/iommu_liveupdate/outgoing"
/* KUnit's taint says that the kernel contains tests, not that anything is wrong. */
#define TAINT_TEST_MASK (1ul << 18)

bool agent_check(struct agent *a, const char *name, bool ok, const char *format, ...)
{
	char detail[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	event_check(&a->log, name, ok ? "pass" : "fail", "%s", detail);
	return ok;
}

int agent_error(struct agent *a, const char *name, int err)
{
	if (err)
		event_check(&a->log, name, "fail", "%s",
			    a->w.problem[0] ? a->w.problem : strerror(-err));
	a->w.problem[0] = '\0';
	return err;
}

void agent_metric_ticks(struct agent *a, const char *name, uint64_t ticks)
{
	const char *unit = a->c.instructions ? "instructions" : "ns";
	uint64_t value = clock_to_unit(ticks, a->c.instructions);
	char full[64];

	snprintf(full, sizeof(full), "%s_%s", name, unit);
	event_metric(&a->log, &a->c, full, unit, value);
	/* The first kernel is none that a live update led to, and what it does costs something else. */
	if (a->log.cycle)
		precise_take(&a->precise, name, value);
}

static void metric_bytes(struct agent *a, const char *name, uint64_t value)
{
	event_metric(&a->log, &a->c, name, "bytes", value);
}

void agent_metric_pool(struct agent *a, const char *prefix, uint32_t marked_percent)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	struct pages_pool pool;
	char name[64];

	if (pages_pool_read(PAGES_POOL, &pool))
		return;
	snprintf(name, sizeof(name), "%spool_used_bytes", prefix);
	metric_bytes(a, name, pool.live * page * marked_percent / 100);
	snprintf(name, sizeof(name), "%spool_preserved_bytes", prefix);
	metric_bytes(a, name, (pool.preserved + pool.directory) * page);
}

/*
 * Compare the kernel's count of records with ours; a kernel that does not tell is skipped, aloud.
 */
static void check_records(struct agent *a, const char *path, const char *name)
{
	/* A bridge is preserved along with the device behind it. */
	const uint32_t wanted = a->c.devices + a->c.edu_bridge;
	uint64_t domains, devices;

	if (system_key(path, "domains", &domains) || system_key(path, "devices", &devices)) {
		event_check(&a->log, name, "skip", "%s does not tell", path);
		return;
	}
	agent_check(a, name, domains == a->c.domains && devices == wanted,
		    "the kernel's records: %llu domains, %llu devices; the case: %u, %u",
		    (unsigned long long)domains, (unsigned long long)devices, a->c.domains, wanted);
}

/* ---- the agent's own state ---- */

static size_t state_bytes(const struct agent *a)
{
	return state_size(a->c.devices, a->state->series, a->state->room);
}

int agent_state_save(struct agent *a)
{
	size_t size = state_bytes(a);
	int memfd __close = memfd_create("flbench-state", MFD_CLOEXEC);
	int err;

	if (memfd < 0 || ftruncate(memfd, size))
		return agent_error(a, "state", -errno);
	a->state_memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (a->state_memory == MAP_FAILED) {
		a->state_memory = NULL;
		return agent_error(a, "state", -errno);
	}
	a->state_session = liveupdate_session_create(a->liveupdate_fd, AGENT_SESSION_STATE);
	if (a->state_session < 0)
		return agent_error(a, "state", a->state_session);
	/*
	 * What is preserved is the memory, not its contents: those may still change until the jump.
	 */
	err = liveupdate_preserve_fd(a->state_session, memfd, TOKEN_STATE);
	return agent_error(a, "state", err);
}

void agent_state_drop(struct agent *a)
{
	cleanup_close(&a->state_session);
	a->state_session = -1;
	if (a->state_memory)
		munmap(a->state_memory, state_bytes(a));
	a->state_memory = NULL;
}

static void seal_state(struct agent *a)
{
	struct agent_state *s = a->state;

	s->seed = a->c.seed;
	s->seq = *a->log.seq;
	s->domains = a->c.domains;
	s->devices = a->c.devices;
	s->iommufds = a->c.iommufds;
	s->mappings = a->c.mappings;
	s->cycle = a->log.cycle;
	s->signature = a->w.signature;
	s->failed_checks = *a->log.failed_checks;
	s->preserved = a->c.preserve;
	precise_keep(&a->precise, s);
	strcpy(s->name, a->c.name);
	state_seal(s);
	memcpy(a->state_memory, s, s->total_bytes);
}

/* -ENOENT: no previous kernel left anything, this is the first. */
static int state_load(struct agent *a)
{
	int session __close = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION_STATE);
	int memfd __close = -1;
	const char *reason = "";
	struct stat info;
	void *memory;
	int err;

	if (session < 0)
		return session;
	memfd = liveupdate_retrieve_fd(session, TOKEN_STATE);
	if (memfd < 0)
		return memfd;
	if (fstat(memfd, &info))
		return -errno;
	memory = mmap(NULL, info.st_size, PROT_READ, MAP_SHARED, memfd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	err = state_check(memory, info.st_size, &reason);
	if (!err) {
		const struct agent_state *s = memory;

		if (strcmp(s->name, a->c.name) || s->seed != a->c.seed ||
		    s->domains != a->c.domains || s->devices != a->c.devices ||
		    s->iommufds != a->c.iommufds || s->mappings != a->c.mappings ||
		    s->series != a->state->series || s->room != a->state->room) {
			reason = "of another case";
			err = -EINVAL;
		} else {
			memcpy(a->state, s, s->total_bytes);
		}
	}
	munmap(memory, info.st_size);
	if (err) {
		event_text(&a->log, "error", "the previous kernel's state is refused: %s", reason);
		return err;
	}
	return liveupdate_finish(session);
}

/* ---- steps ---- */

int agent_session_create(struct agent *a)
{
	a->session = liveupdate_session_create(a->liveupdate_fd, AGENT_SESSION);
	if (a->session < 0)
		return agent_error(a, "preserve",
				   world_problem(&a->w, a->session, "creating the session"));
	return 0;
}

int agent_session_retrieve(struct agent *a)
{
	a->session = liveupdate_session_retrieve(a->liveupdate_fd, AGENT_SESSION);
	if (a->session < 0)
		return agent_error(a, "retrieve",
				   world_problem(&a->w, a->session, "retrieving the session"));
	return 0;
}

static int setup(struct agent *a)
{
	uint64_t start;
	int err;

	event_stage(&a->log, "setup", true);
	start = clock_ticks();
	err = a->workload->set_up(a);
	if (err)
		return agent_error(a, "setup", err);
	agent_metric_ticks(a, "setup", clock_ticks() - start);
	event_stage(&a->log, "setup", false);
	err = agent_verify(a, "translate-setup");
	if (!err)
		err = agent_remap(a);
	if (!err && a->scenario->created)
		err = a->scenario->created(a);
	return err;
}

int agent_load(struct agent *a)
{
	/*
	 * With two kernels they take turns: the second one is loaded by the first, the first by the
	 * second.
	 */
	const char *kernel = a->c.next_kernel[0] && a->log.cycle % 2 == 0 ? a->c.next_kernel :
									    a->c.kernel;
	int err;

	event_stage(&a->log, "load", true);
	err = system_kexec_load(kernel, a->c.next_append);
	if (err)
		return agent_error(a, "load", world_problem(&a->w, err, "loading %s", kernel));
	event_stage(&a->log, "load", false);
	return 0;
}

/* What began at @start takes longer than it does, for tests that have to notice it. */
static void slow_down(const struct agent *a, uint64_t start)
{
	uint64_t took = clock_ticks() - start;

	while (clock_ticks() - start < took * (1 + a->c.slowdown / 100))
		;
}

int agent_preserve(struct agent *a)
{
	uint64_t start, marked, memory, end;
	int err;

	event_stage(&a->log, "preserve", true);
	err = a->workload->sign ? a->workload->sign(a) : 0;
	if (err)
		return agent_error(a, "preserve", err);
	err = agent_session_create(a);
	if (err)
		return err;
	start = clock_ticks();
	err = a->workload->mark(a);
	marked = clock_ticks();
	if (!err)
		err = a->workload->preserve_memory(a);
	memory = clock_ticks();
	if (!err)
		err = a->workload->preserve(a);
	if (a->c.slowdown > 0)
		slow_down(a, memory);
	end = clock_ticks();
	if (err)
		return agent_error(a, "preserve", err);
	agent_metric_ticks(a, "mark", marked - start);
	agent_metric_ticks(a, "preserve_memory", memory - marked);
	agent_metric_ticks(a, "preserve", end - memory);
	agent_metric_pool(a, "", 100);
	check_records(a, RECORDS_OUT, "records-outgoing");
	event_stage(&a->log, "preserve", false);
	return agent_error(a, "immutable", a->workload->immutable(a));
}

int agent_jump(struct agent *a)
{
	int err;

	event_stage(&a->log, "kexec", true);
	event_drain(&a->log);
	seal_state(a);
	/* The last instant at which user space of this kernel runs. */
	state_stamp(a->state_memory, clock_ticks());
	err = system_kexec();
	event_text(&a->log, "warning", "the kexec was refused: %s", strerror(-err));
	return err;
}

int agent_leave(struct agent *a)
{
	int err = dpdk_beside_go(a);

	if (err)
		return err;
	if (a->workload->depart) {
		event_stage(&a->log, "ready", true);
		err = a->workload->depart(a);
		if (err)
			return agent_error(a, "ready", err);
		event_stage(&a->log, "ready", false);
	}
	err = dpdk_beside_goes_on(a);
	if (err)
		return err;
	err = agent_jump(a);
	return agent_error(a, "kexec", world_problem(&a->w, err, "the jump to the next kernel"));
}

int agent_retrieve(struct agent *a)
{
	uint64_t start, memory, domains, devices;
	int err;

	event_stage(&a->log, "retrieve", true);
	check_records(a, RECORDS_IN, "records-incoming");
	err = agent_session_retrieve(a);
	if (err)
		return err;
	start = clock_ticks();
	err = a->workload->retrieve_memory(a);
	memory = clock_ticks();
	if (!err)
		err = a->workload->retrieve(a);
	domains = clock_ticks();
	if (!err)
		err = a->workload->restore_devices(a);
	devices = clock_ticks();
	if (err)
		return agent_error(a, "retrieve", err);
	agent_metric_ticks(a, "retrieve_memory", memory - start);
	agent_metric_ticks(a, "retrieve", domains - memory);
	agent_metric_ticks(a, "restore_devices", devices - domains);
	event_stage(&a->log, "retrieve", false);
	return 0;
}

/*
 * The baseline also runs on a kernel whose mock cannot do DMA: then nothing is proved, and that is
 * said.
 */
static bool cannot_tell(struct agent *a, const char *check, int err)
{
	if (err != -EOPNOTSUPP || a->c.preserve)
		return false;
	event_check(&a->log, check, "skip", "this kernel's mock does no DMA");
	a->w.problem[0] = '\0';
	return true;
}

int agent_verify(struct agent *a, const char *check)
{
	int err;

	event_stage(&a->log, "verify", true);
	err = a->workload->verify(a);
	if (cannot_tell(a, check, err))
		return 0;
	if (err)
		return agent_error(a, check, err);
	agent_check(a, check, true, "%u domains: %s", a->c.domains, a->workload->verified);
	event_stage(&a->log, "verify", false);
	return 0;
}

int agent_adopt(struct agent *a)
{
	uint64_t start, rebuilt, end;
	int err;

	event_stage(&a->log, "adopt", true);
	start = clock_ticks();
	err = a->workload->rebuild(a);
	rebuilt = clock_ticks();
	if (!err)
		err = a->workload->adopt(a);
	end = clock_ticks();
	if (err)
		return agent_error(a, "adopt", err);
	agent_metric_ticks(a, "rebuild", rebuilt - start);
	agent_metric_ticks(a, "adopt", end - rebuilt);
	event_stage(&a->log, "adopt", false);
	return 0;
}

int agent_remap(struct agent *a)
{
	int err;

	event_stage(&a->log, "remap", true);
	err = a->workload->remap(a);
	if (cannot_tell(a, "remap", err))
		return 0;
	if (err)
		return agent_error(a, "remap", err);
	agent_check(a, "remap", true, "%u domains: %s", a->c.domains, a->workload->remapped);
	event_stage(&a->log, "remap", false);
	return 0;
}

int agent_finish(struct agent *a)
{
	uint64_t start, end;
	int err;

	event_stage(&a->log, "finish", true);
	start = clock_ticks();
	err = liveupdate_finish(a->session);
	end = clock_ticks();
	if (err)
		return agent_error(a, "finish", world_problem(&a->w, err, "finishing the session"));
	cleanup_close(&a->session);
	a->session = -1;
	agent_metric_ticks(a, "finish", end - start);
	event_stage(&a->log, "finish", false);
	return 0;
}

int agent_give_up(struct agent *a)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < a->w.devices; i++)
		if (a->w.device[i].object_id)
			err = a->w.ops->detach(&a->w.device[i]);
	if (err)
		return agent_error(a, "give-up", world_problem(&a->w, err, "detaching a device"));
	for (uint32_t i = 0; !err && i < a->w.domains; i++)
		if (a->w.domain[i].hwpt_id)
			err = iommufd_destroy(a->w.fds[i % a->w.iommufds], a->w.domain[i].hwpt_id);
	if (err)
		return agent_error(a, "give-up", world_problem(&a->w, err, "destroying a HWPT"));
	err = agent_finish(a);
	world_close_iommufds(&a->w);
	world_close_memory(&a->w);
	a->fresh = true;
	return err;
}

int agent_unpreserve(struct agent *a)
{
	int err;

	cleanup_close(&a->session);
	a->session = -1;
	err = agent_verify(a, "translate-unpreserved");
	return err ? err : agent_remap(a);
}

/* ---- a boot ---- */

static void check_kernel(struct agent *a)
{
	char text[512];
	struct system_memory memory;
	unsigned long taint;
	int found;

	if (system_read("/proc/sys/kernel/tainted", text, sizeof(text))) {
		event_check(&a->log, "taint", "skip", "the kernel does not tell");
	} else {
		taint = strtoul(text, NULL, 10);
		agent_check(a, "taint", !(taint & ~TAINT_TEST_MASK), "taint 0x%lx%s", taint,
			    taint & TAINT_TEST_MASK ? " (18: contains KUnit tests, allowed)" : "");
	}
	found = system_log_complaints(text, sizeof(text));
	agent_check(a, "dmesg", found == 0,
		    found < 0 ? "cannot read the log: %d%s" : "%d complaints %s", found, text);
	if (a->c.kmemleak) {
		found = system_kmemleak(text, sizeof(text));
		if (found == -ENOENT)
			event_check(&a->log, "kmemleak", "skip", "the kernel has no kmemleak");
		else
			agent_check(a, "kmemleak", found == 0,
				    found < 0 ? "cannot scan: %d%s" : "%d reports %s", found, text);
	}
	if (system_memory_read(&memory))
		return;
	metric_bytes(a, "mem_available_bytes", memory.available_bytes);
	metric_bytes(a, "slab_bytes", memory.slab_bytes);
	metric_bytes(a, "slab_unreclaimable_bytes", memory.unreclaimable_bytes);
	metric_bytes(a, "unevictable_bytes", memory.unevictable_bytes);
	metric_bytes(a, "shmem_bytes", memory.shmem_bytes);
	metric_bytes(a, "table_bytes", memory.iommu_bytes);
	if (a->c.preserve && !a->scenario->boot)
		metric_bytes(a, "preserved_bytes",
			     memory.iommu_bytes + a->workload->memory_bytes(a));
}

/*
 * What the kernel counted before init started, if it was told to (kho_bench=). Nothing of user space
 * is in it, so it is the same in each run.
 */
static void kernel_figures(struct agent *a)
{
	struct pages_figures figures;

	if (pages_read(PAGES_RESULTS, &figures) || figures.error)
		return;
	agent_metric_ticks(a, "memory_init", figures.memory_init);
	agent_metric_ticks(a, "kernel_boot", figures.boot);
}

static void report_start(struct agent *a, uint64_t first_ticks)
{
	struct utsname kernel;
	char boot_id[64] = "";
	uint64_t blackout, freeze = 0;

	uname(&kernel);
	system_read("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
	event_agent(&a->log, kernel.release, a->c.name, boot_id);
	if (a->log.cycle == 0)
		return;
	event_stage(&a->log, "kexec", false);
	/* The time between holds what the kernel measured for the scenario. */
	if (a->scenario->boot)
		return;
	blackout = first_ticks - a->state->last_ticks;
	agent_metric_ticks(a, "blackout", blackout);
	if (a->c.preserve) {
		if (system_key(RECORDS_IN, "freeze_cycles", &freeze))
			event_text(&a->log, "info", "%s does not tell freeze_cycles", RECORDS_IN);
		else
			agent_metric_ticks(a, "freeze", freeze);
	}
	/*
	 * From the end of the freeze on: shutting devices down, jumping, and the next kernel's
	 * boot.
	 */
	agent_metric_ticks(a, "boot", blackout - freeze);
	kernel_figures(a);
}

static int settle(struct agent *a)
{
	int err;

	if (!a->workload->settle)
		return 0;
	event_stage(&a->log, "settle", true);
	err = a->workload->settle(a);
	if (err)
		return agent_error(a, "settle", err);
	event_stage(&a->log, "settle", false);
	return 0;
}

static int measure(struct agent *a)
{
	int err;

	if (!a->workload->measure || a->scenario->boot)
		return 0;
	event_stage(&a->log, "measure", true);
	err = a->workload->measure(a);
	if (err)
		return agent_error(a, "measure", err);
	event_stage(&a->log, "measure", false);
	return 0;
}

static int arrive(struct agent *a)
{
	int err = a->scenario->retrieve ? a->scenario->retrieve(a) : agent_retrieve(a);

	if (err || a->fresh)
		return err;
	err = agent_verify(a, "translate-retrieved");
	if (!err && a->scenario->window)
		err = a->scenario->window(a);
	if (!err && !a->fresh)
		err = a->scenario->adopt ? a->scenario->adopt(a) : agent_adopt(a);
	if (err || a->fresh)
		return err;
	err = agent_verify(a, "translate-adopted");
	if (!err)
		err = agent_remap(a);
	if (!err)
		err = a->scenario->finish ? a->scenario->finish(a) : agent_finish(a);
	return err ? err : settle(a);
}

static int depart(struct agent *a)
{
	char text[512];
	int err = agent_load(a);

	if (!err && a->c.preserve)
		err = a->scenario->preserve ? a->scenario->preserve(a) : agent_preserve(a);
	if (!err)
		err = agent_state_save(a);
	if (!err && system_log_complaints(text, sizeof(text)))
		agent_check(a, "dmesg", false, "in the last stages of this kernel: %s", text);
	if (!err)
		err = a->scenario->leave ? a->scenario->leave(a) : agent_leave(a);
	return err;
}

/* One check for each suite of KUnit tests that the kernel ran while it booted. */
static void report_kunit(struct agent *a)
{
	glob_t found = { 0 };

	if (glob("/sys/kernel/debug/kunit/*/results", 0, NULL, &found)) {
		event_check(&a->log, "kunit", "skip", "the kernel has no KUnit results");
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file __fclose = fopen(found.gl_pathv[i], "re");
		unsigned int passed = 0, failed = 0, skipped = 0;
		char line[1024], first[256] = "", name[128];

		while (file && fgets(line, sizeof(line), file)) {
			const char *p = line + strspn(line, " ");

			line[strcspn(line, "\n")] = '\0';
			/*
			 * Indented lines are cases (and parameters of cases); the last one, not
			 * indented, is the suite.
			 */
			if (p == line)
				continue;
			if (!strncmp(p, "ok ", 3)) {
				*(strstr(p, "# SKIP") ? &skipped : &passed) += 1;
			} else if (!strncmp(p, "not ok ", 7)) {
				if (!failed++)
					snprintf(first, sizeof(first), ", first: %s", p);
			}
		}
		snprintf(name, sizeof(name), "kunit.%s",
			 strrchr(dirname(found.gl_pathv[i]), '/') + 1);
		if (!passed && !failed)
			event_check(&a->log, name, "skip", "%u cases skipped", skipped);
		else
			agent_check(a, name, !failed, "%u cases passed, %u failed, %u skipped%s",
				    passed, failed, skipped, first);
	}
	globfree(&found);
}

static int run(struct agent *a)
{
	int err = dpdk_beside_begin(a);

	if (err)
		return err;
	if (a->scenario->boot)
		err = a->scenario->boot(a);
	else if (a->fresh || !a->c.preserve)
		a->fresh = true;
	else
		err = arrive(a);
	if (!err && a->fresh && !a->over && !a->scenario->boot)
		err = setup(a);
	if (!err)
		err = dpdk_beside_work(a);
	if (!err && a->log.cycle && a->scenario->settled)
		err = a->scenario->settled(a);
	if (!err && !a->over)
		err = measure(a);
	if (err)
		return err;
	if (a->c.kunit && a->log.cycle == 0)
		report_kunit(a);
	check_kernel(a);
	event_progress(&a->log, a->log.cycle);
	return 0;
}

static int fault(struct agent *a)
{
	if (a->c.fault == CASE_FAULT_NONE || a->log.cycle != a->c.fault_cycle)
		return 0;
	event_text(&a->log, "info", "the case wants this machine to fail here");
	event_drain(&a->log);
	while (a->c.fault == CASE_FAULT_HANG)
		pause();
	if (a->c.fault == CASE_FAULT_EXIT)
		return AGENT_EXIT_SILENT;
	if (!a->init)
		system_write("/proc/sysrq-trigger", "c");
	return AGENT_EXIT_PANIC;
}

/* ---- the end ---- */

/* Say how precise each main metric is. Return: that of the least precise, percent. */
static double report_precision(struct agent *a, bool reached, const double half[])
{
	const char *unit = a->c.instructions ? "instructions" : "ns";
	struct event_precision metrics[STATE_SERIES_MAX];
	uint32_t nr = 0;
	double widest = 0;

	for (uint32_t i = 0; i < a->state->series; i++) {
		if (!a->state->nr_values[i])
			continue;
		snprintf(metrics[nr].name, sizeof(metrics[nr].name), "%s_%s", a->precise.names[i],
			 unit);
		metrics[nr].n = a->state->nr_values[i];
		metrics[nr++].half_percent = half[i];
		if (!(half[i] <= widest))
			widest = half[i];
	}
	event_precision(&a->log, &a->c, reached, metrics, nr);
	return widest;
}

/* Is the case over, with all its cycles done or since it is precise enough? 1, 0 or a negative errno. */
static int is_over(struct agent *a)
{
	const bool last = a->log.cycle >= a->c.cycles;
	double half[STATE_SERIES_MAX], widest;
	int state;

	if (!a->state->series)
		return last;
	precise_keep(&a->precise, a->state);
	state = precise_decide(&a->precise, a->state, a->c.precision, last, half);
	if (state <= PRECISE_GO_ON)
		return state;
	if (state == PRECISE_UNMEASURED) {
		event_check(&a->log, "precise", "skip",
			    "no main metric of this scenario was measured");
		return 1;
	}
	widest = report_precision(a, state == PRECISE_REACHED, half);
	if (state == PRECISE_REACHED)
		return agent_check(a, "precise", true,
				   "after %u of %u cycles: +-%.3g %%, %.4g %% was wanted",
				   a->log.cycle, a->c.cycles, widest, a->c.precision);
	/* What was measured is as good as it is; that it is less precise than wanted is no failure of it. */
	event_check(&a->log, "precise", "skip",
		    "the budget of %u cycles ended first: +-%.3g %%, %.4g %% was wanted",
		    a->c.cycles, widest, a->c.precision);
	return 1;
}

static int verdict(struct agent *a, int err)
{
	uint32_t failed = *a->log.failed_checks;

	if (a->skip && !failed && !err)
		event_done(&a->log, "skip", "%s", a->skip);
	else if (err)
		event_done(&a->log, "fail", "stopped in cycle %u: %s", a->log.cycle, strerror(-err));
	else if (failed)
		event_done(&a->log, "fail", "%u checks failed", failed);
	else
		event_done(&a->log, "pass", "%u cycles, every check passed", a->log.cycle);
	return err || failed ? 1 : 0;
}

static int state_create(struct agent *a)
{
	/* Of the loop. */
	static const char *const metrics[] = { "blackout", "preserve", "retrieve", "adopt", NULL };
	const uint32_t room = a->c.precision > 0 ? a->c.cycles : 0;
	uint32_t series = 0;

	if (room) {
		a->precise.names = a->workload->metrics ?: metrics;
		series = precise_count(a->precise.names);
	}
	a->state = calloc(1, state_size(a->c.devices, series, room));
	if (!a->state)
		return -ENOMEM;
	a->state->devices = a->c.devices;
	a->state->series = series;
	a->state->room = room;
	return 0;
}

static int start(struct agent *a)
{
	struct rlimit files = { .rlim_cur = a->c.iommufds + 256, .rlim_max = a->c.iommufds + 256 };
	uint64_t first_ticks = clock_ticks();
	int err;

	a->state_session = -1;
	a->session = -1;
	a->w.domains = a->c.domains;
	a->w.devices = a->c.devices;
	a->w.iommufds = a->c.iommufds;
	a->w.mappings = a->c.mappings;
	a->w.seed = a->c.seed;
	a->w.small_pages = a->c.large > 0;
	err = state_create(a);
	if (err)
		return err;
	err = a->workload->begin(a);
	if (err)
		return err;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	a->liveupdate_fd = liveupdate_open();
	if (a->liveupdate_fd < 0) {
		event_text(&a->log, "error",
			   "/dev/liveupdate: %s (is liveupdate=on on the kernel command line?)",
			   strerror(-a->liveupdate_fd));
		return a->liveupdate_fd;
	}
	err = state_load(a);
	if (err && err != -ENOENT)
		return err;
	a->fresh = err == -ENOENT;
	if (!a->fresh) {
		*a->log.seq = a->state->seq;
		*a->log.failed_checks = a->state->failed_checks;
		a->log.cycle = a->state->cycle + 1;
		a->w.signature = a->state->signature;
	}
	report_start(a, first_ticks);
	if (!a->log.cycle || !a->workload->arrive)
		return 0;
	return agent_error(a, "arrive", a->workload->arrive(a));
}

int agent_run(struct agent *a)
{
	int died, err, over = 0;

	a->scenario = scenario_find(a->c.scenario);
	if (!a->scenario) {
		event_done(&a->log, "fail", "no scenario is called %s", a->c.scenario);
		return 1;
	}
	a->workload = workload_find(a->c.workload);
	err = start(a);
	if (!err && !a->skip)
		err = run(a);
	if (!err) {
		died = fault(a);
		if (died)
			return died;
	}
	if (!err && !a->skip)
		over = is_over(a);
	if (over < 0)
		err = agent_error(a, "precise", over);
	if (err || a->skip || over)
		return verdict(a, err);
	return verdict(a, depart(a));
}
