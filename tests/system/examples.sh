#!/bin/bash
# Each example with its sockets from the daemon: first_worker, and echo_server and echo_load with
# --via-daemon; and echo_server with --keep-on-death, whose clients notice nothing of its being
# killed over and over.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

kills_at_least=6

# serves_with LISTENER N: so many workers are in its group.
serves_with() {
        [[ $("$build/kyronctl" groups --no-legend | grep -c "^$1 ") -eq $2 ]]
}

serves_tcp_and_udp() {
        [[ $(grep -c . "$directory/$1.out") -eq 2 ]]
}

# What a worker says to who connects to the listener.
greeting() {
        local host=${web%:*} port=${web##*:} line='' client

        exec {client}<>"/dev/tcp/$host/$port" || fail "cannot connect to $web"
        read -r -t "$patience" line <&"$client"
        exec {client}<&-
        echo "$line"
}

start_worker() {
        start "$1" "$build/examples/first_worker"
        await "$1" serves_with web "$2"
}

start_echo() {
        start "$1" "$build/examples/echo_server" --via-daemon --keep-on-death --tcp 127.0.0.1:0 \
                --udp 127.0.0.1:0
        await "$1" serves_tcp_and_udp "$1"
}

load_runs() {
        kill -0 "${started[load]}" 2>/dev/null
}

load_is_served_or_over() {
        "$build/kyronctl" groups --no-legend | awk '$1 == "echo" { n += $7 } END { exit n < 100 }' ||
                ! load_runs
}

# load_gets_through N: with so many round trips, and no error.
load_gets_through() {
        local load=${started[load]}

        unset "started[load]"
        wait "$load" || fail "the load did not get through: $(cat "$directory/load.out")"
        [[ $(awk '$1 == "total" { print $3 }' "$directory/load.out") -eq $1 ]] ||
                fail "not $1 round trips: $(cat "$directory/load.out")"
}

# kill_servers_in_turn: while the load runs, each of two at a time that the other serves.
kill_servers_in_turn() {
        local name=server1

        while load_runs; do
                crash "$name"
                kills=$((kills + 1))
                start_echo "$name"
                [[ $name == server1 ]] && name=server2 || name=server1
        done
}

# run_under_kills ROUND-TRIPS SIZE: as many loads as it takes for so many kills. How many happen
# during one is the machine's business.
run_under_kills() {
        local loads=0 deadline=$((SECONDS + 120))

        kills=0
        while [[ $kills -lt $kills_at_least ]]; do
                ((SECONDS < deadline)) || fail "$loads loads took but $kills kills"
                start load "$build/examples/echo_load" --via-daemon --tcp "$echo" \
                        --connections 100 --round-trips "$1" --size "$2" --deadline 60
                until load_is_served_or_over; do
                        sleep 0.02
                done
                kill_servers_in_turn
                load_gets_through $((100 * $1))
                loads=$((loads + 1))
        done
        echo "$kills kills in $loads loads of $((100 * $1)) round trips of $2 bytes"
}

cat >"$directory/kyron-iod.conf" <<END
listener "web" {
        address = "tcp:127.0.0.1:0"
}
policy "user:$(id -u)" {
        listen = {"tcp:127.0.0.1:*"}
        connect = {"tcp:127.0.0.1:*"}
        bind = {"udp:127.0.0.1:*"}
        serve = {"web"}
        hold = {"*"}
}
END
start_daemon --log-level info --config "$directory/kyron-iod.conf"

# first_worker: one of two dies, then both, and whoever connects then waits for the next.
start_worker worker1 1
# The listeners of the configuration are shown to root and the admin group only.
web=$(sed -nE 's/.*listener web.* tcp:(127\.0\.0\.1:[0-9]+).*/\1/p' "$directory/daemon.log" | head -n1)
[[ -n $web ]] || fail "the daemon does not say where it listens"
start_worker worker2 2
for _ in 1 2; do
        [[ $(greeting) == hello ]] || fail "no greeting of two workers"
done
crash worker1
[[ $(greeting) == hello ]] || fail "no greeting of the worker that is left"
crash worker2
await daemon serves_with web 0
greeting >"$directory/late" &
late=$!
start_worker worker3 1
wait "$late"
[[ $(cat "$directory/late") == hello ]] || fail "no greeting of the worker that came late"
crash worker3

# echo_server and echo_load.
start_echo server1
echo=$(address_of server1 tcp)
start_echo server2
[[ $(address_of server2 tcp) == "$echo" ]] || fail "they do not share $echo"
start load "$build/examples/echo_load" --via-daemon --tcp "$echo" \
        --udp "$(address_of server1 udp)" --udp "$(address_of server2 udp)" --connections 90 \
        --round-trips 50 --processes 2
load_gets_through 9000
run_under_kills 400 64
run_under_kills 80 50000

# What does not go together is said.
"$build/examples/echo_server" --keep-on-death --tcp 127.0.0.1:0 >"$directory/usage" 2>&1
[[ $? -eq 2 ]] || fail "keeping on death without the daemon: $(cat "$directory/usage")"
for name in server1 server2 daemon; do
        stop "$name"
done
