"""measure.py: medians and ratios of values of which some are only bounds, and a report that is whole at any moment."""

import pathlib
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from io import StringIO

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import measure
from measure import Ratio, Value, geometric_mean, median


class Medians(unittest.TestCase):
    def test_what_was_cut_off_is_larger_than_what_was_not(self):
        self.assertEqual(str(median([Value(9), Value(5, cut=True), Value(7)])), "9")
        self.assertEqual(str(median([Value(9), Value(5, cut=True), Value(6, cut=True)])), ">5")

    def test_of_two_the_larger(self):
        self.assertEqual(median([Value(1), Value(2)]).value, 2)


class Ratios(unittest.TestCase):
    def test_says_how_many_times(self):
        self.assertEqual(str(Ratio(Value(2), Value(50), 1)), "25x")

    def test_a_cut_value_makes_it_a_bound(self):
        self.assertEqual(str(Ratio(Value(2), Value(50, cut=True), 1)), ">25x")
        self.assertEqual(str(Ratio(Value(50, cut=True), Value(2), 1)), "<0.04x")
        self.assertEqual(str(Ratio(Value(50, cut=True), Value(50, cut=True), 1)), "?")

    def test_below_the_floor_all_are_equal(self):
        self.assertEqual(Ratio(Value(0.001), Value(0.005), 0.01).value, 1)

    def test_the_mean_leaves_out_what_is_not_known_and_counts_bounds(self):
        unknown = Ratio(Value(1, cut=True), Value(1, cut=True), 1)
        self.assertEqual(geometric_mean([Ratio(Value(1), Value(4), 1), Ratio(Value(1), Value(9, cut=True), 1), unknown]),
                         "6x over 2 (1 lower bounds)")
        self.assertEqual(geometric_mean([unknown]), "-")


class Reports(unittest.TestCase):
    def test_the_file_is_whole_after_each_row(self):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            report = measure.Report(pathlib.Path(folder, "new", "bench.md"))
            report.text("# title")
            report.table("a", "b")
            report.row("x | y", 1)
            self.assertEqual(report.path.read_text(), "# title\n\n| a | b |\n| --- | --- |\n| x \\| y | 1 |\n")
            report.text("end")
            self.assertTrue(report.path.read_text().endswith("| 1 |\n\nend\n"))


if __name__ == "__main__":
    unittest.main()
