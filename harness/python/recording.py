"""Runs inside of a package's tests (`ftfuzz harvest`): notes how they call the target, and writes the notes to a file.

    install(folder)     folder/config.marshal says what to watch; notes go to folder/records/<pid>.marshal

The tests must not notice: no target code is called (not even a repr), no object is kept alive, no exception gets out, no module is
imported that an interpreter does not start with anyway. What the notes mean is for harvest.py to find out, later and elsewhere.

A *snapshot* of an argument is ("v", its marshalled bytes) for a small plain value, ("o", type's name, number of its life or None) for an
object of the target, ("n", name) for a class or function of the target or of builtins, ("c", kind, type's name, snapshots) for a
container with objects of the target in it (a dict's keys and values in turn), ("k", kind) for everything else.
A *life* is what happened to one object, in order: [type's name, origin, call, ...]. A call is [label, snapshots of the arguments
without the receiver, keywords, outcome]; the outcome is "ok" or the name of an exception. The origin is [life of the object whose method
made it or None, how many calls that one had had, the call]. Addresses of objects that are gone are used again; then a life
that goes wrong is no harm, because all that comes of it is tried.
"""

import _thread
import marshal
import os
import sys
import time

ITEMS_MAX = 16  # of a container in a plain value, and its depth
DEPTH_MAX = 3
TEXT_MAX = 64
BITS_MAX = 256
PATTERNS_MAX = 160  # different argument lists kept for one callable
LIVES_MAX = 160  # of objects of one type
UNUSED_MAX = 8  # of these, that may turn out to have had no calls
CALLS_MAX = 20  # of one life
FRAMES_MAX = 40  # up to the test function that is behind a call
FLUSH_SECONDS = 2.0  # a process that is killed may lose so much, or the second half of its calls

# What a class is, past its metaclass.
_MRO = type.__dict__["__mro__"].__get__
_DICT = type.__dict__["__dict__"].__get__
_MODULE = type.__dict__["__module__"].__get__
_NAME = type.__dict__["__name__"].__get__
_QUALIFIED = type.__dict__["__qualname__"].__get__


class TooLarge(Exception):
    """This is no small plain value."""


def plain(value, depth=0):
    """A copy of a value that consists of a few exact built-in objects; TooLarge otherwise."""
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is int and value.bit_length() <= BITS_MAX or kind in (str, bytes) and len(value) <= TEXT_MAX:
        return value
    if depth >= DEPTH_MAX or kind not in (tuple, list, set, dict) or len(value) > ITEMS_MAX:
        raise TooLarge
    if kind is dict:
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in list(value.items())}
    return kind([plain(item, depth + 1) for item in list(value)])


def has(cls, name):
    """Whether a class has an attribute, without asking its metaclass."""
    return any(name in _DICT(base) for base in _MRO(cls))


def kind_of(value):
    """The kind of argument (kinds.def) of what is no plain value."""
    cls = type(value)
    bases = _MRO(cls)
    if cls is list and value and all(type(item) is str for item in value):
        return "strlist"
    if cls is list and value and all(type(item) is tuple and len(item) == 2 for item in value):
        return "pairs"
    for base, kind in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (bytes, "bytes"), (tuple, "tuple"),
                       (list, "list"), (dict, "dict"), (set, "set"), (frozenset, "set"), (bytearray, "buffer"),
                       (memoryview, "buffer"), (type, "type")):  # fmt: skip
        if base in bases:
            return kind if kind != "int" or int.bit_length(value) < 32 else "bigint"
    for name, kind in (("readinto", "file"), ("readline", "file"), ("__next__", "iterator"), ("__buffer__", "buffer"),
                       ("__fspath__", "path"), ("__call__", "callable"), ("keys", "dict"), ("__index__", "index")):  # fmt: skip
        if has(cls, name):
            return kind
    return "object"


class Recorder:
    """What one process saw."""

    def __init__(self, config, folder):
        self.types = config["types"]  # (module, qualified name) -> the catalog's name
        self.names = {}  # id of a class or function of the target -> its name
        self.folder = folder
        self.lock = _thread.RLock()
        self.restart()

    def restart(self):
        """A forked child begins with nothing."""
        self.patterns, self.lives, self.counts, self.tests = {}, [], {}, {}
        self.alive = {}  # id -> [id of the class, number of the life or None, its type's name, its origin]
        self.calls = 0
        self.flushed = time.monotonic()
        self.lock = _thread.RLock()

    def type_name(self, cls):
        """What the catalog calls a type of the target or the one it is derived from; None: it is none of the target's."""
        for base in _MRO(cls):
            name = self.exact_name(base)
            if name:
                return name
        return None

    def exact_name(self, cls):
        module = _MODULE(cls)
        return self.types.get((module, _QUALIFIED(cls))) if type(module) is str else None

    def snapshot(self, value, depth=0):
        try:
            return ("v", marshal.dumps(plain(value), 2))  # bytes of ours: the value itself would stay alive
        except (TooLarge, TypeError, RuntimeError):  # an unhashable copy; a container that changed under our hands
            pass
        name = self.type_name(type(value))
        if name:
            return ("o", name, self.life_of(value))
        if id(value) in self.names:
            return ("n", self.names[id(value)])
        if type(value) is type and vars(sys.modules["builtins"]).get(value.__name__) is value:
            return ("n", value.__name__)
        return self.container(value, depth) or ("k", kind_of(value))

    def container(self, value, depth):
        """The snapshot of a small container with objects of the target in it; None for anything else."""
        kind = type(value)
        if kind not in (list, tuple, dict) or len(value) > ITEMS_MAX or depth >= DEPTH_MAX:
            return None
        try:
            items = [part for pair in list(value.items()) for part in pair] if kind is dict else list(value)
        except RuntimeError:  # it changed under our hands
            return None
        rows = [self.snapshot(item, depth + 1) for item in items]
        return ("c", kind_of(value), kind.__name__, rows) if any(row[0] in "oc" for row in rows) else None

    # The two hooks of the helper.

    def before(self, label, args, kwnames):
        receiver = None
        if isinstance(label, tuple):  # a method: which type's it is, the receiver says
            if not args:
                return None
            receiver, args = args[0], args[1:]
            name = self.type_name(type(receiver))
            if name is None:
                return None
            label = "%s.%s" % (name, label[0])
        named = kwnames or ()
        split = len(args) - len(named)
        with self.lock:
            snapshots = [self.snapshot(value) for value in args]
            call = [label, snapshots[:split], dict(zip(named, snapshots[split:])), "did not return"]
            life = self.life_of(receiver) if receiver is not None else None
            if life is not None and len(self.lives[life]) < CALLS_MAX:
                self.lives[life].append(call)
            self.calls += 1
            self.note_test()
        return (call, receiver is not None, life)

    def life_of(self, value):
        """The number of an object's life, None when nothing is known of it. A life begins with its first use, so that the many
        objects that are only made take nobody's place."""
        row = self.alive.get(id(value))
        if row is None or row[0] != id(type(value)):
            return None
        if row[1] is None and self.counts.get(row[2], 0) < LIVES_MAX:
            self.begin(row)
        return row[1]

    def begin(self, row):
        self.counts[row[2]] = self.counts.get(row[2], 0) + 1
        row[1] = len(self.lives)
        self.lives.append(row[2:])

    def note_test(self):
        frame = sys._getframe(2)
        for _ in range(FRAMES_MAX):
            if frame is None:
                return
            code = frame.f_code
            if code.co_name.startswith("test"):
                self.tests[code.co_filename, code.co_qualname] = True
                return
            frame = frame.f_back

    def after(self, token, failed, value):
        call, is_method, parent = token
        with self.lock:
            call[3] = _NAME(value) if failed else "ok"
            self.note_pattern(call)
            if not failed:
                self.note_birth(call, is_method, parent, value)
        # Now and then, for a process that ends without a word: often while there is little, then by the clock.
        if self.calls & (self.calls - 1) == 0 or time.monotonic() - self.flushed > FLUSH_SECONDS:
            self.flush()

    def note_pattern(self, call):
        label, args, named, outcome = call
        key = marshal.dumps(([row[:2] for row in args], {name: row[:2] for name, row in named.items()}), 2)
        rows = self.patterns.setdefault(label, {})
        if key in rows or len(rows) < PATTERNS_MAX:
            row = rows.setdefault(key, [0, 0, outcome])
            row[0] += 1
            row[1] += outcome == "ok"

    def note_birth(self, call, is_method, parent, value):
        name = self.exact_name(type(value))
        if name is None:
            return
        made = call[0] == name  # a constructor may get the place of an object that is gone
        if not made and self.life_of(value) is not None:
            return
        if is_method and parent is None:
            self.alive.pop(id(value), None)
            return
        before = sum(one is not call for one in self.lives[parent][2:]) if is_method else 0
        row = self.alive[id(value)] = [id(type(value)), None, name, [parent, before, call]]
        if self.counts.get(name, 0) < UNUSED_MAX:
            self.begin(row)

    def flush(self):
        """Writes all notes; a reader sees the old file or the new one."""
        try:
            with self.lock:
                self.flushed = time.monotonic()
                if not self.calls:
                    return
                data = marshal.dumps({"patterns": self.patterns, "lives": self.lives, "calls": self.calls,
                                      "tests": list(self.tests)}, 2)  # fmt: skip
            path = "%s/records/%d.marshal" % (self.folder, os.getpid())
            with open(path + ".partial", "wb") as file:
                file.write(data)
            os.replace(path + ".partial", path)
        except Exception:
            pass  # The disk is full, or the interpreter is about to end: the tests go on.


class Watcher:
    """Finds the target's callables as soon as its native modules are there, and has the helper watch them."""

    def __init__(self, config, recorder, helper, all_types):
        self.config, self.recorder, self.helper, self.all_types = config, recorder, helper, all_types
        self.methods = {}
        for module, qualified, name in config["methods"]:
            self.methods.setdefault((module, qualified), []).append(name)

    def look(self):
        with self.recorder.lock:  # two threads may import at the same time
            self.look_at_all()

    def look_at_all(self):
        for cls in self.all_types():
            label = self.recorder.exact_name(cls)
            if label:
                self.recorder.names[id(cls)] = label
                if label in self.config["constructors"]:
                    self.helper.watch(cls, label)
            module = _MODULE(cls)
            for name in self.methods.get((module, _QUALIFIED(cls)), ()) if type(module) is str else ():
                self.helper.watch(_DICT(cls).get(name), (name,))
        for module, path, label in self.config["functions"]:
            value = sys.modules.get(module)
            for part in path.split("."):
                value = vars(value).get(part) if value is not None else None
                value = value.__func__ if isinstance(value, staticmethod) else value
            if value is not None and self.helper.watch(value, label):
                self.recorder.names[id(value)] = label

    def hook(self, loader, is_static):
        """Looks again after each load of a native module that the target has."""
        original = loader.exec_module
        natives, look = self.config["natives"], self.look

        def exec_module(*args):
            result = original(*args)
            try:
                if args[-1].__name__ in natives:
                    look()
            except Exception:
                pass  # A module that is strange enough is not watched.
            return result

        loader.exec_module = staticmethod(exec_module) if is_static else exec_module


def install(folder, helper, all_types):
    """Watches from now on. `helper` is the module _ftfuzz_recorder."""
    import atexit

    with open(folder + "/config.marshal", "rb") as file:
        config = marshal.load(file)
    recorder = Recorder(config, folder)
    watcher = Watcher(config, recorder, helper, all_types)
    import _frozen_importlib
    import _frozen_importlib_external

    watcher.hook(_frozen_importlib.BuiltinImporter, True)
    watcher.hook(_frozen_importlib_external.ExtensionFileLoader, False)
    watcher.look()
    os.register_at_fork(after_in_child=recorder.restart)
    # Registered before anything of the tests is, so it runs last; after it nothing is noted any more.
    atexit.register(lambda: (helper.stop(), recorder.flush()))
    helper.start(recorder.before, recorder.after)
