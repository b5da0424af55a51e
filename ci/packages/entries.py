"""From sources to importable folders, one for each flavour, kept in the cache under the name of all that went into them.

An entry is a folder `packages/built/<label>-<flavour>-<key>` with site/ (for sys.path), build.log and wheel.json (what is in
it). It is put together beside and renamed last, so an interrupted build never leaves one that looks finished.

The build requirements are installed as they come, without instrumentation: they run in the plain interpreter. Only what the
package's own build backend starts meets the stand-ins for compilers (`compiler`).
"""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import build
import build.env
import pyproject_hooks

import common
import inspection
import sources

COMPILER_NAMES = """cc gcc clang c++ g++ clang++ c99 gcc-12 g++-12 gcc-13 g++-13 gcc-14 g++-14 x86_64-linux-gnu-gcc
x86_64-linux-gnu-g++ aarch64-linux-gnu-gcc aarch64-linux-gnu-g++""".split()
SHOWN_LINES = 25


def ensure(source, settings, flavours, tool_key, jobs):
    """{flavour: entry folder}; builds what is missing."""
    key = common.fingerprint(tool_key, source.kind, source.digest, settings.key())
    entries = {flavour: common.KEPT / "built" / ("%s-%s-%s" % (source.label, flavour, key)) for flavour in flavours}
    with common.locked("%s-%s" % (source.label, key)):
        missing = [flavour for flavour in flavours if not (entries[flavour] / "wheel.json").exists()]
        if missing and source.kind == "wheel":
            _install_wheel(source, missing, entries)
        elif missing:
            _build(source, settings, missing, entries, jobs)
    return entries


def install(wheel, entry, flavour, log):
    """A wheel's files into a new entry."""
    work = pathlib.Path(tempfile.mkdtemp(dir=_made(common.CACHE / "work"), prefix="package."))
    try:
        common.pip("install", "--quiet", "--no-deps", "--no-compile", "--no-warn-script-location", "--target", work / "site", wheel)
        common.write_json(work / "wheel.json", inspection.describe(work / "site", flavour))
        if log is not None:
            shutil.copy(log, work / "build.log")
        _made(entry.parent)
        with contextlib.suppress(OSError):  # an entry that was left damaged
            shutil.rmtree(entry)
        os.rename(work, entry)
    except subprocess.CalledProcessError as error:
        raise common.Failed("%s cannot be installed: %s" % (wheel.name, common.pip_reason(error))) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _install_wheel(source, flavours, entries):
    for flavour in flavours:
        install(source.path, entries[flavour], flavour, None)


def _build(source, settings, flavours, entries, jobs):
    common.say("building %s (%s)" % (source.label, ", ".join(flavours)))
    with tempfile.TemporaryDirectory(dir=_made(common.CACHE / "work"), prefix="package.") as scratch:
        scratch = pathlib.Path(scratch)
        try:
            with build.env.DefaultIsolatedEnv() as environment:
                logs = {one: _log_of(entries[one]) for one in flavours}
                _install_requirements(environment, source, settings, scratch, logs[flavours[0]])
                with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as pool:
                    list(pool.map(lambda one: _build_one(environment, source, settings, one, entries, scratch, logs), flavours))
        except subprocess.CalledProcessError as error:
            output = error.stderr or error.output or b""
            text = output.decode(errors="replace") if isinstance(output, bytes) else output
            raise common.Failed("%s: its build requirements cannot be installed" % source.label, shown=text[-3000:]) from None
        except (build.BuildException, pyproject_hooks.HookMissing) as error:
            raise common.Failed("%s cannot be built: %s" % (source.label, str(error).split("\n")[0])) from None


def _log_of(entry):
    log = _made(common.LOGS) / ("package-%s.log" % entry.name)
    log.write_text("", encoding="utf-8")
    return log


def _install_requirements(environment, source, settings, scratch, log):
    """Into the isolated environment, before any stand-in for a compiler is in sight."""
    project = sources.unpack(source, _made(scratch / "requirements"))
    builder = _builder(environment, project, _runner(log, {}), source)
    environment.install(builder.build_system_requires)
    try:
        environment.install(builder.get_requires_for_build("wheel", settings.config))
    except build.BuildBackendException:
        raise _failure(source, "plain", log, None, settings) from None


def _builder(environment, project, runner, source):
    try:
        return build.ProjectBuilder.from_isolated_env(environment, project, runner=runner)
    except build.BuildException as error:
        raise common.Failed("%s: %s" % (source.label, error)) from None


def _runner(log, extra):
    """Runs a build backend's hook with its output in the log."""

    def run(command, cwd=None, extra_environ=None):
        environ = {**os.environ, **(extra_environ or {}), **extra}
        if "PATH" in extra:  # the isolated environment's own programs (cython, meson) come after our compilers
            environ["PATH"] = os.pathsep.join([extra["PATH"], (extra_environ or os.environ).get("PATH", os.environ["PATH"])])
        with open(log, "ab") as file:
            subprocess.run(command, cwd=cwd, env=environ, check=True, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    return run


def _build_one(environment, source, settings, flavour, entries, scratch, logs):
    work = _made(scratch / flavour)
    failures = work / "failures"
    failures.touch()
    project = sources.unpack(source, _made(work / "source"))
    builder = _builder(environment, project, _runner(logs[flavour], _environ(work, flavour, settings, failures)), source)
    try:
        wheel = pathlib.Path(builder.build("wheel", _made(work / "wheel"), settings.config))
    except build.BuildBackendException:
        raise _failure(source, flavour, logs[flavour], failures, settings) from None
    install(wheel, entries[flavour], flavour, logs[flavour])
    libraries = common.read_json(entries[flavour] / "wheel.json")["libraries"]
    if not libraries and failures.read_text(errors="replace"):
        # Optional extensions: the package comes as pure Python when its C code does not compile, and says so nowhere.
        shutil.rmtree(entries[flavour])
        raise _failure(source, flavour, logs[flavour], failures, settings)


def _environ(work, flavour, settings, failures):
    links = _made(work / "compilers")
    real = {name: os.environ["FTFUZZ_REAL_" + name] for name in ("CC", "CXX")}
    for name in [*COMPILER_NAMES, *(pathlib.Path(path).name for path in real.values())]:
        if not (links / name).exists():
            (links / name).symlink_to(pathlib.Path(__file__).with_name("compiler"))
    return {
        "PATH": os.fspath(links),
        "CC": os.fspath(links / "clang"),
        "CXX": os.fspath(links / "clang++"),
        "FTFUZZ_INJECT": os.environ["FTFUZZ_INJECT_" + flavour],
        "FTFUZZ_FAILURES": os.fspath(failures),
        # Programs that a configuration step compiles and runs carry the sanitizer; what it says of them is nobody's finding.
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": "report_bugs=0",
        "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count()),
        "TMPDIR": os.fspath(_made(work / "tmp")),
        **settings.env,
    }


def _failure(source, flavour, log, failures, settings):
    """The compiler's own words, then what to do."""
    compiler = _errors(failures.read_text(errors="replace")) if failures is not None else []
    lines = compiler or log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
    message = "building %s (%s) failed; the whole log is %s" % (source.label, flavour, log)
    headers = [line for line in compiler if "file not found" in line]
    if settings.system:
        message += "; it needs: apt-get install " + " ".join(settings.system)
    elif headers:
        message += "; a header is missing: install the development package that has it"
    return common.Failed(message, shown="\n".join(lines))


def _errors(text):
    """The first errors of the last command that had some; feature tests of configuration steps fail before it."""
    commands = [block for block in text.split("\n--- ") if "error:" in block]
    if not commands:
        return []
    lines = commands[-1].splitlines()[1:]
    first = next(number for number, line in enumerate(lines) if "error:" in line)
    return lines[max(0, first - 1) : first + SHOWN_LINES]
