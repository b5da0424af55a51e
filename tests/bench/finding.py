"""The parts of the benchmark that look for bugs: canaries under three schedules, modules against the hammer, and what replays."""

import re

import canaries
import expect
import ftf
import hammer
import measure
from measure import Ratio, Value, geometric_mean, median

CPU_FLOOR = 0.01  # seconds: below that a ratio is one of clock ticks
FLAVOURS = ("tsan", "asan")
SCHEDULES = {
    "auto": ["--schedule", "auto"],
    "free": ["--schedule", "free"],
    "threads": ["--schedule", "free", "--no-delays"],
}
RIVALS = ("free", "threads")
GROUPS = (("all", FLAVOURS), ("tsan", ("tsan",)), ("asan", ("asan",)))


def wanted_canaries(pattern):
    """(canary, flavour) for each flavour that the canary's expectation names."""
    table = expect.load(ftf.ROOT / "targets" / "canaries")
    return [(canary, flavour) for canary in table if re.search(pattern, f"{canary.bug_class} {canary.module}")
            for flavour in FLAVOURS if any(flavour in a.flavours for a in canary.alternatives)]


# ---- a: canaries ------------------------------------------------------------------------------------------------------

ABOUT_A = """\
Medians over {seeds} seeds. `auto` is ftfuzz's default: its worker is pinned to one CPU, and one lane runs at a time. `free` runs the
same generated scenarios with free-running lanes that start together behind a barrier and tarry at some of their accesses; its worker
is not pinned, so that lanes really overlap. `threads` is that without the delays: what threads do that nobody disturbs. All have one
worker. CPU time is the workers' user and system time from the fork on, both cores added up; importing the module before the fork is
left out, for all. A run that has not found the bug after {cap} s of CPU time is cut off there: `>`; the ratio is then a lower bound. A
scenario of `auto` is run under several schedules, one of the others once, so CPU time is the fairer figure."""


def hunt_arguments(canary, flavour, schedule, seed, cap):
    alternatives = [a.to_json() for a in canary.alternatives if flavour in a.flavours]
    return [canary.module, "--flavour", flavour, "--jobs", 1, *SCHEDULES[schedule], "--seed", seed, "--cpu-time", cap,
            "--time", cap * 6 + 30, "--confirm", 0, "--until-finding", canaries.expected_regex({"expect": alternatives})]


class Hunt:
    """What the runs of one canary, flavour and schedule gave."""

    def __init__(self):
        self.scenarios, self.cpu, self.found = [], [], 0

    def add(self, summary, cap):
        hits = [f for f in summary.get("findings", []) if f.get("wanted")]
        if hits:  # one look at the spool may file several; the first to come ended the hunt
            self.scenarios.append(Value(min(f["after_scenarios"] for f in hits)))
            self.cpu.append(Value(min(f["after_cpu_seconds"] for f in hits)))
            self.found += 1
        else:
            self.scenarios.append(Value(max(summary.get("scenarios", 1), 1), cut=True))
            self.cpu.append(Value(summary.get("cpu_seconds", cap), cut=True))

    def found_of(self):
        return f"{self.found}/{len(self.cpu)}"


def hunt(settings, canary, flavour):
    """All schedules over all seeds, turn and turn about, so that what else the machine does meets both."""
    hunts = {schedule: Hunt() for schedule in SCHEDULES}
    for seed in settings.seeds:
        for schedule in SCHEDULES:
            arguments = hunt_arguments(canary, flavour, schedule, seed, settings.cap)
            summary = measure.fuzz(*arguments, out=settings.folder(), timeout=settings.cap * 6 + 300)
            hunts[schedule].add(summary, settings.cap)
    return hunts


def part_a(settings, report):
    pairs = wanted_canaries(settings.canaries)
    report.text("## a. Scenarios and CPU time until a planted bug is found", "",
                ABOUT_A.format(seeds=len(settings.seeds), cap=settings.cap))
    if pairs:
        report.commands("Each figure comes from, with each schedule and each seed:", measure.command_line(
            "fuzz", *hunt_arguments(*pairs[0], "auto", settings.seeds[0], settings.cap), "--json"))
    report.table("class", "canary", "flavour", *(f"found {s}" for s in SCHEDULES), *(f"scenarios {s}" for s in SCHEDULES), *RIVALS,
                 *(f"CPU s {s}" for s in SCHEDULES), *RIVALS)
    ratios = []
    for canary, flavour in pairs:
        hunts = hunt(settings, canary, flavour)
        scenarios = {s: median(hunts[s].scenarios) for s in SCHEDULES}
        cpu = {s: median(hunts[s].cpu) for s in SCHEDULES}
        row = {rival: (Ratio(scenarios["auto"], scenarios[rival], 1), Ratio(cpu["auto"], cpu[rival], CPU_FLOOR)) for rival in RIVALS}
        ratios.append((canary.module, flavour, row))
        report.row(canary.bug_class, canary.module, flavour, *(hunts[s].found_of() for s in SCHEDULES), *scenarios.values(),
                   *(row[r][0] for r in RIVALS), *cpu.values(), *(row[r][1] for r in RIVALS))
    goals = ("scenarios (goal 20x)", "CPU time (goal 10x)")
    report.table("geometric mean of the ratios", *(f"{goal} against {rival}" for rival in RIVALS for goal in goals))
    for name, flavours in GROUPS:
        rows = [row for _, flavour, row in ratios if flavour in flavours]
        report.row(name, *(geometric_mean([row[r][i] for row in rows]) for r in RIVALS for i in (0, 1)))
    for rival in RIVALS:
        slower = [f"{module} ({flavour}, {row[rival][1]})" for module, flavour, row in ratios
                  if row[rival][1].known and row[rival][1].value < 0.5]
        report.text(f"More than twice as slow as `{rival}` in CPU time: {', '.join(slower) or 'none'}.")


# ---- b: against the hammer --------------------------------------------------------------------------------------------

ABOUT_B = """\
Medians over {seeds} seeds of the number of different signatures (kind and the pair of innermost meaningful frames) that are blamed on
the module; what is CPython's own, or a known race of it, does not count. Both sides are named by the same code. ftfuzz: one worker,
pinned to one CPU, with the target file and the corpus of the tree. Hammer: eight threads on shared objects, not pinned, the same
interpreter. Its asan does not know who freed a buffer of Python's own allocators, which gives fewer pairs than ftfuzz's. Naming frames
is not counted as CPU time, neither the hammer's nor ftfuzz's. `both`: the union of what all seeds of both sides found; `only hammer`:
what no seed of ftfuzz found."""


def campaign_arguments(module, flavour, seed, cpu):
    return [module, "--flavour", flavour, "--jobs", 1, "--seed", seed, "--cpu-time", cpu, "--time", cpu * 6 + 30, "--confirm", 0]


def by_ftfuzz(settings, module, flavour, seed):
    arguments = campaign_arguments(module, flavour, seed, settings.cpu)
    summary = measure.fuzz(*arguments, out=settings.folder(), timeout=settings.cpu * 6 + 300)
    return {f["signature"] for f in ftf.findings(summary)}


def by_hammer(settings, module, flavour, seed):
    """The processes run one after the other, with both cores for their eight threads."""
    python = ftf.interpreter(flavour)
    tool = hammer.Hammer(module, flavour, python, seed=seed)
    found = list(tool.run(cpu_seconds=settings.cpu))
    return {signature for _, _, signature in hammer.blamed(found, hammer.catalog_of(module, settings.scratch), python)}


def part_b(settings, report):
    report.text(f"## b. Different signatures in {settings.cpu} s of CPU time, against a hammer", "",
                ABOUT_B.format(seeds=len(settings.seeds)))
    module, seed = settings.modules[0], settings.seeds[0]
    report.commands("Each figure comes from, with each seed and flavour:",
                    measure.command_line("fuzz", *campaign_arguments(module, "tsan", seed, settings.cpu), "--json"),
                    f"tests/bench/hammer.py --flavour tsan --modules {module} --seed {seed} --cpu-seconds {settings.cpu}")
    report.table("module", "flavour", "ftfuzz", "hammer", "ratio", "all seeds: ftfuzz", "hammer", "both", "only hammer")
    ratios, missed = [], []
    for module in settings.modules:
        for flavour in FLAVOURS:
            ours, theirs = [], []
            for seed in settings.seeds:
                ours.append(by_ftfuzz(settings, module, flavour, seed))
                theirs.append(by_hammer(settings, module, flavour, seed))
            mine, other = (median([Value(len(s)) for s in found]) for found in (ours, theirs))
            ratio = Ratio(other, mine, 1)
            ratios.append((flavour, ratio))
            all_ours, all_theirs = set().union(*ours), set().union(*theirs)
            missed += [f"{module}, {flavour}: `{signature}`" for signature in sorted(all_theirs - all_ours)]
            report.row(module, flavour, mine, other, ratio, len(all_ours), len(all_theirs), len(all_ours | all_theirs),
                       len(all_theirs - all_ours))
    report.text("Geometric mean of the ratios (none counts as one): " + "; ".join(
        f"{name} {geometric_mean([r for flavour, r in ratios if flavour in flavours])}" for name, flavours in GROUPS) + ".")
    if missed:
        report.text("Only the hammer found:", "", *[f"* {line}" for line in missed[:60]])


# ---- c: replay --------------------------------------------------------------------------------------------------------

ABOUT_C = """\
Each target is fuzzed for {time} s with a worker of each flavour; then its findings, the interpreter's included, are replayed 20 times
in fresh processes, for at most {confirm} s: all of them a few times first, then 20 times. The share is of those that had their 20
replays, or fewer of which none showed it; good: at least 19 of 20. None: finding.json says 0 of n. With steals: a lane had to be
interrupted in a call that ftfuzz does not know. As a sequence: earlier scenarios are part of the reproducer."""


class Replays:
    """The findings of one flavour and what their replays gave."""

    def __init__(self):
        self.findings, self.weak = [], []

    def add(self, target, finding):
        self.findings.append(finding)
        replay = finding.get("replay")
        if replay and (replay["k"] * 20 < replay["n"] * 19 or replay["steals"]):
            steals = f", up to {replay['steals']} steals" if replay["steals"] else ""
            self.weak.append(f"{target}, {finding['flavour']}: {ftf.rate(finding)}{steals}: `{finding['signature']}` [{finding['blame']}]")

    def cells(self):
        some = [f["replay"] for f in self.findings if f.get("replay")]
        tried = [r for r in some if r["n"] >= 20 or r["k"] == 0]
        good = sum(r["k"] * 20 >= r["n"] * 19 for r in tried)
        share = f"{100 * good / len(tried):.1f} %" if tried else "-"
        return (len(self.findings), len(some), sum(r["k"] == r["n"] for r in some), len(tried), good, share,
                *(sum(map(mark, some)) for mark in (lambda r: r["k"] == 0, lambda r: r["steals"] > 0, lambda r: r["sequence"] > 1)))


def part_c(settings, report):
    names = list(dict.fromkeys(canary.module for canary, _ in wanted_canaries(settings.canaries)))
    targets = [*settings.modules, *names]
    report.text("## c. Findings that replay", "", ABOUT_C.format(time=settings.replay_time, confirm=settings.confirm))
    arguments = [targets[0], "--time", settings.replay_time, "--confirm", settings.confirm, "--minimize", 0, "--seed", settings.seeds[0]]
    report.commands("Each target:", measure.command_line("fuzz", *arguments, "--json"))
    report.table("target", "flavour", "findings", "replayed", "always", "tried", "good", "share", "none", "with steals",
                 "as a sequence")
    total = {(kind, flavour): Replays() for kind in ("modules", "canaries") for flavour in FLAVOURS}
    for target in targets:
        arguments[0] = target
        summary = measure.fuzz(*arguments, out=settings.folder(), timeout=settings.replay_time + settings.confirm + 300)
        own = {flavour: Replays() for flavour in FLAVOURS}
        for finding in ftf.findings(summary, None):
            if finding["flavour"] in own:
                own[finding["flavour"]].add(target, finding)
                total["canaries" if target in names else "modules", finding["flavour"]].add(target, finding)
        for flavour in FLAVOURS:
            if own[flavour].findings:
                report.row(target, flavour, *own[flavour].cells())
    for (kind, flavour), replays in total.items():
        report.row(f"**all {kind}**", flavour, *replays.cells())
    weak = [line for replays in total.values() for line in replays.weak]
    if weak:
        report.text("Below 19 of 20, or with steals:", "", *[f"* {line}" for line in weak])


def estimate(settings):
    """Seconds that each part takes, at least and at most."""
    pairs, seeds, modules = len(wanted_canaries(settings.canaries)), len(settings.seeds), len(settings.modules)
    hunts = pairs * seeds * len(SCHEDULES)
    targets = modules + len({canary.module for canary, _ in wanted_canaries(settings.canaries)})
    campaigns = modules * seeds * len(FLAVOURS) * 2
    return {"a": (hunts * 1.5, hunts * (1.5 + settings.cap)),
            "b": (campaigns * settings.cpu * 0.7, campaigns * (settings.cpu * 1.2 + 3)),
            "c": (targets * (settings.replay_time + 5), targets * (settings.replay_time + settings.confirm + 5))}
