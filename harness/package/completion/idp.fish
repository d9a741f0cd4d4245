# fish completion for idp. Commands and options come from its --help, so they are always those of this program.
function __idp_actions # of the command, where its action would stand
    set -l words (commandline -opc)
    test (count $words) -eq 2
    and idp $words[2] --help 2>/dev/null | string replace -rf "^.* idp $words[2] ([a-z]+) .*" '$1'
end
function __idp_options # of the command, or of its action
    set -l words (commandline -opc)
    idp (string match -v -- '-*' $words[2..3]) --help 2>/dev/null |
        string replace -rf '^  (?:-[a-z], )?(--[a-z-]+) *(.*)' '$1\t$2'
end
complete -c idp -n __fish_use_subcommand -f -a '(idp --help | string replace -rf "^  ([a-z]+) +(.*)" "\$1\t\$2")'
complete -c idp -n __fish_use_subcommand -l help
complete -c idp -n __fish_use_subcommand -l version
complete -c idp -n 'not string match -q -- "-*" (commandline -ct); and __idp_actions | string length -q' -f \
    -a '(__idp_actions)'
complete -c idp -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__idp_options)'
