#!/usr/bin/env python3
"""`ftfuzz report` from outside: real campaigns, two hundred findings, bad input, and SARIF against the standard's schema.

What a report says is tested in tests/unit/test_report*.c. The seconds that are printed are figures, nothing depends on them.
"""

import json
import os
import re
import subprocess

import ftf
from test_cli import refused

FORMATS = ("text", "json", "sarif", "markdown")


def kinds():
    return re.findall(r'^FTF_FINDING_KIND\(\w+, "([a-z-]+)"', (ftf.ROOT / "harness" / "oracle" / "kinds.def").read_text(), re.M)


def frame(number, sort):
    return {"function": f"function_{number}", "file": f"Objects/file_{number % 7}.c", "line": 100 + number, "sort": sort,
            "module": "/build/ftfuzz-worker-tsan", "offset": hex(4096 * number)}


def stack(role, lane):
    frames = [frame(i, ("runtime", "extension", "helper", "plumbing")[min(i % 5, 3)]) for i in range(30)]
    return {"role": role, "lane": lane, "op": 1, "text": "a.append(1)", "size": 8, "signature": True, "top": 1, "frames": frames}


def make_finding(folder, number, kind, blame):
    """One finding as large as real ones are, its members and files those that there can be."""
    identity = f"{kind}-{number:08x}"
    finding = {
        "format": 1, "id": identity, "kind": kind, "severity": 50, "title": f"{kind}: function_1 writes what function_{number} reads",
        "signature": f"{kind} file_1.c:function_1 | file_2.c:function_{number}", "blame": blame, "target": "array",
        "flavour": ("tsan", "asan")[number % 2], "section": "lanes", "detail": "what was printed", "steals": 0, "count": number + 1,
        "first_seen": "2025-01-01T00:00:00Z", "last_seen": "2025-01-01T00:00:09Z", "replay": None,
        "versions": {"python": "3.13.5", "compiler": "clang 19", "target": "3.13.5"},
        "stacks": [stack("read", 0), stack("write", 1), stack("allocated", -1)]}
    path = folder / "findings" / identity
    path.mkdir(parents=True)
    if number % 3:
        finding["replay"] = {"k": number % 21, "n": 20, "steals": 0, "sequence": 1 + number % 2}
    if number % 4 == 0:
        finding["minimized"] = {"lanes": 2, "ops": 3, "switches": 1, "finished": True, "processes": 90, "seconds": 9.5}
        finding["gil"] = {"label": "only without the GIL", "with_gil": {"k": 0, "n": 20}, "without_gil": {"k": 20, "n": 20}}
        finding["repro"] = {"plain": {"k": 2, "n": 10}, "sanitizer": {"k": 9, "n": 10, "flavour": "tsan"}}
        (path / "repro.py").write_text("import threading\n" * 60)
        (path / "explain.txt").write_text("lane 0        lane 1\n" * 40)
    (path / "finding.json").write_text(json.dumps(finding, indent=1))
    (path / "scenario.ft").write_text("ftfuzz 1\ntarget array\nthread\n  len(())\nthread\n  len(())\nschedule free\n")


def make_campaign(folder, count):
    names = kinds()
    for number in range(count):
        make_finding(folder, number, names[number % len(names)], ("extension", "extension", "cpython", "foreign")[number // 3 % 4])
    (folder / "campaign.json").write_text(json.dumps({"format": 1, "target": "array", "version": "3.13.5", "seconds": 1800.0,
                                                      "scenarios": 12345, "command": "ftfuzz fuzz array", "findings": []}))
    return folder


def sarif_python(tally):
    """The interpreter that has a validator and the schema. Without the network, and only there, one goes without."""
    process = subprocess.run([str(ftf.ROOT / "ci" / "test-python")], capture_output=True, text=True, check=False)
    if process.returncode == 0:
        return process.stdout.strip()
    reason = ftf.one_line(process.stderr, 200)
    if os.environ.get("CI"):
        tally.check("a SARIF validator can be installed", False, reason)
    else:
        print(f"skip  SARIF against its schema: {reason}", flush=True)
    return None


def test_sarif(tally, scratch, *files):
    """All files are SARIF; and the validator is no rubber stamp."""
    python = sarif_python(tally)
    if python is None:
        return
    check = [python, "-B", str(ftf.ROOT / "tests" / "e2e" / "check_sarif.py")]
    process = subprocess.run([*check, *map(str, files)], capture_output=True, text=True, check=False)
    tally.check(f"{len(files)} files are SARIF 2.1.0", process.returncode == 0, process.stdout + process.stderr[-500:])
    for name, change in (("a misspelt member", ('"partialFingerprints"', '"partialFingerprint"')),
                         ("a level that is none", ('"level": "error"', '"level": "grave"')),
                         ("a line that is none", ('"startLine": 101', '"startLine": 0'))):
        text = files[0].read_text()
        broken = scratch / "broken.sarif"
        broken.write_text(text.replace(*change, 1))
        process = subprocess.run([*check, str(broken)], capture_output=True, text=True, check=False)
        tally.check(f"{name} is no SARIF", change[0] in text and process.returncode == 1, process.stdout + process.stderr[-500:])


def test_many(tally, scratch):
    """Two hundred findings: all of them in every format, and how long that takes."""
    folder = make_campaign(scratch / "many", 200)
    for name in FORMATS:
        result = ftf.ftfuzz("report", folder, "--format", name, "--output", scratch / f"many-{name}")
        ok = result.code == 0 and result.out == "" and result.err == ""
        tally.check(f"200 findings as {name}", ok, f"exit {result.code}, {result.err[-300:]!r}")
        print(f"      200 findings as {name}: {result.seconds:.2f} s", flush=True)
    tally.check("json has them all", len(json.loads((scratch / "many-json").read_text())["findings"]) == 200)
    results = json.loads((scratch / "many-sarif").read_text())["runs"][0]["results"]
    tally.check("sarif has them all", len({r["partialFingerprints"]["ftfuzzSignature/v1"] for r in results}) == 200)
    issues = {path.stem for path in (scratch / "many-markdown").iterdir()}
    tally.check("markdown has a file for each and an index", issues == {p.name for p in (folder / "findings").iterdir()} | {"index"})
    text = (scratch / "many-text").read_text()
    tally.check("text has them all", sum(path.name in text for path in (folder / "findings").iterdir()) == 200)
    again = ftf.ftfuzz("report", folder, "--format", "sarif")
    tally.check("the same folder gives the same report", again.out == (scratch / "many-sarif").read_text())
    return scratch / "many-sarif"


def test_real(tally, scratch):
    """What campaigns really leave: a planted bug's findings are in the report, its twin has none."""
    out = scratch / "real"
    run = ftf.ftfuzz("fuzz", "ck05_realloc", "--flavour", "asan", "--time", 60, "--until-finding", "^use-after-free",
                     "--confirm", 4, "--seed", 1, "--json", "--out", out)
    hit = ftf.wanted(run.json()) or {"id": "nothing was found", "folder": ""}
    reports = {name: ftf.ftfuzz("report", out / "ck05_realloc", "--format", name) for name in FORMATS}
    told = all(r.code == 0 and hit["id"] in r.out for name, r in reports.items() if name != "markdown")
    tally.check("a finding of a campaign is in its report", told, hit["id"] + reports["text"].out[-300:] + reports["text"].err[-300:])
    tally.check("the text says how to see it again", f"build/ftfuzz replay {hit['folder']}\n" in reports["text"].out)
    issue = next((part for part in reports["markdown"].out.split("\n---\n") if hit.get("signature", "?") in part), "")
    tally.check("its issue has scenario, rate and both stacks",
                all(word in issue for word in ("```python\nftfuzz 1\n", "fresh process", " > #", "freed the memory")), issue[:600])
    place = next((r["locations"][0] for r in reports["sarif"].json()["runs"][0]["results"] if r["properties"]["id"] == hit["id"]), {})
    uri = place.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
    tally.check("its place in SARIF is a relative source", uri.endswith(".c") and not uri.startswith("/"), str(place))

    ftf.ftfuzz("fuzz", "ck05_realloc_fixed", "--flavour", "asan", "--time", 3, "--seed", 1, "--out", out)
    twin = ftf.ftfuzz("report", out / "ck05_realloc_fixed", "--format", "json")
    tally.check("the report of the fixed twin has no finding of the extension",
                twin.code == 0 and twin.json().get("counts", {}).get("extension") == {}, twin.out[:300] + twin.err[-300:])
    files = [scratch / "real.sarif", scratch / "twin.sarif"]
    files[0].write_text(reports["sarif"].out)
    ftf.ftfuzz("report", out / "ck05_realloc_fixed", "--format", "sarif", "--output", files[1])
    return files


def test_damage(tally, scratch):
    folder = make_campaign(scratch / "damaged", 3)
    victim = sorted((folder / "findings").iterdir())[0]
    (victim / "finding.json").write_text('{"format": 1, "id": "')
    result = ftf.ftfuzz("report", folder, "--format", "sarif", "--output", scratch / "damaged.sarif")
    tally.check("a damaged finding is named, the others are reported", result.code == 0 and victim.name in result.err and
                len(json.loads((scratch / "damaged.sarif").read_text())["runs"][0]["results"]) == 2, result.err)
    (scratch / "empty" / "findings").mkdir(parents=True)
    result = ftf.ftfuzz("report", scratch / "empty")
    tally.check("no findings are said so", result.code == 0 and "no findings" in result.out, result.out + result.err)
    return scratch / "damaged.sarif"


def test_bad_input(tally, scratch):
    folder = make_campaign(scratch / "good", 1)
    finding = next((folder / "findings").iterdir())
    refused(tally, "no campaign given", ["report"], "DIR")
    refused(tally, "a missing campaign", ["report", scratch / "nowhere"], "nowhere")
    refused(tally, "a file for a campaign", ["report", finding / "scenario.ft"], "scenario.ft")
    refused(tally, "a finding for a campaign", ["report", finding], "is one finding")
    refused(tally, "a folder of campaigns", ["report", scratch], "such as")
    (scratch / "other" / "stuff").mkdir(parents=True)
    refused(tally, "a folder that is no campaign", ["report", scratch / "other"], "findings")
    refused(tally, "an unknown format", ["report", folder, "--format", "html"], "text|json|sarif|markdown")
    refused(tally, "an output in no folder", ["report", folder, "--output", scratch / "no" / "where.txt"], "where.txt")
    refused(tally, "an output that is a folder", ["report", folder, "--output", scratch], "is a folder")
    refused(tally, "a folder of issues below a file", ["report", folder, "--format", "markdown", "--output", finding / "scenario.ft" / "x"],
            "scenario.ft")
    with open("/dev/full", "w") as full:
        process = subprocess.run([str(ftf.FTFUZZ), "report", str(folder)], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    tally.check("a full standard output", process.returncode == 2 and "standard output" in process.stderr, process.stderr)
    one = ftf.ftfuzz("report", folder, "--format", "markdown", "--output", scratch / "all.md")
    tally.check("markdown into one file", one.code == 0 and (scratch / "all.md").read_text().startswith("# "), one.err)


def run(tally):
    with ftf.Scratch("report") as scratch:
        test_bad_input(tally, scratch)
        files = [test_many(tally, scratch), test_damage(tally, scratch), *test_real(tally, scratch)]
        test_sarif(tally, scratch, *files)


if __name__ == "__main__":
    ftf.run_alone(run)
