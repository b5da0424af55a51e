"""Guesses: what a parameter's name, a docstring or the text of a TypeError says about the arguments wanted.

Nothing here is trusted; every guess is tried (search.py). Good guesses only make the search short.
"""

import re

# Argument descriptors by parameter name, the most likely first.
_BY_NAME = """
iterable it iterator seq sequence items values args : list iterator tuple str pairs
iterables : list
mapping map dict kwds kwargs : dict pairs
key name attr : str int
keys row rows fieldnames names : list
func function callable callback predicate fn f hook factory handler fget fset finalizer progress : callable
cls type tp typ class_ base : type
size count length maxlen maxsize num bufsize limit nbytes amount : size int
buflen width digestsize key_length dklen : size int
n k r repeat ntimes p : int size
i index start stop pos offset step end lo hi whence level which value how : int
fd fileno fildes : fd
file fp stream raw fileobj filelike : file
path filename src dst file_name database : path
data buf buffer b bytes msg salt a2b secret password sep : bytes buffer str
string s text line pattern expression sql : str bytes
encoding : ="utf-8"
errors : ="strict"
mode : ="r" ="rb" ="w" int
newline : none
closefd last flag strict : bool
timeout : =0 float
x y z a : float int list
c ch char typecode code : char
format fmt : ="i" ="%Y" str
template repl replacement : str callable
object obj o value default initial elem element item : object str int list
flags : =0
key_func keyfunc : callable
cmp : callable
context ctx : none
other : list dict
tz tzinfo : none
state : tuple dict
memo : ={}
exc_type exc_value traceback exc_tb exc : none
protocol : =2
iterations : =1
hash_name algorithm digestmod digest : ="sha256"
loop : none
tp_name : str
ascii : bool
wbits : =15
"""

# Methods whose arguments are the same wherever they are.
BY_METHOD = {
    "__exit__": [["=None", "=None", "=None"]],
    "__reduce_ex__": [["=2"], ["=4"]],
    "__deepcopy__": [["={}"]],
    "__format__": [['=""']],
    "__missing__": [["str"], ["int"]],
}

# What a message calls a type, and the kinds that are one.
_BY_WORD = (
    (r"real number|\bfloat\b", "float int"),
    (r"single character|unicode character|string of length 1|character", "char"),
    (r"read-write|writable", "buffer"),
    (r"bytes-like|buffer|bytes object|byte string", "bytes buffer"),
    (r"os\.PathLike|path", "path str fd"),
    (r"file descriptor|fileno", "fd file int"),
    (r"\.read\b|'read'|\bread\(\)|\bfile\b|'write'|\bwrite\(\)|readline", "file"),
    (r"list of pairs|pairs|sequence element|2-sequence", "pairs"),
    (r"\bstr\b|\bstring\b|unicode", "str char digits"),
    (r"\bbytes\b", "bytes"),
    (r"bytearray", "buffer"),
    (r"an integer|\bint\b|__index__|integer", "int fd"),
    (r"\bbool\b", "bool"),
    (r"\btuple\b", "tuple"),
    (r"\blist\b", "list strlist pairs"),
    (r"\bdict\b|mapping", "dict"),
    (r"\bset\b", "set"),
    (r"callable", "callable"),
    (r"not an iterator|iterator", "iterator"),
    (r"not iterable|iterable|sequence", "list tuple iterator str"),
    (r"a type|a class|\btype\b", "type"),
    (r"\bNone\b", "none"),
)
_WORDS = tuple((re.compile(pattern), kinds.split()) for pattern, kinds in _BY_WORD)


def _read_names():
    table = {}
    for row in _BY_NAME.strip().splitlines():
        names, _, descriptors = row.partition(" : ")
        for name in names.split():
            table.setdefault(name, descriptors.split())
    return table


_NAMES = _read_names()


def by_name(name):
    """Descriptors for a parameter of that name."""
    name = name.lower().strip("_*")
    if name in _NAMES:
        return _NAMES[name]
    for part in reversed(name.split("_")):
        if part in _NAMES:
            return _NAMES[part]
    return _NAMES.get(name.rstrip("0123456789s"), [])


def is_descriptor_name(name):
    """Whether a parameter of that name takes the number of an open file."""
    return name.lower().strip("_0123456789") in ("fd", "fds", "fileno", "fildes", "file", "in_fd", "out_fd", "dir_fd")


def is_path_name(name):
    """Whether a parameter of that name takes the name of a file."""
    return name.lower().strip("_") in ("path", "filename", "file_name", "database", "src", "dst")


# Kinds that say the same about a position.
_FAMILY = {
    "size": "int", "bigint": "big", "char": "str", "digits": "str", "strlist": "list", "pairs": "list",
}  # fmt: skip
# What a value of a kind is called in messages, where that is not the kind's name.
_TYPE_OF = {
    "size": "int", "bigint": "int", "fd": "int", "char": "str", "digits": "str", "path": "str", "buffer": "bytearray",
    "strlist": "list", "pairs": "list", "none": "NoneType", "callable": "function", "iterator": "recipe_iter",
    "object": "recipe_object", "index": "recipe_index", "file": "BufferedRandom",
}  # fmt: skip


def family(descriptor):
    """The kind that a descriptor is a variety of."""
    return _FAMILY.get(descriptor, descriptor)


def may_be(descriptor, offenders):
    """Whether a message that names these types may mean an argument of that descriptor."""
    if not offenders or descriptor[0] in "=@":
        return True
    return _TYPE_OF.get(descriptor, descriptor) in [name.rsplit(".", 1)[-1] for name in offenders]


_ARITY = (
    (re.compile(r"takes no (?:positional )?arguments"), lambda m: (0, 0)),
    (re.compile(r"takes exactly one argument|takes exactly 1 (?:positional )?argument"), lambda m: (1, 1)),
    (re.compile(r"(?:takes|requires) (?:exactly )?(\d+) (?:positional )?arguments?\b"), lambda m: (int(m[1]),) * 2),
    (re.compile(r"expected (?:exactly )?(\d+) (?:positional )?arguments?\b"), lambda m: (int(m[1]),) * 2),
    (re.compile(r"at least (\d+|one|two) (?:positional |key)?arguments?"), lambda m: (_number(m[1]), None)),
    (re.compile(r"at most (\d+|one|two) (?:positional |keyword )?arguments?"), lambda m: (None, _number(m[1]))),
    (re.compile(r"takes from (\d+) to (\d+)"), lambda m: (int(m[1]), int(m[2]))),
    (re.compile(r"requires (\d+) to (\d+) arguments"), lambda m: (int(m[1]), int(m[2]))),
    (re.compile(r"missing required argument '\w+' \(pos (\d+)\)"), lambda m: (int(m[1]), None)),
    (re.compile(r"missing (\d+) required positional"), lambda m: (-int(m[1]), None)),
    (re.compile(r"must have at least two arguments"), lambda m: (2, None)),
)


_GOT = re.compile(r"but (\d+) (?:was|were) given|\((\d+) given\)|, got (\d+)")


def _number(text):
    return {"one": 1, "two": 2}.get(text) or int(text)


def arity_of(message, given):
    """(least, most) number of positional arguments a TypeError asks for, None where it says nothing; None if it is
    about something else. `given` is how many there were."""
    for pattern, numbers in _ARITY:
        match = pattern.search(message)
        if match:
            least, most = numbers(match)
            if least is not None and least < 0:
                least = given - least
            # Some count the receiver as an argument: then the number they say they got is one too many.
            got = _GOT.search(message)
            extra = int(got[1] or got[2] or got[3]) - given if got else 0
            if extra == 1:
                least, most = (number - 1 if number else number for number in (least, most))
            if (least is not None and given < least) or (most is not None and given > most):
                return least, most
    return None


def required_keyword(message, keywords, most):
    """The keyword without which a call does not work, as a TypeError says; `most` arguments may be positional."""
    match = re.search(r"missing required argument '(\w+)' \(pos (\d+)\)", message)
    if match:
        return match.group(1) if int(match.group(2)) > most else None
    match = re.search(r"missing \d+ required keyword-only arguments?: '(\w+)'|^(\w+) is required", message)
    name = match and (match.group(1) or match.group(2))
    return name if name in keywords or (match and match.group(1)) else None


_POSITION = re.compile(
    r"\barg(?:ument)? #?([1-9]\d*)|\barg(?:ument)? '(\w+)'|\b(first|second|third|fourth) arg|\b(\w+)\(?\)? must be"
)
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_WANTED = re.compile(
    r"must be (.*?)(?:, ?(?:not|got)|; |$)|expected (.*?)(?:, ?(?:not|got)|; |$)"
    r"|(required.*)|(an? .*? is required)|(\w+) expected"
)
_OFFENDER = re.compile(
    r"'([\w.]+)' object|not '?([\w.]+)'?$|got '?([\w.]+)'?|, not ([\w.]+)|([\w.]+) found$|'([\w.]+)' (?:does|type)"
)


def of_message(message, names):
    """(position or None, kinds wanted, type names of offenders) that a TypeError tells; names are the parameters."""
    position = None
    match = _POSITION.search(message)
    if match:
        number, name, ordinal, subject = match.groups()
        if number:
            position = int(number) - 1
        elif ordinal:
            position = _ORDINALS[ordinal] - 1
        elif (name or subject) in names:
            position = names.index(name or subject)
    wanted = _WANTED.search(message)
    text = next((group for group in wanted.groups() if group), "") if wanted else message
    text = re.sub(r"'[\w.]+' object", "", text)
    kinds = []
    for pattern, some in _WORDS:
        if pattern.search(text):
            kinds.extend(kind for kind in some if kind not in kinds)
    offenders = [group for found in _OFFENDER.findall(message) for group in found if group]
    return position, kinds, offenders


def sequences(message):
    """A tuple of the length that a message like "takes a 9-sequence" asks for, as a descriptor."""
    match = re.search(r"(\d+)-(?:sequence|tuple)|sequence of length (\d+)|tuple of length (\d+)", message)
    return ["=(%s)" % ", ".join(["1"] * int(next(filter(None, match.groups()))))] if match else []


class Shape:
    """The parameters of a callable, as far as its signature or its docstring tells."""

    def __init__(self):
        self.known = False
        self.names = []  # positional ones
        self.required = 0
        self.defaults = {}
        self.varargs = False
        self.varkw = False
        self.keywords = []  # [(name, required)] that can be given by keyword
        self.annotations = {}  # name -> text

    def most(self):
        return len(self.names) + (2 if self.varargs else 0)


def shape_of(value, doc, label, bound):
    """The Shape of a callable; `bound` drops the parameter that the receiver fills."""
    return _from_signature(value, bound) or _from_doc(doc, label) or Shape()


def _from_signature(value, bound):
    import inspect

    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError, AttributeError, NameError, SyntaxError):
        return None
    shape = Shape()
    shape.known = True
    parameters = list(signature.parameters.values())
    if bound and parameters and parameters[0].kind in (0, 1):
        parameters = parameters[1:]
    if isinstance(value, type) and [str(p) for p in parameters] == ["*args", "**kwargs"]:
        return None  # says nothing
    for parameter in parameters:
        optional = parameter.default is not parameter.empty
        if parameter.annotation is not parameter.empty:
            mark = parameter.annotation
            shape.annotations[parameter.name] = mark.__name__ if isinstance(mark, type) else str(mark)
        if parameter.kind in (0, 1):
            shape.names.append(parameter.name)
            if optional:
                shape.defaults[parameter.name] = parameter.default
            else:
                shape.required = len(shape.names)
        if parameter.kind in (1, 3):
            shape.keywords.append((parameter.name, not optional and parameter.kind == 3))
            if optional:
                shape.defaults[parameter.name] = parameter.default
        if parameter.kind == 2:
            shape.varargs = True
        if parameter.kind == 4:
            shape.varkw = True
    return shape


def _from_doc(doc, label):
    name = re.escape(label.rsplit(".", 1)[-1])
    for line in (doc or "").splitlines()[:12]:
        match = re.match(r"(?:\w+:)?\s*(?:[\w.]+\.)?%s\((.*?)\)\s*(?:->|--|=>|:|,|$|\w|\.)" % name, line)
        if match:
            return _from_usage(match.group(1))
    return None


def _from_usage(text):
    shape = Shape()
    optional = False
    keyword_only = False
    for part in text.split(","):
        word = part.strip().strip("[]() ")
        optional = optional or part.strip().startswith("[") or "=" in part
        name = re.match(r"\*{0,2}(\w+)", word)
        if "..." in word or (word.startswith("*") and word != "*" and not word.startswith("**")):
            shape.varargs = True
        elif word == "*":
            keyword_only = True
        elif word.startswith("**"):
            shape.varkw = True
        elif name and word != "/":
            if keyword_only:
                shape.keywords.append((name.group(1), False))
            else:
                shape.names.append(name.group(1))
                if not optional:
                    shape.required = len(shape.names)
                else:
                    shape.keywords.append((name.group(1), False))
        optional = optional or part.strip().endswith("[") or part.strip() == "["
    shape.known = True
    return shape


_QUOTED = re.compile(r"'([^'\n]{1,16})'|\"([^\"\n]{1,16})\"")


def examples(doc, label, render):
    """Argument lists of the doctest lines that call it, where all arguments are literals: [["=text", ...]]."""
    import ast

    name = re.escape(label.rsplit(".", 1)[-1])
    found = []
    for match in re.finditer(r">>> .*?\b%s\((.*?)\)\s*$" % name, doc or "", re.M):
        try:
            call = ast.parse("f(%s)" % match.group(1), mode="eval").body
            if not isinstance(call, ast.Call):  # `>>> f(1) + g(2)`
                continue
            values = [ast.literal_eval(arg) for arg in call.args]
        except (SyntaxError, ValueError):
            continue
        texts = [render(value) for value in values]
        if not call.keywords and None not in texts and ["=" + text for text in texts] not in found:
            found.append(["=" + text for text in texts])
    return found[:4]


def quoted(doc, render):
    """Short string literals that the docstring mentions, as descriptors."""
    found = []
    for single, double in _QUOTED.findall(doc or ""):
        text = "=" + render(single or double)
        if text not in found:
            found.append(text)
    return found[:12]
