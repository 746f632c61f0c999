#!/usr/bin/env python3
"""Runs the cases of the bench, and writes what came of them: a table, and a file of JSON.

docs/performance.md says how it measures. Exit status: 0 all was measured, 1 something was not.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

import accepts
import connects
import echo
import holds
import million
import registrations
from case import OURS, SCALES, describe, missing, run_case
from document import number, write
from plot import draw_all
from scene import BenchError, Scene
from steps import CALLS, measure_steps
from targets import verdicts

CASES = (echo.CASES + registrations.CASES + accepts.CASES + million.CASES + holds.CASES +
         connects.CASES)
STEPS = "steps"


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_const", dest="scale", const="quick",
                        default="full", help="less of everything, in under 3 minutes")
    parser.add_argument("--smoke", action="store_const", dest="scale", const="smoke",
                        help="only whether it works")
    parser.add_argument("--case", action="append", choices=[*(case.name for case in CASES), STEPS],
                        help="only this one; may be given more than once")
    parser.add_argument("--json", metavar="FILE", default="bench/report.json",
                        help="where the figures go (bench/report.json)")
    parser.add_argument("--plots", metavar="DIRECTORY",
                        help="where the pictures go (plots, beside the figures)")
    parser.add_argument("--document", metavar="FILE",
                        help="puts the figures in their place in this document, too")
    parser.add_argument("--build", metavar="DIRECTORY", default="build/bench",
                        help="where everything is built (build/bench)")
    options = parser.parse_args()
    if not options.plots and options.scale != "smoke":
        options.plots = os.path.join(os.path.dirname(options.json), "plots")
    return options


def note(text):
    """What is being done, for who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"kernel": platform.release().split("-")[0], "cores": os.cpu_count(),
            "processor": model}


def table_of(rows):
    """Of one case: a line for each figure of ours, and a column for each peer with the ratio."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    lines = {}
    for row in rows:
        line = lines.setdefault((describe(row["parameters"]), row["metric"]),
                                [number(row["ours"])] + [""] * len(peers) + [row["better"]])
        line[1 + peers.index(row["peer"])] = "{:.2f} ({:.2f}-{:.2f})".format(
            row["ratio"], *row["ratio_quartiles"])
    return [("", "", OURS, *(f"to {peer}" for peer in peers), "better")] + [
        (*key, *line) for key, line in lines.items()]


def print_tables(rows):
    for case in dict.fromkeys(row["case"] for row in rows):
        lines = table_of([row for row in rows if row["case"] == case])
        widths = [max(map(len, column)) for column in zip(*lines)]
        print(f"\n{case}")
        for line in lines:
            print("  " + "  ".join(text.ljust(width) if index < 2 else text.rjust(width)
                                   for index, (text, width) in enumerate(zip(line, widths))))


def print_verdicts(promises):
    """How many promises are kept, and which are not."""
    if not promises:
        return
    print(f"\n{sum(each['met'] for each in promises)} of {len(promises)} promises are kept; "
          "not these:")
    for each in promises:
        if not each["met"]:
            print(f"  {each['case']}, {describe(each['parameters'])}: {each['metric']}, to "
                  f"{each['peer']}: {each['value']:.2f}, wanted {each['wanted']:g}")


def measure(case, scale, build, report):
    """Adds to the report; False when it could not."""
    contestants = []
    for contestant in case.contestants:
        absent = missing(case, contestant, build)
        if absent:
            report["left_out"].append({"case": case.name, "peer": contestant,
                                       "reason": f"{absent} is not here"})
        else:
            contestants.append(contestant)
    try:
        report["rows"] += run_case(case, scale, build, contestants, note)
    except BenchError as error:
        note("")
        print(f"{case.name}: {error}", file=sys.stderr)
        return False
    return True


def measure_all_steps(scale, build, report):
    """Adds to the report where the time of a notification goes; False when it could not."""
    for contestant in CALLS:
        note(f"{STEPS}: {contestant}")
        try:
            with Scene(build) as scene:
                report["steps"].append(measure_steps(scene, contestant, scale))
        except BenchError as error:
            note("")
            print(f"{STEPS}: {error}", file=sys.stderr)
            return False
    return True


def print_steps(contestants):
    for each in contestants:
        print(f"\na notification of {each['contestant']}, median of {each['notifications']}, us")
        for step in each["steps"]:
            print(f"  {step['us']:7.2f}  {step['step']}")
        print(f"  {each['total_us']:7.2f}  in all")


def main():
    options = parse()
    scale = SCALES[options.scale]
    build = os.path.abspath(options.build)
    began = time.monotonic()
    report = {"machine": machine(), "scale": scale.name, "load_average": [os.getloadavg()[0]],
              "left_out": [], "rows": [], "steps": []}
    good = True

    for case in CASES:
        if not options.case or case.name in options.case:
            good = measure(case, scale, build, report) and good
    if not options.case or STEPS in options.case:
        good = measure_all_steps(scale, build, report) and good
    note("")
    report["load_average"].append(os.getloadavg()[0])
    report["seconds"] = round(time.monotonic() - began)
    report["promises"] = verdicts(report["rows"])
    print_tables(report["rows"])
    print_steps(report["steps"])
    print_verdicts(report["promises"])
    if options.plots:
        reason = draw_all(report["rows"], options.plots)
        if reason:
            print(f"\nno pictures: {reason}")
    if report["rows"]:
        stolen = [row["stolen"] for row in report["rows"]]
        print(f"\nthe hypervisor took {statistics.mean(stolen):.1%} of the processors' time, of one "
              f"row's at most {max(stolen):.1%}")
    for left in report["left_out"]:
        print(f"\nleft out of {left['case']}: {left['peer']}: {left['reason']}")
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    if options.document and report["rows"]:
        write(report, options.document)
    print(f"\n{len(report['rows'])} rows in {report['seconds']} s; load average "
          "{:.1f} at the beginning, {:.1f} at the end; all figures: {}".format(
              *report["load_average"], options.json))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
