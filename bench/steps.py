"""Where the time of one notification goes: the system calls of all who take part, in their order.

One connection, one message under way: so what happens next is caused by what happened last. Noting
the time twenty times a round trip takes a microsecond or so of it, which is in what is shown.
"""

import os
import statistics
import struct

from echo import SERVERS
from ours import DIRECT, RELAYED, is_ours, start_daemon
from scene import BenchError

ENTRY = struct.Struct("=Qccc5x")
HEADER_BYTES = 64
ROOM = 400000

LOAD, DAEMON = b"l", b"k"
# Of each contestant: what has to come next, (program, call, phase), and what lies before it.
CALLS = {
    RELAYED: [
        ((LOAD, b"S", b"b"), None),
        ((DAEMON, b"w", b"e"), "the load's send, the network, and the daemon's waking up"),
        ((DAEMON, b"w", b"b"), "libevent, and finding the session"),
        ((DAEMON, b"w", b"e"), "what is ready in the session's set"),
        ((DAEMON, b"S", b"b"), "the registration, and the frame"),
        ((b"o", b"w", b"e"), "the frame's way, and the client's waking up"),
        ((b"o", b"R", b"b"), "finding that it is the daemon's"),
        ((b"o", b"R", b"e"), "receiving the frame"),
        ((b"o", b"r", b"b"), "the registration, and who waits for it"),
    ],
    DIRECT: [
        ((LOAD, b"S", b"b"), None),
        ((b"o", b"w", b"e"), "the load's send, the network, and the server's waking up"),
        ((b"o", b"r", b"b"), "finding the connection, and who waits for it"),
    ],
    "epoll edge": [
        ((LOAD, b"S", b"b"), None),
        ((b"p", b"w", b"e"), "the load's send, the network, and the server's waking up"),
        ((b"p", b"r", b"b"), "finding the connection"),
    ],
}


def entries(path):
    with open(path, "rb") as file:
        data = file.read()
    count = min(int.from_bytes(data[:4], "little"), ROOM)
    end = HEADER_BYTES + count * ENTRY.size
    return sorted(ENTRY.iter_unpack(data[HEADER_BYTES:end]))


def notifications(log, calls):
    """Of each that took the course it should: the time of each step, in nanoseconds."""
    found = []
    times = []
    for ns, *what in log:
        what = tuple(what)
        if what == calls[0][0]:
            times = [ns]
        elif times and what == calls[len(times)][0]:
            times.append(ns)
            if len(times) == len(calls):
                found.append([after - before for before, after in zip(times, times[1:])])
                times = []
    return found


def measure_steps(scene, contestant, scale):
    """[(what lies between, median in microseconds)], and of how many."""
    path = os.path.join(scene.directory, "steps")
    with open(path, "wb") as file:
        file.truncate(HEADER_BYTES + ROOM * ENTRY.size)
    # A daemon of another user has to be able to.
    os.chmod(path, 0o666)
    # Who polls sleeps too seldom to show what waking up takes.
    scene.environment.update(STEP_LOG=path, KYRON_BUSY_POLL_US="0",
                             LD_PRELOAD=os.path.join(scene.build, "bench/.libs/libstep_log.so"))
    if is_ours(contestant):
        start_daemon(scene, contestant)
    address = scene.start(*SERVERS[contestant]).await_address()
    scene.run("bench/load", *address, "--connections", 1, "--size", 64,
              "--warm-up", scale.warm_up_ms, "--time", scale.time_ms)
    calls = CALLS[contestant]
    found = notifications(entries(path), calls)
    if not found:
        raise BenchError(f"no notification of {contestant} took the course that is known")
    medians = [statistics.median(column) / 1000 for column in zip(*found)]
    total = statistics.median(sum(times) for times in found) / 1000
    return {
        "contestant": contestant,
        "notifications": len(found),
        "steps": [{"step": what, "us": round(us, 2)} for (_, what), us in zip(calls[1:], medians)],
        "total_us": round(total, 2),
    }
