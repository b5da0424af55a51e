"""The house rules that a machine can check. Each has a sample that must trip it: a rule that cannot fail is no rule.

A rule looks at one file: check(path, text) yields (line, problem). `trips` is such a file, made up, with a violation.
Python 3.11, standard library only. Run by test_rules.py.
"""

import ast
import re
from dataclasses import dataclass
from typing import Callable, Iterable

# What a folder of harness/ may include, besides itself. It is the layering of ARCHITECTURE.md; a single header stands for
# itself where a layer needs no more of another than that.
LAYERS = {
    "base": [],
    "scenario": ["base/"],
    "sched": ["base/", "scenario/"],
    "lanes": ["base/", "scenario/", "sched/", "vm.h"],
    "python": ["base/", "scenario/", "sched/sched.h", "vm.h", "python_sources.h"],
    "oracle": ["base/", "scenario/", "sched/sched.h", "sched/flow.h"],
    "findings": ["base/", "scenario/", "oracle/kinds.h"],
    "reduce": ["base/", "scenario/", "oracle/kinds.h", "findings/", "python_sources.h"],
    "engine": ["base/", "scenario/", "sched/", "lanes/", "python/", "oracle/", "findings/", "vm.h",
               "python_sources.h"],
    "cli": ["base/", "scenario/", "oracle/kinds.h", "findings/", "reduce/", "python_sources.h", "page_sources.h", "pays_sources.h",
            "export_sources.h", "ftfuzz_config.h"],
}

FUNCTION_LINES_MAX = 70  # TigerBeetle's bound: what fits on a screen can be understood at once
FILE_LINES_MAX = 600     # the models' p90; a longer file is two files
LINE_COLUMNS_MAX = 120
PROSE_COLUMNS_MAX = 140  # comments, and scripts

# path -> why a longer one is better there
LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {}

BANNED_CALLS = {
    "strcpy": "no bound; use snprintf or ftf_text",
    "strcat": "no bound; use snprintf or ftf_text",
    "sprintf": "no bound; use snprintf or ftf_text",
    "vsprintf": "no bound; use vsnprintf",
    "gets": "no bound",
    "atoi": "takes rubbish for 0; use strtol with its end pointer",
    "atol": "takes rubbish for 0; use strtol with its end pointer",
    "atof": "takes rubbish for 0; use strtod with its end pointer",
    "system": "runs a shell; use base/proc",
    "popen": "runs a shell; use base/proc",
    "strtok": "hidden state",
    "rand": "randomness comes from an ftf_rng",
    "srand": "randomness comes from an ftf_rng",
    "alloca": "no bound on the stack",
}

Problems = Iterable[tuple[int, str]]


@dataclass(frozen=True)
class Rule:
    name: str
    applies: Callable[[str], bool]
    check: Callable[[str, str], Problems]
    trips: tuple[str, str]  # path, text


def _is_c(path: str) -> bool:
    return path.endswith((".c", ".h"))


def _in_harness(path: str) -> bool:
    return path.startswith("harness/") and _is_c(path)


def _numbered(text: str):
    return enumerate(text.splitlines(), 1)


def _without_comments(text: str) -> str:
    """The text with comments and string contents blanked, line numbers kept."""

    def blank(match: re.Match) -> str:
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


# ---- layers -----------------------------------------------------------------------------------------------------------


def check_layers(path: str, text: str) -> Problems:
    parts = path.split("/")
    folder = parts[1] if len(parts) > 2 else None
    for number, line in _numbered(text):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        header = match.group(1)
        if folder is None:  # harness/vm.h, the contract between two layers
            allowed = ["base/", "scenario/"]
        elif folder not in LAYERS:
            yield number, f"harness/{folder} is in no layer (tests/tidy/rules.py)"
            return
        else:
            allowed = [f"{folder}/"] + LAYERS[folder]
        if not any(header == a or (a.endswith("/") and header.startswith(a)) for a in allowed):
            yield number, f"{folder or 'harness'} must not include {header}"


def check_python_h(path: str, text: str) -> Problems:
    if path.startswith("harness/python/"):
        return
    for number, line in _numbered(text):
        if re.match(r"\s*#\s*include\s+[<\"](Python\.h|structmember\.h|internal/pycore)", line):
            yield number, "only harness/python may include Python's headers"


# ---- shape ------------------------------------------------------------------------------------------------------------


def check_function_length(path: str, text: str) -> Problems:
    start = 0
    for number, line in _numbered(_without_comments(text)):
        if re.match(r"^[A-Za-z_].*\)\s*\{\s*$|^ +.*\)\s*\{\s*$", line) and start == 0 and not line.startswith("    "):
            start = number
        elif line.startswith("{") and start == 0:
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_LINES_MAX and path not in LONG_FUNCTIONS:
                yield start, f"a function of {number - start - 1} lines (at most {FUNCTION_LINES_MAX})"
            start = 0


def check_file_length(path: str, text: str) -> Problems:
    lines = text.count("\n")
    if lines > FILE_LINES_MAX and path not in LONG_FILES:
        yield lines, f"a file of {lines} lines (at most {FILE_LINES_MAX})"


def check_lines(path: str, text: str) -> Problems:
    for number, line in _numbered(text):
        prose = not _is_c(path) or line.strip().startswith(("*", "/*", "//")) or line.endswith("*/")
        columns_max = PROSE_COLUMNS_MAX if prose else LINE_COLUMNS_MAX
        if len(line) > columns_max:
            yield number, f"{len(line)} columns (at most {columns_max})"
        if "\t" in line and path != "Makefile":
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of a line"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"


def check_left_overs(path: str, text: str) -> Problems:
    for number, line in _numbered(text):
        if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", line):
            yield number, "a note to ourselves: do it, or file an issue"


# ---- C ----------------------------------------------------------------------------------------------------------------


def check_banned_calls(path: str, text: str) -> Problems:
    for number, line in _numbered(_without_comments(text)):
        for match in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
            if match.group(1) in BANNED_CALLS:
                yield number, f"{match.group(1)}: {BANNED_CALLS[match.group(1)]}"


def check_guard(path: str, text: str) -> Problems:
    name = "FTF_" + re.sub(r"\W", "_", path.removeprefix("harness/")).upper()
    if not re.search(rf"^#ifndef {name}\n#define {name}\n", text, re.M):
        yield 1, f"no include guard {name}"


def check_header_essay(path: str, text: str) -> Problems:
    essay = re.search(r"/\*(.*?)\*/", text, re.S)
    lead = text[: essay.start()] if essay else text
    if essay is None or re.search(r"\b(typedef|struct|enum|void|int)\b", lead):
        yield 1, "a header begins with what it is for"
    elif len(re.sub(r"\W+", "", essay.group(1))) < 30:
        yield 1, "a header's opening comment says what the module is for, in a sentence"


def check_own_header_first(path: str, text: str) -> Problems:
    match = re.search(r'^#\s*include\s+(\S+)', text, re.M)
    own = path.removeprefix("harness/").removesuffix(".c") + ".h"
    if match and f'"{own}"' in text and match.group(1) != f'"{own}"':
        yield text[: match.start()].count("\n") + 1, f"{own} is included first, so that it is known to stand alone"


def check_public_names(path: str, text: str) -> Problems:
    """What a header declares carries our prefix: it shares a namespace with libFuzzer, Python and the target."""
    for number, line in _numbered(_without_comments(text)):
        match = re.match(r"^(?!typedef|static|extern|#|_)\w[\w \*]*?[\s\*](\w+)\(", line)
        if match and not re.match(r"(ftf_|FTF_|__|_Static_assert|LLVMFuzzer)", match.group(1)):
            yield number, f"{match.group(1)} has no ftf_ prefix"


# ---- tables -----------------------------------------------------------------------------------------------------------


def check_table(path: str, text: str) -> Problems:
    """An X-macro table explains its macro and has no row twice."""
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    macros = set(re.findall(r"^(FTF_[A-Z_]+)\(", code, re.M))
    if not macros:
        yield 1, "a table without rows"
    for macro in macros:
        if f"{macro}(" not in "".join(re.findall(r"/\*.*?\*/", text, re.S)):
            yield 1, f"no comment explains {macro}(...)"
    seen: dict[str, int] = {}
    for number, line in _numbered(code):
        row = line.strip()
        if row.startswith("FTF_"):
            if row in seen:
                yield number, f"the row is also in line {seen[row]}"
            seen[row] = number


# ---- what must not be in the tree -------------------------------------------------------------------------------------

_HOSTS = r"(?:files\.)?pythonhosted\.org|pypi\.(?:org|python\.org)|deb\.debian\.org|archive\.ubuntu\.com|registry\.npmjs\.org|" \
         r"proxy\.golang\.org|crates\.io|ftp\.python\.org"
_MACHINE = r"(?<![\w.>}])/(?:root|work|home/\w+|Users/\w+)/"


def check_places(path: str, text: str) -> Problems:
    for number, line in _numbered(text):
        host = re.search(_HOSTS, line)
        if host:
            yield number, f"{host.group(0)}: a registry is the user's to choose"
        machine = re.search(_MACHINE, line)
        if machine:
            yield number, f"{machine.group(0)}: a path of one machine"


def check_suppressions(path: str, text: str) -> Problems:
    """A suppression hides something: the comment above it says what (a link), where (a version) and why."""
    comment: list[str] = []
    for number, line in _numbered(text):
        if line.startswith("#"):
            comment.append(line)
        elif not line.strip():
            comment = []
        elif re.match(r"[a-z_]+:", line):
            about = " ".join(comment)
            if not re.search(r"https?://|gh-\d+", about):
                yield number, "a suppression without a link"
            if not re.search(r"\b3\.\d+|\bclang|\bLLVM|\bglibc|\bOpenSSL", about):
                yield number, "a suppression that does not say which version it is about"
            if len(re.sub(r"\W|https?://\S+", "", about)) < 20:
                yield number, "a suppression without a reason"


def check_skips(path: str, text: str) -> Problems:
    """What a target file leaves out has a reason."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield 1, f"not TOML: {error}"
        return
    skips = data.get("skip", [])
    rows = skips.items() if isinstance(skips, dict) else ((s.get("name"), s.get("reason")) if isinstance(s, dict) else (s, None)
                                                           for s in skips)
    for name, reason in rows:
        if not isinstance(reason, str) or len(reason) < 8:
            yield 1, f"skip of {name} without a reason"


def check_python_parses(path: str, text: str) -> Problems:
    try:
        ast.parse(text)
    except SyntaxError as error:
        yield error.lineno or 1, f"not Python 3.11: {error.msg}"


def _is_text(path: str) -> bool:
    return path.endswith((".c", ".h", ".def", ".py", ".md", ".txt", ".toml", ".cmake", ".ft", ".in", ".yml", ".yaml")) or \
        path.startswith("ci/") or path in ("Makefile", ".ci/run", "LICENSE")


def _is_ours(path: str) -> bool:  # golden logs are what other programs printed
    return _is_text(path) and not path.startswith(("tests/data/", "tests/tidy/"))


RULES = [
    Rule("layers", _in_harness, check_layers, ("harness/base/x.c", '#include "cli/options.h"\n')),
    Rule("python-h", lambda p: _is_c(p) and p.startswith("harness/"), check_python_h, ("harness/sched/x.c", "#include <Python.h>\n")),
    Rule("function-length", _in_harness, check_function_length,
         ("harness/base/x.c", "static int f(void) {\n" + "    g();\n" * 71 + "}\n")),
    Rule("file-length", lambda p: p.startswith(("harness/", "tests/")) and p.endswith((".c", ".h", ".py")), check_file_length,
         ("harness/base/x.c", "\n" * 601)),
    Rule("lines", lambda p: _is_ours(p) and not p.endswith((".md", ".def", ".toml")), check_lines, ("harness/base/x.c", "int x; \n")),
    Rule("left-overs", _is_ours, check_left_overs, ("harness/base/x.c", "/* TO" "DO */\n")),
    Rule("banned-calls", _in_harness, check_banned_calls, ("harness/base/x.c", "int f(void) { return atoi(s); }\n")),
    Rule("guard", lambda p: _in_harness(p) and p.endswith(".h"), check_guard, ("harness/base/x.h", "#ifndef X_H\n#define X_H\n")),
    Rule("header-essay", lambda p: _in_harness(p) and p.endswith(".h"), check_header_essay,
         ("harness/base/x.h", "#ifndef A\n#define A\nint f(void);\n/* Late and long enough to be an essay, yes. */\n")),
    Rule("own-header-first", lambda p: _in_harness(p) and p.endswith(".c"), check_own_header_first,
         ("harness/base/x.c", '#include <stdio.h>\n#include "base/x.h"\n')),
    Rule("public-names", lambda p: _in_harness(p) and p.endswith(".h"), check_public_names,
         ("harness/base/x.h", "int helper(void);\n")),
    Rule("table", lambda p: p.startswith("harness/") and p.endswith(".def"), check_table,
         ("harness/base/x.def", "/* FTF_X(name): a row. */\nFTF_X(a)\nFTF_X(a)\n")),
    Rule("places", lambda p: _is_text(p) and not p.startswith("tests/tidy/"), check_places,
         ("ci/x", "curl https://pypi" ".org/simple\n")),
    Rule("suppressions", lambda p: p.startswith("ci/known-races/") and p.endswith(".txt"), check_suppressions,
         ("ci/known-races/x.txt", "# because\nrace_top:f\n")),
    Rule("skips", lambda p: p.startswith("targets/") and p.endswith(".toml"), check_skips, ("targets/x.toml", 'skip = ["f"]\n')),
    Rule("python-parses", lambda p: p.endswith(".py") and p.startswith("tests/"), check_python_parses, ("tests/x.py", "def f(:\n")),
]
