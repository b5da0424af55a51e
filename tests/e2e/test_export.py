"""`ftfuzz export`: the target runs from a folder that was moved, for a user without rights, where nothing of ftfuzz can be seen; its
artifacts are scenarios that `ftfuzz replay` replays; the stack that it is grouped by is the extension's; and libFuzzer's modes work."""

import re
import zipfile
from pathlib import Path

import ftf
import moved

CANARY, TWIN = "ck03_borrowed_item", "ck03_borrowed_item_fixed"
FUNCTIONS = ("journal_last", "journal_add")  # who reads, and who writes: either may come second


def export(tally, flavour, out, *targets):
    for target in targets:
        result = ftf.ftfuzz("export", target, "--flavour", flavour, "--out", out)
        tally.check(f"export {flavour} {target}", result.code == 0 and f"ftfuzz_{target}" in result.out, result.err.strip()[-300:])


def top_frame(output):
    """The function of the first frame of the first stack that is not a helper of Python's headers."""
    functions = re.findall(r"^\s+#\d+ 0x[0-9a-f]+ in (\S+) (\S+)", output, re.M)
    helpers = ("/include/", "Include/", "Objects/")
    return next((name for name, place in functions if not any(part in place for part in helpers)), None)


def find_canary(tally, flavour, out, work):
    """Its bug ends the target with a report and a scenario; the twin's end is the number of runs."""
    work.mkdir()
    work.chmod(0o777)
    code, output = moved.run(out / f"ftfuzz_{CANARY}", "-seed=1", "-max_total_time=60", cwd=work, timeout=200)
    crashes = sorted(work.glob("crash-*"))
    tally.check(f"export {flavour}: a planted bug ends the target", code not in (0, None) and len(crashes) == 1,
                f"exit {code}: {output[-500:]}")
    tally.check(f"export {flavour}: the first stack is the extension's", top_frame(output) in FUNCTIONS,
                f"{top_frame(output)}: {output[:800]}")
    for crash in crashes:
        text = crash.read_text()
        tally.check(f"export {flavour}: the artifact is a scenario", text.startswith(f"ftfuzz 1\ntarget {CANARY}\n"), text[:100])
        result = ftf.ftfuzz("replay", crash, "-n", 5, "--flavour", flavour, "--json")
        hits = sum(row["k"] for row in result.json())
        tally.check(f"export {flavour}: the artifact replays 5 of 5", result.code == 1 and hits == 5, result.out[-600:])
    code, output = moved.run(out / f"ftfuzz_{TWIN}", "-seed=1", "-runs=1000")
    tally.check(f"export {flavour}: the twin has 1000 runs", code == 0 and "Done 1000 runs" in output, f"exit {code}: {output[-500:]}")


def counted(folder):
    return {file.name for file in folder.iterdir()}


def merge(tally, target, work):
    """A corpus that was made by fuzzing; merged into an empty folder, and what was kept once more: it is what is kept."""
    corpus, once, twice = (work / name for name in ("corpus", "once", "twice"))
    for folder in (corpus, once, twice):
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    code, _ = moved.run(target, "-seed=1", "-runs=3000", corpus)
    tally.check("export: a corpus comes about", code == 0 and len(counted(corpus)) > 10, f"exit {code}, {len(counted(corpus))} files")
    for given, kept in ((corpus, once), (once, twice)):
        code, output = moved.run(target, "-merge=1", kept, given)
        tally.check(f"export: -merge=1 of {len(counted(given))} keeps {len(counted(kept))}", code == 0 and counted(kept), output[-400:])
    stable = len(counted(once) & counted(twice)) / max(1, len(counted(once)))
    tally.check(f"export: {100 * stable:.1f} % of what -merge=1 keeps is kept again, at least 98", stable >= 0.98)


def modes(tally, target, work):
    corpus = work / "corpus"
    dictionary = work / "dictionary"
    dictionary.write_text('"append"\n')
    for name, arguments in (("-fork=2", ("-fork=2", "-max_total_time=5", corpus)),
                            ("-jobs=2", ("-jobs=2", "-workers=2", "-runs=20", corpus)),
                            ("-dict", (f"-dict={dictionary}", "-runs=20")),
                            ("-minimize_crash=0", ("-minimize_crash=0", "-runs=20", corpus))):
        code, output = moved.run(target, *arguments)
        tally.check(f"export: {name}", code == 0, f"exit {code}: {output[-400:]}")


def merged_corpus(tally, scratch):
    """`ftfuzz corpus`: the same twice, reaches what it was made from, and every file is a scenario under a name to read."""
    out = scratch / "campaign"
    ftf.ftfuzz("fuzz", TWIN, "--time", 8, "--seed", 1, "--confirm", 0, "--flavour", "asan", "--out", out)
    kept = []
    for _ in range(2):
        result = ftf.ftfuzz("corpus", TWIN, "--out", out)
        kept.append({file.name: file.read_text() for file in (out / TWIN / "merged").iterdir()})
    edges = re.search(r"^edges +(\d+) before, (\d+) after$", result.out, re.M)
    pairs = re.search(r"^pairs +(\d+) of (\d+) before, (\d+) after$", result.out, re.M)
    tally.check("corpus: merged", result.code == 0 and len(kept[1]) > 5, result.err[-300:])
    tally.check("corpus: the same twice", kept[0] == kept[1], str(set(kept[0]) ^ set(kept[1])))
    tally.check("corpus: no edge is lost", bool(edges) and edges.group(1) == edges.group(2), result.out)
    counts = [int(number) for number in pairs.groups()] if pairs else [0, 0, 0]  # before, of how many, after
    tally.check("corpus: pairs are counted", 0 < counts[2] <= counts[0] <= counts[1], result.out)
    tally.check("corpus: all are scenarios", all(text.startswith(f"ftfuzz 1\ntarget {TWIN}\n") for text in kept[1].values()))
    tally.check("corpus: names say what is called", any(name.startswith("add-") for name in kept[1]), str(sorted(kept[1])[:5]))
    folder = scratch / "crashes"
    folder.mkdir()
    for crash in (scratch / "work-asan").glob("crash-*"):
        (folder / crash.name).write_bytes(crash.read_bytes())
    result = ftf.ftfuzz("corpus", CANARY, "--out", scratch / "empty", "--from", folder)
    tally.check("corpus: what ends the process is left out and counted", result.code == 0 and "0 of 1 scenarios; 1 ended" in result.out,
                result.out + result.err[-300:])
    result = ftf.ftfuzz("corpus", TWIN, "--out", scratch / "empty")
    tally.check("corpus without a scenario says what to do", result.code == 2 and "ftfuzz fuzz" in result.err, result.err[-300:])


BUSY = """ftfuzz 1
target {target}
setup
  a = Journal()
thread
  a.add("k")
thread
  a.add("k")
thread
  repr(a) * 8
  repr(a) * 8
schedule pct seed=1 depth=3
"""


def empty_lanes(tally, target, work):
    """What is counted of lanes without ops must not be what those of the scenario before did."""
    busy, idle = work / "busy.ft", work / "idle.ft"
    busy.write_text(BUSY.format(target=TWIN))
    idle.write_text(BUSY.format(target=TWIN).replace('thread\n  a.add("k")\n', "thread\n"))
    code, output = moved.run(target, f"--exercise={work}/exercise", busy, idle)
    tally.check("export: lanes without ops behind lanes with them", code == 0, f"exit {code}: {output[-600:]}")


def usage(tally, scratch, out):
    result = ftf.ftfuzz("export", "json")
    tally.check("export without --out says so", result.code == 2 and "--out" in result.err, result.err)
    result = ftf.ftfuzz("export", "json", "--flavour", "tsan", "--out", out)
    tally.check("export of another flavour into a folder is refused", result.code == 2 and "another --out" in result.err, result.err[-300:])
    alone = scratch / "ftfuzz_alone"
    alone.write_bytes((out / f"ftfuzz_{TWIN}").read_bytes())
    alone.chmod(0o755)
    code, output = moved.run(alone, "-runs=1")
    tally.check("a target without its folder says so", code == 2 and "ftfuzz_data" in output, f"exit {code}: {output[-300:]}")


def run(tally):
    with ftf.Scratch("export") as scratch:
        scratch.chmod(0o755)
        for flavour in ("asan", "tsan"):
            export(tally, flavour, scratch / flavour, CANARY, TWIN)
            with moved.Moved(scratch / flavour) as out:
                find_canary(tally, flavour, out, scratch / f"work-{flavour}")
                if flavour == "asan":
                    work = scratch / "merge"
                    merge(tally, out / f"ftfuzz_{TWIN}", work)
                    modes(tally, out / f"ftfuzz_{TWIN}", work)
                    work.chmod(0o777)
                    empty_lanes(tally, out / f"ftfuzz_{TWIN}", work)
        export(tally, "asan", scratch / "seeds", "heapq")
        with zipfile.ZipFile(scratch / "seeds" / "ftfuzz_heapq_seed_corpus.zip") as packed:
            there = {file.name for file in Path(ftf.ROOT / "corpora" / "heapq").iterdir()}
            tally.check("export: the seeds are corpora's", set(packed.namelist()) <= there and packed.namelist(), str(packed.namelist()))
        merged_corpus(tally, scratch)
        usage(tally, scratch, scratch / "asan")


if __name__ == "__main__":
    ftf.run_alone(run)
