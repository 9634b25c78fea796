# SPDX-License-Identifier: GPL-2.0-only
# Puts the options of bench/options.def into a manual page in scdoc, so that the page
# has all of them with their defaults and values as they are.
#
# usage: awk -f options-table.awk -f options.awk -- OPTIONS.DEF PAGE.scd.in
# A line @SCOPE_keys@ becomes a list of the options of that scope as keys of a plan, a
# line @SCOPE_flags@ as flags. Scopes are case, run, command and read.

function die(text)
{
	printf "options.awk: %s\n", text | "cat >&2"
	close("cat >&2")
	exit 2
}

# Characters that scdoc takes for marks.
function plain(text)
{
	gsub(/[\\_*]/, "\\\\&", text)
	return text
}

function value_name(name,	text)
{
	text = values[name]
	gsub(/!/, "", text)
	if (type[name] ~ /CHOICE|WORDS/)
		return text
	if (type[name] == "BOOL")
		return "yes|no"
	if (type[name] == "LIST")
		return "N,..." (text == "" ? "" : "|" text)
	return type[name] == "NUMBER" ? "N" : type[name]
}

# What an option takes, beyond what its line says.
function limits(name,	text, parts, n, i, later)
{
	if (type[name] == "NUMBER" || type[name] == "LIST" || type[name] == "PERCENT")
		text = sprintf(" From %.0f to %.0f.", min[name], max[name])
	else if (type[name] == "SIZE")
		text = sprintf(" From %.0fM to %.0fM.", min[name], max[name])
	if (type[name] == "LIST" || type[name] == "WORDS")
		text = text " Several, with commas between, give a case each."
	else if (type[name] == "CHOICES")
		text = text " Several with commas between."
	n = split(values[name], parts, "|")
	for (i = 1; i <= n; i++)
		if (parts[i] ~ /^!/)
			later = (later == "" ? "" : later ", ") substr(parts[i], 2)
	if (later != "")
		text = text " Not available yet: " later "."
	if (fallback[name] != "")
		text = text " Default: " fallback[name] with_workload("dma", name) with_workload("fio", name) with_workload("dpdk", name) with_workload("dma+dpdk", name) "."
	return text
}

function with_workload(workload, name)
{
	return (workload, name) in workload_fallback ? ", with workload=" workload " " workload_fallback[workload, name] : ""
}

function list(scope, as_flags,	i, name, shown, taken)
{
	for (i = 1; i <= nr_options; i++) {
		name = order[i]
		if (scope_of[name] != scope)
			continue
		shown = name
		if (as_flags)
			gsub(/_/, "-", shown)
		taken = "_" plain(value_name(name)) "_"
		if (as_flags)
			taken = type[name] == "BOOL" ? "[=" taken "]" : "=" taken
		else
			taken = " = " taken
		printf "*%s%s*%s\n\t%s.%s\n\n", as_flags ? "--" : "", plain(shown), taken, plain(help[name]), \
			plain(limits(name))
	}
}

BEGIN {
	page = ARGV[2]
	read_table(ARGV[1])
	while ((got = (getline line < page)) > 0) {
		if (line ~ /^@(case|run|command|read)_(keys|flags)@$/) {
			scope = line
			gsub(/@|_.*/, "", scope)
			list(scope, line ~ /flags/)
		} else {
			print line
		}
	}
	if (got < 0)
		die(page ": cannot be read")
}
