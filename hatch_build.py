"""Builds wheels that carry machine code, where ``NUMBAEXP_BUILD_MACHINE_CODE`` is set: minutes of all processors."""

import os
import subprocess
import sys
import sysconfig
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_VARIABLE = "NUMBAEXP_BUILD_MACHINE_CODE"


class MachineCode(BuildHookInterface):
    """Compiles every kernel for each level of processors before a wheel is put together."""

    def dependencies(self) -> list[str]:
        """Return what compiling needs."""
        return self.metadata.core.dependencies if os.environ.get(_VARIABLE) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the wheel take in what came of it."""
        if not os.environ.get(_VARIABLE) or version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        environment = {**os.environ, "PYTHONPATH": self.root}
        subprocess.run([sys.executable, "-m", "numbaexp.carry", self._folder.name], env=environment, check=True)
        build_data["force_include"][self._folder.name] = "numbaexp/machine_code"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        # The code is of no one version of Python.
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was taken in."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()
