"""A worker process, run directly rather than by a campaign: what it counted, how it ended, what libFuzzer said."""

import struct
import subprocess
from pathlib import Path

import ftf

FLAVOURS = ("asan", "tsan")
DONE = 6  # FTF_PHASE_DONE
WORDS, COUNTERS = "<8s4I", "<5Q"  # harness/base/blackbox.h: what it begins with


class Box:
    """The part of a black box that these tests look at."""

    def __init__(self, path):
        data = path.read_bytes()
        _, _, _, self.phase, _ = struct.unpack_from(WORDS, data)
        self.scenarios, self.refused, self.runs, self.calls, self.accepted = struct.unpack_from(COUNTERS, data, struct.calcsize(WORDS))

    def counts(self):
        return self.scenarios, self.refused, self.runs, self.calls, self.accepted


def run(scratch, module, flavour, *arguments, timeout=120):
    """Exit code (None: the timeout), standard error, Box."""
    catalog, box = Path(scratch, f"{module}.json"), Path(scratch, "box")
    if not catalog.exists():
        catalog.write_text(ftf.ftfuzz("show", module, "--json").out, encoding="utf-8")
    command = [str(ftf.ROOT / "build" / f"ftfuzz-worker-{flavour}"), f"--catalog={catalog}", f"--blackbox={box}",
               f"--home={ftf.configured(f'FTFUZZ_PYTHON_{flavour.upper()}')}", *map(str, arguments)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace", timeout=timeout, check=False, cwd=scratch)
    except subprocess.TimeoutExpired as expired:
        return None, (expired.stderr or b"").decode(errors="replace"), Box(box)
    return ended.returncode, ended.stderr, Box(box)
