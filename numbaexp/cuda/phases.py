"""The phases of a scalar on a GPU: a fast one, and one of any argument for those that the fast one leaves undecided.

The fast phase of float32 and narrower types is float32 arithmetic, and the other one float64 arithmetic, for which most
devices have one unit where they have 64 for float32. A warp takes as long as its slowest thread. So the undecided
arguments of a thread's vector are computed anew one after the other, whatever their lanes: if each thread of a warp has
one, all these are computed together.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.cuda.vectors import all_of, each, each_decided, make_choose, make_replace, pattern_of, same, zipped
from numbaexp.scalar.family import FAMILY, SAVED, arity
from numbaexp.scalar.fast import fast_phase
from numbaexp.scalar.fast_gradients import fast_gradient
from numbaexp.scalar.forms import BITS, itemsize
from numbaexp.scalar.gradients import GRADIENTS
from numbaexp.scalar.ieee import scalar
from numbaexp.vector.level import CUDA
from numbaexp.vector.operations import bits_of


def _make_magnitude(dtype):
    """Return ``magnitude(x)``, the bit pattern of a number less its sign, and the type of the pattern."""
    bits = BITS[itemsize(dtype)]
    all_but_sign, pattern = bits(2 ** (8 * itemsize(dtype) - 1) - 1), pattern_of if bits is not np.uint16 else same

    @scalar
    def magnitude(x):
        return bits(pattern(x) & all_but_sign)

    return magnitude, bits


def _make_within(dtype, limit):
    """Return ``within(x)``: whether the magnitude of a number is at most a limit, both as bit patterns."""
    magnitude, bits = _make_magnitude(dtype)
    limit = bits(limit)

    @scalar
    def within(x):
        return magnitude(x) <= limit

    return within


def _make_ordinary(dtype, row, limit):
    """Return ``ordinary(x)``: whether a number is inside a function's domain; without one, at most a limit."""
    return _make_within(dtype, limit) if row.domain is None else row.domain.inside


def _attempt(name, dtype, fast):
    """Return ``attempt(x)`` of any argument: the result of a fast phase, and whether it is undecided."""
    compute, within = fast.compute, _make_ordinary(dtype, FAMILY[name][dtype], fast.limit)

    @scalar
    def attempt(x):
        value, undecided = compute(x)
        return value, undecided | (not within(x))

    if name not in _SUBNORMAL or dtype not in _LEAST_NORMAL:
        return attempt
    magnitude, bits = _make_magnitude(dtype)
    one, most = bits(1), bits(_LEAST_NORMAL[dtype] - 2)
    unsigned = np.uint16 if bits is np.uint16 else np.uint32

    @scalar
    def attempt_normal(x):
        value, undecided = attempt(x)
        return value, undecided | (unsigned(magnitude(x) - one) <= unsigned(most))

    return attempt_normal


# The functions of which subnormal arguments have subnormal results, and by type the least bit pattern that is normal in
# float32. A caller's ``fastmath=True`` takes float32 that are subnormal for 0: they are left to float64.
_SUBNORMAL, _LEAST_NORMAL = ("expm1", "log1p", "sinh", "tanh"), {"bfloat16": 0x80, "float32": 0x800000}


@intrinsic
def _stay_behind_branch(typingctx):
    """Keep the compiler from computing the following code before its branch is taken."""

    def codegen(context, builder, signature, args):
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], side_effect=True)
        return context.get_dummy_value()

    return types.none(), codegen


def _settled(attempt, whole):
    """Return ``settled(x)``: the result of ``attempt``, or of ``whole`` where that is undecided."""

    @scalar
    def settled(x):
        value, undecided = attempt(x)
        if undecided:
            _stay_behind_branch()
            value = whole(x)
        return value

    return settled


def _settled_each(attempt, whole, lanes):
    """Return ``settled_each(values)``: the same of a tuple of so many."""
    attempt_each, choose, replace = each_decided(attempt, lanes), make_choose(lanes), make_replace(lanes)

    @scalar
    def settled_each(values):
        results, undecided = attempt_each(values)
        while undecided != np.int32(0):
            _stay_behind_branch()
            lowest = np.int32(undecided & -undecided)
            results = replace(results, lowest, whole(choose(values, lowest)))
            undecided = np.int32(undecided ^ lowest)
        return results

    return settled_each


def without_flags(row):
    """Return ``row.whole`` without its results for flags: a GPU has none."""
    if row.accurate is None:
        return row.whole
    whole = row.whole

    @scalar
    def two_results(x):
        result, other, _, _ = whole(x)
        return result, other

    return two_results


def one_result(name, dtype):
    """Return a function of the family, or a gradient, as a scalar of one result."""
    if name in SAVED:
        whole, fast = GRADIENTS[name][dtype], fast_gradient(name, dtype, CUDA)
        return whole if fast is None else _apart(_settled(_of_tuple(fast.compute), _of_tuple(whole)))
    row, fast = FAMILY[name][dtype], fast_phase(name, dtype, CUDA)
    if row.accurate is None:
        return row.whole if fast is None else _settled(_attempt(name, dtype, fast), row.whole)
    whole, accurate = without_flags(row), row.accurate

    @scalar
    def rounded(x):
        result, other = whole(x)
        return result if bits_of(result) == bits_of(other) else accurate(x)

    return rounded


def over_vectors(name, dtype, lanes):
    """Return a function of a tuple of vectors, one of each input, to a vector of results; vectors are tuples of so many
    numbers."""
    if name in SAVED:
        whole, fast = _of_tuple(GRADIENTS[name][dtype]), fast_gradient(name, dtype, CUDA)
        of_lanes = each(whole, lanes) if fast is None else _settled_each(_of_tuple(fast.compute), whole, lanes)
        tuples_of = zipped(arity(name), lanes)
    else:
        of_lanes, tuples_of = over_vector(name, dtype, lanes), _only

    @scalar
    def of_vectors(vectors):
        return of_lanes(tuples_of(vectors))

    return of_vectors


@scalar
def _only(values):
    return values[0]


def _of_tuple(function):
    """Return a function of several numbers as one of a tuple."""

    @scalar
    def of_tuple(values):
        return function(*values)

    return of_tuple


def _apart(function):
    """Return a function of a tuple as one of several numbers."""

    @scalar
    def of_numbers(*values):
        return function(values)

    return of_numbers


def over_vector(name, dtype, lanes):
    """Return a function of a tuple of so many arguments to their results; with an accurate phase, to two of each."""
    row, fast = FAMILY[name][dtype], fast_phase(name, dtype, CUDA)
    if row.accurate is None and fast is not None:
        return _settled_each(_attempt(name, dtype, fast), row.whole, lanes)
    is_inner = _make_ordinary(dtype, row, row.limit)
    inner_of_each, whole_of_each = each(row.inner, lanes), each(without_flags(row), lanes)
    are_inner = all_of(is_inner, lanes)

    @scalar
    def of_vector(values):
        return inner_of_each(values) if are_inner(values) else whole_of_each(values)

    return of_vector
