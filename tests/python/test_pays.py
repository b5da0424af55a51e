"""pays.py: which operations it makes of a catalog and of scenarios, and what it does with those that raise, crash, hang or grow.
No ratio is judged: how fast this machine is proves nothing."""

import json
import os
import sys
import tempfile
import textwrap
import unittest

from support import FOLDER, KINDS, ROOT

sys.path.insert(0, os.path.join(ROOT, "harness", "pays"))

import calls  # noqa: E402
import language  # noqa: E402
import pays  # noqa: E402

MODULE = """
import os, signal, time
class Thing:
    def __init__(self): self.items, self.left = [], 50
    def add(self, x): self.items.append(x)
    def crash(self): os.kill(os.getpid(), signal.SIGSEGV)
    def hang(self): time.sleep(60)
    def leave(self): os._exit(3)
    def slower(self): self.items.append(0); time.sleep(1e-6 * len(self.items))
    def tire(self):
        self.left -= 1
        if self.left < 0: raise ValueError("no more")
def double(x): return 2 * x
def shout(): print("{\\"answer\\": 17}")
"""


def kinds():
    with open(KINDS, encoding="utf-8") as file:
        return language.parse_kinds(file.read())


def method(name, args=()):
    return {"name": name, "owner": "Thing", "kind": "method", "native": True, "mutates": True,
            "patterns": [{"args": list(args), "kwargs": {}, "score": 3}]}


def catalog(**more):
    return {"import": "victim", "modules": [], "values": {}, "share": [], "attributes": [], "operators": [],
            "types": [{"name": "Thing", "public": True, "traits": [], "make": [["Thing()"]]}],
            "callables": [method("add", ["int"]), method("tire"),
                          {"name": "double", "owner": None, "kind": "function", "native": True,
                           "patterns": [{"args": ["object"], "kwargs": {}, "score": 2}, {"args": ["=4"], "kwargs": {}, "score": 3}]}],
            **more}


class Operations(unittest.TestCase):
    def lines(self, **more):
        return {one["name"]: one for one in pays.from_catalog(catalog(**more), kinds(), calls)}

    def test_catalog__the_first_call_that_returned(self):
        found = self.lines()
        self.assertEqual(found["double"]["line"], "double(4)")
        self.assertEqual(found["Thing.tire"]["setup"], ["o = Thing()"])

    def test_catalog__operators_and_attributes(self):
        row = {"owner": "Thing"}
        found = self.lines(operators=[{**row, "op": "[]", "args": ["int"]}, {**row, "op": "[]=", "args": ["int"], "values": ["str"]},
                                      {**row, "op": "in", "args": ["int"]}, {**row, "op": "-x"}, {**row, "op": "%", "args": ["int"]},
                                      {**row, "op": "+=", "args": ["int"]}, {**row, "op": "==", "args": ["@Thing"]}],
                           attributes=[{**row, "name": "size", "set": False}])
        self.assertEqual({"Thing[k]", "Thing[k] = v", "x in Thing", "-Thing", "Thing % x", "Thing.size (get)"},
                         set(found) - {"Thing.add", "Thing.tire", "double"})
        self.assertRegex(found["Thing[k] = v"]["line"], r"^o\[\S+\] = ")

    def test_seed__what_only_a_lane_has_is_left_out(self):
        text = textwrap.dedent("""\
            # Two of them.
            ftfuzz 1
            target victim
            setup
              a = Thing()
            thread
              a.add(1) * 32
              x = a.tire()
              x.more()
              del a
            finish
              len(a)
            schedule free
            """)
        found = pays.from_seed(text, "two")
        self.assertEqual([one["line"] for one in found], ["a.add(1)", "a.tire()"])
        self.assertEqual(found[0]["name"], "a.add(1)  [two]")

    def test_all__the_same_line_counts_once(self):
        both = pays.all_operations(catalog(), kinds(), calls, "")
        self.assertEqual(len(both), len({(tuple(one["setup"]), one["line"]) for one in both}))


class Measured(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        with open(os.path.join(self.folder.name, "victim.py"), "w", encoding="ascii") as file:
            file.write(MODULE)
        path = os.path.join(self.folder.name, "catalog.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(catalog(), file)
        arguments = ["--catalog", path, "--library", FOLDER, "--path", self.folder.name]
        self.interpreters = {gil: pays.Interpreter(gil, arguments) for gil in (True, False)}
        self.addCleanup(lambda: [one.end() for one in self.interpreters.values()])

    def run_all(self, *lines, seconds=30):
        made = [pays.operation(line, "catalog", ["o = Thing()"], line) for line in lines]
        return pays.measure_all(made, self.interpreters, 2, seconds)

    def test_measure__what_fails_is_named_and_the_rest_goes_on(self):
        document = self.run_all("o.crash()", "o.tire()", "o.add(1)", "o.leave()", "o.nothing()", "shout()", "double(3)", seconds=60)
        reasons = {row["name"]: row["reason"] for row in document["failed"]}
        self.assertIn("SIGSEGV", reasons["o.crash()"])
        self.assertIn("ValueError: no more", reasons["o.tire()"])
        self.assertIn("exit 3", reasons["o.leave()"])
        self.assertIn("AttributeError", reasons["o.nothing()"])
        self.assertEqual([row["name"] for row in document["operations"]], ["o.add(1)", "shout()", "double(3)"])
        self.assertEqual(document["trouble"], "")
        for row in document["operations"]:
            self.assertGreater(row["calls"], 0)
            self.assertEqual(set(row["separate"]), {"gil", "free"})
        self.assertIn("medians of 3 operations", document["summary"]["line"])

    def test_measure__a_call_that_hangs_is_given_up(self):
        document = self.run_all("o.hang()")
        self.assertIn("did not end", document["failed"][0]["reason"])
        self.assertIn("no operation", document["trouble"])

    def test_measure__ends_in_time(self):
        document = self.run_all(*["o.add(%d)" % i for i in range(500)], seconds=2)
        self.assertLess(document["tried"], 500)
        self.assertEqual(document["known"], 500)

    def test_interpreters__are_what_they_should_be(self):
        for gil, interpreter in self.interpreters.items():
            interpreter.start()  # raises when the GIL is not as it should be
            self.assertIsNotNone(interpreter.process, gil)


if __name__ == "__main__":
    unittest.main()
