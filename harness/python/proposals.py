"""From the notes of recording.py to proposals: argument patterns, ways to make objects, and scenarios to start from.

A value of the tests stays what it is when it is small, can be written down in the scenario language and says nothing about the machine;
anything else becomes its kind. Reading order: Proposals.__init__ is the whole course; Words decides how a snapshot is written.
"""

import collections
import json
import marshal
import re

import hints
import language

PATTERNS_MAX = 8  # for one callable
VARIED = 3  # different values in one place, after which its kind is proposed as well
MAKES_MAX = 2  # plain ones for one type, and as many that call methods first
PREPARATION_MAX = 4  # calls of such a one
LINES_MAX = 8  # of a make
DEPTH_MAX = 4  # objects that are made for objects
SEEDS_MAX = 32
SEED_CALLS_MAX = 12
SETUP_CALLS_MAX = 4
TEXT_MAX = 60  # of a value
SECRET_MIN = 6  # a shorter value of an environment variable is no secret, and would be found in much

# Letters and digits mixed and nothing to read: a key, a token, a digest.
_OPAQUE = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[A-Za-z0-9+/=_-]{24,}")
# What an object is worth after one of these is less, so no make ends with it.
_ENDS = ("close", "clear", "detach", "release", "shutdown", "disconnect", "stop", "terminate", "abort")

# How the text of a literal begins, and its kind.
_FORMS = (
    (r"-?(0x[0-9a-f]+|\d+)$", "int"),
    (r"-?[\d.]+(e[-+]?\d+)?$|float\(", "float"),
    (r'"', "str"),
    (r'b"', "bytes"),
    (r"\(", "tuple"),
    (r"\[", "list"),
    (r"\{.*: |\{\}", "dict"),
    (r"\{", "set"),
    (r"(True|False)$", "bool"),
)


class Words:
    """How the notes are written down. `values` are the callables, for the names of their parameters; `never` are the names of those
    that no line may call."""

    def __init__(self, kinds, values, environment, never):
        self.kinds = kinds
        self.never = never
        self.values = values
        self.parameters = {}
        own = {value for value in environment.values() if len(value) >= SECRET_MIN}
        self.secrets = sorted(own | {part for value in own for part in value.split(":") if len(part) >= SECRET_MIN})

    def literal(self, value):
        """The text of a plain value, or None when it is not to be written down."""
        text = language.render(value)
        return text if text is not None and len(text) <= TEXT_MAX and self.is_public(value) else None

    def is_public(self, value):
        if isinstance(value, dict):
            return all(map(self.is_public, [*value, *value.values()]))
        if isinstance(value, (tuple, list, set)):
            return all(map(self.is_public, value))
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if not isinstance(value, str):
            return True
        if any("\ud800" <= char <= "\udfff" for char in value):
            return False
        if any(secret in value for secret in self.secrets) or _OPAQUE.search(value):
            return False
        return not (value.startswith(("/", "~/", "file:")) and len(value) > 1) and "/tmp/" not in value

    def kind(self, value):
        """The kind of a plain value."""
        if isinstance(value, str) and value[:1] in ("/", "~") and len(value) > 1:
            return "path"
        if isinstance(value, int) and not isinstance(value, bool):
            return "int" if value.bit_length() < 32 else "bigint"
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return "strlist"
        name = "none" if value is None else type(value).__name__
        return name if name in self.kinds else "object"

    def parameter(self, label, place):
        """The name of a callable's parameter, "" when it is not known; place is an index or a keyword."""
        if isinstance(place, str):
            return place
        if label not in self.parameters:
            value = self.values.get(label)
            doc = getattr(value, "__doc__", None)
            bound = "method_descriptor" in type(value).__name__
            shape = hints.shape_of(value, doc if isinstance(doc, str) else "", label, bound) if value is not None else None
            self.parameters[label] = shape.names if shape else []
        names = self.parameters[label]
        return names[place] if place < len(names) else ""

    def descriptor(self, label, place, snapshot):
        """The argument descriptor (catalog.h) of one argument of a call."""
        form, value = snapshot[0], snapshot[1]
        if form in ("k", "c"):
            return value if value in self.kinds else "object"
        if form == "o":
            return "@" + value
        if form == "n":
            return "=" + value
        value = marshal.loads(value)
        name = self.parameter(label, place)
        # In the fuzzer a number may be one of its own files, and a name one that the call makes where it works.
        if hints.is_descriptor_name(name) and isinstance(value, int):
            return "fd"
        if hints.is_path_name(name) and isinstance(value, (str, bytes)) and value not in ("", b"", ":memory:"):
            return "path"
        text = self.literal(value)
        return "=" + text if text is not None else self.kind(value)


class Life:
    """One object of the tests: how it was made and what was called on it."""

    def __init__(self, note, lives):
        self.type, (parent, self.before, self.origin), *self.calls = note
        self.parent = lives[parent] if parent is not None else None
        self.lives = lives

    def good(self):
        return [call for call in self.calls if call[3] not in ("TypeError", "did not return")]


class Lines:
    """Scenario lines that make objects, with a slot for each life."""

    def __init__(self, words, makes, prefix):
        self.words, self.makes, self.prefix = words, makes, prefix
        self.lines, self.slots = [], {}

    def fresh(self):
        return "%s%d" % (self.prefix, len(self.slots))

    def make(self, life, depth=0):
        """The slot of an object, after the lines that make it; None when that takes too much."""
        if id(life) in self.slots:
            return self.slots[id(life)]
        if depth > DEPTH_MAX or len(self.lines) > LINES_MAX:
            return None
        if life.origin[0] in self.words.never:
            slot = self.known(life.type)  # not the tests' way, but an object all the same
            if slot:
                self.slots[id(life)] = self.slots.pop(slot)
            return slot
        receiver = None
        if life.parent is not None:
            receiver = self.make(life.parent, depth + 1)
            earlier = [call for call in life.parent.calls[: life.before] if call[3] == "ok"][:PREPARATION_MAX]
            if receiver is None or not all(self.add(call, receiver, life.lives, depth) for call in earlier):
                return None
        text = self.call(life.origin, receiver, life.lives, depth)
        if text is None:
            return None
        slot = self.slots[id(life)] = self.fresh()
        self.lines.append("%s = %s" % (slot, text))
        return slot

    def add(self, call, receiver, lives, depth=0):
        text = self.call(call, receiver, lives, depth)
        self.lines += [text] if text else []
        return text is not None

    def call(self, call, receiver, lives, depth=0):
        """The text of a call; what its arguments need is made before. None when one of them cannot be written."""
        label, args, named, _ = call
        if label in self.words.never:
            return None
        texts = []
        for place, snapshot in [*enumerate(args), *named.items()]:
            text = self.argument(label, place, snapshot, lives, depth)
            if text is None:
                return None
            texts.append("%s=%s" % (place, text) if isinstance(place, str) else text)
        callee = "%s.%s" % (receiver, label.rpartition(".")[2]) if receiver else label
        return "%s(%s)" % (callee, ", ".join(texts))

    def argument(self, label, place, snapshot, lives, depth):
        if snapshot[0] == "o":
            if snapshot[2] is not None:
                return self.make(lives[snapshot[2]], depth + 1)
            return self.known(snapshot[1])
        if snapshot[0] == "c":
            return self.container(label, snapshot, lives, depth)
        descriptor = self.words.descriptor(label, place, snapshot)
        return descriptor[1:] if descriptor[0] == "=" else self.words.kinds[descriptor][0]

    def container(self, label, snapshot, lives, depth):
        """A display with slots in it. What its items are called, no parameter says."""
        texts = [self.argument(label, "", row, lives, depth + 1) for row in snapshot[3]]
        if None in texts:
            return None
        if snapshot[2] == "dict":
            return "{%s}" % ", ".join("%s: %s" % pair for pair in zip(texts[::2], texts[1::2]))
        body = ", ".join(texts)
        return "[%s]" % body if snapshot[2] == "list" else "(%s,)" % body if len(texts) == 1 else "(%s)" % body

    def known(self, name):
        """An object of a type about whose birth the notes say nothing, as the catalog makes it."""
        if name not in self.makes:
            return None
        slot = self.fresh()
        self.slots[slot] = slot
        self.lines += language.keep(language.rename(self.makes[name], lambda index: "%s_%d" % (slot, index)), slot)
        return slot


class Proposals:
    """All that the notes are good for. `prober` tries lines in a forked child; `exact` are callables that a target file wants to be
    called with its own arguments only."""

    def __init__(self, notes, catalog, kinds, values, environment, prober, exact=()):
        self.skipped = {row["name"] for row in catalog["skipped"]}
        self.words = Words(kinds, values, environment, self.skipped.union(exact))
        self.target = catalog["target"]
        self.prober = prober
        self.catalog_makes = {row["name"]: row["make"][0] for row in catalog["types"]}
        self.patterns_seen = sorted({label for note in notes for label in note["patterns"]} - self.skipped)
        self.patterns = [row for label in self.patterns_seen for row in self.patterns_of(label, notes)]
        lives = [life for note in notes for life in self.lives_of(note)]
        self.makes = self.find_makes(lives)
        self.seeds = self.find_seeds(lives)

    # Patterns.

    def patterns_of(self, label, notes):
        """[{"callable", "args", "kwargs"}], the most frequent of each shape first."""
        weights = collections.Counter()
        for note in notes:
            for key, (count, good, outcome) in note["patterns"].get(label, {}).items():
                if outcome == "TypeError" and not good:
                    continue
                args, named = marshal.loads(key)
                described = tuple(self.words.descriptor(label, place, row) for place, row in enumerate(args))
                keywords = tuple((name, self.words.descriptor(label, name, row)) for name, row in named.items())
                weights[described, keywords] += count + 1000 * (good > 0)  # what returned is worth more than any error
        shapes = collections.defaultdict(list)
        for key in sorted(weights, key=lambda key: (-weights[key], key)):
            shapes[self.shape(key)].append(key)
        for keys in shapes.values():
            self.generalize(keys)
        rows, order = [], list(shapes.values())
        while order and len(rows) < PATTERNS_MAX:
            rows += [keys.pop(0) for keys in order][: PATTERNS_MAX - len(rows)]
            order = [keys for keys in order if keys]
        return [{"callable": label, "args": list(args), "kwargs": dict(named)} for args, named in rows]

    def shape(self, key):
        args, named = key
        return tuple(map(self.family, args)), tuple((name, self.family(text)) for name, text in named)

    @staticmethod
    def family(descriptor):
        """What kind of thing a descriptor is, literals included."""
        if descriptor[0] != "=":
            return hints.family(descriptor)
        text = descriptor[1:]
        for pattern, kind in _FORMS:
            if re.match(pattern, text):
                return kind
        return text

    def generalize(self, keys):
        """Adds, second of all, the pattern with kinds in the places where the values vary."""
        args, named = keys[0]
        columns = [{key[0][place] for key in keys} for place in range(len(args))]
        varied = list(args)
        for place, text in enumerate(args):
            kind = self.family(text)
            if text[0] == "=" and len(columns[place]) >= VARIED and kind in self.words.kinds:
                varied[place] = kind
        varied = tuple(varied)
        if (varied, named) not in keys:
            keys.insert(1, (varied, named))

    # Objects.

    def lives_of(self, note):
        lives = []
        for row in note["lives"]:
            lives.append(Life(row, lives))
        return [life for life in lives if life.type not in self.skipped]

    def works(self, lines, needed):
        """Whether the first `needed` lines run, and none of them all does harm."""
        reply = self.prober.run(lines)
        return not reply.fatal and (reply.status == "ok" or reply.line >= needed)

    def find_makes(self, lives):
        """[{"type", "lines"}]: for each type what the tests did most to make one, alone and with the calls that came next."""
        plain, prepared = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
        for life in lives:
            lines = Lines(self.words, self.catalog_makes, "s")
            slot = lines.make(life)
            if slot is None or len(lines.lines) > LINES_MAX:
                continue
            plain[life.type][tuple(language.numbered(lines.lines))] += 1
            steps = [call for call in life.good() if call[3] == "ok" and not call[0].endswith(_ENDS)][:PREPARATION_MAX]
            while steps and len(lines.lines) < LINES_MAX - 1 and lines.add(steps.pop(0), slot, life.lives):
                # No line of the language is just a name; the largest of one is that one, and nothing is compared.
                prepared[life.type][tuple(language.numbered([*lines.lines, "max([%s])" % slot]))] += 1
        rows = []
        for name in sorted(plain):
            for counter, order in ((plain[name], len), (prepared[name], lambda lines: -len(lines))):
                kept = 0
                for lines in sorted(counter, key=lambda lines: (order(lines), -counter[lines], lines))[: 4 * MAKES_MAX]:
                    if kept < MAKES_MAX and self.works(list(lines), len(lines)):
                        rows.append({"type": name, "lines": list(lines)})
                        kept += 1
        return rows

    # Scenarios.

    def find_seeds(self, lives):
        """[(name, text)]: lives whose calls together are as different as can be."""
        rows = {}
        for life in lives:
            calls = [call for call in life.good() if call[0] not in self.words.never][:SEED_CALLS_MAX]
            if calls:
                scenario = self.scenario(life, calls)
                if scenario:
                    rows.setdefault(scenario, set(map(self.features, [life.origin, *calls])))
        seeds, covered = [], set()
        left = sorted(rows, key=lambda row: (len(row[0]) + len(row[1]) + len(row[2]), row))
        while left and len(seeds) < SEEDS_MAX:
            best = max(left, key=lambda row: len(rows[row] - covered))
            if not rows[best] - covered:
                break
            left.remove(best)
            setup, first, second = best
            if self.works([*setup, *first, *second], 1):
                covered |= rows[best]
                seeds.append(("harvested-%02d" % len(seeds), self.text(best)))
        return seeds

    def features(self, call):
        """What a call shows that others may not: the callable, and the kinds of its arguments."""
        label, args, named, _ = call
        places = [*enumerate(args), *named.items()]
        return (label, *(self.family(self.words.descriptor(label, place, row)) for place, row in places))

    def scenario(self, life, calls):
        """(lines of setup, of one lane, of the other); None when the object cannot be made."""
        lines = Lines(self.words, self.catalog_makes, "s")
        slot = lines.make(life)
        if slot is None:
            return None
        early = min(len(calls) // 3, SETUP_CALLS_MAX)
        lanes = [[], []]
        for index, call in enumerate(calls):
            text = lines.call(call, slot, life.lives)
            if text is None:
                continue
            if index < early and call[3] == "ok":
                lines.lines.append(text)
            else:
                lanes[(len(lanes[0]) + len(lanes[1])) % 2].append(text)
        if not lanes[0]:
            return None
        return tuple(lines.lines), tuple(lanes[0]), tuple(lanes[1] or lanes[0])

    def text(self, scenario):
        setup, first, second = ("".join("  %s\n" % line for line in part) for part in scenario)
        return ("# What a test did with one object, dealt to two lanes.\nftfuzz 1\ntarget %s\nsetup\n%sthread\n%sthread\n%s"
                "schedule pct seed=1 depth=3\n" % (self.target, setup, first, second))  # fmt: skip


def toml(makes, patterns):
    """Rows as a target file has them (targets/README.md)."""
    parts = []
    for row in makes:
        parts.append("[[make]]\ntype = %s\nlines = %s\n" % (json.dumps(row["type"]), json.dumps(row["lines"])))
    for row in patterns:
        named = ", ".join("%s = %s" % (name, json.dumps(text)) for name, text in row.get("kwargs", {}).items())
        parts.append("[[pattern]]\ncallable = %s\nargs = %s\n" % (json.dumps(row["callable"]), json.dumps(row["args"])))
        parts[-1] += "kwargs = { %s }\n" % named if named else ""
    return "\n".join(parts)


def accepted(makes, patterns, before, after):
    """The rows that the catalog `after` has and the one `before` has not: those that are worth a line in a target file."""

    def made(catalog):
        return {row["name"]: row["make"] for row in catalog["types"]}

    def taken(catalog):
        rows = {}
        for row in catalog["callables"]:
            label = "%s.%s" % (row["owner"], row["name"]) if row["owner"] else row["name"]
            rows[label] = [(pattern["args"], pattern["kwargs"]) for pattern in row["patterns"]]
        return rows

    def new(old, now, key, value):
        return value in now.get(key, []) and value not in old.get(key, [])

    old, now = made(before), made(after)
    makes = [row for row in makes if new(old, now, row["type"], language.numbered(row["lines"]))]
    old, now = taken(before), taken(after)
    return makes, [row for row in patterns if new(old, now, row["callable"], (row["args"], row.get("kwargs", {})))]
