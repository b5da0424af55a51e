"""bench.py: every part can say how long it takes, which reads all the tables that it later works on."""

import argparse
import pathlib
import re
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name) for name in ("e2e", "canaries")]
import bench
import reproducers


def settings(values):
    return bench.Settings(argparse.Namespace(**values, quick=values is bench.QUICK, soak=60, together=False), "unused")


class Estimates(unittest.TestCase):
    def test_every_part_has_one(self):
        for values in (bench.FULL, bench.QUICK):
            low_high = bench.estimates(settings(values))
            self.assertEqual(set(low_high), set(bench.PARTS))
            self.assertTrue(all(0 < low <= high for low, high in low_high.values()), low_high)


class KnownBugs(unittest.TestCase):
    def test_are_those_of_the_standard_library_and_have_a_pattern(self):
        rows = list(reproducers.known_rows(settings(bench.FULL)))
        self.assertGreater(len(rows), 10)
        for name, target, pattern in rows:
            self.assertNotIn("==", target, name)
            re.compile(pattern)


if __name__ == "__main__":
    unittest.main()
