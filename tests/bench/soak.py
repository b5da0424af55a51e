"""The part of the benchmark that takes its time: half an hour on each of three targets, in both flavours at once."""

import json
import os
import subprocess
import time
from pathlib import Path

import ftf
import measure

TARGETS = ("collections", "io", "struct")  # many crashes; files and buffers; few findings, so long-lived processes
SOAK_SECONDS, SOAK_SECONDS_QUICK = 1800, 20
CONFIRM = 60
RESUME_SECONDS = 10
SAMPLE_SECONDS = 2
SUPERVISOR_MIB = 256  # bounds: of the supervisor; of one worker, which is restarted above it
WORKER_MIB = 2560
CORPUS_FILES = 4096 + 256  # FTF_CORPUS_MAX and the seeds of a target

ABOUT_F = """\
Each target is fuzzed for {seconds} s with a worker of each flavour, then for {resume} s more in the same folder. No bug: exit
code 0 or 1, and no worker ended by our fault. Memory: the supervisor's resident set after a quarter of the time and its largest
(bound {supervisor} MiB); the largest of any process it started (bound {worker} MiB: a worker above it is restarted). Corpus: files in the
shared folder (bound {corpus}). Lost: findings of the summary that are not whole in the folder, or that the second campaign does not
list; records left in the spool."""


def resident_mib(pid):
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
    except (OSError, IndexError):
        return 0


def descendants(pid):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int((entry / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(entry.name))
            except (OSError, IndexError):
                continue
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


class Soak:
    """One campaign, watched."""

    def __init__(self, target, seconds, seed, out):
        self.target, self.seconds, self.seed, self.out = target, seconds, seed, out
        self.samples, self.worker_mib = [], 0
        self.process, self.summary = None, {}

    def arguments(self, seconds):
        return ["fuzz", self.target, "--time", seconds, "--confirm", CONFIRM, "--minimize", 0, "--seed", self.seed]

    def start(self):
        command = [str(ftf.FTFUZZ), *map(str, self.arguments(self.seconds)), "--json", "--out", str(self.out)]
        self.out.mkdir(parents=True)
        with (self.out / "summary.json").open("w") as file:  # no pipe: nobody reads it before the end, and it is large
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)

    def sample(self):
        self.samples.append(resident_mib(self.process.pid))
        self.worker_mib = max([self.worker_mib, *map(resident_mib, descendants(self.process.pid))])

    def finish(self):
        text = (self.out / "summary.json").read_text(encoding="utf-8")
        self.summary = json.loads(text) if text.startswith("{") else {}

    def lost(self):
        """What should be on disk and is not; then what a second campaign forgot."""
        folder = self.out / self.target
        missing = [f["id"] for f in ftf.findings(self.summary, None)
                   if not all((Path(f["folder"]) / name).is_file() for name in ("finding.json", "scenario.ft", "report.txt"))]
        spool = folder / "work" / "spool"
        missing += [path.name for path in spool.iterdir()] if spool.is_dir() else []
        again = measure.fuzz(*self.arguments(RESUME_SECONDS)[1:], out=self.out, timeout=RESUME_SECONDS + CONFIRM + 300)
        listed = {f["id"] for f in ftf.findings(again, None)} | {path.name for path in (folder / "findings").iterdir()}
        return missing + [f["id"] for f in ftf.findings(self.summary, None) if f["id"] not in listed]

    def disk_mib(self):
        return sum(path.lstat().st_blocks for path in self.out.rglob("*")) * 512 / 2**20

    def cells(self):
        s = self.summary
        quarter = self.samples[len(self.samples) // 4] if self.samples else 0
        good = self.process.returncode in (0, 1) and s.get("bugs") == 0
        corpus = sum(1 for _ in (self.out / self.target / "corpus").iterdir())
        return (self.target, "none" if good else f"exit {self.process.returncode}, {s.get('bugs', '?')} bugs", s.get("scenarios", 0),
                s.get("starts", 0), len(ftf.findings(s, None)), f"{quarter:.0f}", f"{max(self.samples, default=0):.0f}",
                f"{self.worker_mib:.0f}", f"{self.disk_mib():.0f}", corpus, len(self.lost()))


def part_f(settings, report):
    seconds = SOAK_SECONDS_QUICK if settings.quick else settings.soak
    report.text(f"## f. {seconds} s on three targets", "", ABOUT_F.format(
        seconds=seconds, resume=RESUME_SECONDS, supervisor=SUPERVISOR_MIB, worker=WORKER_MIB, corpus=CORPUS_FILES)
        + (" The targets run at the same time." if settings.together else ""))
    soaks = [Soak(target, seconds, settings.seeds[0], settings.folder()) for target in TARGETS]
    report.commands("Each target:", measure.command_line(*soaks[0].arguments(seconds), "--json"))
    report.table("target", "bugs of ours", "scenarios", "processes", "findings", "supervisor MiB at a quarter", "largest",
                 "largest worker MiB", "MiB on disk", "corpus files", "lost")
    for group in [soaks] if settings.together else [[soak] for soak in soaks]:
        for soak in group:
            soak.start()
        while any(soak.process.poll() is None for soak in group):
            for soak in group:
                soak.sample()
            time.sleep(SAMPLE_SECONDS)
        for soak in group:
            soak.finish()
            report.row(*soak.cells())


def estimate(settings):
    """Seconds that it takes, at least and at most."""
    seconds = SOAK_SECONDS_QUICK if settings.quick else settings.soak
    rounds = 1 if settings.together else len(TARGETS)
    return {"f": (rounds * seconds, rounds * (seconds + CONFIRM + 60))}
