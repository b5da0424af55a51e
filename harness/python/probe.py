"""Trials in a forked child, so that a crash, a hang, an exit or a memory bomb costs one trial only.

The parent has imported the target and never calls it; each Prober forks one child from that clean state and sends
it questions, and a child that dies is replaced by a fresh one. Limits are counted in CPU time and in a child's
run-state, not in wall time: a loaded machine gives the same answers.

    prober.run(["o = OrderedDict()", "o.popitem()"]) -> Reply("exc", line=1, type="KeyError", text="...")
"""

import marshal
import os
import sys

from language import Names, render

CPU_SECONDS = 0.3  # of one trial; ordinary calls take microseconds
MEMORY_BYTES = 2 << 30
FILE_BYTES = 16 << 20
BLOCKED_POLLS = 4  # a child asleep this many times in a row, without having run, waits for something that never comes
POLL_MS = 40
WALL_SECONDS = 10.0  # a child that keeps waking up; only such a one ever gets here


class Reply:
    """How a trial ended. `status`: ok, type (TypeError), exc (another exception), memory, crash, hang, blocked."""

    __slots__ = ("status", "line", "type", "text", "size")

    def __init__(self, status, line=0, type=None, text="", size=-1):
        self.status = status  # what happened
        self.line = line  # index of the line that did it
        self.type = type  # (module, qualified name) of the value or of the exception
        self.text = text  # the exception's message; "same" for a value that was there before
        self.size = size  # len() of the value, -1 when it has none

    @property
    def fatal(self):
        return self.status in ("memory", "crash", "hang", "blocked")


class Prober:
    """A child that answers questions about `world`."""

    def __init__(self, world, folder):
        self.world = world
        self.folder = folder
        self.pid = 0
        self.deaths = 0

    # Questions.

    def run(self, lines):
        return self._ask("run", lines)

    def traits(self, lines):
        """The traits of the value that lines make, in Reply.text; `empty` is said of an iterator at its end."""
        return self._ask("traits", lines)

    def render(self, lines):
        """The value of the last line as a literal in Reply.text; empty when it is none."""
        return self._ask("render", lines)

    def mutates(self, lines):
        """Whether the last line changes what the lines before it made: yes, no or unknown in Reply.text."""
        return self._ask("mutates", lines)

    # The child's life.

    def restart(self):
        """The next question goes to a fresh child."""
        self._end()

    close = restart

    def _start(self):
        question, answer = os.pipe(), os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(question[1])
            os.close(answer[0])
            try:
                _serve(self.world, self.folder, question[0], answer[1])
            finally:
                os._exit(0)
        os.close(question[0])
        os.close(answer[1])
        self._to, self._from = question[1], answer[0]

    def _end(self):
        """Kills the child and reaps it; the status it ended with."""
        if not self.pid:
            return 0
        import signal

        for kill in (os.killpg, os.kill):  # the group first: whatever the child started goes with it
            try:
                kill(self.pid, signal.SIGKILL)
            except OSError:
                pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self._to)
        os.close(self._from)
        self.pid = 0
        return status

    def _ask(self, verb, lines):
        if not self.pid:
            self._start()
        try:
            _send(self._to, (verb, tuple(lines)))
        except OSError:
            return self._died(len(lines) - 1)
        state = self._wait()
        if state:
            self.deaths += 1
            self._end()
            text = "waits for something" if state == "blocked" else "does not end"
            return Reply(state, line=len(lines) - 1, text=text)
        try:
            return Reply(*_receive(self._from))
        except EOFError:
            return self._died(len(lines) - 1)

    def _wait(self):
        """None when an answer (or the end of the child) is there, else what is wrong with the child."""
        import select
        import time

        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        asleep, last, start = 0, None, time.monotonic()
        while not poll.poll(POLL_MS):
            state = _run_state(self.pid)
            asleep = asleep + 1 if state and state == last else 0
            last = state
            if asleep >= BLOCKED_POLLS:
                return "blocked"
            if time.monotonic() - start > WALL_SECONDS:
                return "hang"
        return None

    def _died(self, line):
        import signal

        self.deaths += 1
        pid, status = os.waitpid(self.pid, 0)
        self._forget()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGPROF:
                return Reply("hang", line, text="does not end")
            return Reply("crash", line, text=signal.Signals(number).name)
        return Reply("crash", line, text="exit(%d)" % os.WEXITSTATUS(status))

    def _forget(self):
        os.close(self._to)
        os.close(self._from)
        self.pid = 0


def _run_state(pid):
    """What changes when the process runs, or None while it runs or waits for a CPU or a disk."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/%d/schedstat" % pid) as file:
            ran = file.read().split()
    except OSError:
        return None
    return (fields[11], fields[12], ran[0], ran[2]) if fields[0] in "STt" else None


def _send(fd, value):
    data = marshal.dumps(value)
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[os.write(fd, data) :]


def _receive(fd):
    def exactly(count):
        parts = []
        while count:
            part = os.read(fd, min(count, 65536))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    return marshal.loads(exactly(int.from_bytes(exactly(4), "little")))


# The rest runs in the child.


def _serve(world, folder, question, answer):
    import _signal as signal
    import gc
    import resource

    # High numbers, so that what the target opens and closes is numbered as always, and never hits the pipes.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    top = min(limit, 1024) - 1
    question, answer = os.dup2(question, top - 1), os.dup2(answer, top)
    os.closerange(3, top - 1)
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    os.chdir(folder)
    os.umask(0o077)
    for number, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, FILE_BYTES)):
        resource.setrlimit(number, (value, value))
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * 4096
    if mapped < MEMORY_BYTES:  # a sanitized interpreter maps terabytes
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        ignored = number in (signal.SIGPIPE, signal.SIGXFSZ)
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    gc.disable()
    if "random" in sys.modules:  # whose shared generator is seeded by the system: other trials, other catalog
        sys.modules["random"].seed(0)
    sys.unraisablehook = lambda args: None
    verbs = {"run": _run, "traits": _traits, "mutates": _mutates, "render": _render}
    while True:
        try:
            verb, lines = _receive(question)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        reply = _guarded(verbs[verb], world, lines)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(answer, reply)


def _guarded(verb, world, lines):
    progress = [0]
    try:
        return verb(world, lines, progress)
    except MemoryError:
        return ("memory", progress[0], ("builtins", "MemoryError"), "needs too much memory")
    except BaseException as error:
        kind = type(error)
        try:
            text = str(error)[:300]
        except BaseException:
            text = ""
        status = "type" if kind is TypeError else "exc"
        return (status, progress[0], (kind.__module__, kind.__qualname__), text)


def _values(world, lines, progress):
    """The slots and the value of the last line."""
    names = Names(world)
    value = world.execute(lines, names, progress)
    return names.slots, value


def _run(world, lines, progress):
    slots, value = _values(world, lines, progress)
    kind = type(value)
    same = any(value is other for name, other in slots.items() if not lines[-1].startswith(name + " = "))
    size = -1
    if hasattr(kind, "__len__"):
        try:
            size = len(value)
        except Exception:
            pass  # A closed or half-made object may refuse; it counts as one without a length.
    return ("ok", progress[0], (str(kind.__module__), kind.__qualname__), "same" if same else "", size)


def _render(world, lines, progress):
    text = render(_values(world, lines, progress)[1])
    return ("ok", progress[0], None, text if text and len(text) < 400 else "")


ITEMS_MAX = 10_000  # an iterator that gives more counts as endless


def _traits(world, lines, progress):
    import collections.abc as abc
    import copy
    import pickle

    def works(function):
        try:
            function()
        except Exception:
            return False
        return True

    def fresh():
        return _values(world, lines, progress)[1]

    def ends():
        for count, _ in enumerate(fresh()):
            if count >= ITEMS_MAX:
                return False
        return True

    value = fresh()
    kind = type(value)
    traits = []
    if works(lambda: iter(value)):
        traits.append("iterable")
    if hasattr(kind, "__next__"):
        traits.append("iterator")
        try:
            finite = ends()
        except Exception:
            finite = True
        if not finite:
            traits.append("endless")
        if not works(lambda: next(fresh())):
            traits.append("empty")
    if works(lambda: len(value)):
        traits.append("sized")
    if isinstance(value, abc.Mapping) or (hasattr(kind, "keys") and hasattr(kind, "__getitem__")):
        traits.append("mapping")
    elif hasattr(kind, "__getitem__") and hasattr(kind, "__len__"):
        traits.append("sequence")
    if works(lambda: memoryview(value).release()):
        traits.append("buffer")
    if hasattr(kind, "__enter__") and hasattr(kind, "__exit__"):
        traits.append("context")
    if works(lambda: hash(fresh())):
        traits.append("hashable")
    if works(lambda: copy.copy(fresh())):
        traits.append("copyable")
    if works(lambda: pickle.dumps(fresh())):
        traits.append("picklable")
    if callable(value):
        traits.append("callable")
    return ("ok", 0, None, " ".join(traits))


def _mutates(world, lines, progress):
    """Compares a picture of every slot before and after the last line."""
    slots, _ = _values(world, lines[:-1], progress)
    names = Names(world)
    names.slots = slots
    # An argument that is an iterator is used up by whoever takes it; that says nothing about the callable.
    looked_at = {name: value for name, value in slots.items() if name == "o" or not hasattr(type(value), "__next__")}
    before = {name: _picture(value) for name, value in looked_at.items()}
    world.execute(lines[-1:], names, progress)
    changed = any(_picture(slots[name]) != picture for name, picture in before.items() if name in slots)
    telling = any(picture for picture in before.values())
    return ("ok", 0, None, "yes" if changed else "no" if telling else "unknown")


def _picture(value):
    """All that can be seen of an object without changing it; empty when that is nothing."""
    import copy
    import re

    seen = []

    def look(name, function):
        try:
            text = re.sub(r"0x[0-9a-f]+", "0x", str(function())[:4000])
        except Exception as error:
            text = type(error).__name__
            if text in ("TypeError", "AttributeError"):
                return
        seen.append((name, text))

    look("len", lambda: len(value))
    look("bytes", lambda: bytes(memoryview(value).cast("B")[:4096]))
    if type(value).__repr__ is not object.__repr__:
        look("repr", lambda: repr(value))
    if hasattr(type(value), "__next__"):
        look("rest", lambda: [item for _, item in zip(range(8), copy.copy(value))])
    for name in sorted(dir(type(value))):
        member = getattr(type(value), name, None)
        if type(member).__name__ in ("getset_descriptor", "member_descriptor", "property") and name[0] != "_":
            look(name, lambda: repr(getattr(value, name)))
    for name in ("tell", "getvalue", "getstate", "__getstate__"):
        method = getattr(value, name, None)
        if callable(method):
            look(name, lambda: repr(method()))
    return seen
