# bash completion for idp. Commands and options come from its --help, so they are always those of this program.
_idp() {
    local idp=${COMP_WORDS[0]} command=${COMP_WORDS[1]} action=${COMP_WORDS[2]} word=${COMP_WORDS[COMP_CWORD]} words=
    [[ $COMP_CWORD -gt 2 && $action != -* ]] || action=
    if ((COMP_CWORD == 1)); then
        words="$("$idp" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') --help --version"
    elif [[ $word == -* ]]; then
        words="$("$idp" "$command" ${action:+"$action"} --help 2>/dev/null |
            sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p') --help"
    elif ((COMP_CWORD == 2)); then
        words=$("$idp" "$command" --help 2>/dev/null | sed -n "s/^.* idp $command \([a-z]*\) .*/\1/p")
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _idp idp
