"""Numba overloads of the public functions, for code that users compile."""

from numba.core.target_extension import current_target
from numba.core.typing.templates import builtin_registry

from numbaexp.jit import overload
from numbaexp.public import exponentials
from numbaexp.scalar.family import FAMILY


def _is_inlined(*_):
    """Tell Numba to inline a call on the CPU, so that effects on the calling function reach the user's."""
    return current_target() != "cuda"


def _register(name):
    def stand_in(x):
        """Stand for the public function in Numba's typing, which would take the function itself for a ufunc."""

    stand_in.__name__ = stand_in.__qualname__ = name

    @overload(stand_in, inline=_is_inlined)
    def of_scalar(x):
        # Imported here, as importing numbaexp should not import the scalars.
        if current_target() == "cuda":
            from numbaexp.cuda.in_kernels import scalar_for
        else:
            from numbaexp.cpu.scalars_in_loops import scalar_for

        return scalar_for(name, x)

    typed = next(kind for value, kind in reversed(builtin_registry.globals) if value is stand_in)
    builtin_registry.register_global(getattr(exponentials, name), typed)


for _name in FAMILY:
    _register(_name)
