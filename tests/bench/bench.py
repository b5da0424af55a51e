#!/usr/bin/env python3
"""What ftfuzz is worth, in figures: against free-running threads, against a hammer script, and against the raw limit.

    tests/bench/bench.py [--only a,b,c,d,e,f,g,h] [--seeds N] [--quick] [--out FILE.md]

    a  scenarios and CPU time until each planted bug is found, with ftfuzz's schedules and with free-running lanes
    b  different signatures in a minute of CPU time, against tests/bench/hammer.py
    c  how many findings replay
    d  fixed cost of an empty scenario; calls per second against a bare loop
    e  two workers against one
    f  half an hour on each of three targets: bugs of ours, memory, lost findings
    g  how small findings become, how surely they then replay, and how long that takes
    h  how often the scripts made of them show the bug, and that they say nothing of fixed twins

The result is a Markdown file, which is written row by row: Ctrl-C keeps what was measured. Figures are medians over the seeds; what is
compared runs in turn, so that what else the machine does meets both sides. It should be idle all the same.
"""

import argparse
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "canaries"), str(HERE.parent / "e2e")]
import finding  # noqa: E402
import ftf  # noqa: E402
import measure  # noqa: E402
import reproducers  # noqa: E402
import soak  # noqa: E402
import speed  # noqa: E402

PARTS = {"a": finding.part_a, "b": finding.part_b, "c": finding.part_c, "d": speed.part_d, "e": speed.part_e, "f": soak.part_f,
         "g": reproducers.part_g, "h": reproducers.part_h}
FULL = {"seeds": 5, "cap": 60, "cpu": 60, "modules": "collections,array,xml.etree.ElementTree,itertools,io,csv", "canaries": ""}
QUICK = {"seeds": 1, "cap": 5, "cpu": 5, "modules": "collections,array", "canaries": "K(3|5|9|24) "}


class Settings:
    """What the parts are told. folder() is a fresh one for each campaign, since one that goes on from another knows its findings."""

    def __init__(self, arguments, scratch):
        self.quick, self.scratch = arguments.quick, scratch
        self.seeds = list(range(1, arguments.seeds + 1))
        self.cap, self.cpu = arguments.cap, arguments.cpu
        self.canaries, self.modules = arguments.canaries, arguments.modules.split(",")
        self.replay_time, self.confirm = (5, 20) if self.quick else (20, 120)
        self.runs = 4000 if self.quick else 40000  # executions of an empty scenario
        self.minimize = 20 if self.quick else 60  # seconds for each finding
        self.soak, self.together = arguments.soak, arguments.together
        self._folders = 0

    def folder(self):
        self._folders += 1
        return Path(self.scratch) / f"out{self._folders}"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--seeds", type=int, help=f"runs of each kind; default {FULL['seeds']}")
    parser.add_argument("--cap", type=int, help=f"CPU seconds that a canary may take (part a); default {FULL['cap']}")
    parser.add_argument("--cpu", type=int, help=f"CPU seconds for each module and side (part b); default {FULL['cpu']}")
    parser.add_argument("--canaries", help="classes or modules (parts a and c), a regular expression; default: all")
    parser.add_argument("--modules", help=f"for parts b and c; default {FULL['modules']}")
    parser.add_argument("--soak", type=int, default=soak.SOAK_SECONDS, help="seconds for each target of part f; default %(default)s")
    parser.add_argument("--together", action="store_true", help="the targets of part f at the same time")
    parser.add_argument("--out", default=str(ftf.ROOT / "out" / "bench.md"), help="default out/bench.md")
    parser.add_argument("--quick", action="store_true", help="one seed, small caps, few targets: whether it works, not what it is worth")
    arguments = parser.parse_args()
    for name, value in (QUICK if arguments.quick else FULL).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    arguments.only = arguments.only.split(",")
    unknown = [part for part in arguments.only if part not in PARTS]
    if unknown or min(arguments.seeds, arguments.cap, arguments.cpu, arguments.soak) < 1:
        parser.error(f"no such part: {', '.join(unknown)}" if unknown else "--seeds, --cap, --cpu and --soak are at least 1")
    return arguments


def estimates(settings):
    """For each part the seconds that it takes, at least and at most."""
    return {**finding.estimate(settings), **speed.estimate(settings), **soak.estimate(settings), **reproducers.estimate(settings)}


def say_how_long(arguments, settings):
    parts = estimates(settings)
    low, high = (sum(parts[part][i] for part in arguments.only) / 60 for i in (0, 1))
    print(f"bench: parts {', '.join(arguments.only)}: {low:.0f} to {high:.0f} minutes on an idle machine, depending on how much is found; "
          f"{arguments.out} has each row as it comes", flush=True)


def main():
    arguments = parse()
    ftf.need_ftfuzz()
    report = measure.Report(arguments.out)
    with ftf.Scratch("bench") as scratch:
        settings = Settings(arguments, scratch)
        say_how_long(arguments, settings)
        report.text("# ftfuzz in figures", "", f"`{' '.join(['tests/bench/bench.py', *sys.argv[1:]])}`")
        report.table("what", "which")
        for row in measure.environment():
            report.row(*row)
        began = time.monotonic()
        try:
            for part in arguments.only:
                PARTS[part](settings, report)
        except KeyboardInterrupt:
            report.text("Interrupted: what follows was not measured.")
            return 130
        report.text(f"Done after {(time.monotonic() - began) / 60:.0f} minutes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
