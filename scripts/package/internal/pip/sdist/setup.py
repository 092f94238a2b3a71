"""For a pip before 10, which knows no build backends: installs by setuptools."""

import os
import shutil
import sys

from setuptools import Distribution, setup
from setuptools.command.sdist import sdist
from distutils.command.build_scripts import build_scripts

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "backend"))
import distributed_collector_build as build  # noqa: E402


class Copied(build_scripts):
    """Distutils takes scripts for text, and reads them."""

    def copy_scripts(self):
        self.mkpath(self.build_dir)
        copies = [os.path.join(self.build_dir, os.path.basename(script)) for script in self.scripts]
        for script, copy in zip(self.scripts, copies):
            shutil.copyfile(script, copy)
            os.chmod(copy, 0o755)
        return copies, copies


class Again(sdist):
    """Setuptools would leave the programs out."""

    def run(self):
        self.mkpath(self.dist_dir)
        build.build_sdist(self.dist_dir)


class OfThisMachine(Distribution):
    def has_ext_modules(self):
        return True


setup(
    name=build.field("Name"),
    version=build.field("Version"),
    description=build.field("Summary"),
    license=build.field("License"),
    packages=[],
    py_modules=[],
    scripts=[build.program(build.architecture(), command) for command in build.COMMANDS],
    cmdclass={"build_scripts": Copied, "sdist": Again},
    distclass=OfThisMachine,
    zip_safe=False,
)
