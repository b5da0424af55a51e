#!/usr/bin/env python3
"""`ftfuzz check` from outside: what it writes, how it ends, Ctrl-C, a second one in the same folder; and its page, in a real browser.

No figure is judged here that depends on the machine's speed: of a planted bug with three methods a few seconds exercise everything.
"""

import json
import re
import signal
import struct
import subprocess
import sys
import time

import browser
import ftf
import worker
from test_cli import refused

BUG, TWIN = "ck03_borrowed_item", "ck03_borrowed_item_fixed"
MAP_OPS, MAP_ROW = 1 << 13, "<Q2I3Q88s88s"  # harness/base/exercise.h
STATES = {"overlapped", "called", "refused", "never", "unknown", "skipped"}
WIDTHS = (1280, 400)

# What is looked at in the browser: the tables' cells with their colours, the legend's, and the arrow keys.
LOOK = """
  var colour = function (e) { return window.getComputedStyle(e).backgroundColor; }, tables = [];
  document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  document.querySelectorAll("table.pairs").forEach(function (table) {
    var cells = [], rows = table.tBodies[0].rows, first = rows[0].cells[1];
    table.querySelectorAll("tbody td").forEach(function (td) {
      cells.push({kind: td.className, text: td.textContent, title: td.title, colour: colour(td)});
    });
    first.focus();
    first.dispatchEvent(new window.KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}));
    tables.push({label: table.getAttribute("aria-label"), cells: cells,
                 says: table.parentNode.parentNode.querySelector(".says").textContent,
                 moved: document.activeElement === rows[rows.length > 1 ? 1 : 0].cells[1],
                 rows: Array.from(rows).map(function (r) { return r.cells[0].textContent; }),
                 columns: Array.from(table.tHead.rows[0].querySelectorAll("th")).map(function (c) { return c.textContent; })});
  });
  var legend = {};
  document.querySelectorAll(".legend span").forEach(function (s) { legend[s.className] = colour(s); });
  return {title: document.title, verdict: document.getElementById("verdict").className, tables: tables, legend: legend,
          ids: Array.from(document.querySelectorAll("details.finding")).map(function (d) { return d.id; }), paper: colour(document.body),
          text: document.body.innerText, scripts: document.scripts.length};
"""


def check(scratch, target, *more, seconds=12, **kwargs):
    """(how it ended, check.json, the page's path)"""
    result = ftf.ftfuzz("check", target, "--time", seconds, "--seed", 1, "--out", scratch, *more, timeout=600, **kwargs)
    folder = scratch / target
    document = json.loads((folder / "check.json").read_text()) if (folder / "check.json").exists() else {}
    return result, document, folder / "check.html"


def shape(document):
    """What is wrong with a document; its members are what others build on."""
    wrong = []

    def need(condition, what):
        wrong.extend([] if condition else [what])

    members = {"format": int, "tool": str, "version": str, "target": dict, "verdict": dict, "interrupted": bool, "gil": dict,
               "environment": dict, "campaign": dict, "coverage": dict, "callables": list, "types": list, "findings": list, "damaged": int}
    for name, type_ in members.items():
        need(isinstance(document.get(name), type_), f"{name} is no {type_.__name__}")
    if wrong:
        return wrong
    need(document["verdict"]["exit"] in (0, 1, 2, 3) and document["verdict"]["line"], "verdict")
    need("package" in document and "pays" in document, "package or pays is missing")
    counts = document["coverage"]["callables"]
    need(all(row["status"] in STATES for row in document["callables"]), "a status")
    need(all(counts[s] == sum(r["status"] == s for r in document["callables"]) for s in STATES), "callables do not add up")
    need(counts["total"] == len(document["callables"]), "total")
    need(all(r["calls"] >= r["accepted"] and (r["accepted"] or not r["overlapped"]) for r in document["callables"]), "counts")
    for type_ in document["types"]:
        count = len(type_["operations"])
        listed = sum(o["listed"] for o in type_["operations"])
        need(all(0 <= p["a"] <= p["b"] < count for p in type_["pairs"]), f"a pair of {type_['name']}")
        need(type_["pair_total"] == listed * (listed + 1) // 2, f"pair_total of {type_['name']}")
        need(all(p["inside"] + p["around"] > 0 or p["findings"] for p in type_["pairs"]), f"an empty pair of {type_['name']}")
    need(document["coverage"]["pairs"]["total"] == sum(t["pair_total"] for t in document["types"]), "pairs do not add up")
    texts = ("id", "kind", "title", "blame", "rate", "scenario", "explain", "report", "script", "folder")
    need(all(isinstance(finding.get(key), str) for finding in document["findings"] for key in texts), "a finding")
    return wrong


def journal(document):
    return next((t for t in document.get("types", []) if t["name"] == "Journal"), {"operations": [], "pairs": []})


def test_bug(tally, scratch):
    result, document, page = check(scratch, BUG, seconds=20)
    tally.check("a planted bug: exit 1", result.code == 1 and document.get("verdict", {}).get("word") == "unsafe",
                f"exit {result.code}, {result.err[-300:]!r}")
    wrong = shape(document)
    tally.check("check.json is as described", not wrong, "; ".join(wrong[:5]))
    tally.check("it says what the terminal says", document.get("verdict", {}).get("line", "?") in result.out and str(page) in result.out,
                result.out[-500:])
    tally.check("the GIL is declared", document.get("gil") == {"declares": "declared", "imports_with_gil_off": True})
    methods = {r["name"]: r["status"] for r in document.get("callables", [])}
    tally.check("its methods overlapped", all(methods.get(f"Journal.{m}") == "overlapped" for m in ("add", "drop", "last")), str(methods))
    blamed = [f for f in document.get("findings", []) if f["blame"] == "extension" and f["here"]]
    tally.check("findings come with scenario and report", bool(blamed) and all(f["scenario"] and f["report"] for f in blamed))
    tally.check("they break the contract", all(f["breaks_contract"] for f in blamed) and document["target"]["contract"] == "memory-safe")
    tally.check("one is explained", any(f["explain"] for f in blamed))
    marked = {f for p in journal(document)["pairs"] for f in p["findings"]}
    tally.check("pairs are marked that findings are about", bool(marked) and marked <= {f["id"] for f in blamed}, str(marked))
    libraries = document.get("environment", {}).get("libraries", [])
    tally.check("it was built to be seen", {"tsan", "asan"} == {x["flavour"] for x in libraries} and
                all(x["points"] and x["sanitizer"] for x in libraries), str(libraries))
    pays = document.get("pays") or {}
    tally.check("what it is worth was measured", bool(pays.get("operations")) and "threads" in pays["summary"]["line"], str(pays)[:300])
    tally.check("campaign.json is there, too", (page.parent / "campaign.json").exists())
    return document, page


def test_twin(tally, scratch):
    result, document, page = check(scratch, TWIN)
    tally.check("its fixed twin: exit 0", result.code == 0 and document["verdict"]["word"] == "clean",
                f"exit {result.code}, {result.err[-300:]!r}")
    first = document["campaign"]["runs"]
    again, later, _ = check(scratch, TWIN, "--json")
    calls = sum(r["calls"] for r in later["callables"])
    tally.check("a second check counts anew", 0 < calls <= later["campaign"]["calls"] and later["campaign"]["runs"] != first,
                f"{calls} of {later['campaign']['calls']}")
    tally.check("--json prints the document", again.json() == later, again.out[:200])
    return later, page


def test_kept(tally, scratch):
    """Findings of before stay, and are not this check's."""
    ftf.ftfuzz("fuzz", BUG, "--time", 60, "--until-finding", "any", "--confirm", 0, "--seed", 1, "--out", scratch)
    before = {p.name for p in (scratch / BUG / "findings").glob("[!.]*")}
    (scratch / TWIN).mkdir(exist_ok=True)
    (scratch / BUG / "findings").rename(scratch / TWIN / "findings")
    result, document, _ = check(scratch, TWIN)
    kept = {f["id"] for f in document["findings"] if not f["here"]}
    tally.check("findings of an earlier campaign are kept and do not count", bool(before) and before <= kept and result.code == 0,
                f"exit {result.code}, {before} {kept}")


def test_gil(tally, scratch):
    target = ftf.ROOT / "tests" / "e2e" / "data" / "oldstyle"
    result = ftf.ftfuzz("check", target, "--time", 10, "--seed", 1, "--out", scratch, "--json", timeout=600)
    document = result.json()
    tally.check("a module that does not declare: exit 1", result.code == 1 and document.get("verdict", {}).get("word") == "undeclared" and
                document["gil"] == {"declares": "not-declared", "imports_with_gil_off": False},
                f"exit {result.code}, {result.err[-300:]!r}")


def exercised(path):
    """{(type, name): (calls, accepted, met)} of an exercise map (harness/base/exercise.h)."""
    data = path.read_bytes()
    _, _, count, _, _ = struct.unpack_from("<8s3I4xQ", data)
    head, row = struct.calcsize("<8s3I4xQ") + 4 * 2 * MAP_OPS, struct.calcsize(MAP_ROW)
    rows = [struct.unpack_from(MAP_ROW, data, head + i * row) for i in range(count)]
    return {(r[6].rstrip(b"\0").decode(), r[7].rstrip(b"\0").decode()): r[3:6] for r in rows}


def test_map(tally, scratch):
    """A worker's map: cold processes write to the one of their server, and it is whole after kill -9 and gone on with."""
    scratch.mkdir()
    for flavour in worker.FLAVOURS:
        path = scratch / f"{flavour}.exercise"
        code, err, _ = worker.run(scratch, "struct", flavour, "--cold=0", "--cold-ms=4000", "--rounds=3", "--cold-seed=1",
                                  f"--exercise={path}")
        cold = exercised(path)
        counted = any(calls and met for calls, _, met in cold.values())
        tally.check(f"{flavour}: cold runs are counted", counted, f"{code} {cold} {err[-300:]}")
        seed = scratch / "seed.ft"
        seed.write_text('ftfuzz 1\ntarget struct\nsetup\nthread\n  calcsize("i")\nthread\n  calcsize("i")\nschedule pct seed=1 depth=3\n')
        code, _, _ = worker.run(scratch, "struct", flavour, f"--exercise={path}", "-runs=1000000000", str(seed), timeout=8)
        more = exercised(path)
        kept = set(cold) <= set(more) and all(more[key][0] >= cold[key][0] for key in cold)
        grown = sum(row[0] for row in more.values()) > sum(row[0] for row in cold.values())
        tally.check(f"{flavour}: counts survive kill -9 and go on", code is None and kept and grown, f"{code} {cold} {more}")


def test_usage(tally, scratch):
    refused(tally, "no target", ["check"], "TARGET")
    refused(tally, "too little time", ["check", BUG, "--time", 3], "--time")
    refused(tally, "no such folder", ["check", "./nowhere", "--out", scratch], "./nowhere")
    result = ftf.ftfuzz("check", "--help")
    tally.check("check --help", result.code == 0 and result.out.startswith("usage: ftfuzz check") and "check.html" in result.out)


def interrupted(scratch, wait_for):
    """A check that gets a Ctrl-C once a file is there, or, without one, once it says that it measures."""
    command = [str(ftf.FTFUZZ), "check", BUG, "--time", "600" if wait_for is None else "90", "--seed", "1", "--out", str(scratch)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    while "measuring" not in (process.stderr.readline() or "measuring"):
        pass
    deadline = time.monotonic() + 150
    while wait_for and time.monotonic() < deadline and process.poll() is None and not list((scratch / BUG).glob(wait_for)):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    path = scratch / BUG / "check.json"
    return process.returncode, out, err, json.loads(path.read_text()) if path.exists() else {}


def test_interrupt(tally, scratch):
    code, out, err, document = interrupted(scratch / "early", None)
    tally.check("Ctrl-C while measuring still writes both files", code == 0 and document.get("interrupted") is True and
                (scratch / "early" / BUG / "check.html").exists() and "Interrupted" in out, f"exit {code}, {err[-300:]!r}")
    code, out, err, document = interrupted(scratch / "late", "findings/[!.]*/finding.json")
    tally.check("Ctrl-C ends with what is known", code == 1 and document.get("interrupted") is True and "Interrupted" in out and
                bool(document["findings"]), f"exit {code}, {err[-300:]!r}")
    wrong = shape(document)
    tally.check("an interrupted document is as described", not wrong, "; ".join(wrong[:5]))


# ---- the page ---------------------------------------------------------------------------------------------------------


def level(pair):
    if pair["findings"]:
        return "x"
    both = pair["inside"] + pair["around"]
    return "b" if both < 10 else "c" if both < 100 else "d" if both < 1000 else "e"


def luminance(colour):
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return 0.3 * red + 0.6 * green + 0.1 * blue


def test_page(tally, scratch, path, document, page, name):
    for dark in (False, True):
        seen = browser.look(path, scratch, page, WIDTHS, LOOK, dark)
        which = f"{name}, {'dark' if dark else 'light'}"
        if not tally.check(f"{which}: a browser shows the page", set(seen.frames) == set(WIDTHS) and all(seen.frames.values()),
                           seen.trouble + "; ".join(seen.errors)):
            continue
        tally.check(f"{which}: no script error, nothing refused", not seen.errors, "; ".join(seen.errors[:3]))
        tally.check(f"{which}: nothing is asked of the network", not seen.requests, "; ".join(seen.requests[:3]))
        tally.check(f"{which}: no wider than the window", all(over <= 0 for over in seen.overflow.values()), str(seen.overflow))
        wide = seen.frames[1280]
        paper = luminance(wide["paper"])
        tally.check(f"{which}: on the right paper", paper < 60 if dark else paper > 200, wide["paper"])
        look_at_words(tally, which, document, wide)
        look_at_cells(tally, which, document, wide)


def look_at_words(tally, which, document, wide):
    verdict = document["verdict"]
    tally.check(f"{which}: the verdict", verdict["word"] in wide["verdict"].split() and verdict["line"] in wide["text"], wide["verdict"])
    blamed = {"finding-" + f["id"] for f in document["findings"] if f["here"] and f["blame"] == "extension"}
    tally.check(f"{which}: all findings", set(wide["ids"]) == blamed, f"{wide['ids']} instead of {blamed}")
    missing = [r["name"] for r in document["callables"] if r["name"] not in wide["text"]]
    tally.check(f"{which}: all callables", not missing, "; ".join(missing[:5]))


def look_at_cells(tally, which, document, wide):
    """Every pair of Journal has its colour, its number and its words; every other cell is one that never overlapped."""
    type_ = journal(document)
    table = next((t for t in wide["tables"] if t["label"].endswith("Journal")), None)
    if not tally.check(f"{which}: a table of pairs", table is not None, str([t["label"] for t in wide["tables"]])):
        return
    expected = sorted(level(p) for p in type_["pairs"])
    tally.check(f"{which}: a cell for each pair", sorted(c["kind"] for c in table["cells"] if c["kind"]) == expected)
    tally.check(f"{which}: the colours are the legend's", all(c["colour"] == wide["legend"][c["kind"] or "a"] for c in table["cells"]) and
                len(set(wide["legend"].values())) == 6, str(wide["legend"]))
    tally.check(f"{which}: a triangle", table["rows"] == table["columns"] and
                len(table["cells"]) == len(table["rows"]) * (len(table["rows"]) + 1) // 2)
    names = [o["short"] for o in type_["operations"]]
    titles = {c["title"].split(": ")[0]: c for c in table["cells"]}
    wrong = [p for p in type_["pairs"] if not (titles.get(f"{names[p['b']]}, {names[p['a']]}") or
                                               titles.get(f"{names[p['a']]}, {names[p['b']]}"))]
    tally.check(f"{which}: each cell says what it is about", not wrong and all(c["title"] for c in table["cells"]), str(wrong[:2]))
    tally.check(f"{which}: arrow keys walk the table", table["moved"] and len(table["says"]) > 10, table["says"])


def hostile(document):
    """The same with names and texts that are markup, huge, or no text at all."""
    bad = '</style></script><script>seenErrors.push("ran")</script><img src=x onerror=seenErrors.push("ran")>"\'&\x00\x1b[31m\u202e'
    copy = json.loads(json.dumps(document))
    copy["target"]["name"] = copy["verdict"]["line"] = copy["environment"]["command"] = bad
    for row in copy["callables"][:2]:
        row["name"] = row["reason"] = bad
    copy["types"][0]["name"] = bad
    for operation in copy["types"][0]["operations"]:
        operation["name"] = operation["short"] = bad + "n" * 300
    texts = ("title", "signature", "explain", "scenario", "report", "script", "gil", "repro", "kind", "folder")
    for finding in copy["findings"]:
        finding.update({key: bad for key in texts})
    copy["package"] = {"name": bad, "version": bad, "requirement": bad, "kind": "source", "module": bad, "builds": {
        "tsan": {"log": bad, "libraries": [{"path": "/x/" + bad, "instrumented": True}]}},
        "dependencies": [{"name": bad, "version": bad, "extension": True, "instrumented": False}]}
    return copy


def large():
    """A module of 1,200 callables: 30 types with 40 operations each, all pairs of half of them."""
    counts = {"calls": 9, "accepted": 9, "overlapped": 3}
    operations = [{"name": f"T.method_{i}", "short": f"method_{i}", "listed": True, **counts} for i in range(40)]
    pairs = [{"a": a, "b": b, "inside": a + b, "around": a * b % 7 + 1, "findings": []} for a in range(40) for b in range(a, 40)]
    types = [{"name": f"Type{i:02}", "public": True, "builtin": False, "operations": operations, "pairs": pairs if i % 2 else [],
              "pair_total": 820, "pair_overlapped": 820 if i % 2 else 0} for i in range(30)]
    callables = [{"name": f"Type{i % 30:02}.method_{i // 30}", "kind": "method", "native": True, "reason": "", "calls": 1, "accepted": 1,
                  "status": sorted(STATES)[i % 6], "overlapped": i % 2} for i in range(1200)]
    return {"format": 1, "version": "0", "target": {"name": "large", "version": "1"}, "verdict": {"word": "clean", "line": "x", "exit": 0},
            "environment": {}, "campaign": {}, "coverage": {}, "callables": callables, "types": types, "findings": [], "pays": None}


def render(scratch, document, name):
    (scratch / f"{name}.json").write_text(json.dumps(document))
    script = ftf.ROOT / "harness" / "page" / "page.py"
    subprocess.run([sys.executable, "-B", str(script), str(scratch / f"{name}.json"), str(scratch / f"{name}.html")], check=True)
    return scratch / f"{name}.html"


def test_hostile(tally, scratch, path, document):
    page = render(scratch, hostile(document), "hostile")
    script = "return {scripts: document.scripts.length, images: document.images.length, text: document.body.innerText}"
    seen = browser.look(path, scratch, page, WIDTHS, script)
    frame = seen.frames.get(400) or {}
    inert = frame.get("scripts") == 2 and frame.get("images") == 0 and not seen.errors and not seen.requests
    tally.check("hostile names are text", inert and "<img src=x" in frame.get("text", ""),
                f"{frame.get('scripts')} scripts, {seen.errors[:2]}, {seen.requests[:2]}, {seen.trouble}")
    tally.check("hostile names fit into the window", all(over <= 0 for over in seen.overflow.values()), str(seen.overflow))
    count = "return document.querySelectorAll('table.pairs td').length"
    seen = browser.look(path, scratch, render(scratch, large(), "large"), WIDTHS, count)
    tally.check("1,200 callables make a page", min(seen.frames.values(), default=0) > 15 * 820 and not seen.errors and
                all(over <= 0 for over in seen.overflow.values()), f"{seen.frames} {seen.overflow} {seen.errors[:2]} {seen.trouble}")


def test_browser(tally, scratch, path):
    """The test's own eyes: a page that asks the network, is too wide, and has an error is seen to."""
    page = scratch / "bad.html"
    page.write_text('<html><head></head><body><img src="http://tracker.invalid/x.png"><div style="width:3000px">x</div>'
                    "<script>nothing.here()</script></body></html>")
    seen = browser.look(path, scratch, page, WIDTHS, "return 1")
    tally.check("the browser is looked at closely", any("tracker.invalid" in r for r in seen.requests) and bool(seen.errors) and
                seen.overflow.get(400, 0) > 0, f"{seen.requests} {seen.errors} {seen.overflow} {seen.trouble}")


def run(tally):
    with ftf.Scratch("check") as scratch:
        test_usage(tally, scratch / "usage")
        test_map(tally, scratch / "map")
        document, page = test_bug(tally, scratch / "bug")
        clean, clean_page = test_twin(tally, scratch / "twin")
        test_kept(tally, scratch / "kept")
        test_gil(tally, scratch / "gil")
        test_interrupt(tally, scratch / "interrupt")
        path = browser.find(tally)
        if path is not None and page.exists() and clean_page.exists():
            test_browser(tally, scratch, path)
            test_page(tally, scratch, path, document, page, "a bug")
            test_page(tally, scratch, path, clean, clean_page, "no finding")
            test_hostile(tally, scratch, path, document)


if __name__ == "__main__":
    ftf.run_alone(run)
