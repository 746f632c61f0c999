"""What ./dev bench makes of the figures that it has measured; nothing is measured here."""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))

import bench
import case
import claims
import document
import plot
import ratio
import tables
from ours import OURS, RELAYED
from scene import BenchError

STRANGER = "whom nobody knows"


def rows_with(figures, metric="round trips/s", better=case.HIGHER, name="echo", **parameters):
    """One row; figures: {contestant: [one of each round]}."""
    made = case.Case(name, list(figures), {metric: better}, None, None, {})
    rounds = [{who: {metric: values[index]} for who, values in figures.items()}
              for index in range(len(figures[OURS]))]
    return case.rows_of(made, {"connections": 10, "bytes": 64, **parameters}, list(figures), rounds,
                        0)


def verdict_on(rows, text):
    return next(each for each in claims.verdicts(rows) if each["claim"].startswith(text))


def report_of(rows):
    return {"machine": {"kernel": "6", "cores": 2, "processor": "one"}, "rows": rows, "steps": [],
            "claims": claims.verdicts(rows)}


class Ratios(unittest.TestCase):
    def test_each_is_of_one_round(self):
        row, = rows_with({OURS: [10, 20, 30], "libuv": [10, 40, 60]})
        self.assertEqual(ratio.ratio(row, OURS, "libuv"), (0.5, 0.5, 0.75))

    def test_the_best_peer_is_the_one_with_the_best_median(self):
        figures = {OURS: [1, 1, 1], "libuv": [9, 2, 1], "libevent": [3, 3, 3],
                   "bare relay": [7, 7, 7]}
        self.assertEqual(ratio.best(rows_with(figures)[0]), "libevent")
        self.assertEqual(ratio.best(rows_with(figures, better=case.LOWER)[0]), "libuv")

    def test_what_a_round_lacks_is_not_compared(self):
        made = case.Case("echo", [OURS, "libuv"], {"a": case.LOWER, "b": case.LOWER}, None, None,
                         {})
        rounds = [{OURS: {"a": 1, "b": 1}, "libuv": {"a": 1, "b": 1}},
                  {OURS: {"a": 1}, "libuv": {"a": 1, "b": 1}}]
        rows = case.rows_of(made, {}, [OURS, "libuv"], rounds, 0)
        self.assertEqual([row["metric"] for row in rows], ["a"])

    def test_a_line_says_who_waited(self):
        made = case.Case("echo", [OURS, RELAYED], {"a": case.LOWER}, None, None, {})
        rounds = [{OURS: {"a": 1, case.DELIVERIES: [way, "direct"]},
                   RELAYED: {"a": 1, case.DELIVERIES: ["relayed"]}}
                  for way in ("direct", "relayed")]
        row, = case.rows_of(made, {}, [OURS, RELAYED], rounds, 0)
        self.assertEqual(ratio.name_of(row, OURS), f"{OURS} (direct and relayed)")
        self.assertEqual(ratio.name_of(row, RELAYED), RELAYED)


class Claims(unittest.TestCase):
    def test_within_the_spread_is_kept(self):
        rows = rows_with({OURS: [90, 98, 101, 104, 90], "epoll edge": [100] * 5})
        each = verdict_on(rows, "echo: round trips")
        self.assertLess(each["measured"][0]["value"], 1)
        self.assertTrue(each["kept"])

    def test_beyond_it_is_not(self):
        rows = rows_with({OURS: [90, 95, 98, 99, 110], "epoll edge": [100] * 5})
        self.assertFalse(verdict_on(rows, "echo: round trips")["kept"])
        rows = rows_with({OURS: [101, 102, 103, 104, 90], "epoll edge": [100] * 5}, "p99 us",
                         case.LOWER)
        self.assertFalse(verdict_on(rows, "echo: 99th")["kept"])

    def test_a_firm_one_goes_by_the_median(self):
        rows = rows_with({OURS: [90, 96, 101, 102, 90], "epoll edge": [100] * 5})
        self.assertFalse(verdict_on(rows, "the same")["kept"])
        self.assertTrue(verdict_on(rows, "echo: round trips")["kept"])

    def test_a_claim_is_one_and_tells_every_place_where_it_is_not_kept(self):
        rows = [row for connections, value in ((1, 120), (10, 80), (100, 70))
                for row in rows_with({OURS: [value], "libuv": [100]}, connections=connections)]
        each = verdict_on(rows, "echo: round trips")
        self.assertEqual([one["kept"] for one in each["measured"]], [False, False, True])
        self.assertIn("10 connections", claims.evidence(each))
        self.assertIn("100 connections", claims.evidence(each))
        self.assertNotIn("1 connection,", claims.evidence(each))
        self.assertEqual(document.claims({"claims": [each]}).count("\n| echo"), 1)

    def test_of_what_was_not_measured_nothing_is_said(self):
        self.assertEqual(claims.verdicts(rows_with({OURS: [1], STRANGER: [1]})), [])

    def test_every_claim_speaks_of_what_is_measured(self):
        cases = {each.name: each for each in bench.CASES}
        for claim in claims.CLAIMS:
            for name in claim.cases:
                self.assertIn(claim.metric, cases[name].metrics)
                self.assertIn(claim.contestant, cases[name].contestants)
                if claim.to == ratio.BEST:
                    self.assertTrue(set(cases[name].contestants) & set(ratio.IN_PROCESS))
                elif claim.to:
                    self.assertIn(claim.to, cases[name].contestants)


class Strangers(unittest.TestCase):
    """A contestant of whom nothing but its name is known."""

    def setUp(self):
        self.rows = [row for size in (64, 100) for metric, better in (
            ("round trips/s", case.HIGHER), ("p99 us", case.LOWER), ("CPU s/million", case.LOWER))
            for row in rows_with({OURS: [1, 2], RELAYED: [1, 2], "libuv": [3, 1], STRANGER: [2, 2]},
                                 metric, better, bytes=size)]

    def test_is_in_the_tables(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            tables.print_tables(self.rows)
        self.assertIn(f"to {STRANGER}", out.getvalue())
        self.assertIn(f"to {STRANGER}", document.figures(report_of(self.rows)))

    def test_is_in_the_pictures(self):
        for make in (plot.echo_script, plot.overview_script):
            self.assertIn(STRANGER, "\n".join(make(self.rows)[1]))

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not here")
    def test_is_drawn(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertIsNone(plot.draw_all(self.rows, directory))
            self.assertEqual(sorted(os.listdir(directory)),
                             ["echo.png", "echo.svg", "overview.png", "overview.svg"])

    def test_among_others_alone_leaves_no_picture(self):
        rows = rows_with({OURS: [1], STRANGER: [1]}, name="another case")
        self.assertIsNone(plot.echo_script(rows))


class Documents(unittest.TestCase):
    def write(self, text, rows=None):
        rows = rows or [
            row for metric in ("round trips/s", "CPU s/million")
            for row in rows_with({OURS: [1], RELAYED: [0.5], "libuv": [1]}, metric)]
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            document.write(report_of(rows), file.name)
            with open(file.name, encoding="utf-8") as written:
                return written.read()

    def test_only_the_places_are_written(self):
        text = f"before\n{document.begin('summary')}old\n{document.END}after\n"
        once = self.write(text)
        self.assertTrue(once.startswith("before\n") and once.endswith(f"{document.END}after\n"))
        self.assertIn("1.00 of the round trips", once)
        self.assertIn("0.50 of the round trips", once)
        self.assertNotIn("old", once)
        self.assertEqual(self.write(once), once)

    def test_each_place_has_its_part(self):
        text = "".join(f"{document.begin(part)}{document.END}" for part in document.PARTS)
        self.assertEqual(self.write(text).count(document.END), 3)

    def test_one_without_a_place_is_refused(self):
        for text in ("nothing\n", document.begin("claims")):
            self.assertRaises(BenchError, self.write, text)

    def test_a_summary_of_what_was_not_measured_is_refused(self):
        self.assertRaises(BenchError, self.write, document.begin("summary") + document.END,
                          rows_with({OURS: [1], "libuv": [1]}, name="UDP"))


class Selections(unittest.TestCase):
    def test_parameters_take_the_place_of_the_cases_own(self):
        made, settings = bench.selection("echo:connections=30,us-pause=5")
        self.assertEqual(settings, {"connections": 30, "us pause": 5})
        self.assertEqual(case.parameters_of(made, case.SCALES["full"], settings),
                         [{"connections": 30, "bytes": size, "us pause": 5}
                          for size in (64, 16384)])

    def test_names_may_have_dashes_and_values_keep_them(self):
        made, settings = bench.selection("hold-and-take:under-way=64")
        self.assertEqual((made.name, settings), ("hold and take", {"under way": 64}))
        self.assertEqual(bench.selection("attacks:attack=request-flood")[1],
                         {"attack": "request-flood"})

    def test_every_case_and_the_steps_can_be_named(self):
        for each in bench.CASES:
            self.assertIs(bench.selection(each.name)[0], each)
        self.assertEqual(bench.selection("steps"), (None, {}))

    def test_what_is_not_known_is_refused(self):
        for text in ("nothing", "", "echo:nothing=1", "echo:connections", "steps:connections=1"):
            self.assertRaises(argparse.ArgumentTypeError, bench.selection, text)

    def test_without_one_all_are_measured(self):
        self.assertEqual(len(bench.parse([]).case), len(bench.CASES) + 1)


class Main(unittest.TestCase):
    def test_a_document_that_cannot_be_written_costs_no_figures(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "report.json")
            page = os.path.join(directory, "page")
            words = ["--json", path, "--plots", directory, "--document", page, "--case", "UDP"]
            with open(page, "w", encoding="utf-8") as file:
                file.write(document.begin("summary") + document.END)
            with mock.patch.object(sys, "argv", ["bench", *words]), \
                    mock.patch.object(bench, "missing", lambda *_: None), \
                    mock.patch.object(bench, "run_case", lambda *_: rows_with(
                        {OURS: [1], "libuv": [1]}, name="UDP")), \
                    contextlib.redirect_stdout(io.StringIO()), \
                    contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(bench.main(), 1)
            self.assertIn("the summary needs the case echo", said.getvalue())
            with open(path, encoding="utf-8") as file:
                self.assertEqual(len(json.load(file)["rows"]), 1)


class Rounds(unittest.TestCase):
    def run_rounds(self, share):
        """How often each was run when the hypervisor takes so much of every round."""
        runs = []
        made = case.Case("echo", [OURS, "libuv"], {"a": case.LOWER}, None,
                         lambda scene, contestant, parameters, scale:
                         runs.append(contestant) or {"a": 1}, {})
        with mock.patch.object(case.StealClock, "share", lambda clock: share):
            rows = case.run_parameters(made, {}, case.SCALES["quick"], ".", [OURS, "libuv"],
                                       lambda text: None)
        self.assertEqual(rows[0]["rounds"], 3)
        return runs

    def test_contestants_take_turns_at_being_first(self):
        self.assertEqual(self.run_rounds(0), [OURS, "libuv", "libuv", OURS, OURS, "libuv"])

    def test_what_was_stolen_from_is_done_again_and_not_for_ever(self):
        self.assertEqual(len(self.run_rounds(1)), 2 * (3 + case.SCALES["quick"].again_max))


if __name__ == "__main__":
    unittest.main()
