# shellcheck shell=bash disable=SC2154 # jobs and build_packages are set by ./dev
# `./dev fuzz`, which sources this: the fuzzers with libFuzzer, or with AFL++ (--afl), as many at a
# time as there are processors. What they learn is kept in build/fuzz/corpus, and both use it the
# next time.

learned=build/fuzz/corpus
findings=build/fuzz/findings

# For one input: far more than any needs, so that a busy machine is no finding.
fuzz_timeout_s=60
fuzz_bytes_max=4096

# libfuzzer NAME SECONDS: its words go to build/fuzz/NAME.log.
libfuzzer() {
        local name=$1 seconds=$2 directory=build/fuzz

        "$directory/tests/fuzz/fuzz_$name" -max_total_time="$seconds" \
                -timeout="$fuzz_timeout_s" -max_len="$fuzz_bytes_max" -rss_limit_mb=4096 \
                -print_final_stats=1 -verbosity=1 -artifact_prefix="$findings/$name-" \
                "$learned/$name" "tests/fuzz/corpus/$name" >"$directory/$name.log" 2>&1
}

libfuzzer_did() {
        local log=build/fuzz/$1.log

        printf '%-8s %10s runs  %6s edges\n' "$1" \
                "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
                "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)"
}

# afl NAME SECONDS: its words go to build/fuzz-afl/NAME.log. How the machine collects core dumps and
# sets its clock, which AFL++ would have changed, costs it some speed at most.
afl() {
        local name=$1 seconds=$2 directory=build/fuzz-afl out=build/fuzz-afl/$1 r=0 path

        rm -rf "$out"
        mkdir -p "$out/seeds"
        cp "tests/fuzz/corpus/$name"/* "$out/seeds"
        find "$learned/$name" -type f -exec cp -t "$out/seeds" {} +
        AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
                afl-fuzz -V "$seconds" -t $((fuzz_timeout_s * 1000)) -G "$fuzz_bytes_max" \
                -i "$out/seeds" -o "$out" -- "$directory/tests/fuzz/fuzz_$name" \
                >"$directory/$name.log" 2>&1 || r=$?
        for path in "$out"/default/{crashes,hangs}/id*; do
                [[ -e $path ]] && cp "$path" "$findings/$name-$(sha1sum <"$path" | cut -c1-40)"
        done
        for path in "$out"/default/queue/*+cov; do
                [[ -e $path ]] && cp "$path" "$learned/$name/$(sha1sum <"$path" | cut -c1-40)"
        done
        return $r
}

afl_did() {
        awk -v name="$1" -F ' *: *' '{ stat[$1] = $2 } END {
                printf "%-8s %10s runs  %6s edges\n", name, stat["execs_done"], stat["edges_found"]
        }' "build/fuzz-afl/$1/default/fuzzer_stats"
}

# report NAME: what it did, and what it found.
report() {
        local name=$1 finding

        "${engine}_did" "$name" || found=1
        for finding in "$findings/$name"-*; do
                [[ -e $finding ]] || continue
                echo "  $finding"
                echo "  again: $directory/tests/fuzz/fuzz_$name $finding"
                found=1
        done
        if [[ -e $directory/$name.failed ]]; then
                echo "  it ended before its time: $directory/$name.log"
                grep -m 1 '^SUMMARY' "$directory/$name.log" || tail -n 5 "$directory/$name.log"
                found=1
        fi
}

# fuzz [--afl] SECONDS [NAME…]
fuzz() {
        local engine=libfuzzer directory=build/fuzz package=clang
        local seconds names=() name path found=0

        if [[ ${1:-} == --afl ]]; then
                engine=afl directory=build/fuzz-afl package=afl++
                shift
        fi
        seconds=${1:-}
        [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "say for how many seconds: ./dev fuzz 60"
        shift
        install_packages "${build_packages[@]}" "$package"

        for path in tests/fuzz/fuzz_*.c; do
                name=${path##*/fuzz_}
                name=${name%.c}
                [[ $# -eq 0 || " $* " == *" $name "* ]] && names+=("$name")
        done
        [[ ${#names[@]} -gt 0 ]] || fail "there is no fuzzer of that name"
        build_fuzzers "${directory#build/}" >/dev/null
        for name in "${names[@]}"; do
                while [[ $(jobs -rp | wc -l) -ge $jobs ]]; do
                        wait -n || true
                done
                mkdir -p "$learned/$name" "$findings"
                rm -f "$directory/$name.failed"
                { "$engine" "$name" "$seconds" || touch "$directory/$name.failed"; } &
        done
        wait
        for name in "${names[@]}"; do
                report "$name"
        done
        return $found
}

# Their support is built along with them, and nothing else.
build_fuzzers() {
        build_variant "$1" all
        make -C "build/$1" -j"$jobs" --no-print-directory fuzzers
}
