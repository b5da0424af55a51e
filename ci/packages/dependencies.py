"""What else has to be importable: a package's dependencies, resolved by pip once and kept with the package's manifest.

Pure Python is installed as it comes. An extension is built from its sources like the package itself, so that a race between the
two is seen; where that fails its wheel is taken, and the manifest says so.
"""

import os
import subprocess
import tempfile
import pathlib

from packaging.requirements import Requirement

import common
import entries
import settings
import sources


def resolve(requires):
    """[{"name", "version", "pure"}], everything that is needed, dependencies of dependencies included."""
    wanted = [text for text in requires if _applies(Requirement(text))]
    if not wanted:
        return []
    wanted = [_without_marker(text) for text in wanted]
    try:  # versions that have a wheel are those that their maintainers support here
        items = _ask_pip("--only-binary", ":all:", *wanted)
    except subprocess.CalledProcessError:
        try:
            items = _ask_pip(*wanted)
        except subprocess.CalledProcessError as error:
            raise common.Failed("its dependencies cannot be resolved: " + common.pip_reason(error)) from None
    found = []
    for item in items:
        url = item["download_info"]["url"]
        pure = url.endswith("-none-any.whl")
        found.append({"name": item["metadata"]["name"], "version": item["metadata"]["version"], "pure": pure})
    return sorted(found, key=lambda one: one["name"].lower())


def ensure(dependency, flavours, tool_key, jobs):
    """Entries for one dependency in each flavour, and what the manifest says about it."""
    said = {"name": dependency["name"], "version": dependency["version"], "extension": not dependency["pure"]}
    spec = "%(name)s==%(version)s" % dependency
    if dependency["pure"]:
        return entries.ensure(_wheel(spec), settings.Settings(), flavours, tool_key, jobs), said
    try:
        source = sources.requirement(spec)
        built = entries.ensure(source, settings.of_distribution(source.name), flavours, tool_key, jobs)
        said["instrumented"] = source.kind != "wheel"
        return built, said
    except common.Failed as error:
        common.say("%s: %s; taking its wheel, whose code is not instrumented" % (spec, error))
        said.update(instrumented=False, reason=str(error))
        return entries.ensure(_wheel(spec), settings.Settings(), flavours, tool_key, jobs), said


def _ask_pip(*arguments):
    """What pip would install."""
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch, "report.json")
        common.pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report", report, *arguments)
        return common.read_json(report)["install"]


def _applies(requirement):
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _without_marker(text):
    requirement = Requirement(text)
    requirement.marker = None
    return str(requirement)


def _wheel(spec):
    folder = common.KEPT / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            common.pip("download", "--quiet", "--no-deps", "--dest", scratch, "--only-binary", ":all:", spec)
        except subprocess.CalledProcessError as error:
            raise common.Failed("%s: %s" % (spec, common.pip_reason(error))) from None
        found = next(pathlib.Path(scratch).iterdir())
        kept = folder / found.name
        os.replace(found, kept)
    return sources.find(str(kept))
