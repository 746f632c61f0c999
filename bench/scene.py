"""Where a measurement takes place: a directory, a private daemon if one is needed, and programs.

A scene is entered for one run of one contestant and left after it, so every run begins with fresh
processes. Whatever goes wrong raises BenchError, with what the programs said.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 60
# Has nothing here: nobody's neighbour.
ATTACKER = 65533

# Room for the largest case.
CONFIG = """
max-registrations-per-session = 1048576
max-registrations-per-user = 4194304
policy "user:*" {
        listen = {"tcp:127.0.0.1:*"}
        connect = {"tcp:127.0.0.1:*"}
        bind = {"udp:127.0.0.1:*"}
        hold = {"*"}
        holds = 100000
}
"""


class BenchError(Exception):
    """What went wrong, for a person."""


class Program:
    """A program of the scene. It says "tcp ADDRESS:PORT" or "udp ADDRESS:PORT" when it serves,
    and before that "pid N" for each process it has started itself."""

    def __init__(self, words, log, environment):
        self.words = words
        # Dies with the bench, however that ends.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
        self.pids = [self.process.pid]

    def await_address(self):
        """Where it serves, as the load takes it: ("--tcp", "127.0.0.1:PORT")."""
        for line in self.process.stdout:
            kind, value = line.split()
            if kind == "pid":
                self.pids.append(int(value))
            else:
                return "--" + kind, value
        raise BenchError(f"{os.path.basename(self.words[0])} does not serve")

    def read_json(self):
        """The next line it says."""
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"{os.path.basename(self.words[0])} has ended")
        return json.loads(line)

    def ask(self, question):
        print(question, file=self.process.stdin, flush=True)
        return self.read_json()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise BenchError(f"{self.words[0]} does not stop") from None
        finally:
            self.process.stdin.close()
            self.process.stdout.close()


class Scene:
    def __init__(self, build):
        self.build = build
        self.programs = []
        # Whose processor time is not counted.
        self.strangers = []
        self.daemon = None

    def __enter__(self):
        # Not under TMPDIR: a socket's path has at most 107 bytes.
        self.directory = tempfile.mkdtemp(prefix="kyron-bench-", dir="/tmp")
        self.socket = os.path.join(self.directory, "socket")
        # What the caller has set for programs of his own is no part of it.
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith("KYRON_")}
        self.environment.update(KYRON_SOCKET=self.socket,
                                LD_LIBRARY_PATH=os.path.join(self.build, ".libs"))
        self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
        return self

    def __exit__(self, kind, error, traceback):
        try:
            # The newest first: the daemon's clients before the daemon.
            for program in self.strangers + self.programs[::-1]:
                program.stop()
        finally:
            if isinstance(error, BenchError):
                self.log.seek(0)
                error.args = (f"{error}\n{self.log.read()}".rstrip(),)
            self.log.close()
            shutil.rmtree(self.directory)

    def path(self, name):
        """Of a program that was built. Where libtool has put a script that finds the library in its
        place, the program itself: see LD_LIBRARY_PATH."""
        path = os.path.join(self.build, name)
        behind = os.path.join(os.path.dirname(path), ".libs", os.path.basename(path))
        return behind if os.path.exists(behind) else path

    def start(self, name, *words):
        """A program of the build, or of the machine if the name is a path."""
        program = Program([self.path(name), *map(str, words)], self.log, self.environment)
        self.programs.append(program)
        return program

    def start_hogs(self, count):
        """So many that compute for ever, one on each core."""
        for core in range(count):
            hog = Program(["sh", "-c", "while :; do :; done"], self.log, self.environment)
            self.strangers.append(hog)
            os.sched_setaffinity(hog.process.pid, {core % os.cpu_count()})

    def start_attack(self, kind):
        """One of the torture's on the daemon, which has begun to hurt then; by another user, if
        this is root."""
        words = [self.path("tests/torture/attack"), kind, "--socket", self.socket]
        if os.geteuid() == 0:
            os.chmod(self.directory, 0o711)
            words += ["--user", str(ATTACKER)]
        attack = Program(words, self.log, self.environment)
        self.strangers.append(attack)
        if attack.process.stdout.readline() != "ready\n":
            raise BenchError(f"the attack {kind} does not begin")

    def start_daemon(self):
        config = os.path.join(self.directory, "config")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        self.daemon = self.start("kyron-iod", "--foreground", "--log-level", "warning",
                                 "--socket", self.socket, "--config", config)
        self.await_socket(self.socket, self.daemon)
        return self.daemon

    def await_socket(self, path, program, kind=socket.SOCK_SEQPACKET):
        """Until somebody accepts connections there."""
        deadline = time.monotonic() + PATIENCE_S
        while program.process.poll() is None and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX, kind) as probe:
                try:
                    probe.connect(path)
                    return
                except OSError:
                    time.sleep(0.002)
        raise BenchError(f"nobody serves {path}")

    def pids(self):
        """Every process of the scene."""
        return [pid for program in self.programs for pid in program.pids]

    def run(self, name, *words):
        """Runs a program to its end, with all processes of the scene watched; returns what it has
        measured."""
        watch = [word for pid in self.pids() for word in ("--watch", str(pid))]
        done = subprocess.run([self.path(name), *map(str, words), *watch], stdout=subprocess.PIPE,
                              stderr=self.log, env=self.environment, text=True, check=False)
        if done.returncode != 0:
            if done.returncode == -signal.SIGINT:
                raise KeyboardInterrupt
            raise BenchError(f"{name} failed with {done.returncode}")
        return json.loads(done.stdout)
