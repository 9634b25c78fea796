# SPDX-License-Identifier: GPL-2.0-only
# For tests/scripts/completion: what zsh offers for the last of some words, a line each.
#
# usage: zsh -f complete.zsh COMPLETION PROGRAM WORD...
#
# zsh calls a completion in its line editor only. Here its builtins are replaced by
# functions that print what they are given, as far as it begins with what was typed.

typeset -a words
words=("${@[2,-1]}")
CURRENT=$#words
PREFIX=$words[CURRENT]
kept=

compdef() { : }

compadd()
{
	local word

	for word in ${(P)2}; do
		[[ $word != ${(b)PREFIX}* ]] || print -r -- $kept$word
	done
}

# Only what stands in front of a value of a list is part of what bash offers.
compset()
{
	case $2 in
	'*=')	PREFIX=${PREFIX#*=} ;;
	'*,')
		if [[ $PREFIX == *,* ]]; then
			kept=${PREFIX%,*},
			PREFIX=${PREFIX##*,}
		fi
		;;
	*)	print -u 2 "compset $*: not known here"; exit 1 ;;
	esac
}

_files()
{
	local -a found

	if [[ ${1-} == -/ ]]; then
		found=(${PREFIX}*(N/))
	else
		found=(${PREFIX}*(N))
	fi
	compadd -a found
}

. $1
_flbench | sort -u
