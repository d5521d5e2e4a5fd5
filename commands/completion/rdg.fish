# Completion of rdg for fish, made by "rdg completion fish".
function __rdg_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l program $typed[1]
    set -e typed[1]
    set -l lines ($program completion words -- $typed "$current" 2>/dev/null)
    set -l then $lines[-1]
    set -e lines[-1]
    for line in $lines
        echo $line
    end
    switch "$then"
        case ':files'
            __fish_complete_path "$current"
        case ':folders'
            __fish_complete_directories "$current"
        case ':command *'
            for skipped in (seq (string replace ':command ' '' -- $then))
                set -e typed[1]
            end
            complete -C (string join ' ' -- (string escape -- $typed) "$current")
    end
end
complete -c rdg -f -a '(__rdg_complete)'
