#!/bin/bash
# Whatever system call fails, with whatever error its man page has: the daemon goes on. While it is
# used for everything, strace has one call after another fail. Then it has to be there, to have lost
# no descriptor, to be at rest, to have logged what happened or told who asked, and to serve a fresh client properly.
#
# KYRON_TEST_SCALE=full: every error, and in several rhythms; else the first errors of each.
# FAILING_SYSTEM_CALLS="NAME…": these only.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"
# shellcheck source=tests/support/fault_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/fault_scene.sh"

table=${KYRON_SOURCE_DIR:-.}/tests/support/failing_system_calls.table
trace=$directory/trace
# A scene makes some 4,000 calls; a loop that spins makes millions.
calls_max=40000
runs=0 hits=0 complaints=0
declare -A unreached=()

if [[ ${KYRON_TEST_SCALE:-} == full ]]; then
        errors_max=99
        rhythms=(1 2..20+3 5..60+7 1..12)
else
        errors_max=2
        rhythms=(1..20+3)
fi

complain() {
        echo "$*"
        complaints=$((complaints + 1))
}

is_attached_or_over() {
        grep -q "attached" "$directory/strace.log" || ! kill -0 "${started[strace]}" 2>/dev/null
}

# attach OPTION…: strace to the daemon. It gives up when a thread ends that it has just found.
attach() {
        local tries

        for ((tries = 0; tries < 5; tries++)); do
                start strace strace -f -p "${started[daemon]}" -o "$trace" "$@"
                until is_attached_or_over; do
                        sleep 0.01
                done
                kill -0 "${started[strace]}" 2>/dev/null && return
        done
        grep -q "Operation not permitted" "$directory/strace.log" &&
                skip "strace may not attach to a process here"
        fail "strace does not attach: $(cat "$directory/strace.log")"
}

# traced OPTION…: the scene, with strace on the daemon.
traced() {
        attach "$@"
        : >"$directory/scene.out"
        scene failing || complain "$*: a client waits for ever: $(cat "$directory/scene.out")"
        kill -INT "${started[strace]}" 2>/dev/null
        wait "${started[strace]}"
        unset "started[strace]"
        kill -0 "${started[daemon]}" 2>/dev/null || fail "$*: the daemon has ended"
}

calls_made() {
        sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' "$trace" | sort -u
}

# check_table: the daemon makes no system call that the table does not have.
check_table() {
        local missing

        traced
        missing=$(calls_made | comm -23 - <(sed -nE 's/^([a-z_0-9]+) .*/\1/p' "$table" | sort -u))
        [[ -z $missing ]] || fail "the daemon makes calls that are not in $table: $missing"
        log_lines 1 >"$directory/known.lines"
}

# fail_with CALL ERROR RHYTHM quiet|loud
fail_with() {
        local what="$1 fails with $2, $3" count

        mark_log
        traced -e inject="$1:error=$2:when=$3"
        count=$(grep -c '(INJECTED)$' "$trace")
        runs=$((runs + 1)) hits=$((hits + count))
        if [[ $count -eq 0 ]]; then
                unreached[$1]+=" $2@$3"
                return
        fi
        # What was not closed stays open.
        [[ $1 == close ]] && lost=$((lost + count))
        [[ $(wc -l <"$trace") -le $calls_max ]] ||
                complain "$what: $(wc -l <"$trace") calls, for a scene that makes some thousands"
        [[ $4 == quiet || -n $(new_lines) || -s $directory/scene.out ]] ||
                complain "$what: nobody is told, and nothing is in the log"
        : >"$directory/scene.out"
        scene strict || fail "$what: afterwards a client was not served properly:
$(cat "$directory/scene.out")"
}

# fail_all CALL ERROR…
fail_all() {
        local call=$1 how=loud error rhythm n=0
        shift

        for error in "$@"; do
                case $error in
                quiet) how=quiet ;;
                never) ;;
                *)
                        ((n++ < errors_max)) || continue
                        for rhythm in "${rhythms[@]}"; do
                                fail_with "$call" "$error" "$rhythm" "$how"
                        done
                        ;;
                esac
        done
        await_rest "$call"
}

require_strace
start_fault_scene env
check_table
while read -r call errors; do
        [[ $call == \#* ]] && continue
        [[ -z ${FAILING_SYSTEM_CALLS:-} || " $FAILING_SYSTEM_CALLS " == *" $call "* ]] || continue
        # shellcheck disable=SC2086 # words
        fail_all "$call" $errors
done <"$table"
stop daemon
for call in "${!unreached[@]}"; do
        echo "not reached: $call:${unreached[$call]}"
done
echo "$runs runs, $hits system calls failed, $complaints complaints"
[[ $complaints -eq 0 ]]
