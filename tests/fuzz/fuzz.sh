# shellcheck shell=bash disable=SC2154 # jobs is set by ./dev
# `./dev fuzz`, which sources this: the fuzzers with libFuzzer, as many at a time as there are
# processors. What they learn is kept in build/fuzz/corpus and used the next time.

# fuzz_one NAME SECONDS: its words go to build/fuzz/NAME.log.
fuzz_one() {
        local name=$1 seconds=$2 directory=build/fuzz

        mkdir -p "$directory/corpus/$name" "$directory/findings"
        "$directory/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=60 -max_len=4096 \
                -rss_limit_mb=4096 -print_final_stats=1 -verbosity=1 \
                -artifact_prefix="$directory/findings/$name-" \
                "$directory/corpus/$name" "tests/fuzz/corpus/$name" >"$directory/$name.log" 2>&1
}

# report NAME: what it did, and what it found.
report() {
        local name=$1 log=build/fuzz/$1.log finding

        printf '%-8s %10s runs  %6s edges\n' "$name" \
                "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
                "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)"
        for finding in build/fuzz/findings/"$name"-*; do
                [[ -e $finding ]] || continue
                echo "  $finding: $(grep -m 1 '^SUMMARY' "$log")"
                echo "  again: build/fuzz/tests/fuzz/fuzz_$name $finding"
                found=1
        done
}

fuzz() {
        local seconds=$1 names=() name path found=0
        shift

        for path in tests/fuzz/fuzz_*.c; do
                name=${path##*/fuzz_}
                name=${name%.c}
                [[ $# -eq 0 || " $* " == *" $name "* ]] && names+=("$name")
        done
        [[ ${#names[@]} -gt 0 ]] || fail "there is no fuzzer of that name"
        # Their support is built along with them, and nothing else.
        configure_fuzzers >/dev/null
        for name in "${names[@]}"; do
                while [[ $(jobs -rp | wc -l) -ge $jobs ]]; do
                        wait -n || true
                done
                fuzz_one "$name" "$seconds" &
        done
        wait
        for name in "${names[@]}"; do
                report "$name"
        done
        return $found
}

configure_fuzzers() {
        build_variant fuzz all
        make -C build/fuzz -j"$jobs" --no-print-directory fuzzers
}
