# shellcheck shell=bash disable=SC2154 # jobs is set by ./dev
# The steps of `./dev check`, which sources this. Every test counts, and so does every step that
# has no tests of its own; a build that fails counts as one failure.

passed=0 failed=0 skipped=0
logs=build/log

check_steps=(
        "shellcheck       step lint_shell"
        "format           step lint_format"
        "build            step build_with_tests plain"
        "tidy             step lint_tidy"
        "unit             suite plain unit"
        "integration      suite plain integration"
        "fuzz             suite plain fuzz"
        "system           suite plain system"
        "installed        step check_installed"
        "unit-security    step check_unit_security"
        "distcheck        distcheck"
        "without-systemd  step build_with_tests without-systemd"
        "asan             sanitized asan"
        "tsan             sanitized tsan"
        "valgrind         memchecked"
)

# check [STEP…]: these steps, or all.
check() {
        local line name before start=$SECONDS

        if [[ ${1:-} == help ]]; then
                printf '%s\n' "${check_steps[@]%% *}"
                return
        fi
        mkdir -p "$logs"
        scratch=$(mktemp -d "${TMPDIR:-/tmp}/kyron-check-XXXXXX")
        trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT # distcheck leaves it read-only
        trap 'exit 1' HUP INT TERM
        for line in "${check_steps[@]}"; do
                name=${line%% *}
                [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
                before=$failed
                # shellcheck disable=SC2086 # the rest of the line is the command
                ${line#"$name"}
                [[ $name == build && $failed -gt $before ]] && break
        done
        [[ $((passed + failed + skipped)) -gt 0 ]] || fail "no such step; ./dev check help lists them"
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

# suite VARIANT SUITE [MAKE-ARGUMENT…]: runs tests/SUITE in build/VARIANT and counts its tests.
suite() {
        local variant=$1 suite=$2 title=$name good=0 bad=0 left=0 status took
        local results=build/$variant/tests/$suite
        shift 2
        [[ $title == "$suite" ]] || title="$name $suite"
        local log=$logs/${title/ /-}.log

        mkdir -p "$results"
        find "$results" '(' -name '*.trs' -o -name '*.log' ')' -delete
        run "${run_prefix[@]}" make -C "build/$variant" --no-print-directory "check-$suite" \
                LOG_COMPILER="timeout $program_limit $run_under" \
                SH_LOG_COMPILER="timeout $program_limit bash" "$@"
        [[ $status -eq 0 ]] || run_again
        count_results "$results"
        if [[ $status -ne 0 && $bad -eq 0 ]] || [[ $((good + bad + left)) -eq 0 ]]; then
                bad=1
                show_end "$log"
        fi
        passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
        say "$([[ $bad -eq 0 ]] && echo ok || echo FAIL)" "$good passed, $bad failed, $left skipped"
        report_skips "$results"
}

# The programs of a suite that failed are run once more, by themselves, and that is said: on a
# machine that others use too a deadline can pass. What fails again has failed.
run_again() {
        local result program programs=()

        while read -r result; do
                grep -qE '^:test-result: (FAIL|ERROR)' "$result" || continue
                program=${result#"build/$variant/"}
                program=${program%.trs}
                [[ -e $program.sh ]] && program+=.sh
                programs+=("$program")
                show_end "${result%.trs}.log"
        done < <(results_in "$results")
        [[ ${#programs[@]} -gt 0 ]] || return 0
        echo "        again, by themselves: ${programs[*]}"
        run "${run_prefix[@]}" make -C "build/$variant" --no-print-directory check -j1 \
                LOG_COMPILER="timeout $program_limit $run_under" \
                SH_LOG_COMPILER="timeout $program_limit bash" TESTS="${programs[*]}"
}
run_prefix=()      # what make is run by
run_under=         # what the test programs are run by
program_limit=300s # for a program; check has limits of its own for each test

# The files with the results of the programs below a directory.
results_in() {
        find "$1" -name '*.trs' | sort
}

# Adds up the results of a directory in good, bad and left, and shows the failed programs' output.
# A test program counts its own tests, and names those it skipped; a script is one test.
count_results() {
        local result output checks broken skips

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
                        show_end "$output"
                        ;;
                esac
        done < <(results_in "$1")
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
        suite "$1" unit
        suite "$1" integration
        suite "$1" fuzz
}

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
        run_under+=' --errors-for-leak-kinds=definite'
        local both=(tests/integration/test_{documented_packets,threads})

        # shellcheck disable=SC2016 # a variable of the makefile
        suite plain unit -j"$jobs" unit_tests='$(memchecked_unit_tests)'

        printf '#!/bin/sh\nexec %s %s/build/plain/kyron-iod "$@"\n' "$run_under" "$PWD" \
                >"$scratch/kyron-iod"
        chmod +x "$scratch/kyron-iod"
        KYRON_IOD=$scratch/kyron-iod suite plain integration integration_tests="${both[*]}"
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
        if [[ $status -ne 0 ]]; then
                show_end "$log" 60
                echo "        again"
                chmod -R u+w "$scratch/tree" && rm -rf "$scratch/tree"
                run distcheck_unprivileged
        fi
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
        # Compiles in parallel, and tests one by one, because some of them measure.
        "${as[@]}" env -u XDG_RUNTIME_DIR HOME="$tree" TMPDIR="$tree/tmp" sh -c "./configure -q &&
                make -j$jobs distcheck VERBOSE=yes LOG_COMPILER='flock $tree timeout $program_limit'"
}
