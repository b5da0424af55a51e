"""Every reviewed seed must mean something: run on one thread, lane after lane, its lines may raise what a race or an
empty container raises, but no line may be wrong in itself. Here those of the standard library; those of packages are asked by
tests/e2e/packages.py, which has the packages: `test_seeds.py --run FILE.ft`."""

import glob
import importlib
import os
import re
import subprocess
import sys
import tempfile
import unittest

from support import KINDS, ROOT, discover  # noqa: F401  (sets sys.path)

import language

# What a line that is wrong in itself raises, whatever the others do.
WRONG = (NameError, SyntaxError, TypeError, AttributeError, ImportError)
# Messages of these that come from the state another line left behind, and are no mistake.
STATE = re.compile(r"NoneType|'NoneType'|uninitialized|not iterable|comparison|Cannot operate")


def sections(text):
    """[(section, [lines])] of a scenario."""
    found = []
    for line in text.splitlines():
        if line in ("setup", "thread", "finish"):
            found.append((line, []))
        elif line.startswith("  "):
            found[-1][1].append(line.strip())
    return found


def module_of(target):
    file = os.path.join(ROOT, "targets", target + ".toml")
    name, extra = target, []
    if os.path.exists(file):
        import tomllib

        with open(file, "rb") as stream:
            head = tomllib.load(stream).get("target", {})
        name, extra = head.get("import", target), head.get("modules", [])
    module = importlib.import_module(name)
    for one in extra:
        importlib.import_module(one)
    return module, extra


def run(path):
    """Runs one seed in this process; the complaints."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    target = re.search(r"^target (\S+)$", text, re.M).group(1)
    module, extra = module_of(target)
    import introspect

    world = language.World(module, [*introspect.accelerators(module, module.__name__, ()), *extra])
    complaints, shared = [], language.Names(world)
    for section, lines in sections(text):
        names = language.Names(world)
        names.slots.update(shared.slots)
        for line in lines:
            once, _, times = line.partition(" * ") if re.search(r" \* \d+$", line) else (line, "", "1")
            try:
                for _ in range(int(times)):
                    world.execute([once], names, [0])
            except WRONG as error:
                if not STATE.search(str(error)):
                    complaints.append("%s: %s: %s" % (line, type(error).__name__, error))
            except Exception:
                pass  # An empty deque, a closed file: the other lane's doing.
        if section == "setup":
            shared = names
    return complaints


class Seeds(unittest.TestCase):
    def test_seeds__each_line_makes_sense_on_one_thread(self):
        folders = glob.glob(os.path.join(ROOT, "corpora", "*", ""))
        own = [one for one in folders if os.path.basename(one.rstrip("/")).partition(".")[0] in sys.stdlib_module_names]
        paths = sorted(path for folder in own for path in glob.glob(os.path.join(folder, "*.ft")))
        self.assertTrue(paths)
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                with self.subTest(os.path.relpath(path, ROOT)):
                    # A process each: targets keep state, and a crash must not take the other seeds along.
                    command = [sys.executable, os.path.abspath(__file__), "--run", path]
                    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
                    self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr[-2000:])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        for complaint in run(sys.argv[2]):
            print(complaint)
        sys.exit(0)
    unittest.main()
