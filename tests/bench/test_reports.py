"""reports.py: what it reads out of what sanitizers print, and that the signatures of that are the ones ftfuzz gives.

The golden reports of tests/data/reports go the hammer's way here, with their `symbols` file in the place of a symbolizer; what is expected
of them is what tests/unit/test_reports.c expects of a campaign.
"""

import os
import pathlib
import sys
import tempfile
import unittest

import reports

GOLDEN = reports.ROOT / "tests" / "data" / "reports"
NO_CATALOG = '{"format": 1, "target": "box", "import": "box", "version": "3.13.5", "gil": "declared", "contract": "no-crash", ' \
             '"blame": {"files": [], "libraries": []}, "types": [], "callables": [], "attributes": [], "operators": []}'
# Answers as llvm-symbolizer --output-style=JSON does, from a file of lines `module offset function file:line`.
SYMBOLIZER = r"""#!{python}
import json, sys
table = {{}}
for line in open({symbols!r}):
    module, offset, function, place = line.rstrip("\n").split(" ", 3)
    table[module, offset] = dict(FunctionName=function.replace("??", ""), FileName=place.rpartition(":")[0].replace("??", ""), Line=1)
for line in sys.stdin:
    module, offset = line.split('"')[1], line.split()[-1]
    name = module.rpartition("/")[2]
    ours = name == "ftfuzz_signatures" and dict(FunctionName="f", FileName="/src/harness/findings/finding.c", Line=1)
    symbol = ours or table.get((name, offset))
    print(json.dumps(dict(Address=offset, ModuleName=module, Symbol=[symbol] if symbol else [])), flush=True)
"""
# What the interpreter of a made-up hammer holds.
PYTHON = "/opt/python/bin/python3.13t"
SYMBOLS = """\
ftfuzz-worker-hammer 0x10 writer /src/Python-3.13.5/Modules/boxmodule.c:1
ftfuzz-worker-hammer 0x11 reader /src/Python-3.13.5/Modules/boxmodule.c:2
ftfuzz-worker-hammer 0x12 _Py_atomic_load_ptr /src/Python-3.13.5/Include/cpython/pyatomic_gcc.h:3
ftfuzz-worker-hammer 0x20 cfunction_vectorcall /src/Python-3.13.5/Objects/methodobject.c:4
ftfuzz-worker-hammer 0x21 _PyEval_EvalFrameDefault /src/Python-3.13.5/Python/generated_cases.c.h:5
ftfuzz-worker-hammer 0x22 list_dealloc /src/Python-3.13.5/Objects/listobject.c:5
ftfuzz-worker-hammer 0x30 thread_run /src/Python-3.13.5/Modules/_threadmodule.c:6
"""

RACE = """\
noise before
==================
WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x7f01 by thread T2 (mutexes: write M1):
    #0 0x7f01 (PYTHON+0x10)
    #1 0x7f01 (PYTHON+0x20)
    #2 0x7f01 (PYTHON+0x30)

  Previous atomic read of size 8 at 0x7f01 by thread T1:
    #0 0x7f01 (PYTHON+0x12)
    #1 0x7f02 (PYTHON+0x11)
    #2 0x7f02 (PYTHON+0x30)

  Location is heap block of size 32 at 0x7f00 allocated by main thread:
    #0 0x7f03 (PYTHON+0x20)

  Thread T2 (tid=2, running) created by main thread at:
    #0 0x7f03 (PYTHON+0x20)

SUMMARY: ThreadSanitizer: data race (PYTHON+0x10) (BuildId: 77)
==================
""".replace("PYTHON", PYTHON)
FREED = RACE.replace("data race", "heap-use-after-free").replace("atomic read", "write")
ORDER = """\
WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=1)
  Cycle in lock order graph: M0 (0x1) => M1 (0x2) => M0

  Mutex M1 acquired here while holding mutex M0 in thread T1:
    #0 0x1 (PYTHON+0x10)

  Mutex M0 previously acquired by the same thread here:
    #0 0x1 (PYTHON+0x20)

  Mutex M0 acquired here while holding mutex M1 in thread T2:
    #0 0x1 (PYTHON+0x11)

SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock)
""".replace("PYTHON", PYTHON)
SHIFT = """\
x.c:1:2: runtime error: shift exponent 64 is too large
    #0 0x1 (PYTHON+0x10)
    #1 0x1 (PYTHON+0x20)
""".replace("PYTHON", PYTHON)
# The refcount of something that is gone: nothing but call plumbing, so it is the fault of who handed the object out.
HANDED = """\
==7==ERROR: AddressSanitizer: SEGV on unknown address 0x000000000010 (pc 0x1 T0)
    #0 0x1 (PYTHON+0x20)
    #1 0x1 (PYTHON+0x21)
    #2 0x1 (PYTHON+0x30)
""".replace("PYTHON", PYTHON)


def split(text, flavour="tsan", died=False):
    return [report for _, report in reports.split(text.split("\n"), flavour, died)]


def roles(report):
    return [stack["role"] for stack in report["stacks"]]


class Split(unittest.TestCase):
    def test_a_race_is_its_two_accesses(self):
        (race,) = split(RACE)
        self.assertEqual((race["kind"], roles(race)), ("data-race", ["write", "atomic-read"]))
        self.assertEqual(race["stacks"][1]["frames"][1], {"module": PYTHON, "offset": "0x11"})
        self.assertEqual([len(stack["frames"]) for stack in race["stacks"]], [3, 3])

    def test_use_after_free_is_access_and_free(self):
        self.assertEqual(roles(split(FREED)[0]), ["write", "freed"])

    def test_lock_order_is_the_acquisitions_while_holding(self):
        (order,) = split(ORDER)
        self.assertEqual([stack["frames"][0]["offset"] for stack in order["stacks"]], ["0x10", "0x11"])

    def test_undefined_behaviour_ends_with_its_stack(self):
        first, second = split(SHIFT + "hammer: alive\n" + SHIFT, "asan")
        self.assertEqual((first["kind"], first), ("undefined-behaviour", second))
        self.assertEqual(len(first["stacks"][0]["frames"]), 2)

    def test_each_report_has_its_line(self):
        numbers = [number for number, _ in reports.split((RACE + "text between\n" + RACE).split("\n"), "tsan", False)]
        self.assertEqual(numbers, [2, 2 + RACE.count("\n") + 1])

    def test_a_death_is_told_by_what_is_no_warning(self):
        *_, last = split(RACE + HANDED, died=True)
        self.assertIn("SEGV", last["text"])
        self.assertNotIn("data race", last["text"])

    def test_nothing_is_nothing(self):
        self.assertEqual(split("hammer: 12 rounds\n"), [])


@unittest.skipUnless(reports.PROGRAM.exists(), "ftfuzz_signatures is not built")
class Signatures(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path = pathlib.Path(self.folder.name)
        (path / "symbols").write_text((GOLDEN / "symbols").read_text() + SYMBOLS)
        (path / "catalog").write_text(NO_CATALOG)
        program = path / "llvm-symbolizer-19"
        program.write_text(SYMBOLIZER.format(python=sys.executable, symbols=str(path / "symbols")))
        program.chmod(0o755)
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{path}:{before}"
        self.addCleanup(os.environ.__setitem__, "PATH", before)

    def ask(self, *found):
        return reports.signatures(found, pathlib.Path(self.folder.name, "catalog"), PYTHON)

    def test_golden_reports_get_what_a_campaign_gives_them(self):
        checked = 0
        for path in sorted(GOLDEN.glob("*.txt")):
            head, _, text = path.read_text(errors="replace").partition("\n----\n")
            expected = dict(line.split(": ", 1) for line in head.split("\n"))
            if expected["expect-kind"] == "none":
                continue
            found = [answer for answer in self.ask(*split(text, path.name[:4], died=True)) if answer]
            self.assertIn((expected["expect-kind"], expected["expect-signature"]), [(a["kind"], a["signature"]) for a in found], path.name)
            checked += 1
        self.assertGreaterEqual(checked, 18)

    def test_warnings_are_named_by_the_extension(self):
        race, freed, order = self.ask(*split(RACE), *split(FREED), *split(ORDER))
        self.assertEqual(race, {"kind": "data-race", "signature": "data-race boxmodule.c:reader | boxmodule.c:writer", "blame": "extension",
                                "known": None})
        self.assertEqual(freed["signature"], "use-after-free boxmodule.c:reader | boxmodule.c:writer")
        self.assertEqual(order["signature"], "lock-order boxmodule.c:reader | boxmodule.c:writer")

    def test_what_the_interpreter_does_is_not_the_extensions(self):
        (race,) = self.ask(*split(RACE.replace("+0x10)", "+0x22)").replace("+0x11)", "+0x22)")))
        self.assertEqual((race["blame"], race["signature"]), ("cpython", "data-race listobject.c:list_dealloc | listobject.c:list_dealloc"))

    def test_plumbing_above_python_code_is_a_bad_object(self):
        (found,) = self.ask(*split(HANDED, "asan", died=True))
        self.assertEqual((found["blame"], found["signature"]), ("extension", "segv a-referenced-object"))

    def test_a_text_that_says_nothing_is_none(self):
        self.assertEqual(self.ask({"flavour": "asan", "text": "hello"}), [None])


if __name__ == "__main__":
    unittest.main()
