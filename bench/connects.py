"""Connecting: the daemon makes the connections, beside a process that makes its own."""

from case import Case, HIGHER, LOWER, OURS

PROGRAMS = {OURS: "bench/ours_connects", "epoll": "bench/peer_connects"}


def measure(scene, contestant, parameters, scale):
    if contestant == OURS:
        scene.start_daemon()
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
