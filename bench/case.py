"""What a case of the bench is, and how its contestants are measured.

They take turns: each round has one run of every contestant, and each round begins with another of
them. So what the machine does meanwhile befalls all alike. How they compare: ratio.py.
"""

import os
import shutil
import statistics
from collections import namedtuple

from ours import is_ours
from scene import Scene

# Of the processors' time in a round: see run_case().
STOLEN_MAX = 0.05
HIGHER, LOWER = "higher", "lower"
# Beside a run's figures: who waited for each of its programs.
DELIVERIES = "deliveries"

# How much is done: rounds, how many of them are done again at most, and the times of each run. The
# warm-up leaves ours the time to notice that it hardly waits.
Scale = namedtuple("Scale", "name rounds again_max warm_up_ms time_ms")

SCALES = {
    "full": Scale("full", 7, 3, 500, 800),
    "quick": Scale("quick", 3, 1, 300, 250),
    "smoke": Scale("smoke", 1, 0, 10, 30),
}

# contestants: their names. metrics: {name: HIGHER or LOWER is better}, the most important first.
# parameters(scale): a list of dictionaries. measure(scene, contestant, parameters, scale): one run;
# returns {metric: value}, and perhaps DELIVERIES. programs: {contestant: what has to be there for
# it}, as paths in the build or as commands of the machine. takes: the names of parameters that can
# be set, besides those that it has.
Case = namedtuple("Case", "name contestants metrics parameters measure programs takes",
                  defaults=[()])

SINGULAR = {"connections": "connection", "processes": "process", "workers": "worker",
            "starts": "start", "registrations": "registration", "hogs": "hog"}


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


def parameters_of(case, scale, settings):
    """The case's own, with what is set in their place."""
    made = [{**parameters, **settings} for parameters in case.parameters(scale)]
    return [each for index, each in enumerate(made) if each not in made[:index]]


def rows_of(case, parameters, contestants, rounds, stolen):
    """A row for each metric; rounds: [{contestant: {metric: value}}]."""
    deliveries = {name: sorted({each for sample in rounds
                                for each in sample[name].get(DELIVERIES, ())})
                  for name in contestants}
    rows = []
    for metric, better in case.metrics.items():
        figures = {name: [sample[name][metric] for sample in rounds] for name in contestants
                   if all(metric in sample[name] for sample in rounds)}
        if any(map(is_ours, figures)):
            rows.append({
                "case": case.name,
                "parameters": parameters,
                "metric": metric,
                "better": better,
                "figures": figures,
                DELIVERIES: {name: each for name, each in deliveries.items() if each},
                "rounds": len(rounds),
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
    return sample


def run_parameters(case, parameters, scale, build, contestants, note):
    """All rows with these parameters.

    A round of which the hypervisor took more than STOLEN_MAX is done again, a few times: it tells
    more of another machine than of this one.
    """
    rounds = []
    stolen = []
    again = 0
    while len(rounds) < scale.rounds:
        shift = len(rounds) % len(contestants)
        title = f"{case.name} {describe(parameters)}: round {len(rounds) + 1} of {scale.rounds}, "
        clock = StealClock()
        sample = run_round(case, parameters, scale, build,
                           contestants[shift:] + contestants[:shift],
                           lambda text, title=title: note(title + text))
        share = clock.share()
        if share > STOLEN_MAX and again < scale.again_max:
            again += 1
            continue
        rounds.append(sample)
        stolen.append(share)
    return rows_of(case, parameters, contestants, rounds, round(statistics.mean(stolen), 4))


def run_case(case, scale, build, contestants, note, settings):
    """All rows of a case, as they come. note(text) tells what is being done."""
    for parameters in parameters_of(case, scale, settings):
        yield from run_parameters(case, parameters, scale, build, contestants, note)


def describe(parameters):
    """For a person."""
    return ", ".join(f"{value:,} {SINGULAR.get(name, name) if value == 1 else name}"
                     if isinstance(value, int) else f"{value} {name}"
                     for name, value in parameters.items())
