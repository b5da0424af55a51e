"""The part of the benchmark about what a maintainer gets: how small scenarios become, how surely they still replay, in what time."""

import re
import statistics
import tomllib

import canaries
import finding
import ftf
import known_bugs
import measure

ABOUT_G = """\
Each canary, and each known bug of the standard library that is found in {hunt} s, in the flavour that comes first: its finding is
minimized on one core for at most {limit} s (`ftfuzz minimize --jobs 1`), and the result is replayed 20 times in fresh processes. Lanes
with a call in them, calls in lanes, calls of setup and finish, context switches; where earlier scenarios are needed, how many."""

HUNT_SECONDS = 60


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


def estimate(settings):
    """Seconds that it takes, at least and at most."""
    rows = len(list(canary_rows(settings))) + len(list(known_rows(settings)))
    return {"g": (rows * 12, rows * (HUNT_SECONDS + settings.minimize + 30))}
