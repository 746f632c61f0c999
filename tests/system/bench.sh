#!/bin/bash
# Every case of ./dev bench measures something, and gives figures for each of its contestants; and its
# load finds a byte that is not the one sent. How good the figures are is not judged here.
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
python3 - "$report" <<'END' || exit 1
import json
import sys

rows = json.load(open(sys.argv[1], encoding="utf-8"))["rows"]
bad = [row for row in rows
       if not all(value > 0 for values in row["figures"].values() for value in values)]
for row in bad:
    print("no figure:", row)
sys.exit(1 if bad or not rows else 0)
END

# A server that sends one message back with a bit turned, one that sends back an older one, and one
# that hangs up: each in turn, after 50 messages.
python3 - "$build/bench/load" <<'END'
import contextlib
import socket
import subprocess
import sys
import threading


def serve(listener, spoil):
    connection, _ = listener.accept()
    first, count = None, 0
    with connection, contextlib.suppress(ConnectionResetError):
        while message := connection.recv(64):
            first, count = first or message, count + 1
            if count == 50:
                message = spoil(message, first)
            if not message:
                break
            connection.sendall(message)


for spoil, said in (
        (lambda message, first: message[:-1] + bytes([message[-1] ^ 1]), "other bytes came back"),
        (lambda message, first: first, "other bytes came back"),
        (lambda message, first: None, "the server has closed")):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, spoil), daemon=True).start()
    load = subprocess.run([sys.argv[1], "--tcp", "127.0.0.1:%d" % listener.getsockname()[1]],
                          capture_output=True, text=True)
    if load.returncode == 0 or said not in load.stderr:
        sys.exit(f"the load should have said \"{said}\", and said: {load.stdout}{load.stderr}")
END
