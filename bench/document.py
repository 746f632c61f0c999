"""Puts a report's figures into a document, between two lines that say so."""

from case import OURS, describe
from scene import BenchError

BEGIN = "<!-- ./dev bench writes from here -->\n"
END = "<!-- to here -->\n"


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def promises(report):
    kept = sum(each["met"] for each in report["promises"])
    if not report["promises"]:
        return []
    return [f"{kept} of {len(report['promises'])} promises are kept. Not these:", "",
            "| case | of what | to | ratio | wanted |", "| --- | --- | --- | --- | --- |",
            *(f"| {each['case']}, {describe(each['parameters'])} | {each['metric']} | {each['peer']} "
              f"| {each['value']:.2f} | {each['wanted']:g} |"
              for each in report["promises"] if not each["met"]), ""]


def case_table(name, rows):
    """A line for each figure of ours, a column for each peer."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    lines = {}
    for row in rows:
        key = describe(row["parameters"]), row["metric"], row["better"]
        line = lines.setdefault(key, [number(row["ours"])] + ["-"] * len(peers))
        line[1 + peers.index(row["peer"])] = "{:.2f} ({:.2f}-{:.2f})".format(
            row["ratio"], *row["ratio_quartiles"])
    return [f"### {name[0].upper()}{name[1:]}", "",
            "| | | " + " | ".join([OURS, *(f"to {peer}" for peer in peers)]) + " |",
            "| --- " * (3 + len(peers)) + "|",
            *(f"| {parameters} | {metric}, {better} is better | " + " | ".join(line) + " |"
              for (parameters, metric, better), line in lines.items()), ""]


def steps(report):
    if not report["steps"]:
        return []
    lines = ["### Where the time of a notification goes", "",
             "One connection, one message under way: medians in microseconds, from the load's send to "
             "the moment when the server's own code reads. Noting the time is in it.", ""]
    for each in report["steps"]:
        lines += [f"| {each['contestant']}, {each['notifications']:,} notifications | us |",
                  "| --- | --- |",
                  *(f"| {step['step']} | {step['us']:.2f} |" for step in each["steps"]),
                  f"| in all | {each['total_us']:.2f} |", ""]
    return lines


def figures(report):
    machine = report["machine"]
    rows = report["rows"]
    stolen = [row["stolen"] for row in rows]
    lines = [f"Measured on Linux {machine['kernel']} with {machine['cores']} cores "
             f"({machine['processor']}), of whose time the hypervisor took "
             f"{sum(stolen) / len(stolen):.1%} while it was measured. A ratio is kyron-iod's figure "
             "to the peer's, the median of the rounds, with the quartiles in brackets.", ""]
    lines += promises(report) + steps(report)
    for case in dict.fromkeys(row["case"] for row in rows):
        lines += case_table(case, [row for row in rows if row["case"] == case])
    return "\n".join(lines)


def write(report, path):
    with open(path, encoding="utf-8") as file:
        before, found, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    if not found or END not in rest:
        raise BenchError(f"{path} has no place for the figures: {BEGIN.strip()} {END.strip()}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{figures(report)}\n{END}{after}")
