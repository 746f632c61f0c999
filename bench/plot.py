"""Draws what was measured, by gnuplot: each picture as SVG and as PNG."""

import os
import shutil
import subprocess

from case import HIGHER, OURS, describe

# Ours stands out; the others are told apart.
COLOURS = {
    OURS: "#d1345b",
    "kyron-iod, sleeping": "#8f4a5e",
    "epoll level": "#7a8ca3",
    "epoll edge": "#33658a",
    "epoll edge, polling": "#1c3d5a",
    "libevent": "#2e933c",
    "libuv": "#c08000",
    "bare relay": "#9a6fb0",
    "bare SCM_RIGHTS": "#5d3a78",
    "SO_REUSEPORT": "#3aa6b9",
    "EPOLLEXCLUSIVE": "#14606e",
    "epoll": "#33658a",
    "s6-fdholder": "#6b4f1d",
    "s6-fdholder's commands": "#b09060",
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
    script = ["set logscale x", 'set xlabel "connections" offset 0, 0.5',
              f"set multiplot layout {len(sizes)}, {len(PANELS)} margins 0.05, 0.975, "
              f"{100 / height}, {1 - 40 / height} spacing 0.05, {100 / height}"]
    for size in sizes:
        for how in PANELS:
            script += panel(rows, size, *how)
    return (1350, height), script + ["unset multiplot"]


def speed(row):
    """How much faster than the peer, and its quartiles."""
    values = [row["ratio"], *row["ratio_quartiles"]]
    return values if row["better"] == HIGHER else [1 / value for value in values]


def overview_script(rows):
    """The size and the script of a picture with each case's first metric; or None."""
    first = {row["case"]: row["metric"] for row in reversed(rows)}
    rows = [row for row in rows if row["metric"] == first[row["case"]] and row["peer"] in COLOURS]
    if not rows:
        return None
    names = list(dict.fromkeys(f"{row['case']}, {describe(row['parameters'])}" for row in rows))
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    script, plots = [], []
    for index, peer in enumerate(peers):
        points = []
        for row in (row for row in rows if row["peer"] == peer):
            place = names.index(f"{row['case']}, {describe(row['parameters'])}")
            beside = sorted(peers.index(other["peer"]) for other in rows
                            if (other["case"], other["parameters"]) ==
                            (row["case"], row["parameters"])).index(index)
            points.append(" ".join(map(str, [place + 0.13 * (beside - 2), *speed(row)])))
        script += [f"$peer{index} << END", *points, "END"]
        plots.append(f'$peer{index} using 2:1:3:4 with xerrorbars title "{peer}" pt 7 ps 0.7 '
                     f'lw 1.5 lc rgb "{COLOURS[peer]}"')
    tics = ", ".join(f'"{name}" {place}' for place, name in enumerate(names))
    height = 30 * len(names) + 210
    return (1150, height), script + [
        "set logscale x 2", f"set ytics ({tics})", f"set yrange [{len(names) - 0.4}:-0.6]",
        f"set tmargin at screen {1 - 45 / height}", f"set bmargin at screen {170 / height}",
        "set lmargin at screen 0.4", "set arrow from 1, graph 0 to 1, graph 1 nohead dt 2",
        'set title "kyron-iod beside its peers: to the right it is faster"',
        'set xlabel "times as fast; bars: quartiles" offset 0, 0.5', "plot " + ", ".join(plots)]


BEGIN = """
set encoding utf8
set termoption noenhanced
set border 3 lc rgb "#666666"
set tics nomirror
set grid ytics lc rgb "#dddddd" lt 1
set key at screen 0.5, 0.005 center bottom horizontal maxrows 1 samplen 2
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
