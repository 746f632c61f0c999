"""What the project promises of its speed, and whether a report keeps it.

Against "the best of the in-process peers" means that every one of them has to be met.
"""

from case import HIGHER, OURS

IN_PROCESS = ("epoll level", "epoll edge", "libevent", "libuv")
ACCEPTS = ("SO_REUSEPORT", "EPOLLEXCLUSIVE")

# case, metric, peers, the ratio that is wanted.
TARGETS = [
    ("echo", "round trips/s", IN_PROCESS, 1.0),
    ("echo", "p99 us", IN_PROCESS, 1.0),
    ("echo", "CPU s/million", ("libevent",), 1.25),
    ("latency", "p50 us added", ("bare relay",), 1.05),
    ("registrations", "registrations/s", ("bare SCM_RIGHTS",), 0.9),
    ("accepts", "connections/s", ACCEPTS, 1.0),
    ("hold and take", "holds/s", ("s6-fdholder", "s6-fdholder's commands"), 10.0),
    ("a million", "daemon bytes each", ("wanted at most",), 1.0),
    ("a million", "daemon descriptors", ("wanted at most",), 1.0),
    ("a million", "wake p50 us", ("kyron-iod with a hundred",), 1.2),
    ("processes", "round trips/s", ("libevent",), 1.0),
]


def met(row, wanted):
    return row["ratio"] >= wanted if row["better"] == HIGHER else row["ratio"] <= wanted


def verdict(name, parameters, metric, peer, value, wanted, good):
    return {"case": name, "parameters": parameters, "metric": metric, "peer": peer,
            "value": value, "wanted": wanted, "met": good}


def ratios(rows):
    for name, metric, peers, wanted in TARGETS:
        for row in rows:
            if (row["case"], row["metric"]) == (name, metric) and row["peer"] in peers:
                yield verdict(name, row["parameters"], metric, row["peer"], row["ratio"], wanted,
                              met(row, wanted))


def fairness(rows):
    """Of many processes, the slowest is within 10 % of the fastest."""
    for row in rows:
        if (row["case"], row["metric"], row["peer"]) == ("processes", "slowest/fastest",
                                                         "libevent"):
            yield verdict("processes", row["parameters"], "slowest/fastest", OURS, row["ours"],
                          0.9, row["ours"] >= 0.9)


def under_hogs(rows):
    """Beside hogs, ours is to libevent what it is without."""
    without = {(row["parameters"]["connections"], row["metric"]): row["ratio"] for row in rows
               if row["case"] == "echo" and row["peer"] == "libevent"
               and row["parameters"]["bytes"] == 64}
    for row in rows:
        key = (row["parameters"].get("connections"), row["metric"])
        if row["case"] != "hogs" or row["peer"] != "libevent" or key not in without:
            continue
        change = row["ratio"] / without[key]
        if row["metric"] == "round trips/s":
            yield verdict("hogs", row["parameters"], "round trips/s to those without", "libevent",
                          change, 0.9, change >= 0.9)
        elif row["metric"] == "p99 us":
            yield verdict("hogs", row["parameters"], "p99 us to that without", "libevent", change,
                          1.1, change <= 1.1)


def growth(rows):
    """Ten times the connections never cost more for each round trip, beyond what they cost a peer,
    than doubling them 3.3 times may: 10 % each time."""
    wanted = 1.1 ** 3.32
    of = {(row["parameters"]["bytes"], row["parameters"]["connections"], row["peer"]): row["ratio"]
          for row in rows if row["case"] == "echo" and row["metric"] == "CPU s/million"}
    for (size, connections, peer), ratio in of.items():
        before = of.get((size, connections // 10, peer))
        if before and connections >= 10 and peer in IN_PROCESS:
            yield verdict("echo", {"connections": connections, "bytes": size},
                          "CPU to a tenth of the connections", peer, ratio / before,
                          round(wanted, 2), ratio / before <= wanted)


def verdicts(rows):
    """A list of what was measured of the promises."""
    return [*ratios(rows), *fairness(rows), *under_hogs(rows), *growth(rows)]
