"""What sanitizers and CPython print, as findings: a kind and the functions of the innermost frames in the extension.

For the hammer, which sees nothing but the text of a process. A stack counts for the extension when a frame of it is
in a file that `ours` accepts; the innermost such frame stands for it, else the innermost frame of all.
"""

import re

FRAME = re.compile(r"^\s+#\d+ (?:0x[0-9a-f]+ in )?(\S+) (\S+)")
TSAN_KINDS = {
    "data race": "data-race",
    "heap-use-after-free": "use-after-free",
    "lock-order-inversion": "lock-order",
}
ASAN_KINDS = {
    "heap-use-after-free": "use-after-free",
    "use-after-poison": "use-after-free",
    "heap-buffer-overflow": "heap-overflow",
    "attempting double-free": "double-free",
    "attempting free": "double-free",
    "negative-size-param": "heap-overflow",
    "SEGV": "segv",
    "ABRT": "abort",
    "BUS": "segv",
}
# The stacks that make the signature; what comes after another heading (allocation, thread creation) does not.
ACCESS = re.compile(
    r"^  (?:Previous )?(?:atomic )?(?:read|write) of size|^(?:READ|WRITE) of size|^freed by thread"
    r"|acquired here while holding mutex|^==\d+==ERROR: ",
    re.IGNORECASE,
)


class Finding:
    """kind, the functions of its signature (one or two), and whether any of its stacks touches the extension."""

    def __init__(self, kind, stacks, ours, line=None):
        self.kind = kind
        self.line = line  # of the text, where the report begins
        self.touches = False
        functions = []
        for stack in stacks[:2]:
            inside = [function for function, file in stack if ours(file)]
            self.touches = self.touches or bool(inside)
            functions.append(inside[0] if inside else next((function for function, _ in stack), "?"))
        self.functions = sorted(functions)

    def __str__(self):
        return f"{self.kind} {' <-> '.join(self.functions)}"


def parse(text, ours):
    """All findings in the text of one process."""
    findings = []
    for line, report in split(text):
        kind = kind_of(report[0])
        if kind is not None:
            findings.append(Finding(kind, stacks_of(report), ours, line))
    return findings


def split(text):
    """Each report: the number of its first line, and its lines."""
    report = None
    for number, line in enumerate(text.split("\n")):
        if re.search(r"WARNING: ThreadSanitizer: |ERROR: (?:Thread|Address)Sanitizer: |: runtime error: ", line):
            if report is not None:
                yield begin, report
            begin, report = number, [line]
        elif report is not None:
            report.append(line)
            if line.startswith("SUMMARY: "):
                yield begin, report
                report = None
    if report is not None:
        yield begin, report


def kind_of(headline):
    if ": runtime error: " in headline:
        return "undefined-behaviour"
    table = TSAN_KINDS if "WARNING: ThreadSanitizer" in headline else ASAN_KINDS
    message = headline.partition("Sanitizer: ")[2]
    return next((kind for start, kind in table.items() if message.startswith(start)), None)


def stacks_of(report):
    """The stacks that make the signature, as lists of (function, file), innermost first."""
    stacks, current = [], None
    for line in report:
        frame = FRAME.match(line)
        if frame is None:
            if ACCESS.search(line):
                current = []
                stacks.append(current)
            elif line.strip() and not line.startswith("    #"):
                current = None if stacks and stacks[-1] else current
        elif current is not None:
            current.append((frame[1], frame[2]))
    return [stack for stack in stacks if stack]
