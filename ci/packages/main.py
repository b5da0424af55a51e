"""Builds a package for fuzzing and prints the path of its manifest. See ci/build-package, which starts this.

The manifest, JSON, format 1:

    {"format": 1, "requirement": "multidict==6.7.1", "name": "multidict", "version": "6.7.1",
     "kind": "source" | "wheel",          a wheel's code is not instrumented
     "module": "multidict",               to import
     "native": ["multidict._multidict"],  its modules that are not written in Python
     "target": "multidict" | null,        the target file that names this distribution
     "builds": {"tsan": {"path": "/...",  for sys.path, dependencies included
                         "log": "/..." | null,
                         "libraries": [{"path": "/...", "instrumented": true}]}},
     "dependencies": [{"name": "...", "version": "...", "extension": true, "instrumented": true, "reason": "..."}]}
"""

import argparse
import os
import shutil
import sys

import common
import dependencies
import entries
import inspection
import settings
import sources


def _arguments():
    parser = argparse.ArgumentParser(prog="ci/build-package", description="Builds a package for fuzzing.")
    parser.add_argument("--flavour", action="append", choices=common.FLAVOURS, help="may be repeated; default: all")
    parser.add_argument("--module", help="the module to import, when it is not obvious")
    parser.add_argument("--jobs", type=int, default=2, help="flavours that are built at a time; default: 2")
    parser.add_argument("--errors-on-stdout", action="store_true", help="for ftfuzz, which prints them itself")
    parser.add_argument("spec", help="a requirement, a checkout, an sdist or a wheel")
    return parser.parse_args()


def _spec(given):
    """A target file's name stands for its package."""
    return (settings.requirement_of_target(given) if given.replace(".", "_").isidentifier() else None) or given


def _remembered(path, flavours):
    """The manifest of an earlier run, when all it names is still there."""
    manifest = common.read_json(path)
    if manifest is None or not all(flavour in manifest["builds"] for flavour in flavours):
        return None
    return manifest if all(os.path.isdir(one["path"]) for one in manifest["builds"].values()) else None


def _manifest_path(tool_key, wanted, built_with, source):
    """Where the manifest of these sources is. Dependencies are resolved once, when it is written."""
    identity = source.given if "==" in source.given else source.digest
    return common.KEPT / "manifests" / (common.fingerprint(tool_key, wanted, built_with.key(), identity) + ".json")


def _assemble(parts, flavour):
    """One folder for sys.path out of several entries; hard links, so it costs no room."""
    if len(parts) == 1:
        return parts[0] / "site"
    together = common.KEPT / "together" / common.fingerprint(*parts)
    with common.locked("together-" + together.name):
        if not (together / ".complete").exists():
            shutil.rmtree(together, ignore_errors=True)
            for part in reversed(parts):  # the package itself last: its files win
                shutil.copytree(part / "site", together, copy_function=_link, dirs_exist_ok=True, symlinks=True)
            (together / ".complete").touch()
    return together


def _link(source, to):
    try:
        os.link(source, to)
    except FileExistsError:
        os.unlink(to)
        os.link(source, to)
    except OSError:  # another file system, or too many links
        shutil.copy2(source, to)


def _libraries(path, described):
    return [{"path": os.fspath(path / one["file"]), "instrumented": one["instrumented"]} for one in described["libraries"]]


def _warn(manifest):
    """What was built without instrumentation is named, with its log: nothing it does is seen."""
    for flavour, built in manifest["builds"].items():
        for library in built["libraries"]:
            if library["instrumented"] is False and manifest["kind"] == "source":
                common.say(
                    "warning: %s is not instrumented (%s): what goes wrong in it is hardly seen; its build log is %s"
                    % (os.path.basename(library["path"]), flavour, built["log"])
                )


def build(options):
    flavours = options.flavour or list(common.FLAVOURS)
    tool_key, spec = common.tool_key(), _spec(options.spec)
    source = sources.find(spec)
    built_with = settings.of_distribution(source.name)
    path = _manifest_path(tool_key, options.module, built_with, source)
    remembered = _remembered(path, flavours)
    if remembered is not None:
        _warn(remembered)
        return path
    built = entries.ensure(source, built_with, flavours, tool_key, options.jobs)
    described = {flavour: common.read_json(entry / "wheel.json") for flavour, entry in built.items()}
    first = described[flavours[0]]
    if not first["libraries"]:
        raise common.Failed("%s is written in Python alone: there is no extension module in it to fuzz" % first["name"])
    module = inspection.choose(first, options.module)
    parts = {flavour: [entry] for flavour, entry in built.items()}
    needed = []
    for dependency in dependencies.resolve(first["requires"]):
        more, said = dependencies.ensure(dependency, flavours, tool_key, options.jobs)
        needed.append(said)
        for flavour in flavours:
            parts[flavour].append(more[flavour])
    manifest = {
        "format": 1,
        "requirement": source.given,
        "name": first["name"],
        "version": first["version"],
        "kind": "wheel" if source.kind == "wheel" else "source",
        "module": module,
        "native": sorted(one["module"] for one in first["libraries"] if one["module"]),
        "target": built_with.target,
        "dependencies": needed,
        "builds": {},
    }
    for flavour in flavours:
        site, log = _assemble(parts[flavour], flavour), built[flavour] / "build.log"
        manifest["builds"][flavour] = {
            "path": os.fspath(site),
            "log": os.fspath(log) if log.exists() else None,
            "libraries": _libraries(site, described[flavour]),
        }
    _warn(manifest)
    common.write_json(path, manifest)
    return path


def main():
    options = _arguments()
    try:
        path = build(options)
    except common.Failed as error:
        if error.shown:
            print("---", error.shown.rstrip("\n"), "---", sep="\n", file=sys.stderr)
        if options.errors_on_stdout:
            print(error)
        else:
            print("ftfuzz: error: %s" % error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
