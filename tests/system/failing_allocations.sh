#!/bin/bash
# Whatever allocation of the daemon's fails: the daemon goes on. While it is used for everything,
# its malloc fails at times. Then it has to be there, to have lost no descriptor, to be at rest, and
# to serve a fresh client properly; somebody was told, or the log was.
#
# KYRON_TEST_SCALE=full: each allocation by itself, and every second to fifth; else some at a time.
# FAILING_ALLOCATIONS="FIRST LAST STEP": only this.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"
# shellcheck source=tests/support/fault_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/fault_scene.sh"

library=$build/tests/support/.libs/libfailing_malloc.so
control=$directory/allocations
# Of the whole scene's, in the short form.
at_once=60
runs=0 failed=0

allocations() {
        "$build/tests/support/fault_scene" allocations "$control" "$@"
}

# fail_at FIRST LAST STEP
fail_at() {
        local what="allocations $1 to $2, each ${3}th" count

        mark_log
        : >"$directory/scene.out"
        allocations "$@"
        scene failing || fail "$what: a client waits for ever: $(cat "$directory/scene.out")"
        read -r _ count < <(allocations)
        allocations 0 0 1
        kill -0 "${started[daemon]}" 2>/dev/null || fail "$what: the daemon has ended"
        runs=$((runs + 1)) failed=$((failed + count))
        [[ $count -eq 0 || -n $(new_lines) || -s $directory/scene.out ]] ||
                silent+=" $1"
        serve_properly "after failing $what"
}

[[ -e $library ]] || skip "there is no $library: built without shared libraries"
allocations 0 0 1
start_fault_scene env FAILING_MALLOC="$control" LD_PRELOAD="$library"
silent=
allocations 0 0 1
scene strict
read -r calls _ < <(allocations)
[[ $calls -gt 100 ]] || fail "the scene makes $calls allocations: they are not counted"
# What fails may be tried again, so there can be more.
calls=$((calls * 11 / 10))

if [[ -n ${FAILING_ALLOCATIONS:-} ]]; then
        # shellcheck disable=SC2086 # words
        fail_at $FAILING_ALLOCATIONS
elif [[ ${KYRON_TEST_SCALE:-} == full ]]; then
        for ((n = 1; n <= calls; n++)); do
                fail_at "$n" "$n" 1
        done
        for step in 2 3 5; do
                fail_at 1 "$calls" "$step"
        done
else
        for ((n = 1; n <= calls / at_once; n++)); do
                fail_at "$n" "$calls" "$((calls / at_once))"
        done
fi
await_rest "the allocations"
stop daemon
[[ -z $silent ]] || echo "nobody was told, and nothing is in the log:$silent"
echo "$calls allocations, $runs runs, $failed failed"
