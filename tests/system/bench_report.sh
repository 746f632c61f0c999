#!/bin/bash
# What ./dev bench makes of the figures that it has measured: bench_report.py has the tests.
set -u

# The reason is the last line.
if ! command -v python3 >/dev/null; then
        echo "python3 is not here"
        exit 77
fi
exec python3 -B "${KYRON_SOURCE_DIR:-.}/tests/system/bench_report.py"
