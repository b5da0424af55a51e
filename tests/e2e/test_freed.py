"""Reads of freed memory are seen under asan in every kind of memory that an extension deals with (tests/data/freed/freed.c)."""

import re

import ftf

KINDS = ["instance", "bytes", "bytearray_buffer", "mem", "raw_mem", "malloc"]


def run(tally):
    folder = ftf.ROOT / "tests" / "data" / "freed"
    with ftf.Scratch("freed") as scratch:
        summary = ftf.ftfuzz("fuzz", folder, "--time", 20, "--flavour", "asan", "--confirm", 0, "--seed", 1,
                             "--json", "--out", scratch).json()
        seen = {match.group(1) for finding in ftf.findings(summary) if finding["kind"] == "use-after-free"
                for match in [re.search(r"freed\.c:read_(\w+)", finding["signature"])] if match}
        for kind in KINDS:
            tally.check(f"a read of freed memory is seen: {kind}", kind in seen, f"seen: {sorted(seen)}")


if __name__ == "__main__":
    ftf.run_alone(run)
