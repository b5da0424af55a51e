"""Puts together a target that runs without ftfuzz: <out>/ftfuzz_<target>, its .options and _seed_corpus.zip, and ftfuzz_data/.

Run by `ftfuzz export` on the plain interpreter; harness/engine/alone.h says what the executable expects where. The names and the form
of .options and of the archive are ClusterFuzz's. The same input gives the same bytes.
"""

import argparse
import compileall
import concurrent.futures
import os
import pathlib
import py_compile
import re
import shutil
import subprocess
import sys
import zipfile

# What no fuzz target imports, or what is of use only where one compiles; half of the size.
NOT_COPIED = ("__pycache__", "test", "tests", "idlelib", "tkinter", "_tkinter*", "turtledemo", "ensurepip", "pydoc_data", "site-packages",
              "config-*", "*.a")
# Of the system wherever a target runs; everything else a target comes with.
SYSTEM = re.compile(r"^(ld-linux|linux-vdso|libc\.|libm\.|libdl\.|librt\.|libpthread\.|libresolv\.|libutil\.|libgcc_s\.)")
SEED_SECONDS = 60

OPTIONS = """\
[libfuzzer]
max_len = 32768
timeout = 60
rss_limit_mb = 2560
detect_leaks = 0
{extra}"""
# ClusterFuzz sets ASAN_OPTIONS and with that drops what is baked in (harness/oracle/asan.c has the reasons).
ASAN_OPTIONS = """
[asan]
detect_leaks = 0
allocator_may_return_null = 1
max_allocation_size_mb = 1024
detect_odr_violation = 0
detect_stack_use_after_return = 0
alloc_dealloc_mismatch = 0
handle_abort = 1

[ubsan]
print_stacktrace = 1
silence_unsigned_overflow = 1
"""


def refuse(text):
    print(text)
    sys.exit(1)


def copy_library(arguments, data):
    """The interpreter's library; it is the same for all targets of a folder."""
    stamp = data / "python" / "ftfuzz-interpreter"
    what = f"{arguments.flavour} {arguments.home.name}\n"
    if stamp.exists():
        if stamp.read_text() == what:
            return
        refuse(f"{arguments.out} has targets of another flavour or interpreter ({stamp.read_text().strip()}); give another --out")
    source = next(arguments.home.glob("lib/python3*t"))
    to = data / "python" / "lib" / source.name
    shutil.rmtree(data / "python", ignore_errors=True)
    shutil.copytree(source, to, ignore=shutil.ignore_patterns(*NOT_COPIED))
    compile_in(to)
    stamp.write_text(what)


def compile_in(folder):
    """Bytecode that counts whatever the times of the files become: a copy would otherwise be compiled at every start."""
    compileall.compile_dir(folder, quiet=2, workers=os.cpu_count() or 1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                           stripdir=str(folder))


def copy_path(arguments, own):
    path = own / "path"
    path.mkdir(parents=True)
    if arguments.path:
        shutil.copytree(arguments.path, path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.a"))
        compile_in(path)


def needed(file):
    """The libraries that a program or library is linked with: name and path."""
    listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        match = re.match(r"\s*(\S+) => (/\S+)", line)
        if match and not SYSTEM.match(match.group(1)):
            yield match.groups()


def copy_needed(arguments, data, own):
    to = data / "lib"
    to.mkdir(exist_ok=True)
    for file in [arguments.program, *sorted(data.glob("python/lib/*/lib-dynload/*.so")), *sorted(own.rglob("*.so"))]:
        for name, path in needed(file):
            if not (to / name).exists() and not pathlib.Path(path).is_relative_to(data):
                shutil.copy(path, to / name)


def survives(program, seed):
    """Whether the target runs a seed without a finding."""
    command = [program, "-runs=1", "-detect_leaks=0", f"-artifact_prefix={seed.parent}/", seed]
    try:
        quiet = subprocess.DEVNULL
        return subprocess.run(command, stdout=quiet, stderr=quiet, timeout=SEED_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def pack_seeds(arguments, program, archive):
    """The archive of those that show nothing at once, since a build with a crashing seed is refused; the names of the others."""
    folders = [pathlib.Path(folder) for folder in arguments.seeds if folder]
    texts = {file.name: file.read_bytes() for folder in folders for file in sorted(folder.iterdir()) if file.is_file()}
    scratch = pathlib.Path("seeds").absolute()
    scratch.mkdir()
    for name, text in texts.items():
        (scratch / name).write_bytes(text)
    names = sorted(texts)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(lambda name: survives(program, scratch / name), names))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in (name for name, fine in zip(names, good) if fine):
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), texts[name], zipfile.ZIP_DEFLATED)
    return sum(good), [name for name, fine in zip(names, good) if not fine]


def install(arguments, program):
    """Last and at once: an executable that is there has all it needs."""
    beside = program.with_name(program.name + ".new")
    shutil.copy(arguments.program, beside)
    beside.chmod(0o755)
    beside.rename(program)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "home", "catalog", "result", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name in ("target", "flavour", "path"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seeds", action="append", default=[])
    return parser.parse_args()


def main():
    arguments = parse()
    # No dots: what follows one is an extension to ClusterFuzz, and targets have none.
    program = arguments.out / ("ftfuzz_" + re.sub(r"[^A-Za-z0-9_-]", "_", arguments.target))
    data = arguments.out / "ftfuzz_data"
    own = data / program.name
    data.mkdir(exist_ok=True)
    program.unlink(missing_ok=True)
    copy_library(arguments, data)
    shutil.rmtree(own, ignore_errors=True)
    copy_path(arguments, own)
    shutil.copy(arguments.catalog, own / "catalog.json")
    copy_needed(arguments, data, own)
    options = ASAN_OPTIONS if arguments.flavour == "asan" else ""
    program.with_name(program.name + ".options").write_text(OPTIONS.format(extra=options))
    install(arguments, program)
    kept, left_out = pack_seeds(arguments, program, program.with_name(program.name + "_seed_corpus.zip"))
    lines = [f"{program}: {arguments.target} with {kept} seeds"]
    if left_out:
        lines.append(f"left out, because they show a finding at once: {', '.join(left_out)}")
    arguments.result.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
