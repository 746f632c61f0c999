# shellcheck shell=bash disable=SC2154 # jobs is set by ./dev
# `./dev coverage`, which sources this: which lines of what a client's bytes reach are run by the
# kept inputs of the fuzzers, and which by the unit and integration tests.

# Regular expressions of gcovr: the wire, and a session with what it consists of.
covered_sources=('proto/frame' 'daemon/session' 'daemon/notifier' 'daemon/io_driver'
        'daemon/registration_set' 'daemon/descriptor_kind' 'daemon/quota' 'daemon/share\.c')

# forget: whatever ran before, configure's own programs among it.
forget() {
        find build/coverage '(' -name '*.gcda' -o -name '*conftest.gcno' ')' -delete
}

# show TITLE: each file, how many of its lines were run, and which were not.
show() {
        local filters=() source

        for source in "${covered_sources[@]}"; do
                filters+=(--filter "$source")
        done
        echo "Lines run by $1:"
        gcovr --root . "${filters[@]}" build/coverage | sed 1,3d
}

coverage() {
        local failed=0

        build_variant coverage check TESTS= >/dev/null
        forget
        KYRON_BUILD_DIR=build/coverage KYRON_SOURCE_DIR=. bash tests/fuzz/corpus.sh
        show "the fuzzers' inputs"
        forget
        # A test that fails is the business of ./dev check; its lines were run all the same.
        make -C build/coverage --no-print-directory check-unit >/dev/null || failed=1
        make -C build/coverage --no-print-directory check-integration >/dev/null || failed=1
        show "the unit and integration tests"
        [[ $failed -eq 0 ]] || echo "Some tests failed: see build/coverage/tests/*/*.log"
        return $failed
}
