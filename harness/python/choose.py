"""Which of the accepted argument lists the catalog keeps: a few that differ, each checked with the other samples."""

import hints
from calls import score

PATTERNS_MAX = 6  # kept per callable
ARGUMENTS_MAX = 16  # FTF_ARGS_MAX of scenario.h

# What another lane can change while the callee looks at it, or what calls back: worth more than a plain value.
_WORTH = {"list": 3, "dict": 3, "buffer": 3, "iterator": 2, "callable": 2, "set": 2, "object": 2}


def choose(calls):
    """The patterns of a callable, best first, as the catalog writes them but for the key of what they return."""
    left = [key for key in calls.ranked() if len(key[0]) + len(key[1]) <= ARGUMENTS_MAX]
    returning = [key for key in left if score(calls.accepted[key]) == 3]
    raising = [key for key in left if score(calls.accepted[key]) == 2]
    left = returning + raising[:1] if returning else raising[:3]  # one for the error paths, or a few of nothing better
    chosen, seen = [], set()
    while left and len(chosen) < PATTERNS_MAX:
        gains = [_gain(calls, key, seen) for key in left]
        best = max(gains)
        if chosen and best <= 0:
            break
        key = left.pop(gains.index(best) if chosen else 0)
        seen |= _features(key)
        chosen.append(key)
    return [_verified(calls, key) for key in chosen]


def _features(key):
    """What a list of arguments shows that another one may not."""
    vector, keywords = key
    found = {(len(vector), "arity"), (tuple(name for name, _ in keywords), "keywords")}
    for place, (descriptor, _) in [*enumerate(vector), *keywords]:
        # A descriptor is a number, too: worth nothing beside one, unless nothing else was accepted.
        found.add((place, "int" if descriptor == "fd" else hints.family(descriptor)))
    return found


def _gain(calls, key, seen):
    gain = 0 if score(calls.accepted[key]) == 3 else -3
    for _, what in _features(key) - seen:
        if what in ("arity", "keywords"):
            gain += 6
        else:
            gain += 4 if what == "@%s" % calls.symbol.owner else _WORTH.get(what, 1)
    return gain


def _verified(calls, key):
    """The pattern of an accepted call, with a kind replaced by the one value that is known to be good where other
    samples of the kind crash or hang, or are mostly refused."""
    vector, keywords = key

    def positional(place):
        return lambda choice: (vector[:place] + (choice,) + vector[place + 1 :], keywords)

    def keyword(place):
        name = keywords[place][0]
        return lambda choice: (vector, keywords[:place] + ((name, choice),) + keywords[place + 1 :])

    reply = calls.accepted[key]
    args = [_generalized(calls, key, choice, positional(place)) for place, choice in enumerate(vector)]
    named = {name: _generalized(calls, key, choice, keyword(place)) for place, (name, choice) in enumerate(keywords)}
    split = calls.positional(vector)
    named.update(zip(calls.must, args[split:]))
    returns = reply.type if reply.status == "ok" else None
    return {"args": args[:split], "kwargs": named, "score": score(reply), "returns": returns}


def _generalized(calls, key, choice, replaced):
    """The kind of a choice when its other samples do as well, else the sample itself."""
    descriptor, index = choice
    if descriptor[0] in "=@":
        return descriptor
    literal = "=" + calls.vocabulary.kinds[descriptor][index]
    wanted = score(calls.accepted[key])
    good, total = 0, calls.vocabulary.samples(descriptor)
    for other in range(total):
        reply = calls.trial(*replaced((descriptor, other)), counted=False)
        if reply is None or reply.fatal:
            return literal
        good += score(reply) >= wanted
    # One good sample among bad ones is a special value; half of them, or three, are a kind.
    return descriptor if good * 2 >= total or good >= 3 else literal
