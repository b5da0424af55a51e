"""Makes one small corpus of several with libFuzzer's own -merge=1: what it takes to reach all edges and meetings of lanes that they reach.

Run by `ftfuzz corpus` on the plain interpreter. The executable is one that runs alone (harness/engine/alone.h), so a scenario that ends the
process is left out by the merge, as is one that ftfuzz does not understand.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

WORDS_MAX = 3


def read(folders):
    """Texts, with the name that each was reviewed under, or None."""
    texts = {}
    for folder, reviewed in folders:
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if file.is_file() and not file.name.startswith("."):
                name = file.name if reviewed and file.suffix == ".ft" else None
                texts[file.read_bytes()] = texts.get(file.read_bytes()) or name
    return texts


def name_of(text, reviewed):
    """After what the threads call: `append-popleft-1a2b3c4d.ft`."""
    if reviewed:
        return reviewed
    lanes = re.split(rb"^thread\b", text, flags=re.M)[1:]
    words = [word.decode() for lane in lanes for word in re.findall(rb"(\w+)\(", re.split(rb"^(?:finish|schedule)\b", lane, flags=re.M)[0])]
    first = list(dict.fromkeys(words))[:WORDS_MAX]
    return "-".join([*first, hashlib.sha256(text).hexdigest()[:8]]) + ".ft"


def merge(arguments, given, kept, exercise):
    """How many edges the given ones reach together, and how many of them ended the process."""
    kept.mkdir()
    control = kept.with_suffix(".control")
    command = [arguments.program, f"--catalog={arguments.catalog}", f"--home={arguments.home}", f"--exercise={exercise}",
               *([f"--path={arguments.path}"] if arguments.path else []), "-merge=1", f"-merge_control_file={control}", "-detect_leaks=0",
               "-artifact_prefix=./", kept, given]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f"libFuzzer did not merge (exit code {done.returncode})")
    edges = re.search(r"(\d+) new coverage edges", done.stdout)
    steps = [line.split()[:2] for line in control.read_text().splitlines()]
    began, ended = ({number for word, number in (step for step in steps if len(step) == 2) if word == which} for which in ("STARTED", "FT"))
    return int(edges.group(1)) if edges else 0, len(began - ended)


def write(arguments, kept, texts):
    beside = arguments.to.with_name(arguments.to.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for file in sorted(kept.iterdir()):
        text = file.read_bytes()
        (beside / name_of(text, texts[text])).write_bytes(text)
    shutil.rmtree(arguments.to, ignore_errors=True)
    beside.rename(arguments.to)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "home", "catalog", "corpus", "before", "after", "result", "to"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--seeds", action="append", default=[])
    return parser.parse_args()


def main():
    arguments = parse()
    reviewed = [(pathlib.Path(folder), True) for folder in arguments.seeds if folder]
    texts = read([*reviewed, (arguments.corpus, False)])
    if not texts:
        print(f"there is no scenario in {arguments.corpus}, and no seed; run `ftfuzz fuzz` first, or give --from")
        sys.exit(1)
    given, kept, again = (pathlib.Path(name).absolute() for name in ("given", "kept", "again"))
    given.mkdir()
    for text in texts:
        (given / hashlib.sha1(text).hexdigest()).write_bytes(text)
    edges_before, ended = merge(arguments, given, kept, arguments.before)
    edges_after = merge(arguments, kept, again, arguments.after)[0] if any(kept.iterdir()) else 0
    write(arguments, kept, texts)
    left_out = f"; {ended} ended the process and are left out" if ended else ""
    arguments.result.write_text(f"{arguments.to}: {len(list(kept.iterdir()))} of {len(texts)} scenarios{left_out}\n"
                                f"edges   {edges_before} before, {edges_after} after\n")


if __name__ == "__main__":
    main()
