#!/bin/bash
# With 1,000 registrations and nothing to do, nobody does anything: no system call and no wakeup in
# ten seconds, neither in the daemon nor in its clients.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

seconds=10
connections=1000
trace=$directory/trace

# The server waits on every connection; the load only where an answer did not come at once.
waiting_connections() {
        [[ $("$build/kyronctl" registrations --no-legend | grep -c echo_server) -ge $connections ]]
}

# When each thread of the daemon and of its clients has left the processor of its own accord.
wakeups() {
        local pid

        for pid in "${started[daemon]}" "$server" "${started[load]}"; do
                grep -H voluntary_ctxt_switches /proc/"$pid"/task/*/status
        done | grep -v nonvoluntary
}

# For longer than a client waits before it asks whether the daemon lives.
is_at_rest() {
        local before

        before=$(wakeups)
        sleep 3
        [[ -n $before && $before == "$(wakeups)" ]]
}

is_attached() {
        [[ $(grep -c ' attached' "$directory/strace.log") -ge 3 ]]
}

# shellcheck disable=SC2016 # for the inner shell
run_server() {
        exec sh -c 'echo $$ >"$0/server.pid"; exec "$@"' "$directory" "$@"
}

require_strace
# shellcheck disable=SC2119
start_daemon
start server run_server "$build/examples/echo_server" --tcp 127.0.0.1:0 --udp 127.0.0.1:0 \
        --unix "$directory/echo"
await server serves_all server
server=$(cat "$directory/server.pid")
start load "$build/examples/echo_load" --tcp "$(address_of server tcp)" \
        --connections "$connections" --round-trips 2 --hold 60
await load waiting_connections
registrations=$("$build/kyronctl" registrations --no-legend | wc -l)

start strace strace -f -ttt -o "$trace" -p "${started[daemon]}" -p "$server" -p "${started[load]}"
await strace is_attached
# Being attached to interrupts a wait once, and what was begun may take its time.
await strace is_at_rest
from=$(date +%s.%N)
before=$(wakeups)
sleep "$seconds"
after=$(wakeups)
until=$(date +%s.%N)
kill -INT "${started[strace]}"
wait "${started[strace]}"
unset "started[strace]"

calls=$(awk -v from="$from" -v until="$until" '$2 >= from && $2 <= until' "$trace")
[[ -z $calls ]] || fail "system calls within $seconds s of idleness:
$calls"
[[ -n $before && $before == "$after" ]] || fail "wakeups within $seconds s of idleness:
$(diff <(echo "$before") <(echo "$after"))"
echo "$registrations registrations, $(wc -l <<<"$before") threads, $seconds s:" \
        "no system call and no wakeup"
kill -KILL "${started[load]}"
wait "${started[load]}" 2>/dev/null
unset "started[load]"
stop server
stop daemon
