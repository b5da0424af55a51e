"""discover.py as a whole, on modules that are made to be awkward and on a few of the standard library."""

import json
import os
import sys
import tempfile
import textwrap
import unittest

from support import callables, discover


class Awkward(unittest.TestCase):
    """Modules written here; every one must end in a catalog or in one clear line."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))

    def discover(self, name, text, *arguments):
        self.write(name + ".py", text)
        return discover(name, "--path", self.folder.name, *arguments)

    def refused(self, name, text, reason, *arguments):
        status, errors, catalog = self.discover(name, text, *arguments)
        self.assertEqual((status, catalog), (2, None), errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        self.assertIn(reason, errors)

    def test_discover__refuses_what_cannot_be_imported(self):
        self.assertIn("there is no module nosuchmodule", discover("nosuchmodule")[1])
        self.assertEqual(discover("nosuchmodule")[0], 2)
        self.refused("imports_missing", "import nosuchmodule", "No module named 'nosuchmodule'")
        self.refused("raises", "raise ValueError('two\\nlines')", "ValueError: two lines")
        self.refused("crashes", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "crashes: SIGSEGV")
        self.refused("exits", "import os\nos._exit(3)", "exit(3)")
        self.refused("leaves", "raise SystemExit('bye')", "SystemExit: bye")

    def test_discover__refuses_a_wrong_target_file(self):
        self.write("wrong.toml", "[target]\nimport = [\n")
        file = os.path.join(self.folder.name, "wrong.toml")
        self.refused("fine", "def f(): pass", "wrong.toml", "--target-file", file)

    def test_discover__a_trial_costs_itself_only(self):
        status, errors, catalog = self.discover(
            "dangerous",
            """
            import os, signal, time
            def good(text): return text.upper()
            def crashes(): os.kill(os.getpid(), signal.SIGSEGV)
            def crashes_on_str(value):
                if isinstance(value, str): os.abort()
                return value + 1
            def exits(): os._exit(0)
            def leaves(): raise SystemExit
            def loops():
                while True: pass
            def waits(): time.sleep(1000)
            def eats(): return bytearray(1 << 40)
            def closes_everything(): os.closerange(0, 1000)
            """,
        )
        self.assertEqual(status, 0, errors)
        found = callables(catalog)
        self.assertEqual(found["good"]["patterns"][0]["returns"], "str")
        self.assertIn("crashes_on_str", found)
        self.assertNotIn("str", [p["args"][0] for p in found["crashes_on_str"]["patterns"]])
        reasons = {row["name"]: row["reason"] for row in catalog["unknown"]}
        self.assertIn("SIGSEGV", reasons["crashes"])
        self.assertIn("exit(0)", reasons["exits"])
        self.assertIn("does not end", reasons["loops"])
        self.assertIn("waits", reasons["waits"])
        self.assertIn("memory", reasons["eats"])

    def test_discover__learns_arguments_and_results(self):
        _, errors, catalog = self.discover(
            "shop",
            """
            class Item:
                def __init__(self, name, price=1.0):
                    if not isinstance(name, str): raise TypeError("name must be str, not " + type(name).__name__)
                    self._name = name
                @property
                def name(self): return self._name
                @name.setter
                def name(self, value):
                    if not isinstance(value, str): raise TypeError("name must be str")
                    self._name = value
                def cheaper_than(self, other): return self._name < other._name
                def __add__(self, other): return Basket([self, other]) if isinstance(other, Item) else NotImplemented
            class Basket:
                def __init__(self, items): self._items = list(items)
                def __iter__(self): return _Walk(self._items)
                def __len__(self): return len(self._items)
                def empty(self): self._items.clear()
            class _Walk:
                def __init__(self, items): self._left = list(items)
                def __iter__(self): return self
                def __next__(self):
                    if not self._left: raise StopIteration
                    return self._left.pop()
                def skip(self, count): del self._left[:count]
            class Forever:
                def __iter__(self): return self
                def __next__(self): return 1
            def search(key, *, mode): return len(key) + (0 if mode == "x" else 1)
            """,
        )
        found = callables(catalog)
        self.assertEqual(found["Item"]["patterns"][0]["args"], ["str"], errors)
        self.assertEqual(found["Item"]["kind"], "type")
        self.assertFalse(found["Item"]["native"])
        self.assertIn(["@Item"], [p["args"] for p in found["Item.cheaper_than"]["patterns"]])
        self.assertTrue(found["Basket.empty"]["mutates"])
        self.assertIn("mode", found["search"]["patterns"][0]["kwargs"])
        self.assertIn("_Walk.skip", found)
        traits = {row["name"]: row["traits"] for row in catalog["types"]}
        self.assertIn("endless", traits["Forever"])
        self.assertNotIn("endless", traits["_Walk"])
        self.assertIn("sized", traits["Basket"])
        makes = {row["name"]: row["make"] for row in catalog["types"]}
        self.assertTrue(makes["_Walk"][0][-1].startswith("iter(s0)"))
        name = next(row for row in catalog["attributes"] if row["name"] == "name")
        self.assertEqual((name["set"], name["delete"]), (True, False))
        self.assertTrue(set(name["accepts"]) <= {"str", "char", "digits", "path"})
        self.assertIn({"owner": "Item", "op": "+", "args": ["@Item"]}, catalog["operators"])

    def test_discover__takes_what_the_target_file_adds(self):
        self.write(
            "vault.toml",
            """
            [target]
            contract = "no-crash"
            share = ["Vault"]
            exact = ["Vault.open"]
            [[make]]
            type = "Vault"
            lines = ["s0 = Key(1234)", "Vault(s0)"]
            [[pattern]]
            callable = "Vault.open"
            args = ["=1234"]
            [[skip]]
            name = "Vault.burn"
            reason = "leaves nothing"
            [blame]
            files = ["src/vault.c"]
            """,
        )
        _, errors, catalog = self.discover(
            "vault",
            """
            class Key:
                def __init__(self, code): self.code = code
            class Vault:
                def __init__(self, key):
                    if getattr(key, "code", None) != 1234: raise ValueError
                def open(self, code):
                    if code != 1234: raise ValueError
                    return 1
                def burn(self): pass
            """,
            "--target-file",
            os.path.join(self.folder.name, "vault.toml"),
        )
        found = callables(catalog)
        pattern = {"args": ["=1234"], "kwargs": {}, "score": 3, "returns": "int"}
        self.assertEqual(found["Vault.open"]["patterns"], [pattern], errors)
        self.assertEqual((catalog["contract"], catalog["share"]), ("no-crash", ["Vault"]))
        self.assertIn({"name": "Vault.burn", "reason": "leaves nothing"}, catalog["skipped"])
        self.assertIn("src/vault.c", catalog["blame"]["files"])
        make = next(row["make"] for row in catalog["types"] if row["name"] == "Vault")
        self.assertEqual(make[0], ["s0 = Key(1234)", "Vault(s0)"])

    HARVESTED = """
        class Gauge:
            def __init__(self, spec):
                if spec != "rate=3":
                    raise ValueError("no rate")
                self.size = 0

            def configure(self, name):
                if name != "hann":
                    raise TypeError("no such window")
                self.size = 4

            def feed(self, data):
                if not self.size:
                    raise TypeError("not configured")
                return len(data)
        """
    PROPOSALS = """
        [[make]]
        type = "Gauge"
        lines = ["s0 = Gauge(\\"rate=3\\")", "s0.configure(\\"hann\\")", "max([s0])"]

        [[make]]
        type = "Gauge"
        lines = ["s0 = Gauge(\\"rate=3\\")", "s0.gone()"]

        [[pattern]]
        callable = "Gauge.configure"
        args = ["=\\"hann\\""]

        [[pattern]]
        callable = "Gauge.configure"
        args = ["@Nothing"]

        [[pattern]]
        callable = "Gauge.gone"
        args = []
        """

    def test_discover__tries_what_a_harvest_proposes(self):
        _, _, catalog = self.discover("gauge", self.HARVESTED)
        self.assertNotIn("Gauge.feed", callables(catalog))
        self.write("harvest.toml", self.PROPOSALS)
        proposals = os.path.join(self.folder.name, "harvest.toml")
        status, errors, catalog = self.discover("gauge", self.HARVESTED, "--harvest", proposals)
        self.assertEqual(status, 0, errors)
        rows = callables(catalog)
        self.assertEqual(rows["Gauge.configure"]["patterns"][0]["args"], ['="hann"'])
        self.assertEqual(max(pattern["score"] for pattern in rows["Gauge.feed"]["patterns"]), 3)
        self.assertEqual([len(row["make"]) for row in catalog["types"]], [1])
        self.assertNotIn("warning", errors)  # what does not work is dropped without a word

    def test_discover__a_number_is_never_offered_as_a_descriptor(self):
        _, _, catalog = self.discover(
            "files",
            """
            import os
            def adopt(fd): return os.fstat(fd)
            def name(path): return path + ""
            """,
        )
        found = callables(catalog)
        self.assertEqual([p["args"] for p in found["adopt"]["patterns"]], [["fd"]])
        self.assertEqual([p["args"] for p in found["name"]["patterns"]], [["path"]])

    def test_discover__a_target_may_be_named_like_a_module_of_ours(self):
        status, errors, catalog = self.discover("search", "def f(n): return n + 1\n")
        self.assertEqual(status, 0, errors)
        self.assertEqual(list(callables(catalog)), ["f"])


class Standard(unittest.TestCase):
    def test_discover__collections_has_what_its_bugs_need(self):
        _, errors, catalog = discover("collections")
        found = callables(catalog)
        self.assertIn(3, [p["score"] for p in found["OrderedDict.move_to_end"]["patterns"]], errors)
        for name in ("OrderedDict.popitem", "OrderedDict.clear", "deque.append", "OrderedDict.fromkeys"):
            self.assertIn(name, found)
        traits = {row["name"]: row["traits"] for row in catalog["types"]}
        self.assertIn("iterator", traits["odict_iterator"])
        self.assertIn("mapping", traits["OrderedDict"])
        self.assertIn("Objects/odictobject.c", catalog["blame"]["files"])
        self.assertEqual(catalog["gil"], "declared" if hasattr(sys, "_is_gil_enabled") else "n/a")

    def test_discover__the_same_module_gives_the_same_bytes(self):
        first, second = (json.dumps(discover("array")[2]) for _ in range(2))
        self.assertEqual(first, second)
        self.assertNotIn("0x7f", first)

    def test_discover__never_calls_what_ends_the_process(self):
        _, _, catalog = discover("posix")
        names = {row["name"] for row in catalog["callables"]} | {row["name"] for row in catalog["unknown"]}
        for name in "fork _exit abort kill remove rename chmod close dup2 execv setuid chdir".split():
            self.assertNotIn(name, names)


if __name__ == "__main__":
    unittest.main()
