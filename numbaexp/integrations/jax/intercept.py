"""Calls on arrays that JAX traces, to compile, differentiate or map over them; and on small ones."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from numbaexp.backends.jax import convert, float_type
from numbaexp.backends.promotion import float_named
from numbaexp.custom.operation import CustomOperation
from numbaexp.engine.checks import check_per_row, check_shape, check_type, library_of, refuse
from numbaexp.engine.loss_problem import check_grad, make_problem
from numbaexp.engine.selection import axis_of_index
from numbaexp.integrations.jax import custom, function
from numbaexp.integrations.jax.small import Options, small
from numbaexp.layout import axes_of, final_shape
from numbaexp.operations import Kind, Operation

_Tracer = jax.core.Tracer
# JAX's own functions, which compute complex numbers.
_OF_COMPLEX = {
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "sigmoid": jax.lax.logistic,
    "softplus": lambda x: jnp.logaddexp(x, 0),
    "log": jnp.log,
    "log2": jnp.log2,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "log_sigmoid": lambda x: -jnp.logaddexp(-x, 0),
    "logit": lambda x: jnp.log(x / (1 - x)),
}


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Bind the function where an array is traced; let JAX compute complex numbers, and XLA small arrays; else return
    NotImplemented."""
    if isinstance(operation, CustomOperation):
        if any(isinstance(x, _Tracer) for x in arrays):
            _refuse(out)
        return custom.intercept(operation, arrays, out, options)
    x = arrays[0]
    # Keys of random numbers have types without a kind.
    is_complex = isinstance(x, jax.Array) and getattr(x.dtype, "kind", None) == "c"
    if is_complex and operation.name in _OF_COMPLEX and out is None:
        refuse(operation, x, options)
        return _OF_COMPLEX[operation.name](x)
    for array in (*arrays, out, *options.values()):
        if isinstance(array, _Tracer):
            return _bind(operation, arrays, out, options)
    compiled = small(operation, arrays, options, _compiled) if out is None else None
    return NotImplemented if compiled is None else compiled(*arrays)


@functools.cache
def _compiled(operation: Operation, options: Options) -> Any:
    """Return a function compiled by XLA."""

    def compute(*arrays: Any) -> Any:
        return _bind(operation, arrays, None, dict(options))

    compute.__name__ = operation.name
    return jax.jit(compute)


def _bind(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    _refuse(out)
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


def _refuse(out: Any) -> None:
    if out is not None:
        raise TypeError(
            f"`out` must not be given where JAX traces: its arrays cannot be changed; got {library_of(out)}"
        )


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
    if axes and axes[-1] - axes[0] >= len(axes):
        return _bind_moved(operation, given, options, axes)
    from_last = tuple(axis - x.ndim for axis in axes)
    options = {**options, "axis": from_last[0] if len(from_last) == 1 else from_last}
    return function.call(operation.name, list(given.values()), options)


def _bind_moved(operation: Operation, given: dict[str, Any], options: dict[str, Any], axes: tuple[int, ...]) -> Any:
    """Bind a function of rows along axes that are not next to each other, moved to the end."""
    shape = given[operation.like].shape
    others = [axis for axis in range(len(shape)) if axis not in axes]
    order = [*others, *axes]
    moved = {
        label: array.reshape([shape[axis] for axis in others]) if label in operation.per_row else array.transpose(order)
        for label, array in given.items()
    }
    keepdims = options.get("keepdims")
    options = {**options, "axis": tuple(range(-len(axes), 0)), **({} if keepdims is None else {"keepdims": False})}
    result = _bind_rows(operation, moved, options)
    if operation.kind is Kind.REDUCTION:
        return result.reshape(final_shape(shape, axes, bool(keepdims)))
    return result.transpose(np.argsort(order))


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
