"""recording.py: what is noted about a call, without the helper that tells it; and that nothing is asked of the values."""

import marshal
import os
import tempfile
import unittest

from support import FOLDER  # noqa: F401  (puts harness/python on sys.path)

import recording


class Meter:
    pass


class Strange(type):
    def __getattribute__(cls, name):
        raise AssertionError("a class was asked for %s" % name)


class Odd(metaclass=Strange):
    def __getattribute__(self, name):
        raise AssertionError("an object was asked for %s" % name)


def recorder(folder="."):
    return recording.Recorder({"types": {(__name__, "Meter"): "Meter"}}, folder)


def value_of(snapshot):
    return marshal.loads(snapshot[1])


class Snapshots(unittest.TestCase):
    def test_plain_values(self):
        for value in (None, True, 7, 1.5, "abc", b"abc", (1, [2, {3}]), {"a": [4]}):
            form, data = recorder().snapshot(value)
            self.assertEqual((form, marshal.loads(data)), ("v", value))

    def test_a_copy_is_taken(self):
        value = [1]
        snapshot = recorder().snapshot(value)
        value.append(2)
        self.assertEqual(value_of(snapshot), [1])

    def test_too_large(self):
        self.assertEqual(recorder().snapshot("x" * 1000), ("k", "str"))
        self.assertEqual(recorder().snapshot(1 << 1000), ("k", "bigint"))
        self.assertEqual(recorder().snapshot(["x"] * 1000), ("k", "strlist"))
        self.assertEqual(recorder().snapshot([[[[[1]]]]]), ("k", "list"))

    def test_kinds(self):
        with tempfile.TemporaryFile() as file:
            self.assertEqual(recorder().snapshot(file), ("k", "file"))
        for value, kind in ((bytearray(2), "buffer"), (iter([1]), "iterator"), (lambda: 1, "callable"), (Meter, "type"),
                            (object(), "object")):  # fmt: skip
            self.assertEqual(recorder().snapshot(value), ("k", kind))
        self.assertEqual(recorder().snapshot(int), ("n", "int"))

    def test_a_subclass_of_a_plain_type_is_its_kind(self):
        class Text(str):
            def __repr__(self):
                raise AssertionError

        self.assertEqual(recorder().snapshot(Text("a")), ("k", "str"))

    def test_nothing_is_asked(self):
        self.assertEqual(recording.kind_of(type.__call__(Odd)), "object")


class Lives(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.mkdir(os.path.join(self.folder.name, "records"))
        self.recorder = recorder(self.folder.name)

    def call(self, label, args, result, names=None, failed=False):
        self.recorder.after(self.recorder.before(label, args, names), failed, result)

    def test_a_life(self):
        meter = Meter()
        self.call("Meter", ("rate",), meter)
        self.call(("feed",), (meter, b"x"), 1)
        self.call(("window",), (meter, 4), TypeError, names=("size",), failed=True)
        name, origin, feed, window = self.recorder.lives[0]
        self.assertEqual((name, origin[0], origin[2][0]), ("Meter", None, "Meter"))
        self.assertEqual((feed[0], value_of(feed[1][0]), feed[3]), ("Meter.feed", b"x", "ok"))
        self.assertEqual((value_of(window[2]["size"]), window[3]), (4, "TypeError"))

    def test_an_argument_knows_its_life(self):
        meter = Meter()
        self.call("Meter", (), meter)
        self.call("combine", (meter,), None)
        (key,) = self.recorder.patterns["combine"]
        self.assertEqual(marshal.loads(key), ([("o", "Meter")], {}))

    def test_a_container_of_them(self):
        meter = Meter()
        self.call("Meter", (), meter)
        form, kind, name, items = self.recorder.snapshot({"a": meter})
        self.assertEqual((form, kind, name, items[1]), ("c", "dict", "dict", ("o", "Meter", 0)))
        self.assertEqual(self.recorder.snapshot([object()]), ("k", "list"))

    def test_a_method_that_makes_one(self):
        first, second = Meter(), Meter()
        self.call("Meter", (), first)
        self.call(("feed",), (first,), None)
        self.call(("copy",), (first,), second)
        self.assertEqual(self.recorder.lives[1][1][:2], [0, 1])  # of the first one, after one call

    def test_objects_without_calls_take_nobodys_place(self):
        kept = [Meter() for _ in range(recording.LIVES_MAX + 50)]
        for meter in kept:
            self.call("Meter", (), meter)
        self.assertEqual(len(self.recorder.lives), recording.UNUSED_MAX)
        self.call(("feed",), (kept[-1],), None)
        self.assertEqual(len(self.recorder.lives[-1]), 3)

    def test_no_object_is_kept_alive(self):
        import sys

        meter, data = Meter(), bytes(bytearray(b"abc"))
        before = sys.getrefcount(meter), sys.getrefcount(data)
        self.call("Meter", (data,), meter)
        self.call(("feed",), (meter, data), data)
        self.assertEqual((sys.getrefcount(meter), sys.getrefcount(data)), before)

    def test_flush(self):
        self.call("Meter", ("a",), Meter())
        self.recorder.flush()
        with open(os.path.join(self.folder.name, "records", "%d.marshal" % os.getpid()), "rb") as file:
            note = marshal.load(file)
        self.assertEqual((note["calls"], list(note["patterns"]), len(note["tests"])), (1, ["Meter"], 1))


if __name__ == "__main__":
    unittest.main()
