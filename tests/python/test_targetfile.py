"""targetfile.py: what a target file may say, and how a wrong one is refused."""

import glob
import os
import tempfile
import unittest

from support import KINDS, ROOT

import language
import targetfile

with open(KINDS, encoding="utf-8") as _file:
    KIND_NAMES = language.parse_kinds(_file.read())


def load(text):
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        file.write(text)
    try:
        return targetfile.load(file.name, KIND_NAMES)
    finally:
        os.unlink(file.name)


class Load(unittest.TestCase):
    def refused(self, text):
        with self.assertRaises(targetfile.TargetFileError) as caught:
            load(text)
        message = str(caught.exception)
        self.assertIn(".toml", message)
        self.assertNotIn("\n", message)
        return message

    def test_load__everything(self):
        settings = load(
            """
            [target]
            import = "xml.etree.ElementTree"
            contract = "no-crash"
            share = ["Element"]
            [values]
            char = ['"u"']
            [[skip]]
            name = "f"
            reason = "waits"
            [[make]]
            type = "T"
            lines = ["s0 = f()", "s0.g()"]
            [[pattern]]
            callable = "h"
            args = ["int", "=5"]
            kwargs = { k = "str" }
            [blame]
            files = ["Modules/x.c"]
            """
        )
        self.assertEqual(settings.import_name, "xml.etree.ElementTree")
        self.assertEqual((settings.contract, settings.share, settings.skips), ("no-crash", ["Element"], {"f": "waits"}))
        self.assertEqual(settings.makes[0]["lines"], ["s0 = f()", "s0.g()"])
        self.assertEqual(settings.patterns[0]["kwargs"], {"k": "str"})
        self.assertEqual((settings.values, settings.blame_files), ({"char": ['"u"']}, ["Modules/x.c"]))

    def test_load__an_empty_file_means_the_defaults(self):
        self.assertEqual(load("").contract, "memory-safe")

    def test_load__refuses_with_line_and_reason(self):
        self.assertIn("line 2", self.refused("[target]\nimport = \n"))

    def test_load__names_the_known_keys(self):
        self.assertIn("known are contract, description, exact, import", self.refused("[target]\nimports = 'x'\n"))
        self.assertIn("known are blame, make", self.refused("[targets]\n"))
        self.assertIn("unknown key 'characters'", self.refused("[values]\ncharacters = []\n"))
        self.assertIn("[[make]]", self.refused("[make]\ntype = 'T'\n"))

    def test_load__checks_types_and_what_is_needed(self):
        self.assertIn("must be of type list", self.refused("[target]\nshare = 'x'\n"))
        self.assertIn("strings only", self.refused("[target]\nshare = [1]\n"))
        self.assertIn("needs 'reason'", self.refused("[[skip]]\nname = 'f'\n"))
        self.assertIn("contract is 'safe'", self.refused("[target]\ncontract = 'safe'\n"))

    def test_load__a_file_that_is_not_there(self):
        with self.assertRaises(targetfile.TargetFileError):
            targetfile.load("/nonexistent/x.toml", KIND_NAMES)

    def test_targets__all_files_of_the_tree_are_valid(self):
        paths = glob.glob(os.path.join(ROOT, "targets", "*.toml"))
        self.assertGreaterEqual(len(paths), 24)
        for path in paths:
            targetfile.load(path, KIND_NAMES)


if __name__ == "__main__":
    unittest.main()
