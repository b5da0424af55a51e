import copy
import operator
import sample as target
try: from sample import Thing
except ImportError: import Thing
try: from sample import sample
except ImportError: import sample


class recipe_raises:
    """A callable that raises an exception of its own class."""

    class Raised(Exception):
        pass

    def __call__(self, *args, **kwargs):
        raise self.Raised("raised by a callback")


class recipe_index:
    """An object that is n through __index__."""

    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n

    def __index__(self):
        return self.n


class recipe_mutates:
    """Mutates its target first, whichever way it is called back: it shrinks it and lets it grow again in turn."""

    SHRINK = ("clear", "popitem", "popleft", "pop", "cache_clear", "truncate", "reset", "close")
    GROW = (("append", (1,)), ("add", (1,)), ("update", ([("m", 1)],)), ("extend", (b"mn",)), ("write", (b"m",)))

    def __init__(self, target):
        self.target = target
        self.calls = 0

    def mutate(self):
        self.calls += 1
        shrink = [(name, ()) for name in self.SHRINK]
        for name, args in shrink if self.calls % 2 else self.GROW:
            method = getattr(self.target, name, None)
            if method is None:
                continue
            try:
                method(*args)
                return
            except Exception:
                pass  # Not the way to mutate this target, or not now: the next one may be.

    def __call__(self, *args, **kwargs):
        self.mutate()
        return args[0] if args else None

    def __eq__(self, other):
        self.mutate()
        return False

    def __lt__(self, other):
        self.mutate()
        return True

    def __hash__(self):
        self.mutate()
        return 1

    def __index__(self):
        self.mutate()
        return 0

    def __iter__(self):
        self.mutate()
        return iter((1, 2))

    def __len__(self):
        self.mutate()
        return 2


def setup():
    a = None
    b = None
    try: a = Thing([1, 2.5, "x", b"\x00", (), (1,), {1, 2}, {"k": None}], key=True)
    except Exception: pass
    try: b = sample.sub.Thing(float("inf"), -0.5, 0xff, -18446744073709551617)
    except Exception: pass
    return (a, b)


def lane_1(a, b):
    arg_1 = recipe_index(3)
    for _ in range(32):
        try: x = a.method(1, recipe_mutates(a), key=arg_1)
        except Exception: pass
    try: x(a)
    except Exception: pass
    try: a.attribute
    except Exception: pass
    try: a.attribute = recipe_raises()
    except Exception: pass
    try: del a.attribute
    except Exception: pass
    try: y = a[0]
    except Exception: pass
    try: a["k"] = x
    except Exception: pass
    try: del a[-1]
    except Exception: pass


def lane_2(a, b):
    try: 1 in a
    except Exception: pass
    for _ in range(4):
        try: a ** b
        except Exception: pass
    try: operator.ior(a, b)
    except Exception: pass
    try: -a
    except Exception: pass
    try: ~b
    except Exception: pass
    try: len(a)
    except Exception: pass
    try: copy.deepcopy(b)
    except Exception: pass
    try:
        with a: pass
    except Exception: pass
    try: del b
    except Exception: pass
    try: gc.collect()
    except Exception: pass
    try: "\u4e2d\U0001f600\ud800\xe9\n".encode()
    except Exception: pass


def lane_3(a, b):
    pass


def finish(a, b):
    try: repr(a)
    except Exception: pass


SCENARIOS = [
    (setup, [lane_1, lane_2, lane_3], finish, True),
]
