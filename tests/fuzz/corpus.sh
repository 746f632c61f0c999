#!/bin/bash
# Every fuzzer with every input that is kept: what it once found stays found.
set -u

build=${KYRON_BUILD_DIR:-.}
fuzz=${KYRON_SOURCE_DIR:-.}/tests/fuzz
failed=0

for source in "$fuzz"/fuzz_*.c; do
        name=${source##*/fuzz_}
        name=${name%.c}
        folder=$fuzz/corpus/$name
        if ! words=$(KYRON_FUZZ_NAMES=1 "$build/tests/fuzz/fuzz_$name" "$folder" 2>&1); then
                echo "fuzz_$name: the last of these ended it:"
                echo "$words" | tail -n 5
                failed=1
                continue
        fi
        echo "fuzz_$name: ${words##*$'\n'}"
done
exit $failed
