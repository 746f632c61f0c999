"""A million registrations, of many processes, on one daemon: what each takes, and whether waking
one takes longer than with a hundred."""

import os

from case import Case, LOWER
from ours import RELAYED, start_daemon

HUNDRED = "a daemon with a hundred"
WAKES = {"full": 20000, "quick": 2000, "smoke": 10}


def memory_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        for line in file:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    raise OSError("no Anonymous: in smaps_rollup")


def measure(scene, contestant, parameters, scale):
    processes = parameters["processes"] if contestant == RELAYED else 1
    each = parameters["registrations"] // processes if contestant == RELAYED else 100
    daemon = start_daemon(scene, RELAYED).process.pid
    before = memory_bytes(daemon)
    sizes = []
    for _ in range(processes):
        program = scene.start("bench/ours_registered", each)
        sizes.append(program.read_json()["bytes_each"])
    wakes = program.ask(WAKES[scale.name])
    figures = {"wake p50 us": wakes["p50_us"], "wake p99 us": wakes["p99_us"]}
    if contestant == HUNDRED:
        return figures
    return {
        **figures,
        "daemon bytes each": (memory_bytes(daemon) - before) / (each * processes),
        "daemon descriptors": len(os.listdir(f"/proc/{daemon}/fd")),
        "client bytes each": sum(sizes) / len(sizes),
    }


def amounts(scale):
    # A process may have 20,000 files open on many machines.
    registrations, processes = {"full": (1000010, 55), "quick": (50000, 5),
                                "smoke": (1000, 2)}[scale.name]
    return [{"registrations": registrations, "processes": processes}]


CASES = [
    Case("a million", [RELAYED, HUNDRED],
         {name: LOWER for name in ("wake p50 us", "wake p99 us", "daemon bytes each",
                                   "daemon descriptors", "client bytes each")},
         amounts, measure, {name: ["bench/ours_registered"] for name in (RELAYED, HUNDRED)}),
]
