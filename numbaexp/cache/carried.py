"""Precompiled machine code in a wheel: of every kernel, for microarchitecture levels.

Kernels whose sources have changed since are not found, nor are any where Numba is set to compile for another processor.
"""

import functools
import os
from typing import Any

from numbaexp.cache import CARRIED, IS_CARRIED, sources
from numbaexp.cache.files import Code, file_of, line, read

# Features that a processor needs, by LLVM's names of the levels, the best first.
_V2 = "cx16 sahf popcnt sse3 ssse3 sse4.1 sse4.2"
_V3 = f"{_V2} avx avx2 bmi bmi2 f16c fma lzcnt movbe xsave"
_V4 = f"{_V3} avx512f avx512bw avx512cd avx512dq avx512vl"
LEVELS = {"x86-64-v4": _V4, "x86-64-v3": _V3}
# Settings of Numba's that change the processor or the optimization.
_VARIABLES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX", "NUMBA_OPT")


def features_of(level: str) -> str:
    """Return the features of a level, as Numba takes them."""
    return ",".join(f"+{feature}" for feature in LEVELS[level].split())


def about(name: str, level: str, digest: str) -> dict[str, Any]:
    """Return the header of a kernel's file."""
    import llvmlite.binding as llvm

    return {
        "name": name,
        "target": f"{llvm.get_default_triple()} {level}",
        "head of objects": object.__basicsize__,
        "sources": digest,
    }


@functools.cache
def level_here() -> str | None:
    """Return the best level of this processor that the package has code for, or None."""
    if os.name != "posix" or any(os.environ.get(variable) for variable in _VARIABLES):
        return None
    carried = [level for level in LEVELS if IS_CARRIED and (CARRIED / level).is_dir()]
    if not carried:
        return None
    import llvmlite.binding as llvm

    has = llvm.get_host_cpu_features()
    return next((level for level in carried if all(has.get(feature) for feature in LEVELS[level].split())), None)


def find(name: str, modules: tuple[str, ...]) -> Code | None:
    """Return the code of a kernel that ``modules`` define, or None."""
    level = level_here()
    digest = None if level is None else sources.digest(modules)
    if level is None or digest is None:
        return None
    told = line(about(name, level, digest))
    return read(CARRIED / level / file_of(name, told), told)
