#!/bin/bash
# Two users at all of their limits at once, under the unit as it is installed: the daemon lives, takes
# no more memory than kyron-iod(8) says, and a third user's round trips go on. How long those take is
# told, and left to whoever reads it.
set -u
# shellcheck source=tests/host/host.sh
source "${KYRON_SOURCE_DIR:-.}/tests/host/host.sh"

echo_address=127.0.0.1:7007
manual=${KYRON_SOURCE_DIR:-.}/man/kyron-iod.8.scd
socket=/run/kyron-iod/socket
# Filling takes its time, beside others.
patience=120

configure() {
        host_write "$host_config" <<END_OF_FILE
name-servers = {"127.0.0.1:9"}
policy "user:visitor" {
        connect = {"tcp:*.slow.example:80"}
        listen = {"unix:@torture-*"}
        bind = {"udp:127.0.0.1:0"}
        hold = {"*"}
}
policy "user:guest" {
        connect = {"tcp:*.slow.example:80"}
        listen = {"unix:@torture-*"}
        bind = {"udp:127.0.0.1:0"}
        hold = {"*"}
}
END_OF_FILE
        host_run chmod 644 "$host_config"
}

# says NAME WORDS: the service has said so.
says() {
        host_run grep -q -- "$2" "/run/host-$1.out"
}

# stated WHAT: the KiB that the manual says one of it takes.
stated() {
        local size

        size=$(sed -n "/^|  $1\$/{n;s/^:\] //p}" "$manual")
        case $size in
        *KiB) echo "${size% KiB}" ;;
        *bytes) awk -v bytes="${size% bytes}" 'BEGIN { print bytes / 1024 }' ;;
        *) fail "the manual does not say what $1 takes" ;;
        esac
}

# have FIELD: of kyronctl status.
have() {
        host_run kyronctl --json status >"$directory/status.json" || fail "kyronctl has no answer"
        sed -nE "s/^ *\"$1\": ([0-9]+),?\$/\1/p" "$directory/status.json" | head -n1
}

# What the manual's figures make of what there is; answers are left unread by all.
stated_sum() {
        local closers=130 # for each user and listener, and beyond

        awk -v daemon="$(stated "the daemon itself")" -v user="$(stated "a user")" \
                -v closer="$(stated "a thread that closes")" -v closers="$closers" \
                -v session="$(stated "a session")" -v answers="$(stated "answers that wait for a session")" \
                -v registration="$(stated "a registration")" -v listener="$(stated "a listener")" \
                -v worker="$(stated "a worker")" -v offered="$(stated "an unused id of a worker")" \
                -v connect="$(stated "a connect")" -v hold="$(stated "a hold")" \
                -v sessions="$(have sessions)" -v registrations="$(have registrations)" \
                -v listeners="$(have listeners)" -v workers="$(have workers)" \
                -v connects="$(have connects)" -v holds="$(have holds)" 'BEGIN {
                sum = daemon + 4 * user + (closers + listeners) * closer
                sum += sessions * (session + answers) + registrations * registration
                sum += listeners * listener + workers * (worker + 2048 * offered)
                printf "%d", sum + connects * connect + holds * hold
        }'
}

# Of the daemon's own, in KiB.
taken() {
        host_run sed -n 's/^Anonymous: *\([0-9]*\) kB/\1/p' "/proc/$(host_daemon_pid)/smaps_rollup"
}

# Puts the daemon under its unit's MemoryMax where systemd cannot, since the memory controller is at
# the older place.
limit_memory() {
        local pid max

        max=$(sed -n 's/^MemoryMax=//p' "$build/systemd/$host_unit")
        pid=$(pgrep --ns "$host_pid" --nslist pid -x kyron-iod | head -n1)
        memory_group=/sys/fs/cgroup/memory/kyron-limits-$$
        [[ $(host_property MemoryCurrent) =~ ^[0-9]+$ ]] && return
        mkdir "$memory_group" 2>/dev/null && echo "$max" >"$memory_group/memory.limit_in_bytes" &&
                echo "$pid" >"$memory_group/cgroup.procs"
}
memory_group=''

# What the cgroup is charged with, the kernel's own for the daemon's sockets and sets included.
charged() {
        local bytes

        bytes=$(host_property MemoryCurrent)
        [[ $bytes =~ ^[0-9]+$ ]] || bytes=$(cat "$memory_group/memory.usage_in_bytes" 2>/dev/null)
        [[ -n $bytes ]] && echo "$((bytes / 1024)) KiB" || echo "no memory controller here"
}

# The third user's client tells of that many round trips or more.
round_trips=3000

ask_for_times() {
        local lines

        lines=$(host_run grep -c . /run/host-health.out)
        host_systemctl kill --signal=SIGUSR1 --kill-whom=main host-health
        host_await has_lines "$lines"
}

# p99: of the third user from now on, in milliseconds.
p99() {
        ask_for_times
        ask_for_times
        host_run tail -n1 /run/host-health.out | sed -nE 's/.*"p99_ns": ?([0-9]+).*/\1/p' |
                awk '{ printf "%.2f", $1 / 1e6 }'
}

has_lines() {
        [[ $(host_run grep -c . /run/host-health.out) -gt $1 ]]
}

host_start tests/torture/attack tests/torture/healthy_client examples/echo_server
host_config=$(host_run kyron-iod --check-config | sed 's/: fine.*//')
configure
host_systemctl restart kyron-iod
# Who waits himself would not notice.
host_service echo daemon env KYRON_DELIVERY=relayed echo_server --tcp $echo_address
host_await says echo tcp
host_service health daemon env KYRON_DELIVERY=relayed healthy_client --tcp $echo_address --connections 16 --rate 1000 \
        --at-least "$round_trips"
host_await says health ready
quiet=$(p99)

before=$(host_daemon_pid)
limit_memory || echo "MemoryMax is not in force: no memory controller here"
for user in visitor guest; do
        host_service "$user" "$user" attack limits --socket "$socket"
done
filling=$(p99)
for user in visitor guest; do
        host_await says "$user" ready
done
full=$(p99)

sum=$(stated_sum)
memory=$(taken)
echo "sessions $(have sessions), registrations $(have registrations), workers $(have workers), holds $(have holds)"
echo "memory: $memory KiB, of which the manual states $sum; its cgroup is charged $(charged) of $(sed -n 's/^MemoryMax=//p' "$build/systemd/$host_unit")"
echo "a third user's p99: $quiet ms before, $filling ms meanwhile, $full ms at the limits; the longest turn: $(have longest_turn_us) us"

[[ $(have sessions) -ge 2000 ]] || fail "the limits were not reached: $(have sessions) sessions"
[[ $(have registrations) -ge 400000 ]] || fail "there are $(have registrations) registrations"
[[ $memory -le $sum ]] || fail "the daemon takes $memory KiB, the manual states $sum"
[[ $(host_daemon_pid) == "$before" && $(host_property NRestarts) == 0 ]] || fail "the daemon did not live"
host_systemctl stop host-visitor host-guest
has_no_sessions_of_theirs() {
        [[ $(have sessions) -le 10 ]]
}
host_await has_no_sessions_of_theirs
[[ $(host_daemon_pid) == "$before" ]] || fail "the daemon did not live"
host_systemctl stop host-health
host_systemctl stop kyron-iod.socket kyron-iod
[[ ! -d $memory_group ]] || rmdir "$memory_group"
