"""What all parts of the benchmark need: medians of values that may be cut off, ratios of them, and the report that grows as they come."""

import math
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import ftf


class Value:
    """A measured value; cut: it is at least that much, the run was ended there."""

    def __init__(self, value, cut=False):
        self.value, self.cut = value, cut

    def __str__(self):
        return (">" if self.cut else "") + number(self.value)


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    if value >= 1e4:
        return f"{value / 1e3:.3g} k"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def median(values):
    """The middle one, of an even number the larger of the two. What was cut off counts as larger than what was not."""
    ordered = sorted(values, key=lambda v: (v.cut, v.value))
    return ordered[len(ordered) // 2]


class Ratio:
    """How many times a is in b. A cut b makes it a lower bound, a cut a an upper one; with both cut nothing is known."""

    def __init__(self, a, b, floor):
        self.known = not (a.cut and b.cut)
        self.value = max(b.value, floor) / max(a.value, floor)
        self.sign = "" if a.cut == b.cut else ">" if b.cut else "<"

    def __str__(self):
        return f"{self.sign}{number(self.value)}x" if self.known else "?"


def geometric_mean(ratios):
    """Of the known ones: its text, of how many, and how many of them are bounds only."""
    known = [r for r in ratios if r.known]
    if not known:
        return "-"
    mean = math.exp(sum(math.log(r.value) for r in known) / len(known))
    bounds = [f"{sum(r.sign == sign for r in known)} {name} bounds" for sign, name in ((">", "lower"), ("<", "upper"))
              if any(r.sign == sign for r in known)]
    return f"{number(mean)}x over {len(known)}" + (f" ({', '.join(bounds)})" if bounds else "")


class Report:
    """A Markdown file that is whole after each row, so that whoever stops the run keeps what was measured."""

    def __init__(self, path):
        self.path, self.blocks = Path(path), []
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def text(self, *lines):
        self.blocks.append(list(lines))
        print("", *lines, "", sep="\n", flush=True)
        self._write()

    def commands(self, title, *commands):
        self.text(title, "", "```", *commands, "```")

    def table(self, *headings):
        """Begins a table; row() adds to it."""
        self.blocks.append([])
        self.row(*headings)
        self.row(*["---"] * len(headings))

    def row(self, *cells):
        line = "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
        self.blocks[-1].append(line)
        print(line, flush=True)
        self._write()

    def _write(self):
        aside = self.path.with_name(self.path.name + ".new")
        aside.write_text("\n\n".join("\n".join(block) for block in self.blocks) + "\n", encoding="utf-8")
        aside.replace(self.path)


def command_line(*arguments):
    """As a person would type it in the root of the tree."""
    return shlex.join(["build/ftfuzz", *map(str, arguments)])


def fuzz(*arguments, out, timeout):
    """The summary of a campaign, {} when there is none; an error is said."""
    result = ftf.ftfuzz("fuzz", *arguments, "--json", "--out", out, timeout=timeout)
    summary = result.json()
    if not summary or result.code == 3:
        print(f"bench: exit {result.code} of {command_line('fuzz', *arguments)}: {result.error() or result.err[-300:]}", file=sys.stderr)
    return summary


def git(*arguments):
    result = subprocess.run(["git", "-C", str(ftf.ROOT), *arguments], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def environment():
    """Rows of what the figures depend on."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    cache = (ftf.ROOT / "build" / "CMakeCache.txt").read_text()
    python = re.search(r"^FTFUZZ_PYTHON_TSAN:\w+=.*/(\d[\w.]*)", cache, re.M)
    llvm = re.search(r"^FTFUZZ_LLVM:\w+=(\d+)", cache, re.M)
    dirty = git("status", "--porcelain", "--untracked-files=no")
    return [
        ("commit", git("rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if dirty not in ("", "unknown") else "")),
        ("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("CPU", f"{cpu.group(1) if cpu else platform.machine()}, {len(os.sched_getaffinity(0))} usable"),
        ("load average at the start", " ".join(f"{load:.2f}" for load in os.getloadavg())),
        ("system", f"Linux {platform.release()}"),
        ("CPython, clang", f"{python.group(1) if python else '?'} free-threaded, {llvm.group(1) if llvm else '?'}"),
    ]
