"""What the end-to-end drivers share: running ftfuzz, tables, the tally at the end. Python 3.11, standard library only."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FTFUZZ = Path(os.environ.get("FTFUZZ", ROOT / "build" / "ftfuzz"))


def need_ftfuzz():
    if not FTFUZZ.exists():
        sys.exit(f"{FTFUZZ} is not built; run: make setup")


def configured(name):
    """What the build was configured with."""
    match = re.search(rf"^{name}:\w+=(.+)$", (ROOT / "build" / "CMakeCache.txt").read_text(), re.M)
    return match.group(1) if match else sys.exit(f"the build does not say what {name} is; run: make setup")


def interpreter(flavour):
    """The python executable of a flavour that the build was configured with."""
    return next(Path(configured(f"FTFUZZ_PYTHON_{flavour.upper()}"), "bin").glob("python3.*t"))


class Scratch:
    """A folder that is gone at the end, unless FTFUZZ_KEEP is set: then its name is printed."""

    def __init__(self, name):
        self.path = Path(tempfile.mkdtemp(prefix=f"ftfuzz-{name}-"))

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if os.environ.get("FTFUZZ_KEEP"):
            print(f"kept {self.path}", file=sys.stderr)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Result:
    """How one ftfuzz process ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def json(self):
        """What --json printed; an empty summary when there is none, as after an error."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            return {}

    def error(self):
        """The line that says what went wrong, for a table."""
        lines = [line for line in self.err.splitlines() if line.startswith("ftfuzz: error:")]
        return lines[-1].removeprefix("ftfuzz: error: ") if lines else ""


def ftfuzz(*arguments, timeout=900, env=None, cwd=None):
    """Runs `ftfuzz ARGUMENTS`; a timeout is the exit code None."""
    start = time.monotonic()
    process = subprocess.Popen([str(FTFUZZ), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True, errors="replace", env={**os.environ, **(env or {})}, cwd=cwd)
    try:
        out, err = process.communicate(timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        code = None
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    return Result(code, out, err, time.monotonic() - start)


def packages():
    """What packages.toml lists: (requirement, the module that ftfuzz takes it for; its seeds are in that folder of corpora/)."""
    with open(ROOT / "tests" / "e2e" / "packages.toml", "rb") as file:
        listed = tomllib.load(file)
    names = {requirement: re.match(r"[\w.-]+", requirement).group() for requirement in listed["requirements"]}
    return [(requirement, listed["modules"].get(name, name)) for requirement, name in names.items()]


def seeds(module):
    return sorted((ROOT / "corpora" / module).glob("*.ft"))


def replay_seed(seed, *options):
    """One run in a fresh process: (what went wrong or "", how often a finding showed)."""
    run = ftfuzz("replay", seed, "-n", 1, "--jobs", 1, "--flavour", "tsan", "--json", *options, timeout=600)
    counts = run.json()
    ran = run.code in (0, 1) and bool(counts) and counts[0]["n"] == 1 and counts[0]["broken"] == 0
    return ("" if ran else f"exit {run.code}, {run.err.strip()[-300:]}"), counts[0]["k"] if ran else 0


def findings(summary, blame="extension"):
    return [f for f in summary.get("findings", []) if blame is None or f["blame"] == blame]


def wanted(summary):
    """The finding that --until-finding stopped at, or None."""
    return next((f for f in summary.get("findings", []) if f.get("wanted")), None)


def rate(finding):
    replay = finding.get("replay")
    return f"{replay['k']}/{replay['n']}" if replay else "-"


class Table:
    """Prints rows as they come, in columns of fixed width, so that a long run can be watched."""

    def __init__(self, *columns):
        self.columns = columns  # (heading, width)
        self._print([heading for heading, _ in columns])
        self._print(["-" * min(width, 40) for _, width in columns])

    def _print(self, cells):
        print("  ".join(str(cell).ljust(width) for cell, (_, width) in zip(cells, self.columns)).rstrip(), flush=True)

    def row(self, *cells):
        self._print(cells)


class Tally:
    """Counts what passed; the last line of a driver is `N passed, N failed`."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, ok, detail="", quiet=False):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
        if not quiet or not ok:
            print(f"{'ok  ' if ok else 'FAIL'}  {name}{': ' + detail if detail and not ok else ''}", flush=True)
        return ok

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def run_alone(run, *arguments):
    """A suite as a program of its own: run(tally, *arguments), and the tally as the exit code."""
    need_ftfuzz()
    tally = Tally()
    run(tally, *arguments)
    sys.exit(tally.finish())


def one_line(text, width):
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= width else text[: width - 3] + "..."
