"""The elementwise functions and their gradients of numbers, in users' loops and kernels."""

from typing import Any

from numbaexp.integrations.numba.registering import is_for_cuda, overload_elementwise
from numbaexp.scalar.family import FAMILY, SAVED


def scalars() -> Any:
    """Return the module of the scalars for the target that is compiled for."""
    # Imported here, as importing numbaexp should not import the scalars.
    if is_for_cuda():
        from numbaexp.cuda import in_kernels

        return in_kernels
    from numbaexp.cpu import scalars_in_loops

    return scalars_in_loops


def scalar_for(name, *kinds):
    """Return what Numba is to compile for numbers of some types; None where there is nothing."""
    return scalars().scalar_for(name, *kinds)


def _is_inlined(*_):
    """Tell Numba to inline a call on the CPU, so that effects on the calling function reach the user's."""
    return not is_for_cuda()


def _register(name):
    def of_one(x):
        return scalar_for(name, x)

    def of_two(grad_output, saved):
        return scalar_for(name, grad_output, saved)

    overload_elementwise(name, of_two if name in SAVED else of_one, inline=_is_inlined)


for _name in (*FAMILY, *SAVED):
    _register(_name)
