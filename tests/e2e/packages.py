#!/usr/bin/env python3
"""Takes packages through `ftfuzz check` and prints what came of each.

    tests/e2e/packages.py [--time S] [--only REGEX] [--seed N] [--out DIR]

The packages are in packages.toml. Asks of each: does it build with all of its libraries instrumented, does the check end without a bug of
ours (exit 0 or 1), and how many of its callables were called with accepted arguments? Exit 0 when all ended so and --enough of them
had at least 80 %.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402


def instrumented(document):
    """`all`, or how many of the package's libraries are."""
    builds = (document.get("package") or {}).get("builds", {})
    libraries = [one for flavour in ("tsan", "asan") for one in builds.get(flavour, {}).get("libraries", [])]
    seen = sum(bool(one["instrumented"]) for one in libraries)
    return "all" if libraries and seen == len(libraries) else f"{seen}/{len(libraries)}"


class Row:
    """What came of one package."""

    def __init__(self, run):
        document = run.json()
        campaign = document.get("campaign", {})
        counts = campaign.get("callables", {})
        self.accepted, self.total = counts.get("accepted", 0), counts.get("total", 0)
        coverage = document.get("coverage", {})
        self.overlapped = "{overlapped}/{total}".format(**coverage["pairs"]) if "pairs" in coverage else "-"
        self.blamed = sum(one["blame"] == "extension" for one in document.get("findings", []))
        self.instrumented = instrumented(document)
        self.gil = document.get("gil", {}).get("declares", "-")
        self.ok = run.code in (0, 1)
        bugs = campaign.get("bugs", 0)
        self.result = "ok" if self.ok else f"exit {run.code}: {run.error() or f'{bugs} bugs of ours'}"

    @property
    def share(self):
        return self.accepted / self.total if self.total else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=60, help="seconds a check takes, but for building")
    parser.add_argument("--only", default="", help="packages, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--enough", type=int, default=20, help="so many packages with 80 %% of their callables are a success")
    parser.add_argument("--out", help="keep the checks here")
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    with open(Path(__file__).parent / "packages.toml", "rb") as file:
        requirements = tomllib.load(file)["requirements"]
    table = ftf.Table(("package", 24), ("callables", 9), ("accepted", 8), ("pairs met", 11), ("GIL", 12), ("instrumented", 12),
                      ("findings", 8), ("result", 60))
    rows = []
    with ftf.Scratch("packages") as scratch:
        for requirement in requirements:
            if not re.search(arguments.only, requirement):
                continue
            run = ftf.ftfuzz("check", requirement, "--time", arguments.time, "--seed", arguments.seed, "--json", "--out",
                             arguments.out or scratch, timeout=arguments.time + 3600)
            row = Row(run)
            table.row(requirement, row.total, f"{100 * row.share:.0f} %", row.overlapped, row.gil, row.instrumented, row.blamed,
                      row.result)
            rows.append(row)
    good = sum(row.share >= 0.8 for row in rows)
    ended = sum(row.ok for row in rows)
    print(f"{ended} of {len(rows)} ended without a bug of ours; "
          f"in {good} at least 80 % of the callables were called with accepted arguments")
    return 0 if ended == len(rows) and good >= min(arguments.enough, len(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
