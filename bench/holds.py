"""Leaving descriptors with another process, and taking them back."""

import os
import shutil
import socket

from case import Case, HIGHER, LOWER
from ours import OURS, is_ours, start_daemon

S6 = "s6-fdholder"
S6_COMMANDS = "s6-fdholder's commands"
PROGRAMS = {
    OURS: "bench/ours_holds",
    S6: "bench/peer_s6",
    S6_COMMANDS: "bench/peer_s6_commands",
}


def start_s6(scene):
    """Everybody may hold and take anything."""
    rules = os.path.join(scene.directory, "rules/uid/default")
    os.makedirs(os.path.join(rules, "env"))
    for name, text in (("allow", ""), ("env/S6_FDHOLDER_STORE_REGEX", "."),
                       ("env/S6_FDHOLDER_RETRIEVE_REGEX", ".")):
        with open(os.path.join(rules, name), "w", encoding="utf-8") as file:
            file.write(text)
    path = os.path.join(scene.directory, "s6")
    daemon = scene.start(shutil.which("s6-fdholder-daemon"), "-n", 1000, "-i",
                         os.path.join(scene.directory, "rules"), path)
    scene.await_socket(path, daemon, socket.SOCK_STREAM)
    scene.environment["S6_SOCKET"] = path


def measure(scene, contestant, parameters, scale):
    if is_ours(contestant):
        start_daemon(scene, contestant)
    else:
        start_s6(scene)
    measured = scene.run(PROGRAMS[contestant], "--under-way", parameters["under way"],
                         "--warm-up", scale.warm_up_ms, "--time", scale.time_ms)
    return {
        "holds/s": measured["holds"] / measured["seconds"],
        "CPU s/million": measured["cpu_seconds"] / measured["holds"] * 1e6,
    }


CASES = [
    Case("hold and take", list(PROGRAMS), {"holds/s": HIGHER, "CPU s/million": LOWER},
         lambda scale: [{"under way": 1}, {"under way": 64}], measure,
         {OURS: [PROGRAMS[OURS]], S6: [PROGRAMS[S6], "s6-fdholder-daemon"],
          S6_COMMANDS: [PROGRAMS[S6_COMMANDS], "s6-fdholder-daemon", "s6-fdholder-store"]}),
]
