#!/usr/bin/env python3
"""What the action ci/github/check does, as a program that runs anywhere: everything comes in by environment variables,
so that no input is ever part of a script's text.

    run.py cache     prints cache=<folder> and key=<name> for the cache of the interpreters
    run.py check     runs `ftfuzz check`; exits as it does, but with 0 for findings when CHECK_FAIL_ON_FINDINGS is false

FTFUZZ                   the program (default: build/ftfuzz of this checkout)
CHECK_TARGET             what `ftfuzz check` takes (default: .), relative to CHECK_FOLDER (default: here)
CHECK_TIME, CHECK_FLAVOUR, CHECK_SEED, CHECK_JOBS      its options; empty: its defaults
CHECK_FAIL_ON_FINDINGS   true (default) or false
CHECK_OUT                where results go (default: a new folder in RUNNER_TEMP)
PYTHON_SOURCE            as for ci/fetch-python; part of the cache's name
GITHUB_OUTPUT            gets verdict=, findings=, folder= (and cache=, key=); default: standard output
GITHUB_STEP_SUMMARY      gets the summary in markdown; default: standard output

Python 3.11, standard library only.
"""

import hashlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = ("time", "flavour", "seed", "jobs")
# What decides how an interpreter is built, besides its source and the compiler.
RECIPE = ("ci/build-python", "ci/lib.sh", "ci/fetch-python", "ci/coverage-allowlist.txt")
ROWS_MAX = 50  # a summary may have 1 MiB; the page has all findings
CELL_MAX = 160


def fail(text):
    print(f"ftfuzz: error: {text}", file=sys.stderr)
    sys.exit(2)


def setting(name, default=""):
    """An empty variable is one that is not set: an action passes all its inputs on."""
    return os.environ.get(name, "").strip() or default


def write(variable, text):
    path = os.environ.get(variable)
    if not path:
        print(text, end="")
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        fail(f"cannot write {variable}={path}: {error.strerror}")


def output(**values):
    """A value of several lines could forge another output, so there is none."""
    write("GITHUB_OUTPUT", "".join(f"{name}={' '.join(str(value).splitlines())}\n" for name, value in values.items()))


# ---- the cache --------------------------------------------------------------------------------------------------------


def source_of_python():
    """What stands for PYTHON_SOURCE in the key. ci/build-python has the exact name of what it needs: a key that is too
    coarse costs a build, never a wrong interpreter."""
    source = setting("PYTHON_SOURCE")
    if not source:
        return b""
    path = Path(source)
    file = path / "Include" / "patchlevel.h" if path.is_dir() else path
    try:
        return file.read_bytes()
    except OSError:
        fail(f"PYTHON_SOURCE={source} is no CPython tarball or source tree; correct python-source")


def compiler():
    """The runner's compiler changes with its image, and the interpreters' names with it."""
    program = os.environ.get("CC") or f"clang-{os.environ.get('FTFUZZ_LLVM', '19')}"
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).stdout.splitlines()[:1]
    except OSError:
        fail(f"{program} is not installed; run ci/install-deps first")


def run_cache():
    name = hashlib.sha256()
    for part in [*((ROOT / path).read_bytes() for path in RECIPE), source_of_python(), *compiler()]:
        name.update(hashlib.sha256(part).digest())
    cache = os.environ.get("FTFUZZ_CACHE") or str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ftfuzz")
    output(cache=cache, key=f"ftfuzz-python-{platform.machine()}-{name.hexdigest()[:16]}")
    return 0


# ---- the check --------------------------------------------------------------------------------------------------------


def command(program, out):
    target = setting("CHECK_TARGET", ".")
    if target.startswith("-"):
        fail(f"the target is '{target}', which is an option; give a folder, a requirement or a module")
    arguments = [program, "check", target, "--out", str(out)]
    for option in OPTIONS:
        value = setting(f"CHECK_{option.upper()}")
        if value:
            arguments += [f"--{option}", value]
    return arguments


def run_to_the_end(arguments, folder):
    """A cancelled job gets a signal: ftfuzz ends the campaign with what is known, which is still worth a summary."""
    try:
        process = subprocess.Popen(arguments, cwd=folder, start_new_session=True)
    except OSError as error:
        fail(f"cannot run {arguments[0]} in {folder}: {error.strerror}; build it with ci/setup, and correct FTFUZZ or folder")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: process.send_signal(signal.SIGINT))
    code = process.wait()
    return code if code >= 0 else 128 - code


def read_document(out):
    """check.json and its folder; a check that did not get that far has none."""
    for path in sorted(out.rglob("check.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and isinstance(document.get("verdict"), dict):
            return document, path.parent
    return None, None


def blamed(document):
    return [f for f in document.get("findings", []) if f.get("blame") == "extension" and f.get("breaks_contract", True)]


def cell(text):
    """Text of a package as a cell of a table: it cannot end the cell, nor be markup, a link, or a mention of a person."""
    text = re.sub(r"\s+", " ", str(text)).strip()
    text = text if len(text) <= CELL_MAX else text[: CELL_MAX - 3] + "..."
    return re.sub(r"([\\`*_{}\[\]<>()#|!~@:&])", lambda match: f"&#{ord(match.group(1))};", text)


def summary(document, code):
    if document is None:
        return (f"## ftfuzz: no verdict (exit {code})\n\n"
                "The check did not get as far as a report; the log of this step says why.\n")
    environment, verdict, found = document.get("environment", {}), document["verdict"], blamed(document)
    lines = [f"## ftfuzz: {cell(verdict.get('word', '?'))}", "", cell(verdict.get("line", "")), ""]
    if document.get("interrupted"):
        lines += ["The check was interrupted: this is what was known by then.", ""]
    if found:
        lines += ["| replayed | with | kind | what | finding |", "|---|---|---|---|---|"]
        for finding in found[:ROWS_MAX]:
            cells = [finding.get(key) or "-" for key in ("rate", "flavour", "kind", "title", "id")]
            lines.append("| " + " | ".join(map(cell, cells)) + " |")
        if len(found) > ROWS_MAX:
            lines.append(f"\n{len(found) - ROWS_MAX} more are in the report.")
        lines.append("")
    others = len(document.get("findings", [])) - len(found)
    if others:
        lines += [f"{others} more do not count: they are not the extension's, or it does not promise otherwise.", ""]
    lines += ["The artifacts have the page (check.html), SARIF, and a folder with a reproducer for each finding.", "",
              f"seed {cell(environment.get('seed', '?'))}, Python {cell(environment.get('python', '?'))}, "
              f"{cell(environment.get('compiler', '?'))}, {cell(environment.get('seconds', '?'))} s"]
    return "\n".join(lines) + "\n"


def write_sarif(program, folder):
    """Beside check.html. A report that cannot be written must not hide the verdict."""
    path = folder / "ftfuzz.sarif"
    done = subprocess.run([program, "report", str(folder), "--format", "sarif", "--output", str(path)], check=False)
    if done.returncode != 0:
        print(f"ftfuzz: no SARIF: `ftfuzz report` exits with {done.returncode}", file=sys.stderr)


def run_check():
    fail_on_findings = setting("CHECK_FAIL_ON_FINDINGS", "true")
    if fail_on_findings not in ("true", "false"):
        fail(f"fail-on-findings is '{fail_on_findings}'; give true or false")
    program = setting("FTFUZZ", str(ROOT / "build" / "ftfuzz"))
    folder = setting("CHECK_FOLDER", ".")
    if not Path(folder).is_dir():
        fail(f"the folder '{folder}' does not exist; check the package out first, or correct folder")
    try:
        out = Path(setting("CHECK_OUT") or tempfile.mkdtemp(prefix="ftfuzz-", dir=os.environ.get("RUNNER_TEMP"))).resolve()
    except OSError as error:
        fail(f"no folder for the results: {error}; correct RUNNER_TEMP or CHECK_OUT")
    code = run_to_the_end(command(program, out), folder)
    document, campaign = read_document(out)
    if document is None:
        output(verdict="none", findings=0, folder="")
    else:
        write_sarif(program, campaign)
        output(verdict=document["verdict"].get("word", "none"), findings=len(blamed(document)), folder=campaign)
    write("GITHUB_STEP_SUMMARY", summary(document, code))
    return 0 if code == 1 and fail_on_findings == "false" else code


def main():
    commands = {"cache": run_cache, "check": run_check}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        fail("usage: run.py cache|check")
    return commands[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
