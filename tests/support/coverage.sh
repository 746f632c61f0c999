# shellcheck shell=bash disable=SC2154 # jobs is set by ./dev
# `./dev coverage`, which sources this: which lines of what a client's bytes reach are run by the
# kept inputs of the fuzzers, and which by the unit and integration tests.

# Regular expressions of gcovr: the wire, and a session with what it consists of.
covered_sources=('proto/frame' 'daemon/session/' 'daemon/budget/(quota|session_rate)'
        'daemon/requests/(dispatch|registering)' 'daemon/loop/time_share\.c'
        'daemon/driver/(descriptor_kind|io_driver|notifier|registration_set)')

# forget: whatever ran before, configure's own programs among it. Where the counts go is made here,
# for whomever a test runs a program as, who could make nothing among root's files.
forget() {
        local files

        find build/coverage '(' -name '*.gcda' -o -name '*conftest.gcno' ')' -delete
        mapfile -t files < <(find build/coverage -name '*.gcno' | sed 's/gcno$/gcda/')
        touch "${files[@]}"
        chmod a+rw "${files[@]}"
}

# show TITLE: each file, how many of its lines were run, and which were not. Fails where it is less
# than nine in ten of all.
show() {
        local filters=() source

        for source in "${covered_sources[@]}"; do
                filters+=(--filter "$source")
        done
        find build/coverage -name '*.gcda' -empty -delete
        echo "Lines run by $1:"
        gcovr --root . "${filters[@]}" --fail-under-line 90 build/coverage | sed 1,3d
}

coverage() {
        local failed=0 little=0 source

        for source in "${covered_sources[@]}"; do
                grep -qE "^$source.*c$" < <(find proto daemon -name '*.c') || fail "no source is $source"
        done
        build_variant coverage check TESTS= >/dev/null
        forget
        KYRON_BUILD_DIR=build/coverage KYRON_SOURCE_DIR=. bash tests/fuzz/corpus.sh
        show "the fuzzers' inputs" || little=1
        forget
        # A test that fails is the business of ./dev check; its lines were run all the same.
        make -C build/coverage --no-print-directory check-unit >/dev/null || failed=1
        make -C build/coverage --no-print-directory check-integration >/dev/null || failed=1
        [[ $failed -eq 0 ]] || echo "Some tests failed: see build/coverage/tests/*/*.log"
        show "the unit and integration tests" || little=1
        return $((failed || little))
}
