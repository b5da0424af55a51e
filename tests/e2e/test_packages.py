"""Packages with a build system of their own: built with instrumentation whatever they do, fuzzed, and refused in one line."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import ftf

PLANTED = Path(__file__).parent / "data" / "packages" / "planted"
BUILD = ftf.ROOT / "ci" / "build-package"


def build(*arguments):
    """ci/build-package: its result, and the manifest it printed the path of."""
    done = subprocess.run([str(BUILD), *map(str, arguments)], capture_output=True, text=True, check=False)
    manifest = json.loads(Path(done.stdout.strip()).read_text()) if done.returncode == 0 else None
    return done, manifest


def refused(tally, what, done, *words):
    """Exit 2, and the last line says what is wrong."""
    lines = done.stderr.strip().splitlines() or [""]
    tally.check(what, done.returncode == 2 and lines[-1].startswith("ftfuzz: error: "), f"exit {done.returncode}: {done.stderr[-600:]}")
    for word in words:
        tally.check(f"{what}: says {word}", word in done.stderr, done.stderr[-600:])


def changed(scratch, name, path, old, new):
    """A copy of the planted package with one text of one file replaced."""
    copy = scratch / name
    shutil.copytree(PLANTED, copy)
    text = (copy / path).read_text()
    assert old in text
    (copy / path).write_text(text.replace(old, new))
    return copy


def test_build(tally, scratch):
    done, manifest = build(PLANTED)
    tally.check("it is built", manifest is not None, done.stderr[-600:])
    if manifest is None:
        return
    tally.check("the module is the obvious one", manifest["module"] == "planted", manifest["module"])
    tally.check("both of its extensions are known", manifest["native"] == ["planted._latest", "planted._stubborn"], manifest["native"])
    for flavour in ("tsan", "asan"):
        libraries = manifest["builds"][flavour]["libraries"]
        tally.check(f"{flavour}: instrumented, also where the build is deaf to CC",
                    len(libraries) == 2 and all(one["instrumented"] for one in libraries), str(libraries))
    again, same = build(PLANTED)
    tally.check("a second time it comes from the cache", same == manifest and "building" not in again.stderr, again.stderr)
    other, changed_one = build("--flavour", "plain", changed(scratch, "changed", "src/planted/_stubborn.c", "twice(number)", "double"))
    tally.check("other sources are another build", changed_one is not None
                and changed_one["builds"]["plain"]["path"] != manifest["builds"]["plain"]["path"], other.stderr[-600:])


def test_build_systems(tally, scratch):
    """meson-python; setuptools with pybind11; scikit-build-core with nanobind; Cython: small projects that have no settings for us."""
    for project in sorted(PLANTED.parent.glob("with_*")):
        done, manifest = build("--flavour", "tsan", project)
        libraries = manifest["builds"]["tsan"]["libraries"] if manifest else []
        tally.check(f"{project.name}: built and instrumented", bool(libraries) and all(one["instrumented"] for one in libraries),
                    done.stderr[-600:])


def test_fuzz(tally, scratch):
    run = ftf.ftfuzz("fuzz", PLANTED, "--time", 60, "--until-finding", "_latest.c:latest_publish", "--json", "--seed", 1, "--out", scratch)
    hit = ftf.wanted(run.json())
    tally.check("the planted bug is found", hit is not None, run.err[-600:])
    if hit is not None:
        tally.check("it is the extension's, and replays", hit["blame"] == "extension" and ftf.rate(hit) == "20/20", str(hit))


def test_replay(tally, scratch):
    """A scenario knows the module's name only; --target says which package that is."""
    seed, other = scratch / "seed.ft", scratch / "other.ft"
    lines = "setup\n  a = Latest()\nthread\n  a.publish(\"x\")\nthread\n  a.get()\nschedule pct seed=1 depth=2\n"
    seed.write_text(f"ftfuzz 1\ntarget planted\n{lines}")
    other.write_text(f"ftfuzz 1\ntarget array\n{lines}")
    options = ["-n", 1, "--jobs", 1, "--flavour", "tsan", "--json"]
    run = ftf.ftfuzz("replay", seed, "--target", PLANTED, *options)
    counts = run.json()
    tally.check("a scenario of a package is replayed with --target", run.code in (0, 1) and counts and counts[0]["broken"] == 0, run.err)
    run = ftf.ftfuzz("replay", other, "--target", PLANTED, *options)
    tally.check("one of another module is refused", run.code == 2 and "planted" in run.error() and "array" in run.error(), run.err)
    run = ftf.ftfuzz("replay", "--all", scratch, "--target", PLANTED)
    tally.check("--target with --all is refused", run.code == 2 and "--all" in run.error(), run.err)


def test_wheel(tally, scratch):
    source = shutil.copytree(PLANTED, scratch / "source")
    subprocess.run([ftf.interpreter("plain"), "-m", "pip", "wheel", "-q", "--no-deps", "-w", scratch, source], check=True,
                   capture_output=True)
    wheel = next(scratch.glob("*.whl"))
    run = ftf.ftfuzz("fuzz", wheel, "--time", 60, "--until-finding", "any", "--confirm", 10, "--seed", 1, "--out", scratch / "out")
    tally.check("a wheel's crash is found", run.code == 1, f"exit {run.code}: {run.err[-600:]}")
    tally.check("what cannot be seen is said", "not instrumented" in run.err and "What cannot: data races" in run.err, run.err[:600])
    run = ftf.ftfuzz("fuzz", wheel, "--time", 1, "--flavour", "tsan", "--out", scratch / "out")
    tally.check("ThreadSanitizer on a wheel is refused", run.code == 2 and "sdist" in run.error(), run.err[-300:])


def test_refusals(tally, scratch):
    broken = changed(scratch, "broken", "src/planted/_latest.c", "record, Py_NewRef(message));", "record, Py_NewRef(message))")
    done, _ = build("--flavour", "tsan", broken)
    refused(tally, "a compiler error", done, "_latest.c:22:", "error: ", "the whole log is ")
    log = re.search(r"the whole log is (\S+)", done.stderr)
    tally.check("its log is there", log is not None and Path(log.group(1)).exists(), done.stderr[-300:])
    pure = changed(scratch, "pure", "setup.py", "ext_modules=[", "ext_modules=[][:0] and [")
    refused(tally, "a package without an extension", build(pure)[0], "written in Python alone")
    optional = changed(scratch, "optional", "src/planted/_latest.c", "#include <Python.h>", "#include <no_such_header.h>")
    text = (optional / "setup.py").read_text()
    text = text.replace("_latest.c\"])", "_latest.c\"], optional=True)").replace("planted._stubborn", "planted._no_such", 1)
    (optional / "setup.py").write_text(text.replace('        Extension("planted._stubborn", ["src/planted/_stubborn.c"]),\n', ""))
    refused(tally, "an optional extension that did not compile", build(optional)[0], "no_such_header.h", "a header is missing")
    refused(tally, "a version that does not exist", build("setuptools==0.0.0.1")[0], "setuptools")
    refused(tally, "no requirement at all", build("multidict==")[0], "no requirement")
    refused(tally, "a file that is no package", build(Path(__file__))[0], "neither a wheel")


def run(tally):
    for test in (test_build, test_build_systems, test_fuzz, test_replay, test_wheel, test_refusals):
        with ftf.Scratch("packages") as scratch:
            test(tally, scratch)


if __name__ == "__main__":
    ftf.run_alone(run)
