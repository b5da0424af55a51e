"""language.py: lines of the scenario language as Python, and values as text."""

import types
import unittest

from support import KINDS  # noqa: F401  (sets sys.path)

import language


class Translate(unittest.TestCase):
    def test_to_python__recipes_with_and_without_arguments(self):
        self.assertEqual(language.to_python("f($buffer(16), $raises)"), "f(recipe_buffer(16), recipe_raises())")

    def test_to_python__leaves_dollars_in_strings_alone(self):
        self.assertEqual(language.to_python(r'f("$raises \" $x", b"$y")'), r'f("$raises \" $x", b"$y")')

    def test_parse_kinds__every_sample_runs(self):
        world = language.World(types.ModuleType("empty"))
        with open(KINDS, encoding="utf-8") as file:
            kinds = language.parse_kinds(file.read())
        self.assertIn("int", kinds)
        for kind, samples in kinds.items():
            self.assertTrue(samples, kind)
            for sample in samples:
                world.run([sample])


class Names(unittest.TestCase):
    def setUp(self):
        self.target = types.ModuleType("target")
        self.target.len = lambda value: "the target's"

    def test_lookup__target_hides_builtins_and_slots_hide_both(self):
        world = language.World(self.target)
        self.assertEqual(world.run(["len(1)"]), "the target's")
        self.assertEqual(world.run(["len = 5", "len"]), 5)

    def test_lookup__dotted_native_modules(self):
        import sys

        name = "pack.deep._native"
        sys.modules[name] = types.SimpleNamespace(answer=42)
        try:
            world = language.World(self.target, [name])
            self.assertEqual(world.run([name + ".answer"]), 42)
            with self.assertRaises(NameError):
                language.World(self.target).run([name + ".answer"])
        finally:
            del sys.modules[name]

    def test_run__statements(self):
        world = language.World(self.target)
        self.assertEqual(world.run(["a = [1, 2]", "a[0] = 5", "del a[1]", "a += [7]", "a"]), [5, 7])


class Rename(unittest.TestCase):
    def test_numbered__names_slots_in_order_and_keeps_nothing_of_the_last(self):
        lines = ["o_0 = deque([1])", "o = iter(o_0)", "next(o)"]
        self.assertEqual(language.numbered(lines), ["s0 = deque([1])", "s1 = iter(s0)", "next(s1)"])

    def test_rename__touches_neither_strings_nor_attributes_nor_keywords(self):
        lines = ["x = f(1)", 'g("x", y.x, x, x=x)']
        self.assertEqual(language.rename(lines, lambda index: "n%d" % index), ["n0 = f(1)", 'g("x", y.x, n0, x=n0)'])

    def test_keep__puts_the_last_value_in_a_slot(self):
        self.assertEqual(language.keep(["s0 = f()", "iter(s0)"], "it"), ["s0 = f()", "it = iter(s0)"])


class Render(unittest.TestCase):
    def test_render__round_trip(self):
        numbers = [None, True, 0, -7, 2**70, 1.5, -0.0]
        texts = ["a\"b\\\n\té中\U0001f600", b"\x00\xff\"'"]
        for value in numbers + texts + [(), (1,), [1, [2]], {"k": (1, 2)}]:
            self.assertEqual(eval(language.render(value)), value)
        self.assertEqual(language.render({2, 1}), "{1, 2}")
        self.assertEqual(language.render(float("inf")), 'float("inf")')

    def test_render__what_is_no_literal_has_no_text(self):
        for value in (object(), [object()], set(), {"k": len}, range(3)):
            self.assertIsNone(language.render(value))


if __name__ == "__main__":
    unittest.main()
