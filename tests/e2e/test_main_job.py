"""The main job from end to end: a module is fuzzed, a known bug is found, its folder is whole, and `ftfuzz replay` shows it again."""

import json
from pathlib import Path

import ftf


def run(tally):
    with ftf.Scratch("main") as scratch:
        fuzz = ftf.ftfuzz("fuzz", "collections", "--time", 120, "--until-finding", "^use-after-free .*odictobject.c", "--seed", 1,
                          "--confirm", 30, "--json", "--out", scratch)
        hit = ftf.wanted(fuzz.json())
        if not tally.check("a use after free of OrderedDict is found", fuzz.code == 1 and hit is not None, fuzz.err[-300:]):
            return
        folder = Path(hit["folder"])
        tally.check("it is blamed on the extension", hit["blame"] == "extension", hit["blame"])
        files = {"finding.json", "scenario.ft", "original.ft", "report.txt"}
        tally.check("its folder is whole", files <= {path.name for path in folder.iterdir()}, str(list(folder.iterdir())))
        finding = json.loads((folder / "finding.json").read_text())
        tally.check("finding.json has the rate", finding.get("replay", {}).get("n", 0) > 0, str(finding.get("replay")))
        replay = ftf.ftfuzz("replay", folder, "-n", 20, "--json")
        counts = replay.json()[0] if replay.code in (0, 1) else {}
        tally.check("replay shows it at least 19 times of 20", replay.code == 1 and counts.get("k", 0) >= 19, f"{counts} {replay.err}")


if __name__ == "__main__":
    ftf.run_alone(run)
