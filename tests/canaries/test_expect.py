"""expect.py: what it accepts, what it refuses and why, and that the table of all canaries is whole."""

import pathlib
import unittest

import expect

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTIONS = "static int f(int a) { return a; }\nstatic int g(void) {\n}\nstatic NOINLINE long h(\n    int a) {\n}\n"


def alternatives(comment):
    return expect.parse(f"/* expect: {comment} */\n{FUNCTIONS}", "x.c")


class Parse(unittest.TestCase):
    def test_one_function(self):
        (only,) = alternatives("segv plain,tsan,asan in f")
        self.assertEqual(only.to_json(), {"kind": "segv", "flavours": ["plain", "tsan", "asan"], "functions": [["f"]]})

    def test_a_pair_of_sets(self):
        (only,) = alternatives("data-race tsan in f|g <-> h")
        self.assertEqual(only.sides, [{"f", "g"}, {"h"}])

    def test_several_lines(self):
        self.assertEqual(
            [a.kind for a in alternatives("data-race tsan in f <-> f;\n           use-after-free asan in g")],
            ["data-race", "use-after-free"],
        )

    def test_refusals_say_why(self):
        for comment, reason in (
            ("data-race tsan f <-> g", "is not 'kind flavours in functions"),
            ("data-race tsan in f <-> g <-> h", "is not 'kind flavours in functions"),
            ("data-race tsan in f;", "is not 'kind flavours in functions"),
            ("datarace tsan in f", "no kind 'datarace'"),
            ("data-race msan in f", "no flavour 'msan'"),
            ("data-race tsan, in f", "no flavour ''"),
            ("data-race tsan in missing", "no static function 'missing'"),
        ):
            with self.subTest(comment), self.assertRaisesRegex(expect.ExpectError, reason):
                alternatives(comment)

    def test_the_comment_comes_first(self):
        with self.assertRaisesRegex(expect.ExpectError, "must begin with"):
            expect.parse("\n/* expect: data-race tsan in f */\n" + FUNCTIONS, "x.c")


class Match(unittest.TestCase):
    def accepts(self, comment, *finding):
        return any(a.accepts(*finding) for a in alternatives(comment))

    def test_a_pair_has_no_order(self):
        for pair in (["f", "g"], ["g", "f"]):
            self.assertTrue(self.accepts("data-race tsan in f <-> g", "tsan", "data-race", pair))

    def test_one_frame_does_not_meet_two_sides(self):
        self.assertFalse(self.accepts("data-race tsan in f <-> f", "tsan", "data-race", ["f", "list_clear"]))
        self.assertFalse(self.accepts("data-race tsan in f <-> f", "tsan", "data-race", ["f"]))

    def test_the_other_side_may_be_anything(self):
        self.assertTrue(self.accepts("data-race tsan in f", "tsan", "data-race", ["list_clear", "f"]))

    def test_kind_and_flavour_count(self):
        self.assertFalse(self.accepts("data-race tsan in f", "asan", "data-race", ["f"]))
        self.assertFalse(self.accepts("data-race tsan in f", "tsan", "segv", ["f"]))


class Table(unittest.TestCase):
    def test_every_class_has_one_canary(self):
        canaries = expect.load(ROOT / "targets" / "canaries")
        self.assertEqual([c.bug_class for c in canaries], [f"K{n}" for n in range(1, 28)])

    def test_bug_and_twin_differ(self):
        for canary in expect.load(ROOT / "targets" / "canaries"):
            self.assertIn("FIXED", canary.source.read_text(), canary.module)


if __name__ == "__main__":
    unittest.main()
