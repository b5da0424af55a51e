"""The process that hammer.py starts again and again: hammer_child.py MODULE SEED THREADS SECONDS.

In each round it makes one or two objects of every type of the module that it can make and lets all threads call what
they and the module offer. Arguments are random; shapes that did not raise TypeError are preferred, because
otherwise nearly every call of a module with strict arguments is refused.
"""

import gc
import importlib
import operator
import random
import sys
import threading
import time

CALLS = 60  # of each thread in each round
REPEAT = 100  # how often a call is made when it is repeated
KEEP = 12  # objects that a round shares
FORBIDDEN = ("exit", "abort", "fork", "exec", "kill", "spawn", "system", "input", "breakpoint", "sleep", "wait")


def make_values(rng):
    """Arguments for one round. Made anew each time, so that some of them die with it."""
    return [
        None, True, False, 0, 1, 2, 3, 7, -1, 100, 255, 2**70, 1.5, -2.25, "", "abc", "k", "a b c", f"x{rng.random()}",
        b"", b"abc", b"\x81\x01\x02", bytes(200), (), (1, 2), [1, 2, 3], [], {"a": 1}, {1, 2}, len, repr,
    ]  # fmt: skip


def attributes_of(made):
    """The names of the public methods and attributes of a type that may be called or changed."""
    return [name for name in dir(made) if not name.startswith("_") and not any(word in name for word in FORBIDDEN)]


def set_or_delete(thing, name, value, delete):
    if delete:
        delattr(thing, name)
    else:
        setattr(thing, name, value)


def exhaust(iterator):
    for _, _ in zip(range(50), iterator):
        pass


SLOTS = [
    lambda thing, a, b: [getattr(thing, name) for name in dir(type(thing)) if not name.startswith("_")],
    lambda thing, a, b: len(thing),
    lambda thing, a, b: repr(thing),
    lambda thing, a, b: str(thing),
    lambda thing, a, b: hash(thing),
    lambda thing, a, b: bool(thing),
    lambda thing, a, b: iter(thing),
    lambda thing, a, b: next(thing),
    lambda thing, a, b: exhaust(iter(thing)),
    lambda thing, a, b: thing == a,
    lambda thing, a, b: thing[a],
    lambda thing, a, b: operator.setitem(thing, a, b),
    lambda thing, a, b: operator.delitem(thing, a),
    lambda thing, a, b: a in thing,
    lambda thing, a, b: thing + a,
    lambda thing, a, b: float(thing),
    lambda thing, a, b: bytes(memoryview(thing)),
    lambda thing, a, b: memoryview(thing),
    lambda thing, a, b: sys.getsizeof(thing),
    lambda thing, a, b: operator.length_hint(thing),
]


class Hammer:
    """One thread's share of a round: what it knows of shapes of arguments stays with it."""

    def __init__(self, seed, functions):
        self.rng = random.Random(seed)
        self.functions = functions
        self.attributes = {}  # type: its attributes_of
        self.shapes = {}  # name of a callable: lists of indices into the values

    def arguments(self, name, pool):
        """Random arguments for a callable, and the shape to remember when it accepts them."""
        known = self.shapes.get(name)
        if known and self.rng.random() < 0.8:
            shape = self.rng.choice(known)
        else:
            shape = [self.rng.randrange(len(pool)) for _ in range(self.rng.choice((0, 0, 1, 1, 1, 2, 2, 3)))]
        return [pool[index % len(pool)] for index in shape], shape

    def call(self, name, function, values, things):
        """Calls with random arguments, once or many times; the last result, or None when it raised."""
        arguments, shape = self.arguments(name, values + things)
        result = None
        try:
            for _ in range(self.repeats()):
                result = function(*arguments)
        except TypeError:
            return None
        except Exception:
            result = None
        known = self.shapes.setdefault(name, [])
        if len(known) < 40:
            known.append(shape)
        return result

    def repeats(self):
        return REPEAT if self.rng.random() < 0.1 else 1

    def make(self, types, values):
        """The objects that a round shares."""
        things = []
        for made in types:
            for _ in range(30):
                thing = self.call(made.__name__, made, values, things)
                if thing is not None:
                    things.append(thing)
                    if sum(type(other) is made for other in things) == 2:
                        break
        return things

    def act(self, values, things, home):
        """One random call."""
        rng = self.rng
        if self.functions and (not things or rng.random() < 0.3):
            name, function = rng.choice(self.functions)
            result = self.call(name, function, values, things)
        elif things:
            result = self.act_on(rng.choice(things), values, things)
        else:
            return
        if type(result).__module__ == home and len(things) < KEEP:
            things.append(result)

    def act_on(self, thing, values, things):
        rng = self.rng
        made = type(thing)
        if made not in self.attributes:
            self.attributes[made] = attributes_of(made)
        names = self.attributes[made]
        if not names or rng.random() < 0.3:
            slot, a, b = rng.choice(SLOTS), rng.choice(values), rng.choice(values)
            for _ in range(self.repeats()):
                slot(thing, a, b)
            return None
        name = rng.choice(names)
        attribute = getattr(thing, name)
        if callable(attribute):
            return self.call(f"{made.__name__}.{name}", attribute, values, things)
        value, delete = rng.choice(values), rng.random() < 0.1
        for _ in range(self.repeats()):
            set_or_delete(thing, name, value, delete)
        return None

    def round(self, start, values, things, home):
        start.wait()
        for _ in range(CALLS):
            try:
                self.act(values, things, home)
            except Exception:
                pass  # A call that is refused is no finding.
        if self.rng.random() < 0.01:
            gc.collect()


def main(module_name, seed, threads, seconds):
    module = importlib.import_module(module_name)
    public = {name: value for name, value in vars(module).items() if not name.startswith("_") and callable(value)}
    types = [value for value in public.values() if isinstance(value, type)]
    functions = [
        (name, value)
        for name, value in public.items()
        if not isinstance(value, type) and not any(word in name for word in FORBIDDEN)
    ]
    functions += [(made.__name__, made) for made in types]
    hammers = [Hammer(seed * 1000 + number, functions) for number in range(threads)]
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        values = make_values(hammers[0].rng)
        things = hammers[0].make(types, values)
        start = threading.Barrier(threads)
        team = [
            threading.Thread(target=hammer.round, args=(start, values, things, module_name), daemon=True)
            for hammer in hammers
        ]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
    print(f"hammer: {rounds} rounds", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
