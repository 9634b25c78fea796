# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# What the scripts share: messages, the lock, progress of long steps, apt with a
# state of its own.  Sourced; it starts nothing by itself.

set -eEuo pipefail
export LC_ALL=C

prog=scripts/${0##*/}
top=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
build=${FLBENCH_BUILD:-$top/build}
logs=$build/logs
jobs=$(nproc 2>/dev/null || echo 1)
child=

# Bad input or a machine that is not ready: one line, nothing was changed.
usage_error()
{
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 2
}

# A step that failed on the way.
fail()
{
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 1
}

info()
{
	printf '%s\n' "$*" >&2
}

# The kernel's makefiles know neither blanks nor colons in a path.
check_paths()
{
	local dir

	for dir in "$top" "$build"; do
		case $dir in
		*[[:space:]:]*)
			usage_error "'$dir': the kernel cannot be built below a path with a blank or a colon: use another directory"
			;;
		esac
	done
}

# Kill the group of what start() has started, and wait for it.
stop_child()
{
	if [ -n "$child" ]; then
		kill -TERM -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
		child=
	fi
}

on_signal()
{
	trap - INT TERM HUP EXIT
	stop_child
	cleanup
	exit "$1"
}

on_exit()
{
	local rc=$?

	trap - EXIT
	stop_child
	cleanup
	exit "$rc"
}

# A command that nobody expected to fail must not end a script without a word.
on_error()
{
	if [ "$BASH_SUBSHELL" = 0 ]; then
		info "$prog: $2 line $3: a command failed, status $1"
	fi
}

# For a script to redefine.
cleanup() { :; }

trap 'on_signal 130' INT
trap 'on_signal 143' TERM
trap 'on_signal 129' HUP
trap on_exit EXIT
trap 'on_error $? "${BASH_SOURCE[0]##*/}" "$LINENO"' ERR

# start LOG COMMAND...: in the background, in a process group of its own, so that
# a signal to us alone still ends all of it.
start()
{
	local log=$1

	shift
	mkdir -p "${log%/*}"
	setsid "$@" </dev/null >>"$log" 2>&1 &
	child=$!
}

duration()
{
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# progress TEXT: one line that refreshes on a terminal, else a line every 20 s.
progress_last=0
progress()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$1" >&2
	elif [ $((SECONDS - progress_last)) -ge 20 ]; then
		printf '%s\n' "$1" >&2
		progress_last=$SECONDS
	fi
}

progress_end()
{
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
	info "$1"
}

# step TEXT LOG COMMAND...: run a long command, show that it lives; on failure the
# log's end.  An optional function count_done prints "DONE TOTAL".
step()
{
	local text=$1 log=$2 began=$SECONDS rc=0 count left line

	shift 2
	progress_last=$SECONDS
	start "$log" "$@"
	while kill -0 "$child" 2>/dev/null; do
		sleep 0.5
		line="$text: $(duration $((SECONDS - began)))"
		if [ -n "${step_count:-}" ]; then
			read -r -a count <<<"$($step_count)"
			if [ "${count[1]}" -gt "${count[0]}" ] && [ "${count[2]}" -gt 0 ]; then
				left=$(((SECONDS - began) * (count[1] - count[0]) / count[2]))
				line="$text: ${count[0]}/${count[1]} objects, about $(duration $left) left"
			else
				line="$text: ${count[2]} objects, $(duration $((SECONDS - began)))"
			fi
		fi
		progress "$line"
	done
	wait "$child" || rc=$?
	child=
	if [ "$rc" -ne 0 ]; then
		progress_end "$text: failed after $(duration $((SECONDS - began))); end of $log:"
		tail -n 25 "$log" >&2
		return "$rc"
	fi
	progress_end "$text: done in $(duration $((SECONDS - began)))"
}

# One run at a time changes the build directory.
take_lock()
{
	if [ -n "${FLBENCH_LOCKED:-}" ]; then
		return
	fi
	mkdir -p "$build"
	exec {lock_fd}>"$build/.lock"
	if ! flock -n "$lock_fd"; then
		info "$prog: waiting for another run that uses $build"
		flock -w 7200 "$lock_fd" || fail "$build: still in use after two hours: end the other run, or set FLBENCH_BUILD"
	fi
	export FLBENCH_LOCKED=$lock_fd
}

drop_lock()
{
	if [ -n "${lock_fd:-}" ]; then
		exec {lock_fd}>&-
		unset lock_fd FLBENCH_LOCKED
	fi
}

# --- apt with a state of its own: the system's sources and lists stay as they are.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# os_release KEY: a value of /etc/os-release.
os_release()
{
	sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" /etc/os-release
}

# The mirror that this machine uses for Debian itself (not for security updates).
debian_mirror()
{
	local codename

	codename=$(os_release VERSION_CODENAME)
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(CODENAME) $(LABEL) $(REPO_URI)' 2>/dev/null |
		awk -v codename="$codename" '$1 == codename && $2 == "Debian" { print $3; exit }'
}

# apt_state DIR SUITE [all|source]: prepare DIR with SUITE as the only source, with
# "all" beside the system's own, with "source" for source packages.  Sets the array
# apt_options.
apt_state()
{
	local dir=$1 suite=$2 what=${3:-} kind=deb mirror

	[ -r "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
	mirror=$(debian_mirror)
	if [ -z "$mirror" ]; then
		# No package lists yet: what a fresh container looks like.
		[ "$(id -u)" = 0 ] && apt_retry update >/dev/null 2>&1
		mirror=$(debian_mirror)
	fi
	[ -n "$mirror" ] || fail "apt knows no Debian mirror for this release: run apt-get update as root, then again"

	rm -rf "$dir/sources" && mkdir -p "$dir/sources" "$dir/lists/partial" "$dir/archives/partial"
	# apt downloads as the user _apt, which must be able to enter; "_apt" may
	# not reach a private home, then apt itself falls back to the caller.
	if [ "$what" = all ]; then
		cp /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources "$dir/sources/" 2>/dev/null || true
		if [ -s /etc/apt/sources.list ]; then
			cp /etc/apt/sources.list "$dir/sources/system.list"
		fi
	fi
	if [ "$what" = source ]; then
		kind=deb-src
	fi
	printf '%s [signed-by=%s] %s %s main\n' "$kind" "$keyring" "$mirror" "$suite" >"$dir/sources/flbench.list"
	apt_options=(
		-o "Dir::Etc::sourcelist=/dev/null"
		-o "Dir::Etc::sourceparts=$dir/sources"
		-o "Dir::State::lists=$dir/lists"
		-o "Dir::Cache::pkgcache="
		-o "Dir::Cache::srcpkgcache="
		-o "APT::Get::List-Cleanup=0"
		-o "Acquire::Languages=none"
		-o "Acquire::AllowInsecureRepositories=false"
		-o "APT::Get::AllowUnauthenticated=false"
	)
	if [ "$(id -u)" != 0 ]; then
		apt_options+=(-o "Dir::Cache::archives=$dir/archives" -o "APT::Sandbox::User=$(id -un)" -o "Debug::NoLocking=1")
	fi
}

# apt-get, again when the network or another apt is in the way; never for ever.
apt_retry()
{
	local try

	for try in 1 2 3; do
		if apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"; then
			return 0
		fi
		if [ "$try" -lt 3 ]; then
			sleep $((try * 10))
		fi
	done
	return 1
}
