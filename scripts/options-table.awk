# SPDX-License-Identifier: GPL-2.0-only
# Reads bench/options.def for the programs in awk that need it. They have a function
# die(TEXT) of their own.

# The fields of OPTION(name, TYPE, "default", min, max, "values", "help").
function read_table(file,	line, part, n, rest, scope, got)
{
	scope = "case"
	while ((got = (getline line < file)) > 0) {
		if (line ~ /RUN_OPTIONS \*\//)
			scope = "run"
		else if (line ~ /COMMAND_OPTIONS \*\//)
			scope = "command"
		else if (line ~ /READ_OPTIONS \*\//)
			scope = "read"
		# WITH(workload, name, "default")
		if (line ~ /^WITH\(/) {
			split(line, part, "\"")
			split(substr(part[1], 6), rest, /, */)
			workload_fallback[rest[1], rest[2]] = part[2]
		}
		if (line !~ /^OPTION\(/)
			continue
		n = split(line, part, "\"")
		# part: 'OPTION(name, TYPE, ' default ', min, max, ' values ', ' help
		split(substr(part[1], 8), rest, /, */)
		name = rest[1]
		type[name] = rest[2]
		fallback[name] = part[2]
		split(part[3], rest, /, */)
		min[name] = rest[2] + 0
		max[name] = rest[3] + 0
		values[name] = part[4]
		help[name] = part[6]
		scope_of[name] = scope
		order[++nr_options] = name
	}
	if (got < 0 || !nr_options)
		die(file ": cannot be read: is this a whole checkout?")
}
