#!/bin/bash
# What kyronctl waits costs: so many system calls for each process with an epoll set, and so many for
# each socket; which does not change with how many there are.
set -u
# shellcheck source=tests/support/waits_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/waits_scene.sh"

processes=40 pairs=10
process_calls_max=140 # in two samples
socket_calls_max=3

# count: the system calls of a run, with those of its children.
count() {
        strace -f -c -o "$directory/calls" "$build/kyronctl" waits >"$directory/waits" 2>&1 ||
                fail "waits fails: $(cat "$directory/waits")"
        awk '$NF == "total" { print $4 }' "$directory/calls"
}

require_strace
none=$(count)
play crowd crowd "$processes" 0
some=$(count)
crash crowd
play crowd crowd "$processes" "$pairs"
connected=$(count)
sockets=$((processes * pairs * 2))
echo "$none calls; with $processes processes more $some; with $sockets sockets more $connected"
((some - none <= processes * process_calls_max)) ||
        fail "$(((some - none) / processes)) calls for a process"
((connected - some <= sockets * socket_calls_max)) ||
        fail "$(((connected - some) / sockets)) calls for a socket"
