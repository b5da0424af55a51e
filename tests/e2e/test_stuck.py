"""Scenarios that do not end: a deadlock of two locks, one in Python code, a hang, a call that goes round in a circle, and some that are
merely slow.

A report of a deadlock names for each lane its line, what it waits for, who has it, and both stacks. What is slow is no finding.
"""

import concurrent.futures
import re
from pathlib import Path

import ftf

DATA = Path(__file__).parent / "data"

OPPOSITE = """ftfuzz 1
target ck23_lock_order
setup
  a = Account(5)
  b = Account(5)
thread
  a.transfer(b, 1)
thread
  b.transfer(a, 2)
schedule pct seed=1 depth=3
"""

FULL_QUEUE = """ftfuzz 1
target queue
setup
  q = Queue(1)
thread
  q.put(1)
  q.put(2)
thread
  q.qsize()
schedule pct seed=1 depth=2
"""

NOTHING_TO_RECEIVE = """ftfuzz 1
target socket
setup
  p = socketpair()
  a = p[0]
thread
  a.recv(3)
thread
  a.fileno()
schedule pct seed=1 depth=2
"""

CIRCLE = """ftfuzz 1
target circle
setup
  r = Ring()
thread
  r.visit() * 8
thread
  r.visit() * 8
schedule pct seed=1 depth=3
"""

COUNTING = """ftfuzz 1
target builtins
setup
  r = range(%d)
thread
  max(r)
thread
  len(r)
schedule pct seed=1 depth=2
"""


def report_of(scratch, target, text, signature):
    """A campaign that begins with this scenario; the report of the finding that it stops at, and its folder."""
    corpus = scratch / Path(target).name / "corpus"
    corpus.mkdir(parents=True)
    (corpus / "first.ft").write_text(text)
    run = ftf.ftfuzz("fuzz", target, "--time", 40, "--flavour", "asan", "--jobs", 1, "--until-finding", signature, "--confirm", 3,
                     "--seed", 1, "--json", "--out", scratch, timeout=200)
    hit = ftf.wanted(run.json())
    return ((Path(hit["folder"]) / "report.txt").read_text(), hit["folder"]) if hit else (run.err, None)


def replayed(scratch, name, text, flavour="asan"):
    file = scratch / f"{name}.ft"
    file.write_text(text)
    result = ftf.ftfuzz("replay", file, "-n", 1, "--flavour", flavour, "--json", timeout=200)
    counts = result.json()
    return (counts[0] if counts else {"error": result.err}), result.seconds


def check_locks(tally, report):
    """Which scenario shows it first is chance: the one that the campaign begins with, or one that was made of it."""
    tally.check("a deadlock keeps its signature", "\nsignature  deadlock ck23_lock_order.c:lock_both\n" in report, report[-600:])
    pattern = r"^lane (\d) is blocked, in its line \d+: .*\.transfer\(.*\n    waits for mutex 0x[0-9a-f]+, which lane (\d) has$"
    blocked = re.findall(pattern, report, re.M)
    tally.check("two lanes: their lines, their mutexes", len(blocked) >= 2, report[-1500:])
    tally.check("and who has them: another lane", blocked and all(lane != other for lane, other in blocked), str(blocked))
    tally.check("and where it is in C", len(re.findall(r"^  > #\d+ +lock_both ", report, re.M)) >= 2, report[-1500:])


def check_python(tally, report):
    where = r"in Python:\n      File \".*/threading\.py\", line \d+ in wait\n      File \".*/queue\.py\", line \d+ in put\n"
    tally.check("a deadlock in Python code shows it", re.search(where, report), report[-1500:])
    tally.check("a lock of CPython has an address", re.search(r"waits for PyMutex, event or other CPython lock 0x", report), report[-1500:])
    tally.check("a lane that has ended is no part of it", "\nlane 1 has ended\n" in report, report[-1500:])


def check_circle(tally, report, folder):
    tally.check("a call that returned in the serial runs, and now does not, is a hang",
                "\nsignature  hang circle.c:walk\n" in report, report[-600:])
    counts = ftf.ftfuzz("replay", folder, "-n", 5, "--json", timeout=200).json() if folder else []
    tally.check("and replays", counts and counts[0]["k"] == 5, str(counts))


def slow_ones(scratch):
    """Campaigns whose lanes die of destroyed memory, often several of them at once: one that ends at the first finding, and some seconds
    more. How many scenarios were given up as slow, and how many findings there are."""
    common = ["fuzz", "ck16_freelist", "--flavour", "asan", "--jobs", 1, "--confirm", 0, "--seed", 11, "--json", "--out", scratch / "dying"]
    first = ftf.ftfuzz(*common, "--time", 90, "--until-finding", "any", timeout=200).json()
    second = ftf.ftfuzz(*common, "--time", 6, timeout=200).json()
    return first.get("slow", 0) + second.get("slow", 0), len(ftf.findings(first))


def run(tally):
    with ftf.Scratch("stuck") as scratch, concurrent.futures.ThreadPoolExecutor(7) as pool:
        for target in ("ck23_lock_order", "queue", "socket", "builtins", DATA / "circle"):
            ftf.ftfuzz("show", target)  # learnt once, before processes want it at the same time
        locks = pool.submit(report_of, scratch, "ck23_lock_order", OPPOSITE, "^deadlock")
        python = pool.submit(report_of, scratch, "queue", FULL_QUEUE, "^deadlock")
        hang = pool.submit(replayed, scratch, "hang", NOTHING_TO_RECEIVE)
        circle = pool.submit(report_of, scratch, DATA / "circle", CIRCLE, "^hang")
        dying = pool.submit(slow_ones, scratch)
        endless = pool.submit(replayed, scratch, "endless", COUNTING % 10**12)
        rounds = pool.submit(replayed, scratch, "rounds", COUNTING % (16 * 10**6))
        full = pool.submit(replayed, scratch, "full", FULL_QUEUE, "tsan")
        check_locks(tally, locks.result()[0])
        check_python(tally, python.result()[0])
        check_circle(tally, *circle.result())
        counts, _ = full.result()
        others = [other["id"] for other in counts.get("others", [])]
        tally.check("a deadlock is one under TSan, too", len(others) == 1 and others[0].startswith("deadlock-"), str(counts))
        slow, findings = dying.result()
        ok = slow == 0 and findings > 0
        tally.check("a lane that dies while another one is dying holds nothing up", ok, f"{slow} slow, {findings} found")
        counts, _ = hang.result()
        others = [other["id"] for other in counts.get("others", [])]
        tally.check("a lane that waits for nobody is a hang", len(others) == 1 and others[0].startswith("hang-"), str(counts))
        for name, future in (("one call that computes for ever", endless), ("rounds that take too long together", rounds)):
            counts, seconds = future.result()
            ok = counts.get("timeouts") == 1 and counts.get("others") == [] and seconds < 25
            tally.check(f"slow, and no finding: {name}", ok, f"{counts} after {seconds:.0f} s")


if __name__ == "__main__":
    ftf.run_alone(run)
