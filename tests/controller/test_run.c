// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole runs of flbench with a stand-in for QEMU: each verdict, kills, resume, and what is left
 * behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "cpio.h"
#include "harness.h"
#include "util.h"

static int prepare(void **state)
{
	struct cpio_writer writer = { 0 };

	work_dir();
	put_file("bzImage", "this is the kernel");
	put_file("bzImage.next", "this is the next kernel");
	writer.fd = open(in_work("initrd"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (writer.fd < 0 || cpio_file(&writer, "init", "x", 1) || cpio_end(&writer))
		return -1;
	close(writer.fd);
	return 0;
}

static int clean(void **state)
{
	harness_end();
	return 0;
}

static char qemu_flag[512], append_flag[128];

static void flags_for(const char *mode)
{
	snprintf(qemu_flag, sizeof(qemu_flag), "--qemu=%s", getenv("FAKE_QEMU"));
	snprintf(append_flag, sizeof(append_flag), "--append=fake=%s", mode);
}

#define COMMON                                                                      \
	qemu_flag, append_flag, "--kernel=bzImage", "--initrd=initrd", "--out=out", \
		"--progress=lines"

static struct json_object *results(void)
{
	char *text __freed = file_text("out/results.json");
	struct json_object *json = json_tokener_parse(text);

	if (!json)
		fail_msg("results.json is not JSON: '%s'", text);
	return json;
}

/* The controller's last word on a case, from events.jsonl. */
static struct json_object *last_event(const char *kind)
{
	char *text __freed = file_text("out/events.jsonl");
	struct json_object *found = NULL;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct json_object *event = json_tokener_parse(line);

		assert_non_null(event);
		if (!strcmp(json_object_get_string(json_object_object_get(event, "event")), kind)) {
			json_object_put(found);
			found = event;
		} else {
			json_object_put(event);
		}
	}
	if (!found)
		fail_msg("no event '%s' in events.jsonl", kind);
	return found;
}

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static void assert_nothing_left(void)
{
	pid_t pid = fake_pid();
	struct stat st;

	assert_true(pid > 0);
	if (!gone(pid))
		fail_msg("process %d in the place of QEMU is still there", pid);
	assert_int_equal(stat(in_work("out/cases/case/initrd"), &st), -1);
}

static void run_and_expect(const char *mode, const char *verdict, int status, const char *detail)
{
	struct json_object *event, *json;
	struct result result;

	flags_for(mode);
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=3", "--domains=2",
					   "--timeout=6", "--inactivity-timeout=2", NULL });
	if (result.status != status)
		fail_msg("%s: exit status %d instead of %d: %s%s", mode, result.status, status,
			 result.out, result.err);
	event = last_event("case");
	assert_string_equal(member(event, "state"), "end");
	if (strcmp(member(event, "verdict"), verdict) || !strstr(member(event, "detail"), detail))
		fail_msg("%s: verdict %s (%s)", mode, member(event, "verdict"),
			 member(event, "detail"));
	json_object_put(event);
	json = results();
	/* Of a run one of whose cases was tried, "notrun" would not be true. */
	assert_string_equal(member(json, "verdict"),
			    strcmp(verdict, "notrun") ? verdict : "incomplete");
	json_object_put(json);
	assert_nothing_left();
	free_result(&result);
}

/* A case may end before its budget if it is precise, and the plan wants so. */
static void precise_before_the_budget(void **state)
{
	struct json_object *json, *precision, *c;
	char *case_file __freed = NULL;
	struct result result;

	flags_for("precise");
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=9", "--domains=2",
					   "--precision=1", NULL });
	if (result.status)
		fail_msg("status %d: %s%s", result.status, result.out, result.err);
	assert_non_null(strstr(result.out, "precise enough after 6 of 9 cycles"));
	free_result(&result);
	json = results();
	assert_string_equal(member(json, "verdict"), "pass");
	c = json_object_array_get_idx(json_object_object_get(json, "cases"), 0);
	assert_true(json_object_object_get_ex(c, "precision", &precision));
	assert_string_equal(member(precision, "budget"), "9");
	json_object_put(json);
	case_file = file_text("out/cases/case/case.json");
	assert_non_null(strstr(case_file, "\"precision\":1.0"));
	assert_nothing_left();
	clean(state);
	prepare(state);
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=9", "--domains=2", NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "the agent stopped after 6 of 9 cycles"));
	free_result(&result);
}

static void passes(void **state)
{
	struct json_object *json, *cycles;
	char *plan __freed = NULL, *environment __freed = NULL, *case_file __freed = NULL;

	run_and_expect("pass", "pass", 0, "3 cycles, 9 checks passed");
	json = results();
	cycles = json_object_object_get(json, "cycles");
	assert_string_equal(member(cycles, "planned"), "3");
	assert_string_equal(member(cycles, "completed"), "3");
	json_object_put(json);
	plan = file_text("out/plan.ini");
	assert_non_null(strstr(plan, "\n[case]\n"));
	assert_non_null(strstr(plan, "domains = 2\n"));
	environment = file_text("out/environment.json");
	json = json_tokener_parse(environment);
	assert_non_null(json);
	assert_string_equal(member(json_object_object_get(json, "qemu"), "version"),
			    "QEMU emulator version 0.0 (fake)");
	assert_non_null(json_object_object_get(json, "host"));
	assert_non_null(json_object_object_get(json, "packages"));
	json_object_put(json);
	case_file = file_text("out/cases/case/case.json");
	json = json_tokener_parse(case_file);
	assert_string_equal(member(json, "cycles"), "3");
	assert_string_equal(member(json, "unit"), "instructions");
	assert_string_equal(member(json, "kernel"), "/boot/bzImage");
	json_object_put(json);
}

static void fails(void **state)
{
	run_and_expect("fail", "fail", 1, "IOVA 0x1000: wrong page");
}

static void unproven(void **state)
{
	run_and_expect("unproven", "fail", 1, "no check that passed");
}

static void untranslated(void **state)
{
	struct result result;

	run_and_expect("untranslated", "fail", 1, "'translate-retrieved' did not pass");
	/* Where nothing is preserved there is nothing to prove of it. */
	flbench(&result, (const char *[]){ "run", qemu_flag, append_flag, "--kernel=bzImage",
					   "--initrd=initrd", "--out=baseline", "--cycles=1",
					   "--preserve=no", NULL });
	assert_int_equal(result.status, 0);
	free_result(&result);
}

static const char reference[] =
	"{\"schema\":\"flbench-reference/1\",\"set\":\"quick\",\"toolchain\":{},\"image\":{},\"counts\":[],"
	"\"targets\":[{\"name\":\"record-flat\",\"value\":1,\"state\":\"%s\"}]}";

/* The stand-in's cost does not grow with the domains, so the cost of one is anything but flat. */
static int run_with_targets(const char *state, const char *out, struct result *result)
{
	FILE *file = fopen(in_work("reference.json"), "w");

	assert_non_null(file);
	fprintf(file, reference, state);
	fclose(file);
	flbench(result, (const char *[]){ "run", qemu_flag, append_flag, "--kernel=bzImage",
					  "--initrd=initrd", out, "--cycles=1", "--domains=64,1024",
					  "--targets=quick", "--reference=reference.json", NULL });
	return result->status;
}

static void target_is_lost(void **state)
{
	struct result result;
	char *text __freed = NULL;

	flags_for("pass");
	assert_int_equal(run_with_targets("met", "--out=lost", &result), 1);
	assert_non_null(strstr(result.err, "1 targets that the reference meets are not met"));
	assert_non_null(strstr(result.out, "lost: the reference met it"));
	free_result(&result);
	/* It is kept beside the results, wherever they are read. */
	text = file_text("lost/results.json");
	assert_non_null(strstr(text, "\"lost\":true"));
	/* What never was met cannot be lost, nor what nobody measured. */
	assert_int_equal(run_with_targets("not met", "--out=open", &result), 0);
	assert_non_null(strstr(result.out, "not met"));
	free_result(&result);
	assert_int_equal(run_with_targets("not measured", "--out=open2", &result), 0);
	free_result(&result);
	/* Printed, and compared with what it prints, there is no difference. */
	flbench(&result, (const char *[]){ "reference", "open", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "flbench-reference/1"));
	free_result(&result);
	flbench(&result, (const char *[]){ "reference", "lost", "--reference=lost/reference.json", NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "record-flat: not met, in the reference met"));
	free_result(&result);
	flbench(&result, (const char *[]){ "reference", "lost", "--reference=lost/plan.ini", NULL });
	assert_int_equal(result.status, 2);
	free_result(&result);
}

static void stops_early(void **state)
{
	run_and_expect("early", "incomplete", 1, "after 1 of 3 cycles");
}

static void warns(void **state)
{
	run_and_expect("warning", "dmesg-warn", 1, "mm/page_alloc.c");
}

static void crashes(void **state)
{
	struct json_object *event;

	run_and_expect("panic", "crash", 1, "Kernel panic - not syncing: sysrq");
	event = last_event("case");
	assert_non_null(strstr(member(event, "console"), "sysrq triggered crash"));
	json_object_put(event);
}

static void hangs(void **state)
{
	struct json_object *event;

	run_and_expect(
		"hang", "timeout", 1,
		"no sign of life in cycle 1; last line of the console: [    1.000001] last words");
	event = last_event("case");
	assert_non_null(strstr(member(event, "console"), "last words before silence"));
	json_object_put(event);
}

static void takes_too_long(void **state)
{
	run_and_expect("chatter", "timeout", 1, "took too long");
}

static void goes_off(void **state)
{
	run_and_expect("off", "incomplete", 1, "without the agent being done");
}

static void qemu_is_killed(void **state)
{
	run_and_expect("killed", "incomplete", 1, "signal 9");
}

static void qemu_crashes(void **state)
{
	run_and_expect("crashed", "incomplete", 1, "signal 6");
}

static void qemu_refuses(void **state)
{
	run_and_expect("error", "notrun", 1, "cannot set up guest memory");
}

static void survives_torn_lines(void **state)
{
	struct json_object *event;

	run_and_expect("torn", "warn", 0, "9 checks passed, but 1 events of the agent are lost");
	event = last_event("case");
	assert_string_equal(member(event, "torn"), "2");
	json_object_put(event);
}

static void does_not_power_off(void **state)
{
	/* "done" counts; the guest is then stopped. */
	struct result result;

	flags_for("lingers");
	flbench(&result,
		(const char *[]){ "run", COMMON, "--cycles=1", "--inactivity-timeout=1", NULL });
	assert_int_equal(result.status, 0);
	assert_nothing_left();
	free_result(&result);
}

static void images_reach_the_guest(void **state)
{
	struct result result;
	size_t size;
	off_t offset;
	pid_t pid;

	flags_for("slow");
	pid = start((const char *[]){ "run", COMMON, "--cycles=9", "--next-kernel=bzImage.next",
				      NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":1"));
	assert_int_equal(
		cpio_find(in_work("out/cases/case/initrd"), "boot/bzImage", &offset, &size), 0);
	assert_int_equal(size, strlen("this is the kernel"));
	assert_int_equal(cpio_find(in_work("out/cases/case/initrd"), "boot/bzImage.next", &offset,
				   &size),
			 0);
	assert_int_equal(size, strlen("this is the next kernel"));
	kill(pid, SIGTERM);
	finish(pid, &result);
	free_result(&result);
	assert_nothing_left();
}

/* What only some cases need is an archive of its own; without it they do not start. */
static void dpdk_reaches_the_guest(void **state)
{
	struct cpio_writer writer = { 0 };
	struct result result;
	size_t size;
	off_t offset;
	pid_t pid;

	flags_for("slow");
	flbench(&result,
		(const char *[]){ "run", COMMON, "--workload=dpdk", "--cycles=9", NULL });
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "initrd-dpdk, which scripts/run makes"));
	free_result(&result);

	writer.fd = open(in_work("initrd-dpdk"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert_true(writer.fd >= 0);
	assert_int_equal(cpio_file(&writer, "usr/bin/flbench-dpdk", "xyz", 3), 0);
	assert_int_equal(cpio_end(&writer), 0);
	close(writer.fd);
	pid = start((const char *[]){ "run", COMMON, "--workload=dpdk", "--cycles=9", NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":1"));
	assert_int_equal(cpio_find(in_work("out/cases/case/initrd"), "usr/bin/flbench-dpdk",
				   &offset, &size),
			 0);
	assert_int_equal(size, 3);
	kill(pid, SIGTERM);
	finish(pid, &result);
	free_result(&result);
	assert_nothing_left();
}

static void expected_crash_is_good(void **state)
{
	struct result result;

	flags_for("panic");
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=2", "--expect=crash", NULL });
	assert_int_equal(result.status, 0);
	free_result(&result);
}

static void missed_crash_is_bad(void **state)
{
	struct result result;

	flags_for("pass");
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=2", "--expect=crash", NULL });
	assert_int_equal(result.status, 1);
	free_result(&result);
}

static void expected_failure_is_good(void **state)
{
	struct result result;

	flags_for("fail");
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=3", "--expect=fail",
					   "--expect-detail=IOVA 0x1000: wrong page", NULL });
	assert_int_equal(result.status, 0);
	free_result(&result);
}

/* A case that fails as it should, but for another reason than the plan wants, is no success. */
static void another_failure_is_bad(void **state)
{
	struct result result;

	flags_for("fail");
	flbench(&result, (const char *[]){ "run", COMMON, "--cycles=3", "--expect=fail",
					   "--expect-detail=IOVA 0x2000", NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "the verdict never says 'IOVA 0x2000': "));
	free_result(&result);
}

static void user_stops(int number, const char *mode)
{
	struct json_object *event, *json;
	struct result result;
	pid_t pid;

	flags_for(mode);
	pid = start((const char *[]){ "run", COMMON, "--cycles=50", NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":2"));
	kill(pid, number);
	finish(pid, &result);
	assert_int_equal(result.status, 1);
	event = last_event("case");
	assert_string_equal(member(event, "verdict"), "abort");
	json_object_put(event);
	json = results();
	assert_string_equal(member(json, "verdict"), "abort");
	json_object_put(json);
	assert_nothing_left();
	free_result(&result);
}

static void sigint(void **state)
{
	user_stops(SIGINT, "slow");
}

/* A QEMU that does not listen is killed. */
static void sigterm_and_stubborn_qemu(void **state)
{
	user_stops(SIGTERM, "stubborn");
}

static void controller_is_killed(void **state)
{
	struct json_object *event;
	struct result result;
	pid_t pid, fake;

	flags_for("slow");
	put_file("plan.ini", "[first]\ncycles=1\n[case]\ncycles=4\n[last]\ncycles=1\n");
	pid = start((const char *[]){ "run", COMMON, "--plan=plan.ini", NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":2"));
	fake = fake_pid();
	kill(pid, SIGKILL);
	finish(pid, &result);
	assert_int_equal(result.status, -SIGKILL);
	free_result(&result);
	if (!gone(fake))
		fail_msg("process %d in the place of QEMU outlived the controller", fake);

	/* What was done is readable, and marked as incomplete. */
	flbench(&result, (const char *[]){ "results", "out", "--format=json", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "\"incomplete\""));
	free_result(&result);

	flbench(&result, (const char *[]){ "resume", "out", "--progress=lines", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "first: pass, kept from before"));
	free_result(&result);

	/* The finished case was not started again, the interrupted one was, and says so. */
	{
		char *text __freed = file_text("out/events.jsonl");
		const char *first = strstr(text, "\"case\":\"first\",\"attempt\":1");

		assert_non_null(first);
		assert_null(strstr(text, "\"case\":\"first\",\"attempt\":2"));
		assert_non_null(strstr(text, "\"case\":\"case\",\"attempt\":2"));
		assert_null(strstr(text, "\"case\":\"last\",\"attempt\":2"));
	}
	event = last_event("run");
	assert_string_equal(member(event, "verdict"), "pass");
	json_object_put(event);
	{
		/* The files of the interrupted attempt are kept. */
		char *old __freed = file_text("out/cases/case/attempt-1/events.jsonl");

		assert_non_null(strstr(old, "\"cycle\":2"));
	}
	/* Nothing is left to do; doing it is no error. */
	flbench(&result, (const char *[]){ "resume", "out", "--progress=lines", NULL });
	assert_int_equal(result.status, 0);
	free_result(&result);
}

static void qemu_killed_then_resumed(void **state)
{
	struct result result;
	pid_t pid;

	flags_for("slow");
	pid = start((const char *[]){ "run", COMMON, "--cycles=4", NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":1"));
	assert_true(fake_pid() > 0);
	kill(fake_pid(), SIGKILL);
	finish(pid, &result);
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "case: incomplete"));
	free_result(&result);
	assert_nothing_left();
	flbench(&result, (const char *[]){ "resume", "out", "--progress=lines", NULL });
	assert_int_equal(result.status, 0);
	free_result(&result);
}

static void directory_in_use(void **state)
{
	struct result result;
	pid_t pid;

	flags_for("slow");
	pid = start((const char *[]){ "run", COMMON, "--cycles=50", NULL });
	assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":1"));
	{
		/* start() reuses the files of the output: keep the pid file of the running one. */
		pid_t fake = fake_pid(), second;

		second = start((const char *[]){ "resume", "out", NULL });
		finish(second, &result);
		assert_int_equal(result.status, 2);
		assert_non_null(strstr(result.err, "another flbench is writing"));
		free_result(&result);
		kill(pid, SIGTERM);
		finish(pid, &result);
		free_result(&result);
		assert_true(gone(fake));
	}
}

static void aborts_on_request(void **state)
{
	struct json_object *event;
	struct result result;

	flags_for("panic-in-b");
	put_file("plan.ini", "[a]\n[b]\n[c]\n");
	flbench(&result, (const char *[]){ "run", COMMON, "--plan=plan.ini", "--cycles=1",
					   "--abort-on=fail,crash", NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "a: pass"));
	assert_non_null(strstr(result.out, "b: crash"));
	assert_null(strstr(result.out, "c: "));
	event = last_event("run");
	assert_string_equal(member(event, "verdict"), "abort");
	json_object_put(event);
	free_result(&result);
}

static void goes_on_after_crash(void **state)
{
	struct result result;

	flags_for("panic-in-b");
	put_file("plan.ini", "[a]\n[b]\n[c]\n");
	flbench(&result, (const char *[]){ "run", COMMON, "--plan=plan.ini", "--cycles=1", NULL });
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "c: pass"));
	free_result(&result);
}

/* On a file system that fills up in the middle. Needs the right to mount one. */
static void disk_full(void **state)
{
	struct result result;
	char *text __freed = NULL;
	char command[512];
	pid_t fake;

	snprintf(command, sizeof(command),
		 "mkdir %s && mount -t tmpfs -o size=68m none %s 2>/dev/null", in_work("out"),
		 in_work("out"));
	if (geteuid() || system(command))
		skip();
	flags_for("slow");
	{
		pid_t pid = start((const char *[]){ "run", COMMON, "--cycles=50", NULL });

		assert_true(wait_for("out/cases/case/events.jsonl", "\"cycle\":1"));
		snprintf(command, sizeof(command), "head -c 80m /dev/zero > %s 2>/dev/null",
			 in_work("out/filler"));
		assert_int_not_equal(system(command), 0);
		fake = fake_pid();
		finish(pid, &result);
	}
	assert_int_equal(result.status, 3);
	assert_non_null(strstr(result.err, "events.jsonl: cannot write: No space left on device"));
	assert_true(gone(fake));
	free_result(&result);
	flbench(&result, (const char *[]){ "results", "out", "--format=json", NULL });
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "\"incomplete\""));
	free_result(&result);
	text = file_text("out/events.jsonl");
	assert_non_null(strstr(text, "\"cycle\":1"));
	snprintf(command, sizeof(command), "umount %s", in_work("out"));
	assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(passes),
		TEST(precise_before_the_budget),
		TEST(fails),
		TEST(unproven),
		TEST(untranslated), TEST(target_is_lost),
		TEST(stops_early),
		TEST(warns),
		TEST(crashes),
		TEST(hangs),
		TEST(takes_too_long),
		TEST(goes_off),
		TEST(qemu_is_killed),
		TEST(qemu_crashes),
		TEST(qemu_refuses),
		TEST(survives_torn_lines),
		TEST(does_not_power_off),
		TEST(images_reach_the_guest),
		TEST(dpdk_reaches_the_guest),
		TEST(expected_crash_is_good),
		TEST(expected_failure_is_good),
		TEST(another_failure_is_bad),
		TEST(missed_crash_is_bad),
		TEST(sigint),
		TEST(sigterm_and_stubborn_qemu),
		TEST(controller_is_killed),
		TEST(qemu_killed_then_resumed),
		TEST(directory_in_use),
		TEST(aborts_on_request),
		TEST(goes_on_after_crash),
		TEST(disk_full),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
