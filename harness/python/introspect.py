"""What a module offers, by looking at it and calling nothing: functions, types, methods, attributes, signatures."""

import sys
import types

# Methods that say something about memory safety although their names are not public. What is an op of the scenario
# language anyway (len, iter, next, items, operators, ...) is not in here.
DUNDERS = frozenset(
    """__setstate__ __reduce__ __reduce_ex__ __getstate__ __copy__ __deepcopy__ __sizeof__ __length_hint__ __enter__
    __exit__ __missing__ __getnewargs__ __getnewargs_ex__ __index__ __int__ __float__ __complex__ __abs__ __reversed__
    __bytes__ __round__ __floor__ __ceil__ __trunc__ __divmod__ __call__ __fspath__ __format__""".split()
)
NATIVE_CALLABLES = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodWrapperType,
)
DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType, property)
IMMUTABLE = (object, int, float, complex, bool, str, bytes, tuple, frozenset, type(None), type)
# Types of builtins that a result may have and that are worth to be shared; the others are arguments only.
BUILTIN_RESULTS = frozenset("memoryview enumerate zip map filter reversed".split())


class Symbol:
    """One callable: `name` as a scenario writes it, `owner` the name of its type when it is a method."""

    def __init__(self, name, value, kind, owner=None, native=False, definer=None):
        self.name = name
        self.value = value
        self.kind = kind  # type, function or method
        self.owner = owner
        self.native = native
        self.definer = definer
        self.type_name = None  # kind type: the catalog's name of what it makes

    @property
    def label(self):
        return "%s.%s" % (self.owner, self.name) if self.owner else self.name


class TypeInfo:
    """One type: how it is called, and what instances of it have."""

    def __init__(self, name, cls, public, depth):
        self.name = name
        self.cls = cls
        self.public = public
        self.depth = depth  # 0: a public name; n: first seen as a result of something of depth n - 1
        self.makes = []
        self.proposed = []  # those that come from a harvest (harvest.py)
        self.traits = []
        self.attributes = []
        self.operators = []


def is_native_module(module):
    loader = type(getattr(module, "__loader__", None)).__name__
    name = getattr(getattr(module, "__loader__", None), "__name__", loader)
    return name in ("ExtensionFileLoader", "BuiltinImporter") or getattr(module, "__file__", "").endswith(".so")


def is_native_type(cls):
    """A class statement leaves its line number behind (3.13) or at least functions."""
    if "__firstlineno__" in cls.__dict__:
        return False
    return not any(isinstance(member, types.FunctionType) for member in cls.__dict__.values())


def has_native_constructor(cls):
    """Whether calling a type runs C: `class c_int(_SimpleCData)` is written in Python, but what it makes is not."""
    for name in ("__init__", "__new__"):
        definer = next((base for base in cls.__mro__ if name in base.__dict__), object)
        if definer is not object and is_native_type(definer):
            return True
        if definer is not object:
            return False
    return False


def is_native(value):
    if isinstance(value, type):
        return is_native_type(value) or has_native_constructor(value)
    if isinstance(value, NATIVE_CALLABLES):
        return True
    if isinstance(value, (types.FunctionType, types.MethodType)):
        return False
    return is_native_type(type(value)) and not hasattr(value, "__wrapped__")


def accelerators(target, name, others):
    """The native modules behind a target: `_name`, extension submodules, where its public names come from, and what it has
    imported of `others`."""
    top, last = name.split(".")[0], name.split(".")[-1]
    found = {}
    for wanted in ("_" + last.lower(), "_" + top.lower(), *others):
        if wanted in sys.modules:
            found[wanted] = sys.modules[wanted]
    for path, module in list(sys.modules.items()):
        if path.startswith(top + ".") and module is not None:
            found[path] = module
    if name == "builtins":  # everything is behind them
        return {}
    # What a wrapper offers under its own name may come from more native modules (hashlib: _blake2, _sha3).
    for text in public_names(target):
        value = getattr(target, text, None)
        path = getattr(value, "__module__", None)
        if not isinstance(path, str) or not path.startswith("_") or path not in sys.modules:
            continue
        if callable(value) and is_native(value):
            found[path] = sys.modules[path]
    return {
        path: module
        for path, module in sorted(found.items())
        if module is not target and isinstance(module, types.ModuleType) and is_native_module(module)
    }


def family(target, name, natives):
    """Names of the modules whose types belong to the target."""
    names = {name, target.__name__, *natives}
    for module in (target, *natives.values()):
        for value in vars(module).values():
            if isinstance(value, type) and is_native_type(value):
                owner = value.__module__
                if isinstance(owner, str) and owner.lstrip("_").split(".")[0] == name.lstrip("_").split(".")[0]:
                    names.add(owner)
    if is_native_module(target):
        names.update(
            value.__module__
            for value in vars(target).values()
            if isinstance(value, type) and isinstance(value.__module__, str) and value.__module__ != "builtins"
        )
    return names


def public_names(module):
    listed = getattr(module, "__all__", None)
    if isinstance(listed, (list, tuple)):
        names = {name for name in listed if isinstance(name, str)}
    else:
        names = {name for name in vars(module) if not name.startswith("_")}
    return sorted(names)


def globals_of(target, name, natives):
    """[(name in a scenario, value)] of everything callable that the target offers, each value once."""
    listed = isinstance(getattr(target, "__all__", None), (list, tuple))
    homes = family(target, name, natives)
    rows, seen = [], set()

    def add(text, value, foreign_too):
        if not callable(value) or id(value) in seen or is_uninteresting(value):
            return
        home = getattr(value, "__module__", None)
        if not foreign_too and isinstance(home, str) and home not in homes and home.split(".")[0] != name.split(".")[0]:
            return
        seen.add(id(value))
        rows.append((text, value))

    # An object with two names goes by its own; `name in sorted order` decides the rest.
    offers = [(text, getattr(target, text, None)) for text in public_names(target)]
    offers.sort(key=lambda row: (getattr(row[1], "__name__", "") != row[0], row[0]))
    for text, value in offers:
        add(text, value, listed or is_native_module(target))
    for path, module in natives.items():
        for text in public_names(module):
            add("%s.%s" % (path, text), getattr(module, text, None), False)
    rows.sort()
    return rows


def is_uninteresting(value):
    if isinstance(value, types.ModuleType) or isinstance(value, types.GenericAlias):
        return True
    if isinstance(value, type):
        return issubclass(value, BaseException)
    return type(value).__module__ in ("typing", "_typing")


def why_no_type(cls):
    """Why a class is not worth making, or None."""
    if any(base.__module__ == "enum" for base in cls.__mro__):
        return "an enumeration"
    if getattr(cls, "__abstractmethods__", None):
        return "an abstract class"
    if issubclass(cls, type):
        return "a metaclass"
    return None


def members(info, reinit=False):
    """(methods, attributes, class functions) of a type: [(name, value, definer)] each, below `object` in the MRO."""
    methods, attributes, functions = [], [], []
    names = {}
    for definer in info.cls.__mro__:
        if definer is object or (definer in IMMUTABLE and definer is not info.cls):
            continue
        for name, value in definer.__dict__.items():
            names.setdefault(name, (value, definer))
    for name, (value, definer) in sorted(names.items()):
        wanted = not name.startswith("_") or name in DUNDERS or (reinit and name == "__init__")
        if not wanted or value is None:
            continue
        if isinstance(value, (staticmethod, classmethod, types.ClassMethodDescriptorType)) or (
            isinstance(value, types.BuiltinFunctionType) and isinstance(definer, type)
        ):
            functions.append((name, getattr(info.cls, name), definer))
        elif isinstance(value, DESCRIPTORS) or (hasattr(type(value), "__set__") and not callable(value)):
            attributes.append((name, value, definer))  # the fields of a ctypes structure are of a type of their own
        elif isinstance(value, type):
            continue
        elif callable(value):
            methods.append((name, value, definer))
    return methods, attributes, functions


def find_type(key, _known={}):
    """The type of that (module, qualified name), wherever it is; types that are not alive here have none."""
    if key not in _known:
        for cls in all_types():
            _known.setdefault((str(cls.__module__), cls.__qualname__), cls)
        _known.setdefault(key, None)
    return _known[key]


def all_types():
    """Every class that is alive."""
    todo, seen = [object], {object}
    while todo:
        cls = todo.pop()
        yield cls
        for sub in type.__subclasses__(cls):
            if sub not in seen:
                seen.add(sub)
                todo.append(sub)


def belongs(cls, homes):
    """Whether a type that was first seen as a result is explored further."""
    module = cls.__module__
    if not isinstance(module, str) or issubclass(cls, (BaseException, type)) or cls in IMMUTABLE:
        return False
    if any(base.__module__ == "enum" for base in cls.__mro__):
        return False
    if module == "builtins":
        name = cls.__name__
        return name in BUILTIN_RESULTS or name.endswith(("iterator", "_keys", "_values", "_items")) or "odict" in name
    return module in homes
