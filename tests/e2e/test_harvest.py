"""`ftfuzz harvest`: a package's own tests teach what discovery cannot find, and do not notice."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import ftf

STEPS = Path(__file__).parent / "data" / "steps"
SECRET = "correct-horse-battery"
ENV = {"STEPS_TOKEN": SECRET}


def accepted(result):
    match = re.search(r"^(\d+) of (\d+) callables", result.out, re.M)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def test_teaches(tally, target, scratch):
    """The numbers before and after, the files, what campaigns and `show` make of it; the same again gives the same."""
    suite = ["python", "-m", "unittest", "discover", "-s", target / "suite"]
    before = ftf.ftfuzz("show", target, env=ENV)
    result = ftf.ftfuzz("harvest", target, "--json", "--output", scratch / "a", "--", *suite, env=ENV)
    figures = result.json()
    tally.check("a harvest of a suite that passes", result.code == 0 and figures.get("exit") == 0, f"{result.code} {result.err[-900:]}")
    tally.check("the tests are counted", figures.get("tests", 0) >= 7, str(figures))
    for label in ("Meter.configure", "Meter.feed", "Meter.window", "Window.mean"):
        tally.check(f"{label} could not be called before", label in figures.get("new", []), str(figures))
    after = ftf.ftfuzz("show", target, env=ENV)
    tally.check("show knows more callables", accepted(before) == (1, 4) and accepted(after) == (5, 5),
                f"{accepted(before)} {accepted(after)}")
    tally.check("and says why", "harvested from" in after.err and "harvested" not in before.err, after.err)
    toml, seeds = scratch / "a" / "steps.toml", sorted((scratch / "a" / "steps").glob("*.ft"))
    tally.check("--output has a target file", toml.is_file() and "[[make]]" in toml.read_text(), str(list(scratch.rglob("*"))))
    tally.check("and seeds", len(seeds) >= 2, str(seeds))
    written = "".join(file.read_text() for file in [toml, *seeds])
    tally.check("no secret and no path of the machine is in it", SECRET not in written and str(target) not in written, written)
    again = ftf.ftfuzz("harvest", target, "--json", "--output", scratch / "b", "--", *suite, env=ENV)
    same = all((scratch / "b" / "steps" / seed.name).read_bytes() == seed.read_bytes() for seed in seeds)
    tally.check("a second harvest gives the same bytes", again.code == 0 and same
                and (scratch / "b" / "steps.toml").read_bytes() == toml.read_bytes(), again.err[-300:])
    return figures.get("folder")


def test_campaign(tally, target, scratch):
    """Workers start from the seeds: all of them parse and run. What they show of the target is no concern here."""
    result = ftf.ftfuzz("fuzz", target, "--time", 4, "--jobs", 2, "--confirm", 0, "--seed", 1, "--json", "--out", scratch, env=ENV)
    seeds = sorted((scratch / "steps" / "corpus").glob("seed-harvested-*"))
    summary = result.json()
    tally.check("a campaign begins with the seeds", len(seeds) >= 2 and result.code in (0, 1),
                f"exit {result.code}: {result.err[-300:]}")
    tally.check("and they run", summary.get("scenarios", 0) > 0 and summary.get("bugs") == 0,
                f"{summary.get('bugs')} {result.err[-300:]}")


def test_failing_suite(tally, target, scratch):
    script = scratch / "fails.py"
    script.write_text("import steps\nsteps.Meter('rate=7')\nraise SystemExit(3)\n")
    result = ftf.ftfuzz("harvest", target, "--", "python", script, env=ENV)
    tally.check("a suite that fails is a note", result.code == 0 and "exit code 3" in result.out, f"{result.code} {result.out}")
    dying = scratch / "dies.py"
    dying.write_text("import os, steps\nsteps.Meter('rate=7')\nos._exit(4)\n")
    result = ftf.ftfuzz("harvest", target, "--", "python", dying, env=ENV)
    tally.check("a process that ends without a word has said what it did", result.code == 0, f"{result.code} {result.err}")


def test_interrupted(tally, target, scratch):
    """Ctrl-C ends the tests, and what they did until then counts."""
    script, ready = scratch / "waits.py", scratch / "ready"
    script.write_text(f"import pathlib, steps, time\nsteps.Meter('rate=7')\npathlib.Path({str(ready)!r}).touch()\ntime.sleep(600)\n")
    process = subprocess.Popen([str(ftf.FTFUZZ), "harvest", str(target), "--", "python", str(script)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    while not ready.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    tally.check("Ctrl-C keeps what was seen", process.returncode == 0 and "harvested from" in out,
                f"{process.returncode} {out} {err[-500:]}")


def test_nothing(tally, target, scratch):
    """One line each, which says what to do."""
    cases = {
        "no command": (["harvest", target], "needs a test command"),
        "a command that is none": (["harvest", target, "--", "there-is-no-such-program"], "cannot run there-is-no-such-program"),
        "nothing of the target called": (["harvest", target, "--", "python", "-c", "pass"], "called nothing of steps"),
        "an interpreter that ignores us": (["harvest", target, "--", "python", "-I", "-c", "pass"], "without -I"),
    }
    for name, (arguments, words) in cases.items():
        result = ftf.ftfuzz(*arguments, env=ENV)
        lines = [line for line in result.err.splitlines() if line.startswith("ftfuzz: error:")]
        tally.check(name, result.code == 2 and len(lines) == 1 and words in lines[0], f"{result.code} {result.err}")


def run(tally):
    with ftf.Scratch("harvest") as scratch:
        # A target of its own, so that no other harvest counts, and this one for nobody else.
        target = shutil.copytree(STEPS, scratch / "steps", ignore=shutil.ignore_patterns("__pycache__"))
        kept = []
        try:
            for test in (test_teaches, test_campaign, test_failing_suite, test_interrupted, test_nothing):
                folder = scratch / test.__name__
                folder.mkdir()
                kept.append(test(tally, target, folder))
        finally:
            for folder in filter(None, kept):
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    ftf.run_alone(run)
