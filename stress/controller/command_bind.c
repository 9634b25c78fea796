// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench bind, flbench restore-bindings: devices lent to vfio-pci and had back. What is refused, and
 * how it is undone, is in <flbench/binding.h>.
 */
#include <errno.h>
#include <string.h>

#include <flbench/binding.h>
#include <flbench/pci.h>

#include "flbench.h"
#include "util.h"

static int open_root(const struct invocation *invocation, struct sysfs *sysfs)
{
	const char *root = flag_text(invocation, OPT_sysroot);
	int err = sysfs_open(sysfs, root);

	if (err)
		say("--sysroot %s: %s", root, strerror(-err));
	return err;
}

int command_bind(const struct invocation *invocation)
{
	const char *journal = flag_text(invocation, OPT_journal);
	struct binding_problem problem;
	struct sysfs sysfs;
	int err;

	if (open_root(invocation, &sysfs))
		return EXIT_BAD_INPUT;
	err = binding_begin(&sysfs, journal, invocation->arguments, invocation->nr_arguments,
			    &problem);
	sysfs_close(&sysfs);
	if (err) {
		say("%s", problem.text);
		return problem.tried ? EXIT_CANNOT_RUN : EXIT_BAD_INPUT;
	}
	printf("%zu bound to " VFIO_DRIVER
	       "; what they had is in %s: flbench restore-bindings gives it back\n",
	       invocation->nr_arguments, journal);
	return EXIT_PASS;
}

static void tell(void *context, const char *line)
{
	say("%s", line);
}

int command_restore_bindings(const struct invocation *invocation)
{
	const char *journal = flag_text(invocation, OPT_journal);
	struct binding_back back;
	struct sysfs sysfs;
	int err;

	if (open_root(invocation, &sysfs))
		return EXIT_BAD_INPUT;
	err = binding_restore(&sysfs, journal, &back, tell, NULL);
	sysfs_close(&sysfs);
	if (err == -ENOENT) {
		printf("nothing to bind back: there is no %s\n", journal);
		return EXIT_PASS;
	}
	if (err == -EINVAL) {
		say("%s is no journal of flbench bind: name the right one with --journal", journal);
		return EXIT_BAD_INPUT;
	}
	if (err) {
		say("%s: %s", journal, strerror(-err));
		return EXIT_CANNOT_RUN;
	}
	printf("%u bound back, %u gone, %u left\n", back.restored, back.gone, back.left);
	return back.gone || back.left ? EXIT_NOT_PASS : EXIT_PASS;
}
