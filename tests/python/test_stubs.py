"""stubs.py: annotations of a shipped .pyi file as hints."""

import os
import tempfile
import types
import unittest

from support import KINDS  # noqa: F401  (sets sys.path)

import hints
import stubs

STUB = """
import sys
from typing import Callable, Optional
class Tree:
    def __init__(self, root: Optional[dict[str, int]] = ..., /) -> None: ...
    @staticmethod
    def load(path: StrPath) -> Tree: ...
    if sys.version_info >= (3, 9):
        def walk(self, visit: Callable[[int], None], depth: int = ..., *, flag: bool) -> None: ...
def merge(a: Tree, b: Tree) -> Tree: ...
"""


class Stubs(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "__init__.pyi"), "w", encoding="utf-8") as file:
                file.write(text)
            return stubs.read(types.SimpleNamespace(__file__=os.path.join(folder, "__init__.py")))

    def test_read__functions_methods_and_constructors(self):
        self.assertEqual(sorted(self.read(STUB)), ["Tree", "Tree.load", "Tree.walk", "merge"])

    def test_read__a_stub_that_is_missing_or_broken_says_nothing(self):
        self.assertEqual(self.read("def f(:"), {})
        self.assertEqual(stubs.read(types.SimpleNamespace()), {})

    def test_improve__gives_names_to_a_callable_without_a_signature(self):
        shape = hints.Shape()
        stubs.improve(shape, self.read(STUB)["Tree.walk"])
        self.assertEqual((shape.names, shape.required), (["visit", "depth"], 1))
        self.assertEqual(shape.keywords, [("depth", False), ("flag", True)])

    def test_improve__leaves_a_known_signature_alone(self):
        shape = hints.shape_of(lambda visit: None, "", "walk", False)
        stubs.improve(shape, self.read(STUB)["Tree.walk"])
        self.assertEqual(shape.names, ["visit"])
        self.assertEqual(stubs.kinds_of(shape.annotations["visit"], []), ["callable"])

    def test_kinds_of__types_of_the_catalog_come_first(self):
        self.assertEqual(stubs.kinds_of("Optional[Tree]", ["Tree", "x.Other"]), ["@Tree", "none"])
        self.assertEqual(stubs.kinds_of("ReadableBuffer", []), ["bytes", "buffer"])


if __name__ == "__main__":
    unittest.main()
