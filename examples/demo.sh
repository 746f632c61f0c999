#!/bin/bash
# demo.sh BUILD_DIR: the daemon at work. A private daemon, two echo servers, a load of 1,000
# connections, and what kyronctl says of it meanwhile; then everything is stopped again.
set -euo pipefail

connections=1000
round_trips=200
shown=12 # lines of the registrations
patience=20

[[ $# -eq 1 && -x $1/kyron-iod && -x $1/examples/echo_load ]] || {
        echo "usage: demo.sh BUILD_DIR, where everything is built" >&2
        exit 2
}
build=$(cd "$1" && pwd)
# Not under TMPDIR: a socket's path has at most 107 bytes.
directory=$(mktemp -d /tmp/kyron-demo.XXXXXX)
declare -A started=() # name: process id

stop() {
        local pid=${started[$1]}

        unset "started[$1]"
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid"
}

clean_up() {
        local name

        for name in "${!started[@]}"; do
                stop "$name" || true
        done
        rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

bold='' plain=''
if [[ -t 1 ]]; then
        bold=$'\e[1m' plain=$'\e[0m'
fi

say() {
        printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

fail() {
        local log

        echo "demo: $*" >&2
        for log in "$directory"/*.log; do
                [[ -s $log ]] && sed "s|^|${log##*/}: |" "$log" >&2
        done
        exit 1
}

# start NAME PROGRAM [ARGUMENT…]: in the background, its words in NAME.log, its output in NAME.out.
start() {
        local name=$1
        shift

        : >"$directory/$name.out"
        "$@" >>"$directory/$name.out" 2>"$directory/$name.log" &
        started[$name]=$!
}

# await NAME CONDITION…: until the condition holds, while NAME runs, as long as patience lasts.
await() {
        local name=$1 deadline=$((SECONDS + patience))
        shift

        until "$@"; do
                kill -0 "${started[$name]}" 2>/dev/null || fail "$name has ended too early"
                ((SECONDS < deadline)) || fail "$name: no \"$*\" within $patience s"
                sleep 0.02
        done
}

kyronctl() {
        "$build/kyronctl" "$@"
}

daemon_answers() {
        kyronctl status >/dev/null 2>&1
}

# Where a server listens by that protocol.
address_of() {
        sed -n "s/^$2 //p" "$directory/$1.out"
}

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
        printf '  %s, process %s, serves ' "$name" "${started[$name]}"
        paste -sd, "$directory/$name.out" | sed 's/,/, /g'
}

export XDG_RUNTIME_DIR=$directory KYRON_SOCKET=$directory/kyron-iod/socket

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
head -n "$shown" "$directory/registrations"
echo "… $(($(wc -l <"$directory/registrations") - shown)) more"

load=${started[load]}
unset "started[load]"
wait "$load" || fail "the load did not get through: $(cat "$directory/load.out")"
say "What came of it; every byte was checked"
cat "$directory/load.out"

for name in server1 server2 daemon; do
        stop "$name" || fail "$name did not end well"
done
say "All stopped."
