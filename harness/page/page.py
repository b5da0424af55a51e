"""Makes the page of a check: one file of HTML that asks no network.

    page.py CHECK.json PAGE.html

Everything that the page says is in the document (harness/cli/check.h, exercised.h, pays.h); members that are missing are left out.
page.html is the frame, page.css the style. Text gets into the page through `tag` alone, which escapes it: names in here come from
the module that was tested, and may be anything. Standard library only.
"""

import html
import json
import os
import re
import string
import sys

CELLS_WITH_WORDS = 20_000  # so many cells say what they mean when pointed at; a page with more does it by its script alone
OPEN_TYPES = 3  # tables of pairs that are shown at once; the others are folded
OPEN_OPERATIONS = 45  # and only those with at most so many rows
OPEN_FINDINGS = 1
FINDINGS_MAX = 20  # before the rest is folded
LIST_MAX = 30  # rows of a list before the rest is folded
NEVER_MAX = 400  # pairs that are named in words

VERDICTS = {
    "clean": "No finding",
    "unsafe": "Not safe without the GIL",
    "undeclared": "Switches the GIL back on",
    "nothing": "Could not be judged",
    "broken": "Could not be judged",
}
SECTIONS = (("findings", "Findings"), ("pairs", "Pairs"), ("callables", "Callables"), ("pays", "Does it pay?"),
            ("method", "How it was tested"))
STATES = {
    "never": ("never called", "it was not drawn in this time"),
    "unknown": ("never called", "nobody knows what it accepts"),
    "skipped": ("never called", "it is not to be called"),
    "refused": ("refused", "every call ended with TypeError"),
    "called": ("called alone", "no call of another thread was under way"),
    "overlapped": ("overlapped", ""),
}
WORST_FIRST = ("never", "unknown", "refused", "called", "skipped", "overlapped")


# ---- HTML -------------------------------------------------------------------------------------------------------------


class Markup(str):
    """Text that is HTML already."""


# Characters that mean nothing in HTML or turn the text around them, and halves of characters.
STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def text(value):
    """As HTML. What nobody could see is shown as its number."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(STRANGE.sub(lambda match: "\\u%04x" % ord(match.group()), str(value)), quote=True))


VOID = ("br", "hr", "meta")


def tag(name, *children, **attributes):
    """An element. class_ is the attribute class; None as a child or a value is left out."""
    words = "".join(' %s="%s"' % (key.rstrip("_").replace("_", "-"), text(value))
                    for key, value in attributes.items() if value is not None and value is not False)
    if name in VOID:
        return Markup("<%s%s>" % (name, words))
    return Markup("<%s%s>%s</%s>" % (name, words, together(children), name))


def together(children):
    return Markup("".join(together(c) if isinstance(c, (list, tuple)) else text(c) for c in children if c is not None))


def table(headings, rows, numbers=(), class_="list"):
    """A list with headings; columns whose index is in `numbers` hold figures."""
    def cell(name, index, value):
        return tag(name, value, class_="number" if index in numbers else None, **({"scope": "col"} if name == "th" else {}))

    head = tag("thead", tag("tr", [cell("th", i, h) for i, h in enumerate(headings)])) if headings else None
    body = tag("tbody", [tag("tr", [cell("td", i, v) for i, v in enumerate(row)]) for row in rows])
    return tag("div", tag("table", head, body, class_=class_), class_="wide")


def about(rows):
    """A table of what is called what; rows without a value are left out."""
    body = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows if value not in (None, "")]
    return tag("div", tag("table", tag("tbody", body), class_="list about"), class_="wide")


def folded(summary, *children, open_=False, **attributes):
    return tag("details", tag("summary", summary), *children, open=open_ or None and "", **attributes) if not open_ else Markup(
        str(tag("details", tag("summary", summary), *children, **attributes)).replace("<details", "<details open", 1))


def mono(value):
    return tag("span", value, class_="mono")


def plural(count, one, many=None):
    return "%s %s" % (thousands(count), one if count == 1 else many or one + "s")


def thousands(count):
    return "{:,}".format(count)


def short(count):
    """In a cell: at most three signs."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return "%d%s" % (count // size, unit) if count < 100 * size else "%s%s" % (">" , unit)
    return str(count)


def times(value):
    return "–" if value is None else "%.2f×" % value


# ---- at the top -------------------------------------------------------------------------------------------------------


def get(document, *path, default=""):
    """A member of a member; the default where there is none."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return default if document is None else document


def is_blamed(finding):
    return get(finding, "blame") == "extension"


def breaks(finding):
    """Whether it breaks what the module promises; one that does not say so does."""
    return finding.get("breaks_contract") is not False


def split(findings):
    """(the extension's, those of others, those that only an earlier campaign has seen)"""
    here = [f for f in findings if f.get("here")]
    return ([f for f in here if is_blamed(f)], [f for f in here if not is_blamed(f)], [f for f in findings if not f.get("here")])


def share(part, whole):
    width = 100.0 * part / whole if whole else 0
    return tag("span", tag("i", style="width:%.1f%%" % width), class_="bar", aria_hidden="true")


def fact(name, big, *more):
    return tag("div", tag("dt", name), tag("dd", big, class_="big"), [tag("dd", m, class_="small soft") for m in more if m])


def gil_fact(document):
    declares = get(document, "gil", "declares")
    if declares == "declared":
        return fact("Py_mod_gil", "declared", "the GIL stays off when it is imported")
    if declares == "not-declared":
        return fact("Py_mod_gil", "not declared", "importing it switches the GIL on; tested with it forced off")
    return fact("Py_mod_gil", "–", "nothing to declare")


def findings_fact(findings):
    blamed, others, _ = split(findings)
    kinds = {}
    for finding in blamed:
        kinds[get(finding, "kind")] = kinds.get(get(finding, "kind"), 0) + 1
    words = ", ".join("%d %s" % (count, kind) for kind, count in kinds.items())
    within = sum(not breaks(finding) for finding in blamed)
    return fact("Findings blamed on it", thousands(len(blamed)), words or None,
                "%s of them within its contract" % thousands(within) if within else None,
                "%s of others, not counted" % thousands(len(others)) if others else None)


def coverage_facts(document):
    callables, pairs = get(document, "coverage", "callables", default={}), get(document, "coverage", "pairs", default={})
    done, total = callables.get("overlapped", 0), callables.get("total", 0)
    met, all_ = pairs.get("overlapped", 0), pairs.get("total", 0)
    native = [r for r in get(document, "callables", default=[]) if r.get("native") is not False]
    in_c = len([r for r in native if r["status"] == "overlapped"])
    return [fact("Callables under way in two threads", "%s of %s" % (thousands(done), thousands(total)), share(done, total),
                 "in C: %s of %s" % (thousands(in_c), thousands(len(native))) if len(native) < total else None),
            fact("Pairs of operations on one object", "%s of %s" % (thousands(met), thousands(all_)), share(met, all_))]


def pays_fact(document):
    summary = get(document, "pays", "summary", default={})
    free = get(summary, "separate", "free", default=None)
    if free is None:
        return fact("Does it pay?", "not measured", get(document, "pays", "trouble"))
    threads = get(document, "pays", "threads")
    return fact("Does it pay? %s threads" % threads, times(free), "the calls of one thread; with the GIL %s" %
                times(get(summary, "separate", "gil", default=None)), "one thread alone: a call takes %s as long" %
                times(get(summary, "single_cost", default=None)), "but the machine was busy" if get(summary, "note") else None)


def top(document):
    word, name = get(document, "verdict", "word"), get(document, "target", "name")
    environment = get(document, "environment", default={})
    line = get(document, "verdict", "line")
    version, python = get(document, "target", "version"), get(environment, "python")
    own = "%s " % version if version and version != python else ""
    return [
        tag("header", tag("h1", "%s %son free-threaded Python %s" % (name, own, python)),
            tag("p", "Checked by ftfuzz %s for %.0f s with %s." % (get(document, "version"), get(environment, "seconds", default=0),
                " and ".join(sanitizer(f) for f in get(environment, "flavours", default=[]))), class_="soft")),
        tag("div", tag("strong", VERDICTS.get(word, word)), line + ".", class_="verdict " + word, id="verdict"),
        tag("dl", gil_fact(document), findings_fact(get(document, "findings", default=[])), coverage_facts(document),
            pays_fact(document), class_="facts"),
        tag("nav", [tag("a", name, href="#" + id_) for id_, name in SECTIONS], aria_label="sections"),
    ]


def sanitizer(flavour):
    return {"tsan": "ThreadSanitizer", "asan": "AddressSanitizer"}.get(flavour, flavour)


# ---- findings ---------------------------------------------------------------------------------------------------------


def text_block(heading, body, open_=False):
    if not body:
        return None
    return folded(heading, tag("pre", body.rstrip("\n")), open_=open_)


def coded(sentence):
    """What stands between backquotes is code."""
    return together([tag("code", part) if i % 2 else part for i, part in enumerate(sentence.split("`"))])


def finding_block(finding, open_):
    pairs = [[" and ".join((pair["a"], pair["b"])) if pair["a"] != pair["b"] else pair["a"] + " with itself"]
             for pair in get(finding, "pairs", default=[])]
    rows = [("kind", "%s: %s" % (get(finding, "kind"), get(finding, "meaning")) if get(finding, "meaning") else get(finding, "kind")),
            ("signature", mono(get(finding, "signature"))),
            ("replayed", "%s in fresh processes: %s" % (get(finding, "rate"), get(finding, "verdict"))
             if "/" in get(finding, "rate") else "not replayed"),
            ("scenario", get(finding, "minimized")),
            ("GIL", get(finding, "gil")),
            ("reproducer", get(finding, "repro")),
            ("operations", together([[mono(p[0]), tag("br") if i < len(pairs) - 1 else None] for i, p in enumerate(pairs)])),
            ("folder", mono(get(finding, "folder")))]
    head = [get(finding, "title"), tag("span", get(finding, "rate"), class_="tag"), tag("span", get(finding, "flavour"), class_="tag"),
            None if breaks(finding) else tag("span", "within the contract", class_="tag")]
    sentence, _, explain = get(finding, "explain").partition("\n\n")
    return folded(together(head), tag("p", coded(sentence)) if sentence else None, about(rows),
                  text_block("What happens, call by call", explain, open_=bool(explain)),
                  text_block("The scenario, with its schedule", get(finding, "scenario"), open_=not explain),
                  text_block("The sanitizer's report", get(finding, "report")),
                  text_block("repro.py, which shows it without ftfuzz", get(finding, "script")),
                  open_=open_, class_="finding", id="finding-" + get(finding, "id"))


def short_list(findings):
    rows = [(get(f, "title"), get(f, "blame"), get(f, "rate"), mono(get(f, "id"))) for f in findings]
    return table(("what", "blamed on", "replayed", "finding"), rows)


def findings_section(document):
    blamed, others, earlier = split(get(document, "findings", default=[]))
    parts = [tag("h2", "Findings", id="findings")]
    if not blamed:
        parts.append(tag("p", "None is blamed on the extension."))
    else:
        if get(document, "target", "promise"):
            parts.append(tag("p", "%s what the module promises, which is the contract %s: %s." % (
                plural(sum(map(breaks, blamed)), "finding breaks", "findings break"), get(document, "target", "contract"),
                get(document, "target", "promise"))))
        parts.append(tag("p", "Replayed k/n: in k of n fresh processes the same thing happened. ", tag("code", "ftfuzz replay FOLDER"),
                         " does it again.", class_="soft small"))
    parts += [finding_block(f, i < OPEN_FINDINGS) for i, f in enumerate(blamed[:FINDINGS_MAX])]
    if len(blamed) > FINDINGS_MAX:
        parts.append(folded("%s more that are blamed on the extension" % thousands(len(blamed) - FINDINGS_MAX),
                            [finding_block(f, False) for f in blamed[FINDINGS_MAX:]]))
    if others:
        parts.append(folded("Not the extension's, and not counted: %s" % plural(len(others), "finding"), short_list(others)))
    if earlier:
        parts.append(folded("Found by an earlier campaign in this folder, and not in this check: %s" % plural(len(earlier), "finding"),
                            tag("p", tag("code", "ftfuzz replay --all"), " says which of them are gone.", class_="soft small"),
                            short_list(earlier)))
    if document.get("known"):
        parts.append(tag("p", "%s of races of the interpreter that are known, and not filed." % plural(document["known"], "report"),
                         class_="soft small"))
    if document.get("damaged"):
        parts.append(tag("p", plural(document["damaged"], "folder"), " of findings could not be read.", class_="soft"))
    return parts


# ---- pairs ------------------------------------------------------------------------------------------------------------


def level(runs):
    return "b" if runs < 10 else "c" if runs < 100 else "d" if runs < 1000 else "e"


def pair_words(pair):
    """What a pair's cell says in words: after the colon what the script says, too."""
    both, same = pair["inside"] + pair["around"], pair["a"] == pair["b"]
    words = "at the same time in %s" % plural(both, "run") if both else "never at the same time with a switch inside"
    if both and not same:
        words += " (%s / %s)" % (thousands(pair["inside"]), thousands(pair["around"]))
    if pair["findings"]:
        words += ", %s" % plural(len(pair["findings"]), "finding")
    return words


def cell(names, row, column, pair, with_words):
    if pair is None:
        title = "%s, %s: never at the same time" % (names[row], names[column]) if with_words else None
        return tag("td", "·", title=title)
    title = "%s, %s: %s" % (names[row], names[column], pair_words(pair))
    both = pair["inside"] + pair["around"]
    if pair["findings"]:
        link = tag("a", short(both) if both else "!", href="#finding-" + pair["findings"][0], tabindex="-1")
        return tag("td", link, title=title, class_="x")
    return tag("td", short(both), title=title, class_=level(both))


def shown(type_):
    """The operations that get a row: those of the catalog, and what was seen besides and met something."""
    met = {index for pair in type_["pairs"] for index in (pair["a"], pair["b"])}
    return [i for i, operation in enumerate(type_["operations"]) if operation["listed"] or i in met]


def matrix(type_, with_words):
    order = shown(type_)
    operations, pairs = type_["operations"], {(pair["a"], pair["b"]): pair for pair in type_["pairs"]}
    names = [operation["short"] for operation in operations]

    def heading(index, **attributes):
        beside = None if operations[index]["listed"] else "beside"
        return tag("th", tag("span", names[index]) if attributes["scope"] == "col" else names[index], title=operations[index]["name"],
                   class_=beside, **attributes)

    head = tag("tr", tag("td"), [heading(i, scope="col") for i in order])
    body = [tag("tr", heading(row, scope="row"),
                [cell(names, row, column, pairs.get((min(row, column), max(row, column))), with_words) for column in order[: k + 1]])
            for k, row in enumerate(order)]
    return tag("div", tag("div", tag("table", tag("thead", head), tag("tbody", body), class_="pairs",
                                     aria_label="pairs of operations on one %s" % type_["name"]), class_="wide"),
               tag("p", class_="says", aria_live="polite"))


def never_list(type_):
    """The pairs that never overlapped, in words, for those who cannot point at cells."""
    order = [i for i in shown(type_) if type_["operations"][i]["listed"]]
    seen = {(pair["a"], pair["b"]) for pair in type_["pairs"] if pair["inside"] + pair["around"]}
    names = [operation["short"] for operation in type_["operations"]]
    never = [(a, b) for k, a in enumerate(order) for b in order[k:] if (min(a, b), max(a, b)) not in seen]
    if not never:
        return None
    rows = [tag("li", mono("%s, %s" % (names[a], names[b]))) for a, b in never[:NEVER_MAX]]
    if len(never) > NEVER_MAX:
        rows.append(tag("li", "and %s more" % thousands(len(never) - NEVER_MAX)))
    return folded("%s never at the same time" % plural(len(never), "pair"), tag("ul", rows, class_="folded"))


def legend():
    rows = (("a", "·", "never at the same time"), ("b", "7", "in 1 to 9 runs"), ("c", "70", "10 to 99"), ("d", "700", "100 to 999"),
            ("e", "7k", "1,000 and more"), ("x", "7", "a finding is about this pair"))
    return tag("ul", [tag("li", tag("span", sign, class_=name), words) for name, sign, words in rows], class_="legend")


def findings_of(type_):
    return {finding for pair in type_["pairs"] for finding in pair["findings"]}


def type_block(type_, with_words, open_):
    total, done = type_.get("pair_total", 0), type_.get("pair_overlapped", 0)
    findings = findings_of(type_)
    words = "%s of %s" % (thousands(done), plural(total, "pair")) if total else plural(len(type_["pairs"]), "pair")
    head = [tag("strong", type_["name"], class_="mono"), "  ", tag("span", words, class_="soft"),
            tag("span", plural(len(findings), "finding"), class_="tag") if findings else None]
    if not type_["pairs"]:
        return folded(together(head), tag("p", "No two operations on one object were under way at the same time.", class_="soft"),
                      never_list(type_), class_="type")
    return folded(together(head), matrix(type_, with_words), never_list(type_), open_=open_, class_="type")


def pairs_section(document):
    types = get(document, "types", default=[])
    own = [t for t in types if not t.get("builtin")]
    others = [t for t in types if t.get("builtin") and t["pairs"]]
    cells = sum(len(shown(t)) ** 2 // 2 for t in types)
    with_words = cells <= CELLS_WITH_WORDS
    parts = [tag("h2", "Pairs of operations on one shared object", id="pairs"),
             tag("p", "A number says in how many runs a thread was interrupted inside one operation and another thread ran the other one "
                 "on the same object before it went on. Only calls that the module accepted count. Operations in italics are not the "
                 "type's own: the object was an argument.", class_="soft small"), legend()]
    opened = 0
    for type_ in sorted(own, key=lambda t: -len(findings_of(t))):
        few = sum(operation["listed"] for operation in type_["operations"]) <= OPEN_OPERATIONS
        open_ = opened < OPEN_TYPES and bool(type_["pairs"]) and few
        opened += open_
        parts.append(type_block(type_, with_words, open_))
    if not own:
        parts.append(tag("p", "The module has no types of which an object can be shared."))
    if others:
        parts.append(folded("Builtin objects that were shared as arguments: %s" % plural(len(others), "type"),
                            [type_block(t, with_words, False) for t in others]))
    lost = get(document, "coverage", "lost", default=0)
    if lost:
        parts.append(tag("p", "%s did not fit into the table and are not counted." % plural(lost, "meeting"), class_="soft"))
    return parts


# ---- callables --------------------------------------------------------------------------------------------------------


def callable_row(row):
    word, why = STATES.get(row["status"], (row["status"], ""))
    state = tag("span", word, class_="state " + row["status"])
    name = [mono(row["name"]), tag("span", "Python", class_="tag") if row.get("native") is False else None]
    return (together(name), state, row.get("reason") or why, thousands(row["calls"]), thousands(row["accepted"]),
            thousands(row["overlapped"]))


def worst_first(row):
    """Those in C first, and of these what was not called at all."""
    status = WORST_FIRST.index(row["status"]) if row["status"] in WORST_FIRST else len(WORST_FIRST)
    return row.get("native") is False, status, row["name"]


def callables_section(document):
    rows = get(document, "callables", default=[])
    headings = ("callable", "", "why", "calls", "accepted", "runs at the same time")
    missing = sorted((r for r in rows if r["status"] != "overlapped"), key=worst_first)
    done = [r for r in rows if r["status"] == "overlapped"]
    parts = [tag("h2", "Callables", id="callables")]
    if any(r.get("native") is False for r in rows):
        parts.append(tag("p", "Those marked Python are not implemented in C: what goes wrong below them is found through others, too.",
                         class_="soft small"))
    if missing:
        parts.append(tag("p", "%s never under way while another thread was:" % plural(len(missing), "callable was", "callables were")))
        parts.append(table(headings, map(callable_row, missing[:LIST_MAX]), numbers=(3, 4, 5)))
        if len(missing) > LIST_MAX:
            parts.append(folded("%s more" % thousands(len(missing) - LIST_MAX),
                                table(headings, map(callable_row, missing[LIST_MAX:]), numbers=(3, 4, 5))))
    if done:
        parts.append(folded("%s under way in two threads at the same time" % plural(len(done), "callable was", "callables were"),
                            table(headings, map(callable_row, done), numbers=(3, 4, 5))))
    return parts


# ---- what it is worth -------------------------------------------------------------------------------------------------


def pays_row(row):
    ratios = [times(get(row, way, gil, default=None)) for way in ("separate", "shared") for gil in ("free", "gil")]
    if get(row, "shared_trouble"):
        ratios[2] = tag("span", row["shared_trouble"], class_="trouble")
    return [mono(row["name"]), thousands(row["calls"]), times(row["single_cost"]), *ratios]


def pays_section(document):
    pays = get(document, "pays", default={})
    parts = [tag("h2", "Does it pay?", id="pays")]
    rows = get(pays, "operations", default=[])
    if not rows:
        return parts + [tag("p", "Not measured%s." % (": " + get(pays, "trouble") if get(pays, "trouble") else ""))]
    threads = get(pays, "threads")
    line = get(pays, "summary", "line")
    parts.append(tag("p", line + "."))
    if get(pays, "summary", "note"):
        parts.append(tag("p", tag("strong", get(pays, "summary", "note"))))
    parts.append(tag("p", "Measured on the plain build with the GIL on and off in turn, for %.0f s; each figure is a median. Columns with "
                     "%s threads say how many times the calls of one thread they make together: %s× is all that can be had, 1× is no "
                     "gain, less is contention." % (get(pays, "seconds", default=0), threads, threads), class_="soft small"))
    headings = ("operation", "calls/s, one thread", "time of a call, GIL off to on", "own objects, GIL off", "own objects, GIL on",
                "shared, GIL off", "shared, GIL on")
    ordered = sorted(rows, key=lambda r: 0 if get(r, "shared_trouble") else get(r, "shared", "free", default=9e9))
    parts.append(folded("%s, the most contended first" % plural(len(rows), "operation"),
                        table(headings, map(pays_row, ordered), numbers=range(1, 7)), open_=len(rows) <= 12))
    failed = get(pays, "failed", default=[])
    if failed:
        parts.append(folded("Left out: %s" % plural(len(failed), "operation"),
                            table(("operation", "why"), [(mono(f["name"]), f["reason"]) for f in failed])))
    return parts


# ---- how it was done --------------------------------------------------------------------------------------------------


def built(library):
    good = library.get("points") and library.get("sanitizer")
    return "built to be seen" if good else "runs, but the sanitizer cannot see into it" if not library.get("sanitizer") else \
        "without coverage: threads do not switch inside it"


def package_rows(package):
    if not isinstance(package, dict):
        return []
    made = "from its wheel: nothing in it is instrumented" if get(package, "kind") == "wheel" else "built from source"
    rows = [("package", "%s %s, %s" % (get(package, "name"), get(package, "version"), made)),
            ("requirement", mono(get(package, "requirement")) if package.get("requirement") else None)]
    for flavour, build in get(package, "builds", default={}).items():
        names = ["%s%s" % (os.path.basename(get(l, "path")), " (not instrumented)" if l.get("instrumented") is False else "")
                 for l in get(build, "libraries", default=[])]
        rows.append(("built, %s" % flavour, ", ".join(names)))
    dependencies = ["%s %s%s" % (get(d, "name"), get(d, "version"), " (extension, not instrumented)" if d.get("extension") and
                                 not d.get("instrumented") else "") for d in get(package, "dependencies", default=[])]
    rows.append(("dependencies", ", ".join(dependencies)))
    return rows


def method_section(document):
    environment, campaign = get(document, "environment", default={}), get(document, "campaign", default={})
    libraries = ["%s (%s): %s" % (get(l, "name"), get(l, "flavour"), built(l)) for l in get(environment, "libraries", default=[])]
    calls = get(campaign, "calls", default=0)
    rows = [("command", tag("code", get(environment, "command"))),
            ("seed", get(environment, "seed")),
            ("time", "%.0f s of %s s" % (get(environment, "seconds", default=0), get(environment, "budget_seconds"))),
            ("interpreter", "CPython %s, free-threaded, %s" % (get(environment, "python"), get(environment, "compiler"))),
            ("machine", "%s, %s" % (get(environment, "system"), plural(get(environment, "cpus", default=0), "CPU"))),
            ("extension", together([[name, tag("br")] for name in libraries]) if libraries else
             "part of the interpreter, which was built to be seen"),
            *package_rows(document.get("package")),
            ("scenarios", "%s, in %s under schedules of our own; %s steals" % (
                thousands(get(campaign, "scenarios", default=0)), plural(get(campaign, "runs", default=0), "run"),
                thousands(get(campaign, "steals", default=0)))),
            ("calls", "%s, %.0f %% accepted" % (thousands(calls), 100.0 * get(campaign, "accepted", default=0) / calls if calls else 0)),
            ("first calls", "%s in processes that had called nothing" % plural(get(campaign, "cold", "runs", default=0), "run"))]
    return [tag("h2", "How it was tested", id="method"),
            tag("p", "Generated concurrent programs, one thread at a time, switched at chosen memory accesses, so that what is found "
                "replays. A clean page says what was looked at, not that there is nothing.", class_="soft small"), about(rows)]


def page(document):
    """The body of the page."""
    return together([top(document), findings_section(document), pairs_section(document), callables_section(document),
                     pays_section(document), method_section(document),
                     tag("footer", "ftfuzz %s. For programs: check.json, beside this file." % get(document, "version"))])


def render(document, frame, style):
    title = "%s without the GIL: %s" % (get(document, "target", "name"), VERDICTS.get(get(document, "verdict", "word"), ""))
    return string.Template(frame).substitute(title=text(title), style=style, body=page(document))


def main(argv):
    here = os.path.dirname(os.path.abspath(__file__))
    texts = []
    for path in (argv[0], os.path.join(here, "page.html"), os.path.join(here, "page.css")):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    with open(argv[1] + ".partial", "w", encoding="utf-8") as file:
        file.write(render(json.loads(texts[0]), texts[1], texts[2]))
    os.replace(argv[1] + ".partial", argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
