"""What the modules of this folder share: where things are kept, how they report themselves, how they fail."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

FLAVOURS = ("plain", "tsan", "asan")
ROOT = pathlib.Path(os.environ["FTFUZZ_ROOT"])
CACHE = pathlib.Path(os.environ["FTFUZZ_CACHE"])
PREFIX = pathlib.Path(os.environ["FTFUZZ_PLAIN_PREFIX"])
KEPT = CACHE / "packages"
LOGS = CACHE / "logs"
PYTHON = sys.executable

# Part of the name of whatever is built: give it another value when the same sources come to be built into something else.
# It is no hash of these files, so that a better message does not rebuild numpy.
RECIPE = "1"


class Failed(Exception):
    """What the person asked for cannot be. The message is one line; `shown` goes before it."""

    def __init__(self, message, shown=""):
        super().__init__(message)
        self.shown = shown


def say(text):
    print("ftfuzz: " + text, file=sys.stderr, flush=True)


def fingerprint(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tool_key():
    """Stands for everything but the sources that decides what is built."""
    compilers = [os.environ["FTFUZZ_REAL_CC"], os.environ["FTFUZZ_REAL_CXX"]]
    versions = [subprocess.run([one, "--version"], capture_output=True, text=True, check=True).stdout for one in compilers]
    flags = [os.environ["FTFUZZ_INJECT_" + flavour] for flavour in FLAVOURS]
    # The person's own flags reach the compiler as well, so what is built with them is something else.
    flags += [f"{name}={os.environ[name]}" for name in ("CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS") if os.environ.get(name)]
    wrapper = file_digest(pathlib.Path(__file__).with_name("compiler"))
    return fingerprint(RECIPE, PREFIX, wrapper, *versions, *flags)


@contextlib.contextmanager
def locked(name):
    """Only one process at a time makes the thing of that name."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / (".lock-" + name), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_json(path, value):
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("%s.%d" % (path.name, os.getpid()))
    partial.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path):
    """None when it is not there or was damaged: it is made again then."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def pip(*arguments, cwd=None):
    """Runs the plain interpreter's pip; the text it prints. Raises subprocess.CalledProcessError with `stderr`."""
    command = [PYTHON, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def pip_reason(error):
    """The line that says why: what a build backend raised, else pip's own word."""
    lines = [line.strip() for line in (error.stderr + error.stdout).splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[A-Za-z_.]*(Error|Exception): ", line)]
    reasons = raised or [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (reasons or lines or ["pip failed"])[-1]
