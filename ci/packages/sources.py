"""What a person's SPEC means: where the sources are, under which name and version, and a digest of their content.

    requirement   multidict==6.7.1   its sdist, or when there is none a wheel
    checkout      ./myext            a folder with pyproject.toml or setup.py
    sdist, wheel  ./x-1.0.tar.gz     a file
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import tomllib

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

import common

SDIST_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
# Of a checkout: what building leaves behind, what is somebody's environment, and what decides nothing.
NOT_SOURCES = frozenset(
    ".git .hg .svn __pycache__ .tox .nox .venv venv .mypy_cache .pytest_cache .ruff_cache node_modules".split()
)
NOT_SOURCES_AT_TOP = frozenset(("build", "dist"))
BUILT_SUFFIXES = (".so", ".o", ".pyc", ".egg-info")


@dataclasses.dataclass(frozen=True)
class Source:
    kind: str  # tree, sdist or wheel
    path: pathlib.Path
    digest: str  # of the content
    name: str  # of the distribution; of a checkout, the folder's until its metadata has been made
    version: str | None
    given: str  # how it can be given again from anywhere, with the version it turned out to be

    @property
    def label(self):
        return canonicalize_name(self.name) + ("-" + self.version if self.version else "")


def find(spec):
    path = pathlib.Path(spec)
    if path.is_dir():
        return _checkout(path.resolve())
    if path.is_file():
        return _file(path.resolve())
    if os.sep in spec or spec.endswith((".whl", *SDIST_SUFFIXES)):
        raise common.Failed("%s: there is no such file or folder" % spec)
    return requirement(spec)


def requirement(spec):
    parsed = parse_requirement(spec)
    known = pinned(parsed)
    if known is not None:
        remembered = _remembered(parsed, known)
        if remembered is not None:
            return remembered
    folder = common.KEPT / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        found = _download(parsed, scratch)
        kept = folder / found.name
        os.replace(found, kept)
    return _file(kept, given=True)


def parse_requirement(spec):
    try:
        parsed = Requirement(spec)
    except InvalidRequirement as error:
        raise common.Failed("'%s' is no requirement such as multidict==6.7.1 (%s)" % (spec, str(error).split("\n")[0])) from None
    if parsed.url or parsed.marker:
        raise common.Failed("'%s': name a package and a version; for what is elsewhere, give the folder or file" % spec)
    return parsed


def pinned(parsed):
    """The one version that a requirement allows, or None."""
    ways = list(parsed.specifier)
    only = len(ways) == 1 and ways[0].operator == "==" and not ways[0].version.endswith(".*")
    return ways[0].version if only else None


def unpack(source, folder):
    """The sources in a folder of their own, for a build to write into; returns the project's folder."""
    if source.kind == "tree":
        to = folder / source.path.name
        shutil.copytree(source.path, to, symlinks=True, ignore=lambda at, names: _to_leave_out(source.path, at, names))
        return to
    try:
        shutil.unpack_archive(source.path, folder, filter=None if source.path.suffix == ".zip" else "data")
    except (shutil.ReadError, OSError, ValueError) as error:
        raise common.Failed("%s cannot be unpacked: %s" % (source.path, error)) from None
    inside = list(folder.iterdir())
    if len(inside) != 1 or not inside[0].is_dir():
        raise common.Failed("%s is no sdist: it holds more than one folder" % source.path)
    return inside[0]


def _download(parsed, folder):
    """The sdist if there is one: a wheel cannot be instrumented."""
    sources_only = ["download", "--quiet", "--no-deps", "--dest", folder, "--no-binary", parsed.name, str(parsed)]
    try:
        common.pip(*sources_only)
    except subprocess.CalledProcessError as first:
        try:
            common.pip("download", "--quiet", "--no-deps", "--dest", folder, "--only-binary", parsed.name, str(parsed))
        except subprocess.CalledProcessError:
            raise common.Failed("%s: %s" % (parsed, common.pip_reason(first)), shown=first.stderr[-3000:]) from None
        common.say("%s comes without usable sources (%s)" % (parsed, common.pip_reason(first)))
    return next(pathlib.Path(folder).iterdir())


def _remembered(parsed, version):
    """A pinned version was downloaded before. An index does not change what it has once published."""
    wanted = (canonicalize_name(parsed.name), version)
    for path in sorted((common.KEPT / "downloads").glob("*.*")):
        if path.is_file() and _name_of(path) == wanted:
            return _file(path, given=True)
    return None


def _name_of(path):
    try:
        if path.suffix == ".whl":
            name, version = parse_wheel_filename(path.name)[:2]
        else:
            name, version = parse_sdist_filename(path.name)
    except ValueError:
        return None
    return str(name), str(version)


def _file(path, given=False):
    if path.suffix != ".whl" and not path.name.endswith(SDIST_SUFFIXES):
        raise common.Failed("%s is neither a wheel (.whl) nor an sdist (%s)" % (path, ", ".join(SDIST_SUFFIXES)))
    name, version = _name_of(path) or (path.name.split(".")[0], None)
    if path.suffix == ".whl" and version is None:
        raise common.Failed("%s: a wheel's name says what it is, as in name-1.0-cp313-cp313t-linux_x86_64.whl" % path)
    return Source(
        kind="wheel" if path.suffix == ".whl" else "sdist",
        path=path,
        digest=common.file_digest(path),
        name=name,
        version=version,
        given="%s==%s" % (name, version) if given else str(path),
    )


def _checkout(path):
    if not (path / "pyproject.toml").exists() and not (path / "setup.py").exists():
        raise common.Failed("%s holds no pyproject.toml and no setup.py" % path)
    return Source(kind="tree", path=path, digest=_tree_digest(path), name=_project_name(path), version=None, given=str(path))


def _project_name(path):
    try:
        with open(path / "pyproject.toml", "rb") as file:
            return str(tomllib.load(file)["project"]["name"])
    except (OSError, KeyError, TypeError):
        return path.name
    except tomllib.TOMLDecodeError as error:
        raise common.Failed("%s: %s" % (path / "pyproject.toml", error)) from None


def _tree_digest(root):
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_built(name, folder == os.fspath(root)))
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if not _is_built(name) and path.is_file():
                digest.update(("%s\0%s\0" % (path.relative_to(root), common.file_digest(path))).encode(errors="surrogateescape"))
    head = subprocess.run(["git", "-C", root, "describe", "--always", "--tags"], capture_output=True, text=True, check=False)
    digest.update(head.stdout.encode())  # what setuptools_scm and its like make a version of
    return digest.hexdigest()


def _is_built(name, at_top=False):
    return name in NOT_SOURCES or name.endswith(BUILT_SUFFIXES) or (at_top and name in NOT_SOURCES_AT_TOP)


def _to_leave_out(root, folder, names):
    """The same for copying, but that the history comes along: some packages take their version from it."""
    at_top = os.fspath(folder) == os.fspath(root)
    return [name for name in names if _is_built(name, at_top) and name != ".git"]
