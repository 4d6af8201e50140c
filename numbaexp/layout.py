"""Memory layouts: strided arrays on a device, and rows along any axes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Strided(NamedTuple):
    """Describe elements in the memory of a device.

    ``pointer`` is the address of the first one, ``strides`` are in bytes, ``dtype`` is NumPy's name of the type, or
    "bfloat16", and ``device`` is the number that CUDA gives the device.
    """

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    device: int


def broadcast(view: Strided, shape: tuple[int, ...]) -> Strided:
    """Return a view of an array repeated to a shape."""
    added = len(shape) - len(view.shape)
    lengths, steps = (1,) * added + view.shape, (0,) * added + view.strides
    strides = tuple(0 if length == 1 else step for length, step in zip(lengths, steps, strict=True))
    return view._replace(shape=shape, strides=strides)


class Rows(NamedTuple):
    """Describe ``outer * inner`` rows of ``length`` elements.

    For each operand: the bytes from its first element to where its first row begins, and the steps in bytes along the
    dimensions, (outer, inner, along the row).
    """

    outer: int
    inner: int
    length: int
    starts: tuple[int, ...]
    steps: tuple[tuple[int, int, int], ...]


def merged(lengths: list[int], steps: list[tuple[int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """Merge dimensions as far as the same elements come in the same order; return pairs (length, operands' steps)."""
    made: list[tuple[int, tuple[int, ...]]] = []
    for length, step in zip(lengths, steps, strict=True):
        if length == 1:
            continue
        if made and all(before == length * here for before, here in zip(made[-1][1], step, strict=True)):
            made[-1] = made[-1][0] * length, step
        else:
            made.append((length, step))
    return made


def find_rows(
    shape: tuple[int, ...], strides: tuple[tuple[int, ...], ...], axes: tuple[int, ...]
) -> Iterator[Rows] | None:
    """Return the rows of operands of one shape along some axes, in as many pieces as needed; None where the axes are
    not one dimension in some operand. There is at least one row, which may be empty."""
    none = (0,) * len(strides)
    if 0 in (shape[axis] for axis in axes):
        along = [(0, none)]
    else:
        along = merged([shape[axis] for axis in axes], [tuple(of[axis] for of in strides) for axis in axes])
    if len(along) > 1:
        return None
    others = [axis for axis in range(len(shape)) if axis not in axes]
    # In the memory order of the last operand, the result, so that adjacent rows are written together.
    others.sort(key=lambda axis: -abs(strides[-1][axis]))
    across = merged([shape[axis] for axis in others], [tuple(of[axis] for of in strides) for axis in others])
    length, step = along[0] if along else (1, none)
    return _pieces(across, none, length, step)


def _pieces(
    across: list[tuple[int, tuple[int, ...]]], starts: tuple[int, ...], length: int, step: tuple[int, ...]
) -> Iterator[Rows]:
    if len(across) > 2:
        count, of_outermost = across[0]
        for i in range(count):
            moved = tuple(start + i * by for start, by in zip(starts, of_outermost, strict=True))
            yield from _pieces(across[1:], moved, length, step)
        return
    padded = [(1, (0,) * len(starts))] * (2 - len(across)) + across
    (outer, outer_steps), (inner, inner_steps) = padded
    yield Rows(outer, inner, length, starts, tuple(zip(outer_steps, inner_steps, step, strict=True)))


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes as sorted nonnegative integers. A scalar has one axis."""
    if axis is None:
        return tuple(range(max(ndim, 1)))
    try:
        return tuple(sorted(np.lib.array_utils.normalize_axis_tuple(axis, max(ndim, 1), "axis")))
    except TypeError:
        raise TypeError(f"`axis` must be an int, a tuple of int or None; got {axis!r}") from None


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a reduction with the axes kept."""
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape))


def final_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Return the shape of a reduction's result."""
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape) if keepdims or axis not in axes)
