"""Objects that no literal can write down: `$name(args)` in a scenario is `recipe_name(args)` here (recipes.def).

Each recipe stands alone (standard library only, imports inside, no recipe needs another one), because a standalone
reproducer carries a copy of just those it uses. They are made for every scenario anew, so they are cheap: no class is
created per object, and descriptors and paths come from small rings that reuse the same numbers and names.
"""


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


class recipe_evil_hash:
    """An object whose hash is another one each time."""

    def __init__(self):
        self.calls = 0

    def __hash__(self):
        self.calls += 1
        return self.calls * 7919


class recipe_evil_eq:
    """An object that is equal to everything, or to nothing, in turn."""

    def __init__(self):
        self.calls = 0

    def __eq__(self, other):
        self.calls += 1
        return self.calls % 2 == 1

    def __hash__(self):
        return 1


class recipe_del:
    """An object whose finalizer touches the target: reads it, then takes something out."""

    def __init__(self, target):
        self.target = target

    def __del__(self):
        for touch in ("__len__", "__repr__", "pop", "clear"):
            method = getattr(self.target, touch, None)
            try:
                if method is not None:
                    method()
            except Exception:
                pass  # A finalizer that raises would only print; the touch has happened.


def recipe_buffer(n):
    """A writable buffer of n bytes."""
    return bytearray(bytes(range(256)) * (n // 256 + 1))[:n]


class recipe_iter:
    """An iterator over n numbers. Not a generator: those must not be shared between threads on 3.13 and 3.14."""

    def __init__(self, n):
        self.left = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.left <= 0:
            raise StopIteration
        self.left -= 1
        return self.left


def recipe_function():
    """A callable that accepts anything and returns its first argument."""

    def function(*args, **kwargs):
        return args[0] if args else None

    return function


class recipe_object:
    """An ordinary instance of an ordinary class."""

    def __init__(self):
        self.value = 1


def recipe_fd():
    """The descriptor of an open temporary file: one memory file behind a ring of 64 high numbers.

    A target may close what it is given. Numbers from 512 on are taken by nobody else, and dup2 puts a closed one
    right, so a stale number never hits a file of the harness."""
    import os

    ring = recipe_fd.__dict__
    if "master" not in ring:
        ring["master"] = os.memfd_create("ftfuzz")
        ring["next"] = 0
    ring["next"] = (ring["next"] + 1) % 64
    fd = os.dup2(ring["master"], 512 + ring["next"], inheritable=False)
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"alpha,1\nbeta,2\n" * 300, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def recipe_file():
    """An open temporary file, binary, readable and writable; closing it is safe."""
    import io
    import os

    fd = os.memfd_create("ftfuzz")
    os.pwrite(fd, b"alpha,1\nbeta,2\n" * 300, 0)
    return io.open(fd, "r+b")


def recipe_path():
    """The path of a file that exists: one of 16, in a folder of the process's own. It lies in the working directory, which whoever
    started the process removes: most processes here end without a word to Python."""
    import os
    import tempfile

    ring = recipe_path.__dict__
    if ring.get("pid") != os.getpid():
        ring.update(pid=os.getpid(), next=0, folder=tempfile.mkdtemp(prefix="ftfuzz-", dir=os.getcwd()))
    ring["next"] = (ring["next"] + 1) % 16
    path = os.path.join(ring["folder"], "f%d" % ring["next"])
    with open(path, "wb") as file:
        file.write(b"alpha,1\nbeta,2\n" * 300)
    return path


def recipe_returns(value):
    """A callable that accepts anything and returns value."""

    def returns(*args, **kwargs):
        return value

    return returns


def recipe_subclass(base):
    """A class derived from base in Python; the same one each time, since classes only go away when GC runs."""
    known = recipe_subclass.__dict__.setdefault("known", {})
    if base not in known:
        known[base] = type("Sub" + base.__name__, (base,), {})
    return known[base]
