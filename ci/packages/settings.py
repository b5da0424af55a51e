"""The [package] table of a target file: how a package is built when its own metadata do not say it all.

    [package]
    requirement = "lxml"                      # the distribution that this target is a module of
    system = ["libxml2-dev", "libxslt1-dev"]  # Debian packages with the headers it needs
    env = {WITH_SSL = "0"}                    # environment of the build
    config = {setup-args = ["-Dblas=none"]}   # settings for the build backend, as pip's --config-settings
"""

import dataclasses
import functools
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import common

KEYS = frozenset(("requirement", "system", "env", "config"))


@dataclasses.dataclass(frozen=True)
class Settings:
    target: str | None = None  # the name of the file: the module, too, unless the file imports another
    system: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    config: dict = dataclasses.field(default_factory=dict)

    def key(self):
        return common.fingerprint(sorted(self.env.items()), sorted(self.config.items()))


@functools.cache
def _tables():
    """[(target, its [package] table)]"""
    found = []
    for path in sorted((common.ROOT / "targets").glob("*.toml")):
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise common.Failed("%s: %s" % (path, error)) from None
        package = table.get("package")
        if package is not None:
            unknown = set(package) - KEYS
            if unknown or "requirement" not in package:
                wrong = "unknown: " + ", ".join(sorted(unknown)) if unknown else "`requirement` is missing"
                raise common.Failed("%s: [package] has the keys %s; %s" % (path, ", ".join(sorted(KEYS)), wrong))
            found.append((path.stem, package))
    return found


def of_distribution(name):
    """The settings for a distribution; empty ones when no target file names it."""
    for target, package in _tables():
        if canonicalize_name(Requirement(package["requirement"]).name) == canonicalize_name(name):
            system, env, config = package.get("system", ()), package.get("env", {}), package.get("config", {})
            return Settings(target, tuple(system), dict(env), dict(config))
    return Settings()


def requirement_of_target(name):
    """The requirement behind the target file of that name, or None."""
    return next((package["requirement"] for target, package in _tables() if target == name), None)
