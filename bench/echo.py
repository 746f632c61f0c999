"""The echo cases: the same load on servers that differ in how they wait."""

import os
import socket
import statistics
import time

from case import Case, HIGHER, LOWER, OURS
from scene import BenchError

METRICS = {
    "round trips/s": HIGHER,
    "p50 us": LOWER,
    "p99 us": LOWER,
    "p99.9 us": LOWER,
    "CPU s/million": LOWER,
}

SLEEPING = "kyron-iod, sleeping"
SERVERS = {
    OURS: ("bench/ours_echo",),
    SLEEPING: ("bench/ours_echo",),
    "epoll level": ("bench/peer_epoll", "level"),
    "epoll edge": ("bench/peer_epoll", "edge"),
    "libevent": ("bench/peer_libevent",),
    "libuv": ("bench/peer_libuv",),
    "epoll edge, polling": ("bench/peer_epoll", "polling"),
    "bare relay": ("bench/relay",),
}
IN_PROCESS = [OURS, "epoll level", "epoll edge", "libevent", "libuv"]
ECHO = [*IN_PROCESS, "bare relay"]
LATENCY = [OURS, SLEEPING, "epoll edge", "epoll edge, polling", "libevent", "bare relay"]
UDP_SERVERS = [OURS, "epoll level", "libevent"]


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
    words = ["--connections", connections, "--size", parameters["bytes"],
             "--warm-up", scale.warm_up_ms, "--time", time_ms]
    for name, option in (("active", "--active"), ("under way", "--depth"), ("us pause", "--pause")):
        if name in parameters:
            words += [option, parameters[name]]
    return words


def measure(scene, contestant, parameters, scale):
    if contestant in (OURS, SLEEPING):
        scene.start_daemon()
    if contestant == SLEEPING:
        scene.environment["KYRON_BUSY_POLL_US"] = "0"
    servers = [scene.start(*SERVERS[contestant]) for _ in range(parameters.get("processes", 1))]
    targets = [word for server in servers for word in server.await_address()]
    scene.start_hogs(parameters.get("hogs", 0))
    return figures(scene.run("bench/load", *targets, *load_words(parameters, scale)))


def measure_udp(scene, contestant, parameters, scale):
    if contestant == OURS:
        scene.start_daemon()
    server = scene.start(SERVERS[contestant][0], "udp")
    return figures(scene.run("bench/load", *server.await_address(),
                             *load_words(parameters, scale)))


def measure_start(scene, contestant, parameters, scale):
    """From the start of a server's process to the first byte it sends back."""
    if contestant == OURS:
        scene.start_daemon()
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


def add_to_edge(samples):
    """What waiting through another process adds to the median, in this round."""
    base = samples["epoll edge"]["p50 us"]
    for name in {OURS, SLEEPING, "bare relay"} & samples.keys():
        samples[name]["p50 us added"] = max(samples[name]["p50 us"] - base, 0.001)


def grid(connections, sizes=(64,), **more):
    return [{"connections": count, "bytes": size, **more}
            for size in sizes for count in connections]


def by_scale(full, quick, smoke):
    return lambda scale: {"full": full, "quick": quick, "smoke": smoke}[scale.name]


HOGS = {"hogs": os.cpu_count()}
PROGRAMS = {name: words[:1] for name, words in SERVERS.items()}
CASES = [
    Case("echo", ECHO, METRICS,
         by_scale(grid((1, 10, 100, 1000, 10000), (64, 16384)), grid((1, 10, 100, 1000)),
                  grid((10,))),
         measure, PROGRAMS),
    Case("latency", LATENCY,
         {"p50 us": LOWER, "p99 us": LOWER, "p50 us added": LOWER},
         by_scale([*grid((1,)), *grid((1,), **{"us pause": 1000})],
                  grid((1,), **{"us pause": 1000}), grid((1,), **{"us pause": 100})),
         measure, PROGRAMS, add_to_edge),
    Case("processes", IN_PROCESS, {**METRICS, "slowest/fastest": HIGHER},
         by_scale(grid((100,), processes=8), grid((100,), processes=8), grid((2,), processes=2)),
         measure, PROGRAMS),
    Case("hogs", IN_PROCESS, METRICS,
         by_scale(grid((1, 10, 100, 1000), **HOGS), grid((100,), **HOGS), grid((2,), **HOGS)),
         measure, PROGRAMS),
    Case("idle connections", IN_PROCESS, METRICS,
         by_scale(grid((10000,), active=10), grid((2000,), active=10), grid((10,), active=2)),
         measure, PROGRAMS),
    Case("pipelined", IN_PROCESS, METRICS,
         by_scale(grid((1, 10, 100), **{"under way": 16}), grid((10,), **{"under way": 16}),
                  grid((2,), **{"under way": 4})),
         measure, PROGRAMS),
    Case("UDP", UDP_SERVERS, METRICS,
         by_scale(grid((1, 10, 100)), grid((10,)), grid((2,))),
         measure_udp, PROGRAMS),
    Case("start to first byte", IN_PROCESS, {"ms": LOWER},
         by_scale([{"starts": 20}], [{"starts": 5}], [{"starts": 1}]), measure_start, PROGRAMS),
]
