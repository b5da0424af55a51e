"""The parts of the benchmark that look for speed: what an empty scenario costs, calls against the raw limit, two workers against one."""

import os
import struct
import subprocess
from pathlib import Path

import ftf
import hammer
import measure
from measure import Ratio, Value, median, number

FLAVOURS = ("tsan", "asan")
ROUNDS = 6  # schedules of a scenario, unless it repeats itself: the worker's default
PCT = "pct seed=1 depth=3"
EMPTY = "ftfuzz 1\ntarget collections\nsetup\nthread\nthread\nfinish\nschedule {schedule}\n"
REPEATED = "ftfuzz 1\ntarget collections\nsetup\n  a = deque([1])\nthread\n  a.count(7) * 64\nthread\n  a.count(7) * 64\nfinish\n" \
           "schedule {schedule}\n"
REFUSED = "no scenario\n"  # what libFuzzer does for each input, and nothing else
RAW_CALLS = 2_000_000
SOLID = "struct"  # does not crash: with a module that does, part e would measure restarts
WORKERS_SECONDS, WORKERS_SECONDS_QUICK = 30, 5


# ---- d: fixed cost ----------------------------------------------------------------------------------------------------

ABOUT_D = """\
CPU time, medians of {seeds} runs. The worker is run directly, pinned to one CPU, on a file that libFuzzer executes again and again.
Starting is taken out (it is the difference between many executions and a tenth of them), and so is what libFuzzer itself does for each
input: what an input costs that is refused in its first line. Empty: two lanes without a line. Default: `schedule {pct}`, {rounds} runs."""


class Worker:
    """The worker of a flavour, run directly: libFuzzer runs one file so many times."""

    def __init__(self, flavour, settings):
        self.home = ftf.configured(f"FTFUZZ_PYTHON_{flavour.upper()}")
        self.program = ftf.ROOT / "build" / f"ftfuzz-worker-{flavour}"
        self.catalog = hammer.catalog_of("collections", settings.scratch)
        self.scratch = Path(settings.scratch)
        self.box = self.scratch / "box"
        self.cpu = min(os.sched_getaffinity(0))

    def command(self, text, runs, rounds=ROUNDS):
        path = self.scratch / "scenario.ft"
        path.write_text(text, encoding="ascii")
        return [str(self.program), f"--catalog={self.catalog}", f"--home={self.home}", f"--blackbox={self.box}", f"--cpu={self.cpu}",
                f"--rounds={rounds}", f"-runs={runs}", str(path)]

    def shown(self, command):
        """A command without the names of this machine."""
        text = " ".join(command)
        for path, word in ((self.home, "INTERPRETER"), (self.scratch, "SCRATCH"), (f"{ftf.ROOT}/", "")):
            text = text.replace(str(path), word)
        return text

    def run(self, text, runs, rounds=ROUNDS):
        """CPU seconds and the calls that the lanes made."""
        process = subprocess.Popen(self.command(text, runs, rounds), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        err = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode != 0:
            raise SystemExit(f"bench: the worker ended with {process.returncode}: {err[-300:]}")
        # harness/base/blackbox.h: 24 bytes of magic and small words, then scenarios, refused, runs, calls
        calls = struct.unpack_from("<4Q", self.box.read_bytes(), 24)[3]
        return usage.ru_utime + usage.ru_stime, calls

    def cost(self, text, runs, rounds=ROUNDS):
        """CPU seconds of one more scenario, and of one more call."""
        few, few_calls = self.run(text, runs // 10, rounds)
        many, calls = self.run(text, runs, rounds)
        return (many - few) / (runs - runs // 10), (many - few) / max(calls - few_calls, 1)


def middles(rows):
    """The median of each column."""
    return [sorted(column)[len(column) // 2] for column in zip(*rows)]


def part_d_costs(settings, report):
    report.text("## d. Fixed cost of a scenario, calls per second", "",
                ABOUT_D.format(seeds=len(settings.seeds), pct=PCT, rounds=ROUNDS))
    runs, example = settings.runs, Worker("tsan", settings)
    report.commands("The difference, divided by the executions, of",
                    *[example.shown(example.command(EMPTY.format(schedule="at"), n)) for n in (runs, runs // 10)])
    report.table("flavour", "refused input, us", "empty scenario, one run (`schedule at`), us", "empty scenario, default, us",
                 "the same for each run, us", "further run of a scenario, us")
    for flavour in FLAVOURS:
        worker, costs = Worker(flavour, settings), []
        for _ in settings.seeds:
            idle, _ = worker.cost(REFUSED, runs)
            at, _ = worker.cost(EMPTY.format(schedule="at"), runs)
            pct, _ = worker.cost(EMPTY.format(schedule=PCT), runs)
            two, _ = worker.cost(EMPTY.format(schedule=PCT), runs, rounds=2)
            costs.append([1e6 * c for c in (idle, at - idle, pct - idle, (pct - idle) / ROUNDS, (pct - two) / (ROUNDS - 2))])
        report.row(flavour, *[f"{cost:.1f}" for cost in middles(costs)])


def build_rawloop(flavour, folder):
    """The folder with rawloop.so: not instrumented, like any C code that calls the method."""
    prefix = Path(ftf.configured(f"FTFUZZ_PYTHON_{flavour.upper()}"))
    include = next(prefix.glob("include/python3*t/Python.h")).parent
    folder = Path(folder, f"raw-{flavour}")
    folder.mkdir(exist_ok=True)
    subprocess.run([ftf.configured("CMAKE_C_COMPILER"), "-std=gnu11", "-O2", "-shared", "-fPIC", "-isystem", str(include),
                    str(ftf.ROOT / "tests" / "bench" / "rawloop.c"), "-o", str(folder / "rawloop.so")], check=True)
    return folder


def raw_rate(flavour, folder):
    """Calls per CPU second of the bare loop."""
    code = f"import rawloop, collections; print(rawloop.run(collections.deque([1]).count, (7,), {RAW_CALLS}))"
    call = ["taskset", "-c", str(min(os.sched_getaffinity(0))), str(ftf.interpreter(flavour)), "-B", "-c", code]
    printed = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **hammer.reports.OPTIONS, "PYTHONPATH": str(folder)}).stdout
    return RAW_CALLS / float(printed)


def part_d_calls(settings, report):
    report.table("flavour", "`deque.count` in a scenario, 64-fold in two lanes, calls/s", "the same, one run (`schedule at`)",
                 "raw loop, calls/s", "raw loop / scenario")
    for flavour in FLAVOURS:
        worker, folder, rates = Worker(flavour, settings), build_rawloop(flavour, settings.scratch), []
        for _ in settings.seeds:
            _, pct = worker.cost(REPEATED.format(schedule=PCT), settings.runs // 5)
            _, at = worker.cost(REPEATED.format(schedule="at"), settings.runs)
            rates.append((1 / pct, 1 / at, raw_rate(flavour, folder)))
        pct, at, raw = middles(rates)
        report.row(flavour, number(pct), number(at), number(raw), f"{raw / pct:.1f}x")


def part_d(settings, report):
    part_d_costs(settings, report)
    part_d_calls(settings, report)


# ---- e: workers -------------------------------------------------------------------------------------------------------

ABOUT_E = """\
`{module}` for {seconds} s of wall time, medians over {seeds} seeds. Wall time depends on what else the machine does, so the scenarios
of each CPU second are printed, too: they say what the workers cost each other, the rate says what one gets."""


def part_e(settings, report):
    seconds = WORKERS_SECONDS_QUICK if settings.quick else WORKERS_SECONDS
    report.text("## e. Two workers against one", "", ABOUT_E.format(module=SOLID, seconds=seconds, seeds=len(settings.seeds)))
    common = [SOLID, "--time", seconds, "--confirm", 0]
    report.commands("Each figure comes from, with each seed, and with --jobs 2:",
                    measure.command_line("fuzz", *common, "--flavour", "tsan", "--jobs", 1, "--seed", settings.seeds[0], "--json"))
    report.table("flavour", "scenarios/s, one worker", "two", "ratio", "scenarios per CPU second, one worker", "two", "ratio")
    for flavour in FLAVOURS:
        wall, cpu = {1: [], 2: []}, {1: [], 2: []}
        for seed in settings.seeds:
            for jobs in (1, 2):
                summary = measure.fuzz(*common, "--flavour", flavour, "--jobs", jobs, "--seed", seed, out=settings.folder(),
                                       timeout=seconds + 300)
                wall[jobs].append(Value(summary.get("scenarios_per_second", 0)))
                cpu[jobs].append(Value(summary.get("scenarios", 0) / max(summary.get("cpu_seconds", 0), 0.01)))
        cells = []
        for rates in (wall, cpu):
            cells += [median(rates[1]), median(rates[2]), Ratio(median(rates[1]), median(rates[2]), 0.01)]
        report.row(flavour, *cells)


def estimate(settings):
    """Seconds that each part takes, at least and at most."""
    seeds = len(settings.seeds)
    seconds = WORKERS_SECONDS_QUICK if settings.quick else WORKERS_SECONDS
    costs = seeds * len(FLAVOURS) * settings.runs * 1e-3
    return {"d": (costs, costs * 3), "e": (seeds * 4 * (seconds + 1), seeds * 4 * (seconds + 5))}
