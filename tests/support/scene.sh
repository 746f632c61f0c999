# shellcheck shell=bash
# What the system tests set up: a private daemon and echo servers in a directory of their own.
# Sourced. Whatever was started is stopped at the end, by its process id.

build=${KYRON_BUILD_DIR:-.}
# Not under TMPDIR: a socket's path has at most 107 bytes.
directory=$(mktemp -d /tmp/kyron-scene.XXXXXX)
export KYRON_SOCKET=$directory/socket
patience=20
declare -A started=() # name: process id

clean_up() {
        local name

        for name in "${!started[@]}"; do
                kill -KILL "${started[$name]}" 2>/dev/null
                wait "${started[$name]}" 2>/dev/null
        done
        rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
        echo "$*"
        for log in "$directory"/*.log; do
                [[ -s $log ]] && sed "s|^|${log##*/}: |" "$log"
        done
        exit 1
}

# The reason is the last line.
skip() {
        echo "$*"
        exit 77
}

require_strace() {
        command -v strace >/dev/null || skip "strace is not here"
        strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

# start NAME PROGRAM [ARGUMENT…]: in the background, its words in NAME.log, its output in NAME.out.
start() {
        local name=$1
        shift

        : >"$directory/$name.out"
        "$@" >>"$directory/$name.out" 2>"$directory/$name.log" &
        started[$name]=$!
}

# stop NAME: it has to exit with 0.
stop() {
        local pid=${started[$1]}

        unset "started[$1]"
        kill -TERM "$pid" 2>/dev/null
        wait "$pid" || fail "$1 ended with status $?"
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

daemon_answers() {
        "$build/kyronctl" status >/dev/null 2>&1
}

# start_daemon [OPTION…]
# shellcheck disable=SC2120 # most need none
start_daemon() {
        start daemon "$build/kyron-iod" --foreground --log-level warning --socket "$KYRON_SOCKET" \
                "$@"
        await daemon daemon_answers
}

# address_of NAME PROTOCOL: where an echo server listens.
address_of() {
        sed -n "s/^$2 //p" "$directory/$1.out"
}

# The server is killed, as by a crash.
crash() {
        local pid=${started[$1]}

        unset "started[$1]"
        kill -KILL "$pid" || fail "$1 has ended too early"
        wait "$pid" 2>/dev/null
}

serves_all() {
        [[ $(grep -c . "$directory/$1.out") -eq 3 ]]
}
