#!/bin/bash
# Six faults at once, in real programs where they are here: waits and why name each culprit with its
# kind, and nobody else. Beside them are those that only wait for a culprit, and are innocent.
set -u
# shellcheck source=tests/support/waits_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/waits_scene.sh"

told_within=60
declare -A culprits=() # process id: name
declare -A expected=() # "NAME KIND": a pattern for a line of told

# expect NAME KIND [PEER]: a pattern of the kind; whose process is at the other end.
expect() {
        local pid=${started[$1]}

        culprits[$pid]=$1
        expected["$1 $2"]="^$pid ($2) ${3:-(-|[0-9]+)} "
}

# ---- The faults ----------------------------------------------------------------------------------

plant_stopped() {
        have redis-server || return 0
        start_redis
        play client idle "$redis_port" 3
        kill -STOP "${started[redis]}"
        expect redis stopped
}

# nginx waits for it, and the askers for nginx.
plant_busy() {
        local i

        have nginx || return 0
        start_backend
        start_nginx
        for i in 1 2 3; do
                play "asker$i" churn "$nginx_port" $'GET /compute HTTP/1.0\r\n\r\n'
        done
        expect backend 'busy|starved'
}

plant_not_reading() {
        have memcached || return 0
        start_memcached
        play hoarder hoard "$memcached_port" $'get big\r\n' 50
        expect memcached peer-not-reading "${started[hoarder]}"
}

plant_lost_edge() {
        play edge lost-edge
        play sender send "$(port_of edge)" 4096
        expect edge unread
}

plant_stale_entry() {
        play stale stale
        expect stale stale-entry
}

plant_blocked() {
        play blocked blocked
        play taker hoard "$(port_of blocked)" '' 0
        play knocker knock "$(second_port_of blocked)" 3
        expect blocked blocked "${started[taker]}"
        expect blocked backlog-full
}

# ---- What is told --------------------------------------------------------------------------------

# Whether all is told that should be.
all_is_told() {
        local key

        for key in "${!expected[@]}"; do
                grep -qE "${expected[$key]}" "$directory/told" || return 1
        done
}

# Nobody is told of who is no culprit.
spare_the_innocent() {
        local pid rest

        while read -r pid rest; do
                [[ -n ${culprits[$pid]:-} ]] || fail "an innocent is told of: $pid $rest
$(sentences)
$(ps -e -o pid,stat,wchan:20,args)"
        done <"$directory/told"
}

# why says the same of one process, by its number.
ask_why() {
        local name=${1%% *} kind=${1#* } pid

        pid=${started[$name]}
        "$build/kyronctl" why --json "$pid" >"$directory/why" || fail "why $pid fails"
        grep -qE "\"kind\": *\"($kind)\"" "$directory/why" ||
                fail "why does not tell of $name that it is $kind: $(cat "$directory/why")"
        "$build/kyronctl" why "$pid" >"$directory/why" || fail "why $pid fails"
        grep -qE "^[^ ]+ $pid \(" "$directory/why" || fail "why $pid: $(cat "$directory/why")"
        grep -v "nothing to worry" "$directory/why"
}

require_python
plant_stopped
plant_busy
plant_not_reading
plant_lost_edge
plant_stale_entry
plant_blocked
until
        look
        spare_the_innocent
        all_is_told
do
        ((SECONDS < told_within)) || fail "not all is told within $told_within s: ${expected[*]}
$(sentences)"
done
sentences
for key in "${!expected[@]}"; do
        ask_why "$key"
done
# By what it is known by: a port that somebody waits for.
if [[ -n ${started[backend]:-} ]]; then
        "$build/kyronctl" why ":$backend_port" >"$directory/why" || fail "why :$backend_port fails"
        grep -qE "^[^ ]+ ${started[backend]} \(.*without a pause" "$directory/why" ||
                fail "why :$backend_port: $(cat "$directory/why")"
fi
echo "told: ${!expected[*]}"
end_with_the_missing
