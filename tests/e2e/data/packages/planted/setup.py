"""Builds two extensions: one the usual way, and one with a compiler that the package has chosen itself."""

import os
import subprocess
import sysconfig

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildBoth(build_ext):
    def build_extension(self, extension):
        if extension.name != "planted._stubborn":
            return super().build_extension(extension)
        to = self.get_ext_fullpath(extension.name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        include = sysconfig.get_path("include")
        # Deaf to CC and CFLAGS, with flags that would hide what is instrumented: as real ones are.
        subprocess.run(
            ["gcc", "-O3", "-g0", "-flto", "-fPIC", "-shared", "-s", "-Wl,-z,now,--strip-all", "-I", include, *extension.sources, "-o", to],
            check=True,
        )


setup(
    ext_modules=[
        Extension("planted._latest", ["src/planted/_latest.c"]),
        Extension("planted._stubborn", ["src/planted/_stubborn.c"]),
    ],
    cmdclass={"build_ext": BuildBoth},
)
