"""repro.py shows a planted bug without ftfuzz, and nothing in its fixed twin; the control run knows which bugs need the GIL to be off."""

import json
import os
import subprocess
from pathlib import Path

import ftf

RELEASED = Path(__file__).parent / "data" / "released"
CANARY, FLAVOUR = "ck05_realloc", "asan"


def find(scratch, target, flavour, wanted, *arguments):
    """The finding of a campaign that stops at it, or None."""
    result = ftf.ftfuzz("fuzz", target, "--flavour", flavour, "--time", 60, "--until-finding", wanted, "--confirm", 6, "--seed", 1,
                        "--json", "--out", scratch, *arguments)
    return ftf.wanted(result.json())


def run_script(script, flavour, module_path, seconds):
    """Runs a reproducer on the interpreter of that flavour; its exit code and what it printed."""
    env = {**os.environ, "PYTHONPATH": str(module_path), "ASAN_OPTIONS": "detect_leaks=0"}
    process = subprocess.run([str(ftf.interpreter(flavour)), "-B", str(script), "1000000", str(seconds)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             env=env, check=False, timeout=300)
    return process.returncode, process.stdout


def built(flavour):
    """Where the canaries of a flavour are."""
    printed = subprocess.run([str(ftf.ROOT / "ci" / "build-target"), flavour, "canaries"], stdout=subprocess.PIPE, text=True, check=True)
    return printed.stdout.strip()


def test_canary(tally, scratch):
    hit = find(scratch, CANARY, FLAVOUR, "^use-after-free ")
    if not tally.check("the canary is found", hit is not None):
        return
    folder = Path(hit["folder"])
    ftf.ftfuzz("minimize", folder, "--time", 10, "-n", 4)
    made = ftf.ftfuzz("repro", folder, "-n", 5, "--seconds", 5, "--json")
    rates = made.json()
    tally.check("its reproducer shows it", made.code == 1 and rates["sanitizer"]["k"] > 0, f"exit {made.code}, {rates}, {made.error()}")
    stored = json.loads((folder / "finding.json").read_text(encoding="utf-8")).get("repro", {})
    tally.check("with a stored rate", stored.get("sanitizer", {}).get("n") == 5 and stored.get("plain", {}).get("n", 0) >= 3, str(stored))
    script = (folder / "repro.py").read_text(encoding="utf-8")
    tally.check("the script says so", "measured " in script and hit["signature"] in script, script[:800])
    (scratch / "twin.py").write_text(script.replace(CANARY, CANARY + "_fixed"), encoding="utf-8")
    for flavour in ("plain", rates["sanitizer"].get("flavour", FLAVOUR)):
        ends = [run_script(scratch / "twin.py", flavour, built(flavour), 2) for _ in range(3)]
        # TSan has reports of the interpreter's own, which are none of the module's.
        silent = all((code == 0 or flavour == "tsan") and "nothing happened in" in printed and CANARY not in printed
                     for code, printed in ends)
        tally.check(f"the fixed twin is silent ({flavour})", silent, str(ends)[:800])
    control = ftf.ftfuzz("control", folder, "-n", 4, "--json")
    tally.check("it needs the GIL to be off", control.json().get("label") == "only without the GIL", f"{control.json()} {control.error()}")


def test_released(tally, scratch):
    """A bug that every CPython has."""
    hit = find(scratch, f"{RELEASED}:released", "tsan", "^data-race .*:count [|] .*:count$")
    if not tally.check("a race behind the GIL's back is found", hit is not None):
        return
    control = ftf.ftfuzz("control", hit["folder"], "-n", 4, "--json")
    tally.check("it shows with the GIL, too", control.json().get("label") == "also with the GIL" and control.code == 1,
                f"{control.json()} {control.error()}")
    stored = json.loads(Path(hit["folder"], "finding.json").read_text(encoding="utf-8")).get("gil", {})
    tally.check("that is stored", stored.get("with_gil", {}).get("k", 0) > 0 and stored.get("without_gil", {}).get("k", 0) > 0, str(stored))
    fixed = ftf.ftfuzz("fuzz", f"{RELEASED}:released_fixed", "--flavour", "tsan", "--time", 6, "--seed", 1, "--json", "--out", scratch)
    tally.check("the fixed twin is silent", fixed.code == 0 and not ftf.findings(fixed.json()), str(ftf.findings(fixed.json())))


def run(tally):
    for test in (test_canary, test_released):
        with ftf.Scratch("repro") as scratch:
            test(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
