#!/bin/bash
# What an event costs once everything is under way. For each packet of events the daemon waits, looks
# into the session's set and sends; the client waits and receives; and the program does its own input
# and output. Not one more system call on either side, and no allocation, with one connection and with
# fifty.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

library=$build/tests/support/.libs/libfailing_malloc.so
packets=400
trace=$directory/trace
connections=0
# Who polls waits more often, which is the point of it.
export KYRON_BUSY_POLL_US=0
# It is the relay that is counted.
export KYRON_DELIVERY=relayed
# Whoever looks whether the daemon lives puts off its timer some times a second.
export KYRON_ALIVE_MS=-1

# start_counted NAME PROGRAM [ARGUMENT…]: its allocations are counted.
start_counted() {
        local control=$directory/$1.malloc name=$1
        shift

        "$build/tests/support/fault_scene" allocations "$control" 0 0 1
        start "$name" env FAILING_MALLOC="$control" LD_PRELOAD="$library" "$@"
}

# Of both so far.
allocations() {
        "$build/tests/support/fault_scene" allocations "$directory/daemon.malloc"
        "$build/tests/support/fault_scene" allocations "$directory/server.malloc"
}

serves() {
        [[ -n $(address_of server tcp) ]]
}

serves_connections() {
        [[ $("$build/kyronctl" registrations --no-legend | grep -c ours_echo) -ge $connections ]]
}

is_attached() {
        [[ $(grep -c ' attached' "$directory/strace.log") -ge 2 ]]
}

has_seen_enough() {
        [[ $(count daemon sendmsg) -ge $packets ]]
}

# calls NAME: each system call that it began, with the time, while both were traced: strace attaches
# to one after the other, and lets go of them likewise.
calls() {
        sed -nE "s/^${started[$1]} +([0-9.]+) ([a-z0-9_]+)\(.*/\1 \2/p" "$trace" |
                awk -v from="$from" -v until="$until" '$1 >= from && $1 <= until'
}

set_window() {
        read -r from until < <({
                calls daemon
                echo
                calls server
        } | awk 'NF == 0 { from = first; until = last; first = 0; next }
                 !first { first = $1 }
                 { last = $1 }
                 END { print (first > from ? first : from), (last < until ? last : until) }' \
                OFMT=%.6f)
}

# count NAME CALL
count() {
        calls "$1" | grep -cE " ($2)$"
}

# holds WHAT COUNT LEAST MOST
holds() {
        [[ $2 -ge $3 && $2 -le $4 ]] ||
                fail "$connections connections, $sent packets: $1: $2 times, not $3 to $4"
}

# check_others NAME CALLS: its loop makes no others than these, so that it wakes no other thread either.
check_others() {
        local others

        others=$(calls "$1" | grep -vE " ($2)$" | cut -d' ' -f2 | sort | uniq -c)
        [[ -z $others ]] || fail "$connections connections: the $1's calls, besides: $others"
}

trace_load() {
        local before after

        : >"$trace"
        from=0 until=9999999999
        start load "$build/bench/load" --tcp "$(address_of server tcp)" \
                --connections "$connections" --size 64 --warm-up 500 --time 60000
        await load serves_connections
        start strace strace -f -ttt -o "$trace" -p "${started[daemon]}" -p "${started[server]}"
        await strace is_attached
        before=$(allocations)
        await strace has_seen_enough
        after=$(allocations)
        kill -INT "${started[strace]}"
        wait "${started[strace]}"
        unset "started[strace]"
        set_window
        crash load
        [[ $before == "$after" ]] ||
                fail "$connections connections: allocations of daemon and client were $before and are $after"
}

# What began before it was traced, or has not ended, is one of each more or less; and the client may
# have packets still to receive. Under a load such as this the daemon looks every 10 ms how it is to be
# scheduled (daemon/process/scheduling.h).
check_trace() {
        local sent received events windows

        sent=$(count daemon sendmsg)
        received=$(count server recvmsg)
        events=$(count server read)
        windows=$(calls daemon | awk 'NR == 1 { from = $1 } { to = $1 }
                                      END { printf "%d", (to - from) * 100 }')
        check_others daemon "epoll_wait|sendmsg|pread64|sched_getattr|sched_setattr"
        check_others server "epoll_wait|recvmsg|read|write"
        holds "the daemon's waits and looks" "$(count daemon epoll_wait)" "$sent" $((2 * sent + 4))
        holds "the daemon's looks at its scheduling" "$(count daemon 'pread64|sched_[gs]etattr')" \
                0 $((3 * windows + 3))
        holds "the client's receiving" "$received" $((sent / 2)) $((sent + 2))
        holds "its waits" "$(count server epoll_wait)" $((received - 2)) $((received + 2))
        holds "the program's reading" "$events" $((received - 2)) $((received * connections + 2))
        holds "its writing" "$(count server write)" $((events - 2)) $((events + 2))
        echo "$connections connections: $sent packets, $events events," \
                "$(count daemon epoll_wait) waits and looks of the daemon's"
}

require_strace
[[ -e $library ]] || skip "there is no $library: built without shared libraries"
start_counted daemon "$build/kyron-iod" --foreground --log-level warning --socket "$KYRON_SOCKET"
await daemon daemon_answers
start_counted server "$build/bench/ours_echo"
await server serves
for connections in 1 50; do
        trace_load
        check_trace
done
