#!/usr/bin/env python3
"""What each canary must be found with: reads the first comment of its source (grammar: targets/canaries/README.md).

    expect.py --json targets/canaries                      the whole table, for a program
    expect.py --match targets/canaries MODULE FLAVOUR KIND FUNCTION [FUNCTION]
                                                           exit 0 when that is an expected finding, else 1

As a module: load(folder) gives Canary objects, Canary.expects(...) answers the same question.
"""

import json
import pathlib
import re
import sys

FLAVOURS = ("plain", "tsan", "asan")
KINDS_TABLE = pathlib.Path(__file__).resolve().parents[2] / "harness" / "oracle" / "kinds.def"


class ExpectError(Exception):
    """A first comment that does not follow the grammar; the text says where and why."""


def known_kinds():
    """The names of all kinds of finding, from the one table that has them."""
    return re.findall(r'^FTF_FINDING_KIND\(\w+, "([\w-]+)"', KINDS_TABLE.read_text(), re.MULTILINE)


class Alternative:
    """One thing that would do: a kind, in one of some flavours, in one function or between two.

    sides holds one or two sets of function names; each must be met by a frame of its own in the signature.
    """

    def __init__(self, kind, flavours, sides):
        self.kind = kind
        self.flavours = flavours
        self.sides = sides

    def accepts(self, flavour, kind, functions):
        if kind != self.kind or flavour not in self.flavours or len(functions) < len(self.sides):
            return False
        if len(self.sides) == 1:
            return any(function in self.sides[0] for function in functions)
        one, other = self.sides
        left, right = functions[:2]
        return (left in one and right in other) or (left in other and right in one)

    def to_json(self):
        return {"kind": self.kind, "flavours": list(self.flavours), "functions": [sorted(side) for side in self.sides]}


class Canary:
    """A planted bug: its module, its class in the list of bug classes, and the findings that count as finding it."""

    def __init__(self, source, text):
        found = re.fullmatch(r"ck(\d\d)_([a-z0-9_]+)", source.stem)
        if not found:
            raise ExpectError(f"{source.name}: a canary is named ckNN_words.c")
        self.source = source
        self.module = source.stem
        self.twin = source.stem + "_fixed"
        self.bug_class = f"K{int(found[1])}"
        self.alternatives = parse(text, source.name)

    def expects(self, flavour, kind, functions):
        """Whether such a finding, with one or two frames `f` or `file.c:f` in its signature, is the planted bug."""
        functions = [function.rpartition(":")[2] for function in functions]
        return any(alternative.accepts(flavour, kind, functions) for alternative in self.alternatives)

    def to_json(self):
        return {
            "module": self.module,
            "twin": self.twin,
            "class": self.bug_class,
            "source": self.source.name,
            "expect": [alternative.to_json() for alternative in self.alternatives],
        }


def parse(text, where):
    """The alternatives in the first comment of a source."""
    found = re.match(r"/\* expect: ([^*]*) \*/\n", text)
    if not found:
        raise ExpectError(f"{where}: must begin with '/* expect: ' and end that comment with ' */'")
    kinds = known_kinds()
    return [parse_alternative(" ".join(part.split()), where, kinds, text) for part in found[1].split(";")]


def parse_alternative(part, where, kinds, text):
    found = re.fullmatch(r"([a-z-]+) ([a-z,]+) in ([\w|]+)(?: <-> ([\w|]+))?", part)
    if not found:
        raise ExpectError(f"{where}: '{part}' is not 'kind flavours in functions [<-> functions]'")
    kind, flavours = found[1], tuple(found[2].split(","))
    if kind not in kinds:
        raise ExpectError(f"{where}: there is no kind '{kind}' in {KINDS_TABLE.name}")
    for flavour in flavours:
        if flavour not in FLAVOURS:
            raise ExpectError(f"{where}: there is no flavour '{flavour}'")
    sides = [frozenset(side.split("|")) for side in found.groups()[2:] if side is not None]
    for function in sorted(frozenset().union(*sides)):
        # A function that was renamed would make a canary that can no longer be found, silently.
        if not re.search(rf"^static [^;=]*\b{function}\([^;]*\{{", text, re.MULTILINE):
            raise ExpectError(f"{where}: no static function '{function}' is defined there")
    return Alternative(kind, flavours, sides)


def load(folder):
    """All canaries of a folder, by class."""
    return [Canary(source, source.read_text()) for source in sorted(pathlib.Path(folder).glob("ck*.c"))]


def main(args):
    try:
        if len(args) == 2 and args[0] == "--json":
            json.dump({"format": 1, "canaries": [canary.to_json() for canary in load(args[1])]}, sys.stdout, indent=1)
            print()
            return 0
        if len(args) in (6, 7) and args[0] == "--match":
            folder, module, flavour, kind, *functions = args[1:]
            for canary in load(folder):
                if canary.module == module:
                    return 0 if canary.expects(flavour, kind, functions) else 1
            raise ExpectError(f"there is no canary {module} in {folder}")
    except (ExpectError, OSError) as error:
        print(f"expect.py: {error}", file=sys.stderr)
        return 2
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
