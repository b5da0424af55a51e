"""Finds the arguments a callable accepts, by trial.

The search goes position by position and lets TypeErrors lead it: they tell how many arguments are wanted, which one
is wrong and what it should have been. It ends after a counted number of trials, never after a time.

Reading order: Vocabulary turns argument descriptors into text; Search.find() is the whole course for one callable:
arities -> solve (one accepted list per arity) -> vary (other kinds per position) -> keywords -> choose -> verify.

A *vector* is a tuple of *choices*, one per argument; a choice is (descriptor, sample index).
"""

import hints
import language
import probe

TRIALS_MAX = 320  # per callable, verification not counted
FATAL_MAX = 4  # trials per callable that crashed, hung or blocked; then it is left alone
PATTERNS_MAX = 6  # kept per callable
ARITY_MAX = 6
CALL_ARGS_MAX = 16  # FTF_ARGS_MAX of scenario.h

# The order in which kinds are tried where nothing is known.
ORDER = """int str list bytes callable dict float none tuple char pairs buffer iterator file type path fd set object size bool
index strlist digits bigint""".split()
# Kinds that make sense in a position only when something speaks for them, though much accepts them.
SPECIAL = frozenset(("fd", "path", "file", "type", "strlist", "digits"))
# Kinds that say the same about a position; choose() wants variety of these.
GROUP = {
    "int": "int", "size": "int", "bigint": "big", "index": "index", "bool": "bool", "fd": "fd", "str": "str", "char": "str",
    "digits": "str", "path": "path", "bytes": "bytes", "buffer": "buffer", "tuple": "tuple", "list": "list",
    "strlist": "list", "pairs": "list", "set": "set", "iterator": "iterator", "dict": "dict",
}  # fmt: skip
# What another lane can change while the callee looks at it, or what calls back: worth more than a plain value.
WORTH = {"list": 3, "dict": 3, "buffer": 3, "iterator": 2, "callable": 2, "set": 2, "object": 2, "index": 1}


class Vocabulary:
    """Samples of each kind and the types known so far: turns a choice into lines and an expression."""

    def __init__(self, kinds, types):
        self.kinds = kinds
        self.types = types  # name -> TypeInfo

    def samples(self, descriptor):
        if descriptor.startswith("="):
            return 1
        if descriptor.startswith("@"):
            info = self.types.get(descriptor[1:])
            return min(len(info.makes), 2) if info else 0
        return len(self.kinds[descriptor])

    def text(self, choice, position):
        """(lines that must run before, the expression)."""
        descriptor, index = choice
        if descriptor.startswith("="):
            return [], descriptor[1:]
        if descriptor.startswith("@"):
            slot = "a%d" % position
            return instance(self.types[descriptor[1:]].makes[index], slot), slot
        return [], self.kinds[descriptor][index]


def instance(make, slot):
    """The lines of a make with the object kept in slot and all other slots named after it."""
    lines = language.rename(make[:-1] + [make[-1]], lambda index: "%s_%d" % (slot, index))
    return language.keep(lines, slot)


class Search:
    """The search for one callable. `receiver` is the make of the object a method is called on, or None."""

    def __init__(self, prober, vocabulary, symbol, shape, receiver, extra):
        self.prober = prober
        self.vocabulary = vocabulary
        self.symbol = symbol
        self.shape = shape
        self.receiver = receiver
        self.extra = extra  # Extra: literals and types worth a try here
        self.trials = 0
        self.known = {}  # text of the call -> Reply
        self.accepted = {}  # (vector, keywords) -> Reply, in order of discovery
        self.fatal = []  # (text, Reply)
        self.arity_least, self.arity_most = 0, ARITY_MAX
        self.message = ""  # the last TypeError, for the report
        self.budget = TRIALS_MAX
        # Keywords that must be given take the last positions of every vector; they are searched like all others.
        self.must = [name for name, needed in shape.keywords if needed]

    # One trial.

    def lines(self, vector, keywords=(), in_slots=False):
        """The call as scenario lines; with in_slots every argument is kept in a slot of its own."""
        lines, texts = [], []
        if self.receiver:
            lines = instance(self.receiver, "o")
        for position, choice in enumerate(vector):
            before, text = self.vocabulary.text(choice, position)
            if in_slots and not before:
                before, text = ["a%d = %s" % (position, text)], "a%d" % position
            lines += before
            name = self.keyword_at(position, vector)
            texts.append("%s=%s" % (name, text) if name else text)
        for position, (name, choice) in enumerate(keywords):
            before, text = self.vocabulary.text(choice, len(vector) + position)
            lines += before
            texts.append("%s=%s" % (name, text))
        callee = ("o." if self.receiver else "") + self.symbol.name
        return lines + ["%s(%s)" % (callee, ", ".join(texts))]

    def trial(self, vector, keywords=(), counted=True):
        """The Reply to one call, or None when it must not be made (any more)."""
        lines = self.lines(vector, keywords)
        key = "\n".join(lines)
        if key in self.known:
            return self.known[key]
        if self.endangers(vector, keywords):
            return None
        if len(self.fatal) >= FATAL_MAX or (counted and self.trials >= self.budget):
            return None
        self.trials += counted
        reply = self.in_use(lines, self.prober.run(lines))
        self.known[key] = reply
        if reply.fatal:
            self.fatal.append((lines[-1], reply))
        elif reply.line == len(lines) - 1:
            if not vector and not keywords:
                reply = self.without_arguments(reply)
                self.known[key] = reply
            if self.score(reply):
                self.accepted.setdefault((vector, keywords), reply)
        if reply.status == "type" and (not self.message or hints.arity_of(reply.text, len(vector)) is None):
            self.message = reply.text
        return reply

    def endangers(self, vector, keywords):
        """Whether a plain number would be taken for a descriptor (in the fuzzer those are its own files), or a text for
        the name of a file to make in the current folder."""
        names = [*self.shape.names[: self.positional(vector)], *self.must]
        given = [*zip(names, vector), *keywords]
        return any(
            GROUP.get(descriptor) in ("int", "big", "index", "bool")
            and hints.is_descriptor_name(name)
            or descriptor in ("str", "char", "digits", "bytes")
            and hints.is_path_name(name)
            for name, (descriptor, _) in given
        )

    def in_use(self, lines, reply):
        """What a constructor accepts may be of no use: dropwhile(1, []) only complains when it is iterated over."""
        if reply.status != "ok" or self.symbol.kind != "type":
            return reply
        for method, use in (("__next__", "next(o)"), ("__iter__", "iter(o)")):
            if hasattr(self.symbol.value, method):
                used = self.prober.run(language.keep(lines, "o") + [use])
                return probe.Reply("type", len(lines) - 1, used.type, used.text) if used.status == "type" else reply
        return reply

    def without_arguments(self, reply):
        """A call without arguments that raises cannot have wrong ones: unless it says so, that is its answer."""
        complains = reply.status == "type" and (hints.arity_of(reply.text, 0) or "argument" in reply.text)
        if self.symbol.kind == "type" or reply.status not in ("type", "exc") or complains or not self.shape.known or self.shape.required or self.must:
            return reply
        return probe.Reply("exc", reply.line, ("", "answer"), reply.text)

    def keyword_at(self, position, vector):
        """The keyword that a position of the vector stands for, or None."""
        position -= len(vector) - len(self.must)
        return self.must[position] if 0 <= position else None

    def positional(self, vector):
        return max(len(vector) - len(self.must), 0)

    @staticmethod
    def score(reply):
        """3: returned; 2: raised something that is no complaint about types; 1: looks like one; 0: refused."""
        if reply is None or reply.fatal or reply.status == "type":
            return 0
        if reply.status == "ok":
            return 3
        if reply.type[1] == "AttributeError" and "object has no attribute" in reply.text:
            return 1
        if reply.type[1] in ("SystemExit", "NameError"):
            return 1
        return 2

    def best(self, arity=None):
        scores = [self.score(reply) for (vector, _), reply in self.accepted.items() if arity in (None, len(vector))]
        return max(scores, default=0)

    # The course.

    def find(self):
        for vector in self.literal_vectors():
            self.trial(vector)
        if self.symbol.name in hints.BY_METHOD and self.best() == 3:
            return self.choose()
        self.solve_arities()
        while self.best() < 2 and self.must_too():
            self.budget = self.trials + 100
            self.solve_arities()
        full = {len(vector): vector for vector, keywords in self.ranked() if not keywords}
        for arity in sorted(full):
            if arity:
                self.vary(full[arity])
        self.try_keywords()
        return self.choose()

    def solve_arities(self):
        start = ()
        for arity in self.arities():
            if not self.arity_least <= arity <= self.arity_most:
                continue
            solved = self.solve(self.guess(arity + len(self.must), start))
            if solved is not None:
                start = solved

    def must_too(self):
        """Takes one more keyword for required, when a TypeError says that it is; False when there is none."""
        keywords = [name for name, _ in self.shape.keywords]
        for reply in self.known.values():
            name = hints.required_keyword(reply.text, keywords, self.arity_most) if reply.status == "type" else None
            if name and name not in self.must:
                self.must.append(name)
                return True
        return False

    def literal_vectors(self):
        return [tuple((text, 0) for text in texts) for texts in self.extra.examples]

    def arities(self):
        """Numbers of arguments to try: what the shape says first, then what is left; messages narrow it as we go."""
        shape = self.shape
        order = []
        if shape.known:
            most = min(max(shape.most(), shape.required), ARITY_MAX)
            order = list(range(shape.required, most + 1)) or [shape.required]
            if len(order) > 4:
                order = order[:3] + [order[-1]]
        tried = set()
        for arity in order:
            tried.add(arity)
            yield arity
        if self.best() == 3:
            return
        for arity in range(0, ARITY_MAX + 1):
            if arity not in tried:
                yield arity
                if self.best() == 3 and arity >= 3 or self.best() == 2 and arity >= 4:
                    return

    def candidates(self, position, size=None):
        """Descriptors for a position, the likeliest first; from `size` on positions are the required keywords."""
        names = self.shape.names
        name = names[position] if position < len(names) else names[-1] if names and self.shape.varargs else ""
        if self.must and size is not None:
            name = self.must[position - size] if position >= size else name
        found = self.extra.for_name(name)
        found += hints.by_name(name)
        default = self.shape.defaults.get(name, self)
        if default is not self:
            text = language.render(default)
            kind = {bool: "bool", int: "int", float: "float", bytes: "bytes", type(None): None}.get(type(default))
            found += [kind] if kind else []
            found += ["=" + text] if text is not None else []
        return list(dict.fromkeys(found))

    def guess(self, arity, start):
        vector = list(start[:arity]) if not self.must else []
        for position in range(len(vector), arity):
            some = [d for d in self.candidates(position, arity - len(self.must)) if self.vocabulary.samples(d)]
            vector.append((some[0] if some else "int", 0))
        return tuple(vector)

    def learn_arity(self, reply, vector):
        """True when the reply says that there must be more or fewer arguments."""
        if reply is None or reply.status != "type":
            return False
        arity = self.positional(vector)
        asked = hints.arity_of(reply.text, arity)
        if asked is None:
            return False
        least, most = asked
        if least is not None and least > arity:
            self.arity_least = max(self.arity_least, least)
        if most is not None and most < arity:
            self.arity_most = min(self.arity_most, most)
        return True

    def solve(self, vector):
        """An accepted vector of this length, score 3 if there is one, or None."""
        reply = self.trial(vector)
        if self.learn_arity(reply, vector) or not vector:
            return vector if self.score(reply) >= 2 else None
        visited = {vector}
        for _ in range(12):
            if reply is None or self.score(reply) == 3:
                break
            step = self.led_by(reply, vector, visited) if reply.status == "type" else None
            step = step or self.sweep(vector, reply, visited)
            if step is None:
                break
            vector = step
            visited.add(vector)
            reply = self.trial(vector)
        if self.best(len(vector)) < 2:
            self.uniform(len(vector))
        if self.best(len(vector)) == 2:
            self.other_samples(len(vector))
        ranked = [v for v, keywords in self.ranked() if len(v) == len(vector) and not keywords]
        return ranked[0] if ranked else None

    def led_by(self, reply, vector, visited):
        """The vector that a TypeError's text asks for, when it is a new one."""
        names = self.shape.names[: self.positional(vector)] + self.must
        position, kinds, offenders = hints.of_message(reply.text, names)
        kinds = self.extra.types_named(reply.text) + hints.sequences(reply.text) + kinds
        if not kinds:
            return None
        positions = [position] if position is not None and position < len(vector) else range(len(vector))
        for kind in kinds:
            for place in positions:
                if vector[place][0] == kind or (len(positions) > 1 and not self.offends(vector[place], offenders)):
                    continue
                step = vector[:place] + ((kind, 0),) + vector[place + 1 :]
                if step not in visited and self.vocabulary.samples(kind):
                    return step
        return None

    @staticmethod
    def offends(choice, offenders):
        """Whether a message that names these types may mean this argument."""
        if not offenders:
            return True
        likely = {
            "int": "int", "size": "int", "bigint": "int", "fd": "int", "str": "str", "char": "str", "digits": "str", "path": "str",
            "bytes": "bytes", "buffer": "bytearray", "list": "list", "strlist": "list", "pairs": "list", "none": "NoneType",
            "callable": "function", "iterator": "recipe_iter", "object": "recipe_object", "index": "recipe_index",
            "file": "BufferedRandom",
        }  # fmt: skip
        name = likely.get(choice[0], choice[0])
        return choice[0][0] in "=@" or any(name in (offender, offender.rsplit(".", 1)[-1]) for offender in offenders)

    def sweep(self, vector, reply, visited):
        """Changes one position at a time; a vector that was accepted, or else one that got another complaint."""
        before = self.complaint(reply)
        progress = None
        for place in range(len(vector)):
            for descriptor in self.alphabet(place, self.positional(vector)):
                if descriptor == vector[place][0] or not self.vocabulary.samples(descriptor):
                    continue
                step = vector[:place] + ((descriptor, 0),) + vector[place + 1 :]
                if step in visited:
                    continue
                answer = self.trial(step)
                if answer is None:
                    return None
                if self.score(answer) == 3 or (self.score(answer) == 2 and self.score(reply) < 2):
                    return step
                visited.add(step)
                complaint = self.complaint(answer)
                if progress is None and complaint != before and complaint > before:
                    progress = step
        if progress is not None:
            visited.discard(progress)
        return progress

    def complaint(self, reply):
        """What a refusal is about: (argument number, text without type names), comparable for progress."""
        import re

        if reply is None:
            return (-1, "")
        position, _, _ = hints.of_message(reply.text, self.shape.names)
        text = re.sub(r"'[\w.]+'|(?:not|got|found) [\w.]+|[\w.]+ found", "", reply.text)
        return (-1 if position is None else position, text)

    def alphabet(self, place, size):
        return list(dict.fromkeys(self.candidates(place, size) + ORDER + self.extra.types + self.extra.literals))

    def uniform(self, arity):
        """The same kind everywhere, then pairs of kinds: for callables whose arguments must agree."""
        for kind in ORDER + self.extra.types:
            if self.vocabulary.samples(kind):
                self.trial(((kind, 0),) * arity)
        if arity == 2:
            for first in ORDER[:12]:
                for second in ORDER[:12]:
                    self.trial(((first, 0), (second, 0)))
                    if self.best(2) == 3:
                        return

    def other_samples(self, arity):
        """Accepted, but only with an exception so far: other samples and literals may do better."""
        for vector in [v for (v, keywords), _ in list(self.accepted.items()) if len(v) == arity and not keywords][:4]:
            for place in range(arity):
                descriptor = vector[place][0]
                steps = [(descriptor, index) for index in range(1, self.vocabulary.samples(descriptor))]
                if descriptor in ("str", "char", "digits", "object") or descriptor[0] == "=":
                    steps += [(text, 0) for text in self.extra.literals]
                for choice in steps:
                    self.trial(vector[:place] + (choice,) + vector[place + 1 :])
                    if self.best(arity) == 3:
                        return

    def vary(self, vector):
        """Every other kind in each position of an accepted vector."""
        self.budget = max(self.budget, self.trials + 40 * len(vector))
        for place in range(len(vector)):
            hinted = self.candidates(place, self.positional(vector))
            for descriptor in self.alphabet(place, self.positional(vector)):
                if descriptor in SPECIAL and descriptor not in hinted:
                    continue
                for index in range(min(self.vocabulary.samples(descriptor), 3)):
                    reply = self.trial(vector[:place] + ((descriptor, index),) + vector[place + 1 :])
                    if reply is None or self.score(reply) != 2:
                        break

    def try_keywords(self):
        """Each keyword on top of the shortest accepted vector, then all accepted ones at once."""
        ranked = [vector for vector, keywords in self.ranked() if not keywords]
        if not ranked or not self.shape.keywords:
            return
        base = min(ranked, key=len)
        self.budget = self.trials + 120
        taken = {*self.shape.names[: self.positional(base)], *self.must}
        together = []
        for name, _ in self.shape.keywords[:12]:
            if name in taken:
                continue
            choice = self.keyword(base, name)
            if choice:
                together.append((name, choice))
        if len(together) > 1:
            self.trial(base, tuple(together))

    def keyword(self, base, name):
        default = self.shape.defaults.get(name)
        guesses = self.extra.for_name(name) + hints.by_name(name)
        if isinstance(default, bool):
            guesses.insert(0, "bool")
        elif default is not None and language.render(default) is not None:
            guesses.append("=" + language.render(default))
        for descriptor in list(dict.fromkeys(guesses + ORDER))[:14]:
            if not self.vocabulary.samples(descriptor):
                continue
            reply = self.trial(base, ((name, (descriptor, 0)),))
            if reply is None:
                continue
            if "unexpected keyword" in reply.text or "keyword argument" in reply.text:
                return None
            if self.score(reply) == 3:
                return (descriptor, 0)
        return None

    # What is kept.

    def ranked(self):
        """Accepted (vector, keywords), best first: by score, then in order of discovery."""
        rows = [(key, reply) for key, reply in self.accepted.items() if self.score(reply) >= 2]
        rows.sort(key=lambda row: -self.score(row[1]))
        return [key for key, _ in rows]

    def choose(self):
        """At most PATTERNS_MAX accepted lists that differ as much as possible, verified."""
        left = [key for key in self.ranked() if len(key[0]) + len(key[1]) <= CALL_ARGS_MAX]
        top = self.best()
        if top == 3:  # exceptions are worth one place, for the error paths
            raising = [key for key in left if self.score(self.accepted[key]) == 2][:1]
            left = [key for key in left if self.score(self.accepted[key]) == 3] + raising
        else:
            left = left[:3]
        chosen, seen = [], set()
        while left and len(chosen) < PATTERNS_MAX:
            gains = [self.gain(key, seen) for key in left]
            best = max(gains)
            if chosen and best <= 0:
                break
            key = left.pop(0 if not chosen else gains.index(best))
            seen |= self.features(key)
            chosen.append(key)
        return [self.verified(key) for key in chosen]

    def features(self, key):
        vector, keywords = key
        found = {(len(vector), "arity"), (tuple(name for name, _ in keywords), "keywords")}
        for place, (descriptor, _) in [*enumerate(vector), *keywords]:
            found.add((place, GROUP.get(descriptor, descriptor)))
        return found

    def gain(self, key, seen):
        gain = 0
        for place, what in self.features(key) - seen:
            own = what == "@%s" % self.symbol.owner
            gain += 4 if own else 6 if what in ("arity", "keywords") else WORTH.get(what, 1)
        return gain + (0 if self.score(self.accepted[key]) == 3 else -3)

    def verified(self, key):
        """The pattern of an accepted call, with a kind replaced by the one value that is known to be good where the
        other samples of the kind crash, hang, or are mostly refused."""
        vector, keywords = key
        best = self.score(self.accepted[key])
        args = [
            self.descriptor(choice, best, lambda other, place=place: (vector[:place] + (other,) + vector[place + 1 :], keywords))
            for place, choice in enumerate(vector)
        ]
        named = {
            name: self.descriptor(
                choice, best, lambda other, place=place: (vector, keywords[:place] + ((keywords[place][0], other),) + keywords[place + 1 :])
            )
            for place, (name, choice) in enumerate(keywords)
        }
        reply = self.accepted[key]
        split = self.positional(vector)
        named.update(zip(self.must, args[split:]))
        args = args[:split]
        return {"args": args, "kwargs": named, "score": best, "returns": reply.type if reply.status == "ok" else None}

    def descriptor(self, choice, best, replaced):
        descriptor, index = choice
        if descriptor[0] in "=@":
            return descriptor
        literal = "=" + self.vocabulary.kinds[descriptor][index]
        good, total = 0, 0
        for other in range(self.vocabulary.samples(descriptor)):
            reply = self.trial(*replaced((descriptor, other)), counted=False)
            if reply is None or reply.fatal:
                return literal
            total += 1
            good += self.score(reply) >= best
        # One good sample among bad ones is a special value; two are a kind.
        return descriptor if good * 2 >= total or good >= 3 else literal


class Extra:
    """What a target adds to the search for one callable: `examples`, `literals` for positions that take text, `types`
    as `@Type`, and the names by which messages and parameters call these types."""

    def __init__(self, examples, literals, types):
        self.examples = examples
        self.literals = literals
        self.types = types

    def for_name(self, name):
        name = name.lower().strip("_")
        return [text for text in self.types if name and text[1:].split(".")[-1].lower() == name]

    def types_named(self, message):
        import re

        words = set(re.findall(r"[A-Za-z_]\w*", message.partition(", not ")[0]))
        return [text for text in self.types if text[1:].split(".")[-1] in words]
