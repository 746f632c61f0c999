#!/usr/bin/env python3
"""Who includes and calls whom, against the table of the rooms in ARCHITECTURE.md.

usage: rooms.py [--list | --uses] TREE BUILD

The table has a row for each room, from top to bottom: the room, its rule, and which of the rooms
below it it may use. Each thing that is against it is said in one line. --list says the same and does
not fail; --uses says what each room uses today. Of BUILD only the objects are read.
"""

import os
import re
import subprocess
import sys

TREES = "core proto daemon client waits ctl examples bench tests".split()
PUBLIC_HEADER = "client/kyron.h"
# What the table cannot allow, whatever it says.
STRANGERS = {"daemon", "client"}
INVENTORY = "daemon/daemon.h"
ABOVE_INVENTORY = ("daemon/server/", "daemon/requests/", "daemon/restart/", "daemon/main.c")
# Whoever makes an event by these has a callback that begins no turn.
RAW_EVENTS = {"event_new", "event_assign", "event_base_once"}
# Nobody uses them, so no header of theirs is the main one.
PROGRAMS = ("examples/", "bench/", "tests/")
# tests/unit/ROOM/ tests a room; these test what is not ours, and the tests' own help.
OTHER_UNITS = ("kernel/", "support/")

ROW = re.compile(r"^\| `([a-z_]+/[a-z_./]*)` \| (.+?) \| (.*?) ?\|$")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


class Rooms:
    """The table, the sources, and what is against the table."""

    def __init__(self, tree, build):
        self.tree, self.build = tree, build
        self.faults = []
        self.uses = set()  # (room, other)
        self.rules, self.may_use, self.lines = {}, {}, {}  # by room, from top to bottom
        self.read_table()
        self.files = dict.fromkeys(sorted(
            os.path.relpath(os.path.join(folder, name), tree)
            for top in TREES for folder, _, names in os.walk(os.path.join(tree, top))
            for name in names if name.endswith((".c", ".h")) and ".pb-c." not in name))

    def read(self, path):
        with open(os.path.join(self.tree, path), encoding="utf-8") as file:
            return file.read()

    def read_table(self):
        for number, line in enumerate(self.read("ARCHITECTURE.md").splitlines(), 1):
            if row := ROW.match(line):
                self.lines[row[1]] = f"ARCHITECTURE.md:{number}"
                self.rules[row[1]], self.may_use[row[1]] = row[2], row[3]
        for above, (room, names) in enumerate(self.may_use.items(), 1):
            if names == "everything":
                names = list(self.rules)[above:]
            else:
                names = [self.full_name(room, name) for name in re.findall(r"[a-z_./]+", names)]
            self.may_use[room] = names

    def full_name(self, room, name):
        """A row calls the rooms of its own side by the last of their names."""
        side = room.split("/")[0]
        names = (f"{side}/{name}/", f"{side}/{name}", f"{name}/", name)
        return next((full for full in names if full in self.rules), name)

    def check_table(self):
        """Whatever a room may use stands below it, so that there is no circle."""
        order = list(self.rules)
        for room, others in self.may_use.items():
            for other in others:
                if other not in order:
                    why = "which has no row"
                elif order.index(other) <= order.index(room):
                    why = "which does not stand below it: the rooms form a circle"
                elif {room.split("/")[0], other.split("/")[0]} == STRANGERS:
                    why = "but neither side may know the other"
                elif other == INVENTORY and room not in ABOVE_INVENTORY + ("tests/",):
                    why = f"but that is for {', '.join(ABOVE_INVENTORY)} alone"
                elif (room, other) not in self.uses and room != "tests/":
                    why = "and does not: take it out"
                else:
                    continue
                self.faults.append(f"{self.lines[room]}: {room} may use {other}, {why}")

    def check_rooms(self):
        """Each file has its room; each room its files, its local.mk, and its rule in a header."""
        homes = {path: self.room_of(path) for path in self.files}
        self.faults += [f"{path} is in no room of ARCHITECTURE.md's"
                        for path, room in homes.items() if room is None]
        self.faults += [f"{path} is of no room, nor in tests/unit/{' or '.join(OTHER_UNITS)}"
                        for path in self.files if path.startswith("tests/unit/")
                        and os.path.dirname(path).removeprefix("tests/unit/") + "/"
                        not in (*self.rules, *OTHER_UNITS)]
        for room, rule in self.rules.items():
            files = [path for path in self.files if homes[path] == room]
            if not files:
                self.faults.append(f"{self.lines[room]}: {room} has no files")
            elif room.endswith("/"):
                if not os.path.exists(os.path.join(self.tree, room, "local.mk")):
                    self.faults.append(f"{room} has no local.mk")
                headers = [path for path in files if path.endswith(".h")]
                begin = re.compile(rf"/\*\s+(\* )?{re.escape(f'{room}: {rule}.')}\n")
                if room not in PROGRAMS and sum(bool(begin.match(self.read(path)))
                                                for path in headers) != 1:
                    self.faults.append(f'one header of {room} begins with "{room}: {rule}."')

    def room_of(self, path):
        """The row that names the file, or the folder it is in."""
        found = [room for room in self.rules
                 if path == room or room.endswith("/") and path.startswith(room)]
        return max(found, key=len, default=None)

    def check_use(self, path, where, how, target):
        room, other = self.room_of(path), self.room_of(target)
        if None not in (room, other) and room != other:
            self.uses.add((room, other))
            if other not in self.may_use[room]:
                self.faults.append(
                    f"{where}: {how} {target}, but {room} may not use {other}")

    def check_includes(self):
        for path in self.files:
            for number, line in enumerate(self.read(path).splitlines(), 1):
                if include := INCLUDE.match(line):
                    # <kyron.h> is found as a program finds it.
                    near = PUBLIC_HEADER if include[1] == "<" else path
                    target = os.path.join(os.path.dirname(near), include[2])
                    if target not in self.files:
                        target = include[2]
                    self.check_use(path, f"{path}:{number}", "includes", target)

    def objects(self):
        """Of each source that is built: what its object defines, and what it wants defined."""
        objects = {}
        for top in TREES:
            for folder, _, names in os.walk(os.path.join(self.build, top)):
                for name in (name for name in names if name.endswith(".o")):
                    # libtool has two of each; a target with flags of its own names them after it.
                    home = os.path.relpath(folder, self.build).removesuffix("/.libs")
                    source = os.path.join(home, re.sub(r"^\w+-", "", name[:-2]) + ".c")
                    if source in self.files or ".pb-c." in source:
                        objects[source] = os.path.join(folder, name)
        sources = {name: source for source, name in objects.items()}
        defined, wanted = ({source: set() for source in objects} for _ in range(2))
        listed = subprocess.run(["nm", "-A", "-g", "-P", *sources], check=True, text=True,
                                stdout=subprocess.PIPE).stdout if sources else ""
        for line in listed.splitlines():
            name, symbol, kind = line.split()[:3]
            (wanted if kind in "Uwv" else defined)[sources[name.removesuffix(":")]].add(symbol)
        return [(source, defined[source], wanted[source]) for source in sorted(objects)]

    def home_of(self, symbol, source, homes):
        """Which of those that define it a source means. Programs define what only they use, and tests
        what is the C library's; of those, one means what it may use."""
        room = self.room_of(source)
        if symbol.startswith("kyron_") and not source.startswith("client/"):
            return PUBLIC_HEADER
        for home in homes:
            if self.room_of(home) in (room, *self.may_use[room]):
                return home
        return next((home for home in homes if not home.startswith(PROGRAMS)), None)

    def check_calls(self):
        homes, objects = {}, self.objects()
        for source, defined, _ in objects:
            for symbol in defined:
                homes.setdefault(symbol, []).append(source)
        for source, _, wanted in objects:
            for symbol in sorted(wanted & homes.keys()):
                target = self.home_of(symbol, source, homes[symbol])
                if target:
                    self.check_use(source, source, f"calls {symbol}() of", target)
            if source.startswith("daemon/") and not source.startswith("daemon/loop/"):
                self.faults += [f"{source}: calls {symbol}(): events are made by loop_event_new()"
                                for symbol in sorted(wanted & RAW_EVENTS)]
        if not objects:
            self.faults.append(f"{self.build} has no objects to look at")

    def check_header_filter(self):
        """clang-tidy looks at every header."""
        pattern = re.search(r"^HeaderFilterRegex: '(.*)'$", self.read(".clang-tidy"), re.M)[1]
        self.faults += [f".clang-tidy: HeaderFilterRegex does not match {path}"
                        for path in self.files
                        if path.endswith(".h") and not re.search(pattern, "./" + path)]

    def check(self):
        self.check_includes()
        self.check_calls()
        self.check_table()
        self.check_rooms()
        self.check_header_filter()


def main():
    *mode, tree, build = sys.argv[1:]
    rooms = Rooms(tree, build)
    rooms.check()
    if mode == ["--uses"]:
        for room in rooms.rules:
            print(f"{room}:", *(other for other in rooms.rules if (room, other) in rooms.uses))
        return 0
    for fault in rooms.faults:
        print(fault)
    return 1 if rooms.faults and mode != ["--list"] else 0


if __name__ == "__main__":
    sys.exit(main())
