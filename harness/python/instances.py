"""What instances of a type have besides methods, all by trial: attributes to read, set and delete, and operators."""

import hints
from calls import instance, score
from search import ORDER, SPECIAL

# operator -> the method that a type must define for it. How it is written is in _text.
BINARY = {
    "+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "//": "__floordiv__", "%": "__mod__",
    "@": "__matmul__", "**": "__pow__", "&": "__and__", "|": "__or__", "^": "__xor__", "<<": "__lshift__",
    ">>": "__rshift__", "==": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__",
    "in": "__contains__", "+=": "__iadd__", "-=": "__isub__", "*=": "__imul__", "&=": "__iand__", "|=": "__ior__",
    "^=": "__ixor__", "[]": "__getitem__", "[]=": "__setitem__", "del[]": "__delitem__",
}  # fmt: skip
PREFIX = {"-x": "__neg__", "~x": "__invert__"}
OPERANDS = "int str char list dict set tuple bytes float pairs iterator buffer none index bool object size".split()
STORED = "int str bytes float list object dict none".split()
KEPT_MAX = 5  # kinds per attribute or operator


def attribute(prober, vocabulary, info, name, saw):
    """The catalog's row of one attribute, or None when reading it is dangerous. saw(reply, lines) notes its type."""
    receiver = instance(info.makes[0], "o")
    read = receiver + ["o.%s" % name]
    reply = prober.run(read)
    if reply.fatal:
        return None
    saw(reply, read)
    accepts = []
    for kind in [kind for kind in ORDER if kind not in SPECIAL] + _own(info):
        before, text = vocabulary.text((kind, 0), 0)
        reply = prober.run(receiver + before + ["o.%s = %s" % (name, text)])
        if reply.status == "ok":
            accepts.append(kind)
        elif reply.fatal or (reply.status == "exc" and reply.type[1] == "AttributeError"):
            break  # read-only: no other value will do either
    deleted = prober.run(receiver + ["del o.%s" % name]).status == "ok"
    kept = _varied(accepts)
    return {"owner": info.name, "name": name, "set": bool(accepts), "delete": deleted, "accepts": kept}


def defines(cls, symbol):
    """Whether a type defines an operator itself (every object can be compared, somehow)."""
    method = BINARY.get(symbol) or PREFIX[symbol]
    definer = next((base for base in cls.__mro__ if method in base.__dict__), object)
    return definer is not object and definer.__dict__[method] is not None


def operator(prober, vocabulary, info, symbol, saw):
    """The catalog's row of one operator, or None when no operand was accepted or one was dangerous."""
    receiver = instance(info.makes[0], "o")
    if symbol in PREFIX:
        lines = receiver + [symbol[0] + "o"]
        reply = prober.run(lines)
        saw(reply, lines)
        return {"owner": info.name, "op": symbol, "args": []} if reply.status == "ok" else None
    returning, raising, stored = [], [], []
    for kind in _own(info) + OPERANDS:
        for value in STORED if symbol == "[]=" else [None]:
            before, text = vocabulary.text((kind, 0), 0)
            lines = receiver + before + [_text(symbol, text, value and vocabulary.kinds[value][0])]
            reply = prober.run(lines)
            if reply.fatal:
                return None
            if reply.status == "ok":
                saw(reply, lines)
                returning.append(kind)
                stored.append(value)
            elif score(reply) == 2:
                raising.append(kind)
    kinds = _varied(returning or raising)
    if not kinds:
        return None
    row = {"owner": info.name, "op": symbol, "args": kinds}
    if symbol == "[]=":
        row["values"] = _varied(stored) or ["int"]
    return row


def _own(info):
    return [] if "endless" in info.traits else ["@" + info.name]


def _text(symbol, operand, value):
    if symbol == "[]=":
        return "o[%s] = %s" % (operand, value)
    if symbol in ("[]", "del[]"):
        return "%so[%s]" % ("del " if symbol == "del[]" else "", operand)
    return "%s in o" % operand if symbol == "in" else "o %s %s" % (symbol, operand)


def _varied(kinds):
    """One kind of each family first, then the rest, a few in all."""
    first, rest, families = [], [], set()
    for kind in dict.fromkeys(kinds):
        (rest if hints.family(kind) in families else first).append(kind)
        families.add(hints.family(kind))
    return (first + rest)[:KEPT_MAX]
