"""Does it pay to go without the GIL? Calls a second of a module's own operations with the GIL and without, in one thread and in
several, each thread with objects of its own and all on the same ones.

    pays.py --catalog C.json --library DIR --kinds K.json [--path DIR] [--seeds DIR] --seconds S --threads N --out PAYS.json

What is called comes from the catalog (accepted calls, operators, attributes) and from reviewed scenarios. DIR of --library holds
the scripts of harness/python. The document is described in harness/cli/pays.h.

Two interpreters, one with the GIL and one without, stay from the first operation to the last and take turns, so that what else the
machine does meets both. Each is a process that may crash or hang: it is started anew then, and the operation is left out and named.
An operation counts only when it returned every time it was tried.
"""

import ctypes
import json
import os
import re
import select
import statistics
import subprocess
import sys
import threading
import time

SLOT = 0.012  # seconds that one measurement in one thread is to take
ALTERNATIONS = (3, 9)  # of each operation: at least, and at most
SHARES = 16  # an operation gets one of so many of the time; those that are quick get less
REPLY_SECONDS = 1.5  # for one measurement; whatever takes longer hangs, or is of no use here
START_SECONDS = 30.0
CALLS_MAX = 200_000  # of one operation in one measurement: some fill something up
GROWTH_MAX = 4.0  # a call that takes so many times longer after many others is measured by how many they were
FAILED_MAX = 40  # that are named
LIBC, PR_SET_PDEATHSIG, SIGKILL = ctypes.CDLL(None), 1, 9
BUSY = 0.8  # of a CPU for each thread without the GIL: with less, ratios to one thread mean little
MEMORY = 8 << 30  # bytes of address space


# ---- operations -------------------------------------------------------------------------------------------------------


def operation(name, source, setup, line):
    return {"name": name, "from": source, "setup": setup, "line": line}


def _pattern_call(catalog, vocabulary, calls, callable_):
    """The operation of one callable, by the best of its accepted calls; None when it has none that returned."""
    owner, name = callable_["owner"], callable_["name"]
    for pattern in callable_["patterns"]:
        arguments = [(None, d) for d in pattern["args"]] + sorted(pattern["kwargs"].items())
        if pattern["score"] < 3 or any(vocabulary.samples(d) == 0 for _, d in arguments):
            continue
        setup = calls.instance(vocabulary.types[owner].makes[0], "o") if owner else []
        texts = []
        for place, (keyword, descriptor) in enumerate(arguments):
            before, text = vocabulary.text((descriptor, 0), place)
            setup = setup + before
            texts.append("%s=%s" % (keyword, text) if keyword else text)
        line = "%s%s(%s)" % ("o." if owner else "", name, ", ".join(texts))
        return operation("%s.%s" % (owner, name) if owner else name, "catalog", setup, line)
    return None


def _operator_line(vocabulary, row):
    """The line of one operator on `o`, and what it is called on a type; None when it takes what is not at hand."""
    def sample(descriptors):
        plain = [d for d in descriptors if not d.startswith("@") and vocabulary.samples(d)]
        return vocabulary.text((plain[0], 0), 0)[1] if plain else None

    symbol, right = row["op"], sample(row.get("args", []))
    if symbol in ("-x", "~x"):
        return symbol.replace("x", "o"), symbol.replace("x", "%s")
    if right is None:
        return None
    if symbol == "[]":
        return "o[%s]" % right, "%s[k]"
    if symbol == "[]=":
        value = sample(row.get("values", []))
        return None if value is None else ("o[%s] = %s" % (right, value), "%s[k] = v")
    if symbol == "in":
        return "%s in o" % right, "x in %s"
    return None if symbol == "del[]" or symbol.endswith("=") and symbol[0] not in "=!<>" else \
        ("o %s %s" % (symbol, right), "%%s %s x" % symbol.replace("%", "%%"))


def _of_type(catalog, vocabulary, calls, type_):
    """The operations of one type, its own native methods first."""
    name = type_["name"]
    make = calls.instance(type_["make"][0], "o")
    own = [c for c in catalog["callables"] if c["owner"] == name]
    own.sort(key=lambda c: (not c["native"], c["name"].startswith("__"), c["name"]))
    found = [_pattern_call(catalog, vocabulary, calls, c) for c in own]
    for row in catalog["operators"]:
        line = _operator_line(vocabulary, row) if row["owner"] == name else None
        if line:
            found.append(operation(line[1] % name, "catalog", make, line[0]))
    for trait, function in (("sized", "len"), ("iterable", "iter")):
        if trait in type_["traits"]:
            found.append(operation("%s(%s)" % (function, name), "catalog", make, "%s(o)" % function))
    found += [operation("%s.%s (get)" % (name, a["name"]), "catalog", make, "o.%s" % a["name"])
              for a in catalog["attributes"] if a["owner"] == name]
    return [one for one in found if one]


def from_catalog(catalog, kinds, calls):
    """In turn one of each type and one function, those first that people name: how many there is time for is not known."""
    class Made:
        def __init__(self, makes):
            self.makes = makes

    kinds = {**kinds, **{kind: samples + kinds.get(kind, []) for kind, samples in catalog["values"].items()}}
    types = {t["name"]: t for t in catalog["types"] if t["make"]}
    vocabulary = calls.Vocabulary(kinds, {name: Made(t["make"]) for name, t in types.items()})
    order = sorted(types, key=lambda name: (name not in catalog["share"], name))
    groups = [_of_type(catalog, vocabulary, calls, types[name]) for name in order if types[name]["public"]]
    others = [_of_type(catalog, vocabulary, calls, types[name]) for name in order if not types[name]["public"]]
    functions = [c for c in catalog["callables"] if not c["owner"] and c["patterns"]]
    functions.sort(key=lambda c: (not c["native"], c["name"]))
    groups.append([one for one in (_pattern_call(catalog, vocabulary, calls, c) for c in functions) if one])
    return _in_turn(groups) + _in_turn(others)


def _in_turn(groups):
    longest = max(map(len, groups), default=0)
    return [group[i] for i in range(longest) for group in groups if i < len(group)]


def from_seed(text, stem):
    """The lines of a scenario's lanes that need nothing but what its setup makes."""
    setup, found, section, own = [], [], "", set()
    for raw in text.splitlines():
        line = raw.strip()
        if not raw.startswith(" "):
            section = line.split(" ")[0] if line else section
        elif section == "setup" and line and not line.startswith("#"):
            setup.append(line)
        elif section == "thread" and line and not line.startswith(("#", "del ", "with ", "gc.")):
            line = re.sub(r" \* \d+$", "", line)
            kept = re.match(r"^([A-Za-z_]\w*) = (.*)$", line)
            own.update(kept.groups()[:1] if kept else ())
            line = kept.group(2) if kept else line
            if not own.intersection(re.findall(r"\w+", line)):
                found.append(operation("%s  [%s]" % (line, stem), "seed", setup, line))
    return found


def from_seeds(folder):
    groups = []
    for name in sorted(os.listdir(folder)) if folder and os.path.isdir(folder) else []:
        if name.endswith(".ft"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                groups.append(from_seed(file.read(), name[:-3]))
    return _in_turn(groups)


def all_operations(catalog, kinds, calls, seeds):
    """Each line once, however often it is written."""
    unique = {}
    for one in _in_turn([from_catalog(catalog, kinds, calls), from_seeds(seeds)]):
        unique.setdefault((tuple(one["setup"]), one["line"]), one)
    return list(unique.values())


# ---- in the interpreter that is measured ------------------------------------------------------------------------------


def load_library(folder):
    """Scripts of harness/python."""
    sys.path.insert(0, folder)
    import siblings

    return siblings.load(folder, ("language", "calls"))


class Loop:
    """An operation as a function that repeats it."""

    def __init__(self, world, language, one):
        self.world, self.setup = world, one["setup"]
        slots = []
        for line in self.setup:
            assign = re.match(r"^([A-Za-z_]\w*) = ", line)
            if assign and assign.group(1) not in slots:
                slots.append(assign.group(1))
        text = "def loop(times, %s):\n    for _ in range(times):\n        %s\n" % (
            ", ".join(slots) or "nothing=None", language.to_python(one["line"]))
        names = {}
        exec(compile(text, "<operation>", "exec"), names)
        self.function, self.slots = names["loop"], slots
        for name in self.function.__code__.co_names:
            try:
                names[name] = world.lookup(name)
            except NameError:
                pass  # an attribute

    def objects(self, language):
        names = language.Names(self.world)
        self.world.execute(self.setup, names, [0])
        return [names.slots[slot] for slot in self.slots]


def measure(loop, language, times, threads, shared):
    """(seconds from the first thread's start to the last one's end, CPUs it had on average); raises what the operation raises."""
    common = loop.objects(language) if shared else None
    spans, errors = [None] * threads, []
    ready = threading.Barrier(threads)

    def work(index):
        try:
            objects = common if shared else loop.objects(language)  # made by the thread that uses them
            ready.wait()
            start, used = time.perf_counter(), time.thread_time()
            loop.function(times, *objects)
            spans[index] = (start, time.perf_counter(), time.thread_time() - used)
        except BaseException as error:
            errors.append(error)
            ready.abort()

    workers = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    real = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    if errors:
        raise (real or errors)[0]
    taken = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
    return taken, sum(used for _, _, used in spans) / taken


def calibrate(loop, language):
    """How many calls take SLOT seconds in one thread."""
    times, taken = 1, measure(loop, language, 1, 1, False)[0]
    while taken < SLOT / 4 and times < CALLS_MAX:
        times *= 4
        taken = measure(loop, language, times, 1, False)[0]
    each = taken / times
    times = max(1, min(int(SLOT / each), CALLS_MAX))
    again = measure(loop, language, times, 1, False)[0] / times
    if again > GROWTH_MAX * each and again * times > 4 * SLOT:
        raise RuntimeError("each call takes longer than the one before")
    return times


def serve(catalog_path, library, path):
    """Answers requests, one JSON document a line, until there are none."""
    import gc
    import importlib
    import resource
    import warnings

    parts = load_library(library)
    language = parts["language"]
    with open(catalog_path, encoding="utf-8") as file:
        catalog = json.load(file)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the target prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    if path:
        sys.path.insert(0, path)
    target = importlib.import_module(catalog["import"])
    for name in catalog["modules"]:
        importlib.import_module(name)
    world = language.World(target, catalog["modules"])
    print(json.dumps({"gil": sys._is_gil_enabled()}), file=answers, flush=True)
    gc.disable()
    loops = {}
    for request in sys.stdin:
        request = json.loads(request)
        try:
            key = json.dumps(request["operation"])
            loop = loops.get(key) or loops.setdefault(key, Loop(world, language, request["operation"]))
            if request["times"] == 0:
                answer = {"answer": calibrate(loop, language)}
            else:
                answer = {"answer": measure(loop, language, request["times"], request["threads"], request["shared"])}
        except BaseException as error:
            answer = {"error": ("%s: %s" % (type(error).__name__, " ".join(str(error).split())))[:200].rstrip(": ")}
        print(json.dumps(answer), file=answers, flush=True)
        if len(loops) > 1:
            loops.pop(next(iter(loops)))
        gc.collect()


# ---- who measures -----------------------------------------------------------------------------------------------------


class Broken(Exception):
    """The interpreter crashed or hung, or the operation raised; the message says how."""


class Interpreter:
    """A process that serves; started when it is asked something."""

    def __init__(self, gil, arguments):
        self.gil, self.arguments, self.process = gil, arguments, None

    def start(self):
        environment = {**os.environ, "PYTHON_GIL": "1" if self.gil else "0"}
        command = [sys.executable, "-B", "-s", "-P", os.path.abspath(__file__), "--serve", *self.arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment, preexec_fn=self._die_with_parent)
        if self._answer(START_SECONDS).get("gil") != self.gil:
            raise Broken("the GIL cannot be switched %s" % ("on" if self.gil else "off"))

    @staticmethod
    def _die_with_parent():
        """Runs in the child before it becomes another program: an operation that hangs must not outlive us."""
        LIBC.prctl(PR_SET_PDEATHSIG, SIGKILL)

    def ask(self, one, times, threads=1, shared=False):
        if self.process is None:
            self.start()
        request = {"operation": {"setup": one["setup"], "line": one["line"]}, "times": times, "threads": threads, "shared": shared}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it is gone, which the answer says
        answer = self._answer(REPLY_SECONDS)
        if "error" in answer:
            raise Broken(answer["error"])
        return answer["answer"]

    def _answer(self, patience):
        ready = select.select([self.process.stdout], [], [], patience)[0]
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        code = self.process.poll() if not ready else self.process.wait()
        self.end()
        raise Broken("it did not end in %g s" % patience if code is None else _end_of(code))

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                try:
                    pipe.close()
                except OSError:
                    pass
            self.process = None


def _end_of(code):
    import signal

    return "it ended with %s" % (signal.Signals(-code).name if code < 0 else "exit %d" % code)


def figures_of(one, interpreters, threads, deadline, share):
    """The medians of one operation; None when there was no time for the fewest alternations. Raises Broken, but for objects that
    are shared: what is not safe crashes there, and is worth measuring otherwise."""
    start = time.monotonic()
    times = interpreters[False].ask(one, 0)
    ways = [("one", 1, False), ("separate", threads, False)] + ([("shared", threads, True)] if one["setup"] else [])
    rounds, cpus, trouble = [], [], ""
    for alternation in range(ALTERNATIONS[1]):
        now = time.monotonic()
        if now > deadline or alternation >= ALTERNATIONS[0] and now - start > share:
            break
        taken = {}
        for way, count, shared in ways[:]:
            try:
                for gil in (True, False) if alternation % 2 else (False, True):
                    taken[way, gil], used = interpreters[gil].ask(one, times, count, shared)
                    cpus += [used] if way == "separate" and not gil else []
            except Broken as error:
                if not shared:
                    raise
                trouble = "%s, the GIL %s" % (error, "on" if gil else "off")
                ways.pop()
        rounds.append(taken)
    if len(rounds) < ALTERNATIONS[0]:
        return None

    def median(ratio):
        return round(statistics.median(map(ratio, rounds)), 3)

    def scaling(way):
        if not any(name == way for name, _, _ in ways):
            return None
        return {word: median(lambda r, g=gil: threads * r["one", g] / r[way, g]) for word, gil in (("gil", True), ("free", False))}

    return {"name": one["name"], "from": one["from"], "calls": round(median(lambda r: times / r["one", False])),
            "single_cost": median(lambda r: r["one", False] / r["one", True]), "separate": scaling("separate"),
            "shared": scaling("shared"), "shared_trouble": trouble, "cpus": round(statistics.median(cpus), 2)}


def summary_of(rows, threads):
    """Medians over the operations, and a sentence."""
    def median(values):
        values = [value for value in values if value is not None]
        return round(statistics.median(values), 2) if values else None

    def both(way):
        return {word: median([row[way][word] for row in rows if row[way]]) for word in ("gil", "free")}

    summary = {"single_cost": median([row["single_cost"] for row in rows]), "separate": both("separate"), "shared": both("shared")}
    line = "%d threads, objects of their own: %.2fx the calls of one without the GIL, %.2fx with it" % (
        threads, summary["separate"]["free"], summary["separate"]["gil"])
    if summary["shared"]["free"] is not None:
        line += "; on shared objects %.2fx and %.2fx" % (summary["shared"]["free"], summary["shared"]["gil"])
    line += "; in one thread a call takes %.2fx as long without it (medians of %d operations)" % (summary["single_cost"], len(rows))
    cpus = median([row["cpus"] for row in rows])
    note = "The machine was busy: %d threads had %.1f CPUs, so what several threads can do is not known." % (threads, cpus)
    return {"line": line, **summary, "cpus": cpus, "note": note if cpus < BUSY * threads else ""}


def measure_all(operations, interpreters, threads, seconds):
    start = time.monotonic()
    rows, failed, trouble = [], [], ""
    for one in operations:
        if time.monotonic() - start > seconds:
            break
        try:
            row = figures_of(one, interpreters, threads, start + seconds, seconds / SHARES)
        except Broken as error:
            failed.append({"name": one["name"], "reason": str(error)})
            if str(error).startswith("the GIL cannot") or len(failed) >= 5 and not rows and "ended with exit" in str(error):
                trouble = str(error)
                break
            continue
        if row:
            rows.append(row)
    return {"threads": threads, "alternations": ALTERNATIONS[1], "seconds": round(time.monotonic() - start, 1),
            "trouble": trouble or ("" if rows else "no operation could be measured"),
            "summary": summary_of(rows, threads) if rows else {"line": ""}, "operations": rows,
            "tried": len(rows) + len(failed), "known": len(operations), "failed": failed[:FAILED_MAX]}


def main(argv):
    import argparse

    parser = argparse.ArgumentParser(prog="pays.py")
    for name in ("--catalog", "--library"):
        parser.add_argument(name, required=True)
    for name in ("--kinds", "--path", "--seeds", "--out"):
        parser.add_argument(name, default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args(argv)
    if options.serve:
        serve(options.catalog, options.library, options.path)
        return 0
    calls = load_library(options.library)["calls"]
    with open(options.catalog, encoding="utf-8") as file:
        catalog = json.load(file)
    with open(options.kinds, encoding="utf-8") as file:
        kinds = json.load(file)
    arguments = ["--catalog", options.catalog, "--library", options.library, "--path", options.path]
    interpreters = {gil: Interpreter(gil, arguments) for gil in (True, False)}
    try:
        document = measure_all(all_operations(catalog, kinds, calls, options.seeds), interpreters, max(options.threads, 2),
                               options.seconds)
    finally:
        for interpreter in interpreters.values():
            interpreter.end()
    with open(options.out, "w", encoding="ascii") as file:
        json.dump(document, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
