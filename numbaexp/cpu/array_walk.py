"""The walks over arrays that users' compiled code calls; see ``numbaexp.cpu.compiled_arrays``."""

import functools
from typing import Any

from numbaexp.cpu.compile import compile_kernel

WALKS = ("elements", "rows")


@functools.cache
def compiled_walk(name: str) -> Any:
    return compile_kernel(f"{name} of arrays", f"compiled_arrays.{name}", "intp(intp)")
