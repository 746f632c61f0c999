#!/bin/bash
# kyron-iod with the units as they are installed, on a machine with a real systemd: who starts it and
# when it is ready, what it may do, and what stops, reloads and kills it.
set -u
# shellcheck source=tests/host/host.sh
source "${KYRON_SOURCE_DIR:-.}/tests/host/host.sh"

echo_address=127.0.0.1:7007
round_trips=2000

# is SOMETHING EXPECTED ACTUAL
is() {
        [[ $3 == "$2" ]] || fail "$1 is \"$3\", not \"$2\""
}

is_another_daemon() {
        local pid

        host_is_active && pid=$(host_daemon_pid) && [[ $pid -ne 0 && $pid -ne $1 ]]
}

has_state() {
        [[ $(host_property ActiveState) == "$1" ]]
}

visitor_is_served() {
        host_run_as visitor kyronctl status >"$directory/status" 2>&1
}

# configure: the daemon's file, from standard input.
configure() {
        host_write "$host_config"
        host_run chmod 644 "$host_config"
}

# visitor serves and connects through the daemon, guest only waits by it.
configure_well() {
        configure <<END_OF_FILE
listener "web" {
        address = "tcp:127.0.0.1:7080"
}
policy "user:visitor" {
        listen = {"tcp:$echo_address"}
        connect = {"tcp:$echo_address"}
        bind = {"udp:$echo_address"}
        serve = {"web"}
        hold = {"*"}
}
END_OF_FILE
}

echo_is_served() {
        [[ $(host_run cat /run/host-echo.out | grep -c .) -eq 2 ]]
}

# load USER ARGUMENT…: it gets through, every byte of it.
load() {
        local user=$1 done_trips
        shift

        host_run_as "$user" echo_load --tcp "$echo_address" --connections 40 --round-trips \
                $((round_trips / 40)) "$@" >"$directory/load.out" 2>"$directory/load.log" ||
                fail "the load did not get through: $(cat "$directory/load.out")"
        done_trips=$(awk '$1 == "total" { print $3 }' "$directory/load.out")
        is "the number of round trips" "$round_trips" "$done_trips"
}

# ---- What is shown -------------------------------------------------------------------------------

its_first_client_starts_it() {
        is "the state before" inactive "$(host_property ActiveState)"
        is "the socket's state" active "$(host_property ActiveState kyron-iod.socket)"
        visitor_is_served || fail "nobody is served: $(cat "$directory/status")"
        host_is_active || fail "it serves and is $(host_property ActiveState)"
        is "its words to systemd" serving "$(host_property StatusText)"
}

# A gate in front of the daemon: until it is through, systemd must not take it for started.
it_is_active_only_once_it_serves() {
        local early state

        host_systemctl --quiet stop "$host_unit"
        host_run mkfifo -m 666 /run/gate
        host_drop_in gate <<END_OF_FILE
ExecStart=
ExecStart=/bin/sh -c 'read -r word </run/gate; exec $host_prefix/sbin/kyron-iod --foreground'
END_OF_FILE
        host_systemctl start --no-block "$host_unit"
        host_run_as visitor kyronctl status >"$directory/status" 2>&1 &
        early=$!
        # Writing begins once there is a reader: the service's process runs, but not the daemon.
        # shellcheck disable=SC2016 # for the inner shell
        state=$(host_run sh -c 'exec 3>/run/gate; systemctl is-active "$0"; echo open >&3' "$host_unit")
        is "the state of one that does not serve yet" activating "$state"
        host_await host_is_active
        wait "$early" || fail "who came early is not served: $(cat "$directory/status")"
        host_remove_drop_in gate
        host_systemctl restart "$host_unit"
}

it_has_a_user_and_no_rights() {
        local status user

        status=$(host_run cat "/proc/$(host_daemon_pid)/status")
        user=$(host_run id -u kyron-iod) || fail "there is no user kyron-iod"
        is "its user" "$user" "$(awk '/^Uid:/ { print $2 }' <<<"$status")"
        [[ $user -ne 0 ]] || fail "it is root"
        [[ $(grep -cE '^Cap(Inh|Prm|Eff|Amb):\s0+$' <<<"$status") -eq 4 ]] ||
                fail "it has capabilities: $(grep ^Cap <<<"$status")"
        is "NoNewPrivs" 1 "$(awk '/^NoNewPrivs:/ { print $2 }' <<<"$status")"
        is "Seccomp (2: filtered)" 2 "$(awk '/^Seccomp:/ { print $2 }' <<<"$status")"
        host_run systemd-analyze security --offline=true --threshold=15 \
                "$host_prefix/lib/systemd/system/$host_unit" >"$directory/security.log" 2>&1 ||
                fail "the unit is less closed than 1.5"
        exposure=$(sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p' "$directory/security.log")
        rm "$directory/security.log"
}

users_serve_and_connect() {
        configure_well
        host_systemctl restart "$host_unit"
        host_service echo visitor echo_server --tcp "$echo_address" --udp "$echo_address"
        host_await echo_is_served
        load guest --udp "$echo_address"
        host_systemctl --quiet stop host-echo
        host_service echo visitor echo_server --via-daemon --keep-on-death --tcp "$echo_address" \
                --udp "$echo_address"
        host_await echo_is_served
        load visitor --via-daemon
        host_run kyronctl listeners >"$directory/listeners" || fail "no listeners"
        grep -qF "$echo_address" "$directory/listeners" ||
                fail "$echo_address is not among $(cat "$directory/listeners")"
        # What the server says of its own loop: the unit's filter lets the daemon read it.
        host_run kyronctl sessions --no-legend >"$directory/sessions" || fail "no sessions"
        grep -qE 'echo_server .* (waits|runs) [0-9]' "$directory/sessions" ||
                fail "no pulse is shown: $(cat "$directory/sessions")"
        host_run_as guest echo_load --via-daemon --tcp "$echo_address" --connections 1 \
                >"$directory/refused" 2>&1 && fail "guest may connect, which no policy allows"
        grep -qF "may not connect to tcp:$echo_address" "$directory/refused" ||
                fail "the refusal is: $(cat "$directory/refused")"
        host_systemctl --quiet stop host-echo
}

a_hung_one_is_killed_and_replaced() {
        local pid restarts

        host_drop_in watchdog <<<"WatchdogSec=1s"
        host_systemctl restart "$host_unit"
        pid=$(host_daemon_pid)
        restarts=$(host_property NRestarts)
        # One that is well is left alone: no condition to wait for, but that nothing happens.
        sleep 3
        is "the process after three times as long" "$pid" "$(host_daemon_pid)"
        host_run kill -STOP "$pid"
        host_await is_another_daemon "$pid"
        host_says "Watchdog timeout"
        is "the number of restarts" $((restarts + 1)) "$(host_property NRestarts)"
        visitor_is_served || fail "the next one does not serve: $(cat "$directory/status")"
        host_remove_drop_in watchdog
        host_systemctl restart "$host_unit"
}

a_reload_is_all_or_nothing() {
        local pid

        pid=$(host_daemon_pid)
        configure <<<'listener "web" { address = "tcp:127.0.0.1:7081" }'
        host_systemctl reload "$host_unit" || fail "systemctl reload does not work"
        host_says "reloaded: listener web"
        configure <<<'listener "web" { address = "nowhere" }'
        host_systemctl reload "$host_unit"
        host_says "not reloaded: $host_config:1"
        host_run kyronctl listeners >"$directory/listeners" || fail "no listeners"
        grep -qF "127.0.0.1:7081" "$directory/listeners" ||
                fail "what was there before the broken file is not: $(cat "$directory/listeners")"
        is "its process" "$pid" "$(host_daemon_pid)"
        is "its state" active "$(host_property ActiveState)"
}

# It must not serve by half of its file, and come back without anybody's help once that is mended.
a_broken_file_keeps_it_down_until_it_is_mended() {
        host_systemctl restart "$host_unit" 2>"$directory/restart" &&
                fail "it starts with a broken configuration"
        host_is_active && fail "it is active with a broken configuration"
        configure_well
        host_await host_is_active
        visitor_is_served || fail "nobody is served: $(cat "$directory/status")"
}

stopping_and_starting_work() {
        local pid

        pid=$(host_daemon_pid)
        host_systemctl restart "$host_unit" || fail "systemctl restart does not work"
        is_another_daemon "$pid" || fail "after restart it is process $pid still"
        visitor_is_served || fail "not after restart: $(cat "$directory/status")"
        host_systemctl --quiet stop "$host_unit"
        is "the state after stop" inactive "$(host_property ActiveState)"
        is "the result of stop" success "$(host_property Result)"
        visitor_is_served || fail "the socket does not start it: $(cat "$directory/status")"

        # All of it: then there is no daemon, and that is said at once.
        host_systemctl --quiet stop kyron-iod.socket "$host_unit"
        host_run test ! -e /run/kyron-iod/socket || fail "a stopped socket is still there"
        visitor_is_served && fail "somebody serves, and nobody should"
        grep -q "no daemon" "$directory/status" ||
                fail "without a daemon visitor is told: $(cat "$directory/status")"
        host_systemctl start "$host_unit"
        visitor_is_served || fail "not after start: $(cat "$directory/status")"
}

# What kyron-iod(8) and the unit say to do for ports below 1024.
one_right_can_be_given() {
        configure <<<'listener "web" { address = "tcp:127.0.0.1:80" }'
        host_systemctl restart "$host_unit" || fail "it does not serve what it can"
        host_says "listener web is not served, and tried again: the daemon needs CAP_NET_BIND_SERVICE for tcp:127.0.0.1:80"
        host_drop_in port <<<"CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE"
        host_systemctl restart "$host_unit"
        host_await host_is_active
        host_run kyronctl listeners | grep -qF "127.0.0.1:80" || fail "it does not serve port 80"
        host_remove_drop_in port
        configure_well
        host_systemctl restart "$host_unit"
}

# The filter of system calls says EPERM, which could go unnoticed: here it kills.
no_system_call_is_missing() {
        local pid

        host_drop_in kill <<<"SystemCallErrorNumber=kill"
        host_systemctl restart "$host_unit" || fail "it does not start without what the filter forbids"
        users_serve_and_connect
        pid=$(host_daemon_pid)
        configure <<<'listener "web" { address = "tcp:127.0.0.1:7082" }'
        host_systemctl reload "$host_unit"
        host_says "127.0.0.1:7082"
        host_systemctl kill --kill-who=main --signal=USR2 "$host_unit"
        host_says "handing over to"
        visitor_is_served || fail "not after a handover: $(cat "$directory/status")"
        is "its process" "$pid" "$(host_daemon_pid)"
        host_systemctl --quiet stop "$host_unit"
        is "the result of stop" success "$(host_property Result)"
        host_has_said "status=31/SYS" && fail "a system call that the unit does not allow was made"
        host_remove_drop_in kill
        host_systemctl start "$host_unit"
}

host_start examples/echo_load examples/echo_server
host_config=$(host_run kyron-iod --check-config | sed 's/: fine.*//')
its_first_client_starts_it
it_is_active_only_once_it_serves
it_has_a_user_and_no_rights
users_serve_and_connect
a_hung_one_is_killed_and_replaced
a_reload_is_all_or_nothing
a_broken_file_keeps_it_down_until_it_is_mended
stopping_and_starting_work
one_right_can_be_given
no_system_call_is_missing
host_has_said "Operation not permitted" && fail "something is not permitted that should be"
echo "systemd $(host_run systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')," \
        "unit with an exposure of $exposure, $(host_count_said Started) starts"
