#!/usr/bin/env python3
"""Every C module of the standard library that can be imported, for a few seconds each, with no target file.

    tests/e2e/sweep.py [--time S] [--only REGEX] [--seed N]

Asks two things of each: does fuzzing it end without a bug of ours (exit 0 or 1), and how many of its callables are called with
accepted arguments (`ftfuzz show` names the rest)?
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402

# What has no API of its own to hammer, or one that ends processes by design.
LEFT_OUT = {
    "_testcapi", "_testinternalcapi", "_testbuffer", "_testimportmultiple", "_testmultiphase", "_testsinglephase", "_testclinic",
    "_testclinic_limited", "_testexternalinspection", "_testlimitedcapi", "_ctypes_test", "_xxtestfuzz", "xxlimited",
    "xxlimited_35", "xxsubtype", "_xxinterpchannels", "_xxinterpqueues", "_xxsubinterpreters", "_interpreters", "_interpchannels",
    "_interpqueues", "_posixsubprocess", "faulthandler", "_tkinter",
}

LIST_MODULES = r"""
import importlib.machinery, json, os, sys, sysconfig
names = set(sys.builtin_module_names)
folder = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
for name in os.listdir(folder):
    if name.endswith(".so"):
        names.add(name.split(".")[0])
print(json.dumps(sorted(names)))
"""


def modules():
    printed = subprocess.run([ftf.interpreter("plain"), "-c", LIST_MODULES], capture_output=True, text=True, check=True).stdout
    return [name for name in json.loads(printed) if name not in LEFT_OUT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=10, help="seconds a module")
    parser.add_argument("--only", default="", help="modules, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    tally = ftf.Tally()
    accepted_all = callables_all = 0
    table = ftf.Table(("module", 22), ("callables", 9), ("accepted", 9), ("share", 6), ("scenarios", 9), ("calls/s", 8),
                      ("findings", 8), ("result", 60))
    with ftf.Scratch("sweep") as scratch:
        for name in modules():
            if not re.search(arguments.only, name):
                continue
            show = ftf.ftfuzz("show", name, "--json")
            catalog = show.json()
            accepted = sum(1 for c in catalog.get("callables", []) if c["patterns"])
            callables = accepted + len(catalog.get("unknown", []))
            run = ftf.ftfuzz("fuzz", name, "--time", arguments.time, "--json", "--confirm", 0, "--out", scratch, "--seed",
                             arguments.seed)
            summary = run.json()
            accepted_all += accepted
            callables_all += callables
            ok = run.code in (0, 1)
            result = "ok" if ok else f"exit {run.code}: {run.error() or show.error() or str(summary.get('bugs', '?')) + ' bugs of ours'}"
            table.row(name, callables, accepted, f"{100 * accepted / callables:.0f} %" if callables else "-",
                      summary.get("scenarios", "-"), f"{summary.get('calls_per_second', 0):.0f}",
                      len(ftf.findings(summary)), result)
            tally.check(name, ok, result, quiet=True)
    if callables_all:
        print(f"{accepted_all} of {callables_all} callables are called with accepted arguments "
              f"({100 * accepted_all / callables_all:.1f} %)")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
