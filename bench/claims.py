"""What the project claims of its speed, and whether a report keeps it.

Of each claim all figures that it speaks of have to be as good as wanted: within what the run itself
can tell, which is one of their quartiles, or firmly, which is their median.
"""

from collections import namedtuple

from case import HIGHER, describe
from ours import OURS, RELAYED
from ratio import BARE_RELAY, BEST, figure, ratio, spread_text, standards

# contestant: whose. cases, metric: of what. to: BEST, a peer, or None for the figure itself.
Claim = namedtuple("Claim", "text contestant cases metric to wanted firm", defaults=[False])

ECHOES = ("echo", "processes", "idle connections", "pipelined", "UDP")

CLAIMS = [
    Claim(f"echo: round trips, to those of {BEST}", OURS, ECHOES, "round trips/s", BEST, 1),
    Claim("the same, whatever the spread", OURS, ECHOES, "round trips/s", BEST, 0.97, firm=True),
    Claim(f"echo: 99th percentile, to that of {BEST}", OURS, ECHOES, "p99 us", BEST, 1),
    Claim(f"echo: processor time, to that of {BEST}", OURS, ECHOES, "CPU s/million", BEST, 1.02),
    Claim("eight processes: round trips of the slowest, to those of the fastest", OURS,
          ("processes",), "slowest/fastest", None, 0.9),
    Claim("a message a millisecond: median, to that of in-process epoll", OURS, ("latency",),
          "p50 us", "epoll edge", 1.1),
    Claim("a message a second: the server's wakeups for each", OURS, ("once a second",),
          "wakeups/message", None, 1),
    Claim("a message a second: the daemon's wakeups for each", OURS, ("once a second",),
          "daemon's wakeups/message", None, 1),
    Claim("a message a second: share of the sessions that the daemon waits for", OURS,
          ("once a second",), "relayed of all sessions", None, 1, firm=True),
    Claim(f"beside a hog on each core: round trips, to those of {BEST}", OURS, ("hogs",),
          "round trips/s", BEST, 0.97),
    Claim(f"beside a hog on each core: 99th percentile, to that of {BEST}", OURS, ("hogs",),
          "p99 us", BEST, 1.05),
    Claim(f"beside an attack on the daemon: 99th percentile, to that of {BEST}", OURS,
          ("attacks",), "p99 us", BEST, 1.1),
    Claim(f"relayed echo: round trips, to those of the {BARE_RELAY}", RELAYED, ("echo",),
          "round trips/s", BARE_RELAY, 1),
    Claim("relayed registrations, to those of the bare loop", RELAYED, ("registrations",),
          "registrations/s", "bare SCM_RIGHTS", 0.9),
    Claim(f"accepts, to those of {BEST}", OURS, ("accepts",), "connections/s", BEST, 1),
    Claim(f"connects, to those of {BEST}", OURS, ("connects",), "connections/s", BEST, 0.8),
    Claim("descriptors held and taken, to those of s6-fdholder by its library", OURS,
          ("hold and take",), "holds/s", "s6-fdholder", 1),
    Claim("a million registrations: the daemon's bytes for each", RELAYED, ("a million",),
          "daemon bytes each", None, 128),
    Claim("a million registrations: their processes' bytes for each", RELAYED, ("a million",),
          "client bytes each", None, 256),
    Claim("a million registrations: the daemon's descriptors", RELAYED, ("a million",),
          "daemon descriptors", None, 200),
    Claim("a million registrations: median until one is told, to that of one of a hundred",
          RELAYED, ("a million",), "wake p50 us", "a daemon with a hundred", 1.2),
]


def told(claim, row):
    """The spread of what the claim says of a row; or None."""
    if (row["case"] not in claim.cases or row["metric"] != claim.metric
            or claim.contestant not in row["figures"]):
        return None
    if claim.to is None:
        return figure(row, claim.contestant)
    peer = standards(row, claim.contestant).get(claim.to, claim.to)
    return ratio(row, claim.contestant, peer) if peer in row["figures"] else None


def is_kept(value, claim, better):
    if claim.firm:
        reached = value.middle
    else:
        reached = value.high if better == HIGHER else value.low
    return reached >= claim.wanted if better == HIGHER else reached <= claim.wanted


def verdict(claim, rows):
    """The claim with what was measured of it, the farthest from what is wanted first; or None."""
    measured = []
    for row in rows:
        value = told(claim, row)
        if value:
            better = row["better"]
            measured.append({"case": row["case"], "parameters": row["parameters"],
                             "value": value.middle, "quartiles": [value.low, value.high],
                             "kept": is_kept(value, claim, better)})
    if not measured:
        return None
    measured.sort(key=lambda each: each["value"], reverse=better != HIGHER)
    return {"claim": claim.text, "of": claim.contestant, "wanted": claim.wanted, "better": better,
            "firm": claim.firm, "kept": all(each["kept"] for each in measured),
            "measured": measured}


def verdicts(rows):
    """One for each claim of which something was measured."""
    return [each for each in (verdict(claim, rows) for claim in CLAIMS) if each]


def bound(each):
    """What is wanted of a claim, for a person."""
    return f"{'at least' if each['better'] == HIGHER else 'at most'} {each['wanted']:g}"


def evidence(each):
    """Where a claim is not kept; or of one that is, what is nearest to that."""
    places = [one for one in each["measured"] if not one["kept"]] or each["measured"][:1]
    return "; ".join(
        f"{spread_text((one['value'], *one['quartiles']))} with {one['case']}, "
        f"{describe(one['parameters'])}" for one in places)
