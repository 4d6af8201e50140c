"""How the elements of arrays of one shape lie in memory, in as few dimensions as will do."""

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

from numbaexp.cuda.kernels import DIMENSIONS
from numbaexp.layout import merged

# More elements than a strided kernel counts.
_TOO_MANY = 1 << 31


class Dimension(NamedTuple):
    """A number of elements, and the step of each operand from one to the next, in elements."""

    length: int
    steps: tuple[int, ...]


class Layout(NamedTuple):
    """Dimensions, and where each operand begins, in elements from the first of its array; the result at its lowest."""

    size: int
    starts: tuple[int, ...]
    dimensions: tuple[Dimension, ...]

    def is_contiguous(self) -> bool:
        """Tell whether all operands are gapless, in the same order."""
        return len(self.dimensions) <= 1 and all(set(row.steps) == {1} for row in self.dimensions)


@functools.lru_cache(4096)
def find_layout(shape: tuple[int, ...], steps: tuple[tuple[int, ...], ...]) -> Layout:
    """Return the layout of operands that are not empty, by the steps of each, in elements. The result is the last.

    Dimensions are ordered by its steps, and go upwards: neighbouring threads are to write to neighbouring elements.
    """
    starts = [0] * len(steps)
    rows = []
    for length, *of_axis in zip(shape, *steps, strict=True):
        if length == 1:
            continue
        sign = -1 if of_axis[-1] < 0 else 1
        if sign < 0:
            starts = [start + (length - 1) * step for start, step in zip(starts, of_axis, strict=True)]
        rows.append((length, tuple(sign * step for step in of_axis)))
    rows.sort(key=lambda row: -row[1][-1])
    dimensions = tuple(Dimension(*row) for row in merged([length for length, _ in rows], [of for _, of in rows]))
    return Layout(_size(dimensions), tuple(starts), dimensions)


def pieces(layout: Layout) -> Iterator[tuple[tuple[int, ...], tuple[Dimension, ...]]]:
    """Cut a layout into what a strided kernel can do: where each operand begins, and the dimensions."""
    return _pieces(layout.starts, layout.dimensions)


def _pieces(
    starts: tuple[int, ...], dimensions: tuple[Dimension, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[Dimension, ...]]]:
    if not dimensions:
        yield starts, ()
        return
    outermost, inner = dimensions[0], dimensions[1:]
    of_inner = _size(inner)
    whole = len(dimensions) <= DIMENSIONS and of_inner < _TOO_MANY
    at_once = (_TOO_MANY - 1) // of_inner if whole else 1
    for i in range(0, outermost.length, at_once):
        begins = tuple(start + i * step for start, step in zip(starts, outermost.steps, strict=True))
        if whole:
            yield begins, (outermost._replace(length=min(at_once, outermost.length - i)), *inner)
        else:
            yield from _pieces(begins, inner)


def _size(dimensions: tuple[Dimension, ...]) -> int:
    return math.prod(row.length for row in dimensions)
