"""Kernels as machine code of a GPU: from Numba by way of PTX, which the tests read, to the linker of CUDA.

``@cuda.jit`` would do all of it, but a launch by it takes a multiple of the time of one by cuda.core, which it uses
itself: it converts each argument, and configures the launch, anew.
"""

import re
from collections.abc import Callable
from typing import Any

from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import cuda, types

_ENTRY = re.compile(r"\.entry\s+(\w+)")


def to_ptx(kernel: Callable[..., None], arguments: int, capability: tuple[int, int]) -> str:
    """The PTX of a kernel of so many int64 for devices of a compute capability."""
    signature = types.void(*[types.int64] * arguments)
    return cuda.compile_ptx(kernel, signature, cc=capability)[0]


def link(ptx: str, capability: tuple[int, int]) -> ObjectCode:
    """PTX as machine code."""
    options = LinkerOptions(arch="sm_{}{}".format(*capability))
    return Linker(ObjectCode.from_ptx(ptx.encode()), options=options).link("cubin")


def compile_kernel(kernel: Callable[..., None], arguments: int, capability: tuple[int, int]) -> Any:
    """The kernel as ``cuda.core.launch`` takes it."""
    ptx = to_ptx(kernel, arguments, capability)
    entry = _ENTRY.search(ptx)
    if entry is None:
        raise RuntimeError("Numba's CUDA target gave PTX without a kernel")
    return link(ptx, capability).get_kernel(entry[1])
