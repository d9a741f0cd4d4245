#!/usr/bin/env zsh
# tests/install/complete.zsh SHARE LINE: what zsh offers after LINE, one a line. Completion runs in a line editor only:
# a zsh in a pseudo-terminal gets LINE and a tab, and there a compadd of ours writes down what the real one accepts.
zmodload zsh/zpty zsh/zselect || exit
export share=$1 folder=$(mktemp -d) TERM=vt100
trap 'rm -rf $folder' EXIT
>$folder/setup <<'SETUP' cat
fpath=($share/zsh/site-functions $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    local -a accepted
    if [[ ${@[1,(i)(-|--)]} != *-[OAD]\ * ]]; then # those only filter
        builtin compadd -O accepted "$@"
        print -rl -- $accepted >>$folder/offered
    fi
    builtin compadd "$@"
}
ended() : >$folder/ended
comppostfuncs=(ended)
ready() : >$folder/ready
zle -N zle-line-init ready
bindkey '^I' complete-word
SETUP

await() { # FILE: at most ten seconds
    for ((n = 0; n < 1000; n++)); do
        if [[ -e $folder/$1 ]]; then return; fi
        zselect -t 1
    done
    print "zsh: not $1 after ten seconds"
    zpty -r -t inner screen && print -r -- $screen
    exit 1
}

zpty inner exec zsh -f -i # exec: a shell in between would run our trap too
zpty -w inner 'source $folder/setup'
await ready
zpty -w -n inner "$2"$'\t'
await ended
zpty -d inner
if [[ -e $folder/offered ]]; then sed '/^$/d' $folder/offered; fi
