"""Puts what a report says into documents, each part between two lines that name it."""

import textwrap

from case import describe
from claims import bound, evidence
from ours import OURS, RELAYED
from ratio import (BEST, figure, name_of, number, ours_of, ratio, spread_text, standards)
from scene import BenchError

END = "<!-- to here -->\n"
# Of who counts round trips: only in the file of figures.
DETAILS = ("p50 us", "p99.9 us")
COUNTED = "round trips/s"


def begin(part):
    return f"<!-- ./dev bench writes the {part} from here -->\n"


def claims(report):
    """One line a claim."""
    return "\n".join([
        "| claim | wanted | kept | where it is not, or nearly not |", "| --- | --- | --- | --- |",
        *(f"| {each['claim']} | {bound(each)} | "
          f"{sum(one['kept'] for one in each['measured'])} of {len(each['measured'])} | "
          f"{evidence(each)} |" for each in report["claims"])])


def cell(row, contestant, standard):
    """A figure, and its ratio to the standard's if there is one."""
    text = number(figure(row, contestant).middle)
    peer = standards(row, contestant).get(standard)
    return f"{text}: {spread_text(ratio(row, contestant, peer))}" if peer else text


def case_table(rows, standard):
    """What there is to compare with the standard: a line for each of ours and its parameters, a
    column a metric."""
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    if COUNTED in metrics:
        metrics = [metric for metric in metrics if metric not in DETAILS]
    lines = {}
    for row in rows:
        for contestant in ours_of(row):
            found = standards(row, contestant)
            # What can be compared with nothing is in the first table.
            if standard in found or not found and standard is None:
                key = describe(row["parameters"]), name_of(row, contestant)
                lines.setdefault(key, {})[row["metric"]] = cell(row, contestant, standard)
    better = {row["metric"]: row["better"] for row in rows}
    metrics = [metric for metric in metrics if any(metric in line for line in lines.values())]
    head = [f"{metric}, {better[metric]} is better" for metric in metrics]
    return [f"| {f'to {standard}' if standard else ''} | | " + " | ".join(head) + " |",
            "| --- " * (2 + len(metrics)) + "|",
            *(f"| {parameters} | {who} | " +
              " | ".join(line.get(metric, "-") for metric in metrics) + " |"
              for (parameters, who), line in lines.items()), ""]


def case_tables(name, rows):
    """A table for each of what ours is compared with."""
    found = list(dict.fromkeys(
        standard for row in rows for contestant in ours_of(row)
        for standard in standards(row, contestant) or [None]))
    return [f"### {name[0].upper()}{name[1:]}", "",
            *(line for standard in found for line in case_table(rows, standard))]


def steps(report):
    if not report["steps"]:
        return []
    lines = ["### Where the time of a notification goes", "",
             "One connection, one message under way: medians in microseconds, from the load's send "
             "to the moment when the server's own code reads. Noting the time is in it.", ""]
    for each in report["steps"]:
        lines += [f"| {each['contestant']}, {each['notifications']:,} notifications | us |",
                  "| --- | --- |",
                  *(f"| {step['step']} | {step['us']:.2f} |" for step in each["steps"]),
                  f"| in all | {each['total_us']:.2f} |", ""]
    return lines


def figures(report):
    machine = report["machine"]
    rows = report["rows"]
    if not rows:
        raise BenchError("nothing was measured")
    stolen = [row["stolen"] for row in rows]
    lines = [f"Measured on Linux {machine['kernel']} with {machine['cores']} cores "
             f"({machine['processor']}), of whose time the hypervisor took "
             f"{sum(stolen) / len(stolen):.1%} while it was measured, in {rows[0]['rounds']} "
             "rounds. Each cell has the median of the figure, then the median of its ratios with "
             "their quartiles in brackets.", ""]
    lines += steps(report)
    for case in dict.fromkeys(row["case"] for row in rows):
        lines += case_tables(case, [row for row in rows if row["case"] == case])
    return "\n".join(lines).rstrip()


def span(rows, case, contestant, metric):
    """From the least to the greatest ratio to the best in-process peer, over all of a case."""
    found = [ratio(row, contestant, standards(row, contestant)[BEST]).middle for row in rows
             if (row["case"], row["metric"]) == (case, metric) and contestant in row["figures"]]
    if not found:
        raise BenchError(f"the summary needs the case {case} with {contestant}")
    low, high = f"{min(found):.2f}", f"{max(found):.2f}"
    return low if low == high else f"{low} to {high}"


def summary(report):
    """Two sentences."""
    rows = report["rows"]
    trips = span(rows, "echo", OURS, COUNTED)
    counts = [row["parameters"]["connections"] for row in rows if row["case"] == "echo"]
    relayed = span(rows, "echo", RELAYED, COUNTED)
    return textwrap.fill(
        f"An echo server on kyron-iod has {trips} of the round trips of the best of libevent, "
        f"libuv and raw epoll, at {span(rows, 'echo', OURS, 'CPU s/million')} of its processor "
        f"time, from {min(counts):,} to {max(counts):,} connections: whoever hardly waits, waits "
        "himself. Whoever waits long is waited for by the daemon, which costs a wakeup more each "
        f"time: under the same load that would leave {relayed} of the round trips.", 100)


PARTS = {"summary": summary, "claims": claims, "figures": figures}


def write(report, path):
    """Every part that the document has a place for."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    places = [part for part in PARTS if begin(part) in text]
    if not places:
        raise BenchError(f"{path} has no place for anything: {begin('figures').strip()}")
    for part in places:
        before, _, rest = text.partition(begin(part))
        if END not in rest:
            raise BenchError(f"{path}: after {begin(part).strip()} there is no {END.strip()}")
        after = rest.partition(END)[2]
        text = f"{before}{begin(part)}\n{PARTS[part](report)}\n\n{END}{after}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
