"""What is in a folder that a wheel was installed into: which modules, which native libraries, and whether their code is
instrumented. The proof is the library itself: instrumented code calls the sanitizer's runtime, which it does not hold.
"""

import email.parser
import os
import pathlib
import subprocess

from packaging.utils import canonicalize_name

import common

# Symbols that code compiled for a flavour leaves undefined, whatever it does: its constructors call them.
# UndefinedBehaviorSanitizer leaves none that every file has.
COVERED = "__sanitizer_cov_8bit_counters_init"
PROOF = {
    "plain": (),
    "tsan": ("__tsan_init", COVERED),
    "asan": (COVERED,) if os.environ.get("FTFUZZ_ASAN") == "undefined" else ("__asan_init", COVERED),
}
NOT_MODULES = frozenset("test tests testing doc docs example examples benchmark benchmarks bin share include lib scripts src".split())


def describe(site, flavour):
    """What wheel.json says."""
    metadata = _metadata(site)
    return {
        "name": metadata["Name"],
        "version": metadata["Version"],
        "requires": metadata.get_all("Requires-Dist") or [],
        "modules": _modules(site, metadata["Name"]),
        "libraries": [_library(path, site, flavour) for path in _elf_files(site)],
    }


def choose(described, wanted):
    """The module to import: the one that was asked for, else the one that obviously is the package."""
    modules = described["modules"]
    if wanted:
        return wanted
    if modules and modules[0].replace(".", "_").lower() == canonicalize_name(described["name"]).replace("-", "_"):
        return modules[0]
    public = [name for name in modules if not name.startswith("_")]
    if len(public) == 1:
        return public[0]
    tops = {library["module"].split(".")[0] for library in described["libraries"] if library["module"]}
    with_code = [name for name in public if name.split(".")[0] in tops]
    if len(with_code) == 1:
        return with_code[0]
    if not public and len(modules) == 1:
        return modules[0]
    raise common.Failed(
        "%s has %s; say which: SPEC:MODULE" % (described["name"], "the modules " + ", ".join(public) if public else "no module")
    )


def _metadata(site):
    found = sorted(site.glob("*.dist-info/METADATA"))
    if len(found) != 1:
        raise common.Failed("the wheel has %d METADATA files" % len(found))
    return email.parser.BytesHeaderParser().parsebytes(found[0].read_bytes())


def _modules(site, name):
    """Importable names at the top, the one that is named like the distribution first."""
    found = []
    for path in sorted(site.iterdir()):
        if path.is_dir() and not path.name.endswith((".dist-info", ".libs")) and path.name != "__pycache__":
            found.append(path.name)
        elif path.suffix in (".py", ".so"):
            found.append(path.name.split(".")[0])
    modules = [one for one in dict.fromkeys(found) if one.isidentifier() and one.lower() not in NOT_MODULES]
    dotted = name.replace("-", ".")
    if "." in dotted and site.joinpath(*dotted.split("."), "__init__.py").exists():  # zope.interface
        modules.insert(0, dotted)
    plain = canonicalize_name(name).replace("-", "_")
    return sorted(modules, key=lambda one: one.replace(".", "_").lower() != plain)


def _elf_files(site):
    for folder, folders, files in os.walk(site):
        folders.sort()
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if ".so" in name and path.is_file() and path.open("rb").read(4) == b"\x7fELF":
                yield path


def _library(path, site, flavour):
    undefined, defined = _symbols(path)
    inside = path.relative_to(site)
    stem = path.name.split(".")[0]
    return {
        "file": os.fspath(inside),
        # None: a library that others link to, no module
        "module": ".".join((*inside.parts[:-1], stem)) if "PyInit_" + stem in defined else None,
        "instrumented": None if flavour == "plain" else all(symbol in undefined for symbol in PROOF[flavour]),
    }


def _symbols(path):
    printed = subprocess.run(["nm", "-D", path], capture_output=True, text=True, check=False)
    undefined, defined = set(), set()
    for line in printed.stdout.splitlines():
        *_, kind, symbol = line.split()
        (undefined if kind in "Uw" else defined).add(symbol.split("@")[0])
    return undefined, defined
