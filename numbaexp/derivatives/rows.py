"""Sums along rows, for the formulas of derivatives."""

from typing import Any

from numbaexp.layout import axes_of, reduced_shape


def total(values: Any, axis: Any) -> Any:
    """Sum along the axes and keep them. A scalar counts as having one axis in softmax, but has none to sum along."""
    return values.sum(axes_of(axis, values.ndim), keepdims=True) if values.ndim else values


def kept(of_rows: Any, x: Any, axis: Any) -> Any:
    """Reshape a value for each row of ``x`` to have the axes kept."""
    return of_rows.reshape(reduced_shape(tuple(x.shape), axes_of(axis, x.ndim)))
