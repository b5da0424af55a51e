"""The command line from outside: what is said about bad input, what a person's Ctrl-C does, what a worker's misbehaviour does.

Every bad input ends in one line on standard error that says what to do, and exit code 2; nothing that was found is lost.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import ftf

DATA = Path(__file__).parent / "data"
FAKE = Path(__file__).parent / "fake_worker.py"


def refused(tally, name, arguments, *words, env=None):
    """Exit 2 and one error line that has all the words."""
    result = ftf.ftfuzz(*arguments, env=env, timeout=300)
    errors = [line for line in result.err.splitlines() if "error:" in line]
    ok = result.code == 2 and len(errors) == 1 and all(word in errors[0] for word in words)
    tally.check(name, ok, f"exit {result.code}, {result.err.strip()[-300:]!r}")


def test_usage(tally, scratch):
    refused(tally, "unknown command", ["fuz"], "did you mean fuzz?")
    refused(tally, "unknown option", ["fuzz", "array", "--flavor", "asan"], "did you mean --flavour?")
    refused(tally, "bad choice", ["fuzz", "array", "--schedule", "random"], "auto|free|pct")
    refused(tally, "bad number", ["fuzz", "array", "--jobs", "many"], "--jobs")
    refused(tally, "no target", ["fuzz"], "TARGET")
    refused(tally, "no such folder", ["fuzz", "./nowhere"], "./nowhere")
    refused(tally, "bad regular expression", ["fuzz", "array", "--until-finding", "("], "--until-finding")
    for command in ("fuzz", "check", "replay", "minimize", "explain", "repro", "control", "report", "show", "list"):
        result = ftf.ftfuzz(command, "--help")
        tally.check(f"{command} --help", result.code == 0 and result.out.startswith(f"usage: ftfuzz {command}"), result.err)


def test_modules(tally, scratch):
    out = ["--out", scratch, "--time", 5]
    refused(tally, "unknown module", ["fuzz", "no_such_module", *out], "no_such_module")
    refused(tally, "unknown module of a package", ["show", "xml.nonsense"], "xml.nonsense")
    refused(tally, "import fails", ["fuzz", DATA / "raises", *out], "raises", "the licence server is on holiday")
    refused(tally, "import crashes", ["fuzz", DATA / "crashes", *out], "crashes")


def test_gil(tally, scratch):
    result = ftf.ftfuzz("fuzz", DATA / "oldstyle", "--out", scratch, "--time", 3, "--json")
    found = ftf.findings(result.json())
    tally.check("a module that switches the GIL on is a finding", result.code == 1 and "gil-not-declared" in [f["kind"] for f in found],
                f"exit {result.code}, {result.err[-300:]!r}")
    folder = next((f["folder"] for f in found if f["kind"] == "gil-not-declared"), scratch)
    tally.check("its replay is its import", ftf.ftfuzz("replay", folder).out.startswith("replayed 1/1"))


def test_files(tally, scratch):
    (scratch / "bad.ft").write_text("ftfuzz 1\ntarget array\nthread\n  a.append(\nschedule free\n")
    refused(tally, "malformed .ft", ["replay", scratch / "bad.ft"], "bad.ft:4:")
    refused(tally, "missing .ft", ["replay", scratch / "missing.ft"], "missing.ft")
    (scratch / "sequence.ft").write_text("ftfuzz 1\ntarget array\nthread\n  len(())\nschedule free\nftfuzz 1\ntarget array\nnonsense\n")
    refused(tally, "malformed second scenario", ["replay", scratch / "sequence.ft"], "sequence.ft:8:")
    (scratch / "finding").mkdir()
    refused(tally, "a folder that is no finding", ["replay", scratch / "finding"], "finding")
    (scratch / "finding" / "finding.json").write_text('{"kind": ')
    refused(tally, "a broken finding.json", ["replay", scratch / "finding"], "finding")
    root = scratch / "root"
    (root / "targets").mkdir(parents=True)
    (root / "targets" / "array.toml").write_text('contract = "consistent"\nskip = [oops\n')
    refused(tally, "malformed .toml", ["show", "array"], "array.toml", "line 2", env={"FTFUZZ_ROOT": str(root)})
    (root / "corpora" / "array").mkdir(parents=True)
    (root / "targets" / "array.toml").unlink()
    (root / "corpora" / "array" / "seed.ft").write_text("ftfuzz 2\n")
    refused(tally, "malformed seed", ["fuzz", "array", "--out", scratch / "o", "--time", 5], "seed.ft:1:",
            env={"FTFUZZ_ROOT": str(root)})


def test_out(tally, scratch):
    (scratch / "file").write_text("")
    refused(tally, "out below a file", ["fuzz", "array", "--time", 5, "--out", scratch / "file" / "x"], str(scratch / "file"))
    refused(tally, "out that cannot be made", ["fuzz", "array", "--time", 5, "--out", "/proc/ftfuzz"], "/proc/ftfuzz")


def test_full_disk(tally, scratch):
    """A file system with no room: an error, not a silent campaign. Needs root for the mount."""
    disk = scratch / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
                                                    capture_output=True, check=False).returncode == 0
    if not mounted:
        print("skip  full disk: needs root and the right to mount")
        return
    try:
        result = ftf.ftfuzz("fuzz", "collections", "--time", 20, "--out", disk, "--confirm", 0, timeout=120)
        tally.check("full disk", result.code == 2 and "No space left" in result.error(), f"exit {result.code}, {result.err[-300:]!r}")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def fake(how, log=""):
    return {"FTFUZZ_WORKER_TSAN": str(FAKE), "FTFUZZ_WORKER_ASAN": str(FAKE), "FTFUZZ_FAKE": how, "FTFUZZ_FAKE_LOG": str(log)}


def test_workers(tally, scratch):
    result = ftf.ftfuzz("fuzz", "array", "--time", 60, "--out", scratch / "bug", env=fake("bug"))
    kept = list((scratch / "bug" / "array" / "bugs").glob("*.err"))
    tally.check("a bug of ours ends with 3 and is kept", result.code == 3 and "the cat is alive" in result.err and bool(kept),
                f"exit {result.code}, {result.err[-300:]!r}")
    result = ftf.ftfuzz("fuzz", "array", "--time", 60, "--out", scratch / "setup", env=fake("setup"))
    tally.check("a worker's set-up error is ours", result.code == 2 and "moved to the seaside" in result.error(), result.err)
    log = scratch / "log"
    result = ftf.ftfuzz("fuzz", "array", "--time", 17, "--out", scratch / "sleep", "--seed", 7, env=fake("sleep", log))
    tally.check("a campaign that ran nothing is not clean", result.code == 3 and "no scenario was run" in result.out, result.out)
    first = log.read_text().split()
    ftf.ftfuzz("fuzz", "array", "--time", 8, "--out", scratch / "sleep", "--seed", 7, env=fake("sleep", log))
    again = log.read_text().split()[len(first):]
    tally.check("the same --seed gives workers the same seeds", sorted(first) == sorted(again) and len(set(first)) == len(first),
                f"{first} {again}")


def workers_of(pid):
    """Processes whose parent is pid."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_campaign(scratch, *arguments):
    process = subprocess.Popen([str(ftf.FTFUZZ), "fuzz", "collections", "--time", "600", "--out", str(scratch), "--seed", "1", *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    return process


def wait_for_finding(scratch, seconds):
    folder = scratch / "collections" / "findings"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = list(folder.glob("[!.]*/finding.json")) if folder.exists() else []
        if found:
            return found
        time.sleep(0.2)
    return []


def test_signals(tally, scratch):
    process = start_campaign(scratch / "int")
    found = wait_for_finding(scratch / "int", 120)
    workers = workers_of(process.pid)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    took = time.monotonic() - started
    tally.check("Ctrl-C ends with the summary", bool(found) and process.returncode == 1 and "findings blamed" in out and took < 10,
                f"exit {process.returncode} after {took:.1f} s, {err[-300:]!r}")
    tally.check("Ctrl-C leaves no worker behind", bool(workers) and not any(map(alive, workers)), str(workers))
    tally.check("Ctrl-C keeps what was found", all(json.loads(path.read_text())["kind"] for path in found))

    process = start_campaign(scratch / "kill")
    found = wait_for_finding(scratch / "kill", 120)
    second = ftf.ftfuzz("fuzz", "collections", "--time", 5, "--out", scratch / "kill")
    tally.check("a second campaign in one folder is refused", second.code == 2 and bool(second.error()), second.err)
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    tally.check("workers die with a killed supervisor", bool(workers) and not any(map(alive, workers)), str(workers))
    again = ftf.ftfuzz("fuzz", "collections", "--time", 3, "--confirm", 0, "--out", scratch / "kill")
    tally.check("the next campaign goes on from there", again.code in (0, 1) and bool(found) and all(p.exists() for p in found),
                f"exit {again.code}, {again.err[-300:]!r}")


def test_cpu_time(tally, scratch):
    """What a campaign has spent: of all processes of a place, and of those until each finding."""
    for schedule in ("auto", "free"):
        result = ftf.ftfuzz("fuzz", "ck03_borrowed_item", "--schedule", schedule, "--flavour", "asan", "--jobs", 1, "--time", 120,
                            "--cpu-time", 2, "--confirm", 0, "--seed", 1, "--json", "--out", scratch / schedule)
        summary = result.json()
        used = summary.get("cpu_seconds", 0)
        tally.check(f"--cpu-time ends a campaign ({schedule})", 1.9 < used < 8 and summary["seconds"] < 100,
                    f"{used} s, {result.err[-300:]!r}")
        within = all(0 < f["after_cpu_seconds"] <= used and 0 < f["after_scenarios"] <= summary["scenarios"] + summary["starts"] and
                     f["after_runs"] >= f["after_scenarios"] for f in summary.get("findings", []))
        tally.check(f"each finding says what had been spent ({schedule})", within, str(summary.get("findings")))


def test_show(tally, scratch):
    result = ftf.ftfuzz("show", "collections", "--json")
    catalog = result.json()
    names = {c["name"] for c in catalog.get("callables", []) if c["owner"] == "OrderedDict"}
    tally.check("show knows OrderedDict", {"move_to_end", "popitem", "clear"} <= names, str(names))
    result = ftf.ftfuzz("list", "--json")
    tally.check("list knows targets and canaries", {t["kind"] for t in result.json()} == {"target", "canary"}, result.out[:200])


def run(tally):
    for test in (test_usage, test_show, test_modules, test_gil, test_files, test_out, test_full_disk, test_workers, test_signals,
                 test_cpu_time):
        with ftf.Scratch("cli") as scratch:
            test(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
