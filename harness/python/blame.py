"""Which source files or libraries count as the extension when a stack is judged.

A module of the standard library is named by its C files as they stand in CPython's tree, because it may be
linked into the interpreter itself; any other module by the absolute path of its shared library.
"""

import os
import sys

# Native module -> the C files behind it, where "Modules/<name>module.c, Modules/<name>.c or Modules/<name>/" is not the answer.
_SOURCES = {
    "_collections": ["Modules/_collectionsmodule.c", "Objects/odictobject.c"],
    "_collections_abc": [],
    "_ctypes": ["Modules/_ctypes/"],
    "_decimal": ["Modules/_decimal/"],
    "_io": ["Modules/_io/"],
    "_sqlite3": ["Modules/_sqlite/"],
    "_sre": ["Modules/_sre/"],
    "_ssl": ["Modules/_ssl.c", "Modules/_ssl/"],
    "_blake2": ["Modules/_blake2/", "Modules/_hacl/"],
    "_md5": ["Modules/md5module.c", "Modules/_hacl/"],
    "_sha1": ["Modules/sha1module.c", "Modules/_hacl/"],
    "_sha2": ["Modules/sha2module.c", "Modules/_hacl/"],
    "_sha3": ["Modules/sha3module.c", "Modules/_hacl/"],
    "_hashlib": ["Modules/_hashopenssl.c"],
    "_struct": ["Modules/_struct.c"],
    "_pickle": ["Modules/_pickle.c"],
    "_json": ["Modules/_json.c"],
    "_csv": ["Modules/_csv.c"],
    "_elementtree": ["Modules/_elementtree.c"],
    "_zoneinfo": ["Modules/_zoneinfo.c"],
    "_statistics": ["Modules/_statisticsmodule.c"],
    "_operator": ["Modules/_operator.c"],
    "_weakref": ["Modules/_weakref.c", "Objects/weakrefobject.c"],
    "_thread": ["Modules/_threadmodule.c"],
    "_functools": ["Modules/_functoolsmodule.c"],
    "_codecs": ["Modules/_codecsmodule.c"],
    "_contextvars": ["Modules/_contextvarsmodule.c", "Python/context.c"],
    "_string": ["Objects/stringlib/", "Objects/unicodeobject.c"],
    "_typing": ["Modules/_typingmodule.c"],
    "_symtable": ["Modules/symtablemodule.c"],
    "_signal": ["Modules/signalmodule.c"],
    "_abc": ["Modules/_abc.c"],
    "_ast": ["Python/Python-ast.c"],
    "_imp": ["Python/import.c"],
    "_warnings": ["Python/_warnings.c"],
    "_tokenize": ["Python/Python-tokenize.c"],
    "_sysconfig": ["Modules/_sysconfig.c"],
    "_suggestions": ["Modules/_suggestions.c"],
    "_lsprof": ["Modules/_lsprof.c", "Modules/rotatingtree.c"],
    "_multiprocessing": ["Modules/_multiprocessing/"],
    "_posixshmem": ["Modules/_multiprocessing/posixshmem.c"],
    "_tkinter": ["Modules/_tkinter.c", "Modules/tkappinit.c"],
    "_interpreters": ["Modules/_interpretersmodule.c"],
    "_multibytecodec": ["Modules/cjkcodecs/"],
    "_codecs_cn": ["Modules/cjkcodecs/"],
    "_codecs_hk": ["Modules/cjkcodecs/"],
    "_codecs_jp": ["Modules/cjkcodecs/"],
    "_codecs_kr": ["Modules/cjkcodecs/"],
    "_codecs_tw": ["Modules/cjkcodecs/"],
    "_codecs_iso2022": ["Modules/cjkcodecs/"],
    "_tracemalloc": ["Modules/_tracemalloc.c", "Python/tracemalloc.c"],
    "pyexpat": ["Modules/pyexpat.c", "Modules/expat/"],
    "posix": ["Modules/posixmodule.c"],
    "builtins": ["Python/bltinmodule.c", "Objects/"],
    "sys": ["Python/sysmodule.c"],
    "marshal": ["Python/marshal.c"],
    "select": ["Modules/selectmodule.c"],
    "errno": ["Modules/errnomodule.c"],
    "cmath": ["Modules/cmathmodule.c", "Modules/_math.h"],
    "math": ["Modules/mathmodule.c", "Modules/_math.h"],
}
# Modules of the distribution whose C file is <name>module.c; all other single-file ones are <name>.c.
_WITH_MODULE = frozenset(
    """array _asyncio atexit _bisect _bz2 faulthandler fcntl gc grp _heapq itertools _locale _lzma mmap _opcode _posixsubprocess
    pwd _queue _random readline resource _socket spwd symtable syslog time _uuid zlib xxsubtype _datetime _curses
    _interpchannels _interpqueues""".split()
)
_WITHOUT_MODULE = frozenset("_opcode _posixsubprocess readline resource _stat _curses_panel binascii termios unicodedata".split())


def _sources(name):
    if name in _SOURCES:
        return _SOURCES[name]
    if name in _WITH_MODULE and name not in _WITHOUT_MODULE:
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
    if "memoryview" in names:
        files.add("Objects/memoryobject.c")
    return {"files": sorted(files), "libraries": sorted(libraries)}
