#!/bin/bash
# Every case of ./dev bench measures something, and gives figures for each of its contestants. How
# good they are is not judged here.
set -u

build=${KYRON_BUILD_DIR:-.}
source_dir=${KYRON_SOURCE_DIR:-.}
report=$(mktemp "${TMPDIR:-/tmp}/kyron-bench-XXXXXX")
trap 'rm -f "$report"' EXIT

# The reason is the last line.
if ! command -v python3 >/dev/null; then
        echo "python3 is not here"
        exit 77
fi
python3 -B "$source_dir/bench/bench.py" --smoke --build "$build" --json "$report" || exit 1
python3 - "$report" <<'END'
import json
import sys

rows = json.load(open(sys.argv[1], encoding="utf-8"))["rows"]
bad = [row for row in rows if not (row["ours"] > 0 and row["peer_value"] > 0)]
for row in bad:
    print("no figure:", row)
sys.exit(1 if bad or not rows else 0)
END
