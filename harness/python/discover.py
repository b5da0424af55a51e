"""Learns the API of a module and writes it down as a catalog (harness/scenario/catalog.h).

    discover.py --target NAME [--path DIR]... [--package MANIFEST.json] [--target-file FILE.toml] [--harvest FILE.toml]
                --kinds FILE --out CATALOG.json [--seconds N]

Exit 0: written. Exit 2: one line on standard error says why it cannot be. The module is imported in a child first,
so that even a crash at import ends in such a line. Standard library only; imports are late, since each of them is
something that the target finds already done.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_STAGE = "FTFUZZ_DISCOVER_STAGE"
IMPORT_SECONDS = 120


class Refused(Exception):
    """What the person asked for cannot be; the message is one line."""


def _arguments(argv):
    import argparse

    parser = argparse.ArgumentParser(prog="discover.py", description="Learns the API of a module.")
    parser.add_argument("--target", required=True, help="its name; the module to import, unless the file says another")
    parser.add_argument("--path", action="append", default=[], help="a folder to import from")
    parser.add_argument("--package", help="what ci/build-package says of it: which of its modules are native")
    parser.add_argument("--target-file", help="what cannot be learned (targets/README.md)")
    parser.add_argument("--harvest", help="proposals from the target's own tests (harvest.py)")
    parser.add_argument("--kinds", required=True, help="kinds.def, or the same as JSON: {kind: [sample, ...]}")
    parser.add_argument("--out", required=True, help="where the catalog goes")
    parser.add_argument("--seconds", type=float, default=600.0, help="callables not reached by then are left unknown")
    return parser.parse_args(argv)


def _again(stage, gil=None):
    """Starts over with a fixed hash seed and without what the user's environment sets for Python."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment.update({"PYTHONHASHSEED": "0", _STAGE: stage})
    if gil is not None:
        environment["PYTHON_GIL"] = gil
    os.execve(sys.executable, [sys.executable, "-B", "-s", "-P", os.path.abspath(__file__), *sys.argv[1:]], environment)


def _load_siblings():
    sys.path.insert(0, _HERE)
    import siblings

    return siblings.load(_HERE, ("explore", "language", "targetfile"))


def _read_kinds(path, language):
    import json

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise Refused("cannot read %s: %s" % (path, error.strerror)) from None
    if not text.lstrip().startswith("{"):
        return language.parse_kinds(text)
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused("%s is no JSON: %s" % (path, error)) from None


def _read_package(manifest):
    """{"native": [...], "version": ...}: what looking at the modules does not tell; all empty without a manifest."""
    import json

    if manifest is None:
        return {"native": [], "version": None, "requirement": ""}
    try:
        with open(manifest, encoding="utf-8") as file:
            content = json.load(file)
        return {key: content[key] for key in ("native", "version", "requirement")}
    except (OSError, ValueError, KeyError) as error:
        raise Refused("%s is no manifest of a package: %s" % (manifest, error)) from None


def _check_natives(name, natives):
    """A package may go on in Python alone when its extension cannot be loaded, and say so nowhere."""
    import importlib

    if not natives or any(native in sys.modules for native in natives):
        return
    reasons = []
    for native in natives:
        try:
            importlib.import_module(native)
        except Exception as error:
            reasons.append("%s: %s" % (native, " ".join(str(error).split())[:300]))
    because = ": " + "; ".join(reasons) if reasons else "; name the module to fuzz: SPEC:%s" % natives[0]
    raise Refused("importing %s loads none of its extension modules%s" % (name, because))


def _try_import(name):
    """Imports in a child; whether the GIL is on afterwards (None: an interpreter that always has one)."""
    import marshal
    import select

    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.write(writer, marshal.dumps(_import_report(name)))
        os._exit(0)
    os.close(writer)
    ready = select.select([reader], [], [], IMPORT_SECONDS)[0]
    data = os.read(reader, 65536) if ready else b""
    if not ready:
        import signal

        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(reader)
    if not ready:
        raise Refused("importing %s does not end within %d s" % (name, IMPORT_SECONDS))
    if not data:
        raise Refused("importing %s crashes: %s" % (name, _end_of(status)))
    error, gil = marshal.loads(data)
    if error:
        raise Refused(error)
    return gil


def _end_of(status):
    import signal

    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "exit(%d)" % os.WEXITSTATUS(status)


def _import_report(name):
    import importlib
    import warnings

    warnings.simplefilter("ignore")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            return ("there is no module %s to import; --path adds a folder to look in" % name, None)
        return ("importing %s fails: %s" % (name, error), None)
    except BaseException as error:
        text = " ".join(str(error).split())[:500]
        return ("importing %s fails: %s: %s" % (name, type(error).__name__, text), None)
    return ("", sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else None)


def _write(catalog, path):
    import json

    text = json.dumps(catalog, indent=1, ensure_ascii=True) + "\n"
    partial = "%s.%d" % (path, os.getpid())
    try:
        with open(partial, "w", encoding="ascii") as file:
            file.write(text)
        os.replace(partial, path)
    except OSError as error:
        raise Refused("cannot write %s: %s" % (path, error.strerror)) from None


def _run(options, parts):
    import importlib
    import warnings

    kinds = _read_kinds(options.kinds, parts["language"])
    settings = parts["targetfile"].TargetFile()
    if options.target_file:
        settings = parts["targetfile"].load(options.target_file, kinds)
    if options.harvest:
        proposals = parts["targetfile"].load(options.harvest, kinds)
        settings.proposed_makes, settings.proposed_patterns = proposals.makes, proposals.patterns
    name = settings.import_name or options.target
    sys.path[:0] = [os.path.abspath(folder) for folder in options.path]
    gil = {None: "n/a", False: "declared", True: "not-declared"}[_try_import(name)]
    if os.environ[_STAGE] == "gil-forced-off":
        gil = "not-declared"
    elif gil == "not-declared":
        _again("gil-forced-off", gil="0")
    warnings.simplefilter("ignore")
    module = importlib.import_module(name)
    for extra in settings.modules:
        try:
            importlib.import_module(extra)
        except ImportError as error:
            raise Refused("%s: modules: %s" % (options.target_file, error)) from None
    # The target goes by its own imports only; what this script loads late is loaded before trials begin.
    for late in ("inspect", "signal", "resource", "select", "pickle", "copy", "collections.abc", "tempfile"):
        importlib.import_module(late)
    package = _read_package(options.package)
    _check_natives(name, package["native"])
    explorer = parts["explore"].Explorer(options.target, name, module, settings, kinds, package, options.seconds)
    catalog = explorer.catalog(gil)
    _write(catalog, os.path.abspath(options.out))
    print(explorer.summary(), file=sys.stderr)


def main():
    if _STAGE not in os.environ:
        _again("first")
    options = _arguments(sys.argv[1:])
    parts = _load_siblings()
    try:
        _run(options, parts)
    except (Refused, parts["targetfile"].TargetFileError) as error:
        print("ftfuzz: error: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
