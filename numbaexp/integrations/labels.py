"""Arrays that carry labels or a unit, of which NumPy has the elements: taken off before a call, and put back after."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from numbaexp.backends.registry import Interceptor
from numbaexp.engine import call
from numbaexp.engine.loss_problem import default_axis
from numbaexp.layout import axes_of
from numbaexp.operations import Kind, Operation


class Library(NamedTuple):
    """Describe a library of arrays with labels or units.

    classes : of its arrays.
    elements(array, argument, function) : the elements of an array, NumPy's or of another library; refuses what would be
        lost with the labels.
    wrapped(result, like, axes, keepdims) : a result with the labels that are left of those of an array, where the axes
        are gone.
    agree(array, like) : whether elements of two arrays at the same places have the same labels.
    into(out, function) : the elements that a result is written to; refuses what cannot take it.
    takes_ufuncs : whether its arrays compute elementwise functions themselves, by any ufunc.
    """

    classes: tuple[type, ...]
    elements: Callable[[Any, str, str], Any]
    wrapped: Callable[[Any, Any, tuple[int, ...], bool], Any]
    agree: Callable[[Any, Any], bool]
    into: Callable[[Any, str], Any]
    takes_ufuncs: bool


def refuse_out(out: Any, function: str) -> Any:
    """Refuse a labelled ``out``."""
    raise TypeError(f"`out` must be an array; got {type(out).__name__}")


def interceptor(library: Library) -> Interceptor:
    """Return the interceptor of calls on a library's arrays."""
    return functools.partial(_intercept, library)


def _intercept(
    library: Library, operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]
) -> Any:
    if operation.kind is Kind.ELEMENTWISE and library.takes_ufuncs:
        return NotImplemented
    labels, classes, function = operation.arrays, library.classes, operation.name
    given = {**dict(zip(labels, arrays, strict=True)), **options}
    owned = [argument for argument, array in given.items() if isinstance(array, classes)]
    elements = {**given, **{each: library.elements(given[each], each, function) for each in owned}}
    shape = np.shape(elements[operation.like])
    whole = [each for each in labels if each in owned and np.shape(elements[each]) == shape]
    # Of a user's function none is of rows, and arrays are broadcast.
    beside = owned if operation.is_custom else whole
    like = operation.like if operation.like in owned else next(iter(beside), None)
    for each in owned:
        # What is of another shape may be broadcast, by place, where labels would say otherwise; or is of rows.
        is_beside = each in whole or each in ("where", "b")
        if like is not None and is_beside and not library.agree(given[each], given[like]):
            raise ValueError(f"`{each}` must have the labels of `{like}`: align the two, or give the values alone")
    into = library.into(out, function) if isinstance(out, classes) else out
    values = tuple(elements.pop(each) for each in labels)
    if operation.is_custom:
        result = call.run_operation(operation, values, into, elements)
    else:
        result = call.run(function, values, into, elements)
    if out is not None or like is None:
        return result if out is None else out
    if operation.kind is Kind.SELECTION and not operation.is_gradient and np.ndim(result) == len(shape):
        return result  # several classes of each row have labels of their own
    axes = _lost_axes(operation, len(shape), options)
    keepdims = options.get("keepdims", False)
    if isinstance(result, tuple):
        return tuple(library.wrapped(each, given[like], axes, keepdims) for each in result)
    return library.wrapped(result, given[like], axes, keepdims)


def _lost_axes(operation: Operation, ndim: int, options: dict[str, Any]) -> tuple[int, ...]:
    """Return the axes of the array that the result is like which the result has not."""
    if operation.kind is Kind.REDUCTION or (operation.kind is Kind.SELECTION and not operation.is_gradient):
        return axes_of(options["axis"], ndim) if ndim else ()
    if operation.kind is Kind.LOSS and not operation.is_gradient:
        if options["reduction"] != "none":
            return axes_of(None, ndim)
        return axes_of(default_axis(ndim) if options["axis"] is None else options["axis"], ndim)
    return ()
