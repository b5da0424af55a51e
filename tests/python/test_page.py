"""page.py: a check's document as HTML. How it looks in a browser is tested in tests/e2e/test_check.py."""

import html.parser
import os
import sys
import unittest

from support import ROOT

sys.path.insert(0, os.path.join(ROOT, "harness", "page"))

import page  # noqa: E402

EVIL = "<b onclick='x'>&\"</b>\x00\u202e\ud800"


def read(name):
    with open(os.path.join(ROOT, "harness", "page", name), encoding="utf-8") as file:
        return file.read()


def render(document):
    return page.render(document, read("page.html"), read("page.css"))


class Elements(html.parser.HTMLParser):
    """Counts the elements, checks that they are nested, and keeps where attributes lead."""

    def __init__(self, text):
        super().__init__()
        self.open, self.count, self.links, self.wrong = [], {}, [], []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, name, attributes):
        self.count[name] = self.count.get(name, 0) + 1
        self.links += [value for key, value in attributes if key in ("href", "src", "action", "data", "background")]
        self.wrong += ["%s=%s" % (key, value) for key, value in attributes if key.startswith("on")]
        if name not in ("meta", "br", "hr"):
            self.open.append(name)

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.wrong.append("/" + name)


def document(**more):
    operations = [{"name": "T.add", "short": "add", "listed": True, "calls": 1, "accepted": 1, "overlapped": 1},
                  {"name": "T.get", "short": "get", "listed": True, "calls": 1, "accepted": 1, "overlapped": 1},
                  {"name": "T.odd", "short": "odd", "listed": False, "calls": 1, "accepted": 1, "overlapped": 0}]
    types = [{"name": "T", "public": True, "builtin": False, "operations": operations, "pair_total": 3, "pair_overlapped": 1,
              "pairs": [{"a": 0, "b": 1, "inside": 40, "around": 5, "findings": []}]}]
    rows = [{"name": "T.add", "kind": "method", "native": True, "status": "overlapped", "calls": 1, "accepted": 1, "overlapped": 1,
             "reason": ""},
            {"name": "fork", "kind": None, "native": None, "status": "skipped", "calls": 0, "accepted": 0, "overlapped": 0,
             "reason": "ends the process"}]
    return {"format": 1, "version": "0.1.0", "target": {"name": "m", "version": "1"}, "verdict": {"exit": 0, "word": "clean", "line": "ok"},
            "gil": {"declares": "declared"}, "environment": {"flavours": ["tsan"], "seconds": 9.0, "budget_seconds": 10},
            "campaign": {"calls": 10, "accepted": 9}, "coverage": {"callables": {}, "pairs": {}, "lost": 0}, "callables": rows,
            "types": types, "findings": [], "damaged": 0, "package": None, "pays": None, **more}


def finding(**more):
    return {"id": "data-race-1", "kind": "data-race", "meaning": "two", "title": "a race", "signature": "s", "blame": "extension",
            "flavour": "tsan", "here": True, "rate": "20/20", "verdict": "replays", "gil": "", "minimized": "", "repro": "",
            "pairs": [{"type": "T", "a": "T.add", "b": "T.add"}], "folder": "f", "explain": "`f` writes.\n\nlane 0", "scenario": "x",
            "report": "y", "script": "", **more}


class Text(unittest.TestCase):
    def test_text__escapes_and_shows_what_nobody_sees(self):
        self.assertEqual(page.text(EVIL), "&lt;b onclick=&#x27;x&#x27;&gt;&amp;&quot;&lt;/b&gt;\\u0000\\u202e\\ud800")

    def test_tag__escapes_attributes_and_children_but_no_markup(self):
        self.assertEqual(page.tag("td", page.tag("i", "<"), class_='"'), '<td class="&quot;"><i>&lt;</i></td>')

    def test_short__has_three_signs_at_most(self):
        for count in (0, 7, 999, 1000, 99_999, 100_000, 5_000_000, 10**12):
            self.assertLessEqual(len(page.short(count)), 3, count)


class Whole(unittest.TestCase):
    def check(self, text):
        elements = Elements(text)
        self.assertEqual(elements.wrong, [])
        self.assertTrue(all(link.startswith("#") for link in elements.links), elements.links)
        return elements

    def test_render__is_sound_and_leads_nowhere(self):
        elements = self.check(render(document(findings=[finding()])))
        self.assertEqual(elements.count["script"], 1)

    def test_render__everything_may_be_hostile(self):
        def spoil(value):
            if isinstance(value, dict):
                return {key: spoil(item) for key, item in value.items()}
            if isinstance(value, list):
                return [spoil(item) for item in value]
            return EVIL if isinstance(value, str) else value

        elements = self.check(render(spoil(document(findings=[finding()]))))
        self.assertNotIn("b", elements.count)

    def test_render__members_that_are_missing_are_left_out(self):
        for name in ("gil", "environment", "campaign", "coverage", "callables", "types", "findings", "damaged", "package", "pays"):
            short = document()
            del short[name]
            self.check(render(short))

    def test_matrix__says_in_words_what_a_cell_means(self):
        text = render(document())
        self.assertIn('title="get, add: at the same time in 45 runs (40 / 5)" class="c">45</td>', text)
        self.assertIn('title="add, add: never at the same time">', text)
        self.assertNotIn("T.odd", text)  # it met nobody, and is none of the type's own

    def test_matrix__a_finding_without_an_overlap_is_marked(self):
        marked = document(findings=[finding()])
        marked["types"][0]["pairs"].append({"a": 0, "b": 0, "inside": 0, "around": 0, "findings": ["data-race-1"]})
        self.assertIn('<a href="#finding-data-race-1" tabindex="-1">!</a>', render(marked))

    def test_findings__of_others_and_of_before_stand_apart(self):
        text = render(document(findings=[finding(), finding(id="x-2", blame="cpython"), finding(id="x-3", here=False)]))
        self.assertEqual(Elements(text).count["details"], text.count("<details"))
        self.assertEqual(text.count('class="finding"'), 1)
        self.assertIn("Not the extension&#x27;s, and not counted: 1 finding", text)
        self.assertIn("Found by an earlier campaign in this folder, and not in this check: 1 finding", text)

    def test_findings__say_what_the_contract_has_to_do_with_them(self):
        target = {"name": "m", "version": "1", "contract": "no-crash", "promise": "nothing crashes"}
        text = render(document(target=target, findings=[finding(), finding(id="x-2", breaks_contract=False)]))
        self.assertIn("1 finding breaks what the module promises, which is the contract no-crash: nothing crashes.", text)
        self.assertEqual(text.count("within the contract"), 1)

    def test_package__says_what_was_built_and_whether_it_can_be_seen(self):
        package = {"name": "p", "version": "2", "requirement": "p==2", "kind": "source", "module": "p",
                   "builds": {"tsan": {"log": None, "libraries": [{"path": "/x/_p.so", "instrumented": False}]}},
                   "dependencies": [{"name": "d", "version": "3", "extension": True, "instrumented": False}]}
        text = render(document(package=package))
        self.assertIn("_p.so (not instrumented)", text)
        self.assertIn("d 3 (extension, not instrumented)", text)


if __name__ == "__main__":
    unittest.main()
