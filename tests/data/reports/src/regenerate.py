"""Writes the golden reports in the folder above from bugs.c, with clang-19 and the worker's sanitizer options.

Run it after a change of bugs.c or of the compiler: `python3 tests/data/reports/src/regenerate.py`. Each report begins with
what is expected of it; symbols.txt says what llvm-symbolizer knows about the addresses in them, so that the tests need
neither a compiler nor a symbolizer.
"""
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.dirname(HERE)
FORMAT = "stack_trace_format='    #%n %p (%m+%o)'"
COMMON = f"symbolize=0:allocator_may_return_null=0:{FORMAT}"
OPTIONS = {
    "asan": {"ASAN_OPTIONS": COMMON + ":detect_leaks=0", "UBSAN_OPTIONS": COMMON + ":print_stacktrace=1"},
    "tsan": {"TSAN_OPTIONS": COMMON + ":report_signal_unsafe=0:handle_segv=2:handle_abort=0"},
    # TSan as it comes: its own form of a frame.
    "tsan-plain": {"TSAN_OPTIONS": "symbolize=0:report_signal_unsafe=0"},
}
FLAGS = {"asan": "address,undefined", "tsan": "thread"}

# name, number in bugs.c, options, kind, roles of the stacks, signature
REPORTS = [
    ("asan-use-after-free", 1, "asan", "use-after-free", "read freed allocated",
     "use-after-free boxmodule.c:box_clear | boxmodule.c:box_get"),
    ("asan-use-after-poison", 2, "asan", "use-after-free", "read allocated", "use-after-free boxmodule.c:box_get"),
    ("asan-heap-overflow", 3, "asan", "heap-overflow", "read allocated", "heap-overflow boxmodule.c:box_overrun"),
    ("asan-double-free", 4, "asan", "double-free", "signal freed allocated",
     "double-free boxmodule.c:box_clear | boxmodule.c:box_clear"),
    ("asan-segv", 5, "asan", "segv", "signal", "segv boxmodule.c:null_deref"),
    ("asan-assertion", 6, "asan", "abort", "signal", "abort boxmodule.c:fails_an_assertion"),
    ("asan-fatal-python-error", 7, "asan", "abort", "signal", "abort boxmodule.c:box_dealloc"),
    ("asan-ftf-bug", 8, "asan", "none", "", ""),
    ("asan-stack-overflow", 9, "asan", "stack-overflow", "signal", "stack-overflow boxmodule.c:recurse"),
    ("asan-stack-buffer", 10, "asan", "buffer-overflow", "read", "buffer-overflow boxmodule.c:stack_overrun"),
    ("asan-absurd-allocation", 11, "asan", "out-of-memory", "signal", "out-of-memory boxmodule.c:absurd_allocation"),
    ("ubsan-shift", 12, "asan", "undefined-behaviour", "signal", "undefined-behaviour boxmodule.c:ub_add"),
    ("asan-freed-by-thread", 13, "asan", "use-after-free", "read freed allocated",
     "use-after-free boxmodule.c:box_clear | boxmodule.c:box_get"),
    ("asan-bad-free", 14, "asan", "double-free", "signal allocated", "double-free boxmodule.c:box_bad_free"),
    ("asan-nested", 15, "asan", "segv", "signal", "segv boxmodule.c:null_deref"),
    ("asan-heap-message", 16, "asan", "heap-corruption", "signal", "heap-corruption boxmodule.c:heap_message"),
    ("tsan-segv", 5, "tsan", "segv", "signal", "segv boxmodule.c:null_deref"),
    ("tsan-segv-plain", 5, "tsan-plain", "segv", "signal", "segv boxmodule.c:null_deref"),
    ("tsan-assertion", 6, "tsan", "abort", "signal", "abort boxmodule.c:fails_an_assertion"),
]


def build(folder: str, flavour: str) -> str:
    path = os.path.join(folder, f"ftfuzz-worker-{flavour}")
    command = ["clang-19", "-g1", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls",
               "-fsanitize=fuzzer," + FLAGS[flavour], "-o", path, os.path.join(HERE, "bugs.c")]
    subprocess.run(command, check=True)
    return path


def run(path: str, number: int, options: dict) -> str:
    env = dict(os.environ, BUG=str(number), **options)
    folder = os.path.dirname(path)
    done = subprocess.run([path, "-runs=1", f"-artifact_prefix={folder}/"], env=env, stderr=subprocess.PIPE, check=False)
    text = done.stderr.decode(errors="replace").replace(folder, "/build")
    text = re.sub(r"==\d+==", "==4711==", text)
    lines = [line for line in text.split("\n") if not re.match(r"(INFO: |  0x|=>0x|  [A-Z].*:  |artifact_prefix|Base64)", line)]
    return "\n".join(lines[:140]) + "\n"


def symbols(path: str, texts: list) -> list:
    name = os.path.basename(path)
    offsets = sorted({m for text in texts for m in re.findall(re.escape(f"{name}+") + r"(0x[0-9a-f]+)", text)})
    asked = "".join(f"{o}\n" for o in offsets)
    done = subprocess.run(["llvm-symbolizer-19", "-e", path, "--output-style=GNU", "--inlines", "--no-demangle"],
                          input=asked.encode(), stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode().split("\n")
    return [f"{name} {o} {lines[2 * i]} {lines[2 * i + 1]}" for i, o in enumerate(offsets)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = {flavour: build(folder, flavour) for flavour in FLAGS}
        texts = {flavour: [] for flavour in FLAGS}
        for name, number, options, kind, roles, signature in REPORTS:
            flavour = options.split("-")[0]
            text = run(paths[flavour], number, OPTIONS[options])
            texts[flavour].append(text)
            with open(os.path.join(OUT, name + ".txt"), "w", encoding="utf-8") as f:
                f.write(f"expect-kind: {kind}\nexpect-roles: {roles}\nexpect-signature: {signature}\n----\n{text}")
        with open(os.path.join(OUT, "symbols"), "w", encoding="utf-8") as f:
            for flavour, path in paths.items():
                f.write("\n".join(symbols(path, texts[flavour])) + "\n")


if __name__ == "__main__":
    main()
