"""What a package's own tests know about its API: runs them once, watched, and proposes argument patterns, makes and seeds.

    harvest.py --catalog FILE --kinds FILE --helper DIR --work DIR [--path DIR]... [--target-file FILE.toml]
               -- COMMAND [ARGUMENT]...
    harvest.py --catalog FILE --accepted CATALOG --harvest FILE.toml --out FILE.toml

The first writes into DIR/result (of --work): harvest.toml ([[make]] and [[pattern]], as in a target file), seeds/*.ft, and
harvest.json with the figures. All are proposals: the seeds were tried here once, discovery tries the rest. The second writes down what
discovery accepted of a harvest and had not found by itself: CATALOG is what it learned with it, and --catalog without. Exit 0: done;
2: one line on standard error says why not.

Reading order: main; Watch (which callables to look at), run_tests (the environment in which recording.py finds itself), and what
proposals.py makes of the notes. The same notes give the same bytes: everything is counted and sorted, nothing depends on the
number of a process or on when it wrote.
"""

import json
import marshal
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))

# What the command's interpreters run first. Options such as -I leave it out; then nothing is recorded, which is no harm.
_SITECUSTOMIZE = '''
def _start(folder, here):
    import sys, types
    def load(name, shown):
        module = types.ModuleType(name)
        with open(folder + "/" + name + ".py", encoding="utf-8") as file:
            exec(compile(file.read(), shown, "exec"), vars(module))
        return module
    sys.path.insert(0, here)
    try:
        import _ftfuzz_recorder
    finally:
        sys.path.remove(here)
        sys.modules.pop("_ftfuzz_recorder", None)
    # Under this name, tracebacks and warnings leave out what is between an import statement and the module.
    recording = load("recording", "<frozen importlib._bootstrap_ftfuzz>")
    recording.install(folder, _ftfuzz_recorder, load("introspect", "<ftfuzz>").all_types)

def _chain():
    """The sitecustomize that would have been found without this one."""
    import sys, importlib.machinery, importlib.util
    own = %(hook)r
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [path for path in sys.path if path != own])
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

try:
    _start(%(folder)r, %(helper)r)
except Exception as error:
    import os
    with open(%(folder)r + "/records/error", "w") as file:
        file.write("%%s: %%s" %% (type(error).__name__, error))
_chain()
'''


class Refused(Exception):
    """Nothing can be harvested; the message is one line."""


class Watch:
    """The callables of a target that can be watched and may be called."""

    def __init__(self, catalog, module, parts):
        self.introspect, self.exclusions = parts["introspect"], parts["exclusions"]
        self.skipped = {row["name"] for row in catalog["skipped"]}
        self.name = catalog["import"]
        self.values = {}  # label -> object, for its signature
        self.types, self.constructors, self.functions, self.methods = {}, set(), [], set()
        self.natives = {path: sys.modules[path] for path in catalog["modules"] if path in sys.modules}
        homes = self.introspect.family(module, self.name, self.natives)
        offers = self.introspect.globals_of(module, self.name, self.natives)
        for text, value in offers:
            self.add_global(text, value)
        for cls in sorted(self.introspect.all_types(), key=lambda cls: (str(cls.__module__), cls.__qualname__)):
            if self.introspect.belongs(cls, homes) and self.introspect.is_native_type(cls):
                self.add_result_type(cls)
        for key, (label, cls) in list(self.types.items()):
            self.add_members(label, cls)

    def may_call(self, label, value, definer, owner=None):
        symbol = self.introspect.Symbol(label.rpartition(".")[2] if owner else label, value, "", None, True, definer)
        symbol.owner = label.rpartition(".")[0] if owner else None
        names = self.exclusions.names_of(symbol, self.name, owner)
        return label not in self.skipped and not self.exclusions.why(names)

    def add_global(self, text, value):
        if not self.introspect.is_native(value) or not self.may_call(text, value, value):
            return
        if isinstance(value, type):
            if self.introspect.why_no_type(value) is None:
                self.types[str(value.__module__), value.__qualname__] = (text, value)
                self.constructors.add(text)
                self.values[text] = value
        elif isinstance(value, self.introspect.types.BuiltinFunctionType):
            home = sys.modules.get(value.__module__)
            known = home is not None and vars(home).get(value.__name__) is value
            self.functions.append((value.__module__, value.__name__, text) if known else (self.name, text, text))
            self.values[text] = value

    def add_result_type(self, cls):
        """A type without a public name goes by its own, as in explore.py. Those of builtins are everywhere."""
        key = (str(cls.__module__), cls.__qualname__)
        if key[0] == "builtins" and self.name != "builtins":
            return
        taken = {label for label, _ in self.types.values()}
        name = cls.__name__ if cls.__name__ not in taken else "%s.%s" % (cls.__module__, cls.__name__)
        if key not in self.types and name not in self.skipped and not self.exclusions.why(["%s.%s" % (key[0], cls.__name__)]):
            self.types[key] = (name, cls)

    def add_members(self, label, cls):
        types = self.introspect.types
        methods, _, functions = self.introspect.members(self.introspect.TypeInfo(label, cls, True, 0))
        for name, value, definer in methods:
            full = "%s.%s" % (label, name)
            if isinstance(value, types.MethodDescriptorType) and self.may_call(full, value, definer, cls):
                self.methods.add((str(definer.__module__), definer.__qualname__, name))
                self.values[full] = value
        for name, value, definer in functions:
            full = "%s.%s" % (label, name)
            if isinstance(vars(definer).get(name), staticmethod) and self.may_call(full, value, definer, cls):
                self.functions.append((str(definer.__module__), "%s.%s" % (definer.__qualname__, name), full))
                self.values[full] = value

    def config(self):
        return {
            "types": {key: label for key, (label, _) in sorted(self.types.items())},
            "constructors": sorted(self.constructors),
            "methods": sorted(self.methods),
            "functions": sorted(self.functions),
            "natives": sorted({self.name, *self.natives, *(module for module, _ in self.types)}),
        }


def environment(options):
    """Like ours, but `python` is this interpreter, knows the target, and begins with the recorder."""
    import shlex

    tools, hook = os.path.join(options.work, "bin"), os.path.join(options.work, "hook")
    for folder in (tools, hook, os.path.join(options.work, "records")):
        os.mkdir(folder)
    for name in ("python", "python3"):  # no links: sys.executable is to be the real one
        _write(os.path.join(tools, name), '#!/bin/sh\nexec %s "$@"\n' % shlex.quote(sys.executable))
        os.chmod(os.path.join(tools, name), 0o755)
    text = _SITECUSTOMIZE % {"folder": options.work, "helper": options.helper, "hook": hook}
    _write(os.path.join(hook, "sitecustomize.py"), text)
    for name in ("recording.py", "introspect.py"):
        with open(os.path.join(_HERE, name), encoding="utf-8") as file:
            _write(os.path.join(options.work, name), file.read())
    result = dict(os.environ)
    result["PYTHONPATH"] = os.pathsep.join([hook, *options.path, *filter(None, [result.get("PYTHONPATH")])])
    result["PATH"] = os.pathsep.join([tools, os.path.dirname(sys.executable), result.get("PATH", os.defpath)])
    result.setdefault("PYTHONHASHSEED", "0")  # the same order of sets each time
    result.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    return result


def run_tests(options):
    """The exit status of the command, negative for a signal. Its output is a person's to see, and ours is data: it goes to stderr."""
    import signal
    import subprocess

    variables = environment(options)
    # Ctrl-C is for the tests; what they did until then is kept.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(options.command, env=variables, stdout=2, stdin=subprocess.DEVNULL,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    except OSError as error:
        raise Refused("cannot run %s: %s" % (options.command[0], error.strerror)) from None
    return process.wait()


def read_notes(folder):
    """The notes of all processes of the tests, in an order that says nothing about when they ran."""
    notes = []
    for name in os.listdir(folder):
        if name.endswith(".marshal"):
            with open(os.path.join(folder, name), "rb") as file:
                notes.append(file.read())
    return [marshal.loads(data) for data in sorted(notes)]


def why_nothing(options, target, status):
    path = os.path.join(options.work, "records", "error")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return "the recorder did not start in the tests' interpreter: %s" % file.read()
    return (
        "the tests (exit %d) called nothing of %s; run them as `python -m pytest ...` or `python -m unittest ...`, "
        "without -I, -E and -S, and make sure that they use the C implementation" % (status, target)
    )


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _arguments(argv):
    import argparse

    parser = argparse.ArgumentParser(prog="harvest.py")
    for name in ("catalog", "kinds", "helper", "work", "accepted", "harvest", "out", "target-file"):
        parser.add_argument("--" + name)
    parser.add_argument("--path", action="append", default=[])
    parser.add_argument("command", nargs="*")
    return parser.parse_args(argv)


def _load_siblings():
    sys.path.insert(0, _HERE)
    import siblings

    return siblings.load(_HERE, ("introspect", "exclusions", "language", "hints", "probe", "proposals", "targetfile"))


def _read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_accepted(options, parts):
    import tomllib

    with open(options.harvest, "rb") as file:
        rows = tomllib.load(file)
    kept = parts["proposals"].accepted(rows.get("make", []), rows.get("pattern", []), _read(options.catalog), _read(options.accepted))
    _write(options.out, "# Proposals of `ftfuzz harvest`: how the tests call it, and what was accepted. Keep what is worth it.\n\n"
           + parts["proposals"].toml(*kept))  # fmt: skip


def harvest(options, parts):
    import importlib
    import tempfile
    import warnings

    catalog, kinds = _read(options.catalog), _read(options.kinds)
    for name, extra in catalog["values"].items():
        kinds[name] = kinds[name] + extra
    warnings.simplefilter("ignore")
    sys.path[:0] = options.path
    module = importlib.import_module(catalog["import"])
    for name in catalog["modules"]:
        importlib.import_module(name)
    watch = Watch(catalog, module, parts)
    with open(os.path.join(options.work, "config.marshal"), "wb") as file:
        marshal.dump(watch.config(), file)
    status = run_tests(options)
    notes = read_notes(os.path.join(options.work, "records"))
    if not notes:
        raise Refused(why_nothing(options, catalog["target"], status))
    scratch = os.path.join(options.work, "scratch")
    os.mkdir(scratch)
    tempfile.tempdir = scratch
    prober = parts["probe"].Prober(parts["language"].World(module, watch.natives), scratch)
    try:
        private = {**os.environ, "": os.uname().nodename}
        exact = parts["targetfile"].load(options.target_file, kinds).exact if options.target_file else ()
        result = parts["proposals"].Proposals(notes, catalog, kinds, watch.values, private, prober, exact)
    finally:
        prober.close()
    folder = os.path.join(options.work, "result")
    os.makedirs(os.path.join(folder, "seeds"))
    _write(os.path.join(folder, "harvest.toml"), parts["proposals"].toml(result.makes, result.patterns))
    for name, text in result.seeds:
        _write(os.path.join(folder, "seeds", name + ".ft"), text)
    figures = {"status": status, "tests": len({tuple(test) for note in notes for test in note["tests"]}),
               "calls": sum(note["calls"] for note in notes), "callables": len(result.patterns_seen),
               "watched": len(watch.values), "patterns": len(result.patterns), "makes": len(result.makes)}  # fmt: skip
    _write(os.path.join(folder, "harvest.json"), json.dumps(figures) + "\n")


def main():
    options = _arguments(sys.argv[1:])
    parts = _load_siblings()
    try:
        write_accepted(options, parts) if options.accepted else harvest(options, parts)
    except Refused as error:
        print("ftfuzz: error: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
