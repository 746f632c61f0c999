"""Draws what was measured, by gnuplot: each picture as SVG and as PNG."""

import os
import shutil
import subprocess

from case import OURS

# Ours stands out; the others are told apart.
COLOURS = {
    OURS: "#d1345b",
    "epoll level": "#7a8ca3",
    "epoll edge": "#33658a",
    "libevent": "#2e933c",
    "libuv": "#c08000",
    "bare relay": "#9a6fb0",
}

# Of each size: metric, whether as ours in proportion to the peers', title, how numbers are written.
PANELS = [
    ("round trips/s", False, "round trips a second", "%.0s%c"),
    ("p99 us", True, "99th percentile: kyron-iod's to a peer's", "%g"),
    ("CPU s/million", False, "processor µs of all processes a round trip", "%g"),
]


def values(rows, size, metric):
    """{contestant: {connections: its figure}}"""
    lines = {}
    for row in rows:
        if (row["parameters"]["bytes"], row["metric"]) == (size, metric):
            connections = row["parameters"]["connections"]
            lines.setdefault(row["peer"], {})[connections] = (row["peer_value"],)
            lines.setdefault(OURS, {})[connections] = (row["ours"],)
    return lines


def ratios(rows, size, metric):
    """{peer: {connections: the ratio and its quartiles}}"""
    lines = {}
    for row in rows:
        if (row["parameters"]["bytes"], row["metric"]) == (size, metric):
            lines.setdefault(row["peer"], {})[row["parameters"]["connections"]] = (
                row["ratio"], *row["ratio_quartiles"])
    return lines


def panel(rows, size, metric, is_ratio, title, tics):
    """The part of a script that draws one of them."""
    lines = (ratios if is_ratio else values)(rows, size, metric)
    script, plots = [], []
    for index, (name, points) in enumerate(sorted(lines.items(), key=lambda item: item[0] == OURS)):
        script += [f"$line{index} << END",
                   *(" ".join(map(str, (x, *y))) for x, y in sorted(points.items())), "END"]
        style = f'lc rgb "{COLOURS[name]}" lw {3 if name == OURS else 1.5}'
        plots.append(f'$line{index} with linespoints title "{name}" {style} pt 7 ps 0.6')
        if is_ratio:
            plots.append(f"$line{index} using 1:2:3:4 with yerrorbars notitle {style} pt 7 ps 0.6")
    if is_ratio:
        plots.append('1 with lines notitle lc rgb "#000000" dt 2')
    unit = "64 bytes" if size == 64 else "16 KiB"
    return script + [f'set format y "{tics}"', f'set title "{title}, {unit}"',
                     "set logscale y 2" if is_ratio else "unset logscale y",
                     f"plot [0.8:*] [{'*' if is_ratio else '0'}:*] " + ", ".join(plots), "unset key"]


def echo_script(rows):
    """The size and the script of the echo case's picture, a line of panels for each size; or
    None."""
    rows = [row for row in rows if row["case"] == "echo"]
    sizes = sorted({row["parameters"]["bytes"] for row in rows})
    if not sizes:
        return None
    height = 340 * len(sizes) + 60
    script = [f"set multiplot layout {len(sizes)}, {len(PANELS)} margins 0.05, 0.975, "
              f"{100 / height}, {1 - 40 / height} spacing 0.05, {100 / height}"]
    for size in sizes:
        for how in PANELS:
            script += panel(rows, size, *how)
    return (1350, height), script + ["unset multiplot"]


BEGIN = """
set encoding utf8
set border 3 lc rgb "#666666"
set tics nomirror
set grid ytics lc rgb "#dddddd" lt 1
set key at screen 0.5, 0.005 center bottom horizontal maxrows 1 samplen 2
set logscale x
set xlabel "connections" offset 0, 0.5
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
    picture = echo_script(rows)
    if picture:
        draw("echo", *picture, directory)
    return None
