#!/bin/bash
# Of real programs that are healthy nothing is told, whatever they have to do: redis with 10,000 idle
# connections beside busy ones, a proxy with a connection for each request, and memcached with large
# answers. With KYRON_TEST_SCALE=full for a minute.
set -u
# shellcheck source=tests/support/waits_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/waits_scene.sh"

lasts=15
[[ ${KYRON_TEST_SCALE:-} != full ]] || lasts=60
idle=10000
[[ $(ulimit -n) == unlimited || $(ulimit -n) -ge 10100 ]] || idle=$(($(ulimit -n) - 100))
loads=() # that count their trips

# load NAME PORT TEXT
load() {
        play "$1" churn "$2" "$3"
        loads+=("$1")
}

require_python
if have redis-server; then
        start_redis
        play idle idle "$redis_port" "$idle"
        have redis-benchmark && start benchmark redis-benchmark -p "$redis_port" -l -q -t set,get
fi
if have nginx; then
        start_backend
        start_nginx
        load proxied1 "$nginx_port" $'GET / HTTP/1.0\r\n\r\n'
        load proxied2 "$nginx_port" $'GET / HTTP/1.0\r\n\r\n'
fi
if have memcached; then
        start_memcached
        load large "$memcached_port" $'get big\r\nquit\r\n'
fi
[[ ${#started[@]} -gt 0 ]] || skip "none of the programs is here: ${missing[*]}"

looks=0
until ((SECONDS >= lasts)); do
        look
        [[ ! -s $directory/told ]] || fail "look $looks tells of the healthy:
$(sentences)
$(ps -e -o pid,stat,wchan:20,args)"
        looks=$((looks + 1))
done
for name in "${loads[@]}"; do
        stop "$name"
        trips=$(awk '$1 == "trips" { print $2 }' "$directory/$name.out")
        ((trips > 0)) || fail "$name made no trip"
        echo "$name: $trips connections, one after the other"
done
[[ -z ${started[benchmark]:-} ]] || redis-cli -p "$redis_port" info | grep -E '^(connected_clients|total_commands_processed)'
((looks > 0)) || fail "not one look within $lasts s"
echo "$looks looks in $lasts s, and nothing told"
end_with_the_missing
