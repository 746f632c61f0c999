# shellcheck shell=bash disable=SC2154 # jobs is set by ./dev
# `./dev test` and `./dev check`, which source this. Every test counts, and so does every step that
# has no tests of its own; a build that fails counts as one failure.

passed=0 failed=0 skipped=0
logs=build/log
all_suites=(system integration unit fuzz) # the one with the longest tests first

test_steps=(
        "build            step build_with_tests plain"
        "tests            suites plain ${all_suites[*]}"
)
check_steps=(
        "shellcheck       step lint_shell"
        "format           step lint_format"
        "${test_steps[@]}"
        "tidy             step lint_tidy"
        "installed        step check_installed"
        "unit-security    step check_unit_security"
        "distcheck        distcheck"
        "without-systemd  step build_with_tests without-systemd"
        "asan             sanitized asan"
        "tsan             sanitized tsan"
        "valgrind         memchecked"
)

# run_tests [SUITE…]: these suites, or all, of the plain build.
run_tests() {
        local suite

        if [[ ${1:-} == help ]]; then
                printf '%s\n' "${all_suites[@]}"
                return
        fi
        for suite in "$@"; do
                [[ " ${all_suites[*]} " == *" $suite "* ]] ||
                        fail "no such suite; ./dev test help lists them"
        done
        [[ $# -eq 0 ]] || test_steps[1]="tests suites plain $*"
        run_steps "${test_steps[@]}"
}

# check [STEP…]: these steps, or all.
check() {
        local line steps=()

        if [[ ${1:-} == help ]]; then
                printf '%s\n' "${check_steps[@]%% *}"
                return
        fi
        for line in "${check_steps[@]}"; do
                [[ $# -gt 0 && " $* " != *" ${line%% *} "* ]] || steps+=("$line")
        done
        [[ ${#steps[@]} -gt 0 ]] || fail "no such step; ./dev check help lists them"
        run_steps "${steps[@]}"
}

# run_steps LINE…: of one of the lists above.
run_steps() {
        local line name before start=$SECONDS

        mkdir -p "$logs"
        scratch=$(mktemp -d "${TMPDIR:-/tmp}/kyron-check-XXXXXX")
        trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT # distcheck leaves it read-only
        trap 'exit 1' HUP INT TERM
        for line in "$@"; do
                name=${line%% *}
                before=$failed
                # shellcheck disable=SC2086 # the rest of the line is the command
                ${line#"$name"}
                [[ $name == build && $failed -gt $before ]] && break
        done
        echo "in $((SECONDS - start)) s"
        if [[ $skipped -gt 0 ]]; then
                echo "$passed passed, $failed failed, $skipped skipped"
        else
                echo "$passed passed, $failed failed"
        fi
        [[ $failed -eq 0 ]]
}

# run COMMAND…: with its output in $log. Leaves the exit status in $status and the time in $took.
run() {
        local start=$SECONDS

        set +e
        (
                set -e
                "$@"
        ) >"$log" 2>&1 </dev/null
        status=$?
        set -e
        took=$((SECONDS - start))
}

# say RESULT TEXT: one line for a step.
say() {
        printf '%-5s %-24s %4d s  %s\n' "$1" "$title" "$took" "$2"
}

show_end() {
        echo "----- the end of $1"
        tail -n "${2:-25}" "$1"
        echo "-----"
}

# step COMMAND…: passes when it exits with 0, is skipped when with 77.
step() {
        local title=$name log=$logs/$name.log status took

        run "$@"
        case $status in
        0)
                passed=$((passed + 1))
                say ok ""
                ;;
        77)
                skipped=$((skipped + 1))
                say skip "$(tail -n1 "$log")"
                ;;
        *)
                failed=$((failed + 1))
                say FAIL "$log"
                show_end "$log"
                ;;
        esac
}

# suites VARIANT SUITE…: runs the programs of the makefile's lists SUITE_tests in build/VARIANT, and
# counts their tests. Most of a test is waiting, so there are more programs at once than processors.
suites() {
        local variant=$1 results=build/$1/tests title=$name log status took directory
        local counted=$((passed + failed + skipped)) before=$failed
        shift

        log=$logs/$name-$1.log
        mkdir -p "$results"
        find "$results" '(' -name '*.trs' -o -name '*.log' ')' -delete
        # shellcheck disable=SC2016 # a variable of make's
        run "${run_prefix[@]}" make -C "build/$variant" --no-print-directory -j$((2 * jobs)) check \
                LOG_COMPILER="timeout $program_limit $run_under" \
                SH_LOG_COMPILER="timeout $program_limit bash" TESTS="$(printf '$(%s_tests) ' "$@")"
        printf '%-5s %-24s %4d s\n' "" "$title" "$took"
        for directory in "$results"/*/; do
                count_results "$directory"
        done
        # Nothing was run, or what failed was no test.
        if [[ $((passed + failed + skipped)) -eq $counted || $status -ne 0 && $failed -eq $before ]]; then
                failed=$((failed + 1))
                show_end "$log"
        fi
}
run_prefix=()      # what make is run by
run_under=         # what the test programs are run by
program_limit=600s # for a program; check has limits of its own for each test

# The results of the programs below a directory.
results_in() {
        find "$1" -name '*.trs' | sort
}

# Adds up the results of a directory and says them, with the output of the programs that failed. A
# test program counts its own tests, and names those it skipped; a script is one test.
count_results() {
        local result output checks broken skips good=0 bad=0 left=0

        while read -r result; do
                output=${result%.trs}.log
                read -r checks broken < <(awk -F '[:,] *' '
                        /Checks: [0-9]+, Failures: / { checks += $3; broken += $5 + $7 }
                        END { print checks + 0, broken + 0 }' "$output")
                skips=$(grep -c '^SKIPPED ' "$output" || true)
                case $(sed -n 's/^:test-result: //p' "$result") in
                PASS)
                        [[ $checks -eq 0 ]] && checks=1
                        good=$((good + checks - skips)) left=$((left + skips))
                        ;;
                SKIP)
                        left=$((left + 1))
                        ;;
                *)
                        # Also when every test passed: a sanitizer had the last word.
                        [[ $broken -eq 0 ]] && broken=1 && checks=$((checks + 1))
                        good=$((good + checks - broken - skips))
                        bad=$((bad + broken)) left=$((left + skips))
                        show_end "$output" 60
                        ;;
                esac
        done < <(results_in "$1")
        [[ $((good + bad + left)) -gt 0 ]] || return 0
        passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
        printf '%-5s   %-29s %s\n' "$([[ $bad -eq 0 ]] && echo ok || echo FAIL)" "$(basename "$1")" \
                "$good passed, $bad failed, $left skipped"
        report_skips "$1"
}

report_skips() {
        local result

        while read -r result; do
                sed -n 's/^SKIPPED /        skipped: /p' "${result%.trs}.log"
                if grep -q '^:test-result: SKIP' "$result"; then
                        echo "        skipped: $(basename "$result" .trs): $(tail -n2 "${result%.trs}.log" | head -n1)"
                fi
        done < <(results_in "$1")
}

build_with_tests() {
        build_variant "$1"
        build_variant "$1" check TESTS=
}

sanitized() {
        local title="$1 build" log=$logs/$1-build.log status took run_prefix=()

        if [[ $1 == tsan ]] && ! find_tsan_prefix; then
                skipped=$((skipped + 1)) took=0
                say skip "programs built with the thread sanitizer do not start here"
                return
        fi
        run build_with_tests "$1"
        if [[ $status -ne 0 ]]; then
                failed=$((failed + 1))
                say FAIL "$log"
                show_end "$log"
                return
        fi
        say ok ""
        suites "$1" integration unit fuzz
}

# A call that does not return is left to its thread, which ends with the process; and glibc's resolver
# grows its own tables in its own way.
export TSAN_OPTIONS="report_thread_leaks=0:suppressions=$PWD/tests/support/tsan.supp"

# The thread sanitizer cannot start where the kernel spreads addresses wider than it expects.
find_tsan_prefix() {
        echo 'int main(void) { return 0; }' >"$scratch/tsan.c"
        ${CC:-cc} -fsanitize=thread -o "$scratch/tsan" "$scratch/tsan.c" || return 1
        "$scratch/tsan" 2>/dev/null && return
        run_prefix=(setarch -R)
        setarch -R "$scratch/tsan" 2>/dev/null
}

# The unit tests, and a short run of both sides of the wire.
memchecked() {
        local run_under='valgrind -q --error-exitcode=99 --leak-check=full'
        run_under+=" --errors-for-leak-kinds=definite --suppressions=$PWD/tests/support/valgrind.supp"

        suites plain memchecked_unit
        printf '#!/bin/sh\nexec %s %s/build/plain/kyron-iod "$@"\n' "$run_under" "$PWD" \
                >"$scratch/kyron-iod"
        chmod +x "$scratch/kyron-iod"
        KYRON_IOD=$scratch/kyron-iod suites plain memchecked_integration
}

# The installed tree is all a program needs, found by pkg-config alone.
check_installed() {
        local root=$scratch/root program=$scratch/installed_program daemon r=0
        local socket=$scratch/socket libraries

        make -C build/plain --no-print-directory install DESTDIR="$root"
        export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/usr/local/lib/pkgconfig
        libraries=$(pkg-config --cflags --libs kyron)
        # shellcheck disable=SC2086 # one word each
        ${CC:-cc} -Wall -Wextra -Werror -o "$program" tests/support/installed_program.c $libraries

        "$root/usr/local/sbin/kyron-iod" --foreground --socket "$socket" &
        daemon=$!
        for ((i = 0; i < 100; i++)); do
                [[ -S $socket ]] && break
                sleep 0.1
        done
        KYRON_SOCKET=$socket LD_LIBRARY_PATH=$root/usr/local/lib "$program" || r=$?
        "$root/usr/local/bin/kyronctl" --socket "$socket" status || r=$?
        kill "$daemon"
        wait "$daemon" || r=$?
        return "$r"
}

check_unit_security() {
        local unit=$scratch/root/usr/local/lib/systemd/system/kyron-iod.service

        if ! command -v systemd-analyze >/dev/null; then
                echo "systemd-analyze is not here"
                return 77
        fi
        [[ -e $unit ]] || make -C build/plain --no-print-directory install DESTDIR="$scratch/root"
        systemd-analyze security --offline=true --threshold=15 "$unit"
}

# As an ordinary user, also when root asks: neither the build nor the tests may need more. The
# tests of the tarball are counted by program; their numbers are those of the plain build.
distcheck() {
        local title=$name log=$logs/$name.log status took programs

        run distcheck_unprivileged
        programs=$(grep -c '^PASS: ' "$log" || true)
        if [[ $status -eq 0 ]]; then
                passed=$((passed + 1))
                say ok "$programs test programs, as an ordinary user"
        else
                failed=$((failed + 1))
                say FAIL "$log"
                show_end "$log" 60
        fi
}

distcheck_unprivileged() {
        local tree=$scratch/tree as=()

        mkdir "$tree" "$tree/tmp"
        tar -c --exclude=./build --exclude=./.git . | tar -x -C "$tree"
        chmod 755 "$scratch"
        if [[ $EUID -eq 0 ]]; then
                chown -R 65534:65534 "$tree"
                as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        fi
        cd "$tree"
        # Compiles in parallel, and tests one by one: they are all one user's here, and some have the
        # kernel count what that user has on its way.
        "${as[@]}" env -u XDG_RUNTIME_DIR HOME="$tree" TMPDIR="$tree/tmp" sh -c "./configure -q &&
                make -j$jobs distcheck VERBOSE=yes LOG_COMPILER='flock $tree timeout $program_limit'"
}
