#!/usr/bin/env python3
"""ci/github and ci/clusterfuzzlite: are they workflows and actions at all, what do their linters say, and what does the action's
script do with each end of `ftfuzz check`? Nothing here is GitHub: that it runs there is not known from these tests.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import ftf

RUN = ftf.ROOT / "ci" / "github" / "check" / "run.py"
ACTION = ftf.ROOT / "ci" / "github" / "check" / "action.yml"
TEMPLATE = ftf.ROOT / "ci" / "clusterfuzzlite" / ".clusterfuzzlite"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

# Ends as FAKE says, after it has left what a check leaves.
FAKE = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys, time
fake = json.loads(pathlib.Path(os.environ["FAKE"]).read_text())
pathlib.Path(fake["calls"]).open("a").write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "report":
    pathlib.Path(sys.argv[sys.argv.index("--output") + 1]).write_text("{}")
    sys.exit(fake.get("report", 0))
if fake.get("wait"):
    signal.signal(signal.SIGINT, lambda *_: fake.pop("wait"))
    print("waiting", flush=True)
    while fake.get("wait"):
        time.sleep(0.01)
if fake["document"] is not None:
    folder = pathlib.Path(sys.argv[sys.argv.index("--out") + 1], "pkg")
    folder.mkdir(parents=True)
    (folder / "check.json").write_text(json.dumps(fake["document"]))
sys.exit(fake["code"])
"""


def workflows():
    return sorted([*(ftf.ROOT / ".github" / "workflows").glob("*.yml"), *(ftf.ROOT / "ci" / "clusterfuzzlite").glob("*.yml")])


# ---- linters ----------------------------------------------------------------------------------------------------------


def skipped(tally, what, reason):
    print(f"skip  {what}: {ftf.one_line(reason, 200)}", flush=True)


def environment(tally):
    """Where the linters of ci/test-requirements.txt are. Without a package index, and only there, one goes without."""
    process = subprocess.run([str(ftf.ROOT / "ci" / "test-python")], capture_output=True, text=True, check=False)
    if process.returncode == 0:
        return os.path.dirname(process.stdout.strip())
    if os.environ.get("CI"):
        tally.check("linters for workflows can be installed", False, ftf.one_line(process.stderr, 200))
    else:
        skipped(tally, "linters for workflows", process.stderr)
    return None


def actionlint(tally):
    """From PATH, or built by Go: its package on the Python index has no wheel, and fetches a program while it is installed."""
    found = shutil.which("actionlint")
    if found:
        return found
    if not shutil.which("go"):
        return skipped(tally, "actionlint", "neither actionlint nor go is in PATH")
    cache = os.environ.get("FTFUZZ_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ftfuzz")
    folder = os.path.join(cache, "test", "actionlint-" + ACTIONLINT.rpartition("@")[2])
    program = os.path.join(folder, "actionlint")
    if not os.path.exists(program):
        built = subprocess.run(["go", "install", ACTIONLINT], capture_output=True, text=True, check=False,
                               env={**os.environ, "GOBIN": folder})
        if built.returncode != 0:
            return skipped(tally, "actionlint", built.stderr)
    return program


def linters(tally, bin_folder, scratch):
    """name -> the command for a list of files of that kind."""
    schema = [f"{bin_folder}/check-jsonschema", "--builtin-schema"]
    lints = {"schema of workflows": (workflows, [*schema, "vendor.github-workflows"]),
             "schema of actions": (lambda: [ACTION], [*schema, "vendor.github-actions"]),
             "zizmor": (lambda: [*workflows(), ACTION], [f"{bin_folder}/zizmor", "--offline", "--no-progress", "--quiet"]),
             "shellcheck": (lambda: [TEMPLATE / "build.sh"], [f"{bin_folder}/shellcheck"])}
    program = actionlint(tally)
    if program:
        command = [program, "-shellcheck", f"{bin_folder}/shellcheck"]
        lints["actionlint"] = (workflows, command)
        lints["actionlint, actions by version"] = (lambda: [by_version(scratch, path) for path in workflows()], command)
    return lints


def lint(command, files):
    # cwd: zizmor and actionlint look for settings from here on up, and there are none.
    return subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False, cwd=ftf.ROOT)


def by_version(scratch, path):
    """A copy with tags for commits: actionlint knows the inputs of an action by its version only."""
    copy = scratch / "by-version" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(re.sub(r"@[0-9a-f]{40} # (v\d+)[\d.]*", r"@\1", path.read_text()))
    return copy


def broken(scratch, name, file, old, new):
    """A copy of the file with a mistake in it. zizmor knows an action by its name."""
    text = file.read_text()
    assert old in text, f"{name}: {file.name} has no {old!r} any more"
    copy = scratch / name.replace(" ", "-") / file.name
    copy.parent.mkdir()
    copy.write_text(text.replace(old, new, 1))
    return copy


def test_lint(tally, scratch):
    bin_folder = environment(tally)
    if bin_folder is None:
        return
    lints = linters(tally, bin_folder, scratch)
    for name, (files, command) in lints.items():
        process = lint(command, files())
        tally.check(f"{name}: {len(files())} files", process.returncode == 0, process.stdout + process.stderr)
    pr, check, build = workflows_named("cflite_pr.yml"), workflows_named("check.yml"), TEMPLATE / "build.sh"
    checkout = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"
    for linter, name, file, old, new in (
            ("schema of workflows", "a key that jobs have not", pr, "runs-on:", "run-on:"),
            ("schema of actions", "an action of an unknown kind", ACTION, "using: composite", "using: composit"),
            ("zizmor", "an action that is not pinned", check, checkout, "actions/checkout@v6"),
            ("zizmor", "a script with an input in it", ACTION, 'exec python3 "$GITHUB_ACTION_PATH/run.py" check',
             "python3 run.py ${{ inputs.target }}"),
            ("zizmor", "credentials that stay", check, "          persist-credentials: false\n", ""),
            ("zizmor", "every permission there is", pr, "    permissions:\n", "    permissions: write-all\n    env:\n"),
            ("shellcheck", "a script that splits words", build, '"$SRC/project"', "$SRC/project"),
            ("actionlint", "an input that checkout has not", by_version(scratch, check), "persist-credentials:", "persist-credential:"),
            ("actionlint", "an output of no step", check, "steps.check.outputs.verdict", "steps.chek.outputs.verdict"),
            ("actionlint", "an input that nobody declares", check, "inputs.seed", "inputs.seeds")):
        if linter in lints:
            copy = broken(scratch, name, file, old, new)
            process = lint(lints[linter][1], [copy])
            said = process.stdout + process.stderr
            tally.check(f"{linter} refuses {name}", process.returncode != 0 and copy.name in said,
                        f"exit {process.returncode}: {said[-900:]}")


def workflows_named(name):
    return next(path for path in workflows() if path.name == name)


# ---- pins -------------------------------------------------------------------------------------------------------------


def pinned():
    """(action, version, commit) as the table in ci/github/README.md has them."""
    rows = re.findall(r"^\| ([\w./-]+/[\w-]+) \| (v[\d.]+) \| ([0-9a-f]{40}) \|", (ftf.ROOT / "ci/github/README.md").read_text(), re.M)
    return {action: (version, commit) for action, version, commit in rows}


def wrong_pins(text):
    """Every `uses:` that is neither of a checkout nor as in the table; needs no linter, so it is never skipped."""
    table = pinned()
    for uses in re.findall(r"^\s*(?:- )?uses:\s*(.+)$", text, re.M):
        match = re.fullmatch(r"([\w-]+/[\w-]+)(?:/[\w./-]+)?@([0-9a-f]{40}) # (v[\d.]+)", uses)
        if not uses.startswith("./") and (match is None or table.get(match.group(1)) != (match.group(3), match.group(2))):
            yield uses


def test_pins(tally):
    files = [*workflows(), ACTION]
    wrong = [f"{path.name}: {uses}" for path in files for uses in wrong_pins(path.read_text())]
    tally.check("every action is pinned as in the table", not wrong, "; ".join(wrong))
    used = {action for path in files for action in re.findall(r"uses: ([\w-]+/[\w-]+)", path.read_text())}
    tally.check("the table has what is used and no more", used == set(pinned()), str(used ^ set(pinned())))
    version, commit = pinned()["actions/checkout"]
    for name, uses in (("a tag", f"actions/checkout@{version}"), ("a commit of another action", f"actions/cache@{commit} # {version}"),
                       ("an unknown action", f"some/action@{commit} # {version}"), ("no version", f"actions/checkout@{commit}")):
        tally.check(f"{name} is no pin", list(wrong_pins(f"      - uses: {uses}\n")) == [uses])


def test_inputs(tally):
    """The action hands every input to a script by environment, and the workflow hands on every input of its own."""
    action, check = ACTION.read_text(), workflows_named("check.yml").read_text()
    scripts = re.findall(r"^\s+run: (.+)$", action, re.M)
    tally.check("no expression in a script", len(scripts) >= 4 and not any("${{" in script for script in scripts), str(scripts))
    names = set(re.findall(r"^  ([a-z-]+):\n    description", action.partition("outputs:")[0], re.M))
    used = set(re.findall(r"inputs\.([a-z-]+)", action))
    tally.check("all inputs of the action are used", names == used and len(names) > 8, str(names ^ used))
    handed = set(re.findall(r"^          ([a-z-]+): \$\{\{ inputs\.\1 \}\}$", check, re.M))
    tally.check("the workflow hands all on", handed == names - {"folder", "code-scanning"}, str(handed ^ names))


# ---- the script -------------------------------------------------------------------------------------------------------


def finding(number, **more):
    return {"id": f"data-race-{number:08x}", "kind": "data-race", "title": f"data race: f{number} and g", "blame": "extension",
            "flavour": "tsan", "rate": "20/20", "breaks_contract": True, **more}


def document(code, word, findings=()):
    return {"format": 1, "verdict": {"exit": code, "word": word, "line": f"pkg is {word}"}, "interrupted": False,
            "environment": {"seed": 7, "python": "3.13.5", "compiler": "clang 19", "seconds": 1.5}, "findings": list(findings)}


class Run:
    """One run of run.py with the fake: how it ended, and what it wrote where GitHub would read it."""

    def __init__(self, scratch, code, report=None, what="check", meanwhile=None, fake=None, **settings):
        scratch.mkdir()
        program = scratch / "ftfuzz"
        program.write_text(FAKE)
        program.chmod(0o755)
        (scratch / "runner").mkdir()
        self.files = {name: scratch / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        says = scratch / "fake.json"
        says.write_text(json.dumps({"code": code, "document": report, "calls": str(scratch / "calls"), **(fake or {})}))
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHECK_", "GITHUB_", "RUNNER_")) and k != "PYTHON_SOURCE"}
        ours = {"FTFUZZ": program, "FAKE": says, "RUNNER_TEMP": scratch / "runner", **self.files, **settings}
        process = subprocess.Popen([sys.executable, str(RUN), what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   cwd=scratch, env={**clean, **{k: str(v) for k, v in ours.items()}})
        if meanwhile:
            meanwhile(process)
        self.out, self.err = process.communicate(timeout=60)
        self.code = process.returncode
        self.output = dict(line.split("=", 1) for line in self.read("GITHUB_OUTPUT").splitlines())
        self.summary = self.read("GITHUB_STEP_SUMMARY")
        self.calls = [json.loads(line) for line in (scratch / "calls").read_text().splitlines()] if (scratch / "calls").exists() else []

    def read(self, name):
        return self.files[name].read_text() if self.files[name].exists() else ""

    def __str__(self):
        return f"exit {self.code}, {self.output}, {self.calls}\n{self.summary}\n{self.err[-500:]}"


def test_ends(tally, scratch):
    clean = Run(scratch / "clean", 0, document(0, "clean"))
    tally.check("clean", clean.code == 0 and clean.output["verdict"] == "clean" and clean.output["findings"] == "0"
                and clean.summary.startswith("## ftfuzz: clean\n") and "|" not in clean.summary, str(clean))
    tally.check("by default it checks the folder that it is in", clean.calls[0][:3] == ["check", ".", "--out"] and len(clean.calls[0]) == 4,
                str(clean))
    sarif = os.path.join(clean.output["folder"], "ftfuzz.sarif")
    tally.check("SARIF beside the page", os.path.exists(sarif) and clean.calls[1][:1] == ["report"], str(clean))
    found = [finding(1), finding(2), finding(3, blame="cpython", breaks_contract=False), finding(4, breaks_contract=False)]
    unsafe = Run(scratch / "unsafe", 1, document(1, "unsafe", found), CHECK_TARGET="multidict==6.7.1", CHECK_TIME="90", CHECK_SEED="7",
                 CHECK_JOBS="2", CHECK_FLAVOUR="asan")
    tally.check("findings fail the job", unsafe.code == 1 and unsafe.output["verdict"] == "unsafe" and unsafe.output["findings"] == "2",
                str(unsafe))
    tally.check("a row for each", unsafe.summary.count("| 20/20 | tsan | data-race |") == 2 and "2 more do not count" in unsafe.summary,
                str(unsafe))
    tally.check("all settings arrive", unsafe.calls[0][1] == "multidict==6.7.1" and unsafe.calls[0][4:] == [
        "--time", "90", "--flavour", "asan", "--seed", "7", "--jobs", "2"], str(unsafe))
    told = Run(scratch / "told", 1, document(1, "unsafe", found), CHECK_FAIL_ON_FINDINGS="false")
    tally.check("findings do not fail the job when told so", told.code == 0 and told.output["findings"] == "2", str(told))
    for code in (2, 3):
        none = Run(scratch / f"none-{code}", code, CHECK_FAIL_ON_FINDINGS="false")
        tally.check(f"exit {code} without a report", none.code == code and none.output == {"verdict": "none", "findings": "0", "folder": ""}
                    and f"no verdict (exit {code})" in none.summary, str(none))
    nothing = Run(scratch / "nothing", 2, document(2, "nothing"), CHECK_FAIL_ON_FINDINGS="false")
    tally.check("exit 2 with a report", nothing.code == 2 and nothing.output["verdict"] == "nothing", str(nothing))
    deaf = Run(scratch / "deaf", 1, document(1, "unsafe", found), fake={"report": 3})
    tally.check("no SARIF does not hide the verdict", deaf.code == 1 and "no SARIF" in deaf.err and deaf.output["findings"] == "2",
                str(deaf))


def test_summary(tally, scratch):
    evil = finding(1, title="<img src=x> | [a](http://b) `c` @someone\n## d", rate=None)
    text = Run(scratch / "evil", 1, document(1, "unsafe\nfolder=x", [evil])).summary
    row = next(line for line in text.splitlines() if line.startswith("| - |"))
    tally.check("what a package says is text", row.count("|") == 6 and not re.search(r"[<>`@\[\]]|://", row) and "\n## d" not in text, text)
    forged = Run(scratch / "forged", 0, document(0, "clean\nfolder=elsewhere"))
    tally.check("an output cannot forge another", forged.output["verdict"] == "clean folder=elsewhere"
                and "runner" in forged.output["folder"], str(forged))
    many = Run(scratch / "many", 1, document(1, "unsafe", [finding(i) for i in range(5000)]))
    tally.check("5000 findings fit", len(many.summary) < 2 ** 20 and "4950 more" in many.summary and many.output["findings"] == "5000")


def test_cancelled(tally, scratch):
    """GitHub interrupts a job that is cancelled. The campaign ends early, and its summary is written."""
    def cancel(process):
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)

    report = {**document(0, "clean"), "interrupted": True}
    run = Run(scratch / "cancelled", 0, report, meanwhile=cancel, fake={"wait": True})
    tally.check("a cancelled job has its summary", run.code == 0 and "was interrupted" in run.summary, str(run))


def test_bad_input(tally, scratch):
    for number, (name, words, what, settings) in enumerate((
            ("a target that is an option", "which is an option", "check", {"CHECK_TARGET": "--help"}),
            ("a switch that is neither", "true or false", "check", {"CHECK_FAIL_ON_FINDINGS": "no"}),
            ("a folder that is not there", "does not exist", "check", {"CHECK_FOLDER": "nowhere"}),
            ("no ftfuzz", "ci/setup", "check", {"FTFUZZ": str(scratch / "no-ftfuzz")}),
            ("no folder for results", "RUNNER_TEMP", "check", {"RUNNER_TEMP": str(scratch / "no-temp")}),
            ("a summary that cannot be written", "GITHUB_STEP_SUMMARY", "check", {"GITHUB_STEP_SUMMARY": "/dev/full/x"}),
            ("an unknown command", "usage", "chek", {}),
            ("a source that is none", "python-source", "cache", {"PYTHON_SOURCE": str(scratch / "no-python"), "CC": "true"}),
            ("no compiler", "ci/install-deps", "cache", {"CC": str(scratch / "no-cc")}))):
        run = Run(scratch / f"bad-{number}", 0, document(0, "clean"), what=what, **settings)
        error = run.err.strip().splitlines()
        tally.check(name, run.code == 2 and len(error) == 1 and error[0].startswith("ftfuzz: error: ") and words in error[0], str(run))


def test_cache(tally, scratch):
    source = scratch / "python.tar"
    source.write_text("one")
    keys = []
    for number, settings in enumerate(({}, {}, {"PYTHON_SOURCE": str(source)}, {"CC": "echo"})):
        run = Run(scratch / f"cache-{number}", 0, what="cache", **{"CC": "true", "FTFUZZ_CACHE": str(scratch), **settings})
        tally.check(f"cache {number}", run.code == 0 and run.output["cache"] == str(scratch), str(run), quiet=True)
        keys.append(run.output.get("key", ""))
    tally.check("a key is the same for the same, and another for another source or compiler",
                keys[0] == keys[1] and len(set(keys)) == 3, str(keys))
    tally.check("a key has no strange characters", all(re.fullmatch(r"ftfuzz-python-\w+-[0-9a-f]{16}", key) for key in keys), str(keys))


def run(tally):
    with ftf.Scratch("workflows") as scratch:
        test_pins(tally)
        test_inputs(tally)
        test_ends(tally, scratch)
        test_summary(tally, scratch)
        test_cancelled(tally, scratch)
        test_bad_input(tally, scratch)
        test_cache(tally, scratch)
        test_lint(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
