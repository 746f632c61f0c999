# shellcheck shell=bash
# A daemon of which something is made to fail, and fault_scene, which uses all it does. Sourced after
# scene.sh.

# shellcheck disable=SC2154 # of scene.sh
configuration=$directory/iod.conf
log_mark=1
lost=0

# As scene.sh's, but of the log only what is unusual.
fail() {
        echo "$*"
        new_lines | sed 's/^/logged: /'
        exit 1
}

scene() {
        "$build/tests/support/fault_scene" "$1" "$directory" >>"$directory/scene.out" 2>&1
}

has_name_server() {
        [[ -s $directory/names.out ]]
}

# start_fault_scene [COMMAND…]: the daemon, run by COMMAND, used twice so that it has all it keeps.
start_fault_scene() {
        start names "$build/tests/support/fault_scene" serve-names
        await names has_name_server
        mkdir "$directory/conf.d"
        cat >"$configuration" <<END
name-servers = {"$(cat "$directory/names.out")"}
max-sessions = 24
admin-group = "$(id -gn)"
listener "site" { address = "tcp:127.0.0.1:0" when = readable }
policy "user:$(id -u)" {
        listen = {"tcp:127.0.0.1:*", "unix:$directory/*"}
        connect = {"tcp:127.0.0.1:*", "tcp:*.test:*"}
        bind = {"udp:127.0.0.1:*"}
        serve = {"*"}
        hold = {"*"}
}
END
        start daemon "$@" "$build/kyron-iod" --foreground --log-level info \
                --socket "$KYRON_SOCKET" --config "$configuration"
        await daemon daemon_answers
        serve_properly "at first"
        serve_properly "at first"
        await daemon is_quiet
        baseline=$(count_descriptors)
        log_lines 1 >"$directory/known.lines"
}

# serve_properly WHEN: a fresh client gets all it asks for.
serve_properly() {
        : >"$directory/scene.out"
        scene strict || fail "$1, a client was not served properly: $(cat "$directory/scene.out")"
}

count_descriptors() {
        find "/proc/${started[daemon]}/fd" -type l 2>/dev/null | wc -l
}

# Nothing is there for anybody, and no listener but the configured one: those of clients go a second
# after their last user.
is_quiet() {
        local status

        status=$("$build/kyronctl" --json status 2>/dev/null) || return 1
        [[ $(grep -cE '"(sessions|registrations|workers|connects|holds|descriptors_kept)": 0,' \
                <<<"$status") -eq 6 && $status == *'"listeners": 1,'* ]]
}

# The daemon's log from line $1 on, without numbers: which lines there are.
log_lines() {
        tail -n "+$1" "$directory/daemon.log" | sed -E 's/[0-9]+/N/g' | sort -u
}

# mark_log: what comes from now on is new_lines'.
mark_log() {
        log_mark=$(($(wc -l <"$directory/daemon.log") + 1))
}

# What was logged since the mark, but for what also is when nothing fails.
new_lines() {
        [[ -e $directory/known.lines ]] || : >"$directory/known.lines"
        log_lines "$log_mark" | comm -23 - "$directory/known.lines"
}

# has_at_most N: the daemon has so many descriptors beside those of the start.
has_at_most() {
        is_quiet && [[ $(count_descriptors) -le $((baseline + $1)) ]]
}

# Processor time the daemon has used, in hundredths of a second.
processor_time() {
        awk '{ print $14 + $15 }' "/proc/${started[daemon]}/stat"
}

# await_rest WHAT: nothing is left open but what the test has lost, and no time is used.
await_rest() {
        local before deadline=$((SECONDS + patience))

        until has_at_most "$lost"; do
                ((SECONDS < deadline)) || fail "$1: the daemon has $(count_descriptors) descriptors," \
                        "and had $baseline: $(ls -l "/proc/${started[daemon]}/fd")
$("$build/kyronctl" --json status)"
                sleep 0.1
        done
        before=$(processor_time)
        sleep 0.3
        [[ $(($(processor_time) - before)) -le 3 ]] || fail "$1: the daemon does not rest"
}
