"""proposals.py: from notes to patterns, makes and seeds; what is not written down; the same notes give the same bytes."""

import marshal
import os
import tempfile
import tomllib
import unittest

from support import KINDS

import language
import proposals

with open(KINDS, encoding="utf-8") as _file:
    KIND_SAMPLES = language.parse_kinds(_file.read())


class Everything:
    """A prober to whom all lines are fine."""

    class Reply:
        status, fatal, line = "ok", False, 0

    def run(self, lines):
        return self.Reply()


def value(one):
    return ("v", marshal.dumps(one, 2))


def call(label, *args, outcome="ok", **named):
    return [label, list(args), named, outcome]


def note(patterns=(), lives=()):
    rows = {}
    for label, args, named, count in patterns:
        key = marshal.dumps(([row[:2] for row in args], {name: row[:2] for name, row in named.items()}), 2)
        rows.setdefault(label, {})[key] = [count, count, "ok"]
    return {"patterns": rows, "lives": list(lives), "calls": 1, "tests": []}


def propose(*notes, environment=None, skipped=(), types=(), exact=()):
    catalog = {"target": "meters", "types": list(types), "skipped": [{"name": name} for name in skipped]}
    return proposals.Proposals(list(notes), catalog, KIND_SAMPLES, {}, environment or {}, Everything(), exact)


class Patterns(unittest.TestCase):
    def args(self, proposed, label="f"):
        return [row["args"] for row in proposed.patterns if row["callable"] == label]

    def test_the_most_frequent_of_each_shape_first(self):
        rows = [("f", [value(1)], {}, 2), ("f", [value(2)], {}, 9), ("f", [value("a")], {}, 1)]
        self.assertEqual(self.args(propose(note(rows))), [["=2"], ['="a"'], ["=1"]])

    def test_what_varies_is_a_kind_as_well(self):
        rows = [("f", [value(n), value("r")], {}, 9 - n) for n in range(4)]
        self.assertIn(["int", '="r"'], self.args(propose(note(rows))))

    def test_at_most_eight(self):
        rows = [("f", [value("%d" % n)], {}, 1) for n in range(100)]
        self.assertEqual(len(self.args(propose(note(rows)))), proposals.PATTERNS_MAX)

    def test_forms(self):
        rows = [("f", [("o", "Meter")], {}, 4), ("f", [("n", "int")], {}, 3), ("f", [("k", "callable")], {"key": value(None)}, 2)]
        proposed = propose(note(rows))
        self.assertEqual(self.args(proposed), [["@Meter"], ["=int"], ["callable"]])
        self.assertEqual(proposed.patterns[-1]["kwargs"], {"key": "=None"})

    def test_what_is_never_called_is_not_proposed(self):
        self.assertEqual(propose(note([("f", [], {}, 1)]), skipped=["f"]).patterns, [])

    def test_only_refused(self):
        row = {"patterns": {"f": {marshal.dumps(([value(1)], {}), 2): [3, 0, "TypeError"]}}, "lives": [], "calls": 1, "tests": []}
        self.assertEqual(propose(row).patterns, [])

    def test_secrets_and_paths_become_kinds(self):
        environment = {"TOKEN": "swordfish", "PATH": "/opt/tools:/usr/bin"}
        for one, kind in (("x swordfish", "str"), (b"swordfish", "bytes"), ("/etc/passwd", "path"), ("a9f8e7d6c5b4a3f2e1d0c9b8a7", "str"),
                          (["a", "in /opt/tools"], "strlist"), ("\udc80", "str"), ("y" * 63, "str")):  # fmt: skip
            proposed = propose(note([("f", [value(one)], {}, 1)]), environment=environment)
            self.assertEqual(self.args(proposed), [[kind]], one)

    def test_a_number_for_a_file_is_no_number(self):
        self.assertEqual(propose(note([("f", [], {"fd": value(2)}, 1)])).patterns[0]["kwargs"], {"fd": "fd"})
        self.assertEqual(propose(note([("f", [], {"path": value("new")}, 1)])).patterns[0]["kwargs"], {"path": "path"})


class Objects(unittest.TestCase):
    METER = ["Meter", [None, 0, call("Meter", value("rate=1"))], call("Meter.configure", value(4)), call("Meter.feed", value(b"x")),
             call("Meter.window"), call("Meter.close")]  # fmt: skip

    def makes(self, proposed, name):
        return [row["lines"] for row in proposed.makes if row["type"] == name]

    def test_plain_and_prepared(self):
        plain, longest, *_ = self.makes(propose(note(lives=[self.METER])), "Meter")
        self.assertEqual(plain, ['Meter("rate=1")'])
        self.assertEqual(longest, ['s0 = Meter("rate=1")', "s0.configure(4)", 's0.feed(b"x")', "s0.window()", "max([s0])"])

    def test_through_another_object(self):
        window = ["Window", [0, 2, self.METER[4]], call("Window.mean")]
        lines = self.makes(propose(note(lives=[self.METER, window])), "Window")[0]
        self.assertEqual(lines, ['s0 = Meter("rate=1")', "s0.configure(4)", 's0.feed(b"x")', "s0.window()"])

    def test_arguments_are_made_first(self):
        pair = ["Pair", [None, 0, call("Pair", ("o", "Meter", 0), ("o", "Clock", None))]]
        clocks = [{"name": "Clock", "make": [["Clock(1)"]]}]
        lines = self.makes(propose(note(lives=[self.METER, pair]), types=clocks), "Pair")[0]
        self.assertEqual(lines, ['s0 = Meter("rate=1")', "s1 = Clock(1)", "Pair(s0, s1)"])

    def test_containers_of_them(self):
        held = ("c", "dict", "dict", [value("a"), ("c", "list", "list", [("o", "Meter", 0)])])
        proposed = propose(note([("f", [held], {}, 1)], [self.METER, ["Pair", [None, 0, call("Pair", held)]]]))
        self.assertEqual(self.makes(proposed, "Pair")[0], ['s0 = Meter("rate=1")', 'Pair({"a": [s0]})'])
        self.assertEqual(proposed.patterns[0]["args"], ["dict"])

    def test_what_cannot_be_made(self):
        pair = ["Pair", [None, 0, call("Pair", ("o", "Clock", None))], call("Pair.f")]
        proposed = propose(note(lives=[pair]))
        self.assertEqual((proposed.makes, proposed.seeds), ([], []))

    def test_what_no_line_may_call(self):
        proposed = propose(note(lives=[self.METER]), exact=["Meter"])
        self.assertEqual((proposed.makes, proposed.seeds), ([], []))
        proposed = propose(note(lives=[self.METER]), exact=["Meter"], types=[{"name": "Meter", "make": [["Meter(3)"]]}])
        self.assertIn("s0 = Meter(3)\n", proposed.seeds[0][1])
        proposed = propose(note(lives=[self.METER]), skipped=["Meter.feed"])
        self.assertNotIn("feed", str(proposed.makes) + str(proposed.seeds))

    def test_a_seed(self):
        ((name, text),) = propose(note(lives=[self.METER])).seeds
        self.assertEqual(name, "harvested-00")
        self.assertEqual(text.splitlines()[1:], [
            "ftfuzz 1", "target meters", "setup", '  s0 = Meter("rate=1")', "  s0.configure(4)", "thread", '  s0.feed(b"x")',
            "  s0.close()", "thread", "  s0.window()", "schedule pct seed=1 depth=3"])  # fmt: skip

    def test_lives_that_show_nothing_new_are_left_out(self):
        self.assertEqual(len(propose(note(lives=[self.METER, self.METER, self.METER[:3]])).seeds), 1)


class Written(unittest.TestCase):
    def rows(self):
        patterns = [("f", [value("a\n\"\\\u4e2d")], {"key": value(1)}, 1), ("g", [value({1, 2})], {}, 2)]
        return note(patterns, [Objects.METER])

    def test_toml(self):
        proposed = propose(self.rows())
        rows = tomllib.loads(proposals.toml(proposed.makes, proposed.patterns))
        self.assertEqual(rows["make"], proposed.makes)
        self.assertEqual([{"kwargs": {}, **row} for row in rows["pattern"]], proposed.patterns)

    def test_the_order_of_notes_is_no_matter(self):
        one, other = self.rows(), note([("f", [value(5)], {}, 1)])
        first, second = propose(one, other), propose(other, one)
        self.assertEqual(first.patterns, second.patterns)
        self.assertEqual((first.makes, first.seeds), (second.makes, second.seeds))

    def test_accepted(self):
        makes = [{"type": "Meter", "lines": ["Meter(1)"]}, {"type": "Meter", "lines": ["Meter(2)"]}]
        patterns = [{"callable": "f", "args": ["=1"]}, {"callable": "f", "args": ["=2"]}, {"callable": "Meter.g", "args": []}]

        def catalog(lines, args):
            rows = [{"owner": None, "name": "f", "patterns": [{"args": one, "kwargs": {}} for one in args]}]
            return {"types": [{"name": "Meter", "make": lines}], "callables": rows}

        before, after = catalog([["Meter(1)"]], [["=1"]]), catalog([["Meter(1)"], ["Meter(2)"]], [["=1"], ["=2"]])
        kept = proposals.accepted(makes, patterns, before, after)
        self.assertEqual(kept, (makes[1:], patterns[1:2]))


if __name__ == "__main__":
    unittest.main()
