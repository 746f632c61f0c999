"""Connecting: the daemon makes the connections, beside a process that makes its own."""

from case import Case, HIGHER, LOWER
from ours import OURS, RELAYED, is_ours, start_daemon

PROGRAMS = {
    OURS: "bench/ours_connects",
    RELAYED: "bench/ours_connects",
    "epoll": "bench/peer_connects",
}


def measure(scene, contestant, parameters, scale):
    if is_ours(contestant):
        start_daemon(scene, contestant)
    # Closes what its client has closed.
    server = scene.start("bench/peer_accepts", "exclusive", 1)
    measured = scene.run(PROGRAMS[contestant], *server.await_address(),
                         "--warm-up", scale.warm_up_ms, "--time", scale.time_ms)
    return {
        "connections/s": measured["connections"] / measured["seconds"],
        "CPU s/million": measured["cpu_seconds"] / measured["connections"] * 1e6,
    }


CASES = [
    Case("connects", list(PROGRAMS), {"connections/s": HIGHER, "CPU s/million": LOWER},
         lambda scale: [{"at once": 64}], measure,
         {name: [program, "bench/peer_accepts"] for name, program in PROGRAMS.items()}),
]
