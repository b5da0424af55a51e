"""No token is stolen where a worker's own calls stand in for C++ statics; that they do depends on how a worker is linked."""

from pathlib import Path

import ftf

WAITS = Path(__file__).parent / "data" / "waits"


def run(tally):
    for flavour in ("asan", "tsan"):
        with ftf.Scratch("steals") as scratch:
            result = ftf.ftfuzz("fuzz", WAITS, "--flavour", flavour, "--jobs", 1, "--time", 6, "--confirm", 0, "--seed", 1, "--json",
                                "--out", scratch)
            summary = result.json()
            tally.check(f"{flavour}: it runs", summary.get("scenarios", 0) > 100, result.err[-300:])
            tally.check(f"{flavour}: nothing is found", ftf.findings(summary) == [], str(ftf.findings(summary)))
            tally.check(f"{flavour}: no steals", summary.get("steals") == 0, str(summary))


if __name__ == "__main__":
    ftf.run_alone(run)
