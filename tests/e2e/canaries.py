#!/usr/bin/env python3
"""Every planted bug must be found, with the right kind and functions, and every fixed twin must stay silent.

    tests/e2e/canaries.py [--time S] [--twin-time S] [--only REGEX] [--seed N]

Expectations are in the first line of each canary (tests/canaries/expect.py reads them). For each class: `ftfuzz fuzz` as a
maintainer would run it, both flavours, until the expected finding comes or the time is up; then the twin, for the same time. A
twin is silent when nothing is blamed on it; what CPython itself does wrong under the same scenarios is counted apart.
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


def expectations():
    script = ftf.ROOT / "tests" / "canaries" / "expect.py"
    printed = subprocess.run([sys.executable, str(script), "--json", str(ftf.ROOT / "targets" / "canaries")],
                             capture_output=True, text=True, check=True).stdout
    return json.loads(printed)["canaries"]


def alternative_regex(alternative):
    """A signature is `kind frame` or `kind frame | frame`, a frame is `file.c:function` or what the symbolizer knew."""
    sets = ["(" + "|".join(map(re.escape, functions)) + ")" for functions in alternative["functions"]]
    kind = re.escape(alternative["kind"])
    if len(sets) == 1:
        return f"^{kind} (.*[:| ])?{sets[0]}( |$)"
    first, second = sets
    return f"^{kind} .*[: ]{first} [|] .*[: ]{second}$|^{kind} .*[: ]{second} [|] .*[: ]{first}$"


def expected_regex(canary):
    # re.escape escapes characters that POSIX leaves alone; names of kinds and functions need `-` unescaped.
    return "|".join(alternative_regex(a) for a in canary["expect"]).replace("\\-", "-")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=int, default=60, help="seconds a bug may take")
    parser.add_argument("--twin-time", type=int, help="seconds a twin must stay silent; default: the same")
    parser.add_argument("--only", default="", help="classes or modules, a regular expression")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--confirm", type=int, default=60, help="seconds for replaying a finding 20 times")
    arguments = parser.parse_args()
    ftf.need_ftfuzz()
    twin_time = arguments.time if arguments.twin_time is None else arguments.twin_time
    tally = ftf.Tally()
    table = ftf.Table(("class", 5), ("canary", 25), ("found", 5), ("with", 5), ("seconds", 7), ("scenarios", 9), ("replay", 6),
                      ("twin", 8), ("signature", 60))
    with ftf.Scratch("canaries") as scratch:
        for canary in expectations():
            if not re.search(arguments.only, canary["class"] + " " + canary["module"]):
                continue
            common = ["--json", "--out", scratch, "--seed", arguments.seed]
            run = ftf.ftfuzz("fuzz", canary["module"], "--time", arguments.time, "--until-finding", expected_regex(canary),
                             "--confirm", arguments.confirm, *common)
            summary = run.json()
            hit = ftf.wanted(summary)
            other = ftf.findings(summary, None)
            twin, twin_findings, foreign = None, [], 0
            if twin_time > 0:
                twin = ftf.ftfuzz("fuzz", canary["twin"], "--time", twin_time, "--confirm", 10, *common)
                twin_findings = ftf.findings(twin.json())
                foreign = len(ftf.findings(twin.json(), None)) - len(twin_findings)
            silent = "-" if twin is None else "silent" if twin.code == 0 and not twin_findings else "LOUD"
            table.row(canary["class"], canary["module"], "yes" if hit else "NO", hit["flavour"] if hit else "-",
                      f"{hit['after_seconds']:.1f}" if hit else f"{summary.get('seconds', run.seconds):.0f}",
                      hit["after_scenarios"] if hit else summary.get("scenarios", "-"), ftf.rate(hit) if hit else "-", silent,
                      hit["signature"] if hit else run.error() or "; ".join(f["signature"] for f in other) or "nothing")
            for finding in twin_findings:
                print(f"       {canary['twin']}: {finding['signature']} [{finding['blame']}] {ftf.rate(finding)}")
            if twin is not None and twin.code not in (0, 1):
                print(f"       {canary['twin']}: exit {twin.code}: {twin.error()}")
            elif foreign:
                print(f"       {canary['twin']}: {foreign} findings that are the interpreter's own")
            tally.check(f"{canary['module']} is found", hit is not None, quiet=True)
            tally.check(f"{canary['twin']} is silent", silent != "LOUD", quiet=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
