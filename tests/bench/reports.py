"""What sanitizers and CPython print, as ftfuzz's findings: for the hammer, which sees nothing but the text of a process.

A process prints unsymbolized frames (OPTIONS). split() cuts its text into reports, in the form that tests/bench/signatures.c takes;
signatures() asks that program, which is linked from the code that files a campaign's findings, what each of them is. So both sides of
the benchmark are counted by the same rules: which frames mean something, whose fault it is, what is a known race of the interpreter.
"""

import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("FTFUZZ_SIGNATURES", ROOT / "build" / "tests" / "ftfuzz_signatures"))

# As somebody would set them who knows the tools. Frames are named afterwards, as ftfuzz's are, and in neither case does that count as
# CPU time. A long history, since the older access may lie far back: 4 and 64 found equally much, within the noise.
FORMAT = "stack_trace_format='    #%n %p (%m+%o)'"
OPTIONS = {
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=0:history_size=64:report_signal_unsafe=0:report_thread_leaks=0:handle_abort=1:"
    f"second_deadlock_stack=1:atexit_sleep_ms=0:symbolize=0:{FORMAT}",
    "ASAN_OPTIONS": f"detect_leaks=0:handle_abort=1:allocator_may_return_null=1:symbolize=0:{FORMAT}",
    "UBSAN_OPTIONS": f"print_stacktrace=1:symbolize=0:{FORMAT}",
    "DEBUGINFOD_URLS": "",
    "PYTHONHASHSEED": "0",
    "PYTHON_GIL": "0",
}

# The kinds of a TSan warning, by how its headline goes on.
KINDS = {
    "data race": "data-race",
    "heap-use-after-free": "use-after-free",
    "lock-order-inversion": "lock-order",
    "destroy of a locked mutex": "lock-misuse",
    "double lock of a mutex": "lock-misuse",
    "use of an invalid mutex": "lock-misuse",
    "unlock of an unlocked mutex": "lock-misuse",
}
FRAME = re.compile(r"^\s+#\d+ .*\((/[^()]*)\+(0x[0-9a-f]+)\)")
ACCESS = re.compile(r"^  (?:Previous )?(atomic )?(read|write) of size (\d+) at", re.IGNORECASE)
WARNING = re.compile(r"WARNING: ThreadSanitizer: (.*)")
UNDEFINED = re.compile(r": runtime error: (.*)")
TAIL = 400  # lines of a dead process's text that are looked at


def split(lines, flavour, died):
    """The reports in the lines that a process printed: (number of the first line, report). died: it did not end in order."""
    rest, number = [], 0
    while number < len(lines):
        warning = WARNING.search(lines[number])
        if warning is None and UNDEFINED.search(lines[number]) is None:
            rest.append((number, lines[number]))
            number += 1
            continue
        end = end_of(lines, number, warning is not None)
        report = from_warning(lines[number:end], flavour) if warning else from_undefined(lines[number:end], flavour)
        if report is not None:
            yield number, report
        number = end
    if died and rest:
        yield rest[-1][0], {"flavour": flavour, "text": "\n".join(line for _, line in rest[-TAIL:])}


def end_of(lines, number, warning):
    """The line behind the report that begins there: a warning has a summary, a runtime error only a stack."""
    end = number + 1
    while end < len(lines) and not WARNING.search(lines[end]) and not lines[end].startswith("=="):
        if warning and lines[end].startswith("SUMMARY: "):
            return end + 1
        if not warning and not FRAME.match(lines[end]):
            return end
        end += 1
    return end


def record(kind, flavour, detail, stacks):
    """As harness/findings/record.h describes it."""
    return {"format": 1, "kind": kind, "flavour": flavour, "detail": detail, "section": "lanes", "stacks": stacks}


def from_warning(lines, flavour):
    message = WARNING.search(lines[0])[1]
    kind = next((kind for start, kind in KINDS.items() if message.startswith(start)), None)
    if kind is None:
        return None  # thread leaks, signal safety: not about the extension
    stacks, current = [], None
    for line in lines[1:]:
        frame, access = FRAME.match(line), ACCESS.match(line)
        if frame is not None:
            if current is not None:
                current["frames"].append({"module": frame[1], "offset": frame[2]})
        elif access is not None or "acquired here while holding mutex" in line:
            role = ("atomic-" if access[1] else "") + access[2].lower() if access else "mutex"
            current = {"role": role, "frames": []}
            stacks.append(current)
        elif line.strip():
            current = None  # where something was allocated, a thread created, a mutex made
    if kind == "use-after-free" and len(stacks) == 2:
        stacks[1]["role"] = "freed"  # TSan shows a free as a write
    return record(kind, flavour, message, stacks)


def from_undefined(lines, flavour):
    frames = [FRAME.match(line) for line in lines[1:]]
    stack = {"role": "access", "frames": [{"module": frame[1], "offset": frame[2]} for frame in frames if frame]}
    return record("undefined-behaviour", flavour, UNDEFINED.search(lines[0])[1], [stack])


def signatures(reports, catalog, interpreter):
    """For each report {"kind", "signature", "blame", "known"}, or None for a text that says nothing. catalog: a path."""
    answer = subprocess.run([str(PROGRAM), str(catalog), os.path.realpath(interpreter)], check=True, text=True, stdout=subprocess.PIPE,
                            input="".join(json.dumps(report) + "\n" for report in reports), env={**os.environ, "DEBUGINFOD_URLS": ""})
    return [json.loads(line) for line in answer.stdout.splitlines()]


def functions_of(signature):
    """The functions of a signature `kind a.c:f | b.c:g`."""
    return [frame.rpartition(":")[2] for frame in signature.partition(" ")[2].split(" | ")]
