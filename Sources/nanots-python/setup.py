"""Builds the wheel: the engine by Swift, as one static library with all it needs, and the module in C around it."""

import pathlib
import re
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = pathlib.Path(__file__).resolve().parent
INTERFACE = HERE.parent / "CInterface"


def version():
    header = (INTERFACE / "include" / "nanots.h").read_text()
    return re.search(r'#define NANOTS_VERSION "(.*)"', header).group(1)


class BuildWithEngine(build_ext):
    """Installs the engine's C library into the build directory first, and links the module with it."""

    def build_extension(self, extension):
        prefix = pathlib.Path(self.build_temp).resolve() / "engine"
        subprocess.run([str(INTERFACE / "Install" / "install.sh"), "--prefix", str(prefix)], check=True)
        extension.include_dirs.append(str(prefix / "include"))
        extension.extra_objects.append(str(prefix / "lib" / "libnanots.a"))
        # The module is linked anew with the engine that was just built, whether or not its own sources have changed.
        self.force = True
        super().build_extension(extension)


setup(
    version=version(),
    ext_modules=[
        Extension(
            "nanots._nanots",
            sources=sorted(str(path.relative_to(HERE)) for path in (HERE / "src").glob("*.c")),
            depends=sorted(str(path.relative_to(HERE)) for path in (HERE / "src").glob("*.h")),
            include_dirs=[],
            extra_compile_args=["-std=gnu11", "-O2", "-fvisibility=hidden", "-Wall", "-Werror"],
            # Of the engine nothing is seen from outside: another module may bring another Swift runtime.
            extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-s", "-lstdc++", "-lm"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildWithEngine},
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
