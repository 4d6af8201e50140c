"""The plan of a function of rows for NumPy's arrays of longdouble and complex numbers, which formulas compute."""

import math
from typing import Any

import numpy as np

from numbaexp.backends import numpy
from numbaexp.cpu import row_formulas
from numbaexp.cpu.formulas import computed_in
from numbaexp.engine import host
from numbaexp.engine.checks import check_per_row, check_shape
from numbaexp.layout import axes_of, final_shape, reduced_shape
from numbaexp.operations import Kind, Operation
from numbaexp.target import CUDA, current_target


class _Rows:
    """Bring arrays into two dimensions, in which the last is along the axes, and back."""

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, ...], mask: np.ndarray | None) -> None:
        self.shape, self.mask = shape, mask
        self.order = [*(axis for axis in range(len(shape)) if axis not in axes), *axes]
        self.length = math.prod(shape[axis] for axis in axes)

    def of(self, array: np.ndarray, kind: np.dtype, masked: float) -> np.ndarray:
        """Return a copy in a type, ``masked`` where the mask is false."""
        made = np.full(self.shape, masked, kind)
        host.convert(array, made, True if self.mask is None else self.mask)
        return np.ascontiguousarray(made.transpose(self.order)).reshape(-1, self.length)

    def back(self, result: np.ndarray, kind: np.dtype) -> np.ndarray:
        made = np.empty(self.shape, kind)
        ordered = made.transpose(self.order)
        ordered[...] = result.reshape(ordered.shape)
        return made


def compute(operation: Operation, arrays: tuple[Any, ...], kind: np.dtype, out: Any, options: dict[str, Any]) -> Any:
    """Compute the function in a type, with the conventions of the other plans of rows.

    Return NotImplemented where there is no formula.
    """
    if not hasattr(row_formulas, operation.name):
        return NotImplemented
    if current_target() == CUDA:
        raise TypeError(f"`{operation.name}` is computed in {kind}, for which there is no GPU kernel")
    given = {label: numpy.as_ndarray(x, label) for label, x in zip(operation.arrays, arrays, strict=False)}
    mask = numpy.mask_of(options.get("where"))
    shape = given[operation.like].shape if operation.is_gradient else numpy.common_shape(**given, where=mask)
    axes, full = axes_of(options["axis"], len(shape)), shape or (1,)
    for label, array in given.items():
        if label in operation.per_row:
            check_per_row(label, array.shape, shape, axes)
            given[label] = array.reshape(reduced_shape(full, axes))
        elif operation.is_gradient:
            check_shape(label, array.shape, operation.like, shape)
    if out is not None:
        numpy.check_out(out, kind)
        check_shape("out", out.shape, "the result", shape)
    rows = _Rows(full, axes, mask)
    with np.errstate(all="ignore"):
        if operation.kind is Kind.REDUCTION:
            final = final_shape(shape, axes, options["keepdims"]) if shape else ()
            with_sign = {"return_sign": True} if options.get("return_sign") else {}
            return _reduced(operation, rows, given, kind, final, with_sign)
        result = np.empty(full, kind)
        if result.size:
            operands = [rows.of(array, computed_in(kind), -np.inf) for array in given.values()]
            result = rows.back(getattr(row_formulas, operation.name)(*operands), kind)
        result = result.reshape(shape)
        if mask is not None:
            np.copyto(result, kind.type(operation.masked or 0.0), where=~mask)
        if out is None:
            return result[()]
        np.copyto(out, result, "same_kind")
        return out


def _reduced(
    operation: Operation,
    rows: _Rows,
    given: dict[str, np.ndarray],
    kind: np.dtype,
    shape: tuple[int, ...],
    with_sign: dict[str, Any],
) -> Any:
    """Compute a result for each row; where ``return_sign`` is given, of complex numbers the real part and the phase."""
    kinds = (np.empty(0, kind).real.dtype, kind) if with_sign else (kind,)
    made: Any = (operation.masked, 0)
    if math.prod(rows.shape):
        operands = {label: rows.of(x, computed_in(kind), 0 if label == "b" else -np.inf) for label, x in given.items()}
        made = getattr(row_formulas, operation.name)(**operands, **with_sign)
        made = [each.reshape(shape) for each in (made if with_sign else (made,))]
    results = [np.full(shape, each, of_each)[()] for each, of_each in zip(made, kinds, strict=False)]
    return tuple(results) if with_sign else results[0]
