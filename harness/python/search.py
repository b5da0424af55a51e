"""Finds the arguments a callable accepts, by trial.

The search goes position by position and lets TypeErrors lead it: they tell how many arguments are wanted, which one
is wrong and what it should have been. It ends after a counted number of trials, never after a time.

Reading order: Search.find() is the whole course. Per number of arguments, solve() looks for one accepted vector
(calls.py says what that is): led_by() follows the message, sweep() tries each position, uniform() the same kind
everywhere. Then vary() tries other kinds in each position, try_keywords() each keyword.
"""

import re

import hints
import language
import stubs
from calls import score

ARITY_MAX = 6
STEPS_MAX = 12  # from the first guess to an accepted vector

# The order in which kinds are tried where nothing is known.
ORDER = """int str list bytes callable dict float none tuple char pairs buffer iterator file type path fd set object
size bool index strlist digits bigint""".split()
# Kinds that make sense in a position only when something speaks for them, though much accepts them.
SPECIAL = frozenset(("fd", "path", "file", "type", "strlist", "digits"))


class Extra:
    """What a target adds to the search: `examples` are whole argument lists, `literals` texts for positions that take
    text, `types` its types as `@Type`."""

    def __init__(self, examples, literals, types):
        self.examples = examples
        self.literals = literals
        self.types = types

    def for_name(self, name):
        """The types that a parameter is named after."""
        name = name.lower().strip("_")
        return [text for text in self.types if name and text[1:].split(".")[-1].lower() == name]

    def types_named(self, message):
        """The types that a message asks for."""
        words = set(re.findall(r"[A-Za-z_]\w*", message.partition(", not ")[0]))
        return [text for text in self.types if text[1:].split(".")[-1] in words]


class Search:
    """The search for one callable; what it finds is in `calls`."""

    def __init__(self, calls, extra):
        self.calls = calls
        self.shape = calls.shape
        self.extra = extra
        self.arity_least, self.arity_most = 0, ARITY_MAX

    def find(self):
        calls = self.calls
        for texts in self.extra.examples:
            calls.trial(tuple((text, 0) for text in texts))
        if calls.symbol.name in hints.BY_METHOD and calls.best() == 3:
            return
        self.solve_arities()
        while calls.best() < 2 and self.must_too():
            calls.budget = calls.count + 100
            self.solve_arities()
        full = {len(vector): vector for vector, keywords in calls.ranked() if not keywords}
        for arity in sorted(full):
            self.vary(full[arity])
        self.try_keywords()

    # The number of arguments.

    def solve_arities(self):
        start = ()
        for arity in self.arities():
            if self.arity_least <= arity <= self.arity_most:
                start = self.solve(self.guess(arity, start)) or start

    def arities(self):
        """Numbers of arguments to try: what the shape says first, then what is left; messages narrow it as we go."""
        shape, best = self.shape, self.calls.best
        order = []
        if shape.known:
            order = list(range(shape.required, min(shape.most(), ARITY_MAX) + 1)) or [shape.required]
            if len(order) > 4:
                order = order[:3] + order[-1:]
        yield from order
        if best() == 3:
            return
        for arity in range(ARITY_MAX + 1):
            if arity not in order:
                yield arity
                if (best() == 3 and arity >= 3) or (best() == 2 and arity >= 4):
                    return

    def learn_arity(self, reply, vector):
        """True when the reply says that there must be more or fewer arguments."""
        given = self.calls.positional(vector)
        asked = hints.arity_of(reply.text, given) if reply is not None and reply.status == "type" else None
        if asked is None:
            return False
        least, most = asked
        if least is not None and least > given:
            self.arity_least = max(self.arity_least, least)
        if most is not None and most < given:
            self.arity_most = min(self.arity_most, most)
        return True

    def must_too(self):
        """Takes one more keyword for required, when a TypeError says that it is; False when there is none."""
        keywords = [name for name, _ in self.shape.keywords]
        for reply in self.calls.known.values():
            if reply.status == "type":
                name = hints.required_keyword(reply.text, keywords, self.arity_most)
                if name and name not in self.calls.must:
                    self.calls.must.append(name)
                    return True
        return False

    # One accepted vector.

    def solve(self, vector):
        """An accepted vector of this length, one that returns if there is one, or None."""
        calls = self.calls
        reply = calls.trial(vector)
        if self.learn_arity(reply, vector) or not vector:
            return None
        visited = {vector}
        for _ in range(STEPS_MAX):
            if reply is None or score(reply) == 3:
                break
            step = self.led_by(reply, vector, visited) if reply.status == "type" else None
            step = step or self.sweep(vector, reply, visited)
            if step is None:
                break
            vector = step
            visited.add(vector)
            reply = calls.trial(vector)
        if calls.best(len(vector)) < 2:
            self.uniform(len(vector))
        if calls.best(len(vector)) == 2:
            self.other_samples(len(vector))
        return next((v for v, keywords in calls.ranked() if len(v) == len(vector) and not keywords), None)

    def guess(self, arity, start):
        """A first vector with that many positional arguments, from an accepted shorter one and the names."""
        must = len(self.calls.must)
        vector = [] if must else list(start[:arity])
        for position in range(len(vector), arity + must):
            some = [d for d in self.candidates(position, arity) if self.calls.vocabulary.samples(d)]
            vector.append((some[0] if some else "int", 0))
        return tuple(vector)

    def candidates(self, position, positional):
        """Descriptors for a position, the likeliest first; required keywords follow after the positional ones."""
        names = self.shape.names
        if position >= positional:
            name = self.calls.must[position - positional]
        elif position < len(names):
            name = names[position]
        else:
            name = names[-1] if names and self.shape.varargs else ""
        return list(dict.fromkeys(self.extra.for_name(name) + self.by_annotation(name) + self.by_default(name)))

    def by_annotation(self, name):
        """What the annotation of a parameter says, or else its name."""
        annotated = stubs.kinds_of(self.shape.annotations.get(name, ""), [text[1:] for text in self.extra.types])
        named = hints.by_name(name)
        return [d for d in named if d in annotated or d[0] == "="] + annotated + named

    def by_default(self, name):
        """What the default of a parameter says about its kind, and the default itself."""
        if name not in self.shape.defaults:
            return []
        default = self.shape.defaults[name]
        kind = {bool: "bool", int: "int", float: "float", bytes: "bytes"}.get(type(default))
        text = language.render(default)
        return ([kind] if kind else []) + (["=" + text] if text is not None else [])

    def alphabet(self, position, positional):
        found = self.candidates(position, positional) + ORDER + self.extra.types + self.extra.literals
        return [descriptor for descriptor in dict.fromkeys(found) if self.calls.vocabulary.samples(descriptor)]

    def led_by(self, reply, vector, visited):
        """The vector that a TypeError's text asks for, when it is a new one."""
        names = self.shape.names[: self.calls.positional(vector)] + self.calls.must
        position, kinds, offenders = hints.of_message(reply.text, names)
        places = range(len(vector)) if position is None or position >= len(vector) else [position]
        for kind in self.extra.types_named(reply.text) + hints.sequences(reply.text) + kinds:
            for place in places:
                if vector[place][0] == kind or (len(places) > 1 and not hints.may_be(vector[place][0], offenders)):
                    continue
                step = replaced(vector, place, (kind, 0))
                if step not in visited and self.calls.vocabulary.samples(kind):
                    return step
        return None

    def sweep(self, vector, reply, visited):
        """Changes one position at a time; a vector that was accepted, or else one that got another complaint."""
        before = self.complaint(reply)
        progress = None
        for place in range(len(vector)):
            for descriptor in self.alphabet(place, self.calls.positional(vector)):
                step = replaced(vector, place, (descriptor, 0))
                if step in visited:
                    continue
                answer = self.calls.trial(step)
                if answer is None:
                    return None
                if score(answer) == 3 or (score(answer) == 2 and score(reply) < 2):
                    return step
                visited.add(step)
                if progress is None and self.complaint(answer) > before:
                    progress = step
        return progress

    def complaint(self, reply):
        """What a refusal is about: (argument number, text without type names), comparable for progress."""
        position, _, _ = hints.of_message(reply.text, self.shape.names)
        text = re.sub(r"'[\w.]+'|(?:not|got|found) [\w.]+|[\w.]+ found", "", reply.text)
        return (-1 if position is None else position, text)

    def uniform(self, length):
        """The same kind everywhere, then pairs of kinds: for callables whose arguments must agree."""
        for kind in self.alphabet(0, length):
            if kind not in SPECIAL or length == 1:
                self.calls.trial(((kind, 0),) * length)
        if length == 2:
            for first in ORDER[:12]:
                for second in ORDER[:12]:
                    self.calls.trial(((first, 0), (second, 0)))
                    if self.calls.best(2) == 3:
                        return

    def other_samples(self, length):
        """Accepted, but only with an exception so far: other samples and literals may do better."""
        calls = self.calls
        for vector in [v for (v, keywords), _ in list(calls.accepted.items()) if len(v) == length and not keywords][:4]:
            for place, (descriptor, _) in enumerate(vector):
                steps = [(descriptor, index) for index in range(1, calls.vocabulary.samples(descriptor))]
                if descriptor in ("str", "char", "digits", "object") or descriptor[0] == "=":
                    steps += [(text, 0) for text in self.extra.literals]
                for choice in steps:
                    calls.trial(replaced(vector, place, choice))
                    if calls.best(length) == 3:
                        return

    # More of them.

    def vary(self, vector):
        """Every other kind in each position of an accepted vector."""
        calls, split = self.calls, self.calls.positional(vector)
        calls.budget = max(calls.budget, calls.count + 40 * len(vector))
        for place in range(len(vector)):
            hinted = self.candidates(place, split)
            for descriptor in self.alphabet(place, split):
                if descriptor in SPECIAL and descriptor not in hinted:
                    continue
                for index in range(min(calls.vocabulary.samples(descriptor), 3)):
                    if score(calls.trial(replaced(vector, place, (descriptor, index)))) != 2:
                        break

    def try_keywords(self):
        """Each keyword on top of the shortest accepted vector, then all accepted ones at once."""
        calls = self.calls
        ranked = [vector for vector, keywords in calls.ranked() if not keywords]
        if not ranked or not self.shape.keywords:
            return
        base = min(ranked, key=len)
        calls.budget = calls.count + 120
        taken = {*self.shape.names[: calls.positional(base)], *calls.must}
        together = []
        for name, _ in self.shape.keywords[:12]:
            choice = None if name in taken else self.keyword(base, name)
            if choice:
                together.append((name, choice))
        if len(together) > 1:
            calls.trial(base, tuple(together))

    def keyword(self, base, name):
        """A choice that a keyword accepts, or None."""
        for descriptor in list(dict.fromkeys(self.extra.for_name(name) + self.keyword_hints(name) + ORDER))[:14]:
            if not self.calls.vocabulary.samples(descriptor):
                continue
            reply = self.calls.trial(base, ((name, (descriptor, 0)),))
            if reply is None or "unexpected keyword" in reply.text or "keyword argument" in reply.text:
                return None
            if score(reply) == 3:
                return (descriptor, 0)
        return None

    def keyword_hints(self, name):
        default = self.by_default(name)
        named = self.by_annotation(name)
        return default + named if default[:1] == ["bool"] else named + default


def replaced(vector, place, choice):
    """The vector with another choice in one place."""
    return vector[:place] + (choice,) + vector[place + 1 :]
