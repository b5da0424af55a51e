#!/usr/bin/env python3
"""A free-running hammer: random calls with random arguments from several threads, started again whenever it dies.

This is what people do today to look for races: no schedule, no coverage, no minimizer. It checks the canaries and their
twins without the fuzzer, and is what the fuzzer is measured against (tests/bench/bench.py).

    hammer.py --flavour tsan --modules ck05_realloc,ck05_realloc_fixed --seconds 20
    hammer.py --flavour tsan --canaries                    all of them, and a verdict on each
    hammer.py --flavour tsan --modules collections,array   any module that can be imported

With --canaries it exits 1 when a bug was not seen as expected or a twin was not silent.
"""

import argparse
import collections
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "canaries"), str(ROOT / "tests" / "e2e")]
import expect  # noqa: E402
import ftf  # noqa: E402
import reports  # noqa: E402

CHILD = HERE / "hammer_child.py"
HUNG_AFTER = 20  # seconds beyond the time a child was given
STUCK_AFTER = 20  # seconds without CPU time: nobody will move any more
LOST_AFTER = 8  # CPU seconds without a finished round: two containers that extend each other do so for ever
RSS_MAX = 2560 << 20  # bytes, as for a worker of ftfuzz: random calls now and then make something enormous
LOOK = 0.05  # seconds between looks at a child


def canary_path(flavour):
    """The folder with the canaries, built for the flavour."""
    return subprocess.run([ROOT / "ci" / "build-target", flavour, "canaries"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def usage_of(pid):
    """CPU seconds and bytes of memory of a process; zeros once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


class Child:
    """One process of the hammer and all that came of it: lines, CPU time, and how it ended."""

    def __init__(self, call, environment, seconds, cpu_seconds):
        self.lines, self.cpu, self.cut, self.hung = [], 0.0, False, False
        with tempfile.TemporaryDirectory(prefix="ftfuzz-hammer-") as folder:  # it may make files by any name
            # In its own process group, so that nothing of it outlives us.
            self.process = subprocess.Popen(call, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            start_new_session=True)
            try:
                self._read(time.monotonic() + seconds + HUNG_AFTER, cpu_seconds)
            except BaseException:  # Ctrl-C does not reach it
                os.killpg(self.process.pid, signal.SIGKILL)
                raise
            _, status, usage = os.wait4(self.process.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        self.process.returncode = self.code  # or Popen would wait for it again
        self.cpu = usage.ru_utime + usage.ru_stime
        self.process.stdout.close()
        self.died = not self.cut and not self.hung and self.code != 0

    def _read(self, deadline, cpu_seconds):
        rest, output = b"", self.process.stdout.fileno()
        moved, moved_at, round_at = 0.0, time.monotonic(), 0.0
        while True:
            if select.select([output], [], [], LOOK)[0]:
                data = os.read(output, 1 << 20)
                if not data:
                    break
                *whole, rest = (rest + data).split(b"\n")
                self.lines += [line.decode(errors="replace") for line in whole]
                round_at = moved if b"hammer: alive" in whole else round_at
            cpu, memory = usage_of(self.process.pid)
            now = time.monotonic()
            if cpu > moved:
                moved, moved_at = cpu, now
            self.hung = now > deadline or now > moved_at + STUCK_AFTER
            self.cut = cpu >= cpu_seconds or memory > RSS_MAX or cpu > round_at + LOST_AFTER
            if self.hung or self.cut:
                os.killpg(self.process.pid, signal.SIGKILL)
                break
        self.lines += [rest.decode(errors="replace")] if rest else []


class Hammer:
    """Hammers a module until so many seconds, or so many CPU seconds of its processes, are over."""

    def __init__(self, module, flavour, python, path="", seed=1, threads=8, restart=30.0, log=None):
        self.module, self.flavour, self.python, self.seed, self.threads = module, flavour, str(python), seed, threads
        self.restart, self.log = restart, log
        self.environment = {**os.environ, **reports.OPTIONS, "PYTHONPATH": path}
        self.cpu, self.starts, self.hung = 0.0, 0, 0

    def run(self, seconds=1e9, cpu_seconds=1e9):
        """Yields (seconds, report) for every report, repeated ones too."""
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0.2 and self.cpu < cpu_seconds:
            given = min(left, self.restart)
            call = [self.python, "-B", str(CHILD), self.module, str(self.seed * 1000 + self.starts), str(self.threads), f"{given:.1f}"]
            child = Child(call, self.environment, given, cpu_seconds - self.cpu)
            self.cpu += child.cpu
            self.starts += 1
            self.hung += child.hung
            if self.log:
                with open(self.log, "a", encoding="utf-8") as log:
                    print(f"=== {self.module} seed {call[4]} exit {child.code}", *child.lines, sep="\n", file=log)
            for _, report in reports.split(child.lines, self.flavour, child.died):
                yield time.monotonic() - began, report
            if child.died and child.code < 0 and not any("ERROR: " in line for line in child.lines[-reports.TAIL:]):
                yield time.monotonic() - began, reports.record("segv" if child.code in (-11, -7) else "abort", self.flavour,
                                                               signal.Signals(-child.code).name, [])


def catalog_of(module, scratch):
    """A file with what ftfuzz knows about the module: the signatures' blame needs it."""
    path = pathlib.Path(scratch) / f"{module}.json"
    path.write_text(ftf.ftfuzz("show", module, "--json").out, encoding="utf-8")
    return path


def blamed(found, catalog, python):
    """The findings on the extension among (seconds, report): (seconds, kind, signature). What ftfuzz would not file is left out."""
    answers = reports.signatures([report for _, report in found], catalog, python)
    return [(seconds, answer["kind"], answer["signature"]) for (seconds, _), answer in zip(found, answers)
            if answer is not None and answer["blame"] == "extension" and answer["known"] is None]


def is_expected(canary, flavour, kind, signature):
    return canary.expects(flavour, kind, reports.functions_of(signature))


def hammer_module(args, module, canaries, scratch):
    """Prints what was found in one module. True when that is as it should be."""
    canary = canaries.get(module.removesuffix("_fixed"))
    twin = canary is not None and module == canary.twin
    hammer = Hammer(module, args.flavour, args.python, args.path, args.seed, args.threads, args.restart, args.log)
    found = list(hammer.run(cpu_seconds=args.cpu_seconds) if args.cpu_seconds else hammer.run(args.seconds))
    counts, first = collections.Counter(), None
    for seconds, kind, signature in blamed(found, catalog_of(module, scratch), args.python):
        wanted = canary is not None and not twin and is_expected(canary, args.flavour, kind, signature)
        counts[f"{'+' if wanted else ' '} {signature}"] += 1
        if wanted and first is None:
            first = seconds
    deadlock = canary is not None and any(a.kind == "deadlock" and args.flavour in a.flavours for a in canary.alternatives)
    if hammer.hung:  # Seen from outside; there are no stacks.
        counts[f"{'+' if deadlock else ' '} hung"] += hammer.hung
        first = 0.0 if first is None and deadlock and not twin else first
    due = canary is not None and not twin and any(args.flavour in a.flavours for a in canary.alternatives)
    good = not counts if twin else first is not None or not due
    verdict = "ok" if good else ("NOT SILENT" if twin else "NOT SEEN")
    print(f"{module:32} {'-' if first is None else f'{first:.1f} s':>6}  {verdict if canary else ''}  {hammer.cpu:.1f} CPU s, "
          f"{hammer.starts} processes, {len(counts)} signatures", flush=True)
    for line, count in sorted(counts.items(), key=lambda item: -item[1])[: args.lines]:
        print(f"    {count:5} {line}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flavour", choices=("tsan", "asan"), default="tsan")
    parser.add_argument("--modules", default="", help="names, separated by commas")
    parser.add_argument("--canaries", action="store_true", help="every canary and every twin")
    parser.add_argument("--path", help="sys.path of the modules; default: the canaries, built for the flavour")
    parser.add_argument("--python", help="the interpreter; default: the one the build was configured with")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20, help="for each module")
    parser.add_argument("--cpu-seconds", type=float, help="for each module, instead: so much CPU time of its processes")
    parser.add_argument("--restart", type=float, default=30, help="seconds after which a process is replaced")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=8, help="findings printed for each module")
    parser.add_argument("--log", help="file that gets everything the processes printed")
    args = parser.parse_args()
    args.python = args.python or ftf.interpreter(args.flavour)
    args.path = canary_path(args.flavour) if args.path is None else args.path
    table = {canary.module: canary for canary in expect.load(ROOT / "targets" / "canaries")}
    modules = [name for name in args.modules.split(",") if name]
    if args.canaries:
        modules += [name for canary in table.values() for name in (canary.module, canary.twin)]
    if not modules:
        parser.error("nothing to hammer: give --modules or --canaries")
    with ftf.Scratch("hammer") as scratch:
        results = [hammer_module(args, module, table, scratch) for module in modules]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
