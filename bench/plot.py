"""Draws what was measured, by gnuplot: each picture as SVG and as PNG."""

import os
import shutil
import subprocess

from case import HIGHER, describe
from ours import OURS, RELAYED, SLEEPING, is_ours
from ratio import BARE_RELAY, BEST, best, figure, ours_of, ratio, standards

# Ours stands out; the others are told apart.
COLOURS = {
    OURS: "#d1345b",
    RELAYED: "#d1345b",
    SLEEPING: "#8f4a5e",
    BEST: "#2e933c",
    "epoll level": "#7a8ca3",
    "epoll edge": "#33658a",
    "libevent": "#2e933c",
    "libuv": "#c08000",
    BARE_RELAY: "#9a6fb0",
    "bare SCM_RIGHTS": "#5d3a78",
    "s6-fdholder": "#6b4f1d",
    "s6-fdholder's commands": "#b09060",
}
# For who is not among them.
SPARE_COLOURS = ("#3aa6b9", "#14606e", "#a0a000", "#606060", "#e07a5f", "#4a4e9a")
DASHED = (RELAYED, SLEEPING)

# Of each size: metric, whether in proportion to the best in-process peer's, title, how numbers are
# written.
PANELS = [
    ("round trips/s", False, "round trips a second", "%.0s%c"),
    ("p99 us", True, f"99th percentile, to that of {BEST}", "%g"),
    ("CPU s/million", False, "processor µs of all processes a round trip", "%g"),
]


def colour(name):
    return COLOURS.get(name) or SPARE_COLOURS[sum(name.encode()) % len(SPARE_COLOURS)]


def style(name, may_be_dashed=True):
    width = 3 if name == OURS else 2 if is_ours(name) else 1.5
    dashes = 2 if may_be_dashed and name in DASHED else 1
    return f'lc rgb "{colour(name)}" lw {width} dt {dashes}'


def lines_of(rows, size, metric, is_ratio):
    """{contestant: {connections: its figure, or its ratio to the best in-process peer's, each with
    quartiles}}"""
    lines = {}
    for row in rows:
        if (row["parameters"]["bytes"], row["metric"]) != (size, metric):
            continue
        for name in row["figures"] if best(row) or not is_ratio else ():
            lines.setdefault(name, {})[row["parameters"]["connections"]] = (
                ratio(row, name, best(row)) if is_ratio else figure(row, name))
    return lines


def panel(rows, size, metric, is_ratio, title, tics):
    """The part of a script that draws one of them."""
    lines = lines_of(rows, size, metric, is_ratio)
    script, plots = [], []
    # Ours over the others.
    for index, name in enumerate(sorted(lines, key=is_ours)):
        script += [f"$line{index} << END",
                   *(" ".join(map(str, (x, *y))) for x, y in sorted(lines[name].items())), "END"]
        plots.append(f'$line{index} with linespoints {style(name)} pt 7 ps 0.6')
        if is_ratio and is_ours(name):
            plots.append(f'$line{index} using 1:2:3:4 with yerrorbars {style(name, False)} '
                         "pt 7 ps 0.6")
    if is_ratio:
        plots.append('1 with lines lc rgb "#000000" dt 3')
    unit = {16384: "16 KiB"}.get(size, f"{size} bytes")
    return script + [f'set format y "{tics}"', f'set title "{title}, {unit}"',
                     f"{'' if is_ratio else 'un'}set logscale y{' 2' if is_ratio else ''}",
                     f"plot [0.8:*] [{'*' if is_ratio else '0'}:*] " + ", ".join(plots)]


def legend(names, height):
    """One line of them at the foot of the picture."""
    script = []
    for index, name in enumerate(names):
        x, y = (index + 0.1) / len(names), 25 / height
        script += [f"set arrow from screen {x}, {y} to screen {x + 0.025}, {y} nohead "
                   + style(name),
                   f'set label "{name}" at screen {x + 0.03}, {y} left']
    return script


def echo_script(rows):
    """The size and the script of the echo case's picture, a line of panels for each size; or
    None."""
    rows = [row for row in rows if row["case"] == "echo"
            and row["parameters"].keys() == {"connections", "bytes"}]
    sizes = sorted({row["parameters"]["bytes"] for row in rows})
    if not sizes:
        return None
    height = 340 * len(sizes) + 60
    names = sorted({name: None for row in rows for name in row["figures"]},
                   key=lambda name: not is_ours(name))
    script = [*legend(names, height), "unset key",
              "set logscale x", 'set xlabel "connections" offset 0, 0.5',
              f"set multiplot layout {len(sizes)}, {len(PANELS)} margins 0.05, 0.975, "
              f"{100 / height}, {1 - 40 / height} spacing 0.05, {100 / height}"]
    for size in sizes:
        for how in PANELS:
            # The legend is once there, not once a panel.
            script += [*panel(rows, size, *how), "unset label", "unset arrow"]
    return (1350, height), script + ["unset multiplot"]


def speed(row, contestant, peer):
    """How much faster one is than the other, and its quartiles."""
    values = ratio(row, contestant, peer)
    return values if row["better"] == HIGHER else [1 / value for value in values]


def comparisons(rows):
    """Of each case's first metric: {(contestant, what it is compared with): {place: how much faster
    it is, with quartiles}}, and the places."""
    first = {row["case"]: row["metric"] for row in reversed(rows)}
    lines, places = {}, {}
    for row in rows:
        if row["metric"] != first[row["case"]]:
            continue
        name = f"{row['case']}, {describe(row['parameters'])}"
        for contestant in filter(lambda name: name != SLEEPING, ours_of(row)):
            for standard, peer in standards(row, contestant).items():
                place = places.setdefault(name, len(places))
                lines.setdefault((contestant, standard), {})[place] = speed(row, contestant, peer)
    return lines, places


def overview_script(rows):
    """The size and the script of a picture with each case's first metric; or None."""
    lines, places = comparisons(rows)
    if not lines:
        return None
    script, plots = [], []
    for index, ((contestant, standard), points) in enumerate(lines.items()):
        script.append(f"$line{index} << END")
        for place, values in points.items():
            beside = [key for key, others in lines.items() if place in others]
            shift = 0.2 * (beside.index((contestant, standard)) - (len(beside) - 1) / 2)
            script.append(" ".join(map(str, (place + shift, *values))))
        script.append("END")
        # Who is compared with several has another colour for each but the first.
        name = contestant if standard == BEST else standard
        plots.append(f'$line{index} using 2:1:3:4 with xerrorbars '
                     f'title "{contestant}, to {standard}" '
                     f'pt {6 if contestant in DASHED else 7} ps 0.7 lw 1.5 lc rgb "{colour(name)}"')
    tics = ", ".join(f'"{name}" {place}' for name, place in places.items())
    height = 30 * len(places) + 120 + 22 * len(plots)
    return (1250, height), script + [
        "set logscale x 2", f"set ytics ({tics})", f"set yrange [{len(places) - 0.4}:-0.6]",
        f"set tmargin at screen {1 - 45 / height}",
        f"set bmargin at screen {(75 + 22 * len(plots)) / height}",
        "set lmargin at screen 0.47", "set arrow from 1, graph 0 to 1, graph 1 nohead dt 2",
        'set title "kyron-iod beside its peers: to the right it is faster"',
        'set xlabel "times as fast; bars: quartiles" offset 0, 0.5', "plot " + ", ".join(plots)]


BEGIN = """
set encoding utf8
set termoption noenhanced
set border 3 lc rgb "#666666"
set tics nomirror
set grid ytics lc rgb "#dddddd" lt 1
set key at screen 0.5, 0.005 center bottom samplen 2
"""


def draw(name, size, script, directory):
    width, height = size
    for kind, font in (("svg", "background rgb 'white' font 'sans-serif,13'"),
                       ("pngcairo", "font 'sans,11'")):
        path = os.path.join(directory, f"{name}.{kind[:3]}")
        text = "\n".join([f"set terminal {kind} size {width},{height} {font}",
                          f'set output "{path}"', BEGIN, *script, ""])
        subprocess.run(["gnuplot"], input=text, text=True, check=True)


def draw_all(rows, directory):
    """Returns what stood in the way, or None."""
    if not shutil.which("gnuplot"):
        return "gnuplot is not here"
    os.makedirs(directory, exist_ok=True)
    for name, make in (("echo", echo_script), ("overview", overview_script)):
        picture = make(rows)
        if picture:
            draw(name, *picture, directory)
    return None
