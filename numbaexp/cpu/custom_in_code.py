"""Functions that users have written, of numbers inside code that users compile for the CPU."""

import functools
from typing import Any

import numpy as np

from numbaexp.cpu import custom_numbers  # noqa: F401, the scalars of users' functions
from numbaexp.cpu.cached_code import NeedOfFunction, keep
from numbaexp.cpu.variants import prefer_whole_registers_of
from numbaexp.custom.operation import CustomOperation
from numbaexp.dual.elements import kind_of, make_from_element, make_to_element
from numbaexp.jit import jit
from numbaexp.unrolled import make_each


@functools.cache
def make_compute(operation: CustomOperation, dtype: str) -> Any:
    """Return ``compute(numbers)``, of a tuple, compiled, which computes in a float type."""
    kind, number, function = kind_of(dtype, operation.wide), np.dtype(dtype).type, operation.function
    to_real, to_number = make_from_element(dtype, kind), make_to_element(dtype, kind)

    @jit
    def real(x):
        return to_real(number(x))

    real_each = make_each([real] * len(operation.arrays))
    if operation.results == 1:

        @jit
        def compute(numbers):
            return to_number(function(*real_each(numbers)))
    else:
        number_each = make_each([to_number] * operation.results)

        @jit
        def compute(numbers):
            return number_each(function(*real_each(numbers)))

    return compute


def prepare(context: Any, builder: Any, function: Any) -> None:
    """Prepare the code that calls a function, known by a module and a name."""
    prefer_whole_registers_of(context, builder)
    keep(context, builder, NeedOfFunction(function.__module__, function.__qualname__, function.operation.digest))
