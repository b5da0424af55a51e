"""The scenario language as seen from Python: run its lines, and write values down in it.

It is a subset of Python's syntax but for `$name`, so a line runs by compiling it. Names are looked up the way lanes do:
slots, then the target module, then builtins, then the catalog's "modules" by their dotted name.
"""

import builtins
import re
import sys

import recipes

_TOKEN = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\$([A-Za-z_]\w*)(\()?""")
_ASSIGN = re.compile(r"^([A-Za-z_]\w*) = (.*)$", re.S)
_HARNESS = ("copy", "gc", "pickle", "sys")  # the ops copy.copy(x), gc.collect(), ... name them whatever the target is


def to_python(text):
    """Replaces each `$name` outside of string literals by a call of its recipe."""

    def replace(match):
        if match.group(1):
            return match.group(1)
        return "recipe_%s(%s" % (match.group(2), "" if match.group(3) else ")")

    return _TOKEN.sub(replace, text)


class _Dotted:
    """A prefix of the dotted name of a native module, such as `multidict` of `multidict._multidict`."""

    def __init__(self, path, modules):
        self._path, self._modules = path, modules

    def __getattr__(self, name):
        path = self._path + "." + name
        if path in self._modules:
            return sys.modules[path]
        if any(module.startswith(path + ".") for module in self._modules):
            return _Dotted(path, self._modules)
        raise AttributeError("no module %s" % path)


class World:
    """The names that are no slots. `modules` is the list of the same name in the catalog."""

    def __init__(self, target, modules=()):
        self.target = target
        self.modules = set(modules)
        self._code = {}

    def lookup(self, name):
        for place in (self.target, builtins):
            try:
                return getattr(place, name)
            except AttributeError:
                pass
        if name.startswith("recipe_") and hasattr(recipes, name):
            return getattr(recipes, name)
        if name in self.modules:
            return sys.modules[name]
        if any(module.startswith(name + ".") for module in self.modules):
            return _Dotted(name, self.modules)
        if name in _HARNESS:
            return __import__(name)
        raise NameError("name '%s' is not defined" % name)

    def compile(self, text):
        """(slot or None, code) of one line; compiled once, because a line is tried again and again."""
        known = self._code.get(text)
        if known is None:
            assign = _ASSIGN.match(text)
            slot, body = assign.groups() if assign else (None, text)
            try:
                code = compile(to_python(body), "<scenario>", "eval")
            except SyntaxError:
                code = compile(to_python(body), "<scenario>", "exec")
            known = self._code[text] = (slot, code)
        return known

    def run(self, lines):
        """Runs lines with slots of their own; the value of the last one."""
        return self.execute(lines, Names(self), [0])

    def execute(self, lines, names, progress):
        """Runs lines with the given slots; progress[0] says how far it came when one raises."""
        value = None
        for progress[0], text in enumerate(lines):
            slot, code = self.compile(text)
            value = eval(code, {}, names)
            if slot:
                names.slots[slot] = value
        return value


class Names:
    """The mapping that compiled lines resolve their names in."""

    def __init__(self, world):
        self.slots = {}
        self._world = world

    def __getitem__(self, name):
        if name in self.slots:
            return self.slots[name]
        try:
            return self._world.lookup(name)
        except NameError:
            raise KeyError(name) from None

    def __setitem__(self, name, value):
        self.slots[name] = value

    def __delitem__(self, name):
        del self.slots[name]


def rename(lines, slots):
    """Lines with the slots they assign renamed: `slots` maps each name in order of assignment to the new one."""
    new = {}
    for text in lines:
        assign = _ASSIGN.match(text)
        if assign and assign.group(1) not in new:
            new[assign.group(1)] = slots(len(new))
    if not new:
        return list(lines)
    names = "|".join(sorted(map(re.escape, new), key=len, reverse=True))
    token = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.$])(%s)(?!\w)(?!=[^=])""" % names)
    return [token.sub(lambda match: match.group(1) or new[match.group(2)], text) for text in lines]


def keep(lines, slot):
    """The same lines with the value of the last one kept in slot."""
    return list(lines[:-1]) + ["%s = %s" % (slot, lines[-1])]


def numbered(lines):
    """The same lines with slots named s0, s1, ... and nothing kept by the last one: how the catalog writes them."""
    lines = rename(lines, lambda index: "s%d" % index)
    last = _ASSIGN.match(lines[-1])
    return lines[:-1] + [last.group(2) if last else lines[-1]]


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quote_char(char):
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if 32 <= code < 127:
        return char
    return "\\x%02x" % code if code < 256 else "\\u%04x" % code if code < 65536 else "\\U%08x" % code


def render(value):
    """The text of a literal in the scenario language, or None when the value is not one."""
    if value is None or value is True or value is False:
        return str(value)
    kind = type(value)
    if kind is int:
        return str(value) if abs(value) < 10**30 else hex(value)
    if kind is float:
        text = repr(value)
        return text if text[-1].isdigit() else 'float("%s")' % text
    if kind is str:
        return '"%s"' % "".join(map(_quote_char, value))
    if kind is bytes:
        return 'b"%s"' % "".join(_quote_char(chr(byte)) for byte in value)
    if kind is dict:
        pairs = [(render(key), render(item)) for key, item in value.items()]
        return None if any(None in pair for pair in pairs) else "{%s}" % ", ".join("%s: %s" % pair for pair in pairs)
    if kind in (tuple, list, set):
        items = [render(item) for item in value]
        if None in items or (kind is set and not items):
            return None
        body = ", ".join(sorted(items) if kind is set else items)
        if kind is tuple:
            return "(%s,)" % body if len(items) == 1 else "(%s)" % body
        return "[%s]" % body if kind is list else "{%s}" % body
    return None


def parse_kinds(text):
    """{kind: [sample, ...]} from the text of kinds.def, for use without the C side."""
    kinds = {}
    for row in re.findall(r"^FTF_KIND\((.*)\)\s*$", text, re.M):
        name, _, rest = row.partition(",")
        samples = re.findall(r'"((?:\\.|[^"\\])*)"', rest)
        kinds[name.strip()] = [re.sub(r"\\(.)", r"\1", sample) for sample in samples]
    return kinds
