"""Registering descriptors with another process, and closing them. Who is served directly would
register none."""

from case import Case, HIGHER, LOWER
from ours import RELAYED, is_ours, start_daemon

PROGRAMS = {
    RELAYED: "bench/ours_registrations",
    "bare SCM_RIGHTS": "bench/bare_registrations",
}


def measure(scene, contestant, parameters, scale):
    if is_ours(contestant):
        start_daemon(scene, contestant)
    measured = scene.run(PROGRAMS[contestant], "--batch", parameters["in a packet"],
                         "--warm-up", scale.warm_up_ms, "--time", scale.time_ms)
    return {
        "registrations/s": measured["registrations"] / measured["seconds"],
        "CPU s/million": measured["cpu_seconds"] / measured["registrations"] * 1e6,
    }


def batches(scale):
    return [{"in a packet": count}
            for count in ((1, 16, 253) if scale.name == "full" else (1, 253))]


CASES = [
    Case("registrations", list(PROGRAMS), {"registrations/s": HIGHER, "CPU s/million": LOWER},
         batches, measure, {name: [program] for name, program in PROGRAMS.items()}),
]
