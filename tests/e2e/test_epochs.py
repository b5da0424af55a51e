"""A worker process ends after an epoch, in order, and another takes its place: that is no death, no finding, and loses nothing."""


import ftf
import worker

TWIN = "ck01_lazy_static_fixed"


def test_worker(tally, scratch, flavour):
    """The process itself: so many scenarios, then the end, whatever libFuzzer was told."""
    corpus = scratch / "corpus"
    corpus.mkdir()
    code, err, box = worker.run(scratch, "collections", flavour, "--epoch=20", "-seed=1", "-runs=1000000", "--rounds=1", corpus)
    tally.check(f"{flavour}: an epoch of 20 ends after 20 scenarios", box.scenarios == 20 and box.phase == worker.DONE,
                f"{box.counts()}, phase {box.phase}, {err[-300:]}")
    tally.check(f"{flavour}: in order, without a word", code == 0 and "ThreadSanitizer" not in err and "ERROR" not in err,
                f"exit {code}, {err[-300:]}")


def test_campaign(tally, scratch):
    result = ftf.ftfuzz("fuzz", TWIN, "--time", 10, "--cold", 0, "--confirm", 0, "--seed", 1, "--json", "--out", scratch)
    summary = result.json()
    about = {key: summary.get(key) for key in ("starts", "bugs", "scenarios", "jobs", "seconds")}
    tally.check("processes end and are replaced", summary.get("starts", 0) > summary.get("jobs", 0) > 0, f"{about}")
    tally.check("that is no bug of ours", summary.get("bugs") == 0 and "died" not in result.err, f"{about}, {result.err[-300:]}")
    tally.check("and no finding", result.code == 0 and summary.get("findings") == [], f"exit {result.code}, {summary.get('findings')}")
    folder = scratch / TWIN
    tally.check("no scenario is set aside for it", not list((folder / "quarantine").glob("*")) and not (folder / "restarts").exists(),
                str(list(folder.iterdir())))


def run(tally):
    for flavour in worker.FLAVOURS:
        with ftf.Scratch("epochs") as scratch:
            test_worker(tally, scratch, flavour)
    with ftf.Scratch("epochs") as scratch:
        test_campaign(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
