#!/bin/bash
# Checks the model of waiting, waking, outages and moves with spin: every state of each variant; and that
# each of the faults it can be given is found.
set -u

model=$(cd "${KYRON_SOURCE_DIR:-.}" && pwd)/tests/model/readiness.pml
if ! command -v spin >/dev/null; then
        echo "spin is not here"
        exit 77
fi
directory=$(mktemp -d /tmp/kyron-model.XXXXXX)
trap 'rm -rf "$directory"' EXIT
cd "$directory" || exit 1
failed=0

# search OPTION…: through every state of a variant; the verifier's words are in the file "out".
search() {
        rm -f pan out
        if ! spin "$@" -a "$model" >out 2>&1 || ! cc -O1 -w -DSAFETY -o pan pan.c >>out 2>&1; then
                cat out
                exit 1
        fi
        ./pan -m10000000 >out 2>&1
}

errors() {
        sed -n 's/.*errors: \([0-9]*\).*/\1/p' out
}

states() {
        sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' out
}

# holds SENTENCE OPTION…: no state of it is wrong, and none was left out.
holds() {
        local sentence=$1

        shift
        search "$@"
        if [[ $(errors) != 0 ]] || grep -Eq 'max search depth|out of memory|not completed' out; then
                cat out
                echo "does not hold: $sentence"
                failed=1
        else
                echo "$sentence: $(states) states"
        fi
}

# finds SENTENCE OPTION…: the fault shows.
finds() {
        local sentence=$1

        shift
        search "$@"
        if [[ $(errors) != 1 ]]; then
                echo "was not found: $sentence"
                failed=1
        else
                echo "found: $sentence"
        fi
}

holds "every waiter is woken across deaths of the daemon"
holds "every waiter is woken with the local fallback" -DLOCAL
holds "every waiter is woken though no daemon comes back" -DLOCAL -DNO_RETURN
holds "nobody is woken after a cancel that won" -DLOCAL -DCANCEL
holds "every waiter is woken across moves, and none waits for one" -DMOVES=3 -DDEATHS=0
holds "every waiter is woken across moves and a death" -DMOVES=2 -DDEATHS=1
holds "every waiter is woken across moves and a death with the local fallback" \
        -DMOVES=2 -DDEATHS=1 -DLOCAL
holds "nobody is woken after a cancel that won across moves" -DMOVES=2 -DDEATHS=0 -DCANCEL
finds "a wait without the second look under the lock" -DNO_RECHECK
finds "the same with moves" -DMOVES=1 -DDEATHS=0 -DNO_RECHECK
finds "a move that tells the daemon first and serves then" -DMOVES=1 -DDEATHS=0 -DTELLS_FIRST
finds "a move back without the question whether the daemon has it" \
        -DMOVES=2 -DDEATHS=0 -DNO_QUESTION
finds "a hand-over after an outage without the question" -DLOCAL -DDEATHS=1 -DNO_QUESTION
finds "a next daemon that is not told of the registration" -DNO_REREGISTER
finds "clearing at another tick than the one that was seen" -DCLEAR_IGNORES_TICK
finds "no local driver, and no daemon that comes back" -DLOCAL -DNO_RETURN -DNO_LOCAL_SERVE
finds "looking after a client that has not read its last frame" -DPOLLS_FULL_CLIENTS
finds "a kernel that does not report what is ready when it is added" -DADD_REPORTS_NOTHING
finds "a cancel that forgets those who are woken already" -DLOCAL -DCANCEL -DCANCEL_FORGETS_THE_WOKEN
exit $failed
