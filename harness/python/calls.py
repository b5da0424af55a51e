"""Calls of one callable: how a list of argument choices becomes scenario lines, and what each trial of it gave.

A *descriptor* says what an argument may be: the name of a kind, `@Type`, or `=text` (harness/scenario/catalog.h). A
*choice* is (descriptor, index of the sample), a *vector* is a tuple of choices, one per argument. Keywords that must
always be given take the last positions of a vector, so that they are searched like all others.
"""

import hints
import language
import probe

FATAL_MAX = 4  # trials per callable that crashed, hung or blocked; then it is left alone
TRIALS_MAX = 320  # per callable, before it is known what it accepts

# What a trial answers that must not be made.
REFUSED = probe.Reply("type")


class Vocabulary:
    """Samples of each kind and the types known so far: turns a choice into lines and an expression."""

    def __init__(self, kinds, types):
        self.kinds = kinds
        self.types = types  # name -> TypeInfo

    def samples(self, descriptor):
        """How many samples there are to choose from."""
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
    return language.keep(language.rename(make, lambda index: "%s_%d" % (slot, index)), slot)


class Calls:
    """All that was tried with one callable. `receiver` is the make of the object a method is called on, or None."""

    def __init__(self, prober, vocabulary, symbol, shape, receiver):
        self.prober = prober
        self.vocabulary = vocabulary
        self.symbol = symbol
        self.shape = shape
        self.receiver = receiver
        self.must = [name for name, needed in shape.keywords if needed]  # keywords in every vector's last positions
        self.known = {}  # lines of the call -> Reply
        self.accepted = {}  # (vector, keywords) -> Reply, in order of discovery
        self.fatal = []  # (last line, Reply)
        self.message = ""  # what the last TypeError said that was not about the number of arguments
        self.count = 0
        self.budget = TRIALS_MAX

    def positional(self, vector):
        """How many of a vector's positions are no keywords."""
        return max(len(vector) - len(self.must), 0)

    def lines(self, vector, keywords=(), in_slots=False):
        """The call as scenario lines; with in_slots every argument is kept in a slot of its own."""
        lines = instance(self.receiver, "o") if self.receiver else []
        split = self.positional(vector)
        named = [*zip([None] * split + self.must, vector), *keywords]
        texts = []
        for position, (name, choice) in enumerate(named):
            before, text = self.vocabulary.text(choice, position)
            if in_slots and not before:
                before, text = ["a%d = %s" % (position, text)], "a%d" % position
            lines += before
            texts.append("%s=%s" % (name, text) if name else text)
        callee = ("o." if self.receiver else "") + self.symbol.name
        return lines + ["%s(%s)" % (callee, ", ".join(texts))]

    def trial(self, vector, keywords=(), counted=True):
        """The Reply to one call; None when there is no budget left for another one."""
        lines = self.lines(vector, keywords)
        key = "\n".join(lines)
        if key in self.known:
            return self.known[key]
        if self._endangers(vector, keywords):
            return REFUSED
        if len(self.fatal) >= FATAL_MAX or (counted and self.count >= self.budget):
            return None
        self.count += counted
        reply = self._in_use(lines, self.prober.run(lines))
        if not vector and not keywords:
            reply = self._without_arguments(reply)
        self.known[key] = reply
        if reply.fatal:
            self.fatal.append((lines[-1], reply))
        elif reply.status == "type":
            if not self.message or hints.arity_of(reply.text, len(vector)) is None:
                self.message = reply.text
        elif score(reply) and reply.line == len(lines) - 1:
            self.accepted.setdefault((vector, keywords), reply)
        return reply

    def _endangers(self, vector, keywords):
        """Whether a plain number would be taken for a descriptor (in the fuzzer those are its own files), or a text for
        the name of a file to make in the current folder."""
        names = [*self.shape.names[: self.positional(vector)], *self.must]
        return any(
            (hints.is_descriptor_name(name) and hints.family(descriptor) in ("int", "big", "index", "bool"))
            or (hints.is_path_name(name) and descriptor in ("str", "char", "digits", "bytes"))
            for name, (descriptor, _) in [*zip(names, vector), *keywords]
        )

    def _in_use(self, lines, reply):
        """What a constructor accepts may be of no use: dropwhile(1, []) only complains when it is iterated over."""
        if reply.status != "ok" or self.symbol.kind != "type":
            return reply
        for method, use in (("__next__", "next(o)"), ("__iter__", "iter(o)")):
            if hasattr(self.symbol.value, method):
                used = self.prober.run(language.keep(lines, "o") + [use])
                return probe.Reply("type", len(lines) - 1, used.type, used.text) if used.status == "type" else reply
        return reply

    def _without_arguments(self, reply):
        """A call without arguments that raises cannot have wrong ones: unless it says so, that is its answer."""
        may_have_none = self.shape.known and not self.shape.required and not self.must and self.symbol.kind != "type"
        if reply.status not in ("type", "exc") or not may_have_none:
            return reply
        if reply.status == "type" and (hints.arity_of(reply.text, 0) or "argument" in reply.text):
            return reply
        return probe.Reply("exc", reply.line, ("", "answer"), reply.text)

    def best(self, arity=None):
        """The best score so far, of vectors of that length or of all."""
        scores = [score(reply) for (vector, _), reply in self.accepted.items() if arity in (None, len(vector))]
        return max(scores, default=0)

    def ranked(self):
        """Accepted (vector, keywords), best first: by score, then in order of discovery."""
        rows = [(key, reply) for key, reply in self.accepted.items() if score(reply) >= 2]
        rows.sort(key=lambda row: -score(row[1]))
        return [key for key, _ in rows]


def score(reply):
    """3: returned; 2: raised something that is no complaint about types; 1: looks like one; 0: refused."""
    if reply is None or reply.fatal or reply.status == "type":
        return 0
    if reply.status == "ok":
        return 3
    if reply.type[1] == "AttributeError" and "object has no attribute" in reply.text:
        return 1
    return 1 if reply.type[1] in ("SystemExit", "NameError") else 2
