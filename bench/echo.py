"""The echo cases: the same load on servers that differ in how they wait."""

import os
import socket
import statistics
import time

from case import Case, DELIVERIES, HIGHER, LOWER
from ours import DIRECT, OURS, RELAYED, SLEEPING, deliveries, is_ours, start_daemon
from ratio import BARE_RELAY
from scene import BenchError

METRICS = {
    "round trips/s": HIGHER,
    "p99 us": LOWER,
    "CPU s/million": LOWER,
    "p50 us": LOWER,
    "p99.9 us": LOWER,
}

SERVERS = {
    **{name: ("bench/ours_echo",) for name in (OURS, RELAYED, DIRECT, SLEEPING)},
    "epoll level": ("bench/peer_epoll", "level"),
    "epoll edge": ("bench/peer_epoll", "edge"),
    "libevent": ("bench/peer_libevent",),
    "libuv": ("bench/peer_libuv",),
    BARE_RELAY: ("bench/relay",),
}
ALL = [OURS, RELAYED, "epoll level", "epoll edge", "libevent", "libuv"]

# What the load or the scene is told of a parameter.
LOAD_OPTIONS = {"active": "--active", "under way": "--depth", "us pause": "--pause"}
TAKES = ("connections", "bytes", "processes", "hogs", "attack", *LOAD_OPTIONS)
# However long the pauses are, there shall be some messages.
PAUSES_MIN = 4


def figures(measured):
    """Of what the load has measured."""
    shares = measured["by_target"]
    return {
        "round trips/s": measured["round_trips"] / measured["seconds"],
        "p50 us": measured["p50_us"],
        "p99 us": measured["p99_us"],
        "p99.9 us": measured["p999_us"],
        "CPU s/million": measured["cpu_seconds"] / measured["round_trips"] * 1e6,
        "slowest/fastest": max(min(shares), 1) / max(shares),
    }


def load_words(parameters, scale):
    """How the load does what the parameters say."""
    connections = parameters["connections"] * parameters.get("processes", 1)
    # Of so many at once, each shall have several round trips.
    time_ms = scale.time_ms * (3 if parameters.get("active", connections) >= 10000 else 1)
    time_ms = max(time_ms, parameters.get("us pause", 0) * PAUSES_MIN // 1000)
    words = ["--connections", connections, "--size", parameters["bytes"],
             "--warm-up", scale.warm_up_ms, "--time", time_ms]
    for name, option in LOAD_OPTIONS.items():
        if name in parameters:
            words += [option, parameters[name]]
    return words


def run_load(scene, contestant, parameters, scale, server, *more):
    """Returns what the load says, and who waited then."""
    if is_ours(contestant):
        start_daemon(scene, contestant)
    elif "attack" in parameters:
        # Nobody but the attacker uses it.
        scene.start_daemon()
    servers = [scene.start(*server) for _ in range(parameters.get("processes", 1))]
    targets = [word for server in servers for word in server.await_address()]
    scene.start_hogs(parameters.get("hogs", 0))
    if "attack" in parameters:
        scene.start_attack(parameters["attack"])
    measured = scene.run("bench/load", *targets, *load_words(parameters, scale), *more)
    return measured, deliveries(scene) if is_ours(contestant) else []


def measure(scene, contestant, parameters, scale):
    measured, waits = run_load(scene, contestant, parameters, scale, SERVERS[contestant])
    return {**figures(measured), DELIVERIES: waits}


def measure_udp(scene, contestant, parameters, scale):
    measured, waits = run_load(scene, contestant, parameters, scale,
                               (SERVERS[contestant][0], "udp"))
    return {**figures(measured), DELIVERIES: waits}


def measure_wakeups(scene, contestant, parameters, scale):
    measured, waits = run_load(scene, contestant, parameters, scale, SERVERS[contestant],
                               "--wakeups")
    # The load's own first, then the others' in the order they were started.
    *daemons, server = measured["wakeups_of"][1:]
    found = {
        "wakeups/message": server / measured["round_trips"],
        "p50 us": measured["p50_us"],
        DELIVERIES: waits,
    }
    if daemons:
        found["daemon's wakeups/message"] = sum(daemons) / measured["round_trips"]
    if waits:
        found["relayed of all sessions"] = waits.count("relayed") / len(waits)
    return found


def measure_start(scene, contestant, parameters, scale):
    """From the start of a server's process to the first byte it sends back."""
    if is_ours(contestant):
        start_daemon(scene, contestant)
    times = []
    for _ in range(parameters["starts"]):
        from_s = time.perf_counter()
        host, port = scene.start(*SERVERS[contestant]).await_address()[1].split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"x")
            if client.recv(1) != b"x":
                raise BenchError("another byte came back than was sent")
        times.append(time.perf_counter() - from_s)
    return {"ms": statistics.median(times) * 1000}


def grid(connections, sizes=(64,), **more):
    return [{"connections": count, "bytes": size, **more}
            for size in sizes for count in connections]


def by_scale(full, quick, smoke):
    return lambda scale: {"full": full, "quick": quick, "smoke": smoke}[scale.name]


def paused(*pauses_us):
    return [{**SELDOM, "us pause": pause} for pause in pauses_us]


def attacked(attacks, *parameters):
    return [{**each, "attack": attack} for attack in attacks for each in parameters]


HOGS = {"hogs": os.cpu_count()}
BUSY = {"connections": 10, "bytes": 64}
SELDOM = {"connections": 1, "bytes": 64, "us pause": 1000}
PROGRAMS = {name: words[:1] for name, words in SERVERS.items()}
CASES = [
    Case("echo", [*ALL, BARE_RELAY], METRICS,
         by_scale(grid((1, 10, 100, 1000, 10000), (64, 16384)), grid((1, 10, 100, 1000)),
                  grid((10,))),
         measure, PROGRAMS, TAKES),
    Case("latency", [OURS, RELAYED, SLEEPING, *ALL[2:], BARE_RELAY],
         {"p50 us": LOWER, "p99 us": LOWER},
         by_scale([SELDOM], [SELDOM], grid((1,), **{"us pause": 100})),
         measure, PROGRAMS, TAKES),
    # Where the hop begins to cost.
    Case("pauses", [RELAYED, "epoll edge"], {"CPU s/million": LOWER, "p50 us": LOWER},
         by_scale(paused(333, 1000, 3333, 10000, 100000), paused(1000, 3333), paused(333)),
         measure, PROGRAMS, TAKES),
    Case("once a second", [OURS, "epoll edge"],
         {"wakeups/message": LOWER, "daemon's wakeups/message": LOWER,
          "relayed of all sessions": HIGHER, "p50 us": LOWER},
         by_scale(*2 * [grid((1,), **{"us pause": 1000000})], grid((1,), **{"us pause": 20000})),
         measure_wakeups, PROGRAMS, TAKES),
    Case("processes", ALL, {**METRICS, "slowest/fastest": HIGHER},
         by_scale(grid((100,), processes=8), grid((100,), processes=8), grid((2,), processes=2)),
         measure, PROGRAMS, TAKES),
    Case("hogs", ALL, METRICS,
         by_scale(grid((1, 10, 100, 1000), **HOGS), grid((100,), **HOGS), grid((2,), **HOGS)),
         measure, PROGRAMS, TAKES),
    # The processor time would be what the attack takes of the daemon.
    Case("attacks", [OURS, RELAYED, "epoll edge", "libevent"],
         {"p99 us": LOWER, "round trips/s": HIGHER, "p50 us": LOWER},
         by_scale(attacked(("request-flood", "connection-flood", "descriptor-flood"), SELDOM, BUSY),
                  attacked(("request-flood", "descriptor-flood"), BUSY),
                  attacked(("request-flood",), BUSY)),
         measure, {name: (*programs, "tests/torture/attack")
                   for name, programs in PROGRAMS.items()}, TAKES),
    Case("idle connections", ALL, METRICS,
         by_scale(grid((10000,), active=10), grid((2000,), active=10), grid((10,), active=2)),
         measure, PROGRAMS, TAKES),
    Case("pipelined", ALL, METRICS,
         by_scale(grid((1, 10, 100), **{"under way": 16}), grid((10,), **{"under way": 16}),
                  grid((2,), **{"under way": 4})),
         measure, PROGRAMS, TAKES),
    Case("UDP", [OURS, RELAYED, "epoll level", "libevent"], METRICS,
         by_scale(grid((1, 10, 100)), grid((10,)), grid((2,))),
         measure_udp, PROGRAMS, ("hogs", "attack", "us pause")),
    Case("start to first byte", ALL, {"ms": LOWER},
         by_scale([{"starts": 20}], [{"starts": 5}], [{"starts": 1}]), measure_start, PROGRAMS),
]
