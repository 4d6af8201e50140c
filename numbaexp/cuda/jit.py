"""Numba's CUDA compiler with every flag given, as ``numbaexp.jit`` has the one for the CPU."""

from collections.abc import Callable
from typing import Any

from numba import cuda
from numba.cuda import extending

from numbaexp.jit import FLAGS


def device_function(function: Callable[..., Any]) -> Any:
    """Make a function one that kernels call."""
    return cuda.jit(function, device=True, fastmath=False, debug=False, opt=True)


def overload(stand_in: Callable[..., Any]) -> Callable[..., Any]:
    """Implement a function in kernels."""
    return extending.overload(stand_in, jit_options=FLAGS)


def ptx(kernel: Callable[..., None], signature: Any, capability: tuple[int, int], *, contracted: bool = True) -> str:
    """Compile a kernel to PTX for devices of a compute capability; products and the sums that they feed are contracted
    unless that is switched off, for which there is no public way."""
    flags = {"fastmath": False, "debug": False, "opt": True}
    if contracted:
        return cuda.compile_ptx(kernel, signature, cc=capability, **flags)[0]
    # Numba's simulator has none.
    from numba.cuda import compiler

    library, _ = compiler._compile_pyfunc_with_fixup(
        kernel, signature, device=False, cc=capability, abi="numba", **flags
    )
    library._nvvm_options["fma"] = False
    return library.get_asm_str(cc=capability)


def simulated_kernel(kernel: Callable[..., None]) -> Any:
    """Make a function a kernel of the simulator."""
    return cuda.jit(kernel)
