"""A lane that has had enough begins no further op: an object that doubles with each call ends soon, and everywhere after the same call."""

import re

import ftf
import worker

ONE_RUN, ROUNDS = "at", "pct seed=3 depth=3"
DOUBLING = """ftfuzz 1
target collections
setup
  d = deque([1, 2, 3])
thread
  d.extend(d) * {repeat}
  d.append(1)
thread
  d.extend(d) * {repeat}
  d.append(2)
finish
schedule {schedule}
"""
HARMLESS = """ftfuzz 1
target collections
setup
  d = deque([1])
thread
  len(d)
thread
  len(d)
finish
schedule pct seed=1 depth=2
"""


def test_replay(tally, scratch, flavour):
    """4,096 doublings would need all memory there is after 40."""
    for schedule in (ONE_RUN, ROUNDS):
        path = scratch / "doubling.ft"
        path.write_text(DOUBLING.format(repeat=4096, schedule=schedule), encoding="ascii")
        ends = [worker.run(scratch, "collections", flavour, f"--replay={path}") for _ in range(2)]
        counts = [box.counts() for _, _, box in ends]
        detail = f"{counts}, exit {[code for code, _, _ in ends]}, {ends[0][1][-300:]}"
        tally.check(f"{flavour}, {schedule}: it ends in order", all(box.phase == worker.DONE for _, _, box in ends), detail)
        scenarios, _, runs, calls, accepted = counts[0]
        tally.check(f"{flavour}, {schedule}: a run has a few calls", scenarios == 1 and runs <= calls < 40 * runs, detail)
        tally.check(f"{flavour}, {schedule}: they are good ones", accepted == calls, detail)
        tally.check(f"{flavour}, {schedule}: the same in another process", counts[0] == counts[1], detail)


def test_corpus(tally, scratch, flavour):
    """Of two files libFuzzer keeps both, unless a lane was cut in one."""
    folder = scratch / "corpus"
    folder.mkdir()
    (folder / "harmless").write_text(HARMLESS, encoding="ascii")
    for repeat, kept in ((4, 2), (4096, 1)):
        (folder / "doubling").write_text(DOUBLING.format(repeat=repeat, schedule=ROUNDS), encoding="ascii")
        code, err, box = worker.run(scratch, "collections", flavour, "-runs=0", folder)
        found = re.search(r"INITED .* corp: (\d+)/", err)
        tally.check(f"{flavour}: {kept} of 2 scenarios are kept with {repeat} doublings",
                    code == 0 and box.scenarios >= 2 and found is not None and int(found.group(1)) == kept, f"exit {code}, {err[-400:]}")


def run(tally):
    for flavour in worker.FLAVOURS:
        for test in (test_replay, test_corpus):
            with ftf.Scratch("enough") as scratch:
                test(tally, scratch, flavour)


if __name__ == "__main__":
    ftf.run_alone(run)
