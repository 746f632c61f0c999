"""Registering descriptors with another process, and closing them."""

from case import Case, HIGHER, LOWER, OURS

PROGRAMS = {
    OURS: "bench/ours_registrations",
    "bare SCM_RIGHTS": "bench/bare_registrations",
}


def measure(scene, contestant, parameters, scale):
    if contestant == OURS:
        scene.start_daemon()
    measured = scene.run(PROGRAMS[contestant], "--batch", parameters["in a packet"],
                         "--warm-up", scale.warm_up_ms, "--time", scale.time_ms)
    return {
        "registrations/s": measured["registrations"] / measured["seconds"],
        "CPU s/million": measured["cpu_seconds"] / measured["registrations"] * 1e6,
    }


def batches(scale):
    return [{"in a packet": count} for count in ((1, 16, 253) if scale.name == "full" else (1, 253))]


CASES = [
    Case("registrations", list(PROGRAMS), {"registrations/s": HIGHER, "CPU s/million": LOWER},
         batches, measure, {name: [program] for name, program in PROGRAMS.items()}),
]
