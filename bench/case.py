"""What a case of the bench is, and how its contestants are compared.

They take turns: each round has one run of every contestant, and each round begins with another of
them. So what the machine does meanwhile befalls all alike. Ours is compared with each peer within
the round; of these ratios the median counts, and their quartiles tell how far it can be trusted.
"""

import os
import shutil
import statistics
from collections import namedtuple

from scene import Scene

OURS = "kyron-iod"
# Of the processors' time in a round: see run_case().
STOLEN_MAX = 0.05
HIGHER, LOWER = "higher", "lower"

# How much is done: rounds, and the times of each run.
Scale = namedtuple("Scale", "name rounds warm_up_ms time_ms")

SCALES = {
    "full": Scale("full", 7, 300, 1000),
    "quick": Scale("quick", 3, 100, 250),
    "smoke": Scale("smoke", 1, 10, 30),
}

# contestants: their names, OURS first. metrics: {name: HIGHER or LOWER is better}.
# parameters(scale): a list of dictionaries. measure(scene, contestant, parameters, scale): one run;
# returns {metric: value}. programs: {contestant: what has to be there for it}, as paths in the
# build or as commands of the machine.
# after_round: adds to the figures of a round, {contestant: {metric: value}}, what follows from
# several of them.
Case = namedtuple("Case", "name contestants metrics parameters measure programs after_round",
                  defaults=[lambda samples: None])


class StealClock:
    """How much of the processors' time the hypervisor gives to others, from now on."""

    def __init__(self):
        self.began = self.times()

    @staticmethod
    def times():
        """All time and what was taken of it, in the kernel's ticks: see proc(5)."""
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        return sum(ticks), ticks[7]

    def share(self):
        total, stolen = (now - then for now, then in zip(self.times(), self.began))
        return stolen / total if total else 0


def missing(case, contestant, build):
    """Of the programs that a contestant needs, the first that is not here; or None."""
    for program in case.programs.get(contestant, ()):
        path = os.path.join(build, program) if "/" in program else shutil.which(program)
        if not path or not os.access(path, os.X_OK):
            return program
    return None


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def rows_of(case, parameters, samples, stolen):
    """samples: {contestant: [{metric: value}, of each round]}."""
    rows = []
    for peer in samples:
        if peer == OURS:
            continue
        for metric, better in case.metrics.items():
            if metric not in samples[OURS][0] or metric not in samples[peer][0]:
                continue
            ours = [sample[metric] for sample in samples[OURS]]
            theirs = [sample[metric] for sample in samples[peer]]
            low, middle, high = quartiles([a / b for a, b in zip(ours, theirs)])
            rows.append({
                "case": case.name,
                "parameters": parameters,
                "metric": metric,
                "ours": statistics.median(ours),
                "peer": peer,
                "peer_value": statistics.median(theirs),
                "ratio": middle,
                "ratio_quartiles": [low, high],
                "better": better,
                "rounds": len(ours),
                "stolen": stolen,
            })
    return rows


def run_round(case, parameters, scale, build, contestants, note):
    """One run of each: {contestant: {metric: value}}."""
    sample = {}
    for contestant in contestants:
        note(contestant)
        with Scene(build) as scene:
            sample[contestant] = case.measure(scene, contestant, parameters, scale)
    case.after_round(sample)
    return sample


def run_case(case, scale, build, contestants, note):
    """All rows of a case. note(text) tells what is being done.

    A round of which the hypervisor took more than STOLEN_MAX is done again, at most as often as
    there are rounds: it tells more of another machine than of this one.
    """
    rows = []
    for parameters in case.parameters(scale):
        rounds = []
        stolen = []
        again = 0
        while len(rounds) < scale.rounds:
            shift = len(rounds) % len(contestants)
            title = (f"{case.name} {describe(parameters)}: round {len(rounds) + 1} of "
                     f"{scale.rounds}, ")
            clock = StealClock()
            sample = run_round(case, parameters, scale, build,
                               contestants[shift:] + contestants[:shift],
                               lambda text, title=title: note(title + text))
            share = clock.share()
            if share > STOLEN_MAX and again < scale.rounds:
                again += 1
                continue
            rounds.append(sample)
            stolen.append(share)
        samples = {name: [sample[name] for sample in rounds] for name in contestants}
        rows += rows_of(case, parameters, samples, round(statistics.mean(stolen), 4))
    return rows


def describe(parameters):
    return ", ".join(f"{value} {name}" for name, value in parameters.items())
