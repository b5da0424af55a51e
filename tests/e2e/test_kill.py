#!/usr/bin/env python3
"""Kill -9 at any moment: while workers are started, find, are confirmed, minimized and explained. Nothing that was filed is lost or
half written, and the next run goes on from there.

    tests/e2e/test_kill.py [TIMES]
"""

import json
import random
import signal
import subprocess
import sys
import time

import ftf

TARGET, TIMES = "ck13_half_locked", 12
WHOLE = ("finding.json", "scenario.ft", "original.ft", "report.txt", "record.json")


def trouble(out):
    """What is wrong with the findings in the folder, and which there are."""
    wrong, ids = [], set()
    for folder in sorted((out / TARGET / "findings").glob("[!.]*")):
        ids.add(folder.name)
        missing = [name for name in WHOLE if not (folder / name).exists()]
        wrong += [f"{folder.name}: no {name}" for name in missing]
        for name in ("finding.json", "record.json", "minimize.json"):
            try:
                json.loads((folder / name).read_text()) if (folder / name).exists() else None
            except json.JSONDecodeError as error:
                wrong.append(f"{folder.name}/{name}: {error}")
        if not missing and not (folder / "scenario.ft").read_text().startswith("ftfuzz 1\n"):
            wrong.append(f"{folder.name}: scenario.ft is no scenario")
    return wrong, ids


def workers(out):
    listed = subprocess.run(["ps", "-eo", "pid,args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(out) in line and "ftfuzz-worker" in line]


def run(tally, times=TIMES):
    rng = random.Random(1)
    with ftf.Scratch("kill") as out:
        seen, wrong = set(), []
        command = [str(ftf.FTFUZZ), "fuzz", TARGET, "--time", "2", "--confirm", "3", "--minimize", "10", "--seed", "1", "--out", str(out)]
        for _ in range(times):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.1, 8.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
            new, ids = trouble(out)
            wrong += new + [f"{lost} is gone" for lost in seen - ids]
            seen |= ids
        tally.check(f"killed {times} times, {len(seen)} findings are whole", seen and not wrong, "; ".join(wrong[:5]))
        deadline = time.monotonic() + 10
        while workers(out) and time.monotonic() < deadline:
            time.sleep(0.1)
        tally.check("no worker is left", not workers(out), "; ".join(workers(out)[:2]))
        last = ftf.ftfuzz("fuzz", TARGET, "--time", 5, "--confirm", 5, "--seed", 1, "--json", "--out", out)
        wrong, ids = trouble(out)
        tally.check("the next run goes on", last.code == 1 and not wrong and seen <= ids, f"{last.code} {wrong} {last.err[-200:]}")


if __name__ == "__main__":
    ftf.run_alone(run, int(sys.argv[1]) if len(sys.argv) > 1 else 50)
