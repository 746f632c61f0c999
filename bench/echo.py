"""The echo cases: the same load on servers that differ in how they wait."""

from case import Case, HIGHER, LOWER, OURS

METRICS = {
    "round trips/s": HIGHER,
    "p50 us": LOWER,
    "p99 us": LOWER,
    "p99.9 us": LOWER,
    "CPU s/million": LOWER,
}

SERVERS = {
    OURS: ("bench/ours_echo",),
    "epoll level": ("bench/peer_epoll", "level"),
    "epoll edge": ("bench/peer_epoll", "edge"),
    "libevent": ("bench/peer_libevent",),
    "libuv": ("bench/peer_libuv",),
    "bare relay": ("bench/relay",),
}


def figures(measured):
    """Of what the load has measured."""
    return {
        "round trips/s": measured["round_trips"] / measured["seconds"],
        "p50 us": measured["p50_us"],
        "p99 us": measured["p99_us"],
        "p99.9 us": measured["p999_us"],
        "CPU s/million": measured["cpu_seconds"] / measured["round_trips"] * 1e6,
    }


def measure(scene, contestant, parameters, scale):
    if contestant == OURS:
        scene.start_daemon()
    server = scene.start(*SERVERS[contestant])
    # Of so many, each shall have several round trips.
    time_ms = scale.time_ms * (3 if parameters["connections"] >= 10000 else 1)
    return figures(scene.run(
        "bench/load", *server.await_address(), "--connections", parameters["connections"],
        "--size", parameters["bytes"], "--warm-up", scale.warm_up_ms, "--time", time_ms))


def sizes(scale):
    if scale.name == "full":
        return [{"connections": connections, "bytes": size}
                for size in (64, 16384) for connections in (1, 10, 100, 1000, 10000)]
    if scale.name == "quick":
        return [{"connections": connections, "bytes": 64} for connections in (1, 10, 100, 1000)]
    return [{"connections": 10, "bytes": 64}]


CASES = [
    Case("echo", list(SERVERS), METRICS, sizes, measure,
         {name: words[:1] for name, words in SERVERS.items()}),
]
