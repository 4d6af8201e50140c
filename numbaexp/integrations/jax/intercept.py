"""Calls on arrays that JAX traces, to compile, differentiate or map over them."""

from typing import Any

import jax
import jax.numpy as jnp

from numbaexp.backends.jax import convert, float_type
from numbaexp.backends.promotion import float_named
from numbaexp.engine.checks import check_per_row, check_shape, check_type, library_of, refuse
from numbaexp.engine.loss_problem import check_grad, make_problem
from numbaexp.engine.selection import axis_of_index
from numbaexp.integrations.jax import function
from numbaexp.layout import axes_of
from numbaexp.operations import Kind, Operation

_Tracer = jax.core.Tracer
# JAX's own functions, which compute complex numbers.
_OF_COMPLEX = {
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "sigmoid": jax.lax.logistic,
    "softplus": lambda x: jnp.logaddexp(x, 0),
}


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Bind the function where an array is traced; let JAX compute complex numbers; else return NotImplemented."""
    x = arrays[0]
    # Keys of random numbers have types without a kind.
    is_complex = isinstance(x, jax.Array) and getattr(x.dtype, "kind", None) == "c"
    if is_complex and operation.name in _OF_COMPLEX and out is None:
        refuse(operation, x, options)
        return _OF_COMPLEX[operation.name](x)
    for array in (*arrays, out, *options.values()):
        if isinstance(array, _Tracer):
            return _bind(operation, arrays, out, options)
    return NotImplemented


def _bind(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    if out is not None:
        raise TypeError(
            f"`out` must not be given where JAX traces: its arrays cannot be changed; got {library_of(out)}"
        )
    given = {
        label: jnp.asarray(array) for label, array in zip(operation.arrays, arrays, strict=True) if array is not None
    }
    first = operation.arrays[0]
    if "dtype" in options:
        given[first] = convert(given[first], float_named(options["dtype"]))
        options = {name: value for name, value in options.items() if name != "dtype"}
    refuse(operation, given[first], options)
    like = operation.arrays[1 if operation.is_gradient else 0]
    dtype = float_type(given[like], like)
    for label, array in given.items():
        if label == "weight":
            float_type(array, label)
        elif label not in ("targets", "index"):
            given[label] = _converted(array, label, like, dtype)
    if operation.kind is Kind.LOSS:
        return _bind_loss(operation, given, options)
    if operation.kind is Kind.SELECTION:
        return _bind_selection(operation, given, options)
    if "axis" in options:
        return _bind_rows(operation, given, options)
    _check_shapes(operation, given)
    return function.call(operation.name, list(given.values()), options)


def _converted(array: Any, label: str, like: str, dtype: str) -> Any:
    """Convert an array to the type to compute in. Weakly typed numbers may be of other types, as in all of JAX."""
    if not array.weak_type:
        check_type(label, float_type(array, label), like, dtype)
    return array.astype(dtype)


def _check_shapes(operation: Operation, given: dict[str, Any]) -> None:
    first, last = next(iter(given)), list(given)[-1]
    check_shape(first, given[first].shape, last, given[last].shape)


def _bind_rows(operation: Operation, given: dict[str, Any], options: dict[str, Any]) -> Any:
    """Bind a function of rows, with axes counted from the last."""
    x = given[operation.like]
    if x.ndim == 0:
        row = {label: array.reshape(1) for label, array in given.items()}
        return _bind_rows(operation, row, options).reshape(())
    axes = axes_of(options["axis"], x.ndim)
    if operation.per_row:
        for label in operation.per_row:
            check_per_row(label, given[label].shape, x.shape, axes)
    else:
        _check_shapes(operation, given)
    from_last = tuple(axis - x.ndim for axis in axes)
    options = {**options, "axis": from_last[0] if len(from_last) == 1 else from_last}
    return function.call(operation.name, list(given.values()), options)


def _bind_loss(operation: Operation, given: dict[str, Any], options: dict[str, Any]) -> Any:
    logits, targets = given["logits"], given["targets"]
    typed = (logits, str(logits.dtype)), (targets, str(targets.dtype))
    problem = make_problem(*typed, given.get("weight"), **options)
    if operation.is_gradient:
        check_grad(problem, given["grad_output"].shape)
    options = {**options, "axis": problem.axis - logits.ndim}
    return function.call(operation.name, list(given.values()), options)


def _bind_selection(operation: Operation, given: dict[str, Any], options: dict[str, Any]) -> Any:
    logits, index = given["logits"], given["index"]
    axis = axis_of_index(logits.shape, index.shape, str(index.dtype), options["axis"])
    if operation.is_gradient:
        check_shape("grad_output", given["grad_output"].shape, "index", index.shape)
    return function.call(operation.name, list(given.values()), {**options, "axis": axis - logits.ndim})
