"""Functions that users have written, of numbers inside kernels that users compile."""

import functools
from typing import Any

from numbaexp.cuda import custom_numbers
from numbaexp.cuda.in_kernels import cast
from numbaexp.custom.operation import CustomOperation
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.unrolled import make_each


@functools.cache
def make_compute(operation: CustomOperation, dtype: str) -> Any:
    """Return ``compute(numbers)``, of a tuple, compiled, which computes in a float type."""
    inputs, outputs = len(operation.arrays), operation.results
    of_elements = custom_numbers.make_compute(operation, (dtype,) * inputs, dtype)
    stored, is_half = STORED_AS[dtype], itemsize(dtype) == 2

    @jit
    def element(x):
        return cast(x, stored(0)) if is_half else stored(x)

    @jit
    def number(x, like):
        return cast(x, like) if is_half else x

    element_each, number_each = make_each([element] * inputs), make_each([number] * outputs)

    @jit
    def compute(numbers):
        results = number_each(of_elements(element_each(numbers)), numbers[0])
        return results[0] if outputs == 1 else results

    return compute
