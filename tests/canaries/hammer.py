#!/usr/bin/env python3
"""A free-running hammer: random calls with random arguments from several threads, started again whenever it dies.

This is what people do today to look for races: no schedule, no coverage, no minimizer. It checks the canaries and their
twins without the fuzzer, and is what the fuzzer is measured against.

    hammer.py --flavour tsan --modules ck05_realloc,ck05_realloc_fixed --seconds 20
    hammer.py --flavour tsan --canaries                    all of them, and a verdict on each
    hammer.py --flavour tsan --modules collections --path ''     any module that can be imported

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
import time

import expect
import reports

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHILD = HERE / "hammer_child.py"
HUNG_AFTER = 20  # seconds beyond the time a child was given
OPTIONS = {
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=0:history_size=64:report_signal_unsafe=0:handle_abort=1:"
    "report_thread_leaks=0:second_deadlock_stack=1",
    "ASAN_OPTIONS": "detect_leaks=0:handle_abort=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "DEBUGINFOD_URLS": "",
    "PYTHONHASHSEED": "0",
}


def interpreter(flavour):
    prefix = pathlib.Path(command("build-python", flavour))
    return next(path for path in sorted((prefix / "bin").glob("python3.*t")) if not path.name.endswith("config"))


def command(script, *args):
    return subprocess.run([ROOT / "ci" / script, *args], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def run(call, environment, limit):
    """Runs a child: its lines, the time at which each came, and its exit code; None when it hung."""
    # In its own process group: a child that hangs may have a symbolizer of its own.
    child = subprocess.Popen(
        call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    deadline, lines, times, rest = time.monotonic() + limit, [], [], b""
    while (patience := deadline - time.monotonic()) > 0:
        if not select.select([child.stdout], [], [], patience)[0]:
            break
        data = os.read(child.stdout.fileno(), 1 << 16)
        if not data:
            break
        *whole, rest = (rest + data).split(b"\n")
        lines += [line.decode(errors="replace") for line in whole]
        times += [time.monotonic()] * len(whole)
    hung = patience <= 0
    if hung:
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    child.stdout.close()
    return lines, times, None if hung else code


def hammer(args, module, ours):
    """Hammers one module for args.seconds; yields each finding with the seconds that it took."""
    environment = dict(os.environ, **OPTIONS, PYTHONPATH=args.path)
    began, round_number = time.monotonic(), 0
    while (left := began + args.seconds - time.monotonic()) > 0:
        seconds = min(left, args.restart)
        call = [args.python, CHILD, module, str(args.seed + round_number), str(args.threads), f"{seconds:.1f}"]
        round_number += 1
        lines, times, code = run(call, environment, seconds + HUNG_AFTER)
        if args.log:
            with open(args.log, "a") as log:
                print(f"=== {module} seed {call[3]} exit {code}", *lines, sep="\n", file=log)
        findings = reports.parse("\n".join(lines), ours)
        if code is None:
            findings.append(reports.Finding("hung", [], ours))
        elif code != 0 and not findings:
            findings.append(reports.Finding(f"exit-{code}", [], ours))
        for finding in findings:
            yield (time.monotonic() if finding.line is None else times[finding.line]) - began, finding


def is_expected(canary, flavour, finding):
    if finding.kind == "hung":  # Seen from outside; there are no stacks.
        return any(a.kind == "deadlock" and flavour in a.flavours for a in canary.alternatives)
    return canary.expects(flavour, finding.kind, finding.functions)


def hammer_module(args, module, canaries):
    """Prints what was found in one module. True when that is as it should be."""
    canary = canaries.get(module.removesuffix("_fixed"))
    twin = canary is not None and module == canary.twin
    counts, first = collections.Counter(), None
    for now, finding in hammer(args, module, lambda path: canary is None or "/targets/canaries/" in path):
        if not finding.touches and not finding.kind.startswith(("exit", "hung")):
            continue  # The interpreter's own, such as races that its suppression file lists.
        wanted = canary is not None and not twin and is_expected(canary, args.flavour, finding)
        counts[f"{'+' if wanted else ' '} {finding}"] += 1
        if wanted and first is None:
            first = now
    due = canary is not None and not twin and any(args.flavour in a.flavours for a in canary.alternatives)
    good = not counts if twin else first is not None or not due
    verdict = "ok" if good else ("NOT SILENT" if twin else "NOT SEEN")
    print(f"{module:32} {'-' if first is None else f'{first:.1f} s':>6}  {verdict if canary else ''}", flush=True)
    for line, count in sorted(counts.items(), key=lambda item: -item[1])[: args.lines]:
        print(f"    {count:5} {line}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flavour", choices=expect.FLAVOURS, default="tsan")
    parser.add_argument("--modules", default="", help="names, separated by commas")
    parser.add_argument("--canaries", action="store_true", help="every canary and every twin")
    parser.add_argument("--path", help="sys.path of the modules; default: the canaries, built for the flavour")
    parser.add_argument("--python", help="the interpreter; default: the one ci/build-python makes for the flavour")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20, help="for each module")
    parser.add_argument("--restart", type=float, default=5, help="seconds after which a process is replaced")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=8, help="findings printed for each module")
    parser.add_argument("--log", help="file that gets everything the processes printed")
    args = parser.parse_args()
    args.python = args.python or interpreter(args.flavour)
    args.path = command("build-target", args.flavour, "canaries") if args.path is None else args.path
    table = {canary.module: canary for canary in expect.load(ROOT / "targets" / "canaries")}
    modules = [name for name in args.modules.split(",") if name]
    if args.canaries:
        modules += [name for canary in table.values() for name in (canary.module, canary.twin)]
    if not modules:
        parser.error("nothing to hammer: give --modules or --canaries")
    results = [hammer_module(args, module, table) for module in modules]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
