"""Accepting: short connections to one address that several processes serve."""

from case import Case, DELIVERIES, HIGHER, LOWER
from ours import OURS, RELAYED, deliveries, is_ours, start_daemon

METRICS = {"connections/s": HIGHER, "p99 us": LOWER, "CPU s/million": LOWER}
MODES = {"SO_REUSEPORT": "reuseport", "EPOLLEXCLUSIVE": "exclusive"}


def start(scene, contestant, workers):
    """Returns where they serve."""
    if not is_ours(contestant):
        return scene.start("bench/peer_accepts", MODES[contestant], workers).await_address()
    start_daemon(scene, contestant)
    address = scene.start("bench/ours_accepts").await_address()
    for _ in range(1, workers):
        scene.start("bench/ours_accepts", "join").await_address()
    return address


def measure(scene, contestant, parameters, scale):
    address = start(scene, contestant, parameters["workers"])
    measured = scene.run("bench/load_accepts", *address, "--warm-up", scale.warm_up_ms,
                         "--time", scale.time_ms)
    return {
        "connections/s": measured["connections"] / measured["seconds"],
        "p99 us": measured["p99_us"],
        "CPU s/million": measured["cpu_seconds"] / measured["connections"] * 1e6,
        DELIVERIES: deliveries(scene) if is_ours(contestant) else [],
    }


CASES = [
    Case("accepts", [OURS, RELAYED, *MODES], METRICS,
         lambda scale: [{"workers": 1}, {"workers": 4}], measure,
         {**{name: ["bench/ours_accepts"] for name in (OURS, RELAYED)},
          **{peer: ["bench/peer_accepts"] for peer in MODES}}),
]
