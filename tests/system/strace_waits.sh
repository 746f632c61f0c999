#!/bin/bash
# An echo server on the library waits for none of its own sockets: traced while it serves TCP, UDP
# and Unix connections, its only wait is the handle's, for the daemon, its own unparker and its timer.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

waits=epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll,select,pselect6,io_uring_setup
calls=connect,accept4,eventfd2,timerfd_create,epoll_create,epoll_create1,epoll_ctl,$waits
trace=$directory/trace
# Who is direct waits for them all in the handle's set.
export KYRON_DELIVERY=relayed

# calls_of NAME: lines of the trace, without the process id.
calls_of() {
        grep -E "^[0-9]+ +($1)\(" "$trace" | sed -E 's/^[0-9]+ +//'
}

# But for those that the architecture does not have.
# shellcheck disable=SC2016 # for the inner shell
trace_server() {
        exec strace -f -o "$trace" -e trace="?${calls//,/,?}" \
                sh -c 'echo $$ >"$0/server.pid"; exec "$@"' "$directory" "$@"
}

require_strace
# shellcheck disable=SC2119
start_daemon
start server trace_server "$build/examples/echo_server" --tcp 127.0.0.1:0 --udp 127.0.0.1:0 \
        --unix "$directory/echo"
await server serves_all server

"$build/examples/echo_load" --tcp "$(address_of server tcp)" --udp "$(address_of server udp)" \
        --unix "$(address_of server unix)" --connections 60 --round-trips 100 >"$directory/load.out" ||
        fail "the load did not get through: $(cat "$directory/load.out")"
kill -TERM "$(cat "$directory/server.pid")"
wait "${started[server]}" || fail "the server ended with status $?"
unset "started[server]"

# Those and nothing else are in the set that the handle makes.
daemon_fd=$(calls_of connect | sed -nE "s|^connect\(([0-9]+), .*\"$KYRON_SOCKET\".*= 0\$|\1|p")
unparker_fd=$(calls_of eventfd2 | sed -nE 's/.* = ([0-9]+)$/\1/p')
# The first is the handle's.
timer_fd=$(calls_of timerfd_create | sed -nE 's/.* = ([0-9]+)$/\1/p' | head -n 1)
set_fd=$(calls_of 'epoll_create1?' | sed -nE 's/.* = ([0-9]+)$/\1/p')
[[ $daemon_fd =~ ^[0-9]+$ ]] || fail "it connected to the daemon not once: \"$daemon_fd\""
[[ $unparker_fd =~ ^[0-9]+$ ]] || fail "it made not one eventfd: \"$unparker_fd\""
[[ $timer_fd =~ ^[0-9]+$ ]] || fail "it made no timer: \"$timer_fd\""
[[ $set_fd =~ ^[0-9]+$ ]] || fail "it made not one epoll set: \"$set_fd\""

connections=$(calls_of accept4 | grep -c ' = [0-9]')
[[ $connections -ge 40 ]] || fail "it accepted $connections connections only"

added=$(calls_of epoll_ctl | sed -nE "s/^epoll_ctl\($set_fd, EPOLL_CTL_ADD, ([0-9]+),.*/\1/p" | sort -n | xargs)
expected=$(printf '%s\n' "$daemon_fd" "$unparker_fd" "$timer_fd" | sort -n | xargs)
[[ $added == "$expected" ]] ||
        fail "in the handle's set are \"$added\", not the daemon's socket, the unparker and the timer, \"$expected\""
others=$(calls_of epoll_ctl | grep -cv "^epoll_ctl($set_fd, EPOLL_CTL_[A-Z]*, \($daemon_fd\|$unparker_fd\|$timer_fd\),")
[[ $others -eq 0 ]] || fail "$(calls_of epoll_ctl)"

# Opening waits for the Welcome, in poll(); nothing else does.
others=$(calls_of "${waits//,/|}" | grep -v "^epoll_p\?wait2\?($set_fd," |
        grep -v "^p\?poll(\[{fd=$daemon_fd, events=POLLIN}\], 1,")
[[ -z $others ]] || fail "it waits by itself:
$others"
echo "$connections connections accepted, $(calls_of 'epoll_p?wait2?' | wc -l) waits for the handle's" \
        "set of descriptors $added, and no other"
stop daemon
