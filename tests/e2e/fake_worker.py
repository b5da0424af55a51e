#!/usr/bin/env python3
"""A worker that misbehaves on purpose, for the tests of the supervisor. FTFUZZ_FAKE says how; FTFUZZ_FAKE_LOG gets a line a start."""

import os
import sys
import time

log = os.environ.get("FTFUZZ_FAKE_LOG")
if log:
    with open(log, "a", encoding="ascii") as file:
        file.write(" ".join(a for a in sys.argv if a.startswith("-seed=")) + "\n")

how = os.environ.get("FTFUZZ_FAKE", "sleep")
if how == "bug":  # an assertion of ours
    print("FTF-BUG harness/engine/session.c:1: the cat is alive", file=sys.stderr)
    os._exit(83)
elif how == "setup":  # what starting again cannot mend
    print("ftfuzz-worker: error: the module moved to the seaside", file=sys.stderr)
    os._exit(85)
elif how == "sleep":  # runs no scenario, does not end
    time.sleep(3600)
