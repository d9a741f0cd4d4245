# fish completion for idp. Commands and options come from its --help, so they are always those of this program.
complete -c idp -n __fish_use_subcommand -f -a '(idp --help | string replace -rf "^  ([a-z]+) +(.*)" "\$1\t\$2")'
complete -c idp -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f \
    -a '(idp (commandline -opc)[2] --help | string replace -rf "^  (?:-[a-z], )?(--[a-z-]+) *(.*)" "\$1\t\$2")'
