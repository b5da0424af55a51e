"""The part of the benchmark about what a maintainer gets: how small scenarios become, how surely they still replay, in what time."""

import re
import statistics
import tomllib
from pathlib import Path

import canaries
import finding
import ftf
import known_bugs
import measure
import test_repro

ABOUT_G = """\
Each canary, and each known bug of the standard library that is found in {hunt} s, in the flavour that comes first: its finding is
minimized on one core for at most {limit} s (`ftfuzz minimize --jobs 1`), and the result is replayed 20 times in fresh processes. Lanes
with a call in them, calls in lanes, calls of setup and finish, context switches; where earlier scenarios are needed, how many."""

ABOUT_H = """\
The same bugs: what `ftfuzz minimize` (at most {limit} s) and then `ftfuzz repro -n {runs}` give. On a stock interpreter a script shows a
bug by a crash, a hang or a wrong result, on one with a sanitizer by a report of *this* finding; the sanitizer is the finding's own, or the
other one where that shows it more often. Of a planted bug the script is run {twins} times with the fixed twin in its place, on both."""

HUNT_SECONDS = 60
RUNS, REPRO_SECONDS = 10, 600
TWIN_RUNS, TWIN_SECONDS = 20, 1


def canary_rows(settings):
    wanted = {canary.module for canary, _ in finding.wanted_canaries(settings.canaries)}
    for canary in canaries.expectations():
        if canary["module"] in wanted:
            yield f"{canary['class']} {canary['module']}", canary["module"], canaries.expected_regex(canary)


def known_rows(settings):
    """Of the standard library only: packages are built first, and some of their rows are there to find nothing."""
    with open(ftf.ROOT / "tests" / "e2e" / "known_bugs.toml", "rb") as file:
        for bug in tomllib.load(file)["bug"]:
            if not settings.quick and not known_bugs.is_package(bug):
                yield bug["row"], bug["target"], known_bugs.regex(bug)


def minimized(settings, target, regex):
    """The finding and what minimizing it gave; None for what did not come about."""
    summary = measure.fuzz(target, "--time", HUNT_SECONDS, "--until-finding", regex, "--seed", settings.seeds[0], "--confirm", 20,
                           out=settings.folder(), timeout=HUNT_SECONDS + 300)
    hit = ftf.wanted(summary)
    if hit is None or not hit.get("replay", {}).get("k"):
        return hit, None
    result = ftf.ftfuzz("minimize", hit["folder"], "--jobs", 1, "--time", settings.minimize, "--json", timeout=settings.minimize + 300)
    return hit, result.json() if result.code == 1 else None


def part_g(settings, report):
    report.text("## g. Reproducers", "", ABOUT_G.format(hunt=HUNT_SECONDS, limit=settings.minimize))
    report.table("bug", "flavour", "lanes", "calls", "setup", "switches", "scenarios", "bytes", "replayed", "seconds", "processes", "done")
    small = []
    for name, target, regex in [*canary_rows(settings), *known_rows(settings)]:
        hit, result = minimized(settings, target, regex)
        label = re.sub(r"\s+", " ", name)[:50]
        if result is None:
            why = "not found" if hit is None else f"replayed {ftf.rate(hit)}"
            report.row(label, hit["flavour"] if hit else "-", *["-"] * 6, why, *["-"] * 3)
            continue
        after = result["after"]
        small.append(result)
        report.row(label, hit["flavour"], after["lanes"], after["ops"], after["setup_ops"], after["switches"], after["scenarios"],
                   f"{result['before']['bytes']} to {after['bytes']}", f"{result['k']}/{result['n']}", f"{result['seconds']:.1f}",
                   result["processes"], "yes" if result["finished"] else "no")
    if small:
        sure = sum(r["k"] * 20 >= r["n"] * 19 for r in small)
        medians = {word: statistics.median(r["after"][word] for r in small) for word in ("lanes", "ops", "switches")}
        report.text(f"Medians of {len(small)}: {medians['lanes']:g} lanes, {medians['ops']:g} calls in them, {medians['switches']:g} "
                    f"switches, {statistics.median(r['seconds'] for r in small):.1f} s. At least 19 of 20: {sure} "
                    f"({100 * sure / len(small):.0f} %).")


def made(hit):
    """What `ftfuzz repro` measured of a finding; the scenario is minimized before."""
    return ftf.ftfuzz("repro", hit["folder"], "-n", RUNS, "--json", timeout=REPRO_SECONDS).json()


def silent_twin(hit, target, flavour):
    """In how many of TWIN_RUNS runs of the script with the fixed twin in the module's place nothing was said about the module."""
    folder = Path(hit["folder"])
    script = folder / "twin.py"
    script.write_text((folder / "repro.py").read_text(encoding="utf-8").replace(target, target + "_fixed"), encoding="utf-8")
    ends = [test_repro.run_script(script, flavour, test_repro.built(flavour), TWIN_SECONDS) for _ in range(TWIN_RUNS)]
    # TSan reports races of the interpreter's own, and ends with its own code.
    return sum((code == 0 or flavour == "tsan") and target not in printed for code, printed in ends)


def part_h(settings, report):
    report.text("## h. Scripts", "", ABOUT_H.format(runs=RUNS, twins=TWIN_RUNS, limit=settings.minimize))
    report.table("bug", "flavour", "stock interpreter", "with a sanitizer", "which", "twin silent, stock", "twin silent, sanitizer")
    shown, ran, silent, twins = 0, 0, 0, 0
    for name, target, regex in [*canary_rows(settings), *known_rows(settings)]:
        hit, result = minimized(settings, target, regex)
        label = re.sub(r"\s+", " ", name)[:50]
        rates = made(hit) if result is not None else None
        if not rates:
            report.row(label, hit["flavour"] if hit else "-", *["-"] * 5)
            continue
        plain, sanitizer = rates["plain"], rates["sanitizer"]
        flavours = ("plain", sanitizer["flavour"]) if target.startswith("ck") else ()
        quiet = [silent_twin(hit, target, flavour) for flavour in flavours]
        ran += 1
        shown += sanitizer["k"] * 2 >= sanitizer["n"] or plain["k"] * 2 >= plain["n"]
        silent += sum(count == TWIN_RUNS for count in quiet)
        twins += len(quiet)
        report.row(label, hit["flavour"], f"{plain['k']}/{plain['n']}", f"{sanitizer['k']}/{sanitizer['n']}", sanitizer["flavour"],
                   *([f"{count}/{TWIN_RUNS}" for count in quiet] or ["-", "-"]))
    if ran:
        report.text(f"At least {RUNS // 2} of {RUNS}: {shown} of {ran} ({100 * shown / ran:.0f} %). Silent twins: {silent} of {twins}.")


def estimate(settings):
    """Seconds that it takes, at least and at most."""
    rows = len(list(canary_rows(settings))) + len(list(known_rows(settings)))
    most = HUNT_SECONDS + settings.minimize + 30
    return {"g": (rows * 12, rows * most), "h": (rows * 60, rows * (most + REPRO_SECONDS + 2 * TWIN_RUNS * TWIN_SECONDS))}
