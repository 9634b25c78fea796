# SPDX-License-Identifier: GPL-2.0-only
# Checks flags and plan of scripts/run against bench/options.def, on a machine that
# has no compiler yet. flbench checks the same again, in C, and what depends on it.
#
# usage: awk -f options-table.awk -f options.awk -- OPTIONS.DEF TOP FLAG...
# Prints KEY=VALUE for each flag that is given, and plan_file=PATH; or one line on
# stderr, and exits with 2.

function die(text)
{
	printf "scripts/run: %s\n", text | "cat >&2"
	close("cat >&2")
	failed = 1
	exit 2
}

function find(word)
{
	gsub(/-/, "_", word)
	return (word in type) ? word : ""
}

function is_number(name, text)
{
	return text ~ /^[0-9]+$/ && length(text) <= 18 && text + 0 >= min[name] && text + 0 <= max[name]
}

# MiB of a size as it may be written; -1 for less than a whole one.
function mib_of(text,	mib, unit)
{
	mib = text + 0
	unit = tolower(substr(text, length(text)))
	if (unit == "g")
		mib *= 1024
	else if (unit == "k")
		mib = mib % 1024 ? -1 : mib / 1024
	return mib
}

function range(name, text)
{
	return "'" text "' is not a whole number from " min[name] " to " sprintf("%.0f", max[name])
}

function one_of(name, text,	words, n, i, known, sep)
{
	n = split(values[name], words, "|")
	for (i = 1; i <= n; i++) {
		if (words[i] == text)
			return ""
		if (words[i] == "!" text)
			known = 1
		if (words[i] !~ /^!/) {
			list = (sep ? list ", " : "") words[i]
			sep = 1
		}
	}
	if (known)
		return "'" text "' is known but not available yet; available: " list
	return "'" text "' is not one of " list
}

function in_words(name, text)
{
	return values[name] != "" && index("|" values[name] "|", "|" text "|") > 0
}

# Return what is wrong with a value, "" if nothing is.
function wrong(name, text,	t, items, n, i, error, mib)
{
	t = type[name]
	if (t == "NUMBER")
		return is_number(name, text) ? "" : range(name, text)
	if (t == "LIST") {
		n = split(text, items, ",")
		if (n == 0)
			return range(name, text)
		for (i = 1; i <= n; i++)
			if (!in_words(name, items[i]) && !is_number(name, items[i]))
				return range(name, items[i])
		return ""
	}
	if (t == "WORDS" && text == "")
		return one_of(name, text)
	if (t == "CHOICES" || t == "WORDS") {
		n = split(text, items, ",")
		for (i = 1; i <= n; i++) {
			error = one_of(name, items[i])
			if (error != "")
				return error
		}
		return ""
	}
	if (t == "CHOICE")
		return one_of(name, text)
	if (t == "PERCENT")
		return text ~ /^([0-9]+\.?[0-9]*|\.[0-9]+)$/ && text + 0 >= min[name] && text + 0 <= max[name] ? "" : \
			"'" text "' is not a number of percent from " min[name] " to " max[name] ", such as 2 or 0.5"
	if (t == "BOOL")
		return text == "yes" || text == "no" ? "" : "'" text "' is not yes or no"
	if (t == "SIZE") {
		if (text ~ /^[0-9]+[KkMmGg]?$/ && length(text) <= 12) {
			mib = mib_of(text)
			if (mib >= min[name] && mib <= max[name])
				return ""
		}
		return "'" text "' is not a size from " min[name] "M to " max[name] "M, such as 512M or 4G"
	}
	if (t == "PATH")
		return text == "" ? "the path is empty" : text ~ /[[:cntrl:]]/ ? "the path has a control character" : ""
	if (length(text) < min[name] || length(text) > max[name])
		return "'" text "' has " length(text) " characters, allowed are " min[name] " to " max[name]
	if (t == "NAME" && text !~ /^[A-Za-z0-9_.-]*$/)
		return "'" text "' has a character that is not allowed; use letters, digits, '-', '_' and '.'"
	if (text ~ /[[:cntrl:]]/)
		return "'" text "' has a character that is not allowed; use printable ones"
	return ""
}

# A regular file that can be read? (What getline does to a directory differs.)
function exists(path)
{
	gsub(/'/, "'\\''", path)
	return system("test -f '" path "' && test -r '" path "'") == 0
}

function trim(text)
{
	sub(/^[ \t]+/, "", text)
	sub(/[ \t\r]+$/, "", text)
	return text
}

function usage(	i, name, flag, text)
{
	print "usage: scripts/run [--kernel-src DIR|TARBALL] [OPTION]...\n"
	print "Installs what is missing (as root), builds the kernel, the programs and the"
	print "guest image as far as something changed, and runs flbench, which writes a"
	print "results directory with report.html. Exit status: 0 all verdicts as expected,"
	print "1 not so, 2 bad input (nothing was done), 3 could not run.\n"
	print "  --kernel-src=PATH         Linux 7.3, to use instead of Debian's package"
	for (i = 1; i <= nr_options; i++) {
		name = order[i]
		if (scope_of[name] == "read")
			continue
		flag = name
		gsub(/_/, "-", flag)
		text = type[name] ~ /CHOICE|WORDS/ ? values[name] : type[name] == "BOOL" ? "yes|no" : \
			type[name] == "LIST" ? "N,..." : type[name] == "NUMBER" ? "N" : type[name]
		gsub(/!/, "", text)
		text = "--" flag (type[name] == "BOOL" ? "[=" text "]" : "=" text)
		if (length(text) > 24)
			text = text "\n" sprintf("  %24s", "")
		printf "  %-24s  %s%s\n", text, help[name], fallback[name] != "" ? " [" fallback[name] "]" : ""
	}
	print "\nFLBENCH_BUILD names another build directory, FLBENCH_CACHE one for downloads."
	print "FLBENCH_FAKE_FREE_MB is for tests: take this for the free space."
}

# The value that counts for a case: flag, section, [global], default.
function effective(section, name)
{
	if (name in flags)
		return flags[name]
	if ((section, name) in plan)
		return plan[section, name]
	if (("global", name) in plan)
		return plan["global", name]
	return name == "workload" ? fallback[name] : of_workload(effective(section, "workload"), name)
}

# The default of a workload; of two parts ("dma+dpdk") its own, or that of the first.
function of_workload(workload, name)
{
	if (!((workload, name) in workload_fallback))
		sub(/[+].*/, "", workload)
	return (workload, name) in workload_fallback ? workload_fallback[workload, name] : fallback[name]
}

# Does the workload of a case have a part? As workload_has().
function has(section, part)
{
	return index("+" effective(section, "workload") "+", "+" part "+") > 0
}

# What a workload leaves no choice of: names and numbers with blanks between. As check_fixed().
function check_fixed(where, section, names, numbers,	i, n, name, number)
{
	n = split(names, name, " ")
	split(numbers, number, " ")
	for (i = 1; i <= n; i++)
		if (effective(section, name[i]) != number[i])
			die(where "with workload=" effective(section, "workload") " " name[i] " is always " number[i] "; leave it out")
}

# The same rules as in bench/plan.c, check_dma().
function check_dma(where, section)
{
	if (effective(section, "iommu") != "intel")
		die(where "workload=dma needs devices behind an IOMMU; give iommu=intel")
	check_fixed(where, section, "domains devices iommufds mappings", "1 3 1 4")
	if (effective(section, "icount") == "yes")
		die(where "with workload=dma frames come in real time; icount=yes cannot be")
	if (mib_of(effective(section, "memory")) > 2048)
		die(where "with workload=dma memory is at most 2G")
	if (effective(section, "nodes") != 1)
		die(where "with workload=dma there is one node")
	if (effective(section, "ring") % 8)
		die(where "ring=" effective(section, "ring") " is no multiple of 8")
	if (has(section, "dpdk") && effective(section, "ring") * effective(section, "frame_interval") < 40000000)
		die(where "with workload=dma+dpdk ring=" effective(section, "ring") " and frame_interval=" \
		    effective(section, "frame_interval") " are less than 40 seconds of frames; give more")
}

# The same rules as in bench/plan.c, check_dpdk().
function check_dpdk(where, section)
{
	if (effective(section, "workload") == "dpdk") {
		if (effective(section, "iommu") != "intel")
			die(where "workload=dpdk needs devices behind an IOMMU; give iommu=intel")
		check_fixed(where, section, "domains devices iommufds mappings nodes", "1 2 1 1 1")
	}
	if (mib_of(effective(section, "memory")) < 768)
		die(where "with workload=" effective(section, "workload") " memory is at least 768M")
	if (effective(section, "scenario") != "dpdk-peer")
		return
	if (effective(section, "icount") == "yes")
		die(where "with scenario=dpdk-peer frames come in real time; give icount=no")
	if (effective(section, "preserve") != "yes")
		die(where "with scenario=dpdk-peer frames go on through the live update; preserve=no cannot be")
	if (mib_of(effective(section, "memory")) > 2048)
		die(where "with scenario=dpdk-peer memory is at most 2G")
	if (extreme(effective(section, "cycles"), 1) > 1397)
		die(where "with scenario=dpdk-peer cycles is at most 1397, not " extreme(effective(section, "cycles"), 1) ": the peer has no numbers for more")
	if (effective(section, "frame_interval") > 50000)
		die(where "with scenario=dpdk-peer frame_interval is at most 50000, not " effective(section, "frame_interval"))
}

function extreme(text, sign,	items, n, i, best)
{
	n = split(text, items, ",")
	best = items[1] + 0
	for (i = 2; i <= n; i++)
		if (sign * (items[i] - best) > 0)
			best = items[i] + 0
	return best
}

# check_fio().
function check_fio(where, section)
{
	if (effective(section, "iommu") != "intel")
		die(where "workload=fio needs a device behind an IOMMU; give iommu=intel")
	check_fixed(where, section, "domains devices iommufds mappings nodes", "1 1 1 1 1")
	check_fio_faults(where, section, effective(section, "scenario") == "fio-translation", effective(section, "fio_fault"))
}

# Each word of a list is a case.
function check_fio_faults(where, section, translation, fault,	words, n, i)
{
	n = split(effective(section, "translation"), words, ",")
	for (i = 1; i <= n; i++) {
		if (!translation && words[i] != "lazy")
			die(where "translation=" words[i] " needs scenario=fio-translation")
		if (words[i] == "vfio-1g" && mib_of(effective(section, "memory")) < 4096)
			die(where "translation=vfio-1g needs a whole GiB; give memory=4G")
	}
	if (translation && (fault != "none" || effective(section, "fio_mapping") != "4k"))
		die(where "with scenario=fio-translation fio_fault and fio_mapping have no effect; leave them out")
	if (fault == "slow" && (effective(section, "scenario") != "loop" || effective(section, "fio_measure") == "none"))
		die(where "fio_fault=slow is of what is measured; it needs scenario=loop and not fio_measure=none")
}

# The same rules as in bench/plan.c, check_pages(), for the largest of a list.
function check_pages(where, section,	needed)
{
	if (effective(section, "cycles") != "1")
		die(where "with scenario=preserve-pages there is one kexec; give cycles=1")
	if (effective(section, "preserve") != "yes")
		die(where "scenario=preserve-pages preserves; give layout=none, not preserve=no")
	needed = int(extreme(effective(section, "pages"), 1) * 2 / 256) + 1024
	if (mib_of(effective(section, "memory")) < needed)
		die(where "pages=" extreme(effective(section, "pages"), 1) " need memory=" needed "M, not " \
		    mib_of(effective(section, "memory")) "M; give more, or fewer pages")
}

# Does an equal share of the memory make whole MiB for each number of nodes?
function check_nodes(where, section,	n, i, nodes)
{
	n = split(effective(section, "nodes"), nodes, ",")
	for (i = 1; i <= n; i++)
		if (mib_of(effective(section, "memory")) % nodes[i])
			die(where "memory=" effective(section, "memory") " cannot be shared by nodes=" nodes[i] " equally")
}

# The same rule as in bench/plan.c, check_precision().
function check_precision(where, section,	cycles)
{
	cycles = effective(section, "cycles")
	if (effective(section, "precision") + 0 == 0)
		return
	if (effective(section, "scenario") ~ /^(dpdk-(peer|pages|queues)|fio-jobs)$/)
		die(where "scenario=" effective(section, "scenario") " has no main metric that could be precise; leave precision out")
	if (has(section, "fio") && effective(section, "fio_measure") == "none")
		die(where "with fio_measure=none there is nothing that could be precise; leave precision out")
	if ((extreme(cycles, -1) < 6 || extreme(cycles, 1) > 1000))
		die(where "precision=" effective(section, "precision") " needs a budget of 6 to 1000 cycles, not cycles=" cycles)
}

function check_together(where, section,	icount, unit)
{
	check_precision(where, section)
	if (effective(section, "dpdk_fault") != "none" && effective(section, "workload") !~ /[+]dpdk$/)
		die(where "dpdk_fault needs workload=fio+dpdk or workload=dma+dpdk")
	if (effective(section, "slowdown") + 0 > 0 && (effective(section, "preserve") != "yes" || effective(section, "scenario") != "loop"))
		die(where "slowdown is of preserving; it needs preserve=yes and scenario=loop")
	if (has(section, "dma"))
		check_dma(where, section)
	if (has(section, "fio"))
		check_fio(where, section)
	if (has(section, "dpdk"))
		check_dpdk(where, section)
	if (effective(section, "workload") == "none" && effective(section, "iommu") == "intel")
		die(where "iommu=intel has no mock devices; give workload=dma, or iommu=mock")
	check_nodes(where, section)
	if (effective(section, "scenario") == "preserve-pages")
		check_pages(where, section)
	if (extreme(effective(section, "iommufds"), 1) > extreme(effective(section, "domains"), -1))
		die(where "iommufds=" effective(section, "iommufds") " is more than domains=" \
		    effective(section, "domains") "; each iommufd needs a domain")
	icount = effective(section, "icount") == "yes"
	unit = effective(section, "unit")
	if (icount && unit == "ns")
		die(where "unit=ns, but under icount there is no time; add icount=no")
	if (!icount && unit == "instructions")
		die(where "unit=instructions needs icount=yes")
	if (icount && effective(section, "accel") == "kvm")
		die(where "accel=kvm cannot count instructions; add icount=no")
}

function read_plan(path,	line, nr, section, key, value, name, at, error, sections, i, got)
{
	while ((got = (getline line < path)) > 0) {
		nr++
		at = path ":" nr ": "
		if (line ~ /[^[:print:][:space:]]/ && line ~ /[[:cntrl:]]/)
			die(at "not a text file; give a plan (INI)")
		line = trim(line)
		if (line == "" || line ~ /^[;#]/)
			continue
		if (line ~ /^\[/) {
			if (line !~ /^\[[^]]*\][ \t]*([;#].*)?$/)
				die(at "malformed line; write '[section]'")
			section = substr(line, 2, index(line, "]") - 2)
			if (section == "global" && nr_sections)
				die(at "[global] stands behind a case; put it first")
			if (section !~ /^[A-Za-z0-9][A-Za-z0-9_.-]*$/)
				die(at "section [" section "]: use letters, digits, '-', '_' and '.'")
			if (section != "global") {
				if (section in seen)
					die(at "section [" section "] was there before; give it another name")
				seen[section] = 1
				sections[++nr_sections] = section
			}
			continue
		}
		i = match(line, /[=:]/)
		if (!i)
			die(at "malformed line; write 'key = value' or '[section]'")
		key = trim(substr(line, 1, i - 1))
		value = substr(line, i + 1)
		sub(/[ \t];.*$/, "", value)
		value = trim(value)
		if (section == "")
			die(at "'" key "' stands before the first section; put [global] above it")
		name = find(key)
		if (name == "")
			die(at "unknown key '" key "'; scripts/run --help names them all")
		if (scope_of[name] == "command" || scope_of[name] == "read")
			die(at "'" key "' is a flag, not a key of a plan")
		if (scope_of[name] == "run" && section != "global")
			die(at "'" key "' belongs to the whole run; put it into [global]")
		if ((section, name) in plan)
			die(at "'" key "' was given before in this section; leave one")
		plan[section, name] = value
		if (value == "" && (type[name] == "PATH" || type[name] == "TEXT"))
			continue
		error = wrong(name, value)
		if (error != "")
			die(at key ": " error)
	}
	close(path)
	if (got < 0)
		die(path ": cannot read the plan")
	if (!nr_sections)
		die(path ": the plan has no case; add a section such as [loop]")
	for (i = 1; i <= nr_sections; i++)
		check_together(path ": section [" sections[i] "]: ", sections[i])
}

BEGIN {
	table = ARGV[1]
	top = ARGV[2]
	read_table(table)
	for (i = 3; i < ARGC; i++) {
		flag = ARGV[i]
		if (flag == "--help" || flag == "-h" || flag == "-?") {
			usage()
			print "help=yes"
			failed = 1
			exit 0
		}
	}
	for (i = 3; i < ARGC; i++) {
		flag = ARGV[i]
		if (flag !~ /^--./)
			die("'" flag "': what is this for? options start with two dashes; see scripts/run --help")
		text = ""
		given = index(flag, "=")
		if (given) {
			text = substr(flag, given + 1)
			flag = substr(flag, 1, given - 1)
		}
		name = flag == "--kernel-src" ? "kernel_src" : find(substr(flag, 3))
		if (name == "" || scope_of[name] == "read")
			die("unknown option '" flag "'; see scripts/run --help")
		if (!given) {
			if (type[name] == "BOOL")
				text = "yes"
			else if (++i < ARGC)
				text = ARGV[i]
			else
				die("option '" flag "' needs a value")
		}
		if (name == "kernel_src") {
			print "kernel_src=" text
			continue
		}
		error = wrong(name, text)
		if (error != "")
			die(flag ": " error)
		flags[name] = text
		print name "=" text
		if (type[name] == "PATH" && name ~ /kernel|initrd|qemu/ && !exists(text))
			die(flag ": '" text "': no such file")
	}
	if ("plan" in flags) {
		path = flags["plan"]
		if (!exists(path)) {
			path = top "/bench/" flags["plan"] ".ini"
			if (!exists(path))
				path = top "/bench/preserve/" flags["plan"] ".ini"
			if (!exists(path))
				path = top "/tests/vm/" flags["plan"] ".ini"
			if (flags["plan"] ~ /\// || !exists(path))
				die("--plan: '" flags["plan"] "': no such file, and no plan of that name in bench/, bench/preserve/ or tests/vm/")
		}
		read_plan(path)
	} else {
		check_together("", "flags")
	}
	close(table)
}
