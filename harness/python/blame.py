"""Which source files or libraries count as the extension when a stack is judged.

A module of the standard library is named by its C files as they stand in CPython's tree, because it may be
linked into the interpreter itself; any other module by the absolute path of its shared library.
"""

import os
import sys

# Native module -> the C files (or, with a slash, folders) behind it, where Modules/<name>.c is not the answer.
_SOURCES = {
    "_ast": ["Python/Python-ast.c"],
    "_blake2": ["Modules/_blake2/", "Modules/_hacl/"],
    "_collections": ["Modules/_collectionsmodule.c", "Objects/odictobject.c"],
    "_contextvars": ["Modules/_contextvarsmodule.c", "Python/context.c"],
    "_ctypes": ["Modules/_ctypes/"],
    "_decimal": ["Modules/_decimal/"],
    "_hashlib": ["Modules/_hashopenssl.c"],
    "_imp": ["Python/import.c"],
    "_io": ["Modules/_io/"],
    "_lsprof": ["Modules/_lsprof.c", "Modules/rotatingtree.c"],
    "_md5": ["Modules/md5module.c", "Modules/_hacl/"],
    "_multibytecodec": ["Modules/cjkcodecs/"],
    "_multiprocessing": ["Modules/_multiprocessing/"],
    "_posixshmem": ["Modules/_multiprocessing/posixshmem.c"],
    "_sha1": ["Modules/sha1module.c", "Modules/_hacl/"],
    "_sha2": ["Modules/sha2module.c", "Modules/_hacl/"],
    "_sha3": ["Modules/sha3module.c", "Modules/_hacl/"],
    "_socket": ["Modules/socketmodule.c"],
    "_signal": ["Modules/signalmodule.c"],
    "_sqlite3": ["Modules/_sqlite/"],
    "_sre": ["Modules/_sre/"],
    "_ssl": ["Modules/_ssl.c", "Modules/_ssl/"],
    "_string": ["Objects/stringlib/", "Objects/unicodeobject.c"],
    "_symtable": ["Modules/symtablemodule.c"],
    "_tokenize": ["Python/Python-tokenize.c"],
    "_tracemalloc": ["Modules/_tracemalloc.c", "Python/tracemalloc.c"],
    "_warnings": ["Python/_warnings.c"],
    "_weakref": ["Modules/_weakref.c", "Objects/weakrefobject.c"],
    "builtins": ["Python/bltinmodule.c", "Objects/"],
    "marshal": ["Python/marshal.c"],
    "posix": ["Modules/posixmodule.c"],
    "pyexpat": ["Modules/pyexpat.c", "Modules/expat/"],
    "sys": ["Python/sysmodule.c"],
}
# Those of <name>module.c.
_WITH_MODULE = frozenset(
    """_asyncio _bisect _bz2 _codecs _curses _datetime _functools _heapq _interpchannels _interpqueues _interpreters
    _locale _lzma _queue _random _statistics _thread _typing _uuid array atexit cmath errno fcntl gc grp itertools
    math mmap pwd select syslog time zlib""".split()
)


def _sources(name):
    if name in _SOURCES:
        return _SOURCES[name]
    if name.startswith("_codecs_"):
        return ["Modules/cjkcodecs/"]
    if name in _WITH_MODULE:
        return ["Modules/%smodule.c" % name]
    return ["Modules/%s.c" % name]


def blame_of(modules, types):
    """{"files": [...], "libraries": [...]} for native modules {name: module} and the types explored."""
    import sysconfig

    stdlib = [os.path.realpath(sysconfig.get_path(key)) + os.sep for key in ("stdlib", "platstdlib")]
    files, libraries = set(), set()
    for name, module in modules.items():
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        ours = any(path.startswith(folder) for folder in stdlib) and "site-packages" not in path
        if name in sys.builtin_module_names or ours:
            files.update(_sources(name))
        elif path:
            libraries.add(path)
    names = {cls.__name__ for cls in types if cls.__module__ == "builtins"}
    if "memoryview" in names and not libraries:  # others only export buffers to it
        files.add("Objects/memoryobject.c")
    return {"files": sorted(files), "libraries": sorted(libraries)}
