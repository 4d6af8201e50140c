"""The functions of rows of arrays, in users' code for the CPU."""

import numpy as np
from numba import types
from numba.cpython.unsafe.tuple import tuple_setitem
from numpy.exceptions import AxisError

import numbaexp.public
from numbaexp.integrations.numba.arrays import float_of, is_array
from numbaexp.integrations.numba.registering import is_left_out, refuse
from numbaexp.jit import jit, overload


@jit
def _place_of(axis, ndim):
    """Return an axis, counted from the first one."""
    if axis < -ndim or axis >= ndim:
        raise AxisError("`axis` must be one of `x`")
    return axis + ndim if axis < 0 else axis


@jit
def _check_memory(failed):
    if failed:
        raise MemoryError("no memory for rows")


@jit
def _same(x):
    return x


@jit
def _flat(x):
    return np.ascontiguousarray(x).reshape(x.size)


def _make_row_of(x):
    """Return the function that makes one row of all elements of an array."""
    return _same if x.ndim == 1 else _flat


def _make_converted(x):
    """Return the function that makes an array of one that can be computed in."""
    kind, number = float_of(x)
    if x.dtype == kind:
        return _same

    @jit
    def converted(x):
        return x.astype(number)

    return converted


def _takes_all(label, x, axis):
    """Tell whether all axes are one row; raise if an argument is of no type that is computed."""
    if not is_array(x):
        refuse(label, "an array of float32, float64, integers or bool, in code for the CPU", x)
    axis = axis.value if isinstance(axis, types.Omitted) else axis
    if axis is None or isinstance(axis, types.NoneType):
        return True
    if not isinstance(axis, (int, types.Integer)):
        refuse("axis", "an integer or None", axis)
    return x.ndim == 0


def _make_softmax(name, x):
    """Make the functions of an array along one axis, of all of an array, and to an array that is given."""
    # Imported here, as importing numbaexp should not import the kernels.
    from numbaexp.cpu.arrays_in_code import make_rows

    compute, converted, row_of = make_rows(name), _make_converted(x), _make_row_of(x)

    def along_one(x, axis=-1, out=None):
        place, given = _place_of(axis, x.ndim), converted(x)
        y = np.empty_like(given)
        if y.size:
            _check_memory(compute(given, y, place))
        return y

    def along_all(x, axis=-1, out=None):
        row = converted(row_of(x))
        y = np.empty_like(row)
        if y.size:
            _check_memory(compute(row, y, 0))
        return y.reshape(x.shape)

    def into_given(x, axis=-1, out=None):
        if out.shape != x.shape:
            raise ValueError("`out` must be of the shape of `x`")
        place, given = _place_of(axis, x.ndim), converted(x)
        if out.size:
            _check_memory(compute(given, out, place))
        return out

    return along_one, along_all, into_given


def _register_softmax(name):
    def of_rows(x, axis=-1, out=None):
        takes_all = _takes_all("x", x, axis)
        along_one, along_all, into_given = _make_softmax(name, x)
        if is_left_out(out):
            return along_all if takes_all else along_one
        dtype, _ = float_of(x)
        if not (isinstance(out, types.Array) and (out.dtype, out.ndim) == (dtype, x.ndim) and out.mutable):
            refuse("out", f"a writeable array of {dtype} with {x.ndim} dimensions", out)
        if takes_all:
            refuse("axis", "an integer where `out` is given", axis)
        return into_given

    overload(getattr(numbaexp.public, name))(of_rows)


@overload(numbaexp.public.logsumexp)
def _logsumexp(a, axis=None):
    takes_all = _takes_all("a", a, axis)
    from numbaexp.cpu.arrays_in_code import make_row, make_rows

    one, several, converted, row_of = make_row("logsumexp"), make_rows("logsumexp"), _make_converted(a), _make_row_of(a)

    @jit
    def of_row(row):
        result, failed = one(row) if row.size else (row.dtype.type(-np.inf), 0)
        _check_memory(failed)
        return result

    def of_all(a, axis=None):
        return of_row(converted(row_of(a)))

    def of_the_row(a, axis=None):
        _place_of(axis, 1)
        return of_row(converted(a))

    def along_one(a, axis=None):
        given = converted(a)
        place, shape = _place_of(axis, given.ndim), given.shape[1:]
        for i in range(place):
            shape = tuple_setitem(shape, i, given.shape[i])
        y = np.full(shape, -np.inf, given.dtype)
        if given.size:
            _check_memory(several(given, y, place))
        return y

    return of_all if takes_all else of_the_row if a.ndim == 1 else along_one


for _name in ("softmax", "log_softmax"):
    _register_softmax(_name)
