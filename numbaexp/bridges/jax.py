"""Calls of the public functions on arrays that JAX traces, to compile, differentiate or map over them."""

from typing import Any

import jax.numpy as jnp

from numbaexp.autograd.rules import rule_of
from numbaexp.bridges import jax_function
from numbaexp.layout import axes_of, final_shape
from numbaexp.losses_layout import problem
from numbaexp.owners.flow import library_of
from numbaexp.owners.jax import float_type
from numbaexp.owners.row_flow import refuse


def call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The public function ``name``, where an array among its arguments is traced."""
    rule, rest = rule_of(name), dict(kwargs)
    out, weight = rest.pop("out", None), rest.pop("weight", None)
    if out is not None:
        raise TypeError(
            f"`out` must not be given where JAX traces: its arrays cannot be changed; got {library_of(out)}"
        )
    options = {option: rest.pop(option) for option in rule.options if option in rest}
    given = dict(zip(rule.arguments, (jnp.asarray(array) for array in args), strict=False))
    if weight is not None:
        given["weight"] = jnp.asarray(weight)
    refuse(name, next(iter(given.values())), **rest)
    first = list(given)[1 if name.endswith("_backward") else 0]
    dtype = float_type(given[first], first)
    for argument, array in given.items():
        if argument == "weight":
            float_type(array, argument)
        elif argument != "targets":
            given[argument] = _converted(array, argument, dtype)
    if "reduction" in options:
        return _of_losses(name, given, options)
    if "axis" in options:
        return _of_rows(name, given, given[first], options)
    _check_shapes(given)
    return jax_function.call(name, list(given.values()), options)


def _converted(array: Any, argument: str, dtype: str) -> Any:
    """In the type that is computed in, of which weakly typed numbers are, as everywhere in JAX."""
    if not array.weak_type and float_type(array, argument) != dtype:
        raise TypeError(f"`{argument}` must be of the type of the other arrays, {dtype}; got {array.dtype}")
    return array.astype(dtype)


def _check_shapes(given: dict[str, Any]) -> None:
    first, last = next(iter(given)), next(reversed(given))
    if given[first].shape != given[last].shape:
        shapes = f"{given[last].shape}; got {given[first].shape}"
        raise ValueError(f"`{first}` must be of the shape of `{last}`, {shapes}")


def _of_rows(name: str, given: dict[str, Any], x: Any, options: dict[str, Any]) -> Any:
    """Along axes that are counted from the last."""
    if x.ndim == 0:
        row = {argument: array.reshape(1) for argument, array in given.items()}
        return _of_rows(name, row, x.reshape(1), options).reshape(())
    axes = axes_of(options["axis"], x.ndim)
    if name == "logsumexp_backward":
        accepted = [final_shape(x.shape, axes, keepdims) for keepdims in (False, True)]
        if given["grad_output"].shape not in accepted:
            shape = given["grad_output"].shape
            raise ValueError(f"`grad_output` must be of the shape {accepted[0]} or {accepted[1]}; got {shape}")
    else:
        _check_shapes(given)
    from_last = tuple(axis - x.ndim for axis in axes)
    options = {**options, "axis": from_last[0] if len(from_last) == 1 else from_last}
    return jax_function.call(name, list(given.values()), options)


def _of_losses(name: str, given: dict[str, Any], options: dict[str, Any]) -> Any:
    logits, targets = given["logits"], given["targets"]
    typed = (logits, str(logits.dtype)), (targets, str(targets.dtype))
    checked = problem(*typed, given.get("weight"), **options)
    if "grad_output" in given and given["grad_output"].shape != checked.loss_shape:
        shape = given["grad_output"].shape
        raise ValueError(f"`grad_output` must be of the shape of the loss, {checked.loss_shape}; got {shape}")
    options = {**options, "axis": checked.axis - logits.ndim}
    return jax_function.call(name, list(given.values()), options)
