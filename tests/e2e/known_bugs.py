#!/usr/bin/env python3
"""Finds documented bugs of the standard library again and prints which, how fast, and under which signature.

    tests/e2e/known_bugs.py [--time S] [--only REGEX] [--seed N]

The rows are in known_bugs.toml. Each row is fuzzed the way a maintainer would, both flavours, until a finding of one of its kinds
has one of its functions in the signature. Exit 0 when at least --enough rows were found.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402


def regex(bug):
    """`kind frame` or `kind frame | frame`: a frame of `functions`; where there are two and the row says `with`, the other of it."""
    kinds, first, second = ("(" + part.replace("\\w", "[A-Za-z0-9_]") + ")"
                            for part in ("|".join(bug["kinds"]), bug["functions"], bug.get("with", ".*")))
    return f"^{kinds} {first}$|^{kinds} {first} [|] {second}$|^{kinds} {second} [|] {first}$"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=300, help="seconds a row may take")
    parser.add_argument("--only", default="", help="rows or references, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--confirm", type=int, default=60, help="seconds for replaying a finding 20 times")
    parser.add_argument("--enough", type=int, default=12, help="so many rows found are a success")
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    with open(Path(__file__).parent / "known_bugs.toml", "rb") as file:
        bugs = tomllib.load(file)["bug"]
    bugs = [bug for bug in bugs if re.search(arguments.only, f"{bug['row']} {bug['reference']} {bug['target']}", re.I)]
    found = 0
    table = ftf.Table(("row", 62), ("found", 5), ("seconds", 7), ("scenarios", 9), ("replay", 6), ("reference", 20), ("signature", 60))
    with ftf.Scratch("known-bugs") as scratch:
        for number, bug in enumerate(bugs):
            run = ftf.ftfuzz("fuzz", bug["target"], "--time", min(arguments.time, bug.get("time", arguments.time)),
                             "--until-finding", regex(bug), "--json", "--out",
                             scratch / str(number), "--seed", arguments.seed, "--confirm", arguments.confirm,
                             timeout=arguments.time + arguments.confirm + 600)
            summary = run.json()
            hit = ftf.wanted(summary)
            found += hit is not None
            why = run.error() or bug.get("note") or f"{len(ftf.findings(summary))} other findings of the module"
            table.row(ftf.one_line(bug["row"], 62), "yes" if hit else "NO",
                      f"{hit['after_seconds']:.1f}" if hit else f"{summary.get('seconds', run.seconds):.0f}",
                      hit["after_scenarios"] if hit else summary.get("scenarios", "-"), ftf.rate(hit) if hit else "-",
                      bug["reference"], hit["signature"] if hit else why)
    print(f"{found} of {len(bugs)} rows found")
    return 0 if found >= min(arguments.enough, len(bugs)) else 1


if __name__ == "__main__":
    sys.exit(main())
