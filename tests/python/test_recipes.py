"""recipes.py: one Python recipe per row of recipes.def, each cheap and harmless."""

import gc
import inspect
import os
import re
import unittest

from support import ROOT

import recipes


def rows():
    with open(os.path.join(ROOT, "harness", "scenario", "recipes.def"), encoding="utf-8") as file:
        return re.findall(r"^FTF_RECIPE\((\w+), (\d+), (\d+),", file.read(), re.M)


class Recipes(unittest.TestCase):
    def test_recipes__one_for_each_row_and_no_other(self):
        names = {name for name, _, _ in rows()}
        self.assertEqual(names, {name[7:] for name in vars(recipes) if name.startswith("recipe_")})

    def test_recipes__stand_alone(self):
        for name, _, _ in rows():
            source = inspect.getsource(getattr(recipes, "recipe_" + name))
            others = set(re.findall(r"\brecipe_\w+", source)) - {"recipe_" + name}
            self.assertEqual(others, set(), name)

    def test_mutates__every_way_to_call_back_changes_the_target(self):
        for call in (lambda m: m(), hash, len, iter, lambda m: m == 1, lambda m: m < 1, lambda m: [0][m]):
            target = [1, 2, 3]
            call(recipes.recipe_mutates(target))
            self.assertNotEqual(target, [1, 2, 3])

    def test_del__touches_the_target_when_dropped(self):
        target = [1, 2]
        recipes.recipe_del(target)
        gc.collect()
        self.assertEqual(target, [])

    def test_fd__a_closed_one_is_put_right_and_the_number_of_them_is_bounded(self):
        os.close(recipes.recipe_fd())
        numbers = {recipes.recipe_fd() for _ in range(200)}
        self.assertLessEqual(len(numbers), 64)
        self.assertTrue(all(number >= 512 for number in numbers))
        self.assertEqual(os.read(min(numbers), 5), b"alpha")

    def test_path__exists_and_is_private(self):
        paths = {recipes.recipe_path() for _ in range(40)}
        self.assertLessEqual(len(paths), 16)
        for path in paths:
            self.assertTrue(os.path.getsize(path) > 0)
            self.assertEqual(os.stat(os.path.dirname(path)).st_mode & 0o077, 0)

    def test_the_rest(self):
        with recipes.recipe_file() as file:
            self.assertEqual(file.readline(), b"alpha,1\n")
        self.assertEqual([0, 1, 2, 3][recipes.recipe_index(3)], 3)
        self.assertEqual(list(recipes.recipe_iter(3)), [2, 1, 0])
        self.assertEqual(len(recipes.recipe_buffer(300)), 300)
        self.assertEqual(recipes.recipe_function()(5, key=1), 5)
        self.assertEqual(recipes.recipe_returns(7)(1, 2), 7)
        self.assertTrue(issubclass(recipes.recipe_subclass(list), list))
        self.assertIs(recipes.recipe_subclass(list), recipes.recipe_subclass(list))
        self.assertNotEqual(*[hash(value) for value in [recipes.recipe_evil_hash()] for _ in range(2)])
        evil = recipes.recipe_evil_eq()
        self.assertNotEqual(evil == 1, evil == 1)
        with self.assertRaises(recipes.recipe_raises.Raised):
            recipes.recipe_raises()()
        self.assertEqual(recipes.recipe_object().value, 1)


if __name__ == "__main__":
    unittest.main()
