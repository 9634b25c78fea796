# SPDX-License-Identifier: GPL-2.0-only
# For tests/scripts/completion: what an interactive zsh makes of words and a tab.
#
# usage: zsh -f tab.zsh DIRECTORY-OF-COMPLETIONS WORDS WANTED
#
# Prints what is on the screen once WANTED is; waits for it for ever.

zmodload zsh/zpty
zpty editor zsh -f -i
zpty -w editor "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D; PS1=READY"
# Typed, and then the prompt.
zpty -r -m editor line "*READY*READY*"
zpty -w -n editor $2$'\t'
zpty -r -m editor line "*$3*"
print -r -- $line
