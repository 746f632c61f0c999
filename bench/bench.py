#!/usr/bin/env python3
"""Runs the cases of the bench, and writes what came of them: tables, and a file of JSON."""

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
from case import SCALES, missing, run_case
from claims import verdicts
from document import write
from plot import draw_all
from scene import BenchError, Scene
from steps import CALLS, measure_steps
from tables import print_claims, print_steps, print_tables

CASES = (echo.CASES + registrations.CASES + accepts.CASES + million.CASES + holds.CASES +
         connects.CASES)
STEPS = "steps"
HELP = """\
Every run has fresh processes; a round is one run of each contestant. Rounds of which a hypervisor
took much are done again, which lasts up to half as long again.

cases: {}, steps

--case echo:connections=10,bytes=64 runs the case with this in place of its own parameters; "-"
stands for the space in names of cases and parameters. docs/performance.md says what each case is,
and how it is measured. Exit status: 0 all was measured, 1 something was not.
"""


def selection(text):
    """NAME or NAME:PARAMETER=VALUE,...: the case, or None for the steps, and the parameters."""
    name, _, rest = text.partition(":")
    name = name.replace("-", " ")
    case = next((each for each in CASES if each.name == name), None)
    if not case and (name != STEPS or rest):
        raise argparse.ArgumentTypeError(f"there is no case {name}; they are: "
                                         f"{', '.join(each.name for each in CASES)}, {STEPS}")
    settings = {}
    for word in filter(None, rest.split(",")):
        key, _, value = word.partition("=")
        key = key.replace("-", " ")
        known = {*case.takes, *(key for scale in SCALES.values()
                                for parameters in case.parameters(scale) for key in parameters)}
        if key not in known:
            raise argparse.ArgumentTypeError(f"{name} has no {key}; it has "
                                             f"{', '.join(sorted(known))}")
        if not value:
            raise argparse.ArgumentTypeError(f"{key} wants a value: {key}=VALUE")
        settings[key] = int(value) if value.isdecimal() else value
    return case, settings


def parse(words=None):
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=HELP.format(", ".join(case.name for case in CASES)))
    scales = parser.add_mutually_exclusive_group()
    scales.add_argument("--quick", action="store_const", dest="scale", const="quick",
                        default="full", help="3 short rounds instead of 7, fewer parameters: some "
                        "5 minutes instead of 50")
    scales.add_argument("--smoke", action="store_const", dest="scale", const="smoke",
                        help="only whether it works: some 10 seconds")
    parser.add_argument("--rounds", type=int, choices=range(1, 100), metavar="N",
                        help="so many instead, which takes as much more or less")
    parser.add_argument("--case", action="append", metavar="NAME[:PARAMETER=VALUE,...]",
                        type=selection,
                        help="only this one, and may be given more than once: a second for each "
                        "run of a contestant, half of one with --quick")
    parser.add_argument("--json", metavar="FILE", default="bench/report.json",
                        help="where the figures go (bench/report.json)")
    parser.add_argument("--plots", metavar="DIRECTORY",
                        help="where the pictures go (plots, beside the figures)")
    parser.add_argument("--document", metavar="FILE", action="append", default=[],
                        help="puts what it has a place for into this document, too; may be given "
                        "more than once")
    parser.add_argument("--report", metavar="FILE",
                        help="measures nothing: takes the figures of a run before")
    parser.add_argument("--build", metavar="DIRECTORY", default="build/bench",
                        help="where everything is built (build/bench)")
    options = parser.parse_args(words)
    if not options.plots and options.scale != "smoke":
        options.plots = os.path.join(os.path.dirname(options.report or options.json), "plots")
    if not options.case:
        options.case = [*((case, {}) for case in CASES), (None, {})]
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


def measure_case(case, settings, scale, build, report):
    """Adds to the report."""
    contestants = []
    for contestant in case.contestants:
        absent = missing(case, contestant, build)
        if absent:
            report["left_out"].append({"case": case.name, "peer": contestant,
                                       "reason": f"{absent} is not here"})
        else:
            contestants.append(contestant)
    for row in run_case(case, scale, build, contestants, note, settings):
        report["rows"].append(row)


def measure_all_steps(scale, build, report):
    """Adds to the report where the time of a notification goes."""
    for contestant in CALLS:
        note(f"{STEPS}: {contestant}")
        with Scene(build) as scene:
            report["steps"].append(measure_steps(scene, contestant, scale))


def measure(options):
    """A report, and whether all is in it."""
    scale = SCALES[options.scale]
    if options.rounds:
        scale = scale._replace(rounds=options.rounds)
    build = os.path.abspath(options.build)
    began = time.monotonic()
    report = {"machine": machine(), "scale": scale.name, "load_average": [os.getloadavg()[0]],
              "left_out": [], "rows": [], "steps": []}
    good = True

    for case, settings in options.case:
        try:
            if case:
                measure_case(case, settings, scale, build, report)
            else:
                measure_all_steps(scale, build, report)
        except BenchError as error:
            note("")
            print(f"{case.name if case else STEPS}: {error}", file=sys.stderr)
            good = False
    note("")
    report["load_average"].append(os.getloadavg()[0])
    report["seconds"] = round(time.monotonic() - began)
    return report, good


def save(report, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")


def show(report, options):
    rows = report["rows"]
    print_tables(rows)
    print_steps(report["steps"])
    print_claims(report["claims"])
    if options.plots:
        reason = draw_all(rows, options.plots)
        if reason:
            print(f"\nno pictures: {reason}")
    if rows:
        stolen = [row["stolen"] for row in rows]
        print(f"\nthe hypervisor took {statistics.mean(stolen):.1%} of the processors' time, of "
              f"one row's at most {max(stolen):.1%}")
    for left in report["left_out"]:
        print(f"\nleft out of {left['case']}: {left['peer']}: {left['reason']}")
    print(f"\n{len(rows)} rows in {report['seconds']} s; load average "
          "{:.1f} at the beginning, {:.1f} at the end; all figures: {}".format(
              *report["load_average"], options.report or options.json))


def main():
    options = parse()
    if options.report:
        with open(options.report, encoding="utf-8") as file:
            report, good = json.load(file), True
    else:
        report, good = measure(options)
    report["claims"] = verdicts(report["rows"])
    if not options.report:
        save(report, options.json)
    show(report, options)
    try:
        for path in options.document:
            write(report, path)
    except BenchError as error:
        print(error, file=sys.stderr)
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
