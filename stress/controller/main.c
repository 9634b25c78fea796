// SPDX-License-Identifier: GPL-2.0-only
/*
 * flbench: command line of the controller. Every option of options.def becomes a flag of the
 * subcommands that take it; what they do is in command_*.c.
 */
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "flbench.h"
#include "util.h"
#include "version.h"

static bool run_takes(enum option_id id)
{
	/* The order of options.def, which says so. */
	return id < OPT_format;
}

static bool resume_takes(enum option_id id)
{
	return id == OPT_progress;
}

static bool results_takes(enum option_id id)
{
	return id == OPT_format;
}

static bool reference_takes(enum option_id id)
{
	return id == OPT_reference;
}

static bool compare_takes(enum option_id id)
{
	return id == OPT_format || id == OPT_threshold || id == OPT_metric;
}

static bool check_takes(enum option_id id)
{
	return id == OPT_sysroot;
}

static bool peer_takes(enum option_id id)
{
	return id == OPT_interface || id == OPT_frames || id == OPT_frame_interval ||
	       id == OPT_seed;
}

static bool topo_takes(enum option_id id)
{
	return id == OPT_format || id == OPT_sysroot || id == OPT_results || id == OPT_picture;
}

static bool bind_takes(enum option_id id)
{
	return id == OPT_sysroot || id == OPT_journal;
}

static bool takes_none(enum option_id id)
{
	(void)id;
	return false;
}

/* More devices than a machine has slots for are a mistake. */
#define MAX_ARGUMENTS 256

static const struct command commands[] = {
	{
		.name = "run",
		.arguments = "",
		.summary = "run a plan, or one case made of flags",
		.description =
			"Runs all cases of a plan and writes a results directory. Flags win over the plan. "
			"With flags of a case and no --plan, the one case that they describe is run; "
			"lists such as --domains=64,512 give one case for each value.\v"
			"Exit status: 0 all verdicts as expected, 1 not so, 2 bad input, 3 could not run.",
		.takes = run_takes,
		.run = command_run,
	},
	{
		.name = "resume",
		.arguments = "DIR",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "go on with an interrupted run",
		.description =
			"Keeps the cases in DIR that are finished and runs the others; an interrupted one starts anew, "
			"and the results say so.",
		.takes = resume_takes,
		.run = command_resume,
	},
	{
		.name = "results",
		.arguments = "DIR",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "print the results in DIR, finished or not",
		.description =
			"Prints what a results directory holds, also of a run that was killed or still goes on.",
		.takes = results_takes,
		.run = command_results,
	},
	{
		.name = "compare",
		.arguments = "BASE NEW",
		.min_arguments = 2,
		.max_arguments = 2,
		.summary = "say whether one run is worse than another",
		.description =
			"Compares each metric that both results directories have and of which it is known which direction is better: "
			"counts under icount exactly, others by confidence intervals that hold all at once. Says what else "
			"differs: kernel, QEMU, compiler, plan.\v"
			"Exit status: 0 nothing is worse, 1 something is worse by more than the threshold, 2 bad input, a run that did "
			"not end well, or nothing that could be decided, 3 could not be done.",
		.takes = compare_takes,
		.run = command_compare,
	},
	{
		.name = "reference",
		.arguments = "DIR",
		.min_arguments = 1,
		.max_arguments = 1,
		.summary = "print what of a run is kept to compare later ones with, or compare",
		.description =
			"Prints targets, counts, toolchain and image of the run in DIR. With --reference=FILE it compares instead: "
			"same images, each count exactly; same toolchain, counts within 1 %; another one, ratios of ours to "
			"stock within 10 %.\v"
			"Exit status: 0 printed or no difference, 1 a difference, or nothing to keep; 2 bad input.",
		.takes = reference_takes,
		.run = command_reference,
	},
	{
		.name = "list",
		.arguments = "",
		.summary = "name the plans, cases, scenarios, IOMMUs, targets and architectures",
		.description = "Names everything that a plan or a flag may choose from.",
		.takes = takes_none,
		.run = command_list,
	},
	{
		.name = "check",
		.arguments = "",
		.summary = "say for each IOMMU and device whether it can be preserved here",
		.description =
			"Reads sysfs, the kernel's configuration and the topology, and says for each IOMMU unit and each "
			"device whether preservation across a live update is possible here, and why not. Changes nothing.",
		.takes = check_takes,
		.run = command_check,
	},
	{
		.name = "topo",
		.arguments = "[BDF...]",
		.max_arguments = MAX_ARGUMENTS,
		.summary =
			"show devices by NUMA node, with IOMMU, group and link, and what slows a run down",
		.description =
			"Shows the PCI devices of this machine (--results: of the machine of a run) by NUMA node, with driver, IOMMU "
			"group and unit, and PCIe link, and warns of what slows a run down or makes it unsteady. Devices that are "
			"named are marked; without any, those that have the driver vfio-pci. Changes nothing.\v"
			"Exit status: 0 shown, with or without warnings; 2 bad input; 3 the picture could not be drawn.",
		.takes = topo_takes,
		.run = command_topo,
	},
	{
		.name = "peer",
		.arguments = "",
		.summary =
			"be the other end of a network cable: send numbered frames, check what comes back",
		.description =
			"Runs on the link partner of a card that receives, sends or forwards (flbench-dpdk). Sends --frames numbered "
			"frames, one each --frame-interval microseconds, on --interface, checks each byte, the numbers and the order of what "
			"comes, and prints the account as JSON when a second has passed without any, or a signal comes.\v"
			"Exit status: 0; 1 something came that is damaged, doubled, out of order or foreign; 2 bad input; 3 no "
			"link, or no packet socket.",
		.takes = peer_takes,
		.run = command_peer,
	},
	{
		.name = "bind",
		.arguments = "BDF...",
		.min_arguments = 1,
		.max_arguments = MAX_ARGUMENTS,
		.summary = "give devices to vfio-pci, if the system can do without them",
		.description =
			"Checks all devices first: that each exists, is no bridge, is not used by the running system, and shares its IOMMU "
			"group with no other. Then writes down what they had, and binds them to vfio-pci. flbench restore-bindings "
			"undoes it, whatever happened meanwhile.\v"
			"Exit status: 0 bound, 2 refused, and nothing was changed; 3 could not be bound, and was bound back.",
		.takes = bind_takes,
		.run = command_bind,
	},
	{
		.name = "restore-bindings",
		.arguments = "",
		.summary = "give devices back to the drivers that they had before bind",
		.description =
			"Binds back what the journal of bind names, also after a kill -9. Can be repeated.\v"
			"Exit status: 0 all is as before, 1 not all could be bound back, 2 the file is no journal.",
		.takes = bind_takes,
		.run = command_restore_bindings,
	},
};

const char *argp_program_version = "flbench " FLBENCH_GIT_VERSION;

/* Keys below this belong to argp. */
#define FIRST_KEY 0x1000

const char *flag_text(const struct invocation *invocation, enum option_id id)
{
	return invocation->flags.text[id] ? invocation->flags.text[id] : plan_option(id)->fallback;
}

static void dashes(char *name)
{
	for (; *name; name++)
		if (*name == '_')
			*name = '-';
}

/* Without the values that are not available yet. */
static void available(const char *values, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (const char *v = values; *v && used < size; v += strcspn(v, "|"), v += *v == '|')
		if (*v != '!')
			used += snprintf(text + used, size - used, "%s%.*s", used ? "|" : "",
					 (int)strcspn(v, "|"), v);
}

static const char *value_name(const struct plan_option *option, char *text, size_t size)
{
	switch (option->type) {
	case OPTION_NUMBER:
		return "N";
	case OPTION_LIST:
		return "N,...";
	case OPTION_SIZE:
		return "SIZE";
	case OPTION_PERCENT:
		return "PERCENT";
	case OPTION_BOOL:
		return "yes|no";
	case OPTION_NAME:
		return "NAME";
	case OPTION_TEXT:
		return "WORDS";
	case OPTION_PATH:
		return "PATH";
	case OPTION_CHOICE:
	case OPTION_CHOICES:
	case OPTION_WORDS:
		available(option->values, text, size);
		break;
	}
	return text;
}

/* The flags of a command for argp. Names, with dashes, and help texts are freed with the array. */
static struct argp_option *make_options(const struct command *command)
{
	struct argp_option *options = calloc(OPTION_COUNT + 1, sizeof(*options));
	size_t nr = 0;

	for (int id = 0; options && id < OPTION_COUNT; id++) {
		const struct plan_option *option = plan_option(id);
		char *name, *doc, *value;
		char text[256];

		if (!command->takes(id))
			continue;
		name = strdup(option->name);
		value = strdup(value_name(option, text, sizeof(text)));
		doc = *option->fallback ? format_text("%s [%s]", option->help, option->fallback) :
					  strdup(option->help);
		if (!name || !doc || !value) {
			free(name);
			free(doc);
			free(value);
			break;
		}
		dashes(name);
		options[nr++] = (struct argp_option){
			.name = name,
			.key = FIRST_KEY + id,
			.arg = value,
			.doc = doc,
			.flags = option->type == OPTION_BOOL ? OPTION_ARG_OPTIONAL : 0,
			.group = plan_option_scope(id) + 1,
		};
	}
	return options;
}

static void free_options(struct argp_option *options)
{
	for (struct argp_option *option = options; option && option->name; option++) {
		free((char *)option->name);
		free((char *)option->doc);
		free((char *)option->arg);
	}
	free(options);
}

struct parse {
	struct invocation *invocation;
	char *cwd;
	bool failed;
};

static error_t parse_flag(int key, char *value, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct invocation *invocation = parse->invocation;
	struct plan_error error = { "" };
	int id = key - FIRST_KEY;

	if (key == ARGP_KEY_ARG) {
		if (!strcmp(value, "yes") || !strcmp(value, "no")) {
			say("%s: what is '%s' for? write it with '=' behind its option",
			    invocation->command->name, value);
			parse->failed = true;
			return EINVAL;
		}
		if (invocation->nr_arguments == invocation->command->max_arguments) {
			say("%s: what is '%s' for? see flbench %s --help",
			    invocation->command->name, value, invocation->command->name);
			parse->failed = true;
			return EINVAL;
		}
		invocation->arguments[invocation->nr_arguments++] = value;
		return 0;
	}
	if (key == ARGP_KEY_END && invocation->nr_arguments < invocation->command->min_arguments) {
		say("%s: which %s? see flbench %s --help", invocation->command->name,
		    invocation->command->arguments, invocation->command->name);
		parse->failed = true;
		return EINVAL;
	}
	if (id < 0 || id >= OPTION_COUNT)
		return ARGP_ERR_UNKNOWN;
	if (plan_values_set(&invocation->flags, id, value ? value : "yes", parse->cwd, &error)) {
		char *name __freed = strdup(plan_option(id)->name);

		if (name)
			dashes(name);
		say("--%s: %s", name ? name : plan_option(id)->name, error.text);
		parse->failed = true;
		return EINVAL;
	}
	return 0;
}

/* getopt's own messages take two lines and suggest nothing: look for the usual mistakes first. */
static int check_names(const struct argp_option *options, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const char *words[OPTION_COUNT + 4] = { "help", "usage", "version" }, *nearest;
		size_t nr = 3, length, matches = 0;
		bool exact = false, wants_value = false;
		char name[64];

		if (argv[i][0] != '-' || !argv[i][1])
			continue;
		if (argv[i][1] != '-') {
			if (!strcmp(argv[i], "-?") || !strcmp(argv[i], "-V"))
				continue;
			say("unknown option '%s'; options start with two dashes, see flbench %s --help",
			    argv[i], argv[0]);
			return -EINVAL;
		}
		length = strcspn(argv[i] + 2, "=");
		snprintf(name, sizeof(name), "%.*s", (int)length, argv[i] + 2);
		for (const struct argp_option *option = options; option->name; option++)
			words[nr++] = option->name;
		for (size_t w = 0; w < nr && !exact; w++) {
			exact = !strcmp(words[w], name);
			if (exact || !strncmp(words[w], name, length)) {
				matches = exact ? 1 : matches + 1;
				wants_value = w >= 3 &&
					      !(options[w - 3].flags & OPTION_ARG_OPTIONAL);
			}
		}
		if (matches != 1 || !length) {
			nearest = plan_nearest(name, words, nr);
			say("%s option '--%s'%s%s%s", matches > 1 ? "ambiguous" : "unknown", name,
			    nearest ? "; did you mean '--" : "", nearest ? nearest : "",
			    nearest ? "'?" : "; see --help");
			return -EINVAL;
		}
		if (wants_value && !argv[i][2 + length] && !argv[++i]) {
			say("option '--%s' needs a value", name);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * ARGP_NO_ERRS, which keeps argp from printing what check_names() words better, also keeps it from
 * helping.
 */
static bool wants_help(const struct argp *argp, const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V"))
			printf("%s\n", argp_program_version);
		else if (!strcmp(argv[i], "--usage"))
			argp_help(argp, stdout, ARGP_HELP_USAGE, (char *)name);
		else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-?"))
			argp_help(argp, stdout,
				  ARGP_HELP_STD_HELP & ~(ARGP_HELP_EXIT_OK | ARGP_HELP_EXIT_ERR),
				  (char *)name);
		else
			continue;
		return true;
	}
	return false;
}

static int run_command(const struct command *command, int argc, char **argv, int whole_argc,
		       char **whole_argv)
{
	struct invocation invocation = { .command = command,
					 .argc = whole_argc,
					 .argv = whole_argv };
	struct parse parse = { .invocation = &invocation, .cwd = getcwd(NULL, 0) };
	struct argp_option *options = make_options(command);
	struct argp argp = { .options = options && options->name ? options : NULL,
			     .parser = parse_flag,
			     .args_doc = command->arguments,
			     .doc = command->description };
	char *name = format_text("flbench %s", command->name);
	int ret = EXIT_CANNOT_RUN;

	invocation.arguments = calloc(argc, sizeof(*invocation.arguments));
	if (!options || !name || !parse.cwd || !invocation.arguments) {
		say("cannot read the command line: %s", strerror(errno));
		goto out;
	}
	ret = EXIT_PASS;
	if (wants_help(&argp, name, argc, argv))
		goto out;
	ret = EXIT_BAD_INPUT;
	argv[0] = (char *)command->name;
	if (check_names(options, argc, argv))
		goto out;
	argv[0] = name;
	if (argp_parse(&argp, argc, argv, ARGP_NO_ERRS, NULL, &parse)) {
		if (!parse.failed)
			say("cannot make sense of the command line; a flag that takes no value may have one; see flbench %s --help",
			    command->name);
		goto out;
	}
	ret = command->run(&invocation);
out:
	plan_values_free(&invocation.flags);
	free(invocation.arguments);
	free_options(options);
	free(parse.cwd);
	free(name);
	return ret;
}

static void usage(FILE *file)
{
	fprintf(file,
		"Usage: flbench COMMAND [OPTION...]\n"
		"Does device DMA survive a kernel live update, what does it cost, how does that grow?\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(file, "  %-16s  %-8s  %s\n", commands[i].name, commands[i].arguments,
			commands[i].summary);
	fprintf(file,
		"\nflbench COMMAND --help tells more. Start through scripts/run to have kernel and guest image built first.\n");
}

int main(int argc, char **argv)
{
	const char *words[ARRAY_SIZE(commands)], *nearest;

	if (argc < 2) {
		usage(stderr);
		return EXIT_BAD_INPUT;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_PASS;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("%s\n", argp_program_version);
		return EXIT_PASS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, argv[1])) {
			char **rest __freed = calloc(argc, sizeof(*rest));

			if (!rest)
				return EXIT_CANNOT_RUN;
			memcpy(rest, argv + 1, (argc - 1) * sizeof(*rest));
			return run_command(&commands[i], argc - 1, rest, argc, argv);
		}
		words[i] = commands[i].name;
	}
	nearest = plan_nearest(argv[1], words, ARRAY_SIZE(words));
	say("unknown command '%s'%s%s%s", argv[1], nearest ? "; did you mean '" : "",
	    nearest ? nearest : "", nearest ? "'?" : "; flbench --help names them");
	return EXIT_BAD_INPUT;
}
