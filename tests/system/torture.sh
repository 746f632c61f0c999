#!/bin/bash
# Every fault of docs/reliability.md, in the short form: the daemon outlives it, keeps nothing of
# it, and nobody else loses anything. How long things take is not judged here.
set -u

build=${KYRON_BUILD_DIR:-.}
exec "$build/tests/torture/torture" --quick --build "$build"
