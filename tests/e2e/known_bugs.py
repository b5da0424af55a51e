#!/usr/bin/env python3
"""Finds documented bugs of the standard library and of packages again; prints which, how fast, and under which signature.

    tests/e2e/known_bugs.py [--time S] [--only REGEX] [--seed N] [--stdlib | --packages]

The rows are in known_bugs.toml. Each row is fuzzed the way a maintainer would, both flavours, until a finding of one of its kinds
has one of its functions in the signature. A package's row may name a version with the fix: it is fuzzed for the whole time, and
that signature must not appear. Nothing may be blamed on a row that is expected to be clean.
Exit 0 when at least --enough rows of the standard library and --enough-packages of the packages were found, and all that must be
silent was.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402


def is_package(bug):
    return "==" in bug["target"]


def regex(bug):
    """`kind frame` or `kind frame | frame`: a frame of `functions`; where there are two and the row says `with`, the other of it."""
    kinds, first, second = ("(" + part.replace("\\w", "[A-Za-z0-9_]") + ")"
                            for part in ("|".join(bug["kinds"]), bug["functions"], bug.get("with", ".*")))
    return f"^{kinds} {first}$|^{kinds} {first} [|] {second}$|^{kinds} {second} [|] {first}$"


def exactly(signature):
    """The signature, as a regular expression that matches it and nothing else."""
    return "^" + re.sub(r"([^A-Za-z0-9_ :/-])", r"[\1]", signature) + "$"


class Campaigns:
    """Runs ftfuzz for the rows, each campaign in a folder of its own."""

    def __init__(self, scratch, arguments):
        self.scratch, self.arguments, self.count = scratch, arguments, 0

    def run(self, target, time, *options):
        self.count += 1
        arguments = self.arguments
        return ftf.ftfuzz("fuzz", target, "--time", time, *options, "--json", "--out", self.scratch / str(self.count), "--seed",
                          arguments.seed, "--confirm", arguments.confirm, timeout=time + arguments.confirm + 1800)


def blamed(summary):
    return [one for one in ftf.findings(summary) if one["blame"] == "extension"]


class Row:
    """What came of one row."""

    def __init__(self, bug, campaigns):
        self.bug = bug
        time = min(campaigns.arguments.time, bug.get("time", campaigns.arguments.time))
        self.hit, self.loud, self.fixed, self.seconds, self.scenarios = None, False, "", 0, "-"
        if bug.get("clean"):
            self.expect_nothing(campaigns, time)
        else:
            self.find(campaigns, time)
            if self.hit and "fixed" in bug:
                self.try_fixed(campaigns, time)

    def take(self, run):
        summary = run.json()
        self.seconds, self.scenarios = summary.get("seconds", run.seconds), summary.get("scenarios", "-")
        return summary

    def find(self, campaigns, time):
        run = campaigns.run(self.bug["target"], time, "--until-finding", regex(self.bug))
        summary = self.take(run)
        self.hit = ftf.wanted(summary)
        self.why = run.error() or self.bug.get("note") or f"{len(ftf.findings(summary))} other findings of the module"
        if self.hit:
            self.seconds, self.scenarios = self.hit["after_seconds"], self.hit["after_scenarios"]

    def try_fixed(self, campaigns, time):
        run = campaigns.run(self.bug["fixed"], time, "--until-finding", exactly(self.hit["signature"]))
        again, others = ftf.wanted(run.json()), len(blamed(run.json()))
        self.loud = again is not None or run.code not in (0, 1)
        self.fixed = run.error() or ("AGAIN" if again else f"silent, {others} others" if others else "silent")

    def expect_nothing(self, campaigns, time):
        run = campaigns.run(self.bug["target"], time, "--until-finding", "any")
        found = blamed(self.take(run))
        self.loud = bool(found) or run.code not in (0, 1)
        self.why = run.error() or (found[0]["signature"] if found else "")
        self.fixed = "LOUD" if self.loud else "silent"

    def print(self, table):
        bug, hit = self.bug, self.hit
        found = "-" if bug.get("clean") else "yes" if hit else "NO"
        table.row(ftf.one_line(bug["row"], 62), found, f"{self.seconds:.1f}", self.scenarios, ftf.rate(hit) if hit else "-",
                  ftf.one_line(self.fixed or "-", 18), bug["reference"], hit["signature"] if hit else self.why)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=300, help="seconds a campaign may take")
    parser.add_argument("--only", default="", help="rows or references, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--confirm", type=int, default=60, help="seconds for replaying a finding 20 times")
    parser.add_argument("--enough", type=int, default=12, help="so many rows of the standard library found are a success")
    parser.add_argument("--enough-packages", type=int, default=7, help="and so many of the packages")
    parser.add_argument("--stdlib", action="store_true", help="the standard library only")
    parser.add_argument("--packages", action="store_true", help="packages only")
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    with open(Path(__file__).parent / "known_bugs.toml", "rb") as file:
        bugs = tomllib.load(file)["bug"]
    bugs = [bug for bug in bugs if re.search(arguments.only, f"{bug['row']} {bug['reference']} {bug['target']}", re.I)
            and not (arguments.stdlib and is_package(bug)) and not (arguments.packages and not is_package(bug))]
    table = ftf.Table(("row", 62), ("found", 5), ("seconds", 7), ("scenarios", 9), ("replay", 6), ("fixed version", 18), ("reference", 20),
                      ("signature", 60))
    found, wanted, loud = {True: 0, False: 0}, {True: 0, False: 0}, 0
    with ftf.Scratch("known-bugs") as scratch:
        campaigns = Campaigns(scratch, arguments)
        for bug in bugs:
            row, package = Row(bug, campaigns), is_package(bug)
            row.print(table)
            found[package] += row.hit is not None
            wanted[package] += not bug.get("clean")
            loud += row.loud
    print(f"{found[False]} of {wanted[False]} rows of the standard library found, {found[True]} of {wanted[True]} of the packages; "
          f"{loud} that must be silent were not")
    enough = found[False] >= min(arguments.enough, wanted[False]) and found[True] >= min(arguments.enough_packages, wanted[True])
    return 0 if enough and loud == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
