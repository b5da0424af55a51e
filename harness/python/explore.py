"""From a module to a catalog: which callables, types, attributes and operators there are, and what they accept.

Reading order: Explorer.catalog() is the whole course. Constructors come first, since methods need receivers; types
that only show up as results join when they are first seen, three results deep at most.
"""

import re
import sys
import time

import blame
import calls
import choose
import exclusions
import hints
import instances
import introspect
import language
import probe
import search
import stubs

DEPTH_MAX = 3
TYPES_MAX = 80
MAKES_MAX = 4
ARGUMENT_TYPES_MAX = 10  # public types offered as `@Type` to every argument

PICKLING = frozenset("__reduce__ __reduce_ex__ __getstate__ __setstate__".split())
NO_CONSTRUCTOR = re.compile(r"cannot create '.*' instances|not have a public constructor")
ABSTRACT = "abstract class"  # what such a one raises when it is called
# These change their receiver or let go of its resources, whatever a comparison of pictures says.
MUTATORS = frozenset(
    """__init__ __setstate__ add append appendleft byteswap cache_clear clear close commit compress decompress detach
    discard execute executemany executescript extend extendleft feed fetchall fetchmany fetchone flush frombytes
    fromfile fromlist fromunicode insert modify move move_to_end pop popitem popleft push put read read1 readinto
    readline readlines register release remove resize reverse rollback rotate seed seek send setdefault setstate sort subtract
    truncate unregister update write writelines writerow writerows""".split()
)


class Explorer:
    """One target, one catalog."""

    def __init__(self, target, name, module, settings, kinds, package, seconds):
        self.target = target
        self.name = name
        self.module = module
        self.settings = settings
        self.kinds = {kind: samples + settings.values.get(kind, []) for kind, samples in kinds.items()}
        self.deadline = time.monotonic() + seconds
        self.started = time.monotonic()
        self.package = package
        self.natives = introspect.accelerators(module, name, package["native"])
        self.natives.update((extra, sys.modules[extra]) for extra in settings.modules)
        self.stubs = stubs.read(module)
        self.homes = introspect.family(module, name, self.natives)
        self.types = {}  # name -> TypeInfo
        self.by_key = {}  # (module, qualified name) -> TypeInfo
        self.rows = []  # the catalog's callables
        self.attributes, self.operators = [], []
        self.skipped, self.unknown = {}, {}
        self.vocabulary = calls.Vocabulary(self.kinds, self.types)

    def catalog(self, gil):
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="ftfuzz-discover-")
        tempfile.tempdir = folder
        self.prober = probe.Prober(language.World(self.module, self.natives), folder)
        try:
            self.learn()
        finally:
            self.prober.close()
            shutil.rmtree(folder, ignore_errors=True)
        return self.report(gil)

    def learn(self):
        functions, constructors = self.collect()
        self.add_given_makes()
        for symbol in constructors:
            self.learn_constructor(symbol)
        self.add_proposed_makes()
        for symbol in functions:
            self.learn_callable(symbol)
        self.add_constants()
        # What could not be made may need an object that only now can be made.
        for symbol in constructors:
            if not self.types[symbol.type_name].makes:
                self.learn_constructor(symbol, again=True)
        done = set()
        while len(done) < min(len(self.types), TYPES_MAX):
            name = min(set(self.types) - done, key=lambda name: (self.types[name].depth, name))
            done.add(name)
            self.learn_type(self.types[name])
        self.check_settings()

    def check_settings(self):
        """Complains about names of the target file that the module does not have (any more). What is to be skipped
        may well be missing: modules differ by how they were built."""
        labels = {self.label_of(row) for row in self.rows}
        for key, names in (
            ("[[pattern]]", {row["callable"] for row in self.settings.patterns} - labels - set(self.unknown)),
            ("share", {name for name in self.settings.share if name not in self.types}),
        ):
            for name in sorted(names):
                self.complain("%s names %s, which there is none of" % (key, name))

    # Names.

    def collect(self):
        """(functions, constructors) that the target offers and that may be called."""
        functions, constructors = [], []
        for text, value in introspect.globals_of(self.module, self.name, self.natives):
            native = introspect.is_native(value)
            kind = "type" if isinstance(value, type) else "function"
            symbol = introspect.Symbol(text, value, kind, native=native, definer=value)
            reason = self.why_not(symbol) or (introspect.why_no_type(value) if kind == "type" else None)
            if reason:
                self.skipped[text] = reason
            elif kind == "type":
                symbol.type_name = text
                constructors.append(symbol)
                self.add_type(text, value, True, 0)
            else:
                functions.append(symbol)
        for info in list(self.types.values()):
            functions.extend(self.class_functions(info))
        return functions, constructors

    def class_functions(self, info):
        """Static and class methods, called through the type's name; inherited ones only at the type that has them."""
        for name, value, definer in introspect.members(info)[2]:
            if definer is not info.cls and (str(definer.__module__), definer.__qualname__) in self.by_key:
                continue
            text = "%s.%s" % (info.name, name)
            symbol = introspect.Symbol(text, value, "function", native=introspect.is_native(value), definer=definer)
            reason = self.why_not(symbol, info.cls)
            if reason:
                self.skipped[text] = reason
            else:
                yield symbol

    def why_not(self, symbol, owner=None):
        if symbol.label in self.settings.skips:
            return self.settings.skips[symbol.label]
        names = exclusions.names_of(symbol, self.name, owner)
        return None if exclusions.fixed(names) else exclusions.why(names)

    def is_skipped(self, label):
        if label in self.settings.skips:
            self.skipped[label] = self.settings.skips[label]
        return label in self.settings.skips

    def add_type(self, name, cls, public, depth):
        info = introspect.TypeInfo(name, cls, public, depth)
        self.types[name] = info
        self.by_key.setdefault((str(cls.__module__), cls.__qualname__), info)
        return info

    def add_given_makes(self):
        for row in self.settings.makes:
            reply = self.prober.run(row["lines"])
            if reply.status != "ok":
                kind = reply.type[1] if reply.type else reply.status
                self.complain("[[make]] of %s does not work: %s: %s" % (row["type"], kind, reply.text))
                continue
            info = self.types.get(row["type"])
            if info is None and tuple(reply.type) in self.by_key:
                self.complain("[[make]] of %s makes a %s" % (row["type"], self.by_key[tuple(reply.type)].name))
                continue
            if info is None:
                # A class that only exists once something was called: the lines of the file are trusted to run here.
                cls = introspect.find_type(tuple(reply.type)) or type(self.prober.world.run(row["lines"]))
                info = self.add_type(row["type"], cls, False, 0)
            info.makes.append(language.numbered(row["lines"]))
            self.learn_traits(info)

    def add_proposed_makes(self):
        """What tests did to make objects, as far as it works here: more ways, or the only one."""
        for row in self.settings.proposed_makes:
            reply = self.prober.run(row["lines"])
            key = tuple(reply.type) if reply.status == "ok" and reply.type else None
            info = self.by_key.get(key)
            if info is None and key is not None and row["type"] not in self.types and row["type"] not in self.settings.skips:
                cls = introspect.find_type(key)
                if cls is not None and introspect.belongs(cls, self.homes):
                    info = self.add_type(row["type"], cls, False, 1)
            if info is not None and info.name == row["type"]:
                lines = language.numbered(row["lines"])
                info.proposed.append(lines)
                if lines not in info.makes:
                    info.makes.append(lines)
                    self.learn_traits(info)

    def add_constants(self):
        """Objects that the module keeps under a public name, for types that cannot be made otherwise."""
        for text in introspect.public_names(self.module):
            value = getattr(self.module, text, None)
            cls = type(value)
            if cls.__module__ in self.homes and not isinstance(value, type) and not callable(value):
                info = self.by_key.get((cls.__module__, cls.__qualname__))
                if info is None or not info.makes:
                    lines = ["s0 = iter((%s,))" % text, "next(s0)"]
                    self.saw(self.prober.run(lines), lines, 0)

    def complain(self, text):
        print("ftfuzz: warning: %s: %s" % (self.target, text), file=sys.stderr)

    # Results.

    def saw(self, reply, lines, depth):
        """Notes the type of a value that lines have made."""
        if reply is None or reply.status != "ok" or reply.type is None or reply.text == "same":
            return
        info = self.by_key.get(tuple(reply.type))
        if info is None:
            cls = introspect.find_type(tuple(reply.type))
            if cls is None:
                return
            if depth >= DEPTH_MAX or len(self.types) >= TYPES_MAX or not introspect.belongs(cls, self.homes):
                return
            if exclusions.why(["%s.%s" % (cls.__module__, cls.__name__)]):
                return
            name = cls.__name__ if cls.__name__ not in self.types else "%s.%s" % (cls.__module__, cls.__name__)
            if name in self.settings.skips:
                self.skipped[name] = self.settings.skips[name]
                return
            info = self.add_type(name, cls, False, depth + 1)
        make = language.numbered(lines)
        if len(info.makes) < 2 and make not in info.makes and len(make) <= 8:
            info.makes.append(make)
            if len(info.makes) == 1:
                self.learn_traits(info)

    def learn_traits(self, info):
        if info.makes:
            reply = self.prober.traits(info.makes[0])
            words = reply.text.split() if reply.status == "ok" else []
            info.traits = [word for word in words if word != "empty"]

    # Callables.

    def extra_for(self, symbol, doc):
        own = [symbol.owner] if symbol.owner else []
        public = sorted(info.name for info in self.types.values() if info.public)
        names = [name for name in own + public if self.usable(name)]
        texts = ["@" + name for name in dict.fromkeys(names)][:ARGUMENT_TYPES_MAX]
        examples = hints.examples(doc, symbol.label, language.render) + hints.BY_METHOD.get(symbol.name, [])
        return search.Extra(examples, self.literals(doc), texts)

    def usable(self, name):
        info = self.types[name]
        return bool(info.makes) and "endless" not in info.traits

    def literals(self, doc):
        constants = [value for key, value in sorted(vars(self.module).items()) if type(value) is str and key[0] != "_"]
        texts = ["=" + language.render(value) for value in constants if len(value) < 40][:8]
        return list(dict.fromkeys(hints.quoted(doc, language.render) + texts))

    def learn_callable(self, symbol, receiver=None, depth=0):
        """Searches patterns for one callable and files it as known or unknown; its Calls."""
        self.prober.restart()
        doc = getattr(symbol.value, "__doc__", None)
        doc = doc if isinstance(doc, str) else ""
        shape = hints.shape_of(symbol.value, doc, symbol.label, symbol.kind == "method")
        stubs.improve(shape, self.stubs.get(symbol.label, []))
        tried = calls.Calls(self.prober, self.vocabulary, symbol, shape, receiver)
        if time.monotonic() > self.deadline:
            self.unknown[symbol.label] = "not reached in the time given"
            return tried
        owner = self.types[symbol.owner].cls if symbol.owner else None
        fixed = exclusions.fixed(exclusions.names_of(symbol, self.name, owner))
        if fixed:
            patterns = self.given(tried, [{"callable": symbol.label, **row} for row in fixed], ours=True)
        else:
            extra = self.extra_for(symbol, doc)
            if receiver and symbol.name in ("__setstate__", "setstate"):
                extra.examples.extend(self.states(receiver, symbol.name))
            patterns = self.given(tried, self.settings.patterns)
            if symbol.label not in self.settings.exact:
                proposed = self.given(tried, self.settings.proposed_patterns, ours=True)
                patterns += sorted(proposed, key=lambda pattern: -pattern["score"])[: choose.PATTERNS_MAX]
                search.Search(tried, extra).find()
                patterns += choose.choose(tried)
        for key, reply in list(tried.accepted.items()):
            own = symbol.type_name and self.makes_its_own(symbol, reply)
            if reply.status == "ok" and not own:  # learn_constructor chooses among these itself
                self.saw(reply, tried.lines(*key), depth)
        self.file(symbol, tried, patterns)
        return tried

    def given(self, tried, rows, ours=False):
        """The patterns of the target file, or those that nobody has written (ours), as far as they are accepted."""
        found, label = [], tried.symbol.label
        for row in rows:
            if row["callable"] != label:
                continue
            args, kwargs = row.get("args", []), row.get("kwargs", {})
            bad = [text for text in [*args, *kwargs.values()] if not self.is_descriptor(text)]
            if bad and ours:
                continue
            if bad:
                self.complain("[[pattern]] of %s: %s is no kind, @Type or =value" % (label, bad[0]))
                continue
            key = (tuple((text, 0) for text in args), tuple((name, (text, 0)) for name, text in kwargs.items()))
            must, tried.must = tried.must, []  # the row says itself which keywords there are
            reply, lines = tried.trial(*key, counted=False), tried.lines(*key)
            tried.accepted.pop(key, None)
            tried.must = must
            if calls.score(reply) >= 2:
                returns = reply.type if reply.status == "ok" else None
                pattern = {"args": list(args), "kwargs": dict(kwargs), "score": calls.score(reply), "returns": returns}
                found.append(pattern)
                self.saw(reply, lines, 0)
            elif not ours:
                self.complain("[[pattern]] of %s is not accepted: %s" % (label, reply.text if reply else ""))
        return found

    def is_descriptor(self, text):
        known_type = text.startswith("@") and self.vocabulary.samples(text) > 0
        return text.startswith("=") or text in self.kinds or known_type

    def states(self, receiver, setter):
        """What the matching getter returns, where that can be written down."""
        lines = calls.instance(receiver, "o")
        for getter in ("o.getstate()",) if setter == "setstate" else ("o.__reduce__()[2]", "o.__getstate__()"):
            reply = self.prober.render(lines + [getter])
            if reply.status == "ok" and reply.text:
                yield ["=" + reply.text]

    def file(self, symbol, tried, patterns):
        unique = []
        for pattern in patterns:
            if not any(pattern["args"] == other["args"] and pattern["kwargs"] == other["kwargs"] for other in unique):
                unique.append(pattern)
        patterns = unique[: choose.PATTERNS_MAX * (2 if self.settings.proposed_patterns else 1)]
        if not patterns:
            reason = self.why_unknown(tried)
            if reason == ABSTRACT and symbol.kind == "type":
                self.skipped[symbol.label] = ABSTRACT
            elif NO_CONSTRUCTOR.search(reason) and symbol.kind == "type":
                self.skipped[symbol.label] = "cannot be made by calling it"
            elif "cannot pickle" in reason or symbol.name in PICKLING:
                self.skipped[symbol.label] = "cannot be pickled"
            else:
                self.unknown[symbol.label] = reason
            return
        self.rows.append(
            {
                "name": symbol.name,
                "owner": symbol.owner,
                "kind": symbol.kind,
                "native": symbol.native,
                "mutates": self.mutates(symbol, tried),
                "patterns": patterns,
            }
        )

    def why_unknown(self, tried):
        if tried.fatal:
            text, reply = tried.fatal[0]
            return "%s: %s" % (re.sub(r"0x[0-9a-f]+", "0x", text), reply.text)
        reason = tried.message or next((r.text for r in tried.known.values() if r.text), "") or "no trial was possible"
        return re.sub(r"0x[0-9a-f]+", "0x", reason)

    def mutates(self, symbol, tried):
        """Whether a call changes its receiver or, for a function, one of its arguments; None when it cannot be seen."""
        if symbol.kind == "type":
            return None
        if symbol.name in MUTATORS:
            return True
        answers = set()
        for key in tried.ranked()[:3]:
            if calls.score(tried.accepted[key]) == 3:
                reply = self.prober.mutates(tried.lines(*key, in_slots=True))
                answers.add(reply.text if reply.status == "ok" else "unknown")
        return True if "yes" in answers else False if answers == {"no"} else None

    # Types.

    def learn_constructor(self, symbol, again=False):
        info = self.types[symbol.type_name]
        if again:
            self.unknown.pop(symbol.label, None)
            self.rows = [row for row in self.rows if row["owner"] or row["name"] != symbol.name]
        tried = self.learn_callable(symbol)
        made = []
        for key in tried.ranked():
            reply = tried.accepted[key]
            if reply.status == "ok" and self.makes_its_own(symbol, reply):
                made.append((self.emptiness(reply.size), self.group(key), language.numbered(tried.lines(*key))))
        groups = set()
        for _, group, lines in self.best_made(made):
            if group not in groups and len(info.makes) < MAKES_MAX and lines not in info.makes:
                groups.add(group)
                info.makes.append(lines)
        self.learn_traits(info)

    def makes_its_own(self, symbol, reply):
        return self.by_key.get(tuple(reply.type)) is self.types[symbol.type_name]

    def best_made(self, made):
        """Not empty first, then what can do most: ChainMap(1) exists, but it cannot even be iterated over."""
        made = sorted(made, key=lambda row: (row[0], len(row[2])))[: 3 * MAKES_MAX]
        traits = [self.prober.traits(row[2]).text.split() for row in made]
        able = [len(words) - 2 * ("endless" in words) - 8 * ("empty" in words) for words in traits]
        order = sorted(range(len(made)), key=lambda index: (made[index][0], -able[index], len(made[index][2]), index))
        return [made[index] for index in order]

    @staticmethod
    def emptiness(size):
        """0 for what holds something or cannot be measured, 1 for one item, 2 for nothing."""
        return max(2 - size, 0) if size >= 0 else 0

    @staticmethod
    def group(key):
        vector, keywords = key
        return tuple(hints.family(choice[0]) for choice in vector[:1]) + (bool(keywords),)

    def learn_type(self, info):
        """Attributes, operators and methods of the instances that can be made."""
        methods, attributes, _ = introspect.members(info, self.settings.reinit)
        if not info.makes:
            for name, _, _ in methods if self.skipped.get(info.name) != ABSTRACT else ():
                self.unknown.setdefault("%s.%s" % (info.name, name), "no %s could be made" % info.name)
            return
        make = info.makes[0]

        def saw(reply, lines):
            self.saw(reply, lines, info.depth)

        self.prober.restart()
        for trait, view in (("iterable", "iter(o)"), ("buffer", "memoryview(o)")):
            if trait in info.traits and "iterator" not in info.traits:
                lines = calls.instance(make, "o") + [view]
                saw(self.prober.run(lines), lines)
        for name, _, _ in attributes:
            if not self.is_skipped("%s.%s" % (info.name, name)):
                row = instances.attribute(self.prober, self.vocabulary, info, name, saw)
                self.attributes += [row] if row else []
        self.prober.restart()
        for symbol in [*instances.BINARY, *instances.PREFIX]:
            if instances.defines(info.cls, symbol) and not self.is_skipped("%s %s" % (info.name, symbol)):
                row = instances.operator(self.prober, self.vocabulary, info, symbol, saw)
                self.operators += [row] if row else []
        for name, value, definer in methods:
            native = introspect.is_native(value)
            symbol = introspect.Symbol(name, value, "method", info.name, native, definer)
            reason = self.why_not(symbol, info.cls)
            if reason:
                self.skipped[symbol.label] = reason
            else:
                self.learn_method(symbol, info)

    def learn_method(self, symbol, info):
        """With the first way to make a receiver; where no call returns, with the receivers of a harvest, which are in a better state."""
        tried = []
        for receiver in [info.makes[0], *[make for make in info.proposed if make != info.makes[0]]]:
            self.learn_callable(symbol, receiver, info.depth)
            rows = [row for row in self.rows if self.label_of(row) == symbol.label]
            score = max([pattern["score"] for row in rows for pattern in row["patterns"]], default=0)
            tried.append((score, rows, self.unknown.pop(symbol.label, None)))
            self.rows = [row for row in self.rows if self.label_of(row) != symbol.label]
            if score == 3:
                break
        _, rows, why = max(tried, key=lambda one: one[0])  # the first of equals
        self.rows += rows
        if why is not None:
            self.unknown[symbol.label] = why

    @staticmethod
    def label_of(row):
        return "%s.%s" % (row["owner"], row["name"]) if row["owner"] else row["name"]

    # The result.

    def report(self, gil):
        def returned(key):
            info = self.by_key.get(tuple(key)) if key else None
            return info.name if info else key[1] if key else None

        for row in self.rows:
            for pattern in row["patterns"]:
                pattern["returns"] = returned(pattern["returns"])
        natives = dict(self.natives)
        if introspect.is_native_module(self.module):
            natives[self.name] = self.module
        blamed = blame.blame_of(natives, [info.cls for info in self.types.values()])
        blamed["files"] = sorted({*blamed["files"], *self.settings.blame_files})
        made = {name for name, info in self.types.items() if info.makes}
        return {
            "format": 1,
            "target": self.target,
            "import": self.name,
            "version": self.version(),
            "python": sys.version.split()[0],
            "package": self.package["requirement"] if "==" in self.package["requirement"] else "",
            "gil": gil,
            "blame": blamed,
            "contract": self.settings.contract,
            "types": [
                {"name": info.name, "public": info.public, "traits": info.traits, "make": info.makes}
                for _, info in sorted(self.types.items())
                if info.makes
            ],
            "callables": sorted(self.rows, key=lambda row: (row["owner"] or "", row["name"])),
            "attributes": sorted(self.attributes, key=lambda row: (row["owner"], row["name"])),
            "operators": sorted(self.operators, key=lambda row: (row["owner"], row["op"])),
            "skipped": [{"name": name, "reason": reason} for name, reason in sorted(self.skipped.items())],
            "unknown": [{"name": name, "reason": reason} for name, reason in sorted(self.unknown.items())],
            "values": dict(sorted(self.settings.values.items())),
            "share": [name for name in self.settings.share if name in made],
            "modules": sorted(self.natives),
        }

    def version(self):
        if self.package["version"] is not None:
            return self.package["version"]
        version = getattr(self.module, "__version__", None)
        home = getattr(self.module, "__file__", "") or ""
        if isinstance(version, str) and "site-packages" in home:
            return version
        return version if isinstance(version, str) and home and "python3" not in home else sys.version.split()[0]

    def summary(self):
        known = len(self.rows)
        return "%s: %d of %d callables with accepted arguments, %d types, %d never called, %.1f s" % (
            self.target,
            known,
            known + len(self.unknown),
            sum(bool(info.makes) for info in self.types.values()),
            len(self.skipped),
            time.monotonic() - self.started,
        )
