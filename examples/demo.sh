#!/bin/bash
# demo.sh BUILD_DIR: the daemon at work. A private daemon, two echo servers, a load of 1,000
# connections, and what kyronctl says of it meanwhile; then servers whose sockets the daemon opens,
# killed while they serve, and servers that have no network at all. Everything is stopped again.
set -euo pipefail

connections=1000
round_trips=200
shown=12 # lines of the registrations
shared=200
shared_round_trips=300

[[ $# -eq 1 && -x $1/kyron-iod && -x $1/examples/echo_load ]] || {
        echo "usage: demo.sh BUILD_DIR, where everything is built" >&2
        exit 2
}
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=examples/demo_scene.sh
source "$here/demo_scene.sh"
# shellcheck source=examples/namespaces.sh
source "$here/namespaces.sh"

all_served() {
        [[ $(wc -l <"$directory/$1.out") -eq 3 ]]
}

# Both ends of a connection wait, but for UDP's: its servers have one socket each.
most_are_waiting() {
        [[ $(kyronctl --no-legend registrations | wc -l) -ge $((connections * 3 / 2)) ]]
}

start_server() {
        local name=$1 host=$2

        start "$name" "$build/examples/echo_server" --tcp "$host:0" --udp "$host:0" \
                --unix "$directory/$name.socket"
        await "$name" all_served "$name"
        echo "  $name, process ${started[$name]}, serves"
        sed 's/^/    /' "$directory/$name.out"
}

carries_all() {
        kyronctl groups --no-legend | awk -v all="$shared" \
                '$1 == "echo" { n += $7 } END { exit n < all }'
}

start_sharer() {
        start "$1" "$build/examples/echo_server" --via-daemon --keep-on-death --tcp 127.0.0.1:0
        await "$1" serves_tcp "$1"
}

# Not this user's own configuration.
export XDG_RUNTIME_DIR=$directory XDG_CONFIG_HOME=$directory
export KYRON_SOCKET=$directory/kyron-iod/socket
mkdir -m 700 "$directory/kyron-iod"
cat >"$directory/kyron-iod/kyron-iod.conf" <<END
policy "user:$EUID" {
        listen = {"tcp:127.0.0.1:*"}
        connect = {"tcp:127.0.0.1:*"}
        hold = {"echo"}
}
END

say "A private daemon"
start daemon "$build/kyron-iod" --user --foreground
await daemon daemon_answers
echo "  process ${started[daemon]}, socket $KYRON_SOCKET"

say "Two echo servers, which leave the waiting for all their sockets to it"
second_host=127.0.0.1
grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null && second_host='[::1]'
start_server server1 127.0.0.1
start_server server2 "$second_host"

say "A load of $connections connections over TCP, UDP and Unix, $round_trips round trips each"
targets=()
for server in server1 server2; do
        for protocol in tcp udp unix; do
                targets+=("--$protocol" "$(address_of "$server" "$protocol")")
        done
done
# It holds for a second when done, so that there is something to see on a fast machine too.
start load "$build/examples/echo_load" "${targets[@]}" --connections "$connections" \
        --round-trips "$round_trips" --hold 1
await load most_are_waiting

say "Meanwhile: kyronctl status"
kyronctl status
say "kyronctl sessions"
kyronctl sessions
say "kyronctl registrations"
kyronctl registrations >"$directory/registrations"
head -n "$shown" "$directory/registrations" | cut -c-80
echo "… $(($(wc -l <"$directory/registrations") - shown)) more"

finish load
say "What came of it; every byte was checked"
cat "$directory/load.out"
stop server1 || fail "server1 did not end well"
stop server2 || fail "server2 did not end well"

say "A listener of the daemon's, shared by two echo servers"
start_sharer sharer1
start_sharer sharer2
echo "  processes ${started[sharer1]} and ${started[sharer2]}, at $(address_of sharer1 tcp)"

say "A load of $shared connections through it; each server is killed -9 meanwhile"
start load "$build/examples/echo_load" --via-daemon --tcp "$(address_of sharer1 tcp)" \
        --connections "$shared" --round-trips "$shared_round_trips" --hold 2
await load carries_all
for name in sharer1 sharer2; do
        killed=${started[$name]}
        crash "$name"
        start_sharer "$name"
        echo "  process $killed is killed, process ${started[$name]} serves in its place"
done
await load carries_all

say "Meanwhile: kyronctl listeners"
kyronctl listeners
say "kyronctl groups"
kyronctl groups
finish load
say "What came of it: nothing was lost"
cat "$directory/load.out"

say "Who may: kyronctl policy test"
me=$(id -un)
for question in "$me tcp:127.0.0.1:7007" "$me tcp:192.0.2.1:443"; do
        echo "\$ kyronctl policy test $question"
        # shellcheck disable=SC2086 # two words
        kyronctl policy test $question || [[ $? -eq 4 ]] || fail "policy test does not work"
done

for name in sharer1 sharer2 daemon; do
        stop "$name" || fail "$name did not end well"
done

say "Servers without a network"
missing=$(namespaces_are_missing)
if [[ -n $missing ]]; then
        echo "  not shown: $missing"
else
        run_in_outer_namespace bash "$here/demo_namespaces.sh" "$build"
fi
say "All stopped."
