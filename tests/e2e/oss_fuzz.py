#!/usr/bin/env python3
"""The examples of ci/oss-fuzz, built and checked as OSS-Fuzz does, without Docker. Minutes for each sanitizer the first time.

    tests/e2e/oss_fuzz.py [--example stdlib|package]... [--sanitizer address|undefined|thread]... [--keep DIR]

It sets up what base-builder's `compile` sets up ($SRC $OUT $WORK, compilers, flags), with the last commit of this checkout as
$SRC/ftfuzz, runs build.sh, and applies what base-runner's bad_build_check and test_all look at: calls of each sanitizer in the
executable, edges, a start without a corpus, the seed corpus, options that libFuzzer and the runtimes know, limits of memory and time.
$OUT is checked where it has been moved to, read-only, by a user without rights, and where neither the cache nor the checkout can be
seen. The last line is `N passed, N failed`.
"""

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402
import moved  # noqa: E402

LLVM = os.environ.get("FTFUZZ_LLVM", "19")
# What infra/base-images/base-builder/Dockerfile gives to compile and link with.
SANITIZER_FLAGS = {"address": "-fsanitize=address -fsanitize-address-use-after-scope", "thread": "-fsanitize=thread",
                   "undefined": "-fsanitize=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,"
                                "returns-nonnull-attribute,shift,signed-integer-overflow,unsigned-integer-overflow,unreachable,vla-bound"}
COVERAGE_FLAGS = "-fsanitize=fuzzer-no-link"
CFLAGS = "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
# bad_build_check: the fewest and the most calls of each runtime in a build with a sanitizer.
CALLS = {"address": {"asan": (1000, None), "ubsan": (0, 200), "msan": (0, 3), "dfsan": (0, 0)},
         "undefined": {"asan": (0, 0), "ubsan": (168, None), "msan": (0, 3), "dfsan": (0, 0)},
         "thread": {"asan": (0, 0), "msan": (0, 3), "dfsan": (0, 0), "tsan": (1000, None)}}
EDGES_MIN = 100
RUNS_MIN = 4
LIMITS = ("-rss_limit_mb=2560", "-timeout=25")  # run_fuzzer's default


def environment(root, sanitizer):
    """base-builder's. The interpreters come from the cache of whoever runs this: they are named after their flags."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "FTFUZZ_CACHE", "PYTHON_SOURCE", "PIP_INDEX_URL", "PIP_CONFIG_FILE")
            if name in os.environ}
    flags = f"{CFLAGS} {SANITIZER_FLAGS[sanitizer]} {COVERAGE_FLAGS}"
    keep.setdefault("FTFUZZ_CACHE", str(Path.home() / ".cache" / "ftfuzz"))
    return {**keep, "SRC": str(root / "src"), "OUT": str(root / "out"), "WORK": str(root / "work"), "CC": f"clang-{LLVM}",
            "CXX": f"clang++-{LLVM}", "CFLAGS": flags, "CXXFLAGS": flags, "SANITIZER": sanitizer, "FUZZING_ENGINE": "libfuzzer",
            "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer", "ARCHITECTURE": "x86_64", "FUZZING_LANGUAGE": "c++"}


def build(tally, root, example, sanitizer):
    for name in ("src", "out", "work"):
        (root / name).mkdir(parents=True)
    subprocess.run(["git", "clone", "-q", ftf.ROOT, root / "src" / "ftfuzz"], check=True)
    script = root / "src" / "build.sh"
    shutil.copy(root / "src" / "ftfuzz" / "ci" / "oss-fuzz" / example / "build.sh", script)
    done = subprocess.run(["bash", "-eux", script], cwd=root / "src", env=environment(root, sanitizer), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return tally.check(f"{example} {sanitizer}: builds", done.returncode == 0, f"exit {done.returncode}: {done.stdout[-1500:]}")


def calls(target):
    """How often the code calls each runtime: what `objdump -dC | egrep -c` counts."""
    pattern = re.compile(r"callq?\s+[0-9a-f]+\s+<__(asan|ubsan|msan|dfsan|tsan)")
    counts = dict.fromkeys(("asan", "ubsan", "msan", "dfsan", "tsan"), 0)
    process = subprocess.Popen(["objdump", "-dC", target], stdout=subprocess.PIPE, text=True, errors="replace")
    for line in process.stdout:
        match = pattern.search(line)
        if match:
            counts[match.group(1)] += 1
    process.wait()
    return counts


def check_calls(tally, name, target, sanitizer):
    counts = calls(target)
    for runtime, (low, high) in CALLS[sanitizer].items():
        fine = counts[runtime] >= low and (high is None or counts[runtime] <= high)
        tally.check(f"{name}: {counts[runtime]} calls of {runtime}, at least {low}{'' if high is None else f', at most {high}'}", fine)


def check_start(tally, name, target):
    code, output = moved.run(target, "-seed=1337", f"-runs={RUNS_MIN}")
    edges = [int(number) for number in re.findall(r"INFO: Loaded \d+ module.*\(.*(?:counters|guards)\):\s+(\d+)", output)]
    tally.check(f"{name}: {edges} edges, at least {EDGES_MIN}", bool(edges) and edges[0] >= EDGES_MIN)
    tally.check(f"{name}: starts without a corpus", code == 0 and f"Done {RUNS_MIN} runs" in output
                and "no interesting inputs were found" not in output, f"exit {code}: {output[-800:]}")


def check_seeds(tally, name, target):
    archive = target.with_name(target.name + "_seed_corpus.zip")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
        os.chmod(folder, 0o755)
        seeds = len(packed.namelist())
        code, output = moved.run(target, *LIMITS, "-runs=0", folder)
    tally.check(f"{name}: the seed corpus of {seeds} runs", code == 0, f"exit {code}: {output[-800:]}")
    peak = re.search(r"rss: (\d+)Mb", output)
    tally.check(f"{name}: {peak.group(1) if peak else '?'} MiB, at most 2560", bool(peak) and int(peak.group(1)) < 2560)


def check_options(tally, name, target):
    options = configparser.ConfigParser()
    options.read(target.with_name(target.name + ".options"))
    _, help_text = moved.run(target, "-help=1")
    known = set(re.findall(r"^\s(\w+)\s+-?\d*\s", help_text, re.M)) | set(re.findall(r"^ (\w+)", help_text, re.M))
    unknown = [key for key in options["libfuzzer"] if key not in known]
    tally.check(f"{name}: libFuzzer knows its {len(options['libfuzzer'])} options", not unknown, ", ".join(unknown))
    env = {f"{tool.upper()}_OPTIONS": ":".join(["verbosity=1", *(f"{key}={value}" for key, value in options[tool].items())])
           for tool in ("asan", "ubsan") if tool in options}
    code, output = moved.run(target, *(f"-{key}={value}" for key, value in options["libfuzzer"].items()), "-seed=1337", f"-runs={RUNS_MIN}",
                       env=env)
    refused = re.findall(r"WARNING: found \d+ unrecognized flag.*|\s+Unrecognized.*", output)
    tally.check(f"{name}: the runtimes know theirs, and it runs with them", code == 0 and not refused,
                f"exit {code}: {refused} {output[-300:]}")


def check_all(tally, example, sanitizer, out):
    targets = sorted(file for file in out.iterdir() if file.is_file() and os.access(file, os.X_OK) and
                     b"LLVMFuzzerTestOneInput" in file.read_bytes())
    tally.check(f"{example} {sanitizer}: {len(targets)} targets", bool(targets))
    for target in targets:
        name = f"{example} {sanitizer} {target.name}"
        check_calls(tally, name, target, sanitizer)
        check_start(tally, name, target)
        check_seeds(tally, name, target)
        check_options(tally, name, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--example", action="append", choices=("stdlib", "package"))
    parser.add_argument("--sanitizer", action="append", choices=tuple(CALLS))
    parser.add_argument("--keep", type=Path, help="where $SRC, $OUT and $WORK stay; default: nowhere")
    arguments = parser.parse_args()
    tally = ftf.Tally()
    with ftf.Scratch("oss-fuzz") as scratch:
        for sanitizer in arguments.sanitizer or CALLS:
            for example in arguments.example or ("stdlib", "package"):
                root = (arguments.keep or scratch) / f"{example}-{sanitizer}"
                if build(tally, root, example, sanitizer):
                    with moved.Moved(root / "out") as out:
                        check_all(tally, example, sanitizer, out)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
