"""Runs discovery over the C-implemented modules of the standard library, without target files, and prints a table.

    python3 sweep_catalog.py PYTHON [--target-files] [--out DIR] [MODULE...]

PYTHON is the free-threaded interpreter to learn from. Per module: callables that may be called, those with accepted
arguments, the share in percent, types that could be made, seconds.
"""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = """_asyncio _bisect _blake2 _bz2 _codecs _codecs_cn _codecs_iso2022 _collections _contextvars _csv _ctypes
_datetime _decimal _elementtree _functools _hashlib _heapq _io _json _locale _lzma _md5 _multibytecodec _opcode
_operator _pickle _queue _random _sha1 _sha2 _sha3 _socket _sqlite3 _sre _ssl _stat _statistics _string _struct
_symtable _thread _tokenize _typing _uuid _weakref _zoneinfo array binascii builtins bz2 cmath collections
contextvars csv ctypes datetime decimal errno fcntl functools grp hashlib heapq io itertools json lzma marshal
math mmap operator pickle posix pwd pyexpat random re select socket sqlite3 ssl statistics struct sys time
unicodedata weakref xml.etree.ElementTree zlib zoneinfo""".split()


def sweep(python, modules, folder, target_files):
    rows = []
    for name in modules:
        out = os.path.join(folder, name + ".json")
        command = [python, os.path.join(ROOT, "harness/python/discover.py"), "--target", name, "--out", out]
        command += ["--kinds", os.path.join(ROOT, "harness/scenario/kinds.def")]
        toml = os.path.join(ROOT, "targets", name + ".toml")
        if target_files and os.path.exists(toml):
            command += ["--target-file", toml]
        started = os.times().elapsed
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = os.times().elapsed - started
        if done.returncode:
            print("%-24s %s" % (name, done.stderr.strip().splitlines()[-1:]), flush=True)
            continue
        with open(out) as file:
            rows.append(report(name, json.load(file), seconds))
    return rows


def report(name, catalog, seconds):
    known, total = len(catalog["callables"]), len(catalog["callables"]) + len(catalog["unknown"])
    returning = sum(any(p["score"] == 3 for p in row["patterns"]) for row in catalog["callables"])
    share = 100.0 * known / total if total else 100.0
    row = (name, total, known, returning, share, len(catalog["types"]), len(catalog["skipped"]), seconds)
    print("%-24s %5d %5d %5d %5.1f%% %4d %4d %6.1f" % row, flush=True)
    return row


def main(argv):
    target_files = "--target-files" in argv
    argv = [word for word in argv if word != "--target-files"]
    folder = None
    if "--out" in argv:
        at = argv.index("--out")
        folder = argv[at + 1]
        os.makedirs(folder, exist_ok=True)
        del argv[at : at + 2]
    if not argv:
        sys.exit(__doc__)
    print("%-24s %5s %5s %5s %6s %4s %4s %6s" % ("module", "calls", "known", "ret", "share", "type", "skip", "s"))
    with tempfile.TemporaryDirectory() as temporary:
        rows = sweep(argv[0], argv[1:] or MODULES, folder or temporary, target_files)
    total, known = sum(row[1] for row in rows), sum(row[2] for row in rows)
    returning = sum(row[3] for row in rows)
    seconds = sum(row[7] for row in rows)
    shares = tuple(100.0 * number / max(total, 1) for number in (known, returning))
    print("%d modules, %d callables:" % (len(rows), total), end=" ")
    print("%d with accepted arguments (%.1f %%)," % (known, shares[0]), end=" ")
    print("%d of them return (%.1f %% of all); %.0f s" % (returning, shares[1], seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
