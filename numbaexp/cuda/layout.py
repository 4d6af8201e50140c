"""How the elements of two arrays of one shape lie in memory, in as few dimensions as will do."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

from numbaexp.cuda.kernels import DIMENSIONS

# More elements than a strided kernel counts.
_TOO_MANY = 1 << 31


class Dimension(NamedTuple):
    """Elements in a row, and the steps in x and in y from one to the next, in elements."""

    length: int
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
    merged: list[Dimension] = []
    for row in rows:
        if merged and merged[-1].x == row.length * row.x and merged[-1].y == row.length * row.y:
            merged[-1] = Dimension(merged[-1].length * row.length, row.x, row.y)
        else:
            merged.append(row)
    x_low = x_start + sum((row.length - 1) * min(row.x, 0) for row in merged)
    return Layout(_product(merged), x_low, x_start - x_low, y_low, tuple(merged))


def pieces(dimensions: tuple[Dimension, ...]) -> Iterator[tuple[int, int, tuple[Dimension, ...]]]:
    """(x, y, dimensions): where a piece begins, for pieces that a strided kernel can do."""
    if not dimensions:
        yield 0, 0, ()
        return
    outer, inner = dimensions[0], dimensions[1:]
    of_inner = _product(inner)
    if len(dimensions) > DIMENSIONS or of_inner >= _TOO_MANY:
        for i in range(outer.length):
            for x, y, rest in pieces(inner):
                yield x + i * outer.x, y + i * outer.y, rest
        return
    most = (_TOO_MANY - 1) // of_inner
    for i in range(0, outer.length, most):
        yield i * outer.x, i * outer.y, (outer._replace(length=min(most, outer.length - i)), *inner)


def _product(dimensions: "list[Dimension] | tuple[Dimension, ...]") -> int:
    size = 1
    for row in dimensions:
        size *= row.length
    return size
