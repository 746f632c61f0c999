"""How the contestants of a row compare.

One's figure is divided by another's of the same round; of these ratios the median counts, and their
quartiles tell how far it can be trusted.
"""

import statistics
from collections import namedtuple

from case import DELIVERIES, HIGHER
from ours import OURS, is_ours

# Who waits, accepts or connects in its own process.
IN_PROCESS = ("epoll level", "epoll edge", "libevent", "libuv", "SO_REUSEPORT", "EPOLLEXCLUSIVE",
              "epoll")
BEST = "the best in-process peer"
BARE_RELAY = "bare relay"

Spread = namedtuple("Spread", "middle low high")


def spread(values):
    if len(values) == 1:
        return Spread(*values * 3)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def figure(row, contestant):
    return spread(row["figures"][contestant])


def ratio(row, contestant, peer):
    return spread([one / other for one, other in
                   zip(row["figures"][contestant], row["figures"][peer])])


def ours_of(row):
    return [name for name in row["figures"] if is_ours(name)]


def peers_of(row):
    return [name for name in row["figures"] if not is_ours(name)]


def best(row):
    """Of the peers in one process, the one with the best median; or None."""
    among = [name for name in peers_of(row) if name in IN_PROCESS]
    choose = max if row["better"] == HIGHER else min
    return choose(among, key=lambda name: figure(row, name).middle) if among else None


def standards(row, contestant):
    """What one of ours is to be compared with: {name: the peer}. Peers in one process count as one,
    the best; and only who is waited for, with who waits for others."""
    found = {BEST: best(row)} if best(row) else {}
    found.update({name: name for name in peers_of(row) if name not in IN_PROCESS})
    if contestant == OURS:
        found.pop(BARE_RELAY, None)
    return found


def number(value):
    """For a person."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 10 else f"{value:.2f}"


def spread_text(values):
    return "{} ({}-{})".format(*map(number, values))


def name_of(row, contestant):
    """With who waited for it, if that is not in its name."""
    waits = " and ".join(row[DELIVERIES].get(contestant, ()))
    return f"{contestant} ({waits})" if waits and waits not in contestant else contestant
