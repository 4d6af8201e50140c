"""Kernels as machine code of a GPU: from Numba by way of PTX, which the tests read and run, to the linker of CUDA; and
kept on disk.

``@cuda.jit`` would do all of it, but a launch by it takes a multiple of the time of one by cuda.core, which it uses
itself: it converts each argument, and configures the launch, anew.
"""

import re
from collections.abc import Callable
from typing import Any

import numba
import numba_cuda
from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import types

from numbaexp.cache.files import Code, kept
from numbaexp.cuda.jit import ptx

Capability = tuple[int, int]
# Of a kernel: their types, or how many there are if all are int64. Those of a tuple are passed one by one.
Arguments = int | tuple[types.Type, ...]

_ENTRY = re.compile(r"\.entry\s+(\w+)")


def to_ptx(
    kernel: Callable[..., None], arguments: Arguments, capability: Capability, *, contracted: bool = True
) -> str:
    """Return the PTX of a kernel of such arguments for devices of a compute capability; see
    ``numbaexp.cuda.jit.ptx``."""
    given = [types.int64] * arguments if isinstance(arguments, int) else arguments
    return ptx(kernel, types.void(*given), capability, contracted=contracted)


def link(code: str, capability: Capability) -> bytes:
    """Return PTX as machine code."""
    options = LinkerOptions(arch="sm_{}{}".format(*capability))
    return Linker(ObjectCode.from_ptx(code.encode()), options=options).link("cubin").code


def compile_kernel(
    make: Callable[[], Callable[..., None]],
    name: str,
    modules: tuple[str, ...],
    arguments: Arguments,
    capability: Capability,
    digest: str = "",
) -> Any:
    """Return the kernel that ``make()`` gives, as ``cuda.core.launch`` takes it; ``name`` is its own among all kernels,
    and ``modules`` are those that it is made of, besides what they import. ``digest`` is that of a user's function,
    whose arithmetic is not contracted."""

    def compile_anew() -> Code:
        code = to_ptx(make(), arguments, capability, contracted=not digest)
        entry = _ENTRY.search(code)
        if entry is None:
            raise RuntimeError("Numba's CUDA target gave PTX without a kernel")
        return Code(entry[1], link(code, capability))

    key: dict[str, Any] = {"capability": capability, "numba": numba.__version__, "numba-cuda": numba_cuda.__version__}
    if digest:
        key["digest"] = digest
    code = kept(f"cuda {name}", key, (*modules, __name__), compile_anew)
    return ObjectCode.from_cubin(code.binary).get_kernel(code.entry)
