"""A worker that can write no record any more because of what its target did dies of the target, not of a bug of ours."""

from pathlib import Path

import ftf

DESTROYED = Path(__file__).parent / "data" / "destroyed"


def run(tally):
    for flavour in ("asan", "tsan"):
        with ftf.Scratch("destroyed") as scratch:
            result = ftf.ftfuzz("fuzz", DESTROYED, "--flavour", flavour, "--jobs", 1, "--time", 30, "--cold", 0, "--confirm", 3,
                                "--until-finding", "^heap-corruption", "--seed", 1, "--json", "--out", scratch)
            summary, hit = result.json(), ftf.wanted(result.json())
            tally.check(f"{flavour}: no bug of ours", summary.get("bugs") == 0, result.err[-300:])
            tally.check(f"{flavour}: a death by the target", hit is not None, f"{ftf.findings(summary)} {result.err[-300:]}")
            if hit is None:
                continue
            tally.check(f"{flavour}: blamed on it", hit["blame"] == "extension", str(hit))
            counts = ftf.ftfuzz("replay", hit["folder"], "-n", 3, "--json").json()
            tally.check(f"{flavour}: replays", bool(counts) and counts[0].get("k") == 3, str(counts))


if __name__ == "__main__":
    ftf.run_alone(run)
