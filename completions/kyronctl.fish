# fish completion for kyronctl(1)

# One column of what the daemon has, if it answers.
function __kyronctl_column
        command kyronctl --no-legend $argv[2] 2>/dev/null | string trim | string replace -ra ' +' ' ' |
                string split -f $argv[1] ' '
end

complete -c kyronctl -f

complete -c kyronctl -n __fish_use_subcommand -a status -d 'the daemon at a glance'
complete -c kyronctl -n __fish_use_subcommand -a sessions -d 'the processes that are connected'
complete -c kyronctl -n __fish_use_subcommand -a registrations -d 'what they wait for'
complete -c kyronctl -n __fish_use_subcommand -a listeners -d 'what is listened on'
complete -c kyronctl -n __fish_use_subcommand -a groups -d 'the workers that serve it'
complete -c kyronctl -n __fish_use_subcommand -a holds -d 'the descriptors that are held under a name'
complete -c kyronctl -n __fish_use_subcommand -a policy -d 'the policies in force; whether a user may'
complete -c kyronctl -n __fish_use_subcommand -a users -d 'what each user has of what it may have'
complete -c kyronctl -n __fish_use_subcommand -a show -d 'all there is of one session'
complete -c kyronctl -n __fish_use_subcommand -a doctor -d 'whether what is installed and runs here is sound'
complete -c kyronctl -n __fish_use_subcommand -a version -d 'the releases of kyronctl and of the daemon'
complete -c kyronctl -n __fish_use_subcommand -a waits -d 'processes with a wait to worry about'
complete -c kyronctl -n __fish_use_subcommand -a why -d 'what is wrong there, in sentences'
complete -c kyronctl -n __fish_use_subcommand -a monitor -d 'a line for whatever begins, ends or goes wrong'
complete -c kyronctl -n __fish_use_subcommand -a metrics -d 'what the daemon counts, for Prometheus'
complete -c kyronctl -n __fish_use_subcommand -a top -d 'waits again and again, on the whole screen'
complete -c kyronctl -n __fish_use_subcommand -a pause -d 'accept nothing'
complete -c kyronctl -n __fish_use_subcommand -a resume -d 'accept again'
complete -c kyronctl -n __fish_use_subcommand -a drain -d 'give a worker no more connections'
complete -c kyronctl -n __fish_use_subcommand -a end -d 'end a session'
complete -c kyronctl -n __fish_use_subcommand -a close -d "close a client's listener"
complete -c kyronctl -n __fish_use_subcommand -a reload -d 'have the daemon read its configuration again'

complete -c kyronctl -n '__fish_seen_subcommand_from sessions registrations listeners groups holds waits top' -l user -x -a '(__fish_complete_users)' -d "only what is this user's"
complete -c kyronctl -n '__fish_seen_subcommand_from sessions registrations groups holds waits top' -l pid -x -a '(__fish_complete_pids)' -d "only what is this process's"
complete -c kyronctl -n '__fish_seen_subcommand_from registrations listeners holds waits' -l port -x -d "only what has this port, at either end"
complete -c kyronctl -n '__fish_seen_subcommand_from sessions registrations listeners groups holds waits top users' -l sort -x -d "sort a table"
complete -c kyronctl -n '__fish_seen_subcommand_from top' -s d -l delay -x -d "how long between two looks"
complete -c kyronctl -n '__fish_seen_subcommand_from top' -s b -l batch -d "print each look, and read no keys"
complete -c kyronctl -n '__fish_seen_subcommand_from top' -s n -l count -x -d "end after so many looks"
complete -c kyronctl -n '__fish_seen_subcommand_from sessions registrations listeners groups holds waits top users' -s w -l wide -d "cut nothing, and leave no column out"
complete -c kyronctl -n '__fish_seen_subcommand_from registrations' -l session -x -a '(__kyronctl_column 1 sessions)' -d "only what is this session's"
complete -c kyronctl -n '__fish_seen_subcommand_from drain monitor' -l timeout -x -d "for how long"
complete -c kyronctl -n '__fish_seen_subcommand_from drain' -l undo -d "give a drained worker connections again"
complete -c kyronctl -n '__fish_seen_subcommand_from pause resume close' -l of -x -a '(__fish_complete_users)' -d "whose listener"
complete -c kyronctl -n '__fish_seen_subcommand_from waits users' -l all -d "also those with nothing to worry about"
complete -c kyronctl -n '__fish_seen_subcommand_from monitor' -l no-waits -d "leave out what is wrong with processes' waits"
complete -c kyronctl -n '__fish_seen_subcommand_from waits why monitor top' -l large -d "read also what is large"
complete -c kyronctl -l json -d "JSON for programs"
complete -c kyronctl -l no-legend -d "tables without headings"
complete -c kyronctl -l socket -r -F -d "the daemon's socket"
complete -c kyronctl -l private -d "your private daemon"
complete -c kyronctl -s h -l help -d "what goes with a verb"
complete -c kyronctl -l version -d "the release of kyronctl"

complete -c kyronctl -n '__fish_seen_subcommand_from pause resume close' -a '(__kyronctl_column 1 listeners)'
complete -c kyronctl -n '__fish_seen_subcommand_from drain' -a '(__kyronctl_column 2 groups)'
complete -c kyronctl -n '__fish_seen_subcommand_from show end' -a '(__kyronctl_column 1 sessions)'
complete -c kyronctl -n '__fish_seen_subcommand_from why' -a '(__kyronctl_column 2 sessions)'
complete -c kyronctl -n '__fish_seen_subcommand_from waits' -a '(__fish_complete_users)'
complete -c kyronctl -n '__fish_seen_subcommand_from policy' -a 'test list'
complete -c kyronctl -n '__fish_seen_subcommand_from monitor' \
        -a 'session refusal failure listener worker delivery outage policy wait'
