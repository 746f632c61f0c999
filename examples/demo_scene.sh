# shellcheck shell=bash
# What the acts of the demo have in common: a directory of their own, and processes that are
# stopped at the end. Sourced, with build set to where everything is built.

patience=20

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

# Killed, as by a crash: its shell's word on that is not for the audience.
crash() {
        local pid=${started[$1]}

        unset "started[$1]"
        kill -KILL "$pid" || fail "$1 has ended too early"
        wait "$pid" 2>/dev/null || true
}

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

# finish NAME: it ends by itself, and well.
finish() {
        local pid=${started[$1]}

        unset "started[$1]"
        wait "$pid" || fail "$1 did not get through: $(cat "$directory/$1.out")"
}

kyronctl() {
        # shellcheck disable=SC2154 # whoever sources this has set it
        "$build/kyronctl" "$@"
}

daemon_answers() {
        kyronctl status >/dev/null 2>&1
}

# address_of NAME PROTOCOL: where a server listens.
address_of() {
        sed -n "s/^$2 //p" "$directory/$1.out"
}

serves_tcp() {
        [[ -n $(address_of "$1" tcp) ]]
}
