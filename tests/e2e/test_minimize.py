"""Minimizing from end to end: after a campaign, by hand, interrupted, and asked for what cannot be minimized."""

import json
import signal
import subprocess
import time
from pathlib import Path

import ftf

ROWS = [("ck07_swap_reference", "asan"), ("ck09_shared_cursor", "asan"), ("ck13_half_locked", "tsan")]


def find(target, flavour, scratch, minimize):
    fuzz = ftf.ftfuzz("fuzz", target, "--time", 60, "--flavour", flavour, "--until-finding", "any", "--seed", 1, "--confirm", 30,
                      "--minimize", minimize, "--json", "--out", scratch / target, timeout=300)
    hit = ftf.wanted(fuzz.json())
    return Path(hit["folder"]) if hit else None


def by_hand(tally, scratch):
    lanes = []
    for target, flavour in ROWS:
        folder = find(target, flavour, scratch, 0)
        if not tally.check(f"{target}: found", folder is not None):
            continue
        done = ftf.ftfuzz("minimize", folder, "--time", 600)
        tally.check(f"{target}: minimizing ends", done.code == 1 and "replayed" in done.out, f"{done.code} {done.err}")
        told = ftf.ftfuzz("explain", folder)
        finding = json.loads((folder / "finding.json").read_text())
        small = finding.get("minimized", {})
        said = f"{small} {finding.get('replay')}"
        tally.check(f"{target}: nothing smaller is left to try", small.get("finished") is True, said)
        lanes.append(small.get("lanes", 99))
        tally.check(f"{target}: at most four calls in them", small.get("ops", 99) <= 4, said)
        tally.check(f"{target}: at most three switches", small.get("switches", 99) <= 3, said)
        tally.check(f"{target}: no progress is left behind", not (folder / "minimize.json").exists())
        replay = ftf.ftfuzz("replay", folder, "-n", 20, "--json")
        k = replay.json()[0]["k"] if replay.code in (0, 1) else -1
        tally.check(f"{target}: it replays at least 19 times of 20", k >= 19, f"{k} {replay.err}")
        tally.check(f"{target}: explained, it names both lanes, the module's file and where it ends", told.code == 1 and
                    all(word in told.out for word in ("lane 0", "lane 1", f"{target}.c:", "==>")), told.out + told.err)
        kept = (folder / "explain.txt").read_text() if (folder / "explain.txt").exists() else ""
        tally.check(f"{target}: explain.txt is what was printed", kept == told.out, kept)
        again = ftf.ftfuzz("minimize", folder)
        tally.check(f"{target}: asked again, it says that it is done", again.code == 2 and "--again" in again.error(), again.err)
    tally.check("two lanes are enough for most", lanes and sorted(lanes)[len(lanes) // 2] == 2 and max(lanes) <= 3, str(lanes))


def after_a_campaign(tally, scratch):
    """How far it comes in its time depends on the machine; that it begins does not."""
    folder = find("ck07_swap_reference", "asan", scratch / "campaign", 20)
    out = folder.parents[1] if folder else scratch
    begun = [path for path in out.glob("findings/*") if (path / "minimize.json").exists() or
             "minimized" in json.loads((path / "finding.json").read_text())]
    tally.check("a campaign minimizes what it found", begun, str(list(out.glob("findings/*"))))


def after_a_fix(tally, scratch):
    """The canary's twin plays the fixed module: the same findings, asked of another name."""
    folder = find("ck13_half_locked", "tsan", scratch / "fix", 0)
    if not tally.check("ck13_half_locked: found before the fix", folder is not None):
        return
    out = folder.parents[1]
    before = ftf.ftfuzz("replay", "--all", out, "--json")
    tally.check("before the fix all that replayed remain", before.code == 1 and
                {row["verdict"] for row in before.json()} <= {"remains", "unknown"}, before.out + before.err)
    name = "ck13_half_locked"
    for path in [out / "campaign.json", *out.glob("findings/*/finding.json"), *out.glob("findings/*/scenario.ft")]:
        text = path.read_text().replace(f'"target": "{name}"', f'"target": "{name}_fixed"')
        path.write_text(text.replace(f"target {name}\n", f"target {name}_fixed\n"))
    after = ftf.ftfuzz("replay", "--all", out, "--json")
    tally.check("after it they are gone, and the exit code says so", after.code == 0 and after.json() and
                {row["verdict"] for row in after.json()} <= {"gone", "unknown"}, after.out + after.err)
    tally.check("and are named one by one", len(after.json()) == len(before.json()), after.out)
    wrong_folder = ftf.ftfuzz("replay", "--all", folder)
    tally.check("--all of a single finding: one line, exit 2", wrong_folder.code == 2 and "campaign" in wrong_folder.error(),
                wrong_folder.err)


def interrupted(tally, scratch):
    folder = find("ck05_realloc", "tsan", scratch / "stopped", 0)
    if not tally.check("ck05_realloc: found", folder is not None):
        return
    before = (folder / "scenario.ft").read_text()
    process = subprocess.Popen([ftf.FTFUZZ, "minimize", folder, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (folder / "minimize.json").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    tally.check("killed: the scenario is there", (folder / "scenario.ft").read_text().startswith("ftfuzz 1"))
    done = ftf.ftfuzz("minimize", folder, "--json", timeout=200)
    if tally.check("the next call ends", done.code == 1, done.err):
        result = done.json()
        tally.check("and it shows", result["shows"] and result["k"] >= 0.95 * result["n"], str(result))
        after = (folder / "scenario.ft").read_text()
        tally.check("and is smaller", result["after"]["ops"] <= result["before"]["ops"] and len(after) <= len(before), str(result))


def wrong(tally, scratch):
    cases = {"nowhere": "no such", "a .ft file": "finding", "a folder that is none": "finding"}
    (scratch / "empty").mkdir()
    (scratch / "one.ft").write_text("ftfuzz 1\ntarget collections\nsetup\nthread\n  OrderedDict()\nschedule at\n")
    paths = {"nowhere": scratch / "nowhere", "a .ft file": scratch / "one.ft", "a folder that is none": scratch / "empty"}
    for name, word in cases.items():
        result = ftf.ftfuzz("minimize", paths[name])
        line = result.error()
        tally.check(f"{name}: one line, exit 2", result.code == 2 and word in line.lower(), f"{result.code} {result.err}")
    result = ftf.ftfuzz("minimize", scratch / "empty", "--time", 0)
    tally.check("--time 0: one line, exit 2", result.code == 2 and "--time" in result.error(), result.err)


def run(tally):
    with ftf.Scratch("minimize") as scratch:
        by_hand(tally, scratch)
        after_a_campaign(tally, scratch)
        after_a_fix(tally, scratch)
        interrupted(tally, scratch)
        wrong(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
