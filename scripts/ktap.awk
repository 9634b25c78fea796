# SPDX-License-Identifier: GPL-2.0-only
# Turns the KTAP of a kernel's console into flat TAP, a line for each test case
# (suite.case), and adds what the console itself proves: that all suites ended and
# that nothing complained. -v log_file=PATH is named in what failed. With -v counted=1
# the console's cycles are instructions, and growth is judged by them.

function result(good, name, note)
{
	printf "%s %d - %s%s\n", good ? "ok" : "not ok", ++nr, name, note
}

{
	sub(/\r$/, "")
	sub(/^\[[ 0-9.]+\] ?/, "")
}

# There is no root file system: the end that is expected, with its own backtrace.
/Kernel panic/ && /Unable to mount root|No working init|Requested init/ { over = 1 }

over { next }

# A complaint of the kernel is a failure of its own.
/^(WARNING|BUG|INFO: task|Oops|general protection|kernel BUG|possible recursive|inconsistent lock)/ ||
/^=+ ?BUG|BUG: KASAN|circular locking|unreferenced object|Call Trace:/ {
	if (complaint == "")
		complaint = (suite != "" ? suite ": " : "") $0
}

/Kernel panic/ {
	complaint = $0
}

/^KTAP version/ || /^TAP version/ {
	started = 1
	next
}

!started { next }

# Indent 4: suites. Indent 8: their cases. Deeper: parameters, part of a case.
/^1\.\.[0-9]+/ {
	planned = substr($0, 4) + 0
	next
}

/^    # Subtest: / {
	suite = substr($0, 16)
	in_suite = 0
	next
}

/^    1\.\.[0-9]+/ {
	suite_planned = substr($0, 8) + 0
	next
}

# "growth: CALL NUMBER CYCLES": what a call takes for each of NUMBER files or the like.
/^ *# [a-z0-9_]+: growth: / {
	if (!($4 in few)) {
		calls[++nr_calls] = $4
		few[$4] = $5
		cycles_few[$4] = $6
	}
	many[$4] = $5
	cycles_many[$4] = $6
	next
}

/^    (not )?ok [0-9]+/ {
	good = $1 == "ok"
	name = $0
	sub(/^ *(not )?ok [0-9]+ (- )?/, "", name)
	note = ""
	if (match(name, / *# */)) {
		directive = substr(name, RSTART + RLENGTH)
		name = substr(name, 1, RSTART - 1)
		if (directive ~ /^SKIP/)
			note = " # " directive
	}
	in_suite++
	result(good, suite "." name, note)
	next
}

/^(not )?ok [0-9]+/ {
	ended++
	if (in_suite != suite_planned)
		result(0, suite ".complete", " (" in_suite " of " suite_planned " cases)")
	suite = ""
	next
}

# A search through all there are gives a multiple, a tree some percent.
function judge_growth(	i, call)
{
	for (i = 1; i <= nr_calls; i++) {
		call = calls[i]
		result(cycles_few[call] > 0 && many[call] >= 4 * few[call] &&
		       cycles_many[call] <= 1.5 * cycles_few[call], "growth." call,
		       sprintf(" (%d instructions each of %d, %d each of %d)", cycles_few[call], few[call],
			       cycles_many[call], many[call]))
	}
}

END {
	if (counted && nr_calls)
		judge_growth()
	else if (counted)
		result(0, "growth.reported")
	result(started && planned > 0 && ended == planned, "console.complete",
	       started ? " (" ended " of " planned " suites ended)" : " (KUnit never started)")
	result(complaint == "", "console.clean", complaint != "" ? " (" complaint ")" : "")
	if (log_file != "" && (complaint != "" || ended != planned))
		print "# console: " log_file
	print "1.." nr
}
