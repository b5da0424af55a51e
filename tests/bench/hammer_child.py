"""The process that hammer.py starts again and again: hammer_child.py MODULE SEED THREADS SECONDS.

In each round it makes one or two objects of every type of the module that it can make, and all threads at once call what they
and the module offer, on the shared objects. Arguments are random; shapes that did not raise TypeError are preferred, because
otherwise nearly every call of a module with strict arguments is refused. What a call returns is shared, too, so that iterators,
views and the like take part.
"""

import gc
import importlib
import operator
import random
import sys
import threading
import time
import types

CALLS = 150  # of each thread in each round: enough to make up for the two barriers, few enough to see fresh objects often
REPEAT = 100  # how often a call is made when it is repeated
KEEP = 24  # objects that a round shares
GROWN = 2000  # items: what is larger is emptied before it is handed to a method again, or `extend(itself)` fills the memory
FORBIDDEN = ("exit", "abort", "fork", "exec", "kill", "spawn", "system", "input", "breakpoint", "sleep", "wait")
# Results of these types are plain values, which nobody needs to share; sharing a generator crashes the interpreter itself.
PLAIN = (type(None), bool, int, float, complex, str, bytes, tuple, type, types.GeneratorType, types.FunctionType,
         types.BuiltinFunctionType, types.ModuleType, type(NotImplemented))


def make_values(rng):
    """Arguments for one round. Made anew each time, so that some of them die with it."""
    return [
        None, True, False, 0, 1, 2, 3, 7, -1, 100, 255, 2**70, 1.5, -2.25, "", "abc", "k", "a b c", f"x{rng.random()}", "i", "B",
        b"", b"abc", b"\x81\x01\x02", bytes(200), bytearray(b"abcdefgh"), (), (1, 2), (3, 1, 2), [1, 2, 3], ["a,b", "c,d"], [], {"a": 1},
        {1: 2, "k": "v"}, {1, 2}, [("k", 1), ("m", 2)], range(5), len, repr, str, int, list, lambda *_: 1, slice(0, 2), object(),
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


def change_state(thing, a, b):
    thing.__setstate__(thing.__reduce_ex__(2)[2])


SLOTS = [
    lambda thing, a, b: [getattr(thing, name) for name in dir(type(thing)) if not name.startswith("_")],
    lambda thing, a, b: len(thing),
    lambda thing, a, b: repr(thing),
    lambda thing, a, b: str(thing),
    lambda thing, a, b: hash(thing),
    lambda thing, a, b: bool(thing),
    lambda thing, a, b: iter(thing),
    lambda thing, a, b: reversed(thing),
    lambda thing, a, b: next(thing),
    lambda thing, a, b: exhaust(thing),
    lambda thing, a, b: exhaust(iter(thing)),
    lambda thing, a, b: thing == a,
    lambda thing, a, b: thing[a],
    lambda thing, a, b: operator.setitem(thing, a, b),
    lambda thing, a, b: operator.delitem(thing, a),
    lambda thing, a, b: a in thing,
    lambda thing, a, b: thing + a,
    lambda thing, a, b: thing | a,
    lambda thing, a, b: operator.iadd(thing, a),
    lambda thing, a, b: thing(a),
    lambda thing, a, b: float(thing),
    lambda thing, a, b: bytes(memoryview(thing)),
    lambda thing, a, b: memoryview(thing),
    lambda thing, a, b: thing.__copy__(),
    lambda thing, a, b: thing.__reduce_ex__(2),
    change_state,
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

    def make(self, made_types, values):
        """The objects that a round shares."""
        things = []
        for made in made_types:
            for _ in range(30):
                thing = self.call(made.__name__, made, values, things)
                if thing is not None:
                    things.append(thing)
                    if sum(type(other) is made for other in things) == 2:
                        break
        self.rng.shuffle(things)
        return things

    def act(self, values, things):
        """One random call."""
        rng = self.rng
        if self.functions and (not things or rng.random() < 0.3):
            name, function = rng.choice(self.functions)
            result = self.call(name, function, values, things)
        elif things:
            result = self.act_on(rng.choice(things), values, things)
        else:
            return
        if not isinstance(result, PLAIN):
            if len(things) < KEEP:
                things.append(result)
            elif rng.random() < 0.1:
                things[rng.randrange(len(things))] = result

    def act_on(self, thing, values, things):
        rng = self.rng
        made = type(thing)
        if made not in self.attributes:
            self.attributes[made] = attributes_of(made)
        names = self.attributes[made]
        if operator.length_hint(thing, 0) > GROWN:
            thing.clear()
        if not names or rng.random() < 0.3:
            slot, a, b = rng.choice(SLOTS), rng.choice(values), rng.choice(values)
            result = None
            for _ in range(self.repeats()):
                result = slot(thing, a, b)
            return result
        name = rng.choice(names)
        attribute = getattr(thing, name)
        if callable(attribute):
            return self.call(f"{made.__name__}.{name}", attribute, values, things)
        value, delete = rng.choice(values), rng.random() < 0.1
        for _ in range(self.repeats()):
            set_or_delete(thing, name, value, delete)
        return None

    def round(self, values, things):
        for _ in range(CALLS):
            try:
                self.act(values, things)
            except Exception:
                pass  # A call that is refused is no finding.
        if self.rng.random() < 0.01:
            gc.collect()


class Team:
    """The threads, which live as long as the process: starting eight for each round would cost more than the round."""

    def __init__(self, seed, threads, module):
        public = {name: value for name, value in vars(module).items() if not name.startswith("_") and callable(value)}
        self.types = [value for value in public.values() if isinstance(value, type)]
        functions = [(name, value) for name, value in public.items()
                     if not isinstance(value, type) and not any(word in name for word in FORBIDDEN)]
        functions += [(made.__name__, made) for made in self.types]
        self.hammers = [Hammer(seed * 1000 + number, functions) for number in range(threads)]
        self.begin, self.end = threading.Barrier(threads + 1), threading.Barrier(threads + 1)
        self.values, self.things, self.over = [], [], False

    def work(self, hammer):
        while True:
            self.begin.wait()
            if self.over:
                return
            hammer.round(self.values, self.things)
            self.end.wait()

    def run(self, seconds):
        """Rounds until the time is up; how many they were."""
        until, rounds, said = time.monotonic() + seconds, 0, 0.0
        for hammer in self.hammers:
            threading.Thread(target=self.work, args=(hammer,), daemon=True).start()
        while time.monotonic() < until:
            self.values = make_values(self.hammers[0].rng)
            self.things = self.hammers[0].make(self.types, self.values)
            self.begin.wait()
            self.end.wait()
            rounds += 1
            if time.monotonic() > said + 1:
                said = time.monotonic()
                print("hammer: alive", file=sys.stderr, flush=True)
        self.over = True
        self.begin.wait()
        return rounds


def main(module_name, seed, threads, seconds):
    module = importlib.import_module(module_name)
    print(f"hammer: {Team(seed, threads, module).run(seconds)} rounds", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
