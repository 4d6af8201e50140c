"""The public functions inside code that users compile."""

from numba.core.target_extension import current_target
from numba.core.typing.templates import builtin_registry

from numbaexp import functions
from numbaexp.jit import overload
from numbaexp.scalar.family import FAMILY


def _is_inlined(*_):
    """Tell Numba to inline a call on the CPU: what the call does to its caller's function is for the user's."""
    return current_target() != "cuda"


def _register(name):
    def stand_in(x):
        """Stands for the public function where Numba types it: the function itself would pass for a ufunc."""

    stand_in.__name__ = stand_in.__qualname__ = name

    @overload(stand_in, inline=_is_inlined)
    def of_scalar(x):
        # The scalars are for those who compile; importing the package is not to wait for them.
        from numbaexp.compiled_scalars import implementation

        return implementation(name, x)

    typed = next(kind for value, kind in reversed(builtin_registry.globals) if value is stand_in)
    builtin_registry.register_global(getattr(functions, name), typed)


for _name in FAMILY:
    _register(_name)
