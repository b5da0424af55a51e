"""Cold processes: bugs of the first call in a process are found by runs that were one, replay, and their fixed twin stays silent."""

import json
from pathlib import Path

import ftf

COLDSTART = Path(__file__).parent / "data" / "coldstart"


def is_cold(finding):
    """The finding's witness is a run in a process that had called nothing."""
    record = json.loads((Path(finding["folder"]) / "record.json").read_text())
    return record["cold"] and record["sequence"] == 1


def replays(tally, name, finding):
    result = ftf.ftfuzz("replay", finding["folder"], "-n", 20, "--json")
    counts = result.json()[0] if result.code in (0, 1) else {}
    tally.check(name, counts.get("k", 0) >= 19, f"{counts} {result.err[-300:]}")


def test_canary(tally, scratch):
    """The lazy static K1, within seconds; a cold process that ends in order is nothing to talk about."""
    result = ftf.ftfuzz("fuzz", "ck01_lazy_static", "--flavour", "tsan", "--jobs", 1, "--time", 15, "--cold", 50, "--confirm", 0,
                        "--seed", 1, "--json", "--out", scratch)
    summary = result.json()
    cold = [f for f in ftf.findings(summary) if f["kind"] == "data-race" and is_cold(f)]
    tally.check("a campaign runs cold processes", summary.get("cold", {}).get("runs", 0) > 0, result.err[-300:])
    tally.check("they end without complaint", result.code == 1 and summary.get("bugs") == 0, f"exit {result.code}, {result.err[-300:]}")
    if tally.check("K1 is found by a cold run", bool(cold), str(ftf.findings(summary))):
        replays(tally, "K1 replays", cold[0])


def test_first_call(tally, scratch):
    """A use after free that only two first callers can see."""
    run = ["fuzz", f"{COLDSTART}:coldstart", "--flavour", "asan", "--jobs", 1, "--confirm", 0, "--seed", 1, "--json"]
    warm = ftf.ftfuzz(*run, "--time", 5, "--cold", 0, "--out", scratch / "warm").json()
    tally.check("--cold 0 runs none", warm.get("cold", {}).get("runs") == 0 and warm.get("scenarios", 0) > 0, str(warm))
    cold = ftf.ftfuzz(*run, "--time", 90, "--cold", 50, "--until-finding", "^use-after-free .*digest", "--out", scratch / "cold")
    hit = ftf.wanted(cold.json())
    if tally.check("a use after free of the first call is found", hit is not None, cold.err[-300:]):
        tally.check("by a cold run", is_cold(hit))
        replays(tally, "it replays", hit)
    twin = ftf.ftfuzz("fuzz", f"{COLDSTART}:coldstart_fixed", "--time", 8, "--cold", 50, "--confirm", 0, "--seed", 1, "--json",
                      "--out", scratch / "twin")
    tally.check("the fixed twin is silent", twin.code == 0 and twin.json().get("cold", {}).get("runs", 0) > 0,
                f"exit {twin.code}, {twin.err[-300:]}")


def run(tally):
    for test in (test_canary, test_first_call):
        with ftf.Scratch("cold") as scratch:
            test(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
