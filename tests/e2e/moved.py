"""Running an exported target as somebody who has nothing but its folder: elsewhere, read-only, without rights, and, where one can hide
folders (root, in a namespace of its own), without the checkout and the cache that it was made from."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import ftf

NOBODY = 65534
CACHE = Path(os.environ.get("FTFUZZ_CACHE") or Path.home() / ".cache" / "ftfuzz")


class Moved:
    """A read-only copy of a folder, in a place of its own."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.place = Path(tempfile.mkdtemp(prefix="ftfuzz-moved-"))
        self.place.chmod(0o755)
        copy = self.place / "out"
        shutil.copytree(self.folder, copy)
        subprocess.run(["chmod", "-R", "a-w,a+rX", copy], check=True)
        return copy

    def __exit__(self, *_):
        subprocess.run(["chmod", "-R", "u+w", self.place], check=True)
        shutil.rmtree(self.place)


def _hidden(command):
    """The command where an empty folder lies over each of those that a target must not need."""
    script = f"""for folder in "$1" "$2"; do mount -t tmpfs none "$folder"; done; shift 2
                 exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@" """
    return ["unshare", "--mount", "sh", "-c", script, "sh", str(CACHE), str(ftf.ROOT), *command]


def run(target, *arguments, timeout=300, env=None, cwd=None):
    """The exit code (None: out of time) and all that it printed. `cwd` gets the artifacts; it is writable for everybody."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        command = [str(target), *map(str, arguments)]
        if os.geteuid() == 0:
            command = _hidden(command)
        process = subprocess.Popen(command, cwd=cwd or folder, env={"PATH": os.environ["PATH"], **(env or {})}, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace")
        try:
            output, _ = process.communicate(timeout=timeout)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0]
