"""What the tests of harness/python share: the folder on sys.path, the kinds, a catalog of a module."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "harness", "python")
KINDS = os.path.join(ROOT, "harness", "scenario", "kinds.def")
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)

# Recipes make files where the process works, which in a worker is a folder that goes away. So does this one.
WORKING_FOLDER = tempfile.TemporaryDirectory()
os.chdir(WORKING_FOLDER.name)


def discover(target, *arguments):
    """(exit status, standard error, catalog or None) of one run of discover.py."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "catalog.json")
        command = [sys.executable, os.path.join(FOLDER, "discover.py"), "--target", target, "--kinds", KINDS]
        done = subprocess.run([*command, "--out", out, *arguments], capture_output=True, text=True)
        catalog = None
        if os.path.exists(out):
            with open(out, encoding="ascii") as file:
                catalog = json.load(file)
        return done.returncode, done.stderr, catalog


def callables(catalog):
    """{label: row} of a catalog."""
    return {"%s.%s" % (row["owner"], row["name"]) if row["owner"] else row["name"]: row for row in catalog["callables"]}
