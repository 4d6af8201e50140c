"""How the elements of two arrays of one shape lie in memory, in as few dimensions as will do."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from numbaexp.cuda.kernels import DIMENSIONS
from numbaexp.layout import merged

# More elements than a strided kernel counts.
_TOO_MANY = 1 << 31


class Dimension(NamedTuple):
    """Elements in a row, and the steps in x and in y from one to the next, in elements."""

    length: int
    x: int
    y: int


class GradientDimension(NamedTuple):
    """The same, with the gradient of the result beside x, and y the gradient of the argument."""

    length: int
    g: int
    x: int
    y: int


class Layout(NamedTuple):
    """In elements: ``x_low`` and ``y_low`` are the lowest ones, from the first of the array, and ``x_first`` is where x
    begins, from its lowest; y begins with its lowest."""

    size: int
    x_low: int
    x_first: int
    y_low: int
    dimensions: tuple[Dimension, ...]

    def is_contiguous(self) -> bool:
        """Whether both arrays are one gapless row."""
        return all(row[1:] == (1, 1) for row in self.dimensions) and len(self.dimensions) <= 1


@functools.lru_cache(4096)
def find_layout(shape: tuple[int, ...], x_steps: tuple[int, ...], y_steps: tuple[int, ...]) -> Layout:
    """The layout of x and y, whose steps are counted in elements; neither is empty.

    It goes through y upwards, for threads beside each other are to write beside each other.
    """
    rows, x_start, y_low = [], 0, 0
    for length, x, y in zip(shape, x_steps, y_steps, strict=True):
        if length == 1:
            continue
        if y < 0:
            x_start += (length - 1) * x
            y_low += (length - 1) * y
        rows.append(Dimension(length, x if y >= 0 else -x, abs(y)))
    rows.sort(key=lambda row: -row.y)
    steps: list[tuple[int, ...]] = [(row.x, row.y) for row in rows]
    dimensions = tuple(Dimension(length, *step) for length, step in merged([row.length for row in rows], steps))
    x_low = x_start + sum((row.length - 1) * min(row.x, 0) for row in dimensions)
    return Layout(_product(dimensions), x_low, x_start - x_low, y_low, dimensions)


@functools.lru_cache(4096)
def find_gradient_layout(
    shape: tuple[int, ...], g_steps: tuple[int, ...], x_steps: tuple[int, ...], y_steps: tuple[int, ...]
) -> tuple[GradientDimension, ...]:
    """The dimensions of three arrays that are not empty, from their first elements on."""
    axes = sorted(range(len(shape)), key=lambda axis: -abs(y_steps[axis]))
    steps: list[tuple[int, ...]] = [(g_steps[axis], x_steps[axis], y_steps[axis]) for axis in axes]
    return tuple(GradientDimension(length, *step) for length, step in merged([shape[axis] for axis in axes], steps))


def pieces(dimensions: tuple[Any, ...], operands: int = 2) -> Iterator[tuple[Any, ...]]:
    """(x, y, dimensions), or (g, x, y, dimensions): where a piece begins, for pieces that a strided kernel can do."""
    if not dimensions:
        yield *(0,) * operands, ()
        return
    (length, *steps), inner = dimensions[0], dimensions[1:]
    of_inner = _product(inner)
    if len(dimensions) > DIMENSIONS or of_inner >= _TOO_MANY:
        for i in range(length):
            for *begins, rest in pieces(inner, operands):
                yield *(begin + i * step for begin, step in zip(begins, steps, strict=True)), rest
        return
    most = (_TOO_MANY - 1) // of_inner
    for i in range(0, length, most):
        yield *(i * step for step in steps), (dimensions[0]._replace(length=min(most, length - i)), *inner)


def _product(dimensions: Sequence[Dimension | GradientDimension]) -> int:
    size = 1
    for row in dimensions:
        size *= row.length
    return size
