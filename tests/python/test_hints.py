"""hints.py: what messages, names and docstrings tell."""

import unittest

from support import KINDS  # noqa: F401  (sets sys.path)

import hints
import language


class Arity(unittest.TestCase):
    def test_arity_of__the_ways_cpython_says_it(self):
        cases = [
            ("f() takes no arguments (1 given)", 1, (0, 0)),
            ("f() takes exactly one argument (2 given)", 2, (1, 1)),
            ("f expected 2 arguments, got 0", 0, (2, 2)),
            ("f expected at least 1 argument, got 0", 0, (1, None)),
            ("f expected at most 2 arguments, got 3", 3, (None, 2)),
            ("f() takes from 1 to 2 positional arguments but 4 were given", 4, (1, 2)),
            ("f() takes 1 positional argument but 3 were given", 2, (0, 0)),
            ("T takes from 1 to 2 positional arguments but 3 were given", 2, (0, 1)),
            ("f() missing 2 required positional arguments: 'a' and 'b'", 1, (3, None)),
            ("f() missing required argument 'b' (pos 2)", 1, (2, None)),
            ("pack expected 1 items for packing (got 2)", 2, None),
            ("must be str, not int", 1, None),
        ]
        for message, given, expected in cases:
            self.assertEqual(hints.arity_of(message, given), expected, message)


class Messages(unittest.TestCase):
    def test_of_message__position_and_kind(self):
        cases = [
            ("f() argument 2 must be str, not int", 1, "str"),
            ("f() argument 'errors' must be str, not int", 1, "str"),
            ("a bytes-like object is required, not 'str'", None, "bytes"),
            ("'float' object cannot be interpreted as an integer", None, "int"),
            ("readinto() argument 1 must be read-write bytes-like object, not bytes", 0, "buffer"),
            ("'int' object is not iterable", None, "list"),
            ("must be real number, not str", None, "float"),
            ("array() argument 1 must be a unicode character, not int", 0, "char"),
            ("key must be callable", None, "callable"),
            ("cannot convert sequence element #0 to a sequence", None, "pairs"),
            ("dict expected, got 'int'", None, "dict"),
        ]
        for message, position, kind in cases:
            found, kinds, _ = hints.of_message(message, ["encoding", "errors"])
            self.assertEqual((found, kinds[:1]), (position, [kind]), message)

    def test_of_message__names_the_offender(self):
        self.assertIn("str", hints.of_message("a bytes-like object is required, not 'str'", [])[2])
        self.assertIn("int", hints.of_message("'int' object is not iterable", [])[2])

    def test_required_keyword__only_where_it_cannot_be_positional(self):
        message = "f() missing required argument 'salt' (pos 2)"
        self.assertEqual(hints.required_keyword(message, [], 1), "salt")
        self.assertIsNone(hints.required_keyword(message, [], 6))
        self.assertEqual(hints.required_keyword("n is required and must be an unsigned int", ["n"], 1), "n")

    def test_sequences__gives_a_tuple_of_that_length(self):
        self.assertEqual(hints.sequences("structseq() takes a 3-sequence (1-sequence given)"), ["=(1, 1, 1)"])


class Docstrings(unittest.TestCase):
    def test_shape_of__usage_line_when_there_is_no_signature(self):
        shape = hints.shape_of(dict.fromkeys, "f(fmt, v1[, v2, ...]) -> bytes\n", "f", False)
        self.assertTrue(shape.known)
        self.assertEqual(hints._from_usage("fmt, v1[, v2]").names, ["fmt", "v1", "v2"])
        self.assertEqual(hints._from_usage("fmt, v1[, v2]").required, 2)
        self.assertTrue(hints._from_usage("fmt, v1, ...").varargs)

    def test_examples__literal_arguments_of_doctest_lines(self):
        doc = ">>> struct.pack('ih', 1, 2)\n>>> pack(x)\n>>> print(pack('h', 3))\n"
        self.assertEqual(hints.examples(doc, "pack", language.render), [["=\"ih\"", "=1", "=2"]])
        self.assertEqual(hints.examples(">>> pack(1) + unpack(2)\n", "pack", language.render), [])

    def test_by_name__falls_back_to_parts_of_the_name(self):
        self.assertEqual(hints.by_name("encoding"), ['="utf-8"'])
        self.assertEqual(hints.by_name("buffer_size")[0], "size")
        self.assertEqual(hints.by_name("no_such_thing_at_all"), [])


if __name__ == "__main__":
    unittest.main()
