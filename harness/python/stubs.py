"""What annotations say: those of the signature, and those of the .pyi file that a package ships.

Stubs often are the only source of names for a C function without a text signature. Like all hints they are only tried.
"""

import ast
import os
import re

# What an annotation names, and the descriptors that are one.
_KINDS = (
    (r"\bint\b|SupportsIndex|SupportsInt", "int"),
    (r"\bfloat\b|SupportsFloat|Real\b", "float"),
    (r"\bstr\b|LiteralString|AnyStr", "str"),
    (r"WriteableBuffer|WritableBuffer|\bbytearray\b", "buffer"),
    (r"\bbytes\b|ReadableBuffer|\bBuffer\b|BytesLike", "bytes buffer"),
    (r"\bbool\b", "bool"),
    (r"\bdict\b|\bDict\b|Mapping", "dict"),
    (r"\blist\b|\bList\b|Sequence|Collection", "list"),
    (r"Iterable", "list iterator"),
    (r"Iterator", "iterator"),
    (r"\btuple\b|\bTuple\b", "tuple"),
    (r"\bset\b|\bSet\b|AbstractSet", "set"),
    (r"Callable", "callable"),
    (r"\btype\b|\bType\b", "type"),
    (r"StrPath|PathLike|\bPath\b", "path"),
    (r"\bIO\b|BinaryIO|TextIO|SupportsRead|SupportsWrite|FileDescriptorLike", "file"),
    (r"\bAny\b|\bobject\b|Hashable", "object int str"),
    (r"\bNone\b|Optional", "none"),
)


def kinds_of(annotation, types):
    """Descriptors for the text of an annotation; `types` are the names of the catalog's types."""
    if annotation.startswith(("Optional[", "Union[")):
        annotation = annotation[:-1].partition("[")[2] + (", None" if annotation[0] == "O" else "")
    while "[" in annotation:  # of Callable[[int], None] and dict[str, int] only the outermost is the argument itself
        shorter = re.sub(r"\[[^\[\]]*\]", "", annotation)
        if shorter == annotation:
            break
        annotation = shorter
    words = re.findall(r"\w+", annotation)
    found = ["@" + name for name in types if name.split(".")[-1] in words]
    for pattern, kinds in _KINDS:
        if re.search(pattern, annotation):
            found += kinds.split()
    return list(dict.fromkeys(found))


def read(module):
    """{label: [ast.arguments, ...]} of the functions, methods and constructors that a package's stub describes."""
    home = getattr(module, "__file__", None)
    if not home:
        return {}
    folder, base = os.path.split(home)
    found = {}
    for name in (base.split(".")[0] + ".pyi", "__init__.pyi"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            continue
        _collect(tree.body, "", found)
        break
    return found


def _collect(body, owner, found):
    for node in body:
        if isinstance(node, ast.ClassDef) and not owner:
            _collect(node.body, node.name + ".", found)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            constructor = owner and node.name in ("__init__", "__new__")
            label = owner[:-1] if constructor else owner + node.name
            static = any(getattr(mark, "id", "") == "staticmethod" for mark in node.decorator_list)
            found.setdefault(label, []).append((node.args, bool(owner) and not static))
        elif isinstance(node, ast.If):
            _collect(node.body + node.orelse, owner, found)


def improve(shape, rows):
    """Adds to a Shape what the stub knows: names where it has none, annotations where they are missing."""
    for arguments, bound in rows:
        positional = arguments.posonlyargs + arguments.args
        positional = positional[1:] if bound else positional
        if not shape.known:
            shape.known = True
            shape.names = [argument.arg for argument in positional]
            shape.required = max(len(positional) - len(arguments.defaults), 0)
            optional = [argument.arg for argument in arguments.args if argument in positional[shape.required :]]
            shape.keywords = [(name, False) for name in optional]
            defaults = zip(arguments.kwonlyargs, arguments.kw_defaults)
            shape.keywords += [(argument.arg, default is None) for argument, default in defaults]
            shape.varargs = arguments.vararg is not None
        for argument in positional + arguments.kwonlyargs:
            if argument.annotation is not None:
                shape.annotations.setdefault(argument.arg, ast.unparse(argument.annotation))
