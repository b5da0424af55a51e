#!/usr/bin/env python3
"""Takes packages through `ftfuzz check` and prints what came of each.

    tests/e2e/packages.py [--time S] [--only REGEX] [--seed N] [--jobs N] [--out DIR] [--seeds]

The packages are in packages.toml. Asks of each: does it build with all of its libraries instrumented, does the check end without a bug of
ours (exit 0 or 1), how many of its callables were called with accepted arguments, and do its seeds (corpora/<module>) run? Exit 0 when
all did and --enough of them had at least 80 %. With --seeds, only the seeds are run.
"""

import argparse
import json
import os
import re
import subprocess
import sys
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


def plain_build(requirement):
    """The folder for sys.path; from the cache, after anything else has used the package."""
    done = subprocess.run([str(ftf.ROOT / "ci" / "build-package"), "--flavour", "plain", "--", requirement], capture_output=True,
                          text=True, check=False)
    return json.loads(Path(done.stdout.strip()).read_text())["builds"]["plain"]["path"] if done.returncode == 0 else ""


def senseless(seed, folder):
    """The lines that are wrong in themselves: a replay, in which every line may raise, does not tell."""
    done = subprocess.run([ftf.interpreter("plain"), "-B", str(ftf.ROOT / "tests" / "python" / "test_seeds.py"), "--run", str(seed)],
                          capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": folder})
    return done.stdout.strip() or (done.stderr.strip()[-300:] if done.returncode else "")


def replay_seeds(requirement, module):
    """`3`, so many ran; or `2/3`, and what the others said on standard error."""
    seeds = ftf.seeds(module)
    folder = plain_build(requirement)
    wrong = 0
    for seed in seeds:
        trouble, _ = ftf.replay_seed(seed, "--target", requirement)
        trouble = trouble or senseless(seed, folder)
        if trouble:
            print(f"{seed.relative_to(ftf.ROOT)}: {trouble}", file=sys.stderr)
            wrong += 1
    return (f"{len(seeds) - wrong}/{len(seeds)}" if wrong else str(len(seeds))), wrong == 0


def seeds_row(requirement, module):
    seeds, ran = replay_seeds(requirement, module)
    print(f"{requirement:24}  {seeds} seeds ran", flush=True)
    return ran


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=60, help="seconds a check takes, but for building")
    parser.add_argument("--only", default="", help="packages, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--enough", type=int, default=20, help="so many packages with 80 %% of their callables are a success")
    parser.add_argument("--jobs", type=int, default=0, help="workers of a check; default one for each CPU")
    parser.add_argument("--out", help="keep the checks here")
    parser.add_argument("--seeds", action="store_true", help="no checks, only run the seeds")
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    packages = [package for package in ftf.packages() if re.search(arguments.only, package[0])]
    if arguments.seeds:
        return 0 if all([seeds_row(*package) for package in packages]) else 1
    table = ftf.Table(("package", 24), ("callables", 9), ("accepted", 8), ("pairs met", 11), ("GIL", 12), ("instrumented", 12),
                      ("findings", 8), ("seeds", 5), ("result", 60))
    rows, seeds_ok = [], True
    with ftf.Scratch("packages") as scratch:
        for requirement, module in packages:
            jobs = ["--jobs", arguments.jobs] if arguments.jobs else []
            run = ftf.ftfuzz("check", requirement, "--time", arguments.time, "--seed", arguments.seed, "--json", *jobs, "--out",
                             arguments.out or scratch, timeout=arguments.time + 3600)
            row = Row(run)
            seeds, ran = replay_seeds(requirement, module)
            seeds_ok = seeds_ok and ran
            table.row(requirement, row.total, f"{100 * row.share:.0f} %", row.overlapped, row.gil, row.instrumented, row.blamed,
                      seeds, row.result)
            rows.append(row)
    good = sum(row.share >= 0.8 for row in rows)
    ended = sum(row.ok for row in rows)
    print(f"{ended} of {len(rows)} ended without a bug of ours; "
          f"in {good} at least 80 % of the callables were called with accepted arguments")
    return 0 if seeds_ok and ended == len(rows) and good >= min(arguments.enough, len(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
