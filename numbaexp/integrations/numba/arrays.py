"""The elementwise functions and their gradients of arrays, in users' code for the CPU."""

import numpy as np
from numba import types
from numba.core.errors import TypingError

import numbaexp.public
from numbaexp.integrations.numba.registering import is_for_cuda, is_left_out, overload_elementwise, refuse
from numbaexp.integrations.numba.scalars import scalar_for
from numbaexp.jit import jit, overload
from numbaexp.scalar.family import FAMILY, SAVED

_FLOATS = {types.float32: np.float32, types.float64: np.float64}
_OF_CPU = "a float32, float64, integer or bool, or an array of one of these"
_OF_CUDA = "a number of a real type: arrays are computed element by element in a kernel"


def is_array(kind):
    """Tell whether kernels for the CPU take arrays of a type, converted or not."""
    is_number = isinstance(kind, types.Array) and (
        kind.dtype in _FLOATS or isinstance(kind.dtype, (types.Integer, types.Boolean))
    )
    return is_number and not is_for_cuda()


def float_of(kind):
    """Return the types, of Numba and of NumPy, that an array of a type is computed in."""
    computed = kind.dtype if kind.dtype in _FLOATS else types.float64
    return computed, _FLOATS[computed]


def _make_compute(name, kind):
    # Imported here, as importing numbaexp should not import the kernels.
    from numbaexp.cpu.arrays_in_code import make_elements

    return make_elements((name, str(kind)))


def _into_new(name, x):
    """Make the function of an array to a new one."""
    kind, number = float_of(x)
    compute = _make_compute(name, kind)
    if x.dtype == kind:

        def into_new(x, out=None):
            y = np.empty_like(x)
            compute((x, y))
            return y
    else:

        def into_new(x, out=None):
            y = x.astype(number)
            compute((y, y))
            return y

    if x.ndim:
        return into_new
    of_array = jit(into_new)

    # As of a function of Numba's.
    def to_number(x, out=None):
        return of_array(x)[()]

    return to_number


def _into_given(name, x, out):
    """Make the function of an array to one that is given."""
    if not (isinstance(out, types.Array) and out.dtype in _FLOATS and out.ndim == x.ndim and out.mutable):
        refuse("out", f"a writeable array of float32 or float64 with {x.ndim} dimensions", out)
    if out.dtype == x.dtype:
        compute = _make_compute(name, x.dtype)
    else:
        into_new = jit(_into_new(name, x))

        @jit
        def compute(arrays):
            x, out = arrays
            out[...] = into_new(x)

    def into_given(x, out=None):
        if out.shape != x.shape:
            raise ValueError("`out` must be of the shape of `x`")
        compute((x, out))
        return out

    return into_given


def _register(name):
    def of_array(x, out=None):
        if is_array(x):
            return _into_new(name, x) if is_left_out(out) else _into_given(name, x, out)
        if scalar_for(name, x) is None:
            refuse("x", _OF_CUDA if is_for_cuda() else _OF_CPU, x)
        return None

    overload_elementwise(name, of_array)

    @overload(getattr(numbaexp.public, f"{name}_"))
    def in_place(x):
        if not (is_array(x) and x.dtype in _FLOATS and x.mutable):
            refuse("x", "a writeable array of float32 or float64", x)
        compute = _make_compute(name, x.dtype)

        def into_itself(x):
            compute((x, x))
            return x

        return into_itself


def _register_gradient(name):
    label = SAVED[name]

    def of_arrays(grad_output, saved):
        wanted = _OF_CUDA if is_for_cuda() else _OF_CPU
        for given_as, kind in (("grad_output", grad_output), (label, saved)):
            if not is_array(kind) and scalar_for(name, kind, kind) is None:
                refuse(given_as, wanted, kind)
        if not (is_array(grad_output) or is_array(saved)):
            return None
        likes = [(kind.ndim, kind.dtype) if is_array(kind) else None for kind in (grad_output, saved)]
        if likes[0] != likes[1] or saved.dtype not in _FLOATS:
            both = "be two numbers, or two arrays of one float type and as many dimensions"
            raise TypingError(f"`grad_output` and `{label}` must {both}; got {grad_output} and {saved}")
        return _gradient(name, label, saved)

    overload_elementwise(name, of_arrays)


def _gradient(name, label, saved):
    compute = _make_compute(name, saved.dtype)
    message = f"`grad_output` must be of the shape of `{label}`"

    def gradient(grad_output, saved):
        if grad_output.shape != saved.shape:
            raise ValueError(message)
        result = np.empty_like(saved)
        compute((grad_output, saved, result))
        return result

    return gradient


for _name in FAMILY:
    _register(_name)
for _name in SAVED:
    _register_gradient(_name)
